//! What certcensus is measured against when no peer is: its machine, and itself without what it remembers.
//!
//! `cargo bench --bench itself -- calibrate` prints nanoseconds for one certificate-sized message through the `sha1` and
//! `sha2` crates, one after the other, by the clock: how fast this machine is. Beside it stands how many messages that
//! were, so that who runs it can divide its processor time, which does not depend on who else uses the machine.
//! `cargo bench --bench itself -- remember INPUT OUT [ROUNDS] [THREADS]` scans INPUT in turn with and without remembering
//! the texts of certificates, and prints the seconds of both, a line a round. OUT is the report's folder and is replaced.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use certcensus::progress::Progress;
use certcensus::scan::{self, Options};
use sha1::{Digest, Sha1};
use sha2::Sha256;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Messages that together stay in the second-level cache, and the bytes of each: the usual certificate.
const MESSAGES: usize = 200;
const BYTES: usize = 1_680;
/// Passes over the messages between two looks at the clock, some ten milliseconds, and how often that is done: long enough
/// that starting the program counts for little in its processor time.
const PASSES: usize = 30;
const LOOKS: usize = 29;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // cargo adds --bench when it runs benches, and nothing when it only tests them.
    let args: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--bench").collect();
    match args[..] {
        ["calibrate"] => println!("{:.1} {}", calibrate(), MESSAGES * PASSES * (LOOKS + 1)),
        ["remember", input, output, ref more @ ..] if more.len() <= 2 => {
            let number = |at: usize, usual: usize| more.get(at).map_or(Ok(usual), |text| text.parse());
            remember(Path::new(input), Path::new(output), number(0, 5)?, number(1, 2)?)?;
        }
        _ => println!("usage: itself calibrate | itself remember INPUT_DIR OUT_DIR [ROUNDS] [THREADS]"),
    }
    Ok(())
}

/// Nanoseconds a message for both hashes, median of all looks after one to warm up.
fn calibrate() -> f64 {
    let byte = |message: usize, place: usize| (place * 31 + message * 97) as u8;
    let messages: Vec<Vec<u8>> =
        (0..MESSAGES).map(|message| (0..BYTES).map(|place| byte(message, place)).collect()).collect();
    let look = || {
        let start = Instant::now();
        for _ in 0..PASSES {
            for message in black_box(&messages) {
                black_box((Sha1::digest(message), Sha256::digest(message)));
            }
        }
        start.elapsed().as_secs_f64() * 1e9 / (PASSES * MESSAGES) as f64
    };
    look();
    let mut looks: [f64; LOOKS] = std::array::from_fn(|_| look());
    looks.sort_by(f64::total_cmp);
    looks[LOOKS / 2]
}

/// Seconds with and without what is remembered, a line a round. Who goes first changes from round to round.
fn remember(input: &Path, output: &Path, rounds: usize, threads: usize) -> Result<()> {
    let inputs: [PathBuf; 1] = [input.to_owned()];
    let scan = |remember| -> Result<f64> {
        if output.exists() {
            fs::remove_dir_all(output)?;
        }
        let options = Options { threads, remember, ..Options::default() };
        Ok(scan::scan(&inputs, output, &options, &Progress::hidden())?.elapsed.as_secs_f64())
    };
    scan(true)?;
    scan(false)?;
    for round in 0..rounds {
        let first = scan(round % 2 == 0)?;
        let second = scan(round % 2 != 0)?;
        let (with, without) = if round % 2 == 0 { (first, second) } else { (second, first) };
        println!("{with:.4} {without:.4}");
    }
    Ok(())
}
