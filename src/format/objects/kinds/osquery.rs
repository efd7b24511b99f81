//! osquery (windows-text 8): result log lines, and rows of the table `certificates` as `osqueryi --json` prints them.
//!
//! A result line wraps rows of one query: added or removed ones, a snapshot, or a batch of both. Every row that was ever
//! added is an observation; a removed one is a skip, and so are rows of other tables.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::fields::Fields;
use crate::format::objects::{Kind, Object, Value, Visit};
use crate::record::{FormatConfidence, Lineage};

/// A row of the table `certificates` without an envelope.
pub const CERTIFICATES: Kind = Kind {
    name: "osquery_certificates",
    title: "row of osquery's table certificates",
    yields: "a certificate by its hash, with its store",
    source: "osquery schema, table certificates",
    confidence: FormatConfidence::Documented,
    is: is_certificate,
    read: |object, visit| row(object, None, visit),
};

/// A line of the result log.
pub const RESULT: Kind = Kind {
    name: "osquery_result",
    title: "result log line of osquery",
    yields: "certificates by their hashes, with their stores; other tables are skips",
    source: "osquery documentation, logging",
    confidence: FormatConfidence::Seen,
    is: is_result,
    read: read_result,
};

fn is_certificate(object: &Object<'_>) -> bool {
    object.has("sha1") && object.has("commonname") && (object.has("signingalgorithm") || object.has("notvalidafter"))
}

fn is_result(object: &Object<'_>) -> bool {
    let action = object.text("action");
    let host = object.has("hostidentifier") || object.has("hostname");
    host && object.has("name")
        && match action.as_deref() {
            Some("added" | "removed") => object.has("columns"),
            Some("snapshot") => object.has("snapshot"),
            _ => object.has("diffresults") || object.has("snapshot") || object.has("columns"),
        }
}

fn read_result(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let first = visit.lineage;
    let action = object.text("action");
    let mut part = first.part;
    let mut each = |rows: Option<&Value<'_>>, removed: bool| {
        for columns in rows.map_or(&[][..], Value::items).iter().filter_map(Value::object) {
            visit.lineage = Lineage { part, ..first };
            part += 1;
            match removed {
                true => visit.sink.skip("osquery_removed"),
                false => row(columns, Some(object), visit),
            }
        }
    };
    each(object.get("columns"), action.as_deref() == Some("removed"));
    each(object.get("snapshot"), false);
    if let Some(differences) = object.get("diffresults").and_then(Value::object) {
        each(differences.get("added"), false);
        each(differences.get("removed"), true);
        each(differences.get("snapshot"), false);
    }
    if part == first.part {
        visit.sink.skip("osquery_no_rows");
    }
}

/// One row, inside its envelope.
fn row(columns: &Object<'_>, envelope: Option<&Object<'_>>, visit: &mut Visit<'_, '_>) {
    if envelope.is_some() && !is_certificate(columns) {
        return visit.sink.skip("osquery_other_table");
    }
    let mut fields = Fields::default();
    for (name, value) in &columns.fields {
        match value {
            // The stores of users who are not logged on; `sid` says whose.
            Value::Text(text) if name == "store_location" && text == "Users" => {
                fields.text("store_location", "CurrentUser")
            }
            _ => fields.add(name, value),
        }
    }
    let host = envelope.and_then(|envelope| ["hostidentifier", "hostname"].iter().find_map(|name| envelope.text(name)));
    if let Some(host) = host {
        fields.text("client", &host);
    }
    if let Some(time) = envelope.and_then(|envelope| envelope.get("unixtime")).and_then(Value::int).and_then(rfc3339) {
        fields.text("collected_at", &time);
    }
    fields.push(visit, CERTIFICATES.confidence, false);
}

fn rfc3339(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}
