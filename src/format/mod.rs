//! Input formats: one file each, one entry each in [`FORMATS`].
//!
//! To add a format: write `src/format/NAME.rs` with a `sniff` and (if it is read) a `read` function, add one
//! entry to [`FORMATS`], and add `samples/NAME/` with its expected rows. The tests notice what was forgotten.
//!
//! A format is found by content, never by name. The order of the list is the order of the tests: a stricter
//! test stands before a looser one.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::input::{MAX_LINE, Window};
use crate::record::{Code, Lineage, Reject, Severity, Sink, Stage};
pub use code_page::CodePage;
pub use element::keys::KeyFiles;
pub use passwords::Passwords;

pub mod adcs;
pub mod appcmd;
pub mod archive;
pub mod bare_base64;
pub mod certutil;
pub mod code_page;
pub mod der;
pub mod element;
pub mod event;
pub mod mimikatz;
pub mod named;
pub mod ndjson;
pub mod netsh;
pub mod objects;
pub mod passwords;
pub mod pem;
pub mod pkcs12;
pub mod pkcs7;
pub mod private_key;
pub mod recognised;
pub mod registry;
pub mod registry_hive;
pub mod request;
pub mod sst;
pub mod template;
pub mod text;

mod endpoint;
mod nested;
mod place;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

/// Bytes of a source that are looked at to find its format.
pub const HEAD: usize = 64 * 1024;

/// The beginning of a source.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The first bytes, at most [`HEAD`].
    pub bytes: &'a [u8],
    /// `bytes` is the whole source.
    pub complete: bool,
    /// Length of the whole source, where known.
    pub len: Option<u64>,
}

/// What a reader gets: the bytes and the little it may know about their place.
pub struct Input<'i, 'r> {
    /// The bytes, from the start of the unit.
    pub window: &'i mut Window<'r>,
    /// Path of the source inside its input, and of the member inside its archive, with forward slashes. Only a place
    /// that nothing in the bytes tells is read from it: a user, a store, an element's name.
    pub path: &'i str,
    /// The file, where the whole source is one: for [`crate::spool`], and for what stands at the beginning of a file that is
    /// read from within.
    pub file: Option<&'i Path>,
    /// What the user asked of readers.
    pub setting: &'i Setting,
    /// What readers remember from unit to unit. It makes them faster and changes nothing else.
    pub memory: &'i mut Memory,
}

impl<'i> Input<'i, '_> {
    /// File name, without folders.
    pub fn name(&self) -> &'i str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

/// What readers know beside their bytes: what the user asked of them, and keys that stand in files of their own.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Keys of user trees.
    pub keys: Arc<KeyFiles>,
    /// Limit of one line, in bytes.
    pub max_line: usize,
    /// How far archives are unpacked.
    pub limits: archive::Limits,
    /// Passwords for encrypted exports.
    pub passwords: Passwords,
    /// Code page of 8-bit text.
    pub code_page: Option<CodePage>,
}

impl Default for Setting {
    fn default() -> Self {
        Setting {
            keys: Arc::default(),
            max_line: MAX_LINE,
            limits: archive::Limits::default(),
            passwords: Passwords::default(),
            code_page: None,
        }
    }
}

/// What the readers of one worker remember of what they read before. Bounded.
#[derive(Default)]
pub struct Memory {
    ndjson: ndjson::Memory,
}

/// How reading of a unit ended; rejects and rows were pushed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The end was reached as the format defines it.
    Complete,
    /// The unit ended early (truncated, no end mark); everything complete was yielded.
    Incomplete,
    /// The end was reached, and something stayed closed for want of a password that fits.
    Locked,
    /// By its beginning it was this format, but it cannot be read as such.
    Failed,
}

/// Reads one unit from its start to the end of its window, pushing what it finds.
pub type Read = fn(Input<'_, '_>, &mut dyn Sink) -> Outcome;

/// Finds the first record (census: run) border after the first whole record of the window. `None` if there is none.
pub type Near = fn(&mut Window<'_>) -> Option<u64>;

/// How the offsets are found where a large source may be cut.
#[derive(Clone, Copy)]
pub enum Border {
    /// From anywhere in the source.
    Near(Near),
    /// Only by counting from the start: for a window over the whole source, borders that are about so many bytes apart.
    Counted(fn(&mut Window<'_>, u64) -> Vec<u64>),
}

/// One input format.
pub struct Format {
    /// Name in `sources.format`, lower_snake.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Usual file names; for the documentation only.
    pub usual_names: &'static str,
    /// What a source of this format yields, or why it is not read yet.
    pub yields: &'static str,
    /// Where the format is defined.
    pub source: &'static str,
    /// Whether the source is of this format.
    pub sniff: fn(&Head<'_>) -> bool,
    /// The reader; `None` for formats that are recognised and reported as `unsupported`.
    pub read: Option<Read>,
    /// The unpacker of an archive or compressed file, which then has no reader: its members are sources of their own.
    pub unpack: Option<archive::Unpack>,
    /// Where a large file may be cut; `None` for formats that are read by one worker.
    pub border: Option<Border>,
}

impl Format {
    /// Sources of this format are read or unpacked, and not only recognised.
    pub fn is_read(&self) -> bool {
        self.read.is_some() || self.unpack.is_some()
    }
}

/// Every format, in the order of the tests: magic numbers, structures, then text.
pub const FORMATS: &[&Format] = &[
    &recognised::EMPTY,
    &sst::FORMAT,
    &registry_hive::LOG,
    &registry_hive::FORMAT,
    &registry::pol::FORMAT,
    &archive::gzip::FORMAT,
    &archive::zip::FORMAT,
    &archive::xz::FORMAT,
    &archive::zstd::FORMAT,
    &archive::tar::FORMAT,
    &event::evtx::FORMAT,
    &recognised::ESE_DATABASE,
    &recognised::PARQUET,
    &element::FORMAT,
    &der::CERTIFICATE,
    &pkcs7::FORMAT,
    &pkcs12::FORMAT,
    &request::PKCS10,
    &request::cmc::FORMAT,
    &named::CMC_RESPONSE,
    &named::CRL,
    &named::CTL,
    &named::ATTRIBUTE_CERTIFICATE,
    &recognised::CMS_MESSAGE,
    &private_key::FORMAT,
    &named::PUBLIC_KEY,
    &registry::text::FORMAT,
    &ndjson::CENSUS,
    &ndjson::FLAT,
    &objects::osquery_log::FORMAT,
    &objects::lines::FORMAT,
    &objects::json::FORMAT,
    &recognised::OTHER_JSON,
    &adcs::FORMAT,
    &adcs::csv::FORMAT,
    &pem::FORMAT,
    &event::xml::FORMAT,
    &objects::clixml::FORMAT,
    &recognised::OTHER_CLIXML,
    &template::LDIF,
    &template::PROPERTIES,
    &template::DSTEMPLATE,
    &certutil::FORMAT,
    &mimikatz::FORMAT,
    &netsh::FORMAT,
    &appcmd::FORMAT,
    &objects::csv::FORMAT,
    &recognised::OTHER_CSV,
    &bare_base64::FORMAT,
];

/// The name of a format of the list, for a name that was stored.
pub fn name(stored: &str) -> &'static str {
    FORMATS.iter().find(|format| format.name == stored).map_or("unknown", |format| format.name)
}

/// The format of this name is an archive or a compressed file.
pub fn is_archive(name: &str) -> bool {
    FORMATS.iter().any(|format| format.name == name && format.unpack.is_some())
}

/// Reads the start of a source of `len` bytes into `head`, one byte more than a head holds, so that a complete head
/// can be told from a cut one, and finds the format. What was read stands before what is left in `read`.
pub fn sniff_start(read: impl io::Read, len: u64, head: &mut Vec<u8>) -> io::Result<Option<&'static Format>> {
    head.clear();
    io::Read::read_to_end(&mut io::Read::take(read, HEAD as u64 + 1), head)?;
    Ok(sniff_bytes(head, Some(len)))
}

/// Finds the format of a source of `len` bytes, where that is known, by what stands ahead in its window.
pub fn sniff_window(window: &mut Window<'_>, len: Option<u64>) -> Option<&'static Format> {
    sniff_bytes(window.fill(HEAD + 1), len)
}

fn sniff_bytes(ahead: &[u8], len: Option<u64>) -> Option<&'static Format> {
    let bytes = &ahead[..ahead.len().min(HEAD)];
    let complete = ahead.len() <= HEAD;
    sniff(&Head { bytes, complete, len: if complete { Some(bytes.len() as u64) } else { len } })
}

/// The first format of the list that claims this head.
pub fn sniff(head: &Head<'_>) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| (format.sniff)(head))
}

/// The degraded reject for bytes after the end of the data.
fn trailing_bytes(lineage: Lineage, count: u64) -> Reject {
    let message = format!("{count} bytes after the end of the data were ignored");
    Reject { severity: Severity::Degraded, ..Reject::lost(lineage, Stage::Read, Code::TrailingBytes, message) }
}
