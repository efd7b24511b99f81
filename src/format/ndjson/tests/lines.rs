//! What single lines become.

use super::*;

#[test]
fn the_seven_record_types() {
    let text = [
        census("client", 0, r#","fqdn":"host.corp.example","collected_utc":"2026-03-02T06:15:00Z","collector":"c","collector_version":"1","user_sid":"S-1-5-21-7","elevated":true,"cm_roles":["SMS Provider"],"ubr":5,"calais_disable_capi_override":null"#),
        census("provider", 1, r#","name":"P","api":"capi","prov_type":24,"impl_flags":2,"impl_api":"capi","impl_status":null,"image":"C:\\p.dll""#),
        census("certificate", 2, r#","store_location":"CurrentUser","store":"My","sid":null,"der":"MIIB","key_prov_info":{"container":"c","provider":"P","prov_type":24,"flags":0,"key_spec":1},"acquire":{"hresult":"0x00000000","key_spec":1,"unique_name":"u","impl_flags":2,"impl_api":"capi","export_policy":1,"virtual_iso":null,"pcp_attestation":"none"}"#),
        census("key", 3, r#","provider":"K","api":"cng","unique_name":"u","name":"n","machine_key":false,"export_policy":3"#),
        census("binding", 4, r#","kind":"iis""#),
        census("error", 5, r#","stage":"enum","hresult":"80070005","message_display":"no\nway","path":"HKLM\\x""#),
        census("end", 6, r#","counts":{"client":1,"provider":1,"certificate":1,"key":1,"binding":1,"error":1}"#),
    ]
    .join("\n");
    let (seen, outcome) = read_text(&CENSUS, &text);
    assert_eq!(outcome, Outcome::Complete);
    assert_eq!(seen.records(), 7);
    seen.holds(0, &["Client {", r#"client: Some("HOST")"#, "collected_at: Some(1772432100000000)", "ubr: Some(5)"]);
    seen.holds(0, &[r#"cm_roles: ["SMS Provider"]"#, "elevated: Some(true)", "calais_disable_capi_override: None"]);
    seen.holds(1, &["Provider {", "api: Some(Capi)", "provider_type: Some(24)", r#"image: Some("C:\\p.dll")"#]);
    seen.holds(
        2,
        &["record_number: Some(2)", "Some(CurrentUser)", r#"user_sid: Some("S-1-5-21-7")"#, "key_report: Claimed"],
    );
    seen.holds(2, &["hresult: Some(0), key_spec: Some(1)", r#"key_path: Some("u")"#, "pcp_attestation: Some(None)"]);
    seen.holds(2, &[r#"collector: Some("c")"#, r#"registry: [Provider {"#, "body: Base64([77, 73, 73, 66])"]);
    seen.holds(
        3,
        &["body: Absent", "enumerated_api: Some(Cng)", r#"key_container: Some("n")"#, "export_policy: Some(3)"],
    );
    seen.holds(3, &["key_report: Claimed", "key_flags: None", r#"user_sid: Some("S-1-5-21-7")"#]);
    seen.holds(4, &["Binding {", "kind: Iis", r#"client: Some("HOST")"#, "sha1: None", "port: None"]);
    seen.holds(5, &["stage: Collect", "CollectorError", r#"message: "enum: 80070005: no\\nway""#, "HKLM"]);
    assert_eq!(seen.events[6], "skip end");
}

#[test]
fn what_is_said_of_a_key() {
    for (rest, report) in [
        ("", "NotReported"),
        (r#","key_prov_info":null"#, "Absent"),
        (r#","key_prov_info":{}"#, "Claimed"),
        (r#","key_prov_info":null,"ncrypt_key_handle":true"#, "Claimed"),
        (r#","key_prov_info":null,"ncrypt_key_handle":false"#, "Absent"),
        (r#","key_prov_info":null,"acquire":{"hresult":"00000000"}"#, "Claimed"),
        (r#","key_prov_info":null,"acquire":{"hresult":"8009000b"}"#, "Absent"),
        (r#","key_prov_info":null,"acquire":null"#, "Absent"),
        (r#","key_prov_info":{"container":"x"},"key_prov_info":null"#, "Absent"),
    ] {
        let line = census("certificate", 0, &format!(r#","sha1":"{SHA1}"{rest}"#));
        let (seen, _) = read_text(&CENSUS, &line);
        seen.holds(0, &[&format!("key_report: {report}")]);
    }
}

#[test]
fn odd_lines_and_their_codes() {
    use Severity::{Degraded, Lost};
    let certificate = |rest: &str| census("certificate", 0, &format!(r#","sha1":"{SHA1}"{rest}"#));
    let table: &[(String, Code, Severity)] = &[
        ("{".into(), Code::BadJson, Lost),
        ("\u{0}".into(), Code::BadJson, Lost),
        ("[1]".into(), Code::BadStructure, Lost),
        ("null".into(), Code::BadStructure, Lost),
        (certificate("") + " x", Code::BadJson, Lost),
        (certificate(r#","x":"\ud800""#), Code::BadJson, Lost),
        (certificate(r#","x":01"#), Code::BadJson, Lost),
        (certificate(",\"x\":\"\t\""), Code::BadJson, Lost),
        (certificate(r#","x":1e999"#), Code::BadJson, Lost),
        ("{}".into(), Code::BadField, Lost),
        (r#"{"schema":"census/2","type":"end"}"#.into(), Code::BadField, Lost),
        (r#"{"schema":"census/1","run":"r"}"#.into(), Code::MissingField, Lost),
        (r#"{"schema":"census/1","run":"r","type":7}"#.into(), Code::MissingField, Lost),
        (census("certifikate", 0, ""), Code::UnknownType, Lost),
        (census("certificate", 0, r#","der":null"#), Code::NoCertificate, Lost),
        (census("certificate", 0, r#","sha1":"012""#), Code::NoCertificate, Lost),
        (census("key", 0, ""), Code::NoCertificate, Lost),
        (census("provider", 0, ""), Code::MissingField, Lost),
        (census("error", 0, ""), Code::CollectorError, Lost),
        (certificate(r#","sha256":"zz""#), Code::BadHex, Degraded),
        (certificate(r#","acquire":{"hresult":"0xZ"}"#), Code::BadHex, Degraded),
        (certificate(r#","acquire":{"key_spec":-1}"#), Code::BadField, Degraded),
        (certificate(r#","key_prov_info":{"flags":4294967296}"#), Code::BadField, Degraded),
        (certificate(r#","key_prov_info":{"flags":"32"}"#), Code::BadField, Degraded),
        (certificate(r#","key_prov_info":"P""#), Code::BadField, Degraded),
        (certificate(r#","archived":"yes""#), Code::BadField, Degraded),
        (certificate(r#","store_location":"Nowhere""#), Code::BadField, Degraded),
        (certificate(r#","run":null"#), Code::MissingField, Degraded),
        (census("client", 0, r#","collected_utc":"yesterday""#), Code::BadTime, Degraded),
        (census("client", 0, r#","cm_roles":"none""#), Code::BadField, Degraded),
        (census("key", 0, r#","name":"n","spki_sha1":"0""#), Code::BadHex, Degraded),
    ];
    for (line, code, severity) in table {
        let (seen, _) = read_text(&CENSUS, line);
        assert_eq!(seen.codes().first(), Some(&(*code, *severity)), "{line}: {:?}", seen.events);
        assert_eq!(seen.records(), 1, "{line}: {:?}", seen.events);
    }
    let (seen, _) = read_text(&CENSUS, &census("certifikate\u{1b}", 0, ""));
    assert_eq!(seen.codes().first(), Some(&(Code::BadJson, Lost)), "a raw control character is no JSON");
    let (seen, _) = read_text(&CENSUS, &census(r"certifikate\u001b", 0, ""));
    assert!(seen.rejects[0].message.contains(r#""certifikate\u{1b}""#), "named and harmless: {:?}", seen.rejects);
}

#[test]
fn bytes_that_are_no_text_and_lines_that_are_too_long() {
    let mut bytes = census("certificate", 0, r#","store":"#).into_bytes();
    bytes.extend_from_slice(b"\"\xff\"}\n\n \t\n");
    bytes.extend_from_slice("x".repeat(5000).as_bytes());
    let (seen, _) = read_at(&CENSUS, &bytes, 0, 4096);
    assert_eq!(seen.codes(), [(Code::BadText, Severity::Lost), (Code::LineTooLong, Severity::Lost)]);
    assert_eq!(seen.records(), 2, "blank lines are no records");
}

#[test]
fn a_declined_line_may_not_be_huge() {
    let line = census("end", 0, &format!(r#","x":[{}1e1]"#, "1,".repeat(MAX_TREE_LINE / 2)));
    let (seen, _) = read_text(&CENSUS, &line);
    assert_eq!(seen.codes(), [(Code::TooLarge, Severity::Lost)]);
}

#[test]
fn certificates_are_cleaned_base64() {
    for (der, expected) in [
        ("MIIB", "MIIB"),
        (r"MI\/B", "MI/B"),
        (r"MI\u002BB", "MI+B"),
        ("MI -_", "MI+/"),
        (r"MI\r\nIB", "MIIB"),
        ("MIIBMI", "MIIBMI=="),
    ] {
        let (seen, _) = read_text(&CENSUS, &census("certificate", 0, &format!(r#","der":"{der}""#)));
        seen.holds(0, &[&format!("body: Base64({:?})", expected.as_bytes())]);
    }
}

#[test]
fn runs_are_checked_as_a_whole() {
    let line = |kind: &str, run: &str, seq: u64, rest: &str| {
        census(kind, seq, rest).replace(r#""run":"r""#, &format!(r#""run":"{run}""#)) + "\n"
    };
    // An unreadable line explains the number that is missing.
    let text = line("client", "a", 0, "") + "{broken\n" + &line("end", "a", 2, r#","counts":{"client":1,"key":0}"#);
    let (seen, outcome) = read_text(&CENSUS, &text);
    assert_eq!((seen.codes(), outcome), (vec![(Code::BadJson, Severity::Lost)], Outcome::Complete));

    // Gaps are told once a run, at the first.
    let text = line("client", "a", 1, "") + &line("binding", "a", 5, "") + &line("end", "a", 9, "");
    let (seen, outcome) = read_text(&CENSUS, &text);
    assert_eq!((seen.codes(), outcome), (vec![(Code::SequenceGap, Severity::Degraded)], Outcome::Complete));
    assert!(seen.rejects[0].message.contains("record 1") && seen.rejects[0].lineage.byte_offset == 0);

    let text = line("client", "a", 0, "") + &line("end", "a", 1, r#","counts":{"client":1,"certificate":4,"other":9}"#);
    let (seen, outcome) = read_text(&CENSUS, &text);
    assert_eq!((seen.codes(), outcome), (vec![(Code::EndCountsDiffer, Severity::Degraded)], Outcome::Complete));
    assert_eq!(seen.rejects[0].message, "certificate: 0 read, 4 counted");

    // Each run without end is told at its last line, before anything of the next run.
    let text = line("client", "a", 0, "") + &line("binding", "a", 1, "") + &line("client", "b", 0, "");
    let (seen, outcome) = read_text(&CENSUS, &text);
    let end = (Code::MissingEnd, Severity::Degraded);
    assert_eq!((seen.codes(), outcome), (vec![end, end], Outcome::Incomplete));
    assert_eq!(seen.rejects[0].lineage.record_number, Some(1));
    assert_eq!(seen.events[2], r#"incomplete Some("HOST")"#);
    seen.holds(4, &["Client {"]);
    assert_eq!(seen.records(), 3);
}

#[test]
fn a_run_keeps_a_bounded_number_of_providers() {
    let mut text = String::new();
    for seq in 0..5000 {
        text += &(census("provider", seq, &format!(r#","name":"P{seq}""#)) + "\n");
    }
    text += &(census("end", 5000, "") + "\n");
    let (seen, _) = read_text(&CENSUS, &text);
    assert_eq!(seen.codes(), [(Code::TooLarge, Severity::Degraded)]);
    assert_eq!(seen.records(), 5001);
}

#[test]
fn flat_lines_and_what_they_claim() {
    let hash = "01 23:45-67 89abcdef0123456789ABCDEF01234567";
    for (line, pieces) in [
        (
            format!(
                r#"{{"ComputerName":"A","Thumbprint":"{hash}","PSParentPath":"Microsoft.PowerShell.Security\\Certificate::LocalMachine\\My","HasPrivateKey":true,"NotAfter":"x"}}"#
            ),
            vec![
                r#"client: Some("A")"#,
                "Some(LocalMachine)",
                r#"store_name: Some("My")"#,
                "key_report: Claimed",
                "sha1: Some([1, 35",
                r#"not_after: Some("x")"#,
            ],
        ),
        (
            format!(r#"{{"provider_type":"0x18","KEY-CONTAINER":"k","sha1":"{SHA1}","store":"CurrentUser\\Root"}}"#),
            vec![
                "provider_type: Some(24)",
                r#"key_container: Some("k")"#,
                "key_report: Claimed",
                "Some(CurrentUser)",
                r#"Some("Root")"#,
            ],
        ),
        (format!(r#"{{"sha1":"{SHA1}","Provider":null}}"#), vec!["key_report: Absent", "provider_name: None"]),
        (format!(r#"{{"sha1":"{SHA1}","Provider":""}}"#), vec!["key_report: Absent", r#"provider_name: Some("")"#]),
        (
            format!(r#"{{"sha1":"{SHA1}","ProviderName":"no private key"}}"#),
            vec!["key_report: Absent", "provider_name: None"],
        ),
        (
            format!(r#"{{"sha1":"{SHA1}","HasPrivateKey":"False"}}"#),
            vec!["key_report: Absent", "has_private_key: Some(false)"],
        ),
        (format!(r#"{{"sha1":"{SHA1}"}}"#), vec!["key_report: NotReported"]),
        (r#"{"CSP":"P"}"#.to_owned(), vec!["body: Absent", r#"provider_name: Some("P")"#, "key_report: Claimed"]),
        // One field under two names: the better name wins wherever it stands, an empty value never.
        (r#"{"CSP":"worse","ProviderName":"P"}"#.to_owned(), vec![r#"provider_name: Some("P")"#]),
        (r#"{"ProviderName":"P","CSP":"worse"}"#.to_owned(), vec![r#"provider_name: Some("P")"#]),
        (r#"{"ProviderName":null,"CSP":"P"}"#.to_owned(), vec![r#"provider_name: Some("P")"#]),
        (r#"{"ProviderName":"x","ProviderName":null,"CSP":"P"}"#.to_owned(), vec![r#"provider_name: Some("P")"#]),
        (r#"{"RawData":[48,3,2,1,0]}"#.to_owned(), vec!["body: Der([48, 3, 2, 1, 0])"]),
        (r#"{"RawData":{"value":[48,0],"Count":2}}"#.to_owned(), vec!["body: Der([48, 0])"]),
        (r#"{"RawData":"48 130 1"}"#.to_owned(), vec!["body: Der([48, 130, 1])"]),
        (r#"{"cert":"3003020100"}"#.to_owned(), vec!["body: Der([48, 3, 2, 1, 0])"]),
        (
            format!(
                r#"{{"pem":"-----BEGIN CERTIFICATE-----\n{0}\n{0}\n-----END CERTIFICATE-----\n"}}"#,
                "MIIB".repeat(16)
            ),
            vec!["body: Base64([77, 73, 73, 66, 77"],
        ),
    ] {
        let (seen, outcome) = read_text(&FLAT, &line);
        seen.holds(0, &pieces);
        assert_eq!((seen.records(), seen.codes(), outcome), (1, vec![], Outcome::Complete), "{line}");
    }
}

#[test]
fn odd_flat_lines_and_their_codes() {
    use Severity::{Degraded, Lost};
    for (rest, code, severity) in [
        (r#""Subject":"CN=x""#.to_owned(), Code::NoCertificate, Lost),
        (r#""Thumbprint":"12""#.to_owned(), Code::NoCertificate, Lost),
        (r#""Provider":"""#.to_owned(), Code::NoCertificate, Lost),
        (r#""RawData":"System.Byte[]""#.to_owned(), Code::NoCertificate, Lost),
        (format!(r#""sha1":"{SHA1}","RawData":"System.Byte[]""#), Code::BadBase64, Degraded),
        (format!(r#""sha1":"{SHA1}","RawData":[300]"#), Code::BadField, Degraded),
        (format!(r#""sha1":"{SHA1}","ProviderType":"RSA full""#), Code::BadField, Degraded),
        (format!(r#""sha1":"{SHA1}","ProviderType":-1"#), Code::BadField, Degraded),
        (format!(r#""sha1":"{SHA1}","HasPrivateKey":"maybe""#), Code::BadField, Degraded),
        (format!(r#""sha1":"{SHA1}","host":["a"]"#), Code::BadField, Degraded),
        (format!(r#""sha1":"{SHA1}","sha256":"0""#), Code::BadHex, Degraded),
        (format!(r#""sha1":"{SHA1}","collected_utc":"1""#), Code::BadTime, Degraded),
    ] {
        let (seen, _) = read_text(&FLAT, &format!("{{{rest}}}"));
        assert_eq!(seen.codes(), [(code, severity)], "{rest}");
        assert_eq!(seen.records(), 1);
    }
}

#[test]
fn a_census_line_is_one_in_any_file() {
    let text = format!("{{\"sha1\":\"{SHA1}\"}}\n{}\n{{\"sha1\":\"{SHA1}\"}}\n", census("client", 0, ""));
    let (seen, outcome) = read_text(&FLAT, &text);
    assert_eq!((seen.codes(), outcome), (vec![(Code::MissingEnd, Severity::Degraded)], Outcome::Incomplete));
    seen.holds(1, &["Client {"]);
    assert!(seen.events[2].starts_with("incomplete"), "the flat line ends the run: {:?}", seen.events);
    assert_eq!(seen.records(), 3);
}

#[test]
fn utf16_reads_like_utf8_but_for_the_offsets() {
    let certificate = |seq, rest: &str| census("certificate", seq, &format!(r#","sha1":"{SHA1}"{rest}"#));
    // U+4E00 has a byte zero where ASCII has none.
    let lines = [certificate(0, ""), "{".to_owned(), String::new(), certificate(2, ",\"store\":\"\u{4e00}\u{1f511}\"")];
    let text = lines.join("\r\n");
    let (utf8, outcome) = read_text(&CENSUS, &text);
    assert_eq!(utf8.records(), 3);
    let plain = |seen: &Recorder| -> String {
        let pieces = seen.events.iter().flat_map(|event| event.split("byte_offset: "));
        pieces.map(|piece| piece.trim_start_matches(|c: char| c.is_ascii_digit())).collect()
    };
    for (mark, big) in [(true, false), (true, true), (false, false), (false, true)] {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        let bytes: Vec<u8> = units.flat_map(|u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect();
        let (seen, ended) = read_at(&CENSUS, &bytes, 0, MAX_LINE);
        assert_eq!((plain(&seen), ended), (plain(&utf8), outcome), "mark {mark}, big {big}");
        let start = if mark { 2 } else { 0 };
        let second = start + 2 * (lines[0].len() + 2);
        seen.holds(1, &["BadJson", &format!("byte_offset: {second}")]);
        let mut damaged = bytes.clone();
        // A surrogate without its other half.
        damaged[start..start + 2].copy_from_slice(&if big { [0xd8, 1] } else { [1, 0xd8] });
        damaged.push(b'\n');
        let (seen, _) = read_at(&CENSUS, &damaged, 0, MAX_LINE);
        let message = format!("the line is not valid text from byte {} on", lines[3].len());
        seen.holds(0, &["BadText", "from byte 0 on", &format!("byte_offset: {start},")]);
        seen.holds(2, &["BadText", &message]);
    }
}

#[test]
fn a_binding_names_its_endpoint_and_certificate() {
    let hash = "aa147db3ccd5e5e44c1289695c742d6ad760a3de";
    let fields =
        format!(r#","kind":"sqlserver","port":1433,"sha1":"{hash}","app_id":"{{AB}}","store":"My","ssl_flags":1"#);
    let text = census("client", 0, "") + "\n" + &census("binding", 1, &fields) + "\n";
    let text =
        text + &census("binding", 2, r#","kind":"teapot","port":70000,"sha1":"xyz""#) + "\n" + &census("end", 3, "");
    let (seen, _) = read_text(&CENSUS, &text);
    seen.holds(1, &["kind: SqlServer", "port: Some(1433)", r#"app_id: Some("{ab}")"#, "ssl_flags: Some(1)"]);
    seen.holds(1, &["sha1: Some([170,", r#"store_name: Some("My")"#]);
    seen.holds(2, &["kind: Other", "port: None", "sha1: None"]);
    let expected = [
        (Code::BadField, Severity::Degraded),
        (Code::BadField, Severity::Degraded),
        (Code::BadHex, Severity::Degraded),
    ];
    assert_eq!(seen.codes(), expected);
}
