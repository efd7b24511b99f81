//! PEM: base64 blocks between `-----BEGIN LABEL-----` and `-----END LABEL-----`, with any text around them.
//!
//! Read line by line, one block at a time, so a bundle of any size needs the memory of its largest block. A label
//! promises nothing (`certutil -encode` writes `BEGIN CERTIFICATE` around any file), so blocks are decoded and
//! read as what they are; only blocks that hold parameters by their label are never even kept. Private keys are told as
//! findings, and their text is overwritten.

use zeroize::Zeroize;

use super::place::Place;
use super::text::{self, TextLine, TextLines};
use super::{Border, Format, Head, Input, Outcome, Setting, adcs, der, nested, private_key};
use crate::input::Window;
use crate::record::{Code, Lineage, PrivateKeyKind, Reject, Severity, Sink, Stage};

/// Largest block read, in characters of base64.
const MAX_BLOCK: usize = 16 * 1024 * 1024;
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// PEM text.
pub static FORMAT: Format = Format {
    name: "pem",
    title: "PEM",
    usual_names: "*.pem, *.crt, *.cer, *.p7b, *.txt",
    yields: "every certificate, also inside PKCS#7; certificate requests; private keys as findings; CRLs are skipped by name",
    source: "RFC 7468, RFC 1421 section 4.4",
    sniff: is_pem,
    read: Some(read),
    unpack: None,
    border: Some(Border::Near(border)),
};

fn is_pem(head: &Head<'_>) -> bool {
    let text = text::head(head);
    memchr::memmem::find_iter(&text, BEGIN).any(|at| is_line_start(&text[..at])) && !adcs::is_view(head)
}

/// Whether a line starts after `before`, or only blanks stand between.
fn is_line_start(before: &[u8]) -> bool {
    matches!(without_indent(before).last(), None | Some(b'\n'))
}

/// `before` without the blanks at its end.
fn without_indent(before: &[u8]) -> &[u8] {
    let blanks = before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    &before[..before.len() - blanks]
}

/// The first line after the start of the window that opens a block. A BEGIN line always starts a record, even
/// inside an open block, so such a line is a border wherever it stands. UTF-16 is not cut.
fn border(window: &mut Window<'_>) -> Option<u64> {
    // A piece holds the pattern with some indentation; pieces overlap by that much.
    const STEP: usize = 64 * 1024;
    const OVERLAP: usize = 256;
    loop {
        let base = window.offset();
        let bytes = window.fill(STEP + OVERLAP);
        for at in memchr::memmem::find_iter(bytes, BEGIN) {
            let before = without_indent(&bytes[..at]);
            if before.last() == Some(&b'\n') {
                return Some(base + before.len() as u64);
            }
        }
        let len = bytes.len();
        if len <= OVERLAP {
            return None;
        }
        window.consume(len - OVERLAP);
        if window.fill(STEP + OVERLAP).len() <= OVERLAP {
            return None;
        }
    }
}

/// What is done with a block, by its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// A private key, of the kind that the label names. Its text is overwritten after it was looked at.
    PrivateKey(PrivateKeyKind),
    /// Decode it and read what it is.
    Read,
    /// Decode it, and drop OpenSSL's trust settings, which follow the certificate.
    ReadFirstValue,
    /// Count it under this reason and keep nothing of it.
    Skip(&'static str),
}

fn treatment(label: &str) -> Treatment {
    match label {
        "TRUSTED CERTIFICATE" => Treatment::ReadFirstValue,
        _ if label.starts_with("PGP ") => Treatment::Skip("pgp"),
        // A key that a TPM has wrapped for itself alone (tpm2-tss-engine, tpm2-openssl).
        "TSS2 PRIVATE KEY" => Treatment::Skip("tpm_wrapped_key"),
        _ if label.contains("PRIVATE KEY") => Treatment::PrivateKey(key_kind(label)),
        _ if label.contains("PUBLIC KEY") => Treatment::Skip("public_key"),
        _ if label.ends_with("DH PARAMETERS") => Treatment::Skip("dh_parameters"),
        "EC PARAMETERS" => Treatment::Skip("ec_parameters"),
        "DSA PARAMETERS" => Treatment::Skip("dsa_parameters"),
        "SSL SESSION PARAMETERS" => Treatment::Skip("ssl_session"),
        _ => Treatment::Read,
    }
}

fn key_kind(label: &str) -> PrivateKeyKind {
    match label {
        "PRIVATE KEY" => PrivateKeyKind::Pkcs8,
        "ENCRYPTED PRIVATE KEY" => PrivateKeyKind::EncryptedPkcs8,
        "RSA PRIVATE KEY" => PrivateKeyKind::Pkcs1,
        "EC PRIVATE KEY" => PrivateKeyKind::Sec1,
        "DSA PRIVATE KEY" => PrivateKeyKind::Dsa,
        "OPENSSH PRIVATE KEY" => PrivateKeyKind::OpenSsh,
        _ => PrivateKeyKind::Other,
    }
}

/// The algorithm that a kind of key stands for.
fn key_algorithm(kind: PrivateKeyKind) -> Option<&'static str> {
    match kind {
        PrivateKeyKind::Pkcs1 => Some("rsa"),
        PrivateKeyKind::Sec1 => Some("ec"),
        PrivateKeyKind::Dsa => Some("dsa"),
        _ => None,
    }
}

/// A block that was opened and not yet closed; its base64 is collected outside.
struct Block {
    offset: u64,
    treatment: Treatment,
    /// Inside the RFC 1421 headers, which end at an empty line.
    in_headers: bool,
    /// A header says that the content is encrypted (RFC 1421 section 4.6.1.1, as OpenSSL uses it).
    is_encrypted: bool,
    too_large: bool,
}

struct Reader<'s> {
    sink: &'s mut dyn Sink,
    setting: &'s Setting,
    block: Option<Block>,
    base64: Vec<u8>,
    outcome: Outcome,
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::new(input.window, input.setting.max_line);
    let mut reader =
        Reader { sink, setting: input.setting, block: None, base64: Vec::new(), outcome: Outcome::Complete };
    while let Some(line) = lines.line() {
        if reader.block.is_none() && reader.sink.stopped() {
            return Outcome::Incomplete;
        }
        reader.line(&line);
    }
    if reader.block.is_some() {
        reader.cut();
        reader.outcome = Outcome::Incomplete;
    }
    reader.outcome
}

impl Reader<'_> {
    /// Takes one line. Files concatenated without a line end have an END and a BEGIN on one line, and copies that
    /// lost their line ends have whole blocks on one.
    fn line(&mut self, line: &TextLine<'_>) {
        if let Some(block) = self.block.as_mut().filter(|_| line.too_long) {
            block.too_large = true;
        }
        let (mut at, mut known) = (0, (0, line.offset));
        while let Some(rest) = line.text.get(at..) {
            let step = match self.block {
                None => self.outside(line, &mut known, at, rest),
                Some(_) => self.inside(rest),
            };
            let Some(step) = step else { return };
            at += step;
        }
    }

    /// Text outside a block: opens one if it begins here. Returns how much was used, `None` for all.
    /// `known` is a place before `at`, and its offset.
    fn outside(&mut self, line: &TextLine<'_>, known: &mut (usize, u64), at: usize, rest: &str) -> Option<usize> {
        let trimmed = rest.trim_start();
        let indent = rest.len() - trimmed.len();
        let mut offset = || {
            let index = at + if at == 0 { 0 } else { indent };
            *known = (index, line.offset_behind(*known, index));
            known.1
        };
        if let Some((label, used)) = boundary(trimmed, BEGIN) {
            let offset = offset();
            let treatment = treatment(label);
            self.base64.clear();
            self.block = Some(Block { offset, treatment, in_headers: false, is_encrypted: false, too_large: false });
            return Some(indent + used);
        }
        if boundary(trimmed, END).is_some() {
            self.lost(offset(), Code::BadStructure, "an END line without a BEGIN line");
        } else if let Some(label) = trimmed.strip_prefix(BEGIN)
            && is_label(label.trim_end().trim_end_matches('-'))
        {
            self.lost(offset(), Code::Truncated, "a BEGIN line ends before its dashes do");
        }
        None
    }

    /// Text inside a block.
    fn inside(&mut self, rest: &str) -> Option<usize> {
        let Some(dashes) = rest.find(DASHES) else {
            self.content(rest);
            return None;
        };
        let (content, mark) = rest.split_at(dashes);
        if boundary(mark, BEGIN).is_some() {
            self.cut();
            return Some(dashes);
        }
        self.content(content);
        let (_, used) = boundary(mark, END)?;
        self.close();
        Some(dashes + used)
    }

    fn content(&mut self, text: &str) {
        let Some(block) = &mut self.block else { return };
        let is_blank = text.trim().is_empty();
        if text.contains(':') {
            block.in_headers = true;
            block.is_encrypted |= text.trim_start().starts_with("Proc-Type:") && text.contains("ENCRYPTED");
        } else if block.in_headers && (is_blank || !text.starts_with([' ', '\t'])) {
            // An empty line ends the headers; base64 that follows without one does too.
            block.in_headers = false;
        }
        if block.in_headers || is_blank || matches!(block.treatment, Treatment::Skip(_)) {
            return;
        }
        block.too_large |= self.base64.len() + text.len() > MAX_BLOCK;
        if !block.too_large {
            self.base64.extend_from_slice(text.as_bytes());
        }
    }

    /// The END line of a block was met.
    fn close(&mut self) {
        let Some(block) = self.block.take() else { return };
        if let Treatment::Skip(reason) = block.treatment {
            return self.sink.skip(reason);
        }
        if block.too_large {
            return self.lost(block.offset, Code::TooLarge, "the block is larger than 16 MiB");
        }
        if let Treatment::PrivateKey(kind) = block.treatment {
            return self.private_key(&block, kind);
        }
        let Ok(bytes) = base64_simd::forgiving_decode_inplace(&mut self.base64) else {
            return self.lost(block.offset, Code::BadBase64, "the block's base64 cannot be decoded");
        };
        let first = crate::der::read(bytes).filter(|_| block.treatment == Treatment::ReadFirstValue);
        let bytes = &bytes[..first.map_or(bytes.len(), |value| value.total)];
        // A label promises nothing: this, too, may be a key.
        let is_secret = private_key::is_key(bytes) || der::kind(bytes) == Some(der::Kind::Pkcs12);
        let outcome = nested::push(bytes, &mut Place::in_block(block.offset), self.setting, self.sink);
        if is_secret {
            self.forget();
        }
        if outcome == Outcome::Locked && self.outcome == Outcome::Complete {
            self.outcome = outcome;
        }
    }

    /// A block that is a private key by its label. What OpenSSL's headers say is encrypted is nothing to look at.
    fn private_key(&mut self, block: &Block, kind: PrivateKeyKind) {
        let lineage = Lineage::at(block.offset);
        let is_encrypted = block.is_encrypted || kind == PrivateKeyKind::EncryptedPkcs8;
        if block.is_encrypted {
            let (algorithm, public) = (key_algorithm(kind), private_key::Public::default());
            let public = private_key::Public { algorithm: algorithm.map(Into::into), ..public };
            self.sink.private_key(&private_key::row(private_key::Described { kind, is_encrypted, public }, lineage));
        } else {
            let decoded = base64_simd::forgiving_decode_inplace(&mut self.base64);
            let bytes = decoded.map_or(&[][..], |bytes| bytes);
            private_key::push(bytes, kind, is_encrypted, lineage, self.sink);
        }
        self.forget();
    }

    /// Overwrites what was collected of a block.
    fn forget(&mut self) {
        self.base64.as_mut_slice().zeroize();
        self.base64.clear();
    }

    /// The open block has no END line. A private key is one all the same: what is there of it may be enough to use it.
    fn cut(&mut self) {
        let Some(block) = self.block.take() else { return };
        const MESSAGE: &str = "the block has no END line";
        match block.treatment {
            Treatment::PrivateKey(kind) if !self.base64.is_empty() => {
                self.private_key(&block, kind);
                let reject = Reject::lost(Lineage::at(block.offset), Stage::Read, Code::Truncated, MESSAGE);
                self.sink.reject(Reject { severity: Severity::Degraded, ..reject });
            }
            _ => self.lost(block.offset, Code::Truncated, MESSAGE),
        }
        self.forget();
    }

    // No sample: what stands around a damaged block may be a key.
    fn lost(&mut self, offset: u64, code: Code, message: &'static str) {
        self.sink.reject(Reject::lost(Lineage::at(offset), Stage::Read, code, message));
    }
}

/// Whether a text may be the beginning of a label: RFC 7468 section 3, as labels in use are written.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b" #.-".contains(&b))
}

/// Label and length of a boundary such as `-----BEGIN LABEL-----` at the start of `text`.
fn boundary<'t>(text: &'t str, start: &str) -> Option<(&'t str, usize)> {
    let rest = text.strip_prefix(start)?;
    let len = rest.find(DASHES)?;
    Some((rest[..len].trim(), start.len() + len + DASHES.len()))
}

#[cfg(test)]
mod tests;
