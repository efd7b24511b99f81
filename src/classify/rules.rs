//! Every rule that can decide a verdict, as data: `certcensus explain RULE` prints them, and the column dictionary
//! and the documentation come from the same list.
//!
//! A rule is one kind of evidence. Its rank says how strong it is against the others, 1 being the strongest; the
//! code that finds the evidence stands in `api` and `storage`. To add a rule: an entry here, the code that pushes
//! it, and a line in the golden table of the tests.

use super::verdict::Grade;

/// One kind of evidence that can decide a verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The value in `key_api_rule` and `key_storage_rule`, lower_snake.
    pub id: &'static str,
    /// What the rule is called.
    pub title: &'static str,
    /// Place among the evidence on the interface, 1 the strongest; `None` if it says nothing of it.
    pub api_rank: Option<u8>,
    /// Place among the evidence on storage. 1 is kept for verified attestations.
    pub storage_rank: Option<u8>,
    /// The grades a verdict by this rule can have; empty where there is no key to grade.
    pub grades: &'static [Grade],
    /// What is read, what it means, and where it stops.
    pub text: &'static str,
    /// Where the meaning is defined.
    pub source: &'static str,
}

macro_rules! rules {
    ($($name:ident = $id:literal, api $api:expr, storage $storage:expr, $grades:expr, $title:literal, $text:literal, $source:literal;)+) => {
        /// The rules by name, for the code that applies them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum RuleId { $($name,)+ }

        impl RuleId {
            pub(super) fn id(self) -> &'static str {
                match self { $(RuleId::$name => $id,)+ }
            }

            pub(super) fn api_rank(self) -> Option<u8> {
                match self { $(RuleId::$name => $api,)+ }
            }

            pub(super) fn storage_rank(self) -> Option<u8> {
                match self { $(RuleId::$name => $storage,)+ }
            }
        }

        /// Every rule, strongest first, those on the interface before those on storage.
        pub const RULES: &[Rule] = &[$(Rule {
            id: $id, title: $title, api_rank: $api, storage_rank: $storage, grades: &$grades, text: $text, source: $source,
        },)+];
    };
}

use Grade::{Attested, Catalogued, Inferred, Recorded};

rules! {
    NoKey = "no_key", api None, storage None, [],
        "No private key",
        "The export reports key properties, and for this certificate it reports none. Interface and storage are \
         `none`; there is nothing to grade.",
        "CERT_KEY_PROV_INFO_PROP_ID (wincrypt.h) is absent, or the export denies a private key";
    ProviderType = "provider_type", api Some(1), storage None, [Recorded],
        "Provider type of the key's own property",
        "The type in the key property next to a provider name: 0 is CNG, every other number is a CryptoAPI provider \
         type. Without a provider name the structure may simply be zeroed, and says nothing.",
        "CRYPT_KEY_PROV_INFO.dwProvType (wincrypt.h)";
    AcquiredHandle = "acquired_handle", api Some(2), storage None, [Recorded],
        "Kind of the handle that opened the key",
        "The collector opened the key. Key spec 0xFFFFFFFF is an NCrypt handle, 1 and 2 are CryptoAPI handles. Windows \
         hands out NCrypt handles for CryptoAPI keys too, so an NCrypt handle never contradicts stronger evidence for \
         CryptoAPI, and does not outrank a CryptoAPI statement of its own rank.",
        "CryptAcquireCertificatePrivateKey, CERT_NCRYPT_KEY_SPEC (wincrypt.h)";
    EnumeratedApi = "enumerated_api", api Some(2), storage None, [Recorded],
        "Interface that listed the key",
        "The collector met the key while listing the containers of one interface.",
        "NCryptEnumKeys; CryptGetProvParam with PP_ENUMCONTAINERS";
    NcryptKeyHandle = "ncrypt_key_handle", api Some(2), storage None, [Recorded],
        "The certificate context holds an NCrypt handle",
        "The context carries an open NCrypt key handle. As with an acquired handle, it may be a bridge to a CryptoAPI key.",
        "CERT_NCRYPT_KEY_HANDLE_PROP_ID, 78 (wincrypt.h)";
    ProviderRegistry = "provider_registry", api Some(3), storage None, [Recorded],
        "The client's own list of providers",
        "The provider name is registered on this client under one interface only. A name registered under both says nothing.",
        "NCryptEnumStorageProviders and CryptEnumProviders on the client";
    ExactName = "exact_name", api Some(4), storage None, [Catalogued, Inferred],
        "Provider name, exact",
        "The catalogue has the whole provider name. The grade is `catalogued` where vendor or Microsoft document the \
         provider, else `inferred`.",
        "provider catalogue; the row names its source";
    KeyPath = "key_path", api Some(5), storage Some(5), [Inferred],
        "Path of the key file",
        "Windows keeps key files in folders of their own: Crypto\\RSA and Crypto\\DSS for CryptoAPI software keys, \
         Crypto\\Keys and Crypto\\SystemKeys for CNG software keys, Crypto\\PCPKSP for TPM keys.",
        "Microsoft, key storage and retrieval (CNG); microsoft/TSS.MSR PCPTool for PCPKSP";
    NamePrefix = "name_prefix", api Some(6), storage None, [Inferred],
        "Provider name, beginning",
        "The catalogue has a brand's usual beginning of provider names. A brand's CSP row says nothing of the interface of a \
         name that calls itself a key storage provider.",
        "provider catalogue; the row names its source";
    NameContains = "name_contains", api Some(7), storage None, [Inferred],
        "Provider name, naming convention",
        "The name contains, as whole words, `Key Storage Provider`, `KSP`, `CSP`, `Cryptographic Service Provider` or \
         `Cryptographic Provider`. Says nothing of storage.",
        "naming convention of all known providers";
    CaDeclared = "ca_declared", api Some(8), storage Some(9), [Inferred],
        "Provider that the CA's database names",
        "The CA wrote down the provider that the client named when it asked for a certificate of this public key. The CA does \
         not check it, and the key may have moved since.",
        "szOID_ENROLLMENT_CSP_PROVIDER, [MS-WCCE] 2.2.2.7.2";
    RequestDeclared = "request_declared", api Some(9), storage Some(11), [Inferred],
        "Provider that a request names",
        "A request file for this public key names the provider that made the key. It says where the key was then.",
        "szOID_ENROLLMENT_CSP_PROVIDER, [MS-WCCE] 2.2.2.7.2";
    ExportedName = "exported_name", api Some(10), storage None, [Inferred],
        "Provider that an exported file names",
        "A PKCS#12 file that holds a key of this public key names the provider that held it when the file was written. It says \
         which interface the key was used through, and nothing of where the key is here.",
        "szOID_LOCAL_MACHINE_KEYSET and the Microsoft CSP name attribute 1.3.6.1.4.1.311.17.1 (wincrypt.h)";
    TemplateDefault = "template_default", api Some(11), storage None, [Inferred],
        "Provider category of the certificate's template",
        "The template in the certificate asks for providers of one category. A template is policy for those who enrol today, \
         and says nothing of where this key is.",
        "[MS-CRTD] 2.23 and 2.27; [MS-WCCE] 3.1.2.4.2.2.2.2";
    AttestationVerified = "attestation_verified", api None, storage Some(1), [Attested],
        "Verified attestation",
        "The certificate's signature was verified against an issuer that the user listed as one that attests keys, and the \
         certificate says that the key is in a TPM; or a YubiKey's chain was verified up to a listed root, and it attests this \
         very public key.",
        "[MS-WCCE] 3.2.2.6.2.1.4.5.7; Yubico PIV attestation";
    ExportedKey = "exported_key", api None, storage Some(2), [Recorded],
        "The key lies in the file",
        "The export holds the private key itself, as a PKCS#12 file does. Whatever held it before, it left: a key in a file \
         is software. A provider named beside it says where the key was, and one that stands for hardware is a conflict.",
        "RFC 7292 section 4.2.1 and 4.2.2 (keyBag, pkcs8ShroudedKeyBag)";
    VbsKeyFlag = "vbs_key_flag", api None, storage Some(2), [Recorded],
        "The key is isolated by virtualization-based security",
        "The key itself carries the mark of a VBS key: the property Virtual Iso, the isolated-key property, or NCrypt \
         implementation flag 0x20. Its provider is the software provider, but the key is no plain file.",
        "NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG (ncrypt.h); CERT_ISOLATED_KEY_PROP_ID, 118 (wincrypt.h)";
    MicrosoftProvider = "microsoft_provider", api None, storage Some(3), [Catalogued],
        "Provider whose class Microsoft documents",
        "The exact name of one of Microsoft's software providers or of its TPM provider. Their class is a matter of the \
         product, so a contrary implementation flag is reported as a conflict.",
        "Microsoft, CNG key storage providers; Microsoft, cryptographic provider names";
    KeyImplFlag = "key_impl_flag", api None, storage Some(4), [Recorded, Inferred],
        "Implementation flag of the key",
        "SOFTWARE is `software`. HARDWARE is the catalogue's class of the provider where that is a kind of hardware, else \
         `other_hardware`; providers set this flag themselves, so the grade is `recorded` only together with a documented \
         provider name. Mixed, unknown and absent say nothing. NCrypt and CryptoAPI number the flags differently; where the \
         numbering is not known, only values that mean the same in both count.",
        "NCRYPT_IMPL_TYPE_PROPERTY (ncrypt.h); PP_IMPTYPE (wincrypt.h)";
    ReaderName = "reader_name", api None, storage Some(5), [Inferred],
        "Smart card reader that holds the key",
        "`Microsoft Virtual Smart Card` is a TPM virtual smart card, a YubiKey is a USB token, any other reader holds a card \
         or is a token with a card chip.",
        "CERT_SMART_CARD_READER_PROP_ID, 101 (wincrypt.h); NCRYPT_READER_PROPERTY (ncrypt.h)";
    KeyCarrier = "key_carrier", api None, storage Some(5), [Inferred],
        "Carrier at the start of the container name",
        "A container name of the form \\\\.\\CARRIER\\NAME. HDIMAGE, REGISTRY, FAT12 and FLASH are files or the registry, \
         HSM is CryptoPro's network HSM, anything else is a reader.",
        "CryptAcquireContext, names of smart card containers (wincrypt.h); CryptoPro CSP carriers";
    CatalogueClass = "catalogue_class", api None, storage Some(6), [Catalogued, Inferred],
        "The catalogue's class of the provider",
        "The class that the provider's name stands for. The grade is `catalogued` for an exact, documented name, else \
         `inferred`. Naming conventions and rows of unknown class say nothing.",
        "provider catalogue; the row names its source";
    AttestationUnverified = "attestation_unverified", api None, storage Some(7), [Inferred],
        "Attestation marks that were not verified",
        "A TPM attestation policy on an end-entity certificate, a collector's word on TPM attestation, or a YubiKey slot \
         attestation certificate. Whoever issued the certificate could write the same marks, so without a verified issuer \
         they only suggest.",
        "[MS-WCCE] 3.2.2.6.2.1.4.5.7; Yubico PIV attestation";
    ProviderImplFlag = "provider_impl_flag", api None, storage Some(8), [Inferred],
        "Implementation flag of the provider",
        "The client's registry gives the provider, not this key, an implementation flag. SOFTWARE is `software`, HARDWARE is \
         `other_hardware`; entries that disagree say nothing.",
        "NCRYPT_IMPL_TYPE_PROPERTY (ncrypt.h) and PP_IMPTYPE (wincrypt.h) of the provider handle";
    HardwareDevice = "hardware_device", api None, storage Some(8), [Inferred],
        "The CSP calls itself a hardware device",
        "PowerShell's `HardwareDevice` is true: .NET asked the CSP, not this key, for its implementation flags and found the bit \
         of HARDWARE. The bit is set in MIXED as well, so `hardware_backed` stays empty, and where the catalogue knows that \
         the name may stand for software the word says nothing. False says nothing either, and so does the word beside a key \
         of CNG or without a provider.",
        "CspKeyContainerInfo.HardwareDevice (.NET); PP_IMPTYPE, CRYPT_IMPL_HARDWARE and CRYPT_IMPL_MIXED (wincrypt.h)";
    CaAttestation = "ca_attestation", api None, storage Some(10), [Inferred],
        "Attestation that the CA's database or a request records",
        "The enrolment of this public key carried marks of a TPM or YubiKey attestation. Whether the CA checked them, and how, \
         is not in the record.",
        "[MS-WCCE] 2.2.2.7.12 and 3.2.2.6.2.1.2.5; columns EndorsementKeyHash and AttestationChallenge of the CA's database";
}

/// The rule of this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_lower_snake_and_found() {
        for (at, rule) in RULES.iter().enumerate() {
            assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", rule.id);
            assert!(RULES.iter().skip(at + 1).all(|other| other.id != rule.id), "{}", rule.id);
            assert_eq!(find(rule.id), Some(rule));
            assert!(!rule.title.is_empty() && !rule.text.is_empty() && !rule.source.is_empty(), "{}", rule.id);
        }
        assert_eq!(find("no_such_rule"), None);
    }

    #[test]
    fn only_verified_attestation_attests_and_it_is_the_strongest() {
        for rule in RULES {
            let is_verified = rule.id == "attestation_verified";
            assert_eq!(rule.storage_rank == Some(1), is_verified, "{}", rule.id);
            assert_eq!(rule.grades.contains(&Grade::Attested), is_verified, "{}", rule.id);
        }
    }
}
