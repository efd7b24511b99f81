//! The dump of a certificate request, as `certutil FILE.req` prints it (specification section 4.3, sample of section 4.6).

use super::block::Piece;
use super::labels;
use super::shape;
use crate::record::{Code, Lineage, Reject, Request, RequestKind, Sink, Stage};

/// Longest dump, in lines.
const MAX_LINES: u32 = 10_000;
/// Most values of one list.
const MAX_VALUES: usize = 256;
/// Longest value kept.
const MAX_VALUE: usize = 4096;

/// `szOID_ENROLLMENT_CSP_PROVIDER` ([MS-WCCE] 2.2.2.7.2).
const CSP: &str = "1.3.6.1.4.1.311.13.2.2";
/// `szOID_OS_VERSION` ([MS-WCCE] 2.2.2.7.1).
const OS_VERSION: &str = "1.3.6.1.4.1.311.13.2.3";
/// `szOID_REQUEST_CLIENT_INFO` ([MS-WCCE] 2.2.2.7.4).
const CLIENT_INFO: &str = "1.3.6.1.4.1.311.21.20";
/// extendedKeyUsage (RFC 5280 4.2.1.12).
const EKU: &str = "2.5.29.37";

/// The dump that is being read.
#[derive(Default)]
pub(super) struct Dump {
    is_open: bool,
    is_too_large: bool,
    offset: u64,
    lines: u32,
    has_subject: bool,
    in_section: bool,
    /// The attribute that the lines belong to.
    attribute: Option<String>,
    /// The extension that the lines belong to.
    extension: Option<String>,
    guessed: bool,
    subject: Option<String>,
    algorithm: Option<&'static str>,
    bits: Option<i32>,
    public_key_sha1: Option<[u8; 20]>,
    spki_sha256: Option<[u8; 32]>,
    os_version: Option<String>,
    client_id: Option<i64>,
    user: Option<String>,
    machine: Option<String>,
    process: Option<String>,
    key_spec: Option<u32>,
    provider: Option<String>,
    attributes: Vec<String>,
    extensions: Vec<String>,
    eku: Vec<String>,
}

impl Dump {
    /// The line that opens a dump, in any language: `PKCS10 Certificate Request:`.
    pub(super) fn is_heading(text: &str) -> bool {
        text.ends_with([':', '：']) && text.contains("PKCS10") && text.len() < 80
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn begin(&mut self, offset: u64) {
        *self = Dump { is_open: true, offset, ..Dump::default() };
    }

    /// An empty line ends a name.
    pub(super) fn blank(&mut self) {
        self.in_section &= self.subject.is_none();
    }

    /// Takes a line of the dump.
    pub(super) fn line(&mut self, piece: Piece<'_>) {
        self.lines += 1;
        let text = piece.text;
        if self.lines > MAX_LINES {
            self.is_too_large = true;
        }
        if self.is_too_large || shape::is_dump(text) || text.len() > MAX_VALUE {
            return;
        }
        self.guessed |= piece.invalid && !text.is_ascii();
        if self.in_section && shape::is_name(text) {
            self.subject = Some(match self.subject.take() {
                Some(subject) if subject.len() < MAX_VALUE => format!("{subject},{text}"),
                Some(subject) => subject,
                None => text.to_owned(),
            });
        } else if let Some(tagged) = shape::tagged(text) {
            self.in_section = false;
            match tagged.tag {
                "rfc-sha1" => self.public_key_sha1 = self.public_key_sha1.or(shape::hex(tagged.value)),
                "pin-sha256-hex" => self.spki_sha256 = self.spki_sha256.or(shape::hex(tagged.value)),
                _ => {}
            }
        } else {
            self.other(text);
        }
    }

    fn other(&mut self, text: &str) {
        self.has_subject |= self.subject.is_some();
        let Some((label, value)) = shape::labelled(text) else { return self.unlabelled(text) };
        let oid = value.split(' ').next().filter(|word| is_oid(word));
        if let Some(oid) = oid.filter(|_| label.ends_with(']')) {
            (self.attribute, self.extension) = (Some(oid.to_owned()), None);
            add(&mut self.attributes, oid);
        } else if is_oid(label) {
            self.extension = Some(label.to_owned());
            add(&mut self.extensions, label);
        } else if value.is_empty() {
            // The first section of a name is the subject.
            self.in_section = !self.has_subject && self.attributes.is_empty();
        } else if let Some(oid) = oid.filter(|_| self.attributes.is_empty()) {
            self.algorithm = self.algorithm.or(algorithm(oid));
        } else if self.bits.is_none() && self.attributes.is_empty() {
            self.bits = value.split_once(' ').and_then(|(number, _)| number.parse().ok());
        } else if self.attribute.as_deref() == Some(CLIENT_INFO) {
            self.client_info(value);
        }
    }

    /// Number of the component, then user, machine and program, in this order in every language.
    fn client_info(&mut self, value: &str) {
        if let Some(number) = value.strip_prefix('=').map(shape::trim) {
            // Above nine, decimal and hex differ, and which is printed is not known.
            self.client_id = number.parse().ok().filter(|id| (0..10).contains(id));
            return;
        }
        if self.client_id.is_none() && self.user.is_none() && value.contains('=') {
            return;
        }
        for place in [&mut self.user, &mut self.machine, &mut self.process] {
            if place.is_none() {
                *place = Some(value.to_owned());
                return;
            }
        }
    }

    fn unlabelled(&mut self, text: &str) {
        match self.attribute.as_deref() {
            Some(OS_VERSION) if self.os_version.is_none() && text.split('.').count() == 4 && is_oid(text) => {
                self.os_version = Some(text.to_owned());
            }
            Some(CSP) => {
                // `Value[2][0], Length = 64` counts bytes.
                let named = shape::assignment(text).filter(|(name, _)| !name.contains(['[', ',']));
                let Some((name, value)) = named else { return };
                match shape::number(value).filter(|_| !labels::is(name, labels::PROVIDER)) {
                    Some(number) => self.key_spec = self.key_spec.or(Some(number.value)),
                    None => self.provider = self.provider.take().or(Some(value.to_owned())),
                }
            }
            _ if self.extension.as_deref() == Some(EKU) => {
                let oid = text.rsplit_once('(').and_then(|(_, oid)| oid.strip_suffix(')')).filter(|oid| is_oid(oid));
                if let Some(oid) = oid {
                    add(&mut self.eku, oid);
                }
            }
            _ => {}
        }
    }

    /// Ends the dump and pushes its row.
    pub(super) fn end(&mut self, is_whole: bool, sink: &mut dyn Sink) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let dump = std::mem::take(self);
        let lineage = Lineage::at(dump.offset);
        if dump.is_too_large {
            let message = "the dump of the request is longer than 10,000 lines";
            return sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
        }
        let text = |text: &Option<String>| text.clone().map(Into::into);
        let list = |list: &[String]| list.iter().map(|text| text.clone().into()).collect();
        sink.request(&Request {
            lineage,
            kind: RequestKind::Pkcs10,
            subject: text(&dump.subject),
            spki_sha256: dump.spki_sha256,
            public_key_sha1: dump.public_key_sha1,
            key_algorithm: dump.algorithm.map(Into::into),
            key_size_bits: dump.bits,
            eku: list(&dump.eku),
            provider_name: text(&dump.provider),
            key_spec: dump.key_spec,
            machine: text(&dump.machine),
            user: text(&dump.user),
            process: text(&dump.process),
            client_id: dump.client_id,
            os_version: text(&dump.os_version),
            attributes: list(&dump.attributes),
            extensions: list(&dump.extensions),
            ..Request::default()
        });
        if dump.guessed && [&dump.subject, &dump.user, &dump.machine].into_iter().flatten().any(|text| !text.is_ascii())
        {
            let message = "the text is not UTF-8: its letters beyond ASCII are guessed";
            sink.reject(Reject::degraded(lineage, Stage::Decode, Code::BadText, "subject", message));
        }
        if !is_whole {
            let message = "the source ends inside the dump of the request";
            sink.reject(Reject::degraded(lineage, Stage::Read, Code::Truncated, "attributes", message));
        }
    }
}

fn add(list: &mut Vec<String>, value: &str) {
    if list.len() < MAX_VALUES {
        list.push(value.to_owned());
    }
}

/// Numbers with dots between, at least two.
fn is_oid(text: &str) -> bool {
    text.contains('.') && text.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()))
}

/// The name of a key's algorithm as the certificate columns have it.
fn algorithm(oid: &str) -> Option<&'static str> {
    match oid {
        "1.2.840.113549.1.1.1" => Some("rsa"),
        "1.2.840.10045.2.1" => Some("ec"),
        _ => None,
    }
}
