//! The short way through certificates says what the long way says: inputs as the fuzz target takes them, made here
//! by a fixed rule, so that every run checks the same ones.

#[path = "support/certificates.rs"]
mod certificates;

/// Changes tried on each seed's number.
const CHANGES: u64 = 40;

#[test]
fn short_and_long_way_agree_on_changed_certificates() {
    let mut state = 1u64;
    // Knuth's multiplier; what matters is that the bytes vary.
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    let (mut answers, mut changed) = (0, 0);
    for seed in 0..60 {
        answers += certificates::check(&[seed]);
        for _ in 0..CHANGES {
            let changes = 1 + usize::from(next() % 3);
            let input: Vec<u8> = std::iter::once(seed).chain((0..5 * changes).map(|_| next())).collect();
            changed += certificates::check(&input);
        }
    }
    // Three answers to an unchanged certificate of a known profile; changes leave enough that are answered.
    assert!(answers > 2 * 60, "{answers} answers");
    assert!(changed > 60 * CHANGES as usize / 4, "{changed} answers after changes");
}

#[test]
fn what_is_no_certificate_is_one_in_neither_way() {
    for input in [&[][..], &[255], &[255, 0x30, 0x80], &[240, 0x30, 3, 2, 1, 0]] {
        assert_eq!(certificates::check(input), 0);
    }
}
