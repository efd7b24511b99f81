//! The two-phase seam through the real binary: observations that only name their certificate get it, and its weight
//! in the verdict, wherever it stands.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::path::Path;

use certcensus::progress::Progress;
use certcensus::scan::{self, Options};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use support::{Bench, LINEAGE, Report, Row, pick, samples, without};

/// A made-up end-entity certificate with the policy 1.3.6.1.4.1.311.21.30 (TPM attestation, high assurance).
const ATTESTED: &[u8] = include_bytes!("data/attested.cer");

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(samples().join("certificate_der").join(name)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha1_of(der: &[u8]) -> String {
    hex(&Sha1::digest(der))
}

fn sha256_of(der: &[u8]) -> String {
    hex(&Sha256::digest(der))
}

/// The certificate record of a client of its own, as one line of census/1.
fn line(host: &str, fields: Value) -> String {
    let mut record = json!({"schema": "census/1", "type": "certificate", "run": host, "seq": 0, "host": host,
        "store_location": "LocalMachine", "store": "My", "key_prov_info": null});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("{record}\n")
}

fn with_der(host: &str, der: &[u8]) -> String {
    line(
        host,
        json!({"sha1": sha1_of(der), "sha256": sha256_of(der), "der": base64_simd::STANDARD.encode_to_string(der)}),
    )
}

fn by_sha256(host: &str, der: &[u8]) -> String {
    line(host, json!({"sha1": null, "sha256": sha256_of(der), "der": null}))
}

fn by_sha1(host: &str, der: &[u8]) -> String {
    line(host, json!({"sha1": sha1_of(der), "sha256": null, "der": null}))
}

fn of<'r>(rows: &'r [Row], host: &str) -> &'r Row {
    rows.iter().find(|row| row["client"] == host).unwrap_or_else(|| panic!("a row of {host}"))
}

/// Facts of the certificate: every column of the row that is also one of `certificates`.
fn facts(report: &Report, row: &Row) -> Row {
    let certificate = report.rows("certificates").into_iter().find(|c| c.get("sha256") == row.get("sha256")).unwrap();
    let names: Vec<&str> = certificate.keys().map(String::as_str).collect();
    let found = pick(row, &names);
    for (name, value) in &found {
        assert_eq!(*value, certificate[name], "{name}");
    }
    found
}

fn scan_with_unit(bench: &Bench, input: &Path, report: &str, unit_bytes: u64) -> Report {
    let path = bench.path(report);
    let options = Options { threads: 2, unit_bytes: Some(unit_bytes), ..Options::default() };
    scan::scan(&[input.to_owned()], &path, &options, &Progress::hidden()).unwrap();
    Report { path }
}

#[test]
fn a_named_certificate_is_found_wherever_it_stands() {
    let (rsa, ec) = (sample("rsa-leaf.cer"), sample("ec-leaf.cer"));
    let filler: String = (0..40).map(|n| with_der(&format!("filler-{n}"), &sample("ca.cer"))).collect();
    let name = by_sha256("n256", &rsa) + &by_sha1("n1", &rsa);
    for (place, files) in [
        ("before", vec![with_der("der", &rsa) + &name]),
        ("after", vec![name.clone() + &with_der("der", &rsa)]),
        ("far before, in another unit", vec![with_der("der", &rsa) + &filler + &name]),
        ("far after, in another unit", vec![name.clone() + &filler + &with_der("der", &rsa)]),
        ("in an earlier file", vec![with_der("der", &rsa), name.clone()]),
        ("in a later file", vec![name.clone(), with_der("der", &rsa)]),
    ] {
        let bench = Bench::new();
        for (nth, text) in files.iter().enumerate() {
            bench.put(&format!("in/{nth}.ndjson"), text);
        }
        let whole = bench.scan(&[&bench.path("in")], "whole", &[]);
        for report in [whole, scan_with_unit(&bench, &bench.path("in"), "cut", 1000)] {
            let rows = report.rows("observations");
            let der = of(&rows, "der");
            assert_eq!(der["certificate_basis"], "der");
            for host in ["n256", "n1"] {
                let row = of(&rows, host);
                assert_eq!(row["certificate_basis"], "joined", "{place}, {host}");
                assert_eq!(facts(&report, row), facts(&report, der), "{place}, {host}");
            }
            assert_eq!(report.rows("rejects").iter().filter(|r| r["code"] != "missing_end").count(), 0, "{place}");
        }
    }
    // A certificate of another format is as good.
    let bench = Bench::new();
    bench.put("in/a.ndjson", by_sha1("n1", &ec) + &by_sha256("n256", &ec));
    bench.put("in/b.cer", &ec);
    let rows = bench.scan(&[&bench.path("in")], "report", &[]).rows("observations");
    assert_eq!(rows.iter().map(|row| &row["certificate_basis"]).collect::<Vec<_>>(), ["der", "joined", "joined"]);
}

#[test]
fn a_certificate_that_is_never_seen_stays_a_claimed_hash() {
    let bench = Bench::new();
    let (rsa, ec) = (sample("rsa-leaf.cer"), sample("ec-leaf.cer"));
    bench.put("in/a.ndjson", by_sha256("n256", &rsa) + &by_sha1("n1", &rsa) + &with_der("der", &ec));
    let printed = json!({"Client": "flat", "Thumbprint": sha1_of(&rsa), "Subject": "CN=printed"});
    bench.put("in/b.ndjson", format!("{printed}\n"));
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let rows = report.rows("observations");
    let (n256, n1, flat) = (of(&rows, "n256"), of(&rows, "n1"), of(&rows, "flat"));
    assert_eq!((&n256["certificate_basis"], &n256["sha256"]), (&json!("none"), &json!(sha256_of(&rsa))));
    assert_eq!((&n1["certificate_basis"], &n1["thumbprint"]), (&json!("none"), &json!(sha1_of(&rsa))));
    assert_eq!((&flat["certificate_basis"], &flat["thumbprint"]), (&json!("printed"), &json!(sha1_of(&rsa))));
    assert!(!n256.contains_key("thumbprint") && !n1.contains_key("sha256"), "nothing is made up");
    for row in [n256, n1, flat] {
        for fact in ["subject", "issuer", "serial", "not_after", "spki_sha256", "key_algorithm", "is_ca"] {
            assert!(!row.contains_key(fact), "{fact} of {row:?}");
        }
    }
    assert_eq!(report.rows("certificates").len(), 1);
}

#[test]
fn hashes_that_contradict_each_other_or_the_certificate_are_doubts() {
    let bench = Bench::new();
    let (rsa, ec) = (sample("rsa-leaf.cer"), sample("ec-leaf.cer"));
    let nowhere = [0xab; 32];
    let both = |host, sha1: &str, sha256: &str| line(host, json!({"sha1": sha1, "sha256": sha256, "der": null}));
    let text = [
        with_der("rsa", &rsa),
        with_der("ec", &ec),
        both("agree", &sha1_of(&rsa), &sha256_of(&rsa)),
        both("two", &sha1_of(&rsa), &sha256_of(&ec)),
        both("half", &sha1_of(&rsa), &hex(&nowhere)),
        line("wrong", json!({"sha1": sha1_of(&ec), "der": base64_simd::STANDARD.encode_to_string(&rsa)})),
    ];
    bench.put("in/a.ndjson", text.concat());
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let rows = report.rows("observations");
    let expected =
        [("agree", &rsa, "joined"), ("two", &ec, "joined"), ("half", &rsa, "joined"), ("wrong", &rsa, "der")];
    for (host, der, basis) in expected {
        let row = of(&rows, host);
        let told = (&row["certificate_basis"], &row["sha256"], &row["thumbprint"]);
        assert_eq!(told, (&json!(basis), &json!(sha256_of(der)), &json!(sha1_of(der))), "{host}: computed hashes win");
    }
    let mut doubts: Vec<_> = report.rows("rejects").into_iter().filter(|r| r["code"] == "hash_mismatch").collect();
    doubts.sort_by_key(|r| r["client"].to_string());
    let told: Vec<_> =
        doubts.iter().map(|r| (r["client"].as_str(), r["field"].as_str(), r["severity"].as_str())).collect();
    let degraded = Some("degraded");
    assert_eq!(
        told,
        [
            (Some("half"), Some("sha256"), degraded),
            (Some("two"), Some("thumbprint"), degraded),
            (Some("wrong"), Some("thumbprint"), degraded),
        ]
    );
    assert!(doubts[0]["message"].as_str().unwrap().contains(&hex(&nowhere)), "the claimed hash is kept in words");
    for doubt in &doubts {
        assert_eq!(doubt["observation_id"], of(&rows, doubt["client"].as_str().unwrap())["observation_id"]);
    }
    let degraded: i64 = report.rows("sources").iter().map(|s| s["degraded"].as_i64().unwrap()).sum();
    assert_eq!(degraded as usize, report.rows("rejects").len(), "doubts of the second phase are counted too");
}

#[test]
fn marks_of_the_joined_certificate_count_in_the_verdict() {
    let bench = Bench::new();
    // A provider that nobody knows: only the certificate says where the key is.
    let claim = json!({"container": "c", "provider": "Fabricated KSP", "prov_type": 0, "flags": 32, "key_spec": 0});
    let named = |host: &str, fields: Value| {
        let mut fields = fields;
        fields["key_prov_info"] = claim.clone();
        line(host, fields)
    };
    let der = base64_simd::STANDARD.encode_to_string(ATTESTED);
    let text = [
        named("by-sha256", json!({"sha256": sha256_of(ATTESTED), "der": null})),
        named("by-sha1", json!({"sha1": sha1_of(ATTESTED), "der": null})),
        named("whole", json!({"der": der})),
        named("unknown", json!({"sha1": "00112233445566778899aabbccddeeff00112233", "der": null})),
    ];
    bench.put("in/a.ndjson", text.concat());
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let rows = report.rows("observations");
    let verdict = |host: &str| {
        let columns =
            ["key_presence", "key_api", "key_storage", "key_storage_grade", "key_storage_rule", "hardware_backed"];
        pick(of(&rows, host), &[&columns[..], &["attestation_assurance", "key_storage_conflict"]].concat())
    };
    let whole = verdict("whole");
    assert_eq!(whole["key_storage"], "tpm");
    assert_eq!(whole["key_storage_grade"], "inferred", "an attestation that nobody verified is not `attested`");
    assert_eq!(whole["key_storage_rule"], "attestation_unverified");
    assert_eq!(whole["attestation_assurance"], "high");
    assert_eq!(verdict("by-sha256"), whole);
    assert_eq!(verdict("by-sha1"), whole);
    assert_eq!(verdict("unknown")["key_storage"], "unknown");
    assert!(!verdict("unknown").contains_key("attestation_assurance"));
    // The key of a joined row is found by its public key, as that of the whole record is.
    let mut hosts = text.map(|line| line.replace("\"host\":\"by-sha1\"", "\"host\":\"whole\""));
    hosts[0].clear();
    bench.put("same/a.ndjson", hosts.concat());
    let rows = bench.scan(&[&bench.path("same")], "same-report", &[]).rows("observations");
    let keys: Vec<_> = rows.iter().filter(|row| row["client"] == "whole").map(|row| row["key_id"].clone()).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[test]
fn waiting_rows_come_last_in_their_own_order() {
    let bench = Bench::new();
    let (rsa, ec) = (sample("rsa-leaf.cer"), sample("ec-leaf.cer"));
    bench.put("in/1.ndjson", by_sha1("w1", &rsa) + &with_der("d1", &ec) + &by_sha256("w2", &ec));
    bench.put("in/2.ndjson", by_sha1("w3", &ec) + &with_der("d2", &rsa) + &by_sha256("w4", &[1]));
    let order = |report: &Report| {
        report.rows("observations").iter().map(|row| row["client"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    assert_eq!(order(&report), ["d1", "d2", "w1", "w2", "w3", "w4"]);
    assert_eq!(order(&scan_with_unit(&bench, &bench.path("in"), "cut", 700)), order(&report));
}

#[test]
fn a_waiting_record_longer_than_a_batch_harms_no_other() {
    let bench = Bench::new();
    let container = "k".repeat(34 << 20);
    let fat = line("fat", json!({"sha1": "00".repeat(20), "key_prov_info": {"container": container, "provider": "P"}}));
    bench.put("in/1.ndjson", by_sha1("w1", ATTESTED) + &fat + &by_sha1("w2", ATTESTED) + &with_der("d1", ATTESTED));
    let report = bench.scan(&[&bench.path("in")], "report", &["--max-line", "64M"]);
    let rows = report.rows("observations");
    assert_eq!(rows.iter().map(|row| row["client"].as_str().unwrap()).collect::<Vec<_>>(), ["d1", "w1", "fat", "w2"]);
    assert_eq!(of(&rows, "fat")["key_container"].as_str().unwrap().len(), container.len());
    assert_eq!(of(&rows, "w2")["certificate_basis"], "joined");
}

#[test]
fn the_order_of_files_changes_no_joined_row() {
    let bench = Bench::new();
    let (rsa, ec) = (sample("rsa-leaf.cer"), sample("ec-leaf.cer"));
    let files = [
        by_sha1("w1", &rsa) + &by_sha256("w2", &ec),
        with_der("d1", &ec) + &by_sha1("w3", &ec),
        with_der("d2", &rsa) + &with_der("d3", &rsa) + &by_sha256("w4", &[1]),
    ];
    let mut seen = Vec::new();
    for (nth, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0]].into_iter().enumerate() {
        for (place, file) in order.into_iter().enumerate() {
            bench.put(&format!("in{nth}/{place}.ndjson"), &files[file]);
        }
        let report = bench.scan(&[&bench.path(&format!("in{nth}"))], &format!("r{nth}"), &[]);
        let mut rows = without(report.rows("observations"), &LINEAGE);
        rows.sort_by_key(|row| row["client"].to_string());
        assert_eq!(rows.len(), 7);
        seen.push(rows);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[test]
fn text_without_der_joins_certificates_before_and_behind_it() {
    let rsa = sample("rsa-leaf.cer");
    let sha1 = sha1_of(&rsa);
    let provider = "Microsoft Software Key Storage Provider";
    let certutil = format!(
        "my \"Personal\"\n================ Certificate 0 ================\nSerial Number: 01\nIssuer: CN=Grove CA\n NotBefore: \
         1/1/2026 1:00 AM\n NotAfter: 1/1/2027 1:00 AM\nSubject: CN=a\nCert Hash(sha1): {sha1}\n  Key Container = \
         te-1\n  Provider = {provider}\nCertUtil: -store command completed successfully.\n"
    );
    let csv = format!("Thumbprint,Subject,HasPrivateKey,ProviderName\n{sha1},CN=a,True,{provider}\n");
    let mimikatz = format!(
        " * System Store  : 'LOCAL_MACHINE' (0x00020000)\n * Store         : 'My'\n\n 0. a\n    Hash SHA1: {sha1}\n\tProvider       \
         : {provider}\n\tProvider type  : cng (0)\n\n"
    );
    let osquery = json!({"name": "certificates", "hostIdentifier": "a", "calendarTime": "Mon Nov  2 00:00:00 2026 UTC",
        "unixTime": 1_793_577_600, "epoch": 0, "counter": 0, "action": "added",
        "columns": {"sha1": sha1, "common_name": "a", "subject": "a", "issuer": "b", "ca": "0", "self_signed": "0",
            "not_valid_before": "1740806100", "not_valid_after": "1835500500", "key_algorithm": "RSA",
            "path": "LocalMachine\\Personal", "serial": "01", "sid": "", "store_location": "LocalMachine",
            "store": "Personal", "username": "", "store_id": "My"}});
    for (name, text) in [("a.txt", certutil), ("a.csv", csv), ("m.txt", mimikatz), ("a.log", format!("{osquery}\n"))] {
        let rows = ["0", "z"].map(|place| {
            let bench = Bench::new();
            bench.put(&format!("in/{place}.cer"), &rsa);
            bench.put(&format!("in/{name}"), &text);
            let report = bench.scan(&[&bench.path("in")], "report", &[]);
            let rows = without(report.rows("observations"), &LINEAGE);
            let rows: Vec<Row> = rows.into_iter().filter(|row| row["certificate_basis"] != "der").collect();
            assert_eq!(rows.len(), 1, "{name}");
            assert_eq!(rows[0]["certificate_basis"], "joined", "{name}");
            assert_eq!(rows[0]["sha256"], sha256_of(&rsa), "{name}");
            rows
        });
        assert_eq!(rows[0], rows[1], "{name}");
    }
}

#[test]
fn the_registry_and_the_header_of_the_client_travel_with_a_waiting_row() {
    let bench = Bench::new();
    let rsa = sample("rsa-leaf.cer");
    let census = |kind: &str, seq: u32, more: Value| {
        let mut record = json!({"schema": "census/1", "type": kind, "run": "r", "seq": seq, "host": "PC"});
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("{record}\n")
    };
    let claim = json!({"container": "c", "provider": "Fabricated KSP", "prov_type": null, "flags": 0, "key_spec": 0});
    let certificate = |seq, der: Value| {
        let fields = json!({"store_location": "CurrentUser", "store": "My", "sid": null, "sha256": sha256_of(&rsa),
            "der": der, "key_prov_info": claim});
        census("certificate", seq, fields)
    };
    let header = json!({"collected_utc": "2026-11-22T10:00:00Z", "collector": "made-up", "collector_version": "3",
        "user_sid": "S-1-5-21-1-2-3-1001"});
    let text = [
        census("client", 0, header),
        census("provider", 1, json!({"name": "Fabricated KSP", "api": "cng", "impl_flags": 2, "impl_api": "ncrypt"})),
        certificate(2, json!(base64_simd::STANDARD.encode_to_string(&rsa))),
        certificate(3, Value::Null),
        census("end", 4, json!({"counts": {}})),
    ];
    bench.put("in/a.ndjson", text.concat());
    let rows = bench.scan(&[&bench.path("in")], "report", &[]).rows("observations");
    let apart = [&LINEAGE[..], &["certificate_basis", "record_number"]].concat();
    let rows = without(rows, &apart);
    assert_eq!(rows[0], rows[1], "but for its place the waiting row is the same");
    assert_eq!((&rows[1]["key_api"], &rows[1]["collector"]), (&json!("cng"), &json!("made-up")));
    assert_eq!(rows[1]["user_sid"], "S-1-5-21-1-2-3-1001");
}

/// `scan --json` counts what each part of the work did.
#[test]
fn the_timing_counts_rows_that_waited_and_tables_that_were_finished() {
    let bench = Bench::new();
    let ec = sample("ec-leaf.cer");
    bench.put("in/a.ndjson", by_sha1("one", &ec) + &with_der("two", &ec) + &by_sha256("three", &ec));
    let options = Options::default();
    let scanned = scan::scan(&[bench.path("in")], &bench.path("report"), &options, &Progress::hidden()).unwrap();
    let count = |part| scanned.timing.iter().find(|spent| spent.part == part).map(|spent| spent.count);
    let parts = ["walk", "records", "certificates", "encode", "resolve", "finish"].map(count);
    assert_eq!(parts, [Some(1), Some(3), Some(1), Some(1), Some(2), Some(12)]);
    assert!(count("read") > Some(0) && count("hash") > Some(0));
}
