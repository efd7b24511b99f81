//! Rows as CSV (`certutil -view csv`): localised labels as header, the size in place of binary values, no block of
//! attributes. The schema is not printed, so only English labels and the database's own names are known.

use std::fs::File;

use super::attributes::Attributes;
use super::cut::Nobody;
use super::emit;
use super::row::{Field, MAX_ROW, Row};
use crate::format::text::{self, Encoding, TextLines};
use crate::format::{Border, Format, Head, Input, Outcome};
use crate::input::Window;
use crate::record::{Code, FormatConfidence, Lineage, Reject, Sink, Stage};

/// `certutil -view csv`.
pub static FORMAT: Format = Format {
    name: "adcs_csv",
    title: "AD CS database rows as CSV (certutil -view csv)",
    usual_names: "*.csv",
    yields: "an enrolment a row, without what the request itself says; the provider from the Attribute table alone",
    source: "certutil -view csv (AD CS); RFC 4180",
    sniff: is_csv,
    read: Some(read),
    unpack: None,
    border: Some(Border::Counted(borders)),
};

/// What separates the values of a line.
const SEPARATORS: [char; 3] = [',', ';', '\t'];
const EMPTY: &str = "EMPTY";

/// English labels of the columns that are kept.
const LABELS: &[(&str, Field)] = &[
    ("Request ID", Field::RequestId),
    ("Issued Request ID", Field::IssuedRequestId),
    ("Binary Request", Field::RawRequest),
    ("Archived Key", Field::ArchivedKey),
    ("Key Recovery Agent Hashes", Field::RecoveryHashes),
    ("Old Certificate", Field::OldCertificate),
    ("Request Attributes", Field::RequestAttributes),
    ("Request Disposition", Field::Disposition),
    ("Requester Name", Field::Requester),
    ("Request Submission Date", Field::Submitted),
    ("Request Distinguished Name", Field::Subject),
    ("Attestation Challenge", Field::Challenge),
    ("Endorsement Key Hash", Field::EndorsementKeyHash),
    ("Endorsement Certificate Hash", Field::EndorsementCertificateHash),
    ("Binary Certificate", Field::Certificate),
    ("Certificate Hash", Field::CertificateHash),
    ("Certificate Template", Field::Template),
    ("Binary Public Key", Field::PublicKey),
    ("Attribute Name", Field::AttributeName),
    ("Attribute Value", Field::AttributeValue),
];

/// What the columns are.
struct Header {
    fields: Vec<Field>,
    separator: char,
    is_attributes: bool,
    /// A field that several columns have.
    repeated: Option<Field>,
    confidence: FormatConfidence,
}

fn is_csv(head: &Head<'_>) -> bool {
    let text = text::head(head);
    let line = text.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    line.len() < MAX_ROW && header(String::from_utf8_lossy(line).trim_end()).is_some()
}

/// The header, where it names a request and something else of it.
fn header(line: &str) -> Option<Header> {
    let separator = SEPARATORS.into_iter().max_by_key(|mark| line.matches(*mark).count())?;
    let mut fields = Vec::new();
    let mut has_label = false;
    split(line, separator, |_, name| {
        let name = name.trim();
        let label = LABELS.iter().find(|(label, _)| label.eq_ignore_ascii_case(name)).map(|(_, field)| *field);
        has_label |= label.is_some();
        fields.push(label.unwrap_or_else(|| Field::of_column(name)));
    });
    let is_attributes = fields.contains(&Field::AttributeName) && fields.contains(&Field::AttributeValue);
    if is_attributes {
        let numbers = fields.iter_mut().filter(|field| **field == Field::RequestId);
        numbers.for_each(|field| *field = Field::AttributeRequestId);
    }
    let numbers = [Field::RequestId, Field::IssuedRequestId, Field::AttributeRequestId];
    let (has_number, others) =
        fields.iter().filter(|field| **field != Field::Other).fold((false, 0), |found, field| {
            if numbers.contains(field) { (true, found.1) } else { (found.0, found.1 + 1) }
        });
    let is_repeated =
        |field: &&Field| **field != Field::Other && fields.iter().filter(|other| other == field).count() > 1;
    let repeated = fields.iter().find(is_repeated).copied();
    let confidence = match has_label && !is_attributes {
        true => FormatConfidence::Documented,
        false => FormatConfidence::Inferred,
    };
    (has_number && others > 0).then_some(Header { fields, separator, is_attributes, repeated, confidence })
}

/// Hands out the values of a record with their numbers; returns how many there are.
fn split(record: &str, separator: char, mut take: impl FnMut(usize, &str)) -> usize {
    let mut rest = record;
    let mut number = 0;
    loop {
        let after = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted);
                let value = quoted.get(..end).unwrap_or_default();
                match value.contains("\"\"") {
                    true => take(number, &value.replace("\"\"", "\"")),
                    false => take(number, value),
                }
                let after = quoted.get(end + 1..).unwrap_or_default();
                after.find(separator).and_then(|at| after.get(at..))
            }
            None => {
                let end = rest.find(separator).unwrap_or(rest.len());
                take(number, rest.get(..end).unwrap_or_default());
                rest.get(end..).filter(|after| !after.is_empty())
            }
        };
        number += 1;
        match after.and_then(|after| after.strip_prefix(separator)) {
            Some(next) => rest = next,
            None => return number,
        }
    }
}

/// Position of the quote that ends a value; two of them are one that belongs to it.
fn closing_quote(quoted: &str) -> usize {
    let bytes = quoted.as_bytes();
    let mut from = 0;
    loop {
        let Some(at) = bytes.get(from..).and_then(|rest| memchr::memchr(b'"', rest)) else { return quoted.len() };
        if bytes.get(from + at + 1) != Some(&b'"') {
            return from + at;
        }
        from += at + 2;
    }
}

/// Where records of a table begin.
#[derive(Default)]
struct Records {
    /// Quotes are open.
    is_open: bool,
    /// Bytes of the record so far.
    len: usize,
}

/// What a line is to its record.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// Of no record.
    Nothing,
    /// The first line.
    First,
    /// Another line.
    Later,
    /// With it the record becomes too large; the next line begins another.
    TooMuch,
}

impl Records {
    fn line(&mut self, text: &str) -> Part {
        let part = if self.is_open { Part::Later } else { Part::First };
        if part == Part::First && (text.trim_ascii().is_empty() || text.starts_with("CertUtil: ")) {
            return Part::Nothing;
        }
        self.len = if part == Part::First { text.len() } else { self.len + 1 + text.len() };
        if self.len > MAX_ROW {
            self.is_open = false;
            return Part::TooMuch;
        }
        self.is_open ^= memchr::memchr_iter(b'"', text.as_bytes()).count() % 2 == 1;
        part
    }
}

/// Starts of records, about `step` bytes apart. Rows of the Attribute table belong together, and UTF-16 is not cut.
fn borders(window: &mut Window<'_>, step: u64) -> Vec<u64> {
    let (mut borders, mut last) = (Vec::new(), 0);
    if text::detect(window.fill(1024)).0 != Encoding::Utf8 {
        return borders;
    }
    let mut lines = TextLines::in_code_page(window, MAX_ROW, None);
    if find(&mut lines).is_none_or(|header| header.is_attributes) {
        return borders;
    }
    let mut records = Records::default();
    while let Some(line) = lines.line().filter(|line| !line.too_long) {
        if records.line(line.text) == Part::First && line.offset >= last + step {
            borders.push(line.offset);
            last = line.offset;
        }
    }
    borders
}

/// Reads up to the end of the header.
fn find(lines: &mut TextLines<'_, '_>) -> Option<Header> {
    let mut nobody = Nobody;
    let mut reader = Reader::new(&mut nobody);
    while reader.header.is_none() {
        let line = lines.line().filter(|line| !line.too_long && !reader.has_failed)?;
        reader.line(line.text, line.offset, line.invalid);
    }
    reader.header
}

/// Reads all records.
fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let is_within = input.window.offset() > 0;
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    let mut reader = Reader::new(sink);
    if is_within {
        let file = input.file.and_then(|file| File::open(file).ok());
        let header = file.and_then(|file| {
            let mut window = Window::new(file, 0);
            find(&mut TextLines::in_code_page(&mut window, input.setting.max_line, input.setting.code_page))
        });
        reader.has_failed = header.is_none();
        reader.header = header;
    }
    while let Some(line) = lines.line() {
        if reader.has_failed {
            return Outcome::Failed;
        }
        if reader.sink.stopped() {
            return Outcome::Incomplete;
        }
        match line.too_long {
            true => reader.lost(line.offset, Code::LineTooLong, "a line is longer than the limit"),
            false => reader.line(line.text, line.offset, line.invalid),
        }
    }
    reader.finish()
}

struct Reader<'s> {
    sink: &'s mut dyn Sink,
    header: Option<Header>,
    /// The first line is no header.
    has_failed: bool,
    /// The lines of a record, as far as they were read.
    record: String,
    lineage: Lineage,
    /// Letters of the record are guessed.
    is_guessed: bool,
    records: Records,
    row: Row,
    attributes: Attributes,
}

impl<'s> Reader<'s> {
    fn new(sink: &'s mut dyn Sink) -> Self {
        Reader {
            sink,
            header: None,
            has_failed: false,
            record: String::new(),
            lineage: Lineage::default(),
            is_guessed: false,
            records: Records::default(),
            row: Row::default(),
            attributes: Attributes::default(),
        }
    }

    fn line(&mut self, text: &str, offset: u64, is_guessed: bool) {
        let was_open = self.records.is_open;
        let part = self.records.line(text);
        if part == Part::Nothing {
            return;
        }
        if was_open {
            self.record.push('\n');
        } else {
            self.record.clear();
            self.lineage = Lineage::at(offset);
            self.is_guessed = false;
        }
        if part == Part::TooMuch {
            return self.lost(self.lineage.byte_offset, Code::TooLarge, "the record is larger than 1 MiB");
        }
        self.is_guessed |= is_guessed;
        self.record.push_str(text);
        if !self.records.is_open {
            self.end_record();
        }
    }

    fn lost(&mut self, offset: u64, code: Code, message: &str) {
        (self.records.is_open, self.has_failed) = (false, self.header.is_none());
        self.record.clear();
        self.sink.reject(Reject::lost(Lineage::at(offset), Stage::Read, code, message));
    }

    fn end_record(&mut self) {
        let record = std::mem::take(&mut self.record);
        match &self.header {
            None => self.begin(&record),
            Some(header) => {
                self.row.begin(self.lineage);
                let (fields, row) = (&header.fields, &mut self.row);
                let count = split(&record, header.separator, |number, value| {
                    put(row, fields.get(number).copied().unwrap_or_default(), value);
                });
                match count == fields.len() {
                    true => self.push(),
                    false => {
                        let message = format!("the record has {count} values, the header {}", fields.len());
                        self.lost(self.lineage.byte_offset, Code::BadStructure, &message);
                    }
                }
            }
        }
        self.record = record;
    }

    fn begin(&mut self, record: &str) {
        match header(record) {
            Some(mut header) => {
                if let Some(field) = header.repeated {
                    let message = "several columns have this name; none of them is used";
                    let code = Code::BadStructure;
                    self.sink.reject(Reject::degraded(self.lineage, Stage::Read, code, field.name(), message));
                    header.fields.iter_mut().filter(|other| **other == field).for_each(|other| *other = Field::Other);
                }
                self.header = Some(header);
            }
            None => self.lost(self.lineage.byte_offset, Code::BadStructure, "the first line names no known columns"),
        }
    }

    fn push(&mut self) {
        if self.is_guessed {
            let message = "the text is not valid in its encoding; letters of the record are guessed";
            self.row.doubt(Code::BadText, "encoding", message);
        }
        match &self.header {
            Some(header) if header.is_attributes => self.attributes.add(&mut self.row, self.sink),
            Some(header) => emit::push(&mut self.row, header.confidence, self.sink),
            None => {}
        }
    }

    fn finish(&mut self) -> Outcome {
        let is_cut = self.records.is_open;
        if is_cut {
            self.lost(self.lineage.byte_offset, Code::Truncated, "the file ends inside quotes");
        }
        self.attributes.flush(self.sink);
        match (self.has_failed, is_cut) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::Incomplete,
            (false, false) => Outcome::Complete,
        }
    }
}

/// Puts a value into the row. Of binary values, certutil prints how large they are; programs put base64 there.
fn put(row: &mut Row, field: Field, value: &str) {
    let value = value.trim();
    if field == Field::Other || value.is_empty() || value == EMPTY {
        return;
    }
    let is_size = value.strip_suffix("Bytes").is_some_and(|size| size.trim().bytes().all(|byte| byte.is_ascii_digit()));
    match field {
        Field::Challenge | Field::ArchivedKey if is_size && value.starts_with("0 ") => {}
        _ if row.blob_mut(field).is_none() => row.begin_text(field, value),
        _ if is_size => {}
        _ => {
            let is_inner = |line: &&str| !line.starts_with("-----");
            value.lines().filter(is_inner).for_each(|line| row.add_base64(field, line.trim()));
            if !row.decode(field) {
                row.doubt(Code::BadBase64, field.name(), "the value is neither a size nor base64");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{Collect, read_all, read_with, sample};
    use crate::format::{CodePage, Setting};

    fn read(text: &str) -> Collect {
        read_all(&FORMAT, text.as_bytes(), "view.csv")
    }

    fn values(record: &str) -> Vec<String> {
        let mut values = Vec::new();
        let count = split(record, ',', |_, value| values.push(value.to_owned()));
        assert_eq!(count, values.len());
        values
    }

    #[test]
    fn values_are_split_as_rfc_4180_says() {
        assert_eq!(values("a,\"b,\"\"c\"\"\n\",,\"\""), ["a", "b,\"c\"\n", "", ""]);
        assert_eq!(values("a,"), ["a", ""]);
        assert_eq!(values("\"open, and no end"), ["open, and no end"]);
        assert_eq!(values("\"\u{fc}\"x,b"), ["\u{fc}", "b"], "what stands behind quotes is nothing");
    }

    #[test]
    fn rows_are_enrolments_with_what_a_size_can_say() {
        let seen = read_all(&FORMAT, &sample("adcs_csv", "view.csv"), "view.csv");
        assert_eq!(
            (seen.outcome, seen.others.len(), seen.rejects.len()),
            (Outcome::Complete, 2, 0),
            "{:?}",
            seen.rejects
        );
        let has = |row: usize, text: &str| assert!(seen.others[row].contains(text), "{text}: {}", seen.others[row]);
        has(0, "request_number: Some(4)");
        has(0, "disposition: Some(\"revoked\")");
        has(0, "requester: Some(\"FABRIKAM\\\\anna \\\"the admin\\\"\")");
        has(0, "machine: Some(\"web-07.fabrikam.test\")");
        has(0, "template_name: Some(\"FabrikamUser\"), template_oid: Some(\"1.3.6.1.4.1.311.21.8.1.2.3\")");
        has(0, "provider_name: None");
        has(0, "attestation: []");
        has(0, "is_key_archived: None");
        has(0, "confidence: Documented");
        has(1, "attestation: [\"attestation_challenge\", \"endorsement_key_hash\"]");
        has(1, "is_key_archived: Some(true)");
        has(1, "disposition: Some(\"denied\")");
    }

    #[test]
    fn headers_that_are_not_known_are_not_claimed() {
        let claims = |text: &str| is_csv(&Head { bytes: text.as_bytes(), complete: true, len: None });
        for header in [
            "Request ID,Requester Name\n",
            "\n\"RequestID\";\"Request.RequesterName\"\r\n",
            "\u{feff}Request ID\tCertificate Hash",
        ] {
            assert!(claims(header), "{header}");
        }
        for header in [
            "Request ID\n",
            "Request ID,Price\n",
            "Anforderungs-ID,Anforderername\n",
            "Requester Name,Certificate Hash",
            "",
        ] {
            assert!(!claims(header), "{header}");
        }
    }

    #[test]
    fn attributes_of_one_request_are_one_row() {
        let seen = read_all(&FORMAT, &sample("adcs_csv", "attributes.csv"), "attributes.csv");
        assert_eq!((seen.outcome, seen.others.len(), seen.rejects.len()), (Outcome::Complete, 2, 0));
        assert!(seen.others[0].contains("machine: Some(\"web-07.fabrikam.test\")"));
        assert!(
            seen.others.iter().all(|row| row.contains("confidence: Inferred") && row.contains("provider_name: Some"))
        );
    }

    #[test]
    fn damage_costs_its_record() {
        let seen = read_all(&FORMAT, &sample("adcs_csv", "damaged.csv"), "damaged.csv");
        assert_eq!((seen.outcome, seen.others.len()), (Outcome::Incomplete, 1));
        assert_eq!((seen.lost(), seen.degraded()), (vec![Code::BadStructure, Code::Truncated], vec![Code::BadField]));
        let seen = read("Request ID,Requester Name\n1,\"open\n2,x\n");
        assert_eq!((seen.outcome, seen.lost()), (Outcome::Incomplete, vec![Code::Truncated]));
        let large = format!("Request ID,Requester Name\n1,\"{}\"\n2,x\n", "a\n".repeat(MAX_ROW / 2));
        assert_eq!(read(&large).lost()[0], Code::TooLarge);
        let seen = read("Request ID,Requester Name,Requester Name\n1,a,b\n");
        assert_eq!(seen.degraded(), [Code::BadStructure]);
        assert!(seen.others[0].contains("requester: None"), "{:?}", seen.others);
        assert_eq!(
            (read("a,b\n1,2\n").outcome, read("a,b\n1,2\n").lost()),
            (Outcome::Failed, vec![Code::BadStructure])
        );
    }

    #[test]
    fn letters_are_decoded_or_doubted() {
        let bytes = b"Request ID,Requester Name\r\n1,FABRIKAM\\j\x94rg\r\n";
        let setting = Setting { code_page: CodePage::of(850), ..Setting::default() };
        let seen = read_with(&FORMAT, bytes, "view.csv", u64::MAX, &setting);
        assert!(seen.rejects.is_empty() && seen.others[0].contains("j\u{f6}rg"), "{:?}", seen.others);
        assert_eq!(read_all(&FORMAT, bytes, "view.csv").degraded(), [Code::BadText]);
    }

    #[test]
    fn a_certificate_as_base64_is_read() {
        let leaf = sample("certificate_der", "ec-leaf.cer");
        let text = base64_simd::STANDARD.encode_to_string(&leaf);
        let seen = read(&format!("RequestID,RawCertificate,Request.RequesterName\n7,{text},x\n8,!!!!,y\n"));
        assert_eq!((seen.observations.len(), seen.others.len(), seen.degraded()), (1, 2, vec![Code::BadBase64]));
        assert_eq!(seen.observations[0].der.as_deref(), Some(&leaf[..]));
    }
}
