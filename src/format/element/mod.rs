//! A serialized certificate element: properties, then the object they belong to.
//!
//! The same bytes stand in registry `Blob` values, in the files of a user's `My` store, and between header and end
//! mark of a serialized store (`sst.rs`). Windows-binary sections 1 and 3 to 5; MS-GPEF 2.2.1.1.1.

use sha1::{Digest, Sha1};

use super::registry::place::user_tree;
use super::text::utf16le;
use super::{Format, Head, Input, Outcome};
use crate::hex;
use crate::record::{
    Body, CertificateRef, Claims, Code, Collection, KeyReport, Lineage, Observation, Property, Provider, Reject, Sink,
    Stage, StoreLocation,
};

mod key_prov_info;
pub(crate) mod keys;
mod records;

use key_prov_info::KeyProvInfo;
use keys::KeyOf;
pub(crate) use records::{HEADER, Next, look_ahead, pass_over, pass_well_formed};
use records::{Header, Object, Record, Records};

/// A file that is one element.
pub static FORMAT: Format = Format {
    name: "element",
    title: "Serialized certificate element",
    usual_names: "40 hexadecimal digits (per-user store files), exported Blob values",
    yields: "one certificate or key with its store properties; store and user SID where the path has them",
    source: "MS-GPEF 2.2.1.1.1, MS-OSHARED 2.3.2.5.4",
    sniff: |head| is_element_head(head) || begins_beyond_doubt(head.bytes),
    read: Some(read),
    unpack: None,
    border: None,
};

/// Property ids that readers interpret (`wincrypt.h`, `CERT_*_PROP_ID`).
mod id {
    pub const KEY_PROV_HANDLE: u32 = 1;
    pub const KEY_PROV_INFO: u32 = 2;
    pub const SHA1_HASH: u32 = 3;
    pub const MD5_HASH: u32 = 4;
    pub const KEY_CONTEXT: u32 = 5;
    pub const KEY_SPEC: u32 = 6;
    pub const FRIENDLY_NAME: u32 = 11;
    pub const PVK_FILE: u32 = 12;
    pub const ARCHIVED: u32 = 19;
    pub const KEY_IDENTIFIER: u32 = 20;
    pub const ISSUER_KEY_MD5: u32 = 24;
    pub const SUBJECT_KEY_MD5: u32 = 25;
    pub const ISSUER_SERIAL_MD5: u32 = 28;
    pub const SUBJECT_NAME_MD5: u32 = 29;
    pub const REQUEST_ORIGINATOR: u32 = 71;
    pub const NCRYPT_KEY_HANDLE: u32 = 78;
    pub const HCRYPTPROV_OR_NCRYPT_KEY_HANDLE: u32 = 79;
    pub const NCRYPT_KEY_HANDLE_TRANSFER: u32 = 99;
    pub const HCRYPTPROV_TRANSFER: u32 = 100;
    pub const SMART_CARD_READER: u32 = 101;
    pub const SMART_CARD_READER_NON_REMOVABLE: u32 = 106;
    pub const SHA256_HASH: u32 = 107;
    pub const SERIALIZABLE_KEY_CONTEXT: u32 = 117;
    pub const ISOLATED_KEY: u32 = 118;
}

/// Most properties of one element. Windows writes about twenty; the bound keeps hostile elements cheap.
const MAX_PROPERTIES: usize = 1024;

/// What is known of an element from where it stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setting<'a> {
    /// Even an element without properties was written with those it had, so a missing key property is a statement.
    pub always_reports: bool,
    /// File or registry key name: the SHA-1 of a certificate, the identifier of a key.
    pub name: Option<&'a str>,
    /// The element of its key, where the store keeps that apart.
    pub key: Option<&'a [u8]>,
    /// The store may keep keys apart that could not be looked at: a certificate that names no provider may have one.
    pub has_unseen_keys: bool,
    /// The store it stands in, where that is known. Windows then names it as said above, so another name is a doubt.
    pub place: Option<Place<'a>>,
}

/// The store of an element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Kind of store.
    pub location: StoreLocation,
    /// Its name, verbatim.
    pub name: &'a str,
    /// Its owner.
    pub user_sid: Option<&'a str>,
    /// Providers that the same source registers.
    pub registry: &'a [Provider<'a>],
}

impl Setting<'_> {
    /// An element on its own: a file or a `Blob` value.
    pub(crate) const ELEMENT: Setting<'static> =
        Setting { always_reports: true, name: None, key: None, has_unseen_keys: false, place: None };
    /// An element of a serialized store. Without any property it may have been written by a program that drops them.
    pub(crate) const STORE: Setting<'static> =
        Setting { always_reports: false, name: None, key: None, has_unseen_keys: false, place: None };
}

/// Whether walking the records ends exactly at the end of the source, with an object as the last and only one.
fn is_element_head(head: &Head<'_>) -> bool {
    let len = if head.complete { Some(head.bytes.len() as u64) } else { head.len };
    let mut at = 0u64;
    loop {
        let Some(header) = usize::try_from(at).ok().and_then(|at| head.bytes.get(at..)).and_then(Header::parse) else {
            // A property longer than the head: what follows cannot be seen, so the walk so far decides.
            return at > 0 && at > head.bytes.len() as u64 && len.is_none_or(|len| at + HEADER as u64 <= len);
        };
        at += header.total();
        if !(1..=0xffff).contains(&header.id) || header.encoding != 1 || len.is_some_and(|len| at > len) {
            return false;
        }
        match header.object() {
            None => {}
            Some(Object::Reserved) => return false,
            // Without a known length the object must reach beyond the head, or the head would be complete.
            Some(_) => return len.map_or(at > head.bytes.len() as u64, |len| at == len),
        }
    }
}

/// Whether the first record is one that only an element begins with, whatever follows: what is damaged or cut behind it is
/// lost, and not unknown. Lengths of digests are fixed (wincrypt.h, `CERT_*_HASH_PROP_ID`).
pub(crate) fn begins_beyond_doubt(bytes: &[u8]) -> bool {
    const MAX_KEY_PROV_INFO: u32 = 64 * 1024;
    let Some(header) = Header::parse(bytes).filter(|header| header.encoding == 1) else { return false };
    let value = bytes.get(HEADER..).unwrap_or_default();
    match (header.id, header.len) {
        (id::SHA1_HASH | id::KEY_IDENTIFIER, 20) | (id::SHA256_HASH, 32) => true,
        (
            id::MD5_HASH | id::ISSUER_KEY_MD5 | id::SUBJECT_KEY_MD5 | id::ISSUER_SERIAL_MD5 | id::SUBJECT_NAME_MD5,
            16,
        ) => true,
        // The container's name stands behind seven fields of four bytes.
        (id::KEY_PROV_INFO, len @ 28..=MAX_KEY_PROV_INFO) => {
            let container = value.first_chunk().map(|offset| u32::from_le_bytes(*offset));
            container.is_some_and(|offset| (28..len).contains(&offset))
        }
        // An X.509 certificate of more than 127 bytes.
        (_, len) if header.object() == Some(Object::Certificate) => {
            len as usize <= records::MAX_ELEMENT && matches!(value, [0x30, 0x81..=0x83, ..])
        }
        _ => false,
    }
}

/// Whether `bytes` are one whole element.
pub(crate) fn is_element(bytes: &[u8]) -> bool {
    is_element_head(&Head { bytes, complete: true, len: None })
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let lineage = Lineage::at(input.window.offset());
    match look_ahead(input.window) {
        Next::Element(len) => {
            let bytes = input.window.available().get(..len).unwrap_or_default();
            let place = user_tree(input.path).map(|store| Place {
                location: store.location,
                name: store.name,
                user_sid: store.user_sid,
                registry: &[],
            });
            let KeyOf { element: key, has_unseen } = input.setting.keys.of_certificate(&input, bytes);
            let setting =
                Setting { name: Some(input.name()), key, has_unseen_keys: has_unseen, place, ..Setting::ELEMENT };
            push(bytes, setting, lineage, sink);
            input.window.consume(len);
            let left = input.window.skip(u64::MAX);
            if left > 0 {
                sink.reject(super::trailing_bytes(Lineage::at(lineage.byte_offset + len as u64), left));
            }
            Outcome::Complete
        }
        next => {
            let (reject, outcome) = unreadable(next, lineage);
            sink.reject(reject);
            outcome
        }
    }
}

/// The reject for an element that is not there as a whole.
pub(crate) fn unreadable(next: Next, lineage: Lineage) -> (Reject, Outcome) {
    let (code, message, outcome) = match next {
        Next::TooLarge => (Code::TooLarge, "the element is larger than 16 MiB, or says so", Outcome::Failed),
        Next::Unclosed(_) | Next::EndMark => {
            (Code::BadStructure, "properties are followed by no certificate", Outcome::Failed)
        }
        _ => (Code::Truncated, "the source ends inside an element", Outcome::Incomplete),
    };
    (Reject::lost(lineage, Stage::Read, code, message), outcome)
}

/// Pushes the element that a registry value holds. `bytes` are the whole value, whatever it holds.
pub(crate) fn push_value(bytes: &[u8], setting: Setting<'_>, lineage: Lineage, sink: &mut dyn Sink) {
    let mut len = 0;
    for record in Records(bytes) {
        len += HEADER + record.value.len();
        if record.header.object().is_some() {
            push(bytes.get(..len).unwrap_or_default(), setting, lineage, sink);
            if len < bytes.len() {
                sink.reject(super::trailing_bytes(lineage, (bytes.len() - len) as u64));
            }
            return;
        }
    }
    let (code, message) = match len == bytes.len() {
        true => (Code::BadStructure, "properties are followed by no certificate"),
        false => (Code::Truncated, "the value ends inside an element"),
    };
    sink.reject(Reject::lost(lineage, Stage::Read, code, message));
}

/// Pushes the one element that `bytes` are: a certificate or key is observed, CRLs and CTLs are skipped.
pub(crate) fn push(bytes: &[u8], setting: Setting<'_>, lineage: Lineage, sink: &mut dyn Sink) {
    let bad = |message: &str| Reject::lost(lineage, Stage::Read, Code::BadStructure, message);
    let Some((object, record)) = Records(bytes).find_map(|r| r.header.object().map(|object| (object, r))) else {
        return sink.reject(bad("the element has no object"));
    };
    if Records(bytes).nth(MAX_PROPERTIES + 1).is_some() {
        let message = "the element has more than 1024 properties";
        return sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
    }
    if let Some(odd) = Records(bytes).map(|record| record.header.encoding).find(|encoding| *encoding != 1) {
        return sink.reject(bad(&format!("a record has encoding {odd}, Windows accepts 1 alone")));
    }
    match object {
        Object::Crl => return sink.skip("crl"),
        Object::Ctl => return sink.skip("ctl"),
        Object::Reserved => return sink.skip("unknown_object"),
        Object::Certificate | Object::Key => {}
    }
    let mut reading =
        Reading { lineage, claims: Claims::default(), certificate: CertificateRef::default(), rejects: vec![] };
    for property in Records(bytes).take_while(|record| record.header.object().is_none()) {
        reading.property(&property);
    }
    let of_key = setting.key.filter(|_| object == Object::Certificate).unwrap_or_default();
    let of_key = Records(of_key).take_while(|record| record.header.object().is_none()).take(MAX_PROPERTIES);
    for property in of_key.filter(|property| speaks_of_a_key(property.header.id)) {
        reading.property(&property);
    }
    if setting.key.is_some() && object == Object::Certificate {
        reading.claims.key_report = KeyReport::Claimed;
    }
    reading.object(object, record.value, setting);
    let Reading { claims, certificate, rejects, .. } = reading;
    let place = setting.place;
    sink.observation(&Observation {
        lineage,
        store_location: place.map(|place| place.location),
        store_name: place.map(|place| place.name.into()),
        user_sid: place.and_then(|place| place.user_sid).map(Into::into),
        collection: Collection { registry: place.map_or(&[], |place| place.registry), ..Collection::default() },
        certificate,
        claims,
        ..Observation::default()
    });
    rejects.into_iter().for_each(|reject| sink.reject(reject));
}

/// An element on its way to an observation.
struct Reading<'a> {
    lineage: Lineage,
    claims: Claims<'a>,
    certificate: CertificateRef<'a>,
    rejects: Vec<Reject>,
}

impl<'a> Reading<'a> {
    fn doubt(&mut self, code: Code, field: &'static str, message: impl Into<String>) {
        self.rejects.push(Reject::degraded(self.lineage, Stage::Decode, code, field, message));
    }

    fn property(&mut self, record: &Record<'a>) {
        let (id, value) = (record.header.id, record.value);
        if self.is_interpreted_twice(id) {
            self.doubt(Code::BadProperty, "properties", format!("property {id} occurs twice; the last one is used"));
        }
        self.claims.properties.push(Property { id, len: record.header.len });
        if speaks_of_a_key(id) {
            self.claims.key_report = KeyReport::Claimed;
        }
        match id {
            id::KEY_PROV_INFO => self.key_prov_info(value),
            id::SHA1_HASH => self.certificate.sha1 = self.hash(value, "sha1"),
            id::SHA256_HASH => self.certificate.sha256 = self.hash(value, "sha256"),
            id::FRIENDLY_NAME => self.claims.friendly_name = Some(self.text(value, "friendly_name").into()),
            id::PVK_FILE => self.claims.key_path = Some(self.text(value, "key_path").into()),
            id::REQUEST_ORIGINATOR => {
                self.claims.request_originator = Some(self.text(value, "request_originator").into());
            }
            id::SMART_CARD_READER => self.claims.reader = Some(self.text(value, "reader").into()),
            id::KEY_IDENTIFIER => self.claims.key_identifier = Some(value.into()),
            id::ARCHIVED => self.claims.archived = Some(true),
            id::SMART_CARD_READER_NON_REMOVABLE => self.claims.reader_non_removable = true,
            id::ISOLATED_KEY => self.claims.isolated_key = true,
            id::NCRYPT_KEY_HANDLE | id::NCRYPT_KEY_HANDLE_TRANSFER => self.claims.ncrypt_key_handle = Some(true),
            _ => {}
        }
    }

    fn is_interpreted_twice(&self, id: u32) -> bool {
        matches!(id, id::KEY_PROV_INFO | id::SHA1_HASH | id::SHA256_HASH)
            && self.claims.properties.iter().any(|property| property.id == id)
    }

    fn key_prov_info(&mut self, value: &[u8]) {
        let Some(info) = key_prov_info::parse(value) else {
            let message = format!("the key provider info has {} bytes, at least 28 are needed", value.len());
            return self.doubt(Code::BadProperty, "key_prov_info", message);
        };
        let KeyProvInfo { container, provider, provider_type, flags, key_spec, problems } = info;
        self.claims.key_container = container.map(Into::into);
        self.claims.provider_name = provider.map(Into::into);
        self.claims.provider_type = Some(provider_type);
        self.claims.key_flags = Some(flags);
        self.claims.key_spec = Some(key_spec);
        for (field, problem) in problems {
            self.doubt(Code::BadProperty, field, format!("the string in the key provider info: {problem}"));
        }
    }

    fn hash<const N: usize>(&mut self, value: &[u8], field: &'static str) -> Option<[u8; N]> {
        let hash = value.try_into().ok();
        if hash.is_none() {
            let message = format!("the stored hash has {} bytes instead of {N}", value.len());
            self.doubt(Code::BadProperty, field, message);
        }
        hash
    }

    /// A NUL-terminated string property; a missing NUL does no harm, bytes that are no UTF-16 do.
    fn text(&mut self, value: &[u8], field: &'static str) -> String {
        let pairs = value.as_chunks::<2>().0;
        let end = pairs.iter().position(|pair| *pair == [0, 0]);
        let (text, valid) = utf16le(end.map_or(value, |end| &value[..2 * end]));
        if !valid {
            self.doubt(Code::BadText, field, "the property is not valid UTF-16");
        }
        text
    }

    /// Takes the object in, and the name of the element, which is a claim about it.
    fn object(&mut self, object: Object, value: &'a [u8], setting: Setting<'_>) {
        let reports = setting.always_reports || !self.claims.properties.is_empty();
        if object == Object::Key {
            self.claims.key_report = KeyReport::Claimed;
            if self.claims.key_identifier.is_none() {
                let stored = (!value.is_empty()).then(|| value.into());
                self.claims.key_identifier = stored.or_else(|| setting.name.and_then(identifier).map(Into::into));
            }
            return;
        }
        if reports {
            // Property 19 is true by being present, so its absence says "not archived".
            self.claims.archived.get_or_insert(false);
            if self.claims.key_report == KeyReport::NotReported && !setting.has_unseen_keys {
                self.claims.key_report = KeyReport::Absent;
            }
        }
        self.certificate.body = Body::Der(value);
        let Some(name) = setting.name.and_then(hex_name) else {
            if setting.place.is_some() {
                self.doubt(Code::HashMismatch, "thumbprint", "the element's name in its store is no SHA-1");
            }
            return;
        };
        // One claimed hash goes downstream to be compared there; where there are two that differ, the stored one is
        // compared here, so that neither mismatch is silent.
        if self.certificate.sha1.replace(name).is_some_and(|stored| stored != name && !is_sha1(value, stored)) {
            self.doubt(Code::HashMismatch, "thumbprint", "the stored SHA-1 is not that of the certificate");
        }
    }
}

/// SHA-1 over the outer value alone: what Windows hashes has no bytes after it.
fn is_sha1(value: &[u8], expected: [u8; 20]) -> bool {
    let len = crate::der::read(value).map_or(value.len(), |outer| outer.total);
    Sha1::digest(value.get(..len).unwrap_or(value))[..] == expected
}

/// Properties whose presence says that there is, or was, a private key. Handles should not be stored at all, but
/// where one is, "no key" would be the wrong thing to say.
fn speaks_of_a_key(id: u32) -> bool {
    matches!(
        id,
        id::KEY_PROV_HANDLE
            | id::KEY_PROV_INFO
            | id::KEY_CONTEXT
            | id::KEY_SPEC
            | id::PVK_FILE
            | id::NCRYPT_KEY_HANDLE
            | id::HCRYPTPROV_OR_NCRYPT_KEY_HANDLE
            | id::NCRYPT_KEY_HANDLE_TRANSFER
            | id::HCRYPTPROV_TRANSFER
            | id::SMART_CARD_READER
            | id::SMART_CARD_READER_NON_REMOVABLE
            | id::SERIALIZABLE_KEY_CONTEXT
            | id::ISOLATED_KEY
    )
}

/// The 20 bytes of a name of 40 hexadecimal digits.
fn hex_name(name: &str) -> Option<[u8; 20]> {
    hex::parse(name)
}

/// Longest key identifier that a name is taken for, in bytes. Usual are 20, seen 8.
const MAX_IDENTIFIER: usize = 64;

/// The bytes of a name that is hexadecimal digits and nothing else.
fn identifier(name: &str) -> Option<Vec<u8>> {
    let (pairs, half) = name.as_bytes().as_chunks::<2>();
    if !half.is_empty() || !(1..=MAX_IDENTIFIER).contains(&pairs.len()) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16);
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8)).collect()
}

#[cfg(test)]
mod tests;
