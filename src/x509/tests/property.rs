//! Whatever the bytes: no panic, bounded problems, and the same answer for the same bytes.

use proptest::prelude::*;

use super::fixtures::fixture;
use crate::x509::{MAX_PROBLEMS, frame_len, parse};

fn check(bytes: &[u8]) {
    let facts = parse(bytes);
    assert_eq!(facts, parse(bytes));
    if let Some(length) = frame_len(bytes) {
        assert!(length <= bytes.len());
        assert_eq!(facts, parse(&bytes[..length]), "bytes behind the frame do not matter");
    }
    if let Ok(facts) = facts {
        assert!(facts.problems.len() <= MAX_PROBLEMS + 1);
        assert!(facts.extension_oids.iter().all(|oid| !oid.is_empty()));
        let texts = [&facts.subject, &facts.subject_cn, &facts.issuer, &facts.serial, &facts.sid, &facts.template_name];
        assert!(texts.into_iter().flatten().all(|text| !text.is_empty()), "unknown is None, never empty");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    vec![fixture!("adcs-user"), fixture!("ca"), fixture!("rsa-pss"), fixture!("ec-explicit"), fixture!("teletex")]
}

/// One change to the bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Delete,
}

fn change() -> impl Strategy<Value = Change> {
    let telling = prop::sample::select(vec![
        0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x17, 0x1e, 0x30, 0x31, 0x7f, 0x80, 0x84, 0xa0, 0xff,
    ]);
    prop_oneof![
        telling.prop_map(Change::Set),
        (0u8..8).prop_map(Change::Flip),
        any::<u8>().prop_map(Change::Insert),
        Just(Change::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_certificates(
        seed in 0usize..5,
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..6),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (place, change) in changes {
            let place = place.index(bytes.len());
            match change {
                Change::Set(value) => bytes[place] = value,
                Change::Flip(bit) => bytes[place] ^= 1 << bit,
                Change::Insert(value) => bytes.insert(place, value),
                Change::Delete => drop(bytes.remove(place)),
            }
        }
        check(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_plausible_start(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
        check(&super::build::seq(&[bytes]));
    }
}

#[test]
fn every_single_byte_changed_and_every_truncation() {
    for seed in seeds() {
        for length in 0..seed.len() {
            assert!(parse(&seed[..length]).is_err());
        }
        for place in 0..seed.len() {
            for value in [0x00, 0x80, 0xff, seed[place] ^ 1] {
                let mut bytes = seed.clone();
                bytes[place] = value;
                check(&bytes);
            }
        }
    }
}
