//! What readers push, as rows: one row group of every table, and the sink that fills it.
//!
//! A group belongs to one worker and knows nothing of other groups; what only the whole scan can tell (is this
//! certificate new? which row does this hash name?) is left open for `pipeline` and `resolve`.

use std::rc::Rc;

use sha2::{Digest, Sha256};

use crate::certstore::{CertStore, Entry, Found, Lost};
use crate::classify::{Classifier, KeyPresence, Verdicts};
use crate::client::Basis;
use crate::pending::Pending;
use crate::record::{
    Body, CertificateRef, Client, Code, KeyReport, Lineage, Observation, Provider, Reject, Severity, Sink, Stage,
    StoreLocation,
};
use crate::table::build::push_hex;
use crate::table::columns::{Observations, Providers};
use crate::tally::{Clients, Counts, SourceTally, Status};
use crate::walk::Source;

/// Rows after which a group is closed even inside its task.
pub const MAX_GROUP_ROWS: usize = 48 * 1024;
/// Bytes held after which a group is closed, unless `--max-memory` asks for less.
pub const MAX_GROUP_BYTES: usize = 96 * 1024 * 1024;

/// What a row takes beside its text, roughly.
const ROW_BYTES: usize = 512;
/// Longest client name accepted, in bytes: no DNS name is longer than 253 (RFC 1035 2.3.4), no NetBIOS name than 15.
const MAX_CLIENT: usize = 255;

/// What every group of a scan shares.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Name of the audit.
    pub audit: Option<&'a str>,
    /// Bytes after which a group is closed.
    pub max_bytes: usize,
}

/// Where a row comes from.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Index of the source in the walk.
    pub index: u32,
    /// The source.
    pub source: &'a Source,
    /// Name of its format.
    pub format: &'static str,
    /// Client of records that name none.
    pub client: Option<(&'a str, Basis)>,
}

/// A reject on its way to the table.
pub struct RejectRow {
    /// Index of the source.
    pub source: u32,
    /// Client, lower case.
    pub client: Option<String>,
    /// The reject.
    pub reject: Reject,
    /// It is about a field of the group's certificate with this number, and counts only if the certificate is
    /// new to the scan: the same certificate elsewhere has the same problem.
    pub certificate: Option<u32>,
}

/// One row group of every table.
pub struct Group {
    /// Rows of `observations`, without the columns of certificates.
    pub observations: Observations,
    /// For each row the number of its certificate in this group.
    pub certificate_of: Vec<Option<u32>>,
    /// The distinct certificates.
    pub certificates: CertStore,
    /// Rows of `providers`.
    pub providers: Providers,
    /// Rows of `providers`, counted.
    pub provider_rows: usize,
    /// Rejects.
    pub rejects: Vec<RejectRow>,
    /// What was learnt of clients.
    pub clients: Clients,
    /// Counts of each source touched, in order.
    pub sources: Vec<(u32, SourceTally)>,
    /// Counts by verdict.
    pub counts: Counts,
    /// Observations that only name their certificate, encoded.
    pub pending: Vec<u8>,
    /// Bytes of text in rows, which a hostile export can make as large as it likes.
    text: usize,
    max_bytes: usize,
}

impl Group {
    /// An empty group.
    pub fn new(setting: Setting<'_>) -> Self {
        Group {
            text: 0,
            max_bytes: setting.max_bytes,
            observations: Observations::default(),
            certificate_of: Vec::new(),
            certificates: CertStore::new(setting.audit),
            providers: Providers::default(),
            provider_rows: 0,
            rejects: Vec::new(),
            clients: Clients::default(),
            sources: Vec::new(),
            counts: Counts::default(),
            pending: Vec::new(),
        }
    }

    fn is_full(&self) -> bool {
        let rows = self.certificate_of.len() + self.provider_rows + self.rejects.len();
        let weight = self.certificates.weight() + self.pending.len() + self.text + rows * ROW_BYTES;
        rows >= MAX_GROUP_ROWS || weight >= self.max_bytes
    }

    fn tally(&mut self, source: u32) -> &mut SourceTally {
        if self.sources.last().is_none_or(|(last, _)| *last != source) {
            self.sources.push((source, SourceTally::default()));
        }
        // Just pushed where it was missing.
        let last = self.sources.len() - 1;
        &mut self.sources[last].1
    }

    /// Adds one row of `observations` whose certificate is settled, with its verdicts.
    pub fn push(&mut self, row: &Row<'_>, certificate: Option<(u32, &Entry)>, verdicts: &Verdicts) {
        push_observation(&mut self.observations, row, certificate.map(|(_, entry)| entry), verdicts);
        self.text += text_bytes(row.observation);
        self.certificate_of.push(certificate.map(|(number, _)| number));
        self.counts.add(verdicts);
        self.clients.of(row.client.map(|(client, _)| client)).add(verdicts);
    }
}

/// An observation with what the pipeline knows about its place.
pub struct Row<'a> {
    /// The observation.
    pub observation: &'a Observation<'a>,
    /// The audit's name.
    pub audit: Option<&'a str>,
    /// Where it comes from.
    pub origin: Origin<'a>,
    /// Client, lower case, and how it is known.
    pub client: Option<(&'a str, Basis)>,
    /// `certificate_basis`.
    pub basis: &'static str,
}

fn push_observation(c: &mut Observations, row: &Row<'_>, certificate: Option<&Entry>, verdicts: &Verdicts) {
    let o = row.observation;
    let claims = &o.claims;
    let source = row.origin.source;
    c.audit.push(row.audit);
    c.observation_id.push_with(|out| push_id(out, source, &o.lineage));
    c.client.push(row.client.map(|(client, _)| client));
    c.client_basis.push(row.client.map(|(_, basis)| basis.as_str()));
    c.store_location.push(o.store_location.map(StoreLocation::as_str));
    c.store_name.push(o.store_name.as_deref());
    c.user_sid.push(o.user_sid.as_deref());
    c.collected_at.push(o.collection.collected_at);
    c.collector.push(o.collection.collector);
    c.collector_version.push(o.collection.collector_version);
    let CertificateRef { sha1, sha256, .. } = &o.certificate;
    c.thumbprint.push_hex(certificate.map(|e| &e.sha1).or(sha1.as_ref()).map(|h| &h[..]));
    c.sha256.push_hex(certificate.map(|e| &e.sha256).or(sha256.as_ref()).map(|h| &h[..]));
    c.certificate_basis.push(Some(row.basis));
    c.printed_subject.push(o.printed.subject.as_deref());
    c.printed_issuer.push(o.printed.issuer.as_deref());
    c.printed_not_after.push(o.printed.not_after.as_deref());
    c.friendly_name.push(claims.friendly_name.as_deref());
    c.is_archived.push(claims.archived);
    c.request_originator.push(claims.request_originator.as_deref());
    match key_id(row, certificate, verdicts.presence) {
        Some(id) => c.key_id.push_hex(Some(&id)),
        None => c.key_id.push(None),
    }
    c.key_presence.push(Some(verdicts.presence.as_str()));
    c.has_private_key.push(verdicts.presence.has_private_key());
    c.provider_name.push(claims.provider_name.as_deref());
    c.provider_type.push(claims.provider_type.map(i64::from));
    c.key_spec.push(claims.key_spec.map(i64::from));
    c.key_flags.push(claims.key_flags.map(i64::from));
    c.key_container.push(claims.key_container.as_deref());
    c.key_path.push(claims.key_path.as_deref());
    c.key_reader.push(claims.reader.as_deref());
    c.impl_flags.push(claims.impl_flags.map(i64::from));
    c.impl_api.push(claims.impl_api.map(|api| api.as_str()));
    // Bits 1 and 2 of the NCrypt export policy allow export, encrypted or plain (ncrypt.h).
    c.is_exportable.push(claims.is_exportable.or(claims.export_policy.map(|policy| policy & 3 != 0)));
    c.key_api.push(Some(verdicts.api.value.as_str()));
    c.key_api_grade.push(verdicts.api.grade.map(|g| g.as_str()));
    c.key_api_rule.push(verdicts.api.rule);
    c.key_api_conflict.push(Some(verdicts.api.conflict));
    c.key_storage.push(Some(verdicts.storage.value.as_str()));
    c.key_storage_grade.push(verdicts.storage.grade.map(|g| g.as_str()));
    c.key_storage_rule.push(verdicts.storage.rule);
    c.key_storage_conflict.push(Some(verdicts.storage.conflict));
    c.hardware_backed.push(verdicts.hardware_backed);
    c.attestation_assurance.push(verdicts.attestation_assurance);
    c.format.push(Some(row.origin.format));
    c.source_id.push_with(|out| out.extend_from_slice(&source.id));
    c.source_path.push(Some(&source.path));
    c.source_member.push(None);
    c.byte_offset.push(i64::try_from(o.lineage.byte_offset).ok());
    c.record_number.push(o.lineage.record_number);
}

/// Bytes of the texts of an observation that have no natural limit.
fn text_bytes(o: &Observation<'_>) -> usize {
    let (c, p) = (&o.claims, &o.printed);
    let texts = [
        &o.store_name,
        &o.user_sid,
        &c.provider_name,
        &c.key_container,
        &c.key_path,
        &c.reader,
        &c.friendly_name,
        &c.request_originator,
        &p.subject,
        &p.issuer,
        &p.not_after,
    ];
    texts.into_iter().flatten().map(|text| text.len()).sum()
}

/// `source_id:byte_offset[.n]`.
pub fn push_id(out: &mut Vec<u8>, source: &Source, lineage: &Lineage) {
    out.extend_from_slice(&source.id);
    out.push(b':');
    push_decimal(out, lineage.byte_offset);
    if lineage.part > 0 {
        out.push(b'.');
        push_decimal(out, u64::from(lineage.part));
    }
}

fn push_decimal(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Identity of a key: 16 bytes of SHA-256 over client, owner and public key (thumbprint where the public key
/// is unknown, container where there is no certificate). `None` where no key is claimed.
fn key_id(row: &Row<'_>, certificate: Option<&Entry>, presence: KeyPresence) -> Option<[u8; 16]> {
    if matches!(presence, KeyPresence::None | KeyPresence::Unknown) {
        return None;
    }
    let o = row.observation;
    let mut hash = Sha256::new();
    let mut field = |tag: u8, bytes: &[u8]| {
        hash.update([tag]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    field(b'c', row.client.map_or("", |(client, _)| client).as_bytes());
    field(b'o', owner(o).as_bytes());
    if let Some(spki) = certificate.and_then(|e| e.spki_sha256) {
        field(b'k', &spki);
    } else if let Some(sha1) = certificate.map(|e| e.sha1).or(o.certificate.sha1) {
        field(b't', &sha1);
    } else if let Some(sha256) = o.certificate.sha256 {
        field(b's', &sha256);
    } else {
        field(b'p', o.claims.provider_name.as_deref().unwrap_or_default().as_bytes());
        field(b'n', o.claims.key_path.as_deref().or(o.claims.key_container.as_deref())?.as_bytes());
    }
    let digest = hash.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Some(id)
}

/// `CRYPT_MACHINE_KEYSET` and `NCRYPT_MACHINE_KEY_FLAG` (wincrypt.h, ncrypt.h).
const MACHINE_KEY: u32 = 0x20;

/// Whose key it is: a user's SID, or the machine's.
fn owner<'a>(o: &'a Observation<'_>) -> &'a str {
    let machine_flag = o.claims.key_flags.is_some_and(|flags| flags & MACHINE_KEY != 0);
    match (o.store_location, o.user_sid.as_deref()) {
        _ if machine_flag => "machine",
        (Some(StoreLocation::CurrentUser), Some(sid)) => sid,
        (Some(StoreLocation::CurrentUser), None) => "user",
        _ => "machine",
    }
}

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

/// Fills groups from what a reader pushes, and hands full ones on.
pub struct GroupSink<'a> {
    /// The group being filled.
    pub group: Group,
    setting: Setting<'a>,
    origin: Origin<'a>,
    classifier: &'a mut Classifier,
    clients: ClientCache,
    /// The origin's client, shared by its rows.
    given: Option<Rc<str>>,
    hand_on: &'a mut dyn FnMut(Group),
    stopped: &'a dyn Fn() -> bool,
}

impl<'a> GroupSink<'a> {
    /// A sink that goes on filling `group` from `origin`.
    pub fn new(
        group: Group,
        setting: Setting<'a>,
        origin: Origin<'a>,
        classifier: &'a mut Classifier,
        hand_on: &'a mut dyn FnMut(Group),
        stopped: &'a dyn Fn() -> bool,
    ) -> Self {
        GroupSink { group, setting, origin, classifier, clients: ClientCache::default(), given: None, hand_on, stopped }
    }

    /// Names the format of what comes now.
    pub fn set_format(&mut self, format: &'static str) {
        self.origin.format = format;
    }

    /// Closes the books on this range of the source; returns the records met in it since the last group.
    pub fn end_unit(&mut self, format: Option<&'static str>, status: Status, sha256: Option<[u8; 32]>) -> u64 {
        let tally = self.group.tally(self.origin.index);
        tally.format = format;
        tally.status = status;
        tally.sha256 = sha256;
        tally.records
    }

    fn client_name(&mut self, raw: Option<&str>) -> Option<(Rc<str>, Basis)> {
        match raw.and_then(|raw| self.clients.lower(raw)) {
            Some(name) => Some((name, Basis::Record)),
            None => {
                let (name, basis) = self.origin.client?;
                let name = self.given.get_or_insert_with(|| name.into());
                Some((Rc::clone(name), basis))
            }
        }
    }

    fn push_reject(&mut self, client: Option<String>, reject: Reject, certificate: Option<u32>) {
        // A group that names a source also counts it.
        self.group.tally(self.origin.index);
        self.group.text += reject.message.len() + client.as_ref().map_or(0, String::len);
        self.group.rejects.push(RejectRow { source: self.origin.index, client, reject, certificate });
    }

    /// Settles the certificate of a record, or says why not.
    fn certificate(&mut self, o: &Observation<'_>, client: Option<&str>) -> Option<u32> {
        let found = match o.certificate.body {
            Body::Absent => return None,
            Body::Der(bytes) => self.group.certificates.der(bytes),
            Body::Base64(text) => self.group.certificates.base64(text),
        };
        let lineage = o.lineage;
        let client = client.map(str::to_owned);
        match found {
            Ok(Found { number, problems, trailing }) => {
                for problem in problems {
                    let code = Code::BadCertificateField;
                    let reject = Reject::degraded(lineage, Stage::Parse, code, problem.field, problem.message);
                    self.push_reject(client.clone(), reject, Some(number));
                }
                if trailing > 0 {
                    let message = format!("{trailing} bytes after the certificate were ignored");
                    let reject = Reject::degraded(lineage, Stage::Parse, Code::TrailingBytes, "certificate", message);
                    self.push_reject(client.clone(), reject, None);
                }
                self.check_hashes(o, number, client);
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
                // What the record says beside its certificate is worth a row of its own.
                let kept = o.certificate.sha1.is_some()
                    || o.certificate.sha256.is_some()
                    || o.claims.key_report == KeyReport::Claimed;
                let reject = match kept {
                    true => Reject::degraded(lineage, stage, code, "certificate", message),
                    false => Reject::lost(lineage, stage, code, message),
                };
                self.push_reject(client, reject, None);
                None
            }
        }
    }

    fn check_hashes(&mut self, o: &Observation<'_>, number: u32, client: Option<String>) {
        let entry = self.group.certificates.entry(number);
        let wrong_sha1 = o.certificate.sha1.filter(|claimed| *claimed != entry.sha1);
        let wrong_sha256 = o.certificate.sha256.filter(|claimed| *claimed != entry.sha256);
        let rejects = [
            wrong_sha1.map(|claimed| mismatch(o.lineage, "thumbprint", &claimed)),
            wrong_sha256.map(|claimed| mismatch(o.lineage, "sha256", &claimed)),
        ];
        for reject in rejects.into_iter().flatten() {
            self.push_reject(client.clone(), reject, None);
        }
    }

    fn hand_on_if_full(&mut self) {
        if self.group.is_full() {
            let full = std::mem::replace(&mut self.group, Group::new(self.setting));
            (self.hand_on)(full);
        }
    }
}

fn is_not_record((_, basis): &(Rc<str>, Basis)) -> bool {
    *basis != Basis::Record
}

/// The reject for a claimed hash that is not the certificate's.
pub fn mismatch(lineage: Lineage, field: &'static str, claimed: &[u8]) -> Reject {
    let mut text = Vec::new();
    push_hex(&mut text, claimed);
    let message = format!("the record claims {}", String::from_utf8_lossy(&text));
    Reject::degraded(lineage, Stage::Decode, Code::HashMismatch, field, message)
}

impl Sink for GroupSink<'_> {
    fn observation(&mut self, o: &Observation<'_>) {
        let index = self.origin.index;
        let client = self.client_name(o.client.as_deref());
        if o.client.as_ref().is_some_and(|raw| raw.len() > MAX_CLIENT && client.as_ref().is_none_or(is_not_record)) {
            let message = format!("a name of more than {MAX_CLIENT} bytes is no client; the row has none of its own");
            self.push_reject(None, Reject::degraded(o.lineage, Stage::Decode, Code::BadField, "client", message), None);
        }
        let name = client.as_ref().map(|(name, _)| &**name);
        let number = self.certificate(o, name);
        let lost = number.is_none()
            && !matches!(o.certificate.body, Body::Absent)
            && o.certificate.sha1.is_none()
            && o.certificate.sha256.is_none()
            && o.claims.key_report != KeyReport::Claimed;
        let tally = self.group.tally(index);
        tally.records += 1;
        if lost {
            tally.rejects += 1;
            return;
        }
        tally.yielded += 1;
        tally.observations += 1;
        let names_a_certificate = o.certificate.sha1.is_some() || o.certificate.sha256.is_some();
        if number.is_none() && names_a_certificate {
            Pending::new(o, index, self.origin.format, client.as_ref().map(|(n, b)| (&**n, *b)))
                .encode(&mut self.group.pending);
        } else {
            let basis = match number {
                Some(_) => "der",
                None if o.printed.subject.is_some() || o.printed.issuer.is_some() => "printed",
                None => "none",
            };
            let entry = number.map(|n| (n, self.group.certificates.entry(n).clone()));
            let marks = entry.as_ref().map(|(_, e)| e.marks).unwrap_or_default();
            let verdicts = self.classifier.judge(&o.claims, o.collection.registry, marks);
            let client = client.as_ref().map(|(name, basis)| (&**name, *basis));
            let row = Row { observation: o, audit: self.setting.audit, origin: self.origin, client, basis };
            self.group.push(&row, entry.as_ref().map(|(n, e)| (*n, e)), &verdicts);
        }
        self.hand_on_if_full();
    }

    fn client(&mut self, client: &Client<'_>) {
        let name = self.client_name(client.client.as_deref()).map(|(name, _)| name);
        let tally = self.group.tally(self.origin.index);
        tally.records += 1;
        tally.yielded += 1;
        self.group.clients.of(name.as_deref()).describe(client);
    }

    fn provider(&mut self, p: &Provider<'_>) {
        let client = self.client_name(p.client.as_deref());
        let tally = self.group.tally(self.origin.index);
        tally.records += 1;
        tally.yielded += 1;
        self.group.provider_rows += 1;
        self.group.text += p.name.len() + p.image.as_ref().map_or(0, |image| image.len());
        self.group.clients.of(client.as_ref().map(|(name, _)| &**name));
        let known = self.classifier.row(&p.name);
        let c = &mut self.group.providers;
        c.audit.push(self.setting.audit);
        c.client.push(client.as_ref().map(|(name, _)| &**name));
        c.client_basis.push(client.as_ref().map(|(_, basis)| basis.as_str()));
        c.provider_name.push(Some(&p.name));
        c.api.push(p.api.map(|api| api.as_str()));
        c.provider_type.push(p.provider_type.map(i64::from));
        c.impl_flags.push(p.impl_flags.map(i64::from));
        c.impl_api.push(p.impl_api.map(|api| api.as_str()));
        c.impl_status.push(p.impl_status.as_deref());
        c.image.push(p.image.as_deref());
        c.catalogue_name.push(known.map(|row| row.name.as_str()));
        c.catalogue_match.push(known.map(|row| row.kind.as_str()));
        c.catalogue_api.push(known.map(|row| row.api.as_str()));
        c.catalogue_storage.push(known.map(|row| row.backing.as_str()));
        c.catalogue_confidence.push(known.map(|row| row.confidence.as_str()));
        c.source_id.push_with(|out| out.extend_from_slice(&self.origin.source.id));
        c.source_path.push(Some(&self.origin.source.path));
        c.source_member.push(None);
        c.byte_offset.push(i64::try_from(p.lineage.byte_offset).ok());
        c.record_number.push(p.lineage.record_number);
        self.hand_on_if_full();
    }

    fn reject(&mut self, reject: Reject) {
        if reject.severity == Severity::Lost {
            let tally = self.group.tally(self.origin.index);
            tally.records += 1;
            tally.rejects += 1;
        }
        let client = self.origin.client.map(|(name, _)| name.to_owned());
        self.push_reject(client, reject, None);
        self.hand_on_if_full();
    }

    fn skip(&mut self, reason: &'static str) {
        let tally = self.group.tally(self.origin.index);
        tally.records += 1;
        tally.skip(reason);
    }

    fn incomplete(&mut self, client: Option<&str>) {
        let name = self.client_name(client).map(|(name, _)| name);
        self.group.clients.of(name.as_deref()).incomplete_collections += 1;
    }

    fn stopped(&self) -> bool {
        (self.stopped)()
    }
}
