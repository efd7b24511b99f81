//! Rows of the join: keys, evidence and findings.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::classify::{JoinedPiece, Subject, Verdicts};
use crate::client::Basis;
use crate::error::Error;
use crate::findings::{Outcome, facts};
use crate::group::encode::Encoders;
use crate::group::row::push_id;
use crate::record::{Lineage, StoreLocation};
use crate::table::columns::{EVIDENCE, Evidence, FINDINGS, Findings, KEYS, Keys};
use crate::table::encode::RowGroup;
use crate::table::{Block, Data, Rows, Table};
use crate::walk::SourceNumber;

use super::client::{ClientSums, Judged, Seen, Whole};
use super::note::{self, Head, Origin};
use super::{Asked, Sums};

/// Rows that are made together. What many rows have in common is kept once, and each row has its number.
pub struct Tables<'a> {
    asked: &'a Asked<'a>,
    keys: Keys,
    /// Numbers of each row of `keys`: client and source, state, profile.
    key_rows: [Vec<u32>; 3],
    key_runs: Runs,
    states: u32,
    /// Numbers of profiles that have their values, by their number elsewhere.
    profiles: HashMap<(u32, Option<usize>), u32, FixedState>,
    profile_count: u32,
    evidence: Evidence,
    /// Numbers of each row of `evidence`: client and source, record, piece.
    evidence_rows: [Vec<u32>; 3],
    evidence_runs: Runs,
    records: u32,
    /// Key, place and kind of the last record.
    record: Option<([u8; 16], [u8; 16], Lineage, &'static str)>,
    pieces: u32,
    findings: Findings,
    /// Numbers of each row of `findings`: client and source, what is said.
    finding_rows: [Vec<u32>; 2],
    finding_runs: Runs,
    said: HashMap<Statement, u32, FixedState>,
    /// The last statements whose message many outcomes share, with their numbers: a message is compared by its place.
    shared: Vec<(Statement, u32)>,
    /// Rule, status and rows of each statement.
    said_times: Vec<(&'static str, &'static str, u64)>,
    sums: Sums,
    /// What was found of clients of which nothing else is known.
    pub clients: Vec<(Option<String>, ClientSums)>,
}

/// What rows of `findings` that concern different things have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Statement {
    rule: &'static str,
    status: &'static str,
    severity: &'static str,
    scenario: Option<&'static str>,
    concerns: &'static str,
    message: Arc<str>,
    source: &'static str,
}

/// Most of [`Tables::shared`].
const MAX_SHARED: usize = 32;

impl Statement {
    /// The same, and the message is the other's, not only equal to it.
    fn is_shared_with(&self, other: &Statement) -> bool {
        Arc::ptr_eq(&self.message, &other.message) && self == other
    }
}

/// The last client and source of a table's rows.
#[derive(Default)]
struct Runs {
    last: Option<(Option<String>, Option<SourceNumber>, [u8; 16])>,
    count: u32,
}

impl Runs {
    /// The number of the run, and whether it has just begun.
    fn enter(&mut self, client: Option<&str>, origin: Option<&Origin<'_>>) -> (u32, bool) {
        let (source, id) = (origin.map(|origin| origin.source), origin.map_or([0; 16], |origin| origin.source_id));
        let goes_on =
            self.last.as_ref().is_some_and(|last| (last.0.as_deref(), last.1, last.2) == (client, source, id));
        if !goes_on {
            self.last = Some((client.map(str::to_owned), source, id));
            self.count += 1;
        }
        (self.count - 1, !goes_on)
    }
}

/// Rows that were made, encoded.
pub struct Made {
    /// Rows of `keys`.
    pub keys: RowGroup,
    /// Rows of `evidence`.
    pub evidence: RowGroup,
    /// Rows of `findings`.
    pub findings: RowGroup,
    /// What they add up to.
    pub sums: Sums,
    /// What was found of clients of which nothing else is known.
    pub clients: Vec<(Option<String>, ClientSums)>,
}

/// What a row of `keys` is made from.
pub struct KeyRow<'a> {
    /// The key.
    pub head: &'a Head<'a>,
    /// Its verdict.
    pub judged: &'a Judged,
    /// Records that show it.
    pub seen: &'a [Seen<'a>],
    /// Everything else.
    pub whole: &'a Whole<'a>,
    /// How many enrolments there are of its public key.
    pub enrolments: u32,
    /// Clients with a private key of its public key.
    pub clients_with_key: u32,
}

/// What a finding concerns.
pub struct Concerned<'a> {
    /// The client.
    pub client: Option<&'a str>,
    /// How it is known.
    pub basis: Option<Basis>,
    /// The thing, for people.
    pub concerned: Option<&'a str>,
    /// The observation.
    pub observation: Option<Origin<'a>>,
    /// The key.
    pub key_id: Option<&'a [u8; 16]>,
    /// SHA-1 of the certificate.
    pub sha1: Option<[u8; 20]>,
    /// The public key.
    pub spki_sha256: Option<[u8; 32]>,
    /// Where it stands.
    pub origin: Option<Origin<'a>>,
}

/// The columns of a source, and those of a place in it.
macro_rules! push_source {
    ($columns:expr, $tables:expr, $origin:expr) => {{
        let (c, origin): (_, Option<&Origin<'_>>) = ($columns, $origin);
        let source = origin.and_then(|origin| $tables.asked.sources.get(origin.source.file as usize));
        c.source_id.push(origin.and_then(|origin| std::str::from_utf8(&origin.source_id).ok()));
        c.source_path.push(source.map(|source| source.path.as_str()));
        c.source_member.push(origin.and_then(|origin| origin.member));
    }};
}

macro_rules! push_place {
    ($columns:expr, $origin:expr) => {{
        let (c, origin): (_, Option<&Origin<'_>>) = ($columns, $origin);
        c.byte_offset.push(origin.and_then(|origin| i64::try_from(origin.lineage.byte_offset).ok()));
        c.record_number.push(origin.and_then(|origin| origin.lineage.record_number));
    }};
}

fn count(n: usize) -> Option<i32> {
    i32::try_from(n).ok()
}

/// Rows of `evidence` that a key has, mostly.
const PIECES: usize = 6;

impl<'a> Tables<'a> {
    /// No rows yet, and room for those of so many keys.
    pub fn new(asked: &'a Asked<'a>, keys: usize) -> Self {
        let mut tables = Self::empty(asked);
        let Keys { key_id, spki_sha256, thumbprint, sha256, subject, .. } = &mut tables.keys;
        for (column, bytes) in [(key_id, 16), (spki_sha256, 32), (thumbprint, 20), (sha256, 32)] {
            column.reserve(keys, bytes);
        }
        subject.reserve(keys, 48);
        let Evidence { key_id, observation_id, .. } = &mut tables.evidence;
        key_id.reserve(keys, 16);
        observation_id.reserve(keys, 40);
        tables.key_rows.iter_mut().for_each(|numbers| numbers.reserve(keys));
        tables.evidence_rows.iter_mut().for_each(|numbers| numbers.reserve(keys * PIECES));
        tables
    }

    fn empty(asked: &'a Asked<'a>) -> Self {
        Tables {
            asked,
            keys: Keys::default(),
            key_rows: Default::default(),
            key_runs: Runs::default(),
            states: 0,
            profiles: HashMap::default(),
            profile_count: 0,
            evidence: Evidence::default(),
            evidence_rows: Default::default(),
            evidence_runs: Runs::default(),
            records: 0,
            record: None,
            pieces: 0,
            findings: Findings::default(),
            finding_rows: Default::default(),
            finding_runs: Runs::default(),
            said: HashMap::default(),
            shared: Vec::new(),
            said_times: Vec::new(),
            sums: Sums::default(),
            clients: Vec::new(),
        }
    }

    /// Encodes the rows.
    pub fn finish(mut self, encoders: &Encoders) -> Result<Made, Error> {
        let mut packer = encoders.packer()?;
        for (rule, status, times) in self.said_times {
            *self.sums.findings.entry((rule, status)).or_default() += times;
        }
        let (keys, evidence, findings) = (self.keys.finish(), self.evidence.finish(), self.findings.finish());
        let [runs, states, profiles] = &self.key_rows;
        let of_keys = by_block(&KEYS, &keys, Numbers { runs, keys: states, own: &[], profiles });
        let rows = runs.len();
        let [runs, records, pieces] = &self.evidence_rows;
        let of_evidence = by_block(&EVIDENCE, &evidence, Numbers { runs, keys: pieces, own: records, profiles: &[] });
        let evidence_rows = runs.len();
        let [runs, said] = &self.finding_rows;
        let of_findings = by_block(&FINDINGS, &findings, Numbers { runs, keys: said, own: &[], profiles: &[] });
        Ok(Made {
            keys: encoders.keys.encode(&mut packer, rows, of_keys, |_| None)?,
            evidence: encoders.evidence.encode(&mut packer, evidence_rows, of_evidence, |_| None)?,
            findings: encoders.findings().encode(&mut packer, runs.len(), of_findings, |_| None)?,
            sums: self.sums,
            clients: self.clients,
        })
    }

    /// Adds a state: what rows of `keys` show of a verdict and of the record that speaks for them. Its number.
    pub fn state(
        &mut self,
        verdicts: &Verdicts,
        speaker: &Seen<'_>,
        first: Option<&Seen<'_>>,
        whole: &Whole<'_>,
    ) -> u32 {
        let claims = &speaker.state.value.claims;
        let first = first.map(|first| &first.state.value);
        let c = &mut self.keys;
        c.store_location.push(first.and_then(|state| state.store_location).map(StoreLocation::as_str));
        c.store_name.push(first.and_then(|state| state.store_name.as_deref()));
        c.key_presence.push(Some(verdicts.presence.as_str()));
        c.provider_name.push(claims.provider_name.as_deref());
        c.provider_type.push(claims.provider_type.map(i64::from));
        c.is_exportable.push(whole.is_exportable);
        c.is_in_file.push(Some(whole.is_in_file));
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
        self.states += 1;
        self.states - 1
    }

    /// Adds the values of a profile: what rows of `keys` show of certificates alike. Its number.
    fn profile(&mut self, row: &KeyRow<'_>) -> u32 {
        let certificates = &row.whole.certificates;
        let template = row.whole.template_facts.first();
        // Only one certificate has a profile of its own; several together are shown together.
        let known = match row.seen {
            [one] => one.certificate.as_ref().map(|(_, profile)| profile.number),
            _ => None,
        };
        let key = known.map(|number| (number, template.map(|template| std::ptr::from_ref(*template) as usize)));
        if let Some(number) = key.and_then(|key| self.profiles.get(&key)) {
            return *number;
        }
        let any = |flag: fn(&facts::CertificateFacts<'_>) -> Option<bool>| certificates.iter().filter_map(flag).max();
        let certificate = certificates.first();
        let c = &mut self.keys;
        let said = row.whole;
        c.key_algorithm.push(certificate.and_then(|c| c.key_algorithm).or(said.key_algorithm));
        let bits = said.key_size_bits.and_then(|bits| i32::try_from(bits).ok());
        c.key_size_bits.push(certificate.and_then(|c| c.key_size_bits).or(bits));
        c.pqc_status.push(certificate.and_then(|c| c.pqc_status));
        c.is_client_auth.push(any(|c| c.is_client_auth));
        c.is_server_auth.push(any(|c| c.is_server_auth));
        c.is_smart_card_logon.push(any(|c| c.is_smart_card_logon));
        let named = certificate.and_then(|c| c.template_name);
        c.template_name.push(named.or(template.and_then(|template| template.name.as_deref())));
        c.template_oid.push(certificate.and_then(|c| c.template_oid));
        let number = self.profile_count;
        self.profile_count += 1;
        if let Some(key) = key {
            self.profiles.insert(key, number);
        }
        number
    }

    /// Adds a row of `keys`.
    pub fn key(&mut self, row: &KeyRow<'_>) {
        let KeyRow { head, judged, seen, whole, enrolments, clients_with_key } = *row;
        let verdicts = &judged.verdicts;
        self.sums.keys += 1;
        self.sums.verdicts.add(verdicts, 1);
        let origin = seen.first().map(|seen| &seen.own.origin);
        let (run, is_new) = self.key_runs.enter(head.client, origin);
        if is_new {
            let c = &mut self.keys;
            let basis = seen.first().filter(|_| head.client.is_some()).map(|seen| note::basis(seen.state.value.basis));
            c.audit.push(self.asked.audit);
            c.client.push(head.client);
            c.client_basis.push(basis.map(|basis| basis.as_str()));
            push_source!(&mut *c, self, origin);
        }
        let profile = self.profile(row);
        let [runs, states, profiles] = &mut self.key_rows;
        runs.push(run);
        states.push(judged.state);
        profiles.push(profile);
        let certificate = whole.certificates.first();
        let sources = match seen {
            [_] => 1,
            _ => {
                let mut sources: Vec<_> = seen.iter().map(|seen| seen.own.origin.source).collect();
                sources.sort_unstable();
                sources.dedup();
                sources.len()
            }
        };
        let c = &mut self.keys;
        c.key_id.push(Some(&head.key_id));
        c.spki_sha256.push(head.spki_sha256.as_ref().map(|h| &h[..]));
        let claimed = || seen.iter().find_map(|seen| seen.own.sha1);
        c.thumbprint.push(certificate.map(|c| c.sha1).or_else(claimed).as_ref().map(|h| &h[..]));
        c.sha256.push(certificate.map(|c| &c.sha256[..]));
        c.user_sid.push(seen.first().and_then(|seen| seen.own.user_sid));
        c.subject.push(certificate.and_then(|c| c.subject));
        c.not_after.push(certificate.and_then(|c| c.not_after));
        c.certificates.push(count(whole.certificates.len()));
        c.conflict.push(judged.conflict.as_deref());
        c.attestation_status.push(whole.attestation_status);
        c.observations.push(count(seen.len()));
        c.sources.push(count(sources));
        c.enrolments.push(i32::try_from(enrolments).ok());
        c.clients_with_key.push(i32::try_from(clients_with_key).ok());
        push_place!(c, origin);
    }

    /// Adds a piece of evidence that rows can name. Its number.
    pub fn piece(&mut self, told: &JoinedPiece<'_>) -> u32 {
        let piece = &told.piece;
        let c = &mut self.evidence;
        c.subject.push(Some(match piece.subject {
            Subject::Api => "api",
            Subject::Storage => "storage",
        }));
        c.kind.push(Some(piece.kind.as_str()));
        c.rule.push(piece.rule);
        c.rank.push(piece.rank.map(i32::from));
        c.value.push(Some(&piece.value));
        c.says.push(Some(&piece.says.to_string()));
        c.outcome.push(Some(piece.outcome.as_str()));
        c.times.push(i32::try_from(told.times).ok());
        self.pieces += 1;
        self.pieces - 1
    }

    /// Adds rows of `evidence`: pieces, where they stand, and of which kind the row there is.
    pub fn evidence(
        &mut self,
        head: &Head<'_>,
        pieces: impl Iterator<Item = u32>,
        place: Option<(Origin<'_>, &'static str)>,
    ) {
        let (origin, kind) = place.unzip();
        let origin = origin.as_ref();
        let (run, is_new) = self.evidence_runs.enter(head.client, origin);
        let c = &mut self.evidence;
        if is_new {
            c.audit.push(self.asked.audit);
            c.client.push(head.client);
            push_source!(&mut *c, self, origin);
        }
        let record = origin.map(|origin| (head.key_id, origin.source_id, origin.lineage, kind.unwrap_or_default()));
        if record.is_none() || self.record != record {
            self.record = record;
            self.records += 1;
            c.key_id.push(Some(&head.key_id));
            for (column, of) in [
                (&mut c.observation_id, "observation"),
                (&mut c.request_id, "request"),
                (&mut c.template_id, "template"),
            ] {
                match origin.filter(|_| kind == Some(of)) {
                    Some(origin) => push_id(column, &origin.source_id, &origin.lineage),
                    None => column.push(None),
                }
            }
            push_place!(c, origin);
        }
        let [runs, records, all] = &mut self.evidence_rows;
        for piece in pieces {
            runs.push(run);
            records.push(self.records - 1);
            all.push(piece);
        }
    }

    /// Adds a finding.
    pub fn finding(&mut self, outcome: Outcome, of: &Concerned<'_>) {
        let Outcome { rule, status, severity, scenario, concerns, message, source, .. } = outcome;
        let (run, is_new) = self.finding_runs.enter(of.client, of.origin.as_ref());
        let c = &mut self.findings;
        if is_new {
            c.audit.push(self.asked.audit);
            c.client.push(of.client);
            push_source!(&mut *c, self, of.origin.as_ref());
        }
        let (status, severity) = (status.as_str(), severity.as_str());
        let next = self.said.len() as u32;
        let statement = Statement { rule: rule.id, status, severity, scenario, concerns, message, source };
        let is_shared = Arc::strong_count(&statement.message) > 1;
        let known = self.shared.iter().find(|(known, _)| is_shared && known.is_shared_with(&statement));
        let said = match known.map(|(_, said)| *said) {
            Some(said) => said,
            None => {
                let copy = is_shared.then(|| statement.clone());
                let said = match self.said.entry(statement) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        c.rule.push(Some(rule.id));
                        c.severity.push(Some(severity));
                        c.status.push(Some(status));
                        c.product.push(rule.product);
                        c.scenario.push(scenario);
                        c.concerns.push(Some(concerns));
                        c.observed_at.push(None);
                        c.message.push(Some(&new.key().message));
                        c.rule_source.push(Some(source));
                        *new.insert(next)
                    }
                };
                if self.shared.len() >= MAX_SHARED {
                    self.shared.clear();
                }
                self.shared.extend(copy.map(|copy| (copy, said)));
                said
            }
        };
        let [runs, all] = &mut self.finding_rows;
        runs.push(run);
        all.push(said);
        match self.said_times.get_mut(said as usize) {
            Some((.., times)) => *times += 1,
            None => self.said_times.push((rule.id, status, 1)),
        }
        c.client_basis.push(of.basis.filter(|_| of.client.is_some()).map(|basis| basis.as_str()));
        c.concerned.push(of.concerned);
        match &of.observation {
            Some(origin) => push_id(&mut c.observation_id, &origin.source_id, &origin.lineage),
            None => c.observation_id.push(None),
        }
        c.key_id.push(of.key_id.map(|id| &id[..]));
        c.thumbprint.push(of.sha1.as_ref().map(|h| &h[..]));
        c.spki_sha256.push(of.spki_sha256.as_ref().map(|h| &h[..]));
        push_place!(c, of.origin.as_ref());
    }
}

/// Numbers of rows by block.
#[derive(Clone, Copy)]
struct Numbers<'d> {
    /// Client and source.
    runs: &'d [u32],
    /// What is said.
    keys: &'d [u32],
    /// The record that says it.
    own: &'d [u32],
    profiles: &'d [u32],
}

/// Each column with the numbers that its block has.
fn by_block<'d>(
    table: &'static Table,
    columns: &'d [Data],
    numbers: Numbers<'d>,
) -> impl Iterator<Item = Result<(&'d Data, Rows<'d>), Error>> {
    table.columns.iter().zip(columns).map(move |(column, data)| {
        let rows = match column.block {
            Block::Run => Rows::Numbers(numbers.runs),
            Block::Key => Rows::Numbers(numbers.keys),
            Block::Own => Rows::Numbers(numbers.own),
            Block::Profile => Rows::Numbers(numbers.profiles),
            Block::Row => Rows::Same,
        };
        Ok((data, rows))
    })
}
