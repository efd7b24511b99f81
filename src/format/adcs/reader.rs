//! The rows, line by line. Labels are known from the schema, so no language is.

use super::row::{Field, Row};
use super::schema::{Schema, Table, is_rule};
use super::{attributes::Attributes, emit};
use crate::format::text::{TextLine, TextLines};
use crate::format::{Input, Outcome};
use crate::record::{Code, FormatConfidence, Lineage, Reject, Sink, Stage};

/// Lines are cut after so many characters, and go on in the next line.
const CUT_AFTER: usize = 258;
/// The word for a value that is not there, in every language.
const EMPTY: &str = "EMPTY";
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
/// Longest title of a row: a word and a number.
const MAX_TITLE: usize = 64;

/// What the next line belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum At {
    /// Nothing that is read: before the first schema, and behind the last row.
    #[default]
    Outside,
    /// A rule was met.
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

/// Reads the rows of all outputs that stand in the source.
pub fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    let mut reader = Reader::new(sink);
    while let Some(line) = lines.line() {
        if reader.sink.stopped() {
            return Outcome::Incomplete;
        }
        reader.line(&line);
    }
    reader.finish();
    reader.outcome
}

struct Reader<'s> {
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
    /// Rows of this output, the number of the last one, and the greatest one that the end names.
    rows: u64,
    last: i64,
    greatest: Option<i64>,
    /// Offset of the schema.
    schema_offset: u64,
    /// Blanks before the line.
    indent: usize,
}

impl<'s> Reader<'s> {
    fn new(sink: &'s mut dyn Sink) -> Self {
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
            rows: 0,
            last: 0,
            greatest: None,
            schema_offset: 0,
            indent: 0,
        }
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
        if is_rule(text) {
            return self.begin_schema(offset);
        }
        let at = self.at;
        match at {
            At::Outside => return,
            At::Schema => return self.schema_line(text, is_blank),
            At::Count => return self.count(text, is_blank, offset),
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

    /// A rule begins another schema; the title above it belongs to no row.
    fn begin_schema(&mut self, offset: u64) {
        self.unknown.1 = 0;
        self.end_output(offset);
        self.schema = Schema { indent: self.indent.saturating_sub(2), ..Schema::default() };
        self.title = None;
        self.schema_offset = offset;
        self.at = At::Schema;
    }

    fn schema_line(&mut self, text: &str, is_blank: bool) {
        match self.schema.add(text) {
            true => {}
            false if self.schema.columns.is_empty() => self.at = At::Outside,
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
        if number != self.last.saturating_add(1) {
            let message = format!("row {number} follows row {}", self.last);
            self.row.doubt(Code::SequenceGap, "row", message);
        }
        (self.is_open, self.column, self.met, self.unknown) = (true, 0, 0, (0, 0));
        self.rows += 1;
        self.last = number;
        self.at = At::Row;
        true
    }

    /// Whether the line still belongs to the text; where not, the text is closed.
    fn goes_on(&mut self, quoted: Quoted, text: &str, is_blank: bool, is_cut: bool) -> bool {
        let is_next_row = || {
            let is_ours = |before: &str, after: &str| {
                self.title.as_ref().is_some_and(|title| (title.0.as_str(), title.1.as_str()) == (before, after))
            };
            title(text).is_some_and(|(before, number, after)| {
                Some(number) == self.last.checked_add(1) && is_ours(before, after)
            })
        };
        let is_label = || self.schema.find(text.trim_ascii_start(), self.column).is_some();
        let is_attribute = || self.column == self.schema.columns.len() && attribute(text).is_some();
        let ends = match quoted.may_end {
            _ if quoted.is_cut && !is_blank && !text.starts_with(' ') => is_label(),
            true => is_blank || text.starts_with(' ') || is_next_row() || is_label() || is_attribute(),
            // A quote that a copy has lost must not cost the rows behind it.
            false => self.after_blank && is_next_row(),
        };
        if !ends {
            self.row.add_text(quoted.field, if quoted.is_cut { "" } else { "\n" }, text);
            self.at = At::Text(Quoted { may_end: text.trim_ascii_end().ends_with('"'), is_cut, ..quoted });
            return true;
        }
        self.end_text(quoted);
        false
    }

    fn end_text(&mut self, quoted: Quoted) {
        if !quoted.may_end {
            let message = "the quotes around a value are not closed; the value is not used";
            self.row.doubt(Code::Truncated, quoted.field.name(), message);
            self.row.forget(quoted.field);
        }
        self.row.unquote(quoted.field);
        self.at = if self.column == self.schema.columns.len() { At::Block } else { At::Row };
    }

    /// A value in the line of its label.
    fn value(&mut self, field: Field, value: &str, is_cut: bool) {
        self.at = At::Row;
        // What ends a line that was cut stands inside the value.
        let value = if is_cut { value } else { value.trim_end() };
        match value {
            "" => self.at = At::Label(field),
            EMPTY => {}
            _ => {
                self.row.begin_text(field, value);
                if let Some(rest) = value.strip_prefix('"') {
                    // A name for people may stand behind an identifier.
                    let is_named = rest.split_once('"').is_some_and(|(oid, _)| super::value::is_oid(oid));
                    self.at = At::Text(Quoted { field, may_end: is_named || rest.ends_with('"'), is_cut });
                }
            }
        }
    }

    /// A line in a row that belongs to no value: a label with its value, a line of a block, or a flag.
    fn column_line(&mut self, text: &str, is_cut: bool) {
        let trimmed = text.trim_ascii_start();
        let indent = text.len() - trimmed.len();
        if indent >= 4 {
            // Flags of a number, or a block, whose title stands above it.
            if matches!(self.at, At::Label(_)) {
                (self.at, self.in_extensions) = (At::Block, false);
            }
            return self.block_line(trimmed, is_cut);
        }
        if let Some((number, value)) = self.schema.find(trimmed, self.column) {
            let field = self.schema.columns.get(number).map(|column| column.field).unwrap_or_default();
            (self.column, self.met) = (number + 1, self.met + 1);
            return self.value(field, value, is_cut);
        }
        if let Some((number, value)) = self.schema.find(trimmed, 0)
            && self.again(number, value)
        {
            return;
        }
        if trimmed.trim_ascii_end().ends_with([':', '\u{ff1a}']) {
            self.at = At::Label(Field::Other);
            return;
        }
        if self.at == At::Block && indent == 0 && !self.in_extensions && attribute(trimmed).is_some() {
            return self.block_line(trimmed, is_cut);
        }
        if !self.after_cut {
            self.unknown.1 += 1;
        }
    }

    /// A column is there a second time: somebody's text looks like it, or the copy is damaged. Neither is right for sure.
    /// False where the line may be the title of a block, or a label of several columns.
    fn again(&mut self, number: usize, value: &str) -> bool {
        let Some(column) = self.schema.columns.get(number).filter(|column| !column.is_ambiguous) else { return false };
        if value.is_empty() && self.row.blob_mut(column.field).is_none() {
            return false;
        }
        let message = format!("the row has the column {:?} twice; neither value is used", column.label);
        self.row.doubt(Code::BadStructure, column.field.name(), message);
        self.row.forget(column.field);
        self.at = if value.is_empty() { At::Label(Field::Other) } else { At::Row };
        true
    }

    /// A line of a block: an attribute, or an extension, of which nothing is taken.
    fn block_line(&mut self, line: &str, is_cut: bool) {
        if self.at != At::Block {
            return;
        }
        self.in_extensions |= is_extension(line);
        if let Some((name, value)) = attribute(line).filter(|_| !self.in_extensions) {
            self.column = self.schema.columns.len();
            let field = Field::of_attribute(name);
            let is_first = self.row.text(field).is_none();
            if !is_first {
                let message = "the attribute is there twice; the first one is used";
                self.row.doubt(Code::BadField, field.name(), message);
            }
            self.value(if is_first { field } else { Field::Other }, value, is_cut);
            if self.at == At::Row {
                self.at = At::Block;
            }
        }
    }

    fn blank(&mut self) {
        if !matches!(self.at, At::Before | At::Block | At::Label(_)) {
            self.at = At::Row;
        }
    }

    /// Whether the line begins the octets of a field.
    fn octets(&mut self, field: Field, text: &str) -> bool {
        if text.trim_ascii_start().starts_with(BEGIN) {
            self.at = At::Pem(field);
            return true;
        }
        self.dump(field, text)
    }

    fn dump(&mut self, field: Field, text: &str) -> bool {
        let Some(is_next) = self.row.add_dump(field, text) else { return false };
        if !is_next {
            self.row.doubt(Code::BadHex, field.name(), "the lines of the hexadecimal dump do not follow each other");
            self.row.forget(field);
        }
        self.at = At::Dump(field);
        true
    }

    fn pem(&mut self, field: Field, text: &str, is_blank: bool, is_cut: bool) {
        if is_cut || !(is_blank || text.starts_with(END)) {
            return self.row.add_base64(field, text.trim_ascii());
        }
        if is_blank {
            self.row.doubt(Code::Truncated, field.name(), "the PEM block has no END line");
        }
        if !self.row.decode(field) {
            self.row.doubt(Code::BadBase64, field.name(), "the base64 of the PEM block cannot be decoded");
        }
        self.at = At::Row;
    }

    /// Whether the line is the one with the greatest row number, which ends the rows: no blank at its beginning, and a
    /// number at its end.
    fn is_end(&self, text: &str) -> bool {
        let is_between = matches!(self.at, At::Row | At::Before | At::Block | At::Label(_)) && self.after_blank;
        is_between && !text.starts_with(' ') && greatest(text).is_some()
    }

    fn greatest(&mut self, text: &str) {
        self.end_row();
        self.greatest = greatest(text);
        self.at = At::Count;
    }

    /// The number of rows, as the output ends.
    fn count(&mut self, text: &str, is_blank: bool, offset: u64) {
        if is_blank {
            return;
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, words) = text.split_at(digits);
        self.at = At::Outside;
        let Some(number) = number.parse::<u64>().ok().filter(|_| !words.trim().is_empty()) else {
            return self.no_end(offset);
        };
        if number != self.rows || self.greatest != Some(self.last) {
            let greatest = self.greatest.take().unwrap_or_default();
            let message = format!(
                "the output ends with {number} rows, the last of them {greatest}; {} were read, the last of them {}",
                self.rows, self.last
            );
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
        (self.rows, self.last, self.greatest) = (0, 0, None);
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

    /// Ends the value that the row was cut in.
    fn close_value(&mut self) {
        match self.at {
            At::Text(quoted) => self.end_text(quoted),
            At::Pem(field) => self.pem(field, "", true, false),
            At::Dump(field) => {
                let message = "no empty line ends the hexadecimal dump; the value is not used";
                self.row.doubt(Code::Truncated, field.name(), message);
                self.row.forget(field);
            }
            _ => {}
        }
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

    fn finish(&mut self) {
        self.end_row();
        if self.at != At::Outside {
            self.no_end(self.schema_offset);
        }
        self.attributes.flush(self.sink);
    }
}

/// The line is as long as lines can be, so the next may belong to it.
fn is_cut(text: &str) -> bool {
    text.len() >= CUT_AFTER && (text.chars().count() == CUT_AFTER || text.encode_utf16().count() == CUT_AFTER)
}

/// The number in the title of a row, and what stands before and behind it: `Row 5:`.
fn title(text: &str) -> Option<(&str, i64, &str)> {
    let text = text.trim_ascii_end();
    if text.len() > MAX_TITLE || !text.ends_with([':', '\u{ff1a}']) || text.starts_with([' ', '\t']) {
        return None;
    }
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = text.split_at(start);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, after) = rest.split_at(digits);
    let is_word =
        before.len() + after.len() > 1 && !before.contains(':') && !after.contains(|c: char| c.is_ascii_digit());
    number.parse().ok().filter(|_| is_word).map(|number| (before, number, after))
}

/// The number at the end of `Maximum Row Index: 8`.
fn greatest(text: &str) -> Option<i64> {
    let (words, number) = text.trim_ascii_end().rsplit_once([':', '\u{ff1a}'])?;
    let number = number.trim_matches([' ', '\u{a0}', '\u{202f}']);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number && !words.trim().is_empty())
}

/// Name and quoted value of a line of the block of attributes.
fn attribute(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim_ascii().split_once(": ")?;
    value.starts_with('"').then_some((name, value))
}

/// The first line of an extension: its identifier, and flags.
fn is_extension(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(oid, rest)| super::value::is_oid(oid) && rest.contains('='))
}
