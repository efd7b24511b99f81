use super::*;
use crate::format::element::keys::has_provider;
use crate::format::testing::{Collect, corpus, read_all, sample, samples};
use crate::record::KeyReport;

const MACHINE: &str = r"[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\My\Certificates\";
const EC: &str = "B6EFC96349B1318EFEB7B4BFD9DD597E7E240278";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(",")
}

/// A value of the EC certificate's element.
fn blob() -> String {
    format!("\"Blob\"=hex:{}", hex(&sample("element", EC)))
}

fn export(body: &str) -> String {
    format!("Windows Registry Editor Version 5.00\r\n\r\n{body}")
}

fn wide(text: &str, mark: bool, big: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

fn read_text(body: &str) -> Collect {
    read_all(&FORMAT, export(body).as_bytes(), "x.reg")
}

/// What matters of a report, to compare two ways of writing the same.
fn summary(seen: &Collect) -> (Vec<Option<Vec<u8>>>, &[String], usize, usize) {
    let bodies = seen.observations.iter().map(|o| o.der.clone()).collect();
    (bodies, &seen.places, seen.others.len(), seen.rejects.len())
}

#[test]
fn every_encoding_yields_the_same() {
    let text = export(&format!("{MACHINE}{EC}]\r\n{}\r\n\r\n[-HKEY_USERS\\x]\r\n\"Blob\"=hex:00\r\n", blob()));
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let ansi = text.replacen("Windows Registry Editor Version 5.00", "REGEDIT4", 1);
    let cases = [
        text.as_bytes().to_vec(),
        marked,
        ansi.into_bytes(),
        text.replace("\r\n", "\n").into_bytes(),
        wide(&text, true, false),
        wide(&text, false, false),
        wide(&text, true, true),
        wide(&text.replace("\r\n", "\n"), true, false),
    ];
    let whole = read_all(&FORMAT, &cases[0], "x.reg");
    assert_eq!((whole.outcome, whole.observations.len(), whole.rejects.len()), (Outcome::Complete, 1, 0));
    assert_eq!(whole.places, ["local_machine/My"]);
    for bytes in &cases {
        assert!(is_export(&Head { bytes, complete: true, len: None }));
        assert_eq!(summary(&read_all(&FORMAT, bytes, "x.reg")), summary(&whole), "{:?}", &bytes[..8]);
    }
}

#[test]
fn offsets_are_those_of_the_values_line() {
    let text = export(&format!("{MACHINE}{EC}]\r\n{}\r\n", blob()));
    let at = text.find("\"Blob\"").expect("it is there") as u64;
    assert_eq!(read_all(&FORMAT, text.as_bytes(), "x").observations[0].lineage.byte_offset, at);
    let seen = read_all(&FORMAT, &wide(&text, true, false), "x");
    assert_eq!(seen.observations[0].lineage.byte_offset, 2 * at + 2);
}

#[test]
fn the_machine_sample_has_every_tree() {
    let seen = read_all(&FORMAT, &sample("reg_text", "machine.reg"), "machine.reg");
    assert_eq!((seen.outcome, seen.rejects.len()), (Outcome::Complete, 0));
    let user = "current_user/Example/S-1-5-21-1111111111-222222222-333333333-1001";
    let machine = ["service/My", "enterprise/NTAuth", "local_machine/MY", "local_machine/MY", "local_machine/MY"];
    assert_eq!(seen.places, [&machine[..], &["group_policy/EFS", user]].concat());
    assert_eq!(seen.skips.into_iter().collect::<Vec<_>>(), [("crl", 1)]);
    let (key, certificate) = (&seen.observations[3], &seen.observations[4]);
    assert!(key.der.is_none() && key.sha1.is_none() && certificate.der.is_some());
    assert_eq!(key.claims.key_identifier, certificate.claims.key_identifier);
    assert_eq!(key.claims.provider_name, certificate.claims.provider_name, "what is said of the key is joined");
    assert_eq!(certificate.claims.key_report, KeyReport::Claimed);
    let has = |number: usize, parts: &[&str]| {
        for part in parts {
            assert!(seen.others[number].contains(part), "{part} in {}", seen.others[number]);
        }
    };
    assert_eq!(seen.others.len(), 5);
    let card = r#"smart_card: Some("Example Card")"#;
    has(0, &[r#"name: "Microsoft Base Smart Card Crypto Provider""#, "Some(Capi)", card]);
    has(1, &[r#"name: "Microsoft Smart Card Key Storage Provider""#, "Some(Cng)", card]);
    let image = r#"image: Some("%SystemRoot%\\system32\\rsaenh.dll")"#;
    has(2, &["provider_type: Some(24)", image, "smart_card: None"]);
    has(3, &[r#"name: "Example Vault CSP""#, r#"image: Some("C:\\Program Files\\Example\\vault.dll")"#]);
    has(4, &[r#"os_version: Some("10.0.19045.4660")"#, "ubr: Some(4660)", "calais_disable_capi_override: Some(1)"]);
    has(4, &[r#"os_caption: Some("Windows 10 Fabricated")"#, "11111111-2222-4333-8444-555555555555", "client: None"]);
}

#[test]
fn what_is_no_record_is_none() {
    for body in [
        "; comment\r\n",
        "[HKEY_LOCAL_MACHINE\\SOFTWARE]\r\n@=\"x\"\r\n\"Blob\"=hex:00,01\r\n\"a\"=hex(7):00,\\\r\n  01\r\n",
        &format!("{MACHINE}{EC}]\r\n\"Blob\"=-\r\n\"Other\"=hex:zz\r\n@=-\r\n"),
        &format!("[-{}{EC}]\r\n{}\r\n", &MACHINE[1..], blob()),
    ] {
        let seen = read_text(body);
        assert_eq!((seen.outcome, seen.records(), seen.rejects.len()), (Outcome::Complete, 0, 0), "{body}");
    }
}

#[test]
fn damage_costs_its_own_value() {
    let next = format!("{MACHINE}{EC}]\r\n{}\r\n", blob());
    let bad = blob().replacen("00,", "0x,", 1);
    let cases = [
        (format!("{bad}\r\n"), Code::BadHex),
        (format!("{},\\\r\n  01,\\\r\n  02\r\n", bad), Code::BadHex),
        (format!("{},\\\r\n\r\n", blob()), Code::Truncated),
        (format!("{},\r\n", blob()), Code::Truncated),
        ("\"Blob\"=hex:\r\n".into(), Code::BadStructure),
        ("\"Blob\"=hex:20,00,00,00,01,00\r\n".into(), Code::Truncated),
        ("\"Blob\"=\"text\"\r\n".into(), Code::Truncated),
        ("\"Blob\"=dword:0000000g\r\n".into(), Code::BadHex),
        ("\"Blob\"=\"no end\r\n\r\n".into(), Code::Truncated),
        ("\"Blob\"=hex(1x):00\r\nhex(3):00\r\n\"no end\r\n".into(), Code::BadStructure),
        (format!("\"Blob\"=hex:{}\r\n", "00,".repeat(MAX_VALUE + 9)), Code::TooLarge),
        (format!("[HKEY_USERS\\no end\r\n{}\r\n", blob()), Code::BadStructure),
        (format!("[HKEY_USERS\\{}]\r\n", "x".repeat(MAX_NAME)), Code::TooLarge),
    ];
    for (damaged, code) in cases {
        let seen = read_text(&format!("{MACHINE}AB]\r\n{damaged}{next}"));
        let start = damaged.get(..60).unwrap_or(&damaged).to_owned();
        assert_eq!((seen.outcome, seen.lost(), seen.observations.len()), (Outcome::Complete, vec![code], 1), "{start}");
    }
}

#[test]
fn a_source_that_ends_inside_a_value_says_so() {
    for body in [
        format!("{MACHINE}{EC}]\r\n{},\\\r\n", blob()),
        "[HKEY_USERS\\x]\r\n\"a\"=hex:00,\\".into(),
        "[HKEY_USERS\\x]\r\n\"a\"=\"b".into(),
        format!("{MACHINE}{EC}]\r\n\"Blob\"=\"b"),
    ] {
        let seen = read_text(&body);
        assert_eq!((seen.outcome, seen.lost()), (Outcome::Incomplete, vec![Code::Truncated]), "{body}");
    }
    let seen = read_all(&FORMAT, b"REGEDIT5\r\n", "x");
    assert_eq!((seen.outcome, seen.lost()), (Outcome::Failed, vec![Code::BadStructure]));
}

#[test]
fn doubts_stand_beside_their_rows() {
    let cases = [
        (format!("{MACHINE}{}]\r\n{}\r\n", "AB".repeat(20), blob()), vec![]),
        (format!("{MACHINE}a name]\r\n{}\r\n", blob()), vec![Code::HashMismatch]),
        (format!("{MACHINE}{EC}]\r\n{},00,00\r\n", blob()), vec![Code::TrailingBytes]),
        (format!("{MACHINE}{EC}]\r\n{}\r\n", blob().replace("hex:", "hex(7):")), vec![Code::BadField]),
    ];
    for (body, doubts) in cases {
        let seen = read_text(&body);
        assert_eq!((seen.observations.len(), seen.degraded()), (1, doubts), "{body:.100}");
        assert!(seen.rejects.iter().all(|reject| reject.lineage == seen.observations[0].lineage));
    }
}

#[test]
fn names_beyond_ascii_are_read_and_doubted_where_the_code_page_is_unknown() {
    let text = |head: &str| {
        format!(
            "{head}\r\n[HKCU\\Software\\Microsoft\\SystemCertificates\\Größe\\Certificates\\{EC}]\r\n{}\r\n",
            blob()
        )
    };
    let latin = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let version_5 = text("Windows Registry Editor Version 5.00");
    for (bytes, doubts) in [
        (wide(&version_5, true, false), 0),
        (version_5.clone().into_bytes(), 0),
        (latin(&version_5), 1),
        (latin(&text("REGEDIT4")), 1),
        (text("REGEDIT4").into_bytes(), 1),
    ] {
        let seen = read_all(&FORMAT, &bytes, "x");
        assert_eq!((seen.places.concat(), seen.degraded().len()), ("current_user/Größe".into(), doubts));
    }
}

#[test]
fn joined_exports_are_read_on() {
    let one = export(&format!("{MACHINE}{EC}]\r\n{}\r\n", blob()));
    let joined = [wide(&one, true, false), wide(&one, true, false)].concat();
    let seen = read_all(&FORMAT, &joined, "x");
    assert_eq!((seen.outcome, seen.observations.len(), seen.rejects.len()), (Outcome::Complete, 2, 0));
    let facts = |guid: &str| {
        export(&format!("[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography]\r\n\"MachineGuid\"=\"{guid}\"\r\n"))
    };
    let seen = read_all(&FORMAT, [facts("a"), facts("a"), facts("b"), facts("c")].concat().as_bytes(), "x");
    assert_eq!((seen.others.len(), seen.degraded()), (1, vec![Code::ClientConflict]));
    assert!(seen.others[0].contains("Some(\"a\")"));
}

#[test]
fn a_path_names_the_user_of_a_users_export() {
    let body = format!(
        "[HKEY_CURRENT_USER\\Software\\Microsoft\\SystemCertificates\\My\\Keys\\AB01]\r\n\"Blob\"=hex:23,00,00,00,01,00,00,00,00,00,00,00\r\n{MACHINE}{EC}]\r\n{}\r\n",
        blob()
    );
    let seen = read_all(&FORMAT, export(&body).as_bytes(), "pc/S-1-5-21-1-2-3-500/hkcu.reg");
    assert_eq!(seen.places, ["current_user/My/S-1-5-21-1-2-3-500", "local_machine/My"]);
    assert_eq!(seen.observations[0].claims.key_identifier.as_deref(), Some(&[0xab, 1][..]));
}

#[test]
fn memory_is_bounded_by_one_value() {
    // A line of 40 MiB that nobody wants, text of 5 MiB, and a line end in between.
    let big = "00,".repeat(14 << 20);
    let text = "t".repeat(5 << 20);
    let seen = read_text(&format!(
        "[HKEY_USERS\\x]\r\n\"a\"=hex:{big}00\r\n\"b\"=\"{text}\"\r\n{MACHINE}{EC}]\r\n{}\r\n",
        blob()
    ));
    assert_eq!((seen.outcome, seen.observations.len(), seen.rejects.len()), (Outcome::Complete, 1, 0));
}

#[test]
fn samples_say_what_they_were_made_for() {
    let damaged = samples("reg_text").into_iter().find(|(name, _)| name == "damaged.reg").expect("it is there").1;
    let seen = read_all(&FORMAT, &damaged, "damaged.reg");
    let codes = [
        Code::BadStructure,
        Code::BadHex,
        Code::Truncated,
        Code::Truncated,
        Code::Truncated,
        Code::BadStructure,
        Code::Truncated,
        // Not before the keys of its store might have come.
        Code::BadStructure,
    ];
    assert_eq!((seen.outcome, seen.lost()), (Outcome::Incomplete, codes.to_vec()));
    assert_eq!(seen.observations.len(), 3);
}

#[test]
fn exports_of_another_implementation_hold_the_store_they_were_made_from() {
    let store = corpus(|file| file == "wine/sst-wine-mixed.sst").pop();
    let Some(store) = store else { return };
    let mut expected: Vec<_> = read_all(&crate::format::sst::FORMAT, &store.bytes, "x")
        .observations
        .into_iter()
        .map(|o| (o.der, o.claims.provider_name, o.claims.key_container, o.claims.friendly_name))
        .collect();
    expected.sort();
    for entry in corpus(|file| file.starts_with("wine/wine-mixed-hkcu")) {
        let seen = read_all(&FORMAT, &entry.bytes, &entry.file);
        assert_eq!((seen.outcome, seen.rejects.len(), seen.observations.len()), (Outcome::Complete, 0, 20));
        assert!(seen.places.iter().all(|place| place == "current_user/InvMixed"));
        let mut found: Vec<_> = seen
            .observations
            .into_iter()
            .map(|o| (o.der, o.claims.provider_name, o.claims.key_container, o.claims.friendly_name))
            .collect();
        found.sort();
        assert_eq!(found, expected, "{}", entry.file);
    }
}

#[test]
fn only_values_that_say_something_are_doubted_and_where_their_row_stands() {
    let software = r"[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft";
    let body = format!(
        "REGEDIT4\r\n{software}\\Windows NT\\CurrentVersion]\r\n\"RegisteredOwner\"=\"Fräulein\"\r\n\
         {software}\\Cryptography\\Defaults\\Provider\\A CSP]\r\n\"Type\"=dword:1\r\n\"Image Path\"=\"Größe.dll\"\r\n"
    );
    let seen = read_all(&FORMAT, &encoding_rs::WINDOWS_1252.encode(&body).0, "x");
    assert_eq!((seen.others.len(), seen.degraded()), (1, vec![Code::BadText]));
    assert!(seen.others[0].contains("Größe.dll"));
    let at = encoding_rs::WINDOWS_1252.encode(&body[..body.find("\"Type\"").expect("it is there")]).0.len();
    assert_eq!(seen.rejects[0].lineage.byte_offset, at as u64);
}

/// Keys of a store stand behind its certificates. Where one of them could not be read, no certificate is without a key.
#[test]
fn what_is_lost_behind_a_certificate_may_have_been_its_key() {
    let tree = "S-1-5-21-1111111111-222222222-333333333-1001/Microsoft/SystemCertificates/My/Certificates";
    let files = samples("element").into_iter().filter(|(name, _)| name.starts_with(tree));
    let bare = files.map(|(_, bytes)| bytes).find(|bytes| !has_provider(bytes)).expect("one names no provider");
    let certificate = format!("{MACHINE}{EC}]\r\n\"Blob\"=hex:{}\r\n", hex(&bare));
    let keys = MACHINE.replace("My\\Certificates", "My\\Keys");
    let other = MACHINE.replace("\\My\\", "\\Root\\");
    let report = |rest: &str| {
        let seen = read_text(&format!("{certificate}{rest}"));
        seen.observations.first().map(|o| o.claims.key_report)
    };
    for whole in ["", &format!("{other}{EC}]\r\n\"Blob\"=hex:zz\r\n"), "; a comment\r\n"] {
        assert_eq!(report(whole), Some(KeyReport::Absent), "{whole}");
    }
    for damaged in [
        &format!("{keys}AB01]\r\n\"Blob\"=hex:zz\r\n"),
        &format!("{keys}AB01]\r\n\"Blob\"=hex:00,01,\\\r\n"),
        &format!("{keys}AB01\r\n\"Blob\"=hex:00,01\r\n"),
        "something else\r\n",
    ] {
        assert_ne!(report(damaged), Some(KeyReport::Absent), "{damaged}");
    }
}
