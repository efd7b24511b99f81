//! One element of CLIXML to [`Value`].
//!
//! Entities of a document type are not known here, so none is expanded. Secure strings are passed over.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::format::objects::{Object, Value};

/// Deepest nesting of elements; PowerShell goes to 2 by default, and three elements stand for each step.
const MAX_DEPTH: usize = 100;

/// Most values of one element: each takes many times the room of the shortest text that makes one.
const MAX_VALUES: usize = 500_000;

/// The first element of `text`. Of one that is cut, what stands before the cut, where `partial` allows it.
pub(super) fn parse(text: &str, partial: bool) -> Result<Value<'_>, String> {
    let mut parser = Parser { reader: Reader::from_str(text), partial, ended: false, left: MAX_VALUES };
    loop {
        match parser.next()? {
            Node::Start(start) => return parser.value(&start, 0),
            Node::Empty(start) => return Ok(empty(&start)),
            Node::End => return Err("no element".to_owned()),
            Node::Text(_) => {}
        }
    }
}

struct Parser<'t> {
    reader: Reader<&'t [u8]>,
    partial: bool,
    /// The text ended inside the element.
    ended: bool,
    /// So many values may follow.
    left: usize,
}

/// What the parser knows of XML.
enum Node<'t> {
    Start(BytesStart<'t>),
    Empty(BytesStart<'t>),
    End,
    Text(Cow<'t, str>),
}

impl<'t> Parser<'t> {
    fn next(&mut self) -> Result<Node<'t>, String> {
        loop {
            if self.ended {
                return Ok(Node::End);
            }
            match self.reader.read_event() {
                Ok(Event::Start(start)) => return Ok(Node::Start(start)),
                Ok(Event::Empty(start)) => return Ok(Node::Empty(start)),
                Ok(Event::End(_)) => return Ok(Node::End),
                Ok(Event::Text(text)) => return Ok(Node::Text(text.into_inner())),
                Ok(Event::CData(text)) => return Ok(Node::Text(text.into_inner())),
                Ok(Event::GeneralRef(reference)) => {
                    let character = match &*reference {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => reference.resolve_char_ref().ok().flatten().unwrap_or(char::REPLACEMENT_CHARACTER),
                    };
                    return Ok(Node::Text(Cow::Owned(character.to_string())));
                }
                Ok(Event::Eof) | Err(_) if self.partial => self.ended = true,
                Ok(Event::Eof) => return Err("the element has no end".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// The value of an element that was opened.
    fn value(&mut self, start: &BytesStart<'_>, depth: usize) -> Result<Value<'t>, String> {
        if depth > MAX_DEPTH {
            return Err("elements are nested too deeply".to_owned());
        }
        match start.local_name().into_inner() {
            "Obj" => self.object(depth),
            "Props" | "MS" => Ok(Value::Object(Object { fields: self.members(depth)? })),
            "LST" | "IE" | "STK" | "QUE" => self.list(depth),
            "DCT" => self.dictionary(depth),
            // A secret, if only an encrypted one; type names and references to them.
            "SS" | "TN" | "TNRef" | "Ref" => self.text().map(|_| Value::Null),
            "BA" => {
                let text = self.text()?;
                let bytes = base64_simd::forgiving_decode_to_vec(text.as_bytes());
                Ok(bytes.map_or(Value::Null, Value::Bytes))
            }
            "B" => Ok(Value::Text(self.text()?)).map(|text| text.bool().map_or(text, Value::Bool)),
            "I16" | "I32" | "I64" | "U16" | "U32" | "U64" | "By" | "SB" => {
                let text = self.text()?;
                Ok(text.parse().map_or(Value::Number(text), Value::Int))
            }
            "Db" | "Sg" | "D" => Ok(Value::Number(self.text()?)),
            _ => Ok(Value::Text(unescaped(self.text()?))),
        }
    }

    /// The text of an element that was opened; elements inside are passed over.
    fn text(&mut self) -> Result<Cow<'t, str>, String> {
        let mut text = Cow::Borrowed("");
        let mut depth = 0_usize;
        loop {
            match self.next()? {
                Node::Text(more) if text.is_empty() => text = more,
                Node::Text(more) => text.to_mut().push_str(&more),
                Node::Start(_) => depth += 1,
                Node::Empty(_) => {}
                Node::End if depth == 0 || self.ended => return Ok(text),
                Node::End => depth -= 1,
            }
        }
    }

    /// The elements inside one that was opened, each with its start.
    fn each(&mut self, depth: usize, mut visit: impl FnMut(&BytesStart<'t>, Value<'t>)) -> Result<(), String> {
        loop {
            let node = self.next()?;
            self.left = self.left.checked_sub(1).ok_or("the object has too many values")?;
            match node {
                Node::Start(start) => {
                    let value = self.value(&start, depth + 1)?;
                    visit(&start, value);
                }
                Node::Empty(start) => visit(&start, empty(&start)),
                Node::Text(_) => {}
                Node::End => return Ok(()),
            }
        }
    }

    fn members(&mut self, depth: usize) -> Result<Vec<(Cow<'t, str>, Value<'t>)>, String> {
        let mut fields = Vec::new();
        self.each(depth, |start, value| fields.push((name(start), value)))?;
        Ok(fields)
    }

    fn list(&mut self, depth: usize) -> Result<Value<'t>, String> {
        let mut items = Vec::new();
        self.each(depth, |_, value| items.push(value))?;
        Ok(Value::List(items))
    }

    /// Entries of a key and a value, each in its own element.
    fn dictionary(&mut self, depth: usize) -> Result<Value<'t>, String> {
        let mut fields = Vec::new();
        loop {
            match self.next()? {
                Node::Start(start) if start.local_name().into_inner() == "En" => {
                    let mut entry = Object { fields: self.members(depth + 1)? };
                    let key = entry.text("key").map(Cow::into_owned);
                    let at = entry.fields.iter().position(|(name, _)| name == "Value");
                    if let (Some(key), Some(at)) = (key, at) {
                        fields.push((Cow::Owned(key), entry.fields.swap_remove(at).1));
                    }
                }
                Node::Start(start) => drop(self.value(&start, depth + 1)?),
                Node::Empty(_) | Node::Text(_) => {}
                Node::End => return Ok(Value::Object(Object { fields })),
            }
        }
    }

    /// `<Obj>`: its properties and notes, or the list or value that it stands for.
    fn object(&mut self, depth: usize) -> Result<Value<'t>, String> {
        let (mut fields, mut printed, mut other) = (Vec::new(), None, None);
        self.each(depth, |start, value| match (start.local_name().into_inner(), value) {
            ("Props" | "MS", Value::Object(members)) => fields.extend(members.fields),
            ("ToString", text) => printed = Some(text),
            ("TN" | "TNRef", _) => {}
            (_, value) => other = Some(value),
        })?;
        Ok(match (other, printed) {
            (Some(Value::List(items)), _) => Value::List(items),
            (Some(Value::Object(dictionary)), _) => {
                fields.splice(..0, dictionary.fields);
                Value::Object(Object { fields })
            }
            // An enumeration is a number with a name.
            (Some(Value::Int(_)), Some(name)) => name,
            (Some(value), _) => value,
            (None, printed) => {
                fields.extend(printed.map(|text| (Cow::Borrowed("ToString"), text)));
                Value::Object(Object { fields })
            }
        })
    }
}

/// An element without content.
fn empty<'t>(start: &BytesStart<'_>) -> Value<'t> {
    match start.local_name().into_inner() {
        "S" => Value::Text(Cow::Borrowed("")),
        "LST" | "IE" | "STK" | "QUE" => Value::List(Vec::new()),
        "Obj" | "Props" | "MS" | "DCT" => Value::Object(Object::default()),
        _ => Value::Null,
    }
}

/// The attribute `N`.
fn name<'t>(start: &BytesStart<'t>) -> Cow<'t, str> {
    let found = start.try_get_attribute("N").ok().flatten();
    let name =
        found.and_then(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned));
    unescaped(Cow::Owned(name.unwrap_or_default()))
}

/// Text with its escaped units, `_x000D_`.
fn unescaped(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("_x") {
        return text;
    }
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once("_x") {
        units.extend(before.encode_utf16());
        let digits = after.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            Some(unit) if after.get(4..5) == Some("_") => {
                units.push(unit);
                rest = after.get(5..).unwrap_or_default();
            }
            _ => {
                units.extend("_x".encode_utf16());
                rest = after;
            }
        }
    }
    units.extend(rest.encode_utf16());
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object<'_> {
        match parse(text, false) {
            Ok(Value::Object(object)) => object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn properties_and_notes_become_fields() {
        let text = r#"<Obj RefId="0"><TN RefId="0"><T>X</T></TN><ToString>a_x000D__x000A_b &amp; _xZ</ToString><Props>
            <BA N="RawData">AQID</BA><B N="Yes">true</B><I32 N="No">-7</I32><Nil N="Nothing" /><SS N="Pin">00ff</SS>
            <Obj N="Where" RefId="1"><TNRef RefId="0" /><ToString>LocalMachine</ToString><I32>2</I32></Obj></Props>
            <MS><S N="PSPath">C&#58;</S><Obj N="Two"><LST><S>x</S><S></S></LST></Obj></MS></Obj>"#;
        let object = object(text);
        assert_eq!(object.get("rawdata"), Some(&Value::Bytes(vec![1, 2, 3])));
        assert_eq!((object.get("yes"), object.get("no")), (Some(&Value::Bool(true)), Some(&Value::Int(-7))));
        assert_eq!((object.get("nothing"), object.get("pin")), (Some(&Value::Null), Some(&Value::Null)));
        assert_eq!(
            (object.text("where").as_deref(), object.text("pspath").as_deref()),
            (Some("LocalMachine"), Some("C:"))
        );
        assert_eq!(object.get("two"), Some(&Value::List(vec![Value::Text("x".into()), Value::Text("".into())])));
        assert_eq!(object.text("tostring").as_deref(), Some("a\r\nb & _xZ"));
    }

    #[test]
    fn dictionaries_are_objects() {
        let text = r#"<Obj><DCT><En><S N="Key">Thumbprint</S><S N="Value">00</S></En></DCT></Obj>"#;
        assert_eq!(object(text).text("thumbprint").as_deref(), Some("00"));
    }

    #[test]
    fn entities_are_not_expanded_and_depth_is_limited() {
        let object = object(r#"<Obj><MS><S N="a">x&bomb;y</S></MS></Obj>"#);
        assert_eq!(object.text("a").as_deref(), Some("x\u{fffd}y"));
        let deep = format!("{}{}", "<Obj><LST>".repeat(10_000), "</LST></Obj>".repeat(10_000));
        assert!(parse(&deep, false).is_err());
        let wide = |count: usize| format!("<Obj><LST>{}</LST></Obj>", "<Nil/>".repeat(count));
        assert!(parse(&wide(MAX_VALUES - 10), false).is_ok() && parse(&wide(MAX_VALUES), false).is_err());
    }

    #[test]
    fn of_a_cut_element_the_beginning_is_there() {
        let text = r#"<Obj RefId="0"><Props><S N="a">b</S><S N="c">d"#;
        assert!(parse(text, false).is_err());
        let Ok(Value::Object(object)) = parse(text, true) else { panic!("nothing") };
        assert_eq!(object.text("a").as_deref(), Some("b"));
    }
}
