//! A certificate as verification needs it: what is signed, by what name, and what its key may sign.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::Why;
use super::signature::{Key, Signature};
use crate::der::{self, Items, Tlv, tag};
use crate::x509::{self, Facts};

/// Key usage of RFC 5280 4.2.1.3.
const KEY_USAGE: &str = "2.5.29.15";

/// A certificate that was read without any doubt.
pub(super) struct Certificate<'a> {
    der: Cow<'a, [u8]>,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    not_before: i64,
    not_after: i64,
    path_length: Option<i32>,
    /// It is of a certification authority, and its key usage, where there is one, allows to sign certificates.
    may_sign: bool,
    /// It is one that a YubiKey has for itself (slot F9): it states the firmware, and nothing of a slot.
    pub is_device: bool,
    /// Critical extensions that nobody here understands.
    pub has_unknown_critical: bool,
    /// Key identifier of its issuer, in hex (RFC 5280 4.2.1.1).
    pub authority_key_id: Option<String>,
    /// Key identifier of its own, in hex (RFC 5280 4.2.1.2).
    pub subject_key_id: Option<String>,
    key: Key,
    signature: Result<Signature, Why>,
}

/// Where things stand in a certificate (RFC 5280 4.1).
pub(super) struct Body<'a> {
    /// What is signed: the whole element.
    signed: &'a [u8],
    /// The whole element.
    pub issuer: &'a [u8],
    /// The whole element.
    pub subject: &'a [u8],
    /// Bits of the public key.
    key: &'a [u8],
    /// Bits of the signature.
    signature: &'a [u8],
}

/// The certificate at the start of `der`, without what follows it, and its facts.
///
/// A field that cannot be read, or only with a doubt, could be the one that matters: such a certificate is unreadable.
pub(super) fn read(der: &[u8]) -> Result<(Certificate<'_>, Facts), Why> {
    let der = framed(der);
    let facts = x509::parse(der).map_err(|_| Why::Unreadable)?;
    let certificate = Certificate::of(der, &facts).ok_or(Why::Unreadable)?;
    Ok((certificate, facts))
}

/// The outer SEQUENCE at the start of `der`; nothing where there is none.
pub(super) fn framed(der: &[u8]) -> &[u8] {
    x509::frame_len(der).and_then(|length| der.get(..length)).unwrap_or_default()
}

impl<'a> Certificate<'a> {
    fn of(der: &'a [u8], facts: &Facts) -> Option<Self> {
        if !facts.problems.is_empty() {
            return None;
        }
        Body::cut(der)?;
        let usage_is_limited = facts.extension_oids.iter().any(|oid| oid == KEY_USAGE);
        Some(Certificate {
            der: Cow::Borrowed(der),
            sha256: Sha256::digest(der).into(),
            not_before: facts.not_before?,
            not_after: facts.not_after?,
            path_length: facts.path_length,
            may_sign: facts.is_ca? && (!usage_is_limited || facts.key_usage.contains(&"keyCertSign")),
            is_device: facts.yubikey_firmware.is_some()
                && facts.yubikey_serial.is_none()
                && facts.yubikey_pin_policy.is_none(),
            has_unknown_critical: !facts.unknown_critical.is_empty(),
            authority_key_id: facts.authority_key_id.clone(),
            subject_key_id: facts.subject_key_id.clone(),
            key: Key::of(facts),
            signature: Signature::of(facts),
        })
    }

    /// The same with bytes of its own.
    pub fn into_owned(self) -> Certificate<'static> {
        Certificate { der: Cow::Owned(self.der.into_owned()), ..self }
    }

    /// Length of its DER.
    pub fn len(&self) -> usize {
        self.der.len()
    }

    /// Its parts; there always are some.
    pub fn body(&self) -> Option<Body<'_>> {
        Body::cut(&self.der)
    }

    /// Whether `issuer` issued this certificate and was allowed to. `below` is the number of authorities between the
    /// two ends of the chain so far, which the issuer's path length limits (RFC 5280 4.2.1.9; those that issued
    /// themselves are counted, too).
    ///
    /// The names are the caller's business. Dates are compared with each other, never with today's.
    pub fn is_issued_by(&self, issuer: &Certificate<'_>, below: usize) -> Result<(), Why> {
        let (own, others) = self.body().zip(issuer.body()).ok_or(Why::Unreadable)?;
        issuer.key.verify(others.key, self.signature?, own.signed, own.signature)?;
        if !(issuer.not_before..=issuer.not_after).contains(&self.not_before) {
            return Err(Why::NotWithinValidity);
        }
        let is_short = issuer.path_length.is_none_or(|most| usize::try_from(most).is_ok_and(|most| below <= most));
        if issuer.may_sign && is_short { Ok(()) } else { Err(Why::BadChain) }
    }
}

impl<'a> Body<'a> {
    fn cut(der: &'a [u8]) -> Option<Self> {
        let outer = der::read(der).filter(|outer| outer.tag == tag::SEQUENCE && outer.total == der.len())?;
        let mut parts = Items::new(outer.content);
        let (signed, tbs) = element(&mut parts, tag::SEQUENCE)?;
        element(&mut parts, tag::SEQUENCE)?;
        let signature = octets(&parts.next_if(tag::BIT_STRING)?)?;
        if !parts.rest().is_empty() {
            return None;
        }
        let mut fields = Items::new(tbs);
        fields.next_if(tag::CONTEXT_0);
        fields.next_if(tag::INTEGER)?;
        fields.next_if(tag::SEQUENCE)?;
        let (issuer, _) = element(&mut fields, tag::SEQUENCE)?;
        fields.next_if(tag::SEQUENCE)?;
        let (subject, _) = element(&mut fields, tag::SEQUENCE)?;
        let mut key = Items::new(fields.next_if(tag::SEQUENCE)?.content);
        key.next_if(tag::SEQUENCE)?;
        let key = octets(&key.next_if(tag::BIT_STRING)?)?;
        Some(Body { signed, issuer, subject, key, signature })
    }
}

/// The next element, if it has this tag: whole, and its content.
fn element<'a>(items: &mut Items<'a>, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
    let rest = items.rest();
    let found = items.next_if(tag)?;
    Some((rest.get(..found.total)?, found.content))
}

/// A BIT STRING of whole octets.
fn octets<'a>(bits: &Tlv<'a>) -> Option<&'a [u8]> {
    match bits.content {
        [0, octets @ ..] => Some(octets),
        _ => None,
    }
}
