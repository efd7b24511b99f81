//! Any other object that names a certificate under names of the alias table, as flat lines do.

use super::fields::Fields;
use crate::format::ndjson::row;
use crate::format::objects::{Kind, Object, Visit};
use crate::record::FormatConfidence;

/// Certificates of scripts and inventories.
pub const KIND: Kind = Kind {
    name: "certificate",
    title: "certificate of a script or inventory",
    yields: "a certificate, or its hash, with whatever is said of the key",
    source: "the alias table of flat NDJSON",
    confidence: FormatConfidence::Inferred,
    is,
    read,
};

/// A certificate, or a hash beside something that certificates have: files have hashes as well. Rows of a certification
/// authority are enrolments.
fn is(object: &Object<'_>) -> bool {
    if object.has("requestid") {
        return false;
    }
    let names = || object.fields.iter().map(|(name, _)| name.as_ref());
    let telling = names().filter(|name| row::is_telling(name)).count();
    let der = names().any(row::is_der);
    telling > 0 && names().any(row::is_hash) || der && telling > 1
}

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    Fields::of(object).push(visit, KIND.confidence, false);
}
