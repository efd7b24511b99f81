//! The slow path: lines that the fast scan declines, read by `serde_json`, the authority on what is JSON.
//!
//! It reports the same events as [`scan::walk`](super::scan::walk), except that keys come sorted and only once.
//! Readers must not depend on the order of keys.

use serde_json::{Map, Value as Json};

use super::scan::Place;

/// The members of an object and of the objects directly in it, and the text that their values stand in.
#[derive(Default)]
pub(super) struct Members {
    text: String,
    list: Vec<(bool, String, Place)>,
}

impl Members {
    /// Takes an object apart.
    pub(super) fn of(map: Map<String, Json>) -> Self {
        let mut members = Members::default();
        for (key, value) in map {
            members.push(false, key, &value);
            if let Json::Object(inner) = value {
                inner.into_iter().for_each(|(key, value)| members.push(true, key, &value));
            }
        }
        members
    }

    fn push(&mut self, nested: bool, key: String, value: &Json) {
        let start = self.text.len();
        match value {
            Json::Object(_) => self.text.push('{'),
            other => self.text.push_str(&other.to_string()),
        }
        self.list.push((nested, key, Place { start, end: self.text.len(), clean: 0 }));
    }

    /// The text that the values stand in.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Reports the members as `(nested, key, value)`.
    pub(super) fn walk<'a>(&'a self, mut on: impl FnMut(bool, &'a str, Place)) {
        for (nested, key, place) in &self.list {
            on(*nested, key, *place);
        }
    }
}
