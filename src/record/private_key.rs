//! A private key met in an export: where, and of which kind. Never its content.

use super::{Lineage, Text};

/// The container that a private key was met in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeyKind {
    /// PKCS#8 `PrivateKeyInfo` (RFC 5208, RFC 5958).
    Pkcs8,
    /// PKCS#8 `EncryptedPrivateKeyInfo`.
    EncryptedPkcs8,
    /// PKCS#1 `RSAPrivateKey` (RFC 8017 A.1.2).
    Pkcs1,
    /// SEC 1 `ECPrivateKey` (RFC 5915).
    Sec1,
    /// The traditional DSA key of OpenSSL.
    Dsa,
    /// Microsoft's PVK file.
    Pvk,
    /// An OpenSSH key file (`openssh-key-v1`).
    OpenSsh,
    /// A key bag of a PKCS#12 file, without encryption.
    Pkcs12KeyBag,
    /// A shrouded key bag of a PKCS#12 file: encrypted, if only with the empty password.
    Pkcs12ShroudedKeyBag,
    /// A PEM block whose label says private key, of a kind not known here.
    Other,
}

impl PrivateKeyKind {
    /// The value as written to findings.
    pub fn as_str(self) -> &'static str {
        match self {
            PrivateKeyKind::Pkcs8 => "pkcs8",
            PrivateKeyKind::EncryptedPkcs8 => "encrypted_pkcs8",
            PrivateKeyKind::Pkcs1 => "pkcs1",
            PrivateKeyKind::Sec1 => "sec1",
            PrivateKeyKind::Dsa => "dsa",
            PrivateKeyKind::Pvk => "pvk",
            PrivateKeyKind::OpenSsh => "openssh",
            PrivateKeyKind::Pkcs12KeyBag => "pkcs12_key_bag",
            PrivateKeyKind::Pkcs12ShroudedKeyBag => "pkcs12_shrouded_key_bag",
            PrivateKeyKind::Other => "other",
        }
    }
}

/// A private key met in an export. Only what is public is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct PrivateKey<'a> {
    /// Where in the source.
    pub lineage: Lineage,
    /// The record's own client field, verbatim.
    pub client: Option<Text<'a>>,
    /// What it stands in.
    pub kind: PrivateKeyKind,
    /// Its content needs a password.
    pub is_encrypted: bool,
    /// `rsa`, `ec` and so on, as in `certificates`.
    pub key_algorithm: Option<Text<'a>>,
    /// Bits of the key.
    pub key_size_bits: Option<i32>,
    /// SHA-256 of the SubjectPublicKeyInfo, where the public key stands beside the private one.
    pub spki_sha256: Option<[u8; 32]>,
}
