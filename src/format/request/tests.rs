use super::*;
use crate::format::testing::{Collect, read_all, sample, samples};
use crate::format::{FORMATS, pem, pkcs7};
use crate::input::Window;

fn read_one(bytes: &[u8]) -> Collect {
    read_all(&PKCS10, bytes, "x.csr")
}

/// Field names of the degraded rejects.
fn doubts(seen: &Collect) -> Vec<&str> {
    seen.rejects.iter().filter_map(|reject| reject.field.as_deref()).collect()
}

#[test]
fn a_request_is_one_row_at_its_place() {
    let bytes = sample("pkcs10_request", "windows-ksp.csr");
    let seen = read_one(&bytes);
    assert_eq!((seen.outcome, seen.records(), seen.rejects.len()), (Outcome::Complete, 1, 0));
    for told in ["pc-0001.example.test", "S-1-5-21-1-2-3-1104", "ada@example.test", "kind: Pkcs10", "byte_offset: 0"] {
        assert!(seen.others[0].contains(told), "{told}: {}", seen.others[0]);
    }
}

#[test]
fn bytes_behind_and_before_the_end() {
    let bytes = sample("pkcs10_request", "windows-ksp.csr");
    let padded = read_one(&[&bytes[..], &[0; 9]].concat());
    assert_eq!((padded.others.len(), padded.degraded()), (1, vec![Code::TrailingBytes]));
    let cut = read_one(&bytes[..bytes.len() - 1]);
    assert_eq!((cut.outcome, cut.lost(), cut.records()), (Outcome::Incomplete, vec![Code::Truncated], 1));
    let huge = [&[0x30, 0x84, 0x7f, 0, 0, 0][..], &bytes[4..]].concat();
    assert_eq!(read_one(&huge).lost(), [Code::TooLarge]);
    // Sniffed by its first fields, and nothing after them.
    let empty = [0x30, 13, 0x30, 11, 2, 1, 0, 0x30, 0, 0x30, 4, 0x30, 2, 6, 0];
    assert_eq!(read_one(&empty).others.len(), 1);
    assert_eq!(read_one(&[0x30, 2, 5, 0]).lost(), [Code::BadStructure]);
}

#[test]
fn a_damaged_request_keeps_what_can_be_read() {
    let seen = read_one(&sample("pkcs10_request", "damaged.csr"));
    assert_eq!((seen.others.len(), seen.lost().len()), (1, 0));
    assert_eq!(seen.degraded().iter().filter(|code| **code == Code::BadField).count(), 9);
    assert!(doubts(&seen).contains(&"1.3.6.1.4.1.311.21.20"));
    assert!(seen.rejects.iter().all(|reject| reject.lineage == Lineage::at(0) && reject.sample.is_none()));
    assert!(!format!("{seen:?}").contains("never shown"), "a challenge password stays where it is");
}

#[test]
fn controls_add_to_the_request_that_they_name() {
    let bytes = sample("cmc_request", "archived-key.req");
    let seen = read_all(&cmc::FORMAT, &bytes, "x.req");
    assert_eq!((seen.outcome, seen.records(), seen.rejects.len()), (Outcome::Complete, 1, 0));
    for told in ["kind: Cmc", "pc-0003.example.test", "is_signed: Some(false)", "is_key_archived: Some(true)"] {
        assert!(seen.others[0].contains(told), "{told}: {}", seen.others[0]);
    }
    let at: usize = seen.others[0]
        .split_once("byte_offset: ")
        .and_then(|(_, n)| n.split_once(','))
        .and_then(|(n, _)| n.parse().ok())
        .expect("an offset");
    assert_eq!(der::kind(&bytes[at..]), Some(Kind::Pkcs10));
}

#[test]
fn every_kind_of_part_and_content_in_pieces() {
    let seen = read_all(&cmc::FORMAT, &sample("cmc_request", "mixed-ber.req"), "x.req");
    assert_eq!((seen.outcome, seen.records(), seen.rejects.len()), (Outcome::Complete, 7, 0));
    let skips: Vec<_> = seen.skips.into_iter().collect();
    assert_eq!(skips, [("nested_cms", 1), ("other_message", 1), ("other_request", 1)]);
    assert_eq!((seen.others.len(), seen.observations.len()), (3, 1));
    let named = |text: &str| seen.others.iter().map(|row| row.contains(text)).collect::<Vec<_>>();
    assert_eq!(named("added.example.test"), [true, false, false]);
    for (number, row) in seen.others.iter().enumerate() {
        assert!(row.contains(&format!("part: {number}")), "one place, told apart: {row}");
    }
}

#[test]
fn a_truncated_message_loses_what_is_cut() {
    let bytes = sample("cmc_request", "mixed-ber.req");
    let mut rows = 0;
    for end in 0..bytes.len() {
        let seen = read_all(&cmc::FORMAT, &bytes[..end], "x.req");
        assert_eq!((seen.outcome, seen.lost()), (Outcome::Incomplete, vec![Code::Truncated]), "{end}");
        assert!(seen.others.len() >= rows, "{end}");
        rows = seen.others.len();
    }
    assert_eq!(rows, 3);
}

#[test]
fn signed_requests_are_renewals_only_where_they_name_a_certificate() {
    for (name, kind, certificates) in [("renewal.p7b", "kind: Renewal", 2), ("by-agent.p7b", "kind: Signed", 1)] {
        let seen = read_all(&pkcs7::FORMAT, &sample("pkcs7", name), name);
        assert_eq!((seen.others.len(), seen.observations.len(), seen.skips.len()), (1, certificates, 0), "{name}");
        assert!(seen.others[0].contains(kind), "{}", seen.others[0]);
        let named = !seen.others[0].contains("renewed_thumbprint: None");
        assert_eq!(named, kind.contains("Renewal"));
    }
}

#[test]
fn blocks_of_any_label() {
    let seen = read_all(&pem::FORMAT, &sample("pem", "requests.pem"), "x.pem");
    assert_eq!((seen.others.len(), seen.observations.len(), seen.lost()), (5, 3, vec![Code::BadStructure]));
    assert_eq!(seen.skips.get("crl"), Some(&1));
}

/// A CMC message of these controls and requests.
fn message(controls: &[u8], requests: &[u8]) -> Vec<u8> {
    fn open(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).expect("short").to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    }
    let data = open(0x30, &[open(0x30, controls), open(0x30, requests), vec![0x30, 0, 0x30, 0]].concat());
    let content = [&[6, 8][..], der::PKI_DATA, &open(0xa0, &open(4, &data))].concat();
    let signed = [&[2, 1, 3, 0x31, 0][..], &open(0x30, &content), &[0x31, 0]].concat();
    let signed_data = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    open(0x30, &[&signed_data[..], &open(0xa0, &open(0x30, &signed))].concat())
}

#[test]
fn messages_without_requests_and_with_what_is_none() {
    let read = |bytes: &[u8]| read_all(&cmc::FORMAT, bytes, "x.req");
    let none = read(&message(&[], &[]));
    assert_eq!((none.skips.get("cmc_controls"), none.records()), (Some(&1), 1));
    assert_eq!(read(&message(&[], &[4, 0])).lost(), [Code::BadStructure]);
    assert_eq!(read(&message(&[], &[0xa0, 3, 2, 1, 1])).lost(), [Code::BadStructure]);
    assert_eq!(read(&message(&[], &[0xa1, 0])).lost(), [Code::BadStructure]);
    assert_eq!(read(&message(&[], &[0xa1, 9])).lost(), [Code::BadStructure], "not a value");
}

/// Many controls for many requests cost no more than their bytes, and a word.
#[test]
fn controls_beyond_the_limits_are_ignored_with_a_word() {
    let wrap = |tag: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).expect("short").to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    };
    let parts: Vec<u8> = (0..5000u16).flat_map(|part| [&[2, 2][..], &(part + 1).to_be_bytes()].concat()).collect();
    let attributes = wrap(0x31, &[0x30, 6, 6, 2, 0x2a, 3, 0x31, 0].repeat(1000));
    let value = wrap(0x30, &[&[2, 1, 0][..], &wrap(0x30, &parts), &attributes].concat());
    let kind = [6, 10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x0a, 0x01];
    let control = wrap(0x30, &[&[2, 1, 9][..], &kind, &wrap(0x31, &value)].concat());
    let inner = sample("pkcs10_request", "null-signature.csr");
    let requests: Vec<u8> =
        (0..3000u16).flat_map(|part| wrap(0xa0, &[&[2, 2][..], &(part + 1).to_be_bytes(), &inner].concat())).collect();
    let seen = read_all(&cmc::FORMAT, &message(&control, &requests), "x.req");
    assert_eq!((seen.others.len(), seen.lost().len()), (3000, 0));
    assert_eq!(seen.degraded().iter().filter(|code| **code == Code::TooLarge).count(), 1);
    // 2,097 times the attributes are 16 MiB; each of those requests has more attributes than are listed.
    assert_eq!(seen.degraded().iter().filter(|code| **code == Code::BadField).count(), 16 * 1024 * 1024 / 8000);
}

#[test]
fn neighbours_are_named_and_their_certificates_read() {
    for (name, observations) in
        [("crl", 0), ("attribute_certificate", 0), ("public_key", 0), ("ctl", 2), ("cmc_response", 2)]
    {
        let format = FORMATS.iter().find(|format| format.name == name).expect("the format");
        for (file, bytes) in samples(name) {
            let seen = read_all(format, &bytes, &file);
            assert_eq!((seen.outcome, seen.skips.get(name)), (Outcome::Complete, Some(&1)), "{file}");
            assert_eq!((seen.observations.len(), seen.rejects.len()), (observations, 0), "{file}");
            let cut = read_all(format, &bytes[..bytes.len() - 1], &file);
            assert_eq!((cut.outcome, cut.lost()), (Outcome::Incomplete, vec![Code::Truncated]), "{file}");
            let padded = read_all(format, &[&bytes[..], &[0]].concat(), &file);
            assert_eq!((padded.records(), padded.degraded()), (seen.records(), vec![Code::TrailingBytes]), "{file}");
        }
    }
}

#[test]
fn a_revocation_list_of_any_size_or_length_is_passed_over() {
    let crl = sample("crl", "example.crl");
    let open_ended = [&[0x30, 0x80][..], &crl[4..], &[0, 0]].concat();
    let format = FORMATS.iter().find(|format| format.name == "crl").expect("the format");
    let seen = read_all(format, &open_ended, "x.crl");
    assert_eq!((seen.skips.get("crl"), seen.rejects.len()), (Some(&1), 0));
    let large = [&[0x30, 0x84, 0x08, 0, 0, 0][..], &vec![0; 0x0800_0000]].concat();
    let mut window = Window::new(&large[..], 0);
    assert!(window.fill(1).len() < large.len());
    assert_eq!(read_all(format, &large, "x.crl").skips.get("crl"), Some(&1));
}

#[test]
fn every_byte_may_be_wrong() {
    for folder in ["pkcs10_request", "cmc_request", "pkcs7"] {
        let format = FORMATS.iter().find(|format| format.name == folder).expect("the format");
        for (file, mut bytes) in samples(folder) {
            for at in 0..bytes.len() {
                for wrong in [0, 0x80, 0xff] {
                    let right = std::mem::replace(&mut bytes[at], wrong);
                    let seen = read_all(format, &bytes, &file);
                    let is_told = seen.records() > 0 || file.starts_with("empty") || !seen.rejects.is_empty();
                    assert!(is_told, "{file}: {wrong:#x} at {at} gives nothing and says nothing");
                    bytes[at] = right;
                }
            }
        }
    }
}
