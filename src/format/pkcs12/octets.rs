//! OCTET STRINGs, which BER allows to stand in pieces.

use std::ops::Deref;

use zeroize::Zeroizing;

use super::MAX_DEPTH;
use crate::der::tag;
use crate::format::der::open;

/// Constructed OCTET STRING: a string in pieces (X.690 8.7).
const PIECES: u8 = 0x24;
/// End-of-contents octets (X.690 8.1.5).
pub(super) const END: &[u8] = &[0, 0];

/// Content of an OCTET STRING: where it stands, or put together.
#[derive(Debug)]
pub(super) enum Octets<'a> {
    Here(&'a [u8]),
    /// From pieces, or decrypted. It may hold keys, so it is overwritten when dropped.
    Made(Zeroizing<Vec<u8>>),
}

impl Deref for Octets<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Octets::Here(bytes) => bytes,
            Octets::Made(bytes) => bytes,
        }
    }
}

/// The OCTET STRING at the start of `bytes`, in one piece or in several; what is there of one that is cut off.
pub(super) fn octets(bytes: &[u8]) -> Option<Octets<'_>> {
    match *bytes.first()? {
        tag::OCTET_STRING => open(bytes, tag::OCTET_STRING).map(|(content, _)| Octets::Here(content)),
        PIECES => together(open(bytes, PIECES)?.0),
        _ => None,
    }
}

/// The pieces of a string as one.
pub(super) fn together(content: &[u8]) -> Option<Octets<'static>> {
    let mut out = Zeroizing::new(Vec::with_capacity(content.len()));
    pieces(content, 0, &mut out)?;
    Some(Octets::Made(out))
}

/// Adds the pieces of a string to `out`.
fn pieces(content: &[u8], depth: u32, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = content;
    // What was cut off has its end mark, and what follows that, still in it.
    while !rest.is_empty() && !rest.starts_with(END) {
        let (piece, after) = match *rest.first()? {
            tag::OCTET_STRING => open(rest, tag::OCTET_STRING)?,
            PIECES if depth < MAX_DEPTH => {
                let (inner, after) = open(rest, PIECES)?;
                pieces(inner, depth + 1, out)?;
                (&[][..], after)
            }
            _ => return None,
        };
        out.extend_from_slice(piece);
        rest = after;
    }
    Some(())
}
