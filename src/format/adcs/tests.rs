//! What exports of the database look like, and what happens to them on the way.

use super::FORMAT;
use super::row::MAX_ROW;
use crate::format::testing::{Collect, read_all, read_until, read_with, sample};
use crate::format::{CodePage, Outcome, Setting};
use crate::record::Code;

/// Columns that most tests need, and their labels.
const SCHEMA: &str = "\
Schema:
  Column Name                   Localized Name                Type    MaxLength
  ----------------------------  ----------------------------  ------  ---------
  Request.RequestID             Request ID                    Long    4 -- Indexed
  Request.RequestAttributes     Request Attributes            String  32768
  Request.Disposition           Request Disposition           Long    4 -- Indexed
  Request.RequesterName         Requester Name                String  2048 -- Indexed
  PublicKeyAlgorithm            Public Key Algorithm          String  254

";

fn row(number: i64, id: &str, attributes: &str, requester: &str) -> String {
    format!(
        "Row {number}:\n  Request ID: {id}\n  Request Attributes: {attributes}\n  Request Disposition: \
         0x14 (20) -- Issued\n  Requester Name: {requester}\n  Public Key Algorithm: \"1.2.840.113549.1.1.1\" RSA (RSA_SIGN)\n\n"
    )
}

fn end(rows: u64) -> String {
    format!("Maximum Row Index: {rows}\n\n{rows} Rows\n  {rows} Row Properties, Total Size = 0\n")
}

fn read(text: &str) -> Collect {
    read_all(&FORMAT, text.as_bytes(), "view.txt")
}

/// The rows without their place and how sure their form is.
fn said(seen: &Collect) -> Vec<String> {
    let without_confidence = |text: &str| text.rsplit_once(", confidence: ").map(|(text, _)| text.to_owned());
    let rows = seen.others.iter().map(|row| row.split_once("kind: CaRow").expect("a row of a database").1);
    rows.filter_map(without_confidence).collect()
}

fn utf8(name: &str) -> String {
    String::from_utf8(sample("adcs_text", name)).expect("the sample is UTF-8")
}

#[test]
fn two_columns_of_one_name_and_a_block_are_apart() {
    let text = row(1, "0x4", "\"\nccm:web.fabrikam.test\n\nx:y\"", "\"FABRIKAM\\jo\"");
    let block =
        "  Request Attributes:\n    RequestCSPProvider: \"Fabrikam Provider\"\n    ccm: \"other.fabrikam.test\"\n\n";
    let seen = read(&[SCHEMA, &text, block, &end(1)].concat());
    assert_eq!((seen.outcome, seen.rejects.len(), seen.others.len()), (Outcome::Complete, 0, 1), "{:?}", seen.rejects);
    let request = &seen.others[0];
    assert!(request.contains("provider_name: Some(\"Fabrikam Provider\")"), "{request}");
    assert!(request.contains("machine: Some(\"other.fabrikam.test\")"), "{request}");
    assert!(request.contains("requester: Some(\"FABRIKAM\\\\jo\")"), "{request}");
    // Without the block, the column says it.
    let seen = read(&[SCHEMA, &text, &end(1)].concat());
    assert!(
        seen.others[0].contains("machine: Some(\"web.fabrikam.test\")")
            && seen.others[0].contains("provider_name: None")
    );
}

#[test]
fn no_language_is_needed() {
    let english = read_all(&FORMAT, &sample("adcs_text", "full.txt"), "full.txt");
    let german = read_all(&FORMAT, &sample("adcs_text", "full-german-utf16.txt"), "german.txt");
    assert_eq!(said(&english), said(&german));
    assert_eq!(english.others.len(), 4);
    assert!(german.others.iter().all(|row| row.contains("confidence: Inferred")), "no German row was ever seen");
    assert!(english.others.iter().all(|row| row.contains("confidence: Seen")));
    for title in ["\u{884c} 1:", "1. sor:", "Ligne\u{a0}1\u{a0}:", "Row 1\u{ff1a}"] {
        let text = [SCHEMA, &row(1, "0x5", "EMPTY", "\"a\""), &end(1)].concat().replace("Row 1:", title);
        let seen = read(&text);
        assert_eq!((seen.others.len(), seen.rejects.len(), seen.outcome), (1, 0, Outcome::Complete), "{title}");
    }
}

#[test]
fn every_encoding_says_the_same() {
    let text = utf8("full.txt");
    let expected = said(&read(&text));
    let utf16 = |mark: &str| (mark.to_owned() + &text).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for bytes in
        [utf16("\u{feff}"), utf16(""), text.replace('\n', "\r\n").into_bytes(), format!("\u{feff}{text}").into()]
    {
        assert_eq!(said(&read_all(&FORMAT, &bytes, "x.txt")), expected);
    }
    // The requester has a letter of an OEM code page.
    let oem = |byte: u8| {
        let at = text.find('\u{f6}').expect("the sample has one");
        [&text.as_bytes()[..at], &[byte], &text.as_bytes()[at + 2..]].concat()
    };
    let setting = Setting { code_page: CodePage::of(850), ..Setting::default() };
    let seen = read_with(&FORMAT, &oem(0x94), "oem.txt", u64::MAX, &setting);
    assert_eq!((said(&seen), seen.degraded()), (expected.clone(), vec![Code::BadField; 1]));
    let seen = read_all(&FORMAT, &oem(0x94), "oem.txt");
    assert_eq!(seen.degraded(), [Code::BadText, Code::BadField], "the letter is guessed");
    assert_eq!(said(&seen)[1..], expected[1..]);
}

#[test]
fn lines_that_were_cut_are_joined_again() {
    let name = format!("FABRIKAM\\{}", "long name ".repeat(60));
    let whole = row(1, "0x4", "EMPTY", &format!("\"{name}\""));
    let mut text = SCHEMA.to_owned();
    for line in whole.lines() {
        let mut line = line;
        while line.len() > 258 {
            text.extend([&line[..258], "\n"]);
            line = &line[258..];
        }
        text.extend([line, "\n"]);
    }
    let seen = read(&(text + &end(1)));
    assert!(seen.others[0].contains(&format!("requester: Some({name:?})")), "{:?}", seen.others);
    assert!(seen.rejects.is_empty(), "{:?}", seen.rejects);
}

#[test]
fn what_copies_suffer_costs_nothing_else() {
    let text = utf8("full.txt");
    let (expected, rejects) = (said(&read(&text)), read(&text).degraded());
    let every_line = |change: &dyn Fn(&str) -> String| text.lines().map(change).collect::<Vec<_>>().join("\n");
    // A line that was cut is known by its length.
    let is_column = |line: &str| line.starts_with("  ") && !line.starts_with("   ") && line.len() < 258;
    let damages = [
        ("indented", every_line(&|line| format!("      {line}"))),
        (
            "leading blanks lost",
            every_line(&|line| if is_column(line) { line.trim_start().into() } else { line.into() }),
        ),
        ("blank before the colon", every_line(&|line| line.replacen(": ", "\u{a0}: ", usize::from(is_column(line))))),
        ("blanks for the TAB", text.replace('\t', "  ")),
        ("words around it", format!("PS C:\\> certutil -view\n\n{text}\nPS C:\\> whoami\nRow 9:\n")),
        ("trailing blanks", every_line(&|line| if line.len() < 100 { format!("{line}  ") } else { line.into() })),
    ];
    for (damage, text) in damages {
        let seen = read(&text);
        assert_eq!(said(&seen), expected, "{damage}");
        assert_eq!((seen.degraded(), seen.outcome), (rejects.clone(), Outcome::Complete), "{damage}");
    }
}

#[test]
fn missing_columns_are_told_and_labels_that_repeat_are_not_trusted_then() {
    let schema = SCHEMA.replace("Public Key Algorithm  ", "Requester Name        ");
    let text = row(1, "0x4", "EMPTY", "\"FABRIKAM\\jo\"").replace("Public Key Algorithm:", "Requester Name:");
    let seen = read(&[&schema[..], &text, &end(1)].concat());
    assert!(seen.rejects.is_empty() && seen.others[0].contains("requester: Some(\"FABRIKAM\\\\jo\")"), "{seen:?}");
    let trimmed = text.replace("  Requester Name: \"FABRIKAM\\jo\"\n", "");
    let seen = read(&[&schema[..], &trimmed, &end(1)].concat());
    assert_eq!(seen.degraded(), [Code::MissingField]);
    assert!(seen.others[0].contains("requester: None"), "{:?}", seen.others);
    let text = row(1, "0x4", "EMPTY", "EMPTY");
    let seen = read(
        &[SCHEMA, &text.replace("  Request Disposition: 0x14 (20) -- Issued\n", "  What: is this\n"), &end(1)].concat(),
    );
    assert_eq!(seen.degraded(), [Code::BadStructure, Code::MissingField], "{seen:?}");
}

#[test]
fn a_value_may_hold_anything() {
    let text = "\"first \"quoted\" x\n  Request Disposition: 0x1f (31) -- Denied\nRow 2:\n  Request ID: 0x9\n\n\"";
    let next = row(2, "0x5", "\"\"", "EMPTY");
    let seen = read(&[SCHEMA, &row(1, "0x4", text, "\"FABRIKAM\\jo\""), &next, &end(2)].concat());
    assert_eq!((seen.others.len(), seen.rejects.len()), (2, 0), "{:?}", seen.rejects);
    assert!(seen.others[0].contains("request_number: Some(4)") && seen.others[0].contains("Some(\"issued\")"));
    assert!(seen.others[1].contains("request_number: Some(5)"));
    // Where a requester's text closes its quotes and goes on as a column, that column is not believed.
    let text = text.replace(" x\n", "\n").replace("Row 2:\n", "");
    let seen = read(&[SCHEMA, &row(1, "0x4", &text, "\"FABRIKAM\\jo\""), &next, &end(2)].concat());
    assert_eq!(seen.others.len(), 2);
    assert!(seen.others[0].contains("disposition: None") && seen.others[0].contains("request_number: None"));
    assert!(seen.degraded().iter().filter(|code| **code == Code::BadStructure).count() >= 2, "{:?}", seen.rejects);
}

#[test]
fn a_lost_quote_costs_its_value_alone() {
    let text = row(1, "0x4", "\"never closed", "EMPTY").replace("\"1.2.840.113549.1.1.1\" RSA (RSA_SIGN)", "EMPTY");
    let seen = read(&[SCHEMA, &text, &row(2, "0x5", "EMPTY", "\"b\""), &end(2)].concat());
    assert_eq!((seen.others.len(), seen.outcome), (2, Outcome::Complete));
    assert_eq!(seen.degraded(), [Code::Truncated, Code::MissingField]);
    assert!(seen.others[0].contains("request_number: Some(4)") && seen.others[1].contains("requester: Some(\"b\")"));
}

#[test]
fn the_end_is_compared_with_what_was_read() {
    let rows = [row(1, "0x4", "EMPTY", "EMPTY"), row(2, "0x5", "EMPTY", "EMPTY")].concat();
    for (tail, code) in [
        (String::new(), Code::MissingEnd),
        (end(3), Code::EndCountsDiffer),
        ("Maximum Row Index: 2\n".into(), Code::MissingEnd),
    ] {
        let seen = read(&[SCHEMA, &rows, &tail].concat());
        assert_eq!((seen.outcome, seen.degraded(), seen.others.len()), (Outcome::Incomplete, vec![code], 2), "{tail}");
    }
    let seen = read(&[SCHEMA, &row(2, "0x5", "EMPTY", "EMPTY"), &end(2)].concat());
    assert_eq!(seen.degraded(), [Code::SequenceGap, Code::EndCountsDiffer], "a row is missing");
    let seen = read(&[SCHEMA, &end(0)].concat());
    assert_eq!((seen.outcome, seen.records(), seen.rejects.len()), (Outcome::Complete, 0, 0), "no row is no doubt");
}

#[test]
fn a_line_that_looks_like_the_end_is_none() {
    let first = row(1, "0x4", "EMPTY", "EMPTY") + "somebody's note: 12\n\n";
    let seen = read(&[SCHEMA, &first, &row(2, "0x5", "EMPTY", "EMPTY"), &end(2)].concat());
    assert_eq!((seen.others.len(), seen.outcome), (2, Outcome::Complete));
    assert_eq!(seen.degraded(), [Code::BadStructure], "the line belongs to nothing");
    let rule = row(1, "0x4", "EMPTY", "EMPTY") + "----  ----  ----  ----\nRunning  a  b  4\n\n";
    let seen = read(&[SCHEMA, &rule, &row(2, "0x5", "EMPTY", "EMPTY"), &end(2)].concat());
    assert_eq!((seen.others.len(), seen.outcome), (2, Outcome::Complete));
    assert_eq!(seen.degraded(), [Code::BadStructure], "nor does a table of something else");
}

#[test]
fn a_column_that_nobody_knows_costs_nothing() {
    let schema = SCHEMA.replace("  PublicKeyAlgorithm ", "  LaterColumn  Later  Long  4\n  PublicKeyAlgorithm ");
    let text = row(1, "0x4", "EMPTY", "EMPTY").replace("  Public Key", "  Later: 0x1\n  Public Key");
    let seen = read(&[&schema[..], &text, &end(1)].concat());
    assert_eq!((seen.others.len(), seen.rejects.len(), seen.outcome), (1, 0, Outcome::Complete), "{:?}", seen.rejects);
}

#[test]
fn what_is_renewed_is_a_certificate_too() {
    let old = base64_simd::STANDARD.encode_to_string(sample("certificate_der", "ec-leaf.cer"));
    let schema = SCHEMA.replace("Request.RequestAttributes ", "Request.RawOldCertificate ");
    let block = format!("\n-----BEGIN CERTIFICATE-----\n{old}\n-----END CERTIFICATE-----\n");
    let seen = read(&[&schema[..], &row(1, "0x4", &block, "EMPTY"), &end(1)].concat());
    assert_eq!((seen.observations.len(), seen.observations[0].lineage.part, seen.rejects.len()), (1, 2, 0));
    assert!(seen.others[0].contains("renewed_thumbprint: Some([182, 239, 201"), "{:?}", seen.others);
}

#[test]
fn a_name_behind_an_identifier_is_not_its_value() {
    let schema = SCHEMA.replace("PublicKeyAlgorithm ", "CertificateTemplate");
    let text = row(1, "0x4", "EMPTY", "EMPTY").replace("RSA (RSA_SIGN)", "Anna's \"best\" template");
    let seen = read(&[&schema[..], &text, &end(1)].concat());
    assert!(
        seen.others[0].contains("template_name: None, template_oid: Some(\"1.2.840.113549.1.1.1\")"),
        "{:?}",
        seen.others
    );
}

#[test]
fn outputs_follow_each_other() {
    let one = [SCHEMA, &row(1, "0x4", "EMPTY", "EMPTY")].concat();
    let seen = read(&[&one, &end(1), "\nC:\\>certutil -view\n", &one, &end(1)].concat());
    assert_eq!((seen.outcome, seen.others.len(), seen.rejects.len()), (Outcome::Complete, 2, 0), "{:?}", seen.rejects);
    let seen = read(&[&one[..], &one, &end(1)].concat());
    assert_eq!((seen.outcome, seen.others.len()), (Outcome::Incomplete, 2));
    assert_eq!(seen.degraded(), [Code::MissingEnd], "the first has no end, and its row no line too many");
}

#[test]
fn a_request_that_is_damaged_leaves_its_row() {
    let text = utf8("full.txt");
    let line = text.lines().find(|line| line.len() == 64 && !line.contains(' ')).expect("a line of base64");
    let cases = [
        (text.replacen("-----END NEW CERTIFICATE REQUEST-----\n", "", 1), Code::Truncated),
        (text.replacen(line, "!!!!", 1), Code::BadBase64),
        (text.replacen(&format!("{line}\n"), "", 1), Code::BadStructure),
    ];
    for (text, code) in cases {
        let seen = read(&text);
        assert_eq!((seen.others.len(), seen.lost()), (4, vec![]), "{code:?}");
        assert!(seen.degraded().contains(&code), "{code:?}: {:?}", seen.degraded());
        assert!(seen.others[0].contains("request_number: Some(4)"));
    }
}

#[test]
fn a_damaged_dump_gives_no_hash() {
    let text = utf8("full.txt");
    let hash = |seen: &Collect| seen.others[3].contains("public_key_sha1: Some");
    assert!(hash(&read(&text)));
    let line = text.lines().find(|line| line.starts_with("0010\t0f 10")).expect("a line of the dump");
    for changed in
        [String::new(), format!("{line}\n{line}"), line.replace("0f 10", "0f zz"), line.replace("0010\t", "0020\t")]
    {
        let seen = read(&text.replacen(line, &changed, 1));
        assert_eq!((hash(&seen), seen.others.len()), (false, 4), "{changed}");
    }
    let seen = read(&text[..text.rfind("0020\t").expect("a line of the dump")]);
    assert!(!hash(&seen) && seen.degraded().contains(&Code::Truncated), "the end of a dump is cut off");
}

#[test]
fn a_message_with_several_requests_gives_the_first() {
    let message = base64_simd::STANDARD.encode_to_string(sample("cmc_request", "mixed-ber.req"));
    let schema = SCHEMA.replace("Request.RequestAttributes ", "Request.RawRequest        ");
    let block =
        format!("\n-----BEGIN NEW CERTIFICATE REQUEST-----\n{message}\n-----END NEW CERTIFICATE REQUEST-----\n");
    let seen = read(&[&schema[..], &row(1, "0x4", &block, "EMPTY"), &end(1)].concat());
    assert_eq!((seen.others.len(), seen.lost()), (1, vec![]));
    assert!(
        seen.rejects.iter().any(|reject| reject.message.contains("requests; the first one is used")),
        "{:?}",
        seen.rejects
    );
    let parts: Vec<_> = seen.observations.iter().map(|o| (o.lineage.part, o.lineage.record_number)).collect();
    assert!(parts.iter().enumerate().all(|(at, part)| *part == (3 + at as u32, Some(1))), "{parts:?}");
}

#[test]
fn the_attributes_of_a_request_are_one_row() {
    let seen = read(&utf8("attribute-table.txt"));
    assert_eq!((seen.outcome, seen.others.len(), seen.rejects.len()), (Outcome::Complete, 2, 0));
    assert_eq!(seen.skips.into_iter().collect::<Vec<_>>(), [("other_attributes", 1)]);
    assert!(seen.others.iter().all(|row| row.contains("confidence: Inferred")));
    assert!(seen.others[0].contains("request_number: Some(4)") && seen.others[0].contains("machine: Some(\"web-07."));
    let twice = utf8("attribute-table.txt").replace("\"cdc\"", "\"RequestCSPProvider\"");
    assert_eq!(read(&twice).degraded(), [Code::BadField]);
}

#[test]
fn other_tables_are_skipped_by_name() {
    for (name, reason) in
        [("ExtensionRequestId", "extension_row"), ("CRLRowId", "crl_row"), ("CommonName", "no_request_columns")]
    {
        let schema = format!("  A  B  C  D\n  ----  ----  ----  ----\n  {name}  Label  Long  4\n\n");
        let seen = read(&format!("{schema}Row 1:\n  Label: \"x\"\n\n{}", end(1)));
        assert_eq!(seen.skips.into_iter().collect::<Vec<_>>(), [(reason, 1)]);
    }
}

#[test]
fn a_row_and_a_line_have_a_limit() {
    let large = row(1, "0x4", &format!("\"{}\"", "x:y\n".repeat(MAX_ROW / 4 + 1)), "EMPTY");
    let seen = read(&[SCHEMA, &large, &row(2, "0x5", "EMPTY", "EMPTY"), &end(2)].concat());
    assert_eq!((seen.lost(), seen.others.len(), seen.outcome), (vec![Code::TooLarge], 1, Outcome::Complete));
    let long = row(1, "0x4", &format!("\"{}\"", "x".repeat(5000)), "\"a\"");
    let setting = Setting { max_line: 4096, ..Setting::default() };
    let text = [SCHEMA, &long, &row(2, "0x5", "EMPTY", "\"b\""), &end(2)].concat();
    let seen = read_with(&FORMAT, text.as_bytes(), "x.txt", u64::MAX, &setting);
    assert_eq!((seen.degraded(), seen.others.len()), (vec![Code::LineTooLong, Code::MissingField], 2));
    assert!(seen.others[0].contains("requester: Some(\"a\")") && seen.others[1].contains("requester: Some(\"b\")"));
}

#[test]
fn reading_stops_when_it_is_told_to() {
    let seen = read_until(&FORMAT, &sample("adcs_text", "full.txt"), "x.txt", 1);
    // The certificate belongs to the row.
    assert_eq!((seen.outcome, seen.records()), (Outcome::Incomplete, 2));
}

#[test]
fn a_certificate_of_the_ca_says_nothing_of_a_key() {
    let seen = read(&utf8("full.txt"));
    let leaf = sample("certificate_der", "rsa-leaf.cer");
    assert_eq!(seen.observations.len(), 1);
    let observation = &seen.observations[0];
    assert_eq!(observation.der.as_deref(), Some(&leaf[..]));
    assert_eq!(observation.claims, crate::record::Claims::default());
    assert_eq!((observation.lineage.part, observation.lineage.record_number), (1, Some(1)));
}
