//! From a row of the Request table to an enrolment, and to the certificates that the row prints.
//!
//! What the CA wrote beside the request comes first; the request itself, where the row prints it, says the rest.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::row::{Field, Row};
use super::value;
use crate::format::der::{self, Kind};
use crate::format::place::Place;
use crate::format::{pkcs7, request};
use crate::record::{
    Binding, CapiUse, CertificateRef, Client, Code, FormatConfidence, Lineage, Observation, PrivateKey, Provider,
    Reject, Request, RequestKind, Severity, Sink, Stage, Template, Text,
};

/// Parts of a row: the enrolment is 0.
const CERTIFICATE_PART: u32 = 1;
const OLD_CERTIFICATE_PART: u32 = 2;
const FIRST_OTHER_PART: u32 = 3;

/// Pushes what a row says: one enrolment, and each certificate.
pub fn push(row: &mut Row, confidence: FormatConfidence, sink: &mut dyn Sink) {
    if row.is_too_large {
        let message = "the row holds more than 1 MiB";
        return sink.reject(Reject::lost(row.lineage, Stage::Read, Code::TooLarge, message));
    }
    if row.is_empty() {
        row.tell(sink);
        return sink.skip("no_request_columns");
    }
    check(row);
    let issued = issued(row);
    let own = own(row, issued, confidence);
    let mut merge = Merge { own: &own, sink, requests: 0, conflict: None, next_part: FIRST_OTHER_PART };
    if let Some(bytes) = row.blob(Field::RawRequest) {
        read_request(bytes, own.lineage, &mut merge);
    }
    let Merge { requests, conflict, .. } = merge;
    if requests == 0 {
        sink.request(&own);
    }
    for (field, part) in [(Field::Certificate, CERTIFICATE_PART), (Field::OldCertificate, OLD_CERTIFICATE_PART)] {
        if let Some(bytes) = certificate(row, field) {
            let mut observation = der::observation(bytes, Lineage { part, ..row.lineage });
            observation.collection.confidence = confidence;
            sink.observation(&observation);
        }
    }
    if let Some(conflict) = conflict {
        row.doubt(Code::BadField, "provider_name", conflict);
    }
    if requests == 0 && row.blob(Field::RawRequest).is_some() {
        row.doubt(Code::BadStructure, Field::RawRequest.name(), "the printed request holds no certificate request");
    } else if requests > 1 {
        let message = format!("the printed message holds {requests} requests; the first one is used");
        row.doubt(Code::BadStructure, Field::RawRequest.name(), message);
    }
    row.tell(sink);
}

/// Notes doubts about values that are printed.
fn check(row: &mut Row) {
    for field in [Field::RequestId, Field::IssuedRequestId, Field::Disposition] {
        let is_bad = |text: &str| match field {
            Field::Disposition => value::disposition(text).is_none(),
            _ => value::number(text).is_none(),
        };
        if row.text(field).is_some_and(is_bad) {
            row.doubt(Code::BadField, field.name(), "the value is not a number");
        }
    }
    for field in [Field::Certificate, Field::OldCertificate] {
        if row.blob(field).is_some() && certificate(row, field).is_none() {
            row.doubt(Code::BadCertificate, field.name(), "the printed value is not a certificate");
        }
    }
    let printed = row.text(Field::CertificateHash).map(value::sha1);
    if printed == Some(None) {
        row.doubt(Code::BadHex, Field::CertificateHash.name(), "the value is not a SHA-1");
    }
    if let (Some(Some(printed)), Some(computed)) = (printed, issued(row).sha1)
        && printed != computed
    {
        let message = "the printed hash is not that of the printed certificate; the computed one is used";
        row.doubt(Code::HashMismatch, Field::CertificateHash.name(), message);
    }
}

/// The octets of a printed certificate.
fn certificate(row: &Row, field: Field) -> Option<&[u8]> {
    row.blob(field).filter(|bytes| der::kind(bytes) == Some(Kind::Certificate))
}

/// The certificate that was issued, by its hashes.
fn issued(row: &Row) -> CertificateRef<'static> {
    match certificate(row, Field::Certificate) {
        Some(bytes) => {
            let bytes = &bytes[..crate::x509::frame_len(bytes).unwrap_or(bytes.len())];
            let (sha1, sha256) = (Sha1::digest(bytes).into(), Sha256::digest(bytes).into());
            CertificateRef { sha1: Some(sha1), sha256: Some(sha256), ..CertificateRef::default() }
        }
        None => {
            CertificateRef { sha1: row.text(Field::CertificateHash).and_then(value::sha1), ..CertificateRef::default() }
        }
    }
}

/// What the row itself says.
fn own<'r>(row: &'r Row, issued: CertificateRef<'r>, confidence: FormatConfidence) -> Request<'r> {
    let number = |field| row.text(field).and_then(value::number);
    let text = |field| row.text(field).map(Text::from);
    let lines = || row.text(Field::RequestAttributes).unwrap_or_default().lines();
    let attribute = |field| {
        let mut pairs = lines().filter_map(|line| line.split_once(':'));
        let in_column =
            || pairs.find(|(name, _)| Field::of_attribute(name.trim()) == field).map(|(_, value)| value.trim());
        row.text(field).or_else(in_column).filter(|value| !value.is_empty()).map(Text::from)
    };
    // CSV has a name for people behind an identifier.
    let template =
        |name: &'r str| name.split_once(' ').map(|(oid, _)| oid).filter(|oid| value::is_oid(oid)).unwrap_or(name);
    let templates = [row.text(Field::Template).map(|name| template(name).into()), attribute(Field::RequestedTemplate)];
    let template = |is_oid: bool| templates.iter().flatten().find(|name| value::is_oid(name) == is_oid).cloned();
    Request {
        lineage: row.lineage,
        kind: RequestKind::CaRow,
        request_number: number(Field::RequestId).or_else(|| number(Field::IssuedRequestId)),
        disposition: row.text(Field::Disposition).and_then(value::disposition),
        requester: text(Field::Requester),
        printed_submitted_at: text(Field::Submitted),
        subject: text(Field::Subject),
        public_key_sha1: row
            .blob(Field::PublicKey)
            .filter(|bits| is_whole_key(bits))
            .map(|bits| Sha1::digest(bits).into()),
        provider_name: attribute(Field::Provider),
        machine: attribute(Field::ClientMachine).or_else(|| attribute(Field::RequestingMachine)),
        os_version: attribute(Field::OsVersion),
        template_name: template(false),
        template_oid: template(true),
        private_key_flags: number(Field::PrivateKeyFlags).and_then(value::flags),
        attestation: marks(row),
        is_key_archived: [Field::ArchivedKey, Field::RecoveryHashes]
            .iter()
            .any(|f| row.text(*f).is_some())
            .then_some(true),
        renewed_thumbprint: certificate(row, Field::OldCertificate).map(|bytes| Sha1::digest(bytes).into()),
        issued,
        confidence,
        ..Request::default()
    }
}

/// These are all bits of a public key: an RSA key says how long it is (RFC 8017 A.1.1), and points have the lengths of
/// the NIST curves (SEC 1 2.3.3).
fn is_whole_key(bits: &[u8]) -> bool {
    const UNCOMPRESSED: u8 = 4;
    match bits.first() {
        Some(&UNCOMPRESSED) => [65, 97, 133].contains(&bits.len()),
        _ => crate::der::read(bits).is_some_and(|value| value.total == bits.len()),
    }
}

/// Marks of an attestation that the CA recorded.
fn marks(row: &Row) -> Vec<Text<'static>> {
    let marks = [
        (Field::Challenge, "attestation_challenge"),
        (Field::EndorsementKeyHash, "endorsement_key_hash"),
        (Field::EndorsementCertificateHash, "endorsement_certificate_hash"),
    ];
    marks.into_iter().filter(|(field, _)| row.text(*field).is_some()).map(|(_, mark)| mark.into()).collect()
}

/// Reads the printed request.
fn read_request(bytes: &[u8], lineage: Lineage, merge: &mut Merge<'_, '_>) {
    match der::kind(bytes) {
        Some(Kind::Pkcs10) => request::push(bytes, &[], lineage, RequestKind::Pkcs10, merge),
        Some(Kind::SignedData | Kind::CmcRequest) => {
            pkcs7::push(bytes, &mut Place::in_block(lineage.byte_offset), merge);
        }
        _ => {}
    }
}

/// Joins the request that a row prints to what the row says, and lets everything else of it stand beside the row.
struct Merge<'m, 's> {
    own: &'m Request<'m>,
    sink: &'s mut dyn Sink,
    requests: u64,
    conflict: Option<String>,
    next_part: u32,
}

impl Sink for Merge<'_, '_> {
    fn request(&mut self, printed: &Request<'_>) {
        self.requests += 1;
        if self.requests > 1 {
            return;
        }
        let own = self.own;
        if let (Some(ours), Some(theirs)) = (&own.provider_name, &printed.provider_name)
            && ours != theirs
        {
            self.conflict = Some(format!(
                "the row's attributes name the provider {ours:?}, the request itself {theirs:?}; the first is shown"
            ));
        }
        let either = |ours: &Option<Text<'_>>, theirs: &Option<Text<'_>>| -> Option<Text<'static>> {
            ours.as_ref().or(theirs.as_ref()).map(|text| Text::Owned(text.to_string()))
        };
        self.sink.request(&Request {
            lineage: own.lineage,
            kind: RequestKind::CaRow,
            request_number: own.request_number,
            disposition: own.disposition.clone(),
            printed_submitted_at: own.printed_submitted_at.clone(),
            requester: own.requester.clone(),
            // The request is exact; the column is its text in the CA's own spelling.
            subject: either(&printed.subject.clone().filter(|subject| !subject.is_empty()), &own.subject),
            public_key_sha1: printed.public_key_sha1.or(own.public_key_sha1),
            provider_name: either(&own.provider_name, &printed.provider_name),
            // Where the key was made; the row has the machine that sent the request.
            machine: either(&printed.machine, &own.machine),
            os_version: either(&printed.os_version, &own.os_version),
            template_name: either(&own.template_name, &printed.template_name),
            template_oid: either(&own.template_oid, &printed.template_oid),
            attestation: printed.attestation.iter().chain(&own.attestation).cloned().collect(),
            is_key_archived: printed.is_key_archived.or(own.is_key_archived),
            renewed_thumbprint: printed.renewed_thumbprint.or(own.renewed_thumbprint),
            private_key_flags: own.private_key_flags,
            issued: own.issued,
            confidence: own.confidence,
            ..printed.clone()
        });
    }

    fn observation(&mut self, observation: &Observation<'_>) {
        let lineage = Lineage { part: self.next_part, ..self.own.lineage };
        self.next_part = self.next_part.saturating_add(1);
        self.sink.observation(&Observation { lineage, ..observation.clone() });
    }

    fn reject(&mut self, reject: Reject) {
        let field = reject.field.or(Some(Field::RawRequest.name().into()));
        self.sink.reject(Reject { lineage: self.own.lineage, severity: Severity::Degraded, field, ..reject });
    }

    // Controls and revocation lists beside a request are no records of the database.
    fn skip(&mut self, _: &'static str) {}

    fn stopped(&self) -> bool {
        false
    }

    // None of these stands in a request.
    fn client(&mut self, _: &Client<'_>) {}
    fn provider(&mut self, _: &Provider<'_>) {}
    fn binding(&mut self, _: &Binding<'_>) {}
    fn template(&mut self, _: &Template<'_>) {}
    fn capi_use(&mut self, _: &CapiUse<'_>) {}
    fn private_key(&mut self, _: &PrivateKey<'_>) {}
    fn incomplete(&mut self, _: Option<&str>) {}
}
