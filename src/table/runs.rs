//! Parquet's hybrid of runs and bit-packed numbers (Encodings.md, RLE = 3).
//!
//! Numbers are looked at in groups of eight: a group of equal numbers may begin a run, all others are packed at once
//! into as many bytes as a number has bits. Columns that are all alike never come here one by one: [`run`] says it.

/// Numbers of a packed group.
const GROUP: usize = 8;

/// Bits of the largest of `count` numbers.
pub fn bit_width(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

/// `count` times the same number.
pub fn run(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    varint((count as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Numbers of `width` bits.
pub fn hybrid(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    if width == 0 {
        return run(0, numbers.len(), width, out);
    }
    // A run costs its number and two lengths, its own and that of the packed groups after it.
    let cost = 2 + width.div_ceil(8) as usize;
    let (mut at, mut open) = (0, 0);
    while let Some(group) = numbers.get(at..at + GROUP) {
        let first = group[0];
        if group.iter().any(|number| *number != first) {
            at += GROUP;
            continue;
        }
        let alike = numbers[at..].iter().position(|number| *number != first);
        let end = alike.map_or(numbers.len(), |alike| at + alike / GROUP * GROUP);
        if (end - at) / GROUP * width as usize > cost {
            packed(&numbers[open..at], width, out);
            run(first, end - at, width, out);
            open = end;
        }
        at = end;
    }
    packed(&numbers[open..], width, out);
}

/// `count` numbers of one bit, eight a byte, lowest bits first; the last byte filled up with zeros.
pub fn hybrid_bits(bytes: &[u8], count: usize, out: &mut Vec<u8>) {
    // Bytes from which a run is worth its number and two lengths.
    hybrid_groups(bytes, count, 6, 1, |bytes, out| out.extend_from_slice(bytes), out);
}

/// `count` numbers of two bits, 3 where the bit is set and 0 elsewhere, from bits as [`hybrid_bits`] takes them.
pub fn hybrid_threes(bits: &[u8], count: usize, out: &mut Vec<u8>) {
    let twice = |bits: &[u8], out: &mut Vec<u8>| {
        for byte in bits {
            let far = (u16::from(*byte) | u16::from(*byte) << 4) & 0x0f0f;
            let far = (far | far << 2) & 0x3333;
            let far = (far | far << 1) & 0x5555;
            out.extend_from_slice(&(far * 3).to_le_bytes());
        }
    };
    hybrid_groups(bits, count, 3, 3, twice, out);
}

/// Groups of eight bits: runs of at least `least` groups as the number `set` or 0, others by `write`.
fn hybrid_groups(
    bytes: &[u8],
    count: usize,
    least: usize,
    set: u32,
    write: impl Fn(&[u8], &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let packed_groups = |groups: &[u8], out: &mut Vec<u8>| {
        if !groups.is_empty() {
            varint((groups.len() as u64) << 1 | 1, out);
            write(groups, out);
        }
    };
    let (mut at, mut open) = (0, 0);
    while let Some(first) = bytes.get(at) {
        if !matches!(first, 0 | 0xff) {
            at += 1;
            continue;
        }
        let alike = bytes[at..].iter().position(|byte| byte != first);
        let end = alike.map_or(bytes.len(), |alike| at + alike);
        if end - at >= least {
            packed_groups(&bytes[open..at], out);
            run(u32::from(first & 1) * set, count.min(end * GROUP) - at * GROUP, 1, out);
            open = end;
        }
        at = end;
    }
    packed_groups(&bytes[open..], out);
}

/// Packed groups, the last one filled up with zeros.
fn packed(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if !numbers.is_empty() {
        varint((numbers.len().div_ceil(GROUP) as u64) << 1 | 1, out);
        pack(numbers, width, out);
    }
}

/// Numbers of `width` bits, lowest bits first, without a length.
pub fn pack(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let (groups, rest) = numbers.as_chunks::<GROUP>();
    let bytes = width as usize;
    let mut last = [0; GROUP];
    last[..rest.len()].copy_from_slice(rest);
    let groups = groups.iter().chain((!rest.is_empty()).then_some(&last));
    if bytes <= 8 {
        for group in groups {
            let bits = (0..).zip(group).fold(0, |bits, (n, number)| bits | u64::from(*number) << (n * width));
            out.extend_from_slice(&bits.to_le_bytes()[..bytes]);
        }
    } else if bytes <= 16 {
        for group in groups {
            let half =
                |half: &[u32]| (0..).zip(half).fold(0, |bits, (n, number)| bits | u64::from(*number) << (n * width));
            let bits = u128::from(half(&group[..4])) | u128::from(half(&group[4..])) << (4 * width);
            out.extend_from_slice(&bits.to_le_bytes()[..bytes]);
        }
    } else {
        // More values than a group has rows: only lists of hostile length get here.
        let (mut bits, mut held) = (0u64, 0);
        for number in groups.flatten() {
            bits |= u64::from(*number) << held;
            held += width;
            while held >= 8 {
                out.push(bits as u8);
                bits >>= 8;
                held -= 8;
            }
        }
    }
}

/// A number in groups of seven bits, lowest first.
pub fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}
