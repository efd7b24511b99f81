//! The second step: the clients of one part, each with its keys, its bindings and itself.
//!
//! Most keys are seen once, and nobody else speaks of them: their verdict follows from what their record says, and so do
//! the rows of their evidence. Both are worked out once for each different thing that records say.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::attest::Why;
use crate::classify::{
    Catalogue, Classifier, Grade, Hearsay, Joined, KeyApi, KeyPresence, KeyStorage, Marks, Verdicts, Voice, Witness,
    names_place, registrations,
};
use crate::client::Basis;
use crate::error::Error;
use crate::findings::facts::{self, Bound, CertificateFacts, TemplateFacts};
use crate::findings::{self, Outcome, Status};
use crate::group::tally::{Clients, Told};
use crate::record::{Api, Claims, KeyAlgorithm, Provider, StoreLocation, Text};
use crate::walk::SourceNumber;

use super::attestation::Verified;
use super::note::{
    self, Attached, BindingWords, CertificateOwn, CertificateProfile, Class, Head, KeyBody, KeyOwn, KeyState, Origin,
    Said,
};
use super::parts::{Split, Taken};
use super::rows::{Concerned, KeyRow, Tables};
use super::shelf::Shared;
use super::{Aliases, Asked, Sites, Templates, category_api};

/// Most providers of one client that are held: more is no registry, and says nothing (`classify::registrations`).
const MAX_PROVIDERS: usize = 1024;
/// The same in bytes, for a client that is known.
const MAX_REGISTRY: usize = 256 * 1024;
/// Most programs named of one client.
const MAX_PROGRAMS: usize = 256;

/// What the join of every client needs.
pub struct Context<'a> {
    /// What is asked.
    pub asked: &'a Asked<'a>,
    /// The scan's templates.
    pub templates: &'a Templates,
    /// Other names of clients.
    pub aliases: &'a Aliases<'a>,
    /// What collections say of clients.
    pub clients: &'a Clients,
    /// Versions of Configuration Manager sites, by code.
    pub sites: &'a Sites,
    /// Attestations, where the user listed who attests.
    pub verified: Option<&'a Verified>,
    /// What rules know of the whole scan.
    pub rules: findings::Context<'a>,
    /// What notes share, by number.
    pub values: &'a [Arc<[u8]>],
    /// What stands beside keys of which no client is known ([`beside_nobody`]).
    pub beside_nobody: &'a [u8],
}

/// Keys and findings of one client, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSums {
    /// Keys.
    pub keys: u32,
    /// Keys by interface: CryptoAPI, CNG, unknown.
    pub api: [u32; 3],
    /// Keys in hardware.
    pub hardware: u32,
    /// Keys whose storage is attested.
    pub attested: u32,
    /// Keys with a conflict.
    pub conflicting: u32,
    /// Findings: blocks, warns, unknown.
    pub findings: [u32; 3],
}

impl ClientSums {
    /// Counts a finding.
    pub fn add_finding(&mut self, status: Status) {
        match status {
            Status::Blocks => self.count(0),
            Status::Warns => self.count(1),
            Status::Unknown => self.count(2),
            Status::Ok | Status::NotListed => {}
        }
    }

    fn count(&mut self, status: usize) {
        self.findings[status] = self.findings[status].saturating_add(1);
    }

    /// Adds others.
    pub fn add(&mut self, other: &ClientSums) {
        let add = |sum: &mut u32, n: u32| *sum = sum.saturating_add(n);
        add(&mut self.keys, other.keys);
        add(&mut self.hardware, other.hardware);
        add(&mut self.attested, other.attested);
        add(&mut self.conflicting, other.conflicting);
        self.api.iter_mut().zip(other.api).for_each(|(sum, n)| add(sum, n));
        self.findings.iter_mut().zip(other.findings).for_each(|(sum, n)| add(sum, n));
    }

    fn add_key(&mut self, verdicts: &Verdicts) {
        self.keys += 1;
        self.api[match verdicts.api.value {
            KeyApi::Capi => 0,
            KeyApi::Cng => 1,
            KeyApi::None | KeyApi::Unknown => 2,
        }] += 1;
        self.hardware += u32::from(verdicts.hardware_backed == Some(true));
        self.attested += u32::from(verdicts.storage.grade == Some(Grade::Attested));
        self.conflicting += u32::from(verdicts.api.conflict || verdicts.storage.conflict);
    }
}

/// Gives a client with two names what stands beside keys under either: a copy in the part of the other name.
pub fn share(parts: &mut [Taken], aliases: &Aliases<'_>) -> Result<(), Error> {
    if aliases.is_empty() {
        return Ok(());
    }
    let mut copies: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for part in parts.iter_mut() {
        part.look(|bytes| {
            for (head, body, _) in note::all(bytes).filter(|(head, ..)| is_context(head.class)) {
                if let Some(name) = head.client.and_then(|name| aliases.other(name)) {
                    let head = Head { client: Some(name), ..head };
                    head.write(copies.entry(note::part(&head)).or_default(), |out| out.extend_from_slice(body));
                }
            }
        })?;
    }
    for (at, bytes) in copies {
        if let Some(part) = parts.get_mut(at) {
            part.append(&bytes);
        }
    }
    Ok(())
}

fn is_context(class: Class) -> bool {
    matches!(class, Class::Provider | Class::Binding | Class::CapiUse)
}

/// One record that shows a key.
pub struct Seen<'a> {
    /// What is its own.
    pub own: KeyOwn<'a>,
    /// Its certificate's own facts, and its profile.
    pub certificate: Option<(CertificateOwn<'a>, Rc<Known<CertificateProfile>>)>,
    /// Its state, with the claims.
    pub state: Rc<Known<KeyState<'static>>>,
}

impl Seen<'_> {
    /// Everything that is said of the key.
    fn claims(&self) -> Claims<'_> {
        Claims {
            key_container: self.own.container.map(Text::Borrowed),
            key_path: self.own.path.map(Text::Borrowed),
            ..note::trimmed(&self.state.value.claims)
        }
    }

    fn marks(&self) -> Marks {
        self.certificate.as_ref().map(|(_, profile)| profile.value.marks).unwrap_or_default()
    }
}

/// What was decoded, and its number among others of its kind.
#[derive(Debug)]
pub struct Known<T> {
    /// Different for different bytes.
    pub number: u32,
    /// What they say.
    pub value: T,
}

/// Values decoded from bytes that many notes share: each is decoded once.
struct Memo<T> {
    /// By their number on the shelf.
    shelf: Vec<Option<Rc<Known<T>>>>,
    /// Those that are not there.
    known: HashMap<Box<[u8]>, Rc<Known<T>>, FixedState>,
    next: u32,
}

/// Most values remembered of one kind; then it is begun anew.
const MAX_KNOWN: usize = 16 * 1024;

impl<T> Memo<T> {
    /// Nothing is known yet of so many values on the shelf.
    fn new(values: usize) -> Self {
        Memo {
            shelf: std::iter::repeat_with(|| None).take(values).collect(),
            known: HashMap::default(),
            next: values as u32,
        }
    }

    fn get(
        &mut self,
        shared: Shared<'_>,
        values: &[Arc<[u8]>],
        decode: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<Rc<Known<T>>> {
        let number = match shared {
            Shared::Bytes(bytes) => return self.of_bytes(bytes, decode),
            Shared::Number(number) => number,
        };
        let place = self.shelf.get_mut(number as usize)?;
        if let Some(known) = place {
            return Some(Rc::clone(known));
        }
        let known = Rc::new(Known { number, value: decode(values.get(number as usize)?)? });
        *place = Some(Rc::clone(&known));
        Some(known)
    }

    fn of_bytes(&mut self, bytes: &[u8], decode: impl FnOnce(&[u8]) -> Option<T>) -> Option<Rc<Known<T>>> {
        if let Some(known) = self.known.get(bytes) {
            return Some(Rc::clone(known));
        }
        let known = Rc::new(Known { number: self.next, value: decode(bytes)? });
        self.next += 1;
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(bytes.into(), Rc::clone(&known));
        Some(known)
    }
}

/// What a thread keeps from client to client.
pub struct Worker {
    classifier: Classifier,
    profiles: Memo<CertificateProfile>,
    states: Memo<KeyState<'static>>,
    registries: Memo<Vec<Provider<'static>>>,
    /// What registries say of one name, by number.
    registrations: HashMap<Vec<Registration>, u32, FixedState>,
    /// The same by the numbers of registry and state.
    registered: HashMap<(u32, u32), u32, FixedState>,
    /// Verdicts on keys of which one record speaks, and nobody else: by state, what the registry says of its provider, and
    /// marks.
    judged: HashMap<(u32, u32, Marks), Rc<Judged>, FixedState>,
}

/// One entry of a registry, as far as it speaks of a key: interface and flags.
type Registration = (Option<Api>, Option<u32>, Option<Api>);

/// A verdict that many keys share, and the rows that follow from it.
pub struct Judged {
    /// The verdicts.
    pub verdicts: Verdicts,
    /// Some piece says hardware.
    pub claims_hardware: bool,
    /// Numbers of the pieces in [`Tables`], each with who says it.
    pub pieces: Vec<(u32, Voice)>,
    /// Both sides of its conflicts.
    pub conflict: Option<String>,
    /// Number of the state in [`Tables`].
    pub state: u32,
}

impl Worker {
    /// Knows nothing yet.
    pub fn new(catalogue: &Arc<Catalogue>, values: usize) -> Self {
        Worker {
            classifier: Classifier::new(Arc::clone(catalogue)),
            profiles: Memo::new(values),
            states: Memo::new(values),
            registries: Memo::new(values),
            registrations: HashMap::default(),
            registered: HashMap::default(),
            judged: HashMap::default(),
        }
    }

    /// Forgets what is of use for the rows of one [`Tables`] alone.
    pub fn begin(&mut self) {
        self.judged.clear();
    }

    fn read<'a>(&mut self, body: &'a [u8], context: &Context<'_>) -> Option<Seen<'a>> {
        let values = context.values;
        let KeyBody { own, certificate, state } = KeyBody::read(body, context.asked.sources)?;
        let certificate = match certificate {
            Some((own, profile)) => {
                let profile = self.profiles.get(profile, values, |bytes| postcard::from_bytes(bytes).ok())?;
                Some((own, profile))
            }
            None => None,
        };
        let state = self.states.get(state, values, |bytes| postcard::from_bytes(bytes).ok())?;
        Some(Seen { own, certificate, state })
    }

    /// The number of what a client's registry says of the provider of a state.
    fn registration(&mut self, registry: &Known<Vec<Provider<'static>>>, state: &Known<KeyState<'static>>) -> u32 {
        let Worker { registrations: all, registered, .. } = self;
        let key = (registry.number, state.number);
        if let Some(number) = registered.get(&key) {
            return *number;
        }
        let name = state.value.claims.provider_name.as_deref().unwrap_or_default();
        let entries: Vec<Registration> =
            registrations(name, &registry.value).map(|p| (p.api, p.impl_flags, p.impl_api)).collect();
        let next = all.len() as u32;
        let number = *all.entry(entries).or_insert(next);
        if registered.len() >= MAX_KNOWN {
            registered.clear();
        }
        registered.insert(key, number);
        number
    }
}

/// What one client has beside its keys.
struct Around<'a> {
    name: Option<&'a str>,
    /// Providers of a client that is known.
    registry: Rc<Known<Vec<Provider<'static>>>>,
    /// Providers where no client is known, each with its source.
    nameless: Vec<(SourceNumber, Provider<'static>)>,
    bindings: Vec<BindingWords<'a>>,
    programs: Vec<String>,
}

/// What others say, by public key.
type ByPublicKey<'a> = HashMap<[u8; 32], &'a [u8], FixedState>;

/// A note: head and body.
type Note<'a> = (Head<'a>, &'a [u8]);

/// What was found of the keys of one client.
#[derive(Default)]
pub struct Found {
    /// Keys by the thumbprints that bindings name.
    bound: HashMap<[u8; 20], Vec<Bound>, FixedState>,
    capi_card_keys: u32,
    sums: ClientSums,
}

impl Found {
    /// Adds what was found in another part.
    pub fn add(&mut self, other: Found) {
        for (sha1, keys) in other.bound {
            let mine = self.bound.entry(sha1).or_default();
            keys.into_iter().for_each(|key| add_bound(mine, key));
        }
        self.capi_card_keys += other.capi_card_keys;
        self.sums.add(&other.sums);
    }
}

/// Adds a key of a certificate that bindings name. Of those that are alike to every rule one is enough.
fn add_bound(keys: &mut Vec<Bound>, key: Bound) {
    match keys.iter_mut().find(|known| known.is_like(&key)) {
        Some(known) => known.key_id = known.key_id.min(key.key_id),
        None => keys.push(key),
    }
}

/// Joins every client of one part. Keys of which no client is known are in all parts; what was found of them is returned, for
/// [`judge_nobody`]. What belongs to clients with two names is put into `pairs`, for [`judge_pairs`].
pub fn join(
    bytes: &[Vec<u8>],
    context: &Context<'_>,
    worker: &mut Worker,
    tables: &mut Tables<'_>,
    pairs: &mut Split,
) -> Found {
    let mut attached: ByPublicKey<'_> = HashMap::default();
    let mut notes: Vec<Note<'_>> = Vec::new();
    // Notes of one client come together, mostly: runs of them, which are put in the order of the names.
    let mut runs: Vec<(Option<&str>, Range<usize>)> = Vec::new();
    for (head, body, _) in bytes.iter().flat_map(|bytes| note::all(bytes)) {
        match head.class {
            Class::Attached => attached.extend(head.spki_sha256.map(|spki| (spki, body))),
            class if is_context(class) && head.client.is_none() => {}
            _ => {
                match runs.last_mut() {
                    Some((client, run)) if *client == head.client => run.end += 1,
                    _ => runs.push((head.client, notes.len()..notes.len() + 1)),
                }
                notes.push((head, body));
            }
        }
    }
    // Stable: what is alike stays in the order of the sources.
    runs.sort_by_key(|(client, _)| *client);
    let mut of_nobody = Found::default();
    let mut together = Vec::new();
    for runs in runs.chunk_by(|(a, _), (b, _)| a == b) {
        let of_client = match runs {
            [(_, run)] => notes.get_mut(run.clone()).unwrap_or_default(),
            _ => {
                together.clear();
                together.extend(runs.iter().filter_map(|(_, run)| notes.get(run.clone())).flatten().copied());
                &mut together[..]
            }
        };
        of_client.sort_by_key(|(head, _)| (head.class, u128::from_be_bytes(head.key_id)));
        let keys_at = of_client.partition_point(|(head, _)| head.class < Class::Key);
        let (beside, keys) = of_client.split_at(keys_at);
        match of_client.first().and_then(|(head, _)| head.client) {
            Some(name) => {
                let Some(around) = Around::of(Some(name), beside, context.values, worker) else { continue };
                let told = told(name, context);
                let found = judge_keys(&around, &told, keys, &attached, context, worker, tables);
                if context.aliases.other(name).is_none() {
                    judge_client(&around, &told, found, context, tables);
                } else {
                    count(Some(name), &found.sums, context, tables);
                    put_off(name, found, beside, context, pairs);
                }
            }
            None => {
                if let Some(around) = around_nobody(context, worker) {
                    let told = context.clients.told(None);
                    of_nobody.add(judge_keys(&around, &told, keys, &attached, context, worker, tables));
                }
            }
        }
    }
    of_nobody
}

/// What collections say of a client, under its other name too.
fn told<'c>(name: &str, context: &'c Context<'_>) -> Told<'c> {
    let own = context.clients.told(Some(name));
    let Some(other) = context.aliases.other(name) else { return own };
    let other = context.clients.told(Some(other));
    let mut cm_roles = own.cm_roles;
    cm_roles.extend(other.cm_roles);
    cm_roles.sort_unstable();
    cm_roles.dedup();
    Told {
        cm_roles,
        os_version: own.os_version.or(other.os_version),
        ubr: own.ubr.or(other.ubr),
        cm_client_version: own.cm_client_version.or(other.cm_client_version),
        cm_site_code: own.cm_site_code.or(other.cm_site_code),
        calais_disable_capi_override: own.calais_disable_capi_override.or(other.calais_disable_capi_override),
        calais_is_absent: own.calais_is_absent || other.calais_is_absent,
    }
}

/// What was found of the keys of a client under one of its names.
#[derive(Serialize, Deserialize)]
struct Half {
    capi_card_keys: u32,
    bound: Vec<([u8; 20], Vec<Bound>)>,
}

/// Puts off the bindings of a client with two names until the keys under both are judged. They stand under both, and are kept
/// of the short one.
fn put_off(name: &str, found: Found, beside: &[Note<'_>], context: &Context<'_>, pairs: &mut Split) {
    let own_name = context.aliases.own_name(name);
    let head = |class| Head::of_client(class, Some(own_name));
    let out = pairs.of(note::part(&head(Class::Bound)));
    let mut bound: Vec<_> = found.bound.into_iter().filter(|(_, keys)| !keys.is_empty()).collect();
    bound.sort_unstable_by_key(|(sha1, _)| *sha1);
    let half = Half { capi_card_keys: found.capi_card_keys, bound };
    head(Class::Bound).write(out, |out| note::append(&half, out));
    if own_name == name {
        let beside = beside.iter().filter(|(head, _)| matches!(head.class, Class::Binding | Class::CapiUse));
        beside.for_each(|(of, body)| head(of.class).write(out, |out| out.extend_from_slice(body)));
    }
}

/// Judges the bindings and roles of clients with two names, once the keys under both are judged.
pub fn judge_pairs(bytes: &[Vec<u8>], context: &Context<'_>, worker: &mut Worker, tables: &mut Tables<'_>) {
    let mut clients: BTreeMap<&str, (Found, Vec<Note<'_>>)> = BTreeMap::new();
    for (head, body, _) in bytes.iter().flat_map(|bytes| note::all(bytes)) {
        let Some(name) = head.client else { continue };
        let (found, beside) = clients.entry(name).or_default();
        if head.class != Class::Bound {
            beside.push((head, body));
            continue;
        }
        if let Ok(Half { capi_card_keys, bound }) = postcard::from_bytes::<Half>(body) {
            found.add(Found { bound: bound.into_iter().collect(), capi_card_keys, sums: ClientSums::default() });
        }
    }
    for (name, (found, mut beside)) in clients {
        beside.sort_by_key(|(head, _)| head.class);
        if let Some(around) = Around::of(Some(name), &beside, context.values, worker) {
            judge_client(&around, &told(name, context), found, context, tables);
        }
    }
}

/// What stands beside keys of which no client is known.
pub fn beside_nobody(parts: &mut [Taken]) -> Result<Vec<u8>, Error> {
    let mut beside = Vec::new();
    if let Some(part) = parts.get_mut(note::part(&Head::of_client(Class::Provider, None))) {
        part.look(|bytes| {
            let of_nobody = note::all(bytes).filter(|(head, ..)| head.client.is_none() && is_context(head.class));
            of_nobody.for_each(|(.., whole)| beside.extend_from_slice(whole));
        })?;
    }
    Ok(beside)
}

fn around_nobody<'a>(context: &Context<'a>, worker: &mut Worker) -> Option<Around<'a>> {
    let mut notes: Vec<Note<'a>> = note::all(context.beside_nobody).map(|(head, body, _)| (head, body)).collect();
    notes.sort_by_key(|(head, _)| head.class);
    Around::of(None, &notes, context.values, worker)
}

/// Judges the bindings and roles of which no client is known, once all keys of which none is known are judged.
pub fn judge_nobody(found: Found, context: &Context<'_>, worker: &mut Worker, tables: &mut Tables<'_>) {
    if let Some(around) = around_nobody(context, worker) {
        judge_client(&around, &context.clients.told(None), found, context, tables);
    }
}

impl<'a> Around<'a> {
    fn of(name: Option<&'a str>, notes: &[Note<'a>], values: &[Arc<[u8]>], worker: &mut Worker) -> Option<Self> {
        let (mut lists, mut held, mut nameless) = (Vec::new(), 0, Vec::new());
        let (mut bindings, mut programs) = (Vec::new(), Vec::new());
        for (head, body) in notes {
            match head.class {
                Class::Provider => {
                    let Some((source, list)) = note::split_providers(body) else { continue };
                    let bytes = list.bytes(values).unwrap_or_default();
                    match name {
                        Some(_) if held < MAX_REGISTRY => {
                            held += bytes.len();
                            lists.push(list);
                        }
                        None if nameless.len() < MAX_PROVIDERS => {
                            nameless.extend(note::providers(bytes).into_iter().map(|provider| (source, provider)));
                        }
                        _ => {}
                    }
                }
                Class::Binding => bindings.extend(postcard::from_bytes::<BindingWords<'_>>(body)),
                Class::CapiUse => {
                    if let Ok(program) = postcard::from_bytes::<&str>(body)
                        && !program.is_empty()
                        && programs.len() < MAX_PROGRAMS
                    {
                        programs.push(program.to_owned());
                    }
                }
                _ => {}
            }
        }
        programs.sort();
        programs.dedup();
        let decode = |bytes: &[u8]| Some(note::providers(bytes));
        let registry = match lists[..] {
            [only] => worker.registries.get(only, values, decode)?,
            // Several lists are one registry.
            _ => {
                let all: Vec<u8> = lists.iter().filter_map(|list| list.bytes(values)).flatten().copied().collect();
                worker.registries.of_bytes(&all, decode)?
            }
        };
        Some(Around { name, registry, nameless, bindings, programs })
    }
}

/// A client as rules see it. Those for keys see it without the keys of its bindings, which are found on the way.
fn about<'a>(around: &'a Around<'_>, told: &'a Told<'_>, context: &'a Context<'_>) -> facts::Client<'a> {
    facts::Client {
        name: around.name,
        roles: &told.cm_roles,
        os_version: told.os_version,
        ubr: told.ubr,
        cm_client_version: told.cm_client_version,
        cm_site_code: told.cm_site_code,
        site_version: told.cm_site_code.and_then(|code| context.sites.version(code)),
        calais_disable_capi_override: told.calais_disable_capi_override,
        calais_is_absent: told.calais_is_absent,
        bindings: &[],
        capi_card_keys: 0,
        capi_programs: &around.programs,
        ..facts::Client::default()
    }
}

/// Judges keys of one client.
fn judge_keys<'n>(
    around: &Around<'n>,
    told: &Told<'_>,
    keys: &[Note<'n>],
    attached: &ByPublicKey<'_>,
    context: &Context<'_>,
    worker: &mut Worker,
    tables: &mut Tables<'_>,
) -> Found {
    let bindings: Vec<facts::Binding<'_>> = around.bindings.iter().map(|words| binding(words, context.sites)).collect();
    let before = facts::Client { bindings: &bindings, ..about(around, told, context) };
    let mut found = Found::default();
    let Found { bound, capi_card_keys, sums } = &mut found;
    bound.extend(bindings.iter().filter_map(|binding| binding.sha1).map(|sha1| (sha1, Vec::new())));
    let mut outcomes = Vec::new();
    let mut seen: Vec<Seen<'n>> = Vec::new();
    for of_key in keys.chunk_by(|(a, _), (b, _)| a.key_id == b.key_id) {
        let Some((head, _)) = of_key.first() else { continue };
        seen.clear();
        seen.extend(of_key.iter().filter_map(|(.., body)| worker.read(body, context)));
        let Some(first) = seen.first() else { continue };
        let spoken = head.spki_sha256.and_then(|spki| attached.get(&spki));
        let spoken = spoken.and_then(|body| postcard::from_bytes::<Attached<'_>>(body).ok());
        let is_spoken_of = spoken.is_some();
        let attached = spoken.unwrap_or_default();
        let whole = Whole::of(head, &seen, &attached, context);
        let judged = verdict(around, &seen, &whole, worker, tables);
        sums.add_key(&judged.verdicts);
        let clients_with_key = match is_spoken_of {
            true => attached.clients_with_key,
            false => u32::from(judged.verdicts.presence != KeyPresence::Missing),
        };
        let speaker = whole.speaker(&seen);
        let key = facts::Key {
            key_id: head.key_id,
            spki_sha256: head.spki_sha256,
            presence: judged.verdicts.presence,
            api: judged.verdicts.api,
            storage: judged.verdicts.storage,
            hardware_backed: judged.verdicts.hardware_backed,
            claims_hardware: judged.claims_hardware,
            provider_name: speaker.state.value.claims.provider_name.as_deref(),
            provider_type: speaker.state.value.claims.provider_type,
            key_algorithm: whole.key_algorithm,
            key_size_bits: whole.key_size_bits,
            is_exportable: whole.is_exportable,
            is_in_file: whole.is_in_file,
            is_machine: seen.iter().any(|seen| seen.state.value.claims.is_machine_key()),
            stores: &whole.stores,
            certificates: &whole.certificates,
            clients_with_key,
            templates: &whole.template_facts,
        };
        if !bound.is_empty() {
            let own = whole.certificates.iter().map(|certificate| certificate.sha1);
            for sha1 in own.chain(seen.iter().filter_map(|seen| seen.own.sha1)) {
                if let Some(keys) = bound.get_mut(&sha1) {
                    add_bound(keys, of_binding(&key, &seen));
                }
            }
        }
        outcomes.clear();
        findings::judge_key(&key, &before, &context.rules, &mut outcomes);
        *capi_card_keys += u32::from(findings::is_capi_card_key(&key));
        let enrolments = attached.enrolments;
        tables.key(&KeyRow { head, judged: &judged, seen: &seen, whole: &whole, enrolments, clients_with_key });
        for of_voice in judged.pieces.chunk_by(|(_, a), (_, b)| a == b) {
            let place = match of_voice.first() {
                Some((_, Voice::Witness(at))) => seen.get(*at).map(|seen| (seen.own.origin, "observation")),
                Some((_, Voice::Hearsay(at))) => whole.origins.get(*at).copied(),
                None => None,
            };
            tables.evidence(head, of_voice.iter().map(|(piece, _)| *piece), place);
        }
        for outcome in outcomes.drain(..) {
            sums.add_finding(outcome.status);
            let certificate = whole.certificates.get(outcome.certificate);
            // The record that shows the certificate which decided.
            let shows = |seen: &&Seen<'_>| {
                seen.certificate.as_ref().map(|(own, _)| own.sha256)
                    == certificate.map(|certificate| certificate.sha256)
            };
            let shown = if let [one] = &seen[..] { one } else { seen.iter().find(shows).unwrap_or(first) };
            let concerned = Concerned {
                client: around.name,
                basis: Some(note::basis(shown.state.value.basis)),
                concerned: certificate.and_then(|certificate| certificate.subject),
                observation: Some(shown.own.origin),
                key_id: Some(&head.key_id),
                sha1: certificate.map(|certificate| certificate.sha1),
                spki_sha256: head.spki_sha256,
                origin: Some(shown.own.origin),
            };
            tables.finding(outcome, &concerned);
        }
    }
    found
}

/// Judges a client, once its keys are judged.
fn judge_client(around: &Around<'_>, told: &Told<'_>, found: Found, context: &Context<'_>, tables: &mut Tables<'_>) {
    let Found { bound, capi_card_keys, mut sums } = found;
    let mut bindings: Vec<facts::Binding<'_>> =
        around.bindings.iter().map(|words| binding(words, context.sites)).collect();
    for binding in &mut bindings {
        binding.key = binding.sha1.and_then(|sha1| facts::choose(binding.kind, bound.get(&sha1)?));
    }
    let about = facts::Client { bindings: &bindings, capi_card_keys, ..about(around, told, context) };
    let mut outcomes = Vec::new();
    findings::judge_client(&about, &context.rules, &mut outcomes);
    for outcome in outcomes {
        sums.add_finding(outcome.status);
        let words = outcome.binding.and_then(|at| around.bindings.get(at));
        let binding = outcome.binding.and_then(|at| bindings.get(at));
        let concerned = Concerned {
            client: around.name,
            basis: words.map(|words| note::basis(words.basis)).or(Some(Basis::Record)),
            concerned: binding.and_then(|binding| binding.name).or(around.name),
            observation: None,
            key_id: binding.and_then(|binding| binding.key.as_ref()).and_then(|key| key.key_id.as_ref()),
            sha1: binding.and_then(|binding| binding.sha1),
            spki_sha256: None,
            origin: words.map(|words| words.origin),
        };
        tables.finding(outcome, &concerned);
    }
    count(around.name, &sums, context, tables);
}

/// Adds what was found of a client to what is known of it.
fn count(name: Option<&str>, sums: &ClientSums, context: &Context<'_>, tables: &mut Tables<'_>) {
    if *sums != ClientSums::default() && !context.clients.add_joined(name, sums) {
        tables.clients.push((name.map(str::to_owned), sums.clone()));
    }
}

/// The verdict on a key. Where one record alone speaks of it, and not of a place of its own, it follows from the state.
fn verdict(
    around: &Around<'_>,
    seen: &[Seen<'_>],
    whole: &Whole<'_>,
    worker: &mut Worker,
    tables: &mut Tables<'_>,
) -> Rc<Judged> {
    let alone = match seen {
        [one] if whole.hearsay.is_empty() && around.name.is_some() && !names_place(one.own.container, one.own.path) => {
            Some((one.state.number, worker.registration(&around.registry, &one.state), one.marks()))
        }
        _ => None,
    };
    if let Some(judged) = alone.and_then(|key| worker.judged.get(&key)) {
        return Rc::clone(judged);
    }
    let own: Vec<Vec<Provider<'_>>> = match around.name {
        Some(_) => Vec::new(),
        // Of a client that is not known only the same source can say which providers it has.
        None => seen.iter().map(|seen| around.beside(seen.own.origin.source)).collect(),
    };
    let claims: Vec<Claims<'_>> = seen.iter().map(Seen::claims).collect();
    let witnesses: Vec<Witness<'_>> = seen
        .iter()
        .zip(&claims)
        .enumerate()
        .map(|(at, (seen, claims))| Witness {
            claims,
            registry: own.get(at).map_or(&around.registry.value[..], |own| &own[..]),
            marks: seen.marks(),
            collected_at: seen.own.collected_at,
        })
        .collect();
    let joined = worker.classifier.join(&witnesses, &whole.hearsay);
    let state = tables.state(&joined.verdicts, whole.speaker(seen), seen.first(), whole);
    let pieces = joined.pieces.iter().map(|told| (tables.piece(told), told.voice)).collect();
    let conflict = (joined.verdicts.api.conflict || joined.verdicts.storage.conflict).then(|| sides(&joined));
    let judged =
        Rc::new(Judged { verdicts: joined.verdicts, claims_hardware: joined.claims_hardware, pieces, conflict, state });
    if let Some(key) = alone {
        if worker.judged.len() >= MAX_KNOWN {
            worker.judged.clear();
        }
        worker.judged.insert(key, Rc::clone(&judged));
    }
    judged
}

impl Around<'_> {
    fn beside(&self, source: SourceNumber) -> Vec<Provider<'_>> {
        let beside = self.nameless.iter().filter(|(of, _)| *of == source);
        beside.map(|(_, provider)| note::bare(provider)).collect()
    }
}

/// Both sides of each conflict: what won, or would have, against what contradicts it.
fn sides(joined: &Joined<'_>) -> String {
    use crate::classify::{Outcome as Became, Subject};
    let mut text = String::new();
    for (subject, name) in [(Subject::Api, "api"), (Subject::Storage, "storage")] {
        let said = |outcome: Became| {
            let pieces = joined.pieces.iter().map(|told| &told.piece).filter(move |piece| piece.subject == subject);
            let pieces = pieces.filter(move |piece| piece.outcome == outcome);
            pieces
                .map(|piece| format!("{} {:?} says {}", piece.kind.as_str(), piece.value, piece.says))
                .collect::<Vec<_>>()
        };
        let against = said(Became::Contradicted);
        if against.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text += "; ";
        }
        text += &format!("{name}: {}", [said(Became::Won), against].concat().join(", against "));
    }
    text
}

/// Judges a template.
pub fn judge_template(origin: &Origin<'_>, template: &TemplateFacts, context: &Context<'_>, tables: &mut Tables<'_>) {
    let mut outcomes: Vec<Outcome> = Vec::new();
    findings::judge_template(template, &context.rules, &mut outcomes);
    for outcome in outcomes {
        tables.finding(
            outcome,
            &Concerned {
                client: None,
                basis: None,
                concerned: template.name.as_deref().or(template.display_name.as_deref()).or(template.oid.as_deref()),
                observation: None,
                key_id: None,
                sha1: None,
                spki_sha256: None,
                origin: Some(*origin),
            },
        );
    }
}

fn binding<'b>(words: &'b BindingWords<'_>, sites: &Sites) -> facts::Binding<'b> {
    let b = &words.binding;
    let version = b.site_version.as_deref().and_then(findings::SiteVersion::parse);
    let name = b.role.as_deref().or(b.site_name.as_deref()).or(b.endpoint.as_deref());
    facts::Binding {
        kind: b.kind,
        name,
        app_id: b.app_id.as_deref(),
        role: b.role.as_deref(),
        site_version: version.or_else(|| sites.version(b.site_code.as_deref()?)),
        port: b.port,
        sha1: b.sha1,
        key: None,
    }
}

fn of_binding(key: &facts::Key<'_>, seen: &[Seen<'_>]) -> Bound {
    let states = || seen.iter().map(|seen| &seen.state.value);
    let opened = |claims: &Claims<'_>| claims.acquire.filter(|tried| tried.hresult == Some(0))?.key_spec;
    let spec = |claims: &Claims<'_>| opened(claims).or(claims.key_spec);
    // AT_KEYEXCHANGE and AT_SIGNATURE (wincrypt.h); any other is none that rules know.
    let mut specs = states().filter_map(|state| spec(&state.claims)).filter(|spec| matches!(spec, 1 | 2));
    let first = specs.next();
    Bound {
        key_id: Some(key.key_id),
        is_machine: seen.iter().any(|seen| {
            let state = &seen.state.value;
            let is_users = state.store_location == Some(StoreLocation::CurrentUser) || seen.own.user_sid.is_some();
            state.claims.is_machine_key() || !is_users
        }),
        presence: key.presence,
        api: key.api.value,
        storage: key.storage.value,
        key_spec: first.filter(|first| specs.all(|other| other == *first)),
        // All certificates of a key have its public key.
        key_size_bits: key.certificates.iter().find_map(|certificate| certificate.key_size_bits),
        doubt: None,
    }
}

/// Everything about a key beside its verdict.
pub struct Whole<'a> {
    /// Its certificates, the one that ends last first.
    pub certificates: Vec<CertificateFacts<'a>>,
    /// Stores that it was seen in.
    pub stores: Vec<(Option<StoreLocation>, Option<Text<'a>>)>,
    /// Algorithm as its provider says it, where no certificate tells it.
    pub key_algorithm: Option<&'static str>,
    /// Bits as its provider says it, where no certificate tells it.
    pub key_size_bits: Option<u32>,
    /// It can be exported.
    pub is_exportable: Option<bool>,
    /// It lies in a file.
    pub is_in_file: bool,
    /// Templates of its certificates.
    pub template_facts: Vec<&'a TemplateFacts>,
    /// `verified`, or why the attestation of its certificates is not.
    pub attestation_status: Option<&'static str>,
    /// What others say.
    pub hearsay: Vec<Hearsay<'a>>,
    /// Where each of them stands, and what kind of row it is.
    pub origins: Vec<(Origin<'a>, &'static str)>,
}

impl<'a> Whole<'a> {
    fn of(head: &Head<'_>, seen: &'a [Seen<'a>], attached: &'a Attached<'a>, context: &'a Context<'a>) -> Self {
        // Most keys have one of each: room for so many is small enough to be got quickly.
        let mut certificates: Vec<CertificateFacts<'a>> = Vec::with_capacity(1);
        let mut stores: Vec<(Option<StoreLocation>, Option<Text<'a>>)> = Vec::with_capacity(1);
        for seen in seen {
            if let Some((own, profile)) = &seen.certificate
                && certificates.iter().all(|known| known.sha256 != own.sha256)
            {
                certificates.push(profile.value.with(own));
            }
            let state = &seen.state.value;
            let store = (state.store_location, state.store_name.as_deref().map(Text::Borrowed));
            if !stores.contains(&store) {
                stores.push(store);
            }
        }
        certificates.sort_by(|a, b| (b.not_after, a.sha256).cmp(&(a.not_after, b.sha256)));
        let said = |claims: &Claims<'_>| claims.is_exportable.or(claims.export_policy.map(|policy| policy & 3 != 0));
        let claims = || seen.iter().map(|seen| &seen.state.value.claims);
        let is_in_file = claims().any(|claims| claims.in_file);
        // Records that disagree on it tell nothing.
        let only = |mut said: Vec<(KeyAlgorithm, Option<u32>)>| {
            said.dedup();
            if let [one] = said[..] { Some(one) } else { None }
        };
        let told = || only(claims().filter_map(|claims| Some((claims.key_algorithm?, claims.key_size_bits))).collect());
        let told = if certificates.is_empty() { told() } else { None };
        let mut whole = Whole {
            certificates,
            stores,
            key_algorithm: told.map(|(algorithm, _)| algorithm.as_str()),
            key_size_bits: told.and_then(|(_, bits)| bits),
            is_exportable: claims().filter_map(said).max(),
            is_in_file,
            template_facts: Vec::new(),
            attestation_status: None,
            hearsay: Vec::new(),
            origins: Vec::new(),
        };
        if let Some(verified) = context.verified {
            whole.verify(verified, head.spki_sha256, seen);
        }
        whole.hear(attached);
        whole.ask_templates(context.templates);
        whole
    }

    /// What the attestations of its certificates prove.
    fn verify(&mut self, verified: &Verified, spki_sha256: Option<[u8; 32]>, seen: &'a [Seen<'a>]) {
        let mut furthest = None;
        for seen in seen {
            let Some((own, _)) = &seen.certificate else { continue };
            match verified.of(&own.sha256, spki_sha256) {
                Some(Ok(vouched)) => {
                    let hearsay = Hearsay::Verified {
                        storage: vouched.storage,
                        what: vouched.what,
                        assurance: vouched.assurance,
                    };
                    if !self.hearsay.contains(&hearsay) {
                        self.hearsay.push(hearsay);
                        self.origins.push((seen.own.origin, "observation"));
                    }
                    self.attestation_status = Some("verified");
                }
                Some(Err(why)) => furthest = furthest.max(Some(why)),
                None => {}
            }
        }
        // Of several that are not verified the reason counts of the one that came furthest, whichever came first.
        self.attestation_status = self.attestation_status.or(furthest.map(Why::as_str));
    }

    /// What enrolments and files say of the public key.
    fn hear(&mut self, attached: &'a Attached<'a>) {
        for word in &attached.words {
            let name = |name: &'a str| Text::Borrowed(name);
            let (hearsay, kind) = match &word.said {
                Said::CaProvider(told) => (Hearsay::DeclaredProvider { name: name(told), by_ca: true }, "request"),
                Said::RequestProvider(told) => {
                    (Hearsay::DeclaredProvider { name: name(told), by_ca: false }, "request")
                }
                Said::Attestation(marks) => {
                    let is_token = marks.contains("yubikey");
                    let storage = if is_token { KeyStorage::UsbToken } else { KeyStorage::Tpm };
                    (Hearsay::DeclaredAttestation { marks: name(marks), storage }, "request")
                }
                // A key that itself lies in a file has said so already.
                Said::FileProvider(_) if self.is_in_file => continue,
                Said::FileProvider(told) => (Hearsay::ExportedName { name: name(told) }, "observation"),
            };
            self.hearsay.push(hearsay);
            self.origins.push((word.origin, kind));
        }
    }

    fn ask_templates(&mut self, templates: &'a Templates) {
        let of = |c: &CertificateFacts<'a>| templates.of(c.template_oid, c.template_name);
        for (standing, facts) in self.certificates.iter().flat_map(of) {
            if self.template_facts.iter().any(|known| std::ptr::eq(*known, facts)) {
                continue;
            }
            self.template_facts.push(facts);
            if let Some(category) = facts.provider_category.as_deref()
                && let Some(api) = category_api(category)
            {
                let hearsay = Hearsay::TemplateCategory { category, api };
                if !self.hearsay.contains(&hearsay) {
                    self.hearsay.push(hearsay);
                    self.origins.push((standing.origin(), "template"));
                }
            }
        }
    }

    /// The record whose provider is shown: the latest that names one; of equally late ones not the first that comes, but
    /// the first by name.
    fn speaker<'s>(&self, seen: &'s [Seen<'a>]) -> &'s Seen<'a> {
        let name = |seen: &'s Seen<'_>| seen.state.value.claims.provider_name.as_deref();
        let named = seen.iter().filter(|seen| name(seen).is_some());
        let latest =
            named.min_by(|a, b| b.own.collected_at.cmp(&a.own.collected_at).then_with(|| name(a).cmp(&name(b))));
        latest.unwrap_or(&seen[0])
    }
}
