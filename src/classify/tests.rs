//! The classifier as a whole: every catalogue row, the golden table, and what must hold for any evidence.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;

use super::catalogue::{Catalogue, Confidence, Hardware, MatchKind, Row, RowApi};
use super::judge::Classifier;
use super::marks::Marks;
use super::piece::{Fact, Facts, Kind, Outcome, Says, Subject};
use super::rules::{RULES, RuleId};
use super::verdict::{Grade, KeyApi, KeyStorage, Verdicts};
use super::{Classes, storage};
use crate::record::{Acquire, Api, Claims, KeyReport, PcpAttestation, Provider};

fn classifier() -> Classifier {
    static CATALOGUE: OnceLock<Arc<Catalogue>> = OnceLock::new();
    Classifier::new(Arc::clone(CATALOGUE.get_or_init(|| Arc::new(Catalogue::builtin()))))
}

// --- the catalogue, row by row

/// A name that the row is meant for.
fn name_for(row: &Row) -> String {
    match row.kind {
        MatchKind::Exact => row.name.clone(),
        MatchKind::Prefix => format!("{}9zz", row.name),
        MatchKind::Contains => format!("Acme {} 9", row.name.trim_start()),
    }
}

#[test]
fn the_built_in_table_is_whole() {
    let catalogue = Catalogue::builtin();
    let count = |test: &dyn Fn(&Row) -> bool| catalogue.rows().iter().filter(|row| test(row)).count();
    assert_eq!(catalogue.rows().len(), 222);
    assert_eq!(count(&|row| row.confidence == Confidence::Documented), 30);
    assert_eq!(count(&|row| row.confidence == Confidence::Unverified), 8);
    assert_eq!(count(&|row| row.kind == MatchKind::Contains), 5);
    assert_eq!(count(&|row| row.is_microsoft_class()), 12);
    for row in catalogue.rows() {
        assert!(!row.source.is_empty() && !row.vendor.is_empty(), "{}", row.name);
        assert!(!row.name.contains("  ") && row.name.is_ascii(), "{}", row.name);
        assert!(row.capi_type.is_none() || row.api == RowApi::Capi, "{}", row.name);
        assert!(!matches!(row.backing, KeyStorage::Vbs | KeyStorage::VirtualSmartCard), "{}", row.name);
        let may_be_software = row.also.has(KeyStorage::Software) || row.confidence == Confidence::Unverified;
        assert!(!may_be_software || row.hardware == Hardware::Depends, "{}", row.name);
    }
}

#[test]
fn every_row_answers_to_its_name_in_any_spelling() {
    let catalogue = Catalogue::builtin();
    let mut judge = classifier();
    for row in catalogue.rows() {
        let name = name_for(row);
        let spellings = [
            name.clone(),
            name.to_uppercase(),
            name.to_lowercase(),
            format!("  {} ", name.replace(' ', "  ")),
            name.replace(' ', "\u{a0}"),
            name.replacen(' ', "\u{ae} ", 1),
            name.replacen(' ', "\u{2122} ", 1),
            name.replacen(' ', "(R) ", 1),
            name.replacen(' ', " (tm) ", 1),
            format!("ECDSA_P256#{name}"),
        ];
        for spelling in spellings {
            let found = catalogue.lookup(&spelling).map(|found| found.row);
            assert_eq!(found.map(|found| &found.name), Some(&row.name), "{spelling:?}");
            let claims = Claims { provider_name: Some(spelling.as_str().into()), ..Claims::default() };
            let verdicts = judge.judge(&claims, &[], Marks::default());
            check_name_alone(row, &verdicts, &spelling);
        }
    }
}

/// A name alone gives the row's interface and class, the grade of its confidence, and nothing where the row is silent.
fn check_name_alone(row: &Row, verdicts: &Verdicts, name: &str) {
    let documented = row.kind == MatchKind::Exact && row.confidence == Confidence::Documented;
    let grade = if documented { Grade::Catalogued } else { Grade::Inferred };
    let (api, rule) = match (row.api, row.kind) {
        // "cryptovision CSP" may be met; our made-up names carry no such word.
        (RowApi::Unknown, _) => (KeyApi::Unknown, None),
        (RowApi::Capi, MatchKind::Exact) => (KeyApi::Capi, Some("exact_name")),
        (RowApi::Capi, MatchKind::Prefix) => (KeyApi::Capi, Some("name_prefix")),
        (RowApi::Capi, MatchKind::Contains) => (KeyApi::Capi, Some("name_contains")),
        (_, MatchKind::Exact) => (KeyApi::Cng, Some("exact_name")),
        (_, MatchKind::Prefix) => (KeyApi::Cng, Some("name_prefix")),
        (_, MatchKind::Contains) => (KeyApi::Cng, Some("name_contains")),
    };
    assert_eq!((verdicts.api.value, verdicts.api.rule), (api, rule), "{name:?}");
    assert_eq!(verdicts.api.grade, rule.map(|_| grade), "{name:?}");
    let is_silent = row.kind == MatchKind::Contains || row.api == RowApi::CngPrimitive;
    let class = if is_silent { KeyStorage::Unknown } else { row.backing };
    assert_eq!(verdicts.storage.value, class, "{name:?}");
    let has_class = class != KeyStorage::Unknown;
    assert_eq!(verdicts.storage.grade, has_class.then_some(grade), "{name:?}");
    let backed = match row.hardware {
        _ if !has_class => None,
        Hardware::Yes => Some(true),
        Hardware::No => Some(false),
        Hardware::Depends => None,
    };
    assert_eq!(verdicts.hardware_backed, backed, "{name:?}");
    assert!(!verdicts.api.conflict && !verdicts.storage.conflict, "{name:?}");
}

#[test]
fn near_misses_are_not_the_row() {
    let catalogue = Catalogue::builtin();
    let exact = |name: &str| catalogue.lookup(name).filter(|found| found.row.kind == MatchKind::Exact);
    for row in catalogue.rows().iter().filter(|row| row.kind == MatchKind::Exact) {
        let shorter: String = row.name.chars().take(row.name.chars().count() - 1).collect();
        for miss in [format!("{}x", row.name), format!("My {}", row.name), row.name.replacen(' ', "-", 1), shorter] {
            let found = exact(&miss).map(|found| &found.row.name);
            assert!(found.is_none_or(|found| *found != row.name || miss == row.name), "{miss:?}");
        }
    }
    for unknown in
        ["Luna", "nCipher", "Thales", "SafeNet", "Yubico", "CFCA", "Infotecs", "KSP", "CSP", "Acme KSPs", "XCSP"]
    {
        assert_eq!(catalogue.lookup(unknown), None, "{unknown}");
    }
}

#[test]
fn the_longest_prefix_wins_and_conventions_come_last() {
    let catalogue = Catalogue::builtin();
    let names = |name: &str| catalogue.matches(name).iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!(names("Longmai mToken GM3000 CSP V1.1"), ["Longmai mToken", " CSP"]);
    assert_eq!(names("Acme KSP for old Cryptographic Service Provider"), [" KSP", "Cryptographic Service Provider"]);
    assert_eq!(names("Schlumberger Cryptographic Service Provider").len(), 3);
}

#[test]
fn rows_of_the_user_win_and_are_marked() {
    let table = "name\tmatch\tapi\tbacking\tconfidence\n\
                 Microsoft  software Key Storage Provider\texact\tcng\thsm\tdocumented\n\
                 Acme \tprefix\tcapi\tusb_token\t\n\
                 Luna \tprefix\tcng\tsoftware\t\n";
    let catalogue = Arc::new(Catalogue::with_overrides(table).expect("a good table"));
    assert_eq!(catalogue.rows().len(), 222 + 1);
    let mut judge = Classifier::new(Arc::clone(&catalogue));
    let mut verdicts = |name: &'static str| {
        let claims = Claims { provider_name: Some(name.into()), ..Claims::default() };
        judge.judge(&claims, &[], Marks::default())
    };
    // A user's row is a user's word, never Microsoft's.
    let changed = verdicts("Microsoft Software Key Storage Provider").storage;
    assert_eq!((changed.value, changed.rule), (KeyStorage::Hsm, Some("catalogue_class")));
    assert_eq!(changed.grade, Some(Grade::Catalogued));
    let added = verdicts("Acme 5");
    assert_eq!((added.api.value, added.storage.value), (KeyApi::Capi, KeyStorage::UsbToken));
    assert_eq!(verdicts("Luna 5").storage.value, KeyStorage::Software);
    assert!(catalogue.lookup("Acme 5").is_some_and(|found| found.row.is_user && found.row.line == 3));
    assert!(catalogue.lookup("SignPathKSP").is_some_and(|found| !found.row.is_user));
    let error = Catalogue::with_overrides("name\tmatch\n").map(|_| ()).expect_err("columns are missing");
    assert_eq!(error.to_string(), "line 1: column \"api\" is missing; the first line names the columns");
}

// --- the golden table

const GOLDEN: &str = include_str!("golden.txt");

/// What a golden case knows.
#[derive(Default)]
struct Known {
    claims: Claims<'static>,
    registry: Vec<Provider<'static>>,
    marks: Marks,
}

fn number(text: &str) -> Option<u32> {
    let parsed = text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u32::from_str_radix(hex, 16));
    Some(parsed.expect("a number"))
}

fn api(text: &str) -> Option<Api> {
    Some(if text == "cng" { Api::Cng } else { Api::Capi })
}

fn read_case(text: &'static str) -> Known {
    let mut known =
        Known { claims: Claims { key_report: KeyReport::Claimed, ..Claims::default() }, ..Known::default() };
    let (mut policies, mut ca, mut role, mut yubikey) = (Vec::new(), None, None, false);
    for part in text.split("; ") {
        let (key, value) = part.split_once('=').expect("key=value");
        let claims = &mut known.claims;
        let flag = Some(value == "true");
        let mut acquire = claims.acquire.unwrap_or_default();
        match key {
            "report" if value == "absent" => claims.key_report = KeyReport::Absent,
            "report" if value == "not_reported" => claims.key_report = KeyReport::NotReported,
            "name" => claims.provider_name = Some(value.into()),
            "type" => claims.provider_type = number(value),
            "key_spec" => claims.key_spec = number(value),
            "container" => claims.key_container = Some(value.into()),
            "path" => claims.key_path = Some(value.into()),
            "has_private_key" => claims.has_private_key = flag,
            "ncrypt_handle" => claims.ncrypt_key_handle = flag,
            "enumerated" => claims.enumerated_api = api(value),
            "hresult" => acquire.hresult = number(value),
            "acquired_spec" => acquire.key_spec = number(value),
            "impl" => claims.impl_flags = number(value),
            "impl_api" => claims.impl_api = api(value),
            "hardware_device" => claims.hardware_device = flag,
            "virtual_iso" => claims.virtual_iso = number(value),
            "in_file" => claims.in_file = value == "true",
            "isolated_key" => claims.isolated_key = value == "true",
            "reader" => claims.reader = Some(value.into()),
            "pcp" if value == "none" => claims.pcp_attestation = Some(PcpAttestation::None),
            "pcp" if value == "ek_chain" => claims.pcp_attestation = Some(PcpAttestation::EkChain),
            "registry" => {
                let mut fields = value.split(':');
                let mut entry = Provider { api: fields.next().and_then(api), ..Provider::default() };
                entry.name = fields.next().unwrap_or_default().into();
                entry.impl_flags = fields.next().and_then(number);
                known.registry.push(entry);
            }
            "policies" => policies = value.split(',').filter_map(|policy| policy.parse().ok()).collect(),
            "ca" => ca = flag,
            "role" => role = Some(value),
            "yubikey" => yubikey = value == "true",
            other => panic!("no such key: {other}={value}"),
        }
        if acquire != Acquire::default() {
            known.claims.acquire = Some(acquire);
        }
    }
    known.marks = Marks::new(&policies, ca, role, yubikey);
    known
}

fn write_verdicts(verdicts: &Verdicts) -> String {
    let grade = |grade: Option<Grade>| grade.map_or("-", Grade::as_str);
    let (api, storage) = (&verdicts.api, &verdicts.storage);
    let mark = |conflict: bool| if conflict { "!" } else { "" };
    let hardware = verdicts.hardware_backed.map_or("-", |yes| if yes { "yes" } else { "no" });
    let rule = |rule: Option<&'static str>| rule.unwrap_or("-");
    format!(
        "{} | {} {} {}{} | {} {} {}{} | {} | {}",
        verdicts.presence,
        api.value,
        grade(api.grade),
        rule(api.rule),
        mark(api.conflict),
        storage.value,
        grade(storage.grade),
        rule(storage.rule),
        mark(storage.conflict),
        hardware,
        verdicts.attestation_assurance.unwrap_or("-"),
    )
}

fn golden() -> Vec<(&'static str, Known, &'static str)> {
    let lines: Vec<_> = GOLDEN.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(lines.len() % 3, 0, "every case has three lines");
    let case = |case: &[&'static str]| {
        assert!(case[0].starts_with("- "), "a case begins with its reason: {}", case[0]);
        (case[0], read_case(case[1]), case[2])
    };
    lines.chunks(3).map(case).collect()
}

#[test]
fn golden_verdicts() {
    let mut judge = classifier();
    let mut wrong = Vec::new();
    for (why, known, expected) in golden() {
        let got = write_verdicts(&judge.judge(&known.claims, &known.registry, known.marks));
        if got != expected {
            wrong.push(format!("{why}\n  expected {expected}\n  got      {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn evidence_tells_what_became_of_every_claim() {
    let known = read_case(
        "name=Microsoft Software Key Storage Provider; type=0; key_spec=2; hresult=0; acquired_spec=1; impl=1; \
         impl_api=cng; path=C:\\ProgramData\\Microsoft\\Crypto\\Keys\\a; policies=30; ca=true",
    );
    let mut judge = classifier();
    let pieces = judge.evidence(&known.claims, &known.registry, known.marks);
    let told: Vec<String> = pieces
        .iter()
        .map(|piece| {
            let rank = piece.rank.map_or("-".to_owned(), |rank| rank.to_string());
            format!("{rank} {} {} = {}: {}", piece.kind.as_str(), piece.outcome.as_str(), piece.value, piece.says)
        })
        .collect();
    let path = r"C:\ProgramData\Microsoft\Crypto\Keys\a";
    let some_hardware =
        "other_hardware (tpm or smart_card or usb_token or virtual_smart_card or hsm or cloud_kms or other_hardware)";
    assert_eq!(
        told,
        [
            "1 provider_type won = 0: cng".to_owned(),
            "2 acquired_handle contradicted = 1: capi".to_owned(),
            "4 provider_name agreed = Microsoft Software Key Storage Provider: cng".to_owned(),
            format!("5 key_path agreed = {path}: cng"),
            "- key_spec silent = 2: nothing".to_owned(),
            "3 provider_name won = Microsoft Software Key Storage Provider: software (software or vbs)".to_owned(),
            format!("4 impl_flags contradicted = 1: {some_hardware}"),
            format!("5 key_path agreed = {path}: software (software or vbs)"),
            "7 attestation_policy silent = 1.3.6.1.4.1.311.21.30: nothing".to_owned(),
        ]
    );
}

#[test]
fn every_rule_decides_some_golden_case_with_every_grade_it_may_have() {
    let mut judge = classifier();
    let mut seen = BTreeSet::new();
    for (_, known, _) in golden() {
        let verdicts = judge.judge(&known.claims, &known.registry, known.marks);
        for (rule, grade) in [(verdicts.api.rule, verdicts.api.grade), (verdicts.storage.rule, verdicts.storage.grade)]
        {
            seen.extend(rule.map(|rule| (rule, grade.map(Grade::as_str))));
        }
    }
    // What only joined keys hear of decides in the tests of `joined`.
    let mut listed = BTreeSet::new();
    for rule in RULES.iter().filter(|rule| !super::joined::HEARSAY.contains(&rule.id)) {
        listed.extend(rule.grades.iter().map(|grade| (rule.id, Some(grade.as_str()))));
        listed.extend(rule.grades.is_empty().then_some((rule.id, None)));
    }
    assert_eq!(seen, listed);
}

// --- what holds for any evidence

prop_compose! {
    fn any_key()(
        (report, name, kind, key_spec, container, path) in (
            0..3u8,
            proptest::option::of(any_name()),
            proptest::option::of(prop_oneof![Just(0u32), Just(1), Just(24), any::<u32>()]),
            proptest::option::of(any::<u32>()),
            proptest::option::of(any_place()),
            proptest::option::of(any_place()),
        ),
        (has, handle, enumerated, acquire) in (
            proptest::option::of(any::<bool>()),
            proptest::option::of(any::<bool>()),
            proptest::option::of(any::<bool>()),
            proptest::option::of((
                proptest::option::of(prop_oneof![Just(0u32), any::<u32>()]),
                proptest::option::of(prop_oneof![Just(1u32), Just(u32::MAX), any::<u32>()]),
            )),
        ),
        (flags, flags_api, hardware_device, virtual_iso, isolated, in_file, pcp, reader) in (
            proptest::option::of(0..0x40u32),
            proptest::option::of(any::<bool>()),
            proptest::option::of(any::<bool>()),
            proptest::option::of(0..2u32),
            any::<bool>(),
            any::<bool>(),
            proptest::option::of(0..3u8),
            proptest::option::of(any_place()),
        ),
        registry in proptest::collection::vec(
            (any_name(), proptest::option::of(any::<bool>()), proptest::option::of(0..12u32)), 0..5),
        (policies, ca, role, yubikey) in (
            proptest::collection::vec(28..34u8, 0..3),
            proptest::option::of(any::<bool>()),
            any::<bool>(),
            any::<bool>(),
        ),
    ) -> Known {
        let api = |cng: bool| if cng { Api::Cng } else { Api::Capi };
        let reports = [KeyReport::NotReported, KeyReport::Absent, KeyReport::Claimed];
        let words = [PcpAttestation::None, PcpAttestation::EkChain, PcpAttestation::AikClaim];
        let claims = Claims {
            key_report: reports[usize::from(report)],
            provider_name: name.map(Into::into),
            provider_type: kind,
            key_spec,
            key_container: container.map(Into::into),
            key_path: path.map(Into::into),
            has_private_key: has,
            ncrypt_key_handle: handle,
            enumerated_api: enumerated.map(api),
            acquire: acquire.map(|(hresult, key_spec)| Acquire { hresult, key_spec }),
            impl_flags: flags,
            impl_api: flags_api.map(api),
            hardware_device,
            virtual_iso,
            isolated_key: isolated,
            in_file,
            pcp_attestation: pcp.map(|word| words[usize::from(word)]),
            reader: reader.map(Into::into),
            ..Claims::default()
        };
        let entry = |(name, cng, impl_flags): (String, Option<bool>, Option<u32>)| {
            Provider { name: name.into(), api: cng.map(api), impl_flags, ..Provider::default() }
        };
        let marks = Marks::new(&policies, ca, role.then_some("platform"), yubikey);
        Known { claims, registry: registry.into_iter().map(entry).collect(), marks }
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\n{:?}\n{:?}", self.claims, self.registry, self.marks)
    }
}

fn any_name() -> impl Strategy<Value = String> {
    let names: Vec<String> = Catalogue::builtin().rows().iter().map(name_for).collect();
    prop_oneof![
        4 => proptest::sample::select(names),
        2 => proptest::sample::select(vec!["", "(null)", "Acme", "Acme KSP", "Acme CSP", "acme  ksp", "RSA#Acme CSP"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,40}",
    ]
}

fn any_place() -> impl Strategy<Value = String> {
    let places = vec![
        r"C:\ProgramData\Microsoft\Crypto\RSA\MachineKeys\a",
        r"C:\ProgramData\Microsoft\Crypto\Keys\a",
        r"C:\Windows\ServiceProfiles\LocalService\AppData\Local\Microsoft\Crypto\PCPKSP\a",
        r"C:\Users\u\AppData\Local\Microsoft\Crypto\PCPKSP\a",
        r"\\.\HDIMAGE\a",
        r"\\.\Reader 0\a",
        "Microsoft Virtual Smart Card 0",
        "Yubico YubiKey 0",
        "Reader 0",
    ];
    prop_oneof![3 => proptest::sample::select(places).prop_map(str::to_owned), 1 => "\\PC{0,40}"]
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let class = proptest::sample::select(Classes::HARDWARE.iter().chain(Classes::SOFTWARE.iter()).collect::<Vec<_>>());
    let says = (class.clone(), proptest::collection::vec(class, 0..4), any::<bool>());
    says.prop_map(|(value, others, is_open)| {
        let set = Classes::of(&others).with(value);
        Fact::new(Kind::ImplFlags, RuleId::KeyImplFlag, Says::Storage { value, set, is_open }, Grade::Inferred)
    })
}

fn weigh(facts: &[Fact]) -> super::Verdict<KeyStorage> {
    let mut all = Facts::new();
    facts.iter().for_each(|fact| all.push(*fact));
    storage::weigh(all.all_mut().iter_mut())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_and_evidence_agree(known in any_key()) {
        let mut judge = classifier();
        let verdicts = judge.judge(&known.claims, &known.registry, known.marks);
        let pieces = judge.evidence(&known.claims, &known.registry, known.marks);
        for (subject, rule, conflict) in [
            (Subject::Api, verdicts.api.rule, verdicts.api.conflict),
            (Subject::Storage, verdicts.storage.rule, verdicts.storage.conflict),
        ] {
            let of_subject: Vec<_> = pieces.iter().filter(|piece| piece.subject == subject).collect();
            let won: Vec<_> = of_subject.iter().filter(|piece| piece.outcome == Outcome::Won).collect();
            prop_assert_eq!(won.len(), usize::from(rule.is_some()));
            prop_assert_eq!(won.first().and_then(|piece| piece.rule), rule);
            prop_assert_eq!(of_subject.iter().any(|piece| piece.outcome == Outcome::Contradicted), conflict);
            prop_assert!(of_subject.iter().filter_map(|piece| piece.rank).is_sorted(), "{:?}", of_subject);
            let said = of_subject.iter().filter(|piece| piece.says != Says::Nothing);
            prop_assert!(said.clone().all(|piece| !piece.value.is_empty()), "{:?}", of_subject);
        }
        let listed = |rule: Option<&str>| rule.is_none_or(|rule| RULES.iter().any(|listed| listed.id == rule));
        prop_assert!(listed(verdicts.api.rule) && listed(verdicts.storage.rule));
    }

    #[test]
    fn verdicts_do_not_depend_on_order_or_on_what_was_judged_before(known in any_key(), other in any_key()) {
        let expected = classifier().judge(&known.claims, &known.registry, known.marks);
        let mut judge = classifier();
        judge.judge(&other.claims, &other.registry, other.marks);
        let mut registry = known.registry.clone();
        registry.reverse();
        prop_assert_eq!(judge.judge(&known.claims, &registry, known.marks), expected);
        let doubled: Vec<_> = registry.iter().chain(&known.registry).cloned().collect();
        prop_assert_eq!(judge.judge(&known.claims, &doubled, known.marks), expected);
    }

    #[test]
    fn a_grade_comes_with_a_value_and_hardware_with_a_class(known in any_key()) {
        let verdicts = classifier().judge(&known.claims, &known.registry, known.marks);
        let api_known = matches!(verdicts.api.value, KeyApi::Capi | KeyApi::Cng);
        prop_assert_eq!(verdicts.api.grade.is_some(), api_known);
        let class_known = !matches!(verdicts.storage.value, KeyStorage::None | KeyStorage::Unknown);
        prop_assert_eq!(verdicts.storage.grade.is_some(), class_known);
        let backed = match verdicts.storage.value {
            KeyStorage::None | KeyStorage::Unknown => vec![None],
            KeyStorage::Software | KeyStorage::Vbs => vec![Some(false)],
            _ => vec![None, Some(true)],
        };
        prop_assert!(backed.contains(&verdicts.hardware_backed), "{:?}", verdicts);
    }

    #[test]
    fn weaker_facts_only_choose_inside_the_winner(facts in proptest::collection::vec(any_fact(), 1..8)) {
        let Says::Storage { value, set, is_open } = facts[0].says else { return Ok(()) };
        let mut before = weigh(&facts[..1]);
        prop_assert_eq!(before.value, value);
        for n in 2..=facts.len() {
            let after = weigh(&facts[..n]);
            prop_assert!(set.has(after.value));
            prop_assert!(is_open || after.value == value);
            prop_assert!(after.conflict || !before.conflict, "a conflict does not go away");
            before = after;
        }
    }

    #[test]
    fn evidence_on_storage_never_changes_the_interface(known in any_key(), flags in proptest::option::of(any::<u32>())) {
        let mut judge = classifier();
        let before = judge.judge(&known.claims, &known.registry, known.marks).api;
        let claims = Claims { impl_flags: flags, impl_api: None, reader: None, virtual_iso: None, ..known.claims.clone() };
        prop_assert_eq!(judge.judge(&claims, &known.registry, Marks::default()).api, before);
    }

    #[test]
    fn any_table_is_read_or_refused(text in "(name\tmatch\tapi\tbacking\n)?\\PC{0,80}") {
        if let Err(error) = Catalogue::with_overrides(&text) {
            prop_assert!(error.line >= 1 && !error.reason.is_empty());
        }
    }
}
