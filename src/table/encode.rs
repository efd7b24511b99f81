//! Columns to Parquet column chunks. Runs on any worker; the finished chunks are appended in order elsewhere.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, ColumnPath, TypePtr};

use super::pages::{self, Packer};
use super::{BLOOM, BLOOM_FALSE_POSITIVES, Compression, Data, Kind, Spread, Table};
use crate::error::Error;

/// Distinct values a bloom filter is sized for: the rows of one row group.
const BLOOM_VALUES: u64 = 32 * 1024;
/// A dictionary of fewer values is written as one, however few rows there are.
const FEW_WORDS: usize = 64;

/// One encoded row group, not yet in a file.
pub struct RowGroup {
    /// Rows.
    pub rows: usize,
    pub(super) chunks: Vec<Chunk>,
}

/// One encoded column of a row group.
pub(super) enum Chunk {
    /// By arrow-rs.
    Arrow(ArrowColumnChunk),
    /// By `pages`.
    Made(pages::Chunk),
}

/// Encodes the row groups of one table.
pub struct Encoder {
    /// The table.
    pub table: &'static Table,
    compression: Compression,
    codec: Codec,
    root: TypePtr,
    properties: WriterPropertiesPtr,
    columns: Vec<ColumnEncoder>,
}

/// What is needed to encode one column by arrow-rs, made ready once a scan.
struct ColumnEncoder {
    field: FieldRef,
    /// The leaf of a plain column.
    leaf: ColumnDescPtr,
    repeating: ArrowRowGroupWriterFactory,
    distinct: ArrowRowGroupWriterFactory,
    bloom: bool,
}

impl Encoder {
    /// An encoder for `table`.
    pub fn new(table: &'static Table, compression: Compression) -> Result<Self, Error> {
        let codec = match compression {
            Compression::Zstd => Codec::ZSTD(ZstdLevel::try_new(1)?),
            Compression::Snappy => Codec::SNAPPY,
            Compression::None => Codec::UNCOMPRESSED,
        };
        let schema = table.schema();
        let root = ArrowSchemaConverter::new().convert(&schema)?.root_schema_ptr();
        let properties = Arc::new(properties(table, &schema, codec, false)?);
        let distinct = Arc::new(self::properties(table, &schema, codec, true)?);
        let columns = table.columns.iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| {
            // One schema a column: a writer is only made for columns that need one, as each costs a compressor.
            let alone = Arc::new(Schema::new(vec![Arc::clone(field)]));
            let descriptor = ArrowSchemaConverter::new().convert(&alone)?;
            Ok(ColumnEncoder {
                field: Arc::clone(field),
                leaf: descriptor.column(0),
                repeating: factory(&descriptor.root_schema_ptr(), &properties, &alone)?,
                distinct: factory(&descriptor.root_schema_ptr(), &distinct, &alone)?,
                bloom: BLOOM.contains(&column.name),
            })
        });
        let columns = columns.collect::<Result<Vec<_>, Error>>()?;
        Ok(Encoder { table, compression, codec, root, properties, columns })
    }

    /// Encodes one row group, column by column, so that each column is freed before the next one is built.
    ///
    /// `distinct_certificates` says that the certificates of this group hardly repeat, so that dictionaries of
    /// their values would be built for nothing.
    pub fn encode(
        &self,
        rows: usize,
        columns: impl Iterator<Item = Result<Data, Error>>,
        distinct_certificates: bool,
    ) -> Result<RowGroup, Error> {
        let mut packer = Packer::new(self.compression)?;
        let mut chunks = Vec::with_capacity(self.columns.len());
        for (encoder, column) in self.columns.iter().zip(columns) {
            let column = match column? {
                Data::Words(words) if words.dictionary.len() * 2 <= rows || words.dictionary.len() < FEW_WORDS => {
                    self.check(encoder, words.numbers.len(), rows)?;
                    let chunk = pages::encode(&words, &encoder.leaf, self.codec, &mut packer, encoder.bloom)?;
                    chunks.push(Chunk::Made(chunk));
                    continue;
                }
                Data::Words(words) => Arc::new(words.to_array()) as ArrayRef,
                Data::Array(array) => array,
                Data::OfCertificate => {
                    return Err(Error::Encode(format!("{} was not gathered", encoder.field.name())));
                }
            };
            self.check(encoder, column.len(), rows)?;
            let factory = if distinct_certificates { &encoder.distinct } else { &encoder.repeating };
            let mut writers = factory.create_column_writers(0)?.into_iter();
            for leaf in compute_leaves(&encoder.field, &column)? {
                let mut writer = writers.next().ok_or_else(|| Error::Encode("too few column writers".into()))?;
                writer.write(&leaf)?;
                chunks.push(Chunk::Arrow(writer.close()?));
            }
        }
        Ok(RowGroup { rows, chunks })
    }

    fn check(&self, encoder: &ColumnEncoder, have: usize, rows: usize) -> Result<(), Error> {
        match have == rows {
            true => Ok(()),
            false => {
                Err(Error::Encode(format!("{}.{} has {have} of {rows} rows", self.table.name, encoder.field.name())))
            }
        }
    }

    pub(super) fn file<W: std::io::Write + Send>(&self, out: W) -> Result<SerializedFileWriter<W>, Error> {
        Ok(SerializedFileWriter::new(out, Arc::clone(&self.root), Arc::clone(&self.properties))?)
    }
}

/// A factory needs a file writer to learn the schema from; it never writes to it.
fn factory(
    root: &TypePtr,
    properties: &WriterPropertiesPtr,
    schema: &SchemaRef,
) -> Result<ArrowRowGroupWriterFactory, Error> {
    let file = SerializedFileWriter::new(std::io::sink(), Arc::clone(root), Arc::clone(properties))?;
    Ok(ArrowRowGroupWriterFactory::new(&file, Arc::clone(schema)))
}

fn properties(
    table: &Table,
    schema: &SchemaRef,
    codec: Codec,
    distinct_certificates: bool,
) -> Result<WriterProperties, Error> {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(codec)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_bloom_filter_for_dictionary_encoded_chunks(true)
        .set_created_by(concat!("certcensus version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![
            KeyValue::new("certcensus.table".to_owned(), table.doc.to_owned()),
            KeyValue::new("certcensus.columns".to_owned(), dictionary(table)),
        ]));
    for column in table.columns {
        let path = match column.resolved_kind() {
            Kind::TextList => ColumnPath::new(vec![column.name.to_owned(), "list".to_owned(), "element".to_owned()]),
            _ => ColumnPath::from(column.name),
        };
        let plain = match column.spread {
            Spread::Repeats => false,
            Spread::Differs => true,
            Spread::Certificate => distinct_certificates,
        };
        if plain {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
        }
        if BLOOM.contains(&column.name) {
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, BLOOM_VALUES);
        }
    }
    let mut properties = builder.build();
    add_encoded_arrow_schema_to_metadata(schema, &mut properties);
    Ok(properties)
}

/// The descriptions of all columns as one JSON object, for engines that do not show field metadata.
fn dictionary(table: &Table) -> String {
    let columns = table.columns.iter().map(|c| (c.name.to_owned(), c.resolved_doc().into()));
    serde_json::Value::Object(columns.collect()).to_string()
}
