//! Keys that a store keeps apart from their certificates, in `Keys\<identifier>` (windows-binary section 3).
//!
//! Such an element says of a key what property 2 says beside a certificate, so a certificate without that property is
//! not one without a key: it is to be looked up here, by its key identifier.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::records::{Record, Records};
use super::{MAX_PROPERTIES, id, identifier};
use crate::format::Input;
use crate::walk::Source;
use crate::x509;

/// Longest element that is remembered, in bytes; usual ones have some hundred.
const MAX_ELEMENT: usize = 16 * 1024;
/// Most bytes of elements remembered of one store.
const MAX_STORE: usize = 1024 * 1024;
/// Most bytes of elements remembered of all user trees of a scan.
const MAX_TREES: usize = 64 * 1024 * 1024;
/// Folders of a store tree.
const CERTIFICATES: &str = "Certificates";
const KEYS: &str = "Keys";

/// The keys of one store, each as its element. Bounded; what is beyond the bound is not found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// By identifier; the first of several counts.
    elements: HashMap<Vec<u8>, Box<[u8]>>,
    bytes: usize,
    /// There are keys that are not remembered, or could not be read.
    is_cut: bool,
}

impl Keys {
    /// Remembers the element of this name.
    pub(crate) fn add(&mut self, name: &str, element: &[u8]) {
        let stored = property(element, id::KEY_IDENTIFIER);
        let by_object = || object(element).map(|record| record.value).filter(|value| !value.is_empty());
        let identifier = stored.or_else(by_object).map(<[u8]>::to_vec).or_else(|| identifier(name));
        let Some(identifier) = identifier else {
            self.is_cut = true;
            return;
        };
        let weight = element.len() + identifier.len() + size_of::<(Vec<u8>, Box<[u8]>)>();
        if element.len() > MAX_ELEMENT || self.bytes + weight > MAX_STORE {
            self.is_cut = true;
        } else if let Entry::Vacant(free) = self.elements.entry(identifier) {
            self.bytes += weight;
            free.insert(element.into());
        }
    }

    /// Says that there are keys which could not be read.
    pub(crate) fn cut(&mut self) {
        self.is_cut = true;
    }

    /// There are keys that are not remembered, or could not be read.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The element of the key that belongs to a certificate's element: by its property 20, else by the identifier in the
    /// certificate (RFC 5280 4.2.1.2).
    pub(crate) fn of_certificate(&self, element: &[u8]) -> Option<&[u8]> {
        if self.elements.is_empty() || has_provider(element) {
            return None;
        }
        let find = |wanted: &[u8]| self.elements.get(wanted).map(|element| &**element);
        if let Some(stored) = property(element, id::KEY_IDENTIFIER) {
            return find(stored);
        }
        let certificate = object(element)?.value;
        let facts = x509::parse(certificate.get(..x509::frame_len(certificate)?)?).ok()?;
        find(&identifier(facts.subject_key_id.as_deref()?)?)
    }
}

/// The value of a property that stands before the element's object.
fn property(element: &[u8], id: u32) -> Option<&[u8]> {
    let properties = Records(element).take_while(|record| record.header.object().is_none()).take(MAX_PROPERTIES);
    properties.into_iter().find(|record| record.header.id == id).map(|record| record.value)
}

/// The object that closes the element.
fn object(element: &[u8]) -> Option<Record<'_>> {
    Records(element).take(MAX_PROPERTIES + 1).find(|record| record.header.object().is_some())
}

/// The element says itself which provider has the key.
pub(crate) fn has_provider(element: &[u8]) -> bool {
    property(element, id::KEY_PROV_INFO).is_some()
}

/// The keys of store trees, where each element is a file, by the folder of their store. They are known before any file is
/// read, so no verdict depends on the order of files.
#[derive(Clone, Debug, Default)]
pub struct KeyFiles {
    stores: HashMap<PathBuf, Keys>,
}

/// What is known of the key of a certificate's element.
pub(super) struct KeyOf<'k> {
    /// The element of its key.
    pub element: Option<&'k [u8]>,
    /// Its store may have keys that were not seen.
    pub has_unseen: bool,
}

impl KeyFiles {
    /// Looks for keys among the sources, by their folders, and reads them. What cannot be read is told when its turn comes.
    /// `is_filtered`: the sources may not be all that their folders hold.
    pub fn find(sources: &[Source], is_filtered: bool) -> Self {
        let (mut found, mut bytes) = (KeyFiles::default(), 0);
        let mut counts = HashMap::<&Path, usize>::new();
        for source in sources {
            let Some(store) = store_of(&source.path, &source.file, KEYS) else { continue };
            *counts.entry(store).or_default() += 1;
            let keys = found.stores.entry(store.to_owned()).or_default();
            if bytes > MAX_TREES || source.len > MAX_ELEMENT as u64 {
                keys.cut();
                continue;
            }
            match read(source) {
                Ok(element) => {
                    bytes += element.len();
                    keys.add(source.path.rsplit('/').next().unwrap_or_default(), &element);
                }
                Err(_) => keys.cut(),
            }
        }
        if is_filtered {
            let stores: HashSet<_> =
                sources.iter().filter_map(|source| store_of(&source.path, &source.file, CERTIFICATES)).collect();
            for store in stores {
                if keys_in(store) > counts.get(store).copied().unwrap_or_default() {
                    found.stores.entry(store.to_owned()).or_default().cut();
                }
            }
        }
        found
    }

    /// What is known of the key of the certificate whose element the source is.
    pub(super) fn of_certificate(&self, input: &Input<'_, '_>, element: &[u8]) -> KeyOf<'_> {
        let nothing = KeyOf { element: None, has_unseen: false };
        let Some(file) = input.file else {
            // Members of archives come one by one: the keys of a store stand behind its certificates.
            let folder = input.path.rsplit('/').nth(1);
            return KeyOf { has_unseen: folder.is_some_and(|name| name.eq_ignore_ascii_case(CERTIFICATES)), ..nothing };
        };
        let is_root = !input.path.contains('/');
        let absolute = is_root.then(|| std::path::absolute(file).ok()).flatten();
        let file = absolute.as_deref().unwrap_or(file);
        let Some(store) = store_of(input.path, file, CERTIFICATES) else { return nothing };
        let keys = self.stores.get(store);
        KeyOf {
            element: keys.and_then(|keys| keys.of_certificate(element)),
            // Where the input is the certificate's own folder, that of the keys is not part of it.
            has_unseen: is_root || keys.is_some_and(Keys::is_cut),
        }
    }
}

fn read(source: &Source) -> io::Result<Vec<u8>> {
    if source.trouble.is_some() || source.special {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut element = Vec::new();
    File::open(&source.file)?.take(MAX_ELEMENT as u64).read_to_end(&mut element)?;
    Ok(element)
}

/// How many files the folder of a store's keys holds; endlessly many where it cannot be listed.
fn keys_in(store: &Path) -> usize {
    let count = || -> io::Result<usize> {
        let mut count = 0;
        for entry in fs::read_dir(store)? {
            let entry = entry?;
            if entry.file_name().eq_ignore_ascii_case(KEYS) {
                count += fs::read_dir(entry.path())?.count();
            }
        }
        Ok(count)
    };
    count().unwrap_or(usize::MAX)
}

/// The folder of the store that this file is an element of, if it lies in a folder of this name. `path` is its path inside the
/// input, which says at once that most files are none.
fn store_of<'p>(path: &str, file: &'p Path, kind: &str) -> Option<&'p Path> {
    let folder = path.rsplit_once('/').map(|(folder, _)| folder.as_bytes());
    let ends_so = |folder: &[u8]| {
        let start = folder.len().checked_sub(kind.len());
        start.is_some_and(|start| folder[start..].eq_ignore_ascii_case(kind.as_bytes()))
    };
    if !folder.is_none_or(ends_so) {
        return None;
    }
    let folder = file.parent()?;
    folder.file_name()?.eq_ignore_ascii_case(kind).then(|| folder.parent())?
}
