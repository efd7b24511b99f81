//! RSA keys whose factors were made by a vulnerable Infineon library (ROCA, CVE-2017-15361).
//!
//! The library made primes of one form, so that the modulus, modulo each small prime, is a power of 65537 (Nemec, Sys,
//! Svenda, Klinec, Matyas: "The Return of Coppersmith's Attack", ACM CCS 2017, section 2.3). A random modulus has that
//! shape by chance about once in 2^27 to 2^154 times, depending on its length; the other way there are no exceptions.

/// Small primes of which every product used by the library is made: all from 3 to 167, which the shortest keys use, too
/// (section 2.1).
const PRIMES: [u64; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// The generator of all those powers.
const GENERATOR: u64 = 65_537;

/// 11, 13, 17, 19 and 37 together: one random modulus of five hundred passes them.
const FEW: u64 = 11 * 13 * 17 * 19 * 37;

/// Words of a modulus that is looked at in one go: 4,096 bits.
const WORDS: usize = 128;

/// 2^32 to the power of each place, modulo [`FEW`].
const PLACES: [u64; WORDS] = {
    let mut places = [1; WORDS];
    let mut at = 1;
    while at < WORDS {
        places[at] = (places[at - 1] << 32) % FEW;
        at += 1;
    }
    places
};

/// For each prime the set of its powers of the generator, as bits.
const POWERS: [[u64; 3]; PRIMES.len()] = {
    let mut all = [[0; 3]; PRIMES.len()];
    let mut at = 0;
    while at < PRIMES.len() {
        let prime = PRIMES[at];
        let mut power = 1;
        loop {
            all[at][(power / 64) as usize] |= 1 << (power % 64);
            power = power * GENERATOR % prime;
            if power == 1 {
                break;
            }
        }
        at += 1;
    }
    all
};

/// Whether a modulus (big-endian, no matter how padded) has the shape of a vulnerable key.
pub fn has_shape(modulus: &[u8]) -> bool {
    let first = modulus.iter().position(|byte| *byte != 0).unwrap_or(modulus.len());
    let modulus = modulus.get(first..).unwrap_or_default();
    // Shorter than any key that the library makes; nothing small may pass by being a power itself.
    if modulus.len() < 32 {
        return false;
    }
    let few = few(modulus);
    [(3, 11), (4, 13), (5, 17), (6, 19), (10, 37)].iter().all(|(at, prime)| is_power(*at, few % prime))
        && PRIMES.iter().enumerate().all(|(at, prime)| is_power(at, remainder(modulus, *prime)))
}

/// Whether the remainder by the prime of this place is a power of the generator.
fn is_power(at: usize, remainder: u64) -> bool {
    let set = POWERS.get(at).copied().unwrap_or_default();
    set.get((remainder / 64) as usize).is_some_and(|bits| bits >> (remainder % 64) & 1 == 1)
}

/// The remainder by [`FEW`] where that is quick; the caller looks at all primes anyway.
fn few(modulus: &[u8]) -> u64 {
    if modulus.len() > 4 * WORDS {
        return remainder(modulus, FEW);
    }
    let words = modulus.rchunks(4).zip(PLACES);
    // Each product is below 2^53, and there are at most 128 of them.
    let sum: u64 = words.map(|(word, place)| word.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)) * place).sum();
    sum % FEW
}

fn remainder(modulus: &[u8], by: u64) -> u64 {
    modulus.iter().fold(0, |rest, byte| (rest << 8 | u64::from(*byte)) % by)
}

/// The same of the bits of an RSA public key (RFC 8017 A.1.1).
pub fn has_key_shape(key: &[u8]) -> bool {
    use crate::der::{self, tag};
    let sequence = der::read(key).filter(|outer| outer.tag == tag::SEQUENCE);
    let modulus = sequence.and_then(|outer| der::read(outer.content)).filter(|first| first.tag == tag::INTEGER);
    modulus.is_some_and(|modulus| has_shape(modulus.content))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers to be multiplied, least significant word first.
    fn times(number: &mut Vec<u32>, by: u32) {
        let mut carry = 0;
        for word in number.iter_mut() {
            let product = u64::from(*word) * u64::from(by) + carry;
            (*word, carry) = (product as u32, product >> 32);
        }
        number.push(carry as u32);
    }

    fn bytes(number: &[u32]) -> Vec<u8> {
        number.iter().rev().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A modulus of the library's shape without any library: a multiple of all the primes, plus a power of the generator.
    fn shaped(power: u32, words: u32) -> Vec<u8> {
        let mut number = vec![3];
        for prime in PRIMES {
            times(&mut number, prime as u32);
        }
        for at in 0..words {
            times(&mut number, 0x9e37_79b9 ^ at);
        }
        let all: u64 = 65_537u64.pow(power);
        let mut carry = all;
        for word in &mut number {
            let sum = u64::from(*word) + (carry & 0xffff_ffff);
            (*word, carry) = (sum as u32, (carry >> 32) + (sum >> 32));
        }
        bytes(&number)
    }

    #[test]
    fn what_has_the_shape_is_found_whatever_its_length() {
        for (power, words) in [(0, 8), (1, 20), (2, 40), (3, 56), (1, 200)] {
            let modulus = shaped(power, words);
            assert!(has_shape(&modulus), "{power} {words}");
            assert!(has_shape(&[&[0, 0], &modulus[..]].concat()), "padding is nothing");
            let mut other = modulus.clone();
            *other.last_mut().expect("a byte") ^= 2;
            assert!(!has_shape(&other), "{power} {words}");
        }
    }

    #[test]
    fn the_quick_way_gives_the_same_remainder() {
        for words in 1..200 {
            let modulus = shaped(1, words);
            assert_eq!(few(&modulus), remainder(&modulus, FEW), "{words}");
        }
    }

    #[test]
    fn other_numbers_do_not_have_it() {
        let mut number = vec![1u32];
        let mut found = 0;
        for at in 0..3000u32 {
            times(&mut number, 0x85eb_ca6b ^ at | 1);
            if number.len() > 64 {
                number.drain(..32);
            }
            found += u32::from(has_shape(&bytes(&number)));
        }
        assert_eq!(found, 0);
        assert!(!has_shape(&[]) && !has_shape(&[0; 300]) && !has_shape(&[1]));
        assert!(!has_key_shape(&[]) && !has_key_shape(&[0x30, 3, 2, 1, 1]));
    }
}
