//! Sources to units to tasks: how the work is cut, as a function of the input alone.
//!
//! A unit is a byte range of a source that one worker reads on its own. A task is a run of consecutive units that
//! becomes one row group (about 32 Ki rows), or more where a unit turns out to be larger than it looked. Neither
//! depends on the number of threads, so neither do the bytes of the report.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::{Range, RangeInclusive};

use crate::format::Border;
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
    step: u64,
    units: Vec<Unit>,
    tasks: Vec<Range<u32>>,
}

impl Plan {
    /// Cuts the sources. Only files longer than two units are opened here, to learn whether and where they may be cut.
    pub fn new(sources: &[Source]) -> Self {
        Self::cut(sources, UNIT_BYTES, MIN_TASK_ROWS..=TASK_ROWS)
    }

    /// Like [`Plan::new`] with another unit length (0 counts as 1), and every unit a task of its own.
    pub fn with_unit(sources: &[Source], unit: u64) -> Self {
        Self::cut(sources, unit.max(1), 1..=1)
    }

    fn cut(sources: &[Source], unit: u64, task_rows: RangeInclusive<u64>) -> Self {
        let mut units = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter().enumerate() {
            let index = index as u32;
            let large = source.len > 2 * unit && source.trouble.is_none() && !source.special;
            let mut start = 0;
            match large.then(|| border(source)).flatten() {
                Some(Border::Near(_)) => {
                    while source.len - start > unit + unit / 2 {
                        units.push(Unit { source: index, start, end: start + unit });
                        start += unit;
                    }
                }
                Some(Border::Counted(count)) => {
                    for end in counted(source, count, unit) {
                        units.push(Unit { source: index, start, end });
                        start = end;
                    }
                }
                None => {}
            }
            units.push(Unit { source: index, start, end: source.len });
        }
        let rows = |u: &Unit| (u.end - u.start) / BYTES_PER_ROW + 1;
        let all: u64 = units.iter().map(rows).sum();
        let target = (all / FEW_TASKS).clamp(*task_rows.start(), *task_rows.end());
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
        Plan { step: unit, units, tasks }
    }

    /// Length of a unit inside a large source, in bytes.
    pub fn step(&self) -> u64 {
        self.step
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

/// How a source may be cut. What cannot be opened is found out again by who reads it.
fn border(source: &Source) -> Option<Border> {
    sniff_file(&source.file, source.len).ok().flatten().and_then(|format| format.border)
}

/// Real borders of a source whose records have to be counted from its start.
fn counted(source: &Source, count: fn(&mut Window<'_>, u64) -> Vec<u64>, unit: u64) -> Vec<u64> {
    let borders = File::open(&source.file).map(|file| count(&mut Window::new(file.take(source.len), 0), unit));
    borders.unwrap_or_default().into_iter().filter(|border| *border < source.len).collect()
}

/// Bytes searched for a border from a nominal offset on, at least. A file without borders (one endless line, one huge
/// run) would otherwise be searched to its end from every offset.
const SEARCH_BYTES: u64 = UNIT_BYTES;

/// The real range of a nominal one, cut at record (census: run) borders; `None` where no record begins in it.
///
/// Both neighbours ask for the same border at the same nominal offset, so units fit together without a word
/// between workers. Where an offset has no border near, the unit before goes on to the next offset that has one.
pub fn real_range(
    file: &mut File,
    plan: &Plan,
    unit: &Unit,
    len: u64,
    border: Border,
) -> io::Result<Option<Range<u64>>> {
    let Border::Near(border) = border else { return Ok(Some(unit.start..unit.end)) };
    let mut first_border = |mut nominal: u64, end: u64| -> io::Result<Option<u64>> {
        // The last unit of a source is up to half a step longer than the others.
        while nominal < end && len - nominal > plan.step / 2 {
            file.seek(SeekFrom::Start(nominal))?;
            let mut window = Window::new((&mut *file).take(plan.step.max(SEARCH_BYTES)), nominal);
            let found = border(&mut window);
            window.take_error().map_or(Ok(()), Err)?;
            if found.is_some() {
                return Ok(found);
            }
            nominal += plan.step;
        }
        Ok(None)
    };
    let start = if unit.start == 0 { Some(0) } else { first_border(unit.start, unit.end)? };
    let Some(start) = start else { return Ok(None) };
    let end = first_border(unit.end, len)?.unwrap_or(len);
    Ok((start < end || unit.start == 0).then_some(start..end))
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
    fn ranges_fit_together_where_borders_are_rare() {
        // Bytes where a record begins; nothing near most offsets.
        const RECORDS: [u64; 4] = [0, 25_000_000, 25_000_010, 62_000_000];
        const LEN: u64 = 90_000_000;
        fn border(window: &mut Window<'_>) -> Option<u64> {
            let from = window.offset();
            let there = window.skip(u64::MAX);
            RECORDS.into_iter().find(|at| (from + 1..from + there).contains(at))
        }
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.set_len(LEN).expect("a sparse file");
        let mut plan = Plan { step: UNIT_BYTES, ..Plan::default() };
        for (step, together) in [(UNIT_BYTES, 1), (UNIT_BYTES, 3), (5_000_000, 1), (5_000_000, 2)] {
            plan.step = step;
            let mut nominal: Vec<u64> =
                (0..).map(|n| n * step * together).take_while(|at| at + step / 2 < LEN).collect();
            nominal.push(LEN);
            let mut next = 0;
            for pair in nominal.windows(2) {
                let unit = Unit { source: 0, start: pair[0], end: pair[1] };
                let Some(range) = real_range(&mut file, &plan, &unit, LEN, Border::Near(border)).expect("a range")
                else {
                    continue;
                };
                assert_eq!(range.start, next);
                next = range.end;
            }
            assert_eq!(next, LEN);
        }
    }

    #[test]
    fn small_scans_are_cut_finer() {
        assert_eq!(Plan::new(&small(100, 1700)).tasks(), 1);
        assert!(Plan::new(&small(20_000, 1700)).tasks() >= 8);
        assert!(Plan::new(&small(700_000, 1700)).tasks() < 30);
    }
}
