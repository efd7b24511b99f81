//! The judge: claims, registry and marks in, verdicts out; and, from the same weighing, why.

use std::borrow::Cow;
use std::sync::Arc;

use crate::record::{Api, Claims, KeyReport, PcpAttestation, Provider};

use super::cache::Lookup;
use super::case::{Case, acquired_key_spec, is_named};
use super::catalogue::{Catalogue, Found, Row};
use super::marks::Marks;
use super::piece::{Fact, Facts, Kind, Outcome, Piece, Says, Subject};
use super::registry::{Registered, raw_flags};
use super::rules::RuleId;
use super::verdict::{Grade, KeyApi, KeyPresence, KeyStorage, Verdict, Verdicts};
use super::{api, place, storage};

/// Turns evidence into verdicts. Each worker has one of its own: it remembers the provider names it met.
#[derive(Debug)]
pub struct Classifier {
    catalogue: Arc<Catalogue>,
    names: Lookup,
}

/// Verdicts with the facts they rest on.
struct Judgement {
    verdicts: Verdicts,
    api: Facts,
    storage: Facts,
}

impl Classifier {
    /// A classifier that knows these providers.
    pub fn new(catalogue: Arc<Catalogue>) -> Classifier {
        Classifier { catalogue, names: Lookup::default() }
    }

    /// The providers it knows.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The catalogue's row that speaks for a provider name.
    pub fn row(&mut self, name: &str) -> Option<&Row> {
        let found = self.names.find(&self.catalogue, name);
        self.catalogue.resolve(found).map(|provider| provider.row)
    }

    /// The verdicts on the key of one record.
    ///
    /// `registry` is the list of providers of the same client, in any order, and may be empty. `marks` are those of
    /// the record's certificate; [`Marks::default`] where it was not parsed.
    pub fn judge(&mut self, claims: &Claims<'_>, registry: &[Provider<'_>], marks: Marks) -> Verdicts {
        // Most records of a fleet are certificates of others, without any word on a key.
        if is_wordless(claims) && !marks.is_yubikey_attestation() && !marks.has_policy() {
            return keyless(claims.key_report, marks);
        }
        self.weigh(claims, registry, marks).verdicts
    }

    /// Every piece of evidence on the key of one record, strongest first, interface before storage; `judge` gives
    /// the verdict that these pieces make.
    pub fn evidence<'a>(
        &mut self,
        claims: &'a Claims<'_>,
        registry: &'a [Provider<'_>],
        marks: Marks,
    ) -> Vec<Piece<'a>> {
        let judgement = self.weigh(claims, registry, marks);
        let api = known_api(judgement.verdicts.api.value);
        let both = [(Subject::Api, &judgement.api), (Subject::Storage, &judgement.storage)];
        let facts = both.into_iter().flat_map(|(subject, facts)| facts.all().iter().map(move |fact| (subject, fact)));
        let piece = |(subject, fact): (Subject, &Fact)| Piece {
            subject,
            kind: fact.kind,
            rule: fact.rule.map(RuleId::id),
            rank: fact.rule.and_then(|rule| match subject {
                Subject::Api => rule.api_rank(),
                Subject::Storage => rule.storage_rank(),
            }),
            says: fact.says,
            value: verbatim(fact.kind, claims, registry, marks, api),
            outcome: fact.outcome,
        };
        facts.map(piece).collect()
    }

    /// The provider that a name stands for; whether it is a name at all.
    pub(super) fn find(&mut self, name: Option<&str>) -> Found {
        name.map_or(Found::Blank, |name| self.names.find(&self.catalogue, name))
    }

    /// What there is to judge of one record. `found` is the provider that it names.
    pub(super) fn case<'c>(
        catalogue: &'c Catalogue,
        found: Found,
        claims: &'c Claims<'c>,
        registry: &[Provider<'_>],
        marks: Marks,
    ) -> Case<'c> {
        let registered = match claims.provider_name.as_deref() {
            Some(name) if is_named(found) => Registered::of(name, registry),
            _ => Registered::default(),
        };
        let key_file = claims.key_path.as_deref().and_then(place::key_file);
        Case { claims, marks, is_named: is_named(found), provider: catalogue.resolve(found), registered, key_file }
    }

    fn weigh(&mut self, claims: &Claims<'_>, registry: &[Provider<'_>], marks: Marks) -> Judgement {
        let found = self.find(claims.provider_name.as_deref());
        let case = Classifier::case(&self.catalogue, found, claims, registry, marks);
        let provider = case.provider;
        let presence = case.presence();
        let attestation_assurance = marks.assurance();
        if presence == KeyPresence::None {
            let facts = denial();
            return Judgement { verdicts: none(attestation_assurance), api: facts, storage: facts };
        }
        let mut api = api::gather(&case);
        let api_verdict = api::weigh(api.all_mut().iter_mut());
        let mut storage = storage::gather(&case, known_api(api_verdict.value));
        let storage_verdict = storage::weigh(storage.all_mut().iter_mut());
        let hardware_backed = storage::hardware_backed(&storage_verdict, provider.map(|provider| provider.row));
        let verdicts =
            Verdicts { presence, api: api_verdict, storage: storage_verdict, hardware_backed, attestation_assurance };
        Judgement { verdicts, api, storage }
    }
}

pub(super) fn known_api(verdict: KeyApi) -> Option<Api> {
    match verdict {
        KeyApi::Capi => Some(Api::Capi),
        KeyApi::Cng => Some(Api::Cng),
        KeyApi::None | KeyApi::Unknown => None,
    }
}

/// Whether the claims hold nothing but the report itself.
fn is_wordless(claims: &Claims<'_>) -> bool {
    claims.key_report != KeyReport::Claimed
        && claims.provider_name.is_none()
        && claims.provider_type.is_none()
        && claims.acquire.is_none()
        && claims.key_container.is_none()
        && claims.key_path.is_none()
        && claims.has_private_key.is_none()
        && claims.impl_flags.is_none()
        && claims.reader.is_none()
        && claims.virtual_iso.is_none()
        && claims.pcp_attestation.is_none()
        && claims.enumerated_api.is_none()
        && claims.ncrypt_key_handle != Some(true)
        && !claims.isolated_key
        && !claims.in_file
}

/// The verdicts on wordless claims.
fn keyless(report: KeyReport, marks: Marks) -> Verdicts {
    if report == KeyReport::Absent {
        return none(marks.assurance());
    }
    Verdicts {
        presence: KeyPresence::Unknown,
        api: Verdict { value: KeyApi::Unknown, grade: None, rule: None, conflict: false },
        storage: Verdict { value: KeyStorage::Unknown, grade: None, rule: None, conflict: false },
        hardware_backed: None,
        attestation_assurance: marks.assurance(),
    }
}

/// The verdicts where there is no key.
fn none(attestation_assurance: Option<&'static str>) -> Verdicts {
    let rule = Some(RuleId::NoKey.id());
    Verdicts {
        presence: KeyPresence::None,
        api: Verdict { value: KeyApi::None, grade: None, rule, conflict: false },
        storage: Verdict { value: KeyStorage::None, grade: None, rule, conflict: false },
        hardware_backed: None,
        attestation_assurance,
    }
}

/// The one fact where there is no key. Its grade is never shown.
fn denial() -> Facts {
    let mut facts = Facts::new();
    let mut fact = Fact::new(Kind::KeyReport, RuleId::NoKey, Says::NoKey, Grade::Recorded);
    fact.outcome = Outcome::Won;
    facts.push(fact);
    facts
}

/// The claim or fact behind a kind of evidence, as the export has it; numbers in decimal, as in the columns.
pub(super) fn verbatim<'a>(
    kind: Kind,
    claims: &'a Claims<'_>,
    registry: &[Provider<'_>],
    marks: Marks,
    api: Option<Api>,
) -> Cow<'a, str> {
    let number = |number: Option<u32>| Cow::Owned(number.map(|number| number.to_string()).unwrap_or_default());
    let text = |text: Option<&'a str>| Cow::Borrowed(text.unwrap_or_default());
    match kind {
        Kind::KeyReport => text(Some(if claims.key_report == KeyReport::Absent { "absent" } else { "denied" })),
        Kind::ProviderType => number(claims.provider_type),
        Kind::AcquiredHandle => number(acquired_key_spec(claims.acquire)),
        Kind::EnumeratedApi => text(claims.enumerated_api.map(Api::as_str)),
        Kind::NcryptKeyHandle => text(claims.ncrypt_key_handle.map(truth)),
        Kind::ProviderRegistry | Kind::ProviderName => text(claims.provider_name.as_deref()),
        Kind::KeyPath => text(claims.key_path.as_deref()),
        Kind::KeyContainer => text(claims.key_container.as_deref()),
        Kind::KeySpec => number(claims.key_spec),
        Kind::InFile => text(Some(truth(claims.in_file))),
        Kind::VirtualIso => number(claims.virtual_iso),
        Kind::IsolatedKey => text(Some(truth(claims.isolated_key))),
        Kind::ImplFlags => number(claims.impl_flags),
        Kind::HardwareDevice => text(claims.hardware_device.map(truth)),
        Kind::Reader => text(claims.reader.as_deref()),
        Kind::AttestationPolicy => Cow::Owned(marks.policy_oids()),
        Kind::PcpAttestation => text(claims.pcp_attestation.map(pcp_word)),
        Kind::YubikeyAttestation => text(Some(truth(marks.is_yubikey_attestation()))),
        // What others say of the public key is no claim of a record: whoever heard it has its words.
        Kind::DeclaredProvider
        | Kind::DeclaredAttestation
        | Kind::ExportedName
        | Kind::TemplateCategory
        | Kind::VerifiedAttestation => Cow::Borrowed(""),
        Kind::ProviderImplFlags => {
            let raw = raw_flags(claims.provider_name.as_deref().unwrap_or_default(), registry, api);
            Cow::Owned(raw.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// The spelling of census/1.
fn pcp_word(word: PcpAttestation) -> &'static str {
    match word {
        PcpAttestation::None => "none",
        PcpAttestation::EkChain => "ek_chain",
        PcpAttestation::AikClaim => "aik_claim",
    }
}
