//! The reader of census/1 lines: what each record type becomes.
//!
//! Nothing here is judged. `null` and a missing key differ only for `key_prov_info`: null means that the collector
//! looked and the certificate has no such property.

use std::borrow::Cow;
use std::ops::Range;

use crate::record::{
    Acquire, Binding, BindingKind, Body, CertificateRef, Claims, Client, Code, KeyAlgorithm, KeyReport, Lineage,
    Observation, Provider, Reject, Sink, Stage, StoreLocation,
};

use super::convert;
use super::fields::{Field, Fields};
use super::record::{Record, describe};
use super::run::{Run, Type};
use super::tails::{Plain, Tail};

/// Reads census lines one after the other.
#[derive(Debug, Default)]
pub(super) struct Census {
    run: Run,
    /// Degraded rejects of the line at hand; kept for its allocation.
    doubts: Vec<Reject>,
    /// Base64 that had to be cleaned; kept for its allocation.
    scratch: Vec<u8>,
    incomplete: bool,
}

/// What became of a line.
enum Fate {
    /// A row was pushed: its doubts follow it.
    Kept,
    /// Understood, and no row.
    Skipped(&'static str),
    /// The record is lost.
    Lost(Reject),
}

impl Census {
    /// One line that is an object. `line` is its text, for samples. With a tail the fields are those before it, and the
    /// line [is a certificate](is_certificate).
    pub(super) fn record(
        &mut self,
        fields: Fields<'_, '_>,
        tail: Option<&Tail>,
        line: &[u8],
        offset: u64,
        sink: &mut dyn Sink,
    ) {
        if !fields.is_census() {
            self.run.unreadable();
            let message = format!("a census/1 record was expected; schema is {}", describe(fields.get(Field::Schema)));
            let mut reject = Reject::lost(Lineage::at(offset), Stage::Decode, Code::BadField, message);
            reject.field = Some(Field::Schema.path().into());
            return sink.reject(reject.with_sample(line));
        }
        self.doubts.clear();
        let Census { run, doubts, scratch, incomplete } = self;
        let mut record = Record { fields, lineage: Lineage::at(offset), doubts };
        let seq = record.sequence();
        record.lineage.record_number = seq;
        *incomplete |= !run.enter(fields, record.lineage, sink);
        run.number(seq.and_then(|seq| u64::try_from(seq).ok()), record.lineage, sink);
        let kind = record.get(Field::Type).text();
        let fate = match kind.as_deref().map(|name| (name, Type::parse(name))) {
            Some((_, Some(kind))) => {
                run.count(kind);
                match kind {
                    Type::Certificate => match tail {
                        Some(tail) => certificate_again(&mut record, tail, run, sink),
                        None => certificate(&mut record, run, scratch, sink),
                    },
                    Type::Key => key(&mut record, run, sink),
                    Type::Client => client(&mut record, run, sink),
                    Type::Provider => provider(&mut record, run, sink),
                    Type::Binding => binding(&mut record, sink),
                    Type::Error => Fate::Lost(collector_error(&record)),
                    Type::End => {
                        run.end(fields, record.lineage, sink);
                        Fate::Skipped("end")
                    }
                }
            }
            Some((name, None)) => {
                let message = format!("unknown record type \"{}\"", convert::quote(name));
                Fate::Lost(lost(&record, Code::UnknownType, Field::Type, message))
            }
            None => {
                let message = format!("the record has no type: {} in its place", describe(record.get(Field::Type)));
                Fate::Lost(lost(&record, Code::MissingField, Field::Type, message))
            }
        };
        match fate {
            Fate::Kept => doubts.drain(..).for_each(|doubt| sink.reject(doubt)),
            Fate::Skipped(reason) => sink.skip(reason),
            Fate::Lost(reject) => sink.reject(reject.with_sample(line)),
        }
    }

    /// A line that is no census record at all; it belongs to the run it stands in.
    pub(super) fn unreadable(&mut self) {
        self.run.unreadable();
    }

    /// Ends the run that is open, if any: the next line belongs to none, or there is no next line.
    pub(super) fn close(&mut self, sink: &mut dyn Sink) {
        self.incomplete |= !self.run.close(sink);
    }

    /// Whether a run had no end so far.
    pub(super) fn is_incomplete(&self) -> bool {
        self.incomplete
    }
}

fn lost(record: &Record<'_, '_>, code: Code, field: Field, message: impl Into<String>) -> Reject {
    let mut reject = Reject::lost(record.lineage, Stage::Decode, code, message);
    reject.field = Some(field.path().into());
    reject
}

fn certificate(record: &mut Record<'_, '_>, run: &Run, scratch: &mut Vec<u8>, sink: &mut dyn Sink) -> Fate {
    let (sha1, sha256) = (record.hash(Field::Sha1), record.hash(Field::Sha256));
    let der = record.text(Field::Der).filter(|text| !text.is_empty());
    if der.is_none() && sha1.is_none() && sha256.is_none() {
        let message = "neither der nor a readable sha1 or sha256";
        return Fate::Lost(lost(record, Code::NoCertificate, Field::Der, message));
    }
    let body =
        der.map_or(Body::Absent, |text| Body::Base64(convert::base64(text, record.get(Field::Der).clean(), scratch)));
    let store_location = record.store_location();
    let user_sid = record.text(Field::Sid).or_else(|| {
        // Whose stores these are is said once, in the header.
        (store_location == Some(StoreLocation::CurrentUser)).then(|| run.user_sid().map(Cow::Borrowed)).flatten()
    });
    let mut observation = Observation {
        lineage: record.lineage,
        client: record.text(Field::Host),
        store_location,
        store_name: record.text(Field::Store),
        user_sid,
        collection: run.collection(),
        certificate: CertificateRef { body, sha1, sha256 },
        ..Observation::default()
    };
    certificate_claims(record, &mut observation.claims);
    sink.observation(&observation);
    Fate::Kept
}

/// Whether the line is a certificate of this format.
pub(super) fn is_certificate(fields: &Fields<'_, '_>) -> bool {
    fields.is_census() && fields.get(Field::Type).text().is_some_and(|kind| kind == "certificate")
}

/// What a certificate line says behind `start`, if that is plain and nothing of it concerns a key.
pub(super) fn plain(fields: Fields<'_, '_>, start: usize) -> Option<Plain> {
    if !is_certificate(&fields) {
        return None;
    }
    let mut doubts = Vec::new();
    let mut record = Record { fields, lineage: Lineage::default(), doubts: &mut doubts };
    let mut text = |field| match record.text(field) {
        None => Some(None),
        Some(Cow::Borrowed(_)) => fields.range(field, start).map(Some),
        Some(Cow::Owned(_)) => None,
    };
    let (der, store, sid, friendly_name) =
        (text(Field::Der)??, text(Field::Store)?, text(Field::Sid)?, text(Field::FriendlyName)?);
    let body = record.text(Field::Der)?;
    let is_clean =
        convert::base64(Cow::Borrowed(&body), fields.get(Field::Der).clean(), &mut Vec::new()) == body.as_bytes();
    let plain = Plain {
        der,
        sha1: record.hash(Field::Sha1),
        sha256: record.hash(Field::Sha256),
        store_location: record.store_location(),
        store,
        sid,
        friendly_name,
        archived: record.bool(Field::Archived),
        key_report: match record.get(Field::KeyProvInfo) {
            info if info.is_null() => KeyReport::Absent,
            info if info.is_missing() => KeyReport::NotReported,
            _ => return None,
        },
    };
    (is_clean && !plain.der.is_empty() && doubts.is_empty()).then_some(plain)
}

/// A certificate whose line ends as one before it.
fn certificate_again(record: &mut Record<'_, '_>, tail: &Tail, run: &Run, sink: &mut dyn Sink) -> Fate {
    let plain = &tail.certificate;
    let text = |place: &Option<Range<usize>>| place.as_ref().map(|place| Cow::Borrowed(tail.text(place)));
    let of_user = plain.store_location == Some(StoreLocation::CurrentUser);
    let mut observation = Observation {
        lineage: record.lineage,
        client: record.text(Field::Host),
        store_location: plain.store_location,
        store_name: text(&plain.store),
        user_sid: text(&plain.sid).or_else(|| run.user_sid().filter(|_| of_user).map(Cow::Borrowed)),
        collection: run.collection(),
        certificate: CertificateRef {
            body: match (tail.text(&plain.der).as_bytes(), tail.seen.get()) {
                (text, Some(seen)) => Body::Again(text, seen),
                (text, None) => Body::Base64(text),
            },
            sha1: plain.sha1,
            sha256: plain.sha256,
        },
        ..Observation::default()
    };
    observation.claims.friendly_name = text(&plain.friendly_name);
    observation.claims.archived = plain.archived;
    observation.claims.key_report = plain.key_report;
    sink.observation(&observation);
    tail.seen.set(sink.seen());
    Fate::Kept
}

/// Fills the claims in their place: they are large, and most lines say next to nothing.
fn certificate_claims<'x, 'a: 'x>(record: &mut Record<'_, 'a>, claims: &mut Claims<'x>) {
    claims.ncrypt_key_handle = record.bool(Field::NcryptKeyHandle);
    claims.archived = record.bool(Field::Archived);
    claims.friendly_name = record.text(Field::FriendlyName);
    claims.request_originator = record.text(Field::RequestOriginator);
    if record.get(Field::KeyProvInfo).is_null() {
        claims.key_report = KeyReport::Absent;
    } else if record.object(Field::KeyProvInfo) {
        claims.key_report = KeyReport::Claimed;
        claims.key_container = record.text(Field::KeyContainer);
        claims.provider_name = record.text(Field::KeyProvider);
        claims.provider_type = record.u32(Field::KeyProvType);
        claims.key_flags = record.u32(Field::KeyFlags);
        claims.key_spec = record.u32(Field::KeySpec);
    }
    if record.object(Field::Acquire) {
        claims.acquire = Some(Acquire {
            hresult: record.hresult(Field::AcquireHresult),
            key_spec: record.u32(Field::AcquireKeySpec),
        });
        claims.key_path = record.text(Field::AcquireUniqueName);
        claims.impl_flags = record.u32(Field::AcquireImplFlags);
        claims.impl_api = record.api(Field::AcquireImplApi);
        claims.export_policy = record.u32(Field::AcquireExportPolicy);
        claims.virtual_iso = record.u32(Field::AcquireVirtualIso);
        claims.pcp_attestation = record.pcp_attestation();
        claims.key_algorithm = record.text(Field::AcquireAlgorithm).and_then(|name| KeyAlgorithm::parse(&name));
        claims.key_size_bits = record.u32(Field::AcquireKeyBits);
    }
    // A key that is there needs no property that names it: ephemeral keys have none.
    let opened = claims.acquire.is_some_and(|acquire| acquire.hresult == Some(0));
    if opened || claims.ncrypt_key_handle == Some(true) {
        claims.key_report = KeyReport::Claimed;
    }
}

/// A key container without certificate.
fn key(record: &mut Record<'_, '_>, run: &Run, sink: &mut dyn Sink) -> Fate {
    let claims = Claims {
        key_report: KeyReport::Claimed,
        provider_name: record.text(Field::Provider),
        enumerated_api: record.api(Field::Api),
        key_container: record.text(Field::Name),
        key_path: record.text(Field::UniqueName),
        export_policy: record.u32(Field::ExportPolicy),
        key_algorithm: record.text(Field::Algorithm).and_then(|name| KeyAlgorithm::parse(&name)),
        key_size_bits: record.u32(Field::KeyBits),
        key_identifier: record.hash::<20>(Field::SpkiSha1).map(|hash| Cow::Owned(hash.to_vec())),
        ..Claims::default()
    };
    if claims.provider_name.is_none() && claims.key_container.is_none() && claims.key_path.is_none() {
        let message = "neither provider nor name nor unique_name";
        return Fate::Lost(lost(record, Code::NoCertificate, Field::Name, message));
    }
    // Flags are not made up from `machine_key`; it only says whether the key has a user.
    let is_users = record.bool(Field::MachineKey) == Some(false);
    let user_sid = run.user_sid().filter(|_| is_users).map(Cow::Borrowed);
    let observation = Observation {
        lineage: record.lineage,
        client: record.text(Field::Host),
        store_location: is_users.then_some(StoreLocation::CurrentUser),
        user_sid,
        collection: run.collection(),
        claims,
        ..Observation::default()
    };
    sink.observation(&observation);
    Fate::Kept
}

fn client(record: &mut Record<'_, '_>, run: &mut Run, sink: &mut dyn Sink) -> Fate {
    let client = Client {
        lineage: record.lineage,
        client: record.text(Field::Host),
        fqdn: record.text(Field::Fqdn),
        domain: record.text(Field::Domain),
        machine_guid: record.text(Field::MachineGuid),
        smbios_uuid: record.text(Field::SmbiosUuid),
        collected_at: record.time(Field::CollectedUtc),
        collector: record.text(Field::Collector),
        collector_version: record.text(Field::CollectorVersion),
        os_version: record.text(Field::OsVersion),
        os_caption: record.text(Field::OsCaption),
        arch: record.text(Field::Arch),
        ubr: record.u32(Field::Ubr),
        elevated: record.bool(Field::Elevated),
        user_sid: record.text(Field::UserSid),
        tpm_present: record.bool(Field::TpmPresent),
        tpm_ready: record.bool(Field::TpmReady),
        tpm_spec: record.text(Field::TpmSpec),
        vbs_running: record.bool(Field::VbsRunning),
        cm_client_version: record.text(Field::CmClientVersion),
        cm_client_id: record.text(Field::CmClientId),
        cm_site_code: record.text(Field::CmSiteCode),
        cm_roles: record.strings(Field::CmRoles),
        calais_disable_capi_override: record.u32(Field::CalaisDisableCapiOverride),
        calais_is_absent: record.get(Field::CalaisDisableCapiOverride).is_null(),
        // Until the run turns out to have no end: then the sink hears `incomplete`.
        is_complete: Some(true),
    };
    run.header(&client, sink);
    sink.client(&client);
    Fate::Kept
}

fn provider(record: &mut Record<'_, '_>, run: &mut Run, sink: &mut dyn Sink) -> Fate {
    let Some(name) = record.text(Field::Name) else {
        return Fate::Lost(lost(record, Code::MissingField, Field::Name, "the provider has no name"));
    };
    let provider = Provider {
        lineage: record.lineage,
        client: record.text(Field::Host),
        name,
        api: record.api(Field::Api),
        provider_type: record.u32(Field::ProvType),
        impl_flags: record.u32(Field::ImplFlags),
        impl_api: record.api(Field::ImplApi),
        impl_status: record.text(Field::ImplStatus),
        image: record.text(Field::Image),
        ..Provider::default()
    };
    sink.provider(&provider);
    run.provider(&provider, sink);
    Fate::Kept
}

/// An endpoint or role that uses a certificate.
fn binding(record: &mut Record<'_, '_>, sink: &mut dyn Sink) -> Fate {
    let name = record.text(Field::Kind);
    let kind = name.as_deref().and_then(binding_kind);
    if name.is_some() && kind.is_none() {
        let message = format!("{} is no kind of binding", describe(record.get(Field::Kind)));
        record.doubt(Field::Kind, Code::BadField, message);
    }
    let port = record.u32(Field::Port);
    let small = port.and_then(|port| u16::try_from(port).ok());
    if port.is_some() && small.is_none() {
        record.doubt(Field::Port, Code::BadField, "the port is larger than 65535");
    }
    let app_id = record.text(Field::AppId).map(|id| match id.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(id.to_ascii_lowercase()),
        false => id,
    });
    sink.binding(&Binding {
        lineage: record.lineage,
        client: record.text(Field::Host),
        kind: kind.unwrap_or_default(),
        endpoint: record.text(Field::Endpoint),
        ip: record.text(Field::Ip),
        port: small,
        sni_host: record.text(Field::SniHost),
        sha1: record.hash(Field::Sha1),
        store_name: record.text(Field::Store),
        app_id,
        site_name: record.text(Field::SiteName),
        ssl_flags: record.u32(Field::SslFlags),
        ..Binding::default()
    });
    Fate::Kept
}

fn binding_kind(name: &str) -> Option<BindingKind> {
    Some(match name {
        "http.sys" => BindingKind::HttpSys,
        "iis" => BindingKind::Iis,
        "rdp" => BindingKind::Rdp,
        "sqlserver" => BindingKind::SqlServer,
        "winrm" => BindingKind::Winrm,
        "adfs" => BindingKind::Adfs,
        "cm_client" => BindingKind::CmClient,
        "other" => BindingKind::Other,
        _ => return None,
    })
}

/// What the collector could not read is lost to the report as well: it becomes a reject with the collector's words.
fn collector_error(record: &Record<'_, '_>) -> Reject {
    let word = |field| record.get(field).text().map(|text| convert::quote(&text));
    let parts: Vec<String> = [Field::Stage, Field::Hresult, Field::Message].into_iter().filter_map(word).collect();
    let message = if parts.is_empty() { "the collector gave no reason".to_owned() } else { parts.join(": ") };
    let mut reject = Reject::lost(record.lineage, Stage::Collect, Code::CollectorError, message);
    reject.field = word(Field::Path).map(Cow::Owned);
    reject
}
