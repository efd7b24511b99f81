//! The change of smart cards. Source: Microsoft KB5073121 (CVE-2024-30098).

use super::*;
use crate::findings::{Severity, Status, is_capi_card_key};

const KEY: &str = "smart_card_csp_key";
const CHANGE: &str = "smart_card_change";

#[test]
fn an_rsa_key_of_a_card_in_cryptoapi_is_due_in_february_2027() {
    let certificates = [certificate()];
    for storage in [KeyStorage::SmartCard, KeyStorage::UsbToken, KeyStorage::VirtualSmartCard] {
        let provider_name = Some("Grove Card CSP");
        let key = Key { storage: verdict(storage), provider_name, ..key(KeyApi::Capi, &certificates) };
        let outcomes = of_key(&key, &Client::default(), &at(None));
        let outcome = only(&outcomes, KEY);
        assert_eq!(outcome.status, Status::Warns);
        for part in ["Grove Card CSP", storage.as_str(), "February 2027"] {
            assert!(outcome.message.contains(part), "{}", outcome.message);
        }
        assert!(is_capi_card_key(&key));
    }
    let base = "Microsoft Base Smart Card Crypto Provider";
    let unknown = Key { storage: verdict(KeyStorage::Unknown), ..key(KeyApi::Capi, &certificates) };
    assert!(is_capi_card_key(&Key { provider_name: Some(base), ..unknown.clone() }));
    assert!(!is_capi_card_key(&unknown));
}

#[test]
fn keys_of_cng_of_other_algorithms_and_of_no_card_are_silent() {
    let (rsa, ec) = ([certificate()], [CertificateFacts { key_algorithm: Some("ec"), ..certificate() }]);
    let card = Key { storage: verdict(KeyStorage::SmartCard), ..key(KeyApi::Capi, &rsa) };
    for key in [
        Key { api: verdict(KeyApi::Cng), ..card.clone() },
        Key { api: verdict(KeyApi::Unknown), ..card.clone() },
        Key { certificates: &ec, ..card.clone() },
        Key { certificates: &[], ..card.clone() },
        Key { certificates: &[], provider_type: Some(16), ..card.clone() },
        Key { presence: KeyPresence::None, ..card.clone() },
        key(KeyApi::Capi, &rsa),
    ] {
        assert!(!is_capi_card_key(&key));
        assert!(is_silent(&of_key(&key, &Client::default(), &at(None)), KEY));
    }
    for (said, is_rsa) in [("rsa", true), ("ec", false)] {
        let key = Key { certificates: &[], provider_type: Some(1), key_algorithm: Some(said), ..card.clone() };
        assert_eq!(is_capi_card_key(&key), is_rsa, "{said}");
    }
    for rsa_alone in [1, 2, 12, 24] {
        assert!(is_capi_card_key(&Key { certificates: &[], provider_type: Some(rsa_alone), ..card.clone() }));
    }
}

#[test]
fn a_value_that_is_not_there_is_told_from_one_that_nobody_looked_for() {
    let text = |calais_is_absent| {
        let client = Client { capi_card_keys: 1, calais_is_absent, ..Client::default() };
        only(&of_client(&client, &at(None)), CHANGE).message.to_string()
    };
    assert!(text(true).contains("DisableCapiOverrideForRSA: not set;"), "{}", text(true));
    assert!(text(false).contains("DisableCapiOverrideForRSA: not in the export;"), "{}", text(false));
}

#[test]
fn a_client_shows_value_and_patch_level_side_by_side() {
    let programs = ["old.exe".to_owned(), "older.exe".to_owned()];
    let client = Client {
        capi_card_keys: 2,
        calais_disable_capi_override: Some(0),
        os_version: Some("10.0.26100"),
        ubr: Some(2605),
        capi_programs: &programs,
        ..Client::default()
    };
    let outcomes = of_client(&client, &at(None));
    let outcome = only(&outcomes, CHANGE);
    assert_eq!((outcome.status, outcome.severity, outcome.concerns), (Status::Warns, Severity::High, "client"));
    for part in
        ["CSPs: 2", "0 (opted out)", "10.0.26100", "revision 2605", "624: 2 (old.exe, older.exe)", "February 2027"]
    {
        assert!(outcome.message.contains(part), "{part}: {}", outcome.message);
    }
}

#[test]
fn a_value_that_is_not_there_is_read_as_nothing() {
    let client = Client { capi_card_keys: 1, ..Client::default() };
    let message = |value| {
        let outcomes = of_client(&Client { calais_disable_capi_override: value, ..client.clone() }, &at(None));
        only(&outcomes, CHANGE).message.clone()
    };
    assert!(message(None).contains("DisableCapiOverrideForRSA: not in the export;"));
    assert!(message(None).contains("Windows not known, update build revision not known"));
    assert!(message(Some(1)).contains("DisableCapiOverrideForRSA: 1 (new behaviour);"));
    assert!(message(Some(7)).contains("DisableCapiOverrideForRSA: 7;"));
}

#[test]
fn a_client_without_a_hit_is_silent() {
    for value in [None, Some(1), Some(7)] {
        let client = Client { calais_disable_capi_override: value, ubr: Some(1), ..Client::default() };
        assert!(is_silent(&of_client(&client, &at(None)), CHANGE));
    }
    let opted_out = Client { calais_disable_capi_override: Some(0), ..Client::default() };
    assert!(!is_silent(&of_client(&opted_out, &at(None)), CHANGE));
}

#[test]
fn of_many_programs_five_are_named() {
    let programs: Vec<String> = (0..7).map(|n| format!("p{n}.exe")).collect();
    let outcomes = of_client(&Client { capi_programs: &programs, ..Client::default() }, &at(None));
    let message = &only(&outcomes, CHANGE).message;
    assert!(message.contains("624: 7 (p0.exe, p1.exe, p2.exe, p3.exe, p4.exe, and more)"), "{message}");
}
