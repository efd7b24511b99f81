//! tar (POSIX.1-2017 ustar and pax, and GNU): members one after the other, in blocks of 512 bytes.
//!
//! Blocks are read here and not by the `tar` crate, which takes long names and pax records into memory at whatever
//! length they claim, and ends at an archive's end mark where a second archive may follow.

use std::io::{self, Read};

use super::super::{Format, Outcome, trailing_bytes};
use super::{Body, Each, Entry, Fault, Found, Packed};
use crate::input::Window;
use crate::record::{Code, Lineage, Reject, Stage};

/// tar.
pub static FORMAT: Format = Format {
    name: "tar",
    title: "tar archive",
    usual_names: "*.tar",
    yields: "its members, each read as what it is",
    source: "POSIX.1-2017 pax, GNU tar",
    sniff: |head| head.bytes.get(257..).is_some_and(|magic| magic.starts_with(b"ustar")),
    read: None,
    unpack: Some(unpack),
    border: None,
};

/// Length of a block.
const BLOCK: usize = 512;
/// Longest extension accepted (a long name, or pax records), in bytes.
const MAX_EXTENSION: u64 = 1024 * 1024;

/// One header block.
type Header = [u8; BLOCK];

/// What extensions say of the member that follows them.
#[derive(Default)]
struct Said {
    name: Option<String>,
    size: Option<u64>,
    is_sparse: bool,
}

fn unpack(packed: Packed<'_, '_>, each: &mut Each<'_>) -> Outcome {
    let window = packed.window;
    let (mut said, mut end) = (Said::default(), None);
    loop {
        let at = window.offset();
        let ahead = window.fill(BLOCK);
        let Some(header) = ahead.first_chunk::<BLOCK>().copied() else {
            let (short, fault) = (!ahead.is_empty(), window.take_error());
            return finish(at, short, end.is_some(), fault.as_ref().map(Fault::of), each);
        };
        if header.iter().all(|byte| *byte == 0) {
            window.consume(BLOCK);
            end = end.or(Some(at));
            continue;
        }
        if !is_header(&header) {
            return give_up(window, at, end.is_some(), each);
        }
        window.consume(BLOCK);
        end = None;
        let Some(size) = size_of(&header, &mut said) else {
            each(lost(at, Code::BadStructure, "a header of the tar archive has no size that can be read"));
            return Outcome::Incomplete;
        };
        let goes_on = match header[156] {
            b'L' | b'x' | b'X' => extension(window, at, header[156], size, &mut said, each),
            b'K' | b'g' => pass_over(window, size, each),
            _ => member(window, &header, size, std::mem::take(&mut said), each),
        };
        if !goes_on {
            return Outcome::Incomplete;
        }
    }
}

/// The input ends at `at`: behind the end mark, as it should, or before it.
fn finish(at: u64, short: bool, marked: bool, fault: Option<Fault>, each: &mut Each<'_>) -> Outcome {
    let reject = match fault {
        Some(fault) => fault.into_reject(Lineage::at(at)),
        None if short => {
            Reject::lost(Lineage::at(at), Stage::Read, Code::Truncated, "the tar archive ends in a header")
        }
        None if marked => return Outcome::Complete,
        None => {
            let message = "the tar archive has no end mark: members may be missing";
            Reject::degraded(Lineage::at(at), Stage::Read, Code::Truncated, "end", message)
        }
    };
    each(Found::Reject(reject));
    Outcome::Incomplete
}

/// What stands at `at` is no header.
fn give_up(window: &mut Window<'_>, at: u64, marked: bool, each: &mut Each<'_>) -> Outcome {
    if marked {
        let count = window.skip(u64::MAX);
        each(Found::Reject(trailing_bytes(Lineage::at(at), count)));
        return Outcome::Complete;
    }
    each(lost(at, Code::BadStructure, "what should be a header of the tar archive has a wrong checksum"));
    Outcome::Incomplete
}

fn lost<'f>(at: u64, code: Code, message: &str) -> Found<'f> {
    Found::Reject(Reject::lost(Lineage::at(at), Stage::Read, code, message))
}

/// The checksum is right: the sum of all bytes, those of the sum itself as spaces. Old programs added signed bytes.
fn is_header(header: &Header) -> bool {
    let bytes = || header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
    let unsigned: u64 = bytes().map(u64::from).sum();
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    number(&header[148..156]).is_some_and(|sum| sum == unsigned || i64::try_from(sum) == Ok(signed))
}

/// A number: octal digits, or base 256 where the first bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let (high, low) = rest.split_at(rest.len().checked_sub(8)?);
        let is_small = first & 0x7f == 0 && high.iter().all(|byte| *byte == 0);
        return is_small.then(|| low.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    }
    let digits = field.split(|byte| *byte == 0).next()?.trim_ascii();
    let octal = digits.iter().all(|digit| (b'0'..=b'7').contains(digit)) && digits.len() <= 21;
    octal.then(|| digits.iter().fold(0, |sum, digit| sum << 3 | u64::from(digit - b'0')))
}

/// Size of what follows the header. A pax record about it is about the member, never about another extension.
fn size_of(header: &Header, said: &mut Said) -> Option<u64> {
    let own = number(&header[124..136]);
    match header[156] {
        b'L' | b'K' | b'x' | b'X' | b'g' => own,
        // Links and devices have none, whatever the field says (POSIX).
        b'1' | b'2' | b'3' | b'4' | b'6' => Some(0),
        _ => said.size.or(own),
    }
}

/// Passes over `size` bytes and what fills their last block; false, and a reject, where they are not all there.
fn pass_over(window: &mut Window<'_>, size: u64, each: &mut Each<'_>) -> bool {
    if window.skip(size) < size {
        // Nobody read as far as where the archive breaks off, so nobody has told it yet.
        let at = window.offset();
        let fault = window.take_error().as_ref().map_or_else(ends_early, Fault::of);
        each(Found::Reject(fault.into_reject(Lineage::at(at))));
        return false;
    }
    // Blocks are counted from the start of the archive.
    window.skip(window.offset().next_multiple_of(BLOCK as u64) - window.offset());
    true
}

fn ends_early() -> Fault {
    Fault::new(Code::Truncated, "the tar archive ends inside a member")
}

/// Reads an extension: a long name, or pax records.
fn extension(window: &mut Window<'_>, at: u64, kind: u8, size: u64, said: &mut Said, each: &mut Each<'_>) -> bool {
    if size > MAX_EXTENSION {
        let message = format!("an extension of the tar archive is {size} bytes long; the limit is {MAX_EXTENSION}");
        each(lost(at, Code::TooLarge, &message));
        return false;
    }
    let bytes = window.fill(size as usize);
    let Some(bytes) = bytes.get(..size as usize) else {
        let fault = window.take_error().as_ref().map(Fault::of);
        finish(at, true, false, fault, each);
        return false;
    };
    match kind {
        b'L' => {
            let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            said.name = Some(String::from_utf8_lossy(name).into_owned());
        }
        _ => pax(bytes, said),
    }
    pass_over(window, size, each)
}

/// Records of `LENGTH KEY=VALUE\n`, where the length counts all of the record.
fn pax(mut bytes: &[u8], said: &mut Said) {
    while let Some(space) = bytes.iter().take(20).position(|byte| *byte == b' ') {
        let len = std::str::from_utf8(&bytes[..space]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some(record) = len.and_then(|len| bytes.get(space + 1..len)) else { return };
        bytes = &bytes[space + 1 + record.len()..];
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        let Some(equals) = record.iter().position(|byte| *byte == b'=') else { continue };
        let value = &record[equals + 1..];
        match &record[..equals] {
            b"path" => said.name = Some(String::from_utf8_lossy(value).into_owned()),
            b"size" => said.size = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()),
            key if key.starts_with(b"GNU.sparse.") => {
                said.is_sparse = true;
                if key == b"GNU.sparse.name" {
                    said.name = Some(String::from_utf8_lossy(value).into_owned());
                }
            }
            _ => {}
        }
    }
}

/// Name in the header: with its prefix, where the header is a POSIX one.
fn header_name(header: &Header) -> String {
    let text = |field: &[u8]| {
        let field = field.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(field).into_owned()
    };
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    match &header[257..263] == b"ustar\0" && !prefix.is_empty() {
        true => format!("{prefix}/{name}"),
        false => name,
    }
}

/// Hands on one member and passes over what was left of it.
fn member(window: &mut Window<'_>, header: &Header, size: u64, said: Said, each: &mut Each<'_>) -> bool {
    let name = said.name.unwrap_or_else(|| header_name(header));
    let kind = header[156];
    // Folders, GNU's lists of folders, and volume labels are no files. Old programs mark a folder by its name alone.
    if matches!(kind, b'5' | b'D' | b'V') || (matches!(kind, 0 | b'0') && size == 0 && name.ends_with('/')) {
        return each(Found::Mark) && pass_over(window, size, each);
    }
    let whole = Some(size);
    match kind {
        b'1' | b'2' | b'3' | b'4' | b'6' => each(Found::Entry(Entry { name, size: None, body: Body::Special })),
        b'S' | b'M' => {
            // A file with holes: their map goes on in blocks of its own.
            let mut goes_on = kind == b'S' && header[482] != 0;
            while goes_on {
                let Some(more) = window.fill(BLOCK).first_chunk::<BLOCK>() else { break };
                goes_on = more[504] != 0;
                window.consume(BLOCK);
            }
            let reason = if kind == b'S' { "sparse_file" } else { "part_of_a_file" };
            each(Found::Entry(Entry { name, size: whole, body: Body::Unsupported(reason) }))
                && pass_over(window, size, each)
        }
        _ if said.is_sparse => {
            let body = Body::Unsupported("sparse_file");
            each(Found::Entry(Entry { name, size: None, body })) && pass_over(window, size, each)
        }
        _ => {
            let end = window.offset().saturating_add(size);
            let mut data = Data { window, end, has_failed: false };
            let body = Body::Bytes { read: &mut data, packed: None };
            let goes_on = each(Found::Entry(Entry { name, size: whole, body })) && !data.has_failed;
            let left = end.saturating_sub(window.offset());
            goes_on && pass_over(window, left, each)
        }
    }
}

/// The bytes of one member.
struct Data<'d, 'r> {
    window: &'d mut Window<'r>,
    end: u64,
    has_failed: bool,
}

impl Read for Data<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.window.offset());
        if left == 0 || self.has_failed || buf.is_empty() {
            return Ok(0);
        }
        let ahead = self.window.fill(1);
        if ahead.is_empty() {
            self.has_failed = true;
            let fault = self.window.take_error().as_ref().map(Fault::of);
            return Err(fault.unwrap_or_else(ends_early).into());
        }
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(ahead.len()).min(buf.len());
        buf[..n].copy_from_slice(&ahead[..n]);
        self.window.consume(n);
        Ok(n)
    }
}
