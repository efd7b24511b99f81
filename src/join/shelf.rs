//! Values that many notes share, kept once for the whole scan, so that a note only has their number.

use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Most bytes kept: a fleet has some hundreds of profiles and some thousands of states of about 200 bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What a value takes beside its bytes, roughly.
const VALUE_BYTES: usize = 64;

/// The shelf. Numbers depend on which worker comes first: they name values, and nothing may be sorted by them.
#[derive(Debug, Default)]
pub struct Shelf {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    numbers: HashMap<Arc<[u8]>, u32, FixedState>,
    values: Vec<Arc<[u8]>>,
    bytes: usize,
}

/// A value as a note has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared<'a> {
    /// It is on the shelf.
    Number(u32),
    /// The shelf was full.
    Bytes(&'a [u8]),
}

/// Stands for a number where the bytes follow.
const BYTES: u32 = u32::MAX;

impl Shelf {
    /// The value as notes are to have it.
    pub fn put<'a>(&self, value: &'a [u8]) -> Shared<'a> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { numbers, values, bytes } = &mut *held;
        if let Some(number) = numbers.get(value) {
            return Shared::Number(*number);
        }
        if *bytes + value.len() + VALUE_BYTES > MAX_BYTES {
            return Shared::Bytes(value);
        }
        *bytes += value.len() + VALUE_BYTES;
        let (number, value) = (values.len() as u32, Arc::from(value));
        values.push(Arc::clone(&value));
        numbers.insert(value, number);
        Shared::Number(number)
    }

    /// Every value, by number.
    pub fn values(&self) -> Vec<Arc<[u8]>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).values.clone()
    }
}

impl<'a> Shared<'a> {
    /// The value's bytes.
    pub fn bytes(self, values: &'a [Arc<[u8]>]) -> Option<&'a [u8]> {
        match self {
            Shared::Number(number) => values.get(number as usize).map(|value| &value[..]),
            Shared::Bytes(bytes) => Some(bytes),
        }
    }

    /// Writes it.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Shared::Number(number) => out.extend_from_slice(&number.to_le_bytes()),
            Shared::Bytes(bytes) => {
                out.extend_from_slice(&BYTES.to_le_bytes());
                out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                out.extend_from_slice(bytes);
            }
        }
    }

    /// Reads one, and what is behind it.
    pub fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (number, rest) = bytes.split_first_chunk::<4>()?;
        match u32::from_le_bytes(*number) {
            BYTES => {
                let (len, rest) = rest.split_first_chunk::<4>()?;
                let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
                Some((Shared::Bytes(bytes), rest))
            }
            number => Some((Shared::Number(number), rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_once_and_a_full_shelf_gives_it_back() {
        let shelf = Shelf::default();
        let (a, b) = (shelf.put(b"a"), shelf.put(b"b"));
        assert_ne!(a, b);
        assert_eq!(shelf.put(b"a"), a);
        assert_eq!(shelf.values().iter().map(|value| &value[..]).collect::<Vec<_>>(), [b"a", b"b"]);
        let large = vec![0; MAX_BYTES];
        assert_eq!(shelf.put(&large), Shared::Bytes(&large));
        for shared in [a, Shared::Bytes(b"inside")] {
            let mut bytes = Vec::new();
            shared.write(&mut bytes);
            bytes.extend_from_slice(b"behind");
            assert_eq!(Shared::read(&bytes), Some((shared, &b"behind"[..])));
        }
    }
}
