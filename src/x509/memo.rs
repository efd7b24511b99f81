//! A small memory of fields met before.
//!
//! The certificates of one authority repeat its name, its URLs and its templates byte for byte. What such bytes say
//! is remembered under the bytes themselves: a look-up compares all of them, so a memo changes how fast an answer
//! comes, never the answer; and chosen collisions of the hash cost no more than a walk through the few entries. Bytes
//! are taken in at their second sighting, so that certificates without anything in common cost next to nothing, and a
//! full memo starts over.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::{HashSet, HashTable};

/// How much a memo holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Most fields remembered.
    pub entries: usize,
    /// Longest field remembered, in bytes.
    pub field: usize,
    /// Most bytes of fields remembered. What they mean takes twenty times as much at the worst: a list of tiny OIDs.
    pub bytes: usize,
    /// Most fields waiting for their second sighting.
    pub sighted: usize,
}

/// For the fields of certificates.
const FIELDS: Bounds = Bounds { entries: 256, field: 4096, bytes: 128 * 1024, sighted: 1024 };

/// See the module's description.
pub(super) struct Memo<T> {
    bounds: Bounds,
    entries: HashTable<Entry<T>>,
    bytes: usize,
    /// Hashes of bytes seen before.
    sighted: HashSet<u64, FixedState>,
}

struct Entry<T> {
    hash: u64,
    field: Box<[u8]>,
    meaning: T,
}

/// A field that was looked up and not found.
pub(super) struct Unknown<'a> {
    hash: u64,
    field: &'a [u8],
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Memo::new(FIELDS)
    }
}

impl<T> Memo<T> {
    /// An empty memo that keeps to these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Memo { bounds, entries: HashTable::new(), bytes: 0, sighted: HashSet::default() }
    }

    /// What these bytes mean, if that is remembered.
    pub fn get<'a>(&self, field: &'a [u8]) -> Result<&T, Unknown<'a>> {
        let hash = FixedState::with_seed(field.len() as u64).hash_one(field);
        let entry = self.entries.find(hash, |entry| entry.hash == hash && *entry.field == *field);
        entry.map(|entry| &entry.meaning).ok_or(Unknown { hash, field })
    }

    /// Remembers what the bytes mean if they were put before. The meaning must follow from the bytes alone.
    pub fn put(&mut self, unknown: Unknown<'_>, meaning: &T)
    where
        T: Clone,
    {
        self.put_with(unknown, || Some(meaning.clone()));
    }

    /// Remembers what the bytes mean if they were put before; it is asked for only then, and may be nothing.
    pub fn put_with(&mut self, unknown: Unknown<'_>, meaning: impl FnOnce() -> Option<T>) {
        let Unknown { hash, field } = unknown;
        if !self.sighted.contains(&hash) {
            if self.sighted.len() == self.bounds.sighted {
                self.sighted.clear();
            }
            self.sighted.insert(hash);
            return;
        }
        if field.len() > self.bounds.field {
            return;
        }
        let Some(meaning) = meaning() else { return };
        if self.entries.len() == self.bounds.entries || self.bytes + field.len() > self.bounds.bytes {
            self.entries.clear();
            self.bytes = 0;
        }
        self.bytes += field.len();
        self.entries.insert_unique(hash, Entry { hash, field: field.into(), meaning }, |entry| entry.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(memo: &mut Memo<u32>, field: &[u8], meaning: u32) {
        if let Err(unknown) = memo.get(field) {
            memo.put(unknown, &meaning);
        }
    }

    #[test]
    fn remembered_at_the_second_sighting() {
        let mut memo = Memo::default();
        put(&mut memo, b"field", 1);
        assert!(memo.get(b"field").is_err());
        put(&mut memo, b"field", 1);
        assert_eq!(memo.get(b"field").ok(), Some(&1));
        assert!(memo.get(b"field ").is_err() && memo.get(b"").is_err());
    }

    #[test]
    fn bounds_hold_whatever_comes() {
        let mut memo = Memo::default();
        for number in 0..4 * FIELDS.entries as u32 {
            for length in [4, 700, FIELDS.field, FIELDS.field + 1] {
                let mut field = number.to_be_bytes().to_vec();
                field.resize(length, 0);
                put(&mut memo, &field, number);
                put(&mut memo, &field, number);
                assert_eq!(memo.get(&field).ok(), (length <= FIELDS.field).then_some(&number));
                assert!(memo.entries.len() <= FIELDS.entries && memo.bytes <= FIELDS.bytes);
                assert!(memo.sighted.len() <= FIELDS.sighted);
                assert_eq!(memo.bytes, memo.entries.iter().map(|entry| entry.field.len()).sum::<usize>());
            }
        }
    }

    #[test]
    fn equal_hashes_are_told_apart() {
        let mut memo = Memo::default();
        for (field, meaning) in [(b"a", 1), (b"b", 2)] {
            memo.put(Unknown { hash: 7, field }, &meaning);
            memo.put(Unknown { hash: 7, field }, &meaning);
        }
        let find = |field: &[u8]| memo.entries.find(7, |entry| *entry.field == *field).map(|entry| entry.meaning);
        assert_eq!((find(b"a"), find(b"b"), find(b"c")), (Some(1), Some(2), None));
    }
}
