//! BER to DER, as far as frames go: for the rare certificate that was not encoded in DER.
//!
//! Lengths become definite and minimal, BOOLEAN values 00 or FF. Values are not touched otherwise; in particular
//! a string in several pieces stays one.

use crate::der::{self, Items, tag};

/// Deepest nesting that is followed. Certificates have about ten levels.
const MAX_DEPTH: u32 = 24;

/// The first element of `bytes` in DER, or `None` if it has no readable frame.
pub(super) fn to_der(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    write(&mut out, &der::read(bytes)?, 0)?;
    Some(out)
}

fn write(out: &mut Vec<u8>, element: &der::Tlv<'_>, depth: u32) -> Option<()> {
    const CONSTRUCTED: u8 = 0x20;
    if element.tag & CONSTRUCTED == 0 {
        let boolean: &[u8] = match (element.tag, element.content) {
            (tag::BOOLEAN, [value]) if *value != 0 => &[0xff],
            (_, content) => content,
        };
        return push(out, element.tag, boolean);
    }
    if depth == MAX_DEPTH {
        return None;
    }
    let mut content = Vec::with_capacity(element.content.len());
    let mut items = Items::new(element.content);
    for item in &mut items {
        write(&mut content, &item, depth + 1)?;
    }
    if !items.rest().is_empty() {
        return None;
    }
    push(out, element.tag, &content)
}

fn push(out: &mut Vec<u8>, tag: u8, content: &[u8]) -> Option<()> {
    let (length, count) = length_octets(content.len());
    out.push(tag);
    out.extend_from_slice(length.get(..count)?);
    out.extend_from_slice(content);
    Some(())
}

/// Minimal length octets (X.690 10.1) and how many of them are used.
pub(super) fn length_octets(length: usize) -> ([u8; 9], usize) {
    let mut octets = [0; 9];
    if length < 0x80 {
        octets[0] = length as u8; // fits: just compared
        return (octets, 1);
    }
    let digits = length.to_be_bytes();
    let used = digits.iter().skip_while(|digit| **digit == 0);
    let mut count = 1;
    for (slot, digit) in octets.iter_mut().skip(1).zip(used) {
        *slot = *digit;
        count += 1;
    }
    octets[0] = 0x80 | (count - 1);
    (octets, usize::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_and_long_lengths_become_minimal() {
        let ber = [0x30, 0x80, 0x30, 0x81, 0x03, 0x01, 0x01, 0x01, 0x04, 0x82, 0x00, 0x01, 0x07, 0x00, 0x00];
        assert_eq!(to_der(&ber), Some(vec![0x30, 0x08, 0x30, 0x03, 0x01, 0x01, 0xff, 0x04, 0x01, 0x07]));
    }

    #[test]
    fn der_stays_as_it_is() {
        let mut der = vec![0x30, 0x82, 0x01, 0x04, 0x04, 0x82, 0x01, 0x00];
        der.extend([7; 256]);
        assert_eq!(to_der(&der), Some(der));
    }

    #[test]
    fn broken_and_deep_elements_are_refused() {
        assert_eq!(to_der(&[0x30, 0x03, 0x02, 0x05, 0x00]), None);
        let mut deep = vec![0x05, 0x00];
        for _ in 0..30 {
            deep = [&[0x30, deep.len() as u8][..], &deep].concat();
        }
        assert_eq!(to_der(&deep), None);
    }
}
