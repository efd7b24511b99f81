//! The extensions (RFC 5280 4.2): the list with its oddities, and which reader each value goes to.
//!
//! An OID is interpreted if [`interpret`] knows it; everything else is listed by its OID only. Extensions that an
//! authority repeats in all its certificates are read once and then taken from a [`Memo`].

use foldhash::HashSet;
use x509_parser::asn1_rs::{self, Oid};
use x509_parser::error::X509Error;
use x509_parser::extensions::{AuthorityKeyIdentifier, BasicConstraints, KeyIdentifier, KeyUsage};
use x509_parser::prelude::FromDer;

use super::frame::Frame;
use super::memo::Memo;
use super::urls::Urls;
use super::windows::Template;
use super::{Facts, Label, Refusal, ber, oid, refusal, san, text, urls, windows, yubikey};
use crate::der::{self, Items, tag};

/// One extension, cut but not read.
struct Extension<'a> {
    element: &'a [u8],
    oid: &'a [u8],
    /// Place of a known OID in [`oid`]'s list.
    place: Option<usize>,
    is_critical: bool,
    value: &'a [u8],
}

/// What an extension says that is the same in many certificates. It follows from the extension alone.
#[derive(Clone)]
pub(super) enum Finding {
    KeyUsage(Vec<&'static str>),
    BasicConstraints { is_ca: bool, path_length: Option<i32> },
    AuthorityKeyId(String),
    Usages(Vec<Label>),
    CertificatePolicies(Vec<Label>),
    ApplicationPolicies(Vec<Label>),
    DistributionPoints(Urls),
    InfoAccess(Urls),
    TemplateName(String),
    Template(Template),
}

/// The extensions met so far. Known ones are a bit each; a hostile certificate may have any number of others.
#[derive(Default)]
struct Seen<'a> {
    known: u64,
    others: HashSet<&'a [u8]>,
}

impl<'a> Seen<'a> {
    /// False if the extension was there before.
    fn insert(&mut self, extension: &Extension<'a>) -> bool {
        let Some(place) = extension.place else { return self.others.insert(extension.oid) };
        let before = self.known;
        self.known |= 1 << place;
        self.known != before
    }

    fn has_basic_constraints(&self) -> bool {
        oid::place(oid::BASIC_CONSTRAINTS).is_some_and(|place| self.known >> place & 1 == 1)
    }
}

/// Reads every extension that has a place in [`Facts`].
pub(super) fn read(facts: &mut Facts, frame: &Frame<'_>, memo: &mut Memo<Finding>) {
    let mut seen = Seen::default();
    let is_complete = frame.extensions.is_none_or(|list| read_list(facts, list, &mut seen, memo)) && frame.is_complete;
    if !is_complete {
        facts.doubt("extension_oids", "the list of extensions is damaged; some may be missing");
    }
    if is_complete && !seen.has_basic_constraints() {
        facts.is_ca = Some(false);
    }
    facts.attestation_policies = windows::attestation_policies(&facts.certificate_policies);
    facts.is_yubikey_attestation = yubikey::attests_slot(facts);
}

/// Reads the extensions that a request asks for, which may stand in several lists.
#[derive(Default)]
pub(super) struct Requested<'a> {
    seen: Seen<'a>,
    memo: Memo<Finding>,
}

impl<'a> Requested<'a> {
    /// Reads one list: a SEQUENCE of extensions, whole.
    pub fn read(&mut self, facts: &mut Facts, list: &'a [u8]) {
        if !read_list(facts, list, &mut self.seen, &mut self.memo) {
            facts.doubt("extensions", "the list of extensions asked for is damaged; some may be missing");
        }
    }
}

/// Reads the SEQUENCE of extensions; false where a part of it could not be cut.
fn read_list<'a>(facts: &mut Facts, list: &'a [u8], seen: &mut Seen<'a>, memo: &mut Memo<Finding>) -> bool {
    let Some(sequence) = der::read(list).filter(|sequence| sequence.tag == tag::SEQUENCE) else { return false };
    let mut is_complete = sequence.total == list.len();
    let mut elements = Items::new(sequence.content);
    facts.extension_oids.reserve(12);
    loop {
        let rest = elements.rest();
        let Some(element) = elements.next_if(tag::SEQUENCE) else { break };
        match cut(rest.get(..element.total).unwrap_or_default(), element.content) {
            Some(extension) => add(facts, &extension, seen, memo),
            None => is_complete = false,
        }
    }
    is_complete && elements.rest().is_empty()
}

fn cut<'a>(element: &'a [u8], content: &'a [u8]) -> Option<Extension<'a>> {
    let mut parts = Items::new(content);
    let oid = parts.next_if(tag::OID)?.content;
    let is_critical = match parts.next_if(tag::BOOLEAN) {
        Some(critical) => *critical.content.first()? != 0,
        None => false,
    };
    let value = parts.next_if(tag::OCTET_STRING)?.content;
    parts.rest().is_empty().then_some(Extension { element, oid, place: oid::place(oid), is_critical, value })
}

fn add<'a>(facts: &mut Facts, extension: &Extension<'a>, seen: &mut Seen<'a>, memo: &mut Memo<Finding>) {
    let dotted = match extension.place.and_then(oid::text_at) {
        Some(text) => Label::Borrowed(text),
        None => facts.oid_text("extension_oids", extension.oid),
    };
    facts.extension_oids.push(dotted);
    if !seen.insert(extension) {
        return facts.doubt(oid::text(extension.oid), "the extension is there more than once; the first one is used");
    }
    if !interpret(facts, extension, memo) && extension.is_critical {
        facts.unknown_critical.push(oid::text(extension.oid));
    }
}

/// Whether the value of this extension is the same in many certificates, and so has a [`Finding`].
fn repeats(extension: &[u8]) -> bool {
    matches!(
        extension,
        oid::KEY_USAGE
            | oid::BASIC_CONSTRAINTS
            | oid::AUTHORITY_KEY_ID
            | oid::EXTENDED_KEY_USAGE
            | oid::CERTIFICATE_POLICIES
            | oid::APPLICATION_POLICIES
            | oid::CRL_DISTRIBUTION_POINTS
            | oid::AUTHORITY_INFO_ACCESS
            | oid::TEMPLATE_NAME
            | oid::TEMPLATE
    )
}

/// Whether [`interpret`] looks at the value of this extension.
pub(super) fn is_interpreted(extension: &[u8]) -> bool {
    repeats(extension)
        || matches!(
            extension,
            oid::SUBJECT_KEY_ID
                | oid::SUBJECT_ALT_NAME
                | oid::SID
                | oid::YUBIKEY_FIRMWARE
                | oid::YUBIKEY_SERIAL
                | oid::YUBIKEY_POLICIES
                | oid::YUBIKEY_FORM_FACTOR
        )
}

/// Hands the value to its reader; false if there is none. [`is_interpreted`] says the same.
fn interpret(facts: &mut Facts, extension: &Extension<'_>, memo: &mut Memo<Finding>) -> bool {
    match extension.oid {
        known if repeats(known) => recall(facts, extension, memo),
        oid::SUBJECT_KEY_ID => {
            let id = value(facts, extension, |value| {
                KeyIdentifier::from_der(value).map(|(_, id)| text::hex(id.0)).map_err(refusal)
            });
            facts.subject_key_id = id.filter(|id| !id.is_empty());
        }
        oid::SUBJECT_ALT_NAME => subject_alt_name(facts, extension),
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

/// Takes what the extension says from the memo, or reads it. What is read without any problem is remembered; while
/// there is one, nothing is: the list of problems is bounded and might hide the next.
fn recall(facts: &mut Facts, extension: &Extension<'_>, memo: &mut Memo<Finding>) {
    facts.has_eku |= extension.oid == oid::EXTENDED_KEY_USAGE;
    let unknown = match memo.get(extension.element) {
        Ok(finding) => return facts.take(finding.clone()),
        Err(unknown) => unknown,
    };
    let Some(finding) = find(facts, extension) else { return };
    if facts.problems.is_empty() {
        memo.put(unknown, &finding);
    }
    facts.take(finding);
}

/// Reads the value of an extension that [`Finding`] has a place for; doubts go to the facts.
fn find(facts: &mut Facts, extension: &Extension<'_>) -> Option<Finding> {
    Some(match extension.oid {
        oid::KEY_USAGE => Finding::KeyUsage(key_usage_names(value(facts, extension, parsed::<KeyUsage>)?)),
        oid::BASIC_CONSTRAINTS => {
            let constraints = value(facts, extension, parsed::<BasicConstraints>)?;
            let path_length = constraints.path_len_constraint.and_then(|length| i32::try_from(length).ok());
            Finding::BasicConstraints { is_ca: constraints.ca, path_length }
        }
        oid::AUTHORITY_KEY_ID => {
            let id = value(facts, extension, |value| {
                let (_, authority) = AuthorityKeyIdentifier::from_der(value).map_err(refusal)?;
                Ok(authority.key_identifier.map(|id| text::hex(id.0)))
            });
            Finding::AuthorityKeyId(id.flatten().filter(|id| !id.is_empty())?)
        }
        oid::EXTENDED_KEY_USAGE => Finding::Usages(value(facts, extension, usages)?),
        oid::CERTIFICATE_POLICIES => Finding::CertificatePolicies(value(facts, extension, windows::policies)?),
        oid::APPLICATION_POLICIES => Finding::ApplicationPolicies(value(facts, extension, windows::policies)?),
        oid::CRL_DISTRIBUTION_POINTS => {
            let points = value(facts, extension, urls::crl_distribution_points)?;
            if points.is_damaged {
                facts.doubt(oid::text(extension.oid), "a part of the distribution points is malformed");
            }
            Finding::DistributionPoints(points)
        }
        oid::AUTHORITY_INFO_ACCESS => {
            let access = value(facts, extension, urls::authority_info_access)?;
            if access.is_damaged {
                facts.doubt(oid::text(extension.oid), "a part of the access descriptions is malformed");
            }
            Finding::InfoAccess(access)
        }
        oid::TEMPLATE_NAME => Finding::TemplateName(value(facts, extension, windows::template_name)?),
        oid::TEMPLATE => Finding::Template(value(facts, extension, windows::template)?),
        _ => return None,
    })
}

impl Facts {
    fn take(&mut self, finding: Finding) {
        match finding {
            Finding::KeyUsage(names) => self.key_usage = names,
            Finding::BasicConstraints { is_ca, path_length } => {
                (self.is_ca, self.path_length) = (Some(is_ca), path_length);
            }
            Finding::AuthorityKeyId(id) => self.authority_key_id = Some(id),
            Finding::Usages(usages) => self.take_usages(usages),
            Finding::CertificatePolicies(policies) => self.certificate_policies = policies,
            Finding::ApplicationPolicies(policies) => self.application_policies = policies,
            Finding::DistributionPoints(points) => self.crl_urls = points.crl,
            Finding::InfoAccess(access) => (self.ocsp_urls, self.ca_issuer_urls) = (access.ocsp, access.ca_issuers),
            Finding::TemplateName(name) => self.template_name = Some(name),
            Finding::Template(template) => {
                self.template_oid = Some(template.oid);
                (self.template_major, self.template_minor) = (template.major, template.minor);
            }
        }
    }

    fn take_usages(&mut self, usages: Vec<Label>) {
        let has = |oid: &str| usages.iter().any(|usage| usage == oid);
        let any = has("2.5.29.37.0");
        self.is_client_auth = Some(any || has("1.3.6.1.5.5.7.3.2"));
        self.is_server_auth = Some(any || has("1.3.6.1.5.5.7.3.1"));
        self.is_smart_card_logon = Some(has("1.3.6.1.4.1.311.20.2.2"));
        self.tpm_role = windows::tpm_role(&usages);
        self.eku = usages;
    }
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
fn key_usage_names(usage: KeyUsage) -> Vec<&'static str> {
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
    names.map(|(_, name)| *name).collect()
}

/// Extended key usages. x509-parser's own type for this extension has no order, so the list is parsed as what it is:
/// OIDs.
fn usages(value: &[u8]) -> Result<Vec<Label>, Refusal> {
    let (_, usages) = <Vec<Oid<'_>> as FromDer<'_, asn1_rs::Error>>::from_der(value)
        .map_err(|_| Refusal::Borrowed("not a SEQUENCE of object identifiers"))?;
    Ok(usages.iter().map(|usage| oid::text(usage.as_bytes())).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_whose_value_is_looked_at() {
        let others = (0..=255)
            .map(|last| vec![0x55, 0x1d, last])
            .chain((0..64).map(|last| [&[0x2b, 6, 1, 4, 1, 0x82, 0xc4, 0x0a, 3][..], &[last]].concat()));
        let known = (0..64).filter_map(oid::text_at).map(crate::x509::tests::build::oid);
        let mut interpreted = 0;
        for oid in known.chain(others) {
            let extension = Extension { element: &[], oid: &oid, place: None, is_critical: false, value: &[5, 0] };
            let is_taken = interpret(&mut Facts::default(), &extension, &mut Memo::default());
            assert_eq!(is_interpreted(&oid), is_taken, "{oid:02x?}");
            interpreted += usize::from(is_taken);
        }
        assert!(interpreted >= 17 + 8 + 4);
    }
}
