//! Digests: one message after the other through the crates, and many at a time.

use std::hint::black_box;

use certcensus::hash;
use criterion::Criterion;
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::{of, scaled};

/// `count` messages whose lengths in bytes go evenly from `shortest` to `longest`, in no order.
fn messages(count: u64, shortest: usize, longest: usize) -> Vec<Vec<u8>> {
    let step = |number: u64| shortest + (number as usize * 53 % 128) * (longest - shortest) / 127;
    let byte = |number: u64, place: usize| (place as u64 * 31 + number * 97) as u8;
    (0..count).map(|number| (0..step(number)).map(|place| byte(number, place)).collect()).collect()
}

/// Both digests of certificates, SHA-256 of public keys; `crates` is the plain way and `each` the one in use.
pub fn digests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash");
    let (mut sha1, mut sha256) = (Vec::new(), Vec::new());

    let owned = messages(scaled(128), 1_000, 2_400);
    let certificates: Vec<&[u8]> = owned.iter().map(Vec::as_slice).collect();
    of(&mut group, owned.len() as u64, owned.iter().map(Vec::len).sum());
    group.bench_function("certificates_crates", |b| {
        b.iter(|| {
            for message in black_box(&certificates) {
                black_box((Sha1::digest(message), Sha256::digest(message)));
            }
        });
    });
    group.bench_function("certificates_each", |b| {
        b.iter(|| hash::both_each(black_box(&certificates), black_box(&mut sha1), black_box(&mut sha256)));
    });

    let owned = messages(scaled(128), 300, 300);
    let keys: Vec<&[u8]> = owned.iter().map(Vec::as_slice).collect();
    of(&mut group, owned.len() as u64, owned.iter().map(Vec::len).sum());
    group.bench_function("keys_crates", |b| {
        b.iter(|| {
            for message in black_box(&keys) {
                black_box(Sha256::digest(message));
            }
        });
    });
    group.bench_function("keys_each", |b| {
        b.iter(|| hash::sha256_each(black_box(&keys), black_box(&mut sha256)));
    });
    group.finish();
}
