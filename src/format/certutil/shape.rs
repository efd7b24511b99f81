//! The shapes of certutil's lines, which no language changes (specification sections 4.2 to 4.6).

/// Shortest rule around the words of a banner; certutil prints sixteen.
const RULE: usize = 8;

/// The text without blanks around it, those that do not break and a byte order mark among them.
pub(super) fn trim(text: &str) -> &str {
    // Nearly every line is plain.
    let text = text.trim_ascii();
    let is_plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii);
    match is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last()) {
        true => text,
        false => text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}'),
    }
}

/// The words of `================ WORDS ================`.
pub(super) fn banner(text: &str) -> Option<&str> {
    ruled(text, b'=')
}

/// The words of `----------------  WORDS  ----------------`.
pub(super) fn closing(text: &str) -> Option<&str> {
    ruled(text, b'-').filter(|words| !words.contains("===="))
}

/// The separator of `-scinfo`: dashes, equals signs, dashes.
pub(super) fn is_card_separator(text: &str) -> bool {
    ruled(text, b'-').is_some_and(|words| words.len() >= RULE && words.bytes().all(|b| b == b'='))
}

fn ruled(text: &str, mark: u8) -> Option<&str> {
    let bytes = text.as_bytes();
    let before = bytes.iter().take_while(|b| **b == mark).count();
    let after = bytes.iter().rev().take_while(|b| **b == mark).count();
    if before < RULE || after < RULE || before + after >= bytes.len() {
        return None;
    }
    let words = trim(text.get(before..bytes.len() - after)?);
    (!words.is_empty()).then_some(words)
}

/// The number at the end of a text.
pub(super) fn last_number(text: &str) -> Option<i64> {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    text.get(text.len() - digits..)?.parse().ok()
}

/// `X = Y`, where a blank stands before the sign and no colon.
pub(super) fn assignment(text: &str) -> Option<(&str, &str)> {
    let at = memchr::memchr(b'=', text.as_bytes())?;
    let (name, value) = (text.get(..at)?, text.get(at + 1..)?);
    let is_apart = name.ends_with(char::is_whitespace);
    let name = trim(name);
    let is_name = is_apart && !name.is_empty() && !name.contains([':', '：']) && !value.starts_with('=');
    is_name.then(|| (name, trim(value)))
}

/// `X: Y`.
pub(super) fn labelled(text: &str) -> Option<(&str, &str)> {
    let at = match memchr::memchr(b':', text.as_bytes()) {
        Some(at) => at,
        None if text.is_ascii() => return None,
        None => text.find('：')?,
    };
    let (label, value) = text.split_at(at);
    let mut value = value.chars();
    value.next();
    Some((trim(label), trim(value.as_str())))
}

/// A line such as `Cert Hash(sha1): HEX`.
#[derive(Debug, PartialEq)]
pub(super) struct Tagged<'t> {
    /// What stands before the bracket.
    pub(super) label: &'t str,
    /// The algorithm in the brackets.
    pub(super) tag: &'t str,
    /// What stands after the colon.
    pub(super) value: &'t str,
}

/// Reads a line with a hash. A blank, or a byte that stands for one in an unknown code page, may stand around the brackets.
pub(super) fn tagged(text: &str) -> Option<Tagged<'_>> {
    let open = memchr::memchr(b'(', text.as_bytes())?;
    let rest = text.get(open + 1..)?;
    let close = memchr::memchr(b')', rest.as_bytes().get(..24.min(rest.len()))?)?;
    let tag = rest.get(..close)?;
    let is_tag = ["sha1", "sha256", "md5"].iter().any(|hash| tag.contains(hash))
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let after = rest.get(close + 1..).filter(|_| is_tag)?;
    let (at, mark) = after.char_indices().take(4).find(|(_, c)| matches!(c, ':' | '：'))?;
    Some(Tagged { label: trim(text.get(..open)?), tag, value: trim(after.get(at + mark.len_utf8()..)?) })
}

/// `N` bytes in hex, with or without blanks between.
pub(super) fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut digits = text.chars().filter(|c| !c.is_whitespace());
    let mut out = [0; N];
    for byte in &mut out {
        let pair = [digits.next()?.to_digit(16)?, digits.next()?.to_digit(16)?];
        *byte = (pair[0] * 16 + pair[1]) as u8;
    }
    digits.next().is_none().then_some(out)
}

/// The bytes of a short text in hex.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    const LONGEST: usize = 64;
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(2 * LONGEST + 1)
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let fits = rest.is_empty() && !pairs.is_empty() && pairs.len() <= LONGEST;
    fits.then(|| pairs.iter().map(|[high, low]| (high * 16 + low) as u8).collect())
}

/// A line of a hex dump: an address, then bytes.
pub(super) fn is_dump(text: &str) -> bool {
    let bytes = text.as_bytes();
    let address = bytes.iter().take(9).take_while(|b| b.is_ascii_hexdigit()).count();
    let rest = bytes.get(address..).unwrap_or_default().trim_ascii_start();
    (4..9).contains(&address)
        && bytes.get(address) == Some(&b' ')
        && rest.iter().take_while(|b| b.is_ascii_hexdigit()).count() == 2
        && rest.get(2).is_none_or(|b| *b == b' ')
}

/// `KEY=VALUE` as in a name: a short attribute key and no blank before the sign.
pub(super) fn is_name(text: &str) -> bool {
    let Some(at) = memchr::memchr(b'=', text.as_bytes()) else { return false };
    let key = text.as_bytes().get(..at).unwrap_or_default();
    (1..=40).contains(&key.len())
        && key[0].is_ascii_alphabetic()
        && key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

/// The unique name that Windows gives the file of a key: 32 hex digits, `_`, the machine's GUID.
pub(super) fn is_unique_name(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    text.split_once('_').is_some_and(|(hash, machine)| {
        hash.len() == 32 && machine.len() == 36 && is_hex(hash) && !hash.contains('-') && is_hex(machine)
    })
}

/// The error that a result line names: `0x80090016 (-2146893802 NTE_BAD_KEYSET)`; older builds omit the name.
pub(super) fn error(text: &str) -> Option<u32> {
    memchr::memmem::find_iter(text.as_bytes(), b"0x").find_map(|at| {
        let digits = text.get(at + 2..at + 10)?;
        let ends = text.as_bytes().get(at + 10).is_none_or(|b| !b.is_ascii_alphanumeric());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| ends)?;
        // Results that are no failure, and flags, are lower.
        (code >= 0x8000_0000).then_some(code)
    })
}

/// A number of a key property: hex, then its decimal in brackets where that differs, then names after two dashes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    /// The value.
    pub(super) value: u32,
    /// The decimal in brackets is another number.
    pub(super) is_doubtful: bool,
}

/// Reads such a number.
pub(super) fn number(text: &str) -> Option<Number> {
    let text = text.split_once(" -- ").map_or(text, |(number, _)| number);
    let (digits, rest) = text.split_once([' ', '\u{a0}']).unwrap_or((text, ""));
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    let decimal = trim(rest);
    if decimal.is_empty() {
        return Some(Number { value, is_doubtful: false });
    }
    let decimal = decimal.strip_prefix('(')?.strip_suffix(')')?;
    // A flag word may be shown as a negative number.
    let same =
        decimal.parse::<i64>().ok().is_some_and(|said| said == i64::from(value) || said == i64::from(value as i32));
    let is_number = decimal.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    is_number.then_some(Number { value, is_doubtful: !same })
}

/// The number of `CERT_..._PROP_ID(n):`, which may have a word before its colon.
pub(super) fn property(text: &str) -> Option<u32> {
    // Every line is asked; the symbols begin alike.
    if !text.as_bytes().first().is_some_and(u8::is_ascii_uppercase) || memchr::memchr(b'_', text.as_bytes()).is_none() {
        return None;
    }
    let at = memchr::memmem::find(text.as_bytes(), b"_PROP_ID(")?;
    let is_symbol = text.get(..at)?.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let rest = text.get(at + b"_PROP_ID(".len()..)?;
    let (number, rest) = rest.split_once(')')?;
    (is_symbol && trim(rest).ends_with(':')).then(|| number.parse().ok())?
}

/// Words at the end of provider names.
pub(super) fn is_provider(text: &str) -> bool {
    let words = || text.split([' ', '(', ')']).filter(|word| !word.is_empty());
    let is_end = |word: &str| ["provider", "csp", "ksp"].iter().any(|end| word.eq_ignore_ascii_case(end));
    let is_version = |word: &str| word.starts_with(['v', 'V']) && word[1..].starts_with(|c: char| c.is_ascii_digit());
    let last = words().rev().find(|word| !is_version(word));
    words().count() > 1 && (last.is_some_and(is_end) || text.contains("Cryptographic Services"))
}

/// The provider's name at the beginning of a text that goes on: up to the word that ends it, and its version.
pub(super) fn leading_provider(text: &str) -> Option<&str> {
    let ends = memchr::memchr_iter(b' ', text.as_bytes()).chain([text.len()]);
    let names = ends.filter_map(|end| text.get(..end)).take_while(|name| name.len() < 128);
    let mut longest = None;
    for name in names {
        match (is_provider(name), longest) {
            (true, _) => longest = Some(name),
            (false, Some(_)) => break,
            (false, None) => {}
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hex() {
        let read = |text: &str| number(text).map(|number| (number.value, number.is_doubtful));
        assert_eq!(read("20"), Some((0x20, false)), "old builds print bare hex");
        assert_eq!(read("20 (32)"), Some((0x20, false)));
        assert_eq!(read("c (12)"), Some((12, false)));
        assert_eq!(read("2 -- AT_SIGNATURE"), Some((2, false)));
        assert_eq!(read("ffffffff (-1)"), Some((u32::MAX, false)));
        assert_eq!(read("20 (20)"), Some((0x20, true)));
        for other in ["", "Contoso", "20 (x)", "1 of 2", "123456789", "+1"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn rules_with_words_are_banners() {
        assert_eq!(banner("================ Zertifikat 14 ================"), Some("Zertifikat 14"));
        assert_eq!(last_number("Zertifikat 14"), Some(14));
        assert_eq!(last_number("Begin force NCrypt"), None);
        assert_eq!(closing("----------------  End force NCrypt  ----------------"), Some("End force NCrypt"));
        assert_eq!(closing("----------------------------------------"), None);
        assert_eq!(closing("-----BEGIN CERTIFICATE-----"), None);
        let separator = "--------------===========================--------------";
        assert!(is_card_separator(separator) && closing(separator).is_none());
        assert_eq!(banner("================================"), None);
    }

    #[test]
    fn hashes_are_told_by_their_tag() {
        let french = tagged("Hach. cert. (sha1)\u{a0}: aa bb");
        assert_eq!(french, Some(Tagged { label: "Hach. cert.", tag: "sha1", value: "aa bb" }));
        assert_eq!(tagged("Hach. cert. (sha1)\u{ff} : aa").map(|t| t.value), Some("aa"), "code page 850");
        assert_eq!(tagged("Key Id Hash(rfc-sha1): 00").map(|t| t.tag), Some("rfc-sha1"));
        assert_eq!(tagged("Certificate Template Name (Certificate Type): User"), None);
        assert_eq!(hex::<2>("0a fF"), Some([10, 255]));
        assert_eq!((hex::<2>("0a f"), hex::<2>("0a ff0"), hex::<2>("0g ff")), (None, None, None));
    }

    #[test]
    fn other_shapes() {
        assert_eq!(assignment("Conteneur de cl\u{e9}\u{a0} = a = b"), Some(("Conteneur de cl\u{e9}", "a = b")));
        assert_eq!(assignment("Provider ="), Some(("Provider", "")));
        assert!(assignment("Public Key: UnusedBits = 0").is_none() && assignment("CN=a").is_none());
        assert_eq!(labelled("证书哈希：00"), Some(("证书哈希", "00")));
        assert_eq!(error("FAILED: msg 0x80090016 (-2146893802 NTE_BAD_KEYSET)"), Some(0x8009_0016));
        assert_eq!((error("0x00000800 (2048)"), error("0x800900161"), error("0x8009")), (None, None, None));
        assert_eq!(property("CERT_SIGNATURE_HASH_PROP_ID(15) disallowedHash:"), Some(15));
        assert!(is_dump("0000  30 82 01") && is_dump("0010 fc") && !is_dump("29c42c8b 1") && !is_dump("2026 days"));
        assert!(is_name("CN=x") && is_name("OID.2.5.4.97=x") && !is_name("KeySpec =1") && !is_name("=x"));
        assert!(is_provider("Microsoft Enhanced Cryptographic Provider v1.0") && is_provider("Contoso HSM KSP"));
        let rest = "Microsoft Enhanced Cryptographic Provider v1.0 Test ok";
        assert_eq!(leading_provider(rest), Some("Microsoft Enhanced Cryptographic Provider v1.0"));
        assert!(!is_provider("Contoso Issuing CA") && !is_provider("Provider"));
    }
}
