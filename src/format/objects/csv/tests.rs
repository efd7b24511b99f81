use super::*;
use crate::format::testing::{Collect, read_all};

const A: &str = "A6DBFD78F1113C07D1A331F4388D1EDC72BA6E73";
const B: &str = "465A6DFB2449765178677EFB0E19004001F36A0C";

fn read(text: &str) -> Collect {
    read_all(&FORMAT, text.as_bytes(), "x.csv")
}

#[test]
fn separators_are_found_by_the_names_they_make() {
    for separator in [",", ";", "\t"] {
        let text = format!("Subject|Thumbprint\r\n\"CN=a, O=b; c\td\"|{A}\r\n").replace('|', separator);
        let seen = read(&text);
        assert_eq!(
            (seen.observations.len(), seen.rejects.len(), seen.outcome),
            (1, 0, Outcome::Complete),
            "{separator:?}"
        );
    }
    let seen = read(&format!("sep=;\r\nSubject;Thumbprint\r\nCN=a;{A}\r\n"));
    assert_eq!((seen.observations.len(), seen.records()), (1, 1));
}

#[test]
fn rows_stand_at_their_places_whatever_is_inside_quotes() {
    let text = format!("#TYPE X\r\n\"Subject\",\"Thumbprint\"\r\n\"a\r\n\"\"b\"\"\",\"{A}\"\r\n\r\n\"c\",\"{B}\"");
    let seen = read(&text);
    let places: Vec<_> = seen.observations.iter().map(|row| row.lineage.byte_offset as usize).collect();
    assert_eq!(places, [text.find("\"a\r").unwrap_or(0), text.find("\"c\"").unwrap_or(0)]);
    assert!(seen.rejects.is_empty());
}

#[test]
fn rows_with_other_counts_than_the_names_are_lost() {
    let seen = read(&format!("Subject,Thumbprint\nCN=a,O=b,{A}\nCN=a\nCN=c,{B},,\n"));
    assert_eq!(seen.lost(), [Code::BadStructure; 2]);
    assert_eq!(seen.observations.len(), 1, "empty values behind the last name are nothing");
}

#[test]
fn tables_one_after_the_other_have_names_of_their_own() {
    let text =
        format!("#TYPE X\nSubject,Thumbprint\nCN=a,{A}\nSubject,Thumbprint\n#TYPE Y\nThumbprint,Issuer\n{B},CN=b\n");
    let seen = read(&text);
    assert_eq!((seen.observations.len(), seen.skips.get("csv_header"), seen.lost().len()), (2, Some(&1), 0));
}

#[test]
fn quotes_without_an_end_cost_their_line() {
    let seen = read(&format!("Subject,Thumbprint\n\"CN=a,{A}\nCN=b,{B}\n"));
    assert_eq!((seen.lost(), seen.observations.len()), (vec![Code::Truncated], 1));
}

#[test]
fn places_count_bytes_before_decoding() {
    let text = format!("\u{feff}Subject,Thumbprint\r\nCN=ä,{A}\r\nCN=ö,{B}\r\n");
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let seen = read_all(&FORMAT, &bytes, "x.csv");
    let places: Vec<_> = seen.observations.iter().map(|row| row.lineage.byte_offset).collect();
    assert_eq!(places, [42, 42 + 2 * 47]);
}

#[test]
fn letters_of_code_pages_are_guessed_with_a_word() {
    let mut bytes = format!("Subject,Thumbprint\r\nCN=x,{A}\r\n").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'x').unwrap_or(0);
    bytes[at] = 0xe4;
    let seen = read_all(&FORMAT, &bytes, "x.csv");
    assert_eq!((seen.observations.len(), seen.degraded()), (1, vec![Code::BadText]));
}
