//! Event logs as Windows stores them (MS-EVEN6, EVTX).

use std::io;

use evtx::{EvtxParser, ParserSettings};
use serde_json::Value;

use super::Event;
use crate::format::{Format, Input, Outcome};
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use crate::spool::random_access;

/// Largest log that is copied because it is not a file of its own.
const MAX_COPY: u64 = 4 << 30;
/// Damaged chunks and records that are told of one by one.
const MAX_TOLD: usize = 100;

/// Event logs.
pub static FORMAT: Format = Format {
    name: "evtx",
    title: "Windows event log",
    usual_names: "*.evtx",
    yields: "programs that use CryptoAPI for the RSA key of a smart card (event 624); other events are skipped",
    source: "MS-EVEN6; Microsoft KB5073121",
    sniff: |head| head.bytes.starts_with(b"ElfFile\0"),
    read: Some(read),
    unpack: None,
    border: None,
};

fn read(mut input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let here = Lineage::at(input.window.offset());
    let fail = |code, message: String, sink: &mut dyn Sink| {
        sink.reject(Reject::lost(here, Stage::Read, code, message));
        Outcome::Failed
    };
    let file = match random_access(&mut input, MAX_COPY) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return fail(Code::TooLarge, "the log is larger than 4 GiB".to_owned(), sink);
        }
        Err(error) => return fail(Code::Io, error.to_string(), sink),
    };
    let settings = ParserSettings::default().num_threads(1).separate_json_attributes(false);
    let mut parser = match EvtxParser::from_read_seek(file) {
        Ok(parser) => parser.with_configuration(settings),
        Err(_) => return fail(Code::BadStructure, "the header of the log cannot be read".to_owned(), sink),
    };
    let mut damaged = 0;
    for record in parser.records_json() {
        if sink.stopped() {
            return Outcome::Incomplete;
        }
        match record {
            Ok(record) => {
                // The log says of a record only its number; its place in the file is not handed out.
                let number = i64::try_from(record.event_record_id).ok();
                let part = u32::try_from(record.event_record_id).unwrap_or(u32::MAX);
                let lineage = Lineage { byte_offset: 0, part, record_number: number };
                match serde_json::from_str::<Value>(&record.data) {
                    Ok(value) => event(&value, number).push(lineage, sink),
                    Err(_) => {
                        let message = "the event cannot be taken to pieces";
                        sink.reject(Reject::lost(lineage, Stage::Decode, Code::BadStructure, message));
                    }
                }
            }
            Err(_) => {
                damaged += 1;
                if damaged <= MAX_TOLD {
                    let message = "a chunk or a record of the log is damaged";
                    sink.reject(Reject::lost(here, Stage::Read, Code::BadStructure, message));
                }
            }
        }
    }
    if damaged > MAX_TOLD {
        let message = format!("{} more chunks or records of the log are damaged", damaged - MAX_TOLD);
        sink.reject(Reject::lost(here, Stage::Read, Code::BadStructure, message));
    }
    if damaged > 0 { Outcome::Incomplete } else { Outcome::Complete }
}

/// From the crate's JSON, in which attributes stand under `#attributes`.
fn event(value: &Value, number: Option<i64>) -> Event {
    let system = &value["Event"]["System"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let number_of = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let id = &system["EventID"];
    let mut event = Event {
        id: number_of(id).or_else(|| number_of(&id["#text"])),
        provider: text(&system["Provider"]["#attributes"]["Name"]),
        computer: text(&system["Computer"]),
        time: text(&system["TimeCreated"]["#attributes"]["SystemTime"]),
        record: number,
        data: Vec::new(),
    };
    for data in ["EventData", "UserData"] {
        collect(&value["Event"][data], data, 0, &mut event);
    }
    event
}

/// Texts below a value, with the name that is nearest.
fn collect(value: &Value, name: &str, depth: usize, event: &mut Event) {
    const DEEPEST: usize = 8;
    match value {
        Value::String(text) => event.add(name, text),
        Value::Array(items) if depth < DEEPEST => {
            items.iter().for_each(|item| collect(item, name, depth + 1, event));
        }
        Value::Object(fields) if depth < DEEPEST => {
            for (field, value) in fields.iter().filter(|(field, _)| *field != "#attributes") {
                let name = if field == "#text" { name } else { field };
                collect(value, name, depth + 1, event);
            }
        }
        _ => {}
    }
}
