//! Certificate objects of PowerShell (windows-text 7): `Get-ChildItem Cert:` through `ConvertTo-Json`, `Export-Csv` or
//! `Export-Clixml`, with the columns that remoting adds.
//!
//! What a form has lost is unknown. CLIXML keeps the certificate and its path and loses `HasPrivateKey`; CSV keeps
//! `HasPrivateKey` and loses the certificate.

use super::fields::{Fields, is_type_name, text_of};
use crate::format::objects::{Carrier, Kind, Object, Value, Visit};
use crate::record::FormatConfidence;

/// Certificates of the `Cert:` drive.
pub const KIND: Kind = Kind {
    name: "powershell_certificate",
    title: "certificate object of PowerShell",
    yields: "a certificate with its store and whether it has a key; with its provider, where the script asked",
    source: "X509Certificate2 as PowerShell serialises it",
    confidence: FormatConfidence::Documented,
    is,
    read,
};

/// Properties of .NET's certificate beside its names and dates; one of them tells it from what scripts make.
const PROPERTIES: [&str; 6] =
    ["rawdata", "hasprivatekey", "enhancedkeyusagelist", "dnsnamelist", "sendastrustedissuer", "signaturealgorithm"];

/// Headings of `ToString`, which .NET does not translate, and the names of what follows them.
const HEADINGS: [(&str, &str, &str); 6] = [
    ("[Subject]", "subject", "Subject"),
    ("[Issuer]", "issuer", "Issuer"),
    ("[Serial Number]", "serialnumber", "SerialNumber"),
    ("[Not Before]", "notbefore", "NotBefore"),
    ("[Not After]", "notafter", "NotAfter"),
    ("[Thumbprint]", "thumbprint", "Thumbprint"),
];

fn is(object: &Object<'_>) -> bool {
    let from_drive = ["psparentpath", "pspath"]
        .iter()
        .any(|name| object.text(name).is_some_and(|path| path.contains("Certificate::") || path.starts_with("Cert:")));
    from_drive && (object.has("rawdata") || object.has("thumbprint"))
        || object.has("thumbprint") && PROPERTIES.iter().any(|name| object.has(name))
        // CLIXML keeps this one alone.
        || matches!(object.get("rawdata"), Some(Value::Bytes(_)))
        // The first ones of a long object, of which nothing else may be seen.
        || object.has("archived") && object.has("extensions")
}

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let mut fields = Fields::of(object);
    let printed = object.text("tostring");
    let printed = printed.as_deref().unwrap_or_default();
    for (heading, name, written) in HEADINGS {
        if !object.has(name)
            && let Some(text) = under(printed, heading)
        {
            fields.text(written, text);
        }
    }
    if let Some(key) = object.get("privatekey").and_then(Value::object) {
        private_key(key, &mut fields);
    }
    // Of the forms of .NET's certificate, a real one was seen of CLIXML alone.
    let confidence = match (visit.carrier, object.get("rawdata")) {
        (Carrier::Clixml, Some(Value::Bytes(_))) => FormatConfidence::Seen,
        _ => KIND.confidence,
    };
    // An empty provider may be a key that could not be opened.
    fields.push(visit, confidence, false);
}

/// What `ToString` prints on the line under a heading.
fn under<'t>(text: &'t str, heading: &str) -> Option<&'t str> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| *line == heading)?;
    lines.next().filter(|line| !line.is_empty() && !line.starts_with('['))
}

/// The key as .NET opened it: `CspKeyContainerInfo` of Windows PowerShell, or `Key` of CNG.
fn private_key<'o>(key: &'o Object<'_>, fields: &mut Fields<'o>) {
    if let Some(container) = key.get("cspkeycontainerinfo").and_then(Value::object) {
        for (name, value) in &container.fields {
            let wanted = [
                "providername",
                "providertype",
                "keycontainername",
                "uniquekeycontainername",
                "exportable",
                "hardwaredevice",
            ];
            if wanted.iter().any(|wanted| super::super::is_name(name, wanted)) {
                fields.add(name, value);
            }
        }
    }
    let Some(key) = key.get("key").and_then(Value::object) else { return };
    let provider = match key.get("provider") {
        Some(Value::Object(provider)) => text_of(provider, "provider"),
        Some(other) => other.text().filter(|text| !is_type_name(text)),
        None => None,
    };
    for (name, text) in [
        ("ProviderName", provider),
        ("UniqueName", text_of(key, "uniquename")),
        ("KeyContainer", text_of(key, "keyname")),
    ] {
        if let Some(text) = text {
            fields.text(name, &text);
        }
    }
}
