//! Counts and what is learnt of clients: small sums that groups make and the scan adds up in order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::classify::{KeyApi, KeyPresence, KeyStorage, Verdicts};
use crate::join::client::ClientSums;
use crate::record::{Client, Text};
use crate::table::{Data, columns};
use crate::walk::Member;

/// How reading a source ended, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// To its end, as its format defines it.
    #[default]
    Complete,
    /// Nothing in it.
    Empty,
    /// To its end, but something in it, or all of it, is encrypted and no password that was given fits.
    Locked,
    /// Its end is missing; everything complete was read.
    Incomplete,
    /// Its format is known and not read yet.
    Unsupported,
    /// No known format.
    Unrecognised,
    /// It could not be opened or read.
    Failed,
}

impl Status {
    /// A reader looked at it, whatever came of that.
    pub fn is_read(self) -> bool {
        matches!(self, Status::Complete | Status::Incomplete | Status::Empty | Status::Failed)
    }

    /// The value as written to the `status` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Complete => "complete",
            Status::Empty => "empty",
            Status::Locked => "locked",
            Status::Incomplete => "incomplete",
            Status::Unsupported => "unsupported",
            Status::Unrecognised => "unrecognised",
            Status::Failed => "failed",
        }
    }
}

/// Counts of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceTally {
    /// Recognised format.
    pub format: Option<&'static str>,
    /// How reading ended; of several parts the worst.
    pub status: Status,
    /// The member, where the source is one.
    pub member: Option<Arc<Member>>,
    /// Size of the member, where it is known.
    pub bytes: Option<u64>,
    /// The member will not be heard of again. Of files nothing says so but the next one.
    pub has_ended: bool,
    /// SHA-256 of the source, if asked for.
    pub sha256: Option<[u8; 32]>,
    /// Records met.
    pub records: u64,
    /// Records that gave rows.
    pub yielded: u64,
    /// Rows of `observations`.
    pub observations: u64,
    /// Records lost.
    pub rejects: u64,
    /// Rows kept with a doubt.
    pub degraded: u64,
    /// Rows of `observations` whose client is not known.
    pub unnamed: u64,
    /// Records that give no row, by reason.
    pub skips: Vec<(&'static str, u64)>,
}

impl SourceTally {
    /// Counts one skipped record.
    pub fn skip(&mut self, reason: &'static str) {
        self.skip_many(reason, 1);
    }

    fn skip_many(&mut self, reason: &'static str, count: u64) {
        match self.skips.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, n)) => *n += count,
            None => self.skips.push((reason, count)),
        }
    }

    /// Records skipped, all reasons together.
    pub fn skipped(&self) -> u64 {
        self.skips.iter().map(|(_, n)| n).sum()
    }

    /// Adds another part of the same source, or another source to a total.
    pub fn add(&mut self, other: &SourceTally) {
        self.format = self.format.or(other.format);
        self.status = self.status.max(other.status);
        self.bytes = self.bytes.or(other.bytes);
        self.has_ended |= other.has_ended;
        self.sha256 = self.sha256.or(other.sha256);
        self.records += other.records;
        self.yielded += other.yielded;
        self.observations += other.observations;
        self.rejects += other.rejects;
        self.degraded += other.degraded;
        self.unnamed += other.unnamed;
        for (reason, count) in &other.skips {
            self.skip_many(reason, *count);
        }
    }

    /// Records = yielded + skipped + rejected.
    pub fn balances(&self) -> bool {
        self.records == self.yielded + self.skipped() + self.rejects
    }
}

/// Observations by verdict, over the whole scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    api: [u64; 16],
    storage: [u64; 16],
    presence: [u64; 16],
    hardware: [u64; 3],
    /// With a conflict in either verdict.
    pub conflicts: u64,
}

impl Counts {
    /// Counts observations with these verdicts.
    pub fn add(&mut self, v: &Verdicts, rows: u64) {
        self.api[v.api.value as usize] += rows;
        self.storage[v.storage.value as usize] += rows;
        self.presence[v.presence as usize] += rows;
        self.hardware[v.hardware_backed.map_or(2, usize::from)] += rows;
        self.conflicts += if v.api.conflict || v.storage.conflict { rows } else { 0 };
    }

    /// Adds the counts of another group.
    pub fn merge(&mut self, other: &Counts) {
        let mine = self.api.iter_mut().chain(&mut self.storage).chain(&mut self.presence).chain(&mut self.hardware);
        let theirs = other.api.iter().chain(&other.storage).chain(&other.presence).chain(&other.hardware);
        for (mine, theirs) in mine.zip(theirs) {
            *mine += theirs;
        }
        self.conflicts += other.conflicts;
    }

    /// By `key_api`, values that occur.
    pub fn by_api(&self) -> BTreeMap<&'static str, u64> {
        named(KeyApi::ALL.iter().map(|v| (v.as_str(), self.api[*v as usize])))
    }

    /// By `key_storage`, values that occur.
    pub fn by_storage(&self) -> BTreeMap<&'static str, u64> {
        named(KeyStorage::ALL.iter().map(|v| (v.as_str(), self.storage[*v as usize])))
    }

    /// By `key_presence`, values that occur.
    pub fn by_presence(&self) -> BTreeMap<&'static str, u64> {
        named(KeyPresence::ALL.iter().map(|v| (v.as_str(), self.presence[*v as usize])))
    }

    /// By `hardware_backed`, values that occur.
    pub fn by_hardware(&self) -> BTreeMap<&'static str, u64> {
        named(["false", "true", "null"].into_iter().zip(self.hardware))
    }
}

fn named(counts: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<&'static str, u64> {
    counts.filter(|(_, n)| *n > 0).collect()
}

/// Clients in one row group of `clients`.
pub const CLIENT_ROWS: usize = 8 * 1024;

/// What the latest collection says of a client.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct About<'a> {
    /// First, so that it can be read alone.
    #[serde(borrow)]
    told: Told<'a>,
    #[serde(borrow)]
    fqdn: Option<&'a str>,
    #[serde(borrow)]
    domain: Option<&'a str>,
    #[serde(borrow)]
    machine_guid: Option<&'a str>,
    #[serde(borrow)]
    smbios_uuid: Option<&'a str>,
    collected_at: Option<i64>,
    #[serde(borrow)]
    collector: Option<&'a str>,
    #[serde(borrow)]
    collector_version: Option<&'a str>,
    #[serde(borrow)]
    os_caption: Option<&'a str>,
    #[serde(borrow)]
    arch: Option<&'a str>,
    elevated: Option<bool>,
    tpm_present: Option<bool>,
    tpm_ready: Option<bool>,
    #[serde(borrow)]
    tpm_spec: Option<&'a str>,
    vbs_running: Option<bool>,
    #[serde(borrow)]
    cm_client_id: Option<&'a str>,
}

/// What rules ask of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told<'a> {
    /// Roles that its collection lists.
    #[serde(borrow)]
    pub cm_roles: Vec<&'a str>,
    /// Windows version.
    #[serde(borrow)]
    pub os_version: Option<&'a str>,
    /// Update build revision.
    pub ubr: Option<u32>,
    /// Version of the Configuration Manager client.
    #[serde(borrow)]
    pub cm_client_version: Option<&'a str>,
    /// Code of its site.
    #[serde(borrow)]
    pub cm_site_code: Option<&'a str>,
    /// DisableCapiOverrideForRSA, raw.
    pub calais_disable_capi_override: Option<u32>,
    /// It was looked for, and is not there.
    pub calais_is_absent: bool,
}

/// One client: counts by verdict and its latest description.
#[derive(Debug, Default)]
pub struct ClientTally {
    /// The [`About`], encoded: a fleet has a million of them, and each is looked at once or twice.
    about: Option<Box<[u8]>>,
    /// A machine GUID that some description gave, and an FQDN: the latest may give none.
    seen: [Option<Box<str>>; 2],
    ambiguous: bool,
    collections: u32,
    /// Collections without their end record.
    pub incomplete_collections: u32,
    rows: RowTally,
    /// Clients are joined on all threads.
    joined: Mutex<ClientSums>,
}

/// Observations by verdict, as `clients` counts them.
#[derive(Clone, Debug, Default)]
pub struct RowTally {
    observations: u64,
    with_key: u64,
    missing: u64,
    capi: u64,
    cng: u64,
    api_unknown: u64,
    software: u64,
    vbs: u64,
    hardware: u64,
    storage_unknown: u64,
    conflicts: u64,
}

/// Longest text kept of a client's description, in bytes: clients are kept in memory, all of them.
const MAX_TEXT: usize = 255;
/// Most roles kept of a client; Windows has some twenty.
const MAX_ROLES: usize = 32;
/// Most bytes of texts kept of a client, beside its names.
const MAX_TEXTS: usize = 640;

fn said<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
    text.as_deref().filter(|t| !t.is_empty()).map(clip)
}

fn clip(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_TEXT)).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

impl About<'_> {
    /// Drops what people need least where the texts are too long together; true if nothing was cut or dropped.
    fn shorten(&mut self, c: &Client<'_>) -> bool {
        let told = [&c.fqdn, &c.domain, &c.machine_guid, &c.smbios_uuid, &c.collector, &c.collector_version];
        let more = [&c.os_version, &c.os_caption, &c.arch, &c.tpm_spec, &c.cm_client_version, &c.cm_client_id];
        let texts = told.into_iter().chain(more).chain([&c.cm_site_code]).flatten().chain(&c.cm_roles);
        let (mut all, mut cut) = (0, c.cm_roles.len() > MAX_ROLES);
        for text in texts {
            all += text.len();
            cut |= text.len() > MAX_TEXT;
        }
        let kept =
            [&self.os_caption, &self.collector, &self.collector_version, &self.told.cm_client_version, &self.arch];
        let kept = kept.into_iter().flatten().chain(&self.told.cm_roles).map(|text| text.len()).sum::<usize>();
        if all > MAX_TEXTS && kept > MAX_TEXTS / 2 {
            self.told.cm_roles.clear();
            (self.os_caption, self.collector, self.collector_version) = (None, None, None);
            (self.told.cm_client_version, self.arch) = (None, None);
            cut = true;
        }
        !cut
    }
}

impl RowTally {
    /// Counts one observation.
    pub fn add(&mut self, v: &Verdicts) {
        self.observations += 1;
        self.with_key += u64::from(matches!(v.presence, KeyPresence::Opened | KeyPresence::Declared));
        self.missing += u64::from(v.presence == KeyPresence::Missing);
        self.capi += u64::from(v.api.value == KeyApi::Capi);
        self.cng += u64::from(v.api.value == KeyApi::Cng);
        self.api_unknown += u64::from(v.api.value == KeyApi::Unknown);
        self.software += u64::from(v.storage.value == KeyStorage::Software);
        self.vbs += u64::from(v.storage.value == KeyStorage::Vbs);
        self.hardware += u64::from(v.hardware_backed == Some(true));
        let has_key = !matches!(v.presence, KeyPresence::None | KeyPresence::Unknown);
        self.storage_unknown += u64::from(has_key && v.hardware_backed.is_none());
        self.conflicts += u64::from(v.api.conflict || v.storage.conflict);
    }

    pub(super) fn merge(&mut self, other: &RowTally) {
        self.observations += other.observations;
        self.with_key += other.with_key;
        self.missing += other.missing;
        self.capi += other.capi;
        self.cng += other.cng;
        self.api_unknown += other.api_unknown;
        self.software += other.software;
        self.vbs += other.vbs;
        self.hardware += other.hardware;
        self.storage_unknown += other.storage_unknown;
        self.conflicts += other.conflicts;
    }
}

impl ClientTally {
    /// Takes in a collection's header; false where it was too long to be kept whole.
    pub fn describe(&mut self, c: &Client<'_>) -> bool {
        let mut about = About {
            told: Told {
                os_version: said(&c.os_version),
                ubr: c.ubr,
                cm_client_version: said(&c.cm_client_version),
                cm_site_code: said(&c.cm_site_code),
                cm_roles: c.cm_roles.iter().take(MAX_ROLES).map(|role| clip(role)).collect(),
                calais_disable_capi_override: c.calais_disable_capi_override,
                calais_is_absent: c.calais_is_absent,
            },
            fqdn: said(&c.fqdn),
            domain: said(&c.domain),
            machine_guid: said(&c.machine_guid),
            smbios_uuid: said(&c.smbios_uuid),
            collected_at: c.collected_at,
            collector: said(&c.collector),
            collector_version: said(&c.collector_version),
            os_caption: said(&c.os_caption),
            arch: said(&c.arch),
            elevated: c.elevated,
            tpm_present: c.tpm_present,
            tpm_ready: c.tpm_ready,
            tpm_spec: said(&c.tpm_spec),
            vbs_running: c.vbs_running,
            cm_client_id: said(&c.cm_client_id),
        };
        let whole = about.shorten(c);
        self.collections += 1;
        self.identify([about.machine_guid, about.fqdn]);
        self.learn(&about);
        whole
    }

    /// One client has one machine GUID and one FQDN. Compares with any that were seen, not with the latest only:
    /// so it makes no difference where the scan was cut into groups.
    fn identify(&mut self, said: [Option<&str>; 2]) {
        for (seen, said) in self.seen.iter_mut().zip(said) {
            let Some(said) = said else { continue };
            match seen {
                Some(seen) => self.ambiguous |= !seen.eq_ignore_ascii_case(said),
                None => *seen = Some(said.into()),
            }
        }
    }

    fn joined(&self) -> MutexGuard<'_, ClientSums> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a finding that a reader made at once.
    pub fn add_finding(&mut self, status: crate::findings::Status) {
        self.joined().add_finding(status);
    }

    fn about(&self) -> Option<About<'_>> {
        self.about.as_deref().and_then(|bytes| postcard::from_bytes(bytes).ok())
    }

    /// The latest description wins; of two equally late ones the later in the order of the sources.
    fn learn(&mut self, new: &About<'_>) {
        if self.about().is_some_and(|old| old.collected_at > new.collected_at) {
            return;
        }
        // Serialising into a vector cannot fail for these types.
        self.about = postcard::to_stdvec(new).ok().map(Vec::into_boxed_slice);
    }

    /// Adds what a later group learnt.
    pub fn merge(&mut self, other: ClientTally) {
        self.ambiguous |= other.ambiguous;
        self.identify([0, 1].map(|at: usize| other.seen[at].as_deref()));
        self.collections += other.collections;
        self.incomplete_collections += other.incomplete_collections;
        self.rows.merge(&other.rows);
        self.joined().add(&other.joined());
        match (&self.about, other.about()) {
            (None, _) => self.about.clone_from(&other.about),
            (Some(_), Some(about)) => self.learn(&about),
            (Some(_), None) => {}
        }
    }
}

/// Clients by lower-case name; the empty name stands for observations whose client is not known.
#[derive(Debug, Default)]
pub struct Clients(HashMap<String, Box<ClientTally>, RandomState>);

impl Clients {
    /// The tally of this client.
    pub fn of(&mut self, client: Option<&str>) -> &mut ClientTally {
        let name = client.unwrap_or_default();
        // Makes an owned key only for the first row of a client: a fleet has some seventy rows each.
        self.0.entry_ref(name).or_default()
    }

    /// Adds the rows of one run.
    pub fn add_rows(&mut self, client: Option<&str>, rows: &RowTally) {
        // A run may turn out to have no rows; that is no reason to name its client.
        if rows.observations > 0 {
            self.of(client).rows.merge(rows);
        }
    }

    /// Adds what a later group learnt.
    pub fn merge(&mut self, other: Clients) {
        for (name, tally) in other.0 {
            self.0.entry(name).or_default().merge(*tally);
        }
    }

    /// There is such a client.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names of clients.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Fully qualified names that collections give.
    pub fn fqdns(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter_map(|tally| tally.seen[1].as_deref())
    }

    /// A client of this short name is known, and nothing says that the client of the full name is another machine.
    pub fn may_be_one(&self, short: &str, full: &str) -> bool {
        let Some(one) = self.0.get(short) else { return false };
        let disagrees = match (&one.seen[0], self.0.get(full).and_then(|tally| tally.seen[0].as_deref())) {
            (Some(a), Some(b)) => !a.eq_ignore_ascii_case(b),
            _ => false,
        };
        let is_other = one.seen[1].as_deref().is_some_and(|fqdn| !fqdn.eq_ignore_ascii_case(full));
        !disagrees && !is_other && !one.ambiguous
    }

    /// Takes in what the join found of a client; false where none of the name is known.
    pub fn add_joined(&self, client: Option<&str>, sums: &ClientSums) -> bool {
        let tally = self.0.get(client.unwrap_or_default());
        tally.inspect(|tally| tally.joined().add(sums)).is_some()
    }

    /// What the join wants to know of a client.
    pub fn told(&self, client: Option<&str>) -> Told<'_> {
        let about = self.0.get(client.unwrap_or_default()).and_then(|tally| tally.about.as_deref());
        about.and_then(|bytes| postcard::from_bytes(bytes).ok()).unwrap_or_default()
    }

    /// Clients that are known by name.
    pub fn named(&self) -> usize {
        self.0.len() - usize::from(self.0.contains_key(""))
    }

    /// Observations whose client is not known.
    pub fn unnamed_observations(&self) -> u64 {
        self.0.get("").map_or(0, |tally| tally.rows.observations)
    }

    /// All names, in order; the client that is not known has none.
    pub fn sorted(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The rows of `clients` of these names.
    pub fn rows(&self, names: &[&str], audit: Option<&str>) -> Vec<Data> {
        let mut c = columns::Clients::default();
        for (name, tally) in names.iter().filter_map(|name| self.0.get_key_value(*name)) {
            let about = tally.about().unwrap_or_default();
            c.audit.push(audit);
            c.client.push(Some(name));
            c.fqdn.push(about.fqdn);
            c.domain.push(about.domain);
            c.machine_guid.push(about.machine_guid);
            c.smbios_uuid.push(about.smbios_uuid);
            c.is_ambiguous.push(Some(tally.ambiguous));
            c.collections.push(i32::try_from(tally.collections).ok());
            c.incomplete_collections.push(i32::try_from(tally.incomplete_collections).ok());
            c.collected_at.push(about.collected_at);
            c.collector.push(about.collector);
            c.collector_version.push(about.collector_version);
            c.os_version.push(about.told.os_version);
            c.os_caption.push(about.os_caption);
            c.ubr.push(about.told.ubr.map(i64::from));
            c.arch.push(about.arch);
            c.elevated.push(about.elevated);
            c.tpm_present.push(about.tpm_present);
            c.tpm_ready.push(about.tpm_ready);
            c.tpm_spec.push(about.tpm_spec);
            c.vbs_running.push(about.vbs_running);
            c.cm_client_version.push(about.told.cm_client_version);
            c.cm_client_id.push(about.cm_client_id);
            c.cm_site_code.push(about.told.cm_site_code);
            c.cm_roles.push(&about.told.cm_roles);
            c.calais_disable_capi_override.push(about.told.calais_disable_capi_override.map(i64::from));
            let count = |n: u64| i64::try_from(n).ok();
            c.observations.push(count(tally.rows.observations));
            c.with_key.push(count(tally.rows.with_key));
            c.missing_key.push(count(tally.rows.missing));
            c.api_capi.push(count(tally.rows.capi));
            c.api_cng.push(count(tally.rows.cng));
            c.api_unknown.push(count(tally.rows.api_unknown));
            c.storage_software.push(count(tally.rows.software));
            c.storage_vbs.push(count(tally.rows.vbs));
            c.storage_hardware.push(count(tally.rows.hardware));
            c.storage_unknown.push(count(tally.rows.storage_unknown));
            c.conflicts.push(count(tally.rows.conflicts));
            let ClientSums { keys, api: [capi, cng, unknown], hardware, attested, conflicting, findings } =
                *tally.joined();
            c.keys.push(Some(i64::from(keys)));
            c.keys_capi.push(Some(i64::from(capi)));
            c.keys_cng.push(Some(i64::from(cng)));
            c.keys_api_unknown.push(Some(i64::from(unknown)));
            c.keys_hardware.push(Some(i64::from(hardware)));
            c.keys_attested.push(Some(i64::from(attested)));
            c.keys_conflicting.push(Some(i64::from(conflicting)));
            let [blocks, warns, not_known] = findings;
            c.findings_block.push(Some(i64::from(blocks)));
            c.findings_warn.push(Some(i64::from(warns)));
            c.findings_unknown.push(Some(i64::from(not_known)));
        }
        c.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_as_ambiguous_in_one_group_as_in_several() {
        let said = [(1, Some("guid-1")), (3, None), (2, Some("guid-2")), (4, None)].map(|(at, guid)| Client {
            machine_guid: guid.map(Into::into),
            collected_at: Some(at),
            ..Client::default()
        });
        for cut in 0..=said.len() {
            let mut groups = [ClientTally::default(), ClientTally::default()];
            for (at, client) in said.iter().enumerate() {
                groups[usize::from(at >= cut)].describe(client);
            }
            let [mut all, later] = groups;
            all.merge(later);
            assert!(all.ambiguous, "cut before {cut}");
            assert_eq!((all.collections, all.about().and_then(|about| about.collected_at)), (4, Some(4)));
        }
    }
}
