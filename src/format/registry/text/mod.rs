//! Registry exports as text (`.reg`), as regedit and `reg export` write them: version 5 in UTF-16, REGEDIT4 in the
//! machine's code page, and either re-saved by editors. Windows-binary section 3.
//!
//! Streamed: of a source of any size one value at most is in memory, and only values that say something are decoded.

use super::collect::{BINARY, Collector, DWORD, EXPAND_SZ, MULTI_SZ, SZ};
use super::place::Root;
use crate::format::text::{Encoding, detect, head as text_of};
use crate::format::{Format, Head, Input, Outcome};
use crate::record::{Code, Lineage, Reject, Severity, Sink, Stage};

mod units;

use units::{Ended, Units, digit};

/// First line of version 5.
const VERSION_5: &[u8] = b"Windows Registry Editor Version 5.00";
/// First line of version 4.
const VERSION_4: &[u8] = b"REGEDIT4";

/// Largest value that is read, in bytes of its data.
const MAX_VALUE: usize = 16 * 1024 * 1024;
/// Longest key path, value name or text, in bytes of the source. Key paths have at most 32767 characters, names 16383.
const MAX_NAME: usize = 128 * 1024;

/// `.reg` files.
pub static FORMAT: Format = Format {
    name: "reg_text",
    title: "Registry export",
    usual_names: "*.reg",
    yields: "every certificate and key of its stores with store, user SID and properties; registered CSPs, smart cards' \
             providers, the machine's GUID and version; CRLs and CTLs are skipped",
    source: "regedit export, versions 4 and 5",
    sniff: is_export,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_export(head: &Head<'_>) -> bool {
    let text = text_of(head);
    let first = text.trim_ascii_start();
    first.starts_with(VERSION_5) || first.starts_with(VERSION_4)
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let (encoding, mark) = detect(input.window.fill(1024));
    input.window.consume(mark);
    let Input { window, path, .. } = input;
    match encoding {
        Encoding::Utf8 => Reader::<1, 0>::new(Units::new(window), path, sink).read(),
        Encoding::Utf16Le => Reader::<2, 0>::new(Units::new(window), path, sink).read(),
        Encoding::Utf16Be => Reader::<2, 1>::new(Units::new(window), path, sink).read(),
    }
}

/// Reads one source. For `W` and `LOW` see [`Units`].
struct Reader<'w, 'r, 's, const W: usize, const LOW: usize> {
    units: Units<'w, 'r, W, LOW>,
    sink: &'s mut dyn Sink,
    collector: Collector,
    /// REGEDIT4: texts are in a code page that nothing names.
    is_ansi: bool,
    /// Path of the key whose values come.
    key: String,
    /// The path has characters whose code is not sure.
    is_key_doubtful: bool,
    /// Some of the key's values say something.
    is_key_wanted: bool,
    /// Lines that are no registry text: offset of the first, and how many in a row.
    unread: Option<(u64, u64)>,
    /// The source ends inside a value.
    is_cut: bool,
    name: String,
    raw: Vec<u8>,
    data: Vec<u8>,
}

/// The type that is written before a value's data.
#[derive(Clone, Copy)]
enum Type {
    Hex(u32),
    Dword,
}

impl<'w, 'r, 's, const W: usize, const LOW: usize> Reader<'w, 'r, 's, W, LOW> {
    fn new(units: Units<'w, 'r, W, LOW>, path: &str, sink: &'s mut dyn Sink) -> Self {
        Reader {
            units,
            sink,
            collector: Collector::new(Root::Absolute, path),
            is_ansi: false,
            key: String::new(),
            is_key_doubtful: false,
            is_key_wanted: false,
            unread: None,
            is_cut: false,
            name: String::new(),
            raw: Vec::new(),
            data: Vec::new(),
        }
    }

    fn read(mut self) -> Outcome {
        let start = self.units.next_line().unwrap_or(self.units.offset());
        if !self.header() {
            let message = "the source does not begin like a registry export";
            self.sink.reject(Reject::lost(Lineage::at(start), Stage::Read, Code::BadStructure, message));
            return Outcome::Failed;
        }
        while let Some(at) = self.units.next_line() {
            if self.sink.stopped() {
                self.is_cut = true;
                break;
            }
            match self.units.peek() {
                Some(b';') => {
                    self.units.skip_line();
                }
                Some(b'[') => self.key(at),
                Some(b'"' | b'@') => self.value(at),
                _ if self.units.take_mark() || self.header() => {}
                _ => self.no_entry(at),
            }
        }
        self.end_unread();
        self.collector.finish(!self.is_cut, self.sink);
        if self.is_cut { Outcome::Incomplete } else { Outcome::Complete }
    }

    /// Passes over a first line, which stands inside a source where files were joined.
    fn header(&mut self) -> bool {
        let is_5 = self.units.take(VERSION_5);
        if !is_5 && !self.units.take(VERSION_4) {
            return false;
        }
        self.is_ansi = !is_5;
        self.is_key_wanted = false;
        self.units.skip_line();
        true
    }

    /// Passes over a line that is no key, value or comment.
    fn no_entry(&mut self, at: u64) {
        self.unread.get_or_insert((at, 0)).1 += 1;
        self.units.skip_line();
    }

    /// Lines in a row that say nothing are one loss.
    fn end_unread(&mut self) {
        if let Some((at, lines)) = self.unread.take() {
            let message = format!("{lines} lines in a row are neither key nor value nor comment");
            self.sink.reject(Reject::lost(Lineage::at(at), Stage::Read, Code::BadStructure, message));
            self.collector.lost(None, self.sink);
        }
    }

    /// `[path]` or `[-path]`.
    fn key(&mut self, at: u64) {
        self.units.pass(1);
        let is_deleted = self.units.peek() == Some(b'-');
        self.end_unread();
        self.is_key_wanted = false;
        let fits = self.units.line(MAX_NAME, &mut self.raw);
        // Names may contain brackets, so the last one ends the path.
        let end = self.raw.chunks_exact(W).rposition(|unit| Units::<W, LOW>::is(unit, b']'));
        let Some(path) = end.and_then(|end| self.raw.get(..end * W)).filter(|_| fits) else {
            let (code, message) = match fits {
                true => (Code::BadStructure, "the key's path has no end; its values are not read"),
                false => (Code::TooLarge, "the key's path is longer than any key's; its values are not read"),
            };
            self.sink.reject(Reject::lost(Lineage::at(at), Stage::Read, code, message));
            return self.collector.lost(None, self.sink);
        };
        if is_deleted {
            return;
        }
        let is_valid = Units::<W, LOW>::decode(path, &mut self.key);
        self.is_key_doubtful = !is_valid || self.is_ansi && !self.key.is_ascii();
        self.is_key_wanted = self.collector.wants(&self.key);
    }

    /// `"name"=data` or `@=data`.
    fn value(&mut self, at: u64) {
        self.raw.clear();
        let is_default = self.units.peek() == Some(b'@');
        self.units.pass(1);
        if !is_default && self.units.text(Some(&mut self.raw), MAX_NAME, false) != Ended::Whole {
            return self.no_entry(at);
        }
        self.units.blanks();
        if self.units.peek() != Some(b'=') {
            return self.no_entry(at);
        }
        self.units.pass(1);
        self.units.blanks();
        let mut is_doubtful = self.is_key_doubtful;
        let mut is_wanted = false;
        if self.is_key_wanted {
            let is_valid = Units::<W, LOW>::decode(&self.raw, &mut self.name);
            is_doubtful |= !is_valid || self.is_ansi && !self.name.is_ascii();
            is_wanted = self.collector.wants_value(&self.key, &self.name);
        }
        match self.units.peek() {
            Some(b'-') => {
                self.end_unread();
                self.units.skip_line();
            }
            Some(b'"') => {
                self.end_unread();
                self.units.pass(1);
                self.text(at, is_wanted, is_doubtful);
            }
            _ => match self.kind() {
                None => self.no_entry(at),
                Some(kind) => {
                    self.end_unread();
                    self.data(at, kind, is_wanted, is_doubtful);
                }
            },
        }
    }

    /// `dword:`, `hex:` or `hex(N):`.
    fn kind(&mut self) -> Option<Type> {
        if self.units.take(b"dword:") {
            return Some(Type::Dword);
        }
        if self.units.take(b"hex:") {
            return Some(Type::Hex(BINARY));
        }
        if !self.units.take(b"hex(") {
            return None;
        }
        let mut kind = None::<u32>;
        while let Some(digit) = self.units.peek().and_then(digit) {
            kind = Some(kind.unwrap_or(0).checked_mul(16)? | u32::from(digit));
            self.units.pass(1);
        }
        self.units.take(b"):").then_some(kind).flatten().map(Type::Hex)
    }

    /// Quoted text, after its opening quote.
    fn text(&mut self, at: u64, is_wanted: bool, is_doubtful: bool) {
        self.raw.clear();
        let out = if is_wanted { Some(&mut self.raw) } else { None };
        let ended = self.units.text(out, MAX_NAME, true);
        match ended {
            Ended::Whole | Ended::TooLarge => {
                self.units.skip_line();
            }
            // The end of the source, or the next key or value.
            Ended::Truncated | Ended::Cut | Ended::Bad => {}
        }
        if !is_wanted || ended != Ended::Whole {
            return self.ended(at, ended, is_wanted);
        }
        let mut text = String::new();
        let is_valid = Units::<W, LOW>::decode(&self.raw, &mut text);
        let is_doubtful = is_doubtful || !is_valid || self.is_ansi && !text.is_ascii();
        self.data.clear();
        self.data.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        self.hand_on(at, SZ, is_doubtful);
    }

    /// Digits, after their type.
    fn data(&mut self, at: u64, kind: Type, is_wanted: bool, is_doubtful: bool) {
        if !is_wanted {
            let ended = if self.units.skip_value() { Ended::Whole } else { Ended::Truncated };
            return self.ended(at, ended, false);
        }
        self.data.clear();
        let (kind, ended) = match kind {
            Type::Dword => (DWORD, self.dword()),
            Type::Hex(kind) => (kind, self.units.hex(&mut self.data, MAX_VALUE)),
        };
        if matches!(ended, Ended::Bad | Ended::TooLarge) {
            self.is_cut |= !self.units.skip_value();
        }
        if ended != Ended::Whole {
            return self.ended(at, ended, true);
        }
        // Version 4 writes the bytes of texts in the code page; everywhere else they are UTF-16.
        if self.is_ansi && matches!(kind, SZ | EXPAND_SZ | MULTI_SZ) {
            let mut text = String::new();
            Units::<1, 0>::decode(&self.data, &mut text);
            let is_doubtful = is_doubtful || !text.is_ascii();
            self.data.clear();
            self.data.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            return self.hand_on(at, kind, is_doubtful);
        }
        self.hand_on(at, kind, is_doubtful);
    }

    /// Up to eight digits, and nothing else on the line.
    fn dword(&mut self) -> Ended {
        let (mut number, mut digits) = (0u32, 0);
        while let Some(digit) = self.units.peek().and_then(digit) {
            (number, digits) = (number << 4 | u32::from(digit), digits + 1);
            self.units.pass(1);
            if digits > 8 {
                return Ended::Bad;
            }
        }
        self.units.blanks();
        if digits == 0 || !matches!(self.units.peek(), None | Some(b'\n' | b';')) {
            return Ended::Bad;
        }
        self.units.skip_line();
        self.data.extend_from_slice(&number.to_le_bytes());
        Ended::Whole
    }

    /// Hands the value at hand to the collector.
    fn hand_on(&mut self, at: u64, kind: u32, is_doubtful: bool) {
        let lineage = Lineage::at(at);
        self.collector.value(&self.key, &self.name, kind, &self.data, lineage, self.sink);
        if is_doubtful {
            let message = match W {
                1 => "a name or text is in an unknown code page; it was read as UTF-8, else as windows-1252",
                _ => "a name or text is not valid UTF-16",
            };
            let lineage = self.collector.row_of(&self.key, lineage);
            let reject = Reject::lost(lineage, Stage::Decode, Code::BadText, message);
            self.sink.reject(Reject { severity: Severity::Degraded, ..reject });
        }
    }

    /// A value that was not read. One that says nothing costs something only where what comes after it is missing.
    fn ended(&mut self, at: u64, ended: Ended, is_wanted: bool) {
        let (code, message) = match ended {
            Ended::Truncated => {
                self.is_cut = true;
                (Code::Truncated, "the source ends inside a value")
            }
            Ended::Cut => (Code::Truncated, "the next key or value begins before this value has ended"),
            Ended::Bad if is_wanted => (Code::BadHex, "the value is not written in hexadecimal digits"),
            Ended::TooLarge if is_wanted => (Code::TooLarge, "the value is larger than any that is read"),
            Ended::Bad | Ended::TooLarge | Ended::Whole => return,
        };
        self.sink.reject(Reject::lost(Lineage::at(at), Stage::Read, code, message));
        self.collector.lost(Some(&self.key).filter(|_| self.is_key_wanted).map(String::as_str), self.sink);
    }
}

#[cfg(test)]
mod tests;
