//! The tables of a report: columns as data.
//!
//! A column is one entry in a list of `columns.rs`; the builder's field, the Arrow and Parquet schema, the
//! dictionary inside every file and the output of `certcensus schema` all come from that entry.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use clap::ValueEnum;

pub mod build;
pub mod columns;
mod data;
pub mod encode;
mod hexframe;
mod leaf;
mod packer;
pub mod pages;
mod plan;
mod runs;
pub mod words;
pub mod write;

pub use data::{Data, Lists, Rows, Strings, Texts, Validity, Values, Words};

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// UTF-8 text: lower-case hex of bytes.
    Hex,
    /// UTF-8 text of few values.
    Word,
    /// Signed 32-bit integer.
    Int32,
    /// Signed 64-bit integer.
    Int64,
    /// True or false.
    Bool,
    /// Timestamp: INT64, microseconds, UTC.
    Time,
    /// List of text.
    TextList,
    /// Same type and meaning as the column of this name in `certificates`.
    OfCertificate,
    /// The same, where the certificate is known; else what the record claims.
    OrOfCertificate,
}

/// How the values of a column repeat; decides its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Few values: dictionary encoding.
    Repeats,
    /// Almost every value differs: plain encoding.
    Differs,
    /// Differs exactly where the certificates of the row group do; decided group by group.
    Certificate,
}

/// What the value of a column is a function of: rows that agree there have the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// The row itself.
    Row,
    /// The collection that the row stands in: its source, client and header.
    Run,
    /// What the row claims of its key, and the verdicts on it.
    Key,
    /// The row's certificate.
    Own,
    /// The profile of the row's certificate, which it shares with others of its issuer and template.
    Profile,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name, lower_snake.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Encoding hint.
    pub spread: Spread,
    /// What the value is a function of; see [`Column::resolved_block`].
    pub block: Block,
    /// What it holds, with units and source.
    pub doc: &'static str,
}

/// Columns with a bloom filter, in every table that has them: what people look one row up by.
pub const BLOOM: &[&str] = &["thumbprint", "sha256", "serial"];

/// Share of false positives of a bloom filter.
const BLOOM_FALSE_POSITIVES: f64 = 0.02;

/// Compression of the report files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    /// Zstandard level 1: the smallest files at the least cost; higher levels cost time and save nothing here.
    #[default]
    Zstd,
    /// Snappy, for engines without Zstandard.
    Snappy,
    /// No compression.
    None,
}

/// One table.
#[derive(Debug)]
pub struct Table {
    /// Name of the table and its folder.
    pub name: &'static str,
    /// What one row is.
    pub doc: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

impl Column {
    /// The type, with `OfCertificate` resolved.
    pub fn resolved_kind(&self) -> Kind {
        match self.kind {
            Kind::OfCertificate | Kind::OrOfCertificate => {
                columns::CERTIFICATES.column(self.name).map_or(Kind::Text, |c| c.kind)
            }
            kind => kind,
        }
    }

    /// The block, with that of the certificate's column where it comes from there.
    pub fn resolved_block(&self) -> Block {
        match self.kind {
            Kind::OfCertificate | Kind::OrOfCertificate => {
                columns::CERTIFICATES.column(self.name).map_or(Block::Own, |c| c.block)
            }
            _ => self.block,
        }
    }

    /// The description, with that of the certificate's column where this one adds nothing.
    pub fn resolved_doc(&self) -> &'static str {
        match self.kind {
            Kind::OfCertificate if self.doc.is_empty() => columns::CERTIFICATES.column(self.name).map_or("", |c| c.doc),
            _ => self.doc,
        }
    }

    /// The Arrow type.
    pub fn data_type(&self) -> DataType {
        match self.resolved_kind() {
            Kind::Text | Kind::Hex | Kind::Word | Kind::OfCertificate | Kind::OrOfCertificate => DataType::Utf8,
            Kind::Int32 => DataType::Int32,
            Kind::Int64 => DataType::Int64,
            Kind::Bool => DataType::Boolean,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(build::UTC.into())),
            Kind::TextList => DataType::List(build::element_field()),
        }
    }

    /// The type as people of databases call it.
    pub fn type_name(&self) -> &'static str {
        match self.resolved_kind() {
            Kind::Text | Kind::Hex | Kind::Word | Kind::OfCertificate | Kind::OrOfCertificate => "text",
            Kind::Int32 => "int32",
            Kind::Int64 => "int64",
            Kind::Bool => "bool",
            Kind::Time => "timestamp (us, UTC)",
            Kind::TextList => "list of text",
        }
    }
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Position of the column of this name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// The Arrow schema, with every description as field metadata.
    pub fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|column| {
            let metadata = HashMap::from([("description".to_owned(), column.resolved_doc().to_owned())]);
            Field::new(column.name, column.data_type(), true).with_metadata(metadata)
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// Every table, in the order of the documentation.
pub static TABLES: LazyLock<Vec<&'static Table>> = LazyLock::new(|| {
    vec![
        &columns::OBSERVATIONS,
        &columns::CERTIFICATES,
        &columns::KEYS,
        &columns::EVIDENCE,
        &columns::PROVIDERS,
        &columns::BINDINGS,
        &columns::TEMPLATES,
        &columns::REQUESTS,
        &columns::FINDINGS,
        &columns::CLIENTS,
        &columns::SOURCES,
        &columns::REJECTS,
    ]
});

/// Declares a table: its list of columns and the builder of its rows, from one list of entries
/// `name: Kind, Spread @ Block, "description";`. Without a block it is `Row`.
macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        $list:ident = $name:literal, $builder:ident {
            $($column:ident : $kind:ident, $spread:ident $(@ $block:ident)?, $column_doc:literal;)+
        }
    ) => {
        $(#[doc = $doc])+
        pub static $list: $crate::table::Table = $crate::table::Table {
            name: $name,
            doc: concat!($($doc,)+).trim_ascii(),
            columns: &[$($crate::table::Column {
                name: stringify!($column),
                kind: $crate::table::Kind::$kind,
                spread: $crate::table::Spread::$spread,
                block: $crate::table::block!($($block)?),
                doc: $column_doc,
            },)+],
        };

        #[doc = concat!("Builder of `", $name, "` rows: one field a column.")]
        #[derive(Default)]
        #[allow(missing_docs)]
        pub struct $builder {
            $(pub $column: $crate::table::build::$kind,)+
        }

        impl $builder {
            /// The finished columns, in the order of the table; the builder is empty afterwards.
            pub fn finish(&mut self) -> Vec<$crate::table::Data> {
                vec![$(self.$column.finish(),)+]
            }
        }
    };
}
pub(crate) use table;

/// The block of an entry.
macro_rules! block {
    () => {
        $crate::table::Block::Row
    };
    ($block:ident) => {
        $crate::table::Block::$block
    };
}
pub(crate) use block;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_documented_and_named_once() {
        for table in TABLES.iter() {
            let mut names: Vec<_> = table.columns.iter().map(|c| c.name).collect();
            for column in table.columns {
                assert!(column.resolved_doc().len() > 6, "{}.{} has no description", table.name, column.name);
                if matches!(column.kind, Kind::OfCertificate | Kind::OrOfCertificate) {
                    let origin = columns::CERTIFICATES.column(column.name);
                    assert!(origin.is_some(), "{} is not a column of certificates", column.name);
                }
            }
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.columns.len(), "{} repeats a column", table.name);
            assert_eq!(table.columns[0].name, "audit", "{} lacks audit", table.name);
        }
    }

    /// The columns that the contract promises for every version, in its order.
    #[test]
    fn observations_keep_the_promised_columns() {
        let promised = "audit observation_id client client_basis store_location store_name user_sid collected_at \
            collector collector_version thumbprint sha256 spki_sha256 certificate_basis subject subject_cn issuer \
            serial not_before not_after not_after_year validity_days key_algorithm key_size_bits curve \
            signature_algorithm is_ca is_self_signed eku is_client_auth is_server_auth is_smart_card_logon san_dns \
            san_upn template_name template_oid printed_subject printed_issuer printed_not_after key_id key_presence \
            has_private_key provider_name provider_type key_spec key_flags key_container key_path impl_flags \
            is_exportable key_api key_api_grade key_api_rule key_api_conflict key_storage key_storage_grade \
            key_storage_rule key_storage_conflict hardware_backed attestation_assurance pqc_status source_id \
            source_path source_member byte_offset record_number";
        let have: Vec<_> = columns::OBSERVATIONS.columns.iter().map(|c| c.name).collect();
        let kept: Vec<_> = have.iter().copied().filter(|n| promised.split_whitespace().any(|p| p == *n)).collect();
        assert_eq!(kept, promised.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn types_are_those_every_engine_reads() {
        for table in TABLES.iter() {
            for field in table.schema().fields() {
                let plain = matches!(
                    field.data_type(),
                    DataType::Utf8 | DataType::Int32 | DataType::Int64 | DataType::Boolean | DataType::List(_)
                ) || matches!(field.data_type(), DataType::Timestamp(TimeUnit::Microsecond, Some(z)) if &**z == "UTC");
                assert!(plain, "{}.{}: {}", table.name, field.name(), field.data_type());
            }
        }
    }
}
