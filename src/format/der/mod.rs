//! One X.509 certificate in DER, the usual `.cer` or `.crt` file. It can say nothing of a key.

use super::{Format, Head, Input, Outcome};
use crate::der;
use crate::input::Window;
use crate::record::{Body, CertificateRef, Code, Lineage, Observation, Reject, Sink, Stage};

mod kind;

pub use kind::Kind;
pub(crate) use kind::{DATA, PKI_DATA, PKI_RESPONSE, TRUST_LIST, kind, open};

/// Largest certificate read. Real ones have a few kilobytes, post-quantum ones under a hundred.
pub(crate) const MAX_CERTIFICATE: usize = 16 * 1024 * 1024;

/// A certificate file.
pub static CERTIFICATE: Format = Format {
    name: "certificate_der",
    title: "X.509 certificate (DER)",
    usual_names: "*.cer, *.crt, *.der",
    yields: "one certificate; bytes after it are reported",
    source: "RFC 5280 section 4.1",
    sniff: is_certificate,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_certificate(head: &Head<'_>) -> bool {
    kind(head.bytes) == Some(Kind::Certificate)
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let lineage = Lineage::at(input.window.offset());
    match whole_value(input.window) {
        Extent::Whole(bytes) => {
            sink.observation(&observation(bytes, lineage));
            Outcome::Complete
        }
        Extent::Cut => {
            sink.reject(Reject::lost(lineage, Stage::Read, Code::Truncated, "the file ends inside the certificate"));
            Outcome::Incomplete
        }
        Extent::TooLarge => {
            sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, "the certificate is larger than 16 MiB"));
            Outcome::Failed
        }
    }
}

/// What stands at the start of a window.
pub(crate) enum Extent<'w> {
    /// A whole value, and what follows it as far as the limit allows.
    Whole(&'w [u8]),
    /// A value that the source ends inside of.
    Cut,
    /// A value over [`MAX_CERTIFICATE`].
    TooLarge,
}

/// The value at the start of the window, with what follows it as far as the limit allows.
pub(crate) fn whole_value<'w>(window: &'w mut Window<'_>) -> Extent<'w> {
    let bytes = window.fill(MAX_CERTIFICATE);
    let bytes = &bytes[..bytes.len().min(MAX_CERTIFICATE)];
    if der::read(bytes).is_some() {
        return Extent::Whole(bytes);
    }
    match der::header(bytes) {
        Some((_, header, Some(length))) if length.saturating_add(header as u64) > MAX_CERTIFICATE as u64 => {
            Extent::TooLarge
        }
        _ => Extent::Cut,
    }
}

/// An observation of a certificate of which nothing else is known.
pub(crate) fn observation(bytes: &[u8], lineage: Lineage) -> Observation<'_> {
    let certificate = CertificateRef { body: Body::Der(bytes), ..CertificateRef::default() };
    Observation { lineage, certificate, ..Observation::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{read_all, sample};
    use crate::record::KeyReport;

    #[test]
    fn a_certificate_is_one_observation_without_a_word_on_its_key() {
        for name in ["rsa-leaf.cer", "ec-leaf.cer", "ca.cer", "odd-negative-serial.cer"] {
            let bytes = sample("certificate_der", name);
            let seen = read_all(&CERTIFICATE, &bytes, name);
            assert_eq!(seen.outcome, Outcome::Complete);
            assert_eq!(seen.observations.len(), 1, "{name}");
            assert_eq!(seen.observations[0].der.as_deref(), Some(&bytes[..]));
            assert_eq!(seen.observations[0].claims.key_report, KeyReport::NotReported);
        }
    }

    #[test]
    fn trailing_bytes_travel_with_the_certificate() {
        let mut bytes = sample("certificate_der", "ec-leaf.cer");
        bytes.extend([0; 7]);
        let seen = read_all(&CERTIFICATE, &bytes, "x.cer");
        assert_eq!(seen.observations[0].der.as_deref(), Some(&bytes[..]));
    }

    #[test]
    fn a_truncated_certificate_is_lost_and_said_so() {
        let bytes = sample("certificate_der", "rsa-leaf.cer");
        let seen = read_all(&CERTIFICATE, &bytes[..bytes.len() - 1], "x.cer");
        assert_eq!(seen.outcome, Outcome::Incomplete);
        assert_eq!(seen.lost(), [Code::Truncated]);
        let huge = [&[0x30, 0x84, 0x7f, 0, 0, 0][..], &bytes[4..]].concat();
        assert_eq!(read_all(&CERTIFICATE, &huge, "x.cer").lost(), [Code::TooLarge]);
    }
}
