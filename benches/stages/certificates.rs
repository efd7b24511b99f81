//! Certificates: DER to facts, and the store that does it once for each.

use std::hint::black_box;

use certcensus::group::certstore::{CertStore, decode_base64, decoded_len};
use certcensus::synth::{Certificates, Options};
use certcensus::x509;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion};

use crate::{exports, fleet, of, scaled};

/// DER to facts, by kind of certificate.
pub fn parse(criterion: &mut Criterion) {
    let leaves = exports::leaves(scaled(400));
    let with_key = |algorithm: &str| -> Vec<Vec<u8>> {
        let is = |der: &&Vec<u8>| x509::parse(der).is_ok_and(|facts| facts.key_algorithm.as_deref() == Some(algorithm));
        leaves.iter().filter(is).cloned().collect()
    };
    let mut certificates = Certificates::new(fleet::SEED);
    let authorities = (0..scaled(150)).map(|number| certificates.authority(number).to_vec()).collect();
    let mut group = criterion.benchmark_group("x509");
    for (name, ders) in [("leaf_rsa", with_key("rsa")), ("leaf_ec", with_key("ec")), ("ca", authorities)] {
        of(&mut group, ders.len() as u64, ders.iter().map(Vec::len).sum());
        group.bench_function(name, |b| {
            b.iter(|| {
                for der in &ders {
                    black_box(x509::parse(black_box(der)).is_ok());
                }
            });
        });
    }
    repeated(&mut group, &leaves);
    group.finish();
}

/// Certificates whose authorities and templates the parser has met: all of it read, and only what is their own.
fn repeated(group: &mut BenchmarkGroup<'_, WallTime>, leaves: &[Vec<u8>]) {
    let mut parser = x509::Parser::new();
    for der in leaves.iter().chain(leaves) {
        black_box(parser.parse(der).is_ok());
    }
    let leaves: Vec<_> = leaves.iter().filter(|der| parser.recall(der).is_some()).collect();
    of(group, leaves.len() as u64, leaves.iter().map(|der| der.len()).sum());
    group.bench_function("leaf_again", |b| {
        b.iter(|| {
            for der in &leaves {
                black_box(parser.parse(black_box(der)).is_ok());
            }
        });
    });
    group.bench_function("leaf_recall", |b| {
        b.iter(|| {
            for der in &leaves {
                black_box(parser.recall(black_box(der)).is_some());
            }
        });
    });
}

/// Base64 text to DER.
pub fn base64(criterion: &mut Criterion) {
    let seen = fleet::observations(&fleet::census(&Options::distinct(), scaled(4)).text);
    let longest = seen.iter().map(|kept| decoded_len(&kept.base64)).max().unwrap_or_default();
    let mut der = vec![0; longest];
    let mut group = criterion.benchmark_group("base64");
    of(&mut group, seen.len() as u64, seen.iter().map(|kept| kept.base64.len()).sum());
    group.bench_function("decode", |b| {
        b.iter(|| {
            for kept in &seen {
                black_box(decode_base64(black_box(&kept.base64), &mut der));
            }
        });
    });
    group.finish();
}

/// Base64 text to a certificate's number, in a store of its own each time. Every text new, or nearly none.
pub fn store(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("certstore");
    for (name, options, clients) in
        [("distinct", Options::distinct(), 20), ("repeated", Options { own_per_client: 0, ..Options::fleet() }, 200)]
    {
        let seen = fleet::observations(&fleet::census(&options, scaled(clients)).text);
        of(&mut group, seen.len() as u64, seen.iter().map(|kept| kept.base64.len()).sum());
        group.bench_function(name, |b| {
            let mut parser = x509::Parser::new();
            let mut fill = |mut store: CertStore| {
                for kept in &seen {
                    black_box(store.base64(black_box(&kept.base64), &mut parser).is_ok());
                }
                store
            };
            b.iter_batched(|| CertStore::new(None, true), &mut fill, BatchSize::PerIteration);
        });
    }
    group.finish();
}
