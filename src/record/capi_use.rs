//! An event that a program used CryptoAPI for the RSA key of a smart card.

use super::{FormatConfidence, Lineage, Text};

/// Event 624 of the Smart Card Service in the System log (KB5073121, CVE-2024-30098). Every `None` means "not said".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CapiUse<'a> {
    /// Where in the source.
    pub lineage: Lineage,
    /// The machine that logged it, verbatim.
    pub client: Option<Text<'a>>,
    /// When, in microseconds since 1970-01-01 UTC.
    pub at: Option<i64>,
    /// The program, as the event names it.
    pub program: Option<Text<'a>>,
    /// How sure the form of the export is.
    pub confidence: FormatConfidence,
}
