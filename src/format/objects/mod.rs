//! Objects with named fields, however they are written: JSON documents and lines, CSV, CLIXML.
//!
//! Tools write the same objects in several forms, so form and meaning are apart. A *carrier* takes a form to pieces and
//! hands out [`Object`]s one by one; a [`Kind`] knows what one sort of object says and pushes it. To add a kind: write its
//! file in `kinds/`, add one entry to [`KINDS`], and a sample.
//!
//! Names of fields are compared by letters and digits alone, as in the alias table of flat NDJSON.

pub mod clixml;
pub mod csv;
pub mod json;
pub mod kinds;
pub mod lines;
pub mod osquery_log;

mod feed;
mod visit;

use std::borrow::Cow;

use super::Setting;
use crate::record::{FormatConfidence, Lineage, Sink};

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing, or a form's word for it.
    Null,
    /// `true` or `false`, where the form has a type for it.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// Any other number, as it is written.
    Number(Cow<'a, str>),
    /// Text. Everything is text in CSV.
    Text(Cow<'a, str>),
    /// Bytes: a JSON array of at least [`MIN_BYTES`] numbers up to 255, or `<BA>` of CLIXML.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// Numbers that a JSON array must have to be taken for bytes; a shorter one may be a list of numbers.
pub const MIN_BYTES: usize = 16;

/// An object: its fields in order, names as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a> {
    /// Name and value of each field.
    pub fields: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Object<'a> {
    /// The first field of this name, which is in lower case, without blanks and marks.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.fields.iter().find(|(written, _)| is_name(written, name)).map(|(_, value)| value)
    }

    /// The first of these fields that is there and is not null.
    pub fn any(&self, names: &[&str]) -> Option<&Value<'a>> {
        names.iter().filter_map(|name| self.get(name)).find(|value| **value != Value::Null)
    }

    /// There is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The text of a field; numbers as they are written. Empty text is none.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name)?.text()
    }
}

impl<'a> Value<'a> {
    /// The value as text: text that is not empty, and numbers.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Text(text) | Value::Number(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
            Value::Int(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// The value as a whole number, also where it is written as text, decimal or `0x` and hexadecimal.
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Text(text) => {
                let text = text.trim();
                match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    Some(digits) => i64::from_str_radix(digits, 16).ok(),
                    None => text.parse().ok(),
                }
            }
            _ => None,
        }
    }

    /// The value as a flag, also where it is written as text.
    pub fn bool(&self) -> Option<bool> {
        match self {
            Value::Bool(flag) => Some(*flag),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            Value::Text(text) if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
            Value::Text(text) if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
            _ => None,
        }
    }

    /// Its items: those of a list, of PowerShell's `{"value":[...],"Count":n}`, else the value itself; none of null.
    pub fn items(&self) -> &[Value<'a>] {
        match self {
            Value::Null => &[],
            Value::List(items) => items,
            Value::Object(object) if object.fields.len() == 2 && object.has("count") => {
                object.get("value").map_or(std::slice::from_ref(self), Value::items)
            }
            _ => std::slice::from_ref(self),
        }
    }

    /// The object.
    pub fn object(&self) -> Option<&Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// `written` is `name`, which is in lower case, but for case, blanks and marks.
pub fn is_name(written: &str, name: &str) -> bool {
    let mut letters = written.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    name.bytes().all(|byte| letters.next() == Some(byte)) && letters.next().is_none()
}

/// What a kind gets beside its object.
pub struct Visit<'v, 's> {
    /// Where the object stands. One that gives several rows numbers them by [`Lineage::part`].
    pub lineage: Lineage,
    /// Which form it was written in.
    pub carrier: Carrier,
    /// Path of the source, as in [`super::Input`].
    pub path: &'v str,
    /// What the user asked of readers.
    pub setting: &'v Setting,
    /// Takes what is found.
    pub sink: &'s mut dyn Sink,
}

/// The form an object was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A JSON document: one object, an array of them, or several one after the other.
    Json,
    /// JSON, one object a line.
    JsonLines,
    /// CSV: every value is text, and nested ones are lost.
    Csv,
    /// CLIXML.
    Clixml,
}

/// One sort of object.
pub struct Kind {
    /// Name, lower_snake.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What an object of this kind yields.
    pub yields: &'static str,
    /// Where it is defined.
    pub source: &'static str,
    /// How sure its form is.
    pub confidence: FormatConfidence,
    /// An object is of this kind, by the names of its fields (and, where they do not tell, by their values). In CSV the
    /// values are those of the first row.
    pub is: fn(&Object<'_>) -> bool,
    /// Pushes what an object says: by the rule of [`Sink`] at least one record, skip or lost reject.
    pub read: fn(&Object<'_>, &mut Visit<'_, '_>),
}

/// Every kind, in the order of the tests: a stricter one stands before a looser one.
pub const KINDS: &[&Kind] = &[
    &kinds::osquery::RESULT,
    &kinds::templates::ADCS,
    &kinds::templates::CERTIPY,
    &kinds::templates::CERTIPY_ROW,
    &kinds::site_role::KIND,
    &kinds::site::KIND,
    &kinds::iis::KIND,
    &kinds::event::KIND,
    &kinds::keyfactor::JOB,
    &kinds::keyfactor::ENTRY,
    &kinds::keyfactor::ITEM,
    &kinds::defender::KIND,
    &kinds::velociraptor::KIND,
    &kinds::configmgr::KIND,
    &kinds::osquery::CERTIFICATES,
    &kinds::powershell::KIND,
    &kinds::certificate::KIND,
];

/// The first kind that claims this object.
pub fn kind_of(object: &Object<'_>) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| (kind.is)(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_letters_and_digits() {
        let object = Object { fields: vec![("PS_Computer Name".into(), Value::Text("PC1".into()))] };
        assert_eq!(object.text("pscomputername").as_deref(), Some("PC1"));
        assert!(!object.has("pscomputer") && !object.has("pscomputernames"));
    }

    #[test]
    fn values_are_read_as_tools_write_them() {
        assert_eq!(Value::Text("0x20".into()).int(), Some(32));
        assert_eq!(Value::Text(" -5 ".into()).int(), Some(-5));
        assert_eq!((Value::Text("True".into()).bool(), Value::Int(2).bool()), (Some(true), None));
        let wrapped = Object {
            fields: vec![("value".into(), Value::List(vec![Value::Int(1)])), ("Count".into(), Value::Int(1))],
        };
        assert_eq!(Value::Object(wrapped).items(), [Value::Int(1)]);
        assert!(Value::Null.items().is_empty());
        assert_eq!(Value::Text("one".into()).items().len(), 1);
    }
}
