//! Text before grammar: which encoding a text export is in, and its lines with their place in the source.
//!
//! Windows tools write UTF-16LE with or without byte order mark, UTF-8 with or without it, and 8-bit code
//! pages. Everything readers look for is ASCII, so 8-bit text is taken as UTF-8 and a line that
//! is not gets replacement characters and a flag. Offsets always count bytes of the source, before decoding.

use std::borrow::Cow;

use super::Head;
use crate::input::{MAX_WINDOW, Window};

/// How the characters of a source are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or an 8-bit code page that agrees with it in ASCII.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

/// Bytes looked at to recognise UTF-16 without a byte order mark.
const PATTERN_BYTES: usize = 1024;

/// The encoding of a text that begins with `bytes`, and the length of its byte order mark.
///
/// Without a mark, UTF-16 shows by its NUL bytes: at least every second character of an export is ASCII, and no
/// character has the other byte zero (U+0100, U+0200, ... do not occur in them).
pub fn detect(bytes: &[u8]) -> (Encoding, usize) {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
        _ => (detect_by_pattern(&bytes[..bytes.len().min(PATTERN_BYTES)]), 0),
    }
}

fn detect_by_pattern(bytes: &[u8]) -> Encoding {
    let (mut units, mut first_zero, mut second_zero) = (0, 0, 0);
    for pair in bytes.chunks_exact(2) {
        units += 1;
        first_zero += usize::from(pair[0] == 0);
        second_zero += usize::from(pair[1] == 0);
    }
    let mostly = |zeros: usize| units >= 2 && zeros * 2 >= units;
    match (first_zero, second_zero) {
        (0, zeros) if mostly(zeros) => Encoding::Utf16Le,
        (zeros, 0) if mostly(zeros) => Encoding::Utf16Be,
        _ => Encoding::Utf8,
    }
}

/// The beginning of a source as UTF-8 (or 8-bit) text without byte order mark, for sniffing.
///
/// Only UTF-16 is copied. A character cut in two by the end of the head becomes a replacement character.
pub fn head<'a>(head: &Head<'a>) -> Cow<'a, [u8]> {
    let (encoding, mark) = detect(head.bytes);
    let bytes = &head.bytes[mark..];
    if encoding == Encoding::Utf8 {
        return Cow::Borrowed(bytes);
    }
    let mut text = String::new();
    decode_utf16(bytes, encoding, &mut text);
    Cow::Owned(text.into_bytes())
}

/// Appends UTF-16 text to `out`; true where replacement characters were needed.
fn decode_utf16(bytes: &[u8], encoding: Encoding, out: &mut String) -> bool {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| match encoding {
        Encoding::Utf16Be => u16::from_be_bytes(*pair),
        _ => u16::from_le_bytes(*pair),
    };
    let mut invalid = !odd.is_empty();
    out.reserve(pairs.len());
    out.extend(char::decode_utf16(pairs.iter().map(unit)).map(|c| {
        c.unwrap_or_else(|_| {
            invalid = true;
            char::REPLACEMENT_CHARACTER
        })
    }));
    invalid
}

/// One line of a text source.
#[derive(Debug)]
pub struct TextLine<'t> {
    /// Offset of the line's first byte in the source, before decoding.
    pub offset: u64,
    /// The text without its line end. Empty where `too_long`.
    pub text: &'t str,
    /// The line was longer than the limit (in bytes of the source) and was passed over.
    pub too_long: bool,
    /// The text has replacement characters for bytes that are not valid in the encoding.
    pub invalid: bool,
    /// The undecoded line.
    raw: &'t [u8],
    encoding: Encoding,
}

impl TextLine<'_> {
    /// Offset in the source of the character that starts at byte `index` of `text`.
    pub fn offset_of(&self, index: usize) -> u64 {
        let before = match self.encoding {
            Encoding::Utf8 if self.invalid => self.raw_position(index),
            Encoding::Utf8 => index,
            // A replacement character stands for one unpaired unit and is one unit long itself.
            _ => self.text.get(..index).map_or(0, |text| 2 * text.encode_utf16().count()),
        };
        self.offset + before as u64
    }

    /// Position in the undecoded bytes, where replacement made the text longer than they are.
    fn raw_position(&self, index: usize) -> usize {
        let (mut decoded, mut raw) = (0, 0);
        for chunk in self.raw.utf8_chunks() {
            if index <= decoded + chunk.valid().len() {
                return raw + index.saturating_sub(decoded);
            }
            decoded += chunk.valid().len() + char::REPLACEMENT_CHARACTER.len_utf8();
            raw += chunk.valid().len() + chunk.invalid().len();
        }
        raw
    }
}

/// The lines of a text source in any of the encodings, one at a time.
pub struct TextLines<'w, 'r> {
    window: &'w mut Window<'r>,
    encoding: Encoding,
    max: usize,
    scratch: String,
}

impl<'w, 'r> TextLines<'w, 'r> {
    /// Lines of at most `max` bytes from where the window stands. The encoding is found here; a byte order mark is
    /// passed over and belongs to no line.
    pub fn new(window: &'w mut Window<'r>, max: usize) -> Self {
        let (encoding, mark) = detect(window.fill(PATTERN_BYTES));
        window.consume(mark);
        // A line and the search for its end must fit the window.
        TextLines { window, encoding, max: max.min(MAX_WINDOW / 2), scratch: String::new() }
    }

    /// The encoding that was found.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The next line, or `None` at the end of the source. UTF-8 is borrowed, UTF-16 decoded into a reused buffer.
    pub fn line(&mut self) -> Option<TextLine<'_>> {
        match self.encoding {
            Encoding::Utf8 => self.utf8_line(),
            _ => self.utf16_line(),
        }
    }

    fn utf8_line(&mut self) -> Option<TextLine<'_>> {
        let line = self.window.line(self.max)?;
        let (text, invalid) = match str::from_utf8(line.bytes) {
            Ok(text) => (text, false),
            Err(_) => {
                self.scratch.clear();
                self.scratch.push_str(&String::from_utf8_lossy(line.bytes));
                (self.scratch.as_str(), true)
            }
        };
        let TextLines { encoding, .. } = *self;
        Some(TextLine { offset: line.offset, text, too_long: line.too_long, invalid, raw: line.bytes, encoding })
    }

    fn utf16_line(&mut self) -> Option<TextLine<'_>> {
        let offset = self.window.offset();
        let encoding = self.encoding;
        self.scratch.clear();
        let extent = self.utf16_extent()?;
        let Some((len, end)) = extent else {
            return Some(TextLine { offset, text: "", too_long: true, invalid: false, raw: &[], encoding });
        };
        let bytes = self.window.available().get(..len).unwrap_or_default();
        let invalid = decode_utf16(bytes, encoding, &mut self.scratch);
        if self.scratch.ends_with('\r') {
            self.scratch.pop();
        }
        self.window.consume(end);
        Some(TextLine { offset, text: &self.scratch, too_long: false, invalid, raw: &[], encoding })
    }

    /// Length of the next line without and with its end. `Some(None)`: it was too long and was passed over.
    fn utf16_extent(&mut self) -> Option<Option<(usize, usize)>> {
        let mut searched = 0;
        loop {
            let at_hand = self.window.available();
            if let Some(len) = find_newline(at_hand, searched, self.encoding) {
                if len > self.max {
                    self.window.consume(len + 2);
                    return Some(None);
                }
                return Some(Some((len, len + 2)));
            }
            let all = at_hand.len();
            searched = all & !1;
            if searched > self.max {
                self.pass_over_line(searched);
                return Some(None);
            }
            if self.window.fill(all + 1).len() == all {
                return (all > 0).then_some(Some((all, all)));
            }
        }
    }

    fn pass_over_line(&mut self, searched: usize) {
        self.window.consume(searched);
        loop {
            let at_hand = self.window.fill(2);
            if let Some(len) = find_newline(at_hand, 0, self.encoding) {
                self.window.consume(len + 2);
                return;
            }
            let all = at_hand.len();
            self.window.consume(if all < 2 { all } else { all & !1 });
            if all < 2 {
                return;
            }
        }
    }
}

/// Position of the first line feed unit at or after the even position `from`.
fn find_newline(bytes: &[u8], from: usize, encoding: Encoding) -> Option<usize> {
    let newline: [u8; 2] = if encoding == Encoding::Utf16Be { [0, b'\n'] } else { [b'\n', 0] };
    let tail = bytes.get(from..)?;
    // The byte 0x0a also occurs inside other characters, so each hit is checked for its place and its neighbour.
    memchr::memmem::find_iter(tail, &newline).find(|at| at % 2 == 0).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    fn lines(bytes: &[u8], max: usize) -> Vec<(u64, String, bool, bool)> {
        let mut window = Window::new(bytes, 0);
        let mut lines = TextLines::new(&mut window, max);
        let mut seen = Vec::new();
        while let Some(line) = lines.line() {
            seen.push((line.offset, line.text.to_owned(), line.too_long, line.invalid));
        }
        seen
    }

    #[test]
    fn every_encoding_gives_the_same_lines() {
        // U+0A05 and U+010A have a byte 0x0a that is no line end.
        let text = "one \u{a05}\u{10a}\r\n\ntwo and more\nend";
        let expected = ["one \u{a05}\u{10a}", "", "two and more", "end"];
        let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
        let cases = [
            text.as_bytes().to_vec(),
            marked,
            utf16(text, true, false),
            utf16(text, true, true),
            utf16(text, false, false),
            utf16(text, false, true),
        ];
        for bytes in cases {
            let seen = lines(&bytes, 1000);
            assert_eq!(seen.iter().map(|l| l.1.as_str()).collect::<Vec<_>>(), expected, "{bytes:02x?}");
            assert!(seen.iter().all(|l| !l.2 && !l.3));
            assert_eq!(seen[0].0, detect(&bytes).1 as u64);
        }
    }

    #[test]
    fn offsets_count_bytes_before_decoding() {
        let seen = lines(&utf16("ab\r\ncd\nef", true, false), 100);
        assert_eq!(seen.iter().map(|l| l.0).collect::<Vec<_>>(), [2, 10, 16]);
        let bytes = utf16("x🔑y\n", true, false);
        let mut window = Window::new(&bytes[..], 0);
        let mut text = TextLines::new(&mut window, 100);
        assert!(text.line().is_some_and(|l| l.text.find('y').map(|i| l.offset_of(i)) == Some(8)));
        let mut window = Window::new(&b"a\xff\xfe-b\n"[..], 0);
        let mut text = TextLines::new(&mut window, 100);
        assert!(text.line().is_some_and(|l| l.invalid && l.text.find('b').map(|i| l.offset_of(i)) == Some(4)));
    }

    #[test]
    fn long_lines_are_flagged_and_the_next_survives() {
        let text = format!("{}\nok\n", "x".repeat(3 * crate::input::CHUNK));
        for bytes in [text.clone().into_bytes(), utf16(&text, true, false), utf16(&text, false, true)] {
            let seen = lines(&bytes, 1000);
            assert_eq!(seen.len(), 2);
            assert!(seen[0].2 && seen[0].1.is_empty());
            assert_eq!(seen[1].1, "ok");
        }
    }

    #[test]
    fn broken_text_is_replaced_and_flagged() {
        assert_eq!(lines(b"a\xe9b\n", 100), [(0, "a\u{fffd}b".to_owned(), false, true)]);
        let mut odd = utf16("abc\nd", true, false);
        odd.push(0x41);
        assert_eq!(lines(&odd, 100)[1], (10, "d".to_owned(), false, true));
        assert_eq!(lines(b"\xff\xfe\x00\xd8a\x00", 100)[0], (2, "\u{fffd}a".to_owned(), false, true));
        assert!(lines(b"", 100).is_empty());
        assert!(lines(b"\xff\xfe", 100).is_empty());
    }
}
