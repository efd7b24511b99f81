//! The list of rules and the page.

use std::collections::HashSet;

use super::*;
use crate::findings::table::{configmgr, products};
use crate::findings::{Applies, RULES, find, page, statements};

#[test]
fn ids_are_unique_and_lower_snake() {
    let ids: HashSet<_> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    let is_word = |id: &str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    assert!(ids.iter().all(|id| is_word(id)));
    assert!(configmgr().iter().all(|row| is_word(row.id)) && products().iter().all(|row| is_word(row.id)));
}

#[test]
fn every_rule_says_what_why_and_from_where() {
    for rule in RULES {
        for text in [rule.title, rule.why, rule.what_to_do, rule.source] {
            assert!(!text.is_empty() && !text.contains("  ") && text.trim() == text, "{}: {text:?}", rule.id);
        }
        assert!(!rule.title.ends_with('.'), "{}", rule.id);
    }
}

#[test]
fn every_statement_names_a_rule_that_is_there_or_none() {
    for (id, rule) in configmgr().iter().map(|r| (r.id, r.rule)).chain(products().iter().map(|r| (r.id, r.rule))) {
        let Some(rule) = rule else { continue };
        let rule = find(rule).unwrap_or_else(|| panic!("{id}: {rule} is no rule"));
        assert!(!matches!(rule.applies, Applies::LookUp | Applies::AtOnce), "{id}");
    }
}

#[test]
fn the_page_has_every_rule_and_every_statement() {
    let page = page();
    for rule in RULES {
        assert!(page.contains(&format!("\n### {}\n", rule.id)), "{}", rule.id);
        assert!(page.contains(rule.why) && page.contains(rule.source));
    }
    let lines = page.lines().filter(|line| line.starts_with("| ")).count();
    // Each table has a heading.
    assert_eq!(lines, configmgr().len() + products().len() + 2);
    for row in configmgr() {
        assert!(page.contains(row.title) && page.contains(row.note), "{}", row.id);
    }
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(page.lines().filter(|line| line.starts_with('|')).all(|line| columns(line) == 8));
}

#[test]
fn a_sound_key_of_no_use_is_silent() {
    for api in [KeyApi::Cng, KeyApi::Capi, KeyApi::Unknown] {
        let certificates = [certificate()];
        assert!(of_key(&key(api, &certificates), &Client::default(), &at(Some("1802"))).is_empty());
        assert!(of_key(&key(api, &[]), &Client::default(), &at(None)).is_empty());
    }
    assert!(of_client(&Client::default(), &at(Some("1802"))).is_empty());
    assert!(of_template(&TemplateFacts::default(), &at(None)).is_empty());
}

#[test]
fn where_there_is_no_key_nothing_is_said() {
    let certificates = [CertificateFacts { is_roca: true, ..client_certificate() }];
    let key = Key { presence: KeyPresence::None, api: verdict(KeyApi::None), ..key(KeyApi::None, &certificates) };
    assert!(of_key(&key, &Client::default(), &at(Some("1802"))).is_empty());
}

#[test]
fn every_statement_can_be_explained() {
    for row in configmgr() {
        let text = statements(row.id).expect(row.id);
        assert!(text.contains(row.title) && text.contains(row.source) && text.contains(&row.versions()), "{text}");
        assert_eq!(statements(row.title).is_some(), row.title.contains(' '));
    }
    for row in products() {
        assert!(statements(row.id).is_some_and(|text| text.contains(row.requirement) && text.contains(row.source)));
    }
    assert!(statements("SMS Management Point").is_some_and(|text| text.contains("from 1710, before 1802")));
    for (rule, id) in [("configmgr_other_uses", "scep_key_storage: "), ("other_products", "lync_server: ")] {
        assert!(statements(rule).is_some_and(|text| text.contains(id)), "{rule}");
    }
    for name in ["CNG", "client", "Microsoft Software Key Storage Provider", ""] {
        assert_eq!(statements(name), None, "{name}");
    }
}

#[test]
fn long_names_of_exports_are_cut() {
    let long = "é".repeat(5000);
    let certificates = [CertificateFacts { is_ca: Some(true), key_algorithm: Some(&long), ..client_certificate() }];
    let key = Key { provider_name: Some(&long), ..key(KeyApi::Capi, &certificates) };
    let cng = Key { api: verdict(KeyApi::Cng), ..key.clone() };
    for key in [key, cng] {
        let outcomes = of_key(&key, &Client::default(), &at(None));
        assert!(outcomes.iter().any(|outcome| outcome.message.contains("é...")));
        assert!(outcomes.iter().all(|outcome| outcome.message.chars().count() < 1000), "{outcomes:?}");
    }
}
