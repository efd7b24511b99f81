//! One row of the database, as far as it is kept: texts in one buffer, binary values each in their own.

use std::borrow::Cow;

use crate::record::{Code, Lineage, Reject, Sink, Stage};

/// Most that is kept of one row. By the lengths that schemas print, the columns that matter hold a third of it.
pub const MAX_ROW: usize = 1024 * 1024;
/// Most doubts that are told of one row.
const MAX_DOUBTS: usize = 16;

/// What a value is to this reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    /// Nothing.
    #[default]
    Other,
    /// `Request.RequestID`.
    RequestId,
    /// `RequestID`, the same number beside what was issued.
    IssuedRequestId,
    /// `Request.RequestAttributes`: lines of name, colon and value.
    RequestAttributes,
    /// `Request.Disposition`.
    Disposition,
    /// `Request.RequesterName`.
    Requester,
    /// `Request.SubmittedWhen`, in the CA's own time and spelling.
    Submitted,
    /// `Request.DistinguishedName`.
    Subject,
    /// `Request.AttestationChallenge`.
    Challenge,
    /// `Request.EndorsementKeyHash`.
    EndorsementKeyHash,
    /// `Request.EndorsementCertificateHash`.
    EndorsementCertificateHash,
    /// `Request.RawArchivedKey`. Only that it is there is of interest.
    ArchivedKey,
    /// `Request.KeyRecoveryHashes`: for whom the archived key is encrypted.
    RecoveryHashes,
    /// `CertificateHash`.
    CertificateHash,
    /// `CertificateTemplate`: name or object identifier.
    Template,
    /// `PrivatekeyFlags`: those of the template when the certificate was issued.
    PrivateKeyFlags,
    /// `RequestCSPProvider` among the attributes.
    Provider,
    /// `RequestOSVersion` among the attributes.
    OsVersion,
    /// `ccm` among the attributes: the client's machine.
    ClientMachine,
    /// `rmd` among the attributes: the requesting machine.
    RequestingMachine,
    /// `CertificateTemplate` among the attributes.
    RequestedTemplate,
    /// `AttributeRequestId` of the Attribute table.
    AttributeRequestId,
    /// `AttributeName` of the Attribute table.
    AttributeName,
    /// `AttributeValue` of the Attribute table.
    AttributeValue,
    /// `Request.RawRequest`.
    RawRequest,
    /// `Request.RawOldCertificate`: the certificate that is renewed.
    OldCertificate,
    /// `RawCertificate`.
    Certificate,
    /// `RawPublicKey`: the bits of the public key.
    PublicKey,
}

const FIELDS: usize = Field::PublicKey as usize + 1;
const FIRST_BLOB: usize = Field::RawRequest as usize;

impl Field {
    /// What a column of this name is.
    pub fn of_column(name: &str) -> Field {
        match name {
            "Request.RequestID" => Field::RequestId,
            "RequestID" => Field::IssuedRequestId,
            "Request.RawRequest" => Field::RawRequest,
            "Request.RawArchivedKey" => Field::ArchivedKey,
            "Request.KeyRecoveryHashes" => Field::RecoveryHashes,
            "Request.RawOldCertificate" => Field::OldCertificate,
            "Request.RequestAttributes" => Field::RequestAttributes,
            "Request.Disposition" => Field::Disposition,
            "Request.RequesterName" => Field::Requester,
            "Request.SubmittedWhen" => Field::Submitted,
            "Request.DistinguishedName" => Field::Subject,
            "Request.AttestationChallenge" => Field::Challenge,
            "Request.EndorsementKeyHash" => Field::EndorsementKeyHash,
            "Request.EndorsementCertificateHash" => Field::EndorsementCertificateHash,
            "RawCertificate" => Field::Certificate,
            "CertificateHash" => Field::CertificateHash,
            "CertificateTemplate" => Field::Template,
            "RawPublicKey" => Field::PublicKey,
            "PrivatekeyFlags" => Field::PrivateKeyFlags,
            _ if name.eq_ignore_ascii_case("AttributeRequestId") => Field::AttributeRequestId,
            "AttributeName" => Field::AttributeName,
            "AttributeValue" => Field::AttributeValue,
            _ => Field::Other,
        }
    }

    /// What an attribute of this name is; clients write names in any case.
    pub fn of_attribute(name: &str) -> Field {
        const NAMES: [(&str, Field); 5] = [
            ("RequestCSPProvider", Field::Provider),
            ("RequestOSVersion", Field::OsVersion),
            ("ccm", Field::ClientMachine),
            ("rmd", Field::RequestingMachine),
            ("CertificateTemplate", Field::RequestedTemplate),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(Field::Other, |(_, field)| *field)
    }

    /// Its name in the database, for people.
    pub fn name(self) -> &'static str {
        match self {
            Field::Other => "column",
            Field::RequestId => "Request.RequestID",
            Field::IssuedRequestId => "RequestID",
            Field::RequestAttributes => "Request.RequestAttributes",
            Field::Disposition => "Request.Disposition",
            Field::Requester => "Request.RequesterName",
            Field::Submitted => "Request.SubmittedWhen",
            Field::Subject => "Request.DistinguishedName",
            Field::Challenge => "Request.AttestationChallenge",
            Field::EndorsementKeyHash => "Request.EndorsementKeyHash",
            Field::EndorsementCertificateHash => "Request.EndorsementCertificateHash",
            Field::ArchivedKey => "Request.RawArchivedKey",
            Field::RecoveryHashes => "Request.KeyRecoveryHashes",
            Field::CertificateHash => "CertificateHash",
            Field::Template => "CertificateTemplate",
            Field::PrivateKeyFlags => "PrivatekeyFlags",
            Field::Provider => "RequestCSPProvider",
            Field::OsVersion => "RequestOSVersion",
            Field::ClientMachine => "ccm",
            Field::RequestingMachine => "rmd",
            Field::RequestedTemplate => "CertificateTemplate",
            Field::AttributeRequestId => "AttributeRequestId",
            Field::AttributeName => "AttributeName",
            Field::AttributeValue => "AttributeValue",
            Field::RawRequest => "Request.RawRequest",
            Field::OldCertificate => "Request.RawOldCertificate",
            Field::Certificate => "RawCertificate",
            Field::PublicKey => "RawPublicKey",
        }
    }
}

/// What is kept of a row. It is used again for the next.
#[derive(Debug, Default)]
pub struct Row {
    /// Where in the source.
    pub lineage: Lineage,
    /// It is larger than [`MAX_ROW`].
    pub is_too_large: bool,
    text: String,
    spans: [Option<(usize, usize)>; FIELDS],
    blobs: [Vec<u8>; FIELDS - FIRST_BLOB],
    doubts: Vec<(Code, Cow<'static, str>, String)>,
}

impl Row {
    /// Begins another row.
    pub fn begin(&mut self, lineage: Lineage) {
        self.lineage = lineage;
        self.is_too_large = false;
        self.text.clear();
        self.spans = [None; FIELDS];
        self.blobs.iter_mut().for_each(Vec::clear);
        self.doubts.clear();
    }

    /// Nothing was kept.
    pub fn is_empty(&self) -> bool {
        self.spans.iter().all(Option::is_none) && self.blobs.iter().all(Vec::is_empty)
    }

    fn has_room(&mut self, more: usize) -> bool {
        let all = self.text.len() + self.blobs.iter().map(Vec::len).sum::<usize>() + more;
        self.is_too_large |= all > MAX_ROW;
        !self.is_too_large
    }

    /// Begins a text with its first line.
    pub fn begin_text(&mut self, field: Field, text: &str) {
        if field != Field::Other && self.has_room(text.len()) {
            let start = self.text.len();
            self.text.push_str(text);
            self.spans[field as usize] = Some((start, self.text.len()));
        }
    }

    /// Adds to the text that was begun last.
    pub fn add_text(&mut self, field: Field, separator: &str, text: &str) {
        if field != Field::Other && self.has_room(separator.len() + text.len()) {
            self.text.push_str(separator);
            self.text.push_str(text);
            if let Some((_, end)) = &mut self.spans[field as usize] {
                *end = self.text.len();
            }
        }
    }

    /// Takes the quotes off the text of this field, and what stands behind the last of them; behind an identifier, that
    /// is a name for people.
    pub fn unquote(&mut self, field: Field) {
        let Some((start, end)) = self.spans[field as usize] else { return };
        let text = self.text.get(start..end).unwrap_or_default();
        if text.starts_with('"') {
            let last = text.rfind('"').filter(|last| *last > 0).unwrap_or(text.len());
            let first = text.get(1..).and_then(|text| text.find('"')).map_or(last, |at| at + 1);
            let is_named = text.get(1..first).is_some_and(super::value::is_oid);
            let last = if is_named { first } else { last };
            self.spans[field as usize] = (last > 1).then_some((start + 1, start + last));
        }
    }

    /// The text of a field; never empty.
    pub fn text(&self, field: Field) -> Option<&str> {
        let (start, end) = self.spans[field as usize]?;
        self.text.get(start..end).filter(|text| !text.is_empty())
    }

    /// Forgets a value that cannot be trusted.
    pub fn forget(&mut self, field: Field) {
        self.spans[field as usize] = None;
        if let Some(blob) = self.blob_mut(field) {
            blob.clear();
        }
    }

    /// Octets of a binary field.
    pub fn blob(&self, field: Field) -> Option<&[u8]> {
        let blob = self.blobs.get((field as usize).checked_sub(FIRST_BLOB)?)?;
        Some(&blob[..]).filter(|blob| !blob.is_empty())
    }

    /// Room for the octets of a binary field that are kept.
    pub fn blob_mut(&mut self, field: Field) -> Option<&mut Vec<u8>> {
        self.blobs.get_mut((field as usize).checked_sub(FIRST_BLOB)?)
    }

    /// Adds a line of base64 to a binary field; of any other only that it has a value is kept.
    pub fn add_base64(&mut self, field: Field, line: &str) {
        if !self.has_room(line.len()) {
            return;
        }
        match self.blob_mut(field) {
            Some(blob) => blob.extend_from_slice(line.as_bytes()),
            None => self.mark(field),
        }
    }

    /// Adds a line of a hexadecimal dump; `None` where it is none, false where lines before it are missing.
    pub fn add_dump(&mut self, field: Field, line: &str) -> Option<bool> {
        super::value::dump(line, None)?;
        if !self.has_room(16) {
            return Some(true);
        }
        match self.blob_mut(field) {
            Some(blob) => super::value::dump(line, Some(blob)),
            None => {
                self.mark(field);
                Some(true)
            }
        }
    }

    /// Remembers that a field has a value.
    fn mark(&mut self, field: Field) {
        if self.spans[field as usize].is_none() {
            self.begin_text(field, "+");
        }
    }

    /// Decodes the base64 of a binary field; false where it is none, and then nothing is kept.
    pub fn decode(&mut self, field: Field) -> bool {
        let Some(blob) = self.blob_mut(field) else { return true };
        let len = base64_simd::forgiving_decode_inplace(blob).map(|bytes| bytes.len());
        blob.truncate(*len.as_ref().unwrap_or(&0));
        len.is_ok()
    }

    /// Notes a doubt, which is told beside the row.
    pub fn doubt(&mut self, code: Code, field: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        let field = field.into();
        let is_known = self.doubts.iter().any(|(other, of, _)| (*other, of) == (code, &field));
        if !is_known && self.doubts.len() < MAX_DOUBTS {
            self.doubts.push((code, field, message.into()));
        }
    }

    /// Takes the doubts of another row over.
    pub fn take_doubts(&mut self, other: &mut Row) {
        for (code, field, message) in other.doubts.drain(..) {
            self.doubt(code, field, message);
        }
    }

    /// Tells the doubts.
    pub fn tell(&mut self, sink: &mut dyn Sink) {
        for (code, field, message) in self.doubts.drain(..) {
            sink.reject(Reject::degraded(self.lineage, Stage::Read, code, field, message));
        }
    }
}
