use super::*;
use crate::format::testing::{read_all, sample};
use crate::hex;

/// Hashes of the SubjectPublicKeyInfo as `openssl pkey -pubout -outform DER | sha256sum` tells them.
const RSA: &str = "75238d6ec5e7ae5bdb940df0981a30e7fb63f49fe7e10f9c6e8c432f1a640504";
const EC: &str = "ff07dc0d08fa5a82c32042eab8d0c2a76083b949994fb147f36bb3c5315d65b5";
const DSA: &str = "452b065a465ea7a6f2f17a464c69b48ce6edbd439ca1186a6fed31b2f87dea80";

fn described(name: &str) -> (PrivateKeyKind, bool, Option<String>, Option<i32>, Option<String>) {
    let Content::Key(key) = describe(&sample("private_key", name)) else { panic!("{name} is no key") };
    let hash = key.public.spki_sha256.map(|hash| hex::text(&hash));
    (key.kind, key.is_encrypted, key.public.algorithm.map(Into::into), key.public.bits, hash)
}

#[test]
fn every_kind_is_told_with_the_hash_that_openssl_gives_its_public_key() {
    use PrivateKeyKind::{Dsa, EncryptedPkcs8, Pkcs1, Pkcs8, Pvk, Sec1};
    let plain = |kind, algorithm: &str, bits, hash: Option<&str>| {
        (kind, false, Some(algorithm.to_owned()), bits, hash.map(str::to_owned))
    };
    assert_eq!(described("rsa-pkcs8.p8"), plain(Pkcs8, "rsa", Some(1024), Some(RSA)));
    assert_eq!(described("rsa-pkcs1.key"), plain(Pkcs1, "rsa", Some(1024), Some(RSA)));
    assert_eq!(described("rsa.pvk"), plain(Pvk, "rsa", Some(1024), Some(RSA)));
    assert_eq!(described("ec-sec1.key"), plain(Sec1, "ec", Some(256), Some(EC)));
    assert_eq!(described("ec-pkcs8.p8"), plain(Pkcs8, "ec", Some(256), Some(EC)));
    assert_eq!(described("dsa.key"), plain(Dsa, "dsa", Some(1024), Some(DSA)));
    assert_eq!(described("ed25519.p8"), plain(Pkcs8, "ed25519", Some(255), None));
    assert_eq!(described("encrypted.p8"), (EncryptedPkcs8, true, None, None, None));
    assert_eq!(described("encrypted.pvk"), (Pvk, true, Some("rsa".to_owned()), None, None));
}

#[test]
fn a_public_key_beside_a_version_2_key_is_used() {
    // RFC 8410 section 10.3: an Ed25519 key with attributes and its public key.
    let key = "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCoB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJz\
               gSEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    let key = base64_simd::STANDARD.decode_to_vec(key).expect("base64");
    let public = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    let public = base64_simd::STANDARD.decode_to_vec(public).expect("base64");
    assert_eq!(of_pkcs8(&key).spki_sha256, crate::x509::public_key(&public).spki_sha256);
    assert!(of_pkcs8(&key).spki_sha256.is_some());
}

#[test]
fn a_file_is_one_finding_and_a_truncated_one_is_still_one() {
    let bytes = sample("private_key", "rsa-pkcs8.p8");
    let seen = read_all(&FORMAT, &bytes, "x.p8");
    assert_eq!((seen.outcome, seen.others.len(), seen.rejects.len()), (Outcome::Complete, 1, 0));
    let cut = read_all(&FORMAT, &bytes[..300], "x.p8");
    assert_eq!((cut.outcome, cut.others.len(), cut.degraded()), (Outcome::Incomplete, 1, vec![Code::Truncated]));
    let padded = read_all(&FORMAT, &[&bytes[..], &[0; 3]].concat(), "x.p8");
    assert_eq!((padded.others.len(), padded.degraded()), (1, vec![Code::TrailingBytes]));
    let huge = [&[0x30, 0x84, 0, 0x20, 0, 0, 2, 1, 0, 0x30, 3, 6, 1, 1, 4][..], &vec![0; 2 << 20]].concat();
    assert_eq!(read_all(&FORMAT, &huge, "x.p8").lost(), [Code::TooLarge]);
}

#[test]
fn a_handle_of_a_security_key_is_no_private_key() {
    let string = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    let public = [string(b"sk-ssh-ed25519@openssh.com"), string(&[7; 32]), string(b"ssh:")].concat();
    let file =
        [&b"openssh-key-v1\0"[..], &string(b"none"), &string(b"none"), &string(b""), &[0, 0, 0, 1], &string(&public)];
    assert_eq!(describe(&file.concat()), Content::Handle);
    let seen = read_all(&FORMAT, &file.concat(), "id_ed25519_sk");
    assert_eq!(seen.skips.into_iter().collect::<Vec<_>>(), [("security_key_handle", 1)]);
    // Lengths that lead nowhere.
    for end in 0..file.concat().len() {
        describe(&file.concat()[..end]);
    }
}
