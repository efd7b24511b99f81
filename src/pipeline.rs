//! The only file with threads: workers take tasks, build and encode row groups, and append them in order.
//!
//! Order without a sort: a task's number is its place in the report. A worker that finishes early leaves its
//! encoded group with the [`Line`] and takes the next task; at most `threads + 2` groups wait. Two things happen
//! strictly in order, both short: *claiming* (which certificates of this group are new to the scan?) and
//! *appending* to the files. Everything costly happens between them, on any worker.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::classify::Catalogue;
use crate::client::ClientFrom;
use crate::error::Error;
use crate::format::{self, Format, HEAD, Input, Memory, Outcome};
use crate::group::encode::{Claimed, Encoded, Encoders, Ready};
use crate::group::row::Origin;
use crate::group::sink::{GroupSink, Tools};
use crate::group::tally::Status;
use crate::group::{Group, Setting};
use crate::input::Window;
use crate::plan::{self, Plan, Unit};
use crate::progress::Progress;
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use crate::report::Report;
use crate::table::encode::Packer;
use crate::timing::{Part, Timing};
use crate::walk::Source;

/// What every worker needs to know.
pub struct Job<'a> {
    /// The sources, in order.
    pub sources: &'a [Source],
    /// How they are cut.
    pub plan: &'a Plan,
    /// What groups share.
    pub setting: Setting<'a>,
    /// Who the client is where records do not say.
    pub client_from: &'a ClientFrom,
    /// The provider catalogue.
    pub catalogue: &'a Arc<Catalogue>,
    /// Encoders of the tables.
    pub encoders: &'a Encoders,
    /// Hash whole sources.
    pub hash_sources: bool,
    /// What the user asked of readers.
    pub reading: &'a format::Setting,
    /// Counters, and the wish to stop.
    pub progress: &'a Progress,
    /// Where the time goes.
    pub timing: &'a Timing,
}

impl Job<'_> {
    /// Counts and times what is read.
    fn timed<'r>(&'r self, read: impl Read + 'r) -> impl Read + 'r {
        Timed { read: self.progress.watch(read), timing: self.timing }
    }
}

/// Runs phase 1: every source is read once, every row group appended to `report` in order.
pub fn run(job: &Job<'_>, threads: usize, report: Report) -> Result<Report, Error> {
    let line = Line::new(job, report, threads + 2);
    let next = AtomicUsize::new(0);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::Usage(format!("--threads {threads}: {e}")))?;
    pool.broadcast(|_| {
        let _watch = Watch(&line);
        let mut worker = Worker {
            tools: Tools::new(Arc::clone(job.catalogue)),
            reading: Reading { memory: Memory::default(), head: Vec::with_capacity(HEAD + 1), buffer: Vec::new() },
        };
        let mut packer = match job.encoders.packer() {
            Ok(packer) => packer,
            Err(error) => return line.fail(error),
        };
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= job.plan.tasks() || job.progress.is_stopped() || line.has_failed() {
                break;
            }
            work(job, task, &mut worker, &mut packer, &line);
        }
        // A task given up leaves a gap in the line: who waits behind it must not wait for ever.
        if job.progress.is_stopped() {
            line.fail(Error::Interrupted);
        }
    });
    line.finish()
}

/// What a worker keeps from unit to unit, so that a tree of small files costs no fresh memory a file.
struct Worker {
    reading: Reading,
    tools: Tools,
}

/// What readers keep.
struct Reading {
    memory: Memory,
    head: Vec<u8>,
    buffer: Vec<u8>,
}

impl Reading {
    /// Takes a window's buffer back. One that a huge record has blown up is not kept for the next thousand small files.
    fn keep(&mut self, mut buffer: Vec<u8>) {
        buffer.truncate(4 * crate::input::CHUNK);
        buffer.shrink_to(4 * crate::input::CHUNK);
        self.buffer = buffer;
    }
}

/// Tells the line of a worker's panic outside a reader, so that nobody waits for its group; the pool passes the panic
/// on once every worker has ended.
struct Watch<'l, 'a>(&'l Line<'a>);

impl Drop for Watch<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Error::Encode("a worker failed".to_owned()));
        }
    }
}

/// Place of a group in the report: its task and its number inside the task.
type Place = (usize, u32);

/// Does one task: reads its ranges, hands on groups that get full on the way, and the last one.
fn work(job: &Job<'_>, task: usize, worker: &mut Worker, packer: &mut Packer, line: &Line<'_>) {
    let start = Instant::now();
    let (mut number, mut elsewhere) = (0, Duration::ZERO);
    let mut hand_on = |group: Group, last: bool| {
        let start = Instant::now();
        line.submit((task, number), packer, group, last);
        elsewhere += start.elapsed();
        number += 1;
    };
    let mut group = Group::new(job.setting);
    for range in job.plan.ranges(task) {
        if job.progress.is_stopped() || line.has_failed() {
            return;
        }
        group = read_unit(job, &range, group, worker, &mut |full| hand_on(full, false));
    }
    if !job.progress.is_stopped() {
        hand_on(group, true);
    }
    job.timing.add(Part::Records, start.elapsed().saturating_sub(elsewhere), 0);
}

/// Reads one range of one source into `group`. Whatever goes wrong becomes a reject.
fn read_unit(job: &Job<'_>, unit: &Unit, group: Group, worker: &mut Worker, hand_on: &mut dyn FnMut(Group)) -> Group {
    let Worker { tools, reading } = worker;
    let source = &job.sources[unit.source as usize];
    let client = job.client_from.of_path(&source.path);
    let stopped = || job.progress.is_stopped();
    let origin = Origin {
        index: unit.source,
        source,
        format: "unknown",
        client: client.as_ref().map(|(name, basis)| (name.as_str(), *basis)),
    };
    let mut sink = GroupSink::new(group, job.setting, origin, tools, hand_on, &stopped);
    let (mut format, mut status) = (None, Status::Unsupported);
    if let Some((code, message)) = &source.trouble {
        sink.reject(Reject::lost(Lineage::default(), Stage::Walk, *code, message.clone()));
        status = Status::Failed;
    } else if source.special {
        format = Some("special_file");
    } else {
        match open_and_read(job, unit, source, reading, &mut sink) {
            Ok((found, outcome)) => (format, status) = (found, outcome),
            Err(error) => {
                sink.reject(Reject::lost(Lineage::default(), Stage::Read, Code::Io, error.to_string()));
                status = Status::Failed;
            }
        }
    }
    let sha256 = match job.hash_sources && unit.start == 0 && source.trouble.is_none() && !source.special {
        true => hash_file(source),
        false => Ok(None),
    };
    let sha256 = sha256.unwrap_or_else(|error| {
        let why = error.to_string();
        sink.reject(Reject::degraded(Lineage::default(), Stage::Read, Code::Io, "sha256", why));
        None
    });
    let records = sink.end_unit(format, status, sha256);
    job.progress.add_records(records);
    job.timing.add(Part::Records, Duration::ZERO, records);
    sink.group
}

fn open_and_read(
    job: &Job<'_>,
    unit: &Unit,
    source: &Source,
    worker: &mut Reading,
    sink: &mut GroupSink<'_>,
) -> io::Result<(Option<&'static str>, Status)> {
    let mut file = File::open(&source.file)?;
    let whole = unit.start == 0 && unit.end >= source.len;
    if whole {
        // Not limited to the size seen by the walk: a file that has grown since is read to its end. Small files come in
        // great numbers, so the bytes that show the format are read once, into the window.
        let mut window = Window::with_buffer(job.timed(&mut file), 0, std::mem::take(&mut worker.buffer));
        let format = format::sniff_window(&mut window, source.len);
        window.take_error().map_or(Ok(()), Err)?;
        let status = match format {
            Some(format) if format.read.is_some() => {
                Some(read_guarded(format, job, &mut window, &mut worker.memory, source, sink))
            }
            _ => None,
        };
        worker.keep(window.into_buffer());
        return Ok(match format {
            None => (None, Status::Unrecognised),
            Some(format) if format.name == "empty" => (Some(format.name), Status::Empty),
            Some(format) => (Some(format.name), status.unwrap_or(Status::Unsupported)),
        });
    }
    let Some(format) = format::sniff_start(&mut file, source.len, &mut worker.head)? else {
        return Ok((None, Status::Unrecognised));
    };
    let Some(border) = format.border.filter(|_| format.read.is_some()) else {
        return Ok((Some(format.name), Status::Unsupported));
    };
    let status = match plan::real_range(&mut file, job.plan, unit, source.len, border)? {
        Some(range) => {
            let read = plan::read_range(&mut file, &range)?;
            let mut window = Window::with_buffer(job.timed(read), range.start, std::mem::take(&mut worker.buffer));
            let status = read_guarded(format, job, &mut window, &mut worker.memory, source, sink);
            worker.keep(window.into_buffer());
            match file.metadata()?.len() < range.end {
                true => {
                    let message = "the file became shorter while it was read";
                    sink.reject(Reject::lost(Lineage::at(range.end), Stage::Read, Code::Io, message));
                    status.max(Status::Incomplete)
                }
                false => status,
            }
        }
        None => Status::Complete,
    };
    Ok((Some(format.name), status))
}

/// Counts and times what passes through.
struct Timed<'t, R> {
    read: R,
    timing: &'t Timing,
}

impl<R: Read> Read for Timed<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        let n = self.read.read(buf)?;
        self.timing.add(Part::Read, start.elapsed(), n as u64);
        Ok(n)
    }
}

/// Runs a reader; its panic, if any, is this unit's problem alone.
fn read_guarded(
    format: &'static Format,
    job: &Job<'_>,
    window: &mut Window<'_>,
    memory: &mut Memory,
    source: &Source,
    sink: &mut GroupSink<'_>,
) -> Status {
    sink.set_format(format.name);
    let Some(read) = format.read else { return Status::Unsupported };
    let input =
        Input { window: &mut *window, path: &source.path, file: Some(&source.file), setting: job.reading, memory };
    let outcome = catch_unwind(AssertUnwindSafe(|| read(input, sink)));
    let here = Lineage::at(window.offset());
    let error = window.take_error();
    if let Some(error) = error {
        sink.reject(Reject::lost(here, Stage::Read, Code::Io, error.to_string()));
        return Status::Failed;
    }
    match outcome {
        Ok(Outcome::Complete) => Status::Complete,
        Ok(Outcome::Locked) => Status::Locked,
        Ok(Outcome::Incomplete) => Status::Incomplete,
        Ok(Outcome::Failed) => Status::Failed,
        Err(_) => {
            // What the panic says may quote the input, secrets included. Its place is told on standard error.
            let message = format!("the {} reader failed in this place", format.name);
            sink.reject(Reject::lost(here, Stage::Read, Code::Internal, message));
            Status::Failed
        }
    }
}

fn hash_file(source: &Source) -> io::Result<Option<[u8; 32]>> {
    let mut file = File::open(&source.file)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; crate::input::CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(hash.finalize().into())),
            Ok(n) => hash.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Where encoded groups line up.
struct Line<'a> {
    state: Mutex<State>,
    moved: Condvar,
    job: &'a Job<'a>,
    room: usize,
}

struct State {
    /// The place whose certificates are claimed next.
    claim: Place,
    /// The place that is appended next.
    append: Place,
    unclaimed: BTreeMap<Place, (Encoded, bool)>,
    ready: BTreeMap<Place, (Ready, bool)>,
    report: Option<Report>,
    error: Option<Error>,
}

impl<'a> Line<'a> {
    fn new(job: &'a Job<'a>, report: Report, room: usize) -> Self {
        let state = State {
            claim: (0, 0),
            append: (0, 0),
            unclaimed: BTreeMap::new(),
            ready: BTreeMap::new(),
            report: Some(report),
            error: None,
        };
        Line { state: Mutex::new(state), moved: Condvar::new(), job, room }
    }

    /// A poisoned lock is no news: a worker's panic outside a reader is passed on by the pool anyway.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_failed(&self) -> bool {
        self.lock().error.is_some()
    }

    fn fail(&self, error: Error) {
        self.lock().error.get_or_insert(error);
        self.moved.notify_all();
    }

    /// Encodes a group and takes it to its place. Blocks only where too many wait for an earlier place, whose
    /// worker never blocks; so somebody always moves.
    fn submit(&self, place: Place, packer: &mut Packer, group: Group, last: bool) {
        if let Err(error) = self.try_submit(place, packer, group, last) {
            self.fail(error);
        }
    }

    fn try_submit(&self, place: Place, packer: &mut Packer, group: Group, last: bool) -> Result<(), Error> {
        let timing = self.job.timing;
        let hashing = group.certificates.spent.hashing;
        let start = Instant::now();
        let encoded = self.job.encoders.encode(packer, group)?;
        let spent = encoded.spent;
        // The last batch is hashed here, and not among the records, which hashing is subtracted from.
        let late = spent.hashing.saturating_sub(hashing);
        timing.add(Part::Encode, start.elapsed().saturating_sub(late), encoded.rows as u64);
        timing.add(Part::Records, late, 0);
        timing.add(Part::Certificates, spent.parsing, spent.parsed);
        timing.add(Part::Hash, spent.hashing, spent.hashed);
        let start = Instant::now();
        let mut state = self.lock();
        while state.claim != place && state.unclaimed.len() + state.ready.len() >= self.room && state.error.is_none() {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        timing.add(Part::Wait, start.elapsed(), 1);
        state.unclaimed.insert(place, (encoded, last));
        loop {
            if state.error.is_some() {
                return Ok(());
            }
            let place = state.claim;
            let Some((encoded, last)) = state.unclaimed.remove(&place) else { return Ok(()) };
            state.claim = after(place, last);
            let Some(report) = state.report.as_mut() else { return Ok(()) };
            let claimed: Claimed = report.claim(encoded);
            drop(state);
            let (audit, sources) = (self.job.setting.audit, self.job.sources);
            let ready = timing.of(Part::Encode, 0, || self.job.encoders.settle(packer, claimed, audit, sources))?;
            let start = Instant::now();
            state = self.lock();
            timing.add(Part::Wait, start.elapsed(), 0);
            state.ready.insert(place, (ready, last));
            timing.of(Part::Append, 1, || Self::append_ready(&mut state))?;
            self.moved.notify_all();
        }
    }

    fn append_ready(state: &mut State) -> Result<(), Error> {
        while let Some((ready, last)) = state.ready.remove(&state.append) {
            state.append = after(state.append, last);
            if let Some(report) = state.report.as_mut() {
                report.append(ready)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Report, Error> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (state.error, state.report) {
            (Some(error), _) => Err(error),
            (None, Some(report)) if state.ready.is_empty() && state.unclaimed.is_empty() => Ok(report),
            _ => Err(Error::Encode("a row group was left behind".to_owned())),
        }
    }
}

fn after(place: Place, last: bool) -> Place {
    if last { (place.0 + 1, 0) } else { (place.0, place.1 + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Observation;
    use crate::table::Compression;

    fn one_and_a_panic(_: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
        sink.observation(&Observation::default());
        panic!("out of luck");
    }

    /// A first source that is read until told otherwise, and many behind it that fill the line.
    #[cfg(unix)]
    #[test]
    fn who_waits_behind_a_task_that_is_given_up_is_told() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let slow = dir.path().join("slow");
        assert!(std::process::Command::new("mkfifo").arg(&slow).status().is_ok_and(|status| status.success()));
        let file = |n: usize| if n == 0 { slow.clone() } else { "nothing".into() };
        let source = |n| Source {
            id: [b'0'; 16],
            path: format!("{n:02}"),
            file: file(n),
            len: 9,
            trouble: None,
            special: false,
        };
        let sources: Arc<Vec<Source>> = Arc::new((0..20).map(source).collect());
        let (progress, wanted) = (Arc::new(Progress::hidden()), dir.path().join("report"));
        let (stop, (told, ended)) = (Arc::clone(&progress), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            let plan = Plan::with_unit(&sources, 1024);
            let encoders = Arc::new(Encoders::new(Compression::None).expect("encoders"));
            let report = Report::create(&wanted, None, Arc::clone(&sources), Arc::clone(&encoders)).expect("a folder");
            let job = Job {
                sources: &sources,
                plan: &plan,
                setting: Setting { audit: None, max_bytes: 1 << 20, remember: true },
                client_from: &ClientFrom::Record,
                catalogue: &Arc::new(Catalogue::builtin()),
                encoders: &encoders,
                hash_sources: false,
                reading: &format::Setting::default(),
                progress: &progress,
                timing: &Timing::default(),
            };
            told.send(matches!(run(&job, 2, report), Err(Error::Interrupted)))
        });
        // Opening for writing returns once the first worker reads; time enough follows for the second to run full.
        let end = File::options().write(true).open(&slow).expect("the pipe");
        std::thread::sleep(std::time::Duration::from_millis(500));
        stop.stop();
        drop(end);
        assert_eq!(ended.recv_timeout(std::time::Duration::from_secs(30)), Ok(true), "the run ends, interrupted");
    }

    #[test]
    fn a_panicking_reader_is_a_reject_of_its_source_and_the_run_goes_on() {
        let broken: &'static Format =
            Box::leak(Box::new(Format { name: "broken", read: Some(one_and_a_panic), ..*format::FORMATS[0] }));
        let sources: Vec<Source> = ["a", "b"]
            .map(|path| Source {
                id: [path.as_bytes()[0]; 16],
                path: path.to_owned(),
                file: path.into(),
                len: 9,
                trouble: None,
                special: false,
            })
            .to_vec();
        let (plan, encoders) = (Plan::new(&sources), Encoders::new(Compression::None).expect("encoders"));
        let (catalogue, setting) =
            (Arc::new(Catalogue::builtin()), Setting { audit: None, max_bytes: 1 << 20, remember: true });
        let job = Job {
            sources: &sources,
            plan: &plan,
            setting,
            client_from: &ClientFrom::Record,
            catalogue: &catalogue,
            encoders: &encoders,
            hash_sources: false,
            reading: &format::Setting::default(),
            progress: &Progress::hidden(),
            timing: &Timing::default(),
        };
        let mut tools = Tools::new(Arc::clone(&catalogue));
        let mut group = Group::new(setting);
        let healthy: &'static Format = &format::ndjson::FLAT;
        let line = &br#"{"Thumbprint":"00112233445566778899aabbccddeeff00112233"}"#[..];
        for (index, (format, bytes)) in [(broken, &b"anything"[..]), (healthy, line)].into_iter().enumerate() {
            let origin = Origin { index: index as u32, source: &sources[index], format: "unknown", client: None };
            let mut hand_on = |_| panic!("the group is small");
            let mut sink = GroupSink::new(group, setting, origin, &mut tools, &mut hand_on, &|| false);
            let mut window = Window::new(bytes, 0);
            let memory = &mut Memory::default();
            let status = read_guarded(format, &job, &mut window, memory, &sources[index], &mut sink);
            sink.end_unit(Some(format.name), status, None);
            group = sink.group;
        }
        let told: Vec<_> = group.sources.iter().map(|(_, t)| (t.status, t.records, t.yielded, t.rejects)).collect();
        assert_eq!(told, [(Status::Failed, 2, 1, 1), (Status::Complete, 1, 1, 0)]);
        let [reject] = &group.rejects[..] else { panic!("{} rejects", group.rejects.len()) };
        assert_eq!((reject.source, reject.reject.code), (0, Code::Internal));
        assert!(reject.reject.message.contains("reader failed"), "{}", reject.reject.message);
        assert!(!reject.reject.message.contains("out of luck"), "a panic may quote the input");
        let mut packer = encoders.packer().expect("a packer");
        let encoded = encoders.encode(&mut packer, group).expect("whole rows");
        let ready = encoders.settle(&mut packer, encoded.claim(|_| true), None, &sources).expect("whole rows");
        assert_eq!((ready.observations.rows, ready.rejects.rows), (1, 1));
    }
}
