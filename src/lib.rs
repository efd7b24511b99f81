//! certcensus: which private keys of a fleet live in CryptoAPI, which in CNG, and which are really in hardware.
//!
//! The library behind the `certcensus` program. Stages that do not know each other: `format/` reads exports into
//! [`record`]s, [`x509`] turns DER into facts, [`classify`] turns claims into verdicts, [`table`] builds columns.

pub mod classify;
pub mod der;
pub mod error;
pub mod input;
pub mod record;
pub mod table;
pub mod x509;
