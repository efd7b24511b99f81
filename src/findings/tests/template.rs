//! What Configuration Manager asks of templates.
//!
//! Source: SCCMdocs cng-certificates-overview.md @ebbcdb549 (2017-11-15) and @f4c0d4ded (2018-07-28), memdocs
//! cng-certificates-overview.md @008cd388 (2021-04-30).

use super::*;
use crate::findings::{Severity, SiteVersion, Status};

fn good() -> TemplateFacts {
    TemplateFacts {
        name: Some("GroveClient".to_owned()),
        schema_version: Some(4),
        provider_category: Some("key_storage_provider".to_owned()),
        providers: vec!["Microsoft Software Key Storage Provider".to_owned()],
        ca_compatibility: Some("windows_server_2012".to_owned()),
        recipient_compatibility: Some("windows_8_server_2012".to_owned()),
        key_algorithm: Some("RSA".to_owned()),
        subject_rules: vec!["dns_as_cn".to_owned()],
        san_rules: vec!["dns".to_owned()],
        eku: vec!["1.3.6.1.5.5.7.3.2".to_owned()],
        ..TemplateFacts::default()
    }
}

#[track_caller]
fn check(template: &TemplateFacts, rule: &str, status: Status, parts: &[&str]) {
    let outcomes = of_template(template, &at(None));
    let outcome = only(&outcomes, rule);
    assert_eq!((outcome.status, outcome.concerns), (status, "template"), "{}", outcome.message);
    assert!(parts.iter().all(|part| outcome.message.contains(part)), "{}", outcome.message);
}

#[test]
fn a_template_as_microsoft_wants_it_is_fine_in_everything() {
    let outcomes = of_template(&good(), &at(None));
    assert_eq!(outcomes.len(), 6);
    assert!(outcomes.iter().all(|o| o.status == Status::Ok && o.severity == Severity::Info), "{outcomes:?}");
    assert!(outcomes.iter().all(|o| o.rule.id.starts_with("configmgr_template_")));
}

#[test]
fn other_templates_are_not_asked() {
    assert!(of_template(&TemplateFacts { eku: vec!["1.3.6.1.5.5.7.3.1".to_owned()], ..good() }, &at(None)).is_empty());
    assert_eq!(of_template(&TemplateFacts { eku: vec!["2.5.29.37.0".to_owned()], ..good() }, &at(None)).len(), 6);
    let by_policy = TemplateFacts { eku: Vec::new(), application_policies: good().eku, ..good() };
    assert_eq!(of_template(&by_policy, &at(None)).len(), 6);
    // Clients of Configuration Manager are machines; what does not say whose it is may be theirs.
    let of = |is_machine| of_template(&TemplateFacts { is_machine, ..good() }, &at(None)).len();
    assert_eq!(of(Some(false)), 0);
    assert!(of(None) > 0 && of(None) == of(Some(true)));
}

#[test]
fn the_authority_must_be_of_2008_and_should_be_of_2012() {
    const RULE: &str = "configmgr_template_ca_compatibility";
    let of = |value: Option<&str>| TemplateFacts { ca_compatibility: value.map(str::to_owned), ..good() };
    check(
        &of(Some("windows_server_2003")),
        RULE,
        Status::Blocks,
        &["met: windows_server_2003", "needed: windows_server_2008"],
    );
    check(&of(Some("windows_server_2008")), RULE, Status::Warns, &["met: windows_server_2008;", "windows_server_2012"]);
    check(&of(Some("windows_server_2008_r2")), RULE, Status::Warns, &[]);
    check(&of(Some("windows_server_2012")), RULE, Status::Ok, &[]);
    check(&of(Some("windows_server_2016")), RULE, Status::Ok, &[]);
    check(&of(None), RULE, Status::Unknown, &["not known"]);
}

#[test]
fn the_recipient_must_be_vista_and_should_be_windows_8() {
    const RULE: &str = "configmgr_template_recipient_compatibility";
    let of = |value: Option<&str>| TemplateFacts { recipient_compatibility: value.map(str::to_owned), ..good() };
    check(
        &of(Some("windows_xp_server_2003")),
        RULE,
        Status::Blocks,
        &["windows_xp_server_2003", "windows_vista_server_2008"],
    );
    check(&of(Some("windows_7_server_2008_r2")), RULE, Status::Warns, &["windows_8_server_2012"]);
    check(&of(Some("windows_10_server_2016")), RULE, Status::Ok, &[]);
    check(&of(None), RULE, Status::Unknown, &[]);
}

#[test]
fn the_category_must_be_that_of_key_storage_providers() {
    const RULE: &str = "configmgr_template_provider_category";
    let of = |value: Option<&str>| TemplateFacts { provider_category: value.map(str::to_owned), ..good() };
    check(&of(Some("legacy")), RULE, Status::Warns, &["met: legacy", "needed: key_storage_provider"]);
    check(&of(None), RULE, Status::Unknown, &[]);
}

#[test]
fn a_template_for_cryptoapi_keys_blocks_nothing() {
    let legacy = TemplateFacts {
        provider_category: Some("legacy".to_owned()),
        ca_compatibility: Some("windows_server_2003".to_owned()),
        recipient_compatibility: Some("windows_xp_server_2003".to_owned()),
        key_algorithm: Some("DSA".to_owned()),
        ..good()
    };
    let outcomes = of_template(&legacy, &at(None));
    assert!(outcomes.iter().all(|outcome| outcome.status != Status::Blocks), "{outcomes:?}");
    assert!(is_silent(&outcomes, "configmgr_template_software_provider"));
}

#[test]
fn the_algorithm_must_be_rsa() {
    const RULE: &str = "configmgr_template_algorithm";
    let of = |value: Option<&str>| TemplateFacts { key_algorithm: value.map(str::to_owned), ..good() };
    check(&of(Some("ECDH_P256")), RULE, Status::Blocks, &["met: ECDH_P256", "needed: RSA"]);
    check(&of(None), RULE, Status::Unknown, &[]);
    // Without a version each range has its own answer.
    check(&of(Some("ECDH_P256")), RULE, Status::Blocks, &["site version not known: from 2103 blocks"]);
    let outcomes = of_template(&of(Some("ECDH_P256")), &at(Some("2103")));
    assert_eq!(&*only(&outcomes, RULE).message, "met: ECDH_P256; needed: RSA");
    assert!(is_silent(&of_template(&good(), &at(Some("2010"))), RULE));
    assert!(!is_silent(&of_template(&good(), &at(Some("2103"))), RULE));
}

#[test]
fn another_provider_than_the_software_one_is_a_deviation() {
    const RULE: &str = "configmgr_template_software_provider";
    let of = |names: &[&str]| TemplateFacts { providers: names.iter().map(|&n| n.to_owned()).collect(), ..good() };
    let platform = "Microsoft Platform Crypto Provider";
    check(&of(&[platform]), RULE, Status::Warns, &[platform, "contradicts itself"]);
    check(&of(&["Microsoft Software Key Storage Provider", platform]), RULE, Status::Warns, &[platform]);
    check(&of(&[]), RULE, Status::Unknown, &[]);
    check(&TemplateFacts { any_provider: Some(true), ..of(&[]) }, RULE, Status::Warns, &["any provider"]);
    assert!(is_silent(&of_template(&of(&[platform]), &at(Some("1802"))), RULE));
}

#[test]
fn names_should_be_dns_names_of_active_directory() {
    const RULE: &str = "configmgr_template_subject";
    let supplied = vec!["supplied_by_enrollee".to_owned()];
    let of =
        |subject: Vec<String>, san: Vec<String>| TemplateFacts { subject_rules: subject, san_rules: san, ..good() };
    check(&of(supplied.clone(), supplied), RULE, Status::Warns, &["subject supplied_by_enrollee"]);
    check(&of(good().subject_rules, vec!["upn".to_owned()]), RULE, Status::Warns, &["alternative name upn"]);
    check(&of(Vec::new(), good().san_rules), RULE, Status::Warns, &["subject nothing"]);
    check(&of(Vec::new(), Vec::new()), RULE, Status::Unknown, &[]);
}

#[test]
fn a_row_speaks_where_all_sites_have_one_of_its_versions() {
    let common = |version| Context::new(Scan { common_version: SiteVersion::parse(version), ..Scan::default() });
    let rules = |context: &Context<'_>| of_template(&good(), context).len();
    assert_eq!(rules(&common("2603")), 6);
    assert!(rules(&common("1702")) < 6, "rows that begin later say nothing");
    let asked = Scan { site_version: Some("2603"), common_version: SiteVersion::parse("1702"), ..Scan::default() };
    assert_eq!(rules(&Context::new(asked)), 6, "the option wins");
}
