//! One certificate whose fields did not stand in a flat line, read as if they had: by the same names, to the same end.

use super::aliases::{self, Field};
use super::flat::{self, Fields};
use super::value::Value;
use crate::record::Sink;
pub(in crate::format) use flat::Frame;

/// Fields under names of the alias table, in the order of the source.
#[derive(Debug, Default)]
pub(in crate::format) struct Row<'n> {
    /// The values, as JSON writes them, one after the other.
    text: String,
    /// Name of each, and where its value ends.
    fields: Vec<(&'n str, usize)>,
}

impl<'n> Row<'n> {
    /// A text.
    pub(in crate::format) fn text(&mut self, name: &'n str, text: &str) {
        match text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
            // A plain string goes without its closing quote: by that the reader knows it.
            false => self.text.extend(["\"", text]),
            true => self.text.push_str(&serde_json::Value::from(text).to_string()),
        }
        self.fields.push((name, self.text.len()));
    }

    /// A number, `true`, `false` or `null`, as JSON writes it.
    pub(in crate::format) fn literal(&mut self, name: &'n str, literal: &str) {
        self.text.push_str(literal);
        self.fields.push((name, self.text.len()));
    }

    /// Pushes the certificate, or says why there is none.
    pub(in crate::format) fn push(&self, frame: Frame<'_>, sink: &mut dyn Sink) {
        let mut fields = Fields::default();
        let mut start = 0;
        for (name, end) in &self.fields {
            fields.named(name, Value::written(self.text.get(start..*end).unwrap_or_default()));
            start = *end;
        }
        flat::framed(&fields, frame, b"", &mut Vec::new(), sink);
    }
}

/// The name is one of a certificate's fields.
pub(in crate::format) fn is_known(name: &str) -> bool {
    aliases::find(name).is_some()
}

/// The name is one of the certificate itself.
pub(in crate::format) fn is_der(name: &str) -> bool {
    is(name, |field| field == Field::Der)
}

/// The name is one of the certificate's hash.
pub(in crate::format) fn is_hash(name: &str) -> bool {
    is(name, |field| matches!(field, Field::Hash | Field::Sha1 | Field::Sha256))
}

/// The name is one of what certificates have and little else.
pub(in crate::format) fn is_telling(name: &str) -> bool {
    is(name, Field::describes_certificate)
}

fn is(name: &str, test: fn(Field) -> bool) -> bool {
    aliases::find(name).is_some_and(|(field, _)| test(field))
}
