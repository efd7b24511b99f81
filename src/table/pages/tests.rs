//! Every shape of column, read back by arrow-rs: the pages are right if an independent reader says so.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListBuilder, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::compute::concat;
use arrow::datatypes::{Field, Int32Type, Int64Type, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use proptest::prelude::*;

use super::*;
use crate::hex;
use crate::table::build::{self, Bool, Hex, Int32, Int64, Text, TextList, Time, Word};
use crate::table::leaf::MAX_BOUND;
use crate::table::{Compression, Rows};

const SPREADS: [Spread; 3] = [Spread::Repeats, Spread::Differs, Spread::Certificate];
const COMPRESSIONS: [Compression; 3] = [Compression::Zstd, Compression::Snappy, Compression::None];

/// The rows as an array of arrow-rs: what must come back.
fn to_array(data: &Data, rows: Rows<'_>) -> ArrayRef {
    let states: Vec<Option<usize>> = match rows {
        Rows::Same => (0..data.len()).map(Some).collect(),
        Rows::Numbers(numbers) => numbers.iter().map(|n| (*n != NULL).then_some(*n as usize)).collect(),
    };
    fn pick<'a, T: Copy>(values: &'a Values<T>, states: &'a [Option<usize>]) -> impl Iterator<Item = Option<T>> + 'a {
        states.iter().map(|s| s.filter(|s| values.valid.is_valid(*s)).map(|s| values.values[s]))
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    match data {
        Data::Text(t) => {
            let rows = states.iter().map(|s| s.filter(|s| t.valid.is_valid(*s)).map(|s| text(t.texts.get(s))));
            Arc::new(rows.collect::<StringArray>())
        }
        Data::Hex(t) => {
            let rows = states.iter().map(|s| s.filter(|s| t.valid.is_valid(*s)).map(|s| hex::text(t.texts.get(s))));
            Arc::new(rows.collect::<StringArray>())
        }
        Data::Words(w) => Arc::new(states.iter().map(|s| s.and_then(|s| w.get(s)).map(text)).collect::<StringArray>()),
        Data::Int32(v) => Arc::new(pick(v, &states).collect::<Int32Array>()),
        Data::Int64(v) => Arc::new(pick(v, &states).collect::<Int64Array>()),
        Data::Time(v) => Arc::new(pick(v, &states).collect::<TimestampMicrosecondArray>().with_timezone(build::UTC)),
        Data::Bool(v) => Arc::new(pick(v, &states).collect::<BooleanArray>()),
        Data::List(l) => {
            let mut builder = ListBuilder::new(StringBuilder::new()).with_field(build::element_field());
            for state in states {
                let range = state.map(|s| l.range(s)).unwrap_or_default();
                let there = !range.is_empty();
                range.for_each(|item| builder.values().append_value(text(l.items.get(item))));
                builder.append(there);
            }
            Arc::new(builder.finish())
        }
        Data::OfCertificate => panic!("a column without values"),
    }
}

fn chunk(data: &Data, rows: Rows<'_>, spread: Spread, packer: &mut Packer) -> Chunk {
    let count = if let Rows::Numbers(numbers) = rows { numbers.len() } else { data.len() };
    let mut plan = Plan::new(rows, count, data.len()).expect("a plan");
    packer.begin();
    let wish = Wish { spread, bloom: true };
    let first = encode(data, wish, &mut plan, packer).expect("a chunk");
    let again = encode(data, wish, &mut plan, packer).expect("a chunk");
    assert_eq!(first.bytes(), again.bytes(), "what was kept is what would be made");
    first
}

/// A file of one column with one row group.
fn file(data: &Data, rows: Rows<'_>, spread: Spread, compression: Compression) -> Bytes {
    let schema = Schema::new(vec![Field::new("column", to_array(data, rows).data_type().clone(), true)]);
    let descriptor = ArrowSchemaConverter::new().convert(&schema).expect("a schema");
    let chunk = chunk(data, rows, spread, &mut Packer::new(compression).expect("a packer"));
    let mut out = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut out, descriptor.root_schema_ptr(), properties).expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    let close = chunk.close(&descriptor.column(0)).expect("a description");
    group.append_column(chunk.bytes(), close).expect("appended");
    group.close().expect("closed");
    writer.close().expect("a file");
    out.into()
}

fn open(file: &Bytes) -> ParquetRecordBatchReaderBuilder<Bytes> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options).expect("a readable file")
}

fn read(builder: ParquetRecordBatchReaderBuilder<Bytes>) -> ArrayRef {
    let reader = builder.with_batch_size(777).build().expect("a reader");
    let batches: Vec<_> = reader.map(|batch| Arc::clone(batch.expect("a batch").column(0))).collect();
    concat(&batches.iter().map(AsRef::as_ref).collect::<Vec<_>>()).expect("one array")
}

/// Bytes of the smallest and the largest value and the number of nulls (for lists: of values that are missing).
fn bounds(array: &ArrayRef) -> (Option<Vec<u8>>, Option<Vec<u8>>, u64) {
    macro_rules! ends {
        ($values:expr, $bytes:expr) => {{
            let values: Vec<_> = $values.flatten().collect();
            (values.iter().min().map($bytes), values.iter().max().map($bytes), array.null_count() as u64)
        }};
    }
    if let Some(list) = array.as_list_opt::<i32>() {
        let items = (0..list.len()).filter(|row| list.is_valid(*row)).flat_map(|row| {
            let items = list.value(row);
            items.as_string::<i32>().iter().map(|item| item.map(str::to_owned)).collect::<Vec<_>>()
        });
        return ends!(items, |v| v.as_bytes().to_vec());
    }
    if let Some(array) = array.as_string_opt::<i32>() {
        return ends!(array.iter(), |v| v.as_bytes().to_vec());
    }
    if let Some(array) = array.as_boolean_opt() {
        return ends!(array.iter(), |v| vec![u8::from(*v)]);
    }
    if let Some(array) = array.as_primitive_opt::<Int32Type>() {
        return ends!(array.iter(), |v| v.to_le_bytes().to_vec());
    }
    let array = array.as_primitive_opt::<Int64Type>().map_or_else(
        || array.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().reinterpret_cast::<Int64Type>(),
        Clone::clone,
    );
    ends!(array.iter(), |v| v.to_le_bytes().to_vec())
}

fn check_one(data: &Data, rows: Rows<'_>, spread: Spread, compression: Compression) -> Arc<ParquetMetaData> {
    let expected = to_array(data, rows);
    let file = file(data, rows, spread, compression);
    let builder = open(&file);
    let metadata = Arc::clone(builder.metadata());
    let back = read(builder);
    assert_eq!(back.len(), expected.len());
    assert!(*back == *expected, "{spread:?} {compression:?} {:?}", expected.data_type());
    let column = metadata.row_group(0).column(0);
    let statistics = column.statistics().expect("statistics");
    let (min, max, nulls) = bounds(&expected);
    assert_eq!(statistics.null_count_opt(), Some(nulls));
    let texts = column.column_type() == Type::BYTE_ARRAY;
    for (have, want, is_exact) in [
        (statistics.min_bytes_opt(), min, statistics.min_is_exact()),
        (statistics.max_bytes_opt(), max, statistics.max_is_exact()),
    ] {
        assert!(is_exact || texts && want.as_ref().is_some_and(|value| value.len() > MAX_BOUND) || want.is_none());
        assert!(!is_exact || have == want.as_deref());
    }
    // The index of each page is that of its rows.
    let indexes = metadata.page_index_for_row_group(0);
    let index = indexes.column_index(0).expect("a column index");
    let offsets = indexes.offset_index(0).expect("an offset index").page_locations();
    for (page, place) in offsets.iter().enumerate() {
        let start = place.first_row_index as usize;
        let rows = PAGE_ROWS.min(expected.len() - start);
        let (min, max, nulls) = bounds(&expected.slice(start, rows));
        assert_eq!(index.is_null_page(page), min.is_none());
        assert_eq!(index.null_count(page), Some(nulls as i64));
        macro_rules! same {
            ($index:expr, $bytes:expr) => {{
                let have = ($index.min_value(page).map($bytes), $index.max_value(page).map($bytes));
                assert!(min.is_none() || have == (min, max));
            }};
        }
        match index {
            ColumnIndexMetaData::INT32(index) => same!(index, |v| v.to_le_bytes().to_vec()),
            ColumnIndexMetaData::INT64(index) => same!(index, |v| v.to_le_bytes().to_vec()),
            ColumnIndexMetaData::BOOLEAN(index) => same!(index, |v| vec![u8::from(*v)]),
            ColumnIndexMetaData::BYTE_ARRAY(index) => {
                if let (Some(min), Some(max)) = (min, max) {
                    assert!(index.min_value(page).is_some_and(|have| have <= &min[..]));
                    assert!(index.max_value(page).is_some_and(|have| have >= &max[..]));
                }
            }
            _ => panic!("an index of another type"),
        }
    }
    metadata
}

fn check(data: &Data, rows: Rows<'_>) {
    for spread in SPREADS {
        check_one(data, rows, spread, Compression::Zstd);
    }
    for compression in COMPRESSIONS {
        check_one(data, rows, Spread::Repeats, compression);
    }
}

/// A column of every kind with these values, given as small numbers.
fn kinds(values: &[Option<i64>]) -> Vec<Data> {
    let (mut text, mut word) = (Text::default(), Word::default());
    let (mut hex, mut uneven) = (Hex::default(), Hex::default());
    let (mut int32, mut int64, mut time) = (Int32::default(), Int64::default(), Time::default());
    let (mut truth, mut list, mut ones) = (Bool::default(), TextList::default(), TextList::default());
    for value in values {
        let name = value.map(|v| format!("value {v}"));
        text.push(name.as_deref());
        word.push(name.as_deref());
        hex.push(value.map(|v| v.to_le_bytes().repeat(4)).as_deref());
        uneven.push(value.map(|v| v.to_be_bytes().repeat(1 + v as usize % 20)).as_deref());
        int32.push(value.map(|v| (v * 7919 - 100_000) as i32));
        int64.push(value.map(|v| v * 1_000_000_007 - (1 << 40)));
        time.push(value.map(|v| 1_700_000_000_000_000 - v * 86_400_000_000));
        truth.push(value.map(|v| v % 2 == 0));
        let items: Vec<String> = value.map_or(Vec::new(), |v| (0..=v % 4).map(|n| format!("{}", v / 2 + n)).collect());
        list.push(&items);
        ones.push_iter(name.as_deref().into_iter());
    }
    let columns =
        [text.finish(), word.finish(), hex.finish(), uneven.finish(), int32.finish(), int64.finish(), time.finish()];
    columns.into_iter().chain([truth.finish(), list.finish(), ones.finish()]).collect()
}

const COUNTS: [usize; 7] = [1, 7, 8, 9, 63, 20_000, 32_769];

#[test]
fn every_kind_and_shape_comes_back() {
    for count in COUNTS {
        let shapes: [fn(i64) -> Option<i64>; 7] = [
            |_| None,
            |_| Some(5),
            Some,
            |n| Some(n % 5),
            |n| (n % 3 > 0).then_some(n),
            |n| (n / 100 % 2 > 0).then_some(n / 50),
            |n| (n > 20_000).then_some(n % 7),
        ];
        for shape in shapes {
            let values: Vec<_> = (0..count as i64).map(shape).collect();
            for data in kinds(&values) {
                match count < 100 {
                    true => check(&data, Rows::Same),
                    // Compressions do not care how many rows there are; `SPREADS` does.
                    false => [Spread::Repeats, Spread::Differs].into_iter().for_each(|spread| {
                        check_one(&data, Rows::Same, spread, Compression::Zstd);
                    }),
                }
            }
        }
    }
}

#[test]
fn rows_by_number_come_back() {
    let mixed: fn(usize, usize) -> u32 = |row, states| (row * 7919 % states) as u32;
    let runs: fn(usize, usize) -> u32 = |row, states| (row / 500 % states) as u32;
    let gaps: fn(usize, usize) -> u32 = |row, states| if row % 9 == 0 { NULL } else { (row % states) as u32 };
    let none: fn(usize, usize) -> u32 = |_, _| NULL;
    for states in [1, 9, 300, 5_000, 40_000] {
        let values: Vec<_> = (0..states as i64).map(|n| (n % 11 != 3).then_some(n / 2)).collect();
        let columns = kinds(&values);
        for count in COUNTS.into_iter().filter(|count| *count > 100 || states < 1000) {
            for (n, which) in [mixed, runs, gaps, none].into_iter().enumerate() {
                let numbers: Vec<u32> = (0..count).map(|row| which(row, states)).collect();
                for data in &columns {
                    // All spreads and compressions for few rows, one for many: what differs is seen in the small.
                    match count < 100 {
                        true => check(data, Rows::Numbers(&numbers)),
                        false => {
                            check_one(data, Rows::Numbers(&numbers), SPREADS[(n + states) % 3], Compression::None);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn numbers_in_order_are_the_same_as_none() {
    let values: Vec<_> = (0..30_000).map(|n: i64| (n % 11 != 3).then_some(n / 20)).collect();
    let numbers: Vec<u32> = (0..30_000).collect();
    for data in kinds(&values) {
        let mut packer = Packer::new(Compression::Zstd).expect("a packer");
        let same = chunk(&data, Rows::Same, Spread::Repeats, &mut packer);
        let numbered = chunk(&data, Rows::Numbers(&numbers), Spread::Repeats, &mut packer);
        assert_eq!(same.bytes(), numbered.bytes());
    }
}

#[test]
fn rows_without_a_value_are_refused() {
    let mut text = Text::default();
    text.push(Some("a"));
    let data = text.finish();
    let numbers = [0, 1];
    let plan = |rows, count, states| Plan::new(rows, count, states).map(|_| ());
    assert!(plan(Rows::Numbers(&numbers), 2, 1).is_err(), "no state 1");
    assert!(plan(Rows::Numbers(&numbers), 3, 2).is_err(), "no number for row 2");
    assert!(plan(Rows::Same, 2, 1).is_err(), "no value for row 1");
    let mut longer = Plan::new(Rows::Numbers(&numbers), 2, 2).expect("a plan");
    let mut packer = Packer::new(Compression::None).expect("a packer");
    let wish = Wish { spread: Spread::Repeats, bloom: false };
    assert!(encode(&data, wish, &mut longer, &mut packer).is_err(), "the next column has fewer states");
    assert!(encode(&Data::OfCertificate, wish, &mut longer, &mut packer).is_err());
}

#[test]
fn runs_of_every_length_come_back() {
    let text = |rows: Vec<Option<&str>>| {
        let mut word = Word::default();
        rows.iter().for_each(|row| word.push(*row));
        check_one(&word.finish(), Rows::Same, Spread::Repeats, Compression::None);
    };
    for length in (1..70).chain([511, 512, 513, 19_999, 20_000, 20_001]) {
        text((0..length + 5).map(|row| Some(if row < length { "a" } else { "b" })).collect());
        text((0..length).map(|row| (row % 3 > 0).then_some("a")).collect());
        text((0..length).map(|row| (row > 7).then_some("a")).collect());
        text((0..length).map(|row| (row / 50 % 2 > 0).then_some(["a", "b", "c"][row % 3])).collect());
    }
}

#[test]
fn wide_dictionaries_come_back() {
    for count in [1, 2, 3, 4, 5, 8, 9, 17, 255, 256, 257, 65_537] {
        let values: Vec<_> = (0..count).map(Some).collect();
        let numbers: Vec<u32> = (0..count as u32).chain((0..count as u32).rev()).collect();
        for data in kinds(&values) {
            check_one(&data, Rows::Numbers(&numbers), Spread::Certificate, Compression::None);
        }
    }
}

#[test]
fn a_selection_of_rows_uses_the_page_index() {
    let numbers: Vec<u32> = (0..50_000).map(|n| n / 10).collect();
    let values: Vec<_> = (0..5_000).map(Some).collect();
    for data in kinds(&values) {
        let file = file(&data, Rows::Numbers(&numbers), Spread::Repeats, Compression::Zstd);
        let selection = RowSelection::from(vec![RowSelector::skip(41_234), RowSelector::select(3)]);
        let found = read(open(&file).with_row_selection(selection));
        assert!(*found == *to_array(&data, Rows::Numbers(&[4123; 3])));
    }
}

#[test]
fn long_bounds_are_cut_and_still_bounds() {
    let column = |rows: &[&str]| {
        let mut text = Text::default();
        rows.iter().for_each(|row| text.push(Some(row)));
        check_one(&text.finish(), Rows::Same, Spread::Differs, Compression::None)
    };
    let long = "é".repeat(50) + "z";
    let longer = "ÿ".repeat(200);
    let tilde = "~".repeat(100);
    let ascii = "m".repeat(100);
    for value in [&long, &longer, &tilde, &ascii] {
        let metadata = column(&[value, "k"]);
        let statistics = metadata.row_group(0).column(0).statistics().expect("statistics");
        assert!(std::str::from_utf8(statistics.max_bytes_opt().expect("a maximum")).is_ok(), "{value}");
    }
    let metadata = column(&[&ascii]);
    let statistics = metadata.row_group(0).column(0).statistics().expect("statistics");
    assert_eq!(statistics.max_bytes_opt().map(<[u8]>::len), Some(MAX_BOUND));
    assert!(!statistics.max_is_exact());
}

#[test]
fn the_bloom_filter_knows_every_value() {
    let mut text = Text::default();
    [Some("aa"), None, Some("bb")].into_iter().for_each(|row| text.push(row));
    let data = text.finish();
    for rows in [Rows::Same, Rows::Numbers(&[0, 2, 2, 0, 1, 2, 2, 2])] {
        let mut packer = Packer::new(Compression::None).expect("a packer");
        let chunk = chunk(&data, rows, Spread::Differs, &mut packer);
        let filter = chunk.0.bloom.as_ref().expect("a filter");
        assert!(filter.check("aa") && filter.check("bb") && !filter.check("cc"));
    }
    let mut packer = Packer::new(Compression::None).expect("a packer");
    let chunk = chunk(&data, Rows::Numbers(&[1, NULL]), Spread::Differs, &mut packer);
    assert!(!chunk.0.bloom.as_ref().expect("a filter of nothing").check("aa"));
}

#[test]
fn a_wrong_pusher_costs_a_character() {
    let (mut text, mut word) = (Text::default(), Word::default());
    text.push_with(|out| out.extend_from_slice(b"a\xffb"));
    word.push_with(|out| out.extend_from_slice(b"a\xffb"));
    for data in [text.finish(), word.finish()] {
        let array = to_array(&data, Rows::Same);
        assert_eq!(array.as_string::<i32>().value(0), "a\u{fffd}b");
    }
}

#[test]
fn arrays_become_columns_again() {
    let values: Vec<_> = (0..100).map(|n: i64| (n % 11 != 3).then_some(n / 3)).collect();
    for data in kinds(&values) {
        let array = to_array(&data, Rows::Same);
        let again = Data::from_array(&array).expect("a column");
        assert!(*to_array(&again, Rows::Same) == *array);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_column_comes_back(
        states in proptest::collection::vec(proptest::option::of("[a-c]{1,3}|\\PC{1,80}"), 1..300),
        picks in proptest::collection::vec(proptest::option::of(any::<prop::sample::Index>()), 1..3000),
        spread in 0..3usize,
    ) {
        let (mut text, mut word, mut list) = (Text::default(), Word::default(), TextList::default());
        for state in &states {
            text.push(state.as_deref());
            word.push(state.as_deref());
            list.push_iter(state.iter().flat_map(|s| s.split('a')));
        }
        let numbers: Vec<u32> = picks.iter().map(|p| p.map_or(NULL, |p| p.index(states.len()) as u32)).collect();
        for data in [text.finish(), word.finish(), list.finish()] {
            check_one(&data, Rows::Same, SPREADS[spread], Compression::Zstd);
            check_one(&data, Rows::Numbers(&numbers), SPREADS[spread], Compression::Zstd);
        }
    }
}
