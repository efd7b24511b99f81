//! Values as pages hold them: plain bytes, bounds, statistics.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use parquet::basic::Type;
use parquet::bloom_filter::Sbbf;
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::data::{Lists, Strings};
use super::hexframe;
use crate::hex;

/// Longest bound kept in statistics, in bytes: arrow-rs' default.
pub const MAX_BOUND: usize = 64;

/// Values by number that can be told apart.
pub trait Alike {
    /// One of them.
    type Value<'v>: Copy + PartialEq
    where
        Self: 'v;

    /// The value with this number.
    fn get(&self, number: u32) -> Self::Value<'_>;
    /// A hash.
    fn hash(value: Self::Value<'_>) -> u64;
}

/// Values of one physical type.
pub trait Leaf: Alike {
    /// Their type in Parquet.
    const TYPE: Type;

    /// The smaller one comes first.
    fn is_less(one: Self::Value<'_>, other: Self::Value<'_>) -> bool;
    /// Where it stands among all others, roughly: a smaller value never has a larger key.
    fn key(value: Self::Value<'_>) -> u64;
    /// Appends its plain encoding.
    fn write(value: Self::Value<'_>, out: &mut Vec<u8>);
    /// Adds it to a bloom filter.
    fn insert(value: Self::Value<'_>, filter: &mut Sbbf);
    /// A bound for the page index that is not above the value.
    fn lower(value: Self::Value<'_>) -> Vec<u8>;
    /// A bound for the page index that is not below the value.
    fn upper(value: Self::Value<'_>) -> Vec<u8>;
    /// Appends the plain encoding of these values; returns their bounds.
    fn write_all<'v>(&'v self, values: &[u32], out: &mut Vec<u8>) -> Bounds<'v, Self> {
        let mut bounds = Bounds::default();
        for value in values {
            let value = self.get(*value);
            bounds.include(value);
            Self::write(value, out);
        }
        bounds
    }
    /// Appends a compressed page with `before` and these values in plain encoding, and returns its length before
    /// compression, where that can be done without writing them out.
    fn pack(&self, before: &[u8], values: &[u32], digests: &mut Vec<u8>, out: &mut Vec<u8>) -> Option<usize> {
        let _ = (before, values, digests, out);
        None
    }
    /// Statistics of a chunk.
    fn statistics(bounds: &Bounds<'_, Self>, nulls: u64) -> Statistics;
}

impl Alike for Strings {
    type Value<'v> = &'v [u8];

    fn get(&self, number: u32) -> &[u8] {
        self.get(number as usize)
    }

    fn hash(value: &[u8]) -> u64 {
        FixedState::default().hash_one(value)
    }
}

impl Leaf for Strings {
    const TYPE: Type = Type::BYTE_ARRAY;

    fn is_less(one: &[u8], other: &[u8]) -> bool {
        one < other
    }

    fn key(value: &[u8]) -> u64 {
        match value.first_chunk() {
            Some(head) => u64::from_be_bytes(*head),
            None => {
                let mut head = [0; 8];
                head[..value.len()].copy_from_slice(value);
                u64::from_be_bytes(head)
            }
        }
    }

    fn write(value: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(value);
    }

    fn insert(value: &[u8], filter: &mut Sbbf) {
        filter.insert(value);
    }

    fn lower(value: &[u8]) -> Vec<u8> {
        lower_bound(value).to_vec()
    }

    fn upper(value: &[u8]) -> Vec<u8> {
        upper_bound(value)
    }

    fn statistics(bounds: &Bounds<'_, Self>, nulls: u64) -> Statistics {
        text_statistics(bounds.min(), bounds.max(), nulls)
    }
}

/// Statistics of text between these bounds.
fn text_statistics(min: Option<&[u8]>, max: Option<&[u8]>, nulls: u64) -> Statistics {
    let (lower, upper) = (min.map(lower_bound), max.map(upper_bound));
    let min_is_exact = lower == min;
    let max_is_exact = upper.as_deref() == max;
    let (lower, upper) = (lower.map(|bytes| ByteArray::from(bytes.to_vec())), upper.map(ByteArray::from));
    let statistics = ValueStatistics::new(lower, upper, None, Some(nulls), false);
    Statistics::ByteArray(statistics.with_min_is_exact(min_is_exact).with_max_is_exact(max_is_exact))
}

/// Bytes that pages show in lower-case hex. Both stand in the same order, so bounds are found among the bytes.
pub struct Hexes<'a>(pub &'a Strings);

fn digits(bytes: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(2 * bytes.len());
    hex::push(&mut digits, bytes);
    digits
}

impl Alike for Hexes<'_> {
    type Value<'v>
        = &'v [u8]
    where
        Self: 'v;

    fn get(&self, number: u32) -> &[u8] {
        self.0.get(number as usize)
    }

    fn hash(bytes: &[u8]) -> u64 {
        Strings::hash(bytes)
    }
}

impl Leaf for Hexes<'_> {
    const TYPE: Type = Strings::TYPE;

    fn pack(&self, before: &[u8], values: &[u32], digests: &mut Vec<u8>, out: &mut Vec<u8>) -> Option<usize> {
        hexframe::pack_digests(before, values.iter().map(|value| self.get(*value)), digests, out)
    }

    fn is_less(one: &[u8], other: &[u8]) -> bool {
        one < other
    }

    fn key(bytes: &[u8]) -> u64 {
        Strings::key(bytes)
    }

    fn write(bytes: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&(2 * bytes.len() as u32).to_le_bytes());
        hex::push(out, bytes);
    }

    fn insert(bytes: &[u8], filter: &mut Sbbf) {
        // Longer than any digest: an identifier that somebody made up.
        let Some(known) = bytes.get(..bytes.len().min(64)).filter(|known| known.len() == bytes.len()) else {
            return filter.insert(&digits(bytes)[..]);
        };
        let mut room = [0; 128];
        filter.insert(hex::write(known, &mut room));
    }

    fn lower(bytes: &[u8]) -> Vec<u8> {
        Strings::lower(&digits(bytes))
    }

    fn upper(bytes: &[u8]) -> Vec<u8> {
        Strings::upper(&digits(bytes))
    }

    fn statistics(bounds: &Bounds<'_, Self>, nulls: u64) -> Statistics {
        let (min, max) = (bounds.min().map(digits), bounds.max().map(digits));
        text_statistics(min.as_deref(), max.as_deref(), nulls)
    }
}

/// One list: the bytes of its items and where they end.
#[derive(Clone, Copy)]
pub struct List<'v> {
    bytes: &'v [u8],
    start: u32,
    ends: &'v [u32],
}

impl PartialEq for List<'_> {
    fn eq(&self, other: &Self) -> bool {
        let ends = |list: &Self, n: usize| list.ends[n] - list.start;
        self.ends.len() == other.ends.len()
            && self.bytes == other.bytes
            && (0..self.ends.len()).all(|n| ends(self, n) == ends(other, n))
    }
}

impl Alike for Lists {
    type Value<'v> = List<'v>;

    fn get(&self, number: u32) -> List<'_> {
        let (start, bytes, ends) = self.items.slice(self.range(number as usize));
        List { bytes, start, ends }
    }

    fn hash(value: List<'_>) -> u64 {
        FixedState::with_seed(value.ends.len() as u64).hash_one(value.bytes)
    }
}

macro_rules! number_leaf {
    ($native:ty, $type:ident, $statistics:ident) => {
        impl Alike for Vec<$native> {
            type Value<'v> = $native;

            fn get(&self, number: u32) -> $native {
                self[number as usize]
            }

            fn hash(value: $native) -> u64 {
                FixedState::default().hash_one(value)
            }
        }

        impl Leaf for Vec<$native> {
            const TYPE: Type = Type::$type;

            fn is_less(one: $native, other: $native) -> bool {
                one < other
            }

            fn key(value: $native) -> u64 {
                (i64::from(value) as u64) ^ 1 << 63
            }

            fn write(value: $native, out: &mut Vec<u8>) {
                out.extend_from_slice(&value.to_le_bytes());
            }

            fn insert(value: $native, filter: &mut Sbbf) {
                filter.insert(&value);
            }

            fn lower(value: $native) -> Vec<u8> {
                value.to_le_bytes().to_vec()
            }

            fn upper(value: $native) -> Vec<u8> {
                value.to_le_bytes().to_vec()
            }

            fn statistics(bounds: &Bounds<'_, Self>, nulls: u64) -> Statistics {
                Statistics::$statistics(ValueStatistics::new(bounds.min(), bounds.max(), None, Some(nulls), false))
            }
        }
    };
}

number_leaf!(i32, INT32, Int32);
number_leaf!(i64, INT64, Int64);

/// Smallest and largest of some values, each with its key, which spares most comparisons.
pub struct Bounds<'v, L: Leaf + ?Sized + 'v>(Option<[(u64, L::Value<'v>); 2]>);

impl<L: Leaf + ?Sized> Default for Bounds<'_, L> {
    fn default() -> Self {
        Bounds(None)
    }
}

impl<'v, L: Leaf + ?Sized> Bounds<'v, L> {
    /// Takes a value in.
    pub fn include(&mut self, value: L::Value<'v>) {
        let key = L::key(value);
        let Some([min, max]) = &mut self.0 else {
            self.0 = Some([(key, value); 2]);
            return;
        };
        if key <= min.0 && (key < min.0 || L::is_less(value, min.1)) {
            *min = (key, value);
        }
        if key >= max.0 && (key > max.0 || L::is_less(max.1, value)) {
            *max = (key, value);
        }
    }

    /// Takes in all that `other` has.
    pub fn include_all(&mut self, other: &Self) {
        if let Some([min, max]) = other.0 {
            self.include(min.1);
            self.include(max.1);
        }
    }

    /// The smallest.
    pub fn min(&self) -> Option<L::Value<'v>> {
        self.0.map(|[min, _]| min.1)
    }

    /// The largest.
    pub fn max(&self) -> Option<L::Value<'v>> {
        self.0.map(|[_, max]| max.1)
    }
}

/// A prefix is never larger than the whole.
fn lower_bound(min: &[u8]) -> &[u8] {
    &min[..char_end(min)]
}

/// A prefix with its last ASCII character raised is larger than everything that begins with the prefix; where
/// there is none to raise, the whole value is kept.
fn upper_bound(max: &[u8]) -> Vec<u8> {
    if max.len() <= MAX_BOUND {
        return max.to_vec();
    }
    let cut = &max[..char_end(max)];
    match cut.iter().rposition(|byte| *byte < 0x7e) {
        Some(at) => {
            let mut raised = cut[..=at].to_vec();
            raised[at] += 1;
            raised
        }
        None => max.to_vec(),
    }
}

/// End of the last whole character within the bound.
fn char_end(text: &[u8]) -> usize {
    let mut end = text.len().min(MAX_BOUND);
    while end > 0 && end < text.len() && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    end
}
