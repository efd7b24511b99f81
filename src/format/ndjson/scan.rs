//! A lazy scan of one JSON line, several times cheaper than a parse: nothing is built, slices are handed out.
//!
//! Fleet exports are one long base64 string and forty short fields a line; a general parser spends its time on the
//! string. The scan understands plain JSON and **declines** the rest (`None`): control characters (a tab between
//! two fields is legal), surrogate escapes, exponents, deep nesting, an escape inside a key. It may decline what is
//! valid, and then [`tree`](super::tree) asks `serde_json`; it must never accept what `serde_json` refuses, so
//! values that nobody wants are checked as well. Tests hold the two against each other.

use memchr::memchr2;

use super::convert::least;
use super::value::Value;

/// Deepest nesting that is followed; `serde_json` gives up at 128.
const MAX_DEPTH: u32 = 16;
/// Digits of an integer that `serde_json` takes for one: they always fit a `u64`.
const MAX_DIGITS: usize = 19;
/// Strings shorter than this are searched in place; calling a vector routine would cost more than it saves.
const SHORT: usize = 48;

/// Walks the object that is the whole of `text` and reports its members in their order as `(nested, key, value)`.
///
/// The members of an object that is itself a member follow its own event, with `nested` true; objects further
/// inside are checked and reported, not opened. A key that stands twice is reported twice: the last one counts.
/// `None`: declined, and what was reported so far must be thrown away.
pub(super) fn walk<'a>(text: &'a str, mut on: impl FnMut(bool, &'a str, Value<'a>)) -> Option<()> {
    let json = text.as_bytes();
    if least(json) < b' ' {
        return None;
    }
    let at = object(text, blanks(json, 0), |at, key| {
        if json.get(at) == Some(&b'{') {
            on(false, key, Value::OBJECT);
            return object(text, at, |at, key| {
                let (value, end) = member(text, at)?;
                on(true, key, value);
                Some(end)
            });
        }
        let (value, end) = member(text, at)?;
        on(false, key, value);
        Some(end)
    })?;
    (blanks(json, at) == json.len()).then_some(())
}

// What follows passes over one piece of JSON each: from the offset of its first byte to the offset after its last.
// Offsets go in and out by value, so that they stay in registers.

/// An object whose members are wanted: `member` gets the offset of each value and its key.
#[inline(always)]
fn object<'a>(text: &'a str, at: usize, mut member: impl FnMut(usize, &'a str) -> Option<usize>) -> Option<usize> {
    let json = text.as_bytes();
    let mut at = blanks(json, expect(json, at, b'{')?);
    if json.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        let start = expect(json, at, b'"')?;
        let end = start + quote_or_backslash(json.get(start..)?)?;
        let key = text.get(start..end)?;
        // A backslash is declined here.
        at = member(colon(json, expect(json, end, b'"')?)?, key)?;
        match separator(json, at, b'}')? {
            (after, true) => at = after,
            (after, false) => return Some(after),
        }
    }
}

/// The value of a member, and where it ends.
#[inline(always)]
fn member(text: &str, at: usize) -> Option<(Value<'_>, usize)> {
    let json = text.as_bytes();
    match *json.get(at)? {
        b'"' => {
            let end = at + 1 + quote_or_backslash(json.get(at + 1..)?)?;
            if json.get(end) == Some(&b'"') {
                return Some((Value::plain(text.get(at..end)?), end + 1));
            }
            let end = string(json, end)?;
            Some((Value::whole(text.get(at..end)?), end))
        }
        b'{' => Some((Value::OBJECT, skip_object(json, at + 1, 1)?)),
        _ => {
            let end = value(json, at, 1)?;
            Some((Value::whole(text.get(at..end)?), end))
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
        at += quote_or_backslash(json.get(at..)?)?;
        if json.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at = escape(json, at + 1)?;
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

/// Where the first quote or backslash stands. Short strings are searched eight bytes at a time.
#[inline(always)]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().take(SHORT / 8).enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let near = bytes.len().min(SHORT) & !7;
    memchr2(b'"', b'\\', bytes.get(near..)?).map(|at| at + near)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const QUOTES: u64 = ONES * b'"' as u64;
const BACKSLASHES: u64 = ONES * b'\\' as u64;

/// A word whose lowest set bit is the top bit of the first zero byte of `word`; bits above that may be wrong.
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}
