//! The records of which serialized stores and elements are made (MS-GPEF 2.2.1.1.1,
//! MS-OSHARED 2.3.2.5): `u32 id, u32 encoding = 1, u32 length`, then the value, without padding.

use crate::input::Window;

/// Length of a record's header.
pub(crate) const HEADER: usize = 12;
/// Largest element read at once: its properties and its object.
pub(crate) const MAX_ELEMENT: usize = 16 * 1024 * 1024;

/// What an object record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    /// X.509 certificate.
    Certificate,
    /// Certificate revocation list.
    Crl,
    /// Certificate trust list.
    Ctl,
    /// Key identifier: the element is a key without certificate.
    Key,
    /// Reserved for further objects: it closes an element as the known ones do, so that its properties are not
    /// taken for those of the next certificate.
    Reserved,
}

/// Header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Property id, or that of the object.
    pub id: u32,
    /// Always 1 in records that Windows accepts.
    pub encoding: u32,
    /// Length of the value in bytes.
    pub len: u32,
}

impl Header {
    /// Reads the header at the start of `bytes`.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Header { id: u32_at(bytes, 0)?, encoding: u32_at(bytes, 4)?, len: u32_at(bytes, 8)? })
    }

    /// The object, if this record closes an element.
    pub(crate) fn object(&self) -> Option<Object> {
        match self.id {
            32 => Some(Object::Certificate),
            33 => Some(Object::Crl),
            34 => Some(Object::Ctl),
            35 => Some(Object::Key),
            36..=62 => Some(Object::Reserved),
            _ => None,
        }
    }

    /// Length of the record.
    pub(crate) fn total(&self) -> u64 {
        HEADER as u64 + u64::from(self.len)
    }
}

/// The little-endian u32 at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

/// A record with its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub header: Header,
    pub value: &'a [u8],
}

/// Iterates over the complete records of `bytes`.
pub(crate) struct Records<'a>(pub &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let header = Header::parse(self.0)?;
        let total = usize::try_from(header.total()).ok()?;
        let value = self.0.get(HEADER..total)?;
        self.0 = &self.0[total..];
        Some(Record { header, value })
    }
}

/// What stands next in a stream of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A whole element of this length, closed by its object, is in the window.
    Element(usize),
    /// Id 0: the end mark of a store.
    EndMark,
    /// Properties of this length, then the end mark: the object is missing.
    Unclosed(usize),
    /// The source ends inside an element.
    Cut,
    /// An element of more than [`MAX_ELEMENT`] bytes.
    TooLarge,
    /// The source ends here.
    Nothing,
}

/// Looks ahead to the end of the next element.
pub(crate) fn look_ahead(window: &mut Window<'_>) -> Next {
    let mut len = 0;
    loop {
        let bytes = window.fill(len + HEADER);
        let Some(header) = bytes.get(len..).and_then(Header::parse) else {
            return if bytes.is_empty() { Next::Nothing } else { Next::Cut };
        };
        if header.id == 0 {
            return if len == 0 { Next::EndMark } else { Next::Unclosed(len) };
        }
        let end = len as u64 + header.total();
        len = match usize::try_from(end) {
            Ok(end) if end <= MAX_ELEMENT => end,
            _ => return Next::TooLarge,
        };
        if header.object().is_some() {
            return if window.fill(len).len() < len { Next::Cut } else { Next::Element(len) };
        }
    }
}

/// Passes over the next element without holding it; false if the source ends inside it.
pub(crate) fn pass_over(window: &mut Window<'_>) -> bool {
    loop {
        let Some(header) = Header::parse(window.fill(HEADER)) else { return false };
        if header.id == 0 {
            return true;
        }
        if window.skip(header.total()) < header.total() {
            return false;
        }
        if header.object().is_some() {
            return true;
        }
    }
}

/// Passes over the next element if it is there whole, closed and not too large.
pub(crate) fn pass_well_formed(window: &mut Window<'_>) -> bool {
    let mut len = 0;
    loop {
        let Some(header) = Header::parse(window.fill(HEADER)).filter(|header| header.id != 0) else { return false };
        len += header.total();
        if len > MAX_ELEMENT as u64 || window.skip(header.total()) < header.total() {
            return false;
        }
        if header.object().is_some() {
            return true;
        }
    }
}
