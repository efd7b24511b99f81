//! The random numbers of the synthetic fleet: xoshiro256**, seeded through SplitMix64.
//!
//! Own code, because the bytes of a synthetic fleet must never change: a benchmark of next year must read what a
//! benchmark of today read, so no other crate's new version may alter a stream. Both algorithms are public domain
//! (Blackman and Vigna, <https://prng.di.unimi.it/>); the tests hold their published first outputs. Only integer
//! arithmetic decides, so every machine draws the same. Not for secrets.

/// SplitMix64: turns any 64-bit value into well mixed ones. Seeds [`Rng`].
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// What a stream is for. Streams of different purposes never influence each other. The numbers are frozen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Values that hold for the whole fleet, such as its domain SID.
    Fleet = 1,
    /// Host and user names of one client.
    Client = 2,
    /// Which keys and templates a client's own certificates have.
    Keys = 3,
    /// How a client's records are written: stores, damage, hash-only.
    Records = 4,
    /// Content of one leaf certificate.
    Leaf = 5,
    /// Content of one CA certificate.
    Authority = 6,
    /// Where the walk over P-256 points of leaf keys starts.
    LeafPoints = 7,
    /// The same for CA keys.
    AuthorityPoints = 8,
}

/// One stream of random numbers (xoshiro256**).
#[derive(Clone, Debug)]
pub(super) struct Rng([u64; 4]);

impl Rng {
    /// The stream of the `number`-th thing of its kind in the fleet of `seed`.
    pub fn stream(seed: u64, purpose: Purpose, number: u64) -> Self {
        let seed = SplitMix64(seed).next();
        let seed = SplitMix64(seed ^ purpose as u64).next();
        let mut mix = SplitMix64(seed ^ number);
        Rng(std::array::from_fn(|_| mix.next()))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number below `bound`, or 0 where `bound` is 0. By multiplication: the bias is below 2^-32 for our bounds.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// One of `items`, which must not be empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// True in `percent` of 100 cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True in the share `share` (0.0 to 1.0) of cases. Draws once whatever the share is.
    pub fn share(&mut self, share: f64) -> bool {
        // 2^32 times a share is exact up to the rounding of the share itself, on every IEEE 754 machine.
        (self.next_u64() >> 32) < (share.clamp(0.0, 1.0) * 4_294_967_296.0) as u64
    }

    /// Index of an entry, by weight; 0 where all weights are 0.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total = weights.iter().copied().map(u64::from).sum();
        let mut at = self.below(total);
        for (index, weight) in weights.iter().copied().map(u64::from).enumerate() {
            if at < weight {
                return index;
            }
            at -= weight;
        }
        0
    }

    /// Fills `bytes`, little-endian word by word.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_outputs_of_both_generators() {
        let mut mix = SplitMix64(1_477_776_061_723_855_037);
        assert_eq!([mix.next(), mix.next()], [1_985_237_415_132_408_290, 2_979_275_885_539_914_483]);
        let mut rng = Rng([1, 2, 3, 4]);
        let first: Vec<u64> = (0..6).map(|_| rng.next_u64()).collect();
        assert_eq!(
            first,
            [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600]
        );
    }

    #[test]
    fn streams_are_frozen_and_apart() {
        // A failure here means that every synthetic fleet ever made has changed.
        assert_eq!(Rng::stream(0, Purpose::Fleet, 0).next_u64(), 8_001_808_130_966_065_074);
        let of = |seed, purpose, number| Rng::stream(seed, purpose, number).next_u64();
        let base = of(1, Purpose::Leaf, 7);
        assert!([of(2, Purpose::Leaf, 7), of(1, Purpose::Keys, 7), of(1, Purpose::Leaf, 8)].iter().all(|x| *x != base));
    }

    #[test]
    fn draws_stay_in_their_bounds_and_near_their_shares() {
        let mut rng = Rng::stream(3, Purpose::Keys, 0);
        assert!((0..1000).all(|_| rng.below(7) < 7));
        assert_eq!(rng.below(0), 0);
        assert!((0..100).all(|_| !rng.share(0.0) && rng.share(1.0)));
        let hits = (0..10_000).filter(|_| rng.share(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        let mut counts = [0; 3];
        (0..10_000).for_each(|_| counts[rng.weighted(&[1, 0, 3])] += 1);
        assert!(counts[1] == 0 && (2_300..2_700).contains(&counts[0]), "{counts:?}");
        assert_eq!(rng.weighted(&[0, 0]), 0);
    }
}
