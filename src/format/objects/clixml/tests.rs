use super::*;
use crate::format::testing::read_all;

fn lost(text: &[u8]) -> (Vec<(u64, Code)>, Outcome) {
    let seen = read_all(&FORMAT, text, "x.clixml");
    (seen.rejects.iter().map(|reject| (reject.lineage.byte_offset, reject.code)).collect(), seen.outcome)
}

#[test]
fn objects_of_the_outermost_element_are_records_at_their_places() {
    let text = b"#< CLIXML\r\n<Objs Version=\"1.1\">\r\n  <Obj RefId=\"0\"><MS><Obj N=\"a\" /></MS></Obj>\r\n  <Obj />\r\n</Objs>";
    assert_eq!(lost(text), (vec![(35, Code::UnknownType), (82, Code::UnknownType)], Outcome::Complete));
}

#[test]
fn what_is_no_object_is_told_or_skipped() {
    let text = b"<Objs><S>text</S><Nil /><S S=\"Error\">oh</S><Obj><I32>1</I32></Obj></Objs>";
    let seen = read_all(&FORMAT, text, "x.clixml");
    assert_eq!(seen.lost(), [Code::BadStructure; 2]);
    assert_eq!((seen.skips.get("clixml_nil"), seen.skips.get("clixml_message")), (Some(&1), Some(&1)));
}

#[test]
fn after_damage_the_next_object_at_the_margin_is_found() {
    let text = b"<Objs>\n  <Obj RefId=\"0\">\n    <Obj N=\"a\">\n  </Obj>\n  <Obj RefId=\"1\">\n  </Obj>\n</Objs>";
    assert_eq!(lost(text), (vec![(9, Code::Truncated), (52, Code::UnknownType)], Outcome::Complete));
    let text = b"<Objs>\n  <Obj RefId=\"0\">\n    <MS></Props>\n  </Obj>\n  <Obj RefId=\"1\">\n  </Obj>\n</Objs>";
    assert_eq!(lost(text).0, [(9, Code::BadStructure), (53, Code::UnknownType)]);
}

#[test]
fn what_is_cut_off_is_told() {
    assert_eq!(lost(b"<Objs><Obj></Obj>"), (vec![(6, Code::UnknownType), (0, Code::Truncated)], Outcome::Incomplete));
    assert_eq!(lost(b"<Objs><Obj").0, [(6, Code::Truncated)]);
    assert_eq!(lost(b"<Objs><S").1, Outcome::Incomplete);
}

#[test]
fn an_object_that_is_too_long_costs_itself_alone() {
    let text = format!("<Objs><Obj><S>{}</S><Obj /></Obj><Obj /></Objs>", "x".repeat(MAX_ELEMENT));
    let (found, outcome) = lost(text.as_bytes());
    assert_eq!(
        (found, outcome),
        (vec![(6, Code::TooLarge), (text.len() as u64 - 14, Code::UnknownType)], Outcome::Complete)
    );
}
