//! Rules about the use of keys, as data: what they are called, why they matter, what to do, and their source.
//!
//! A rule is one entry of [`RULES`] and one function. What a rule finds becomes rows of `findings`.

pub mod facts;

use crate::record::{PrivateKey, PrivateKeyKind};

/// How bad a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// Worth knowing.
    Low,
    /// To be planned.
    Medium,
    /// To be done soon.
    High,
    /// To be done now.
    Critical,
}

impl Severity {
    /// The value as written to the `severity` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// The outcome of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does not work, or is not allowed.
    Blocks,
    /// It works, and should not stay so.
    Warns,
}

impl Status {
    /// The value as written to the `status` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Blocks => "blocks",
            Status::Warns => "warns",
        }
    }
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The value in `findings.rule`, lower_snake.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about a hit.
    pub what_to_do: &'static str,
    /// How bad a hit is at most.
    pub severity: Severity,
    /// Where the rule is defined.
    pub source: &'static str,
}

/// A private key stands in an export.
pub static PRIVATE_KEY_IN_EXPORT: Rule = Rule {
    id: "private_key_in_export",
    title: "A private key lies in an export",
    why: "Whoever can read the file, or any copy of it, can use the key; hardware protects a key only while it never \
          leaves it.",
    what_to_do: "Find out whose key it is (by its public key, where it is known), replace it, and delete the copies.",
    severity: Severity::Critical,
    source: "NIST SP 800-57 Part 1 Revision 5, section 6.1 (private keys need confidentiality protection)",
};

/// A program still uses CryptoAPI for the RSA key of a smart card.
pub static CAPI_SMART_CARD_USE: Rule = Rule {
    id: "capi_smart_card_use",
    title: "A program uses CryptoAPI for the RSA key of a smart card",
    why: "Since October 2025 Windows binds RSA certificates of smart cards to the key storage provider; the registry value \
          that brings the old way back is not read any more from February 2027 on, and the program then fails.",
    what_to_do: "Update the program, or ask its vendor for one that uses CNG, before February 2027.",
    severity: Severity::High,
    source: "Microsoft KB5073121 (CVE-2024-30098); System log, Smart Card Service, event 624",
};

/// Every rule.
pub static RULES: &[&Rule] = &[&PRIVATE_KEY_IN_EXPORT, &CAPI_SMART_CARD_USE];

impl Rule {
    /// How bad it is that this key was met: one behind a password less so.
    pub fn severity_of(&self, key: &PrivateKey<'_>) -> Severity {
        if key.is_encrypted { Severity::Medium } else { self.severity }
    }

    /// What to tell of this key.
    pub fn message_of(&self, key: &PrivateKey<'_>) -> String {
        let what = match key.kind {
            PrivateKeyKind::Pkcs8 | PrivateKeyKind::EncryptedPkcs8 => "a PKCS#8 private key",
            PrivateKeyKind::Pkcs1 => "an RSA private key (PKCS#1)",
            PrivateKeyKind::Sec1 => "an EC private key (SEC 1)",
            PrivateKeyKind::Dsa => "a DSA private key",
            PrivateKeyKind::Pvk => "a PVK private key",
            PrivateKeyKind::OpenSsh => "an OpenSSH private key",
            PrivateKeyKind::Pkcs12KeyBag => "a private key in a PKCS#12 file",
            PrivateKeyKind::Other => "a private key",
        };
        let guard = if key.is_encrypted { "behind a password" } else { "without a password" };
        format!("{what} lies in the export {guard}")
    }
}

/// The rule of this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}
