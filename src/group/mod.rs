//! What readers push, as rows: one row group of every table.
//!
//! A group belongs to one worker and knows nothing of other groups; what only the whole scan can tell (is this
//! certificate new? which row does this hash name?) is left open for `report` and `resolve`.

pub mod certstore;
pub mod context;
pub mod encode;
pub mod key_ids;
pub mod notes;
pub mod pending;
pub mod row;
pub mod sink;
mod states;
pub mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::classify::Verdicts;
use crate::hex;
use crate::join::parts::Split;
use crate::join::shelf::Shelf;
use crate::record::{Code, Lineage, Reject, Stage};
use crate::table::columns::Observations;
use crate::walk::{Member, SourceNumber};
use certstore::{CertStore, Entry};
use context::Context;
use key_ids::KeyIds;
use notes::Notes;
use row::{Origin, Row};
use states::{Keys, Run, Runs};
use tally::{Clients, Counts, RowTally, SourceTally};

use crate::table::words::NULL;

/// Rows after which a group is closed even inside its task.
pub const MAX_GROUP_ROWS: usize = 48 * 1024;
/// Bytes held after which a group is closed, unless `--max-memory` asks for less.
pub const MAX_GROUP_BYTES: usize = 96 * 1024 * 1024;

/// What a row takes beside its text, roughly.
const ROW_BYTES: usize = 512;

/// What every group of a scan shares.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Name of the audit.
    pub audit: Option<&'a str>,
    /// Bytes after which a group is closed.
    pub max_bytes: usize,
    /// Recognise repeated certificates by their text.
    pub remember: bool,
    /// Keep certificates that bear on attestations, whole, so that they can be verified.
    pub attests: bool,
}

/// A reject on its way to the table.
pub struct RejectRow {
    /// Number of the source.
    pub source: SourceNumber,
    /// The member, where the source is one.
    pub member: Option<Arc<Member>>,
    /// Client, lower case.
    pub client: Option<String>,
    /// The reject.
    pub reject: Reject,
    /// The observation it is about was kept: its lineage names a row.
    pub has_row: bool,
    /// It is about a field of the group's certificate with this number, and counts only if the certificate is
    /// new to the scan: the same certificate elsewhere has the same problem.
    pub certificate: Option<u32>,
    /// Its place among the rejects of the group.
    pub place: Place,
}

/// Orders the rejects of a group: by observation, and by what came first there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    observation: u32,
    /// 0: before the claimed hashes are compared; 1: then; 2: after it.
    step: u8,
}

/// A hash that a record claims for its certificate, to be compared once the certificate is hashed.
struct Unchecked {
    source: SourceNumber,
    member: Option<Arc<Member>>,
    run: u32,
    lineage: Lineage,
    number: u32,
    sha1: Option<[u8; 20]>,
    sha256: Option<[u8; 32]>,
    place: Place,
}

/// One row group of every table.
pub struct Group {
    /// Rows of `observations`, without the columns of certificates: a value a state for columns that follow from one.
    pub observations: Observations,
    /// For each row the number of its certificate in this group, or [`NULL`].
    pub certificate_of: Vec<u32>,
    /// The collections that rows stand in.
    pub runs: Runs,
    /// The states that rows are in.
    pub keys: Keys,
    key_ids: KeyIds,
    /// What the join of the scan wants to know.
    pub notes: Notes,
    unchecked: Vec<Unchecked>,
    /// Observations met, waiting ones too.
    met: u32,
    /// The distinct certificates.
    pub certificates: CertStore,
    /// Rows beside the observations.
    pub context: Context,
    /// Rejects.
    pub rejects: Vec<RejectRow>,
    /// What was learnt of clients.
    pub clients: Clients,
    /// Counts of each source touched, by number.
    pub sources: Vec<(SourceNumber, SourceTally)>,
    /// How many of them are members of archives.
    members: usize,
    /// Observations that only name their certificate, encoded.
    pub pending: Vec<u8>,
    /// Observations that name no certificate but a container, encoded, and how many bytes they are.
    pub listed: (Split, usize),
    /// Bytes of text in rows, which a hostile export can make as large as it likes.
    pub text: usize,
    max_bytes: usize,
    /// Different from that of every other group of this process, and seen nowhere outside.
    pub id: u64,
}

static GROUPS: AtomicU64 = AtomicU64::new(0);

impl Group {
    /// An empty group; boxed, as it is large and goes from hand to hand with every source.
    pub fn new(setting: Setting<'_>) -> Box<Self> {
        Box::new(Group {
            id: GROUPS.fetch_add(1, Ordering::Relaxed),
            text: 0,
            max_bytes: setting.max_bytes,
            observations: Observations::default(),
            certificate_of: Vec::new(),
            runs: Runs::default(),
            keys: Keys::default(),
            key_ids: KeyIds::default(),
            notes: Notes::default(),
            unchecked: Vec::new(),
            met: 0,
            certificates: CertStore::new(setting.audit, setting.remember).attesting(setting.attests),
            context: Context::default(),
            rejects: Vec::new(),
            clients: Clients::default(),
            sources: Vec::new(),
            members: 0,
            pending: Vec::new(),
            listed: (Split::default(), 0),
        })
    }

    /// It is time to hand it on.
    pub fn is_full(&self) -> bool {
        let rows = self.certificate_of.len() + self.context.rows() + self.rejects.len() + self.members;
        let text = self.text + self.context.text;
        let waiting = self.pending.len() + self.listed.1;
        let weight = self.certificates.weight() + waiting + self.notes.weight() + text + rows * ROW_BYTES;
        rows >= MAX_GROUP_ROWS || weight >= self.max_bytes
    }

    /// The counts of this source.
    pub fn tally(&mut self, origin: &Origin<'_>) -> &mut SourceTally {
        let at = match self.sources.last() {
            Some((last, _)) if *last == origin.number => self.sources.len() - 1,
            _ => self.find_tally(origin),
        };
        &mut self.sources[at].1
    }

    /// The place of a source's counts, which it gets where it has none. Sources come by number, but an archive has a word
    /// to say again after its members.
    fn find_tally(&mut self, origin: &Origin<'_>) -> usize {
        let found = match self.sources.last() {
            Some((last, _)) if *last > origin.number => {
                self.sources.binary_search_by_key(&origin.number, |(number, _)| *number)
            }
            _ => Err(self.sources.len()),
        };
        found.unwrap_or_else(|at| {
            self.members += usize::from(origin.member.is_some());
            self.text += origin.member.map_or(0, |member| member.name.len());
            let tally = SourceTally { member: origin.member.cloned(), ..SourceTally::default() };
            self.sources.insert(at, (origin.number, tally));
            at
        })
    }

    /// The run that rows like this one stand in.
    pub fn enter(&mut self, row: &Row<'_>) -> u32 {
        let (run, is_new) = self.runs.enter(row);
        if is_new {
            row::push_run(&mut self.observations, row);
            let collection = &row.observation.collection;
            let texts = [
                row.client.map(|(client, _)| client),
                collection.collector,
                collection.collector_version,
                row.origin.member_name(),
            ];
            self.text += texts.into_iter().flatten().map(str::len).sum::<usize>();
        }
        run
    }

    /// Adds one row of `observations` whose certificate is settled, with its verdicts. `certificate` is a number, and the
    /// bytes that the certificate adds to a row.
    pub fn push(&mut self, row: &Row<'_>, run: u32, certificate: Option<(u32, usize)>, verdicts: &Verdicts) {
        let at = self.certificate_of.len() as u32;
        let number = certificate.map(|(number, _)| number);
        row::push(&mut self.observations, row);
        let (is_new, bytes) = self.keys.push(row, verdicts);
        if is_new {
            row::push_key(&mut self.observations, row, verdicts);
        }
        self.text += bytes;
        self.runs.push(run, verdicts);
        if self.key_ids.push(at, row, number, verdicts.presence) {
            let state = self.keys.of_row.last().copied().unwrap_or_default();
            self.notes.key(row, state, number.is_some(), verdicts.presence);
        }
        self.certificate_of.push(number.unwrap_or(NULL));
        self.text += row::text_bytes(row.observation) + certificate.map_or(0, |(_, bytes)| bytes);
    }

    /// Hashes what waits for it, where enough does.
    pub fn hash_if_full(&mut self) {
        if self.certificates.is_batch_full() || self.key_ids.is_full() {
            self.hash();
        }
    }

    fn hash(&mut self) {
        self.certificates.hash();
        self.key_ids.flush(self.certificates.entries());
        for waited in std::mem::take(&mut self.unchecked) {
            let entry = self.certificates.entry(waited.number);
            let rejects = mismatches(waited.lineage, waited.sha1, waited.sha256, entry);
            let client = self.runs.get(waited.run).client().map(str::to_owned);
            self.rejects.extend(rejects.map(|reject| RejectRow {
                source: waited.source,
                member: waited.member.clone(),
                client: client.clone(),
                reject,
                has_row: true,
                certificate: None,
                place: waited.place,
            }));
        }
    }

    /// Finishes what waits; `entries` are the certificates that rows name, where they are not the group's own.
    pub fn settle(&mut self, entries: Option<&[Entry]>) {
        match entries {
            Some(entries) => self.key_ids.flush(entries),
            None => self.hash(),
        }
        self.key_ids.write(self.certificate_of.len(), &mut self.observations.key_id);
        self.rejects.sort_by_key(|row| row.place);
        // One file a certificate makes a run a row.
        for runs in self.runs.all().chunk_by(|a, b| a.client() == b.client()) {
            let mut rows = RowTally::default();
            runs.iter().for_each(|run| rows.merge(&run.rows));
            self.clients.add_rows(runs.first().and_then(Run::client), &rows);
        }
    }

    /// What is left for the join. `shown` are the certificates that rows name, `entries` those with their hashes; the group
    /// is settled.
    pub fn leave(&mut self, shown: encode::Shown<'_>, entries: &[Entry], shelf: &Shelf) -> notes::Left {
        let attesting = self.certificates.take_attesting();
        let (listed, _) = std::mem::take(&mut self.listed);
        let Group { notes, key_ids, certificate_of, runs, .. } = self;
        let client_of = |row: u32| runs.of_row.get(row as usize).and_then(|run| runs.get(*run).client());
        notes::Left { attesting, listed, ..notes.finish(key_ids, certificate_of, client_of, shown, entries, shelf) }
    }

    /// Counts by verdict.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.keys.verdicts().for_each(|(verdicts, rows)| counts.add(verdicts, rows));
        counts
    }
}

/// Rejects for claimed hashes that are not the certificate's.
fn mismatches(
    lineage: Lineage,
    sha1: Option<[u8; 20]>,
    sha256: Option<[u8; 32]>,
    entry: &Entry,
) -> impl Iterator<Item = Reject> + use<> {
    let wrong_sha1 = sha1.filter(|claimed| *claimed != entry.sha1);
    let wrong_sha256 = sha256.filter(|claimed| *claimed != entry.sha256);
    let sha1 = wrong_sha1.map(|claimed| mismatch(lineage, "thumbprint", &claimed));
    sha1.into_iter().chain(wrong_sha256.map(|claimed| mismatch(lineage, "sha256", &claimed)))
}

/// The reject for a claimed hash that is not the certificate's.
pub fn mismatch(lineage: Lineage, field: &'static str, claimed: &[u8]) -> Reject {
    let message = format!("the record claims {}", hex::text(claimed));
    Reject::degraded(lineage, Stage::Decode, Code::HashMismatch, field, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Catalogue, Classifier, Marks};
    use crate::record::Observation;
    use crate::walk::Source;

    fn source() -> Source {
        Source { id: [b'0'; 16], path: String::new(), file: "nothing".into(), len: 0, trouble: None, special: false }
    }

    fn origin(source: &Source) -> Origin<'_> {
        Origin { number: SourceNumber::default(), source, member: None, format: "unknown", client: None }
    }

    #[test]
    fn a_large_certificate_weighs_with_every_row_that_names_it() {
        let source = source();
        let observation = Observation::default();
        let verdicts = Classifier::new(Catalogue::builtin().into()).judge(&observation.claims, &[], Marks::default());
        let rows = |der_bytes| {
            let entry = Entry { der_bytes, ..Entry::default() };
            let mut group =
                Group::new(Setting { audit: None, max_bytes: MAX_GROUP_BYTES, remember: true, attests: false });
            let origin = origin(&source);
            let row = Row {
                observation: &observation,
                audit: None,
                origin,
                client: None,
                basis: "der",
                hashes: None,
                key_id: None,
            };
            let run = group.enter(&row);
            while !group.is_full() {
                group.push(&row, run, Some((0, entry.row_bytes())), &verdicts);
            }
            group.certificate_of.len()
        };
        assert_eq!(rows(2 * 1024), MAX_GROUP_ROWS, "a usual one costs nothing");
        assert!(rows(1024 * 1024) <= MAX_GROUP_BYTES / (1000 * 1024), "{} rows", rows(1024 * 1024));
    }

    #[test]
    fn a_long_name_weighs_with_every_row_that_has_it() {
        let source = source();
        let (long, mut classifier) = ("x".repeat(200_000), Classifier::new(Catalogue::builtin().into()));
        let mut group = Group::new(Setting { audit: None, max_bytes: MAX_GROUP_BYTES, remember: true, attests: false });
        while !group.is_full() {
            let observation = Observation { store_name: Some(long.as_str().into()), ..Observation::default() };
            let verdicts = classifier.judge(&observation.claims, &[], Marks::default());
            let origin = origin(&source);
            let row = Row {
                observation: &observation,
                audit: None,
                origin,
                client: None,
                basis: "none",
                hashes: None,
                key_id: None,
            };
            let run = group.enter(&row);
            group.push(&row, run, None, &verdicts);
        }
        assert!(group.certificate_of.len() <= MAX_GROUP_BYTES / long.len() + 1, "{} rows", group.certificate_of.len());
    }
}
