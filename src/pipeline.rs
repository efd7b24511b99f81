//! The only file with threads: workers take tasks, build and encode row groups, and append them in order.
//!
//! Order without a sort: a task's number is its place in the report, and inside it the number of a block where a stream
//! is cut into blocks ([`blocks`]). A worker that finishes early leaves its encoded group with the [`Line`] and takes the
//! next task; at most `threads + 2` groups wait. Two things happen strictly in order, both short: *claiming* (which
//! certificates of this group are new to the scan?) and *appending* to the files. Everything costly happens between
//! them, on any worker.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};
use sha2::{Digest, Sha256};

use crate::classify::Catalogue;
use crate::client::ClientFrom;
use crate::error::Error;
use crate::format::archive::Fault;
use crate::format::{self, Format, HEAD, Input, Memory, Outcome};
use crate::group::encode::Encoders;
use crate::group::row::Origin;
use crate::group::sink::{GroupSink, Tools};
use crate::group::tally::Status;
use crate::group::{Group, Setting};
use crate::input::Window;
use crate::open::{Opener, Whole};
use crate::plan::{self, Plan, Unit};
use crate::progress::Progress;
use crate::record::{Code, Lineage, Reject, Sink, Stage};
use crate::report::Report;
use crate::table::encode::Packer;
use crate::timing::{Part, Timing};
use crate::walk::{Source, SourceNumber};

mod archive;
mod blocks;
mod line;

use archive::Archive;
use blocks::{Blocks, read_block};
use line::{End, Line, Turn, after};

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

/// The threads of a scan, at least one.
pub fn pool(threads: usize) -> Result<ThreadPool, Error> {
    let pool = ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    pool.map_err(|e| Error::Usage(format!("--threads {threads}: {e}")))
}

/// Runs phase 1: every source is read once, every row group appended to `report` in order.
pub fn run(job: &Job<'_>, pool: &ThreadPool, report: Report) -> Result<Report, Error> {
    let threads = pool.current_num_threads();
    let line = Line::new(job, report, threads + 2);
    let (next, blocks) = (AtomicUsize::new(0), Blocks::new(threads, job));
    pool.broadcast(|_| {
        let _watch = Watch(&line);
        let mut worker = Worker {
            tools: Tools::new(Arc::clone(job.catalogue)),
            reading: Reading {
                opener: Opener::default(),
                memory: Memory::default(),
                head: Vec::with_capacity(HEAD + 1),
                buffers: Vec::new(),
            },
        };
        let mut packer = match job.encoders.packer() {
            Ok(packer) => packer,
            Err(error) => return line.fail(error),
        };
        loop {
            if job.progress.is_stopped() || line.has_failed() {
                break;
            }
            // Parts of a stream come before new tasks: their place in the report does, and their memory is wanted.
            if let Some(block) = blocks.take() {
                read_block(job, block, (&mut worker.tools, &mut worker.reading), &mut packer, &line, &blocks);
                continue;
            }
            let running = blocks.begin();
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task < job.plan.tasks() {
                work(job, task, &mut worker, &mut packer, &line, &blocks);
                continue;
            }
            drop(running);
            match blocks.wait() {
                Some(block) => {
                    read_block(job, block, (&mut worker.tools, &mut worker.reading), &mut packer, &line, &blocks);
                }
                None => break,
            }
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
    opener: Opener,
    memory: Memory,
    head: Vec<u8>,
    /// Buffers of windows: one, and one more for every archive in an archive.
    buffers: Vec<Vec<u8>>,
}

impl Reading {
    /// A buffer for a window.
    fn buffer(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    /// Takes a window's buffer back. One that a huge record has blown up is not kept for the next thousand small files.
    fn keep(&mut self, mut buffer: Vec<u8>) {
        // Each window begins like the first one: how a damaged stream falls into pieces, and so what is lost of it, must not
        // depend on what this worker has read before.
        buffer.truncate(crate::input::CHUNK);
        buffer.shrink_to(crate::input::CHUNK);
        self.buffers.push(buffer);
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

/// Where the groups of one task go.
struct Outlet<'o> {
    line: &'o Line<'o>,
    packer: &'o mut Packer,
    turn: Turn,
    /// Time spent there, and not with records.
    elsewhere: Duration,
}

impl Outlet<'_> {
    fn submit(&mut self, group: Box<Group>, end: End) {
        let start = Instant::now();
        self.line.submit(self.turn, self.packer, group, end);
        self.turn = after(self.turn, end);
        self.elsewhere += start.elapsed();
    }
}

/// The way of a task's groups into the report, and of its blocks to other workers.
#[derive(Clone, Copy)]
struct Flow<'f, 'o> {
    line: &'f Line<'f>,
    blocks: &'f Blocks,
    outlet: &'f RefCell<Outlet<'o>>,
}

/// Where a reader finds a source.
#[derive(Clone, Copy)]
struct Place<'p> {
    path: &'p str,
    file: Option<&'p Path>,
}

/// Does one task: reads its ranges, hands on groups that get full on the way, and the last one.
fn work(job: &Job<'_>, task: usize, worker: &mut Worker, packer: &mut Packer, line: &Line<'_>, blocks: &Blocks) {
    let start = Instant::now();
    let outlet = RefCell::new(Outlet { line, packer, turn: (task, 0, 0), elsewhere: Duration::ZERO });
    let flow = Flow { line, blocks, outlet: &outlet };
    let mut group = Group::new(job.setting);
    for range in job.plan.ranges(task) {
        if job.progress.is_stopped() || line.has_failed() {
            return;
        }
        group = read_unit(job, &range, group, worker, &flow);
    }
    if !job.progress.is_stopped() {
        outlet.borrow_mut().submit(group, End::Task);
    }
    let elsewhere = outlet.borrow().elsewhere;
    job.timing.add(Part::Records, start.elapsed().saturating_sub(elsewhere), 0);
}

/// Reads one range of one source into `group`. Whatever goes wrong becomes a reject.
fn read_unit(
    job: &Job<'_>,
    unit: &Unit,
    mut group: Box<Group>,
    worker: &mut Worker,
    flow: &Flow<'_, '_>,
) -> Box<Group> {
    let hand_on = &mut |full| flow.outlet.borrow_mut().submit(full, End::Group);
    let Worker { tools, reading } = worker;
    let source = &job.sources[unit.source as usize];
    let client = job.client_from.of_path(&source.path);
    let stopped = || job.progress.is_stopped();
    let origin = Origin {
        number: SourceNumber::file(unit.source),
        source,
        member: None,
        format: "unknown",
        client: client.as_ref().map(|(name, basis)| (name.as_str(), *basis)),
    };
    let mut sink = GroupSink::new(&mut group, job.setting, origin, tools, hand_on, &stopped);
    let (mut format, mut status) = (None, Status::Unsupported);
    if let Some((code, message)) = &source.trouble {
        sink.reject(Reject::lost(Lineage::default(), Stage::Walk, *code, message.clone()));
        status = Status::Failed;
    } else if source.special {
        format = Some("special_file");
    } else {
        match open_and_read(job, unit, source, reading, flow, &mut sink) {
            Ok((found, outcome)) => (format, status) = (found, outcome),
            Err(error) => {
                sink.reject(Reject::lost(Lineage::default(), Stage::Read, Code::Io, error.to_string()));
                status = Status::Failed;
            }
        }
    }
    let sha256 = match job.hash_sources && unit.start == 0 && source.trouble.is_none() && !source.special {
        true => hash_file(source, job.progress),
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
    group
}

fn open_and_read(
    job: &Job<'_>,
    unit: &Unit,
    source: &Source,
    worker: &mut Reading,
    flow: &Flow<'_, '_>,
    sink: &mut GroupSink<'_>,
) -> io::Result<(Option<&'static str>, Status)> {
    let mut file = worker.opener.open(&source.file)?;
    let whole = unit.start == 0 && unit.end >= source.len;
    if whole {
        // Not limited to the size seen by the walk: a file that has grown since is read to its end. Small files come in
        // great numbers, so the bytes that show the format are read once, into the window.
        let mut window = Window::with_buffer(job.timed(Whole::new(&mut file, source.len)), 0, worker.buffer());
        let format = format::sniff_window(&mut window, Some(source.len));
        window.take_error().map_or(Ok(()), Err)?;
        let status = match format {
            Some(format) if format.read.is_some() => {
                let place = Place { path: &source.path, file: Some(&source.file) };
                Some(read_guarded(format, job, &mut window, &mut worker.memory, place, sink))
            }
            Some(format) if format.unpack.is_some() => {
                let archive = Archive::new(job, unit.source, source, flow);
                Some(archive.unpack(format, &mut window, None, 1, worker, sink))
            }
            _ => None,
        };
        worker.keep(window.into_buffer());
        if format.is_some_and(|format| format.unpack.is_some()) {
            // What an unpacker reads from all over the file does not come by here.
            let read = file.stream_position().unwrap_or(source.len);
            job.progress.add_bytes(source.len.saturating_sub(read));
        }
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
            let mut window = Window::with_buffer(job.timed(read), range.start, worker.buffer());
            window.set_goes_on(range.end < source.len);
            let place = Place { path: &source.path, file: Some(&source.file) };
            let status = read_guarded(format, job, &mut window, &mut worker.memory, place, sink);
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
    place: Place<'_>,
    sink: &mut GroupSink<'_>,
) -> Status {
    sink.set_format(format.name);
    let Some(read) = format.read else { return Status::Unsupported };
    let input = Input { window: &mut *window, path: place.path, file: place.file, setting: job.reading, memory };
    let outcome = catch_unwind(AssertUnwindSafe(|| read(input, sink)));
    let here = Lineage::at(window.offset());
    let error = window.take_error();
    let status = status_of(format, outcome, here, sink);
    match error {
        Some(error) => status.max(end_early(&error, here, sink)),
        None => status,
    }
}

/// How reading or unpacking ended, a panic too.
fn status_of(
    format: &Format,
    outcome: std::thread::Result<Outcome>,
    here: Lineage,
    sink: &mut GroupSink<'_>,
) -> Status {
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

/// The bytes of a source end early: what an archive is to blame for leaves it incomplete.
fn end_early(error: &io::Error, here: Lineage, sink: &mut GroupSink<'_>) -> Status {
    let fault = Fault::of(error);
    let status = if fault.is_of_archive() { Status::Incomplete } else { Status::Failed };
    sink.reject(fault.into_reject(here));
    status
}

fn hash_file(source: &Source, progress: &Progress) -> io::Result<Option<[u8; 32]>> {
    let mut file = File::open(&source.file)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; crate::input::CHUNK];
    loop {
        if progress.is_stopped() {
            return Ok(None);
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(hash.finalize().into())),
            Ok(n) => hash.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
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
            let report =
                Report::create(&wanted, None, Arc::clone(&sources), Arc::clone(&encoders), 1 << 20).expect("a folder");
            let job = Job {
                sources: &sources,
                plan: &plan,
                setting: Setting { audit: None, max_bytes: 1 << 20, remember: true, attests: false },
                client_from: &ClientFrom::Record,
                catalogue: &Arc::new(Catalogue::builtin()),
                encoders: &encoders,
                hash_sources: false,
                reading: &format::Setting::default(),
                progress: &progress,
                timing: &Timing::default(),
            };
            told.send(matches!(run(&job, &pool(2).expect("threads"), report), Err(Error::Interrupted)))
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
        let (catalogue, setting) = (
            Arc::new(Catalogue::builtin()),
            Setting { audit: None, max_bytes: 1 << 20, remember: true, attests: false },
        );
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
            let number = SourceNumber::file(index as u32);
            let origin = Origin { number, source: &sources[index], member: None, format: "unknown", client: None };
            let mut hand_on = |_| panic!("the group is small");
            let mut sink = GroupSink::new(&mut group, setting, origin, &mut tools, &mut hand_on, &|| false);
            let mut window = Window::new(bytes, 0);
            let memory = &mut Memory::default();
            let place = Place { path: &sources[index].path, file: None };
            let status = read_guarded(format, &job, &mut window, memory, place, &mut sink);
            sink.end_unit(Some(format.name), status, None);
        }
        let told: Vec<_> = group.sources.iter().map(|(_, t)| (t.status, t.records, t.yielded, t.rejects)).collect();
        assert_eq!(told, [(Status::Failed, 2, 1, 1), (Status::Complete, 1, 1, 0)]);
        let [reject] = &group.rejects[..] else { panic!("{} rejects", group.rejects.len()) };
        assert_eq!((reject.source, reject.reject.code), (SourceNumber::file(0), Code::Internal));
        assert!(reject.reject.message.contains("reader failed"), "{}", reject.reject.message);
        assert!(!reject.reject.message.contains("out of luck"), "a panic may quote the input");
        let mut packer = encoders.packer().expect("a packer");
        let encoded = encoders.encode(&mut packer, group).expect("whole rows");
        let ready = encoders.settle(&mut packer, encoded.claim(|_| true), None, &sources).expect("whole rows");
        assert_eq!((ready.observations.rows, ready.rejects.rows), (1, 1));
    }
}
