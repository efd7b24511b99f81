//! Content that was decoded from PEM or base64: sniffed again and read as what it is.
//!
//! `certutil -encode` writes `BEGIN CERTIFICATE` around any file, so a label promises nothing.

use super::der::{self, Kind};
use super::place::Place;
use super::{HEAD, Head, Outcome, Setting, element, pkcs7, pkcs12, private_key, request, sst};
use crate::input::Window;
use crate::record::{Code, PrivateKeyKind, Reject, RequestKind, Sink, Stage};

/// Pushes what the decoded `bytes` hold: certificates and requests are read, everything else known is skipped by its
/// name, and what is nothing known is a lost record. What stays closed for want of a password is [`Outcome::Locked`]; any
/// other trouble was told as rejects.
pub(crate) fn push(bytes: &[u8], place: &mut Place, setting: &Setting, sink: &mut dyn Sink) -> Outcome {
    match der::kind(bytes) {
        Some(Kind::Certificate) => sink.observation(&der::observation(bytes, place.next(0))),
        Some(Kind::SignedData | Kind::CmcRequest | Kind::CmcResponse | Kind::Ctl) => {
            pkcs7::push(bytes, place, sink);
        }
        Some(Kind::Pkcs10) => request::push(bytes, &[], place.next(0), RequestKind::Pkcs10, sink),
        Some(Kind::Pkcs12) => {
            let outcome = pkcs12::push(bytes, place, &setting.passwords, sink);
            return if outcome == Outcome::Locked { outcome } else { Outcome::Complete };
        }
        _ if private_key::is_key(bytes) => {
            private_key::push(bytes, PrivateKeyKind::Other, false, place.next(0), sink);
        }
        Some(other) => sink.skip(other.skip_reason()),
        None if sst::is_store(bytes) => {
            sst::read_store(&mut Window::new(bytes, 0), place, sink);
        }
        // One that is damaged is a reject, as it is in a file.
        None if element::is_element(bytes) || element::begins_beyond_doubt(bytes) => {
            element::push_value(bytes, element::Setting::ELEMENT, place.next(0), sink);
        }
        None => push_other(bytes, place, sink),
    }
    Outcome::Complete
}

fn push_other(bytes: &[u8], place: &mut Place, sink: &mut dyn Sink) {
    let head =
        Head { bytes: &bytes[..bytes.len().min(HEAD)], complete: bytes.len() <= HEAD, len: Some(bytes.len() as u64) };
    match super::sniff(&head) {
        Some(format) if !bytes.is_empty() => sink.skip(format.name),
        _ => {
            let message = "the decoded block is neither a certificate nor anything else known";
            sink.reject(Reject::lost(place.next(0), Stage::Decode, Code::BadCertificate, message));
        }
    }
}
