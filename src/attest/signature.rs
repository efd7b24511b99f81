//! Whether a key made a signature. ring computes; here is decided what it may be asked, and what does not count.

use ring::signature::{self as known, UnparsedPublicKey, VerificationAlgorithm};

use super::Why;
use crate::x509::Facts;

/// Bits of RSA keys that count: from what NIST SP 800-131A Revision 2 allows to what ring computes with.
const RSA_BITS: std::ops::RangeInclusive<i32> = 2048..=8192;

/// Hashes that are no proof any more: somebody can make two certificates with one signature (NIST SP 800-131A
/// Revision 2, section 9).
const BROKEN: [&str; 5] = ["sha1", "md5", "md4", "md2", "ripemd160"];

/// A hash of SHA-2 (FIPS 180-4) that signatures are verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash of this name, as in [`Facts`].
    fn named(name: Option<&str>) -> Result<Hash, Why> {
        match name {
            Some("sha256") => Ok(Hash::Sha256),
            Some("sha384") => Ok(Hash::Sha384),
            Some("sha512") => Ok(Hash::Sha512),
            Some(broken) if BROKEN.contains(&broken) => Err(Why::WeakSignature),
            _ => Err(Why::UnsupportedAlgorithm),
        }
    }

    fn octets(self) -> i32 {
        match self {
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }
}

/// How a certificate is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// RSASSA-PKCS1-v1_5, RFC 8017 8.2.
    RsaPkcs1(Hash),
    /// RSASSA-PSS, RFC 8017 8.1; mask by the same hash, and salt as long as it.
    RsaPss(Hash),
    /// ECDSA, RFC 5758 3.2.
    Ecdsa(Hash),
    /// RFC 8410.
    Ed25519,
}

impl Signature {
    /// The signature of the certificate that says this.
    pub fn of(facts: &Facts) -> Result<Signature, Why> {
        let name = facts.signature_algorithm.as_deref().ok_or(Why::Unreadable)?;
        if name == "ed25519" {
            return Ok(Signature::Ed25519);
        }
        let hash = Hash::named(facts.signature_hash.as_deref())?;
        match name {
            "sha256_with_rsa" | "sha384_with_rsa" | "sha512_with_rsa" => Ok(Signature::RsaPkcs1(hash)),
            "ecdsa_with_sha256" | "ecdsa_with_sha384" | "ecdsa_with_sha512" => Ok(Signature::Ecdsa(hash)),
            "rsa_pss" => {
                let is_usual =
                    facts.pss_mgf_hash == facts.signature_hash && facts.pss_salt_length == Some(hash.octets());
                is_usual.then_some(Signature::RsaPss(hash)).ok_or(Why::UnsupportedAlgorithm)
            }
            _ => Err(Why::UnsupportedAlgorithm),
        }
    }
}

/// What kind of key a certificate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Of so many bits.
    Rsa(i32),
    P256,
    P384,
    Ed25519,
    /// One that nothing is verified with.
    Other,
}

impl Key {
    /// The key of the certificate that says this.
    pub fn of(facts: &Facts) -> Key {
        match (facts.key_algorithm.as_deref(), facts.curve.as_deref(), facts.key_size_bits) {
            (Some("rsa"), _, Some(bits)) => Key::Rsa(bits),
            (Some("ec"), Some("p256"), _) => Key::P256,
            (Some("ec"), Some("p384"), _) => Key::P384,
            (Some("ed25519"), ..) => Key::Ed25519,
            _ => Key::Other,
        }
    }

    /// Whether this key, whose bits are `key`, made the signature `bits` of `message`.
    pub fn verify(self, key: &[u8], signature: Signature, message: &[u8], bits: &[u8]) -> Result<(), Why> {
        let algorithm = self.algorithm(signature)?;
        UnparsedPublicKey::new(algorithm, key).verify(message, bits).map_err(|_| Why::BadSignature)
    }

    fn algorithm(self, signature: Signature) -> Result<&'static dyn VerificationAlgorithm, Why> {
        use Hash::{Sha256, Sha384, Sha512};
        use Signature::{Ecdsa, RsaPkcs1, RsaPss};
        if let Key::Rsa(bits) = self
            && !RSA_BITS.contains(&bits)
        {
            return Err(if bits < *RSA_BITS.start() { Why::WeakSignature } else { Why::UnsupportedAlgorithm });
        }
        Ok(match (self, signature) {
            (Key::Rsa(_), RsaPkcs1(Sha256)) => &known::RSA_PKCS1_2048_8192_SHA256,
            (Key::Rsa(_), RsaPkcs1(Sha384)) => &known::RSA_PKCS1_2048_8192_SHA384,
            (Key::Rsa(_), RsaPkcs1(Sha512)) => &known::RSA_PKCS1_2048_8192_SHA512,
            (Key::Rsa(_), RsaPss(Sha256)) => &known::RSA_PSS_2048_8192_SHA256,
            (Key::Rsa(_), RsaPss(Sha384)) => &known::RSA_PSS_2048_8192_SHA384,
            (Key::Rsa(_), RsaPss(Sha512)) => &known::RSA_PSS_2048_8192_SHA512,
            (Key::P256, Ecdsa(Sha256)) => &known::ECDSA_P256_SHA256_ASN1,
            (Key::P256, Ecdsa(Sha384)) => &known::ECDSA_P256_SHA384_ASN1,
            (Key::P384, Ecdsa(Sha256)) => &known::ECDSA_P384_SHA256_ASN1,
            (Key::P384, Ecdsa(Sha384)) => &known::ECDSA_P384_SHA384_ASN1,
            (Key::Ed25519, Signature::Ed25519) => &known::ED25519,
            (_, Ecdsa(Sha512)) | (Key::Other, _) => return Err(Why::UnsupportedAlgorithm),
            // A key of one kind makes no signature of another.
            _ => return Err(Why::BadSignature),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(algorithm: &'static str, hash: Option<&'static str>) -> Facts {
        Facts { signature_algorithm: Some(algorithm.into()), signature_hash: hash.map(Into::into), ..Facts::default() }
    }

    #[test]
    fn hashes_that_are_broken_or_unknown_do_not_count() {
        for (algorithm, hash, expected) in [
            ("sha256_with_rsa", Some("sha256"), Ok(Signature::RsaPkcs1(Hash::Sha256))),
            ("ecdsa_with_sha512", Some("sha512"), Ok(Signature::Ecdsa(Hash::Sha512))),
            ("ed25519", None, Ok(Signature::Ed25519)),
            ("sha1_with_rsa", Some("sha1"), Err(Why::WeakSignature)),
            ("ecdsa_with_sha1", Some("sha1"), Err(Why::WeakSignature)),
            ("md5_with_rsa", Some("md5"), Err(Why::WeakSignature)),
            ("ecdsa_with_specified", Some("sha1"), Err(Why::WeakSignature)),
            ("ecdsa_with_specified", Some("sha256"), Err(Why::UnsupportedAlgorithm)),
            ("sha224_with_rsa", Some("sha224"), Err(Why::UnsupportedAlgorithm)),
            ("dsa_with_sha256", Some("sha256"), Err(Why::UnsupportedAlgorithm)),
            ("ecdsa_plain_sha256", Some("sha256"), Err(Why::UnsupportedAlgorithm)),
            ("ml_dsa_44", None, Err(Why::UnsupportedAlgorithm)),
            ("1.2.3", None, Err(Why::UnsupportedAlgorithm)),
        ] {
            assert_eq!(Signature::of(&facts(algorithm, hash)), expected, "{algorithm}");
        }
        assert_eq!(Signature::of(&Facts::default()), Err(Why::Unreadable));
    }

    #[test]
    fn a_pss_signature_has_one_hash_and_a_salt_of_its_length() {
        let pss = |hash: &'static str, mgf: &'static str, salt| Facts {
            pss_mgf_hash: Some(mgf.into()),
            pss_salt_length: Some(salt),
            ..facts("rsa_pss", Some(hash))
        };
        assert_eq!(Signature::of(&pss("sha384", "sha384", 48)), Ok(Signature::RsaPss(Hash::Sha384)));
        for (hash, mgf, salt, why) in [
            ("sha256", "sha1", 32, Why::UnsupportedAlgorithm),
            ("sha256", "sha256", 20, Why::UnsupportedAlgorithm),
            ("sha1", "sha1", 20, Why::WeakSignature),
        ] {
            assert_eq!(Signature::of(&pss(hash, mgf, salt)), Err(why), "{hash} {mgf} {salt}");
        }
    }

    #[test]
    fn keys_and_signatures_have_to_fit() {
        let why = |key: Key, signature| key.algorithm(signature).err();
        assert_eq!(why(Key::Rsa(2047), Signature::RsaPkcs1(Hash::Sha256)), Some(Why::WeakSignature));
        assert_eq!(why(Key::Rsa(8193), Signature::RsaPkcs1(Hash::Sha256)), Some(Why::UnsupportedAlgorithm));
        assert_eq!(why(Key::Rsa(2048), Signature::RsaPss(Hash::Sha512)), None);
        assert_eq!(why(Key::P256, Signature::RsaPkcs1(Hash::Sha256)), Some(Why::BadSignature));
        assert_eq!(why(Key::Rsa(2048), Signature::Ecdsa(Hash::Sha256)), Some(Why::BadSignature));
        assert_eq!(why(Key::P384, Signature::Ecdsa(Hash::Sha512)), Some(Why::UnsupportedAlgorithm));
        assert_eq!(why(Key::Other, Signature::Ed25519), Some(Why::UnsupportedAlgorithm));
        let of = |algorithm: &'static str, curve: Option<&'static str>| {
            Key::of(&Facts { key_algorithm: Some(algorithm.into()), curve: curve.map(Into::into), ..Facts::default() })
        };
        assert_eq!(of("ec", Some("p384")), Key::P384);
        assert_eq!(
            (of("ec", Some("p521")), of("ec", Some("explicit")), of("rsa", None)),
            (Key::Other, Key::Other, Key::Other)
        );
    }
}
