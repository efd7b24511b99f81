//! Tag, length, value: just enough of X.690 to find frames, tell formats apart and cut containers into pieces.
//!
//! This module never interprets a value. It accepts BER's indefinite length and non-minimal lengths, because
//! real exports have them; what a certificate says is `x509/`'s business.

/// One element: tag byte, header length and content length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The identifier octet (class, constructed bit and number). Multi-byte tag numbers are refused.
    pub tag: u8,
    /// Length of identifier and length octets.
    pub header: usize,
    /// Content octets. For an indefinite length: everything up to, without, its end-of-contents octets.
    pub content: &'a [u8],
    /// Length of the whole element, end-of-contents octets included.
    pub total: usize,
}

/// Identifier octets used here (X.690 8.1.2).
pub mod tag {
    #![allow(missing_docs)]
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const OID: u8 = 0x06;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    pub const CONTEXT_0: u8 = 0xa0;
    pub const CONTEXT_1: u8 = 0xa1;
    pub const CONTEXT_3: u8 = 0xa3;
}

/// Deepest nesting of indefinite lengths followed.
const MAX_DEPTH: u32 = 16;

/// Identifier and length octets alone: `(tag, header length, content length)`; `None` content for indefinite.
///
/// Works on a prefix of the element, so that streams can be cut without their whole content at hand.
pub fn header(bytes: &[u8]) -> Option<(u8, usize, Option<u64>)> {
    let (&tag, rest) = bytes.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    match first {
        0..=0x7f => Some((tag, 2, Some(u64::from(first)))),
        0x80 => (tag & 0x20 != 0).then_some((tag, 2, None)),
        0x81..=0x88 => {
            let count = usize::from(first & 0x7f);
            let length = rest.get(..count)?.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
            Some((tag, 2 + count, Some(length)))
        }
        _ => None,
    }
}

/// The first element of `bytes`, complete, or `None`.
pub fn read(bytes: &[u8]) -> Option<Tlv<'_>> {
    read_nested(bytes, 0)
}

fn read_nested(bytes: &[u8], depth: u32) -> Option<Tlv<'_>> {
    let (tag, header, length) = header(bytes)?;
    match length {
        Some(length) => {
            let end = header.checked_add(usize::try_from(length).ok()?)?;
            Some(Tlv { tag, header, content: bytes.get(header..end)?, total: end })
        }
        None if depth < MAX_DEPTH => {
            let mut at = header;
            loop {
                let rest = bytes.get(at..)?;
                if rest.starts_with(&[0, 0]) {
                    return Some(Tlv { tag, header, content: &bytes[header..at], total: at + 2 });
                }
                at += read_nested(rest, depth + 1)?.total;
            }
        }
        None => None,
    }
}

/// The elements inside a content, one after the other; ends early at the first broken one (see [`Items::rest`]).
#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// Iterates over the elements of `content`.
    pub fn new(content: &'a [u8]) -> Self {
        Items { rest: content }
    }

    /// What has not been read: empty after a clean end.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next element if it has this tag; otherwise nothing is passed over.
    pub fn next_if(&mut self, tag: u8) -> Option<Tlv<'a>> {
        (self.rest.first() == Some(&tag)).then(|| self.next()).flatten()
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let item = read(self.rest)?;
        self.rest = &self.rest[item.total..];
        Some(item)
    }
}

/// Dotted form of the content octets of an OBJECT IDENTIFIER (X.690 8.19); `None` where malformed or over 64-bit arcs.
pub fn oid(content: &[u8]) -> Option<String> {
    use std::fmt::Write;
    if content.last()? & 0x80 != 0 {
        return None;
    }
    let mut text = String::with_capacity(32);
    let mut arc = 0u64;
    let mut first = true;
    for &byte in content {
        if arc >> 57 != 0 {
            return None;
        }
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if first {
                let root = (arc / 40).min(2);
                let _ = write!(text, "{root}.{}", arc - root * 40);
                first = false;
            } else {
                let _ = write!(text, ".{arc}");
            }
            arc = 0;
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definite_and_indefinite_lengths() {
        assert_eq!(read(&[0x30, 3, 2, 1, 5, 9]).map(|t| (t.total, t.content.len())), Some((5, 3)));
        assert_eq!(read(&[0x30, 0x80, 2, 1, 5, 0, 0, 9]).map(|t| (t.total, t.content.len())), Some((7, 3)));
        assert_eq!(read(&[0x30, 4, 2, 1, 5]), None);
        assert_eq!(read(&[0x30, 0x80, 2, 1, 5, 0]), None);
        assert_eq!(read(&[0x04, 0x80, 0, 0]), None, "a primitive cannot be indefinite");
        assert_eq!(read(&[0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255]), None);
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let deep = [0x30, 0x80].repeat(100_000);
        assert_eq!(read(&deep), None);
    }

    #[test]
    fn oids() {
        assert_eq!(oid(&[0x2b, 6, 1, 4, 1, 0x82, 0x37]).as_deref(), Some("1.3.6.1.4.1.311"));
        assert_eq!(oid(&[0x88, 0x37]).as_deref(), Some("2.999"));
        assert_eq!(oid(&[0x2a, 0x86]), None);
        assert_eq!(oid(&[]), None);
    }
}
