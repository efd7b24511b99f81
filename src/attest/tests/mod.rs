mod authority;
mod list;
mod tpm;
mod yubikey;

use super::*;
use authority::*;

/// A verifier that trusts the authorities by certificate.
fn trusting(listed: &[&Authority]) -> Verifier {
    let text: String = listed.iter().map(|authority| authority.pem()).collect();
    Verifier::new(Issuers::parse(text.as_bytes()).expect("a list"))
}

/// A verifier that trusts the certificates by thumbprint alone.
fn trusting_thumbprints(listed: &[&[u8]]) -> Verifier {
    let lines: Vec<String> = listed.iter().map(|der| crate::hex::text(&Sha256::digest(der))).collect();
    Verifier::new(Issuers::parse(lines.join("\n").as_bytes()).expect("a list"))
}

#[test]
fn every_reason_has_a_name_and_a_sentence() {
    let names: HashSet<_> = Why::ALL.iter().map(|why| why.as_str()).collect();
    let sentences: HashSet<_> = Why::ALL.iter().map(|why| why.sentence()).collect();
    assert_eq!((names.len(), sentences.len()), (Why::ALL.len(), Why::ALL.len()));
    assert!(Why::ALL.is_sorted() && sentences.iter().all(|sentence| sentence.ends_with('.')));
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
}

#[test]
fn past_the_room_only_listed_issuers_are_kept() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let (device, thumb) = (root.authority("device", &device), Authority::new("thumb"));
    let list = format!("{}{}\n", root.pem(), crate::hex::text(&Sha256::digest(&thumb.der)));
    let listed = Issuers::parse(list.as_bytes()).expect("a list");
    let slot = device.user_with(&slot);

    let mut small = Verifier::with_room(listed.clone(), device.der.len() - 1);
    small.offer_issuer(&device.der, None);
    small.offer_issuer(&thumb.der, None);
    small.offer_issuer(&root.der, None);
    assert_eq!((small.left_out(), small.yubikey(&slot, None)), (1, Err(Why::NoIssuer)));
    assert_eq!(small.tpm(&thumb.user(&[30])), Ok(Assurance::High));

    let mut exact = Verifier::with_room(listed, device.der.len());
    exact.offer_issuer(&device.der, None);
    exact.offer_issuer(&device.der, None);
    assert_eq!(exact.left_out(), 0);
    exact.offer_issuer(&other.der, None);
    assert_eq!(exact.left_out(), 1);
    assert!(exact.yubikey(&slot, None).is_ok());
}

#[test]
fn damaged_certificates_prove_nothing_and_never_panic() {
    let root = Authority::new("root");
    let device = root.authority("device", &device);
    let user = root.user(&[31]);
    let slot = device.user_with(&slot);
    let mut verifier = trusting(&[&root]);
    verifier.offer_issuer(&device.der, None);
    assert!(verifier.tpm(&user).is_ok() && verifier.yubikey(&slot, None).is_ok());
    for der in [&user, &slot] {
        for length in 0..der.len() {
            let cut = &der[..length];
            assert_eq!((verifier.tpm(cut), verifier.yubikey(cut, None)), (Err(Why::Unreadable), Err(Why::Unreadable)));
        }
        for place in 0..der.len() {
            for bit in [0, 7] {
                let mut damaged = der.clone();
                damaged[place] ^= 1 << bit;
                assert!(verifier.tpm(&damaged).is_err() && verifier.yubikey(&damaged, None).is_err(), "{place} {bit}");
            }
        }
    }
    // As issuers: nothing that is damaged may stand in for what is whole.
    for place in 0..device.der.len() {
        let mut damaged = device.der.clone();
        damaged[place] ^= 1;
        let mut verifier = trusting(&[&root]);
        verifier.offer_issuer(&damaged, None);
        verifier.offer_issuer(&device.der[..place], None);
        assert!(verifier.yubikey(&slot, None).is_err(), "{place}");
    }
    for garbage in [&b""[..], &[0x30], &[0x30, 0x80], &[0x30, 0x80, 0, 0], &[0xff; 300], b"-----BEGIN CERTIFICATE-----"]
    {
        verifier.offer_issuer(garbage, None);
        assert_eq!(
            (verifier.tpm(garbage), verifier.yubikey(garbage, None)),
            (Err(Why::Unreadable), Err(Why::Unreadable))
        );
    }
}
