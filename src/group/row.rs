//! One row of `observations`: from an observation, its certificate and its verdicts to columns.
//!
//! The columns come in blocks: what follows from the row's run ([`push_run`]) and from its store, claims and verdicts
//! ([`push_key`]) is pushed once a state, the rest ([`push`]) once a row. Columns of the certificate are not pushed at
//! all: they are read from the group's certificates when the group is encoded.

use std::sync::Arc;

use crate::classify::Verdicts;
use crate::client::Basis;
use crate::group::certstore::Entry;
use crate::record::{CertificateRef, Lineage, Observation, Printed, StoreLocation};
use crate::table::build;
use crate::table::columns::Observations;
use crate::walk::{Member, Source, SourceNumber};

/// Where a row comes from.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Number of the source.
    pub number: SourceNumber,
    /// The file.
    pub source: &'a Source,
    /// The member of the file, where the source is one.
    pub member: Option<&'a Arc<Member>>,
    /// Name of its format.
    pub format: &'static str,
    /// Client of records that name none.
    pub client: Option<(&'a str, Basis)>,
}

impl<'a> Origin<'a> {
    /// The `source_id` column.
    pub fn id(&self) -> &'a [u8; 16] {
        self.member.map_or(&self.source.id, |member| &member.id)
    }

    /// The `source_member` column.
    pub fn member_name(&self) -> Option<&'a str> {
        self.member.map(|member| member.name.as_str())
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
    /// The row has hashes of its own: those of the certificate that was found for it, else those it claims. Then so have
    /// all rows of its group.
    pub hashes: Option<Option<&'a Entry>>,
    /// The identity of its key, where another record tells it.
    pub key_id: Option<[u8; 16]>,
}

impl Row<'_> {
    /// The record names its certificate by a hash.
    pub fn names_certificate(&self) -> bool {
        let CertificateRef { sha1, sha256, .. } = &self.observation.certificate;
        sha1.is_some() || sha256.is_some()
    }
}

/// Adds what follows from the row's run.
pub fn push_run(c: &mut Observations, row: &Row<'_>) {
    let (collection, origin) = (&row.observation.collection, row.origin);
    c.audit.push(row.audit);
    c.client.push(row.client.map(|(client, _)| client));
    c.client_basis.push(row.client.map(|(_, basis)| basis.as_str()));
    c.collected_at.push(collection.collected_at);
    c.collector.push(collection.collector);
    c.collector_version.push(collection.collector_version);
    c.format.push(Some(row.origin.format));
    c.format_confidence.push(Some(collection.confidence.as_str()));
    c.source_id.push_with(|out| out.extend_from_slice(origin.id()));
    c.source_path.push(Some(&origin.source.path));
    c.source_member.push(origin.member_name());
}

/// Adds what follows from the row's store, claims and verdicts. Whatever is read here is part of the state
/// (`states::Keys`).
pub fn push_key(c: &mut Observations, row: &Row<'_>, verdicts: &Verdicts) {
    let o = row.observation;
    let claims = &o.claims;
    c.store_location.push(o.store_location.map(StoreLocation::as_str));
    c.store_name.push(o.store_name.as_deref());
    c.user_sid.push(o.user_sid.as_deref());
    c.certificate_basis.push(Some(row.basis));
    c.is_archived.push(claims.archived);
    c.key_presence.push(Some(verdicts.presence.as_str()));
    c.has_private_key.push(verdicts.presence.has_private_key());
    c.provider_name.push(claims.provider_name.as_deref());
    c.provider_type.push(claims.provider_type.map(i64::from));
    c.key_spec.push(claims.key_spec.map(i64::from));
    c.key_flags.push(claims.key_flags.map(i64::from));
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
}

/// Adds what is the row's own.
pub fn push(c: &mut Observations, row: &Row<'_>) {
    let o = row.observation;
    let claims = &o.claims;
    push_id(&mut c.observation_id, row.origin.id(), &o.lineage);
    if let Some(entry) = row.hashes {
        let CertificateRef { sha1, sha256, .. } = &o.certificate;
        c.thumbprint.push(entry.map(|e| &e.sha1).or(sha1.as_ref()).map(|h| &h[..]));
        c.sha256.push(entry.map(|e| &e.sha256).or(sha256.as_ref()).map(|h| &h[..]));
    }
    c.printed_subject.push(o.printed.subject.as_deref());
    c.printed_issuer.push(o.printed.issuer.as_deref());
    c.printed_serial.push(o.printed.serial.as_deref());
    c.printed_not_before.push(o.printed.not_before.as_deref());
    c.printed_not_after.push(o.printed.not_after.as_deref());
    c.friendly_name.push(claims.friendly_name.as_deref());
    c.request_originator.push(claims.request_originator.as_deref());
    c.key_encryption.push(claims.key_encryption.as_deref());
    c.key_container.push(claims.key_container.as_deref());
    c.key_path.push(claims.key_path.as_deref());
    c.key_identifier.push(claims.key_identifier.as_deref());
    c.byte_offset.push(i64::try_from(o.lineage.byte_offset).ok());
    c.record_number.push(o.lineage.record_number);
}

/// `certificate_basis` of a row whose certificate is not known.
pub fn basis_without(printed: &Printed<'_>) -> &'static str {
    let Printed { subject, issuer, serial, not_before, not_after } = printed;
    let is_printed = [subject, issuer, serial, not_before, not_after].iter().any(|text| text.is_some());
    if is_printed { "printed" } else { "none" }
}

/// Bytes of the row's own texts, which have no natural limit.
pub fn text_bytes(o: &Observation<'_>) -> usize {
    let (c, p) = (&o.claims, &o.printed);
    let claimed = [&c.key_container, &c.key_path, &c.friendly_name, &c.request_originator];
    let printed = [&p.subject, &p.issuer, &p.serial, &p.not_before, &p.not_after];
    let texts = claimed.into_iter().chain(printed);
    let identifier = c.key_identifier.as_ref().map_or(0, |id| 2 * id.len());
    texts.flatten().map(|text| text.len()).sum::<usize>() + identifier
}

/// `source_id:byte_offset[.n]`.
pub fn push_id(column: &mut build::Text, source_id: &[u8; 16], lineage: &Lineage) {
    // Written from its end, then copied at once: there are millions of ids.
    let mut id = [0; 16 + 1 + 20 + 1 + 10];
    let mut at = id.len();
    if lineage.part > 0 {
        at = put_decimal(&mut id, at, u64::from(lineage.part)) - 1;
        id[at] = b'.';
    }
    at = put_decimal(&mut id, at, lineage.byte_offset) - 1;
    id[at] = b':';
    at -= source_id.len();
    id[at..at + source_id.len()].copy_from_slice(source_id);
    column.push_ascii(&id[at..]);
}

/// Puts decimal digits in front of `end`; returns where they begin.
fn put_decimal(out: &mut [u8], end: usize, mut n: u64) -> usize {
    let mut at = end;
    loop {
        at -= 1;
        out[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            return at;
        }
    }
}
