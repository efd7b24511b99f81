//! Cuts a certificate into its fields, without looking into them.
//!
//! Only the order and the tags of RFC 5280 4.1 are asked for. That already tells a certificate from the other
//! signed structures: at least one of the first six fields of a request, CRL or attribute certificate has a
//! different tag.

use crate::der::{self, Items, tag};

/// The fields of a certificate: whole elements unless "content" is said.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Content of `[0]`: the version as an INTEGER element.
    pub version: Option<&'a [u8]>,
    /// Content of the serial number.
    pub serial: &'a [u8],
    /// Signature algorithm inside the signed part.
    pub inner_algorithm: &'a [u8],
    pub issuer: &'a [u8],
    /// Content of the validity.
    pub validity: &'a [u8],
    pub subject: &'a [u8],
    /// SubjectPublicKeyInfo.
    pub key: &'a [u8],
    /// Content of `[3]`: the list of extensions as a SEQUENCE element.
    pub extensions: Option<&'a [u8]>,
    /// The signed part ended where its last known field ends.
    pub is_complete: bool,
    /// Signature algorithm beside the signature.
    pub outer_algorithm: Option<&'a [u8]>,
}

/// `[1]` and `[2]` IMPLICIT BIT STRING, primitive and (in BER) constructed: the unique identifiers of X.509 v2.
const UNIQUE_IDS: [u8; 4] = [0x81, 0xa1, 0x82, 0xa2];

impl<'a> Frame<'a> {
    /// Cuts the first element of `bytes`; the error says which field is not where a certificate has it.
    pub fn cut(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let certificate = der::read(bytes).filter(|outer| outer.tag == tag::SEQUENCE);
        let mut certificate = Items::new(certificate.ok_or("no complete outer SEQUENCE")?.content);
        let tbs = certificate.next_if(tag::SEQUENCE).ok_or("no SEQUENCE with the signed part")?;
        let outer_algorithm = element(&mut certificate, tag::SEQUENCE);

        let mut fields = Items::new(tbs.content);
        let version = fields.next_if(tag::CONTEXT_0).map(|version| version.content);
        let serial = fields.next_if(tag::INTEGER).ok_or("no serial number")?.content;
        let inner_algorithm = element(&mut fields, tag::SEQUENCE).ok_or("no signature algorithm")?;
        let issuer = element(&mut fields, tag::SEQUENCE).ok_or("no issuer")?;
        let validity = fields.next_if(tag::SEQUENCE).ok_or("no validity")?.content;
        let subject = element(&mut fields, tag::SEQUENCE).ok_or("no subject")?;
        let key = element(&mut fields, tag::SEQUENCE).ok_or("no public key")?;
        for unique_id in UNIQUE_IDS {
            fields.next_if(unique_id);
        }
        let extensions = fields.next_if(tag::CONTEXT_3).map(|extensions| extensions.content);
        let is_complete = fields.rest().is_empty();
        Ok(Frame {
            version,
            serial,
            inner_algorithm,
            issuer,
            validity,
            subject,
            key,
            extensions,
            is_complete,
            outer_algorithm,
        })
    }
}

/// All octets of the next element, if it has this tag.
pub(super) fn element<'a>(items: &mut Items<'a>, tag: u8) -> Option<&'a [u8]> {
    let rest = items.rest();
    let length = items.next_if(tag)?.total;
    rest.get(..length)
}
