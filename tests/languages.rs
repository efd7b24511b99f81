//! The same store in every language that certutil speaks gives the same rows, and damage degrades what it touches alone.
//!
//! The labels are those seen in real outputs (windows-text 4.6); where a language's label was never seen, the English one
//! stands, as in the outputs themselves. The store is made up.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Bench, Row, without};

/// The words of one language.
struct Language {
    name: &'static str,
    banner: &'static str,
    serial: &'static str,
    issuer: &'static str,
    not_before: &'static str,
    not_after: &'static str,
    subject: &'static str,
    non_root: &'static str,
    template: &'static str,
    hash: &'static str,
    container: &'static str,
    unique: &'static str,
    provider: &'static str,
    passed: &'static str,
    not_exportable: &'static str,
    no_property: &'static str,
    no_key: &'static str,
    missing: &'static str,
    footer: &'static str,
}

const ENGLISH: Language = Language {
    name: "en",
    banner: "Certificate",
    serial: "Serial Number: ",
    issuer: "Issuer: ",
    not_before: " NotBefore: ",
    not_after: " NotAfter: ",
    subject: "Subject: ",
    non_root: "Non-root Certificate",
    template: "Template: ",
    hash: "Cert Hash(sha1): ",
    container: "Key Container = ",
    unique: "Unique container name: ",
    provider: "Provider = ",
    passed: "Encryption test passed",
    not_exportable: "Private key is NOT exportable",
    no_property: "No key provider information",
    no_key: "Cannot find the certificate and private key for decryption.",
    missing: "Missing stored keyset",
    footer: "CertUtil: -store command completed successfully.",
};

fn languages() -> Vec<Language> {
    vec![
        ENGLISH,
        Language {
            name: "de",
            banner: "Zertifikat",
            serial: "Seriennummer: ",
            issuer: "Aussteller: ",
            not_before: " Nicht vor: ",
            not_after: " Nicht nach: ",
            subject: "Antragsteller: ",
            non_root: "Kein Stammzertifikat",
            template: "Vorlage: ",
            hash: "Zertifikathash(sha1): ",
            container: "Schlüsselcontainer = ",
            unique: "Eindeutiger Containername: ",
            provider: "Anbieter = ",
            passed: "Verschlüsselungstest wurde durchgeführt",
            not_exportable: "Der private Schlüssel ist NICHT exportierbar",
            footer: "CertUtil: -store-Befehl wurde erfolgreich ausgeführt.",
            ..ENGLISH
        },
        Language {
            name: "fr",
            banner: "Certificat",
            serial: "Numéro de série\u{a0}: ",
            issuer: "Émetteur\u{a0}: ",
            not_before: " NotBefore\u{a0}: ",
            not_after: " NotAfter\u{a0}: ",
            subject: "Objet\u{a0}: ",
            non_root: "Il ne s’agit pas d’un certificat racine",
            template: "Modèle\u{a0}: ",
            hash: "Hach. cert. (sha1)\u{a0}: ",
            container: "Conteneur de clé\u{a0}= ",
            provider: "Fournisseur\u{a0}= ",
            passed: "Test de chiffrement réussi",
            no_property: "Aucune information sur le fournisseur de clé",
            no_key: "Impossible de trouver le certificat et la clé privée pour le déchiffrement.",
            footer: "CertUtil: -store La commande s’est terminée correctement.",
            ..ENGLISH
        },
        Language {
            name: "es",
            banner: "Certificado",
            serial: "Número de serie: ",
            issuer: "Emisor: ",
            hash: "Hash de cert(sha1): ",
            container: "Contenedor de claves = ",
            unique: "Nombre de contenedor exclusivo: ",
            provider: "Proveedor = ",
            passed: "Prueba de cifrado correcta",
            missing: "Falta el conjunto de claves almacenado",
            footer: "CertUtil: -store comando completado correctamente.",
            ..ENGLISH
        },
        Language {
            name: "it",
            banner: "Certificato",
            serial: "Numero di serie: ",
            issuer: "Autorità emittente: ",
            subject: "Soggetto: ",
            hash: "Hash certificato (sha1): ",
            passed: "Verifica firma riuscita",
            footer: "CertUtil: - Esecuzione comando store riuscita.",
            ..ENGLISH
        },
        Language {
            name: "pt",
            banner: "Certificado",
            serial: "Número de Série: ",
            issuer: "Emissor: ",
            subject: "Requerente: ",
            hash: "Hash Cert(sha1): ",
            container: "Contêiner da chave = ",
            unique: "Nome de contêiner exclusivo: ",
            passed: "Teste de assinatura aprovado",
            not_exportable: "A chave privada NÃO é exportável",
            no_property: "Nenhuma informação de provedor de chave",
            no_key: "Não é possível localizar o certificado e a chave privada para decodificação.",
            footer: "CertUtil: -store : comando concluído com êxito.",
            ..ENGLISH
        },
        Language {
            name: "zh",
            banner: "证书",
            serial: "序列号: ",
            issuer: "颁发者: ",
            subject: "使用者: ",
            non_root: "非根证书",
            hash: "证书哈希(sha1): ",
            container: "密钥容器 = ",
            provider: "提供程序 = ",
            not_exportable: "无法以纯文本方式导出私钥",
            no_property: "没有密钥提供程序信息",
            no_key: "找不到解密的证书和私钥。",
            ..ENGLISH
        },
        Language {
            name: "ko",
            banner: "인증서",
            serial: "일련 번호: ",
            issuer: "발급자: ",
            subject: "주체: ",
            non_root: "루트가 아닌 인증서",
            hash: "인증서 해시(sha1): ",
            container: "키 컨테이너 = ",
            ..ENGLISH
        },
    ]
}

/// `certutil -store My` of a machine with four certificates: a CSP's key that works, a KSP's that is not found, one
/// without key, and one of a provider that nobody knows.
fn store(l: &Language) -> String {
    let block = |n: u8, rest: &str| {
        format!(
            "================ {} {n} ================\r\n{}4f00{n:02x}\r\n{}CN=Grove Issuing CA 2, O=Grove Works, C=CH\r\n{}\
             03.02.2026 10:15\r\n{}03.02.2027 10:15\r\n{}CN=pc-{n:04}.grove.test, O=Grove Works\r\n{}\r\n{}Machine\r\n\
             {}{}\r\n{rest}\r\n",
            l.banner,
            l.serial,
            l.issuer,
            l.not_before,
            l.not_after,
            l.subject,
            l.non_root,
            l.template,
            l.hash,
            format!("{:02x}", 0xa0 + n).repeat(20),
        )
    };
    let key = |name: &str, provider: &str, result: &str| {
        let unique = "0123456789abcdef0123456789abcdef_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
        format!("  {}{name}\r\n  {}{unique}\r\n  {}{provider}\r\n{result}\r\n", l.container, l.unique, l.provider)
    };
    [
        "My\r\n".to_owned(),
        block(0, &key("te-Machine-1", "Microsoft RSA SChannel Cryptographic Provider", l.passed)),
        block(1, &key("te-Machine-2", "Microsoft Software Key Storage Provider", l.missing)),
        block(2, &format!("{}\r\n{}\r\n", l.no_property, l.no_key)),
        block(3, &key("slot-7", "Grove Vault Key Storage Provider", l.not_exportable)),
        format!("{}\r\n", l.footer),
    ]
    .concat()
}

/// Columns that hold what a language or a damage may change: where a row stands, and what was printed.
const OTHER: [&str; 9] = [
    "source_id",
    "source_path",
    "byte_offset",
    "observation_id",
    "is_exportable",
    "printed_subject",
    "printed_issuer",
    "printed_not_before",
    "printed_not_after",
];

/// What matters of the observations in this text.
fn rows(bench: &Bench, name: &str, bytes: &[u8], more: &[&str]) -> Vec<Row> {
    let file = bench.put(&format!("{name}/My.txt"), bytes);
    without(bench.scan(&[&file], &format!("report-{name}"), more).rows("observations"), &OTHER)
}

fn wanted(bench: &Bench) -> Vec<Row> {
    let rows = rows(bench, "wanted", store(&ENGLISH).as_bytes(), &[]);
    let of = |column: &str| rows.iter().map(|row| row[column].as_str().unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(of("key_api"), ["capi", "cng", "none", "cng"]);
    assert_eq!(of("key_presence"), ["opened", "missing", "none", "declared"]);
    assert_eq!(of("key_storage"), ["software", "software", "none", "unknown"]);
    rows
}

#[test]
fn every_language_gives_the_same_rows() {
    let bench = Bench::new();
    let wanted = wanted(&bench);
    for language in languages() {
        let name = language.name;
        let mut found = rows(&bench, name, store(&language).as_bytes(), &[]);
        let mut expected = wanted.clone();
        // A test's words are translated without a shape, so a language may not say that the key was opened.
        for row in found.iter_mut().chain(&mut expected) {
            if row["key_presence"] == "opened" {
                row.insert("key_presence".into(), "declared".into());
            }
        }
        // No shape tells "not found" in a language whose words for it were never seen.
        if found.get(1).is_some_and(|row| row["key_presence"] == "declared") && language.missing != ENGLISH.missing {
            for row in found.iter_mut().chain(&mut expected).filter(|row| row["record_number"] == 1) {
                row.remove("key_presence");
                row.remove("has_private_key");
            }
        }
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn encodings_change_nothing() {
    let bench = Bench::new();
    let wanted = wanted(&bench);
    let text = store(&ENGLISH);
    let wide = |mark: bool| -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    for (name, bytes) in [
        ("utf16", wide(true)),
        ("utf16-without-mark", wide(false)),
        ("utf8-mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("unix", text.replace('\r', "").into_bytes()),
    ] {
        assert_eq!(rows(&bench, name, &bytes, &[]), wanted, "{name}");
    }
    let german = languages().swap_remove(1);
    let by_page = |page: &'static encoding_rs::Encoding| page.encode(&store(&german)).0.into_owned();
    let expected = rows(&bench, "german", store(&german).as_bytes(), &[]);
    assert_eq!(rows(&bench, "cp1252", &by_page(encoding_rs::WINDOWS_1252), &["--code-page", "1252"]), expected);
    assert_eq!(rows(&bench, "guessed", &by_page(encoding_rs::WINDOWS_1252), &[]), expected, "only letters are guessed");
}

#[test]
fn damage_degrades_what_it_touches_and_nothing_else() {
    let bench = Bench::new();
    let wanted = wanted(&bench);
    let text = store(&ENGLISH);
    let indented = |by: usize| text.lines().map(|line| format!("{}{line}\r\n", " ".repeat(by))).collect::<String>();
    let unindented = text.lines().map(|line| format!("{}\r\n", line.trim_start())).collect::<String>();
    let damages = [
        ("indented by four", indented(4)),
        ("indented by eight", indented(8)),
        ("leading blanks lost", unindented),
        ("blank lines added", text.replace("\r\n", "\r\n\r\n")),
        ("prompt before it", format!("PS C:\\> certutil -store My\r\n{text}PS C:\\>\r\n")),
        ("hard spaces", text.replace(": ", "\u{a0}: ").replace(" = ", "\u{a0}= ")),
        ("bare carriage returns", text.replace("\r\n", "\r\r\n")),
        ("stream prefix", text.lines().map(|line| format!("VERBOSE: {line}\r\n")).collect()),
    ];
    for (name, damaged) in damages {
        let mut found = rows(&bench, &name.replace(' ', "-"), damaged.as_bytes(), &[]);
        let mut expected = wanted.clone();
        if name == "prompt before it" {
            // The command says which store it is of: the machine's.
            for row in found.iter_mut().chain(&mut expected) {
                row.remove("store_location");
            }
        }
        assert_eq!(found, expected, "{name}");
    }
    // Twice the same output: the index starts again.
    let twice = rows(&bench, "twice", [text.as_str(), &text].concat().as_bytes(), &[]);
    assert_eq!(twice, [&wanted[..], &wanted[..]].concat());
    // One letter of one hash: that certificate is not named any more, and its neighbours are untouched.
    let hash = "a1".repeat(20);
    let found = rows(&bench, "hash", text.replace(&hash, &format!("g{}", &hash[1..])).as_bytes(), &[]);
    let others = |rows: &[Row]| rows.iter().filter(|row| row["record_number"] != 1).cloned().collect::<Vec<_>>();
    assert_eq!(others(&found), others(&wanted));
    assert!(!found.iter().any(|row| row.get("thumbprint").is_some_and(|t| t.as_str().unwrap().starts_with('g'))));
}
