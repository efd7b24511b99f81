//! A group on its way into the report: encoded, claimed, settled.
//!
//! Most columns do not depend on other groups and are encoded at once. What does (is a certificate new to the
//! scan, and so are its problems?) is settled after the claim, which happens in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Error;
use crate::group::certstore::{Finished, Spent};
use crate::group::notes::Left;
use crate::group::row::push_id;
use crate::group::tally::{Clients, Counts, SourceTally};
use crate::group::{Group, RejectRow, context};
use crate::join::shelf::Shelf;
use crate::record::Severity;
use crate::table::columns::{CERTIFICATES, CLIENTS, EVIDENCE, KEYS, OBSERVATIONS, REJECTS, Rejects, SOURCES};
use crate::table::encode::{Encoder, Packer, RowGroup};
use crate::table::words::NULL;
use crate::table::{Block, Column, Compression, Data, Kind, Rows, Table};
use crate::walk::{Source, SourceNumber};

/// The encoders of all tables.
pub struct Encoders {
    /// `observations`.
    pub observations: Arc<Encoder>,
    /// `certificates`.
    pub certificates: Arc<Encoder>,
    /// `keys`.
    pub keys: Arc<Encoder>,
    /// `evidence`.
    pub evidence: Arc<Encoder>,
    /// The tables beside the observations.
    pub context: [Arc<Encoder>; context::TABLES.len()],
    /// `clients`.
    pub clients: Arc<Encoder>,
    /// `sources`.
    pub sources: Arc<Encoder>,
    /// `rejects`.
    pub rejects: Arc<Encoder>,
    /// What notes for the join share.
    pub shelf: Shelf,
}

/// A group whose own columns are encoded.
pub struct Encoded {
    /// What its certificates took.
    pub spent: Spent,
    /// Rows of `observations`.
    pub rows: usize,
    observations: RowGroup,
    context: [RowGroup; context::TABLES.len()],
    certificates: Finished,
    /// Rows and certificates are the same, in the same order.
    is_one_to_one: bool,
    rest: Rest,
}

/// Certificates whose columns rows show.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// Columns of `certificates`, in its order.
    pub columns: &'a [Data],
    /// By certificate the place of its values in columns that belong to a profile; `None`: the certificate's number.
    pub profile_of: Option<&'a [u32]>,
    /// Number of certificates.
    pub count: usize,
}

/// What needs no encoding by workers.
pub struct Rest {
    /// Rejects, still as rows until the claim.
    pub rejects: Vec<RejectRow>,
    /// What was learnt of clients.
    pub clients: Clients,
    /// Counts of each source touched.
    pub sources: Vec<(SourceNumber, SourceTally)>,
    /// Counts by verdict.
    pub counts: Counts,
    /// Rejects by code and severity, after the claim.
    pub reject_counts: BTreeMap<(&'static str, &'static str), u64>,
    /// Observations that wait for their certificate, encoded.
    pub pending: Vec<u8>,
    /// What is left for the join.
    pub left: Left,
}

/// A group that knows which of its certificates are new to the scan.
pub struct Claimed {
    encoded: Encoded,
    new: Vec<bool>,
}

/// A group that only waits for its place.
pub struct Ready {
    /// Row group of `observations`.
    pub observations: RowGroup,
    /// Row groups of the tables beside the observations.
    pub context: [RowGroup; context::TABLES.len()],
    /// Row group of `certificates`: the new ones.
    pub certificates: RowGroup,
    /// Row group of `rejects`.
    pub rejects: RowGroup,
    /// The rest.
    pub rest: Rest,
}

impl Encoded {
    /// Asks `is_new` for each certificate, in order.
    pub fn claim(self, mut is_new: impl FnMut(&[u8; 32]) -> bool) -> Claimed {
        let Finished { entries, first, .. } = &self.certificates;
        let numbers = (0..).zip(first);
        let new = numbers.zip(entries).map(|((number, first), entry)| number == *first && is_new(&entry.sha256));
        Claimed { new: new.collect(), encoded: self }
    }
}

impl Encoders {
    /// Encoders for every table.
    pub fn new(compression: Compression) -> Result<Self, Error> {
        let encoder = |table: &'static Table| Encoder::new(table, compression).map(Arc::new);
        Ok(Encoders {
            observations: encoder(&OBSERVATIONS)?,
            certificates: encoder(&CERTIFICATES)?,
            keys: encoder(&KEYS)?,
            evidence: encoder(&EVIDENCE)?,
            context: context::each(|at| encoder(context::TABLES[at]))?,
            clients: encoder(&CLIENTS)?,
            sources: encoder(&SOURCES)?,
            rejects: encoder(&REJECTS)?,
            shelf: Shelf::default(),
        })
    }

    /// The encoder of `findings`.
    pub fn findings(&self) -> &Encoder {
        &self.context[context::FINDINGS_AT]
    }

    /// What compresses the columns of every table: one a worker.
    pub fn packer(&self) -> Result<Packer, Error> {
        self.observations.packer()
    }

    /// Encodes what a group knows by itself.
    pub fn encode(&self, packer: &mut Packer, mut group: Box<Group>) -> Result<Encoded, Error> {
        group.settle(None);
        let certificates = group.certificates.finish();
        // A certificate met twice has two numbers until both are hashed.
        for number in group.certificate_of.iter_mut().filter(|number| **number != NULL) {
            *number = certificates.first[*number as usize];
        }
        let shown = Shown {
            columns: &certificates.columns,
            profile_of: Some(&certificates.profile_of),
            count: certificates.entries.len(),
        };
        let (observations, is_one_to_one) = self.observations(packer, &mut group, shown)?;
        let mut encode_context = |at: usize, (rows, columns): &(usize, Vec<Data>)| {
            self.context[at].encode(packer, *rows, same(columns), |_| None)
        };
        let rows = group.context.finish();
        let context = context::each(|at| encode_context(at, &rows[at]))?;
        let counts = group.counts();
        let left = group.leave(shown, &certificates.entries, &self.shelf);
        let rest = Rest {
            rejects: group.rejects,
            clients: group.clients,
            sources: group.sources,
            counts,
            reject_counts: BTreeMap::new(),
            pending: group.pending,
            left,
        };
        let (spent, rows) = (group.certificates.spent, group.certificate_of.len());
        Ok(Encoded { spent, rows, observations, context, certificates, is_one_to_one, rest })
    }

    /// Encodes the rows of `observations` of a settled group; true if every row shows a certificate of its own, in order.
    pub fn observations(
        &self,
        packer: &mut Packer,
        group: &mut Group,
        shown: Shown<'_>,
    ) -> Result<(RowGroup, bool), Error> {
        let of_row = &group.certificate_of;
        let rows = of_row.len();
        let is_one_to_one = rows == shown.count && of_row.iter().enumerate().all(|(i, number)| *number == i as u32);
        let profiles: Option<Vec<u32>> = shown.profile_of.map(|profile_of| {
            of_row.iter().map(|number| profile_of.get(*number as usize).copied().unwrap_or(NULL)).collect()
        });
        let own = if is_one_to_one { Rows::Same } else { Rows::Numbers(of_row) };
        let profile = profiles.as_deref().map_or(own, Rows::Numbers);
        let values = group.observations.finish();
        let columns = OBSERVATIONS.columns.iter().zip(&values).map(|(column, values)| {
            let block = column.resolved_block();
            if let Data::OfCertificate = values {
                let shown = CERTIFICATES.index(column.name).and_then(|i| shown.columns.get(i));
                let shown = shown.ok_or_else(|| Error::Encode(format!("{} has no origin", column.name)))?;
                return Ok((shown, if block == Block::Profile { profile } else { own }));
            }
            Ok((
                values,
                match block {
                    Block::Run => Rows::Numbers(&group.runs.of_row),
                    Block::Key => Rows::Numbers(&group.keys.of_row),
                    Block::Row | Block::Own | Block::Profile => Rows::Same,
                },
            ))
        });
        Ok((self.observations.encode(packer, rows, columns, |_| None)?, is_one_to_one))
    }

    /// Encodes what the claim has settled.
    pub fn settle(
        &self,
        packer: &mut Packer,
        claimed: Claimed,
        audit: Option<&str>,
        sources: &[Source],
    ) -> Result<Ready, Error> {
        let Claimed { encoded, new } = claimed;
        let Encoded { observations, context, certificates, is_one_to_one, mut rest, .. } = encoded;
        rest.rejects.retain(|row| row.certificate.is_none_or(|number| new[number as usize]));
        for row in rest.rejects.iter().filter(|row| row.reject.severity == Severity::Degraded) {
            if let Ok(at) = rest.sources.binary_search_by_key(&row.source, |(source, _)| *source) {
                rest.sources[at].1.degraded += 1;
            }
        }
        let numbers = (0..).zip(&new).filter(|(_, new)| **new);
        let kept: Vec<u32> = numbers.map(|(number, _)| number).collect();
        let all = kept.len() == new.len();
        let own = if all { Rows::Same } else { Rows::Numbers(&kept) };
        let profile_of = &certificates.profile_of;
        let profiles: Vec<u32> = kept.iter().map(|number| profile_of[*number as usize]).collect();
        let columns = CERTIFICATES.columns.iter().zip(&certificates.columns).map(|(column, values)| {
            Ok((values, if column.block == Block::Profile { Rows::Numbers(&profiles) } else { own }))
        });
        // Where rows and certificates are the same, so are their columns.
        let again = all && is_one_to_one;
        let reuse = |name: &str| {
            let shown = again.then(|| OBSERVATIONS.column(name)).flatten();
            let is_shown = |column: &&Column| matches!(column.kind, Kind::OfCertificate | Kind::OrOfCertificate);
            shown.filter(is_shown).and_then(|_| observations.chunk(name))
        };
        let certificates = self.certificates.encode(packer, kept.len(), columns, reuse)?;
        for row in &rest.rejects {
            let kind = (row.reject.code.as_str(), row.reject.severity.as_str());
            *rest.reject_counts.entry(kind).or_default() += 1;
        }
        let rejects = self.rejects(packer, &rest.rejects, audit, sources)?;
        rest.rejects.clear();
        Ok(Ready { observations, context, certificates, rejects, rest })
    }

    /// Encodes rows of `rejects`.
    pub fn rejects(
        &self,
        packer: &mut Packer,
        rows: &[RejectRow],
        audit: Option<&str>,
        sources: &[Source],
    ) -> Result<RowGroup, Error> {
        let mut c = Rejects::default();
        for RejectRow { source, member, client, reject, has_row, .. } in rows {
            let source = &sources[source.file as usize];
            let id = member.as_ref().map_or(&source.id, |member| &member.id);
            c.audit.push(audit);
            match has_row {
                true => push_id(&mut c.observation_id, id, &reject.lineage),
                false => c.observation_id.push(None),
            }
            c.client.push(client.as_deref());
            c.stage.push(Some(reject.stage.as_str()));
            c.code.push(Some(reject.code.as_str()));
            c.severity.push(Some(reject.severity.as_str()));
            c.field.push(reject.field.as_deref());
            c.message.push(Some(&reject.message));
            c.sample.push(reject.sample.as_deref());
            c.source_id.push_with(|out| out.extend_from_slice(id));
            c.source_path.push(Some(&source.path));
            c.source_member.push(member.as_ref().map(|member| member.name.as_str()));
            c.byte_offset.push(i64::try_from(reject.lineage.byte_offset).ok());
            c.record_number.push(reject.lineage.record_number);
        }
        self.rejects.encode(packer, rows.len(), same(&c.finish()), |_| None)
    }
}

/// Columns that have a value a row.
pub fn same(columns: &[Data]) -> impl Iterator<Item = Result<(&Data, Rows<'_>), Error>> {
    columns.iter().map(|column| Ok((column, Rows::Same)))
}
