//! Lineage of pieces of a source, whether they lie in it as they are or inside a decoded block.

use crate::record::Lineage;

/// Gives each piece its lineage.
#[derive(Debug)]
pub(crate) struct Place {
    base: u64,
    /// Pieces of a decoded block have no offset of their own: they share the block's and are numbered.
    next_part: Option<u32>,
}

impl Place {
    /// Pieces lie in the source; positions count from `base`.
    pub(crate) fn in_source(base: u64) -> Self {
        Place { base, next_part: None }
    }

    /// Pieces come from a block that was decoded (PEM, base64) and starts at `offset`.
    pub(crate) fn in_block(offset: u64) -> Self {
        Place { base: offset, next_part: Some(0) }
    }

    /// Lineage of the next piece, found at `position`.
    pub(crate) fn next(&mut self, position: u64) -> Lineage {
        match &mut self.next_part {
            None => Lineage::at(self.base + position),
            Some(part) => {
                let lineage = Lineage { part: *part, ..Lineage::at(self.base) };
                *part = part.saturating_add(1);
                lineage
            }
        }
    }

    /// Lineage of the piece with this number among those that were put together from what stands at `position`: they
    /// have no place of their own in the source.
    pub(crate) fn part(&mut self, position: u64, number: u32) -> Lineage {
        match self.next_part {
            None => Lineage { part: number, ..Lineage::at(self.base + position) },
            Some(_) => self.next(position),
        }
    }
}

/// Position of `inner`, a part of `outer`, in it; 0 for a slice from elsewhere.
pub(crate) fn position(outer: &[u8], inner: &[u8]) -> u64 {
    let distance = inner.as_ptr().addr().saturating_sub(outer.as_ptr().addr());
    if distance <= outer.len() { distance as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_block_are_numbered_and_pieces_of_a_source_are_placed() {
        let mut place = Place::in_source(100);
        assert_eq!((place.next(7), place.next(9)), (Lineage::at(107), Lineage::at(109)));
        let mut place = Place::in_block(100);
        assert_eq!(place.next(7), Lineage::at(100));
        assert_eq!(place.next(9), Lineage { part: 1, ..Lineage::at(100) });
        assert_eq!(place.part(7, 5), Lineage { part: 2, ..Lineage::at(100) });
        assert_eq!(Place::in_source(100).part(7, 5), Lineage { part: 5, ..Lineage::at(107) });
        let bytes = [1, 2, 3];
        assert_eq!(position(&bytes, &bytes[2..]), 2);
    }
}
