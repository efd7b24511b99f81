//! The short way through a plain name: one attribute an RDN, known types, UTF-8 or ASCII strings, minimal lengths.
//!
//! Nearly all names are like that. Whatever is not is declined, never judged: it goes the long way, through
//! x509-parser ([`super::name`]). Where this way answers, both answer alike.

use super::name::{Name, keyword, push_escaped};
use super::strict::{only, split};
use crate::der::tag;

/// Most RDNs that are read here.
const MAX_RDNS: usize = 16;

const UTF8_STRING: u8 = 12;
const PRINTABLE_STRING: u8 = 19;
const IA5_STRING: u8 = 22;

/// Reads a Name element, or declines it.
pub(super) fn read(element: &[u8]) -> Option<Name> {
    let mut text = String::with_capacity(element.len());
    let mut common_name = String::new();
    read_into(element, &mut text, &mut common_name)?;
    Some(Name { text: Some(text), common_name: Some(common_name).filter(|name| !name.is_empty()) })
}

/// Appends the text of a Name element and its last common name (nothing where there is none), or declines it.
pub(super) fn read_into(element: &[u8], text: &mut String, common_name: &mut String) -> Option<()> {
    let mut rest = only(element, tag::SEQUENCE)?;
    let mut attributes = [("", ""); MAX_RDNS];
    let mut count = 0;
    while !rest.is_empty() {
        let (rdn, others) = split(rest, tag::SET)?;
        *attributes.get_mut(count)? = attribute(rdn)?;
        count += 1;
        rest = others;
    }
    let attributes = attributes.get(..count)?;
    for (place, (keyword, value)) in attributes.iter().rev().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(keyword);
        text.push('=');
        push_escaped(text, value);
    }
    let last = attributes.iter().rev().find(|(keyword, value)| *keyword == "CN" && !value.is_empty());
    common_name.push_str(last.map_or("", |(_, value)| value));
    (count > 0).then_some(())
}

/// Keyword and value of the only attribute of an RDN.
fn attribute(rdn: &[u8]) -> Option<(&'static str, &str)> {
    let attribute = only(rdn, tag::SEQUENCE)?;
    let (kind, value) = split(attribute, tag::OID)?;
    let string = *value.first()?;
    if !matches!(string, UTF8_STRING | PRINTABLE_STRING | IA5_STRING) {
        return None;
    }
    Some((keyword(kind)?, str::from_utf8(only(value, string)?).ok()?))
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

    #[test]
    fn plain_names_are_read_as_the_long_way_reads_them() {
        for plain in plain_names() {
            let short = read(&plain);
            assert!(short.is_some());
            assert_eq!(short, name::read_long(&plain).ok());
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
            changed(&mut bytes, &changes);
            if let Some(short) = read(&bytes) {
                prop_assert_eq!(Ok(short), name::read_long(&bytes));
            }
        }
    }
}
