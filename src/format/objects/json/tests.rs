use super::*;
use crate::format::testing::read_all;

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
