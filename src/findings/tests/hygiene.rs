//! Rules of hygiene: each fires, and keeps silent.

use super::*;
use crate::findings::{Severity, Status};

#[track_caller]
fn fires(key: &Key<'_>, rule: &str, parts: &[&str]) {
    let outcomes = of_key(key, &Client::default(), &today());
    let outcome = only(&outcomes, rule);
    assert_eq!((outcome.status, outcome.concerns), (Status::Warns, "key"));
    assert_eq!(outcome.severity, outcome.rule.severity);
    assert!(parts.iter().all(|part| outcome.message.contains(part)), "{}", outcome.message);
}

#[track_caller]
fn keeps_silent(key: &Key<'_>, rule: &str) {
    let outcomes = of_key(key, &Client::default(), &today());
    assert!(is_silent(&outcomes, rule), "{outcomes:?}");
}

/// 2026-11-23.
const TODAY: i64 = 1_795_392_000_000_000;
const DAY: i64 = 86_400_000_000;

fn today() -> Context<'static> {
    Context::new(Scan { as_of: Some(TODAY), ..Scan::default() })
}

fn texts(words: &[&'static str]) -> &'static [Text<'static>] {
    words.iter().map(|word| Cow::Borrowed(*word)).collect::<Vec<_>>().leak()
}

/// [MS-CRTD] 2.27: the attestation flags of a template.
#[test]
fn hardware_without_a_verified_attestation() {
    const RULE: &str = "hardware_claimed_not_attested";
    let (plain, marked) = ([certificate()], [CertificateFacts { has_attestation_marks: true, ..certificate() }]);
    let asks = |word: &str| TemplateFacts { attestation: Some(word.to_owned()), ..TemplateFacts::default() };
    let (required, preferred, none) = (asks("required"), asks("preferred"), asks("none"));
    let tpm = Key { storage: verdict(KeyStorage::Tpm), hardware_backed: Some(true), ..key(KeyApi::Cng, &plain) };
    fires(&Key { templates: &[&none, &required], ..tpm.clone() }, RULE, &["tpm", "recorded", "required"]);
    fires(&Key { templates: &[&preferred], ..tpm.clone() }, RULE, &["preferred"]);
    fires(&Key { certificates: &marked, ..tpm.clone() }, RULE, &["marks"]);
    // Nobody asked for one.
    for templates in [&[][..], &[&none]] {
        let outcomes = of_key(&Key { templates, ..tpm.clone() }, &Client::default(), &at(None));
        let outcome = only(&outcomes, RULE);
        assert_eq!(
            (outcome.severity, &*outcome.message),
            (Severity::Info, "storage tpm is known as recorded, not attested")
        );
    }
    let attested = Verdict { grade: Some(Grade::Attested), ..verdict(KeyStorage::Tpm) };
    keeps_silent(&Key { templates: &[&required], storage: attested, ..tpm.clone() }, RULE);
    keeps_silent(&Key { templates: &[&required], hardware_backed: None, ..tpm.clone() }, RULE);
    // A claim that something stronger contradicts, or leaves open.
    let open = Key { storage: verdict(KeyStorage::Unknown), hardware_backed: None, ..tpm.clone() };
    fires(&Key { claims_hardware: true, ..open.clone() }, RULE, &["says hardware", "unknown"]);
    keeps_silent(&open, RULE);
    let software = Key { storage: verdict(KeyStorage::Software), hardware_backed: Some(false), ..tpm };
    fires(&Key { claims_hardware: true, ..software.clone() }, RULE, &["says hardware", "software (recorded)"]);
    keeps_silent(&software, RULE);
}

/// [MS-CRTD] 2.27, and its pKIDefaultCSPs.
#[test]
fn software_where_the_template_asks_for_the_tpm() {
    const RULE: &str = "tpm_expected_software_found";
    let certificates = [certificate()];
    let named = |names: &[&str]| TemplateFacts {
        name: Some("GroveTpm".to_owned()),
        providers: names.iter().map(|&name| name.to_owned()).collect(),
        ..TemplateFacts::default()
    };
    let only_tpm = named(&["Microsoft Platform Crypto Provider"]);
    let either = named(&["Microsoft Platform Crypto Provider", "Microsoft Software Key Storage Provider"]);
    let required = TemplateFacts { attestation: Some("required".to_owned()), ..named(&[]) };
    let key = key(KeyApi::Cng, &certificates);
    fires(&Key { templates: &[&either, &only_tpm], ..key.clone() }, RULE, &["GroveTpm", "software"]);
    fires(&Key { templates: &[&required], ..key.clone() }, RULE, &["requires attestation"]);
    keeps_silent(&Key { templates: &[&either], ..key.clone() }, RULE);
    keeps_silent(&Key { templates: &[&named(&[])], ..key.clone() }, RULE);
    fires(
        &Key { templates: &[&only_tpm], storage: verdict(KeyStorage::Vbs), ..key.clone() },
        RULE,
        &["storage is vbs"],
    );
    for storage in [KeyStorage::Tpm, KeyStorage::Unknown] {
        keeps_silent(&Key { templates: &[&only_tpm], storage: verdict(storage), ..key.clone() }, RULE);
    }
}

/// NIST SP 800-57 Part 1 Revision 5, section 6.1.
#[test]
fn keys_of_sensitive_uses_that_can_be_exported() {
    const RULE: &str = "exportable_sensitive_key";
    let of = |oid: &'static str| CertificateFacts { eku: texts(&[oid]), ..certificate() };
    for (certificate, name) in [
        (CertificateFacts { is_ca: Some(true), ..certificate() }, "certification authority"),
        (CertificateFacts { is_smart_card_logon: Some(true), has_sid: true, ..certificate() }, "smart-card logon"),
        (of("1.3.6.1.5.5.7.3.3"), "code signing"),
        (of("1.3.6.1.4.1.311.20.2.1"), "certificate request agent"),
        (of("1.3.6.1.4.1.311.21.6"), "key recovery agent"),
        (of("1.3.6.1.4.1.311.21.5"), "CA exchange"),
    ] {
        let certificates = [certificate];
        let key = key(KeyApi::Cng, &certificates);
        fires(&Key { is_exportable: Some(true), ..key.clone() }, RULE, &[name]);
        keeps_silent(&key, RULE);
        keeps_silent(&Key { is_exportable: None, ..key }, RULE);
    }
    let certificates = [of("1.3.6.1.5.5.7.3.1")];
    keeps_silent(&Key { is_exportable: Some(true), ..key(KeyApi::Cng, &certificates) }, RULE);
}

/// NIST SP 800-131A Revision 2.
#[test]
fn weak_keys_and_signatures_are_told_apart() {
    let of = |reasons: &[&'static str]| CertificateFacts { weak_reasons: texts(reasons), ..certificate() };
    let weak = [CertificateFacts { key_size_bits: Some(1024), ..of(&["rsa_below_2048", "sha1_signature"]) }];
    fires(&key(KeyApi::Cng, &weak), "weak_key", &["rsa, 1024 bits", "(rsa_below_2048)"]);
    for reason in ["rsa_exponent_small", "dsa", "ec_below_224"] {
        fires(&key(KeyApi::Cng, &[of(&[reason])]), "weak_key", &[reason]);
        keeps_silent(&key(KeyApi::Cng, &[of(&[reason])]), "weak_signature");
    }
    let signed = CertificateFacts { signature_algorithm: Some("sha1_with_rsa"), ..of(&["sha1_signature"]) };
    fires(&key(KeyApi::Cng, std::slice::from_ref(&signed)), "weak_signature", &["sha1_with_rsa", "sha1_signature"]);
    keeps_silent(&key(KeyApi::Cng, std::slice::from_ref(&signed)), "weak_key");
    let root = [CertificateFacts { is_self_signed: Some(true), ..signed }];
    keeps_silent(&key(KeyApi::Cng, &root), "weak_signature");
}

/// CVE-2017-15361.
#[test]
fn keys_of_the_faulty_chip() {
    let certificates = [CertificateFacts { is_roca: true, ..certificate() }];
    fires(&key(KeyApi::Cng, &certificates), "roca_key", &["rsa, 2048 bits", "CVE-2017-15361"]);
    keeps_silent(&key(KeyApi::Cng, &[certificate()]), "roca_key");
}

/// Microsoft KB5014754.
#[test]
fn logon_certificates_without_a_security_identifier() {
    const RULE: &str = "missing_sid";
    let logon = CertificateFacts { is_smart_card_logon: Some(true), ..certificate() };
    let user = CertificateFacts { has_upn: true, ..client_certificate() };
    fires(&key(KeyApi::Cng, std::slice::from_ref(&logon)), RULE, &["smart-card logon", "1.3.6.1.4.1.311.25.2"]);
    fires(&key(KeyApi::Cng, std::slice::from_ref(&user)), RULE, &["user principal name"]);
    for certificate in [
        CertificateFacts { has_sid: true, ..logon.clone() },
        CertificateFacts { has_sid: true, ..user.clone() },
        CertificateFacts { not_after: Some(TODAY - DAY), ..logon.clone() },
        CertificateFacts { is_self_signed: Some(true), ..user },
        client_certificate(),
        CertificateFacts { has_upn: true, ..certificate() },
    ] {
        keeps_silent(&key(KeyApi::Cng, &[certificate]), RULE);
    }
    // The one that ends last decides.
    keeps_silent(&key(KeyApi::Cng, &[CertificateFacts { has_sid: true, ..logon.clone() }, logon]), RULE);
}

/// NIST IR 8547 (initial public draft), table 2.
#[test]
fn certificates_that_last_longer_than_their_algorithm() {
    const RULE: &str = "quantum_vulnerable_long_lived";
    let of =
        |year, bits| CertificateFacts { not_after: Some(micros(year, 6)), key_size_bits: Some(bits), ..certificate() };
    fires(&key(KeyApi::Cng, &[of(2036, 4096)]), RULE, &["rsa, 4096 bits", "disallowed after 2035", "2036-0"]);
    fires(&key(KeyApi::Cng, &[of(2031, 2048)]), RULE, &["deprecated after 2030", "2031-0"]);
    keeps_silent(&key(KeyApi::Cng, &[of(2031, 3072)]), RULE);
    keeps_silent(&key(KeyApi::Cng, &[of(2030, 2048)]), RULE);
    keeps_silent(&key(KeyApi::Cng, &[CertificateFacts { key_algorithm: Some("ec"), ..of(2031, 256) }]), RULE);
    keeps_silent(&key(KeyApi::Cng, &[CertificateFacts { pqc_status: Some("post_quantum"), ..of(2040, 2048) }]), RULE);
    keeps_silent(&key(KeyApi::Cng, &[CertificateFacts { not_after: None, ..of(2040, 2048) }]), RULE);
}

#[test]
fn years_of_the_plan_begin_with_their_first_day() {
    const RULE: &str = "quantum_vulnerable_long_lived";
    for (end, is_hit) in [(1_924_991_999, false), (1_924_992_000, true)] {
        let certificates = [CertificateFacts { not_after: Some(end * 1_000_000), ..certificate() }];
        let outcomes = of_key(&key(KeyApi::Cng, &certificates), &Client::default(), &at(None));
        assert_eq!(!is_silent(&outcomes, RULE), is_hit);
    }
    let certificates = [CertificateFacts { not_after: Some(1_924_992_000_000_000), ..certificate() }];
    fires(&key(KeyApi::Cng, &certificates), RULE, &["ends on 2031-01-01"]);
    let certificates = [CertificateFacts { not_after: Some(2_082_758_400_000_000), ..certificate() }];
    fires(&key(KeyApi::Cng, &certificates), RULE, &["ends on 2036-01-01", "disallowed after 2035"]);
}

/// Microsoft, AD CS post-quantum overview: ML-DSA is in CNG alone.
#[test]
fn signing_keys_in_cryptoapi_cannot_move() {
    const RULE: &str = "capi_key_no_pqc";
    let ca = [CertificateFacts { is_ca: Some(true), ..certificate() }];
    let code = [CertificateFacts { eku: texts(&["1.3.6.1.5.5.7.3.3"]), ..certificate() }];
    for certificates in [&ca, &code] {
        let provider_name = Some("Grove CSP");
        fires(&Key { provider_name, ..key(KeyApi::Capi, certificates) }, RULE, &["Grove CSP"]);
        keeps_silent(&key(KeyApi::Cng, certificates), RULE);
        keeps_silent(&key(KeyApi::Unknown, certificates), RULE);
    }
    keeps_silent(&key(KeyApi::Capi, &[client_certificate()]), RULE);
}

/// RFC 5280 4.1.2.5, against the date of the option.
#[test]
fn ends_are_compared_with_the_date_of_the_option_alone() {
    let of = |end| CertificateFacts { not_after: end, ..certificate() };
    let (expired, expiring) = ("expired_certificate", "expiring_certificate");
    fires(&key(KeyApi::Cng, &[of(Some(TODAY - DAY))]), expired, &["2026-11-22", "2026-11-23"]);
    fires(&key(KeyApi::Cng, &[of(Some(TODAY + 90 * DAY))]), expiring, &["90 days after 2026-11-23"]);
    fires(&key(KeyApi::Cng, &[of(Some(TODAY))]), expiring, &["0 days"]);
    for silent in [
        vec![of(Some(TODAY + 91 * DAY))],
        vec![of(None)],
        vec![],
        vec![of(Some(TODAY + 400 * DAY)), of(Some(TODAY - DAY))],
        vec![of(None), of(Some(TODAY - DAY))],
        vec![of(Some(TODAY - DAY)), of(None)],
    ] {
        keeps_silent(&key(KeyApi::Cng, &silent), expired);
        keeps_silent(&key(KeyApi::Cng, &silent), expiring);
    }
    for end in [TODAY - DAY, TODAY + DAY, i64::MIN, i64::MAX] {
        let certificates = [of(Some(end))];
        let outcomes = of_key(&key(KeyApi::Cng, &certificates), &Client::default(), &at(None));
        assert!(is_silent(&outcomes, expired) && is_silent(&outcomes, expiring));
        // No date is too far away to be compared.
        of_key(&key(KeyApi::Cng, &certificates), &Client::default(), &today());
    }
}

/// NIST SP 800-57 Part 1 Revision 5, section 6.1.
#[test]
fn one_key_on_several_clients() {
    let certificates = [certificate()];
    let key = key(KeyApi::Cng, &certificates);
    fires(&Key { clients_with_key: 2, ..key.clone() }, "shared_key", &["2 clients"]);
    keeps_silent(&key, "shared_key");
    keeps_silent(&Key { clients_with_key: 0, ..key.clone() }, "shared_key");
    let shared = Key { clients_with_key: 2, ..key };
    // A card goes from machine to machine, and a module in the network serves many.
    let carried = [KeyStorage::SmartCard, KeyStorage::UsbToken, KeyStorage::Hsm, KeyStorage::CloudKms];
    for storage in carried.into_iter().chain([KeyStorage::OtherHardware]) {
        keeps_silent(&Key { storage: verdict(storage), ..shared.clone() }, "shared_key");
    }
    let nowhere = Key { storage: verdict(KeyStorage::Unknown), ..shared.clone() };
    let outcomes = of_key(&nowhere, &Client::default(), &at(None));
    assert_eq!(only(&outcomes, "shared_key").severity, Severity::Low, "it may be on a card");
    keeps_silent(&Key { presence: KeyPresence::Missing, ..shared }, "shared_key");
}

/// The list's promise of fewer rows than one and a half for each private key: what nothing is wrong with gets one row at
/// most, and one more where hardware is claimed and not proved.
#[test]
fn a_sound_client_key_gets_one_row() {
    let certificates = [CertificateFacts { not_after: Some(TODAY + 300 * DAY), ..client_certificate() }];
    for api in [KeyApi::Capi, KeyApi::Cng, KeyApi::Unknown] {
        let rows = |storage| {
            let key = Key { storage, hardware_backed: Some(true), claims_hardware: true, ..key(api, &certificates) };
            of_key(&key, &Client::default(), &today()).len()
        };
        assert_eq!(rows(Verdict { grade: Some(Grade::Attested), ..verdict(KeyStorage::Tpm) }), 1);
        assert_eq!(rows(verdict(KeyStorage::Tpm)), 2);
    }
}

#[test]
fn what_is_fine_has_no_severity() {
    let certificates = [client_certificate()];
    let outcomes = of_key(&key(KeyApi::Capi, &certificates), &Client::default(), &at(None));
    assert!(outcomes.iter().all(|outcome| outcome.severity == Severity::Info));
}

#[test]
fn a_finding_names_the_certificate_that_decided() {
    let weak =
        CertificateFacts { weak_reasons: texts(&["sha1_signature", "rsa_below_2048"]), is_roca: true, ..certificate() };
    let logon = CertificateFacts { is_smart_card_logon: Some(true), ..certificate() };
    let certificates = [certificate(), weak, logon];
    let key = Key { is_exportable: Some(true), ..key(KeyApi::Capi, &certificates) };
    let outcomes = of_key(&key, &Client::default(), &today());
    for (rule, place) in
        [("weak_signature", 1), ("weak_key", 1), ("roca_key", 1), ("missing_sid", 2), ("exportable_sensitive_key", 2)]
    {
        assert_eq!(only(&outcomes, rule).certificate, place, "{rule}");
    }
}

#[test]
fn a_key_without_a_certificate_is_weak_by_its_providers_word() {
    let said = |algorithm, bits| Key { key_algorithm: Some(algorithm), key_size_bits: bits, ..key(KeyApi::Cng, &[]) };
    fires(&said("rsa", Some(512)), "weak_key", &["rsa, 512 bits, as its provider says (rsa_below_2048)"]);
    fires(&said("dsa", Some(2048)), "weak_key", &["dsa"]);
    for key in [said("rsa", Some(2048)), said("rsa", None), said("ec", Some(256))] {
        keeps_silent(&key, "weak_key");
    }
    // The certificate knows better.
    let certificates = [certificate()];
    keeps_silent(&Key { certificates: &certificates, ..said("rsa", Some(512)) }, "weak_key");
}
