//! The main job from end to end: walk, plan, phase 1, phase 2, report, summary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::attest::Issuers;
use crate::classify::Catalogue;
use crate::client::{ClientFrom, suggest};
use crate::error::Error;
use crate::findings::facts;
use crate::format::{self, Format};
use crate::group::encode::Encoders;
use crate::group::{MAX_GROUP_BYTES, Setting};
use crate::join;
use crate::pipeline::{self, Job};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{self, Report};
use crate::resolve;
use crate::table::{Compression, TABLES};
use crate::timing::{Part, Spent, Timing};
use crate::walk::{self, Filter, Source, sniff_file};

/// What a scan is asked to do; every option understood, none typed.
pub struct Options {
    /// Worker threads.
    pub threads: usize,
    /// Who the client is where records do not say.
    pub client_from: ClientFrom,
    /// Which files of folders are taken.
    pub filter: Filter,
    /// Name of the audit.
    pub audit: Option<String>,
    /// Date that findings compare with (`YYYY-MM-DD`); recorded in the manifest.
    pub as_of: Option<String>,
    /// Version of the Configuration Manager site, as typed; wins over what exports say.
    pub site_version: Option<String>,
    /// Who attests keys, by the user's word.
    pub issuers: Option<Issuers>,
    /// The provider catalogue.
    pub catalogue: Arc<Catalogue>,
    /// Hash whole sources.
    pub hash_sources: bool,
    /// Compression of the report.
    pub compression: Compression,
    /// What is asked of readers.
    pub reading: format::Setting,
    /// Bytes of memory to stay within as far as possible; sizes buffers, never ends a run.
    pub max_memory: Option<u64>,
    /// Replace an older report.
    pub force: bool,
    /// Length of a unit inside a large file, in bytes; every unit is then a row group of its own. For tests and
    /// tuning: rows and their order do not depend on it, the bytes of the report do.
    pub unit_bytes: Option<u64>,
    /// Recognise repeated certificates by their text, before they are decoded. Only benches turn it off, to see what it
    /// costs where nothing repeats: rows do not depend on it, the bytes of the report may.
    pub remember: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            client_from: ClientFrom::default(),
            filter: Filter::default(),
            audit: None,
            as_of: None,
            site_version: None,
            issuers: None,
            catalogue: Arc::new(Catalogue::builtin()),
            hash_sources: false,
            compression: Compression::default(),
            reading: format::Setting::default(),
            max_memory: None,
            force: false,
            unit_bytes: None,
            remember: true,
        }
    }
}

impl Options {
    /// Bytes of notes that the join may hold; a quarter of the memory allowed.
    fn gathered_bytes(&self) -> usize {
        const LEAST: u64 = 1024 * 1024;
        self.max_memory
            .map_or(join::MAX_GATHERED, |memory| (memory / 4).clamp(LEAST, join::MAX_GATHERED as u64) as usize)
    }

    /// A group may take a sixteenth of the memory allowed: a function of the option alone, so that the cut of
    /// row groups does not depend on the number of threads.
    fn group_bytes(&self) -> usize {
        const LEAST: u64 = 4 * 1024 * 1024;
        let wish = self.max_memory.map_or(MAX_GROUP_BYTES as u64, |memory| memory / 16);
        wish.clamp(LEAST, MAX_GROUP_BYTES as u64) as usize
    }
}

/// What a scan found, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Version of certcensus.
    pub certcensus: &'static str,
    /// Name of the audit.
    pub audit: Option<String>,
    /// Date that findings compare with.
    pub as_of: Option<String>,
    /// Sources by status.
    pub sources: BTreeMap<&'static str, u64>,
    /// Sources by format.
    pub formats: BTreeMap<&'static str, u64>,
    /// Size of all sources.
    pub bytes: u64,
    /// Records met.
    pub records: u64,
    /// Records that gave rows.
    pub yielded: u64,
    /// Records that give no row, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Records lost.
    pub rejected: u64,
    /// Rows kept with a doubt.
    pub degraded: u64,
    /// Rejects by code and severity, as `code (severity)`.
    pub rejects: BTreeMap<String, u64>,
    /// Rows of `observations`.
    pub observations: u64,
    /// Rows of `certificates`.
    pub certificates: u64,
    /// Clients known by name.
    pub clients: u64,
    /// Observations whose client is not known.
    pub observations_without_client: u64,
    /// A fitting `--client-from`, where many clients are not known.
    pub client_hint: Option<String>,
    /// Observations by `key_api`.
    pub key_api: BTreeMap<&'static str, u64>,
    /// Observations by `key_storage`.
    pub key_storage: BTreeMap<&'static str, u64>,
    /// Observations by `key_presence`.
    pub key_presence: BTreeMap<&'static str, u64>,
    /// Observations by `hardware_backed`.
    pub hardware_backed: BTreeMap<&'static str, u64>,
    /// Observations with a conflict in either verdict.
    pub conflicts: u64,
    /// Rows of `keys`: each private key once.
    pub keys: u64,
    /// Keys by `key_api`, joined over the whole scan.
    pub keys_by_api: BTreeMap<&'static str, u64>,
    /// Keys by `key_storage`, joined over the whole scan.
    pub keys_by_storage: BTreeMap<&'static str, u64>,
    /// Findings about keys, bindings, roles, templates and clients, by status.
    pub findings: BTreeMap<&'static str, u64>,
}

/// A finished scan.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// What was found; the same for the same input.
    pub summary: Summary,
    /// Time from start to the report in its place.
    pub elapsed: Duration,
    /// Where the time went, part by part.
    pub timing: Vec<Spent>,
    /// Where an older report went.
    pub aside: Option<PathBuf>,
    /// No source was of a format that is read: the report only lists them.
    pub read_nothing: bool,
}

/// Scans `inputs` and writes the report `output`.
pub fn scan(inputs: &[PathBuf], output: &Path, options: &Options, progress: &Progress) -> Result<Scanned, Error> {
    let start = Instant::now();
    report::check_output(output, options.force)?;
    let timing = Timing::default();
    let pool = pipeline::pool(options.threads)?;
    let sources = Arc::new(pool.install(|| walk::walk(inputs, &options.filter))?);
    if sources.is_empty() {
        return Err(Error::NothingToRead);
    }
    let keys = Arc::new(format::KeyFiles::find(&sources, options.filter.is_some()));
    let reading = format::Setting { keys, ..options.reading.clone() };
    progress.expect_bytes(sources.iter().map(|s| s.len).sum());
    let plan = options.unit_bytes.map_or_else(|| Plan::new(&sources), |unit| Plan::with_unit(&sources, unit));
    timing.add(Part::Walk, start.elapsed(), sources.len() as u64);
    let encoders = Arc::new(Encoders::new(options.compression)?);
    let setting = Setting {
        audit: options.audit.as_deref(),
        max_bytes: options.group_bytes(),
        remember: options.remember,
        attests: options.issuers.is_some(),
    };
    let gathered = options.gathered_bytes();
    let report = Report::create(output, setting.audit, Arc::clone(&sources), Arc::clone(&encoders), gathered)?;
    let job = Job {
        sources: &sources,
        plan: &plan,
        setting,
        client_from: &options.client_from,
        catalogue: &options.catalogue,
        encoders: &encoders,
        hash_sources: options.hash_sources,
        reading: &reading,
        progress,
        timing: &timing,
    };
    let mut report = pipeline::run(&job, &pool, report)?;
    let certificates = report.close_certificates()?;
    let stopped = || progress.is_stopped();
    let resolving = Instant::now();
    let context = resolve::Context {
        certificates: &certificates,
        sources: &sources,
        encoders: &encoders,
        catalogue: &options.catalogue,
        setting,
        stopped: &stopped,
    };
    let rows = resolve::run(&mut report, &pool, &context)?;
    timing.add(Part::Resolve, resolving.elapsed(), rows);
    let asked = join::Asked {
        sources: &sources,
        encoders: &encoders,
        catalogue: &options.catalogue,
        audit: setting.audit,
        scan: facts::Scan {
            as_of: options.as_of.as_deref().and_then(day),
            site_version: options.site_version.as_deref(),
            common_version: None,
        },
        issuers: options.issuers.as_ref(),
        stopped: &stopped,
    };
    let joining = Instant::now();
    let joined = join::run(&mut report, &certificates, &pool, &asked)?;
    timing.add(Part::Join, joining.elapsed(), joined.keys);
    report.close_sources()?;
    let read_nothing = !report.totals.read_something;
    let summary = summarise(&report, joined, options);
    let aside = timing.of(Part::Finish, TABLES.len() as u64, || report.finish(certificates, &summary, &pool))?;
    Ok(Scanned { summary, elapsed: start.elapsed(), timing: timing.spent(), aside, read_nothing })
}

/// The first microsecond of a day (`YYYY-MM-DD`), UTC.
fn day(text: &str) -> Option<i64> {
    let date = time::Date::parse(text, time::macros::format_description!("[year]-[month]-[day]")).ok()?;
    Some(date.midnight().assume_utc().unix_timestamp() * 1_000_000)
}

fn summarise(report: &Report, joined: join::Sums, options: &Options) -> Summary {
    let (totals, counts) = (&report.totals, &report.counts);
    let unnamed = report.clients.unnamed_observations();
    let many = unnamed * 10 > totals.all.observations;
    Summary {
        certcensus: env!("CARGO_PKG_VERSION"),
        audit: options.audit.clone(),
        as_of: options.as_of.clone(),
        sources: totals.by_status.clone(),
        formats: totals.by_format.clone(),
        bytes: totals.bytes,
        records: totals.all.records,
        yielded: totals.all.yielded,
        skipped: totals.all.skips.iter().copied().collect(),
        rejected: totals.all.rejects,
        degraded: totals.all.degraded,
        rejects: totals.rejects.iter().map(|((code, severity), n)| (format!("{code} ({severity})"), *n)).collect(),
        observations: totals.all.observations,
        certificates: report.certificates(),
        clients: report.clients.named() as u64,
        observations_without_client: unnamed,
        client_hint: totals.unnamed_source.as_deref().filter(|_| many).map(suggest),
        key_api: counts.by_api(),
        key_storage: counts.by_storage(),
        key_presence: counts.by_presence(),
        hardware_backed: counts.by_hardware(),
        conflicts: counts.conflicts,
        keys: joined.keys,
        findings: joined.by_status(),
        keys_by_api: joined.verdicts.by_api(),
        keys_by_storage: joined.verdicts.by_storage(),
    }
}

/// One line of `--dry-run`: a source and what would become of it.
pub struct Foreseen {
    /// The source.
    pub source: Source,
    /// Its format, if it can be opened and has one.
    pub format: Option<&'static str>,
    /// Whether its records would be read.
    pub is_read: bool,
}

/// Finds the sources and their formats without reading them.
pub fn foresee(inputs: &[PathBuf], options: &Options) -> Result<Vec<Foreseen>, Error> {
    let sources = walk::walk(inputs, &options.filter)?;
    let seen = sources.into_iter().map(|source| {
        let openable = source.trouble.is_none() && !source.special;
        let format = openable.then(|| sniff_file(&source.file, source.len).ok().flatten()).flatten();
        Foreseen { format: format.map(|f| f.name), is_read: format.is_some_and(Format::is_read), source }
    });
    let seen: Vec<_> = seen.collect();
    match seen.is_empty() {
        true => Err(Error::NothingToRead),
        false => Ok(seen),
    }
}
