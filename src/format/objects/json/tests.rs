use std::collections::BTreeSet;

use super::*;
use crate::format::Setting;
use crate::format::testing::{read_all, read_with};

/// What becomes of objects of no kind: where each was found, and why it was lost.
fn lost(text: &[u8]) -> (Vec<(u64, Code)>, Outcome) {
    let seen = read_all(&FORMAT, text, "x.json");
    (seen.rejects.iter().map(|reject| (reject.lineage.byte_offset, reject.code)).collect(), seen.outcome)
}

#[test]
fn objects_of_the_outermost_array_are_records_at_their_places() {
    let text = b"\xef\xbb\xbf[\r\n  {\"a\": \"}]\"},\r\n  {\"b\": [{}]}\r\n]\r\n{\"c\": 1}";
    assert_eq!(
        lost(text),
        (vec![(8, Code::UnknownType), (24, Code::UnknownType), (40, Code::UnknownType)], Outcome::Complete)
    );
}

#[test]
fn places_count_bytes_before_decoding() {
    let text: Vec<u8> = "\u{feff}[{\"é\":1},{}]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(lost(&text).0, [(4, Code::UnknownType), (20, Code::UnknownType)]);
}

#[test]
fn after_damage_the_next_object_at_the_margin_is_found() {
    // A quote is missing, and the strings of everything behind it are turned inside out.
    let text = b"[\n  {\n    \"a\": \"x\n  },\n  {\n    \"b\": \"y\"\n  }\n]";
    assert_eq!(lost(text), (vec![(4, Code::Truncated), (25, Code::UnknownType)], Outcome::Complete));
    let text = b"[\n  {\n    \"a\": x\n  },\n  {\n    \"b\": \"y\"\n  }\n]";
    assert_eq!(lost(text), (vec![(4, Code::BadJson), (24, Code::UnknownType)], Outcome::Complete));
}

#[test]
fn what_is_cut_off_is_told() {
    assert_eq!(lost(b"[{\"a\":1},{\"b\":"), (vec![(1, Code::UnknownType), (9, Code::Truncated)], Outcome::Incomplete));
    assert_eq!(lost(b"[{\"a\":1},"), (vec![(1, Code::UnknownType), (0, Code::Truncated)], Outcome::Incomplete));
}

#[test]
fn what_is_no_object_is_told_once() {
    assert_eq!(
        lost(b"[1, \"a{\", true]").0,
        [(1, Code::BadStructure), (4, Code::BadStructure), (10, Code::BadStructure)]
    );
    let seen = read_all(&FORMAT, b"[null, [], {}]", "x.json");
    assert_eq!((seen.skips.len(), seen.lost().len()), (2, 1));
}

#[test]
fn an_object_that_is_too_long_costs_itself_alone() {
    let text = format!("[{{\"a\": \"{}\"}}, {{\"b\": 1}}]", "x".repeat(MAX_ELEMENT));
    let (found, outcome) = lost(text.as_bytes());
    assert_eq!((found[0], outcome), ((1, Code::TooLarge), Outcome::Complete));
    assert_eq!(found[1], (text.len() as u64 - 9, Code::UnknownType));
    assert_eq!(found.len(), 2);
}

#[test]
fn characters_that_end_like_an_escape_are_read_in_their_code_page() {
    let mut text = b"[\n  {\n    \"FriendlyName\": \"".to_vec();
    text.extend_from_slice(b"\x95\x5c\",\n    \"Thumbprint\": \"A6DBFD78F1113C07D1A331F4388D1EDC72BA6E73\"\n  }\n]");
    let head = Head { bytes: &text, complete: true, len: None };
    assert!(sniff(&head));
    let setting = Setting { code_page: CodePage::of(932), ..Setting::default() };
    let seen = read_with(&FORMAT, &text, "x.json", u64::MAX, &setting);
    assert_eq!((seen.observations[0].claims.friendly_name.as_deref(), seen.rejects.len()), (Some("\u{8868}"), 0));
    // Without it the object cannot be told from a damaged one.
    assert_eq!(lost(&text).0.len(), 1);
}

#[test]
fn half_a_character_of_utf_16_is_replaced_whatever_the_code_page() {
    let text = "[{\"FriendlyName\": \"\u{e9}?\", \"Thumbprint\": \"A6DBFD78F1113C07D1A331F4388D1EDC72BA6E73\"}]";
    let units = text.encode_utf16().map(|unit| if unit == u16::from(b'?') { 0xd800 } else { unit });
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    let setting = Setting { code_page: CodePage::of(1252), ..Setting::default() };
    let seen = read_with(&FORMAT, &bytes, "x.json", u64::MAX, &setting);
    assert_eq!(seen.observations[0].claims.friendly_name.as_deref(), Some("\u{e9}\u{fffd}"));
    assert_eq!(seen.degraded(), [Code::BadText]);
}

#[test]
fn of_a_list_that_is_cut_the_whole_objects_are_kept() {
    let one = "{\"Thumbprint\":\"A6DBFD78F1113C07D1A331F4388D1EDC72BA6E73\",\"HasPrivateKey\":true}";
    let text = format!("{{\"Count\":3,\"value\":[{one},{one},{}", &one[..60]);
    let seen = read_all(&FORMAT, text.as_bytes(), "x.json");
    assert_eq!((seen.observations.len(), seen.lost(), seen.outcome), (2, vec![Code::Truncated], Outcome::Incomplete));
    let places: BTreeSet<_> = seen.observations.iter().map(|row| row.lineage.part).collect();
    assert_eq!(places.len(), 2);
}
