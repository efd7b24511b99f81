//! Text output of certutil: stores, provider lists, key lists, cards and requests, one or several one after the other.
//!
//! Read line by line and by shape: every language of Windows translates the labels, and every copy damages them
//! (specification sections 3 to 5). A record names its certificate by SHA-1; certutil prints no certificate. What a block
//! says is kept in `block`, and what follows from it is decided in `emit`.

mod block;
mod collapsed;
mod command;
mod emit;
mod keys;
mod labels;
mod providers;
mod reader;
mod request;
mod shape;
#[cfg(test)]
mod tests;

use memchr::memmem;

use super::text::{self, Encoding};
use super::{Border, Format, Head};
use crate::input::Window;

/// certutil text.
pub static FORMAT: Format = Format {
    name: "certutil_text",
    title: "certutil output",
    usual_names: "*.txt",
    yields: "certificates by hash with provider, container and test of their keys; keys; providers; requests; CRLs and CTLs are skipped by name",
    source: "certutil -store, -verifystore, -repairstore, -exportPFX, -dump, -csplist, -key, -scinfo",
    sniff: is_certutil,
    read: Some(reader::read),
    unpack: None,
    border: Some(Border::Counted(borders)),
};

/// What certutil never translates: property headings, hash tags, provider types, and its banners.
fn is_certutil(head: &Head<'_>) -> bool {
    let text = text::head(head);
    let has = |word: &[u8]| memmem::find(&text, word).is_some();
    if has(b"TemplateProp") || lines(&text).any(is_schema_rule) {
        return false;
    }
    [&b"_PROP_ID("[..], b"\\_PROP\\_ID(", b" - PROV_"].iter().any(|word| has(word))
        || lines(&text).any(|line| has_banner(line) || has_tagged_hash(line) || is_footer(line))
        || lines(&text).map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).is_some_and(is_heading)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The rule under the schema of `certutil -view`, which is another format: four groups of dashes.
fn is_schema_rule(line: &[u8]) -> bool {
    let mut groups = line.trim_ascii().split(|b| *b == b' ').filter(|group| !group.is_empty());
    let is_group = |group: &[u8]| group.len() >= 4 && group.iter().all(|b| *b == b'-');
    groups.clone().count() == 4 && groups.all(is_group)
}

/// The footer of a command whose output is read here.
fn is_footer(line: &[u8]) -> bool {
    let Some(verb) = line.trim_ascii_start().strip_prefix(b"CertUtil: -") else { return false };
    [&b"store"[..], b"verifystore", b"key", b"csplist", b"scinfo", b"dump", b"exportPFX", b"repairstore"]
        .iter()
        .any(|known| verb.starts_with(known))
}

/// The heading of `certutil -key`: a provider's name, alone.
fn is_heading(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|line| keys::Keys::heading(line).is_some())
}

/// `================ WORDS ================`, anywhere in the line: damaged copies lose their line ends.
fn has_banner(line: &[u8]) -> bool {
    const RULE: &[u8] = b"================";
    const LONGEST: usize = 120;
    let Some(rest) = memmem::find(line, RULE).and_then(|at| line.get(at + RULE.len()..)) else { return false };
    let Some(words) = memmem::find(rest, RULE).and_then(|at| rest.get(..at)) else { return false };
    words.len() <= LONGEST && words.first() == Some(&b' ') && words.last() == Some(&b' ')
}

/// `(sha1): HEX` or `(rfc-sha1): HEX`; French puts a blank, or one that does not break, before the colon.
fn has_tagged_hash(line: &[u8]) -> bool {
    let Some(at) = memmem::find(line, b"sha1)") else { return false };
    let rest = &line[at + b"sha1)".len()..];
    let Some(colon) = rest.iter().take(4).position(|b| *b == b':') else { return false };
    rest[colon + 1..].iter().filter(|b| **b != b' ').take(40).filter(|b| b.is_ascii_hexdigit()).count() == 40
}

/// Borders behind footers, about `step` bytes apart. A footer ends everything but the provider list of the client, so
/// nothing is cut behind the first of those. UTF-16 is not cut.
fn borders(window: &mut Window<'_>, step: u64) -> Vec<u64> {
    const FOOTER: &[u8] = b"\nCertUtil: -";
    const LIST: &[u8] = b" - PROV_";
    const PIECE: usize = 64 * 1024;
    const OVERLAP: usize = 4096;
    let (mut borders, mut last) = (Vec::new(), 0);
    if text::detect(window.fill(1024)).0 != Encoding::Utf8 {
        return borders;
    }
    loop {
        let base = window.offset();
        let bytes = window.fill(PIECE + OVERLAP);
        let list = memmem::find(bytes, LIST).unwrap_or(usize::MAX);
        let is_list = list != usize::MAX || memmem::find(bytes, b"Provider Name:").is_some();
        let footers = memmem::find_iter(bytes, FOOTER).filter(|at| *at < PIECE && !is_list);
        for at in footers {
            let Some(end) = memchr::memchr(b'\n', bytes.get(at + 1..).unwrap_or_default()) else { continue };
            let border = base + (at + 1 + end + 1) as u64;
            if border >= last + step {
                borders.push(border);
                last = border;
            }
        }
        let len = bytes.len();
        if is_list || len <= PIECE {
            return borders;
        }
        window.consume(PIECE);
    }
}
