//! `netsh http show sslcert` in any language (windows-text 9): which certificate http.sys uses for which endpoint.
//!
//! Labels are translated, so lines are told by the shape and the order of their values: an endpoint begins a record, the
//! hash follows it, then a GUID, then the store. All other lines, and the extended block of later Windows, are passed over.

use super::endpoint::{self, Endpoint};
use super::text::{self, TextLine, TextLines};
use super::{Format, Head, Input, Outcome};
use crate::hex;
use crate::record::{Binding, BindingKind, Code, FormatConfidence, Lineage, Reject, Sink, Stage};

/// `netsh http show sslcert`.
pub static FORMAT: Format = Format {
    name: "netsh_text",
    title: "netsh http show sslcert output",
    usual_names: "*.txt",
    yields: "endpoints of http.sys with the hash and store of their certificates",
    source: "netsh http show sslcert",
    sniff: is_netsh,
    read: Some(read),
    unpack: None,
    border: None,
};

/// What netsh prints for a value that is not set.
const NULL: &str = "(null)";
/// Where http.sys looks for a certificate when no store is set.
const DEFAULT_STORE: &str = "MY";
/// Length of a SHA-1 as text.
const HASH_LEN: usize = 40;

/// An endpoint, then a hash or, behind one that is not set, a GUID.
fn is_netsh(head: &Head<'_>) -> bool {
    let text = text::head(head);
    let mut since_endpoint = usize::MAX;
    text.split(|byte| *byte == b'\n').any(|line| {
        let line = String::from_utf8_lossy(line);
        let Some(value) = value_of(&line) else { return false };
        if endpoint::of_socket(value).is_some() || endpoint::port_of(value).is_some() {
            since_endpoint = 0;
            return false;
        }
        since_endpoint = since_endpoint.saturating_add(1);
        is_hash_like(value) && since_endpoint == 1 || is_guid(value) && since_endpoint == 2
    })
}

/// What stands behind the label. The colon that ends the label has blanks on both sides, or ends the line; in French a
/// second one may follow, and the blank before it may be one that does not break.
fn value_of(line: &str) -> Option<&str> {
    let value = after_label(line)?;
    // A stream's prefix in column 0 (`COMMENTAIRES : `) has a colon of that form itself.
    let has_prefix = !line.starts_with(char::is_whitespace) && value.starts_with("  ");
    let value = if has_prefix { after_label(value).unwrap_or(value) } else { value };
    Some(value.trim_start_matches(|c: char| c == ':' || c.is_whitespace()).trim_end())
}

fn after_label(line: &str) -> Option<&str> {
    memchr::memchr_iter(b':', line.as_bytes()).find_map(|at| {
        let (label, rest) = (&line[..at], &line[at + 1..]);
        let parts = label.ends_with(char::is_whitespace) && (rest.is_empty() || rest.starts_with(char::is_whitespace));
        (parts && !label.trim().is_empty()).then_some(rest)
    })
}

/// Told by its length: captures with letters beyond f exist.
fn is_hash_like(value: &str) -> bool {
    value.len() == HASH_LEN && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_guid(value: &str) -> bool {
    let inner = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| {
        inner.len() == 36
            && inner.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
    })
}

/// A record under way. What it borrows must outlive its line, so it owns the little it keeps.
struct Entry {
    offset: u64,
    /// As it is written.
    endpoint: String,
    /// Of the central certificate store, which has a port alone and no hash.
    is_central: bool,
    /// Letters of a name were guessed.
    is_guessed: bool,
    hash: Hash,
    app_id: Option<String>,
    store: Option<String>,
}

/// The line of the hash.
enum Hash {
    /// Not met.
    Awaited,
    Sha1([u8; 20]),
    /// Its text is no SHA-1.
    Malformed(String),
}

impl Entry {
    fn new(line: &TextLine<'_>, endpoint: &str, is_central: bool) -> Self {
        Entry {
            offset: line.offset,
            endpoint: endpoint.to_owned(),
            is_central,
            is_guessed: line.invalid,
            hash: Hash::Awaited,
            app_id: None,
            store: None,
        }
    }

    /// A line of the record, by its place.
    fn take(&mut self, value: &str, invalid: bool) {
        if self.app_id.is_none() && is_guid(value) {
            self.app_id = Some(value.to_ascii_lowercase());
        } else if self.app_id.is_none() && matches!(self.hash, Hash::Awaited) {
            self.hash = match hex::parse(value) {
                Some(sha1) => Hash::Sha1(sha1),
                None => Hash::Malformed(value.to_owned()),
            };
        } else if self.app_id.is_some() && self.store.is_none() {
            let store = match value.eq_ignore_ascii_case(NULL) {
                // The central certificate store is a folder of files, no store of the machine.
                true if self.is_central => "",
                true => DEFAULT_STORE,
                false => value,
            };
            self.is_guessed |= invalid;
            self.store = Some(store.to_owned());
        }
    }

    /// A value that only bindings have was met.
    fn is_certain(&self) -> bool {
        let is_hash = match &self.hash {
            Hash::Awaited => false,
            Hash::Sha1(_) => true,
            Hash::Malformed(text) => is_hash_like(text),
        };
        is_hash || self.app_id.is_some()
    }

    fn push(&self, sink: &mut dyn Sink) {
        if !self.is_certain() {
            // A port alone is no record but by what follows it.
            if !self.is_central {
                sink.skip("endpoint_without_binding");
            }
            return;
        }
        let lineage = Lineage::at(self.offset);
        let central = Endpoint { port: endpoint::port_of(&self.endpoint), ..Endpoint::default() };
        let parts = endpoint::of_socket(&self.endpoint).unwrap_or(central);
        sink.binding(&Binding {
            lineage,
            kind: BindingKind::HttpSys,
            endpoint: Some(self.endpoint.as_str().into()),
            ip: parts.ip.map(Into::into),
            port: parts.port,
            sni_host: parts.host.map(Into::into),
            sha1: if let Hash::Sha1(sha1) = self.hash { Some(sha1) } else { None },
            store_name: self.store.as_deref().filter(|store| !store.is_empty()).map(Into::into),
            app_id: self.app_id.as_deref().map(Into::into),
            confidence: if self.is_central { FormatConfidence::Documented } else { FormatConfidence::Seen },
            ..Binding::default()
        });
        self.doubt(lineage, sink);
    }

    fn doubt(&self, lineage: Lineage, sink: &mut dyn Sink) {
        let mut doubt = |code, field, message: &str| {
            sink.reject(Reject::degraded(lineage, Stage::Decode, code, field, message));
        };
        match &self.hash {
            Hash::Sha1(_) => {}
            // The central store finds the certificate by the host name.
            Hash::Malformed(text) if self.is_central && matches!(text.as_str(), "" | NULL) => {}
            Hash::Awaited if self.is_central => {}
            Hash::Awaited => doubt(Code::MissingField, "thumbprint", "the binding has no line with a hash"),
            Hash::Malformed(text) if text.is_empty() || text == NULL => {
                doubt(Code::MissingField, "thumbprint", "the hash of the binding is empty");
            }
            Hash::Malformed(_) => {
                doubt(Code::BadHex, "thumbprint", "the hash of the binding is no SHA-1; it names no certificate")
            }
        }
        if self.is_guessed {
            doubt(
                Code::BadText,
                "endpoint",
                "letters of a name in this binding are guessed: the code page is not known",
            );
        }
    }
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    let mut entry: Option<Entry> = None;
    let mut after_gap = true;
    while let Some(line) = lines.line() {
        if sink.stopped() {
            return Outcome::Incomplete;
        }
        if line.too_long {
            let message = "a line is longer than the limit";
            sink.reject(Reject::lost(Lineage::at(line.offset), Stage::Read, Code::LineTooLong, message));
            continue;
        }
        let Some(value) = value_of(line.text) else {
            after_gap = true;
            continue;
        };
        // A port alone is also what other settings look like: it begins a record only behind a gap, when the one before
        // has all of its own.
        let is_settled = entry.as_ref().is_none_or(|entry| entry.store.is_some());
        let is_central = after_gap && is_settled && endpoint::port_of(value).is_some();
        if is_central || endpoint::of_socket(value).is_some() {
            if let Some(entry) = entry.replace(Entry::new(&line, value, is_central)) {
                entry.push(sink);
            }
        } else if let Some(entry) = &mut entry {
            entry.take(value, line.invalid);
        }
        after_gap = false;
    }
    if let Some(entry) = entry {
        entry.push(sink);
    }
    Outcome::Complete
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{Collect, read_all};

    const HASH: &str = "00112233445566778899aabbccddeeff00112233";
    const APP: &str = "{4DC3E181-E14B-4A21-B022-59FC669B0914}";

    fn read(text: &str) -> Collect {
        read_all(&FORMAT, text.as_bytes(), "x.txt")
    }

    fn record(endpoint: &str, hash: &str, store: &str) -> String {
        format!(
            "\n    A:b       : {endpoint}\n    C         : {hash}\n    D         : {APP}\n    E         : {store}\n"
        )
    }

    #[test]
    fn values_stand_behind_the_first_colon_between_blanks() {
        for (line, value) in [
            ("    IP:port      : 0.0.0.0:443", Some("0.0.0.0:443")),
            ("    Nom du magasin : : MY", Some("MY")),
            ("    Nom\u{a0}: MY", Some("MY")),
            ("VERBOSE:     IP:port    : [::]:443", Some("[::]:443")),
            ("COMMENTAIRES :     IP:port    : [::]:443", Some("[::]:443")),
            ("    Hash :", Some("")),
            ("SSL Certificate bindings:", None),
            ("------", None),
        ] {
            assert_eq!(value_of(line), value, "{line}");
        }
    }

    #[test]
    fn a_hash_that_is_none_is_told_and_joined_to_nothing() {
        for (hash, code) in [
            ("g0112233445566778899aabbccddeeff00112233", Code::BadHex),
            ("", Code::MissingField),
            ("(null)", Code::MissingField),
            ("0011", Code::BadHex),
        ] {
            let seen = read(&record("10.0.0.1:443", hash, "My"));
            assert_eq!((seen.others.len(), seen.degraded()), (1, vec![code]), "{hash}");
            assert!(seen.others[0].contains("sha1: None") && seen.others[0].contains("store_name: Some(\"My\")"));
        }
    }

    #[test]
    fn the_default_store_is_named_and_the_extended_block_ignored() {
        let block = "    Revocation Freshness Time : 60\n    Ctl Identifier : (null)\n\n    Extended Properties:\n
    Property ID                  : 1\n    Receive Window : 1048576\n";
        let text = record("[2001:db8::1]:8443", HASH, "(null)") + block + &record("www.contoso.com:443", HASH, "My");
        let seen = read(&text);
        assert_eq!((seen.others.len(), seen.records(), seen.rejects.len()), (2, 2, 0));
        for part in ["ip: Some(\"2001:db8::1\")", "port: Some(8443)", "store_name: Some(\"MY\")", "sni_host: None"] {
            assert!(seen.others[0].contains(part), "{part}");
        }
        assert!(seen.others[0].contains("{4dc3e181-e14b-4a21-b022-59fc669b0914}"));
        assert!(seen.others[1].contains("sni_host: Some(\"www.contoso.com\")") && seen.others[1].contains("ip: None"));
    }

    #[test]
    fn the_central_certificate_store_has_a_port_and_no_hash() {
        let seen = read(&record("443", "(null)", "(null)"));
        assert_eq!((seen.others.len(), seen.rejects.len()), (1, 0));
        assert!(seen.others[0].contains("port: Some(443)") && seen.others[0].contains("ip: None"));
        assert!(seen.others[0].contains("store_name: None") && seen.others[0].contains("confidence: Documented"));
    }

    #[test]
    fn an_endpoint_without_binding_is_counted() {
        let seen = read("    Time : 12:30\n    Other : words\n");
        assert_eq!((seen.others.len(), seen.skips.get("endpoint_without_binding")), (0, Some(&1)));
        assert!(seen.rejects.is_empty());
    }

    #[test]
    fn utf16_keeps_offsets_and_names() {
        let text = record("h.contoso.com:443", HASH, "My");
        let bytes: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let seen = read_all(&FORMAT, &bytes, "x.txt");
        assert!(seen.others[0].contains("byte_offset: 4"), "{}", seen.others[0]);
    }
}
