//! xz: streams one after the other, which are one stream of bytes.

use std::cell::Cell;

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::super::{Format, Outcome};
use super::stream::hand_on;
use super::{Below, Decoding, Each, Fault, Found, Packed};
use crate::record::{Code, Lineage};

/// xz.
pub static FORMAT: Format = Format {
    name: "xz",
    title: "xz",
    usual_names: "*.xz",
    yields: "one member, read as what it is",
    source: "The .xz File Format 2.1.1",
    sniff: |head| head.bytes.starts_with(b"\xfd7zXZ\0"),
    read: None,
    unpack: Some(unpack),
    border: None,
};

/// Memory that the decoder may take, in bytes: the largest preset of the xz program needs 65 MiB.
const MEMORY: u64 = 136 * 1024 * 1024;

fn unpack(packed: Packed<'_, '_>, each: &mut Each<'_>) -> Outcome {
    let taken = Cell::new(0);
    match Stream::new_stream_decoder(MEMORY, CONCATENATED) {
        Ok(stream) => {
            let decoder = XzDecoder::new_stream(Below::new(packed.window, &taken), stream);
            hand_on(packed.name, &mut Decoding::new(decoder, "xz"), &taken, each)
        }
        Err(error) => {
            let fault = Fault::new(Code::Internal, format!("no xz decoder: {error}"));
            each(Found::Reject(fault.into_reject(Lineage::default())));
            Outcome::Failed
        }
    }
}
