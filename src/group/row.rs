//! One row of `observations`: from an observation, its certificate and its verdicts to columns.

use sha2::{Digest, Sha256};

use crate::classify::{KeyPresence, Verdicts};
use crate::client::Basis;
use crate::group::certstore::Entry;
use crate::record::{CertificateRef, Lineage, Observation, Printed, StoreLocation};
use crate::table::columns::Observations;
use crate::walk::Source;

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
    /// Rows of this group may have no certificate but a claimed hash; else hashes come with the certificate.
    pub claims_hashes: bool,
}

/// Adds the row, all but the columns of its certificate.
pub fn push(c: &mut Observations, row: &Row<'_>, certificate: Option<&Entry>, verdicts: &Verdicts) {
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
    if row.claims_hashes {
        let CertificateRef { sha1, sha256, .. } = &o.certificate;
        c.thumbprint.push_hex(certificate.map(|e| &e.sha1).or(sha1.as_ref()).map(|h| &h[..]));
        c.sha256.push_hex(certificate.map(|e| &e.sha256).or(sha256.as_ref()).map(|h| &h[..]));
    }
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

/// `certificate_basis` of a row whose certificate is not known.
pub fn basis_without(printed: &Printed<'_>) -> &'static str {
    if printed.subject.is_some() || printed.issuer.is_some() { "printed" } else { "none" }
}

/// Bytes of the texts of an observation that have no natural limit.
pub fn text_bytes(o: &Observation<'_>) -> usize {
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
