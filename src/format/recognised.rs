//! Formats that are recognised and named, but not read yet: a report can then say what a file is and why it gave
//! no rows. Binary formats by their magic number or DER shape, text by shapes that no language changes.
//!
//! The empty source is here too; it is complete and has nothing to read.

use super::der::{Kind, kind};
use super::text::head as text_of;
use super::{Format, Head, Input, Outcome, Read, ndjson, objects};
use crate::record::Sink;

const LATER: &str = "recognised only; not read by this version";

/// One entry: name, title, usual names, source, and the test.
macro_rules! recognised {
    ($($(#[doc = $doc:literal])+ $id:ident = $name:literal, $title:literal, $usual:literal, $source:literal, $sniff:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub static $id: Format = Format {
                name: $name,
                title: $title,
                usual_names: $usual,
                yields: LATER,
                source: $source,
                sniff: $sniff,
                read: None,
                unpack: None,
                border: None,
            };
        )+
    };
}

/// Nothing, a byte order mark alone, or white space: what redirected empty output leaves behind.
pub static EMPTY: Format = Format {
    name: "empty",
    title: "Empty file",
    usual_names: "any",
    yields: "nothing; not an error",
    source: "no octet beside white space and a byte order mark",
    sniff: is_empty,
    read: Some(read_nothing as Read),
    unpack: None,
    border: None,
};

fn is_empty(head: &Head<'_>) -> bool {
    // White space, NUL and byte order marks begin alike in every encoding; what begins otherwise need not be decoded.
    let may_be = head.bytes.first().is_none_or(|byte| matches!(byte, 0 | 9..=13 | 32 | 0xef | 0xfe | 0xff));
    head.complete && may_be && text_of(head).trim_ascii().is_empty()
}

fn read_nothing(_: Input<'_, '_>, _: &mut dyn Sink) -> Outcome {
    Outcome::Complete
}

recognised! {
    /// The database of an AD CS certification authority, as a file.
    ESE_DATABASE = "ese_database", "Extensible Storage Engine database (AD CS)", "*.edb", "ESE database header",
        |head| head.bytes.get(4..).is_some_and(|magic| magic.starts_with(&[0xef, 0xcd, 0xab, 0x89]));
    /// Parquet, for instance a report of this program.
    PARQUET = "parquet", "Apache Parquet", "*.parquet", "Apache Parquet format", |head| head.bytes.starts_with(b"PAR1");
    /// Other CMS.
    CMS_MESSAGE = "cms_message", "PKCS#7 message without certificates", "*.p7m", "RFC 5652", |head| is(head, Kind::OtherCms);
    /// JSON of objects that nobody reads.
    OTHER_JSON = "other_json", "other JSON", "*.json", "RFC 8259", is_json;
    /// `Export-Clixml` of objects that nobody reads.
    OTHER_CLIXML = "other_clixml", "other PowerShell CLIXML", "*.clixml, *.xml", "MS-PSRP 2.2.5",
        |head| objects::clixml::is_clixml(&text_of(head)) && !(objects::clixml::FORMAT.sniff)(head);
    /// CSV with a certificate column, but of no known kind.
    OTHER_CSV = "other_csv", "other CSV of certificates", "*.csv", "RFC 4180; PowerShell Export-Csv", is_csv;
}

fn is(head: &Head<'_>, wanted: Kind) -> bool {
    kind(head.bytes) == Some(wanted)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// `{` or `[`, and then what may follow it in JSON; a section title of an INI file has a letter there. Records a line
/// each are the business of `ndjson`.
fn is_json(head: &Head<'_>) -> bool {
    let text = text_of(head);
    let Some((open, rest)) = text.trim_ascii_start().split_first() else { return false };
    let next = rest.trim_ascii_start().first();
    matches!((open, next), (b'{', Some(b'"' | b'}')) | (b'[', Some(b'{' | b'[' | b'"' | b']')))
        && !ndjson::is_sniffed(head)
        && !objects::lines::sniff(head)
        && !(objects::json::FORMAT.sniff)(head)
}

/// A first line of column names, one of which names a certificate; PowerShell 5.1 puts a type line before it.
fn is_csv(head: &Head<'_>) -> bool {
    let text = text_of(head);
    lines(&text).find(|line| !line.starts_with(b"#TYPE ")).is_some_and(|header| {
        let columns = header.split(|b| matches!(b, b',' | b';' | b'\t')).map(|name| {
            let name = name.trim_ascii();
            name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name)
        });
        let names: [&[u8]; 4] = [b"thumbprint", b"sha1", b"rawdata", b"providername"];
        columns.clone().count() > 1
            && columns.clone().any(|c| names.iter().any(|n| c.eq_ignore_ascii_case(n)))
            && !(objects::csv::FORMAT.sniff)(head)
    })
}
