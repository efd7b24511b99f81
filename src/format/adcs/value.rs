//! Values as `certutil -view` prints them.

use std::borrow::Cow;

use crate::record::Text;

/// A number: `0x15 (21) -- Revoked`, or `20 -- Issued` where it is decimal.
pub fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    let ends_well = rest.is_empty() || rest.starts_with([' ', '\u{a0}']);
    i64::from_str_radix(digits, radix).ok().filter(|_| ends_well)
}

/// Flags of 32 bits, which some tools print as a signed number.
pub fn flags(number: i64) -> Option<u32> {
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}

/// What became of a request, as a word that no language changes; the number where it has none.
pub fn disposition(text: &str) -> Option<Text<'static>> {
    let word = match number(text) {
        Some(9) => "pending",
        Some(15) => "ca_certificate",
        Some(20) => "issued",
        Some(21) => "revoked",
        Some(30) => "failed",
        Some(31) => "denied",
        Some(other) => return Some(Cow::Owned(other.to_string())),
        None => {
            const WORDS: [&str; 5] = ["issued", "revoked", "pending", "failed", "denied"];
            WORDS.into_iter().find(|word| text.trim().eq_ignore_ascii_case(word))?
        }
    };
    Some(Cow::Borrowed(word))
}

/// A SHA-1 as hexadecimal digits with blanks between.
pub fn sha1(text: &str) -> Option<[u8; 20]> {
    let mut digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let mut hash = [0; 20];
    for byte in &mut hash {
        *byte = pair(digits.next()?, digits.next()?)?;
    }
    digits.next().is_none().then_some(hash)
}

/// Text that is a dotted object identifier.
pub fn is_oid(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// A line of a hexadecimal dump: offset, a TAB (copies have blanks), up to sixteen octets, and their letters behind
/// three blanks or more. `None` where the line is none; else whether it stands where `out` ends, which it is added to.
pub fn dump(line: &str, out: Option<&mut Vec<u8>>) -> Option<bool> {
    const OCTETS: usize = 16;
    let line = line.trim_start();
    let (offset, rest) = line.split_once(['\t', ' '])?;
    let is_offset = (4..=8).contains(&offset.len()) && offset.bytes().all(|byte| byte.is_ascii_hexdigit());
    let offset = usize::from_str_radix(offset, 16).ok().filter(|_| is_offset)?;
    let mut octets = [0; OCTETS];
    let mut count = 0;
    let mut rest = rest.trim_start().as_bytes();
    while let Some(slot) = octets.get_mut(count) {
        let [first, second, after @ ..] = rest else { break };
        let Some(octet) = pair(*first, *second).filter(|_| matches!(after.first(), None | Some(b' '))) else { break };
        *slot = octet;
        count += 1;
        let blanks = after.iter().take_while(|byte| **byte == b' ').count();
        rest = after.get(blanks..).unwrap_or_default();
        if blanks > 2 {
            break;
        }
    }
    let octets = octets.get(..count).filter(|octets| !octets.is_empty())?;
    Some(out.is_none_or(|out| {
        let is_next = out.len() == offset;
        out.extend_from_slice(octets);
        is_next
    }))
}

fn pair(first: u8, second: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(first)? << 4 | digit(second)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hexadecimal_or_decimal() {
        let cases =
            [("0x15 (21) -- Revoked", Some(21)), ("0xb (11)", Some(11)), ("0x4", Some(4)), ("20 -- Issued", Some(20))];
        for (text, expected) in cases {
            assert_eq!(number(text), expected, "{text}");
        }
        for text in ["EMPTY", "", "0x", "12/5/2026", "1.2.3", "0x12z", "99999999999999999999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn dispositions_are_words_of_no_language() {
        let cases =
            [("0x15 (21) -- Gesperrt", "revoked"), ("20", "issued"), ("0x9 -- x", "pending"), ("Denied", "denied")];
        for (text, expected) in cases {
            assert_eq!(disposition(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(disposition("0xc (12) -- Fremd").as_deref(), Some("12"));
        assert_eq!(disposition("Gesperrt"), None);
    }

    #[test]
    fn dumps_are_read_with_and_without_their_letters() {
        let mut out = Vec::new();
        assert_eq!(
            dump("0000\t30 14 31 12 30 10 06 03  55 04 03 13 09 50 4b 49   0.1.0...U....PKI", Some(&mut out)),
            Some(true)
        );
        assert_eq!(dump("0010 20 41 be                                  ef be", Some(&mut out)), Some(true));
        assert_eq!(out.len(), 19);
        assert_eq!(dump("0010\t20", Some(&mut out)), Some(false), "the offset is another");
        // Copies lose one of two blanks, and more octets than sixteen are letters.
        let mut out = Vec::new();
        assert_eq!(dump("0000 30 14 31 12 30 10 06 03 55 04 03 13 09 50 4b 49 0.1.0.", Some(&mut out)), Some(true));
        assert_eq!(out.len(), 16);
        for line in ["  Label: x", "0000", "0000\txx", "12 30 00", "-----BEGIN X-----", ""] {
            assert_eq!(dump(line, None), None, "{line}");
        }
    }

    #[test]
    fn hashes_have_twenty_octets() {
        assert_eq!(sha1("4f 2a a3 df 00 7c 21 93 e7 19 a7 bf e7 5c f9 85 23 63 6d 54").map(|h| h[0]), Some(0x4f));
        assert_eq!(sha1("4f 2a"), None);
        assert_eq!(sha1(&"4g".repeat(20)), None);
        assert_eq!(sha1(&"40".repeat(21)), None);
    }
}
