//! Certificates made with OpenSSL 3.0 (`openssl req -x509`), under `tests/data/x509`: another encoder's DER, with
//! made-up names and keys that were thrown away.

use crate::x509::{Facts, parse};

/// DER inside a PEM fixture.
pub(super) fn der(pem: &str) -> Vec<u8> {
    let letters: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64_simd::STANDARD.decode_to_vec(letters.as_bytes()).expect("base64")
}

macro_rules! fixture {
    ($name:literal) => {
        crate::x509::tests::fixtures::der(include_str!(concat!("../../../tests/data/x509/", $name, ".pem")))
    };
}
pub(super) use fixture;

fn clean(der: &[u8]) -> Facts {
    let facts = parse(der).expect("a certificate");
    assert_eq!(facts.problems, []);
    facts
}

#[test]
fn user_certificate_as_active_directory_issues_it() {
    let facts = clean(&fixture!("adcs-user"));
    assert_eq!(facts.version, Some(3));
    assert_eq!(facts.serial.as_deref(), Some("61000000a1b2c3d4e5f60718293a4b5c6d7e8f90"));
    assert_eq!(facts.subject.as_deref(), Some("CN=Ada Example,OU=Staff\\, East,DC=example,DC=test"));
    assert_eq!(facts.subject_cn.as_deref(), Some("Ada Example"));
    assert_eq!(facts.issuer.as_deref(), Some("CN=Example Issuing CA,DC=example,DC=test"));
    assert_eq!(facts.validity_days, Some(365));
    assert_eq!(facts.key_usage, ["digitalSignature", "keyEncipherment"]);
    assert_eq!(facts.eku, ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4", "1.3.6.1.4.1.311.20.2.2"]);
    assert_eq!(facts.application_policies, facts.eku);
    let uses = (facts.is_client_auth, facts.is_server_auth, facts.is_smart_card_logon);
    assert_eq!(uses, (Some(true), Some(false), Some(true)));
    assert_eq!(facts.certificate_policies, ["1.3.6.1.4.1.311.21.31", "1.3.6.1.4.1.311.21.8.1.2.402"]);
    assert_eq!(facts.attestation_policies, [31]);
    assert_eq!(facts.san_upn, ["ada@example.test"]);
    assert_eq!(facts.san_email, ["ada@example.test"]);
    assert_eq!(facts.san_dns, ["pc1.example.test"]);
    assert_eq!(facts.san_uri, ["tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"]);
    assert_eq!(facts.sid.as_deref(), Some("S-1-5-21-1-2-3-500"));
    assert_eq!(facts.template_oid.as_deref(), Some("1.3.6.1.4.1.311.21.8.1.2"));
    assert_eq!((facts.template_major, facts.template_minor), (Some(100), Some(7)));
    assert_eq!(facts.crl_urls, ["http://pki.example.test/ca.crl", "http://pki2.example.test/ca.crl"]);
    assert_eq!(facts.ca_issuer_urls, ["http://pki.example.test/ca.crt"]);
    assert_eq!(facts.ocsp_urls, ["http://ocsp.example.test/"]);
    assert_eq!((facts.is_ca, facts.is_self_signed, facts.path_length), (Some(false), Some(false), None));
    assert_eq!((facts.key_algorithm.as_deref(), facts.key_size_bits), (Some("rsa"), Some(2048)));
    assert_eq!(facts.rsa_exponent, Some(65537));
    assert_eq!(facts.pqc_status, Some("quantum_vulnerable"));
    assert_eq!(facts.weak_reasons, [""; 0]);
    assert_eq!(facts.extension_oids.len(), 11);
    // OpenSSL derives the key identifier as RFC 5280 4.2.1.2 (1) does.
    let sha1 = facts.public_key_sha1.map(|hash| crate::x509::text::hex(&hash));
    assert_eq!(facts.subject_key_id, sha1);
}

#[test]
fn certification_authority() {
    let facts = clean(&fixture!("ca"));
    assert_eq!((facts.is_ca, facts.path_length, facts.is_self_signed), (Some(true), Some(1), Some(true)));
    assert_eq!(facts.key_usage, ["keyCertSign", "cRLSign"]);
    assert_eq!((facts.is_client_auth, facts.has_eku), (None, false));
}

#[test]
fn keys_and_signatures() {
    let key =
        |facts: &Facts| (facts.key_algorithm.clone().unwrap_or_default(), facts.key_size_bits, facts.curve.clone());
    let explicit = clean(&fixture!("ec-explicit"));
    assert_eq!(key(&explicit), ("ec".into(), Some(256), Some("explicit".into())));
    let binary = clean(&fixture!("ec-explicit-binary"));
    assert_eq!(key(&binary), ("ec".into(), Some(163), Some("explicit".into())));
    assert_eq!(binary.weak_reasons, ["ec_below_224"]);
    let dsa = clean(&fixture!("dsa"));
    assert_eq!(key(&dsa), ("dsa".into(), Some(1024), None));
    assert_eq!(dsa.weak_reasons, ["dsa", "sha1_signature"]);
    for (facts, name, bits) in
        [(clean(&fixture!("ed25519")), "ed25519", 255), (clean(&fixture!("ed448")), "ed448", 448)]
    {
        assert_eq!(key(&facts), (name.into(), Some(bits), None));
        assert_eq!((facts.signature_algorithm.as_deref(), facts.signature_hash), (Some(name), None));
    }
}

#[test]
fn rsa_pss_with_its_parameters() {
    let facts = clean(&fixture!("rsa-pss"));
    assert_eq!((facts.key_algorithm.as_deref(), facts.key_size_bits), (Some("rsa_pss"), Some(2048)));
    assert_eq!(facts.signature_algorithm.as_deref(), Some("rsa_pss"));
    assert_eq!(facts.signature_hash.as_deref(), Some("sha384"));
    assert_eq!((facts.pss_mgf_hash.as_deref(), facts.pss_salt_length), (Some("sha256"), Some(48)));
}

#[test]
fn teletex_names() {
    let facts = clean(&fixture!("teletex"));
    assert_eq!(facts.subject.as_deref(), Some("O=Bücher GmbH,CN=Übung"));
}

#[test]
fn a_request_is_no_certificate() {
    assert!(parse(&fixture!("request")).is_err());
}
