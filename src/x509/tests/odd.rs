//! Odd certificates survive, and say what is odd; look-alikes do not become certificates.

use super::build::{Certificate, attribute, cn, element, extension, key, name, oid, rdn, rsa_key, seq};
use crate::x509::{Facts, MAX_PROBLEMS, frame_len, parse};

/// Fields with a problem.
fn fields(facts: &Facts) -> Vec<&str> {
    facts.problems.iter().map(|problem| &*problem.field).collect()
}

fn with_extensions(extensions: &[Vec<u8>]) -> Certificate {
    Certificate { extensions: extensions.to_vec(), ..Certificate::default() }
}

fn ext(dotted: &str, value: &[u8]) -> Vec<u8> {
    extension(&oid(dotted), false, value)
}

#[test]
fn serial_numbers() {
    for (content, serial, negative) in [
        (&[0x00][..], "00", false),
        (&[0x00, 0x80], "80", false),
        (&[0x00, 0x7f], "007f", false),
        (&[0x80], "80", true),
        (&[0xff, 0x01], "ff01", true),
        (&[0x5a; 40], &*"5a".repeat(40), false),
    ] {
        let facts = Certificate { serial: element(2, content), ..Certificate::default() }.clean();
        assert_eq!((facts.serial.as_deref(), facts.serial_is_negative), (Some(serial), Some(negative)));
    }
    let facts = Certificate { serial: element(2, &[]), ..Certificate::default() }.facts();
    assert_eq!((facts.serial.as_deref(), facts.serial_is_negative, fields(&facts)), (None, None, vec!["serial"]));
}

#[test]
fn versions() {
    let version = |element: Vec<u8>| Certificate { version: element, ..Certificate::default() }.facts();
    assert_eq!(version(Vec::new()).version, Some(1));
    assert_eq!(version(element(0xa0, &element(2, &[1]))).version, Some(2));
    let fourth = version(element(0xa0, &element(2, &[3])));
    assert_eq!((fourth.version, fields(&fourth)), (Some(4), vec!["version"]));
    let negative = version(element(0xa0, &element(2, &[0xff])));
    assert_eq!((negative.version, fields(&negative)), (None, vec!["version"]));
}

#[test]
fn names_in_every_string_type() {
    let types = [(30, &[0, b'a', 0x04, 0x1a][..]), (28, &[0, 0, 0, b'b']), (20, b"\xe9"), (19, b"c*"), (22, b"d")];
    let rdns: Vec<_> = types.iter().map(|(tag, value)| rdn(&[attribute(&[0x55, 4, 11], *tag, value)])).collect();
    let facts = Certificate { subject: name(&rdns), issuer: name(&[]), ..Certificate::default() }.clean();
    assert_eq!(facts.subject.as_deref(), Some("OU=d,OU=c*,OU=é,OU=b,OU=aК"));
    assert_eq!((facts.subject_cn, facts.issuer), (None, None));
}

#[test]
fn a_name_with_a_broken_part_is_not_shown_without_it() {
    let broken = name(&[rdn(&[attribute(&[0x55, 4, 3], 12, b"x")]), element(0x31, &[0x30, 0x05])]);
    let facts = Certificate { subject: broken, ..Certificate::default() }.facts();
    assert_eq!((facts.subject.as_deref(), facts.subject_cn.as_deref(), fields(&facts)), (None, None, vec!["subject"]));
    assert_eq!(facts.issuer_cn.as_deref(), Some("ca.example.test"));
}

#[test]
fn dates() {
    let validity = |before: Vec<u8>, after: Vec<u8>| Certificate {
        not_before: before,
        not_after: after,
        ..Certificate::default()
    };
    let facts = validity(element(0x17, b"500101000000Z"), element(0x18, b"99991231235959Z")).clean();
    assert_eq!((facts.not_before, facts.not_after_year), (Some(-631_152_000_000_000), Some(9999)));
    assert_eq!(facts.validity_days, Some(2_940_201));
    let facts = validity(element(0x17, b"20250101000000Z"), element(0x17, b"never")).facts();
    assert_eq!(facts.not_before, Some(1_735_689_600_000_000));
    assert_eq!((facts.not_after, facts.not_after_year, facts.validity_days), (None, None, None));
    assert_eq!(fields(&facts), ["not_before", "not_after"]);
    let backwards = validity(element(0x17, b"250102000000Z"), element(0x17, b"250101120000Z")).clean();
    assert_eq!(backwards.validity_days, Some(-1), "rounded down");
}

#[test]
fn rsa_keys() {
    let facts = |modulus: &[u8], exponent: &[u8]| {
        Certificate { key: rsa_key(modulus, exponent), ..Certificate::default() }.facts()
    };
    let small = facts(&[&[0x00, 0x80], &[0; 127][..]].concat(), &[3]);
    assert_eq!((small.key_size_bits, small.rsa_exponent), (Some(1024), Some(3)));
    assert_eq!(small.weak_reasons, ["rsa_below_2048", "rsa_exponent_small"]);
    assert_eq!(facts(&[&[0x01], &[0; 255][..]].concat(), &[1, 0, 1]).key_size_bits, Some(2041));
    let padded = facts(&[&[0x00, 0x00, 0x80], &[0; 255][..]].concat(), &[1, 0, 1]);
    assert_eq!((padded.key_size_bits, fields(&padded)), (Some(2048), vec!["key_size_bits"]));
    let huge = facts(&[0x7f; 256], &[0x7f; 9]);
    assert_eq!((huge.key_size_bits, huge.rsa_exponent), (Some(2047), None));
    let broken =
        Certificate { key: key("1.2.840.113549.1.1.1", element(5, &[]), &[1, 2, 3]), ..Certificate::default() }.facts();
    assert_eq!((broken.key_algorithm.as_deref(), broken.key_size_bits), (Some("rsa"), None));
    assert!(broken.spki_sha256.is_some() && broken.public_key_sha1.is_some());
}

#[test]
fn keys_by_algorithm() {
    let facts = |algorithm: &str, parameters: Vec<u8>| {
        Certificate { key: key(algorithm, parameters, &[4; 33]), ..Certificate::default() }.clean()
    };
    for (algorithm, name, status, bits) in [
        ("1.3.101.110", "x25519", Some("quantum_vulnerable"), Some(255)),
        ("1.3.101.111", "x448", Some("quantum_vulnerable"), Some(448)),
        ("2.16.840.1.101.3.4.3.17", "ml_dsa_44", Some("post_quantum"), None),
        ("2.16.840.1.101.3.4.3.19", "ml_dsa_87", Some("post_quantum"), None),
        ("2.16.840.1.101.3.4.4.2", "ml_kem_768", Some("post_quantum"), None),
        ("2.16.840.1.101.3.4.3.20", "slh_dsa_sha2_128s", Some("post_quantum"), None),
        ("2.16.840.1.101.3.4.3.31", "slh_dsa_shake_256f", Some("post_quantum"), None),
        ("1.3.6.1.5.5.7.6.45", "composite_mldsa65_ecdsa_p256_sha512", Some("composite"), None),
        ("1.2.3.4", "1.2.3.4", None, None),
    ] {
        let facts = facts(algorithm, Vec::new());
        assert_eq!((facts.key_algorithm.as_deref(), facts.pqc_status, facts.key_size_bits), (Some(name), status, bits));
    }
    for (curve, name, bits) in [
        ("1.2.840.10045.3.1.7", "p256", Some(256)),
        ("1.3.132.0.35", "p521", Some(521)),
        ("1.3.36.3.3.2.8.1.1.7", "brainpool_p256r1", Some(256)),
        ("1.2.3", "1.2.3", None),
    ] {
        let facts = facts("1.2.840.10045.2.1", element(6, &oid(curve)));
        assert_eq!((facts.curve.as_deref(), facts.key_size_bits), (Some(name), bits));
        assert_eq!(facts.weak_reasons, [""; 0]);
    }
    assert_eq!(facts("1.2.840.10045.2.1", element(6, &oid("1.3.132.0.8"))).weak_reasons, ["ec_below_224"]);
    let implicit =
        Certificate { key: key("1.2.840.10045.2.1", element(5, &[]), &[4; 65]), ..Certificate::default() }.facts();
    assert_eq!((implicit.curve.as_deref(), fields(&implicit)), (None, vec!["curve"]));
}

#[test]
fn signatures() {
    let signed = |dotted: &str, parameters: Vec<u8>| {
        Certificate { algorithm: seq(&[element(6, &oid(dotted)), parameters]), ..Certificate::default() }.facts()
    };
    let pss = signed("1.2.840.113549.1.1.10", seq(&[]));
    assert_eq!((pss.signature_hash.as_deref(), pss.pss_mgf_hash.as_deref()), (Some("sha1"), Some("sha1")));
    assert_eq!((pss.pss_salt_length, fields(&pss)), (Some(20), vec![]));
    assert_eq!(pss.weak_reasons, ["sha1_signature"]);
    assert_eq!(signed("1.2.840.113549.1.1.10", Vec::new()).pss_salt_length, Some(20));
    assert_eq!(fields(&signed("1.2.840.113549.1.1.10", element(4, &[1]))), ["signature_hash"]);
    assert_eq!(signed("1.2.840.113549.1.1.4", element(5, &[])).weak_reasons, ["md5_signature"]);
    assert_eq!(signed("1.2.840.113549.1.1.2", element(5, &[])).weak_reasons, ["md2_signature"]);
    assert_eq!(signed("2.16.840.1.101.3.4.3.18", Vec::new()).signature_algorithm.as_deref(), Some("ml_dsa_65"));
    assert_eq!(signed("1.2.3", Vec::new()).signature_algorithm.as_deref(), Some("1.2.3"));
    let specified = signed("1.2.840.10045.4.3", seq(&[element(6, &oid("2.16.840.1.101.3.4.2.1"))]));
    assert_eq!(specified.signature_hash.as_deref(), Some("sha256"));
    let outer = seq(&[element(6, &oid("1.2.840.113549.1.1.5"))]);
    let differs = Certificate { outer_algorithm: Some(outer), ..Certificate::default() }.facts();
    assert_eq!(differs.signature_algorithm.as_deref(), Some("sha256_with_rsa"), "the signed one");
    assert_eq!(fields(&differs), ["signature_algorithm"]);
}

#[test]
fn unknown_and_repeated_extensions() {
    let usage = |bits: u8| element(3, &[0, bits]);
    let certificate = with_extensions(&[
        extension(&oid("1.2.3.4"), true, &[1, 2, 3]),
        extension(&oid("2.5.29.15"), true, &usage(0x80)),
        extension(&oid("2.5.29.30"), true, &seq(&[])),
        ext("2.5.29.15", &usage(0x40)),
        ext("1.2.3.5", &[]),
    ]);
    let facts = certificate.facts();
    assert_eq!(facts.key_usage, ["digitalSignature"]);
    assert_eq!(facts.unknown_critical, ["1.2.3.4", "2.5.29.30"]);
    assert_eq!(facts.extension_oids, ["1.2.3.4", "2.5.29.15", "2.5.29.30", "2.5.29.15", "1.2.3.5"]);
    assert_eq!(fields(&facts), ["2.5.29.15"]);
}

#[test]
fn basic_constraints() {
    let constraints = |value: &[u8]| with_extensions(&[ext("2.5.29.19", value)]).facts();
    let ca = constraints(&seq(&[element(1, &[0xff]), element(2, &[0])]));
    assert_eq!((ca.is_ca, ca.path_length, fields(&ca)), (Some(true), Some(0), vec![]));
    assert_eq!(constraints(&seq(&[])).is_ca, Some(false));
    let other_true = constraints(&seq(&[element(1, &[0x01])]));
    assert_eq!((other_true.is_ca, fields(&other_true)), (Some(true), vec![]), "x509-parser takes TRUE as BER has it");
    let ber = constraints(&[0x30, 0x80, 0x01, 0x01, 0x01, 0x00, 0x00]);
    assert_eq!((ber.is_ca, fields(&ber)), (Some(true), vec!["2.5.29.19"]));
    let broken = constraints(&element(4, &[]));
    assert_eq!((broken.is_ca, fields(&broken)), (None, vec!["2.5.29.19"]));
    let trailing = constraints(&[&seq(&[element(1, &[0xff])])[..], &[0]].concat());
    assert_eq!((trailing.is_ca, fields(&trailing)), (Some(true), vec!["2.5.29.19"]));
}

#[test]
fn a_damaged_list_of_extensions_answers_nothing_by_absence() {
    let damaged = with_extensions(&[ext("2.5.29.14", &element(4, &[7])), vec![0x30, 0x7f]]).facts();
    assert_eq!((damaged.subject_key_id.as_deref(), damaged.is_ca), (Some("07"), None));
    assert_eq!(fields(&damaged), ["extension_oids"]);
    let tail = Certificate { tail: element(4, &[1]), ..Certificate::default() }.facts();
    assert_eq!((tail.is_ca, fields(&tail)), (None, vec!["extension_oids"]));
}

#[test]
fn extended_key_usage() {
    let usage = |usages: &[&str]| {
        let usages: Vec<_> = usages.iter().map(|usage| element(6, &oid(usage))).collect();
        with_extensions(&[ext("2.5.29.37", &seq(&usages))]).clean()
    };
    let any = usage(&["2.5.29.37.0"]);
    assert_eq!(
        (any.is_client_auth, any.is_server_auth, any.is_smart_card_logon),
        (Some(true), Some(true), Some(false))
    );
    let ordered = usage(&["1.2.3", "1.3.6.1.5.5.7.3.1", "1.2.3"]);
    assert_eq!(ordered.eku, ["1.2.3", "1.3.6.1.5.5.7.3.1", "1.2.3"]);
    let empty = usage(&[]);
    assert_eq!((empty.has_eku, empty.is_client_auth), (true, Some(false)));
    let broken = with_extensions(&[ext("2.5.29.37", &element(2, &[1]))]).facts();
    assert_eq!((broken.has_eku, broken.is_client_auth, fields(&broken)), (true, None, vec!["2.5.29.37"]));
}

#[test]
fn policies_with_a_broken_qualifier_keep_their_identifiers() {
    let policy = seq(&[element(6, &oid("1.3.6.1.4.1.311.21.32")), seq(&[element(2, &[1])])]);
    let facts = with_extensions(&[ext("2.5.29.32", &seq(&[policy]))]).facts();
    assert_eq!((facts.attestation_policies.as_slice(), fields(&facts)), (&[32][..], vec![]));
}

#[test]
fn self_signed_needs_equal_names_and_no_contrary_identifiers() {
    let certificate = |extensions: &[Vec<u8>]| Certificate {
        issuer: cn("host.example.test"),
        extensions: extensions.to_vec(),
        ..Certificate::default()
    };
    let subject = |id: u8| ext("2.5.29.14", &element(4, &[id]));
    let authority = |id: u8| ext("2.5.29.35", &seq(&[element(0x80, &[id])]));
    assert_eq!(Certificate::default().clean().is_self_signed, Some(false));
    assert_eq!(certificate(&[]).clean().is_self_signed, Some(true));
    assert_eq!(certificate(&[subject(1)]).clean().is_self_signed, Some(true));
    assert_eq!(certificate(&[subject(1), authority(1)]).clean().is_self_signed, Some(true));
    assert_eq!(certificate(&[subject(1), authority(2)]).clean().is_self_signed, Some(false));
    assert_eq!(certificate(&[subject(1), ext("2.5.29.35", &[1])]).facts().is_self_signed, None);
}

#[test]
fn sid_of_extension_and_uri() {
    let uri = |sid: &str| {
        let uri = format!("tag:microsoft.com,2022-09-14:sid:{sid}");
        ext("2.5.29.17", &seq(&[element(0x86, uri.as_bytes())]))
    };
    let octets = element(0xa0, &element(4, b"S-1-5-21-1"));
    let sid = ext(
        "1.3.6.1.4.1.311.25.2",
        &seq(&[element(0xa0, &[element(6, &oid("1.3.6.1.4.1.311.25.2.1")), octets].concat())]),
    );
    assert_eq!(with_extensions(&[uri("S-1-5-21-7")]).clean().sid.as_deref(), Some("S-1-5-21-7"));
    assert_eq!(with_extensions(&[sid.clone(), uri("S-1-5-21-1")]).clean().sid.as_deref(), Some("S-1-5-21-1"));
    for order in [[sid.clone(), uri("S-1-5-21-7")], [uri("S-1-5-21-7"), sid]] {
        let facts = with_extensions(&order).facts();
        assert_eq!((facts.sid.as_deref(), fields(&facts)), (Some("S-1-5-21-1"), vec!["sid"]));
    }
}

#[test]
fn trailing_bytes_and_long_lengths() {
    let plain = Certificate::default();
    let der = plain.der();
    let padded = [&der[..], &[0; 100]].concat();
    assert_eq!(frame_len(&padded), Some(der.len()));
    assert_eq!(parse(&padded), parse(&der));
    // Lengths in more octets than needed are read; they are what x509-parser accepts, too.
    let issuer = [&[0x30, 0x81, (plain.issuer.len() - 2) as u8][..], &plain.issuer[2..]].concat();
    let long = Certificate { issuer, ..plain.clone() }.clean();
    assert_eq!(long.issuer.as_deref(), Some("CN=ca.example.test"));
}

#[test]
fn ber_is_read_and_reported() {
    let plain = Certificate::default();
    let indefinite = |element: &[u8], header: usize| [&[element[0], 0x80][..], &element[header..], &[0, 0]].concat();
    let ber = Certificate { subject: indefinite(&plain.subject, 2), ..plain.clone() };
    let facts = ber.facts();
    assert_eq!(facts.subject, plain.clean().subject);
    assert_eq!(fields(&facts), ["certificate"]);
    let outer = indefinite(&plain.der(), 4);
    assert_eq!(frame_len(&outer), Some(outer.len()));
    assert_eq!(parse(&outer).expect("a certificate"), plain.clean(), "a frame of any encoding");
}

#[test]
fn problems_are_bounded() {
    let facts = with_extensions(&vec![ext("1.2.3", &[]); 1000]).facts();
    assert_eq!((facts.problems.len(), facts.extension_oids.len()), (MAX_PROBLEMS + 1, 1000));
}

#[test]
fn look_alikes_are_refused() {
    let part = Certificate::default();
    let signature = element(3, &[0, 1]);
    let time = element(0x17, b"250101000000Z");
    let request = seq(&[element(2, &[0]), part.subject.clone(), part.key.clone(), element(0xa0, &[])]);
    let crl = seq(&[element(2, &[1]), part.algorithm.clone(), part.issuer.clone(), time.clone(), time.clone()]);
    let crl_v1 = seq(&[part.algorithm.clone(), part.issuer.clone(), time.clone()]);
    let holder = seq(&[element(0xa0, &[])]);
    let issuer = element(0xa0, &[]);
    let validity = seq(&[element(0x18, b"20250101000000Z"), element(0x18, b"20260101000000Z")]);
    let attribute =
        seq(&[element(2, &[1]), holder, issuer, part.algorithm.clone(), part.serial.clone(), validity, seq(&[])]);
    for signed in [request, crl, crl_v1, attribute] {
        assert!(parse(&seq(&[signed, part.algorithm.clone(), signature.clone()])).is_err());
    }
    let algorithm = seq(&[element(6, &oid("1.2.840.113549.1.1.1")), element(5, &[])]);
    assert!(parse(&seq(&[element(2, &[0]), algorithm.clone(), element(4, &[0])])).is_err(), "PKCS#8");
    assert!(parse(&seq(&[algorithm, element(4, &[0])])).is_err(), "encrypted PKCS#8");
    assert!(parse(&seq(&[element(2, &[3]), seq(&[])])).is_err(), "PKCS#12");
    assert!(parse(&part.key).is_err(), "a bare public key");
    assert!(parse(&[]).is_err());
    let der = part.der();
    assert!(parse(&der[..der.len() - 1]).is_err(), "truncated");
    assert_eq!(frame_len(&der[..der.len() - 1]), None);
    assert_eq!(frame_len(b"-----BEGIN CERTIFICATE-----"), None);
}
