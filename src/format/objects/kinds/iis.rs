//! Bindings of IIS as PowerShell writes them: `Get-IISSiteBinding`, `Get-WebBinding` (windows-text 9).

use std::borrow::Cow;

use crate::format::endpoint;
use crate::format::objects::{Kind, Object, Value, Visit};
use crate::hex;
use crate::record::{Binding, BindingKind, Code, FormatConfidence, Reject, Stage};

/// A binding of a site.
pub const KIND: Kind = Kind {
    name: "iis_binding",
    title: "binding of an IIS site",
    yields: "a binding with its endpoint and certificate hash; only https ones",
    source: "PowerShell modules IISAdministration and WebAdministration",
    confidence: FormatConfidence::Documented,
    is: |object| object.has("protocol") && object.has("bindinginformation"),
    read,
};

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let protocol = object.text("protocol").unwrap_or_default();
    if !protocol.eq_ignore_ascii_case("https") {
        return visit.sink.skip("other_protocol");
    }
    let information = object.text("bindinginformation");
    let endpoint = information.as_deref().and_then(endpoint::of_binding_information);
    let sha1 = object.get("certificatehash").and_then(hash);
    let client = ["pscomputername", "computername", "machinename"].iter().find_map(|name| object.text(name));
    let site = ["sitename", "site", "itemxpath"].iter().find_map(|name| object.text(name));
    visit.sink.binding(&Binding {
        lineage: visit.lineage,
        client,
        kind: BindingKind::Iis,
        endpoint: information.clone(),
        ip: endpoint.and_then(|endpoint| endpoint.ip).map(Cow::Borrowed),
        port: endpoint.and_then(|endpoint| endpoint.port),
        sni_host: endpoint.and_then(|endpoint| endpoint.host).map(Cow::Borrowed),
        sha1,
        store_name: object.text("certificatestorename"),
        site_name: site,
        ssl_flags: object.get("sslflags").and_then(Value::int).and_then(|flags| u32::try_from(flags).ok()),
        confidence: KIND.confidence,
        ..Binding::default()
    });
    let is_said = object.get("certificatehash").is_some_and(|value| match value {
        // What CSV makes of an array of bytes.
        Value::Text(text) => !text.is_empty() && text != "System.Byte[]",
        value => *value != Value::Null,
    });
    if is_said && sha1.is_none() {
        let message = "the hash is not a SHA-1";
        let reject = Reject::degraded(visit.lineage, Stage::Decode, Code::BadHex, "thumbprint", message);
        visit.sink.reject(reject);
    }
}

/// A hash in hex, or as bytes.
fn hash(value: &Value<'_>) -> Option<[u8; 20]> {
    match value {
        Value::Text(text) => hex::parse(text.trim()),
        Value::Bytes(bytes) => bytes.as_slice().try_into().ok(),
        Value::List(items) => {
            let bytes: Option<Vec<u8>> = items.iter().map(|item| u8::try_from(item.int()?).ok()).collect();
            bytes?.try_into().ok()
        }
        _ => None,
    }
}
