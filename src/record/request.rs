//! An enrolment: what a request file or a row of a CA's database records.

use super::{CertificateRef, FormatConfidence, Lineage, Text};

/// What kind of record an enrolment was read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestKind {
    /// A PKCS#10 certification request (RFC 2986).
    #[default]
    Pkcs10,
    /// A PKCS#10 request in signedData that names the certificate it renews ([MS-WCCE] 2.2.2.6.2).
    Renewal,
    /// A PKCS#10 request in signedData that names none: signed by somebody else, for instance an enrolment agent.
    Signed,
    /// A PKCS#10 request inside a CMC message (RFC 5272).
    Cmc,
    /// A certificate request message (CRMF, RFC 4211) inside CMC; only its subject and its key are read.
    Crmf,
    /// A row of a CA's database.
    CaRow,
}

impl RequestKind {
    /// The value as written to the `request_kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            RequestKind::Pkcs10 => "pkcs10",
            RequestKind::Renewal => "renewal",
            RequestKind::Signed => "signed",
            RequestKind::Cmc => "cmc",
            RequestKind::Crmf => "crmf",
            RequestKind::CaRow => "ca_row",
        }
    }
}

/// An enrolment. Who asked, for which key, and what the client said of it: declared, never proved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// Where in the source.
    pub lineage: Lineage,
    /// The machine whose export this is, where the record says it; not the machine that asked.
    pub client: Option<Text<'a>>,
    /// What it was read from.
    pub kind: RequestKind,
    /// The CA's number of the request.
    pub request_number: Option<i64>,
    /// What became of it, as the CA's database says.
    pub disposition: Option<Text<'a>>,
    /// When the CA received it, as a tool printed it in the CA's own time.
    pub printed_submitted_at: Option<Text<'a>>,
    /// Who asked, as the CA's database says.
    pub requester: Option<Text<'a>>,
    /// Subject asked for, RFC 4514.
    pub subject: Option<Text<'a>>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: Option<[u8; 32]>,
    /// SHA-1 of the public key bits, which key identifiers usually are.
    pub public_key_sha1: Option<[u8; 20]>,
    /// `rsa`, `ec` and so on, as in `certificates`.
    pub key_algorithm: Option<Text<'a>>,
    /// Bits of the key, as in `certificates`.
    pub key_size_bits: Option<i32>,
    /// Named curve, as in `certificates`.
    pub curve: Option<Text<'a>>,
    /// Algorithm of the request's signature, as in `certificates`.
    pub signature_algorithm: Option<Text<'a>>,
    /// False where nothing, or only a hash, stands in place of the signature ("null signature", [MS-WCCE] 2.2.2.6.5). True
    /// says that one is there, not that it is right; `None` for an algorithm that nobody knows.
    pub is_signed: Option<bool>,
    /// DNS names asked for.
    pub san_dns: Vec<Text<'a>>,
    /// User principal names asked for.
    pub san_upn: Vec<Text<'a>>,
    /// Every other alternative name asked for: its type as RFC 5280 spells it, a colon and its text, such as
    /// `iPAddress:192.0.2.1`; `#` and the hex of its DER where it has none.
    pub san_other: Vec<Text<'a>>,
    /// Security identifier asked for (KB5014754).
    pub sid: Option<Text<'a>>,
    /// Extended key usages asked for, dotted.
    pub eku: Vec<Text<'a>>,
    /// Provider that the client declares to hold the key, verbatim.
    pub provider_name: Option<Text<'a>>,
    /// Key spec that the client declares.
    pub key_spec: Option<u32>,
    /// Machine that asked, as it declares.
    pub machine: Option<Text<'a>>,
    /// User that asked, as the client declares.
    pub user: Option<Text<'a>>,
    /// Program that asked, as the client declares.
    pub process: Option<Text<'a>>,
    /// Number of the client component ([MS-WCCE] 2.2.2.7.4): 5 default, 6 autoenrolment, 7 wizard, 9 certreq.
    pub client_id: Option<i64>,
    /// `major.minor.build.platform` of the machine that asked, as it declares.
    pub os_version: Option<Text<'a>>,
    /// Template asked for by name.
    pub template_name: Option<Text<'a>>,
    /// Template asked for by OID.
    pub template_oid: Option<Text<'a>>,
    /// Private key flags of the template when the certificate was issued (MS-CRTD 2.27), as the CA keeps them.
    pub private_key_flags: Option<u32>,
    /// Marks of a key attestation that the client sent or the CA recorded, lower_snake. A claim, not a verdict.
    pub attestation: Vec<Text<'a>>,
    /// Platform of the attestation statement: `tpm_1_2`, `tpm_2_0`, or its number.
    pub attestation_platform: Option<Text<'a>>,
    /// Provider that made the attestation, as the client declares.
    pub attestation_provider: Option<Text<'a>>,
    /// True where the private key was sent along for archiving: it was exportable, so it was software. `None` where no
    /// mark says so.
    pub is_key_archived: Option<bool>,
    /// Every attribute met, dotted, in order.
    pub attributes: Vec<Text<'a>>,
    /// Every extension asked for, dotted, in order.
    pub extensions: Vec<Text<'a>>,
    /// The certificate that is renewed, SHA-1.
    pub renewed_thumbprint: Option<[u8; 20]>,
    /// The certificate that the CA issued.
    pub issued: CertificateRef<'a>,
    /// How sure the form of the export is.
    pub confidence: FormatConfidence,
}
