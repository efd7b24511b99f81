//! Bodies of pages to compressed pages with their headers.

use hashbrown::HashTable;
use parquet::basic::{Compression as Codec, Encoding, ZstdLevel};

use super::leaf::Leaf;
use super::{Compression, hexframe};
use crate::error::Error;

/// Encodings by their numbers in the Parquet format.
const PLAIN: usize = Encoding::PLAIN as usize;
const RLE: usize = Encoding::RLE as usize;

/// Compresses pages. One a worker serves any number of row groups: its context and buffers are used again.
pub struct Packer {
    codec: Method,
    /// Buffers of the columns being encoded.
    pub(super) room: Room,
    /// The page compressed, and its length before.
    packed: Vec<u8>,
    unpacked: usize,
    /// Pages of one row group that are all alike, by what they are made from.
    constants: Vec<(Vec<u32>, Pages)>,
}

enum Method {
    /// Zstandard with one context for all pages.
    Zstd(zstd::bulk::Compressor<'static>),
    /// Raw Snappy.
    Snappy(Box<snap::raw::Encoder>),
    /// As it is.
    None,
}

/// Buffers used from column to column.
#[derive(Default)]
pub(super) struct Room {
    /// The page being made.
    pub body: Vec<u8>,
    /// Hex as bytes.
    pub digests: Vec<u8>,
    /// A value a rank.
    pub items: Vec<u32>,
    /// A dictionary number a rank.
    pub of: Vec<u32>,
    /// A value a dictionary number.
    pub firsts: Vec<u32>,
    /// A dictionary number a value.
    pub number_of: Vec<u32>,
    /// A value a row of a page.
    pub rows: Vec<u32>,
    /// The values of a page that are there.
    pub present: Present,
    /// What lists take.
    pub lists: ListRoom,
    /// Dictionary numbers by value.
    pub table: HashTable<u32>,
    /// The page that used a dictionary number last.
    pub seen_in: Vec<u32>,
}

/// Values of a page, and a bit a row.
#[derive(Default)]
pub(super) struct Present {
    pub values: Vec<u32>,
    pub bits: Vec<u8>,
}

/// Buffers of a column of lists.
#[derive(Default)]
pub(super) struct ListRoom {
    /// Items of the distinct lists, as values.
    pub items: Vec<u32>,
    /// Where the items of a distinct list end.
    pub ends: Vec<u32>,
    /// Items of the distinct lists, as dictionary numbers.
    pub numbers: Vec<u32>,
    /// A value a dictionary number.
    pub firsts: Vec<u32>,
    /// What pages are made from.
    pub key: Vec<u32>,
    /// Items of a page.
    pub page: Vec<u32>,
    /// Levels of a page.
    pub repetition: Vec<u32>,
    pub definition: Vec<u32>,
}

impl ListRoom {
    pub fn clear(&mut self) {
        let ListRoom { items, ends, numbers, firsts, key, .. } = self;
        [items, ends, numbers, firsts, key].into_iter().for_each(Vec::clear);
    }
}

impl Room {
    /// An empty page to write into.
    pub fn new_body(&mut self) -> &mut Vec<u8> {
        self.body.clear();
        &mut self.body
    }
}

/// Data pages, one after the other.
#[derive(Clone, Default)]
pub struct Pages {
    pub(super) bytes: Vec<u8>,
    pub(super) specs: Vec<PageSpec>,
}

/// What the index of a file says of a page.
#[derive(Clone, Copy)]
pub(super) struct PageSpec {
    pub rows: usize,
    pub levels: usize,
    pub nulls: usize,
    /// Place among the data pages.
    pub offset: usize,
    /// Bytes with the header.
    pub bytes: usize,
    /// Bytes with the header, before compression.
    pub uncompressed: usize,
}

impl Packer {
    /// A packer for this compression.
    pub fn new(compression: Compression) -> Result<Self, Error> {
        let codec = match compression {
            Compression::Zstd => {
                let mut zstd = zstd::bulk::Compressor::new(1).map_err(packing)?;
                // What repeats in a column repeats soon: a smaller table finds better matches, and stays in the cache.
                zstd.set_parameter(zstd::zstd_safe::CParameter::HashLog(12)).map_err(packing)?;
                Method::Zstd(zstd)
            }
            Compression::Snappy => Method::Snappy(Box::new(snap::raw::Encoder::new())),
            Compression::None => Method::None,
        };
        Ok(Packer { codec, room: Room::default(), packed: Vec::new(), unpacked: 0, constants: Vec::new() })
    }

    /// What files call the compression.
    pub(super) fn codec(&self) -> Codec {
        match &self.codec {
            Method::Zstd(_) => Codec::ZSTD(ZstdLevel::default()),
            Method::Snappy(_) => Codec::SNAPPY,
            Method::None => Codec::UNCOMPRESSED,
        }
    }

    /// Begins another row group.
    pub(super) fn begin(&mut self) {
        self.constants.clear();
    }

    /// Pages of this row group made from `key` before.
    pub(super) fn constant(&self, key: &[u32]) -> Option<&Pages> {
        self.constants.iter().find(|(known, _)| known == key).map(|(_, pages)| pages)
    }

    /// Keeps pages that many columns of a row group have.
    pub(super) fn keep_constant(&mut self, key: &[u32], pages: Pages) {
        self.constants.push((key.to_vec(), pages));
    }

    /// Compresses the body and, after it, these values in plain encoding; false where that cannot be done without
    /// writing them out.
    pub(super) fn pack_values<L: Leaf>(&mut self, leaf: &L, values: &[u32]) -> bool {
        let Packer { codec, room: Room { body, digests, .. }, packed, unpacked, .. } = self;
        packed.clear();
        let Method::Zstd(_) = codec else { return false };
        leaf.pack(body, values, digests, packed).map(|length| *unpacked = length).is_some()
    }

    /// Compresses the body, whose values, where they are written out, begin after `head` bytes.
    pub(super) fn pack(&mut self, head: usize) -> Result<(), Error> {
        let Packer { codec, room: Room { body, digests, .. }, packed, unpacked, .. } = self;
        *unpacked = body.len();
        packed.clear();
        match codec {
            Method::Zstd(_) if hexframe::pack(body, head, digests, packed) => {}
            Method::Zstd(zstd) => {
                packed.reserve(zstd::zstd_safe::compress_bound(body.len()));
                zstd.compress_to_buffer(body, packed).map_err(packing)?;
            }
            Method::Snappy(snappy) => {
                packed.resize(snap::raw::max_compress_len(body.len()), 0);
                let len = snappy.compress(body, packed).map_err(packing)?;
                packed.truncate(len);
            }
            Method::None => packed.extend_from_slice(body),
        }
        Ok(())
    }

    /// Adds what is packed as the next data page.
    pub(super) fn data_page(
        &mut self,
        pages: &mut Pages,
        rows: usize,
        levels: usize,
        nulls: usize,
        encoding: Encoding,
    ) -> Result<PageSpec, Error> {
        let (body, packed) = (self.unpacked, &self.packed);
        let offset = pages.bytes.len();
        let out = &mut pages.bytes;
        header_start(0, body, packed.len(), out)?;
        // Field 5, data_page_header: values, their encoding, and that of both kinds of levels.
        out.push(0x2c);
        for field in [levels, encoding as usize, RLE, RLE] {
            header_number(field, out)?;
        }
        out.extend_from_slice(&[0, 0]);
        let header = out.len() - offset;
        out.extend_from_slice(packed);
        let bytes = out.len() - offset;
        let spec = PageSpec { rows, levels, nulls, offset, bytes, uncompressed: header + body };
        pages.specs.push(spec);
        Ok(spec)
    }

    /// Adds what is packed as a dictionary page; returns its size before compression, header included.
    pub(super) fn dictionary_page(&mut self, values: usize, out: &mut Vec<u8>) -> Result<usize, Error> {
        let (body, packed) = (self.unpacked, &self.packed);
        let start = out.len();
        header_start(2, body, packed.len(), out)?;
        // Field 7, dictionary_page_header: values, their encoding, and that they are not sorted.
        out.push(0x4c);
        header_number(values, out)?;
        header_number(PLAIN, out)?;
        out.extend_from_slice(&[0x12, 0, 0]);
        let header = out.len() - start;
        out.extend_from_slice(packed);
        Ok(header + body)
    }
}

/// A page header in Thrift's compact protocol begins with kind and sizes.
fn header_start(kind: usize, body: usize, packed: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    [kind, body, packed].into_iter().try_for_each(|field| header_number(field, out))
}

/// The next field of a Thrift structure: a signed 32-bit number, zigzag.
fn header_number(number: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    let number = i32::try_from(number).map_err(|_| Error::Encode("a page of more than 2 GiB".to_owned()))?;
    out.push(0x15);
    super::runs::varint(u64::from(number as u32) << 1, out);
    Ok(())
}

fn packing(error: impl std::fmt::Display) -> Error {
    Error::Encode(format!("compression: {error}"))
}
