//! Whole certificates: made here, from fixtures, mutated, and from the corpus.

pub(super) mod build;
pub(super) mod change;
mod corpus;
mod fixtures;
mod memory;
mod odd;
mod property;
mod recall;
