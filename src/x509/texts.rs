//! A list of texts in one buffer, for lists that are filled anew for each certificate.

use std::ops::Range;

/// A list of texts in one buffer; clearing it keeps the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// Where each text ends in the buffer.
    ends: Vec<usize>,
}

impl Texts {
    /// Takes all texts out.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Puts a text at the end of the list.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Puts at the end of the list what `write` appends; nothing if that fails.
    pub(super) fn push_with<E>(&mut self, write: impl FnOnce(&mut String) -> Result<(), E>) -> Result<(), E> {
        let before = self.text.len();
        let result = write(&mut self.text);
        match result {
            Ok(()) => self.ends.push(self.text.len()),
            Err(_) => self.text.truncate(before),
        }
        result
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// There is no text in the list.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The texts in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let mut from = 0;
        let ranges = self.ends.iter().map(move |end| Range { start: std::mem::replace(&mut from, *end), end: *end });
        ranges.map(|range| self.text.get(range).unwrap_or_default())
    }

    /// The texts as a list of their own.
    pub(super) fn to_vec(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}

impl<S: AsRef<str>> Extend<S> for Texts {
    fn extend<I: IntoIterator<Item = S>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push(text.as_ref()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_in_their_order() {
        let mut texts = Texts::default();
        assert!(texts.is_empty() && texts.iter().next().is_none());
        texts.extend(["a", "", "ü"]);
        texts.push("bc");
        let failed = texts.push_with(|out| {
            out.push('x');
            Err(())
        });
        assert_eq!(failed, Err(()));
        assert_eq!((texts.len(), texts.iter().len()), (4, 4));
        assert_eq!(texts.to_vec(), ["a", "", "ü", "bc"]);
        texts.clear();
        assert_eq!(texts, Texts::default());
        texts.push("d");
        assert_eq!(texts.to_vec(), ["d"]);
    }
}
