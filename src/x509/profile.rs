//! The certificates of one authority and template differ in few fields. What they have in common, their profile, is
//! read once, by the long way; of each further certificate only its own fields are read.
//!
//! # Why that gives what the long way gives
//!
//! [`skeleton::walk`] splits a certificate into a common part and its own parts. Profiles are found by the common part,
//! all of it compared. So two certificates of one profile have the same bytes in
//!
//! - version, signature algorithm (beside the signature it must be the same) and issuer;
//! - algorithm and parameters of the public key; for RSA the bits of the modulus and the exponent, which is all that
//!   [`key`](super::key) takes from the bits; for others it takes nothing from them but the hash;
//! - identifier and criticality of every extension, in their order, and the whole of every extension that has a reader
//!   and is not named next.
//!
//! What is left out is read for each certificate ([`Own`]): serial number, validity, subject, the hashes of the key (as
//! places), subject key identifier, subject alternative name and SID. Self-signed follows from issuer, subject and
//! the two key identifiers, and is computed anew. Three things are left out and not read, as no fact depends on them:
//! the value of extensions without a reader ([`extension::is_interpreted`](super::extension::is_interpreted)), the
//! signature, and how long the elements around the own parts are.
//!
//! The long way may also find a [`Problem`](super::Problem), and the short way never does:
//!
//! - The skeleton around the parts is strict DER: damaged lists, trailing bytes, BER and a second signature algorithm
//!   are declined before any look-up.
//! - Problems of the common part (a malformed or repeated extension, an unknown version) follow from it alone, and a
//!   certificate with a problem never becomes a profile.
//! - Problems of the own parts: [`Own::read`] declines whatever would be one.
//!
//! As a last guard, a certificate becomes a profile only if the short way says of it exactly what the long way said.

use super::memo::{Bounds, Memo};
use super::name::Name;
use super::own::{self, Own};
use super::{Facts, skeleton};

/// Profiles known at a time. Some issuing authorities times dozens of templates times kinds of keys: the synthetic fleet
/// has 767 profiles, of 3.7 kB in memory each.
const PROFILES: Bounds = Bounds { entries: 2048, field: 4096, bytes: 1536 * 1024, sighted: 4096 };

/// The profiles met so far, and buffers for the certificate at hand.
pub(super) struct Profiles {
    known: Memo<Profile>,
    /// Number of the next profile.
    next: u32,
    /// What subjects say before their last RDN.
    subjects: Memo<Name>,
    /// Common part of the certificate at hand.
    common: Vec<u8>,
    own: Own,
}

struct Profile {
    number: u32,
    /// Facts with the own ones emptied.
    shared: Box<Facts>,
}

/// A certificate of a known profile.
#[derive(Clone, Copy, Debug)]
pub struct Known<'p> {
    /// Number of the profile, for one [`Parser`](super::Parser). It is never given to another content, so what was
    /// made from `shared` once holds for every certificate with this number. The same content may get a new number.
    pub profile: u32,
    /// What certificates of the profile have in common: all facts that have no field in [`Own`], and no problems.
    pub shared: &'p Facts,
    /// What is this certificate's own.
    pub own: &'p Own,
}

impl Known<'_> {
    /// All facts of the certificate, which must be the one that was recalled.
    pub fn facts(&self, der: &[u8]) -> Facts {
        let mut facts = self.shared.clone();
        self.own.fill(&mut facts, der);
        facts
    }
}

impl Default for Profiles {
    fn default() -> Self {
        Profiles {
            known: Memo::new(PROFILES),
            next: 0,
            subjects: Memo::default(),
            common: Vec::new(),
            own: Own::default(),
        }
    }
}

impl Profiles {
    /// The certificate by its profile, if that is known and the rest is plain.
    pub fn recall(&mut self, der: &[u8]) -> Option<Known<'_>> {
        let skeleton = skeleton::walk(der, &mut self.common)?;
        let Profile { number, shared } = self.known.get(&self.common).ok()?;
        self.own.read(&skeleton, shared, &mut self.subjects)?;
        Some(Known { profile: *number, shared, own: &self.own })
    }

    /// Takes in the profile of a certificate at its second sighting. The facts are those of the long way.
    pub fn learn(&mut self, der: &[u8], facts: &Facts) {
        let Profiles { known, next, subjects, common, own } = self;
        if !facts.problems.is_empty() {
            return;
        }
        let Some(skeleton) = skeleton::walk(der, common) else { return };
        let Err(unknown) = known.get(common) else { return };
        known.put_with(unknown, || {
            own.read(&skeleton, facts, subjects)?;
            let mut shared = facts.clone();
            own::empty(&mut shared);
            let number = *next;
            if (Known { profile: number, shared: &shared, own }).facts(der) != *facts {
                return None;
            }
            *next = number.checked_add(1)?;
            Some(Profile { number, shared: Box::new(shared) })
        });
    }
}
