//! Key files that are not DER: PVK and OpenSSH.

use super::public::{self, Public};
use super::{Content, Described};
use crate::record::PrivateKeyKind;

/// First bytes of a PVK file: 0xB0B5F11E, little-endian.
const PVK: &[u8] = &[0x1e, 0xf1, 0xb5, 0xb0];
/// Length of the PVK header: magic, reserved, key type, encrypted, salt length, key length.
const PVK_HEADER: usize = 24;
/// BLOBHEADER: type, version, reserved, algorithm (wincrypt.h).
const BLOB_HEADER: usize = 8;
/// Algorithm class in an ALG_ID, and the classes of RSA keys (wincrypt.h: signature and key exchange with type RSA).
const RSA_ALGORITHMS: [u32; 2] = [0x2400, 0xa400];
/// CALG_DSS_SIGN.
const DSS_SIGN: u32 = 0x2200;
/// First bytes of an OpenSSH key (PROTOCOL.key of OpenSSH).
const OPENSSH: &[u8] = b"openssh-key-v1\0";
/// P-256, P-384 and P-521 by their names in SSH (RFC 5656 section 10.1), with the content of their OIDs.
const CURVES: [(&[u8], &[u8]); 3] = [
    (b"nistp256", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    (b"nistp384", &[0x2b, 0x81, 0x04, 0x00, 0x22]),
    (b"nistp521", &[0x2b, 0x81, 0x04, 0x00, 0x23]),
];

/// Whether `bytes` begin like a PVK file.
pub(super) fn is_pvk(bytes: &[u8]) -> bool {
    bytes.starts_with(PVK)
}

/// Whether `bytes` begin like an OpenSSH key.
pub(super) fn is_openssh(bytes: &[u8]) -> bool {
    bytes.starts_with(OPENSSH)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// A PVK file: a header, a salt, and a PRIVATEKEYBLOB of CryptoAPI, of which an encrypted file leaves only the
/// BLOBHEADER readable.
pub(super) fn pvk(bytes: &[u8]) -> Option<Described> {
    let (encrypted, salt) = (u32_at(bytes, 12)?, u32_at(bytes, 16)?);
    let blob = bytes.get(PVK_HEADER.checked_add(usize::try_from(salt).ok()?)?..)?;
    let is_encrypted = encrypted != 0;
    let public = match u32_at(blob, 4)? {
        algorithm if RSA_ALGORITHMS.contains(&algorithm) => {
            let known = if is_encrypted { None } else { pvk_rsa(blob) };
            known.unwrap_or_else(|| Public { algorithm: Some("rsa".into()), ..Public::default() })
        }
        DSS_SIGN => Public { algorithm: Some("dsa".into()), ..Public::default() },
        _ => Public::default(),
    };
    Some(Described { kind: PrivateKeyKind::Pvk, is_encrypted, public })
}

/// RSAPUBKEY after the BLOBHEADER: "RSA2", bits, exponent; then the modulus, little-endian (wincrypt.h).
fn pvk_rsa(blob: &[u8]) -> Option<Public> {
    let rest = blob.get(BLOB_HEADER..)?.strip_prefix(b"RSA2")?;
    let (bits, exponent) = (u32_at(rest, 0)?, u32_at(rest, 4)?);
    let mut modulus = rest.get(8..)?.get(..usize::try_from(bits.div_ceil(8)).ok()?)?.to_vec();
    modulus.reverse();
    Some(public::of_rsa(&modulus, &exponent.to_be_bytes()))
}

/// Takes a string of SSH: its length, big-endian, and its bytes (RFC 4251 section 5).
fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    *bytes = rest;
    Some(text)
}

/// An OpenSSH key: cipher, two strings of its key derivation, number of keys, public keys, private part.
pub(super) fn openssh(bytes: &[u8]) -> Content {
    let mut rest = bytes.strip_prefix(OPENSSH).unwrap_or_default();
    let header = (take(&mut rest), take(&mut rest), take(&mut rest), rest.split_first_chunk::<4>());
    let (Some(cipher), Some(_), Some(_), Some((count, keys))) = header else { return Content::Other };
    let is_encrypted = cipher != b"none";
    // OpenSSH writes one key a file and reads no other.
    let public = match u32::from_be_bytes(*count) {
        1 => take(&mut { keys }).unwrap_or_default(),
        _ => &[],
    };
    // Only a handle of a key in a FIDO device stands in such a file (PROTOCOL.u2f of OpenSSH).
    if take(&mut { public }).is_some_and(|kind| kind.starts_with(b"sk-")) {
        return Content::Handle;
    }
    let public = ssh_public(public).unwrap_or_default();
    Content::Key(Described { kind: PrivateKeyKind::OpenSsh, is_encrypted, public })
}

/// A public key of SSH (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4).
fn ssh_public(mut blob: &[u8]) -> Option<Public> {
    let kind = take(&mut blob)?;
    match kind {
        b"ssh-rsa" => {
            let (exponent, modulus) = (take(&mut blob)?, take(&mut blob)?);
            Some(public::of_rsa(modulus, exponent))
        }
        b"ssh-dss" => {
            let numbers = [take(&mut blob)?, take(&mut blob)?, take(&mut blob)?, take(&mut blob)?];
            Some(public::of_dsa_numbers(numbers))
        }
        b"ssh-ed25519" => take(&mut blob).map(public::of_ed25519),
        _ => {
            kind.strip_prefix(b"ecdsa-sha2-")?;
            let (name, point) = (take(&mut blob)?, take(&mut blob)?);
            let (_, oid) = CURVES.iter().find(|(known, _)| *known == name)?;
            Some(public::of_point(oid, point))
        }
    }
}
