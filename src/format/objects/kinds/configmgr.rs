//! Certificates that a Configuration Manager script inventories as class `cm_CertInfo` (windows-text 8). The columns of
//! its view `v_GS_CM_CERTINFO` end in 0.

use super::fields::Fields;
use crate::format::objects::{Kind, Object, Value, Visit};
use crate::record::FormatConfidence;

/// A row of the class or its view.
pub const KIND: Kind = Kind {
    name: "configmgr_certificates",
    title: "certificate inventory of Configuration Manager (cm_CertInfo)",
    yields: "a certificate by its hash, with its store",
    source: "published hardware inventory scripts",
    confidence: FormatConfidence::Documented,
    is,
    read,
};

/// Columns that name the client, from the most explicit to the least; what the view has of its own is the last one.
const CLIENTS: [&str; 6] = ["machinename", "computername", "netbiosname", "systemname", "name", "resourceid"];

/// A column without the 0 that views put behind it.
fn plain(name: &str) -> &str {
    name.strip_suffix('0').unwrap_or(name)
}

fn get<'v, 'a>(object: &'v Object<'a>, name: &str) -> Option<&'v Value<'a>> {
    object.fields.iter().find(|(written, _)| super::super::is_name(plain(written), name)).map(|(_, value)| value)
}

fn is(object: &Object<'_>) -> bool {
    let own = ["expiresindays", "scriptlastran"].iter().any(|name| get(object, name).is_some());
    own && get(object, "thumbprint").is_some()
}

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let mut fields = Fields::default();
    for (name, value) in &object.fields {
        fields.add(plain(name), value);
    }
    if let Some(client) = CLIENTS.iter().find_map(|name| get(object, name).and_then(Value::text)) {
        fields.text("Client", &client);
    }
    fields.push(visit, KIND.confidence, false);
}
