//! Certificate templates as JSON: ADCSTemplate's exports, and what Certipy finds (windows-text 10.3).

use crate::format::objects::{Carrier, Kind, Object, Value, Visit};
use crate::format::template::attributes::{self, Attributes, Value as Attribute};
use crate::record::{Code, FormatConfidence, Lineage, Reject, Stage, Text};

/// The attributes of a template, as the PowerShell module ADCSTemplate exports them.
pub const ADCS: Kind = Kind {
    name: "adcs_template",
    title: "certificate template (ADCSTemplate export)",
    yields: "a certificate template",
    source: "PowerShell module ADCSTemplate, Export-ADCSTemplate; [MS-CRTD]",
    confidence: FormatConfidence::Seen,
    is: |object| object.has("mspkicerttemplateoid") && object.has("mspkicertificatenameflag"),
    read: read_adcs,
};

/// What Certipy finds in a domain: its templates, keyed by number.
pub const CERTIPY: Kind = Kind {
    name: "certipy_templates",
    title: "certificate templates found by Certipy",
    yields: "certificate templates; providers and compatibility are not in this form",
    source: "Certipy, find (JSON)",
    confidence: FormatConfidence::Documented,
    is: |object| object.get("certificatetemplates").is_some_and(is_templates),
    read: read_certipy,
};

/// A row of Certipy's CSV.
pub const CERTIPY_ROW: Kind = Kind {
    name: "certipy_template",
    title: "certificate template found by Certipy (CSV)",
    yields: "a certificate template; providers and compatibility are not in this form",
    source: "Certipy, find (CSV)",
    confidence: FormatConfidence::Documented,
    is: |object| object.has("templatename") && object.has("privatekeyflag"),
    read: read_certipy_row,
};

fn is_templates(value: &Value<'_>) -> bool {
    match value {
        Value::Object(templates) => templates
            .fields
            .iter()
            .all(|(_, value)| value.object().is_some_and(|template| template.has("templatename"))),
        Value::Text(text) => text.starts_with('['),
        _ => false,
    }
}

fn read_adcs(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let mut found = Attributes::default();
    for (name, value) in &object.fields {
        match value {
            Value::Bytes(bytes) => found.add(name, Attribute::Bytes(bytes)),
            // Byte arrays this short are lists of numbers.
            Value::List(items) if items.iter().all(|item| matches!(item, Value::Int(0..=255))) && items.len() == 8 => {
                let bytes: Vec<u8> = items.iter().filter_map(|item| u8::try_from(item.int()?).ok()).collect();
                found.add(name, Attribute::Bytes(&bytes));
            }
            _ => {
                for text in value.items().iter().filter_map(Value::text) {
                    found.add(name, Attribute::Text(&text));
                }
            }
        }
    }
    // A whole export has the attributes that every template has.
    let is_whole =
        ["mspkiprivatekeyflag", "mspkitemplateschemaversion", "pkidefaultkeyspec"].iter().all(|name| object.has(name));
    if is_whole && object.get("pkidefaultcsps").is_none_or(|value| value.items().is_empty()) {
        found.template().any_provider = Some(true);
    }
    found.push(visit.lineage, ADCS.confidence, visit.sink);
}

fn read_certipy(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let templates = object.get("certificatetemplates").and_then(Value::object);
    let first = visit.lineage;
    let mut count = 0;
    for (_, value) in templates.into_iter().flat_map(|templates| &templates.fields) {
        let Some(template) = value.object() else { continue };
        certipy(template, Lineage { part: first.part + count, ..first }, CERTIPY.confidence, visit);
        count += 1;
    }
    if count == 0 {
        visit.sink.skip("no_templates");
    }
}

fn read_certipy_row(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    certipy(object, visit.lineage, CERTIPY_ROW.confidence, visit);
}

/// One template of Certipy's. Flags are names, or a number in newer versions; the names leave out what is no flag.
fn certipy(object: &Object<'_>, lineage: Lineage, confidence: FormatConfidence, visit: &mut Visit<'_, '_>) {
    let mut found = Attributes::default();
    let template = found.template();
    attributes::keep(&mut template.name, object.text("templatename").as_deref());
    attributes::keep(&mut template.display_name, object.text("displayname").as_deref());
    template.schema_version = object.get("schemaversion").and_then(Value::int);
    template.minimal_key_size = object.get("minimumrsakeylength").and_then(Value::int);
    template.ra_signatures = object.get("authorizedsignaturesrequired").and_then(Value::int);
    let list = |name: &str| texts(object.get(name), visit.carrier == Carrier::Csv);
    (template.private_key_flags, template.private_key_flag_names) = flags(object, "privatekeyflag");
    (template.name_flags, template.name_flag_names) = flags(object, "certificatenameflag");
    template.enrollment_flags = flags(object, "enrollmentflag").0;
    // Certipy translates the usages it knows; only what is an identifier is kept.
    let is_oid = |text: &Text<'static>| text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    template.eku = list("extendedkeyusage").into_iter().filter(is_oid).collect();
    template.issuance_policies = list("issuancepolicies").into_iter().filter(is_oid).collect();
    if template.name.is_none() {
        let message = "the template has no name";
        return visit.sink.reject(Reject::lost(lineage, Stage::Decode, Code::MissingField, message));
    }
    found.push(lineage, confidence, visit.sink);
}

/// The number, or the names, of a flag word. Names stand in a list, on lines of one field, or alone; a bit without a name
/// is its number, and some versions print each bit as its number. So a number in a list, or as text, that is one bit
/// stands for that bit, and only another one is the whole word.
fn flags(object: &Object<'_>, name: &str) -> (Option<u32>, Vec<Text<'static>>) {
    let value = object.get(name);
    let alone = match value {
        Some(Value::Int(number)) => Some(*number),
        _ => match value.map(Value::items) {
            Some([only]) => only.int().filter(|number| number.count_ones() != 1),
            _ => None,
        },
    };
    match alone {
        Some(number) => (attributes::unsigned(number), Vec::new()),
        // No name has a comma.
        None => (None, texts(value, true)),
    }
}

/// Texts of a list; where they may stand in one field they are taken apart.
fn texts(value: Option<&Value<'_>>, in_one_field: bool) -> Vec<Text<'static>> {
    let mut list = Vec::new();
    for text in value.map_or(&[][..], Value::items).iter().filter_map(Value::text) {
        if in_one_field {
            for part in text.split([',', ';', '\n']) {
                attributes::push(&mut list, Some(part.trim_matches(['[', ']', '\'', ' '])));
            }
        } else {
            attributes::push(&mut list, Some(&text));
        }
    }
    list
}
