//! Small conversions of printed values: hashes, HRESULTs, numbers, times, base64, and text for messages.

use std::borrow::Cow;

use memchr::memchr3;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::record::Text;

/// Longest piece of input text repeated in a message, in characters.
const MAX_QUOTE: usize = 200;

/// `N` octets printed as exactly `2 * N` hexadecimal digits of either case. Eight digits are read together, and what is
/// wrong with any is judged once at the end.
pub(super) fn hash<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut octets = [0; N];
    let mut wrong = 0;
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let (quads, last) = octets.as_chunks_mut::<4>();
    for (quad, word) in quads.iter_mut().zip(words) {
        let (four, bad) = eight_digits(*word);
        *quad = four;
        wrong |= bad;
    }
    let mut word = *b"00000000";
    word.iter_mut().zip(rest).for_each(|(slot, digit)| *slot = *digit);
    let (four, bad) = eight_digits(word);
    last.iter_mut().zip(four).for_each(|(slot, octet)| *slot = octet);
    (wrong | bad == 0).then_some(octets)
}

/// The octets of eight hexadecimal digits, and whether one is none: then the second value is not zero.
#[inline(always)]
fn eight_digits(digits: [u8; 8]) -> ([u8; 4], u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(digits);
    // Bit 6 tells letters from digits; `a` has 1 in its low half.
    let values = (word & (ONES * 0x0f)) + (word >> 6 & ONES) * 9;
    // Each value printed again must give its digit, in small letters, back.
    let letters = (values + ONES * 6) >> 4 & ONES;
    let printed = values + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'9' - 1);
    let small = word | (word & (ONES * 0x40)) >> 1;
    let wrong = (small ^ printed) | values & (ONES * 0xf0);
    let [a, _, b, _, c, _, d, _] = (values << 4 | values >> 8).to_le_bytes();
    ([a, b, c, d], wrong)
}

/// A hash as people and tools print it: digits grouped by blanks, colons or dashes, as certificate dialogs do, and
/// the invisible mark (U+200E) that is copied from them.
pub(super) fn loose_hash<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_filler = |c: char| matches!(c, ' ' | ':' | '-' | '\u{a0}' | '\u{200e}' | '\u{200f}');
    // Digits alone are no longer than that, and longer text has to lose something first.
    if text.len() <= 2 * N { hash(text) } else { hash(&text.replace(is_filler, "")) }
}

/// An HRESULT in hexadecimal, with or without `0x`.
pub(super) fn hresult(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    hex_u32(digits)
}

/// A number as tools print it: decimal, or hexadecimal with `0x`.
pub(super) fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => hex_u32(digits),
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        None => None,
    }
}

fn hex_u32(digits: &str) -> Option<u32> {
    let plain = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// An RFC 3339 time in microseconds since 1970-01-01 UTC.
pub(super) fn time(text: &str) -> Option<i64> {
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1000)).ok()
}

/// Standard base64 without white space and with its padding, as [`Body::Base64`](crate::record::Body) wants it.
///
/// Nearly always that is `text` itself, of which the first `clean` bytes are known to have nothing to clean; otherwise
/// white space is dropped, the URL-safe alphabet translated and missing padding added in `scratch`. Whether the result
/// decodes is found out where it is decoded.
pub(super) fn base64<'x>(text: Text<'x>, clean: usize, scratch: &'x mut Vec<u8>) -> &'x [u8] {
    if let Cow::Borrowed(text) = text
        && text.len().is_multiple_of(4)
        // Borrowed text has no other white space.
        && memchr3(b' ', b'-', b'_', text.as_bytes().get(clean..).unwrap_or_default()).is_none()
    {
        return text.as_bytes();
    }
    scratch.clear();
    scratch.extend(text.bytes().filter(|b| !b.is_ascii_whitespace()).map(|b| match b {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }));
    // One left-over character is no base64 at any padding.
    if scratch.len() % 4 > 1 {
        scratch.resize(scratch.len().next_multiple_of(4), b'=');
    }
    scratch
}

/// Input text for a message: escaped and cut.
pub(super) fn quote(text: &str) -> String {
    let mut out: String = text.chars().take(MAX_QUOTE).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_QUOTE).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_have_exact_lengths_and_digits() {
        assert_eq!(hash::<3>("00fFa9"), Some([0x00, 0xff, 0xa9]));
        assert_eq!(hash::<3>("00ffa"), None);
        assert_eq!(hash::<3>("00ffg0"), None);
        assert_eq!(hash::<2>("é00"), None, "two bytes of one character are no digits");
        for at in 0..12 {
            for byte in 0..128 {
                let mut digits = *b"09afAF5b8e0c";
                digits[at] = byte;
                let text = std::str::from_utf8(&digits).unwrap_or_default();
                let expected: Option<Vec<u8>> = (0..6)
                    .map(|n| text.get(2 * n..2 * n + 2).filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit())))
                    .map(|pair| u8::from_str_radix(pair?, 16).ok())
                    .collect();
                assert_eq!(hash::<6>(text).map(Vec::from), expected, "{text:?}");
            }
        }
        assert_eq!(loose_hash("\u{200e}0a 1B:2c-3d"), Some([0x0a, 0x1b, 0x2c, 0x3d]));
        assert_eq!(
            (loose_hash::<2>("0a1B"), loose_hash::<2>("0a1"), loose_hash::<2>("0a1 b2")),
            (Some([0x0a, 0x1b]), None, None)
        );
    }

    #[test]
    fn numbers_keep_their_range() {
        assert_eq!(hresult("80090016"), Some(0x8009_0016));
        assert_eq!(hresult("0x00000000"), Some(0));
        for wrong in ["", "0x", "+1", "123456789", "8009 016"] {
            assert_eq!(hresult(wrong), None, "{wrong:?}");
        }
        assert_eq!((number(" 24 "), number("0x20"), number("4294967295")), (Some(24), Some(32), Some(u32::MAX)));
        for wrong in ["", "-1", "+1", "4294967296", "1.0", "PROV_RSA_FULL"] {
            assert_eq!(number(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn times_are_exact_micros() {
        assert_eq!(time("1970-01-01T00:00:01.000001Z"), Some(1_000_001));
        assert_eq!(time("1969-12-31T23:59:59.9999999Z"), Some(-1), "rounded down, also before 1970");
        assert_eq!(time("2024-05-01T12:00:00+02:00"), time("2024-05-01T10:00:00Z"));
        assert_eq!(time("2024-05-01"), None);
    }

    #[test]
    fn base64_is_cleaned_only_where_needed() {
        let mut scratch = Vec::new();
        let plain = "MIIB+/==";
        assert!(std::ptr::eq(base64(plain.into(), 0, &mut scratch), plain.as_bytes()));
        assert_eq!(base64(String::from("MI-_ MII\r\n=").into(), 0, &mut scratch), b"MI+/MII=");
        assert_eq!(base64("MIIBMI".into(), 0, &mut scratch), b"MIIBMI==");
        assert_eq!(base64("MIIBM".into(), 0, &mut scratch), b"MIIBM");
    }

    #[test]
    fn quotes_are_short_and_harmless() {
        assert_eq!(quote("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert_eq!(quote(&"x".repeat(300)).chars().count(), MAX_QUOTE + 1);
    }
}
