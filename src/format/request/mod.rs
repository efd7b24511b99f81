//! Certificate requests: what was asked for, for which key, and what the client declared of itself and of that key.
//!
//! A file may be a bare PKCS#10 request (RFC 2986); inside signedData stand renewals and what enrolment agents sign, and
//! CMC messages ([`cmc`]). Each request is one row of `requests`. Everything in it is declared, nothing is judged here,
//! and its signature is not verified.

pub mod cmc;

use super::der::{self, Extent, Kind, whole_value};
use super::{Format, Head, Input, Outcome};
use crate::record::{Code, Lineage, Reject, Request, RequestKind, Sink, Stage, Text};
use crate::x509::request::{Added, RequestFacts, parse};
use crate::x509::{Facts, Label, Problem};

/// A PKCS#10 request.
pub static PKCS10: Format = Format {
    name: "pkcs10_request",
    title: "PKCS#10 certificate request (DER)",
    usual_names: "*.csr, *.req, *.p10",
    yields: "one enrolment with the provider, machine and user that the client declares",
    source: "RFC 2986; MS-WCCE 2.2.2.6.1, 2.2.2.7",
    sniff: is_pkcs10,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_pkcs10(head: &Head<'_>) -> bool {
    der::kind(head.bytes) == Some(Kind::Pkcs10)
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let lineage = Lineage::at(input.window.offset());
    let (code, message, outcome) = match whole_value(input.window) {
        Extent::Whole(bytes) => {
            push(bytes, &[], lineage, RequestKind::Pkcs10, sink);
            return Outcome::Complete;
        }
        Extent::Cut => (Code::Truncated, "the file ends inside the request", Outcome::Incomplete),
        Extent::TooLarge => (Code::TooLarge, "the request is larger than 16 MiB", Outcome::Failed),
    };
    sink.reject(Reject::lost(lineage, Stage::Read, code, message));
    outcome
}

/// Pushes the PKCS#10 request at the start of `bytes`, with what its message added to it.
pub(crate) fn push(bytes: &[u8], added: &[Added<'_>], lineage: Lineage, kind: RequestKind, sink: &mut dyn Sink) {
    match parse(bytes, added) {
        Ok(facts) => {
            // In signedData, the attribute tells a renewal from what somebody else signed.
            let kind = match (kind, facts.declared.renewed_thumbprint) {
                (RequestKind::Renewal, None) => RequestKind::Signed,
                (kind, _) => kind,
            };
            push_facts(&facts, lineage, kind, sink);
            let trailing = bytes.len() - crate::x509::frame_len(bytes).unwrap_or(bytes.len());
            if trailing > 0 {
                sink.reject(super::trailing_bytes(lineage, trailing as u64));
            }
        }
        Err(problem) => sink.reject(lost(lineage, problem)),
    }
}

/// The reject for a request without a frame.
fn lost(lineage: Lineage, problem: Problem) -> Reject {
    let code = Code::BadStructure;
    let message = format!("the certificate request cannot be read: {}", problem.message);
    Reject { field: Some(problem.field), ..Reject::lost(lineage, Stage::Decode, code, message) }
}

/// Pushes one row, and a degraded reject for each field that could not be read.
fn push_facts(facts: &RequestFacts, lineage: Lineage, kind: RequestKind, sink: &mut dyn Sink) {
    let (asked, declared) = (&facts.asked, &facts.declared);
    sink.request(&Request {
        lineage,
        kind,
        subject: borrowed(&asked.subject),
        spki_sha256: asked.spki_sha256,
        public_key_sha1: asked.public_key_sha1,
        key_algorithm: label(&asked.key_algorithm),
        key_size_bits: asked.key_size_bits,
        curve: label(&asked.curve),
        signature_algorithm: label(&asked.signature_algorithm),
        is_signed: facts.is_signed,
        san_dns: asked.san_dns.iter().map(Text::from).collect(),
        san_upn: asked.san_upn.iter().map(Text::from).collect(),
        san_other: other_names(asked),
        sid: borrowed(&asked.sid),
        eku: labels(&asked.eku),
        provider_name: borrowed(&declared.provider_name),
        key_spec: declared.key_spec,
        machine: borrowed(&declared.machine),
        user: borrowed(&declared.user),
        process: borrowed(&declared.process),
        client_id: declared.client_id,
        os_version: borrowed(&declared.os_version),
        template_name: borrowed(&asked.template_name).or(borrowed(&declared.template_name)),
        template_oid: borrowed(&asked.template_oid).or(borrowed(&declared.template_oid)),
        attestation: declared.attestation.iter().map(|name| (*name).into()).collect(),
        attestation_platform: label(&declared.attestation_platform),
        attestation_provider: borrowed(&declared.attestation_provider),
        is_key_archived: declared.is_key_archived.then_some(true),
        attributes: labels(&declared.attributes),
        extensions: labels(&asked.extension_oids),
        renewed_thumbprint: declared.renewed_thumbprint,
        ..Request::default()
    });
    for problem in &asked.problems {
        // The column of a certificate's extensions has another name here.
        let field = if problem.field == "extension_oids" { "extensions".into() } else { problem.field.clone() };
        sink.reject(Reject::degraded(lineage, Stage::Decode, Code::BadField, field, problem.message.as_str()));
    }
}

/// The alternative names that have no column of their own, with their types as RFC 5280 4.2.1.6 spells them.
fn other_names(asked: &Facts) -> Vec<Text<'_>> {
    let typed = [
        ("rfc822Name", &asked.san_email),
        ("iPAddress", &asked.san_ip),
        ("uniformResourceIdentifier", &asked.san_uri),
        ("directoryName", &asked.san_directory),
    ];
    let texts =
        typed.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind}:{name}").into()));
    texts.chain(asked.san_other.iter().map(Text::from)).collect()
}

fn borrowed(text: &Option<String>) -> Option<Text<'_>> {
    text.as_deref().map(Text::from)
}

fn label(label: &Option<Label>) -> Option<Text<'_>> {
    label.as_deref().map(Text::from)
}

fn labels(labels: &[Label]) -> Vec<Text<'_>> {
    labels.iter().map(|label| Text::from(&**label)).collect()
}

#[cfg(test)]
mod tests;
