//! JSON lines whose objects some kind reads: envelopes of agents, and tables of anything but flat certificates, which
//! are the business of [`ndjson`].

use super::json::{is_of_kind, parse};
use super::visit::Place;
use super::{Carrier, kinds};
use crate::format::text::{self, Encoding, TextLines};
use crate::format::{Border, Format, Head, Input, Outcome, ndjson};
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
    sniff,
    read: Some(read),
    unpack: None,
    border: Some(Border::Near(border)),
};

/// The first line that is not blank is an object of a kind that flat lines do not have. A line that is cut by the end of
/// the head is judged by what can be seen of it.
pub(super) fn sniff(head: &Head<'_>) -> bool {
    first_line(head) && !(ndjson::CENSUS.sniff)(head)
}

fn first_line(head: &Head<'_>) -> bool {
    let bytes = text::head(head);
    let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let complete = lines.peek().is_some() || head.complete;
        let whole = !complete || line.ends_with(b"}");
        return line.starts_with(b"{") && whole && is_line(&String::from_utf8_lossy(line), complete);
    }
    false
}

fn is_line(line: &str, complete: bool) -> bool {
    (!complete || parse(line).is_ok()) && is_of_kind(line) && !kinds::is_flat(line)
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let place = Place { carrier: Carrier::JsonLines, path: input.path, setting: input.setting, is_wide: false };
    let max = input.setting.max_line;
    let mut lines = TextLines::in_code_page(input.window, max, input.setting.code_page);
    while let Some(line) = lines.line() {
        if sink.stopped() {
            return Outcome::Incomplete;
        }
        let lineage = Lineage::at(line.offset);
        if line.too_long {
            let message = format!("the line is longer than {max} bytes");
            sink.reject(Reject::lost(lineage, Stage::Read, Code::LineTooLong, message));
        } else if !line.text.trim().is_empty() {
            match parse(line.text) {
                Ok(value) => place.visit(&value, line.offset, line.invalid, sink),
                Err(error) => {
                    let reject = Reject::lost(lineage, Stage::Decode, Code::BadJson, error.to_string());
                    sink.reject(reject.with_sample(line.text.as_bytes()));
                }
            }
        }
    }
    Outcome::Complete
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
