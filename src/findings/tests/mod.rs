//! What rules say, and when they keep silent.

mod configmgr;
mod hygiene;
mod list;
mod overview;
mod products;
mod smart_card;
mod template;

use std::borrow::Cow;

use super::facts::{Binding, Bound, CertificateFacts, Client, Key, Scan, TemplateFacts};
use super::{Context, Outcome, judge_client, judge_key, judge_template};
use crate::classify::{Grade, KeyApi, KeyPresence, KeyStorage, Verdict};
use crate::record::{BindingKind, StoreLocation, Text};

/// A store, as a key has it.
type Store = (Option<StoreLocation>, Option<Text<'static>>);

const MACHINE: &[Store] = &[(Some(StoreLocation::LocalMachine), Some(Cow::Borrowed("My")))];
const USER: &[Store] = &[(Some(StoreLocation::CurrentUser), Some(Cow::Borrowed("My")))];
const NO_TEMPLATES: &[&TemplateFacts] = &[];

fn verdict<T>(value: T) -> Verdict<T> {
    Verdict { value, grade: Some(Grade::Recorded), rule: None, conflict: false }
}

/// A sound RSA key in a store of the machine, with these certificates.
fn key<'a>(api: KeyApi, certificates: &'a [CertificateFacts<'a>]) -> Key<'a> {
    Key {
        key_id: [1; 16],
        spki_sha256: None,
        presence: KeyPresence::Declared,
        api: verdict(api),
        storage: verdict(KeyStorage::Software),
        hardware_backed: Some(false),
        claims_hardware: false,
        provider_name: None,
        provider_type: None,
        key_algorithm: None,
        key_size_bits: None,
        is_exportable: Some(false),
        is_in_file: false,
        is_machine: false,
        stores: MACHINE,
        certificates,
        clients_with_key: 1,
        templates: NO_TEMPLATES,
    }
}

/// A certificate with nothing against it, for no use.
fn certificate() -> CertificateFacts<'static> {
    CertificateFacts {
        key_algorithm: Some("rsa"),
        key_size_bits: Some(2048),
        signature_algorithm: Some("sha256_with_rsa"),
        pqc_status: Some("quantum_vulnerable"),
        not_before: Some(micros(2026, 1)),
        not_after: Some(micros(2028, 1)),
        is_ca: Some(false),
        is_self_signed: Some(false),
        is_client_auth: Some(false),
        is_server_auth: Some(false),
        is_smart_card_logon: Some(false),
        ..CertificateFacts::default()
    }
}

/// The same for client authentication.
fn client_certificate() -> CertificateFacts<'static> {
    CertificateFacts { is_client_auth: Some(true), ..certificate() }
}

fn bound(api: KeyApi, id: u8) -> Bound {
    Bound {
        key_id: Some([id; 16]),
        is_machine: true,
        presence: KeyPresence::Declared,
        api,
        storage: KeyStorage::Software,
        key_spec: (api == KeyApi::Capi).then_some(1),
        key_size_bits: Some(2048),
        doubt: None,
    }
}

/// A binding of a kind, with nothing else.
fn binding(kind: BindingKind) -> Binding<'static> {
    Binding { kind, name: None, app_id: None, role: None, site_version: None, port: None, sha1: None, key: None }
}

/// An endpoint of IIS with a key.
fn web(port: u16, api: KeyApi, id: u8) -> Binding<'static> {
    Binding { port: Some(port), sha1: Some([id; 20]), key: Some(bound(api, id)), ..binding(BindingKind::Iis) }
}

fn role(name: &'static str) -> Binding<'static> {
    Binding { role: Some(name), ..binding(BindingKind::CmRole) }
}

/// About that month, as microseconds.
fn micros(year: i64, month: i64) -> i64 {
    ((year - 1970) * 31_556_952 + (month - 1) * 2_629_746) * 1_000_000
}

fn at(site_version: Option<&str>) -> Context<'_> {
    Context::new(Scan { site_version, ..Scan::default() })
}

fn of_key(key: &Key<'_>, client: &Client<'_>, context: &Context<'_>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    judge_key(key, client, context, &mut outcomes);
    outcomes
}

fn of_client(client: &Client<'_>, context: &Context<'_>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    judge_client(client, context, &mut outcomes);
    outcomes
}

fn of_template(template: &TemplateFacts, context: &Context<'_>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    judge_template(template, context, &mut outcomes);
    outcomes
}

/// The one outcome of a rule.
#[track_caller]
fn only<'o>(outcomes: &'o [Outcome], rule: &str) -> &'o Outcome {
    let mut found = outcomes.iter().filter(|outcome| outcome.rule.id == rule);
    let first = found.next().unwrap_or_else(|| panic!("{rule} is silent: {outcomes:?}"));
    assert!(found.next().is_none(), "{rule} speaks twice");
    first
}

fn is_silent(outcomes: &[Outcome], rule: &str) -> bool {
    assert!(super::find(rule).is_some(), "{rule} is no rule");
    outcomes.iter().all(|outcome| outcome.rule.id != rule)
}
