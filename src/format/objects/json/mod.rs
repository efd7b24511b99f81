//! JSON documents: one object, an array of objects, or several of either one after the other, over as many lines as
//! they like.
//!
//! Objects of the outermost array are records, found by their brackets and parsed one at a time, so that the memory
//! needed is that of one object. Where an object cannot be read, the reader goes on at the next line that begins an
//! object at the same indentation.

mod extent;
mod value;

use super::Carrier;
use super::feed::{Feed, text_of};
use super::visit::{self, Place};
use crate::format::code_page::CodePage;
use crate::format::{Format, HEAD, Head, Input, Outcome, ndjson, text};
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use extent::Extent;
pub(super) use extent::closed;
pub(super) use value::parse;

/// Most bytes of one object.
const MAX_ELEMENT: usize = 16 * 1024 * 1024;
/// Bytes that are looked at together between objects.
const STRETCH: usize = 4096;
/// Objects at the beginning that are looked at to tell whether somebody reads the document.
const MAX_FIRST: usize = 8;
/// Times that a search for the next object is begun after a damaged one, for a search may look at all that an object
/// may have.
const MAX_SEARCHES: usize = 64;

/// JSON documents of objects that some kind reads.
pub static FORMAT: Format = Format {
    name: "json_document",
    title: "JSON document",
    usual_names: "*.json",
    yields: "what its objects are: certificates of PowerShell and agents, and others",
    source: "RFC 8259; PowerShell ConvertTo-Json",
    sniff,
    read: Some(read),
    unpack: None,
    border: None,
};

fn sniff(head: &Head<'_>) -> bool {
    !super::lines::sniff(head) && !ndjson::is_sniffed(head) && first_of_kind(&text::head(head))
}

/// Whether one of the first objects of a document that begins so is of some kind; of one that is cut, what can be seen.
fn first_of_kind(bytes: &[u8]) -> bool {
    let (text, guessed) = text_of(bytes, None);
    has_first_of_kind(&text) || guessed && has_first_of_kind(&plain(bytes))
}

/// 8-bit text with a mark for each letter that is not ASCII, and for what may be the second byte of one.
fn plain(bytes: &[u8]) -> String {
    let mut led = false;
    let of = |byte: &u8| {
        let is_second = std::mem::take(&mut led) && !matches!(byte, b'"' | b',' | b'\r' | b'\n');
        led = !is_second && !byte.is_ascii();
        if is_second || led { '?' } else { char::from(*byte) }
    };
    bytes.iter().map(of).collect()
}

fn has_first_of_kind(text: &str) -> bool {
    let mut rest = text.trim_start();
    rest = rest.strip_prefix('[').unwrap_or(rest);
    for _ in 0..MAX_FIRST {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        // PowerShell writes one for nothing.
        if let Some(after) = rest.strip_prefix("null") {
            rest = after;
        } else if !rest.starts_with(['{', '[']) {
            return false;
        } else if is_of_kind(rest) {
            return true;
        } else {
            let end = Extent::default().find(rest.as_bytes());
            rest = end.and_then(|end| rest.get(end..)).unwrap_or_default();
        }
    }
    false
}

/// Whether the object or list that begins a text is of some kind.
pub(super) fn is_of_kind(text: &str) -> bool {
    parse(&closed(text)).is_ok_and(|value| visit::is_of_kind(&value))
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut feed = Feed::new(input.window);
    let place = Place { carrier: Carrier::Json, path: input.path, setting: input.setting, is_wide: feed.is_wide() };
    // A code page is for text that is no UTF-8.
    let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    let page = input.setting.code_page.filter(|_| !place.is_wide && !is_text(feed.fill(HEAD)));
    let mut documents = Documents { feed, place, page, array: None, indent: Some(Vec::new()), searches: 0, cut: false };
    while !sink.stopped() {
        if !documents.next(sink) {
            return if documents.cut { Outcome::Incomplete } else { Outcome::Complete };
        }
    }
    Outcome::Incomplete
}

/// A source of JSON under way.
struct Documents<'w, 'r, 'p> {
    feed: Feed<'w, 'r>,
    place: Place<'p>,
    /// The code page of text that is no UTF-8.
    page: Option<CodePage>,
    /// Where the array that is open began.
    array: Option<u64>,
    /// The white space at the beginning of this line, as long as nothing else stands before what comes next.
    indent: Option<Vec<u8>>,
    searches: usize,
    /// The source ended too early.
    cut: bool,
}

impl Documents<'_, '_, '_> {
    /// Reads up to and with the next bracket or record; false at the end.
    fn next(&mut self, sink: &mut dyn Sink) -> bool {
        self.pass_blanks();
        let offset = self.feed.offset();
        let Some(byte) = self.feed.fill(1).first().copied() else {
            if let Some(array) = self.array {
                self.lost(array, Code::Truncated, "the array has no end", sink);
                self.cut = true;
            }
            return false;
        };
        match byte {
            // Also outside of an array: objects may be pasted from one.
            b',' => self.feed.consume(1),
            b'[' if self.array.is_none() => {
                self.array = Some(offset);
                self.feed.consume(1);
            }
            b']' if self.array.is_some() => {
                self.array = None;
                self.feed.consume(1);
            }
            b'{' | b'[' => return self.element(offset, sink),
            _ => self.other(offset, sink),
        }
        true
    }

    /// White space, and byte order marks where files were joined.
    fn pass_blanks(&mut self) {
        loop {
            let bytes = self.feed.fill(STRETCH);
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0xef | 0xbb | 0xbf);
            let len = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
            if len == 0 {
                return;
            }
            let blanks = bytes.get(..len).unwrap_or_default();
            match blanks.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => self.indent = Some(blanks[at + 1..].to_vec()),
                None => {
                    if let Some(indent) = self.indent.as_mut().filter(|indent| indent.len() < STRETCH) {
                        indent.extend_from_slice(blanks);
                    }
                }
            }
            self.feed.consume(len);
        }
    }

    fn lost(&self, offset: u64, code: Code, message: impl Into<String>, sink: &mut dyn Sink) {
        sink.reject(Reject::lost(Lineage::at(offset), Stage::Read, code, message));
    }

    /// Something that is no object: a value of another type, or no JSON.
    fn other(&mut self, offset: u64, sink: &mut dyn Sink) {
        self.indent = None;
        let mut is_null = false;
        let mut first = true;
        loop {
            let bytes = self.feed.fill(STRETCH);
            if first
                && bytes.first() == Some(&b'"')
                && let Some(len) = extent::string_len(bytes)
            {
                self.feed.consume(len);
                break;
            }
            let ends = |byte: &u8| matches!(byte, b'{' | b'[' | b']' | b',' | b'\n');
            let len = bytes.iter().skip(usize::from(first)).position(ends);
            let len = len.map_or(bytes.len(), |len| len + usize::from(first));
            is_null = first && bytes.get(..len).is_some_and(|bytes| bytes.trim_ascii() == b"null");
            let whole = len == 0 || len < bytes.len() || bytes.is_empty();
            self.feed.consume(len);
            first = false;
            if whole {
                break;
            }
        }
        match is_null {
            true => sink.skip("json_null"),
            false => self.lost(offset, Code::BadStructure, "no object stands here", sink),
        }
    }

    /// An object, or a list inside the array; false where no other can be found.
    fn element(&mut self, offset: u64, sink: &mut dyn Sink) -> bool {
        let (mut extent, mut searched) = (Extent::of(self.page), 0);
        loop {
            let bytes = self.feed.fill(searched + 1);
            let rest = bytes.get(searched..).unwrap_or_default();
            let found = extent.find(rest).map(|len| searched + len);
            let ended = rest.is_empty();
            searched = bytes.len();
            match found {
                Some(len) if len <= MAX_ELEMENT => return self.found(offset, len, sink),
                None if ended => {
                    self.lost(offset, Code::Truncated, "the object has no end", sink);
                    self.cut = !self.go_on(searched);
                    if self.cut {
                        self.members_of_cut(offset, sink);
                    }
                    return !self.cut;
                }
                None if searched <= MAX_ELEMENT => {}
                _ => {
                    let message = format!("the object is longer than {MAX_ELEMENT} bytes");
                    self.lost(offset, Code::TooLarge, message, sink);
                    return self.go_on(MAX_ELEMENT.min(searched)) || self.pass(found, searched, extent);
                }
            }
        }
    }

    /// The whole objects inside one that is cut.
    fn members_of_cut(&mut self, offset: u64, sink: &mut dyn Sink) {
        let (text, guessed) = self.place.text(self.feed.fill(1));
        let closed = closed(&text);
        if let Some(members) = parse(&closed).ok().and_then(visit::whole_members) {
            self.place.visit(&members, offset, guessed, sink);
        }
    }

    /// Passes over an object that is too long; false where it has no end.
    fn pass(&mut self, found: Option<usize>, searched: usize, mut extent: Extent) -> bool {
        let mut found = found;
        let mut at_hand = searched;
        self.indent = None;
        loop {
            if let Some(len) = found {
                self.feed.consume(len);
                return true;
            }
            self.feed.consume(at_hand);
            let bytes = self.feed.fill(STRETCH);
            at_hand = bytes.len();
            if at_hand == 0 {
                self.cut = true;
                return false;
            }
            found = extent.find(bytes);
        }
    }

    /// An object of so many bytes.
    fn found(&mut self, offset: u64, len: usize, sink: &mut dyn Sink) -> bool {
        let bytes = self.feed.fill(len).get(..len).unwrap_or_default();
        let (text, guessed) = self.place.text(bytes);
        match parse(&text) {
            Ok(value) => self.place.visit(&value, offset, guessed, sink),
            Err(error) => {
                let reject = Reject::lost(Lineage::at(offset), Stage::Decode, Code::BadJson, error.to_string());
                sink.reject(reject.with_sample(bytes));
                // Its brackets may lie, and those of others may be among them.
                if self.go_on(len) {
                    return true;
                }
            }
        }
        self.feed.consume(len);
        self.indent = None;
        true
    }

    /// Passes to the next line among the first `len` bytes that begins an object as far from the margin as this one;
    /// false where there is none.
    fn go_on(&mut self, len: usize) -> bool {
        let Some(indent) = self.indent.as_ref().filter(|_| self.searches < MAX_SEARCHES) else { return false };
        self.searches += 1;
        let wanted = [b"\n", indent.as_slice(), b"{"].concat();
        let bytes = self.feed.fill(len);
        let Some(at) = memchr::memmem::find(bytes.get(..len).unwrap_or(bytes), &wanted) else { return false };
        self.feed.consume(at + wanted.len() - 1);
        true
    }
}

#[cfg(test)]
mod tests;
