//! The Attribute table: one row an attribute, many rows a request. Rows of one request stand together.

use super::emit;
use super::row::{Field, Row};
use super::value;
use crate::record::{Code, FormatConfidence, Sink};

/// The attributes of one request that were met.
#[derive(Default)]
pub struct Attributes {
    row: Row,
    /// The number of the request, as it is printed.
    request: Option<i64>,
    /// One of them says something that is of use here.
    is_useful: bool,
}

impl Attributes {
    /// Takes a row. Rows of another request end what was begun.
    pub fn add(&mut self, row: &mut Row, sink: &mut dyn Sink) {
        let number = row.text(Field::AttributeRequestId).and_then(value::number);
        let Some(number) = number else {
            self.flush(sink);
            sink.skip("attribute_without_request");
            return;
        };
        if self.request != Some(number) {
            self.flush(sink);
            (self.request, self.is_useful) = (Some(number), false);
            self.row.begin(row.lineage);
            self.row.begin_text(Field::RequestId, row.text(Field::AttributeRequestId).unwrap_or_default());
        }
        let field = Field::of_attribute(row.text(Field::AttributeName).unwrap_or_default().trim());
        if let Some(text) = row.text(Field::AttributeValue).filter(|_| field != Field::Other) {
            self.is_useful = true;
            match self.row.text(field) {
                Some(known) if known != text => {
                    let message = "the attribute is there twice, and differently; the first one is used";
                    self.row.doubt(Code::BadField, field.name(), message);
                }
                Some(_) => {}
                None => self.row.begin_text(field, text),
            }
        }
        self.row.take_doubts(row);
    }

    /// Pushes what is known of the request whose rows have ended.
    pub fn flush(&mut self, sink: &mut dyn Sink) {
        match self.request.take() {
            None => {}
            Some(_) if self.is_useful => emit::push(&mut self.row, FormatConfidence::Inferred, sink),
            Some(_) => sink.skip("other_attributes"),
        }
    }
}
