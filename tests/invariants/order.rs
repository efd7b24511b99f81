//! Invariant 2: the same input gives the same tables: any number of threads, any order of the file system, any cut of
//! the work, any time of day.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certcensus::scan::Options;
use certcensus::synth::{self, Certificates, Layout};

use crate::support::{Bench, CONTENT, LINEAGE, Report, Row, samples, without};
use crate::{rough, scan_here};

/// Rows of all tables but `sources`, without lineage.
fn content(report: &Report) -> Vec<(&'static str, Vec<Row>)> {
    CONTENT.map(|table| (table, without(report.rows(table), &LINEAGE))).to_vec()
}

/// Every row of every table.
fn everything(report: &Report) -> Vec<(&'static str, Vec<Row>)> {
    CONTENT.into_iter().chain(["sources"]).map(|table| (table, report.rows(table))).collect()
}

/// Compares table by table, so that a failure shows one row and not all of them.
#[track_caller]
fn assert_same(one: &[(&str, Vec<Row>)], two: &[(&str, Vec<Row>)]) {
    for ((table, one), (_, two)) in one.iter().zip(two) {
        for (nth, (one, two)) in one.iter().zip(two).enumerate() {
            assert_eq!(one, two, "row {nth} of {table}");
        }
        assert_eq!(one.len(), two.len(), "rows of {table}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let bench = Bench::new();
    bench.fleet("fleet", &rough(21));
    let mut first = None;
    for (nth, threads) in ["1", "2", "3", "8", "2"].into_iter().enumerate() {
        let report = bench.scan(&[&bench.path("fleet")], &format!("r{nth}"), &["-j", threads, "--hash-sources"]);
        let these = (report.bytes(), report.manifest());
        let first = first.get_or_insert_with(|| these.clone());
        assert!(*first == these, "-j {threads} differs");
    }
}

/// Repeated certificates are recognised by their text, or else by their hash: it cannot be seen in a report.
#[test]
fn what_is_remembered_of_certificates_changes_no_row() {
    let bench = Bench::new();
    bench.fleet("fleet", &rough(23));
    let scan = |name, remember| {
        let (report, scanned) = scan_here(&bench, "fleet", name, &Options { remember, ..Options::default() });
        let parsed = scanned.timing.iter().find(|spent| spent.part == "certificates").map(|spent| spent.count);
        (everything(&report), parsed.unwrap_or_default())
    };
    let ((with, once), (without, each)) = (scan("with", true), scan("without", false));
    assert_same(&with, &without);
    assert!(once < each, "{once} certificates were parsed, and {each} without what is remembered");
}

/// Lines that end alike are read once, and certificates that repeat are known by their number: a doubt about one stays
/// with every row, and rows and cuts of groups do not depend on what a worker has met before.
#[test]
fn doubts_of_repeated_lines_are_those_of_every_line() {
    let bench = Bench::new();
    let mut der = Certificates::new(1).authority(3).to_vec();
    der.push(0);
    let der = BASE64_STANDARD.encode(&der);
    const FILES: usize = 8;
    const LINES: usize = 40;
    for file in 0..FILES {
        let line = |seq: usize| {
            let head = r#"{"schema":"census/1","type":"certificate","run":"#;
            let store = ["Root", "CA"][seq % 2];
            let tail =
                format!(r#""store_location":"LocalMachine","store":"{store}","der":"{der}","key_prov_info":null}}"#);
            format!("{head}\"r{file}\",\"seq\":{seq},\"host\":\"PC-{file}\",{tail}\n")
        };
        bench.put(&format!("in/{file}.ndjson"), (0..LINES).map(line).collect::<String>());
    }
    let mut first = None;
    for (nth, threads) in [1, 2, 3].into_iter().enumerate() {
        let options = Options { threads, unit_bytes: Some(8 * 1024), ..Options::default() };
        let (report, scanned) = scan_here(&bench, "in", &format!("r{nth}"), &options);
        assert_eq!(scanned.summary.observations as usize, FILES * LINES);
        assert_eq!(scanned.summary.certificates, 1);
        let doubts = scanned.summary.rejects.get("trailing_bytes (degraded)").copied();
        assert_eq!(doubts, Some((FILES * LINES) as u64), "{threads} threads");
        assert!(*first.get_or_insert_with(|| report.bytes()) == report.bytes(), "{threads} threads differ");
    }
}

/// The tables of a fleet fit one row group; small units make many, which threads finish in any order.
#[test]
fn many_row_groups_stay_in_order_on_any_number_of_threads() {
    let bench = Bench::new();
    bench.fleet("fleet", &rough(22));
    let mut first = None;
    for (nth, threads) in [1, 2, 3, 8, 8].into_iter().enumerate() {
        let options = Options { threads, unit_bytes: Some(32 * 1024), ..Options::default() };
        let (report, _) = scan_here(&bench, "fleet", &format!("r{nth}"), &options);
        let these = (report.bytes(), report.manifest());
        let first = first.get_or_insert_with(|| these.clone());
        assert!(*first == these, "{threads} threads differ");
    }
}

#[test]
fn the_order_in_which_files_were_made_and_named_on_the_command_line_is_no_matter() {
    let bench = Bench::new();
    bench.fleet("fleet", &rough(23));
    let mut files: Vec<_> = fs::read_dir(bench.path("fleet")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for (folder, backwards) in [("forwards", false), ("backwards", true)] {
        files.reverse();
        assert_eq!(files[0] > files[1], !backwards);
        for file in &files {
            let name = format!("{folder}/in/{}", file.file_name().unwrap().to_str().unwrap());
            bench.put(&name, fs::read(file).unwrap());
        }
    }
    let one = bench.scan(&[&bench.path("forwards")], "r1", &[]);
    let two = bench.scan(&[&bench.path("backwards")], "r2", &[]);
    assert!(one.bytes() == two.bytes());
    let inputs: Vec<_> = files.iter().map(|file| file.as_path()).collect();
    let named = bench.scan(&inputs, "r3", &[]);
    let reversed: Vec<_> = inputs.iter().rev().copied().collect();
    assert!(named.bytes() == bench.scan(&reversed, "r4", &[]).bytes());
}

#[test]
fn shards_and_one_big_file_and_a_file_a_client_give_the_same_rows() {
    let bench = Bench::new();
    let options = rough(24);
    bench.fleet("shards", &options);
    bench.fleet("one", &synth::Options { layout: Layout::Shards(1), ..options.clone() });
    for client in 0..options.clients {
        let mut census = Vec::new();
        synth::write_client(&options, client, &mut census).unwrap();
        bench.put(&format!("tree/{client:05}/census.ndjson"), census);
    }
    let shards = content(&bench.scan(&[&bench.path("shards")], "r1", &[]));
    let waiting = shards[0].1.iter().filter(|row| row["certificate_basis"] == "joined").count();
    assert!(waiting > 20, "rows of the second phase are part of it");
    let one = content(&bench.scan(&[&bench.path("one")], "r2", &[]));
    assert_same(&shards, &one);
    let tree = content(&bench.scan(&[&bench.path("tree")], "r3", &[]));
    assert_same(&shards, &tree);
}

#[test]
fn cuts_inside_files_change_no_row() {
    let bench = Bench::new();
    bench.fleet("in/fleet", &synth::Options { clients: 12, layout: Layout::Shards(2), ..rough(25) });
    for name in ["census_1/fleet.ndjson", "census_1/damaged.ndjson", "flat_ndjson/vendors.ndjson", "pem/bundle.pem"] {
        let bytes = fs::read(samples().join(name)).unwrap();
        bench.put(&format!("in/{name}"), bytes.repeat(5));
    }
    bench.put("in/pem/damaged.pem", fs::read(samples().join("pem/damaged.pem")).unwrap());
    let options = |unit| Options { threads: 2, unit_bytes: Some(unit), ..Options::default() };
    let (uncut, _) = scan_here(&bench, "in", "whole", &options(u64::MAX / 4));
    let whole = everything(&uncut);
    for unit in [1_500, 4 * 1024, 50_001] {
        let (cut, _) = scan_here(&bench, "in", &format!("cut-{unit}"), &options(unit));
        assert!(uncut.bytes() != cut.bytes(), "row groups are others");
        assert_same(&whole, &everything(&cut));
    }
}

#[test]
fn nothing_depends_on_the_clock() {
    let bench = Bench::new();
    bench.fleet("fleet", &synth::Options { clients: 6, ..rough(26) });
    let once = bench.scan(&[&bench.path("fleet")], "r1", &["--as-of", "2026-11-22"]);
    // The clock has moved, the files look newer, and it is another day elsewhere.
    sleep(Duration::from_millis(1100));
    for file in fs::read_dir(bench.path("fleet")).unwrap().map(|e| e.unwrap().path()) {
        fs::write(&file, fs::read(&file).unwrap()).unwrap();
    }
    for (nth, zone) in ["Pacific/Kiritimati", "America/Los_Angeles"].into_iter().enumerate() {
        let name = format!("later-{nth}");
        let args = ["scan", "fleet", "-o", &name, "--as-of", "2026-11-22", "-q"];
        assert!(bench.command(&args).env("TZ", zone).status().unwrap().success());
        let again = Report { path: bench.path(&name) };
        assert!(once.bytes() == again.bytes() && once.manifest() == again.manifest(), "{zone}");
    }
}

#[test]
fn a_table_of_csv_gives_the_same_rows_where_it_is_cut() {
    let bench = Bench::new();
    let table = |rows: std::ops::Range<u32>| -> String {
        let row = |n| match n % 50 {
            7 => format!(
                "PC-{n},\"CN=two\r\nlines, \"\"and quotes\"\"\",{n:040x},Microsoft Software Key Storage Provider\r\n"
            ),
            11 => format!("PC-{n},CN=one,value,too,many,{n:040x}\r\n"),
            _ => format!("PC-{n},CN=pc-{n},{n:040x},Microsoft Strong Cryptographic Provider\r\n"),
        };
        rows.map(row).collect()
    };
    let other = format!("\u{feff}#TYPE Other\r\nThumbprint,Subject,ComputerName\r\n{:040x},CN=other,PC-X\r\n", 9);
    let open = "PC-Y,\"CN=never closed\r\n";
    let text = format!("ComputerName,Subject,Thumbprint,Provider\r\n{}{other}{open}", table(0..600));
    bench.put("in/table.csv", text);
    let scan = |name: &str, unit_bytes| {
        let (report, _) = scan_here(&bench, "in", name, &Options { unit_bytes, ..Options::default() });
        report
    };
    let whole = scan("whole", None);
    assert_eq!(whole.rows("observations").len(), 600 - 12 + 1);
    for unit in [300, 1000, 7777] {
        assert_same(&everything(&whole), &everything(&scan(&format!("cut-{unit}"), Some(unit))));
    }
}

#[test]
fn rows_of_a_ca_are_the_same_where_they_are_cut() {
    let schema = "Schema:\n  Column Name                   Localized Name                Type    MaxLength\n  \
                  ----------------------------  ----------------------------  ------  ---------\n  \
                  Request.RequestID             Request ID                    Long    4 -- Indexed\n  \
                  Request.RequesterName         Requester Name                String  2048 -- Indexed\n  \
                  Request.DispositionMessage    Request Disposition Message   String  8192\n";
    let row = |n: u32| {
        let message = match n % 40 {
            7 => "\"two\n\nlines\"".to_owned(),
            // Not the next row, whatever it looks like: its number is wrong.
            13 if n > 200 => "\"\n\nRow 9:\n  Request ID: 0x9\"".to_owned(),
            29 => "\"never closed".to_owned(),
            _ => format!("\"by {n}\""),
        };
        format!(
            "\nRow {n}:\n  Request ID: 0x{n:x} ({n})\n  Requester Name: \"GROVE\\pc-{n}$\"\n  Request Disposition Message: \
             {message}\n\n  Request Attributes:\n    RequestCSPProvider: \"Microsoft Software Key Storage Provider\"\n    ccm: \
             \"pc-{n}.grove.test\"\n"
        )
    };
    let end = |rows: u32| {
        format!("\nMaximum Row Index: {rows}\n\n{rows} Rows\nCertUtil: -view command completed successfully.\n")
    };
    for (name, told) in [("whole", 400), ("rows are missing", 401)] {
        let bench = Bench::new();
        let rows: String = (1..=400).map(row).collect();
        let second = format!("{schema}{}{}", row(1), end(1));
        bench.put("in/view.txt", format!("{schema}{rows}{}{second}", end(told)));
        let scan = |name: &str, unit_bytes| {
            let (report, _) = scan_here(&bench, "in", name, &Options { unit_bytes, ..Options::default() });
            report
        };
        let whole = scan("whole", None);
        assert_eq!(whole.rows("requests").len(), 401, "{name}");
        for unit in [700, 3000, 20_000] {
            assert_same(&everything(&whole), &everything(&scan(&format!("cut-{unit}"), Some(unit))));
        }
    }
}

#[test]
fn records_of_a_ca_as_csv_are_the_same_where_they_are_cut() {
    let bench = Bench::new();
    let row = |n: u32| match n % 30 {
        7 => format!(
            "\"{n}\",\"GROVE\\two\n\nlines, \"\"and\"\" quotes\",\"ccm:pc-{n}\nCertificateTemplate:Machine\",\"EMPTY\"\n"
        ),
        11 => format!("\"{n}\",\"one\",\"too few\"\n\nCertUtil: of no record\n"),
        _ => format!("\"{n}\",\"GROVE\\pc-{n}$\",\"ccm:pc-{n}.grove.test\",\"20 -- Issued\"\n"),
    };
    let header = "\"Request ID\",\"Requester Name\",\"Request Attributes\",\"Request Disposition\"\n";
    let rows: String = (1..=600).map(row).collect();
    bench.put("in/view.csv", format!("{header}{rows}\"601\",\"never closed\n"));
    let scan = |name: &str, unit_bytes| {
        let (report, _) = scan_here(&bench, "in", name, &Options { unit_bytes, ..Options::default() });
        report
    };
    let whole = scan("whole", None);
    assert_eq!(whole.rows("requests").len(), 600 - 20);
    for unit in [300, 1000, 7777] {
        assert_same(&everything(&whole), &everything(&scan(&format!("cut-{unit}"), Some(unit))));
    }
}

#[test]
fn a_result_log_is_replayed_whole_however_it_comes() {
    let bench = Bench::new();
    // Every certificate is added, and two of three are taken back much later.
    let line = |action: &str, n: u32| {
        format!(
            "{{\"action\":\"{action}\",\"columns\":{{\"common_name\":\"c\",\"sha1\":\"{n:040x}\",\"not_valid_after\":\"1\",\"store_id\":\"My\"}},\
             \"name\":\"q\",\"hostIdentifier\":\"PC-{}\",\"unixTime\":\"1\",\"epoch\":\"1\",\"counter\":\"1\"}}\n",
            n % 7
        )
    };
    let added = (0..300).map(|n| line("added", n));
    let log: String = added.chain((0..300).filter(|n| n % 3 > 0).map(|n| line("removed", n))).collect();
    bench.put("in/a.log", &log);
    bench.put("in/b.log.gz", crate::write::gzip(log.as_bytes()));
    let scan = |name: &str, threads, unit_bytes| {
        scan_here(&bench, "in", name, &Options { threads, unit_bytes, ..Options::default() }).0
    };
    let whole = scan("whole", 1, None);
    assert_eq!(whole.rows("observations").len(), 2 * 100);
    let mut logs = whole.rows("sources");
    logs.retain(|source| source["format"] == "osquery_log");
    assert_eq!(logs.len(), 2);
    for source in &logs {
        assert_eq!(source["records"], 500);
        let skips = serde_json::json!(["osquery_removed=200", "osquery_taken_back=200"]);
        assert_eq!(source["skip_reasons"], skips);
    }
    assert!(whole.bytes() == scan("threads", 4, None).bytes());
    for unit in [500, 5000] {
        assert_same(&everything(&whole), &everything(&scan(&format!("cut-{unit}"), 3, Some(unit))));
    }
}
