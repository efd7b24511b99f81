//! `CERT_KEY_PROV_INFO_PROP_ID` (2): the property that names a key's provider.
//!
//! A serialized `CRYPT_KEY_PROV_INFO` with offsets from the start of the value in place of pointers (MS-GPEF
//! 2.2.1.1.1, MS-BPAU 2.2.2.1.1). Offsets are followed wherever they lead inside the
//! value: writers pad differently, and any order is allowed. Provider parameters may hold a PIN: their data is
//! never read, and a string that runs into it is dropped.

use std::ops::Range;

use super::records::u32_at;
use crate::format::text::utf16le;

/// Length of the fixed part.
const FIXED: usize = 28;
/// Length of an entry of the parameter array.
const PARAMETER: usize = 16;

/// The decoded value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyProvInfo {
    /// Container name; `None` for a null pointer or an unreadable string.
    pub container: Option<String>,
    /// Provider name; `None` for a null pointer or an unreadable string.
    pub provider: Option<String>,
    /// `dwProvType`: 0 is CNG.
    pub provider_type: u32,
    /// `dwFlags`.
    pub flags: u32,
    /// `dwKeySpec`.
    pub key_spec: u32,
    /// What is wrong with the strings: which one, and why.
    pub problems: Vec<(&'static str, &'static str)>,
}

/// Decodes a value; `None` if it is too short for its fixed part.
pub(crate) fn parse(value: &[u8]) -> Option<KeyProvInfo> {
    let field = |index: usize| u32_at(value, 4 * index);
    let fixed = (field(0)?, field(1)?, field(2)?, field(3)?, field(4)?, field(5)?, field(6)?);
    let (container_at, provider_at, provider_type, flags, parameter_count, parameters_at, key_spec) = fixed;
    let mut info = KeyProvInfo { provider_type, flags, key_spec, ..KeyProvInfo::default() };
    let parameters = Parameters { value, count: parameter_count, at: parameters_at };
    for (name, at, slot) in
        [("key_container", container_at, &mut info.container), ("provider_name", provider_at, &mut info.provider)]
    {
        match string(value, at, &parameters) {
            Ok(None) => {}
            Ok(Some((text, problem))) => {
                *slot = Some(text);
                info.problems.extend(problem.map(|p| (name, p)));
            }
            Err(problem) => info.problems.push((name, problem)),
        }
    }
    Some(info)
}

type Decoded = (String, Option<&'static str>);

/// The string at offset `at`: `Ok(None)` for a null pointer, `Err` where nothing can be said.
fn string(value: &[u8], at: u32, parameters: &Parameters<'_>) -> Result<Option<Decoded>, &'static str> {
    if at == 0 {
        return Ok(None);
    }
    let at = usize::try_from(at).map_err(|_| "its offset points outside the value")?;
    if at < FIXED {
        return Err("its offset points into the fixed part");
    }
    let bytes = value.get(at..).filter(|bytes| !bytes.is_empty()).ok_or("its offset points outside the value")?;
    let (text, used, problem) = terminated(bytes);
    if parameters.any_overlaps(&(at..at + used)) {
        return Err("it shares bytes with a provider parameter");
    }
    Ok(Some((text, problem)))
}

/// UTF-16LE up to its NUL, the bytes used (NUL included), and what is wrong with it.
fn terminated(bytes: &[u8]) -> (String, usize, Option<&'static str>) {
    let pairs = bytes.as_chunks::<2>().0;
    let end = pairs.iter().position(|pair| *pair == [0, 0]);
    let (text, valid) = utf16le(&bytes[..2 * end.unwrap_or(pairs.len())]);
    match end {
        None => (text, bytes.len(), Some("it has no terminating NUL")),
        Some(end) if valid => (text, 2 * end + 2, None),
        Some(end) => (text, 2 * end + 2, Some("it is not valid UTF-16")),
    }
}

/// The parameter array: `{ u32 dwParam, u32 offset, u32 cbData, u32 dwFlags }` each.
struct Parameters<'a> {
    value: &'a [u8],
    count: u32,
    at: u32,
}

impl Parameters<'_> {
    /// Whether any parameter's data, or an entry of the array, lies in `range`.
    fn any_overlaps(&self, range: &Range<usize>) -> bool {
        let Ok(start) = usize::try_from(self.at) else { return false };
        if self.count == 0 || start == 0 {
            return false;
        }
        let overlaps = |start: usize, len: usize| start < range.end && range.start < start.saturating_add(len);
        let entries = self.value.get(start..).unwrap_or_default().chunks_exact(PARAMETER);
        // The count is bounded by the value's length: an entry that is not there has no data to protect.
        entries.take(usize::try_from(self.count).unwrap_or(usize::MAX)).enumerate().any(|(index, entry)| {
            let data = u32_at(entry, 4).zip(u32_at(entry, 8));
            overlaps(start + index * PARAMETER, PARAMETER)
                || data.is_some_and(|(at, len)| overlaps(at as usize, len as usize))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::wide;

    /// A value with these offsets, type 0, flags 0x20, key spec 2, and this tail.
    fn value(offsets: [u32; 2], parameters: [u32; 2], tail: &[u8]) -> Vec<u8> {
        let fields = [offsets[0], offsets[1], 0, 0x20, parameters[0], parameters[1], 2];
        let mut bytes: Vec<u8> = fields.iter().flat_map(|f| f.to_le_bytes()).collect();
        bytes.extend_from_slice(tail);
        bytes
    }

    fn names(info: &KeyProvInfo) -> (Option<&str>, Option<&str>) {
        (info.container.as_deref(), info.provider.as_deref())
    }

    #[test]
    fn padded_unpadded_and_swapped_strings() {
        let padded = [wide("k1"), vec![0; 2], wide("P"), vec![0; 4]].concat();
        let info = parse(&value([28, 36], [0, 0], &padded)).unwrap_or_default();
        assert_eq!(names(&info), (Some("k1"), Some("P")));
        assert_eq!((info.provider_type, info.flags, info.key_spec, info.problems.len()), (0, 0x20, 2, 0));
        let swapped = [wide("P"), wide("k1")].concat();
        assert_eq!(names(&parse(&value([32, 28], [0, 0], &swapped)).unwrap_or_default()), (Some("k1"), Some("P")));
        // An odd offset, and two names that share bytes, are both legal.
        let odd = [vec![0], wide("shared")].concat();
        let info = parse(&value([29, 33], [0, 0], &odd)).unwrap_or_default();
        assert_eq!((names(&info), info.problems.len()), ((Some("shared"), Some("ared")), 0));
    }

    #[test]
    fn null_pointers_and_empty_strings_differ() {
        let info = parse(&value([0, 28], [0, 0], &wide(""))).unwrap_or_default();
        assert_eq!((names(&info), info.problems.len()), ((None, Some("")), 0));
    }

    #[test]
    fn malformed_offsets_keep_the_numbers() {
        let tail = wide("name");
        for at in [1, 27, 28 + tail.len() as u32, u32::MAX] {
            let info = parse(&value([28, at], [0, 0], &tail)).unwrap_or_default();
            assert_eq!(names(&info), (Some("name"), None));
            assert_eq!((info.flags, info.key_spec), (0x20, 2));
            assert_eq!(info.problems.iter().map(|p| p.0).collect::<Vec<_>>(), ["provider_name"]);
        }
        assert_eq!(parse(&value([28, 28], [0, 0], &[])[..27]), None);
    }

    #[test]
    fn a_missing_nul_keeps_what_is_there_and_says_so() {
        let info = parse(&value([28, 0], [0, 0], &[b'a', 0, b'b', 0, b'c'])).unwrap_or_default();
        assert_eq!(names(&info), (Some("ab"), None));
        assert_eq!(info.problems, [("key_container", "it has no terminating NUL")]);
    }

    #[test]
    fn parameter_data_never_becomes_a_name() {
        // One parameter (PP_KEYEXCHANGE_PIN), its entry at 28 and its data, a PIN, at 44.
        let entry: Vec<u8> = [32u32, 44, 10, 0].iter().flat_map(|f| f.to_le_bytes()).collect();
        let tail = [entry, wide("1234"), wide("container")].concat();
        for at in [28, 40, 44, 46, 52] {
            let info = parse(&value([at, 54], [1, 28], &tail)).unwrap_or_default();
            assert_eq!(names(&info), (None, Some("container")), "offset {at}");
            assert_eq!(info.problems.len(), 1);
        }
        let info = parse(&value([54, 0], [u32::MAX, 28], &tail)).unwrap_or_default();
        assert!(!format!("{info:?}").contains("1234"));
    }
}
