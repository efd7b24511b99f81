//! The fleet as a whole: same bytes again, readable lines, true counts, certificates that parse.

#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::*;

/// Small, with something of everything.
fn small() -> Options {
    Options {
        clients: 40,
        own_per_client: 6,
        shared_per_client: 15,
        shared_pool: 40,
        layout: Layout::Shards(3),
        ..Options::default()
    }
}

/// Every file below `folder` by its relative path.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| (entry.path().strip_prefix(folder).unwrap().to_owned(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

fn written(options: &Options) -> (Summary, Vec<(PathBuf, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(options, folder.path()).unwrap();
    (summary, files(folder.path()))
}

fn client(options: &Options, number: u64) -> (Summary, Vec<u8>) {
    let mut out = Vec::new();
    let summary = write_client(options, number, &mut out).unwrap();
    (summary, out)
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    assert_eq!(bytes.last(), Some(&b'\n'));
    bytes[..bytes.len() - 1].split(|b| *b == b'\n').collect()
}

fn values(bytes: &[u8]) -> Vec<Value> {
    lines(bytes).iter().map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn of_type<'v>(values: &'v [Value], kind: &str) -> Vec<&'v Value> {
    values.iter().filter(|value| value["type"] == kind).collect()
}

fn der(record: &Value) -> Option<Vec<u8>> {
    record["der"].as_str().map(|text| BASE64_STANDARD.decode(text).unwrap())
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn same_options_same_bytes_and_another_seed_others() {
    let (first, files) = written(&small());
    assert_eq!((first, &files), (written(&small()).0, &written(&small()).1));
    assert_eq!(files.len() as u64, first.files);
    assert_eq!(files.iter().map(|file| file.1.len() as u64).sum::<u64>(), first.bytes);
    assert_ne!(files, written(&Options { seed: 2, ..small() }).1);
}

#[test]
fn the_bytes_are_frozen() {
    // A failure here means that figures measured on synthetic fleets can no longer be compared with older ones.
    let (_, out) = client(&small(), 3);
    assert_eq!(hash(&out), "b985274c2fea1170f501c4ba442aa1f2cb044c00110b708dcb2e2413ed5507a7");
}

#[test]
fn every_layout_and_a_client_alone_give_the_same_records() {
    let joined = |options: &Options| -> HashSet<Vec<u8>> {
        written(options).1.iter().flat_map(|file| lines(&file.1)).map(<[u8]>::to_vec).collect()
    };
    let shards = joined(&small());
    assert_eq!(shards, joined(&Options { layout: Layout::Shards(1), ..small() }));
    assert_eq!(shards, joined(&Options { layout: Layout::Tree, ..small() }));
    let one_by_one: HashSet<Vec<u8>> = (0..40)
        .rev()
        .flat_map(|n| lines(&client(&small(), n).1).into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect();
    assert_eq!(shards, one_by_one);
}

#[test]
fn more_shards_than_clients_leave_some_empty() {
    let (summary, files) = written(&Options { clients: 2, layout: Layout::Shards(5), ..small() });
    assert_eq!((summary.files, summary.clients, files.len()), (5, 2, 5));
}

#[test]
fn the_der_tree_holds_the_certificates_of_the_records() {
    let options = Options { hash_only: 0.0, ..small() };
    let (summary, files) = written(&Options { layout: Layout::Der, ..options.clone() });
    assert_eq!(summary.certificates, 40 * 21);
    assert_eq!((summary.files, summary.der_bytes), (40 * 21, summary.bytes));
    let of_files: HashSet<String> = files.iter().map(|file| hash(&file.1)).collect();
    let of_records: HashSet<String> = (0..40)
        .flat_map(|n| {
            of_type(&values(&client(&options, n).1), "certificate")
                .iter()
                .map(|v| v["sha256"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(of_files, of_records);
    assert_eq!(of_files.len(), 40 * 6 + 40);
}

#[test]
fn lines_are_json_with_true_numbers_counts_and_hashes() {
    let options = small();
    let mut sum = Summary::default();
    for number in 0..options.clients {
        let (summary, out) = client(&options, number);
        let values = values(&out);
        assert_eq!(values.len() as u64, summary.records);
        for (seq, value) in values.iter().enumerate() {
            assert_eq!(value["schema"], "census/1");
            assert_eq!(value["seq"], seq);
            assert_eq!((&value["run"], &value["host"]), (&values[0]["run"], &values[0]["host"]));
        }
        assert_eq!(values[0]["type"], "client");
        let mut counts: HashMap<&str, u64> = HashMap::new();
        values.iter().for_each(|value| *counts.entry(value["type"].as_str().unwrap()).or_default() += 1);
        if counts.remove("end").is_some() {
            let end = &values[values.len() - 1];
            let claimed: HashMap<&str, u64> =
                end["counts"].as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_u64().unwrap())).collect();
            assert_eq!(counts, claimed);
        } else {
            assert_eq!(summary.without_end, 1);
        }
        for record in of_type(&values, "certificate") {
            if let Some(der) = der(record) {
                assert_eq!(record["sha256"], hash(&der));
            }
        }
        assert!(out.len() as u64 == summary.bytes && lines(&out).iter().all(|line| line.len() < 1 << 20));
        sum += summary;
    }
    assert_eq!(sum.certificates, 40 * 21);
    assert!(sum.hash_only > 0 && sum.keys > 0 && sum.bindings > 0 && sum.broken.total() == 0, "{sum:?}");
}

#[test]
fn what_is_named_by_hash_stands_elsewhere_whole() {
    let options = Options { hash_only: 0.5, broken: 0.2, ..small() };
    let mut whole: HashSet<String> = HashSet::new();
    let mut named: Vec<String> = Vec::new();
    for number in 0..options.clients {
        for line in lines(&client(&options, number).1) {
            let Ok(value) = serde_json::from_slice::<Value>(line) else { continue };
            if value["type"] != "certificate" || value["sha256"].is_null() {
                continue;
            }
            let claimed = value["sha256"].as_str().unwrap().to_owned();
            match value["der"].as_str() {
                None => named.push(claimed),
                Some(text) => {
                    let decoded = BASE64_STANDARD.decode(text).unwrap_or_default();
                    if hash(&decoded) == claimed {
                        whole.insert(claimed);
                    }
                }
            }
        }
    }
    assert!(named.len() > 100 && named.iter().all(|name| whole.contains(name)));
}

#[test]
fn damage_is_as_frequent_as_asked_and_counted() {
    let options = Options { clients: 60, broken: 0.1, hash_only: 0.0, shared_pool: 15, ..small() };
    let mut sum = Summary::default();
    let mut seen = Broken::default();
    for number in 0..options.clients {
        let (summary, out) = client(&options, number);
        sum += summary;
        for line in lines(&out) {
            let Ok(value) = serde_json::from_slice::<Value>(line) else {
                seen.bad_json += 1;
                continue;
            };
            if value["type"] != "certificate" {
                continue;
            }
            match value["der"].as_str().map(|text| BASE64_STANDARD.decode(text)) {
                None => seen.missing_field += u64::from(value["sha1"].is_null() && value["sha256"].is_null()),
                Some(Err(_)) => seen.truncated_base64 += 1,
                Some(Ok(der)) => seen.wrong_hash += u64::from(value["sha256"] != hash(&der)),
            }
        }
    }
    assert_eq!(seen, sum.broken);
    let share = sum.broken.total() as f64 / sum.certificates as f64;
    assert!((0.08..0.12).contains(&share), "{share}");
    for kind in [seen.bad_json, seen.truncated_base64, seen.wrong_hash, seen.missing_field] {
        assert!(kind * 6 > sum.broken.total(), "{seen:?}");
    }
}

#[test]
fn missing_ends_and_their_absence() {
    let all = Options { missing_end: 1.0, ..small() };
    assert_eq!(of_type(&values(&client(&all, 0).1), "end").len(), 0);
    let none = Options { missing_end: 0.0, ..small() };
    assert_eq!(of_type(&values(&client(&none, 0).1), "end").len(), 1);
}

#[test]
fn key_properties_agree_with_the_providers_and_the_certificate() {
    let options = Options { own_per_client: 200, shared_per_client: 0, thorough: 1.0, ..small() };
    let values = values(&client(&options, 1).1);
    let providers: HashMap<&str, &Value> =
        of_type(&values, "provider").iter().map(|v| (v["name"].as_str().unwrap(), *v)).collect();
    let (mut opened, mut isolated, mut none) = (0, 0, 0);
    for record in of_type(&values, "certificate") {
        let property = &record["key_prov_info"];
        if property.is_null() {
            none += 1;
            continue;
        }
        let provider = providers[property["provider"].as_str().unwrap()];
        assert_eq!(provider["api"] == "cng", property["prov_type"] == 0);
        assert_eq!(property["flags"], if record["store_location"] == "LocalMachine" { 0x20 } else { 0 });
        assert_eq!(record["sid"].is_null(), record["store_location"] == "LocalMachine");
        let acquire = &record["acquire"];
        if acquire["hresult"] != "00000000" {
            continue;
        }
        opened += 1;
        assert_eq!(acquire["key_spec"] == 0xffff_ffff_u32, property["prov_type"] == 0);
        isolated += u32::from(acquire["virtual_iso"] == 1 && acquire["impl_flags"] == 0x22);
        let Some(der) = der(record) else { continue };
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        let bits = match certificate.public_key().parsed().unwrap() {
            PublicKey::RSA(key) => key.key_size(),
            _ => 256,
        };
        assert_eq!(acquire["key_bits"], bits);
    }
    assert!(opened > 150 && isolated > 0 && none > 5, "{opened} {isolated} {none}");
}

#[test]
fn leaves_parse_completely_and_have_the_usual_sizes() {
    let mut certificates = Certificates::new(7);
    let (mut total, mut curves, mut attested) = (0, 0, 0);
    let mut serials = HashSet::new();
    for number in 0..1_000 {
        let der = certificates.leaf(number);
        assert!((1_200..=2_048).contains(&der.len()), "leaf {number}: {}", der.len());
        total += der.len();
        let (rest, certificate) = X509Certificate::from_der(der).unwrap();
        assert!(rest.is_empty());
        assert_eq!(certificate.raw_serial().len(), 19);
        serials.insert(certificate.raw_serial().to_vec());
        for extension in certificate.extensions() {
            assert!(extension.parsed_extension().error().is_none(), "leaf {number}: {extension:?}");
        }
        assert!(certificate.subject_alternative_name().unwrap().is_some());
        assert!(certificate.extended_key_usage().unwrap().is_some());
        let oids: HashSet<String> = certificate.extensions().iter().map(|e| e.oid.to_id_string()).collect();
        assert_eq!(oids.len(), certificate.extensions().len(), "no extension twice");
        assert!(oids.contains("1.3.6.1.4.1.311.25.2"));
        assert!(oids.contains("1.3.6.1.4.1.311.21.7") || oids.contains("1.3.6.1.4.1.311.20.2"));
        attested += u32::from(oids.contains("2.5.29.32"));
        match certificate.public_key().parsed().unwrap() {
            PublicKey::EC(point) => {
                assert!(p256::PublicKey::from_sec1_bytes(point.data()).is_ok());
                curves += 1;
            }
            PublicKey::RSA(key) => assert_eq!(key.key_size(), 2048),
            other => panic!("leaf {number} has {other:?}"),
        }
    }
    assert_eq!(serials.len(), 1_000);
    assert!((1_640..=1_720).contains(&(total / 1_000)), "mean {}", total / 1_000);
    assert!((250..450).contains(&curves) && attested > 10, "{curves} {attested}");
}

#[test]
fn authorities_parse_chain_and_have_the_usual_sizes() {
    let mut certificates = Certificates::new(1);
    let mut total = 0;
    let mut root: Option<(Vec<u8>, Vec<u8>)> = None;
    for number in 0..150 {
        let der = certificates.authority(number).to_vec();
        total += der.len();
        let (rest, certificate) = X509Certificate::from_der(&der).unwrap();
        assert!(rest.is_empty() && certificate.is_ca());
        for extension in certificate.extensions() {
            assert!(extension.parsed_extension().error().is_none(), "CA {number}: {extension:?}");
        }
        if number % 5 == 0 {
            assert_eq!(certificate.subject().as_raw(), certificate.issuer().as_raw());
            root = Some((certificate.subject().as_raw().to_vec(), key_id(&certificate, "2.5.29.14")));
        } else {
            let (name, id) = root.clone().unwrap();
            assert_eq!(certificate.issuer().as_raw(), name);
            assert_eq!(key_id(&certificate, "2.5.29.35"), id);
        }
    }
    assert!((1_107..=1_167).contains(&(total / 150)), "mean {}", total / 150);
}

/// The 20 octets at the end of a key identifier extension.
fn key_id(certificate: &X509Certificate<'_>, oid: &str) -> Vec<u8> {
    let extension = certificate.extensions().iter().find(|e| e.oid.to_id_string() == oid).unwrap();
    extension.value[extension.value.len() - 20..].to_vec()
}

#[test]
fn leaves_are_issued_by_authorities_of_the_pool() {
    let mut certificates = Certificates::new(1);
    let names: HashSet<Vec<u8>> = (0..10)
        .map(|number| X509Certificate::from_der(certificates.authority(number)).unwrap().1.subject().as_raw().to_vec())
        .collect();
    for number in 0..50 {
        let (_, certificate) = X509Certificate::from_der(certificates.leaf(number)).unwrap();
        assert!(names.contains(certificate.issuer().as_raw()));
    }
}

#[test]
fn impossible_options_are_refused_by_name() {
    let bad = [
        (Options { broken: 1.5, ..small() }, "broken"),
        (Options { thorough: f64::NAN, ..small() }, "thorough"),
        (Options { layout: Layout::Shards(0), ..small() }, "shard"),
        (Options { shared_pool: 0, ..small() }, "shared_pool"),
        (Options { shared_pool: MAX_POOL + 1, ..small() }, "shared_pool"),
        (Options { clients: u64::MAX, ..small() }, "64 bits"),
    ];
    for (options, word) in bad {
        let error = Fleet::new(&options).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.txt"), "kept").unwrap();
    let error = write(&small(), folder.path()).err().map(|e| e.kind());
    assert_eq!(error, Some(std::io::ErrorKind::AlreadyExists));
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn the_benchmark_corpora_have_their_sizes() {
    let records = |o: Options| o.clients * (o.own_per_client + o.shared_per_client);
    assert_eq!(records(Options::distinct()), 400_000);
    assert_eq!(records(Options::fleet()), 1_360_000);
    assert!(Options::distinct().check().is_ok() && Options::fleet().check().is_ok());
}
