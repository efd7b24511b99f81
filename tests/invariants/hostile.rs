//! Invariant 3: any byte string as any source: no panic, a row in `sources`, balanced counts, and the healthy
//! neighbour in the same scan yields exactly its rows.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use certcensus::format::Setting;
use certcensus::scan::Options;
use certcensus::synth;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::counts::assert_balanced;
use crate::scan_here;
use crate::support::{Bench, Report, Row, samples};

const HEALTHY: &str = "m-healthy.ndjson";

static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    fn collect(folder: &Path, all: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => collect(&path, all),
                false => all.push((path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    let mut all = Vec::new();
    collect(&samples(), &mut all);
    all.sort();
    all.into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 64 * 1024).collect()
});

/// One collection without a doubt, and without certificates that it only names.
static CENSUS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let options = synth::Options {
        own_per_client: 2,
        shared_per_client: 1,
        shared_pool: 1,
        hash_only: 0.0,
        missing_end: 0.0,
        errors: 0.0,
        ..synth::Options::default()
    };
    let mut census = Vec::new();
    synth::write_client(&options, 7, &mut census).unwrap();
    census
});

/// Beginnings by which formats are recognised.
const MAGICS: &[&[u8]] = &[
    b"\0\0\0\0CERT",
    b"regf",
    b"PReg\x01\0\0\0",
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"ElfFile\0",
    b"PAR1",
    b"\x30\x82\x03\x00\x30\x82\x02\x00\xa0\x03\x02\x01\x02",
    b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
    b"\xff\xfe{\0\"\0",
    b"-----BEGIN CERTIFICATE-----\n",
    b"{\"schema\":\"census/1\",\"type\":\"certificate\",",
    b"{\"Thumbprint\":\"",
    b"Windows Registry Editor Version 5.00\r\n",
    b"MII",
];

/// Pieces that upset parsers.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x84\xff\xff\xff\xff",
    b"\x30\x80",
    b"\n",
    b"\r",
    b"\"",
    b"\\ud800",
    b"\\u0000",
    b"{\"a\":",
    b"[[[[",
    b"null",
    b"1e999",
    b"-99999999999999999999",
    b"-----BEGIN CERTIFICATE-----",
    b"-----END CERTIFICATE-----\n",
    b"\xe2\x80\xae",
    b"\xed\xa0\x80",
    b"====",
];

#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Truncate(Index),
    Remove(Index, Index),
    Duplicate(Index, Index),
    Insert(Index, Index),
    /// Part of another sample, put over or between the bytes.
    Splice(Index, Index, Index, bool),
}

fn damage() -> impl Strategy<Value = Damage> {
    let i = any::<Index>;
    prop_oneof![
        6 => (i(), any::<u8>()).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        1 => i().prop_map(Damage::Truncate),
        1 => (i(), i()).prop_map(|(a, b)| Damage::Remove(a, b)),
        1 => (i(), i()).prop_map(|(a, b)| Damage::Duplicate(a, b)),
        3 => (i(), i()).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        1 => (i(), i(), i(), any::<bool>()).prop_map(|(at, from, to, over)| Damage::Splice(at, from, to, over)),
    ]
}

fn spoil(bytes: &mut Vec<u8>, damage: &Damage) {
    let at = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
    let range = |a: &Index, b: &Index, bytes: &[u8]| {
        let (a, b) = (at(a, bytes), at(b, bytes));
        a.min(b)..a.max(b)
    };
    match damage {
        Damage::Flip(index, mask) if !bytes.is_empty() => {
            let at = index.index(bytes.len());
            bytes[at] ^= mask;
        }
        Damage::Flip(..) => {}
        Damage::Truncate(index) => bytes.truncate(at(index, bytes)),
        Damage::Remove(a, b) => drop(bytes.drain(range(a, b, bytes))),
        Damage::Duplicate(a, b) => {
            let range = range(a, b, bytes);
            let copy = bytes[range.clone()].to_vec();
            bytes.splice(range.end..range.end, copy);
        }
        Damage::Insert(index, piece) => {
            let at = at(index, bytes);
            bytes.splice(at..at, piece.get(PIECES).iter().copied());
        }
        Damage::Splice(index, from, to, over) => {
            let other = from.get(&SAMPLES);
            let piece = other[range(from, to, other)].to_vec();
            let at = at(index, bytes);
            let end = if *over { bytes.len().min(at + piece.len()) } else { at };
            bytes.splice(at..end, piece);
        }
    }
}

fn source() -> impl Strategy<Value = Vec<u8>> {
    let random = || vec(any::<u8>(), 0..600);
    prop_oneof![
        1 => random(),
        2 => (any::<Index>(), random()).prop_map(|(magic, rest)| [magic.get(MAGICS), &rest[..]].concat()),
        7 => (any::<Index>(), vec(damage(), 1..6)).prop_map(|(sample, damages)| {
            let mut bytes = sample.get(&SAMPLES).clone();
            damages.iter().for_each(|damage| spoil(&mut bytes, damage));
            bytes
        }),
    ]
}

/// Rows of one source.
fn of_source(report: &Report, table: &str) -> Vec<Row> {
    report.rows(table).into_iter().filter(|row| row["source_path"] == HEALTHY).collect()
}

/// Scans the files beside the healthy one and asserts what must hold whatever they are.
fn assert_harmless(files: &[Vec<u8>], options: &Options) {
    let bench = Bench::new();
    bench.put(&format!("alone/{HEALTHY}"), &*CENSUS);
    bench.put(&format!("in/{HEALTHY}"), &*CENSUS);
    for (nth, bytes) in files.iter().enumerate() {
        // Some come before the healthy file and some after it.
        bench.put(&format!("in/{}{nth}", if nth % 2 == 0 { 'a' } else { 'z' }), bytes);
    }
    let (report, _) = scan_here(&bench, "in", "report", options);
    let sources = report.rows("sources").into_iter().filter(|row| !row.contains_key("source_member"));
    assert_eq!(sources.count(), files.len() + 1, "every file has its row");
    assert_balanced(&report);
    for reject in report.rows("rejects") {
        assert_ne!(reject["code"], "internal_error", "{reject:?}");
    }
    let (alone, _) = scan_here(&bench, "alone", "expected", &Options { threads: 1, ..Options::default() });
    for table in ["sources", "observations", "providers", "rejects"] {
        assert_eq!(of_source(&report, table), of_source(&alone, table), "{table}");
    }
    let certificates = report.rows("certificates");
    assert!(alone.rows("certificates").iter().all(|row| certificates.contains(row)));
}

#[test]
fn any_bytes_as_any_source_harm_nothing() {
    // PROPTEST_CASES=1000 searches for longer.
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 25 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let files = (vec(source(), 24), prop_oneof![Just(None), Just(Some(300)), Just(Some(4096))]);
    TestRunner::new(config)
        .run(&files, |(files, unit_bytes)| {
            let options = Options {
                threads: 2,
                unit_bytes,
                reading: Setting { max_line: 8 * 1024, ..Setting::default() },
                ..Options::default()
            };
            let run = || assert_harmless(&files, &options);
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
                .map_err(|_| TestCaseError::fail("a source did harm; the panic above says how"))
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn notorious_bytes_harm_nothing() {
    let nested_der: Vec<u8> = [0x30, 0x80].repeat(20_000);
    let census = br#"{"schema":"census/1","type":"certificate","run":"r","seq":0,"host":"H","sha1":"#;
    let pem = |inner: &[u8]| [b"-----BEGIN CERTIFICATE-----\n", inner, b"\n-----END CERTIFICATE-----\n"].concat();
    let store = |record: [u32; 3]| {
        let record: Vec<u8> = record.iter().flat_map(|field| field.to_le_bytes()).collect();
        [b"\0\0\0\0CERT", &record[..]].concat()
    };
    let files = [
        vec![],
        b"\n".repeat(100_000),
        vec![0; 100_000],
        vec![0xff; 100_000],
        nested_der.clone(),
        pem(base64_simd::STANDARD.encode_to_string(&nested_der).as_bytes()),
        b"-----BEGIN CERTIFICATE-----\n".repeat(3_000),
        pem(b"===="),
        [&census[..], &b"[".repeat(200_000)].concat(),
        [&census[..], &b"{\"a\":".repeat(100_000)].concat(),
        [&census[..], br#""\ud800"}"#].concat(),
        b"{\"Thumbprint\":1e400}\n{\"Thumbprint\":{}}\n{\"Thumbprint\":[]}\n".repeat(100),
        store([2, 1, u32::MAX]),
        store([32, 1, u32::MAX]),
        store([u32::MAX, 0, 0]),
        [0x30, 0x84, 0xff, 0xff, 0xff, 0xff].to_vec(),
        [0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff].to_vec(),
    ];
    assert_harmless(&files, &Options { threads: 2, ..Options::default() });
    assert_harmless(&files, &Options { threads: 2, unit_bytes: Some(1000), ..Options::default() });
}

#[test]
fn lines_over_the_limit_are_rejects_and_their_neighbours_are_read() {
    let bench = Bench::new();
    let line = |name: &str, filler: usize| {
        let thumbprint = "00112233445566778899aabbccddeeff00112233";
        format!("{{\"Thumbprint\":\"{thumbprint}\",\"Client\":\"{name}\",\"x\":\"{}\"}}\n", "y".repeat(filler))
    };
    let text = [line("before", 0), line("long", 2_000), line("after", 0)].concat();
    bench.put("in/lines.ndjson", &text);
    let report = bench.scan(&[&bench.path("in")], "report", &["--max-line", "1K"]);
    assert_balanced(&report);
    let clients: Vec<_> = report.rows("observations").into_iter().map(|row| row["client"].clone()).collect();
    assert_eq!(clients, ["before", "after"]);
    let [reject] = &report.rows("rejects")[..] else { panic!("one reject") };
    assert_eq!((&reject["code"], &reject["severity"]), (&"line_too_long".into(), &"lost".into()));
    assert_eq!(reject["byte_offset"].as_u64(), Some(line("before", 0).len() as u64));
    let whole = bench.scan(&[&bench.path("in")], "whole", &[]);
    assert_eq!(whole.rows("observations").len(), 3);
}

#[test]
fn an_endless_word_of_a_header_is_not_repeated_in_every_row() {
    let bench = Bench::new();
    let record = |seq: u32, kind: &str, more: &str| {
        format!("{{\"schema\":\"census/1\",\"type\":\"{kind}\",\"run\":\"r\",\"seq\":{seq},\"host\":\"h\"{more}}}\n")
    };
    let header = format!(",\"collector\":\"{}\",\"user_sid\":\"S-1-5-18\"", "c".repeat(100_000));
    let row = format!(",\"store_location\":\"CurrentUser\",\"store\":\"My\",\"sha1\":\"{}\"", "00".repeat(20));
    bench.put("in/a.ndjson", record(0, "client", &header) + &record(1, "certificate", &row) + &record(2, "end", ""));
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let [row] = &report.rows("observations")[..] else { panic!("one row") };
    assert_eq!((row.get("collector"), row["user_sid"].as_str()), (None, Some("S-1-5-18")));
    // Once for the rows, once for the client's description.
    let rejects = report.rows("rejects");
    let told: Vec<_> = rejects.iter().map(|r| (r["code"].as_str().unwrap(), r["field"].as_str().unwrap())).collect();
    assert_eq!(told, [("too_large", "collector"), ("too_large", "client")]);
}
