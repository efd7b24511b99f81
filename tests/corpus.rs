//! The whole job over the corpus of real exports: what its manifests promise is in the report, everything else is
//! named, and every record is accounted for. Skipped, with a word, where the corpus is not on this machine.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use certcensus::format::FORMATS;
use serde_json::Value;
use support::{Bench, Report, Row, corpus, samples};

/// Notes on the exports, which lie beside them.
const NOTES: [&str; 4] = ["--exclude", "MANIFEST.tsv", "--exclude", "*.expected.jsonl"];

/// One scan of one part of the corpus.
struct Scan {
    folder: PathBuf,
    report: Report,
    /// Keeps the report while it is read.
    _bench: Bench,
}

impl Scan {
    fn of(part: &str) -> Option<Scan> {
        let folder = corpus(part)?;
        let bench = Bench::new();
        // One certificate of ours beside it: a part of which nothing is read yet would be no scan.
        let ours = samples().join("certificate_der/ca.cer");
        let report = bench.scan(&[&folder, &ours], "report", &NOTES);
        Some(Scan { folder, report, _bench: bench })
    }

    /// Files of the manifest in one of these folders (all where none is named), with what they must yield.
    fn promises(&self, folders: &[&str]) -> Vec<(String, String)> {
        let text = fs::read_to_string(self.folder.join("MANIFEST.tsv")).unwrap();
        let rows = text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
        let rows = rows.map(|row| (row[0].to_owned(), row[row.len() - 1].to_owned()));
        rows.filter(|(file, _)| folders.is_empty() || folders.iter().any(|f| file.starts_with(&format!("{f}/"))))
            .collect()
    }

    /// Observations by source, in the order of their records.
    fn observations(&self) -> BTreeMap<String, Vec<Row>> {
        let mut by_source = BTreeMap::<String, Vec<Row>>::new();
        for row in self.report.rows("observations") {
            by_source.entry(text(&row, "source_path").unwrap().to_owned()).or_default().push(row);
        }
        for rows in by_source.values_mut() {
            rows.sort_by_key(|row| number(row, "byte_offset"));
        }
        by_source
    }

    fn sources(&self) -> BTreeMap<String, Row> {
        self.report
            .rows("sources")
            .into_iter()
            .map(|row| {
                let member = text(&row, "source_member").map(|member| format!("/{member}"));
                (format!("{}{}", text(&row, "source_path").unwrap(), member.unwrap_or_default()), row)
            })
            .collect()
    }
}

/// The key property of one certificate.
#[derive(Debug, PartialEq)]
struct Key {
    container: Option<String>,
    provider: Option<String>,
    kind: i64,
    flags: i64,
    key_spec: i64,
}

impl Key {
    /// From a manifest: `container=C provider=P type=T flags=F keyspec=K offsets=...`; `None` is Python's null.
    fn promised(words: &str) -> Option<Key> {
        let between = |start: &str, end: &str| {
            let rest = words.split_once(start)?.1;
            Some(rest.split_once(end)?.0.to_owned())
        };
        let name = |text: Option<String>| text.filter(|text| text != "None");
        Some(Key {
            container: name(Some(between("container=", " provider=")?)),
            provider: name(between("provider=", " type=")),
            kind: between(" type=", " flags=")?.parse().unwrap(),
            flags: between(" flags=", " keyspec=")?.parse().unwrap(),
            key_spec: between(" keyspec=", " offsets=")?.parse().unwrap(),
        })
    }

    /// From the expected decode of a store.
    fn decoded(key: &Value) -> Key {
        let name = |field: &str| key[field].as_str().map(str::to_owned);
        let number = |field: &str| key[field].as_i64().unwrap();
        Key {
            container: name("container"),
            provider: name("provider"),
            kind: number("prov_type"),
            flags: number("flags"),
            key_spec: number("key_spec"),
        }
    }

    /// From an observation.
    fn claimed(row: &Row) -> Option<Key> {
        row.get("provider_type").map(|kind| Key {
            container: text(row, "key_container").map(str::to_owned),
            provider: text(row, "provider_name").map(str::to_owned),
            kind: kind.as_i64().unwrap(),
            flags: number(row, "key_flags"),
            key_spec: number(row, "key_spec"),
        })
    }
}

fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column).and_then(Value::as_str)
}

fn number(row: &Row, column: &str) -> i64 {
    row.get(column).and_then(Value::as_i64).unwrap_or_else(|| panic!("{column} of {row:?}"))
}

/// The verdicts that follow from a key property alone, or from its absence.
fn check_verdicts(file: &str, row: &Row, key: Option<&Key>) {
    let named = key.filter(|key| key.provider.is_some());
    let api = match named.map(|key| key.kind) {
        Some(0) => "cng",
        Some(_) => "capi",
        // A property without provider says nothing; no property means no key, or nobody said.
        None if key.is_some() => "unknown",
        None => text(row, "key_api").filter(|api| ["none", "unknown"].contains(api)).unwrap_or("none or unknown"),
    };
    assert_eq!(text(row, "key_api"), Some(api), "{file}: {row:?}");
    let rule = (named.is_some(), text(row, "key_api_rule"), text(row, "key_api_grade"));
    assert!(!rule.0 || rule == (true, Some("provider_type"), Some("recorded")), "{file}: {row:?}");
    let declared = text(row, "key_presence") == Some("declared");
    assert_eq!(declared, key.is_some(), "{file}: {row:?}");
    if key.is_none() {
        assert_ne!(text(row, "key_storage"), Some("software"), "{file}: {row:?}");
        assert_ne!(row.get("has_private_key"), Some(&Value::Bool(true)), "{file}: {row:?}");
    }
}

#[test]
fn stores_and_elements_yield_the_promised_keys() {
    let Some(scan) = Scan::of("binary") else { return };
    let found = scan.observations();
    let mut checked = 0;
    for (file, yields) in scan.promises(&["sst", "element", "wine"]) {
        let Some((_, listed)) = yields.split_once("element: ").or_else(|| yields.split_once("sst: ")) else { continue };
        let promised: Vec<_> = listed
            .split("; ")
            .filter(|part| part.len() > 40 && part.bytes().take(40).all(|b| b.is_ascii_hexdigit()))
            .map(|part| (part[..40].to_ascii_lowercase(), Key::promised(&part[40..])))
            .collect();
        let rows = &found[&file];
        let claimed: Vec<_> =
            rows.iter().map(|row| (text(row, "thumbprint").unwrap().to_owned(), Key::claimed(row))).collect();
        assert_eq!(claimed, promised, "{file}");
        for (row, (_, key)) in rows.iter().zip(&promised) {
            check_verdicts(&file, row, key.as_ref());
            checked += 1;
        }
    }
    assert!(checked >= 17, "only {checked} certificates of the manifest were checked");
}

#[test]
fn a_store_of_many_key_kinds_is_decoded_as_expected() {
    let Some(scan) = Scan::of("binary") else { return };
    let found = scan.observations();
    let rows = &found["wine/sst-wine-mixed.sst"];
    let lines = fs::read_to_string(scan.folder.join("wine/wine-mixed.expected.jsonl")).unwrap();
    let expected: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), expected.len());
    for (row, line) in rows.iter().zip(&expected) {
        assert_eq!(text(row, "thumbprint").map(str::to_ascii_uppercase).as_deref(), line["sha1"].as_str());
        let key = line.get("key").map(Key::decoded);
        assert_eq!(Key::claimed(row), key, "{line}");
        assert_eq!(text(row, "friendly_name"), line["p11"].as_str(), "{line}");
        check_verdicts("wine/sst-wine-mixed.sst", row, key.as_ref());
    }
    // The copy without properties: the same certificates, and no word on any key.
    let thumbprints =
        |rows: &[Row]| rows.iter().map(|r| text(r, "thumbprint").unwrap().to_owned()).collect::<BTreeSet<_>>();
    let copy = &found["wine/wine-mixed.p7b"];
    assert_eq!(thumbprints(copy), thumbprints(rows));
    for row in copy {
        assert_eq!((text(row, "key_presence"), text(row, "key_api")), (Some("unknown"), Some("unknown")), "{row:?}");
    }
}

#[test]
fn a_compressed_hive_gives_every_blob_of_its_stores() {
    let Some(scan) = Scan::of("binary") else { return };
    let found = scan.observations();
    let promised = scan.promises(&["hive"]);
    assert_eq!(promised.len(), 2);
    for (file, yields) in promised {
        let rows = &found[&file];
        assert!(yields.starts_with(&format!("{} Blob values", rows.len())), "{file}: {} rows: {yields}", rows.len());
        for row in rows {
            assert_eq!((text(row, "format"), text(row, "certificate_basis")), (Some("registry_hive"), Some("der")));
            assert!(text(row, "source_member").is_some_and(|member| member.ends_with(".DAT")), "{row:?}");
            assert_eq!(text(row, "key_presence"), Some("none"), "no key info: {row:?}");
        }
    }
    let rejects = scan.report.rows("rejects");
    let dirty: Vec<_> = rejects.iter().filter(|row| text(row, "code") == Some("dirty_hive")).collect();
    assert_eq!(dirty.len(), 1);
    assert!(text(dirty[0], "source_path").is_some_and(|path| path.contains("winscp")));
}

#[test]
fn a_registry_says_what_the_store_of_the_same_certificates_says() {
    let Some(scan) = Scan::of("binary") else { return };
    let found = scan.observations();
    for file in ["wine/wine-mixed-NTUSER.DAT", "wine/wine-mixed-hkcu.reg", "wine/wine-mixed-hkcu-regedit4.reg"] {
        says_what_the_store_says(&found[file], &found["wine/sst-wine-mixed.sst"]);
        // The names of the keys are the thumbprints, so nothing is doubtful.
        let doubts = scan.report.rows("rejects").into_iter().filter(|row| text(row, "source_path") == Some(file));
        assert_eq!(doubts.count(), 0, "{file}");
        assert!(found[file].iter().all(|row| text(row, "store_location") == Some("current_user")), "{file}");
    }
    let (_, yields) = &scan.promises(&["wine"]).into_iter().find(|(file, _)| file.ends_with("NTUSER.DAT")).unwrap();
    assert!(yields.starts_with("20 Blob values"), "{yields}");
}

/// The rows of a registry against those of a serialized store.
fn says_what_the_store_says(hive: &[Row], store: &[Row]) {
    // A hive is ordered by name, a store by nothing.
    let sorted = |rows: &[Row]| {
        let rows = rows.iter().map(|row| (text(row, "thumbprint").unwrap().to_owned(), row.clone()));
        rows.collect::<BTreeMap<_, _>>()
    };
    let (hive, store) = (sorted(hive), sorted(store));
    assert!(hive.len() == 20 && hive.keys().eq(store.keys()));
    let verdict = ["key_api", "key_storage", "key_presence"];
    for (of_hive, of_store) in hive.values().zip(store.values()) {
        assert_eq!(Key::claimed(of_hive), Key::claimed(of_store));
        assert_eq!(text(of_hive, "friendly_name"), text(of_store, "friendly_name"));
        // A certificate without any property is one without a key in a hive; a store may have lost its properties.
        match text(of_store, "key_presence") {
            Some("unknown") => assert_eq!(verdict.map(|column| text(of_hive, column)), [Some("none"); 3]),
            _ => verdict.iter().for_each(|column| assert_eq!(text(of_hive, column), text(of_store, column))),
        }
    }
}

#[test]
fn a_store_of_roots_has_every_certificate_and_no_key() {
    let Some(scan) = Scan::of("binary") else { return };
    let rows = &scan.observations()["sst/roots-wu-2021.sst"];
    let (_, yields) = &scan.promises(&["sst"]).into_iter().find(|(file, _)| file.contains("roots")).unwrap();
    assert!(yields.starts_with(&format!("{} certs; none has key info", rows.len())), "{} rows: {yields}", rows.len());
    let first = text(&rows[0], "thumbprint").unwrap().to_ascii_uppercase();
    assert!(yields.contains(&format!("first sha1 {first}")), "{first}: {yields}");
    assert!(yields.contains(&format!("friendly '{}'", text(&rows[0], "friendly_name").unwrap())), "{yields}");
    for row in rows {
        let verdict = ["key_presence", "key_api", "key_storage"].map(|column| text(row, column));
        assert_eq!(verdict, [Some("none"); 3], "{row:?}");
    }
}

#[test]
fn bundles_and_single_certificates_are_counted_and_say_nothing_of_keys() {
    let Some(scan) = Scan::of("binary") else { return };
    let (found, sources) = (scan.observations(), scan.sources());
    for (file, yields) in scan.promises(&["p7b", "pem", "cert"]) {
        if sources[&file]["format"] == "attribute_certificate" {
            continue;
        }
        // The manifest counts the certificates of bundles; a file of `cert` is one.
        let count = yields.split_once(" certificates").and_then(|(count, _)| count.parse().ok()).unwrap_or(1);
        let rows = found.get(&file).map_or(&[][..], Vec::as_slice);
        assert_eq!(rows.len(), count, "{file}: {yields}");
        assert_eq!(text(&sources[&file], "status"), Some("complete"), "{file}");
        for row in rows {
            assert_eq!(text(row, "certificate_basis"), Some("der"), "{file}");
            assert_eq!(text(row, "key_presence"), Some("unknown"), "{file}: {row:?}");
            assert_eq!(text(row, "key_api"), Some("unknown"), "{file}: {row:?}");
        }
    }
}

/// Values of one attribute in the manifest's words, for every key bag in its order.
fn promised_of_keys<'y>(yields: &'y str, attribute: &str) -> Vec<Option<&'y str>> {
    let bags = yields.split(" | ").filter(|bag| bag.contains("KeyBag") || bag.contains("keyBag"));
    let value = |bag: &'y str| {
        let (_, rest) = bag.split_once(&format!("'{attribute}': ['"))?;
        rest.split_once("']").map(|(value, _)| value)
    };
    bags.map(value).collect()
}

#[test]
fn pkcs12_files_tell_their_keys_and_with_their_passwords_the_certificates_too() {
    let Some(scan) = Scan::of("binary") else { return };
    let promises = scan.promises(&["pfx"]);
    assert!(promises.len() >= 22);
    let password = |yields: &str| yields.rsplit_once("password ").unwrap().1.trim_matches('\'').to_owned();
    // Without passwords.
    let (found, sources) = (scan.observations(), scan.sources());
    for (file, yields) in &promises {
        let rows = found.get(file).map_or(&[][..], Vec::as_slice);
        let keys: Vec<_> = rows.iter().filter(|row| text(row, "key_presence") == Some("declared")).collect();
        let providers: Vec<_> = keys.iter().map(|row| text(row, "provider_name")).collect();
        assert_eq!(providers, promised_of_keys(yields, "CSP"), "{file}");
        let names: Vec<_> =
            keys.iter().map(|row| text(row, "key_container").or_else(|| text(row, "friendly_name"))).collect();
        // A name that is a container's is one; others may come from the certificate, too.
        for (name, promised) in names.iter().zip(promised_of_keys(yields, "friendlyName")) {
            assert!(promised.is_none() || *name == promised, "{file}: {name:?}, {promised:?}");
        }
        for row in &keys {
            let storage = (text(row, "key_storage"), text(row, "key_storage_rule"), text(row, "key_storage_grade"));
            assert_eq!(storage, (Some("software"), Some("exported_key"), Some("recorded")), "{file}");
            let was_in_tpm = text(row, "provider_name") == Some("Microsoft Platform Crypto Provider");
            assert_eq!(row["key_storage_conflict"], Value::Bool(was_in_tpm), "{file}");
        }
        let locked = yields.matches("ENCRYPTED").count() as i64;
        let (locked, status) =
            if locked == 0 || password(yields).is_empty() { (0, "complete") } else { (locked, "locked") };
        let source = &sources[file];
        assert_eq!((number(source, "skipped"), text(source, "status")), (locked, Some(status)), "{file}");
        let machine = yields.contains("LMKEYSET");
        assert_eq!(keys.iter().any(|row| text(row, "store_location") == Some("local_machine")), machine, "{file}");
    }
    // Each key bag is told; what needs no password, as what it is.
    let findings = scan.report.rows("findings");
    let of_keys = findings.iter().filter(|row| row["rule"] == "private_key_in_export");
    let of_keys: Vec<_> = of_keys.filter(|row| row["source_path"].as_str().unwrap().starts_with("pfx/")).collect();
    for (file, yields) in &promises {
        let of_file: Vec<_> = of_keys.iter().filter(|row| row["source_path"] == **file).collect();
        assert_eq!(of_file.len(), promised_of_keys(yields, "CSP").len(), "{file}");
        let is_plain = of_file.iter().any(|row| row["concerned"] == "pkcs12_key_bag");
        let is_open = is_plain || password(yields).is_empty();
        let severity = if is_open { "critical" } else { "medium" };
        assert!(of_file.iter().all(|row| row["severity"] == severity), "{file}: {of_file:?}");
    }
    assert_eq!(of_keys.iter().filter(|row| row["concerned"] == "pkcs12_key_bag").count(), 1, "openssl-c_plain");
    // With them.
    let bench = Bench::new();
    let mut passwords: BTreeSet<_> = promises.iter().map(|(_, yields)| password(yields)).collect();
    passwords.insert("one that fits nothing".to_owned());
    bench.put("passwords", passwords.into_iter().map(|line| line + "\n").collect::<String>());
    let pfx = scan.folder.join("pfx");
    let report = bench.scan(&[&pfx], "report", &["--passwords", "passwords"]);
    for source in report.rows("sources") {
        assert_eq!(text(&source, "status"), Some("complete"), "{source:?}");
        assert_eq!(number(&source, "skipped"), 0, "{source:?}");
    }
    for row in report.rows("observations") {
        assert_eq!(text(&row, "certificate_basis"), Some("der"), "every key has its certificate: {row:?}");
    }
}

#[test]
fn an_attribute_certificate_is_no_certificate() {
    let Some(scan) = Scan::of("binary") else { return };
    let traps: Vec<_> = scan.sources().into_iter().filter(|(file, _)| file.starts_with("cert/platform-")).collect();
    assert_eq!(traps.len(), 1);
    for (file, row) in traps {
        let what = (text(&row, "format"), text(&row, "status"), number(&row, "observations"));
        assert_eq!(what, (Some("attribute_certificate"), Some("complete"), 0), "{file}");
        assert_eq!(row["skip_reasons"], serde_json::json!(["attribute_certificate=1"]), "{file}");
    }
}

/// What a certificate request declares, as the manifest lists it: one JSON object a request.
#[test]
fn requests_declare_what_the_manifest_says() {
    let Some(scan) = Scan::of("binary") else { return };
    let rows: BTreeMap<_, _> = scan
        .report
        .rows("requests")
        .into_iter()
        .map(|row| (text(&row, "source_path").unwrap().to_owned(), row))
        .collect();
    let mut checked = 0;
    for (file, yields) in scan.promises(&["csr"]) {
        let row = rows.get(&file).unwrap_or_else(|| panic!("{file} gives no row"));
        assert_eq!(row.get("is_signed"), Some(&Value::Bool(true)), "{file}");
        assert!(row.contains_key("spki_sha256") && row.contains_key("public_key_sha1"), "{file}");
        let names = ["subject", "san_dns", "san_other"];
        assert!(names.iter().any(|name| row.contains_key(*name)), "{file} asks for nobody");
        let Some(json) = yields.strip_prefix('{').and_then(|_| yields.split("; self-signature").next()) else {
            check_cmc(row);
            checked += 1;
            continue;
        };
        let told: Value = serde_json::from_str(json).unwrap();
        check_declared(&file, row, &told);
        check_extensions(&file, row, &told["ext"]);
        checked += 1;
    }
    assert!(checked >= 29, "only {checked} requests of the manifest were checked");
    for (file, source) in scan.sources().iter().filter(|(file, _)| file.starts_with("csr/")) {
        let sums = ["records", "yielded", "degraded"].map(|column| number(source, column));
        assert_eq!(sums, [1, 1, 0], "{file}");
    }
}

/// The message of the certificate console that the manifest describes in words.
fn check_cmc(row: &Row) {
    let told = ["request_kind", "os_version", "machine", "user", "process", "provider_name", "template_oid"];
    let expected = [
        "cmc",
        "10.0.18363.2",
        "CLIENT2.intra.adcslabor.de",
        "INTRA\\rudi",
        "MMC.EXE",
        "Microsoft RSA SChannel Cryptographic Provider",
        "1.3.6.1.4.1.311.21.8.6301991.2938543.412570.1725121.735828.231.14577106.8832112",
    ];
    assert_eq!(told.map(|column| text(row, column)), expected.map(Some));
    assert_eq!((number(row, "key_spec"), number(row, "client_id")), (1, 5));
    assert_eq!(text(row, "signature_algorithm"), Some("sha1_with_rsa"));
}

fn check_declared(file: &str, row: &Row, told: &Value) {
    let column = |column: &str| row.get(column).cloned().unwrap_or_default();
    assert_eq!(column("request_kind"), "pkcs10", "{file}");
    assert_eq!(column("os_version"), told["os"], "{file}");
    for (place, name) in ["client_id", "machine", "user", "process"].iter().enumerate() {
        assert_eq!(column(name), told["client"][place], "{file}: {name}");
    }
    assert_eq!(column("provider_name"), told["csp"]["name"], "{file}");
    assert_eq!(column("key_spec"), told["csp"]["keyspec"], "{file}");
    let algorithm = match told["sigalg"].as_str().unwrap() {
        "1.2.840.113549.1.1.5" => "sha1_with_rsa",
        "1.2.840.113549.1.1.11" => "sha256_with_rsa",
        "1.2.840.10045.4.3.2" => "ecdsa_with_sha256",
        "1.2.840.10045.4.3.3" => "ecdsa_with_sha384",
        "1.2.840.10040.4.3" => "dsa_with_sha1",
        other => panic!("{file}: {other}"),
    };
    assert_eq!(column("signature_algorithm"), algorithm, "{file}");
}

fn check_extensions(file: &str, row: &Row, told: &Value) {
    let list = |column: &str| row.get(column).and_then(Value::as_array).cloned().unwrap_or_default();
    let extensions = list("extensions");
    let others = told["other"].as_array().cloned().unwrap_or_default();
    assert!(others.iter().all(|oid| extensions.contains(oid)), "{file}: {others:?} of {extensions:?}");
    assert_eq!(list("eku"), told["eku"].as_array().cloned().unwrap_or_default(), "{file}");
    assert_eq!(text(row, "sid"), told["sid"].as_str(), "{file}");
    let mark = |oids: &[&str], name: &str| {
        let is_told = oids.iter().any(|oid| told.get(oid).is_some());
        assert_eq!(list("attestation").contains(&name.into()), is_told, "{file}: {name}");
    };
    mark(&["1.3.6.1.4.1.41482.3.11", "1.3.6.1.4.1.41482.3.1"], "yubikey_slot_certificate");
    mark(&["1.3.6.1.4.1.41482.3.2"], "yubikey_intermediate_certificate");
    assert!(!list("attestation").contains(&"attestation_statement".into()), "{file}");
}

#[test]
fn every_file_is_named_and_every_record_accounted_for() {
    for part in ["binary", "text"] {
        let Some(scan) = Scan::of(part) else { continue };
        let sources = scan.sources();
        let listed: BTreeSet<_> = scan.promises(&[]).into_iter().map(|(file, _)| file).collect();
        let missing: Vec<_> = listed.iter().filter(|file| !sources.contains_key(*file)).collect();
        assert!(missing.iter().all(|file| file.ends_with(".expected.jsonl")), "{part}: {missing:?}");
        for (file, row) in &sources {
            let name = text(row, "format").unwrap_or_else(|| panic!("{part}/{file} is unrecognised"));
            let format = FORMATS.iter().find(|format| format.name == name).unwrap();
            let status = text(row, "status").unwrap();
            let fits = if format.is_read() { ["complete", "empty"].contains(&status) } else { status == "unsupported" };
            // The one hive of the corpus that was not closed cleanly.
            let is_dirty = file.contains("winscp") && status == "incomplete";
            // Captures without the end of their output.
            let cut =
                ["ca-view-en-full-row", "store-v-en-ksp", "store-user-en", "dump-zh", "derived/dump-zh", "wlan-report"];
            let is_cut = cut.iter().any(|start| file.starts_with(start)) && status == "incomplete";
            // No password is given here.
            let is_locked = (name, status) == ("pkcs12", "locked");
            assert!(fits || is_dirty || is_cut || is_locked, "{part}/{file}: {name} is {status}");
            let count = |column: &str| number(row, column);
            assert_eq!(count("records"), count("yielded") + count("skipped") + count("rejects"), "{part}/{file}");
            let is_archive = format.unpack.is_some();
            let silent =
                status == "complete" && count("records") == 0 && !file.to_lowercase().contains("empty") && !is_archive;
            assert!(!silent, "{part}/{file} is {name} and gives nothing");
        }
        balance(&scan, &sources);
    }
}

/// Sums of the tables are those of the manifest, and no reader failed.
fn balance(scan: &Scan, sources: &BTreeMap<String, Row>) {
    let manifest = scan.report.manifest();
    let sum = |column: &str| sources.values().map(|row| number(row, column)).sum::<i64>();
    let skipped: i64 = manifest["skipped"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
    assert_eq!(manifest["records"], sum("records"));
    assert_eq!(manifest["yielded"], sum("yielded"));
    assert_eq!(manifest["observations"], sum("observations"));
    assert_eq!(manifest["rejected"], sum("rejects"));
    assert_eq!(manifest["degraded"], sum("degraded"));
    assert_eq!(skipped, sum("skipped"));
    assert_eq!(manifest["observations"], scan.report.rows("observations").len());
    let rejects = scan.report.rows("rejects");
    assert_eq!(rejects.len() as i64, sum("rejects") + sum("degraded"));
    for reject in rejects {
        assert_ne!(text(&reject, "code"), Some("internal_error"), "{reject:?}");
    }
}
