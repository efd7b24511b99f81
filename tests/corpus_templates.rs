//! Templates and mimikatz lists in the corpus of real exports: what its manifest promises is in the report. Skipped, with a
//! word, where the corpus is not on this machine.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Bench, Row, corpus};

/// The only row of a table in the report of one file.
fn only(file: &str, format: &str, table: &str) -> Option<Row> {
    let path = corpus("text")?.join(file);
    let bench = Bench::new();
    let report = bench.scan(&[&path], "report", &[]);
    let source = &report.rows("sources")[0];
    assert_eq!((&source["format"], &source["records"]), (&json!(format), &json!(1)), "{file}");
    assert!(report.rows("rejects").is_empty(), "{file}: {:?}", report.rows("rejects"));
    let mut rows = report.rows(table);
    assert_eq!(rows.len(), 1, "{file}");
    Some(rows.remove(0))
}

fn has(row: &Row, expected: &Value) {
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(row.get(column).unwrap_or(&Value::Null), value, "{column}");
    }
}

#[test]
fn an_entry_of_a_directory() {
    let Some(row) = only("templates-ldif-webserver.ldif", "ldif", "templates") else { return };
    has(
        &row,
        &json!({
            "template_name": "WebServer", "schema_version": 1, "private_key_flags": 0, "default_api": "capi",
            "provider_category": "legacy", "subject_rules": ["supplied_by_enrollee"],
            "providers": ["Microsoft RSA SChannel Cryptographic Provider", "Microsoft DH SChannel Cryptographic Provider"],
            "validity_days": 730, "renewal_days": 42, "minimal_key_size": 2048,
        }),
    );
}

#[test]
fn properties_of_certutil() {
    let Some(row) = only("template-v-en-cvi-webserver.txt", "certutil_template", "templates") else { return };
    has(
        &row,
        &json!({
            "template_name": "CVI-WebServer", "schema_version": 2, "private_key_flags": 0x0101_0000,
            "default_api": "capi", "minimal_key_size": 2048, "major_revision": 100,
            "providers": ["Microsoft RSA SChannel Cryptographic Provider", "Microsoft DH SChannel Cryptographic Provider"],
            "subject_rules": ["common_name"], "san_rules": ["upn", "dns"], "record_number": 8,
        }),
    );
}

#[test]
fn exports_of_adcs_template() {
    let (enhanced, base) =
        ("Microsoft Enhanced Cryptographic Provider v1.0", "Microsoft Base Cryptographic Provider v1.0");
    let dss = "Microsoft Base DSS Cryptographic Provider";
    let cases = [
        ("ESC1", 0x0101_0000, json!([enhanced, base, dss]), json!({ "subject_rules": ["supplied_by_enrollee"] })),
        ("ESC2", 0x0101_0000, json!([enhanced, base]), json!({})),
        ("ESC9", 0x0101_0010, json!([enhanced]), json!({ "enrollment_flags": 524_329, "is_exportable": true })),
        ("ESC13", 0x0101_0000, json!([enhanced, base, dss]), json!({})),
    ];
    for (name, flags, providers, more) in cases {
        let file = format!("template-export-goad-{name}.json");
        let Some(row) = only(&file, "json_document", "templates") else { return };
        has(
            &row,
            &json!({
                "template_name": name, "schema_version": 2, "private_key_flags": flags, "providers": providers,
                "default_api": "capi", "provider_category": "legacy",
            }),
        );
        has(&row, &more);
        // A policy alone, as text and not as a list.
        assert!(name != "ESC13" || row["issuance_policies"].as_array().unwrap().len() == 1);
    }
}

#[test]
fn a_list_of_mimikatz() {
    let Some(row) = only("mimikatz-certificates-certdog.txt", "mimikatz_text", "observations") else { return };
    assert!(row["thumbprint"].as_str().unwrap().starts_with("4a43f690"));
    has(
        &row,
        &json!({
            "provider_name": "Microsoft Software Key Storage Provider", "provider_type": 0, "is_exportable": false, "key_api": "cng", "key_storage": "software",
            "hardware_backed": false, "key_presence": "opened",
        }),
    );
}
