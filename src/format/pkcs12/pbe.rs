//! Passwords to plain text: the checks and ciphers that PKCS#12 files use for their certificates.
//!
//! PBES2 and PBMAC1 (RFC 8018, RFC 9579), and the older schemes of RFC 7292 appendices B and C. Private keys are never
//! decrypted. A file says itself how often a password is hashed, so all work on one file has one limit ([`Budget`]).

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit};
use des::{TdesEde2, TdesEde3};
use hmac::{Hmac, Mac};
use pbkdf2::pbkdf2_hmac;
use rc2::Rc2;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::der::{Items, Tlv, tag};

/// Rounds of hashing spent on one file, all its passwords together: a second or two. Windows and OpenSSL ask for some
/// thousand rounds a password, cautious settings for half a million.
const MAX_ROUNDS: u64 = 10_000_000;
/// Longest salt believed. Real ones have 8 to 32 bytes.
const MAX_SALT: usize = 1024;

/// 1.2.840.113549.1.12.1, the schemes of RFC 7292 appendix C, by their last arc.
const PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// 1.2.840.113549.1.5, PKCS#5 (RFC 8018 appendix C), by the last arc.
const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
const PBKDF2: u8 = 12;
const PBES2: u8 = 13;
const PBMAC1: u8 = 14;
/// 1.2.840.113549.2, HMACs by their last arc (RFC 8018 B.1.2).
const HMACS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// 1.3.14.3.2.26, SHA-1.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// 2.16.840.1.101.3.4.2, SHA-2 by the last arc.
const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
/// 2.16.840.1.101.3.4.1, AES by the last arc.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
/// 1.2.840.113549.3.7, 3DES in CBC mode.
const DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];

/// What one try costs is more than what is left for this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooDear;

/// Rounds of hashing left for a file.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    pub(super) fn new() -> Self {
        Budget { left: MAX_ROUNDS }
    }

    fn spend(&mut self, rounds: u32, blocks: usize) -> Result<(), TooDear> {
        self.left =
            u64::from(rounds).checked_mul(blocks as u64).and_then(|n| self.left.checked_sub(n)).ok_or(TooDear)?;
        Ok(())
    }

    /// Takes what it costs to hash or decrypt these bytes, by blocks as a round hashes them.
    fn spend_on(&mut self, bytes: &[u8]) -> Result<(), TooDear> {
        const BLOCK: usize = 64;
        self.spend(1, bytes.len().div_ceil(BLOCK))
    }
}

/// A password in the two spellings that the schemes want.
pub(super) struct Secret {
    /// UTF-8, for PBKDF2.
    plain: Zeroizing<Vec<u8>>,
    /// UTF-16 big-endian with a NUL (RFC 7292 B.1).
    wide: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// No password at all, which the older schemes tell from the empty one.
    pub(super) fn none() -> Self {
        Secret { plain: Zeroizing::default(), wide: Zeroizing::default() }
    }

    /// No password, or the empty one.
    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    pub(super) fn new(password: &str) -> Self {
        let mut wide = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
        for unit in password.encode_utf16().chain([0]) {
            wide.extend_from_slice(&unit.to_be_bytes());
        }
        Secret { plain: Zeroizing::new(password.as_bytes().to_vec()), wide }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// Runs `$body` with `$D` as the hash's type.
macro_rules! with_hash {
    ($hash:expr, $D:ident => $body:expr) => {
        match $hash {
            Hash::Sha1 => {
                type $D = Sha1;
                $body
            }
            Hash::Sha256 => {
                type $D = Sha256;
                $body
            }
            Hash::Sha384 => {
                type $D = Sha384;
                $body
            }
            Hash::Sha512 => {
                type $D = Sha512;
                $body
            }
        }
    };
}

impl Hash {
    /// By the OID of the hash itself.
    fn of_digest(oid: &[u8]) -> Option<Hash> {
        match (oid, oid.strip_prefix(SHA2)) {
            (SHA1, _) => Some(Hash::Sha1),
            (_, Some([1])) => Some(Hash::Sha256),
            (_, Some([2])) => Some(Hash::Sha384),
            (_, Some([3])) => Some(Hash::Sha512),
            _ => None,
        }
    }

    /// By the OID of an HMAC over it.
    fn of_hmac(oid: &[u8]) -> Option<Hash> {
        match oid.strip_prefix(HMACS)? {
            [7] => Some(Hash::Sha1),
            [9] => Some(Hash::Sha256),
            [10] => Some(Hash::Sha384),
            [11] => Some(Hash::Sha512),
            _ => None,
        }
    }

    /// Length of a digest.
    fn len(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// Length of the blocks that it works on.
    fn block(self) -> usize {
        match self {
            Hash::Sha1 | Hash::Sha256 => 64,
            Hash::Sha384 | Hash::Sha512 => 128,
        }
    }

    fn is_mac(self, key: &[u8], data: &[u8], expected: &[u8]) -> bool {
        with_hash!(self, D => {
            let Ok(mac) = <Hmac<D> as KeyInit>::new_from_slice(key) else { return false };
            mac.chain_update(data).verify_slice(expected).is_ok()
        })
    }
}

/// How a password becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kdf<'a> {
    hash: Hash,
    salt: &'a [u8],
    rounds: u32,
}

impl Kdf<'_> {
    /// RFC 7292 appendix B.2; `purpose` is 1 for a key, 2 for an initialisation vector, 3 for a MAC key.
    fn pkcs12(&self, purpose: u8, secret: &Secret, len: usize, budget: &mut Budget) -> Made {
        budget.spend(self.rounds, len.div_ceil(self.hash.len()))?;
        Ok(with_hash!(self.hash, D => self.pkcs12_with::<D>(purpose, secret, len)))
    }

    fn pkcs12_with<D: Digest>(&self, purpose: u8, secret: &Secret, len: usize) -> Zeroizing<Vec<u8>> {
        let block = self.hash.block();
        let filled = |bytes: &[u8]| -> Zeroizing<Vec<u8>> {
            let len = bytes.len().div_ceil(block) * block;
            Zeroizing::new(bytes.iter().copied().cycle().take(len).collect())
        };
        let (salt, password) = (filled(self.salt), filled(&secret.wide));
        let mut input = Zeroizing::new([&salt[..], &password[..]].concat());
        let mut out = Zeroizing::new(Vec::with_capacity(len + self.hash.len()));
        while out.len() < len {
            let mut digest = D::new().chain_update(vec![purpose; block]).chain_update(&input[..]).finalize();
            for _ in 1..self.rounds {
                digest = D::digest(&digest);
            }
            out.extend_from_slice(&digest);
            // Every block of the input, as a number, grows by the digest (repeated to a block) and one.
            for part in input.chunks_mut(block) {
                let mut carry = 1u16;
                for (at, byte) in part.iter_mut().enumerate().rev() {
                    carry +=
                        u16::from(*byte) + u16::from(digest.get(at % self.hash.len()).copied().unwrap_or_default());
                    *byte = carry as u8;
                    carry >>= 8;
                }
            }
        }
        out.truncate(len);
        out
    }

    /// RFC 8018 section 5.2.
    fn pbkdf2(&self, secret: &Secret, len: usize, budget: &mut Budget) -> Made {
        budget.spend(self.rounds, len.div_ceil(self.hash.len()))?;
        let mut out = Zeroizing::new(vec![0; len]);
        with_hash!(self.hash, D => pbkdf2_hmac::<D>(&secret.plain, self.salt, self.rounds, &mut out));
        Ok(out)
    }
}

/// Key material, or why there is none.
type Made = Result<Zeroizing<Vec<u8>>, TooDear>;

/// Digits of an unsigned INTEGER that fits, and is not 0.
fn positive(content: &[u8]) -> Option<u32> {
    let zeros = content.iter().take_while(|digit| **digit == 0).count();
    let digits = content.get(zeros..).filter(|digits| (1..=4).contains(&digits.len()))?;
    (content.first()? & 0x80 == 0).then(|| digits.iter().fold(0, |n, digit| n << 8 | u32::from(*digit)))
}

/// OID and parameters of an AlgorithmIdentifier.
fn algorithm<'a>(items: &mut Items<'a>) -> Option<(&'a [u8], Option<Tlv<'a>>)> {
    let mut parts = Items::new(items.next_if(tag::SEQUENCE)?.content);
    Some((parts.next_if(tag::OID)?.content, parts.next()))
}

fn salt<'a>(items: &mut Items<'a>) -> Option<&'a [u8]> {
    Some(items.next_if(tag::OCTET_STRING)?.content).filter(|salt| salt.len() <= MAX_SALT)
}

/// PBKDF2-params (RFC 8018 A.2) and the key length they name, from an AlgorithmIdentifier.
fn pbkdf2_parameters<'a>(items: &mut Items<'a>) -> Option<(Kdf<'a>, Option<u32>)> {
    let (oid, parameters) = algorithm(items)?;
    if oid.strip_prefix(PKCS5)? != [PBKDF2] {
        return None;
    }
    let mut parts = Items::new(parameters.filter(|p| p.tag == tag::SEQUENCE)?.content);
    let salt = salt(&mut parts)?;
    let rounds = positive(parts.next_if(tag::INTEGER)?.content)?;
    let len = match parts.next_if(tag::INTEGER) {
        Some(len) => Some(positive(len.content)?),
        None => None,
    };
    let hash = if parts.rest().is_empty() { Hash::Sha1 } else { Hash::of_hmac(algorithm(&mut parts)?.0)? };
    Some((Kdf { hash, salt, rounds }, len))
}

/// The check that a file carries of its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Check<'a> {
    kdf: Kdf<'a>,
    /// PBMAC1: hash of the MAC and length of its key.
    pbmac1: Option<(Hash, usize)>,
    expected: &'a [u8],
}

impl<'a> Check<'a> {
    /// From the content of MacData (RFC 7292 section 4); `None` for algorithms that are not known here.
    pub(super) fn parse(content: &'a [u8]) -> Option<Self> {
        let mut items = Items::new(content);
        let mut digest = Items::new(items.next_if(tag::SEQUENCE)?.content);
        let (oid, parameters) = algorithm(&mut digest)?;
        let expected = digest.next_if(tag::OCTET_STRING)?.content;
        if oid.strip_prefix(PKCS5) == Some(&[PBMAC1]) {
            // RFC 9579 section 4: the salt and rounds outside are ignored, and the key length is there.
            let mut parts = Items::new(parameters.filter(|p| p.tag == tag::SEQUENCE)?.content);
            let (kdf, len) = pbkdf2_parameters(&mut parts)?;
            let hash = Hash::of_hmac(algorithm(&mut parts)?.0)?;
            let len = usize::try_from(len?).ok().filter(|len| *len <= hash.block())?;
            return Some(Check { kdf, pbmac1: Some((hash, len)), expected });
        }
        let hash = Hash::of_digest(oid)?;
        let salt = salt(&mut items)?;
        let rounds = items.next_if(tag::INTEGER).map_or(Some(1), |rounds| positive(rounds.content))?;
        Some(Check { kdf: Kdf { hash, salt, rounds }, pbmac1: None, expected })
    }

    /// Whether this password fits `data`, the content of the authenticated safe.
    pub(super) fn fits(&self, secret: &Secret, data: &[u8], budget: &mut Budget) -> Result<bool, TooDear> {
        const MAC_KEY: u8 = 3;
        budget.spend_on(data)?;
        let (hash, key) = match self.pbmac1 {
            Some((hash, len)) => (hash, self.kdf.pbkdf2(secret, len, budget)?),
            None => (self.kdf.hash, self.kdf.pkcs12(MAC_KEY, secret, self.kdf.hash.len(), budget)?),
        };
        Ok(hash.is_mac(&key, data, self.expected))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    TwoKeyTripleDes,
    /// With this many bits of key.
    Rc2(usize),
}

impl Cipher {
    fn key_len(self) -> usize {
        match self {
            Cipher::Aes128 | Cipher::TwoKeyTripleDes => 16,
            Cipher::Aes192 | Cipher::TripleDes => 24,
            Cipher::Aes256 => 32,
            Cipher::Rc2(bits) => bits / 8,
        }
    }

    /// Plain text in CBC mode with PKCS#7 padding; `None` where the padding is wrong.
    fn decrypt(self, key: &[u8], iv: &[u8], text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Cipher::Aes128 => cbc(Aes128::new_from_slice(key).ok()?, iv, text),
            Cipher::Aes192 => cbc(Aes192::new_from_slice(key).ok()?, iv, text),
            Cipher::Aes256 => cbc(Aes256::new_from_slice(key).ok()?, iv, text),
            Cipher::TripleDes => cbc(TdesEde3::new_from_slice(key).ok()?, iv, text),
            Cipher::TwoKeyTripleDes => cbc(TdesEde2::new_from_slice(key).ok()?, iv, text),
            Cipher::Rc2(bits) => cbc(Rc2::new_with_eff_key_len(key, bits), iv, text),
        }
    }
}

fn cbc<C: BlockCipherDecrypt>(cipher: C, iv: &[u8], text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut plain = Zeroizing::new(text.to_vec());
    let len = Decryptor::inner_iv_slice_init(cipher, iv).ok()?.decrypt_padded::<Pkcs7>(&mut plain).ok()?.len();
    plain.truncate(len);
    Some(plain)
}

/// How a safe or a key is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scheme<'a> {
    kdf: Kdf<'a>,
    cipher: Cipher,
    /// The initialisation vector; the older schemes make it from the password.
    iv: Option<&'a [u8]>,
}

impl<'a> Scheme<'a> {
    /// What the scheme is called: its family and its cipher.
    pub(super) fn name(&self) -> &'static str {
        match (self.iv.is_some(), self.cipher) {
            (true, Cipher::Aes128) => "pbes2_aes_128_cbc",
            (true, Cipher::Aes192) => "pbes2_aes_192_cbc",
            (true, Cipher::Aes256) => "pbes2_aes_256_cbc",
            (true, _) => "pbes2_3des_cbc",
            (false, Cipher::TwoKeyTripleDes) => "pbe_sha1_2_key_3des",
            (false, Cipher::Rc2(40)) => "pbe_sha1_rc2_40",
            (false, Cipher::Rc2(_)) => "pbe_sha1_rc2_128",
            (false, _) => "pbe_sha1_3des",
        }
    }

    /// From the AlgorithmIdentifier that comes next; `None` for those that are not known here.
    pub(super) fn parse(items: &mut Items<'a>) -> Option<Self> {
        let (oid, parameters) = algorithm(items)?;
        let mut parts = Items::new(parameters.filter(|p| p.tag == tag::SEQUENCE)?.content);
        if let Some(number) = oid.strip_prefix(PKCS12_PBE) {
            let cipher = match number {
                [3] => Cipher::TripleDes,
                [4] => Cipher::TwoKeyTripleDes,
                [5] => Cipher::Rc2(128),
                [6] => Cipher::Rc2(40),
                _ => return None,
            };
            let salt = salt(&mut parts)?;
            let rounds = positive(parts.next_if(tag::INTEGER)?.content)?;
            return Some(Scheme { kdf: Kdf { hash: Hash::Sha1, salt, rounds }, cipher, iv: None });
        }
        if oid.strip_prefix(PKCS5)? != [PBES2] {
            return None;
        }
        let (kdf, len) = pbkdf2_parameters(&mut parts)?;
        let (oid, iv) = algorithm(&mut parts)?;
        let cipher = match (oid, oid.strip_prefix(AES)) {
            (_, Some([2])) => Cipher::Aes128,
            (_, Some([22])) => Cipher::Aes192,
            (_, Some([42])) => Cipher::Aes256,
            (DES_EDE3_CBC, _) => Cipher::TripleDes,
            _ => return None,
        };
        let iv = iv.filter(|iv| iv.tag == tag::OCTET_STRING)?.content;
        let fits = len.is_none_or(|len| usize::try_from(len) == Ok(cipher.key_len()));
        fits.then_some(Scheme { kdf, cipher, iv: Some(iv) })
    }

    /// The plain text, where this password gives one.
    pub(super) fn open(
        &self,
        secret: &Secret,
        text: &[u8],
        budget: &mut Budget,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, TooDear> {
        const KEY: u8 = 1;
        const VECTOR: u8 = 2;
        const OLD_BLOCK: usize = 8;
        budget.spend_on(text)?;
        let len = self.cipher.key_len();
        Ok(match self.iv {
            Some(iv) => self.cipher.decrypt(&self.kdf.pbkdf2(secret, len, budget)?, iv, text),
            None => {
                let key = self.kdf.pkcs12(KEY, secret, len, budget)?;
                let iv = self.kdf.pkcs12(VECTOR, secret, OLD_BLOCK, budget)?;
                self.cipher.decrypt(&key, &iv, text)
            }
        })
    }
}
