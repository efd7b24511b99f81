//! Sixteen messages at a time in the sixteen 32-bit lanes of AVX-512 registers.
//!
//! Lane `n` of every register belongs to message `n`. Each step loads one block of every message, turns the sixteen
//! rows of sixteen words into sixteen registers of one word each, and runs the rounds of FIPS 180-4 on all of them
//! together. A lane whose message has ended goes on computing, and a mask keeps what it computes out of its state.
//!
//! The only file with unsafe code: loads, stores, and the call of functions that need processor features.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{BLOCK, Words, blocks};

/// Messages in one group.
pub const LANES: usize = 16;

/// Truth tables of three inputs for the ternary logic instruction.
const XOR3: i32 = 0x96;
const CHOOSE: i32 = 0xca;
const MAJORITY: i32 = 0xe8;

/// First state of SHA-1 (FIPS 180-4, 5.3.1).
const START_SHA1: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// Constants of the four stretches of twenty rounds of SHA-1 (FIPS 180-4, 4.2.1).
const K_SHA1: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// First state of SHA-256 (FIPS 180-4, 5.3.3).
const START_SHA256: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Constants of the rounds of SHA-256 (FIPS 180-4, 4.2.2), sixteen rounds a row.
#[rustfmt::skip]
const K_SHA256: [[u32; 16]; 4] = [
    [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    ],
    [
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    ],
    [
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    ],
    [
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ],
];

/// Proof that this processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub struct Lanes(());

impl Lanes {
    /// Looks at the processor, or at what is remembered of it.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Self(()))
    }

    /// The digests of up to [`LANES`] messages as words, those with `SHA1` and `SHA256` that are wanted; the words of
    /// what is not wanted are left alone. Messages past the first [`LANES`] are not looked at. Lengths must be below
    /// 256 GiB, where the count of blocks ends; this module's are far below.
    pub fn digest<const SHA1: bool, const SHA256: bool>(self, messages: &[&[u8]], words: &mut Words) {
        // SAFETY: a `Lanes` only comes from `detect`, which has seen both features on this processor.
        unsafe { digest::<SHA1, SHA256>(messages, words) }
    }
}

/// The message of one lane: what is read in place, and the blocks that padding makes of its rest.
#[derive(Clone, Copy)]
struct Lane<'a> {
    whole: &'a [[u8; BLOCK]],
    padded: [[u8; BLOCK]; 2],
    blocks: u32,
}

impl<'a> Lane<'a> {
    /// A lane without a message.
    const NONE: Self = Self { whole: &[], padded: [[0; BLOCK]; 2], blocks: 0 };

    /// Puts a message into a lane that had none.
    fn fill(&mut self, bytes: &'a [u8]) {
        let (whole, rest) = bytes.as_chunks::<BLOCK>();
        self.whole = whole;
        let blocks = blocks(bytes.len());
        self.blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        self.padded[0][..rest.len()].copy_from_slice(rest);
        self.padded[0][rest.len()] = 0x80;
        let bits = (bytes.len() as u64).wrapping_mul(8);
        self.padded[blocks - whole.len() - 1][BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
    }

    /// The block with this number; some other block when the message has ended.
    #[inline]
    fn block(&self, number: usize) -> &[u8; BLOCK] {
        match self.whole.get(number) {
            Some(block) => block,
            None => &self.padded[usize::from(number > self.whole.len())],
        }
    }
}

/// See [`Lanes::digest`].
#[target_feature(enable = "avx512f,avx512bw")]
fn digest<const SHA1: bool, const SHA256: bool>(messages: &[&[u8]], words: &mut Words) {
    let mut lanes = [Lane::NONE; LANES];
    for (lane, bytes) in lanes.iter_mut().zip(messages) {
        lane.fill(bytes);
    }
    let blocks = lanes.each_ref().map(|lane| lane.blocks);
    let longest = blocks.iter().copied().max().unwrap_or(0);
    let blocks = load_words(&blocks);
    let mut sha1 = START_SHA1.map(|word| all(word));
    let mut sha256 = START_SHA256.map(|word| all(word));
    for number in 0..longest {
        let live = _mm512_cmpgt_epu32_mask(blocks, all(number));
        let mut rows = [all(0); LANES];
        for (row, lane) in rows.iter_mut().zip(&lanes) {
            *row = load_block(lane.block(number as usize));
        }
        let block = transpose(rows);
        if SHA256 {
            rounds_sha256(&mut sha256, &block, live);
        }
        if SHA1 {
            rounds_sha1(&mut sha1, &block, live);
        }
    }
    if SHA1 {
        for (words, register) in words.sha1.iter_mut().zip(sha1) {
            store_words(register, words);
        }
    }
    if SHA256 {
        for (words, register) in words.sha256.iter_mut().zip(sha256) {
            store_words(register, words);
        }
    }
}

/// The same word in every lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn all(word: u32) -> __m512i {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_words(words: &[u32; LANES]) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of `words`; the instruction asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_block(block: &[u8; BLOCK]) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of `block`; the instruction asks for no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_words(register: __m512i, words: &mut [u32; LANES]) {
    // SAFETY: the 64 bytes that are written are those of `words`; the instruction asks for no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) };
}

/// Rows of one message each, sixteen words with the highest byte first, to registers of one word of each message.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    // Byte order within words.
    let order = _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
    let mut quads = rows;
    for four in quads.as_chunks_mut::<4>().0 {
        for row in &mut *four {
            *row = _mm512_shuffle_epi8(*row, order);
        }
        let [a, b, c, d] = *four;
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        // In quarter q of the register with number j: word 4q+j of four messages.
        *four = [
            _mm512_unpacklo_epi64(ab_low, cd_low),
            _mm512_unpackhi_epi64(ab_low, cd_low),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ];
    }
    let mut words = quads;
    for j in 0..4 {
        let (a, b, c, d) = (quads[j], quads[4 + j], quads[8 + j], quads[12 + j]);
        let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        words[j] = _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even);
        words[4 + j] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
        words[8 + j] = _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even);
        words[12 + j] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
    }
    words
}

/// Sixteen calls of a macro, with the numbers 0 to 15: what the compiler must not keep as a loop, because the words
/// would have to leave their registers.
macro_rules! sixteen {
    ($step:ident, $($argument:expr),*) => {
        $step!($($argument,)* 0);
        $step!($($argument,)* 1);
        $step!($($argument,)* 2);
        $step!($($argument,)* 3);
        $step!($($argument,)* 4);
        $step!($($argument,)* 5);
        $step!($($argument,)* 6);
        $step!($($argument,)* 7);
        $step!($($argument,)* 8);
        $step!($($argument,)* 9);
        $step!($($argument,)* 10);
        $step!($($argument,)* 11);
        $step!($($argument,)* 12);
        $step!($($argument,)* 13);
        $step!($($argument,)* 14);
        $step!($($argument,)* 15);
    };
}

/// One block of SHA-256 in every lane; `live` says in which lanes it counts.
#[inline]
#[target_feature(enable = "avx512f")]
fn rounds_sha256(state: &mut [__m512i; 8], block: &[__m512i; LANES], live: u16) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    let mut w = *block;
    macro_rules! round {
        ($k:expr, $i:expr) => {
            let constant = _mm512_add_epi32(w[$i], all(K_SHA256[$k][$i]));
            let turned = _mm512_ternarylogic_epi32::<XOR3>(
                _mm512_ror_epi32::<6>(e),
                _mm512_ror_epi32::<11>(e),
                _mm512_ror_epi32::<25>(e),
            );
            let chosen = _mm512_ternarylogic_epi32::<CHOOSE>(e, f, g);
            let first = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32(h, constant), chosen), turned);
            let turned = _mm512_ternarylogic_epi32::<XOR3>(
                _mm512_ror_epi32::<2>(a),
                _mm512_ror_epi32::<13>(a),
                _mm512_ror_epi32::<22>(a),
            );
            let second = _mm512_add_epi32(turned, _mm512_ternarylogic_epi32::<MAJORITY>(a, b, c));
            (h, g, f, e) = (g, f, e, _mm512_add_epi32(d, first));
            (d, c, b, a) = (c, b, a, _mm512_add_epi32(first, second));
        };
    }
    macro_rules! made {
        ($k:expr, $i:expr) => {
            let (near, far) = (w[($i + 14) % 16], w[($i + 1) % 16]);
            let near = _mm512_ternarylogic_epi32::<XOR3>(
                _mm512_ror_epi32::<17>(near),
                _mm512_ror_epi32::<19>(near),
                _mm512_srli_epi32::<10>(near),
            );
            let far = _mm512_ternarylogic_epi32::<XOR3>(
                _mm512_ror_epi32::<7>(far),
                _mm512_ror_epi32::<18>(far),
                _mm512_srli_epi32::<3>(far),
            );
            let sum = _mm512_add_epi32(_mm512_add_epi32(w[$i], far), w[($i + 9) % 16]);
            w[$i] = _mm512_add_epi32(sum, near);
            round!($k, $i);
        };
    }
    sixteen!(round, 0);
    sixteen!(made, 1);
    sixteen!(made, 2);
    sixteen!(made, 3);
    for (state, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *state = _mm512_mask_add_epi32(*state, live, *state, new);
    }
}

/// One block of SHA-1 in every lane; `live` says in which lanes it counts.
#[inline]
#[target_feature(enable = "avx512f")]
fn rounds_sha1(state: &mut [__m512i; 5], block: &[__m512i; LANES], live: u16) {
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    let mut w = *block;
    macro_rules! round {
        ($table:expr, $k:expr, $i:expr) => {
            let constant = _mm512_add_epi32(_mm512_add_epi32(e, all(K_SHA1[$k])), w[$i]);
            let mixed = _mm512_add_epi32(constant, _mm512_ternarylogic_epi32::<$table>(b, c, d));
            let new = _mm512_add_epi32(mixed, _mm512_rol_epi32::<5>(a));
            (e, d, c, b, a) = (d, c, _mm512_rol_epi32::<30>(b), a, new);
        };
    }
    macro_rules! made {
        ($table:expr, $k:expr, $($i:expr)*) => {$(
            let old = _mm512_ternarylogic_epi32::<XOR3>(w[$i], w[($i + 2) % 16], w[($i + 8) % 16]);
            w[$i] = _mm512_rol_epi32::<1>(_mm512_xor_si512(old, w[($i + 13) % 16]));
            round!($table, $k, $i);
        )*};
    }
    sixteen!(round, CHOOSE, 0);
    made!(CHOOSE, 0, 0 1 2 3);
    made!(XOR3, 1, 4 5 6 7 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7);
    made!(MAJORITY, 2, 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 8 9 10 11);
    made!(XOR3, 3, 12 13 14 15 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for (state, new) in state.iter_mut().zip([a, b, c, d, e]) {
        *state = _mm512_mask_add_epi32(*state, live, *state, new);
    }
}
