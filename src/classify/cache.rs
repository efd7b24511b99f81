//! A fleet names the same few dozen providers millions of times: each is looked up once per worker.

use hashbrown::HashMap;

use super::catalogue::{Catalogue, Found};

/// Most names kept. A fleet has some hundreds; more can only be noise or an attack on memory.
const MAX_NAMES: usize = 4096;
/// Longest name kept, in bytes; Windows limits provider names to 260 characters.
const MAX_NAME_BYTES: usize = 1024;

/// Answers of one catalogue by verbatim name. Belongs to one worker, and to one catalogue for its whole life.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    names: HashMap<Box<str>, Found, foldhash::fast::RandomState>,
}

impl Lookup {
    /// What `catalogue` has for this name.
    pub(super) fn find(&mut self, catalogue: &Catalogue, name: &str) -> Found {
        if let Some(found) = self.names.get(name) {
            return *found;
        }
        let found = catalogue.find(name);
        if name.len() <= MAX_NAME_BYTES {
            // Starting over is cheaper than to keep count of use, and happens on noise only.
            if self.names.len() >= MAX_NAMES {
                self.names.clear();
            }
            self.names.insert(name.into(), found);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_answers_like_the_catalogue_and_stays_small() {
        let catalogue = Catalogue::builtin();
        let mut cache = Lookup::default();
        for n in 0..3 * MAX_NAMES {
            let name = format!("Provider {n} CSP");
            assert_eq!(cache.find(&catalogue, &name), catalogue.find(&name));
            assert_eq!(cache.find(&catalogue, &name), catalogue.find(&name));
            assert!(cache.names.len() <= MAX_NAMES);
        }
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        let before = cache.names.len();
        assert_eq!(cache.find(&catalogue, &long), Found::Nothing);
        assert_eq!(cache.names.len(), before);
    }
}
