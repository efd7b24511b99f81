//! Streams that one worker unpacks while others read: cut at record borders into blocks, which any worker takes.
//!
//! Where a stream is cut follows from its bytes alone, so the report does not depend on who reads a block. A worker that
//! unpacks never waits: where enough blocks lie ready it reads one itself, the earliest of all; and before it goes on
//! behind its stream, it reads what nobody has taken. So whoever waits in the [`Line`] for an earlier place waits for
//! somebody who moves.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::client::Basis;
use crate::format::{Format, Near};
use crate::group::Group;
use crate::group::row::Origin;
use crate::group::sink::{GroupSink, Tools};
use crate::group::tally::Status;
use crate::input::Window;
use crate::table::encode::Packer;
use crate::timing::Part;
use crate::walk::{Member, SourceNumber};

use super::{End, Flow, Job, Line, Place, Reading, Turn, after, read_guarded};

/// Length of a block, in bytes, before it goes on to the next border: two units. Blocks of one unit make row groups so
/// small that encoding them costs a tenth of the whole.
pub(super) fn length(job: &Job<'_>) -> u64 {
    2 * job.plan.step()
}

/// Fewest and most bytes searched for a border behind a block, before more is unpacked.
const SEARCH: std::ops::RangeInclusive<usize> = 64 * 1024..=512 * 1024;
/// How many times its usual length a block may become where borders are rare; then the rest of the stream is read by
/// the worker that unpacks it.
const MOST: usize = 8;

/// A part of a stream, whole records of one member.
pub(super) struct Block {
    turn: Turn,
    bytes: Vec<u8>,
    /// Where in the member it begins.
    offset: u64,
    format: &'static Format,
    number: SourceNumber,
    member: Option<std::sync::Arc<Member>>,
    path: String,
    client: Option<(String, Basis)>,
}

/// Blocks that lie ready, and whether more may come.
pub(super) struct Blocks {
    state: Mutex<State>,
    moved: Condvar,
    /// How many may lie ready; none where no other worker could take them.
    room: usize,
}

#[derive(Default)]
struct State {
    ready: BTreeMap<Turn, Block>,
    /// Workers that may still make some.
    running: usize,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
    /// Most bytes that a block takes where borders are near.
    usual: usize,
}

/// A worker that may make blocks.
pub(super) struct Running<'b>(&'b Blocks);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.moved.notify_all();
    }
}

impl Blocks {
    /// None yet, for so many workers.
    pub(super) fn new(threads: usize, job: &Job<'_>) -> Self {
        let room = if threads > 1 { threads + 1 } else { 0 };
        let usual = usize::try_from(length(job)).unwrap_or(usize::MAX / 4).saturating_add(*SEARCH.end());
        Blocks { state: Mutex::new(State { usual, ..State::default() }), moved: Condvar::new(), room }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker is about to take a task.
    pub(super) fn begin(&self) -> Running<'_> {
        self.lock().running += 1;
        Running(self)
    }

    /// The earliest block that lies ready.
    pub(super) fn take(&self) -> Option<Block> {
        self.lock().ready.pop_first().map(|(_, block)| block)
    }

    /// The earliest block, once there is one; `None` once no worker can make one any more.
    pub(super) fn wait(&self) -> Option<Block> {
        let mut state = self.lock();
        loop {
            if let Some((_, block)) = state.ready.pop_first() {
                return Some(block);
            }
            if state.running == 0 {
                return None;
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Leaves a block for others. Where too many lie ready it gives back the earliest of all.
    fn offer(&self, block: Block) -> Option<Block> {
        let mut state = self.lock();
        state.ready.insert(block.turn, block);
        if state.ready.len() > self.room {
            return state.ready.pop_first().map(|(_, block)| block);
        }
        drop(state);
        self.moved.notify_one();
        None
    }

    /// A block of this task that nobody has taken.
    fn take_back(&self, task: usize) -> Option<Block> {
        let mut state = self.lock();
        let turn = *state.ready.range((task, 0, 0)..(task + 1, 0, 0)).next()?.0;
        state.ready.remove(&turn)
    }

    /// A buffer for a block.
    fn buffer(&self) -> Vec<u8> {
        self.lock().spare.pop().unwrap_or_default()
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        let mut state = self.lock();
        // One with room for a block that found no border for long is no reason to keep that room.
        if state.spare.len() <= self.room && buffer.capacity() <= 2 * state.usual {
            buffer.clear();
            state.spare.push(buffer);
        }
    }
}

/// Reads a block into groups of its own and submits them. Returns the time that submitting took.
pub(super) fn read_block(
    job: &Job<'_>,
    block: Block,
    (tools, reading): (&mut Tools, &mut Reading),
    packer: &mut Packer,
    line: &Line<'_>,
    blocks: &Blocks,
) -> Duration {
    let start = Instant::now();
    let (mut turn, mut elsewhere) = (block.turn, Duration::ZERO);
    let mut submit = |group: Box<Group>, end: End| {
        let start = Instant::now();
        line.submit(turn, packer, group, end);
        turn = after(turn, end);
        elsewhere += start.elapsed();
    };
    let origin = Origin {
        number: block.number,
        source: &job.sources[block.number.file as usize],
        member: block.member.as_ref(),
        format: block.format.name,
        client: block.client.as_ref().map(|(name, basis)| (name.as_str(), *basis)),
    };
    let mut group = Group::new(job.setting);
    let mut hand_on = |full| submit(full, End::Group);
    let stopped = || job.progress.is_stopped();
    let mut sink = GroupSink::new(&mut group, job.setting, origin, tools, &mut hand_on, &stopped);
    let mut window = Window::whole(block.bytes, block.offset);
    let place = Place { path: &block.path, file: None };
    let status = read_guarded(block.format, job, &mut window, &mut reading.memory, place, &mut sink);
    blocks.give_back(window.into_buffer());
    let records = sink.end_unit(Some(block.format.name), status, None);
    job.progress.add_records(records);
    if !job.progress.is_stopped() {
        submit(group, End::Block);
    }
    job.timing.add(Part::Records, start.elapsed().saturating_sub(elsewhere), records);
    elsewhere
}

/// A member whose records may be read by several workers.
pub(super) struct Stream<'s, 'o> {
    /// Where its rows come from.
    pub origin: Origin<'s>,
    /// Its place, for readers.
    pub path: &'s str,
    /// Where groups and blocks go.
    pub flow: &'s Flow<'s, 'o>,
}

impl Stream<'_, '_> {
    /// Reads the member: at once if it is short, else block by block. Its last block is read into the sink's own group, which
    /// then is the first one behind the blocks.
    pub(super) fn read(
        &self,
        job: &Job<'_>,
        format: &'static Format,
        border: Near,
        window: &mut Window<'_>,
        reading: &mut Reading,
        sink: &mut GroupSink<'_>,
    ) -> Status {
        let Flow { line, blocks, outlet } = *self.flow;
        let (mut bytes, mut offset, mut is_cut) = (blocks.buffer(), window.offset(), false);
        while !job.progress.is_stopped() {
            let Some(cut) = next_cut(&mut bytes, offset, length(job), border, window) else { break };
            if !is_cut {
                // What came before in this task goes before the blocks.
                let before = std::mem::replace(sink.group_mut(), Group::new(job.setting));
                outlet.borrow_mut().submit(before, End::Block);
                is_cut = true;
            }
            let mut rest = blocks.buffer();
            rest.extend_from_slice(&bytes[cut..]);
            bytes.truncate(cut);
            let block = Block {
                turn: outlet.borrow().turn,
                bytes: std::mem::replace(&mut bytes, rest),
                offset,
                format,
                number: self.origin.number,
                member: self.origin.member.cloned(),
                path: self.path.to_owned(),
                client: self.origin.client.map(|(name, basis)| (name.to_owned(), basis)),
            };
            offset += cut as u64;
            let mut outlet = outlet.borrow_mut();
            outlet.turn = after(outlet.turn, End::Block);
            if let Some(block) = blocks.offer(block) {
                let worker = (sink.tools(), &mut *reading);
                let elsewhere = read_block(job, block, worker, outlet.packer, line, blocks);
                outlet.elsewhere += elsewhere;
            }
        }
        let mut outlet = outlet.borrow_mut();
        while let Some(block) = blocks.take_back(outlet.turn.0) {
            let worker = (sink.tools(), &mut *reading);
            let elsewhere = read_block(job, block, worker, outlet.packer, line, blocks);
            outlet.elsewhere += elsewhere;
        }
        drop(outlet);
        let mut last = Window::with_buffer((&bytes[..]).chain(Rest(window)), offset, reading.buffer());
        let place = Place { path: self.path, file: None };
        let status = read_guarded(format, job, &mut last, &mut reading.memory, place, sink);
        reading.keep(last.into_buffer());
        blocks.give_back(bytes);
        status
    }
}

/// Unpacks the next block into `bytes` and a little more; where it ends, or `None` where it is the last one.
fn next_cut(bytes: &mut Vec<u8>, offset: u64, step: u64, border: Near, window: &mut Window<'_>) -> Option<usize> {
    let step = usize::try_from(step).ok()?;
    let most = step.checked_mul(MOST)?;
    let mut ahead = step.clamp(*SEARCH.start(), *SEARCH.end());
    loop {
        if !window.move_to(bytes, step + ahead) {
            return None;
        }
        let nominal = bytes.get(step..)?;
        if let Some(at) = border(&mut Window::new(nominal, offset + step as u64)) {
            return usize::try_from(at.checked_sub(offset)?).ok();
        }
        if step + ahead >= most {
            return None;
        }
        ahead *= 2;
    }
}

/// What is left of a window.
struct Rest<'w, 'r>(&'w mut Window<'r>);

impl Read for Rest<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.fill(1).read(buf)?;
        self.0.consume(n);
        match n == 0 && !buf.is_empty() {
            true => self.0.take_error().map_or(Ok(0), Err),
            false => Ok(n),
        }
    }
}
