//! Where the time of a scan goes, for people who tune: a few clock readings a row group, none a record.
//!
//! Nothing of this is part of a report, whose bytes depend on the input alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

macro_rules! parts {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal counts $unit:literal,)+) => {
        /// A part of the work, timed on its own. Times of several workers are added up.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Part { $($(#[doc = $doc])+ $name,)+ }

        /// Every part with its name and what is counted.
        const PARTS: &[(Part, &str, &str)] = &[$((Part::$name, $text, $unit),)+];
    };
}

parts! {
    /// Finding the sources and cutting them into tasks.
    Walk = "walk" counts "sources",
    /// Waiting for the operating system to bring bytes.
    Read = "read" counts "bytes",
    /// Splitting and decoding records, judging keys, filling columns.
    Records = "records" counts "records",
    /// Decoding and parsing certificates that were not seen before; one in sixteen is timed.
    Certificates = "certificates" counts "certificates",
    /// SHA-1 and SHA-256 of certificates and keys.
    Hash = "hash" counts "bytes",
    /// Columns to compressed Parquet pages.
    Encode = "encode" counts "rows",
    /// Pages to files, in order, and what the whole scan adds up.
    Append = "append" counts "row groups",
    /// Workers that wait for their turn.
    Wait = "wait" counts "row groups",
    /// Rows that only name their certificate, once all are known.
    Resolve = "resolve" counts "rows",
    /// Keys joined over the whole scan, and what rules find.
    Join = "join" counts "keys",
    /// Clients, sources, manifest.
    Finish = "finish" counts "tables",
}

/// Time and count of each part. Every worker adds to sums of its own: with one small file a record, workers that count on
/// the same cache line wait for each other.
#[derive(Debug, Default)]
pub struct Timing {
    shards: [Shard; SHARDS],
}

/// More than most machines have workers; those beyond share.
const SHARDS: usize = 16;

/// The sums of a worker, on cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    parts: [Sum; PARTS.len()],
}

#[derive(Debug, Default)]
struct Sum {
    nanos: AtomicU64,
    count: AtomicU64,
}

/// One part in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Spent {
    /// Name of the part.
    pub part: &'static str,
    /// Seconds, of all workers together.
    pub seconds: f64,
    /// How much was done.
    pub count: u64,
    /// What is counted.
    pub unit: &'static str,
}

impl Timing {
    /// Adds to a part.
    pub fn add(&self, part: Part, time: Duration, count: u64) {
        let worker = rayon::current_thread_index().unwrap_or_default();
        let sum = &self.shards[worker % SHARDS].parts[part as usize];
        sum.nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        sum.count.fetch_add(count, Ordering::Relaxed);
    }

    /// Time spent on a part so far.
    pub fn time(&self, part: Part) -> Duration {
        self.sums(part).map(|sum| Duration::from_nanos(sum.nanos.load(Ordering::Relaxed))).sum()
    }

    fn sums(&self, part: Part) -> impl Iterator<Item = &Sum> {
        self.shards.iter().map(move |shard| &shard.parts[part as usize])
    }

    /// Runs and times a part; the result tells how much was done.
    pub fn of<T>(&self, part: Part, count: u64, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(part, start.elapsed(), count);
        result
    }

    /// Every part, in the order of the work. What is done while records are read, and timed by itself, is not counted
    /// among the records again.
    pub fn spent(&self) -> Vec<Spent> {
        let inside = self.time(Part::Read) + self.time(Part::Certificates) + self.time(Part::Hash);
        let own = |part| match part {
            Part::Records => self.time(part).saturating_sub(inside),
            _ => self.time(part),
        };
        let spent = |(part, name, unit): &(Part, &'static str, &'static str)| Spent {
            part: name,
            seconds: own(*part).as_secs_f64(),
            count: self.sums(*part).map(|sum| sum.count.load(Ordering::Relaxed)).sum(),
            unit,
        };
        PARTS.iter().map(spent).collect()
    }
}
