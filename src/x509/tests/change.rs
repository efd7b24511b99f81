//! Changes to good bytes, which get further into a parser than random bytes would.

use proptest::prelude::*;
use proptest::sample::Index;

/// One change to the bytes.
#[derive(Clone, Debug)]
pub(in crate::x509) enum Change {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Delete,
}

/// Any change; values that mean something in DER are likely.
pub(in crate::x509) fn change() -> impl Strategy<Value = Change> {
    let telling = prop::sample::select(vec![
        0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x17, 0x1e, 0x30, 0x31, 0x7f, 0x80, 0x84, 0xa0, 0xff,
    ]);
    prop_oneof![
        telling.prop_map(Change::Set),
        (0u8..8).prop_map(Change::Flip),
        any::<u8>().prop_map(Change::Insert),
        Just(Change::Delete),
    ]
}

/// Applies the changes, each at its place.
pub(in crate::x509) fn changed(bytes: &mut Vec<u8>, changes: &[(Index, Change)]) {
    for (place, change) in changes {
        if bytes.is_empty() {
            return;
        }
        let place = place.index(bytes.len());
        match change {
            Change::Set(value) => bytes[place] = *value,
            Change::Flip(bit) => bytes[place] ^= 1 << bit,
            Change::Insert(value) => bytes.insert(place, *value),
            Change::Delete => drop(bytes.remove(place)),
        }
    }
}
