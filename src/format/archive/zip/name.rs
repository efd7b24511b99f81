//! Names of zip entries: UTF-8 where the entry says so, else code page 437 (APPNOTE appendix D).

use flate2::Crc;

use super::directory::field;

/// Code page 437, from 0x80 on.
const CP437: &str = "\
ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The Info-ZIP field with the name in UTF-8 (APPNOTE 4.6.9).
const UNICODE_PATH: u16 = 0x7075;

/// The name of an entry as text. Its UTF-8 field counts only as long as it is about this name, which its checksum says.
pub(super) fn decode(name: &[u8], is_utf8: bool, extra: &[u8]) -> String {
    if is_utf8 {
        return String::from_utf8_lossy(name).into_owned();
    }
    let unicode = field(extra, UNICODE_PATH).and_then(|field| {
        let (&[1, a, b, c, d], text) = field.split_first_chunk::<5>()? else { return None };
        let mut crc = Crc::new();
        crc.update(name);
        let text = std::str::from_utf8(text).ok()?;
        (crc.sum() == u32::from_le_bytes([a, b, c, d])).then(|| text.to_owned())
    });
    unicode.unwrap_or_else(|| name.iter().map(|byte| from_437(*byte)).collect())
}

fn from_437(byte: u8) -> char {
    match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(at) => CP437.chars().nth(usize::from(at)).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_as_their_entry_says() {
        assert_eq!(CP437.chars().count(), 128);
        assert_eq!(decode(b"M\x81ller/\x80\xff", false, &[]), "Müller/Ç\u{a0}");
        assert_eq!(decode("Müller".as_bytes(), true, &[]), "Müller");
        let mut crc = Crc::new();
        crc.update(b"M?ller");
        let text = "Müller".as_bytes();
        let extra = [&[0x75, 0x70, 12, 0, 1][..], &crc.sum().to_le_bytes(), text].concat();
        assert_eq!(decode(b"M?ller", false, &extra), "Müller");
        assert_eq!(decode(b"other", false, &extra), "other", "the field is about another name");
    }
}
