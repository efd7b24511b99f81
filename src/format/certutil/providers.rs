//! The list of providers that `certutil -csplist` prints (specification section 5.1).

use std::borrow::Cow;

use super::shape;
use crate::record::{Api, Lineage, Provider, Sink};

/// Most providers of one list that blocks are compared with.
const MAX_REGISTRY: usize = 256;
/// Longest name of a provider that is kept.
const MAX_NAME: usize = 1024;

/// A provider whose record is not ended.
struct Entry {
    offset: u64,
    name: String,
    kind: Option<u32>,
    /// An error stands in place of the rest.
    has_failed: bool,
    /// An empty line follows: a type line would have stood before it.
    is_followed: bool,
}

/// The list that is being read, and the registry of what was read.
#[derive(Default)]
pub(super) struct Providers {
    /// How the language names a provider.
    label: Option<String>,
    /// The last line that may have named one before the label was known.
    candidate: Option<(u64, String, String)>,
    entry: Option<Entry>,
    /// The list goes on: no footer since its last provider.
    is_running: bool,
    /// What the lists of this source say, for the blocks that follow.
    pub(super) registry: Vec<Provider<'static>>,
}

impl Providers {
    /// The line names a provider of a list.
    pub(super) fn is_name(&self, text: &str) -> bool {
        let label = shape::labelled(text).map_or("", |(label, _)| label);
        label == "Provider Name" || self.label.as_deref().is_some_and(|known| known == label)
    }

    /// Takes a line outside every other record. True where it belongs to a list.
    pub(super) fn line(&mut self, text: &str, offset: u64, sink: &mut dyn Sink) -> bool {
        let Some((label, value)) = shape::labelled(text).filter(|(_, value)| value.len() <= MAX_NAME) else {
            return self.note_error(text);
        };
        if let Some(kind) = provider_type(value) {
            return self.typed(kind, sink);
        }
        if self.is_name(text) {
            self.begin(offset, value, sink);
            return true;
        }
        self.candidate = Some((offset, label.to_owned(), value.to_owned()));
        self.note_error(text)
    }

    fn note_error(&mut self, text: &str) -> bool {
        let has_failed = shape::error(text).is_some();
        if let Some(entry) = self.entry.as_mut().filter(|_| has_failed) {
            entry.has_failed = true;
        }
        has_failed && self.entry.is_some()
    }

    /// A type line: it belongs to the name before it, whatever the language calls that.
    fn typed(&mut self, kind: u32, sink: &mut dyn Sink) -> bool {
        if let Some((offset, label, name)) = self.candidate.take().filter(|_| self.label.is_none()) {
            self.label = Some(label);
            self.begin(offset, &name, sink);
        }
        match &mut self.entry {
            Some(entry) if entry.kind.is_none() => entry.kind = Some(kind),
            _ => return false,
        }
        true
    }

    fn begin(&mut self, offset: u64, name: &str, sink: &mut dyn Sink) {
        self.flush(true, sink);
        if !self.is_running {
            // Another list is of another day, or of another client.
            self.registry.clear();
            self.is_running = true;
        }
        let name = name.to_owned();
        self.entry = Some(Entry { offset, name, kind: None, has_failed: false, is_followed: false });
        self.candidate = None;
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        if let Some(entry) = &mut self.entry {
            entry.is_followed = true;
        }
    }

    /// The list ends: at a footer, or at another output.
    pub(super) fn end(&mut self, is_whole: bool, sink: &mut dyn Sink) {
        self.flush(is_whole, sink);
        (self.label, self.candidate, self.is_running) = (None, None, false);
    }

    /// Pushes the provider whose record has ended. One without a type is a key storage provider, unless its type may be
    /// missing for another reason.
    fn flush(&mut self, is_whole: bool, sink: &mut dyn Sink) {
        let Some(entry) = self.entry.take() else { return };
        let is_known = !entry.has_failed && (is_whole || entry.is_followed);
        let api = match entry.kind {
            Some(_) => Some(Api::Capi),
            None => is_known.then_some(Api::Cng),
        };
        let provider = Provider {
            lineage: Lineage::at(entry.offset),
            name: Cow::Owned(entry.name),
            api,
            provider_type: entry.kind,
            ..Provider::default()
        };
        sink.provider(&provider);
        if self.registry.len() < MAX_REGISTRY && api.is_some() {
            self.registry.push(provider);
        }
    }
}

/// `12 - PROV_RSA_SCHANNEL`: decimal here.
fn provider_type(value: &str) -> Option<u32> {
    let (number, name) = value.split_once(" - ")?;
    name.starts_with("PROV_").then(|| shape::trim(number).parse().ok())?
}
