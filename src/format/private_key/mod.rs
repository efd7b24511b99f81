//! Private keys met in exports: which kind they are of, and what is public about them. Never their content.
//!
//! A key file, a PEM block and a key bag of PKCS#12 all come here. Each key becomes one row of `findings`, with the hash
//! of its public key where that stands beside the private one, so that the certificate it belongs to can be found.
//! Nothing is decrypted, and no public key is computed from a private one.

use super::der::{self, Kind};
use super::{Format, Head, Input, Outcome};
use crate::der::{Items, Tlv, read as read_value, tag};
use crate::record::{Code, Lineage, PrivateKey, PrivateKeyKind, Reject, Sink, Stage};

mod files;
mod public;

pub(crate) use public::Public;

/// Largest key file read. The largest keys in use (post-quantum) have some ten kilobytes.
const MAX_KEY: usize = 1024 * 1024;

/// A key file without the lines of PEM.
pub static FORMAT: Format = Format {
    name: "private_key",
    title: "Private key (DER, PVK)",
    usual_names: "*.key, *.p8, *.pvk, *.der",
    yields: "one finding with the kind of the key and the hash of its public key, never its content",
    source: "RFC 5958, RFC 8017 appendix A.1.2, RFC 5915, PVK, OpenSSH PROTOCOL.key",
    sniff: is_key_head,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_key_head(head: &Head<'_>) -> bool {
    is_key(head.bytes)
}

/// Whether `bytes` begin like a private key.
pub(crate) fn is_key(bytes: &[u8]) -> bool {
    der::kind(bytes) == Some(Kind::PrivateKey) || files::is_pvk(bytes) || files::is_openssh(bytes)
}

/// What is told of a key.
#[derive(Debug, PartialEq)]
pub(crate) struct Described {
    /// What it stands in.
    pub kind: PrivateKeyKind,
    /// Its content needs a password.
    pub is_encrypted: bool,
    /// What is public about it.
    pub public: Public,
}

/// What a block of bytes that should hold a key holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Content {
    /// A private key.
    Key(Described),
    /// The handle of a FIDO security key: the private key stays in the device.
    Handle,
    /// Nothing that is known.
    Other,
}

/// Tells what `bytes` hold; a key that is cut off is [`Content::Other`].
pub(crate) fn describe(bytes: &[u8]) -> Content {
    if files::is_openssh(bytes) {
        return files::openssh(bytes);
    }
    let described = if files::is_pvk(bytes) { files::pvk(bytes) } else { of_der(bytes) };
    described.map_or(Content::Other, Content::Key)
}

/// One whole DER value.
fn of_der(bytes: &[u8]) -> Option<Described> {
    let value = read_value(bytes).filter(|value| value.tag == tag::SEQUENCE)?;
    let mut items = Items::new(value.content);
    let (first, second) = (items.next()?, items.next()?);
    let plain = |kind, public| Some(Described { kind, is_encrypted: false, public });
    match (first.tag, second.tag) {
        // EncryptedPrivateKeyInfo ::= SEQUENCE { AlgorithmIdentifier, OCTET STRING } (RFC 5958 section 3)
        (tag::SEQUENCE, tag::OCTET_STRING) => {
            let kind = PrivateKeyKind::EncryptedPkcs8;
            Some(Described { kind, is_encrypted: true, public: Public::default() })
        }
        (tag::INTEGER, tag::SEQUENCE) => plain(PrivateKeyKind::Pkcs8, public::of_pkcs8(value.content)),
        (tag::INTEGER, tag::OCTET_STRING) => plain(PrivateKeyKind::Sec1, public::of_sec1(value.content)),
        (tag::INTEGER, tag::INTEGER) => {
            let numbers: Vec<Tlv<'_>> = [first, second].into_iter().chain(items).take(10).collect();
            match numbers.iter().filter(|item| item.tag == tag::INTEGER).count() {
                // version, n, e, d, p, q, two exponents, coefficient (RFC 8017 A.1.2)
                9.. => plain(PrivateKeyKind::Pkcs1, public::of_rsa(second.content, numbers.get(2)?.content)),
                // version, p, q, g, public, private: OpenSSL's own
                6 => plain(PrivateKeyKind::Dsa, public::of_dsa(&numbers)?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What is public about a PKCS#8 PrivateKeyInfo, as in a key bag.
pub(crate) fn of_pkcs8(bytes: &[u8]) -> Public {
    match describe(bytes) {
        Content::Key(described) => described.public,
        Content::Handle | Content::Other => Public::default(),
    }
}

/// The row for a key that was described.
pub(crate) fn row(described: Described, lineage: Lineage) -> PrivateKey<'static> {
    let Described { kind, is_encrypted, public } = described;
    PrivateKey {
        lineage,
        client: None,
        kind,
        is_encrypted,
        key_algorithm: public.algorithm,
        key_size_bits: public.bits,
        spki_sha256: public.spki_sha256,
    }
}

/// Pushes the key that `bytes` begin with. `guess` is the kind that something outside, a label, names: a key that
/// cannot be read is told by it, with a doubt.
pub(crate) fn push(bytes: &[u8], guess: PrivateKeyKind, is_encrypted: bool, lineage: Lineage, sink: &mut dyn Sink) {
    match describe(bytes) {
        Content::Key(described) => sink.private_key(&row(described, lineage)),
        Content::Handle => sink.skip("security_key_handle"),
        Content::Other => {
            sink.private_key(&row(Described { kind: guess, is_encrypted, public: Public::default() }, lineage));
            let message = "the key cannot be read as what it is called; its public key is not known";
            sink.reject(Reject::degraded(lineage, Stage::Decode, Code::BadStructure, "private_key", message));
        }
    }
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let lineage = Lineage::at(input.window.offset());
    let bytes = input.window.fill(MAX_KEY + 1);
    if bytes.len() > MAX_KEY {
        let message = "the file is larger than 1 MiB, which no private key is";
        sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
        return Outcome::Failed;
    }
    let is_der = bytes.first() == Some(&tag::SEQUENCE);
    match read_value(bytes).filter(|_| is_der) {
        None if is_der && der::kind(bytes) == Some(Kind::PrivateKey) => {
            // It is still most of a key.
            let public = Public::default();
            let described = Described { kind: PrivateKeyKind::Other, is_encrypted: false, public };
            sink.private_key(&row(described, lineage));
            let message = "the file ends inside the key";
            sink.reject(Reject::degraded(lineage, Stage::Read, Code::Truncated, "private_key", message));
            return Outcome::Incomplete;
        }
        _ if !is_key(bytes) => {
            let message = "the file does not begin like a private key";
            sink.reject(Reject::lost(lineage, Stage::Read, Code::BadStructure, message));
            return Outcome::Failed;
        }
        Some(value) if value.total < bytes.len() => {
            let at = Lineage::at(lineage.byte_offset + value.total as u64);
            sink.reject(super::trailing_bytes(at, (bytes.len() - value.total) as u64));
        }
        _ => {}
    }
    let guess = match (files::is_pvk(bytes), files::is_openssh(bytes)) {
        (true, _) => PrivateKeyKind::Pvk,
        (_, true) => PrivateKeyKind::OpenSsh,
        _ => PrivateKeyKind::Other,
    };
    push(bytes, guess, false, lineage, sink);
    Outcome::Complete
}

#[cfg(test)]
mod tests;
