//! Objects with named fields in the corpus of real exports: what its manifest promises is in the report. Skipped, with a
//! word, where the corpus is not on this machine.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Bench, Report, Row, corpus};

/// The report of one file of the corpus, and what keeps it.
fn scan(file: &str) -> Option<(Report, Bench)> {
    let path = corpus("text")?.join(file);
    let bench = Bench::new();
    let report = bench.scan(&[&path], "report", &[]);
    Some((report, bench))
}

fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column).and_then(|value| value.as_str())
}

/// The one source of a report: its format and status, and how many records were yielded, skipped and rejected.
fn source(report: &Report) -> (String, String, [i64; 3]) {
    let sources = report.rows("sources");
    let [row] = &sources[..] else { panic!("one file is one source: {sources:?}") };
    let counts = ["yielded", "skipped", "rejects"].map(|column| row[column].as_i64().unwrap());
    assert_eq!(row["records"].as_i64().unwrap(), counts.iter().sum::<i64>());
    (text(row, "format").unwrap().to_owned(), text(row, "status").unwrap().to_owned(), counts)
}

#[test]
fn the_last_inventory_of_a_keyfactor_job_names_its_certificate() {
    let Some((report, _bench)) = scan("keyfactor-wincert-inventory-job.json") else { return };
    assert_eq!(source(&report), ("json_document".into(), "complete".into(), [1, 0, 0]));
    let rows = report.rows("observations");
    let row = &rows[0];
    assert_eq!((text(row, "client"), text(row, "client_basis")), (Some("vmlabsvr1"), Some("record")));
    assert_eq!((text(row, "store_name"), row.get("store_location")), (Some("My"), None));
    assert_eq!(text(row, "thumbprint"), Some("479d92068614e33b3cb84123af76f1c40df4b6f6"));
    assert_eq!((row["has_private_key"].as_bool(), row.get("provider_name")), (Some(true), None));
    assert_eq!((text(row, "key_api"), text(row, "key_storage")), (Some("unknown"), Some("unknown")));
    assert_eq!((text(row, "certificate_basis"), row.get("subject")), (Some("none"), None));
    // The file has words in the places of secrets; none of them is in the report.
    for table in ["observations", "rejects", "clients"] {
        let all = format!("{:?}", report.rows(table));
        assert!(!all.contains("PasswordGoesHere") && !all.contains("UserNameGoesHere"), "{table}");
    }
}

#[test]
fn what_clixml_has_lost_of_a_certificate_is_unknown() {
    let Some((report, _bench)) = scan("cert-item-azurevpn.clixml") else { return };
    assert_eq!(source(&report), ("clixml".into(), "complete".into(), [1, 0, 0]));
    let rows = report.rows("observations");
    let row = &rows[0];
    // The SHA-1 is computed from the bytes; that it is the one of the path is told by no reject.
    assert_eq!(text(row, "thumbprint"), Some("c8a900563f172f6bd10109d9aa8b12ee1037c2a4"));
    assert_eq!((text(row, "certificate_basis"), report.rows("rejects").len()), (Some("der"), 0));
    assert_eq!((text(row, "store_location"), text(row, "store_name")), (Some("current_user"), Some("my")));
    assert_eq!((row.get("has_private_key"), text(row, "key_presence")), (None, Some("unknown")));
    assert_eq!((text(row, "key_api"), text(row, "key_storage")), (Some("unknown"), Some("unknown")));
    assert_eq!(text(row, "printed_serial"), Some("179D404CA0B6B0A345B6919DAE30A989"));
    assert_eq!(text(row, "printed_not_after"), Some("04/04/2018 00:31:29"));
    assert_eq!(text(row, "format_confidence"), Some("seen"));
}

#[test]
fn osquery_rows_of_other_tables_are_counted_and_are_no_certificates() {
    let Some((report, _bench)) = scan("osquery-result-envelopes.ndjson") else { return };
    let (format, status, counts) = source(&report);
    assert_eq!((format.as_str(), status.as_str(), counts), ("osquery_log", "complete", [0, 8, 0]));
    let sources = report.rows("sources");
    // One row added and four in the snapshot, one added in the batch; one removed by each of two lines.
    assert_eq!(sources[0]["skip_reasons"], serde_json::json!(["osquery_other_table=6", "osquery_removed=2"]));
    assert!(report.rows("observations").is_empty() && report.rows("clients").is_empty());
}
