//! Column builders: one type a kind of column, each a plain vector plus a validity bitmap.
//!
//! They push what rows hold (`Option`s, hex of digests, borrowed text) without formatting machinery and hand
//! over Arrow arrays without copying. Empty text is refused by turning it into null: no report says "".

use std::sync::Arc;

use arrow::array::{BooleanArray, Int32Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef};

use super::Data;
pub use super::words::Word;
use crate::hex;

/// The time zone name of every timestamp column.
pub const UTC: &str = "UTC";

/// The field of a list's elements, named as the Parquet specification names it.
pub fn element_field() -> FieldRef {
    Arc::new(Field::new("element", DataType::Utf8, true))
}

fn nulls(valid: Vec<bool>) -> Option<NullBuffer> {
    if valid.iter().all(|v| *v) { None } else { Some(NullBuffer::new(BooleanBuffer::from(valid))) }
}

/// UTF-8 text.
#[derive(Default)]
pub struct Text {
    values: Vec<u8>,
    ends: Vec<i32>,
    valid: Vec<bool>,
}

impl Text {
    /// Adds a row; empty text is null.
    pub fn push(&mut self, value: Option<&str>) {
        let value = value.filter(|v| !v.is_empty());
        if let Some(value) = value {
            self.values.extend_from_slice(value.as_bytes());
        }
        self.close(value.is_some());
    }

    /// Adds a row with the hex of `bytes`.
    pub fn push_hex(&mut self, bytes: Option<&[u8]>) {
        if let Some(bytes) = bytes {
            hex::push(&mut self.values, bytes);
        }
        self.close(bytes.is_some());
    }

    /// Adds a row that `write` fills with text.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.values);
        self.close(true);
    }

    fn close(&mut self, valid: bool) {
        // Groups are cut long before 2 GiB (`group::MAX_GROUP_BYTES`).
        self.ends.push(self.values.len() as i32);
        self.valid.push(valid);
    }

    /// True before the first row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The finished column; the builder is empty afterwards.
    pub fn finish(&mut self) -> Data {
        let Text { values, ends, valid } = std::mem::take(self);
        Data::Array(Arc::new(text_array(values, ends, nulls(valid))))
    }
}

fn text_array(values: Vec<u8>, ends: Vec<i32>, nulls: Option<NullBuffer>) -> StringArray {
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0);
    offsets.extend_from_slice(&ends);
    // Every pusher writes whole strings or ASCII, so this cannot fail; if a pusher were wrong, the lossy copy
    // keeps the rows instead of ending the run.
    match String::from_utf8(values) {
        Ok(values) => {
            StringArray::new(OffsetBuffer::new(ScalarBuffer::from(offsets)), values.into_bytes().into(), nulls)
        }
        Err(wrong) => {
            let values = wrong.into_bytes();
            let rows = offsets.windows(2).enumerate().map(|(row, ends)| {
                let valid = nulls.as_ref().is_none_or(|n| n.is_valid(row));
                valid.then(|| String::from_utf8_lossy(&values[ends[0] as usize..ends[1] as usize]).into_owned())
            });
            rows.collect()
        }
    }
}

macro_rules! plain_builder {
    ($(#[$meta:meta])* $name:ident, $native:ty, $finish:expr) => {
        $(#[$meta])*
        #[derive(Default)]
        pub struct $name {
            values: Vec<$native>,
            valid: Vec<bool>,
        }

        impl $name {
            /// Adds a row.
            pub fn push(&mut self, value: Option<$native>) {
                self.values.push(value.unwrap_or_default());
                self.valid.push(value.is_some());
            }

            /// The finished column; the builder is empty afterwards.
            pub fn finish(&mut self) -> Data {
                let Self { values, valid } = std::mem::take(self);
                #[allow(clippy::redundant_closure_call)]
                Data::Array(Arc::new($finish(values, nulls(valid))))
            }
        }
    };
}

plain_builder!(
    /// Signed 32-bit integers.
    Int32, i32, |values: Vec<i32>, nulls| Int32Array::new(values.into(), nulls)
);
plain_builder!(
    /// Signed 64-bit integers.
    Int64, i64, |values: Vec<i64>, nulls| Int64Array::new(values.into(), nulls)
);
plain_builder!(
    /// Microseconds since 1970-01-01 UTC.
    Time, i64, |values: Vec<i64>, nulls| TimestampMicrosecondArray::new(values.into(), nulls).with_timezone(UTC)
);
plain_builder!(
    /// Booleans.
    Bool, bool, |values: Vec<bool>, nulls| BooleanArray::new(BooleanBuffer::from(values), nulls)
);

/// Lists of text.
#[derive(Default)]
pub struct TextList {
    values: Vec<u8>,
    value_ends: Vec<i32>,
    ends: Vec<i32>,
    valid: Vec<bool>,
}

impl TextList {
    /// Adds a row; an empty list is null.
    pub fn push<S: AsRef<str>>(&mut self, items: &[S]) {
        for item in items {
            self.values.extend_from_slice(item.as_ref().as_bytes());
            self.value_ends.push(self.values.len() as i32);
        }
        self.ends.push(self.value_ends.len() as i32);
        self.valid.push(!items.is_empty());
    }

    /// The finished column; the builder is empty afterwards.
    pub fn finish(&mut self) -> Data {
        let TextList { values, value_ends, ends, valid } = std::mem::take(self);
        let mut offsets = Vec::with_capacity(ends.len() + 1);
        offsets.push(0);
        offsets.extend_from_slice(&ends);
        let items = text_array(values, value_ends, None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Data::Array(Arc::new(ListArray::new(element_field(), offsets, Arc::new(items), nulls(valid))))
    }
}

/// A column of `observations` that is a fact of the certificate: gathered from the group's certificates when
/// the group is encoded, so nothing is pushed.
#[derive(Default)]
pub struct OfCertificate;

impl OfCertificate {
    /// Nothing of its own.
    pub fn finish(&mut self) -> Data {
        Data::OfCertificate
    }
}

/// Like [`OfCertificate`], but where a row's certificate is not known it may have a value of its own: then every
/// row of the group pushes one.
#[derive(Default)]
pub struct OrOfCertificate(Text);

impl OrOfCertificate {
    /// Adds a row with the hex of `bytes`.
    pub fn push_hex(&mut self, bytes: Option<&[u8]>) {
        self.0.push_hex(bytes);
    }

    /// The values pushed, or nothing of its own.
    pub fn finish(&mut self) -> Data {
        if self.0.is_empty() { Data::OfCertificate } else { self.0.finish() }
    }
}
