//! URLs of CRL distribution points and authority information access (RFC 5280 4.2.1.13 and 4.2.2.1).
//!
//! The lists are cut here and each name is parsed on its own, so that one bad entry does not hide the others.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::frame::element;
use super::{Refusal, oid};
use crate::der::{self, Items, tag};

/// URLs by what is found there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Urls {
    pub crl: Vec<String>,
    pub ocsp: Vec<String>,
    pub ca_issuers: Vec<String>,
    /// An entry was malformed and left out.
    pub is_damaged: bool,
}

/// URLs of the full names; other names and names relative to the issuer have no place.
pub(super) fn crl_distribution_points(value: &[u8]) -> Result<Urls, Refusal> {
    let mut urls = Urls::default();
    let mut points = list(value)?;
    while let Some(point) = points.next_if(tag::SEQUENCE) {
        let Some(name) = Items::new(point.content).next_if(tag::CONTEXT_0) else { continue };
        let Some(full_name) = Items::new(name.content).next_if(tag::CONTEXT_0) else { continue };
        let mut names = Items::new(full_name.content);
        loop {
            let rest = names.rest();
            let Some(name) = names.next() else { break };
            match url(rest.get(..name.total).unwrap_or_default()) {
                Ok(url) => urls.crl.extend(url),
                Err(Damaged) => urls.is_damaged = true,
            }
        }
        urls.is_damaged |= !names.rest().is_empty();
    }
    urls.is_damaged |= !points.rest().is_empty();
    Ok(urls)
}

/// URLs of OCSP responders and issuers' certificates; other methods and names have no place.
pub(super) fn authority_info_access(value: &[u8]) -> Result<Urls, Refusal> {
    let mut urls = Urls::default();
    let mut descriptions = list(value)?;
    while let Some(description) = element(&mut descriptions, tag::SEQUENCE) {
        let mut parts = Items::new(der::read(description).map(|parts| parts.content).unwrap_or_default());
        let method = parts.next_if(tag::OID).map(|method| method.content);
        match (method, url(parts.rest())) {
            (Some(oid::ACCESS_OCSP), Ok(url)) => urls.ocsp.extend(url),
            (Some(oid::ACCESS_CA_ISSUERS), Ok(url)) => urls.ca_issuers.extend(url),
            (Some(_), Ok(_)) => {}
            (None, _) | (_, Err(Damaged)) => urls.is_damaged = true,
        }
    }
    urls.is_damaged |= !descriptions.rest().is_empty();
    Ok(urls)
}

fn list(value: &[u8]) -> Result<Items<'_>, Refusal> {
    let list = der::read(value).filter(|list| list.tag == tag::SEQUENCE);
    list.map(|list| Items::new(list.content)).ok_or("not a SEQUENCE".into())
}

/// The name cannot be read.
struct Damaged;

/// The URL, if the name is one.
fn url(name: &[u8]) -> Result<Option<String>, Damaged> {
    match GeneralName::from_der(name) {
        Ok((_, GeneralName::URI(url))) => Ok((!url.is_empty()).then(|| url.to_owned())),
        Ok((_, GeneralName::Invalid(..))) | Err(_) => Err(Damaged),
        Ok(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::tests::build::{element, seq};

    fn uri(url: &[u8]) -> Vec<u8> {
        element(0x86, url)
    }

    #[test]
    fn full_names_of_every_point() {
        let point = |names: &[Vec<u8>]| seq(&[element(0xa0, &element(0xa0, &names.concat()))]);
        let value = seq(&[
            point(&[uri(b"http://crl.example.test/1"), uri(b"ldap:///CN=1")]),
            seq(&[element(0xa0, &element(0xa1, &[]))]),
            point(&[element(0x82, b"example.test"), uri(b"\xff"), uri(b"http://crl.example.test/2")]),
        ]);
        let urls = crl_distribution_points(&value).expect("points");
        assert_eq!(urls.crl, ["http://crl.example.test/1", "ldap:///CN=1", "http://crl.example.test/2"]);
        assert!(urls.is_damaged);
    }

    #[test]
    fn methods_are_told_apart() {
        let value = seq(&[
            seq(&[element(6, oid::ACCESS_OCSP), uri(b"http://ocsp.example.test")]),
            seq(&[element(6, oid::ACCESS_CA_ISSUERS), uri(b"http://ca.example.test")]),
            seq(&[element(6, &[0x2a, 3]), uri(b"http://other.example.test")]),
        ]);
        let urls = authority_info_access(&value).expect("descriptions");
        assert_eq!(
            (urls.ocsp, urls.ca_issuers),
            (vec!["http://ocsp.example.test".into()], vec!["http://ca.example.test".into()])
        );
        assert!(!urls.is_damaged);
        assert!(authority_info_access(&seq(&[seq(&[uri(b"http://x.test")])])).expect("a list").is_damaged);
        assert!(authority_info_access(&element(4, &[])).is_err());
    }
}
