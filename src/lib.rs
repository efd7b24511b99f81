//! certcensus: which private keys of a fleet live in CryptoAPI, which in CNG, and which are really in hardware.
//!
//! The library behind the `certcensus` program. Stages that do not know each other: `format/` reads exports into
//! [`record`]s, [`x509`] turns DER into facts, [`classify`] turns claims into verdicts, [`table`] builds columns.
//! [`group`] brings the four together for one row group, [`pipeline`] runs many of them at once and in order,
//! [`report`] writes what they make. [`scan::scan`] is the whole job.
//!
//! What a provider's name alone is worth:
//!
//! ```
//! use std::sync::Arc;
//!
//! use certcensus::classify::{Catalogue, Grade, KeyApi, KeyStorage, explain_provider};
//!
//! let catalogue = Arc::new(Catalogue::builtin());
//! let known = explain_provider(&catalogue, "Microsoft Platform Crypto Provider");
//! assert_eq!(known.verdicts.api.value, KeyApi::Cng);
//! assert_eq!(known.verdicts.storage.value, KeyStorage::Tpm);
//! assert_eq!(known.verdicts.storage.grade, Some(Grade::Catalogued));
//!
//! let unknown = explain_provider(&catalogue, "Somebody's Provider");
//! assert_eq!(unknown.verdicts.api.value, KeyApi::Unknown);
//! ```

pub mod attest;
pub mod classify;
pub mod cli;
pub mod client;
pub mod der;
pub mod error;
pub mod findings;
pub mod format;
pub mod group;
pub mod hash;
pub mod hex;
mod in_order;
pub mod input;
pub mod join;
mod open;
pub mod pipeline;
pub mod plan;
pub mod progress;
pub mod record;
pub mod report;
pub mod resolve;
pub mod scan;
pub mod spool;
pub mod synth;
pub mod table;
pub mod timing;
pub mod walk;
pub mod x509;
