//! Zstandard (RFC 8878): frames one after the other, which are one stream of bytes.

use std::cell::Cell;

use zstd::stream::read::Decoder;

use super::super::{Format, Outcome};
use super::stream::hand_on;
use super::{Below, Decoding, Each, Fault, Found, Packed};
use crate::record::{Code, Lineage};

/// Zstandard.
pub static FORMAT: Format = Format {
    name: "zstd",
    title: "Zstandard",
    usual_names: "*.zst",
    yields: "one member, read as what it is",
    source: "RFC 8878",
    sniff: |head| is_zstd(head.bytes),
    read: None,
    unpack: Some(unpack),
    border: None,
};

/// Window of a frame that is accepted, as a power of two: the most that the zstd program takes without being asked.
const WINDOW_LOG: u32 = 27;

/// A frame (RFC 8878 3.1.1), or a skippable one before it (3.1.2), as parallel compressors write.
fn is_zstd(mut bytes: &[u8]) -> bool {
    while let Some((&[magic, 0x2a, 0x4d, 0x18, a, b, c, d], rest)) = bytes.split_first_chunk::<8>() {
        if !(0x50..0x60).contains(&magic) {
            break;
        }
        let Some(next) = rest.get(u32::from_le_bytes([a, b, c, d]) as usize..) else { return false };
        bytes = next;
    }
    bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

fn unpack(packed: Packed<'_, '_>, each: &mut Each<'_>) -> Outcome {
    let taken = Cell::new(0);
    let decoder = Decoder::with_buffer(Below::new(packed.window, &taken));
    let decoder = decoder.and_then(|mut decoder| decoder.window_log_max(WINDOW_LOG).map(|()| decoder));
    match decoder {
        Ok(decoder) => hand_on(packed.name, &mut Decoding::new(decoder, "zstd"), &taken, each),
        Err(error) => {
            let fault = Fault::new(Code::Internal, format!("no zstd decoder: {error}"));
            each(Found::Reject(fault.into_reject(Lineage::default())));
            Outcome::Failed
        }
    }
}
