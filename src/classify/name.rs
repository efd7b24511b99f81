//! Provider names made comparable.
//!
//! Windows does not translate provider names, but exports, articles and hand-made lists change their letter
//! case, spaces and trade-mark signs. Both sides of every comparison go through [`normalise`].

use unicode_normalization::UnicodeNormalization;

/// Signs of trade marks and copyright, dropped before NFKC, which would turn one of them into letters.
const SIGNS: [char; 3] = ['\u{ae}', '\u{2122}', '\u{a9}'];
/// The same signs spelled with letters, folded. NFKC also makes these from the parenthesised letters.
const SPELLED: [&str; 3] = ["(r)", "(tm)", "(c)"];
/// Longest `ALGORITHM#` prefix that is cut, in characters; the longest CNG algorithm name has fewer.
const MAX_ALGORITHM: usize = 64;

/// The comparable form of a provider name: NFKC, without trade-mark signs, single spaces, trimmed, lower case,
/// and without the algorithm and number sign that CA set-up writes before the name.
pub fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !SIGNS.contains(c)).nfkc().flat_map(char::to_lowercase) {
        if c.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
            continue;
        }
        out.push(c);
        if c == ')'
            && let Some(sign) = SPELLED.into_iter().find(|sign| out.ends_with(sign))
        {
            out.truncate(out.len() - sign.len());
        }
    }
    out.truncate(out.trim_end().len());
    if let Some(start) = algorithm_prefix(&out) {
        out.drain(..start);
    }
    out
}

/// Where the name begins after an `ALGORITHM#` prefix.
fn algorithm_prefix(name: &str) -> Option<usize> {
    let (algorithm, rest) = name.split_once('#')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    let is_algorithm = !algorithm.is_empty() && algorithm.len() <= MAX_ALGORITHM && algorithm.chars().all(plain);
    let rest = rest.trim_start();
    (is_algorithm && !rest.is_empty()).then(|| name.len() - rest.len())
}

/// Whether a normalised name names nothing. `(null)` is how the C library prints a missing string.
pub fn is_blank(normalised: &str) -> bool {
    normalised.is_empty() || normalised == "(null)"
}

/// Whether normalisation can do no more to this name than fold its ASCII letters. False says nothing.
///
/// Runs over a client's whole registry for every record: one pass, no branch inside.
pub fn is_plain(name: &str) -> bool {
    let (mut odd, mut before) = (false, b' ');
    for &b in name.as_bytes() {
        odd |= !(b' '..0x80).contains(&b) | (b == b'(') | (b == b'#') | ((b == b' ') & (before == b' '));
        before = b;
    }
    !odd && before != b' '
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spelling_variants_become_equal() {
        let same = "luna cryptographic services for microsoft windows";
        for variant in [
            "Luna Cryptographic Services for Microsoft Windows",
            "  LUNA  Cryptographic\tServices for Microsoft\u{a0}Windows\r\n",
            "Luna\u{ae} Cryptographic Services for Microsoft\u{2122} Windows\u{a9}",
            "Luna(R) Cryptographic Services for Microsoft(TM) Windows (c)",
            "Luna \u{24ad} Cryptographic Services for Microsoft \u{ff08}TM\u{ff09} Windows",
            "RSA#Luna Cryptographic Services for Microsoft Windows",
            "ECDSA_P256# Luna Cryptographic Services for Microsoft Windows",
        ] {
            assert_eq!(normalise(variant), same, "{variant:?}");
        }
    }

    #[test]
    fn only_an_algorithm_is_cut() {
        assert_eq!(normalise("RSA#"), "rsa#");
        assert_eq!(normalise("#Provider"), "#provider");
        assert_eq!(normalise("My own#Provider"), "my own#provider");
        assert_eq!(normalise("a#b#c"), "b#c");
    }

    #[test]
    fn nothing_is_blank_but_nothing() {
        for blank in ["", " ", "\u{a0}", "(null)", " (NULL) ", "\u{2122}", "(R)"] {
            assert!(is_blank(&normalise(blank)), "{blank:?}");
        }
        assert!(!is_blank(&normalise("null")) && !is_blank(&normalise("(null) CSP")));
    }

    proptest! {
        #[test]
        fn a_plain_name_only_changes_case(name in "[ -~]{0,40}") {
            if is_plain(&name) {
                prop_assert_eq!(normalise(&name), name.to_ascii_lowercase());
            }
        }

        #[test]
        fn any_text_normalises_without_panic(name in "\\PC{0,60}|[(RTMC)# \u{ae}\u{2122}\u{a0}]{0,60}") {
            let once = normalise(&name);
            prop_assert!(!once.contains("  ") && once.trim() == once);
        }

        #[test]
        fn signs_are_dropped_wholly(name in "[(rtmc) ab\u{ae}\u{2122}]{0,40}") {
            let once = normalise(&name);
            prop_assert!(SPELLED.iter().all(|sign| !once.contains(sign)), "{:?}", once);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
