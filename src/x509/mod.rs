//! DER to facts: the only user of x509-parser.
//!
//! [`frame`] cuts the certificate into its fields; each field is then parsed on its own, so that one bad field
//! degrades that field ([`Facts::problems`]) and only a certificate without a readable frame is lost. Facts are
//! what the certificate says (RFC 5280), never what anybody concludes from it.

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
    /// `rsa`, `ec`, `ed25519`, `ed448`, `x25519`, `x448`, `dsa`, `dh`, `ml_dsa_44`, ..., `ml_kem_768`, ..., `slh_dsa_sha2_128s`, ..., or the dotted OID.
    pub key_algorithm: Option<String>,
    /// RSA: bits of the modulus; EC: bits of the field; Ed25519 and its like: 255 or 448; DSA: bits of p; post-quantum: `None`.
    pub key_size_bits: Option<i32>,
    /// Named curve (`p256`, `p384`, `p521`, `brainpool_p256r1`, `secp256k1`, ...) or its dotted OID; `explicit` for parameters spelled out.
    pub curve: Option<String>,
    /// RSA public exponent, if it fits.
    pub rsa_exponent: Option<i64>,
    /// `sha256_with_rsa`, `ecdsa_with_sha384`, `rsa_pss`, `ed25519`, `ml_dsa_65`, ..., or the dotted OID.
    pub signature_algorithm: Option<String>,
    /// Hash of the signature (`sha256`); for RSA-PSS from its parameters.
    pub signature_hash: Option<String>,
    /// RSA-PSS: salt length in bytes.
    pub pss_salt_length: Option<i32>,
    /// RSA-PSS: hash of the mask generation function.
    pub pss_mgf_hash: Option<String>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: Option<[u8; 32]>,
    /// SHA-1 of the public key bits (RFC 5280 4.2.1.2 method 1 key identifier).
    pub public_key_sha1: Option<[u8; 20]>,
    /// Basic constraints say CA. False without the extension; `None` where the extension is unreadable.
    pub is_ca: Option<bool>,
    /// Path length constraint.
    pub path_length: Option<i32>,
    /// Subject equals issuer byte for byte and, where both identifiers exist, authority key id equals subject key id. Signature not verified.
    pub is_self_signed: Option<bool>,
    /// Key usage bits by their RFC 5280 names (`digitalSignature`, ...).
    pub key_usage: Vec<String>,
    /// Extended key usage OIDs, dotted, in order. `has_eku` tells "empty" from "absent".
    pub eku: Vec<String>,
    /// The extended key usage extension exists.
    pub has_eku: bool,
    /// Microsoft application policies (1.3.6.1.4.1.311.21.10), dotted OIDs.
    pub application_policies: Vec<String>,
    /// Certificate policies, dotted OIDs.
    pub certificate_policies: Vec<String>,
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
    pub extension_oids: Vec<String>,
    /// Critical extensions that certcensus does not interpret.
    pub unknown_critical: Vec<String>,
    /// Why the key or signature is weak: `rsa_below_2048`, `rsa_exponent_small`, `dsa`, `ec_below_224`, `sha1_signature`, `md5_signature`, `md2_signature`.
    pub weak_reasons: Vec<String>,
    /// `quantum_vulnerable`, `post_quantum`, `composite`, or `None` for an unknown algorithm.
    pub pqc_status: Option<&'static str>,
    /// TPM attestation policies present: 30, 31, 32 for 1.3.6.1.4.1.311.21.N.
    pub attestation_policies: Vec<u8>,
    /// TPM role by EKU: `endorsement_key`, `platform`, `attestation_identity_key`, `privacy_ca`.
    pub tpm_role: Option<&'static str>,
    /// The certificate is a YubiKey PIV attestation certificate for a slot (extensions 1.3.6.1.4.1.41482.3.x, end entity).
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
    pub field: std::borrow::Cow<'static, str>,
    /// One sentence for people.
    pub message: String,
}
