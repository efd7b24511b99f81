//! The public key: algorithm, size, curve, weakness, and whether a quantum computer would break it.

use std::borrow::Cow;

use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::asn1_rs::Tag;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::algorithm::{self, KeyKind};
use super::{Facts, refusal, roca};
use crate::der::{self, Items, tag};

/// Smallest sound RSA exponent is the one after 2^16 (FIPS 186-5 A.1.1).
const SMALLEST_EXPONENT: i64 = 65_537;

/// Parameters of the key's algorithm: tag number and content.
type Parameters<'a> = Option<(u32, &'a [u8])>;

/// Reads a SubjectPublicKeyInfo element (RFC 5280 4.1.2.7).
pub(super) fn read(facts: &mut Facts, element: &[u8]) {
    facts.spki_sha256 = Some(Sha256::digest(element).into());
    let info = match SubjectPublicKeyInfo::from_der(element) {
        Ok((_, info)) => info,
        Err(error) => return facts.doubt("key_algorithm", refusal(error)),
    };
    let bits: &[u8] = &info.subject_public_key.data;
    facts.public_key_sha1 = Some(Sha1::digest(bits).into());
    let parameters = info.algorithm.parameters.as_ref().map(|any| (any.tag().0, any.data));

    let oid = info.algorithm.algorithm.as_bytes();
    let Some(algorithm) = algorithm::key(oid) else {
        facts.key_algorithm = Some(facts.oid_text("key_algorithm", oid));
        return;
    };
    facts.key_algorithm = Some(Cow::Borrowed(algorithm.name));
    facts.pqc_status = Some(match algorithm.kind {
        KeyKind::PostQuantum => "post_quantum",
        KeyKind::Composite => "composite",
        _ => "quantum_vulnerable",
    });
    match algorithm.kind {
        KeyKind::Rsa => rsa(facts, bits),
        KeyKind::Ec => ec(facts, parameters),
        KeyKind::Dsa => {
            facts.key_size_bits = parameters.and_then(first_integer_bits);
            facts.weak_reasons.push("dsa");
        }
        KeyKind::Dh => facts.key_size_bits = parameters.and_then(first_integer_bits),
        KeyKind::Fixed(size) => facts.key_size_bits = Some(size),
        KeyKind::PostQuantum | KeyKind::Composite => {}
    }
}

fn rsa(facts: &mut Facts, key: &[u8]) {
    let (modulus, exponent) = match RSAPublicKey::from_der(key) {
        Ok((_, key)) => (key.modulus, key.exponent),
        Err(_) => match rsa_integers(key) {
            Some(key) => {
                facts.doubt("key_size_bits", "the RSA key holds integers that DER forbids");
                key
            }
            None => return facts.doubt("key_size_bits", "the RSA key is malformed"),
        },
    };
    facts.key_size_bits = integer_bits(modulus);
    facts.is_roca = roca::has_shape(modulus);
    if facts.key_size_bits.is_some_and(|bits| bits < 2048) {
        facts.weak_reasons.push("rsa_below_2048");
    }
    let digits = strip_zeros(exponent);
    let value = digits.iter().fold(0u64, |value, digit| value << 8 | u64::from(*digit));
    facts.rsa_exponent = (digits.len() <= 8).then_some(value).and_then(|value| i64::try_from(value).ok());
    if facts.rsa_exponent.is_some_and(|exponent| exponent < SMALLEST_EXPONENT) {
        facts.weak_reasons.push("rsa_exponent_small");
    }
}

/// Modulus and exponent where x509-parser refuses them: padded with zeros, or without the zero that keeps them
/// positive. Neither number can be negative, so there is only one way to mean them.
fn rsa_integers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut integers = Items::new(der::read(key).filter(|key| key.tag == tag::SEQUENCE)?.content);
    let modulus = integers.next_if(tag::INTEGER)?.content;
    let exponent = integers.next_if(tag::INTEGER)?.content;
    Some((modulus, exponent))
}

fn ec(facts: &mut Facts, parameters: Parameters<'_>) {
    match parameters {
        Some((tag, curve)) if tag == Tag::Oid.0 => match algorithm::curve(curve) {
            Some(curve) => {
                facts.curve = Some(Cow::Borrowed(curve.name));
                facts.key_size_bits = Some(curve.bits);
            }
            None => facts.curve = Some(facts.oid_text("curve", curve)),
        },
        Some((tag, domain)) if tag == Tag::Sequence.0 => {
            facts.curve = Some(Cow::Borrowed("explicit"));
            facts.key_size_bits = field_bits(domain);
        }
        _ => facts.doubt("curve", "the elliptic curve key does not say which curve it is on"),
    }
    if facts.key_size_bits.is_some_and(|bits| bits < 224) {
        facts.weak_reasons.push("ec_below_224");
    }
}

/// Bits of the field in spelled-out parameters (X9.62 SpecifiedECDomain: version, field, ...).
fn field_bits(domain: &[u8]) -> Option<i32> {
    const PRIME_FIELD: &[u8] = &x509_parser::asn1_rs::oid!(raw 1.2.840.10045.1.1);
    let mut domain = Items::new(domain);
    domain.next_if(tag::INTEGER)?;
    let mut field = Items::new(domain.next_if(tag::SEQUENCE)?.content);
    let kind = field.next_if(tag::OID)?.content;
    if kind == PRIME_FIELD {
        return integer_bits(field.next_if(tag::INTEGER)?.content);
    }
    // Characteristic two: the degree comes first.
    let degree = Items::new(field.next_if(tag::SEQUENCE)?.content).next_if(tag::INTEGER)?.content;
    match strip_zeros(degree) {
        [low] => Some(i32::from(*low)),
        [high, low] => Some(i32::from(*high) << 8 | i32::from(*low)),
        _ => None,
    }
}

/// Bits of p, which both DSA (RFC 3279 2.3.2) and DH (2.3.3, PKCS#3) parameters start with.
fn first_integer_bits((parameters, content): (u32, &[u8])) -> Option<i32> {
    if parameters != Tag::Sequence.0 {
        return None;
    }
    integer_bits(Items::new(content).next_if(tag::INTEGER)?.content)
}

/// Bits of an unsigned number.
fn integer_bits(digits: &[u8]) -> Option<i32> {
    let digits = strip_zeros(digits);
    let first = digits.first()?;
    i32::try_from(digits.len()).ok()?.checked_mul(8)?.checked_sub(first.leading_zeros() as i32)
}

fn strip_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.get(zeros..).unwrap_or_default()
}
