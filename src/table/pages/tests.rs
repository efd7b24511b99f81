//! Every shape of column, read back by arrow-rs: the pages are right if an independent reader says so.

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use proptest::prelude::*;

use super::*;
use crate::table::Data;
use crate::table::words::Word;

fn words(rows: &[Option<&str>]) -> Words {
    let mut word = Word::default();
    rows.iter().for_each(|row| word.push(*row));
    match word.finish() {
        Data::Words(words) => words,
        other => panic!("{other:?}"),
    }
}

/// A file of one column with one row group.
fn file(words: &Words, compression: Compression) -> Bytes {
    let schema = Schema::new(vec![Field::new("text", DataType::Utf8, true)]);
    let descriptor = ArrowSchemaConverter::new().convert(&schema).expect("a schema");
    let codec = match compression {
        Compression::Zstd => Codec::ZSTD(Default::default()),
        Compression::Snappy => Codec::SNAPPY,
        Compression::None => Codec::UNCOMPRESSED,
    };
    let mut packer = Packer::new(compression).expect("a packer");
    let chunk = encode(words, &descriptor.column(0), codec, &mut packer, true).expect("a chunk");
    let mut out = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut out, descriptor.root_schema_ptr(), properties).expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    group.append_column(&chunk.bytes, chunk.close).expect("appended");
    group.close().expect("closed");
    writer.close().expect("a file");
    out.into()
}

fn open(file: &Bytes) -> ParquetRecordBatchReaderBuilder<Bytes> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options).expect("a readable file")
}

fn read_back(file: &Bytes) -> Vec<Option<String>> {
    let reader = open(file).with_batch_size(777).build().expect("a reader");
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.expect("a batch");
        rows.extend(batch.column(0).as_string::<i32>().iter().map(|v| v.map(str::to_owned)));
    }
    rows
}

fn check(rows: &[Option<&str>]) -> Arc<ParquetMetaData> {
    let expected: Vec<_> = rows.iter().map(|row| row.filter(|text| !text.is_empty()).map(str::to_owned)).collect();
    let mut metadata = None;
    for compression in [Compression::Zstd, Compression::Snappy, Compression::None] {
        let file = file(&words(rows), compression);
        assert_eq!(read_back(&file), expected, "{compression:?}");
        metadata = Some(Arc::clone(open(&file).metadata()));
    }
    let metadata = metadata.expect("three files");
    let statistics = metadata.row_group(0).column(0).statistics().expect("statistics");
    assert_eq!(statistics.null_count_opt(), Some(expected.iter().filter(|row| row.is_none()).count() as u64));
    for value in expected.iter().flatten() {
        assert!(statistics.min_bytes_opt().is_some_and(|min| min <= value.as_bytes()), "{value}");
        assert!(statistics.max_bytes_opt().is_some_and(|max| max >= value.as_bytes()), "{value}");
    }
    metadata
}

#[test]
fn runs_of_every_length_come_back() {
    for length in (0..70).chain([511, 512, 513, 19_999, 20_000, 20_001, 40_001]) {
        let rows: Vec<_> = (0..length + 5).map(|row| Some(if row < length { "a" } else { "b" })).collect();
        check(&rows);
        let rows: Vec<_> = (0..length).map(|row| (row % 3 > 0).then_some("a")).collect();
        check(&rows);
        let rows: Vec<_> = (0..length).map(|row| (row > 7).then_some("a")).collect();
        check(&rows);
    }
    check(&[None; 30]);
    check(&[]);
}

#[test]
fn wide_dictionaries_come_back() {
    for count in [1, 2, 3, 4, 5, 8, 9, 255, 256, 257, 65_537] {
        let values: Vec<String> = (0..count).map(|n| format!("value {n}")).collect();
        let rows: Vec<_> = (0..count).chain((0..count).rev()).map(|n| Some(values[n].as_str())).collect();
        check(&rows);
    }
}

#[test]
fn a_selection_of_rows_uses_the_page_index() {
    let values: Vec<String> = (0..50_000).map(|n| format!("{}", n / 10)).collect();
    let rows: Vec<_> = values.iter().map(|v| Some(v.as_str())).collect();
    let file = file(&words(&rows), Compression::Zstd);
    let selection = RowSelection::from(vec![RowSelector::skip(41_234), RowSelector::select(3)]);
    let reader = open(&file).with_row_selection(selection).build().expect("a reader");
    let found: Vec<_> = reader.map(|batch| batch.expect("a batch").column(0).clone()).collect();
    let array: &StringArray = found[0].as_string();
    assert_eq!(array.iter().flatten().collect::<Vec<_>>(), ["4123", "4123", "4123"]);
}

#[test]
fn long_bounds_are_cut_and_still_bounds() {
    let long = "é".repeat(50) + "z";
    let longer = "ÿ".repeat(200);
    let tilde = "~".repeat(100);
    let ascii = "m".repeat(100);
    for value in [&long, &longer, &tilde, &ascii] {
        let metadata = check(&[Some(value.as_str()), Some("k")]);
        let statistics = metadata.row_group(0).column(0).statistics().expect("statistics");
        assert!(std::str::from_utf8(statistics.max_bytes_opt().expect("a maximum")).is_ok(), "{value}");
    }
    let metadata = check(&[Some(ascii.as_str())]);
    let statistics = metadata.row_group(0).column(0).statistics().expect("statistics");
    assert_eq!(statistics.max_bytes_opt().map(<[u8]>::len), Some(MAX_BOUND));
    assert!(!statistics.max_is_exact());
}

#[test]
fn the_bloom_filter_knows_every_value() {
    let rows = [Some("aa"), None, Some("bb")];
    let schema = Schema::new(vec![Field::new("text", DataType::Utf8, true)]);
    let descriptor = ArrowSchemaConverter::new().convert(&schema).expect("a schema");
    let mut packer = Packer::None;
    let chunk = encode(&words(&rows), &descriptor.column(0), Codec::UNCOMPRESSED, &mut packer, true).expect("a chunk");
    let filter = chunk.close.bloom_filter.expect("a filter");
    assert!(filter.check("aa") && filter.check("bb") && !filter.check("cc"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_column_comes_back(rows in proptest::collection::vec(proptest::option::of("[a-c]{0,3}|\\PC{1,80}"), 0..3000)) {
        let rows: Vec<_> = rows.iter().map(|row| row.as_deref()).collect();
        check(&rows);
    }
}
