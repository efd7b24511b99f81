//! CLIXML: what `Export-Clixml` and remoting write (MS-PSRP 2.2.5). Objects of the outermost element are records, found
//! by their tags and parsed one at a time.

mod parse;

use super::Carrier;
use super::feed::{Feed, text_of};
use super::visit::{self, Place};
use crate::format::{Format, Head, Input, Outcome, text};
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use parse::parse;

/// Most bytes of one object.
const MAX_ELEMENT: usize = 16 * 1024 * 1024;
/// Most bytes of one tag.
const MAX_TAG: usize = 64 * 1024;
/// Times that a search for the next object is begun after a damaged one.
const MAX_SEARCHES: usize = 64;
/// The outermost element.
const OUTER: &[u8] = b"<Objs";
/// What begins an object.
const OBJECT: &[u8] = b"<Obj";

/// CLIXML of objects that some kind reads.
pub static FORMAT: Format = Format {
    name: "clixml",
    title: "PowerShell CLIXML",
    usual_names: "*.clixml, *.xml",
    yields: "what its objects are: certificates of PowerShell, and others",
    source: "MS-PSRP 2.2.5; Export-Clixml",
    sniff,
    read: Some(read),
    unpack: None,
    border: None,
};

/// The text begins with the outermost element, maybe behind a declaration or what remoting puts before it.
pub(in crate::format) fn is_clixml(text: &[u8]) -> bool {
    let mut text = text.trim_ascii_start();
    text = text.strip_prefix(b"#< CLIXML").unwrap_or(text).trim_ascii_start();
    if text.starts_with(b"<?xml")
        && let Some(end) = memchr::memmem::find(text, b"?>")
    {
        text = text.get(end + 2..).unwrap_or_default().trim_ascii_start();
    }
    text.strip_prefix(OUTER)
        .is_some_and(|rest| rest.first().is_some_and(|byte| matches!(byte, b' ' | b'>' | b'\r' | b'\n')))
}

fn sniff(head: &Head<'_>) -> bool {
    let bytes = text::head(head);
    if !is_clixml(&bytes) {
        return false;
    }
    let is_object = |at: &usize| bytes.get(at + OBJECT.len()).is_some_and(|byte| matches!(byte, b' ' | b'>'));
    let Some(at) = memchr::memmem::find_iter(&bytes, OBJECT).find(is_object) else { return false };
    let text = text_of(bytes.get(at..).unwrap_or_default(), None).0;
    parse(&text, true).is_ok_and(|value| visit::is_of_kind(&value))
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let feed = Feed::new(input.window);
    let place = Place { carrier: Carrier::Clixml, path: input.path, setting: input.setting, is_wide: feed.is_wide() };
    let mut objects = Objects { feed, place, open: None, indent: None, searches: 0, cut: false };
    while !sink.stopped() {
        if !objects.next(sink) {
            return if objects.cut { Outcome::Incomplete } else { Outcome::Complete };
        }
    }
    Outcome::Incomplete
}

/// A source of CLIXML under way.
struct Objects<'w, 'r, 'p> {
    feed: Feed<'w, 'r>,
    place: Place<'p>,
    /// Where the outermost element that is open began.
    open: Option<u64>,
    /// What stands between the last line end and the next tag.
    indent: Option<Vec<u8>>,
    searches: usize,
    /// The source ended too early.
    cut: bool,
}

/// Where something ends.
enum End {
    /// After so many bytes.
    At(usize),
    /// It is longer than the limit.
    TooLong,
    /// The source ends first, after so many bytes.
    Missing(usize),
}

impl Objects<'_, '_, '_> {
    /// Reads up to and with the next tag or object; false at the end.
    fn next(&mut self, sink: &mut dyn Sink) -> bool {
        if !self.pass_text() {
            if let Some(open) = self.open {
                self.lost(open, Code::Truncated, "the list of objects has no end", sink);
                self.cut = true;
            }
            return false;
        }
        let offset = self.feed.offset();
        let ahead = self.feed.fill(OUTER.len() + 2);
        if ahead.get(1).is_some_and(|byte| byte.is_ascii_whitespace()) {
            // The mark of remoting before the outermost element, `#< CLIXML`.
            self.feed.consume(1);
            return true;
        }
        let is_tag = |name: &[u8]| {
            ahead.strip_prefix(name).is_some_and(|rest| rest.first().is_some_and(|byte| !byte.is_ascii_alphanumeric()))
        };
        if is_tag(OBJECT) {
            return self.object(offset, sink);
        }
        let (opens, closes) = (is_tag(OUTER), is_tag(b"</Objs"));
        let passes = ahead.starts_with(b"<?") || ahead.starts_with(b"<!") || ahead.starts_with(b"</");
        let Some(len) = self.tag() else {
            self.lost(offset, Code::Truncated, "the tag has no end", sink);
            self.cut = true;
            return false;
        };
        if opens {
            self.open = Some(offset);
        } else if closes {
            self.open = None;
        } else if !passes {
            self.other(offset, len, sink);
        }
        self.feed.consume(len);
        true
    }

    /// Text between elements, which is white space; false at the end of the source.
    fn pass_text(&mut self) -> bool {
        loop {
            let bytes = self.feed.fill(1);
            if bytes.is_empty() {
                return false;
            }
            let found = memchr::memchr(b'<', bytes);
            let len = found.unwrap_or(bytes.len());
            let text = bytes.get(..len).unwrap_or_default();
            if let Some(at) = text.iter().rposition(|byte| *byte == b'\n') {
                let indent = text.get(at + 1..).unwrap_or_default();
                self.indent = (indent.len() < MAX_TAG).then(|| indent.to_vec());
            } else if len > 0 {
                self.indent = None;
            }
            self.feed.consume(len);
            if found.is_some() {
                return true;
            }
        }
    }

    /// Length of the tag that comes next; `None` where it has no end.
    fn tag(&mut self) -> Option<usize> {
        let bytes = self.feed.fill(MAX_TAG);
        memchr::memchr(b'>', bytes.get(..bytes.len().min(MAX_TAG))?).map(|at| at + 1)
    }

    fn lost(&self, offset: u64, code: Code, message: impl Into<String>, sink: &mut dyn Sink) {
        sink.reject(Reject::lost(Lineage::at(offset), Stage::Read, code, message));
    }

    /// A value that is no object: nothing, a message of a stream, text or a number. `len` is the length of its first tag;
    /// what follows the tag is passed over as text.
    fn other(&mut self, offset: u64, len: usize, sink: &mut dyn Sink) {
        let tag = self.feed.fill(len).get(..len).unwrap_or_default();
        if tag.starts_with(b"<Nil") {
            sink.skip("clixml_nil");
        } else if memchr::memmem::find(tag, b" S=\"").is_some() {
            sink.skip("clixml_message");
        } else {
            self.lost(offset, Code::BadStructure, "no object stands here", sink);
        }
    }

    fn object(&mut self, offset: u64, sink: &mut dyn Sink) -> bool {
        match self.end() {
            End::At(len) => self.found(offset, len, sink),
            End::Missing(all) => {
                self.lost(offset, Code::Truncated, "the object has no end", sink);
                self.cut = !self.go_on(all);
                return !self.cut;
            }
            End::TooLong => {
                let message = format!("the object is longer than {MAX_ELEMENT} bytes");
                self.lost(offset, Code::TooLarge, message, sink);
                if !self.go_on(MAX_ELEMENT) {
                    // What stands inside it is no object of its own.
                    return self.pass();
                }
            }
        }
        true
    }

    /// The end of the object that comes next.
    fn end(&mut self) -> End {
        let mut tags = Tags::default();
        let mut searched = 0;
        loop {
            let bytes = self.feed.fill(searched + 1);
            let all = bytes.len();
            if let Some(len) = tags.find(bytes) {
                return if len > MAX_ELEMENT { End::TooLong } else { End::At(len) };
            } else if all <= searched {
                return End::Missing(all);
            } else if all > MAX_ELEMENT {
                return End::TooLong;
            }
            searched = all;
        }
    }

    /// Passes over the object that comes next, however long; false where it has no end.
    fn pass(&mut self) -> bool {
        let mut tags = Tags::default();
        loop {
            let bytes = self.feed.fill(MAX_TAG);
            let all = bytes.len();
            if let Some(len) = tags.find(bytes) {
                self.feed.consume(len);
                return true;
            }
            // A tag may be cut by the end of what is at hand.
            let passed = tags.forget(all);
            if passed == 0 {
                self.cut = true;
                return false;
            }
            self.feed.consume(passed);
        }
    }

    /// An object of so many bytes.
    fn found(&mut self, offset: u64, len: usize, sink: &mut dyn Sink) {
        let bytes = self.feed.fill(len).get(..len).unwrap_or_default();
        let (text, guessed) = self.place.text(bytes);
        match parse(&text, false) {
            Ok(value) => self.place.visit(&value, offset, guessed, sink),
            Err(error) => {
                sink.reject(Reject::lost(Lineage::at(offset), Stage::Decode, Code::BadStructure, error));
                if self.go_on(len) {
                    return;
                }
            }
        }
        self.feed.consume(len);
    }

    /// Passes to the next line among the first `len` bytes that begins an object as far from the margin as this one.
    fn go_on(&mut self, len: usize) -> bool {
        let Some(indent) = self.indent.as_ref().filter(|_| self.searches < MAX_SEARCHES) else { return false };
        self.searches += 1;
        let wanted = [b"\n", indent.as_slice(), OBJECT, b" "].concat();
        let bytes = self.feed.fill(len);
        let Some(at) = memchr::memmem::find(bytes.get(..len).unwrap_or(bytes), &wanted) else { return false };
        self.feed.consume(at + 1 + indent.len());
        true
    }
}

/// A search for the end of an object, a stretch of bytes at a time.
#[derive(Debug, Default)]
struct Tags {
    depth: u64,
    /// Where the search goes on in the bytes.
    at: usize,
}

impl Tags {
    /// Length of the object that begins `bytes`, which are those of the last call and what follows them.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(start) = memchr::memchr(b'<', bytes.get(self.at..)?).map(|at| self.at + at) {
            self.at = start;
            let rest = bytes.get(start..).unwrap_or_default();
            // Until the name is there in full, nothing can be said.
            if rest.len() <= b"</Obj>".len() {
                let last = rest == b"</Obj>" && self.depth == 1;
                return last.then_some(bytes.len());
            }
            let name_ends = |name: &[u8]| {
                rest.strip_prefix(name).and_then(<[u8]>::first).is_some_and(|byte| !byte.is_ascii_alphanumeric())
            };
            if rest.starts_with(b"</Obj>") {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(start + b"</Obj>".len());
                }
            } else if name_ends(OBJECT) {
                let end = memchr::memchr(b'>', rest)?;
                let is_empty = end > 0 && rest.get(end - 1) == Some(&b'/');
                if !is_empty {
                    self.depth += 1;
                } else if self.depth == 0 {
                    return Some(start + end + 1);
                }
            }
            self.at = start + 1;
        }
        self.at = bytes.len();
        None
    }

    /// The bytes before the search may go; how many these are of `all`.
    fn forget(&mut self, all: usize) -> usize {
        std::mem::take(&mut self.at).min(all)
    }
}

#[cfg(test)]
mod tests;
