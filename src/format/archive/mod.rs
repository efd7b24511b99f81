//! Archives and compressed files: their members are sources of their own, read as they stream.
//!
//! An unpacker finds members and hands them on, one after the other; it never learns what becomes of them. No name
//! inside an archive is ever used as a path on disk. How far unpacking goes is bounded by [`Limits`], which [`Budget`]
//! keeps for one file and everything nested in it.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::Path;

use super::Outcome;
use crate::input::Window;
use crate::record::{Code, Lineage, Reject, Stage};

mod budget;
pub mod gzip;
mod stream;
pub mod tar;
pub mod xz;
pub mod zip;
pub mod zstd;

#[cfg(test)]
mod tests;

pub use budget::{Budget, Limits, Meter};

/// Longest name of a member that is kept, in bytes: what is nested is named by all its names together.
pub const MAX_NAME: usize = 1024;

/// What an unpacker gets.
pub struct Packed<'p, 'r> {
    /// The bytes of the archive, from their start.
    pub window: &'p mut Window<'r>,
    /// The file, where the archive is one.
    pub file: Option<&'p Path>,
    /// Path of the archive; the name of a compressed file's one member is made from it.
    pub name: &'p str,
}

/// What an unpacker meets, in the order of the archive.
pub enum Found<'f> {
    /// A member.
    Entry(Entry<'f>),
    /// A folder or another mark that is no source; it only counts towards the limit of members.
    Mark,
    /// Something about the archive itself that could not be read.
    Reject(Reject),
}

/// A member of an archive.
pub struct Entry<'f> {
    /// Its name as the archive has it, decoded.
    pub name: String,
    /// Its size in bytes, as far as the archive says.
    pub size: Option<u64>,
    /// Its bytes, or why there are none.
    pub body: Body<'f>,
}

/// The bytes of a member.
pub enum Body<'f> {
    /// To be read while the unpacker waits; what is left unread is passed over.
    Bytes {
        /// The unpacked bytes. An error is a [`Fault`].
        read: &'f mut dyn Read,
        /// Bytes of the archive that were used up for this member so far; `None` where nothing is compressed.
        packed: Option<&'f Cell<u64>>,
    },
    /// They are encrypted.
    Locked,
    /// They are packed in a way that is not read; the reason, lower_snake.
    Unsupported(&'static str),
    /// The member is a link or a device and has none.
    Special,
    /// They cannot be found.
    Broken(Fault),
}

/// Takes what an unpacker meets. False: the unpacker ends, with [`Outcome::Incomplete`].
pub type Each<'e> = dyn FnMut(Found<'_>) -> bool + 'e;

/// Unpacks one archive from start to end.
pub type Unpack = fn(Packed<'_, '_>, &mut Each<'_>) -> Outcome;

/// Why the bytes of a member end early; travels as the inner error of an [`io::Error`], through archives in archives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code of the reject that it becomes.
    pub code: Code,
    /// Its message.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        io::Error::other(fault)
    }
}

impl Fault {
    /// A fault.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Fault { code, message: message.into() }
    }

    /// The fault inside an error; any other error is one of the machine.
    pub fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>());
        inner.cloned().unwrap_or_else(|| Fault::new(Code::Io, error.to_string()))
    }

    /// The archive, not the machine, is why.
    pub fn is_of_archive(&self) -> bool {
        self.code != Code::Io
    }

    /// The reject that it becomes: the rest of the source is lost.
    pub fn into_reject(self, lineage: Lineage) -> Reject {
        Reject::lost(lineage, Stage::Read, self.code, self.message)
    }
}

/// The bytes of an archive for a decoder, counted; an error of theirs is told from one of the decoder.
pub(super) struct Below<'b, 'r> {
    window: &'b mut Window<'r>,
    taken: &'b Cell<u64>,
}

impl<'b, 'r> Below<'b, 'r> {
    /// The rest of a window.
    pub(super) fn new(window: &'b mut Window<'r>, taken: &'b Cell<u64>) -> Self {
        Below { window, taken }
    }

    /// The bytes ahead, `want` of them unless there are fewer.
    fn peek(&mut self, want: usize) -> io::Result<&[u8]> {
        if self.window.fill(want).len() < want
            && let Some(error) = self.window.take_error()
        {
            return Err(Fault::of(&error).into());
        }
        Ok(self.window.available())
    }

    /// Passes over the rest; how many bytes it had, and where it began.
    fn rest(&mut self) -> (u64, u64) {
        let start = self.window.offset();
        (start, self.window.skip(u64::MAX))
    }
}

impl Read for Below<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Below<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, n: usize) {
        self.window.consume(n);
        self.taken.set(self.taken.get() + n as u64);
    }
}

/// Bytes asked of a decoder at a time. Decoders drop what a call has given before the damage that it met.
const PIECE: usize = 4 * 1024;

/// What comes out of a decoder. Its errors become faults, and after one nothing comes.
pub(super) struct Decoding<R> {
    read: R,
    /// What is decoded, for messages.
    what: &'static str,
    has_failed: bool,
    /// The fault, until it is told.
    fault: Option<Fault>,
}

impl<R: Read> Decoding<R> {
    fn new(read: R, what: &'static str) -> Self {
        Decoding { read, what, has_failed: false, fault: None }
    }
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault.take() {
            return Err(fault.into());
        }
        let mut filled = 0;
        while filled < buf.len() && !self.has_failed {
            let end = buf.len().min(filled + PIECE);
            match self.read.read(&mut buf[filled..end]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.has_failed = true;
                    self.fault = Some(decoder_fault(self.what, &error));
                }
            }
        }
        match self.fault.take_if(|_| filled == 0) {
            Some(fault) => Err(fault.into()),
            None => Ok(filled),
        }
    }
}

/// The fault that a decoder's error is.
fn decoder_fault(what: &str, error: &io::Error) -> Fault {
    if error.get_ref().is_some_and(|inner| inner.is::<Fault>()) {
        return Fault::of(error);
    }
    let told = error.to_string();
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::new(Code::Truncated, format!("the {what} data ends early")),
        // What the decoders say of a window or dictionary over the limit; they have no kind for it.
        _ if told.contains("memory") => {
            Fault::new(Code::TooLarge, format!("the {what} data cannot be unpacked: {told}"))
        }
        _ => Fault::new(Code::BadStructure, format!("the {what} data is damaged: {told}")),
    }
}

/// The part of a member's name that is kept, and whether that is less than all.
pub fn clip_name(mut name: String) -> (String, bool) {
    let is_long = name.len() > MAX_NAME;
    if is_long {
        let end = (0..=MAX_NAME).rev().find(|end| name.is_char_boundary(*end));
        name.truncate(end.unwrap_or_default());
    }
    (name, is_long)
}
