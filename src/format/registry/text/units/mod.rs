//! Code units of a registry export, read as they stand in the source: 8-bit, or UTF-16 in either order.
//!
//! All grammar is ASCII, and nearly all of an export is hexadecimal digits, so nothing is decoded to a `String` but
//! names. `W` is the width of a unit in bytes and `LOW` the place of its low byte.

use crate::input::Window;

/// A unit that is no ASCII character.
pub(super) const OTHER: u8 = 0xff;

/// What ended a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its own end.
    Whole,
    /// The end of the source, while more was to come.
    Truncated,
    /// The next value or key, while more was to come.
    Cut,
    /// A character that has no place in it. The rest of the value is still ahead.
    Bad,
    /// Its size. The rest of the value is still ahead.
    TooLarge,
}

/// The value of a hexadecimal digit, 0x80 for anything else.
const DIGITS: [u8; 256] = {
    let mut table = [0x80; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// The value of a hexadecimal digit.
pub(super) fn digit(c: u8) -> Option<u8> {
    Some(DIGITS[usize::from(c)]).filter(|value| *value < 16)
}

fn is_blank(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\r')
}

/// The units ahead.
pub(super) struct Units<'w, 'r, const W: usize, const LOW: usize> {
    window: &'w mut Window<'r>,
}

impl<'w, 'r, const W: usize, const LOW: usize> Units<'w, 'r, W, LOW> {
    pub(super) fn new(window: &'w mut Window<'r>) -> Self {
        Units { window }
    }

    /// Offset of the next unit in the source.
    pub(super) fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// The unit at the start of `bytes` as ASCII.
    fn ascii(bytes: &[u8]) -> Option<u8> {
        let unit = bytes.get(..W)?;
        let low = *unit.get(LOW)?;
        // For one byte, `high` is that byte itself.
        let high = *unit.get(W - 1 - LOW)?;
        Some(if low < 0x80 && (W == 1 || high == 0) { low } else { OTHER })
    }

    /// Whether a raw unit is this ASCII character.
    pub(super) fn is(unit: &[u8], wanted: u8) -> bool {
        Self::ascii(unit) == Some(wanted)
    }

    /// The next unit but `n`; `None` behind the end. Half a unit at the end is none.
    pub(super) fn peek_at(&mut self, n: usize) -> Option<u8> {
        Self::ascii(self.window.fill((n + 1) * W).get(n * W..)?)
    }

    /// The next unit.
    pub(super) fn peek(&mut self) -> Option<u8> {
        Self::ascii(self.window.fill(W))
    }

    /// Passes over units that were looked at.
    pub(super) fn pass(&mut self, n: usize) {
        self.window.consume(n * W);
    }

    /// Passes over this text, if it stands ahead, in any case of letters.
    pub(super) fn take(&mut self, text: &[u8]) -> bool {
        let found =
            text.iter().enumerate().all(|(n, c)| self.peek_at(n).is_some_and(|ahead| ahead.eq_ignore_ascii_case(c)));
        if found {
            self.pass(text.len());
        }
        found
    }

    /// Passes over a byte order mark, which stands inside a source where files were joined.
    pub(super) fn take_mark(&mut self) -> bool {
        let mark: &[u8] = match (W, LOW) {
            (1, _) => b"\xef\xbb\xbf",
            (_, 0) => b"\xff\xfe",
            _ => b"\xfe\xff",
        };
        let found = self.window.fill(mark.len()).starts_with(mark);
        if found {
            self.window.consume(mark.len());
        }
        found
    }

    /// Passes over blanks inside a line.
    pub(super) fn blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.pass(1);
        }
    }

    /// Passes over blanks and empty lines; offset of the line that then begins, `None` at the end.
    pub(super) fn next_line(&mut self) -> Option<u64> {
        let mut start = self.offset();
        loop {
            match self.peek() {
                Some(b'\n') => {
                    self.pass(1);
                    start = self.offset();
                }
                Some(c) if is_blank(c) => self.pass(1),
                Some(_) => return Some(start),
                None => {
                    // Half a unit, or nothing.
                    self.window.skip(u64::MAX);
                    return None;
                }
            }
        }
    }

    /// Position of the first unit of whole units `bytes` that is `wanted`.
    fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
        if W == 1 {
            return memchr::memchr(wanted, bytes);
        }
        // The byte also occurs inside other characters, so each hit is checked for its place and its neighbour.
        let is_unit = |at: &usize| at % W == LOW && bytes.get(at - LOW + W - 1 - LOW) == Some(&0);
        memchr::memchr_iter(wanted, bytes).find(is_unit).map(|at| at - LOW)
    }

    /// The whole units at hand; none at the end.
    fn at_hand(&mut self) -> &[u8] {
        let bytes = self.window.fill(W);
        &bytes[..bytes.len() / W * W]
    }

    /// Passes over the rest of a line and its end. Its last character that is no blank, 0 without any, and whether the
    /// line had an end.
    pub(super) fn skip_line(&mut self) -> (u8, bool) {
        let mut last = 0;
        loop {
            let bytes = self.at_hand();
            if bytes.is_empty() {
                return (last, false);
            }
            let end = Self::find(bytes, b'\n');
            let line = &bytes[..end.unwrap_or(bytes.len())];
            let mut units = line.rchunks_exact(W).filter_map(Self::ascii);
            last = units.find(|c| !is_blank(*c)).unwrap_or(last);
            let len = end.map_or(bytes.len(), |end| end + W);
            self.window.consume(len);
            if end.is_some() {
                return (last, true);
            }
        }
    }

    /// Reads the rest of the line, without its end, into `out` as raw units. False where it is longer than `max` bytes;
    /// then it is passed over.
    pub(super) fn line(&mut self, max: usize, out: &mut Vec<u8>) -> bool {
        out.clear();
        let mut fits = true;
        loop {
            let bytes = self.at_hand();
            if bytes.is_empty() {
                return fits;
            }
            let end = Self::find(bytes, b'\n');
            let line = &bytes[..end.unwrap_or(bytes.len())];
            fits &= out.len() + line.len() <= max;
            if fits {
                out.extend_from_slice(line);
            }
            let len = end.map_or(bytes.len(), |end| end + W);
            self.window.consume(len);
            if end.is_some() {
                return fits;
            }
        }
    }

    /// Whether a key or a value begins here: where a line begins after one that was to go on.
    fn starts_entry(&mut self) -> bool {
        match self.peek() {
            Some(b'[') => {
                let n = if self.peek_at(1) == Some(b'-') { 2 } else { 1 };
                b"HKEY_".iter().enumerate().all(|(i, c)| self.peek_at(n + i).is_some_and(|a| a.eq_ignore_ascii_case(c)))
            }
            // A quote alone on its line, or before a comment, is the end of a text of several lines.
            Some(b'"') => self.peek_at(1).is_some_and(|c| c != b'\n' && c != b';' && !is_blank(c)),
            Some(b'@') => self.peek_at(1) == Some(b'='),
            _ => false,
        }
    }

    /// Reads quoted text after its opening quote, without escapes, into `out` as raw units; nothing is kept where `out`
    /// is `None`. The quote that ends it is passed over. regedit writes line ends inside a text as they are.
    pub(super) fn text(&mut self, mut out: Option<&mut Vec<u8>>, max: usize, many_lines: bool) -> Ended {
        let mut too_large = false;
        loop {
            let bytes = self.at_hand();
            if bytes.is_empty() {
                return Ended::Truncated;
            }
            let plain = Self::plain(bytes);
            if let Some(out) = out.as_deref_mut() {
                too_large |= out.len() + plain > max;
                if !too_large {
                    out.extend_from_slice(&bytes[..plain]);
                }
            }
            let is_all = plain == bytes.len();
            self.window.consume(plain);
            if is_all {
                continue;
            }
            match self.peek() {
                Some(b'"') => {
                    self.pass(1);
                    return if too_large { Ended::TooLarge } else { Ended::Whole };
                }
                Some(b'\n') if !many_lines => return Ended::Cut,
                c => {
                    if c == Some(b'\\') && matches!(self.peek_at(1), Some(b'"' | b'\\')) {
                        self.pass(1);
                    }
                    let unit = self.at_hand().get(..W).unwrap_or_default();
                    if let Some(out) = out.as_deref_mut().filter(|_| !too_large) {
                        out.extend_from_slice(unit);
                    }
                    self.pass(1);
                    if c == Some(b'\n') && self.starts_entry() {
                        return Ended::Cut;
                    }
                }
            }
        }
    }

    /// Bytes before the first quote, backslash or line feed.
    fn plain(bytes: &[u8]) -> usize {
        let is_unit = |at: &usize| W == 1 || (at % W == LOW && bytes.get(at - LOW + W - 1 - LOW) == Some(&0));
        memchr::memchr3_iter(b'"', b'\\', b'\n', bytes).find(is_unit).map_or(bytes.len(), |at| at - LOW)
    }

    /// A byte and its comma stand ahead.
    fn starts_bytes(&mut self) -> bool {
        let is_digit = |c: Option<u8>| c.and_then(digit).is_some();
        let comma = if is_digit(self.peek_at(1)) { 2 } else { 1 };
        is_digit(self.peek()) && self.peek_at(comma) == Some(b',')
    }

    /// Passes over the rest of a value that goes on over lines. False where the source ends while more is to come.
    pub(super) fn skip_value(&mut self) -> bool {
        loop {
            let (last, has_end) = self.skip_line();
            let goes_on = matches!(last, b'\\' | b',');
            // `hex:` may stand alone on its line.
            let may_begin = last == b':' && has_end;
            if !has_end || !(goes_on || may_begin) {
                return !goes_on;
            }
            self.blanks();
            if may_begin && !self.starts_bytes() {
                return true;
            }
            while self.peek() == Some(b';') {
                self.skip_line();
                self.blanks();
            }
            match self.peek() {
                None => return false,
                Some(b'[' | b'"' | b'@') => return true,
                Some(_) => {}
            }
        }
    }

    /// Reads `xx,xx,...` over as many lines as it has into `out`, at most about `max` bytes.
    ///
    /// A value goes on after a comma or a backslash, wherever its lines were broken, inside a byte too, and ends with any
    /// other line; one that has not begun yet goes on with a line of bytes. What begins a key or a value cannot be part of
    /// it.
    pub(super) fn hex(&mut self, out: &mut Vec<u8>, max: usize) -> Ended {
        // Whether more must come, a first digit, a whole byte before which a comma must stand, and the start of a line.
        let (mut open, mut half, mut whole, mut fresh) = (false, None, false, false);
        let start = out.len();
        loop {
            if half.is_none() && !whole {
                open |= self.pairs(out);
                if out.len() > max {
                    return Ended::TooLarge;
                }
            }
            let Some(c) = self.peek() else {
                out.extend(half);
                return if open { Ended::Truncated } else { Ended::Whole };
            };
            let digit = DIGITS[usize::from(c)];
            match (c, half) {
                _ if digit < 16 && !whole => match half.take() {
                    None => (half, open) = (Some(digit), false),
                    Some(high) => {
                        out.push(high << 4 | digit);
                        (open, whole) = (false, true);
                    }
                },
                (b',', _) if whole || half.is_some() => {
                    out.extend(half.take());
                    (open, whole) = (true, false);
                }
                (b'[' | b'"' | b'@', _) if fresh => return Ended::Cut,
                (b'\\', _) => open = true,
                (b'\n' | b';', _) => {
                    if !open && let Some(single) = half.take() {
                        out.push(single);
                        whole = true;
                    }
                    self.skip_line();
                    self.blanks();
                    let goes_on = open || self.peek() == Some(b',') || (out.len() == start && self.starts_bytes());
                    if !goes_on {
                        return Ended::Whole;
                    }
                    fresh = true;
                    continue;
                }
                (c, _) if is_blank(c) => {
                    if !open && let Some(single) = half.take() {
                        out.push(single);
                        whole = true;
                    }
                }
                _ => return Ended::Bad,
            }
            fresh = false;
            self.pass(1);
        }
    }

    /// Decodes the `xx,` groups at hand; true if there were any.
    fn pairs(&mut self, out: &mut Vec<u8>) -> bool {
        let bytes = self.window.available();
        let before = out.len();
        let mut len = 0;
        if W == 1 {
            for group in bytes.as_chunks::<3>().0 {
                let (high, low) = (DIGITS[usize::from(group[0])], DIGITS[usize::from(group[1])]);
                if (high | low) & 0x80 != 0 || group[2] != b',' {
                    break;
                }
                out.push(high << 4 | low);
            }
            len += 3 * (out.len() - before);
        } else {
            for group in bytes.as_chunks::<6>().0 {
                let (high, low) = (DIGITS[usize::from(group[LOW])], DIGITS[usize::from(group[2 + LOW])]);
                let rest = group[1 - LOW] | group[3 - LOW] | group[5 - LOW] | (group[4 + LOW] ^ b',');
                if (high | low) & 0x80 != 0 || rest != 0 {
                    break;
                }
                out.push(high << 4 | low);
            }
            len += 6 * (out.len() - before);
        }
        self.window.consume(len);
        len > 0
    }

    /// Raw units as text, and whether all of it was text.
    pub(super) fn decode(raw: &[u8], out: &mut String) -> bool {
        out.clear();
        if raw.chunks_exact(W).all(|unit| Self::ascii(unit).is_some_and(|c| c < 0x80)) {
            out.extend(raw.chunks_exact(W).filter_map(Self::ascii).map(char::from));
            return raw.len().is_multiple_of(W);
        }
        if W == 1 {
            return match str::from_utf8(raw) {
                Ok(text) => {
                    out.push_str(text);
                    true
                }
                Err(_) => {
                    out.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0);
                    false
                }
            };
        }
        let unit = |pair: &[u8; 2]| if LOW == 0 { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
        let mut valid = true;
        for c in char::decode_utf16(raw.as_chunks::<2>().0.iter().map(unit)) {
            valid &= c.is_ok();
            out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        valid
    }
}

#[cfg(test)]
mod tests;
