//! Events as PowerShell writes them: `Get-WinEvent` or `Get-EventLog`, as JSON or CSV.

use crate::format::event::{Event, micros};
use crate::format::objects::{Kind, Object, Value, Visit};
use crate::record::FormatConfidence;

/// An event.
pub const KIND: Kind = Kind {
    name: "windows_event",
    title: "Windows event (Get-WinEvent)",
    yields: "a program that uses CryptoAPI for the RSA key of a smart card (event 624); other events are skipped",
    source: "Get-WinEvent, EventLogRecord; Microsoft KB5073121",
    confidence: FormatConfidence::Documented,
    is: |object| {
        let is_numbered = object.has("id") || object.has("eventid");
        is_numbered && object.any(&["providername", "source"]).is_some() && object.has("message")
            || is_numbered && object.has("logname") && object.has("machinename")
    },
    read,
};

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let text = |names: &[&str]| object.any(names).and_then(|value| value.text().map(|text| text.into_owned()));
    let mut event = Event {
        id: object.any(&["eventid", "id"]).and_then(Value::int),
        provider: text(&["providername", "source"]),
        computer: text(&["machinename", "pscomputername"]),
        time: object.any(&["timecreated", "timegenerated"]).and_then(time),
        record: object.any(&["recordid", "index"]).and_then(Value::int),
        data: Vec::new(),
    };
    // Properties come without names.
    for item in object.get("properties").map_or(&[][..], Value::items) {
        let value = item.object().and_then(|item| item.get("value")).unwrap_or(item);
        if let Some(text) = value.text() {
            event.add("Property", &text);
        }
    }
    if let Some(message) = object.text("message") {
        event.add("Message", &message);
    }
    event.push(visit.lineage, visit.sink);
}

/// The time as RFC 3339, from either form of JSON. Times without a zone, as CSV has them, are not guessed.
fn time(value: &Value<'_>) -> Option<String> {
    let wrapped = value.object().and_then(|object| object.any(&["datetime", "value"]));
    let text = wrapped.unwrap_or(value).text()?.into_owned();
    let millis = text.trim_matches(['\\', '/']).strip_prefix("Date(").and_then(|rest| rest.strip_suffix(')'));
    if let Some(millis) = millis.and_then(|millis| millis.parse::<i64>().ok()) {
        let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()?;
        return at.format(&time::format_description::well_known::Rfc3339).ok();
    }
    micros(&text).is_some().then_some(text)
}
