//! The attributes of a template in the directory ([MS-CRTD] section 2), from whatever form they come in.

use std::borrow::Cow;

use super::properties;
use crate::hex;
use crate::record::{Code, FormatConfidence, Lineage, Reject, Sink, Stage, Template, Text};

/// Most values kept of one attribute.
const MAX_VALUES: usize = 256;

/// A value of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'v> {
    /// Text; numbers are text in a directory.
    Text(&'v str),
    /// Bytes.
    Bytes(&'v [u8]),
}

impl<'v> Value<'v> {
    fn text(self) -> Option<&'v str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Bytes(bytes) => str::from_utf8(bytes).ok(),
        }
    }
}

/// A template on its way to a record.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    template: Template<'static>,
    /// Providers with their place in the order of preference, where they have one.
    providers: Vec<(Option<u32>, String)>,
    /// Name of the entry, where it has no common name.
    name: Option<String>,
    doubts: Vec<(&'static str, &'static str)>,
    /// A class of the entry is that of templates.
    pub(crate) is_template: bool,
    /// An attribute that only templates have was met.
    pub(crate) is_like_template: bool,
}

impl Attributes {
    /// Takes one value of an attribute. Attributes that say nothing here are passed over.
    pub(crate) fn add(&mut self, name: &str, value: Value<'_>) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        let text = value.text();
        let t = &mut self.template;
        match () {
            () if is("objectClass") => {
                self.is_template |= text.is_some_and(|class| class.eq_ignore_ascii_case("pKICertificateTemplate"));
                return;
            }
            () if is("cn") => return keep(&mut t.name, text),
            () if is("name") => {
                self.name = self.name.take().or_else(|| text.map(str::to_owned));
                return;
            }
            () if is("displayName") => return keep(&mut t.display_name, text),
            () if is("flags") => return self.flags("flags", text, |t| &mut t.general_flags),
            () if is("revision") => return self.number("revision", text, |t| &mut t.major_revision),
            () => {}
        }
        match () {
            () if is("msPKI-Cert-Template-OID") => keep(&mut t.oid, text),
            () if is("msPKI-Template-Schema-Version") => {
                self.number("schema_version", text, |t| &mut t.schema_version);
            }
            () if is("msPKI-Template-Minor-Revision") => self.number("minor_revision", text, |t| &mut t.minor_revision),
            () if is("msPKI-Private-Key-Flag") => self.flags("private_key_flags", text, |t| &mut t.private_key_flags),
            () if is("msPKI-Enrollment-Flag") => self.flags("enrollment_flags", text, |t| &mut t.enrollment_flags),
            () if is("msPKI-Certificate-Name-Flag") => self.flags("name_flags", text, |t| &mut t.name_flags),
            () if is("msPKI-Minimal-Key-Size") => self.number("minimal_key_size", text, |t| &mut t.minimal_key_size),
            () if is("msPKI-RA-Signature") => self.number("ra_signatures", text, |t| &mut t.ra_signatures),
            () if is("pKIDefaultKeySpec") => self.flags("key_spec", text, |t| &mut t.key_spec),
            () if is("pKIDefaultCSPs") => self.provider(text),
            () if is("pKIExtendedKeyUsage") => push(&mut t.eku, text),
            () if is("msPKI-Certificate-Application-Policy") => push(&mut t.application_policies, text),
            () if is("msPKI-Certificate-Policy") => push(&mut t.issuance_policies, text),
            () if is("msPKI-RA-Application-Policies") => self.policies(text),
            () if is("pKIExpirationPeriod") => self.period("validity_days", value, |t| &mut t.validity_seconds),
            () if is("pKIOverlapPeriod") => self.period("renewal_days", value, |t| &mut t.renewal_seconds),
            () => return,
        }
        self.is_like_template = true;
    }

    /// The template as far as it is known, to add what no attribute says.
    pub(crate) fn template(&mut self) -> &mut Template<'static> {
        &mut self.template
    }

    /// Takes a provider, `n,Name`: n is its place in the order of preference.
    pub(crate) fn provider(&mut self, text: Option<&str>) {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return };
        let numbered = text.split_once(',').and_then(|(n, name)| Some((n.trim().parse().ok()?, name.trim())));
        let (place, name) = numbered.map_or((None, text), |(place, name)| (Some(place), name));
        if self.providers.len() < MAX_VALUES {
            self.providers.push((place, name.to_owned()));
        }
    }

    /// Triples of name, type and value, in which templates of version 3 and 4 keep algorithms; else an identifier.
    fn policies(&mut self, text: Option<&str>) {
        let Some(text) = text.filter(|text| text.contains('`')) else { return };
        if text.trim_end_matches('`').split('`').count() % 3 != 0 {
            return self.doubts.push(("key_algorithm", "the policies are no triples of name, type and value"));
        }
        let mut parts = text.split('`');
        while let (Some(name), Some(_), Some(value)) = (parts.next(), parts.next(), parts.next()) {
            let slot = match () {
                () if name.eq_ignore_ascii_case("msPKI-Asymmetric-Algorithm") => &mut self.template.key_algorithm,
                () if name.eq_ignore_ascii_case("msPKI-Hash-Algorithm") => &mut self.template.hash_algorithm,
                () => continue,
            };
            keep(slot, Some(value));
        }
    }

    fn number(&mut self, field: &'static str, text: Option<&str>, slot: Slot<i64>) {
        match text.and_then(|text| text.trim().parse().ok()) {
            Some(number) => self.single(field, number, slot),
            None => self.doubts.push((field, "the value is not a number")),
        }
    }

    fn flags(&mut self, field: &'static str, text: Option<&str>, slot: Slot<u32>) {
        match text.and_then(|text| text.trim().parse().ok()).and_then(unsigned) {
            Some(flags) => self.single(field, flags, slot),
            None => self.doubts.push((field, "the value is not a number of 32 bits")),
        }
    }

    /// Keeps the value of an attribute that has one. Two that differ are none.
    fn single<T: PartialEq>(&mut self, field: &'static str, value: T, slot: Slot<T>) {
        const CONFLICT: &str = "the attribute has several values; none is used";
        let slot = slot(&mut self.template);
        if slot.as_ref().is_some_and(|known| *known != value) {
            *slot = None;
            self.doubts.push((field, CONFLICT));
        } else if !self.doubts.contains(&(field, CONFLICT)) {
            *slot = Some(value);
        }
    }

    /// Eight bytes: a negative number of 100 nanoseconds, little-endian ([MS-CRTD] 2.20 and 2.21); in tools' text the same in
    /// hex, or in words.
    fn period(&mut self, field: &'static str, value: Value<'_>, slot: Slot<i64>) {
        let of_bytes = |bytes: [u8; 8]| {
            let ticks = Some(i64::from_le_bytes(bytes)).filter(|ticks| *ticks < 0);
            ticks.map(|ticks| -(ticks / 10_000_000))
        };
        let seconds = match value {
            Value::Bytes(bytes) => <[u8; 8]>::try_from(bytes).ok().and_then(of_bytes),
            Value::Text(text) => {
                let digits: String = text.split_ascii_whitespace().collect();
                hex::parse(&digits).map_or_else(|| properties::period(text.trim()), of_bytes)
            }
        };
        match seconds {
            Some(seconds) => self.single(field, seconds, slot),
            None => self.doubts.push((field, "the value is neither a negative number of 8 bytes nor a known period")),
        }
    }

    /// Pushes the template.
    pub(crate) fn push(mut self, lineage: Lineage, confidence: FormatConfidence, sink: &mut dyn Sink) {
        // Directories keep no order; what has no number stays where it stood, behind what has one.
        self.providers.sort_by_key(|(place, _)| place.unwrap_or(u32::MAX));
        self.template.providers = self.providers.into_iter().map(|(_, name)| Cow::Owned(name)).collect();
        if self.template.name.is_none() {
            self.template.name = self.name.map(Cow::Owned);
        }
        sink.template(&Template { lineage, confidence, ..self.template });
        for (field, message) in self.doubts {
            sink.reject(Reject::degraded(lineage, Stage::Decode, Code::BadField, field, message));
        }
    }

    /// No provider is named.
    pub(crate) fn has_no_provider(&self) -> bool {
        self.providers.is_empty()
    }

    /// Notes a doubt about a field.
    pub(crate) fn doubt(&mut self, field: &'static str, message: &'static str) {
        self.doubts.push((field, message));
    }
}

type Slot<T> = for<'t> fn(&'t mut Template<'static>) -> &'t mut Option<T>;

/// A flag word, which tools print signed or unsigned.
pub(crate) fn unsigned(number: i64) -> Option<u32> {
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}

/// The attribute is a number or a flag word.
pub(crate) fn is_number(name: &str) -> bool {
    const NUMBERS: [&str; 9] = [
        "flags",
        "revision",
        "msPKI-Template-Schema-Version",
        "msPKI-Template-Minor-Revision",
        "msPKI-Private-Key-Flag",
        "msPKI-Enrollment-Flag",
        "msPKI-Certificate-Name-Flag",
        "msPKI-Minimal-Key-Size",
        "msPKI-RA-Signature",
    ];
    NUMBERS.iter().any(|number| name.trim().eq_ignore_ascii_case(number))
}

/// Keeps the first text.
pub(crate) fn keep(slot: &mut Option<Text<'static>>, text: Option<&str>) {
    if slot.is_none() {
        *slot = text.map(str::trim).filter(|text| !text.is_empty()).map(|text| Cow::Owned(text.to_owned()));
    }
}

/// Adds a text to a list.
pub(crate) fn push(list: &mut Vec<Text<'static>>, text: Option<&str>) {
    if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty() && list.len() < MAX_VALUES) {
        list.push(Cow::Owned(text.to_owned()));
    }
}
