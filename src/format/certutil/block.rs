//! One record of the store family: what its lines say, kept until it ends (specification sections 4.2 to 4.4).

use super::labels;
use super::shape;
use crate::record::{Code, Property};

mod key;

/// Longest record, in lines and in bytes of text.
const MAX_LINES: u32 = 10_000;
const MAX_BYTES: usize = 1024 * 1024;
/// Most values of one record that are kept, in bytes: names, not dumps.
const MAX_KEPT: usize = 64 * 1024;
/// Most properties and most doubts of one record.
const MAX_PROPERTIES: usize = 128;
const MAX_DOUBTS: usize = 8;

/// A value kept from a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Span(u32, u32);

/// Which object a block describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Certificate,
    Crl,
    Ctl,
}

/// How far a block has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Before the hash.
    #[default]
    Identity,
    /// The hash was the last line that meant something.
    Hash,
    /// Inside the lines of the key property.
    Key,
    /// After them, or after a line that shows there are none.
    Rest,
    /// A test repeated through another interface; says nothing of the key.
    Ignored,
}

/// A line with its place.
#[derive(Clone, Copy)]
pub(super) struct Piece<'t> {
    pub(super) text: &'t str,
    pub(super) offset: u64,
    /// Letters beyond ASCII are guessed.
    pub(super) invalid: bool,
}

/// A doubt about one field of the row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Doubt {
    pub(super) code: Code,
    pub(super) field: &'static str,
    pub(super) message: &'static str,
}

/// The record that is being read.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) is_open: bool,
    pub(super) offset: u64,
    pub(super) number: Option<i64>,
    pub(super) banners: u32,
    pub(super) kind: Kind,
    /// Inside nesting banners or an element of a container: a file.
    pub(super) is_nested: bool,
    /// A section of `-scinfo`: what is on a card.
    pub(super) is_card: bool,
    pub(super) is_too_large: bool,
    /// Lines are missing: an ellipsis, or a line that was too long.
    pub(super) is_elided: bool,
    /// The verbose form, in which the key property may come late.
    pub(super) is_verbose: bool,
    /// The lines of the key property ran together, and their labels are not known.
    is_joined: bool,
    /// The export says that there is no key property.
    pub(super) is_denied: bool,
    /// Lines after the hash that are no key property.
    pub(super) results: u32,
    text: String,
    stage: Stage,
    property: Option<u32>,
    lines: u32,
    bytes: usize,
    numbers: u32,
    /// The section of a name in the verbose form: its label, and whether its attributes have begun.
    section: Option<(Span, bool)>,
    name_hash_label: Option<Span>,
    key_id_label: Option<Span>,
    hash_label: Option<Span>,
    pub(super) has_hash: bool,
    pub(super) sha1: Option<[u8; 20]>,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) key_hash: Option<Vec<u8>>,
    pub(super) key_identifier: Option<Vec<u8>>,
    pub(super) serial: Option<Span>,
    pub(super) issuer: Option<Span>,
    pub(super) subject: Option<Span>,
    pub(super) not_before: Option<Span>,
    pub(super) not_after: Option<Span>,
    pub(super) container: Option<Span>,
    pub(super) provider: Option<Span>,
    pub(super) key_path: Option<Span>,
    pub(super) friendly_name: Option<Span>,
    pub(super) originator: Option<Span>,
    pub(super) reader: Option<Span>,
    pub(super) provider_type: Option<u32>,
    pub(super) key_flags: Option<u32>,
    pub(super) key_spec: Option<u32>,
    pub(super) virtual_iso: Option<u32>,
    pub(super) export_policy: Option<u32>,
    pub(super) access_state: Option<u32>,
    pub(super) is_exportable: Option<bool>,
    pub(super) is_archived: bool,
    pub(super) has_passed: bool,
    pub(super) error: Option<u32>,
    pub(super) properties: Vec<Property>,
    pub(super) doubts: Vec<Doubt>,
}

impl Block {
    /// Begins a new record, in the room of the last.
    pub(super) fn begin(&mut self, offset: u64) {
        let (mut text, mut properties, mut doubts) =
            (std::mem::take(&mut self.text), std::mem::take(&mut self.properties), std::mem::take(&mut self.doubts));
        text.clear();
        properties.clear();
        doubts.clear();
        *self = Block { is_open: true, offset, text, properties, doubts, ..Block::default() };
    }

    /// The text of a kept value.
    pub(super) fn get(&self, span: Option<Span>) -> Option<&str> {
        span.and_then(|Span(start, end)| self.text.get(start as usize..end as usize))
    }

    /// Keeps a value.
    fn keep(&mut self, text: &str) -> Span {
        let start = self.text.len();
        if start + text.len() <= MAX_KEPT {
            self.text.push_str(text);
        } else {
            self.is_too_large = true;
        }
        Span(start as u32, self.text.len() as u32)
    }

    /// Keeps a value of the row, with a doubt where its letters are guessed.
    fn keep_value(&mut self, text: &str, invalid: bool, field: &'static str) -> Span {
        if invalid && !text.is_ascii() {
            self.doubt(Code::BadText, field, "the text is not UTF-8: its letters beyond ASCII are guessed");
        }
        self.keep(text)
    }

    pub(super) fn doubt(&mut self, code: Code, field: &'static str, message: &'static str) {
        let doubt = Doubt { code, field, message };
        if self.doubts.len() < MAX_DOUBTS && !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }

    /// Something of a record was read, and not only banners.
    pub(super) fn has_content(&self) -> bool {
        self.has_certificate() || self.has_key()
    }

    /// Something of a certificate was read.
    pub(super) fn has_certificate(&self) -> bool {
        self.has_hash || self.serial.is_some() || self.issuer.is_some() || self.subject.is_some()
    }

    /// The record has a key property, or a container of a card.
    pub(super) fn has_key(&self) -> bool {
        self.provider.is_some() || self.container.is_some() || self.provider_type.is_some() || self.is_joined
    }

    /// The test is repeated through another interface from here.
    pub(super) fn ignore_rest(&mut self) {
        self.stage = Stage::Ignored;
    }

    /// The rule that ends a nested object.
    pub(super) fn close_nesting(&mut self, words: &str) {
        if self.stage == Stage::Ignored || !self.has_hash {
            return;
        }
        self.is_nested = true;
        // Of a group that begins with the banner of the nesting itself, the number is that of the nesting.
        if self.banners == 1 && self.number.is_some() && shape::last_number(words) == self.number {
            self.number = None;
        }
    }

    /// A line was too long to be read.
    pub(super) fn miss_line(&mut self) {
        self.is_elided = true;
        self.doubt(Code::LineTooLong, "text", "a line of the record is longer than the limit");
    }

    /// An empty line, which ends a section of a name and nothing else.
    pub(super) fn blank(&mut self) {
        if self.section.is_some_and(|(_, has_begun)| has_begun) {
            self.section = None;
        }
    }

    /// Takes one line that is not empty.
    pub(super) fn line(&mut self, piece: Piece<'_>) {
        self.lines += 1;
        self.bytes += piece.text.len();
        if self.kind != Kind::Certificate || self.stage == Stage::Ignored {
            return;
        }
        if self.lines > MAX_LINES || self.bytes > MAX_BYTES {
            self.is_too_large = true;
            return;
        }
        let text = piece.text;
        if shape::is_dump(text) {
            return;
        }
        if text == "..." || text == "…" {
            self.is_elided = true;
        } else if let Some(id) = shape::property(text) {
            self.heading(id);
        } else if self.property.is_some() {
            self.property_line(piece);
        } else if self.may_be_hash() && self.hash_line(text) {
            // Taken.
        } else if self.stage == Stage::Identity {
            self.identity(piece);
        } else {
            self.key_or_result(piece);
        }
    }

    /// A line with a hash. True where it is one.
    fn hash_line(&mut self, text: &str) -> bool {
        let Some(tagged) = shape::tagged(text) else { return false };
        // The hashes of a name stand right below its attributes.
        if self.section.take().is_some_and(|(_, has_begun)| has_begun) && !labels::is(tagged.label, labels::HASH) {
            self.name_hash_label = Some(self.keep(tagged.label));
        }
        match tagged.tag {
            "rfc-sha1" => {
                self.is_verbose = true;
                self.key_id_label = Some(self.keep(tagged.label));
                self.key_hash = shape::hex::<20>(tagged.value).map(Vec::from);
            }
            "sha1" if !self.is_other_hash(tagged.label) => {
                self.has_hash = true;
                self.stage = Stage::Hash;
                self.hash_label = Some(self.keep(tagged.label));
                self.sha1 = shape::hex(tagged.value);
            }
            "sha256" if self.has_hash && self.get(self.hash_label) == Some(tagged.label) => {
                self.sha256 = shape::hex(tagged.value);
                if self.sha256.is_none() {
                    self.doubt(Code::BadHex, "sha256", "the SHA-256 of the certificate is not 32 bytes of hex");
                }
            }
            _ => {}
        }
        true
    }

    /// A line with a SHA-1 that is not the certificate's: of a name, below its attributes, or of the key.
    fn is_other_hash(&self, label: &str) -> bool {
        [self.name_hash_label, self.key_id_label].into_iter().any(|known| self.get(known) == Some(label))
    }

    /// The hash of the certificate is the last before its key property; once its label is known for it, it stays.
    fn may_be_hash(&self) -> bool {
        match self.stage {
            Stage::Identity | Stage::Hash => true,
            Stage::Rest => !self.has_key() && !self.get(self.hash_label).is_some_and(|l| labels::is(l, labels::HASH)),
            Stage::Key | Stage::Ignored => false,
        }
    }

    /// A line before the hash: serial number, names, validity.
    fn identity(&mut self, piece: Piece<'_>) {
        let text = piece.text;
        if let Some((label, has_begun)) = self.section.filter(|_| shape::is_name(text)) {
            return self.attribute(label, has_begun, piece);
        }
        if let Some((name, value)) = shape::assignment(text)
            && (self.is_card || is_key_label(name))
        {
            return self.key_line(name, value, piece.invalid);
        }
        let Some((label, value)) = shape::labelled(text) else {
            self.is_archived |= text.ends_with(['!', '！']) && self.serial.is_none() && self.issuer.is_none();
            return;
        };
        if label.starts_with("---") {
            // A line of a card's section: the first names the reader.
            if self.is_card && self.reader.is_none() && !value.is_empty() {
                self.reader = Some(self.keep_value(value, piece.invalid, "reader"));
            }
        } else if value.is_empty() {
            // `Element 0:` of a container has a number, the label of a name in the verbose form has none.
            self.is_nested |= self.serial.is_none() && self.issuer.is_none() && shape::last_number(label).is_some();
            self.section = Some((self.keep(label), false));
        } else {
            self.section = None;
            self.field(label, value, piece.invalid);
        }
    }

    /// An attribute of a name in the verbose form, a line each.
    fn attribute(&mut self, label: Span, has_begun: bool, piece: Piece<'_>) {
        self.section = Some((label, true));
        self.is_verbose = true;
        let name = self.get(Some(label)).unwrap_or_default();
        let is_subject = labels::is(name, labels::SUBJECT);
        let is_issuer = !is_subject && labels::is(name, labels::ISSUER);
        if has_begun {
            // The name that is being put together ends the kept text.
            let last = if is_subject || (!is_issuer && self.subject.is_some()) { self.subject } else { self.issuer };
            if let Some(Span(start, end)) = last.filter(|span| span.1 as usize == self.text.len()) {
                self.keep(", ");
                self.keep_value(piece.text, piece.invalid, "printed_subject");
                let longer = Some(Span(start, self.text.len() as u32));
                if self.subject == Some(Span(start, end)) { self.subject = longer } else { self.issuer = longer }
            }
            return;
        }
        match (is_subject || (!is_issuer && self.issuer.is_some()), self.issuer, self.subject) {
            (true, _, None) => self.subject = Some(self.keep_value(piece.text, piece.invalid, "printed_subject")),
            (false, None, _) => self.issuer = Some(self.keep_value(piece.text, piece.invalid, "printed_issuer")),
            // A third name belongs to an extension.
            _ => self.section = None,
        }
    }

    /// `label: value` before the hash.
    fn field(&mut self, label: &str, value: &str, invalid: bool) {
        let has_names = self.issuer.is_some() || self.subject.is_some();
        let is_serial = value.len() >= 2 && value.bytes().all(|b| b.is_ascii_hexdigit());
        if self.serial.is_none() && is_serial && (labels::is(label, labels::SERIAL) || (!has_names && value.len() >= 4))
        {
            self.serial = Some(self.keep(value));
        } else if shape::is_name(value) || value.starts_with("EMPTY") {
            self.name(label, value, invalid);
        } else if labels::is(label, labels::NOT_BEFORE) {
            self.date(value, true);
        } else if labels::is(label, labels::NOT_AFTER) {
            self.date(value, false);
        } else if self.issuer.is_some() && self.subject.is_none() && has_date(value) && self.not_after.is_none() {
            self.date(value, self.not_before.is_none());
        }
    }

    fn name(&mut self, label: &str, value: &str, invalid: bool) {
        let is_subject =
            labels::is(label, labels::SUBJECT) || (self.issuer.is_some() && !labels::is(label, labels::ISSUER));
        match is_subject {
            true if self.subject.is_none() => self.subject = Some(self.keep_value(value, invalid, "printed_subject")),
            false if self.issuer.is_none() => self.issuer = Some(self.keep_value(value, invalid, "printed_issuer")),
            _ => {}
        }
    }

    fn date(&mut self, value: &str, is_start: bool) {
        let field = if is_start { "printed_not_before" } else { "printed_not_after" };
        if !has_date(value) {
            return self.doubt(Code::BadTime, field, "the export has no date there");
        }
        let kept = self.keep(value);
        let place = if is_start { &mut self.not_before } else { &mut self.not_after };
        place.get_or_insert(kept);
    }
}

fn is_key_label(name: &str) -> bool {
    labels::is(name, labels::CONTAINER) || labels::is(name, labels::PROVIDER)
}

/// A date has a day and a year, whatever its form.
fn has_date(value: &str) -> bool {
    value.chars().filter(|c| c.is_numeric()).count() >= 4
}
