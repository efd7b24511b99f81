//! The command line as people and scripts meet it: exit codes, what goes to which stream, every option.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Output, Stdio};

use certcensus::classify::rules::RULES;
use certcensus::format::FORMATS;
use certcensus::record::Code;
use certcensus::synth;
use certcensus::table::TABLES;
use serde_json::{Value, json};
use support::{Bench, Report, samples};

fn stdout(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

fn stderr(out: &Output) -> String {
    String::from_utf8(out.stderr.clone()).unwrap()
}

fn sample(name: &str) -> String {
    samples().join(name).to_str().unwrap().to_owned()
}

/// Runs and asserts the exit code.
#[track_caller]
fn run(bench: &Bench, args: &[&str], code: i32) -> Output {
    let out = bench.run(args);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {}{}", stdout(&out), stderr(&out));
    out
}

fn sources(report: &Report) -> Vec<String> {
    report.rows("sources").iter().map(|row| row["source_path"].as_str().unwrap().to_owned()).collect()
}

fn certificate(name: &str) -> Vec<u8> {
    fs::read(samples().join("certificate_der").join(name)).unwrap()
}

// Exit codes and streams

#[test]
fn a_clean_scan_is_0_and_talks_on_stderr_only() {
    let bench = Bench::new();
    let out = run(&bench, &["scan", &sample("certificate_der/ec-leaf.cer"), "-o", "report"], 0);
    assert_eq!(stdout(&out), "");
    let talk = stderr(&out);
    for told in ["1 observations of 1 certificates", "records/s", "B/s", "key_api", "key_storage", "key_presence"] {
        assert!(talk.contains(told), "{told} in {talk}");
    }
    assert!(talk.contains("try: ") && talk.contains("report/observations/*.parquet"), "the first query: {talk}");
    assert!(!talk.contains('\u{1b}'), "no colour without a terminal");
}

#[test]
fn strict_is_1_where_there_are_rejects_and_the_report_is_there() {
    let bench = Bench::new();
    let (damaged, clean) = (sample("census_1/damaged.ndjson"), sample("certificate_der/ec-leaf.cer"));
    let out = run(&bench, &["scan", &damaged, "-o", "damaged", "--strict"], 1);
    let rejects = Report { path: bench.path("damaged") }.rows("rejects");
    let kinds: BTreeSet<_> = rejects
        .iter()
        .map(|row| format!("{} ({})", row["code"].as_str().unwrap(), row["severity"].as_str().unwrap()))
        .collect();
    assert!(kinds.len() > 3);
    for kind in kinds {
        assert!(stderr(&out).contains(&kind), "{kind} in {}", stderr(&out));
    }
    run(&bench, &["scan", &damaged, "-o", "lax"], 0);
    run(&bench, &["scan", &clean, "-o", "clean", "--strict"], 0);
}

#[test]
fn wrong_usage_is_2_and_says_what_is_right() {
    let bench = Bench::new();
    let file = sample("certificate_der/ec-leaf.cer");
    for (more, told) in [
        (&["--threads", "0"][..], "thread"),
        (&["--client-from", "host"], "stem"),
        (&["--client-from", "regex:("], "regex"),
        (&["--as-of", "22.11.2026"], "2026-11-22"),
        (&["--as-of", "2026-02-30"], "2026-11-22"),
        (&["--include", "["], "--include"),
        (&["--max-line", "lots"], "16M"),
        (&["--max-memory", "0"], "16M"),
        (&["--compression", "rar"], "zstd"),
        (&["--providers", "absent.tsv"], "absent.tsv"),
        (&["--no-such-option"], "--help"),
    ] {
        let out = run(&bench, &[&["scan", &file, "-o", "report"], more].concat(), 2);
        assert!(stderr(&out).contains(told), "{more:?}: {}", stderr(&out));
        assert_eq!(stdout(&out), "");
        assert!(!bench.path("report").exists());
    }
    run(&bench, &["scan", &file], 2);
    run(&bench, &["scan", "-o", "report"], 2);
    run(&bench, &["scan", "absent", "-o", "report"], 2);
    run(&bench, &["sacn"], 2);
}

#[test]
fn nothing_to_read_is_3() {
    let bench = Bench::new();
    bench.put("text/readme.txt", "nothing of interest");
    bench.put("later/a.parquet", b"PAR1\0\0\0");
    fs::create_dir(bench.path("empty")).unwrap();
    for (input, status) in [("text", "unrecognised"), ("later", "unsupported")] {
        let out = run(&bench, &["scan", input, "-o", "listed", "--force"], 3);
        assert!(stderr(&out).contains("nothing to read"), "{}", stderr(&out));
        // What is recognised and not read, or not recognised at all, is listed, never passed over in silence.
        let sources = support::Report { path: bench.path("listed") }.rows("sources");
        assert_eq!(sources.iter().map(|row| row["status"].as_str().unwrap()).collect::<Vec<_>>(), [status]);
    }
    let out = run(&bench, &["scan", "empty", "-o", "report"], 3);
    assert!(stderr(&out).contains("nothing to read"), "{}", stderr(&out));
    assert!(!bench.path("report").exists());
    run(&bench, &["scan", "text", "-o", "report", "--include", "*.cer"], 3);
    run(&bench, &["scan", "empty", "--dry-run"], 3);
    // One file that can be read is enough.
    bench.put("text/a.cer", certificate("ec-leaf.cer"));
    run(&bench, &["scan", "text", "-o", "report"], 0);
}

#[test]
fn json_is_one_object_on_stdout_and_nothing_else() {
    let bench = Bench::new();
    let out = run(&bench, &["scan", &sample("census_1"), "-o", "report", "--json", "--audit", "a"], 0);
    let told: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert_eq!(stdout(&out).lines().count(), 1);
    assert_eq!(told["audit"], "a");
    for key in ["records", "observations", "certificates", "clients", "rejects", "key_api", "elapsed_seconds"] {
        assert!(!told[key].is_null(), "{key}");
    }
    assert!(stderr(&out).contains("try: "), "people are told as well");
    let out = run(&bench, &["scan", &sample("census_1"), "-o", "quiet", "--json", "-q"], 0);
    assert!(serde_json::from_str::<Value>(&stdout(&out)).unwrap().is_object());
    assert_eq!(stderr(&out), "");
}

#[test]
fn quiet_is_silent_but_for_errors() {
    let bench = Bench::new();
    let out = run(&bench, &["scan", &sample("census_1"), "-o", "report", "-q"], 0);
    assert_eq!((stdout(&out), stderr(&out)), (String::new(), String::new()));
    let out = run(&bench, &["scan", "absent", "-o", "other", "-q"], 2);
    assert!(stderr(&out).contains("absent"));
}

#[test]
fn verbose_adds_sources_and_formats() {
    let bench = Bench::new();
    let args = ["scan", &sample("certificate_der/ec-leaf.cer"), "-o", "r1"];
    assert!(!stderr(&run(&bench, &args, 0)).contains("certificate_der 1"));
    let args = ["scan", &sample("certificate_der/ec-leaf.cer"), "-o", "r2", "-v"];
    let talk = stderr(&run(&bench, &args, 0));
    assert!(talk.contains("complete 1") && talk.contains("certificate_der 1"), "{talk}");
}

#[test]
fn colour_is_asked_for_or_absent() {
    let bench = Bench::new();
    let file = sample("certificate_der/ec-leaf.cer");
    let colour = |more: &[&str], no_color: &str, report: &str| {
        let args = [&["scan", &file, "-o", report], more].concat();
        stderr(&bench.command(&args).env("NO_COLOR", no_color).output().unwrap()).contains('\u{1b}')
    };
    assert!(colour(&["--color", "always"], "", "r1"));
    assert!(colour(&["--color", "always"], "1", "r2"), "a wish outdoes a habit");
    assert!(!colour(&["--color", "never"], "", "r3"));
    assert!(!colour(&[], "1", "r4"));
    let inspect = |when: &str| stdout(&run(&bench, &["inspect", &file, "--color", when], 0)).contains('\u{1b}');
    assert!(inspect("always") && !inspect("auto") && !inspect("never"));
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    let flat = sample("flat_ndjson/vendors.ndjson");
    for args in [
        &["schema"][..],
        &["schema", "--json"],
        &["formats"],
        &["explain", "--list"],
        &["man"],
        &["completions", "bash"],
        &["inspect", &flat],
        &["scan", &flat, "--dry-run"],
    ] {
        let mut child = bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        assert_eq!((out.status.code(), stderr(&out)), (Some(0), String::new()), "{args:?}");
    }
}

// Options of scan

#[test]
fn dry_run_lists_sources_and_writes_nothing() {
    let bench = Bench::new();
    bench.put("in/a.cer", certificate("ec-leaf.cer"));
    bench.put("in/b.zip", b"PK\x03\x04");
    bench.put("in/c.txt", "nothing");
    bench.put("in/d\x1b[31m.cer", certificate("ca.cer"));
    let out = run(&bench, &["scan", "in", "--dry-run"], 0);
    let listed: Vec<Vec<String>> =
        stdout(&out).lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    let expected = [
        ["read", "certificate_der", "a.cer"],
        ["read", "zip", "b.zip"],
        ["unrecognised", "-", "c.txt"],
        ["read", "certificate_der", "d\\u{1b}[31m.cer"],
    ];
    let told: Vec<_> = listed.iter().map(|l| [l[0].as_str(), l[1].as_str(), l[3].as_str()]).collect();
    assert_eq!(told, expected);
    assert_eq!(listed[0][2], certificate("ec-leaf.cer").len().to_string());
    assert_eq!(fs::read_dir(bench.path("")).unwrap().count(), 1);
}

/// The head that formats are told by holds 64 KiB; a file of just that size is complete.
#[test]
fn dry_run_and_scan_agree_on_the_format() {
    let bench = Bench::new();
    let start = "{\"Thumbprint\":\"00112233445566778899aabbccddeeff00112233\",\"x\":\"";
    for len in [65_535, 65_536, 65_537] {
        let line = format!("{start}{}\"}}", "y".repeat(len - start.len() - 2));
        bench.put(&format!("in/{len}.ndjson"), line);
    }
    let foreseen: Vec<_> = stdout(&run(&bench, &["scan", "in", "--dry-run"], 0))
        .lines()
        .map(|line| line.split('\t').nth(1).unwrap().to_owned())
        .collect();
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let found: Vec<_> = report.rows("sources").iter().map(|r| r["format"].as_str().unwrap().to_owned()).collect();
    assert_eq!((foreseen, report.rows("observations").len()), (found, 3));
}

#[test]
fn the_client_comes_from_wherever_it_is_said_to_stand() {
    let bench = Bench::new();
    bench.put("in/Site-A/PC-0007.example.test/leaf.v1.cer", certificate("ec-leaf.cer"));
    for (nth, (how, client, basis)) in [
        ("dir:1", "site-a", "dir"),
        ("dir:2", "pc-0007.example.test", "dir"),
        ("stem", "leaf.v1", "stem"),
        ("regex:(?i)/(pc-[0-9]+)", "pc-0007", "regex"),
        ("name:The Vault", "the vault", "name"),
    ]
    .into_iter()
    .enumerate()
    {
        let report = bench.scan(&[&bench.path("in")], &format!("r{nth}"), &["--client-from", how]);
        let row = &report.rows("observations")[0];
        assert_eq!((&row["client"], &row["client_basis"]), (&json!(client), &json!(basis)), "{how}");
        assert_eq!(report.rows("clients")[0]["client"], client);
    }
    let report = bench.scan(&[&bench.path("in")], "none", &["--client-from", "dir:3"]);
    let row = &report.rows("observations")[0];
    assert!(!row.contains_key("client") && !row.contains_key("client_basis"), "null, never empty");
}

#[test]
fn the_record_outdoes_client_from() {
    let bench = Bench::new();
    let report =
        bench.scan(&[samples().join("census_1/fleet.ndjson").as_path()], "r", &["--client-from", "name:other"]);
    let rows = report.rows("observations");
    assert!(rows.iter().all(|row| row["client_basis"] == "record" && row["client"] != "other"));
    assert!(rows.iter().any(|row| row["client"] == "ws-alder"), "lower-cased");
}

#[test]
fn where_many_clients_are_unknown_a_fitting_option_is_shown() {
    let bench = Bench::new();
    bench.put("in/PC-1/a.cer", certificate("ec-leaf.cer"));
    bench.put("in/PC-2/b.cer", certificate("rsa-leaf.cer"));
    let talk = stderr(&run(&bench, &["scan", "in", "-o", "r1"], 0));
    assert!(talk.contains("2 observations name no client") && talk.contains("--client-from dir:1"), "{talk}");
    assert!(talk.contains("pc-1"), "and what it would give: {talk}");
    let talk = stderr(&run(&bench, &["scan", "in", "-o", "r2", "--client-from", "dir:1"], 0));
    assert!(!talk.contains("name no client"), "{talk}");
}

#[test]
fn globs_include_and_exclude() {
    let bench = Bench::new();
    for name in ["a.cer", "d/b.cer", "d/c.pem", "d/e/f.cer"] {
        bench.put(&format!("in/{name}"), certificate("ec-leaf.cer"));
    }
    for (nth, (more, expected)) in [
        (&["--include", "*.cer"][..], &["a.cer", "d/b.cer", "d/e/f.cer"][..]),
        (&["--include", "d/*"], &["d/b.cer", "d/c.pem"]),
        (&["--exclude", "d/**"], &["a.cer"]),
        (&["--include", "*.cer", "--include", "*.pem", "--exclude", "f.*"], &["a.cer", "d/b.cer", "d/c.pem"]),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(sources(&bench.scan(&[&bench.path("in")], &format!("r{nth}"), more)), expected, "{more:?}");
    }
}

#[test]
fn the_audit_stands_in_every_row_of_every_table() {
    let bench = Bench::new();
    let fleet = synth::Options { clients: 3, broken: 0.2, missing_end: 0.5, ..synth::Options::default() };
    bench.fleet("fleet", &fleet);
    let report = bench.scan(&[&bench.path("fleet")], "named", &["--audit", "autumn 2026"]);
    assert_eq!(report.manifest()["audit"], "autumn 2026");
    let unnamed = bench.scan(&[&bench.path("fleet")], "unnamed", &[]);
    for table in TABLES.iter() {
        let rows = report.rows(table.name);
        let absent = ["bindings", "templates", "requests"].contains(&table.name);
        assert_eq!(rows.is_empty(), absent, "{}: a fleet has none of them", table.name);
        assert!(rows.iter().all(|row| row["audit"] == "autumn 2026"), "{}", table.name);
        assert!(unnamed.rows(table.name).iter().all(|row| !row.contains_key("audit")), "{}", table.name);
    }
}

#[test]
fn as_of_is_recorded_in_the_manifest() {
    let bench = Bench::new();
    let file = samples().join("certificate_der/ec-leaf.cer");
    let dated = bench.scan(&[&file], "dated", &["--as-of", "2027-01-31"]);
    assert_eq!(dated.manifest()["as_of"], "2027-01-31");
    let undated = bench.scan(&[&file], "undated", &[]);
    assert!(undated.manifest()["as_of"].is_null());
    assert!(dated.bytes() == undated.bytes(), "no table depends on it yet");
}

#[test]
fn hash_sources_hashes_and_is_not_the_default() {
    let bench = Bench::new();
    let file = samples().join("certificate_der/ec-leaf.cer");
    let hashed = bench.scan(&[&file], "hashed", &["--hash-sources"]);
    let sha256 = hashed.rows("certificates")[0]["sha256"].clone();
    assert_eq!(hashed.rows("sources")[0]["sha256"], sha256, "a DER file is its certificate");
    assert!(!bench.scan(&[&file], "plain", &[]).rows("sources")[0].contains_key("sha256"));
}

#[test]
fn a_provider_table_overrides_and_a_bad_one_is_refused_with_its_line() {
    let bench = Bench::new();
    let line = r#"{"Client":"a","Thumbprint":"00112233445566778899aabbccddeeff00112233","Provider":"Fabricated KSP"}"#;
    bench.put("in.ndjson", format!("{line}\n"));
    let verdict = |report: Report| report.rows("observations")[0]["key_storage"].clone();
    assert_eq!(verdict(bench.scan(&[&bench.path("in.ndjson")], "r1", &[])), "unknown");
    let header = "name\tmatch\tapi\tbacking\thardware\tconfidence\tsource\n";
    bench.put("mine.tsv", format!("{header}Fabricated KSP\texact\tcng\thsm\tyes\tdocumented\tthe vendor's manual\n"));
    let mine = ["--providers", "mine.tsv"];
    assert_eq!(verdict(bench.scan(&[&bench.path("in.ndjson")], "r2", &mine)), "hsm");
    let told = stdout(&run(&bench, &["explain", "fabricated  KSP", "--providers", "mine.tsv"], 0));
    assert!(told.contains("storage hsm") && told.contains("from --providers"), "{told}");
    let told = stdout(&run(&bench, &["inspect", "in.ndjson", "--providers", "mine.tsv"], 0));
    assert!(told.contains("storage hsm"), "{told}");

    bench.put(
        "bad.tsv",
        format!("{header}Good\texact\tcng\thsm\tyes\tdocumented\tx\nBad\texact\tcng\tcellar\t\x1b[31m\t\t\n"),
    );
    for args in [&["scan", "in.ndjson", "-o", "r3"][..], &["inspect", "in.ndjson"], &["explain", "x"]] {
        let out = run(&bench, &[args, &["--providers", "bad.tsv"]].concat(), 2);
        let told = stderr(&out);
        assert!(told.contains("bad.tsv") && told.contains("line 3") && told.contains("cellar"), "{told}");
        assert!(!told.contains('\u{1b}'));
    }
}

#[test]
fn passwords_open_what_they_fit_in_scan_and_inspect() {
    let bench = Bench::new();
    let file = sample("pkcs12/machine-key-aes.pfx");
    bench.put("right", "no\n\ngrove-Sample-1\n");
    bench.put("wrong", "no\n");
    bench.put("binary", [0xff, 0xfe, b'x']);
    let status = |report: &str, more: &[&str]| {
        run(&bench, &[&["scan", &file, "-o", report][..], more].concat(), 0);
        let source = Report { path: bench.path(report) }.rows("sources").remove(0);
        (source["status"].as_str().unwrap().to_owned(), source["observations"].as_i64().unwrap())
    };
    assert_eq!(status("none", &[]), ("locked".to_owned(), 1));
    assert_eq!(status("wrong.report", &["--passwords", "wrong"]), ("locked".to_owned(), 1));
    assert_eq!(status("right.report", &["--passwords", "right"]), ("complete".to_owned(), 2));
    let right = std::fs::read_to_string(bench.path("right")).unwrap();
    let utf16: Vec<u8> = "\u{feff}".chars().chain(right.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    bench.put("utf16", utf16);
    assert_eq!(status("utf16.report", &["--passwords", "utf16"]), ("complete".to_owned(), 2));
    // A missing password is no reject.
    run(&bench, &["scan", &file, "-o", "strict", "--strict"], 0);
    let told = |args: &[&str]| stdout(&run(&bench, args, 0));
    assert!(told(&["inspect", &file]).contains("Locked: a password is missing (--passwords FILE)"));
    let open = told(&["inspect", &file, "--passwords", "right"]);
    assert!(open.contains("CN=web.example.test") && open.contains("Complete."), "{open}");
    let refused = run(&bench, &["scan", &file, "-o", "x", "--passwords", "binary"], 2);
    assert!(stderr(&refused).contains("--passwords binary: the file is neither UTF-8 text nor UTF-16"));
    run(&bench, &["inspect", &file, "--passwords", "not-there"], 2);
}

#[test]
fn every_compression_opens_and_holds_the_same_rows() {
    let bench = Bench::new();
    let input = samples().join("census_1");
    let zstd = bench.scan(&[&input], "default", &[]);
    for codec in ["zstd", "snappy", "none"] {
        let report = bench.scan(&[&input], codec, &["--compression", codec]);
        assert_eq!(report.bytes() == zstd.bytes(), codec == "zstd", "{codec}");
        for table in TABLES.iter() {
            assert_eq!(report.rows(table.name), zstd.rows(table.name), "{codec}, {}", table.name);
        }
    }
}

// Odd inputs

#[cfg(unix)]
#[test]
fn links_pipes_and_empty_files_have_their_rows() {
    let bench = Bench::new();
    bench.put("in/d/a.cer", certificate("ec-leaf.cer"));
    bench.put("in/empty.ndjson", "");
    bench.put("elsewhere/b.cer", certificate("rsa-leaf.cer"));
    std::os::unix::fs::symlink("..", bench.path("in/d/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", bench.path("in/dangling")).unwrap();
    std::os::unix::fs::symlink(bench.path("elsewhere"), bench.path("in/link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(bench.path("in/socket")).unwrap();
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let told: Vec<_> = report
        .rows("sources")
        .iter()
        .map(|r| (r["source_path"].as_str().unwrap().to_owned(), r["status"].as_str().unwrap().to_owned()))
        .collect();
    let told: Vec<_> = told.iter().map(|(path, status)| (path.as_str(), status.as_str())).collect();
    assert_eq!(
        told,
        [
            ("d/a.cer", "complete"),
            ("d/loop", "failed"),
            ("dangling", "failed"),
            ("empty.ndjson", "empty"),
            ("link/b.cer", "complete"),
            ("socket", "unsupported"),
        ]
    );
    let codes: Vec<_> = report.rows("rejects").iter().map(|r| (r["source_path"].clone(), r["code"].clone())).collect();
    assert_eq!(codes, [(json!("d/loop"), json!("symlink_loop")), (json!("dangling"), json!("io_error"))]);
    assert_eq!(report.rows("observations").len(), 2);
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_a_reject() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.put("in/a.cer", certificate("ec-leaf.cer"));
    let locked = bench.put("in/locked.cer", certificate("rsa-leaf.cer"));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&locked).is_ok() {
        println!("skipped: permissions do not bind this user");
        return;
    }
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    assert_eq!(report.rows("sources")[1]["status"], "failed");
    assert_eq!(report.rows("rejects")[0]["code"], "io_error");
    assert_eq!(report.rows("observations").len(), 1);
    run(&bench, &["inspect", "in/locked.cer"], 2);
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    fs::create_dir(bench.path("in")).unwrap();
    for name in [&b"\xff.cer"[..], b"\xfe.cer"] {
        fs::write(bench.path("in").join(OsStr::from_bytes(name)), certificate("ec-leaf.cer")).unwrap();
    }
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    let ids: BTreeSet<_> = report.rows("sources").iter().map(|row| row["source_id"].to_string()).collect();
    assert_eq!((ids.len(), report.rows("observations").len()), (2, 2));
}

// The other subcommands

#[test]
fn inspect_tells_format_facts_claims_and_reasons() {
    let bench = Bench::new();
    for (file, told) in [
        (
            "certificate_der/ec-leaf.cer",
            &["[certificate_der]", "subject", "thumbprint", "key unknown", "Complete."][..],
        ),
        ("sst/key-kinds.sst", &["[sst]", "provider", "container", "because", "[provider_type]", "won"]),
        ("pem/bundle.pem", &["[pem]", "skipped (dh_parameters)"]),
        ("census_1/fleet.ndjson", &["[census_1]", "client WS-ALDER", "provider \"Microsoft", "verdict"]),
        ("census_1/damaged.ndjson", &["bad_json (lost)", "lost", "doubts"]),
        ("pkcs7/chain.p7b", &["[pkcs7]"]),
        ("element/capi-software.bin", &["[element]", "API capi"]),
    ] {
        let out = run(&bench, &["inspect", "-n", "100", &sample(file)], 0);
        for told in told {
            assert!(stdout(&out).contains(told), "{file}: {told} in {}", stdout(&out));
        }
        assert_eq!(stderr(&out), "");
    }
    let out = stdout(&run(&bench, &["inspect", "-n", "2", &sample("sst/key-kinds.sst")], 0));
    assert_eq!(out.matches(" verdict ").count(), 2);
    assert!(out.contains("more; -n"), "what is hidden is said: {out}");
}

#[test]
fn inspect_refuses_folders_and_names_the_unknown() {
    let bench = Bench::new();
    bench.put("odd.bin", "no known format");
    bench.put("later.parquet", b"PAR1\0\0\0");
    bench.put("empty", "");
    let out = run(&bench, &["inspect", &sample("sst")], 2);
    assert!(stderr(&out).contains("folder") && stderr(&out).contains("scan"), "{}", stderr(&out));
    run(&bench, &["inspect", "absent"], 2);
    let out = run(&bench, &["inspect", "odd.bin"], 3);
    assert!(stdout(&out).contains("no known format"));
    let out = run(&bench, &["inspect", "later.parquet"], 3);
    assert!(stdout(&out).contains("[parquet]") && stdout(&out).contains("not read yet"), "{}", stdout(&out));
    run(&bench, &["inspect", "empty"], 0);
    let out = run(&bench, &["inspect", "odd.bin", &sample("certificate_der/ec-leaf.cer")], 0);
    assert!(stdout(&out).contains("[certificate_der]"), "several files at once");
}

#[test]
fn input_text_never_commands_the_terminal() {
    let bench = Bench::new();
    let nasty = "red\u{1b}[31m bell\u{7} back\u{8} turned\u{202e} c1\u{9b}31m\r\n";
    let line = json!({"Client": nasty, "Thumbprint": "00112233445566778899aabbccddeeff00112233", "FriendlyName": nasty,
        "Provider": nasty, "Container": nasty, "StoreName": nasty, "ProviderType": nasty, "Reader": nasty});
    let census = json!({"schema": "census/1", "type": nasty, "run": nasty, "seq": 0, "host": nasty});
    let error = json!({"schema": "census/1", "type": "error", "run": nasty, "seq": 1, "host": nasty, "stage": nasty,
        "message_display": nasty, "path": nasty});
    bench.put("in/\u{1b}[31m/a.ndjson", format!("{line}\n{{\u{1b}[31m\n"));
    bench.put("in/b.ndjson", format!("{census}\n{error}\n"));
    let file = bench.path("in/\u{1b}[31m/a.ndjson");
    let runs = [
        run(&bench, &["inspect", file.to_str().unwrap()], 0),
        run(&bench, &["inspect", "in/b.ndjson"], 0),
        run(&bench, &["scan", "in", "-o", "report", "-v", "--json"], 0),
        run(&bench, &["scan", "in", "--dry-run"], 0),
        run(&bench, &["explain", nasty], 0),
        run(&bench, &["inspect", &format!("absent{nasty}")], 2),
        run(&bench, &["scan", &format!("absent{nasty}"), "-o", "other"], 2),
        run(&bench, &["scan", "in", "-o", "report", "--client-from", nasty], 2),
    ];
    for (nth, out) in runs.iter().enumerate() {
        for text in [stdout(out), stderr(out)] {
            let bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
            assert!(!text.contains(bad), "run {nth}: {text:?}");
        }
    }
    assert!(stdout(&runs[0]).contains("\\u{1b}[31m"), "it is shown, escaped");
    let rows = Report { path: bench.path("report") }.rows("observations");
    assert_eq!(rows[0]["provider_name"], nasty, "the report has it verbatim");
}

#[test]
fn explain_knows_providers_rules_and_codes_and_says_what_it_does_not_know() {
    let bench = Bench::new();
    let told = stdout(&run(&bench, &["explain", "  microsoft PLATFORM crypto provider"], 0));
    assert!(told.contains("API cng") && told.contains("storage tpm") && told.contains("source:"), "{told}");
    for rule in RULES {
        let told = stdout(&run(&bench, &["explain", rule.id], 0));
        assert!(told.contains(rule.title) && told.contains(rule.source), "{told}");
    }
    let told = stdout(&run(&bench, &["explain", "HASH_MISMATCH"], 0));
    assert!(told.contains(Code::HashMismatch.doc()), "{told}");
    let told = stdout(&run(&bench, &["explain", "Acme Imaginary Provider 9000"], 0));
    assert!(told.contains("not in the catalogue"), "{told}");
    let list = stdout(&run(&bench, &["explain", "--list"], 0));
    let ids = RULES.iter().map(|rule| rule.id).chain(Code::ALL.iter().map(|code| code.as_str()));
    for id in ids {
        assert!(list.lines().any(|line| line.split_whitespace().next() == Some(id)), "{id}");
    }
    run(&bench, &["explain"], 2);
}

#[test]
fn formats_and_schema_are_the_lists_of_the_library() {
    let bench = Bench::new();
    let text = stdout(&run(&bench, &["formats"], 0));
    let told: Value = serde_json::from_str(&stdout(&run(&bench, &["formats", "--json"], 0))).unwrap();
    assert_eq!(told.as_array().unwrap().len(), FORMATS.len());
    for (format, told) in FORMATS.iter().zip(told.as_array().unwrap()) {
        assert_eq!((&told["name"], &told["is_read"]), (&json!(format.name), &json!(format.is_read())));
        assert!(text.contains(format.name) && text.contains(format.title), "{}", format.name);
    }
    let text = stdout(&run(&bench, &["schema"], 0));
    let told: Value = serde_json::from_str(&stdout(&run(&bench, &["schema", "--json"], 0))).unwrap();
    assert_eq!(told.as_array().unwrap().len(), TABLES.len());
    for (table, told) in TABLES.iter().zip(told.as_array().unwrap()) {
        assert_eq!(told["table"], table.name);
        let columns = told["columns"].as_array().unwrap();
        assert_eq!(columns.len(), table.columns.len());
        for (column, told) in table.columns.iter().zip(columns) {
            assert_eq!((&told["name"], &told["type"]), (&json!(column.name), &json!(column.type_name())));
            assert_eq!(told["description"], *column.resolved_doc());
            assert!(text.contains(&format!("  {} ", column.name)), "{}", column.name);
        }
    }
    let one = stdout(&run(&bench, &["schema", "rejects"], 0));
    assert!(one.starts_with("rejects:") && !one.contains("provider_name"));
    let out = run(&bench, &["schema", "nonsense"], 2);
    assert!(stderr(&out).contains("observations"), "the tables there are: {}", stderr(&out));
}

#[test]
fn every_table_of_the_schema_is_in_a_report_with_its_columns() {
    let bench = Bench::new();
    let report = bench.scan(&[&samples().join("certificate_der/ec-leaf.cer")], "report", &[]);
    for table in TABLES.iter() {
        let file = fs::File::open(report.path.join(table.name).join("part-00000.parquet")).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let names: Vec<_> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        let expected: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(names, expected, "{}", table.name);
    }
}

#[test]
fn help_completions_and_the_man_page_come_from_one_definition() {
    let bench = Bench::new();
    let help = stdout(&run(&bench, &["scan", "--help"], 0));
    let man = stdout(&run(&bench, &["man"], 0)).replace("\\-", "-");
    for option in ["--client-from", "--as-of", "--strict", "--max-memory", "--providers", "--dry-run"] {
        assert!(help.contains(option) && man.contains(option), "{option}");
    }
    assert!(man.starts_with(".ie") || man.contains(".TH"), "{}", &man[..80]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&run(&bench, &["completions", shell], 0));
        assert!(script.contains("client-from") && script.contains("certcensus"), "{shell}");
    }
    assert!(stdout(&run(&bench, &["--version"], 0)).contains(env!("CARGO_PKG_VERSION")));
    run(&bench, &["completions", "cmd"], 2);
}

#[test]
fn synth_writes_the_same_fleet_again_and_never_over_anything() {
    let bench = Bench::new();
    let args = |folder| ["synth", "-o", folder, "--clients", "3", "--seed", "9", "--shards", "2", "--broken", "0.1"];
    let told = stdout(&run(&bench, &args("a"), 0));
    assert!(told.contains("3 clients") && told.contains("seed 9"), "{told}");
    run(&bench, &args("b"), 0);
    for file in ["fleet-00000.ndjson", "fleet-00001.ndjson"] {
        assert_eq!(fs::read(bench.path("a").join(file)).unwrap(), fs::read(bench.path("b").join(file)).unwrap());
    }
    run(&bench, &args("a"), 2);
    run(&bench, &["synth", "-o", "c", "--mix", "cellar=3"], 2);
    run(&bench, &["synth", "-o", "c", "--broken", "2"], 2);
    run(&bench, &["scan", "a", "-o", "report"], 0);
}
