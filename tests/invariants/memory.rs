//! Invariant 5: memory is bounded by options, not by the size of the input.
//!
//! The peak is what Linux counts (`VmHWM` of a running process), so allocator and libraries are in it.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use certcensus::synth::{self, Layout, Summary};

use crate::support::Bench;

/// Bytes a distinct certificate and a client may take.
const PER_CERTIFICATE: u64 = 96;
const PER_CLIENT: u64 = 1024;
/// What may differ between a small and a large run for other reasons: row groups of full size (`--max-memory 64M`
/// allows 4 MiB each, and four are under way with two threads), the footers of the files being written, and the
/// allocator's holes. Measured: 14 to 16 MiB between fleets of 500 and 2,000 clients.
const SLACK: u64 = 24 << 20;
/// The same where there are no certificates. Measured: nothing; the clients take 600 bytes each.
const CLIENT_SLACK: u64 = 8 << 20;

/// Runs a scan and returns its highest resident set in bytes; `None` where the system does not tell.
fn peak(bench: &Bench, args: &[&str]) -> Option<u64> {
    let args = [&["scan", "-q", "-j", "2", "--max-memory", "64M"], args].concat();
    let mut child = bench.command(&args).stdin(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        peak = peak.max(kib.map(|kib| kib << 10));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{args:?}");
            return peak;
        }
        sleep(Duration::from_millis(2));
    }
}

/// The peak of scanning a fleet that is made here and removed again.
fn peak_of_fleet(bench: &Bench, options: &synth::Options) -> Option<(Summary, u64)> {
    let made = bench.fleet("fleet", options);
    let peak = peak(bench, &["fleet", "-o", "report"]);
    fs::remove_dir_all(bench.path("fleet")).unwrap();
    fs::remove_dir_all(bench.path("report")).unwrap();
    peak.map(|peak| (made, peak))
}

fn assert_bounded(small: synth::Options, slack: u64) {
    let bench = Bench::new();
    let large = synth::Options { clients: 4 * small.clients, ..small.clone() };
    let Some((one, low)) = peak_of_fleet(&bench, &small) else {
        println!("skipped: this system does not tell the peak of a process");
        return;
    };
    let (four, high) = peak_of_fleet(&bench, &large).unwrap();
    let clients = four.clients - one.clients;
    let allowed = clients * (PER_CLIENT + small.own_per_client * PER_CERTIFICATE) + slack;
    let grown = high.saturating_sub(low);
    println!("peak {low} to {high} bytes for {} to {} bytes of input: grown by {grown}", one.bytes, four.bytes);
    assert!(grown <= allowed, "grown by {grown} bytes; {allowed} are allowed");
    assert!(allowed < (four.bytes - one.bytes) * 2 / 3, "a scan that keeps its input would be noticed");
}

#[test]
fn memory_does_not_grow_with_the_records() {
    let small = synth::Options {
        clients: 800,
        own_per_client: 3,
        shared_per_client: 10,
        shared_pool: 40,
        hash_only: 0.0,
        layout: Layout::Shards(3),
        ..synth::Options::default()
    };
    assert_bounded(small, SLACK);
}

#[test]
fn a_client_takes_at_most_a_kibibyte() {
    let small = synth::Options {
        clients: 10_000,
        own_per_client: 0,
        shared_per_client: 0,
        providers_per_client: 4,
        ..synth::Options::default()
    };
    assert_bounded(small, CLIENT_SLACK);
}

/// A file that begins with `head` and goes on with `line` until it has `len` bytes.
fn large(bench: &Bench, name: &str, head: &[u8], line: &[u8], len: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(bench.path(name)).unwrap());
    file.write_all(head).unwrap();
    let block = line.repeat((1 << 20) / line.len());
    let mut written = 0;
    while written < len {
        file.write_all(&block).unwrap();
        written += block.len() as u64;
    }
    file.flush().unwrap();
}

#[test]
fn endless_lines_and_blocks_are_not_kept() {
    let bench = Bench::new();
    let line = br#"{"schema":"census/1","type":"client","run":"r","seq":0,"host":"PC"}"#;
    bench.put("small.ndjson", [&line[..], b"\n"].concat());
    let Some(low) = peak(&bench, &["small.ndjson", "-o", "r0"]) else {
        println!("skipped: this system does not tell the peak of a process");
        return;
    };
    large(&bench, "line.ndjson", &[&line[..], b"\n{\"garbage\":\""].concat(), b"x", 300 << 20);
    let pem = b"-----BEGIN CERTIFICATE-----\n";
    let sixty_four = b"MIIBszCCAVmgAwIBAgIUfabricatedfabricatedfabricatedfabricatedfabr\n";
    large(&bench, "block.pem", pem, sixty_four, 200 << 20);
    for (nth, file) in ["line.ndjson", "block.pem"].into_iter().enumerate() {
        let report = format!("r{}", nth + 1);
        let high = peak(&bench, &[file, "-o", &report]).unwrap();
        // A line and a block may have 16 MiB each. The window that holds a line grows by doubling, and the other worker
        // looks for a place to cut meanwhile.
        let allowed = SLACK + (48 << 20);
        println!("{file}: peak {low} to {high} bytes");
        assert!(high.saturating_sub(low) <= allowed, "{file}: grown by {}", high - low);
        fs::remove_file(bench.path(file)).unwrap();
    }
}
