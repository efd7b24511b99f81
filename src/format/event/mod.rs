//! Event logs: which programs still use CryptoAPI for the RSA keys of smart cards (event 624, KB5073121).
//!
//! The event's form is known from descriptions alone, so it is read tolerantly and marked as documented: it is told by its
//! number and its provider, and the program by the name of its data, or by being a path of one. Every other event is
//! skipped.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::record::{CapiUse, Code, FormatConfidence, Lineage, Reject, Sink, Stage};

pub mod evtx;
pub mod xml;

#[cfg(test)]
mod tests;

/// The event.
const CAPI_USE: i64 = 624;
/// Most pieces of data kept of one event.
const MAX_DATA: usize = 64;

/// What an event says, as far as it matters here.
#[derive(Debug, Default)]
pub(crate) struct Event {
    /// Its number.
    pub id: Option<i64>,
    /// Name of the provider.
    pub provider: Option<String>,
    /// The machine that logged it.
    pub computer: Option<String>,
    /// When, as RFC 3339.
    pub time: Option<String>,
    /// Number of the record in its log.
    pub record: Option<i64>,
    /// Its data: name and text.
    pub data: Vec<(String, String)>,
}

impl Event {
    /// Keeps a piece of data.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        if self.data.len() < MAX_DATA && !text.is_empty() {
            self.data.push((name.to_owned(), text.to_owned()));
        }
    }

    /// It is the one that is looked for: event 624 of the Smart Card Service.
    fn is_capi_use(&self) -> bool {
        let letters = |name: &str| -> String {
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        let is_card = |name: &str| ["smartcard", "scard"].iter().any(|word| letters(name).contains(word));
        self.id == Some(CAPI_USE) && self.provider.as_deref().is_some_and(is_card)
    }

    /// The program: by the name of its data, else the first text that is a path of one.
    fn program(&self) -> Option<&str> {
        let is_named = |name: &str| {
            let name = name.to_ascii_lowercase();
            ["process", "program", "application", "image"].iter().any(|word| name.contains(word))
                && !name.ends_with("id")
        };
        let named = self.data.iter().find(|(name, _)| is_named(name)).map(|(_, text)| text.as_str());
        named.or_else(|| self.data.iter().find_map(|(_, text)| executable(text)))
    }

    /// Pushes what the event says.
    pub(crate) fn push(&self, lineage: Lineage, sink: &mut dyn Sink) {
        if !self.is_capi_use() {
            return sink.skip("other_event");
        }
        let lineage = Lineage { record_number: self.record.or(lineage.record_number), ..lineage };
        let at = self.time.as_deref().map(micros);
        let program = self.program();
        sink.capi_use(&CapiUse {
            lineage,
            client: self.computer.as_deref().map(Cow::Borrowed),
            at: at.flatten(),
            program: program.map(Cow::Borrowed),
            confidence: FormatConfidence::Documented,
        });
        let mut doubt = |code, field: &'static str, message: &str| {
            sink.reject(Reject::degraded(lineage, Stage::Decode, code, field, message));
        };
        if at == Some(None) {
            doubt(Code::BadTime, "observed_at", "the time is not understood");
        }
        if program.is_none() {
            doubt(Code::MissingField, "program", "the event does not name a program in any known form");
        }
    }
}

/// The first program's file that a text names: its path from the root of a volume on, which may hold blanks, else one word.
fn executable(text: &str) -> Option<&str> {
    const END: &str = ".exe";
    /// Names that are looked at: each costs a look through all that is before it.
    const MOST: usize = 16;
    let is_quote = |c: char| matches!(c, '"' | '\'' | '<' | '>' | '|' | '\n' | '\r');
    // The same length, byte for byte.
    let lower = text.to_ascii_lowercase();
    let ends = lower.match_indices(END).map(|(at, _)| at + END.len());
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '\\');
    // A full stop may end a sentence.
    let is_whole = |end: &usize| {
        let rest = &text[*end..];
        !goes_on(rest) && !rest.strip_prefix('.').is_some_and(goes_on)
    };
    ends.filter(is_whole).take(MOST).find_map(|end| {
        let before = &text[..end];
        let before = &before[before.rfind(is_quote).map_or(0, |at| at + 1)..];
        let volume =
            [before.rfind(":\\").and_then(|at| at.checked_sub(1)), before.rfind("\\Device\\")].into_iter().flatten();
        let blank = before.char_indices().rev().find(|(_, c)| c.is_whitespace());
        let word = blank.map_or(0, |(at, blank)| at + blank.len_utf8());
        let path = before.get(volume.max().unwrap_or(word)..)?;
        let path = path.trim_start_matches([',', '.', ';', '(']);
        (path.len() > END.len()).then_some(path)
    })
}

/// Microseconds since 1970 of a time in RFC 3339, as event logs write it.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let nanos = OffsetDateTime::parse(text.trim(), &Rfc3339).ok()?.unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1000)).ok()
}
