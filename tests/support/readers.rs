//! What must hold of every reader and unpacker for any bytes: it comes back, it says how it ended, and a failure is told
//! by a record.
//! Shared by the ordinary tests and the fuzz targets.
#![allow(dead_code, clippy::needless_update)]

use std::io::Read;

use certcensus::format::archive::{Body, Fault, Found, Packed};
use certcensus::format::{FORMATS, Format, Input, Memory, Outcome, Setting};
use certcensus::input::Window;
use certcensus::record::{
    Binding, CapiUse, Client, Observation, PrivateKey, Provider, Reject, Request, Severity, Sink, Template,
};

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

    fn binding(&mut self, binding: &Binding<'_>) {
        self.keep(binding);
    }

    fn template(&mut self, template: &Template<'_>) {
        self.keep(template);
    }

    fn capi_use(&mut self, event: &CapiUse<'_>) {
        self.keep(event);
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

/// Most bytes of all members together that are unpacked of one input, and most members.
const UNPACKED: u64 = 4 * 1024 * 1024;
const MEMBERS: u64 = 1000;

/// Unpacks `bytes` as an archive of this format; its members are read and dropped.
fn unpack(format: &Format, bytes: &[u8]) -> (Outcome, Tally) {
    let (mut window, mut tally, mut left) = (Window::new(bytes, 0), Tally::default(), UNPACKED);
    let Some(unpack) = format.unpack else { return (Outcome::Complete, tally) };
    let outcome = unpack(Packed { window: &mut window, file: None, name: "a.ndjson.packed" }, &mut |found| {
        match found {
            Found::Mark => {}
            Found::Reject(reject) => tally.reject(reject),
            Found::Entry(entry) => {
                tally.keep(&entry.name);
                if let Body::Bytes { read, .. } = entry.body {
                    let mut sunk = Vec::new();
                    if let Err(error) = read.take(left).read_to_end(&mut sunk) {
                        tally.said += Fault::of(&error).message.len();
                        tally.lost += 1;
                    }
                    left -= sunk.len() as u64;
                    tally.said += sunk.len();
                }
            }
        }
        left > 0 && tally.kept < MEMBERS
    });
    (outcome, tally)
}

/// Reads `bytes` as a whole source of this format, whether it would be taken for one or not.
pub fn read(format: &Format, bytes: &[u8]) -> (Outcome, Tally) {
    if format.unpack.is_some() {
        return unpack(format, bytes);
    }
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
