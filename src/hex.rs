//! Lower-case hex, both ways, without the formatting machinery: every certificate needs a dozen digests as text.

/// The two digits of every byte, so that a byte is one look-up.
const DIGITS: [[u8; 2]; 256] = {
    let hex = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [hex[byte >> 4], hex[byte & 15]];
        byte += 1;
    }
    table
};

/// Hands on the digits of `bytes` a digest at a time: one growth check for 32 bytes, not two a byte.
fn pieces(bytes: &[u8], mut take: impl FnMut(&[u8])) {
    for chunk in bytes.chunks(32) {
        let mut digits = [[0; 2]; 32];
        for (pair, byte) in digits.iter_mut().zip(chunk) {
            *pair = DIGITS[usize::from(*byte)];
        }
        take(digits.as_flattened().get(..2 * chunk.len()).unwrap_or_default());
    }
}

/// Appends the hex of `bytes` to bytes of text.
pub fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    pieces(bytes, |digits| out.extend_from_slice(digits));
}

/// The hex of `bytes`, as far as there is room for it.
pub fn write<'r>(bytes: &[u8], room: &'r mut [u8]) -> &'r [u8] {
    let (pairs, _) = room.as_chunks_mut::<2>();
    let count = pairs.len().min(bytes.len());
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = DIGITS[usize::from(*byte)];
    }
    &room[..2 * count]
}

/// Appends the hex of `bytes` to a text.
pub fn push_str(out: &mut String, bytes: &[u8]) {
    pieces(bytes, |digits| out.push_str(str::from_utf8(digits).unwrap_or_default()));
}

/// The hex of `bytes`.
pub fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    push_str(&mut out, bytes);
    out
}

/// The bytes of which `text` is the hex; `None` for another length or other characters.
pub fn parse<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |b: u8| char::from(b).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways() {
        let bytes: [u8; 70] = std::array::from_fn(|i| (i * 37) as u8);
        let digits = text(&bytes);
        assert_eq!(digits, bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert_eq!(parse(&digits), Some(bytes));
        let mut pushed = b"x".to_vec();
        push(&mut pushed, &bytes);
        assert_eq!(pushed, [b"x", digits.as_bytes()].concat());
        assert_eq!((parse::<1>("0"), parse::<1>("0g"), parse::<1>("000")), (None, None, None));
    }
}
