//! A lazy scan of one JSON line, several times cheaper than a parse: nothing is built, slices are handed out.
//!
//! Fleet exports are one long base64 string and forty short fields a line; a general parser spends its time on the
//! string. The scan understands plain JSON and **declines** the rest (`None`): control characters (a tab between
//! two fields is legal), surrogate escapes, exponents, deep nesting, an escape inside a key. It may decline what is
//! valid, and then [`tree`](super::tree) asks `serde_json`; it must never accept what `serde_json` refuses, so
//! values that nobody wants are checked as well. Tests hold the two against each other.

/// Deepest nesting that is followed; `serde_json` gives up at 128.
const MAX_DEPTH: u32 = 16;
/// Digits of an integer that `serde_json` takes for one: they always fit a `u64`.
const MAX_DIGITS: usize = 19;
/// Strings shorter than this, hashes among them, are searched in place: calling a routine would cost more than it
/// saves.
const SHORT: usize = 72;
/// Bytes of a long string that are looked at together: first so many, then so many.
const LARGE_BLOCK: usize = 256;
const BLOCK: usize = 64;

/// Where the text of a value stands in its line, as [`Value::of`](super::value::Value::of) wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
    /// So many bytes of a string are plain; see [`Value::clean`](super::value::Value::clean).
    pub(super) clean: usize,
}

/// A member of an object, as the scan reports it.
pub(super) struct Member<'a> {
    /// It is a member of an object that is itself a member.
    pub(super) nested: bool,
    pub(super) key: &'a str,
    /// The offset of the key.
    pub(super) key_at: usize,
    pub(super) value: Place,
    /// The offset after the value.
    pub(super) after: usize,
    /// The value is an object whose members follow.
    pub(super) opened: bool,
}

/// Walks the object that is the whole of `text` and reports its members in their order.
///
/// The members of an object that is itself a member follow its own event, with `nested` true; objects further
/// inside are checked and reported, not opened. A key that stands twice is reported twice: the last one counts.
/// `None`: declined, and what was reported so far must be thrown away.
pub(super) fn walk<'a>(text: &'a str, mut on: impl FnMut(Member<'a>)) -> Option<()> {
    let json = text.as_bytes();
    let at = object(text, blanks(json, 0), |at, key, key_at| {
        if json.get(at) == Some(&b'{') {
            let value = Place { start: at, end: at + 1, clean: 0 };
            on(Member { nested: false, key, key_at, value, after: at + 1, opened: true });
            return object(text, at, |at, key, key_at| {
                let (value, after) = member(json, at)?;
                on(Member { nested: true, key, key_at, value, after, opened: false });
                Some(after)
            });
        }
        let (value, after) = member(json, at)?;
        on(Member { nested: false, key, key_at, value, after, opened: false });
        Some(after)
    })?;
    (blanks(json, at) == json.len()).then_some(())
}

// What follows passes over one piece of JSON each: from the offset of its first byte to the offset after its last.
// Offsets go in and out by value, so that they stay in registers.

/// An object whose members are wanted: `member` gets the offset of each value and its key.
#[inline(always)]
fn object<'a>(
    text: &'a str,
    at: usize,
    mut member: impl FnMut(usize, &'a str, usize) -> Option<usize>,
) -> Option<usize> {
    let json = text.as_bytes();
    let mut at = blanks(json, expect(json, at, b'{')?);
    if json.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        let start = expect(json, at, b'"')?;
        let end = start + special(json.get(start..)?)?.0;
        let key = text.get(start..end)?;
        // A backslash is declined here.
        at = member(colon(json, expect(json, end, b'"')?)?, key, start)?;
        match separator(json, at, b'}')? {
            (after, true) => at = after,
            (after, false) => return Some(after),
        }
    }
}

/// The value of a member, and the offset after it.
#[inline(always)]
pub(super) fn member(json: &[u8], at: usize) -> Option<(Place, usize)> {
    let place = |end| Place { start: at, end, clean: 0 };
    match *json.get(at)? {
        b'"' => {
            let (len, clean) = special(json.get(at + 1..)?)?;
            let end = at + 1 + len;
            if json.get(end) == Some(&b'"') {
                return Some((Place { start: at, end, clean }, end + 1));
            }
            let end = string(json, end)?;
            Some((place(end), end))
        }
        b'{' => Some((place(at + 1), skip_object(json, at + 1, 1)?)),
        _ => {
            let end = value(json, at, 1)?;
            Some((place(end), end))
        }
    }
}

#[inline(always)]
fn expect(json: &[u8], at: usize, byte: u8) -> Option<usize> {
    (json.get(at) == Some(&byte)).then_some(at + 1)
}

/// White space. Only blanks: the other three white-space characters are control characters.
#[inline(always)]
fn blanks(json: &[u8], mut at: usize) -> usize {
    while json.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

#[inline(always)]
fn colon(json: &[u8], at: usize) -> Option<usize> {
    Some(blanks(json, expect(json, blanks(json, at), b':')?))
}

/// What follows an item: a comma and another item (true), or the closing bracket.
#[inline(always)]
fn separator(json: &[u8], at: usize, close: u8) -> Option<(usize, bool)> {
    let at = blanks(json, at);
    match *json.get(at)? {
        b',' => Some((blanks(json, at + 1), true)),
        byte if byte == close => Some((at + 1, false)),
        _ => None,
    }
}

fn value(json: &[u8], at: usize, depth: u32) -> Option<usize> {
    match *json.get(at)? {
        b'"' => string(json, at + 1),
        b'{' => skip_object(json, at + 1, depth),
        b'[' => skip_array(json, at + 1, depth),
        b'n' => word(json, at, b"null"),
        b't' => word(json, at, b"true"),
        b'f' => word(json, at, b"false"),
        _ => number(json, at),
    }
}

fn word(json: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    json.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// A string, from after its opening quote.
fn string(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += special(json.get(at..)?)?.0;
        match json.get(at) {
            Some(b'"') => return Some(at + 1),
            Some(b'\\') => at = escape(json, at + 1)?,
            _ => return None,
        }
    }
}

/// An escape sequence, from after its backslash. Surrogates are declined: whether they pair up is `serde_json`'s to
/// say.
fn escape(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => match json.get(at + 1..at + 5)? {
            [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', _, _] => None,
            digits => digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5),
        },
        _ => None,
    }
}

fn number(json: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(json.get(at) == Some(&b'-'));
    let mut end = digits(json, start);
    let len = end - start;
    if len == 0 || len > MAX_DIGITS || (len > 1 && json.get(start) == Some(&b'0')) {
        return None;
    }
    if json.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(json, fraction);
        if end == fraction {
            return None;
        }
    }
    // An exponent is declined like any other character that may not follow a value.
    Some(end)
}

fn digits(json: &[u8], mut at: usize) -> usize {
    while matches!(json.get(at), Some(b'0'..=b'9')) {
        at += 1;
    }
    at
}

/// An array, from after its opening bracket.
fn skip_array(json: &[u8], at: usize, depth: u32) -> Option<usize> {
    let mut at = blanks(json, at);
    if depth > MAX_DEPTH || json.get(at) == Some(&b']') {
        return (depth <= MAX_DEPTH).then_some(at + 1);
    }
    loop {
        at = value(json, at, depth + 1)?;
        match separator(json, at, b']')? {
            (after, true) => at = after,
            (after, false) => return Some(after),
        }
    }
}

/// An object whose members are not wanted, from after its opening bracket.
fn skip_object(json: &[u8], at: usize, depth: u32) -> Option<usize> {
    let mut at = blanks(json, at);
    if depth > MAX_DEPTH || json.get(at) == Some(&b'}') {
        return (depth <= MAX_DEPTH).then_some(at + 1);
    }
    loop {
        at = value(json, colon(json, string(json, expect(json, at, b'"')?)?)?, depth + 1)?;
        match separator(json, at, b'}')? {
            (after, true) => at = after,
            (after, false) => return Some(after),
        }
    }
}

/// Where the first character stands that is special in a string: a quote, a backslash, or a control character, which
/// is declined. Also how many bytes before it are known to be plain. Short strings are searched eight bytes at a time,
/// long ones a block at a time.
#[inline(always)]
fn special(bytes: &[u8]) -> Option<(usize, usize)> {
    let (words, _) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().take(SHORT / 8).enumerate() {
        let found = special_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            return Some((index * 8 + found.trailing_zeros() as usize / 8, 0));
        }
    }
    special_far(bytes)
}

/// As [`special`], for strings that are longer than [`SHORT`] or stand at the end of the line. Base64 is nearly all of
/// them, so plain bytes are looked for first, in larger blocks.
#[inline(never)]
fn special_far(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut clean = plain_blocks::<LARGE_BLOCK>(bytes);
    clean += plain_blocks::<BLOCK>(bytes.get(clean..)?);
    let mut at = clean;
    loop {
        let (words, rest) = bytes.get(at..)?.as_chunks::<8>();
        for (index, word) in words.iter().take(BLOCK / 8).enumerate() {
            let found = special_bytes(u64::from_le_bytes(*word));
            if found != 0 {
                return Some((at + index * 8 + found.trailing_zeros() as usize / 8, clean));
            }
        }
        if words.len() < BLOCK / 8 {
            let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '))?;
            return Some((at + words.len() * 8 + found, clean));
        }
        at += BLOCK;
        // Something that is not plain stood in that block; what follows may be plain again.
        at += plain_blocks::<BLOCK>(bytes.get(at..)?);
    }
}

/// Bytes in the blocks of `N` bytes at the beginning that are plain: all of them stand in base64, or could.
#[inline(always)]
fn plain_blocks<const N: usize>(bytes: &[u8]) -> usize {
    bytes.as_chunks::<N>().0.iter().take_while(|block| is_plain(block)).count() * N
}

/// Whether a block has neither special characters nor what base64 must be cleaned of: blanks, dashes, underscores. Some
/// other characters are refused as well, to save comparisons. Sixteen minima side by side, so that it becomes vector
/// code.
#[inline(always)]
fn is_plain<const N: usize>(block: &[u8; N]) -> bool {
    let (mut least, mut dash, mut backslash) = ([u8::MAX; 16], [u8::MAX; 16], [u8::MAX; 16]);
    for lanes in block.as_chunks::<16>().0 {
        for (lane, byte) in lanes.iter().enumerate() {
            least[lane] = least[lane].min(*byte);
            dash[lane] = dash[lane].min(byte ^ b'-');
            backslash[lane] = backslash[lane].min(byte ^ b'\\');
        }
    }
    // The backslash and the underscore differ in two bits.
    (0..16)
        .fold(true, |plain, lane| plain & (least[lane] >= b'+') & (dash[lane] != 0) & (backslash[lane] > b'\\' ^ b'_'))
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// A word whose lowest set bit is the top bit of the first special byte of `word`; bits above that may be wrong.
#[inline(always)]
fn special_bytes(word: u64) -> u64 {
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * b' ' as u64) & !word;
    (zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64)) | control) & TOPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_found_in_strings_of_any_length() {
        for len in (0..90).chain([127, 128, 129, 255, 256, 257, 330, 600]) {
            for odd in [b'A', b' ', b'-', b'_', b'!', 0xc3] {
                let mut text = vec![b'A'; len];
                text.iter_mut().skip(len / 2).take(1).for_each(|byte| *byte = odd);
                assert_eq!(special(&text), None, "{len} {odd}");
                for at in (0..len).step_by(1 + len / 100) {
                    for byte in [b'"', b'\\', 0, 0x1f] {
                        let before = std::mem::replace(&mut text[at], byte);
                        let Some((found, clean)) = special(&text) else { panic!("{len} {at} {byte}") };
                        assert_eq!(found, at, "{len} {byte} {odd}");
                        assert!(clean <= at && !text[..clean].iter().any(|byte| matches!(byte, b' ' | b'-' | b'_')));
                        text[at] = before;
                    }
                }
            }
        }
    }
}
