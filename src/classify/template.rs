//! What the flags of a certificate template mean.
//!
//! Bits and their names: [MS-CRTD] 2.4, 2.26 to 2.28; which provider category and so which API a client takes by
//! default: [MS-WCCE] 3.1.2.4.2.2.2.2. A template is policy: it says what clients do if nobody asked otherwise, never
//! where a key is.

use crate::record::{Api, Template};

/// Bits of `msPKI-Private-Key-Flag` ([MS-CRTD] 2.27).
mod private_key {
    pub const REQUIRE_ARCHIVAL: u32 = 0x1;
    pub const EXPORTABLE: u32 = 0x10;
    pub const STRONG_PROTECTION: u32 = 0x20;
    pub const USE_LEGACY_PROVIDER: u32 = 0x100;
    pub const EK_TRUST_ON_USE: u32 = 0x200;
    pub const EK_VALIDATE_CERTIFICATE: u32 = 0x400;
    pub const EK_VALIDATE_KEY: u32 = 0x800;
    pub const ATTEST_PREFERRED: u32 = 0x1000;
    pub const ATTEST_REQUIRED: u32 = 0x2000;
    pub const ATTESTATION_WITHOUT_POLICY: u32 = 0x4000;
}

/// Bits of `msPKI-Certificate-Name-Flag` ([MS-CRTD] 2.28) that say where the subject comes from, in the table's words.
const SUBJECT: [(u32, &str); 5] = [
    (0x0000_0001, "supplied_by_enrollee"),
    (0x1000_0000, "dns_as_cn"),
    (0x2000_0000, "email"),
    (0x4000_0000, "common_name"),
    (0x8000_0000, "directory_path"),
];

/// The same for the subject alternative name.
const ALTERNATIVE_NAME: [(u32, &str); 7] = [
    (0x0001_0000, "supplied_by_enrollee"),
    (0x0040_0000, "domain_dns"),
    (0x0080_0000, "spn"),
    (0x0100_0000, "guid"),
    (0x0200_0000, "upn"),
    (0x0400_0000, "email"),
    (0x0800_0000, "dns"),
];

/// Attestation is asked for.
const ATTESTED: u32 = private_key::ATTEST_PREFERRED | private_key::ATTEST_REQUIRED;

/// What the CA trusts when it checks an attestation.
const ATTESTATION_BASIS: [(u32, &str); 4] = [
    (private_key::EK_TRUST_ON_USE, "trust_on_use"),
    (private_key::EK_VALIDATE_CERTIFICATE, "endorsement_certificate"),
    (private_key::EK_VALIDATE_KEY, "endorsement_key"),
    (private_key::ATTESTATION_WITHOUT_POLICY, "without_policy"),
];

/// Which kind of provider a template asks for, as its dialog names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderCategory {
    /// Legacy cryptographic service provider.
    Legacy,
    /// Key storage provider.
    KeyStorageProvider,
}

impl ProviderCategory {
    /// The value as written to the `provider_category` column.
    pub fn as_str(self) -> &'static str {
        match self {
            ProviderCategory::Legacy => "legacy",
            ProviderCategory::KeyStorageProvider => "key_storage_provider",
        }
    }

    /// The API that clients then use by default.
    pub fn api(self) -> Api {
        match self {
            ProviderCategory::Legacy => Api::Capi,
            ProviderCategory::KeyStorageProvider => Api::Cng,
        }
    }

    /// The category that schema version and flags give; `None` where they do not say.
    pub fn of(schema_version: Option<i64>, private_key_flags: Option<u32>) -> Option<Self> {
        match (schema_version?, private_key_flags) {
            (1 | 2, _) => Some(ProviderCategory::Legacy),
            (3, _) => Some(ProviderCategory::KeyStorageProvider),
            (4, Some(flags)) if flags & private_key::USE_LEGACY_PROVIDER != 0 => Some(ProviderCategory::Legacy),
            (4, Some(_)) => Some(ProviderCategory::KeyStorageProvider),
            _ => None,
        }
    }
}

/// What a template's flags say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplatePolicy {
    /// Which kind of provider.
    pub provider_category: Option<ProviderCategory>,
    /// Oldest certification authority.
    pub ca_compatibility: Option<&'static str>,
    /// Oldest recipient.
    pub recipient_compatibility: Option<&'static str>,
    /// Keys may be exported.
    pub is_exportable: Option<bool>,
    /// The CA keeps the private key.
    pub requires_archival: Option<bool>,
    /// The user is asked at every use.
    pub is_strong_protection: Option<bool>,
    /// The flag of version 4 that asks for CryptoAPI.
    pub uses_legacy_provider: Option<bool>,
    /// `none`, `preferred` or `required`.
    pub attestation: Option<&'static str>,
    /// What the CA trusts.
    pub attestation_basis: Vec<&'static str>,
    /// Where the subject comes from.
    pub subject_rules: Vec<&'static str>,
    /// Where the subject alternative name comes from.
    pub san_rules: Vec<&'static str>,
}

/// Names of bits of the private key flags, as Certipy spells them, by letters alone.
const PRIVATE_KEY_NAMES: [(&str, u32); 10] = [
    ("requireprivatekeyarchival", private_key::REQUIRE_ARCHIVAL),
    ("exportablekey", private_key::EXPORTABLE),
    ("strongkeyprotectionrequired", private_key::STRONG_PROTECTION),
    ("uselegacyprovider", private_key::USE_LEGACY_PROVIDER),
    ("ektrustonuse", private_key::EK_TRUST_ON_USE),
    ("ekvalidatecert", private_key::EK_VALIDATE_CERTIFICATE),
    ("ekvalidatekey", private_key::EK_VALIDATE_KEY),
    ("attestpreferred", private_key::ATTEST_PREFERRED),
    ("attestrequired", private_key::ATTEST_REQUIRED),
    ("attestationwithoutpolicy", private_key::ATTESTATION_WITHOUT_POLICY),
];

/// The same of the name flags.
const NAME_NAMES: [(&str, u32); 12] = [
    ("enrolleesuppliessubject", 0x0000_0001),
    ("enrolleesuppliessubjectaltname", 0x0001_0000),
    ("subjectaltrequiredomaindns", 0x0040_0000),
    ("subjectaltrequirespn", 0x0080_0000),
    ("subjectaltrequiredirectoryguid", 0x0100_0000),
    ("subjectaltrequireupn", 0x0200_0000),
    ("subjectaltrequireemail", 0x0400_0000),
    ("subjectaltrequiredns", 0x0800_0000),
    ("subjectrequirednsascn", 0x1000_0000),
    ("subjectrequireemail", 0x2000_0000),
    ("subjectrequirecommonname", 0x4000_0000),
    ("subjectrequiredirectorypath", 0x8000_0000),
];

/// Bits that are known to be set by their names, or by their numbers among names.
fn bits(names: &[crate::record::Text<'_>], known: &[(&str, u32)]) -> u32 {
    let number = |name: &str| name.parse().ok();
    let letters = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let named = |name: &str| known.iter().find(|(word, _)| *word == letters(name)).map(|(_, bit)| *bit);
    let bit = |name: &crate::record::Text<'_>| number(name).or_else(|| named(name));
    names.iter().filter_map(bit).fold(0, |bits, bit| bits | bit)
}

impl TemplatePolicy {
    /// What this template's flags say. Where an export has names in place of the number, the names say what is set; it
    /// lists every flag that is set, but its list of names may be shorter than the flags there are, so nothing is said to
    /// be unset.
    pub fn of(template: &Template<'_>) -> Self {
        let flags = template.private_key_flags;
        let named = bits(&template.private_key_flag_names, &PRIVATE_KEY_NAMES);
        let name_flags = template.name_flags.or_else(|| {
            let bits = bits(&template.name_flag_names, &NAME_NAMES);
            (bits != 0).then_some(bits)
        });
        let has = |bit: u32| flags.map(|flags| flags & bit != 0).or((named & bit != 0).then_some(true));
        let words = |of: &[(u32, &'static str)], flags: Option<u32>| {
            let set = of.iter().filter(|(bit, _)| flags.is_some_and(|flags| flags & bit != 0));
            set.map(|(_, word)| *word).collect()
        };
        TemplatePolicy {
            provider_category: ProviderCategory::of(
                template.schema_version,
                flags.or((named & private_key::USE_LEGACY_PROVIDER != 0).then_some(named)),
            ),
            ca_compatibility: flags.and_then(ca_compatibility),
            recipient_compatibility: flags.and_then(recipient_compatibility),
            is_exportable: has(private_key::EXPORTABLE),
            requires_archival: has(private_key::REQUIRE_ARCHIVAL),
            is_strong_protection: has(private_key::STRONG_PROTECTION),
            uses_legacy_provider: has(private_key::USE_LEGACY_PROVIDER),
            attestation: flags.or((named & ATTESTED != 0).then_some(named)).map(attestation),
            attestation_basis: words(&ATTESTATION_BASIS, flags.or(Some(named))),
            subject_rules: words(&SUBJECT, name_flags),
            san_rules: words(&ALTERNATIVE_NAME, name_flags),
        }
    }
}

fn attestation(flags: u32) -> &'static str {
    match flags {
        _ if flags & private_key::ATTEST_REQUIRED != 0 => "required",
        _ if flags & private_key::ATTEST_PREFERRED != 0 => "preferred",
        _ => "none",
    }
}

fn ca_compatibility(flags: u32) -> Option<&'static str> {
    match (flags >> 16) & 0xf {
        1 => Some("windows_server_2003"),
        2 => Some("windows_server_2008"),
        3 => Some("windows_server_2008_r2"),
        4 => Some("windows_server_2012"),
        5 => Some("windows_server_2012_r2"),
        6 => Some("windows_server_2016"),
        _ => None,
    }
}

fn recipient_compatibility(flags: u32) -> Option<&'static str> {
    match (flags >> 24) & 0xf {
        1 => Some("windows_xp_server_2003"),
        2 => Some("windows_vista_server_2008"),
        3 => Some("windows_7_server_2008_r2"),
        4 => Some("windows_8_server_2012"),
        5 => Some("windows_8_1_server_2012_r2"),
        6 => Some("windows_10_server_2016"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(schema_version: i64, private_key_flags: u32, name_flags: u32) -> TemplatePolicy {
        let (schema_version, name_flags) = (Some(schema_version), Some(name_flags));
        let private_key_flags = Some(private_key_flags);
        TemplatePolicy::of(&Template { schema_version, private_key_flags, name_flags, ..Template::default() })
    }

    /// [MS-WCCE] 3.1.2.4.2.2.2.2.
    #[test]
    fn version_and_legacy_flag_give_the_provider_category() {
        use ProviderCategory::{KeyStorageProvider, Legacy};
        let category = |version, flags| ProviderCategory::of(version, flags);
        assert_eq!(category(Some(1), Some(0)), Some(Legacy));
        assert_eq!(category(Some(2), Some(0x0101_0000)), Some(Legacy));
        assert_eq!(category(Some(3), None), Some(KeyStorageProvider));
        assert_eq!(category(Some(4), Some(0x0503_0110)), Some(Legacy));
        assert_eq!(category(Some(4), Some(0x0606_0000)), Some(KeyStorageProvider));
        assert_eq!(category(Some(4), None), None, "the flag decides, and is not said");
        assert_eq!(category(None, Some(0x100)), None);
        assert_eq!(category(Some(5), Some(0)), None, "no such version is defined");
    }

    #[test]
    fn flags_are_told_in_words() {
        let p = policy(4, 0x0606_2810, 0xa200_0000);
        assert_eq!((p.attestation, p.attestation_basis), (Some("required"), vec!["endorsement_key"]));
        assert_eq!(p.ca_compatibility, Some("windows_server_2016"));
        assert_eq!(p.recipient_compatibility, Some("windows_10_server_2016"));
        assert_eq!((p.is_exportable, p.requires_archival), (Some(true), Some(false)));
        assert_eq!((p.subject_rules, p.san_rules), (vec!["email", "directory_path"], vec!["upn"]));
        let names = ["ExportableKey", "8192", "16777216"].map(Into::into).to_vec();
        let p = TemplatePolicy::of(&Template {
            schema_version: Some(4),
            private_key_flag_names: names,
            name_flag_names: vec!["SubjectAltRequireUpn".into(), "2147483648".into()],
            ..Template::default()
        });
        assert_eq!((p.is_exportable, p.attestation, p.requires_archival), (Some(true), Some("required"), None));
        assert_eq!((p.provider_category, p.ca_compatibility), (None, None), "names may leave bits out");
        assert_eq!((p.subject_rules, p.san_rules), (vec!["directory_path"], vec!["upn"]));
        assert_eq!(TemplatePolicy::of(&Template::default()), TemplatePolicy::default(), "nothing said, nothing known");
    }
}
