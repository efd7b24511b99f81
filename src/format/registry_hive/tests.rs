use std::collections::BTreeMap;
use std::io::Cursor;

use sha1::{Digest, Sha1};

use super::cells::place;
use super::*;
use crate::format::testing::{Collect, corpus, read_all, read_until, sample};
use crate::record::KeyReport;

/// What a walk delivered: key, name, type and length of each value, then the codes of the rejects.
type Walked = (Vec<(String, String, u32, usize)>, Vec<Code>);

fn hive(bytes: &[u8]) -> (Hive<Cursor<&[u8]>>, Base) {
    let base = Base::parse(bytes).expect("a base block");
    (Hive::new(Cursor::new(bytes), base.end).expect("a length"), base)
}

fn walked(bytes: &[u8]) -> Walked {
    let (mut hive, base) = hive(bytes);
    let root = hive.key(base.root).expect("a root key");
    let (mut values, mut codes) = (vec![], vec![]);
    walk::walk(&mut hive, root, &mut |found| {
        match found {
            Ok(value) => values.push((value.key.into(), value.name.into(), value.kind, value.data.len())),
            Err(reject) => codes.push(reject.code),
        }
        Continue(())
    });
    (values, codes)
}

fn read(bytes: &[u8]) -> Collect {
    read_all(&FORMAT, bytes, "NTUSER.DAT")
}

fn software() -> Vec<u8> {
    sample("registry_hive", "SOFTWARE")
}

/// Reference to the key of this name.
fn key_of(bytes: &[u8], name: &[u8]) -> u32 {
    let is_key = |at: &usize| bytes[*at..].starts_with(name) && bytes[at - 76..].starts_with(b"nk");
    let at = (BASE as usize + 108..bytes.len()).find(is_key).expect("a key of this name");
    (at - 80) as u32 - BASE as u32
}

fn get(bytes: &[u8], at: u64) -> u32 {
    u32::from_le_bytes(*bytes[at as usize..].first_chunk().expect("four bytes"))
}

fn put(bytes: &mut [u8], at: u64, value: u32) {
    bytes[at as usize..at as usize + 4].copy_from_slice(&value.to_le_bytes());
}

/// Places of fields in a key's cell.
const SUBKEYS: u64 = 4 + 20;
const SUBKEY_LIST: u64 = 4 + 28;
const VALUES: u64 = 4 + 36;
const VALUE_LIST: u64 = 4 + 40;

/// Four bytes of a key's cell.
fn field(bytes: &[u8], key: &[u8], field: u64) -> u32 {
    get(bytes, place(key_of(bytes, key)) + field)
}

/// The hive with four bytes of a key's cell changed.
fn with_field(mut bytes: Vec<u8>, key: &[u8], field: u64, value: u32) -> Vec<u8> {
    let at = place(key_of(&bytes, key)) + field;
    put(&mut bytes, at, value);
    bytes
}

#[test]
fn values_come_in_order_facts_before_stores() {
    let (values, codes) = walked(&software());
    assert_eq!(codes, []);
    // Without the names of the elements.
    let key = |key: &str| key.rsplit_once(r"\Certificates\").map_or(key.to_owned(), |(store, _)| store.to_owned());
    let told: Vec<_> = values.iter().map(|value| format!("{} {}", key(&value.0), value.1)).collect();
    let expected = [
        r"Microsoft\Cryptography MachineGuid",
        r"Microsoft\Windows NT\CurrentVersion CurrentBuildNumber",
        r"Microsoft\Windows NT\CurrentVersion ProductName",
        r"Microsoft\Windows NT\CurrentVersion UBR",
        r"Microsoft\Cryptography\Defaults\Provider\Example Card CSP Image Path",
        r"Microsoft\Cryptography\Defaults\Provider\Example Card CSP Type",
        r"WOW6432Node\Microsoft\Cryptography\Defaults\Provider\Example Card CSP Type",
        r"Microsoft\Cryptography\Calais\SmartCards\Example Card Crypto Provider",
        r"Microsoft\SystemCertificates\AuthRoot\AutoUpdate Flags",
        r"Microsoft\SystemCertificates\MY Blob",
        r"Microsoft\SystemCertificates\MY Blob",
        r"Microsoft\SystemCertificates\Ωμέγα Blob",
        r"Microsoft\SystemCertificates\Ωμέγα\CRLs\00 Blob",
        r"Microsoft\EnterpriseCertificates\NTAuth Blob",
        r"Microsoft\Cryptography\Services\NTDS\SystemCertificates\My Blob",
        r"Policies\Microsoft\SystemCertificates\EFS Blob",
    ];
    assert_eq!(told, expected);
    let size = |name: &str| values.iter().find(|value| value.1 == name).map(|value| (value.2, value.3));
    assert_eq!(size("UBR"), Some((4, 4)), "stored in the value's cell");
    assert!(values.iter().any(|value| value.3 > 16344), "stored in segments");
}

#[test]
fn data_in_segments_is_put_together() {
    let seen = read(&software());
    assert_eq!((seen.outcome, seen.rejects.len(), seen.observations.len()), (Outcome::Complete, 0, 6));
    let weak = seen.observations.iter().find(|o| o.claims.properties.iter().any(|p| p.len == 17000)).expect("one");
    assert_eq!(weak.der.as_deref(), Some(&sample("certificate_der", "weak-rsa-1024-sha1.cer")[..]));
    assert_eq!(weak.sha1.map(|sha1| sha1.to_vec()), weak.der.as_ref().map(|der| Sha1::digest(der).to_vec()));
    let offsets: BTreeMap<_, _> = seen.observations.iter().map(|o| (o.lineage.byte_offset, ())).collect();
    assert_eq!(offsets.len(), 6, "every value has a place of its own");
}

#[test]
fn damage_costs_what_is_damaged_and_no_more() {
    let seen = read(&sample("registry_hive", "damaged"));
    assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Incomplete, 2));
    let (large, bad): (Vec<_>, Vec<_>) = seen.lost().into_iter().partition(|code| *code == Code::TooLarge);
    assert_eq!((large.len(), bad), (1, vec![Code::BadStructure; 7]));
}

#[test]
fn a_dirty_hive_is_read_with_a_doubt() {
    let bytes = sample("registry_hive", "dirty.DAT");
    let seen = read(&bytes);
    assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Incomplete, 1));
    assert_eq!((seen.degraded(), seen.lost()), (vec![Code::DirtyHive], vec![]));
    let mut clean = sample("registry_hive", "NTUSER.DAT");
    assert_eq!(read(&clean).outcome, Outcome::Complete);
    put(&mut clean, 508, 1);
    let seen = read(&clean);
    assert_eq!((seen.outcome, seen.degraded()), (Outcome::Incomplete, vec![Code::DirtyHive]));
    assert_eq!(seen.rejects[0].field.as_deref(), Some("checksum"));
    assert_eq!(seen.observations.len(), 2);
}

#[test]
fn a_hive_cut_off_says_so_and_keeps_what_is_there() {
    let bytes = software();
    let seen = read(&bytes[..20 * 1024]);
    assert_eq!(seen.outcome, Outcome::Failed, "the root key of this hive is its last cell");
    assert_eq!(seen.lost(), [Code::Truncated, Code::Truncated]);
    // As if the last bin had been cut off, with the list of a store in it.
    let mut cut = bytes.clone();
    let missing = (cut.len() as u64 - BASE) as u32;
    put(&mut cut, 40, missing + 4096);
    let seen = read(&with_field(cut, b"EFS", SUBKEY_LIST, missing + 32));
    assert_eq!((seen.outcome, seen.lost()), (Outcome::Incomplete, vec![Code::Truncated, Code::Truncated]));
    assert_eq!(seen.observations.len(), 5);
    assert_eq!(read(&bytes[..BASE as usize - 1]).outcome, Outcome::Failed);
    assert_eq!(read(b"regf").lost(), [Code::BadStructure]);
}

#[test]
fn cycles_end() {
    let bytes = software();
    // The key of all stores below one of them; then lists that two keys have, one of them above the other.
    let own = key_of(&bytes, b"SystemCertificates\0\0");
    let list = field(&bytes, b"MY", SUBKEY_LIST);
    let mut cycle = bytes.clone();
    put(&mut cycle, place(list) + 8, own);
    assert_eq!(walked(&cycle).1, [Code::BadStructure]);
    let roots = field(&bytes, b"ROOT", SUBKEY_LIST);
    assert_eq!(walked(&with_field(bytes.clone(), b"MY", SUBKEY_LIST, roots)).1, [Code::BadStructure]);
    let shared = field(&bytes, b"EFS", SUBKEY_LIST);
    let (values, codes) = walked(&with_field(bytes.clone(), b"MY", SUBKEY_LIST, shared));
    assert_eq!(codes, [Code::BadStructure], "two keys have one list");
    let elements = |values: &Walked| values.0.iter().filter(|value| value.1 == "Blob").count();
    assert_eq!(elements(&walked(&bytes)), 7);
    assert_eq!(elements(&(values, codes)), 5, "the two of the store are lost, those of the list come once");
    let root = Base::parse(&bytes).expect("a base block").root;
    let list = place(field(&bytes, b"ROOT", SUBKEY_LIST));
    let mut itself = bytes;
    put(&mut itself, list + 8, root);
    assert_eq!(walked(&itself).1, [], "the root key is not called like one that is looked for");
}

#[test]
fn counts_that_lie_are_not_believed() {
    let bytes = software();
    for (name, field, count) in
        [("MY", SUBKEYS, u32::MAX), ("CurrentVersion", VALUES, u32::MAX), ("CurrentVersion", VALUES, 7)]
    {
        let (values, codes) = walked(&with_field(bytes.clone(), name.as_bytes(), field, count));
        assert_eq!((values.len(), codes), (16, vec![Code::BadStructure]), "{name} {count}");
    }
    let (values, codes) = walked(&with_field(bytes.clone(), b"MY", SUBKEYS, 1));
    assert_eq!((values.len(), codes.len()), (16, 0), "a list has the last word where it has more");
    // A list's own count.
    let list = place(field(&bytes, b"EFS", SUBKEY_LIST));
    let mut long = bytes.clone();
    put(&mut long, list + 4, u32::from_le_bytes(*b"lh\xff\xff"));
    assert_eq!(walked(&long).1, [Code::BadStructure]);
    let mut divided = bytes;
    let ri = place(field(&divided, b"Microsoft", SUBKEY_LIST));
    let itself = (ri - BASE) as u32;
    put(&mut divided, ri + 8, itself);
    assert_eq!(walked(&divided).1, [Code::BadStructure], "a list inside itself");
}

#[test]
fn references_that_point_nowhere_cost_a_record_each() {
    for reference in [0, 31, 33, 0x7fff_fff8, u32::MAX, u32::MAX - 7] {
        let bytes = with_field(software(), b"EFS", SUBKEY_LIST, reference);
        let (values, codes) = walked(&bytes);
        assert_eq!((values.len(), codes), (15, vec![Code::BadStructure]), "{reference:#x}");
        let bytes = with_field(software(), b"CurrentVersion", VALUE_LIST, reference);
        assert_eq!(walked(&bytes).1, [Code::BadStructure], "{reference:#x}");
        let mut bytes = software();
        put(&mut bytes, 36, reference);
        assert_eq!(read(&bytes).outcome, Outcome::Failed, "{reference:#x}");
    }
}

#[test]
fn no_damage_of_one_byte_is_silent_but_in_names() {
    let bytes = sample("registry_hive", "NTUSER.DAT");
    let whole = read(&bytes).observations.len();
    let names = ["Software", "Microsoft", "SystemCertificates", "Certificates", "Blob"];
    let is_in_name = |at: usize| {
        let starts = |name: &&str| (0..name.len()).any(|back| bytes[at - back..].starts_with(name.as_bytes()));
        names.iter().any(starts)
    };
    for at in BASE as usize + 32..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x80;
        let seen = read(&damaged);
        assert!(seen.observations.len() <= whole, "byte {at}");
        if seen.observations.len() < whole && seen.rejects.is_empty() && seen.skips.is_empty() {
            assert!(is_in_name(at), "byte {at}");
        }
    }
}

#[test]
fn a_name_with_a_separator_is_no_key() {
    let mut bytes = software();
    let at = place(key_of(&bytes, b"EFS")) as usize + 80;
    bytes[at + 1] = b'\\';
    let (values, codes) = walked(&bytes);
    assert_eq!((values.len(), codes), (15, vec![Code::BadStructure]));
}

#[test]
fn keys_deeper_than_windows_makes_them_are_too_large() {
    let bytes = chain(600);
    let (values, codes) = walked(&bytes);
    assert_eq!((values.len(), codes), (0, vec![Code::TooLarge]));
    assert_eq!(walked(&chain(500)).1, []);
}

#[test]
fn work_and_memory_are_bounded() {
    // A list of values that is as long as its cell, and all of it leads to one place.
    let mut bytes = sample("registry_hive", "NTUSER.DAT");
    let (list, count) = (bytes.len() as u64, 1_200_000);
    let reference = (list - BASE) as u32;
    bytes.resize(bytes.len() + 4 + 4 * count, 0);
    put(&mut bytes, list, -(4 + 4 * count as i32) as u32);
    bytes = with_field(bytes, b"My", VALUES, count as u32);
    bytes = with_field(bytes, b"My", VALUE_LIST, reference);
    let (values, codes) = walked(&bytes);
    assert_eq!((values.len(), codes), (0, vec![Code::TooLarge, Code::BadStructure]));
    // Values that share their data are more than the file.
    let mut bytes = software();
    let value_of = |bytes: &[u8], id: &[u8]| place(get(bytes, place(field(bytes, id, VALUE_LIST)) + 4));
    let hex = |der: &[u8]| Sha1::digest(der).iter().map(|b| format!("{b:02X}")).collect::<String>();
    let id = |name: &str| hex(&sample("certificate_der", name));
    let large = value_of(&bytes, id("weak-rsa-1024-sha1.cer").as_bytes());
    let (size, data) = (get(&bytes, large + 8), get(&bytes, large + 12));
    for name in ["rsa-leaf.cer", "ec-leaf.cer"] {
        let other = value_of(&bytes, id(name).as_bytes());
        put(&mut bytes, other + 8, size);
        put(&mut bytes, other + 12, data);
    }
    let (values, codes) = walked(&bytes);
    assert_eq!((values.len(), codes), (10, vec![Code::BadStructure]), "the second of them ends the way");
}

/// A hive of keys below each other under `Microsoft\SystemCertificates`.
fn chain(depth: usize) -> Vec<u8> {
    let mut bytes = sample("registry_hive", "NTUSER.DAT")[..BASE as usize + 32].to_vec();
    let mut cell = |content: &[u8]| {
        let size = (content.len() + 4).next_multiple_of(8);
        let at = bytes.len() - BASE as usize;
        bytes.extend((-(size as i32)).to_le_bytes());
        bytes.extend(content);
        bytes.resize(BASE as usize + at + size, 0);
        at as u32
    };
    let mut below = None;
    for level in 0..depth + 3 {
        let list = below.map_or(u32::MAX, |key: u32| cell(&[&b"li\x01\0"[..], &key.to_le_bytes()].concat()));
        let name = match depth + 2 - level {
            0 => "ROOT",
            1 => "Microsoft",
            2 => "SystemCertificates",
            _ => "x",
        };
        let mut key = [0; 76];
        key[..4].copy_from_slice(b"nk\x20\0");
        key[20] = u8::from(below.is_some());
        key[28..32].copy_from_slice(&list.to_le_bytes());
        key[72] = name.len() as u8;
        below = Some(cell(&[&key[..], name.as_bytes()].concat()));
    }
    put(&mut bytes, 36, below.expect("a root key"));
    let size = (bytes.len() as u64 - BASE) as u32;
    put(&mut bytes, 40, size);
    bytes
}

#[test]
fn an_interrupted_run_stops_at_a_value() {
    let seen = read_until(&FORMAT, &software(), "SOFTWARE", 2);
    // One value may end the record before it and be one itself.
    assert_eq!((seen.outcome, seen.records()), (Outcome::Incomplete, 3));
}

#[test]
fn logs_are_told_from_hives() {
    let mut bytes = software();
    for (kind, is_log) in [(0, false), (1, true), (2, true), (6, true), (3, false)] {
        put(&mut bytes, cells::FILE_TYPE as u64, kind);
        let head = Head { bytes: &bytes, complete: true, len: Some(bytes.len() as u64) };
        assert_eq!(((LOG.sniff)(&head), (FORMAT.sniff)(&head)), (is_log, !is_log), "{kind}");
    }
}

#[test]
fn the_corpus_hive_holds_what_its_store_holds() {
    let hive = corpus(|file| file == "wine/wine-mixed-NTUSER.DAT").pop();
    let store = corpus(|file| file == "wine/sst-wine-mixed.sst").pop();
    let (Some(hive), Some(store)) = (hive, store) else { return };
    let seen = read(&hive.bytes);
    assert_eq!((seen.outcome, seen.rejects.len(), seen.observations.len()), (Outcome::Complete, 0, 20));
    assert!(hive.yields.starts_with("20 Blob values"));
    let (values, _) = walked(&hive.bytes);
    let bytes: usize = values.iter().filter(|value| value.1 == "Blob").map(|value| value.3).sum();
    assert!(hive.yields.ends_with(&format!("{bytes} bytes")), "{bytes}");
    // By certificate: the registry sorts by name, a store does not. What a store cannot say is the hash properties.
    let kept = |seen: &Collect| -> BTreeMap<_, _> {
        seen.observations.iter().map(|o| (o.der.clone(), (o.claims.key_container.clone(), o.claims.key_spec))).collect()
    };
    let from_store = read_all(&super::super::sst::FORMAT, &store.bytes, "x.sst");
    assert_eq!(kept(&seen), kept(&from_store));
    assert!(seen.observations.iter().all(|o| o.claims.key_report != KeyReport::NotReported));
}
