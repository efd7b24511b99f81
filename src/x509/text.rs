//! Digits without the formatting machinery: every certificate needs a dozen hex and dotted values.

pub(super) use crate::hex::{push_str as push_hex, text as hex};

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
