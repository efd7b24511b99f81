//! A piece of evidence: one claim or fact, what it says, and what became of it.

use std::borrow::Cow;
use std::fmt;

use crate::record::Api;

use super::classes::Classes;
use super::rules::RuleId;
use super::verdict::{Grade, KeyStorage};

/// The verdict a piece of evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// `key_api`.
    Api,
    /// `key_storage`.
    Storage,
}

/// Which claim or fact a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The export's own word that there is no key.
    KeyReport,
    /// Provider type of the key property.
    ProviderType,
    /// Key spec of the handle that opened the key.
    AcquiredHandle,
    /// Interface that listed the key.
    EnumeratedApi,
    /// Property 78.
    NcryptKeyHandle,
    /// Entry of the client's provider registry.
    ProviderRegistry,
    /// Provider name.
    ProviderName,
    /// Path of the key file, or the provider's unique name of the key.
    KeyPath,
    /// Container name.
    KeyContainer,
    /// `dwKeySpec`: shown, never used.
    KeySpec,
    /// The key lies in the file that speaks of it.
    InFile,
    /// CNG property `Virtual Iso`.
    VirtualIso,
    /// Property 118.
    IsolatedKey,
    /// Implementation flags of the key.
    ImplFlags,
    /// Smart card reader.
    Reader,
    /// TPM attestation policies of the certificate.
    AttestationPolicy,
    /// The collector's word on TPM attestation.
    PcpAttestation,
    /// The certificate attests a YubiKey slot.
    YubikeyAttestation,
    /// Implementation flags of the provider.
    ProviderImplFlags,
    /// `HardwareDevice` as .NET asked the CSP for it.
    HardwareDevice,
    /// Provider that an enrolment of this public key declares.
    DeclaredProvider,
    /// Marks of attestation in an enrolment of this public key.
    DeclaredAttestation,
    /// Provider named in an exported file with a key of this public key.
    ExportedName,
    /// Provider category of a template.
    TemplateCategory,
    /// An attestation that was verified.
    VerifiedAttestation,
}

impl Kind {
    /// The value as written to columns.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::KeyReport => "key_report",
            Kind::ProviderType => "provider_type",
            Kind::AcquiredHandle => "acquired_handle",
            Kind::EnumeratedApi => "enumerated_api",
            Kind::NcryptKeyHandle => "ncrypt_key_handle",
            Kind::ProviderRegistry => "provider_registry",
            Kind::ProviderName => "provider_name",
            Kind::KeyPath => "key_path",
            Kind::KeyContainer => "key_container",
            Kind::KeySpec => "key_spec",
            Kind::InFile => "in_file",
            Kind::VirtualIso => "virtual_iso",
            Kind::IsolatedKey => "isolated_key",
            Kind::ImplFlags => "impl_flags",
            Kind::Reader => "reader",
            Kind::AttestationPolicy => "attestation_policy",
            Kind::PcpAttestation => "pcp_attestation",
            Kind::YubikeyAttestation => "yubikey_attestation",
            Kind::ProviderImplFlags => "provider_impl_flags",
            Kind::HardwareDevice => "hardware_device",
            Kind::DeclaredProvider => "declared_provider",
            Kind::DeclaredAttestation => "declared_attestation",
            Kind::ExportedName => "exported_name",
            Kind::TemplateCategory => "template_category",
            Kind::VerifiedAttestation => "verified_attestation",
        }
    }
}

/// What became of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It decided the verdict.
    Won,
    /// Weaker, and compatible with the verdict; it may have made it more precise.
    Agreed,
    /// Weaker, and incompatible with the verdict: the reason of a conflict.
    Contradicted,
    /// It says nothing, or nothing that can disagree.
    Silent,
}

impl Outcome {
    /// The value as written to columns.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Won => "won",
            Outcome::Agreed => "agreed",
            Outcome::Contradicted => "contradicted",
            Outcome::Silent => "silent",
        }
    }
}

/// What a piece of evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Nothing on this subject.
    Nothing,
    /// There is no key.
    NoKey,
    /// The interface.
    Api(Api),
    /// The class of storage.
    Storage {
        /// The class it stands for.
        value: KeyStorage,
        /// Every class it leaves possible.
        set: Classes,
        /// `value` merely stands for the set: weaker evidence may choose another member.
        is_open: bool,
    },
}

impl Says {
    /// Exactly this class.
    pub(super) fn only(value: KeyStorage) -> Says {
        Says::Storage { value, set: Classes::of(&[value]), is_open: false }
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Says::Nothing => f.write_str("nothing"),
            Says::NoKey => f.write_str("none"),
            Says::Api(api) => f.write_str(api.as_str()),
            Says::Storage { value, set, .. } if set.single().is_some() => f.write_str(value.as_str()),
            Says::Storage { value, set, .. } => write!(f, "{value} ({set})"),
        }
    }
}

/// A piece of evidence about one verdict, for people and for the table `evidence`.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece<'a> {
    /// Which verdict it is about.
    pub subject: Subject,
    /// Which claim or fact it is.
    pub kind: Kind,
    /// Rule by which it is read; `None` for what never decides.
    pub rule: Option<&'static str>,
    /// Strength among the evidence on its subject, 1 the strongest.
    pub rank: Option<u8>,
    /// What it says.
    pub says: Says,
    /// The claim, verbatim.
    pub value: Cow<'a, str>,
    /// What became of it.
    pub outcome: Outcome,
}

/// A piece of evidence before it is told to anybody: no text, so that judging a record costs no allocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) kind: Kind,
    pub(super) rule: Option<RuleId>,
    pub(super) says: Says,
    pub(super) grade: Grade,
    /// An NCrypt handle, which Windows also makes for CryptoAPI keys.
    pub(super) is_bridgeable: bool,
    pub(super) outcome: Outcome,
}

impl Fact {
    pub(super) fn new(kind: Kind, rule: RuleId, says: Says, grade: Grade) -> Fact {
        Fact { kind, rule: Some(rule), says, grade, is_bridgeable: false, outcome: Outcome::Silent }
    }

    /// A claim that is shown and never decides.
    pub(super) fn mute(kind: Kind) -> Fact {
        let says = Says::Nothing;
        Fact { kind, rule: None, says, grade: Grade::Inferred, is_bridgeable: false, outcome: Outcome::Silent }
    }

    pub(super) fn bridgeable(mut self) -> Fact {
        self.is_bridgeable = true;
        self
    }
}

/// Most facts there can be on one subject; more than there are kinds.
const MAX_FACTS: usize = 20;

/// The facts on one subject, strongest first, without a heap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    facts: [Fact; MAX_FACTS],
    len: usize,
}

impl Facts {
    pub(super) fn new() -> Facts {
        Facts { facts: [Fact::mute(Kind::KeyReport); MAX_FACTS], len: 0 }
    }

    pub(super) fn push(&mut self, fact: Fact) {
        debug_assert!(self.len < MAX_FACTS, "a subject has more facts than there is room for");
        if let Some(slot) = self.facts.get_mut(self.len) {
            *slot = fact;
            self.len += 1;
        }
    }

    pub(super) fn all(&self) -> &[Fact] {
        self.facts.get(..self.len).unwrap_or_default()
    }

    pub(super) fn all_mut(&mut self) -> &mut [Fact] {
        self.facts.get_mut(..self.len).unwrap_or_default()
    }
}
