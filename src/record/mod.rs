//! What an export says, unjudged: observations, claims, lineage and rejects.
//!
//! Readers (`format/`) make these and push them into a [`Sink`]; they never learn what happens next. Nothing
//! here is a verdict: `classify/` turns claims into verdicts, `x509/` turns DER into facts.
//!
//! Text is borrowed from the input where it can be ([`Text`]), because a fleet export repeats the same few
//! kilobytes millions of times.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

mod binding;
mod capi_use;
mod private_key;
mod request;
mod template;

pub use binding::{Binding, BindingKind};
pub use capi_use::CapiUse;
pub use private_key::{PrivateKey, PrivateKeyKind};
pub use request::{Request, RequestKind};
pub use template::Template;

/// Text of an export, borrowed from the input buffer when no decoding was needed.
pub type Text<'a> = Cow<'a, str>;

/// The way from a row back to its bytes, inside one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Offset of the record's first byte in the source: after decompression, before decoding.
    pub byte_offset: u64,
    /// Position among several records that start at the same offset (PKCS#7 in one PEM block); 0 for the first.
    pub part: u32,
    /// The export's own number of the record (census `seq`, `Row n`), if it has one.
    pub record_number: Option<i64>,
}

impl Lineage {
    /// Lineage of a record that only has an offset.
    pub fn at(byte_offset: u64) -> Self {
        Lineage { byte_offset, ..Lineage::default() }
    }
}

/// Which kind of Windows store an observation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StoreLocation {
    /// `HKEY_LOCAL_MACHINE` stores.
    LocalMachine,
    /// The stores of one user.
    CurrentUser,
    /// The stores of one service.
    Service,
    /// Stores filled from Active Directory.
    Enterprise,
    /// Stores filled by Group Policy.
    GroupPolicy,
}

impl StoreLocation {
    /// The value as written to the `store_location` column.
    pub fn as_str(self) -> &'static str {
        match self {
            StoreLocation::LocalMachine => "local_machine",
            StoreLocation::CurrentUser => "current_user",
            StoreLocation::Service => "service",
            StoreLocation::Enterprise => "enterprise",
            StoreLocation::GroupPolicy => "group_policy",
        }
    }

    /// Reads the spellings exports use (`LocalMachine`, `local_machine`, `Cert:\LocalMachine`), ignoring case.
    pub fn parse(text: &str) -> Option<Self> {
        let mut letters = text.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase());
        let mut word = [0u8; 24];
        let mut len = 0;
        for (slot, byte) in word.iter_mut().zip(&mut letters) {
            *slot = byte;
            len += 1;
        }
        match word.get(..len)? {
            b"localmachine" | b"certlocalmachine" | b"machine" => Some(StoreLocation::LocalMachine),
            b"currentuser" | b"certcurrentuser" | b"user" => Some(StoreLocation::CurrentUser),
            b"service" | b"services" | b"currentservice" => Some(StoreLocation::Service),
            b"enterprise" | b"localmachineenterprise" => Some(StoreLocation::Enterprise),
            b"grouppolicy" | b"localmachinegrouppolicy" | b"currentusergrouppolicy" => Some(StoreLocation::GroupPolicy),
            _ => None,
        }
    }
}

/// The two key interfaces of Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Api {
    /// CryptoAPI: a cryptographic service provider (CSP).
    Capi,
    /// Cryptography Next Generation: a key storage provider (KSP).
    Cng,
}

/// Algorithm of a key as its provider calls it, where no certificate tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// RSA.
    Rsa,
    /// An elliptic curve, for signatures or for key agreement.
    Ec,
    /// DSA.
    Dsa,
}

impl KeyAlgorithm {
    /// Reads the name of a CNG algorithm or group of algorithms ("CNG Algorithm Identifiers", bcrypt.h: `RSA`, `ECDSA_P256`,
    /// `ECDH`), or that of a CryptoAPI one (`PROV_ENUMALGS.szName`, wincrypt.h: `RSA_KEYX`, `RSA_SIGN`, `DSA_SIGN`).
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_uppercase();
        match name.as_str() {
            "RSA" | "RSA_KEYX" | "RSA_SIGN" => Some(KeyAlgorithm::Rsa),
            "DSA" | "DSA_SIGN" => Some(KeyAlgorithm::Dsa),
            "ECDSA" | "ECDH" => Some(KeyAlgorithm::Ec),
            curve if curve.starts_with("ECDSA_") || curve.starts_with("ECDH_") => Some(KeyAlgorithm::Ec),
            _ => None,
        }
    }

    /// The value as written to `key_algorithm`.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyAlgorithm::Rsa => "rsa",
            KeyAlgorithm::Ec => "ec",
            KeyAlgorithm::Dsa => "dsa",
        }
    }
}

impl Api {
    /// The value as written to columns.
    pub fn as_str(self) -> &'static str {
        match self {
            Api::Capi => "capi",
            Api::Cng => "cng",
        }
    }
}

/// Whether the export is able to say that a certificate has a private key, and what it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyReport {
    /// The format does not report key properties, or this record was not asked (DER, PEM, PKCS#7, agent tables).
    #[default]
    NotReported,
    /// The format reports key properties and this record's is absent, or it denies a key.
    Absent,
    /// The record claims a key: a provider, a key property, or plain `HasPrivateKey`.
    Claimed,
}

/// An attempt of the collector to open the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acquire {
    /// Result of the attempt; 0 when the key was opened. `None` when no attempt was made.
    pub hresult: Option<u32>,
    /// Key spec of the handle: 0xFFFF_FFFF (`CERT_NCRYPT_KEY_SPEC`) is an NCrypt handle, 1 and 2 are CryptoAPI.
    pub key_spec: Option<u32>,
}

/// What the collector says of TPM key attestation on the client (census `pcp_attestation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PcpAttestation {
    /// Asked, and there is none.
    None,
    /// The endorsement key's certificate chain is present.
    EkChain,
    /// The key was created with an attestation identity key's claim.
    AikClaim,
}

/// One property of a serialized store element: its id and length, never its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Property id (`CERT_*_PROP_ID`, wincrypt.h).
    pub id: u32,
    /// Length of the value in bytes.
    pub len: u32,
}

/// What the export says about a key, verbatim. Every `None` means "not said".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Claims<'a> {
    /// Whether this format and record can speak of a key at all.
    pub key_report: KeyReport,
    /// Provider name as stored; an empty string stays an empty string.
    pub provider_name: Option<Text<'a>>,
    /// `CRYPT_KEY_PROV_INFO.dwProvType`: 0 is CNG, everything else is a CryptoAPI type.
    pub provider_type: Option<u32>,
    /// `dwKeySpec`. Shown, never used for a verdict.
    pub key_spec: Option<u32>,
    /// `dwFlags`; 0x20 is a machine key.
    pub key_flags: Option<u32>,
    /// Key container name.
    pub key_container: Option<Text<'a>>,
    /// Path of the key file or the provider's unique name of the key.
    pub key_path: Option<Text<'a>>,
    /// A plain statement such as PowerShell's `HasPrivateKey`.
    pub has_private_key: Option<bool>,
    /// Property 78 is present: the certificate context holds an NCrypt handle.
    pub ncrypt_key_handle: Option<bool>,
    /// The interface through which the key was enumerated (census `key` records).
    pub enumerated_api: Option<Api>,
    /// An attempt to open the key.
    pub acquire: Option<Acquire>,
    /// Key-level implementation flags, raw; decode with `impl_api`.
    pub impl_flags: Option<u32>,
    /// Which of the two incompatible flag sets `impl_flags` is in.
    pub impl_api: Option<Api>,
    /// `HardwareDevice` of .NET's `CspKeyContainerInfo`: the CSP's own word on its implementation, for all of its keys.
    pub hardware_device: Option<bool>,
    /// Algorithm as the provider says it.
    pub key_algorithm: Option<KeyAlgorithm>,
    /// Bits of the key as the provider says it.
    pub key_size_bits: Option<u32>,
    /// NCrypt export policy bits (1 export, 2 plaintext export, 4 archiving, 8 plaintext archiving).
    pub export_policy: Option<u32>,
    /// How the key is encrypted in the file that it lies in; `none` where it is not.
    pub key_encryption: Option<Text<'a>>,
    /// A plain statement that the key can or cannot be exported.
    pub is_exportable: Option<bool>,
    /// CNG property `Virtual Iso` of the key; non-zero is a VBS key.
    pub virtual_iso: Option<u32>,
    /// Property 118 (isolated key) is present.
    pub isolated_key: bool,
    /// The private key itself lies in the file that speaks of it (a key bag of PKCS#12).
    pub in_file: bool,
    /// TPM attestation as the collector reports it.
    pub pcp_attestation: Option<PcpAttestation>,
    /// Smart card reader name (property 101, or a collector's field).
    pub reader: Option<Text<'a>>,
    /// Property 106 is present: the reader cannot be removed.
    pub reader_non_removable: bool,
    /// Property 11.
    pub friendly_name: Option<Text<'a>>,
    /// Property 19.
    pub archived: Option<bool>,
    /// Property 20, or the identifier of a `Keys` element: how a key without certificate is joined to one.
    pub key_identifier: Option<Cow<'a, [u8]>>,
    /// Property 71: DNS name of the machine that requested the certificate.
    pub request_originator: Option<Text<'a>>,
    /// Every property met on the record, in the order of the export.
    pub properties: Vec<Property>,
}

impl Claims<'_> {
    /// The flags say that the key is the machine's: `CRYPT_MACHINE_KEYSET` (wincrypt.h), `NCRYPT_MACHINE_KEY_FLAG` (ncrypt.h).
    pub fn is_machine_key(&self) -> bool {
        const MACHINE_KEY: u32 = 0x20;
        self.key_flags.is_some_and(|flags| flags & MACHINE_KEY != 0)
    }
}

/// A certificate inside a record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Body<'a> {
    /// The record has no certificate bytes.
    #[default]
    Absent,
    /// DER bytes; bytes after the outer SEQUENCE are allowed and reported downstream.
    Der(&'a [u8]),
    /// Standard base64 of DER without white space (the hot path: compared as text before it is decoded).
    Base64(&'a [u8]),
    /// The same, of a text that was pushed before: with what the sink [said](Sink::seen) of it then.
    Again(&'a [u8], Seen),
}

/// A sink's word for a certificate that was pushed. It means something to that sink alone, and there only for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which of all row groups the certificate is in.
    pub group: u64,
    /// Its number there.
    pub number: u32,
}

/// How a record names its certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CertificateRef<'a> {
    /// The certificate itself, if the record carries it.
    #[serde(skip)]
    pub body: Body<'a>,
    /// SHA-1 the record claims (thumbprint); the key name for registry and per-user elements.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256 the record claims.
    pub sha256: Option<[u8; 32]>,
}

/// How sure we are of the form of a text export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FormatConfidence {
    /// A specification, or real exports that were read, confirm the form.
    #[default]
    Seen,
    /// The vendor's documentation alone.
    Documented,
    /// It follows from other forms; no real export was seen.
    Inferred,
}

impl FormatConfidence {
    /// The value as written to the `format_confidence` column.
    pub fn as_str(self) -> &'static str {
        match self {
            FormatConfidence::Seen => "seen",
            FormatConfidence::Documented => "documented",
            FormatConfidence::Inferred => "inferred",
        }
    }
}

/// Certificate fields as a tool printed them. They never become facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Printed<'a> {
    /// Subject as printed.
    pub subject: Option<Text<'a>>,
    /// Issuer as printed.
    pub issuer: Option<Text<'a>>,
    /// Serial number as printed.
    pub serial: Option<Text<'a>>,
    /// Start of validity as printed.
    pub not_before: Option<Text<'a>>,
    /// End of validity as printed.
    pub not_after: Option<Text<'a>>,
}

/// Where and when a collection was made, from its own header record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Collection<'a> {
    /// Microseconds since 1970-01-01 UTC.
    pub collected_at: Option<i64>,
    /// Name of the collecting program.
    pub collector: Option<&'a str>,
    /// Its version.
    pub collector_version: Option<&'a str>,
    /// Providers registered on this client, as listed earlier in the same run or file.
    pub registry: &'a [Provider<'a>],
    /// How sure the form of the export is.
    pub confidence: FormatConfidence,
}

/// One certificate (or key without certificate) seen in one store of one client.
#[derive(Clone, Debug, Default)]
pub struct Observation<'a> {
    /// Where in the source.
    pub lineage: Lineage,
    /// The record's own client field, verbatim. `None` lets `--client-from` decide.
    pub client: Option<Text<'a>>,
    /// Kind of store.
    pub store_location: Option<StoreLocation>,
    /// Store name, verbatim (`My`, `Root`).
    pub store_name: Option<Text<'a>>,
    /// Owner of a user store.
    pub user_sid: Option<Text<'a>>,
    /// Header of the collection.
    pub collection: Collection<'a>,
    /// The certificate or its name.
    pub certificate: CertificateRef<'a>,
    /// What is said of the key.
    pub claims: Claims<'a>,
    /// What a tool printed.
    pub printed: Printed<'a>,
}

/// What a collection says about its client (census `client` record). Raw values; `None` is "not said".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Client<'a> {
    /// Where in the source.
    pub lineage: Lineage,
    /// The record's own client name (census `host`), verbatim.
    pub client: Option<Text<'a>>,
    /// Fully qualified name.
    pub fqdn: Option<Text<'a>>,
    /// Domain.
    pub domain: Option<Text<'a>>,
    /// `Microsoft\Cryptography\MachineGuid`.
    pub machine_guid: Option<Text<'a>>,
    /// SMBIOS UUID.
    pub smbios_uuid: Option<Text<'a>>,
    /// Microseconds since 1970-01-01 UTC.
    pub collected_at: Option<i64>,
    /// Name of the collecting program.
    pub collector: Option<Text<'a>>,
    /// Its version.
    pub collector_version: Option<Text<'a>>,
    /// `10.0.x.y`.
    pub os_version: Option<Text<'a>>,
    /// Caption of the operating system, in the client's language.
    pub os_caption: Option<Text<'a>>,
    /// Processor architecture.
    pub arch: Option<Text<'a>>,
    /// Update build revision.
    pub ubr: Option<u32>,
    /// Whether the collector ran elevated.
    pub elevated: Option<bool>,
    /// SID whose CurrentUser stores were collected.
    pub user_sid: Option<Text<'a>>,
    /// A TPM is present.
    pub tpm_present: Option<bool>,
    /// The TPM is ready for use.
    pub tpm_ready: Option<bool>,
    /// TPM specification version.
    pub tpm_spec: Option<Text<'a>>,
    /// Virtualization-based security is running.
    pub vbs_running: Option<bool>,
    /// Configuration Manager client version.
    pub cm_client_version: Option<Text<'a>>,
    /// Configuration Manager client id.
    pub cm_client_id: Option<Text<'a>>,
    /// Configuration Manager site code.
    pub cm_site_code: Option<Text<'a>>,
    /// Site system roles on this client.
    pub cm_roles: Vec<Text<'a>>,
    /// Registry value `DisableCapiOverrideForRSA`, raw.
    pub calais_disable_capi_override: Option<u32>,
    /// It was looked for, and is not there.
    pub calais_is_absent: bool,
    /// False when the collection has no `end` record. `None` where the format has no such mark.
    pub is_complete: Option<bool>,
}

/// A provider registered on a client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provider<'a> {
    /// Where in the source.
    pub lineage: Lineage,
    /// The record's own client name, verbatim.
    pub client: Option<Text<'a>>,
    /// Provider name, verbatim.
    pub name: Text<'a>,
    /// Which enumeration listed it.
    pub api: Option<Api>,
    /// CryptoAPI provider type.
    pub provider_type: Option<u32>,
    /// Provider-level implementation flags, raw.
    pub impl_flags: Option<u32>,
    /// Which flag set `impl_flags` is in.
    pub impl_api: Option<Api>,
    /// Why `impl_flags` is missing (HRESULT as given).
    pub impl_status: Option<Text<'a>>,
    /// Path of the provider's DLL.
    pub image: Option<Text<'a>>,
    /// The smart card that the client's registry assigns to this provider (`Calais\SmartCards`).
    pub smart_card: Option<Text<'a>>,
    /// How sure the form of the export is.
    pub confidence: FormatConfidence,
}

/// Which stage could not read something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Finding and opening sources.
    Walk,
    /// Splitting a source into records.
    Read,
    /// Decoding the fields of one record.
    Decode,
    /// Parsing a certificate.
    Parse,
    /// The collector itself reported the failure.
    Collect,
}

impl Stage {
    /// The value as written to the `stage` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Walk => "walk",
            Stage::Read => "read",
            Stage::Decode => "decode",
            Stage::Parse => "parse",
            Stage::Collect => "collect",
        }
    }
}

/// How much a reject costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The record, or the rest of the source, is not in the report. Counts as a rejected record.
    Lost,
    /// A row was kept without the named field, or with a doubt. Does not count as a rejected record.
    Degraded,
}

impl Severity {
    /// The value as written to the `severity` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Lost => "lost",
            Severity::Degraded => "degraded",
        }
    }
}

macro_rules! reject_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Why something could not be read. One entry a reason; `certcensus explain CODE` prints its text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The value as written to the `code` column.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }

            /// What the code means, for people.
            pub fn doc(self) -> &'static str {
                match self { $(Code::$name => concat!($($doc, " ",)+).trim_ascii(),)+ }
            }
        }
    };
}

reject_codes! {
    /// The file could not be opened or read.
    Io = "io_error",
    /// A symbolic link leads back to a folder that contains it.
    SymlinkLoop = "symlink_loop",
    /// The source ends inside a record, or without its end mark.
    Truncated = "truncated",
    /// Bytes stand after the end of the data; they were ignored.
    TrailingBytes = "trailing_bytes",
    /// A line is longer than the limit.
    LineTooLong = "line_too_long",
    /// A record or value is larger than the limit.
    TooLarge = "too_large",
    /// An archive reaches a limit of unpacking; the message names the limit, its value and the option that sets it.
    ArchiveLimit = "archive_limit",
    /// The line is not valid JSON.
    BadJson = "bad_json",
    /// The text is not valid in its encoding.
    BadText = "bad_text",
    /// The base64 text cannot be decoded.
    BadBase64 = "bad_base64",
    /// A hexadecimal value has the wrong length or characters.
    BadHex = "bad_hex",
    /// A field has a value of the wrong type or out of range.
    BadField = "bad_field",
    /// A time cannot be understood.
    BadTime = "bad_time",
    /// A required field is missing.
    MissingField = "missing_field",
    /// The record's type is not one the format defines.
    UnknownType = "unknown_type",
    /// No known field names a certificate or key.
    NoCertificate = "no_certificate",
    /// The structure of the record contradicts its format.
    BadStructure = "bad_structure",
    /// A serialized property is malformed.
    BadProperty = "bad_property",
    /// The bytes are not an X.509 certificate, not even its frame.
    BadCertificate = "bad_certificate",
    /// One field of a certificate could not be parsed.
    BadCertificateField = "bad_certificate_field",
    /// The record claims a hash that differs from the computed one; the computed one is used.
    HashMismatch = "hash_mismatch",
    /// A collection has no end record: the export may be incomplete.
    MissingEnd = "missing_end",
    /// The hive was not closed cleanly: changes that only its logs hold may be missing.
    DirtyHive = "dirty_hive",
    /// The counts in a collection's end record differ from what was read.
    EndCountsDiffer = "end_counts_differ",
    /// Numbers of a collection's records have gaps: lines are missing.
    SequenceGap = "sequence_gap",
    /// Two descriptions of one client contradict each other.
    ClientConflict = "client_conflict",
    /// The collector reported that it could not read something on the client.
    CollectorError = "collector_error",
    /// A reader of certcensus failed; please report it. The rest of the run is not affected.
    Internal = "internal_error",
}

/// Something that could not be read, with place and reason. Becomes a row of `rejects`; the run goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Reject {
    /// Where in the source.
    pub lineage: Lineage,
    /// Which stage failed.
    pub stage: Stage,
    /// Why.
    pub code: Code,
    /// What it costs.
    pub severity: Severity,
    /// The field concerned, by its name in the export or its column.
    pub field: Option<Cow<'static, str>>,
    /// One sentence for people; input text in it is escaped.
    pub message: String,
    /// A short escaped piece of the input, never key material. See [`sample`].
    pub sample: Option<String>,
}

impl Reject {
    /// A lost record.
    pub fn lost(lineage: Lineage, stage: Stage, code: Code, message: impl Into<String>) -> Self {
        Reject { lineage, stage, code, severity: Severity::Lost, field: None, message: message.into(), sample: None }
    }

    /// A kept row with a doubt about `field`.
    pub fn degraded(
        lineage: Lineage,
        stage: Stage,
        code: Code,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Reject {
            lineage,
            stage,
            code,
            severity: Severity::Degraded,
            field: Some(field.into()),
            message: message.into(),
            sample: None,
        }
    }

    /// Adds a sample of the input.
    pub fn with_sample(mut self, bytes: &[u8]) -> Self {
        self.sample = sample(bytes);
        self
    }
}

/// Longest sample kept in a reject, in bytes of input.
const SAMPLE_BYTES: usize = 48;
/// How far around the sample we look for signs of key material.
const SAMPLE_GUARD_BYTES: usize = 4096;

/// Words that stand beside secrets, in lower case.
const TELLING: [&[u8]; 8] =
    [b"private", b"passw", b"passphrase", b"kennwort", b"pwd", b"secret", b"credential", b"pvk"];

/// A short escaped piece of `bytes`, or `None` where it is empty or shows signs of a secret.
///
/// Where a word such as "private", "password", "PIN" or "secret" occurs anywhere near, or letters are written as
/// escapes that may hide one, nothing is shown. Long unbroken runs of base64 or hex, which may be key material, are
/// cut to 12 characters.
pub fn sample(bytes: &[u8]) -> Option<String> {
    let near = &bytes[..bytes.len().min(SAMPLE_GUARD_BYTES)];
    let lower: Vec<u8> = near.iter().filter(|b| **b != 0).map(u8::to_ascii_lowercase).collect();
    if is_telling(&lower) {
        return None;
    }
    let mut text = String::new();
    let mut run = 0;
    for &byte in bytes.iter().take(SAMPLE_BYTES) {
        run = if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') { run + 1 } else { 0 };
        if run > 12 || (!byte.is_ascii_graphic() && byte != b' ' && text.len() > SAMPLE_BYTES) {
            text.push('…');
            break;
        }
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    (!text.is_empty()).then_some(text)
}

fn is_telling(lower: &[u8]) -> bool {
    // "pin" is part of many words, but at the end of one it is a PIN ("CardPin", "pin_code") more often than not.
    let ends_a_word = |at: usize| lower.get(at + 3).is_none_or(|next| !next.is_ascii_lowercase());
    // JSON can write any ASCII letter as \u00xx.
    TELLING.iter().chain([&&b"\\u00"[..]]).any(|word| memchr::memmem::find(lower, word).is_some())
        || [b"pin", b"puk"].iter().any(|word| memchr::memmem::find_iter(lower, word).any(ends_a_word))
}

/// Receives what a reader finds, in the order of the source.
///
/// A reader calls, for every record it counts, exactly one of: `observation`, `client`, `provider`, `request`,
/// `binding`, `template`, `capi_use`, `private_key`, `skip`, or `reject` with [`Severity::Lost`]. Degraded rejects come beside a kept row. So records = yielded + skipped +
/// rejected holds by construction.
pub trait Sink {
    /// A certificate or key in a store.
    fn observation(&mut self, observation: &Observation<'_>);
    /// What a collection says about its client.
    fn client(&mut self, client: &Client<'_>);
    /// A provider registered on a client.
    fn provider(&mut self, provider: &Provider<'_>);
    /// An enrolment.
    fn request(&mut self, request: &Request<'_>);
    /// An endpoint or role that uses a certificate.
    fn binding(&mut self, binding: &Binding<'_>);
    /// A certificate template.
    fn template(&mut self, template: &Template<'_>);
    /// A program that used CryptoAPI for the key of a smart card.
    fn capi_use(&mut self, event: &CapiUse<'_>);
    /// A private key that stands in the export itself.
    fn private_key(&mut self, key: &PrivateKey<'_>);
    /// Something that could not be read.
    fn reject(&mut self, reject: Reject);
    /// A record that is understood and yields no row; counted by reason (lower_snake).
    fn skip(&mut self, reason: &'static str);
    /// A late word on the client named by the run just ended: no `end` record was found for it.
    /// Not a record; the reader also pushes a degraded reject.
    fn incomplete(&mut self, client: Option<&str>);
    /// The word for the certificate of the last observation. A reader that pushes the same text again may hand it in with
    /// [`Body::Again`], to save the sink the look-up.
    fn seen(&self) -> Option<Seen> {
        None
    }
    /// True when the run was interrupted: the reader returns at the next record border.
    fn stopped(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_show_nothing_beside_a_secret() {
        for line in [
            r#"{"CardPin":"314159","a":1"#,
            r#"{"pin":"314159""#,
            r#"{"Pin Code":314159"#,
            "PUK=314159",
            r#"{"PWD":"314159""#,
            r#"{"\u0050assword":"314159""#,
            "P\x00I\x00N\x00=\x003\x001\x004\x00",
        ] {
            assert_eq!(sample(line.as_bytes()), None, "{line}");
        }
        assert_eq!(sample(br#"{"spinning":1,}"#).as_deref(), Some(r#"{"spinning":1,}"#));
    }
}
