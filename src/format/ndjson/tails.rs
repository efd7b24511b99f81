//! Ends of lines that were read before.
//!
//! The clients of a fleet have the same root and intermediate certificates in the same stores. What stands behind the
//! client's name is then the same text, client after client, and nine tenths of the line. Such an end is read once and
//! kept from its second sighting on; where a later line ends in the very same bytes, behind the same keys, it says the
//! same. All bytes are compared. Only ends that say nothing of a key are kept: those of keys differ from client to client.

use std::cell::Cell;
use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::record::{KeyReport, Seen, StoreLocation};

/// Most bytes of ends kept; with more, everything is forgotten and learned anew.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Longest end that is kept.
const MAX_TAIL: usize = 16 * 1024;
/// Shortest end that is kept: a certificate's line is longer.
const MIN_TAIL: usize = 256;
/// Most ends of one hash.
const MAX_ALIKE: usize = 8;
/// Slots for first sightings.
const SIGHTED: usize = 4096;
/// Where in an end the pieces stand that tell ends apart: store, and the certificate's hashes or its beginning.
const TELLING: Range<usize> = 16..144;

/// The ends that are kept.
#[derive(Debug, Default)]
pub(super) struct Tails {
    tails: Vec<Tail>,
    by_hash: HashTable<u32>,
    bytes: usize,
    /// By the low bits of a hash: the high bits of the last one seen there.
    sighted: Vec<u32>,
}

/// An end of a line, and what it says.
#[derive(Debug)]
pub(super) struct Tail {
    hash: u64,
    /// The keys before it.
    keys: u16,
    text: Box<str>,
    /// What the sink said of its certificate.
    pub(super) seen: Cell<Option<Seen>>,
    pub(super) certificate: Plain,
}

/// A certificate record that says nothing of a key, with the places of its texts in the end of its line.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) der: Range<usize>,
    pub(super) sha1: Option<[u8; 20]>,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) store_location: Option<StoreLocation>,
    pub(super) store: Option<Range<usize>>,
    pub(super) sid: Option<Range<usize>>,
    pub(super) friendly_name: Option<Range<usize>>,
    pub(super) archived: Option<bool>,
    pub(super) key_report: KeyReport,
}

impl Tail {
    /// A piece of its text.
    pub(super) fn text(&self, place: &Range<usize>) -> &str {
        self.text.get(place.clone()).unwrap_or_default()
    }
}

impl Tails {
    /// Looks for the end of a line, with the number of what stands before it ([`Shapes`](super::shape::Shapes)).
    /// `Err` where it is not kept: with its hash, if it is to be kept now.
    pub(super) fn find(&mut self, keys: u16, end: &[u8]) -> Result<u32, Option<u64>> {
        if !(MIN_TAIL..=MAX_TAIL).contains(&end.len()) {
            return Err(None);
        }
        let hash = FixedState::with_seed(end.len() as u64).hash_one(end.get(TELLING).unwrap_or_default());
        let is_it = |number: &u32| {
            let tail = &self.tails[*number as usize];
            tail.hash == hash && tail.keys == keys && tail.text.as_bytes() == end
        };
        if let Some(number) = self.by_hash.find(hash, is_it) {
            return Ok(*number);
        }
        if self.sighted.is_empty() {
            self.sighted.resize(SIGHTED, 0);
        }
        // Never zero, which stands for nothing seen.
        let tag = (hash >> 32) as u32 | 1;
        let before = std::mem::replace(&mut self.sighted[hash as usize % SIGHTED], tag);
        Err((before == tag).then_some(hash))
    }

    /// The end with this number.
    pub(super) fn get(&self, number: u32) -> &Tail {
        &self.tails[number as usize]
    }

    /// Keeps an end that was not found.
    pub(super) fn keep(&mut self, hash: u64, keys: u16, text: &str, certificate: Plain) {
        if self.bytes + text.len() > MAX_BYTES {
            self.forget();
        }
        if self.by_hash.iter_hash(hash).take(MAX_ALIKE).count() == MAX_ALIKE {
            return;
        }
        self.bytes += text.len();
        let number = self.tails.len() as u32;
        self.tails.push(Tail { hash, keys, text: text.into(), seen: Cell::new(None), certificate });
        self.by_hash.insert_unique(hash, number, |number| self.tails[*number as usize].hash);
    }

    /// Forgets all ends: keys get other numbers.
    pub(super) fn forget(&mut self) {
        self.tails.clear();
        self.by_hash.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Plain {
        Plain {
            der: 0..1,
            sha1: None,
            sha256: None,
            store_location: None,
            store: None,
            sid: None,
            friendly_name: None,
            archived: None,
            key_report: KeyReport::Absent,
        }
    }

    #[test]
    fn ends_are_kept_at_their_second_sighting_and_told_apart_by_every_byte() {
        let mut tails = Tails::default();
        let text = "x".repeat(MIN_TAIL);
        assert_eq!(tails.find(1, text.as_bytes()), Err(None));
        let Err(Some(hash)) = tails.find(1, text.as_bytes()) else { panic!("not seen") };
        tails.keep(hash, 1, &text, plain());
        assert_eq!(tails.find(1, text.as_bytes()), Ok(0));
        assert!(tails.find(2, text.as_bytes()).is_err(), "behind other keys");
        for at in 0..MIN_TAIL {
            let mut other = text.clone().into_bytes();
            other[at] = b'y';
            assert!(tails.find(1, &other).is_err(), "byte {at}");
        }
        assert!(tails.find(1, &text.as_bytes()[1..]).is_err(), "too short");
    }

    #[test]
    fn memory_is_bounded() {
        let mut tails = Tails::default();
        for number in 0..2 * MAX_BYTES / MAX_TAIL {
            let text = format!("{number:0>20}").repeat(MAX_TAIL / 20);
            let _ = tails.find(0, text.as_bytes());
            if let Err(Some(hash)) = tails.find(0, text.as_bytes()) {
                tails.keep(hash, 0, &text, plain());
            }
            assert!(tails.bytes <= MAX_BYTES);
        }
        assert!(!tails.tails.is_empty());
    }
}
