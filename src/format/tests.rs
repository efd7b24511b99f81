//! Tests over the whole list of formats.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::testing::{corpus, read_all, samples, unpack_all};
use super::*;

/// The sample folders of the formats in this file's care, and the format of what is in them.
const SAMPLES: &[(&str, &str)] = &[
    ("certificate_der", "certificate_der"),
    ("pem", "pem"),
    ("bare_base64", "bare_base64"),
    ("pkcs7", "pkcs7"),
    ("sst", "sst"),
    ("element", "element"),
    ("zip", "zip"),
    ("tar", "tar"),
    ("gzip", "gzip"),
    ("zstd", "zstd"),
    ("xz", "xz"),
    ("pkcs10_request", "pkcs10_request"),
    ("cmc_request", "cmc_request"),
    ("cmc_response", "cmc_response"),
    ("crl", "crl"),
    ("ctl", "ctl"),
    ("attribute_certificate", "attribute_certificate"),
    ("public_key", "public_key"),
    ("registry_hive", "registry_hive"),
    ("reg_text", "reg_text"),
    ("registry_pol", "registry_pol"),
    ("pkcs12", "pkcs12"),
    ("private_key", "private_key"),
    ("adcs_text", "adcs_text"),
    ("adcs_csv", "adcs_csv"),
    ("json_document", "json_document"),
    ("json_lines", "json_lines"),
    ("osquery_log", "osquery_log"),
    ("csv", "csv"),
    ("clixml", "clixml"),
    ("certutil_text", "certutil_text"),
    ("ldif", "ldif"),
    ("event_xml", "event_xml"),
    ("evtx", "evtx"),
    ("certutil_template", "certutil_template"),
    ("certutil_dstemplate", "certutil_dstemplate"),
    ("mimikatz_text", "mimikatz_text"),
];

fn head(bytes: &[u8]) -> Head<'_> {
    Head { bytes: &bytes[..bytes.len().min(HEAD)], complete: bytes.len() <= HEAD, len: Some(bytes.len() as u64) }
}

/// Every format that claims these bytes.
fn claims(bytes: &[u8]) -> Vec<&'static str> {
    FORMATS.iter().filter(|format| (format.sniff)(&head(bytes))).map(|format| format.name).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The beginning of one source of each recognised format that has no sample of its own.
fn beginnings() -> Vec<(&'static str, Vec<u8>)> {
    let reg = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE]\r\n";
    let hash = "0123456789abcdef0123456789ABCDEF01234567";
    vec![
        ("empty", vec![]),
        ("empty", b"\xff\xfe".to_vec()),
        ("empty", b" \r\n".to_vec()),
        ("registry_log", [&b"regf"[..], &[0; 24], &[6, 0, 0, 0]].concat()),
        ("evtx", b"ElfFile\0\0\0".to_vec()),
        ("ese_database", vec![1, 2, 3, 4, 0xef, 0xcd, 0xab, 0x89, 0x20, 6]),
        ("parquet", b"PAR1\x15\x04".to_vec()),
        ("cms_message", vec![0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3]),
        ("reg_text", [b"\xff\xfe".to_vec(), utf16(reg)].concat()),
        ("reg_text", utf16(reg)),
        ("reg_text", b"REGEDIT4\r\n".to_vec()),
        ("other_json", b"\xef\xbb\xbf[\r\n  {\r\n \"a\": 1".to_vec()),
        ("pem", utf16("text\r\n-----BEGIN CERTIFICATE-----\r\n")),
        ("other_clixml", b"<Objs Version=\"1.1.0.1\" xmlns=".to_vec()),
        ("ldif", b"# comment\ndn: CN=x,DC=example,DC=test\nobjectClass: top\n".to_vec()),
        ("certutil_text", b"================ Zertifikat 0 ================\r\n".to_vec()),
        ("certutil_text", b"  CERT_KEY_PROV_INFO_PROP_ID(2):\r\n".to_vec()),
        ("certutil_text", format!("Hach. cert. (sha1)\u{a0}: {hash}\r\n").into_bytes()),
        ("certutil_template", b"  TemplatePropCommonName = Web\r\n".to_vec()),
        ("certutil_text", b"Provider Type: 24 - PROV_RSA_AES\r\n".to_vec()),
        ("mimikatz_text", format!("    Hash SHA1: {hash}\r\n").into_bytes()),
        ("appcmd_text", b"SITE \"a\" (id:1,bindings:https/*:443:,state:Started)\r\n".to_vec()),
        ("netsh_text", format!("    IP:port      : 0.0.0.0:443\n    Hash    : {hash}\n").into_bytes()),
        ("other_csv", b"#TYPE Selected.X\r\n\"Name\",\"ProviderName\"\r\n".to_vec()),
    ]
}

#[test]
fn every_beginning_is_claimed_by_exactly_one_format() {
    for (name, bytes) in beginnings() {
        assert_eq!(claims(&bytes), [name], "{}", bytes.escape_ascii());
    }
    for (folder, name) in SAMPLES {
        for (file, bytes) in samples(folder) {
            assert_eq!(claims(&bytes), [*name], "{folder}/{file}");
        }
    }
}

#[test]
fn database_rows_with_pem_inside_are_not_a_bundle() {
    let rows = "  ----  ----  ----  ----\n  RequestID  Request ID  Long  4\n\nRow 1:\n-----BEGIN CERTIFICATE-----\n";
    assert_eq!(claims(rows.as_bytes()), ["adcs_text"]);
}

#[test]
fn every_format_is_listed_once_and_has_an_example() {
    let names: BTreeSet<_> = FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(names.len(), FORMATS.len());
    // The NDJSON formats have tests of their own.
    let elsewhere = ["census_1", "flat_ndjson"];
    let shown: BTreeSet<_> = beginnings().iter().map(|b| b.0).chain(SAMPLES.iter().map(|s| s.1)).collect();
    let missing: Vec<_> = names.iter().filter(|n| !shown.contains(*n) && !elsewhere.contains(*n)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn other_things_are_nobodys() {
    let others: [&[u8]; 8] = [
        b"plain text",
        b"MIIC is a word",
        b"[section]\nkey=value\n",
        b"a line -----BEGIN CERTIFICATE-----\n",
        b"\0\0\0\0CERS",
        b"0123456789",
        b"Title\n================\nText\n",
        &[0x30, 3, 2, 1, 5],
    ];
    for bytes in others {
        assert!(claims(bytes).is_empty(), "{} is {:?}", bytes.escape_ascii(), claims(bytes));
    }
}

#[test]
fn corpus_files_are_what_the_manifest_says() {
    for entry in corpus(|_| true) {
        let (folder, file) = entry.file.split_once('/').unwrap_or_default();
        let expected = match (folder, file.rsplit('.').next().unwrap_or_default()) {
            ("sst", _) | (_, "sst") => "sst",
            ("element", _) | ("wine", "bin") => "element",
            ("hive", _) => "xz",
            ("wine", "DAT") => "registry_hive",
            ("wine", "reg") => "reg_text",
            ("pfx", _) => "pkcs12",
            ("pem", _) | ("p7b", "p7c") => "pem",
            (_, "p7b") => "pkcs7",
            ("cert", _) if file.starts_with("platform-") => "attribute_certificate",
            ("cert", _) => "certificate_der",
            ("csr", "csr") => "pem",
            ("csr", _) if entry.yields.starts_with("CMC") => "cmc_request",
            ("csr", _) => "pkcs10_request",
            _ => continue,
        };
        let found = sniff(&head(&entry.bytes)).map(|format| format.name);
        assert_eq!(found, Some(expected), "{}", entry.file);
    }
}

#[test]
fn requests_of_the_corpus_are_one_row_each() {
    for entry in corpus(|file| file.starts_with("csr/")) {
        let format = sniff(&head(&entry.bytes)).expect("a format");
        let seen = read_all(format, &entry.bytes, &entry.file);
        assert_eq!((seen.others.len(), seen.records(), seen.rejects.len()), (1, 1, 0), "{}", entry.file);
    }
}

/// Reads `bytes` as every format here that has a reader, whether it would be sniffed or not.
fn survive(bytes: &[u8]) {
    claims(bytes);
    for format in FORMATS.iter().filter(|format| format.read.is_some()) {
        let seen = read_all(format, bytes, "name");
        assert!(seen.outcome != Outcome::Failed || seen.records() > 0, "{} fails without a word", format.name);
    }
    for format in FORMATS.iter().filter(|format| format.unpack.is_some()) {
        let (outcome, found) = unpack_all(format, bytes, "name");
        assert!(outcome == Outcome::Complete || !found.is_empty(), "{} ends without a word", format.name);
    }
}

fn all_samples() -> Vec<Vec<u8>> {
    SAMPLES.iter().flat_map(|(folder, _)| samples(folder)).map(|(_, bytes)| bytes).collect()
}

#[test]
fn truncated_samples_are_survived() {
    // Everywhere in small ones, and at some dozens of places of large ones.
    for bytes in all_samples() {
        for end in (0..bytes.len()).step_by((bytes.len() / 60).max(7)) {
            survive(&bytes[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_samples_are_survived(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let samples = all_samples();
        let mut bytes = which.get(&samples).clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        survive(&bytes);
    }

    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survive(&bytes);
    }
}
