//! Attestations of the scan's certificates, verified against the issuers that the user listed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rayon::ThreadPool;
use sha2::{Digest, Sha256};

use crate::attest::{Assurance, Attested, Issuers, Verifier, Why};
use crate::classify::KeyStorage;
use crate::error::Error;
use crate::in_order::in_order;
use crate::x509;

use super::parts::Taken;

/// What came of each certificate with marks of attestation. Memory: some 60 bytes each.
#[derive(Default)]
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

/// A certificate and where it came from, as they wait: length, place, DER.
pub fn put(der: &[u8], place: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(der.len() as u32).to_le_bytes());
    out.extend_from_slice(&place.to_le_bytes());
    out.extend_from_slice(der);
}

/// The certificates of such bytes, each with its place.
pub fn all(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], u64)> {
    std::iter::from_fn(move || {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (place, rest) = rest.split_first_chunk::<8>()?;
        let (der, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        bytes = rest;
        Some((der, u64::from_le_bytes(*place)))
    })
}

/// Verifies every attestation: first all issuers are collected, then each certificate with marks is looked at, on all threads.
pub fn verify(mut parts: Vec<Taken>, issuers: &Issuers, pool: &ThreadPool) -> Result<Verified, Error> {
    let mut verifier = Verifier::new(issuers.clone());
    for part in &mut parts {
        part.look(|bytes| all(bytes).for_each(|(der, place)| verifier.offer_issuer(der, Some(place))))?;
    }
    let mut verified = Verified::default();
    let look = |part: Taken| {
        let mut verified = Verified::default();
        for bytes in part.read()? {
            all(&bytes).for_each(|(der, place)| verified.look(der, place, &verifier));
        }
        Ok(verified)
    };
    in_order(pool, parts.into_iter().map(Ok), look, |of_part| {
        verified.tpm.extend(of_part.tpm);
        of_part.yubikey.into_iter().for_each(|(spki, slot)| verified.add_slot(spki, slot));
        Ok(())
    })?;
    Ok(verified)
}

impl Verified {
    fn look(&mut self, der: &[u8], place: u64, verifier: &Verifier) {
        let sha256: [u8; 32] = Sha256::digest(der).into();
        let tpm = verifier.tpm(der);
        let Ok(facts) = x509::parse(der) else { return };
        if let Some(spki) = facts.spki_sha256.filter(|_| facts.is_yubikey_attestation) {
            self.add_slot(spki, verifier.yubikey(der, Some(place)));
        }
        if tpm != Err(Why::NotMarked) {
            self.tpm.insert(sha256, tpm);
        }
    }

    /// A key may have been attested more than once, and one attestation met in several places: one that is verified is enough;
    /// else the reason counts of the one that came furthest.
    fn add_slot(&mut self, spki: [u8; 32], slot: Result<Attested, Why>) {
        match self.yubikey.entry(spki) {
            Entry::Vacant(place) => drop(place.insert(slot)),
            Entry::Occupied(mut known) => {
                let is_better = match (known.get(), &slot) {
                    (Err(before), Err(now)) => now > before,
                    (Err(_), Ok(_)) => true,
                    (Ok(_), _) => false,
                };
                if is_better {
                    *known.get_mut() = slot;
                }
            }
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
