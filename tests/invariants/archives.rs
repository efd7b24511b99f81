//! Members of archives are sources of their own: rows as if they were files, lineage through every archive, limits that
//! stop what never ends, and nothing outside the report.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use certcensus::format::Setting;
use certcensus::format::archive::Limits;
use certcensus::scan::Options;
use certcensus::synth;

use crate::counts::assert_balanced;
use crate::support::{Bench, CONTENT, LINEAGE, Report, Row, corpus, samples, without};
use crate::write::{self, Zipped, deflated, stored};
use crate::{rough, scan_here};

fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get(column).and_then(|value| value.as_str()).unwrap_or_default()
}

/// Sources by member, the file itself as "".
fn members(report: &Report) -> BTreeMap<String, Row> {
    report.rows("sources").into_iter().map(|row| (text(&row, "source_member").to_owned(), row)).collect()
}

fn cer(name: &str) -> Vec<u8> {
    fs::read(samples().join("certificate_der").join(name)).unwrap()
}

/// Every sample of formats that are read, and a fleet: names and bytes.
fn tree(bench: &Bench) -> Vec<(String, Vec<u8>)> {
    bench.fleet("fleet", &synth::Options { clients: 8, layout: synth::Layout::Shards(2), ..rough(31) });
    let mut files = Vec::new();
    for folder in ["certificate_der", "pem", "bare_base64", "pkcs7", "sst", "element", "census_1", "flat_ndjson"] {
        let entries = fs::read_dir(samples().join(folder)).unwrap().map(|file| file.unwrap());
        for file in entries.filter(|file| file.path().is_file()) {
            let name = file.file_name().into_string().unwrap();
            if name != "expected.txt" && !name.ends_with(".md") {
                files.push((format!("{folder}/{name}"), fs::read(file.path()).unwrap()));
            }
        }
    }
    for file in fs::read_dir(bench.path("fleet")).unwrap().map(|file| file.unwrap()) {
        files.push((format!("fleet/{}", file.file_name().into_string().unwrap()), fs::read(file.path()).unwrap()));
    }
    files.sort();
    files
}

#[test]
fn the_same_files_in_archives_give_the_same_rows() {
    let bench = Bench::new();
    let files = tree(&bench);
    for (name, bytes) in &files {
        bench.put(&format!("plain/{name}"), bytes);
    }
    let zipped: Vec<_> = files.iter().map(|(name, bytes)| deflated(name, bytes)).collect();
    let tarred: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let (zip, tar) = (write::zip(&zipped), write::tar(&tarred));
    bench.put("in-zip/all.zip", &zip);
    bench.put("in-tgz/all.tgz", write::gzip(&tar));
    bench.put("in-xz/all.zip.xz", write::xz(&zip));
    bench.put("in-zst/all.tar", write::tar(&[("all.zip.zst", &write::zstd(&zip))]));
    let content = |name: &str| {
        let report = bench.scan(&[&bench.path(name)], &format!("r-{name}"), &[]);
        assert_balanced(&report);
        let rows = |table| without(report.rows(table), &LINEAGE);
        let sources: Vec<_> = report.rows("sources").into_iter().filter(|row| row["format"] != "zip").collect();
        let read =
            ["format", "bytes", "status", "records", "yielded", "observations", "skipped", "rejects", "degraded"];
        let sources = sources.into_iter().filter(|row| !["tar", "gzip", "xz", "zstd"].contains(&text(row, "format")));
        let sources = sources.map(|row| read.map(|column| row[column].clone())).collect::<Vec<_>>();
        (CONTENT.map(rows), sources)
    };
    let plain = content("plain");
    assert!(plain.0[0].len() > 100 && plain.1.len() == files.len());
    for archive in ["in-zip", "in-tgz", "in-xz", "in-zst"] {
        let (tables, sources) = content(archive);
        for ((table, plain), found) in CONTENT.iter().zip(&plain.0).zip(&tables) {
            assert_eq!(plain.len(), found.len(), "{table} of {archive}");
            plain.iter().zip(found).for_each(|(plain, found)| assert_eq!(plain, found, "{table} of {archive}"));
        }
        assert_eq!(plain.1, sources, "{archive}");
    }
}

#[test]
fn every_row_of_every_table_leads_back_to_its_member() {
    let bench = Bench::new();
    let files = tree(&bench);
    let members: Vec<_> = files.iter().map(|(name, bytes)| stored(name, bytes)).collect();
    bench.put("in/a.tar", write::tar(&[("b/c.zip", &write::zip(&members)), ("x.cer", &cer("ca.cer"))]));
    let report = bench.scan(&[&bench.path("in")], "report", &["--hash-sources"]);
    let sources: BTreeMap<_, _> =
        report.rows("sources").into_iter().map(|row| (text(&row, "source_id").to_owned(), row)).collect();
    assert_eq!(sources.len(), files.len() + 3);
    let content: BTreeMap<_, _> = files.iter().map(|(name, bytes)| (format!("b/c.zip/{name}"), bytes)).collect();
    let mut seen = BTreeSet::new();
    for table in ["observations", "providers", "requests", "findings", "rejects"] {
        // What is found of a client as a whole stands in no place.
        for row in report.rows(table).into_iter().filter(|row| row.get("concerns").is_none_or(|of| of != "client")) {
            let source = &sources[text(&row, "source_id")];
            assert_eq!(text(source, "source_path"), "a.tar");
            let member = text(&row, "source_member").to_owned();
            assert_eq!(text(source, "source_member"), member, "{table}");
            let offset = row["byte_offset"].as_u64().unwrap() as usize;
            assert!(member == "x.cer" || offset <= content[&member].len(), "{row:?}");
            seen.insert((table, member));
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    for (member, bytes) in content {
        let source = sources.values().find(|row| text(row, "source_member") == member).unwrap();
        use sha2::Digest;
        let hash: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text(source, "sha256"), hash, "{member}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes_of_archives() {
    let bench = Bench::new();
    let files = tree(&bench);
    for part in 0..5 {
        let members: Vec<_> = files.iter().skip(part).map(|(name, bytes)| deflated(name, bytes)).collect();
        bench.put(&format!("in/{part}.zip"), write::zip(&members));
        bench.put(&format!("in/{part}.ndjson.zst"), write::zstd(&files.last().unwrap().1));
    }
    let mut first = None;
    for (nth, threads) in [1, 2, 3, 8].into_iter().enumerate() {
        let options = Options { threads, unit_bytes: Some(20_000), ..Options::default() };
        let (report, _) = scan_here(&bench, "in", &format!("r{nth}"), &options);
        let these = (report.bytes(), report.manifest());
        assert!(*first.get_or_insert_with(|| these.clone()) == these, "{threads} threads differ");
    }
}

#[test]
fn clients_are_taken_from_the_path_through_the_archive() {
    let bench = Bench::new();
    let member = |name: &str| stored(name, &cer("ec-leaf.cer"));
    let archive = write::zip(&[member("PC-1/My/a.cer"), member("PC-2\\My\\a.cer")]);
    bench.put("in/site/all.zip", archive);
    let clients = |option: &str, name: &str| {
        let report = bench.scan(&[&bench.path("in")], name, &["--client-from", option]);
        report.rows("observations").iter().map(|row| text(row, "client").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(clients("dir:3", "r1"), ["pc-1", "pc-2"], "site, all.zip, PC-1");
    assert_eq!(clients("regex:all.zip/([^/]+)", "r2"), ["pc-1", "pc-2"]);
    assert_eq!(clients("stem", "r3"), ["a", "a"]);
}

#[test]
fn names_are_text_and_never_paths() {
    let bench = Bench::new();
    let names: [&[u8]; 9] = [
        b"../../escaped.cer",
        b"/absolute.cer",
        b"C:\\windows\\a.cer",
        b"nul\0inside.cer",
        b"bell\x07\x1b[31m.cer",
        b"\xff\xfe.cer",
        b"",
        b"twice.cer",
        b"twice.cer",
    ];
    let member = |name: &&[u8]| Zipped { name: name.to_vec(), ..stored("x", &cer("ec-leaf.cer")) };
    let mut all: Vec<_> = names.iter().map(member).collect();
    all.push(stored(&"long/".repeat(1000), &cer("ec-leaf.cer")));
    bench.put("in/all.zip", write::zip(&all));
    let report = bench.scan(&[&bench.path("in")], "report", &[]);
    assert_balanced(&report);
    let observations = report.rows("observations");
    assert_eq!(observations.len(), names.len() + 1);
    let column = |column: &str| observations.iter().map(|row| text(row, column).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(column("source_id").len(), observations.len(), "each has an id of its own");
    assert_eq!(column("observation_id").len(), observations.len());
    assert!(
        column("source_member").contains("nul\0inside.cer") && column("source_member").contains("../../escaped.cer")
    );
    assert!(column("source_member").contains(""), "a member without a name is a member");
    assert!(column("source_member").iter().all(|name| name.len() <= 1024));
    let rejects = report.rows("rejects");
    let [cut] = &rejects[..] else { panic!("{rejects:?}") };
    assert_eq!((text(cut, "field"), text(cut, "severity")), ("source_member", "degraded"));
    let here: BTreeSet<_> =
        fs::read_dir(bench.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(here, ["in".to_owned(), "report".to_owned()].into());
    let out = bench.run(&["inspect", "in/all.zip"]);
    assert!(out.status.success() && !out.stdout.contains(&7) && !out.stdout.contains(&0x1b), "control characters");
}

#[test]
fn what_cannot_be_unpacked_is_named() {
    let bench = Bench::new();
    let locked = Zipped { flags: 1, ..deflated("locked.cer", &cer("ca.cer")) };
    let aes = Zipped { method: 99, ..stored("aes.cer", &cer("ca.cer")) };
    let odd = Zipped { method: 14, ..stored("odd.cer", &cer("ca.cer")) };
    bench.put("in/a.zip", write::zip(&[locked, aes, odd, stored("good.cer", &cer("ca.cer"))]));
    let link = [&write::tar_header(b"link.cer", b'2', 0)[..], &write::tarred("good.cer", &cer("ca.cer")), &[0; 1024]];
    bench.put("in/b.tar", link.concat());
    let report = bench.scan(&[&bench.path("in")], "report", &["--strict"]);
    assert_balanced(&report);
    let status = members(&report).into_iter().map(|(name, row)| (name, text(&row, "status").to_owned()));
    let status: Vec<_> = status.filter(|(name, _)| !name.is_empty()).collect();
    let expected = [
        ("aes.cer", "locked"),
        ("good.cer", "complete"),
        ("link.cer", "unsupported"),
        ("locked.cer", "locked"),
        ("odd.cer", "unsupported"),
    ];
    assert_eq!(status, expected.map(|(name, status)| (name.to_owned(), status.to_owned())));
    assert_eq!(report.rows("observations").len(), 2);
}

#[test]
fn archives_of_nothing_that_is_read_are_nothing_to_read() {
    let bench = Bench::new();
    bench.put("in/a.zip", write::zip(&[stored("notes.txt", b"nothing that is known")]));
    let out = bench.run(&["scan", "in", "-o", "report"]);
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    bench.put("in/b.tgz", write::gzip(&write::tar(&[("a.cer", &cer("ca.cer"))])));
    assert_eq!(bench.run(&["scan", "in", "-o", "report", "--force"]).status.code(), Some(0));
}

/// A line that is a record, and then blank ones.
fn endless(len: usize) -> Vec<u8> {
    let mut bytes = br#"{"Thumbprint":"00112233445566778899aabbccddeeff00112233"}"#.to_vec();
    let blank = [&b"\n"[..], &[b' '; 100_000]].concat();
    while bytes.len() < len {
        bytes.extend(&blank);
    }
    bytes
}

/// Scans a folder within limits; the healthy neighbours must be whole.
fn limited(bench: &Bench, limits: Limits) -> Report {
    for name in ["a", "z"] {
        bench.put(&format!("in/{name}-healthy.cer"), cer("ec-leaf.cer"));
    }
    let reading = Setting { limits, ..Setting::default() };
    let options = Options { threads: 2, reading, force: true, ..Options::default() };
    let (report, _) = scan_here(bench, "in", "report", &options);
    assert_balanced(&report);
    let healthy =
        report.rows("observations").iter().filter(|row| text(row, "source_path").ends_with("healthy.cer")).count();
    assert_eq!(healthy, 2);
    report
}

/// The one reject: where, and that it names the option.
fn limit_of(report: &Report, option: &str) -> (String, String) {
    let rejects = report.rows("rejects");
    let [reject] = &rejects[..] else { panic!("{rejects:?}") };
    assert_eq!((text(reject, "code"), text(reject, "severity")), ("archive_limit", "lost"));
    assert!(text(reject, "message").contains(option), "{reject:?}");
    (text(reject, "source_path").to_owned(), text(reject, "source_member").to_owned())
}

#[test]
fn a_member_that_is_too_dense_is_given_up_and_the_next_one_read() {
    let bench = Bench::new();
    let zeros = deflated("bomb", &endless(80 << 20));
    bench.put("in/bomb.zip", write::zip(&[zeros, stored("good.cer", &cer("ca.cer"))]));
    let limits = Limits { ratio: 100, ..Limits::default() };
    let report = limited(&bench, limits);
    assert_eq!(limit_of(&report, "--max-archive-ratio"), ("bomb.zip".into(), "bomb".into()));
    assert_eq!(text(&members(&report)["good.cer"], "status"), "complete");
    assert_eq!(text(&members(&report)["bomb"], "status"), "incomplete");
}

#[test]
fn a_bomb_in_a_bomb_is_held_to_the_size_of_the_file() {
    let bench = Bench::new();
    let inner = write::zstd(&endless(80 << 20));
    bench.put("in/bomb.zst", write::zstd(&inner.repeat(40)));
    let report = limited(&bench, Limits::default());
    assert_eq!(limit_of(&report, "--max-archive-ratio").0, "bomb.zst");
}

#[test]
fn too_many_members_end_their_file_alone() {
    let bench = Bench::new();
    let names: Vec<String> = (0..10).map(|n| format!("{n}.cer")).collect();
    let all: Vec<_> = names.iter().map(|name| stored(name, &cer("ca.cer"))).collect();
    let inner = write::zip(&all);
    bench.put("in/many.tar", write::tar(&[("inner.zip", &inner), ("behind.cer", &cer("ca.cer"))]));
    bench.put("in/other.zip", write::zip(&all[..5]));
    let report = limited(&bench, Limits { members: 6, ..Limits::default() });
    assert_eq!(limit_of(&report, "--max-archive-members"), ("many.tar".into(), "inner.zip".into()));
    let paths: Vec<_> = report.rows("observations").iter().map(|row| text(row, "source_path").to_owned()).collect();
    assert_eq!(paths.iter().filter(|path| *path == "many.tar").count(), 5, "inner.zip is the first of six");
    assert_eq!(paths.iter().filter(|path| *path == "other.zip").count(), 5);
    assert!(!members(&report).contains_key("behind.cer"));
}

#[test]
fn archives_in_archives_are_opened_to_the_depth_allowed() {
    let bench = Bench::new();
    let mut bytes = cer("ca.cer");
    let mut name = "ca.cer".to_owned();
    for depth in (1..=6).rev() {
        bytes = write::zip(&[stored(&name, &bytes), stored(&format!("{depth}.cer"), &cer("ca.cer"))]);
        name = format!("{depth}.zip");
    }
    bench.put("in/all.zip", bytes);
    let report = limited(&bench, Limits::default());
    let (_, member) = limit_of(&report, "--max-archive-depth");
    assert_eq!(member, "2.zip/3.zip/4.zip/5.zip");
    let inside = report.rows("observations").into_iter().filter(|row| row.contains_key("source_member"));
    let inside: BTreeSet<_> = inside.map(|row| text(&row, "source_member").to_owned()).collect();
    let expected = ["1.cer", "2.zip/2.cer", "2.zip/3.zip/3.cer", "2.zip/3.zip/4.zip/4.cer"];
    assert_eq!(inside, expected.map(str::to_owned).into());
    let shallow = limited(&bench, Limits { depth: 1, ..Limits::default() });
    assert_eq!(limit_of(&shallow, "--max-archive-depth").1, "2.zip");
}

#[test]
fn unpacked_bytes_are_counted_for_the_whole_file() {
    let bench = Bench::new();
    let lines = endless(1 << 20);
    let all: Vec<_> = (0..10).map(|n| deflated(&format!("{n}.txt"), &lines)).collect();
    bench.put("in/all.zip", write::zip(&all));
    let report = limited(&bench, Limits { bytes: 5 << 18, ..Limits::default() });
    assert_eq!(limit_of(&report, "--max-archive-bytes").0, "all.zip");
    assert!(members(&report).len() < 10);
}

#[test]
fn limits_are_options() {
    let bench = Bench::new();
    bench.put("in/a.tgz", write::gzip(&write::tar(&[("a.cer", &cer("ca.cer")), ("b.cer", &cer("ca.cer"))])));
    let codes = |name: &str, options: &[&str]| {
        let report = bench.scan(&[&bench.path("in")], name, options);
        report.rows("rejects").iter().map(|row| text(row, "message").to_owned()).collect::<Vec<_>>()
    };
    assert!(codes("r0", &[]).is_empty());
    for (nth, (option, value)) in
        [("--max-archive-depth", "1"), ("--max-archive-members", "2"), ("--max-archive-bytes", "1K")].iter().enumerate()
    {
        let told = codes(&format!("r{}", nth + 1), &[option, value]);
        assert!(told.len() == 1 && told[0].contains(option), "{told:?}");
    }
    let mut deep = write::gzip(&cer("ca.cer"));
    (0..70).for_each(|_| deep = write::gzip(&deep));
    bench.put("in/a.tgz", deep);
    let told = codes("deep", &["--max-archive-depth", "64"]);
    assert!(told.len() == 1 && told[0].contains("--max-archive-depth"), "{told:?}");
    let wrongs = [["--max-archive-depth", "0"], ["--max-archive-depth", "65"]];
    for wrong in wrongs.into_iter().chain([
        ["--max-archive-ratio", "0"],
        ["--max-archive-ratio", "0"],
        ["--max-archive-bytes", "lots"],
    ]) {
        let out = bench.run(&[&["scan", "in", "-o", "wrong"][..], &wrong].concat());
        assert_eq!(out.status.code(), Some(2), "{out:?}");
    }
}

/// A bit here and there, and every length, of small archives: balanced, named, and the neighbour is whole.
#[test]
fn damaged_archives_harm_nothing() {
    let inner = write::zip(&[deflated("a.cer", &cer("ca.cer")), stored("b.p7b", b"0\x80")]);
    let tar = write::tar(&[("inner.zip", &inner), ("c.cer", &cer("ca.cer"))]);
    for (nth, whole) in
        [inner.clone(), tar.clone(), write::gzip(&tar), write::zstd(&tar), write::xz(&tar)].iter().enumerate()
    {
        let bench = Bench::new();
        for step in 0..40 {
            let mut bytes = whole.clone();
            let at = step * bytes.len() / 40;
            match step % 2 {
                0 => bytes.truncate(at),
                _ => bytes[at] ^= 1 << (step % 8),
            }
            bench.put(&format!("in/{step:02}.bin"), bytes);
        }
        let report = limited(&bench, Limits::default());
        for reject in report.rows("rejects") {
            assert_ne!(text(&reject, "code"), "internal_error", "{nth}: {reject:?}");
        }
    }
}

#[test]
fn compressed_hives_of_the_corpus_are_sources_with_a_member() {
    let Some(folder) = corpus("binary/hive") else { return };
    let bench = Bench::new();
    let ours = samples().join("certificate_der/ca.cer");
    let report = bench.scan(&[&folder, &ours], "report", &[]);
    let found: Vec<_> = report
        .rows("sources")
        .iter()
        .filter(|row| text(row, "source_path").ends_with(".xz"))
        .map(|row| (text(row, "source_member").to_owned(), text(row, "format").to_owned()))
        .collect();
    let expected = [
        ("", "xz"),
        ("notatin-NTUSER.DAT", "registry_hive"),
        ("", "xz"),
        ("regipy-NTUSER_with_winscp.DAT", "registry_hive"),
    ];
    assert_eq!(found, expected.map(|(member, format)| (member.to_owned(), format.to_owned())));
}

/// Lines of a fleet, `times` over.
fn lines(bench: &Bench, times: usize) -> Vec<u8> {
    bench.fleet("lines", &synth::Options { clients: 16, layout: synth::Layout::Shards(1), ..rough(33) });
    let file = fs::read_dir(bench.path("lines")).unwrap().next().unwrap().unwrap().path();
    fs::read(file).unwrap().repeat(times)
}

#[test]
fn streams_that_several_workers_read_give_the_rows_of_the_plain_file_and_always_the_same_bytes() {
    let bench = Bench::new();
    let lines = lines(&bench, 2);
    assert!(lines.len() > 400_000, "{} bytes", lines.len());
    bench.put("plain/a.ndjson", &lines);
    let streams = [("gz", write::gzip(&lines)), ("zst", write::zstd(&lines)), ("xz", write::xz(&lines))];
    let options = |threads| Options { threads, unit_bytes: Some(30_000), ..Options::default() };
    let tables = |report: &Report| CONTENT.map(|table| without(report.rows(table), &LINEAGE));
    let (plain, _) = scan_here(&bench, "plain", "plain-report", &options(2));
    let expected = tables(&plain);
    for (ending, bytes) in streams {
        bench.put(&format!("{ending}/a.ndjson.{ending}"), bytes);
        let mut first = None;
        for threads in [1, 2, 3] {
            let (report, scanned) = scan_here(&bench, ending, &format!("{ending}-{threads}"), &options(threads));
            let these = (report.bytes(), report.manifest());
            if first.is_none() {
                assert_balanced(&report);
                for ((table, expected), found) in CONTENT.iter().zip(&expected).zip(tables(&report)) {
                    assert!(*expected == found, "{table} of {ending}");
                }
                let groups = scanned.timing.iter().find(|spent| spent.part == "append").unwrap().count;
                assert!(groups > 4, "{groups} row groups: the stream was not cut");
            }
            assert!(*first.get_or_insert_with(|| these.clone()) == these, "{threads} threads differ");
        }
    }
}

#[test]
fn a_stream_without_borders_is_read_by_one_worker() {
    let bench = Bench::new();
    let (lines, endless) = (lines(&bench, 1), endless(1 << 20));
    let all = [&lines[..], &endless, b"\n", &lines].concat();
    bench.put("plain/a.ndjson", &all);
    bench.put("zst/a.ndjson.zst", write::zstd(&all));
    let rows = |name: &str, unit| {
        let options = Options { threads: 2, unit_bytes: Some(unit), ..Options::default() };
        let (report, _) = scan_here(&bench, name, &format!("report-{name}"), &options);
        CONTENT.map(|table| without(report.rows(table), &LINEAGE))
    };
    assert!(rows("plain", u64::MAX / 4) == rows("zst", 4_000));
}

/// Streams before, behind and inside of everything else: nobody waits for a block that nobody reads, and a stream that
/// breaks off costs what is behind that.
#[test]
fn streams_among_other_sources_end_in_any_order() {
    let bench = Bench::new();
    let lines = lines(&bench, 1);
    let zst = write::zstd(&lines);
    for part in 0..3 {
        bench.put(&format!("in/{part}-a.ndjson.zst"), &zst);
        bench.put(&format!("in/{part}-b.ndjson.zst"), &zst[..zst.len() / 2]);
        bench.put(&format!("in/{part}-c.cer"), cer("ec-leaf.cer"));
        bench.put(&format!("in/{part}-d.ndjson"), &lines[..lines.len() / 5]);
        let both =
            write::zip(&[deflated("a.ndjson", &lines), stored("ca.cer", &cer("ca.cer")), deflated("b.ndjson", &lines)]);
        bench.put(&format!("in/{part}-e.zip"), both);
    }
    for unit in [20_000, 60_000] {
        let mut first = None;
        for threads in [1, 2, 4] {
            let options = Options { threads, unit_bytes: Some(unit), force: true, ..Options::default() };
            let (report, _) = scan_here(&bench, "in", "report", &options);
            let these = (report.bytes(), report.manifest());
            if first.is_none() {
                assert_balanced(&report);
            }
            assert!(*first.get_or_insert_with(|| these.clone()) == these, "{threads} threads differ");
        }
    }
}
