//! 8-bit code pages of Windows, by their number.
//!
//! What decides a verdict is ASCII in every code page; a code page only makes letters beyond it right. So none is needed
//! to read an export: where none is given, Latin-1 stands in, and what it made is marked as guessed.

use std::fmt;

use encoding_rs::Encoding;
use oem_cp::code_table_type::TableType;

use crate::error::Error;

/// A code page.
#[derive(Clone, Copy)]
pub struct CodePage {
    number: u16,
    table: Table,
}

#[derive(Clone, Copy)]
enum Table {
    /// One byte a character: the consoles of DOS and Windows.
    Oem(&'static TableType),
    /// Windows, and Asian code pages of one or two bytes a character.
    Web(&'static Encoding),
}

/// Code pages that are not OEM tables: number, and the label of the WHATWG encoding standard.
const WEB: [(u16, &[u8]); 28] = [
    (874, b"windows-874"),
    (932, b"shift_jis"),
    (936, b"gbk"),
    (949, b"euc-kr"),
    (950, b"big5"),
    (1250, b"windows-1250"),
    (1251, b"windows-1251"),
    (1252, b"windows-1252"),
    (1253, b"windows-1253"),
    (1254, b"windows-1254"),
    (1255, b"windows-1255"),
    (1256, b"windows-1256"),
    (1257, b"windows-1257"),
    (1258, b"windows-1258"),
    (20866, b"koi8-r"),
    (21866, b"koi8-u"),
    (28592, b"iso-8859-2"),
    (28593, b"iso-8859-3"),
    (28594, b"iso-8859-4"),
    (28595, b"iso-8859-5"),
    (28596, b"iso-8859-6"),
    (28597, b"iso-8859-7"),
    (28598, b"iso-8859-8"),
    (28603, b"iso-8859-13"),
    (28605, b"iso-8859-15"),
    (51932, b"euc-jp"),
    (54936, b"gb18030"),
    (65001, b"utf-8"),
];

impl CodePage {
    /// The code page with this number (Windows' "code page identifiers").
    pub fn of(number: u16) -> Option<Self> {
        let web = || {
            let (_, label) = WEB.iter().find(|(known, _)| *known == number)?;
            Encoding::for_label(label).map(Table::Web)
        };
        let table = web().or_else(|| oem_cp::code_table::DECODING_TABLE_CP_MAP.get(&number).map(Table::Oem))?;
        Some(CodePage { number, table })
    }

    /// Understands `850`, `cp850` and `windows-1252`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let lower = text.trim().to_ascii_lowercase();
        let digits = ["windows-", "cp", "oem"].iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
        digits.parse().ok().and_then(CodePage::of).ok_or_else(|| {
            let what = "give the number of a Windows code page, such as 850, 1252 or 936";
            Error::Usage(format!("--code-page {text}: not known; {what}"))
        })
    }

    /// Decodes all of `bytes`; false where something in them is no character of the code page (it is replaced).
    pub fn decode(&self, bytes: &[u8], out: &mut String) -> bool {
        match self.table {
            Table::Oem(table) => {
                out.push_str(&table.decode_string_lossy(bytes));
                true
            }
            Table::Web(encoding) => {
                let (text, wrong) = encoding.decode_without_bom_handling(bytes);
                out.push_str(&text);
                !wrong
            }
        }
    }

    /// This byte is the first of two that are one character; the second one may look like ASCII.
    pub fn is_lead(&self, byte: u8) -> bool {
        match self.number {
            932 => matches!(byte, 0x81..=0x9f | 0xe0..=0xfc),
            936 | 949 | 950 | 54936 => matches!(byte, 0x81..=0xfe),
            _ => false,
        }
    }

    /// Bytes that `text` takes in this code page.
    pub fn len_of(&self, text: &str) -> usize {
        match self.table {
            Table::Oem(_) => text.chars().count(),
            Table::Web(encoding) => encoding.encode(text).0.len(),
        }
    }
}

impl fmt::Debug for CodePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code page {}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(page: &str, bytes: &[u8]) -> (String, bool) {
        let mut out = String::new();
        let whole = CodePage::parse(page).expect("a known code page").decode(bytes, &mut out);
        (out, whole)
    }

    #[test]
    fn each_kind_of_code_page_is_decoded() {
        assert_eq!(decoded("850", b"N\xe3mero"), ("N\u{d2}mero".into(), true));
        assert_eq!(decoded("cp437", b"Schl\x81ssel"), ("Schl\u{fc}ssel".into(), true));
        assert_eq!(decoded("windows-1252", b"Autorit\xe0"), ("Autorit\u{e0}".into(), true));
        assert_eq!(decoded("936", b"\xd6\xa4\xca\xe9"), ("\u{8bc1}\u{4e66}".into(), true));
        assert_eq!(decoded("932", b"\x8f\x5c=1"), ("\u{5341}=1".into(), true), "a second byte that is a backslash");
        assert!(!decoded("932", b"\x8f").1);
        let lead = |number, byte| CodePage::of(number).map(|page| page.is_lead(byte));
        assert_eq!((lead(932, 0x8f), lead(932, 0xb1), lead(1252, 0x8f)), (Some(true), Some(false), Some(false)));
        assert_eq!(CodePage::of(936).map(|page| page.len_of("a\u{8bc1}")), Some(3));
        assert_eq!(CodePage::of(850).map(|page| page.len_of("\u{fc}b")), Some(2));
    }

    #[test]
    fn every_entry_of_the_list_is_an_encoding() {
        for (number, label) in WEB {
            assert!(Encoding::for_label(label).is_some() && CodePage::of(number).is_some(), "{number}");
        }
        for wrong in ["", "0", "-1", "99999", "utf", "1252x"] {
            assert!(CodePage::parse(wrong).is_err(), "{wrong}");
        }
    }
}
