//! What a DER value is, told from its first fields.
//!
//! Length octets are parsed, never matched at fixed offsets; the value may be cut off anywhere after the fields
//! that decide. Sources: RFC 5280 (certificate, CRL), RFC 5755 (attribute certificate), RFC 2986 (PKCS#10),
//! RFC 5652 and RFC 5272 (CMS, CMC), RFC 7292 (PKCS#12), RFC 5958, 8017 and 5915 (private keys).

use crate::der::{self, tag};

/// UTCTime and GeneralizedTime.
const TIMES: [u8; 2] = [0x17, 0x18];
/// 1.2.840.113549.1.7.2, signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.7.1, data.
pub(crate) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.7, the other PKCS#7 content types.
const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
/// 1.3.6.1.4.1.311.10.1, certificate trust list.
pub(crate) const TRUST_LIST: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x01];
/// 1.3.6.1.5.5.7.12.2, CMC PKIData.
pub(crate) const PKI_DATA: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0c, 0x02];
/// 1.3.6.1.5.5.7.12.3, CMC PKIResponse.
pub(crate) const PKI_RESPONSE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0c, 0x03];

/// A recognised DER structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// X.509 certificate of any version.
    Certificate,
    /// X.509 attribute certificate, for instance a TPM platform certificate.
    AttributeCertificate,
    /// Certificate revocation list.
    Crl,
    /// PKCS#7 signedData with anything but the following three inside.
    SignedData,
    /// Microsoft certificate trust list.
    Ctl,
    /// CMC full PKI request.
    CmcRequest,
    /// CMC full PKI response.
    CmcResponse,
    /// PKCS#7 of another content type: enveloped, encrypted, plain data.
    OtherCms,
    /// PFX.
    Pkcs12,
    /// Certification request.
    Pkcs10,
    /// PKCS#8 (plain or encrypted), PKCS#1 or SEC 1 private key.
    PrivateKey,
    /// SubjectPublicKeyInfo.
    PublicKey,
}

impl Kind {
    /// Reason under which a piece of this kind is skipped where certificates are read.
    pub fn skip_reason(self) -> &'static str {
        match self {
            Kind::Certificate => "certificate",
            Kind::AttributeCertificate => "attribute_certificate",
            Kind::Crl => "crl",
            Kind::SignedData => "signed_data",
            Kind::Ctl => "ctl",
            Kind::CmcRequest | Kind::Pkcs10 => "certificate_request",
            Kind::CmcResponse => "cmc_response",
            Kind::OtherCms => "cms_message",
            Kind::Pkcs12 => "pkcs12",
            Kind::PrivateKey => "private_key",
            Kind::PublicKey => "public_key",
        }
    }
}

/// Content of the first element of `bytes` if it has this tag, and what follows it.
///
/// Both end where the bytes at hand end, so this works on the beginning of a value and on truncated values.
pub(crate) fn open(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, header, length) = der::header(bytes)?;
    if found != tag {
        return None;
    }
    let rest = bytes.get(header..)?;
    match length {
        Some(length) => Some(rest.split_at(usize::try_from(length).map_or(rest.len(), |n| n.min(rest.len())))),
        None => match der::read(bytes) {
            Some(whole) => Some((whole.content, bytes.get(whole.total..)?)),
            None => Some((rest, &[])),
        },
    }
}

/// What the value at the start of `bytes` is, if it is anything known.
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    let (content, _) = open(bytes, tag::SEQUENCE)?;
    match *content.first()? {
        tag::OID => content_info(content),
        tag::INTEGER => versioned(content),
        tag::SEQUENCE => two_part(content),
        _ => None,
    }
}

/// `SEQUENCE { contentType OID, [0] content }` (RFC 5652 section 3).
fn content_info(content: &[u8]) -> Option<Kind> {
    let (oid, rest) = open(content, tag::OID)?;
    if oid != SIGNED_DATA {
        return oid.starts_with(PKCS7).then_some(Kind::OtherCms);
    }
    Some(match encapsulated_type(rest) {
        Some(TRUST_LIST) => Kind::Ctl,
        Some(PKI_DATA) => Kind::CmcRequest,
        Some(PKI_RESPONSE) => Kind::CmcResponse,
        _ => Kind::SignedData,
    })
}

/// eContentType of the SignedData in `[0]` (RFC 5652 section 5.1).
fn encapsulated_type(explicit: &[u8]) -> Option<&[u8]> {
    let (explicit, _) = open(explicit, tag::CONTEXT_0)?;
    let (signed, _) = open(explicit, tag::SEQUENCE)?;
    let (_version, rest) = open(signed, tag::INTEGER)?;
    let (_digests, rest) = open(rest, tag::SET)?;
    let (content, _) = open(rest, tag::SEQUENCE)?;
    open(content, tag::OID).map(|(oid, _)| oid)
}

/// Structures that begin with a version number: PFX, private keys, and signedData without its ContentInfo.
fn versioned(content: &[u8]) -> Option<Kind> {
    let (version, rest) = open(content, tag::INTEGER)?;
    match (version, *rest.first()?) {
        // PKCS#1 (modulus) and SEC 1 (private key octets).
        ([0 | 1], tag::INTEGER) | ([1], tag::OCTET_STRING) => return Some(Kind::PrivateKey),
        (_, tag::SEQUENCE | tag::SET) => {}
        _ => return None,
    }
    let typed = open(rest, tag::SET).map_or(rest, |(_digests, after)| after);
    // A time-stamp request also has a version first, but then a SEQUENCE that holds another.
    let (inner, after) = open(typed, tag::SEQUENCE)?;
    if inner.first() != Some(&tag::OID) {
        return None;
    }
    match (version, after.first()) {
        ([3], _) if rest.first() == Some(&tag::SEQUENCE) => Some(Kind::Pkcs12),
        // Wine writes certificates-only messages like this, even without the set of digests.
        (_, Some(&(tag::CONTEXT_0 | tag::CONTEXT_1))) => Some(Kind::SignedData),
        // PKCS#8: SEQUENCE { version, AlgorithmIdentifier, OCTET STRING }
        ([0 | 1], Some(&tag::OCTET_STRING)) => Some(Kind::PrivateKey),
        _ => None,
    }
}

/// Signed structures (`SEQUENCE { toBeSigned, algorithm, signature }`), and those that begin with an algorithm.
fn two_part(content: &[u8]) -> Option<Kind> {
    let (inner, after) = open(content, tag::SEQUENCE)?;
    match *inner.first()? {
        tag::OID => match *after.first()? {
            tag::OCTET_STRING => Some(Kind::PrivateKey),
            tag::BIT_STRING => Some(Kind::PublicKey),
            _ => None,
        },
        // [0] version, then the serial number; an OCSP request or response has no INTEGER there.
        tag::CONTEXT_0 => {
            let (version, rest) = open(inner, tag::CONTEXT_0)?;
            (version.first() == Some(&tag::INTEGER) && rest.first() == Some(&tag::INTEGER)).then_some(Kind::Certificate)
        }
        tag::INTEGER => numbered(inner),
        tag::SEQUENCE => {
            let (algorithm, rest) = open(inner, tag::SEQUENCE)?;
            let (_issuer, rest) = open_name(rest)?;
            (algorithm.first() == Some(&tag::OID) && TIMES.contains(rest.first()?)).then_some(Kind::Crl)
        }
        _ => None,
    }
}

/// A part to be signed that begins with an INTEGER: a serial number (v1 certificate) or a version (the others).
fn numbered(inner: &[u8]) -> Option<Kind> {
    let (_number, rest) = open(inner, tag::INTEGER)?;
    let (second, after) = open(rest, tag::SEQUENCE)?;
    match second.first() {
        Some(&tag::OID) => {
            let (_issuer, rest) = open_name(after)?;
            if TIMES.contains(rest.first()?) {
                return Some(Kind::Crl);
            }
            let (validity, _) = open(rest, tag::SEQUENCE)?;
            TIMES.contains(validity.first()?).then_some(Kind::Certificate)
        }
        // holder: [0] baseCertificateID, [1] entityName, [2] objectDigestInfo (RFC 5755 section 4.1)
        Some(&(0xa0..=0xa2)) => Some(Kind::AttributeCertificate),
        _ => {
            open_name(rest)?;
            let (key, _) = open(after, tag::SEQUENCE)?;
            (key.first() == Some(&tag::SEQUENCE)).then_some(Kind::Pkcs10)
        }
    }
}

/// A Name: an empty SEQUENCE, or one that begins with a SET.
fn open_name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, after) = open(bytes, tag::SEQUENCE)?;
    matches!(name.first(), None | Some(&tag::SET)).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One element with a short or two-octet length.
    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let mut out = match content.len() {
            n @ 0..128 => vec![tag, n as u8],
            n => vec![tag, 0x82, (n >> 8) as u8, n as u8],
        };
        out.extend(content);
        out
    }

    /// The first octets of each structure that a DER file may hold.
    fn shapes() -> Vec<(Kind, Vec<u8>)> {
        let oid = tlv(6, &[&[0x2a, 3]]);
        let algorithm = tlv(0x30, &[&oid]);
        let name = tlv(0x30, &[&tlv(0x31, &[&tlv(0x30, &[&oid, &[0x0c, 1, b'x']])])]);
        let time = tlv(0x17, &[b"250101000000Z"]);
        let validity = tlv(0x30, &[&time, &time]);
        let key = tlv(0x30, &[&algorithm, &[3, 2, 0, 1]]);
        let serial: &[u8] = &[2, 1, 0];
        let signed = |tbs: &[&[u8]]| tlv(0x30, &[&tlv(0x30, tbs), &algorithm, &[3, 2, 0, 1]]);
        let cms = |oid: &[u8], content: &[u8]| {
            let inner = tlv(0x30, &[&[2, 1, 1], &[0x31, 0], &tlv(0x30, &[&tlv(6, &[content])])]);
            tlv(0x30, &[&tlv(6, &[oid]), &tlv(0xa0, &[&inner])])
        };
        let big = [0x5a; 200];
        vec![
            (Kind::Certificate, signed(&[&[0xa0, 3, 2, 1, 2], serial, &algorithm, &name, &validity, &name, &key])),
            (Kind::Certificate, signed(&[serial, &algorithm, &name, &validity, &name, &key, &tlv(0xa3, &[&big])])),
            (Kind::Pkcs10, signed(&[serial, &name, &key, &[0xa0, 0]])),
            (Kind::Pkcs10, signed(&[serial, &[0x30, 0], &key])),
            (Kind::Crl, signed(&[&[2, 1, 1], &algorithm, &name, &time])),
            (Kind::Crl, signed(&[&algorithm, &name, &time])),
            (Kind::AttributeCertificate, signed(&[&[2, 1, 1], &tlv(0x30, &[&[0xa0, 0]]), &[0xa0, 0], &algorithm])),
            (Kind::Pkcs12, tlv(0x30, &[&[2, 1, 3], &algorithm])),
            (Kind::PrivateKey, tlv(0x30, &[&[2, 1, 0], &algorithm, &[4, 1, 0]])),
            (Kind::PrivateKey, tlv(0x30, &[&[2, 1, 0], &tlv(2, &[&big]), &[2, 1, 3]])),
            (Kind::PrivateKey, tlv(0x30, &[&[2, 1, 1], &[4, 1, 9]])),
            (Kind::PrivateKey, tlv(0x30, &[&algorithm, &[4, 1, 0]])),
            (Kind::PublicKey, key.clone()),
            (Kind::SignedData, cms(SIGNED_DATA, &[0x2a, 3])),
            (Kind::SignedData, tlv(0x30, &[&[2, 1, 0], &[0x30, 2, 6, 0], &[0xa0, 0]])),
            (Kind::SignedData, tlv(0x30, &[&[2, 1, 1], &[0x31, 0], &algorithm, &[0xa0, 0]])),
            (Kind::Ctl, cms(SIGNED_DATA, TRUST_LIST)),
            (Kind::CmcRequest, cms(SIGNED_DATA, PKI_DATA)),
            (Kind::CmcResponse, cms(SIGNED_DATA, PKI_RESPONSE)),
            (Kind::OtherCms, tlv(0x30, &[&tlv(6, &[PKCS7, &[3]])])),
        ]
    }

    #[test]
    fn every_shape_is_told_apart() {
        for (expected, bytes) in shapes() {
            assert_eq!(kind(&bytes), Some(expected), "{bytes:02x?}");
        }
    }

    #[test]
    fn indefinite_lengths_and_missing_tails_are_read() {
        for (expected, bytes) in shapes() {
            let header = der::header(&bytes).map_or(0, |h| h.1);
            let mut open_ended = vec![0x30, 0x80];
            open_ended.extend_from_slice(&bytes[header..]);
            assert_eq!(kind(&open_ended), Some(expected), "without end");
            open_ended.extend([0, 0]);
            assert_eq!(kind(&open_ended), Some(expected), "with end");
        }
    }

    #[test]
    fn other_sequences_are_nothing_known() {
        let unknown: [&[u8]; 6] = [
            &[0x30, 0],
            &[0x30, 3, 2, 1, 5],
            &[0x31, 3, 2, 1, 0],
            // OCSP request: [0] version followed by a list
            &[0x30, 9, 0x30, 7, 0xa0, 3, 2, 1, 0, 0x30, 0],
            // time-stamp request: a message imprint, not an algorithm
            &[0x30, 11, 2, 1, 1, 0x30, 6, 0x30, 4, 6, 2, 0x2a, 3],
            b"0123456789",
        ];
        for bytes in unknown {
            assert_eq!(kind(bytes), None, "{bytes:02x?}");
        }
    }
}
