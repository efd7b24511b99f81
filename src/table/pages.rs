//! Dictionary-encoded Parquet pages made by hand, from columns that are dictionaries already.
//!
//! arrow-rs hashes and interns every row of a text column again, even of a dictionary array. Here the distinct
//! values go into the dictionary page and the rows into runs of numbers, as the Parquet format lays them out:
//! PLAIN dictionary page, version 1 data pages with RLE definition levels and RLE_DICTIONARY values, statistics
//! and page index. The tests read every shape back with arrow-rs; the rest of a file stays its business.

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression as Codec, Encoding, EncodingMask, PageType, Type};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::words::{Dictionary, NULL, Words};
use super::{BLOOM_FALSE_POSITIVES, Compression};
use crate::error::Error;

/// Rows of a data page: arrow-rs' default, so that both kinds of columns have pages of the same rows.
const PAGE_ROWS: usize = 20_000;
/// Longest bound kept in statistics, in bytes: arrow-rs' default.
const MAX_BOUND: usize = 64;

/// A column chunk that only has to be copied into its file.
pub struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

/// Compresses pages; one for all columns of a row group.
pub enum Packer {
    /// Zstandard with one context for all pages.
    Zstd(zstd::bulk::Compressor<'static>),
    /// Raw Snappy.
    Snappy(Box<snap::raw::Encoder>),
    /// As it is.
    None,
}

impl Packer {
    /// A packer for this compression.
    pub fn new(compression: Compression) -> Result<Self, Error> {
        Ok(match compression {
            Compression::Zstd => Packer::Zstd(zstd::bulk::Compressor::new(1).map_err(packing)?),
            Compression::Snappy => Packer::Snappy(Box::new(snap::raw::Encoder::new())),
            Compression::None => Packer::None,
        })
    }

    fn pack(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        match self {
            Packer::Zstd(zstd) => zstd.compress(&bytes).map_err(packing),
            Packer::Snappy(snappy) => snappy.compress_vec(&bytes).map_err(packing),
            Packer::None => Ok(bytes),
        }
    }
}

fn packing(error: impl std::fmt::Display) -> Error {
    Error::Encode(format!("compression: {error}"))
}

/// Encodes one optional text column.
pub fn encode(
    words: &Words,
    column: &ColumnDescPtr,
    codec: Codec,
    packer: &mut Packer,
    bloom: bool,
) -> Result<Chunk, Error> {
    let (values, numbers) = used(words);
    let dictionary = &*words.dictionary;
    let mut out = TrackedWrite::new(Vec::new());
    let mut pages = SerializedPageWriter::new(&mut out);
    let mut totals = Totals::default();

    let plain = plain_values(dictionary, &values);
    let size = plain.len();
    let page = Page::DictionaryPage {
        buf: packer.pack(plain)?.into(),
        num_values: values.len() as u32,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    totals.add(&pages.write_page(CompressedPage::new(page, size))?);

    let width = bit_width(values.len());
    let mut index = ColumnIndexBuilder::new(Type::BYTE_ARRAY);
    let mut offsets = OffsetIndexBuilder::new();
    let mut whole = Bounds::default();
    let mut data_page_offset = None;
    for rows in numbers.chunks(PAGE_ROWS) {
        let bounds = Bounds::of(rows, dictionary, &values);
        let body = page_body(rows, width);
        let size = body.len();
        let page = Page::DataPage {
            buf: packer.pack(body)?.into(),
            num_values: rows.len() as u32,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let spec = pages.write_page(CompressedPage::new(page, size))?;
        data_page_offset.get_or_insert(spec.offset);
        totals.add(&spec);
        offsets.append_row_count(rows.len() as i64);
        offsets.append_offset_and_size(spec.offset as i64, spec.compressed_size as i32);
        index.append(
            bounds.min.is_none(),
            bounds.min.map(lower_bound).unwrap_or_default().to_vec(),
            bounds.max.map(upper_bound).unwrap_or_default(),
            bounds.nulls,
            None,
        );
        whole.add(&bounds);
    }
    index.set_boundary_order(BoundaryOrder::UNORDERED);

    let encodings = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
    let count = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
    let data_pages = numbers.len().div_ceil(PAGE_ROWS) as i32;
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_compression(codec)
        .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
        .set_page_encoding_stats(vec![
            count(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1),
            count(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, data_pages),
        ])
        .set_total_compressed_size(totals.compressed)
        .set_total_uncompressed_size(totals.uncompressed)
        .set_num_values(numbers.len() as i64)
        .set_dictionary_page_offset(Some(0))
        .set_data_page_offset(data_page_offset.unwrap_or_default() as i64)
        .set_statistics(whole.statistics())
        .build()?;
    let close = ColumnCloseResult {
        bytes_written: totals.compressed as u64,
        rows_written: numbers.len() as u64,
        metadata,
        bloom_filter: bloom.then(|| bloom_filter(dictionary, &values)).transpose()?,
        column_index: Some(index.build()?),
        offset_index: Some(offsets.build()),
    };
    Ok(Chunk { bytes: out.into_inner()?.into(), close })
}

/// Sizes of all pages together, headers included.
#[derive(Default)]
struct Totals {
    compressed: i64,
    uncompressed: i64,
}

impl Totals {
    fn add(&mut self, page: &parquet::column::page::PageWriteSpec) {
        self.compressed += page.compressed_size as i64;
        self.uncompressed += page.uncompressed_size as i64;
    }
}

/// The values that rows use, in the order of their first use, and the rows by the new numbers.
fn used(words: &Words) -> (Vec<u32>, Vec<u32>) {
    let mut new_number = vec![NULL; words.dictionary.len()];
    let mut values = Vec::new();
    let renumber = |number: &u32| {
        if *number == NULL {
            return NULL;
        }
        let slot = &mut new_number[*number as usize];
        if *slot == NULL {
            *slot = values.len() as u32;
            values.push(*number);
        }
        *slot
    };
    let numbers = words.numbers.iter().map(renumber).collect();
    (values, numbers)
}

fn plain_values(dictionary: &Dictionary, values: &[u32]) -> Vec<u8> {
    let mut plain = Vec::new();
    for value in values {
        let bytes = dictionary.get(*value);
        plain.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        plain.extend_from_slice(bytes);
    }
    plain
}

/// Bits of the largest of `count` numbers.
fn bit_width(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

/// A version 1 data page before compression: length of the levels, levels, bit width, numbers.
fn page_body(rows: &[u32], width: u32) -> Vec<u8> {
    let mut body = vec![0; 4];
    hybrid(rows.iter().map(|number| u32::from(*number != NULL)), 1, &mut body);
    let levels = (body.len() - 4) as u32;
    body[..4].copy_from_slice(&levels.to_le_bytes());
    body.push(width as u8);
    hybrid(rows.iter().copied().filter(|number| *number != NULL), width, &mut body);
    body
}

/// Parquet's hybrid of runs and bit-packed groups of eight (Encodings.md, RLE = 3).
fn hybrid(numbers: impl Iterator<Item = u32>, width: u32, out: &mut Vec<u8>) {
    let mut packed: Vec<u32> = Vec::new();
    let mut run: Option<(u32, usize)> = None;
    for number in numbers {
        match &mut run {
            Some((value, count)) if *value == number => *count += 1,
            _ => {
                close_run(run, width, &mut packed, out);
                run = Some((number, 1));
            }
        }
    }
    close_run(run, width, &mut packed, out);
    flush_packed(&mut packed, width, out);
}

/// Eight equal numbers make a run of their own, unless they are needed to fill up a packed group.
fn close_run(run: Option<(u32, usize)>, width: u32, packed: &mut Vec<u32>, out: &mut Vec<u8>) {
    let Some((value, mut count)) = run else { return };
    if count >= 8 {
        let fill = (8 - packed.len() % 8) % 8;
        let fill = fill.min(count);
        if count - fill >= 8 {
            packed.extend(std::iter::repeat_n(value, fill));
            count -= fill;
            flush_packed(packed, width, out);
            varint((count as u64) << 1, out);
            let bytes = width.div_ceil(8) as usize;
            out.extend_from_slice(&value.to_le_bytes()[..bytes]);
            return;
        }
    }
    packed.extend(std::iter::repeat_n(value, count));
}

fn flush_packed(packed: &mut Vec<u32>, width: u32, out: &mut Vec<u8>) {
    if packed.is_empty() {
        return;
    }
    let groups = packed.len().div_ceil(8);
    packed.resize(groups * 8, 0);
    varint((groups as u64) << 1 | 1, out);
    let (mut bits, mut held) = (0u64, 0);
    for number in packed.drain(..) {
        bits |= u64::from(number) << held;
        held += width;
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Smallest and largest value of some rows.
#[derive(Default)]
struct Bounds<'d> {
    min: Option<&'d [u8]>,
    max: Option<&'d [u8]>,
    nulls: i64,
}

impl<'d> Bounds<'d> {
    fn of(rows: &[u32], dictionary: &'d Dictionary, values: &[u32]) -> Self {
        let mut seen = vec![false; values.len()];
        let mut bounds = Bounds::default();
        for number in rows {
            match seen.get_mut(*number as usize) {
                Some(seen) => *seen = true,
                None => bounds.nulls += 1,
            }
        }
        for (value, _) in values.iter().zip(seen).filter(|(_, seen)| *seen) {
            let value = dictionary.get(*value);
            bounds.include(value, value);
        }
        bounds
    }

    fn include(&mut self, min: &'d [u8], max: &'d [u8]) {
        self.min = Some(self.min.map_or(min, |old| old.min(min)));
        self.max = Some(self.max.map_or(max, |old| old.max(max)));
    }

    fn add(&mut self, page: &Bounds<'d>) {
        self.nulls += page.nulls;
        if let (Some(min), Some(max)) = (page.min, page.max) {
            self.include(min, max);
        }
    }

    fn statistics(&self) -> Statistics {
        let bytes = |bytes: &[u8]| ByteArray::from(bytes.to_vec());
        let (lower, upper) = (self.min.map(lower_bound), self.max.map(upper_bound));
        let min_is_exact = lower == self.min;
        let max_is_exact = upper.as_deref() == self.max;
        let statistics =
            ValueStatistics::new(lower.map(bytes), upper.as_deref().map(bytes), None, Some(self.nulls as u64), false);
        Statistics::ByteArray(statistics.with_min_is_exact(min_is_exact).with_max_is_exact(max_is_exact))
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

fn bloom_filter(dictionary: &Dictionary, values: &[u32]) -> Result<Sbbf, Error> {
    let mut filter = Sbbf::new_with_ndv_fpp(values.len().max(1) as u64, BLOOM_FALSE_POSITIVES)?;
    for value in values {
        filter.insert(dictionary.get(*value));
    }
    Ok(filter)
}

#[cfg(test)]
mod tests;
