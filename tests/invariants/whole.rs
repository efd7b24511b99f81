//! Invariant 4: a report is whole, or it is not there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use certcensus::synth::{self, Layout};
use sha2::{Digest, Sha256};

use crate::support::{Bench, Report, samples};

fn plain_fleet(clients: u64) -> synth::Options {
    synth::Options {
        clients,
        own_per_client: 4,
        shared_per_client: 8,
        shared_pool: 24,
        layout: Layout::Shards(2),
        ..synth::Options::default()
    }
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn words(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn the_manifest_lists_every_file_as_it_is() {
    let bench = Bench::new();
    bench.fleet("fleet", &plain_fleet(8));
    let report = bench.scan(&[&bench.path("fleet")], "report", &[]);
    let manifest = report.manifest();
    let mut listed = Vec::new();
    for (table, parts) in manifest["tables"].as_object().unwrap() {
        let mut rows = 0;
        for part in parts.as_array().unwrap() {
            let file = part["file"].as_str().unwrap();
            let bytes = fs::read(report.path.join(file)).unwrap();
            assert_eq!(part["bytes"].as_u64(), Some(bytes.len() as u64), "{file}");
            let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(part["sha256"].as_str(), Some(digest.as_str()), "{file}");
            rows += part["rows"].as_u64().unwrap();
            listed.push(file.to_owned());
        }
        assert_eq!(rows, report.rows(table).len() as u64, "{table}");
    }
    listed.sort();
    let there: Vec<_> = report.bytes().into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, there, "every file is listed");
    let mut expected: Vec<&str> = manifest["tables"].as_object().unwrap().keys().map(String::as_str).collect();
    expected.extend(["findings.md", "manifest.json"]);
    expected.sort_unstable();
    assert_eq!(names(&report.path), expected, "and nothing else is there");
    assert_eq!(names(&bench.path("")), ["fleet", "report"], "nothing is left beside the report");
}

#[test]
fn an_existing_report_is_refused_and_untouched_without_force() {
    let bench = Bench::new();
    let sample = samples().join("certificate_der");
    let report = bench.scan(&[&sample], "report", &[]);
    let (before, manifest) = (report.bytes(), report.manifest());
    let out = bench.run(&["scan", sample.to_str().unwrap(), "-o", "report", "--audit", "second"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(words(&out).contains("--force"), "{}", words(&out));
    assert!(report.bytes() == before && report.manifest() == manifest);
    assert_eq!(names(&bench.path("")), ["report"]);
}

#[test]
fn force_renames_the_old_report_aside() {
    let bench = Bench::new();
    let sample = samples().join("certificate_der");
    let mut before = vec![bench.scan(&[&sample], "report", &["--audit", "a0"]).bytes()];
    for nth in 1..3 {
        let audit = format!("a{nth}");
        let report = bench.scan(&[&sample], "report", &["--audit", &audit, "--force"]);
        assert_eq!(report.manifest()["audit"], *audit);
        let aside = Report { path: bench.path(&format!("report.old-{nth}")) };
        assert!(aside.bytes() == before[nth - 1], "the old report is whole");
        before.push(report.bytes());
    }
    assert_eq!(names(&bench.path("")), ["report", "report.old-1", "report.old-2"]);
}

#[test]
fn what_is_no_report_is_never_replaced() {
    let bench = Bench::new();
    let sample = samples().join("certificate_der");
    let sample = sample.to_str().unwrap();
    bench.put("folder/precious.txt", "mine");
    bench.put("file", "mine");
    fs::create_dir(bench.path("empty")).unwrap();
    for output in ["folder", "file", "empty"] {
        for force in [&["--force"][..], &[]] {
            let args = [&["scan", sample, "-o", output], force].concat();
            assert_eq!(bench.run(&args).status.code(), Some(2), "{args:?}");
        }
    }
    assert_eq!(fs::read(bench.path("folder/precious.txt")).unwrap(), b"mine");
    assert_eq!(fs::read(bench.path("file")).unwrap(), b"mine");
    assert_eq!(names(&bench.path("")), ["empty", "file", "folder"]);
    assert!(names(&bench.path("empty")).is_empty());
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let bench = Bench::new();
    bench.put("file", "mine");
    fs::create_dir(bench.path("nothing")).unwrap();
    let sample = samples().join("certificate_der");
    let sample = sample.to_str().unwrap();
    for (args, code) in [
        (["scan", sample, "-o", "file/below"], 2),
        (["scan", "absent", "-o", "report"], 2),
        (["scan", "nothing", "-o", "report"], 3),
    ] {
        let out = bench.run(&args);
        assert_eq!(out.status.code(), Some(code), "{args:?}: {}", words(&out));
        assert_eq!(names(&bench.path("")), ["file", "nothing"], "{args:?}");
    }
}

#[test]
fn an_older_report_survives_a_forced_run_that_fails() {
    let bench = Bench::new();
    fs::create_dir(bench.path("nothing")).unwrap();
    let report = bench.scan(&[&samples().join("certificate_der")], "report", &[]);
    let before = report.bytes();
    let out = bench.run(&["scan", "nothing", "-o", "report", "--force"]);
    assert_eq!(out.status.code(), Some(3));
    assert!(report.bytes() == before);
    assert_eq!(names(&bench.path("")), ["nothing", "report"]);
}

#[cfg(unix)]
#[test]
fn an_unwritable_folder_is_a_clear_failure() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    fs::create_dir(bench.path("locked")).unwrap();
    fs::set_permissions(bench.path("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(bench.path("locked/probe"), "").is_ok() {
        println!("skipped: permissions do not bind this user");
        return;
    }
    let out = bench.run(&["scan", samples().join("certificate_der").to_str().unwrap(), "-o", "locked/report"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(words(&out).contains("locked"), "{}", words(&out));
    assert!(names(&bench.path("locked")).is_empty());
}

/// A file system in memory that is gone at the end of the test.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_the_run_and_leaves_nothing() {
    let bench = Bench::new();
    bench.fleet("fleet", &plain_fleet(150));
    for size in ["64k", "300k"] {
        let disk = bench.path("disk");
        fs::create_dir_all(&disk).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&disk).output();
        if !mount.is_ok_and(|out| out.status.success()) {
            println!("skipped: this user cannot mount a small file system");
            return;
        }
        let _mounted = Mounted(disk.clone());
        let out = bench.run(&["scan", "fleet", "-o", "disk/report"]);
        assert_eq!(out.status.code(), Some(2), "{}", words(&out));
        assert!(words(&out).contains("disk/"), "the file is named: {}", words(&out));
        assert!(names(&disk).is_empty(), "{:?}", names(&disk));
    }
}

/// Sends a signal once the run has begun to write; `None` where the run was faster.
#[cfg(unix)]
fn interrupt(bench: &Bench, signal: &str) -> Option<Output> {
    let child = bench.command(&["scan", "fleet", "-o", "report", "-j", "1"]).stderr(Stdio::piped()).spawn().unwrap();
    let partial = bench.path(&format!(".report.partial-{}", child.id()));
    let start = Instant::now();
    while !partial.join("rejects").exists() && start.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(100));
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    let out = child.wait_with_output().unwrap();
    (out.status.code() != Some(0)).then_some(out)
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing_and_says_so() {
    let bench = Bench::new();
    for signal in ["-INT", "-TERM"] {
        let mut clients = 300;
        let out = loop {
            let _ = fs::remove_dir_all(bench.path("fleet"));
            let _ = fs::remove_dir_all(bench.path("report"));
            bench.fleet("fleet", &plain_fleet(clients));
            if let Some(out) = interrupt(&bench, signal) {
                break out;
            }
            clients *= 4;
            assert!(clients < 100_000, "no fleet is large enough to be interrupted");
        };
        assert_eq!(out.status.code(), Some(130), "{signal}: {}", words(&out));
        assert!(words(&out).contains("interrupted"), "{}", words(&out));
        assert_eq!(names(&bench.path("")), ["fleet"], "{signal}");
    }
}
