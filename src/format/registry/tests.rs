//! What is collected from values, whatever wrote them down.

use super::collect::{BINARY, Collector, DWORD, DWORD_BIG_ENDIAN, EXPAND_SZ, MAX_FACT, MAX_PROVIDERS, SZ};
use super::place::Root;
use crate::format::testing::{Collect, sample, wide};
use crate::record::{
    Binding, CapiUse, Client, Code, Lineage, Observation, PrivateKey, Provider, Reject, Request, Sink, Template,
};

const CSP: &str = r"Microsoft\Cryptography\Defaults\Provider\";
const CARD: &str = r"Microsoft\Cryptography\Calais\SmartCards\A Card";
const VERSION: &str = r"Microsoft\Windows NT\CurrentVersion";

/// What a SOFTWARE hive with these values yields, each at the offset of its number.
fn collected(values: &[(&str, &str, u32, Vec<u8>)]) -> Collect {
    let (mut seen, mut collector) = (Collect::new(), Collector::new(Root::Software, "SOFTWARE"));
    for (at, (key, name, kind, data)) in values.iter().enumerate() {
        collector.value(key, name, *kind, data, Lineage::at(at as u64), &mut seen);
    }
    collector.finish(true, &mut seen);
    seen
}

fn dword(number: u32) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

#[test]
fn a_provider_is_one_row_when_its_key_is_complete() {
    let (one, two) = (format!("{CSP}One"), format!("{CSP}Two"));
    let seen = collected(&[
        (&one, "Type", DWORD, dword(24)),
        (&one, "image path", EXPAND_SZ, wide("one.dll")),
        (&two, "Other", SZ, wide("x")),
        (&two, "Type", DWORD_BIG_ENDIAN, vec![0, 0, 0, 1]),
    ]);
    assert_eq!((seen.others.len(), seen.rejects.len()), (2, 0));
    assert!(seen.others[0].contains("provider_type: Some(24)") && seen.others[0].contains("one.dll"));
    assert!(seen.others[1].contains(r#"name: "Two""#) && seen.others[1].contains("provider_type: Some(1)"));
}

#[test]
fn wrong_values_are_doubts_beside_their_row_or_lost() {
    let one = format!("{CSP}One");
    let seen = collected(&[
        (&one, "Other", SZ, vec![]),
        (&one, "Type", SZ, wide("24")),
        (&one, "Image Path", SZ, vec![0; 2 * MAX_FACT]),
        (CARD, "Crypto Provider", SZ, wide("")),
        (CARD, "Crypto Provider", DWORD, dword(1)),
        (VERSION, "UBR", DWORD, vec![1]),
        (VERSION, "ProductName", SZ, vec![0, 0xd8]),
    ]);
    assert_eq!((seen.others.len(), seen.lost()), (2, vec![Code::MissingField, Code::BadField]));
    assert_eq!(seen.degraded(), [Code::BadField, Code::TooLarge, Code::BadField, Code::BadText]);
    let places = seen.rejects.iter().map(|reject| reject.lineage.byte_offset).collect::<Vec<_>>();
    assert_eq!(places, [0, 0, 3, 4, 5, 5], "doubts stand where their row does");
}

#[test]
fn the_version_is_what_is_known_of_it() {
    let of = |values: &[(&str, u32, Vec<u8>)]| {
        let values: Vec<_> = values.iter().map(|(n, k, d)| (VERSION, *n, *k, d.clone())).collect();
        let seen = collected(&values);
        let text = seen.others.concat();
        text.split_once("os_version: ").map(|(_, rest)| rest[..rest.find(", os_c").unwrap_or(0)].to_owned())
    };
    let (major, minor) = ("CurrentMajorVersionNumber", "CurrentMinorVersionNumber");
    let build = |text| ("CurrentBuildNumber", SZ, wide(text));
    let ten = [(major, DWORD, dword(10)), (minor, DWORD, dword(0)), ("CurrentVersion", SZ, wide("6.3"))];
    assert_eq!(of(&[&ten[..], &[build("20348")]].concat()).as_deref(), Some(r#"Some("10.0.20348")"#));
    let old = ("CurrentVersion", SZ, wide("6.1"));
    assert_eq!(of(&[old.clone(), build("7601")]).as_deref(), Some(r#"Some("6.1.7601")"#));
    assert_eq!(of(&[old, build("19045")]).as_deref(), Some("None"), "6.x is not the version of a later Windows");
    assert_eq!(of(&ten).as_deref(), Some("None"));
    assert_eq!(of(&[("CurrentBuild", SZ, wide("1.511.1 ()"))]).as_deref(), Some("None"));
    assert_eq!(of(&[]), None, "no fact, no client");
}

#[test]
fn providers_have_a_say_in_what_follows_and_are_bounded() {
    struct Registries(Vec<usize>, usize);
    impl Sink for Registries {
        fn observation(&mut self, o: &Observation<'_>) {
            self.0.push(o.collection.registry.len());
        }
        fn client(&mut self, _: &Client<'_>) {}
        fn provider(&mut self, _: &Provider<'_>) {}
        fn request(&mut self, _: &Request<'_>) {}
        fn binding(&mut self, _: &Binding<'_>) {}
        fn template(&mut self, _: &Template<'_>) {}
        fn capi_use(&mut self, _: &CapiUse<'_>) {}
        fn private_key(&mut self, _: &PrivateKey<'_>) {}
        fn reject(&mut self, _: Reject) {
            self.1 += 1;
        }
        fn skip(&mut self, _: &'static str) {}
        fn incomplete(&mut self, _: Option<&str>) {}
    }
    let (mut sink, mut collector) = (Registries(vec![], 0), Collector::new(Root::Software, "SOFTWARE"));
    let key = r"Microsoft\SystemCertificates\MY\Certificates\B6EFC96349B1318EFEB7B4BFD9DD597E7E240278";
    let blob = sample("element", "cng-software.bin");
    let mut value = |key: &str, name: &str, kind, data: &[u8]| {
        collector.value(key, name, kind, data, Lineage::default(), &mut sink);
    };
    value(&format!("{CSP}One"), "Type", DWORD, &dword(1));
    // A card's provider is a row and no registration; the 32-bit half says nothing new.
    value(CARD, "Crypto Provider", SZ, &wide("Three"));
    value(&format!(r"WOW6432Node\{CSP}One"), "Type", DWORD, &dword(1));
    value(key, "Blob", BINARY, &blob);
    for number in 0..MAX_PROVIDERS + 9 {
        value(&format!("{CSP}Two {number}"), "Type", DWORD, &dword(1));
    }
    value(key, "Blob", BINARY, &blob);
    assert_eq!((sink.0, sink.1), (vec![1, MAX_PROVIDERS], 1));
}
