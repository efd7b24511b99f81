use rcgen::{BasicConstraints, CustomExtension, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256};

use super::*;
use crate::x509;

/// Verifies after these were offered, in this order and in the other one; both must say the same.
fn verify(listed: &[&Authority], offered: &[&[u8]], der: &[u8]) -> Result<Attested, Why> {
    let verdict = |order: &mut dyn Iterator<Item = &&[u8]>| {
        let mut verifier = trusting(listed);
        order.for_each(|der| verifier.offer_issuer(der, None));
        verifier.yubikey(der, None)
    };
    let (one, other) = (verdict(&mut offered.iter()), verdict(&mut offered.iter().rev()));
    assert_eq!(one, other);
    one
}

fn path_length(length: u8) -> impl Fn(&mut rcgen::CertificateParams) {
    move |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length))
}

#[test]
fn a_slot_is_attested_by_its_device_and_the_root() {
    let root = Authority::with_key("root", rsa_key(&PKCS_RSA_SHA256), &path_length(1));
    let device = root.authority("device", &device);
    let key = KeyPair::generate().expect("a key");
    let der = device.issue("slot 9c", &key, &slot);
    let attested = verify(&[&root], &[&device.der], &der).expect("attested");
    let user = Authority::new("anyone").issue("user", &key, &|_| {});
    let user_key = x509::parse(&user).expect("a certificate").spki_sha256;
    assert_eq!(
        attested,
        Attested {
            spki_sha256: user_key.expect("a key"),
            serial: Some(12_345_678),
            firmware: Some("5.4.3".to_owned()),
            pin_policy: Some("once"),
            touch_policy: Some("never"),
            form_factor: Some(1),
        }
    );
    // The caller's comparison: this key, and no other.
    let other = x509::parse(&root.user_with(&|_| {})).expect("a certificate").spki_sha256;
    assert!(attested.is_for(user_key) && !attested.is_for(other) && !attested.is_for(None));
    // It is no attestation of a TPM.
    assert_eq!(trusting(&[&root]).tpm(&der), Err(Why::NotMarked));
}

#[test]
fn what_is_missing_or_not_listed_proves_nothing() {
    let (root, stranger) = (Authority::new("root"), Authority::new("stranger"));
    let device = root.authority("device", &device);
    let der = device.user_with(&slot);
    assert_eq!(verify(&[&root], &[], &der), Err(Why::NoIssuer));
    assert_eq!(verify(&[&root], &[&stranger.der], &der), Err(Why::NoIssuer));
    assert_eq!(verify(&[&stranger], &[&device.der], &der), Err(Why::NoIssuer));
    assert_eq!(verify(&[&stranger], &[&device.der, &root.der], &der), Err(Why::IssuerNotListed));
    assert!(verify(&[&root, &stranger], &[&device.der, &root.der], &der).is_ok());
    // The device itself may be the listed one.
    assert!(verify(&[&device], &[], &der).is_ok());
}

#[test]
fn names_and_marks_can_be_forged_signatures_cannot() {
    let (root, false_root) = (Authority::new("root"), Authority::new("root"));
    let (real, forged) = (root.authority("device", &device), false_root.authority("device", &device));
    let (slot_of_real, slot_of_forged) = (real.user_with(&slot), forged.user_with(&slot));
    let offered: [&[u8]; 3] = [&forged.der, &real.der, &false_root.der];
    assert!(verify(&[&root], &offered, &slot_of_real).is_ok());
    assert_eq!(verify(&[&root], &offered, &slot_of_forged), Err(Why::IssuerNotListed));
    assert_eq!(verify(&[&root], &[&forged.der], &slot_of_forged), Err(Why::BadSignature));
    assert_eq!(verify(&[&root], &[&real.der], &slot_of_forged), Err(Why::BadSignature));
}

#[test]
fn only_slots_are_attested() {
    let root = Authority::new("root");
    let factory = root.authority("device", &device);
    let without_ca = root.user_with(&|params| params.custom_extensions.push(yubico(3, &[5, 2, 4])));
    assert_eq!(verify(&[&root], &[], &factory.der), Err(Why::NotEndEntity));
    assert_eq!(verify(&[&root], &[], &without_ca), Err(Why::NotMarked));
    assert_eq!(verify(&[&root], &[], &root.user_with(&|_| {})), Err(Why::NotMarked));
    let critical = factory.user_with(&|params| {
        slot(params);
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    assert_eq!(verify(&[&root], &[&factory.der], &critical), Err(Why::Unreadable));
    let odd = factory.user_with(&|params| params.custom_extensions.extend([yubico(3, &[5]), yubico(8, &[2, 1])]));
    assert_eq!(verify(&[&root], &[&factory.der], &odd), Err(Why::Unreadable));
}

#[test]
fn every_issuer_of_a_chain_has_to_be_an_authority() {
    let root = Authority::new("root");
    // Some devices do not say that they are one.
    let plain = root.authority("device", &|params| {
        device(params);
        params.is_ca = IsCa::NoCa;
    });
    assert_eq!(verify(&[&root], &[&plain.der], &plain.user_with(&slot)), Err(Why::BadChain));
    let no_usage = root.authority("device", &|params| {
        device(params);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    assert_eq!(verify(&[&root], &[&no_usage.der], &no_usage.user_with(&slot)), Err(Why::BadChain));
    // The key in a slot belongs to a user, who could sign anything with it.
    let real = root.authority("device", &device);
    let owner = real.authority("slot 9c", &|params| {
        slot(params);
        params.is_ca = IsCa::NoCa;
    });
    let forged = owner.user_with(&slot);
    assert!(verify(&[&root], &[&real.der], &owner.der).is_ok());
    assert_eq!(verify(&[&root], &[&real.der, &owner.der], &forged), Err(Why::NoIssuer));
    // Even a slot's certificate that says it is an authority is one too many below its device.
    let bold = real.authority("slot 9c", &slot);
    assert_eq!(verify(&[&root], &[&real.der, &bold.der], &bold.user_with(&slot)), Err(Why::BadChain));
}

#[test]
fn chains_have_at_most_four_issuers_each_within_its_path_length() {
    let root = Authority::with_key("root", KeyPair::generate().expect("a key"), &path_length(3));
    let one = root.authority("one", &path_length(2));
    let two = one.authority("two", &path_length(1));
    let factory = two.authority("device", &device);
    let der = factory.user_with(&slot);
    assert!(verify(&[&root], &[&one.der, &two.der, &factory.der], &der).is_ok());
    for (listed, rest) in [(&one, &[&two.der, &factory.der][..]), (&two, &[&factory.der]), (&factory, &[])] {
        let rest: Vec<&[u8]> = rest.iter().map(|der| der.as_slice()).collect();
        assert!(verify(&[listed], &rest, &der).is_ok());
    }
    assert_eq!(verify(&[&root], &[&one.der, &factory.der], &der), Err(Why::NoIssuer));

    for (length, expected) in [(0, Some(Why::BadChain)), (1, None)] {
        let direct = Authority::with_key("root", KeyPair::generate().expect("a key"), &path_length(length));
        let factory = direct.authority("device", &device);
        assert_eq!(verify(&[&direct], &[&factory.der], &factory.user_with(&slot)).err(), expected);
    }
    let narrow = root.authority("one", &path_length(0));
    let below = narrow.authority("two", &path_length(0));
    let device_below = below.authority("device", &device);
    let der = device_below.user_with(&slot);
    assert_eq!(verify(&[&root], &[&narrow.der, &below.der, &device_below.der], &der), Err(Why::BadChain));

    let mut chain = vec![Authority::new("0")];
    for name in ["1", "2", "3"] {
        chain.push(chain[chain.len() - 1].authority(name, &|_| {}));
    }
    let (fits, long) = (chain[2].authority("device", &device), chain[3].authority("device", &device));
    let offered: Vec<&[u8]> =
        chain[1..].iter().chain([&fits, &long]).map(|authority| authority.der.as_slice()).collect();
    let (fits, long) = (fits.user_with(&slot), long.user_with(&slot));
    assert!(verify(&[&chain[0]], &offered, &fits).is_ok());
    assert_eq!(verify(&[&chain[0]], &offered, &long), Err(Why::BadChain));
    assert!(verify(&[&chain[1]], &offered, &long).is_ok());
}

#[test]
fn only_a_device_attests_its_slots() {
    let root = Authority::new("root");
    let copied = root.user_with(&slot);
    assert_eq!(verify(&[&root], &[], &copied), Err(Why::BadChain));
    let below = root.authority("below", &|_| {});
    assert_eq!(verify(&[&root], &[&below.der], &below.user_with(&slot)), Err(Why::BadChain));
    assert_eq!(verify(&[&below], &[], &below.user_with(&slot)), Err(Why::BadChain));
}

#[test]
fn authorities_that_vouch_for_each_other_are_no_root() {
    let (a, b) = (Authority::new("a"), Authority::new("b"));
    let as_authority = |params: &mut rcgen::CertificateParams| {
        device(params);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    let a_by_b = b.issue("a", &a.key, &as_authority);
    let b_by_a = a.issue("b", &b.key, &as_authority);
    let root = Authority::new("root");
    let der = a.user_with(&slot);
    assert_eq!(verify(&[&root], &[&a_by_b, &b_by_a], &der), Err(Why::NoIssuer));
    // A way out of the circle is found.
    let a_by_root = root.issue("a", &a.key, &as_authority);
    assert!(verify(&[&root], &[&a_by_b, &b_by_a, &a_by_root], &der).is_ok());
}

#[test]
fn a_critical_extension_of_an_authority_that_is_not_understood_ends_the_chain() {
    let root = Authority::new("root");
    let limited = root.authority("device", &|params| {
        device(params);
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], vec![0x30, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    assert_eq!(verify(&[&root], &[&limited.der], &limited.user_with(&slot)), Err(Why::BadChain));
}

#[test]
fn all_devices_can_have_one_name() {
    let root = Authority::new("root");
    let devices: Vec<Authority> = (0..40).map(|_| root.authority("device", &device)).collect();
    let offered: Vec<&[u8]> = devices.iter().map(|device| device.der.as_slice()).collect();
    for device in devices.iter().step_by(13) {
        assert!(verify(&[&root], &offered, &device.user_with(&slot)).is_ok());
    }
}

#[test]
fn of_many_devices_with_one_name_that_of_the_same_place_is_tried_first() {
    let root = Authority::new("root");
    let devices: Vec<Authority> = (0..300).map(|_| root.authority("device", &device)).collect();
    let mut verifier = trusting(&[&root]);
    (0..).zip(&devices).for_each(|(place, device)| verifier.offer_issuer(&device.der, Some(place)));
    let attested = |place: usize, at: Option<u64>| {
        let slot = devices[place].user_with(&slot);
        verifier.yubikey(&slot, at).map(|_| ())
    };
    for (place, at) in (0..).zip(0..300).step_by(37) {
        assert_eq!(attested(place, Some(at)), Ok(()));
    }
    // Forty-four of them at least lie beyond what is tried: which ones, their digests say.
    let elsewhere = (0..300).map(|place| attested(place, None)).find(Result::is_err);
    assert_eq!(elsewhere, Some(Err(Why::TooManyIssuers)), "what was not tried is not called forged");
}

#[test]
fn the_search_for_a_way_up_is_bounded() {
    let root = Authority::new("root");
    let key = || KeyPair::generate().expect("a key");
    // Fifteen certificates of each of three authorities: thousands of ways up, all with good signatures.
    let (a, b, c) = (Authority::new("a"), Authority::new("b"), Authority::new("c"));
    let mut verifier = trusting(&[&root]);
    for year in 2001..2016 {
        let in_year = |params: &mut rcgen::CertificateParams| {
            device(params);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.not_before = rcgen::date_time_ymd(year, 1, 1);
        };
        verifier.offer_issuer(&b.issue("a", &a.key, &in_year), None);
        verifier.offer_issuer(&c.issue("b", &b.key, &in_year), None);
        verifier.offer_issuer(&a.issue("c", &c.key, &in_year), None);
    }
    let der = a.issue("slot", &key(), &slot);
    let (certificate, _) = certificate::read(&der).expect("a certificate");
    let mut chain = Chain { members: vec![certificate.sha256], signatures: 0, place: None };
    assert_eq!(verifier.climb(&mut chain, &certificate), Err(Why::TooManyIssuers));
    assert!(chain.signatures > 100 && chain.signatures <= MAX_SIGNATURES, "{}", chain.signatures);
}
