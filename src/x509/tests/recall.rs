//! The short way through known profiles says what the long way says, or nothing.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use super::build::{Certificate, attribute, cn, element, extension, name, oid, rdn, rsa_key, seq};
use super::change::{change, changed};
use super::corpus::{corpus, store};
use super::fixtures::fixture;
use crate::synth::{Certificates, Fleet, Options};
use crate::x509::{Parser, frame_len, parse, skeleton};

/// A parser that has seen each of these twice.
fn warm<'a>(certificates: impl IntoIterator<Item = &'a Vec<u8>> + Clone) -> Parser {
    let mut parser = Parser::new();
    for der in certificates.clone().into_iter().chain(certificates) {
        let _ = parser.parse(der);
    }
    parser
}

/// Whether the parser recalls the certificate; if so, it must say what a fresh parser says.
fn recalled(parser: &mut Parser, der: &[u8]) -> bool {
    let Some(known) = parser.recall(der) else { return false };
    assert_eq!(Ok(known.facts(der)), parse(der), "{der:02x?}");
    assert_eq!(known.shared.problems, []);
    true
}

/// Certificates of everything in the folder that has a SEQUENCE somewhere: any file format will do.
fn found_in(folder: &Path, certificates: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found_in(&path, certificates);
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        let mut from = 0;
        while let Some(place) = bytes.get(from..).and_then(|rest| rest.windows(2).position(|two| two == [0x30, 0x82])) {
            let start = from + place;
            let length = frame_len(&bytes[start..]).filter(|length| parse(&bytes[start..start + length]).is_ok());
            if let Some(length) = length {
                certificates.push(bytes[start..start + length].to_vec());
            }
            from = start + length.unwrap_or(1);
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    let mut certificates = Vec::new();
    found_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"), &mut certificates);
    assert!(certificates.len() >= 10, "only {} found", certificates.len());
    certificates
}

/// Made with a second encoder, and of odd kinds.
fn fixtures() -> Vec<Vec<u8>> {
    vec![
        fixture!("adcs-user"),
        fixture!("ca"),
        fixture!("rsa-pss"),
        fixture!("ec-explicit"),
        fixture!("ec-explicit-binary"),
        fixture!("dsa"),
        fixture!("teletex"),
    ]
}

/// Names of every type, and extensions of every kind.
fn made() -> Vec<Vec<u8>> {
    let upn = |value: Vec<u8>| element(0xa0, &[element(6, &oid("1.3.6.1.4.1.311.20.2.3")), value].concat());
    let names = |names: &[Vec<u8>]| extension(&oid("2.5.29.17"), false, &seq(names));
    let sid = |sid: &[u8]| {
        let octets = element(0xa0, &element(4, sid));
        let name = element(0xa0, &[element(6, &oid("1.3.6.1.4.1.311.25.2.1")), octets].concat());
        extension(&oid("1.3.6.1.4.1.311.25.2"), false, &seq(&[name]))
    };
    let uri = element(0x86, b"tag:microsoft.com,2022-09-14:sid:S-1-5-21-7");
    let id = |id: &[u8]| extension(&oid("2.5.29.14"), false, &element(4, id));
    let authority = |id: &[u8]| extension(&oid("2.5.29.35"), false, &seq(&[element(0x80, id)]));
    let listed = |value: &[u8]| extension(&oid("1.3.6.1.4.1.11129.2.4.2"), false, value);
    let with = |extensions: &[Vec<u8>]| Certificate { extensions: extensions.to_vec(), ..Certificate::default() };
    let own_name = || Certificate { subject: cn("ca.example.test"), ..Certificate::default() };
    let certificates = vec![
        Certificate::default(),
        Certificate { version: Vec::new(), ..Certificate::default() },
        Certificate { serial: element(2, &[0x00, 0x80]), ..Certificate::default() },
        Certificate { serial: element(2, &[0xff; 20]), ..Certificate::default() },
        Certificate { subject: name(&[]), ..Certificate::default() },
        Certificate { not_after: element(0x18, b"99991231235959Z"), ..Certificate::default() },
        Certificate { key: rsa_key(&[0x7f, 1], &[3]), ..Certificate::default() },
        Certificate {
            subject: name(&[
                rdn(&[attribute(&[0x55, 4, 10], 12, "Zoë & \"Co\" ".as_bytes())]),
                rdn(&[attribute(&[0x55, 4, 3], 12, b"a, b")]),
            ]),
            ..Certificate::default()
        },
        own_name(),
        Certificate { extensions: vec![id(b"1"), authority(b"1")], ..own_name() },
        Certificate { extensions: vec![id(b"1"), authority(b"2")], ..own_name() },
        Certificate { extensions: vec![authority(b"2"), id(b"")], ..own_name() },
        Certificate { extensions: vec![id(b"1")], ..own_name() },
        with(&[
            names(&[
                element(0x82, b"a.example.test"),
                element(0x81, b"a@example.test"),
                upn(element(0xa0, &element(12, b"b@example.test"))),
                upn(element(0xa0, &element(22, b"c@example.test"))),
                element(0x87, &[192, 0, 2, 1]),
                element(0x87, &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
                element(0x86, b"https://example.test/"),
            ]),
            listed(b"stamps"),
        ]),
        with(&[names(&[element(0x87, &[1, 2, 3]), element(0x88, &[0x2a, 3]), element(0xa4, &cn("dir"))])]),
        with(&[names(&[upn(element(0xa0, &element(30, &[0, b'a'])))])]),
        with(&[names(&[])]),
        with(&[names(std::slice::from_ref(&uri))]),
        with(&[names(std::slice::from_ref(&uri)), sid(b"S-1-5-21-7")]),
        with(&[sid(b"S-1-5-21-7"), names(std::slice::from_ref(&uri))]),
        with(&[sid(b"S-1-5-21-8"), id(&[7; 20]), listed(b"")]),
    ];
    certificates.iter().map(Certificate::der).collect()
}

fn synthetic(leaves: u64, authorities: u64) -> Vec<Vec<u8>> {
    let mut certificates = Certificates::new(7);
    let mut made: Vec<_> = (0..leaves).map(|number| certificates.leaf(number).to_vec()).collect();
    made.extend((0..authorities).map(|number| certificates.authority(number).to_vec()));
    made
}

fn everything() -> Vec<Vec<u8>> {
    let mut all = samples();
    all.extend(fixtures());
    all.extend(made());
    all.extend(synthetic(120, 10));
    if let Some(folder) = corpus() {
        all.extend(store(&folder.join("sst/roots-wu-2021.sst")).into_iter().step_by(9));
        found_in(&folder.join("cert"), &mut all);
    }
    all
}

#[test]
fn plain_certificates_are_recalled_as_they_are() {
    for der in made() {
        assert_eq!(parse(&der).expect("a certificate").problems, []);
        assert!(recalled(&mut warm([&der]), &der), "{der:02x?}");
    }
    let all = everything();
    let mut parser = warm(&all);
    let answered = all.iter().filter(|der| recalled(&mut parser, der)).count();
    assert!(answered * 10 > all.len() * 9, "{answered} of {}", all.len());
}

#[test]
fn the_whole_corpus() {
    let Some(folder) = corpus() else { return };
    let mut certificates = store(&folder.join("sst/roots-wu-2021.sst"));
    found_in(&folder, &mut certificates);
    let mut answered = 0;
    for der in &certificates {
        answered += usize::from(recalled(&mut warm([der]), der));
    }
    assert!(answered * 10 > certificates.len() * 8, "{answered} of {}", certificates.len());
}

/// Certificates of one client of a synthetic fleet.
fn of_client(fleet: &Fleet, number: u64) -> Vec<Vec<u8>> {
    let mut text = Vec::new();
    fleet.worker().write_client(number, &mut text).expect("memory takes everything");
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let records = lines.map(|line| serde_json::from_slice::<serde_json::Value>(line).expect("JSON"));
    let base64 = records.filter_map(|record| Some(record.get("der")?.as_str()?.to_owned()));
    base64.map(|text| base64_simd::STANDARD.decode_to_vec(text.as_bytes()).expect("base64")).collect()
}

/// Certificates that the parser has not seen, after others of their templates.
#[test]
fn certificates_of_known_templates_are_recalled() {
    for (options, before, after) in
        [(Options::distinct(), 30, 8), (Options::fleet(), 60, 10), (Options::default(), 60, 10)]
    {
        let fleet = Fleet::new(&options).expect("the presets are valid");
        let of =
            |clients: std::ops::Range<u64>| clients.flat_map(|number| of_client(&fleet, number)).collect::<Vec<_>>();
        let mut parser = warm(&of(0..before));
        let certificates = of(before..before + after);
        let answered = certificates.iter().filter(|der| recalled(&mut parser, der)).count();
        assert!(answered * 100 >= certificates.len() * 95, "{answered} of {}", certificates.len());
        assert!(certificates.len() >= 500);
    }
}

#[test]
fn profiles_are_taken_in_at_the_second_sighting() {
    let leaf = |serial: u8| Certificate { serial: element(2, &[serial]), ..Certificate::default() }.der();
    let mut parser = Parser::new();
    for serial in 1..3 {
        assert!(parser.recall(&leaf(serial)).is_none());
        assert!(parser.parse(&leaf(serial)).is_ok());
    }
    assert!(recalled(&mut parser, &leaf(3)));
    assert!(!recalled(&mut parser, &[&leaf(3)[..], &[0]].concat()), "bytes behind the certificate");
    assert!(!recalled(&mut parser, &[]));
}

#[test]
fn numbers_of_profiles_are_never_used_again() {
    let certificate = |number: u32| Certificate { issuer: cn(&format!("ca{number}")), ..Certificate::default() }.der();
    let mut parser = Parser::new();
    let mut numbers = std::collections::HashMap::new();
    for round in 0..2 {
        for der in (0..2500).map(certificate) {
            let _ = (parser.parse(&der), parser.parse(&der));
            let known = parser.recall(&der).expect("just met twice");
            let before = numbers.insert(known.profile, known.shared.issuer.clone());
            assert_eq!(before, None, "round {round}");
        }
    }
    assert_eq!(numbers.len(), 5000);
}

#[test]
fn problems_are_never_recalled() {
    let names = |name: &[u8]| extension(&oid("2.5.29.17"), false, &seq(&[element(0x82, name)]));
    let id = extension(&oid("2.5.29.14"), false, &element(4, b"1"));
    let uri = |uri: &[u8]| extension(&oid("2.5.29.17"), false, &seq(&[element(0x86, uri)]));
    let with = |extensions: &[Vec<u8>]| Certificate { extensions: extensions.to_vec(), ..Certificate::default() };
    let odd = [
        with(&[names(b"\xff")]),
        with(&[id.clone(), id.clone()]),
        with(&[extension(&oid("2.5.29.14"), false, &[4, 1, 1, 0])]),
        with(&[extension(&oid("2.5.29.15"), false, &[5, 0])]),
        with(&[extension(&[0x80], false, &[])]),
        with(&[uri(b"tag:microsoft.com,2022-09-14:sid:nobody")]),
        with(&[extension(&oid("1.3.6.1.4.1.311.25.2"), false, &seq(&[]))]),
        Certificate { version: element(0xa0, &element(2, &[7])), ..Certificate::default() },
        Certificate { not_before: element(0x17, b"20250101000000Z"), ..Certificate::default() },
        Certificate { subject: name(&[element(0x31, &seq(&[]))]), ..Certificate::default() },
    ];
    // Their common parts are known from others, where that is possible.
    let plain = [with(&[names(b"a")]), with(std::slice::from_ref(&id)), Certificate::default()];
    let all: Vec<_> = odd.iter().chain(&plain).map(Certificate::der).collect();
    let mut parser = warm(&all);
    for certificate in &odd {
        assert_ne!(certificate.facts().problems, []);
        assert!(parser.recall(&certificate.der()).is_none(), "{certificate:?}", certificate = certificate.facts());
    }
    for certificate in &plain {
        assert!(recalled(&mut parser, &certificate.der()));
    }
}

/// Changes to the certificate; `inside` keeps them in its own parts, and leaves its length alone.
fn mutated(der: &[u8], inside: bool, changes: &[(Index, super::change::Change)]) -> Vec<u8> {
    use super::change::Change;
    let mut bytes = der.to_vec();
    let Some(own) = skeleton::walk(der, &mut Vec::new()).filter(|_| inside) else {
        changed(&mut bytes, changes);
        return bytes;
    };
    let place_of = |part: &[u8]| part.as_ptr().addr().wrapping_sub(der.as_ptr().addr());
    let parts = [Some(own.serial), Some(own.validity), Some(own.subject), own.key_id, own.alt_name, own.sid];
    let mut places: Vec<usize> =
        parts.into_iter().flatten().flat_map(|part| (0..part.len()).map(move |n| place_of(part) + n)).collect();
    places.extend(own.key_bits.clone().take(24));
    for (place, change) in changes {
        let place = *place.get(&places);
        match change {
            Change::Set(value) | Change::Insert(value) => bytes[place] = *value,
            Change::Flip(bit) => bytes[place] ^= 1 << bit,
            Change::Delete => bytes[place] = bytes[place].wrapping_add(1),
        }
    }
    bytes
}

/// A certificate with any own fields under one of three profiles.
fn any_own() -> impl Strategy<Value = Vec<u8>> {
    let text = || prop_oneof!["[a-z ,+#\\\\ü🔑]{0,12}", "[a-z0-9.-]{1,40}"];
    let bytes = |longest| prop::collection::vec(any::<u8>(), 0..longest);
    let date = || {
        let parts = (1950u32..2050, 1u32..13, 1u32..30, 0u32..24, 0u32..60, any::<bool>());
        parts.prop_map(|(year, month, day, hour, minute, long)| {
            let rest = format!("{month:02}{day:02}{hour:02}{minute:02}07Z");
            match long {
                true => element(0x18, format!("{year}{rest}").as_bytes()),
                false => element(0x17, format!("{:02}{rest}", year % 100).as_bytes()),
            }
        })
    };
    let upn = |text: &str| {
        let string = element(0xa0, &element(12, text.as_bytes()));
        element(0xa0, &[element(6, &oid("1.3.6.1.4.1.311.20.2.3")), string].concat())
    };
    let names = prop::collection::vec((0u8..9, text(), bytes(18)), 0..5).prop_map(move |names| {
        let name = |(kind, text, bytes): (u8, String, Vec<u8>)| match kind {
            0 => upn(&text),
            4 => element(0xa4, &cn(&text)),
            7 => element(0x87, &bytes),
            8 => element(0x88, &[0x2a, 3]),
            3 | 5 => element(0x86, format!("tag:microsoft.com,2022-09-14:sid:S-1-5-{}", text.len()).as_bytes()),
            kind => element(0x80 | kind, text.as_bytes()),
        };
        seq(&names.into_iter().map(name).collect::<Vec<_>>())
    });
    let subject = prop::collection::vec((prop::sample::select(vec![3u8, 10, 11, 5]), text()), 0..4);
    let subject = subject.prop_map(|rdns| {
        name(
            &rdns
                .iter()
                .map(|(kind, text)| rdn(&[attribute(&[0x55, 4, *kind], 12, text.as_bytes())]))
                .collect::<Vec<_>>(),
        )
    });
    let issuer = prop::sample::select(vec![cn("ca.example.test"), name(&[]), cn("a")]);
    let key =
        prop::collection::vec(any::<u8>(), 63).prop_map(|rest| rsa_key(&[&[0, 0xc5], &rest[..]].concat(), &[1, 0, 1]));
    let sid = (0u8..6).prop_map(|number| format!("S-1-5-{number}"));
    let own = ((bytes(24), issuer, subject, key), date(), date(), names, bytes(24), sid);
    own.prop_map(|((serial, issuer, subject, key), not_before, not_after, names, id, sid)| {
        let octets = element(0xa0, &element(4, sid.as_bytes()));
        let other = element(0xa0, &[element(6, &oid("1.3.6.1.4.1.311.25.2.1")), octets].concat());
        let extensions = vec![
            extension(&oid("2.5.29.35"), false, &seq(&[element(0x80, &[1])])),
            extension(&oid("2.5.29.14"), false, &element(4, &id)),
            extension(&oid("1.3.6.1.4.1.11129.2.4.2"), false, &serial),
            extension(&oid("2.5.29.17"), subject.len() == 2, &names),
            extension(&oid("1.3.6.1.4.1.311.25.2"), false, &seq(&[other])),
        ];
        let extensions = extensions.into_iter().take(4 + usize::from(sid.ends_with('1'))).collect();
        let serial = element(2, &serial);
        Certificate { serial, issuer, not_before, not_after, subject, key, extensions, ..Certificate::default() }.der()
    })
}

/// One certificate after the other: which seed, whether the changes are confined to its own parts, and the changes.
type Steps = Vec<(Index, bool, Vec<(Index, super::change::Change)>)>;

fn steps() -> impl Strategy<Value = Steps> {
    prop::collection::vec((any::<Index>(), any::<bool>(), prop::collection::vec((any::<Index>(), change()), 1..4)), 200)
}

/// Number of changed certificates that were recalled, by a parser that knows the seeds.
fn recalled_of(seeds: &[Vec<u8>], steps: Steps) -> usize {
    let mut parser = warm(seeds);
    let mut answered = 0;
    for (seed, inside, changes) in steps {
        let der: &Vec<u8> = seed.get(seeds);
        let changed = mutated(der, inside, &changes);
        answered += usize::from(recalled(&mut parser, &changed));
        // What is learned from a changed one holds for those after it.
        if changes.len() == 1 {
            let _ = parser.parse(&changed);
        }
    }
    answered
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_certificates(steps in steps()) {
        thread_local! {
            static SEEDS: Vec<Vec<u8>> = everything();
        }
        let answered = SEEDS.with(|seeds| recalled_of(seeds, steps));
        prop_assert!(answered > 20, "only {answered} of 200");
    }

    #[test]
    fn any_own_fields(certificates in prop::collection::vec(any_own(), 60)) {
        let mut parser = warm(&certificates);
        for der in &certificates {
            let is_plain = parse(der).is_ok_and(|facts| facts.problems.is_empty());
            let is_recalled = recalled(&mut parser, der);
            prop_assert!(is_plain || !is_recalled);
        }
    }
}

/// `cargo test --release --lib a_million -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
#[expect(clippy::print_stdout, reason = "says how many were recalled")]
fn a_million_changed_certificates() {
    use proptest::test_runner::{Config, TestRunner};

    let seeds = everything();
    let answered = std::cell::Cell::new((0, 0));
    let add = |(compared, of): (usize, usize)| answered.set((answered.get().0 + compared, answered.get().1 + of));
    let config = |cases| Config { cases, failure_persistence: None, ..Config::default() };
    let changed = |steps: Steps| {
        add((steps.len(), 0));
        add((0, recalled_of(&seeds, steps)));
        Ok(())
    };
    TestRunner::new(config(10_000)).run(&steps(), changed).expect("equal facts");
    println!("changed: {1} recalled of {0}", answered.get().0, answered.take().1);
    let made = |certificates: Vec<Vec<u8>>| {
        let mut parser = warm(&certificates);
        add((certificates.len(), certificates.iter().filter(|der| recalled(&mut parser, der)).count()));
        Ok(())
    };
    TestRunner::new(config(5_000)).run(&prop::collection::vec(any_own(), 60), made).expect("equal facts");
    println!("with any own fields: {1} recalled of {0}", answered.get().0, answered.get().1);
}
