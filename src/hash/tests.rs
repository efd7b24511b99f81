//! Both ways against published digests and against each other.

use proptest::prelude::*;

use super::*;
use crate::hex;

/// Bytes that differ from place to place and from message to message.
fn message(number: usize, len: usize) -> Vec<u8> {
    (0..len).map(|place| (place * 31 + number * 97 + (place >> 8) * 7) as u8).collect()
}

/// What the crates say, one message at a time and without any of this module.
fn expected<'a>(messages: impl IntoIterator<Item = &'a [u8]>) -> (Vec<[u8; 20]>, Vec<[u8; 32]>) {
    messages
        .into_iter()
        .map(|message| (<[u8; 20]>::from(Sha1::digest(message)), <[u8; 32]>::from(Sha256::digest(message))))
        .unzip()
}

/// Every function, by lanes where there are any and without them, gives what the crates give.
fn check(messages: &[&[u8]]) {
    let (want1, want256) = expected(messages.iter().copied());
    // What the lists held before must be gone.
    let (mut sha1, mut sha256) = (vec![[1; 20]; 3], vec![[1; 32]; 300]);
    for lanes in [Lanes::detect(), None] {
        each::<true, true>(lanes, messages, &mut sha1, &mut sha256);
        assert!(sha1 == want1 && sha256 == want256, "both, {lanes:?}");
        each::<true, false>(lanes, messages, &mut sha1, &mut sha256);
        assert!(sha1 == want1 && sha256.is_empty(), "SHA-1 alone, {lanes:?}");
        each::<false, true>(lanes, messages, &mut sha1, &mut sha256);
        assert!(sha1.is_empty() && sha256 == want256, "SHA-256 alone, {lanes:?}");
    }
    sha1_each(messages, &mut sha1);
    sha256_each(messages, &mut sha256);
    assert!(sha1 == want1 && sha256 == want256, "each by itself");
    both_each(messages, &mut sha1, &mut sha256);
    assert!(sha1 == want1 && sha256 == want256, "both at once");
}

/// The same through the lanes alone, whatever a group is worth. Nothing where there are none.
fn check_group(group: &[&[u8]]) {
    let Some(lanes) = Lanes::detect() else { return };
    let indices: Vec<u64> = (0..group.len() as u64).rev().collect();
    let (mut sha1, mut sha256) = (vec![[0; 20]; group.len()], vec![[0; 32]; group.len()]);
    let mut out = Out::<true, true> { messages: group, sha1: &mut sha1, sha256: &mut sha256 };
    out.group(lanes, &indices, &mut Words::default());
    assert_eq!((sha1, sha256), expected(group.iter().copied()));
}

#[test]
#[expect(clippy::print_stdout, reason = "half a test says so")]
fn a_processor_without_lanes_is_named() {
    if Lanes::detect().is_none() {
        println!("no AVX-512 here: the tests of hash have seen the crates only");
    }
}

/// The examples that NIST publishes for FIPS 180 (one block, two, a million times one letter), and the empty message.
#[test]
fn published_digests() {
    let million = vec![b'a'; 1_000_000];
    let known: [(&[u8], &str, &str); 5] = [
        (
            b"",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            b"abc",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "a49b2446a02c645bf419f995b67091253a04a259",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
        (
            &million,
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
    ];
    let (mut sha1, mut sha256) = (Vec::new(), Vec::new());
    // Once alone, which is the crates' way, and often enough for groups.
    for times in [1, LANES] {
        let repeated: Vec<_> = known.iter().flat_map(|one| std::iter::repeat_n(one, times)).collect();
        let messages: Vec<&[u8]> = repeated.iter().map(|one| one.0).collect();
        both_each(&messages, &mut sha1, &mut sha256);
        for ((one, sha1), sha256) in repeated.iter().zip(&sha1).zip(&sha256) {
            assert_eq!((hex::text(sha1), hex::text(sha256)), (one.1.to_owned(), one.2.to_owned()));
        }
        if times == 1 {
            check(&messages);
        }
    }
    // The lanes by themselves, whatever the group is worth.
    check_group(&[known[0].0, known[1].0, known[2].0, known[3].0, &million[..LONGEST + 1]]);
}

#[test]
fn nothing_and_hardly_anything() {
    check(&[]);
    check(&[b""]);
    check(&[b"", b"a"]);
    check(&[b"".as_slice(); 40]);
}

#[test]
fn every_length_in_mixed_orders() {
    let all: Vec<Vec<u8>> = (0..=400).map(|len| message(len, len)).collect();
    let up: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let down: Vec<&[u8]> = up.iter().rev().copied().collect();
    // 401 is prime, so each stride visits every length once.
    let strides = [61, 263].map(|stride| (0..up.len()).map(|i| up[i * stride % 401]).collect::<Vec<_>>());
    for order in strides.iter().chain([&up, &down]) {
        check(order);
        for size in [7, 16, 31] {
            order.chunks(size).for_each(check);
        }
    }
}

/// Groups of every size, around each length at which padding takes another block.
#[test]
fn groups_where_padding_changes() {
    let lens = [0, 1, 54, 55, 56, 57, 62, 63, 64, 65, 118, 119, 120, 127, 128, 129];
    for size in 0..=LANES {
        for first in 0..lens.len() {
            let all: Vec<_> = (0..size).map(|i| message(i + first, lens[(first + i) % lens.len()])).collect();
            let group: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
            check_group(&group);
            let alike = vec![group.first().copied().unwrap_or_default(); size];
            check_group(&alike);
        }
    }
}

/// Long messages go alone, and neither they nor short ones keep the rest from their group.
#[test]
fn long_and_unequal_messages() {
    let around: Vec<_> = (0..20).map(|i| message(i, LONGEST - 10 + i)).collect();
    let huge = message(1, 3 << 20);
    let short: Vec<_> = (0..50).map(|i| message(i, i * 3)).collect();
    let usual: Vec<_> = (0..50).map(|i| message(i, 1_000 + i * 28)).collect();
    let mut mixed: Vec<&[u8]> = vec![&huge];
    for i in 0..50 {
        mixed.extend([&short[i][..], &usual[i]]);
        mixed.extend(around.get(i).map(Vec::as_slice));
    }
    check(&mixed);
    check(&[&[&huge[..]], &mixed[..7]].concat());
    // Lengths that fall by half: no group is worth it until the last blocks.
    let halves: Vec<&[u8]> = (0..22).map(|i| &huge[..huge.len() >> i]).collect();
    check(&halves);
}

#[test]
fn blocks_hold_message_and_padding() {
    let edges = [(0, 1), (55, 1), (56, 2), (63, 2), (64, 2), (119, 2), (120, 3), (LONGEST, 1025)];
    for (len, wanted) in edges {
        assert_eq!(blocks(len), wanted, "{len}");
    }
    assert_eq!((index_of(key(77, &[0; 120])), blocks_of(key(77, &[0; 120]))), (77, 3));
}

/// What a batch of certificates is: all of it in groups. And the two reasons to go alone.
#[test]
fn groups_are_those_that_are_worth_it() {
    let sizes = |lens: &[usize], worth: usize| -> Vec<usize> {
        let zeros = vec![0; LONGEST];
        let mut keys: Vec<u64> = lens.iter().enumerate().map(|(index, len)| key(index, &zeros[..*len])).collect();
        keys.sort_unstable();
        let mut sizes = Vec::new();
        while !keys.is_empty() {
            let size = next(&keys, worth).len();
            sizes.push(size);
            keys.truncate(keys.len() - size);
        }
        sizes
    };
    let certificates: Vec<usize> = (0..128).map(|i| 1_000 + i * 53 % 128 * 11).collect();
    assert_eq!(sizes(&certificates, 7), [16; 8]);
    // Seven of a length are worth it, six are not.
    assert_eq!(sizes(&[300; 23], 7), [16, 7]);
    assert_eq!(sizes(&[300; 22], 7), [16, 1, 1, 1, 1, 1, 1]);
    // A long one among short ones.
    assert_eq!(sizes(&[100, 100, 100, 100, 9_000, 100, 100, 100], 7), [1, 7]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_batch_gets_the_digests_of_the_crates(
        messages in prop_oneof![
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..80),
            prop::collection::vec(prop::collection::vec(any::<u8>(), 900..2_500), 0..40),
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4_000), 0..40),
        ]
    ) {
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        check(&messages);
        messages.chunks(LANES).for_each(check_group);
    }
}
