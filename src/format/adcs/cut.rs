//! Where a large output may be cut: before rows, as long as they follow one another.
//!
//! A line is the title of a row for the reader wherever it stands, if it comes behind an empty line, has the words of the
//! first title and the next number. Nothing is cut behind a line that is nearly that, or that could end the rows: what a
//! value holds then cannot make a border where the reader sees none.

use std::fs::File;
use std::path::Path;

use super::lines::{greatest, title};
use super::reader::{Heading, Reader};
use super::schema::{Table, is_rule};
use crate::format::code_page::CodePage;
use crate::format::text::{self, Encoding, TextLines};
use crate::input::Window;
use crate::record::{Binding, CapiUse, Client, Observation, PrivateKey, Provider, Reject, Request, Sink, Template};

/// Bytes in which the first row begins, or nothing is cut.
const HEADING_BYTES: u64 = 1024 * 1024;
/// Longest line of those that are looked at.
const MAX_LINE: usize = 1024 * 1024;

/// Starts of rows of the Request table, about `step` bytes apart. UTF-16 is not cut.
pub fn borders(window: &mut Window<'_>, step: u64) -> Vec<u64> {
    let (mut borders, mut last_border) = (Vec::new(), 0);
    if text::detect(window.fill(1024)).0 != Encoding::Utf8 {
        return borders;
    }
    let mut lines = TextLines::in_code_page(window, MAX_LINE, None);
    let Some((heading, mut last @ 1)) = find(&mut lines) else { return borders };
    if heading.schema.table != Table::Requests {
        return borders;
    }
    let mut after_blank = false;
    while let Some(line) = lines.line() {
        let indent = line.text.bytes().take_while(|byte| *byte == b' ').count();
        let text = line.text.get(indent.min(heading.schema.indent)..).unwrap_or_default();
        let is_blank = text.trim_ascii().is_empty();
        let is_end = after_blank && !text.starts_with(' ') && greatest(text).is_some();
        if line.too_long || is_rule(text) || is_end {
            break;
        }
        let words = (heading.title.0.as_str(), heading.title.1.as_str());
        if let Some((_, number, _)) = title(text).filter(|(before, _, after)| (*before, *after) == words) {
            if !after_blank || last.checked_add(1) != Some(number) {
                break;
            }
            last = number;
            if line.offset >= last_border + step {
                borders.push(line.offset);
                last_border = line.offset;
            }
        }
        after_blank = is_blank;
    }
    borders
}

/// What stands in front of the first row of a file.
pub fn heading(file: Option<&Path>, page: Option<CodePage>) -> Option<Heading> {
    let mut window = Window::new(File::open(file?).ok()?, 0);
    find(&mut TextLines::in_code_page(&mut window, MAX_LINE, page)).map(|(heading, _)| heading)
}

/// Reads up to the title of the first row; what stands there, and the number of the row.
fn find(lines: &mut TextLines<'_, '_>) -> Option<(Heading, i64)> {
    let mut nobody = Nobody;
    let mut reader = Reader::new(&mut nobody);
    loop {
        let line = lines.line().filter(|line| line.offset < HEADING_BYTES)?;
        if let Some(number) = reader.first_row(&line) {
            return Some((reader.into_heading()?, number));
        }
    }
}

/// Hears nothing.
pub struct Nobody;

impl Sink for Nobody {
    fn observation(&mut self, _: &Observation<'_>) {}
    fn client(&mut self, _: &Client<'_>) {}
    fn provider(&mut self, _: &Provider<'_>) {}
    fn request(&mut self, _: &Request<'_>) {}
    fn binding(&mut self, _: &Binding<'_>) {}
    fn template(&mut self, _: &Template<'_>) {}
    fn capi_use(&mut self, _: &CapiUse<'_>) {}
    fn private_key(&mut self, _: &PrivateKey<'_>) {}
    fn reject(&mut self, _: Reject) {}
    fn skip(&mut self, _: &'static str) {}
    fn incomplete(&mut self, _: Option<&str>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "Schema:\n  Column Name                   Localized Name                Type    MaxLength\n  \
                          ----------------------------  ----------------------------  ------  ---------\n  \
                          Request.RequestID             Request ID                    Long    4 -- Indexed\n";

    fn rows(numbers: impl Iterator<Item = u32>) -> String {
        numbers.map(|n| format!("\nRow {n}:\n  Request ID: 0x{n:x} ({n})\n")).collect()
    }

    fn found(text: &str) -> usize {
        let borders = borders(&mut Window::new(text.as_bytes(), 0), 100);
        assert!(borders.iter().all(|border| text[*border as usize..].starts_with("Row ")));
        borders.len()
    }

    #[test]
    fn borders_stand_before_rows_that_follow_one_another() {
        let (all, some) = (found(&format!("{SCHEMA}{}", rows(1..101))), rows(1..51));
        assert!(all > 20, "{all}");
        for odd in [
            rows(60..110),
            format!("Row 51:\n{}", rows(52..101)),
            format!("\nMaximum Row Index: 50\n\n50 Rows\n{}", rows(51..101)),
            format!("{SCHEMA}{}", rows(51..101)),
        ] {
            assert_eq!(found(&format!("{SCHEMA}{some}{odd}")), found(&format!("{SCHEMA}{some}")), "{odd}");
        }
        assert_eq!(found(&format!("{SCHEMA}{}", rows(2..101))), 0, "the first row is missing");
        let extensions = SCHEMA.replace("Request.RequestID ", "ExtensionRequestId");
        assert_eq!(found(&format!("{extensions}{}", rows(1..101))), 0, "rows of other tables belong together");
    }
}
