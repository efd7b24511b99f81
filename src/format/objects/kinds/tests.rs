//! Traps of the kinds; what their samples show is not repeated here.

use super::super::{Object, Value, json, kind_of, lines};
use crate::format::testing::{Collect, read_all, samples};
use crate::format::{HEAD, Head};
use crate::record::{Code, KeyReport};

const A: &str = "A6DBFD78F1113C07D1A331F4388D1EDC72BA6E73";

fn read(text: &str) -> Collect {
    read_all(&json::FORMAT, text.as_bytes(), "x.json")
}

fn kind(text: &str) -> Option<&'static str> {
    let Ok(Value::Object(object)) = json::parse(text) else { panic!("{text} is no object") };
    kind_of(&object).map(|kind| kind.name)
}

#[test]
fn objects_are_of_the_strictest_kind_that_fits() {
    for (text, expected) in [
        (
            r#"{"name":"q","hostIdentifier":"h","action":"added","columns":{"sha1":"","common_name":""}}"#,
            Some("osquery_result"),
        ),
        (r#"{"name":"q","hostname":"h","diffResults":""}"#, Some("osquery_result")),
        (r#"{"common_name":"","sha1":"","signing_algorithm":""}"#, Some("osquery_certificates")),
        (r#"{"LastInventory":[],"CertificateStoreDetails":{}}"#, Some("keyfactor_job")),
        (r#"{"Alias":"","Certificates":[],"PrivateKeyEntry":true}"#, Some("keyfactor_entry")),
        (
            r#"{"StoreName":"","Thumbprint":"","HasPrivateKey":true,"ProviderName":"","ExpiryDate":""}"#,
            Some("keyfactor_inventory"),
        ),
        (r#"{"DeviceId":"","Thumbprint":"","IssuedTo":""}"#, Some("defender_tvm")),
        (r#"{"Store":"","IsCA":false,"SHA1":"","KeyStrength":1}"#, Some("velociraptor")),
        (r#"{"Thumbprint0":"","ExpiresinDays0":1}"#, Some("configmgr_certificates")),
        (r#"{"location":"","store":"","thumbprint":"","hasPrivateKey":true}"#, Some("powershell_certificate")),
        (r#"{"PSPath":"Cert:\\LocalMachine\\My\\00","Thumbprint":""}"#, Some("powershell_certificate")),
        (r#"{"Subject":"","SHA256":""}"#, Some("certificate")),
        // Enrolments, files, keys and providers have some of the names.
        (r#"{"Request ID":1,"Certificate Hash":"","Issuer":"","NotAfter":""}"#, None),
        (r#"{"path":"C:\\x.exe","sha1":"","md5":""}"#, None),
        (r#"{"Provider":"","Name":"","Store":""}"#, None),
        (r#"{"name":"q","host":"h","columns":[]}"#, None),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn objects_say_what_the_same_flat_lines_say() {
    let (_, lines) = samples("flat_ndjson").into_iter().find(|(name, _)| name == "vendors.ndjson").unwrap_or_default();
    let lines = String::from_utf8(lines).unwrap_or_default();
    let flat = read_all(&crate::format::ndjson::FLAT, lines.as_bytes(), "x.ndjson");
    let objects = read(&format!("[\n{}\n]", lines.trim().replace('\n', ",\n")));
    assert!(flat.observations.len() > 5 && objects.rejects == flat.rejects && objects.places == flat.places);
    assert_eq!(objects.observations.len(), flat.observations.len());
    for (object, line) in objects.observations.iter().zip(&flat.observations) {
        assert_eq!((&object.sha1, &object.claims), (&line.sha1, &line.claims));
        assert!(line.der.is_none() || object.der == line.der);
    }
}

#[test]
fn type_names_say_nothing() {
    let text = r#"{"Thumbprint":"A","HasPrivateKey":true,"Provider":"System.Security.Cryptography.RSACng",
        "RawData":"System.Byte[]","PrivateKey":{"Key":{"Provider":"System.Security.Cryptography.CngProvider"}}}"#;
    let seen = read(&text.replace("\"A\"", &format!("\"{A}\"")));
    assert!(seen.rejects.is_empty());
    assert_eq!((&seen.observations[0].claims.provider_name, &seen.observations[0].der), (&None, &None));
}

#[test]
fn a_certificate_is_read_in_every_form_of_its_bytes() {
    let (_, der) = samples("certificate_der").into_iter().find(|(name, _)| name == "ca.cer").unwrap_or_default();
    let list = |separator: &str| der.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
    let hexadecimal: String = der.iter().map(|byte| format!("{byte:02X}")).collect();
    let forms = [
        format!("[{}]", list(",\r\n  ")),
        format!("{{\"value\":[{}],\"Count\":{}}}", list(","), der.len()),
        format!("\"{}\"", list(" ")),
        format!("\"{hexadecimal}\""),
    ];
    for form in forms {
        let seen = read(&format!("{{\"Subject\":\"CN=x\",\r\n\"RawData\":{form},\"HasPrivateKey\":false}}"));
        assert_eq!(seen.observations[0].der.as_ref(), Some(&der), "{form}");
        assert!(seen.rejects.is_empty());
    }
}

#[test]
fn an_empty_provider_denies_a_key_only_where_the_product_says_so() {
    let report = |text: String| read(&text).observations[0].claims.key_report;
    assert_eq!(
        report(format!("[{{\"Thumbprint\":\"{A}\",\"Subject\":\"\",\"Provider\":\"\"}}]")),
        KeyReport::NotReported
    );
    let keyfactor = |provider: &str, key: &str| {
        format!(
            "[{{\"StoreName\":\"My\",\"Thumbprint\":\"{A}\",\"HasPrivateKey\":{key},\"ProviderName\":\"{provider}\",\"ExpiryDate\":\"\"}}]"
        )
    };
    assert_eq!(report(keyfactor("", "null")), KeyReport::Absent);
    assert_eq!(report(keyfactor("No private key", "null")), KeyReport::Absent);
    assert_eq!(report(keyfactor("", "true")), KeyReport::Claimed);
    assert_eq!(report(keyfactor("Microsoft Software Key Storage Provider", "null")), KeyReport::Claimed);
}

#[test]
fn the_key_of_a_keyfactor_entry_is_that_of_its_first_certificate() {
    let (_, der) = samples("certificate_der").into_iter().find(|(name, _)| name == "ca.cer").unwrap_or_default();
    let text = base64_simd::STANDARD.encode_to_string(&der);
    let entry = format!(
        "[{{\"Alias\":\"a\",\"PrivateKeyEntry\":true,\"Certificates\":[\"{text}\",\"{text}\"],\
         \"Parameters\":{{\"ProviderName\":\"Some Provider\"}}}}, {{\"Alias\":\"b\",\"PrivateKeyEntry\":true,\"Certificates\":[]}}]"
    );
    let seen = read(&entry);
    let claims: Vec<_> = seen.observations.iter().map(|row| (row.claims.key_report, row.lineage.part)).collect();
    assert_eq!(claims, [(KeyReport::Claimed, 0), (KeyReport::NotReported, 1)]);
    assert_eq!(seen.lost(), [Code::NoCertificate]);
}

#[test]
fn what_a_csp_says_of_itself_is_read_wherever_it_stands() {
    let container =
        "\"ProviderName\":\"Grove Token CSP\",\"ProviderType\":1,\"HardwareDevice\":true,\"Removable\":true";
    let powershell = format!(
        "[{{\"Thumbprint\":\"{A}\",\"HasPrivateKey\":true,\"PrivateKey\":{{\"CspKeyContainerInfo\":{{{container}}}}}}}]"
    );
    let keyfactor = format!(
        "[{{\"StoreName\":\"My\",\"Thumbprint\":\"{A}\",\"HasPrivateKey\":true,\"ExpiryDate\":\"\",{container}}}]"
    );
    for text in [&powershell, &keyfactor] {
        for (word, said) in [("true", Some(true)), ("false", Some(false)), ("null", None), ("\"False\"", Some(false))] {
            let word = format!("\"HardwareDevice\":{word}");
            let seen = read(&text.replace("\"HardwareDevice\":true", &word));
            assert!(seen.rejects.is_empty(), "{word}");
            let claims = &seen.observations[0].claims;
            assert_eq!((claims.hardware_device, claims.impl_flags, claims.reader.is_none()), (said, None, true));
        }
    }
}

#[test]
fn flags_of_certipy_are_names_numbers_or_a_whole_word() {
    let flags = |value: &str| {
        let text = format!(
            "{{\"Certificate Templates\":{{\"0\":{{\"Template Name\":\"A\"}},\"1\":{{\"Template Name\":\"B\",\
             \"Private Key Flag\":{value},\"Extended Key Usage\":\"1.3.6.1.5.5.7.3.2\"}}}}}}"
        );
        let seen = read(&text);
        assert!(seen.others.len() == 2 && seen.others[1].contains("eku: [\"1.3.6.1.5.5.7.3.2\"]"), "{:?}", seen.others);
        let said = seen.others[1].split("private_key_flags: ").nth(1).unwrap_or_default();
        said.split(", enrollment").next().unwrap_or_default().to_owned()
    };
    for (value, said) in [
        (
            "[\"ExportableKey\",\"UseLegacyProvider\"]",
            r#"None, private_key_flag_names: ["ExportableKey", "UseLegacyProvider"]"#,
        ),
        ("\"ExportableKey\"", r#"None, private_key_flag_names: ["ExportableKey"]"#),
        (
            "\"ExportableKey, UseLegacyProvider\"",
            r#"None, private_key_flag_names: ["ExportableKey", "UseLegacyProvider"]"#,
        ),
        ("[16,256]", r#"None, private_key_flag_names: ["16", "256"]"#),
        ("[16]", r#"None, private_key_flag_names: ["16"]"#),
        ("\"16\"", r#"None, private_key_flag_names: ["16"]"#),
        (
            "[\"16777216\",\"65536\",\"ExportableKey\"]",
            r#"None, private_key_flag_names: ["16777216", "65536", "ExportableKey"]"#,
        ),
        ("16", "Some(16), private_key_flag_names: []"),
        ("0", "Some(0), private_key_flag_names: []"),
        ("[\"16842768\"]", "Some(16842768), private_key_flag_names: []"),
        ("\"16842768\"", "Some(16842768), private_key_flag_names: []"),
        ("[]", "None, private_key_flag_names: []"),
        ("null", "None, private_key_flag_names: []"),
    ] {
        assert_eq!(flags(value), said, "{value}");
    }
}

#[test]
fn rows_of_one_envelope_are_told_apart() {
    let row = format!("{{\"sha1\":\"{A}\",\"common_name\":\"a\",\"not_valid_after\":\"1\"}}");
    let line = format!(
        "{{\"name\":\"q\",\"hostIdentifier\":\"h\",\"diffResults\":{{\"added\":[{row},{row}],\"removed\":[{row}]}}}}\n\
         {{\"name\":\"q\",\"hostIdentifier\":\"h\",\"action\":\"removed\",\"columns\":{row}}}\n"
    );
    let seen = read_all(&lines::FORMAT, line.as_bytes(), "x.log");
    let parts: Vec<_> = seen.observations.iter().map(|row| row.lineage.part).collect();
    assert_eq!((parts, seen.skips.get("osquery_removed"), seen.records()), (vec![0, 1], Some(&2), 4));
}

#[test]
fn lists_number_their_objects_on() {
    let job = format!(
        "{{\"LastInventory\":[{{\"Thumbprints\":[\"{A}\",\"{A}\"]}}],\"CertificateStoreDetails\":{{\"StorePath\":\"My\"}}}}"
    );
    let seen = read(&format!("{{\"value\":[{job},{job}],\"Count\":2}}"));
    let parts: Vec<_> = seen.observations.iter().map(|row| row.lineage.part).collect();
    assert_eq!(parts, [0, 1, 2, 3]);
}

#[test]
fn objects_stream_through_a_small_window_with_their_places() {
    let one = format!("  {{\r\n    \"Thumbprint\": \"{A}\",\r\n    \"HasPrivateKey\": true\r\n  }}");
    let count = 20_000;
    let text = format!("[\r\n{}\r\n]", vec![one.as_str(); count].join(",\r\n"));
    for (text, width) in [(text.clone().into_bytes(), 1), (text.encode_utf16().flat_map(u16::to_le_bytes).collect(), 2)]
    {
        let seen = read_all(&json::FORMAT, &text, "x.json");
        assert_eq!((seen.observations.len(), seen.rejects.len()), (count, 0));
        let stride = one.len() + 3;
        let fits = |(at, row): (usize, &crate::format::testing::Seen)| {
            row.lineage.byte_offset == (width * (5 + at * stride)) as u64
        };
        assert!(seen.observations.iter().enumerate().all(fits));
    }
}

#[test]
fn an_object_that_is_longer_than_the_head_is_known_by_its_first_properties() {
    // Windows PowerShell puts each octet on a line of its own, far from the margin.
    let octets = vec![format!("\r\n{}48", " ".repeat(60)); 2000].join(",");
    for first in [
        format!("\"Archived\":  false,\r\n    \"Extensions\":  [{{\"RawData\":  [{octets}"),
        format!("\"Archived\":  false,\r\n    \"RawData\":  [{octets}"),
        format!("\"Subject\":  \"CN=x\",\r\n    \"RawData\":  {{\"value\":  [{octets}"),
    ] {
        let text = format!("[\r\n    {{\r\n    {first}");
        let head = Head { bytes: &text.as_bytes()[..HEAD], complete: false, len: None };
        assert_eq!(crate::format::sniff(&head).map(|format| format.name), Some("json_document"), "{}", &text[..99]);
    }
}

#[test]
fn an_object_without_fields_is_of_no_kind() {
    assert!(kind_of(&Object::default()).is_none());
}
