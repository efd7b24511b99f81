//! One bag of a safe: what it holds and what its attributes say.

use std::borrow::Cow;

use super::octets::{Octets, octets};
use super::pbe::Scheme;
use crate::der::{self, Items, Tlv, tag};
use crate::format::text;
use crate::record::{Code, Property};

/// 1.2.840.113549.1.12.10.1, the bag types by their last arc (RFC 7292 section 4.2).
const BAGS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
/// 1.2.840.113549.1.9.22.1, an X.509 certificate in a certBag.
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
/// 1.2.840.113549.1.9.20, friendlyName (RFC 2985 section 5.5.1).
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];
/// 1.2.840.113549.1.9.21, localKeyId (RFC 2985 section 5.5.2).
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x15];
/// 1.3.6.1.4.1.311.17, Microsoft's attributes (wincrypt.h): .1 is the provider's name, .2 the mark of a machine key, .3.N
/// the store property N.
const MICROSOFT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x11];
/// CERT_REQUEST_ORIGINATOR_PROP_ID (wincrypt.h).
const REQUEST_ORIGINATOR: u32 = 71;
const BMP_STRING: u8 = 0x1e;
const UTF8_STRING: u8 = 0x0c;
/// Most properties told of one bag.
const MAX_PROPERTIES: usize = 1024;

/// What a bag holds.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// A private key without encryption: a PrivateKeyInfo.
    PlainKey(&'a [u8]),
    /// An encrypted private key, with the name of its encryption where that is known here.
    ShroudedKey(Option<&'static str>),
    /// A certificate.
    Certificate(Octets<'a>),
    /// Bags inside the bag.
    Safe(&'a [u8]),
    /// Something that is understood and gives no row, by its name.
    Other(&'static str),
}

/// One bag.
#[derive(Debug)]
pub(super) struct Bag<'a> {
    pub body: Body<'a>,
    pub attributes: Attributes<'a>,
}

/// What the attributes of a bag say.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    /// Name for people; of a key that Windows wrote, the name of its container.
    pub friendly_name: Option<String>,
    /// What joins a key with its certificate.
    pub local_key_id: Option<&'a [u8]>,
    /// Name of the provider that held the key.
    pub provider: Option<String>,
    /// The key belonged to the machine.
    pub is_machine_key: bool,
    /// DNS name of the machine that requested the certificate.
    pub request_originator: Option<String>,
    /// Store properties, by id and length.
    pub properties: Vec<Property>,
    /// What could not be read: field and message.
    pub problems: Vec<(Code, &'static str, &'static str)>,
}

impl<'a> Bag<'a> {
    /// From the content of a SafeBag: bag type, `[0]` value, attributes. `None` where that is not its shape.
    pub(super) fn parse(content: &'a [u8]) -> Option<Self> {
        let mut items = Items::new(content);
        let oid = items.next_if(tag::OID)?.content;
        let value = items.next_if(tag::CONTEXT_0)?.content;
        let body = match oid.strip_prefix(BAGS) {
            Some([1]) => Body::PlainKey(value.get(..sequence(value)?.total)?),
            Some([2]) => {
                let mut parts = Items::new(sequence(value)?.content);
                Body::ShroudedKey(Scheme::parse(&mut parts).map(|scheme| scheme.name()))
            }
            Some([3]) => certificate(sequence(value)?.content)?,
            Some([4]) => Body::Other("crl"),
            Some([5]) => Body::Other("secret_bag"),
            Some([6]) => Body::Safe(sequence(value)?.content),
            _ => Body::Other("unknown_bag"),
        };
        let mut attributes = Attributes::default();
        if let Some(set) = items.next_if(tag::SET) {
            attributes.read(set.content);
        }
        if !items.rest().is_empty() {
            attributes.doubt("attributes", "the attributes of the bag cannot be read");
        }
        Some(Bag { body, attributes })
    }
}

fn sequence(bytes: &[u8]) -> Option<Tlv<'_>> {
    der::read(bytes).filter(|value| value.tag == tag::SEQUENCE)
}

/// CertBag: type and `[0]` octets (RFC 7292 section 4.2.3).
fn certificate(content: &[u8]) -> Option<Body<'_>> {
    let mut items = Items::new(content);
    let oid = items.next_if(tag::OID)?.content;
    if oid != X509 {
        return Some(Body::Other("other_certificate"));
    }
    Some(Body::Certificate(octets(items.next_if(tag::CONTEXT_0)?.content)?))
}

impl<'a> Attributes<'a> {
    /// Whether Windows wrote the bag: a provider is named, or the localKeyId is a counter of four bytes.
    pub(super) fn is_of_windows(&self) -> bool {
        self.provider.is_some() || self.local_key_id.is_some_and(|id| id.len() == 4)
    }

    fn doubt(&mut self, field: &'static str, message: &'static str) {
        self.problem(Code::BadStructure, field, message);
    }

    /// One problem a field is enough.
    fn problem(&mut self, code: Code, field: &'static str, message: &'static str) {
        if self.problems.iter().all(|(_, known, _)| *known != field) {
            self.problems.push((code, field, message));
        }
    }

    fn read(&mut self, content: &'a [u8]) {
        let mut attributes = Items::new(content);
        for attribute in &mut attributes {
            let mut parts = Items::new(attribute.content);
            match (parts.next_if(tag::OID), parts.next_if(tag::SET)) {
                (Some(oid), Some(values)) => self.attribute(oid.content, values.content),
                _ => self.doubt("attributes", "an attribute of the bag cannot be read"),
            }
        }
        if !attributes.rest().is_empty() {
            self.doubt("attributes", "the attributes of the bag cannot be read");
        }
    }

    /// The first of each kind counts.
    fn attribute(&mut self, oid: &[u8], values: &'a [u8]) {
        let value = der::read(values);
        match (oid, oid.strip_prefix(MICROSOFT)) {
            (FRIENDLY_NAME, _) if self.friendly_name.is_none() => {
                let text = self.text(value, "friendly_name");
                self.friendly_name = text.filter(|text| !text.is_empty());
            }
            (LOCAL_KEY_ID, _) if self.local_key_id.is_none() => {
                self.local_key_id = value.filter(|value| value.tag == tag::OCTET_STRING).map(|value| value.content);
                if self.local_key_id.is_none() {
                    self.doubt("local_key_id", "the local key id is no octet string");
                }
            }
            (_, Some([1])) if self.provider.is_none() => self.provider = self.text(value, "provider_name"),
            (_, Some([2])) => self.is_machine_key = true,
            (_, Some([3, id @ ..])) => self.property(id, value),
            _ => {}
        }
    }

    /// A BMPString, or UTF-8 as some producers write; NULs at its end are no part of it.
    fn text(&mut self, value: Option<Tlv<'_>>, field: &'static str) -> Option<String> {
        let (text, is_valid) = match value {
            Some(Tlv { tag: BMP_STRING, content, .. }) => utf16be(content),
            Some(Tlv { tag: UTF8_STRING, content, .. }) => match String::from_utf8_lossy(content) {
                Cow::Borrowed(text) => (text.to_owned(), true),
                Cow::Owned(text) => (text, false),
            },
            _ => {
                self.doubt(field, "the attribute is no string");
                return None;
            }
        };
        if !is_valid {
            self.problem(Code::BadText, field, "the string is not valid UTF-16");
        }
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// Store property `id` (the arcs after 17.3) of a certificate or key.
    fn property(&mut self, id: &[u8], value: Option<Tlv<'_>>) {
        let arcs = id.iter().take(5).fold(0u64, |n, byte| n << 7 | u64::from(byte & 0x7f));
        let is_one_arc =
            id.iter().rev().skip(1).all(|byte| byte & 0x80 != 0) && id.last().is_some_and(|b| b & 0x80 == 0);
        let (Ok(id), true) = (u32::try_from(arcs), is_one_arc && id.len() <= 5) else {
            return self.doubt("properties", "the number of a store property cannot be read");
        };
        let Some(value) = value.filter(|value| value.tag == tag::OCTET_STRING) else {
            return self.doubt("properties", "a store property is no octet string");
        };
        if self.properties.len() == MAX_PROPERTIES {
            return self.problem(Code::TooLarge, "properties", "the bag has more than 1024 store properties");
        }
        self.properties.push(Property { id, len: value.content.len().try_into().unwrap_or(u32::MAX) });
        if id == REQUEST_ORIGINATOR && self.request_originator.is_none() {
            let (text, is_valid) = text::utf16le(value.content);
            if !is_valid {
                self.problem(Code::BadText, "request_originator", "the property is not valid UTF-16");
            }
            let end = text.find('\0').unwrap_or(text.len());
            self.request_originator = text.get(..end).map(str::to_owned);
        }
    }
}

/// Text of a BMPString, and whether it is one.
fn utf16be(bytes: &[u8]) -> (String, bool) {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut is_valid = rest.is_empty();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    let text = char::decode_utf16(units).map(|unit| {
        unit.unwrap_or_else(|_| {
            is_valid = false;
            char::REPLACEMENT_CHARACTER
        })
    });
    (text.collect(), is_valid)
}

/// Whether a name is one that Windows or its providers make up for a container: a GUID, alone or after a prefix such as
/// `le-`, `te-` or `tq-`. Others may be names that a person gave.
pub(super) fn is_container(name: &str) -> bool {
    const GUID: [usize; 5] = [8, 4, 4, 4, 12];
    let bare = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    let groups: Vec<&str> = bare.rsplitn(6, '-').take(5).collect();
    groups.len() == 5
        && groups
            .iter()
            .rev()
            .zip(GUID)
            .all(|(group, len)| group.len() == len && group.bytes().all(|digit| digit.is_ascii_hexdigit()))
}
