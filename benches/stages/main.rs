//! Criterion benches of every stage, with bytes and records a second.
//!
//! `cargo bench --bench stages` runs all of them, `cargo bench --bench stages -- x509` one group; two states of the
//! code are compared with `--save-baseline NAME` and `--baseline NAME`. Every input is made in memory from a fixed
//! seed, so figures of different days speak of the same bytes. What the whole program does against a peer is
//! measured by `benches/peers/run.sh`.
//!
//! In test mode (`cargo test --benches`) every bench runs once, on inputs of a few records.

mod certificates;
mod exports;
mod fleet;
mod hashes;
mod readers;
mod tables;
mod texts;
mod verdicts;
mod whole;

use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    whole::walk(&mut criterion);
    readers::sniff(&mut criterion);
    readers::input(&mut criterion);
    readers::read(&mut criterion);
    certificates::base64(&mut criterion);
    certificates::parse(&mut criterion);
    certificates::store(&mut criterion);
    hashes::digests(&mut criterion);
    verdicts::judge(&mut criterion);
    tables::columns(&mut criterion);
    tables::pages(&mut criterion);
    tables::encode(&mut criterion);
    tables::append(&mut criterion);
    whole::scan(&mut criterion);
    criterion.final_summary();
}

/// Whether times are wanted. Cargo adds `--bench` when it measures and nothing when it tests.
fn is_measuring() -> bool {
    let has = |wanted: &str| std::env::args().any(|arg| arg == wanted);
    has("--bench") && !has("--test") && !has("--list")
}

/// How many there are of something: `full` when measuring, next to nothing otherwise.
fn scaled(full: u64) -> u64 {
    if is_measuring() { full } else { full.min(2) }
}

/// Rates from here on are for this many records of this many bytes together.
fn of(group: &mut BenchmarkGroup<'_, WallTime>, records: u64, bytes: usize) {
    group.throughput(Throughput::ElementsAndBytes { elements: records, bytes: bytes as u64 });
}
