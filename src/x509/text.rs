//! Digits without the formatting machinery: every certificate needs a dozen hex and dotted values.

/// Digits of every byte, so that a byte is one look-up.
const DIGITS: [[u8; 2]; 256] = {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [HEX[byte >> 4], HEX[byte & 15]];
        byte += 1;
    }
    table
};

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    push_hex(&mut out, bytes);
    out
}

/// Appends lower-case hex.
pub(super) fn push_hex(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(32) {
        let mut digits = [[0; 2]; 32];
        for (pair, byte) in digits.iter_mut().zip(chunk) {
            *pair = DIGITS[usize::from(*byte)];
        }
        let digits = digits.as_flattened().get(..chunk.len() * 2).unwrap_or_default();
        out.push_str(str::from_utf8(digits).unwrap_or_default());
    }
}

/// Appends a decimal number.
pub(super) fn push_decimal(out: &mut String, number: u128) {
    match u64::try_from(number) {
        Ok(digit @ 0..=9) => out.push(char::from(b'0' + digit as u8)),
        Ok(mut number) => {
            let mut digits = [0; 20]; // u64::MAX has 20
            let mut from = digits.len();
            for digit in digits.iter_mut().rev() {
                if number == 0 {
                    break;
                }
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
                from -= 1;
            }
            out.push_str(digits.get(from..).and_then(|digits| str::from_utf8(digits).ok()).unwrap_or_default());
        }
        Err(_) => out.push_str(&number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_equal_those_of_the_standard_library() {
        for number in [0, 9, 10, 99, 311, 41482, u128::from(u64::MAX), u128::from(u64::MAX) + 1, u128::MAX] {
            let mut text = String::new();
            push_decimal(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn hex_of_any_length() {
        assert_eq!(hex(&[0x00, 0x9f, 0xff]), "009fff");
        let bytes: Vec<u8> = (0..=255).chain(0..=70).collect();
        assert_eq!(hex(&bytes), bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
}
