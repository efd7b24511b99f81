//! Which rows of a result log hold at its end.
//!
//! The results of one query on one host are a sequence, in the order of the log. Osquery counts the runs of a query
//! (`counter`), but leaves out those without a change, so that a lower number may be a late line as well as a query that
//! began anew: no line is put before another one because of its number.
//!
//! - A row that is removed is taken back; a removed row that was not added before says nothing. In one line rows are removed
//!   before others are added, as osquery itself writes them.
//! - A whole set supersedes what came before: a snapshot, and the lines of `counter` 0, the first run. Where each row has a
//!   line of its own, those of one run have epoch, counter and time in common. A line of `counter` 0 that removes rows is none:
//!   the counter also begins anew when a query is rewritten, and then what follows are changes again.
//! - Another epoch than before supersedes what came before.
//! - Rows with equal columns, and that is also store, SID and path, are the same row. Where one is added that is there, the
//!   later one stands: this is what a log looks like that was delivered twice, and one removal takes the row away.
//!
//! Remembered are digests and places alone, and only of rows of the table `certificates`: less than 96 bytes a row
//! ([`Row`]), and once about as much for each host and query that has any ([`Sequence`]).

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use sha2::{Digest as _, Sha256};

use crate::format::objects::kinds::osquery::{host, is_certificate, rows};
use crate::format::objects::{Object, Value};
use crate::record::{Code, Lineage, Reject, Sink, Stage};

/// Tables that rows are spread over: when one of them grows, the old and the new room of all others is not needed at once.
const SHARDS: usize = 64;

/// Where a row stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Offset of its line.
    pub(super) offset: u64,
    /// Its number in the line.
    pub(super) part: u32,
}

/// The first half of a SHA-256.
type Digest = [u8; 16];

/// A row that was added and not removed: 32 bytes, so that with the room that a hash table leaves, and the list of those that
/// stand, a row takes less than 96.
struct Row {
    /// Of host, query and columns.
    digest: Digest,
    offset: u64,
    part: u32,
    /// The number of its sequence.
    sequence: u32,
}

/// The results of one query on one host, of which at least one row was remembered.
struct Sequence {
    /// Of host and query.
    digest: Digest,
    /// The last epoch, as a mark; 0 where none was named.
    epoch: u64,
    /// The mark of the last run.
    run: u64,
    /// Offset of the line where what holds now began; rows before it are superseded.
    since: u64,
    /// Rows that hold.
    rows: u32,
}

/// What a line says of its run.
struct Run {
    /// As in [`Sequence::epoch`].
    epoch: u64,
    /// The same for all lines of a run.
    mark: u64,
    set: Set,
}

/// What the rows of a line are to what came before.
#[derive(Clone, Copy, PartialEq)]
enum Set {
    /// Changes.
    Changes,
    /// Rows of a whole set, together with the other lines of the run.
    WithItsRun,
    /// A whole set.
    Alone,
}

/// The first pass over a log.
pub(super) struct Replay {
    rows: Vec<HashTable<Row>>,
    sequences: Vec<Sequence>,
    /// Numbers of sequences, by digest.
    known: HashTable<u32>,
}

impl Default for Replay {
    fn default() -> Self {
        let rows = std::iter::repeat_with(HashTable::new).take(SHARDS).collect();
        Replay { rows, sequences: Vec::new(), known: HashTable::new() }
    }
}

/// Whether a result line belongs to a sequence: it names its host and its query.
pub(super) fn is_of_sequence(result: &Object<'_>) -> bool {
    sequence_of(result).is_some()
}

/// The digest of host and query. Names of hosts are the same in any case, as those of clients are.
fn sequence_of(result: &Object<'_>) -> Option<Digest> {
    let (host, query) = (host(result)?, result.text("name")?);
    let (host, query) = (host.trim().to_lowercase(), query.trim());
    (!host.is_empty() && !query.is_empty()).then(|| digest_of([host.as_bytes(), query.as_bytes()]))
}

impl Replay {
    /// Takes in a result line, and says of rows that do not hold after it why.
    pub(super) fn line(&mut self, result: &Object<'_>, offset: u64, sink: &mut dyn Sink) {
        let Some(digest) = sequence_of(result) else { return };
        let mut number = self.known.find(prefix(&digest), |known| self.is(*known, &digest)).copied();
        let run = Run::of(result);
        if let Some(sequence) = number.and_then(|number| self.sequences.get_mut(number as usize)) {
            sequence.begin(&run, offset, sink);
        }
        let (mut is_empty, mut added) = (true, false);
        for row in rows(result) {
            is_empty = false;
            added |= !row.removed;
            if row.removed {
                sink.skip("osquery_removed");
                if let Some(number) = number.filter(|_| is_certificate(row.columns)) {
                    self.remove(number, &columns_of(&digest, row.columns), sink);
                }
            }
        }
        for row in rows(result).filter(|row| added && !row.removed) {
            if !is_certificate(row.columns) {
                sink.skip("osquery_other_table");
                continue;
            }
            let place = Place { offset, part: row.part };
            match number.or_else(|| self.new_sequence(digest, &run, offset)) {
                Some(this) => {
                    number = Some(this);
                    self.add(this, columns_of(&digest, row.columns), place, sink);
                }
                None => {
                    let lineage = Lineage { part: place.part, ..Lineage::at(offset) };
                    let message = "the log has results of more hosts and queries than can be numbered";
                    sink.reject(Reject::lost(lineage, Stage::Decode, Code::TooLarge, message));
                }
            }
        }
        if is_empty {
            sink.skip("osquery_no_rows");
        }
    }

    /// The rows that hold, in their order; nothing else is kept.
    pub(super) fn end(self) -> Standing {
        let Replay { rows, sequences, known } = self;
        drop(known);
        let count = sequences.iter().map(|sequence| sequence.rows as usize).sum();
        let mut places = Vec::new();
        places.reserve_exact(count);
        for shard in rows {
            let holds = |row: &Row| sequences.get(row.sequence as usize).is_some_and(|own| own.since <= row.offset);
            let held = shard.into_iter().filter(holds);
            places.extend(held.map(|row| Place { offset: row.offset, part: row.part }));
        }
        places.sort_unstable();
        Standing { places, next: 0, missed: 0 }
    }

    fn is(&self, number: u32, digest: &Digest) -> bool {
        self.sequences.get(number as usize).is_some_and(|sequence| sequence.digest == *digest)
    }

    /// The number of a sequence that begins with this line; `None` where there are no more numbers.
    fn new_sequence(&mut self, digest: Digest, run: &Run, offset: u64) -> Option<u32> {
        let number = u32::try_from(self.sequences.len()).ok()?;
        self.sequences.push(Sequence { digest, epoch: run.epoch, run: run.mark, since: offset, rows: 0 });
        let sequences = &self.sequences;
        let hash = |known: &u32| sequences.get(*known as usize).map_or(0, |sequence| prefix(&sequence.digest));
        self.known.insert_unique(prefix(&digest), number, hash);
        Some(number)
    }

    fn remove(&mut self, number: u32, digest: &Digest, sink: &mut dyn Sink) {
        let Some(sequence) = self.sequences.get_mut(number as usize) else { return };
        let Some(shard) = self.rows.get_mut(shard_of(digest)) else { return };
        let Ok(found) = shard.find_entry(prefix(digest), |row| row.digest == *digest) else { return };
        let (row, _) = found.remove();
        // One that is superseded was counted as that.
        if row.offset >= sequence.since {
            sequence.rows = sequence.rows.saturating_sub(1);
            sink.skip("osquery_taken_back");
        }
    }

    fn add(&mut self, number: u32, digest: Digest, place: Place, sink: &mut dyn Sink) {
        let Some(sequence) = self.sequences.get_mut(number as usize) else { return };
        let Some(shard) = self.rows.get_mut(shard_of(&digest)) else { return };
        let row = Row { digest, offset: place.offset, part: place.part, sequence: number };
        match shard.entry(prefix(&digest), |known| known.digest == digest, |known| prefix(&known.digest)) {
            Entry::Occupied(mut known) => {
                if std::mem::replace(known.get_mut(), row).offset >= sequence.since {
                    return sink.skip("osquery_repeated");
                }
            }
            Entry::Vacant(room) => {
                room.insert(row);
            }
        }
        sequence.rows = sequence.rows.saturating_add(1);
    }
}

impl Sequence {
    /// A line of this run follows.
    fn begin(&mut self, run: &Run, offset: u64, sink: &mut dyn Sink) {
        let other_epoch = run.epoch != 0 && self.epoch != 0 && run.epoch != self.epoch;
        let is_whole = match run.set {
            Set::Changes => false,
            Set::WithItsRun => run.mark != self.run,
            Set::Alone => true,
        };
        if other_epoch || is_whole {
            (0..std::mem::take(&mut self.rows)).for_each(|_| sink.skip("osquery_superseded"));
            self.since = offset;
        }
        if run.epoch != 0 {
            self.epoch = run.epoch;
        }
        self.run = run.mark;
    }
}

impl Run {
    fn of(result: &Object<'_>) -> Self {
        let text = |name| result.text(name).unwrap_or_default();
        let has_rows = |object: &Object<'_>, name| {
            object.get(name).is_some_and(|rows| rows.items().iter().any(|row| row.object().is_some()))
        };
        let batch = result.get("diffresults").and_then(Value::object);
        // Without the word an empty snapshot may be a field that has nothing to say.
        let has_snapshot = || has_rows(result, "snapshot") || batch.is_some_and(|batch| has_rows(batch, "snapshot"));
        let is_first = result.get("counter").and_then(Value::int) == Some(0);
        let action = text("action");
        let set = match &*action {
            "snapshot" if has_rows(result, "columns") => Set::WithItsRun,
            "snapshot" => Set::Alone,
            "added" | "removed" => if_first(is_first, result),
            _ if has_snapshot() => Set::Alone,
            _ => if_first(is_first, result),
        };
        let epoch = text("epoch");
        let mark = [&*epoch, &text("counter"), &text("unixtime"), &text("calendartime")];
        Run { epoch: if epoch.is_empty() { 0 } else { mark_of([&*epoch]) }, mark: mark_of(mark), set }
    }
}

/// What the rows of a line are that is one of the first run, or not.
fn if_first(is_first: bool, result: &Object<'_>) -> Set {
    if is_first && !rows(result).any(|row| row.removed) { Set::WithItsRun } else { Set::Changes }
}

/// The rows that hold at the end of a log.
pub(super) struct Standing {
    places: Vec<Place>,
    next: usize,
    missed: u64,
}

impl Standing {
    /// The row in this place holds. Places are asked for in their order.
    pub(super) fn take(&mut self, place: Place) -> bool {
        while self.places.get(self.next).is_some_and(|next| *next < place) {
            self.next += 1;
            self.missed += 1;
        }
        let holds = self.places.get(self.next) == Some(&place);
        self.next += usize::from(holds);
        holds
    }

    /// Rows that hold and were not asked for.
    pub(super) fn missed(&self) -> u64 {
        self.missed + self.places.len().saturating_sub(self.next) as u64
    }
}

/// What a table is searched by.
fn prefix(digest: &Digest) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

fn shard_of(digest: &Digest) -> usize {
    let [.., last] = *digest;
    usize::from(last) % SHARDS
}

fn digest_of<'t>(parts: impl IntoIterator<Item = &'t [u8]>) -> Digest {
    let mut hash = Sha256::new();
    parts.into_iter().for_each(|part| feed(&mut hash, b'"', part));
    first_half(hash)
}

/// Never 0.
fn mark_of<'t>(parts: impl IntoIterator<Item = &'t str>) -> u64 {
    prefix(&digest_of(parts.into_iter().map(str::as_bytes))).max(1)
}

fn first_half(hash: Sha256) -> Digest {
    let all: [u8; 32] = hash.finalize().into();
    let mut half = Digest::default();
    half.iter_mut().zip(all).for_each(|(to, from)| *to = from);
    half
}

/// The digest of a row of a sequence.
fn columns_of(sequence: &Digest, columns: &Object<'_>) -> Digest {
    let mut hash = Sha256::new_with_prefix(sequence);
    feed_object(&mut hash, columns);
    first_half(hash)
}

/// A part of what is hashed, which no other parts can look like.
fn feed(hash: &mut Sha256, sort: u8, bytes: &[u8]) {
    hash.update([sort]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Fields by their names: what ships logs may have put them into another order.
fn feed_object(hash: &mut Sha256, object: &Object<'_>) {
    let mut fields: Vec<_> = object.fields.iter().collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    feed(hash, b'{', &(fields.len() as u64).to_le_bytes());
    for (name, value) in fields {
        feed(hash, b'.', name.as_bytes());
        feed_value(hash, value);
    }
}

/// A number and the same number as text are one value: which of them is written is a setting (`logger_numerics`).
fn feed_value(hash: &mut Sha256, value: &Value<'_>) {
    match value {
        Value::Null => feed(hash, b'0', &[]),
        Value::Bool(flag) => feed(hash, b'?', &[u8::from(*flag)]),
        Value::Int(number) => feed(hash, b'"', number.to_string().as_bytes()),
        Value::Number(text) | Value::Text(text) => feed(hash, b'"', text.as_bytes()),
        Value::Bytes(bytes) => feed(hash, b'#', bytes),
        Value::List(items) => {
            feed(hash, b'[', &(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| feed_value(hash, item));
        }
        Value::Object(object) => feed_object(hash, object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::Collect;

    #[test]
    fn a_row_takes_no_more_than_96_bytes() {
        // A table has at least 7 entries in 16 places of one byte more, and what stands is listed beside it.
        let in_table = |bytes: usize| ((bytes + 1) * 16).div_ceil(7);
        assert!(in_table(size_of::<Row>()) + size_of::<Place>() <= 96, "{}", in_table(size_of::<Row>()));
        assert!(size_of::<Sequence>() <= 48);
        let (mut replay, mut sink) = (Replay::default(), Collect::new());
        let run = Run { epoch: 0, mark: 1, set: Set::Changes };
        let number = replay.new_sequence([0; 16], &run, 0).unwrap_or(u32::MAX);
        let mut worst = 0;
        for n in 1..=100_000_u32 {
            let digest = digest_of([&n.to_le_bytes()[..]]);
            replay.add(number, digest, Place { offset: n.into(), part: 0 }, &mut sink);
            if n > 50_000 && n % 100 == 0 {
                let room: usize = replay.rows.iter().map(HashTable::allocation_size).sum();
                worst = worst.max(room / n as usize);
            }
        }
        assert!((60..=80).contains(&worst), "{worst} bytes a row in the tables");
        assert_eq!(replay.end().places.len(), 100_000);
    }

    #[test]
    fn rows_of_other_tables_and_removed_ones_are_not_remembered() {
        let text = r#"{"name":"q","hostname":"h","epoch":"1","counter":"0","diffResults":{
            "added":[{"pid":"1"},{"path":"x","sha1":""}],"removed":[{"sha1":"A","common_name":"","not_valid_after":""}]}}"#;
        let Ok(Value::Object(object)) = crate::format::objects::json::parse(text) else { panic!("an object") };
        let (mut replay, mut sink) = (Replay::default(), Collect::new());
        replay.line(&object, 0, &mut sink);
        assert_eq!((sink.records(), replay.sequences.len(), replay.known.len()), (3, 0, 0));
        assert!(replay.rows.iter().all(HashTable::is_empty));
    }

    #[test]
    fn equal_columns_are_the_same_row_however_they_are_written() {
        let columns = |fields: &[(&'static str, Value<'static>)]| {
            let fields = fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
            columns_of(&[0; 16], &Object { fields })
        };
        let text = |text: &'static str| Value::Text(text.into());
        let one = columns(&[("ca", text("1")), ("store", text("My"))]);
        assert_eq!(one, columns(&[("store", text("My")), ("ca", Value::Int(1))]));
        assert_ne!(one, columns(&[("store", text("Root")), ("ca", text("1"))]));
        assert_ne!(one, columns(&[("ca", text("1")), ("store", text("My")), ("sid", text(""))]));
        assert_ne!(columns(&[("a", text("b.c"))]), columns(&[("a", text("b")), ("c", text(""))]));
    }

    #[test]
    fn what_was_not_met_is_missed() {
        let place = |offset, part| Place { offset, part };
        let mut standing = Standing { places: vec![place(0, 1), place(5, 0), place(9, 0)], next: 0, missed: 0 };
        assert!(!standing.take(place(0, 0)) && standing.take(place(0, 1)) && !standing.take(place(6, 0)));
        assert_eq!(standing.missed(), 2);
    }
}
