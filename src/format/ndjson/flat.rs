//! The reader of flat vendor lines: one certificate a line, fields under any of the names of `aliases`.
//!
//! Values are taken as tools print them: numbers as text, hashes in groups, `True` for true. What a tool prints of a
//! certificate (dates, names) stays text and becomes no fact.

use std::borrow::Cow;

use crate::record::{
    Body, CertificateRef, Claims, Code, Collection, FormatConfidence, KeyReport, Lineage, Observation, Printed, Reject,
    Sink, Stage, StoreLocation, Text,
};

use super::aliases::{self, Field, NO_KEY};
use super::convert;
use super::record::describe;
use super::scan;
use super::shape::{Known, Shapes};
use super::tree::Members;
use super::value::Value;

/// Most known keys the fast path keeps of one line; more is for the slow path, which has each key once.
const MAX_ENTRIES: usize = 64;

/// No certificate is shorter. Fields such as `certificate` hold names as well, or `System.Byte[]`.
const MIN_BASE64: usize = 100;

/// What the reader wants to know of a key.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    /// A known key.
    Known {
        field: Field,
        rank: usize,
        /// Where the key stands, from the beginning of the gap before its value.
        key: (usize, usize),
    },
    /// The array of a byte array that PowerShell 5.1 wrapped: `{"value":[...],"Count":n}`.
    Wrapped,
}

/// One known key of a line.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    field: Field,
    rank: usize,
    key: &'a str,
    value: Value<'a>,
}

/// What is remembered from line to line.
#[derive(Debug)]
pub(super) struct Table {
    shapes: Shapes<Meaning>,
}

impl Default for Table {
    fn default() -> Self {
        Table::new()
    }
}

impl Table {
    pub(super) fn new() -> Self {
        Table { shapes: Shapes::new() }
    }

    /// The fast path; `None`: declined.
    pub(super) fn scan<'a>(&mut self, text: &'a str) -> Option<Fields<'a>> {
        self.known(text).or_else(|| {
            let (fields, whole) = self.walk(text);
            (whole && !fields.overflow).then_some(fields)
        })
    }

    /// The fields that stand before the place where the scan gave up.
    pub(super) fn scan_prefix<'a>(&mut self, text: &'a str) -> Fields<'a> {
        self.walk(text).0
    }

    /// A line of a shape that was met before. No known key stands twice in a line that was learned.
    fn known<'a>(&mut self, text: &'a str) -> Option<Fields<'a>> {
        let mut fields = Fields::with_room();
        let note = |known: Known<Meaning>| {
            let value = Value::of(text, known.value);
            match known.meaning {
                Meaning::Known { field, rank, key } => {
                    let key = text.get(known.gap + key.0..known.gap + key.1).unwrap_or_default();
                    fields.push(Entry { field, rank, key, value });
                }
                Meaning::Wrapped => {
                    if let Some(outer) = fields.entries.last_mut() {
                        outer.value = value;
                    }
                }
            }
        };
        let whole = self.shapes.follow(text.as_bytes(), note, |_, _, _| false);
        whole.then_some(fields)
    }

    /// Any line, read member by member, and whether the scan came to its end.
    fn walk<'a>(&mut self, text: &'a str) -> (Fields<'a>, bool) {
        let mut fields = Fields::with_room();
        self.shapes.begin();
        let whole = scan::walk(text, |member| {
            let value = Value::of(text, member.value);
            let key = self.shapes.key(&member);
            match fields.scanned(member.nested, member.key, value) {
                Noted::Nothing => self.shapes.note(&member, None),
                Noted::Entry { field, rank } => {
                    self.shapes.note(&member, Some(Meaning::Known { field, rank, key }));
                }
                Noted::Wrapped => self.shapes.note(&member, Some(Meaning::Wrapped)),
                Noted::Repeated => self.shapes.refuse(),
            }
        });
        if whole.is_some() && !fields.overflow {
            self.shapes.learn(text);
        }
        (fields, whole.is_some())
    }
}

/// The known keys of one line.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    entries: Vec<Entry<'a>>,
    /// Number of the first entry of each field, from 1; 0 where it has none.
    first: [u8; Field::COUNT],
    /// Some field has several entries, or may have.
    several: bool,
    /// The entry whose object's members are being reported.
    inside: Option<usize>,
    overflow: bool,
}

/// What became of a member.
enum Noted {
    /// Nobody reads it.
    Nothing,
    Entry {
        field: Field,
        rank: usize,
    },
    /// It is the value of the entry that it stands in.
    Wrapped,
    /// It replaced another one.
    Repeated,
}

impl<'a> Fields<'a> {
    /// No entries, and room for those of an ordinary line.
    fn with_room() -> Self {
        Fields { entries: Vec::with_capacity(24), ..Fields::default() }
    }

    /// The slow path.
    pub(super) fn tree(members: &'a Members) -> Self {
        let mut fields = Fields::default();
        members.walk(|nested, key, place| {
            fields.member(nested, key, Value::of(members.text(), place), None);
        });
        fields
    }

    /// The value of `schema`.
    pub(super) fn schema(&self) -> Option<Text<'a>> {
        let first = usize::from(self.first[Field::Schema as usize]).checked_sub(1)?;
        self.entries.get(first..)?.iter().find(|entry| entry.key == "schema")?.value.text()
    }

    /// Whether this is a census/1 line.
    pub(super) fn is_census(&self) -> bool {
        self.schema().as_deref() == Some("census/1")
    }

    /// Whether some key names a certificate or a provider, whatever its value.
    pub(super) fn names_certificate(&self) -> bool {
        self.entries.iter().any(|entry| entry.field.names_certificate())
    }

    /// One member as the scan reports it: a key may stand twice, and the last one counts.
    fn scanned(&mut self, nested: bool, key: &'a str, value: Value<'a>) -> Noted {
        let same = if nested { None } else { self.entries.iter().position(|entry| entry.key == key) };
        if !nested && same.is_none() && self.entries.len() >= MAX_ENTRIES {
            self.overflow = true;
            self.inside = None;
            return Noted::Nothing;
        }
        self.member(nested, key, value, same)
    }

    fn member(&mut self, nested: bool, key: &'a str, value: Value<'a>, same: Option<usize>) -> Noted {
        if nested {
            // PowerShell 5.1 wraps the array of a byte array: {"value":[...],"Count":n}.
            if let Some(outer) = self.inside.and_then(|at| self.entries.get_mut(at))
                && outer.field == Field::Der
                && key == "value"
            {
                let repeated = !outer.value.is_object();
                outer.value = value;
                return if repeated { Noted::Repeated } else { Noted::Wrapped };
            }
            return Noted::Nothing;
        }
        self.inside = None;
        if let Some((at, entry)) = same.and_then(|at| self.entries.get_mut(at).map(|entry| (at, entry))) {
            entry.value = value;
            self.inside = Some(at);
            Noted::Repeated
        } else if let Some((field, rank)) = aliases::find(key) {
            self.inside = Some(self.entries.len());
            self.push(Entry { field, rank, key, value });
            Noted::Entry { field, rank }
        } else {
            Noted::Nothing
        }
    }

    /// A field under one of its names, with a value as JSON writes it; false where the name is none.
    pub(super) fn named(&mut self, key: &'a str, value: Value<'a>) -> bool {
        let found = aliases::find(key);
        if let Some((field, rank)) = found {
            self.push(Entry { field, rank, key, value });
        }
        found.is_some()
    }

    fn push(&mut self, entry: Entry<'a>) {
        let first = &mut self.first[entry.field as usize];
        // The slow path may have more entries than can be numbered; they are searched as well.
        self.several |= *first != 0 || self.entries.len() >= usize::from(u8::MAX);
        if *first == 0 {
            *first = u8::try_from(self.entries.len() + 1).unwrap_or(u8::MAX);
        }
        self.entries.push(entry);
    }

    /// The best entry of a field: one that says something before an empty one, then by rank, then by key, so that
    /// the order of keys in the line decides nothing.
    #[inline]
    fn best(&self, field: Field) -> Option<&Entry<'a>> {
        let first = usize::from(self.first[field as usize]).checked_sub(1)?;
        if !self.several {
            return self.entries.get(first);
        }
        let of_field = self.entries.iter().filter(|entry| entry.field == field);
        of_field.min_by_key(|entry| (says_nothing(entry.value), entry.rank, entry.key))
    }
}

/// Whether a value leaves its field unknown. Objects say nothing: a certificate's names are objects in PowerShell.
fn says_nothing(value: Value<'_>) -> bool {
    value.is_silent() || value.is_object() || value.is_empty_string()
}

/// What is known of a record beside its fields.
#[derive(Clone, Copy, Debug)]
pub(in crate::format) struct Frame<'x> {
    pub(in crate::format) lineage: Lineage,
    /// How sure its form is.
    pub(in crate::format) confidence: FormatConfidence,
    /// A field for the provider that holds nothing denies a key. Where it does not, whoever printed it may only have
    /// failed to open the key.
    pub(in crate::format) empty_provider_denies: bool,
    /// The certificate, where it did not come as text.
    pub(in crate::format) der: Option<&'x [u8]>,
}

/// Reads one flat line. `scratch` is a buffer for a certificate that has to be cleaned.
pub(super) fn record(fields: &Fields<'_>, line: &[u8], offset: u64, scratch: &mut Vec<u8>, sink: &mut dyn Sink) {
    let confidence = FormatConfidence::Seen;
    let frame = Frame { lineage: Lineage::at(offset), confidence, empty_provider_denies: true, der: None };
    framed(fields, frame, line, scratch, sink);
}

/// Reads the fields of one certificate. `sample` is what a reject may show.
pub(super) fn framed(fields: &Fields<'_>, frame: Frame<'_>, sample: &[u8], scratch: &mut Vec<u8>, sink: &mut dyn Sink) {
    let mut flat = Flat { fields, lineage: frame.lineage, doubts: Vec::new() };
    flat.lineage.record_number = flat.u32(Field::RecordNumber).map(i64::from);
    let (sha1, sha256) = flat.hashes();
    let body = match frame.der {
        Some(der) => Body::Der(der),
        None => flat.body(scratch),
    };
    let claims = flat.claims(frame.empty_provider_denies);
    if matches!(body, Body::Absent) && sha1.is_none() && sha256.is_none() && !has_text(&claims.provider_name) {
        let message = "no known field holds a certificate, a readable hash or a provider";
        let reject = Reject::lost(flat.lineage, Stage::Decode, Code::NoCertificate, message);
        return sink.reject(reject.with_sample(sample));
    }
    let (store_location, store_name) = flat.store();
    let observation = Observation {
        lineage: flat.lineage,
        client: flat.text(Field::Client),
        store_location,
        store_name,
        user_sid: flat.text(Field::UserSid),
        collection: Collection {
            collected_at: flat.collected_at(),
            confidence: frame.confidence,
            ..Collection::default()
        },
        certificate: CertificateRef { body, sha1, sha256 },
        claims,
        printed: Printed {
            subject: flat.text(Field::Subject),
            issuer: flat.text(Field::Issuer),
            serial: flat.text(Field::Serial),
            not_before: flat.text(Field::NotBefore),
            not_after: flat.text(Field::NotAfter),
        },
    };
    sink.observation(&observation);
    flat.doubts.drain(..).for_each(|doubt| sink.reject(doubt));
}

fn has_text(text: &Option<Text<'_>>) -> bool {
    text.as_deref().is_some_and(|text| !text.trim().is_empty())
}

/// One line under interpretation.
struct Flat<'f, 'a> {
    fields: &'f Fields<'a>,
    lineage: Lineage,
    doubts: Vec<Reject>,
}

impl<'a> Flat<'_, 'a> {
    fn value(&self, field: Field) -> Value<'a> {
        self.fields.best(field).map(|entry| entry.value).unwrap_or_default()
    }

    /// Notes that the value of `field` is not used; the reject names the key of the line.
    fn doubt(&mut self, field: Field, code: Code, expected: &str) {
        let Some(entry) = self.fields.best(field) else { return };
        let message = format!("not {expected}: {}", describe(entry.value));
        self.doubts.push(Reject::degraded(self.lineage, Stage::Decode, code, convert::quote(entry.key), message));
    }

    /// Text, or a number in its place.
    fn text(&mut self, field: Field) -> Option<Text<'a>> {
        let value = self.value(field);
        if says_nothing(value) {
            return None;
        }
        let text = value.text().or_else(|| value.unsigned().map(|_| Cow::Borrowed(value.verbatim())));
        if text.is_none() {
            self.doubt(field, Code::BadField, "text");
        }
        text
    }

    /// A value that `read` understands when it is printed as text.
    fn printed<T>(
        &mut self,
        field: Field,
        code: Code,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(field);
        if says_nothing(value) {
            return None;
        }
        let found = match value.text() {
            Some(text) => read(text.trim()),
            None => read(value.verbatim()),
        };
        if found.is_none() {
            self.doubt(field, code, expected);
        }
        found
    }

    fn u32(&mut self, field: Field) -> Option<u32> {
        self.printed(field, Code::BadField, "a number from 0 to 4294967295", convert::number)
    }

    fn bool(&mut self, field: Field) -> Option<bool> {
        self.printed(field, Code::BadField, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        })
    }

    fn collected_at(&mut self) -> Option<i64> {
        self.printed(Field::CollectedAt, Code::BadTime, "an RFC 3339 time", convert::time)
    }

    fn hashes(&mut self) -> (Option<[u8; 20]>, Option<[u8; 32]>) {
        let (sha1, sha256) = (convert::loose_hash::<20>, convert::loose_hash::<32>);
        let named = (
            self.printed(Field::Sha1, Code::BadHex, "40 hexadecimal digits", sha1),
            self.printed(Field::Sha256, Code::BadHex, "64 hexadecimal digits", sha256),
        );
        let unnamed = self.printed(Field::Hash, Code::BadHex, "40 or 64 hexadecimal digits", |text| {
            let (sha1, sha256) = (sha1(text), sha256(text));
            (sha1.is_some() || sha256.is_some()).then_some((sha1, sha256))
        });
        let (sha1, sha256) = unnamed.unwrap_or_default();
        (named.0.or(sha1), named.1.or(sha256))
    }

    /// The certificate, in whichever clothes it comes.
    fn body<'x>(&mut self, scratch: &'x mut Vec<u8>) -> Body<'x>
    where
        'a: 'x,
    {
        let value = self.value(Field::Der);
        if says_nothing(value) {
            return Body::Absent;
        }
        if let Some(octets) = value.octets() {
            *scratch = octets;
            return if scratch.is_empty() { Body::Absent } else { Body::Der(scratch) };
        }
        let Some(text) = value.text() else {
            self.doubt(Field::Der, Code::BadField, "a certificate in base64, hexadecimal, PEM or an array of octets");
            return Body::Absent;
        };
        let len = text.len();
        let inner: Text<'x> = match text {
            Cow::Borrowed(text) => Cow::Borrowed(without_armour(text).trim()),
            Cow::Owned(text) => Cow::Owned(without_armour(&text).trim().to_owned()),
        };
        if inner.is_empty() {
            return Body::Absent;
        }
        // DER begins with octet 0x30 = 48, a certificate's base64 therefore with "MI": the forms exclude each other.
        if let Some(octets) = hexadecimal(&inner).or_else(|| decimals(&inner)) {
            *scratch = octets;
            return Body::Der(scratch);
        }
        if !inner.starts_with("MI") || inner.len() < MIN_BASE64 {
            self.doubt(Field::Der, Code::BadBase64, "a certificate");
            return Body::Absent;
        }
        let clean = if inner.len() == len { value.clean() } else { 0 };
        Body::Base64(convert::base64(inner, clean, scratch))
    }

    fn claims(&mut self, empty_provider_denies: bool) -> Claims<'a> {
        let provider_entry = self.fields.best(Field::Provider).is_some();
        // An empty string is what the export says; null is not.
        let provider_name = match self.value(Field::Provider).is_empty_string() {
            true => Some(Cow::Borrowed("")),
            false => self.text(Field::Provider),
        };
        let denied = provider_name
            .as_deref()
            .is_some_and(|name| NO_KEY.iter().any(|sentinel| name.trim().eq_ignore_ascii_case(sentinel)));
        let mut claims = Claims {
            provider_name: provider_name.filter(|_| !denied),
            provider_type: self.u32(Field::ProviderType),
            key_spec: self.u32(Field::KeySpec),
            key_flags: self.u32(Field::KeyFlags),
            key_container: self.text(Field::Container),
            key_path: self.text(Field::KeyPath),
            has_private_key: self.bool(Field::HasPrivateKey),
            is_exportable: self.bool(Field::Exportable),
            reader: self.text(Field::Reader),
            hardware_device: self.bool(Field::HardwareDevice),
            friendly_name: self.text(Field::FriendlyName),
            archived: self.bool(Field::Archived),
            ..Claims::default()
        };
        let named = has_text(&claims.provider_name) || has_text(&claims.key_container);
        claims.key_report = match claims.has_private_key {
            _ if named => KeyReport::Claimed,
            Some(true) => KeyReport::Claimed,
            Some(false) => KeyReport::Absent,
            None if denied || provider_entry && empty_provider_denies => KeyReport::Absent,
            None => KeyReport::NotReported,
        };
        claims
    }

    /// Store location and name, from their own fields or from a path such as
    /// `Microsoft.PowerShell.Security\Certificate::LocalMachine\My`.
    fn store(&mut self) -> (Option<StoreLocation>, Option<Text<'a>>) {
        let mut location = None;
        if !says_nothing(self.value(Field::StoreLocation)) {
            location = self.printed(Field::StoreLocation, Code::BadField, "a store location", |text| match text {
                // .NET's enumeration, printed as a number.
                "1" => Some(StoreLocation::CurrentUser),
                "2" => Some(StoreLocation::LocalMachine),
                // ConfigMgr and mondoo print a whole path in this place.
                other => StoreLocation::parse(other).or_else(|| split_path(other).0),
            });
        }
        let mut name = None;
        for field in [Field::StoreName, Field::StorePath, Field::StoreLocation] {
            let Some(text) = self.value(field).text().filter(|text| !text.is_empty()) else { continue };
            let (from_path, rest) = split_path(&text);
            location = location.or(from_path);
            if name.is_none() {
                name = match (from_path, rest) {
                    (Some(_), rest) => rest.map(|rest| Cow::Owned(rest.to_owned())),
                    (None, _) if field == Field::StoreName => Some(text),
                    // Keyfactor's StorePath is a bare name; a path without a location is none.
                    (None, _) if field == Field::StorePath && !text.contains(['\\', '/']) => Some(text),
                    (None, _) => None,
                };
            }
        }
        (location, name)
    }
}

/// The base64 inside PEM, or all of the text.
fn without_armour(text: &str) -> &str {
    let begin = "-----BEGIN CERTIFICATE-----";
    match text.trim_start().strip_prefix(begin) {
        Some(inner) => inner.split("-----END").next().unwrap_or(inner),
        None => text,
    }
}

/// DER in hexadecimal, as .NET's `GetRawCertDataString` prints it.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !text.starts_with("30") || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|pair| convert::hash::<1>(std::str::from_utf8(pair).ok()?).map(|[octet]| octet)).collect()
}

/// DER as blank-separated decimal numbers: what `ConvertTo-Json` makes of a byte array below its depth.
fn decimals(text: &str) -> Option<Vec<u8>> {
    text.starts_with("48 ").then(|| text.split(' ').map(|number| number.parse().ok()).collect()).flatten()
}

/// Store location and store name of a path; neither where it is only a name.
fn split_path(text: &str) -> (Option<StoreLocation>, Option<&str>) {
    let path = text.rsplit("::").next().unwrap_or(text);
    let mut parts = path.split(['\\', '/']).filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        if let Some(location) = StoreLocation::parse(part) {
            return (Some(location), parts.next());
        }
    }
    (None, None)
}
