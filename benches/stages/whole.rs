//! The whole job in one process: a folder in, a report out.

use std::fs;
use std::path::PathBuf;

use certcensus::plan::Plan;
use certcensus::progress::Progress;
use certcensus::scan;
use certcensus::synth::{self, Layout, Options};
use certcensus::walk::{self, Filter};
use criterion::{BatchSize, Criterion};

use crate::{of, scaled};

/// Finding the files of a folder, and cutting them into tasks.
pub fn walk(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for a fleet");
    let input = folder.path().join("tree");
    let options = Options { clients: scaled(1_000), own_per_client: 1, layout: Layout::Tree, ..Options::fleet() };
    let made = synth::write(&options, &input).expect("the fleet can be written");
    let mut group = criterion.benchmark_group("walk");
    of(&mut group, made.files, made.bytes as usize);
    group.bench_function("tree", |b| {
        b.iter(|| {
            let sources = walk::walk(std::slice::from_ref(&input), &Filter::default()).expect("a folder can be walked");
            (Plan::new(&sources).tasks(), sources.len())
        });
    });
    group.finish();
}

/// Small fleets with one thread and two: shards as the large corpora have them, one file a certificate, and every second
/// record with nothing but a hash to find its certificate by.
pub fn scan(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for fleets and reports");
    let mut group = criterion.benchmark_group("scan");
    for (name, options) in [
        ("distinct", Options { clients: scaled(400), ..Options::distinct() }),
        ("fleet", Options { clients: scaled(1_000), ..Options::fleet() }),
        ("hash_only", Options { clients: scaled(1_000), hash_only: 0.5, ..Options::fleet() }),
        ("der_files", Options { clients: scaled(100), layout: Layout::Der, ..Options::fleet() }),
    ] {
        let input = folder.path().join(name);
        let made = synth::write(&options, &input).expect("the fleet can be written");
        for threads in [1, 2] {
            let options = scan::Options { threads, ..scan::Options::default() };
            let report = folder.path().join("report");
            let inputs: [PathBuf; 1] = [input.clone()];
            let clear = || {
                // The first time there is none.
                let _ = fs::remove_dir_all(&report);
            };
            of(&mut group, made.certificates, made.bytes as usize);
            group.bench_function(format!("{name}/{threads}"), |b| {
                let scan = |()| {
                    let scanned = scan::scan(&inputs, &report, &options, &Progress::hidden());
                    assert_eq!(scanned.expect("a fleet can be scanned").summary.observations, made.certificates);
                };
                b.iter_batched(clear, scan, BatchSize::PerIteration);
            });
            clear();
        }
    }
    group.finish();
}
