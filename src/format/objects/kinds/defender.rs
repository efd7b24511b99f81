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

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let mut fields = Fields::default();
    for (name, value) in &object.fields {
        // `Path` is where the file or store is; it is no path of a key.
        fields.add(name, value);
    }
    // Every row has the device's id, and its name only where the query joined it.
    if object.text("devicename").is_none()
        && let Some(device) = object.text("deviceid")
    {
        fields.text("Client", &device);
    }
    fields.push(visit, KIND.confidence, false);
}
