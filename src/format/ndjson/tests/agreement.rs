//! The fast path against `serde_json`: equal records, or declined; and never a line that is no JSON.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const KEYS: &[&str] = &[
    "schema",
    "type",
    "run",
    "seq",
    "host",
    "sha1",
    "sha256",
    "der",
    "store",
    "store_location",
    "sid",
    "archived",
    "friendly_name_display",
    "key_prov_info",
    "acquire",
    "ncrypt_key_handle",
    "counts",
    "provider",
    "container",
    "prov_type",
    "flags",
    "key_spec",
    "hresult",
    "impl_flags",
    "impl_api",
    "unique_name",
    "virtual_iso",
    "name",
    "api",
    "cm_roles",
    "collected_utc",
    "elevated",
    "pcp_attestation",
    "Thumbprint",
    "ProviderName",
    "CSP",
    "RawData",
    "value",
    "HasPrivateKey",
    "ComputerName",
    "PSComputerName",
    "Store",
    "unknown",
    "ключ",
    "",
    r"sch\u0065ma",
    r"ty\/pe",
];

/// Valid values, escapes and large numbers among them.
const SCALARS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "32",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "-1",
    "-0",
    "0.5",
    "-1.25",
    "1e3",
    r#""census/1""#,
    r#""certificate""#,
    r#""client""#,
    r#""provider""#,
    r#""key""#,
    r#""end""#,
    r#""error""#,
    r#""r""#,
    r#""LocalMachine""#,
    r#""My""#,
    r#""0123456789abcdef0123456789abcdef01234567""#,
    r#""00000000""#,
    r#""ncrypt""#,
    r#""2026-03-02T06:15:00Z""#,
    r#""MIIB+/==""#,
    r#""MII\/\u002b""#,
    r#""Büro""#,
    r#""a\\b""#,
    r#""\"""#,
    r#""\u0041""#,
    r#""\ud83d\ude00""#,
    "\"\u{7f}\"",
    r#""""#,
    r#""48 130 1""#,
    r#""3003""#,
];

/// What JSON does not allow, or `serde_json` does not read.
const WRONG: &[&str] = &[
    "1E999",
    "01",
    "-01",
    "1.",
    ".5",
    "-",
    "+1",
    "nul",
    "NaN",
    "truefalse",
    r#""\ud800""#,
    r#""\udc00x""#,
    r#""\x""#,
    r#""\u12""#,
    r#""\u00gg""#,
    r#""\u+123""#,
    "\"\t\"",
    "\"a\u{0}b\"",
    "\"",
    "'a'",
    "",
    "[1,]",
    "{,}",
    "[1 2]",
    "1 2",
];

const SPACES: &[&str] = &["", " ", "  ", "\t", "\r", "\n"];

fn space() -> BoxedStrategy<&'static str> {
    prop_oneof![60 => Just(""), 8 => select(SPACES), 1 => Just("\u{a0}")].boxed()
}

fn scalar() -> BoxedStrategy<String> {
    prop_oneof![
        80 => select(SCALARS).prop_map(str::to_owned),
        8 => "\"[ !#-\\[\\]-~]{0,90}\"",
        8 => "[1-9][0-9]{0,24}",
        2 => select(WRONG).prop_map(str::to_owned),
    ]
    .boxed()
}

fn object(value: BoxedStrategy<String>, members: usize) -> BoxedStrategy<String> {
    let member = (select(KEYS), space(), space(), value, space());
    vec(member, 0..members)
        .prop_map(|members| {
            let members: Vec<String> =
                members.into_iter().map(|(key, a, b, value, c)| format!("{a}\"{key}\"{b}:{a}{value}{c}")).collect();
            format!("{{{}}}", members.join(","))
        })
        .boxed()
}

fn value() -> BoxedStrategy<String> {
    let inner = scalar().prop_recursive(4, 24, 6, |value| {
        let array = vec(value.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", ")));
        prop_oneof![array, object(value.boxed(), 6)]
    });
    prop_oneof![4 => scalar(), 1 => inner].boxed()
}

/// A line of census or flat shape, often marked as census, sometimes damaged at one place.
fn line() -> impl Strategy<Value = String> {
    let start = select(vec![
        "{",
        r#"{"schema":"census/1","type":"certificate","run":"r","seq":0,"#,
        r#"{"schema":"census/1","type":"client","run":"r","seq":0,"#,
        r#"{"sha1":"0123456789abcdef0123456789abcdef01234567","#,
    ]);
    let damage = proptest::option::weighted(0.3, (any::<prop::sample::Index>(), 0u8..128, 0..3));
    (start, object(value(), 12), space(), damage).prop_map(|(start, object, space, damage)| {
        let mut text = format!("{start}{}{space}", object.get(1..).unwrap_or_default());
        if let Some((at, byte, how)) = damage {
            let at = at.index(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                match how {
                    0 => text.truncate(at),
                    1 => text.replace_range(at..=at, &char::from(byte).to_string()),
                    _ => text.insert(at, char::from(byte)),
                }
            }
        }
        text
    })
}

/// Reads a line by each path; `None` where the fast one declines.
fn both(kind: Kind, text: &str) -> (Option<Recorder>, Recorder) {
    let mut fast = Recorder::default();
    let taken = Reader::new(kind).scanned(text, 7, &mut fast);
    let mut slow = Recorder::default();
    Reader::new(kind).parsed(text, 7, &mut slow);
    (taken.then_some(fast), slow)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn both_paths_make_equal_records(text in line()) {
        for kind in [Kind::Census, Kind::Flat] {
            let (fast, slow) = both(kind, &text);
            if let Some(fast) = fast {
                prop_assert_eq!(fast, slow, "{}", text);
            }
        }
    }

}

/// Lines that are much alike: one line, and what became of it with another value, another order of its members, a
/// member more or less or twice, blanks, or damage at some place.
fn alike() -> impl Strategy<Value = Vec<String>> {
    let key = prop_oneof![8 => select(KEYS).prop_map(str::to_owned), 1 => "[a-z_]{30,60}"];
    let inner = || vec((select(KEYS), scalar()), 0..4);
    let value = prop_oneof![
        6 => scalar(),
        2 => inner().prop_map(|members| {
            let members: Vec<String> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        }),
        1 => value(),
    ]
    .boxed();
    let inserted = prop_oneof![select(SPACES).prop_map(str::to_owned), "[ -~]"];
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), value.clone(), inserted, 0..10u8);
    let start = select(vec![
        vec![],
        vec![("schema", r#""census/1""#), ("type", r#""certificate""#), ("run", r#""r""#), ("sha1", SHA1_TEXT)],
        vec![("sha1", SHA1_TEXT)],
    ]);
    (start, vec((key, value), 1..8), vec(change, 1..8)).prop_map(|(start, rest, changes)| {
        let mut members: Vec<(String, String)> =
            start.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        members.extend(rest);
        let print = |members: &[(String, String)]| {
            let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        };
        let mut lines = vec![print(&members)];
        for (at, to, value, space, how) in changes {
            let (at, to) = (at.index(members.len()), to.index(members.len()));
            match how {
                0 | 1 => members[at].1 = value,
                2 => members.swap(at, to),
                3 => members.insert(to, members[at].clone()),
                4 if members.len() > 1 => drop(members.remove(at)),
                5 => members[at].1.insert_str(0, &space),
                6 => members[at].0 = members[to].0.clone(),
                7 => members[at].1 = "{}".to_owned(),
                _ => {}
            }
            let mut line = print(&members);
            let middle = (at + 1) * line.len() / members.len();
            if how >= 8 && line.is_char_boundary(middle) {
                line.insert_str(middle, &space);
            }
            // Twice, so that the line is read by the shape it taught, too.
            lines.extend([line.clone(), line]);
        }
        lines
    })
}

/// [`SHA1`] as JSON.
const SHA1_TEXT: &str = r#""0123456789abcdef0123456789abcdef01234567""#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn lines_of_a_known_shape_make_equal_records(lines in alike()) {
        warm_agrees(&lines);
    }
}

/// A reader that knows the shapes of all lines so far takes those that a new one takes, and for what `serde_json` says.
fn warm_agrees(lines: &[String]) {
    for kind in [Kind::Census, Kind::Flat] {
        let (mut warm, mut slow) = (Reader::new(kind), Reader::new(kind));
        for line in lines {
            let (mut by_shape, mut by_parser) = (Recorder::default(), Recorder::default());
            let taken = warm.scanned(line, 7, &mut by_shape);
            let cold = Reader::new(kind).scanned(line, 7, &mut Recorder::default());
            assert_eq!(taken, cold, "{line} of {lines:?}");
            if taken {
                slow.parsed(line, 7, &mut by_parser);
                assert_eq!(by_shape, by_parser, "{line} of {lines:?}");
            }
        }
    }
}

#[test]
fn a_known_shape_is_not_taken_for_another() {
    let line = |rest: &str| census("certificate", 0, &format!(r#","sha1":"{SHA1}",{rest}"#));
    let object = r#""acquire":{"hresult":"1","unique_name":"a"}"#;
    let rests = [
        r#""acquire":null"#.to_owned(),
        object.to_owned(),
        format!(r#"{object},"acquire":{{"hresult":"2"}}"#),
        format!(r#"{object},"acquire":null"#),
        r#""acquire":{},"key_prov_info":{},"x":0"#.to_owned(),
        r#""acquire":{"hresult":{"a":"1"}}"#.to_owned(),
        r#""acquire":[{"hresult":"1"}]"#.to_owned(),
        r#""acquire": null"#.to_owned(),
        r#""friendly_name_display":"a","store":"b""#.to_owned(),
        r#""friendly_name_displax":"a","store":"b""#.to_owned(),
        r#""friendly_name_display":"a","stora":"b""#.to_owned(),
        r#""store":"a","store":"b""#.to_owned(),
        r#""store":"a","store":{"x":"b"}"#.to_owned(),
        r#""RawData":{"value":[48,0],"Count":2}"#.to_owned(),
        r#""RawData":{"value":[48,0],"value":[48,1]}"#.to_owned(),
        r#""RawData":{"Count":2},"x":{"value":[48,0]}"#.to_owned(),
    ];
    for first in &rests {
        for second in &rests {
            let [first, second] = [line(first), line(second)];
            let ends = ["}", " ", ",", "{", "x", "\t"].map(|end| format!("{second}{end}"));
            let cut = second[..second.len() - 1].to_owned();
            warm_agrees(&[&[first.clone(), first, second.clone(), second.clone(), cut, second][..], &ends].concat());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in vec(any::<u8>(), 0..200)) {
        for format in [&CENSUS, &FLAT] {
            let _ = (format.sniff)(&Head { bytes: &bytes, complete: true, len: None });
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
            let (seen, _) = read_at(format, &bytes, 0, MAX_LINE);
            if text::detect(&bytes).0 == Encoding::Utf8 && !bytes.windows(3).any(|at| at == b"\xef\xbb\xbf") {
                prop_assert_eq!(seen.records(), lines);
            }
        }
    }
}

#[test]
fn ordinary_lines_take_the_fast_path() {
    let rest = format!(
        r#","sha1":"{SHA1}","der":"MI\/\u002B","x":[1,{{"y":[true,null,-1.5]}}],"acquire":{{"hresult":"0","z":{{}}}},"n":"Büro \\""#
    );
    for text in [census("certificate", 0, &rest), census("client", 0, r#","cm_roles":["SMS Provider"],"fqdn":null"#)] {
        let (fast, slow) = both(Kind::Census, &text);
        assert_eq!(fast, Some(slow));
    }
    let many: String = (0..99).map(|n| format!(r#","sh{}a1":"{SHA1}""#, "_".repeat(n))).collect();
    let (fast, slow) = both(Kind::Flat, &format!(r#"{{"x":1{many}}}"#));
    assert!(fast.is_none() && slow.records() == 1, "more spellings of a key than the fast path keeps");
}

#[test]
fn the_fast_path_never_takes_what_is_no_json() {
    let huge = "9".repeat(400);
    // The second reader knows the shape of the line from a right value in this place.
    let mut warm = Reader::new(Kind::Census);
    for wrong in WRONG.iter().copied().chain([huge.as_str()]) {
        // As a value that is used, in an object that is read, in one that is not, and in an array.
        for place in ["host", "acquire", "x", "y"] {
            let line = |value: &str| {
                let value = match place {
                    "acquire" => format!(r#"{{"key_spec":{value}}}"#),
                    "x" => format!(r#"{{"a":{{"b":{value}}}}}"#),
                    "y" => format!("[0,{value}]"),
                    _ => value.to_owned(),
                };
                format!(r#"{{"schema":"census/1","{place}":{value},"z":0}}"#)
            };
            let text = line(wrong);
            assert!(serde_json::from_str::<Json>(&text).is_err(), "{text}");
            let taken = Reader::new(Kind::Census).scanned(&text, 0, &mut Recorder::default());
            assert!(!taken, "{text}");
            assert!(warm.scanned(&line("true"), 0, &mut Recorder::default()), "{text}");
            assert!(!warm.scanned(&text, 0, &mut Recorder::default()), "{text}");
        }
    }
}
