//! A group on its way into the report: encoded, claimed, settled.
//!
//! Most columns do not depend on other groups and are encoded at once. What does (is a certificate new to the
//! scan, and so are its problems?) is settled after the claim, which happens in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, StringArray, UInt32Array};
use arrow::compute::{filter, take};

use crate::error::Error;
use crate::group::certstore::Entry;
use crate::group::row::push_id;
use crate::group::tally::{Clients, Counts, SourceTally};
use crate::group::{Group, RejectRow};
use crate::record::Severity;
use crate::table::Compression;
use crate::table::columns::{CERTIFICATES, CLIENTS, OBSERVATIONS, PROVIDERS, REJECTS, Rejects, SOURCES};
use crate::table::encode::{Encoder, RowGroup};
use crate::table::words::{Dictionary, NULL, Words};
use crate::table::{Data, Table};
use crate::walk::Source;

/// The encoders of all tables.
pub struct Encoders {
    /// `observations`.
    pub observations: Arc<Encoder>,
    /// `certificates`.
    pub certificates: Arc<Encoder>,
    /// `providers`.
    pub providers: Arc<Encoder>,
    /// `clients`.
    pub clients: Arc<Encoder>,
    /// `sources`.
    pub sources: Arc<Encoder>,
    /// `rejects`.
    pub rejects: Arc<Encoder>,
}

/// A group whose own columns are encoded.
pub struct Encoded {
    observations: RowGroup,
    providers: RowGroup,
    certificates: Vec<Data>,
    entries: Vec<Entry>,
    rest: Rest,
}

/// What needs no encoding by workers.
pub struct Rest {
    /// Rejects, still as rows until the claim.
    pub rejects: Vec<RejectRow>,
    /// What was learnt of clients.
    pub clients: Clients,
    /// Counts of each source touched.
    pub sources: Vec<(u32, SourceTally)>,
    /// Counts by verdict.
    pub counts: Counts,
    /// Rejects by code and severity, after the claim.
    pub reject_counts: BTreeMap<(&'static str, &'static str), u64>,
    /// Observations that wait for their certificate, encoded.
    pub pending: Vec<u8>,
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
    /// Row group of `providers`.
    pub providers: RowGroup,
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
        let new = self.entries.iter().map(|entry| is_new(&entry.sha256)).collect();
        Claimed { encoded: self, new }
    }
}

impl Encoders {
    /// Encoders for every table.
    pub fn new(compression: Compression) -> Result<Self, Error> {
        let encoder = |table: &'static Table| Encoder::new(table, compression).map(Arc::new);
        Ok(Encoders {
            observations: encoder(&OBSERVATIONS)?,
            certificates: encoder(&CERTIFICATES)?,
            providers: encoder(&PROVIDERS)?,
            clients: encoder(&CLIENTS)?,
            sources: encoder(&SOURCES)?,
            rejects: encoder(&REJECTS)?,
        })
    }

    /// Encodes what a group knows by itself.
    pub fn encode(&self, mut group: Group) -> Result<Encoded, Error> {
        let (certificates, entries) = group.certificates.finish();
        let own = group.observations.finish();
        let observations = self.observations(own, group.certificate_of, &certificates, entries.len())?;
        let providers =
            self.providers.encode(group.provider_rows, group.providers.finish().into_iter().map(Ok), false)?;
        let rest = Rest {
            rejects: group.rejects,
            clients: group.clients,
            sources: group.sources,
            counts: group.counts,
            reject_counts: BTreeMap::new(),
            pending: group.pending,
        };
        Ok(Encoded { observations, providers, certificates, entries, rest })
    }

    /// Encodes rows of `observations`: their own columns, and those gathered from `certificates`, whose columns
    /// stand in the order of that table.
    pub fn observations(
        &self,
        own: Vec<Data>,
        certificate_of: Vec<Option<u32>>,
        certificates: &[Data],
        distinct: usize,
    ) -> Result<RowGroup, Error> {
        let rows = certificate_of.len();
        // Every row its own certificate, in order: nothing to gather.
        let same = rows == distinct && certificate_of.iter().enumerate().all(|(i, c)| *c == Some(i as u32));
        let hardly_repeat = distinct * 2 > rows;
        let numbers = UInt32Array::from(certificate_of.clone());
        let columns = OBSERVATIONS.columns.iter().zip(own).map(|(column, own)| {
            if !matches!(own, Data::OfCertificate) {
                return Ok(own);
            }
            let origin = CERTIFICATES.index(column.name).and_then(|i| certificates.get(i));
            Ok(match origin {
                Some(origin) if same => origin.clone(),
                Some(Data::Words(words)) => Data::Words(words.gather(&certificate_of)),
                Some(Data::Array(array)) => match array.as_string_opt::<i32>().filter(|_| !hardly_repeat) {
                    Some(texts) => Data::Words(gather_texts(texts, &certificate_of)),
                    None => Data::Array(take(array, &numbers, None)?),
                },
                _ => return Err(Error::Encode(format!("{} has no origin", column.name))),
            })
        });
        self.observations.encode(rows, columns, hardly_repeat)
    }

    /// Encodes what the claim has settled.
    pub fn settle(&self, claimed: Claimed, audit: Option<&str>, sources: &[Source]) -> Result<Ready, Error> {
        let Claimed { encoded: Encoded { observations, providers, certificates, mut rest, .. }, new } = claimed;
        rest.rejects.retain(|row| row.certificate.is_none_or(|number| new[number as usize]));
        for row in rest.rejects.iter().filter(|row| row.reject.severity == Severity::Degraded) {
            if let Ok(at) = rest.sources.binary_search_by_key(&row.source, |(source, _)| *source) {
                rest.sources[at].1.degraded += 1;
            }
        }
        let rows = new.iter().filter(|new| **new).count();
        let all = rows == new.len();
        let mask = BooleanArray::from(new.clone());
        let columns = certificates.into_iter().map(|column| match column {
            column if all => Ok(column),
            Data::Words(words) => Ok(Data::Words(words.filter(&new))),
            Data::Array(array) => Ok(Data::Array(filter(&array, &mask)?)),
            Data::OfCertificate => Err(Error::Encode("a certificate's column has no values".to_owned())),
        });
        let certificates = self.certificates.encode(rows, columns, true)?;
        for row in &rest.rejects {
            let kind = (row.reject.code.as_str(), row.reject.severity.as_str());
            *rest.reject_counts.entry(kind).or_default() += 1;
        }
        let rejects = self.rejects(&rest.rejects, audit, sources)?;
        rest.rejects.clear();
        Ok(Ready { observations, providers, certificates, rejects, rest })
    }

    /// Encodes rows of `rejects`.
    pub fn rejects(&self, rows: &[RejectRow], audit: Option<&str>, sources: &[Source]) -> Result<RowGroup, Error> {
        let mut c = Rejects::default();
        for RejectRow { source, client, reject, has_row, .. } in rows {
            let source = &sources[*source as usize];
            c.audit.push(audit);
            match has_row {
                true => c.observation_id.push_with(|out| push_id(out, source, &reject.lineage)),
                false => c.observation_id.push(None),
            }
            c.client.push(client.as_deref());
            c.stage.push(Some(reject.stage.as_str()));
            c.code.push(Some(reject.code.as_str()));
            c.severity.push(Some(reject.severity.as_str()));
            c.field.push(reject.field.as_deref());
            c.message.push(Some(&reject.message));
            c.sample.push(reject.sample.as_deref());
            c.source_id.push_with(|out| out.extend_from_slice(&source.id));
            c.source_path.push(Some(&source.path));
            c.source_member.push(None);
            c.byte_offset.push(i64::try_from(reject.lineage.byte_offset).ok());
            c.record_number.push(reject.lineage.record_number);
        }
        self.rejects.encode(rows.len(), c.finish().into_iter().map(Ok), false)
    }
}

/// Texts by certificate become words by row: a dictionary of them all, and the certificate's number.
fn gather_texts(texts: &StringArray, certificate_of: &[Option<u32>]) -> Words {
    let number = |certificate: &Option<u32>| match certificate {
        Some(number) if texts.is_valid(*number as usize) => *number,
        _ => NULL,
    };
    Words { dictionary: Arc::new(Dictionary::from(texts)), numbers: certificate_of.iter().map(number).collect() }
}
