//! PKCS#12 (`.pfx`, `.p12`): keys, certificates, and what Windows wrote beside them.
//!
//! Without a password everything that lies open is read. In exports of Windows and OpenSSL that is every key bag with its
//! attributes (only the key in it is encrypted): name of the provider, mark of a machine key, container name. The
//! certificates are usually encrypted; with a password that fits they are read, too. Private keys are never decrypted.
//!
//! A record is a bag. A key and the certificate with the same localKeyId are one record and one observation. A key
//! without encryption gives two: the observation, and the private key as a finding. A safe that stays closed is one
//! skipped record, `encrypted_safe`, and the source is `locked`: an ordinary outcome.
//!
//! Where no certificate of the file can be read, a localKeyId of 20 bytes is told as the certificate's claimed SHA-1, which
//! OpenSSL and NSS write there; others write the key's identifier, and such a claim fits no certificate. The friendly name
//! of a key that Windows wrote is its container's name where it looks like one ([`is_container`]), else a name for people.
//!
//! What a provider's name says here is where the key was when it was exported: whatever lies in a file is software now
//! ([`Claims::in_file`]).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::der::{Kind, kind, open};
use super::passwords::Passwords;
use super::place::{Place, position};
use super::{Format, Head, Input, Outcome, private_key};
use crate::der::{self, Items, tag};
use crate::record::{
    Body as Certificate, CertificateRef, Claims, Code, KeyReport, Lineage, Observation, PrivateKeyKind, Reject, Sink,
    Stage, StoreLocation,
};

mod bag;
mod keyring;
mod octets;
mod pbe;

use bag::{Attributes, Bag, Body, is_container};
use keyring::Keyring;
use octets::{END, Octets, octets, together};
use pbe::{Scheme, TooDear};

/// Largest file read. Exports of a whole store have some hundred kilobytes.
const MAX_FILE: usize = 16 * 1024 * 1024;
/// Most bags of one file.
const MAX_BAGS: usize = 64 * 1024;
/// Most safes of one file.
const MAX_SAFES: usize = 1024;
/// Deepest nesting of safes, and of pieces of a string, that is followed.
const MAX_DEPTH: u32 = 8;
/// `[0]` of EncryptedContentInfo as an implicit OCTET STRING (RFC 2315 section 10.1).
const ENCRYPTED_OCTETS: u8 = 0x80;
/// 1.2.840.113549.1.7, the content types of PKCS#7 by their last arc (RFC 2315 section 14).
const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
const DATA: &[u8] = &[1];
const SIGNED_DATA: &[u8] = &[2];
const ENVELOPED_DATA: &[u8] = &[3];
const ENCRYPTED_DATA: &[u8] = &[6];

/// A PKCS#12 file.
pub static FORMAT: Format = Format {
    name: "pkcs12",
    title: "PKCS#12 (PFX)",
    usual_names: "*.pfx, *.p12",
    yields: "every key with its provider, container and certificate; encrypted certificates with --passwords",
    source: "RFC 7292; attributes of Windows: wincrypt.h (szOID_PKCS_12_*)",
    sniff: is_pfx,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_pfx(head: &Head<'_>) -> bool {
    kind(head.bytes) == Some(Kind::Pkcs12)
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let offset = input.window.offset();
    let bytes = input.window.fill(MAX_FILE + 1);
    if bytes.len() > MAX_FILE {
        let message = "the file is larger than 16 MiB";
        sink.reject(Reject::lost(Lineage::at(offset), Stage::Read, Code::TooLarge, message));
        return Outcome::Failed;
    }
    push(bytes, &mut Place::in_source(offset), &input.setting.passwords, sink)
}

/// The parts of a PFX (RFC 7292 section 4).
struct Parts<'a> {
    /// Content type of the authenticated safe, its last arc.
    content_type: &'a [u8],
    /// The authenticated safe's octets, which the MAC is over.
    safe: Option<Octets<'a>>,
    /// Content of MacData.
    mac: Option<&'a [u8]>,
    trailing: &'a [u8],
}

fn parts(bytes: &[u8]) -> Option<Parts<'_>> {
    let (pfx, trailing) = open(bytes, tag::SEQUENCE)?;
    let (_version, rest) = open(pfx, tag::INTEGER)?;
    let (info, after) = open(rest, tag::SEQUENCE)?;
    let (oid, content) = open(info, tag::OID)?;
    let safe = open(content, tag::CONTEXT_0).and_then(|(explicit, _)| octets(explicit));
    let mac = open(after, tag::SEQUENCE).map(|(mac, _)| mac);
    Some(Parts { content_type: oid.strip_prefix(PKCS7)?, safe, mac, trailing })
}

/// Pushes what a PFX holds.
pub(crate) fn push(bytes: &[u8], place: &mut Place, passwords: &Passwords, sink: &mut dyn Sink) -> Outcome {
    let is_complete = der::read(bytes).is_some();
    let Some(Parts { safe: Some(safe), mac, trailing, .. }) = parts(bytes).filter(|parts| parts.content_type == DATA)
    else {
        let is_signed = parts(bytes).is_some_and(|parts| parts.content_type == SIGNED_DATA);
        let (code, message) = match (is_complete, is_signed) {
            (_, true) => (Code::UnknownType, "the file is signed instead of protected by a password; that is not read"),
            (true, _) => (Code::BadStructure, "the file has no readable safe"),
            (false, _) => (Code::Truncated, "the file ends before its safe begins"),
        };
        sink.reject(Reject::lost(place.next(0), Stage::Read, code, message));
        return if is_complete { Outcome::Failed } else { Outcome::Incomplete };
    };
    let mut reader = Reader { bytes, place, sink, is_complete, is_locked: false, is_stopped: false, parts: (0, 0) };
    let at = matches!(safe, Octets::Made(_)).then_some(0);
    let mut keyring = Keyring::new(passwords, mac, &safe, is_complete);
    let safes = reader.safes(&safe, at, &mut keyring);
    let mut bags = Vec::new();
    for safe in &safes {
        if let Some(list) = reader.list(&safe.content, safe.at) {
            reader.bags(list, safe.at, 0, &mut bags);
        }
    }
    let has_shrouded = bags.iter().any(|found| matches!(found.bag.body, Body::ShroudedKey(_)));
    let needs_password = !(has_shrouded && keyring.needs_none());
    reader.push_all(&bags, needs_password);
    let Reader { is_locked, is_stopped, .. } = reader;
    if !is_complete {
        let message = "the file ends early; keys and certificates may be missing";
        sink.reject(Reject::lost(place.next(bytes.len() as u64), Stage::Read, Code::Truncated, message));
        return Outcome::Incomplete;
    }
    if !trailing.is_empty() {
        let at = position(bytes, trailing);
        sink.reject(super::trailing_bytes(place.next(at), trailing.len() as u64));
    }
    match (is_stopped, is_locked) {
        (true, _) => Outcome::Incomplete,
        (false, true) => Outcome::Locked,
        (false, false) => Outcome::Complete,
    }
}

/// A safe that lies open.
struct Safe<'a> {
    content: Octets<'a>,
    /// Its place, where its bags have none of their own.
    at: Option<u64>,
}

/// A bag with its way back to its bytes.
struct Found<'a> {
    lineage: Lineage,
    bag: Bag<'a>,
}

struct Reader<'r, 's> {
    bytes: &'r [u8],
    place: &'r mut Place,
    sink: &'s mut dyn Sink,
    is_complete: bool,
    is_locked: bool,
    is_stopped: bool,
    /// Place and number of the next piece without a place of its own.
    parts: (u64, u32),
}

impl Reader<'_, '_> {
    /// Lineage of `piece`, which lies in the source, or in what was put together or decrypted from what stands `at`.
    fn lineage(&mut self, piece: &[u8], at: Option<u64>) -> Lineage {
        let Some(at) = at else { return self.place.next(position(self.bytes, piece)) };
        if self.parts.0 != at {
            self.parts = (at, 0);
        }
        let number = self.parts.1;
        self.parts.1 = number.saturating_add(1);
        self.place.part(at, number)
    }

    fn lost(&mut self, piece: &[u8], at: Option<u64>, code: Code, message: &'static str) {
        let lineage = self.lineage(piece, at);
        self.sink.reject(Reject::lost(lineage, Stage::Read, code, message));
    }

    /// The content of the SEQUENCE that a string holds. What the two lengths disagree about is told: of a file that is
    /// not cut off, nothing may be missing.
    fn list<'a>(&mut self, string: &'a [u8], at: Option<u64>) -> Option<&'a [u8]> {
        let list = open(string, tag::SEQUENCE).map(|(list, _)| list);
        match der::read(string).filter(|value| value.tag == tag::SEQUENCE) {
            _ if !self.is_complete => {}
            Some(value) if value.total == string.len() => {}
            Some(value) => {
                let rest = string.get(value.total..).unwrap_or_default();
                let lineage = self.lineage(rest, at);
                self.sink.reject(super::trailing_bytes(lineage, rest.len() as u64));
            }
            None => self.lost(string, at, Code::BadStructure, "a safe holds no list, or only the beginning of one"),
        }
        list
    }

    /// Whether a list ends here: nothing is left, or, where the file is cut off, the end of an indefinite length.
    fn is_end(&self, rest: &[u8]) -> bool {
        rest.is_empty() || (!self.is_complete && rest.starts_with(END))
    }

    /// The safes of the file that lie open or can be opened.
    fn safes<'a>(&mut self, all: &'a [u8], at: Option<u64>, keyring: &mut Keyring<'_>) -> Vec<Safe<'a>> {
        let mut safes = Vec::new();
        let Some(mut rest) = self.list(all, at) else { return safes };
        while !self.is_end(rest) {
            let Some((info, after)) = open(rest, tag::SEQUENCE) else {
                if self.is_complete {
                    self.lost(rest, at, Code::BadStructure, "the list of safes goes on with something else");
                }
                break;
            };
            if safes.len() == MAX_SAFES {
                self.lost(rest, at, Code::TooLarge, "the file has more than 1024 safes; the others are not read");
                break;
            }
            safes.extend(self.safe(rest, info, at, keyring));
            rest = after;
        }
        safes
    }

    /// One safe: a ContentInfo whose content is `info`, at the start of `whole`.
    fn safe<'a>(
        &mut self,
        whole: &'a [u8],
        info: &'a [u8],
        at: Option<u64>,
        keyring: &mut Keyring<'_>,
    ) -> Option<Safe<'a>> {
        let inside = Some(at.unwrap_or_else(|| position(self.bytes, whole)));
        let (oid, content) = open(info, tag::OID).unwrap_or_default();
        let explicit = open(content, tag::CONTEXT_0).map(|(explicit, _)| explicit);
        // The safe that a truncated file ends in: only one that lies open has anything to give.
        if !self.is_complete && oid.strip_prefix(PKCS7) != Some(DATA) && der::read(whole).is_none() {
            return None;
        }
        match (oid.strip_prefix(PKCS7), explicit) {
            (Some(DATA), Some(explicit)) => match octets(explicit) {
                Some(content) => {
                    let at = if matches!(content, Octets::Made(_)) { inside } else { at };
                    return Some(Safe { content, at });
                }
                None if !self.is_complete => {}
                None => self.lost(whole, at, Code::BadStructure, "a safe cannot be read"),
            },
            (Some(ENCRYPTED_DATA), Some(explicit)) => match encrypted(explicit) {
                Some((Some(scheme), text)) => match keyring.open(&scheme, &text) {
                    Ok(Some(plain)) => return Some(Safe { content: Octets::Made(plain), at: inside }),
                    Ok(None) => self.locked("encrypted_safe"),
                    Err(TooDear) => {
                        self.is_locked = true;
                        let message = "trying the passwords would take more than 10 million rounds of hashing";
                        self.lost(whole, at, Code::TooLarge, message);
                    }
                },
                Some((None, _)) => self.locked("unsupported_encryption"),
                None => self.lost(whole, at, Code::BadStructure, "an encrypted safe cannot be read"),
            },
            (Some(ENVELOPED_DATA), _) => self.locked("enveloped_safe"),
            (Some(DATA), None) if !self.is_complete => {}
            _ => self.lost(whole, at, Code::UnknownType, "a safe is of no type that PKCS#12 has"),
        }
        None
    }

    /// A safe that stays closed.
    fn locked(&mut self, reason: &'static str) {
        self.is_locked = true;
        self.sink.skip(reason);
    }

    /// Collects the bags of a safe, and of the safes in it. What gives no row is counted at once.
    fn bags<'a>(&mut self, list: &'a [u8], at: Option<u64>, depth: u32, found: &mut Vec<Found<'a>>) {
        let mut rest = list;
        while !self.is_end(rest) {
            if found.len() == MAX_BAGS {
                return self.lost(
                    rest,
                    at,
                    Code::TooLarge,
                    "the file has more than 65536 bags; the others are not read",
                );
            }
            let Some(bag) = der::read(rest).filter(|bag| bag.tag == tag::SEQUENCE) else {
                if self.is_complete {
                    self.lost(rest, at, Code::BadStructure, "the safe goes on with something that is no bag");
                }
                return;
            };
            match Bag::parse(bag.content) {
                None => self.lost(rest, at, Code::BadStructure, "the bag cannot be read"),
                Some(Bag { body: Body::Other(reason), .. }) => self.sink.skip(reason),
                Some(Bag { body: Body::Safe(inner), .. }) if depth < MAX_DEPTH => {
                    self.bags(inner, at, depth + 1, found);
                }
                Some(Bag { body: Body::Safe(_), .. }) => {
                    self.lost(rest, at, Code::TooLarge, "safes lie in each other more than 8 deep");
                }
                Some(bag) => {
                    let lineage = self.lineage(rest, at);
                    found.push(Found { lineage, bag });
                }
            }
            rest = rest.get(bag.total..).unwrap_or_default();
        }
    }

    /// Pushes every key with its certificate, and the certificates that are left.
    fn push_all(&mut self, found: &[Found<'_>], needs_password: bool) {
        let certificate_of = join(found);
        let joined: HashSet<usize> = certificate_of.values().copied().collect();
        let has_certificates = found.iter().any(|found| matches!(found.bag.body, Body::Certificate(_)));
        for (at, Found { lineage, bag }) in found.iter().enumerate() {
            if self.sink.stopped() {
                self.is_stopped = true;
                return;
            }
            match &bag.body {
                Body::PlainKey(_) | Body::ShroudedKey(_) => {
                    let certificate = certificate_of.get(&at).and_then(|at| found.get(*at)).map(|found| &found.bag);
                    self.key(*lineage, bag, certificate, has_certificates);
                    self.private_key(*lineage, bag, needs_password);
                }
                Body::Certificate(der) if !joined.contains(&at) => {
                    let claims = about_certificate(&bag.attributes);
                    self.observe(Observation { claims, ..super::der::observation(der, *lineage) }, [Some(bag), None]);
                }
                Body::Certificate(_) | Body::Safe(_) | Body::Other(_) => {}
            }
        }
    }

    /// A key with its certificate, where that is known.
    fn key(&mut self, lineage: Lineage, key: &Bag<'_>, certificate: Option<&Bag<'_>>, has_certificates: bool) {
        let said = &key.attributes;
        let beside = certificate.map(|bag| about_certificate(&bag.attributes)).unwrap_or_default();
        let name = said.friendly_name.as_deref();
        let container = name.filter(|name| said.is_of_windows() && is_container(name));
        let name = name.filter(|_| container.is_none());
        let mut claims = Claims {
            key_report: KeyReport::Claimed,
            in_file: true,
            is_exportable: Some(true),
            key_encryption: match key.body {
                Body::PlainKey(_) => Some("none".into()),
                Body::ShroudedKey(name) => name.map(Into::into),
                _ => None,
            },
            provider_name: said.provider.as_deref().map(Cow::Borrowed),
            key_container: container.map(Cow::Borrowed),
            friendly_name: beside.friendly_name.or(name.map(Cow::Borrowed)),
            request_originator: beside.request_originator.or(said.request_originator.as_deref().map(Cow::Borrowed)),
            properties: said.properties.clone(),
            ..Claims::default()
        };
        claims.properties.extend(beside.properties);
        let der = certificate.and_then(|bag| match &bag.body {
            Body::Certificate(der) => Some(&**der),
            _ => None,
        });
        // OpenSSL and NSS write the SHA-1 of the certificate here. It names the certificate only where none is at hand.
        let claimed = said.local_key_id.filter(|_| !has_certificates).and_then(|id| id.try_into().ok());
        let certificate_ref = match der {
            Some(der) => CertificateRef { body: Certificate::Der(der), ..CertificateRef::default() },
            None => CertificateRef { sha1: claimed, ..CertificateRef::default() },
        };
        let observation = Observation {
            lineage,
            // A key of the machine is imported as one again (CRYPT_MACHINE_KEYSET).
            store_location: said.is_machine_key.then_some(StoreLocation::LocalMachine),
            certificate: certificate_ref,
            claims,
            ..Observation::default()
        };
        self.observe(observation, [Some(key), certificate]);
    }

    /// That there is a private key. A shrouded one tells nothing of its public key.
    fn private_key(&mut self, lineage: Lineage, key: &Bag<'_>, needs_password: bool) {
        let (kind, is_encrypted, public) = match key.body {
            Body::PlainKey(bytes) => (PrivateKeyKind::Pkcs12KeyBag, false, private_key::of_pkcs8(bytes)),
            _ => (PrivateKeyKind::Pkcs12ShroudedKeyBag, needs_password, private_key::Public::default()),
        };
        self.sink.private_key(&private_key::row(private_key::Described { kind, is_encrypted, public }, lineage));
    }

    fn observe(&mut self, observation: Observation<'_>, bags: [Option<&Bag<'_>>; 2]) {
        self.sink.observation(&observation);
        for (code, field, message) in bags.into_iter().flatten().flat_map(|bag| &bag.attributes.problems) {
            self.sink.reject(Reject::degraded(observation.lineage, Stage::Decode, *code, *field, *message));
        }
    }
}

/// For keys, the certificate with the same localKeyId: the first of each, once.
fn join(found: &[Found<'_>]) -> HashMap<usize, usize> {
    let mut certificates = HashMap::new();
    for (at, found) in found.iter().enumerate().filter(|(_, found)| matches!(found.bag.body, Body::Certificate(_))) {
        if let Some(id) = found.bag.attributes.local_key_id {
            certificates.entry(id.to_vec()).or_insert(at);
        }
    }
    let keys = found.iter().enumerate();
    let keys = keys.filter(|(_, found)| matches!(found.bag.body, Body::PlainKey(_) | Body::ShroudedKey(_)));
    keys.filter_map(|(at, found)| Some((at, certificates.remove(found.bag.attributes.local_key_id?)?))).collect()
}

/// What the attributes of a certificate bag say, which is nothing of a key.
fn about_certificate<'a>(said: &'a Attributes<'_>) -> Claims<'a> {
    Claims {
        friendly_name: said.friendly_name.as_deref().map(Cow::Borrowed),
        request_originator: said.request_originator.as_deref().map(Cow::Borrowed),
        properties: said.properties.clone(),
        ..Claims::default()
    }
}

/// EncryptedData (RFC 2315 section 13): its scheme, if that is known here, and the encrypted octets.
fn encrypted(explicit: &[u8]) -> Option<(Option<Scheme<'_>>, Octets<'_>)> {
    let (data, _) = open(explicit, tag::SEQUENCE)?;
    let (_version, rest) = open(data, tag::INTEGER)?;
    let (content, _) = open(rest, tag::SEQUENCE)?;
    let (_type, rest) = open(content, tag::OID)?;
    let mut items = Items::new(rest);
    let scheme = Scheme::parse(&mut items.clone());
    items.next_if(tag::SEQUENCE)?;
    let text = match *items.rest().first()? {
        ENCRYPTED_OCTETS => Octets::Here(open(items.rest(), ENCRYPTED_OCTETS)?.0),
        tag::CONTEXT_0 => together(open(items.rest(), tag::CONTEXT_0)?.0)?,
        _ => return None,
    };
    Some((scheme, text))
}

#[cfg(test)]
mod tests;
