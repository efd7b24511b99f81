//! Cuts a plain certificate into what it shares with others of its authority and template, and what is its own.
//!
//! Plain is DER as RFC 5280 4.1 has it: expected tags, minimal lengths, every element ending where the one around it
//! ends. Anything else is declined, never judged. See [`super::profile`] for why the two parts are complete.

use std::ops::Range;

use super::algorithm::{self, KeyKind};
use super::strict::{cut, only};
use super::{extension, oid};
use crate::der::tag;

/// Stands in the common part for what is left out; no element of a certificate has this tag.
const LEFT_OUT: u8 = 0;

/// The parts of a certificate that are its own. Whole elements unless "content" or "value" is said.
#[derive(Debug)]
pub(super) struct Skeleton<'a> {
    /// Content of the serial number.
    pub serial: &'a [u8],
    /// In the common part, too.
    pub issuer: &'a [u8],
    /// Content of the validity.
    pub validity: &'a [u8],
    pub subject: &'a [u8],
    /// Place of the SubjectPublicKeyInfo in the certificate.
    pub key: Range<usize>,
    /// Place of the public key bits in the certificate, behind the octet that counts the unused ones.
    pub key_bits: Range<usize>,
    /// Value of the subject key identifier.
    pub key_id: Option<&'a [u8]>,
    /// Value of the subject alternative name.
    pub alt_name: Option<&'a [u8]>,
    /// Value of the security extension with a SID.
    pub sid: Option<&'a [u8]>,
}

/// Cuts a certificate that is exactly these bytes; its common part replaces what `common` holds.
pub(super) fn walk<'a>(der: &'a [u8], common: &mut Vec<u8>) -> Option<Skeleton<'a>> {
    common.clear();
    let certificate = cut(only(der, tag::SEQUENCE)?, tag::SEQUENCE)?;
    let outer_algorithm = cut(certificate.rest, tag::SEQUENCE)?;
    only(outer_algorithm.rest, tag::BIT_STRING)?;

    let mut rest = certificate.content;
    if let Some(version) = cut(rest, tag::CONTEXT_0) {
        common.extend_from_slice(version.element);
        rest = version.rest;
    }
    let serial = cut(rest, tag::INTEGER)?;
    let algorithm = cut(serial.rest, tag::SEQUENCE)?;
    if algorithm.element != outer_algorithm.element {
        return None;
    }
    let issuer = cut(algorithm.rest, tag::SEQUENCE)?;
    common.extend_from_slice(serial.rest.get(..algorithm.element.len() + issuer.element.len())?);
    let validity = cut(issuer.rest, tag::SEQUENCE)?;
    let subject = cut(validity.rest, tag::SEQUENCE)?;
    let key = cut(subject.rest, tag::SEQUENCE)?;
    let bits = walk_key(key.content, common)?;
    let key_end = der.len() - certificate.rest.len() - key.rest.len();

    let mut skeleton = Skeleton {
        serial: serial.content,
        issuer: issuer.element,
        validity: validity.content,
        subject: subject.element,
        key: key_end - key.element.len()..key_end,
        key_bits: key_end - bits.len()..key_end,
        key_id: None,
        alt_name: None,
        sid: None,
    };
    if !key.rest.is_empty() {
        common.push(tag::CONTEXT_3);
        skeleton.walk_extensions(only(only(key.rest, tag::CONTEXT_3)?, tag::SEQUENCE)?, common)?;
    }
    Some(skeleton)
}

/// Takes from a public key what its algorithm, size and weakness follow from; gives the bits.
fn walk_key<'a>(content: &'a [u8], common: &mut Vec<u8>) -> Option<&'a [u8]> {
    let algorithm = cut(content, tag::SEQUENCE)?;
    let [0, bits @ ..] = only(algorithm.rest, tag::BIT_STRING)? else { return None };
    common.extend_from_slice(algorithm.element);
    let oid = cut(algorithm.content, tag::OID)?.content;
    if algorithm::key(oid).is_some_and(|algorithm| algorithm.kind == KeyKind::Rsa) {
        let modulus = cut(only(bits, tag::SEQUENCE)?, tag::INTEGER)?;
        only(modulus.rest, tag::INTEGER)?;
        common.extend_from_slice(&number_bits(modulus.content)?.to_be_bytes());
        common.extend_from_slice(modulus.rest);
    } else {
        // Nothing is read of these bits; their length and form are taken as they belong to the algorithm.
        let form = *bits.first()?;
        common.extend_from_slice(&u32::try_from(bits.len()).ok()?.to_be_bytes());
        common.push(form);
    }
    Some(bits)
}

/// Bits of a positive number in DER; `None` for any other.
fn number_bits(digits: &[u8]) -> Option<u32> {
    let digits = match digits {
        [0, rest @ ..] if matches!(rest, [0x80..=0xff, ..]) => rest,
        [1..=0x7f, ..] => digits,
        _ => return None,
    };
    Some(u32::try_from(digits.len()).ok()? * 8 - digits.first()?.leading_zeros())
}

impl<'a> Skeleton<'a> {
    fn walk_extensions(&mut self, list: &'a [u8], common: &mut Vec<u8>) -> Option<()> {
        let mut rest = list;
        // From the first extension that is common and not yet copied: neighbours are copied together.
        let mut pending = list;
        while !rest.is_empty() {
            let extension = cut(rest, tag::SEQUENCE)?;
            let id = cut(extension.content, tag::OID)?;
            let place = match id.content {
                oid::SUBJECT_KEY_ID => Some(&mut self.key_id),
                oid::SUBJECT_ALT_NAME => Some(&mut self.alt_name),
                oid::SID => Some(&mut self.sid),
                other if extension::is_interpreted(other) => {
                    // How it is built inside is in the common part with all else of it.
                    rest = extension.rest;
                    continue;
                }
                _ => None,
            };
            let behind = match id.rest {
                [tag::BOOLEAN, ..] => cut(id.rest, tag::BOOLEAN)?.rest,
                all => all,
            };
            let value = only(behind, tag::OCTET_STRING)?;
            if let Some(place) = place {
                *place = Some(value);
            }
            common.extend_from_slice(pending.get(..pending.len() - rest.len())?);
            common.push(LEFT_OUT);
            common.extend_from_slice(extension.content.get(..extension.content.len() - behind.len())?);
            rest = extension.rest;
            pending = rest;
        }
        common.extend_from_slice(pending);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::key;
    use crate::x509::tests::build::{Certificate, element, extension, rsa_key, seq};

    fn common(der: &[u8]) -> Option<Vec<u8>> {
        let mut common = b"left from before".to_vec();
        walk(der, &mut common).map(|_| common)
    }

    #[test]
    fn places_of_the_key() {
        let certificate = Certificate { extensions: vec![extension(oid::SID, false, b"x")], ..Certificate::default() };
        let der = certificate.der();
        let skeleton = walk(&der, &mut Vec::new()).expect("a plain certificate");
        assert_eq!(der[skeleton.key.clone()], certificate.key);
        assert_eq!(der[skeleton.key_bits.clone()], certificate.key[certificate.key.len() - skeleton.key_bits.len()..]);
        assert_eq!(der[skeleton.key_bits.start - 1], 0);
        assert_eq!((skeleton.sid, skeleton.key_id), (Some(&b"x"[..]), None));
    }

    #[test]
    fn what_is_its_own_is_not_in_the_common_part() {
        let one = Certificate {
            extensions: vec![
                extension(oid::SUBJECT_KEY_ID, false, b"1"),
                extension(oid::SUBJECT_ALT_NAME, true, b"2"),
                extension(oid::SID, false, b"3"),
                extension(oid::SIGNED_TIMESTAMPS, false, b"4"),
                extension(oid::KEY_USAGE, true, b"5"),
            ],
            ..Certificate::default()
        };
        let other = Certificate {
            serial: element(2, &[9; 16]),
            not_after: element(0x18, b"20600101000000Z"),
            subject: crate::x509::tests::build::cn("other"),
            key: rsa_key(&[&[0, 0x80], &[1; 255][..]].concat(), &[1, 0, 1]),
            extensions: vec![
                extension(oid::SUBJECT_KEY_ID, false, b""),
                extension(oid::SUBJECT_ALT_NAME, true, &[7; 300]),
                extension(oid::SID, false, b"33"),
                extension(oid::SIGNED_TIMESTAMPS, false, b"44"),
                extension(oid::KEY_USAGE, true, b"5"),
            ],
            ..Certificate::default()
        };
        let all = common(&one.der()).expect("a plain certificate");
        assert_eq!(common(&other.der()).as_ref(), Some(&all));
        for place in 0..5 {
            let mut changed = one.clone();
            changed.extensions.remove(place);
            assert_ne!(common(&changed.der()).as_ref(), Some(&all), "without one");
            changed = one.clone();
            changed.extensions.swap(place, (place + 1) % 5);
            assert_ne!(common(&changed.der()).as_ref(), Some(&all), "another order");
            changed = one.clone();
            changed.extensions[place] = extension(oid::NAME_CONSTRAINTS, true, b"1");
            assert_ne!(common(&changed.der()).as_ref(), Some(&all), "another extension");
        }
        let key = |modulus: &[u8], exponent: &[u8]| Certificate { key: rsa_key(modulus, exponent), ..one.clone() };
        for changed in [
            key(&[&[0, 0x80], &[1; 254][..]].concat(), &[1, 0, 1]),
            key(&[&[0x7f], &[1; 255][..]].concat(), &[1, 0, 1]),
            key(&[&[0, 0x80], &[1; 255][..]].concat(), &[3]),
            Certificate { version: Vec::new(), ..one.clone() },
            Certificate { issuer: crate::x509::tests::build::cn("other"), ..one.clone() },
            Certificate { algorithm: seq(&[element(6, &[0x2b, 0x65, 0x70])]), ..one.clone() },
        ] {
            assert!(common(&changed.der()).is_some_and(|common| common != all));
        }
    }

    #[test]
    fn odd_certificates_are_declined() {
        let plain = Certificate::default();
        assert!(common(&plain.der()).is_some());
        let with = |extension: Vec<u8>| Certificate { extensions: vec![extension], ..plain.clone() };
        let id = element(6, oid::SUBJECT_KEY_ID);
        for odd in [
            Certificate { tail: element(0x81, &[0, 1]), ..plain.clone() },
            Certificate { outer_algorithm: Some(Vec::new()), ..plain.clone() },
            Certificate { outer_algorithm: Some(seq(&[])), ..plain.clone() },
            Certificate { key: rsa_key(&[0x80, 1], &[3]), ..plain.clone() },
            Certificate { key: rsa_key(&[0, 1], &[3]), ..plain.clone() },
            Certificate { key: rsa_key(&[0], &[3]), ..plain.clone() },
            Certificate { key: seq(&[seq(std::slice::from_ref(&id)), element(3, &[1, 2])]), ..plain.clone() },
            Certificate { key: seq(&[seq(std::slice::from_ref(&id)), element(3, &[0])]), ..plain.clone() },
            with(seq(std::slice::from_ref(&id))),
            with(seq(&[id.clone(), element(4, b""), element(4, b"")])),
            with(seq(&[element(4, b"")])),
            with(element(0x31, &[])),
        ] {
            assert_eq!(common(&odd.der()), None, "{odd:02x?}", odd = odd.der());
        }
        let mut longer = plain.der();
        longer.push(0);
        assert_eq!(common(&longer), None);
    }

    #[test]
    fn numbers_are_as_long_as_the_key_says() {
        for (modulus, exponent) in [(&[0, 0x80][..], 3), (&[0x7f, 0xff], 3), (&[1], 5), (&[0, 0xff, 0, 0], 3)] {
            let mut facts = crate::x509::Facts::default();
            key::read(&mut facts, &rsa_key(modulus, &[exponent]));
            assert_eq!(number_bits(modulus).map(|bits| bits as i32), facts.key_size_bits);
        }
    }
}
