//! Keys and evidence through the real binary: what several files say of one key comes together on one row, whatever their
//! order and number.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;

use certcensus::synth;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use support::{Bench, LINEAGE, Report, Row, samples, without};

const SOFTWARE: &str = "Microsoft Software Key Storage Provider";
const ENHANCED: &str = "Microsoft Enhanced Cryptographic Provider v1.0";

fn certificate(name: &str) -> Vec<u8> {
    std::fs::read(samples().join("certificate_der").join(name)).unwrap()
}

fn sha1_of(der: &[u8]) -> String {
    Sha1::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One line of census/1.
fn line(host: &str, kind: &str, fields: Value) -> String {
    let mut record = json!({"schema": "census/1", "type": kind, "run": host, "seq": 0, "host": host});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("{record}\n")
}

/// A certificate with a key property.
fn key(host: &str, der: &[u8], provider: Option<&str>, kind: Option<u32>) -> String {
    let property = json!({"container": "c", "provider": provider, "prov_type": kind, "flags": 32, "key_spec": 0});
    line(
        host,
        "certificate",
        json!({"store_location": "LocalMachine", "store": "My", "key_prov_info": property,
            "der": base64_simd::STANDARD.encode_to_string(der)}),
    )
}

/// A certificate of which the collector only knows that there is a key.
fn flat(host: &str, der: &[u8]) -> String {
    let der = base64_simd::STANDARD.encode_to_string(der);
    format!("{}\n", json!({"host": host, "der": der, "HasPrivateKey": true}))
}

fn one(rows: Vec<Row>) -> Row {
    let [row] = &rows[..] else { panic!("{} rows: {rows:?}", rows.len()) };
    row.clone()
}

fn of<'r>(rows: &'r [Row], column: &str, value: &str) -> Vec<&'r Row> {
    rows.iter().filter(|row| row.get(column).is_some_and(|found| found == value)).collect()
}

#[test]
fn a_key_that_several_exports_and_stores_show_is_one_key() {
    let bench = Bench::new();
    let leaf = certificate("ec-leaf.cer");
    for (name, store) in [("a", "My"), ("b", "My"), ("c", "WebHosting")] {
        let text = key("pc-1", &leaf, Some(SOFTWARE), Some(0)).replace("\"My\"", &format!("\"{store}\""));
        bench.put(&format!("in/{name}.ndjson"), text);
    }
    bench.put("in/d.ndjson", key("pc-2", &leaf, Some(SOFTWARE), Some(0)));
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let keys = report.rows("keys");
    assert_eq!((report.rows("observations").len(), keys.len()), (4, 2));
    let first = one(keys.iter().filter(|row| row["client"] == "pc-1").cloned().collect());
    assert_eq!((&first["observations"], &first["sources"], &first["certificates"]), (&json!(3), &json!(3), &json!(1)));
    assert!(keys.iter().all(|row| row["clients_with_key"] == 2), "{keys:?}");
    let evidence = report.rows("evidence");
    let of_first: Vec<&Row> = of(&evidence, "key_id", first["key_id"].as_str().unwrap());
    assert!(of_first.iter().all(|row| row["times"] == 3), "{of_first:?}");
    let clients: BTreeMap<_, _> = report
        .rows("clients")
        .into_iter()
        .map(|row| (row["client"].clone().to_string(), row["keys"].clone()))
        .collect();
    assert_eq!(clients["\"pc-1\""], 1);
}

/// A key listed without its certificate.
fn listed(host: &str, fields: Value) -> String {
    let mut all = json!({"provider": SOFTWARE, "api": "cng", "name": "c", "unique_name": "u", "machine_key": true});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    line(host, "key", all)
}

#[test]
fn a_key_listed_without_its_certificate_is_the_key_of_the_certificate_where_nothing_is_left_open() {
    let (leaf, other) = (certificate("ec-leaf.cer"), certificate("rsa-leaf.cer"));
    let shown = key("pc-1", &leaf, Some(SOFTWARE), Some(0));
    let keys = |lines: &[&str], together: bool| {
        let bench = Bench::new();
        match together {
            true => drop(bench.put("in/a.ndjson", lines.concat())),
            false => lines.iter().enumerate().for_each(|(n, line)| drop(bench.put(&format!("in/{n}.ndjson"), line))),
        }
        let report = bench.scan(&[&bench.path("in")], "report", &[]);
        assert_sound(&report);
        let rows = report.rows("keys");
        let observations: Vec<_> = rows.iter().map(|row| row["observations"].as_i64().unwrap()).collect();
        assert_eq!(observations.iter().sum::<i64>(), lines.len() as i64);
        rows
    };
    // The same container of the same provider.
    let listing = listed("PC-1", json!({}));
    for lines in [[&*shown, &*listing], [&*listing, &*shown]] {
        for together in [false, true] {
            let row = one(keys(&lines, together));
            assert_eq!((&row["observations"], &row["certificates"]), (&json!(2), &json!(1)));
            assert!(row["spki_sha256"].is_string() && row["subject"].is_string(), "{row:?}");
        }
    }
    let public_key = {
        let bench = Bench::new();
        bench.put("in/a.ndjson", &shown);
        let report = bench.scan(&[&bench.path("in")], "report", &[]);
        one(report.rows("certificates"))["public_key_sha1"].clone()
    };
    // The public key itself, whatever the container is called.
    let named = listed("pc-1", json!({"spki_sha1": public_key, "name": "another"}));
    assert_eq!(keys(&[&shown, &named], false).len(), 1);
    let (second, elsewhere) =
        (key("pc-1", &other, Some(SOFTWARE), Some(0)), key("pc-2", &leaf, Some(SOFTWARE), Some(0)));
    // Another public key, provider, container, owner or client; or nobody knows which of two keys it is.
    for (lines, number) in [
        (vec![&*shown, &*listed("pc-1", json!({"spki_sha1": "00".repeat(20)}))], 2),
        (vec![&*shown, &*listed("pc-1", json!({"provider": "Microsoft Platform Crypto Provider"}))], 2),
        (vec![&*shown, &*listed("pc-1", json!({"name": "C"}))], 2),
        (vec![&*shown, &*listed("pc-1", json!({"machine_key": false}))], 2),
        (vec![&*elsewhere, &*listing], 2),
        (vec![&*shown, &*second, &*listing], 3),
        (vec![&*shown, &*second, &*named], 2),
        (vec![&*listing, &*listing], 1),
    ] {
        assert_eq!(keys(&lines, false).len(), number, "{lines:?}");
    }
    // What no client is named for may be any client's.
    let nobody = |line: &str| line.replace("pc-1", "").replace("PC-1", "");
    assert_eq!(keys(&[&nobody(&shown), &nobody(&listing)], false).len(), 2);
}

#[test]
fn the_rows_do_not_depend_on_where_the_context_stands_or_in_how_many_files() {
    let leaf = certificate("rsa-leaf.cer");
    let lines = [
        line(
            "srv",
            "provider",
            json!({"name": "Nobody's Provider", "api": "capi", "impl_flags": 2, "impl_api": "capi"}),
        ),
        line(
            "srv",
            "binding",
            json!({"kind": "http.sys", "endpoint": "0.0.0.0:443", "port": 443, "sha1": sha1_of(&leaf)}),
        ),
        key("srv", &leaf, Some("Nobody's Provider"), None),
        key("pc", &leaf, None, None),
        line("pc", "client", json!({"fqdn": "pc.example.test", "os_version": "10.0.20348"})),
    ];
    let request = std::fs::read(samples().join("pkcs10_request/windows-ksp.csr")).unwrap();
    let rows = |order: &[usize], together: bool, request_name: &str| {
        let bench = Bench::new();
        bench.put(&format!("in/{request_name}"), &request);
        match together {
            true => drop(bench.put("in/m.ndjson", order.iter().map(|n| lines[*n].as_str()).collect::<String>())),
            false => order.iter().enumerate().for_each(|(at, n)| {
                bench.put(&format!("in/m{at}.ndjson"), &lines[*n]);
            }),
        }
        let report = bench.scan(&[&bench.path("in")], "report", &[]);
        ["keys", "evidence", "findings", "clients"].map(|table| {
            let mut rows: Vec<String> =
                without(report.rows(table), &LINEAGE).iter().map(|row| format!("{row:?}")).collect();
            rows.sort();
            rows
        })
    };
    let expected = rows(&[0, 1, 2, 3, 4], false, "a.csr");
    assert_eq!(expected[0].len(), 2);
    assert!(expected[0].iter().any(|row| row.contains("provider_registry") && row.contains("capi")), "{expected:?}");
    assert!(expected[0].iter().any(|row| row.contains("request_declared")), "{expected:?}");
    for order in [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [3, 1, 0, 2, 4]] {
        for request_name in ["a.csr", "m2.csr", "z.csr"] {
            assert_eq!(rows(&order, false, request_name), expected, "{order:?} {request_name}");
        }
    }
    // In one file a run's providers come before its certificates; another client's lines may stand anywhere.
    for order in [[0, 1, 2, 3, 4], [0, 2, 1, 3, 4], [4, 3, 0, 1, 2]] {
        // A file more or less is a collection more or less: that is for `clients` to tell.
        assert_eq!(rows(&order, true, "z.csr")[..3], expected[..3], "{order:?} in one file");
    }
}

#[test]
fn what_a_ca_and_a_request_declare_fills_gaps_and_never_overrides() {
    let bench = Bench::new();
    let leaf = certificate("rsa-leaf.cer");
    for name in ["adcs_text/full.txt", "pkcs10_request/windows-ksp.csr"] {
        bench.put(&format!("in/{}", name.replace('/', "-")), std::fs::read(samples().join(name)).unwrap());
    }
    bench.put("in/known.ndjson", key("known", &leaf, Some(ENHANCED), Some(1)));
    bench.put("in/silent.ndjson", flat("silent", &leaf));
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let (keys, evidence) = (report.rows("keys"), report.rows("evidence"));
    let known = one(of(&keys, "client", "known").into_iter().cloned().collect());
    assert_eq!((&known["key_api"], &known["key_api_rule"]), (&json!("capi"), &json!("provider_type")));
    assert_eq!(known["key_api_conflict"], true, "the request says CNG");
    assert!(known["conflict"].as_str().unwrap().contains(SOFTWARE), "both sides are named: {known:?}");
    let silent = one(of(&keys, "client", "silent").into_iter().cloned().collect());
    // Three rows of the CA disagree with each other: nobody knows.
    assert_eq!((&silent["key_api"], &silent["key_api_rule"]), (&json!("unknown"), &json!("ca_declared")));
    assert!(silent["enrolments"].as_i64().unwrap() > 2);
    let declared = of(&evidence, "kind", "declared_provider");
    assert!(!declared.is_empty() && declared.iter().all(|row| row.contains_key("request_id")), "{declared:?}");
    let requests: Vec<_> = report.rows("requests").into_iter().map(|row| row["request_id"].clone()).collect();
    assert!(declared.iter().all(|row| requests.contains(&row["request_id"])));
}

#[test]
fn an_enrolment_that_names_only_the_certificate_finds_its_key() {
    let bench = Bench::new();
    let leaf = certificate("rsa-leaf.cer");
    let hash: String = Sha1::digest(&leaf).iter().map(|byte| format!("{byte:02x} ")).collect();
    let csv = format!(
        "\"Request ID\",\"Certificate Hash\",\"Attestation Challenge\",\"Request Disposition\"\r\n\
         \"4\",\"{}\",\"40 Bytes\",\"20 -- Issued\"\r\n",
        hash.trim()
    );
    bench.put("in/a.csv", csv);
    bench.put("in/z.ndjson", flat("silent", &leaf));
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let key = one(report.rows("keys"));
    assert_eq!((&key["key_storage"], &key["key_storage_rule"]), (&json!("tpm"), &json!("ca_attestation")));
    assert_eq!((&key["key_storage_grade"], &key["enrolments"]), (&json!("inferred"), &json!(1)));
}

#[test]
fn context_under_the_full_name_joins_the_short_one_where_it_is_the_only_one() {
    let leaf = certificate("ec-leaf.cer");
    let provider = |host: &str| line(host, "provider", json!({"name": "Nobody's Provider", "api": "cng"}));
    let scan = |others: &[&str]| {
        let bench = Bench::new();
        bench.put("in/key.ndjson", key("srv", &leaf, Some("Nobody's Provider"), None));
        for (at, other) in others.iter().enumerate() {
            bench.put(&format!("in/other-{at}.ndjson"), provider(other));
        }
        let report = bench.scan(&[&bench.path("in")], "report", &[]);
        one(report.rows("keys"))["key_api"].clone()
    };
    assert_eq!(scan(&[]), "unknown");
    assert_eq!(scan(&["srv"]), "cng");
    assert_eq!(scan(&["srv.example.test"]), "cng", "the only one of this label");
    assert_eq!(scan(&["srv.example.test", "srv.other.test"]), "unknown", "two machines may have that label");
    assert_eq!(scan(&["srv2.example.test"]), "unknown");
}

#[test]
fn bindings_and_providers_under_either_name_of_a_client_find_the_keys_under_the_other() {
    let leaf = certificate("rsa-leaf.cer");
    let (short, full) = ("srv", "srv.example.test");
    let bound = |host: &str| {
        let fields = json!({"kind": "sqlserver", "name": "MSSQLSERVER", "sha1": sha1_of(&leaf), "store": "My"});
        line(host, "binding", fields)
    };
    let provider = |host: &str| line(host, "provider", json!({"name": "Nobody's Provider", "api": "capi"}));
    let mut keys = Vec::new();
    for (of_key, of_binding, of_provider) in
        [(short, short, short), (short, full, short), (full, short, full), (full, full, short), (full, short, short)]
    {
        let bench = Bench::new();
        bench.put(
            "in/a.ndjson",
            key(of_key, &leaf, Some("Nobody's Provider"), None).replace("\"key_spec\":0", "\"key_spec\":1"),
        );
        bench.put("in/b.ndjson", bound(of_binding));
        bench.put("in/c.ndjson", provider(of_provider));
        // Both names are known, whoever has the key.
        bench.put("in/d.ndjson", flat(short, &certificate("ca.cer")) + &flat(full, &certificate("ca.cer")));
        let report = bench.scan(&[&bench.path("in")], "report", &["-j", "2"]);
        assert_sound(&report);
        let (rows, findings) = (report.rows("keys"), report.rows("findings"));
        let key = one(of(&rows, "thumbprint", &sha1_of(&leaf)).into_iter().cloned().collect());
        let finding = one(of(&findings, "rule", "sql_server_tls").into_iter().cloned().collect());
        let names = (of_key, of_binding, of_provider);
        assert_eq!((&key["key_api"], &key["client"]), (&json!("capi"), &json!(of_key)), "{names:?}");
        assert_eq!((&finding["status"], &finding["key_id"]), (&json!("ok"), &key["key_id"]), "{names:?}");
        assert_eq!(finding["client"], "srv", "{names:?}");
        keys.push(key["clients_with_key"].clone());
    }
    assert!(keys.iter().all(|clients| *clients == 1));
}

#[test]
fn keys_of_two_users_are_two_keys_though_no_sid_is_known() {
    let bench = Bench::new();
    let mut element = std::fs::read(samples().join("element/capi-software.bin")).unwrap();
    // The key of a user: the flags are the fourth field of property 2 (CRYPT_KEY_PROV_INFO).
    let header = element.windows(8).position(|bytes| bytes == [2, 0, 0, 0, 1, 0, 0, 0]).unwrap();
    let flags = &mut element[header + 24..header + 28];
    assert_eq!(flags, [0x20, 0, 0, 0]);
    flags.fill(0);
    for (machine, user) in [("pc", "alder"), ("pc", "Birch")] {
        let folder = format!("in/{machine}/Users/{user}/AppData/Roaming/Microsoft/SystemCertificates/My/Certificates");
        bench.put(&format!("{folder}/{}", "0A".repeat(20)), &element);
        bench.put(&format!("{folder}/{}", "0B".repeat(20)), &element);
    }
    let report = bench.scan(&[&bench.path("in")], "report", &["--client-from", "dir:1"]);
    let keys = report.rows("keys");
    assert_eq!((report.rows("observations").len(), keys.len()), (4, 2), "{keys:?}");
    assert!(keys.iter().all(|key| key["observations"] == 2 && !key.contains_key("conflict")), "{keys:?}");
}

#[test]
fn a_finding_shows_the_certificate_that_decided_and_the_record_that_shows_it() {
    // Two certificates of one key; only the one that ends first is for logon.
    let pair = rcgen::KeyPair::generate().unwrap();
    let issue = |year: i32, logon: bool| {
        let mut params = rcgen::CertificateParams::new(vec!["pc-1.corp.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.distinguished_name.push(rcgen::DnType::CommonName, "pc-1");
        if logon {
            params
                .extended_key_usages
                .push(rcgen::ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 2]));
        }
        let root = rcgen::KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::new(rcgen::CertificateParams::new(vec!["root".to_owned()]).unwrap(), root);
        params.signed_by(&pair, &issuer).unwrap().der().to_vec()
    };
    let (logon, later) = (issue(2030, true), issue(2031, false));
    let bench = Bench::new();
    let lines = [key("pc-1", &later, Some(ENHANCED), Some(1)), key("pc-1", &logon, Some(ENHANCED), Some(1))];
    bench.put("in/a.ndjson", lines.concat());
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let row = one(report.rows("findings").into_iter().filter(|row| row["rule"] == "missing_sid").collect());
    assert_eq!(row["thumbprint"], sha1_of(&logon));
    let observations = report.rows("observations");
    let shown = one(observations.into_iter().filter(|o| o["observation_id"] == row["observation_id"]).collect());
    assert_eq!(shown["thumbprint"], row["thumbprint"]);
    assert_eq!(row["byte_offset"], lines[0].len() as u64);
}

#[test]
fn a_key_without_a_certificate_shows_algorithm_and_size_as_its_provider_says_them() {
    let bench = Bench::new();
    let of = |name: &str, algorithm: Value, bits: u32| {
        listed("pc-1", json!({"name": name, "unique_name": name, "algorithm": algorithm, "key_bits": bits}))
    };
    let lines = [of("a", json!("RSA"), 512), of("b", json!("ECDSA_P256"), 256), of("c", json!("none such"), 7)];
    bench.put("in/a.ndjson", lines.concat());
    bench.put("in/b.ndjson", of("b", json!("ECDSA_P384"), 384));
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let shown = |row: &Row| (row.get("key_algorithm").cloned(), row.get("key_size_bits").cloned());
    let mut keys: Vec<_> = report.rows("keys").iter().map(shown).collect();
    keys.sort_by_key(|key| format!("{key:?}"));
    // Of the second the files disagree; of the third nobody knows what it is.
    assert_eq!(keys, [(None, None), (None, None), (Some(json!("rsa")), Some(json!(512)))]);
    let findings = report.rows("findings");
    assert_eq!(of_rule(&findings, "weak_key"), 1);
}

fn of_rule(findings: &[Row], rule: &str) -> usize {
    findings.iter().filter(|row| row["rule"] == rule).count()
}

#[test]
fn a_binding_takes_the_machines_key_of_its_certificate() {
    let leaf = certificate("rsa-leaf.cer");
    let machine = key("srv", &leaf, Some(SOFTWARE), Some(0));
    let user = key("srv", &leaf, Some("Microsoft Enhanced Cryptographic Provider v1.0"), Some(1))
        .replace("LocalMachine", "CurrentUser")
        .replace("\"flags\":32", "\"flags\":0");
    let fields = json!({"kind": "http.sys", "app_id": "{5d89a20c-beab-4389-9447-324788eb944a}", "port": 443,
        "sha1": sha1_of(&leaf), "store": "My"});
    let binding = line("srv", "binding", fields);
    for texts in [[&machine, &user, &binding], [&binding, &user, &machine]] {
        let bench = Bench::new();
        bench.put("in/a.ndjson", texts.into_iter().map(String::as_str).collect::<String>());
        let report = bench.scan(&[&bench.path("in")], "report", &[]);
        let finding = one(of(&report.rows("findings"), "rule", "adfs_certificate").into_iter().cloned().collect());
        let rows = report.rows("keys");
        let own = one(of(&rows, "key_api", "cng").into_iter().cloned().collect());
        assert_eq!((rows.len(), &finding["key_id"]), (2, &own["key_id"]));
        assert!(finding["message"].as_str().is_some_and(|text| text.contains("in CNG")), "{finding:?}");
    }
}

#[test]
fn providers_of_files_without_client_speak_for_their_own_file_alone() {
    let bench = Bench::new();
    let leaf = certificate("ec-leaf.cer");
    let nobody = |text: String| text.replace("\"host\":\"x\",", "").replace(",\"host\":\"x\"", "");
    let provider = |name| nobody(line("x", "provider", json!({"name": name, "api": "cng"})));
    bench.put("in/a.ndjson", provider("Nobody's Provider") + &nobody(key("x", &leaf, Some("Nobody's Provider"), None)));
    bench.put("in/b.ndjson", provider("Somebody's Provider"));
    let rsa = certificate("rsa-leaf.cer");
    bench.put("in/c.ndjson", nobody(key("x", &rsa, Some("Somebody's Provider"), None)));
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let verdict = |provider: &str| {
        let rows = report.rows("keys");
        of(&rows, "provider_name", provider).first().map(|row| row["key_api"].clone()).unwrap()
    };
    assert_eq!(verdict("Nobody's Provider"), "cng");
    assert_eq!(verdict("Somebody's Provider"), "unknown");
}

#[test]
fn keys_of_no_client_are_spread_and_bindings_of_no_client_find_theirs() {
    let bench = Bench::new();
    let names = ["ec-leaf.cer", "rsa-leaf.cer"];
    let leaves: Vec<Vec<u8>> = names.iter().map(|name| certificate(name)).collect();
    let options = synth::Options { clients: 20, seed: 7, ..synth::Options::default() };
    bench.fleet("fleet", &options);
    // The records of a fleet without their client: hundreds of keys of which no client is known, in all parts.
    for file in std::fs::read_dir(bench.path("fleet")).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let lines = text.lines().filter(|line| line.contains("\"type\":\"certificate\"")).map(|line| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            record.as_object_mut().unwrap().remove("host");
            format!("{record}\n")
        });
        bench.put(&format!("in/{}", file.file_name().display()), lines.collect::<String>());
    }
    let nobody = |text: String| text.replace("\"host\":\"x\",", "").replace(",\"host\":\"x\"", "");
    bench.put(
        "in/keys.ndjson",
        leaves.iter().map(|der| nobody(key("x", der, Some(SOFTWARE), Some(0)))).collect::<String>(),
    );
    let bindings = leaves.iter().zip(443..).map(|(der, port)| {
        let hash = sha1_of(der);
        format!(
            "    IP:port                      : 0.0.0.0:{port}\n    Certificate Hash             : {hash}\n    \
             Application ID               : {{5d89a20c-beab-4389-9447-324788eb944a}}\n    Certificate Store Name       : \
             MY\n\n"
        )
    });
    bench.put(
        "in/sslcert.txt",
        format!("SSL Certificate bindings:\n-------------------------\n\n{}", bindings.collect::<String>()),
    );
    let report = bench.scan(&[&bench.path("in")], "report", &["-j", "1"]);
    assert_sound(&report);
    let (keys, findings) = (report.rows("keys"), report.rows("findings"));
    assert!(keys.len() > 60, "{}", keys.len());
    for der in &leaves {
        let key = one(of(&keys, "thumbprint", &sha1_of(der)).into_iter().cloned().collect());
        let found = of(&findings, "key_id", key["key_id"].as_str().unwrap());
        assert!(found.iter().any(|row| row["concerns"] == "binding"), "{found:?}");
    }
    let two = bench.scan(&[&bench.path("in")], "two", &["-j", "2"]);
    assert!(report.bytes() == two.bytes(), "two threads, other bytes");
}

/// What every report must hold: one row a key that observations name, pieces that belong to keys, outcomes that fit.
fn assert_sound(report: &Report) {
    let (keys, observations, evidence) = (report.rows("keys"), report.rows("observations"), report.rows("evidence"));
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    for row in observations.iter().filter(|row| row.contains_key("key_id")) {
        *seen.entry(row["key_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let told: BTreeMap<String, i64> = keys
        .iter()
        .map(|row| (row["key_id"].as_str().unwrap().to_owned(), row["observations"].as_i64().unwrap()))
        .collect();
    assert_eq!(told.len(), keys.len(), "a key is one row");
    assert_eq!(told, seen, "keys and observations tell the same");
    for key in &keys {
        let id = key["key_id"].as_str().unwrap();
        let pieces = of(&evidence, "key_id", id);
        for (subject, value, conflict) in
            [("api", "key_api", "key_api_conflict"), ("storage", "key_storage", "key_storage_conflict")]
        {
            let count = |outcome: &str| {
                pieces.iter().filter(|row| row["subject"] == subject && row["outcome"] == outcome).count()
            };
            assert_eq!(count("won"), usize::from(key[value] != "unknown"), "{key:?} {pieces:?}");
            assert_eq!(count("contradicted") > 0, key[conflict] == true, "{key:?} {pieces:?}");
        }
    }
    let clients: i64 = report.rows("clients").iter().map(|row| row["keys"].as_i64().unwrap()).sum();
    assert_eq!(clients, keys.len() as i64);
}

#[test]
fn keys_evidence_and_observations_agree_and_files_in_place_of_memory_change_nothing() {
    let bench = Bench::new();
    let options = synth::Options { clients: 100, broken: 0.01, hash_only: 0.05, seed: 5, ..synth::Options::default() };
    bench.fleet("fleet", &options);
    let report = bench.scan(&[&bench.path("fleet")], "report", &["-j", "1"]);
    assert_sound(&report);
    assert!(report.rows("keys").len() > 300);
    let two = bench.scan(&[&bench.path("fleet")], "two", &["-j", "2"]);
    assert!(report.bytes() == two.bytes(), "two threads, other bytes");
    let small = bench.scan(&[&bench.path("fleet")], "small", &["--max-memory", "1M"]);
    for table in ["keys", "evidence", "findings", "clients"] {
        assert!(report.rows(table) == small.rows(table), "{table} of little memory");
    }
    let bench = Bench::new();
    assert_sound(&bench.scan(&[&samples()], "report", &[]));
}

/// Certificates of an authority made here.
mod made {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
        date_time_ymd,
    };

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        params
    }

    /// The authority's certificate, and that of a user with the attestation policy of high assurance; with a role of the
    /// TPM's own, where one is wanted.
    pub fn attested(authority: &str, tpm_role: bool) -> (Vec<u8>, Vec<u8>) {
        let (key, users) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut root = params(authority);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = root.clone().self_signed(&key).unwrap().der().to_vec();
        let mut user = params("user.example.test");
        // Certificate policies with 1.3.6.1.4.1.311.21.30.
        let policies = b"\x30\x0d\x30\x0b\x06\x09\x2b\x06\x01\x04\x01\x82\x37\x15\x1e".to_vec();
        user.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 32], policies));
        if tpm_role {
            user.extended_key_usages.push(ExtendedKeyUsagePurpose::Other(vec![2, 23, 133, 8, 3]));
        }
        let user = user.signed_by(&users, &Issuer::new(root, &key)).unwrap().der().to_vec();
        (issuer, user)
    }
}

#[test]
fn only_a_listed_issuer_makes_an_attestation_count() {
    const PLATFORM: &str = "Microsoft Platform Crypto Provider";
    let pem = |der: &[u8]| {
        let text = base64_simd::STANDARD.encode_to_string(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    let (issuer, user) = made::attested("Listed CA", false);
    let (other, forged) = made::attested("Other CA", false);
    let (imitated, imitation) = made::attested("Listed CA", false);
    let (of_role, role) = made::attested("Role CA", true);
    let bench = Bench::new();
    let lines: String = [("user", &user), ("forged", &forged), ("imitation", &imitation), ("role", &role)]
        .into_iter()
        .map(|(host, der)| key(host, der, Some(PLATFORM), Some(0)))
        .collect();
    bench.put("in/keys.ndjson", lines + &key("plain", &certificate("ec-leaf.cer"), Some(PLATFORM), Some(0)));
    // The imitated authority is in the scan, but not on the list; the listed one is on the list by its thumbprint alone.
    for (name, der) in [("a", &issuer), ("b", &other), ("c", &imitated), ("d", &of_role)] {
        bench.put(&format!("in/{name}.cer"), der);
    }
    bench.put("issuers.txt", format!("# who attests keys\n{}\n\n{}", sha1_of(&issuer), pem(&of_role)));
    let args = ["--attestation-issuers", "issuers.txt"];
    let report = bench.scan(&[&bench.path("in")], "report", &args);
    let keys = report.rows("keys");
    let told = |host: &str| {
        let key = one(of(&keys, "client", host).into_iter().cloned().collect());
        ["key_storage_grade", "attestation_status", "attestation_assurance"]
            .map(|column| key.get(column).and_then(Value::as_str).unwrap_or_default().to_owned())
    };
    assert_eq!(told("user"), ["attested", "verified", "high"]);
    assert_eq!(told("forged"), ["catalogued", "issuer_not_listed", "high"]);
    assert_eq!(told("imitation"), ["catalogued", "bad_signature", "high"]);
    assert_eq!(told("role"), ["catalogued", "tpm_role", ""]);
    assert_eq!(told("plain"), ["catalogued", "", ""]);
    let evidence = report.rows("evidence");
    let verified = of(&evidence, "kind", "verified_attestation");
    assert_eq!(verified.len(), 1, "{verified:?}");
    assert_eq!((&verified[0]["rank"], &verified[0]["outcome"]), (&json!(1), &json!("won")));
    // The record's own verdict is that of the record.
    let observations = report.rows("observations");
    assert!(of(&observations, "client", "user").iter().all(|row| row["key_storage_grade"] == "catalogued"));
    // Without the list nothing is verified, and with an empty one nothing is scanned.
    let without = bench.scan(&[&bench.path("in")], "without", &[]);
    assert!(without.rows("keys").iter().all(|key| !key.contains_key("attestation_status")));
    bench.put("empty.txt", "# nobody\n");
    let out = bench.run(&["scan", "in", "-o", "none", "--attestation-issuers", "empty.txt"]);
    assert_eq!(out.status.code(), Some(2), "{}", String::from_utf8_lossy(&out.stderr));
}
