//! Compressed files: one member, named like the file without the ending that its compression has.

use std::cell::Cell;
use std::io::Read;

use super::super::Outcome;
use super::{Body, Decoding, Each, Entry, Found};
use crate::record::Lineage;

/// Endings of compressed files, and what stands in their place.
const ENDINGS: [(&str, &str); 9] = [
    (".gz", ""),
    (".gzip", ""),
    (".zst", ""),
    (".zstd", ""),
    (".xz", ""),
    (".tgz", ".tar"),
    (".tzst", ".tar"),
    (".tzstd", ".tar"),
    (".txz", ".tar"),
];

/// Name of the member of a compressed file, from the file's path: the file name without its ending, or all of it where it
/// has none of the usual ones. A name inside the file (gzip has one) is not looked at: it would name shards alike that
/// were renamed since.
pub(super) fn member_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    for (ending, instead) in ENDINGS {
        let Some(at) = file.len().checked_sub(ending.len()).filter(|at| *at > 0 && file.is_char_boundary(*at)) else {
            continue;
        };
        if file[at..].eq_ignore_ascii_case(ending) {
            return format!("{}{instead}", &file[..at]);
        }
    }
    file.to_owned()
}

/// Hands on the one member of a compressed file.
pub(super) fn hand_on<R: Read>(
    path: &str,
    decoding: &mut Decoding<R>,
    taken: &Cell<u64>,
    each: &mut Each<'_>,
) -> Outcome {
    let body = Body::Bytes { read: decoding, packed: Some(taken) };
    let goes_on = each(Found::Entry(Entry { name: member_name(path), size: None, body }));
    if let Some(fault) = decoding.fault.take() {
        // Nobody read as far as that.
        each(Found::Reject(fault.into_reject(Lineage::at(taken.get()))));
    }
    if goes_on && !decoding.has_failed { Outcome::Complete } else { Outcome::Incomplete }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_named_like_their_file() {
        for (path, name) in [
            ("a/b/x.ndjson.zst", "x.ndjson"),
            ("x.tar.GZ", "x.tar"),
            ("backup.tgz", "backup.tar"),
            ("x.TXZ", "x.tar"),
            ("data", "data"),
            (".gz", ".gz"),
            ("ä.xz", "ä"),
        ] {
            assert_eq!(member_name(path), name);
        }
    }
}
