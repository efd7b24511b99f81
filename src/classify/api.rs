//! Evidence on the interface of a key, strongest first, and the verdict it gives.
//!
//! Not evidence, on purpose: key spec (CNG keys with the spec of a signature key are met in the field), prefixes of
//! container names, the class names of .NET, and the word CNG in a tool's test line. Windows bridges in all of them.

use crate::record::{Api, Claims};

use super::case::{Case, acquired_key_spec};
use super::catalogue::{MatchKind, Row, RowApi};
use super::piece::{Fact, Facts, Kind, Outcome, Says};
use super::rules::RuleId;
use super::verdict::{Grade, KeyApi, Verdict};

/// Key spec of an NCrypt handle: CERT_NCRYPT_KEY_SPEC (wincrypt.h).
const NCRYPT_KEY_SPEC: u32 = 0xFFFF_FFFF;

/// The facts on the interface, strongest first.
pub(super) fn gather(case: &Case<'_>) -> Facts {
    let mut facts = Facts::new();
    if let Some(kind) = case.claims.provider_type {
        let api = if kind == 0 { Api::Cng } else { Api::Capi };
        let says = if case.is_named { Says::Api(api) } else { Says::Nothing };
        facts.push(Fact::new(Kind::ProviderType, RuleId::ProviderType, says, Grade::Recorded));
    }
    handles(case.claims, &mut facts);
    if case.registered.is_listed() {
        let says = case.registered.api().map_or(Says::Nothing, Says::Api);
        facts.push(Fact::new(Kind::ProviderRegistry, RuleId::ProviderRegistry, says, Grade::Recorded));
    }
    names_and_path(case, &mut facts);
    if case.claims.key_spec.is_some() {
        facts.push(Fact::mute(Kind::KeySpec));
    }
    facts
}

/// What handles and enumerations say. They share a rank; inside it CryptoAPI comes first, because NCrypt opens and
/// lists CryptoAPI keys, while CryptoAPI does neither with CNG keys.
fn handles(claims: &Claims<'_>, facts: &mut Facts) {
    let handle = acquired_key_spec(claims.acquire);
    let acquired = |api| Fact::new(Kind::AcquiredHandle, RuleId::AcquiredHandle, Says::Api(api), Grade::Recorded);
    if matches!(handle, Some(1 | 2)) {
        facts.push(acquired(Api::Capi));
    }
    if let Some(api) = claims.enumerated_api {
        facts.push(Fact::new(Kind::EnumeratedApi, RuleId::EnumeratedApi, Says::Api(api), Grade::Recorded));
    }
    if handle == Some(NCRYPT_KEY_SPEC) {
        facts.push(acquired(Api::Cng).bridgeable());
    }
    if claims.ncrypt_key_handle == Some(true) {
        let says = Says::Api(Api::Cng);
        let fact = Fact::new(Kind::NcryptKeyHandle, RuleId::NcryptKeyHandle, says, Grade::Recorded);
        facts.push(fact.bridgeable());
    }
}

/// Exact name, path, prefix and convention, in this order.
fn names_and_path(case: &Case<'_>, facts: &mut Facts) {
    let exact = case.provider.filter(|provider| provider.row.kind == MatchKind::Exact);
    if let Some(provider) = exact {
        let grade = if provider.row.is_documented_name() { Grade::Catalogued } else { Grade::Inferred };
        facts.push(Fact::new(Kind::ProviderName, RuleId::ExactName, of_row(provider.row), grade));
    }
    if case.claims.key_path.is_some() {
        let says = case.key_file.map_or(Says::Nothing, |file| Says::Api(file.api()));
        facts.push(Fact::new(Kind::KeyPath, RuleId::KeyPath, says, Grade::Inferred));
    }
    let Some(provider) = case.provider else { return };
    let name = |rule, says| Fact::new(Kind::ProviderName, rule, says, Grade::Inferred);
    match provider.row.kind {
        MatchKind::Exact => {}
        MatchKind::Prefix if provider.is_interface_by_convention() => {
            facts.push(name(RuleId::NamePrefix, Says::Nothing));
            let convention = provider.convention.map_or(Says::Nothing, of_row);
            facts.push(name(RuleId::NameContains, convention));
        }
        MatchKind::Prefix => facts.push(name(RuleId::NamePrefix, of_row(provider.row))),
        MatchKind::Contains => facts.push(name(RuleId::NameContains, of_row(provider.row))),
    }
}

pub(super) fn of_row(row: &Row) -> Says {
    match row.api {
        RowApi::Capi => Says::Api(Api::Capi),
        RowApi::Cng | RowApi::CngPrimitive => Says::Api(Api::Cng),
        RowApi::Unknown => Says::Nothing,
    }
}

/// The verdict of the facts, each of which learns what became of it.
pub(super) fn weigh<'f>(facts: impl Iterator<Item = &'f mut Fact>) -> Verdict<KeyApi> {
    let mut verdict = Verdict { value: KeyApi::Unknown, grade: None, rule: None, conflict: false };
    let mut winner = None;
    for fact in facts {
        let Says::Api(api) = fact.says else { continue };
        fact.outcome = match winner {
            None => {
                winner = Some(api);
                let value = if api == Api::Capi { KeyApi::Capi } else { KeyApi::Cng };
                verdict = Verdict { value, grade: Some(fact.grade), rule: fact.rule.map(RuleId::id), conflict: false };
                Outcome::Won
            }
            Some(won) if won == api => Outcome::Agreed,
            Some(_) if fact.is_bridgeable => Outcome::Silent,
            Some(_) => {
                verdict.conflict = true;
                Outcome::Contradicted
            }
        };
    }
    verdict
}
