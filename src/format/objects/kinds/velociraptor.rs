//! Rows of Velociraptor's `certificates()` plugin (windows-text 8).

use super::fields::Fields;
use crate::format::objects::{Kind, Object, Visit};
use crate::record::FormatConfidence;

/// A row of the plugin.
pub const KIND: Kind = Kind {
    name: "velociraptor",
    title: "certificate of Velociraptor",
    yields: "a certificate by its hash, with its store",
    source: "Velociraptor reference, certificates()",
    confidence: FormatConfidence::Documented,
    is,
    read,
};

fn is(object: &Object<'_>) -> bool {
    object.has("sha1") && object.has("isca") && object.has("keystrength") && object.has("store")
}

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let mut fields = Fields::of(object);
    // Collections of many clients have a column for each one's id; the name only where it was asked for.
    if !["fqdn", "hostname", "host", "computername"].iter().any(|name| object.text(name).is_some())
        && let Some(client) = object.text("clientid")
    {
        fields.text("Client", &client);
    }
    fields.push(visit, KIND.confidence, false);
}
