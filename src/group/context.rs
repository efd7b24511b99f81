//! Rows beside the observations: what an export says of providers and enrolments, and what rules find at once.

use crate::classify::Row;
use crate::client::Basis;
use crate::findings::{PRIVATE_KEY_IN_EXPORT, Status};
use crate::group::row::{Origin, push_id};
use crate::record::{Lineage, PrivateKey, Provider, Request};
use crate::table::columns::{FINDINGS, Findings, PROVIDERS, Providers, REQUESTS, Requests};
use crate::table::{Data, Table};

/// The tables whose rows come as they are read, in the order of [`Context::finish`].
pub const TABLES: [&Table; 3] = [&PROVIDERS, &REQUESTS, &FINDINGS];

/// Rows of [`TABLES`].
#[derive(Default)]
pub struct Context {
    providers: Providers,
    requests: Requests,
    findings: Findings,
    rows: [usize; TABLES.len()],
    /// Bytes of text in them.
    pub text: usize,
}

/// What every row begins with: the audit, the client and how it is known, and where the row comes from.
#[derive(Clone, Copy)]
pub struct Heading<'a> {
    /// The audit's name.
    pub audit: Option<&'a str>,
    /// Client, lower case, and how it is known.
    pub client: Option<(&'a str, Basis)>,
    /// Where it comes from.
    pub origin: Origin<'a>,
}

/// The columns that end a row: its way back to its bytes.
macro_rules! push_lineage {
    ($columns:expr, $origin:expr, $lineage:expr) => {{
        let (c, origin, lineage): (_, Origin<'_>, Lineage) = ($columns, $origin, $lineage);
        c.source_id.push_with(|out| out.extend_from_slice(origin.id()));
        c.source_path.push(Some(&origin.source.path));
        c.source_member.push(origin.member_name());
        c.byte_offset.push(i64::try_from(lineage.byte_offset).ok());
        c.record_number.push(lineage.record_number);
    }};
}

impl Context {
    /// Rows of all tables.
    pub fn rows(&self) -> usize {
        self.rows.iter().sum()
    }

    /// Columns and number of rows of each of [`TABLES`].
    pub fn finish(&mut self) -> [(usize, Vec<Data>); TABLES.len()] {
        let [providers, requests, findings] = std::mem::take(&mut self.rows);
        [(providers, self.providers.finish()), (requests, self.requests.finish()), (findings, self.findings.finish())]
    }

    /// Adds a row of `providers`; `known` is the row of the catalogue that its name matches.
    pub fn provider(&mut self, heading: Heading<'_>, p: &Provider<'_>, known: Option<&Row>) {
        self.rows[0] += 1;
        self.text += p.name.len() + p.image.as_ref().map_or(0, |image| image.len());
        let c = &mut self.providers;
        c.audit.push(heading.audit);
        c.client.push(heading.client.map(|(client, _)| client));
        c.client_basis.push(heading.client.map(|(_, basis)| basis.as_str()));
        c.provider_name.push(Some(&p.name));
        c.api.push(p.api.map(|api| api.as_str()));
        c.provider_type.push(p.provider_type.map(i64::from));
        c.impl_flags.push(p.impl_flags.map(i64::from));
        c.impl_api.push(p.impl_api.map(|api| api.as_str()));
        c.impl_status.push(p.impl_status.as_deref());
        c.image.push(p.image.as_deref());
        c.smart_card.push(p.smart_card.as_deref());
        c.catalogue_name.push(known.map(|row| row.name.as_str()));
        c.catalogue_match.push(known.map(|row| row.kind.as_str()));
        c.catalogue_api.push(known.map(|row| row.api.as_str()));
        c.catalogue_storage.push(known.map(|row| row.backing.as_str()));
        c.catalogue_confidence.push(known.map(|row| row.confidence.as_str()));
        push_lineage!(c, heading.origin, p.lineage);
    }

    /// Adds a row of `requests`; `known` is the row of the catalogue that the declared provider matches.
    pub fn request(&mut self, heading: Heading<'_>, r: &Request<'_>, known: Option<&Row>) {
        self.rows[1] += 1;
        let texts = [&r.subject, &r.requester, &r.provider_name, &r.machine, &r.user, &r.process, &r.disposition];
        let lists = [&r.san_dns, &r.san_upn, &r.san_other, &r.attributes, &r.extensions, &r.eku, &r.attestation];
        self.text += texts.into_iter().flatten().map(|text| text.len()).sum::<usize>()
            + lists.into_iter().flatten().map(|text| text.len() + 8).sum::<usize>();
        let c = &mut self.requests;
        c.audit.push(heading.audit);
        c.request_id.push_with(|out| push_id(out, heading.origin.id(), &r.lineage));
        c.client.push(heading.client.map(|(client, _)| client));
        c.client_basis.push(heading.client.map(|(_, basis)| basis.as_str()));
        c.request_kind.push(Some(r.kind.as_str()));
        c.request_number.push(r.request_number);
        c.disposition.push(r.disposition.as_deref());
        c.submitted_at.push(r.submitted_at);
        c.requester.push(r.requester.as_deref());
        c.subject.push(r.subject.as_deref());
        c.spki_sha256.push_hex(r.spki_sha256.as_ref().map(|h| &h[..]));
        c.public_key_sha1.push_hex(r.public_key_sha1.as_ref().map(|h| &h[..]));
        c.key_algorithm.push(r.key_algorithm.as_deref());
        c.key_size_bits.push(r.key_size_bits);
        c.curve.push(r.curve.as_deref());
        c.signature_algorithm.push(r.signature_algorithm.as_deref());
        c.is_signed.push(r.is_signed);
        c.san_dns.push(&r.san_dns);
        c.san_upn.push(&r.san_upn);
        c.san_other.push(&r.san_other);
        c.sid.push(r.sid.as_deref());
        c.eku.push(&r.eku);
        c.provider_name.push(r.provider_name.as_deref());
        c.key_spec.push(r.key_spec.map(i64::from));
        c.catalogue_name.push(known.map(|row| row.name.as_str()));
        c.catalogue_api.push(known.map(|row| row.api.as_str()));
        c.catalogue_storage.push(known.map(|row| row.backing.as_str()));
        c.catalogue_confidence.push(known.map(|row| row.confidence.as_str()));
        c.machine.push(r.machine.as_deref());
        c.user.push(r.user.as_deref());
        c.process.push(r.process.as_deref());
        c.client_id.push(r.client_id);
        c.os_version.push(r.os_version.as_deref());
        c.template_name.push(r.template_name.as_deref());
        c.template_oid.push(r.template_oid.as_deref());
        c.attestation.push(&r.attestation);
        c.attestation_platform.push(r.attestation_platform.as_deref());
        c.attestation_provider.push(r.attestation_provider.as_deref());
        c.is_key_archived.push(r.is_key_archived);
        c.attributes.push(&r.attributes);
        c.extensions.push(&r.extensions);
        c.renewed_thumbprint.push_hex(r.renewed_thumbprint.as_ref().map(|h| &h[..]));
        c.thumbprint.push_hex(r.issued.sha1.as_ref().map(|h| &h[..]));
        c.sha256.push_hex(r.issued.sha256.as_ref().map(|h| &h[..]));
        push_lineage!(c, heading.origin, r.lineage);
    }

    /// Adds the finding that a private key stands in an export.
    pub fn private_key(&mut self, heading: Heading<'_>, key: &PrivateKey<'_>) {
        self.rows[2] += 1;
        let rule = &PRIVATE_KEY_IN_EXPORT;
        let c = &mut self.findings;
        c.audit.push(heading.audit);
        c.rule.push(Some(rule.id));
        c.severity.push(Some(rule.severity_of(key).as_str()));
        c.status.push(Some(Status::Warns.as_str()));
        c.product.push(None);
        c.scenario.push(None);
        c.client.push(heading.client.map(|(client, _)| client));
        c.client_basis.push(heading.client.map(|(_, basis)| basis.as_str()));
        c.concerns.push(Some("private_key"));
        c.concerned.push(Some(key.kind.as_str()));
        c.observation_id.push(None);
        c.key_id.push(None);
        c.thumbprint.push(None);
        c.spki_sha256.push_hex(key.spki_sha256.as_ref().map(|h| &h[..]));
        c.message.push(Some(&rule.message_of(key)));
        c.rule_source.push(Some(rule.source));
        push_lineage!(c, heading.origin, key.lineage);
    }
}
