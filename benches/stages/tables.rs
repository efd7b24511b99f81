//! From observations to row groups in files.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certcensus::classify::{Catalogue, Classifier};
use certcensus::group::encode::{Encoders, Ready};
use certcensus::group::row::Origin;
use certcensus::group::sink::GroupSink;
use certcensus::group::{Group, MAX_GROUP_BYTES, Setting};
use certcensus::record::{Observation, Sink};
use certcensus::report::Report;
use certcensus::synth::Options;
use certcensus::table::Compression;
use certcensus::walk::Source;
use criterion::{BatchSize, Criterion};

use crate::fleet::{self, Census, Kept};
use crate::{of, scaled};

const SETTING: Setting<'static> = Setting { audit: None, max_bytes: MAX_GROUP_BYTES };

/// Censuses that fill about one row group as the plan cuts them.
fn row_groups() -> [(&'static str, Census); 2] {
    [
        ("distinct", fleet::census(&Options::distinct(), scaled(240))),
        ("fleet", fleet::census(&Options::fleet(), scaled(480))),
    ]
}

/// Rows of `observations` and of the certificates behind them, from observations at hand. `rows` has no
/// certificates: what it costs is subtracted from the others to see the certificates' part.
pub fn columns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("columns");
    let source = source();
    for (name, preset, clients, with_certificate) in [
        ("rows", Options::fleet(), 60, false),
        ("distinct", Options::distinct(), 40, true),
        ("fleet", Options::fleet(), 60, true),
    ] {
        let seen = fleet::observations(&fleet::census(&preset, scaled(clients)).text);
        let ready: Vec<_> = seen.iter().map(|kept| kept.observation(with_certificate)).collect();
        let mut classifier = Classifier::new(Arc::new(Catalogue::builtin()));
        of(&mut group, seen.len() as u64, seen.iter().map(|kept: &Kept| kept.base64.len()).sum());
        group.bench_function(name, |b| {
            let push = |group| fill(group, &source, &mut classifier, |sink| push_all(&ready, sink));
            b.iter_batched(|| Group::new(SETTING), push, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// A group to Parquet: what it knows by itself, and what the claim settles (here every certificate is new).
pub fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.measurement_time(Duration::from_millis(500)).warm_up_time(Duration::from_millis(50));
    let encoders = encoders();
    let sources = [source()];
    for (name, census) in row_groups() {
        let make = || read_group(&census, &sources[0]);
        let encode = |group| encoders.encode(group).expect("a group can be encoded");
        of(&mut group, census.certificates, census.text.len());
        group.bench_function(format!("{name}/observations"), |b| {
            b.iter_batched(make, encode, BatchSize::PerIteration);
        });
        group.bench_function(format!("{name}/certificates"), |b| {
            let claim = || encode(make()).claim(|_| true);
            let settle = |claimed| encoders.settle(claimed, None, &sources).expect("a group can be settled");
            b.iter_batched(claim, settle, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// An encoded group to the files of a report.
pub fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.measurement_time(Duration::from_millis(100)).warm_up_time(Duration::from_millis(10));
    let folder = tempfile::tempdir().expect("a folder for reports");
    let encoders = Arc::new(encoders());
    let sources = Arc::new(vec![source()]);
    for (name, census) in row_groups() {
        let make = || -> (Report, Ready) {
            let encoded = encoders.encode(read_group(&census, &sources[0])).expect("a group can be encoded");
            let ready = encoders.settle(encoded.claim(|_| true), None, &sources).expect("a group can be settled");
            let wanted = folder.path().join("report");
            let report = Report::create(&wanted, None, Arc::clone(&sources), Arc::clone(&encoders));
            (report.expect("a report can be begun"), ready)
        };
        of(&mut group, census.certificates, census.text.len());
        group.bench_function(name, |b| {
            let append = |(mut report, ready): (Report, Ready)| {
                report.append(ready).expect("a group can be appended");
                report
            };
            b.iter_batched(make, append, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn encoders() -> Encoders {
    Encoders::new(Compression::default()).expect("the schemas are valid")
}

fn source() -> Source {
    Source {
        id: *b"0123456789abcdef",
        path: "fleet-00000.ndjson".to_owned(),
        file: PathBuf::new(),
        len: 0,
        trouble: None,
        special: false,
    }
}

/// One group with everything in a census.
fn read_group(census: &Census, source: &Source) -> Group {
    let mut classifier = Classifier::new(Arc::new(Catalogue::builtin()));
    fill(Group::new(SETTING), source, &mut classifier, |sink| {
        black_box(fleet::read(&census.text, sink));
    })
}

/// Fills a group; it never gets full.
fn fill(group: Group, source: &Source, classifier: &mut Classifier, push: impl FnOnce(&mut GroupSink<'_>)) -> Group {
    let origin = Origin { index: 0, source, format: "census_1", client: None };
    let mut hand_on = |_: Group| panic!("the group is full: choose a smaller census");
    let mut sink = GroupSink::new(group, SETTING, origin, classifier, &mut hand_on, &|| false);
    push(&mut sink);
    sink.group
}

fn push_all(observations: &[Observation<'_>], sink: &mut GroupSink<'_>) {
    observations.iter().for_each(|observation| sink.observation(black_box(observation)));
}
