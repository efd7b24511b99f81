//! JSON lines whose objects some kind reads: envelopes of agents, and tables of anything but flat certificates, which
//! are the business of [`ndjson`], and result logs of osquery, which [`osquery_log`] reads as a whole. Lines of such a log
//! behind a first line of another kind are read here one by one.

use super::json::{is_of_kind, parse};
use super::visit::Place;
use super::{Carrier, Value, kinds, osquery_log};
use crate::format::text::{self, Encoding, TextLines};
use crate::format::{Border, Format, Head, Input, Outcome, Setting, ndjson};
use crate::input::{MAX_LINE, Window};
use crate::record::{Code, Lineage, Reject, Sink, Stage};

/// Bytes searched for a NUL, which shows UTF-16, before a place to cut is looked for.
const BORDER_HEAD: usize = 256;

/// One object a line.
pub static FORMAT: Format = Format {
    name: "json_lines",
    title: "JSON lines",
    usual_names: "*.jsonl, *.ndjson, *.log",
    yields: "what its objects are: results of agents, and others",
    source: "one JSON object (RFC 8259) a line",
    sniff: |head| sniff(head) && !osquery_log::sniff(head),
    read: Some(read),
    unpack: None,
    border: Some(Border::Near(border)),
};

/// The first line that is not blank is an object of a kind that flat lines do not have. A line that is cut by the end of
/// the head is judged by what can be seen of it. Result logs of osquery are among them.
pub(in crate::format) fn sniff(head: &Head<'_>) -> bool {
    let is_line = first(head).is_some_and(|(line, complete)| is_line(&line, complete)) && !(ndjson::CENSUS.sniff)(head);
    is_line || osquery_log::sniff(head)
}

/// The first line that is not blank, where it begins an object, and whether all of it is there.
pub(super) fn first(head: &Head<'_>) -> Option<(String, bool)> {
    let bytes = text::head(head);
    let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let complete = lines.peek().is_some() || head.complete;
        let whole = !complete || line.ends_with(b"}");
        return (line.starts_with(b"{") && whole).then(|| (String::from_utf8_lossy(line).into_owned(), complete));
    }
    None
}

fn is_line(line: &str, complete: bool) -> bool {
    (!complete || parse(line).is_ok()) && is_of_kind(line) && !kinds::is_flat(line)
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let place = Place { carrier: Carrier::JsonLines, path: input.path, setting: input.setting, is_wide: false };
    let all = each(input.window, input.setting, |offset, line| {
        if sink.stopped() {
            return false;
        }
        match line {
            Ok((value, guessed)) => place.visit(&value, offset, guessed, sink),
            Err(reject) => sink.reject(reject),
        }
        true
    });
    if all { Outcome::Complete } else { Outcome::Incomplete }
}

/// A line's value and whether letters of its text were guessed, or why there is none.
pub(super) type Found<'t> = Result<(Value<'t>, bool), Reject>;

/// Hands out the lines that are not blank with their offsets, as long as `take` asks for more; false where it did not.
pub(super) fn each(window: &mut Window<'_>, setting: &Setting, mut take: impl FnMut(u64, Found<'_>) -> bool) -> bool {
    let max = setting.max_line;
    let mut lines = TextLines::in_code_page(window, max, setting.code_page);
    while let Some(line) = lines.line() {
        let lineage = Lineage::at(line.offset);
        let found = if line.too_long {
            let message = format!("the line is longer than {max} bytes");
            Err(Reject::lost(lineage, Stage::Read, Code::LineTooLong, message))
        } else if line.text.trim().is_empty() {
            continue;
        } else {
            parse(line.text).map(|value| (value, line.invalid)).map_err(|error| {
                let reject = Reject::lost(lineage, Stage::Decode, Code::BadJson, error.to_string());
                reject.with_sample(line.text.as_bytes())
            })
        };
        if !take(line.offset, found) {
            return false;
        }
    }
    true
}

/// The beginning of the next line. `None` for UTF-16, where a window may start inside a character.
fn border(window: &mut Window<'_>) -> Option<u64> {
    let start = window.fill(BORDER_HEAD);
    let start = start.get(..BORDER_HEAD).unwrap_or(start);
    if text::detect(start).0 != Encoding::Utf8 || start.contains(&0) {
        return None;
    }
    window.line(MAX_LINE)?;
    window.line(MAX_LINE).map(|line| line.offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::read_all;

    #[test]
    fn sources_are_cut_between_lines() {
        let mut window = Window::new(&b"ut\"}\n{\"a\":1}\n{\"b\":1}\n"[..], 100);
        assert_eq!(border(&mut window), Some(105));
        let mut window = Window::new(&b"ut\"}\n"[..], 100);
        assert_eq!(border(&mut window), None);
        let wide: Vec<u8> = "{}\n{}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(border(&mut Window::new(&wide[..], 0)), None);
    }

    #[test]
    fn a_damaged_line_costs_itself_alone() {
        let seen = read_all(&FORMAT, b"{\"a\":\r\n\r\n[]\n{\"no\":\"kind\"}\n3", "x.jsonl");
        assert_eq!(seen.lost(), [Code::BadJson, Code::UnknownType, Code::BadStructure]);
        assert_eq!(seen.skips.get("empty_list"), Some(&1));
        assert_eq!(seen.outcome, Outcome::Complete);
    }
}
