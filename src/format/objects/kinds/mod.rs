//! The kinds of objects, one file each.

use super::{json, kind_of};

pub mod certificate;
pub mod configmgr;
pub mod defender;
pub mod event;
pub mod iis;
pub mod keyfactor;
pub mod osquery;
pub mod powershell;
pub mod site;
pub mod site_role;
pub mod templates;
pub mod velociraptor;

mod fields;
#[cfg(test)]
mod tests;

/// Kinds whose objects, one a line, are flat certificate lines as well and are read as such.
const FLAT: [&str; 4] =
    [powershell::KIND.name, keyfactor::ITEM.name, osquery::CERTIFICATES.name, certificate::KIND.name];

/// The object that begins a text of JSON is of a kind that flat lines have.
pub(super) fn is_flat(text: &str) -> bool {
    let closed = json::closed(text);
    let value = json::parse(&closed).ok();
    let kind = value.as_ref().and_then(super::Value::object).and_then(kind_of);
    kind.is_some_and(|kind| FLAT.contains(&kind.name))
}
