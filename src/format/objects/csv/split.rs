//! Where a row of CSV ends, and its values.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// What is known of the end of a row.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// Length without and with the line end.
    At(usize, usize),
    /// It does not stand in the bytes, which end inside quotes.
    Open,
    /// It does not stand in the bytes.
    None,
}

/// The end of the row that begins `bytes`. Quotes count where they begin a value.
pub(super) fn record_end(bytes: &[u8], separator: u8) -> End {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'\n', b'"', rest)) {
        at += found;
        if bytes.get(at) == Some(&b'\n') {
            let len = if at > 0 && bytes.get(at - 1) == Some(&b'\r') { at - 1 } else { at };
            return End::At(len, at + 1);
        }
        let begins = at == 0 || bytes.get(at - 1).is_some_and(|byte| *byte == separator);
        at += 1;
        if begins {
            match closing(bytes, at) {
                Some(closed) => at = closed + 1,
                None => return End::Open,
            }
        }
    }
    End::None
}

/// Position of the quote that ends the text from `from` on; two quotes stand for one.
fn closing(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// One value of a row.
#[derive(Debug, PartialEq)]
pub(super) struct Field<'a> {
    pub(super) text: Cow<'a, str>,
    /// It stood in quotes.
    pub(super) quoted: bool,
}

/// The values of a row without its line end.
pub(super) fn fields(row: &str, separator: u8) -> impl Iterator<Item = Field<'_>> {
    let mut rest = Some(row);
    std::iter::from_fn(move || {
        let text = rest?;
        let (field, after) = match text.strip_prefix('"') {
            Some(inner) => quoted(inner, separator),
            None => plain(text, separator),
        };
        rest = after;
        Some(field)
    })
}

fn plain(text: &str, separator: u8) -> (Field<'_>, Option<&str>) {
    let at = memchr(separator, text.as_bytes());
    let (value, after) = match at {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    (Field { text: Cow::Borrowed(value), quoted: false }, after)
}

fn quoted(inner: &str, separator: u8) -> (Field<'_>, Option<&str>) {
    let end = closing(inner.as_bytes(), 0).unwrap_or(inner.len());
    let value = inner.get(..end).unwrap_or_default();
    let text = if value.contains('"') { Cow::Owned(value.replace("\"\"", "\"")) } else { Cow::Borrowed(value) };
    // What stands between the closing quote and the separator belongs to nobody.
    let rest = inner.get(end + 1..).unwrap_or_default();
    let after = memchr(separator, rest.as_bytes()).and_then(|at| rest.get(at + 1..));
    (Field { text, quoted: true }, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(row: &str) -> Vec<(String, bool)> {
        fields(row, b',').map(|field| (field.text.into_owned(), field.quoted)).collect()
    }

    #[test]
    fn values_lose_their_quotes_and_keep_their_text() {
        let expected = [("a", false), ("b \"c\", d", true), ("", false), ("", true), ("e\"f", false), ("", false)];
        let expected = expected.map(|(text, quoted)| (text.to_owned(), quoted));
        assert_eq!(values("a,\"b \"\"c\"\", d\",,\"\",e\"f,"), expected);
        assert_eq!(values(""), [(String::new(), false)]);
        assert_eq!(values("\"open, 1"), [("open, 1".to_owned(), true)]);
    }

    #[test]
    fn rows_end_at_a_line_end_outside_of_quotes() {
        assert_eq!(record_end(b"a,\"b\r\nc\"\"\n\",d\r\ne", b','), End::At(13, 15));
        assert_eq!(record_end(b"a\"b\nc", b','), End::At(3, 4));
        assert_eq!(record_end(b"a,\"b\n", b','), End::Open);
        assert_eq!((record_end(b"a,b", b','), record_end(b"\r\n", b',')), (End::None, End::At(0, 2)));
        assert_eq!(record_end(b"a;\"b\n", b','), End::At(4, 5), "a quote inside a value");
    }
}
