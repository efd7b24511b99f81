use rcgen::{
    BasicConstraints, CustomExtension, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    PKCS_RSA_SHA256, PKCS_RSA_SHA384, PKCS_RSA_SHA512, date_time_ymd,
};

use super::*;

/// AlgorithmIdentifier of RSASSA-PSS with SHA-256 for hash and mask, and a salt of 32 octets (RFC 4055 3.1).
fn pss_sha256() -> Vec<u8> {
    let sha256 = element(0x30, &[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1][..], &[5, 0]].concat());
    let mgf1 = [&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8], sha256.as_slice()].concat();
    let parameters =
        [element(0xa0, &sha256), element(0xa1, &element(0x30, &mgf1)), element(0xa2, &[2, 1, 32])].concat();
    let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    element(0x30, &[&oid[..], &element(0x30, &parameters)].concat())
}

/// A PKCS#1 algorithm of RFC 8017 A.2.4, with or without its NULL.
fn pkcs1(last: u8, has_null: bool) -> Vec<u8> {
    let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last];
    element(0x30, &[&oid[..], if has_null { &[5, 0] } else { &[] }].concat())
}

#[test]
fn the_strongest_policy_of_a_listed_issuer_counts() {
    let root = Authority::new("root");
    let verifier = trusting(&[&root]);
    for (policies, assurance) in [
        (&[30][..], Ok(Assurance::High)),
        (&[31], Ok(Assurance::Medium)),
        (&[32], Ok(Assurance::Low)),
        (&[32, 30, 31], Ok(Assurance::High)),
        (&[32, 31], Ok(Assurance::Medium)),
        (&[29, 33], Err(Why::NotMarked)),
    ] {
        assert_eq!(verifier.tpm(&root.user(policies)), assurance, "{policies:?}");
    }
    assert_eq!(verifier.tpm(&root.user_with(&|_| {})), Err(Why::NotMarked));
    assert_eq!(verifier.yubikey(&root.user(&[30]), None), Err(Why::NotMarked));
    let names = [Assurance::Low, Assurance::Medium, Assurance::High].map(Assurance::as_str);
    assert_eq!(names, ["low", "medium", "high"]);
    // What stands behind a certificate is none of it.
    assert_eq!(verifier.tpm(&[root.user(&[30]), vec![0; 9]].concat()), Ok(Assurance::High));
}

#[test]
fn keys_of_every_usual_kind_sign() {
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let rsa = [&PKCS_RSA_SHA256, &PKCS_RSA_SHA384, &PKCS_RSA_SHA512].map(rsa_key);
    for key in rsa.into_iter().chain([p384, ed25519]) {
        let algorithm = key.algorithm();
        let root = Authority::with_key("root", key, &|_| {});
        let user = root.user(&[30]);
        assert_eq!(trusting(&[&root]).tpm(&user), Ok(Assurance::High), "{algorithm:?}");
        // The same name, and a key of another kind.
        assert_eq!(trusting(&[&Authority::new("root")]).tpm(&user), Err(Why::BadSignature), "{algorithm:?}");
    }
}

#[test]
fn pss_and_absent_parameters_are_verified_too() {
    let root = Authority::with_key("root", rsa_key(&PKCS_RSA_SHA256), &|_| {});
    let verifier = trusting(&[&root]);
    let user = root.user(&[31]);
    let pss = |message: &[u8]| rsa_signature(&ring::signature::RSA_PSS_SHA256, message);
    let plain = |message: &[u8]| rsa_signature(&ring::signature::RSA_PKCS1_SHA256, message);
    assert_eq!(verifier.tpm(&signed_anew(&user, &pss_sha256(), pss)), Ok(Assurance::Medium));
    assert_eq!(verifier.tpm(&signed_anew(&user, &pss_sha256(), plain)), Err(Why::BadSignature));
    assert_eq!(verifier.tpm(&signed_anew(&user, &pkcs1(11, true), plain)), Ok(Assurance::Medium));
    assert_eq!(verifier.tpm(&signed_anew(&user, &pkcs1(11, true), pss)), Err(Why::BadSignature));
    assert_eq!(verifier.tpm(&signed_anew(&user, &pkcs1(11, false), plain)), Ok(Assurance::Medium));
}

/// ring makes no signature with a broken hash. That of SHA-256 is there, and says it is another one: the reason must be
/// the hash, before anything is computed.
#[test]
fn broken_hashes_do_not_count() {
    let root = Authority::with_key("root", rsa_key(&PKCS_RSA_SHA256), &|_| {});
    let verifier = trusting(&[&root]);
    let sign = |message: &[u8]| rsa_signature(&ring::signature::RSA_PKCS1_SHA256, message);
    for (last, why) in [(5, Why::WeakSignature), (4, Why::WeakSignature), (14, Why::UnsupportedAlgorithm)] {
        assert_eq!(verifier.tpm(&signed_anew(&root.user(&[30]), &pkcs1(last, true), sign)), Err(why), "{last}");
    }
}

#[test]
fn the_algorithm_beside_the_signature_must_be_the_signed_one() {
    let root = Authority::with_key("root", rsa_key(&PKCS_RSA_SHA256), &|_| {});
    let user = root.user(&[30]);
    let tbs = crate::der::read(crate::der::read(&user).expect("a certificate").content).expect("the signed part");
    let mut other = user.clone();
    // The last octet of the OID beside the signature.
    other[4 + tbs.total + 2 + 10] = 12;
    assert_eq!(trusting(&[&root]).tpm(&user), Ok(Assurance::High));
    assert_eq!(trusting(&[&root]).tpm(&other), Err(Why::Unreadable));
}

#[test]
fn policies_that_no_listed_issuer_signed_are_forged() {
    let (root, forger) = (Authority::new("root"), Authority::new("forger"));
    let mut verifier = trusting(&[&root]);
    assert_eq!(verifier.tpm(&forger.user(&[30])), Err(Why::NoIssuer));
    verifier.offer_issuer(&forger.der, None);
    assert_eq!(verifier.tpm(&forger.user(&[30])), Err(Why::IssuerNotListed));
    // Below a listed issuer is not listed.
    let below = root.authority("below", &|_| {});
    verifier.offer_issuer(&below.der, None);
    assert_eq!(verifier.tpm(&below.user(&[30])), Err(Why::IssuerNotListed));
    assert_eq!(verifier.tpm(&root.user(&[30])), Ok(Assurance::High));
}

#[test]
fn a_name_alone_is_nobody() {
    let (root, forger) = (Authority::new("root"), Authority::new("root"));
    let mut verifier = trusting(&[&root]);
    assert_eq!(verifier.tpm(&forger.user(&[30])), Err(Why::BadSignature));
    verifier.offer_issuer(&forger.der, None);
    assert_eq!(verifier.tpm(&forger.user(&[30])), Err(Why::BadSignature));
    assert_eq!(verifier.tpm(&root.user(&[30])), Ok(Assurance::High));
    // And a signature with another name is none, either: it is looked up by the name.
    let renamed = Authority { name: "other".to_owned(), key: forger.key, der: forger.der };
    assert_eq!(trusting(&[&renamed]).tpm(&renamed.user(&[30])), Err(Why::NoIssuer));
}

#[test]
fn of_several_issuers_with_one_name_any_listed_one_will_do() {
    let (old, new, third) = (Authority::new("root"), Authority::new("root"), Authority::new("root"));
    let mut verifier = trusting(&[&old, &new]);
    verifier.offer_issuer(&third.der, None);
    for authority in [&old, &new] {
        assert_eq!(verifier.tpm(&authority.user(&[32])), Ok(Assurance::Low));
    }
    assert_eq!(verifier.tpm(&third.user(&[32])), Err(Why::BadSignature));
}

#[test]
fn keys_of_the_tpm_itself_are_not_the_users() {
    let root = Authority::new("root");
    let verifier = trusting(&[&root]);
    let roles: [&[u64]; 4] =
        [&[2, 23, 133, 8, 1], &[2, 23, 133, 8, 2], &[2, 23, 133, 8, 3], &[1, 3, 6, 1, 4, 1, 311, 21, 36]];
    for role in roles {
        let certificate = root.user_with(&|params| {
            params.custom_extensions.push(attestation(&[30]));
            params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth, usage(role)];
        });
        assert_eq!(verifier.tpm(&certificate), Err(Why::TpmRole), "{role:?}");
    }
    let harmless = root.user_with(&|params| {
        params.custom_extensions.push(attestation(&[30]));
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth, usage(&[2, 23, 133, 8, 4])];
    });
    assert_eq!(verifier.tpm(&harmless), Ok(Assurance::High));
    // The role stands among the application policies only.
    let policies = element(0x30, &element(0x30, &[6, 5, 0x67, 0x81, 5, 8, 3]));
    let by_policy = root.user_with(&|params| {
        let application = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 311, 21, 10], policies.clone());
        params.custom_extensions.extend([attestation(&[30]), application]);
    });
    assert_eq!(verifier.tpm(&by_policy), Err(Why::TpmRole));
}

#[test]
fn an_authority_vouches_for_others_not_for_itself() {
    let root = Authority::with_key("root", KeyPair::generate().expect("a key"), &|params| {
        params.custom_extensions.push(attestation(&[30]));
    });
    let below = root.authority("below", &|params| params.custom_extensions.push(attestation(&[30])));
    let verifier = trusting(&[&root]);
    assert_eq!((verifier.tpm(&root.der), verifier.tpm(&below.der)), (Err(Why::NotEndEntity), Err(Why::NotEndEntity)));
}

#[test]
fn an_end_entity_is_no_issuer_even_if_it_is_listed() {
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa] {
        let alone = Authority::with_key("alone", KeyPair::generate().expect("a key"), &|params| {
            params.is_ca = is_ca;
            params.custom_extensions.push(attestation(&[30]));
        });
        let refused = Issuers::parse(alone.pem().as_bytes()).expect_err("an end entity");
        assert!(refused.to_string().contains("line 1: "), "{refused}");
        let mut verifier = trusting_thumbprints(&[&alone.der]);
        verifier.offer_issuer(&alone.der, None);
        assert_eq!(verifier.tpm(&alone.der), Err(Why::BadChain));
        assert_eq!(verifier.tpm(&alone.user(&[30])), Err(Why::BadChain));
    }
}

#[test]
fn an_issuer_known_by_thumbprint_comes_from_the_scan() {
    let (root, other) = (Authority::new("root"), Authority::new("root"));
    let user = root.user(&[31]);
    let sha1 = crate::hex::text(&sha1::Sha1::digest(&root.der));
    let mut by_sha1 = Verifier::new(Issuers::parse(sha1.as_bytes()).expect("a list"));
    for verifier in [&mut by_sha1, &mut trusting_thumbprints(&[&root.der])] {
        assert_eq!(verifier.tpm(&user), Err(Why::NoIssuer));
        verifier.offer_issuer(&other.der, None);
        assert_eq!(verifier.tpm(&user), Err(Why::IssuerNotListed));
        verifier.offer_issuer(&[root.der.as_slice(), b"tail"].concat(), None);
        assert_eq!(verifier.tpm(&user), Ok(Assurance::Medium));
        assert_eq!(verifier.tpm(&other.user(&[31])), Err(Why::BadSignature));
    }
}

#[test]
fn key_usage_of_the_issuer_is_respected_where_it_is_there() {
    for (usages, expected) in [
        (&[KeyUsagePurpose::KeyCertSign][..], Ok(Assurance::High)),
        (&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign], Ok(Assurance::High)),
        (&[], Ok(Assurance::High)),
        (&[KeyUsagePurpose::CrlSign], Err(Why::BadChain)),
    ] {
        let root = Authority::with_key("root", KeyPair::generate().expect("a key"), &|params| {
            params.key_usages = usages.to_vec();
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        });
        assert_eq!(trusting(&[&root]).tpm(&root.user(&[30])), expected, "{usages:?}");
    }
}

#[test]
fn a_certificate_begins_within_the_validity_of_its_issuer() {
    let root = Authority::with_key("root", KeyPair::generate().expect("a key"), &|params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2003, 1, 1);
    });
    let verifier = trusting(&[&root]);
    let from = |year, month, day| {
        verifier.tpm(&root.user_with(&|params| {
            params.custom_extensions.push(attestation(&[32]));
            params.not_before = date_time_ymd(year, month, day);
        }))
    };
    assert_eq!(from(2000, 12, 31), Err(Why::NotWithinValidity));
    assert_eq!(
        (from(2001, 1, 1), from(2002, 5, 5), from(2003, 1, 1)),
        (Ok(Assurance::Low), Ok(Assurance::Low), Ok(Assurance::Low))
    );
    assert_eq!(from(2003, 1, 2), Err(Why::NotWithinValidity));
}

#[test]
fn doubts_and_critical_unknowns_are_no_proof() {
    let root = Authority::new("root");
    let mut verifier = trusting(&[&root]);
    let twice = root.user_with(&|params| params.custom_extensions.extend([attestation(&[32]), attestation(&[30])]));
    assert_eq!(verifier.tpm(&twice), Err(Why::Unreadable));
    let unknown = |is_critical| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(is_critical);
        extension
    };
    for (is_critical, expected) in [(true, Err(Why::Unreadable)), (false, Ok(Assurance::High))] {
        let user = root.user_with(&|params| {
            params.custom_extensions.extend([attestation(&[30]), unknown(is_critical)]);
        });
        assert_eq!(verifier.tpm(&user), expected);
    }
    // Of a listed issuer the user has decided.
    let strange = Authority::with_key("strange", KeyPair::generate().expect("a key"), &|params| {
        params.custom_extensions.push(unknown(true));
    });
    verifier = trusting(&[&strange]);
    assert_eq!(verifier.tpm(&strange.user(&[30])), Ok(Assurance::High));
}
