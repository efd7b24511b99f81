//! The whole job in one process: a folder in, a report out.

use std::fs;
use std::path::{Path, PathBuf};

use certcensus::hex;
use certcensus::plan::Plan;
use certcensus::progress::Progress;
use certcensus::scan;
use certcensus::synth::{self, Layout, Options};
use certcensus::walk::{self, Filter};
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion};
use sha1::{Digest, Sha1};

use crate::{exports, of, scaled};

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
/// record with nothing but a hash to find its certificate by; then the same certificates in what Windows itself writes.
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
        timed(&mut group, name, &input, folder.path(), made.certificates, made.bytes as usize);
    }
    let input = folder.path().join("zstd_shards");
    let (records, bytes) = compressed(&folder.path().join("distinct"), &input);
    timed(&mut group, "zstd_shards", &input, folder.path(), records, bytes);
    let leaves = exports::leaves(scaled(10_000));
    let records = leaves.len() as u64;
    let elements: Vec<(String, Vec<u8>)> =
        leaves.iter().map(|der| (hex::text(&Sha1::digest(der)).to_uppercase(), exports::element(der))).collect();
    let tree = folder.path().join("element_files");
    let sizes = elements.iter().enumerate().map(|(number, (name, element))| {
        let store = tree.join(format!("PC-{:03}/SystemCertificates/My/Certificates", number / 100));
        fs::create_dir_all(&store).and_then(|()| fs::write(store.join(name), element)).expect("a file can be written");
        element.len()
    });
    let bytes = sizes.sum();
    timed(&mut group, "element_files", &tree, folder.path(), records, bytes);
    for (name, export) in [("store.sst", exports::sst(&leaves)), ("machine.reg", exports::reg_text(&leaves))] {
        let input = folder.path().join(name);
        fs::write(&input, &export).expect("a file can be written");
        timed(&mut group, name, &input, folder.path(), records, export.len());
    }
    group.finish();
}

/// The files of a folder, each as one Zstandard frame. How many certificates there are, and bytes before compression.
fn compressed(from: &Path, to: &Path) -> (u64, usize) {
    fs::create_dir_all(to).expect("a folder can be made");
    let (mut records, mut bytes) = (0, 0);
    for file in fs::read_dir(from).expect("the fleet was written") {
        let file = file.expect("an entry").path();
        let text = fs::read(&file).expect("a shard can be read");
        records += memchr::memmem::find_iter(&text, br#""type":"certificate""#).count() as u64;
        bytes += text.len();
        let name = format!("{}.zst", file.file_name().unwrap_or_default().to_string_lossy());
        let packed = zstd::bulk::compress(&text, 3).expect("a shard can be compressed");
        fs::write(to.join(name), packed).expect("a shard can be written");
    }
    (records, bytes)
}

/// Scans an input with one thread and two.
fn timed(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    input: &Path,
    folder: &Path,
    records: u64,
    bytes: usize,
) {
    for threads in [1, 2] {
        let options = scan::Options { threads, ..scan::Options::default() };
        let report = folder.join("report");
        let inputs: [PathBuf; 1] = [input.to_owned()];
        let clear = || {
            // The first time there is none.
            let _ = fs::remove_dir_all(&report);
        };
        of(group, records, bytes);
        group.bench_function(format!("{name}/{threads}"), |b| {
            let scan = |()| {
                let scanned = scan::scan(&inputs, &report, &options, &Progress::hidden());
                assert_eq!(scanned.expect("a fleet can be scanned").summary.observations, records);
            };
            b.iter_batched(clear, scan, BatchSize::PerIteration);
        });
        clear();
    }
}
