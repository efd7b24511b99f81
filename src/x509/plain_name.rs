//! The short way through a plain name: one attribute an RDN, known types, UTF-8 or ASCII strings, minimal lengths.
//!
//! Nearly all names are like that. Whatever is not is declined, never judged: it goes the long way, through
//! x509-parser ([`super::name`]). Where this way answers, both answer alike.

use super::memo::Memo;
use super::name::{Name, keyword, push_escaped};
use super::strict::{cut, only, split};
use crate::der::tag;

/// What a text begins with if the last RDN is a common name.
const COMMON_NAME_IS: &str = "CN=";
/// Most RDNs that are read here.
const MAX_RDNS: usize = 16;

const UTF8_STRING: u8 = 12;
const PRINTABLE_STRING: u8 = 19;
const IA5_STRING: u8 = 22;

/// Reads a Name element, or declines it.
pub(super) fn read(element: &[u8]) -> Option<Name> {
    read_rdns(only(element, tag::SEQUENCE)?)
}

/// Reads the content of a Name element, or declines it.
fn read_rdns(rdns: &[u8]) -> Option<Name> {
    let mut text = Vec::with_capacity(rdns.len());
    let common_name = write_rdns(rdns, &mut text)?;
    let common_name = common_name.map(|name| String::from_utf8(name.to_vec())).transpose().ok()?;
    Some(Name { text: Some(String::from_utf8(text).ok()?), common_name })
}

/// Appends the text of a name, and gives its last common name unescaped, or declines it. Whether they are UTF-8 is left
/// to the caller: all values are where the whole text is.
fn write_rdns<'a>(mut rdns: &'a [u8], text: &mut Vec<u8>) -> Option<Option<&'a [u8]>> {
    let mut attributes: [(&str, &[u8]); MAX_RDNS] = [("", &[]); MAX_RDNS];
    let mut count = 0;
    while !rdns.is_empty() {
        let (rdn, others) = split(rdns, tag::SET)?;
        *attributes.get_mut(count)? = attribute(rdn)?;
        count += 1;
        rdns = others;
    }
    let mut common_name = None;
    for (place, (keyword, value)) in attributes.get(..count)?.iter().rev().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        write_attribute(keyword, value, text);
        common_name = common_name.or_else(|| as_common_name(keyword, value));
    }
    (count > 0).then_some(common_name)
}

/// Replaces what `text` holds by the text of a Name element, and `common_name` by its last common name or nothing; or
/// declines the name. What stands before the last RDN (the domain, the unit) repeats, and is taken from the memo.
pub(super) fn read_similar(
    element: &[u8],
    memo: &mut Memo<Name>,
    text: &mut String,
    common_name: &mut String,
) -> Option<()> {
    common_name.clear();
    // One check for UTF-8 serves all values, and the buffer stays the same.
    let mut bytes = std::mem::take(text).into_bytes();
    bytes.clear();
    let last = write_similar(element, memo, &mut bytes, common_name);
    *text = String::from_utf8(bytes).ok()?;
    if let Some(name) = last? {
        // It begins the text, where nothing in it is escaped.
        let shown = text.get(COMMON_NAME_IS.len()..COMMON_NAME_IS.len() + name.len());
        common_name.push_str(match shown {
            Some(shown) if shown.as_bytes() == name => shown,
            _ => str::from_utf8(name).ok()?,
        });
    }
    Some(())
}

/// Appends the text of a Name element; gives the common name if the last RDN is one, and appends it if not.
fn write_similar<'a>(
    element: &'a [u8],
    memo: &mut Memo<Name>,
    text: &mut Vec<u8>,
    common_name: &mut String,
) -> Option<Option<&'a [u8]>> {
    let rdns = only(element, tag::SEQUENCE)?;
    let mut last = cut(rdns, tag::SET)?;
    while !last.rest.is_empty() {
        last = cut(last.rest, tag::SET)?;
    }
    let before = rdns.get(..rdns.len() - last.element.len())?;
    let (keyword, value) = attribute(last.content)?;
    write_attribute(keyword, value, text);
    let name = as_common_name(keyword, value);
    if before.is_empty() {
        return Some(name);
    }
    text.push(b',');
    let (read, unknown);
    let others = match memo.get(before) {
        Ok(others) => others,
        Err(it) => {
            (read, unknown) = (read_rdns(before)?, it);
            memo.put(unknown, &read);
            &read
        }
    };
    text.extend_from_slice(others.text.as_deref()?.as_bytes());
    if name.is_none() {
        common_name.push_str(others.common_name.as_deref().unwrap_or_default());
    }
    Some(name)
}

fn write_attribute(keyword: &str, value: &[u8], text: &mut Vec<u8>) {
    text.extend_from_slice(keyword.as_bytes());
    text.push(b'=');
    push_escaped(text, value);
}

fn as_common_name<'a>(keyword: &str, value: &'a [u8]) -> Option<&'a [u8]> {
    (keyword.as_bytes() == b"CN" && !value.is_empty()).then_some(value)
}

/// Keyword and value of the only attribute of an RDN.
#[inline]
fn attribute(rdn: &[u8]) -> Option<(&'static str, &[u8])> {
    let attribute = only(rdn, tag::SEQUENCE)?;
    let (kind, value) = split(attribute, tag::OID)?;
    let string = *value.first()?;
    if !matches!(string, UTF8_STRING | PRINTABLE_STRING | IA5_STRING) {
        return None;
    }
    Some((keyword(kind)?, only(value, string)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::x509::name;
    use crate::x509::tests::build::{attribute, cn, element, name, rdn, seq};
    use crate::x509::tests::change::{change, changed};

    fn plain_names() -> Vec<Vec<u8>> {
        let long = "x".repeat(200);
        vec![
            cn("host.example.test"),
            cn("Grabbit, \"Runn\" <+> #\\;"),
            cn(" \u{0}Zoë "),
            cn(&long),
            cn(&long.repeat(2)),
            name(&[
                rdn(&[attribute(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], 22, b"test")]),
                rdn(&[attribute(&[0x55, 4, 6], 19, b"DE")]),
                rdn(&[attribute(&[0x55, 4, 3], 12, b"first")]),
                rdn(&[attribute(&[0x55, 4, 3], 19, b"*.second")]),
                rdn(&[attribute(&[0x55, 4, 3], 12, b"")]),
                rdn(&[attribute(&[0x55, 4, 11], 12, b"Unit")]),
            ]),
        ]
    }

    fn similar(element: &[u8], memo: &mut Memo<Name>) -> Option<Name> {
        let (mut text, mut common_name) = ("left from".to_owned(), "before".to_owned());
        read_similar(element, memo, &mut text, &mut common_name)?;
        Some(Name { text: Some(text), common_name: Some(common_name).filter(|name| !name.is_empty()) })
    }

    #[test]
    fn plain_names_are_read_as_the_long_way_reads_them() {
        for plain in plain_names() {
            let short = read(&plain);
            assert!(short.is_some());
            assert_eq!(short, name::read_long(&plain).ok());
            let mut memo = Memo::default();
            for _ in 0..4 {
                assert_eq!(similar(&plain, &mut memo), short);
            }
        }
    }

    #[test]
    fn other_names_are_declined() {
        let value = |tag: u8, value: &[u8]| attribute(&[0x55, 4, 3], tag, value);
        for other in [
            name(&[]),
            name(&[rdn(&[value(12, b"a"), value(12, b"b")])]),
            name(&[rdn(&[value(30, &[0, b'a'])])]),
            name(&[rdn(&[value(12, b"\xff")])]),
            name(&[rdn(&[attribute(&[0x2a, 3], 12, b"a")])]),
            name(&vec![rdn(&[value(12, b"a")]); MAX_RDNS + 1]),
            name(&[element(0x31, &[&value(12, b"a")[..], &[0, 0]].concat())]),
            name(&[element(0x31, &seq(&[element(6, &[0x55, 4, 3]), vec![12, 0x81, 1, b'a']]))]),
            [&cn("a")[..], &[0]].concat(),
        ] {
            assert_eq!(read(&other), None, "{other:02x?}");
            if let Some(answer) = similar(&other, &mut Memo::default()) {
                assert_eq!(Ok(answer), name::read_long(&other), "one RDN more than most: {other:02x?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_answered_is_what_the_long_way_answers(
            pick in 0usize..6,
            changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 0..4),
        ) {
            let mut bytes = plain_names().swap_remove(pick);
            let mut memo = Memo::default();
            for plain in plain_names().iter().chain(&plain_names()) {
                similar(plain, &mut memo);
            }
            changed(&mut bytes, &changes);
            for _ in 0..3 {
                if let Some(short) = similar(&bytes, &mut memo) {
                    prop_assert_eq!(Ok(short), name::read_long(&bytes));
                }
            }
            if let Some(short) = read(&bytes) {
                prop_assert_eq!(Ok(short), name::read_long(&bytes));
            }
        }
    }
}
