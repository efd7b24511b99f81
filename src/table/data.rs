//! Finished values of a column, and which of them each row has.
//!
//! A column is rarely a matter of the row: a group has tens of thousands of rows, but few machines, key claims and
//! certificates. So a column holds one value a *state*, and the rows name states by number ([`Rows`]).

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};

use super::words::NULL;
use crate::error::Error;
use crate::hex;

/// Which of the rows of a table have which of the values of a column.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// Row n has value n.
    Same,
    /// Each row has the value with this number; [`NULL`] is null. Columns that share one slice share the work on it.
    Numbers(&'a [u32]),
}

/// Finished values of one column, one or null a state.
#[derive(Clone, Debug)]
pub enum Data {
    /// Text.
    Text(Texts),
    /// Bytes that are shown in lower-case hex.
    Hex(Texts),
    /// Text of few values.
    Words(Words),
    /// Signed 32-bit integers.
    Int32(Values<i32>),
    /// Signed 64-bit integers.
    Int64(Values<i64>),
    /// Microseconds since 1970-01-01 UTC.
    Time(Values<i64>),
    /// Booleans.
    Bool(Values<bool>),
    /// Lists of text.
    List(Lists),
    /// The column of this name in `certificates`, by the certificate of each row.
    OfCertificate,
}

impl Data {
    /// Number of values, nulls included.
    pub fn len(&self) -> usize {
        match self {
            Data::Text(texts) | Data::Hex(texts) => texts.valid.len(),
            Data::Words(words) => words.len(),
            Data::Int32(values) => values.valid.len(),
            Data::Int64(values) | Data::Time(values) => values.valid.len(),
            Data::Bool(values) => values.valid.len(),
            Data::List(lists) => lists.valid.len(),
            Data::OfCertificate => 0,
        }
    }

    /// True without values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of this state; none of a column of hex, which has none yet.
    pub fn text(&self, state: usize) -> Option<&str> {
        let bytes = match self {
            Data::Text(texts) if texts.valid.is_valid(state) => Some(texts.texts.get(state)),
            Data::Words(words) => words.get(state),
            _ => None,
        };
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The digest of this state: its bytes, or their hex as a report's reader gives it.
    pub fn hash<const N: usize>(&self, state: usize) -> Option<[u8; N]> {
        match self {
            Data::Hex(bytes) if bytes.valid.is_valid(state) => bytes.texts.get(state).try_into().ok(),
            _ => self.text(state).and_then(hex::parse),
        }
    }

    /// The number of this state, of whichever size; of a time its microseconds.
    pub fn number(&self, state: usize) -> Option<i64> {
        match self {
            Data::Int32(values) if values.valid.is_valid(state) => values.values.get(state).map(|n| i64::from(*n)),
            Data::Int64(values) | Data::Time(values) if values.valid.is_valid(state) => {
                values.values.get(state).copied()
            }
            _ => None,
        }
    }

    /// True, false or not known, in this state.
    pub fn flag(&self, state: usize) -> Option<bool> {
        match self {
            Data::Bool(values) if values.valid.is_valid(state) => values.values.get(state).copied(),
            _ => None,
        }
    }

    /// The texts of this state's list.
    pub fn list(&self, state: usize) -> impl Iterator<Item = &str> {
        let lists = if let Data::List(lists) = self { Some(lists) } else { None };
        let items = lists.into_iter().flat_map(move |lists| lists.range(state).map(|at| lists.items.get(at)));
        items.filter_map(|item| std::str::from_utf8(item).ok())
    }

    /// The values of an array as a report's reader gives it.
    pub fn from_array(array: &ArrayRef) -> Result<Data, Error> {
        let rows = 0..array.len();
        let there = |row: usize| array.is_valid(row);
        Ok(match array.data_type() {
            DataType::Utf8 => {
                let (mut texts, from) = (Texts::default(), array.as_string::<i32>());
                rows.for_each(|row| texts.push(there(row).then(|| from.value(row))));
                Data::Text(texts)
            }
            DataType::Int32 => {
                let from = array.as_primitive::<Int32Type>();
                Data::Int32(rows.map(|row| there(row).then(|| from.value(row))).collect())
            }
            DataType::Int64 => {
                let from = array.as_primitive::<Int64Type>();
                Data::Int64(rows.map(|row| there(row).then(|| from.value(row))).collect())
            }
            DataType::Timestamp(..) => {
                let from = array
                    .as_primitive_opt::<TimestampMicrosecondType>()
                    .ok_or_else(|| Error::Encode(format!("{} is no column's type", array.data_type())))?;
                Data::Time(rows.map(|row| there(row).then(|| from.value(row))).collect())
            }
            DataType::Boolean => {
                let from = array.as_boolean();
                Data::Bool(rows.map(|row| there(row).then(|| from.value(row))).collect())
            }
            DataType::List(field) if *field.data_type() == DataType::Utf8 => {
                let (mut lists, from) = (Lists::default(), array.as_list::<i32>());
                for row in rows {
                    let items = from.value(row);
                    let items = items.as_string::<i32>();
                    lists.push(items.iter().flatten().filter(|_| there(row)));
                }
                Data::List(lists)
            }
            other => return Err(Error::Encode(format!("{other} is no column's type"))),
        })
    }
}

/// Which of the values are there. Costs nothing a value where all are, or none is.
#[derive(Clone, Debug, Default)]
pub struct Validity {
    len: usize,
    nulls: usize,
    /// Empty while all values are alike.
    flags: Vec<bool>,
}

impl Validity {
    /// Adds a value or a null.
    #[inline]
    pub fn push(&mut self, valid: bool) {
        let alike = if valid { self.nulls == 0 } else { self.nulls == self.len };
        if !alike && self.flags.is_empty() {
            self.flags.resize(self.len, !valid);
        }
        self.len += 1;
        self.nulls += usize::from(!valid);
        if !self.flags.is_empty() {
            self.flags.push(valid);
        }
    }

    /// Number of values, nulls included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of nulls.
    pub fn nulls(&self) -> usize {
        self.nulls
    }

    /// The value with this number is there.
    pub fn is_valid(&self, number: usize) -> bool {
        self.flags.get(number).copied().unwrap_or(self.nulls == 0 && number < self.len)
    }

    /// Whether each value is there, where some are and some are not.
    pub(super) fn flags(&self) -> &[bool] {
        &self.flags
    }
}

/// Pieces of text, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Strings {
    /// The text with this number.
    pub fn get(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.bytes[start..self.ends[number] as usize]
    }

    /// Where the bytes of these texts start, the bytes, and where each text ends.
    pub(super) fn slice(&self, numbers: Range<usize>) -> (u32, &[u8], &[u32]) {
        let start = numbers.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        let ends = &self.ends[numbers];
        let end = ends.last().copied().unwrap_or(start);
        (start, &self.bytes[start as usize..end as usize], ends)
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without texts.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds a text; returns its number.
    pub fn push(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.close()
    }

    fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.close();
    }

    fn close(&mut self) -> u32 {
        // Groups are cut long before 4 GiB (`group::MAX_GROUP_BYTES`).
        self.ends.push(self.bytes.len() as u32);
        self.ends.len() as u32 - 1
    }
}

/// Text, or bytes to be shown in hex; one or null a state.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// The texts, empty ones for nulls; shorter than `valid` while all are null.
    pub(super) texts: Strings,
    pub(super) valid: Validity,
}

impl Texts {
    /// Adds text or a null.
    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.push_with(|out| out.extend_from_slice(text.as_bytes())),
            None => self.push_null(),
        }
    }

    /// Makes room for so many values of so many bytes each.
    pub(super) fn reserve(&mut self, values: usize, bytes: usize) {
        self.texts.ends.reserve(values);
        self.texts.bytes.reserve(values * bytes);
    }

    /// Adds a null.
    #[inline]
    pub fn push_null(&mut self) {
        if !self.texts.is_empty() {
            self.texts.push(&[]);
        }
        self.valid.push(false);
    }

    /// Adds what `write` appends: UTF-8, where it is text.
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.texts.is_empty() {
            self.texts.ends.resize(self.valid.len(), 0);
        }
        self.texts.push_with(write);
        self.valid.push(true);
    }
}

/// Values of fixed size, one or null a state.
#[derive(Clone, Debug, Default)]
pub struct Values<T> {
    /// The values, defaults for nulls; shorter than `valid` while all are null.
    pub(super) values: Vec<T>,
    pub(super) valid: Validity,
}

impl<T: Copy + Default> Values<T> {
    /// Adds a value or a null.
    #[inline]
    pub fn push(&mut self, value: Option<T>) {
        match value {
            Some(value) => {
                if self.values.is_empty() {
                    self.values.resize(self.valid.len(), T::default());
                }
                self.values.push(value);
            }
            None if self.values.is_empty() => {}
            None => self.values.push(T::default()),
        }
        self.valid.push(value.is_some());
    }
}

impl<T: Copy + Default> FromIterator<Option<T>> for Values<T> {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(values: I) -> Self {
        let mut all = Values::default();
        values.into_iter().for_each(|value| all.push(value));
        all
    }
}

/// Text of few values: the values once each, and a number or [`NULL`] a state.
#[derive(Clone, Debug, Default)]
pub struct Words {
    pub(super) dictionary: Strings,
    /// Empty while all are null.
    pub(super) numbers: Vec<u32>,
    pub(super) len: usize,
}

impl Words {
    /// Number of states.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without states.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The word of this state.
    pub fn get(&self, state: usize) -> Option<&[u8]> {
        let number = self.numbers.get(state).copied().filter(|number| *number != NULL)?;
        Some(self.dictionary.get(number as usize))
    }

    /// Adds a state with the value of this number, or a null.
    #[inline]
    pub(super) fn push(&mut self, number: u32) {
        if number != NULL && self.numbers.is_empty() {
            self.numbers.resize(self.len, NULL);
        }
        if number != NULL || !self.numbers.is_empty() {
            self.numbers.push(number);
        }
        self.len += 1;
    }
}

/// Lists of text, one or null a state; an empty list is null.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    pub(super) items: Strings,
    /// End of each list among the items; empty while all are null.
    pub(super) ends: Vec<u32>,
    pub(super) valid: Validity,
}

impl Lists {
    /// Adds a list.
    pub fn push<'a>(&mut self, items: impl Iterator<Item = &'a str>) {
        let before = self.items.len();
        for item in items {
            self.items.push(item.as_bytes());
        }
        let valid = self.items.len() > before;
        if valid && self.ends.is_empty() {
            self.ends.resize(self.valid.len(), 0);
        }
        if valid || !self.ends.is_empty() {
            self.ends.push(self.items.len() as u32);
        }
        self.valid.push(valid);
    }

    /// The numbers of the items of this list.
    pub(super) fn range(&self, state: usize) -> Range<usize> {
        let Some(end) = self.ends.get(state) else { return 0..0 };
        let start = state.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..*end as usize
    }
}
