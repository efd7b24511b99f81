//! `certutil -dsTemplate`: a section a template, with the attributes of the directory as `name = "value"`, maybe with the
//! number in hex behind, or with the values on lines below. The form is documented by its description alone; no real output
//! was seen.

use super::attributes::{Attributes, Value};
use crate::format::text::TextLines;
use crate::format::{Input, Outcome};
use crate::record::{Code, FormatConfidence, Lineage, Reject, Sink, Stage};

/// Most attributes of one template.
const MAX_LINES: usize = 4096;

/// A line that only such an output has.
pub(super) fn is_telling(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let names: [&[u8]; 3] = [b"msPKI-Template-Schema-Version", b"pKIDefaultCSPs", b"msPKI-Private-Key-Flag"];
    names.iter().any(|name| line.strip_prefix(*name).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"=")))
}

pub(super) fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    let mut open: Option<Open> = None;
    while let Some(line) = lines.line() {
        if sink.stopped() {
            return Outcome::Incomplete;
        }
        let text = line.text.trim();
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            end(open.take(), sink);
            let mut attributes = Attributes::default();
            attributes.add("name", Value::Text(name));
            open = Some(Open { offset: line.offset, attributes, lines: 0, name: String::new() });
            continue;
        }
        let Some(open) = &mut open else { continue };
        // What begins with a quotation mark is another value of the attribute above.
        let values = match text.split_once('=').filter(|_| !text.starts_with('"')) {
            Some((name, values)) => {
                name.trim().clone_into(&mut open.name);
                values.trim()
            }
            None if text.starts_with('"') && !open.name.is_empty() => text,
            None => {
                open.name.clear();
                continue;
            }
        };
        open.lines += 1;
        if line.too_long || open.lines > MAX_LINES {
            continue;
        }
        for value in quoted(values) {
            open.attributes.add(&open.name, Value::Text(value));
        }
    }
    end(open, sink);
    Outcome::Complete
}

struct Open {
    offset: u64,
    attributes: Attributes,
    lines: usize,
    /// The attribute of the last line.
    name: String,
}

fn end(open: Option<Open>, sink: &mut dyn Sink) {
    let Some(Open { offset, attributes, lines, .. }) = open else { return };
    let lineage = Lineage::at(offset);
    match () {
        () if lines > MAX_LINES => {
            let message = "the template has too many attributes";
            sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
        }
        () if attributes.is_like_template => attributes.push(lineage, FormatConfidence::Inferred, sink),
        () => sink.skip("not_a_template"),
    }
}

/// The values of a line: each in quotes, or one without.
fn quoted(text: &str) -> Vec<&str> {
    if text.is_empty() {
        return Vec::new();
    }
    match text.contains('"') {
        true => text.split('"').skip(1).step_by(2).collect(),
        false => vec![text],
    }
}
