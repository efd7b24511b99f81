//! Where a JSON object or array ends, found by its brackets and strings alone, and how the beginning of a text is
//! closed so that it can be parsed.

use memchr::memchr2;

use crate::format::code_page::CodePage;

/// Deepest nesting of a beginning that is looked into.
const MAX_DEPTH: usize = 100;

/// A search for the end of an object or array, a stretch of bytes at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// The code page of text whose characters may end in what looks like a quote's escape.
    page: Option<CodePage>,
}

impl Extent {
    /// A search in text of this code page.
    pub(super) fn of(page: Option<CodePage>) -> Self {
        Extent { page, ..Extent::default() }
    }

    /// Length of `bytes`, which follow those of the last call, up to and with the last bracket; `None` where it is not
    /// among them. The first byte of all is the first bracket.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                at += self.pass_string(&bytes[at..]);
                continue;
            }
            let step = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))?;
            at += step + 1;
            match bytes[at - 1] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                _ => self.depth = self.depth.saturating_sub(1),
            }
            if self.depth == 0 {
                return Some(at);
            }
        }
        None
    }

    /// Bytes up to and with the closing quote, or all.
    fn pass_string(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.escaped) {
            return 1;
        }
        let is_mark = |byte: &u8| matches!(byte, b'"' | b'\\') || self.page.is_some_and(|page| page.is_lead(*byte));
        let found = match self.page {
            None => memchr2(b'"', b'\\', bytes),
            Some(_) => bytes.iter().position(is_mark),
        };
        let Some(at) = found else { return bytes.len() };
        match bytes[at] {
            b'"' => self.in_string = false,
            // The second byte of a character is passed over as what follows a backslash is.
            _ => self.escaped = true,
        }
        at + 1
    }
}

/// The beginning of an object, cut where a value or a bracket ends and closed with the brackets that are missing. All
/// of it, where it is whole; what follows it is left out.
pub(in crate::format::objects) fn closed(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut open, mut safe, mut at) = (Vec::new(), (0, 0), 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let Some(len) = string_len(&bytes[at..]) else { break };
                at += len;
                continue;
            }
            b'{' | b'[' if open.len() == MAX_DEPTH => break,
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b'}' | b']' => {
                open.pop();
            }
            b',' => {}
            _ => {
                at += 1;
                continue;
            }
        }
        at += 1;
        safe = (if *byte == b',' { at - 1 } else { at }, open.len());
        if open.is_empty() {
            break;
        }
    }
    let mut closed = text.get(..safe.0).unwrap_or_default().to_owned();
    closed.extend(open.get(..safe.1).unwrap_or_default().iter().rev().map(|byte| char::from(*byte)));
    closed
}

/// Length of the string that begins `bytes`, with its quotes; `None` where it is cut.
pub(super) fn string_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)? + 1;
        if bytes.get(at - 1) == Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_whatever_the_pieces() {
        let text = br#"{"a":"}\"\\","b":[{},"{"]} , {"#;
        let end = text.len() - 4;
        for size in 1..text.len() {
            let (mut extent, mut before, mut found) = (Extent::default(), 0, None);
            for piece in text.chunks(size) {
                if let Some(len) = extent.find(piece) {
                    found = Some(before + len);
                    break;
                }
                before += piece.len();
            }
            assert_eq!(found, Some(end), "pieces of {size}");
        }
    }

    #[test]
    fn second_bytes_of_characters_are_no_escapes() {
        // The character is 0x95 0x5c.
        let text = b"{\"a\":\"\x95\x5c\"}";
        assert_eq!(Extent::of(CodePage::of(932)).find(text), Some(text.len()));
        assert_eq!(Extent::default().find(text), None);
    }

    #[test]
    fn beginnings_are_closed_where_a_value_ends() {
        for (text, expected) in [
            (r#"{"a":1,"b":{"c":[1,2],"d":"#, r#"{"a":1,"b":{"c":[1,2]}}"#),
            (r#"{"a":1,"b":"x,y"#, r#"{"a":1}"#),
            (r#"{"a":["#, r#"{"a":[]}"#),
            (r#"{"a"#, "{}"),
            (r#"{"a":1} {"b":2}"#, r#"{"a":1}"#),
            (r#"{"a":[1,2"#, r#"{"a":[1]}"#),
            (r#"{"a":"\"#, "{}"),
            ("", ""),
        ] {
            assert_eq!(closed(text), expected, "{text}");
        }
    }
}
