//! Every statement of Microsoft's overview of CNG certificates in its state of 2018-03-09, under its own name, at 1802
//! and at the newest version; and the statements of other pages.
//!
//! Source: MicrosoftDocs/SCCMdocs sccm/core/plan-design/network/cng-certificates-overview.md @27a13672b (2018-03-09);
//! for newer versions what the statement's row names.

use crate::findings::SiteVersion;
use crate::findings::table::{Support, configmgr, configmgr_answer};
use crate::record::Api;

/// What is said of a role or use for an interface, without what holds for all certificates of it.
fn said(name: &str, version: &str, api: Api) -> Vec<Support> {
    let version = SiteVersion::parse(version).expect(version);
    let rows = configmgr_answer(name, version, api);
    rows.into_iter().map(|row| row.support).collect()
}

macro_rules! statements {
    ($($statement:ident: $name:literal, at_1802 $then:expr, newest $now:expr;)+) => {$(
        mod $statement {
            use super::*;

            #[test]
            fn at_1802() {
                assert_eq!(said($name, "1802", Api::Cng), $then);
            }

            #[test]
            fn at_the_newest_version() {
                assert_eq!(said($name, &SiteVersion::NEWEST.to_string(), Api::Cng), $now);
            }
        }
    )+

    /// Names of the statements, as the table calls them.
    const STATEMENTS: &[&str] = &[$($name,)+ "legacy_certificates"];
    };
}

use Support::{NotListed, Recommendation, Requirement, Retired, Supported, Unsupported};

statements! {
    clients_register_and_talk_to_an_https_management_point: "client_communication",
        at_1802 [Supported], newest [Supported];
    clients_get_software_from_an_https_distribution_point: "software_distribution",
        at_1802 [Supported], newest [Supported];
    operating_systems_are_deployed: "os_deployment",
        at_1802 [Supported], newest [Supported];
    the_client_messaging_sdk_and_isv_proxies_work: "client_messaging_sdk",
        at_1802 [Supported], newest [Supported];
    a_cloud_management_gateway_is_configured: "cloud_management_gateway",
        at_1802 [Supported], newest [Supported];
    software_center_does_not_show_software_for_users: "user_available_software",
        at_1802 [Unsupported], newest [Supported];
    since_1802_a_management_point_takes_cng: "SMS Management Point",
        at_1802 [Supported], newest [Supported];
    since_1802_a_distribution_point_takes_cng: "SMS Distribution Point",
        at_1802 [Supported], newest [Supported];
    since_1802_a_software_update_point_takes_cng: "SMS Software Update Point",
        at_1802 [Supported], newest [Supported];
    since_1802_a_state_migration_point_takes_cng: "SMS State Migration Point",
        at_1802 [Supported], newest [Supported];
    the_certificate_registration_point_is_not_listed: "SMS Certificate Registration Point",
        at_1802 [NotListed], newest [Retired];
    the_policy_module_of_ndes_does_not_take_cng: "NDES policy module",
        at_1802 [Unsupported], newest [];
    the_application_catalog_web_service_does_not_take_cng: "SMS Application Web Service",
        at_1802 [Unsupported], newest [Retired];
    the_application_catalog_website_does_not_take_cng: "SMS Portal Web Site",
        at_1802 [Unsupported], newest [Retired];
    the_enrollment_point_does_not_take_cng: "SMS Enrollment Server",
        at_1802 [Unsupported], newest [Unsupported];
    the_enrollment_proxy_point_does_not_take_cng: "SMS Enrollment Web Site",
        at_1802 [Unsupported], newest [Unsupported];
    a_cloud_distribution_point_cannot_be_made_with_cng: "cloud distribution point",
        at_1802 [Unsupported], newest [Retired];
    task_sequence_media_cannot_be_made_with_cng: "task sequence media",
        at_1802 [Unsupported], newest [Supported];
    a_template_needs_a_ca_of_2008_or_later: "template_ca_compatibility",
        at_1802 [Requirement], newest [Requirement];
    a_template_needs_a_recipient_of_vista_or_later: "template_recipient_compatibility",
        at_1802 [Requirement], newest [Requirement];
    a_template_needs_a_key_storage_provider: "template_provider_category",
        at_1802 [Requirement], newest [Requirement];
    a_template_should_take_its_names_from_active_directory: "template_subject",
        at_1802 [Recommendation], newest [Recommendation];
}

mod certificates_with_cryptoapi_keys_go_on_working {
    use super::*;

    #[test]
    fn at_1802() {
        assert_eq!(said("legacy_certificates", "1802", Api::Capi), [Supported]);
    }

    #[test]
    fn at_the_newest_version() {
        assert_eq!(said("legacy_certificates", &SiteVersion::NEWEST.to_string(), Api::Capi), [Supported]);
    }

    #[test]
    fn for_every_role_and_use_that_is_not_gone() {
        for row in configmgr().iter().filter(|row| row.support == Unsupported && row.until.is_none()) {
            let supported = said(row.id, "1802", Api::Capi);
            assert_eq!(supported.last(), Some(&Supported), "{}", row.id);
        }
    }
}

#[test]
fn no_statement_of_the_overview_is_without_a_test() {
    for row in configmgr().iter().filter(|row| row.source.contains("CNG certificates overview of 2018-03-09")) {
        assert!(STATEMENTS.iter().any(|name| row.is_called(name)), "{}", row.id);
    }
}

/// SCCMdocs whats-new-in-version-1710.md: the first version with CNG.
#[test]
fn before_1710_no_cng_certificate_works() {
    assert_eq!(said("management_point", "1706", Api::Cng), [Unsupported]);
    assert_eq!(said("client", "1706", Api::Cng), [Unsupported]);
    assert_eq!(said("CNG", "1706", Api::Cng), [Unsupported]);
    assert_eq!(said("CNG", "1710", Api::Cng), []);
}

/// SCCMdocs whats-new-in-version-1802.md.
#[test]
fn at_1710_roles_are_not_listed_and_state_migration_fails() {
    for role in ["management_point", "DP", "SUP"] {
        assert_eq!(said(role, "1710", Api::Cng), [NotListed]);
    }
    assert_eq!(said("SMP", "1710", Api::Cng), [Unsupported]);
}

/// SCCMdocs capabilities-in-technical-preview-1802.md: the preview is not the release.
#[test]
fn the_technical_preview_1802_has_no_state_migration_point_yet() {
    assert_eq!(said("state_migration_point", "1802TP", Api::Cng), [Unsupported]);
}

/// SCCMdocs cng-certificates-overview.md @f4c0d4ded (2018-07-28).
#[test]
fn since_1806_media_and_registration_points_take_cng() {
    for name in ["bootable media", "NDES", "policy module client certificate"] {
        assert_eq!(said(name, "1806", Api::Cng), [Supported], "{name}");
    }
    assert_eq!(said("bootable media", "1710", Api::Cng), [Unsupported]);
}

/// memdocs cng-certificates-overview.md @008cd388 (2021-04-30).
#[test]
fn clients_take_rsa_alone_from_cng() {
    for version in ["1710", "2603"] {
        assert_eq!(said("RSA", version, Api::Cng), [Supported]);
        assert_eq!(said("ECDSA", version, Api::Cng), [Unsupported]);
        assert_eq!(said("ML-DSA", version, Api::Cng), [Unsupported]);
    }
    assert_eq!(said("user collection", "2010", Api::Cng), [Unsupported]);
    assert_eq!(said("user collection", "2103", Api::Cng), [Supported]);
    assert_eq!(
        (said("algorithm name", "2010", Api::Cng), said("algorithm name", "2103", Api::Cng)),
        (vec![], vec![Requirement])
    );
}

/// memdocs removed-and-deprecated-cmfeatures.md @67db8835 (2024-04-05).
#[test]
fn what_is_gone_is_gone_with_either_interface() {
    for (name, since, before) in [
        ("certificate_registration_point", "2203", "2111"),
        ("application_catalog_website", "1910", "1906"),
        ("application_catalog_web_service", "1910", "1906"),
        ("cloud_distribution_point", "2107", "2103"),
        ("http_communication", "2403", "2309"),
    ] {
        for api in [Api::Capi, Api::Cng] {
            assert!(said(name, since, api).contains(&Retired), "{name} {since}");
            assert!(!said(name, before, api).contains(&Retired), "{name} {before}");
        }
    }
}

/// memdocs cng-certificates-overview.md @008cd388 (2021-04-30) no longer has it; nothing says that it works.
#[test]
fn of_a_cloud_distribution_point_at_2103_nothing_is_said() {
    assert_eq!(said("CDP", "2010", Api::Cng), [Unsupported]);
    assert_eq!(said("CDP", "2103", Api::Cng), []);
}

/// memdocs pki-certificate-requirements.md @f9ddbc90 (2021-08-10), and SCCMdocs create-certificate-profiles.md.
#[test]
fn statements_without_a_version_are_answered() {
    assert_eq!(said("PXE certificate", "2309", Api::Cng), [Requirement]);
    assert_eq!(said("PXE certificate", "2309", Api::Capi), [Requirement, Supported]);
    assert_eq!(said("client certificate", "2309", Api::Cng), [Requirement]);
    assert_eq!(said("site system monitoring", "2309", Api::Cng), [NotListed]);
    assert_eq!(said("site database server", "2309", Api::Cng), [NotListed]);
    assert_eq!(said("code_signing_template_v3", "2309", Api::Cng), [Unsupported]);
    // The profile had its choices before the certificates were of use to Configuration Manager itself.
    assert_eq!(said("SCEP profile", "1606", Api::Cng), [Supported, Unsupported]);
    assert_eq!(said("SCEP profile", "1802", Api::Cng), [Supported]);
    assert_eq!(said("SCEP profile", "1602", Api::Cng), [Unsupported]);
    assert_eq!(said("SCEP profile", "2203", Api::Cng), []);
    assert_eq!(said("template_software_provider", "1802", Api::Cng), []);
    assert_eq!(said("template_software_provider", "1806", Api::Cng), [Requirement]);
    assert_eq!(said("no such thing", "2309", Api::Capi), []);
}

#[test]
fn contradictions_of_the_pages_are_told() {
    for id in [
        "enrollment_point",
        "enrollment_proxy_point",
        "cloud_distribution_point",
        "template_software_provider",
        "certificate_registration_point",
    ] {
        let mut rows = configmgr().iter().filter(|row| row.id == id);
        assert!(
            rows.any(|row| row.note.starts_with("Microsoft contradicts itself")
                || row.note.contains("; Microsoft contradicts itself")),
            "{id}"
        );
    }
}
