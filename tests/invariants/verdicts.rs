//! Invariant 7: verdicts do not depend on the locale, nor on the order of files.

use std::fs;

use crate::rough;
use crate::support::{Bench, CONTENT, LINEAGE, Report, Row, samples, without};

/// Rows without lineage, as a set.
fn set(report: &Report, table: &str) -> Vec<String> {
    // What the format's own number or a neighbour's place adds is no verdict.
    let rows: Vec<Row> = without(report.rows(table), &LINEAGE);
    let mut rows: Vec<String> = rows.into_iter().map(|row| serde_json::Value::Object(row).to_string()).collect();
    rows.sort();
    rows
}

#[test]
fn verdicts_do_not_depend_on_the_locale() {
    let bench = Bench::new();
    for folder in ["census_1", "flat_ndjson", "sst", "element", "pem"] {
        let paths = fs::read_dir(samples().join(folder)).unwrap().map(|e| e.unwrap().path());
        for file in paths.filter(|path| path.is_file()) {
            let name = format!("in/{folder}/{}", file.file_name().unwrap().to_str().unwrap());
            bench.put(&name, fs::read(&file).unwrap());
        }
    }
    let plain = bench.scan(&[&bench.path("in")], "plain", &[]);
    // Turkish has its own capital of i, Arabic its own digits, C no characters beyond ASCII.
    for (nth, locale) in ["C", "tr_TR.UTF-8", "ar_SA.UTF-8", "de_DE.ISO-8859-1", "ja_JP.SJIS"].into_iter().enumerate() {
        let name = format!("r{nth}");
        let mut command = bench.command(&["scan", "in", "-o", &name, "-q"]);
        for variable in ["LANG", "LC_ALL", "LC_CTYPE", "LC_NUMERIC", "LANGUAGE"] {
            command.env(variable, locale);
        }
        assert!(command.status().unwrap().success());
        let report = Report { path: bench.path(&name) };
        assert!(plain.bytes() == report.bytes() && plain.manifest() == report.manifest(), "{locale}");
    }
}

#[test]
fn verdicts_do_not_depend_on_the_order_of_files() {
    let bench = Bench::new();
    bench.fleet("fleet", &rough(71));
    let mut files: Vec<_> = fs::read_dir(bench.path("fleet")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for (nth, file) in files.iter().enumerate() {
        bench.put(&format!("turned/{}.ndjson", 9 - nth), fs::read(file).unwrap());
    }
    let one = bench.scan(&[&bench.path("fleet")], "one", &[]);
    let two = bench.scan(&[&bench.path("turned")], "two", &[]);
    let order = |report: &Report| report.rows("observations").first().and_then(|row| row.get("client").cloned());
    assert_ne!(order(&one), order(&two), "the files are read in another order");
    for table in CONTENT {
        assert_eq!(set(&one, table), set(&two, table), "{table}");
    }
}

/// A certificate without key property may have its key in the folder `Keys` beside its own. Where that was not looked at,
/// nobody says that there is none.
#[test]
fn keys_that_were_not_looked_at_are_not_absent() {
    let bench = Bench::new();
    let store = "S-1-5-21-1111111111-222222222-333333333-1001/Microsoft/SystemCertificates/My";
    for folder in ["Certificates", "Keys"] {
        for entry in fs::read_dir(samples().join("element").join(store).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            bench.put(&format!("pc/{store}/{folder}/{name}"), fs::read(&path).unwrap());
        }
    }
    let presences = |input: &str, name: &str, more: &[&str]| {
        let rows = bench.scan(&[&bench.path(input)], name, more).rows("observations");
        let certificates = rows.into_iter().filter(|row| row.contains_key("sha256"));
        let mut presences: Vec<String> =
            certificates.map(|row| row["key_presence"].as_str().unwrap().to_owned()).collect();
        presences.sort();
        presences
    };
    let whole = presences("pc", "whole", &[]);
    assert!(whole.contains(&"none".to_owned()) && whole.contains(&"declared".to_owned()), "{whole:?}");
    assert_eq!(presences(&format!("pc/{store}"), "store", &[]), whole, "the store's folder is enough");
    for (name, input, more) in [
        ("folder", format!("pc/{store}/Certificates"), &[][..]),
        ("included", "pc".to_owned(), &["--include", "**/Certificates/*"][..]),
        ("excluded", "pc".to_owned(), &["--exclude", "**/Keys/*"][..]),
    ] {
        let seen = presences(&input, name, more);
        assert_eq!(seen.len(), whole.len());
        assert!(!seen.contains(&"none".to_owned()), "{name}: {seen:?}");
    }
}
