//! A JSON value as both readers of a line see it: the fast scan and the slow path through `serde_json`.
//!
//! A value is its own text, known to be valid, and is interpreted when somebody asks. That keeps it at the size of
//! a slice: values travel in registers, and a table of them costs nothing to make and nothing to drop.

use std::borrow::Cow;

use super::scan::Place;
use crate::record::Text;

/// Digits of a number that cannot overflow.
const SHORT_NUMBER: usize = 19;

/// The text of one JSON value; empty where the key does not stand in the line. Of an object only the bracket is
/// kept: its members are reported one by one. A string without escapes has lost its closing quote, so that it is
/// known for one by its last character and need not be searched again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Value<'a> {
    verbatim: &'a str,
    /// So many bytes of a string are known to be plain; see [`Value::clean`].
    clean: usize,
}

impl<'a> Value<'a> {
    /// The value at a place of `text`; missing where there is none.
    #[inline]
    pub(super) fn of(text: &'a str, place: Place) -> Self {
        Value { verbatim: text.get(place.start..place.end).unwrap_or_default(), clean: place.clean }
    }

    /// The key does not stand in the line: the collector was not asked.
    #[inline]
    pub(super) fn is_missing(self) -> bool {
        self.verbatim.is_empty()
    }

    /// A value as JSON writes it. A string of plain characters may lack its closing quote.
    pub(super) fn written(verbatim: &'a str) -> Self {
        Value { verbatim, clean: 0 }
    }

    /// `null`: asked, and there is none.
    #[inline]
    pub(super) fn is_null(self) -> bool {
        self.verbatim == "null"
    }

    /// The key is absent or its value is `null`: either way nothing was said.
    #[inline]
    pub(super) fn is_silent(self) -> bool {
        self.is_missing() || self.is_null()
    }

    /// An object.
    #[inline]
    pub(super) fn is_object(self) -> bool {
        self.verbatim.starts_with('{')
    }

    /// An array.
    pub(super) fn is_array(self) -> bool {
        self.verbatim.starts_with('[')
    }

    /// `true` or `false`.
    #[inline]
    pub(super) fn bool(self) -> Option<bool> {
        match self.verbatim {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// An integer from 0 to `u64::MAX`, written without sign, fraction or exponent.
    #[inline]
    pub(super) fn unsigned(self) -> Option<u64> {
        let digits = self.verbatim.as_bytes();
        if digits.is_empty() || digits.len() > SHORT_NUMBER {
            return self.verbatim.parse().ok();
        }
        let add = |sum: u64, digit: &u8| Some(sum * 10 + u64::from(digit.checked_sub(b'0').filter(|d| *d < 10)?));
        digits.iter().try_fold(0, add)
    }

    /// The string, unescaped; `None` for every other kind of value. Borrowed text has no control characters.
    #[inline]
    pub(super) fn text(self) -> Option<Text<'a>> {
        let inner = self.verbatim.strip_prefix('"')?;
        if inner.as_bytes().last() != Some(&b'"') { Some(Cow::Borrowed(inner)) } else { self.unescaped() }
    }

    #[cold]
    fn unescaped(self) -> Option<Text<'a>> {
        serde_json::from_str::<String>(self.verbatim).ok().map(Cow::Owned)
    }

    /// So many bytes at the beginning of the string have neither control characters nor blanks, dashes and
    /// underscores.
    pub(super) fn clean(self) -> usize {
        self.clean
    }

    /// The string without characters.
    pub(super) fn is_empty_string(self) -> bool {
        matches!(self.verbatim, "\"" | "\"\"")
    }

    /// The value as it stands in the line.
    pub(super) fn verbatim(self) -> &'a str {
        self.verbatim
    }

    /// The items of an array of strings; `None` where it is no array or an item is no string.
    pub(super) fn strings(self) -> Option<Vec<Text<'a>>> {
        let items = serde_json::from_str::<Vec<String>>(self.verbatim).ok()?;
        Some(items.into_iter().map(Cow::Owned).collect())
    }

    /// The items of an array of numbers from 0 to 255, as PowerShell prints a byte array; `None` for anything else.
    pub(super) fn octets(self) -> Option<Vec<u8>> {
        self.is_array().then(|| serde_json::from_str(self.verbatim).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value<'_> {
        Value::of(text, Place { start: 0, end: text.len(), clean: 0 })
    }

    #[test]
    fn a_value_is_of_one_kind() {
        assert_eq!(value(r#""a\u0041\/""#).text().as_deref(), Some("aA/"));
        for (json, text) in [("\"", ""), ("\"\"", ""), ("\"ab", "ab")] {
            assert_eq!((value(json).text().as_deref(), value(json).is_empty_string()), (Some(text), text.is_empty()));
        }
        assert_eq!((value("1").text(), value("null").text(), value("").text()), (None, None, None));
        assert_eq!(value("18446744073709551615").unsigned(), Some(u64::MAX));
        for other in ["18446744073709551616", "-1", "1.0", "1e2", "1a", "a", "1e99", "\"1\"", "", "null"] {
            assert_eq!(value(other).unsigned(), None, "{other}");
        }
        assert_eq!(value("[0,255]").octets(), Some(vec![0, 255]));
        for other in ["[256]", "[-1]", "[1.0]", "[\"1\"]", "\"ab\"", ""] {
            assert_eq!(value(other).octets(), None, "{other}");
        }
        assert_eq!(value(r#"["a","\u0062"]"#).strings(), Some(vec!["a".into(), "b".into()]));
        assert_eq!(value("[\"a\",null]").strings(), None);
        assert!(value("").is_silent() && value("null").is_silent() && !value("\"\"").is_silent());
    }
}
