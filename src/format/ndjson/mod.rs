//! Line-delimited JSON: the collection format census/1 and flat vendor lines. The hot path of the program.
//!
//! A line goes through [`scan`], which hands out slices without parsing; what the scan declines is read by
//! `serde_json` ([`tree`]). Both fill the same table of fields ([`fields`], [`aliases`]), from which [`census`] and
//! [`flat`] make records. So there is one meaning and two speeds.
//!
//! Not for JSON that spans lines, and not for arrays or envelopes of other products: those are formats of their own.

mod aliases;
mod census;
mod convert;
mod fields;
mod flat;
mod record;
pub(super) mod row;
mod run;
mod scan;
mod shape;
mod tails;
#[cfg(test)]
mod tests;
mod tree;
mod value;

use serde_json::Value as Json;

use super::text::{self, Encoding, RawLines};
use super::{Border, Format, Head, Input, Outcome, objects};
use crate::input::{MAX_LINE, Window};
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use census::Census;
use fields::{Field, Read};
use tree::Members;

/// Longest line that is given to the general parser, whose tree takes many times the room of the text. The format
/// allows 1 MiB; the fast path has no such limit.
const MAX_TREE_LINE: usize = 4 * 1024 * 1024;
/// Room for cleaned base64 that is kept from unit to unit, in bytes.
const MAX_SCRATCH: usize = 64 * 1024;
/// Bytes searched for a NUL, which shows UTF-16, before a place to cut is looked for.
const BORDER_HEAD: usize = 256;

/// The collection format census/1.
pub static CENSUS: Format = Format {
    name: "census_1",
    title: "census/1 NDJSON collection",
    usual_names: "<host>_<run>.ndjson",
    yields: "certificates with their key properties, keys without certificate, providers, clients",
    source: "samples/census_1/README.md",
    sniff: |head| head.bytes.starts_with(MARK) || FirstLine::of(head).is_some_and(|line| line.is_census()),
    read: Some(|input, sink| read(Kind::Census, input, sink)),
    unpack: None,
    border: Some(Border::Near(|window| border(Kind::Census, window))),
};

/// How collectors begin a line, nearly all of them: of 20,000 files each is then known at a glance.
const MARK: &[u8] = br#"{"schema":"census/1","#;

/// Flat lines of other products and scripts.
pub static FLAT: Format = Format {
    name: "flat_ndjson",
    title: "flat NDJSON, one certificate a line",
    usual_names: "*.ndjson, *.jsonl, *.json",
    yields: "certificates, or their hashes, with whatever the lines say of the key",
    source: "PowerShell, agent and inventory exports; the alias table in aliases.rs",
    sniff: |head| FirstLine::of(head).is_some_and(|line| line.is_flat()) && !objects::lines::sniff(head),
    read: Some(|input, sink| read(Kind::Flat, input, sink)),
    unpack: None,
    border: Some(Border::Near(|window| border(Kind::Flat, window))),
};

/// Either of the two formats claims this head.
pub(super) fn is_sniffed(head: &Head<'_>) -> bool {
    FirstLine::of(head).is_some_and(|line| line.is_census() || line.is_flat())
}

/// Which of the two formats a source was found to be. A line that is marked as census/1 is one in either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Census,
    Flat,
}

fn read(kind: Kind, input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    // Taken out and put back: after a panic nothing is remembered.
    let memory = std::mem::take(&mut input.memory.ndjson);
    let mut reader = Reader { memory, ..Reader::new(kind) };
    let outcome = read_lines(&mut reader, input.window, input.setting.max_line, sink);
    // One long text is no reason to keep its room for the rest of the scan.
    reader.memory.scratch.clear();
    reader.memory.scratch.shrink_to(MAX_SCRATCH);
    input.memory.ndjson = reader.memory;
    outcome
}

fn read_lines(reader: &mut Reader, window: &mut Window<'_>, max_line: usize, sink: &mut dyn Sink) -> Outcome {
    let mut lines = RawLines::new(window, max_line);
    let max = lines.max();
    while let Some(line) = lines.line() {
        if sink.stopped() {
            return Outcome::Incomplete;
        }
        if line.too_long {
            let message = format!("the line is longer than {max} bytes");
            reader.lost(Reject::lost(Lineage::at(line.offset), Stage::Read, Code::LineTooLong, message), sink);
        } else {
            reader.line(line.bytes, line.offset, sink);
        }
    }
    reader.finish(sink)
}

/// What both readers remember of lines: shapes, and ends that repeat.
#[derive(Default)]
pub struct Memory {
    table: fields::Table,
    flat: flat::Table,
    scratch: Vec<u8>,
}

/// Reads lines, whatever brings them.
struct Reader {
    kind: Kind,
    census: Census,
    memory: Memory,
}

impl Reader {
    fn new(kind: Kind) -> Self {
        Reader { kind, census: Census::default(), memory: Memory::default() }
    }

    /// One line without its end, in UTF-8. Blank lines are no records.
    fn line(&mut self, line: &[u8], offset: u64, sink: &mut dyn Sink) {
        if self.kind == Kind::Census && self.again(line, offset, sink) {
            return;
        }
        let text = match simdutf8::compat::from_utf8(line) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("the line is not valid text from byte {} on", error.valid_up_to());
                let reject = Reject::lost(Lineage::at(offset), Stage::Decode, Code::BadText, message);
                return self.lost(reject.with_sample(line), sink);
            }
        };
        if !self.scanned(text, offset, sink) && !line.trim_ascii().is_empty() {
            self.parsed(text, offset, sink);
        }
    }

    /// The fastest path, for census lines of a shape that was met before; false where there is none, or the line is no
    /// text.
    fn again(&mut self, line: &[u8], offset: u64, sink: &mut dyn Sink) -> bool {
        let (end, tail) = match self.memory.table.read(line) {
            Read::Unknown => return false,
            Read::Whole => (line.len(), None),
            Read::UpToTail(tail, start) => (start, Some(tail)),
        };
        // A tail that is kept is text.
        let Ok(text) = simdutf8::compat::from_utf8(line.get(..end).unwrap_or_default()) else { return false };
        let fields = self.memory.table.fields(text);
        let tail = tail.map(|tail| self.memory.table.tail(tail));
        if tail.is_some() && !census::is_certificate(&fields) {
            return false;
        }
        self.census.record(fields, tail, line, offset, sink);
        if tail.is_none() {
            self.memory.table.keep_tail(text, census::plain);
        }
        true
    }

    /// The fast path; false where it declines the line.
    fn scanned(&mut self, text: &str, offset: u64, sink: &mut dyn Sink) -> bool {
        if self.kind == Kind::Flat {
            let Some(fields) = self.memory.flat.scan(text) else { return false };
            if !fields.is_census() {
                // A run is a stretch of census lines; it ends here.
                self.census.close(sink);
                flat::record(&fields, text.as_bytes(), offset, &mut self.memory.scratch, sink);
                return true;
            }
        }
        let Some(fields) = self.memory.table.scan(text) else { return false };
        self.census.record(fields, None, text.as_bytes(), offset, sink);
        true
    }

    /// The slow path, which also says what is wrong with a line.
    fn parsed(&mut self, text: &str, offset: u64, sink: &mut dyn Sink) {
        let lost = |code, message: String| {
            Reject::lost(Lineage::at(offset), Stage::Decode, code, message).with_sample(text.as_bytes())
        };
        if text.len() > MAX_TREE_LINE {
            let message = format!("the line is not plain JSON and longer than {MAX_TREE_LINE} bytes");
            return self.lost(lost(Code::TooLarge, message), sink);
        }
        let members = match serde_json::from_str::<Json>(text) {
            Ok(Json::Object(map)) => Members::of(map),
            Ok(_) => {
                return self.lost(lost(Code::BadStructure, "the line is JSON, but no object".to_owned()), sink);
            }
            Err(error) => return self.lost(lost(Code::BadJson, error.to_string()), sink),
        };
        if self.kind == Kind::Flat {
            let fields = flat::Fields::tree(&members);
            if !fields.is_census() {
                self.census.close(sink);
                return flat::record(&fields, text.as_bytes(), offset, &mut self.memory.scratch, sink);
            }
        }
        self.census.record(self.memory.table.tree(&members), None, text.as_bytes(), offset, sink);
    }

    fn lost(&mut self, reject: Reject, sink: &mut dyn Sink) {
        self.census.unreadable();
        sink.reject(reject);
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> Outcome {
        self.census.close(sink);
        if self.census.is_incomplete() { Outcome::Incomplete } else { Outcome::Complete }
    }
}

/// Which run a line belongs to, for cutting.
enum Place {
    /// It cannot be read or names no run: it belongs to the run it stands in.
    Within,
    /// It belongs to none.
    Alone,
    Run(String),
}

fn place(kind: Kind, line: &[u8], table: &mut fields::Table) -> Place {
    let of = |fields: fields::Fields<'_, '_>| match fields.is_census() {
        true => fields.get(Field::Run).text().map_or(Place::Within, |run| Place::Run(run.into_owned())),
        false if kind == Kind::Flat => Place::Alone,
        false => Place::Within,
    };
    let Ok(text) = std::str::from_utf8(line) else { return Place::Within };
    if let Some(fields) = table.scan(text) {
        return of(fields);
    }
    if text.len() > MAX_TREE_LINE {
        return Place::Within;
    }
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Object(map)) => of(table.tree(&Members::of(map))),
        _ => Place::Within,
    }
}

/// The next place where a file may be cut without cutting a run: before a line that belongs to another run than the
/// line before it, or to none. The line that the window starts in is never looked at, nor is the first whole line
/// compared with it. `None` for UTF-16, where a window may start inside a character.
///
/// The same scan as the reader's decides, so that both always agree on what a line is. Looking for the next run
/// costs as much as reading up to it, which is little: a run is one client.
fn border(kind: Kind, window: &mut Window<'_>) -> Option<u64> {
    let start = window.fill(BORDER_HEAD);
    let start = start.get(..BORDER_HEAD).unwrap_or(start);
    if text::detect(start).0 != Encoding::Utf8 || start.contains(&0) {
        return None;
    }
    window.line(MAX_LINE)?;
    let (mut run, mut table) = (None, fields::Table::new());
    loop {
        let line = window.line(MAX_LINE)?;
        match place(kind, text::without_mark(line.bytes), &mut table) {
            Place::Within => {}
            Place::Alone => return Some(line.offset),
            Place::Run(this) => {
                if run.as_ref().is_some_and(|before| *before != this) {
                    return Some(line.offset);
                }
                run = Some(this);
            }
        }
    }
}

/// The first line of a source that is not blank, as far as its head shows it.
struct FirstLine {
    text: String,
    /// All of the line is there.
    complete: bool,
}

impl FirstLine {
    /// `None` where it does not begin an object.
    fn of(head: &Head<'_>) -> Option<Self> {
        let bytes = text::head(head);
        let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            let complete = lines.peek().is_some() || head.complete;
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let end = std::str::from_utf8(line).map_or_else(|error| error.valid_up_to(), str::len);
            let text = line.starts_with(b"{").then(|| String::from_utf8_lossy(line.get(..end).unwrap_or(line)))?;
            // Tabs between fields would stop the scan here, where no slow path can help a cut line.
            return Some(FirstLine { text: text.replace('\t', " "), complete: complete && end == line.len() });
        }
        None
    }

    fn members(&self) -> Option<Members> {
        match serde_json::from_str(&self.text) {
            Ok(Json::Object(map)) if self.complete => Some(Members::of(map)),
            _ => None,
        }
    }

    fn is_census(&self) -> bool {
        let mut table = fields::Table::new();
        // Declined or not, what stands before that place is what is wanted.
        table.scan_prefix(&self.text).is_census()
            || self.members().is_some_and(|members| table.tree(&members).is_census())
    }

    /// An object that names a certificate or a provider, and no other version of census.
    fn is_flat(&self) -> bool {
        let fits = |fields: &flat::Fields<'_>| {
            fields.names_certificate() && !fields.schema().is_some_and(|schema| schema.starts_with("census/"))
        };
        if !self.complete {
            return fits(&flat::Table::new().scan_prefix(&self.text));
        }
        // A complete line that is no JSON begins something that is printed over several lines.
        self.members().is_some_and(|members| fits(&flat::Fields::tree(&members)))
    }
}
