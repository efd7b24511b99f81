//! Columns to Parquet column chunks. Runs on any worker; the finished chunks are appended in order elsewhere.

use std::sync::Arc;

use arrow::datatypes::Schema;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, TypePtr};

use super::pages::{self, Wish};
pub use super::pages::{Chunk, Packer};
use super::plan::Plan;
use super::{BLOOM, Compression, Data, Rows, Table};
use crate::error::Error;

/// One encoded row group, not yet in a file.
pub struct RowGroup {
    table: &'static Table,
    /// Rows.
    pub rows: usize,
    pub(super) chunks: Vec<Chunk>,
}

impl RowGroup {
    /// The encoded column of this name, for a table that has the same values in the same rows.
    pub fn chunk(&self, name: &str) -> Option<&Chunk> {
        self.chunks.get(self.table.index(name)?)
    }
}

/// Encodes the row groups of one table.
pub struct Encoder {
    /// The table.
    pub table: &'static Table,
    compression: Compression,
    root: TypePtr,
    properties: WriterPropertiesPtr,
    pub(super) leaves: Vec<ColumnDescPtr>,
}

impl Encoder {
    /// An encoder for `table`.
    pub fn new(table: &'static Table, compression: Compression) -> Result<Self, Error> {
        let schema = table.schema();
        let descriptor = ArrowSchemaConverter::new().convert(&schema)?;
        let properties = Arc::new(properties(table, &schema));
        // No column has more than one leaf, so columns and leaves have the same order.
        let leaves = descriptor.columns().to_vec();
        Ok(Encoder { table, compression, root: descriptor.root_schema_ptr(), properties, leaves })
    }

    /// What compresses the columns of a table: one a worker, for any table and any number of row groups.
    pub fn packer(&self) -> Result<Packer, Error> {
        Packer::new(self.compression)
    }

    /// Encodes one row group of `rows` rows from the values of its columns, in the order of the table, and which of
    /// them each row has. Where `reuse` knows a chunk for the column of a name, with the same values in the same rows,
    /// that is taken as it is.
    pub fn encode<'a>(
        &self,
        packer: &mut Packer,
        rows: usize,
        columns: impl Iterator<Item = Result<(&'a Data, Rows<'a>), Error>>,
        reuse: impl Fn(&str) -> Option<&'a Chunk>,
    ) -> Result<RowGroup, Error> {
        let mut group = RowGroup { table: self.table, rows, chunks: Vec::with_capacity(self.leaves.len()) };
        if rows == 0 {
            return Ok(group);
        }
        packer.begin();
        let mut plans: Vec<Plan<'a>> = Vec::new();
        for (column, data) in self.table.columns.iter().zip(columns) {
            let (data, which) = data?;
            let chunk = match reuse(column.name) {
                Some(chunk) => chunk.clone(),
                None => {
                    let wish = Wish { spread: column.spread, bloom: BLOOM.contains(&column.name) };
                    let wrong = |e| Error::Encode(format!("{}.{}: {e}", self.table.name, column.name));
                    let known = plans.iter().position(|plan| plan.is_for(which));
                    let at = match known {
                        Some(at) => at,
                        None => {
                            plans.push(Plan::new(which, rows, data.len()).map_err(wrong)?);
                            plans.len() - 1
                        }
                    };
                    pages::encode(data, wish, &mut plans[at], packer).map_err(wrong)?
                }
            };
            self.check(&chunk, group.chunks.len(), rows)?;
            group.chunks.push(chunk);
        }
        match group.chunks.len() == self.leaves.len() {
            true => Ok(group),
            false => Err(Error::Encode(format!("{} lacks columns", self.table.name))),
        }
    }

    fn check(&self, chunk: &Chunk, at: usize, rows: usize) -> Result<(), Error> {
        let leaf = self.leaves.get(at).filter(|leaf| leaf.physical_type() == chunk.physical());
        match leaf.is_some() && chunk.rows() == rows {
            true => Ok(()),
            false => Err(Error::Encode(format!("{}: column {at} does not fit", self.table.name))),
        }
    }

    pub(super) fn file<W: std::io::Write + Send>(&self, out: W) -> Result<SerializedFileWriter<W>, Error> {
        Ok(SerializedFileWriter::new(out, Arc::clone(&self.root), Arc::clone(&self.properties))?)
    }
}

/// What files say of themselves; how columns are encoded is the business of `pages`.
fn properties(table: &Table, schema: &Schema) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_bloom_filter_for_dictionary_encoded_chunks(true)
        .set_created_by(concat!("certcensus version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![
            KeyValue::new("certcensus.table".to_owned(), table.doc.to_owned()),
            KeyValue::new("certcensus.columns".to_owned(), dictionary(table)),
        ]))
        .build();
    add_encoded_arrow_schema_to_metadata(schema, &mut properties);
    properties
}

/// The descriptions of all columns as one JSON object, for engines that do not show field metadata.
fn dictionary(table: &Table) -> String {
    let columns = table.columns.iter().map(|c| (c.name.to_owned(), c.resolved_doc().into()));
    serde_json::Value::Object(columns.collect()).to_string()
}
