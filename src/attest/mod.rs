//! Verified attestation: whether somebody whom the user trusts vouches for a key's place in hardware.
//!
//! A mark in a certificate (a policy, an extension) is a claim that anybody can write. It becomes proof by the signature
//! of an issuer that the user listed ([`Issuers`]), and by nothing else: what cannot be verified stays a claim, and [`Why`]
//! says what is missing.
//!
//! Two sorts of attestation are known. A certification authority of Windows that checked a TPM's attestation writes a policy
//! into the certificate of the key itself ([MS-WCCE] 3.2.2.6.2.1.4.5.7): [`Verifier::tpm`]. A YubiKey issues a certificate
//! for the key in one of its slots, signed by a key of the device, which the vendor's root vouches for (Yubico, "PIV
//! attestation"): [`Verifier::yubikey`]. It says nothing of other certificates of the slot but that they have this key,
//! which is for the caller to compare ([`Attested::is_for`]).
//!
//! Decisions:
//!
//! - An inventory looks back, so nothing has to be valid today. A certificate must have begun within the validity of its
//!   issuer, as every authority sees to.
//! - An end entity is no issuer, not even if it is listed and signed itself.
//! - Only a device attests its slots: what an authority signed itself is the authority's word, whatever extensions it
//!   copied into the certificate, even if it is listed for what it says of TPMs.
//! - SHA-1 and older hashes, and RSA keys below 2048 bits, prove nothing any more.
//! - A certificate with a part that cannot be read without a doubt is not verified, nor is one with a critical extension
//!   that certcensus does not interpret (RFC 5280 4.2). Of a listed issuer the user has decided.
//! - Revocation is not looked at: exports do not hold it.

mod certificate;
mod issuers;
mod signature;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::classify::Marks;
use certificate::{Certificate, framed};
pub use issuers::Issuers;

/// Bytes of certificates kept of issuers that are not listed: some ten thousand of them.
const MAX_KEPT: usize = 16 * 1024 * 1024;
/// Most issuers above a slot's attestation: the device, two authorities of the vendor and the root, as YubiKeys since
/// firmware 5.7.4 have them.
const MAX_CHAIN: usize = 4;
/// Signatures verified for one chain. The certificates of all devices can have the same name; then only the place and the key
/// identifiers, where there are any, tell which is likely.
const MAX_SIGNATURES: usize = 256;
/// Places remembered of one issuer.
const MAX_PLACES: usize = 16;

/// How the authority knows the TPM that a key is in ([MS-WCCE] 3.2.2.6.2.1.4.5.7), the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// On the word of the user (1.3.6.1.4.1.311.21.32): the key is in a TPM, whose is not known.
    Low,
    /// By the certificate of its endorsement key (1.3.6.1.4.1.311.21.31).
    Medium,
    /// By its endorsement key, which is on a list of the authority's (1.3.6.1.4.1.311.21.30).
    High,
}

impl Assurance {
    /// The value as written to reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Assurance::Low => "low",
            Assurance::Medium => "medium",
            Assurance::High => "high",
        }
    }

    /// The strongest one that the marks claim.
    fn of(marks: Marks) -> Option<Assurance> {
        let all = [Assurance::Low, Assurance::Medium, Assurance::High];
        all.into_iter().find(|assurance| marks.assurance() == Some(assurance.as_str()))
    }
}

/// Why an attestation is not verified, in the order in which one gets further. Where several issuers have the right name,
/// the reason is that of the one that came furthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It is no certificate, or one with a part that cannot be read without a doubt.
    Unreadable,
    /// It claims nothing.
    NotMarked,
    /// It is the certificate of an authority.
    NotEndEntity,
    /// It is the certificate of a TPM's own key, not of one that a user has in it.
    TpmRole,
    /// No certificate of the issuer is known.
    NoIssuer,
    /// No listed issuer made the signature.
    BadSignature,
    /// The signature is of a sort that is not verified here.
    UnsupportedAlgorithm,
    /// The signature rests on a hash or a key that is too weak to prove anything.
    WeakSignature,
    /// The certificate begins before or after the validity of its issuer.
    NotWithinValidity,
    /// A certificate of the chain may not issue the next one, or the chain is too long.
    BadChain,
    /// The issuer, or the end of the chain, is not one that the user listed.
    IssuerNotListed,
    /// More certificates have the issuer's name than are tried.
    TooManyIssuers,
}

impl Why {
    /// Every reason.
    pub const ALL: [Why; 12] = [
        Why::Unreadable,
        Why::NotMarked,
        Why::NotEndEntity,
        Why::TpmRole,
        Why::NoIssuer,
        Why::BadSignature,
        Why::UnsupportedAlgorithm,
        Why::WeakSignature,
        Why::NotWithinValidity,
        Why::BadChain,
        Why::IssuerNotListed,
        Why::TooManyIssuers,
    ];

    /// The value as written to reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Unreadable => "unreadable",
            Why::NotMarked => "not_marked",
            Why::NotEndEntity => "not_end_entity",
            Why::TpmRole => "tpm_role",
            Why::NoIssuer => "no_issuer",
            Why::BadSignature => "bad_signature",
            Why::UnsupportedAlgorithm => "unsupported_algorithm",
            Why::WeakSignature => "weak_signature",
            Why::NotWithinValidity => "not_within_validity",
            Why::BadChain => "bad_chain",
            Why::IssuerNotListed => "issuer_not_listed",
            Why::TooManyIssuers => "too_many_issuers",
        }
    }

    /// One sentence for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Why::Unreadable => {
                "The certificate cannot be read without a doubt, or has a critical extension that is not understood."
            }
            Why::NotMarked => "The certificate does not claim that its key was attested.",
            Why::NotEndEntity => "The certificate is one of a certification authority; its marks speak of other keys.",
            Why::TpmRole => "The certificate is one of a TPM's own keys; its marks do not speak of a user's key.",
            Why::NoIssuer => "The chain is incomplete: no certificate of an issuer is in the scan or in the list.",
            Why::BadSignature => "The signature was not made by the issuer whose name the certificate carries.",
            Why::UnsupportedAlgorithm => "The signature is of a sort that certcensus does not verify.",
            Why::WeakSignature => {
                "The signature rests on a broken hash or on a key that is too short to prove anything."
            }
            Why::NotWithinValidity => "A certificate of the chain begins outside the validity of its issuer.",
            Why::BadChain => {
                "A certificate of the chain is not allowed to issue the next one, or the chain is too long."
            }
            Why::IssuerNotListed => "The issuer is not in the list of attestation issuers.",
            Why::TooManyIssuers => {
                "More certificates have the issuer's name than were tried, and none of those from the same place issued it."
            }
        }
    }
}

/// What a YubiKey says of one of its keys, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// SHA-256 of the SubjectPublicKeyInfo of the key that is in the device.
    pub spki_sha256: [u8; 32],
    /// Serial number of the device; older ones do not tell.
    pub serial: Option<i64>,
    /// Firmware, `5.4.3`.
    pub firmware: Option<String>,
    /// PIN policy, as in [`crate::x509::Facts`].
    pub pin_policy: Option<&'static str>,
    /// Touch policy, as in [`crate::x509::Facts`].
    pub touch_policy: Option<&'static str>,
    /// Form factor byte, raw.
    pub form_factor: Option<i32>,
}

impl Attested {
    /// Whether it is the key with this SHA-256 of its SubjectPublicKeyInfo. An unknown key is none.
    pub fn is_for(&self, spki_sha256: Option<[u8; 32]>) -> bool {
        spki_sha256 == Some(self.spki_sha256)
    }
}

/// A certificate that may have issued others.
struct Issuer {
    certificate: Certificate<'static>,
    is_listed: bool,
    /// Where it came from, as far as that is known.
    places: Vec<u64>,
}

impl Issuer {
    /// It came from the same place, or the key identifiers say that it issued the certificate (RFC 5280 4.2.1.1): it is tried
    /// before its namesakes.
    fn is_likely(&self, certificate: &Certificate<'_>, place: Option<u64>) -> bool {
        let is_named =
            certificate.authority_key_id.is_some() && certificate.authority_key_id == self.certificate.subject_key_id;
        is_named || place.is_some_and(|place| self.places.contains(&place))
    }

    fn add_place(&mut self, place: u64) {
        if self.places.len() < MAX_PLACES && !self.places.contains(&place) {
            self.places.push(place);
        }
    }
}

/// Verifies attestations. First it is offered the certificates that may be issuers, all of them; what it then says does not
/// depend on their order, as long as none was left out ([`Verifier::left_out`]).
pub struct Verifier {
    listed: Issuers,
    /// By the DER of their subject. Under one name listed ones come first, then by their SHA-256.
    issuers: HashMap<Vec<u8>, Vec<Issuer>>,
    kept: HashSet<[u8; 32]>,
    most: usize,
    bytes: usize,
    left_out: u64,
}

impl Verifier {
    /// A verifier that trusts these issuers, and knows their certificates as far as the list has them.
    pub fn new(listed: Issuers) -> Verifier {
        Verifier::with_room(listed, MAX_KEPT)
    }

    fn with_room(listed: Issuers, most: usize) -> Verifier {
        let (issuers, kept) = (HashMap::new(), HashSet::new());
        let mut verifier = Verifier { listed, issuers, kept, most, bytes: 0, left_out: 0 };
        for der in verifier.listed.certificates().to_vec() {
            verifier.offer_issuer(&der, None);
        }
        verifier
    }

    /// Takes a certificate of the scan. Kept are those of authorities, those that are listed, and those that YubiKeys have
    /// for themselves, each once; all others are passed over.
    ///
    /// Memory is bounded: beyond 16 MiB only listed ones are kept, and the others counted by [`Verifier::left_out`].
    /// Without them the chain of a YubiKey may stay incomplete and its key unverified; keys in a TPM need listed issuers
    /// only.
    ///
    /// `place` stands for the client or the file that it came from. Of many devices with one name, that of the same place is
    /// tried first.
    pub fn offer_issuer(&mut self, der: &[u8], place: Option<u64>) {
        let der = framed(der);
        let sha256 = Sha256::digest(der).into();
        if der.is_empty() || self.kept.contains(&sha256) && place.is_none() {
            return;
        }
        let Ok((certificate, facts)) = certificate::read(der) else { return };
        let Some(subject) = certificate.body().map(|body| body.subject.to_vec()) else { return };
        if self.kept.contains(&sha256) {
            let namesakes = self.issuers.entry(subject).or_default();
            let known = namesakes.iter_mut().find(|known| known.certificate.sha256 == sha256);
            if let (Some(known), Some(place)) = (known, place) {
                known.add_place(place);
            }
            return;
        }
        let is_listed = self.listed.names(der, &sha256);
        if !is_listed && facts.is_ca != Some(true) && !certificate.is_device {
            return;
        }
        if !is_listed {
            let bytes = self.bytes.saturating_add(certificate.len());
            if bytes > self.most {
                self.left_out = self.left_out.saturating_add(1);
                return;
            }
            self.bytes = bytes;
        }
        self.kept.insert(sha256);
        let namesakes = self.issuers.entry(subject).or_default();
        let issuer = Issuer { certificate: certificate.into_owned(), is_listed, places: place.into_iter().collect() };
        let rank = |issuer: &Issuer| (!issuer.is_listed, issuer.certificate.sha256);
        let at = namesakes.partition_point(|other| rank(other) < rank(&issuer));
        namesakes.insert(at, issuer);
    }

    /// How many offers were turned down because there was no room; a certificate that is offered twice counts twice.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether the certificate proves that its own key is in a TPM: a listed issuer made the signature, and it carries an
    /// attestation policy as an end entity that has no role of a TPM's own. Of several policies the strongest counts.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn tpm(&self, der: &[u8]) -> Result<Assurance, Why> {
        let (certificate, facts) = certificate::read(der)?;
        let marks = Marks::from(&facts);
        if !marks.has_policy() {
            return Err(Why::NotMarked);
        }
        if facts.is_ca != Some(false) {
            return Err(Why::NotEndEntity);
        }
        if facts.tpm_role_by_any_usage().is_some() {
            return Err(Why::TpmRole);
        }
        if certificate.has_unknown_critical {
            return Err(Why::Unreadable);
        }
        let assurance = Assurance::of(marks).ok_or(Why::NotMarked)?;
        let issuers = self.issuers_of(&certificate)?;
        let mut why = None;
        for issuer in issuers.iter().take_while(|issuer| issuer.is_listed) {
            match certificate.is_issued_by(&issuer.certificate, 0) {
                Ok(()) => return Ok(assurance),
                found => why = why.max(found.err()),
            }
        }
        Err(why.unwrap_or(if issuers.is_empty() { Why::NoIssuer } else { Why::IssuerNotListed }))
    }

    /// Whether the certificate is a YubiKey's own word for the key in one of its slots: its issuer is a device, and its chain
    /// of at most four issuers, each an authority within its path length, ends at a listed one. `place` is as in
    /// [`Verifier::offer_issuer`].
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn yubikey(&self, der: &[u8], place: Option<u64>) -> Result<Attested, Why> {
        let (certificate, facts) = certificate::read(der)?;
        if facts.yubikey_firmware.is_none() {
            return Err(Why::NotMarked);
        }
        if facts.is_ca != Some(false) {
            return Err(Why::NotEndEntity);
        }
        if !facts.is_yubikey_attestation {
            return Err(Why::NotMarked);
        }
        if certificate.has_unknown_critical {
            return Err(Why::Unreadable);
        }
        let spki_sha256 = facts.spki_sha256.ok_or(Why::Unreadable)?;
        self.climb(&mut Chain { members: vec![certificate.sha256], signatures: 0, place }, &certificate)?;
        Ok(Attested {
            spki_sha256,
            serial: facts.yubikey_serial,
            firmware: facts.yubikey_firmware,
            pin_policy: facts.yubikey_pin_policy,
            touch_policy: facts.yubikey_touch_policy,
            form_factor: facts.yubikey_form_factor,
        })
    }

    /// The certificates that are known under the name of the issuer.
    fn issuers_of(&self, certificate: &Certificate<'_>) -> Result<&[Issuer], Why> {
        let body = certificate.body().ok_or(Why::Unreadable)?;
        Ok(self.issuers.get(body.issuer).map_or(&[], Vec::as_slice))
    }

    /// Looks for a way from the last member of the chain to a listed issuer.
    fn climb(&self, chain: &mut Chain, certificate: &Certificate<'_>) -> Result<(), Why> {
        // The member at the bottom is no authority.
        let below = chain.members.len().saturating_sub(1);
        let is_top = certificate.body().is_some_and(|body| body.issuer == body.subject);
        let mut why = if is_top { Why::IssuerNotListed } else { Why::NoIssuer };
        let chain_place = chain.place;
        let issuers = self.issuers_of(certificate)?;
        let is_likely = |issuer: &&Issuer| issuer.is_likely(certificate, chain_place);
        let (likely, others) = (issuers.iter().filter(is_likely), issuers.iter().filter(|issuer| !is_likely(issuer)));
        for issuer in likely.chain(others) {
            let sha256 = issuer.certificate.sha256;
            if chain.members.contains(&sha256) {
                continue;
            }
            if chain.signatures == MAX_SIGNATURES {
                return Err(Why::TooManyIssuers);
            }
            chain.signatures += 1;
            let found = certificate.is_issued_by(&issuer.certificate, below).and_then(|()| {
                if below == 0 && !issuer.certificate.is_device {
                    return Err(Why::BadChain);
                }
                if issuer.is_listed {
                    return Ok(());
                }
                if issuer.certificate.has_unknown_critical || below + 1 == MAX_CHAIN {
                    return Err(Why::BadChain);
                }
                chain.members.push(sha256);
                let found = self.climb(chain, &issuer.certificate);
                chain.members.pop();
                found
            });
            match found {
                Ok(()) => return Ok(()),
                Err(found) => why = why.max(found),
            }
        }
        Err(why)
    }
}

/// The way up so far.
struct Chain {
    /// SHA-256 of its certificates, from the end entity on.
    members: Vec<[u8; 32]>,
    /// How many signatures were verified, on other ways too.
    signatures: usize,
    /// Where the end entity came from.
    place: Option<u64>,
}
