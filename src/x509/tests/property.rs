//! Whatever the bytes: no panic, bounded problems, and the same answer for the same bytes.

use proptest::prelude::*;

use super::change::{change, changed};
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_certificates(
        seed in 0usize..5,
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..6),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        changed(&mut bytes, &changes);
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
