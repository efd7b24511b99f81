//! The join: everything that the scan knows of a key, on one row; and what rules say of keys, bindings, templates and
//! clients.
//!
//! While sources are read, groups leave notes ([`note`]): a key with what is said of it, a provider, a binding, an
//! enrolment. They wait in parts ([`parts`]), in memory up to a bound and in files beyond it. At the end, in two steps:
//!
//! 1. By public key ([`across`]): which keys are on several clients, and what enrolments and files say of each.
//! 2. By client ([`client`]): the client's keys one by one, then its bindings and itself. Parts are joined on all threads
//!    and written in their order, so that neither the number of threads nor the order of files shows in a report. Bindings of
//!    a client that stands under two names ([`Aliases`]) are judged last, when the keys under both are.
//!
//! Memory: a note takes 250 to 400 bytes, an entry by public key about 80; a part is a 64th of all notes, and as many are
//! in memory as there are threads. The keys of one client are in one part; those of which no client is known, of which
//! one file may have millions, are in all. Templates are held whole, up to [`MAX_TEMPLATES`].

pub mod across;
pub mod attestation;
pub mod client;
pub mod note;
pub mod parts;
mod rows;
pub mod shelf;
mod words;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rayon::ThreadPool;

use crate::attest::Issuers;
use crate::classify::{Catalogue, ProviderCategory, TemplatePolicy};
use crate::error::Error;
use crate::findings::facts::{self, TemplateFacts};
use crate::findings::{self, SiteVersion};
use crate::group::encode::Encoders;
use crate::group::notes::Left;
use crate::group::tally::{Clients, Counts};
use crate::in_order::{in_order, in_order_with};
use crate::record::{Api, Template, Text};
use crate::report::{Certificates, Report};
use crate::walk::Source;

use client::{ClientSums, Found, Worker};
use note::Origin;
use parts::{PARTS, Parts, Room, Split, Taken, draw, part_of};
use rows::{Made, Tables};

/// Bytes of notes held in memory before they are put into files, unless `--max-memory` asks for less.
pub const MAX_GATHERED: usize = 32 * 1024 * 1024;
/// Templates that are held for the join; a forest has some hundreds. What is beyond stands in `templates` all the same.
pub const MAX_TEMPLATES: usize = 16 * 1024;
/// Most different statements about one template that a key's verdict hears; a template has one or two.
const MAX_STATEMENTS: usize = 16;
/// Notes about keys that make a row group, roughly: about 3 MiB of them. Their bytes would not do: what the shelf had no room
/// for is a matter of which thread came first.
const GROUP_KEYS: u64 = 10 * 1024;
/// Bytes of enrolments that are looked up together.
const LOOKUP_BYTES: usize = 3 * 1024 * 1024;

/// What groups left, until it is joined.
pub struct Gathered {
    /// Keys seen on clients.
    pub by_client: Parts,
    /// What stands beside keys on their clients.
    beside: Parts,
    by_key: Parts,
    /// Notes about keys.
    key_notes: u64,
    /// Enrolments that do not say the public key itself.
    nameless: Parts,
    templates: Vec<(Standing, TemplateFacts)>,
    sites: Sites,
    /// Certificates that bear on attestations; the same ones come into the same part.
    attesting: Parts,
    /// What clients with two names have, until the keys of both are judged.
    pairs: Parts,
    /// Observations that name no certificate but a container, until all certificates have their keys.
    pub listed: Parts,
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
    /// Keys by verdict.
    pub verdicts: Counts,
    /// Findings of the join, by rule and status.
    pub findings: BTreeMap<(&'static str, &'static str), u64>,
}

impl Gathered {
    /// Nothing yet. What does not fit into `limit` bytes is put into files of the folder.
    pub fn new(folder: &Path, limit: usize) -> Self {
        let room = Room::new(limit);
        let parts = |name| Parts::new(folder, name, &room);
        Gathered {
            by_client: parts("clients"),
            beside: parts("beside"),
            by_key: parts("keys"),
            key_notes: 0,
            nameless: parts("enrolments"),
            templates: Vec::new(),
            sites: Sites::default(),
            attesting: parts("attesting"),
            pairs: parts("pairs"),
            listed: parts("listed"),
        }
    }

    /// Takes in what a group left. In order, group by group.
    pub fn add(&mut self, left: Left) -> Result<(), Error> {
        left.sites.iter().for_each(|(code, version)| self.sites.add(code, version));
        self.key_notes += left.key_notes;
        self.by_client.push_all(left.notes)?;
        self.beside.push_all(left.beside)?;
        self.by_key.push_all(left.keys)?;
        self.nameless.push_all(left.nameless)?;
        self.listed.push_all(left.listed)?;
        for (der, place) in attestation::all(&left.attesting) {
            let mut bytes = Vec::with_capacity(der.len() + 16);
            attestation::put(der, place, &mut bytes);
            self.attesting.push(part_of(draw(der)), bytes)?;
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

/// Templates by the names under which certificates know them. Exports that say the same of a template are one; those that
/// say different things stand beside each other.
pub struct Templates {
    all: Vec<(Standing, TemplateFacts)>,
    by_oid: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Templates {
    fn new(all: Vec<(Standing, TemplateFacts)>) -> Self {
        let mut known: HashSet<Vec<u8>> = HashSet::new();
        let is_new = |(_, facts): &(Standing, TemplateFacts)| {
            let mut bytes = Vec::new();
            note::append(facts, &mut bytes);
            known.insert(bytes)
        };
        let all: Vec<_> = all.into_iter().filter(is_new).collect();
        let (mut by_oid, mut by_name) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (at, (_, facts)) in all.iter().enumerate() {
            if let Some(oid) = &facts.oid {
                by_oid.entry(oid.clone()).or_default().push(at);
            }
            if let Some(name) = &facts.name {
                by_name.entry(name.to_lowercase()).or_default().push(at);
            }
        }
        Templates { all, by_oid, by_name }
    }

    /// What exports say of the template of a certificate: by OID, else by name.
    pub fn of(&self, oid: Option<&str>, name: Option<&str>) -> impl Iterator<Item = &(Standing, TemplateFacts)> {
        // No name is looked up where no export has any.
        let name = name.filter(|_| !self.by_name.is_empty());
        let by_oid = oid.and_then(|oid| self.by_oid.get(oid));
        let found = by_oid.or_else(|| name.and_then(|name| self.by_name.get(&name.to_lowercase())));
        found.into_iter().flatten().take(MAX_STATEMENTS).filter_map(|at| self.all.get(*at))
    }
}

/// Versions of Configuration Manager sites by their code, as exports of site systems have them.
#[derive(Default)]
pub struct Sites(BTreeMap<String, Option<SiteVersion>>);

/// Most sites that are held: a hierarchy has some hundreds at most.
const MAX_SITES: usize = 4096;

impl Sites {
    fn add(&mut self, code: &str, version: &str) {
        let (code, version) = (code.to_uppercase(), SiteVersion::parse(version));
        if self.0.len() < MAX_SITES || self.0.contains_key(&code) {
            let known = self.0.entry(code).or_insert(version);
            // Servers of one site that disagree were asked at different times: nobody knows which is later.
            if *known != version {
                *known = None;
            }
        }
    }

    /// The version of a site, where all that say it agree.
    pub fn version(&self, code: &str) -> Option<SiteVersion> {
        self.0.get(&code.to_uppercase()).copied().flatten()
    }

    /// The version of all sites, where every site has one and they are the same.
    fn common(&self) -> Option<SiteVersion> {
        let first = *self.0.values().next()?;
        first.filter(|_| self.0.values().all(|version| *version == first))
    }
}

/// A template as rules see it.
pub fn template_facts(t: &Template<'_>) -> TemplateFacts {
    /// CT_FLAG_MACHINE_TYPE (certca.h; `certutil -v -template` prints it): certificates for machines.
    const MACHINE_TYPE: u32 = 0x40;
    let policy = TemplatePolicy::of(t);
    let owned = |text: &Option<Text<'_>>| text.as_deref().map(str::to_owned);
    let list = |texts: &[Text<'_>]| texts.iter().map(|text| text.to_string()).collect();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    TemplateFacts {
        name: owned(&t.name),
        display_name: owned(&t.display_name),
        oid: owned(&t.oid),
        schema_version: t.schema_version,
        is_machine: t.general_flags.map(|flags| flags & MACHINE_TYPE != 0),
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

/// Clients that stand under two names, a short one and a fully qualified one that begins with it. Each has the providers of
/// both, and bindings find the keys of both; what is found of bindings stands under the short name.
#[derive(Default)]
pub struct Aliases<'a> {
    /// Short names by full ones.
    short: hashbrown::HashMap<&'a str, &'a str, RandomState>,
    /// Full names by short ones.
    full: hashbrown::HashMap<&'a str, &'a str, RandomState>,
}

impl<'a> Aliases<'a> {
    /// Which fully qualified names are another name of a client that is known by its first label. A name is joined only where
    /// no other fully qualified name of the scan begins with the same label, and no machine GUID disagrees.
    fn of(clients: &'a Clients) -> Aliases<'a> {
        // By label: the only full name, or none where there are several. Most scans call every client by one kind of name.
        let mut full: hashbrown::HashMap<&str, Option<&str>, RandomState> = hashbrown::HashMap::default();
        let split = |name: &'a str| Some((name.split_once('.')?.0, name));
        for (label, name) in clients.names().filter_map(split).filter(|(label, _)| clients.contains(label)) {
            full.entry(label).and_modify(|only| *only = None).or_insert(Some(name));
        }
        if full.is_empty() {
            return Aliases::default();
        }
        for (label, name) in clients.fqdns().filter_map(split) {
            if let Some(only) = full.get_mut(label) {
                *only = only.filter(|only| *only == name);
            }
        }
        let joined = full.into_iter().filter_map(|(label, only)| Some((label, only?)));
        let joined: Vec<_> = joined.filter(|(label, only)| clients.may_be_one(label, only)).collect();
        Aliases {
            short: joined.iter().map(|(label, only)| (*only, *label)).collect(),
            full: joined.into_iter().collect(),
        }
    }

    /// The short name of a client, if it has two, else its only one.
    pub fn own_name<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        self.short.get(name).copied().unwrap_or(name)
    }

    /// The other name of a client that has two.
    pub fn other(&self, name: &str) -> Option<&'a str> {
        self.short.get(name).or_else(|| self.full.get(name)).copied()
    }

    /// No client has two names.
    pub fn is_empty(&self) -> bool {
        self.full.is_empty()
    }
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
        if some.iter().map(|bytes: &Vec<u8>| bytes.len()).sum::<usize>() > LOOKUP_BYTES {
            stop()?;
            across::name(&std::mem::take(&mut some), certificates, &mut report.gathered.by_key)?;
        }
    }
    across::name(&some, certificates, &mut report.gathered.by_key)?;
    drop(some);
    let clients = std::mem::take(&mut report.clients);
    let aliases = Aliases::of(&clients);
    let by_key = report.gathered.by_key.take();
    let beside = &mut report.gathered.beside;
    let join = |part| {
        stop()?;
        across::join(part, &aliases)
    };
    in_order(pool, by_key.into_iter().map(Ok), join, |told| {
        told.into_iter().try_for_each(|(part, note)| beside.push(part, note))
    })?;
    let attesting = report.gathered.attesting.take();
    let verified = asked.issuers.map(|issuers| attestation::verify(attesting, issuers, pool)).transpose()?;
    let sites = std::mem::take(&mut report.gathered.sites);
    let templates = Templates::new(std::mem::take(&mut report.gathered.templates));
    let total = report.gathered.key_notes;
    let mut beside = report.gathered.beside.take();
    client::share(&mut beside, &aliases)?;
    let beside_nobody = client::beside_nobody(&mut beside)?;
    let values = asked.encoders.shelf.values();
    let context = client::Context {
        asked,
        templates: &templates,
        aliases: &aliases,
        clients: &clients,
        sites: &sites,
        verified: verified.as_ref(),
        rules: findings::Context::new(facts::Scan { common_version: sites.common(), ..asked.scan.clone() }),
        values: &values,
        beside_nobody: &beside_nobody,
    };
    let each = PARTS.div_ceil((total / GROUP_KEYS).clamp(1, PARTS as u64) as usize);
    let mut sums = Sums::default();
    let mut tables = Tables::new(asked, 0);
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
    let worker = || Worker::new(asked.catalogue, values.len());
    let join = |worker: &mut Worker, task: Vec<(Taken, Taken)>| {
        stop()?;
        let keys = (total as usize * task.len() / PARTS).min(2 * GROUP_KEYS as usize);
        let mut tables = Tables::new(asked, keys);
        worker.begin();
        let (mut of_nobody, mut pairs) = (Found::default(), Split::default());
        for (beside, keys) in task {
            let mut notes = beside.read()?;
            notes.extend(keys.read()?);
            of_nobody.add(client::join(&notes, &context, worker, &mut tables, &mut pairs));
        }
        Ok((tables.finish(asked.encoders)?, of_nobody, pairs))
    };
    let mut of_clients: Vec<(Option<String>, ClientSums)> = Vec::new();
    let mut of_nobody = Found::default();
    let mut append = |report: &mut Report, made: Made| {
        report.append_joined(made.keys, made.evidence, made.findings)?;
        sums.add(&made.sums);
        of_clients.extend(made.clients);
        Ok(())
    };
    in_order_with(pool, tasks.map(Ok), worker, join, |(made, found, pairs)| {
        of_nobody.add(found);
        report.gathered.pairs.push_all(pairs)?;
        append(report, made)
    })?;
    let pairs = report.gathered.pairs.take();
    let join = |part: Taken| {
        stop()?;
        let mut tables = Tables::new(asked, 0);
        client::judge_pairs(&part.read()?, &context, &mut worker(), &mut tables);
        tables.finish(asked.encoders)
    };
    if !aliases.is_empty() {
        in_order(pool, pairs.into_iter().map(Ok), join, |made| append(report, made))?;
    }
    let mut tables = Tables::new(asked, 0);
    client::judge_nobody(of_nobody, &context, &mut worker(), &mut tables);
    append(report, tables.finish(asked.encoders)?)?;
    drop(aliases);
    report.clients = clients;
    for (name, told) in of_clients {
        report.clients.of(name.as_deref());
        report.clients.add_joined(name.as_deref(), &told);
    }
    Ok(sums)
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.keys += other.keys;
        self.verdicts.merge(&other.verdicts);
        other.findings.iter().for_each(|(kind, n)| *self.findings.entry(*kind).or_default() += n);
    }

    /// Findings of the join, by status.
    pub fn by_status(&self) -> BTreeMap<&'static str, u64> {
        let mut by_status = BTreeMap::new();
        self.findings.iter().for_each(|((_, status), n)| *by_status.entry(*status).or_default() += n);
        by_status
    }
}
