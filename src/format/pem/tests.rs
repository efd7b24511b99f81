use std::collections::BTreeSet;

use super::*;
use crate::format::testing::{Collect, corpus, read_all, read_until, sample};

fn ders(seen: &Collect) -> Vec<Vec<u8>> {
    seen.observations.iter().filter_map(|o| o.der.clone()).collect()
}

fn certificates(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| sample("certificate_der", name)).collect()
}

/// A PEM block of these bytes.
fn block(label: &str, bytes: &[u8]) -> String {
    let base64 = base64_simd::STANDARD.encode_to_string(bytes);
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

#[test]
fn a_bundle_with_text_any_width_and_a_lost_line_end() {
    let bytes = sample("pem", "bundle.pem");
    let seen = read_all(&FORMAT, &bytes, "bundle.pem");
    let expected = certificates(&["rsa-leaf.cer", "ec-leaf.cer", "ca.cer", "odd-negative-serial.cer"]);
    assert_eq!((ders(&seen), seen.outcome), (expected, Outcome::Complete));
    assert_eq!(seen.skips.into_iter().collect::<Vec<_>>(), [("dh_parameters", 1)]);
    for observation in &seen.observations {
        let at = observation.lineage.byte_offset as usize;
        assert!(bytes[at..].starts_with(BEGIN.as_bytes()), "offset {at}");
    }
}

#[test]
fn utf16_gives_the_same_certificate_and_offsets_before_decoding() {
    let seen = read_all(&FORMAT, &sample("pem", "utf16.cer"), "utf16.cer");
    assert_eq!(ders(&seen), certificates(&["rsa-leaf.cer"]));
    assert_eq!(seen.observations[0].lineage.byte_offset, 2);
}

#[test]
fn a_byte_order_mark_where_files_were_joined_hides_no_block() {
    let text = block("CERTIFICATE", &sample("certificate_der", "ca.cer"));
    let joined = format!("\u{feff}{text}\u{feff}{text}");
    let seen = read_all(&FORMAT, joined.as_bytes(), "x");
    let offsets: Vec<u64> = seen.observations.iter().map(|o| o.lineage.byte_offset).collect();
    assert_eq!(offsets, [3, text.len() as u64 + 6]);
}

#[test]
fn content_decides_not_the_label() {
    let seen = read_all(&FORMAT, &sample("pem", "certutil-encode-element.txt"), "x");
    assert_eq!(seen.observations[0].claims.provider_type, Some(24));
    let chain = read_all(&FORMAT, &sample("pem", "chain.p7b"), "x");
    assert_eq!(chain.observations.iter().map(|o| o.lineage.part).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(read_all(&FORMAT, &sample("pem", "empty.p7c"), "x").records(), 0);

    let store = block("CERTIFICATE", &sample("sst", "key-kinds.sst"));
    let seen = read_all(&FORMAT, store.as_bytes(), "x");
    assert_eq!(seen.observations.iter().map(|o| o.lineage.part).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    // A CRL, a private key and a hive, each as `certutil -encode` would write them.
    let crl = [0x30, 12, 0x30, 10, 0x30, 3, 6, 1, 1, 0x30, 0, 0x17, 1, b'1'];
    let key = [0x30, 10, 2, 1, 0, 0x30, 3, 6, 1, 1, 4, 0];
    let text = [block("CERTIFICATE", &crl), block("CERTIFICATE", &key), block("CERTIFICATE", b"regf")].concat();
    let seen = read_all(&FORMAT, text.as_bytes(), "x");
    assert_eq!(seen.others.len(), 1);
    assert!(seen.others[0].contains("kind: Pkcs8"), "{}", seen.others[0]);
    assert_eq!(seen.skips.into_iter().collect::<Vec<_>>(), [("crl", 1), ("registry_hive", 1)]);
}

#[test]
fn keys_are_findings_and_never_kept() {
    let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nc2VjcmV0\n\
                -----END RSA PRIVATE KEY-----\n-----BEGIN OPENSSH PRIVATE KEY-----\nnot base64!\n\
                -----END OPENSSH PRIVATE KEY-----\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n\
                -----END EC PARAMETERS-----\n-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n\
                -----BEGIN PGP PRIVATE KEY BLOCK-----\nMAA=\n-----END PGP PRIVATE KEY BLOCK-----\n";
    let seen = read_all(&FORMAT, text.as_bytes(), "x");
    let skips: Vec<_> = seen.skips.iter().map(|(k, v)| (*k, *v)).collect();
    assert_eq!(skips, [("ec_parameters", 1), ("pgp", 1), ("tpm_wrapped_key", 1)]);
    assert_eq!(seen.others.len(), 2);
    assert!(seen.others[0].contains("kind: Pkcs1, is_encrypted: true, key_algorithm: Some(\"rsa\")"));
    assert!(seen.others[1].contains("kind: OpenSsh, is_encrypted: false"));
    assert_eq!((seen.degraded(), seen.lost()), (vec![Code::BadStructure], vec![]));
    assert_eq!(seen.records(), 5);
    assert!(!format!("{seen:?}").contains("c2VjcmV0"));
}

#[test]
fn every_kind_of_key_block_is_told_with_its_public_key() {
    let seen = read_all(&FORMAT, &sample("pem", "keys.pem"), "x");
    fn told(row: &str) -> (Option<&str>, Option<&str>, bool) {
        let part = |name: &str| {
            let (_, rest) = row.split_once(&format!("{name}: "))?;
            rest.split([',', ' ']).next()
        };
        (part("kind"), part("is_encrypted"), row.contains("spki_sha256: Some"))
    }
    let rows: Vec<_> = seen.others.iter().map(|row| told(row)).collect();
    let row = |kind, is_encrypted, has_public| (Some(kind), Some(is_encrypted), has_public);
    let expected = [
        row("Pkcs8", "false", true),
        row("Pkcs1", "true", false),
        row("Sec1", "false", true),
        row("EncryptedPkcs8", "true", false),
        row("OpenSsh", "false", true),
        row("OpenSsh", "true", true),
        row("Pkcs8", "false", false),
        row("Pkcs8", "false", false),
        row("Sec1", "false", true),
        row("Pkcs12ShroudedKeyBag", "true", false),
    ];
    assert_eq!(rows, expected);
    assert_eq!(seen.outcome, Outcome::Locked, "a PKCS#12 file whose password is not known");
    assert_eq!((seen.observations.len(), seen.degraded()), (1, vec![Code::BadStructure]));
    assert!(seen.observations[0].claims.in_file);
}

#[test]
fn headers_trust_settings_indentation_and_one_line_copies() {
    let der = sample("certificate_der", "ec-leaf.cer");
    let plain = block("CERTIFICATE", &der);
    let headers = plain.replacen("-----\n", "-----\nProc-Type: 4,MIC-CLEAR\nX: a\n continued\n\n", 1);
    let trusted = block("TRUSTED CERTIFICATE", &[&der[..], &[0x30, 0]].concat());
    let indented = plain.replace("-----BEGIN", "    -----BEGIN").replace("-----END", "    -----END");
    let joined = plain.repeat(2).replace('\n', " ");
    let old_mac = plain.repeat(2).replace('\n', "\r");
    for (text, count) in [(headers, 1), (trusted, 1), (indented, 1), (joined, 2), (old_mac, 2)] {
        let seen = read_all(&FORMAT, text.as_bytes(), "x");
        assert_eq!(ders(&seen), vec![der.clone(); count], "{text}");
        assert_eq!(seen.records(), count as u64);
        let mut offsets: Vec<u64> = seen.observations.iter().map(|o| o.lineage.byte_offset).collect();
        offsets.dedup();
        assert_eq!(offsets.len(), count, "every block has its own lineage");
    }
}

#[test]
fn damaged_blocks_are_lost_one_by_one() {
    let bytes = sample("pem", "damaged.pem");
    let seen = read_all(&FORMAT, &bytes, "x");
    assert_eq!(ders(&seen), certificates(&["rsa-leaf.cer"]));
    let expected = [Code::BadBase64, Code::Truncated, Code::BadStructure, Code::BadCertificate, Code::Truncated];
    assert_eq!((seen.lost(), seen.outcome), (expected.to_vec(), Outcome::Incomplete));
    assert!(seen.rejects.iter().all(|reject| reject.sample.is_none()));
    assert_eq!(seen.rejects[0].lineage, Lineage::at(0));
}

#[test]
fn a_block_over_the_limit_is_lost_and_the_next_survives() {
    let line = "A".repeat(64) + "\n";
    let big = format!("{BEGIN}CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", line.repeat(MAX_BLOCK / 64 + 1));
    let text = big + &block("CERTIFICATE", &sample("certificate_der", "ca.cer"));
    let seen = read_all(&FORMAT, text.as_bytes(), "x");
    assert_eq!((seen.lost(), seen.observations.len()), (vec![Code::TooLarge], 1));
}

#[test]
fn an_interrupted_run_stops_between_blocks() {
    let seen = read_until(&FORMAT, &sample("pem", "bundle.pem"), "x", 2);
    assert_eq!((seen.outcome, seen.records()), (Outcome::Incomplete, 2));
}

#[test]
fn units_cut_at_borders_read_like_the_whole() {
    for name in ["bundle.pem", "damaged.pem", "chain.p7b"] {
        let bytes = sample("pem", name).repeat(3);
        let whole = read_all(&FORMAT, &bytes, name);
        let starts = (0..bytes.len()).step_by(97);
        let cuts: BTreeSet<u64> =
            starts.filter_map(|start| border(&mut Window::new(&bytes[start..], start as u64))).collect();
        assert!(cuts.len() > 1);
        for cut in cuts {
            let (first, second) = bytes.split_at(cut as usize);
            let (first, second) = (read_all(&FORMAT, first, name), read_all(&FORMAT, second, name));
            assert_eq!(first.records() + second.records(), whole.records(), "{name} cut at {cut}");
            assert_eq!([ders(&first), ders(&second)].concat(), ders(&whole));
        }
    }
    let utf16 = sample("pem", "utf16.cer");
    assert_eq!(border(&mut Window::new(&utf16[..], 0)), None);
    let far = [vec![b'\n'; 300_000], b"  -----BEGIN X-----".to_vec()].concat();
    assert_eq!(border(&mut Window::new(&far[..], 5)), Some(300_005));
}

#[test]
fn corpus_bundles_hold_what_the_manifest_says() {
    for entry in corpus(|file| file.starts_with("pem/") || file.ends_with(".p7c")) {
        let expected = entry.yields.split(' ').next().and_then(|n| n.parse().ok());
        let seen = read_all(&FORMAT, &entry.bytes, "x");
        assert_eq!(Some(seen.observations.len()), expected, "{}", entry.file);
        assert!(seen.rejects.is_empty(), "{}", entry.file);
    }
}

#[test]
fn a_private_key_without_its_end_is_a_private_key() {
    let text = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n";
    let seen = read_all(&FORMAT, text.as_bytes(), "x");
    assert_eq!(
        (seen.others.len(), seen.lost(), seen.degraded()),
        (1, vec![], vec![Code::BadStructure, Code::Truncated])
    );
    assert!(seen.others[0].contains("Pkcs8"), "{:?}", seen.others);
    assert_eq!(seen.outcome, Outcome::Incomplete);
    let seen = read_all(&FORMAT, b"-----BEGIN PRIVATE KEY-----\n", "x");
    assert_eq!((seen.others.len(), seen.lost()), (0, vec![Code::Truncated]), "nothing of a key is there");
}

/// Every place of a long line is counted from the one before.
#[test]
fn a_line_of_many_blocks_is_read_once() {
    let line: String = (0..20_000).map(|_| "-----BEGIN CERTIFICATE----- \u{fc} ").collect();
    for bytes in [line.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), line.clone().into_bytes()] {
        let start = std::time::Instant::now();
        let seen = read_all(&FORMAT, &bytes, "x");
        assert_eq!(seen.lost().len(), 20_000);
        let step = (bytes.len() / 20_000) as u64;
        assert!(seen.rejects.iter().zip(0..).all(|(reject, n)| reject.lineage.byte_offset == n * step));
        assert!(start.elapsed().as_secs() < 20, "a quadratic reader needs minutes");
    }
}

#[test]
fn a_file_that_ends_in_a_begin_line_has_lost_something() {
    for end in ["-----BEGIN CERTIFICA", "-----BEGIN X509 CRL", "-----BEGIN CERTIFICATE---"] {
        let text = format!("{}{end}", block("CERTIFICATE", &sample("certificate_der", "rsa-leaf.cer")));
        let seen = read_all(&FORMAT, text.as_bytes(), "x");
        assert_eq!((seen.observations.len(), seen.lost()), (1, vec![Code::Truncated]), "{end}");
    }
    let text =
        format!("{}-----BEGIN of the next part\n", block("CERTIFICATE", &sample("certificate_der", "rsa-leaf.cer")));
    assert!(read_all(&FORMAT, text.as_bytes(), "x").lost().is_empty());
}

#[test]
fn a_damaged_element_in_a_block_is_lost() {
    let element = sample("element", "capi-software.bin");
    let whole = read_all(&FORMAT, block("CERTIFICATE", &element).as_bytes(), "x");
    assert_eq!((whole.observations.len(), whole.lost()), (1, vec![]));
    let cut = read_all(&FORMAT, block("CERTIFICATE", &element[..element.len() - 9]).as_bytes(), "x");
    assert_eq!((cut.observations.len(), cut.lost(), cut.skips.len()), (0, vec![Code::Truncated], 0));
}
