//! `DeviceTvmCertificateInfo` of Microsoft Defender Vulnerability Management (windows-text 8).

use super::fields::Fields;
use crate::format::objects::{Kind, Object, Visit};
use crate::record::FormatConfidence;

/// A row of the table.
pub const KIND: Kind = Kind {
    name: "defender_tvm",
    title: "certificate of Microsoft Defender (DeviceTvmCertificateInfo)",
    yields: "a certificate by its hash, with its device",
    source: "Microsoft Learn, DeviceTvmCertificateInfo",
    confidence: FormatConfidence::Documented,
    is,
    read,
};

fn is(object: &Object<'_>) -> bool {
    object.has("deviceid") && object.has("thumbprint") && (object.has("issuedto") || object.has("issuedby"))
}

/// The path begins with the location of a store.
fn is_store(path: &str) -> bool {
    let path = path.strip_prefix("Cert:").unwrap_or(path);
    let first = path.split(['\\', '/']).find(|part| !part.is_empty());
    first.is_some_and(|first| ["LocalMachine", "CurrentUser"].iter().any(|store| first.eq_ignore_ascii_case(store)))
}

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let mut fields = Fields::of(object);
    // Where the certificate is: a store, or any file.
    let path = object.text("path");
    if let Some(path) = path.filter(|path| is_store(path)) {
        fields.text("StorePath", &path);
    }
    // Every row has the device's id, and its name only where the query joined it.
    if object.text("devicename").is_none()
        && let Some(device) = object.text("deviceid")
    {
        fields.text("Client", &device);
    }
    fields.push(visit, KIND.confidence, false);
}
