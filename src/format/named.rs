//! Neighbours of certificates that say nothing of a key: understood, named, and skipped by their names.
//!
//! Their certificates are read where they hold some: a trust list and a CMC response are signedData (see
//! [`super::pkcs7`]). The others are passed over without being kept, so a revocation list may have any size.

use super::der::{self, Kind};
use super::{Format, Head, Input, Outcome, pkcs7};
use crate::input::MAX_WINDOW;
use crate::record::{Code, Lineage, Reject, Sink, Stage};

/// Certificate revocation list.
pub static CRL: Format = Format {
    name: "crl",
    title: "Certificate revocation list (DER)",
    usual_names: "*.crl",
    yields: "nothing; counted as skipped: crl",
    source: "RFC 5280 section 5",
    sniff: |head| is(head, Kind::Crl),
    read: Some(|input, sink| pass_over(input, Kind::Crl, sink)),
    unpack: None,
    border: None,
};

/// Attribute certificate, for instance of a TPM's platform.
pub static ATTRIBUTE_CERTIFICATE: Format = Format {
    name: "attribute_certificate",
    title: "X.509 attribute certificate (DER)",
    usual_names: "*.cer (TPM platform)",
    yields: "nothing; counted as skipped: attribute_certificate",
    source: "RFC 5755",
    sniff: |head| is(head, Kind::AttributeCertificate),
    read: Some(|input, sink| pass_over(input, Kind::AttributeCertificate, sink)),
    unpack: None,
    border: None,
};

/// Public key.
pub static PUBLIC_KEY: Format = Format {
    name: "public_key",
    title: "Public key (DER)",
    usual_names: "*.pub, *.der",
    yields: "nothing; counted as skipped: public_key",
    source: "RFC 5280 section 4.1.2.7",
    sniff: |head| is(head, Kind::PublicKey),
    read: Some(|input, sink| pass_over(input, Kind::PublicKey, sink)),
    unpack: None,
    border: None,
};

/// Certificate trust list.
pub static CTL: Format = Format {
    name: "ctl",
    title: "Certificate trust list",
    usual_names: "*.stl, *.ctl",
    yields: "the certificates that come with it; the list itself is counted as skipped: ctl",
    source: "MS-CAESO 1.3.6.1.4.1.311.10.1; RFC 5652",
    sniff: |head| is(head, Kind::Ctl),
    read: Some(pkcs7::read),
    unpack: None,
    border: None,
};

/// Answer of a certification authority.
pub static CMC_RESPONSE: Format = Format {
    name: "cmc_response",
    title: "CMC response",
    usual_names: "*.rsp",
    yields: "the certificates that come with it; the response itself is counted as skipped: cmc_response",
    source: "RFC 5272 section 3",
    sniff: |head| is(head, Kind::CmcResponse),
    read: Some(pkcs7::read),
    unpack: None,
    border: None,
};

fn is(head: &Head<'_>, wanted: Kind) -> bool {
    der::kind(head.bytes) == Some(wanted)
}

/// Counts one value without keeping it.
fn pass_over(input: Input<'_, '_>, kind: Kind, sink: &mut dyn Sink) -> Outcome {
    const LONGEST_HEADER: usize = 16;
    let window = input.window;
    let lineage = Lineage::at(window.offset());
    let is_whole = match crate::der::header(window.fill(LONGEST_HEADER)) {
        Some((_, header, Some(length))) => {
            let total = length.saturating_add(header as u64);
            window.skip(total) == total
        }
        // Where an indefinite length ends is known by reading all of it.
        _ => {
            let bytes = window.fill(MAX_WINDOW);
            match crate::der::read(bytes).map(|value| value.total) {
                Some(total) => {
                    window.consume(total);
                    true
                }
                None if bytes.len() >= MAX_WINDOW => {
                    let message = "a value of indefinite length is as large as 64 MiB";
                    sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
                    return Outcome::Failed;
                }
                None => false,
            }
        }
    };
    if !is_whole {
        sink.reject(Reject::lost(lineage, Stage::Read, Code::Truncated, "the file ends inside its only value"));
        return Outcome::Incomplete;
    }
    sink.skip(kind.skip_reason());
    let trailing = window.skip(u64::MAX);
    if trailing > 0 {
        sink.reject(super::trailing_bytes(lineage, trailing));
    }
    Outcome::Complete
}
