//! A certificate, or another DER value, as base64 without the lines around it that PEM has.

use zeroize::Zeroize;

use super::place::Place;
use super::text::{self, TextLines};
use super::{Format, HEAD, Head, Input, Outcome, der, nested};
use crate::record::{Code, Lineage, Reject, Sink, Stage};

/// Longest text read, in bytes after decoding from UTF-16.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// A file of bare base64.
pub static FORMAT: Format = Format {
    name: "bare_base64",
    title: "Base64 of a certificate or PKCS#7, without PEM lines",
    usual_names: "*.cer, *.b64, *.txt",
    yields: "the certificates of the decoded value; other values are skipped by name",
    source: "RFC 4648 section 4",
    sniff: is_base64,
    read: Some(read),
    unpack: None,
    border: None,
};

/// Base64 characters and white space alone, and a DER value that is known by its beginning.
fn is_base64(head: &Head<'_>) -> bool {
    let text = text::head(head);
    let is_alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    if text.trim_ascii_start().first() != Some(&b'M') || !text.iter().all(|b| is_alphabet(b) || b.is_ascii_whitespace())
    {
        return false;
    }
    let mut start: Vec<u8> = text.iter().copied().filter(is_alphabet).take(HEAD).collect();
    // Whole groups of four only; padding can stand at the very end alone.
    start.truncate(start.len() / 4 * 4);
    base64_simd::forgiving_decode_inplace(&mut start).is_ok_and(|bytes| der::kind(bytes).is_some())
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::new(input.window, input.setting.max_line);
    let mut base64 = Vec::new();
    let mut offset = None;
    while let Some(line) = lines.line() {
        let start = *offset.get_or_insert(line.offset);
        if line.too_long || base64.len() + line.text.len() > MAX_TEXT {
            let message = "the base64 text is longer than 16 MiB";
            sink.reject(Reject::lost(Lineage::at(start), Stage::Read, Code::TooLarge, message));
            return Outcome::Failed;
        }
        base64.extend_from_slice(line.text.as_bytes());
    }
    let offset = offset.unwrap_or_default();
    match base64_simd::forgiving_decode_inplace(&mut base64) {
        Ok(bytes) => {
            let outcome = nested::push(bytes, &mut Place::in_block(offset), input.setting, sink);
            bytes.zeroize();
            outcome
        }
        Err(_) => {
            let message = "the base64 text cannot be decoded";
            sink.reject(Reject::lost(Lineage::at(offset), Stage::Decode, Code::BadBase64, message));
            Outcome::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{read_all, sample};

    #[test]
    fn a_certificate_and_a_chain_are_read_whatever_the_white_space() {
        let bytes = sample("bare_base64", "ec-leaf.b64");
        let seen = read_all(&FORMAT, &bytes, "x");
        assert_eq!(seen.observations.len(), 1);
        assert_eq!(seen.observations[0].der.as_deref(), Some(&sample("certificate_der", "ec-leaf.cer")[..]));
        let spaced: Vec<u8> = bytes.iter().flat_map(|b| [*b, b' ', b'\t']).collect();
        assert_eq!(read_all(&FORMAT, &spaced, "x").observations[0].der, seen.observations[0].der);
        let chain = read_all(&FORMAT, &sample("bare_base64", "chain-utf16.b64"), "x");
        assert_eq!(chain.observations.iter().map(|o| o.lineage.part).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(chain.observations.iter().all(|o| o.lineage.byte_offset == 2));
    }

    #[test]
    fn broken_text_is_lost() {
        assert_eq!(read_all(&FORMAT, b"MIIC!", "x").lost(), [Code::BadBase64]);
        assert_eq!(read_all(&FORMAT, b"MIIC", "x").lost(), [Code::BadCertificate]);
        let text = sample("bare_base64", "ec-leaf.b64");
        let head = Head { bytes: &[&text[..], b"!"].concat(), complete: true, len: None };
        assert!(!is_base64(&head));
    }
}
