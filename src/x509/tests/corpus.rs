//! Real certificates: each is read without a problem, and the facts of its fields equal what x509-parser says of
//! the whole.

use std::fs;
use std::path::{Path, PathBuf};

use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

use crate::x509::{Facts, frame_len, oid, parse};

/// The folder of real files: beside the package or where `CERTCENSUS_CORPUS` says. Tests pass without it.
#[expect(clippy::print_stdout, reason = "a skipped test says why")]
pub(super) fn corpus() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("CERTCENSUS_CORPUS").map_or(default, PathBuf::from).join("binary");
    if !folder.is_dir() {
        println!("skipped: no corpus at {}", folder.display());
        return None;
    }
    Some(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// Certificates of a serialized store, in order: records of id, encoding, length, value; id 32 is a certificate.
pub(super) fn store(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).expect("a store");
    let mut rest = bytes.get(8..).expect("a header");
    let mut certificates = Vec::new();
    while let [id, _, _, _, _, _, _, _, a, b, c, d, tail @ ..] = rest {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let (value, after) = tail.split_at(length);
        if *id == 32 {
            certificates.push(value.to_vec());
        }
        rest = after;
    }
    certificates
}

/// Base64 between PEM lines.
fn pem(path: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(path).expect("a text");
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let blocks = blocks.filter_map(|block| block.split("-----END").next());
    blocks
        .map(|block| {
            let letters: String = block.split_whitespace().collect();
            base64_simd::STANDARD.decode_to_vec(letters.as_bytes()).expect("base64")
        })
        .collect()
}

/// Compares the facts with the whole certificate as x509-parser reads it.
fn cross_check(der: &[u8], facts: &Facts) {
    let (_, whole) = X509Certificate::from_der(der).expect("a certificate for x509-parser, too");
    assert_eq!(facts.version, i32::try_from(whole.version.0 + 1).ok());
    let serial: String = whole.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect();
    let facts_serial = facts.serial.as_deref().expect("a serial");
    assert!(serial == facts_serial || serial == format!("00{facts_serial}"));
    assert_eq!(facts.not_before, Some(whole.validity.not_before.timestamp() * 1_000_000));
    assert_eq!(facts.not_after, Some(whole.validity.not_after.timestamp() * 1_000_000));
    for (text, name) in [(&facts.subject, &whole.subject), (&facts.issuer, &whole.issuer)] {
        assert_eq!(count_attributes(text.as_deref()), name.iter_attributes().count(), "{text:?}");
    }
    let oids: Vec<_> = whole.extensions().iter().map(|extension| oid::text(extension.oid.as_bytes())).collect();
    assert_eq!(facts.extension_oids, oids);
    assert_eq!(facts.is_ca, Some(whole.is_ca()));
    let dns = whole.subject_alternative_name().ok().flatten().map_or(0, |names| {
        let names = names.value.general_names.iter();
        names.filter(|name| matches!(name, x509_parser::extensions::GeneralName::DNSName(_))).count()
    });
    assert_eq!(facts.san_dns.len(), dns);
    for extension in whole.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::CertificatePolicies(policies) => {
                let policies: Vec<_> = policies.iter().map(|policy| oid::text(policy.policy_id.as_bytes())).collect();
                assert_eq!(facts.certificate_policies, policies);
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                assert!(facts.ocsp_urls.len() + facts.ca_issuer_urls.len() <= access.accessdescs.len());
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                assert_eq!(facts.is_client_auth, Some(usage.any || usage.client_auth));
                assert_eq!(facts.is_server_auth, Some(usage.any || usage.server_auth));
            }
            ParsedExtension::ParseError { .. } => panic!("a value that x509-parser refuses has no problem"),
            _ => {}
        }
    }
}

/// Attributes of an RFC 4514 text: separators that no backslash escapes, and one.
fn count_attributes(text: Option<&str>) -> usize {
    let Some(text) = text else { return 0 };
    let mut escaped = false;
    let separators = text.chars().filter(|character| {
        let separates = !escaped && matches!(character, ',' | '+');
        escaped = !escaped && *character == '\\';
        separates
    });
    separators.count() + 1
}

/// Reads a certificate, which must have no problem, and checks it.
fn clean(origin: &str, der: &[u8]) -> Facts {
    assert_eq!(frame_len(der), Some(der.len()), "{origin}");
    let facts = parse(der).expect(origin);
    assert_eq!(facts.problems, [], "{origin}");
    cross_check(der, &facts);
    facts
}

#[test]
fn every_certificate_of_a_root_store() {
    let Some(folder) = corpus() else { return };
    let certificates = store(&folder.join("sst/roots-wu-2021.sst"));
    assert_eq!(certificates.len(), 434);
    for (number, der) in certificates.iter().enumerate() {
        let facts = clean(&format!("certificate {number}"), der);
        assert!(facts.subject.is_some() && facts.key_size_bits.is_some(), "certificate {number}");
    }
}

#[test]
fn certificates_in_files() {
    let Some(folder) = corpus() else { return };
    for path in files(&folder.join("cert")) {
        let der = fs::read(&path).expect("a file");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("platform-") {
            assert!(parse(&der).is_err(), "{name} is an attribute certificate");
            continue;
        }
        let facts = clean(&name, &der);
        match name.as_ref() {
            "aik-policy-21-31-1.cer" => {
                assert_eq!(facts.attestation_policies, [31]);
                assert_eq!(facts.tpm_role, Some("attestation_identity_key"));
            }
            "tpm-ek.cer" => assert_eq!((facts.tpm_role, facts.subject), (Some("endorsement_key"), None)),
            "yubikey-attestation-1.cer" => {
                assert_eq!((facts.yubikey_firmware.as_deref(), facts.is_yubikey_attestation), (Some("5.4.3"), false));
            }
            "yubikey-attestation-3.cer" => {
                assert_eq!((facts.yubikey_firmware.as_deref(), facts.is_yubikey_attestation), (Some("4.3.7"), false));
            }
            name if name.starts_with("corefx-CertWith") => {
                assert_eq!(facts.template_name.as_deref(), Some("Hello"));
                let version = (facts.template_major, facts.template_minor);
                assert_eq!((facts.template_oid.as_deref(), version), (Some("2.7.8.9"), (Some(3), Some(2))));
            }
            _ => {}
        }
    }
}

#[test]
fn certificates_in_pem() {
    let Some(folder) = corpus() else { return };
    let certificates = pem(&folder.join("pem/corefx-ConcatenatedPemFile.pem"));
    assert_eq!(certificates.len(), 2);
    for der in certificates {
        clean("PEM block", &der);
    }
}

#[test]
fn requests_are_no_certificates() {
    let Some(folder) = corpus() else { return };
    for path in files(&folder.join("csr")).iter().filter(|path| path.extension().is_some_and(|der| der == "der")) {
        let der = fs::read(path).expect("a file");
        assert!(frame_len(&der).is_some() && parse(&der).is_err(), "{}", path.display());
    }
}
