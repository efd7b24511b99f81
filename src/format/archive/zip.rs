//! zip (APPNOTE.TXT), ZIP64 too: the central directory says what is inside; where it is missing, what can be found from
//! the start is read.
//!
//! Headers are read here and not by the `zip` crate, which keeps every entry of the directory in memory and one of
//! several that have the same name.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::super::{Format, Outcome};
use super::{Body, Decoding, Each, Entry, Fault, Found, Packed};
use crate::record::{Code, Lineage, Reject, Stage};
use crate::spool;

mod directory;
mod name;

use directory::{Directory, Header};

/// zip, also one without members.
pub static FORMAT: Format = Format {
    name: "zip",
    title: "zip archive",
    usual_names: "*.zip",
    yields: "its members, each read as what it is; encrypted ones are named (status locked)",
    source: "APPNOTE.TXT 6.3.10",
    sniff: |head| head.bytes.starts_with(b"PK\x03\x04") || head.bytes.starts_with(b"PK\x05\x06"),
    read: None,
    unpack: Some(unpack),
    border: None,
};

/// Compression methods (APPNOTE 4.4.5).
const STORED: u16 = 0;
const DEFLATE: u16 = 8;
const DEFLATE64: u16 = 9;
const ZSTANDARD: u16 = 93;
/// Marks an entry with AES encryption (APPNOTE 7.2.2.2); the real method stands elsewhere.
const AES: u16 = 99;

/// Bytes of a member read from the file at a time.
const READ_AHEAD: u64 = 64 * 1024;

fn unpack(packed: Packed<'_, '_>, each: &mut Each<'_>) -> Outcome {
    // What is no file is copied to one; how much that may be the limit of unpacked bytes says.
    let opened = spool::file_of(packed.window, packed.file, u64::MAX).and_then(|(file, error)| {
        let directory = if error.is_none() { open(&file)? } else { None };
        Ok((file, error, directory))
    });
    match opened {
        Ok((file, None, Some(directory))) => by_directory(&file, directory, each),
        Ok((file, error, _)) => forwards(&file, error.as_ref().map(Fault::of), each),
        Err(error) => {
            each(Found::Reject(Fault::of(&error).into_reject(Lineage::default())));
            Outcome::Failed
        }
    }
}

fn open(file: &File) -> io::Result<Option<Directory>> {
    Directory::find(file, (&*file).seek(SeekFrom::End(0))?)
}

/// Hands on what the central directory lists.
fn by_directory(file: &File, mut directory: Directory, each: &mut Each<'_>) -> Outcome {
    let (mut goes_on, mut met) = (true, 0);
    // Entries take bytes of their own: those of a bomb all take the same.
    let (mut left, mut overlap) = (file.metadata().map_or(0, |file| file.len()), false);
    while goes_on {
        let at = directory.offset();
        goes_on = match directory.next(file) {
            Ok(Some(header)) if header.packed > left => {
                overlap = true;
                each(lost(at, Code::BadStructure, "the entries of the zip archive take more bytes than it has"))
            }
            Ok(Some(header)) => {
                left -= header.packed;
                let data = directory.data_of(file, &header);
                hand_on(file, header, data, each)
            }
            Ok(None) if met >= directory.promised() => {
                return if overlap { Outcome::Incomplete } else { Outcome::Complete };
            }
            Ok(None) => {
                let told = format!("the directory of the zip archive lists {met} entries of {}", directory.promised());
                each(lost(at, Code::BadStructure, told));
                false
            }
            Err(error) => {
                each(Found::Reject(Fault::of(&error).into_reject(Lineage::at(at))));
                false
            }
        };
        met += 1;
    }
    Outcome::Incomplete
}

/// Hands on what stands at the start of an archive that has lost its end, as far as each entry says its length; `why` it
/// was lost, where that is known.
fn forwards(file: &File, why: Option<Fault>, each: &mut Each<'_>) -> Outcome {
    let mut at = 0;
    if let Some(fault) = why {
        each(Found::Reject(fault.into_reject(Lineage::default())));
    }
    loop {
        let (why, code) = match directory::local(file, at) {
            Ok(Some((header, data))) if header.has_sizes() => {
                let end = data.checked_add(header.packed);
                if !hand_on(file, header, Ok(data), each) {
                    return Outcome::Incomplete;
                }
                at = end.unwrap_or(u64::MAX);
                continue;
            }
            Ok(Some(_)) => ("the zip archive has no directory, and an entry does not say its length", Code::Truncated),
            Ok(None) => ("the zip archive has no directory: members may be missing", Code::Truncated),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                ("the zip archive ends in an entry, before its directory", Code::Truncated)
            }
            Err(error) => {
                each(Found::Reject(Fault::of(&error).into_reject(Lineage::at(at))));
                return Outcome::Incomplete;
            }
        };
        each(lost(at, code, why));
        return Outcome::Incomplete;
    }
}

fn lost<'f>(at: u64, code: Code, message: impl Into<String>) -> Found<'f> {
    Found::Reject(Reject::lost(Lineage::at(at), Stage::Read, code, message))
}

/// Hands on one entry, whose bytes begin at `data`.
fn hand_on(file: &File, header: Header, data: io::Result<u64>, each: &mut Each<'_>) -> bool {
    if header.is_folder() {
        return each(Found::Mark);
    }
    let (taken, size) = (Cell::new(0), Some(header.size));
    let mut entry = |body: Body<'_>| each(Found::Entry(Entry { name: header.name.clone(), size, body }));
    if header.is_link {
        return entry(Body::Special);
    }
    if header.is_encrypted || header.method == AES {
        return entry(Body::Locked);
    }
    let start = match data {
        Ok(start) => start,
        Err(error) => return entry(Body::Broken(Fault::of(&error))),
    };
    let section = Section { file, at: start, left: header.packed, taken: &taken };
    let capacity = header.packed.clamp(512, READ_AHEAD) as usize;
    let section = BufReader::with_capacity(capacity, section);
    let mut read: Box<dyn Read + '_> = match header.method {
        STORED => Box::new(section),
        DEFLATE => Box::new(DeflateDecoder::new(section)),
        DEFLATE64 => Box::new(deflate64::Deflate64Decoder::with_buffer(section)),
        ZSTANDARD => match zstd::stream::read::Decoder::with_buffer(section) {
            Ok(decoder) => Box::new(decoder),
            Err(error) => return entry(Body::Broken(Fault::new(Code::Internal, format!("no zstd decoder: {error}")))),
        },
        _ => return entry(Body::Unsupported("compression_method")),
    };
    let decoding = Decoding::new(&mut read, "zip");
    let mut whole = Whole { read: decoding, header: &header, count: 0, crc: Crc::new(), is_over: false };
    entry(Body::Bytes { read: &mut whole, packed: Some(&taken) })
}

/// A part of the file.
struct Section<'s> {
    file: &'s File,
    at: u64,
    left: u64,
    taken: &'s Cell<u64>,
}

impl Read for Section<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.at))?;
        let n = file.read(&mut buf[..most])?;
        if n == 0 {
            return Err(Fault::new(Code::Truncated, "the zip archive ends inside a member").into());
        }
        self.at += n as u64;
        self.left -= n as u64;
        self.taken.set(self.taken.get() + n as u64);
        Ok(n)
    }
}

/// The bytes of a member, held to what its entry says of length and checksum.
struct Whole<'w, R> {
    read: R,
    header: &'w Header,
    count: u64,
    crc: Crc,
    is_over: bool,
}

impl<R: Read> Read for Whole<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.is_over || buf.is_empty() {
            return Ok(0);
        }
        let n = self.read.read(buf)?;
        self.count += n as u64;
        self.crc.update(&buf[..n]);
        let fault = if self.count > self.header.size {
            "a member of the zip archive is longer than its entry says"
        } else if n > 0 {
            return Ok(n);
        } else if self.count < self.header.size {
            "a member of the zip archive is shorter than its entry says"
        } else if self.crc.sum() != self.header.crc {
            "a member of the zip archive has another checksum than its entry says"
        } else {
            self.is_over = true;
            return Ok(0);
        };
        self.is_over = true;
        Err(Fault::new(Code::BadStructure, fault).into())
    }
}
