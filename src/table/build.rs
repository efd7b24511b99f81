//! Column builders: one type a kind of column.
//!
//! They push what rows hold (`Option`s, hex of digests, borrowed text) without formatting machinery and hand over
//! [`Data`] without copying. Empty text is refused by turning it into null: no report says "".

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::Data;
use super::data::{Lists, Texts, Values};
pub use super::words::Word;

/// The time zone name of every timestamp column.
pub const UTC: &str = "UTC";

/// The field of a list's elements, named as the Parquet specification names it.
pub fn element_field() -> FieldRef {
    Arc::new(Field::new("element", DataType::Utf8, true))
}

/// UTF-8 text.
#[derive(Default)]
pub struct Text(Texts);

impl Text {
    /// Adds a value; empty text is null.
    pub fn push(&mut self, value: Option<&str>) {
        self.push_str(value.unwrap_or_default());
    }

    /// Adds a value; empty text is null.
    pub fn push_str(&mut self, value: &str) {
        self.0.push(Some(value).filter(|text| !text.is_empty()));
    }

    /// Adds a value of ASCII alone, which nobody has to check again.
    pub fn push_ascii(&mut self, value: &[u8]) {
        debug_assert!(value.is_ascii(), "{value:?}");
        self.0.push_with(|out| out.extend_from_slice(value));
    }

    /// Adds a value that `write` appends. It has to be UTF-8; what is not is replaced.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.0.push_with(|out| {
            let start = out.len();
            write(out);
            let written = out.get(start..).unwrap_or_default();
            // A wrong pusher costs a character; a table that no engine can read would cost the report.
            if std::str::from_utf8(written).is_err() {
                let mended = String::from_utf8_lossy(written).into_owned();
                out.truncate(start);
                out.extend_from_slice(mended.as_bytes());
            }
        });
    }

    /// Makes room for so many values of so many bytes each.
    pub fn reserve(&mut self, values: usize, bytes: usize) {
        self.0.reserve(values, bytes);
    }

    /// The finished column; the builder is empty afterwards.
    pub fn finish(&mut self) -> Data {
        Data::Text(std::mem::take(&mut self.0))
    }
}

/// Digests and identifiers, which pages show in hex. Until then they are bytes, which are half as long.
#[derive(Default)]
pub struct Hex(Texts);

impl Hex {
    /// Adds a value; no bytes are null.
    #[inline]
    pub fn push(&mut self, bytes: Option<&[u8]>) {
        match bytes.filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => self.0.push_with(|out| out.extend_from_slice(bytes)),
            None => self.0.push_null(),
        }
    }

    /// Makes room for so many values of so many bytes each.
    pub fn reserve(&mut self, values: usize, bytes: usize) {
        self.0.reserve(values, bytes);
    }

    /// True before the first value.
    pub fn is_empty(&self) -> bool {
        self.0.valid.is_empty()
    }

    /// The finished column; the builder is empty afterwards.
    pub fn finish(&mut self) -> Data {
        Data::Hex(std::mem::take(&mut self.0))
    }
}

macro_rules! plain_builder {
    ($(#[$meta:meta])* $name:ident, $native:ty) => {
        $(#[$meta])*
        #[derive(Default)]
        pub struct $name(Values<$native>);

        impl $name {
            /// Adds a value.
            pub fn push(&mut self, value: Option<$native>) {
                self.0.push(value);
            }

            /// The finished column; the builder is empty afterwards.
            pub fn finish(&mut self) -> Data {
                Data::$name(std::mem::take(&mut self.0))
            }
        }
    };
}

plain_builder!(
    /// Signed 32-bit integers.
    Int32, i32
);
plain_builder!(
    /// Signed 64-bit integers.
    Int64, i64
);
plain_builder!(
    /// Microseconds since 1970-01-01 UTC.
    Time, i64
);
plain_builder!(
    /// Booleans.
    Bool, bool
);

/// Lists of text.
#[derive(Default)]
pub struct TextList(Lists);

impl TextList {
    /// Adds a list; an empty one is null.
    pub fn push<S: AsRef<str>>(&mut self, items: &[S]) {
        self.0.push(items.iter().map(AsRef::as_ref));
    }

    /// Adds a list; an empty one is null.
    pub fn push_iter<'a>(&mut self, items: impl Iterator<Item = &'a str>) {
        self.0.push(items);
    }

    /// The finished column; the builder is empty afterwards.
    pub fn finish(&mut self) -> Data {
        Data::List(std::mem::take(&mut self.0))
    }
}

/// A column of `observations` that is a fact of the certificate: found among the group's certificates when the group
/// is encoded, so nothing is pushed.
#[derive(Default)]
pub struct OfCertificate;

impl OfCertificate {
    /// Nothing of its own.
    pub fn finish(&mut self) -> Data {
        Data::OfCertificate
    }

    /// Nothing to take back.
    pub fn recycle(&mut self, _: Data) {}
}

/// Like [`OfCertificate`], but where a row's certificate is not known it may have a value of its own: then every
/// row of the group pushes one.
#[derive(Default)]
pub struct OrOfCertificate(Hex);

impl OrOfCertificate {
    /// Adds a value; no bytes are null.
    pub fn push(&mut self, bytes: Option<&[u8]>) {
        self.0.push(bytes);
    }

    /// The values pushed, or nothing of its own.
    pub fn finish(&mut self) -> Data {
        if self.0.is_empty() { Data::OfCertificate } else { self.0.finish() }
    }
}
