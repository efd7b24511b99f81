//! Runs the real binary in a fresh folder and reads reports back as JSON rows.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};

/// A row, columns with a value only.
pub type Row = Map<String, Value>;

/// A fresh folder to run the binary in.
pub struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Bench { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file below the folder, making its parents.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs `certcensus` with a scrubbed environment.
    pub fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_certcensus"))
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("NO_COLOR")
            .output()
            .unwrap()
    }

    /// Scans and returns the report; fails with the command's words where it fails.
    pub fn scan(&self, inputs: &[&Path], report: &str, more: &[&str]) -> Report {
        let mut args: Vec<&str> = vec!["scan"];
        args.extend(inputs.iter().map(|p| p.to_str().unwrap()));
        args.extend(["-o", report]);
        args.extend(more);
        let out = self.run(&args);
        assert!(out.status.success(), "certcensus {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        Report { path: self.path(report) }
    }
}

/// A finished report.
pub struct Report {
    pub path: PathBuf,
}

impl Report {
    /// All rows of a table, in order.
    pub fn rows(&self, table: &str) -> Vec<Row> {
        let mut files: Vec<_> = fs::read_dir(self.path.join(table)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files.iter().flat_map(|file| read(file)).collect()
    }

    /// The bytes of all table files, with their names.
    pub fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for table in fs::read_dir(&self.path).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
            for file in fs::read_dir(table).unwrap().map(|e| e.unwrap().path()) {
                let name = file.strip_prefix(&self.path).unwrap().to_string_lossy().into_owned();
                all.push((name, fs::read(file).unwrap()));
            }
        }
        all.sort();
        all
    }

    pub fn manifest(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path.join("manifest.json")).unwrap()).unwrap()
    }
}

fn read(file: &Path) -> Vec<Row> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cells = batch.schema_ref().fields().iter().zip(batch.columns());
            let cells = cells.filter(|(_, column)| column.is_valid(row));
            rows.push(cells.map(|(field, column)| (field.name().clone(), cell(column, row))).collect());
        }
    }
    rows
}

fn cell(column: &ArrayRef, row: usize) -> Value {
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Int32 => json!(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Timestamp(..) => json!(time(column.as_primitive::<TimestampMicrosecondType>().value(row))),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|i| cell(&items, i)).collect()
        }
        other => panic!("a type that no report has: {other}"),
    }
}

/// Microseconds as people read them.
fn time(micros: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap();
    at.format(&time::format_description::well_known::Rfc3339).unwrap()
}

/// The project's folder of samples.
pub fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// The corpus of real exports, where this machine has it; says so where it does not.
pub fn corpus(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let path = std::env::var_os("CERTCENSUS_CORPUS").map_or_else(beside, PathBuf::from).join(part);
    if !path.is_dir() {
        println!("skipped: no corpus of real exports at {}", path.display());
        return None;
    }
    Some(path)
}

/// Selected columns of a row; absent ones stay absent.
pub fn pick(row: &Row, columns: &[&str]) -> Row {
    columns.iter().filter_map(|c| row.get(*c).map(|v| ((*c).to_owned(), v.clone()))).collect()
}

/// The lines that differ, as a person reads them: `-` expected and missing, `+` found and not expected, with a few
/// equal lines around. Empty where the texts are equal.
pub fn diff(expected: &str, found: &str) -> String {
    const AROUND: usize = 3;
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    // longest[i][j]: length of the longest common subsequence of old[i..] and new[j..].
    let mut longest = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let either = longest[i + 1][j].max(longest[i][j + 1]);
            longest[i][j] = if old[i] == new[j] { longest[i + 1][j + 1] + 1 } else { either };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    let changed = |at: usize| lines[at].0 != ' ';
    let mut text = String::new();
    let mut shown = 0;
    for at in 0..lines.len() {
        if (at.saturating_sub(AROUND)..lines.len().min(at + AROUND + 1)).any(changed) {
            if at > shown {
                text.push_str("...\n");
            }
            text.push_str(&format!("{} {}\n", lines[at].0, lines[at].1));
            shown = at + 1;
        }
    }
    text
}

/// Columns that say where a row stands, and nothing else.
pub const LINEAGE: [&str; 8] = [
    "source_id",
    "source_path",
    "source_member",
    "byte_offset",
    "observation_id",
    "binding_id",
    "template_id",
    "request_id",
];

/// The tables of a report except `sources`.
pub const CONTENT: [&str; 11] = [
    "observations",
    "certificates",
    "keys",
    "evidence",
    "providers",
    "bindings",
    "templates",
    "requests",
    "findings",
    "clients",
    "rejects",
];

/// Rows without some of their columns.
pub fn without(rows: Vec<Row>, columns: &[&str]) -> Vec<Row> {
    let strip = |mut row: Row| {
        row.retain(|name, _| !columns.contains(&name.as_str()));
        row
    };
    rows.into_iter().map(strip).collect()
}

impl Bench {
    /// The binary with a scrubbed environment, in the folder, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certcensus"));
        command.args(args).current_dir(self.dir.path()).env_remove("NO_COLOR");
        command
    }

    /// Writes a synthetic fleet below the folder.
    pub fn fleet(&self, name: &str, options: &certcensus::synth::Options) -> certcensus::synth::Summary {
        certcensus::synth::write(options, &self.path(name)).unwrap()
    }
}
