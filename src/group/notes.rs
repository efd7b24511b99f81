//! What a row group leaves for the join of the scan: its keys with what is said of them and of their certificates, and what
//! stands beside them.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::classify::{KeyPresence, Marks, claims_key, names_place};
use crate::client::Basis;
use crate::findings::facts::TemplateFacts;
use crate::group::certstore::{Entry, policy_arc};
use crate::group::key_ids::{self, KeyIds};
use crate::group::row::{self, Row};
use crate::join::across;
use crate::join::note::{
    self, CertificateOwn, CertificateProfile, Class, Enrolment, Head, KeyOwn, KeyState, Said, Word,
};
use crate::join::parts::{Split, draw, part_of};
use crate::join::shelf::{Shared, Shelf};
use crate::record::{Binding, CapiUse, Claims, Lineage, Provider, Request, Text};
use crate::table::Data;
use crate::table::columns::CERTIFICATES;
use crate::table::words::NULL;
use crate::walk::SourceNumber;

use super::encode;

/// What a note about a key takes beside what its record says, roughly.
const OWN_BYTES: usize = 200;

/// States of rows of which the last is remembered: a fleet has some hundreds.
const MAX_LAST_STATES: usize = 1024;

/// A row with a key, until the key has its identity.
struct Waiting {
    /// Where its own words end.
    own_end: usize,
    /// The number of its state.
    state: u32,
    /// The key could not be opened.
    is_missing: bool,
}

/// Notes of one group.
#[derive(Default)]
pub struct Notes {
    /// Rows with keys.
    waiting: Vec<Waiting>,
    words: Vec<u8>,
    /// Numbers of what notes share: states, and lists of providers.
    shared: HashMap<Box<[u8]>, u32, FixedState>,
    /// Bytes of them.
    shared_bytes: usize,
    /// The state of the row at hand.
    state: Vec<u8>,
    /// By the state of a row: basis and claims of the last such row, and their number.
    last_states: Vec<Option<((u8, Claims<'static>), u32)>>,
    /// What files with keys in them say of those keys, by the place among the waiting.
    of_files: Vec<(usize, Vec<u8>)>,
    /// Templates, each with its length in front.
    templates: Vec<u8>,
    /// Notes about anything else, whole.
    beside: Vec<u8>,
    /// Enrolments that speak of a key, each with its length in front.
    enrolments: Vec<u8>,
    /// Codes and versions of Configuration Manager sites.
    sites: Vec<(String, String)>,
    /// Lists of providers, each with its client and source.
    lists: Vec<(Option<String>, SourceNumber, u32)>,
    /// The client and source whose providers come, and those that came.
    list: Option<(Option<String>, SourceNumber)>,
    providers: Vec<u8>,
    /// The last client that got a note of its own.
    client: Option<String>,
}

/// Notes as they leave the group.
#[derive(Default)]
pub struct Left {
    /// Notes about keys.
    pub notes: Split,
    /// Notes about anything else on clients.
    pub beside: Split,
    /// Enrolments that do not say the public key.
    pub nameless: Split,
    /// Codes and versions of Configuration Manager sites.
    pub sites: Vec<(String, String)>,
    /// Number of notes about keys.
    pub key_notes: u64,
    /// A note for each key whose public key is known, without a body or with what the file that it lies in says; and
    /// enrolments of known public keys.
    pub keys: Split,
    /// Templates, each the body of a note.
    pub templates: Vec<u8>,
    /// Certificates that bear on attestations, each with its length in front.
    pub attesting: Vec<u8>,
    /// Observations that name no certificate but a container.
    pub listed: Split,
}

/// The place of a record, for its note.
pub fn origin<'a>(origin: &row::Origin<'a>, lineage: Lineage) -> note::Origin<'a> {
    note::Origin { source: origin.number, source_id: *origin.id(), member: origin.member_name(), lineage }
}

/// The number of a value that several notes of a group have.
fn share(known: &mut HashMap<Box<[u8]>, u32, FixedState>, bytes: &mut usize, value: &[u8]) -> u32 {
    if let Some(number) = known.get(value) {
        return *number;
    }
    let number = known.len() as u32;
    *bytes += value.len();
    known.insert(value.into(), number);
    number
}

impl Notes {
    /// Bytes held.
    pub fn weight(&self) -> usize {
        self.words.len() + self.shared_bytes + self.beside.len() + self.enrolments.len() + self.templates.len()
    }

    /// Takes in a row with a key. `row_state` is the state of the row (`states`), which stands for its store and its texts.
    pub fn key(&mut self, row: &Row<'_>, row_state: u32, has_certificate: bool, presence: KeyPresence) {
        let o = row.observation;
        let (container, path) = (o.claims.key_container.as_deref(), o.claims.key_path.as_deref());
        // Where they say nothing of the place, what is left of them is that a key is claimed.
        let is_needed = names_place(container, path) || !claims_key(&o.claims);
        let own = KeyOwn {
            origin: origin(&row.origin, o.lineage),
            collected_at: o.collection.collected_at,
            sha1: o.certificate.sha1.filter(|_| !has_certificate),
            user_sid: o.user_sid.as_deref(),
            container: container.filter(|_| is_needed),
            path: path.filter(|_| is_needed),
            named: key_ids::container(&o.claims).filter(|_| has_certificate || row.names_certificate()),
        };
        own.write(&mut self.words);
        let own_end = self.words.len();
        let state = self.state(row, row_state);
        if let (true, Some(name)) = (o.claims.in_file, o.claims.provider_name.as_deref()) {
            let mut told = Vec::new();
            let said = Said::FileProvider(Text::Borrowed(name));
            note::append(&Word { origin: origin(&row.origin, o.lineage), said }, &mut told);
            self.of_files.push((self.waiting.len(), told));
        }
        self.waiting.push(Waiting { own_end, state, is_missing: presence == KeyPresence::Missing });
    }

    /// The number of what a row says of its key as others do. Rows of one state differ in few claims, and seldom.
    fn state(&mut self, row: &Row<'_>, row_state: u32) -> u32 {
        let o = row.observation;
        let basis = note::basis_number(row.client.map(|(_, basis)| basis));
        let (at, rest) = (row_state as usize, (basis, note::wordless(&o.claims)));
        if let Some(Some((known, number))) = self.last_states.get(at)
            && *known == rest
        {
            return *number;
        }
        let state = KeyState {
            basis,
            store_location: o.store_location,
            store_name: o.store_name.as_deref().map(Text::Borrowed),
            claims: note::trimmed(&o.claims),
        };
        self.state.clear();
        note::append(&state, &mut self.state);
        let number = share(&mut self.shared, &mut self.shared_bytes, &self.state);
        if self.last_states.len() <= at && at < MAX_LAST_STATES {
            self.last_states.resize(at + 1, None);
        }
        if let Some(last) = self.last_states.get_mut(at) {
            *last = Some((rest, number));
        }
        number
    }

    /// A template, as rules see it.
    pub fn template(&mut self, at: &row::Origin<'_>, lineage: Lineage, facts: &TemplateFacts) {
        let head = Head::of_client(Class::Client, None);
        let origin = origin(at, lineage);
        head.write(&mut self.templates, |out| {
            note::append(&origin, out);
            note::append(facts, out);
        });
    }

    /// There is such a client.
    pub fn client(&mut self, client: Option<&str>) {
        if client.is_some() && self.client.as_deref() != client {
            Head::of_client(Class::Client, client).write(&mut self.beside, |_| {});
            self.client = client.map(str::to_owned);
        }
    }

    /// A provider is registered on a client. A list of them is one note.
    pub fn provider(&mut self, client: Option<&str>, at: &row::Origin<'_>, p: &Provider<'_>) {
        let goes_on = self.list.as_ref().is_some_and(|(of, source)| of.as_deref() == client && *source == at.number);
        if !goes_on {
            self.end_list();
            self.list = Some((client.map(str::to_owned), at.number));
        }
        note::append(&note::bare(p), &mut self.providers);
    }

    /// Most machines of a fleet have the same providers: the note has the number of the list.
    fn end_list(&mut self) {
        if let Some((client, source)) = self.list.take() {
            let number = share(&mut self.shared, &mut self.shared_bytes, &self.providers);
            self.providers.clear();
            self.lists.push((client, source, number));
        }
    }

    /// A client has a binding or role.
    pub fn binding(&mut self, client: Option<(&str, Basis)>, at: &row::Origin<'_>, b: &Binding<'_>) {
        if let (Some(code), Some(version)) = (b.site_code.as_deref(), b.site_version.as_deref()) {
            self.sites.push((code.to_owned(), version.to_owned()));
        }
        let basis = note::basis_number(client.map(|(_, basis)| basis));
        let words = note::BindingWords { origin: origin(at, b.lineage), basis, binding: b.clone() };
        let head = Head::of_client(Class::Binding, client.map(|(name, _)| name));
        head.write(&mut self.beside, |out| note::append(&words, out));
    }

    /// A program used CryptoAPI for a smart card.
    pub fn capi_use(&mut self, client: Option<&str>, event: &CapiUse<'_>) {
        let program = event.program.as_deref().unwrap_or_default();
        Head::of_client(Class::CapiUse, client).write(&mut self.beside, |out| note::append(&program, out));
    }

    /// An enrolment, if it speaks of a key.
    pub fn request(&mut self, at: &row::Origin<'_>, r: &Request<'_>) {
        let Some(enrolment) = Enrolment::of(r, origin(at, r.lineage)) else { return };
        let head = Head { spki_sha256: r.spki_sha256, ..Head::of_client(Class::Attached, None) };
        head.write(&mut self.enrolments, |out| note::append(&enrolment, out));
    }

    /// The notes, once every key has its identity. `certificate_of` and `client_of` are by row.
    pub fn finish<'c>(
        &mut self,
        ids: &KeyIds,
        certificate_of: &[u32],
        client_of: impl Fn(u32) -> Option<&'c str>,
        shown: encode::Shown<'_>,
        entries: &[Entry],
        shelf: &Shelf,
    ) -> Left {
        self.end_list();
        let (mut notes, mut beside) = (Split::default(), Split::default());
        let waiting = std::mem::take(&mut self.waiting);
        let words = std::mem::take(&mut self.words);
        notes.reserve(words.len() + waiting.len() * OWN_BYTES);
        for (head, _, whole) in note::all(&std::mem::take(&mut self.beside)) {
            beside.of(note::part(&head)).extend_from_slice(whole);
        }
        let known = std::mem::take(&mut self.shared);
        self.last_states.clear();
        let mut shared: Vec<Shared<'_>> = vec![Shared::Bytes(&[]); known.len()];
        known.iter().for_each(|(bytes, number)| shared[*number as usize] = shelf.put(bytes));
        for (client, source, list) in std::mem::take(&mut self.lists) {
            let head = Head::of_client(Class::Provider, client.as_deref());
            let Some(list) = shared.get(list as usize) else { continue };
            head.write(beside.of(note::part(&head)), |out| {
                note::append(&source, out);
                list.write(out);
            });
        }
        let facts = Facts::new();
        let key_notes = waiting.len() as u64;
        let mut before = None;
        let (mut start, mut keys, mut nameless) = (0, Split::default(), Split::default());
        keys.reserve(waiting.len() * 80);
        let mut of_files = std::mem::take(&mut self.of_files).into_iter().peekable();
        let mut profiles: HashMap<u32, Vec<u8>, FixedState> = HashMap::default();
        for (at, ((row, key_id), Waiting { own_end, state, is_missing })) in ids.all().zip(waiting).enumerate() {
            let number = certificate_of.get(row as usize).copied().filter(|number| *number != NULL);
            let certificate = number.and_then(|number| Some((number, entries.get(number as usize)?)));
            let spki_sha256 = certificate.and_then(|(_, entry)| entry.spki_sha256);
            let head = Head { class: Class::Key, key_id: *key_id, spki_sha256, client: client_of(row) };
            let own = words.get(start..own_end).unwrap_or_default();
            let out = notes.of(note::part(&head));
            // Notes of one client are in one part.
            let is_next = std::mem::replace(&mut before, head.client) == head.client && head.client.is_some();
            let body = |out: &mut Vec<u8>| {
                out.extend_from_slice(own);
                out.push(u8::from(certificate.is_some()));
                if let Some((number, entry)) = certificate {
                    let profile = shown.profile_of.map_or(Some(number), |of| of.get(number as usize).copied());
                    let profile = profile.unwrap_or(NULL);
                    facts.own(number as usize, entry, shown).write(out);
                    let shared = profiles.entry(profile).or_insert_with(|| {
                        let mut bytes = Vec::new();
                        note::append(&facts.profile(profile as usize, shown), &mut bytes);
                        let mut written = Vec::new();
                        shelf.put(&bytes).write(&mut written);
                        written
                    });
                    out.extend_from_slice(shared);
                }
                if let Some(state) = shared.get(state as usize) {
                    state.write(out);
                }
            };
            if is_next {
                head.write_next(out, body)
            } else {
                head.write(out, body)
            }
            start = own_end;
            let told = of_files.next_if(|(of, _)| *of == at).map(|(_, told)| told);
            if let Some(spki) = &spki_sha256 {
                let class = if is_missing { Class::MissingKey } else { Class::Key };
                // Who has the key is enough, but for keys of which no client is known, and for the order of words.
                let key_id = if told.is_some() || head.client.is_none() { head.key_id } else { [0; 16] };
                let head = Head { class, key_id, ..head };
                head.write(keys.of(across::part(spki)), |out| out.extend(told.iter().flatten()));
            }
        }
        for (head, _, whole) in note::all(&std::mem::take(&mut self.enrolments)) {
            match &head.spki_sha256 {
                Some(spki) => keys.of(across::part(spki)).extend_from_slice(whole),
                None => nameless.of(part_of(draw(whole))).extend_from_slice(whole),
            }
        }
        let (templates, sites) = (std::mem::take(&mut self.templates), std::mem::take(&mut self.sites));
        Left { notes, beside, key_notes, keys, nameless, sites, templates, ..Left::default() }
    }
}

/// Reads the facts of certificates back from the columns.
struct Facts {
    columns: [Place; COLUMNS.len()],
}

/// The place of a column of `certificates`.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
}

/// The columns that are read back: first those of a certificate's own, then those of its profile, each in the order in
/// which [`Facts`] takes them.
const COLUMNS: [&str; 24] = [
    "subject",
    "not_before",
    "not_after",
    "is_self_signed",
    "sid",
    "san_upn",
    "is_roca",
    "public_key_sha1",
    "key_algorithm",
    "key_size_bits",
    "signature_algorithm",
    "pqc_status",
    "weak_reasons",
    "key_usage",
    "eku",
    "is_ca",
    "is_client_auth",
    "is_server_auth",
    "is_smart_card_logon",
    "attestation_policies",
    "tpm_role",
    "is_yubikey_attestation",
    "template_name",
    "template_oid",
];

impl Facts {
    fn new() -> Self {
        let columns = COLUMNS.map(|name| Place { at: CERTIFICATES.index(name).unwrap_or(usize::MAX) });
        Facts { columns }
    }

    /// What is the certificate's own.
    fn own<'s>(&self, number: usize, entry: &Entry, shown: encode::Shown<'s>) -> CertificateOwn<'s> {
        let data = |place: Place| shown.columns.get(place.at);
        let text = |place| data(place).and_then(|data: &'s Data| data.text(number));
        let micros = |place| data(place).and_then(|data| data.number(number));
        let flag = |place| data(place).and_then(|data| data.flag(number));
        let [subject, not_before, not_after, is_self_signed, sid, upn, is_roca, public_key, ..] = self.columns;
        CertificateOwn {
            sha1: entry.sha1,
            sha256: entry.sha256,
            subject: text(subject),
            not_before: micros(not_before),
            not_after: micros(not_after),
            is_self_signed: flag(is_self_signed),
            has_sid: text(sid).is_some(),
            has_upn: data(upn).is_some_and(|data| data.list(number).next().is_some()),
            is_roca: flag(is_roca) == Some(true),
            public_key: data(public_key)
                .and_then(|data| data.hash(number))
                .map_or(0, |sha1| key_ids::public_key(&sha1)),
        }
    }

    /// What certificates of one profile share.
    fn profile(&self, state: usize, shown: encode::Shown<'_>) -> CertificateProfile {
        let data = |place: Place| shown.columns.get(place.at);
        let text = |place| data(place).and_then(|data| data.text(state)).map(str::to_owned);
        let flag = |place| data(place).and_then(|data| data.flag(state));
        let list = |place| {
            let items = data(place).into_iter().flat_map(|data| data.list(state));
            items.map(|item| Text::Owned(item.to_owned())).collect::<Vec<_>>()
        };
        let [
            ..,
            algorithm,
            bits,
            signature,
            pqc,
            weak,
            usage,
            eku,
            is_ca,
            client,
            server,
            logon,
            policies,
            role,
            yubikey,
            name,
            oid,
        ] = self.columns;
        let arcs: Vec<u8> = list(policies).iter().filter_map(|name| policy_arc(name)).collect();
        let marks = Marks::new(&arcs, flag(is_ca), text(role).as_deref(), flag(yubikey) == Some(true));
        CertificateProfile {
            marks,
            key_algorithm: text(algorithm),
            key_size_bits: data(bits).and_then(|data| data.number(state)).and_then(|bits| i32::try_from(bits).ok()),
            signature_algorithm: text(signature),
            pqc_status: text(pqc),
            weak_reasons: list(weak),
            key_usage: list(usage),
            eku: list(eku),
            is_ca: flag(is_ca),
            is_client_auth: flag(client),
            is_server_auth: flag(server),
            is_smart_card_logon: flag(logon),
            template_name: text(name),
            template_oid: text(oid),
        }
    }
}
