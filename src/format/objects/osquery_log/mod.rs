//! The result log of osquery, replayed: what holds at its end.
//!
//! A scheduled query writes what changed since it ran last, so a log is read as a whole, by one worker, and twice: the first
//! pass finds which rows stand at the end ([`replay`]), the second pushes them in their order. What does not stand is a
//! skip: `osquery_taken_back` by a removed row, `osquery_superseded` by a whole new set, `osquery_repeated` where an equal
//! row was added later. A result line that names no host or no query belongs to no sequence and is read by itself, and so
//! are objects of other kinds, lists, and objects that wrap lists.
//!
//! A line that cannot be read is a reject. Whether it added or removed a row nobody knows; the log is replayed without it.
//! Each file is replayed by itself, for nothing in a log says which one it continues.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::json::{closed, parse};
use super::kinds::osquery::{begins_result, is_result, read_standing};
use super::lines::{self, Found};
use super::visit::Place;
use super::{Carrier, Object, Value};
use crate::format::archive::Fault;
use crate::format::{Format, Head, Input, Outcome, Setting, ndjson};
use crate::input::Window;
use crate::record::{Code, Lineage, Sink};
use crate::spool;
use replay::Replay;

mod replay;
#[cfg(test)]
mod tests;

/// A log of results, one a line.
pub static FORMAT: Format = Format {
    name: "osquery_log",
    title: "result log of osquery",
    usual_names: "osqueryd.results.log, osqueryd.snapshots.log",
    yields: "certificates by their hashes that are there at the end of the log, with their stores; what was taken back or superseded, and other tables, are skips",
    source: "osquery documentation, logging",
    sniff,
    read: Some(read),
    unpack: None,
    border: None,
};

/// The first line that is not blank is one of the log; of one that is cut by the end of the head, what can be seen.
pub(super) fn sniff(head: &Head<'_>) -> bool {
    lines::first(head).is_some_and(|(line, complete)| begins_log(&line, complete)) && !(ndjson::CENSUS.sniff)(head)
}

fn begins_log(line: &str, complete: bool) -> bool {
    let is_log = |text: &str, test: &dyn Fn(&Object<'_>) -> bool| {
        parse(text).is_ok_and(|value| value.object().is_some_and(test))
    };
    match complete {
        true => is_log(line, &is_result),
        false => is_log(&closed(line), &|object| is_result(object) || begins_result(object)),
    }
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let Input { window, path, file, setting, .. } = input;
    let (file, fault) = match spool::file_of(window, file, u64::MAX) {
        Ok((file, error)) => (file, error.as_ref().map(Fault::of)),
        Err(error) => {
            sink.reject(Fault::of(&error).into_reject(Lineage::default()));
            return Outcome::Failed;
        }
    };
    let place = Place { carrier: Carrier::JsonLines, path, setting, is_wide: false };
    let (mut log, mut replay) = (Log { file, setting, len: u64::MAX, fault }, Replay::default());
    log.pass(|offset, line| {
        if let Ok((Value::Object(object), _)) = &line
            && is_result(object)
        {
            replay.line(object, offset, sink);
        }
        !sink.stopped()
    });
    if sink.stopped() {
        return Outcome::Incomplete;
    }
    let mut standing = replay.end();
    log.pass(|offset, line| {
        match line {
            Ok((Value::Object(object), guessed)) if is_result(&object) && replay::is_of_sequence(&object) => {
                place.visit_by(offset, guessed, sink, |visit| {
                    read_standing(&object, visit, |part| standing.take(replay::Place { offset, part }));
                });
            }
            Ok((value, guessed)) => place.visit(&value, offset, guessed, sink),
            Err(reject) => sink.reject(reject),
        }
        !sink.stopped()
    });
    if sink.stopped() {
        return Outcome::Incomplete;
    }
    if standing.missed() > 0 && log.fault.is_none() {
        log.fault = Some(Fault::new(Code::Io, "the file changed while it was read"));
    }
    match log.fault {
        None => Outcome::Complete,
        Some(fault) => {
            let outcome = if fault.is_of_archive() { Outcome::Incomplete } else { Outcome::Failed };
            sink.reject(fault.into_reject(Lineage::at(log.len)));
            outcome
        }
    }
}

/// The file of a log.
struct Log<'s> {
    file: File,
    setting: &'s Setting,
    /// Where it ends: where the first pass saw it end, though more may have been written since.
    len: u64,
    /// Why it ends early.
    fault: Option<Fault>,
}

impl Log<'_> {
    /// Hands out its lines from the first one on, as long as `take` asks for more.
    fn pass(&mut self, take: impl FnMut(u64, Found<'_>) -> bool) {
        let start = (&self.file).seek(SeekFrom::Start(0));
        let mut window = Window::new((&self.file).take(self.len), 0);
        let error = match start {
            Ok(_) => {
                lines::each(&mut window, self.setting, take);
                window.take_error()
            }
            Err(error) => Some(error),
        };
        self.len = self.len.min(window.offset());
        self.fault = self.fault.take().or_else(|| error.as_ref().map(Fault::of));
    }
}
