//! The registry as files: what its places mean ([`place`]), and what is collected from them ([`collect`]), whether the
//! values come from regedit's text, a policy file or a hive.

pub mod collect;
pub mod place;
pub mod pol;
pub mod text;

pub use collect::Collector;
pub use place::Root;

#[cfg(test)]
mod tests;
