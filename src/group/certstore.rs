//! The distinct certificates of one row group: each is parsed once, however often it is met.
//!
//! A repeated certificate is recognised by its text (base64, or the DER itself), compared whole, before anything is
//! decoded: exact, and cheaper than any hash. A text is kept only from its second sighting on, so that exports in
//! which nothing repeats pay next to nothing. Certificates are hashed in batches; one that turns out to be there
//! already (at its second sighting, or where its text is written in another way) becomes another name of the first.
//! The store lives as long as its row group; there is no eviction and memory is bounded by the group. The parser lives
//! longer: what it remembers changes how fast a certificate is read and how many profiles the store counts, and neither
//! can be seen in a report.

use std::hash::BuildHasher;
use std::ops::Range;
use std::time::{Duration, Instant};

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};

use crate::classify::Marks;
use crate::hash;
use crate::join::attestation;
use crate::table::Data;
use crate::table::columns::Certificates;
use crate::x509::{self, Facts, Own, Parser, Problem};

/// Most bytes of text kept in one store; past it repeats are found by their hash, which is slower.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// Certificates that wait for their hashes.
const BATCH: usize = 128;
/// Bytes of certificates that wait for their hashes.
const BATCH_BYTES: usize = 384 * 1024;

/// What rows of observations need of their certificate beside its columns.
#[derive(Clone, Debug, Default)]
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
    /// It was found by its text: the same text will be found again, with nothing to say of it.
    pub is_kept: bool,
}

/// Why there is no certificate.
#[derive(Debug)]
pub enum Lost {
    /// The text is not base64.
    Base64,
    /// The bytes are not a certificate.
    Parse(Problem),
}

/// The certificates of a finished group.
pub struct Finished {
    /// Columns of `certificates` in its order: a certificate's own by its number, the others by its profile.
    pub columns: Vec<Data>,
    /// The profile of each certificate.
    pub profile_of: Vec<u32>,
    /// For each certificate the first one with the same bytes: itself, for all but a few.
    pub first: Vec<u32>,
    /// The certificates.
    pub entries: Vec<Entry>,
}

/// Most texts kept of one hash: made-up certificates may all look alike where the hash looks.
const MAX_ALIKE: usize = 8;

/// How a certificate is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Base64,
    Der,
}

struct KeptText {
    hash: u64,
    form: Form,
    start: usize,
    len: usize,
    number: u32,
}

/// Texts of certificates met more than once, each with its certificate's number.
struct Kept {
    table: HashTable<KeptText>,
    texts: Vec<u8>,
    /// By the low bits of a text's hash: the high bits of the last one seen there.
    sighted: Box<[u32]>,
}

/// Slots of [`Kept::sighted`]: as many as a row group usually has rows.
const SIGHTED: usize = 32 * 1024;

impl Default for Kept {
    fn default() -> Self {
        Kept { table: HashTable::new(), texts: Vec::new(), sighted: vec![0; SIGHTED].into_boxed_slice() }
    }
}

impl Kept {
    fn find(&self, hash: u64, form: Form, text: &[u8]) -> Option<u32> {
        let is_same = |k: &KeptText| k.hash == hash && k.form == form && &self.texts[k.start..k.start + k.len] == text;
        self.table.find(hash, is_same).map(|kept| kept.number)
    }

    /// Keeps the text if one of its hash was here before.
    fn sight(&mut self, hash: u64, form: Form, text: &[u8], number: u32) {
        let slot = &mut self.sighted[hash as usize % SIGHTED];
        // Never zero, which stands for nothing seen.
        let tag = (hash >> 32) as u32 | 1;
        if std::mem::replace(slot, tag) != tag {
            return;
        }
        let crowded = self.table.iter_hash(hash).take(MAX_ALIKE).count() == MAX_ALIKE;
        if self.texts.len() + text.len() <= MAX_TEXT && !crowded {
            let kept = KeptText { hash, form, start: self.texts.len(), len: text.len(), number };
            self.texts.extend_from_slice(text);
            self.table.insert_unique(hash, kept, |k| k.hash);
        }
    }
}

/// Certificates that wait for their hashes: the last entries, in order.
#[derive(Default)]
struct Waiting {
    /// Certificates one after the other; only the first `used` bytes count, so that room is cleared once.
    bytes: Vec<u8>,
    used: usize,
    certificates: Vec<Unhashed>,
    messages: Messages,
}

impl Waiting {
    /// Decodes base64 behind what waits; the number of bytes, or `None` where the text cannot be decoded.
    fn decode(&mut self, text: &[u8]) -> Option<usize> {
        let room = self.room(decoded_len(text));
        decode_base64(text, room)
    }

    fn copy(&mut self, der: &[u8]) {
        self.room(der.len()).copy_from_slice(der);
    }

    fn room(&mut self, len: usize) -> &mut [u8] {
        let end = self.used + len;
        if self.bytes.len() < end {
            self.bytes.resize(end.max(BATCH_BYTES), 0);
        }
        &mut self.bytes[self.used..end]
    }
}

struct Unhashed {
    der: Range<usize>,
    key: Key,
}

/// What is known of the public key's hashes.
enum Key {
    /// They are to be made from the SubjectPublicKeyInfo and its bits, by their place in the DER.
    At { info: Range<usize>, bits: Range<usize> },
    /// SHA-256 of the SubjectPublicKeyInfo and SHA-1 of its bits, where these could be read.
    Known(Option<[u8; 32]>, Option<[u8; 20]>),
}

/// Digests of a batch; kept for their room.
#[derive(Default)]
struct Messages {
    sha1: Vec<[u8; 20]>,
    sha256: Vec<[u8; 32]>,
    key_sha1: Vec<[u8; 20]>,
    key_sha256: Vec<[u8; 32]>,
}

/// See the module's description.
#[derive(Default)]
pub struct CertStore {
    columns: Certificates,
    entries: Vec<Entry>,
    /// Entries whose hashes are known.
    hashed: usize,
    profile_of: Vec<u32>,
    first: Vec<u32>,
    /// Profiles met so far, by the number of the one parser that serves this store: the group's own number and the marks.
    profiles: HashMap<u32, (u32, Marks), FixedState>,
    profile_count: u32,
    by_sha256: HashMap<[u8; 32], u32, FixedState>,
    /// `None` where nothing is to be remembered.
    kept: Option<Kept>,
    waiting: Waiting,
    audit: Option<String>,
    weight: usize,
    /// Certificates that bear on attestations, each with its length in front; `None` where nobody asks.
    attesting: Option<Vec<u8>>,
    /// Stands for the client or the source whose certificates come.
    place: u64,
    /// Time and number of certificates parsed, and bytes hashed.
    pub spent: Spent,
}

/// What a store has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Time for parsing, from one certificate in [`SAMPLE`].
    pub parsing: Duration,
    /// Certificates parsed.
    pub parsed: u64,
    /// Time for hashing.
    pub hashing: Duration,
    /// Bytes of certificates hashed.
    pub hashed: u64,
}

/// One certificate of so many is timed: reading the clock costs a tenth of parsing.
const SAMPLE: u32 = 16;

impl CertStore {
    /// An empty store whose rows carry this audit name. Where it is not to `remember` texts, every certificate is decoded,
    /// parsed and hashed each time it is met.
    pub fn new(audit: Option<&str>, remember: bool) -> Self {
        let kept = remember.then(Kept::default);
        CertStore { audit: audit.map(str::to_owned), kept, ..CertStore::default() }
    }

    /// Keeps certificates that bear on attestations, if it is to.
    pub fn attesting(mut self, is_asked: bool) -> Self {
        self.attesting = is_asked.then(Vec::new);
        self
    }

    /// Tells where the next certificates come from, where that bears on attestations.
    pub fn come_from(&mut self, place: impl FnOnce() -> u64) {
        if self.attesting.is_some() {
            self.place = place();
        }
    }

    /// Those certificates, each with its length in front.
    pub fn take_attesting(&mut self) -> Vec<u8> {
        self.attesting.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The entry with this number. Its hashes are zero until it is [`hashed`](Self::is_hashed).
    pub fn entry(&self, number: u32) -> &Entry {
        &self.entries[number as usize]
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether the hashes of this certificate are known yet.
    pub fn is_hashed(&self, number: u32) -> bool {
        (number as usize) < self.hashed
    }

    /// It is time to hash what waits.
    pub fn is_batch_full(&self) -> bool {
        self.waiting.certificates.len() >= BATCH || self.waiting.used >= BATCH_BYTES
    }

    /// Bytes held, roughly.
    pub fn weight(&self) -> usize {
        self.weight + self.kept.as_ref().map_or(0, |kept| kept.texts.len())
    }

    /// Finds or adds a certificate given as base64 text.
    pub fn base64(&mut self, text: &[u8], parser: &mut Parser) -> Result<Found, Lost> {
        let (hash, known) = self.known(Form::Base64, text);
        if let Some(found) = known {
            return Ok(found);
        }
        let start = self.clock();
        let result = match self.waiting.decode(text) {
            Some(len) => self.add(len, parser),
            None => Err(Lost::Base64),
        };
        self.stop(start);
        self.sight(hash, Form::Base64, text, &result);
        result
    }

    /// Finds or adds a certificate given as DER; bytes after it are not part of it.
    pub fn der(&mut self, bytes: &[u8], parser: &mut Parser) -> Result<Found, Lost> {
        let (hash, known) = self.known(Form::Der, bytes);
        if let Some(found) = known {
            return Ok(found);
        }
        let start = self.clock();
        self.waiting.copy(bytes);
        let result = self.add(bytes.len(), parser);
        self.stop(start);
        self.sight(hash, Form::Der, bytes, &result);
        result
    }

    /// The hash of a text and, where the text is kept, its certificate.
    fn known(&self, form: Form, text: &[u8]) -> (u64, Option<Found>) {
        let Some(kept) = &self.kept else { return (0, None) };
        let hash = text_hash(text);
        let found = |number| Found { number, problems: Vec::new(), trailing: 0, is_kept: true };
        (hash, kept.find(hash, form, text).map(found))
    }

    /// Takes note of a text that was read.
    fn sight(&mut self, hash: u64, form: Form, text: &[u8], result: &Result<Found, Lost>) {
        if let (Some(kept), Ok(Found { number, trailing: 0, .. })) = (&mut self.kept, result) {
            kept.sight(hash, form, text, *number);
        }
    }

    fn clock(&mut self) -> Option<Instant> {
        self.spent.parsed += 1;
        self.spent.parsed.is_multiple_of(u64::from(SAMPLE)).then(Instant::now)
    }

    fn stop(&mut self, start: Option<Instant>) {
        self.spent.parsing += start.map_or(Duration::ZERO, |start| SAMPLE * start.elapsed());
    }

    /// Adds the certificate that stands in so many bytes behind those that wait.
    fn add(&mut self, len: usize, parser: &mut Parser) -> Result<Found, Lost> {
        let start = self.waiting.used;
        let bytes = &self.waiting.bytes[start..start + len];
        let len = x509::frame_len(bytes).unwrap_or(bytes.len()).min(bytes.len());
        let (der, trailing) = (&bytes[..len], bytes.len() - len);
        let number = self.entries.len() as u32;
        let CertStore { columns, profiles, profile_count, .. } = self;
        let (profile, marks, key, problems) = match parser.recall(der) {
            Some(x509::Known { profile, shared, own }) => {
                let (profile, marks) = *profiles.entry(profile).or_insert_with(|| {
                    push_profile(columns, self.audit.as_deref(), shared);
                    *profile_count += 1;
                    (*profile_count - 1, Marks::from(shared))
                });
                push_own(columns, own);
                let is_rsa = shared.key_algorithm.as_deref() == Some("rsa");
                columns.is_roca.push(Some(is_rsa && x509::roca::has_key_shape(&der[own.key_bits.clone()])));
                (profile, marks, Key::At { info: own.key.clone(), bits: own.key_bits.clone() }, Vec::new())
            }
            None => {
                let facts = parser.parse(der).map_err(Lost::Parse)?;
                push_profile(columns, self.audit.as_deref(), &facts);
                push_own_facts(columns, &facts);
                columns.is_roca.push(Some(facts.is_roca));
                *profile_count += 1;
                let key = Key::Known(facts.spki_sha256, facts.public_key_sha1);
                (*profile_count - 1, Marks::from(&facts), key, facts.problems)
            }
        };
        columns.der_bytes.push(i32::try_from(len).ok());
        if let Some(attesting) = &mut self.attesting
            && bears_on_attestation(der)
        {
            attestation::put(der, self.place, attesting);
            self.weight += len;
        }
        self.waiting.used += len;
        self.waiting.certificates.push(Unhashed { der: start..start + len, key });
        self.weight += 2 * len;
        self.profile_of.push(profile);
        self.first.push(number);
        self.entries.push(Entry { marks, der_bytes: len, ..Entry::default() });
        Ok(Found { number, problems, trailing, is_kept: false })
    }

    /// Hashes what waits.
    pub fn hash(&mut self) {
        let Waiting { bytes, used, certificates, messages } = &mut self.waiting;
        if certificates.is_empty() {
            return;
        }
        let start = Instant::now();
        let Messages { sha1, sha256, key_sha1, key_sha256 } = messages;
        let ders: Vec<&[u8]> = certificates.iter().map(|c| &bytes[c.der.clone()]).collect();
        hash::both_each(&ders, sha1, sha256);
        let keys = || {
            certificates.iter().zip(&ders).filter_map(|(c, der)| match &c.key {
                Key::At { info, bits } => Some((&der[info.clone()], &der[bits.clone()])),
                Key::Known(..) => None,
            })
        };
        hash::sha256_each(&keys().map(|(info, _)| info).collect::<Vec<_>>(), key_sha256);
        hash::sha1_each(&keys().map(|(_, bits)| bits).collect::<Vec<_>>(), key_sha1);
        self.spent.hashing += start.elapsed();
        self.spent.hashed += *used as u64;
        let mut made = key_sha256.iter().zip(key_sha1.iter());
        for ((certificate, sha1), sha256) in certificates.iter().zip(sha1.iter()).zip(sha256.iter()) {
            let (spki_sha256, public_key_sha1) = match certificate.key {
                Key::Known(sha256, sha1) => (sha256, sha1),
                Key::At { .. } => made.next().map(|(sha256, sha1)| (*sha256, *sha1)).unzip(),
            };
            let number = self.hashed;
            let entry = &mut self.entries[number];
            (entry.sha1, entry.sha256, entry.spki_sha256) = (*sha1, *sha256, spki_sha256);
            let c = &mut self.columns;
            c.sha256.push(Some(sha256));
            c.thumbprint.push(Some(sha1));
            c.spki_sha256.push(spki_sha256.as_ref().map(|h| &h[..]));
            c.public_key_sha1.push(public_key_sha1.as_ref().map(|h| &h[..]));
            self.first[number] = *self.by_sha256.entry(*sha256).or_insert(number as u32);
            self.hashed += 1;
        }
        certificates.clear();
        *used = 0;
    }

    /// Everything, once it is hashed.
    pub fn finish(&mut self) -> Finished {
        self.hash();
        Finished {
            columns: self.columns.finish(),
            profile_of: std::mem::take(&mut self.profile_of),
            first: std::mem::take(&mut self.first),
            entries: std::mem::take(&mut self.entries),
        }
    }
}

/// Whether the certificate may be an issuer, or carries marks of an attestation. Only asked where attestations are to be
/// verified, so the certificate is simply read once more.
fn bears_on_attestation(der: &[u8]) -> bool {
    x509::parse(der).is_ok_and(|facts| {
        facts.is_ca == Some(true) || Marks::from(&facts).has_policy() || facts.yubikey_firmware.is_some()
    })
}

/// A certificate's own columns, all but its hashes and its length.
fn push_own(c: &mut Certificates, own: &Own) {
    c.serial.push_str(&own.serial);
    c.serial_is_negative.push(Some(own.serial_is_negative));
    c.subject.push_str(&own.subject);
    c.subject_cn.push_str(&own.subject_cn);
    c.not_before.push(Some(own.not_before));
    c.not_after.push(Some(own.not_after));
    c.not_after_year.push(Some(own.not_after_year));
    c.validity_days.push(own.validity_days);
    c.is_self_signed.push(Some(own.is_self_signed));
    c.subject_key_id.push_str(&own.subject_key_id);
    c.san_dns.push_iter(own.san_dns.iter());
    c.san_upn.push_iter(own.san_upn.iter());
    c.san_email.push_iter(own.san_email.iter());
    c.san_ip.push_iter(own.san_ip.iter());
    c.san_uri.push_iter(own.san_uri.iter());
    c.san_directory.push_iter(own.san_directory.iter());
    c.san_other.push_iter(own.san_other.iter());
    c.sid.push_str(&own.sid);
}

/// The same for a certificate that was read the long way.
fn push_own_facts(c: &mut Certificates, facts: &Facts) {
    c.serial.push(facts.serial.as_deref());
    c.serial_is_negative.push(facts.serial_is_negative);
    c.subject.push(facts.subject.as_deref());
    c.subject_cn.push(facts.subject_cn.as_deref());
    c.not_before.push(facts.not_before);
    c.not_after.push(facts.not_after);
    c.not_after_year.push(facts.not_after_year);
    c.validity_days.push(facts.validity_days);
    c.is_self_signed.push(facts.is_self_signed);
    c.subject_key_id.push(facts.subject_key_id.as_deref());
    c.san_dns.push(&facts.san_dns);
    c.san_upn.push(&facts.san_upn);
    c.san_email.push(&facts.san_email);
    c.san_ip.push(&facts.san_ip);
    c.san_uri.push(&facts.san_uri);
    c.san_directory.push(&facts.san_directory);
    c.san_other.push(&facts.san_other);
    c.sid.push(facts.sid.as_deref());
}

/// The columns that certificates of one profile share.
fn push_profile(c: &mut Certificates, audit: Option<&str>, facts: &Facts) {
    let policies: Vec<&str> = facts.attestation_policies.iter().filter_map(|p| policy_name(*p)).collect();
    let problems: Vec<&str> = facts.problems.iter().map(|p| p.field.as_ref()).collect();
    c.audit.push(audit);
    c.version.push(facts.version);
    c.issuer.push(facts.issuer.as_deref());
    c.issuer_cn.push(facts.issuer_cn.as_deref());
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
    c.key_usage.push(&facts.key_usage);
    c.eku.push(&facts.eku);
    c.application_policies.push(&facts.application_policies);
    c.certificate_policies.push(&facts.certificate_policies);
    c.is_client_auth.push(facts.is_client_auth);
    c.is_server_auth.push(facts.is_server_auth);
    c.is_smart_card_logon.push(facts.is_smart_card_logon);
    c.template_name.push(facts.template_name.as_deref());
    c.template_oid.push(facts.template_oid.as_deref());
    c.template_major.push(facts.template_major);
    c.template_minor.push(facts.template_minor);
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

/// Most bytes that base64 text of this length decodes to.
pub fn decoded_len(text: &[u8]) -> usize {
    text.len() / 4 * 3 + 3
}

/// Decodes standard base64 to the start of `out`, which has room for [`decoded_len`]; padding may be missing. The
/// number of bytes; `None` where the text cannot be decoded or is empty.
pub fn decode_base64(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let codec = if text.ends_with(b"=") || text.len().is_multiple_of(4) {
        base64_simd::STANDARD
    } else {
        base64_simd::STANDARD_NO_PAD
    };
    let len = codec.decode(text, base64_simd::Out::from_slice(out)).ok()?.len();
    (len > 0).then_some(len)
}
