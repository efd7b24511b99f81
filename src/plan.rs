//! Sources to units to tasks: how the work is cut, as a function of the input alone.
//!
//! A unit is a byte range of a source that one worker reads on its own. A task is a run of consecutive units that
//! becomes one row group (about 32 Ki rows), or more where a unit turns out to be larger than it looked. Neither
//! depends on the number of threads, so neither do the bytes of the report.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::format::{Border, Format};
use crate::input::Window;
use crate::walk::{Source, sniff_file};

/// Nominal length of a unit inside a large file.
pub const UNIT_BYTES: u64 = 8 * 1024 * 1024;
/// Rows a task aims at, by size: 32 Ki rows a group cost least (fewer lose to the dictionaries, more leave the cache).
const TASK_ROWS: u64 = 32 * 1024;
/// Fewest rows of a task in small scans, which are cut finer so that every worker has something to do.
const MIN_TASK_ROWS: u64 = 2 * 1024;
/// Tasks a small scan is cut into.
const FEW_TASKS: u64 = 16;
/// Bytes a row usually takes in an export.
const BYTES_PER_ROW: u64 = 2048;

/// A nominal byte range of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Index of the source.
    pub source: u32,
    /// Nominal first byte.
    pub start: u64,
    /// Nominal end; the end of the source for its last unit.
    pub end: u64,
}

/// The work of a scan.
#[derive(Debug, Default)]
pub struct Plan {
    /// Nominal length of a unit inside a large file.
    pub unit_bytes: u64,
    units: Vec<Unit>,
    tasks: Vec<Range<u32>>,
}

impl Plan {
    /// Cuts the sources. Only files longer than two units are opened here, to learn whether they may be split.
    pub fn new(sources: &[Source]) -> Self {
        Self::with_unit(sources, UNIT_BYTES)
    }

    /// Like [`Plan::new`] with another unit length, for tests.
    pub fn with_unit(sources: &[Source], unit: u64) -> Self {
        let mut units = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter().enumerate() {
            let index = index as u32;
            let cut = source.len > 2 * unit && source.trouble.is_none() && !source.special && splits(source);
            let mut start = 0;
            while cut && source.len - start > unit + unit / 2 {
                units.push(Unit { source: index, start, end: start + unit });
                start += unit;
            }
            units.push(Unit { source: index, start, end: source.len });
        }
        let rows = |u: &Unit| (u.end - u.start) / BYTES_PER_ROW + 1;
        let all: u64 = units.iter().map(rows).sum();
        let target = (all / FEW_TASKS).clamp(MIN_TASK_ROWS, TASK_ROWS);
        let mut tasks = Vec::new();
        let (mut first, mut sum) = (0, 0);
        for (i, unit) in units.iter().enumerate() {
            sum += rows(unit);
            if sum >= target {
                tasks.push(first..i as u32 + 1);
                (first, sum) = (i as u32 + 1, 0);
            }
        }
        if first < units.len() as u32 {
            tasks.push(first..units.len() as u32);
        }
        Plan { unit_bytes: unit, units, tasks }
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// The ranges of one task: neighbouring units of one source as one range.
    pub fn ranges(&self, task: usize) -> Vec<Unit> {
        let mut ranges: Vec<Unit> = Vec::new();
        let Some(task) = self.tasks.get(task) else { return ranges };
        for unit in &self.units[task.start as usize..task.end as usize] {
            match ranges.last_mut() {
                Some(last) if last.source == unit.source => last.end = unit.end,
                _ => ranges.push(*unit),
            }
        }
        ranges
    }
}

fn splits(source: &Source) -> bool {
    matches!(sniff_file(&source.file, source.len), Ok(Some(Format { border: Some(_), .. })))
}

/// How far past its nominal unit a border is looked for: the line that straddles the end must be whole.
const OVERHANG: u64 = 1024 * 1024;

/// The real range of a nominal one, cut at record (census: run) borders; `None` where no record begins in it.
///
/// A border belongs to the nominal unit of `step` bytes in which it is found. Both neighbours ask the same question
/// of the same bytes, so units fit together without a word between workers; and each nominal unit is searched at
/// most once for its own start and once for the end of what precedes it, however long a run may be.
pub fn real_range(file: &mut File, unit: &Unit, step: u64, len: u64, border: Border) -> io::Result<Option<Range<u64>>> {
    let start = match unit.start {
        0 => Some(0),
        from => first_border(file, from, unit.end, step, border)?,
    };
    let Some(start) = start else { return Ok(None) };
    let end = if unit.end >= len { None } else { first_border(file, unit.end, len, step, border)? };
    Ok(Some(start..end.unwrap_or(len)))
}

/// The first border in the nominal units from `from` to `to`.
fn first_border(file: &mut File, from: u64, to: u64, step: u64, border: Border) -> io::Result<Option<u64>> {
    let mut nominal = from;
    while nominal < to {
        file.seek(SeekFrom::Start(nominal))?;
        let mut window = Window::new(Read::take(&mut *file, step + OVERHANG), nominal);
        let found = border(&mut window).filter(|at| *at < nominal + step);
        if let Some(error) = window.take_error() {
            return Err(error);
        }
        if found.is_some() {
            return Ok(found);
        }
        nominal += step;
    }
    Ok(None)
}

/// A file from `range.start`, ending at `range.end`.
pub fn read_range(file: &mut File, range: &Range<u64>) -> io::Result<impl Read> {
    file.seek(SeekFrom::Start(range.start))?;
    Ok(file.take(range.end - range.start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(n: usize, len: u64) -> Vec<Source> {
        let one =
            Source { id: [b'0'; 16], path: String::new(), file: "nothing".into(), len, trouble: None, special: false };
        vec![one; n]
    }

    #[test]
    fn tasks_cover_every_unit_once_and_in_order() {
        for (n, len) in [(0, 0), (1, 0), (1, 100), (5000, 1700), (70_000, 1700), (40, 40_000_000)] {
            let plan = Plan::new(&small(n, len));
            let mut next = 0;
            for task in 0..plan.tasks() {
                for range in plan.ranges(task) {
                    assert_eq!(range.source, next);
                    next += 1;
                }
            }
            assert_eq!(next as usize, n);
        }
    }

    #[test]
    fn small_scans_are_cut_finer() {
        assert_eq!(Plan::new(&small(100, 1700)).tasks(), 1);
        assert!(Plan::new(&small(20_000, 1700)).tasks() >= 8);
        assert!(Plan::new(&small(700_000, 1700)).tasks() < 30);
    }
}
