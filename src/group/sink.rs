//! The sink that readers push into: settles certificates, judges keys, counts, and fills groups.

use std::rc::Rc;
use std::sync::Arc;

use crate::classify::{Catalogue, Classifier};
use crate::client::Basis;
use crate::findings;
use crate::group::certstore::{Found, Lost};
use crate::group::context::Heading;
use crate::group::key_ids;
use crate::group::pending::Pending;
use crate::group::row::{self, Origin, Row};
use crate::group::tally::Status;
use crate::group::{Group, Place, RejectRow, Setting, Unchecked, mismatches};
use crate::join::note::{self, Class, Head};
use crate::join::parts::draw;
use crate::record::{
    Binding, Body, CapiUse, CertificateRef, Claims, Client, Code, KeyReport, Lineage, Observation, PrivateKey,
    Provider, Reject, Request, Seen, Severity, Sink, Stage, Template,
};
use crate::x509::Parser;

/// Longest client name accepted, in bytes: no DNS name is longer than 253 (RFC 1035 2.3.4), no NetBIOS name than 15.
const MAX_CLIENT: usize = 255;

/// The client of a row: lower-cased once a run of rows, not per row.
#[derive(Default)]
struct ClientCache {
    raw: String,
    lower: Option<Rc<str>>,
}

impl ClientCache {
    fn lower(&mut self, raw: &str) -> Option<Rc<str>> {
        if self.raw != raw {
            raw.clone_into(&mut self.raw);
            let lower = raw.trim().to_lowercase();
            self.lower = (!lower.is_empty() && lower.len() <= MAX_CLIENT).then(|| lower.into());
        }
        self.lower.clone()
    }
}

/// What a worker keeps from group to group.
pub struct Tools {
    /// The judge, with the provider names it met.
    pub classifier: Classifier,
    /// The parser, with the profiles it met.
    pub parser: Parser,
}

impl Tools {
    /// Tools that have met nothing yet.
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Tools { classifier: Classifier::new(catalogue), parser: Parser::new() }
    }
}

/// Fills groups from what a reader pushes, and hands full ones on.
pub struct GroupSink<'a> {
    group: &'a mut Box<Group>,
    setting: Setting<'a>,
    origin: Origin<'a>,
    tools: &'a mut Tools,
    clients: ClientCache,
    /// The origin's client, shared by its rows.
    given: Option<Rc<str>>,
    /// Where the last observation stands that was kept.
    kept: Option<Lineage>,
    /// The certificate of the observation at hand is settled; true between observations, too.
    checked: bool,
    /// The certificate of the last observation, if its text is kept.
    seen: Option<Seen>,
    hand_on: &'a mut dyn FnMut(Box<Group>),
    stopped: &'a dyn Fn() -> bool,
}

impl<'a> GroupSink<'a> {
    /// A sink that goes on filling `group` from `origin`.
    pub fn new(
        group: &'a mut Box<Group>,
        setting: Setting<'a>,
        origin: Origin<'a>,
        tools: &'a mut Tools,
        hand_on: &'a mut dyn FnMut(Box<Group>),
        stopped: &'a dyn Fn() -> bool,
    ) -> Self {
        GroupSink {
            group,
            setting,
            origin,
            tools,
            clients: ClientCache::default(),
            given: None,
            kept: None,
            checked: true,
            seen: None,
            hand_on,
            stopped,
        }
    }

    /// A sink for a member of this source, which goes on filling the same group.
    pub fn of_member<'s>(&'s mut self, origin: Origin<'s>) -> GroupSink<'s> {
        GroupSink::new(self.group, self.setting, origin, self.tools, self.hand_on, self.stopped)
    }

    /// The group being filled.
    pub fn group_mut(&mut self) -> &mut Box<Group> {
        self.group
    }

    /// What the worker keeps from group to group, for a part of a source that is read into another group.
    pub fn tools(&mut self) -> &mut Tools {
        self.tools
    }

    /// Names the format of what comes now.
    pub fn set_format(&mut self, format: &'static str) {
        self.origin.format = format;
    }

    /// Closes the books on this range of the source; returns the records met in it since the last group.
    pub fn end_unit(&mut self, format: Option<&'static str>, status: Status, sha256: Option<[u8; 32]>) -> u64 {
        let tally = self.group.tally(&self.origin);
        tally.format = format;
        tally.status = status;
        tally.sha256 = sha256;
        tally.records
    }

    /// Closes the books on a member of an archive, which then is not heard of again.
    pub fn end_member(
        &mut self,
        format: Option<&'static str>,
        status: Status,
        bytes: Option<u64>,
        sha256: Option<[u8; 32]>,
    ) -> u64 {
        let records = self.end_unit(format, status, sha256);
        let tally = self.group.tally(&self.origin);
        (tally.bytes, tally.has_ended) = (bytes, true);
        // Members without a row weigh, too.
        self.hand_on_if_full();
        records
    }

    /// The client of a record: its own word, else the origin's. A word that can be no name is a doubt.
    fn client_name(&mut self, raw: Option<&str>, lineage: Lineage) -> Option<(Rc<str>, Basis)> {
        match raw.and_then(|raw| self.clients.lower(raw)) {
            Some(name) => Some((name, Basis::Record)),
            None => {
                if raw.is_some_and(|raw| !raw.trim().is_empty()) {
                    let message = format!("a name of more than {MAX_CLIENT} bytes is no client");
                    let reject = Reject::degraded(lineage, Stage::Decode, Code::BadField, "client", message);
                    self.push_reject(None, reject, None);
                }
                let (name, basis) = self.origin.client?;
                let name = self.given.get_or_insert_with(|| name.into());
                Some((Rc::clone(name), basis))
            }
        }
    }

    fn push_reject(&mut self, client: Option<String>, reject: Reject, certificate: Option<u32>) {
        // A group that names a source also counts it.
        self.group.tally(&self.origin);
        self.group.text += reject.message.len() + client.as_ref().map_or(0, String::len);
        let has_row = self.kept == Some(reject.lineage);
        let place = self.place(if self.checked { 2 } else { 0 });
        let (source, member) = (self.origin.number, self.origin.member.cloned());
        self.group.rejects.push(RejectRow { source, member, client, reject, has_row, certificate, place });
    }

    fn place(&self, step: u8) -> Place {
        Place { observation: self.group.met, step }
    }

    /// Settles the certificate of a record, or says why not.
    fn certificate(&mut self, o: &Observation<'_>, client: Option<&str>, run: u32) -> Option<u32> {
        let source = self.origin.id();
        self.group.certificates.come_from(|| draw(client.map_or(&source[..], str::as_bytes)));
        let found = match o.certificate.body {
            Body::Absent => return None,
            Body::Der(bytes) => self.group.certificates.der(bytes, &mut self.tools.parser),
            Body::Again(_, Seen { group, number }) if group == self.group.id => {
                Ok(Found { number, problems: Vec::new(), trailing: 0, is_kept: true })
            }
            Body::Base64(text) | Body::Again(text, _) => self.group.certificates.base64(text, &mut self.tools.parser),
        };
        let lineage = o.lineage;
        match found {
            Ok(Found { number, problems, trailing, is_kept }) => {
                // What the store itself would look up again it may be spared; whatever is more than a look-up it does.
                self.seen = is_kept.then_some(Seen { group: self.group.id, number });
                for problem in problems {
                    let code = Code::BadCertificateField;
                    let reject = Reject::degraded(lineage, Stage::Parse, code, problem.field, problem.message);
                    self.push_reject(client.map(str::to_owned), reject, Some(number));
                }
                if trailing > 0 {
                    let message = format!("{trailing} bytes after the certificate were ignored");
                    let reject = Reject::degraded(lineage, Stage::Parse, Code::TrailingBytes, "certificate", message);
                    self.push_reject(client.map(str::to_owned), reject, None);
                }
                self.check_hashes(o, number, client, run);
                Some(number)
            }
            Err(lost) => {
                let (stage, code, message) = match lost {
                    Lost::Base64 => {
                        (Stage::Decode, Code::BadBase64, "the certificate's base64 cannot be decoded".to_owned())
                    }
                    Lost::Parse(problem) => {
                        (Stage::Parse, Code::BadCertificate, format!("{}: {}", problem.field, problem.message))
                    }
                };
                let reject = match says_more(o) {
                    true => Reject::degraded(lineage, stage, code, "certificate", message),
                    false => Reject::lost(lineage, stage, code, message),
                };
                self.push_reject(client.map(str::to_owned), reject, None);
                None
            }
        }
    }

    /// Compares the hashes that a record claims, now or when its certificate is hashed.
    fn check_hashes(&mut self, o: &Observation<'_>, number: u32, client: Option<&str>, run: u32) {
        let CertificateRef { sha1, sha256, .. } = o.certificate;
        if sha1.is_none() && sha256.is_none() {
            return;
        }
        if !self.group.certificates.is_hashed(number) {
            let (source, member, place) = (self.origin.number, self.origin.member.cloned(), self.place(1));
            let waits = Unchecked { source, member, run, lineage: o.lineage, number, sha1, sha256, place };
            return self.group.unchecked.push(waits);
        }
        for reject in mismatches(o.lineage, sha1, sha256, self.group.certificates.entry(number)) {
            self.push_reject(client.map(str::to_owned), reject, None);
        }
    }

    /// Doubts about a record come before and after its observation; both belong to its row.
    fn keep(&mut self, lineage: Lineage, client: Option<&str>) {
        self.kept = Some(lineage);
        let number = self.origin.number;
        let about = self.group.rejects.iter_mut().rev();
        for row in about.take_while(|row| row.source == number && row.reject.lineage == lineage) {
            row.has_row = true;
            row.client = client.map(str::to_owned);
        }
    }

    /// Counts a record that gives a row beside the observations.
    fn count_row(&mut self) {
        let tally = self.group.tally(&self.origin);
        tally.records += 1;
        tally.yielded += 1;
    }

    fn end_observation(&mut self) {
        self.group.hash_if_full();
        self.hand_on_if_full();
    }

    fn hand_on_if_full(&mut self) {
        if self.group.is_full() {
            let full = std::mem::replace(self.group, Group::new(self.setting));
            (self.hand_on)(full);
        }
    }
}

fn heading<'a>(setting: Setting<'a>, origin: Origin<'a>, client: &'a Option<(Rc<str>, Basis)>) -> Heading<'a> {
    let client = client.as_ref().map(|(name, basis)| (&**name, *basis));
    Heading { audit: setting.audit, client, origin }
}

/// The record names a key that it does not identify by itself.
fn names_key(claims: &Claims<'_>) -> bool {
    key_ids::container(claims).is_some() || key_ids::identified(claims).is_some()
}

/// What the record says beside its certificate is worth a row of its own.
fn says_more(o: &Observation<'_>) -> bool {
    o.certificate.sha1.is_some() || o.certificate.sha256.is_some() || o.claims.key_report == KeyReport::Claimed
}

impl Sink for GroupSink<'_> {
    fn observation(&mut self, o: &Observation<'_>) {
        self.group.met += 1;
        self.checked = false;
        self.seen = None;
        let client = self.client_name(o.client.as_deref(), o.lineage);
        let name = client.as_ref().map(|(name, _)| &**name);
        let client = client.as_ref().map(|(name, basis)| (&**name, *basis));
        let (audit, origin) = (self.setting.audit, self.origin);
        let mut row = Row { observation: o, audit, origin, client, basis: "der", hashes: None, key_id: None };
        let run = self.group.enter(&row);
        let number = self.certificate(o, name, run);
        self.checked = true;
        let lost = number.is_none() && !matches!(o.certificate.body, Body::Absent) && !says_more(o);
        let tally = self.group.tally(&self.origin);
        tally.records += 1;
        if lost {
            tally.rejects += 1;
            return self.end_observation();
        }
        tally.yielded += 1;
        tally.observations += 1;
        tally.unnamed += u64::from(client.is_none());
        self.keep(o.lineage, name);
        let pending = || Pending::new(o, self.origin.number, self.origin.format, client);
        if number.is_none() && row.names_certificate() {
            pending().encode(&mut self.group.pending);
        } else if number.is_none() && client.is_some() && names_key(&o.claims) {
            // Some other record may have the certificate of this key.
            let (listed, bytes) = &mut self.group.listed;
            *bytes += pending().encode(listed.of(note::part(&Head::of_client(Class::Client, name))));
        } else {
            if number.is_none() {
                row.basis = row::basis_without(&o.printed);
            }
            let entry = number.map(|number| (number, self.group.certificates.entry(number)));
            let marks = entry.map(|(_, entry)| entry.marks).unwrap_or_default();
            let certificate = entry.map(|(number, entry)| (number, entry.row_bytes()));
            let verdicts = self.tools.classifier.judge(&o.claims, o.collection.registry, marks);
            self.group.push(&row, run, certificate, &verdicts);
        }
        self.end_observation();
    }

    fn client(&mut self, client: &Client<'_>) {
        let name = self.client_name(client.client.as_deref(), client.lineage).map(|(name, _)| name);
        self.count_row();
        self.group.notes.client(name.as_deref());
        if !self.group.clients.of(name.as_deref()).describe(client) {
            let message = "the description of the client is too long to be kept whole";
            let reject = Reject::degraded(client.lineage, Stage::Decode, Code::TooLarge, "client", message);
            self.push_reject(name.as_deref().map(str::to_owned), reject, None);
        }
    }

    fn provider(&mut self, p: &Provider<'_>) {
        let client = self.client_name(p.client.as_deref(), p.lineage);
        self.count_row();
        self.group.clients.of(client.as_ref().map(|(name, _)| &**name));
        let known = self.tools.classifier.row(&p.name);
        self.group.notes.provider(client.as_ref().map(|(name, _)| &**name), &self.origin, p);
        self.group.context.provider(heading(self.setting, self.origin, &client), p, known);
        self.hand_on_if_full();
    }

    fn request(&mut self, r: &Request<'_>) {
        let client = self.client_name(r.client.as_deref(), r.lineage);
        self.count_row();
        self.group.notes.request(&self.origin, r);
        let known = r.provider_name.as_deref().and_then(|name| self.tools.classifier.row(name));
        self.group.context.request(heading(self.setting, self.origin, &client), r, known);
        self.hand_on_if_full();
    }

    fn binding(&mut self, b: &Binding<'_>) {
        let client = self.client_name(b.client.as_deref(), b.lineage);
        self.count_row();
        let named = client.as_ref().map(|(name, basis)| (&**name, *basis));
        if let Some((name, _)) = named {
            self.group.clients.of(Some(name));
        }
        self.group.notes.binding(named, &self.origin, b);
        self.group.context.binding(heading(self.setting, self.origin, &client), b);
        self.hand_on_if_full();
    }

    fn template(&mut self, t: &Template<'_>) {
        let client = self.client_name(t.client.as_deref(), t.lineage);
        self.count_row();
        self.group.notes.template(&self.origin, t.lineage, &crate::join::template_facts(t));
        self.group.context.template(heading(self.setting, self.origin, &client), t);
        self.hand_on_if_full();
    }

    fn capi_use(&mut self, event: &CapiUse<'_>) {
        let client = self.client_name(event.client.as_deref(), event.lineage);
        self.count_row();
        self.group.notes.capi_use(client.as_ref().map(|(name, _)| &**name), event);
        let name = client.as_ref().map(|(name, _)| &**name);
        self.group.clients.of(name).add_finding(findings::Status::Warns);
        self.group.context.capi_use(heading(self.setting, self.origin, &client), event);
        self.hand_on_if_full();
    }

    fn private_key(&mut self, key: &PrivateKey<'_>) {
        let client = self.client_name(key.client.as_deref(), key.lineage);
        self.count_row();
        self.group.clients.of(client.as_ref().map(|(name, _)| &**name)).add_finding(findings::Status::Warns);
        self.group.context.private_key(heading(self.setting, self.origin, &client), key);
        self.hand_on_if_full();
    }

    fn reject(&mut self, reject: Reject) {
        let is_lost = reject.severity == Severity::Lost;
        if is_lost {
            let tally = self.group.tally(&self.origin);
            tally.records += 1;
            tally.rejects += 1;
        }
        let client = self.origin.client.map(|(name, _)| name.to_owned());
        self.push_reject(client, reject, None);
        // A doubt stays with the row it is about, which comes before or after it.
        if is_lost {
            self.hand_on_if_full();
        }
    }

    fn skip(&mut self, reason: &'static str) {
        let tally = self.group.tally(&self.origin);
        tally.records += 1;
        tally.skip(reason);
    }

    fn incomplete(&mut self, client: Option<&str>) {
        let name = client
            .and_then(|raw| self.clients.lower(raw))
            .or_else(|| self.client_name(None, Lineage::default()).map(|(name, _)| name));
        self.group.clients.of(name.as_deref()).incomplete_collections += 1;
    }

    fn seen(&self) -> Option<Seen> {
        self.seen
    }

    fn stopped(&self) -> bool {
        (self.stopped)()
    }
}
