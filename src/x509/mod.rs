//! DER to facts: the only user of x509-parser.
//!
//! [`Frame`] cuts the certificate into its fields; each field is then parsed on its own, so that one bad field
//! degrades that field ([`Facts::problems`]) and only a certificate without a readable frame is lost. Facts are
//! what the certificate says (RFC 5280), never what anybody concludes from it.
//!
//! x509-parser decides what is well-formed. Where it refuses a field, the field is read a second way only if that
//! cannot turn into a guess (BER for DER, a date under the neighbouring time tag), and a [`Problem`] says so.

mod algorithm;
mod ber;
mod extension;
mod frame;
mod key;
mod memo;
mod name;
mod oid;
mod own;
mod plain_name;
mod profile;
pub mod request;
pub mod roca;
mod san;
mod signature;
mod skeleton;
mod strict;
mod string;
#[cfg(test)]
mod tests;
mod text;
mod texts;
mod time;
mod urls;
mod windows;
mod yubikey;

use std::borrow::Cow;

use x509_parser::error::X509Error;
use x509_parser::nom;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Version;

use crate::der::{self, tag};
use extension::Finding;
use frame::Frame;
use memo::Memo;
use name::Name;
pub use own::Own;
pub use profile::Known;
use profile::Profiles;
pub use texts::Texts;

/// The name of an algorithm or the text of an OID: static where it is a well-known one.
pub type Label = Cow<'static, str>;

/// What one certificate says. `None` and empty lists mean "not there", or "not readable" with an entry in `problems`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// X.509 version as people count it: 1, 2 or 3.
    pub version: Option<i32>,
    /// Serial number: DER content octets as lower-case hex, one sign-padding 00 dropped.
    pub serial: Option<String>,
    /// The serial number is negative.
    pub serial_is_negative: Option<bool>,
    /// Subject, RFC 4514; `None` where empty.
    pub subject: Option<String>,
    /// The last (most specific) common name of the subject, unescaped.
    pub subject_cn: Option<String>,
    /// Issuer, RFC 4514; `None` where empty.
    pub issuer: Option<String>,
    /// The last common name of the issuer, unescaped.
    pub issuer_cn: Option<String>,
    /// Start of validity, microseconds since 1970-01-01 UTC.
    pub not_before: Option<i64>,
    /// End of validity, microseconds since 1970-01-01 UTC.
    pub not_after: Option<i64>,
    /// Calendar year of `not_after`, UTC.
    pub not_after_year: Option<i32>,
    /// Whole days from `not_before` to `not_after`.
    pub validity_days: Option<i32>,
    /// `rsa`, `rsa_pss`, `rsa_oaep`, `ec`, `ed25519`, `ed448`, `x25519`, `x448`, `dsa`, `dh`, `ml_dsa_44`, ...,
    /// `ml_kem_768`, ..., `slh_dsa_sha2_128s`, ..., or the dotted OID.
    pub key_algorithm: Option<Label>,
    /// RSA: bits of the modulus; EC: bits of the field; Ed25519 and its like: 255 or 448; DSA: bits of p; post-quantum:
    /// `None`.
    pub key_size_bits: Option<i32>,
    /// Named curve (`p256`, `p384`, `p521`, `brainpool_p256r1`, `secp256k1`, ...) or its dotted OID; `explicit` for
    /// parameters spelled out.
    pub curve: Option<Label>,
    /// RSA public exponent, if it fits.
    pub rsa_exponent: Option<i64>,
    /// The RSA modulus has the shape of keys that a vulnerable library made ([`roca`]).
    pub is_roca: bool,
    /// `sha256_with_rsa`, `ecdsa_with_sha384`, `rsa_pss`, `ed25519`, `ml_dsa_65`, ..., or the dotted OID.
    pub signature_algorithm: Option<Label>,
    /// Hash of the signature (`sha256`); for RSA-PSS from its parameters.
    pub signature_hash: Option<Label>,
    /// RSA-PSS: salt length in bytes.
    pub pss_salt_length: Option<i32>,
    /// RSA-PSS: hash of the mask generation function.
    pub pss_mgf_hash: Option<Label>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: Option<[u8; 32]>,
    /// SHA-1 of the public key bits (RFC 5280 4.2.1.2 method 1 key identifier).
    pub public_key_sha1: Option<[u8; 20]>,
    /// Basic constraints say CA. False without the extension; `None` where the extension is unreadable.
    pub is_ca: Option<bool>,
    /// Path length constraint.
    pub path_length: Option<i32>,
    /// Subject equals issuer byte for byte and, where both identifiers exist, authority key id equals subject key id.
    /// Signature not verified.
    pub is_self_signed: Option<bool>,
    /// Key usage bits by their RFC 5280 names (`digitalSignature`, ...).
    pub key_usage: Vec<&'static str>,
    /// Extended key usage OIDs, dotted, in order. `has_eku` tells "empty" from "absent".
    pub eku: Vec<Label>,
    /// The extended key usage extension exists.
    pub has_eku: bool,
    /// Microsoft application policies (1.3.6.1.4.1.311.21.10), dotted OIDs.
    pub application_policies: Vec<Label>,
    /// Certificate policies, dotted OIDs.
    pub certificate_policies: Vec<Label>,
    /// EKU has clientAuth or anyExtendedKeyUsage. `None` without the extension (no restriction stated).
    pub is_client_auth: Option<bool>,
    /// EKU has serverAuth or anyExtendedKeyUsage. `None` without the extension.
    pub is_server_auth: Option<bool>,
    /// EKU has smart-card logon (1.3.6.1.4.1.311.20.2.2). `None` without the extension.
    pub is_smart_card_logon: Option<bool>,
    /// dNSName entries of the subject alternative name.
    pub san_dns: Vec<String>,
    /// User principal names (otherName 1.3.6.1.4.1.311.20.2.3).
    pub san_upn: Vec<String>,
    /// rfc822Name entries.
    pub san_email: Vec<String>,
    /// iPAddress entries as text; of a wrong length: hex with a leading `#`.
    pub san_ip: Vec<String>,
    /// uniformResourceIdentifier entries.
    pub san_uri: Vec<String>,
    /// directoryName entries, RFC 4514.
    pub san_directory: Vec<String>,
    /// Every other entry: `type:#hex` of its DER.
    pub san_other: Vec<String>,
    /// SID from the extension 1.3.6.1.4.1.311.25.2, or from a SAN URI `tag:microsoft.com,2022-09-14:sid:`.
    pub sid: Option<String>,
    /// Template name (1.3.6.1.4.1.311.20.2), trailing NUL dropped.
    pub template_name: Option<String>,
    /// Template OID (1.3.6.1.4.1.311.21.7).
    pub template_oid: Option<String>,
    /// Template major version.
    pub template_major: Option<i32>,
    /// Template minor version.
    pub template_minor: Option<i32>,
    /// Subject key identifier, hex.
    pub subject_key_id: Option<String>,
    /// Authority key identifier (keyIdentifier), hex.
    pub authority_key_id: Option<String>,
    /// CRL distribution point URLs.
    pub crl_urls: Vec<String>,
    /// OCSP URLs.
    pub ocsp_urls: Vec<String>,
    /// caIssuers URLs.
    pub ca_issuer_urls: Vec<String>,
    /// Every extension OID in order, repeated ones too.
    pub extension_oids: Vec<Label>,
    /// Critical extensions that certcensus does not interpret.
    pub unknown_critical: Vec<Label>,
    /// Why the key or signature is weak: `rsa_below_2048`, `rsa_exponent_small`, `dsa`, `ec_below_224`,
    /// `sha1_signature`, `md5_signature`, `md4_signature`, `md2_signature`.
    pub weak_reasons: Vec<&'static str>,
    /// `quantum_vulnerable`, `post_quantum`, `composite`, or `None` for an unknown algorithm.
    pub pqc_status: Option<&'static str>,
    /// TPM attestation policies present: 30, 31, 32 for 1.3.6.1.4.1.311.21.N.
    pub attestation_policies: Vec<u8>,
    /// TPM role by EKU: `endorsement_key`, `platform`, `attestation_identity_key`, `privacy_ca`.
    pub tpm_role: Option<&'static str>,
    /// The certificate is a YubiKey PIV attestation certificate for a slot (extensions 1.3.6.1.4.1.41482.3.x, end
    /// entity).
    pub is_yubikey_attestation: bool,
    /// YubiKey firmware, `5.4.3`.
    pub yubikey_firmware: Option<String>,
    /// YubiKey serial number.
    pub yubikey_serial: Option<i64>,
    /// PIN policy: `never`, `once`, `always`, or `unknown`.
    pub yubikey_pin_policy: Option<&'static str>,
    /// Touch policy: `never`, `always`, `cached`, or `unknown`.
    pub yubikey_touch_policy: Option<&'static str>,
    /// Form factor byte, raw.
    pub yubikey_form_factor: Option<i32>,
    /// Fields that could not be parsed.
    pub problems: Vec<Problem>,
}

/// One field that could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Column name of the field, or the dotted OID of the extension.
    pub field: Cow<'static, str>,
    /// One sentence for people.
    pub message: String,
}

/// Problems listed for one certificate; a hostile one could have as many as it has bytes.
const MAX_PROBLEMS: usize = 64;

/// Why a field was not taken, as half a sentence for people.
type Refusal = Cow<'static, str>;

/// Length of the outer SEQUENCE at the start of `bytes`: what to keep and hash of a certificate candidate.
///
/// `None` where there is no complete SEQUENCE. That it is a certificate is for [`Parser`] to find out.
pub fn frame_len(bytes: &[u8]) -> Option<usize> {
    der::read(bytes).filter(|outer| outer.tag == tag::SEQUENCE).map(|outer| outer.total)
}

/// Reads one certificate: a [`Parser`] for a single use.
///
/// # Errors
///
/// Those of [`Parser::parse`].
pub fn parse(der: &[u8]) -> Result<Facts, Problem> {
    Parser::new().read_any(framed(der))
}

/// What a public key (a whole SubjectPublicKeyInfo, RFC 5280 4.1.2.7) says: of [`Facts`], the fields of the key alone.
pub fn public_key(element: &[u8]) -> Facts {
    let mut facts = Facts::default();
    key::read(&mut facts, element);
    facts
}

/// The outer SEQUENCE at the start of `bytes`; nothing where there is none.
fn framed(bytes: &[u8]) -> &[u8] {
    bytes.get(..frame_len(bytes).unwrap_or(0)).unwrap_or_default()
}

/// Reads certificates, and remembers what the certificates of one authority have in common.
///
/// What it says of a certificate does not depend on those it read before. Its memory is bounded.
#[derive(Default)]
pub struct Parser {
    issuers: Memo<Name>,
    extensions: Memo<Finding>,
    profiles: Profiles,
}

impl Parser {
    /// A parser that has seen nothing yet.
    pub fn new() -> Self {
        Parser::default()
    }

    /// The short way, for a certificate that is exactly these bytes: what it has in common with others is known, and
    /// only what is its own is read.
    ///
    /// `None` says nothing of the certificate; [`Parser::parse`] reads it, and learns what the next ones like it have in
    /// common. Where there is an answer, it is the one that `parse` gives, and the certificate has no problems.
    pub fn recall(&mut self, der: &[u8]) -> Option<Known<'_>> {
        self.profiles.recall(der)
    }

    /// Reads everything [`Facts`] has a place for. Bytes after the outer SEQUENCE are ignored.
    ///
    /// # Errors
    ///
    /// Without a readable frame (RFC 5280 4.1: the two outer SEQUENCEs and serial number to public key in their order)
    /// there is nothing to keep. Requests, CRLs, attribute certificates and private keys end here, too.
    pub fn parse(&mut self, der: &[u8]) -> Result<Facts, Problem> {
        let der = framed(der);
        let facts = self.read_any(der)?;
        self.profiles.learn(der, &facts);
        Ok(facts)
    }

    /// Reads a certificate in DER or, where that leaves problems, in BER.
    fn read_any(&mut self, der: &[u8]) -> Result<Facts, Problem> {
        let facts = self.read(der)?;
        if facts.problems.is_empty() {
            return Ok(facts);
        }
        Ok(match ber::to_der(der) {
            Some(encoded) if encoded != der => self.better(facts, &encoded),
            _ => facts,
        })
    }

    /// What the same certificate says in DER, if that answers more; identity stays that of the bytes as they are.
    fn better(&mut self, facts: Facts, encoded: &[u8]) -> Facts {
        match self.read(encoded) {
            Ok(mut again) if again.problems.len() < facts.problems.len() => {
                again.spki_sha256 = facts.spki_sha256;
                again.is_self_signed = facts.is_self_signed;
                again.doubt("certificate", "encoded in BER, not DER; read as if it were DER");
                again
            }
            _ => facts,
        }
    }

    fn read(&mut self, der: &[u8]) -> Result<Facts, Problem> {
        let frame = Frame::cut(der)
            .map_err(|message| Problem { field: Cow::Borrowed("certificate"), message: message.into() })?;
        let mut facts = Facts::default();
        facts.read_version(&frame);
        facts.read_serial(&frame);
        facts.read_names(&frame, &mut self.issuers);
        facts.read_validity(&frame);
        key::read(&mut facts, frame.key);
        signature::read(&mut facts, &frame);
        extension::read(&mut facts, &frame, &mut self.extensions);
        facts.is_self_signed = facts.self_signed(&frame);
        Ok(facts)
    }
}

impl Facts {
    /// Notes that `field` could not be read, or not without a doubt.
    fn doubt(&mut self, field: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        match self.problems.len() {
            0..MAX_PROBLEMS => self.problems.push(Problem { field: field.into(), message: message.into() }),
            MAX_PROBLEMS => self.problems.push(Problem {
                field: Cow::Borrowed("certificate"),
                message: format!("more than {MAX_PROBLEMS} problems; the others are not listed"),
            }),
            _ => {}
        }
    }

    /// Dotted text of an OID; a malformed one is kept as `#` and hex, with a doubt about `field`.
    fn oid_text(&mut self, field: &'static str, content: &[u8]) -> Label {
        oid::label(content).unwrap_or_else(|| {
            self.doubt(field, "an object identifier is malformed; it is shown as hex");
            oid::text(content)
        })
    }

    fn read_version(&mut self, frame: &Frame<'_>) {
        let Some(version) = frame.version else {
            self.version = Some(1);
            return;
        };
        if version == [tag::INTEGER, 1, 2] {
            self.version = Some(3);
            return;
        }
        match X509Version::from_der(version) {
            Ok((_, version)) => {
                self.version = i32::try_from(version.0).ok().and_then(|version| version.checked_add(1));
                if version.0 > X509Version::V3.0 {
                    self.doubt("version", "not a version that X.509 defines");
                }
            }
            Err(error) => self.doubt("version", refusal(error)),
        }
    }

    /// RFC 5280 4.1.2.2 wants a positive number of at most 20 octets; real ones are negative, zero and longer.
    fn read_serial(&mut self, frame: &Frame<'_>) {
        let digits = match frame.serial {
            [] => return self.doubt("serial", "the serial number is an INTEGER without content"),
            [0, rest @ ..] if rest.first().is_some_and(|next| next & 0x80 != 0) => rest,
            all => all,
        };
        self.serial = Some(text::hex(digits));
        self.serial_is_negative = frame.serial.first().map(|first| first & 0x80 != 0);
    }

    /// Subjects differ, so only issuers are remembered.
    fn read_names(&mut self, frame: &Frame<'_>, issuers: &mut Memo<Name>) {
        match name::read(frame.subject) {
            Ok(name) => (self.subject, self.subject_cn) = (name.text, name.common_name),
            Err(refusal) => self.doubt("subject", refusal),
        }
        let issuer = match issuers.get(frame.issuer) {
            Ok(name) => Ok(name.clone()),
            Err(unknown) => name::read(frame.issuer).inspect(|name| issuers.put(unknown, name)),
        };
        match issuer {
            Ok(name) => (self.issuer, self.issuer_cn) = (name.text, name.common_name),
            Err(refusal) => self.doubt("issuer", refusal),
        }
    }

    fn read_validity(&mut self, frame: &Frame<'_>) {
        let (not_before, not_after) = time::validity(self, frame.validity);
        self.not_before = not_before.map(|time| time.micros);
        self.not_after = not_after.map(|time| time.micros);
        self.not_after_year = not_after.map(|time| time.year);
        self.validity_days = self.not_before.zip(self.not_after).and_then(|(from, to)| time::whole_days(from, to));
    }

    /// TPM role by the extended key usages or by Microsoft's application policies, which repeat them ([MS-WCCE] 2.2.2.7.7.3)
    /// and could stand alone.
    pub fn tpm_role_by_any_usage(&self) -> Option<&'static str> {
        self.tpm_role.or_else(|| windows::tpm_role(&self.application_policies))
    }

    /// Names are compared as bytes: RFC 5280 7.1 matching would only ever call more certificates self-signed.
    fn self_signed(&self, frame: &Frame<'_>) -> Option<bool> {
        let unreadable = |oid: &str| self.problems.iter().any(|problem| problem.field == oid);
        if frame.issuer != frame.subject {
            return Some(false);
        }
        match (&self.subject_key_id, &self.authority_key_id) {
            (Some(subject), Some(authority)) => Some(subject == authority),
            _ if unreadable("2.5.29.14") || unreadable("2.5.29.35") || unreadable("extension_oids") => None,
            _ => Some(true),
        }
    }
}

/// What x509-parser has against a field.
fn refusal(error: nom::Err<X509Error>) -> Refusal {
    match X509Error::from(error) {
        X509Error::Generic | X509Error::NomError(_) => Cow::Borrowed("malformed"),
        error => Cow::Owned(error.to_string()),
    }
}
