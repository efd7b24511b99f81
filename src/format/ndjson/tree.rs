//! The slow path: lines that the fast scan declines, read by `serde_json`, the authority on what is JSON.
//!
//! It reports the same events as [`scan::walk`](super::scan::walk), except that keys come sorted and only once.
//! Readers must not depend on the order of keys.

use serde_json::{Map, Value as Json};

use super::value::Value;

/// The members of an object and of the objects directly in it, as texts that [`Value`]s can borrow.
pub(super) struct Members(Vec<Member>);

struct Member {
    nested: bool,
    key: String,
    text: String,
}

impl Members {
    /// Takes an object apart.
    pub(super) fn of(map: Map<String, Json>) -> Self {
        let mut members = Vec::new();
        for (key, value) in map {
            members.push(Member { nested: false, key, text: shallow(&value) });
            if let Json::Object(inner) = value {
                members.extend(inner.into_iter().map(|(key, value)| Member {
                    nested: true,
                    key,
                    text: shallow(&value),
                }));
            }
        }
        Members(members)
    }

    /// Reports the members as `(nested, key, value)`.
    pub(super) fn walk<'a>(&'a self, mut on: impl FnMut(bool, &'a str, Value<'a>)) {
        for member in &self.0 {
            let value = if member.text == "{" { Value::OBJECT } else { Value::whole(&member.text) };
            on(member.nested, &member.key, value);
        }
    }
}

fn shallow(value: &Json) -> String {
    match value {
        Json::Object(_) => "{".to_owned(),
        other => other.to_string(),
    }
}
