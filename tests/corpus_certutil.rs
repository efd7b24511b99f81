//! What the manifest of the corpus promises of certutil's outputs, verdicts included. Skipped, with a word, where the corpus
//! is not on this machine.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Bench, Row, corpus};

/// A promised row: record number, thumbprint, provider, whether there is a container, presence, interface, storage.
type Promise<'a> = (Option<i64>, Option<&'a str>, Option<&'a str>, bool, &'a str, &'a str, &'a str);

const SOFTWARE: Option<&str> = Some("Microsoft Software Key Storage Provider");
const SCHANNEL: Option<&str> = Some("Microsoft RSA SChannel Cryptographic Provider");
const NONE: (&str, &str, &str) = ("none", "none", "none");

/// A certificate without a key property.
fn keyless(number: i64, sha1: &str) -> Promise<'_> {
    (Some(number), Some(sha1), None, false, NONE.0, NONE.1, NONE.2)
}

/// Scans one file, alone.
fn scan(folder: &Path, file: &str) -> (Vec<Row>, support::Report, Bench) {
    let bench = Bench::new();
    let name = Path::new(file).file_name().unwrap().to_str().unwrap();
    let path = bench.put(name, fs::read(folder.join(file)).unwrap());
    let report = bench.scan(&[&path], "report", &[]);
    let mut rows = report.rows("observations");
    rows.sort_by_key(|row| row["byte_offset"].as_i64());
    (rows, report, bench)
}

fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column).and_then(Value::as_str)
}

fn number(row: &Row, column: &str) -> Option<i64> {
    row.get(column).and_then(Value::as_i64)
}

/// Checks the rows of a file, and that each container stands in it as it is reported: names of real keys are not ours to
/// repeat.
fn check(folder: &Path, file: &str, promises: &[Promise<'_>]) -> (Vec<Row>, Vec<Row>) {
    let (rows, report, _bench) = scan(folder, file);
    let source = fs::read(folder.join(file)).unwrap().into_iter().filter(|byte| *byte != 0).collect::<Vec<_>>();
    let source = String::from_utf8_lossy(&source).into_owned();
    let mut found: Vec<Promise<'_>> = Vec::new();
    for row in &rows {
        let verdict = |column| text(row, column).unwrap_or_default();
        let (provider, container) = (text(row, "provider_name"), text(row, "key_container"));
        let stands = |name| source.contains(&format!("= {name}")) || source.contains(&format!("  {name}"));
        assert!(container.is_none_or(stands), "{file}: {row:?}");
        let verdicts = (verdict("key_presence"), verdict("key_api"), verdict("key_storage"));
        let named = (number(row, "record_number"), text(row, "thumbprint"), provider, container.is_some());
        found.push((named.0, named.1, named.2, named.3, verdicts.0, verdicts.1, verdicts.2));
    }
    assert_eq!(found, promises, "{file}");
    let sources = report.rows("sources");
    assert_eq!(text(&sources[0], "format"), Some("certutil_text"), "{file}");
    (rows, report.rows("rejects"))
}

/// What the manifest promises of a file, in its own words.
fn promised(folder: &Path, file: &str) -> String {
    let manifest = fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let line = manifest.lines().find(|line| line.starts_with(&format!("{file}\t"))).unwrap();
    line.split('\t').next_back().unwrap().to_owned()
}

#[test]
fn verbose_stores() {
    let Some(folder) = corpus("text") else { return };
    let sha1 = "ff2771bd5bd1f7086ab96fb9532b594ed8619c3b";
    let strong = Some("Microsoft Strong Cryptographic Provider");
    let promise = [(Some(0), Some(sha1), strong, true, "opened", "capi", "software")];
    let file = "store-v-en-capi-strong.txt";
    let (rows, _) = check(&folder, file, &promise);
    let row = &rows[0];
    let numbers = ["provider_type", "key_flags", "key_spec"].map(|column| number(row, column));
    assert_eq!(numbers, [Some(1), Some(0x20), Some(2)]);
    assert_eq!(text(row, "printed_serial"), Some("3f675d4b64156f9c48ccf30793121147"));
    let originator = text(row, "request_originator").unwrap();
    assert!(promised(&folder, file).contains(&format!("origin host {originator};")));
    assert_eq!(text(row, "key_identifier"), Some("29c42c8b73d48fb46118895ae59806eac7bf0098"));
    assert_eq!((text(row, "store_name"), text(row, "store_location")), (Some("my"), Some("local_machine")));
    assert_eq!(row.get("is_exportable"), Some(&Value::Bool(false)));
    assert_eq!(text(row, "key_api_rule"), Some("provider_type"));

    let sha1 = "35599aaaabbbb0438686dd79915e943895d1e276";
    let promise = [(Some(3), Some(sha1), SOFTWARE, true, "declared", "cng", "software")];
    let (rows, rejects) = check(&folder, "store-v-en-ksp-keyspec2-trimmed.txt", &promise);
    let numbers = ["provider_type", "key_flags", "key_spec"].map(|column| number(&rows[0], column));
    assert_eq!(numbers, [Some(0), Some(0x20), Some(2)], "key spec does not win");
    assert!(text(&rows[0], "printed_not_after").is_none());
    let codes: Vec<_> = rejects.iter().map(|row| text(row, "code").unwrap().to_owned()).collect();
    assert_eq!(codes, ["bad_time", "bad_time"], "the dates are placeholders");
}

fn mixed() -> [Promise<'static>; 3] {
    let first = "82ad1e0c20a332c8d6adac3e5ea243204b85d3a7";
    let second = "779a97b1d8e492b5bafebc02338845ffdff76ad2";
    let third = "2f02901dcff083ed3dbb6cb0a15bbfee6002b1a8";
    [
        (Some(0), Some(first), SOFTWARE, true, "missing", "cng", "software"),
        (Some(1), Some(second), SCHANNEL, true, "missing", "capi", "software"),
        (Some(2), Some(third), SOFTWARE, true, "missing", "cng", "software"),
    ]
}

fn selection() -> [Promise<'static>; 3] {
    let key = |number, sha1| (Some(number), Some(sha1), SOFTWARE, true, "opened", "cng", "software");
    [
        keyless(0, "cf543ac5675c33bdf67c08b04640572e02e98921"),
        key(4, "4cde1906a914bb84384b07b3084d6e36d94b0d1b"),
        key(5, "04a87fcc7264a21a7c704ce817aeabcce2d3eb6f"),
    ]
}

#[test]
fn plain_stores() {
    let Some(folder) = corpus("text") else { return };
    let (rows, _) = check(&folder, "store-en-htb-mixed-missing-keyset.txt", &mixed());
    assert_eq!(rows[0].get("is_archived"), Some(&Value::Bool(true)));
    let (rows, _) = check(&folder, "store-user-ptbr-selection.txt", &selection());
    for row in &rows[1..] {
        let (_, machine) = text(row, "key_path").unwrap().split_once('_').unwrap();
        assert!(promised(&folder, "store-user-ptbr-selection.txt").contains(&format!("suffix {machine};")), "{row:?}");
        assert_eq!(row.get("is_exportable"), Some(&Value::Bool(false)));
        assert_eq!((text(row, "store_name"), text(row, "store_location")), (Some("My"), Some("current_user")));
    }
    let lossy = "aabbccddeeff00112233445566778899aabbccdd";
    let promise = |number| [(Some(number), Some(lossy), SOFTWARE, true, "opened", "cng", "software")];
    let (rows, _) = check(&folder, "store-de-tokentimer-ksp-lossy.txt", &promise(14));
    assert!(text(&rows[0], "key_path").unwrap().starts_with("a11a37ef"));
    assert_eq!(rows[0].get("is_exportable"), Some(&Value::Bool(false)));
    assert_eq!(text(&rows[0], "printed_not_after"), Some("01.01.2027 01:00"));
    check(&folder, "store-fr-tokentimer-ksp-nbsp.txt", &promise(0));
    let passport = Some("Microsoft Passport Key Storage Provider");
    let sha1 = Some("63c6ce5fc512933179d3c0a5e94ecba98092f93d");
    let (rows, _) = check(
        &folder,
        "store-user-en-whfb-passport.txt",
        &[(Some(0), sha1, passport, true, "opened", "cng", "unknown")],
    );
    assert!(rows[0].get("hardware_backed").is_none());
    let hsm = Some("Securosys Primus HSM Key Storage Provider");
    let sha1 = Some("19f647a3f4e60eabc126d73ef1ef6e9f84224997");
    check(&folder, "repairstore-en-securosys-hsm.txt", &[(Some(43), sha1, hsm, true, "opened", "cng", "hsm")]);
    let (rows, _) = check(
        &folder,
        "store-enterprise-en-root-and-ca.txt",
        &[
            keyless(0, "b805e6ab548f6e7c57d3989f61de7fe6a51031d1"),
            keyless(0, "5137a597de2c3085ec5816c7f11edc18cfcdbaf8"),
        ],
    );
    assert_eq!(rows.iter().map(|row| text(row, "store_name").unwrap()).collect::<Vec<_>>(), ["Root", "CA"]);
    let sha1 = Some("13130c25703d1ce0c0be731a53a1769002295015");
    check(
        &folder,
        "exportpfx-en-thm-force-ncrypt.txt",
        &[(Some(2), sha1, SCHANNEL, true, "opened", "capi", "software")],
    );
}

fn chinese() -> [Promise<'static>; 4] {
    let sha1 = Some("efba8a811b958121514c9700400e06451aff3517");
    [
        keyless(0, "3c34e356c7fc17f5acf04824bc587c6c623951a2"),
        keyless(1, "f37620fc4b1cddd2a3d74b1d5e8db42e244ca006"),
        keyless(2, "d09370a9864982a5047da46373540256d08a3c81"),
        (Some(3), sha1, SOFTWARE, false, "declared", "cng", "software"),
    ]
}

fn italian() -> [Promise<'static>; 1] {
    let strong = Some("Microsoft Strong Cryptographic Provider");
    [(Some(0), Some("f4231f8e13c7fa6f2214dd54598e10e4253a407a"), strong, false, "opened", "capi", "software")]
}

#[test]
fn dumps_of_files() {
    let Some(folder) = corpus("text") else { return };
    let first = Some("5137a597de2c3085ec5816c7f11edc18cfcdbaf8");
    let dumps: [(&str, &[Promise<'_>]); 3] = [
        ("dump-it-windowslib-capi-strong.txt", &italian()),
        ("dump-zh-pfx-nesting.txt", &chinese()),
        (
            "dump-en-p12-nesting.txt",
            &[
                (None, first, SOFTWARE, false, "opened", "cng", "software"),
                keyless(1, "b805e6ab548f6e7c57d3989f61de7fe6a51031d1"),
            ],
        ),
    ];
    for (file, promises) in dumps {
        let (rows, _) = check(&folder, file, promises);
        for row in rows {
            assert!(text(&row, "store_name").is_none() && text(&row, "store_location").is_none(), "{file}");
            let rule = text(&row, "key_storage_rule").unwrap();
            assert_eq!(
                rule == "exported_key",
                text(&row, "provider_name").is_some(),
                "{file}: of a file, not a machine"
            );
        }
    }
}

#[test]
fn a_report_without_line_ends() {
    let Some(folder) = corpus("text") else { return };
    let enhanced = Some("Microsoft Enhanced Cryptographic Provider v1.0");
    let tpm = Some("Microsoft Platform Crypto Provider");
    let hash = |text| Some(text);
    let (rows, _) = check(
        &folder,
        "wlan-report-collapsed-certutil.txt",
        &[
            (Some(2), hash("6e37adcaf40b071758a32292e51bacf6030bacab"), SCHANNEL, true, "missing", "capi", "software"),
            (Some(3), hash("29c6792ae836a30736b92505cff768dfba89e51c"), enhanced, true, "opened", "capi", "software"),
            keyless(0, "d37f2aee292910ab5887dc1356d7e5926767a151"),
            (Some(1), hash("99b3cf3184b31b9deef7de6557f140a55795b243"), SOFTWARE, true, "opened", "cng", "software"),
            keyless(2, "7bfe0347922d4162ede2d056702545aad2259d50"),
            (Some(3), hash("3c3909ca689b069882719d9628f91b5acf594727"), tpm, true, "missing", "cng", "tpm"),
        ],
    );
    let stores: Vec<_> = rows.iter().map(|row| text(row, "store_name")).collect();
    assert_eq!(stores, [None, None, Some("My"), Some("My"), Some("My"), Some("My")]);
    assert!(text(&rows[5], "printed_issuer").unwrap().split(" + ").count() == 4, "one name of several values");
    assert!(!text(&rows[3], "key_path").unwrap().contains('\\'), "without the escape of Markdown");
}

#[test]
fn provider_lists() {
    let Some(folder) = corpus("text") else { return };
    let lists: [(&str, usize, &[i64], &str); 3] = [
        ("csplist-en-win10-ms.txt", 14, &[1, 13, 3, 1, 18, 1, 13, 24, 12, 1], "Microsoft Platform Crypto Provider"),
        (
            "csplist-en-ncipher.txt",
            13,
            &[1, 13, 3, 1, 18, 1, 13, 24, 12, 1],
            "nCipher Security World Key Storage Provider",
        ),
        (
            "csplist-en-luna-safenet.txt",
            16,
            &[1, 24, 12, 1, 13, 3, 1, 18, 1, 13, 24, 12, 1],
            "SafeNet Key Storage Provider",
        ),
    ];
    for (file, count, types, named) in lists {
        let (_, report, _bench) = scan(&folder, file);
        let mut rows = report.rows("providers");
        rows.sort_by_key(|row| number(row, "byte_offset"));
        assert_eq!(rows.len(), count, "{file}");
        let (capi, cng) = rows.split_at(types.len());
        assert_eq!(capi.iter().map(|row| number(row, "provider_type").unwrap()).collect::<Vec<_>>(), types, "{file}");
        assert!(capi.iter().all(|row| text(row, "api") == Some("capi")), "{file}");
        assert!(cng.iter().all(|row| text(row, "api") == Some("cng") && !row.contains_key("provider_type")), "{file}");
        assert!(cng.iter().any(|row| text(row, "provider_name") == Some(named)), "{file}");
        assert!(report.rows("rejects").is_empty(), "{file}");
    }
}

#[test]
fn keys_and_requests() {
    let Some(folder) = corpus("text") else { return };
    let (rows, _) = check(&folder, "key-v-ksp-en-vsm.txt", &[(None, None, SOFTWARE, true, "declared", "cng", "vbs")]);
    assert_eq!(text(&rows[0], "key_identifier"), Some("1fa2420cec1949b23a518b4acb079bf74e8dde10"));
    assert!(text(&rows[0], "key_path").unwrap().starts_with("cad91794ddf50456b13c563fdc9fe9aa_64e6b472-"));
    assert_eq!(rows[0].get("hardware_backed"), Some(&Value::Bool(false)));
    assert_eq!(rows[0].get("is_exportable"), Some(&Value::Bool(false)));

    let (rows, report, _bench) = scan(&folder, "dump-fr-pkcs10-csp-attribute.txt");
    let requests = report.rows("requests");
    assert_eq!((rows.len(), requests.len()), (0, 1));
    let said = ["process", "provider_name", "public_key_sha1"].map(|column| text(&requests[0], column).unwrap());
    let key = "022a7cae1dfb81a66547e075d01cee629d5dfc7c";
    let machine = text(&requests[0], "machine").unwrap();
    assert!(promised(&folder, "dump-fr-pkcs10-csp-attribute.txt").contains(&format!("host {machine},")));
    assert_eq!(said, ["inetmgr.exe", SCHANNEL.unwrap(), key]);
    assert_eq!((number(&requests[0], "key_spec"), text(&requests[0], "catalogue_api")), (Some(1), Some("capi")));
}

#[test]
fn encodings_give_the_rows_of_their_source() {
    let Some(folder) = corpus("text") else { return };
    for (file, promises) in [
        ("derived/store-user-ptbr-selection.utf16le-bom.txt", &selection()[..]),
        ("derived/store-user-ptbr-selection.cp850.txt", &selection()[..]),
        ("derived/dump-it-windowslib-capi-strong.cp1252.txt", &italian()[..]),
        ("derived/dump-zh-pfx-nesting.gbk.txt", &chinese()[..]),
        ("derived/store-en-htb-mixed-missing-keyset.utf16le-nobom.txt", &mixed()[..]),
    ] {
        check(&folder, file, promises);
    }
}
