//! Evidence on where a key lives, strongest first, and the verdict it gives.
//!
//! Every piece leaves a set of classes possible and stands for one of them. The strongest decides. A weaker one may
//! choose inside a set that is still open ("some hardware" and then "of an HSM vendor"), never outside it; where it
//! leaves nothing of the set, it contradicts.

use crate::record::{Api, PcpAttestation};

use super::case::Case;
use super::catalogue::{Confidence, Hardware, Row};
use super::classes::Classes;
use super::flags::{self, Impl};
use super::piece::{Fact, Facts, Kind, Outcome, Says};
use super::place::{self, KeyFile, Place};
use super::rules::RuleId;
use super::verdict::{Grade, KeyStorage, Verdict};

/// The facts on storage, strongest first. `api` is the verdict on the interface, by which unlabelled flags are read.
pub(super) fn gather(case: &Case<'_>, api: Option<Api>) -> Facts {
    let mut facts = Facts::new();
    let row = case.provider.map(|provider| provider.row);
    if case.claims.in_file {
        let says = Says::only(KeyStorage::Software);
        facts.push(Fact::new(Kind::InFile, RuleId::ExportedKey, says, Grade::Recorded));
    }
    isolation(case, api, &mut facts);
    let microsoft = row.filter(|row| row.is_microsoft_class());
    if let Some(row) = microsoft {
        facts.push(Fact::new(Kind::ProviderName, RuleId::MicrosoftProvider, of_row(row), Grade::Catalogued));
    }
    key_flags(case, api, &mut facts);
    places(case, &mut facts);
    if let Some(row) = row.filter(|_| microsoft.is_none()) {
        let grade = if row.is_documented_name() { Grade::Catalogued } else { Grade::Inferred };
        facts.push(Fact::new(Kind::ProviderName, RuleId::CatalogueClass, of_row(row), grade));
    }
    attestation(case, &mut facts);
    if let Some(implementation) = case.registered.implementation(api) {
        let says = of_flag(implementation, None);
        facts.push(Fact::new(Kind::ProviderImplFlags, RuleId::ProviderImplFlag, says, Grade::Inferred));
    }
    hardware_device(case, api, &mut facts);
    facts
}

/// The word of a CSP on itself. The bit behind it is that of HARDWARE and of MIXED, so it says nothing of a provider that
/// may be either, and never that a key is software.
fn hardware_device(case: &Case<'_>, api: Option<Api>, facts: &mut Facts) {
    let Some(is_hardware) = case.claims.hardware_device.filter(|_| case.is_named) else { return };
    let row = case.provider.map(|provider| provider.row);
    let is_doubtful =
        row.is_some_and(|row| row.hardware == Hardware::Depends && row.confidence != Confidence::Heuristic);
    let says = match is_hardware && !is_doubtful && api != Some(Api::Cng) {
        true => of_flag(Impl::Hardware, None),
        false => Says::Nothing,
    };
    facts.push(Fact::new(Kind::HardwareDevice, RuleId::HardwareDevice, says, Grade::Inferred));
}

fn isolation(case: &Case<'_>, api: Option<Api>, facts: &mut Facts) {
    let vbs = |kind, says| Fact::new(kind, RuleId::VbsKeyFlag, says, Grade::Recorded);
    let isolated = Says::only(KeyStorage::Vbs);
    if let Some(virtual_iso) = case.claims.virtual_iso {
        facts.push(vbs(Kind::VirtualIso, if virtual_iso == 0 { Says::Nothing } else { isolated }));
    }
    if case.claims.isolated_key {
        facts.push(vbs(Kind::IsolatedKey, isolated));
    }
    if case.claims.impl_flags.is_some_and(|raw| flags::is_isolated(raw, case.claims.impl_api.or(api))) {
        facts.push(vbs(Kind::ImplFlags, isolated));
    }
}

fn key_flags(case: &Case<'_>, api: Option<Api>, facts: &mut Facts) {
    let Some(raw) = case.claims.impl_flags else { return };
    let implementation = flags::decode(raw, case.claims.impl_api.or(api));
    let says = of_flag(implementation, case.provider.map(|provider| provider.row));
    // A provider sets HARDWARE by itself; only a documented name beside it makes that a record (see `weigh`).
    let grade = if implementation == Impl::Hardware { Grade::Inferred } else { Grade::Recorded };
    facts.push(Fact::new(Kind::ImplFlags, RuleId::KeyImplFlag, says, grade));
}

fn places(case: &Case<'_>, facts: &mut Facts) {
    let inferred = |kind, rule, place: Option<Place>| Fact::new(kind, rule, of_place(place), Grade::Inferred);
    if let Some(reader) = &case.claims.reader {
        facts.push(inferred(Kind::Reader, RuleId::ReaderName, place::reader(reader)));
    }
    if case.claims.key_path.is_some() {
        facts.push(inferred(Kind::KeyPath, RuleId::KeyPath, case.key_file.map(KeyFile::place)));
    }
    // The unique name that a provider gives a key may have the carrier in front, like the container.
    for (kind, text) in [(Kind::KeyContainer, &case.claims.key_container), (Kind::KeyPath, &case.claims.key_path)] {
        if let Some(place) = text.as_deref().and_then(place::carrier) {
            facts.push(inferred(kind, RuleId::KeyCarrier, Some(place)));
        }
    }
}

fn attestation(case: &Case<'_>, facts: &mut Facts) {
    let mark = |kind, says| Fact::new(kind, RuleId::AttestationUnverified, says, Grade::Inferred);
    let tpm_if = |vouches: bool| if vouches { Says::only(KeyStorage::Tpm) } else { Says::Nothing };
    if case.marks.has_policy() {
        facts.push(mark(Kind::AttestationPolicy, tpm_if(case.marks.vouch_for_own_key())));
    }
    if let Some(word) = case.claims.pcp_attestation {
        facts.push(mark(Kind::PcpAttestation, tpm_if(word != PcpAttestation::None)));
    }
    if case.marks.is_yubikey_attestation() {
        facts.push(mark(Kind::YubikeyAttestation, Says::only(KeyStorage::UsbToken)));
    }
}

/// What a catalogue row says. Where all its classes are hardware, its class stands for all of them; where it may also
/// be software, nothing weaker shall make software of it.
pub(super) fn of_row(row: &Row) -> Says {
    let set = row.classes();
    if set.is_empty() || row.backing == KeyStorage::Unknown {
        return Says::Nothing;
    }
    Says::Storage { value: row.backing, set, is_open: row.hardware == Hardware::Yes && set.single().is_none() }
}

/// What implementation flags say of a key whose provider has this row.
fn of_flag(implementation: Impl, row: Option<&Row>) -> Says {
    match implementation {
        Impl::Silent => Says::Nothing,
        Impl::Software => Says::Storage { value: KeyStorage::Software, set: Classes::SOFTWARE, is_open: false },
        Impl::Hardware => {
            // A provider of two natures, one of them hardware (Windows Hello: TPM or software): the flag settles it.
            let doubtful = row.filter(|row| row.backing == KeyStorage::Unknown);
            match doubtful.and_then(|row| row.classes().and(Classes::HARDWARE).single()) {
                Some(only) => Says::only(only),
                None => Says::Storage { value: KeyStorage::OtherHardware, set: Classes::HARDWARE, is_open: true },
            }
        }
    }
}

fn of_place(place: Option<Place>) -> Says {
    place.map_or(Says::Nothing, |place| Says::Storage { value: place.value, set: place.set, is_open: place.is_open })
}

/// The verdict of the facts, each of which learns what became of it.
pub(super) fn weigh<'f>(facts: impl Iterator<Item = &'f mut Fact>) -> Verdict<KeyStorage> {
    let mut verdict = Verdict { value: KeyStorage::Unknown, grade: None, rule: None, conflict: false };
    // What the winner and those who refined it leave possible; one class once it is settled.
    let mut possible = None;
    for fact in facts {
        let Says::Storage { value, set, is_open } = fact.says else { continue };
        let settled = if is_open { set } else { Classes::of(&[value]) };
        let Some(before) = possible else {
            verdict = Verdict { value, grade: Some(fact.grade), rule: fact.rule.map(RuleId::id), conflict: false };
            possible = Some(settled);
            fact.outcome = Outcome::Won;
            continue;
        };
        let left = before.and(set);
        if left.is_empty() {
            verdict.conflict = true;
            fact.outcome = Outcome::Contradicted;
            continue;
        }
        fact.outcome = Outcome::Agreed;
        // What nobody verified may agree, but it does not choose among what stronger evidence leaves open.
        let is_unverified = matches!(fact.rule, Some(RuleId::AttestationUnverified | RuleId::CaAttestation));
        if before.single().is_some() || is_unverified {
            continue;
        }
        if left.has(value) {
            verdict.value = value;
            possible = Some(before.and(settled));
            let is_hardware_flag = verdict.rule == Some(RuleId::KeyImplFlag.id());
            if is_hardware_flag && fact.rule == Some(RuleId::CatalogueClass) && fact.grade == Grade::Catalogued {
                verdict.grade = Some(Grade::Recorded);
            }
        } else {
            verdict.value = left.single().unwrap_or(verdict.value);
            possible = Some(left);
        }
    }
    verdict
}

/// Whether a key of this verdict is bound to hardware, given the row of its provider.
pub(super) fn hardware_backed(verdict: &Verdict<KeyStorage>, row: Option<&Row>) -> Option<bool> {
    let hardware = row.map(|row| row.hardware);
    let by_name =
        [RuleId::CatalogueClass, RuleId::MicrosoftProvider].map(|rule| Some(rule.id())).contains(&verdict.rule);
    match verdict.value {
        KeyStorage::None | KeyStorage::Unknown => None,
        // A flag from a service's provider is the word of that provider: only the vendor's documentation counts.
        KeyStorage::CloudKms => (hardware == Some(Hardware::Yes)).then_some(true),
        _ if by_name && hardware == Some(Hardware::Depends) => None,
        // True of a mixed provider as well.
        _ if verdict.rule == Some(RuleId::HardwareDevice.id()) => None,
        KeyStorage::Software | KeyStorage::Vbs => Some(false),
        KeyStorage::Tpm
        | KeyStorage::SmartCard
        | KeyStorage::UsbToken
        | KeyStorage::VirtualSmartCard
        | KeyStorage::Hsm
        | KeyStorage::OtherHardware => Some(true),
    }
}
