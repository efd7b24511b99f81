//! Certification requests: subject, key and the extensions asked for, read like those of a certificate, and what the
//! client declares beside them.
//!
//! A request is cut into its fields by [`crate::der`] and each field is read on its own, so that attributes which
//! nobody knows, unusual signatures and one bad field cost no more than themselves. Signatures are not verified.

mod crmf;
mod declared;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::asn1_rs::oid;
use x509_parser::prelude::FromDer;
use x509_parser::x509::AlgorithmIdentifier;

use super::extension::Requested;
use super::frame::element;
use super::{Facts, Problem, algorithm, ber, framed, key, name, refusal, signature};
use crate::der::{self, Items, tag};
pub use crmf::parse_crmf;
pub use declared::{ARCHIVED_KEY, Declared, MARKS, Mark, Place};

/// id-alg-noSignature: a hash stands in place of the signature (RFC 5272 appendix C.1).
const NO_SIGNATURE: &[u8] = &oid!(raw 1.3.6.1.5.5.7.6.2);
/// extensionRequest, RFC 2985 5.4.2.
const EXTENSION_REQUEST: &[u8] = &oid!(raw 1.2.840.113549.1.9.14);
/// Microsoft's older number of the same ([MS-WCCE] 2.2.2.7.7).
const OLDER_EXTENSION_REQUEST: &[u8] = &oid!(raw 1.3.6.1.4.1.311.2.1.14);

/// What one request says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestFacts {
    /// Subject, public key, signature algorithm and the extensions asked for, under the names that certificates have for
    /// them; also the problems of all parts. What only an issued certificate has stays empty.
    pub asked: Facts,
    /// False where nothing, or only a hash of the request, stands in place of the signature ([MS-WCCE] 2.2.2.6.5). True for
    /// bits of a signature algorithm that is known, which are not verified; `None` for any other.
    pub is_signed: Option<bool>,
    /// What the client declares of itself and of the key.
    pub declared: Declared,
}

/// What a message adds to a request that it carries (RFC 5272; [MS-WCCE] 2.2.2.6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added<'a> {
    /// Content of a SET OF Attribute.
    Attributes(&'a [u8]),
    /// A SEQUENCE OF Extension, whole.
    Extensions(&'a [u8]),
}

/// Reads a PKCS#10 request (RFC 2986 section 4), and after its own attributes those that were `added`. Bytes after the
/// outer SEQUENCE are ignored.
///
/// # Errors
///
/// Without a readable frame (the two outer SEQUENCEs, version, subject and public key) there is nothing to keep.
pub fn parse(der: &[u8], added: &[Added<'_>]) -> Result<RequestFacts, Problem> {
    let der = framed(der);
    let first = read(der, added)?;
    if first.asked.problems.is_empty() {
        return Ok(first);
    }
    // As with certificates: what DER refuses is read as BER, if that answers more. Hashes stay those of the bytes.
    let Some(encoded) = ber::to_der(der).filter(|encoded| encoded != der) else { return Ok(first) };
    match read(&encoded, added) {
        Ok(mut again) if again.asked.problems.len() < first.asked.problems.len() => {
            again.asked.spki_sha256 = first.asked.spki_sha256;
            again.declared.renewed_thumbprint = first.declared.renewed_thumbprint;
            again.is_signed = first.is_signed;
            again.asked.doubt("request", "encoded in BER, not DER; read as if it were DER");
            Ok(again)
        }
        _ => Ok(first),
    }
}

fn read(der: &[u8], added: &[Added<'_>]) -> Result<RequestFacts, Problem> {
    let frame =
        Frame::cut(der).map_err(|message| Problem { field: Cow::Borrowed("request"), message: message.into() })?;
    let mut asked = Facts::default();
    read_subject(&mut asked, frame.subject);
    key::read(&mut asked, frame.key);
    let is_signed = read_signature(&mut asked, &frame);

    let mut declared = declared::Reader::default();
    let mut extensions = Requested::default();
    let own = frame.attributes.map(Added::Attributes);
    for part in own.into_iter().chain(added.iter().copied()) {
        match part {
            Added::Attributes(attributes) => declared.read(&mut asked, attributes, &mut extensions),
            Added::Extensions(list) => extensions.read(&mut asked, list),
        }
    }
    if !frame.is_complete {
        asked.doubt("attributes", "something else stands where the attributes should; some may be missing");
    }
    // In requests these numbers are not those of attestation certificates.
    asked.problems.retain(|problem| !problem.field.starts_with("yubikey_"));
    let mut declared = declared.finish();
    declared.add_marks(&asked.extension_oids);
    if asked.template_name.is_some()
        && declared.template_name.is_some()
        && asked.template_name != declared.template_name
    {
        asked.doubt("template_name", "an attribute names another template than the extension, which is shown");
    }
    Ok(RequestFacts { asked, is_signed, declared })
}

fn read_subject(asked: &mut Facts, subject: &[u8]) {
    match name::read(subject) {
        Ok(name) => (asked.subject, asked.subject_cn) = (name.text, name.common_name),
        Err(refusal) => asked.doubt("subject", refusal),
    }
}

/// Reads the signature's algorithm; the answer is [`RequestFacts::is_signed`].
fn read_signature(asked: &mut Facts, frame: &Frame<'_>) -> Option<bool> {
    let known = frame.algorithm.map(AlgorithmIdentifier::from_der).and_then(|algorithm| match algorithm {
        Ok((_, algorithm)) => Some(algorithm),
        Err(error) => {
            asked.doubt("signature_algorithm", refusal(error));
            None
        }
    });
    if let Some(algorithm) = &known {
        signature::identify(asked, algorithm);
    }
    let Some(bits) = frame.signature else {
        asked.doubt("signature_algorithm", "no signature stands behind the request");
        return None;
    };
    if bits.is_empty() || is_hash_of(bits, frame.body) {
        return Some(false);
    }
    match known.as_ref()?.algorithm.as_bytes() {
        NO_SIGNATURE => Some(false),
        oid => algorithm::signature(oid).map(|_| true),
    }
}

/// Whether these bits are a plain hash of the part that should be signed.
fn is_hash_of(bits: &[u8], body: &[u8]) -> bool {
    match bits.len() {
        20 => bits == Sha1::digest(body).as_slice(),
        32 => bits == Sha256::digest(body).as_slice(),
        48 => bits == Sha384::digest(body).as_slice(),
        64 => bits == Sha512::digest(body).as_slice(),
        _ => false,
    }
}

/// The fields of a request: whole elements unless "content" is said.
#[derive(Debug)]
struct Frame<'a> {
    /// CertificationRequestInfo.
    body: &'a [u8],
    subject: &'a [u8],
    /// SubjectPublicKeyInfo.
    key: &'a [u8],
    /// Content of `[0]`.
    attributes: Option<&'a [u8]>,
    /// The signed part ended where its last known field ends.
    is_complete: bool,
    algorithm: Option<&'a [u8]>,
    /// Content of the BIT STRING without its first octet.
    signature: Option<&'a [u8]>,
}

impl<'a> Frame<'a> {
    /// Cuts the first element of `bytes`; the error says which field is not where a request has it.
    fn cut(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let request = der::read(bytes).filter(|outer| outer.tag == tag::SEQUENCE);
        let mut request = Items::new(request.ok_or("no complete outer SEQUENCE")?.content);
        let body = element(&mut request, tag::SEQUENCE).ok_or("no SEQUENCE with the signed part")?;
        let algorithm = element(&mut request, tag::SEQUENCE);
        let signature = request.next_if(tag::BIT_STRING).map(|bits| bits.content.get(1..).unwrap_or_default());

        let mut fields = Items::new(der::read(body).ok_or("no signed part")?.content);
        fields.next_if(tag::INTEGER).ok_or("no version")?;
        let subject = element(&mut fields, tag::SEQUENCE).ok_or("no subject")?;
        let key = element(&mut fields, tag::SEQUENCE).ok_or("no public key")?;
        let attributes = fields.next_if(tag::CONTEXT_0).map(|attributes| attributes.content);
        let is_complete = fields.rest().is_empty();
        Ok(Frame { body, subject, key, attributes, is_complete, algorithm, signature })
    }
}
