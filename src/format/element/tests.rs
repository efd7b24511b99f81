use super::*;
use crate::format::testing::{Seen, corpus, read_all, sample, wide};

fn one(bytes: &[u8], name: &str) -> Seen {
    let mut seen = read_all(&FORMAT, bytes, name);
    assert_eq!((seen.outcome, seen.observations.len(), seen.rejects.len()), (Outcome::Complete, 1, 0), "{name}");
    seen.observations.remove(0)
}

fn record(id: u32, value: &[u8]) -> Vec<u8> {
    let header = [id, 1, value.len() as u32].map(u32::to_le_bytes).concat();
    [header, value.to_vec()].concat()
}

fn sha1_of(der: &[u8]) -> [u8; 20] {
    Sha1::digest(der).into()
}

#[test]
fn a_capi_and_a_cng_element() {
    let capi = one(&sample("element", "capi-software.bin"), "capi.bin").claims;
    assert_eq!(capi.provider_name.as_deref(), Some("Microsoft Enhanced RSA and AES Cryptographic Provider"));
    assert_eq!((capi.provider_type, capi.key_flags, capi.key_spec), (Some(24), Some(0x20), Some(1)));
    assert_eq!(capi.friendly_name.as_deref(), Some("Web server (made up)"));
    assert_eq!(capi.properties.iter().map(|p| p.id).collect::<Vec<_>>(), [2, 3, 11]);
    assert_eq!((capi.key_report, capi.archived), (KeyReport::Claimed, Some(false)));
    let cng = one(&sample("element", "cng-software.bin"), "cng.bin").claims;
    assert_eq!(cng.key_container.as_deref(), Some("te-Machine-00000000-0000-0000-0000-000000000002"));
    assert_eq!((cng.provider_type, cng.key_spec), (Some(0), Some(0)));
}

#[test]
fn the_file_name_is_the_claimed_thumbprint() {
    let name = "B6EFC96349B1318EFEB7B4BFD9DD597E7E240278";
    let seen = one(&sample("element", name), name);
    assert_eq!(seen.sha1, seen.der.as_deref().map(sha1_of));
    assert_eq!(seen.claims.key_report, KeyReport::Absent, "an element on its own reports, even without properties");
    assert_eq!(one(&sample("element", name), "other name").sha1, None);

    // A stored hash that differs from both the name and the certificate is said here; the name goes on.
    let stored = [record(3, &[7; 20]), sample("element", name)].concat();
    let seen = read_all(&FORMAT, &stored, name);
    assert_eq!(seen.degraded(), [Code::HashMismatch]);
    assert_eq!(seen.observations[0].sha1, hex_name(name));
    assert_eq!(one(&stored, "other name").sha1, Some([7; 20]), "one claim alone is compared downstream");
}

#[test]
fn a_file_of_a_store_tree_has_its_place() {
    let name = "B6EFC96349B1318EFEB7B4BFD9DD597E7E240278";
    let read = |path: &str| read_all(&FORMAT, &sample("element", name), path);
    let tree = "AppData/Roaming/Microsoft/SystemCertificates/My/Certificates";
    let seen = read(&format!("S-1-5-21-1-2-3-1001/{tree}/{name}"));
    assert_eq!((seen.places.concat(), seen.rejects.len()), ("current_user/My/S-1-5-21-1-2-3-1001".into(), 0));
    assert_eq!(read(&format!("Users/fabricated/{tree}/{name}")).places, ["current_user/My"]);
    assert_eq!(read(name).places, [""]);
    let other = read(&format!("{tree}/copy of it"));
    assert_eq!((other.observations.len(), other.degraded()), (1, vec![Code::HashMismatch]));
}

#[test]
fn a_value_is_one_whole_element() {
    let whole = sample("element", "capi-software.bin");
    let push = |bytes: &[u8]| {
        let mut seen = crate::format::testing::Collect::new();
        push_value(bytes, Setting::ELEMENT, Lineage::default(), &mut seen);
        (seen.observations.len(), seen.lost(), seen.degraded())
    };
    assert_eq!(push(&whole), (1, vec![], vec![]));
    assert_eq!(push(&[&whole[..], &[0; 4]].concat()), (1, vec![], vec![Code::TrailingBytes]));
    assert_eq!(push(&whole[..whole.len() - 1]), (0, vec![Code::Truncated], vec![]));
    assert_eq!(push(&record(11, &[])), (0, vec![Code::BadStructure], vec![]));
    assert_eq!(push(&[]), (0, vec![Code::BadStructure], vec![]));
}

#[test]
fn a_key_without_certificate_is_an_observation() {
    let seen = one(&sample("element", "key-only.bin"), &"ab".repeat(20));
    assert_eq!((seen.der, seen.sha1), (None, None), "the name of a Keys element is not a thumbprint");
    assert_eq!(seen.claims.key_identifier.as_deref(), Some(&(0..20).collect::<Vec<u8>>()[..]));
    assert_eq!(seen.claims.provider_name.as_deref(), Some("Microsoft Platform Crypto Provider"));
    let unnamed = record(35, &[]);
    assert_eq!(one(&unnamed, &"ab".repeat(20)).claims.key_identifier.as_deref(), Some(&[0xab; 20][..]));
}

#[test]
fn every_interpreted_property_reaches_its_claim() {
    let bytes = [
        record(12, &wide("a.pvk")),
        record(19, &[]),
        record(20, &[1, 2]),
        record(71, &wide("pc.example.test")),
        record(78, &[]),
        record(101, &wide("Reader")),
        record(106, &[]),
        record(118, b"sealed"),
        record(0x9000, b"user"),
        record(32, &[0x30, 0]),
    ]
    .concat();
    let claims = one(&bytes, "x").claims;
    assert_eq!(claims.key_path.as_deref(), Some("a.pvk"));
    assert_eq!(claims.archived, Some(true));
    assert_eq!(claims.key_identifier.as_deref(), Some(&[1, 2][..]));
    assert_eq!(claims.request_originator.as_deref(), Some("pc.example.test"));
    assert_eq!((claims.ncrypt_key_handle, claims.reader.as_deref()), (Some(true), Some("Reader")));
    assert!(claims.reader_non_removable && claims.isolated_key);
    assert_eq!(claims.properties.last(), Some(&Property { id: 0x9000, len: 4 }));
    assert_eq!(claims.key_report, KeyReport::Claimed);
}

#[test]
fn malformed_properties_degrade_and_keep_the_rest() {
    let bytes =
        [record(2, &[0; 27]), record(3, &[0; 19]), record(11, &[0, 0xd8, b'a', 0]), record(32, &[0x30, 0])].concat();
    let seen = read_all(&FORMAT, &bytes, "x");
    assert_eq!(seen.degraded(), [Code::BadProperty, Code::BadProperty, Code::BadText]);
    let claims = &seen.observations[0].claims;
    assert_eq!((claims.key_report, claims.provider_type), (KeyReport::Claimed, None));
    assert_eq!(claims.friendly_name.as_deref(), Some("\u{fffd}a"));

    let twice = [record(3, &[1; 20]), record(3, &[2; 20]), record(32, &[0x30, 0])].concat();
    let seen = read_all(&FORMAT, &twice, "x");
    assert_eq!((seen.degraded(), seen.observations[0].sha1), (vec![Code::BadProperty], Some([2; 20])));
}

#[test]
fn other_objects_are_skipped_and_odd_records_are_lost() {
    for (id, reason) in [(33, "crl"), (34, "ctl"), (50, "unknown_object")] {
        let seen = read_all(&FORMAT, &record(id, &[0x30, 0]), "x");
        assert_eq!(seen.skips.keys().copied().collect::<Vec<_>>(), [reason]);
        assert_eq!(seen.records(), 1);
    }
    let mut odd = [record(11, &[]), record(32, &[0x30, 0])].concat();
    odd[4] = 2;
    assert_eq!(read_all(&FORMAT, &odd, "x").lost(), [Code::BadStructure]);
    let many = [record(200, &[]).repeat(2000), record(32, &[0x30, 0])].concat();
    assert_eq!(read_all(&FORMAT, &many, "x").lost(), [Code::TooLarge]);
    let huge = [2u32, 1, u32::MAX].map(u32::to_le_bytes).concat();
    assert_eq!(read_all(&FORMAT, &huge, "x").lost(), [Code::TooLarge]);
    assert_eq!(read_all(&FORMAT, &record(11, &[]), "x").lost(), [Code::Truncated]);
    let trailing = [record(32, &[0x30, 0]), vec![1; 9]].concat();
    let seen = read_all(&FORMAT, &trailing, "x");
    assert_eq!((seen.degraded(), seen.observations.len()), (vec![Code::TrailingBytes], 1));
}

#[test]
fn only_an_exact_walk_is_an_element() {
    let whole = sample("element", "capi-software.bin");
    assert!(is_element(&whole));
    assert!(!is_element(&whole[..whole.len() - 1]));
    assert!(!is_element(&[&whole[..], &[0]].concat()));
    assert!(!is_element(&record(11, b"no object")));
    assert!(!is_element(&[]));
    // Longer than the head: the length of the source decides, and where it is not known, the walk so far.
    let big = record(32, &[0x30; 100_000]);
    let head = |len| Head { bytes: &big[..crate::format::HEAD], complete: false, len };
    assert!(is_element_head(&head(Some(big.len() as u64))) && is_element_head(&head(None)));
    assert!(!is_element_head(&head(Some(big.len() as u64 + 1))));
}

#[test]
fn what_begins_like_an_element_and_is_damaged_is_lost_and_not_unknown() {
    let claims = |bytes: &[u8]| (FORMAT.sniff)(&Head { bytes, complete: true, len: None });
    let (mut claimed, mut lost) = (0, 0);
    for name in ["capi-software.bin", "cng-software.bin"] {
        let whole = sample("element", name);
        for end in (1..whole.len()).filter(|end| claims(&whole[..*end])) {
            let seen = read_all(&FORMAT, &whole[..end], "x");
            claimed += 1;
            lost += usize::from(!seen.lost().is_empty() && seen.observations.is_empty());
        }
        assert!(claims(&whole[..whole.len() - 1]), "{name}");
        assert!(claims(&[&whole[..], b"tail"].concat()), "{name}");
    }
    assert!(claimed > 1000 && lost == claimed, "{lost} of {claimed}");
    for (id, value) in [(3, &[1; 19][..]), (2, &[0; 30]), (32, b"text, no certificate"), (11, &[0; 20])] {
        assert!(!claims(&[&record(id, value)[..], b"and more"].concat()), "{id}");
    }
}

/// `name=value` in a manifest line; a value ends before the next ` name=`.
fn manifest_value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let from = text.find(&format!("{name}="))? + name.len() + 1;
    let rest = &text[from..];
    let end = rest.find('=').and_then(|next| rest[..next].rfind(' ')).unwrap_or(rest.len());
    Some(rest[..end].split(';').next().unwrap_or_default().trim())
}

#[test]
fn corpus_elements_say_what_the_manifest_says() {
    for entry in corpus(|file| file.starts_with("element/") || file.starts_with("wine/elem-")) {
        assert!(is_element(&entry.bytes), "{}", entry.file);
        let seen = one(&entry.bytes, &entry.file);
        let words: Vec<&str> = entry.yields.splitn(3, ' ').collect();
        assert_eq!(seen.der.as_deref().map(sha1_of), hex_name(words[1]), "{}", entry.file);
        let ids: Vec<String> = seen.claims.properties.iter().map(|p| p.id.to_string()).collect();
        assert!(words[2].starts_with(&format!("props [{}]", ids.join(", "))), "{}", entry.file);
        let claims = &seen.claims;
        if entry.yields.contains("no key info") {
            assert_eq!(claims.key_report, KeyReport::Absent, "{}", entry.file);
            continue;
        }
        let text = |name| manifest_value(&entry.yields, name).filter(|value| *value != "None");
        let number = |name| manifest_value(&entry.yields, name).and_then(|value| value.parse().ok());
        assert_eq!(claims.key_report, KeyReport::Claimed);
        assert_eq!(claims.key_container.as_deref(), text("container"), "{}", entry.file);
        assert_eq!(claims.provider_name.as_deref(), text("provider"), "{}", entry.file);
        assert_eq!(claims.provider_type, number("type"), "{}", entry.file);
        assert_eq!(claims.key_flags, number("flags"), "{}", entry.file);
        assert_eq!(claims.key_spec, number("keyspec"), "{}", entry.file);
        let size = claims.properties.iter().find(|p| p.id == 2).map(|p| p.len);
        assert_eq!(size, number("size"), "{}", entry.file);
    }
}

#[test]
fn a_certificate_of_a_store_whose_keys_cannot_be_seen_is_not_one_without_a_key() {
    let der = sample("certificate_der", "ec-leaf.cer");
    let header = [32, 1, der.len() as u32].map(u32::to_le_bytes).concat();
    let element = [header, der].concat();
    let report = |path: &str| read_all(&FORMAT, &element, path).observations.remove(0).claims.key_report;
    // Nothing but the path tells a store; as a member of an archive it comes before the keys of its store.
    let name = "B6EFC96349B1318EFEB7B4BFD9DD597E7E240278";
    assert_eq!(report(&format!("a.zip/u/SystemCertificates/My/Certificates/{name}")), KeyReport::NotReported);
    assert_eq!(report(name), KeyReport::Absent);
}
