//! The ASN.1 string types of names (X.520 DirectoryString, and IA5String, NumericString, VisibleString).

use std::borrow::Cow;

/// Text of a string by its universal tag number, `None` if it is not a string or not valid in its encoding.
///
/// TeletexString is read as Latin-1, as everybody writes it: that loses nothing, whatever was meant. The ASCII
/// types may hold UTF-8, as x509-parser has it.
pub(super) fn decode(tag: u32, content: &[u8]) -> Option<Cow<'_, str>> {
    match tag {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString
        12 | 18 | 19 | 22 | 26 => std::str::from_utf8(content).ok().map(Cow::Borrowed),
        // TeletexString
        20 => Some(match std::str::from_utf8(content) {
            Ok(ascii) if ascii.is_ascii() => Cow::Borrowed(ascii),
            _ => Cow::Owned(content.iter().map(|byte| char::from(*byte)).collect()),
        }),
        // UniversalString: UTF-32, big-endian
        28 => decode_units(content, |unit: [u8; 4]| char::from_u32(u32::from_be_bytes(unit))),
        // BMPString: meant to be UCS-2, but Windows writes UTF-16
        30 => {
            let (units, odd) = content.as_chunks::<2>();
            let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
            let text = char::decode_utf16(units).collect::<Result<String, _>>().ok()?;
            odd.is_empty().then_some(Cow::Owned(text))
        }
        _ => None,
    }
}

fn decode_units<const N: usize>(content: &[u8], unit: fn([u8; N]) -> Option<char>) -> Option<Cow<'_, str>> {
    let (units, odd) = content.as_chunks::<N>();
    let text = units.iter().copied().map(unit).collect::<Option<String>>()?;
    odd.is_empty().then_some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn every_type() {
        for tag in [12, 18, 19, 22, 26, 20] {
            assert_eq!(decode(tag, b"42").as_deref(), Some("42"));
        }
        assert_eq!(decode(20, b"M\xfcller").as_deref(), Some("Müller"));
        assert_eq!(decode(20, "ü".as_bytes()).as_deref(), Some("Ã¼"), "never guessed to be UTF-8");
        assert_eq!(decode(30, &[0x04, 0x1a, 0xd8, 0x3d, 0xdd, 0x11]).as_deref(), Some("К🔑"));
        assert_eq!(decode(28, &[0, 0, 0x04, 0x1a, 0, 1, 0xf5, 0x11]).as_deref(), Some("К🔑"));
    }

    #[test]
    fn invalid_encodings() {
        assert_eq!(decode(12, b"M\xfcller"), None);
        assert_eq!(decode(30, &[0x04]), None, "half a unit");
        assert_eq!(decode(30, &[0xd8, 0x3d]), None, "half a pair");
        assert_eq!(decode(28, &[0, 0x11, 0, 0]), None, "beyond Unicode");
        assert_eq!(decode(28, &[0, 0, 0, 65, 0]), None);
        assert_eq!(decode(4, b"octets"), None);
    }
}
