//! Lines of a source in UTF-8, or in UTF-16 as PowerShell's redirection writes it, handed out as UTF-8.

use crate::input::{Line, Window};

/// UTF-8's byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Never occurs in UTF-8: stands where UTF-16 could not be decoded, so that the line is refused as bad text.
const UNDECODABLE: u8 = 0xff;
/// Bytes read ahead in UTF-16.
const STEP: usize = 8192;

/// How the text of a source is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// By a byte order mark, or by the NUL beside the first character: JSON lines begin with ASCII.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Encoding::Utf16Le,
            [0xfe, 0xff, ..] => Encoding::Utf16Be,
            [1..=0xff, 0, ..] => Encoding::Utf16Le,
            [0, 1..=0xff, ..] => Encoding::Utf16Be,
            _ => Encoding::Utf8,
        }
    }
}

/// Lines of one unit.
pub(super) struct Lines {
    encoding: Encoding,
    max: usize,
    decoded: Vec<u8>,
}

impl Lines {
    /// Lines of `window` of at most `max` bytes.
    pub(super) fn new(window: &mut Window<'_>, max: usize) -> Self {
        let encoding = Encoding::of(window.fill(2));
        Lines { encoding, max, decoded: Vec::new() }
    }

    /// The next line; a byte order mark at its beginning does not belong to it.
    pub(super) fn next<'l>(&'l mut self, window: &'l mut Window<'_>) -> Option<Line<'l>> {
        let encoding = self.encoding;
        let mut line = match encoding {
            Encoding::Utf8 => window.line(self.max)?,
            Encoding::Utf16Le => self.utf16_line(window, u16::from_le_bytes)?,
            Encoding::Utf16Be => self.utf16_line(window, u16::from_be_bytes)?,
        };
        if let Some(rest) = line.bytes.strip_prefix(BOM) {
            line.bytes = rest;
            line.offset += if encoding == Encoding::Utf8 { BOM.len() as u64 } else { 2 };
        }
        Some(line)
    }

    fn utf16_line(&mut self, window: &mut Window<'_>, unit: fn([u8; 2]) -> u16) -> Option<Line<'_>> {
        let offset = window.offset();
        let mut units = Vec::new();
        let mut too_long = false;
        let mut odd = false;
        loop {
            let bytes = window.fill(STEP);
            if bytes.is_empty() {
                if window.offset() == offset {
                    return None;
                }
                break;
            }
            let (pairs, rest) = bytes.as_chunks::<2>();
            let end = pairs.iter().position(|pair| unit(*pair) == u16::from(b'\n'));
            let taken = pairs.get(..end.unwrap_or(pairs.len())).unwrap_or(pairs);
            too_long |= (units.len() + taken.len()) * 2 > self.max;
            if !too_long {
                units.extend(taken.iter().map(|pair| unit(*pair)));
            }
            if let Some(end) = end {
                window.consume((end + 1) * 2);
                break;
            }
            // Fewer bytes than asked for: the source ends here, perhaps inside a character.
            let last = bytes.len() < STEP;
            odd = last && !rest.is_empty();
            let whole = if last { bytes.len() } else { pairs.len() * 2 };
            window.consume(whole);
        }
        if units.last() == Some(&u16::from(b'\r')) {
            units.pop();
        }
        self.decoded = decode(&units);
        if odd {
            self.decoded.push(UNDECODABLE);
        }
        Some(Line { offset, bytes: if too_long { &[] } else { &self.decoded }, too_long })
    }
}

fn decode(units: &[u16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(units.len());
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(_) => out.push(UNDECODABLE),
        }
    }
    out
}

/// The beginning of a source as UTF-8, as far as it can be decoded; cut where the head is cut.
pub(super) fn head(bytes: &[u8]) -> Vec<u8> {
    let unit = match Encoding::of(bytes) {
        Encoding::Utf8 => return bytes.strip_prefix(BOM).unwrap_or(bytes).to_vec(),
        Encoding::Utf16Le => u16::from_le_bytes,
        Encoding::Utf16Be => u16::from_be_bytes,
    };
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    let text = decode(&units);
    text.strip_prefix(BOM).unwrap_or(&text).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], max: usize) -> Vec<(u64, Vec<u8>, bool)> {
        let mut window = Window::new(bytes, 0);
        let mut lines = Lines::new(&mut window, max);
        let mut seen = Vec::new();
        while let Some(line) = lines.next(&mut window) {
            seen.push((line.offset, line.bytes.to_vec(), line.too_long));
        }
        seen
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_line() {
        let expected = [(3, b"{}".to_vec(), false), (9, b"{1}".to_vec(), false)];
        assert_eq!(all(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{1}", 99), expected, "also where two files were joined");
    }

    #[test]
    fn utf16_lines_keep_the_offsets_of_the_source() {
        for (mark, bytes) in
            [(true, u16::to_le_bytes as fn(u16) -> [u8; 2]), (true, u16::to_be_bytes), (false, u16::to_le_bytes)]
        {
            // U+010A and U+0A0D hold the byte of a line feed without being one.
            let text = format!("{}{{\"a\":\"Ċ\u{a0d}ü\"}}\r\n{{}}", if mark { "\u{feff}" } else { "" });
            let source: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
            let start = if mark { 2 } else { 0 };
            let expected =
                [(start, "{\"a\":\"Ċ\u{a0d}ü\"}".as_bytes().to_vec(), false), (start + 26, b"{}".to_vec(), false)];
            assert_eq!(all(&source, 99), expected);
            assert_eq!(head(&source), text.trim_start_matches('\u{feff}').as_bytes());
        }
    }

    #[test]
    fn damaged_utf16_is_never_text() {
        let lone = [b'{', 0, 0, 0xd8, b'}', 0, b'\n', 0, b'{', 0, b'}'];
        let lines = all(&lone, 99);
        assert!(lines.len() == 2 && lines.iter().all(|(_, bytes, _)| std::str::from_utf8(bytes).is_err()));
    }

    #[test]
    fn a_long_utf16_line_is_passed_over() {
        let text = format!("{{{}\n{{}}\n", "x".repeat(3 * STEP));
        let source: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let lines = all(&source, STEP);
        assert_eq!(lines, [(0, vec![], true), (6 * STEP as u64 + 4, b"{}".to_vec(), false)]);
    }
}
