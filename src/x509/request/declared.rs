//! What the client declares in the attributes of a request ([MS-WCCE] 2.2.2.7): the provider of the key, itself, its
//! user, and attempts at an attestation. Nothing of it is proved.
//!
//! Values that may be secret (a challenge password, an archived key) are not looked at; their attributes are listed.

use sha1::Sha1;
use sha2::Digest;
use x509_parser::asn1_rs::oid;

use super::{EXTENSION_REQUEST, OLDER_EXTENSION_REQUEST};
use crate::der::{self, Items, Tlv, tag};
use crate::x509::extension::Requested;
use crate::x509::{Facts, Label, oid, string};

const CSP_PROVIDER: &[u8] = &oid!(raw 1.3.6.1.4.1.311.13.2.2);
const OS_VERSION: &[u8] = &oid!(raw 1.3.6.1.4.1.311.13.2.3);
const CLIENT_INFO: &[u8] = &oid!(raw 1.3.6.1.4.1.311.21.20);
const NAME_VALUE: &[u8] = &oid!(raw 1.3.6.1.4.1.311.13.2.1);
const RENEWED_CERTIFICATE: &[u8] = &oid!(raw 1.3.6.1.4.1.311.13.1);
/// Attribute with the private key, encrypted for the CA: content octets of 1.3.6.1.4.1.311.21.13.
pub const ARCHIVED_KEY: &[u8] = &oid!(raw 1.3.6.1.4.1.311.21.13);
const ARCHIVED_KEY_HASH: &[u8] = &oid!(raw 1.3.6.1.4.1.311.21.21);
const ATTESTATION_STATEMENT: &[u8] = &oid!(raw 1.3.6.1.4.1.311.21.24);
/// The number of the attestation statement that the text of [MS-WCCE] 2.2.2.7.12 prints; wincrypt.h has the other.
const PRINTED_ATTESTATION_STATEMENT: &[u8] = &oid!(raw 1.3.6.1.4.1.311.21.33);
const ATTESTING_PROVIDER: &[u8] = &oid!(raw 1.3.6.1.4.1.311.21.25);

/// Where a mark of an attestation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among the attributes of the request.
    Attribute,
    /// Among the extensions that it asks for.
    Extension,
}

/// One mark of an attestation.
#[derive(Debug)]
pub struct Mark {
    /// Dotted OID.
    pub oid: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Its name in `requests.attestation`.
    pub name: &'static str,
}

/// Every mark of a key attestation that is known in requests. Presence is all that is said: the first four are for the CA
/// alone to open or to check ([MS-WCCE] 2.2.2.7.12, 2.2.2.7.15; wincrypt.h), the others are certificates whose chain
/// nobody checked here (Yubico, "PIV attestation"; the numbers as tools write them into requests).
pub const MARKS: &[Mark] = &[
    Mark { oid: "1.3.6.1.4.1.311.21.24", place: Place::Attribute, name: "attestation_statement" },
    Mark { oid: "1.3.6.1.4.1.311.21.33", place: Place::Attribute, name: "attestation_statement" },
    Mark { oid: "1.3.6.1.4.1.311.21.23", place: Place::Attribute, name: "endorsement_key_info" },
    Mark { oid: "1.3.6.1.4.1.311.21.39", place: Place::Attribute, name: "identity_key_info" },
    Mark { oid: "1.3.6.1.4.1.41482.3.11", place: Place::Extension, name: "yubikey_slot_certificate" },
    Mark { oid: "1.3.6.1.4.1.41482.3.1", place: Place::Extension, name: "yubikey_slot_certificate" },
    Mark { oid: "1.3.6.1.4.1.41482.3.2", place: Place::Extension, name: "yubikey_intermediate_certificate" },
];

/// Most attributes listed of one request. Real ones have about five.
const MAX_ATTRIBUTES: usize = 256;

/// What one request declares. `None` and empty lists mean "not said", or "not readable" with a problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// Every attribute, dotted, in order; at most 256.
    pub attributes: Vec<Label>,
    /// Provider of the key.
    pub provider_name: Option<String>,
    /// Key spec: 1 or 2 from CryptoAPI clients, 0 from CNG clients.
    pub key_spec: Option<u32>,
    /// `major.minor.build.platform`.
    pub os_version: Option<String>,
    /// Number of the component that asked ([MS-WCCE] 2.2.2.7.4).
    pub client_id: Option<i64>,
    /// Machine that asked.
    pub machine: Option<String>,
    /// User that asked, usually `DOMAIN\user`.
    pub user: Option<String>,
    /// Program that asked.
    pub process: Option<String>,
    /// Template named by a name-value pair.
    pub template_name: Option<String>,
    /// Template whose OID stands in such a pair.
    pub template_oid: Option<String>,
    /// SHA-1 of the certificate that is renewed.
    pub renewed_thumbprint: Option<[u8; 20]>,
    /// The private key, encrypted for the CA, or its hash is part of the request.
    pub is_key_archived: bool,
    /// Names of [`MARKS`] that are there, in the order of that list, each once.
    pub attestation: Vec<&'static str>,
    /// Platform in the header of the attestation statement: `tpm_1_2`, `tpm_2_0`, or its number.
    pub attestation_platform: Option<Label>,
    /// Provider that made the attestation.
    pub attestation_provider: Option<String>,
}

impl Declared {
    /// Adds the marks that stand among these extensions, and puts all in the order of the list.
    pub(super) fn add_marks(&mut self, extensions: &[Label]) {
        let is_there = |mark: &Mark| {
            let list = match mark.place {
                Place::Attribute => &self.attributes[..],
                Place::Extension => extensions,
            };
            list.iter().any(|oid| oid == mark.oid)
        };
        let mut names: Vec<_> = MARKS.iter().filter(|mark| is_there(mark)).map(|mark| mark.name).collect();
        names.dedup();
        self.attestation = names;
    }
}

/// A reader of attributes, which may stand in several lists.
#[derive(Default)]
pub(super) struct Reader<'a> {
    declared: Declared,
    /// Values of the attributes that can be said once only.
    said: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Reader<'a> {
    /// What was read.
    pub fn finish(self) -> Declared {
        self.declared
    }

    /// Reads the content of a SET OF Attribute; doubts go to `facts`, requests for extensions to their reader.
    pub fn read(&mut self, facts: &mut Facts, content: &'a [u8], extensions: &mut Requested<'a>) {
        let mut list = Items::new(content);
        let mut is_whole = true;
        for attribute in &mut list {
            if self.declared.attributes.len() == MAX_ATTRIBUTES {
                return facts
                    .doubt("attributes", format!("there are more than {MAX_ATTRIBUTES}; the others were ignored"));
            }
            match cut(&attribute) {
                Some((kind, values)) => self.attribute(facts, kind, values, extensions),
                None => is_whole = false,
            }
        }
        if !is_whole || !list.rest().is_empty() {
            facts.doubt("attributes", "the list of attributes is damaged; some may be missing");
        }
    }

    fn attribute(&mut self, facts: &mut Facts, kind: &'a [u8], values: &'a [u8], extensions: &mut Requested<'a>) {
        let label = facts.oid_text("attributes", kind);
        self.declared.attributes.push(label);
        match kind {
            EXTENSION_REQUEST | OLDER_EXTENSION_REQUEST => {
                let mut lists = Items::new(values);
                loop {
                    let rest = lists.rest();
                    let Some(list) = lists.next() else { break };
                    extensions.read(facts, rest.get(..list.total).unwrap_or_default());
                }
                if !lists.rest().is_empty() {
                    facts.doubt("extensions", "the attribute that asks for extensions is damaged; some may be missing");
                }
            }
            NAME_VALUE => self.name_value(facts, values),
            ARCHIVED_KEY | ARCHIVED_KEY_HASH => self.declared.is_key_archived = true,
            CSP_PROVIDER
            | OS_VERSION
            | CLIENT_INFO
            | RENEWED_CERTIFICATE
            | ATTESTATION_STATEMENT
            | PRINTED_ATTESTATION_STATEMENT
            | ATTESTING_PROVIDER => self.single(facts, kind, values),
            _ => {}
        }
    }

    /// An attribute that has one value and is said once. Clients repeat themselves in a message and its request.
    fn single(&mut self, facts: &mut Facts, kind: &'a [u8], values: &'a [u8]) {
        if let Some((_, first)) = self.said.iter().find(|(known, _)| *known == kind) {
            if *first != values {
                facts.doubt(oid::text(kind), "the attribute is said twice, and differently; the first one is used");
            }
            return;
        }
        self.said.push((kind, values));
        let Some(value) = der::read(values) else {
            return facts.doubt(oid::text(kind), "the attribute has no readable value");
        };
        if value.total != values.len() {
            facts.doubt(oid::text(kind), "the attribute has more than one value; the first one is used");
        }
        let is_understood = match kind {
            CSP_PROVIDER => self.provider(&value),
            OS_VERSION => put(&mut self.declared.os_version, &value),
            CLIENT_INFO => self.client(&value),
            RENEWED_CERTIFICATE => {
                let certificate = values.get(..value.total).unwrap_or_default();
                self.declared.renewed_thumbprint =
                    (value.tag == tag::SEQUENCE).then(|| Sha1::digest(certificate).into());
                value.tag == tag::SEQUENCE
            }
            ATTESTING_PROVIDER => put(&mut self.declared.attestation_provider, &value),
            _ => self.statement(&value),
        };
        if !is_understood {
            facts.doubt(oid::text(kind), "the value of the attribute is not what its type asks for");
        }
    }

    /// EnrollmentCSP: key spec, name, and a signature that real ones leave empty ([MS-WCCE] 2.2.2.7).
    fn provider(&mut self, value: &Tlv<'_>) -> bool {
        let Some((mut fields, number)) = numbered(value) else { return false };
        self.declared.key_spec = dword(number);
        let has_name = fields.next().is_some_and(|name| put(&mut self.declared.provider_name, &name));
        self.declared.key_spec.is_some() && has_name
    }

    /// ClientId: component, machine, user, program ([MS-WCCE] 2.2.2.7.4). What stands behind a field that is no text has
    /// no name.
    fn client(&mut self, value: &Tlv<'_>) -> bool {
        let Some((mut fields, number)) = numbered(value) else { return false };
        self.declared.client_id = Some(number);
        let mut slots = [&mut self.declared.machine, &mut self.declared.user, &mut self.declared.process].into_iter();
        slots.all(|slot| fields.next().is_some_and(|text| put(slot, &text)))
    }

    /// Header of a KeyAttestationStatement in an OCTET STRING ([MS-WCCE] 2.2.2.5). What follows it is not looked at.
    fn statement(&mut self, value: &Tlv<'_>) -> bool {
        const MAGIC: u32 = u32::from_le_bytes(*b"KAST");
        const HEADER: u64 = 28;
        let (words, _) = value.content.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        let (Some(MAGIC), Some(1), Some(platform)) = (words.next(), words.next(), words.next()) else { return false };
        self.declared.attestation_platform = Some(match platform {
            1 => "tpm_1_2".into(),
            2 => "tpm_2_0".into(),
            other => other.to_string().into(),
        });
        let lengths: Vec<u64> = words.take(4).map(u64::from).collect();
        value.tag == tag::OCTET_STRING
            && lengths.len() == 4
            && lengths.first().is_some_and(|header| *header >= HEADER)
            && lengths.iter().sum::<u64>() <= value.content.len() as u64
    }

    /// EnrollmentNameValuePair ([MS-WCCE] 2.2.2.7); each value is one. Only that of the template is taken.
    fn name_value(&mut self, facts: &mut Facts, values: &[u8]) {
        let mut pairs = Items::new(values);
        let mut is_whole = true;
        for pair in &mut pairs {
            let mut fields = Items::new(pair.content);
            let (Some(name), Some(value)) = (fields.next(), fields.next()) else {
                is_whole = false;
                continue;
            };
            let mut key = None;
            is_whole &= put(&mut key, &name);
            if key.is_some_and(|key| key.eq_ignore_ascii_case("CertificateTemplate")) {
                let mut template = None;
                is_whole &= put(&mut template, &value);
                self.template(facts, template);
            }
        }
        if !is_whole || !pairs.rest().is_empty() {
            facts.doubt(oid::text(NAME_VALUE), "the value of the attribute is not what its type asks for");
        }
    }

    /// Takes what a pair names: usually the name of a template, but some clients send its OID.
    fn template(&mut self, facts: &mut Facts, template: Option<String>) {
        let Some(template) = template else { return };
        let is_oid = template.contains('.') && template.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let slot = if is_oid { &mut self.declared.template_oid } else { &mut self.declared.template_name };
        match slot {
            Some(known) if *known != template => {
                facts.doubt("template_name", "two attributes name different templates; the first one is used");
            }
            _ => *slot = Some(template),
        }
    }
}

/// Type and values of an attribute: SEQUENCE { OID, SET OF value } (RFC 2986 section 4.1).
fn cut<'a>(attribute: &Tlv<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let mut parts = Items::new(attribute.content);
    let kind = parts.next_if(tag::OID)?.content;
    let values = parts.next_if(tag::SET)?.content;
    (attribute.tag == tag::SEQUENCE && parts.rest().is_empty()).then_some((kind, values))
}

/// Takes a string of any type without the NULs at its end; false where it is none. An empty one says nothing.
fn put(slot: &mut Option<String>, value: &Tlv<'_>) -> bool {
    let Some(text) = string::decode(u32::from(value.tag), value.content) else { return false };
    let text = text.trim_end_matches('\0');
    *slot = (!text.is_empty()).then(|| text.to_owned());
    true
}

/// The fields of a SEQUENCE that begins with a number, which is taken.
fn numbered<'a>(value: &Tlv<'a>) -> Option<(Items<'a>, i64)> {
    let mut fields = Items::new(value.content);
    let number = fields.next_if(tag::INTEGER).and_then(|number| integer(number.content))?;
    (value.tag == tag::SEQUENCE).then_some((fields, number))
}

/// An INTEGER of up to eight octets.
fn integer(content: &[u8]) -> Option<i64> {
    let first = *content.first().filter(|_| content.len() <= 8)?;
    let sign = if first & 0x80 != 0 { -1 } else { 0 };
    Some(content.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte)))
}

/// A DWORD, which Windows writes as a signed number.
fn dword(number: i64) -> Option<u32> {
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}
