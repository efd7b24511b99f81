//! The subject and the key of a certificate request message (RFC 4211), and nothing else of it.

use super::RequestFacts;
use crate::der::{Items, tag};
use crate::x509::{Problem, key};

/// `[5]` subject and `[6]` publicKey of CertTemplate (RFC 4211 section 5).
const SUBJECT: u8 = 0xa5;
const PUBLIC_KEY: u8 = 0xa6;

/// Reads the content of a CertReqMsg (RFC 4211 section 3): the subject and the public key of its template.
///
/// # Errors
///
/// Without a readable frame (CertRequest, its number and its template) there is nothing to keep.
pub fn parse_crmf(content: &[u8]) -> Result<RequestFacts, Problem> {
    let refused = |message: &str| Problem { field: "request".into(), message: message.into() };
    let mut message = Items::new(content);
    let request = message.next_if(tag::SEQUENCE).ok_or_else(|| refused("no CertRequest"))?;
    let mut fields = Items::new(request.content);
    fields.next_if(tag::INTEGER).ok_or_else(|| refused("no number of the request"))?;
    let template = fields.next_if(tag::SEQUENCE).ok_or_else(|| refused("no certificate template"))?;

    let mut facts = RequestFacts::default();
    let mut fields = Items::new(template.content);
    loop {
        let rest = fields.rest();
        let Some(field) = fields.next() else { break };
        match field.tag {
            SUBJECT => super::read_subject(&mut facts.asked, field.content),
            PUBLIC_KEY => {
                // The tag is implicit: with that of a SEQUENCE the element is the SubjectPublicKeyInfo.
                let mut element = rest.get(..field.total).unwrap_or_default().to_vec();
                if let Some(first) = element.first_mut() {
                    *first = tag::SEQUENCE;
                }
                key::read(&mut facts.asked, &element);
            }
            _ => {}
        }
    }
    if !fields.rest().is_empty() {
        facts.asked.doubt("request", "the certificate template is damaged; fields may be missing");
    }
    Ok(facts)
}
