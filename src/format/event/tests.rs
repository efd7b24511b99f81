use super::*;
use crate::format::Outcome;
use crate::format::testing::read_all;

fn event(id: u32, provider: &str, data: &str) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/>\
         <EventID Qualifiers='0'>{id}</EventID><TimeCreated SystemTime='2026-03-04T05:06:07.1234567Z'/>\
         <EventRecordID>77</EventRecordID><Channel>System</Channel><Computer>PC-1.grove.test</Computer></System>\
         <EventData>{data}</EventData></Event>\r\n"
    )
}

#[test]
fn event_624_of_the_smart_card_service_names_a_program() {
    let one = event(624, "SCardSvr", "<Data Name='ProcessName'>C:\\Apps &amp; Tools\\sign.exe</Data>");
    let unnamed = event(624, "Microsoft-Windows-Smartcard-Server", "<Data>x</Data><Data>sign32.exe</Data>");
    let nobody = event(624, "Smart Card Service", "");
    let others = event(624, "Service Control Manager", "<Data>a.exe</Data>") + &event(7036, "SCardSvr", "");
    let all = format!("<?xml version=\"1.0\"?><Events>{one}{unnamed}{nobody}{others}</Events>");
    let bare = format!("{one}{unnamed}{nobody}{others}");
    let wide: Vec<u8> = format!("\u{feff}{bare}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [all.into_bytes(), bare.into_bytes(), wide] {
        let seen = read_all(&xml::FORMAT, &bytes, "x");
        assert_eq!((seen.others.len(), seen.skips.get("other_event")), (3, Some(&2)));
        assert!(seen.others[0].contains(r#"program: Some("C:\\Apps & Tools\\sign.exe")"#), "{}", seen.others[0]);
        assert!(seen.others[0].contains("at: Some(1772600767123456)"), "{}", seen.others[0]);
        assert!(seen.others[0].contains(r#"client: Some("PC-1.grove.test")"#));
        assert!(seen.others[1].contains(r#"program: Some("sign32.exe")"#), "{}", seen.others[1]);
        assert_eq!(seen.degraded(), [Code::MissingField], "the third names no program");
        assert_eq!(seen.outcome, Outcome::Complete);
    }
}

#[test]
fn damage_costs_what_it_touches() {
    let one = event(624, "SCardSvr", "<Data Name='ProcessName'>a.exe</Data>");
    let cut = format!("{one}{}", &one[..200]);
    let seen = read_all(&xml::FORMAT, cut.as_bytes(), "x");
    assert_eq!((seen.others.len(), seen.lost(), seen.outcome), (1, vec![Code::BadStructure], Outcome::Incomplete));
    let cut = format!("{one}{}", &one[..one.len() - 10]);
    assert_eq!(read_all(&xml::FORMAT, cut.as_bytes(), "x").lost(), [Code::Truncated]);
    let endless = format!("{one}{}", "x".repeat(8 << 20));
    let seen = read_all(&xml::FORMAT, endless.as_bytes(), "x");
    assert_eq!((seen.others.len(), seen.outcome), (1, Outcome::Incomplete), "text without end is not kept");
    let huge = format!("{}{one}", event(624, "SCardSvr", &format!("<Data>{}</Data>", "x".repeat(2 << 20))));
    let seen = read_all(&xml::FORMAT, huge.as_bytes(), "x");
    assert_eq!((seen.others.len(), seen.lost()), (1, vec![Code::TooLarge]));
    let seen = read_all(&evtx::FORMAT, b"ElfFile\0and nothing of a log", "x");
    assert_eq!((seen.outcome, seen.lost()), (Outcome::Failed, vec![Code::BadStructure]));
}

#[test]
fn programs_are_found_in_sentences() {
    assert_eq!(executable("The program 'C:\\x\\old.exe' used it."), Some("C:\\x\\old.exe"));
    assert_eq!(executable("C:\\Program Files\\Old Tool\\old.exe"), Some("C:\\Program Files\\Old Tool\\old.exe"));
    for (text, path) in [
        ("Audit: C:\\Program Files\\A B\\vpn.exe, CryptoAPI", "C:\\Program Files\\A B\\vpn.exe"),
        ("Audit: the program C:\\Tools\\oldvpn.EXE", "C:\\Tools\\oldvpn.EXE"),
        ("used by (sign32.exe).", "sign32.exe"),
        ("used by\u{a0}sign32.exe", "sign32.exe"),
        ("\"D:\\a b.exe\" and C:\\c.exe", "D:\\a b.exe"),
        ("\\Device\\HarddiskVolume3\\Program Files\\x.exe (4711)", "\\Device\\HarddiskVolume3\\Program Files\\x.exe"),
        ("C:\\x.exe.old\\y.exe", "C:\\x.exe.old\\y.exe"),
    ] {
        assert_eq!(executable(text), Some(path), "{text}");
    }
    for text in ["nothing of that kind", ".exe", "a.execute", "x.exe\\"] {
        assert_eq!(executable(text), None, "{text}");
    }
}
