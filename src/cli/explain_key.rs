//! `certcensus explain KEY_ID --report REPORT`: why a report says what it says of one key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::paint::escape;
use crate::error::Error;

/// One row by column, values as text.
type Row = BTreeMap<String, String>;

/// What a report holds of the key with this id; `None` where it holds no such key.
pub fn tell(report: &Path, key_id: &str) -> Result<Option<String>, Error> {
    let keys = rows(report, "keys", key_id)?;
    let Some(key) = keys.first() else { return Ok(None) };
    let has = |row: &Row, column: &str| row.get(column).map(|text| escape(text)).unwrap_or_else(|| "-".into());
    let mut text = format!("{key_id} (key)\n");
    for (label, columns) in [
        ("client", &["client", "store_location", "store_name", "user_sid"][..]),
        ("certificate", &["subject", "thumbprint"]),
        ("algorithm", &["key_algorithm", "key_size_bits"]),
        ("seen in", &["observations", "sources", "enrolments"]),
    ] {
        let told: Vec<String> =
            columns.iter().filter(|column| key.contains_key(**column)).map(|c| has(key, c)).collect();
        let _ = writeln!(text, "  {label:<12} {}", told.join(" · "));
    }
    let grade = |column: &str| key.get(column).map_or("no grade", String::as_str).to_owned();
    let _ = writeln!(
        text,
        "  verdict      key {}; API {} ({}); storage {} ({}); in hardware: {}",
        has(key, "key_presence"),
        has(key, "key_api"),
        grade("key_api_grade"),
        has(key, "key_storage"),
        grade("key_storage_grade"),
        key.get("hardware_backed").map_or("not known", String::as_str),
    );
    for row in rows(report, "evidence", key_id)? {
        let _ = writeln!(
            text,
            "    because    {:<7} {:<12} rank {:<2} {} = {:?} says {} [{}] {} @{}{}",
            has(&row, "subject"),
            has(&row, "outcome"),
            has(&row, "rank"),
            has(&row, "kind"),
            row.get("value").map(|value| escape(value)).unwrap_or_default(),
            has(&row, "says"),
            has(&row, "rule"),
            has(&row, "source_path"),
            has(&row, "byte_offset"),
            row.get("times").filter(|n| *n != "1").map(|n| format!(", said {n} times")).unwrap_or_default(),
        );
    }
    for row in rows(report, "findings", key_id)? {
        let _ = writeln!(
            text,
            "  finding      {} {} ({}): {}",
            has(&row, "rule"),
            has(&row, "status"),
            has(&row, "severity"),
            has(&row, "message"),
        );
    }
    Ok(Some(text))
}

/// The rows of a table that are about the key.
fn rows(report: &Path, table: &str, key_id: &str) -> Result<Vec<Row>, Error> {
    let folder = report.join(table);
    let entries = fs::read_dir(&folder).map_err(Error::io(&folder))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).map_err(Error::io(&file))?)?;
        for batch in builder.build()? {
            let batch = batch?;
            let Some(ids) = batch.column_by_name("key_id").and_then(|column| column.as_string_opt::<i32>()) else {
                continue;
            };
            for row in (0..batch.num_rows()).filter(|row| ids.is_valid(*row) && ids.value(*row) == key_id) {
                let cells = batch.schema_ref().fields().iter().zip(batch.columns());
                let cells = cells.filter(|(_, column)| column.is_valid(row));
                let text = cells.filter_map(|(field, column)| {
                    let value = match column.data_type() {
                        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
                        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
                        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
                        DataType::Boolean => column.as_boolean().value(row).to_string(),
                        _ => return None,
                    };
                    Some((field.name().clone(), value))
                });
                found.push(text.collect());
            }
        }
    }
    Ok(found)
}
