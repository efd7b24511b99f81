//! Evidence to verdicts: claims, the client's provider registry and the certificate's own marks are weighed
//! against each other, strongest first; nothing weaker ever overrides, it is reported as a conflict.

use crate::record::{Api, Claims, Provider};
use crate::x509::Facts;

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

/// Verdict on the interface of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyApi { Capi, Cng, None, Unknown }

/// Verdict on where a key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyStorage { Software, Tpm, SmartCard, UsbToken, VirtualSmartCard, Hsm, CloudKms, Vbs, OtherHardware, None, Unknown }

/// Whether there is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyPresence { Opened, Declared, Missing, None, Unknown }

/// One conclusion with its strength, the rule that gave it, and whether weaker evidence contradicts it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict<T> {
    pub value: T,
    pub grade: Option<Grade>,
    /// Id of the rule in [`rules::RULES`] that decided; `None` where there was nothing to decide on.
    pub rule: Option<&'static str>,
    pub conflict: bool,
}

/// Everything concluded about the key of one observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdicts {
    pub presence: KeyPresence,
    pub api: Verdict<KeyApi>,
    pub storage: Verdict<KeyStorage>,
    pub hardware_backed: Option<bool>,
    /// `high`, `medium`, `low`.
    pub attestation_assurance: Option<&'static str>,
}
