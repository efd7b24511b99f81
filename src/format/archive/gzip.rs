//! gzip (RFC 1952): one or more members, which are one stream of bytes.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::super::{Format, Outcome, trailing_bytes};
use super::stream::hand_on;
use super::{Below, Decoding, Each, Found, Packed};
use crate::record::Lineage;

/// gzip.
pub static FORMAT: Format = Format {
    name: "gzip",
    title: "gzip",
    usual_names: "*.gz, *.tgz",
    yields: "one member, read as what it is",
    source: "RFC 1952",
    sniff: |head| head.bytes.starts_with(&MAGIC),
    read: None,
    unpack: Some(unpack),
    border: None,
};

/// ID1 and ID2 (RFC 1952 2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

fn unpack(packed: Packed<'_, '_>, each: &mut Each<'_>) -> Outcome {
    let taken = Cell::new(0);
    let members =
        Members { at: At::Member(Box::new(GzDecoder::new(Below::new(packed.window, &taken)))), trailing: None };
    let mut decoding = Decoding::new(members, "gzip");
    let outcome = hand_on(packed.name, &mut decoding, &taken, each);
    if let Some((start, count)) = decoding.read.trailing {
        each(Found::Reject(trailing_bytes(Lineage::at(start), count)));
    }
    outcome
}

/// The members of a gzip file, one after the other. Bytes behind them that are no member are passed over, as the gzip
/// program does.
struct Members<'b, 'r> {
    at: At<'b, 'r>,
    trailing: Option<(u64, u64)>,
}

enum At<'b, 'r> {
    Member(Box<GzDecoder<Below<'b, 'r>>>),
    End,
}

impl Read for Members<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let At::Member(decoder) = &mut self.at else { return Ok(0) };
            let n = decoder.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            let At::Member(decoder) = std::mem::replace(&mut self.at, At::End) else { return Ok(0) };
            let mut below = decoder.into_inner();
            if below.peek(2)?.starts_with(&MAGIC) {
                self.at = At::Member(Box::new(GzDecoder::new(below)));
            } else if !below.fill_buf()?.is_empty() {
                self.trailing = Some(below.rest());
            }
        }
    }
}
