//! Values, and the lines of a row that begin them.

use super::{At, Quoted, Reader};
use crate::format::adcs::lines::{attribute, is_extension, title};
use crate::format::adcs::row::Field;
use crate::format::adcs::value::is_oid;
use crate::record::Code;

/// The word for a value that is not there, in every language.
const EMPTY: &str = "EMPTY";
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

impl Reader<'_> {
    /// Whether the line still belongs to the text; where not, the text is closed.
    pub(super) fn goes_on(&mut self, quoted: Quoted, text: &str, is_blank: bool, is_cut: bool) -> bool {
        let is_next_row = || {
            let is_ours = |before: &str, after: &str| {
                self.title.as_ref().is_some_and(|title| (title.0.as_str(), title.1.as_str()) == (before, after))
            };
            title(text)
                .is_some_and(|(before, number, after)| Some(number) == self.rows.next() && is_ours(before, after))
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
                    let is_named = rest.split_once('"').is_some_and(|(oid, _)| is_oid(oid));
                    self.at = At::Text(Quoted { field, may_end: is_named || rest.ends_with('"'), is_cut });
                }
            }
        }
    }

    /// A line in a row that belongs to no value: a label with its value, a line of a block, or a flag.
    pub(super) fn column_line(&mut self, text: &str, is_cut: bool) {
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

    /// A column is there a second time: somebody's text looks like it, or the copy is damaged. Neither is right for
    /// sure. False where the line may be the title of a block, or a label of several columns.
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

    pub(super) fn blank(&mut self) {
        if !matches!(self.at, At::Before | At::Block | At::Label(_)) {
            self.at = At::Row;
        }
    }

    /// Whether the line begins the octets of a field.
    pub(super) fn octets(&mut self, field: Field, text: &str) -> bool {
        if text.trim_ascii_start().starts_with(BEGIN) {
            self.at = At::Pem(field);
            return true;
        }
        self.dump(field, text)
    }

    pub(super) fn dump(&mut self, field: Field, text: &str) -> bool {
        let Some(is_next) = self.row.add_dump(field, text) else { return false };
        if !is_next {
            self.row.doubt(Code::BadHex, field.name(), "the lines of the hexadecimal dump do not follow each other");
            self.row.forget(field);
        }
        self.at = At::Dump(field);
        true
    }

    pub(super) fn pem(&mut self, field: Field, text: &str, is_blank: bool, is_cut: bool) {
        if is_cut || !(is_blank || text.trim_ascii_start().starts_with(END)) {
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

    /// Ends the value that the row was cut in.
    pub(super) fn close_value(&mut self) {
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
}
