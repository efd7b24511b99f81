//! The invariants of certcensus, one module each, mostly through the real binary. Reports are read back as rows.
//!
//! Where a smaller door proves more (cuts inside small files, thousands of damaged inputs), the library's own
//! `scan` is called in this process.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/archives.rs"]
mod write;

mod archives;
mod counts;
mod hostile;
mod memory;
mod order;
mod secrets;
mod verdicts;
mod whole;

use certcensus::progress::Progress;
use certcensus::scan::{self, Options, Scanned};
use certcensus::synth;
use support::{Bench, Report};

/// A small fleet with everything that is wrong in large ones.
fn rough(seed: u64) -> synth::Options {
    synth::Options {
        seed,
        clients: 48,
        own_per_client: 5,
        shared_per_client: 8,
        shared_pool: 24,
        layout: synth::Layout::Shards(4),
        broken: 0.1,
        hash_only: 0.15,
        missing_end: 0.2,
        bindings: 0.5,
        errors: 0.3,
        ..synth::Options::default()
    }
}

/// Scans in this process.
fn scan_here(bench: &Bench, input: &str, report: &str, options: &Options) -> (Report, Scanned) {
    let path = bench.path(report);
    let scanned = scan::scan(&[bench.path(input)], &path, options, &Progress::hidden()).unwrap();
    (Report { path }, scanned)
}
