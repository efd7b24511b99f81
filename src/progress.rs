//! Progress of a run: bytes and records so far, and a bar where somebody watches.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Shared by all workers.
pub struct Progress {
    records: AtomicU64,
    stopped: AtomicBool,
    bar: ProgressBar,
}

impl Progress {
    /// Counts silently.
    pub fn hidden() -> Self {
        Progress { records: AtomicU64::new(0), stopped: AtomicBool::new(false), bar: ProgressBar::hidden() }
    }

    /// Shows bytes, rate and ETA on standard error, which is a terminal.
    pub fn visible() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let template = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {msg}  ETA {eta}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("eta", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0?}", state.eta());
        }));
        Progress { bar, ..Progress::hidden() }
    }

    /// The bytes to come.
    pub fn expect_bytes(&self, bytes: u64) {
        self.bar.set_length(bytes);
    }

    /// Counts bytes that are read without [`Progress::watch`].
    pub fn add_bytes(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Counts records.
    pub fn add_records(&self, records: u64) {
        let all = self.records.fetch_add(records, Ordering::Relaxed) + records;
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{all} records"));
        }
    }

    /// Asks every worker to stop at its next record border.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether the run was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Counts what passes through.
    pub fn watch<R: Read>(&self, read: R) -> impl Read {
        Watched { read, bar: &self.bar }
    }
}

struct Watched<'p, R> {
    read: R,
    bar: &'p ProgressBar,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.read.read(buf)?;
        self.bar.inc(n as u64);
        Ok(n)
    }
}
