//! What must hold of every reader for any bytes: it comes back, it says how it ended, and a failure is told by a record.
//! Shared by the ordinary tests and the fuzz targets.
#![allow(dead_code, clippy::needless_update)]

use certcensus::format::{FORMATS, Format, Input, Memory, Outcome, Setting};
use certcensus::input::Window;
use certcensus::record::{Client, Observation, PrivateKey, Provider, Reject, Request, Severity, Sink};

/// Counts what a reader pushes and looks at all of it.
#[derive(Default, Debug, PartialEq)]
pub struct Tally {
    pub kept: u64,
    pub skipped: u64,
    pub lost: u64,
    pub degraded: u64,
    /// Length of everything in debug form: whatever is borrowed was read.
    pub said: usize,
}

impl Tally {
    fn keep(&mut self, record: &dyn std::fmt::Debug) {
        self.kept += 1;
        self.said += format!("{record:?}").len();
    }

    pub fn records(&self) -> u64 {
        self.kept + self.skipped + self.lost
    }
}

impl Sink for Tally {
    fn observation(&mut self, observation: &Observation<'_>) {
        self.keep(observation);
    }

    fn client(&mut self, client: &Client<'_>) {
        self.keep(client);
    }

    fn provider(&mut self, provider: &Provider<'_>) {
        self.keep(provider);
    }

    fn request(&mut self, request: &Request<'_>) {
        self.keep(request);
    }

    fn private_key(&mut self, key: &PrivateKey<'_>) {
        self.keep(key);
    }

    fn reject(&mut self, reject: Reject) {
        match reject.severity {
            Severity::Lost => self.lost += 1,
            Severity::Degraded => self.degraded += 1,
        }
        assert!(!reject.message.is_empty(), "{reject:?} says nothing");
        self.said += format!("{reject:?}").len();
    }

    fn skip(&mut self, reason: &'static str) {
        assert!(!reason.is_empty());
        self.skipped += 1;
    }

    fn incomplete(&mut self, _: Option<&str>) {}
}

/// The format of this name.
pub fn format(name: &str) -> &'static Format {
    FORMATS.iter().find(|format| format.name == name).unwrap_or_else(|| panic!("{name} is no format"))
}

/// Reads `bytes` as a whole source of this format, whether it would be taken for one or not.
pub fn read(format: &Format, bytes: &[u8]) -> (Outcome, Tally) {
    let (mut window, mut memory, mut tally) = (Window::new(bytes, 0), Memory::default(), Tally::default());
    // Small limits are met by small inputs.
    let setting = Setting { max_line: 4096, ..Setting::default() };
    let path =
        "pc-01/Users/S-1-5-21-1-2-3-1001/SystemCertificates/My/Certificates/0123456789ABCDEF0123456789ABCDEF01234567";
    let input = Input { window: &mut window, path, file: None, setting: &setting, memory: &mut memory };
    let outcome = format.read.map_or(Outcome::Complete, |read| read(input, &mut tally));
    (outcome, tally)
}

/// Checks what must hold of the reader of this format.
pub fn check(name: &str, bytes: &[u8]) {
    let format = format(name);
    let (outcome, tally) = read(format, bytes);
    assert!(outcome != Outcome::Failed || tally.records() > 0, "{name} fails without a word");
    assert_eq!((outcome, tally), read(format, bytes), "{name} says something else the second time");
}
