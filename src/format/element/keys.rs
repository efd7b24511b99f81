//! Keys that a store keeps apart from their certificates, in `Keys\<identifier>` (windows-binary section 3).
//!
//! Such an element says of a key what property 2 says beside a certificate, so a certificate without that property is
//! not one without a key: it is to be looked up here, by its key identifier.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;

use super::records::Records;
use super::{MAX_PROPERTIES, id, identifier};
use crate::format::registry::place::{Kind, user_tree};
use crate::walk::Source;
use crate::x509;

/// Longest element that is remembered, in bytes; usual ones have some hundred.
const MAX_ELEMENT: usize = 16 * 1024;
/// Most bytes of elements remembered of one store.
const MAX_STORE: usize = 1024 * 1024;
/// Most bytes of elements remembered of all user trees of a scan.
const MAX_TREES: usize = 64 * 1024 * 1024;

/// The keys of one store, each as its element. Bounded; what is beyond the bound is not found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// Identifier and element.
    elements: Vec<(Vec<u8>, Box<[u8]>)>,
    bytes: usize,
}

impl Keys {
    /// Remembers the element of this name.
    pub(crate) fn add(&mut self, name: &str, element: &[u8]) {
        let stored = Records(element).take(MAX_PROPERTIES).find(|record| record.header.id == id::KEY_IDENTIFIER);
        let closing = Records(element).take(MAX_PROPERTIES).find(|record| record.header.object().is_some());
        let by_object = closing.map(|record| record.value).filter(|value| !value.is_empty());
        let identifier =
            stored.map(|record| record.value).or(by_object).map(<[u8]>::to_vec).or_else(|| identifier(name));
        let Some(identifier) = identifier else { return };
        let weight = element.len() + identifier.len() + size_of::<(Vec<u8>, Box<[u8]>)>();
        if element.len() <= MAX_ELEMENT && self.bytes + weight <= MAX_STORE {
            self.bytes += weight;
            self.elements.push((identifier, element.into()));
        }
    }

    /// There are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The element of the key that belongs to a certificate's element: by its property 20, else by the identifier in the
    /// certificate (RFC 5280 4.2.1.2).
    pub(crate) fn of_certificate(&self, element: &[u8]) -> Option<&[u8]> {
        if self.is_empty() || has_provider(element) {
            return None;
        }
        let find = |wanted: &[u8]| self.elements.iter().find(|(id, _)| id == wanted).map(|(_, element)| &**element);
        let stored = Records(element).take(MAX_PROPERTIES).find(|record| record.header.id == id::KEY_IDENTIFIER);
        if let Some(record) = stored {
            return find(record.value);
        }
        let certificate = Records(element).take(MAX_PROPERTIES).find(|record| record.header.object().is_some())?;
        let facts = x509::parse(certificate.value.get(..x509::frame_len(certificate.value)?)?).ok()?;
        find(&identifier(facts.subject_key_id.as_deref()?)?)
    }
}

/// The element says itself which provider has the key.
pub(crate) fn has_provider(element: &[u8]) -> bool {
    Records(element).take(MAX_PROPERTIES).any(|record| record.header.id == id::KEY_PROV_INFO)
}

/// The keys in user trees, where each element is a file, by the path of their store. They are known before any file is read,
/// so no verdict depends on the order of files.
#[derive(Clone, Debug, Default)]
pub struct KeyFiles {
    stores: HashMap<String, Keys>,
    is_cut: bool,
}

impl KeyFiles {
    /// Looks for keys among the sources, by their paths, and reads them. What cannot be read is told when its turn comes.
    pub fn find(sources: &[Source]) -> Self {
        let (mut found, mut bytes) = (KeyFiles::default(), 0);
        for source in sources {
            let Some(store) = store_of(&source.path, Kind::Keys) else { continue };
            let is_file = source.trouble.is_none() && !source.special;
            if !is_file || source.len > MAX_ELEMENT as u64 || bytes > MAX_TREES {
                found.is_cut |= is_file;
                continue;
            }
            let mut element = Vec::new();
            let read =
                File::open(&source.file).and_then(|file| file.take(MAX_ELEMENT as u64).read_to_end(&mut element));
            if read.is_ok() {
                bytes += element.len();
                let name = source.path.rsplit('/').next().unwrap_or_default();
                found.stores.entry(store.to_owned()).or_default().add(name, &element);
            }
        }
        found
    }

    /// The element of the key of a certificate whose element is the file at `path`.
    pub(super) fn of_certificate(&self, path: &str, element: &[u8]) -> Option<&[u8]> {
        if self.stores.is_empty() {
            return None;
        }
        self.stores.get(store_of(path, Kind::Certificates)?)?.of_certificate(element)
    }

    /// There are keys beyond what is remembered.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// The path of the store that the file at `path` is an element of, if it is one of this kind.
fn store_of(path: &str, kind: Kind) -> Option<&str> {
    user_tree(path).filter(|element| element.kind == kind)?;
    let (folder, _id) = path.rsplit_once('/')?;
    folder.rsplit_once('/').map(|(store, _kind)| store)
}
