//! Values that stand in records as hexadecimal text: fingerprints, identifiers.

use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::rng::Rng;

/// Both fingerprints of a certificate, in hex.
#[derive(Clone, Copy, Debug)]
pub(super) struct Print {
    pub sha1: [u8; 40],
    pub sha256: [u8; 64],
}

impl Print {
    /// Of these bytes.
    pub fn of(der: &[u8]) -> Self {
        let (sha1, sha256) = (Sha1::digest(der), Sha256::digest(der));
        let mut print = Print { sha1: [0; 40], sha256: [0; 64] };
        hex(&sha1, &mut print.sha1);
        hex(&sha256, &mut print.sha256);
        print
    }

    /// Fingerprints that belong to no certificate of the fleet.
    pub fn spoiled(mut self) -> Self {
        for digit in self.sha1.iter_mut().chain(&mut self.sha256).step_by(2) {
            *digit = if *digit == b'0' { b'f' } else { b'0' };
        }
        self
    }
}

fn hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// `N` random bytes in hex.
pub(super) fn hex_text<const N: usize>(rng: &mut Rng) -> String {
    let mut text = vec![0; 2 * N];
    hex(&rng.bytes::<N>(), &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// A random UUID (RFC 9562 version 4).
pub(super) fn uuid(rng: &mut Rng) -> String {
    let bits = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
    let bits = bits & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let part = |shift: u32, digits: u32| (bits >> shift) as u64 & (u64::MAX >> (64 - 4 * digits));
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", part(96, 8), part(80, 4), part(64, 4), part(48, 4), part(0, 12))
}
