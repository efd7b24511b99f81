//! LDIF (RFC 2849): entries of a directory, of which those that are templates become rows.

use super::attributes::{self, Attributes, Value};
use crate::format::text::{TextLine, TextLines};
use crate::format::{Input, Outcome};
use crate::record::{Code, FormatConfidence, Lineage, Reject, Sink, Stage};

/// Longest entry, in bytes of its text.
const MAX_ENTRY: usize = 4 * 1024 * 1024;

pub(super) fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    let mut reader = Reader { sink, entry: None, line: String::new() };
    while let Some(line) = lines.line() {
        if reader.entry.is_none() && reader.sink.stopped() {
            return Outcome::Incomplete;
        }
        reader.line(&line);
    }
    // An entry ends with an empty line. Where the last one does not, its last number may be cut.
    let is_cut = reader.entry.is_some() && attributes::is_number(reader.line.split(':').next().unwrap_or_default());
    if is_cut {
        reader.line.clear();
        if let Some(entry) = &mut reader.entry {
            entry.attributes.doubt("attributes", "the source ends with a number, which may be cut and is not used");
        }
    }
    reader.end_line();
    reader.end_entry();
    if is_cut { Outcome::Incomplete } else { Outcome::Complete }
}

/// The entry that is being read.
struct Entry {
    offset: u64,
    bytes: usize,
    attributes: Attributes,
    /// A line of it was too long, or it is.
    is_too_large: bool,
    is_guessed: bool,
    /// It tells what is to be changed, and not what is.
    is_change: bool,
}

struct Reader<'s> {
    sink: &'s mut dyn Sink,
    entry: Option<Entry>,
    /// The line at hand, with what was folded into the lines below it.
    line: String,
}

impl Reader<'_> {
    fn line(&mut self, line: &TextLine<'_>) {
        if let Some(entry) = &mut self.entry {
            entry.bytes += line.text.len();
            entry.is_too_large |= line.too_long || entry.bytes > MAX_ENTRY;
            entry.is_guessed |= line.invalid;
        }
        if let Some(rest) = line.text.strip_prefix(' ') {
            if self.entry.as_ref().is_some_and(|entry| !entry.is_too_large) || self.line.len() < MAX_ENTRY / 16 {
                self.line.push_str(rest);
            }
            return;
        }
        self.end_line();
        if line.text.trim().is_empty() {
            return self.end_entry();
        }
        if line.text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("dn:")) {
            self.end_entry();
            let attributes = Attributes::default();
            let is_guessed = line.invalid;
            let (offset, is_too_large, is_change) = (line.offset, false, false);
            self.entry = Some(Entry { offset, bytes: 0, attributes, is_too_large, is_guessed, is_change });
        }
        self.line.push_str(line.text);
    }

    /// The line at hand has no more parts.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if let Some(entry) = self.entry.as_mut().filter(|entry| !entry.is_too_large) {
            let change = line.strip_prefix("changetype:").map(str::trim);
            entry.is_change |= change.is_some_and(|change| !change.eq_ignore_ascii_case("add"));
            attribute(&line, &mut entry.attributes);
        }
        // Its room is used again.
        self.line = line;
        self.line.clear();
    }

    fn end_entry(&mut self) {
        let Some(Entry { offset, mut attributes, is_too_large, is_guessed, is_change, .. }) = self.entry.take() else {
            return;
        };
        let lineage = Lineage::at(offset);
        match () {
            () if is_too_large => {
                let message = "the entry, or one of its lines, is too long";
                self.sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
            }
            () if attributes.is_template && !is_change => {
                if is_guessed {
                    attributes.doubt("display_name", "the text is not UTF-8: its letters beyond ASCII are guessed");
                }
                attributes.push(lineage, FormatConfidence::Seen, self.sink);
            }
            () => self.sink.skip("not_a_template"),
        }
    }
}

/// `name: value`, `name:: base64`, also with options after a semicolon; comments and files (`:<`) are passed over.
fn attribute(line: &str, attributes: &mut Attributes) {
    let Some((name, value)) = line.split_once(':').filter(|_| !line.starts_with('#')) else { return };
    let name = name.split(';').next().unwrap_or_default().trim();
    if let Some(base64) = value.strip_prefix(':') {
        match base64_simd::forgiving_decode_to_vec(base64.trim().as_bytes()) {
            Ok(bytes) => attributes.add(name, Value::Bytes(&bytes)),
            Err(_) => attributes.doubt("attributes", "a value's base64 cannot be decoded"),
        }
    } else if !value.starts_with('<') {
        attributes.add(name, Value::Text(value.trim()));
    }
}
