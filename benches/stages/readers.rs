//! Finding the format, and reading: from bytes to records, into a sink that drops them.

use std::fs::File;
use std::hint::black_box;
use std::path::Path;

use certcensus::format::{self, FORMATS, Format, HEAD, Head, Input, Memory, Setting};
use certcensus::input::{MAX_LINE, Window};
use certcensus::record::{
    Binding, CapiUse, Client, Observation, PrivateKey, Provider, Reject, Request, Severity, Sink, Template,
};
use certcensus::synth::Options;
use criterion::Criterion;

use crate::{exports, fleet, of, scaled, texts};

/// A request as a Windows client makes it.
const REQUEST: &[u8] = include_bytes!("../../samples/pkcs10_request/windows-ksp.csr");

/// Sources of one format.
struct Export {
    name: &'static str,
    format: &'static str,
    sources: Vec<Vec<u8>>,
    /// Records in all sources together.
    records: u64,
}

/// One input for each reader.
fn inputs() -> Vec<Export> {
    let distinct = fleet::census(&Options::distinct(), scaled(20));
    let dup = fleet::census(&Options::fleet(), scaled(60));
    let leaves = exports::leaves(scaled(2_000));
    let records = leaves.len() as u64;
    let export = |format, sources| Export { name: format, format, sources, records };
    let census = |name, census: fleet::Census| {
        let (sources, records) = (vec![census.text], census.records);
        Export { name, format: "census_1", sources, records }
    };
    // Files that no generator makes: a committed sample, many times.
    let samples = |format, name: &str, records: u64| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(format).join(name);
        let bytes = std::fs::read(path).expect("the sample can be read");
        let times = scaled(2_000);
        Export { name: format, format, records: records * times, sources: vec![bytes; times as usize] }
    };
    // One large text of a sample's records; `each` of them are in the part that repeats.
    let repeated = |format, name: &str, begin: &str, end: &str, each: u64| {
        let times = scaled(2_000);
        let sources = vec![texts::repeated(&format!("{format}/{name}"), begin, end, times)];
        Export { name: format, format, sources, records: each * times }
    };
    vec![
        samples("pkcs12", "open-certificates.pfx", 2),
        samples("private_key", "rsa-pkcs8.p8", 1),
        census("census_1/distinct", distinct),
        census("census_1/fleet", dup),
        export("flat_ndjson", vec![exports::flat_ndjson(&leaves)]),
        export("pem", vec![exports::pem(&leaves)]),
        export("pkcs7", vec![exports::pkcs7(&leaves)]),
        export("sst", vec![exports::sst(&leaves)]),
        export("reg_text", vec![exports::reg_text(&leaves)]),
        hives(scaled(1_000)),
        Export { name: "certutil_text/store", ..export("certutil_text", vec![texts::certutil_store(&leaves)]) },
        Export { name: "certutil_text/verbose", ..export("certutil_text", vec![texts::certutil_verbose(&leaves)]) },
        export("json_document", vec![texts::powershell_json(&leaves)]),
        Export {
            name: "adcs_text",
            format: "adcs_text",
            sources: vec![texts::adcs_rows(&leaves, REQUEST)],
            records: 2 * records,
        },
        repeated("adcs_csv", "view.csv", "\"4\",", "", 2),
        repeated("csv", "powershell-5.1.csv", "\"WS-ALDER\"", "", 2),
        repeated("json_lines", "velociraptor.jsonl", "", "", 2),
        repeated("osquery_log", "replay.log", "", "", 29),
        repeated("clixml", "script.clixml", "  <Obj ", "</Objs>", 2),
        repeated("ldif", "templates.ldif", "# GroveWeb", "", 4),
        repeated("certutil_template", "templates.txt", "", "", 2),
        repeated("certutil_dstemplate", "template.txt", "", "", 1),
        repeated("netsh_text", "english.txt", "    IP:port", "", 3),
        repeated("appcmd_text", "sites.txt", "", "", 4),
        repeated("mimikatz_text", "certificates.txt", "", "", 4),
        repeated("event_xml", "wevtutil-utf16.xml", "", "", 3),
        samples("evtx", "system.evtx", 3),
        export("element", leaves.iter().map(|der| exports::element(der)).collect()),
        export("certificate_der", leaves),
        export("pkcs10_request", vec![REQUEST.to_vec(); records as usize]),
    ]
}

/// One user's hive with two certificates, so many times.
fn hives(count: u64) -> Export {
    let hive = include_bytes!("../../samples/registry_hive/NTUSER.DAT").to_vec();
    Export { name: "registry_hive", format: "registry_hive", sources: vec![hive; count as usize], records: 2 * count }
}

/// The format of a source's head, and of one that is nobody's: the longest way through the list.
pub fn sniff(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sniff");
    let nobody = vec![Export { name: "unknown", format: "", sources: vec![vec![b'~'; HEAD]], records: 1 }];
    for export in inputs().into_iter().chain(nobody) {
        let Some(source) = export.sources.first() else { continue };
        let bytes = &source[..source.len().min(HEAD)];
        let head = Head { bytes, complete: bytes.len() == source.len(), len: Some(source.len() as u64) };
        let found = format::sniff(&head).map_or("", |format| format.name);
        assert_eq!(found, export.format, "the input is what it should be");
        of(&mut group, 1, bytes.len());
        group.bench_function(export.name, |b| b.iter(|| format::sniff(black_box(&head)).map(|format| format.name)));
    }
    group.finish();
}

/// What readers stand on: bytes of a file in the page cache, and its lines.
pub fn input(criterion: &mut Criterion) {
    let census = fleet::census(&Options::distinct(), scaled(100));
    let folder = tempfile::tempdir().expect("a folder for a file");
    let path = folder.path().join("fleet.ndjson");
    std::fs::write(&path, &census.text).expect("the file can be written");
    let mut group = criterion.benchmark_group("input");
    of(&mut group, census.records, census.text.len());
    for (name, is_split) in [("file", false), ("lines", true)] {
        let mut buffer = Vec::new();
        group.bench_function(name, |b| {
            b.iter(|| {
                let file = File::open(&path).expect("the file can be opened");
                let mut window = Window::with_buffer(file, 0, std::mem::take(&mut buffer));
                match is_split {
                    true => while black_box(window.line(MAX_LINE)).is_some() {},
                    false => assert_eq!(window.skip(u64::MAX), census.text.len() as u64),
                }
                buffer = window.into_buffer();
            });
        });
    }
    group.finish();
}

/// From bytes to records.
pub fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    for export in inputs() {
        let format = FORMATS.iter().find(|format| format.name == export.format).expect("a format of the list");
        let mut buffer = Vec::new();
        let mut once = Null::default();
        read_all(format, &export.sources, &mut buffer, &mut once);
        assert_eq!((once.records, once.lost), (export.records, 0), "{} is read whole", export.name);
        of(&mut group, export.records, export.sources.iter().map(Vec::len).sum());
        group.bench_function(export.name, |b| {
            b.iter(|| {
                let mut sink = Null::default();
                read_all(format, &export.sources, &mut buffer, &mut sink);
                sink.records
            });
        });
    }
    group.finish();
}

/// Reads every source, with one buffer for all as a worker has it.
fn read_all(format: &Format, sources: &[Vec<u8>], buffer: &mut Vec<u8>, sink: &mut Null) {
    let read = format.read.expect("a format that is read");
    let mut memory = Memory::default();
    for source in sources {
        let mut window = Window::with_buffer(&source[..], 0, std::mem::take(buffer));
        black_box(read(
            Input { window: &mut window, path: "name", file: None, setting: &Setting::default(), memory: &mut memory },
            sink,
        ));
        *buffer = window.into_buffer();
    }
}

/// Counts, and drops the rest.
#[derive(Default)]
struct Null {
    records: u64,
    lost: u64,
}

impl Sink for Null {
    fn observation(&mut self, observation: &Observation<'_>) {
        black_box(observation);
        self.records += 1;
    }

    fn client(&mut self, client: &Client<'_>) {
        black_box(client);
        self.records += 1;
    }

    fn provider(&mut self, provider: &Provider<'_>) {
        black_box(provider);
        self.records += 1;
    }

    fn request(&mut self, request: &Request<'_>) {
        black_box(request);
        self.records += 1;
    }

    fn binding(&mut self, binding: &Binding<'_>) {
        black_box(binding);
        self.records += 1;
    }

    fn template(&mut self, template: &Template<'_>) {
        black_box(template);
        self.records += 1;
    }

    fn capi_use(&mut self, event: &CapiUse<'_>) {
        black_box(event);
        self.records += 1;
    }

    fn private_key(&mut self, key: &PrivateKey<'_>) {
        black_box(key);
        self.records += 1;
    }

    fn reject(&mut self, reject: Reject) {
        self.lost += u64::from(reject.severity == Severity::Lost);
    }

    fn skip(&mut self, _: &'static str) {
        self.records += 1;
    }

    fn incomplete(&mut self, _: Option<&str>) {}
}
