//! Other products.

use super::*;
use crate::findings::Status;
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
