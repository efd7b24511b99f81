//! What must hold of the short way through certificates, for inputs that a fuzzer or a test makes.

use std::cell::RefCell;

use certcensus::synth::Certificates;
use certcensus::x509::{self, Parser};

thread_local! {
    static WARM: RefCell<Warm> = RefCell::new(Warm::new());
}

/// Certificates of many profiles, and a parser that knows them all.
struct Warm {
    seeds: Vec<Vec<u8>>,
    parser: Parser,
}

impl Warm {
    fn new() -> Self {
        let seeds = seeds();
        let mut parser = Parser::new();
        for _ in 0..2 {
            for seed in &seeds {
                let _ = parser.parse(seed);
            }
        }
        Warm { seeds, parser }
    }
}

/// Synthetic certificates and those of the samples.
fn seeds() -> Vec<Vec<u8>> {
    let mut synthetic = Certificates::new(1);
    let mut seeds: Vec<Vec<u8>> = (0..24).map(|number| synthetic.leaf(number).to_vec()).collect();
    seeds.extend((0..24).map(|number| synthetic.authority(number).to_vec()));
    let samples = std::fs::read_dir("samples/certificate_der").into_iter().flatten().flatten();
    let mut files: Vec<_> = samples.map(|entry| entry.path()).collect();
    files.sort();
    let ders = files.iter().filter_map(|file| std::fs::read(file).ok());
    seeds.extend(ders.filter(|der| x509::parse(der).is_ok() && x509::frame_len(der) == Some(der.len())));
    seeds
}

/// An input is a certificate as it is, or (first byte below 240) the number of a seed and changes to it. Returns how
/// often the short way answered.
pub fn check(input: &[u8]) -> usize {
    let Some((first, rest)) = input.split_first() else { return 0 };
    WARM.with_borrow_mut(|Warm { seeds, parser }| {
        let seed = &seeds[usize::from(*first) % seeds.len()];
        let der = if *first < 240 { changed(seed, rest) } else { rest.to_vec() };
        let der = &der[..x509::frame_len(&der).unwrap_or(der.len()).min(der.len())];
        let long = x509::parse(der);
        // A parser that never met this certificate, but its profile perhaps.
        let met = same(parser, der, &long);
        // One that learns the changed certificate, and then meets it and the unchanged one.
        let mut other = Parser::new();
        for _ in 0..2 {
            assert_eq!(other.parse(der), long);
        }
        let again = same(&mut other, der, &long);
        let unchanged = same(&mut other, seed, &x509::parse(seed));
        usize::from(met) + usize::from(again) + usize::from(unchanged)
    })
}

/// Whether the short way answers; what it says must be what the long way says.
fn same(parser: &mut Parser, der: &[u8], long: &Result<x509::Facts, x509::Problem>) -> bool {
    let known = parser.recall(der);
    if let Some(known) = &known {
        assert_eq!(Ok(known.facts(der)), *long);
    }
    known.is_some()
}

/// Applies changes of five bytes each: what to do, where (two bytes), and two bytes to do it with.
fn changed(seed: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut der = seed.to_vec();
    for change in changes.chunks_exact(5).take(16) {
        let at = usize::from(u16::from_be_bytes([change[1], change[2]])) % der.len().max(1);
        let length = 1 + usize::from(change[4]) % 8;
        match change[0] % 5 {
            0 => der[at] = change[3],
            1 => der[at] ^= 1 << (change[3] % 8),
            2 => der.insert(at, change[3]),
            3 => drop(der.drain(at..der.len().min(at + length))),
            _ => {
                let end = der.len().min(at + length);
                der[at..end].fill(change[3]);
            }
        }
        if der.is_empty() {
            return der;
        }
    }
    der
}
