//! Subject alternative names (RFC 5280 4.2.1.6), each entry on its own.
//!
//! An entry that cannot be read, or has no column, is kept as its type and the hex of its DER.

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::{Refusal, name, oid, string, text};
use crate::der::{self, Items, Tlv, tag};

/// The entries by type, in their order.
#[derive(Debug, Default)]
pub(super) struct SubjectAltName {
    pub dns: Vec<String>,
    pub upn: Vec<String>,
    pub email: Vec<String>,
    pub ip: Vec<String>,
    pub uri: Vec<String>,
    pub directory: Vec<String>,
    pub other: Vec<String>,
    /// Number of entries that are not what their type says.
    pub broken: usize,
}

/// Reads the value of the extension.
pub(super) fn read(value: &[u8]) -> Result<SubjectAltName, Refusal> {
    let list = der::read(value).filter(|list| list.tag == tag::SEQUENCE).ok_or("not a SEQUENCE of names")?;
    let mut names = SubjectAltName::default();
    let mut entries = Items::new(list.content);
    loop {
        let rest = entries.rest();
        let Some(entry) = entries.next() else { break };
        names.add(&entry, rest.get(..entry.total).unwrap_or_default());
    }
    if !entries.rest().is_empty() {
        names.broken += 1;
        names.other.push(tagged_hex("unknown", entries.rest()));
    }
    Ok(names)
}

impl SubjectAltName {
    fn add(&mut self, entry: &Tlv<'_>, element: &[u8]) {
        let other = match GeneralName::from_der(element) {
            Ok((_, GeneralName::DNSName(name))) if !name.is_empty() => return self.dns.push(name.to_owned()),
            Ok((_, GeneralName::RFC822Name(name))) if !name.is_empty() => return self.email.push(name.to_owned()),
            Ok((_, GeneralName::URI(name))) if !name.is_empty() => return self.uri.push(name.to_owned()),
            Ok((_, GeneralName::IPAddress(address))) => return self.ip.push(ip_text(address)),
            Ok((_, GeneralName::OtherName(kind, value))) if kind.as_bytes() == oid::UPN => {
                match other_name_text(value) {
                    Some(upn) => return self.upn.push(upn),
                    None => Known::Broken,
                }
            }
            Ok((_, GeneralName::DirectoryName(_))) => match name::read(entry.content).map(|name| name.text) {
                Ok(Some(name)) => return self.directory.push(name),
                Ok(None) => Known::Whole,
                Err(_) => Known::Broken,
            },
            Ok((_, GeneralName::Invalid(..))) | Err(_) => Known::Broken,
            Ok(_) => Known::Whole,
        };
        self.broken += usize::from(other == Known::Broken);
        self.other.push(tagged_hex(type_name(entry.tag), element));
    }
}

/// What is known of an entry that has no column.
#[derive(PartialEq)]
enum Known {
    Whole,
    Broken,
}

/// String inside the `[0]` of an otherName; `None` where it is empty or no string.
pub(super) fn other_name_text(value: &[u8]) -> Option<String> {
    let value = der::read(value).filter(|value| value.tag == tag::CONTEXT_0)?;
    let string = der::read(value.content)?;
    let text = string::decode(u32::from(string.tag), string.content)?;
    (!text.is_empty()).then(|| text.into_owned())
}

fn ip_text(address: &[u8]) -> String {
    if let Ok(address) = <[u8; 4]>::try_from(address) {
        Ipv4Addr::from(address).to_string()
    } else if let Ok(address) = <[u8; 16]>::try_from(address) {
        Ipv6Addr::from(address).to_string()
    } else {
        let mut out = String::from("#");
        text::push_hex(&mut out, address);
        out
    }
}

/// Name of the alternative in RFC 5280's GeneralName, by its context-specific tag.
fn type_name(tag: u8) -> &'static str {
    const NAMES: [&str; 9] = [
        "otherName",
        "rfc822Name",
        "dNSName",
        "x400Address",
        "directoryName",
        "ediPartyName",
        "uniformResourceIdentifier",
        "iPAddress",
        "registeredID",
    ];
    match tag & 0xc0 {
        0x80 => NAMES.get(usize::from(tag & 0x1f)).copied().unwrap_or("unknown"),
        _ => "unknown",
    }
}

fn tagged_hex(kind: &str, element: &[u8]) -> String {
    let mut out = String::with_capacity(kind.len() + 2 + element.len() * 2);
    out.push_str(kind);
    out.push_str(":#");
    text::push_hex(&mut out, element);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::tests::build::{attribute, element, name, rdn, seq};

    fn upn(value: &[u8]) -> Vec<u8> {
        element(0xa0, &[element(6, oid::UPN), element(0xa0, value)].concat())
    }

    #[test]
    fn every_type_has_its_place() {
        let directory = element(0xa4, &name(&[rdn(&[attribute(&[0x55, 4, 3], 12, b"a,b")])]));
        let names = read(&seq(&[
            element(0x82, b"www.example.test"),
            upn(&element(12, b"ada@example.test")),
            element(0x81, b"ada@example.test"),
            element(0x87, &[192, 0, 2, 1]),
            element(0x87, &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            element(0x87, &[192, 0, 2]),
            element(0x86, b"https://example.test/"),
            directory,
            element(0x88, &[0x2a, 3]),
            element(0xa5, &element(0xa1, &element(12, b"x"))),
        ]))
        .expect("a list");
        assert_eq!(names.dns, ["www.example.test"]);
        assert_eq!(names.upn, ["ada@example.test"]);
        assert_eq!(names.email, ["ada@example.test"]);
        assert_eq!(names.ip, ["192.0.2.1", "2001:db8::1", "#c00002"]);
        assert_eq!(names.uri, ["https://example.test/"]);
        assert_eq!(names.directory, ["CN=a\\,b"]);
        assert_eq!(names.other, ["registeredID:#88022a03", "ediPartyName:#a505a1030c0178"]);
        assert_eq!(names.broken, 0);
    }

    #[test]
    fn a_broken_entry_costs_only_itself() {
        let names = read(&seq(&[
            element(0x82, b"b\xfccher.example.test"),
            upn(&element(2, &[5])),
            element(0x04, b"x"),
            element(0x82, b""),
            element(0x82, b"good.example.test"),
            vec![0x82, 0x7f],
        ]))
        .expect("a list");
        assert_eq!(names.dns, ["good.example.test"]);
        assert_eq!(names.broken, 4, "an empty name is no fact, but not broken");
        assert_eq!(names.other.len(), 5);
        assert_eq!(names.other[2..], ["unknown:#040178", "dNSName:#8200", "unknown:#827f"]);
    }

    #[test]
    fn upn_in_any_string_type() {
        let names = read(&seq(&[upn(&element(30, &[0, b'a', 0, b'@'])), upn(&element(22, b"b@"))])).expect("a list");
        assert_eq!(names.upn, ["a@", "b@"]);
    }
}
