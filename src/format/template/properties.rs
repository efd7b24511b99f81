//! `certutil -v -template`: properties by their names in the API, which no language changes, with numbers in hex.

use super::attributes::{Attributes, keep, push};
use crate::format::text::TextLines;
use crate::format::{Input, Outcome};
use crate::record::{Code, FormatConfidence, Lineage, Reject, Sink, Stage, Template};

/// What every property's name begins with.
const PREFIX: &str = "TemplateProp";
/// Most lines of one template.
const MAX_LINES: usize = 20_000;

pub(super) fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    let mut reader = Reader { sink, open: None, is_over: false };
    while let Some(line) = lines.line() {
        if reader.open.is_none() && reader.sink.stopped() {
            return Outcome::Incomplete;
        }
        if line.too_long {
            reader.is_over = false;
            continue;
        }
        reader.line(line.text.trim(), line.offset);
    }
    reader.end();
    if reader.is_over { Outcome::Complete } else { Outcome::Incomplete }
}

/// The template that is being read.
struct Open {
    offset: u64,
    attributes: Attributes,
    /// The property whose list the lines below it are.
    list: Option<List>,
    lines: usize,
    has_name: bool,
    number: Option<i64>,
}

/// A property with a value a line.
#[derive(Clone, Copy)]
enum List {
    Providers,
    Ekus,
    ApplicationPolicies,
    IssuancePolicies,
    Oid,
}

struct Reader<'s> {
    sink: &'s mut dyn Sink,
    open: Option<Open>,
    /// The output ended as it should.
    is_over: bool,
}

impl Reader<'_> {
    fn line(&mut self, text: &str, offset: u64) {
        if text.is_empty() {
            return;
        }
        if text.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("CertUtil:")) {
            self.end();
            self.is_over = true;
            return;
        }
        self.is_over = false;
        if let Some(number) = heading(text) {
            self.end();
            return self.begin(offset, Some(number));
        }
        let Some((name, value)) = text.split_once('=').map(|(name, value)| (name.trim(), value.trim())) else {
            return self.item(text);
        };
        let Some(name) = name.strip_prefix(PREFIX).filter(|name| !name.contains(' ')) else { return self.item(text) };
        // Copies may have lost the heading; the name comes first.
        if name == "CommonName" && self.open.as_ref().is_none_or(|open| open.has_name) {
            self.end();
            self.begin(offset, None);
        }
        let Some(open) = &mut self.open else { return };
        open.lines += 1;
        open.has_name |= name == "CommonName";
        open.list = property(name, value, &mut open.attributes);
    }

    fn begin(&mut self, offset: u64, number: Option<i64>) {
        let attributes = Attributes::default();
        self.open = Some(Open { offset, attributes, list: None, lines: 0, has_name: false, number });
    }

    /// A line below a property.
    fn item(&mut self, text: &str) {
        let Some(open) = &mut self.open else { return };
        open.lines += 1;
        let template = open.attributes.template();
        let oid = text.split_whitespace().next().filter(|word| is_oid(word));
        match open.list {
            Some(List::Providers) => {
                let Some((place, name)) = text.split_once(": ") else { return };
                // Counted from 0 here, from 1 in the directory; only the order matters.
                if place.bytes().all(|b| b.is_ascii_digit()) {
                    open.attributes.provider(Some(&format!("{place},{name}")));
                }
            }
            Some(List::Ekus) => push(&mut template.eku, oid),
            Some(List::ApplicationPolicies) => push(&mut template.application_policies, oid),
            Some(List::IssuancePolicies) => push(&mut template.issuance_policies, oid),
            Some(List::Oid) => keep(&mut template.oid, oid),
            None => {}
        }
    }

    fn end(&mut self) {
        let Some(Open { offset, mut attributes, lines, has_name, number, .. }) = self.open.take() else { return };
        let lineage = Lineage { record_number: number, ..Lineage::at(offset) };
        match () {
            () if lines > MAX_LINES => {
                let message = "the template has too many lines";
                self.sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
            }
            () if !has_name => {
                let message = "the template has no name";
                self.sink.reject(Reject::lost(lineage, Stage::Read, Code::MissingField, message));
            }
            () => {
                // A copy that lost the rest may have lost its providers, too.
                let is_whole = |t: &Template<'_>| t.schema_version.is_some() && t.private_key_flags.is_some();
                let any = attributes.has_no_provider() && is_whole(attributes.template());
                attributes.template().any_provider = any.then_some(true);
                attributes.push(lineage, FormatConfidence::Seen, self.sink);
            }
        }
    }
}

/// `Template[8]:`, in any language.
fn heading(text: &str) -> Option<i64> {
    let (word, rest) = text.strip_suffix("]:")?.split_once('[')?;
    (!word.is_empty() && !word.contains([' ', ':', '='])).then_some(())?;
    (!word.starts_with("Extension")).then_some(())?;
    rest.parse().ok()
}

/// Takes a property; the list that follows, if it is one.
fn property(name: &str, value: &str, attributes: &mut Attributes) -> Option<List> {
    type Flags = for<'t> fn(&'t mut Template<'static>) -> &'t mut Option<u32>;
    type Count = for<'t> fn(&'t mut Template<'static>) -> &'t mut Option<i64>;
    let flags: [(&str, &'static str, Flags); 4] = [
        ("PrivateKeyFlags", "private_key_flags", |t| &mut t.private_key_flags),
        ("EnrollmentFlags", "enrollment_flags", |t| &mut t.enrollment_flags),
        ("SubjectNameFlags", "name_flags", |t| &mut t.name_flags),
        ("GeneralFlags", "general_flags", |t| &mut t.general_flags),
    ];
    let counts: [(&str, &'static str, Count); 5] = [
        ("SchemaVersion", "schema_version", |t| &mut t.schema_version),
        ("MajorRevision", "major_revision", |t| &mut t.major_revision),
        ("MinorRevision", "minor_revision", |t| &mut t.minor_revision),
        ("MinimumKeySize", "minimal_key_size", |t| &mut t.minimal_key_size),
        ("RASignatureCount", "ra_signatures", |t| &mut t.ra_signatures),
    ];
    if let Some((_, field, slot)) = flags.into_iter().find(|(known, ..)| *known == name) {
        match number(value) {
            Some(number) => *slot(attributes.template()) = Some(number),
            None => attributes.doubt(field, "the value is not a number in hex, or differs from its decimal"),
        }
        return None;
    }
    if let Some((_, field, slot)) = counts.into_iter().find(|(known, ..)| *known == name) {
        match number(value) {
            Some(number) => *slot(attributes.template()) = Some(i64::from(number)),
            None => attributes.doubt(field, "the value is not a number in hex, or differs from its decimal"),
        }
        return None;
    }
    let template = attributes.template();
    match name {
        "CommonName" => keep(&mut template.name, Some(value)),
        "FriendlyName" => keep(&mut template.display_name, Some(value)),
        "AsymmetricAlgorithm" => keep(&mut template.key_algorithm, Some(value)),
        "HashAlgorithm" => keep(&mut template.hash_algorithm, Some(value)),
        "ValidityPeriod" => template.validity_seconds = period(value),
        "RenewalPeriod" => template.renewal_seconds = period(value),
        "CryptoProviders" => return Some(List::Providers),
        "EKUs" => return Some(List::Ekus),
        "V1ApplicationPolicy" | "ApplicationPolicies" | "ApplicationPolicy" => return Some(List::ApplicationPolicies),
        "CertificatePolicies" | "IssuancePolicies" | "CertificatePolicy" => return Some(List::IssuancePolicies),
        "OID" => return Some(List::Oid),
        _ => {}
    }
    None
}

/// Hex, then the decimal in brackets where it differs, which has to agree.
fn number(text: &str) -> Option<u32> {
    let (digits, rest) = text.split_once(' ').unwrap_or((text, ""));
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
    // From 10 on the decimal differs and stands beside it; where it does not, the copy was cut, maybe inside the number.
    let Some(decimal) = rest.trim().strip_prefix('(') else { return Some(value).filter(|value| *value < 10) };
    let said: i64 = decimal.split(')').next()?.trim().parse().ok()?;
    (said == i64::from(value) || said == i64::from(value.cast_signed())).then_some(value)
}

/// `2 Years`. Words of other languages are not guessed.
pub(super) fn period(text: &str) -> Option<i64> {
    const DAY: i64 = 86_400;
    let (count, unit) = text.split_once(' ')?;
    let unit = match unit.trim().trim_end_matches('s').to_ascii_lowercase().as_str() {
        "hour" => 3_600,
        "day" => DAY,
        "week" => 7 * DAY,
        "month" => 30 * DAY,
        "year" => 365 * DAY,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(unit)
}

fn is_oid(word: &str) -> bool {
    word.contains('.') && word.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()))
}
