//! PKCS#7 `signedData` as a bag of certificates (`.p7b`, `.p7c`): no properties, so no word on any key.
//!
//! DER and BER (indefinite lengths) are read, and a truncated file yields the certificates that are complete.
//! Signatures are not looked at. Of signed content, only certificate requests are read; a trust list and an authority's
//! response are named.

use std::borrow::Cow;

use super::der::{self, DATA, Kind, PKI_DATA, PKI_RESPONSE, TRUST_LIST, open};
use super::place::{Place, position};
use super::request::{self, cmc};
use super::{Format, Head, Input, Outcome};
use crate::der::{Items, tag};
use crate::input::MAX_WINDOW;
use crate::record::{Code, Lineage, Reject, RequestKind, Sink, Stage};

/// Certificates in PKCS#7.
pub static FORMAT: Format = Format {
    name: "pkcs7",
    title: "PKCS#7 certificates (DER or BER)",
    usual_names: "*.p7b, *.p7c, *.p7s, *.spc",
    yields: "every certificate, and a PKCS#10 request that was signed; CRLs and other content are skipped",
    source: "RFC 5652 section 5.1 (PKCS #7 1.5, RFC 2315)",
    sniff: is_signed_data,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_signed_data(head: &Head<'_>) -> bool {
    der::kind(head.bytes) == Some(Kind::SignedData)
}

/// Reads a message of any content.
pub(crate) fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let offset = input.window.offset();
    let bytes = input.window.fill(MAX_WINDOW);
    if bytes.len() >= MAX_WINDOW {
        let message = "the message is as large as 64 MiB";
        sink.reject(Reject::lost(Lineage::at(offset), Stage::Read, Code::TooLarge, message));
        return Outcome::Failed;
    }
    push(bytes, &mut Place::in_source(offset), sink)
}

/// The parts of signedData that matter here.
struct Parts<'a> {
    /// eContentType, content octets of the OID.
    kind: &'a [u8],
    /// `[0]` with the signed content, where there is one.
    content: Option<&'a [u8]>,
    /// `[0]` certificates and `[1]` revocation lists, in the order of the message.
    sets: &'a [u8],
    /// Bytes after the message.
    trailing: &'a [u8],
}

fn parts(bytes: &[u8]) -> Option<Parts<'_>> {
    let (info, trailing) = open(bytes, tag::SEQUENCE)?;
    let signed = match open(info, tag::OID) {
        Some((_oid, explicit)) => open(open(explicit, tag::CONTEXT_0)?.0, tag::SEQUENCE)?.0,
        None => info,
    };
    let (_version, rest) = open(signed, tag::INTEGER)?;
    // Wine leaves both the ContentInfo and an empty set of digests out.
    let rest = open(rest, tag::SET).map_or(rest, |(_digests, after)| after);
    let (encapsulated, sets) = open(rest, tag::SEQUENCE)?;
    let (kind, content) = open(encapsulated, tag::OID)?;
    // Octets of 0 end an indefinite length around nothing.
    let content = (!content.is_empty() && content.first() != Some(&0)).then_some(content);
    Some(Parts { kind, content, sets, trailing })
}

/// Pushes every certificate of a `signedData` message.
pub(crate) fn push(bytes: &[u8], place: &mut Place, sink: &mut dyn Sink) -> Outcome {
    let complete = crate::der::read(bytes).is_some();
    let Some(parts) = parts(bytes) else {
        let (code, outcome) = match complete {
            true => (Code::BadStructure, Outcome::Failed),
            false => (Code::Truncated, Outcome::Incomplete),
        };
        let message = "the message has no readable list of certificates";
        sink.reject(Reject::lost(place.next(0), Stage::Read, code, message));
        return outcome;
    };
    push_content(bytes, &parts, complete, place, sink);
    let mut rest = parts.sets;
    for (set, push_item) in [(tag::CONTEXT_0, push_certificate as PushItem), (tag::CONTEXT_1, push_revocation)] {
        let Some((content, after)) = open(rest, set) else { continue };
        let mut items = Items::new(content);
        loop {
            if sink.stopped() {
                return Outcome::Incomplete;
            }
            let left = items.rest();
            // A tag of 0 ends something of indefinite length around a set that was cut off.
            let Some(item) = items.next().filter(|item| item.tag != 0) else { break };
            push_item(&left[..item.total], place, position(bytes, left), sink);
        }
        if complete && !items.rest().is_empty() {
            let message = "the list holds bytes that are not a DER value";
            let at = position(bytes, items.rest());
            sink.reject(Reject::lost(place.next(at), Stage::Read, Code::BadStructure, message));
        }
        rest = after;
    }
    // Signers, or nothing.
    let unknown = open(rest, tag::SET).map_or(rest, |(_signers, after)| after);
    if complete && !unknown.is_empty() {
        let message =
            "the message holds something that signedData has no place for; content or certificates may be missing";
        let at = position(bytes, unknown);
        sink.reject(Reject::lost(place.next(at), Stage::Read, Code::BadStructure, message));
    }
    if !complete {
        let message = "the message ends early; certificates may be missing";
        sink.reject(Reject::lost(place.next(bytes.len() as u64), Stage::Read, Code::Truncated, message));
        return Outcome::Incomplete;
    }
    if !parts.trailing.is_empty() {
        let at = position(bytes, parts.trailing);
        sink.reject(super::trailing_bytes(place.next(at), parts.trailing.len() as u64));
    }
    Outcome::Complete
}

/// Pushes the request that is the content, or skips the content by its type.
fn push_content(bytes: &[u8], parts: &Parts<'_>, is_whole: bool, place: &mut Place, sink: &mut dyn Sink) {
    let octets = parts.content.and_then(octets);
    match (parts.kind, octets) {
        (PKI_RESPONSE, _) => sink.skip(Kind::CmcResponse.skip_reason()),
        (TRUST_LIST, _) => sink.skip(Kind::Ctl.skip_reason()),
        (PKI_DATA, octets) => {
            let octets = octets.unwrap_or_default();
            let at = position(bytes, parts.content.unwrap_or_default());
            let is_in_place = matches!(octets, Cow::Borrowed(_));
            let message = cmc::Message { bytes, content: &octets, at, is_in_place, sets: parts.sets, is_whole };
            cmc::push(&message, place, sink);
        }
        (DATA, Some(octets)) => match der::kind(&octets) {
            // A cut request goes with the rest of its message.
            Some(Kind::Pkcs10) if is_whole || crate::der::read(&octets).is_some() => {
                let at = position(
                    bytes,
                    if let Cow::Borrowed(octets) = octets { octets } else { parts.content.unwrap_or_default() },
                );
                request::push(&octets, &[], place.next(at), RequestKind::Renewal, sink);
            }
            Some(Kind::Pkcs10) => {}
            Some(Kind::SignedData | Kind::CmcRequest | Kind::CmcResponse | Kind::OtherCms) => sink.skip("nested_cms"),
            _ => sink.skip("signed_content"),
        },
        _ if parts.content.is_some() => sink.skip("signed_content"),
        _ => {}
    }
}

/// The octets of `[0]`: of an OCTET STRING, in BER perhaps in pieces, or any other value of PKCS #7 1.5.
fn octets(explicit: &[u8]) -> Option<Cow<'_, [u8]>> {
    const CONSTRUCTED: u8 = tag::OCTET_STRING | 0x20;
    let (content, _) = open(explicit, tag::CONTEXT_0)?;
    match *content.first()? {
        tag::OCTET_STRING => open(content, tag::OCTET_STRING).map(|(octets, _)| Cow::Borrowed(octets)),
        CONSTRUCTED => {
            let pieces = Items::new(open(content, CONSTRUCTED)?.0).take_while(|piece| piece.tag == tag::OCTET_STRING);
            Some(Cow::Owned(pieces.flat_map(|piece| piece.content).copied().collect()))
        }
        _ => Some(Cow::Borrowed(content)),
    }
}

type PushItem = fn(&[u8], &mut Place, u64, &mut dyn Sink);

/// One CertificateChoices (RFC 5652 section 10.2.2).
fn push_certificate(item: &[u8], place: &mut Place, at: u64, sink: &mut dyn Sink) {
    match item.first() {
        Some(&tag::SEQUENCE) => sink.observation(&der::observation(item, place.next(at))),
        Some(0xa0) => sink.skip("extended_certificate"),
        Some(0xa1 | 0xa2) => sink.skip(Kind::AttributeCertificate.skip_reason()),
        Some(0xa3) => sink.skip("other_certificate"),
        _ => {
            let message = "an entry of the list is not a certificate of any kind";
            sink.reject(Reject::lost(place.next(at), Stage::Read, Code::BadStructure, message));
        }
    }
}

/// One RevocationInfoChoice (RFC 5652 section 10.2.1).
fn push_revocation(item: &[u8], _: &mut Place, _: u64, sink: &mut dyn Sink) {
    sink.skip(if item.first() == Some(&tag::SEQUENCE) { Kind::Crl.skip_reason() } else { "other_revocation" });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{corpus, read_all, sample};

    #[test]
    fn every_certificate_is_observed_where_it_lies() {
        let bytes = sample("pkcs7", "chain.p7b");
        let seen = read_all(&FORMAT, &bytes, "chain.p7b");
        assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Complete, 3));
        for observation in &seen.observations {
            let at = observation.lineage.byte_offset as usize;
            let der = observation.der.as_deref().unwrap_or_default();
            assert_eq!(bytes.get(at..at + der.len()), Some(der));
        }
        let ca = sample("certificate_der", "ca.cer");
        assert!(seen.observations.iter().any(|o| o.der.as_deref() == Some(&ca[..])));
    }

    #[test]
    fn a_message_without_its_wrapper_is_read() {
        let ca = sample("certificate_der", "ca.cer");
        let list = [&[0xa0, 0x82, (ca.len() >> 8) as u8, ca.len() as u8][..], &ca].concat();
        let body = [&[2, 1, 0, 0x30, 2, 6, 0][..], &list].concat();
        let bare = [&[0x30, 0x82, (body.len() >> 8) as u8, body.len() as u8][..], &body].concat();
        let seen = read_all(&FORMAT, &bare, "bare.p7b");
        assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Complete, 1));
        assert_eq!(seen.observations[0].der.as_deref(), Some(&ca[..]));
    }

    #[test]
    fn an_empty_message_is_complete_and_has_no_records() {
        let seen = read_all(&FORMAT, &sample("pkcs7", "empty.p7b"), "empty.p7b");
        assert_eq!((seen.outcome, seen.records()), (Outcome::Complete, 0));
    }

    #[test]
    fn revocation_lists_and_other_choices_are_skipped_by_name() {
        let item = |tag: u8| [tag, 2, 5, 0];
        let lists = [&[0xa0, 16][..], &item(0x30), &item(0xa1), &item(0xa2), &item(0xa3)].concat();
        let lists = [&lists[..], &[0xa1, 8], &item(0x30), &item(0xa1)].concat();
        let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7];
        // BER: every length indefinite.
        let open = [
            &[0x30, 0x80][..],
            &oid,
            &[2, 0xa0, 0x80, 0x30, 0x80, 2, 1, 1, 0x31, 0, 0x30, 0x80],
            &oid,
            &[1, 0xa0, 3, 4, 1, 9, 0, 0],
            &lists,
            &[0x31, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let seen = read_all(&FORMAT, &open, "ber.p7b");
        assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Complete, 1));
        let names: Vec<_> = seen.skips.iter().map(|(name, count)| (*name, *count)).collect();
        let expected = [
            ("attribute_certificate", 2),
            ("crl", 1),
            ("other_certificate", 1),
            ("other_revocation", 1),
            ("signed_content", 1),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_truncated_message_keeps_what_is_complete() {
        let bytes = sample("pkcs7", "chain.p7b");
        let seen = read_all(&FORMAT, &bytes[..bytes.len() - 300], "chain.p7b");
        assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Incomplete, 2));
        assert_eq!(seen.lost(), [Code::Truncated]);
        let mut padded = bytes.clone();
        padded.extend([0; 5]);
        let seen = read_all(&FORMAT, &padded, "chain.p7b");
        assert_eq!(seen.degraded(), [Code::TrailingBytes]);
        assert_eq!(seen.observations.len(), 3);
    }

    #[test]
    fn corpus_messages_hold_what_the_manifest_says() {
        for entry in corpus(|file| file.ends_with(".p7b")) {
            let expected = entry.yields.split(' ').next().and_then(|n| n.parse().ok());
            let seen = read_all(&FORMAT, &entry.bytes, "x.p7b");
            assert_eq!(Some(seen.observations.len()), expected, "{}", entry.file);
            assert_eq!(seen.outcome, Outcome::Complete, "{}", entry.file);
        }
    }
}
