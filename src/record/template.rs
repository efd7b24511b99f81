//! A certificate template, as the directory or a tool's export has it. Raw values; what follows from them is derived
//! where the row is made.

use super::{FormatConfidence, Lineage, Text};

/// A certificate template. Every `None` means "not said".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template<'a> {
    /// Where in the source.
    pub lineage: Lineage,
    /// The record's own client field, verbatim: the machine whose export this is.
    pub client: Option<Text<'a>>,
    /// Common name (`cn`).
    pub name: Option<Text<'a>>,
    /// Name for people (`displayName`).
    pub display_name: Option<Text<'a>>,
    /// Object identifier (`msPKI-Cert-Template-OID`).
    pub oid: Option<Text<'a>>,
    /// `msPKI-Template-Schema-Version`.
    pub schema_version: Option<i64>,
    /// Major revision (`revision`).
    pub major_revision: Option<i64>,
    /// Minor revision (`msPKI-Template-Minor-Revision`).
    pub minor_revision: Option<i64>,
    /// `flags` (MS-CRTD 2.4), as unsigned 32-bit.
    pub general_flags: Option<u32>,
    /// `msPKI-Private-Key-Flag` (MS-CRTD 2.27), as unsigned 32-bit.
    pub private_key_flags: Option<u32>,
    /// Names of bits of the private key flags, where an export has names in place of the number. The number is then `None`.
    pub private_key_flag_names: Vec<Text<'a>>,
    /// `msPKI-Enrollment-Flag` (MS-CRTD 2.26), as unsigned 32-bit.
    pub enrollment_flags: Option<u32>,
    /// `msPKI-Certificate-Name-Flag` (MS-CRTD 2.28), as unsigned 32-bit.
    pub name_flags: Option<u32>,
    /// Names of bits of the name flags, where an export has names in place of the number.
    pub name_flag_names: Vec<Text<'a>>,
    /// Providers in the order of preference, from `pKIDefaultCSPs`; empty where none is said.
    pub providers: Vec<Text<'a>>,
    /// True where the export can name providers and names none: any provider of the category may be used.
    pub any_provider: Option<bool>,
    /// `pKIDefaultKeySpec`.
    pub key_spec: Option<u32>,
    /// `msPKI-Minimal-Key-Size`.
    pub minimal_key_size: Option<i64>,
    /// `msPKI-Asymmetric-Algorithm` of the triples in `msPKI-RA-Application-Policies`.
    pub key_algorithm: Option<Text<'a>>,
    /// `msPKI-Hash-Algorithm` of the same.
    pub hash_algorithm: Option<Text<'a>>,
    /// Number of signatures that a request needs (`msPKI-RA-Signature`).
    pub ra_signatures: Option<i64>,
    /// Extended key usages, dotted (`pKIExtendedKeyUsage`).
    pub eku: Vec<Text<'a>>,
    /// Application policies, dotted (`msPKI-Certificate-Application-Policy`).
    pub application_policies: Vec<Text<'a>>,
    /// Issuance policies, dotted (`msPKI-Certificate-Policy`).
    pub issuance_policies: Vec<Text<'a>>,
    /// Validity in seconds (`pKIExpirationPeriod`).
    pub validity_seconds: Option<i64>,
    /// Renewal overlap in seconds (`pKIOverlapPeriod`).
    pub renewal_seconds: Option<i64>,
    /// How sure the form of the export is.
    pub confidence: FormatConfidence,
}
