//! JSON to [`Value`]: strings are borrowed where nothing is escaped, arrays of octets become bytes at once.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::format::objects::{MIN_BYTES, Object, Value};

/// Most values of one text. A value takes many times the room of the shortest text that makes one; octets take none.
const MAX_VALUES: usize = 500_000;

/// One JSON value, with nothing but white space around it.
pub(in crate::format::objects) fn parse(text: &str) -> Result<Value<'_>, serde_json::Error> {
    let left = Cell::new(MAX_VALUES);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Seed { left: &left }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Makes values as long as there is room.
#[derive(Clone, Copy)]
struct Seed<'c> {
    left: &'c Cell<usize>,
}

impl Seed<'_> {
    fn take<E: Error>(self, count: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(count).ok_or_else(|| E::custom("the object has too many values"))?;
        self.left.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or_else(|_| Value::Number(number.to_string().into()), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(number.to_string().into()))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let (mut octets, mut list) = (Vec::new(), Vec::new());
        while let Some(item) = items.next_element_seed(self)? {
            match item {
                Value::Int(number @ 0..=255) if list.is_empty() => octets.push(number as u8),
                other => {
                    self.take(1 + octets.len())?;
                    list.extend(octets.drain(..).map(|octet| Value::Int(octet.into())));
                    list.push(other);
                }
            }
        }
        if octets.len() >= MIN_BYTES {
            return Ok(Value::Bytes(octets));
        }
        list.extend(octets.into_iter().map(|octet| Value::Int(octet.into())));
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            self.take(1)?;
            fields.push((name, members.next_value_seed(self)?));
        }
        Ok(Value::Object(Object { fields }))
    }
}

/// The name of a member.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_type_that_json_gives_them() {
        let text = r#"{"a":null,"b":true,"c":-1,"d":1.5,"e":"x","f":"\u0041","g":18446744073709551615,"h":[1,"y"]}"#;
        let Ok(Value::Object(object)) = parse(text) else { panic!("no object") };
        let values: Vec<_> = object.fields.into_iter().map(|(_, value)| value).collect();
        let expected = [
            Value::Null,
            Value::Bool(true),
            Value::Int(-1),
            Value::Number("1.5".into()),
            Value::Text("x".into()),
            Value::Text("A".into()),
            Value::Number("18446744073709551615".into()),
            Value::List(vec![Value::Int(1), Value::Text("y".into())]),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn long_arrays_of_octets_are_bytes_and_others_are_lists() {
        let array = |items: &[i64]| {
            let text = items.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            format!("[{text}]")
        };
        assert_eq!(parse(&array(&[7; MIN_BYTES])).ok(), Some(Value::Bytes(vec![7; MIN_BYTES])));
        assert_eq!(parse(&array(&[7; MIN_BYTES - 1])).ok(), Some(Value::List(vec![Value::Int(7); MIN_BYTES - 1])));
        let mut numbers = vec![7; MIN_BYTES];
        numbers.push(256);
        let list = numbers.iter().map(|number| Value::Int(*number)).collect();
        assert_eq!(parse(&array(&numbers)).ok(), Some(Value::List(list)));
    }

    #[test]
    fn the_number_of_values_is_limited_and_octets_are_none() {
        let list = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
        assert!(parse(&list("{}", MAX_VALUES)).is_ok() && parse(&list("{}", MAX_VALUES + 1)).is_err());
        assert!(matches!(parse(&list("9", 2 * MAX_VALUES)), Ok(Value::Bytes(_))));
        assert!(parse(&format!("[{},-1]", vec!["9"; MAX_VALUES].join(","))).is_err());
    }

    #[test]
    fn depth_is_limited() {
        assert!(parse(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).is_err());
    }
}
