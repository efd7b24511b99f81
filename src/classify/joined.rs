//! The verdict on a key of which several records, files and enrolments speak.
//!
//! Every record is read as it is read alone; then all pieces are weighed together, strongest first. What others say of the
//! public key (a CA's database, a request, a template) ranks behind everything a client says of its own key, so it fills
//! gaps and contradicts, but never overrides. Among pieces of one rank the later collection speaks first. Where two of one
//! rank contradict each other and nothing says which is later, the verdict is `unknown`, and both sides stand in the
//! evidence.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::record::{Api, Claims, Provider};

use super::api;
use super::case::{Case, is_named};
use super::catalogue::{Catalogue, Found, MatchKind};
use super::judge::{Classifier, known_api, verbatim};
use super::marks::Marks;
use super::name::{is_blank, normalise};
use super::piece::{Fact, Kind, Outcome, Piece, Says, Subject};
use super::rules::RuleId;
use super::storage;
use super::verdict::{Grade, KeyApi, KeyPresence, KeyStorage, Verdict, Verdicts};

/// What one record says of a key.
#[derive(Clone, Copy, Debug)]
pub struct Witness<'a> {
    /// The claims.
    pub claims: &'a Claims<'a>,
    /// Providers registered on the client, of whichever file.
    pub registry: &'a [Provider<'a>],
    /// Marks of the record's certificate.
    pub marks: Marks,
    /// When the collection was made, microseconds since 1970-01-01 UTC.
    pub collected_at: Option<i64>,
}

/// What others say of the public key.
#[derive(Clone, Debug, PartialEq)]
pub enum Hearsay<'a> {
    /// An enrolment declares the provider of the key.
    DeclaredProvider {
        /// The provider, verbatim.
        name: Cow<'a, str>,
        /// The CA's database says it; else a request file.
        by_ca: bool,
    },
    /// An enrolment carried marks of attestation.
    DeclaredAttestation {
        /// The marks, by name.
        marks: Cow<'a, str>,
        /// What they speak of: the TPM, or a USB token.
        storage: KeyStorage,
    },
    /// A file with a key of this public key names a provider.
    ExportedName {
        /// The provider, verbatim.
        name: Cow<'a, str>,
    },
    /// The certificate's template asks for providers of one category.
    TemplateCategory {
        /// The category, by name.
        category: &'a str,
        /// The interface that it stands for.
        api: Api,
    },
    /// An attestation was verified.
    Verified {
        /// Where the key is.
        storage: KeyStorage,
        /// What was verified.
        what: &'a str,
        /// How the authority knows the TPM, where it is one.
        assurance: Option<&'static str>,
    },
}

/// The rules of [`Hearsay`]: no record alone is judged by them.
#[cfg(test)]
pub(super) const HEARSAY: [&str; 6] =
    ["attestation_verified", "ca_attestation", "ca_declared", "exported_name", "request_declared", "template_default"];

/// Who says a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voice {
    /// The witness with this number.
    Witness(usize),
    /// The hearsay with this number.
    Hearsay(usize),
}

/// A piece of evidence and who says it.
#[derive(Clone, Debug)]
pub struct JoinedPiece<'a> {
    /// The piece.
    pub piece: Piece<'a>,
    /// Who says it first.
    pub voice: Voice,
    /// How many say the same.
    pub times: u32,
}

/// The verdict on a key, with everything that it rests on.
#[derive(Clone, Debug)]
pub struct Joined<'a> {
    /// The verdicts.
    pub verdicts: Verdicts,
    /// Some piece says that the key is in hardware.
    pub claims_hardware: bool,
    /// What decided, agreed and contradicted, interface before storage, strongest first. What says nothing is left out.
    pub pieces: Vec<JoinedPiece<'a>>,
}

/// A fact on its way to a verdict.
struct Voiced<'a> {
    fact: Fact,
    rank: Option<u8>,
    voice: Voice,
    collected_at: Option<i64>,
    /// Place among what its voice says on this rank.
    nth: u8,
    /// It speaks of a provider other than those that the client's own records name.
    is_foreign: bool,
    value: Cow<'a, str>,
}

impl Classifier {
    /// The verdict on one key. `witnesses` and `heard` may be in any order, but for the voices that pieces name.
    pub fn join<'a>(&mut self, witnesses: &'a [Witness<'a>], heard: &'a [Hearsay<'a>]) -> Joined<'a> {
        let found: Vec<Found> = witnesses.iter().map(|w| self.find(w.claims.provider_name.as_deref())).collect();
        let named: Vec<Found> = heard.iter().map(|hearsay| self.find(hearsay.provider())).collect();
        let catalogue = self.catalogue().as_ref();
        let cases: Vec<Case<'_>> = witnesses
            .iter()
            .zip(&found)
            .map(|(w, found)| Classifier::case(catalogue, *found, w.claims, w.registry, w.marks))
            .collect();

        let foreign: Vec<bool> = heard
            .iter()
            .zip(&named)
            .map(|(hearsay, heard)| {
                hearsay.provider().is_some_and(|name| is_foreign((name, *heard), witnesses, &found, catalogue))
            })
            .collect();

        let mut api_facts = Vec::new();
        for (at, (case, witness)) in cases.iter().zip(witnesses).enumerate() {
            let facts = api::gather(case);
            push(&mut api_facts, Subject::Api, Voice::Witness(at), witness, facts.all(), None);
        }
        for (at, (hearsay, found)) in heard.iter().zip(&named).enumerate() {
            let row = catalogue.resolve(*found).map(|provider| provider.row);
            let said = hearsay.on_api(row.map_or(Says::Nothing, api::of_row));
            api_facts.extend(said.map(|(fact, value)| Voiced {
                rank: fact.rule.and_then(RuleId::api_rank),
                fact,
                voice: Voice::Hearsay(at),
                collected_at: None,
                nth: 0,
                is_foreign: foreign.get(at).is_some_and(|is_foreign| *is_foreign),
                value,
            }));
        }
        arrange(&mut api_facts);
        let mut api = api::weigh(api_facts.iter_mut().map(|voiced| &mut voiced.fact));
        if is_undecided(&mut api_facts) || is_refused(&mut api_facts, witnesses) {
            api = Verdict { value: KeyApi::Unknown, grade: None, rule: api.rule, conflict: true };
        }

        let mut storage_facts = Vec::new();
        for (at, (case, witness)) in cases.iter().zip(witnesses).enumerate() {
            let facts = storage::gather(case, known_api(api.value));
            push(&mut storage_facts, Subject::Storage, Voice::Witness(at), witness, facts.all(), known_api(api.value));
        }
        for (at, (hearsay, found)) in heard.iter().zip(&named).enumerate() {
            let row = catalogue.resolve(*found).map(|provider| provider.row);
            let said = hearsay.on_storage(row.map_or(Says::Nothing, storage::of_row));
            storage_facts.extend(said.map(|(fact, value)| Voiced {
                rank: fact.rule.and_then(RuleId::storage_rank),
                fact,
                voice: Voice::Hearsay(at),
                collected_at: None,
                nth: 0,
                is_foreign: foreign.get(at).is_some_and(|is_foreign| *is_foreign),
                value,
            }));
        }
        arrange(&mut storage_facts);
        let mut storage = storage::weigh(storage_facts.iter_mut().map(|voiced| &mut voiced.fact));
        if is_undecided(&mut storage_facts) || is_refused(&mut storage_facts, witnesses) {
            storage = Verdict { value: KeyStorage::Unknown, grade: None, rule: storage.rule, conflict: true };
        }
        // Whose provider it is that decided, where its name did.
        let speaker =
            storage_facts.iter().find(|voiced| voiced.fact.outcome == Outcome::Won).map(|voiced| voiced.voice);
        let row = match speaker {
            Some(Voice::Witness(at)) => cases.get(at).and_then(|case| case.provider),
            Some(Voice::Hearsay(at)) => named.get(at).and_then(|found| catalogue.resolve(*found)),
            None => None,
        };
        let hardware_backed = storage::hardware_backed(&storage, row.map(|provider| provider.row));
        let hardware = super::classes::Classes::HARDWARE;
        let claims_hardware = storage_facts.iter().any(|voiced| match voiced.fact.says {
            Says::Storage { set, .. } => !set.is_empty() && set.and(hardware) == set,
            _ => false,
        });
        let presence = presence(&cases, witnesses);
        // Beside what is verified, marks that nobody verified have no say.
        let attestation_assurance = match storage.grade {
            Some(Grade::Attested) => strongest(heard.iter().filter_map(|hearsay| match hearsay {
                Hearsay::Verified { storage: of, assurance, .. } if *of == storage.value => *assurance,
                _ => None,
            })),
            _ => strongest(witnesses.iter().filter_map(|w| w.marks.assurance())),
        };
        let mut pieces = Vec::new();
        tell(Subject::Api, api_facts, &mut pieces);
        tell(Subject::Storage, storage_facts, &mut pieces);
        let verdicts = Verdicts { presence, api, storage, hardware_backed, attestation_assurance };
        Joined { verdicts, claims_hardware, pieces }
    }
}

impl<'a> Hearsay<'a> {
    fn provider(&self) -> Option<&str> {
        match self {
            Hearsay::DeclaredProvider { name, .. } | Hearsay::ExportedName { name } => Some(name),
            _ => None,
        }
    }

    fn on_api(&'a self, of_name: Says) -> Option<(Fact, Cow<'a, str>)> {
        let (kind, rule, says, value) = match self {
            Hearsay::DeclaredProvider { name, by_ca } => (Kind::DeclaredProvider, declared(*by_ca), of_name, &**name),
            Hearsay::ExportedName { name } => (Kind::ExportedName, RuleId::ExportedName, of_name, &**name),
            Hearsay::TemplateCategory { category, api } => {
                (Kind::TemplateCategory, RuleId::TemplateDefault, Says::Api(*api), *category)
            }
            Hearsay::DeclaredAttestation { .. } | Hearsay::Verified { .. } => return None,
        };
        Some((Fact::new(kind, rule, says, Grade::Inferred), Cow::Borrowed(value)))
    }

    fn on_storage(&'a self, of_name: Says) -> Option<(Fact, Cow<'a, str>)> {
        let (kind, rule, says, grade, value) = match self {
            Hearsay::DeclaredProvider { name, by_ca } => {
                (Kind::DeclaredProvider, declared(*by_ca), of_name, Grade::Inferred, &**name)
            }
            Hearsay::DeclaredAttestation { marks, storage } => {
                let says = Says::only(*storage);
                (Kind::DeclaredAttestation, RuleId::CaAttestation, says, Grade::Inferred, &**marks)
            }
            Hearsay::Verified { storage, what, .. } => {
                let says = Says::only(*storage);
                (Kind::VerifiedAttestation, RuleId::AttestationVerified, says, Grade::Attested, *what)
            }
            Hearsay::ExportedName { .. } | Hearsay::TemplateCategory { .. } => return None,
        };
        Some((Fact::new(kind, rule, says, grade), Cow::Borrowed(value)))
    }
}

fn declared(by_ca: bool) -> RuleId {
    if by_ca { RuleId::CaDeclared } else { RuleId::RequestDeclared }
}

/// Adds what one record says on one subject. What says nothing weighs nothing.
fn push<'a>(
    to: &mut Vec<Voiced<'a>>,
    subject: Subject,
    voice: Voice,
    witness: &Witness<'a>,
    facts: &[Fact],
    api: Option<Api>,
) {
    for fact in facts.iter().filter(|fact| fact.says != Says::Nothing) {
        let rank = fact.rule.and_then(|rule| match subject {
            Subject::Api => rule.api_rank(),
            Subject::Storage => rule.storage_rank(),
        });
        let value = verbatim(fact.kind, witness.claims, witness.registry, witness.marks, api);
        to.push(Voiced {
            fact: *fact,
            rank,
            voice,
            collected_at: witness.collected_at,
            nth: 0,
            is_foreign: false,
            value,
        });
    }
}

/// Strongest first; inside a rank the later collection; then what each record says first on this rank, before what it says
/// second; then an order of kinds and values, which does not depend on that of the files.
fn arrange(facts: &mut [Voiced<'_>]) {
    if facts.iter().all(|voiced| voiced.voice == Voice::Witness(0)) {
        return;
    }
    // A voice's facts stand together, in its own order.
    let mut before = None;
    for voiced in facts.iter_mut() {
        let at = (voiced.voice, voiced.rank, voiced.fact.is_bridgeable);
        voiced.nth = match before {
            Some((same, nth)) if same == at => nth + 1,
            _ => 0,
        };
        before = Some((at, voiced.nth));
    }
    facts.sort_by(|a, b| {
        let strength =
            |v: &Voiced<'_>| (v.rank.unwrap_or(u8::MAX), v.fact.is_bridgeable, Reverse(v.collected_at), v.nth);
        let by_words = || (a.fact.kind as u8, &a.value).cmp(&(b.fact.kind as u8, &b.value));
        // One name may say different things on the lists of different machines.
        let by_meaning = || match a.fact.says == b.fact.says {
            true => Ordering::Equal,
            false => a.fact.says.to_string().cmp(&b.fact.says.to_string()),
        };
        strength(a).cmp(&strength(b)).then_with(by_words).then_with(by_meaning)
    });
}

/// Two of the strongest rank contradict each other, in different records, and neither is the later one. Then neither won.
fn is_undecided(facts: &mut [Voiced<'_>]) -> bool {
    let Some(winner) = facts.iter().position(|voiced| voiced.fact.outcome == Outcome::Won) else { return false };
    let (rank, voice, at) = (facts[winner].rank, facts[winner].voice, facts[winner].collected_at);
    let is_later = |than: Option<i64>| matches!((at, than), (Some(at), Some(than)) if at > than);
    let is_tied = facts.iter().any(|voiced| {
        voiced.fact.outcome == Outcome::Contradicted
            && voiced.rank == rank
            && voiced.voice != voice
            && !is_later(voiced.collected_at)
    });
    if is_tied {
        facts[winner].fact.outcome = Outcome::Contradicted;
    }
    is_tied
}

/// Whether a provider that others name is none of those that the records of the key name.
fn is_foreign((name, heard): (&str, Found), witnesses: &[Witness<'_>], found: &[Found], catalogue: &Catalogue) -> bool {
    let is_exact = |found: Found| catalogue.resolve(found).is_some_and(|known| known.row.kind == MatchKind::Exact);
    let mut own = witnesses.iter().zip(found).filter(|(_, found)| is_named(**found)).peekable();
    own.peek().is_some()
        && !own.any(|(witness, found)| {
            let own = witness.claims.provider_name.as_deref().unwrap_or_default();
            (*found == heard && is_exact(heard)) || normalise(own) == normalise(name)
        })
}

/// What others say of another provider than the client's own records decides nothing, although those say no more than its
/// name. Then the name and what contradicts it are told.
fn is_refused<'a>(facts: &mut Vec<Voiced<'a>>, witnesses: &'a [Witness<'a>]) -> bool {
    let winner = facts.iter_mut().find(|voiced| voiced.fact.outcome == Outcome::Won);
    let Some(winner) = winner.filter(|winner| winner.is_foreign) else { return false };
    winner.fact.outcome = Outcome::Contradicted;
    let rank = winner.rank;
    let named = witnesses.iter().enumerate().filter_map(|(at, w)| Some((at, w, w.claims.provider_name.as_deref()?)));
    let named = named.filter(|(.., name)| !is_blank(&normalise(name)));
    let mut names: Vec<Voiced<'a>> = named
        .map(|(at, witness, name)| Voiced {
            fact: Fact { outcome: Outcome::Contradicted, ..Fact::mute(Kind::ProviderName) },
            rank,
            voice: Voice::Witness(at),
            collected_at: witness.collected_at,
            nth: 0,
            is_foreign: false,
            value: Cow::Borrowed(name),
        })
        .collect();
    names.sort_by(|a, b| (Reverse(a.collected_at), &a.value).cmp(&(Reverse(b.collected_at), &b.value)));
    names.append(facts);
    *facts = names;
    true
}

/// Whether there is a key: what the latest collections say, and of those the one that says most.
fn presence(cases: &[Case<'_>], witnesses: &[Witness<'_>]) -> KeyPresence {
    let strength = |presence: KeyPresence| match presence {
        KeyPresence::Opened => 4,
        KeyPresence::Declared => 3,
        KeyPresence::Missing => 2,
        KeyPresence::None => 1,
        KeyPresence::Unknown => 0,
    };
    let latest = witnesses.iter().filter_map(|witness| witness.collected_at).max();
    let current = cases.iter().zip(witnesses).filter(|(_, w)| w.collected_at.is_none() || w.collected_at == latest);
    current.map(|(case, _)| case.presence()).max_by_key(|p| strength(*p)).unwrap_or(KeyPresence::Unknown)
}

/// `high` before `medium` before `low`.
pub(crate) fn strongest(assurances: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let order = |word: &str| ["high", "medium", "low"].iter().position(|known| *known == word);
    assurances.min_by_key(|word| order(word).unwrap_or(usize::MAX))
}

/// Tells the pieces that say something, the same of several voices once.
fn tell<'a>(subject: Subject, facts: Vec<Voiced<'a>>, pieces: &mut Vec<JoinedPiece<'a>>) {
    // Pieces of one claim; what it says may differ.
    let mut told: HashMap<(Kind, Cow<'a, str>), Vec<usize>, FixedState> = HashMap::default();
    for Voiced { fact, rank, voice, value, .. } in facts.into_iter().filter(|f| f.fact.outcome != Outcome::Silent) {
        let places = told.entry((fact.kind, value.clone())).or_default();
        let (rule, outcome) = (fact.rule.map(RuleId::id), fact.outcome);
        let is_same = |told: &JoinedPiece<'_>| (told.piece.rule, told.piece.says) == (rule, fact.says);
        let known = places.iter().copied().find(|place| pieces.get(*place).is_some_and(is_same));
        match known.and_then(|place| pieces.get_mut(place)) {
            Some(known) => known.times += 1,
            None => {
                let piece = Piece { subject, kind: fact.kind, rule, rank, says: fact.says, value, outcome };
                places.push(pieces.len());
                pieces.push(JoinedPiece { piece, voice, times: 1 });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::classify::Catalogue;
    use crate::record::KeyReport;

    const SOFTWARE_KSP: &str = "Microsoft Software Key Storage Provider";
    const PLATFORM: &str = "Microsoft Platform Crypto Provider";
    const ENHANCED: &str = "Microsoft Enhanced Cryptographic Provider v1.0";

    fn claims(provider: Option<&'static str>, kind: Option<u32>) -> Claims<'static> {
        Claims {
            key_report: KeyReport::Claimed,
            provider_name: provider.map(Into::into),
            provider_type: kind,
            ..Claims::default()
        }
    }

    fn witness<'a>(claims: &'a Claims<'a>, collected_at: Option<i64>) -> Witness<'a> {
        Witness { claims, registry: &[], marks: Marks::default(), collected_at }
    }

    fn join(witnesses: &[Witness<'_>], heard: &[Hearsay<'_>]) -> (Verdicts, Vec<String>) {
        let mut classifier = Classifier::new(Arc::new(Catalogue::builtin()));
        let joined = classifier.join(witnesses, heard);
        let pieces = joined.pieces.iter().map(|told| {
            let piece = &told.piece;
            format!("{} {} {} x{}", piece.kind.as_str(), piece.value, piece.outcome.as_str(), told.times)
        });
        (joined.verdicts, pieces.collect())
    }

    #[test]
    fn one_record_alone_is_judged_as_ever() {
        for (provider, kind) in [(SOFTWARE_KSP, Some(0)), (PLATFORM, Some(0)), (ENHANCED, Some(1)), ("Nobody's", None)]
        {
            let claims = claims(Some(provider), kind);
            let mut classifier = Classifier::new(Arc::new(Catalogue::builtin()));
            let alone = classifier.judge(&claims, &[], Marks::default());
            assert_eq!(join(&[witness(&claims, None)], &[]).0, alone, "{provider}");
        }
    }

    #[test]
    fn two_exports_that_agree_are_one_verdict_and_say_it_twice() {
        let claims = claims(Some(PLATFORM), Some(0));
        let (verdicts, pieces) = join(&[witness(&claims, None), witness(&claims, Some(5))], &[]);
        assert_eq!((verdicts.api.value, verdicts.storage.value), (KeyApi::Cng, KeyStorage::Tpm));
        assert!(!verdicts.api.conflict && !verdicts.storage.conflict);
        assert!(pieces.contains(&"provider_type 0 won x2".to_owned()), "{pieces:?}");
    }

    #[test]
    fn a_stronger_record_wins_over_a_weaker_one_and_the_conflict_is_told() {
        let (property, name) = (claims(Some(ENHANCED), Some(1)), claims(Some(SOFTWARE_KSP), None));
        for order in [[&property, &name], [&name, &property]] {
            let (verdicts, pieces) = join(&[witness(order[0], None), witness(order[1], None)], &[]);
            assert_eq!((verdicts.api.value, verdicts.api.conflict), (KeyApi::Capi, true));
            assert!(pieces.contains(&format!("provider_name {SOFTWARE_KSP} contradicted x1")), "{pieces:?}");
        }
    }

    #[test]
    fn of_two_equally_strong_the_later_one_speaks_and_without_times_nobody() {
        let (old, new) = (claims(Some(ENHANCED), Some(1)), claims(Some(SOFTWARE_KSP), Some(0)));
        for swap in [false, true] {
            let ordered = |times: [Option<i64>; 2]| {
                let mut both = [witness(&old, times[0]), witness(&new, times[1])];
                if swap {
                    both.reverse();
                }
                join(&both, &[]).0.api
            };
            let later = ordered([Some(1), Some(2)]);
            assert_eq!((later.value, later.conflict), (KeyApi::Cng, true));
            for times in [[None, None], [Some(1), None], [Some(1), Some(1)]] {
                let tied = ordered(times);
                assert_eq!((tied.value, tied.grade, tied.conflict), (KeyApi::Unknown, None, true), "{times:?}");
            }
        }
    }

    #[test]
    fn what_others_say_fills_gaps_and_never_overrides() {
        let silent = Claims { has_private_key: Some(true), ..claims(None, None) };
        let declared = [Hearsay::DeclaredProvider { name: PLATFORM.into(), by_ca: true }];
        let (verdicts, _) = join(&[witness(&silent, None)], &declared);
        assert_eq!((verdicts.api.value, verdicts.api.grade), (KeyApi::Cng, Some(Grade::Inferred)));
        assert_eq!((verdicts.storage.value, verdicts.storage.grade), (KeyStorage::Tpm, Some(Grade::Inferred)));
        assert_eq!(verdicts.api.rule, Some("ca_declared"));

        let known = claims(Some(ENHANCED), None);
        let (verdicts, pieces) = join(&[witness(&known, None)], &declared);
        assert_eq!((verdicts.api.value, verdicts.api.conflict), (KeyApi::Capi, true));
        assert_eq!((verdicts.storage.value, verdicts.storage.conflict), (KeyStorage::Software, true));
        assert!(pieces.contains(&format!("declared_provider {PLATFORM} contradicted x1")), "{pieces:?}");
    }

    #[test]
    fn a_template_is_the_last_word_and_an_exported_name_says_nothing_of_storage() {
        let silent = Claims { has_private_key: Some(true), ..claims(None, None) };
        let template = Hearsay::TemplateCategory { category: "legacy", api: Api::Capi };
        let exported = Hearsay::ExportedName { name: PLATFORM.into() };
        let (verdicts, _) = join(&[witness(&silent, None)], std::slice::from_ref(&template));
        assert_eq!((verdicts.api.value, verdicts.api.rule), (KeyApi::Capi, Some("template_default")));
        let (verdicts, _) = join(&[witness(&silent, None)], &[template, exported]);
        assert_eq!((verdicts.api.value, verdicts.api.conflict), (KeyApi::Cng, true));
        assert_eq!(verdicts.storage.value, KeyStorage::Unknown);
    }

    #[test]
    fn a_verified_attestation_stands_above_everything() {
        let software = Claims { impl_flags: Some(2), ..claims(Some(SOFTWARE_KSP), Some(0)) };
        let verified =
            [Hearsay::Verified { storage: KeyStorage::Tpm, what: "endorsement_key", assurance: Some("high") }];
        let (verdicts, _) = join(&[witness(&software, None)], &verified);
        assert_eq!((verdicts.storage.value, verdicts.storage.grade), (KeyStorage::Tpm, Some(Grade::Attested)));
        assert_eq!((verdicts.storage.conflict, verdicts.hardware_backed), (true, Some(true)));
    }

    #[test]
    fn the_assurance_of_a_verified_attestation_is_its_own() {
        let silent = Claims { has_private_key: Some(true), ..claims(None, None) };
        let claimed = Marks::new(&[30], Some(false), None, false);
        assert_eq!(claimed.assurance(), Some("high"));
        let other = Witness { marks: claimed, ..witness(&silent, None) };
        let verified =
            [Hearsay::Verified { storage: KeyStorage::Tpm, what: "user_credentials", assurance: Some("low") }];
        let (verdicts, _) = join(&[witness(&silent, None), other], &verified);
        assert_eq!((verdicts.storage.grade, verdicts.attestation_assurance), (Some(Grade::Attested), Some("low")));
        let (verdicts, _) = join(&[witness(&silent, None), other], &[]);
        assert_eq!((verdicts.storage.grade, verdicts.attestation_assurance), (Some(Grade::Inferred), Some("high")));
    }

    #[test]
    fn what_others_say_of_another_provider_fills_nothing() {
        let own = claims(Some("Nobody's Own Provider"), None);
        for name in [PLATFORM, ENHANCED] {
            let declared = [Hearsay::DeclaredProvider { name: name.into(), by_ca: true }];
            let (verdicts, pieces) = join(&[witness(&own, None)], &declared);
            assert_eq!((verdicts.api.value, verdicts.api.grade, verdicts.api.conflict), (KeyApi::Unknown, None, true));
            assert_eq!((verdicts.storage.value, verdicts.storage.conflict), (KeyStorage::Unknown, true));
            assert_eq!(verdicts.hardware_backed, None);
            assert!(pieces.contains(&"provider_name Nobody's Own Provider contradicted x1".to_owned()), "{pieces:?}");
            assert!(pieces.contains(&format!("declared_provider {name} contradicted x1")), "{pieces:?}");
        }
        // The same name otherwise spelled is no other.
        let own = claims(Some("MICROSOFT  Platform Crypto Provider\u{ae}"), None);
        let declared = [Hearsay::DeclaredProvider { name: PLATFORM.into(), by_ca: false }];
        let (verdicts, _) = join(&[witness(&own, None)], &declared);
        assert_eq!((verdicts.storage.value, verdicts.storage.conflict), (KeyStorage::Tpm, false));
    }

    #[test]
    fn an_enrolments_attestation_does_not_choose_what_kind_of_hardware_it_is() {
        let flagged = Claims { impl_flags: Some(1), ..claims(Some("Nobody's Own Provider"), Some(0)) };
        let heard = [Hearsay::DeclaredAttestation { marks: "endorsement_key_hash".into(), storage: KeyStorage::Tpm }];
        let (verdicts, _) = join(&[witness(&flagged, None)], &heard);
        assert_eq!((verdicts.storage.value, verdicts.storage.conflict), (KeyStorage::OtherHardware, false));
    }

    /// Claims that agree and contradict on every rank, several on one rank of one record among them.
    fn many_claims() -> Vec<Claims<'static>> {
        let text = |text: &'static str| Some(text.into());
        let mut all = vec![
            claims(Some(ENHANCED), Some(1)),
            claims(Some(SOFTWARE_KSP), Some(0)),
            Claims { impl_flags: Some(1), ..claims(Some(PLATFORM), Some(0)) },
            Claims { impl_flags: Some(2), impl_api: Some(Api::Capi), ..claims(Some("Nobody's"), None) },
            Claims { impl_flags: Some(2), impl_api: Some(Api::Cng), ..claims(Some("Nobody's"), None) },
            Claims { ncrypt_key_handle: Some(true), enumerated_api: Some(Api::Capi), ..claims(None, None) },
            Claims { virtual_iso: Some(1), isolated_key: true, ..claims(Some(SOFTWARE_KSP), None) },
            Claims { reader: text("Windows Hello for Business 1"), ..claims(None, None) },
            Claims { in_file: true, ..claims(None, None) },
        ];
        let places = ["Yubico YubiKey OTP+FIDO+CCID 0", "Virtual Smart Card 0", "Some Reader 1", "Rainbow 3", ""];
        for container in places {
            for path in places {
                let place = |place: &str| Some(format!("\\\\.\\{place}\\c").into());
                all.push(Claims { key_container: place(container), key_path: place(path), ..claims(None, None) });
            }
        }
        all
    }

    proptest::proptest! {
        #[test]
        fn the_verdict_does_not_depend_on_the_order_of_the_records(
            picks in proptest::collection::vec((0..34_usize, proptest::option::of(0..2_i64)), 1..40),
            heard in proptest::collection::vec(0..6_usize, 0..4),
            seed in proptest::arbitrary::any::<u64>(),
        ) {
            use std::hash::BuildHasher;
            let all = many_claims();
            let mut witnesses: Vec<Witness<'_>> =
                picks.iter().filter_map(|(at, time)| Some(witness(all.get(*at)?, *time))).collect();
            let hearsay = [
                Hearsay::DeclaredProvider { name: PLATFORM.into(), by_ca: true },
                Hearsay::DeclaredProvider { name: ENHANCED.into(), by_ca: true },
                Hearsay::DeclaredAttestation { marks: "endorsement_key_hash".into(), storage: KeyStorage::Tpm },
                Hearsay::ExportedName { name: PLATFORM.into() },
                Hearsay::TemplateCategory { category: "legacy", api: Api::Capi },
                Hearsay::Verified { storage: KeyStorage::Tpm, what: "endorsement_key", assurance: Some("high") },
            ];
            let mut heard: Vec<Hearsay<'_>> = heard.iter().map(|at| hearsay[*at].clone()).collect();
            let (verdicts, mut pieces) = join(&witnesses, &heard);
            let mut order: Vec<usize> = (0..witnesses.len()).collect();
            order.sort_by_key(|at| FixedState::with_seed(seed).hash_one(at));
            witnesses = order.iter().map(|at| witnesses[*at]).collect();
            heard.reverse();
            let (again, mut told) = join(&witnesses, &heard);
            pieces.sort();
            told.sort();
            assert_eq!((verdicts, pieces), (again, told));
        }
    }

    #[test]
    fn every_kind_of_hearsay_decides_where_nothing_else_does() {
        let silent = Claims { has_private_key: Some(true), ..claims(None, None) };
        let all = [
            Hearsay::DeclaredProvider { name: PLATFORM.into(), by_ca: true },
            Hearsay::DeclaredProvider { name: PLATFORM.into(), by_ca: false },
            Hearsay::DeclaredAttestation { marks: "endorsement_key_hash".into(), storage: KeyStorage::Tpm },
            Hearsay::ExportedName { name: PLATFORM.into() },
            Hearsay::TemplateCategory { category: "legacy", api: Api::Capi },
            Hearsay::Verified { storage: KeyStorage::Tpm, what: "endorsement_key", assurance: Some("high") },
        ];
        let mut decided = std::collections::BTreeSet::new();
        for hearsay in all {
            let (verdicts, _) = join(&[witness(&silent, None)], &[hearsay]);
            decided.extend([verdicts.api.rule, verdicts.storage.rule].into_iter().flatten());
        }
        assert_eq!(decided, HEARSAY.into());
    }

    #[test]
    fn the_latest_collection_tells_whether_the_key_is_there() {
        let there = claims(Some(SOFTWARE_KSP), Some(0));
        let gone = Claims { has_private_key: Some(false), ..there.clone() };
        let presence = |a: Option<i64>, b: Option<i64>| join(&[witness(&there, a), witness(&gone, b)], &[]).0.presence;
        assert_eq!(presence(Some(1), Some(2)), KeyPresence::Missing);
        assert_eq!(presence(Some(2), Some(1)), KeyPresence::Declared);
        assert_eq!(presence(None, Some(1)), KeyPresence::Declared);
    }
}
