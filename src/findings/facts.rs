//! What rules look at: keys, bindings, templates and clients with everything the scan knows of them, as plain values.
//! Where they come from is no matter of rules. Every `None` means "not known".

use serde::{Deserialize, Serialize};

use crate::classify::{KeyApi, KeyPresence, KeyStorage, Verdict};
use crate::record::{BindingKind, StoreLocation, Text};

/// Facts of one certificate, parsed here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertificateFacts<'a> {
    /// SHA-1 of the certificate.
    pub sha1: [u8; 20],
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// Subject, RFC 4514.
    pub subject: Option<&'a str>,
    /// Start of validity, microseconds since 1970-01-01 UTC.
    pub not_before: Option<i64>,
    /// End of validity, microseconds since 1970-01-01 UTC.
    pub not_after: Option<i64>,
    /// `rsa`, `ec`, `ml_dsa_65` and so on, as in `certificates`.
    pub key_algorithm: Option<&'a str>,
    /// Bits of the key, as in `certificates`.
    pub key_size_bits: Option<i32>,
    /// `sha256_with_rsa` and so on, as in `certificates`.
    pub signature_algorithm: Option<&'a str>,
    /// `quantum_vulnerable`, `post_quantum`, `composite`.
    pub pqc_status: Option<&'a str>,
    /// `rsa_below_2048`, `sha1_signature` and so on, as in `certificates`.
    pub weak_reasons: &'a [Text<'a>],
    /// Key usage bits by their RFC 5280 names; empty where the extension is absent.
    pub key_usage: &'a [Text<'a>],
    /// Extended key usages, dotted; empty where the extension is absent.
    pub eku: &'a [Text<'a>],
    /// Basic constraints say CA.
    pub is_ca: Option<bool>,
    /// Subject and issuer are the same, and so are the key identifiers.
    pub is_self_signed: Option<bool>,
    /// Extended key usage allows client authentication; `None` where the extension is absent.
    pub is_client_auth: Option<bool>,
    /// Extended key usage allows server authentication; `None` where the extension is absent.
    pub is_server_auth: Option<bool>,
    /// Extended key usage has smart-card logon; `None` where the extension is absent.
    pub is_smart_card_logon: Option<bool>,
    /// It has the security identifier extension of strong mapping (KB5014754).
    pub has_sid: bool,
    /// It has a user principal name.
    pub has_upn: bool,
    /// The RSA modulus has the shape of vulnerable Infineon keys (ROCA, CVE-2017-15361).
    pub is_roca: bool,
    /// A TPM's or YubiKey's attestation marks stand in it, verified or not.
    pub has_attestation_marks: bool,
    /// Certificate template by name (version 1 extension).
    pub template_name: Option<&'a str>,
    /// Certificate template by OID (version 2 extension).
    pub template_oid: Option<&'a str>,
}

/// What a template asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateFacts {
    /// Common name.
    pub name: Option<String>,
    /// Name for people.
    pub display_name: Option<String>,
    /// OID.
    pub oid: Option<String>,
    /// Schema version, 1 to 4.
    pub schema_version: Option<i64>,
    /// `legacy` or `key_storage_provider`.
    pub provider_category: Option<String>,
    /// Providers in the order of preference.
    pub providers: Vec<String>,
    /// True where the export can name providers and names none.
    pub any_provider: Option<bool>,
    /// Oldest certification authority, as in `templates`.
    pub ca_compatibility: Option<String>,
    /// Oldest recipient, as in `templates`.
    pub recipient_compatibility: Option<String>,
    /// Asymmetric algorithm, as the template spells it (`RSA`, `ECDH_P256`).
    pub key_algorithm: Option<String>,
    /// Where the subject comes from, as in `templates`.
    pub subject_rules: Vec<String>,
    /// What the subject alternative name has, as in `templates`.
    pub san_rules: Vec<String>,
    /// Extended key usages, dotted.
    pub eku: Vec<String>,
    /// Application policies, dotted.
    pub application_policies: Vec<String>,
    /// `none`, `preferred` or `required`.
    pub attestation: Option<String>,
    /// Keys may be exported.
    pub is_exportable: Option<bool>,
}

/// One private key as known on one client, with its joined verdict.
#[derive(Clone, Debug)]
pub struct Key<'a> {
    /// Identity of the key.
    pub key_id: [u8; 16],
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: Option<[u8; 32]>,
    /// Whether there is a key.
    pub presence: KeyPresence,
    /// Its interface.
    pub api: Verdict<KeyApi>,
    /// Where it lives.
    pub storage: Verdict<KeyStorage>,
    /// Whether it is bound to hardware.
    pub hardware_backed: Option<bool>,
    /// Some evidence says that it is in hardware, whether or not it won.
    pub claims_hardware: bool,
    /// Provider as claimed, verbatim.
    pub provider_name: Option<&'a str>,
    /// `dwProvType` as claimed.
    pub provider_type: Option<u32>,
    /// Whether it can be exported.
    pub is_exportable: Option<bool>,
    /// The key itself lies in an exported file.
    pub is_in_file: bool,
    /// The stores it was seen in: location and name.
    pub stores: &'a [(Option<StoreLocation>, Option<Text<'a>>)],
    /// Its certificates, the one that ends last first; empty where none is known.
    pub certificates: &'a [CertificateFacts<'a>],
    /// How many clients of the scan have a private key of this public key, this one counted; keys whose client is not
    /// known do not count.
    pub clients_with_key: u32,
    /// Templates of its certificates that the scan has, found by name or OID.
    pub templates: &'a [&'a TemplateFacts],
}

/// An endpoint or role that uses a certificate.
#[derive(Clone, Debug)]
pub struct Binding<'a> {
    /// What uses the certificate.
    pub kind: BindingKind,
    /// The endpoint, site or role, for people.
    pub name: Option<&'a str>,
    /// Application: a GUID in lower case, with its braces.
    pub app_id: Option<&'a str>,
    /// Role as Configuration Manager spells it.
    pub role: Option<&'a str>,
    /// Version of its Configuration Manager site, as the export has it.
    pub site_version: Option<&'a str>,
    /// Port.
    pub port: Option<u16>,
    /// SHA-1 of the certificate.
    pub sha1: Option<[u8; 20]>,
    /// The key of that certificate on the same client, where it was seen.
    pub key: Option<Bound>,
}

/// What a binding needs to know of its key.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Identity of the key.
    pub key_id: [u8; 16],
    /// Whether there is a key.
    pub presence: KeyPresence,
    /// Its interface.
    pub api: KeyApi,
    /// Where it lives.
    pub storage: KeyStorage,
    /// Whether it can be exported.
    pub is_exportable: Option<bool>,
    /// Algorithm of the key, as in `certificates`.
    pub key_algorithm: Option<String>,
    /// Bits of the key.
    pub key_size_bits: Option<i32>,
    /// Provider as claimed.
    pub provider_name: Option<String>,
}

/// A client. The keys of a client are judged one by one, its bindings and itself after them.
#[derive(Clone, Debug, Default)]
pub struct Client<'a> {
    /// Its name, lower case; `None` for what no client is known of.
    pub name: Option<&'a str>,
    /// Roles that its collection lists (census `cm_roles`).
    pub roles: &'a [&'a str],
    /// Windows version (10.0.x.y).
    pub os_version: Option<&'a str>,
    /// Update build revision.
    pub ubr: Option<u32>,
    /// Version of the Configuration Manager client.
    pub cm_client_version: Option<&'a str>,
    /// Code of its Configuration Manager site.
    pub cm_site_code: Option<&'a str>,
    /// Version of that site, where the exports of its servers agree on one.
    pub site_version: Option<&'a str>,
    /// Registry value DisableCapiOverrideForRSA, raw.
    pub calais_disable_capi_override: Option<u32>,
    /// Its bindings and roles, in order.
    pub bindings: &'a [Binding<'a>],
    /// RSA keys bound to a smart-card CSP, as the rule for keys counts them.
    pub capi_card_keys: u32,
    /// Programs that event 624 named, each once, in order.
    pub capi_programs: &'a [String],
}

/// What holds for the whole scan.
#[derive(Clone, Debug, Default)]
pub struct Scan<'a> {
    /// The date that findings compare with, microseconds since 1970-01-01 UTC (`--as-of`).
    pub as_of: Option<i64>,
    /// Version of the Configuration Manager site: `--site-version`, as typed; wins over what exports say.
    pub site_version: Option<&'a str>,
}
