//! The public half of a key, where it stands beside the private one, as the SubjectPublicKeyInfo that a certificate of
//! this key has (RFC 5280 4.1.2.7): its hash is what joins them.

use std::borrow::Cow;

use crate::der::{Items, Tlv, read, tag};
use crate::x509;

/// 1.2.840.113549.1.1.1, rsaEncryption (RFC 8017 A.1).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.113549.1.1.10, id-RSASSA-PSS (RFC 8017 A.2.3): the same key, bound to one use.
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 1.2.840.10045.2.1, id-ecPublicKey (RFC 5480 section 2.1.1).
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10040.4.1, id-dsa (RFC 3279 section 2.3.2).
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
/// 1.3.101.112, id-Ed25519 (RFC 8410 section 3).
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// `[1]` of PKCS#8 as an implicit BIT STRING (RFC 5958 section 2).
const PUBLIC_KEY: u8 = 0x81;

/// What is public about a key. `None` where it is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Public {
    /// Algorithm, as in `certificates`.
    pub algorithm: Option<Cow<'static, str>>,
    /// Bits of the key.
    pub bits: Option<i32>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: Option<[u8; 32]>,
}

impl Public {
    /// Of this algorithm (the whole AlgorithmIdentifier) and the content of the BIT STRING, its first octet left out.
    fn of(algorithm: &[u8], key: &[u8]) -> Public {
        let facts = x509::public_key(&element(tag::SEQUENCE, &[algorithm, &element(tag::BIT_STRING, &[&[0], key])]));
        Public { algorithm: facts.key_algorithm, bits: facts.key_size_bits, spki_sha256: facts.spki_sha256 }
    }

    /// Of this algorithm, where the public key is not there.
    fn without_key(algorithm: &[u8]) -> Public {
        Public { spki_sha256: None, ..Public::of(algorithm, &[]) }
    }
}

/// One element with the shortest length octets.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let digits = (len as u64).to_be_bytes();
    let digits = digits.get(len.leading_zeros() as usize / 8..).unwrap_or_default();
    let mut out = vec![tag];
    match len {
        0..0x80 => out.push(len as u8),
        _ => out.push(0x80 | digits.len() as u8),
    }
    if len >= 0x80 {
        out.extend_from_slice(digits);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// An unsigned number as DER wants it: no zeros in front but the one that keeps it positive (X.690 8.3).
fn number(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    let pad: &[u8] = if digits.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    element(tag::INTEGER, &[pad, digits])
}

/// An RSA key of this modulus and exponent, as big-endian digits.
pub(super) fn of_rsa(modulus: &[u8], exponent: &[u8]) -> Public {
    let algorithm = element(tag::SEQUENCE, &[&element(tag::OID, &[RSA]), &[0x05, 0x00]]);
    of_rsa_with(&algorithm, modulus, exponent)
}

fn of_rsa_with(algorithm: &[u8], modulus: &[u8], exponent: &[u8]) -> Public {
    Public::of(algorithm, &element(tag::SEQUENCE, &[&number(modulus), &number(exponent)]))
}

/// A key on a named curve: content of the curve's OID, and the point.
pub(super) fn of_point(curve: &[u8], point: &[u8]) -> Public {
    Public::of(&ec_algorithm(&element(tag::OID, &[curve])), point)
}

fn ec_algorithm(curve: &[u8]) -> Vec<u8> {
    element(tag::SEQUENCE, &[&element(tag::OID, &[EC]), curve])
}

/// An Ed25519 key.
pub(super) fn of_ed25519(key: &[u8]) -> Public {
    Public::of(&element(tag::SEQUENCE, &[&element(tag::OID, &[ED25519])]), key)
}

/// A DSA key of these parameters p, q, g and this public value, as big-endian digits.
pub(super) fn of_dsa_numbers([p, q, g, public]: [&[u8]; 4]) -> Public {
    let parameters = element(tag::SEQUENCE, &[&number(p), &number(q), &number(g)]);
    let algorithm = element(tag::SEQUENCE, &[&element(tag::OID, &[DSA]), &parameters]);
    Public::of(&algorithm, &number(public))
}

/// OpenSSL's DSA key: version, p, q, g, public, private.
pub(super) fn of_dsa(numbers: &[Tlv<'_>]) -> Option<Public> {
    let [_, p, q, g, public, _] = numbers else { return None };
    Some(of_dsa_numbers([p, q, g, public].map(|number| number.content)))
}

/// The content of an ECPrivateKey (RFC 5915 section 3): version, private octets, `[0]` curve, `[1]` public key.
pub(super) fn of_sec1(content: &[u8]) -> Public {
    let Some((curve, point)) = sec1_parts(content) else { return Public::default() };
    let Some(curve) = curve else { return Public { algorithm: Some("ec".into()), ..Public::default() } };
    let algorithm = ec_algorithm(curve);
    point.map_or_else(|| Public::without_key(&algorithm), |point| Public::of(&algorithm, point))
}

/// The whole curve element and the point of an ECPrivateKey, each where it is there.
type Sec1<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

fn sec1_parts(content: &[u8]) -> Option<Sec1<'_>> {
    let mut items = Items::new(content);
    items.next_if(tag::INTEGER)?;
    items.next_if(tag::OCTET_STRING)?;
    let curve = items.next_if(tag::CONTEXT_0).and_then(|explicit| first(explicit.content));
    let point = items.next_if(tag::CONTEXT_1).and_then(|explicit| read(explicit.content));
    Some((curve, point.filter(|bits| bits.tag == tag::BIT_STRING).and_then(|bits| bits.content.strip_prefix(&[0]))))
}

/// The whole first element.
fn first(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..read(bytes)?.total)
}

/// The content of a PrivateKeyInfo (RFC 5958 section 2): version, algorithm, private octets, `[0]` attributes, `[1]`
/// public key.
pub(super) fn of_pkcs8(content: &[u8]) -> Public {
    pkcs8(content).unwrap_or_default()
}

fn pkcs8(content: &[u8]) -> Option<Public> {
    let mut items = Items::new(content);
    items.next_if(tag::INTEGER)?;
    let algorithm = first(items.rest())?;
    let oid = Items::new(items.next_if(tag::SEQUENCE)?.content).next_if(tag::OID)?.content;
    let Some(private) = items.next_if(tag::OCTET_STRING) else { return Some(Public::without_key(algorithm)) };
    items.next_if(tag::CONTEXT_0);
    let beside = items.next_if(PUBLIC_KEY).and_then(|bits| bits.content.strip_prefix(&[0]));
    let inner = read(private.content).filter(|inner| inner.tag == tag::SEQUENCE);
    let public = match (oid, inner) {
        (RSA | RSA_PSS, Some(inner)) => {
            let mut numbers = Items::new(inner.content);
            numbers.next_if(tag::INTEGER)?;
            let modulus = numbers.next_if(tag::INTEGER)?.content;
            let exponent = numbers.next_if(tag::INTEGER)?.content;
            // Certificates always have the NULL that some programs leave out here.
            Some(if oid == RSA { of_rsa(modulus, exponent) } else { of_rsa_with(algorithm, modulus, exponent) })
        }
        (EC, Some(inner)) => {
            sec1_parts(inner.content).and_then(|(_, point)| point).or(beside).map(|point| Public::of(algorithm, point))
        }
        _ => beside.map(|key| Public::of(algorithm, key)),
    };
    Some(public.unwrap_or_else(|| Public::without_key(algorithm)))
}
