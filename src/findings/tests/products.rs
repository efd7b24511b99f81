//! Other products.

use super::*;
use crate::findings::Status;
use crate::findings::facts::choose;
use crate::findings::table::{Support, product_answer, products};

const ADFS: &str = "{5d89a20c-beab-4389-9447-324788eb944a}";

#[track_caller]
fn status(bindings: &[Binding<'_>], rule: &str) -> Option<Status> {
    let outcomes = of_client(&Client { bindings, ..Client::default() }, &at(None));
    if is_silent(&outcomes, rule) {
        return None;
    }
    let outcome = only(&outcomes, rule);
    assert_eq!(outcome.concerns, "binding");
    Some(outcome.status)
}

/// WindowsServerDocs AD-FS-and-KeySpec-Property.md.
#[test]
fn ad_fs_takes_either_interface_for_ssl() {
    const RULE: &str = "adfs_certificate";
    let ssl = |api| Binding { kind: BindingKind::HttpSys, app_id: Some(ADFS), ..web(443, api, 1) };
    assert_eq!(status(&[ssl(KeyApi::Cng)], RULE), Some(Status::Ok));
    assert_eq!(status(&[ssl(KeyApi::Capi)], RULE), Some(Status::Ok));
    assert_eq!(status(&[ssl(KeyApi::Unknown)], RULE), Some(Status::Unknown));
    // Without an endpoint it may be the certificate that signs tokens.
    let other = |api| Binding { kind: BindingKind::Adfs, port: None, ..web(443, api, 1) };
    assert_eq!(status(&[other(KeyApi::Cng)], RULE), Some(Status::Unknown));
    assert_eq!(status(&[other(KeyApi::Capi)], RULE), Some(Status::Ok));
    assert_eq!(status(&[web(443, KeyApi::Cng, 1)], RULE), None);
    // Its proxy.
    let proxy = Some("{F955C070-e044-456c-ac00-e9e4275b3f04}");
    let binding = Binding { kind: BindingKind::HttpSys, app_id: proxy, ..web(443, KeyApi::Cng, 1) };
    assert_eq!(status(&[binding], RULE), Some(Status::Ok));
}

/// SQL Server, certificate requirements; dataplat/dbatools pull request 10671.
#[test]
fn sql_server_takes_no_cng_key() {
    const RULE: &str = "sql_server_tls";
    let sql = |api| Binding { kind: BindingKind::SqlServer, ..web(1433, api, 1) };
    assert_eq!(status(&[sql(KeyApi::Cng)], RULE), Some(Status::Blocks));
    assert_eq!(status(&[sql(KeyApi::Capi)], RULE), Some(Status::Ok));
    assert_eq!(status(&[sql(KeyApi::Unknown)], RULE), Some(Status::Unknown));
    assert_eq!(status(&[Binding { key: None, ..sql(KeyApi::Cng) }], RULE), Some(Status::Unknown));
    assert_eq!(status(&[Binding { key: None, sha1: None, ..sql(KeyApi::Cng) }], RULE), None);
    assert_eq!(status(&[Binding { kind: BindingKind::Rdp, ..sql(KeyApi::Cng) }], RULE), None);
}

/// WindowsServerDocs AD-FS-and-KeySpec-Property.md; SQL Server, certificate requirements.
#[test]
fn the_key_spec_of_a_capi_key_is_asked_for() {
    let with = |kind, key_spec| {
        let key = Some(Bound { key_spec, ..bound(KeyApi::Capi, 1) });
        Binding { kind, app_id: Some(ADFS), key, ..web(443, KeyApi::Capi, 1) }
    };
    for (key_spec, sql, ssl) in [
        (Some(1), Status::Ok, Status::Ok),
        (Some(2), Status::Blocks, Status::Warns),
        (None, Status::Unknown, Status::Unknown),
        (Some(7), Status::Unknown, Status::Unknown),
    ] {
        let sql_server = Binding { app_id: None, ..with(BindingKind::SqlServer, key_spec) };
        assert_eq!(status(&[sql_server], "sql_server_tls"), Some(sql), "{key_spec:?}");
        assert_eq!(status(&[with(BindingKind::HttpSys, key_spec)], "adfs_certificate"), Some(ssl), "{key_spec:?}");
    }
    let signing = Binding { app_id: None, port: None, ..with(BindingKind::Adfs, Some(2)) };
    assert_eq!(status(&[signing], "adfs_certificate"), Some(Status::Unknown));
}

#[test]
fn a_key_that_is_missing_is_fine_for_nothing() {
    let missing = |api| Some(Bound { presence: KeyPresence::Missing, ..bound(api, 1) });
    for api in [KeyApi::Capi, KeyApi::Cng] {
        let sql = Binding { kind: BindingKind::SqlServer, key: missing(api), ..web(1433, api, 1) };
        assert_eq!(status(&[sql], "sql_server_tls"), Some(Status::Unknown));
        let ssl = Binding { kind: BindingKind::HttpSys, app_id: Some(ADFS), key: missing(api), ..web(443, api, 1) };
        assert_eq!(status(&[ssl], "adfs_certificate"), Some(Status::Unknown));
    }
}

#[test]
fn of_several_keys_the_machines_is_bound_and_a_doubt_is_told() {
    let machine = bound(KeyApi::Capi, 9);
    let user = Bound { is_machine: false, ..bound(KeyApi::Cng, 1) };
    let chosen = |kind, keys: &[Bound]| choose(kind, keys).map(|key| (key.key_id, key.api));
    for keys in [[machine.clone(), user.clone()], [user.clone(), machine.clone()]] {
        assert_eq!(chosen(BindingKind::HttpSys, &keys), Some((Some([9; 16]), KeyApi::Capi)));
        // SQL Server may use the key of its account.
        assert_eq!(chosen(BindingKind::SqlServer, &keys), Some((None, KeyApi::Unknown)));
        let doubtful = Binding {
            kind: BindingKind::SqlServer,
            key: choose(BindingKind::SqlServer, &keys),
            ..web(1433, KeyApi::Cng, 1)
        };
        let (why, names) = (doubtful.api(), ["01".repeat(16), "09".repeat(16)]);
        assert!(names.iter().all(|name| why.is_err_and(|why| why.contains(name))), "{why:?}");
    }
    let gone = Bound { presence: KeyPresence::Missing, ..machine.clone() };
    let there = bound(KeyApi::Cng, 10);
    assert_eq!(chosen(BindingKind::Iis, &[gone, there]), Some((Some([10; 16]), KeyApi::Cng)));
    let alike = bound(KeyApi::Capi, 2);
    assert_eq!(chosen(BindingKind::Iis, &[machine, alike]), Some((Some([2; 16]), KeyApi::Capi)));
    assert_eq!(chosen(BindingKind::Iis, &[]), None);
}

/// Microsoft support, redirection to the FBA page in Exchange Server.
#[test]
fn exchange_takes_no_cng_key_behind_its_logon_page() {
    const RULE: &str = "exchange_forms_authentication";
    let front = |api| Binding { name: Some("Default Web Site"), ..web(443, api, 1) };
    let back = || Binding { name: Some("Exchange Back End"), ..web(444, KeyApi::Cng, 2) };
    assert_eq!(status(&[front(KeyApi::Cng), back()], RULE), Some(Status::Blocks));
    assert_eq!(status(&[front(KeyApi::Capi), back()], RULE), Some(Status::Ok));
    assert_eq!(status(&[front(KeyApi::Unknown), back()], RULE), Some(Status::Unknown));
    assert_eq!(status(&[front(KeyApi::Cng)], RULE), None);
    assert_eq!(status(&[Binding { name: Some("Shop"), ..front(KeyApi::Cng) }, back()], RULE), None);
}

#[test]
fn every_product_can_be_looked_up() {
    let support = |id| product_answer(id).map(|row| row.support);
    for id in [
        "adfs_token_signing",
        "adfs_token_decrypting",
        "adfs_service_communications",
        "operations_manager",
        "lync_server",
        "dotnet_private_key",
        "sharepoint_high_trust",
        "exchange_online_app_only",
    ] {
        assert_eq!(support(id), Some(Support::Unsupported), "{id}");
    }
    for (id, expected) in [
        ("adfs_ssl", Support::Supported),
        ("sql_server_always_encrypted", Support::Supported),
        ("putty_cac", Support::Supported),
        ("adcs_ml_dsa", Support::Required),
        ("secure_boot_signing", Support::Required),
        ("smart_card_propagation", Support::Required),
        ("citrix_fas", Support::Conditional),
        ("italian_cie", Support::Conditional),
    ] {
        assert_eq!(support(id), Some(expected), "{id}");
    }
    assert!(products().iter().filter(|row| row.support == Support::Unsupported).count() == 16);
}
