//! The join: everything that the scan knows of a key, on one row; and what rules say of keys, bindings, templates and
//! clients.
//!
//! While sources are read, groups leave notes ([`note`]): a key with what is said of it, a provider, a binding, an
//! enrolment. They wait in parts ([`parts`]), in memory up to a bound and in files beyond it. At the end, in two steps:
//!
//! 1. By public key ([`across`]): which keys are on several clients, and what enrolments and files say of each.
//! 2. By client ([`client`]): the client's keys one by one, then its bindings and itself. Parts are joined on all threads
//!    and written in their order, so that neither the number of threads nor the order of files shows in a report.
//!
//! Memory: a note takes 250 to 400 bytes, an entry by public key about 80; a part is a 64th of all notes, and as many are
//! in memory as there are threads. Templates are held whole, up to [`MAX_TEMPLATES`].

pub mod across;
mod attestation;
pub mod client;
pub mod note;
pub mod parts;
mod rows;
pub mod shelf;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::attest::Issuers;
use crate::classify::{Catalogue, ProviderCategory, TemplatePolicy};
use crate::error::Error;
use crate::findings;
use crate::findings::facts::{self, TemplateFacts};
use crate::group::encode::Encoders;
use crate::group::notes::Left;
use crate::group::tally::Clients;
use crate::record::{Api, Template, Text};
use crate::report::{Certificates, Report};
use crate::walk::Source;

use client::{ClientSums, Worker};
use note::Origin;
use parts::{PARTS, Parts, Taken, draw, part_of};
use rows::Tables;

/// Bytes of notes held in memory before they are put into files, unless `--max-memory` asks for less.
pub const MAX_GATHERED: usize = 32 * 1024 * 1024;
/// Templates that are held for the join; a forest has some hundreds. What is beyond stands in `templates` all the same.
pub const MAX_TEMPLATES: usize = 16 * 1024;
/// Bytes of notes that make a row group, roughly: 10 Ki rows of `keys`.
const GROUP_BYTES: u64 = 3 * 1024 * 1024;

/// What groups left, until it is joined.
pub struct Gathered {
    by_client: Parts,
    /// What stands beside keys on their clients.
    beside: Parts,
    by_key: Parts,
    /// Enrolments that do not say the public key itself.
    nameless: Parts,
    templates: Vec<(Standing, TemplateFacts)>,
    sites: Sites,
    /// Certificates that bear on attestations; the same ones come into the same part.
    attesting: Parts,
}

/// What a join is asked to do.
pub struct Asked<'a> {
    /// The sources, in order.
    pub sources: &'a [Source],
    /// Encoders of the tables.
    pub encoders: &'a Encoders,
    /// The provider catalogue.
    pub catalogue: &'a Arc<Catalogue>,
    /// Name of the audit.
    pub audit: Option<&'a str>,
    /// What holds for the whole scan.
    pub scan: facts::Scan<'a>,
    /// Who attests keys, by the user's word.
    pub issuers: Option<&'a Issuers>,
    /// Tells that the run is to stop.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
}

/// What a join found, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Rows of `keys`.
    pub keys: u64,
    /// Keys by interface.
    pub key_api: BTreeMap<&'static str, u64>,
    /// Keys by storage.
    pub key_storage: BTreeMap<&'static str, u64>,
    /// Findings of the join, by rule and status.
    pub findings: BTreeMap<(&'static str, &'static str), u64>,
}

impl Gathered {
    /// Nothing yet. What does not fit into `limit` bytes is put into files of the folder.
    pub fn new(folder: &Path, limit: usize) -> Self {
        Gathered {
            by_client: Parts::new(folder, "clients", limit / 2),
            beside: Parts::new(folder, "beside", limit / 8),
            by_key: Parts::new(folder, "keys", limit / 4),
            nameless: Parts::new(folder, "enrolments", limit / 16),
            templates: Vec::new(),
            sites: Sites::default(),
            attesting: Parts::new(folder, "attesting", limit / 16),
        }
    }

    /// Takes in what a group left. In order, group by group.
    pub fn add(&mut self, left: Left) -> Result<(), Error> {
        left.sites.iter().for_each(|(code, version)| self.sites.add(code, version));
        self.by_client.push_all(left.notes)?;
        self.beside.push_all(left.beside)?;
        self.by_key.push_all(left.keys)?;
        self.nameless.push_all(left.nameless)?;
        for der in attestation::all(&left.attesting) {
            self.attesting.push(part_of(draw(der)), attestation::framed(der))?;
        }
        for (_, body, _) in note::all(&left.templates) {
            if self.templates.len() < MAX_TEMPLATES
                && let Ok((origin, rest)) = postcard::take_from_bytes::<Origin<'_>>(body)
                && let Ok(facts) = postcard::from_bytes(rest)
            {
                self.templates.push((Standing::of(&origin), facts));
            }
        }
        Ok(())
    }
}

/// The place of a note, kept.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    origin: Origin<'static>,
    member: Option<String>,
}

impl Standing {
    fn of(origin: &Origin<'_>) -> Self {
        Standing { origin: origin.unnamed(), member: origin.member.map(str::to_owned) }
    }

    /// The place.
    pub fn origin(&self) -> Origin<'_> {
        Origin { member: self.member.as_deref(), ..self.origin }
    }
}

/// Templates by the names under which certificates know them.
pub struct Templates {
    all: Vec<(Standing, TemplateFacts)>,
    by_oid: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
}

impl Templates {
    fn new(all: Vec<(Standing, TemplateFacts)>) -> Self {
        let (mut by_oid, mut by_name) = (HashMap::new(), HashMap::new());
        for (at, (_, facts)) in all.iter().enumerate() {
            // The same template in several exports is told once; which of them is first is a matter of the sources' order.
            if let Some(oid) = &facts.oid {
                by_oid.entry(oid.clone()).or_insert(at);
            }
            if let Some(name) = &facts.name {
                by_name.entry(name.to_lowercase()).or_insert(at);
            }
        }
        Templates { all, by_oid, by_name }
    }

    /// The template of a certificate: by OID, else by name.
    pub fn of(&self, oid: Option<&str>, name: Option<&str>) -> Option<&(Standing, TemplateFacts)> {
        let by_oid = oid.and_then(|oid| self.by_oid.get(oid));
        let found = by_oid.or_else(|| name.and_then(|name| self.by_name.get(&name.to_lowercase())));
        found.and_then(|at| self.all.get(*at))
    }
}

/// Versions of Configuration Manager sites by their code, as exports of site systems have them.
#[derive(Default)]
pub struct Sites(BTreeMap<String, Option<String>>);

/// Most sites that are held: a hierarchy has some hundreds at most.
const MAX_SITES: usize = 4096;

impl Sites {
    fn add(&mut self, code: &str, version: &str) {
        let code = code.to_uppercase();
        if self.0.len() < MAX_SITES || self.0.contains_key(&code) {
            let known = self.0.entry(code).or_insert_with(|| Some(version.to_owned()));
            // Servers of one site that disagree were asked at different times: nobody knows which is later.
            if known.as_deref() != Some(version) {
                *known = None;
            }
        }
    }

    /// The version of a site, where all that say it agree.
    pub fn version(&self, code: &str) -> Option<&str> {
        self.0.get(&code.to_uppercase()).and_then(Option::as_deref)
    }
}

/// A template as rules see it.
pub fn template_facts(t: &Template<'_>) -> TemplateFacts {
    let policy = TemplatePolicy::of(t);
    let owned = |text: &Option<Text<'_>>| text.as_deref().map(str::to_owned);
    let list = |texts: &[Text<'_>]| texts.iter().map(|text| text.to_string()).collect();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    TemplateFacts {
        name: owned(&t.name),
        display_name: owned(&t.display_name),
        oid: owned(&t.oid),
        schema_version: t.schema_version,
        provider_category: policy.provider_category.map(|category| category.as_str().to_owned()),
        providers: list(&t.providers),
        any_provider: t.any_provider,
        ca_compatibility: policy.ca_compatibility.map(str::to_owned),
        recipient_compatibility: policy.recipient_compatibility.map(str::to_owned),
        key_algorithm: owned(&t.key_algorithm),
        subject_rules: words(&policy.subject_rules),
        san_rules: words(&policy.san_rules),
        eku: list(&t.eku),
        application_policies: list(&t.application_policies),
        attestation: policy.attestation.map(str::to_owned),
        is_exportable: policy.is_exportable,
    }
}

/// The interface that a template's category stands for.
fn category_api(category: &str) -> Option<Api> {
    let known = [ProviderCategory::Legacy, ProviderCategory::KeyStorageProvider];
    known.into_iter().find(|known| known.as_str() == category).map(ProviderCategory::api)
}

/// Names under which a client's context stands: a short name joins the one fully qualified name that begins with it.
pub type Aliases = HashMap<String, String>;

/// Which fully qualified names are another name of a client that is known by its first label. A name is joined only where
/// no other fully qualified name of the scan begins with the same label, and no machine GUID disagrees.
fn aliases(clients: &Clients) -> Aliases {
    let mut full: HashMap<&str, Vec<&str>> = HashMap::new();
    for name in clients.names().chain(clients.fqdns()) {
        if let Some((label, _)) = name.split_once('.') {
            let names = full.entry(label).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let joined = full.into_iter().filter_map(|(label, names)| match names[..] {
        [only] if clients.may_be_one(label, only) => Some((only.to_owned(), label.to_owned())),
        _ => None,
    });
    joined.collect()
}

/// Joins what was gathered, and writes `keys`, `evidence` and the findings of rules.
///
/// # Errors
///
/// Files that cannot be read or written, and an interrupted run.
pub fn run(
    report: &mut Report,
    certificates: &Certificates,
    pool: &ThreadPool,
    asked: &Asked<'_>,
) -> Result<Sums, Error> {
    let stop = || if (asked.stopped)() { Err(Error::Interrupted) } else { Ok(()) };
    // Enrolments that name a certificate: as many at a time as may be held.
    let mut some = Vec::new();
    for part in report.gathered.nameless.take() {
        some.extend(part.read()?);
        if some.iter().map(|bytes: &Vec<u8>| bytes.len() as u64).sum::<u64>() > GROUP_BYTES {
            stop()?;
            across::name(&std::mem::take(&mut some), certificates, &mut report.gathered.by_key)?;
        }
    }
    across::name(&some, certificates, &mut report.gathered.by_key)?;
    drop(some);
    let aliases = aliases(&report.clients);
    // By public key: as many parts at a time as there are threads.
    let threads = pool.current_num_threads().max(1);
    let mut waiting = report.gathered.by_key.take().into_iter();
    loop {
        stop()?;
        let wave: Vec<_> = waiting.by_ref().take(threads).collect();
        if wave.is_empty() {
            break;
        }
        let told = pool.install(|| {
            wave.into_par_iter().map(|part| across::join(part, &aliases)).collect::<Result<Vec<_>, Error>>()
        })?;
        for attached in told {
            for (part, bytes) in attached {
                report.gathered.beside.push(part, bytes)?;
            }
        }
    }
    let attesting = report.gathered.attesting.take();
    let verified = asked.issuers.map(|issuers| attestation::verify(attesting, issuers)).transpose()?;
    let sites = std::mem::take(&mut report.gathered.sites);
    let templates = Templates::new(std::mem::take(&mut report.gathered.templates));
    let total = report.gathered.by_client.total();
    let mut beside = report.gathered.beside.take();
    client::rename(&mut beside, &aliases)?;
    let values = asked.encoders.shelf.values();
    let clients = std::mem::take(&mut report.clients);
    let context = client::Context {
        asked,
        templates: &templates,
        aliases: &aliases,
        clients: &clients,
        sites: &sites,
        verified: verified.as_ref(),
        rules: findings::Context::new(asked.scan.clone()),
        values: &values,
    };
    let each = PARTS.div_ceil((total / GROUP_BYTES).clamp(1, PARTS as u64) as usize);
    let mut sums = Sums::default();
    let mut tables = Tables::new(asked);
    for (origin, template) in &templates.all {
        stop()?;
        client::judge_template(&origin.origin(), template, &context, &mut tables);
    }
    let made = tables.finish(asked.encoders)?;
    report.append_joined(made.keys, made.evidence, made.findings)?;
    sums.add(&made.sums);
    let parts: Vec<_> = beside.into_iter().zip(report.gathered.by_client.take()).collect();
    let mut parts = parts.into_iter();
    let tasks =
        std::iter::from_fn(|| Some(parts.by_ref().take(each).collect::<Vec<_>>()).filter(|task| !task.is_empty()));
    let join = |task: Vec<(Taken, Taken)>| {
        stop()?;
        let mut tables = Tables::new(asked);
        let mut worker = Worker::new(asked.catalogue, values.len());
        for (beside, keys) in task {
            let mut notes = beside.read()?;
            notes.extend(keys.read()?);
            client::join(&notes, &context, &mut worker, &mut tables);
        }
        tables.finish(asked.encoders)
    };
    let mut of_clients: Vec<(Option<String>, ClientSums)> = Vec::new();
    in_order(pool, tasks.collect(), join, |made| {
        report.append_joined(made.keys, made.evidence, made.findings)?;
        sums.add(&made.sums);
        of_clients.extend(made.clients);
        Ok(())
    })?;
    report.clients = clients;
    for (name, told) in of_clients {
        report.clients.of(name.as_deref()).add_joined(&told);
    }
    Ok(sums)
}

/// Tells others of a panic, who would wait for ever for what this thread was to make; the pool passes it on.
struct Watch<'a>(&'a dyn Fn());

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

/// Does tasks on all threads, and takes in what they make in their order. A thread that is too far ahead of what was taken in
/// waits: so no more than two things for each thread are made and not taken in.
fn in_order<T: Send, M: Send>(
    pool: &ThreadPool,
    tasks: Vec<T>,
    make: impl Fn(T) -> Result<M, Error> + Sync,
    take: impl FnMut(M) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    struct Queue<T, M, F> {
        tasks: std::iter::Enumerate<std::vec::IntoIter<T>>,
        made: BTreeMap<usize, M>,
        next: usize,
        take: F,
        error: Option<Error>,
    }
    let made = BTreeMap::new();
    let queue = Mutex::new(Queue { tasks: tasks.into_iter().enumerate(), made, next: 0, take, error: None });
    let moved = Condvar::new();
    let room = 2 * pool.current_num_threads();
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    pool.broadcast(|_| {
        let _watch = Watch(&|| {
            lock().error.get_or_insert_with(|| Error::Encode("a thread of the join failed".to_owned()));
            moved.notify_all();
        });
        loop {
            let Some((at, task)) = lock().tasks.next() else { return };
            let made = make(task);
            let mut queue = lock();
            while at >= queue.next + room && queue.error.is_none() {
                queue = moved.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            match made {
                Ok(made) => drop(queue.made.insert(at, made)),
                Err(error) => drop(queue.error.get_or_insert(error)),
            }
            let Queue { made, next, take, error, .. } = &mut *queue;
            while let (None, Some(made)) = (&error, made.remove(next)) {
                *next += 1;
                *error = take(made).err();
            }
            moved.notify_all();
            if error.is_some() {
                return;
            }
        }
    });
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    queue.error.map_or(Ok(()), Err)
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.keys += other.keys;
        other.key_api.iter().for_each(|(value, n)| *self.key_api.entry(value).or_default() += n);
        other.key_storage.iter().for_each(|(value, n)| *self.key_storage.entry(value).or_default() += n);
        other.findings.iter().for_each(|(kind, n)| *self.findings.entry(*kind).or_default() += n);
    }

    /// Findings of the join, by status.
    pub fn by_status(&self) -> BTreeMap<&'static str, u64> {
        let mut by_status = BTreeMap::new();
        self.findings.iter().for_each(|((_, status), n)| *by_status.entry(*status).or_default() += n);
        by_status
    }
}
