//! For tests of readers: a sink that keeps what it gets, the committed samples, and the corpus.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::archive::{Body, Fault, Found, Packed};
use super::{Format, Input, Memory, Outcome, Setting};
use crate::input::Window;
use crate::record::{
    Binding, Body as Certificate, CapiUse, Claims, Client, Code, Lineage, Observation, PrivateKey, Provider, Reject,
    Request, Severity, Sink, Template,
};

/// An observation that outlives its input.
#[derive(Debug)]
pub(crate) struct Seen {
    pub lineage: Lineage,
    pub der: Option<Vec<u8>>,
    pub sha1: Option<[u8; 20]>,
    pub claims: Claims<'static>,
}

/// Everything a reader pushed.
#[derive(Debug)]
pub(crate) struct Collect {
    pub outcome: Outcome,
    pub observations: Vec<Seen>,
    /// Store location, store name and user of each observation, as far as they are known.
    pub places: Vec<String>,
    /// Clients, providers, requests and private keys, in order, as debug text.
    pub others: Vec<String>,
    pub rejects: Vec<Reject>,
    pub skips: BTreeMap<&'static str, u64>,
    /// `stopped` answers true from this many records on.
    pub stop_after: u64,
}

impl Collect {
    pub(crate) fn new() -> Self {
        Collect {
            outcome: Outcome::Complete,
            observations: vec![],
            places: vec![],
            others: vec![],
            rejects: vec![],
            skips: BTreeMap::new(),
            stop_after: u64::MAX,
        }
    }

    /// Codes of the rejects that cost a record.
    pub(crate) fn lost(&self) -> Vec<Code> {
        self.codes(Severity::Lost)
    }

    /// Codes of the rejects beside kept rows.
    pub(crate) fn degraded(&self) -> Vec<Code> {
        self.codes(Severity::Degraded)
    }

    fn codes(&self, severity: Severity) -> Vec<Code> {
        self.rejects.iter().filter(|r| r.severity == severity).map(|r| r.code).collect()
    }

    /// Records the reader counted: yielded, skipped and lost.
    pub(crate) fn records(&self) -> u64 {
        self.observations.len() as u64
            + self.others.len() as u64
            + self.skips.values().sum::<u64>()
            + self.lost().len() as u64
    }
}

impl Sink for Collect {
    fn observation(&mut self, observation: &Observation<'_>) {
        let certificate = &observation.certificate;
        let der = match certificate.body {
            Certificate::Der(bytes) => Some(bytes.to_vec()),
            _ => None,
        };
        // Through its serialized form, which owns all text.
        let json = serde_json::to_string(&observation.claims).expect("claims can be written");
        let claims = serde_json::from_str(&json).expect("written claims can be read");
        let location = observation.store_location.map(|location| location.as_str());
        let place = [location, observation.store_name.as_deref(), observation.user_sid.as_deref()];
        self.places.push(place.into_iter().flatten().collect::<Vec<_>>().join("/"));
        self.observations.push(Seen { lineage: observation.lineage, der, sha1: certificate.sha1, claims });
    }

    fn client(&mut self, client: &Client<'_>) {
        self.others.push(format!("{client:?}"));
    }

    fn provider(&mut self, provider: &Provider<'_>) {
        self.others.push(format!("{provider:?}"));
    }

    fn request(&mut self, request: &Request<'_>) {
        self.others.push(format!("{request:?}"));
    }

    fn binding(&mut self, binding: &Binding<'_>) {
        self.others.push(format!("{binding:?}"));
    }

    fn template(&mut self, template: &Template<'_>) {
        self.others.push(format!("{template:?}"));
    }

    fn capi_use(&mut self, event: &CapiUse<'_>) {
        self.others.push(format!("{event:?}"));
    }

    fn private_key(&mut self, key: &PrivateKey<'_>) {
        self.others.push(format!("{key:?}"));
    }

    fn reject(&mut self, reject: Reject) {
        self.rejects.push(reject);
    }

    fn skip(&mut self, reason: &'static str) {
        *self.skips.entry(reason).or_default() += 1;
    }

    fn incomplete(&mut self, _: Option<&str>) {}

    fn stopped(&self) -> bool {
        self.records() >= self.stop_after
    }
}

/// Reads `bytes` as a source of this format.
pub(crate) fn read_all(format: &Format, bytes: &[u8], name: &str) -> Collect {
    read_until(format, bytes, name, u64::MAX)
}

/// Like [`read_all`], interrupted after some records.
pub(crate) fn read_until(format: &Format, bytes: &[u8], name: &str, stop_after: u64) -> Collect {
    read_with(format, bytes, name, stop_after, &Setting::default())
}

/// Like [`read_until`], as a user's setting asks.
pub(crate) fn read_with(format: &Format, bytes: &[u8], name: &str, stop_after: u64, setting: &Setting) -> Collect {
    // Tests read thousands of small sources; a buffer of their own for each would be most of the work.
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    let mut seen = Collect { stop_after, ..Collect::new() };
    let mut window = Window::with_buffer(bytes, 0, BUFFER.take());
    let read = format.read.expect("the format has a reader");
    seen.outcome =
        read(Input { window: &mut window, path: name, file: None, setting, memory: &mut Memory::default() }, &mut seen);
    BUFFER.set(window.into_buffer());
    seen
}

/// Members by name, with their bytes or why they end early.
pub(crate) type Unpacked = Vec<(String, Result<Vec<u8>, Fault>)>;

/// Unpacks `bytes` as an archive of this format: the name of each member with its bytes, or why they end early; and what
/// is said of the archive itself, without a name. No more than a megabyte of each member is looked at.
pub(crate) fn unpack_all(format: &Format, bytes: &[u8], name: &str) -> (Outcome, Unpacked) {
    let (mut window, mut all) = (Window::new(bytes, 0), Vec::new());
    let unpack = format.unpack.expect("the format has an unpacker");
    let outcome = unpack(Packed { window: &mut window, file: None, name }, &mut |found| {
        match found {
            Found::Mark => {}
            Found::Reject(reject) => all.push((String::new(), Err(Fault::new(reject.code, reject.message)))),
            Found::Entry(entry) => {
                let told = match entry.body {
                    Body::Bytes { read, .. } => {
                        let mut content = Vec::new();
                        let read = read.take(1024 * 1024).read_to_end(&mut content);
                        read.map(|_| content).map_err(|error| Fault::of(&error))
                    }
                    Body::Broken(fault) => Err(fault),
                    Body::Locked => Err(Fault::new(Code::ArchiveLimit, "locked")),
                    Body::Unsupported(reason) => Err(Fault::new(Code::ArchiveLimit, reason)),
                    Body::Special => Err(Fault::new(Code::ArchiveLimit, "special")),
                };
                all.push((entry.name, told));
            }
        }
        true
    });
    (outcome, all)
}

/// A string as Windows stores it: UTF-16LE with its NUL.
pub(crate) fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A committed sample.
pub(crate) fn sample(folder: &str, name: &str) -> Vec<u8> {
    let path = root().join("samples").join(folder).join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Names of the files in a folder and below it.
fn files_below(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder exists").map(|entry| entry.expect("readable").path());
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let below = |path: PathBuf| match path.is_dir() {
        true => files_below(&path).into_iter().map(|file| format!("{}/{file}", name(&path))).collect(),
        false => vec![name(&path)],
    };
    entries.flat_map(below).collect()
}

/// Every committed sample of a folder, by name; not what stands beside them, which tests/samples.rs names.
pub(crate) fn samples(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut names = files_below(&root().join("samples").join(folder));
    names.retain(|name| !["expected.txt", "README.md"].contains(&name.as_str()));
    names.sort();
    names.into_iter().map(|name| (name.clone(), sample(folder, &name))).collect()
}

/// A file of the binary corpus with what its manifest promises.
pub(crate) struct Entry {
    pub file: String,
    pub yields: String,
    pub bytes: Vec<u8>,
}

/// The corpus files that `wanted` names; none, with a word, where the corpus is not here.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn corpus(wanted: fn(&str) -> bool) -> Vec<Entry> {
    let near = || root().join("../shared/corpus");
    let folder = std::env::var_os("CERTCENSUS_CORPUS").map_or_else(near, PathBuf::from).join("binary");
    let Ok(manifest) = std::fs::read_to_string(folder.join("MANIFEST.tsv")) else {
        println!("skipped: no corpus at {}", folder.display());
        return vec![];
    };
    let read = |file: &str| std::fs::read(folder.join(Path::new(file))).ok();
    let rows = manifest.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let (file, yields) = (*columns.first()?, *columns.get(4)?);
        wanted(file).then(|| Some(Entry { file: file.into(), yields: yields.into(), bytes: read(file)? }))?
    });
    rows.collect()
}
