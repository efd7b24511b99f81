use super::*;
use crate::format::testing::{corpus, sample};
use crate::x509::tests::build::{cn, element, extension, oid, seq};
use crate::x509::{self, frame_len};

const EXTENSIONS: &str = "1.2.840.113549.1.9.14";

fn attribute(kind: &str, values: &[Vec<u8>]) -> Vec<u8> {
    seq(&[element(6, &oid(kind)), element(tag::SET, &values.concat())])
}

fn text(text: &str) -> Vec<u8> {
    element(12, text.as_bytes())
}

fn integer(content: &[u8]) -> Vec<u8> {
    element(2, content)
}

/// A request with these attributes and this algorithm beside these bits.
fn request(attributes: &[Vec<u8>], algorithm: &str, signature: &[u8]) -> Vec<u8> {
    let key = seq(&[seq(&[element(6, &oid("1.3.101.112"))]), element(3, &[0; 33])]);
    let body = seq(&[integer(&[0]), cn("a"), key, element(0xa0, &attributes.concat())]);
    seq(&[body, seq(&[element(6, &oid(algorithm))]), element(3, &[&[0], signature].concat())])
}

fn declared(attributes: &[Vec<u8>]) -> RequestFacts {
    parse(&request(attributes, "1.3.101.112", &[1; 64]), &[]).expect("a frame")
}

fn fields(facts: &RequestFacts) -> Vec<&str> {
    facts.asked.problems.iter().map(|problem| &*problem.field).collect()
}

#[test]
fn the_examples_of_the_specification() {
    let csp = [
        &[0x30, 0x20, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0d, 0x02, 0x02, 0x31, 0x12][..],
        &[0x30, 0x10, 0x02, 0x01, 0x00, 0x1e, 0x08, 0, b'K', 0, b'S', 0, b'P', 0, b'1', 0x03, 0x01, 0x00],
    ]
    .concat();
    let client = attribute("1.3.6.1.4.1.311.21.20", &[seq(&[integer(&[5]), text("PC1"), text("D\\u"), text("p.exe")])]);
    let facts = declared(&[csp, client]);
    assert_eq!(facts.declared.provider_name.as_deref(), Some("KSP1"));
    assert_eq!((facts.declared.key_spec, facts.declared.client_id), (Some(0), Some(5)));
    let said = [&facts.declared.machine, &facts.declared.user, &facts.declared.process].map(|text| text.as_deref());
    assert_eq!(said, [Some("PC1"), Some("D\\u"), Some("p.exe")]);
    assert_eq!(facts.declared.attributes, ["1.3.6.1.4.1.311.13.2.2", "1.3.6.1.4.1.311.21.20"]);
    assert!(facts.asked.problems.is_empty());
}

#[test]
fn the_same_key_says_the_same_in_a_request_and_in_a_certificate() {
    for (folder, request, certificate) in
        [("pkcs10_request", "windows-ksp.csr", "rsa-leaf.cer"), ("pkcs10_request", "attested-tpm.csr", "ec-leaf.cer")]
    {
        let asked = parse(&sample(folder, request), &[]).expect("a request").asked;
        let issued = x509::parse(&sample("certificate_der", certificate)).expect("a certificate");
        assert_eq!(asked.spki_sha256, issued.spki_sha256);
        assert_eq!(asked.public_key_sha1, issued.public_key_sha1);
        assert_eq!((asked.key_algorithm, asked.curve), (issued.key_algorithm, issued.curve));
        assert_eq!(asked.key_size_bits, issued.key_size_bits);
    }
}

#[test]
fn strings_of_any_type_without_their_nul() {
    let version = |value: Vec<u8>| declared(&[attribute("1.3.6.1.4.1.311.13.2.3", &[value])]);
    for value in [element(12, b"6.1"), element(19, b"6.1"), element(20, b"6.1"), element(22, b"6.1\0")] {
        assert_eq!(version(value).declared.os_version.as_deref(), Some("6.1"));
    }
    assert_eq!(version(element(30, &[0, b'6', 0, 0])).declared.os_version.as_deref(), Some("6"));
    for (value, problems) in [(element(22, b""), 0), (element(4, b"6.1"), 1), (element(30, b"6"), 1)] {
        let facts = version(value);
        assert_eq!((facts.declared.os_version, facts.asked.problems.len()), (None, problems));
    }
}

#[test]
fn key_specs_are_dwords() {
    let spec = |content: &[u8]| {
        let csp = seq(&[integer(content), text("p")]);
        let facts = declared(&[attribute("1.3.6.1.4.1.311.13.2.2", &[csp])]);
        (facts.declared.key_spec, facts.asked.problems.len())
    };
    assert_eq!(spec(&[2]), (Some(2), 0));
    assert_eq!(spec(&[0xff]), (Some(u32::MAX), 0));
    assert_eq!(spec(&[0, 0xff, 0xff, 0xff, 0xff]), (Some(u32::MAX), 0));
    assert_eq!(spec(&[1, 0, 0, 0, 0]), (None, 1));
    assert_eq!(spec(&[]), (None, 1));
    assert_eq!(spec(&[0; 9]), (None, 1));
}

#[test]
fn what_is_said_twice_is_a_doubt_only_where_it_differs() {
    let version = |text: &[u8]| attribute("1.3.6.1.4.1.311.13.2.3", &[element(22, text)]);
    assert!(declared(&[version(b"1"), version(b"1")]).asked.problems.is_empty());
    let facts = declared(&[version(b"1"), version(b"2")]);
    assert_eq!(facts.declared.os_version.as_deref(), Some("1"));
    assert_eq!(fields(&facts), ["1.3.6.1.4.1.311.13.2.3"]);
    let two = declared(&[attribute("1.3.6.1.4.1.311.13.2.3", &[element(22, b"1"), element(22, b"2")])]);
    assert_eq!((two.declared.os_version.as_deref(), two.asked.problems.len()), (Some("1"), 1));
    assert_eq!(declared(&[attribute("1.3.6.1.4.1.311.13.2.3", &[])]).asked.problems.len(), 1);
}

#[test]
fn templates_by_name_and_by_oid() {
    let pair = |name: &str, value: &str| attribute("1.3.6.1.4.1.311.13.2.1", &[seq(&[text(name), text(value)])]);
    let named =
        declared(&[pair("Password", "x"), pair("certificatetemplate", "User"), pair("CertificateTemplate", "1.2.3")]);
    assert_eq!(named.declared.template_name.as_deref(), Some("User"));
    assert_eq!(named.declared.template_oid.as_deref(), Some("1.2.3"));
    assert!(named.asked.problems.is_empty());
    let two = declared(&[pair("CertificateTemplate", "User"), pair("CertificateTemplate", "Other")]);
    assert_eq!((two.declared.template_name.as_deref(), fields(&two)), (Some("User"), vec!["template_name"]));
    let asked = extension(&oid("1.3.6.1.4.1.311.20.2"), false, &text("Machine"));
    let both = declared(&[pair("CertificateTemplate", "User"), attribute(EXTENSIONS, &[seq(&[asked])])]);
    assert_eq!((both.asked.template_name.as_deref(), fields(&both)), (Some("Machine"), vec!["template_name"]));
    let broken = attribute("1.3.6.1.4.1.311.13.2.1", &[seq(&[text("CertificateTemplate")])]);
    assert_eq!(declared(&[broken]).asked.problems.len(), 1);
}

#[test]
fn statements_of_attestation() {
    let statement = |words: [u32; 7], tail: usize, kind: u8| {
        let mut value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        value.extend(vec![0; tail]);
        let facts = declared(&[attribute("1.3.6.1.4.1.311.21.24", &[element(kind, &value)])]);
        assert_eq!(facts.declared.attestation, ["attestation_statement"], "whatever it holds");
        (facts.declared.attestation_platform.map(String::from), facts.asked.problems.len())
    };
    const MAGIC: u32 = 0x5453_414b;
    assert_eq!(statement([MAGIC, 1, 1, 28, 1, 2, 3], 6, 4), (Some("tpm_1_2".into()), 0));
    assert_eq!(statement([MAGIC, 1, 2, 28, 1, 2, 3], 7, 4), (Some("tpm_2_0".into()), 0));
    assert_eq!(statement([MAGIC, 1, 9, 28, 0, 0, 0], 0, 4), (Some("9".into()), 0));
    assert_eq!(statement([MAGIC, 1, 2, 28, 1, 2, 3], 5, 4), (Some("tpm_2_0".into()), 1), "longer than it is");
    assert_eq!(statement([MAGIC, 1, 2, 27, 0, 0, 0], 0, 4), (Some("tpm_2_0".into()), 1));
    assert_eq!(statement([MAGIC, 1, 2, u32::MAX, u32::MAX, u32::MAX, u32::MAX], 0, 4), (Some("tpm_2_0".into()), 1));
    assert_eq!(statement([MAGIC, 2, 2, 28, 0, 0, 0], 0, 4), (None, 1), "another version");
    assert_eq!(statement([1, 1, 2, 28, 0, 0, 0], 0, 4), (None, 1));
}

#[test]
fn marks_stand_in_the_order_of_the_list() {
    let list = |numbers: &[u8]| {
        let numbers = numbers.iter().map(|last| [&oid("1.3.6.1.4.1.41482.3")[..], &[*last]].concat());
        seq(&numbers.map(|number| extension(&number, false, b"raw")).collect::<Vec<_>>())
    };
    let facts = declared(&[
        attribute("1.3.6.1.4.1.311.21.39", &[seq(&[])]),
        attribute("1.3.6.1.4.1.311.21.23", &[seq(&[])]),
        attribute(EXTENSIONS, &[list(&[2, 1, 11, 3, 9])]),
    ]);
    let marks =
        ["endorsement_key_info", "identity_key_info", "yubikey_slot_certificate", "yubikey_intermediate_certificate"];
    assert_eq!(facts.declared.attestation, marks);
    assert!(facts.asked.problems.is_empty(), "numbers 3 and 9 are not those of certificates here");
    assert!(declared(&[attribute("1.3.6.1.4.1.41482.3.11", &[])]).declared.attestation.is_empty());
}

#[test]
fn signatures_hashes_and_nothing() {
    let is_signed =
        |algorithm: &str, bits: &[u8]| parse(&request(&[], algorithm, bits), &[]).map(|facts| facts.is_signed);
    let sha256 = "2.16.840.1.101.3.4.2.1";
    let unsigned = request(&[], sha256, &[]);
    let body = Frame::cut(&unsigned).expect("a frame").body.to_vec();
    assert_eq!(is_signed(sha256, &Sha256::digest(&body)), Ok(Some(false)));
    assert_eq!(is_signed("1.3.14.3.2.26", &Sha1::digest(&body)), Ok(Some(false)));
    assert_eq!(is_signed("1.2.840.113549.1.1.11", &Sha512::digest(&body)), Ok(Some(false)), "a hash by any name");
    assert_eq!(is_signed("1.3.6.1.5.5.7.6.2", &[1; 20]), Ok(Some(false)));
    assert_eq!(is_signed("1.3.101.112", &[]), Ok(Some(false)));
    assert_eq!(is_signed("1.3.101.112", &[1; 64]), Ok(Some(true)));
    assert_eq!(is_signed(sha256, &[1; 32]), Ok(None), "not the hash of this request");
    assert_eq!(is_signed("1.2.3.4", &[1; 64]), Ok(None));
}

#[test]
fn requests_of_real_clients_that_are_signed_say_so() {
    for entry in corpus(|file| file.starts_with("csr/") && file.ends_with(".der")) {
        if let Ok(facts) = parse(&entry.bytes, &[]) {
            assert_eq!(facts.is_signed, Some(true), "{}", entry.file);
        }
    }
}

#[test]
fn added_parts_come_after_the_own_ones() {
    let own = request(&[attribute("1.3.6.1.4.1.311.13.2.3", &[element(22, b"1")])], "1.3.101.112", &[1; 64]);
    let more = [attribute("1.3.6.1.4.1.311.13.2.3", &[element(22, b"2")]), attribute("1.2.3", &[])].concat();
    let list = seq(&[extension(&oid("2.5.29.37"), false, &seq(&[element(6, &oid("1.2.3"))]))]);
    let facts = parse(&own, &[Added::Attributes(&more), Added::Extensions(&list)]).expect("a request");
    assert_eq!(facts.declared.os_version.as_deref(), Some("1"));
    assert_eq!(facts.declared.attributes.len(), 3);
    assert_eq!((facts.asked.eku.len(), fields(&facts)), (1, vec!["1.3.6.1.4.1.311.13.2.3"]));
}

#[test]
fn attributes_beyond_the_limit_are_a_doubt() {
    let facts = declared(&vec![attribute("1.2.3", &[]); 300]);
    assert_eq!((facts.declared.attributes.len(), fields(&facts)), (256, vec!["attributes"]));
}

#[test]
fn ber_is_read_where_der_refuses_it() {
    let usage = [0x30, 0x80, 0x06, 0x02, 0x2a, 0x03, 0, 0];
    let asked = attribute(EXTENSIONS, &[seq(&[extension(&oid("2.5.29.37"), false, &usage)])]);
    let facts = declared(&[asked]);
    assert_eq!((&facts.asked.eku[..], fields(&facts)), (&["1.2.3".into()][..], vec!["2.5.29.37"]));
    // The name of the subject with a length that is not minimal.
    let der = request(&[], "1.3.101.112", &[1; 64]);
    let name = cn("a");
    let at = der.windows(name.len()).position(|part| part == name).expect("the name");
    let mut fields_of_body = vec![integer(&[0]), [&[0x30, 0x81, name.len() as u8 - 2], &name[2..]].concat()];
    let rest = &der[at + name.len()..];
    fields_of_body.push(rest[..der::read(rest).expect("a key").total].to_vec());
    let ber = seq(&[
        seq(&fields_of_body),
        seq(&[element(6, &oid("1.3.101.112"))]),
        element(3, &[&[0][..], &[1; 64]].concat()),
    ]);
    assert_eq!(parse(&ber, &[]).expect("a frame").asked.subject.as_deref(), Some("CN=a"));
}

#[test]
fn other_structures_are_refused() {
    let certificate = sample("certificate_der", "ec-leaf.cer");
    for bytes in [&certificate[..], &[], &[0x30, 0], &[0x30, 2, 0x30, 0]] {
        assert!(parse(bytes, &[]).is_err());
        assert!(parse_crmf(bytes).is_err());
    }
    let whole = sample("pkcs10_request", "damaged.csr");
    assert!(frame_len(&whole).is_some_and(|length| length < whole.len()), "bytes behind the request are ignored");
    let facts = parse(&whole, &[]).expect("a frame");
    let first = facts.declared.os_version.as_deref();
    assert_eq!((first, facts.declared.client_id, &facts.declared.machine), (Some("10.0.26100.2"), None, &None));
    assert_eq!(facts.asked.san_dns, ["ok.example.test"]);
    assert_eq!(facts.asked.problems.len(), 9);
}

#[test]
fn crmf_templates_say_subject_and_key() {
    let key = seq(&[seq(&[element(6, &oid("1.3.101.112"))]), element(3, &[0; 33])]);
    let mut implicit = key.clone();
    implicit[0] = 0xa6;
    let template = seq(&[element(0xa5, &cn("a")), implicit]);
    let content = [seq(&[integer(&[1]), template]), element(0xa1, &[])].concat();
    let facts = parse_crmf(&content).expect("a template");
    assert_eq!(facts.asked.subject.as_deref(), Some("CN=a"));
    assert_eq!(facts.asked.spki_sha256, Some(Sha256::digest(&key).into()));
    assert_eq!(facts.asked.key_algorithm.as_deref(), Some("ed25519"));
    assert_eq!((facts.is_signed, facts.asked.problems.len()), (None, 0));
}
