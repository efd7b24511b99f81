use sha1::{Digest, Sha1};

use super::*;
use crate::format::Setting;
use crate::format::testing::{Collect, corpus, read_all, read_until, read_with, sample};

/// Reads with these passwords, one a line.
fn open_with(bytes: &[u8], passwords: &str) -> Collect {
    let setting = Setting { passwords: Passwords::of_lines(passwords), ..Setting::default() };
    read_with(&FORMAT, bytes, "x.pfx", u64::MAX, &setting)
}

/// The value of an attribute in the manifest's words, for every bag of this type.
fn promised<'t>(yields: &'t str, bag: &str, attribute: &str) -> Vec<Option<&'t str>> {
    let bags = yields.split(" | ").filter(|part| part.contains(bag));
    let value = |bag: &'t str| {
        let (_, rest) = bag.split_once(&format!("'{attribute}': ['"))?;
        rest.split_once("']").map(|(value, _)| value)
    };
    bags.map(value).collect()
}

#[test]
fn corpus_files_tell_their_keys_without_a_password_and_their_certificates_with_it() {
    for entry in corpus(|file| file.starts_with("pfx/")) {
        let (file, yields) = (&entry.file, &entry.yields);
        let (_, password) = yields.rsplit_once("password ").expect("the manifest names the password");
        let password = password.trim_matches('\'');
        let providers = [promised(yields, "shroudedKeyBag", "CSP"), promised(yields, " keyBag", "CSP")].concat();
        let names = promised(yields, "KeyBag", "friendlyName");
        let is_open = !yields.contains("ENCRYPTED") || password.is_empty();

        let seen = read_all(&FORMAT, &entry.bytes, "x.pfx");
        let expected = if is_open { Outcome::Complete } else { Outcome::Locked };
        assert_eq!((seen.outcome, seen.lost()), (expected, vec![]), "{file}");
        // Windows pads some files with zeros.
        assert!(seen.degraded().iter().all(|code| *code == Code::TrailingBytes), "{file}");
        let keys: Vec<_> = seen.observations.iter().filter(|o| o.claims.in_file).collect();
        let found: Vec<_> = keys.iter().map(|o| o.claims.provider_name.as_deref()).collect();
        assert_eq!(found, providers, "{file}");
        for (key, name) in keys.iter().zip(names).filter(|(_, name)| name.is_some()) {
            let is_guid = name.is_some_and(|name| name.starts_with('{'));
            let said = if is_guid { &key.claims.key_container } else { &key.claims.friendly_name };
            assert_eq!(said.as_deref(), name, "{file}");
        }
        let locked = if is_open { 0 } else { yields.matches("ENCRYPTED").count() as u64 };
        assert_eq!(seen.skips.values().sum::<u64>(), locked, "{file}");

        let opened = open_with(&entry.bytes, &format!("wrong\n{password}\n"));
        assert_eq!((opened.outcome, opened.lost(), opened.skips.len()), (Outcome::Complete, vec![], 0), "{file}");
        let with_key = opened.observations.iter().filter(|o| o.claims.in_file && o.der.is_some()).count();
        assert_eq!(with_key, keys.len(), "{file}: every key has its certificate");
    }
}

/// Provider, container, friendly name, is a key, has a certificate.
type Told<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>, bool, bool);

/// What is told of every observation.
fn told(seen: &Collect) -> Vec<Told<'_>> {
    let rows = seen.observations.iter().map(|o| {
        let (c, is_key, has_certificate) = (&o.claims, o.claims.in_file, o.der.is_some());
        let (provider, container) = (c.provider_name.as_deref(), c.key_container.as_deref());
        (provider, container, c.friendly_name.as_deref(), is_key, has_certificate)
    });
    rows.collect()
}

const PASSWORD: &str = "grove-Sample-1";

#[test]
fn keys_and_certificates_of_windows_are_joined_and_keep_their_names() {
    let seen = read_all(&FORMAT, &sample("pkcs12", "windows.pfx"), "x.pfx");
    assert_eq!((seen.outcome, seen.lost(), seen.degraded()), (Outcome::Complete, vec![], vec![Code::TrailingBytes]));
    let strong = Some("Microsoft Strong Cryptographic Provider");
    let card = Some("Microsoft Smart Card Key Storage Provider");
    let names = [Some("{3F1E88A2-6C0B-4D57-9E21-84B7A0C5D913}"), Some("le-Grove-6b0f3c1d-52a8-4e97-b1c4-0d9e8f7a6b52")];
    let expected = [
        (strong, names[0], Some("Grove web server"), true, true),
        (card, names[1], None, true, true),
        (None, None, None, false, true),
    ];
    assert_eq!(told(&seen), expected);
    let card = &seen.observations[1];
    assert_eq!(card.claims.request_originator.as_deref(), Some("pc-1.example.test"));
    assert_eq!(card.claims.properties.iter().map(|p| (p.id, p.len)).collect::<Vec<_>>(), [(71, 36)]);
    assert_eq!(card.der.as_deref(), Some(&sample("certificate_der", "ec-leaf.cer")[..]));
    let reports: Vec<_> = seen.observations.iter().map(|o| o.claims.key_report).collect();
    assert_eq!(reports, [KeyReport::Claimed, KeyReport::Claimed, KeyReport::NotReported]);
    // In BER with strings in pieces nothing has a place of its own, and everything else is the same.
    let pieces = read_all(&FORMAT, &sample("pkcs12", "ber-pieces.p12"), "x.p12");
    assert_eq!((told(&pieces), pieces.outcome, pieces.rejects.len()), (told(&seen), Outcome::Complete, 0));
    let mut places: Vec<_> = pieces.observations.iter().map(|o| (o.lineage.byte_offset, o.lineage.part)).collect();
    places.dedup();
    assert_eq!(places.len(), 3);
}

#[test]
fn a_password_opens_what_it_fits_and_nothing_else() {
    for (name, certificates) in [("machine-key-aes.pfx", 2), ("old-rc2.pfx", 1), ("triple-des.p12", 1)] {
        let bytes = sample("pkcs12", name);
        let locked = read_all(&FORMAT, &bytes, name);
        assert_eq!((locked.outcome, locked.rejects.len()), (Outcome::Locked, 0), "{name}");
        assert_eq!(locked.skips.iter().collect::<Vec<_>>(), [(&"encrypted_safe", &1)], "{name}");
        let [key] = &locked.observations[..] else { panic!("{name}: one key") };
        assert!(key.der.is_none() && key.claims.in_file && key.claims.is_exportable == Some(true));
        let named = key.sha1.expect("OpenSSL names the certificate");

        let wrong = open_with(&bytes, "a\n\nb\n");
        assert_eq!((wrong.outcome, wrong.observations.len()), (Outcome::Locked, 1), "{name}");

        let open = open_with(&bytes, &format!("a\n{PASSWORD}\n"));
        assert_eq!((open.outcome, open.rejects.len(), open.skips.len()), (Outcome::Complete, 0, 0), "{name}");
        assert_eq!(open.observations.iter().filter(|o| o.der.is_some()).count(), certificates, "{name}");
        let key = open.observations.iter().find(|o| o.claims.in_file).expect("the key");
        assert_eq!(Sha1::digest(key.der.as_deref().unwrap_or_default())[..], named, "{name}");
        assert_eq!(key.sha1, None, "{name}: what is at hand needs no claim");
    }
    let empty = read_all(&FORMAT, &sample("pkcs12", "empty-password.p12"), "x.p12");
    assert_eq!((empty.outcome, empty.observations.len()), (Outcome::Complete, 1));
    assert!(empty.observations[0].der.is_some(), "the empty password is always tried");
}

#[test]
fn a_key_without_encryption_is_an_observation_and_a_finding() {
    let seen = read_all(&FORMAT, &sample("pkcs12", "no-encryption.pfx"), "x.pfx");
    assert_eq!((seen.outcome, seen.records(), seen.rejects.len()), (Outcome::Complete, 2, 0));
    assert_eq!(told(&seen), [(Some("Microsoft Platform Crypto Provider"), None, None, true, true)]);
    let [finding] = &seen.others[..] else { panic!("one finding") };
    assert!(finding.contains("kind: Pkcs12KeyBag, is_encrypted: false, key_algorithm: Some(\"rsa\")"), "{finding}");
    // The finding names the key of the certificate.
    let facts = crate::x509::parse(seen.observations[0].der.as_deref().unwrap_or_default()).expect("a certificate");
    assert!(finding.contains(&format!("spki_sha256: {:?}", facts.spki_sha256)), "{finding}");
}

#[test]
fn odd_bags_are_named_or_lost_and_cost_themselves_alone() {
    let seen = read_all(&FORMAT, &sample("pkcs12", "odd.pfx"), "x.pfx");
    let skips: Vec<_> = seen.skips.iter().map(|(name, count)| (*name, *count)).collect();
    assert_eq!(skips, [("crl", 1), ("other_certificate", 1), ("secret_bag", 1), ("unknown_bag", 1)]);
    assert_eq!(seen.lost(), [Code::BadStructure, Code::BadStructure]);
    assert_eq!(seen.degraded(), [Code::BadText]);
    let expected =
        [(None, None, Some("in a safe in a safe"), false, true), (Some(""), None, Some("\u{fffd}"), true, false)];
    assert_eq!(told(&seen), expected);
    assert_eq!(seen.observations[1].sha1, None, "a certificate is in the file");
}

#[test]
fn a_truncated_file_keeps_what_is_complete() {
    let seen = read_all(&FORMAT, &sample("pkcs12", "truncated.pfx"), "x.pfx");
    assert_eq!((seen.outcome, seen.lost()), (Outcome::Incomplete, vec![Code::Truncated]));
    assert_eq!(seen.observations.iter().filter(|o| o.claims.in_file).count(), 2);
    let bytes = sample("pkcs12", "windows.pfx");
    for end in 0..bytes.len() - 8 {
        let seen = read_all(&FORMAT, &bytes[..end], "x.pfx");
        assert_eq!((seen.outcome, seen.lost()), (Outcome::Incomplete, vec![Code::Truncated]), "{end}");
    }
}

#[test]
fn nothing_behind_or_beyond_a_list_is_lost_in_silence() {
    let data = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    let safe = |content: &[u8]| {
        let octets = [&[4, content.len() as u8][..], content].concat();
        let typed = [&data[..], &[0xa0, octets.len() as u8], &octets].concat();
        [&[0x30, typed.len() as u8][..], &typed].concat()
    };
    let file = |list: &[u8]| {
        let info = safe(list);
        [&[0x30, info.len() as u8 + 3, 2, 1, 3][..], &info].concat()
    };
    let list = |safe: Vec<u8>| [&[0x30, safe.len() as u8][..], &safe].concat();
    let read = |bytes: &[u8]| {
        let seen = read_all(&FORMAT, bytes, "x.pfx");
        (seen.lost(), seen.degraded())
    };
    assert_eq!(read(&file(&list(safe(&[0x30, 0])))), (vec![], vec![]));
    assert_eq!(read(&file(&list(safe(&[0x30, 0, 5, 0])))), (vec![], vec![Code::TrailingBytes]));
    assert_eq!(read(&file(&list(safe(&[0x30, 9])))), (vec![Code::BadStructure], vec![]), "shorter than it says");
    assert_eq!(read(&file(&list(safe(&[0x30, 2, 0, 0])))), (vec![Code::BadStructure], vec![]), "an end in a list");
    assert_eq!(read(&file(&[0x30, 0, 1])), (vec![], vec![Code::TrailingBytes]));
    assert_eq!(read(&file(&[4, 0])), (vec![Code::BadStructure], vec![]));
}

#[test]
fn an_interrupted_run_stops_at_a_bag() {
    let seen = read_until(&FORMAT, &sample("pkcs12", "windows.pfx"), "x.pfx", 1);
    assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Incomplete, 1));
}

#[test]
fn hostile_numbers_of_rounds_end_the_tries_and_not_the_run() {
    let bytes = sample("pkcs12", "machine-key-aes.pfx");
    // 2048 rounds, as OpenSSL writes them, become 32767: for the check, the certificates and the key.
    let mut hostile = bytes.clone();
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&[0x02, 0x02, 0x08, 0x00])).collect();
    for at in &places {
        hostile[at + 2..at + 4].copy_from_slice(&[0x7f, 0xff]);
    }
    assert_eq!(places.len(), 3);
    let many = "x\n".repeat(1000);
    let seen = open_with(&hostile, &many);
    assert_eq!((seen.outcome, seen.lost()), (Outcome::Locked, vec![Code::TooLarge]));
    assert_eq!(seen.observations.len(), 1, "the key is told all the same");
}

#[test]
fn safes_in_safes_are_followed_to_a_depth() {
    let tlv = |tag: u8, content: &[u8]| tlv(tag, &[content]);
    let oid = |last: u8| [&[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01][..], &[last]].concat();
    let mut bag = tlv(0x30, &[oid(4), tlv(0xa0, &[0x30, 0])].concat());
    for depth in 0..12 {
        let data = |content: &[u8]| {
            let typed =
                [&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1][..], &tlv(0xa0, &tlv(4, content))].concat();
            tlv(0x30, &typed)
        };
        let file = tlv(0x30, &[&[2, 1, 3][..], &data(&tlv(0x30, &data(&tlv(0x30, &bag))))].concat());
        let seen = read_all(&FORMAT, &file, "x.pfx");
        let expected = if depth <= MAX_DEPTH { vec![] } else { vec![Code::TooLarge] };
        assert_eq!((seen.lost(), seen.records()), (expected, 1), "{depth} deep");
        bag = tlv(0x30, &[oid(6), tlv(0xa0, &tlv(0x30, &bag))].concat());
    }
}

/// One element with its length.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    match content.len() {
        len @ 0..128 => [&[tag, len as u8][..], &content].concat(),
        len => [&[tag, 0x82, (len >> 8) as u8, len as u8][..], &content].concat(),
    }
}

#[test]
fn the_newer_check_is_understood_and_one_that_is_not_known_leaves_the_ciphers() {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Sha256, Sha512};

    const PBKDF2: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
    const PBMAC1: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 14];
    const HMAC_SHA256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9];
    const HMAC_SHA512: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 11];
    let bytes = sample("pkcs12", "machine-key-aes.pfx");
    let whole = parts(&bytes).expect("a PFX");
    let (pfx, _) = open(&bytes, tag::SEQUENCE).expect("a PFX");
    let without_mac = &pfx[..pfx.len() - tlv(0x30, &[whole.mac.expect("a MAC")]).len()];
    // RFC 9579 section 4, with a key of 20 octets.
    let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 20>(PASSWORD.as_bytes(), b"saltsalt", 1000);
    let safe = whole.safe.expect("a safe");
    let mac = Hmac::<Sha512>::new_from_slice(&key).expect("a key").chain_update(&safe[..]).finalize().into_bytes();
    let with = |algorithm: &[u8], mac: &[u8]| {
        let salt = tlv(4, &[b"saltsalt"]);
        let prf = tlv(0x30, &[HMAC_SHA256, &[5, 0]]);
        let kdf = tlv(0x30, &[PBKDF2, &tlv(0x30, &[&salt, &[2, 2, 0x03, 0xe8], &[2, 1, 20], &prf])]);
        let hmac = tlv(0x30, &[HMAC_SHA512, &[5, 0]]);
        let algorithm = tlv(0x30, &[algorithm, &tlv(0x30, &[&kdf, &hmac])]);
        let data = tlv(0x30, &[&tlv(0x30, &[&algorithm, &tlv(4, &[mac])]), &tlv(4, &[b"NOT USED"]), &[2, 1, 1]]);
        tlv(0x30, &[without_mac, &data])
    };
    let outcome = |file: &[u8], passwords: &str| {
        let seen = open_with(file, passwords);
        assert_eq!(seen.rejects.len(), 0);
        (seen.outcome, seen.observations.len())
    };
    let newer = with(PBMAC1, &mac);
    assert_eq!(outcome(&newer, PASSWORD), (Outcome::Complete, 2));
    assert_eq!(outcome(&newer, "other"), (Outcome::Locked, 1));
    assert_eq!(outcome(&with(PBMAC1, &[7; 64]), PASSWORD), (Outcome::Locked, 1), "the check decides");
    let unknown = with(&[6, 2, 0x2a, 3], &mac);
    assert_eq!(outcome(&unknown, PASSWORD), (Outcome::Complete, 2));
    assert_eq!(outcome(&unknown, "other"), (Outcome::Locked, 1));
    let none = tlv(0x30, &[without_mac]);
    assert_eq!(outcome(&none, PASSWORD), (Outcome::Complete, 2));
    assert_eq!(outcome(&none, "other"), (Outcome::Locked, 1));
}

#[test]
fn an_unknown_cipher_is_told_apart_from_a_missing_password() {
    let bytes = sample("pkcs12", "old-rc2.pfx");
    let scheme = [6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 6];
    let at = bytes.windows(scheme.len()).position(|window| window == scheme).expect("RC2 with 40 bits");
    let mut other = bytes.clone();
    other[at + scheme.len() - 1] = 2;
    let seen = open_with(&other, PASSWORD);
    assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Locked, 1));
    assert_eq!(seen.skips.into_iter().collect::<Vec<_>>(), [("unsupported_encryption", 1)]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_files_with_the_right_password_are_survived(
        which in 0..5usize,
        changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0..=u8::MAX), 1..6),
    ) {
        let names = ["machine-key-aes.pfx", "old-rc2.pfx", "triple-des.p12", "empty-password.p12", "odd.pfx"];
        let mut bytes = sample("pkcs12", names[which]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let seen = open_with(&bytes, PASSWORD);
        proptest::prop_assert!(seen.records() > 0 || seen.outcome == Outcome::Complete);
        proptest::prop_assert!(seen.outcome != Outcome::Locked || !seen.skips.is_empty() || !seen.lost().is_empty());
    }
}
