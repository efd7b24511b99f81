//! From observations to row groups in files.

use std::cell::RefCell;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certcensus::classify::Catalogue;
use certcensus::error::Error;
use certcensus::group::encode::{Encoders, Ready};
use certcensus::group::row::Origin;
use certcensus::group::sink::{GroupSink, Tools};
use certcensus::group::{Group, MAX_GROUP_BYTES, Setting};
use certcensus::record::{Observation, Sink};
use certcensus::report::Report;
use certcensus::synth::Options;
use certcensus::table::columns::{CERTIFICATES, OBSERVATIONS};
use certcensus::table::encode::Encoder;
use certcensus::table::{Block, Column, Compression, Data, Kind, Rows, Spread, Table, build};
use certcensus::walk::{Source, SourceNumber};
use criterion::{BatchSize, Criterion};
use sha2::{Digest, Sha256};

use crate::fleet::{self, Census, Kept};
use crate::{of, scaled};

const SETTING: Setting<'static> = Setting { audit: None, max_bytes: MAX_GROUP_BYTES, remember: true, attests: false };

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
        let mut tools = Tools::new(Arc::new(Catalogue::builtin()));
        of(&mut group, seen.len() as u64, seen.iter().map(|kept: &Kept| kept.base64.len()).sum());
        group.bench_function(name, |b| {
            let push = |group| fill(group, &source, &mut tools, |sink| push_all(&ready, sink));
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
        let packer = RefCell::new(encoders.packer().expect("a packer"));
        let encode = |group| encoders.encode(&mut packer.borrow_mut(), group).expect("a group can be encoded");
        of(&mut group, census.certificates, census.text.len());
        group.bench_function(format!("{name}/observations"), |b| {
            b.iter_batched(make, encode, BatchSize::PerIteration);
        });
        group.bench_function(format!("{name}/certificates"), |b| {
            let claim = || encode(make()).claim(|_| true);
            let settle = |claimed| {
                let packer = &mut packer.borrow_mut();
                encoders.settle(packer, claimed, None, &sources).expect("a group can be settled")
            };
            b.iter_batched(claim, settle, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// Row groups made up from the lists of columns: what encoding costs by itself, a row. Rows share the states
/// of their blocks as those of a scan do.
pub fn pages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pages");
    for (name, certificates) in [("fleet", 4 * 1024), ("distinct", GROUP_ROWS)] {
        let rows = scaled(GROUP_ROWS as u64) as usize;
        for (table, own) in [(&OBSERVATIONS, rows), (&CERTIFICATES, rows.min(certificates))] {
            let encoder = Encoder::new(table, Compression::Zstd).expect("an encoder");
            let mut packer = encoder.packer().expect("a packer");
            let made = MadeUp::new(table, own, certificates.min(rows));
            of(&mut group, own as u64, 0);
            group.bench_function(format!("{name}/{}", table.name), |b| {
                b.iter(|| {
                    let columns = made.columns();
                    black_box(encoder.encode(&mut packer, own, columns, |_| None).expect("a group can be encoded"))
                });
            });
        }
    }
    group.finish();
}

/// Rows of a full group.
const GROUP_ROWS: usize = 32 * 1024;

/// A table's columns by block: a value a state, and the state of each row.
struct MadeUp {
    columns: Vec<(Data, Block)>,
    numbers: Vec<(Block, Vec<u32>)>,
}

impl MadeUp {
    fn new(table: &Table, rows: usize, certificates: usize) -> Self {
        let states = |block| match block {
            Block::Row => rows,
            Block::Run => rows.div_ceil(64),
            Block::Key => rows.div_ceil(16),
            Block::Own => certificates,
            Block::Profile => 40.min(certificates),
        };
        let numbers = [Block::Run, Block::Key, Block::Own, Block::Profile].map(|block| {
            let of = |row: usize| match block {
                Block::Run => row / 64,
                Block::Own => row % certificates,
                _ => row * 7919 % states(block),
            };
            (block, (0..rows).map(|row| of(row) as u32).collect())
        });
        let columns = table.columns.iter().enumerate().map(|(at, column)| {
            let block = column.resolved_block();
            (made_up(column, states(block), at), block)
        });
        MadeUp { columns: columns.collect(), numbers: numbers.into() }
    }

    fn columns(&self) -> impl Iterator<Item = Result<(&Data, Rows<'_>), Error>> {
        self.columns.iter().map(|(data, block)| {
            let numbers = self.numbers.iter().find(|(known, _)| known == block);
            Ok((data, numbers.map_or(Rows::Same, |(_, numbers)| Rows::Numbers(numbers))))
        })
    }
}

/// Values as a column has them: every fifth column is empty, some have gaps, those that differ are digests.
fn made_up(column: &Column, states: usize, at: usize) -> Data {
    let few = if column.spread == Spread::Repeats { 12 } else { usize::MAX };
    let value = |state: usize| {
        (!(at.is_multiple_of(5) || at.is_multiple_of(7) && state.is_multiple_of(4))).then_some(state % few)
    };
    let digest = |value: usize| Sha256::digest(value.to_le_bytes());
    macro_rules! column {
        ($builder:ident, $push:ident, $made:expr) => {{
            let mut builder = build::$builder::default();
            (0..states).for_each(|state| builder.$push(value(state).map($made)));
            builder.finish()
        }};
    }
    match column.resolved_kind() {
        Kind::Word => {
            let mut builder = build::Word::default();
            (0..states).for_each(|state| builder.push(value(state).map(|v| format!("value {v}")).as_deref()));
            builder.finish()
        }
        Kind::Int32 => column!(Int32, push, |v| v as i32 * 365),
        Kind::Int64 => column!(Int64, push, |v| v as i64 * 2_700),
        Kind::Time => column!(Time, push, |v| 1_700_000_000_000_000 + v as i64 * 86_400_000_000),
        Kind::Bool => column!(Bool, push, |v| v % 2 == 0),
        Kind::TextList => {
            let mut builder = build::TextList::default();
            (0..states).for_each(|state| {
                builder.push_iter(value(state).map_or(&NAMES[..0], |v| &NAMES[..v % 5]).iter().copied())
            });
            builder.finish()
        }
        _ => {
            let mut builder = build::Hex::default();
            (0..states).for_each(|state| builder.push(value(state).map(digest).as_ref().map(|digest| &digest[..])));
            builder.finish()
        }
    }
}

/// What lists hold.
const NAMES: [&str; 5] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "pc-0001.example.test", "2.5.29.15", "keyCertSign"];

/// An encoded group to the files of a report.
pub fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.measurement_time(Duration::from_millis(100)).warm_up_time(Duration::from_millis(10));
    let folder = tempfile::tempdir().expect("a folder for reports");
    let encoders = Arc::new(encoders());
    let sources = Arc::new(vec![source()]);
    for (name, census) in row_groups() {
        let make = || -> (Report, Ready) {
            let mut packer = encoders.packer().expect("a packer");
            let encoded =
                encoders.encode(&mut packer, read_group(&census, &sources[0])).expect("a group can be encoded");
            let ready =
                encoders.settle(&mut packer, encoded.claim(|_| true), None, &sources).expect("a group can be settled");
            let wanted = folder.path().join("report");
            let report = Report::create(&wanted, None, Arc::clone(&sources), Arc::clone(&encoders), 1 << 20);
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
fn read_group(census: &Census, source: &Source) -> Box<Group> {
    let mut tools = Tools::new(Arc::new(Catalogue::builtin()));
    fill(Group::new(SETTING), source, &mut tools, |sink| {
        black_box(fleet::read(&census.text, sink));
    })
}

/// Fills a group; it never gets full.
fn fill(
    mut group: Box<Group>,
    source: &Source,
    tools: &mut Tools,
    push: impl FnOnce(&mut GroupSink<'_>),
) -> Box<Group> {
    let origin = Origin { number: SourceNumber::default(), source, member: None, format: "census_1", client: None };
    let mut hand_on = |_: Box<Group>| panic!("the group is full: choose a smaller census");
    let mut sink = GroupSink::new(&mut group, SETTING, origin, tools, &mut hand_on, &|| false);
    push(&mut sink);
    group
}

fn push_all(observations: &[Observation<'_>], sink: &mut GroupSink<'_>) {
    observations.iter().for_each(|observation| sink.observation(black_box(observation)));
}
