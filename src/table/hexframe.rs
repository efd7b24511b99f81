//! Zstandard frames of hex, written directly.
//!
//! A report is full of digests in hex, written as Parquet writes text: four bytes of length, then the digits. Nothing
//! in them repeats but the lengths, and sixteen digits that are equally likely take four bits each: the digest itself.
//! So there is nothing to search and no statistics to take. The frame below (RFC 8878) has a Huffman table with
//! sixteen codes of four bits, and one sequence a value, which copies its length from that of the value before.

/// Most bytes of a block before compression (RFC 8878 3.1.1.2.4).
const MAX_BLOCK: usize = 128 * 1024;
/// Fewer values are not worth a table.
const MIN_VALUES: usize = 16;
/// Lengths of hex that are written so, each with its code as a length of literals and the bits that follow the code,
/// which are all zero for these (RFC 8878 3.1.1.3.2.1.1).
const LENGTHS: [(usize, u8, usize); 7] =
    [(16, 16, 1), (24, 20, 2), (32, 22, 3), (40, 23, 3), (48, 24, 4), (64, 25, 6), (128, 26, 7)];
/// Bytes of the length before a value.
const PREFIX: usize = 4;

/// Appends a frame with `body`, if that is `head` bytes of anything and then values of lower-case hex, all of one
/// length. `digests` is room.
pub fn pack(body: &[u8], head: usize, digests: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
    let Some((before, values)) = body.split_at_checked(head) else { return false };
    let Some(prefix) = values.first_chunk::<PREFIX>() else { return false };
    let digits = u32::from_le_bytes(*prefix) as usize;
    let stride = PREFIX + digits;
    if !is_worth(before, digits, values.len() / stride) || values.len() % stride != 0 {
        return false;
    }
    digests.clear();
    digests.reserve(values.len() / 2);
    for value in values.chunks_exact(stride) {
        let (length, hex) = value.split_at(PREFIX);
        if length != prefix || !decode(hex, digests) {
            return false;
        }
    }
    frame(before, digits, digests, out)
}

/// Appends a frame with `before` and then the hex of these values, each with its length before it; the length of all that.
/// `None` where they are not all of one length. `digests` is room.
pub fn pack_digests<'v>(
    before: &[u8],
    mut values: impl ExactSizeIterator<Item = &'v [u8]> + Clone,
    digests: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<usize> {
    let (count, length) = (values.len(), values.clone().next().map_or(0, <[u8]>::len));
    if !is_worth(before, 2 * length, count) {
        return None;
    }
    digests.clear();
    digests.reserve(count * length);
    let is_alike = values.all(|value| {
        digests.extend_from_slice(value);
        value.len() == length
    });
    (is_alike && frame(before, 2 * length, digests, out)).then(|| before.len() + count * (PREFIX + 2 * length))
}

/// So many values of this length are written as a frame.
fn is_worth(before: &[u8], digits: usize, count: usize) -> bool {
    LENGTHS.iter().any(|(length, ..)| *length == digits) && count >= MIN_VALUES && before.len() + PREFIX <= MAX_BLOCK
}

/// The frame for values of `digits` digits, given as the bytes they stand for.
fn frame(before: &[u8], digits: usize, digests: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(&(_, code, bits)) = LENGTHS.iter().find(|(length, ..)| *length == digits) else { return false };
    let stride = PREFIX + digits;
    let body = before.len() + digests.len() * 2 / digits * stride;
    let Ok(size) = u32::try_from(body) else { return false };
    let prefix = (digits as u32).to_le_bytes();

    // Magic number; one segment, its size in four bytes.
    out.extend_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0xa0]);
    out.extend_from_slice(&size.to_le_bytes());
    // A block as it is: what comes before the first value's digits.
    block_header(0, before.len() + PREFIX, false, out);
    out.extend_from_slice(before);
    out.extend_from_slice(&prefix);
    // The first value in a block by itself: it says the offset, and brings the table.
    let half = digits / 2;
    let (first, rest) = digests.split_at(half);
    block(first, true, false, out, |out| {
        let offset = stride as u32 + 3;
        let extra = offset.ilog2() as usize;
        out.extend_from_slice(&[1, RLE_MODES, code, extra as u8, MATCH_OF_PREFIX]);
        // The bits of the offset below its highest, above those of the length of literals. The highest one ends the
        // stream, where decoders begin.
        let stream = offset << bits;
        out.extend_from_slice(&stream.to_le_bytes()[..(extra + bits) / 8 + 1]);
    });
    // All others repeat that offset: each value's digits, then the length of the next.
    let most = MAX_BLOCK.min(body) / stride;
    let blocks = rest.chunks(most * half);
    let last = blocks.len();
    for (n, digests) in (1..).zip(blocks) {
        let sequences = digests.len() / half - usize::from(n == last);
        block(digests, false, n == last, out, |out| {
            match sequences {
                0 => return out.push(0),
                few @ 1..128 => out.push(few as u8),
                many => out.extend_from_slice(&[(many >> 8) as u8 | 0x80, many as u8]),
            }
            out.extend_from_slice(&[RLE_MODES, code, 0, MATCH_OF_PREFIX]);
            out.resize(out.len() + sequences * bits / 8, 0);
            out.push(1 << (sequences * bits % 8));
        });
    }
    true
}

/// All lengths of literals, all offsets and all lengths of matches have one code each.
const RLE_MODES: u8 = 0b0101_0100;
/// Code of a match of four bytes.
const MATCH_OF_PREFIX: u8 = 1;

fn block_header(kind: u32, size: usize, is_last: bool, out: &mut Vec<u8>) {
    let header = (size as u32) << 3 | kind << 1 | u32::from(is_last);
    out.extend_from_slice(&header.to_le_bytes()[..3]);
}

/// A block with the digits of these digests as literals and what `sequences` appends.
fn block(digests: &[u8], with_table: bool, is_last: bool, out: &mut Vec<u8>, sequences: impl FnOnce(&mut Vec<u8>)) {
    /// Symbols up to the last but one: that of `f` follows from the others.
    const WEIGHTS: usize = b'f' as usize;
    let start = out.len();
    block_header(2, 0, is_last, out);
    let literals = out.len();
    out.extend_from_slice(&[0; 5]);
    if with_table {
        // Weights of four bits, two a byte: one for a digit, none for all else.
        out.push((127 + WEIGHTS) as u8);
        let weight = |symbol: usize| u8::from(matches!(symbol as u8, b'0'..=b'9' | b'a'..=b'f'));
        out.extend((0..WEIGHTS).step_by(2).map(|symbol| weight(symbol) << 4 | weight(symbol + 1)));
    }
    // Four streams; each is read from its end, so its bytes stand in reverse below the one that ends it.
    let quarter = digests.len() / 4;
    for _ in 0..3 {
        out.extend_from_slice(&(quarter as u16 + 1).to_le_bytes());
    }
    for stream in digests.chunks_exact(quarter) {
        let at = out.len();
        out.extend_from_slice(stream);
        out[at..].reverse();
        out.push(1);
    }
    // Kind of literals: with a table or with that of the block before; sizes of 18 bits.
    let kind = if with_table { 2 } else { 3 };
    let size = out.len() - literals - 5;
    let header = kind | 3 << 2 | (digests.len() as u64 * 2) << 4 | (size as u64) << 22;
    out[literals..literals + 5].copy_from_slice(&header.to_le_bytes()[..5]);
    sequences(out);
    let size = out.len() - literals;
    let mut header = Vec::with_capacity(3);
    block_header(2, size, is_last, &mut header);
    out[start..literals].copy_from_slice(&header);
}

/// Appends the bytes that lower-case hex stands for; false where it is not that. Eight digits at a time.
fn decode(hex: &[u8], out: &mut Vec<u8>) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut wrong = 0;
    let (eights, rest) = hex.as_chunks::<8>();
    for eight in eights {
        let text = u64::from_le_bytes(*eight);
        // A letter has bit 6 and counts from 1.
        let digits = (text & (0x0f * ONES)) + ((text >> 6) & ONES) * 9;
        let letters = ((digits + 6 * ONES) >> 4) & ONES;
        let again = digits + 0x30 * ONES + letters * 0x27;
        wrong |= again ^ text | digits & (0xf0 * ONES);
        let pairs = (digits << 4 | digits >> 8) & 0x00ff_00ff_00ff_00ff;
        let pairs = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
        out.extend_from_slice(&((pairs | pairs >> 16) as u32).to_le_bytes());
    }
    wrong == 0 && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(head: &[u8], length: usize, count: usize, digit: impl Fn(usize) -> u8) -> Vec<u8> {
        let mut body = head.to_vec();
        for value in 0..count {
            body.extend_from_slice(&(length as u32).to_le_bytes());
            body.extend((0..length).map(|n| b"0123456789abcdef"[digit(value * 7919 + n * 31) as usize % 16]));
        }
        body
    }

    fn frame(body: &[u8], head: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        pack(body, head, &mut Vec::new(), &mut out).then_some(out)
    }

    fn check(body: &[u8], head: usize) {
        let frame = frame(body, head).expect("hex");
        let digits = u32::from_le_bytes(body[head..head + PREFIX].try_into().expect("a length")) as usize;
        let mut digests = Vec::new();
        let is_hex = body[head..].chunks_exact(PREFIX + digits).all(|value| decode(&value[PREFIX..], &mut digests));
        let values = digests.chunks_exact(digits / 2);
        let mut same = Vec::new();
        let length = pack_digests(&body[..head], values, &mut Vec::new(), &mut same);
        assert!(is_hex && length == Some(body.len()) && same == frame);
        let back = zstd::bulk::decompress(&frame, body.len()).expect("a frame");
        assert!(back == body);
        // A stream decoder keeps other books.
        assert!(zstd::stream::decode_all(&frame[..]).expect("a frame") == body);
    }

    #[test]
    fn frames_hold_what_went_in() {
        for (length, ..) in LENGTHS {
            let in_block = MAX_BLOCK / (length + PREFIX);
            for count in
                [16, 17, 20, 127, 128, 129, 130, in_block, in_block + 1, in_block + 2, 2 * in_block + 1, 20_000]
            {
                check(&body(&[], length, count.max(16), |n| (n * n / 7) as u8), 0);
                check(&body(b"levels", length, count.max(16), |n| (n >> 3) as u8), 6);
            }
            check(&body(&[7; 70_000], length, 16, |_| 3), 70_000);
        }
    }

    #[test]
    fn a_digit_takes_four_bits() {
        let body = body(&[], 64, 20_000, |n| (n * n / 7) as u8);
        let frame = frame(&body, 0).expect("hex");
        assert!(frame.len() < 20_000 * 33, "{}", frame.len());
    }

    #[test]
    fn what_is_not_hex_of_one_length_is_left_to_others() {
        let good = body(b"ab", 40, 30, |n| n as u8);
        assert!(frame(&good, 2).is_some());
        assert!(frame(&good, 1).is_none() && frame(&good, good.len() + 1).is_none());
        assert!(frame(&good[..good.len() - 1], 2).is_none());
        assert!(frame(&body(b"", 56, 30, |n| n as u8), 0).is_none());
        for wrong in (0..=255u8).filter(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            for at in [2 + 4, 2 + 44 * 7 + 11, good.len() - 1] {
                let mut bad = good.clone();
                bad[at] = wrong;
                assert!(frame(&bad, 2).is_none(), "{wrong:#x} at {at}");
            }
        }
        let mut other = good.clone();
        other[2 + 44 * 5] = 41;
        assert!(frame(&other, 2).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_digits_come_back(which in 0..LENGTHS.len(), count in 16..3000usize, seed: u64, head in 0..40usize) {
            let digit = |n: usize| ((n as u64).wrapping_mul(seed | 1) >> 29) as u8;
            check(&body(&vec![9; head], LENGTHS[which].0, count, digit), head);
        }
    }
}
