//! Rows beside the observations: what an export says of providers, bindings, templates and enrolments, and what rules
//! find at once.

use crate::classify::{Row, TemplatePolicy};
use crate::client::Basis;
use crate::error::Error;
use crate::findings::{CAPI_SMART_CARD_USE, PRIVATE_KEY_IN_EXPORT, Rule, Status};
use crate::group::row::{Origin, push_id};
use crate::record::{Binding, CapiUse, Lineage, PrivateKey, Provider, Request, Template, Text};
use crate::table::columns::{
    BINDINGS, Bindings, FINDINGS, Findings, PROVIDERS, Providers, REQUESTS, Requests, TEMPLATES, Templates,
};
use crate::table::{Data, Table};

/// The tables whose rows come as they are read, in the order of [`Context::finish`].
pub const TABLES: [&Table; 5] = [&PROVIDERS, &BINDINGS, &TEMPLATES, &REQUESTS, &FINDINGS];

/// The place of `findings` among [`TABLES`].
pub const FINDINGS_AT: usize = 4;

/// Something for each of [`TABLES`], by its place among them.
pub fn each<T>(make: impl FnMut(usize) -> Result<T, Error>) -> Result<[T; TABLES.len()], Error> {
    let all: Vec<T> = (0..TABLES.len()).map(make).collect::<Result<_, _>>()?;
    Ok(<[T; TABLES.len()]>::try_from(all).unwrap_or_else(|_| unreachable!("one a table")))
}

/// Rows of [`TABLES`].
#[derive(Default)]
pub struct Context {
    providers: Providers,
    bindings: Bindings,
    templates: Templates,
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
        let [providers, bindings, templates, requests, findings] = std::mem::take(&mut self.rows);
        [
            (providers, self.providers.finish()),
            (bindings, self.bindings.finish()),
            (templates, self.templates.finish()),
            (requests, self.requests.finish()),
            (findings, self.findings.finish()),
        ]
    }

    /// Adds a row of `providers`; `known` is the row of the catalogue that its name matches.
    pub fn provider(&mut self, heading: Heading<'_>, p: &Provider<'_>, known: Option<&Row>) {
        self.rows[0] += 1;
        self.text += p.name.len() + bytes_of(&[&p.image, &p.impl_status, &p.smart_card]);
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
        c.format_confidence.push(Some(p.confidence.as_str()));
        push_lineage!(c, heading.origin, p.lineage);
    }

    /// Adds a row of `requests`; `known` is the row of the catalogue that the declared provider matches.
    pub fn request(&mut self, heading: Heading<'_>, r: &Request<'_>, known: Option<&Row>) {
        self.rows[3] += 1;
        let texts = [&r.subject, &r.requester, &r.provider_name, &r.machine, &r.user, &r.process, &r.disposition];
        let more = [&r.sid, &r.os_version, &r.template_name, &r.template_oid, &r.attestation_provider];
        let lists = [&r.san_dns, &r.san_upn, &r.san_other, &r.attributes, &r.extensions, &r.eku, &r.attestation];
        self.text += bytes_of(&texts) + bytes_of(&more) + bytes_of_lists(&lists);
        let c = &mut self.requests;
        c.audit.push(heading.audit);
        push_id(&mut c.request_id, heading.origin.id(), &r.lineage);
        c.client.push(heading.client.map(|(client, _)| client));
        c.client_basis.push(heading.client.map(|(_, basis)| basis.as_str()));
        c.request_kind.push(Some(r.kind.as_str()));
        c.request_number.push(r.request_number);
        c.disposition.push(r.disposition.as_deref());
        c.printed_submitted_at.push(r.printed_submitted_at.as_deref());
        c.requester.push(r.requester.as_deref());
        c.subject.push(r.subject.as_deref());
        c.spki_sha256.push(r.spki_sha256.as_ref().map(|h| &h[..]));
        c.public_key_sha1.push(r.public_key_sha1.as_ref().map(|h| &h[..]));
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
        c.private_key_flags.push(r.private_key_flags.map(i64::from));
        c.attestation.push(&r.attestation);
        c.attestation_platform.push(r.attestation_platform.as_deref());
        c.attestation_provider.push(r.attestation_provider.as_deref());
        c.is_key_archived.push(r.is_key_archived);
        c.attributes.push(&r.attributes);
        c.extensions.push(&r.extensions);
        c.renewed_thumbprint.push(r.renewed_thumbprint.as_ref().map(|h| &h[..]));
        c.thumbprint.push(r.issued.sha1.as_ref().map(|h| &h[..]));
        c.sha256.push(r.issued.sha256.as_ref().map(|h| &h[..]));
        c.format_confidence.push(Some(r.confidence.as_str()));
        push_lineage!(c, heading.origin, r.lineage);
    }

    /// Adds a row of `bindings`.
    pub fn binding(&mut self, heading: Heading<'_>, b: &Binding<'_>) {
        self.rows[1] += 1;
        let texts = [&b.endpoint, &b.ip, &b.sni_host, &b.store_name, &b.app_id, &b.site_name, &b.role, &b.site_code];
        self.text += bytes_of(&texts) + bytes_of(&[&b.site_version]);
        let c = &mut self.bindings;
        c.audit.push(heading.audit);
        push_id(&mut c.binding_id, heading.origin.id(), &b.lineage);
        c.client.push(heading.client.map(|(client, _)| client));
        c.client_basis.push(heading.client.map(|(_, basis)| basis.as_str()));
        c.binding_kind.push(Some(b.kind.as_str()));
        c.endpoint.push(b.endpoint.as_deref());
        c.ip.push(b.ip.as_deref());
        c.port.push(b.port.map(i32::from));
        c.sni_host.push(b.sni_host.as_deref());
        c.thumbprint.push(b.sha1.as_ref().map(|h| &h[..]));
        c.store_name.push(b.store_name.as_deref());
        c.app_id.push(b.app_id.as_deref());
        c.app_name.push(b.app_id.as_deref().and_then(application));
        c.site_name.push(b.site_name.as_deref());
        c.ssl_flags.push(b.ssl_flags.map(i64::from));
        c.role.push(b.role.as_deref());
        c.site_code.push(b.site_code.as_deref());
        c.site_version.push(b.site_version.as_deref());
        c.ssl_state.push(b.ssl_state);
        c.format_confidence.push(Some(b.confidence.as_str()));
        push_lineage!(c, heading.origin, b.lineage);
    }

    /// Adds a row of `templates`.
    pub fn template(&mut self, heading: Heading<'_>, t: &Template<'_>) {
        self.rows[2] += 1;
        let lists = [&t.providers, &t.eku, &t.application_policies, &t.issuance_policies];
        self.text += bytes_of(&[&t.name, &t.display_name, &t.oid, &t.key_algorithm, &t.hash_algorithm]);
        self.text += bytes_of_lists(&lists);
        let policy = TemplatePolicy::of(t);
        let small = |number: Option<i64>| number.and_then(|number| i32::try_from(number).ok());
        let days = |seconds: Option<i64>| small(seconds.map(|seconds| seconds / 86_400));
        let c = &mut self.templates;
        c.audit.push(heading.audit);
        push_id(&mut c.template_id, heading.origin.id(), &t.lineage);
        c.client.push(heading.client.map(|(client, _)| client));
        c.client_basis.push(heading.client.map(|(_, basis)| basis.as_str()));
        c.template_name.push(t.name.as_deref());
        c.display_name.push(t.display_name.as_deref());
        c.template_oid.push(t.oid.as_deref());
        c.schema_version.push(small(t.schema_version));
        c.major_revision.push(small(t.major_revision));
        c.minor_revision.push(small(t.minor_revision));
        c.provider_category.push(policy.provider_category.map(|category| category.as_str()));
        c.default_api.push(policy.provider_category.map(|category| category.api().as_str()));
        c.providers.push(&t.providers);
        c.any_provider.push(t.any_provider);
        c.ca_compatibility.push(policy.ca_compatibility);
        c.recipient_compatibility.push(policy.recipient_compatibility);
        c.key_algorithm.push(t.key_algorithm.as_deref());
        c.hash_algorithm.push(t.hash_algorithm.as_deref());
        c.minimal_key_size.push(small(t.minimal_key_size));
        c.key_spec.push(t.key_spec.map(i64::from));
        c.is_exportable.push(policy.is_exportable);
        c.requires_archival.push(policy.requires_archival);
        c.is_strong_protection.push(policy.is_strong_protection);
        c.uses_legacy_provider.push(policy.uses_legacy_provider);
        c.attestation.push(policy.attestation);
        c.attestation_basis.push(&policy.attestation_basis);
        c.subject_rules.push(&policy.subject_rules);
        c.san_rules.push(&policy.san_rules);
        c.eku.push(&t.eku);
        c.application_policies.push(&t.application_policies);
        c.issuance_policies.push(&t.issuance_policies);
        c.ra_signatures.push(small(t.ra_signatures));
        c.validity_days.push(days(t.validity_seconds));
        c.renewal_days.push(days(t.renewal_seconds));
        c.general_flags.push(t.general_flags.map(i64::from));
        c.private_key_flags.push(t.private_key_flags.map(i64::from));
        c.enrollment_flags.push(t.enrollment_flags.map(i64::from));
        c.name_flags.push(t.name_flags.map(i64::from));
        c.format_confidence.push(Some(t.confidence.as_str()));
        push_lineage!(c, heading.origin, t.lineage);
    }

    /// Adds the finding that a private key stands in an export.
    pub fn private_key(&mut self, heading: Heading<'_>, key: &PrivateKey<'_>) {
        let rule = &PRIVATE_KEY_IN_EXPORT;
        let severity = rule.severity_of(key);
        let message = rule.message_of(key);
        let concerned = ("private_key", Some(key.kind.as_str()));
        let hit = Hit { rule, severity: severity.as_str(), concerned, observed_at: None, message: &message };
        self.finding(heading, &hit, key.spki_sha256.as_ref(), key.lineage);
    }

    /// Adds the finding that a program used CryptoAPI for the key of a smart card.
    pub fn capi_use(&mut self, heading: Heading<'_>, event: &CapiUse<'_>) {
        self.text += bytes_of(&[&event.program]);
        let rule = &CAPI_SMART_CARD_USE;
        let concerned = ("program", event.program.as_deref());
        let message = "a program uses CryptoAPI for the RSA key of a smart card (event 624)";
        let severity = rule.severity.as_str();
        self.finding(heading, &Hit { rule, severity, concerned, observed_at: event.at, message }, None, event.lineage);
    }

    fn finding(&mut self, heading: Heading<'_>, hit: &Hit<'_>, spki_sha256: Option<&[u8; 32]>, lineage: Lineage) {
        self.rows[4] += 1;
        let c = &mut self.findings;
        c.audit.push(heading.audit);
        c.rule.push(Some(hit.rule.id));
        c.severity.push(Some(hit.severity));
        c.status.push(Some(Status::Warns.as_str()));
        c.product.push(None);
        c.scenario.push(None);
        c.client.push(heading.client.map(|(client, _)| client));
        c.client_basis.push(heading.client.map(|(_, basis)| basis.as_str()));
        c.concerns.push(Some(hit.concerned.0));
        c.concerned.push(hit.concerned.1);
        c.observation_id.push(None);
        c.key_id.push(None);
        c.thumbprint.push(None);
        c.spki_sha256.push(spki_sha256.map(|h| &h[..]));
        c.observed_at.push(hit.observed_at);
        c.message.push(Some(hit.message));
        c.rule_source.push(Some(hit.rule.source));
        push_lineage!(c, heading.origin, lineage);
    }
}

/// What a rule found at once.
struct Hit<'a> {
    rule: &'static Rule,
    severity: &'static str,
    /// Kind of thing, and the thing.
    concerned: (&'static str, Option<&'a str>),
    observed_at: Option<i64>,
    message: &'a str,
}

fn bytes_of(texts: &[&Option<Text<'_>>]) -> usize {
    texts.iter().filter_map(|text| text.as_deref()).map(str::len).sum()
}

fn bytes_of_lists(lists: &[&Vec<Text<'_>>]) -> usize {
    lists.iter().flat_map(|list| list.iter()).map(|text| text.len() + 8).sum()
}

/// Applications of bindings by their documented ids.
///
/// IIS and AD FS: `netsh http show sslcert` in Microsoft's AD FS and IIS documentation; SSTP: the RRAS documentation.
fn application(app_id: &str) -> Option<&'static str> {
    match app_id {
        "{4dc3e181-e14b-4a21-b022-59fc669b0914}" => Some("IIS"),
        "{5d89a20c-beab-4389-9447-324788eb944a}" => Some("AD FS"),
        "{ba195980-cd49-458b-9e23-c84ee0adcd75}" => Some("SSTP"),
        _ => None,
    }
}
