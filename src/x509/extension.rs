//! The extensions (RFC 5280 4.2): the list with its oddities, and which reader each value goes to.
//!
//! An OID is interpreted if [`interpret`] knows it; everything else is listed by its OID only.

use foldhash::{HashSet, HashSetExt};
use x509_parser::asn1_rs::{self, Oid};
use x509_parser::error::X509Error;
use x509_parser::extensions::{AuthorityKeyIdentifier, BasicConstraints, KeyIdentifier, KeyUsage};
use x509_parser::prelude::FromDer;

use super::frame::{Frame, element};
use super::{Facts, Refusal, ber, oid, refusal, san, text, urls, windows, yubikey};
use crate::der::{self, Items, tag};

/// One extension, cut but not read.
struct Extension<'a> {
    oid: &'a [u8],
    is_critical: bool,
    value: &'a [u8],
}

/// Reads every extension that has a place in [`Facts`].
pub(super) fn read(facts: &mut Facts, frame: &Frame<'_>) {
    let mut seen = HashSet::with_capacity(16);
    let is_complete = frame.extensions.is_none_or(|list| read_list(facts, list, &mut seen)) && frame.is_complete;
    if !is_complete {
        facts.doubt("extension_oids", "the list of extensions is damaged; some may be missing");
    }
    if is_complete && !seen.contains(oid::BASIC_CONSTRAINTS) {
        facts.is_ca = Some(false);
    }
    facts.attestation_policies = windows::attestation_policies(&facts.certificate_policies);
    facts.is_yubikey_attestation = yubikey::attests_slot(facts);
}

/// Reads the SEQUENCE of extensions; false where a part of it could not be cut.
fn read_list<'a>(facts: &mut Facts, list: &'a [u8], seen: &mut HashSet<&'a [u8]>) -> bool {
    let Some(sequence) = der::read(list).filter(|sequence| sequence.tag == tag::SEQUENCE) else { return false };
    let mut is_complete = sequence.total == list.len();
    let mut elements = Items::new(sequence.content);
    while let Some(element) = element(&mut elements, tag::SEQUENCE) {
        match cut(element) {
            Some(extension) => add(facts, &extension, seen),
            None => is_complete = false,
        }
    }
    is_complete && elements.rest().is_empty()
}

fn cut(element: &[u8]) -> Option<Extension<'_>> {
    let mut parts = Items::new(der::read(element)?.content);
    let oid = parts.next_if(tag::OID)?.content;
    let is_critical = match parts.next_if(tag::BOOLEAN) {
        Some(critical) => *critical.content.first()? != 0,
        None => false,
    };
    let value = parts.next_if(tag::OCTET_STRING)?.content;
    parts.rest().is_empty().then_some(Extension { oid, is_critical, value })
}

fn add<'a>(facts: &mut Facts, extension: &Extension<'a>, seen: &mut HashSet<&'a [u8]>) {
    let dotted = facts.oid_text("extension_oids", extension.oid);
    facts.extension_oids.push(dotted);
    if !seen.insert(extension.oid) {
        return facts.doubt(oid::text(extension.oid), "the extension is there more than once; the first one is used");
    }
    if !interpret(facts, extension) && extension.is_critical {
        facts.unknown_critical.push(oid::text(extension.oid));
    }
}

/// Hands the value to its reader; false if there is none.
fn interpret(facts: &mut Facts, extension: &Extension<'_>) -> bool {
    match extension.oid {
        oid::KEY_USAGE => {
            if let Some(usage) = value(facts, extension, parsed::<KeyUsage>) {
                facts.key_usage = key_usage_names(usage);
            }
        }
        oid::BASIC_CONSTRAINTS => {
            if let Some(constraints) = value(facts, extension, parsed::<BasicConstraints>) {
                facts.is_ca = Some(constraints.ca);
                facts.path_length = constraints.path_len_constraint.and_then(|length| i32::try_from(length).ok());
            }
        }
        oid::SUBJECT_KEY_ID => {
            let id = value(facts, extension, |value| {
                KeyIdentifier::from_der(value).map(|(_, id)| text::hex(id.0)).map_err(refusal)
            });
            facts.subject_key_id = id.filter(|id| !id.is_empty());
        }
        oid::AUTHORITY_KEY_ID => {
            let id = value(facts, extension, |value| {
                let (_, authority) = AuthorityKeyIdentifier::from_der(value).map_err(refusal)?;
                Ok(authority.key_identifier.map(|id| text::hex(id.0)))
            });
            facts.authority_key_id = id.flatten().filter(|id| !id.is_empty());
        }
        oid::EXTENDED_KEY_USAGE => extended_key_usage(facts, extension),
        oid::CERTIFICATE_POLICIES => {
            facts.certificate_policies = value(facts, extension, windows::policies).unwrap_or_default();
        }
        oid::APPLICATION_POLICIES => {
            facts.application_policies = value(facts, extension, windows::policies).unwrap_or_default();
        }
        oid::SUBJECT_ALT_NAME => subject_alt_name(facts, extension),
        oid::CRL_DISTRIBUTION_POINTS => {
            let points = value(facts, extension, urls::crl_distribution_points).unwrap_or_default();
            if points.is_damaged {
                facts.doubt(oid::text(extension.oid), "a part of the distribution points is malformed");
            }
            facts.crl_urls = points.crl;
        }
        oid::AUTHORITY_INFO_ACCESS => {
            let access = value(facts, extension, urls::authority_info_access).unwrap_or_default();
            if access.is_damaged {
                facts.doubt(oid::text(extension.oid), "a part of the access descriptions is malformed");
            }
            (facts.ocsp_urls, facts.ca_issuer_urls) = (access.ocsp, access.ca_issuers);
        }
        oid::TEMPLATE_NAME => facts.template_name = value(facts, extension, windows::template_name),
        oid::TEMPLATE => {
            if let Some(template) = value(facts, extension, windows::template) {
                facts.template_oid = Some(template.oid);
                (facts.template_major, facts.template_minor) = (template.major, template.minor);
            }
        }
        oid::SID => {
            // The extension is stronger than a SAN URI, wherever the two stand.
            if let Some(sid) = value(facts, extension, windows::sid) {
                match &facts.sid {
                    Some(other) if *other != sid => facts.doubt("sid", SIDS_DIFFER),
                    _ => {}
                }
                facts.sid = Some(sid);
            }
        }
        other => return yubikey::take(facts, other, extension.value),
    }
    true
}

const SIDS_DIFFER: &str = "the SID extension and a URI of the subject alternative name say different SIDs";

/// Applies a reader to the value, and once more to its DER form where a BER value is refused.
fn value<T>(facts: &mut Facts, extension: &Extension<'_>, read: impl Fn(&[u8]) -> Result<T, Refusal>) -> Option<T> {
    let length = der::read(extension.value).map_or(extension.value.len(), |value| value.total);
    let (bytes, rest) = extension.value.split_at_checked(length)?;
    if !rest.is_empty() {
        facts.doubt(oid::text(extension.oid), "bytes stand behind the value of the extension");
    }
    let refusal = match read(bytes) {
        Ok(value) => return Some(value),
        Err(refusal) => refusal,
    };
    match ber::to_der(bytes).and_then(|encoded| read(&encoded).ok()) {
        Some(value) => {
            facts.doubt(oid::text(extension.oid), "encoded in BER, not DER; read as if it were DER");
            Some(value)
        }
        None => {
            facts.doubt(oid::text(extension.oid), refusal);
            None
        }
    }
}

fn parsed<T: for<'a> FromDer<'a, X509Error>>(value: &[u8]) -> Result<T, Refusal> {
    T::from_der(value).map(|(_, parsed)| parsed).map_err(refusal)
}

/// Names of the bits as RFC 5280 4.2.1.3 spells them, in the order of the bits.
fn key_usage_names(usage: KeyUsage) -> Vec<String> {
    const NAMES: [&str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];
    let names = NAMES.iter().enumerate().filter(|(bit, _)| usage.flags >> bit & 1 == 1);
    names.map(|(_, name)| (*name).to_owned()).collect()
}

/// x509-parser's own type for this extension has no order, so the list is parsed as what it is: OIDs.
fn extended_key_usage(facts: &mut Facts, extension: &Extension<'_>) {
    facts.has_eku = true;
    let usages = value(facts, extension, |value| {
        let (_, usages) = <Vec<Oid<'_>> as FromDer<'_, asn1_rs::Error>>::from_der(value)
            .map_err(|_| Refusal::Borrowed("not a SEQUENCE of object identifiers"))?;
        Ok(usages.iter().map(|usage| oid::text(usage.as_bytes())).collect::<Vec<_>>())
    });
    let Some(usages) = usages else { return };
    let has = |oid: &str| usages.iter().any(|usage| usage == oid);
    let any = has("2.5.29.37.0");
    facts.is_client_auth = Some(any || has("1.3.6.1.5.5.7.3.2"));
    facts.is_server_auth = Some(any || has("1.3.6.1.5.5.7.3.1"));
    facts.is_smart_card_logon = Some(has("1.3.6.1.4.1.311.20.2.2"));
    facts.tpm_role = windows::tpm_role(&usages);
    facts.eku = usages;
}

fn subject_alt_name(facts: &mut Facts, extension: &Extension<'_>) {
    let Some(names) = value(facts, extension, san::read) else { return };
    if names.broken > 0 {
        facts.doubt(oid::text(extension.oid), format!("{} alternative names are malformed", names.broken));
    }
    for sid in names.uri.iter().filter_map(|uri| windows::sid_of_uri(uri)) {
        match (sid, &facts.sid) {
            (Ok(sid), None) => facts.sid = Some(sid.to_owned()),
            (Ok(sid), Some(known)) if known != sid => facts.doubt("sid", SIDS_DIFFER),
            (Ok(_), Some(_)) => {}
            (Err(refusal), _) => facts.doubt("sid", refusal),
        }
    }
    facts.san_dns = names.dns;
    facts.san_upn = names.upn;
    facts.san_email = names.email;
    facts.san_ip = names.ip;
    facts.san_uri = names.uri;
    facts.san_directory = names.directory;
    facts.san_other = names.other;
}
