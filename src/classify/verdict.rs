//! What is concluded about a key, and how sure it is. The spelling of every value is part of the report's contract.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How strong the evidence behind a verdict is, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// A verified attestation vouches.
    Attested,
    /// Windows' own key property, handle kind or implementation flag.
    Recorded,
    /// An exact provider name whose class the vendor or Microsoft documents.
    Catalogued,
    /// Any other catalogue row, prefix, path, convention, or an attestation that was not verified.
    Inferred,
}

impl Grade {
    /// The value as written to the `*_grade` columns.
    pub fn as_str(self) -> &'static str {
        match self {
            Grade::Attested => "attested",
            Grade::Recorded => "recorded",
            Grade::Catalogued => "catalogued",
            Grade::Inferred => "inferred",
        }
    }
}

/// Verdict on the interface of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyApi {
    /// CryptoAPI.
    Capi,
    /// Cryptography Next Generation.
    Cng,
    /// There is no key.
    None,
    /// Nothing decides.
    Unknown,
}

impl KeyApi {
    /// Every value.
    pub const ALL: [KeyApi; 4] = [KeyApi::Capi, KeyApi::Cng, KeyApi::None, KeyApi::Unknown];

    /// The value as written to the `key_api` column.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyApi::Capi => "capi",
            KeyApi::Cng => "cng",
            KeyApi::None => "none",
            KeyApi::Unknown => "unknown",
        }
    }
}

/// Verdict on where a key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyStorage {
    /// A file, the registry or memory of the machine.
    Software,
    /// The machine's Trusted Platform Module, of whatever make.
    Tpm,
    /// A smart card in a reader.
    SmartCard,
    /// A token in a USB port, card and reader in one.
    UsbToken,
    /// A smart card emulated by the TPM.
    VirtualSmartCard,
    /// A hardware security module, local or on the network.
    Hsm,
    /// A key service of somebody else.
    CloudKms,
    /// Isolated by virtualization-based security: no hardware of its own.
    Vbs,
    /// Hardware of a kind that nothing names.
    OtherHardware,
    /// There is no key.
    None,
    /// Nothing decides, or the evidence allows several.
    Unknown,
}

impl KeyStorage {
    /// Every value, in the order of the contract.
    pub const ALL: [KeyStorage; 11] = [
        KeyStorage::Software,
        KeyStorage::Tpm,
        KeyStorage::SmartCard,
        KeyStorage::UsbToken,
        KeyStorage::VirtualSmartCard,
        KeyStorage::Hsm,
        KeyStorage::CloudKms,
        KeyStorage::Vbs,
        KeyStorage::OtherHardware,
        KeyStorage::None,
        KeyStorage::Unknown,
    ];

    /// The value as written to the `key_storage` column.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyStorage::Software => "software",
            KeyStorage::Tpm => "tpm",
            KeyStorage::SmartCard => "smart_card",
            KeyStorage::UsbToken => "usb_token",
            KeyStorage::VirtualSmartCard => "virtual_smart_card",
            KeyStorage::Hsm => "hsm",
            KeyStorage::CloudKms => "cloud_kms",
            KeyStorage::Vbs => "vbs",
            KeyStorage::OtherHardware => "other_hardware",
            KeyStorage::None => "none",
            KeyStorage::Unknown => "unknown",
        }
    }

    /// Reads a value as [`KeyStorage::as_str`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|storage| storage.as_str() == text)
    }
}

/// Whether there is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyPresence {
    /// The key was used or tested.
    Opened,
    /// A provider claim exists.
    Declared,
    /// The claim exists, but the key was reported absent or could not be opened.
    Missing,
    /// The format reports key properties, and says there is none.
    None,
    /// The format cannot tell.
    Unknown,
}

impl KeyPresence {
    /// Every value.
    pub const ALL: [KeyPresence; 5] =
        [KeyPresence::Opened, KeyPresence::Declared, KeyPresence::Missing, KeyPresence::None, KeyPresence::Unknown];

    /// The value as written to the `key_presence` column.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyPresence::Opened => "opened",
            KeyPresence::Declared => "declared",
            KeyPresence::Missing => "missing",
            KeyPresence::None => "none",
            KeyPresence::Unknown => "unknown",
        }
    }

    /// The `has_private_key` column: a key that cannot be opened here may or may not be elsewhere.
    pub fn has_private_key(self) -> Option<bool> {
        match self {
            KeyPresence::Opened | KeyPresence::Declared => Some(true),
            KeyPresence::None => Some(false),
            KeyPresence::Missing | KeyPresence::Unknown => None,
        }
    }
}

/// One conclusion with its strength, the rule that gave it, and whether weaker evidence contradicts it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict<T> {
    /// What is concluded.
    pub value: T,
    /// How strong the evidence is; `None` for `none` and `unknown`.
    pub grade: Option<Grade>,
    /// Id of the rule in [`RULES`](super::rules::RULES) that decided; `None` where there was nothing to decide on.
    pub rule: Option<&'static str>,
    /// A weaker piece of evidence contradicts the value.
    pub conflict: bool,
}

/// Everything concluded about the key of one observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdicts {
    /// Whether there is a key.
    pub presence: KeyPresence,
    /// Its interface.
    pub api: Verdict<KeyApi>,
    /// Where it lives.
    pub storage: Verdict<KeyStorage>,
    /// Whether the key is bound to hardware; `None` where that is not known or the evidence allows both.
    pub hardware_backed: Option<bool>,
    /// `high`, `medium`, `low`: the strongest TPM attestation policy of the certificate.
    pub attestation_assurance: Option<&'static str>,
}

macro_rules! display_as_str {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

display_as_str!(Grade, KeyApi, KeyStorage, KeyPresence);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_read_back_and_unique() {
        for storage in KeyStorage::ALL {
            assert_eq!(KeyStorage::parse(storage.as_str()), Some(storage));
        }
        assert_eq!(KeyStorage::parse("smartcard"), None);
    }

    #[test]
    fn only_a_seen_or_declared_key_counts_as_a_private_key() {
        assert_eq!(KeyPresence::Opened.has_private_key(), Some(true));
        assert_eq!(KeyPresence::Declared.has_private_key(), Some(true));
        assert_eq!(KeyPresence::None.has_private_key(), Some(false));
        assert_eq!(KeyPresence::Missing.has_private_key(), None);
        assert_eq!(KeyPresence::Unknown.has_private_key(), None);
    }

    #[test]
    fn grades_order_strongest_first() {
        assert!(Grade::Attested < Grade::Recorded);
        assert!(Grade::Recorded < Grade::Catalogued);
        assert!(Grade::Catalogued < Grade::Inferred);
    }
}
