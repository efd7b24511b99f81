//! A small DER writer (X.690): definite, minimal lengths only.
//!
//! For synthetic certificates alone: it trusts its caller to nest and order values as the ASN.1 modules ask.
//! Reading is the business of [`crate::der`].

use super::clock::Civil;

/// Identifier octets of what certificates are made of (X.690 8.1.2, X.680 8.6).
pub(super) mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OID: u8 = 0x06;
    pub const UTF8: u8 = 0x0c;
    pub const PRINTABLE: u8 = 0x13;
    pub const IA5: u8 = 0x16;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const BMP: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;

    /// `[number]`, primitive.
    pub const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// `[number]`, constructed.
    pub const fn nested(number: u8) -> u8 {
        0xa0 | number
    }
}

/// DER that grows at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Der {
    bytes: Vec<u8>,
}

impl Der {
    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the content and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Content written by `body`, under `tag`. The length is put in front once it is known.
    pub fn nest(&mut self, tag: u8, body: impl FnOnce(&mut Der)) {
        // Three length octets fit what certificates hold inside; shorter ones close the gap.
        self.bytes.extend([tag, 0x82, 0, 0]);
        let start = self.bytes.len();
        body(self);
        let len = self.bytes.len() - start;
        let (octets, used) = length(len);
        let from = start - 3;
        match used {
            3 => self.bytes[from..start].copy_from_slice(&octets[..3]),
            1 | 2 => {
                self.bytes[from..from + used].copy_from_slice(&octets[..used]);
                self.bytes.copy_within(start.., from + used);
                self.bytes.truncate(from + used + len);
            }
            _ => drop(self.bytes.splice(from..start, octets[..used].iter().copied())),
        }
    }

    /// A SEQUENCE.
    pub fn sequence(&mut self, body: impl FnOnce(&mut Der)) {
        self.nest(tag::SEQUENCE, body);
    }

    /// A value whose content is at hand.
    pub fn value(&mut self, tag: u8, content: &[u8]) {
        let (octets, used) = length(content.len());
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&octets[..used]);
        self.bytes.extend_from_slice(content);
    }

    /// Bytes that are DER already.
    pub fn raw(&mut self, der: &[u8]) {
        self.bytes.extend_from_slice(der);
    }

    /// An OBJECT IDENTIFIER.
    pub fn oid(&mut self, oid: &Oid) {
        self.value(tag::OID, oid.content());
    }

    /// A non-negative INTEGER from its big-endian octets.
    pub fn unsigned(&mut self, octets: &[u8]) {
        let zeros = octets.iter().take_while(|b| **b == 0).count();
        let octets = &octets[zeros..];
        match octets.first() {
            Some(first) if *first < 0x80 => self.value(tag::INTEGER, octets),
            _ => self.nest(tag::INTEGER, |d| {
                d.bytes.push(0);
                d.bytes.extend_from_slice(octets);
            }),
        }
    }

    /// A small non-negative INTEGER.
    pub fn number(&mut self, number: u32) {
        self.unsigned(&number.to_be_bytes());
    }

    /// A BIT STRING of whole octets.
    pub fn bit_string(&mut self, octets: &[u8]) {
        self.nest(tag::BIT_STRING, |d| {
            d.bytes.push(0);
            d.bytes.extend_from_slice(octets);
        });
    }

    /// A BIT STRING of up to eight named bits, trailing zero bits dropped (X.690 11.2.2).
    pub fn named_bits(&mut self, bits: u8) {
        let unused = bits.trailing_zeros().min(8) as u8;
        match unused {
            8 => self.value(tag::BIT_STRING, &[0]),
            _ => self.value(tag::BIT_STRING, &[unused, bits]),
        }
    }

    /// BOOLEAN TRUE; FALSE is always a default and so is never written.
    pub fn yes(&mut self) {
        self.value(tag::BOOLEAN, &[0xff]);
    }

    /// A BMPString (UTF-16, big-endian).
    pub fn bmp(&mut self, text: &str) {
        self.nest(tag::BMP, |d| text.encode_utf16().for_each(|unit| d.bytes.extend(unit.to_be_bytes())));
    }

    /// A Time as RFC 5280 4.1.2.5 asks: UTCTime through 2049, GeneralizedTime from 2050 on.
    pub fn time(&mut self, unix_seconds: i64) {
        let civil = Civil::from_unix(unix_seconds);
        let mut text = Vec::with_capacity(15);
        civil.push_digits(&mut text);
        text.push(b'Z');
        if civil.year < 2050 {
            self.value(tag::UTC_TIME, &text[2..]);
        } else {
            self.value(tag::GENERALIZED_TIME, &text);
        }
    }

    /// An Extension (RFC 5280 4.1): identifier, criticality, and the value that `body` writes.
    pub fn extension(&mut self, oid: &Oid, critical: bool, body: impl FnOnce(&mut Der)) {
        self.sequence(|d| {
            d.oid(oid);
            if critical {
                d.yes();
            }
            d.nest(tag::OCTET_STRING, body);
        });
    }
}

/// Length octets and how many of them count.
fn length(len: usize) -> ([u8; 5], usize) {
    match len {
        0..=0x7f => ([len as u8, 0, 0, 0, 0], 1),
        0x80..=0xff => ([0x81, len as u8, 0, 0, 0], 2),
        0x100..=0xffff => ([0x82, (len >> 8) as u8, len as u8, 0, 0], 3),
        _ => ([0x84, (len >> 24) as u8, (len >> 16) as u8, (len >> 8) as u8, len as u8], 5),
    }
}

/// Most content octets of an [`Oid`]; template identifiers need 35.
const OID_OCTETS: usize = 48;

/// Content octets of an OBJECT IDENTIFIER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Oid {
    octets: [u8; OID_OCTETS],
    len: usize,
}

impl Oid {
    /// Encodes arcs (X.690 8.19). At least two, the first two as the standard bounds them; the total must fit
    /// [`OID_OCTETS`], which the compiler checks for constants.
    pub const fn new(arcs: &[u32]) -> Self {
        let mut oid = Oid { octets: [0; OID_OCTETS], len: 0 };
        let mut at = 1;
        while at < arcs.len() {
            let arc = if at == 1 { arcs[0] * 40 + arcs[1] } else { arcs[at] };
            let mut septets = 1;
            while septets < 5 && arc >> (7 * septets) != 0 {
                septets += 1;
            }
            while septets > 0 {
                septets -= 1;
                let more = if septets > 0 { 0x80 } else { 0 };
                oid.octets[oid.len] = more | (arc >> (7 * septets)) as u8 & 0x7f;
                oid.len += 1;
            }
            at += 1;
        }
        oid
    }

    /// The content octets.
    pub fn content(&self) -> &[u8] {
        &self.octets[..self.len]
    }

    /// The dotted form.
    pub fn dotted(&self) -> String {
        crate::der::oid(self.content()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(body: impl FnOnce(&mut Der)) -> Vec<u8> {
        let mut der = Der::default();
        body(&mut der);
        der.bytes
    }

    #[test]
    fn lengths_are_minimal_at_every_size() {
        for len in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; len];
            let flat = written(|d| d.value(4, &content));
            let nested = written(|d| d.nest(4, |d| d.raw(&content)));
            assert_eq!(flat, nested);
            let read = crate::der::read(&flat).map(|t| (t.content.len(), t.total));
            assert_eq!(read, Some((len, flat.len())));
            assert_eq!(
                flat.len() - len,
                if len < 128 {
                    2
                } else if len < 256 {
                    3
                } else if len < 65_536 {
                    4
                } else {
                    6
                }
            );
        }
    }

    #[test]
    fn integers_and_bits_are_canonical() {
        assert_eq!(written(|d| d.number(0)), [2, 1, 0]);
        assert_eq!(written(|d| d.number(127)), [2, 1, 127]);
        assert_eq!(written(|d| d.number(128)), [2, 2, 0, 128]);
        assert_eq!(written(|d| d.number(65_537)), [2, 3, 1, 0, 1]);
        assert_eq!(written(|d| d.unsigned(&[0, 0, 5])), [2, 1, 5]);
        assert_eq!(written(|d| d.named_bits(0xa0)), [3, 2, 5, 0xa0]);
        assert_eq!(written(|d| d.named_bits(0)), [3, 1, 0]);
    }

    #[test]
    fn oids_read_back() {
        for arcs in [&[1u32, 3, 6, 1, 4, 1, 311, 21, 7][..], &[2, 5, 29, 15], &[1, 2, 840, 113_549, 4_294_967_295]] {
            let dotted: Vec<String> = arcs.iter().map(u32::to_string).collect();
            assert_eq!(Oid::new(arcs).dotted(), dotted.join("."));
        }
    }

    #[test]
    fn times_change_their_type_in_2050() {
        assert_eq!(written(|d| d.time(0)), b"\x17\x0d700101000000Z");
        assert_eq!(written(|d| d.time(2_524_607_999)), b"\x17\x0d491231235959Z");
        assert_eq!(written(|d| d.time(2_524_608_000)), b"\x18\x0f20500101000000Z");
    }
}
