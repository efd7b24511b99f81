//! The list of keys that `certutil -csp PROVIDER -key` prints, with `-v` or without (specification section 5.2).

use std::borrow::Cow;

use super::block::{Block, Piece};
use super::shape;
use crate::record::{
    Api, Claims, Collection, FormatConfidence, KeyReport, Lineage, Observation, Provider, Sink, StoreLocation,
};

/// What the next line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Name,
    UniqueName,
    Rest,
}

/// A list under the name of one provider.
#[derive(Default)]
pub(super) struct Keys {
    provider: Option<String>,
    /// Columns before the provider's name; keys stand further in.
    indent: usize,
    next: Next,
    key: Option<Key>,
    /// The line before, which names a key where a unique name follows.
    before: Option<(u64, String)>,
    after_blank: bool,
}

struct Key {
    offset: u64,
    name: String,
    unique_name: Option<String>,
    has_algorithm: bool,
    hash: Option<[u8; 20]>,
    /// What tells of tests and policy.
    said: Block,
}

/// What surrounds the list.
pub(super) struct Around<'a> {
    pub(super) scope: Option<StoreLocation>,
    pub(super) registry: &'a [Provider<'static>],
}

impl Keys {
    /// The provider's name alone in a line that opens a list.
    pub(super) fn heading(text: &str) -> Option<&str> {
        text.strip_suffix(':').map(shape::trim).filter(|name| shape::is_provider(name) && !name.contains(':'))
    }

    /// A list is open.
    pub(super) fn is_open(&self) -> bool {
        self.provider.is_some()
    }

    /// Begins the list of a provider.
    pub(super) fn begin(&mut self, provider: &str, indent: usize) {
        *self = Keys { provider: Some(provider.to_owned()), indent, ..Keys::default() };
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.after_blank = true;
        self.before = None;
    }

    /// Takes a line of the list.
    pub(super) fn line(&mut self, piece: Piece<'_>, indent: usize, around: &Around<'_>, sink: &mut dyn Sink) {
        let text = piece.text;
        if shape::is_dump(text) || text == "..." {
            return;
        }
        let is_further_in = indent > self.indent;
        let after_blank = std::mem::take(&mut self.after_blank);
        let before = self.before.replace((piece.offset, text.to_owned()));
        if shape::is_unique_name(text) && self.next == Next::Rest {
            // The line before was the name of another key.
            if let Some((offset, name)) = before {
                self.push(around, sink);
                self.start(offset, &name);
                self.set_unique_name(text);
            }
            return;
        }
        match self.next {
            Next::Name if is_name(text) => self.start(piece.offset, text),
            Next::UniqueName if !is_algorithm(text) && is_name(text) => self.set_unique_name(text),
            Next::Rest if after_blank && is_further_in && self.has_algorithm() && is_name(text) => {
                self.push(around, sink);
                self.start(piece.offset, text);
            }
            _ => self.detail(text),
        }
    }

    fn start(&mut self, offset: u64, name: &str) {
        let mut said = Block::default();
        said.begin(offset);
        let name = name.to_owned();
        self.key = Some(Key { offset, name, unique_name: None, has_algorithm: false, hash: None, said });
        self.next = Next::UniqueName;
    }

    fn set_unique_name(&mut self, text: &str) {
        if let Some(key) = &mut self.key {
            key.unique_name = Some(text.to_owned());
        }
        self.next = Next::Rest;
    }

    fn has_algorithm(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.has_algorithm)
    }

    fn detail(&mut self, text: &str) {
        let Some(key) = &mut self.key else { return };
        self.next = Next::Rest;
        if is_algorithm(text) {
            key.has_algorithm = true;
        } else if let Some(tagged) = shape::tagged(text) {
            if tagged.tag == "rfc-sha1" {
                key.hash = key.hash.or(shape::hex(tagged.value));
            }
        } else {
            key.said.result(text);
        }
    }

    /// Ends the list.
    pub(super) fn end(&mut self, around: &Around<'_>, sink: &mut dyn Sink) {
        self.push(around, sink);
        *self = Keys::default();
    }

    fn push(&mut self, around: &Around<'_>, sink: &mut dyn Sink) {
        let (Some(key), Some(provider)) = (self.key.take(), self.provider.as_deref()) else { return };
        let confidence = match key.hash {
            Some(_) => FormatConfidence::Seen,
            // Only the verbose form was seen.
            None => FormatConfidence::Documented,
        };
        sink.observation(&Observation {
            lineage: Lineage::at(key.offset),
            store_location: around.scope,
            collection: Collection { registry: around.registry, confidence, ..Collection::default() },
            claims: Claims {
                key_report: KeyReport::Claimed,
                provider_name: Some(provider.into()),
                enumerated_api: api(provider, around.registry),
                key_container: Some(Cow::Borrowed(&key.name)),
                key_path: key.unique_name.as_deref().map(Cow::Borrowed),
                virtual_iso: key.said.virtual_iso,
                export_policy: key.said.export_policy,
                is_exportable: key.said.is_exportable,
                key_identifier: key.hash.as_ref().map(|hash| Cow::Borrowed(hash.as_slice())),
                ..Claims::default()
            },
            ..Observation::default()
        });
    }
}

/// The interface whose keys are listed under this name: as the client's own list has it, else by Microsoft's names.
fn api(provider: &str, registry: &[Provider<'_>]) -> Option<Api> {
    let mut listed = registry.iter().filter(|entry| entry.name.eq_ignore_ascii_case(provider)).map(|entry| entry.api);
    if let Some(first) = listed.next() {
        return first.filter(|_| listed.all(|other| other == first));
    }
    let name = provider.to_ascii_lowercase();
    let name = name.strip_prefix("microsoft ")?;
    match name {
        "platform crypto provider" => Some(Api::Cng),
        "base smart card crypto provider" => Some(Api::Capi),
        _ if name.ends_with(" key storage provider") => Some(Api::Cng),
        _ if name.contains(" cryptographic provider") => Some(Api::Capi),
        _ => None,
    }
}

/// A name of a key has neither a label nor a value.
fn is_name(text: &str) -> bool {
    !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(" = ")
        && !text.contains(" -- ")
        && !is_algorithm(text)
}

/// The name of an algorithm or of a key spec, alone in its line.
fn is_algorithm(text: &str) -> bool {
    let name = text.strip_suffix(':').unwrap_or(text);
    let is_spec = ["AT_KEYEXCHANGE", "AT_SIGNATURE", "AT_NONE"].contains(&name);
    is_spec || ["RSA", "DSA", "DH", "AES"].contains(&name) || ["ECDSA", "ECDH"].iter().any(|ec| name.starts_with(ec))
}
