//! The rows, line by line. Labels are known from the schema, so no language is.

use super::attributes::Attributes;
use super::cut;
use super::emit;
use super::end::Count;
use super::lines::{greatest, is_cut, title};
use super::row::{Field, Row};
use super::schema::{Schema, Table, is_rule};
use crate::format::text::{TextLine, TextLines};
use crate::format::{Input, Outcome};
use crate::record::{Code, FormatConfidence, Lineage, Reject, Sink, Stage};

mod values;

/// What the next line belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum At {
    /// Nothing that is read: before the first schema, and behind the last row.
    #[default]
    Outside,
    /// Under a rule.
    Schema,
    /// Between the schema and the first row.
    Before,
    /// In a row, and in no value.
    Row,
    /// In a text in quotes.
    Text(Quoted),
    /// Behind a label without a value: octets follow, or a block.
    Label(Field),
    /// In a PEM block.
    Pem(Field),
    /// In a hexadecimal dump.
    Dump(Field),
    /// In the block of attributes or that of extensions.
    Block,
    /// Behind the greatest row number: the number of rows follows.
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Quoted {
    field: Field,
    /// A quote ended the last line, or an identifier stood in quotes.
    may_end: bool,
    /// The last line was as long as lines can be.
    is_cut: bool,
}

/// What stands in front of the first row of an output.
pub struct Heading {
    /// The columns.
    pub schema: Schema,
    /// Where they stand.
    offset: u64,
    /// What stands before and behind the number in titles of rows.
    pub title: (String, String),
}

/// Reads the rows of all outputs that stand in the source.
pub fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let (is_within, goes_on) = (input.window.offset() > 0, input.window.goes_on());
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    let mut reader = Reader::new(sink);
    if is_within {
        match cut::heading(input.file, input.setting.code_page) {
            Some(heading) => reader.enter(heading),
            None => return Outcome::Failed,
        }
    }
    while let Some(line) = lines.line() {
        if reader.sink.stopped() {
            return Outcome::Incomplete;
        }
        reader.line(&line);
    }
    match goes_on {
        true => reader.pause(),
        false => reader.finish(),
    }
    reader.outcome
}

/// Reads lines.
pub struct Reader<'s> {
    sink: &'s mut dyn Sink,
    outcome: Outcome,
    at: At,
    schema: Schema,
    row: Row,
    attributes: Attributes,
    /// What stands before and behind the number in titles of rows.
    title: Option<(String, String)>,
    /// A row is open.
    is_open: bool,
    /// The next column of the open row.
    column: usize,
    /// Columns of the open row that were met.
    met: usize,
    /// In a block: an extension was met, so what follows are no attributes.
    in_extensions: bool,
    /// The line before was empty.
    after_blank: bool,
    /// The line before was as long as lines can be.
    after_cut: bool,
    /// Lines of the open row that nothing is known of, since its beginning and since the last empty line.
    unknown: (u64, u64),
    /// Rows of this output.
    rows: Count,
    /// Offset of the schema.
    schema_offset: u64,
    /// Blanks before the line.
    indent: usize,
    /// The line before was a rule: blanks before it, and its offset.
    rule: Option<(usize, u64)>,
    /// Where the reader was before the line that seems to end the rows.
    before_end: At,
    /// The next row is the first that is read, but not the first of the output.
    is_within: bool,
}

impl<'s> Reader<'s> {
    /// Outside of any output.
    pub fn new(sink: &'s mut dyn Sink) -> Self {
        Reader {
            sink,
            outcome: Outcome::Complete,
            at: At::Outside,
            schema: Schema::default(),
            row: Row::default(),
            attributes: Attributes::default(),
            title: None,
            is_open: false,
            column: 0,
            met: 0,
            in_extensions: false,
            after_blank: true,
            after_cut: false,
            unknown: (0, 0),
            rows: Count::default(),
            schema_offset: 0,
            indent: 0,
            rule: None,
            before_end: At::Outside,
            is_within: false,
        }
    }

    /// Begins before a row of an output with this heading.
    fn enter(&mut self, heading: Heading) {
        (self.schema, self.schema_offset, self.title) = (heading.schema, heading.offset, Some(heading.title));
        (self.at, self.is_within) = (At::Before, true);
    }

    /// Reads a line; the number of the row, if the line is the title of the first one.
    pub fn first_row(&mut self, line: &TextLine<'_>) -> Option<i64> {
        self.line(line);
        self.is_open.then_some(self.rows.last())
    }

    /// What stood in front of the row that is open.
    pub fn into_heading(self) -> Option<Heading> {
        Some(Heading { schema: self.schema, offset: self.schema_offset, title: self.title? })
    }

    fn confidence(&self) -> FormatConfidence {
        let is_seen = self.schema.table == Table::Requests && self.title.as_ref().is_none_or(|title| title.0 == "Row ");
        if is_seen { FormatConfidence::Seen } else { FormatConfidence::Inferred }
    }

    fn line(&mut self, line: &TextLine<'_>) {
        if line.too_long {
            return self.too_long(line.offset);
        }
        self.indent = line.text.bytes().take_while(|byte| *byte == b' ').count();
        let text = line.text.get(self.indent.min(self.schema.indent)..).unwrap_or_default();
        let (is_blank, is_cut) = (text.trim_ascii().is_empty(), is_cut(text));
        if line.invalid && self.is_open {
            let message = "the text is not valid in its encoding; letters of the row are guessed";
            self.row.doubt(Code::BadText, "encoding", message);
        }
        self.route(text, is_blank, is_cut, line.offset);
        self.after_blank = is_blank;
        self.after_cut = is_cut;
        if is_blank {
            self.unknown = (self.unknown.0 + self.unknown.1, 0);
        }
    }

    fn too_long(&mut self, offset: u64) {
        let message = "a line is longer than the limit and was passed over";
        if self.is_open {
            self.row.doubt(Code::LineTooLong, "line", message);
        } else if self.at != At::Outside {
            let lineage = Lineage::at(offset);
            self.sink.reject(Reject::degraded(lineage, Stage::Read, Code::LineTooLong, "line", message));
        }
    }

    fn route(&mut self, text: &str, is_blank: bool, is_cut: bool, offset: u64) {
        if let At::Text(quoted) = self.at
            && self.goes_on(quoted, text, is_blank, is_cut)
        {
            return;
        }
        if let Some((indent, offset)) = self.rule.take()
            && Schema::default().add(text)
        {
            self.begin_schema(indent, offset);
        }
        if is_rule(text) {
            self.rule = Some((self.indent, offset));
        }
        let at = self.at;
        match at {
            At::Outside => return,
            At::Schema => return self.schema_line(text, is_blank),
            At::Count => return self.count(text, is_blank, is_cut, offset),
            _ if self.title(text, offset) => return,
            At::Pem(field) => return self.pem(field, text, is_blank, is_cut),
            _ if is_blank => return self.blank(),
            At::Label(field) if self.octets(field, text) => return,
            At::Dump(field) if self.dump(field, text) => return,
            _ => {}
        }
        if self.is_end(text) {
            self.greatest(text);
        } else if at != At::Before {
            self.column_line(text, is_cut);
        }
    }

    /// A rule with a column under it begins another schema; the title above it belongs to no row.
    fn begin_schema(&mut self, indent: usize, offset: u64) {
        self.unknown.1 = 0;
        self.end_output(offset);
        self.schema = Schema { indent: indent.saturating_sub(2), ..Schema::default() };
        self.title = None;
        self.schema_offset = offset;
        self.at = At::Schema;
    }

    fn schema_line(&mut self, text: &str, is_blank: bool) {
        match self.schema.add(text) {
            true => {}
            false if is_blank => self.at = At::Before,
            false => {
                let reject = "a line of the schema names no column that is known; its values are not read";
                let lineage = Lineage::at(self.schema_offset);
                self.sink.reject(Reject::degraded(lineage, Stage::Read, Code::BadStructure, "schema", reject));
            }
        }
    }

    /// Whether the line is the title of a row, which then begins.
    fn title(&mut self, text: &str, offset: u64) -> bool {
        let Some((before, number, after)) = title(text).filter(|_| !self.after_cut) else { return false };
        match &self.title {
            Some(title) if (title.0.as_str(), title.1.as_str()) != (before, after) => return false,
            Some(_) => {}
            None => self.title = Some((before.into(), after.into())),
        }
        self.end_row();
        self.row.begin(Lineage { record_number: Some(number), ..Lineage::at(offset) });
        if std::mem::take(&mut self.is_within) {
            self.rows = Count::before(number);
        }
        if let Some(gap) = self.rows.add(number) {
            self.row.doubt(Code::SequenceGap, "row", gap);
        }
        (self.is_open, self.column, self.met, self.unknown) = (true, 0, 0, (0, 0));
        self.at = At::Row;
        true
    }

    /// Whether the line is the one with the greatest row number, which ends the rows: no blank at its beginning, and a
    /// number at its end.
    fn is_end(&self, text: &str) -> bool {
        let is_between = matches!(self.at, At::Row | At::Before | At::Block | At::Label(_)) && self.after_blank;
        is_between && !text.starts_with(' ') && greatest(text).is_some()
    }

    fn greatest(&mut self, text: &str) {
        self.rows.greatest = greatest(text);
        self.before_end = self.at;
        self.at = At::Count;
    }

    /// The number of rows, as the output ends. Where it does not, the line before was no end either.
    fn count(&mut self, text: &str, is_blank: bool, is_cut: bool, offset: u64) {
        if is_blank {
            return;
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, words) = text.split_at(digits);
        let Some(number) = number.parse().ok().filter(|_| !words.trim().is_empty()) else {
            (self.at, self.rows.greatest) = (self.before_end, None);
            self.unknown.0 += 1;
            return self.route(text, is_blank, is_cut, offset);
        };
        self.end_row();
        self.at = At::Outside;
        if let Some(message) = self.rows.difference(number) {
            self.doubt_end(offset, Code::EndCountsDiffer, message);
        }
        self.forget_output();
    }

    fn no_end(&mut self, offset: u64) {
        let message = "the output has no row count at its end; rows may be missing".to_owned();
        self.doubt_end(offset, Code::MissingEnd, message);
        self.forget_output();
    }

    fn doubt_end(&mut self, offset: u64, code: Code, message: String) {
        self.outcome = Outcome::Incomplete;
        self.sink.reject(Reject::degraded(Lineage::at(offset), Stage::Read, code, "rows", message));
    }

    fn forget_output(&mut self) {
        self.attributes.flush(self.sink);
        self.rows = Count::default();
    }

    /// Ends the output that is being read, without its end.
    fn end_output(&mut self, offset: u64) {
        self.end_row();
        if self.at != At::Outside {
            self.no_end(offset);
        }
        self.forget_output();
    }

    fn end_row(&mut self) {
        if self.is_open {
            self.is_open = false;
            self.close_value();
            self.check_columns();
            let confidence = self.confidence();
            match self.schema.table {
                Table::Requests => {
                    self.attributes.flush(self.sink);
                    emit::push(&mut self.row, confidence, self.sink);
                }
                Table::Attributes => self.attributes.add(&mut self.row, self.sink),
                Table::Extensions => self.skip("extension_row"),
                Table::Crls => self.skip("crl_row"),
            }
        }
        self.at = if self.at == At::Outside { At::Outside } else { At::Before };
    }

    fn skip(&mut self, reason: &'static str) {
        self.attributes.flush(self.sink);
        self.sink.skip(reason);
    }

    /// Notes columns that are missing. Where some are, a label that several columns have does not tell which one it is.
    fn check_columns(&mut self) {
        let unknown = self.unknown.0 + self.unknown.1;
        if unknown > 0 {
            let message = format!("{unknown} lines of the row belong to no column");
            self.row.doubt(Code::BadStructure, "row", message);
        }
        let all = self.schema.columns.len();
        if self.met < all {
            let message = format!("{} of {all} columns of the row are missing", all - self.met);
            self.row.doubt(Code::MissingField, "row", message);
            for column in self.schema.columns.iter().filter(|column| column.is_ambiguous) {
                self.row.forget(column.field);
            }
        }
    }

    /// The rows go on in another unit.
    fn pause(&mut self) {
        self.end_row();
        self.attributes.flush(self.sink);
    }

    fn finish(&mut self) {
        self.end_row();
        if self.at != At::Outside {
            self.no_end(self.schema_offset);
        }
        self.attributes.flush(self.sink);
    }
}
