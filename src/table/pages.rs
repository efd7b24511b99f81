//! Parquet column chunks made by hand, from columns whose values are known by state.
//!
//! arrow-rs' writers hash and intern every row again, which a report has no need of: its columns are dictionaries
//! before they get here. So the distinct values go into a PLAIN dictionary page and the rows into runs of numbers, or,
//! where nothing repeats, the values into PLAIN data pages: version 1 pages with RLE levels, chunk statistics and page
//! index. The tests read every shape back with arrow-rs; the rest of a file stays its business.
//!
//! What columns have in common is made once: pages of nothing but nulls or of one value, and pages whose rows repeat
//! in the same way as those of another column of the block.

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashTable;
use parquet::basic::{BoundaryOrder, Compression as Codec, Encoding, EncodingMask, PageType, Type};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;

use super::data::{Data, Lists, Strings, Validity, Values, Words};
use super::leaf::{Alike, Bounds, Hexes, Leaf};
use super::packer::{ListRoom, PageSpec, Present, Room};
pub use super::packer::{Packer, Pages};
use super::plan::Plan;
use super::runs::{bit_width, hybrid, hybrid_bits, hybrid_threes, pack, run};
use super::words::NULL;
use super::{BLOOM_FALSE_POSITIVES, Spread};
use crate::error::Error;

/// Rows of a data page: arrow-rs' default.
pub const PAGE_ROWS: usize = 20_000;

/// A column chunk that only has to be copied into its file. Cheap to clone, and not yet tied to a column.
#[derive(Clone)]
pub struct Chunk(Arc<Made>);

struct Made {
    bytes: Bytes,
    physical: Type,
    codec: Codec,
    rows: usize,
    /// Values with nulls, as Parquet counts them.
    levels: usize,
    uncompressed: usize,
    /// Encoding of the data pages.
    encoding: Encoding,
    /// Length of the dictionary page, 0 without one.
    dictionary: usize,
    data_pages: usize,
    statistics: Statistics,
    bloom: Option<Sbbf>,
    column_index: ColumnIndexMetaData,
    offset_index: OffsetIndexMetaData,
}

impl Chunk {
    /// Rows.
    pub fn rows(&self) -> usize {
        self.0.rows
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.0.bytes.len()
    }

    /// True without pages, which no encoder makes.
    pub fn is_empty(&self) -> bool {
        self.0.bytes.is_empty()
    }

    /// The physical type of its values.
    pub(super) fn physical(&self) -> Type {
        self.0.physical
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    /// What a file has to know of it, as a chunk of `column`.
    pub(super) fn close(&self, column: &ColumnDescPtr) -> Result<ColumnCloseResult, Error> {
        let made = &*self.0;
        let count = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let encoding = made.encoding;
        let (mut stats, mut encodings) = (Vec::new(), vec![Encoding::RLE, encoding]);
        if made.dictionary > 0 {
            stats.push(count(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1));
            encodings.push(Encoding::PLAIN);
        }
        stats.push(count(PageType::DATA_PAGE, encoding, made.data_pages as i32));
        let metadata = ColumnChunkMetaData::builder(Arc::clone(column))
            .set_compression(made.codec)
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(stats)
            .set_total_compressed_size(made.bytes.len() as i64)
            .set_total_uncompressed_size(made.uncompressed as i64)
            .set_num_values(made.levels as i64)
            .set_dictionary_page_offset((made.dictionary > 0).then_some(0))
            .set_data_page_offset(made.dictionary as i64)
            .set_statistics(made.statistics.clone())
            .build()?;
        Ok(ColumnCloseResult {
            bytes_written: made.bytes.len() as u64,
            rows_written: made.rows as u64,
            metadata,
            bloom_filter: made.bloom.clone(),
            column_index: Some(made.column_index.clone()),
            offset_index: Some(made.offset_index.clone()),
        })
    }
}

/// How a column is to be encoded.
#[derive(Clone, Copy)]
pub struct Wish {
    /// How its values repeat.
    pub spread: Spread,
    /// With a bloom filter.
    pub bloom: bool,
}

/// Encodes one column.
pub fn encode(data: &Data, wish: Wish, plan: &mut Plan<'_>, packer: &mut Packer) -> Result<Chunk, Error> {
    plan.check(data.len())?;
    let mut items = std::mem::take(&mut packer.room.items);
    items.clear();
    let chunk = match data {
        Data::Text(texts) => {
            let valid = by_rank(&texts.valid, plan, &mut items);
            leaf(&texts.texts, valid, &mut items, wish, plan, packer)
        }
        Data::Hex(bytes) => {
            let valid = by_rank(&bytes.valid, plan, &mut items);
            leaf(&Hexes(&bytes.texts), valid, &mut items, wish, plan, packer)
        }
        Data::Int32(values) => {
            let valid = by_rank(&values.valid, plan, &mut items);
            leaf(&values.values, valid, &mut items, wish, plan, packer)
        }
        Data::Int64(values) | Data::Time(values) => {
            let valid = by_rank(&values.valid, plan, &mut items);
            leaf(&values.values, valid, &mut items, wish, plan, packer)
        }
        Data::Words(words) => self::words(words, &mut items, wish, plan, packer),
        Data::Bool(values) => bits(values, &mut items, wish, plan, packer),
        Data::List(lists) => self::lists(lists, &mut items, wish, plan, packer),
        Data::OfCertificate => Err(Error::Encode("a column of certificates was not looked up".to_owned())),
    };
    packer.room.items = items;
    chunk
}

/// Fills `items` with the number of the value of each rank; returns how many there are.
fn by_rank(valid: &Validity, plan: &Plan<'_>, items: &mut Vec<u32>) -> usize {
    if valid.nulls() == valid.len() {
        return 0;
    }
    if valid.nulls() == 0 {
        items.extend((0..plan.ranks()).map(|rank| plan.state(rank) as u32));
        return items.len();
    }
    if plan.is_same {
        let flags = (0..).zip(valid.flags());
        items.extend(flags.map(|(state, valid): (u32, _)| if *valid { state } else { NULL }));
        return valid.len() - valid.nulls();
    }
    items.extend((0..plan.ranks()).map(|rank| {
        let state = plan.state(rank);
        if valid.is_valid(state) { state as u32 } else { NULL }
    }));
    items.iter().filter(|item| **item != NULL).count()
}

fn words(
    words: &Words,
    items: &mut Vec<u32>,
    wish: Wish,
    plan: &mut Plan<'_>,
    packer: &mut Packer,
) -> Result<Chunk, Error> {
    if words.numbers.is_empty() {
        return nulls::<Strings>(1, wish, plan, packer);
    }
    match plan.is_same {
        true => items.extend_from_slice(&words.numbers),
        false => items.extend((0..plan.ranks()).map(|rank| words.numbers[plan.state(rank)])),
    }
    let rows = occurrences(items, plan);
    if rows == 0 {
        return nulls::<Strings>(1, wish, plan, packer);
    }
    // The words are distinct already: those in use are numbered in the order of their first use.
    let mut of = std::mem::take(&mut packer.room.of);
    let mut firsts = std::mem::take(&mut packer.room.firsts);
    let mut number_of = std::mem::take(&mut packer.room.number_of);
    of.clear();
    firsts.clear();
    number_of.clear();
    number_of.resize(words.dictionary.len(), NULL);
    for alike in items.chunk_by(|one, next| one == next) {
        let number = number_of.get_mut(alike[0] as usize).map_or(NULL, |number| {
            if *number == NULL {
                *number = firsts.len() as u32;
                firsts.push(alike[0]);
            }
            *number
        });
        of.resize(of.len() + alike.len(), number);
    }
    let chunk = match firsts.len() * 2 <= rows {
        true => dictionary(&words.dictionary, &mut of, &firsts, wish, plan, packer),
        false => plain(&words.dictionary, items, wish, plan, packer),
    };
    (packer.room.of, packer.room.firsts, packer.room.number_of) = (of, firsts, number_of);
    chunk
}

/// Rows that have a value, by the values of ranks.
fn occurrences(items: &[u32], plan: &Plan<'_>) -> usize {
    if plan.is_same {
        return items.iter().filter(|item| **item != NULL).count();
    }
    let counts = items.iter().enumerate().filter(|(_, item)| **item != NULL);
    counts.map(|(rank, _)| plan.count(rank)).sum()
}

/// Numbers equal values alike, in the order of their first use: `of` gets a number for each of `items`, `firsts` the
/// value of each number. Gives up past `most` numbers.
fn number_equal<L: Alike>(
    leaf: &L,
    items: &[u32],
    most: usize,
    table: &mut HashTable<u32>,
    of: &mut Vec<u32>,
    firsts: &mut Vec<u32>,
) -> bool {
    table.clear();
    let mut last = (NULL, NULL);
    for item in items {
        if *item == NULL {
            of.push(NULL);
            continue;
        }
        let value = leaf.get(*item);
        if last.0 != NULL && leaf.get(last.0) == value {
            of.push(last.1);
            continue;
        }
        let hash = L::hash(value);
        let number = match table.find(hash, |number| leaf.get(firsts[*number as usize]) == value) {
            Some(number) => *number,
            None => {
                let number = firsts.len() as u32;
                if firsts.len() >= most {
                    return false;
                }
                firsts.push(*item);
                table.insert_unique(hash, number, |number| L::hash(leaf.get(firsts[*number as usize])));
                number
            }
        };
        last = (*item, number);
        of.push(number);
    }
    true
}

/// Numbers every value by itself.
fn number_all(items: &[u32], of: &mut Vec<u32>, firsts: &mut Vec<u32>) {
    for item in items {
        if *item == NULL {
            of.push(NULL);
        } else {
            of.push(firsts.len() as u32);
            firsts.push(*item);
        }
    }
}

/// A column without lists. `items` has a value of `leaf` for each rank, `valid` of them.
fn leaf<L: Leaf>(
    leaf: &L,
    valid: usize,
    items: &mut Vec<u32>,
    wish: Wish,
    plan: &mut Plan<'_>,
    packer: &mut Packer,
) -> Result<Chunk, Error> {
    if valid == 0 {
        return nulls::<L>(1, wish, plan, packer);
    }
    let rows = if plan.is_same { valid } else { occurrences(items, plan) };
    let mut of = std::mem::take(&mut packer.room.of);
    let mut firsts = std::mem::take(&mut packer.room.firsts);
    of.clear();
    firsts.clear();
    let is_dictionary = match wish.spread {
        Spread::Repeats => number_equal(leaf, items, rows / 2, &mut packer.room.table, &mut of, &mut firsts),
        Spread::Differs | Spread::Certificate => {
            let repeats = valid * 2 <= rows;
            if repeats {
                number_all(items, &mut of, &mut firsts);
            }
            repeats
        }
    };
    let chunk = match is_dictionary {
        true => dictionary(leaf, &mut of, &firsts, wish, plan, packer),
        false => plain(leaf, items, wish, plan, packer),
    };
    (packer.room.of, packer.room.firsts) = (of, firsts);
    chunk
}

/// What makes pages of two columns the same, beside the numbers they are made from.
const NUMBERS: u32 = 0;
const BITS: u32 = 1;
const LISTS: u32 = 2;

/// A dictionary of the values `firsts` and, for each rank, a number into it.
fn dictionary<L: Leaf>(
    leaf: &L,
    of: &mut Vec<u32>,
    firsts: &[u32],
    wish: Wish,
    plan: &mut Plan<'_>,
    packer: &mut Packer,
) -> Result<Chunk, Error> {
    let mut draft = Draft::<L>::new();
    draft.dictionary(leaf, firsts, packer)?;
    draft.bloom(leaf, firsts, wish)?;
    let alike = firsts.len() == 1 && !plan.has_nulls && !of.contains(&NULL);
    if alike {
        let key = [NUMBERS, plan.len as u32];
        if packer.constant(&key).is_none() {
            let mut pages = Pages::default();
            for page in 0..plan.pages() {
                let rows = plan.page(page).len();
                let body = packer.room.new_body();
                level_run(1, 1, rows, body);
                body.push(0);
                hybrid_of_one(rows, body);
                packer.pack(usize::MAX)?;
                packer.data_page(&mut pages, rows, rows, 0, Encoding::RLE_DICTIONARY)?;
            }
            packer.keep_constant(&key, pages);
        }
        let value = leaf.get(firsts[0]);
        let pages = packer.constant(&key).cloned().unwrap_or_default();
        for spec in &pages.specs {
            let mut bounds = Bounds::default();
            bounds.include(value);
            draft.page(spec, bounds);
        }
        return draft.finish(pages, plan.len, packer);
    }
    of.push(NULL);
    let pages = number_pages(of, NUMBERS, bit_width(firsts.len()), plan, packer)?;
    draft.dictionary_bounds(leaf, of, firsts, &pages, plan, packer);
    draft.finish(pages, plan.len, packer)
}

fn hybrid_of_one(rows: usize, body: &mut Vec<u8>) {
    run(0, rows, 0, body);
}

/// Data pages of numbers, `of` having one a rank and a last one for null; as dictionary numbers, or as bits of truth.
fn number_pages(
    of: &mut Vec<u32>,
    kind: u32,
    width: u32,
    plan: &mut Plan<'_>,
    packer: &mut Packer,
) -> Result<Pages, Error> {
    // The kind stands behind the numbers while they serve as a key.
    of.push(kind);
    let known = plan.known(of).cloned();
    let pages = match known {
        Some(pages) => pages,
        None => {
            let pages = new_number_pages(&of[..of.len() - 1], kind, width, plan, packer)?;
            plan.keep(of, &pages);
            pages
        }
    };
    of.pop();
    Ok(pages)
}

fn new_number_pages(
    of: &[u32],
    kind: u32,
    width: u32,
    plan: &mut Plan<'_>,
    packer: &mut Packer,
) -> Result<Pages, Error> {
    let may_miss = plan.has_nulls || of[..of.len() - 1].contains(&NULL);
    let mut room = std::mem::take(&mut packer.room.rows);
    let mut present = std::mem::take(&mut packer.room.present);
    let mut pages = Pages::default();
    let encoding = if kind == BITS { Encoding::PLAIN } else { Encoding::RLE_DICTIONARY };
    let gaps = (may_miss && !plan.is_same).then(|| plan.gaps(of));
    for page in 0..plan.pages() {
        let body = packer.room.new_body();
        let count = plan.page(page).len();
        let values = match gaps {
            Some(gaps) => {
                let ranks = plan.present(gaps, page);
                body.extend_from_slice(plan.levels(gaps, page));
                room.clear();
                room.extend(ranks.iter().map(|rank| of[*rank as usize]));
                &room
            }
            None => levels(plan.spread(page, of, &mut room), may_miss, &mut present, body),
        };
        match kind {
            BITS => pack(values, 1, body),
            _ => {
                body.push(width as u8);
                hybrid(values, width, body);
            }
        }
        let nulls = count - values.len();
        packer.pack(usize::MAX)?;
        packer.data_page(&mut pages, count, count, nulls, encoding)?;
    }
    (packer.room.rows, packer.room.present) = (room, present);
    Ok(pages)
}

/// Definition levels of a column without lists: `rows` has [`NULL`] where there is no value. Returns the others.
fn levels<'r>(rows: &'r [u32], may_miss: bool, present: &'r mut Present, body: &mut Vec<u8>) -> &'r [u32] {
    if !may_miss {
        level_run(1, 1, rows.len(), body);
        return rows;
    }
    let Present { values, bits } = present;
    find(rows, values, bits);
    level_bits(bits, values.len(), rows.len(), body);
    values
}

/// The values among `rows` that are there, and a bit a row.
pub(super) fn find(rows: &[u32], values: &mut Vec<u32>, bits: &mut Vec<u8>) {
    values.clear();
    bits.clear();
    // Rows with and without a value come in stretches: eight at a time are mostly alike.
    let (eights, rest) = rows.as_chunks::<8>();
    for eight in eights {
        let byte = (0..).zip(eight).fold(0, |byte, (n, row)| byte | u8::from(*row != NULL) << n);
        match byte {
            0 => {}
            0xff => values.extend_from_slice(eight),
            _ => values.extend(eight.iter().filter(|row| **row != NULL)),
        }
        bits.push(byte);
    }
    if !rest.is_empty() {
        bits.push((0..).zip(rest).fold(0, |byte, (n, row)| byte | u8::from(*row != NULL) << n));
        values.extend(rest.iter().filter(|row| **row != NULL));
    }
}

/// Levels of `rows` rows, of which `values` have a value: those with a bit.
pub(super) fn level_bits(bits: &[u8], values: usize, rows: usize, body: &mut Vec<u8>) {
    match values {
        0 => level_run(0, 1, rows, body),
        all if all == rows => level_run(1, 1, rows, body),
        _ => {
            let start = open_levels(body);
            hybrid_bits(bits, rows, body);
            close_levels(start, body);
        }
    }
}

/// All levels of a page are alike.
fn level_run(level: u32, width: u32, count: usize, body: &mut Vec<u8>) {
    let start = open_levels(body);
    run(level, count, width, body);
    close_levels(start, body);
}

/// Version 1 pages give the length of levels before them.
fn open_levels(body: &mut Vec<u8>) -> usize {
    body.extend_from_slice(&[0; 4]);
    body.len()
}

fn close_levels(start: usize, body: &mut [u8]) {
    let len = (body.len() - start) as u32;
    body[start - 4..start].copy_from_slice(&len.to_le_bytes());
}

/// Every value written out; `items` has one a rank.
fn plain<L: Leaf>(
    leaf: &L,
    items: &mut Vec<u32>,
    wish: Wish,
    plan: &Plan<'_>,
    packer: &mut Packer,
) -> Result<Chunk, Error> {
    let mut draft = Draft::<L>::new();
    draft.bloom(leaf, items, wish)?;
    let may_miss = plan.has_nulls || items.contains(&NULL);
    items.push(NULL);
    let mut room = std::mem::take(&mut packer.room.rows);
    let mut present = std::mem::take(&mut packer.room.present);
    let mut pages = Pages::default();
    for page in 0..plan.pages() {
        let rows = plan.spread(page, items, &mut room);
        let body = packer.room.new_body();
        let values = levels(rows, may_miss, &mut present, body);
        let head = body.len();
        let mut bounds = Bounds::default();
        if packer.pack_values(leaf, values) {
            values.iter().for_each(|value| bounds.include(leaf.get(*value)));
        } else {
            bounds = leaf.write_all(values, &mut packer.room.body);
            packer.pack(head)?;
        }
        let nulls = rows.len() - values.len();
        let spec = packer.data_page(&mut pages, rows.len(), rows.len(), nulls, Encoding::PLAIN)?;
        draft.page(&spec, bounds);
    }
    (packer.room.rows, packer.room.present) = (room, present);
    draft.finish(pages, plan.len, packer)
}

/// No row has a value. Lists are told from others by their level of definition, 3 instead of 1.
fn nulls<L: Leaf>(depth: u32, wish: Wish, plan: &Plan<'_>, packer: &mut Packer) -> Result<Chunk, Error> {
    let key = [NULL, depth, plan.len as u32];
    if packer.constant(&key).is_none() {
        let mut pages = Pages::default();
        for page in 0..plan.pages() {
            let rows = plan.page(page).len();
            let body = packer.room.new_body();
            if depth > 1 {
                level_run(0, 1, rows, body);
            }
            level_run(0, if depth > 1 { 2 } else { 1 }, rows, body);
            packer.pack(usize::MAX)?;
            packer.data_page(&mut pages, rows, rows, rows, Encoding::PLAIN)?;
        }
        packer.keep_constant(&key, pages);
    }
    let pages = packer.constant(&key).cloned().unwrap_or_default();
    let mut draft = Draft::<L>::new();
    if wish.bloom {
        // An empty filter tells that nothing is here.
        draft.bloom = Some(Sbbf::new_with_ndv_fpp(1, BLOOM_FALSE_POSITIVES)?);
    }
    for spec in &pages.specs {
        draft.page(spec, Bounds::default());
    }
    draft.finish(pages, plan.len, packer)
}

/// Truth has no dictionary: one bit a value.
fn bits(
    values: &Values<bool>,
    of: &mut Vec<u32>,
    wish: Wish,
    plan: &mut Plan<'_>,
    packer: &mut Packer,
) -> Result<Chunk, Error> {
    let valid = &values.valid;
    if valid.nulls() < valid.len() {
        of.extend((0..plan.ranks()).map(|rank| {
            let state = plan.state(rank);
            if valid.is_valid(state) { u32::from(values.values[state]) } else { NULL }
        }));
    }
    let has = |wanted: u32| of.contains(&wanted);
    let (no, yes) = (has(0), has(1));
    let mut draft = Draft::<Bits>::new();
    if !no && !yes {
        return nulls::<Bits>(1, wish, plan, packer);
    }
    of.push(NULL);
    let pages = number_pages(of, BITS, 1, plan, packer)?;
    let mut room = std::mem::take(&mut packer.room.rows);
    for (page, spec) in pages.specs.iter().enumerate() {
        let mut bounds = Bounds::default();
        if no && yes {
            let once = plan.spread_once(page, of, &mut room);
            [0, 1].into_iter().filter(|value| once.contains(value)).for_each(|value| bounds.include(value == 1));
        } else if spec.nulls < spec.levels {
            bounds.include(yes);
        }
        draft.page(spec, bounds);
    }
    packer.room.rows = room;
    draft.finish(pages, plan.len, packer)
}

/// The two values of truth, by number.
struct Bits;

impl Alike for Bits {
    type Value<'v> = bool;

    fn get(&self, number: u32) -> bool {
        number == 1
    }

    fn hash(value: bool) -> u64 {
        u64::from(value)
    }
}

impl Leaf for Bits {
    const TYPE: Type = Type::BOOLEAN;

    fn is_less(one: bool, other: bool) -> bool {
        !one & other
    }

    fn key(value: bool) -> u64 {
        u64::from(value)
    }

    fn write(value: bool, out: &mut Vec<u8>) {
        out.push(u8::from(value));
    }

    fn insert(_: bool, _: &mut Sbbf) {}

    fn lower(value: bool) -> Vec<u8> {
        vec![u8::from(value)]
    }

    fn upper(value: bool) -> Vec<u8> {
        vec![u8::from(value)]
    }

    fn statistics(bounds: &Bounds<'_, Self>, nulls: u64) -> Statistics {
        Statistics::Boolean(ValueStatistics::new(bounds.min(), bounds.max(), None, Some(nulls), false))
    }
}

/// Lists of text: optional lists of optional items, of which none is missing. An empty list is null.
fn lists(
    lists: &Lists,
    of: &mut Vec<u32>,
    wish: Wish,
    plan: &mut Plan<'_>,
    packer: &mut Packer,
) -> Result<Chunk, Error> {
    let valid = by_rank(&lists.valid, plan, of);
    if valid == 0 {
        return nulls::<Strings>(LIST_DEPTH, wish, plan, packer);
    }
    let mut room = std::mem::take(&mut packer.room.lists);
    let mut states = std::mem::take(&mut packer.room.of);
    let mut firsts = std::mem::take(&mut packer.room.firsts);
    room.clear();
    states.clear();
    firsts.clear();
    std::mem::swap(of, &mut states);
    // `of` numbers the distinct lists now, and `firsts` has a state for each.
    let rows = occurrences(&states, plan);
    let repeats = match wish.spread {
        Spread::Repeats => number_equal(lists, &states, usize::MAX, &mut packer.room.table, of, &mut firsts),
        Spread::Differs | Spread::Certificate => {
            number_all(&states, of, &mut firsts);
            valid * 2 <= rows
        }
    };
    for state in &firsts {
        room.items.extend(lists.range(*state as usize).map(|item| item as u32));
        room.ends.push(room.items.len() as u32);
    }
    let listed = |list: u32| {
        let start = (list as usize).checked_sub(1).map_or(0, |before| room.ends[before] as usize);
        start..room.ends[list as usize] as usize
    };
    let with_list = of.iter().enumerate().filter(|(_, list)| **list != NULL);
    let items: usize = with_list.map(|(rank, list)| plan.count(rank) * listed(*list).len()).sum();
    let is_dictionary = match wish.spread {
        Spread::Repeats => {
            let (numbers, firsts) = (&mut room.numbers, &mut room.firsts);
            number_equal(&lists.items, &room.items, items / 2, &mut packer.room.table, numbers, firsts)
        }
        Spread::Differs | Spread::Certificate => {
            if repeats {
                number_all(&room.items, &mut room.numbers, &mut room.firsts);
            }
            repeats
        }
    };
    let may_miss = plan.has_nulls || of.contains(&NULL);
    of.push(NULL);
    let chunk = list_chunk(lists, of, may_miss, is_dictionary, &mut room, wish, plan, packer);
    (packer.room.lists, packer.room.of, packer.room.firsts) = (room, states, firsts);
    chunk
}

#[allow(clippy::too_many_arguments)]
fn list_chunk(
    lists: &Lists,
    of: &[u32],
    may_miss: bool,
    is_dictionary: bool,
    room: &mut ListRoom,
    wish: Wish,
    plan: &mut Plan<'_>,
    packer: &mut Packer,
) -> Result<Chunk, Error> {
    let mut draft = Draft::<Strings>::new();
    let range = |ends: &[u32], list: u32| {
        let start = (list as usize).checked_sub(1).map_or(0, |before| ends[before] as usize);
        start..ends[list as usize] as usize
    };
    if !is_dictionary {
        draft.bloom(&lists.items, &room.items, wish)?;
        let pages = list_pages(&lists.items, of, may_miss, None, room, plan, packer, &mut draft)?;
        return draft.finish(pages, plan.len, packer);
    }
    draft.dictionary(&lists.items, &room.firsts, packer)?;
    draft.bloom(&lists.items, &room.firsts, wish)?;
    room.key.extend_from_slice(of);
    room.key.extend_from_slice(&room.ends);
    room.key.extend_from_slice(&room.numbers);
    room.key.push(LISTS);
    let pages = match plan.known(&room.key).cloned() {
        Some(pages) => pages,
        None => {
            let width = Some(bit_width(room.firsts.len()));
            let pages = list_pages(&lists.items, of, may_miss, width, room, plan, packer, &mut draft)?;
            plan.keep(&room.key, &pages);
            pages
        }
    };
    let mut seen_in = std::mem::take(&mut packer.room.seen_in);
    let mut once = std::mem::take(&mut packer.room.rows);
    seen_in.clear();
    seen_in.resize(room.firsts.len(), 0);
    for (page, spec) in pages.specs.iter().enumerate() {
        let mut bounds = Bounds::default();
        for list in plan.spread_once(page, of, &mut once) {
            if *list == NULL {
                continue;
            }
            for number in &room.numbers[range(&room.ends, *list)] {
                let seen = &mut seen_in[*number as usize];
                if *seen != page as u32 + 1 {
                    *seen = page as u32 + 1;
                    bounds.include(Alike::get(&lists.items, room.firsts[*number as usize]));
                }
            }
        }
        draft.page(spec, bounds);
    }
    (packer.room.seen_in, packer.room.rows) = (seen_in, once);
    draft.finish(pages, plan.len, packer)
}

/// Data pages of lists: with dictionary numbers of `width` bits, or with the items written out, whose bounds go to the
/// draft.
#[allow(clippy::too_many_arguments)]
fn list_pages<'v>(
    leaf: &'v Strings,
    of: &[u32],
    may_miss: bool,
    width: Option<u32>,
    lists: &mut ListRoom,
    plan: &Plan<'_>,
    packer: &mut Packer,
    draft: &mut Draft<'v, Strings>,
) -> Result<Pages, Error> {
    let mut room = std::mem::take(&mut packer.room.rows);
    let mut pages = Pages::default();
    let ListRoom { items, ends, numbers, page: values, repetition, definition, .. } = lists;
    let from = if width.is_some() { &*numbers } else { &*items };
    let is_single = ends.len() == items.len();
    let mut present = std::mem::take(&mut packer.room.present);
    let encoding = if width.is_some() { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
    for page in 0..plan.pages() {
        let rows = plan.spread(page, of, &mut room);
        values.clear();
        repetition.clear();
        definition.clear();
        // Lists of one item each are their items, but for the levels.
        if is_single {
            find(rows, &mut present.values, &mut present.bits);
            values.extend(present.values.iter().map(|list| from[*list as usize]));
        }
        for list in rows.iter().filter(|_| !is_single) {
            if *list == NULL {
                repetition.push(0);
                definition.push(0);
                continue;
            }
            let start = (*list as usize).checked_sub(1).map_or(0, |before| ends[before] as usize);
            let list = &from[start..ends[*list as usize] as usize];
            values.extend_from_slice(list);
            repetition.push(0);
            repetition.resize(repetition.len() + list.len() - 1, 1);
            if may_miss {
                definition.resize(definition.len() + list.len(), LIST_DEPTH);
            }
        }
        let body = packer.room.new_body();
        let all = if is_single { rows.len() } else { repetition.len() };
        let start = open_levels(body);
        if all == rows.len() {
            run(0, all, 1, body)
        } else {
            hybrid(repetition, 1, body)
        }
        close_levels(start, body);
        let start = open_levels(body);
        if !may_miss {
            run(LIST_DEPTH, all, 2, body)
        } else if is_single {
            hybrid_threes(&present.bits, all, body)
        } else {
            hybrid(definition, 2, body)
        }
        close_levels(start, body);
        let bounds = match width {
            Some(width) => {
                body.push(width as u8);
                hybrid(values, width, body);
                Bounds::default()
            }
            None => leaf.write_all(values, body),
        };
        packer.pack(usize::MAX)?;
        let spec = packer.data_page(&mut pages, rows.len(), all, all - values.len(), encoding)?;
        if width.is_none() {
            draft.page(&spec, bounds);
        }
    }
    (packer.room.rows, packer.room.present) = (room, present);
    Ok(pages)
}

/// Definition level of an item that is there: list, item and the repetition between them.
const LIST_DEPTH: u32 = 3;

/// A chunk in the making.
struct Draft<'v, L: Leaf + 'v> {
    bytes: Vec<u8>,
    encoding: Encoding,
    dictionary: usize,
    uncompressed: usize,
    index: ColumnIndexBuilder,
    whole: Bounds<'v, L>,
    nulls: usize,
    bloom: Option<Sbbf>,
}

impl<'v, L: Leaf + 'v> Draft<'v, L> {
    fn new() -> Self {
        Draft {
            bytes: Vec::new(),
            encoding: Encoding::PLAIN,
            dictionary: 0,
            uncompressed: 0,
            index: ColumnIndexBuilder::new(L::TYPE),
            whole: Bounds::default(),
            nulls: 0,
            bloom: None,
        }
    }

    /// The dictionary page.
    fn dictionary(&mut self, leaf: &'v L, firsts: &[u32], packer: &mut Packer) -> Result<(), Error> {
        packer.room.new_body();
        if !packer.pack_values(leaf, firsts) {
            let body = &mut packer.room.body;
            firsts.iter().for_each(|value| L::write(leaf.get(*value), body));
            packer.pack(0)?;
        }
        self.uncompressed = packer.dictionary_page(firsts.len(), &mut self.bytes)?;
        self.dictionary = self.bytes.len();
        self.encoding = Encoding::RLE_DICTIONARY;
        Ok(())
    }

    /// A bloom filter of these values, if it is wished for.
    fn bloom(&mut self, leaf: &'v L, values: &[u32], wish: Wish) -> Result<(), Error> {
        if wish.bloom {
            let values = || values.iter().filter(|value| **value != NULL);
            let mut filter = Sbbf::new_with_ndv_fpp(values().count().max(1) as u64, BLOOM_FALSE_POSITIVES)?;
            values().for_each(|value| L::insert(leaf.get(*value), &mut filter));
            self.bloom = Some(filter);
        }
        Ok(())
    }

    /// The bounds of pages of numbers: `of` has one a rank, `firsts` the value of each.
    fn dictionary_bounds(
        &mut self,
        leaf: &'v L,
        of: &[u32],
        firsts: &[u32],
        pages: &Pages,
        plan: &Plan<'_>,
        packer: &mut Packer,
    ) {
        let Room { seen_in, rows: room, .. } = &mut packer.room;
        seen_in.clear();
        seen_in.resize(firsts.len(), 0);
        for (page, spec) in pages.specs.iter().enumerate() {
            let mut bounds = Bounds::default();
            for number in plan.spread_once(page, of, room) {
                let Some(seen) = seen_in.get_mut(*number as usize) else { continue };
                if *seen != page as u32 + 1 {
                    *seen = page as u32 + 1;
                    bounds.include(leaf.get(firsts[*number as usize]));
                }
            }
            self.page(spec, bounds);
        }
    }

    /// The next data page.
    fn page(&mut self, spec: &PageSpec, bounds: Bounds<'v, L>) {
        let (min, max) = (bounds.min(), bounds.max());
        let (lower, upper) = (min.map(L::lower).unwrap_or_default(), max.map(L::upper).unwrap_or_default());
        self.index.append(min.is_none(), lower, upper, spec.nulls as i64, None);
        self.whole.include_all(&bounds);
        self.nulls += spec.nulls;
    }

    fn finish(self, pages: Pages, rows: usize, packer: &Packer) -> Result<Chunk, Error> {
        let Draft { mut bytes, encoding, dictionary, mut uncompressed, mut index, whole, nulls, bloom } = self;
        index.set_boundary_order(BoundaryOrder::UNORDERED);
        let mut offsets = OffsetIndexBuilder::new();
        let mut levels = 0;
        for spec in &pages.specs {
            offsets.append_row_count(spec.rows as i64);
            offsets.append_offset_and_size((dictionary + spec.offset) as i64, spec.bytes as i32);
            uncompressed += spec.uncompressed;
            levels += spec.levels;
        }
        if bytes.is_empty() {
            bytes = pages.bytes;
        } else {
            bytes.extend_from_slice(&pages.bytes);
        }
        Ok(Chunk(Arc::new(Made {
            bytes: bytes.into(),
            physical: L::TYPE,
            codec: packer.codec(),
            rows,
            levels,
            uncompressed,
            encoding,
            dictionary,
            data_pages: pages.specs.len(),
            statistics: L::statistics(&whole, nulls as u64),
            bloom,
            column_index: index.build()?,
            offset_index: offsets.build(),
        })))
    }
}

#[cfg(test)]
mod tests;
