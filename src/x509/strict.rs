//! Elements in the form that DER asks for: one tag byte, as expected, and a minimal length.
//!
//! For the short ways, which decline what is not plain. x509-parser and [`crate::der`] accept everything that is cut here.

/// One element and what stands behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut<'a> {
    /// All octets of the element.
    pub element: &'a [u8],
    /// Its content octets.
    pub content: &'a [u8],
    /// The octets behind the element.
    pub rest: &'a [u8],
}

/// Cuts the first element; `None` for another tag, a length that is not minimal, and contents over 65,535 octets.
#[inline(always)]
pub(super) fn cut(bytes: &[u8], tag: u8) -> Option<Cut<'_>> {
    let (header, length) = match bytes {
        [first, length @ ..=0x7f, ..] if *first == tag => (2, usize::from(*length)),
        [first, 0x81, length @ 0x80..=0xff, ..] if *first == tag => (3, usize::from(*length)),
        [first, 0x82, high @ 1..=0xff, low, ..] if *first == tag => (4, usize::from(*high) << 8 | usize::from(*low)),
        _ => return None,
    };
    let (element, rest) = bytes.split_at_checked(header + length)?;
    Some(Cut { element, content: element.get(header..)?, rest })
}

/// Content of the first element, and what follows the element.
#[inline]
pub(super) fn split(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    cut(bytes, tag).map(|cut| (cut.content, cut.rest))
}

/// Content of the only element.
#[inline]
pub(super) fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    match split(bytes, tag)? {
        (content, []) => Some(content),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der;
    use crate::x509::tests::build::element;

    #[test]
    fn minimal_lengths_only() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff] {
            let content = vec![7; length];
            let mut bytes = element(4, &content);
            bytes.push(9);
            let cut = cut(&bytes, 4).expect("an element");
            let tlv = der::read(&bytes).expect("an element");
            assert_eq!((cut.content, cut.element.len(), cut.rest), (tlv.content, tlv.total, &[9][..]));
            assert_eq!(only(&bytes, 4), None);
            assert_eq!(only(&bytes[..bytes.len() - 1], 4), Some(&content[..]));
        }
        for bytes in [
            &[][..],
            &[4],
            &[4, 1],
            &[4, 0x80, 0, 0],
            &[4, 0x81, 1, 7],
            &[4, 0x81],
            &[4, 0x82, 0, 1, 7],
            &[4, 0x82, 1],
            &[4, 0x83, 0, 0, 1, 7],
            &[5, 0],
        ] {
            assert!(cut(bytes, 4).is_none(), "{bytes:02x?}");
        }
        assert!(cut(&element(4, &vec![7; 0x1_0000]), 4).is_none());
    }
}
