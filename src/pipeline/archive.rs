//! Archives on one worker: each member is sniffed and read like a file, or unpacked in its turn.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::format::archive::{Body, Budget, Entry, Found, Meter, Packed, clip_name};
use crate::format::{self, Border, Format};
use crate::group::row::Origin;
use crate::group::sink::GroupSink;
use crate::group::tally::Status;
use crate::input::Window;
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use crate::walk::{Member, Source};

use super::blocks::Stream;
use super::{Flow, Job, Place, Reading, end_early, read_guarded, status_of};

/// One file that is unpacked, with everything nested in it.
pub(super) struct Archive<'a, 'o> {
    job: &'a Job<'a>,
    file: u32,
    source: &'a Source,
    budget: Budget,
    flow: &'a Flow<'a, 'o>,
}

/// What became of a member.
struct Done {
    format: Option<&'static str>,
    status: Status,
    bytes: Option<u64>,
    sha256: Option<[u8; 32]>,
}

impl Done {
    fn unread(format: Option<&'static str>, status: Status, bytes: Option<u64>) -> Self {
        Done { format, status, bytes, sha256: None }
    }
}

impl<'a, 'o> Archive<'a, 'o> {
    /// A file about to be unpacked.
    pub(super) fn new(job: &'a Job<'a>, file: u32, source: &'a Source, flow: &'a Flow<'a, 'o>) -> Self {
        Archive { job, file, source, budget: Budget::new(job.reading.limits, source), flow }
    }

    /// Unpacks the file, or `inside` it the member of this name that is an archive itself.
    pub(super) fn unpack(
        &self,
        format: &'static Format,
        window: &mut Window<'_>,
        inside: Option<&str>,
        depth: u32,
        reading: &mut Reading,
        sink: &mut GroupSink<'_>,
    ) -> Status {
        sink.set_format(format.name);
        if let Some(reject) = self.budget.refuse_depth(depth) {
            sink.reject(reject);
            return Status::Incomplete;
        }
        let Some(unpack) = format.unpack else { return Status::Unsupported };
        let (file, name) = match inside {
            Some(member) => (None, member),
            None => (Some(self.source.file.as_path()), self.source.path.as_str()),
        };
        let mut each = |found: Found<'_>| {
            let entry = match found {
                Found::Reject(reject) => {
                    sink.reject(reject);
                    return !self.is_over();
                }
                Found::Mark => None,
                Found::Entry(entry) => Some(entry),
            };
            if self.is_over() {
                return false;
            }
            if let Err(reject) = self.budget.count() {
                sink.reject(reject);
                return false;
            }
            if let Some(entry) = entry {
                self.member(entry, inside, depth, reading, sink);
            }
            !self.is_over()
        };
        let packed = Packed { window: &mut *window, file, name };
        let outcome = catch_unwind(AssertUnwindSafe(|| unpack(packed, &mut each)));
        let here = Lineage::at(window.offset());
        let status = status_of(format, outcome, here, sink);
        match window.take_error() {
            Some(error) => status.max(end_early(&error, here, sink)),
            None => status,
        }
    }

    /// Nothing more of this file is read.
    fn is_over(&self) -> bool {
        self.budget.is_spent() || self.job.progress.is_stopped()
    }

    /// Reads one member as a source of its own.
    fn member(
        &self,
        entry: Entry<'_>,
        inside: Option<&str>,
        depth: u32,
        reading: &mut Reading,
        sink: &mut GroupSink<'_>,
    ) {
        let (name, is_cut) = clip_name(entry.name);
        let name = inside.map_or_else(|| name.clone(), |outer| format!("{outer}/{name}"));
        let member = Arc::new(Member { id: self.budget.id(&name), name });
        let path = path_of(self.source, &member);
        let client = self.job.client_from.of_path(&path);
        let origin = Origin {
            number: self.budget.number(self.file),
            source: self.source,
            member: Some(&member),
            format: "unknown",
            client: client.as_ref().map(|(name, basis)| (name.as_str(), *basis)),
        };
        let sink = &mut sink.of_member(origin);
        if is_cut {
            let message = "the name in the archive is longer than what is kept of it";
            let here = Lineage::default();
            sink.reject(Reject::degraded(here, Stage::Read, Code::TooLarge, "source_member", message));
        }
        let done = match entry.body {
            Body::Bytes { read, packed } => {
                let meter = self.budget.meter(read, packed, self.job.hash_sources);
                let stream = Stream { origin, path: &path, flow: self.flow };
                self.read(meter, entry.size, &stream, depth, reading, sink)
            }
            Body::Special => Done::unread(Some("special_file"), Status::Unsupported, None),
            Body::Locked => {
                sink.skip("encrypted");
                Done::unread(None, Status::Locked, entry.size)
            }
            Body::Unsupported(reason) => {
                sink.skip(reason);
                Done::unread(None, Status::Unsupported, entry.size)
            }
            Body::Broken(fault) => {
                sink.reject(fault.into_reject(Lineage::default()));
                Done::unread(None, Status::Failed, entry.size)
            }
        };
        let records = sink.end_member(done.format, done.status, done.bytes, done.sha256);
        self.job.progress.add_records(records);
        self.job.timing.add(crate::timing::Part::Records, std::time::Duration::ZERO, records);
    }

    /// Reads the bytes of a member by what they are.
    fn read(
        &self,
        mut meter: Meter<'_>,
        size: Option<u64>,
        stream: &Stream<'_, '_>,
        depth: u32,
        reading: &mut Reading,
        sink: &mut GroupSink<'_>,
    ) -> Done {
        let mut window = Window::with_buffer(&mut meter, 0, reading.buffer());
        let format = format::sniff_window(&mut window, size);
        // What breaks off before its first byte is not empty, and what breaks off later may be recognised all the same.
        let format = format.filter(|_| !(window.has_failed() && window.available().is_empty()));
        let status = match format {
            None => Status::Unrecognised,
            Some(format) if format.unpack.is_some() => {
                self.unpack(format, &mut window, stream.origin.member_name(), depth + 1, reading, sink)
            }
            Some(format) if format.read.is_some() => {
                let is_long = size.is_none_or(|size| size > super::blocks::length(self.job));
                let status = match format.border {
                    Some(Border::Near(border)) if is_long => {
                        stream.read(self.job, format, border, &mut window, reading, sink)
                    }
                    _ => {
                        let place = Place { path: stream.path, file: None };
                        read_guarded(format, self.job, &mut window, &mut reading.memory, place, sink)
                    }
                };
                if format.name == "empty" { status.max(Status::Empty) } else { status }
            }
            Some(_) => Status::Unsupported,
        };
        let status = match window.take_error() {
            Some(error) => {
                let status = status.max(end_early(&error, Lineage::at(window.offset()), sink));
                if format.is_none() { Status::Failed } else { status }
            }
            None => status,
        };
        reading.keep(window.into_buffer());
        let status = match meter.read_to_end(|| self.job.progress.is_stopped()) {
            Ok(()) => status,
            Err(error) => status.max(end_early(&error, Lineage::at(meter.count()), sink)),
        };
        let bytes = meter.len().or(size);
        Done { format: format.map(|format| format.name), status, bytes, sha256: meter.into_hash() }
    }
}

/// Where a member stands, for readers that know a place when they see it, and for `--client-from`: below its archive.
/// Programs on Windows have written backslashes into archives.
fn path_of(source: &Source, member: &Member) -> String {
    let name = match member.name.contains('\\') {
        true => Cow::from(member.name.replace('\\', "/")),
        false => Cow::from(&member.name),
    };
    format!("{}/{name}", source.path)
}
