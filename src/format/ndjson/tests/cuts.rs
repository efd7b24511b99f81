//! Cutting files into units, and telling the formats apart.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Cuts `bytes` at the border behind each nominal cut and reads the units one after the other.
fn read_cut(format: &Format, bytes: &[u8], nominal: &[usize]) -> (Recorder, Vec<u64>) {
    let mut cuts: Vec<u64> = nominal
        .iter()
        .filter_map(|at| near(format).and_then(|border| border(&mut Window::new(&bytes[*at..], *at as u64))))
        .collect();
    cuts.extend([0, bytes.len() as u64]);
    cuts.sort_unstable();
    cuts.dedup();
    let mut all = Recorder::default();
    for pair in cuts.windows(2) {
        let (unit, _) = read_at(format, &bytes[pair[0] as usize..pair[1] as usize], pair[0], MAX_LINE);
        all.events.extend(unit.events);
        all.rejects.extend(unit.rejects);
    }
    (all, cuts)
}

/// Files of short runs, with broken lines, blank lines and flat lines between them.
fn file() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => (0..3u8, 1..4usize).prop_map(|(run, lines)| {
            let line = census("binding", 0, r#","x":1"#).replace(r#""run":"r""#, &format!(r#""run":"{run}""#));
            format!("{line}\n").repeat(lines)
        }),
        1 => Just("{\"run\":\"1\",\"schema\":\"census/1\"".to_owned() + "\n"),
        1 => Just("{\"schema\":\"census/1\",\"type\":\"binding\",\"x\":{\"run\":\"2\"}}\r\n\n".to_owned()),
        1 => Just(format!("{{\"sha1\":\"{SHA1}\"}}\n")),
        1 => Just("{\"schema\":\"census/1\",\"type\":\"end\",\"r\\u0075n\":\"1\"}\n".to_owned()),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn units_give_what_the_whole_file_gives(text in file(), nominal in vec(any::<prop::sample::Index>(), 0..6)) {
        let bytes = text.as_bytes();
        let nominal: Vec<usize> = nominal.iter().map(|at| at.index(bytes.len() + 1)).collect();
        for format in [&CENSUS, &FLAT] {
            let (whole, _) = read_at(format, bytes, 0, MAX_LINE);
            let (parts, cuts) = read_cut(format, bytes, &nominal);
            prop_assert!(cuts.iter().all(|at| *at == 0 || bytes[*at as usize - 1] == b'\n'));
            // Without sequence numbers nothing but runs connects lines, so every event must be the same.
            prop_assert_eq!(strip_gaps(whole), strip_gaps(parts));
        }
    }
}

/// Unreadable lines before a run explain its first number only where both are read together.
fn strip_gaps(seen: Recorder) -> Vec<String> {
    seen.events.into_iter().filter(|event| !event.contains("SequenceGap")).collect()
}

#[test]
fn borders_stand_before_another_run() {
    let run = |run: &str| census("binding", 0, "").replace(r#""run":"r""#, &format!(r#""run":"{run}""#)) + "\n";
    let (a, b) = (run("a"), run("b"));
    let text = format!("{a}{a}{{broken\n{b}{b}{a}");
    let border = |format: &Format, at: usize| {
        near(format).and_then(|border| border(&mut Window::new(&text.as_bytes()[at..], at as u64)))
    };
    let (len, second) = (a.len(), (2 * a.len() + 8) as u64);
    assert_eq!(border(&CENSUS, 0), Some(second));
    assert_eq!(
        border(&CENSUS, len),
        Some(second + 2 * len as u64),
        "the first whole line is the first b: nothing is known before it"
    );
    assert_eq!(border(&CENSUS, text.len() - len), None);
    assert_eq!(border(&FLAT, 0), Some(second), "a census run stays whole in any file");
    let flat = format!("{{\"sha1\":\"{SHA1}\"}}\n").repeat(3);
    assert_eq!(near(&FLAT).and_then(|border| border(&mut Window::new(&flat.as_bytes()[5..], 5))), Some(52));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for at in [0, 1] {
        assert_eq!(near(&CENSUS).and_then(|border| border(&mut Window::new(&utf16[at..], at as u64))), None);
    }
}

fn sniffed(bytes: &[u8], complete: bool) -> (bool, bool) {
    let head = Head { bytes, complete, len: None };
    ((CENSUS.sniff)(&head), (FLAT.sniff)(&head))
}

#[test]
fn each_shape_is_claimed_by_its_reader() {
    let line = census("client", 0, "");
    let marked = format!("\u{feff}\n{line}");
    let utf16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let long = census("certificate", 0, &format!(r#","der":"{}""#, "A".repeat(super::super::super::HEAD)));
    let flat = format!(r#"{{"a":1e3,"Thumbprint":"{SHA1}"}}"#);
    for (bytes, complete, expected) in [
        (line.as_bytes(), true, (true, false)),
        (marked.as_bytes(), true, (true, false)),
        (&utf16, true, (true, false)),
        (&long.as_bytes()[..long.len() - 99], false, (true, false)),
        (b"{\t\"x\" : {}, \"schema\" :\t\"census/1\"}\n", true, (true, false)),
        (br#"{"schema":"census/1","#, true, (true, false)),
        (flat.as_bytes(), true, (false, true)),
        (br#"{"Provider":"P","RawData":"MII"#, false, (false, true)),
        (br#"{"name":"x","columns":{"sha1":"0"}}"#, true, (false, false)),
        (br#"{"schema":"census/2","sha1":"0"}"#, true, (false, false)),
        (b"{\n \"schema\": \"census/1\"\n}", true, (false, false)),
        (b"{ \"Thumbprint\": \"0\",\n \"x\": 1 }", true, (false, false)),
        (b"[{\"Thumbprint\":\"0\"}]", true, (false, false)),
        (b"{}", true, (false, false)),
        (b"", true, (false, false)),
        (b"\n\n", true, (false, false)),
        (b"Thumbprint,Store", true, (false, false)),
        (b"{\"schema\":\"census/1\xff", false, (false, false)),
    ] {
        assert_eq!(sniffed(bytes, complete), expected, "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(80)]));
    }
}

fn near(format: &Format) -> Option<fn(&mut Window<'_>) -> Option<u64>> {
    match format.border {
        Some(crate::format::Border::Near(border)) => Some(border),
        _ => None,
    }
}
