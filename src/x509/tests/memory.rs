//! A parser that has seen other certificates says the same as one that has not.

use proptest::prelude::*;
use proptest::sample::Index;

use super::build::{Certificate, cn, element, extension, oid, seq};
use super::change::{change, changed};
use super::corpus::{corpus, store};
use super::fixtures::fixture;
use crate::synth::Certificates;
use crate::x509::{Parser, parse};

/// Fixtures and synthetic certificates, of which many share issuers and extensions.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds =
        vec![fixture!("adcs-user"), fixture!("ca"), fixture!("rsa-pss"), fixture!("ec-explicit"), fixture!("teletex")];
    let mut made = Certificates::new(11);
    seeds.extend((0..24).map(|number| made.leaf(number).to_vec()));
    seeds.extend((0..6).map(|number| made.authority(number).to_vec()));
    seeds
}

/// Every certificate by one parser, in the order given, backwards, and in the order given again.
fn check_all(certificates: &[Vec<u8>]) {
    let fresh: Vec<_> = certificates.iter().map(|der| parse(der)).collect();
    let pairs: Vec<_> = certificates.iter().zip(&fresh).collect();
    let mut parser = Parser::new();
    for (der, facts) in pairs.iter().chain(pairs.iter().rev()).chain(&pairs) {
        assert_eq!(parser.parse(der), **facts);
    }
}

#[test]
fn synthetic_certificates() {
    let mut made = Certificates::new(5);
    let mut certificates: Vec<_> = (0..400).map(|number| made.leaf(number).to_vec()).collect();
    certificates.extend((0..60).map(|number| made.authority(number).to_vec()));
    check_all(&certificates);
}

#[test]
fn certificates_of_a_root_store() {
    let Some(folder) = corpus() else { return };
    check_all(&store(&folder.join("sst/roots-wu-2021.sst")));
}

/// Extensions with the same value but another OID, another criticality, or another reader.
#[test]
fn equal_values_in_different_extensions() {
    let policies = seq(&[seq(&[element(6, &oid("1.3.6.1.4.1.311.21.30"))])]);
    let usages = seq(&[element(6, &oid("1.3.6.1.5.5.7.3.2"))]);
    let mut certificates = Vec::new();
    for dotted in ["2.5.29.32", "1.3.6.1.4.1.311.21.10", "2.5.29.37", "2.5.29.19", "1.2.3"] {
        for (value, critical) in [(&policies, false), (&policies, true), (&usages, false), (&usages, true)] {
            let extensions = vec![extension(&oid(dotted), critical, value)];
            certificates.push(Certificate { extensions, ..Certificate::default() }.der());
        }
    }
    check_all(&certificates);
}

#[test]
fn problems_are_told_every_time() {
    let usage = extension(&oid("2.5.29.15"), true, &[&element(3, &[5, 0xa0])[..], &[0]].concat());
    let points = extension(&oid("2.5.29.31"), false, &seq(&[element(4, &[])]));
    let one = Certificate { extensions: vec![usage, points], ..Certificate::default() };
    assert_eq!(one.facts().problems.len(), 2);
    // The list of problems is full before the extension with a problem comes.
    let filler = vec![extension(&oid("1.2.3"), false, &[]); 100];
    let full = Certificate { extensions: [filler, one.extensions.clone()].concat(), ..Certificate::default() };
    let name = Certificate { issuer: seq(&[element(4, &[])]), ..Certificate::default() };
    let mut parser = Parser::new();
    for certificate in [&full, &full, &full, &one, &name, &one, &name, &one, &name] {
        assert_eq!(parser.parse(&certificate.der()), Ok(certificate.facts()));
    }
}

#[test]
fn more_authorities_than_fit() {
    let mut parser = Parser::new();
    for number in (0..400).chain(0..400) {
        let host = format!("ca{number}.example.test");
        let issuer = cn(&host);
        let points = seq(&[seq(&[element(0xa0, &element(0xa0, &element(0x86, host.as_bytes())))])]);
        let extensions = vec![extension(&oid("2.5.29.31"), false, &points)];
        let certificate = Certificate { issuer, extensions, ..Certificate::default() };
        let facts = certificate.clean();
        assert_eq!(facts.crl_urls, [host]);
        for _ in 0..3 {
            assert_eq!(parser.parse(&certificate.der()).as_ref(), Ok(&facts));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_certificates_in_any_order(
        steps in prop::collection::vec(
            (any::<Index>(), prop::collection::vec((any::<Index>(), change()), 0..3), 1usize..4),
            1..24,
        ),
    ) {
        let seeds = seeds();
        let mut parser = Parser::new();
        for (seed, changes, times) in steps {
            let mut bytes = seed.get(&seeds).clone();
            changed(&mut bytes, &changes);
            for _ in 0..times {
                prop_assert_eq!(parser.parse(&bytes), parse(&bytes));
            }
        }
    }
}
