use super::*;

const SHA1: &str = "00112233445566778899aabbccddeeff00112233";
const SHA256: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn error(bytes: &[u8]) -> String {
    Issuers::parse(bytes).expect_err("an error").to_string()
}

/// Whether the list names the authority, by whatever.
fn names(list: &[u8], authority: &Authority) -> bool {
    let mut verifier = Verifier::new(Issuers::parse(list).expect("a list"));
    verifier.offer_issuer(&authority.der, None);
    verifier.tpm(&authority.user(&[30])) == Ok(Assurance::High)
}

#[test]
fn every_form_names_the_issuer() {
    let (root, other) = (Authority::new("root"), Authority::new("root"));
    let sha1: Vec<String> = sha1::Sha1::digest(&root.der).iter().map(|byte| format!("{byte:02X}")).collect();
    let sha256 = crate::hex::text(&Sha256::digest(&root.der));
    let both = format!("# first\r\n\r\n  {}  # ours\r\n{}", sha1.join(" "), other.pem());
    let utf16: Vec<u8> = both.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lists: Vec<Vec<u8>> = vec![
        root.der.clone(),
        root.pem().into_bytes(),
        format!("\u{feff}# Ours\n{}", root.pem().replace('\n', "\r\n")).into_bytes(),
        format!("{}{}", other.pem(), root.pem()).into_bytes(),
        root.pem().replace(" CERT", " X509 CERT").into_bytes(),
        sha1.join(":").into_bytes(),
        // As copied from the window that Windows shows.
        format!("\u{200e}{}", sha1.join(" ").to_lowercase()).into_bytes(),
        sha256.clone().into_bytes(),
        sha256.to_uppercase().into_bytes(),
        both.clone().into_bytes(),
        format!("Authorities of a vendor\n=======================\n\nIssued: 2024-12-01\n\n{}\nMore:\n", root.pem())
            .into_bytes(),
        [&[0xff, 0xfe], utf16.as_slice()].concat(),
    ];
    for (place, list) in lists.iter().enumerate() {
        assert!(names(list, &root), "{place}");
    }
    assert!(names(both.as_bytes(), &other) && !names(sha256.as_bytes(), &other));
}

#[test]
fn what_is_not_understood_is_an_error_that_names_the_line() {
    let root = Authority::new("root");
    let pem = root.pem();
    let lines = pem.lines().count();
    for (list, line) in [
        (format!("{SHA1}\n{}", &SHA1[1..]), 2),
        (format!("{SHA1}0"), 1),
        (format!("\n\n{}", SHA256.replace('a', "g")), 3),
        (format!("{SHA1}\nroot.example.test"), 2),
        (format!("{SHA1}\n::"), 2),
        (format!("{SHA1} {SHA1}"), 1),
        (format!("Authorities of a vendor\n{SHA1}"), 1),
        (format!("{pem}{}", SHA1.replace("ff", "f")), lines + 1),
        (format!("{pem}{}", SHA1.replace('e', "o")), lines + 1),
        (format!("{}\n{pem}", &SHA256[..48]), 1),
        (format!("# one\n{}", pem.replace("-----END CERTIFICATE-----", "")), 2),
        (format!("{}{pem}", pem.replace("-----END CERTIFICATE-----", "")), 1),
        (format!("{pem}-----END CERTIFICATE-----"), lines + 1),
        (pem.replace("MII", "M!I"), 1),
        (format!("{SHA1}\n{}", pem.replace(" CERTIFICATE-", " RSA PRIVATE KEY-")), 2),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----".to_owned(), 1),
        ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----".to_owned(), 1),
    ] {
        let message = error(list.as_bytes());
        assert!(message.starts_with(&format!("line {line}: ")), "{list}: {message}");
    }
    for list in [&b""[..], b"\n# nothing\n", &[0x30, 0x82, 0, 0], &[root.der.as_slice(), &[0]].concat()] {
        assert!(matches!(Issuers::parse(list), Err(crate::error::Error::Usage(_))), "{list:?}");
    }
    // What the file says is not repeated: it may be another one than was meant.
    assert!(!error(b"secret words").contains("secret"));
}

#[test]
fn damaged_lists_never_panic() {
    let root = Authority::new("root");
    let list = format!("{SHA256}\n{}", root.pem());
    for length in 0..list.len() {
        let _ = Issuers::parse(&list.as_bytes()[..length]);
        let mut damaged = list.clone().into_bytes();
        damaged[length] ^= 0x81;
        let _ = Issuers::parse(&damaged);
    }
    for length in 0..root.der.len() {
        assert!(Issuers::parse(&root.der[..length]).is_err(), "{length}");
    }
}

#[test]
fn errors_of_a_file_name_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("issuers.txt");
    std::fs::write(&file, format!("{SHA1}\nx")).expect("written");
    let message = Issuers::read(&file).expect_err("an error").to_string();
    assert!(message.contains("issuers.txt: line 2: "), "{message}");
    std::fs::write(&file, SHA1).expect("written");
    assert!(Issuers::read(&file).is_ok());
    assert!(Issuers::read(&folder.path().join("none")).is_err());
}
