//! Client certificates and roles.
//!
//! Source: the rows of `configmgr.tsv` that the tests of the overview check.

use super::*;
use crate::findings::{Severity, SiteVersion, Status};

const CLIENT: &str = "configmgr_client_certificate";
const ROLE: &str = "configmgr_role_certificate";
const USE: &str = "configmgr_named_use";

fn client_status(api: KeyApi, algorithm: Option<&'static str>, version: Option<&str>) -> (Status, String) {
    let certificates = [CertificateFacts { key_algorithm: algorithm, ..client_certificate() }];
    let outcomes = of_key(&key(api, &certificates), &Client::default(), &at(version));
    let outcome = only(&outcomes, CLIENT);
    assert_eq!((outcome.concerns, outcome.scenario), ("key", Some("client_certificate")));
    (outcome.status, outcome.message.to_string())
}

#[test]
fn a_client_key_in_cryptoapi_is_fine_at_every_version() {
    for version in [None, Some("1706"), Some("1802"), Some("2603")] {
        assert_eq!(client_status(KeyApi::Capi, Some("rsa"), version).0, Status::Ok);
    }
}

#[test]
fn an_rsa_client_key_in_cng_is_judged_by_the_version() {
    let status = |version| client_status(KeyApi::Cng, Some("rsa"), Some(version));
    assert_eq!(status("1706").0, Status::Blocks);
    for version in ["1710", "1802", "2010", "5.00.8634.1000"] {
        let (status, message) = status(version);
        assert_eq!(status, Status::Warns);
        assert!(message.contains("Software Center"), "{message}");
    }
    assert!(status("5.00.8634.1000").1.contains("site version 1802"));
    for version in ["2103", "2603"] {
        assert_eq!(status(version).0, Status::Ok);
    }
}

#[test]
fn a_client_key_in_cng_must_be_rsa() {
    for algorithm in ["ec", "dsa", "ml_dsa_65", "ed25519"] {
        for version in [None, Some("1706"), Some("1802"), Some("2603")] {
            let (status, message) = client_status(KeyApi::Cng, Some(algorithm), version);
            assert_eq!(status, Status::Blocks, "{message}");
            assert!(version == Some("1706") || message.contains(algorithm), "{message}");
        }
    }
    assert_eq!(client_status(KeyApi::Cng, None, Some("2603")).0, Status::Unknown);
    assert_eq!(client_status(KeyApi::Cng, Some("rsa_pss"), Some("2603")).0, Status::NotListed);
}

#[test]
fn without_a_version_there_is_one_row_with_every_range() {
    let (status, message) = client_status(KeyApi::Cng, Some("rsa"), None);
    assert_eq!(status, Status::Unknown);
    for part in ["before 1710 blocks", "from 1710, before 2103 warns", "from 2103 ok"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn an_unknown_interface_is_unknown_with_both_answers() {
    let (status, message) = client_status(KeyApi::Unknown, Some("ec"), Some("2603"));
    assert_eq!(status, Status::Unknown);
    assert!(message.contains("with CryptoAPI ok, with CNG blocks"), "{message}");
}

#[test]
fn the_version_comes_from_the_option_then_from_bindings_that_agree() {
    let certificates = [client_certificate()];
    let key = key(KeyApi::Cng, &certificates);
    let of = |text| Binding { site_version: SiteVersion::parse(text), ..role("SMS Site System") };
    let status = |bindings: &[Binding<'_>], option| {
        let outcomes = of_key(&key, &Client { bindings, ..Client::default() }, &at(option));
        only(&outcomes, CLIENT).status
    };
    assert_eq!(status(&[of("5.00.9122.1000")], None), Status::Ok);
    assert_eq!(status(&[of("5.00.9122.1000"), of("2309")], None), Status::Ok);
    assert_eq!(status(&[of("5.00.9122.1000"), of("1802")], None), Status::Unknown);
    assert_eq!(status(&[of("5.00.9122.1000")], Some("1802")), Status::Warns);
    assert_eq!(status(&[of("5.00.9122.1000")], Some("nonsense")), Status::Unknown);
    assert_eq!(status(&[of("nonsense")], None), Status::Unknown);
}

#[test]
fn other_stores_and_uses_are_no_matter_of_clients() {
    let (clients, others) = ([client_certificate()], [certificate()]);
    let user = Key { stores: USER, ..key(KeyApi::Cng, &clients) };
    let unknown_use = [CertificateFacts { is_client_auth: None, ..certificate() }];
    let unclaimed = Key { presence: KeyPresence::Unknown, ..key(KeyApi::Unknown, &clients) };
    for key in [user, key(KeyApi::Cng, &others), key(KeyApi::Cng, &unknown_use), unclaimed] {
        assert!(is_silent(&of_key(&key, &Client::default(), &at(None)), CLIENT));
    }
}

#[test]
fn a_client_key_in_the_tpm_is_supported_with_a_remark() {
    let certificates = [client_certificate()];
    let key = Key { storage: verdict(KeyStorage::Tpm), ..key(KeyApi::Cng, &certificates) };
    let outcomes = of_key(&key, &Client::default(), &at(Some("2309")));
    let outcome = only(&outcomes, CLIENT);
    assert_eq!((outcome.status, outcome.severity), (Status::Ok, Severity::Info));
    assert!(outcome.message.contains("TPM"), "{}", outcome.message);
}

#[test]
fn key_usage_is_compared_at_managed_clients() {
    let of = |usage: &[&'static str], algorithm: &'static str, site: Option<&'static str>| {
        let words: Vec<_> = usage.iter().map(|usage| Cow::Borrowed(*usage)).collect();
        let key_usage = &words[..];
        let certificates = [CertificateFacts { key_usage, key_algorithm: Some(algorithm), ..client_certificate() }];
        let client = Client { cm_site_code: site, ..Client::default() };
        of_key(&key(KeyApi::Capi, &certificates), &client, &at(None))
    };
    const RULE: &str = "configmgr_client_key_usage";
    let outcomes = of(&["digitalSignature"], "rsa", Some("GR1"));
    let outcome = only(&outcomes, RULE);
    assert_eq!(outcome.status, Status::Warns);
    assert!(outcome.message.contains("is digitalSignature;") && outcome.message.contains("keyEncipherment"));
    assert!(is_silent(&of(&["digitalSignature", "keyEncipherment"], "rsa", Some("GR1")), RULE));
    assert!(is_silent(&of(&[], "rsa", Some("GR1")), RULE));
    assert!(is_silent(&of(&["digitalSignature"], "ec", Some("GR1")), RULE));
    assert!(is_silent(&of(&["digitalSignature"], "rsa", None), RULE));
}

fn roles(bindings: &[Binding<'_>], version: Option<&str>) -> Vec<Outcome> {
    let outcomes = of_client(&Client { bindings, ..Client::default() }, &at(version));
    outcomes.into_iter().filter(|outcome| outcome.rule.id == ROLE).collect()
}

fn role_status(name: &'static str, api: KeyApi, version: Option<&str>) -> (Status, String) {
    let outcomes = roles(&[role(name), web(443, api, 7)], version);
    let outcome = only(&outcomes, ROLE);
    assert_eq!((outcome.concerns, outcome.binding), ("role", Some(1)));
    (outcome.status, outcome.message.to_string())
}

#[test]
fn a_management_point_with_a_cng_key_is_judged_by_its_version() {
    let status = |version| role_status("SMS Management Point", KeyApi::Cng, version).0;
    assert_eq!(status(Some("1706")), Status::Blocks);
    assert_eq!(status(Some("1710")), Status::NotListed);
    assert_eq!(status(Some("1802")), Status::Ok);
    assert_eq!(status(Some("2603")), Status::Ok);
    assert_eq!(status(None), Status::Unknown);
    let message = role_status("SMS Management Point", KeyApi::Cng, None).1;
    for part in ["before 1710 blocks", "from 1710, before 1802 not_listed", "from 1802 ok"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn other_roles_are_judged_by_their_rows() {
    for (name, version, status) in [
        ("SMS State Migration Point", "1710", Status::Blocks),
        ("SMS State Migration Point", "1802", Status::Ok),
        ("SMS Distribution Point", "1802", Status::Ok),
        ("SMS Certificate Registration Point", "1802", Status::NotListed),
        ("SMS Certificate Registration Point", "1806", Status::Ok),
        ("SMS Certificate Registration Point", "2203", Status::Warns),
        ("SMS Enrollment Server", "1802", Status::Blocks),
        ("SMS Enrollment Server", "2603", Status::Blocks),
        ("SMS Enrollment Web Site", "2603", Status::Blocks),
        ("SMS Application Web Service", "1906", Status::Blocks),
        ("SMS Application Web Service", "1910", Status::Warns),
        ("sms portal web site", "1802", Status::Blocks),
    ] {
        assert_eq!(role_status(name, KeyApi::Cng, Some(version)).0, status, "{name} {version}");
    }
    let message = role_status("SMS Enrollment Server", KeyApi::Cng, Some("2309")).1;
    assert!(message.contains("contradicts itself"), "{message}");
}

#[test]
fn a_role_with_a_cryptoapi_key_is_fine_until_it_is_retired() {
    assert_eq!(role_status("SMS Enrollment Server", KeyApi::Capi, Some("1802")).0, Status::Ok);
    assert_eq!(role_status("SMS Management Point", KeyApi::Capi, None).0, Status::Ok);
    let (status, message) = role_status("SMS Portal Web Site", KeyApi::Capi, Some("2309"));
    assert_eq!(status, Status::Warns);
    assert!(message.contains("retired"), "{message}");
}

#[test]
fn a_role_without_a_known_key_is_unknown() {
    let (status, message) = role_status("SMS Management Point", KeyApi::Unknown, Some("1802"));
    assert_eq!(status, Status::Unknown);
    assert!(message.contains("with CryptoAPI ok, with CNG ok"), "{message}");
    let unseen = || Binding { key: None, ..web(443, KeyApi::Cng, 1) };
    let bare = || Binding { sha1: None, ..unseen() };
    for (bindings, part, at) in [
        (vec![role("SMS Management Point")], "no binding shows", 0),
        (vec![role("SMS Management Point"), unseen()], "was not seen", 1),
        (vec![role("SMS Management Point"), unseen(), unseen(), bare()], "was not seen", 1),
        (vec![role("SMS Management Point"), bare()], "its endpoint shows no certificate", 0),
        (vec![role("SMS Management Point"), web(8443, KeyApi::Cng, 1)], "no binding shows", 0),
    ] {
        let outcomes = roles(&bindings, Some("1802"));
        let outcome = only(&outcomes, ROLE);
        assert_eq!((outcome.status, outcome.binding), (Status::Unknown, Some(at)));
        assert!(outcome.message.contains(part), "{}", outcome.message);
    }
    // Beside one that is known, too.
    let known = web(443, KeyApi::Capi, 2);
    let outcomes = roles(&[role("SMS Enrollment Server"), known, unseen()], Some("2309"));
    let statuses: Vec<_> = outcomes.iter().map(|o| (o.status, o.binding)).collect();
    assert_eq!(statuses, [(Status::Ok, Some(1)), (Status::Unknown, Some(2))]);
}

#[test]
fn a_software_update_point_answers_at_8531_or_at_443() {
    let status = |bindings: &[Binding<'_>]| only(&roles(bindings, Some("1710")), ROLE).status;
    let sup = || role("SMS Software Update Point");
    assert_eq!(status(&[sup(), web(443, KeyApi::Capi, 1), web(8531, KeyApi::Cng, 2)]), Status::NotListed);
    assert_eq!(status(&[sup(), web(443, KeyApi::Capi, 1)]), Status::Ok);
    // Another role does not answer at 8531.
    let mp = [role("SMS Management Point"), web(443, KeyApi::Capi, 1), web(8531, KeyApi::Cng, 2)];
    assert_eq!(status(&mp), Status::Ok);
}

#[test]
fn endpoints_of_ad_fs_and_sstp_are_no_certificates_of_roles() {
    for app_id in [
        "{5d89a20c-beab-4389-9447-324788eb944a}",
        "{ba195980-cd49-458b-9e23-c84ee0adcd75}",
        "{F955C070-E044-456C-AC00-E9E4275B3F04}",
    ] {
        let other = Binding { app_id: Some(app_id), kind: BindingKind::HttpSys, ..web(443, KeyApi::Cng, 1) };
        let outcomes = roles(&[role("SMS Management Point"), other], Some("1802"));
        assert_eq!(only(&outcomes, ROLE).status, Status::Unknown);
    }
}

#[test]
fn each_key_of_a_role_is_judged_once() {
    let http = |api, id| Binding { kind: BindingKind::HttpSys, ..web(443, api, id) };
    let bindings = [
        role("SMS Enrollment Server"),
        role("SMS Enrollment Server"),
        web(443, KeyApi::Cng, 1),
        http(KeyApi::Cng, 1),
        http(KeyApi::Capi, 2),
    ];
    let statuses: Vec<_> = roles(&bindings, Some("1802")).iter().map(|o| (o.status, o.binding)).collect();
    assert_eq!(statuses, [(Status::Blocks, Some(2)), (Status::Ok, Some(4))]);
}

#[test]
fn roles_of_a_collection_count_as_those_of_a_site() {
    let listed = ["SMS Management Point", "SMS Site System"];
    let bindings = [web(443, KeyApi::Cng, 1)];
    let client = Client { roles: &listed, bindings: &bindings, ..Client::default() };
    let outcomes = of_client(&client, &at(Some("1802")));
    assert_eq!(only(&outcomes, ROLE).scenario, Some("management_point"));
    // A role that no statement is about, and bindings without a role, say nothing.
    assert!(of_client(&Client { roles: &listed[1..], ..client.clone() }, &at(None)).is_empty());
    assert!(of_client(&Client { roles: &[], ..client }, &at(None)).is_empty());
}

#[test]
fn a_use_that_an_export_names_is_judged_with_the_certificate_named_beside_it() {
    let of = |name, api, version| {
        let named = Binding { sha1: Some([1; 20]), key: Some(bound(api, 1)), ..role(name) };
        // What answers at a port of the machine is another certificate.
        let bindings = [web(443, KeyApi::Capi, 2), named];
        let outcomes = of_client(&Client { bindings: &bindings, ..Client::default() }, &at(Some(version)));
        let outcome = only(&outcomes, USE);
        assert_eq!((outcome.concerns, outcome.binding), ("role", Some(1)), "{name}");
        assert!(is_silent(&outcomes, ROLE));
        outcome.status
    };
    for (name, version, status) in [
        ("task sequence media", "1706", Status::Blocks),
        ("bootable media", "1802", Status::Blocks),
        ("Boot Media", "1806", Status::Ok),
        ("NDES policy module", "1802", Status::Blocks),
        ("NDES policy module", "1806", Status::Ok),
        ("NDES policy module", "2203", Status::NotListed),
        ("cloud distribution point", "2010", Status::Blocks),
        ("Cloud-based distribution point", "2103", Status::NotListed),
        ("CDP", "2107", Status::Warns),
    ] {
        assert_eq!(of(name, KeyApi::Cng, version), status, "{name} {version}");
    }
    assert_eq!(of("task sequence media", KeyApi::Capi, "1802"), Status::Ok);
    assert_eq!(of("task sequence media", KeyApi::Unknown, "1802"), Status::Unknown);
    // Without a certificate nobody knows; and names of nothing name nothing.
    let bare = [role("bootable media"), web(443, KeyApi::Cng, 1)];
    let outcomes = of_client(&Client { bindings: &bare, ..Client::default() }, &at(Some("1802")));
    assert_eq!((only(&outcomes, USE).status, only(&outcomes, USE).binding), (Status::Unknown, Some(0)));
    let other = [role("SMS Dmp Connector"), role("code signing"), role("HTTP")];
    assert!(is_silent(&of_client(&Client { bindings: &other, ..Client::default() }, &at(None)), USE));
}

#[test]
fn the_site_database_has_the_certificate_of_its_sql_server() {
    let sql = Binding { sha1: Some([3; 20]), key: Some(bound(KeyApi::Cng, 3)), ..binding(BindingKind::SqlServer) };
    let bindings = [web(443, KeyApi::Capi, 2), sql];
    let listed = ["SMS SQL Server"];
    let client = Client { roles: &listed, bindings: &bindings, ..Client::default() };
    let outcomes = of_client(&client, &at(Some("2309")));
    assert_eq!((only(&outcomes, USE).status, only(&outcomes, USE).binding), (Status::NotListed, Some(1)));
    let long = Bound { key_size_bits: Some(4096), ..bound(KeyApi::Capi, 3) };
    let bindings = [bindings[0].clone(), Binding { key: Some(long), ..bindings[1].clone() }];
    let outcomes = of_client(&Client { bindings: &bindings, ..client.clone() }, &at(Some("2309")));
    let outcome = only(&outcomes, USE);
    assert!(outcome.status == Status::Warns && outcome.message.contains("4096 bits"), "{}", outcome.message);
    let outcomes = of_client(&Client { bindings: &bindings[..1], ..client }, &at(Some("2309")));
    assert_eq!(only(&outcomes, USE).status, Status::Unknown);
}

#[test]
fn the_site_watches_over_its_points_with_the_client_certificate_of_their_machine() {
    let certificates = [client_certificate()];
    let of = |key: &Key<'_>, roles: &[&str]| of_key(key, &Client { roles, ..Client::default() }, &at(Some("2309")));
    let cng = key(KeyApi::Cng, &certificates);
    for name in ["SMS Management Point", "SMS State Migration Point"] {
        let outcomes = of(&cng, &["SMS Site System", name]);
        let outcome = only(&outcomes, USE);
        assert_eq!((outcome.status, outcome.scenario), (Status::NotListed, Some("site_system_monitoring")));
        assert_eq!(only(&of(&key(KeyApi::Capi, &certificates), &[name]), USE).status, Status::Ok);
        assert_eq!(only(&of(&key(KeyApi::Unknown, &certificates), &[name]), USE).status, Status::Unknown);
        let missing = Key { presence: KeyPresence::Missing, ..key(KeyApi::Capi, &certificates) };
        assert_eq!(only(&of(&missing, &[name]), USE).status, Status::Unknown);
    }
    let long = [CertificateFacts { key_size_bits: Some(4096), ..client_certificate() }];
    for api in [KeyApi::Capi, KeyApi::Cng] {
        let outcomes = of(&key(api, &long), &["SMS Management Point"]);
        let outcome = only(&outcomes, USE);
        assert!(outcome.status == Status::Warns && outcome.message.contains("4096 bits"), "{}", outcome.message);
    }
    let bindings = [role("SMS Management Point")];
    let outcomes = of_key(&cng, &Client { bindings: &bindings, ..Client::default() }, &at(Some("2309")));
    assert_eq!(only(&outcomes, USE).status, Status::NotListed);
    // Of no other role, and of no certificate that is not a client's.
    assert!(is_silent(&of(&cng, &["SMS Distribution Point"]), USE) && is_silent(&of(&cng, &[]), USE));
    let servers = [CertificateFacts { is_server_auth: Some(true), ..certificate() }];
    assert!(is_silent(&of(&key(KeyApi::Cng, &servers), &["SMS Management Point"]), USE));
}

#[test]
fn a_clients_key_that_could_not_be_opened_is_fine_for_no_version() {
    let certificates = [client_certificate()];
    for api in [KeyApi::Capi, KeyApi::Cng] {
        let missing = Key { presence: KeyPresence::Missing, ..key(api, &certificates) };
        let outcomes = of_key(&missing, &Client::default(), &at(Some("2603")));
        assert_eq!(only(&outcomes, "configmgr_client_certificate").status, Status::Unknown);
    }
}

#[test]
fn the_certificate_that_a_client_says_it_uses_is_its_certificate_and_no_other() {
    let uses = |id: u8| [Binding { sha1: Some([id; 20]), ..binding(BindingKind::CmClient) }];
    // For client authentication or not, in whatever store.
    let certificates = [
        CertificateFacts { sha1: [1; 20], ..client_certificate() },
        CertificateFacts { sha1: [2; 20], key_algorithm: Some("ec"), ..certificate() },
    ];
    let key = Key { stores: &[(None, Some(Cow::Borrowed("ConfigMgrClient")))], ..key(KeyApi::Cng, &certificates) };
    let bindings = uses(2);
    let client = Client { bindings: &bindings, ..Client::default() };
    let outcomes = of_key(&key, &client, &at(Some("2309")));
    let outcome = only(&outcomes, CLIENT);
    assert_eq!((outcome.status, outcome.certificate), (Status::Blocks, 1));
    let bindings = uses(3);
    let client = Client { bindings: &bindings, ..Client::default() };
    let own = Key { stores: MACHINE, ..key.clone() };
    assert!(is_silent(&of_key(&own, &client, &at(Some("2309"))), CLIENT));
    // Whose key was not seen.
    let outcomes = of_client(&client, &at(Some("2309")));
    assert_eq!((only(&outcomes, CLIENT).status, only(&outcomes, CLIENT).binding), (Status::Unknown, Some(0)));
    let bindings = [Binding { key: Some(bound(KeyApi::Cng, 3)), ..bindings[0].clone() }];
    assert!(is_silent(&of_client(&Client { bindings: &bindings, ..Client::default() }, &at(None)), CLIENT));
}

#[test]
fn a_key_of_the_machine_is_a_clients_where_nobody_says_whose_the_store_is() {
    let certificates = [CertificateFacts { key_algorithm: Some("ec"), ..client_certificate() }];
    let stores: &[Store] = &[(None, Some(Cow::Borrowed("My")))];
    let of = |is_machine, stores| {
        let key = Key { is_machine, stores, ..key(KeyApi::Cng, &certificates) };
        of_key(&key, &Client::default(), &at(Some("2309")))
    };
    assert_eq!(only(&of(true, stores), CLIENT).status, Status::Blocks);
    assert!(is_silent(&of(false, stores), CLIENT) && is_silent(&of(true, USER), CLIENT));
}

#[test]
fn before_the_current_branch_nothing_in_cng_works() {
    assert_eq!(client_status(KeyApi::Cng, Some("rsa"), Some("5.00.7958.1000")).0, Status::Blocks);
    assert_eq!(role_status("SMS Management Point", KeyApi::Cng, Some("5.00.8239.1000")).0, Status::Blocks);
}

#[test]
fn the_source_is_that_of_the_statement_that_decided() {
    let source = |id: &str, since: Option<&str>| {
        let since = since.and_then(crate::findings::SiteVersion::parse);
        let row = crate::findings::table::configmgr().iter().find(|row| row.id == id && row.since == since);
        row.expect("a row").source
    };
    let of_role = |name, version| {
        let bindings = [role(name), web(443, KeyApi::Cng, 1)];
        only(&roles(&bindings, Some(version)), ROLE).source
    };
    assert_eq!(of_role("SMS Management Point", "1802"), source("management_point", Some("1802")));
    assert_eq!(of_role("SMS Management Point", "1706"), source("any_cng_certificate", None));
    let certificates = [CertificateFacts { key_algorithm: Some("ec"), ..client_certificate() }];
    let of_client = |version| {
        let outcomes = of_key(&key(KeyApi::Cng, &certificates), &Client::default(), &at(version));
        only(&outcomes, CLIENT).source
    };
    assert_eq!(of_client(Some("2309")), source("client_key_not_rsa", Some("1710")));
    // Several ranges have several.
    assert!(of_client(None).contains("each statement with its own source"));
}
