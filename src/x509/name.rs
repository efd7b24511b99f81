//! Distinguished names as RFC 4514 strings.
//!
//! The text loses nothing: RDNs stand last to first and joined by commas, several attributes of one RDN are
//! joined by `+`, and what has no keyword or is no string is written as `#` and the hex of its DER value. The
//! string type of a value is not kept.

use x509_parser::asn1_rs::{Any, Class};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{RelativeDistinguishedName, X509Name};

use super::{Refusal, ber, oid, plain_name, refusal, string};
use crate::der::{self, Items, tag};
use crate::hex;

/// What is wanted of a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Name {
    /// RFC 4514 text; `None` for a name without RDNs.
    pub text: Option<String>,
    /// Value of the last common name, unescaped; `None` where that is empty or no string.
    pub common_name: Option<String>,
}

/// Content octets of id-at-commonName.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// Reads a Name element.
pub(super) fn read(element: &[u8]) -> Result<Name, Refusal> {
    plain_name::read(element).map_or_else(|| read_long(element), Ok)
}

/// Reads any Name element.
///
/// x509-parser passes over what it cannot read inside a name. A name that is missing a part is worse than none,
/// so a name with anything beside its attributes is refused.
pub(super) fn read_long(element: &[u8]) -> Result<Name, Refusal> {
    let (_, name) = X509Name::from_der(element).map_err(refusal)?;
    let rdns = Vec::from(name);
    let parsed: usize = rdns.iter().map(|rdn| rdn.iter().count()).sum();
    match count_attributes(element) {
        Some(count) if count == parsed => Ok(write(&rdns, element.len())),
        _ => Err("a part of the name cannot be read; the name is not shown without it".into()),
    }
}

/// Number of attributes if the element is a SEQUENCE of SETs of type-value pairs and nothing else.
fn count_attributes(element: &[u8]) -> Option<usize> {
    let mut rdns = Items::new(der::read(element)?.content);
    let mut count = 0;
    for rdn in &mut rdns {
        let mut attributes = Items::new(rdn.content);
        for attribute in &mut attributes {
            let mut parts = Items::new(attribute.content);
            parts.next_if(tag::OID)?;
            parts.next()?;
            if !parts.rest().is_empty() {
                return None;
            }
            count += 1;
        }
        if rdn.tag != tag::SET || !attributes.rest().is_empty() {
            return None;
        }
    }
    rdns.rest().is_empty().then_some(count)
}

fn write(rdns: &[RelativeDistinguishedName<'_>], size: usize) -> Name {
    if rdns.is_empty() {
        return Name::default();
    }
    let mut out = Vec::with_capacity(size);
    let mut common_name = None;
    for (place, rdn) in rdns.iter().rev().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let mut common_name_here = None;
        for (place, attribute) in rdn.iter().enumerate() {
            if place > 0 {
                out.push(b'+');
            }
            let kind = attribute.attr_type().as_bytes();
            let value = attribute.attr_value();
            let keyword = keyword(kind);
            match keyword {
                Some(keyword) => out.extend_from_slice(keyword.as_bytes()),
                None => out.extend_from_slice(oid::text(kind).as_bytes()),
            }
            out.push(b'=');
            let text = match keyword {
                Some(_) if value.class() == Class::Universal && !value.header.is_constructed() => {
                    string::decode(value.tag().0, value.data)
                }
                _ => None,
            };
            match &text {
                Some(text) => push_escaped(&mut out, text.as_bytes()),
                None => push_element(&mut out, value),
            }
            if kind == COMMON_NAME {
                common_name_here = text.filter(|text| !text.is_empty());
            }
        }
        common_name = common_name.or(common_name_here);
    }
    Name { text: String::from_utf8(out).ok(), common_name: common_name.map(String::from) }
}

/// Bytes that are escaped wherever they stand.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' | 0..0x20 | 0x7f);
        byte += 1;
    }
    table
};

/// Appends a string value in UTF-8 (RFC 4514 2.4). Control characters are escaped like NUL, which the RFC allows.
pub(super) fn push_escaped(out: &mut Vec<u8>, value: &[u8]) {
    let has_special = value.iter().fold(false, |any, byte| any | SPECIAL[usize::from(*byte)]);
    if !has_special && !matches!(value, [b' ' | b'#', ..] | [.., b' ']) {
        return out.extend_from_slice(value);
    }
    let last = value.len().saturating_sub(1);
    for (place, byte) in value.iter().enumerate() {
        match *byte {
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => out.push(b'\\'),
            b'#' if place == 0 => out.push(b'\\'),
            b' ' if place == 0 || place == last => out.push(b'\\'),
            0..b' ' | 0x7f => {
                out.push(b'\\');
                hex::push(out, &[*byte]);
                continue;
            }
            _ => {}
        }
        out.push(*byte);
    }
}

/// Appends `#` and the whole element in hex, with a minimal length.
fn push_element(out: &mut Vec<u8>, value: &Any<'_>) {
    let (length, count) = ber::length_octets(value.data.len());
    out.push(b'#');
    hex::push(out, value.header.raw_tag().unwrap_or_default());
    hex::push(out, length.get(..count).unwrap_or_default());
    hex::push(out, value.data);
}

/// Keyword of an attribute type: RFC 4514 3, and the LDAP descriptors registered with IANA (RFC 4519, RFC 4524,
/// RFC 2985, RFC 3039).
pub(super) fn keyword(oid: &[u8]) -> Option<&'static str> {
    match oid {
        [0x55, 4, kind] => x520_keyword(*kind),
        // 0.9.2342.19200300.100.1.N
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, kind] => match kind {
            1 => Some("UID"),
            3 => Some("mail"),
            25 => Some("DC"),
            _ => None,
        },
        // 1.2.840.113549.1.9.N
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, kind] => match kind {
            1 => Some("emailAddress"),
            2 => Some("unstructuredName"),
            8 => Some("unstructuredAddress"),
            _ => None,
        },
        _ => None,
    }
}

/// Keyword of `2.5.4.N`.
fn x520_keyword(kind: u8) -> Option<&'static str> {
    Some(match kind {
        3 => "CN",
        4 => "SN",
        5 => "serialNumber",
        6 => "C",
        7 => "L",
        8 => "ST",
        9 => "STREET",
        10 => "O",
        11 => "OU",
        12 => "title",
        13 => "description",
        15 => "businessCategory",
        16 => "postalAddress",
        17 => "postalCode",
        18 => "postOfficeBox",
        19 => "physicalDeliveryOfficeName",
        20 => "telephoneNumber",
        23 => "facsimileTelephoneNumber",
        26 => "registeredAddress",
        27 => "destinationIndicator",
        31 => "member",
        32 => "owner",
        33 => "roleOccupant",
        34 => "seeAlso",
        41 => "name",
        42 => "givenName",
        43 => "initials",
        44 => "generationQualifier",
        45 => "x500UniqueIdentifier",
        46 => "dnQualifier",
        49 => "distinguishedName",
        50 => "uniqueMember",
        51 => "houseIdentifier",
        65 => "pseudonym",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::tests::build::{attribute, element, name, rdn, seq};

    fn text(rdns: &[Vec<u8>]) -> Option<String> {
        read(&name(rdns)).expect("a name").text
    }

    #[test]
    fn reverse_order_and_several_values() {
        let rdns = [
            rdn(&[attribute(&[0x55, 4, 6], 19, b"DE")]),
            rdn(&[attribute(&[0x55, 4, 3], 12, b"Ada"), attribute(&[0x55, 4, 5], 19, b"7")]),
        ];
        let name = read(&name(&rdns)).expect("a name");
        assert_eq!(name.text.as_deref(), Some("CN=Ada+serialNumber=7,C=DE"));
        assert_eq!(name.common_name.as_deref(), Some("Ada"));
    }

    #[test]
    fn escapes() {
        let written = |value: &str| text(&[rdn(&[attribute(&[0x55, 4, 10], 12, value.as_bytes())])]);
        for (value, expected) in [
            ("Sue, Grabbit & Runn", "O=Sue\\, Grabbit & Runn"),
            ("a+b\"c\\d<e>f;g=h#i", "O=a\\+b\\\"c\\\\d\\<e\\>f\\;g=h#i"),
            ("#7", "O=\\#7"),
            (" x ", "O=\\ x\\ "),
            (" ", "O=\\ "),
            ("a  b", "O=a  b"),
            ("a\0b\r\n\u{7f}", "O=a\\00b\\0d\\0a\\7f"),
            ("", "O="),
            ("Zoë 🔑 ", "O=Zoë 🔑\\ "),
        ] {
            assert_eq!(written(value).as_deref(), Some(expected));
        }
    }

    #[test]
    fn values_without_keyword_or_text_are_hex() {
        let jurisdiction = [0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 3];
        assert_eq!(
            text(&[rdn(&[attribute(&jurisdiction, 19, b"DE")])]).as_deref(),
            Some("1.3.6.1.4.1.311.60.2.1.3=#13024445")
        );
        assert_eq!(
            text(&[rdn(&[attribute(&[0x55, 4, 45], 3, &[0, 1])])]).as_deref(),
            Some("x500UniqueIdentifier=#03020001")
        );
        assert_eq!(text(&[rdn(&[attribute(&[0x55, 4, 3], 30, &[0])])]).as_deref(), Some("CN=#1e0100"));
        assert_eq!(text(&[rdn(&[attribute(&[0x55, 0x80], 12, b"x")])]).as_deref(), Some("#5580=#0c0178"));
    }

    #[test]
    fn common_name_of_the_last_rdn_that_has_one() {
        let cn = |value: &[u8]| attribute(&[0x55, 4, 3], 12, value);
        let rdns = [rdn(&[cn(b"first")]), rdn(&[cn(b"a, b")]), rdn(&[attribute(&[0x55, 4, 10], 12, b"o")])];
        assert_eq!(read(&name(&rdns)).expect("a name").common_name.as_deref(), Some("a, b"));
        assert_eq!(read(&name(&[rdn(&[cn(b"")])])).expect("a name").common_name, None);
    }

    #[test]
    fn empty_and_incomplete_names() {
        assert_eq!(read(&name(&[])), Ok(Name::default()));
        let whole = rdn(&[attribute(&[0x55, 4, 3], 12, b"x")]);
        let broken = element(0x31, &seq(&[element(6, &[0x55, 4, 3])]));
        assert!(read(&name(&[whole.clone(), broken])).is_err(), "x509-parser alone would show the first RDN only");
        let junk = element(0x31, &[&attribute(&[0x55, 4, 3], 12, b"x")[..], &[0xff]].concat());
        assert!(read(&name(&[whole, junk])).is_err());
    }
}
