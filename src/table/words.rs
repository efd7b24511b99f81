//! Text of few values, kept as a dictionary from the moment it is pushed.
//!
//! Most columns of a report repeat: a fleet has a handful of stores, providers and verdicts. Such a column is a list of
//! distinct values and one number a state, and goes into Parquet just so (`pages`), without being written out and
//! hashed again.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::Data;
pub use super::data::Words;
use crate::hex;

/// Stands for null among numbers of values.
pub const NULL: u32 = u32::MAX;

/// Builds a column of [`Words`].
#[derive(Default)]
pub struct Word {
    words: Words,
    known: HashTable<u32>,
    last: Option<u32>,
    scratch: Vec<u8>,
}

impl Word {
    /// Adds a value; empty text is null.
    pub fn push(&mut self, value: Option<&str>) {
        self.push_str(value.unwrap_or_default());
    }

    /// Adds a value; empty text is null.
    pub fn push_str(&mut self, value: &str) {
        match value {
            "" => self.words.push(NULL),
            value => self.push_bytes(value.as_bytes()),
        }
    }

    /// Adds the hex of `bytes`.
    pub fn push_hex(&mut self, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return self.words.push(NULL) };
        self.push_with(|out| hex::push(out, bytes));
    }

    /// Adds a value that `write` fills with text. It has to be UTF-8; what is not is replaced.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write(&mut scratch);
        match std::str::from_utf8(&scratch) {
            Ok(text) => self.push_bytes(text.as_bytes()),
            Err(_) => self.push_bytes(String::from_utf8_lossy(&scratch).as_bytes()),
        }
        self.scratch = scratch;
    }

    fn push_bytes(&mut self, value: &[u8]) {
        let dictionary = &mut self.words.dictionary;
        // Rows come client by client and store by store: the last value is the likely one.
        if let Some(last) = self.last.filter(|last| dictionary.get(*last as usize) == value) {
            return self.words.push(last);
        }
        let state = FixedState::default();
        let hash = state.hash_one(value);
        let number = match self.known.find(hash, |number| dictionary.get(*number as usize) == value) {
            Some(number) => *number,
            None => {
                let number = dictionary.push(value);
                self.known.insert_unique(hash, number, |number| state.hash_one(dictionary.get(*number as usize)));
                number
            }
        };
        self.last = Some(number);
        self.words.push(number);
    }

    /// The finished column; the builder is empty afterwards.
    pub fn finish(&mut self) -> Data {
        self.known.clear();
        self.last = None;
        Data::Words(std::mem::take(&mut self.words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_pushed() {
        let mut word = Word::default();
        for _ in 0..2 {
            let rows = [None, Some("My"), Some("My"), None, Some("Root"), Some(""), Some("My"), Some("root")];
            rows.iter().for_each(|row| word.push(*row));
            word.push_hex(Some(&[0xab, 0x01]));
            let data = word.finish();
            let Data::Words(words) = &data else { panic!("words") };
            assert_eq!(words.dictionary.len(), 4, "equal values are one");
            let back: Vec<_> =
                (0..data.len()).map(|n| words.get(n).map(|w| std::str::from_utf8(w).expect("text"))).collect();
            let expected = [None, Some("My"), Some("My"), None, Some("Root"), None, Some("My"), Some("root")];
            assert_eq!((&back[..8], back[8]), (&expected[..], Some("ab01")));
        }
    }

    #[test]
    fn nulls_take_no_room() {
        let mut word = Word::default();
        (0..1000).for_each(|_| word.push(None));
        let Data::Words(words) = word.finish() else { panic!("words") };
        assert_eq!((words.len(), words.numbers.capacity()), (1000, 0));
    }
}
