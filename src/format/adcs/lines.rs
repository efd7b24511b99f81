//! Lines by their shape, which no language changes.

use super::value::is_oid;

/// Lines are cut after so many characters, and go on in the next line.
const CUT_AFTER: usize = 258;
/// Longest title of a row: a word and a number.
const MAX_TITLE: usize = 64;

/// The line is as long as lines can be, so the next may belong to it.
pub fn is_cut(text: &str) -> bool {
    text.len() >= CUT_AFTER && (text.chars().count() == CUT_AFTER || text.encode_utf16().count() == CUT_AFTER)
}

/// The number in the title of a row, and what stands before and behind it: `Row 5:`.
pub fn title(text: &str) -> Option<(&str, i64, &str)> {
    let text = text.trim_ascii_end();
    if text.len() > MAX_TITLE || !text.ends_with([':', '\u{ff1a}']) || text.starts_with([' ', '\t']) {
        return None;
    }
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = text.split_at(start);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, after) = rest.split_at(digits);
    let is_word =
        before.len() + after.len() > 1 && !before.contains(':') && !after.contains(|c: char| c.is_ascii_digit());
    number.parse().ok().filter(|_| is_word).map(|number| (before, number, after))
}

/// The number at the end of `Maximum Row Index: 8`.
pub fn greatest(text: &str) -> Option<i64> {
    let (words, number) = text.trim_ascii_end().rsplit_once([':', '\u{ff1a}'])?;
    let number = number.trim_matches([' ', '\u{a0}', '\u{202f}']);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number && !words.trim().is_empty())
}

/// Name and quoted value of a line of the block of attributes.
pub fn attribute(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim_ascii().split_once(": ")?;
    value.starts_with('"').then_some((name, value))
}

/// The first line of an extension: its identifier, and flags.
pub fn is_extension(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(oid, rest)| is_oid(oid) && rest.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_have_one_number_and_a_colon() {
        assert_eq!(title("Row 12:"), Some(("Row ", 12, ":")));
        assert_eq!(title("\u{7b2c} 3 \u{884c}\u{ff1a}  "), Some(("\u{7b2c} ", 3, " \u{884c}\u{ff1a}")));
        for line in
            ["Row 1: x", "  Row 1:", "Row:", "1:", "12:30:", "a: 1:", "Row 1 of 2:", "Row 99999999999999999999:", ""]
        {
            assert_eq!(title(line), None, "{line}");
        }
        assert_eq!(title(&format!("{} 1:", "x".repeat(64))), None);
    }

    #[test]
    fn the_end_has_its_number_last() {
        assert_eq!(greatest("Maximum Row Index: 8"), Some(8));
        assert_eq!(greatest("Index de ligne maximal\u{a0}:\u{a0}0"), Some(0));
        for line in ["8 Rows", "Row 8:", ": 8", "a: b", "at 12:30 PM", ""] {
            assert_eq!(greatest(line), None, "{line}");
        }
    }

    #[test]
    fn attributes_and_extensions_are_apart() {
        assert_eq!(attribute("    ccm: \"a: b\" "), Some(("ccm", "\"a: b\"")));
        assert_eq!(attribute("    2.5.29.15: Flags = 1, Length = 4"), None);
        assert!(is_extension("2.5.29.15: Flags = 1(Critical), Length = 4"));
        assert!(!is_extension("ccm: \"a=b\"") && !is_extension("Key Usage"));
    }

    #[test]
    fn characters_are_counted_whatever_their_octets() {
        assert!(is_cut(&"x".repeat(258)) && is_cut(&"\u{fc}".repeat(258)) && is_cut(&"\u{1f511}".repeat(129)));
        assert!(!is_cut(&"x".repeat(257)) && !is_cut(&"x".repeat(259)) && !is_cut(&"\u{fc}".repeat(130)));
    }
}
