//! A JSON object that is written field by field into a reused line.

use std::io::Write as _;

/// Writes one object, on one line. Keys are ours and need no escape.
pub(super) struct Object<'a> {
    line: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// Opens an object at the end of `line`.
    pub fn open(line: &'a mut Vec<u8>) -> Self {
        line.push(b'{');
        Object { line }
    }

    /// Closes it.
    pub fn close(self) {
        self.line.push(b'}');
    }

    fn key(&mut self, key: &str) {
        if self.line.last() != Some(&b'{') {
            self.line.push(b',');
        }
        self.line.push(b'"');
        self.line.extend_from_slice(key.as_bytes());
        self.line.extend_from_slice(b"\":");
    }

    /// A string.
    pub fn text(&mut self, key: &str, text: &str) -> &mut Self {
        self.key(key);
        self.line.push(b'"');
        if text.bytes().any(|b| matches!(b, b'"' | b'\\' | 0..0x20)) {
            text.bytes().for_each(|byte| match byte {
                b'"' | b'\\' => self.line.extend([b'\\', byte]),
                // Writing to a Vec cannot fail.
                0..0x20 => _ = write!(self.line, "\\u{byte:04x}"),
                _ => self.line.push(byte),
            });
        } else {
            self.line.extend_from_slice(text.as_bytes());
        }
        self.line.push(b'"');
        self
    }

    /// A string that is known to need no escape, such as hex and base64.
    pub fn plain(&mut self, key: &str, text: &[u8]) -> &mut Self {
        self.key(key);
        self.line.push(b'"');
        self.line.extend_from_slice(text);
        self.line.push(b'"');
        self
    }

    /// A string or null.
    pub fn maybe_text(&mut self, key: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(key, text),
            None => self.null(key),
        }
    }

    /// A number.
    pub fn number(&mut self, key: &str, number: u64) -> &mut Self {
        self.key(key);
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.line.extend_from_slice(&digits[at..]);
        self
    }

    /// A number or null.
    pub fn maybe_number(&mut self, key: &str, number: Option<u32>) -> &mut Self {
        match number {
            Some(number) => self.number(key, number.into()),
            None => self.null(key),
        }
    }

    /// True or false.
    pub fn boolean(&mut self, key: &str, value: bool) -> &mut Self {
        self.key(key);
        self.line.extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// Asked, and not available.
    pub fn null(&mut self, key: &str) -> &mut Self {
        self.key(key);
        self.line.extend_from_slice(b"null");
        self
    }

    /// A list of strings.
    pub fn list(&mut self, key: &str, items: &[&str]) -> &mut Self {
        self.key(key);
        self.line.push(b'[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.line.push(b',');
            }
            self.line.push(b'"');
            self.line.extend_from_slice(item.as_bytes());
            self.line.push(b'"');
        }
        self.line.push(b']');
        self
    }

    /// An object inside.
    pub fn object(&mut self, key: &str, body: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        self.key(key);
        let mut inner = Object::open(self.line);
        body(&mut inner);
        inner.close();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut line = Vec::new();
        let mut object = Object::open(&mut line);
        object.text("path", "C:\\a \"b\"\u{1}ü").number("zero", 0).number("max", u64::MAX).null("n").boolean("t", true);
        object.object("o", |o| _ = o.maybe_number("x", Some(7))).list("l", &["a", "b"]).list("e", &[]);
        object.close();
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
        let expected = serde_json::json!({"path": "C:\\a \"b\"\u{1}ü", "zero": 0, "max": u64::MAX, "n": null, "t": true,
            "o": {"x": 7}, "l": ["a", "b"], "e": []});
        assert_eq!(value, expected);
    }
}
