//! What unpackers make of archives, whole, odd and damaged.

use super::super::testing::{Unpacked, unpack_all};
use super::super::{Format, Outcome};
use super::{MAX_NAME, clip_name, gzip, tar, xz, zip, zstd};
use crate::record::Code;

#[path = "../../../tests/support/archives.rs"]
mod write;

use write::{Zipped, deflated, stored};

fn whole(format: &Format, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (outcome, found) = unpack_all(format, bytes, "dir/name.gz");
    assert_eq!(outcome, Outcome::Complete, "{found:?}");
    found.into_iter().map(|(name, bytes)| (name, bytes.expect("whole"))).collect()
}

fn broken(format: &Format, bytes: &[u8]) -> Unpacked {
    let (outcome, found) = unpack_all(format, bytes, "dir/name.gz");
    assert_ne!(outcome, Outcome::Complete, "{found:?}");
    found
}

fn codes(found: &Unpacked) -> Vec<(&str, Option<Code>)> {
    found.iter().map(|(name, bytes)| (name.as_str(), bytes.as_ref().err().map(|fault| fault.code))).collect()
}

fn named(name: &str, content: &[u8]) -> (String, Vec<u8>) {
    (name.to_owned(), content.to_vec())
}

#[test]
fn every_way_of_packing_gives_the_same_bytes() {
    let text = b"one text, some more of the same text, and no more of it".as_slice();
    let with = |method, packed: Vec<u8>| Zipped { method, packed, ..stored("a", text) };
    let packed = deflated("a", text).packed;
    // Short matches are the same in Deflate64.
    let all = [stored("a", text), with(8, packed.clone()), with(9, packed), with(93, write::zstd(text))];
    for member in all {
        for (is_64, is_behind) in [(false, false), (true, false), (false, true)] {
            let bytes = write::zip(&[Zipped { is_64, is_behind, ..member.clone() }, stored("b", b"")]);
            assert_eq!(whole(&zip::FORMAT, &bytes), [named("a", text), named("b", b"")], "{}", member.method);
            // The directory at the end counts from the start of the second: the first is not passed over in silence.
            let (outcome, found) = unpack_all(&zip::FORMAT, &[&bytes[..], &bytes].concat(), "two.zip");
            let is_said = found.iter().any(|(_, bytes)| bytes.is_err());
            assert!(outcome != Outcome::Complete && is_said, "{is_64}: {found:?}");
        }
    }
    for (format, bytes) in
        [(&gzip::FORMAT, write::gzip(text)), (&zstd::FORMAT, write::zstd(text)), (&xz::FORMAT, write::xz(text))]
    {
        assert_eq!(whole(format, &bytes), [named("name", text)]);
        assert_eq!(whole(format, &bytes.repeat(3)), [named("name", &text.repeat(3))], "{}", format.name);
    }
    assert_eq!(whole(&tar::FORMAT, &write::tar(&[("a", text), ("b", b"")])), [named("a", text), named("b", b"")]);
}

#[test]
fn members_of_one_name_are_all_there() {
    let bytes = write::zip(&[stored("a", b"1"), stored("a", b"2"), stored("a", b"3")]);
    let found: Vec<_> = whole(&zip::FORMAT, &bytes).into_iter().map(|(_, content)| content).collect();
    assert_eq!(found, [b"1", b"2", b"3"]);
}

#[test]
fn entries_that_take_the_same_bytes_are_no_more_than_the_archive_has() {
    let bytes = write::zip(&[stored("a", &[7; 5000])]);
    let (front, end) = bytes.split_at(bytes.len() - 22);
    let directory = front.windows(4).rposition(|four| four == b"PK\x01\x02").expect("a directory");
    let entry = &front[directory..];
    let mut end = end.to_vec();
    for at in [8, 10] {
        end[at..at + 2].copy_from_slice(&9u16.to_le_bytes());
    }
    end[12..16].copy_from_slice(&(9 * entry.len() as u32).to_le_bytes());
    let bomb = [&front[..directory], &entry.repeat(9), &end].concat();
    let (outcome, found) = unpack_all(&zip::FORMAT, &bomb, "x.zip");
    let whole = found.iter().filter(|(_, bytes)| bytes.is_ok()).count();
    assert_eq!((outcome, whole, found.len()), (Outcome::Incomplete, 1, 9), "{outcome:?}");
    assert!(codes(&found)[1..].iter().all(|(_, code)| *code == Some(Code::BadStructure)));
}

#[test]
fn what_a_zip_entry_says_is_held_against_its_bytes() {
    let with = |change: fn(&mut Zipped)| {
        let mut member = deflated("a", b"content");
        change(&mut member);
        let found = unpack_all(&zip::FORMAT, &write::zip(&[member, stored("b", b"2")]), "x").1;
        assert_eq!(found[1], ("b".to_owned(), Ok(b"2".to_vec())), "the next one is read");
        found[0].1.clone().expect_err("a fault").message
    };
    assert!(with(|z| z.size = 6).contains("longer"));
    assert!(with(|z| z.size = 8).contains("shorter"));
    assert!(with(|z| z.crc ^= 1).contains("checksum"));
    assert!(with(|z| z.packed[0] = 0xff).contains("damaged"));
    assert_eq!(with(|z| z.flags |= 1), "locked");
    assert_eq!(with(|z| z.method = 99), "locked");
    assert_eq!(with(|z| z.method = 12), "compression_method");
}

#[test]
fn a_zip_archive_without_its_end_is_read_from_its_start() {
    let bytes = write::zip(&[stored("a", b"first"), deflated("b", b"second"), stored("c", b"third")]);
    let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").expect("a directory");
    let found = broken(&zip::FORMAT, &bytes[..directory + 10]);
    assert_eq!(codes(&found), [("a", None), ("b", None), ("c", None), ("", Some(Code::Truncated))]);
    let found = broken(&zip::FORMAT, &bytes[..directory - 2]);
    let codes = codes(&found);
    assert_eq!(codes[2..], [("c", Some(Code::Truncated)), ("", Some(Code::Truncated))]);
    let behind = write::zip(&[stored("a", b"first"), Zipped { is_behind: true, ..stored("b", b"second") }]);
    let found = broken(&zip::FORMAT, &behind[..behind.len() - 30]);
    assert_eq!((found.len(), found[0].1.as_deref()), (2, Ok(&b"first"[..])));
}

#[test]
fn directories_that_lie_are_rejects() {
    let bytes = write::zip(&[stored("a", b"first"), stored("b", b"second")]);
    let end = bytes.len() - 22;
    let with = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        unpack_all(&zip::FORMAT, &bytes, "x")
    };
    let (outcome, found) = with(end + 10, 9);
    assert_eq!((outcome, found.len()), (Outcome::Incomplete, 3), "nine entries are promised");
    assert_eq!(codes(&found)[2], ("", Some(Code::BadStructure)));
    let (outcome, found) = with(end + 15, 9);
    assert_eq!((outcome, codes(&found)), (Outcome::Failed, vec![("", Some(Code::BadStructure))]));
}

#[test]
fn names_of_tar_members_come_from_where_they_fit() {
    let long = "x".repeat(300);
    let body = |header: [u8; 512], content: &[u8]| {
        let mut out = [&header[..], content].concat();
        out.resize(out.len().next_multiple_of(512), 0);
        out
    };
    let record = |key: &str, value: &str| {
        let rest = format!(" {key}={value}\n");
        let len = (rest.len()..).find(|len| len.to_string().len() + rest.len() == *len).expect("a length");
        format!("{len}{rest}")
    };
    let gnu = body(write::tar_header(b"././@LongLink", b'L', 301), format!("{long}\0").as_bytes());
    let pax = [record("mtime", "1.5"), record("path", &long), record("size", "3")].concat();
    let pax = body(write::tar_header(b"x", b'x', pax.len() as u64), pax.as_bytes());
    let mut split = write::tar_header(b"end", b'0', 0);
    split[345..350].copy_from_slice(b"start");
    write::sign(&mut split);
    let mut big = write::tar_header(b"base 256", b'0', 0);
    big[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    write::sign(&mut big);
    let bytes = [
        gnu,
        write::tarred("short", b"1"),
        pax,
        body(write::tar_header(b"short", b'0', 0), b"abc"),
        split.to_vec(),
        body(big, b"zz"),
        write::tar_header(b"folder/", b'5', 0).to_vec(),
        vec![0; 1024],
        write::tar(&[("behind", b"2")]),
    ];
    let expected = [
        named(&long, b"1"),
        named(&long, b"abc"),
        named("start/end", b""),
        named("base 256", b"zz"),
        named("behind", b"2"),
    ];
    assert_eq!(whole(&tar::FORMAT, &bytes.concat()), expected);
}

#[test]
fn damaged_tar_archives_end_with_a_word() {
    let bytes = write::tar(&[("a", b"1"), ("b", b"2")]);
    let found = broken(&tar::FORMAT, &bytes[..1024 + 200]);
    assert_eq!(codes(&found), [("a", None), ("", Some(Code::Truncated))]);
    let found = broken(&tar::FORMAT, &bytes[..1024 + 512]);
    assert_eq!(codes(&found), [("a", None), ("b", Some(Code::Truncated))]);
    let mut damaged = bytes.clone();
    damaged[1024] ^= 1;
    assert_eq!(codes(&broken(&tar::FORMAT, &damaged)), [("a", None), ("", Some(Code::BadStructure))]);
    let huge = [&write::tar_header(b"x", b'L', u64::MAX >> 31)[..], &[0; 512]].concat();
    assert_eq!(codes(&broken(&tar::FORMAT, &huge)), [("", Some(Code::TooLarge))]);
    let behind = [&bytes[..], b"something else"].concat();
    let (outcome, found) = unpack_all(&tar::FORMAT, &[&behind[..], &[1; 600]].concat(), "x");
    assert_eq!((outcome, codes(&found)[2]), (Outcome::Complete, ("", Some(Code::TrailingBytes))));
}

#[test]
fn streams_that_break_off_give_what_came_before() {
    let text: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for (format, bytes) in
        [(&gzip::FORMAT, write::gzip(&text)), (&zstd::FORMAT, write::zstd(&text)), (&xz::FORMAT, write::xz(&text))]
    {
        assert_eq!(whole(format, &bytes)[0].1, text, "{}", format.name);
        for (cut, code) in [(bytes.len() / 2, Code::Truncated), (1, Code::BadStructure)] {
            let mut bytes = bytes.clone();
            match code {
                Code::Truncated => bytes.truncate(cut),
                _ => bytes[text.len() / 2..].fill(0xff),
            }
            let found = broken(format, &bytes);
            assert_eq!(codes(&found), [("name", Some(code))], "{}", format.name);
        }
    }
}

#[test]
fn a_dictionary_over_the_limit_is_no_reason_to_take_the_memory() {
    // The block header stands behind the stream header: length, flags, filter LZMA2 with one byte of properties, which is
    // the dictionary (.xz 5.3.1), padding, CRC-32.
    let mut bytes = write::xz(b"x");
    assert_eq!(bytes[12..16], [2, 0, 0x21, 1]);
    bytes[16] = 37;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..20]);
    bytes[20..24].copy_from_slice(&crc.sum().to_le_bytes());
    assert_eq!(codes(&broken(&xz::FORMAT, &bytes)), [("name", Some(Code::TooLarge))]);
    // A frame whose window is 1 GiB: no single segment, window descriptor 20 << 3 (RFC 8878 3.1.1.1.2).
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 20 << 3, 1, 0, 0];
    assert_eq!(codes(&broken(&zstd::FORMAT, &frame)), [("name", Some(Code::TooLarge))]);
}

#[test]
fn long_names_are_cut_between_characters() {
    assert_eq!(clip_name("a".to_owned()), ("a".to_owned(), false));
    let (name, is_cut) = clip_name(format!("{}é", "x".repeat(MAX_NAME - 1)));
    assert_eq!((name.len(), is_cut), (MAX_NAME - 1, true));
}

#[test]
fn skippable_frames_may_stand_before_a_zstd_frame() {
    let frame = write::zstd(b"text");
    let skip = [&[0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let head = |bytes: &[u8]| (zstd::FORMAT.sniff)(&super::super::Head { bytes, complete: true, len: None });
    assert!(head(&frame) && head(&[&skip[..], &skip, &frame].concat()));
    assert!(!head(&skip) && !head(&skip[..9]));
}
