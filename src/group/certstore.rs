//! The distinct certificates of one row group: each is parsed once, however often it is met.
//!
//! A repeated certificate is recognised by its base64 text, compared whole, before anything is decoded: exact,
//! and cheaper than any hash. A text is kept only from its second sighting on, so that exports in which nothing
//! repeats pay next to nothing. The store lives as long as its row group; there is no eviction and memory is
//! bounded by the group.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::classify::Marks;
use crate::table::Data;
use crate::table::columns::Certificates;
use crate::x509::{self, Facts, Parser, Problem};

/// Most bytes of base64 text kept in one store; past it repeats are found by their hash, which is slower.
const MAX_TEXT: usize = 8 * 1024 * 1024;

/// What rows of observations need of their certificate beside its columns.
#[derive(Clone, Debug)]
pub struct Entry {
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// SHA-1 of the certificate.
    pub sha1: [u8; 20],
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki_sha256: Option<[u8; 32]>,
    /// Its marks that speak of the key's place.
    pub marks: Marks,
    /// Length of its DER.
    pub der_bytes: usize,
}

/// Length of DER up to which what a row copies of its certificate is small beside the rest of the row.
const USUAL_DER: usize = 4 * 1024;

impl Entry {
    /// Bytes that a row with this certificate takes beyond the usual, roughly: some of its texts are written once a
    /// row, so a large certificate that many rows name weighs with every one of them.
    pub fn row_bytes(&self) -> usize {
        self.der_bytes.saturating_sub(USUAL_DER)
    }
}

/// A certificate was found or added.
#[derive(Debug)]
pub struct Found {
    /// Its number in this store.
    pub number: u32,
    /// It was new and some fields could not be parsed.
    pub problems: Vec<Problem>,
    /// Bytes after the certificate that were ignored.
    pub trailing: usize,
}

/// Why there is no certificate.
#[derive(Debug)]
pub enum Lost {
    /// The text is not base64.
    Base64,
    /// The bytes are not a certificate.
    Parse(Problem),
}

/// Most texts kept of one hash: made-up certificates may all look alike where the hash looks.
const MAX_ALIKE: usize = 8;

struct KeptText {
    hash: u64,
    start: usize,
    len: usize,
    number: u32,
}

/// See the module's description.
#[derive(Default)]
pub struct CertStore {
    columns: Certificates,
    parser: Parser,
    entries: Vec<Entry>,
    by_sha256: HashMap<[u8; 32], u32, FixedState>,
    kept: HashTable<KeptText>,
    texts: Vec<u8>,
    decoded: Vec<u8>,
    audit: Option<String>,
    weight: usize,
}

impl CertStore {
    /// An empty store whose rows carry this audit name.
    pub fn new(audit: Option<&str>) -> Self {
        CertStore { audit: audit.map(str::to_owned), ..CertStore::default() }
    }

    /// The entry with this number.
    pub fn entry(&self, number: u32) -> &Entry {
        &self.entries[number as usize]
    }

    /// Bytes held, roughly.
    pub fn weight(&self) -> usize {
        self.weight + self.texts.len()
    }

    /// Finds or adds a certificate given as base64 text.
    pub fn base64(&mut self, text: &[u8]) -> Result<Found, Lost> {
        let hash = text_hash(text);
        let kept = self.kept.find(hash, |k| k.hash == hash && &self.texts[k.start..k.start + k.len] == text);
        if let Some(kept) = kept {
            return Ok(Found { number: kept.number, problems: Vec::new(), trailing: 0 });
        }
        let mut decoded = std::mem::take(&mut self.decoded);
        let result = match decode_base64(text, &mut decoded) {
            true => {
                let known = self.entries.len();
                let result = self.der(&decoded);
                if let Ok(found) = &result
                    && (found.number as usize) < known
                    && found.trailing == 0
                {
                    self.keep(hash, text, found.number);
                }
                result
            }
            false => Err(Lost::Base64),
        };
        self.decoded = decoded;
        result
    }

    /// Finds or adds a certificate given as DER; bytes after it are not part of it.
    pub fn der(&mut self, bytes: &[u8]) -> Result<Found, Lost> {
        let len = x509::frame_len(bytes).unwrap_or(bytes.len()).min(bytes.len());
        let (der, trailing) = (&bytes[..len], bytes.len() - len);
        let sha256: [u8; 32] = Sha256::digest(der).into();
        if let Some(&number) = self.by_sha256.get(&sha256) {
            return Ok(Found { number, problems: Vec::new(), trailing });
        }
        let facts = self.parser.parse(der).map_err(Lost::Parse)?;
        let entry = Entry {
            sha256,
            sha1: Sha1::digest(der).into(),
            spki_sha256: facts.spki_sha256,
            marks: Marks::from(&facts),
            der_bytes: der.len(),
        };
        let number = self.entries.len() as u32;
        self.push_row(&entry, &facts);
        self.weight += 2 * der.len();
        self.by_sha256.insert(sha256, number);
        self.entries.push(entry);
        Ok(Found { number, problems: facts.problems, trailing })
    }

    fn keep(&mut self, hash: u64, text: &[u8], number: u32) {
        let crowded = self.kept.iter_hash(hash).take(MAX_ALIKE).count() == MAX_ALIKE;
        if self.texts.len() + text.len() <= MAX_TEXT && !crowded {
            let kept = KeptText { hash, start: self.texts.len(), len: text.len(), number };
            self.texts.extend_from_slice(text);
            self.kept.insert_unique(hash, kept, |k| k.hash);
        }
    }

    /// The columns of `certificates`, one row an entry, and the entries.
    pub fn finish(&mut self) -> (Vec<Data>, Vec<Entry>) {
        (self.columns.finish(), std::mem::take(&mut self.entries))
    }

    fn push_row(&mut self, entry: &Entry, facts: &Facts) {
        let c = &mut self.columns;
        let policies: Vec<&str> = facts.attestation_policies.iter().filter_map(|p| policy_name(*p)).collect();
        let problems: Vec<&str> = facts.problems.iter().map(|p| p.field.as_ref()).collect();
        c.audit.push(self.audit.as_deref());
        c.sha256.push_hex(Some(&entry.sha256));
        c.thumbprint.push_hex(Some(&entry.sha1));
        c.spki_sha256.push_hex(facts.spki_sha256.as_ref().map(|h| &h[..]));
        c.public_key_sha1.push_hex(facts.public_key_sha1.as_ref().map(|h| &h[..]));
        c.der_bytes.push(i32::try_from(entry.der_bytes).ok());
        c.version.push(facts.version);
        c.serial.push(facts.serial.as_deref());
        c.serial_is_negative.push(facts.serial_is_negative);
        c.subject.push(facts.subject.as_deref());
        c.subject_cn.push(facts.subject_cn.as_deref());
        c.issuer.push(facts.issuer.as_deref());
        c.issuer_cn.push(facts.issuer_cn.as_deref());
        c.not_before.push(facts.not_before);
        c.not_after.push(facts.not_after);
        c.not_after_year.push(facts.not_after_year);
        c.validity_days.push(facts.validity_days);
        c.key_algorithm.push(facts.key_algorithm.as_deref());
        c.key_size_bits.push(facts.key_size_bits);
        c.curve.push(facts.curve.as_deref());
        c.rsa_exponent.push(facts.rsa_exponent);
        c.signature_algorithm.push(facts.signature_algorithm.as_deref());
        c.signature_hash.push(facts.signature_hash.as_deref());
        c.pss_salt_length.push(facts.pss_salt_length);
        c.pss_mgf_hash.push(facts.pss_mgf_hash.as_deref());
        c.is_ca.push(facts.is_ca);
        c.path_length.push(facts.path_length);
        c.is_self_signed.push(facts.is_self_signed);
        c.key_usage.push(&facts.key_usage);
        c.eku.push(&facts.eku);
        c.application_policies.push(&facts.application_policies);
        c.certificate_policies.push(&facts.certificate_policies);
        c.is_client_auth.push(facts.is_client_auth);
        c.is_server_auth.push(facts.is_server_auth);
        c.is_smart_card_logon.push(facts.is_smart_card_logon);
        c.san_dns.push(&facts.san_dns);
        c.san_upn.push(&facts.san_upn);
        c.san_email.push(&facts.san_email);
        c.san_ip.push(&facts.san_ip);
        c.san_uri.push(&facts.san_uri);
        c.san_directory.push(&facts.san_directory);
        c.san_other.push(&facts.san_other);
        c.sid.push(facts.sid.as_deref());
        c.template_name.push(facts.template_name.as_deref());
        c.template_oid.push(facts.template_oid.as_deref());
        c.template_major.push(facts.template_major);
        c.template_minor.push(facts.template_minor);
        c.subject_key_id.push(facts.subject_key_id.as_deref());
        c.authority_key_id.push(facts.authority_key_id.as_deref());
        c.crl_urls.push(&facts.crl_urls);
        c.ocsp_urls.push(&facts.ocsp_urls);
        c.ca_issuer_urls.push(&facts.ca_issuer_urls);
        c.extension_oids.push(&facts.extension_oids);
        c.unknown_critical.push(&facts.unknown_critical);
        c.is_weak.push(Some(!facts.weak_reasons.is_empty()));
        c.weak_reasons.push(&facts.weak_reasons);
        c.pqc_status.push(facts.pqc_status);
        c.attestation_policies.push(&policies);
        c.tpm_role.push(facts.tpm_role);
        c.is_yubikey_attestation.push(Some(facts.is_yubikey_attestation));
        c.yubikey_firmware.push(facts.yubikey_firmware.as_deref());
        c.yubikey_serial.push(facts.yubikey_serial);
        c.yubikey_pin_policy.push(facts.yubikey_pin_policy);
        c.yubikey_touch_policy.push(facts.yubikey_touch_policy);
        c.yubikey_form_factor.push(facts.yubikey_form_factor);
        c.problems.push(&problems);
    }
}

/// TPM attestation policies, 1.3.6.1.4.1.311.21.N, by the names of [MS-WCCE] 3.2.2.6.2.1.4.5.7.
const POLICY_NAMES: [(u8, &str); 3] =
    [(30, "endorsement_key"), (31, "endorsement_certificate"), (32, "user_credentials")];

fn policy_name(arc: u8) -> Option<&'static str> {
    POLICY_NAMES.iter().find(|(n, _)| *n == arc).map(|(_, name)| *name)
}

/// The last arc of the attestation policy with this name.
pub fn policy_arc(name: &str) -> Option<u8> {
    POLICY_NAMES.iter().find(|(_, n)| *n == name).map(|(arc, _)| *arc)
}

/// A hash of pieces of the text that differ between certificates: around the serial number and in the
/// signature. Equality is decided by the whole text, so a bad hash costs time, never truth.
fn text_hash(text: &[u8]) -> u64 {
    let head = &text[text.len().min(16)..text.len().min(64)];
    let tail = &text[text.len() - text.len().min(32)..];
    let state = FixedState::with_seed(text.len() as u64);
    state.hash_one((head, tail))
}

/// Decodes standard base64 into `out`; padding may be missing.
pub fn decode_base64(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let codec = if text.ends_with(b"=") || text.len().is_multiple_of(4) {
        base64_simd::STANDARD
    } else {
        base64_simd::STANDARD_NO_PAD
    };
    out.resize(text.len() / 4 * 3 + 3, 0);
    let len = codec.decode(text, base64_simd::Out::from_slice(out)).map(|decoded| decoded.len());
    match len {
        Ok(len) => out.truncate(len),
        Err(_) => out.clear(),
    }
    !out.is_empty()
}
