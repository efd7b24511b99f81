//! The central directory of a zip archive, entry by entry, and the headers that stand before members.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::super::Fault;
use super::name::decode;
use crate::record::Code;

/// End of central directory record without its comment (APPNOTE 4.3.16).
const END: usize = 22;
/// Longest comment: its length is 16 bits.
const COMMENT: u64 = 65_535;
/// ZIP64 end of central directory locator (4.3.15) and record (4.3.14), as far as they are needed.
const LOCATOR: usize = 20;
const END64: usize = 56;
/// Headers of an entry without what varies in length: in the directory (4.3.12) and before the member (4.3.7).
const CENTRAL: usize = 46;
const LOCAL: usize = 30;

/// Flags of an entry (4.4.4): encrypted; sizes stand behind the data; the name is UTF-8.
const ENCRYPTED: u16 = 1;
const SIZES_BEHIND: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;

/// What is known of one entry.
pub(super) struct Header {
    /// Name, decoded.
    pub name: String,
    /// Compression method.
    pub method: u16,
    /// Size of the packed data in bytes.
    pub packed: u64,
    /// Size of the member in bytes.
    pub size: u64,
    /// CRC-32 of the member.
    pub crc: u32,
    /// The data is encrypted.
    pub is_encrypted: bool,
    /// A symbolic link of a Unix system.
    pub is_link: bool,
    flags: u16,
    /// Offset of the header before the member, as the directory says it.
    local: u64,
}

impl Header {
    /// A folder: its name ends in a slash; programs on Windows have written backslashes.
    pub fn is_folder(&self) -> bool {
        self.size == 0 && self.name.ends_with(['/', '\\'])
    }

    /// The sizes are known before the data; of encrypted data, too.
    pub fn has_sizes(&self) -> bool {
        self.flags & SIZES_BEHIND == 0 || self.packed > 0
    }
}

/// The central directory, read as it goes.
pub(super) struct Directory {
    at: u64,
    end: u64,
    promised: u64,
}

impl Directory {
    /// Finds the directory by the record at the end of the file; `None` where there is no such record.
    pub fn find(file: &File, len: u64) -> io::Result<Option<Self>> {
        let tail_len = len.min(END as u64 + COMMENT);
        let tail_at = len - tail_len;
        let tail = bytes(file, tail_at, tail_len as usize)?;
        // The last one wins; a comment that ends where the file ends is a better sign than one that does not.
        let ends = memchr::memmem::rfind_iter(&tail, b"PK\x05\x06").filter_map(|at| {
            let record = tail[at..].first_chunk::<END>()?;
            let comment = usize::from(u16_at(record, 20));
            Some((at, *record, at + END + comment == tail.len()))
        });
        let ends: Vec<_> = ends.take(64).collect();
        let Some((at, end, _)) = ends.iter().find(|(_, _, exact)| *exact).or(ends.first()) else { return Ok(None) };
        let end_at = tail_at + *at as u64;
        let (mut promised, mut size, mut offset) =
            (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
        let mut directory_end = end_at;
        if (promised == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff)
            && let Some((at, end64)) = find64(file, end_at)?
        {
            // The record, its locator of 20 bytes and the end stand side by side, or it is another archive's (APPNOTE 4.3.14).
            let record = u64_at(&end64, 4).saturating_add(12 + 20);
            if at.saturating_add(record) != end_at {
                return Ok(None);
            }
            (promised, size, offset) = (u64_at(&end64, 32), u64_at(&end64, 40), u64_at(&end64, 48));
            directory_end = at;
        }
        let start = directory_end.checked_sub(size);
        let shift = start.and_then(|start| start.checked_sub(offset));
        // A directory that counts from elsewhere than the start of the file is another archive's: this one was cut off, and its
        // last member is an archive, or one was appended to it. It is read forwards, so that no member is passed over.
        if shift.is_some_and(|shift| shift > 0) {
            return Ok(None);
        }
        let (Some(start), Some(_)) = (start, shift) else {
            return Err(Fault::new(Code::BadStructure, "the zip archive says of its directory what cannot be").into());
        };
        Ok(Some(Directory { at: start, end: directory_end, promised }))
    }

    /// Offset of the next entry in the file.
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Entries there should be.
    pub fn promised(&self) -> u64 {
        self.promised
    }

    /// The next entry.
    pub fn next(&mut self, file: &File) -> io::Result<Option<Header>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let damaged = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Fault::new(Code::BadStructure, "the directory of the zip archive ends early").into()
            }
            _ => error,
        };
        let fixed = bytes(file, self.at, CENTRAL).map_err(damaged)?;
        if !fixed.starts_with(b"PK\x01\x02") {
            return Err(Fault::new(Code::BadStructure, "the directory of the zip archive is damaged").into());
        }
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(&fixed, at)));
        let varying = bytes(file, self.at + CENTRAL as u64, name + extra).map_err(damaged)?;
        self.at += (CENTRAL + name + extra + comment) as u64;
        let (name, extra) = varying.split_at(name);
        let flags = u16_at(&fixed, 8);
        let mut sizes = [24, 20, 42].map(|at| u64::from(u32_at(&fixed, at)));
        zip64(extra, &mut sizes);
        let [size, packed, local] = sizes;
        // Made on Unix or macOS (4.4.2), the upper half of the attributes is the file's mode.
        let is_unix = matches!(fixed[5], 3 | 19);
        Ok(Some(Header {
            name: decode(name, flags & UTF8 != 0, extra),
            method: u16_at(&fixed, 10),
            packed,
            size,
            crc: u32_at(&fixed, 16),
            is_encrypted: flags & ENCRYPTED != 0,
            is_link: is_unix && u16_at(&fixed, 40) & 0xf000 == 0xa000,
            flags,
            local,
        }))
    }

    /// Offset of a member's packed data in the file.
    pub fn data_of(&self, file: &File, header: &Header) -> io::Result<u64> {
        let missing =
            || io::Error::from(Fault::new(Code::BadStructure, "a member of the zip archive is not where it should be"));
        let at = header.local;
        let fixed = bytes(file, at, LOCAL).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => missing(),
            _ => error,
        })?;
        if !fixed.starts_with(b"PK\x03\x04") {
            return Err(missing());
        }
        Ok(at + LOCAL as u64 + u64::from(u16_at(&fixed, 26)) + u64::from(u16_at(&fixed, 28)))
    }
}

/// The entry whose header stands at `at`, and where its data begins; `None` where no header stands there.
pub(super) fn local(file: &File, at: u64) -> io::Result<Option<(Header, u64)>> {
    let fixed = bytes(file, at, LOCAL)?;
    if !fixed.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let [name, extra] = [26, 28].map(|at| usize::from(u16_at(&fixed, at)));
    let varying = bytes(file, at + LOCAL as u64, name + extra)?;
    let (name, extra) = varying.split_at(name);
    let flags = u16_at(&fixed, 6);
    let mut sizes = [u64::from(u32_at(&fixed, 22)), u64::from(u32_at(&fixed, 18)), 0];
    zip64(extra, &mut sizes);
    let header = Header {
        name: decode(name, flags & UTF8 != 0, extra),
        method: u16_at(&fixed, 8),
        packed: sizes[1],
        size: sizes[0],
        crc: u32_at(&fixed, 14),
        is_encrypted: flags & ENCRYPTED != 0,
        is_link: false,
        flags,
        local: at,
    };
    Ok(Some((header, at + (LOCAL + varying.len()) as u64)))
}

/// Takes from the ZIP64 field (4.5.3) what does not fit 32 bits: size, packed size and offset, in this order, each only
/// where the header says so.
fn zip64(extra: &[u8], sizes: &mut [u64; 3]) {
    let Some(mut field) = field(extra, 1) else { return };
    for size in sizes.iter_mut().filter(|size| **size == 0xffff_ffff) {
        let Some((value, rest)) = field.split_first_chunk::<8>() else { return };
        *size = u64::from_le_bytes(*value);
        field = rest;
    }
}

/// The extra field with this id (4.5.1).
pub(super) fn field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    while let Some((&[a, b, c, d], rest)) = extra.split_first_chunk::<4>() {
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([c, d])))?;
        if u16::from_le_bytes([a, b]) == wanted {
            return Some(value);
        }
        extra = rest;
    }
    None
}

/// The ZIP64 record that belongs to the end record at `end_at`, and its offset.
fn find64(file: &File, end_at: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let Some(at) = end_at.checked_sub(LOCATOR as u64) else { return Ok(None) };
    let locator = bytes(file, at, LOCATOR)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    // Where bytes stand before the archive the record is not where the locator says, but right before it.
    for at in [Some(u64_at(&locator, 8)), at.checked_sub(END64 as u64)].into_iter().flatten() {
        match bytes(file, at, END64) {
            Ok(record) if record.starts_with(b"PK\x06\x06") => return Ok(Some((at, record))),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => {}
        }
    }
    Ok(None)
}

/// `len` bytes of the file from `at` on; at most 128 KiB are ever asked for.
fn bytes(file: &File, at: u64, len: usize) -> io::Result<Vec<u8>> {
    let (mut file, mut bytes) = (file, vec![0; len]);
    if i64::try_from(at).is_err() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |value| u16::from_le_bytes(*value))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |value| u32::from_le_bytes(*value))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |value| u64::from_le_bytes(*value))
}
