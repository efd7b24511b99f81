//! CSV: a line of column names, then one object a row. Commas, semicolons or tabs; quotes with line ends inside; the type
//! line of Windows PowerShell 5.1; tables one after the other.
//!
//! A row with more or fewer values than the table has columns is lost: its values may stand under the wrong names.

mod split;

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use memchr::memmem;

use super::feed::{Feed, text_of};
use super::visit::Place;
use super::{Carrier, Object, Value, kind_of};
use crate::format::{Border, Format, Head, Input, Outcome, adcs, text};
use crate::input::Window;
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use split::{End, Field, fields, record_end};

/// Most bytes of one row.
const MAX_ROW: usize = 4 * 1024 * 1024;
/// Bytes that are looked at together.
const STRETCH: usize = 64 * 1024;
/// The separators, in the order of the tests.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
/// What begins the first line of `Export-Csv` 5.1.
const TYPE_LINE: &str = "#TYPE ";
/// Bytes in front of it that are looked past.
const TYPE_LINE_WITHIN: usize = 16;
/// What begins the line that tells Excel the separator.
const SEPARATOR_LINE: &str = "sep=";

/// CSV of objects that some kind reads.
pub static FORMAT: Format = Format {
    name: "csv",
    title: "CSV",
    usual_names: "*.csv, *.tsv",
    yields: "what its rows are: certificates of PowerShell and agents, and others",
    source: "RFC 4180; PowerShell Export-Csv",
    sniff,
    read: Some(read),
    unpack: None,
    border: Some(Border::Counted(borders)),
};

fn sniff(head: &Head<'_>) -> bool {
    let bytes = text::head(head);
    // Text of letters and marks alone: binary data and JSON are none of it.
    let first = bytes.trim_ascii_start().first();
    first.is_some_and(|byte| !matches!(byte, b'{' | b'[' | b'<'))
        && Table::of(&bytes).is_some()
        && !(adcs::csv::FORMAT.sniff)(head)
}

/// The columns of a table.
struct Table {
    separator: u8,
    names: Vec<String>,
    /// Length of everything before the first row.
    len: usize,
}

impl Table {
    /// The table that begins `bytes`: some separator makes objects of a kind of it.
    fn of(bytes: &[u8]) -> Option<Table> {
        // A byte order mark stands where files were put one behind the other.
        let mut start = if bytes.starts_with("\u{feff}".as_bytes()) { '\u{feff}'.len_utf8() } else { 0 };
        let mut told = None;
        loop {
            let rest = bytes.get(start..).unwrap_or_default();
            let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let line = rest.get(..len).unwrap_or_default();
            let text = line.trim_ascii();
            if len == 0 {
                return None;
            } else if let Some([separator]) = text.strip_prefix(SEPARATOR_LINE.as_bytes()) {
                told = Some(*separator);
            } else if !text.is_empty() && !text.starts_with(TYPE_LINE.as_bytes()) {
                break;
            }
            start += len;
        }
        let rest = bytes.get(start..).unwrap_or_default();
        let all = SEPARATORS.into_iter().filter(|separator| told.is_none_or(|told| told == *separator));
        all.filter_map(|separator| Table::with(rest, separator))
            .map(|table| Table { len: start + table.len, ..table })
            .next()
    }

    /// The same, of bytes that begin with the names, for one separator.
    fn with(bytes: &[u8], separator: u8) -> Option<Table> {
        let (len, after) = row(bytes, separator)?;
        let names = text_of(bytes.get(..len)?, None).0;
        let names: Vec<String> = fields(&names, separator).map(|field| field.text.trim().to_owned()).collect();
        if names.len() < 2 {
            return None;
        }
        let first = bytes.get(after..).and_then(|rest| rest.get(..row(rest, separator)?.0)).unwrap_or_default();
        let table = Table { separator, names, len: after };
        let text = text_of(first, None).0;
        // Without a row the names alone must tell.
        let object = table.object(&text).unwrap_or_else(|_| table.empty());
        kind_of(&object).is_some().then_some(table)
    }

    fn empty(&self) -> Object<'_> {
        Object { fields: self.names.iter().map(|name| (Cow::Borrowed(name.as_str()), Value::Null)).collect() }
    }

    /// The object of a row, or how many values it has instead.
    fn object<'a>(&'a self, row: &'a str) -> Result<Object<'a>, usize> {
        let mut object = Vec::with_capacity(self.names.len());
        let (mut values, mut count) = (fields(row, self.separator), 0);
        for name in &self.names {
            let Some(field) = values.next() else { return Err(count) };
            count += 1;
            object.push((Cow::Borrowed(name.as_str()), value(field)));
        }
        // Empty values at the end are what spreadsheets leave of columns that were cleared.
        let mut empty = true;
        for field in values {
            count += 1;
            empty &= field.text.is_empty();
        }
        if empty { Ok(Object { fields: object }) } else { Err(count) }
    }

    /// The row repeats the names.
    fn is_header(&self, row: &str) -> bool {
        let mut values = fields(row, self.separator);
        self.names.iter().all(|name| values.next().is_some_and(|field| field.text.trim() == name))
            && values.next().is_none()
    }
}

/// Nothing between separators is nothing; quotes around nothing are empty text.
fn value(field: Field<'_>) -> Value<'_> {
    if field.text.is_empty() && !field.quoted { Value::Null } else { Value::Text(field.text) }
}

/// Length of the row that begins `bytes`, without and with its line end. One that does not end is as long as they are.
fn row(bytes: &[u8], separator: u8) -> Option<(usize, usize)> {
    match record_end(bytes, separator) {
        End::At(len, after) => Some((len, after)),
        End::Open | End::None if bytes.is_empty() => None,
        End::Open | End::None => Some((bytes.len(), bytes.len())),
    }
}

/// Starts of rows, about `step` bytes apart, as long as all rows are of the first table and end. UTF-16 is not cut.
fn borders(window: &mut Window<'_>, step: u64) -> Vec<u64> {
    let (mut borders, mut last) = (Vec::new(), 0);
    let mut feed = Feed::new(window);
    let table = Table::of(feed.fill(STRETCH)).filter(|_| !feed.is_wide());
    let Some(table) = table else { return borders };
    feed.consume(table.len);
    while let Some((_, after @ 1..)) = extent(&mut feed, table.separator) {
        // A type line, also behind a byte order mark, may begin another table.
        if memmem::find(feed.fill(after), TYPE_LINE.as_bytes()).is_some_and(|at| at < TYPE_LINE_WITHIN) {
            break;
        }
        let offset = feed.offset();
        if offset >= last + step {
            borders.push(offset);
            last = offset;
        }
        feed.consume(after);
    }
    borders
}

/// The table of a source that is read from within: the file's beginning tells.
fn table_of_file(file: Option<&Path>) -> Option<Table> {
    let mut window = Window::new(File::open(file?).ok()?, 0);
    Table::of(Feed::new(&mut window).fill(STRETCH))
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let is_within = input.window.offset() > 0;
    let feed = Feed::new(input.window);
    let place = Place { carrier: Carrier::Csv, path: input.path, setting: input.setting, is_wide: feed.is_wide() };
    let mut rows = Rows { feed, place, cut: false };
    let table = if is_within { table_of_file(input.file) } else { Table::of(rows.feed.fill(STRETCH)) };
    let Some(mut table) = table else {
        let message = "the first lines name no columns of a known kind";
        sink.reject(Reject::lost(Lineage::at(rows.feed.offset()), Stage::Read, Code::BadStructure, message));
        return Outcome::Failed;
    };
    if !is_within {
        rows.feed.consume(table.len);
    }
    while !sink.stopped() {
        let Some(next) = rows.next(&table, sink) else {
            return if rows.cut { Outcome::Incomplete } else { Outcome::Complete };
        };
        if next == Next::Table
            && let Some(other) = Table::of(rows.feed.fill(STRETCH))
        {
            rows.feed.consume(other.len);
            table = other;
        }
    }
    Outcome::Incomplete
}

/// Length of the next row without and with its line end, 0 at the end of the source; `None` where quotes do not end.
fn extent(feed: &mut Feed<'_, '_>, separator: u8) -> Option<(usize, usize)> {
    let mut wanted = 1;
    loop {
        let bytes = feed.fill(wanted);
        let all = bytes.len();
        match record_end(bytes, separator) {
            End::At(len, after) => return Some((len, after)),
            End::None if all < wanted => return Some((all, all)),
            End::Open if all < wanted => return None,
            _ if all > MAX_ROW => return None,
            _ => wanted = (2 * all).max(STRETCH),
        }
    }
}

/// What came of a row.
#[derive(Debug, PartialEq)]
enum Next {
    Row,
    /// It begins another table and was not passed over.
    Table,
}

/// A source of CSV under way.
struct Rows<'w, 'r, 'p> {
    feed: Feed<'w, 'r>,
    place: Place<'p>,
    /// The source ended inside quotes.
    cut: bool,
}

impl Rows<'_, '_, '_> {
    /// Reads the next row; `None` at the end.
    fn next(&mut self, table: &Table, sink: &mut dyn Sink) -> Option<Next> {
        let offset = self.feed.offset();
        let lineage = Lineage::at(offset);
        let Some((len, after)) = extent(&mut self.feed, table.separator) else {
            return self.damaged(lineage, sink);
        };
        if after == 0 {
            return None;
        }
        let bytes = self.feed.fill(after).get(..len).unwrap_or_default();
        let (text, guessed) = self.place.text(bytes);
        let row = text.trim_start_matches('\u{feff}');
        if row.starts_with(TYPE_LINE) {
            // Not passed over where a table follows, which tells its own length.
            let known = Table::of(self.feed.fill(STRETCH)).is_some();
            if known {
                return Some(Next::Table);
            }
            sink.skip("csv_type_line");
        } else if row.trim().is_empty() {
        } else if table.is_header(row) {
            sink.skip("csv_header");
        } else {
            match table.object(row) {
                Ok(object) => self.place.visit(&Value::Object(object), offset, guessed, sink),
                Err(count) => {
                    let message = format!("the row has {count} values and the table {} columns", table.names.len());
                    let reject = Reject::lost(lineage, Stage::Read, Code::BadStructure, message);
                    sink.reject(reject.with_sample(bytes));
                }
            }
        }
        self.feed.consume(after);
        Some(Next::Row)
    }

    /// A row whose quotes do not end, or that is too long: its first line is lost, and the next line begins a row.
    fn damaged(&mut self, lineage: Lineage, sink: &mut dyn Sink) -> Option<Next> {
        let (code, message) = match self.feed.fill(MAX_ROW).len() < MAX_ROW {
            true => (Code::Truncated, "the row has no end".to_owned()),
            false => (Code::TooLarge, format!("the row is longer than {MAX_ROW} bytes")),
        };
        sink.reject(Reject::lost(lineage, Stage::Read, code, message));
        loop {
            let bytes = self.feed.fill(STRETCH);
            let all = bytes.len();
            if let Some(at) = memchr::memchr(b'\n', bytes) {
                self.feed.consume(at + 1);
                return Some(Next::Row);
            }
            self.feed.consume(all);
            if all == 0 {
                self.cut = true;
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
