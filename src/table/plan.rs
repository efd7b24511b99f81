//! What the columns of one block share: which states the rows use, and pages that several columns have in common.

use std::ops::Range;

use super::data::Rows;
use super::pages::{PAGE_ROWS, Pages, find, level_bits};
use super::words::NULL;
use crate::error::Error;

/// The rows of a table by states. A state that rows use has a *rank*, its place in the order of their first use.
pub struct Plan<'a> {
    rows: Rows<'a>,
    /// Number of rows.
    pub len: usize,
    /// Row, rank and state are the same; then the lists below are empty.
    pub is_same: bool,
    /// Some row has no state.
    pub has_nulls: bool,
    /// One more than the largest state used.
    states: usize,
    /// State of each rank.
    used: Vec<u32>,
    /// Rows of each rank.
    counts: Vec<u32>,
    /// Rank of each row; the number of ranks stands for null.
    rank_of: Vec<u32>,
    /// The ranks that each page uses, once each, and where those of a page end.
    page_ranks: Vec<u32>,
    page_ends: Vec<usize>,
    /// Which rows have a value, in columns where some have none.
    gaps: Vec<Gaps>,
    /// Data pages already made, by what they were made from.
    memo: Vec<(Vec<u32>, Pages)>,
}

/// The rows that have a value, in all columns in which the same ranks have one.
struct Gaps {
    /// A bit a rank.
    ranks: Vec<u64>,
    /// Ranks of the rows with a value, page by page.
    present: Vec<u32>,
    /// Definition levels as pages hold them, page by page.
    levels: Vec<u8>,
    /// Where both end for each page.
    ends: Vec<(usize, usize)>,
}

impl<'a> Plan<'a> {
    /// The plan for `len` rows of columns with `states` values.
    pub fn new(rows: Rows<'a>, len: usize, states: usize) -> Result<Self, Error> {
        let mut plan = Plan {
            rows,
            len,
            is_same: true,
            has_nulls: false,
            states: len,
            used: Vec::new(),
            counts: Vec::new(),
            rank_of: Vec::new(),
            page_ranks: Vec::new(),
            page_ends: Vec::new(),
            gaps: Vec::new(),
            memo: Vec::new(),
        };
        if let Rows::Numbers(numbers) = rows {
            if numbers.len() != len {
                return Err(Error::Encode(format!("{} of {len} rows have numbers", numbers.len())));
            }
            let in_order = (0..).zip(numbers).all(|(row, number): (u32, _)| row == *number);
            if !in_order || states != len {
                plan.is_same = false;
                // Null comes after all others, so one more than it comes before them.
                plan.states = numbers.iter().map(|number| number.wrapping_add(1)).max().unwrap_or(0) as usize;
                plan.check(states)?;
                plan.rank(numbers);
            }
        }
        plan.check(states)?;
        Ok(plan)
    }

    /// Whether this is the plan for these rows. Both slices are lent for as long as the plan lives, so two that are at
    /// one place are one.
    pub fn is_for(&self, rows: Rows<'a>) -> bool {
        match (self.rows, rows) {
            (Rows::Same, Rows::Same) => true,
            (Rows::Numbers(have), Rows::Numbers(want)) => std::ptr::eq(have, want),
            _ => false,
        }
    }

    /// Whether a column with `states` values has one for every row.
    pub fn check(&self, states: usize) -> Result<(), Error> {
        match states == self.states || states > self.states && !self.is_same {
            true => Ok(()),
            false => Err(Error::Encode(format!("{states} values where rows want {}", self.states))),
        }
    }

    fn rank(&mut self, numbers: &[u32]) {
        let mut rank_of_state = vec![NULL; self.states];
        self.rank_of.reserve(numbers.len());
        for alike in numbers.chunk_by(|one, next| one == next) {
            let rank = match rank_of_state.get_mut(alike[0] as usize) {
                None => {
                    self.has_nulls = true;
                    NULL
                }
                Some(rank) => {
                    if *rank == NULL {
                        *rank = self.used.len() as u32;
                        self.used.push(alike[0]);
                        self.counts.push(0);
                    }
                    self.counts[*rank as usize] += alike.len() as u32;
                    *rank
                }
            };
            self.rank_of.resize(self.rank_of.len() + alike.len(), rank);
        }
        let none = self.used.len() as u32;
        let mut seen_in = vec![0u32; self.used.len()];
        for (page, ranks) in (1..).zip(self.rank_of.chunks_mut(PAGE_ROWS)) {
            for rank in ranks {
                match seen_in.get_mut(*rank as usize) {
                    None => *rank = none,
                    Some(seen) if *seen == page => {}
                    Some(seen) => {
                        *seen = page;
                        self.page_ranks.push(*rank);
                    }
                }
            }
            self.page_ends.push(self.page_ranks.len());
        }
    }

    /// Number of ranks.
    pub fn ranks(&self) -> usize {
        if self.is_same { self.len } else { self.used.len() }
    }

    /// State of a rank.
    pub fn state(&self, rank: usize) -> usize {
        if self.is_same { rank } else { self.used[rank] as usize }
    }

    /// Rows of a rank.
    pub fn count(&self, rank: usize) -> usize {
        if self.is_same { 1 } else { self.counts[rank] as usize }
    }

    /// Number of pages.
    pub fn pages(&self) -> usize {
        self.len.div_ceil(PAGE_ROWS)
    }

    /// Rows of a page.
    pub fn page(&self, page: usize) -> Range<usize> {
        page * PAGE_ROWS..self.len.min((page + 1) * PAGE_ROWS)
    }

    /// The values of the rows of a page, where `of` has one a rank and a last one for null.
    pub fn spread<'o>(&self, page: usize, of: &'o [u32], room: &'o mut Vec<u32>) -> &'o [u32] {
        if self.is_same {
            return &of[self.page(page)];
        }
        room.clear();
        room.extend(self.rank_of[self.page(page)].iter().map(|rank| of[*rank as usize]));
        room
    }

    /// The values of the ranks that a page uses: every value of its rows at least once.
    pub fn spread_once<'o>(&self, page: usize, of: &'o [u32], room: &'o mut Vec<u32>) -> &'o [u32] {
        if self.is_same {
            return &of[self.page(page)];
        }
        let start = page.checked_sub(1).map_or(0, |before| self.page_ends[before]);
        room.clear();
        room.extend(self.page_ranks[start..self.page_ends[page]].iter().map(|rank| of[*rank as usize]));
        room
    }

    /// The number of what columns share in which the same ranks have a value as in `of`, which has one a rank and a
    /// last one for null.
    pub fn gaps(&mut self, of: &[u32]) -> usize {
        let word = |ranks: &[u32]| (0..).zip(ranks).fold(0, |bits, (n, rank)| bits | u64::from(*rank != NULL) << n);
        let ranks: Vec<u64> = of.chunks(64).map(word).collect();
        if let Some(known) = self.gaps.iter().position(|gaps| gaps.ranks == ranks) {
            return known;
        }
        let (mut present, mut levels, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rows, mut values, mut bits) = (Vec::new(), Vec::new(), Vec::new());
        for page in 0..self.pages() {
            let page = &self.rank_of[self.page(page)];
            rows.clear();
            rows.extend(page.iter().map(|rank| if of[*rank as usize] == NULL { NULL } else { *rank }));
            find(&rows, &mut values, &mut bits);
            level_bits(&bits, values.len(), page.len(), &mut levels);
            present.extend_from_slice(&values);
            ends.push((present.len(), levels.len()));
        }
        self.gaps.push(Gaps { ranks, present, levels, ends });
        self.gaps.len() - 1
    }

    /// Ranks of the rows of a page that have a value.
    pub fn present(&self, gaps: usize, page: usize) -> &[u32] {
        let Gaps { present, ends, .. } = &self.gaps[gaps];
        &present[page.checked_sub(1).map_or(0, |before| ends[before].0)..ends[page].0]
    }

    /// Definition levels of a page.
    pub fn levels(&self, gaps: usize, page: usize) -> &[u8] {
        let Gaps { levels, ends, .. } = &self.gaps[gaps];
        &levels[page.checked_sub(1).map_or(0, |before| ends[before].1)..ends[page].1]
    }

    /// Pages made from `key` before.
    pub fn known(&self, key: &[u32]) -> Option<&Pages> {
        self.memo.iter().find(|(known, _)| known == key).map(|(_, pages)| pages)
    }

    /// Keeps pages, where another column may have the same.
    pub fn keep(&mut self, key: &[u32], pages: &Pages) {
        if !self.is_same {
            self.memo.push((key.to_vec(), pages.clone()));
        }
    }
}
