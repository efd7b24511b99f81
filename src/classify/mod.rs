//! Evidence to verdicts: claims, the client's provider registry and the certificate's own marks are weighed
//! against each other, strongest first; nothing weaker ever overrides, it is reported as a conflict.
//!
//! [`Classifier::judge`] gives the verdicts on one key, [`Classifier::evidence`] the pieces they rest on; both come
//! from one weighing. What may decide is a list ([`rules::RULES`]), what provider names stand for is a table
//! ([`Catalogue`]). Nothing here reads exports or parses certificates, and nothing here verifies an attestation.
//!
//! - `catalogue`, `table`, `name`, `cache`: from a provider name to its row
//! - `registry`, `flags`, `place`, `marks`: what each kind of evidence says by itself
//! - `api`, `storage`: the evidence in its order, and how it is weighed
//! - `case`, `judge`, `explain`: a record's claims in, verdicts and reasons out
//! - `joined`: the same over every record, file and enrolment that speaks of one key
//! - `template`: what the flags of a certificate template mean

mod api;
mod cache;
mod case;
mod catalogue;
mod classes;
mod explain;
mod flags;
mod joined;
mod judge;
mod marks;
mod name;
mod piece;
mod place;
mod registry;
pub mod rules;
mod storage;
mod table;
mod template;
mod verdict;

#[cfg(test)]
mod tests;

pub use case::claims_key;
pub use catalogue::{Catalogue, Confidence, Hardware, Match, MatchKind, Row, RowApi};
pub use classes::Classes;
pub use explain::{Explanation, explain_provider};
pub use joined::{Hearsay, Joined, JoinedPiece, Voice, Witness};
pub use judge::Classifier;
pub use marks::Marks;
pub use name::normalise;
pub use piece::{Kind, Outcome, Piece, Says, Subject};
pub use place::names_place;
pub use registry::registrations;
pub use table::CatalogueError;
pub use template::{ProviderCategory, TemplatePolicy};
pub use verdict::{Grade, KeyApi, KeyPresence, KeyStorage, Verdict, Verdicts};
