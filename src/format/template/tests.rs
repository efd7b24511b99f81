use super::*;
use crate::format::Outcome;
use crate::format::testing::{Collect, read_all};
use crate::record::Code;

/// The template at `index` holds each of these pieces of its debug form.
fn holds(seen: &Collect, index: usize, pieces: &[&str]) {
    let row = seen.others.get(index).map_or("", String::as_str);
    for piece in pieces {
        assert!(row.contains(piece), "{piece} is not in {row}");
    }
}

const ENTRY: &str = "\
# WebGrove, Certificate Templates
dn: CN=WebGrove,CN=Certificate Templates,DC=grove,
 DC=test
objectClass: top
objectClass: pKICertificateTemplate
cn: WebGrove
displayName:: R3LDvG4gV2Vi
revision: 100
pKIDefaultCSPs: 2,Grove Second Provider
pKIDefaultCSPs: 10,Grove Tenth Provider
pKIDefaultCSPs: 1,Microsoft RSA SChannel Cryptog
 raphic Provider
pKIExpirationPeriod:: AIByDl3C/f8=
msPKI-Private-Key-Flag: 84082704
msPKI-Certificate-Name-Flag: -1577058304
msPKI-Template-Schema-Version: 4
msPKI-RA-Application-Policies: msPKI-Asymmetric-Algorithm`PZPWSTR`ECDSA_P256`msPKI-Hash-Algorithm`PZPWSTR`SHA256`
pKIExtendedKeyUsage: 1.3.6.1.5.5.7.3.1

";

#[test]
fn an_entry_is_unfolded_decoded_and_put_in_order() {
    let seen = read_all(&LDIF, ENTRY.as_bytes(), "x");
    assert_eq!((seen.others.len(), seen.rejects.len(), seen.outcome), (1, 0, Outcome::Complete));
    holds(
        &seen,
        0,
        &[
            "name: Some(\"WebGrove\")",
            "display_name: Some(\"Grün Web\")",
            r#"providers: ["Microsoft RSA SChannel Cryptographic Provider", "Grove Second Provider", "Grove Tenth Provider"]"#,
            "private_key_flags: Some(84082704)",
            "name_flags: Some(2717908992)",
            "key_algorithm: Some(\"ECDSA_P256\")",
            "hash_algorithm: Some(\"SHA256\")",
            "validity_seconds: Some(63072000)",
            "byte_offset: 34",
        ],
    );
    let utf16: Vec<u8> = ENTRY.replace('\n', "\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_all(&LDIF, &utf16, "x").others.len(), 1);
}

#[test]
fn other_entries_are_skipped_and_bad_values_doubted() {
    let other = "dn: CN=pc-1,DC=grove,DC=test\nobjectClass: computer\n\nsearch: 2\nresult: 0 Success\n";
    let bad = ENTRY.replace("84082704", "many").replace("AIByDl3C/f8=", "AAA=");
    let seen = read_all(&LDIF, format!("{other}\n{bad}").as_bytes(), "x");
    assert_eq!((seen.others.len(), seen.skips.get("not_a_template")), (1, Some(&1)));
    assert_eq!(seen.degraded(), [Code::BadField, Code::BadField]);
    holds(&seen, 0, &["private_key_flags: None", "validity_seconds: None", "schema_version: Some(4)"]);
}

const PROPERTIES_TEXT: &str = "\
  Name: Active Directory Enrollment Policy
3 Templates:

  Template[0]:
  TemplatePropCommonName = Grove-Machine
  TemplatePropFriendlyName = Grove Machine
  TemplatePropEKUs =
1 ObjectIds:
    1.3.6.1.5.5.7.3.2 Client Authentication

  TemplatePropCryptoProviders =
    0: Microsoft Platform Crypto Provider
    1: Microsoft Software Key Storage Provider

  TemplatePropSchemaVersion = 4
  TemplatePropMajorRevision = 64 (100)
  TemplatePropMinimumKeySize = 800 (2048)
  TemplatePropPrivateKeyFlags = 6062800 (101066752)
    CTPRIVATEKEY_FLAG_ATTEST_REQUIRED -- 2000 (8192)
  TemplatePropSubjectNameFlags = a2000000 (-1577058304)
  TemplatePropValidityPeriod = 2 Years
  TemplatePropRenewalPeriod = 6 Wochen
  TemplatePropOID =
    1.3.6.1.4.1.311.21.8.1.2 Grove Machine

  Extension[0]:
    2.5.29.15: Flags = 1(Critical), Length = 4

  Vorlage[1]:
  TemplatePropCommonName = Grove-User
  TemplatePropPrivateKeyFlags = 10 (17)
CertUtil: -Template command completed successfully.
";

#[test]
fn properties_are_read_by_their_names_in_the_api() {
    let seen = read_all(&PROPERTIES, PROPERTIES_TEXT.as_bytes(), "x");
    assert_eq!((seen.others.len(), seen.outcome), (2, Outcome::Complete));
    holds(
        &seen,
        0,
        &[
            "record_number: Some(0)",
            r#"providers: ["Microsoft Platform Crypto Provider", "Microsoft Software Key Storage Provider"]"#,
            "major_revision: Some(100)",
            "minimal_key_size: Some(2048)",
            "private_key_flags: Some(101066752)",
            "name_flags: Some(2717908992)",
            "validity_seconds: Some(63072000)",
            "renewal_seconds: None",
            "oid: Some(\"1.3.6.1.4.1.311.21.8.1.2\")",
            r#"eku: ["1.3.6.1.5.5.7.3.2"]"#,
        ],
    );
    holds(&seen, 1, &["name: Some(\"Grove-User\")", "any_provider: None", "private_key_flags: None"]);
    assert_eq!(seen.degraded(), [Code::BadField], "0x10 is not 17");
    let cut = read_all(&PROPERTIES, &PROPERTIES_TEXT.as_bytes()[..PROPERTIES_TEXT.len() - 60], "x");
    assert_eq!(cut.outcome, Outcome::Incomplete);
}

#[test]
fn sections_of_attributes_are_templates() {
    let text = "[Grove]\r\n  cn = \"Grove\"\r\n  pKIDefaultCSPs = \"2,Second\", \"1,First\"\r\n  msPKI-Private-Key-Flag = \
                \"16842752\"\r\n  msPKI-Template-Schema-Version = \"2\"\r\n[Other]\r\n  a = b\r\n";
    let seen = read_all(&DSTEMPLATE, text.as_bytes(), "x");
    assert_eq!((seen.others.len(), seen.skips.get("not_a_template")), (1, Some(&1)));
    holds(
        &seen,
        0,
        &[r#"providers: ["First", "Second"]"#, "private_key_flags: Some(16842752)", "confidence: Inferred"],
    );
}

#[test]
fn values_below_their_name_and_periods_in_words_are_read() {
    let text = "[GroveLater]\n  cn = \"GroveLater\"\n  msPKI-Template-Schema-Version = \"2\" 2\n  msPKI-Private-Key-Flag = \
                \"16842752\" 1010000\n  pKIDefaultCSPs =\n    \"2,Second\"\n    \"1,First = best\"\n  flags = \"131680\"\n  \
                pKIExpirationPeriod = \"2 Years\"\n  pKIOverlapPeriod = \"6 Weeks\"\n";
    let seen = read_all(&DSTEMPLATE, text.as_bytes(), "x");
    let periods = ["validity_seconds: Some(63072000)", "renewal_seconds: Some(3628800)"];
    holds(&seen, 0, &[r#"providers: ["First = best", "Second"]"#, "schema_version: Some(2)", periods[0], periods[1]]);
    assert!(seen.degraded().is_empty());
    // As bytes, the directory's own form; a word that is not known is no period.
    let bytes = text.replace("6 Weeks", "00 80 A6 0A FF DE FF FF").replace("2 Years", "2 Lustra");
    let seen = read_all(&DSTEMPLATE, bytes.as_bytes(), "x");
    holds(&seen, 0, &["validity_seconds: None", periods[1]]);
    assert_eq!(seen.degraded(), [Code::BadField]);
}

#[test]
fn what_is_no_whole_template_is_none() {
    let oid = "dn: CN=1.2,DC=grove\nobjectClass: msPKI-Enterprise-Oid\nmsPKI-Cert-Template-OID: 1.2\nflags: 1\n\n";
    let change = ENTRY.replace("objectClass: top", "changetype: modify");
    for text in [oid, &change] {
        let seen = read_all(&LDIF, text.as_bytes(), "x");
        assert_eq!((seen.others.len(), seen.skips.get("not_a_template")), (0, Some(&1)), "{text}");
    }
    let cut = &ENTRY[..ENTRY.find("84082704").expect("the flags") + 4];
    let seen = read_all(&LDIF, cut.as_bytes(), "x");
    holds(&seen, 0, &["private_key_flags: None"]);
    assert_eq!((seen.degraded(), seen.outcome), (vec![Code::BadField], Outcome::Incomplete));
    let twice = ENTRY.replace("revision: 100", "msPKI-Private-Key-Flag: 16\nrevision: 100");
    let seen = read_all(&LDIF, twice.as_bytes(), "x");
    holds(&seen, 0, &["private_key_flags: None", "major_revision: Some(100)"]);
    assert_eq!(seen.degraded(), [Code::BadField]);
    let cut = "TemplatePropCommonName = G\nTemplatePropPrivateKeyFlags = 1010\n";
    holds(&read_all(&PROPERTIES, cut.as_bytes(), "x"), 0, &["private_key_flags: None"]);
}
