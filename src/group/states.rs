//! States: what many rows have in common is kept once, and a row only says which state it is in.
//!
//! Rows of one collection share its client, collector and source ([`Runs`]); and of the rows of a fleet, most share
//! store, claims and verdicts with thousands of others ([`Keys`]). Two rows are in one state only if everything that
//! makes up the state was compared and found equal.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::classify::Verdicts;
use crate::client::Basis;
use crate::group::row::Row;
use crate::group::tally::RowTally;
use crate::record::FormatConfidence;
use crate::walk::SourceNumber;

/// The collections that rows of a group stand in.
#[derive(Default)]
pub struct Runs {
    /// The run of each row.
    pub of_row: Vec<u32>,
    runs: Vec<Run>,
}

/// One stretch of rows of the same source, client and collection.
pub struct Run {
    source: SourceNumber,
    format: &'static str,
    /// The client, lower case.
    pub client: Option<(Box<str>, Basis)>,
    collected_at: Option<i64>,
    collector: Option<Box<str>>,
    collector_version: Option<Box<str>>,
    confidence: FormatConfidence,
    /// Its rows, counted by verdict.
    pub rows: RowTally,
}

impl Run {
    fn of(row: &Row<'_>) -> Self {
        let collection = &row.observation.collection;
        Run {
            source: row.origin.number,
            format: row.origin.format,
            client: row.client.map(|(name, basis)| (name.into(), basis)),
            collected_at: collection.collected_at,
            collector: collection.collector.map(Into::into),
            collector_version: collection.collector_version.map(Into::into),
            confidence: collection.confidence,
            rows: RowTally::default(),
        }
    }

    fn has(&self, row: &Row<'_>) -> bool {
        let collection = &row.observation.collection;
        self.source == row.origin.number
            && self.collected_at == collection.collected_at
            && self.client.as_ref().map(|(name, basis)| (&**name, *basis)) == row.client
            && self.format == row.origin.format
            && self.confidence == collection.confidence
            && self.collector.as_deref() == collection.collector
            && self.collector_version.as_deref() == collection.collector_version
    }

    /// The client's name, lower case.
    pub fn client(&self) -> Option<&str> {
        self.client.as_ref().map(|(name, _)| &**name)
    }
}

impl Runs {
    /// The run of this row, and whether it has just begun.
    pub fn enter(&mut self, row: &Row<'_>) -> (u32, bool) {
        let goes_on = self.runs.last().is_some_and(|run| run.has(row));
        if !goes_on {
            self.runs.push(Run::of(row));
        }
        (self.runs.len() as u32 - 1, !goes_on)
    }

    /// Adds a row to a run.
    pub fn push(&mut self, run: u32, verdicts: &Verdicts) {
        self.of_row.push(run);
        self.runs[run as usize].rows.add(verdicts);
    }

    /// The run with this number.
    pub fn get(&self, run: u32) -> &Run {
        &self.runs[run as usize]
    }

    /// Every run.
    pub fn all(&self) -> &[Run] {
        &self.runs
    }
}

/// The states of store, claims and verdicts that rows of a group are in.
#[derive(Default)]
pub struct Keys {
    /// The state of each row.
    pub of_row: Vec<u32>,
    states: Vec<State>,
    /// The texts of the states, one after the other.
    texts: Vec<u8>,
    known: HashTable<u32>,
    /// By the low bits of its hash a state met lately.
    met: Met,
}

struct Met(Box<[u32; MET]>);

const MET: usize = 256;

impl Default for Met {
    fn default() -> Self {
        Met(Box::new([0; MET]))
    }
}

struct State {
    hash: u64,
    made_of: MadeOf,
    /// Where its texts begin.
    start: usize,
    verdicts: Verdicts,
    rows: u64,
}

impl Keys {
    /// Adds a row. Whether its state is new, and the bytes of its texts: where few rows share a state they may be written
    /// once a row.
    pub fn push(&mut self, row: &Row<'_>, verdicts: &Verdicts) -> (bool, usize) {
        let claims = &row.observation.claims;
        let texts = [
            row.observation.store_name.as_deref(),
            claims.provider_name.as_deref(),
            claims.reader.as_deref(),
            row.observation.user_sid.as_deref(),
        ];
        let made_of = MadeOf::of(row, verdicts, texts);
        let hash = made_of.hash(texts);
        let slot = hash as usize % MET;
        let Keys { states, texts: all, known, met, of_row } = self;
        let is_wanted = |number: u32| states.get(number as usize).is_some_and(|state| state.is(&made_of, texts, all));
        let found = match met.0[slot] {
            likely if is_wanted(likely) => Some(likely),
            _ => known.find(hash, |number| is_wanted(*number)).copied(),
        };
        let is_new = found.is_none();
        let state = found.unwrap_or_else(|| {
            let (state, start) = (states.len() as u32, all.len());
            texts.into_iter().flatten().for_each(|text| all.extend_from_slice(text.as_bytes()));
            states.push(State { hash, made_of, start, verdicts: *verdicts, rows: 0 });
            known.insert_unique(hash, state, |number| states[*number as usize].hash);
            state
        });
        met.0[slot] = state;
        states[state as usize].rows += 1;
        of_row.push(state);
        (is_new, texts.into_iter().flatten().map(str::len).sum())
    }

    /// Every state's verdicts, with the number of its rows.
    pub fn verdicts(&self) -> impl Iterator<Item = (&Verdicts, u64)> {
        self.states.iter().map(|state| (&state.verdicts, state.rows))
    }
}

impl State {
    fn is(&self, made_of: &MadeOf, texts: [Option<&str>; 4], all: &[u8]) -> bool {
        let mut start = self.start;
        self.made_of == *made_of
            && texts.into_iter().flatten().all(|text| {
                let end = start + text.len();
                all.get(std::mem::replace(&mut start, end)..end) == Some(text.as_bytes())
            })
    }
}

/// Everything that the columns of a state are made from (`row::push_key`), beside the bytes of its texts.
#[derive(PartialEq, Eq)]
struct MadeOf {
    values: [u64; 10],
    /// Lengths of the texts, [`NO_TEXT`] where there is none.
    lengths: [u32; 4],
}

/// Stands for the length where there is no text. No text is that long: lines and values are limited far below.
const NO_TEXT: u32 = u32::MAX;

impl MadeOf {
    fn of(row: &Row<'_>, v: &Verdicts, texts: [Option<&str>; 4]) -> Self {
        const NONE: u8 = u8::MAX;
        let (o, claims) = (row.observation, &row.observation.claims);
        let truth = |value: Option<bool>| value.map_or(NONE, u8::from);
        let claimed = u64::from_le_bytes([
            o.store_location.map_or(NONE, |location| location as u8),
            truth(claims.archived),
            truth(claims.is_exportable.or(claims.export_policy.map(|policy| policy & 3 != 0))),
            claims.impl_api.map_or(NONE, |api| api as u8),
            v.presence as u8,
            truth(v.hardware_backed),
            u8::from(claims.in_file),
            0,
        ]);
        let judged = u64::from_le_bytes([
            v.api.value as u8,
            v.api.grade.map_or(NONE, |grade| grade as u8),
            u8::from(v.api.conflict),
            v.storage.value as u8,
            v.storage.grade.map_or(NONE, |grade| grade as u8),
            u8::from(v.storage.conflict),
            0,
            0,
        ]);
        let number = |number: Option<u32>| number.map_or(u64::MAX, u64::from);
        // Words of the program itself: the same place is the same word. One word at two places would make two states
        // with equal columns, which no report shows.
        let word =
            |word: Option<&'static str>| word.map_or(0, |word| (word.as_ptr() as u64) << 8 | word.len() as u64 & 0xff);
        let values = [
            claimed,
            judged,
            number(claims.provider_type),
            number(claims.key_spec),
            number(claims.key_flags),
            number(claims.impl_flags),
            word(v.api.rule),
            word(v.storage.rule),
            word(v.attestation_assurance),
            word(Some(row.basis)),
        ];
        MadeOf { values, lengths: texts.map(|text| text.map_or(NO_TEXT, |text| text.len() as u32)) }
    }

    fn hash(&self, texts: [Option<&str>; 4]) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        self.values.iter().for_each(|value| hasher.write_u64(*value));
        self.lengths.iter().for_each(|length| hasher.write_u32(*length));
        texts.into_iter().flatten().for_each(|text| hasher.write(text.as_bytes()));
        hasher.finish()
    }
}
