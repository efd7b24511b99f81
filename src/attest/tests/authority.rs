//! Authorities made in a test, with real keys.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, SignatureAlgorithm, date_time_ymd,
};
use ring::rand::SystemRandom;
use ring::signature::RsaKeyPair;

use crate::der::{Items, read};

/// A certificate's common name, and what else a test changes.
pub type Change<'c> = &'c dyn Fn(&mut CertificateParams);

/// An authority: its key and its certificate.
pub struct Authority {
    pub name: String,
    pub key: KeyPair,
    pub der: Vec<u8>,
}

impl Authority {
    /// One that signed itself, with a new P-256 key.
    pub fn new(name: &str) -> Authority {
        Authority::with_key(name, KeyPair::generate().expect("a key"), &|_| {})
    }

    pub fn with_key(name: &str, key: KeyPair, change: Change<'_>) -> Authority {
        let der = params(name, &|params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            change(params);
        });
        let der = der.self_signed(&key).expect("a certificate").der().to_vec();
        Authority { name: name.to_owned(), key, der }
    }

    /// One below this one.
    pub fn authority(&self, name: &str, change: Change<'_>) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let der = self.issue(name, &key, &|params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            change(params);
        });
        Authority { name: name.to_owned(), key, der }
    }

    /// A certificate for this key.
    pub fn issue(&self, name: &str, key: &KeyPair, change: Change<'_>) -> Vec<u8> {
        let issuer = Issuer::new(params(&self.name, &|_| {}), &self.key);
        params(name, change).signed_by(key, &issuer).expect("a certificate").der().to_vec()
    }

    /// A user's certificate with these attestation policies.
    pub fn user(&self, policies: &[u8]) -> Vec<u8> {
        self.user_with(&|params| params.custom_extensions.push(attestation(policies)))
    }

    pub fn user_with(&self, change: Change<'_>) -> Vec<u8> {
        self.issue("user", &KeyPair::generate().expect("a key"), change)
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        let base64 = base64_simd::STANDARD.encode_to_string(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    }
}

/// A name of one common name, and a validity around now.
fn params(name: &str, change: Change<'_>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    change(&mut params);
    params
}

/// The RSA key of the tests, which ring cannot make.
pub fn rsa_pkcs8() -> Vec<u8> {
    let lines = include_str!("rsa_key.pem").lines().filter(|line| !line.starts_with('-') && !line.contains(' '));
    base64_simd::STANDARD.decode_to_vec(lines.collect::<String>()).expect("base64")
}

pub fn rsa_key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::from_pkcs8_der_and_sign_algo(&rsa_pkcs8().as_slice().into(), algorithm).expect("a key")
}

/// Certificate policies: `1.3.6.1.4.1.311.21.N`.
pub fn attestation(policies: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(&[2, 5, 29, 32], policy_list(policies))
}

pub fn policy_list(policies: &[u8]) -> Vec<u8> {
    let policy = |last: &u8| [&[0x30, 0x0b, 6, 9, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 21], &[*last][..]].concat();
    element(0x30, &policies.iter().flat_map(policy).collect::<Vec<u8>>())
}

pub fn usage(oid: &[u64]) -> ExtendedKeyUsagePurpose {
    ExtendedKeyUsagePurpose::Other(oid.to_vec())
}

/// An extension of Yubico's.
pub fn yubico(last: u64, value: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 41482, 3, last], value.to_vec())
}

/// Everything that a slot's attestation says.
pub fn slot(params: &mut CertificateParams) {
    params.custom_extensions.extend([
        yubico(3, &[5, 4, 3]),
        yubico(7, &[2, 4, 0, 0xbc, 0x61, 0x4e]),
        yubico(8, &[2, 1]),
        yubico(9, &[1]),
    ]);
}

/// The certificate of a device, as it leaves the factory.
pub fn device(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.custom_extensions.push(yubico(3, &[5, 4, 3]));
}

pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [header, content.to_vec()].concat()
}

/// The same certificate with another signature algorithm, signed by `sign`.
pub fn signed_anew(der: &[u8], algorithm: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let tbs = read(read(der).expect("a certificate").content).expect("the signed part").content;
    let mut items = Items::new(tbs);
    let mut fields = Vec::new();
    for place in 0.. {
        let rest = items.rest();
        let Some(field) = items.next() else { break };
        fields.extend_from_slice(if place == 2 { algorithm } else { &rest[..field.total] });
    }
    let tbs = element(0x30, &fields);
    let signature = element(3, &[&[0], sign(&tbs).as_slice()].concat());
    element(0x30, &[tbs.as_slice(), algorithm, signature.as_slice()].concat())
}

/// Signs with the RSA key of the tests.
pub fn rsa_signature(padding: &'static dyn ring::signature::RsaEncoding, message: &[u8]) -> Vec<u8> {
    let key = RsaKeyPair::from_pkcs8(&rsa_pkcs8()).expect("a key");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(padding, &SystemRandom::new(), message, &mut signature).expect("a signature");
    signature
}
