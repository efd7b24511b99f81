//! Progress of a run: bytes and records so far, and a bar where somebody watches.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Shared by all workers.
pub struct Progress {
    records: AtomicU64,
    stopped: AtomicBool,
    /// The bar, where somebody watches. Nobody else has to pay for what all workers count together.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Counts nothing.
    pub fn hidden() -> Self {
        Progress { records: AtomicU64::new(0), stopped: AtomicBool::new(false), bar: None }
    }

    /// Shows bytes, rate and ETA on standard error, which is a terminal.
    pub fn visible() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let template = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {msg}  ETA {eta}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("eta", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0?}", state.eta());
        }));
        Progress { bar: Some(bar), ..Progress::hidden() }
    }

    /// The bytes to come.
    pub fn expect_bytes(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(bytes);
        }
    }

    /// Counts bytes that are read without [`Progress::watch`].
    pub fn add_bytes(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    /// Counts records.
    pub fn add_records(&self, records: u64) {
        if let Some(bar) = &self.bar {
            let all = self.records.fetch_add(records, Ordering::Relaxed) + records;
            bar.set_message(format!("{all} records"));
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
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Counts what passes through.
    pub fn watch<R: Read>(&self, read: R) -> impl Read {
        Watched { read, bar: self.bar.as_ref() }
    }
}

struct Watched<'p, R> {
    read: R,
    bar: Option<&'p ProgressBar>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.read.read(buf)?;
        if let Some(bar) = self.bar {
            bar.inc(n as u64);
        }
        Ok(n)
    }
}
