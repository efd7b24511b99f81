//! What the catalogue knows of a provider name, as data for `certcensus explain`.

use std::sync::Arc;

use crate::record::{Claims, KeyReport};

use super::catalogue::{Catalogue, Row};
use super::judge::Classifier;
use super::marks::Marks;
use super::name::normalise;
use super::verdict::Verdicts;

/// Everything there is to say of a provider name alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The name in the form in which names are compared.
    pub normalised: String,
    /// Rows that apply, in order of precedence; the first one speaks. Each has its confidence, note and source.
    pub rows: Vec<Row>,
    /// What a scan concludes of a key of which it knows no more than this name.
    pub verdicts: Verdicts,
}

/// Explains a provider name.
pub fn explain_provider(catalogue: &Arc<Catalogue>, name: &str) -> Explanation {
    let claims = Claims { key_report: KeyReport::Claimed, provider_name: Some(name.into()), ..Claims::default() };
    Explanation {
        normalised: normalise(name),
        rows: catalogue.matches(name).into_iter().cloned().collect(),
        verdicts: Classifier::new(Arc::clone(catalogue)).judge(&claims, &[], Marks::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{KeyApi, KeyStorage, MatchKind};

    #[test]
    fn a_known_name_is_explained_by_its_rows_in_order() {
        let catalogue = Arc::new(Catalogue::builtin());
        let explained = explain_provider(&catalogue, "  nShield(R) Enhanced Cryptographic Provider ");
        assert_eq!(explained.normalised, "nshield enhanced cryptographic provider");
        let kinds: Vec<_> = explained.rows.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [MatchKind::Exact, MatchKind::Prefix, MatchKind::Contains]);
        assert_eq!(explained.verdicts.storage.value, KeyStorage::Hsm);
        assert!(explained.rows.iter().all(|row| !row.source.is_empty()));
    }

    #[test]
    fn an_unknown_name_is_explained_by_nothing() {
        let catalogue = Arc::new(Catalogue::builtin());
        for name in ["", "(null)", "Acme"] {
            let explained = explain_provider(&catalogue, name);
            assert!(explained.rows.is_empty(), "{name}");
            assert_eq!(explained.verdicts.api.value, KeyApi::Unknown, "{name}");
        }
    }
}
