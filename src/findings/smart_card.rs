//! The change of October 2025: RSA certificates of smart cards belong to the key storage provider.

use std::fmt::Write as _;

use super::facts::{Client, Key};
use super::{Applies, Context, Outcome, Rule, Severity, short};
use crate::classify::{KeyApi, KeyPresence, KeyStorage};

const SOURCE: &str = "Microsoft KB5073121 (CVE-2024-30098), state of 2026-02-12";
const CARD_CSP: &str = "Microsoft Base Smart Card Crypto Provider";
const VERSIONS: &str = "updates since October 2025; the way back ends with those of February 2027";

/// An RSA key in a smart-card CSP.
pub static CSP_KEY: Rule = Rule {
    id: "smart_card_csp_key",
    title: "An RSA key of a smart card is bound to a CryptoAPI provider",
    why: "Since October 2025 Windows hands RSA certificates of smart cards on with the key storage provider. What is still bound \
          to a CryptoAPI provider rests on the old way, which is gone from February 2027 on.",
    what_to_do: "See that the client is updated, that the card's software has a minidriver, and that the programs that use the \
                 card work with CNG, before February 2027.",
    severity: Severity::Medium,
    product: Some("Windows"),
    versions: Some(VERSIONS),
    source: SOURCE,
    applies: Applies::Key(csp_key),
};

/// How a client stands to the change.
pub static CHANGE: Rule = Rule {
    id: "smart_card_change",
    title: "A client still needs CryptoAPI for smart cards",
    why: "Keys bound to CryptoAPI providers of cards, programs that event 624 names, and the registry value \
          DisableCapiOverrideForRSA at 0 all rest on a way back that is not there any more from February 2027 on. What Windows does \
          without the value depends on its updates, and Microsoft's page changed its mind: raw value and patch level are shown, \
          and no default is read into what is not there.",
    what_to_do: "Update the programs that are named, then remove the registry value, before February 2027.",
    severity: Severity::High,
    product: Some("Windows"),
    versions: Some(VERSIONS),
    source: "Microsoft KB5073121 (CVE-2024-30098), states of 2025-12-11 and 2026-02-12; System log, Smart Card Service, event 624",
    applies: Applies::Client(change),
};

/// Whether it is an RSA key in a CryptoAPI provider of a smart card, of a token or of a virtual card. What counts as
/// [`Client::capi_card_keys`].
pub fn is_capi_card_key(key: &Key<'_>) -> bool {
    if key.api.value != KeyApi::Capi || key.presence == KeyPresence::None {
        return false;
    }
    let is_card = match key.storage.value {
        KeyStorage::SmartCard | KeyStorage::UsbToken | KeyStorage::VirtualSmartCard => true,
        _ => key.provider_name.is_some_and(|name| name.trim().eq_ignore_ascii_case(CARD_CSP)),
    };
    is_card && is_rsa(key)
}

/// By its certificate; without one, by its provider's word, else by the types of providers whose keys are RSA alone: PROV_RSA_FULL, PROV_RSA_SIG,
/// PROV_RSA_SCHANNEL and PROV_RSA_AES (wincrypt.h; Microsoft, "Cryptographic Provider Types").
fn is_rsa(key: &Key<'_>) -> bool {
    const RSA_ALONE: [u32; 4] = [1, 2, 12, 24];
    let mut algorithms = key.certificates.iter().filter_map(|c| c.key_algorithm).chain(key.key_algorithm);
    algorithms
        .next()
        .map_or(key.provider_type.is_some_and(|kind| RSA_ALONE.contains(&kind)), |algorithm| algorithm == "rsa")
}

fn csp_key(key: &Key<'_>, _: &Client<'_>, _: &Context<'_>) -> Option<Outcome> {
    is_capi_card_key(key).then_some(())?;
    let provider = key.provider_name.map_or("a CryptoAPI provider that is not named".into(), short);
    let storage = key.storage.value.as_str();
    Some(Outcome::of_key(&CSP_KEY, format!("RSA key in {provider} (storage {storage}); due February 2027")))
}

fn change(client: &Client<'_>, _: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    /// Programs that a message names.
    const NAMED: usize = 5;
    const OPTED_OUT: u32 = 0;
    let value = client.calais_disable_capi_override;
    if client.capi_card_keys == 0 && client.capi_programs.is_empty() && value != Some(OPTED_OUT) {
        return;
    }
    let mut text = format!("RSA keys bound to smart-card CSPs: {}; DisableCapiOverrideForRSA: ", client.capi_card_keys);
    text += match value {
        Some(OPTED_OUT) => "0 (opted out)",
        Some(1) => "1 (new behaviour)",
        Some(_) => "",
        None if client.calais_is_absent => "not set",
        None => "not in the export",
    };
    if let Some(other @ 2..) = value {
        let _ = write!(text, "{other}");
    }
    let ubr = client.ubr.map_or_else(|| "not known".to_owned(), |ubr| ubr.to_string());
    let _ = write!(text, "; Windows {}, update build revision {ubr}", client.os_version.unwrap_or("not known"));
    let _ = write!(text, "; programs named by event 624: {}", client.capi_programs.len());
    for (nth, program) in client.capi_programs.iter().take(NAMED).enumerate() {
        let _ = write!(text, "{}{}", if nth == 0 { " (" } else { ", " }, short(program));
    }
    if !client.capi_programs.is_empty() {
        text += if client.capi_programs.len() > NAMED { ", and more)" } else { ")" };
    }
    text += "; due February 2027";
    let outcome = Outcome::of_key(&CHANGE, text);
    let is_in_use = !client.capi_programs.is_empty() || value == Some(OPTED_OUT);
    let severity = if is_in_use { CHANGE.severity } else { Severity::Medium };
    outcomes.push(Outcome { concerns: "client", ..outcome }.with_severity(severity));
}
