//! Offline registry hives (`regf`): the certificate stores of a machine or user, from a copied file.
//!
//! A small reader of its own: of the crates, nt-hive is under the GPL, notatin does not build with a fresh lock file,
//! and regf is young and slow. The format is that of M. Suhanov's "Windows registry file format specification";
//! windows-binary section 6 says what bites. Only keys that matter are walked ([`walk`]), through a bounded cache, so
//! a hive of any size needs the same memory. Logs are not applied.

use std::io::{Read, Seek};
use std::ops::ControlFlow::{Break, Continue};

use super::registry::{Collector, Root};
use super::{Format, Head, Input, Outcome};
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use crate::spool::random_access;

mod cells;
mod pages;
mod walk;

use cells::{BASE, Base, Hive, SEQUENCE, Trouble, place};
pub use walk::{Value, Visit};

/// Largest hive that is copied because it is not a file of its own: hives address 4 GiB.
const MAX_COPY: u64 = 4 << 30;

/// A hive.
pub static FORMAT: Format = Format {
    name: "registry_hive",
    title: "Windows registry hive",
    usual_names: "SOFTWARE, NTUSER.DAT, DEFAULT",
    yields: "every certificate and key of the stores in it, registered providers and smart cards, the machine's facts; CRLs and CTLs are skipped",
    source: "Windows registry file format specification (M. Suhanov); MS-GPEF 2.2.1.1.1",
    sniff: |head| head.bytes.starts_with(cells::MAGIC) && !is_log(head),
    read: Some(read),
    unpack: None,
    border: None,
};

/// A log of a hive: changes that may not stand in the hive yet, and are of no use without it.
pub static LOG: Format = Format {
    name: "registry_log",
    title: "Log of a Windows registry hive",
    usual_names: "*.LOG1, *.LOG2, *.LOG",
    yields: "recognised only; changes that stand in a log alone are not applied to its hive",
    source: "Windows registry file format specification (M. Suhanov)",
    sniff: is_log,
    read: None,
    unpack: None,
    border: None,
};

fn is_log(head: &Head<'_>) -> bool {
    cells::is_log(head.bytes)
}

fn read(mut input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let start = input.window.offset();
    let fail = |code, message: String, sink: &mut dyn Sink| {
        sink.reject(Reject::lost(Lineage::at(start), Stage::Read, code, message));
        Outcome::Failed
    };
    let Some(base) = Base::parse(input.window.fill(BASE as usize)) else {
        return fail(Code::BadStructure, "the source does not begin like a hive".to_owned(), sink);
    };
    let hive = random_access(&mut input, MAX_COPY).and_then(|file| Hive::new(file, base.end));
    match hive {
        Ok(hive) => read_hive(hive, &base, Collector::new(Root::Unknown, input.path), sink),
        Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            fail(Code::TooLarge, "the hive is larger than 4 GiB".to_owned(), sink)
        }
        Err(error) => fail(Code::Io, error.to_string(), sink),
    }
}

fn read_hive<R: Read + Seek>(mut hive: Hive<R>, base: &Base, mut collector: Collector, sink: &mut dyn Sink) -> Outcome {
    let is_clean = say_if_dirty(base, sink);
    let is_all_there = hive.len() >= base.end;
    if !is_all_there {
        let message = format!("{} bytes of the hive are missing at its end", base.end - hive.len());
        sink.reject(Reject::lost(Lineage::at(hive.len()), Stage::Read, Code::Truncated, message));
    }
    let root = match hive.key(base.root) {
        Ok(root) => root,
        Err(Trouble { code, message, .. }) => {
            let message = format!("the root key: {message}");
            sink.reject(Reject::lost(Lineage::at(place(base.root)), Stage::Read, code, message));
            return Outcome::Failed;
        }
    };
    let is_whole = walk::walk(&mut hive, root, &mut |found| {
        match found {
            Ok(Value { key, name, kind, data, offset }) => {
                collector.value(key, name, kind, data, Lineage::at(offset), sink);
            }
            Err(reject) => {
                sink.reject(reject);
                collector.lost(None, sink);
            }
        }
        if sink.stopped() { Break(()) } else { Continue(()) }
    });
    if !sink.stopped() {
        collector.finish(is_all_there && is_whole, sink);
    }
    if is_clean && is_all_there && is_whole { Outcome::Complete } else { Outcome::Incomplete }
}

/// A hive is clean where its last write operation was ended and its base block is that operation's (specification,
/// "Dirty state of a hive"). What is not clean is read as it stands, with a word of doubt.
fn say_if_dirty(base: &Base, sink: &mut dyn Sink) -> bool {
    let (begun, ended) = base.sequence;
    let (field, what) = match base.is_checked {
        true if begun == ended => return true,
        true => ("sequence_numbers", format!("sequence numbers {begun} and {ended} differ")),
        false if begun == ended => ("checksum", "the checksum of its base block is wrong".to_owned()),
        false => ("checksum", format!("its checksum is wrong and sequence numbers {begun} and {ended} differ")),
    };
    let message = format!("the hive was not closed cleanly ({what}): changes that only its logs hold may be missing");
    sink.reject(Reject::degraded(Lineage::at(SEQUENCE), Stage::Read, Code::DirtyHive, field, message));
    false
}

#[cfg(test)]
mod tests;
