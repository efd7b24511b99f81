//! What readers push, as rows: one row group of every table.
//!
//! A group belongs to one worker and knows nothing of other groups; what only the whole scan can tell (is this
//! certificate new? which row does this hash name?) is left open for `report` and `resolve`.

pub mod certstore;
pub mod encode;
pub mod pending;
pub mod row;
pub mod sink;
pub mod tally;

use crate::classify::Verdicts;
use crate::record::Reject;
use crate::table::columns::{Observations, Providers};
use certstore::{CertStore, Entry};
use row::Row;
use tally::{Clients, Counts, SourceTally};

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
}

/// A reject on its way to the table.
pub struct RejectRow {
    /// Index of the source.
    pub source: u32,
    /// Client, lower case.
    pub client: Option<String>,
    /// The reject.
    pub reject: Reject,
    /// The observation it is about was kept: its lineage names a row.
    pub has_row: bool,
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
    pub text: usize,
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

    /// It is time to hand it on.
    pub fn is_full(&self) -> bool {
        let rows = self.certificate_of.len() + self.provider_rows + self.rejects.len();
        let weight = self.certificates.weight() + self.pending.len() + self.text + rows * ROW_BYTES;
        rows >= MAX_GROUP_ROWS || weight >= self.max_bytes
    }

    /// The counts of this source.
    pub fn tally(&mut self, source: u32) -> &mut SourceTally {
        if self.sources.last().is_none_or(|(last, _)| *last != source) {
            self.sources.push((source, SourceTally::default()));
        }
        // Just pushed where it was missing.
        let last = self.sources.len() - 1;
        &mut self.sources[last].1
    }

    /// Adds one row of `observations` whose certificate is settled, with its verdicts.
    pub fn push(&mut self, row: &Row<'_>, certificate: Option<(u32, &Entry)>, verdicts: &Verdicts) {
        row::push(&mut self.observations, row, certificate.map(|(_, entry)| entry), verdicts);
        self.text += row::text_bytes(row.observation) + certificate.map_or(0, |(_, entry)| entry.row_bytes());
        self.certificate_of.push(certificate.map(|(number, _)| number));
        self.counts.add(verdicts);
        self.clients.of(row.client.map(|(client, _)| client)).add(verdicts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Catalogue, Classifier, Marks};
    use crate::record::Observation;
    use crate::walk::Source;

    #[test]
    fn a_large_certificate_weighs_with_every_row_that_names_it() {
        let source = Source {
            id: [b'0'; 16],
            path: String::new(),
            file: "nothing".into(),
            len: 0,
            trouble: None,
            special: false,
        };
        let observation = Observation::default();
        let verdicts = Classifier::new(Catalogue::builtin().into()).judge(&observation.claims, &[], Marks::default());
        let rows = |der_bytes| {
            let entry = Entry { sha256: [0; 32], sha1: [0; 20], spki_sha256: None, marks: Marks::default(), der_bytes };
            let mut group = Group::new(Setting { audit: None, max_bytes: MAX_GROUP_BYTES });
            let origin = row::Origin { index: 0, source: &source, format: "unknown", client: None };
            let row = Row {
                observation: &observation,
                audit: None,
                origin,
                client: None,
                basis: "der",
                claims_hashes: false,
            };
            while !group.is_full() {
                group.push(&row, Some((0, &entry)), &verdicts);
            }
            group.certificate_of.len()
        };
        assert_eq!(rows(2 * 1024), MAX_GROUP_ROWS, "a usual one costs nothing");
        assert!(rows(1024 * 1024) <= MAX_GROUP_BYTES / (1000 * 1024), "{} rows", rows(1024 * 1024));
    }
}
