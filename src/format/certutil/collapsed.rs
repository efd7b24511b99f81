//! Text whose line ends became blanks (specification section 3): where its lines began.
//!
//! Cut at banners, at labels and sentences that are known in any language, after a hash, and before the header of a store.

use super::labels::{self, Words};
use super::shape;

/// Shorter lines are whole lines.
const SHORTEST: usize = 120;
/// A rule of a banner.
const OPENING: &str = "================ ";
const CLOSING: &str = "---------------- ";
/// Most words of a banner, in bytes.
const LONGEST_BANNER: usize = 120;

/// Labels that stand before a colon.
const LABELS: [Words; 9] = [
    labels::SERIAL,
    labels::ISSUER,
    labels::SUBJECT,
    labels::NOT_BEFORE,
    labels::NOT_AFTER,
    labels::UNIQUE_NAME,
    labels::SIMPLE_NAME,
    labels::TEMPLATE,
    labels::HASH,
];
/// Labels that stand before an equals sign.
const NAMES: [Words; 5] = [labels::CONTAINER, labels::PROVIDER, labels::PROVIDER_TYPE, labels::FLAGS, labels::KEY_SPEC];
/// Whole lines.
const SENTENCES: [Words; 7] = [
    labels::PASSED,
    labels::NOT_EXPORTABLE,
    labels::NOT_PLAIN,
    labels::NO_PROPERTY,
    labels::NO_KEY,
    labels::MISSING,
    labels::REMARKS,
];

/// The line holds several: a banner with something after it or before, or a hash with something after it.
pub(super) fn is_collapsed(text: &str) -> bool {
    if text.len() < SHORTEST {
        return false;
    }
    let has_banner = memchr::memmem::find(text.as_bytes(), OPENING.as_bytes())
        .is_some_and(|at| at > 0 || banner_end(text).is_some_and(|end| end < text.len()));
    has_banner
        || memchr::memmem::find(text.as_bytes(), b"(sha1)").is_some_and(|at| {
            let rest = text.get(at..).unwrap_or_default();
            after_hash(rest).is_some_and(|end| end < rest.len())
        })
}

/// The lines of a collapsed line: their places in it, one after the other.
pub(super) struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Lines { text, at: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let (start, rest) = (self.at, self.text.get(self.at..).filter(|rest| !rest.is_empty())?);
        let end = match whole_line(rest) {
            Some(end) => end,
            None => next_start(rest),
        };
        self.at = start + end.max(1);
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        Some((start, self.at))
    }
}

/// Length of the line at the beginning of the text, where its own shape tells it.
fn whole_line(text: &str) -> Option<usize> {
    let blanks = text.len() - text.trim_start().len();
    let line = text.get(blanks..)?;
    let sentence = || SENTENCES.iter().flat_map(|words| words.iter()).filter(|word| line.starts_with(**word));
    let end = banner_end(line).or_else(|| sentence().map(|word| word.len()).max()).or_else(|| {
        let is_hash = line.find("(sha1)").is_some_and(|at| at < 40 && !line[..at].contains(':'));
        if is_hash { after_hash(line) } else { None }
    })?;
    Some(blanks + end)
}

/// Length of the banner at the beginning.
fn banner_end(text: &str) -> Option<usize> {
    let (mark, rule) = match () {
        () if text.starts_with(OPENING) => (b'=', OPENING.trim_end()),
        () if text.starts_with(CLOSING) => (b'-', CLOSING.trim_end()),
        () => return None,
    };
    let words = text.as_bytes().iter().position(|b| *b != mark)?;
    let second = words + memchr::memmem::find(text.as_bytes().get(words..)?, rule.as_bytes())?;
    let rest = text.as_bytes().get(second..)?;
    let end = second + rest.iter().take_while(|b| **b == mark).count();
    (second - words <= LONGEST_BANNER).then_some(end)
}

/// Length up to the end of the hash after `(sha1)`: forty digits, with blanks between or without.
fn after_hash(text: &str) -> Option<usize> {
    let tag = memchr::memmem::find(text.as_bytes(), b"(sha1)")? + b"(sha1)".len();
    let mut digits = 0;
    for (at, byte) in text.bytes().enumerate().skip(tag) {
        match byte {
            _ if digits == 40 => return Some(at),
            byte if byte.is_ascii_hexdigit() => digits += 1,
            b' ' | b':' | 0x80.. => {}
            _ => return None,
        }
    }
    (digits == 40).then_some(text.len())
}

/// Where the next line begins: after the beginning of the text, or at its end.
fn next_start(text: &str) -> usize {
    let first = text.len() - text.trim_start().len();
    let blanks = memchr::memchr_iter(b' ', text.as_bytes()).map(|at| at + 1).filter(|at| *at > first);
    for at in blanks {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(OPENING) {
            return before_header(text, at);
        }
        if is_start(rest) {
            return at;
        }
    }
    text.len()
}

fn is_start(text: &str) -> bool {
    let marked = |words: &[Words], mark: char| {
        words.iter().flat_map(|words| words.iter()).any(|word| {
            let rest = text.strip_prefix(*word).map(|rest| rest.trim_start_matches([' ', '\u{a0}', '\u{fffd}']));
            rest.is_some_and(|rest| rest.starts_with(mark) || (mark == ':' && rest.starts_with("(sha1)")))
        })
    };
    // A hash in any language: at least the last word of its label.
    let word = text.split(' ').next().unwrap_or_default();
    let is_hash = || word.contains("(sha1)") && after_hash(text).is_some();
    text.starts_with(CLOSING)
        || is_hash()
        || text.starts_with("CertUtil: -")
        || (text.starts_with("CERT_")
            && shape::property(
                text.split_once(": ").map_or(text, |(head, _)| text.get(..head.len() + 1).unwrap_or(head)),
            )
            .is_some())
        || SENTENCES.iter().flat_map(|words| words.iter()).any(|word| text.starts_with(*word))
        || marked(&LABELS, ':')
        || marked(&NAMES, '=')
}

/// The header of a store before the banner at `at`, `My "Personal"`, begins a line of its own.
fn before_header(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default().trim_end();
    let quote = |before: &str| ["\"", "&quot;"].into_iter().find(|mark| before.ends_with(mark));
    let Some(mark) = quote(before) else { return at };
    let inside = &before[..before.len() - mark.len()];
    let Some(open) = inside.rfind(mark) else { return at };
    let name = inside[..open].trim_end();
    let start = name.rfind(' ').map_or(0, |blank| blank + 1);
    // A header at the beginning is the line itself.
    let is_first = text.get(..start).is_none_or(|before| before.trim().is_empty());
    if name.is_empty() || is_first { at } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<&str> {
        assert!(is_collapsed(text), "{text}");
        Lines::of(text).map(|(start, end)| text[start..end].trim()).filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn lines_are_found_again() {
        let whole = [
            "================ Certificate 3 ================",
            "Serial Number: 00ab12cd",
            "Issuer: CN=Fabrikam CA, O=Fabrikam",
            "NotBefore: 1/2/2026 9:00 AM",
            "NotAfter: 1/2/2027 9:00 AM",
            "Subject: CN=web.fabrikam.test",
            "Signature matches Public Key",
            "Root Certificate: Subject matches Issuer",
            "Cert Hash(sha1): 000102030405060708090a0b0c0d0e0f10111213",
            "Key Container = te-Web 1",
            "Unique container name: 00112233445566778899aabbccddeeff\\_00112233-4455-6677-8899-aabbccddeeff",
            "Provider = Microsoft Software Key Storage Provider",
            "Private key is NOT plain text exportable",
            "Encryption test passed",
            "My \"Personal\"",
            "================ Certificate 0 ================",
            "Serial Number: 00ab12ce",
            "CertUtil: -store command completed successfully.",
        ];
        assert_eq!(lines(&whole.join(" ")), whole);
    }

    #[test]
    fn a_hash_ends_its_line_in_any_language() {
        let hash = "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13";
        let text = format!(
            "{} ================ Certyfikat 0 ================ Odcisk(sha1): {hash} Klucz = te-Web",
            "x".repeat(100)
        );
        assert_eq!(lines(&text)[2..], [format!("Odcisk(sha1): {hash}"), "Klucz = te-Web".to_owned()]);
    }
}
