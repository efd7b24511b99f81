//! Text before grammar: which encoding a text export is in, and its lines with their place in the source.
//!
//! Windows tools write UTF-16LE with or without byte order mark, UTF-8 with or without it, and 8-bit code
//! pages. Everything readers look for is ASCII, so 8-bit text needs no code page to be read; see [`TextLines`]. Offsets
//! always count bytes of the source, before decoding.
//!
//! [`RawLines`] reads the lines and judges nothing, for readers that check each line themselves and are measured by
//! the nanosecond. [`TextLines`] stands on it and hands out `&str`, with a flag where the bytes are no text of a known
//! encoding.

use std::borrow::Cow;

use super::Head;
use super::code_page::CodePage;
use crate::input::{Line, MAX_WINDOW, Window};

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
/// The byte order mark in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// The length of the byte order mark in UTF-16.
const UTF16_MARK: usize = 2;
/// Never occurs in UTF-8: stands for each unit that is no UTF-16, so that decoded bytes are text only where the
/// source was.
const UNDECODABLE: u8 = 0xff;

/// The encoding of a text that begins with `bytes`, and the length of its byte order mark.
///
/// Without a mark, UTF-16 shows by its NUL bytes: at least every second character of an export is ASCII, and the
/// other byte is seldom zero (U+3000 and U+4E00 are characters of names, U+0000 is none).
pub fn detect(bytes: &[u8]) -> (Encoding, usize) {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, MARK.len()),
        [0xff, 0xfe, ..] => (Encoding::Utf16Le, UTF16_MARK),
        [0xfe, 0xff, ..] => (Encoding::Utf16Be, UTF16_MARK),
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
    let shows = |high: usize, low: usize| units >= 2 && high * 2 >= units && low * 4 <= high;
    match () {
        () if shows(second_zero, first_zero) => Encoding::Utf16Le,
        () if shows(first_zero, second_zero) => Encoding::Utf16Be,
        () => Encoding::Utf8,
    }
}

/// `line`, which is UTF-8, without the byte order mark at its beginning.
pub fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(MARK).unwrap_or(line)
}

/// The beginning of a source as UTF-8 (or 8-bit) text without byte order mark, for sniffing.
///
/// Only UTF-16 is copied. The byte 0xff stands for what cannot be decoded, a character cut in two by the end of the
/// head among it.
pub fn head<'a>(head: &Head<'a>) -> Cow<'a, [u8]> {
    let (encoding, mark) = detect(head.bytes);
    let bytes = &head.bytes[mark..];
    if encoding == Encoding::Utf8 {
        return Cow::Borrowed(bytes);
    }
    let mut text = Vec::new();
    decode_utf16(bytes, encoding, &mut text);
    Cow::Owned(text)
}

/// UTF-16LE with replacement characters, and whether it was valid. Half a unit at the end is invalid and left out.
pub fn utf16le(bytes: &[u8]) -> (String, bool) {
    let mut text = Vec::new();
    let half = decode_utf16(bytes, Encoding::Utf16Le, &mut text);
    match String::from_utf8(text) {
        Ok(text) => (text, !half),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
    }
}

/// Appends UTF-16 to `out` as UTF-8, with [`UNDECODABLE`] for each unpaired surrogate; true where half a unit is left
/// over at the end.
pub(super) fn decode_utf16(bytes: &[u8], encoding: Encoding, out: &mut Vec<u8>) -> bool {
    let (pairs, half) = bytes.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| match encoding {
        Encoding::Utf16Be => u16::from_be_bytes(*pair),
        _ => u16::from_le_bytes(*pair),
    };
    out.reserve(pairs.len());
    let mut pairs = pairs;
    while !pairs.is_empty() {
        // Nearly all of it is ASCII: a byte a unit, taken as far as that goes.
        let ascii = pairs.iter().take_while(|pair| unit(pair) < 0x80).count();
        let (plain, rest) = pairs.split_at(ascii);
        out.extend(plain.iter().map(|pair| unit(pair) as u8));
        let other = rest.iter().take_while(|pair| unit(pair) >= 0x80).count();
        let (other, rest) = rest.split_at(other);
        for character in char::decode_utf16(other.iter().map(unit)) {
            match character {
                Ok(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(_) => out.push(UNDECODABLE),
            }
        }
        pairs = rest;
    }
    !half.is_empty()
}

/// The lines of a text source in any of the encodings, as bytes that claim to be UTF-8.
///
/// UTF-8 and 8-bit text is borrowed from the window as it is, neither copied nor looked at beyond the search for its
/// end. UTF-16 is decoded into a reused buffer; what cannot be decoded makes the line invalid UTF-8.
pub struct RawLines<'w, 'r> {
    window: &'w mut Window<'r>,
    encoding: Encoding,
    max: usize,
    decoded: Vec<u8>,
}

impl<'w, 'r> RawLines<'w, 'r> {
    /// Lines of at most `max` bytes of the source from where the window stands. The encoding is found here.
    pub fn new(window: &'w mut Window<'r>, max: usize) -> Self {
        let (encoding, mark) = detect(window.fill(PATTERN_BYTES));
        window.consume(mark);
        let max = match encoding {
            Encoding::Utf8 => max,
            // A line and the search for its end must fit the window.
            _ => max.min(MAX_WINDOW / 2),
        };
        RawLines { window, encoding, max, decoded: Vec::new() }
    }

    /// The length above which a line is passed over, in bytes of the source.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The next line, or `None` at the end of the source. A byte order mark before it, which stands inside a source
    /// where files were joined, does not belong to it.
    pub fn line(&mut self) -> Option<Line<'_>> {
        Some(self.line_and_half()?.0)
    }

    /// The next line, and whether its last byte stands for half a unit of UTF-16.
    fn line_and_half(&mut self) -> Option<(Line<'_>, bool)> {
        let (mut line, half, mark) = match self.encoding {
            Encoding::Utf8 => (self.window.line(self.max)?, false, MARK.len()),
            _ => {
                let (line, half) = self.utf16_line()?;
                (line, half, UTF16_MARK)
            }
        };
        if let Some(rest) = line.bytes.strip_prefix(MARK) {
            line.bytes = rest;
            line.offset += mark as u64;
        }
        Some((line, half))
    }

    fn utf16_line(&mut self) -> Option<(Line<'_>, bool)> {
        let offset = self.window.offset();
        let Some((len, end)) = self.utf16_extent()? else {
            return Some((Line { offset, bytes: &[], too_long: true }, false));
        };
        let bytes = self.window.available().get(..len).unwrap_or_default();
        self.decoded.clear();
        let half = decode_utf16(bytes, self.encoding, &mut self.decoded);
        if self.decoded.ends_with(b"\r") {
            self.decoded.pop();
        }
        if half {
            self.decoded.push(UNDECODABLE);
        }
        self.window.consume(end);
        Some((Line { offset, bytes: &self.decoded, too_long: false }, half))
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

/// One line of a text source.
#[derive(Debug)]
pub struct TextLine<'t> {
    /// Offset of the line's first byte in the source, before decoding.
    pub offset: u64,
    /// The text without its line end. Empty where `too_long`.
    pub text: &'t str,
    /// The line was longer than the limit (in bytes of the source) and was passed over.
    pub too_long: bool,
    /// The bytes are not valid in the encoding: letters beyond ASCII are guessed, or replaced by U+FFFD.
    pub invalid: bool,
    /// The line as [`RawLines`] has it.
    raw: &'t [u8],
    encoding: Encoding,
    decoded: Decoded,
}

/// How the bytes of an 8-bit line became text.
#[derive(Clone, Copy, Debug)]
enum Decoded {
    /// They are it.
    Not,
    /// What is not UTF-8 was replaced.
    Replaced,
    /// Every byte is a character.
    Latin1,
    /// By this code page.
    CodePage(CodePage),
}

impl TextLine<'_> {
    /// Offset in the source of the character that starts at byte `index` of `text`.
    pub fn offset_of(&self, index: usize) -> u64 {
        self.offset_behind((0, self.offset), index)
    }

    /// The same, where the offset of an earlier character is `known`, by its index: who asks for many places of a long line
    /// need not have it counted from its beginning each time.
    pub fn offset_behind(&self, known: (usize, u64), index: usize) -> u64 {
        let text = || self.text.get(known.0..index).unwrap_or_default();
        let between = match (self.encoding, self.decoded) {
            (Encoding::Utf8, Decoded::Not) => index - known.0,
            (Encoding::Utf8, Decoded::Replaced) => self.raw_length(known, index - known.0),
            (Encoding::Utf8, Decoded::Latin1) => text().chars().count(),
            (Encoding::Utf8, Decoded::CodePage(page)) => page.len_of(text()),
            // A replacement character stands for one unpaired unit and is one unit long itself.
            _ => 2 * text().encode_utf16().count(),
        };
        known.1 + between as u64
    }

    /// Length in the undecoded bytes of `index` bytes of text, where replacement made it longer than they are.
    fn raw_length(&self, known: (usize, u64), index: usize) -> usize {
        let start = usize::try_from(known.1 - self.offset).unwrap_or(usize::MAX);
        let (mut decoded, mut raw) = (0, 0);
        for chunk in self.raw.get(start..).unwrap_or_default().utf8_chunks() {
            if index <= decoded + chunk.valid().len() {
                return raw + index.saturating_sub(decoded);
            }
            decoded += chunk.valid().len() + char::REPLACEMENT_CHARACTER.len_utf8();
            raw += chunk.valid().len() + chunk.invalid().len();
        }
        raw
    }
}

/// The lines of a text source in any of the encodings, as text.
pub struct TextLines<'w, 'r> {
    raw: RawLines<'w, 'r>,
    decoded: String,
    eight_bit: EightBit,
}

/// What to make of bytes that are neither UTF-16 nor UTF-8.
#[derive(Clone, Copy, Debug)]
enum EightBit {
    Replace,
    Guess,
    CodePage(CodePage),
}

impl<'w, 'r> TextLines<'w, 'r> {
    /// Lines of at most `max` bytes of the source from where the window stands. What is no text is replaced.
    pub fn new(window: &'w mut Window<'r>, max: usize) -> Self {
        TextLines { raw: RawLines::new(window, max), decoded: String::new(), eight_bit: EightBit::Replace }
    }

    /// The same for texts of people. A line that is not UTF-8 is decoded by the code page; without one as Latin-1, and
    /// then it is marked as [invalid](TextLine::invalid): its letters are guessed.
    pub fn in_code_page(window: &'w mut Window<'r>, max: usize, page: Option<CodePage>) -> Self {
        let eight_bit = page.map_or(EightBit::Guess, EightBit::CodePage);
        TextLines { raw: RawLines::new(window, max), decoded: String::new(), eight_bit }
    }

    /// The next line, or `None` at the end of the source. It is copied only where it is not valid as it is.
    pub fn line(&mut self) -> Option<TextLine<'_>> {
        let encoding = self.raw.encoding;
        let (Line { offset, bytes: raw, too_long }, half) = self.raw.line_and_half()?;
        let whole = match raw {
            // Half a unit stands for no character; the line before it may be sound.
            [whole @ .., _] if half => whole,
            _ => raw,
        };
        let (text, valid, decoded) = match (simdutf8::basic::from_utf8(whole), self.eight_bit) {
            (Ok(text), _) => (text, !half, Decoded::Not),
            (Err(_), EightBit::CodePage(page)) if encoding == Encoding::Utf8 => {
                self.decoded.clear();
                let valid = page.decode(whole, &mut self.decoded);
                (self.decoded.as_str(), valid, Decoded::CodePage(page))
            }
            (Err(_), EightBit::Guess) if encoding == Encoding::Utf8 => {
                self.decoded.clear();
                self.decoded.push_str(&encoding_rs::mem::decode_latin1(whole));
                (self.decoded.as_str(), false, Decoded::Latin1)
            }
            (Err(_), _) => {
                replace_invalid(whole, &mut self.decoded);
                (self.decoded.as_str(), false, Decoded::Replaced)
            }
        };
        Some(TextLine { offset, text, too_long, invalid: !valid, raw, encoding, decoded })
    }
}

/// Writes `bytes` to `out` with replacement characters for what is not UTF-8.
fn replace_invalid(bytes: &[u8], out: &mut String) {
    out.clear();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
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

    /// The same, as bytes.
    fn raw(bytes: &[u8], max: usize) -> Vec<(u64, Vec<u8>, bool)> {
        let mut window = Window::new(bytes, 0);
        let mut lines = RawLines::new(&mut window, max);
        let mut seen = Vec::new();
        while let Some(line) = lines.line() {
            seen.push((line.offset, line.bytes.to_vec(), line.too_long));
        }
        seen
    }

    fn head_of(bytes: &[u8]) -> Vec<u8> {
        head(&Head { bytes, complete: true, len: None }).into_owned()
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

    #[test]
    fn eight_bit_lines_are_decoded_or_guessed_line_by_line() {
        let bytes = b"Schl\x81ssel=1\r\nSchl\xc3\xbcssel=2\nplain\n";
        let read = |page: Option<CodePage>| {
            let mut window = Window::new(&bytes[..], 0);
            let mut lines = TextLines::in_code_page(&mut window, 100, page);
            let mut seen = Vec::new();
            while let Some(line) = lines.line() {
                let value = line.text.find('=').map(|at| line.offset_of(at));
                seen.push((line.text.to_owned(), line.invalid, value));
            }
            seen
        };
        let utf8 = ("Schl\u{fc}ssel=2".to_owned(), false, Some(23));
        let plain = ("plain".to_owned(), false, None);
        let first = |text: &str, invalid| (text.to_owned(), invalid, Some(9));
        assert_eq!(read(CodePage::of(437)), [first("Schl\u{fc}ssel=1", false), utf8.clone(), plain.clone()]);
        assert_eq!(read(None), [first("Schl\u{81}ssel=1", true), utf8, plain]);
    }

    #[test]
    fn raw_lines_are_the_bytes_of_the_source_or_decoded() {
        let expected = [(3, b"{}".to_vec(), false), (9, b"{1}".to_vec(), false)];
        assert_eq!(raw(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{1}", 99), expected, "also where two files were joined");
        assert_eq!(raw(b"a\xe9b\r\n\xff", 99), [(0, b"a\xe9b".to_vec(), false), (5, b"\xff".to_vec(), false)]);
        for (mark, big) in [(true, false), (true, true), (false, false), (false, true)] {
            // U+010A and U+0A0D hold the byte of a line feed without being one.
            let line = "{\"a\":\"\u{10a}\u{a0d}\u{fc}\"}";
            let source = utf16(&format!("{line}\r\n\u{feff}{{}}"), mark, big);
            let start = if mark { 2 } else { 0 };
            let expected = [(start, line.as_bytes().to_vec(), false), (start + 28, b"{}".to_vec(), false)];
            assert_eq!(raw(&source, 99), expected);
            assert_eq!(head_of(&source), format!("{line}\r\n\u{feff}{{}}").as_bytes());
        }
    }

    #[test]
    fn damaged_utf16_is_never_text() {
        let lone = [b'{', 0, 0, 0xd8, b'}', 0, b'\n', 0, b'{', 0, b'}'];
        assert_eq!(raw(&lone, 99), [(0, b"{\xff}".to_vec(), false), (8, b"{\xff".to_vec(), false)]);
        assert_eq!(head_of(&lone), b"{\xff}\n{");
        assert_eq!(utf16le(&lone[..6]), ("{\u{fffd}}".to_owned(), false));
        assert_eq!(utf16le(&lone[8..]), ("{".to_owned(), false));
        assert_eq!(utf16le(&lone[..2]), ("{".to_owned(), true));
    }

    #[test]
    fn a_long_utf16_line_is_passed_over_as_bytes() {
        let source = utf16(&format!("{{{}\n{{}}\n", "x".repeat(24_576)), false, false);
        assert_eq!(raw(&source, 8192), [(0, vec![], true), (49_156, b"{}".to_vec(), false)]);
    }

    #[test]
    fn the_limit_counts_bytes_of_the_source() {
        for (bytes, len) in [(b"abcd\nx".to_vec(), 4), (utf16("abcd\nx", true, true), 8)] {
            assert_eq!(raw(&bytes, len).iter().map(|line| line.2).collect::<Vec<_>>(), [false, false]);
            assert_eq!(raw(&bytes, len - 1).iter().map(|line| line.2).collect::<Vec<_>>(), [true, false]);
        }
        let mut window = Window::new(&b"\xff\xfe"[..], 0);
        assert_eq!(
            RawLines::new(&mut window, usize::MAX).max(),
            MAX_WINDOW / 2,
            "what is decoded stands in the window"
        );
    }

    #[test]
    fn the_pattern_bears_characters_with_a_zero_low_byte() {
        for (text, expected) in [("CN=\u{4e00}\u{3000}, O=Fabrikam", true), ("\u{4e00}\u{4e00}ab", false)] {
            assert_eq!(detect(&utf16(text, false, false)).0 == Encoding::Utf16Le, expected);
            assert_eq!(detect(&utf16(text, false, true)).0 == Encoding::Utf16Be, expected);
        }
        let words = [1u32, 2, 0x100, 7].map(u32::to_le_bytes).concat();
        assert_eq!(detect(&words), (Encoding::Utf8, 0), "numbers of 32 bits are not text");
    }
}
