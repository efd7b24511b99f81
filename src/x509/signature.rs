//! The signature algorithm, its hash, and the parameters of RSA-PSS.
//!
//! The algorithm inside the signed part is the fact; the copy beside the signature must equal it (RFC 5280
//! 4.1.1.2). Signatures are not verified here.

use std::borrow::Cow;

use x509_parser::asn1_rs::Any;
use x509_parser::prelude::FromDer;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use super::algorithm;
use super::frame::Frame;
use super::{Facts, Label, oid, refusal};

/// Hashes that no longer hold, and what to say.
const WEAK: [(&str, &str); 4] =
    [("sha1", "sha1_signature"), ("md5", "md5_signature"), ("md4", "md4_signature"), ("md2", "md2_signature")];

/// Reads both algorithm identifiers.
pub(super) fn read(facts: &mut Facts, frame: &Frame<'_>) {
    match AlgorithmIdentifier::from_der(frame.inner_algorithm) {
        Ok((_, algorithm)) => identify(facts, &algorithm),
        Err(error) => facts.doubt("signature_algorithm", refusal(error)),
    }
    match frame.outer_algorithm {
        None => facts.doubt("signature_algorithm", "no algorithm stands beside the signature"),
        Some(outer) if outer != frame.inner_algorithm => {
            facts.doubt(
                "signature_algorithm",
                "the algorithm beside the signature is not the signed one, which is shown",
            );
        }
        Some(_) => {}
    }
    let weak = WEAK.iter().find(|(hash, _)| facts.signature_hash.as_deref() == Some(*hash));
    facts.weak_reasons.extend(weak.map(|(_, reason)| *reason));
}

/// Names the algorithm and its hash.
pub(super) fn identify(facts: &mut Facts, algorithm: &AlgorithmIdentifier<'_>) {
    let oid = algorithm.algorithm.as_bytes();
    let Some((name, hash)) = algorithm::signature(oid) else {
        facts.signature_algorithm = Some(facts.oid_text("signature_algorithm", oid));
        return;
    };
    facts.signature_algorithm = Some(Cow::Borrowed(name));
    facts.signature_hash = hash.map(Cow::Borrowed);
    let parameters = algorithm.parameters.as_ref();
    if oid == algorithm::RSA_PSS {
        pss(facts, parameters);
    } else if oid == algorithm::ECDSA_WITH_SPECIFIED {
        let hash = parameters.and_then(|hash| AlgorithmIdentifier::try_from(hash.clone()).ok());
        facts.signature_hash = hash.map(|hash| hash_name(hash.algorithm.as_bytes()));
    }
}

/// RFC 4055 3.1. What is absent has the value that the ASN.1 module gives it.
fn pss(facts: &mut Facts, parameters: Option<&Any<'_>>) {
    let empty = Any::from_tag_and_data(x509_parser::asn1_rs::Tag::Sequence, &[]);
    let Ok(parameters) = RsaSsaPssParams::try_from(parameters.unwrap_or(&empty)) else {
        return facts.doubt("signature_hash", "the parameters of the RSA-PSS signature are malformed");
    };
    facts.signature_hash = Some(hash_name(parameters.hash_algorithm_oid().as_bytes()));
    facts.pss_salt_length = i32::try_from(parameters.salt_length()).ok();
    match parameters.mask_gen_algorithm() {
        Ok(mask) if mask.mgf.as_bytes() == algorithm::MGF1 => {
            facts.pss_mgf_hash = Some(hash_name(mask.hash.as_bytes()));
        }
        _ => facts.doubt("pss_mgf_hash", "the mask generation function of the RSA-PSS signature is not MGF1"),
    }
}

fn hash_name(hash: &[u8]) -> Label {
    algorithm::hash(hash).map_or_else(|| oid::text(hash), Cow::Borrowed)
}
