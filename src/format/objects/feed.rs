//! The bytes of a text source as UTF-8 (or 8-bit) text, a stretch at a time, with their places in the source.
//!
//! For forms whose records are not lines. UTF-16 is decoded in chunks; everything else is handed out as it stands in
//! the window.

use std::borrow::Cow;

use crate::format::code_page::CodePage;
use crate::format::text::{self, Encoding};
use crate::input::{CHUNK, Window};

/// Bytes looked at to recognise UTF-16.
const PATTERN_BYTES: usize = 1024;

/// A text source from where its window stands.
pub(super) struct Feed<'w, 'r> {
    window: &'w mut Window<'r>,
    encoding: Encoding,
    /// Decoded UTF-16; what stands before `start` is consumed.
    decoded: Vec<u8>,
    start: usize,
    /// Place of the next byte of `decoded` in the source.
    offset: u64,
    ended: bool,
}

impl<'w, 'r> Feed<'w, 'r> {
    /// Finds the encoding and passes over the byte order mark.
    pub(super) fn new(window: &'w mut Window<'r>) -> Self {
        let (encoding, mark) = text::detect(window.fill(PATTERN_BYTES));
        window.consume(mark);
        let offset = window.offset();
        Feed { window, encoding, decoded: Vec::new(), start: 0, offset, ended: false }
    }

    /// The source is UTF-16: what is no text in it belongs to no code page.
    pub(super) fn is_wide(&self) -> bool {
        self.encoding != Encoding::Utf8
    }

    /// The text ahead, at least `want` bytes of it unless the source ends first.
    pub(super) fn fill(&mut self, want: usize) -> &[u8] {
        if self.encoding == Encoding::Utf8 {
            return self.window.fill(want);
        }
        while self.decoded.len() - self.start < want && !self.ended {
            self.decode();
        }
        self.decoded.get(self.start..).unwrap_or_default()
    }

    /// Passes over `count` bytes that are at hand.
    pub(super) fn consume(&mut self, count: usize) {
        if self.encoding == Encoding::Utf8 {
            return self.window.consume(count);
        }
        let end = self.decoded.len().min(self.start + count);
        let gone = self.decoded.get(self.start..end).unwrap_or_default();
        self.offset += 2 * units(gone);
        self.start = end;
    }

    /// Offset in the source, before decoding, of what comes next.
    pub(super) fn offset(&self) -> u64 {
        if self.encoding == Encoding::Utf8 { self.window.offset() } else { self.offset }
    }

    fn decode(&mut self) {
        self.decoded.drain(..std::mem::take(&mut self.start));
        let bytes = self.window.fill(CHUNK);
        let mut len = bytes.len() & !1;
        if len < bytes.len() && bytes.len() < CHUNK {
            // Half a unit at the end of the source.
            len = bytes.len();
        }
        if let Some([.., low, high]) = bytes.get(..len & !1)
            && bytes.len() >= CHUNK
            && is_high_surrogate(*low, *high, self.encoding)
        {
            len -= 2;
        }
        self.ended = len == 0;
        if text::decode_utf16(bytes.get(..len).unwrap_or_default(), self.encoding, &mut self.decoded) {
            self.decoded.push(0xff);
            self.ended = true;
        }
        self.window.consume(len);
    }
}

fn is_high_surrogate(first: u8, second: u8, encoding: Encoding) -> bool {
    let high = if encoding == Encoding::Utf16Be { first } else { second };
    high & 0xfc == 0xd8
}

/// Units of UTF-16 that these bytes, which [`text::decode_utf16`] made, were.
fn units(bytes: &[u8]) -> u64 {
    let of = |byte: &u8| match byte {
        0x80..=0xbf => 0,
        0xf0..=0xf7 => 2,
        _ => 1,
    };
    bytes.iter().map(of).sum()
}

/// These bytes of a source as text, and whether letters were guessed: bytes that are not UTF-8 are decoded by the code
/// page, and without one as Latin-1.
pub(super) fn text_of(bytes: &[u8], page: Option<CodePage>) -> (Cow<'_, str>, bool) {
    match (simdutf8::basic::from_utf8(bytes), page) {
        (Ok(text), _) => (Cow::Borrowed(text), false),
        (Err(_), Some(page)) => {
            let mut text = String::new();
            let valid = page.decode(bytes, &mut text);
            (Cow::Owned(text), !valid)
        }
        (Err(_), None) => (Cow::Owned(encoding_rs::mem::decode_latin1(bytes).into_owned()), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_bytes_before_decoding() {
        let text = "aé🔑z";
        let little: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let mut window = Window::new(&little[..], 0);
        let mut feed = Feed::new(&mut window);
        assert_eq!((feed.offset(), feed.fill(1)), (2, text.as_bytes()));
        feed.consume("aé🔑".len());
        assert_eq!((feed.offset(), feed.fill(100)), (2 + 2 * 4, &b"z"[..]));
        feed.consume(1);
        assert!(feed.fill(1).is_empty() && feed.offset() == little.len() as u64);
    }

    #[test]
    fn characters_survive_the_borders_of_chunks() {
        let text = format!("a{}", "🔑".repeat(CHUNK));
        let big: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let mut window = Window::new(&big[..], 0);
        let mut feed = Feed::new(&mut window);
        let mut seen = Vec::new();
        while let Some(len) = Some(feed.fill(1).len()).filter(|len| *len > 0) {
            seen.extend_from_slice(feed.fill(1));
            feed.consume(len);
        }
        assert!(seen == text.as_bytes() && feed.offset() == big.len() as u64);
    }
}
