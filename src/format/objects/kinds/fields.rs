//! The fields of one certificate, gathered from an object for the reader of flat lines, whose alias table says what they
//! mean.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::format::ndjson::row::{self, Frame, Row};
use crate::format::objects::{Object, Value, Visit};
use crate::record::FormatConfidence;

/// What type names begin with: .NET prints one where a form has no place for a value.
const TYPE_NAME: &str = "System.";

/// Fields of one certificate.
#[derive(Default)]
pub(super) struct Fields<'o> {
    row: Row<'o>,
    der: Option<&'o [u8]>,
}

impl<'o> Fields<'o> {
    /// Every field of an object that certificates have.
    pub(super) fn of(object: &'o Object<'_>) -> Self {
        let mut fields = Fields::default();
        for (name, value) in &object.fields {
            fields.add(name, value);
        }
        fields
    }

    /// A field under one of its names; under another name it is nothing.
    pub(super) fn add(&mut self, name: &'o str, value: &'o Value<'_>) {
        if !row::is_known(name) {
            return;
        }
        match unwrapped(value) {
            Value::Text(text) if is_type_name(text) => {}
            Value::Text(text) => self.row.text(name, text),
            Value::Number(number) => self.row.literal(name, number),
            Value::Int(number) => self.row.literal(name, &number.to_string()),
            Value::Bool(flag) => self.row.literal(name, if *flag { "true" } else { "false" }),
            Value::Null => self.row.literal(name, "null"),
            Value::Bytes(bytes) if row::is_der(name) => self.der = self.der.or(Some(bytes)),
            Value::Bytes(bytes) if row::is_hash(name) => self.row.text(name, &hexadecimal(bytes)),
            Value::Bytes(_) | Value::List(_) | Value::Object(_) => {}
        }
    }

    /// A text under one of the names of its field.
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        self.row.text(name, text);
    }

    /// Pushes the certificate, or says why there is none.
    pub(super) fn push(&self, visit: &mut Visit<'_, '_>, confidence: FormatConfidence, empty_provider_denies: bool) {
        let lineage = visit.lineage;
        self.row.push(Frame { lineage, confidence, empty_provider_denies, der: self.der }, visit.sink);
    }
}

/// The value that PowerShell wrapped: a list with its count, or a date with its display.
fn unwrapped<'v, 'a>(value: &'v Value<'a>) -> &'v Value<'a> {
    match value {
        Value::Object(object) => object.get("value").unwrap_or(value),
        _ => value,
    }
}

/// What stands for a value that a form cannot hold, such as `System.Byte[]`.
pub(super) fn is_type_name(text: &str) -> bool {
    text.starts_with(TYPE_NAME) && !text.contains(' ')
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The text of a field, with what PowerShell wrapped; type names are none.
pub(super) fn text_of<'v>(object: &'v Object<'_>, name: &str) -> Option<Cow<'v, str>> {
    unwrapped(object.get(name)?).text().filter(|text| !is_type_name(text))
}
