//! Bindings in the corpus of real exports: what its manifest promises is in the report. Skipped, with a word, where the
//! corpus is not on this machine.
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

/// The one binding of a report.
fn only(report: &Report) -> Row {
    let source = &report.rows("sources")[0];
    assert_eq!((text(source, "format"), text(source, "status")), (Some("netsh_text"), Some("complete")));
    assert_eq!((source["yielded"].as_i64(), source["skipped"].as_i64()), (Some(1), Some(0)));
    let mut rows = report.rows("bindings");
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

#[test]
fn an_address_of_the_default_store() {
    let Some((report, _bench)) = scan("netsh-sslcert-en-ipport.txt") else { return };
    let row = only(&report);
    assert_eq!((text(&row, "endpoint"), text(&row, "ip")), (Some("0.0.0.0:443"), Some("0.0.0.0")));
    assert_eq!((row["port"].as_i64(), row.get("sni_host")), (Some(443), None));
    assert_eq!(text(&row, "thumbprint"), Some("e0e9f94df7f055979999a8641e00c75ba3a70249"));
    assert_eq!(text(&row, "app_id"), Some("{b46ab86f-c090-1a64-f966-ba2e0b30b1d7}"));
    assert_eq!((text(&row, "store_name"), report.rows("rejects").len()), (Some("MY"), 0));
}

#[test]
fn a_host_name_with_server_name_indication() {
    let Some((report, _bench)) = scan("netsh-sslcert-en-sni-trimmed.txt") else { return };
    let row = only(&report);
    assert!(text(&row, "sni_host").is_some_and(|host| host.starts_with("sni-") && host.ends_with(".local")));
    assert_eq!((row["port"].as_i64(), row.get("ip")), (Some(10443), None));
    assert_eq!(text(&row, "thumbprint"), Some("daa61c502810ca0952df77a0d4194c32085b5abd"));
    assert_eq!((text(&row, "store_name"), report.rows("rejects").len()), (Some("My"), 0));
}

#[test]
fn a_hash_with_another_letter_is_told_and_joined_to_nothing() {
    let Some((report, _bench)) = scan("netsh-sslcert-de-verbose-prefix.txt") else { return };
    let row = only(&report);
    assert_eq!((text(&row, "endpoint"), row.get("thumbprint")), (Some("0.0.0.0:8091"), None));
    let rejects = report.rows("rejects");
    assert_eq!((rejects.len(), text(&rejects[0], "code")), (1, Some("bad_hex")));
    assert_eq!((text(&rejects[0], "severity"), text(&rejects[0], "field")), (Some("degraded"), Some("thumbprint")));
}
