//! Rules about the use of keys, as data: what they are called, why they matter, what to do, and their source.
//!
//! A rule is one entry of [`RULES`] and one function. What a rule finds becomes rows of `findings`: one for a rule, a
//! client and what the rule concerns. Rules of hygiene speak on hits alone; rules of products also say `ok`,
//! `not_listed` and `unknown`, but only where a role, a binding or client authentication makes them apply. So that the
//! rows stay fewer than one and a half for each private key, a key that no rule has anything against gets one row at
//! most, and that only if it is a client's certificate; one of which hardware is claimed and not proved, one more.
//!
//! To add a rule: its entry and function in the file of its subject, a place in [`RULES`], and tests that it fires and
//! stays silent. `certcensus explain` and [`page()`] read the same list.

mod configmgr;
pub mod facts;
mod hygiene;
mod page;
mod products;
mod smart_card;
pub mod table;
mod template;
#[cfg(test)]
mod tests;
pub mod version;

use std::borrow::Cow;
use std::sync::Arc;

use facts::{CertificateFacts, Client, Key, Scan, TemplateFacts};
pub use page::{page, statements};
pub use smart_card::is_capi_card_key;
pub use version::SiteVersion;

use crate::classify::KeyPresence;
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
    /// It works, and should not stay so; or it works in part.
    Warns,
    /// It works.
    Ok,
    /// The documents say neither.
    NotListed,
    /// What would decide is not known.
    Unknown,
}

impl Status {
    /// The value as written to the `status` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Blocks => "blocks",
            Status::Warns => "warns",
            Status::Ok => "ok",
            Status::NotListed => "not_listed",
            Status::Unknown => "unknown",
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
    /// Product whose rule it is; `None` for hygiene.
    pub product: Option<&'static str>,
    /// Versions of the product for which it says something.
    pub versions: Option<&'static str>,
    /// Where the rule is defined.
    pub source: &'static str,
    /// What it looks at, and how.
    pub applies: Applies,
}

/// What a rule looks at, and the function that does.
#[derive(Clone, Copy, Debug)]
pub enum Applies {
    /// Found while an export is read.
    AtOnce,
    /// A private key of a client.
    Key(fn(&Key<'_>, &Client<'_>, &Context<'_>) -> Option<Outcome>),
    /// A private key of a client; and the client, where what its bindings name is not among its keys.
    KeyOfClient(
        fn(&Key<'_>, &Client<'_>, &Context<'_>) -> Option<Outcome>,
        fn(&Client<'_>, &Context<'_>, &mut Vec<Outcome>),
    ),
    /// A client with its bindings and roles.
    Client(fn(&Client<'_>, &Context<'_>, &mut Vec<Outcome>)),
    /// A certificate template.
    Template(fn(&TemplateFacts, &Context<'_>) -> Option<Outcome>),
    /// Nothing in an export tells whether it applies: its statements are there to be looked up.
    LookUp,
}

impl Applies {
    /// What is judged, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Applies::AtOnce => "what an export holds, as it is read",
            Applies::Key(_) | Applies::KeyOfClient(..) => "each private key",
            Applies::Client(_) => "each client with its bindings and roles",
            Applies::Template(_) => "each certificate template",
            Applies::LookUp => "nothing: no export tells where it applies",
        }
    }
}

/// What a rule says of what it concerns.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rule.
    pub rule: &'static Rule,
    /// How it ends.
    pub status: Status,
    /// How bad it is.
    pub severity: Severity,
    /// Use of the key that is judged.
    pub scenario: Option<&'static str>,
    /// `key`, `binding`, `role`, `template` or `client`.
    pub concerns: &'static str,
    /// Place of the binding concerned in the client's list.
    pub binding: Option<usize>,
    /// Place among the key's certificates of the one that decided; the first where it was the key.
    pub certificate: usize,
    /// One sentence for people, with the values that decided.
    pub message: Arc<str>,
    /// Where that is said: of the statement that decided, where there is one, else of the rule.
    pub source: &'static str,
}

impl Outcome {
    /// An outcome with the severity that its status has: a hit that of its rule, what is fine none.
    fn new(rule: &'static Rule, status: Status, concerns: &'static str, message: impl Into<Arc<str>>) -> Self {
        let severity = match status {
            Status::Blocks | Status::Warns => rule.severity,
            Status::NotListed | Status::Unknown => Severity::Low.min(rule.severity),
            Status::Ok => Severity::Info,
        };
        Outcome {
            rule,
            status,
            severity,
            scenario: None,
            concerns,
            binding: None,
            certificate: 0,
            message: message.into(),
            source: rule.source,
        }
    }

    /// A hit on a key: something that works and should not stay so.
    fn of_key(rule: &'static Rule, message: impl Into<Arc<str>>) -> Self {
        Outcome::new(rule, Status::Warns, "key", message)
    }

    fn in_scenario(self, scenario: &'static str) -> Self {
        Outcome { scenario: Some(scenario), ..self }
    }

    fn at_binding(self, binding: Option<usize>) -> Self {
        Outcome { binding, ..self }
    }

    /// Decided by this certificate of the key.
    fn by(self, key: &Key<'_>, certificate: &CertificateFacts<'_>) -> Self {
        let place = key.certificates.iter().position(|known| std::ptr::eq(known, certificate));
        Outcome { certificate: place.unwrap_or_default(), ..self }
    }

    /// Said there.
    fn said_in(self, source: Option<&'static str>) -> Self {
        Outcome { source: source.unwrap_or(self.source), ..self }
    }

    fn with_severity(self, severity: Severity) -> Self {
        Outcome { severity, ..self }
    }
}

/// What holds for the whole scan, with what is worked out of it once.
#[derive(Clone, Debug, Default)]
pub struct Context<'a> {
    scan: Scan<'a>,
    site_version: Option<SiteVersion>,
    /// The answers to the question that is asked most: a key in CNG at a client.
    cng_clients: configmgr::Answers,
    /// What is told of keys of which hardware is claimed.
    unproved: hygiene::Unproved,
}

impl<'a> Context<'a> {
    /// Works out what rules need.
    pub fn new(scan: Scan<'a>) -> Self {
        let site_version = scan.site_version.and_then(SiteVersion::parse);
        let (cng_clients, unproved) = (configmgr::Answers::new(), hygiene::Unproved::new());
        Context { scan, site_version, cng_clients, unproved }
    }

    /// The date to compare with.
    fn as_of(&self) -> Option<i64> {
        self.scan.as_of
    }

    /// The version that holds for every site: that of the option, which wins over every export, else the one that exports
    /// agree on. An option that is no version leaves the version unknown.
    fn site_version(&self) -> Option<SiteVersion> {
        if self.scan.site_version.is_some() { self.site_version } else { self.scan.common_version }
    }

    /// The version of a client's site: that of the option, else the one that its bindings agree on, else that of the site
    /// it belongs to.
    fn site_version_of(&self, client: &Client<'_>) -> Option<SiteVersion> {
        if self.scan.site_version.is_some() {
            return self.site_version;
        }
        client.of_bindings().site_version.unwrap_or(client.site_version)
    }
}

/// A text of an export as a message may have it: not longer than names are.
fn short(text: &str) -> Cow<'_, str> {
    const MOST: usize = 256;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// Judges a private key of a client.
pub fn judge_key(key: &Key<'_>, client: &Client<'_>, context: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    if key.presence == KeyPresence::None {
        return;
    }
    for rule in RULES {
        if let Applies::Key(judge) | Applies::KeyOfClient(judge, _) = rule.applies {
            outcomes.extend(judge(key, client, context));
        }
    }
}

/// Judges the bindings and roles of a client, and the client itself.
pub fn judge_client(client: &Client<'_>, context: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    for rule in RULES {
        if let Applies::Client(judge) | Applies::KeyOfClient(_, judge) = rule.applies {
            judge(client, context, outcomes);
        }
    }
}

/// Judges a template.
pub fn judge_template(template: &TemplateFacts, context: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    for rule in RULES {
        if let Applies::Template(judge) = rule.applies {
            outcomes.extend(judge(template, context));
        }
    }
}

/// A private key stands in an export.
pub static PRIVATE_KEY_IN_EXPORT: Rule = Rule {
    id: "private_key_in_export",
    title: "A private key lies in an export",
    why: "Whoever can read the file, or any copy of it, can use the key; hardware protects a key only while it never \
          leaves it.",
    what_to_do: "Find out whose key it is (by its public key, where it is known), replace it, and delete the copies.",
    severity: Severity::Critical,
    product: None,
    versions: None,
    source: "NIST SP 800-57 Part 1 Revision 5, section 6.1 (private keys need confidentiality protection)",
    applies: Applies::AtOnce,
};

/// A program still uses CryptoAPI for the RSA key of a smart card.
pub static CAPI_SMART_CARD_USE: Rule = Rule {
    id: "capi_smart_card_use",
    title: "A program uses CryptoAPI for the RSA key of a smart card",
    why: "Since October 2025 Windows binds RSA certificates of smart cards to the key storage provider; the registry value \
          that brings the old way back is not read any more from February 2027 on, and the program then fails.",
    what_to_do: "Update the program, or ask its vendor for one that uses CNG, before February 2027.",
    severity: Severity::High,
    product: Some("Windows"),
    versions: Some("updates since October 2025"),
    source: "Microsoft KB5073121 (CVE-2024-30098); System log, Smart Card Service, event 624",
    applies: Applies::AtOnce,
};

/// Every rule.
pub static RULES: &[&Rule] = &[
    &PRIVATE_KEY_IN_EXPORT,
    &CAPI_SMART_CARD_USE,
    &configmgr::CLIENT_CERTIFICATE,
    &configmgr::CLIENT_KEY_USAGE,
    &configmgr::ROLE_CERTIFICATE,
    &configmgr::NAMED_USE,
    &configmgr::OTHER_USES,
    &template::CA_COMPATIBILITY,
    &template::RECIPIENT_COMPATIBILITY,
    &template::PROVIDER_CATEGORY,
    &template::ALGORITHM,
    &template::SOFTWARE_PROVIDER,
    &template::SUBJECT,
    &products::ADFS_CERTIFICATE,
    &products::SQL_SERVER_TLS,
    &products::EXCHANGE_FORMS_AUTHENTICATION,
    &products::OTHER_PRODUCTS,
    &smart_card::CSP_KEY,
    &smart_card::CHANGE,
    &hygiene::HARDWARE_CLAIMED_NOT_ATTESTED,
    &hygiene::TPM_EXPECTED_SOFTWARE_FOUND,
    &hygiene::EXPORTABLE_SENSITIVE_KEY,
    &hygiene::WEAK_KEY,
    &hygiene::WEAK_SIGNATURE,
    &hygiene::ROCA_KEY,
    &hygiene::MISSING_SID,
    &hygiene::QUANTUM_VULNERABLE_LONG_LIVED,
    &hygiene::CAPI_KEY_NO_PQC,
    &hygiene::EXPIRED_CERTIFICATE,
    &hygiene::EXPIRING_CERTIFICATE,
    &hygiene::SHARED_KEY,
];

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
            PrivateKeyKind::Pkcs12KeyBag | PrivateKeyKind::Pkcs12ShroudedKeyBag => "a private key in a PKCS#12 file",
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
