//! A synthetic fleet: seeded, streamed, of any size. `certcensus synth` and the benchmarks read what it writes.
//!
//! From a seed and a client's number alone follow all of the client's records, so clients are made in parallel and in
//! any order, and the same [`Options`] give the same bytes on any machine. No clock, no environment, no downloaded data:
//! every name is made up, under `example.test`.
//!
//! Certificates look like those an AD CS issues and parse without complaint, but nothing verifies: signatures and RSA
//! moduli are random bytes (see [`Certificates`]). Private keys do not exist, so none can leak.
//!
//! Parts: `rng` draws, `names`, `key` and `template` decide what there is, `der`, `keys`,
//! `extension`, `authority` and `certificate` make DER, `json`, `run`, `record` and `census` make records, `layout` puts them into files.

mod authority;
mod census;
mod certificate;
mod clock;
mod der;
mod extension;
mod json;
mod key;
mod keys;
mod layout;
mod names;
mod oid;
mod options;
mod pool;
mod print;
mod record;
mod rng;
mod run;
mod summary;
mod template;
#[cfg(test)]
mod tests;

pub use certificate::Certificates;
pub use key::Weights;
pub use layout::{Fleet, Worker, write, write_client};
pub use options::{Layout, MAX_POOL, Options};
pub use summary::{Broken, Summary};
