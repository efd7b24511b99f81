//! A JSON value as both readers of a line see it: the fast scan and the slow path through `serde_json`.
//!
//! A value is its own text, known to be valid, and is interpreted when somebody asks. That keeps it at the size of
//! a slice: values travel in registers, and a table of them costs nothing to make and nothing to drop.

use std::borrow::Cow;

use crate::record::Text;

/// The text of one JSON value; empty where the key does not stand in the line. Of an object only the bracket is
/// kept: its members are reported one by one. A string without escapes has lost its closing quote, so that it is
/// known for one by its last character and need not be searched again; see [`Value::plain`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Value<'a>(&'a str);

impl<'a> Value<'a> {
    /// An object, whatever is in it.
    pub(super) const OBJECT: Value<'static> = Value("{");

    /// A whole value: a number, a literal, an array, or a string with both quotes, with escapes or without.
    pub(super) fn whole(text: &'a str) -> Self {
        Value(text)
    }

    /// A string without escapes and control characters, from its opening quote to before its closing one.
    pub(super) fn plain(text: &'a str) -> Self {
        Value(text)
    }

    /// The key does not stand in the line: the collector was not asked.
    pub(super) fn is_missing(self) -> bool {
        self.0.is_empty()
    }

    /// `null`: asked, and there is none.
    pub(super) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// The key is absent or its value is `null`: either way nothing was said.
    pub(super) fn is_silent(self) -> bool {
        self.is_missing() || self.is_null()
    }

    /// An object.
    pub(super) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// An array.
    pub(super) fn is_array(self) -> bool {
        self.0.starts_with('[')
    }

    /// `true` or `false`.
    pub(super) fn bool(self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// An integer from 0 to `u64::MAX`, written without sign, fraction or exponent.
    pub(super) fn unsigned(self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The string, unescaped; `None` for every other kind of value. Borrowed text has no control characters.
    pub(super) fn text(self) -> Option<Text<'a>> {
        let inner = self.0.strip_prefix('"')?;
        if !inner.ends_with('"') {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str::<String>(self.0).ok().map(Cow::Owned)
    }

    /// The string without characters.
    pub(super) fn is_empty_string(self) -> bool {
        matches!(self.0, "\"" | "\"\"")
    }

    /// The value as it stands in the line.
    pub(super) fn verbatim(self) -> &'a str {
        self.0
    }

    /// The items of an array of strings; `None` where it is no array or an item is no string.
    pub(super) fn strings(self) -> Option<Vec<Text<'a>>> {
        let items = serde_json::from_str::<Vec<String>>(self.0).ok()?;
        Some(items.into_iter().map(Cow::Owned).collect())
    }

    /// The items of an array of numbers from 0 to 255, as PowerShell prints a byte array; `None` for anything else.
    pub(super) fn octets(self) -> Option<Vec<u8>> {
        self.is_array().then(|| serde_json::from_str(self.0).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_one_kind() {
        assert_eq!(Value(r#""a\u0041\/""#).text().as_deref(), Some("aA/"));
        for (value, text) in [(Value::plain("\""), ""), (Value::whole("\"\""), ""), (Value::plain("\"ab"), "ab")] {
            assert_eq!((value.text().as_deref(), value.is_empty_string()), (Some(text), text.is_empty()));
        }
        assert_eq!((Value("1").text(), Value("null").text(), Value("").text()), (None, None, None));
        assert_eq!(Value("18446744073709551615").unsigned(), Some(u64::MAX));
        for other in ["18446744073709551616", "-1", "1.0", "1e2", "\"1\"", "", "null"] {
            assert_eq!(Value(other).unsigned(), None, "{other}");
        }
        assert_eq!(Value("[0,255]").octets(), Some(vec![0, 255]));
        for other in ["[256]", "[-1]", "[1.0]", "[\"1\"]", "\"ab\"", ""] {
            assert_eq!(Value(other).octets(), None, "{other}");
        }
        assert_eq!(Value(r#"["a","\u0062"]"#).strings(), Some(vec!["a".into(), "b".into()]));
        assert_eq!(Value("[\"a\",null]").strings(), None);
        assert!(Value("").is_silent() && Value("null").is_silent() && !Value("\"\"").is_silent());
    }
}
