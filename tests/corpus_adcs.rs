//! The AD CS rows of the corpus of real exports: every word of its manifest. Skipped, with a word, where the corpus is
//! not on this machine.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{Bench, Report, Row, corpus};

/// A report of one file of the corpus.
fn scan(file: &str) -> Option<(Report, Bench)> {
    let path = corpus("text")?.join(file);
    let bench = Bench::new();
    let report = bench.scan(&[&path], "report", &[]);
    Some((report, bench))
}

fn assert_has(row: &Row, expected: serde_json::Value) {
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(row.get(column).unwrap_or(&serde_json::Value::Null), value, "{column} of {row:?}");
    }
}

#[test]
fn a_full_row_of_a_capi_client() {
    let Some((report, _bench)) = scan("ca-view-en-full-row-capi.txt") else { return };
    let requests = report.rows("requests");
    assert_eq!(requests.len(), 1);
    assert_has(
        &requests[0],
        json!({
            "request_kind": "ca_row", "request_number": 4, "disposition": "revoked", "record_number": 1,
            "printed_submitted_at": "5/23/2026 5:39 PM", "requester": "CORP\\pki.admin",
            "provider_name": "Microsoft Enhanced Cryptographic Provider v1.0", "key_spec": 1, "catalogue_api": "capi",
            "os_version": "10.0.20348.2", "machine": "PKI-SRV01.corp.cvilab.local", "process": "MMC.EXE",
            "user": "CORP\\pki.admin", "attestation": null, "is_key_archived": null,
            "template_oid": "1.3.6.1.4.1.311.21.8.15886664.4298044.8996776.14853544.7902291.169.5191136.12906913",
            "thumbprint": "4f2aa3df007c2193e719a7bfe75cf98523636d54", "format_confidence": "seen", "private_key_flags": 0x0503_0010,
            // The printed key identifier, which is the SHA-1 of the key.
            "public_key_sha1": "701c01bf718fe0017371393b12e47f33db32d255",
        }),
    );
    let certificates = report.rows("certificates");
    assert_eq!(certificates.len(), 1, "the issued one");
    assert_has(
        &certificates[0],
        json!({
            "thumbprint": "4f2aa3df007c2193e719a7bfe75cf98523636d54", "subject": "CN=PKI Admin",
            "spki_sha256": requests[0]["spki_sha256"], "sha256": requests[0]["sha256"],
        }),
    );
    let observations = report.rows("observations");
    assert_eq!(observations.len(), 1);
    assert_has(
        &observations[0],
        json!({ "key_presence": "unknown", "key_api": "unknown", "certificate_basis": "der" }),
    );
    // The capture ends behind its row: nothing else is doubted, so the lines that were cut twice are no doubt.
    let rejects: Vec<_> = report.rows("rejects").into_iter().map(|row| row["code"].clone()).collect();
    assert_eq!(rejects, ["missing_end"]);
    assert_has(&report.rows("sources")[0], json!({ "format": "adcs_text", "status": "incomplete" }));
}

#[test]
fn a_selection_of_two_columns() {
    let Some((report, _bench)) = scan("ca-view-out-en-two-columns.txt") else { return };
    let requests = report.rows("requests");
    let numbers: Vec<_> = requests.iter().map(|row| row["request_number"].clone()).collect();
    assert_eq!(numbers, [3, 9, 11, 12, 13, 14, 15, 16]);
    for (row, number) in requests.iter().zip(1..) {
        assert_has(
            row,
            json!({ "record_number": number, "provider_name": null, "disposition": null, "subject": null }),
        );
    }
    assert!(report.rows("rejects").is_empty(), "the counts at the end are right");
    assert!(report.rows("observations").is_empty());
    assert_has(&report.rows("sources")[0], json!({ "format": "adcs_text", "status": "complete" }));
}
