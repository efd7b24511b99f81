//! Public keys without private ones.
//!
//! P-256: a walk over the curve. It starts at a seeded multiple of the generator and adds the generator once for each
//! next key, so every key is a distinct valid point and costs one addition. Anybody who knows the seed knows the
//! scalars: these keys protect nothing.
//!
//! RSA: random odd numbers of full length. They are **not** products of two primes and no private key exists. A reader
//! cannot tell, because nothing in a certificate shows factors.

use p256::elliptic_curve::{BatchNormalize, sec1::ToSec1Point};
use p256::{ProjectivePoint, Scalar};
use sha1::{Digest, Sha1};

use super::der::{Der, tag};
use super::oid;
use super::rng::{Purpose, Rng};

/// Kind of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 4096 bits.
    Rsa4096,
    /// Elliptic curve, NIST P-256.
    P256,
}

/// Points computed at a time, so that one field inversion serves them all.
const BLOCK: usize = 64;

/// An uncompressed point: 04, x, y (SEC 1 section 2.3.3).
type Point = [u8; 65];

/// The walk over P-256 points. Any index may be asked for; neighbours are cheap.
#[derive(Clone, Debug)]
pub(super) struct Points {
    /// Scalar of the point with index 0; at most 127 bits, so that adding any index neither overflows nor wraps.
    start: u128,
    /// Which block of the walk `points` holds.
    block: Option<u64>,
    points: Vec<Point>,
    /// First point of the next block.
    next: ProjectivePoint,
}

impl Points {
    /// The walk that belongs to a seed.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = Rng::stream(seed, purpose, 0);
        let start = (u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())) >> 1 | 1;
        Points { start, block: None, points: Vec::new(), next: ProjectivePoint::GENERATOR }
    }

    /// The point with this index.
    pub fn get(&mut self, index: u64) -> &Point {
        let block = index / BLOCK as u64;
        if self.block != Some(block) {
            self.load(block);
        }
        &self.points[(index % BLOCK as u64) as usize]
    }

    fn load(&mut self, block: u64) {
        let follows = self.block.is_some_and(|held| held.checked_add(1) == Some(block));
        if !follows {
            let scalar = Scalar::from(self.start + u128::from(block) * BLOCK as u128);
            self.next = ProjectivePoint::GENERATOR * scalar;
        }
        let mut walk = [ProjectivePoint::IDENTITY; BLOCK];
        for point in &mut walk {
            *point = self.next;
            self.next += p256::AffinePoint::GENERATOR;
        }
        self.points.clear();
        self.points.extend(ProjectivePoint::batch_normalize(&walk).iter().map(|affine| {
            let mut bytes = [0; 65];
            bytes.copy_from_slice(affine.to_sec1_point(false).as_bytes());
            bytes
        }));
        self.block = Some(block);
    }
}

/// A SubjectPublicKeyInfo and its key identifier. Reused from key to key.
#[derive(Clone, Debug, Default)]
pub(super) struct Spki {
    der: Der,
    bits: Der,
    /// SHA-1 of the key bits (RFC 5280 4.2.1.2, method 1).
    pub key_id: [u8; 20],
}

impl Spki {
    /// The DER of the SubjectPublicKeyInfo.
    pub fn der(&self) -> &[u8] {
        self.der.as_bytes()
    }

    /// Makes it the P-256 key with this point (RFC 5480).
    pub fn set_p256(&mut self, point: &Point) {
        self.bits.clear();
        self.bits.raw(point);
        self.finish(|d| {
            d.oid(&oid::EC_PUBLIC_KEY);
            d.oid(&oid::P256);
        });
    }

    /// Makes it an RSA key of `bytes` octets with a modulus drawn from `rng` (RFC 3279 2.3.1).
    pub fn set_rsa(&mut self, rng: &mut Rng, bytes: usize) {
        let mut modulus = [0; 512];
        let modulus = &mut modulus[..bytes.clamp(1, 512)];
        rng.fill(modulus);
        if let [first, .., last] = modulus {
            *first |= 0x80;
            *last |= 1;
        }
        self.bits.clear();
        self.bits.sequence(|d| {
            d.unsigned(modulus);
            d.number(65_537);
        });
        self.finish(|d| {
            d.oid(&oid::RSA_ENCRYPTION);
            d.value(tag::NULL, &[]);
        });
    }

    fn finish(&mut self, algorithm: impl FnOnce(&mut Der)) {
        self.key_id = Sha1::digest(self.bits.as_bytes()).into();
        self.der.clear();
        self.der.sequence(|d| {
            d.sequence(algorithm);
            d.bit_string(self.bits.as_bytes());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_and_a_jump_reach_the_same_point() {
        let mut walk = Points::new(5, Purpose::LeafPoints);
        let walked: Vec<Point> = (0..200).map(|n| *walk.get(n)).collect();
        let mut jump = Points::new(5, Purpose::LeafPoints);
        for index in [199, 64, 63, 130, 0] {
            assert_eq!(*jump.get(index), walked[index as usize], "{index}");
        }
        let start = Scalar::from(jump.start + 130);
        let affine = (ProjectivePoint::GENERATOR * start).to_affine();
        assert_eq!(affine.to_sec1_point(false).as_bytes(), walked[130]);
    }

    #[test]
    fn points_are_distinct_and_on_the_curve() {
        let mut walk = Points::new(6, Purpose::LeafPoints);
        let points: std::collections::HashSet<Point> = (0..300).map(|n| *walk.get(n)).collect();
        assert_eq!(points.len(), 300);
        assert!(points.iter().all(|p| p256::PublicKey::from_sec1_bytes(p).is_ok()));
        let mut off = *walk.get(0);
        off[64] ^= 1;
        assert!(p256::PublicKey::from_sec1_bytes(&off).is_err(), "the check can fail");
    }

    #[test]
    fn the_last_index_is_no_special_case() {
        let mut walk = Points::new(u64::MAX, Purpose::LeafPoints);
        assert!(p256::PublicKey::from_sec1_bytes(walk.get(u64::MAX)).is_ok());
        assert!(p256::PublicKey::from_sec1_bytes(walk.get(0)).is_ok());
    }
}
