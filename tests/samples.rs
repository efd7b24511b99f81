//! Every sample yields the rows that a person reviewed: the real binary scans `samples/FORMAT`, and what its report
//! says must be what `samples/FORMAT/expected.txt` says.
//!
//! After a wanted change, `UPDATE_EXPECTED=1 cargo test --test samples` rewrites the expected rows; the review is to
//! read their diff. A verdict there is right because the design and the sample say so, never because it came out.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use certcensus::format::{FORMATS, HEAD, Head};
use certcensus::table::{TABLES, Table};
use serde_json::Value;
use support::{Bench, Report, Row, diff, samples};

/// The rows that the files of a sample folder must yield.
const EXPECTED: &str = "expected.txt";

/// What may stand beside the input files of a sample folder.
const BESIDE: [&str; 2] = [EXPECTED, "README.md"];

/// Folders of `samples` that belong to no format.
const OTHER_FOLDERS: &[&str] = &["collect", "fleet", "queries"];

/// Tables of the join, which are tested on their own (`tests/join.rs`, `tests/rules.rs`): here is told what a reader reads.
const JOINED: [&str; 2] = ["keys", "evidence"];

/// The rules that readers themselves find.
const AT_ONCE: [&str; 2] = ["private_key_in_export", "capi_smart_card_use"];

const HEADER: &str = "\
Rows that the files of this folder must yield, by table; only columns with a value. \"VERDICT by RULE (GRADE)\" stands
for three columns, \"CONTRADICTED\" for a conflict. Rewritten by: UPDATE_EXPECTED=1 cargo test --test samples
";

/// Columns that say nothing a reviewer could check: hashes of hashes, repetitions of the title of the block, and facts
/// of the certificate that its own row shows. A column that is not here is shown.
const HIDDEN: &[(&str, &[&str])] = &[
    ("*", &["audit", "source_id", "source_path", "source_member", "observation_id", "byte_offset"]),
    (
        "observations",
        &[
            "format sha256 spki_sha256 issuer serial not_before not_after not_after_year validity_days key_algorithm",
            "key_size_bits curve signature_algorithm is_ca is_self_signed eku is_client_auth is_server_auth",
            "is_smart_card_logon san_dns san_upn template_name template_oid pqc_status key_api_grade subject_cn",
            "key_api_rule key_api_conflict key_storage_grade key_storage_rule key_storage_conflict",
        ],
    ),
    ("sources", &["sha256 records yielded skipped skip_reasons rejects"]),
    (
        "clients",
        &[
            "keys keys_capi keys_cng keys_api_unknown keys_hardware keys_attested keys_conflicting",
            "findings_block findings_warn findings_unknown",
        ],
    ),
    ("certificates", &["thumbprint subject_cn issuer_cn der_bytes not_after_year validity_days is_weak version"]),
];

fn is_hidden(table: &Table, column: &str) -> bool {
    let lists = HIDDEN.iter().filter(|(name, _)| *name == "*" || *name == table.name);
    lists.flat_map(|(_, lists)| *lists).any(|list| list.split(' ').any(|name| name == column))
}

/// The form of most exports is known well; only where it is not is it worth a line.
fn is_usual(column: &str, value: &Value) -> bool {
    column == "format_confidence" && value == "seen" || column == "is_roca" && value == false
}

/// The samples by format: every folder of `samples` and its input files.
fn folders() -> BTreeMap<String, Vec<PathBuf>> {
    let children = |path: &Path| fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let folders = children(&samples()).into_iter().filter(|path| path.is_dir());
    let folders = folders.filter(|path| !OTHER_FOLDERS.contains(&name(path).as_str()));
    let is_input = |file: &PathBuf| !BESIDE.contains(&name(file).as_str());
    folders.map(|path| (name(&path), files_below(&path).into_iter().filter(is_input).collect())).collect()
}

/// Every file in a folder and below it.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Names of every format that claims a file, in the order of the list.
fn claims(file: &Path) -> Vec<&'static str> {
    let bytes = fs::read(file).unwrap();
    let head = &bytes[..bytes.len().min(HEAD)];
    let head = Head { bytes: head, complete: head.len() == bytes.len(), len: Some(bytes.len() as u64) };
    FORMATS.iter().filter(|format| (format.sniff)(&head)).map(|format| format.name).collect()
}

#[test]
fn every_format_that_is_read_has_samples() {
    let folders = folders();
    for format in FORMATS.iter().filter(|format| format.is_read()) {
        let inputs = folders.get(format.name).map_or(0, Vec::len);
        assert!(inputs > 0, "add samples/{}/ with input files and {EXPECTED}", format.name);
    }
}

#[test]
fn every_sample_is_claimed_by_the_format_of_its_folder_alone() {
    for (folder, files) in folders() {
        for file in files {
            assert_eq!(claims(&file), [folder.as_str()], "{}", file.display());
        }
    }
}

#[test]
fn what_stands_beside_the_samples_is_no_input() {
    let mut beside = vec![samples().join("README.md")];
    for folder in folders().keys() {
        let expected = samples().join(folder).join(EXPECTED);
        assert!(expected.is_file(), "{} is missing: UPDATE_EXPECTED=1 cargo test --test samples", expected.display());
        beside.extend(BESIDE.map(|name| samples().join(folder).join(name)).into_iter().filter(|path| path.is_file()));
    }
    for path in beside {
        assert!(claims(&path).is_empty(), "{} is {:?}", path.display(), claims(&path));
    }
}

#[test]
fn samples_yield_the_expected_rows() {
    let mut wrong = String::new();
    for folder in folders().keys() {
        let bench = Bench::new();
        let input = samples().join(folder);
        let report = bench.scan(&[&input], "report", &BESIDE.map(|name| ["--exclude", name]).concat());
        let found = render(&report);
        let path = input.join(EXPECTED);
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if expected != found {
            write!(wrong, "\n{}:\n{}", path.display(), diff(&expected, &found)).unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "rows differ from the reviewed ones (- expected, + found); if the new ones are right: \
         UPDATE_EXPECTED=1 cargo test --test samples\n{wrong}"
    );
}

#[test]
fn formats_that_are_only_recognised_are_not_called_unknown() {
    let bench = Bench::new();
    bench.put("in/part", b"PAR1\0\0\0");
    let out = bench.run(&["scan", "in", "-o", "report"]);
    assert_eq!(out.status.code(), Some(3));
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(words.contains("nothing to read") && !words.contains("unrecognised"), "{words}");
    let sources = Report { path: bench.path("report") }.rows("sources");
    assert_eq!((&sources[0]["format"], &sources[0]["status"]), (&"parquet".into(), &"unsupported".into()));
    let out = bench.run(&["scan", "in", "--dry-run", "-o", "report"]);
    assert!(String::from_utf8_lossy(&out.stdout).contains("parquet"), "{out:?}");
}

/// A report as text: tables in the order of the documentation, one block a row, rows in the order of the report.
fn render(report: &Report) -> String {
    let mut text = HEADER.to_owned();
    for table in TABLES.iter().filter(|table| !JOINED.contains(&table.name)) {
        let mut rows = report.rows(table.name);
        rows.retain(|row| row.get("rule").is_none_or(|rule| AT_ONCE.iter().any(|at_once| rule == at_once)));
        writeln!(text, "\n## {}: {}", table.name, rows.len()).unwrap();
        for row in &rows {
            writeln!(text, "\n{}", title(table, row)).unwrap();
            for column in table.columns.iter().filter(|column| !is_hidden(table, column.name)) {
                if let Some(value) = row.get(column.name).filter(|value| !is_usual(column.name, value)) {
                    writeln!(text, "    {} = {}", column.name, cell(row, column.name, value)).unwrap();
                }
            }
            if table.name == "sources" {
                writeln!(text, "    {}", sum(row)).unwrap();
            }
        }
    }
    text
}

/// What a block is about: the place of the row, or what names it.
fn title(table: &Table, row: &Row) -> String {
    let text = |column: &str| row.get(column).and_then(Value::as_str).map(str::to_owned);
    let source = || match text("source_member") {
        Some(member) => Some(format!("{} > {}", text("source_path")?, escaped(&member))),
        None => text("source_path"),
    };
    let place = || {
        let offset = row.get("byte_offset")?;
        // A second row at one offset is told by the suffix of its id.
        let part = text("observation_id").and_then(|id| id.split_once('.').map(|(_, part)| format!(".{part}")));
        Some(format!("{} @{offset}{}", source()?, part.unwrap_or_default()))
    };
    let whole = || if table.name == "certificates" { text("thumbprint") } else { source() };
    place().or_else(whole).or_else(|| text("client")).unwrap_or_else(|| "(no client)".to_owned())
}

/// A value; a verdict with its rule, grade and conflict beside it.
fn cell(row: &Row, column: &str, value: &Value) -> String {
    let mut text = match value {
        Value::String(text) => escaped(text),
        other => other.to_string(),
    };
    let part = |suffix: &str| row.get(&format!("{column}_{suffix}"));
    if let Some(rule) = part("rule").and_then(Value::as_str) {
        text.push_str(&format!(" by {rule}"));
    }
    if let Some(grade) = part("grade").and_then(Value::as_str) {
        text.push_str(&format!(" ({grade})"));
    }
    if part("conflict") == Some(&Value::Bool(true)) {
        text.push_str(", CONTRADICTED");
    }
    text
}

/// One line a value: what a terminal or an editor would take for more is escaped.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |text, c| {
        if c.is_control() { text + &c.escape_default().to_string() } else { text + c.encode_utf8(&mut [0; 4]) }
    })
}

/// The sum of a source: records = yielded + skipped + lost.
fn sum(row: &Row) -> String {
    let number = |column: &str| row[column].as_i64().unwrap();
    let (records, yielded, skipped, lost) =
        (number("records"), number("yielded"), number("skipped"), number("rejects"));
    assert_eq!(records, yielded + skipped + lost, "{row:?}");
    let reasons = row.get("skip_reasons").and_then(Value::as_array).cloned().unwrap_or_default();
    let reasons: Vec<_> = reasons.iter().filter_map(Value::as_str).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    format!("{records} records = {yielded} yielded + {skipped} skipped{reasons} + {lost} lost")
}
