//! mimikatz `crypto::certificates` (windows-text 5.4): its text is met in archives of assessments.
//!
//! The tool opens the key. Its implementation flags stand with the provider's name, so they are taken for the provider's and
//! rank as such. Its labels are English everywhere.

use std::borrow::Cow;

use super::text::{TextLines, head as text_of};
use super::{Format, Input, Outcome};
use crate::record::{
    Acquire, Api, CertificateRef, Claims, Code, Collection, KeyReport, Lineage, Observation, Printed, Provider, Reject,
    Sink, Stage, StoreLocation, Text,
};

/// What stands before the hash of a certificate.
const HASH: &str = "Hash SHA1";
/// Most lines of one certificate.
const MAX_LINES: usize = 1000;

/// mimikatz certificate lists.
pub static FORMAT: Format = Format {
    name: "mimikatz_text",
    title: "mimikatz crypto:: output",
    usual_names: "*.txt, *.log",
    yields: "certificates by their hashes, with container, provider, type and implementation of their keys",
    source: "mimikatz crypto::certificates",
    sniff: |head| text_of(head).split(|b| *b == b'\n').any(|line| line.trim_ascii_start().starts_with(b"Hash SHA1: ")),
    read: Some(read),
    unpack: None,
    border: None,
};

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    let mut reader = Reader { sink, location: None, store: None, open: None };
    while let Some(line) = lines.line() {
        if reader.open.is_none() && reader.sink.stopped() {
            return Outcome::Incomplete;
        }
        if line.too_long {
            if let Some(open) = &mut reader.open {
                open.lines = usize::MAX / 2;
            }
            continue;
        }
        reader.line(line.text, line.offset);
    }
    // The list has no end mark: what the last certificate does not say may be cut off.
    reader.end(false);
    Outcome::Complete
}

struct Reader<'s> {
    sink: &'s mut dyn Sink,
    location: Option<StoreLocation>,
    store: Option<String>,
    open: Option<Open>,
}

/// The certificate that is being read.
struct Open {
    lineage: Lineage,
    lines: usize,
    sha1: Option<[u8; 20]>,
    claims: Claims<'static>,
    printed: Printed<'static>,
    /// Offset-free doubts: field and message.
    doubts: Vec<(Code, &'static str, &'static str)>,
    /// The tool tells of the key itself.
    has_key_details: bool,
    /// Key spec of the handle that it acquired.
    key_spec: Option<u32>,
    /// Implementation flags, which it asks of the provider and not of the key.
    provider_flags: (Option<Api>, Option<u32>),
    /// The provider of the handle, which has those flags.
    of_handle: Option<Text<'static>>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, offset: u64) {
        let text = line.trim();
        if let Some(header) = text.strip_prefix("* ") {
            self.end(true);
            return self.header(header);
        }
        if text.starts_with("mimikatz") {
            return self.end(true);
        }
        if let Some(number) = numbered(text) {
            self.end(true);
            self.open = Some(Open {
                lineage: Lineage { record_number: Some(number), ..Lineage::at(offset) },
                lines: 0,
                sha1: None,
                claims: Claims::default(),
                printed: Printed::default(),
                doubts: Vec::new(),
                has_key_details: false,
                key_spec: None,
                provider_flags: (None, None),
                of_handle: None,
            });
            return;
        }
        let Some(open) = &mut self.open else { return };
        open.lines = open.lines.saturating_add(1);
        if open.lines <= MAX_LINES {
            open.line(text);
        }
    }

    /// `System Store  : 'CURRENT_USER' (0x00010000)` and `Store : 'My'`.
    fn header(&mut self, text: &str) {
        let Some((label, value)) = labelled(text) else { return };
        let value = value.split('\'').nth(1).unwrap_or(value);
        match label {
            "System Store" => {
                self.location = StoreLocation::parse(value);
                self.store = None;
            }
            "Store" => self.store = Some(value.to_owned()),
            _ => {}
        }
    }

    fn end(&mut self, is_whole: bool) {
        let Some(open) = self.open.take() else { return };
        let Open { lineage, lines, sha1, mut claims, printed, doubts, has_key_details, key_spec, .. } = open;
        if lines > MAX_LINES {
            let message = "the certificate has too many lines, or too long ones";
            return self.sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
        }
        if sha1.is_none() && claims.provider_name.is_none() {
            let message = "the entry names neither a certificate nor a provider";
            return self.sink.reject(Reject::lost(lineage, Stage::Decode, Code::NoCertificate, message));
        }
        claims.key_report = match () {
            () if claims.provider_name.is_some() || claims.key_container.is_some() => KeyReport::Claimed,
            () if is_whole => KeyReport::Absent,
            () => KeyReport::NotReported,
        };
        if claims.acquire.is_none() && has_key_details {
            claims.acquire = Some(Acquire { hresult: Some(0), key_spec });
        }
        let (impl_api, impl_flags) = open.provider_flags;
        if claims.provider_name.is_none() {
            claims.provider_name.clone_from(&open.of_handle);
        }
        let name = open.of_handle.or_else(|| claims.provider_name.clone());
        let provider = name.filter(|_| impl_flags.is_some()).map(|name| Provider {
            lineage,
            name,
            impl_flags,
            impl_api,
            ..Provider::default()
        });
        self.sink.observation(&Observation {
            lineage,
            store_location: self.location,
            store_name: self.store.as_deref().map(Text::from),
            collection: Collection { registry: provider.as_slice(), ..Collection::default() },
            certificate: CertificateRef { sha1, ..CertificateRef::default() },
            claims,
            printed,
            ..Observation::default()
        });
        for (code, field, message) in doubts {
            self.sink.reject(Reject::degraded(lineage, Stage::Decode, code, field, message));
        }
    }
}

impl Open {
    fn line(&mut self, text: &str) {
        if let Some(code) = error(text) {
            self.claims.acquire = Some(Acquire { hresult: Some(code), key_spec: None });
            return;
        }
        let Some((label, value)) = labelled(text.strip_prefix('|').unwrap_or(text)) else { return };
        // `(null)` is how the C library prints a missing string.
        let is_said = !value.is_empty() && value != "(null)";
        let owned = || is_said.then(|| Cow::Owned(value.to_owned()));
        let first = |slot: &mut Option<Text<'static>>| {
            if slot.is_none() {
                *slot = owned();
            }
        };
        let c = &mut self.claims;
        match label {
            "Subject" => first(&mut self.printed.subject),
            "Issuer" => first(&mut self.printed.issuer),
            "Serial" => first(&mut self.printed.serial),
            "Validity" => {
                if let Some((from, to)) = value.split_once(" -> ") {
                    self.printed.not_before = Some(Cow::Owned(from.trim().to_owned()));
                    self.printed.not_after = Some(Cow::Owned(to.trim().to_owned()));
                }
            }
            HASH => {
                self.sha1 = crate::hex::parse(value);
                if self.sha1.is_none() {
                    self.doubts.push((Code::BadHex, "thumbprint", "the hash is not 20 bytes in hex"));
                }
            }
            "Key Container" => first(&mut c.key_container),
            "Provider" => first(&mut c.provider_name),
            "Provider name" => first(&mut self.of_handle),
            "Provider type" => {
                c.provider_type = bracketed(value);
                // The word for type 0, beside another number.
                if value.starts_with("cng") && c.provider_type.is_some_and(|kind| kind != 0) {
                    c.provider_type = None;
                    let message = "the word is that of type 0, and the number another";
                    self.doubts.push((Code::BadField, "provider_type", message));
                }
            }
            "Type" => self.key_spec = bracketed(value),
            "Implementation" => self.provider_flags = implementation(value),
            "Unique name" => {
                first(&mut c.key_path);
                self.has_key_details = true;
            }
            "Key size" => self.has_key_details = true,
            "Export policy" => {
                let digits = value.split(' ').next().unwrap_or_default();
                c.export_policy = u32::from_str_radix(digits, 16).ok();
            }
            "Exportable key" => c.is_exportable = truth(value),
            // The CNG property `Virtual Iso` (ncrypt.h).
            "LSA isolation" => c.virtual_iso = truth(value).map(u32::from),
            _ => {}
        }
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "YES" => Some(true),
        "NO" => Some(false),
        _ => None,
    }
}

/// ` 1. name`: the number of an entry, whose name may be empty.
fn numbered(text: &str) -> Option<i64> {
    let (number, rest) = text.split_once('.')?;
    ((rest.is_empty() || rest.starts_with(' ')) && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        .then_some(())?;
    number.parse().ok()
}

fn labelled(text: &str) -> Option<(&str, &str)> {
    let (label, value) = text.split_once(':')?;
    Some((label.trim(), value.trim()))
}

/// The number in brackets at the end: `cng (0)`, `AT_KEYEXCHANGE (0x00000001)`.
fn bracketed(text: &str) -> Option<u32> {
    let number = text.strip_suffix(')')?.rsplit_once('(')?.1.trim();
    match number.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => number.parse().ok(),
    }
}

/// Names of implementation flags (ncrypt.h, wincrypt.h), each set's own.
fn implementation(text: &str) -> (Option<Api>, Option<u32>) {
    const FLAGS: [(&str, Api, u32); 10] = [
        ("NCRYPT_IMPL_HARDWARE_FLAG", Api::Cng, 1),
        ("NCRYPT_IMPL_SOFTWARE_FLAG", Api::Cng, 2),
        ("NCRYPT_IMPL_REMOVABLE_FLAG", Api::Cng, 8),
        ("NCRYPT_IMPL_HARDWARE_RNG_FLAG", Api::Cng, 0x10),
        ("NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG", Api::Cng, 0x20),
        ("CRYPT_IMPL_HARDWARE", Api::Capi, 1),
        ("CRYPT_IMPL_SOFTWARE", Api::Capi, 2),
        ("CRYPT_IMPL_MIXED", Api::Capi, 3),
        ("CRYPT_IMPL_UNKNOWN", Api::Capi, 4),
        ("CRYPT_IMPL_REMOVABLE", Api::Capi, 8),
    ];
    let (mut api, mut flags) = (None, None);
    for word in text.split([';', ' ', ',']).filter(|word| !word.is_empty()) {
        let Some((_, of, bit)) = FLAGS.iter().find(|(name, ..)| *name == word) else { continue };
        // Words of both sets on one line are no flags of either.
        if api.is_some_and(|api| api != *of) {
            return (None, None);
        }
        (api, flags) = (Some(*of), Some(flags.unwrap_or(0) | bit));
    }
    (api, flags)
}

/// The code of `ERROR ... (0x80090016)`.
fn error(text: &str) -> Option<u32> {
    let rest = text.strip_prefix("ERROR ")?;
    let digits = rest.rsplit_once("(0x")?.1.strip_suffix(')')?;
    u32::from_str_radix(digits, 16).ok().filter(|code| *code != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{read_all, samples};

    fn list(key: &str) -> String {
        format!(
            " * System Store  : 'LOCAL_MACHINE' (0x00020000)\n * Store         : 'My'\n\n 0. pc-1\n    Subject  : \
             CN=pc-1.grove.test\n    Serial   : 4f00\n    Validity : 1/2/2026 3:04:05 PM -> 1/2/2027 3:04:05 PM\n    Hash \
             SHA1: {}\n{key} 1. other\n    Hash SHA1: {}\n\n",
            "ab".repeat(20),
            "cd".repeat(20)
        )
    }

    #[test]
    fn a_key_is_told_by_its_own_flags() {
        let key = "\tKey Container  : te-1\n\tProvider       : Grove KSP\n\tProvider type  : cng (0)\n\tType           : \
                   CNG Key (0xffffffff)\n\t|Provider name : Grove KSP\n\t|Implementation: NCRYPT_IMPL_HARDWARE_FLAG ; \
                   NCRYPT_IMPL_HARDWARE_RNG_FLAG ; \n\tUnique name    : 0a1b\n\tExport policy  : 00000003 ( )\n\tExportable \
                   key : YES\n";
        let seen = read_all(&FORMAT, list(key).as_bytes(), "x");
        let claims = &seen.observations[0].claims;
        assert_eq!((claims.impl_api, claims.impl_flags), (None, None), "they are the provider's");
        assert_eq!(
            implementation("NCRYPT_IMPL_HARDWARE_FLAG ; NCRYPT_IMPL_HARDWARE_RNG_FLAG ;"),
            (Some(Api::Cng), Some(0x11))
        );
        assert_eq!((claims.provider_type, claims.key_spec), (Some(0), None));
        assert_eq!(claims.acquire.and_then(|acquire| acquire.key_spec), Some(u32::MAX));
        assert_eq!((claims.export_policy, claims.is_exportable), (Some(3), Some(true)));
        assert_eq!(claims.acquire.and_then(|acquire| acquire.hresult), Some(0), "it told of the key itself");
        assert_eq!(seen.observations[0].sha1, Some([0xab; 20]));
        assert_eq!(seen.places, ["local_machine/My", "local_machine/My"]);
        assert_eq!(seen.observations[1].claims.key_report, KeyReport::NotReported, "the list may be cut behind it");
    }

    #[test]
    fn isolation_and_the_provider_of_the_handle_are_told_apart() {
        let key = "\tProvider       : Grove KSP\n\tProvider type  : cng (1)\n\t|Provider name : Grove Other KSP\n\t|\
                   Implementation: NCRYPT_IMPL_SOFTWARE_FLAG ; \n\tLSA isolation  : YES\n";
        let seen = read_all(&FORMAT, list(key).as_bytes(), "x");
        let observation = &seen.observations[0];
        assert_eq!((observation.claims.provider_type, observation.claims.virtual_iso), (None, Some(1)));
        assert_eq!(observation.claims.provider_name.as_deref(), Some("Grove KSP"));
        assert_eq!(seen.degraded(), [Code::BadField], "the word and the number of the type differ");
        let isolated = |word| {
            let text = list(&key.replace("YES", word));
            read_all(&FORMAT, text.as_bytes(), "x").observations[0].claims.virtual_iso
        };
        assert_eq!((isolated("NO"), isolated("(null)")), (Some(0), None));
    }

    #[test]
    fn what_is_not_told_is_absent_and_an_error_is_no_key() {
        let seen = read_all(&FORMAT, list("").as_bytes(), "x");
        assert_eq!(seen.observations[0].claims.key_report, KeyReport::Absent);
        let failed = "\tProvider       : Grove CSP\n\tProvider type  : RSA_FULL (1)\nERROR kuhl_m_crypto_l_certificates ; \
                      CryptAcquireCertificatePrivateKey (0x80090016)\n";
        let claims = &read_all(&FORMAT, list(failed).as_bytes(), "x").observations[0].claims;
        assert_eq!(claims.acquire.and_then(|acquire| acquire.hresult), Some(0x8009_0016));
        assert_eq!(claims.provider_type, Some(1));
    }

    #[test]
    fn odd_words_are_no_flags() {
        assert_eq!(implementation("NCRYPT_IMPL_SOFTWARE_FLAG ; CRYPT_IMPL_SOFTWARE ;"), (None, None));
        assert_eq!(implementation("something"), (None, None));
        assert_eq!((bracketed("x (0x10)"), bracketed("x 1)"), bracketed("(y)")), (Some(16), None, None));
        assert_eq!(
            (numbered("1."), numbered("1. x"), numbered("1.5"), numbered("x. y")),
            (Some(1), Some(1), None, None)
        );
        assert!(samples("mimikatz_text").iter().all(|(_, bytes)| read_all(&FORMAT, bytes, "x").lost().len() <= 1));
    }
}
