//! Invariant 1: records = yielded + skipped + rejected, per source and in total, and a yielded record gives a row.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::rough;
use crate::support::{Bench, Report, Row, samples};

fn number(row: &Row, column: &str) -> u64 {
    row[column].as_u64().unwrap_or_else(|| panic!("{column} of {row:?}"))
}

fn total(rows: &[Row], column: &str) -> u64 {
    rows.iter().map(|row| number(row, column)).sum()
}

/// Rows by the value of a column.
fn by(rows: &[Row], column: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row[column].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

fn with(rows: &[Row], column: &str, value: &str) -> Vec<Row> {
    rows.iter().filter(|row| row.get(column).is_some_and(|v| v == value)).cloned().collect()
}

/// What holds of every report: the sums of each source, and tables that agree with them.
pub fn assert_balanced(report: &Report) {
    let (sources, rejects) = (report.rows("sources"), report.rows("rejects"));
    let observations = by(&report.rows("observations"), "source_id");
    // Every row beside the observations that is a record of its own.
    // Findings that a reader makes are records; those of the join are about rows of other tables.
    let mut at_once = report.rows("findings");
    at_once.retain(|row| row["rule"] == "private_key_in_export" || row["rule"] == "capi_smart_card_use");
    let tables = ["providers", "bindings", "templates", "requests"].map(|table| report.rows(table));
    let beside = by(&[tables.concat(), at_once].concat(), "source_id");
    let lost = by(&with(&rejects, "severity", "lost"), "source_id");
    let degraded = by(&with(&rejects, "severity", "degraded"), "source_id");
    for source in &sources {
        let id = source["source_id"].as_str().unwrap();
        let rows = |of: &BTreeMap<String, u64>| of.get(id).copied().unwrap_or_default();
        let sum = number(source, "yielded") + number(source, "skipped") + number(source, "rejects");
        assert_eq!(number(source, "records"), sum, "{source:?}");
        assert_eq!(number(source, "observations"), rows(&observations), "{source:?}");
        assert_eq!(number(source, "rejects"), rows(&lost), "{source:?}");
        assert_eq!(number(source, "degraded"), rows(&degraded), "{source:?}");
        let in_tables = rows(&observations) + rows(&beside);
        assert!(number(source, "yielded") >= in_tables, "a row without a record: {source:?}");
        let reasons = source.get("skip_reasons").and_then(Value::as_array).cloned().unwrap_or_default();
        let reasons = reasons.iter().map(|r| r.as_str().unwrap().rsplit_once('=').unwrap().1.parse::<u64>().unwrap());
        assert_eq!(reasons.sum::<u64>(), number(source, "skipped"), "every skip has its reason: {source:?}");
    }
    let collections = total(&report.rows("clients"), "collections");
    let rows = observations.values().chain(beside.values()).sum::<u64>() + collections;
    assert_eq!(total(&sources, "yielded"), rows, "a yielded record gives a row");
    let ids: Vec<_> = sources.iter().map(|s| s["source_id"].clone()).collect();
    assert!(rejects.iter().all(|reject| ids.contains(&reject["source_id"])));
}

#[test]
fn records_are_yielded_skipped_or_rejected_as_the_fleet_was_made() {
    let bench = Bench::new();
    let made = bench.fleet("fleet", &rough(11));
    let report = bench.scan(&[&bench.path("fleet")], "report", &[]);
    assert_balanced(&report);

    let broken = made.broken;
    assert!(broken.bad_json > 3 && broken.missing_field > 3 && broken.truncated_base64 > 3 && broken.wrong_hash > 3);
    assert!(made.hash_only > 20 && made.without_end > 3 && made.errors > 3 && made.bindings > 3, "{made:?}");
    let lost = broken.bad_json + broken.missing_field + made.errors;
    let observations = made.certificates - broken.bad_json - broken.missing_field + made.keys;
    let ends = made.clients - made.without_end;

    let sources = report.rows("sources");
    assert_eq!(sources.len() as u64, made.files);
    assert_eq!(total(&sources, "bytes"), made.bytes);
    assert_eq!(total(&sources, "records"), made.records);
    assert_eq!(total(&sources, "yielded"), observations + made.providers + made.bindings + made.clients);
    assert_eq!(total(&sources, "skipped"), ends);
    assert_eq!(total(&sources, "rejects"), lost);
    assert_eq!(report.rows("observations").len() as u64, observations);
    assert_eq!(report.rows("providers").len() as u64, made.providers);
    assert_eq!(report.rows("bindings").len() as u64, made.bindings);
    assert_eq!(report.rows("clients").len() as u64, made.clients);
    assert_eq!(total(&report.rows("clients"), "incomplete_collections"), made.without_end);

    let basis = by(&report.rows("observations"), "certificate_basis");
    let der = made.certificates - broken.total() - made.hash_only + broken.wrong_hash;
    assert_eq!(basis["der"], der);
    assert!(basis["joined"] >= made.hash_only, "every certificate named by hash stands somewhere whole");
    assert_eq!(basis.values().sum::<u64>(), observations);
    assert_eq!(basis["none"] + basis["joined"], made.hash_only + broken.truncated_base64 + made.keys);

    let codes = by(&report.rows("rejects"), "code");
    assert_eq!(codes["bad_json"], broken.bad_json);
    assert_eq!(codes["no_certificate"], broken.missing_field);
    assert_eq!(codes["collector_error"], made.errors);
    assert_eq!(codes["bad_base64"], broken.truncated_base64);
    assert_eq!(codes["hash_mismatch"], 2 * broken.wrong_hash, "each of the two hashes");
    assert_eq!(codes["missing_end"], made.without_end);
    assert!(codes["end_counts_differ"] <= broken.bad_json, "lines that are lost are missed, once a run");
    assert_eq!(codes.len(), 7, "{codes:?}");
}

#[test]
fn the_summary_and_the_manifest_tell_the_same_counts_as_the_tables() {
    let bench = Bench::new();
    bench.fleet("fleet", &rough(12));
    let args = ["scan", "fleet", "-o", "report", "--json"];
    let out = bench.run(&args);
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    let report = Report { path: bench.path("report") };
    let sources = report.rows("sources");
    let skipped: u64 = told["skipped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    for (name, column) in
        [("records", "records"), ("yielded", "yielded"), ("rejected", "rejects"), ("degraded", "degraded")]
    {
        assert_eq!(told[name].as_u64(), Some(total(&sources, column)), "{name}");
    }
    assert_eq!(skipped, total(&sources, "skipped"));
    assert_eq!(told["certificates"].as_u64(), Some(report.rows("certificates").len() as u64));
    assert_eq!(told["clients"].as_u64(), Some(report.rows("clients").len() as u64));
    for column in ["key_api", "key_storage", "key_presence"] {
        let told = told[column].as_object().unwrap().iter().map(|(value, n)| (value.clone(), n.as_u64().unwrap()));
        assert_eq!(told.collect::<BTreeMap<_, _>>(), by(&report.rows("observations"), column), "{column}");
    }
    for (key, value) in report.manifest().as_object().unwrap() {
        assert!(key == "tables" || told[key] == *value, "{key}");
    }
}

#[test]
fn degraded_rejects_stand_beside_kept_rows() {
    let bench = Bench::new();
    bench.fleet("fleet", &rough(13));
    let report = bench.scan(&[&bench.path("fleet")], "report", &[]);
    let kept = by(&report.rows("observations"), "observation_id");
    let rejects = report.rows("rejects");
    for reject in with(&rejects, "severity", "degraded") {
        // Doubts about a run, a client or a provider are about no observation, and name none.
        let of_row = reject.get("observation_id").map(|id| kept.contains_key(id.as_str().unwrap()));
        assert_ne!(of_row, Some(false), "{reject:?}");
        let hash = reject["code"] == "hash_mismatch";
        assert!(!hash || of_row == Some(true), "a doubt about a hash names its row: {reject:?}");
    }
    assert!(!with(&rejects, "code", "hash_mismatch").is_empty());
    for reject in with(&rejects, "severity", "lost") {
        assert!(!reject.contains_key("observation_id"), "{reject:?}");
    }
    assert!(kept.values().all(|n| *n == 1), "observation_id is unique");
}

#[test]
fn every_sample_balances() {
    let bench = Bench::new();
    let report = bench.scan(&[&samples()], "report", &[]);
    assert_balanced(&report);
    assert!(report.rows("observations").len() > 30);
}
