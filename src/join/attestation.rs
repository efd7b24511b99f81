//! Attestations of the scan's certificates, verified against the issuers that the user listed.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::attest::{Assurance, Attested, Issuers, Verifier, Why};
use crate::classify::KeyStorage;
use crate::error::Error;
use crate::x509;

use super::parts::Taken;

/// What came of each certificate with marks of attestation. Memory: some 60 bytes each.
pub struct Verified {
    /// By SHA-256 of the certificate.
    tpm: HashMap<[u8; 32], Result<Assurance, Why>>,
    /// By SHA-256 of the public key that a slot's attestation is of.
    yubikey: HashMap<[u8; 32], Result<Attested, Why>>,
}

/// What was verified of one certificate's key.
pub struct Vouched {
    /// Where the key is.
    pub storage: KeyStorage,
    /// What was verified.
    pub what: &'static str,
    /// How the authority knows the TPM, where it is one.
    pub assurance: Option<&'static str>,
}

/// A certificate with its length in front.
pub fn framed(der: &[u8]) -> Vec<u8> {
    let mut framed = (der.len() as u32).to_le_bytes().to_vec();
    framed.extend_from_slice(der);
    framed
}

/// The certificates of bytes in which each has its length in front.
pub fn all(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (der, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        bytes = rest;
        Some(der)
    })
}

/// Verifies every attestation: first all issuers are collected, then each certificate with marks is looked at.
pub fn verify(mut parts: Vec<Taken>, issuers: &Issuers) -> Result<Verified, Error> {
    let mut verifier = Verifier::new(issuers.clone());
    for part in &mut parts {
        part.look(|bytes| all(bytes).for_each(|der| verifier.offer_issuer(der)))?;
    }
    let mut verified = Verified { tpm: HashMap::new(), yubikey: HashMap::new() };
    for part in parts {
        for bytes in part.read()? {
            all(&bytes).for_each(|der| verified.look(der, &verifier));
        }
    }
    Ok(verified)
}

impl Verified {
    fn look(&mut self, der: &[u8], verifier: &Verifier) {
        let sha256: [u8; 32] = Sha256::digest(der).into();
        if self.tpm.contains_key(&sha256) {
            return;
        }
        let tpm = verifier.tpm(der);
        let Ok(facts) = x509::parse(der) else { return };
        if let Some(spki) = facts.spki_sha256.filter(|_| facts.is_yubikey_attestation) {
            let slot = verifier.yubikey(der);
            // A key may have been attested twice: once is enough.
            let is_known = self.yubikey.get(&spki).is_some_and(Result::is_ok);
            if !is_known {
                self.yubikey.insert(spki, slot);
            }
        }
        if tpm != Err(Why::NotMarked) {
            self.tpm.insert(sha256, tpm);
        }
    }

    /// What came of the attestations of a certificate and of its key: what is verified, else why not; `None` where there
    /// is none.
    pub fn of(&self, sha256: &[u8; 32], spki_sha256: Option<[u8; 32]>) -> Option<Result<Vouched, Why>> {
        let slot = spki_sha256.and_then(|spki| self.yubikey.get(&spki)).map(|slot| match slot {
            Ok(attested) if attested.is_for(spki_sha256) => {
                Ok(Vouched { storage: KeyStorage::UsbToken, what: "yubikey_slot_certificate", assurance: None })
            }
            Ok(_) => Err(Why::NotMarked),
            Err(why) => Err(*why),
        });
        let tpm = self.tpm.get(sha256).map(|tpm| {
            tpm.map(|assurance| {
                let what = match assurance {
                    Assurance::High => "endorsement_key",
                    Assurance::Medium => "endorsement_certificate",
                    Assurance::Low => "user_credentials",
                };
                Vouched { storage: KeyStorage::Tpm, what, assurance: Some(assurance.as_str()) }
            })
        });
        match (tpm, slot) {
            (Some(Ok(vouched)), _) | (_, Some(Ok(vouched))) => Some(Ok(vouched)),
            (first, second) => first.or(second),
        }
    }
}
