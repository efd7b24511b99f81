use super::*;

fn wide(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

/// Runs the same on all three kinds of unit and wants the same from each.
macro_rules! each {
    ($text:expr, |$units:ident| $body:expr) => {{
        let text: &str = $text;
        let (little, big) = (wide(text, false), wide(text, true));
        let narrow = {
            let mut window = Window::new(text.as_bytes(), 0);
            let mut $units = Units::<1, 0>::new(&mut window);
            $body
        };
        let second = {
            let mut window = Window::new(&little[..], 0);
            let mut $units = Units::<2, 0>::new(&mut window);
            $body
        };
        let third = {
            let mut window = Window::new(&big[..], 0);
            let mut $units = Units::<2, 1>::new(&mut window);
            $body
        };
        assert_eq!(narrow, second, "{text:?}");
        assert_eq!(narrow, third, "{text:?}");
        narrow
    }};
}

fn hex(text: &str) -> (Ended, Vec<u8>, Option<u8>) {
    each!(text, |units| {
        let mut out = Vec::new();
        let ended = units.hex(&mut out, 1000);
        (ended, out, units.peek())
    })
}

#[test]
fn hex_goes_on_however_its_lines_were_broken() {
    let bytes = vec![1, 0xab, 0xCD];
    for text in [
        "01,ab,cd",
        "01,ab,cd\r\n",
        "01,ab,\\\r\n  cd\r\n",
        "01,AB,\n\tCD\n",
        "01,ab\\\n,cd",
        "01,ab\n  ,cd",
        "01,ab,\\   cd",
        "01, ab ,cd  ; comment\n",
        "1,ab,\\\n; comment, with \"quotes\"\n\n  cd\n",
        // As mail and terminals wrap lines: inside a byte, and before the first one.
        "01,a\\\r\n  b,cd\r\n",
        "0\\\n1,ab,c\\  \n\td",
        "1\\\n,ab,cd",
        "\r\n  01,ab,\\\r\n  cd\r\n",
        "\n1,\nab,cd",
    ] {
        assert_eq!(hex(text), (Ended::Whole, bytes.clone(), None), "{text:?}");
    }
    assert_eq!(hex(""), (Ended::Whole, vec![], None));
    assert_eq!(hex("\r\n\"x\"").2, Some(b'"'));
    assert_eq!(hex("\r\nadd"), (Ended::Whole, vec![], Some(b'a')), "no byte without a comma");
    assert_eq!(hex("01\ncd"), (Ended::Whole, vec![1], Some(b'c')), "another line is not part of it");
}

#[test]
fn hex_that_stops_or_is_none() {
    for text in ["01,", "01,\\", "01,\\\r\n", "01,\n\n ", "\\"] {
        assert_eq!(hex(text).0, Ended::Truncated, "{text:?}");
    }
    for (text, next) in [("01,\\\r\n[K]", b'['), ("0\\\n[K]", b'['), ("01,\r\n\"x\"=", b'"'), ("\\\n@=", b'@')] {
        assert_eq!((hex(text).0, hex(text).2), (Ended::Cut, Some(next)), "{text:?}");
    }
    for text in ["01,,02", "0g", "012", "01 02", ",01", "01,\"", "01,\u{151}1"] {
        assert_eq!(hex(text).0, Ended::Bad, "{text:?}");
    }
    assert_eq!(hex(&"00,".repeat(2000)).0, Ended::TooLarge);
}

#[test]
fn passing_over_a_value_stops_where_reading_it_would() {
    for (text, whole, next) in [
        ("00000001\r\nx", true, Some(b'x')),
        ("01,\\\r\n  02,\\\r\n  03\r\nx", true, Some(b'x')),
        ("hex:\r\n  01,02,\\\r\n  03\r\nx", true, Some(b'x')),
        ("hex:\r\n\"x\"=", true, Some(b'"')),
        ("0\\\r\n1,02\r\nx", true, Some(b'x')),
        ("01,\\\r\n;c\r\n  02\r\nx", true, Some(b'x')),
        ("01,\\\r\n[K]", true, Some(b'[')),
        ("01,\\\r\n", false, None),
        ("01,", false, None),
        ("01", true, None),
    ] {
        assert_eq!(each!(text, |units| (units.skip_value(), units.peek())), (whole, next), "{text:?}");
    }
}

fn text(source: &str) -> (Ended, String, Option<u8>) {
    each!(source, |units| {
        let (mut raw, mut out) = (Vec::new(), String::new());
        let ended = units.text(Some(&mut raw), 1000, true);
        decode_any(&raw, &mut out);
        (ended, out, units.peek())
    })
}

/// Decodes what one of the three left, told by where its zeros are.
fn decode_any(raw: &[u8], out: &mut String) {
    match raw {
        [0, ..] => Units::<2, 1>::decode(raw, out),
        [_, 0, ..] => Units::<2, 0>::decode(raw, out),
        _ => Units::<1, 0>::decode(raw, out),
    };
}

#[test]
fn texts_lose_their_escapes_and_keep_their_lines() {
    assert_eq!(text(r#"a\\b\"c" "#), (Ended::Whole, r#"a\b"c"#.into(), Some(b' ')));
    assert_eq!(text(r#"a\b""#).1, r"a\b", "no escape stays what it is");
    assert_eq!(text("a\r\nb\r\n\"\r\n").0, Ended::Whole);
    assert_eq!(text("a\r\n[b]\r\n\"").1, "a\r\n[b]\r\n", "a key has its hive's name");
    for source in ["a\r\n[HKEY_USERS\\x]", "a\r\n[-hkey_x]", "a\n\"next\"=\"b\"", "a\n@=\"\""] {
        assert_eq!(text(source).0, Ended::Cut, "{source:?}");
    }
    assert_eq!(text("a\r\nb").0, Ended::Truncated);
    assert_eq!(text(&format!("{}\"x", "a".repeat(2000))).0, Ended::TooLarge);
    assert_eq!(text(&format!("{}\"x", "a".repeat(2000))).2, Some(b'x'));
}

#[test]
fn characters_that_look_like_line_ends_are_none() {
    // U+0A05, U+010A and U+0A0A have a byte 0x0a.
    let line = "\u{a05}\u{10a}\u{a0a}x\nnext";
    for big in [false, true] {
        let bytes = wide(line, big);
        let mut window = Window::new(&bytes[..], 0);
        let last = match big {
            false => Units::<2, 0>::new(&mut window).skip_line(),
            true => Units::<2, 1>::new(&mut window).skip_line(),
        };
        assert_eq!((last, window.offset()), ((b'x', true), 10));
    }
}
