//! osquery (windows-text 8): result log lines, and rows of the table `certificates` as `osqueryi --json` prints them.
//!
//! A result line wraps rows of one query: added or removed ones, a snapshot (whole, or with `logger_snapshot_event_type` a
//! row a line), or a batch of both. Here a line is read by itself, as it is met in JSON documents and among lines of other
//! kinds: every row that was added is an observation, a removed one is a skip, and so are rows of other tables. A log as a
//! whole is replayed by [`osquery_log`](crate::format::objects::osquery_log).

use std::borrow::Cow;

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

/// The row is one of the table `certificates`.
pub(in crate::format::objects) fn is_certificate(object: &Object<'_>) -> bool {
    object.has("sha1") && object.has("commonname") && (object.has("signingalgorithm") || object.has("notvalidafter"))
}

/// The object is a line of the result log.
pub(in crate::format::objects) fn is_result(object: &Object<'_>) -> bool {
    let action = object.text("action");
    let has_host = object.has("hostidentifier") || object.has("hostname");
    has_host
        && object.has("name")
        && match action.as_deref() {
            Some("added" | "removed") => object.has("columns"),
            Some("snapshot") => object.has("snapshot") || object.has("columns"),
            _ => object.has("diffresults") || object.has("snapshot") || object.has("columns"),
        }
}

/// What can be seen of a line whose end is missing begins like one of the result log: osquery writes the rows of a snapshot
/// or batch before the names of query and host.
pub(in crate::format::objects) fn begins_result(object: &Object<'_>) -> bool {
    let is_plain = |row: &Value<'_>| {
        let is_plain = |(_, value): &(_, Value<'_>)| matches!(value, Value::Text(_) | Value::Int(_) | Value::Number(_));
        row.object().is_some_and(|row| !row.fields.is_empty() && row.fields.iter().all(is_plain))
    };
    // The last row may be cut.
    let are_rows = |list: &Value<'_>| matches!(list, Value::List(rows) if rows.first().is_some_and(is_plain));
    match object.get("diffresults") {
        Some(batch) => batch.object().is_some_and(|batch| batch.has("added") || batch.has("removed")),
        None => object.get("snapshot").is_some_and(are_rows),
    }
}

/// A row of a result line.
pub(in crate::format::objects) struct ResultRow<'v, 'a> {
    /// Its number in the line.
    pub(in crate::format::objects) part: u32,
    /// It is not there any more.
    pub(in crate::format::objects) removed: bool,
    /// Its values.
    pub(in crate::format::objects) columns: &'v Object<'a>,
}

/// The rows of a result line, in the order of their numbers.
pub(in crate::format::objects) fn rows<'v, 'a>(result: &'v Object<'a>) -> impl Iterator<Item = ResultRow<'v, 'a>> {
    let batch = result.get("diffresults").and_then(Value::object);
    let of_batch = |name| batch.and_then(|batch| batch.get(name));
    let lists = [
        (result.text("action").as_deref() == Some("removed"), result.get("columns")),
        (false, result.get("snapshot")),
        (false, of_batch("added")),
        (true, of_batch("removed")),
        (false, of_batch("snapshot")),
    ];
    let rows = lists.into_iter().flat_map(|(removed, list)| {
        let rows = list.map_or(&[][..], Value::items).iter().filter_map(Value::object);
        rows.map(move |columns| (removed, columns))
    });
    (0..).zip(rows).map(|(part, (removed, columns))| ResultRow { part, removed, columns })
}

/// The host that a result line names.
pub(in crate::format::objects) fn host<'v>(result: &'v Object<'_>) -> Option<Cow<'v, str>> {
    ["hostidentifier", "hostname"].iter().find_map(|name| result.text(name))
}

fn read_result(result: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let first = visit.lineage;
    let mut is_empty = true;
    for ResultRow { part, removed, columns } in rows(result) {
        is_empty = false;
        visit.lineage = Lineage { part: first.part.saturating_add(part), ..first };
        match removed {
            true => visit.sink.skip("osquery_removed"),
            false => row(columns, Some(result), visit),
        }
    }
    if is_empty {
        visit.sink.skip("osquery_no_rows");
    }
}

/// Pushes those rows of a result line whose numbers `stands` takes, and says nothing of the others.
pub(in crate::format::objects) fn read_standing(
    result: &Object<'_>,
    visit: &mut Visit<'_, '_>,
    mut stands: impl FnMut(u32) -> bool,
) {
    let first = visit.lineage;
    for ResultRow { part, columns, .. } in rows(result) {
        if stands(part) {
            visit.lineage = Lineage { part: first.part.saturating_add(part), ..first };
            row(columns, Some(result), visit);
        }
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
    if let Some(host) = envelope.and_then(host) {
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
