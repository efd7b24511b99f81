//! The kinds of objects, one file each.

use super::{json, kind_of};

/// Kinds whose objects, one a line, are flat certificate lines as well and are read as such.
const FLAT: [&str; 0] = [];

/// The object that begins a text of JSON is of a kind that flat lines have.
pub(super) fn is_flat(text: &str) -> bool {
    let closed = json::closed(text);
    let value = json::parse(&closed).ok();
    let kind = value.as_ref().and_then(super::Value::object).and_then(kind_of);
    kind.is_some_and(|kind| FLAT.contains(&kind.name))
}
