//! Where encoded groups line up: certificates are claimed and groups appended strictly in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::Error;
use crate::group::Group;
use crate::group::encode::{Claimed, Encoded, Ready};
use crate::report::Report;
use crate::table::encode::Packer;
use crate::timing::Part;

use super::{Job, Watch};

/// Place of a group in the report: its task, the block of the task where a stream is cut into blocks, and its number there.
pub(super) type Turn = (usize, u32, u32);

/// What ends with a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Only the group: another one follows in the block.
    Group,
    /// A block.
    Block,
    /// The task.
    Task,
}

/// Where encoded groups line up.
pub(super) struct Line<'a> {
    state: Mutex<State>,
    moved: Condvar,
    job: &'a Job<'a>,
    room: usize,
}

struct State {
    /// The place whose certificates are claimed next.
    claim: Turn,
    /// The place that is appended next.
    append: Turn,
    unclaimed: BTreeMap<Turn, (Encoded, End)>,
    ready: BTreeMap<Turn, (Ready, End)>,
    report: Option<Report>,
    error: Option<Error>,
}

impl<'a> Line<'a> {
    pub(super) fn new(job: &'a Job<'a>, report: Report, room: usize) -> Self {
        let state = State {
            claim: (0, 0, 0),
            append: (0, 0, 0),
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

    pub(super) fn has_failed(&self) -> bool {
        self.lock().error.is_some()
    }

    pub(super) fn fail(&self, error: Error) {
        self.lock().error.get_or_insert(error);
        self.job.progress.stop();
        self.moved.notify_all();
    }

    /// Encodes a group and takes it to its place. Blocks only where too many wait for an earlier place, whose
    /// worker never blocks; so somebody always moves.
    pub(super) fn submit(&self, place: Turn, packer: &mut Packer, group: Box<Group>, end: End) {
        // A panic here is no reader's, though a reader may stand above: others wait for this place.
        let _watch = Watch(self);
        if let Err(error) = self.try_submit(place, packer, group, end) {
            self.fail(error);
        }
    }

    fn try_submit(&self, place: Turn, packer: &mut Packer, group: Box<Group>, end: End) -> Result<(), Error> {
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
        state.unclaimed.insert(place, (encoded, end));
        loop {
            if state.error.is_some() {
                return Ok(());
            }
            let place = state.claim;
            let Some((encoded, end)) = state.unclaimed.remove(&place) else { return Ok(()) };
            state.claim = after(place, end);
            let Some(report) = state.report.as_mut() else { return Ok(()) };
            let claimed: Claimed = report.claim(encoded);
            drop(state);
            let (audit, sources) = (self.job.setting.audit, self.job.sources);
            let ready = timing.of(Part::Encode, 0, || self.job.encoders.settle(packer, claimed, audit, sources))?;
            let start = Instant::now();
            state = self.lock();
            timing.add(Part::Wait, start.elapsed(), 0);
            state.ready.insert(place, (ready, end));
            timing.of(Part::Append, 1, || Self::append_ready(&mut state))?;
            self.moved.notify_all();
        }
    }

    fn append_ready(state: &mut State) -> Result<(), Error> {
        while let Some((ready, end)) = state.ready.remove(&state.append) {
            state.append = after(state.append, end);
            if let Some(report) = state.report.as_mut() {
                report.append(ready)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Report, Error> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (state.error, state.report) {
            (Some(error), _) => Err(error),
            (None, Some(report)) if state.ready.is_empty() && state.unclaimed.is_empty() => Ok(report),
            _ => Err(Error::Encode("a row group was left behind".to_owned())),
        }
    }
}

/// The place behind this one, with what ends there.
pub(super) fn after((task, block, number): Turn, end: End) -> Turn {
    match end {
        End::Group => (task, block, number + 1),
        End::Block => (task, block + 1, 0),
        End::Task => (task + 1, 0, 0),
    }
}
