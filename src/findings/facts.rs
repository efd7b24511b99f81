//! What rules look at: keys, bindings, templates and clients with everything the scan knows of them, as plain values.
//! Where they come from is no matter of rules. Every `None` means "not known".

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

use super::SiteVersion;
use crate::classify::{KeyApi, KeyPresence, KeyStorage, Verdict};
use crate::hex;
use crate::record::{Api, BindingKind, StoreLocation, Text};

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
    /// It is for machines, not for users (CT_FLAG_MACHINE_TYPE of its general flags, certca.h).
    pub is_machine: Option<bool>,
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
    /// Algorithm as its provider says it, where no certificate tells it; spelt as in `certificates`.
    pub key_algorithm: Option<&'a str>,
    /// Bits of the key as its provider says it, where no certificate tells it.
    pub key_size_bits: Option<u32>,
    /// Whether it can be exported.
    pub is_exportable: Option<bool>,
    /// The key itself lies in an exported file.
    pub is_in_file: bool,
    /// It is said to be the machine's (`CRYPT_MACHINE_KEYSET`, or the key's own flags).
    pub is_machine: bool,
    /// The stores it was seen in: location and name.
    pub stores: &'a [(Option<StoreLocation>, Option<Text<'a>>)],
    /// Its certificates, the one that ends last first; empty where none is known.
    pub certificates: &'a [CertificateFacts<'a>],
    /// How many clients of the scan have a private key of this public key, this one counted; keys that are missing, and those
    /// whose client is not known, do not count.
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
    /// Version of its Configuration Manager site: as its own record has it, else as exports of that site do.
    pub site_version: Option<SiteVersion>,
    /// Port.
    pub port: Option<u16>,
    /// SHA-1 of the certificate.
    pub sha1: Option<[u8; 20]>,
    /// The key of that certificate on the same client, where it was seen.
    pub key: Option<Bound>,
}

/// What a binding needs to know of its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bound {
    /// Identity of the key; `None` where several keys have the certificate, and differ ([`choose`]).
    pub key_id: Option<[u8; 16]>,
    /// It is the machine's key, not a user's.
    pub is_machine: bool,
    /// Whether there is a key.
    pub presence: KeyPresence,
    /// Its interface.
    pub api: KeyApi,
    /// Where it lives.
    pub storage: KeyStorage,
    /// `dwKeySpec`, where all records agree on it: 1 is AT_KEYEXCHANGE, 2 is AT_SIGNATURE (wincrypt.h), others are not kept.
    pub key_spec: Option<u32>,
    /// Bits of the key.
    pub key_size_bits: Option<i32>,
    /// Why it is not known which key it is.
    pub doubt: Option<String>,
}

impl Bound {
    /// What bindings are judged by.
    fn nature(&self) -> (KeyApi, KeyStorage, Option<u32>) {
        (self.api, self.storage, self.key_spec)
    }

    /// Another key that says the same to every rule.
    pub fn is_like(&self, other: &Bound) -> bool {
        let all = |bound: &Bound| (bound.is_machine, bound.presence, bound.key_size_bits);
        all(self) == all(other) && self.nature() == other.nature()
    }
}

impl Binding<'_> {
    /// Interface of its key, or why that is not known.
    pub fn api(&self) -> Result<Api, &str> {
        let Some(key) = &self.key else { return Err("the key was not seen") };
        match (&key.doubt, key.presence, key.api) {
            (Some(doubt), ..) => Err(doubt),
            (None, KeyPresence::Missing, _) => Err("the key is declared, and is not there or could not be opened"),
            (None, _, KeyApi::Capi) => Ok(Api::Capi),
            (None, _, KeyApi::Cng) => Ok(Api::Cng),
            (None, _, KeyApi::None | KeyApi::Unknown) => Err("the interface of the key is not known"),
        }
    }
}

/// Which of the keys of its certificate a binding uses. Endpoints, sites and roles use the machine's; SQL Server may use its
/// account's. A key that is there comes before one that is missing. Of those that are left and differ, nobody knows.
pub fn choose(kind: BindingKind, keys: &[Bound]) -> Option<Bound> {
    let mut left: Vec<&Bound> = keys.iter().collect();
    let mut prefer = |is_better: &dyn Fn(&Bound) -> bool| {
        if left.iter().any(|key| is_better(key)) {
            left.retain(|key| is_better(key));
        }
    };
    if kind != BindingKind::SqlServer {
        prefer(&|key| key.is_machine);
    }
    prefer(&|key| matches!(key.presence, KeyPresence::Opened | KeyPresence::Declared));
    left.sort_by_key(|key| key.key_id);
    let first = *left.first()?;
    let other = left.iter().find(|key| key.nature() != first.nature());
    let Some(other) = other else { return Some(first.clone()) };
    let name = |key: &Bound| {
        let id = key.key_id.map(|id| hex::text(&id)).unwrap_or_default();
        let spec = key.key_spec.map(|spec| format!(", KeySpec {spec}")).unwrap_or_default();
        format!("{id} ({}, {}{spec})", key.api.as_str(), key.storage.as_str())
    };
    let doubt = format!("several keys have its certificate, and differ: {} and {}", name(first), name(other));
    let (api, storage) = (KeyApi::Unknown, KeyStorage::Unknown);
    Some(Bound { key_id: None, api, storage, key_spec: None, key_size_bits: None, doubt: Some(doubt), ..first.clone() })
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
    pub site_version: Option<SiteVersion>,
    /// Registry value DisableCapiOverrideForRSA, raw.
    pub calais_disable_capi_override: Option<u32>,
    /// That value was looked for, and is not there.
    pub calais_is_absent: bool,
    /// Its bindings and roles, in order.
    pub bindings: &'a [Binding<'a>],
    /// RSA keys bound to a smart-card CSP, as the rule for keys counts them.
    pub capi_card_keys: u32,
    /// Programs that event 624 named, each once, in order.
    pub capi_programs: &'a [String],
    /// What all bindings say together, worked out once.
    pub of_bindings: OnceCell<OfBindings>,
}

/// What the bindings of a client say together.
#[derive(Clone, Copy, Debug)]
pub struct OfBindings {
    /// Version of the Configuration Manager site: the outer `None` where none says one, the inner where they disagree.
    pub site_version: Option<Option<SiteVersion>>,
    /// Configuration Manager has a role or a client there.
    pub has_configmgr: bool,
    /// The client of Configuration Manager says which certificate it uses.
    pub names_client_certificate: bool,
}

impl Client<'_> {
    /// What its bindings say together.
    pub fn of_bindings(&self) -> OfBindings {
        *self.of_bindings.get_or_init(|| {
            let mut versions = self.bindings.iter().filter_map(|b| b.site_version);
            let first = versions.next();
            OfBindings {
                site_version: first.map(|first| versions.all(|version| version == first).then_some(first)),
                has_configmgr: self
                    .bindings
                    .iter()
                    .any(|b| matches!(b.kind, BindingKind::CmClient | BindingKind::CmRole)),
                names_client_certificate: self
                    .bindings
                    .iter()
                    .any(|b| b.kind == BindingKind::CmClient && b.sha1.is_some()),
            }
        })
    }
}

/// What holds for the whole scan.
#[derive(Clone, Debug, Default)]
pub struct Scan<'a> {
    /// The date that findings compare with, microseconds since 1970-01-01 UTC (`--as-of`).
    pub as_of: Option<i64>,
    /// Version of the Configuration Manager site: `--site-version`, as typed; wins over what exports say.
    pub site_version: Option<&'a str>,
    /// The version that all sites of the scan have, as far as exports say.
    pub common_version: Option<SiteVersion>,
}
