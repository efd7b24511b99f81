//! Digests of many messages at a time, the same on every machine.
//!
//! One message after the other keeps a processor waiting for its own last round. Where the processor has AVX-512,
//! sixteen messages of about equal length go through the rounds together (`lanes`); everything else goes through
//! the `sha1` and `sha2` crates one by one: other processors, groups too small or too unequal to be worth it, and
//! long messages. Which way a message takes depends on the batch and the machine, its digest (FIPS 180-4) never does.

#[cfg(target_arch = "x86_64")]
mod lanes;
/// Stands in for the lanes on other processors: there are none.
#[cfg(not(target_arch = "x86_64"))]
mod lanes {
    use super::Words;

    pub const LANES: usize = 16;

    #[derive(Clone, Copy, Debug)]
    pub enum Lanes {}

    impl Lanes {
        pub fn detect() -> Option<Self> {
            None
        }

        pub fn digest<const SHA1: bool, const SHA256: bool>(self, _: &[&[u8]], _: &mut Words) {
            match self {}
        }
    }
}
#[cfg(test)]
mod tests;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use lanes::{LANES, Lanes};

/// Bytes that one step of either hash takes.
const BLOCK: usize = 64;

/// Longest message that shares a group, in bytes. Long ones gain little, come singly, and would walk through
/// memory at sixteen places at once.
const LONGEST: usize = 64 * 1024;

/// Digests of a group as the words that they are made of, one row a word.
#[derive(Default)]
struct Words {
    sha1: [[u32; LANES]; 5],
    sha256: [[u32; LANES]; 8],
}

/// The SHA-256 of each message, in their order. What `out` held is gone.
pub fn sha256_each(messages: &[&[u8]], out: &mut Vec<[u8; 32]>) {
    each::<false, true>(Lanes::detect(), messages, &mut Vec::new(), out);
}

/// The SHA-1 of each message, in their order. What `out` held is gone.
pub fn sha1_each(messages: &[&[u8]], out: &mut Vec<[u8; 20]>) {
    each::<true, false>(Lanes::detect(), messages, out, &mut Vec::new());
}

/// The SHA-1 and the SHA-256 of each message, in their order; cheaper than one after the other, because every
/// message is read once. What `sha1` and `sha256` held is gone.
pub fn both_each(messages: &[&[u8]], sha1: &mut Vec<[u8; 20]>, sha256: &mut Vec<[u8; 32]>) {
    each::<true, true>(Lanes::detect(), messages, sha1, sha256);
}

/// Blocks of a message of this length in bytes, padding included: a marker byte and eight bytes of length follow it.
fn blocks(len: usize) -> usize {
    len / BLOCK + 1 + usize::from(len % BLOCK >= BLOCK - 8)
}

/// How many blocks the crates do while the lanes do one of each message: what a group must have to be worth it.
const fn worth<const SHA1: bool, const SHA256: bool>() -> usize {
    match (SHA1, SHA256) {
        (true, false) => 5,
        (false, _) => 9,
        (true, true) => 7,
    }
}

/// Where digests go. A list that is not wanted is empty.
struct Out<'a, const SHA1: bool, const SHA256: bool> {
    messages: &'a [&'a [u8]],
    sha1: &'a mut [[u8; 20]],
    sha256: &'a mut [[u8; 32]],
}

impl<const SHA1: bool, const SHA256: bool> Out<'_, SHA1, SHA256> {
    /// The digests of one message, by the crates.
    fn one(&mut self, index: usize) {
        if SHA1 {
            self.sha1[index] = Sha1::digest(self.messages[index]).into();
        }
        if SHA256 {
            self.sha256[index] = Sha256::digest(self.messages[index]).into();
        }
    }

    /// The digests of up to [`LANES`] messages, by the lanes.
    fn group(&mut self, lanes: Lanes, group: &[u64], words: &mut Words) {
        let mut messages: [&[u8]; LANES] = [&[]; LANES];
        for (message, key) in messages.iter_mut().zip(group) {
            *message = self.messages[index_of(*key)];
        }
        lanes.digest::<SHA1, SHA256>(&messages[..group.len()], words);
        for (lane, key) in group.iter().enumerate() {
            if SHA1 {
                copy(&words.sha1, lane, &mut self.sha1[index_of(*key)]);
            }
            if SHA256 {
                copy(&words.sha256, lane, &mut self.sha256[index_of(*key)]);
            }
        }
    }
}

/// One lane's words as the bytes of a digest, highest byte first.
fn copy(words: &[[u32; LANES]], lane: usize, digest: &mut [u8]) {
    for (bytes, row) in digest.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = row[lane].to_be_bytes();
    }
}

/// Bits of a sort key that hold a message's place in its batch.
const INDEX_BITS: u32 = 48;

/// What messages are sorted by: their blocks first, then their place, so that one integer is both.
fn key(index: usize, message: &[u8]) -> u64 {
    (blocks(message.len()) as u64) << INDEX_BITS | index as u64
}

/// The place that a key names.
fn index_of(key: u64) -> usize {
    (key & ((1 << INDEX_BITS) - 1)) as usize
}

/// The blocks that a key names.
fn blocks_of(key: u64) -> usize {
    (key >> INDEX_BITS) as usize
}

/// The messages that are next, from sorted keys: the longest with those next to it, or where these are too few or too
/// short for its company, the longest alone.
fn next(keys: &[u64], worth: usize) -> &[u64] {
    let group = &keys[keys.len().saturating_sub(LANES)..];
    let together: usize = group.iter().map(|key| blocks_of(*key)).sum();
    let longest = group.last().map_or(0, |key| blocks_of(*key));
    if together >= worth * longest { group } else { &group[group.len() - 1..] }
}

/// The digests that are wanted, by lanes where there are any.
fn each<const SHA1: bool, const SHA256: bool>(
    lanes: Option<Lanes>,
    messages: &[&[u8]],
    sha1: &mut Vec<[u8; 20]>,
    sha256: &mut Vec<[u8; 32]>,
) {
    sha1.clear();
    sha1.resize(if SHA1 { messages.len() } else { 0 }, [0; 20]);
    sha256.clear();
    sha256.resize(if SHA256 { messages.len() } else { 0 }, [0; 32]);
    let mut out = Out::<SHA1, SHA256> { messages, sha1, sha256 };
    let Some(lanes) = lanes.filter(|_| messages.len() >= worth::<SHA1, SHA256>()) else {
        return (0..messages.len()).for_each(|index| out.one(index));
    };
    let mut keys = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        if message.len() > LONGEST {
            out.one(index);
        } else {
            keys.push(key(index, message));
        }
    }
    keys.sort_unstable();
    let mut words = Words::default();
    while !keys.is_empty() {
        let group = next(&keys, worth::<SHA1, SHA256>());
        match group {
            [alone] => out.one(index_of(*alone)),
            _ => out.group(lanes, group, &mut words),
        }
        keys.truncate(keys.len() - group.len());
    }
}
