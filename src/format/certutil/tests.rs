//! Every language, every damage and every trap of the specification, on texts of our own.

use super::*;
use crate::format::testing::{Collect, Seen, read_all, read_until, sample, samples};
use crate::format::{CodePage, Outcome, Setting};
use crate::record::{Code, KeyReport};

const HASH: &str = "000102030405060708090a0b0c0d0e0f10111213";
const UNIQUE: &str = "00112233445566778899aabbccddeeff_6f1d2c3b-4a59-4768-9786-a5b4c3d2e1f0";

fn read(text: &str) -> Collect {
    read_all(&FORMAT, text.as_bytes(), "host.txt")
}

fn only(seen: &Collect) -> &Seen {
    assert_eq!(seen.observations.len(), 1, "{seen:?}");
    &seen.observations[0]
}

/// What a row says beside its place: everything but lineage.
fn rows(seen: &Collect) -> Vec<String> {
    let rows = seen.observations.iter().zip(&seen.places);
    let rows = rows.map(|(o, place)| format!("{:?} {:?} {:?} {place}", o.lineage.record_number, o.sha1, o.claims));
    rows.chain(seen.others.iter().cloned()).collect()
}

/// A store of two certificates in a language: its labels in the order of the specification's table.
struct Language {
    word: &'static str,
    labels: [&'static str; 8],
    provider: &'static str,
    passed: &'static str,
    footer: &'static str,
}

const LANGUAGES: [Language; 9] = [
    Language {
        word: "Certificate",
        labels: [
            "Serial Number:",
            "Issuer:",
            "NotBefore:",
            "NotAfter:",
            "Subject:",
            "Cert Hash(sha1):",
            "Key Container =",
            "Unique container name:",
        ],
        provider: "Provider =",
        passed: "Encryption test passed",
        footer: "-store command completed successfully.",
    },
    Language {
        word: "Zertifikat",
        labels: [
            "Seriennummer:",
            "Aussteller:",
            "Nicht vor:",
            "Nicht nach:",
            "Antragsteller:",
            "Zertifikathash(sha1):",
            "Schlüsselcontainer =",
            "Eindeutiger Containername:",
        ],
        provider: "Anbieter =",
        passed: "Verschlüsselungstest wurde durchgeführt",
        footer: "-store-Befehl wurde erfolgreich ausgeführt.",
    },
    Language {
        word: "Certificat",
        labels: [
            "Numéro de série :",
            "Émetteur:",
            "NotBefore :",
            "NotAfter :",
            "Objet:",
            "Hach. cert. (sha1)\u{a0}:",
            "Conteneur de clé\u{a0} =",
            "Nom de conteneur unique :",
        ],
        provider: "Fournisseur =",
        passed: "Test de chiffrement réussi",
        footer: "-store La commande s\u{2019}est terminée correctement.",
    },
    Language {
        word: "Certificado",
        labels: [
            "Número de serie:",
            "Emisor:",
            "NotBefore:",
            "NotAfter:",
            "Firmante:",
            "Hash de cert(sha1):",
            "Contenedor de claves =",
            "Nombre de contenedor exclusivo:",
        ],
        provider: "Proveedor =",
        passed: "Prueba de cifrado correcta",
        footer: "-store comando completado correctamente.",
    },
    Language {
        word: "Certificato",
        labels: [
            "Numero di serie:",
            "Autorità emittente:",
            "NotBefore:",
            "NotAfter:",
            "Soggetto:",
            "Hash certificato (sha1):",
            "Contenitore chiave =",
            "Nome univoco:",
        ],
        provider: "Provider =",
        passed: "Verifica firma riuscita",
        footer: "- Esecuzione comando store riuscita.",
    },
    Language {
        word: "Certificado",
        labels: [
            "Número de Série:",
            "Emissor:",
            "NotBefore:",
            "NotAfter:",
            "Requerente:",
            "Hash Cert(sha1):",
            "Contêiner da chave =",
            "Nome de contêiner exclusivo:",
        ],
        provider: "Provider =",
        passed: "Teste de assinatura aprovado",
        footer: "-store : comando concluído com êxito.",
    },
    Language {
        word: "证书",
        labels: [
            "序列号:",
            "颁发者:",
            "NotBefore:",
            "NotAfter:",
            "使用者:",
            "证书哈希(sha1):",
            "密钥容器 =",
            "唯一容器名称:",
        ],
        provider: "提供程序 =",
        passed: "Signature test passed",
        footer: "-store 命令成功完成。",
    },
    Language {
        word: "인증서",
        labels: [
            "일련 번호:",
            "발급자:",
            "NotBefore:",
            "NotAfter:",
            "주체:",
            "인증서 해시(sha1):",
            "키 컨테이너 =",
            "고유 컨테이너 이름:",
        ],
        provider: "Provider =",
        passed: "Signature test passed",
        footer: "-store 명령이 성공적으로 완료되었습니다.",
    },
    // No real output of this language was found; nothing of it is known to the tables but the shapes.
    Language {
        word: "Certyfikat",
        labels: [
            "Numer:",
            "Wystawca:",
            "Od:",
            "Do:",
            "Podmiot:",
            "Skrót(sha1):",
            "Kontener klucza =",
            "Unikatowa nazwa:",
        ],
        provider: "Dostawca =",
        passed: "Signature test passed",
        footer: "-store OK.",
    },
];

fn store(language: &Language) -> String {
    let [serial, issuer, before, after, subject, hash, container, unique] = language.labels;
    let Language { word, provider, passed, footer, .. } = language;
    let none = HASH.replace("00", "ff");
    format!(
        "My \"X\"\r\n================ {word} 3 ================\r\n{serial} 0a0b0c\r\n{issuer} CN=Contoso CA\r\n {before} 1/2/2026 9:00\r\n \
         {after} 1/2/2027 9:00\r\n{subject} CN=web\r\n{hash} {HASH}\r\n  {container} Contoso Web Services\r\n  {unique} {UNIQUE}\r\n  \
         {provider} Microsoft Software Key Storage Provider\r\n{passed}\r\n\r\n================ {word} 5 ================\r\n{serial} 0a0b0d\r\n\
         {issuer} CN=Contoso CA\r\n{subject} CN=other\r\n{hash} {none}\r\nxxx\r\nCertUtil: {footer}\r\n"
    )
}

#[test]
fn every_language_gives_the_same_rows() {
    let english = read(&store(&LANGUAGES[0]));
    assert_eq!((english.observations.len(), english.outcome), (2, Outcome::Complete));
    let claims = &english.observations[0].claims;
    assert_eq!(
        claims.key_container.as_deref(),
        Some("Contoso Web Services"),
        "a container may be named like a provider"
    );
    assert_eq!((claims.key_path.as_deref(), claims.key_report), (Some(UNIQUE), KeyReport::Claimed));
    assert_eq!(claims.acquire.and_then(|acquire| acquire.hresult), Some(0));
    assert_eq!(english.observations[1].claims.key_report, KeyReport::Absent);
    assert_eq!(english.places, ["My", "My"]);
    for language in &LANGUAGES {
        let seen = read(&store(language));
        assert_eq!(rows(&seen), rows(&english), "{}", language.word);
        assert!(seen.rejects.is_empty() && sniffed(&store(language)), "{}", language.word);
    }
}

fn sniffed(text: &str) -> bool {
    is_certutil(&Head { bytes: text.as_bytes(), complete: true, len: None })
}

#[test]
fn damage_costs_what_it_touches_and_nothing_else() {
    let whole = store(&LANGUAGES[0]);
    let expected = rows(&read(&whole));
    let each = |change: fn(&str) -> String| whole.lines().map(change).collect::<String>();
    let damaged = [
        ("leading blanks lost", each(|line| format!("{}\n", line.trim_start()))),
        ("indented", each(|line| format!("        {line}\n"))),
        ("blank lines added", each(|line| format!("{line}\n\n"))),
        ("no-break spaces", whole.replace(" =", "\u{a0}=").replace("):", ")\u{a0}:").replace("e:", "e\u{a0}:")),
        ("prefixes", each(|line| format!("AUSF\u{dc}HRLICH: {line}\n"))),
        ("lost prefixes", each(|line| format!("AUSF\u{fffd}HRLICH: {line}\n"))),
        ("bare carriage returns", whole.replace("\r\n", "\r")),
        ("progress text", whole.replace("Serial", "10%\r20%\rSerial")),
        ("spaced hash", whole.replace(HASH, "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13")),
        ("lines joined", whole.replace("\r\n", " ")),
        ("markdown", whole.replace("\r\n", " ").replace('_', "\\_")),
        ("html", whole.replace("\r\n", " ").replace('"', "&quot;")),
        ("a prompt", format!("*Evil* PS C:\\temp> whoami\r\n{whole}PS C:\\temp>\r\n")),
    ];
    for (what, text) in damaged {
        let seen = read(&text);
        assert_eq!(rows(&seen), expected, "{what}: {text}");
        assert!(seen.rejects.is_empty(), "{what}: {:?}", seen.rejects);
    }
    // In a language of no table, the end of the container cannot be told.
    let seen = read(&store(&LANGUAGES[8]).replace("\r\n", " "));
    let provider = seen.observations[0].claims.provider_name.as_deref();
    assert_eq!(provider, Some("Microsoft Software Key Storage Provider"));
    assert_eq!((seen.observations.len(), seen.degraded()), (2, vec![Code::BadStructure]));
    let headless = whole.split_once("================\r\n").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let seen = read(&headless);
    assert_eq!(seen.observations[0].claims, read(&whole).observations[0].claims);
    assert_eq!((seen.observations[0].lineage.record_number, seen.places[0].as_str()), (None, ""));
}

#[test]
fn encodings_change_nothing() {
    let whole = store(&LANGUAGES[1]);
    let expected = rows(&read(&whole));
    let wide = |mark: &[u8]| [mark, &whole.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat();
    let eight_bit = whole.chars().map(|c| c as u8).collect::<Vec<_>>();
    for bytes in [wide(b""), wide(b"\xff\xfe"), [b"\xef\xbb\xbf", whole.as_bytes()].concat(), eight_bit] {
        let seen = read_all(&FORMAT, &bytes, "host.txt");
        assert_eq!(rows(&seen), expected);
        assert!(is_certutil(&Head { bytes: &bytes, complete: true, len: None }) && seen.rejects.is_empty());
    }
}

fn one(lines: &str) -> String {
    format!("================ Certificate 0 ================\nSerial Number: 0a0b\nCert Hash(sha1): {HASH}\n{lines}")
}

const CSP: &str = "  Key Container = c\n  Provider = Microsoft RSA SChannel Cryptographic Provider\n";

#[test]
fn tests_of_keys_are_read_as_what_they_are() {
    let tried = |line: &str| {
        let seen = read(&one(&format!("{CSP}{line}\nCertUtil: -store x\n")));
        only(&seen).claims.acquire.and_then(|acquire| acquire.hresult)
    };
    assert_eq!(tried("Missing stored keyset"), Some(0x8009_0016));
    assert_eq!(tried("Encryption test FAILED: msg 0x80090016 (-2146893802 NTE_BAD_KEYSET)"), Some(0x8009_0016));
    assert_eq!(tried("x: 0x8010006e (-2146434962 SCARD_W_CANCELLED_BY_USER)"), Some(0x8010_006e));
    assert_eq!(tried("x 0x80070005"), Some(0x8007_0005), "older builds omit the name");
    assert_eq!(tried("Encryption test FAILED: 0x80090029 (-2146893783 NTE_NOT_SUPPORTED)"), None, "no absence");
    assert_eq!(tried("Missing stored keyset\nSignature test passed"), Some(0));
    let seen = read(&one("No key provider information\nMissing stored keyset\n"));
    assert_eq!((only(&seen).claims.acquire, only(&seen).claims.key_report), (None, KeyReport::Absent), "adds nothing");
    let seen = read(&one(&format!("{CSP}Private key is NOT plain text exportable\nCertUtil: -store x\n")));
    assert_eq!(only(&seen).claims.is_exportable, None);
}

#[test]
fn silence_denies_a_key_only_where_the_record_is_whole() {
    let report = |text: &str| only(&read(text)).claims.key_report;
    assert_eq!(report(&one("CertUtil: -store x\n")), KeyReport::Absent);
    assert_eq!(report(&one("")), KeyReport::NotReported);
    assert_eq!(read(&one("")).degraded(), [Code::Truncated]);
    assert_eq!(report(&one("...\nCertUtil: -store x\n")), KeyReport::NotReported, "lines were left out");
    assert_eq!(read(&one("...\nCertUtil: -store x\n")).degraded(), [Code::Truncated]);
    assert_eq!(report(&one("没有密钥提供程序信息\n")), KeyReport::Absent);
    let bare = format!("Serial Number: 0a0b\nCert Hash(sha1): {HASH}\nSignature Hash: 00\nCertUtil: -dump x\n");
    assert_eq!(report(&bare), KeyReport::NotReported, "the dump of a certificate file has no properties");
    let chain = one("No key provider information\ndwFlags = CA_VERIFY_FLAGS (0x20000000)\nCertUtil: -verifystore x\n");
    assert_eq!(report(&chain), KeyReport::Absent);
    let chain =
        one("dwFlags = CA_VERIFY_FLAGS (0x20000000)\nChain.dwInfoStatus = X (0x100)\nCertUtil: -verifystore x\n");
    assert_eq!(report(&chain), KeyReport::Absent);
}

#[test]
fn rules_that_are_no_records_are_no_rows() {
    let force = format!(
        "{CSP}Encryption test passed\n================ Begin force NCrypt ================\nx(RSA:CNG) test passed\n  \
         Provider = Microsoft Software Key Storage Provider\n----------------  End force NCrypt  ----------------\n"
    );
    let text = format!("{}{}CertUtil: -exportPFX x\n", one(&force), one("").replace("Certificate 0", "Certificate 1"));
    let seen = read(&text);
    assert_eq!(seen.observations.len(), 2);
    let provider = seen.observations[0].claims.provider_name.as_deref();
    assert_eq!(provider, Some("Microsoft RSA SChannel Cryptographic Provider"), "the word CNG decides nothing");
    assert_eq!(seen.observations[1].lineage.record_number, Some(1));
    let seen = read(
        "================ CRL 0 ================\nCRL Hash(sha1): 00\n================ CTL 3 ================\nx\n",
    );
    assert_eq!((seen.skips.get("crl"), seen.skips.get("ctl"), seen.records()), (Some(&1), Some(&1), 2));
}

#[test]
fn what_lies_in_a_file_is_of_no_machine() {
    let seen = read_all(&FORMAT, &sample("certutil_text", "dump-pfx-en.txt"), "machine_my.txt");
    let key = &seen.observations[1];
    assert!(key.claims.in_file && key.lineage.record_number == Some(1));
    assert_eq!((seen.places[1].as_str(), seen.observations[0].claims.in_file), ("", false));
}

#[test]
fn numbers_of_the_key_property_are_hex_and_key_spec_is_only_shown() {
    let numbers = |text: &str| {
        let seen = read(text);
        let claims = only(&seen).claims.clone();
        (claims.provider_type, claims.key_flags, claims.key_spec, seen.degraded())
    };
    let property = |numbers: &str| {
        one(&format!(
            "\n  CERT_KEY_PROV_INFO_PROP_ID(2):\n    Key Container = 1234\n    Provider = Northlight 5\n{numbers}CertUtil: -store x\n"
        ))
    };
    let first = property(
        "    ProviderType = c (12)\n    Flags = 20\n      CRYPT_MACHINE_KEYSET -- 20\n    KeySpec = 1 -- AT_KEYEXCHANGE\n",
    );
    assert_eq!(numbers(&first), (Some(12), Some(0x20), Some(1), vec![]));
    let other = property("    Typ = 0\n    Znaczniki = 20 (32)\n    KeySpec = 2 -- AT_SIGNATURE\n");
    assert_eq!(numbers(&other), (Some(0), Some(0x20), Some(2), vec![]), "by their order");
    let bad = property("    ProviderType = x\n    Flags = 20 (33)\n");
    assert_eq!(numbers(&bad), (None, Some(0x20), None, vec![Code::BadField, Code::BadField]));
    let seen = read(&first);
    assert_eq!(only(&seen).claims.key_container.as_deref(), Some("1234"), "not a number of the property");
}

#[test]
fn the_hash_is_that_of_the_certificate() {
    let other = HASH.replace("00", "ee");
    let names =
        format!("Issuer:\n    CN=a\n  Name Hash(sha1): {other}\nSubject:\n    CN=b\n  Name Hash(sha1): {other}\n");
    let keys = format!("Key Id Hash(rfc-sha1): {other}\nKey Id Hash(sha1): {other}\n");
    let head = "================ Certificate 0 ================\nSerial Number: 0a0b\n";
    let foot = "CertUtil: -store x\n";
    let seen = read(&format!("{head}{names}{keys}Cert Hash(sha1): {HASH}\n{foot}"));
    assert_eq!(only(&seen).sha1.map(|hash| hash[0]), Some(0));
    // Without its own line, no other hash stands in for it.
    let seen = read(&format!("{head}{names}{keys}{CSP}{foot}"));
    assert_eq!((only(&seen).sha1, seen.degraded()), (None, vec![Code::MissingField]));
    let seen = read(&format!("{head}Cert Hash(sha1): {}\n{CSP}{foot}", HASH.replace('f', "g")));
    assert_eq!((only(&seen).sha1, seen.degraded()), (None, vec![Code::BadHex]));
    assert!(only(&seen).claims.provider_name.is_some());
}

#[test]
fn providers_without_type_are_cng_unless_it_may_be_missing() {
    let list = "Nazwa: Kowal 1\nTyp: 1 - PROV_RSA_FULL\n\nNazwa: Kowal 2\nTyp: 24 - PROV_RSA_AES\n\nNazwa: Kowal 3\n";
    let apis = |text: &str| {
        let api = |row: &String| {
            row.split("api: ").nth(1).and_then(|rest| rest.split(", provider_type").next().map(str::to_owned))
        };
        read(text).others.iter().filter_map(api).collect::<Vec<_>>()
    };
    assert_eq!(apis(list), ["Some(Capi)", "Some(Capi)", "None"], "cut off before its type");
    assert_eq!(apis(&format!("{list}CertUtil: -csplist x\n")), ["Some(Capi)", "Some(Capi)", "Some(Cng)"]);
    assert_eq!(apis(&format!("{list}FAILED: 0x8009001d\nCertUtil: -csplist x\n"))[2], "None");
}

#[test]
fn keys_follow_the_blank_lines_and_the_unique_names() {
    let seen = read_all(&FORMAT, &sample("certutil_text", "key-list.txt"), "host.txt");
    let names: Vec<_> = seen.observations.iter().filter_map(|o| o.claims.key_container.clone()).collect();
    assert_eq!(names, ["Grove Service", "Grove Signer", "{5A0F6C1E-2B3D-4E5F-8091-A2B3C4D5E6F7}"]);
    assert_eq!(seen.observations[2].claims.virtual_iso, Some(1));
    assert_eq!(
        (seen.observations[2].claims.export_policy, seen.observations[2].claims.is_exportable),
        (Some(0), Some(false))
    );
    let flat = String::from_utf8_lossy(&sample("certutil_text", "key-list.txt"))
        .lines()
        .map(|line| format!("{}\n", line.trim_start()))
        .collect::<String>();
    let lost: Vec<_> = read(&flat).observations.iter().filter_map(|o| o.claims.key_container.clone()).collect();
    assert_eq!(lost, names, "leading blanks lost");
}

#[test]
fn a_card_says_where_a_key_is_and_not_which_interface_uses_it() {
    let seen = read_all(&FORMAT, &sample("certutil_text", "scinfo.txt"), "host.txt");
    assert_eq!((seen.observations.len(), seen.skips.get("card_without_key")), (2, Some(&1)));
    for row in &seen.observations {
        let claims = &row.claims;
        assert_eq!((claims.provider_name.as_deref(), claims.provider_type), (None, None));
        assert_eq!(claims.key_container.as_deref(), Some("nl-7a8b9c"), "without the mark of the default container");
        assert_eq!(
            (claims.reader.as_deref(), claims.key_report),
            (Some("Northlight Dual Reader 0"), KeyReport::Claimed)
        );
    }
}

#[test]
fn outputs_do_not_share_their_store_or_scope() {
    let text = format!(
        "C:\\>certutil -user -store My\nMy \"Personal\"\n{}CertUtil: -store x\n{}CertUtil: -store x\nTrust\n{}CertUtil: -store x\n",
        one(""),
        one(""),
        one("")
    );
    assert_eq!(read(&text).places, ["current_user/My", "", "Trust"]);
    assert_eq!(read_all(&FORMAT, text.as_bytes(), "pc1/machine.txt").places[1], "local_machine");
}

#[test]
fn units_cut_at_borders_read_like_the_whole() {
    let seen: Vec<u8> = ["store-machine-en.txt", "store-verbose-en.txt", "exportpfx-force-ncrypt.txt"]
        .iter()
        .flat_map(|name| sample("certutil_text", name))
        .collect();
    let bytes = seen.repeat(3);
    let cuts = borders(&mut Window::new(&bytes[..], 0), 1000);
    assert!(cuts.len() > 4, "{cuts:?}");
    let whole = rows(&read_all(&FORMAT, &bytes, "host.txt"));
    let ends = cuts.iter().copied().chain([bytes.len() as u64]);
    let (mut parts, mut start) = (Vec::new(), 0);
    for end in ends {
        parts.extend(rows(&read_all(&FORMAT, &bytes[start as usize..end as usize], "host.txt")));
        start = end;
    }
    assert_eq!(parts, whole);
    let with_list = [sample("certutil_text", "csplist-and-store.txt"), bytes].concat();
    assert!(borders(&mut Window::new(&with_list[..], 0), 1000).is_empty(), "the list holds to the end");
}

#[test]
fn limits_hold_and_reading_stops_between_records() {
    let long = one(&"x\n".repeat(10_001));
    assert_eq!(read(&format!("{long}{}", one("CertUtil: -store x\n"))).lost(), [Code::TooLarge]);
    let many = format!("{}CertUtil: -store x\n", one("").repeat(50));
    let stopped = read_until(&FORMAT, many.as_bytes(), "host.txt", 10);
    assert_eq!((stopped.records(), stopped.outcome), (10, Outcome::Incomplete));
    let setting = Setting { max_line: 100, ..Setting::default() };
    let text = one(&format!("{}\nCertUtil: -store x\n", "y".repeat(200)));
    let seen = crate::format::testing::read_with(&FORMAT, text.as_bytes(), "host.txt", u64::MAX, &setting);
    assert_eq!(
        (only(&seen).claims.key_report, seen.degraded()),
        (KeyReport::NotReported, vec![Code::LineTooLong, Code::Truncated])
    );
}

#[test]
fn a_code_page_gives_letters_and_takes_the_doubt() {
    let bytes = sample("certutil_text", "store-user-de.txt");
    assert_eq!(read_all(&FORMAT, &bytes, "host.txt").degraded(), [Code::BadText]);
    let setting = Setting { code_page: CodePage::of(850), ..Setting::default() };
    let seen = crate::format::testing::read_with(&FORMAT, &bytes, "host.txt", u64::MAX, &setting);
    assert!(seen.rejects.is_empty() && only(&seen).claims.is_exportable == Some(false));
}

#[test]
fn every_cut_of_a_sample_comes_to_an_end() {
    for (name, bytes) in samples("certutil_text") {
        let whole = read_all(&FORMAT, &bytes, &name);
        for cut in (0..bytes.len()).step_by(7) {
            let seen = read_all(&FORMAT, &bytes[..cut], &name);
            assert!(seen.records() <= whole.records() + 1, "{name} cut at {cut}");
            // What a cut took away is never taken for an absence.
            let denied =
                |seen: &Collect| seen.observations.iter().filter(|o| o.claims.key_report == KeyReport::Absent).count();
            assert!(denied(&seen) <= denied(&whole), "{name} cut at {cut}");
        }
    }
}

#[test]
fn other_outputs_are_left_alone() {
    for text in [
        "Schema:\n  ------------  --------  ------  ----\nRow 1:\nCertUtil: -view command completed successfully.\n",
        "TemplatePropCommonName = Web\nCertUtil: -template command completed successfully.\n",
        "CertUtil: -pulse command completed successfully.\n",
        "Provider:\n",
        "=== Certificate ===\n",
    ] {
        assert!(!sniffed(text), "{text}");
    }
    assert!(sniffed("Microsoft Software Key Storage Provider:\n  a\n"));
    assert!(sniffed("CertUtil: -key command completed successfully.\n"));
}
