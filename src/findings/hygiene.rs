//! Rules of hygiene: they speak on hits alone, whatever the product. One row at most for a rule and a key.

use std::sync::Arc;

use time::{Date, OffsetDateTime};

use super::facts::{CertificateFacts, Client, Key};
use super::{Applies, Context, Outcome, Rule, Severity, short};
use crate::classify::{Grade, KeyApi, KeyPresence, KeyStorage};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Days before its end that a certificate is called expiring.
const EXPIRING_DAYS: i64 = 90;
/// 2031-01-01: NIST IR 8547 calls 112 bits of strength deprecated after 2030.
const END_OF_2030: i64 = 1_924_992_000 * MICROS_PER_SECOND;
/// 2036-01-01: NIST IR 8547 disallows all quantum-vulnerable keys after 2035.
const END_OF_2035: i64 = 2_082_758_400 * MICROS_PER_SECOND;
/// RSA of fewer bits has a strength of less than 128 bits (NIST SP 800-57 Part 1 Revision 5, table 2).
const RSA_OF_128_BITS: i32 = 3072;

const PLATFORM: &str = "Microsoft Platform Crypto Provider";
const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const REQUEST_AGENT: &str = "1.3.6.1.4.1.311.20.2.1";
const KEY_RECOVERY: &str = "1.3.6.1.4.1.311.21.6";
const CA_EXCHANGE: &str = "1.3.6.1.4.1.311.21.5";

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $severity:ident, $judge:ident, $title:literal, $why:literal, $todo:literal, $source:literal;)+) => {
        $($(#[doc = $doc])+
        pub static $name: Rule = Rule {
            id: $id,
            title: $title,
            why: $why,
            what_to_do: $todo,
            severity: Severity::$severity,
            product: None,
            versions: None,
            source: $source,
            applies: Applies::Key($judge),
        };)+
    };
}

rules! {
    /// Hardware by claim alone, where attestation is asked for.
    HARDWARE_CLAIMED_NOT_ATTESTED = "hardware_claimed_not_attested", Low, hardware_claimed_not_attested,
        "A key is said to be in hardware, and no verified attestation says so",
        "A provider's name or flag is a claim of the client, which anybody can make. Low where stronger evidence contradicts the \
         claim or leaves it open, and where somebody asked for more: the template asks for attestation, or the certificate has \
         marks of one. Info for every other key.",
        "Verify the attestation (the certification authority keeps it with the request), or enrol anew where it is required.",
        "[MS-CRTD] 2.27 (attestation flags); [MS-WCCE] 3.2.2.6.2.1.4.5.7";
    /// Software where hardware was asked for.
    TPM_EXPECTED_SOFTWARE_FOUND = "tpm_expected_software_found", High, tpm_expected_software_found,
        "A key is in software, and its template asks for the TPM",
        "The template names the Microsoft Platform Crypto Provider and no other, or requires attestation, yet the evidence on the \
         client says software: the key was made otherwise, exported and imported, or the template was changed later.",
        "Find out how the key was made, revoke its certificate, and enrol anew.",
        "[MS-CRTD] 2.27 (attestation flags), and its pKIDefaultCSPs";
    /// Whoever has it may export it.
    EXPORTABLE_SENSITIVE_KEY = "exportable_sensitive_key", High, exportable_sensitive_key,
        "A key of a sensitive use can be exported",
        "Keys of certification authorities, smart-card logon, code signing, enrolment on behalf of others and key recovery speak \
         for others than their machine. One that can be exported leaves no trace when it is copied.",
        "Make a new key that cannot be exported, best in hardware.",
        "NIST SP 800-57 Part 1 Revision 5, section 6.1; RFC 5280 4.2.1.12; key usages of Microsoft, wincrypt.h (szOID_*)";
    /// The key is too weak.
    WEAK_KEY = "weak_key", High, weak_key,
        "A key is weak",
        "Its algorithm, size or exponent is below what is sound today.",
        "Replace it with RSA of 2048 bits or more, or with an elliptic curve of 256 bits or more.",
        "NIST SP 800-131A Revision 2; FIPS 186-5 A.1.1 (exponent)";
    /// The hash of the signature is broken.
    WEAK_SIGNATURE = "weak_signature", Medium, weak_signature,
        "A certificate is signed with a broken hash",
        "Whoever can find a collision can have another certificate with the same signature. The signature of a root on itself \
         proves nothing and is passed over.",
        "Enrol anew from an authority that signs with SHA-256 or better.",
        "NIST SP 800-131A Revision 2; RFC 6151 (MD5)";
    /// The private key can be computed.
    ROCA_KEY = "roca_key", Critical, roca_key,
        "An RSA key was made by a faulty chip of Infineon (ROCA)",
        "Its modulus has the shape that the faulty library gave to all its keys; with 2048 bits or fewer the private key can be \
         computed from it.",
        "Update the firmware of TPM or card, make a new key, and revoke the certificate.",
        "CVE-2017-15361; Nemec et al., The Return of Coppersmith's Attack, 2017";
    /// No strong mapping.
    MISSING_SID = "missing_sid", Medium, missing_sid,
        "A logon certificate has no security identifier",
        "Since September 2025 domain controllers refuse certificates that are mapped to their account by names alone. Said of \
         certificates for smart-card logon, and for client authentication with a user principal name.",
        "Enrol anew from a certification authority with the updates of May 2022, or map the certificate to the account by issuer \
         and serial number.",
        "Microsoft KB5014754; [MS-WCCE] 2.2.2.7.7.4 (extension 1.3.6.1.4.1.311.25.2)";
    /// Still valid when it is not to be used any more.
    QUANTUM_VULNERABLE_LONG_LIVED = "quantum_vulnerable_long_lived", Low, quantum_vulnerable_long_lived,
        "A certificate lasts longer than its algorithm",
        "NIST plans to disallow RSA and elliptic curves after 2035, and calls RSA of less than 3072 bits and other keys of 112 bits \
         of strength deprecated after 2030; a quantum computer would break all of them. The certificate ends after that.",
        "Plan its replacement with a post-quantum algorithm (ML-DSA), which needs a key in CNG.",
        "NIST IR 8547 (initial public draft), tables 2 and 4; NIST SP 800-57 Part 1 Revision 5, table 2";
    /// No post-quantum algorithm where it lives.
    CAPI_KEY_NO_PQC = "capi_key_no_pqc", Info, capi_key_no_pqc,
        "A signing key in CryptoAPI cannot move to ML-DSA",
        "Windows has ML-DSA in CNG alone. Said of keys of certification authorities and of code signing, whose signatures must \
         last; every other CryptoAPI key is replaced at its renewal.",
        "Move to a key storage provider at the next renewal.",
        "Microsoft, AD CS post-quantum overview (May 2026); Microsoft, CNG algorithm identifiers (ML-DSA)";
    /// Its time is over.
    EXPIRED_CERTIFICATE = "expired_certificate", Low, expired_certificate,
        "The certificates of a key have ended",
        "A key without a valid certificate is used for nothing new, and can still be stolen. Compared with --as-of.",
        "Remove key and certificate, unless old data must be decrypted with it.",
        "RFC 5280 4.1.2.5";
    /// Its time is nearly over.
    EXPIRING_CERTIFICATE = "expiring_certificate", Low, expiring_certificate,
        "The certificate of a key ends within 90 days",
        "What is not renewed stops working. Compared with --as-of.",
        "See that it is renewed; a renewal is the time for a new provider.",
        "RFC 5280 4.1.2.5";
    /// Not this machine's own.
    SHARED_KEY = "shared_key", Medium, shared_key,
        "One private key is on several clients",
        "Whoever has one of the machines can speak for all of them, and a key that was copied was exportable. Not said of keys on \
         cards and tokens, in modules and services of the network, and of keys that could not be opened.",
        "Give every machine its own key, unless it is a certificate of a farm.",
        "NIST SP 800-57 Part 1 Revision 5, section 6.1";
}

type Certificate<'a> = CertificateFacts<'a>;

/// The certificate that ends last.
fn latest<'k>(key: &'k Key<'_>) -> Option<&'k Certificate<'k>> {
    key.certificates.first()
}

/// A date of a certificate or of the option, `2026-01-31`.
fn date(micros: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(micros.div_euclid(MICROS_PER_SECOND));
    time.map_or_else(|_| format!("{micros} microseconds since 1970"), |time| day(time.date()))
}

fn day(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// What is told of keys of which hardware is claimed: worked out once, as up to every key is told it.
#[derive(Clone, Debug, Default)]
pub(super) struct Unproved(Vec<(KeyStorage, Grade, Arc<str>)>);

impl Unproved {
    /// For every storage and grade.
    pub(super) fn new() -> Self {
        let of = |storage: KeyStorage| {
            let grades = [Grade::Catalogued, Grade::Inferred, Grade::Recorded].into_iter();
            grades.map(move |grade| (storage, grade, claimed(storage, Some(grade)).into()))
        };
        Unproved(KeyStorage::ALL.into_iter().flat_map(of).collect())
    }

    fn of(&self, storage: KeyStorage, grade: Option<Grade>) -> Arc<str> {
        let known = self.0.iter().find(|known| known.0 == storage && Some(known.1) == grade);
        known.map_or_else(|| claimed(storage, grade).into(), |(.., text)| Arc::clone(text))
    }
}

fn claimed(storage: KeyStorage, grade: Option<Grade>) -> String {
    format!("storage {} is known as {}, not attested", storage.as_str(), grade.map_or("no grade", Grade::as_str))
}

fn hardware_claimed_not_attested(key: &Key<'_>, _: &Client<'_>, context: &Context<'_>) -> Option<Outcome> {
    if key.storage.grade == Some(Grade::Attested) {
        return None;
    }
    match key.hardware_backed {
        Some(true) => {}
        Some(false) | None if key.claims_hardware => {
            let (storage, grade) = (key.storage.value.as_str(), key.storage.grade.map_or("no grade", Grade::as_str));
            let message = format!("some evidence says hardware, and the storage is known as {storage} ({grade})");
            return Some(Outcome::of_key(&HARDWARE_CLAIMED_NOT_ATTESTED, message));
        }
        _ => return None,
    }
    let marked = key.certificates.iter().find(|certificate| certificate.has_attestation_marks);
    let asked =
        key.templates.iter().find_map(|t| t.attestation.as_deref().filter(|a| matches!(*a, "preferred" | "required")));
    let claimed = context.unproved.of(key.storage.value, key.storage.grade);
    let asked = match asked {
        Some(asked) => Some(format!("{claimed}; the template has attestation {asked}")),
        None => marked.map(|_| format!("{claimed}; the certificate has marks of an attestation")),
    };
    let outcome = match asked {
        Some(message) => Outcome::of_key(&HARDWARE_CLAIMED_NOT_ATTESTED, message),
        None => Outcome::of_key(&HARDWARE_CLAIMED_NOT_ATTESTED, claimed).with_severity(Severity::Info),
    };
    Some(match marked {
        Some(certificate) => outcome.by(key, certificate),
        None => outcome,
    })
}

fn tpm_expected_software_found(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    // What the security of Windows isolates is in no TPM either.
    if !matches!(key.storage.value, KeyStorage::Software | KeyStorage::Vbs) {
        return None;
    }
    let storage = key.storage.value.as_str();
    key.templates.iter().find_map(|template| {
        let is_platform = |name: &String| name.trim().eq_ignore_ascii_case(PLATFORM);
        let why = match () {
            () if template.attestation.as_deref() == Some("required") => "requires attestation",
            () if !template.providers.is_empty() && template.providers.iter().all(is_platform) => {
                "names the Microsoft Platform Crypto Provider and no other"
            }
            () => return None,
        };
        let name = template.name.as_deref().or(template.display_name.as_deref()).unwrap_or("without a name");
        let message = format!("template {} {why}, and the key's storage is {storage}", short(name));
        Some(Outcome::of_key(&TPM_EXPECTED_SOFTWARE_FOUND, message))
    })
}

/// The sensitive uses of a certificate.
fn sensitive_uses(certificate: &Certificate<'_>) -> impl Iterator<Item = &'static str> {
    let has = |oid: &str| certificate.eku.iter().any(|known| known == oid);
    let uses = [
        (certificate.is_ca == Some(true), "certification authority"),
        (certificate.is_smart_card_logon == Some(true), "smart-card logon"),
        (has(CODE_SIGNING), "code signing"),
        (has(REQUEST_AGENT), "certificate request agent"),
        (has(KEY_RECOVERY), "key recovery agent"),
        (has(CA_EXCHANGE), "CA exchange"),
    ];
    uses.into_iter().filter(|(is_used, _)| *is_used).map(|(_, name)| name)
}

fn exportable_sensitive_key(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    if key.is_exportable != Some(true) {
        return None;
    }
    let certificate = key.certificates.iter().find(|certificate| sensitive_uses(certificate).next().is_some())?;
    let mut uses: Vec<&str> = key.certificates.iter().flat_map(sensitive_uses).collect();
    uses.sort_unstable();
    uses.dedup();
    let message = format!("the key can be exported; uses: {}", uses.join(", "));
    Some(Outcome::of_key(&EXPORTABLE_SENSITIVE_KEY, message).by(key, certificate))
}

/// Reasons of weakness that are about the signature.
fn is_of_signature(reason: &str) -> bool {
    reason.ends_with("_signature")
}

/// `rsa, 1024 bits`.
fn algorithm(certificate: &Certificate<'_>) -> String {
    let name = certificate.key_algorithm.unwrap_or("algorithm not known");
    certificate.key_size_bits.map_or_else(|| name.to_owned(), |bits| format!("{name}, {bits} bits"))
}

fn weak_key(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    if key.certificates.is_empty() {
        let (algorithm, bits) = (key.key_algorithm?, key.key_size_bits?);
        let reason = match algorithm {
            "rsa" if bits < 2048 => "rsa_below_2048",
            "dsa" => "dsa",
            _ => return None,
        };
        let message = format!("{algorithm}, {bits} bits, as its provider says ({reason})");
        return Some(Outcome::of_key(&WEAK_KEY, message));
    }
    key.certificates.iter().find_map(|certificate| {
        let mut reasons = certificate.weak_reasons.iter().filter(|reason| !is_of_signature(reason)).peekable();
        reasons.peek()?;
        let reasons: Vec<&str> = reasons.map(|reason| &**reason).collect();
        let message = format!("{} ({})", algorithm(certificate), reasons.join(", "));
        Some(Outcome::of_key(&WEAK_KEY, message).by(key, certificate))
    })
}

fn weak_signature(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    let signed = key.certificates.iter().filter(|certificate| certificate.is_self_signed != Some(true));
    let (certificate, reason) = signed.into_iter().find_map(|certificate| {
        Some((certificate, certificate.weak_reasons.iter().find(|reason| is_of_signature(reason))?))
    })?;
    let algorithm = certificate.signature_algorithm.unwrap_or("algorithm not known");
    Some(Outcome::of_key(&WEAK_SIGNATURE, format!("signed with {algorithm} ({reason})")).by(key, certificate))
}

fn roca_key(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    let certificate = key.certificates.iter().find(|certificate| certificate.is_roca)?;
    let message = format!("{}: the modulus has the shape of CVE-2017-15361", algorithm(certificate));
    Some(Outcome::of_key(&ROCA_KEY, message).by(key, certificate))
}

fn missing_sid(key: &Key<'_>, _: &Client<'_>, context: &Context<'_>) -> Option<Outcome> {
    let use_of = |certificate: &Certificate<'_>| match () {
        () if certificate.is_smart_card_logon == Some(true) => Some("smart-card logon"),
        () if certificate.is_client_auth == Some(true) && certificate.has_upn => {
            Some("client authentication with a user principal name")
        }
        () => None,
    };
    // The one that ends last is the one that is used.
    let (certificate, what) = key.certificates.iter().find_map(|c| Some((c, use_of(c)?)))?;
    if certificate.has_sid || certificate.is_ca == Some(true) || certificate.is_self_signed == Some(true) {
        return None;
    }
    if is_over(certificate, context) == Some(true) {
        return None;
    }
    let message = format!("certificate for {what} without the extension 1.3.6.1.4.1.311.25.2");
    Some(Outcome::of_key(&MISSING_SID, message).by(key, certificate))
}

fn quantum_vulnerable_long_lived(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    let certificate = latest(key)?;
    let end = certificate.not_after?;
    if end < END_OF_2030 || certificate.pqc_status != Some("quantum_vulnerable") {
        return None;
    }
    let bits = certificate.key_size_bits;
    let is_of_112 = match certificate.key_algorithm {
        Some("rsa" | "rsa_pss" | "rsa_oaep" | "dsa" | "dh") => bits.is_some_and(|bits| bits < RSA_OF_128_BITS),
        Some("ec" | "ecdh" | "ecmqv") => bits.is_some_and(|bits| bits < 256),
        _ => false,
    };
    let plan = match () {
        () if end >= END_OF_2035 => "disallowed after 2035",
        () if is_of_112 => "deprecated after 2030",
        () => return None,
    };
    let message = format!("{} is {plan}, and the certificate ends on {}", algorithm(certificate), date(end));
    Some(Outcome::of_key(&QUANTUM_VULNERABLE_LONG_LIVED, message))
}

fn capi_key_no_pqc(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    if key.api.value != KeyApi::Capi {
        return None;
    }
    let lasts = |name: &&str| matches!(*name, "certification authority" | "code signing");
    let (certificate, found) = key.certificates.iter().find_map(|c| Some((c, sensitive_uses(c).find(lasts)?)))?;
    let provider = key.provider_name.map_or("a provider that is not named".into(), short);
    Some(Outcome::of_key(&CAPI_KEY_NO_PQC, format!("key for {found} in CryptoAPI ({provider})")).by(key, certificate))
}

/// Whether a certificate has ended; `None` without a date to compare with.
fn is_over(certificate: &Certificate<'_>, context: &Context<'_>) -> Option<bool> {
    Some(certificate.not_after? < context.as_of()?)
}

fn expired_certificate(key: &Key<'_>, _: &Client<'_>, context: &Context<'_>) -> Option<Outcome> {
    let as_of = context.as_of()?;
    // One whose end is not known may be valid.
    let is_over = |certificate: &Certificate<'_>| is_over(certificate, context) == Some(true);
    let end = key.certificates.iter().filter_map(|certificate| certificate.not_after).max()?;
    if !key.certificates.iter().all(is_over) {
        return None;
    }
    let message = format!("ended on {}, before {}", date(end), date(as_of));
    Some(Outcome::of_key(&EXPIRED_CERTIFICATE, message))
}

fn expiring_certificate(key: &Key<'_>, _: &Client<'_>, context: &Context<'_>) -> Option<Outcome> {
    let as_of = context.as_of()?;
    let ends = key.certificates.iter().map(|certificate| certificate.not_after).collect::<Option<Vec<_>>>()?;
    let end = ends.into_iter().max()?;
    let left = end.checked_sub(as_of)?;
    if !(0..=EXPIRING_DAYS * MICROS_PER_DAY).contains(&left) {
        return None;
    }
    let message = format!("ends on {}, {} days after {}", date(end), left / MICROS_PER_DAY, date(as_of));
    Some(Outcome::of_key(&EXPIRING_CERTIFICATE, message))
}

fn shared_key(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    if key.clients_with_key < 2 || !matches!(key.presence, KeyPresence::Opened | KeyPresence::Declared) {
        return None;
    }
    let clients = key.clients_with_key;
    match key.storage.value {
        // A card goes with its user, and a module in the network serves many machines: the key is there once.
        KeyStorage::SmartCard
        | KeyStorage::UsbToken
        | KeyStorage::Hsm
        | KeyStorage::CloudKms
        | KeyStorage::OtherHardware => None,
        KeyStorage::Unknown | KeyStorage::None => {
            let message = format!(
                "the same private key is known on {clients} clients; where it is stored is not known, and one on a card that \
                 goes with its user looks alike"
            );
            Some(Outcome::of_key(&SHARED_KEY, message).with_severity(Severity::Low))
        }
        KeyStorage::Software | KeyStorage::Vbs | KeyStorage::Tpm | KeyStorage::VirtualSmartCard => {
            Some(Outcome::of_key(&SHARED_KEY, format!("the same private key is on {clients} clients")))
        }
    }
}
