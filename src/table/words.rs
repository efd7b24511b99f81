//! Text of few values, kept as a dictionary from the moment it is pushed.
//!
//! Most columns of a report repeat: a fleet has a handful of stores, providers and verdicts, and the columns of a
//! row's certificate repeat with the certificate. Such a column is a list of distinct values and one number a row,
//! and goes into Parquet just so (`pages`), without being written out and hashed again.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{Array, StringArray};
use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::hex;

/// Stands for null among the numbers of a column.
pub const NULL: u32 = u32::MAX;

/// The values of a column, by number. They may repeat; then they only cost room.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Dictionary {
    /// The value with this number.
    pub fn get(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.bytes[start..self.ends[at] as usize]
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without values.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn add(&mut self, value: &[u8]) -> u32 {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u32);
        self.ends.len() as u32 - 1
    }
}

impl From<&StringArray> for Dictionary {
    /// Every row of the array becomes a value, with its row as number.
    fn from(array: &StringArray) -> Self {
        let mut dictionary = Dictionary::default();
        for row in 0..array.len() {
            dictionary.add(array.value(row).as_bytes());
        }
        dictionary
    }
}

/// A finished column: values, and a number or [`NULL`] a row.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// The values.
    pub dictionary: Arc<Dictionary>,
    /// A number a row.
    pub numbers: Vec<u32>,
}

impl Words {
    /// The column of those rows of this one that `rows` names; `None` gives null.
    pub fn gather(&self, rows: &[Option<u32>]) -> Words {
        let numbers = rows.iter().map(|row| row.map_or(NULL, |row| self.numbers[row as usize])).collect();
        Words { dictionary: Arc::clone(&self.dictionary), numbers }
    }

    /// The rows that `mask` keeps.
    pub fn filter(&self, mask: &[bool]) -> Words {
        let kept = self.numbers.iter().zip(mask).filter(|(_, keep)| **keep).map(|(number, _)| *number);
        Words { dictionary: Arc::clone(&self.dictionary), numbers: kept.collect() }
    }

    /// The same column as an array.
    pub fn to_array(&self) -> StringArray {
        let text = |number: u32| String::from_utf8_lossy(self.dictionary.get(number));
        self.numbers.iter().map(|number| (*number != NULL).then(|| text(*number))).collect()
    }
}

/// Builds a column of [`Words`].
#[derive(Default)]
pub struct Word {
    dictionary: Dictionary,
    known: HashTable<u32>,
    numbers: Vec<u32>,
    last: Option<u32>,
    scratch: Vec<u8>,
}

impl Word {
    /// Adds a row; empty text is null.
    pub fn push(&mut self, value: Option<&str>) {
        match value {
            Some(value) if !value.is_empty() => self.push_bytes(value.as_bytes()),
            _ => self.numbers.push(NULL),
        }
    }

    /// Adds a row with the hex of `bytes`.
    pub fn push_hex(&mut self, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return self.numbers.push(NULL) };
        self.push_with(|out| hex::push(out, bytes));
    }

    /// Adds a row that `write` fills with text.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write(&mut scratch);
        self.push_bytes(&scratch);
        self.scratch = scratch;
    }

    fn push_bytes(&mut self, value: &[u8]) {
        // Rows come client by client and store by store: the last value is the likely one.
        if let Some(last) = self.last.filter(|last| self.dictionary.get(*last) == value) {
            return self.numbers.push(last);
        }
        let state = FixedState::default();
        let Word { dictionary, known, .. } = self;
        let hash = state.hash_one(value);
        let number = match known.find(hash, |number| dictionary.get(*number) == value) {
            Some(number) => *number,
            None => {
                let number = dictionary.add(value);
                known.insert_unique(hash, number, |number| state.hash_one(dictionary.get(*number)));
                number
            }
        };
        self.last = Some(number);
        self.numbers.push(number);
    }

    /// The finished column; the builder is empty afterwards.
    pub fn finish(&mut self) -> super::Data {
        let Word { dictionary, numbers, .. } = std::mem::take(self);
        super::Data::Words(Words { dictionary: Arc::new(dictionary), numbers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_pushed() {
        let mut word = Word::default();
        let rows = [Some("My"), Some("My"), None, Some("Root"), Some(""), Some("My"), Some("root")];
        rows.iter().for_each(|row| word.push(*row));
        word.push_hex(Some(&[0xab, 0x01]));
        let super::super::Data::Words(words) = word.finish() else { panic!("words") };
        assert_eq!(words.dictionary.len(), 4, "equal values are one");
        let array = words.to_array();
        let back: Vec<_> = array.iter().collect();
        assert_eq!(back, [Some("My"), Some("My"), None, Some("Root"), None, Some("My"), Some("root"), Some("ab01")]);
        let gathered = words.gather(&[Some(3), None, Some(2), Some(7)]).to_array();
        assert_eq!(gathered.iter().collect::<Vec<_>>(), [Some("Root"), None, None, Some("ab01")]);
        let kept = words.filter(&[true, false, false, true, false, false, false, false]).to_array();
        assert_eq!(kept.iter().collect::<Vec<_>>(), [Some("My"), Some("Root")]);
    }
}
