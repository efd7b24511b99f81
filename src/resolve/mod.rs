//! Phase 2: observations that only name their certificate get it from the finished `certificates` table; then those that
//! only name a container get their key.
//!
//! The first come from the spill in their own order, a bounded batch at a time for each thread. For each batch the table's
//! hash columns are scanned once, the matching rows are read, and from there on such a row is like any other. The second
//! ([`listed`]) come by client, part by part, in their own order. Without waiting rows none of this runs.

mod listed;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::compute::concat;
use arrow::datatypes::Int32Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use rayon::ThreadPool;

use crate::classify::{Catalogue, Classifier, Marks};
use crate::error::Error;
use crate::group::certstore::{Entry, policy_arc};
use crate::group::encode::{Encoders, Shown};
use crate::group::notes::Left;
use crate::group::pending::Pending;
use crate::group::row::Origin;
use crate::group::row::{self, Row};
use crate::group::tally::{Clients, Counts};
use crate::group::{Group, Place, RejectRow, Setting, mismatch};
use crate::hex;
use crate::in_order::in_order;
use crate::join::parts::Taken;
use crate::record::Lineage;
use crate::report::{Certificates, Report};
use crate::table::Data;
use crate::table::columns::CERTIFICATES;
use crate::table::encode::RowGroup;
use crate::walk::{Member, Source, SourceNumber};

use listed::Keys;

/// Rows resolved at a time: one row group.
const BATCH_ROWS: usize = 32 * 1024;
/// Bytes of certificates, as DER, looked up at a time.
const BATCH_CERTIFICATES: i64 = 64 * 1024 * 1024;
/// Bytes of waiting records read at a time.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// What the rows of every batch need.
pub struct Context<'a> {
    /// The finished certificates.
    pub certificates: &'a Certificates,
    /// The sources.
    pub sources: &'a [Source],
    /// The encoders.
    pub encoders: &'a Encoders,
    /// The providers.
    pub catalogue: &'a Arc<Catalogue>,
    /// Of the groups.
    pub setting: Setting<'a>,
    /// The user wants to stop.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
}

/// Writes every waiting observation; returns how many there were.
pub fn run(report: &mut Report, pool: &ThreadPool, context: &Context<'_>) -> Result<u64, Error> {
    let (spill, listed) = (report.take_spill()?, report.gathered.listed.take());
    let mut rows = 0;
    let report = Mutex::new(report);
    let lock = || report.lock().unwrap_or_else(PoisonError::into_inner);
    let member = |source| lock().member(source);
    let resolving = || match (context.stopped)() {
        true => Err(Error::Interrupted),
        false => Ok(Resolving { context, member: &member, resolved: Vec::new() }),
    };
    let mut append = |(count, resolved): (u64, Vec<Resolved>)| {
        rows += count;
        let mut report = lock();
        for Resolved { observations, rejects, doubts, left, clients, counts } in resolved {
            report.clients.merge(clients);
            report.counts.merge(&counts);
            report.append_resolved(observations, rejects, &doubts, left)?;
        }
        Ok(())
    };
    if let Some(spill) = spill {
        let batches = Batches { spill, bytes: Vec::new(), is_over: false };
        in_order(pool, batches, |bytes: Vec<u8>| resolving()?.all(&bytes), &mut append)?;
    }
    let values = context.encoders.shelf.values();
    let parts = listed.into_iter().enumerate().filter(|(_, part)| !part.is_empty());
    let list = |(at, part): (usize, Taken)| {
        let resolving = resolving()?;
        let keys = Keys::of(&mut lock().gathered.by_client, at, &values, context.sources)?;
        resolving.listed(&part.read()?.concat(), &keys)
    };
    in_order(pool, parts.map(Ok), list, append)?;
    Ok(rows)
}

/// Waiting records, as many whole ones at a time as make a batch.
struct Batches<R> {
    spill: R,
    /// What was read beyond the last batch.
    bytes: Vec<u8>,
    is_over: bool,
}

impl<R: Read> Batches<R> {
    fn read(&mut self) -> Result<Option<Vec<u8>>, Error> {
        // One record alone may be longer than a batch; then the batch is that record.
        let mut want = BATCH_BYTES;
        loop {
            let missing = want.saturating_sub(self.bytes.len()) as u64;
            let read = (&mut self.spill).take(missing).read_to_end(&mut self.bytes);
            read.map_err(Error::io("the spill of waiting records"))?;
            match Pending::len_of(&self.bytes) {
                Some(len) if len > want => want = len,
                _ => break,
            }
        }
        let (mut used, mut count) = (0, 0);
        while let Some(len) = self.bytes.get(used..).and_then(Pending::len_of)
            && used + len <= self.bytes.len()
            && count < BATCH_ROWS
        {
            (used, count) = (used + len, count + 1);
        }
        match used {
            0 if self.bytes.is_empty() => Ok(None),
            0 => Err(cut()),
            _ => {
                let rest = self.bytes.split_off(used);
                Ok(Some(std::mem::replace(&mut self.bytes, rest)))
            }
        }
    }
}

impl<R: Read> Iterator for Batches<R> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let batch = self.read().transpose();
        self.is_over = !matches!(batch, Some(Ok(_)));
        batch
    }
}

fn cut() -> Error {
    Error::Encode("a waiting record cannot be read back".to_owned())
}

fn read(record: &[u8]) -> Result<Pending<'_>, Error> {
    Pending::decode(record).map(|(pending, _)| pending).ok_or_else(cut)
}

/// Waiting records one by one.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((record, rest)) = Pending::len_of(bytes).and_then(|len| bytes.split_at_checked(len)) {
        all.push(record);
        bytes = rest;
    }
    all
}

/// A row group of waiting observations that need not wait any more.
struct Resolved {
    observations: RowGroup,
    rejects: RowGroup,
    doubts: Vec<RejectRow>,
    left: Left,
    clients: Clients,
    counts: Counts,
}

/// A batch in the making.
struct Resolving<'a> {
    context: &'a Context<'a>,
    member: &'a (dyn Fn(SourceNumber) -> Option<Arc<Member>> + Sync),
    resolved: Vec<Resolved>,
}

impl Resolving<'_> {
    /// Resolves a batch: its rows, and how many there are.
    fn all(mut self, bytes: &[u8]) -> Result<(u64, Vec<Resolved>), Error> {
        // Decoded one at a time, twice: read they take several times their room.
        let batch = records(bytes);
        let mut classifier = Classifier::new(Arc::clone(self.context.catalogue));
        // A batch whose certificates are too large together is halved until they are not.
        let mut parts = vec![&batch[..]];
        while let Some(part) = parts.pop() {
            match Known::find(&self.context.certificates.files, part)? {
                Some(known) => self.some(part, &known, &Keys::default(), &mut classifier)?,
                None => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            }
        }
        Ok((batch.len() as u64, self.resolved))
    }

    /// Gives the rows of a part of listings their keys, and counts them.
    fn listed(mut self, bytes: &[u8], keys: &Keys) -> Result<(u64, Vec<Resolved>), Error> {
        let batch = records(bytes);
        let mut classifier = Classifier::new(Arc::clone(self.context.catalogue));
        self.some(&batch, &Known::index(Vec::new())?, keys, &mut classifier)?;
        Ok((batch.len() as u64, self.resolved))
    }

    fn some(&mut self, batch: &[&[u8]], known: &Known, keys: &Keys, classifier: &mut Classifier) -> Result<(), Error> {
        let Context { sources, setting, .. } = *self.context;
        let mut group = Group::new(setting);
        let mut at_hand: Option<(SourceNumber, Option<Arc<Member>>)> = None;
        for record in batch {
            let pending = &read(record)?;
            if group.is_full() {
                let full = std::mem::replace(&mut group, Group::new(setting));
                self.close(full, known)?;
            }
            let observation = pending.observation();
            let number = known.number(pending);
            let entry = number.map(|n| (n, &known.entries[n as usize]));
            let member = match &at_hand {
                Some((source, member)) if *source == pending.source => member.clone(),
                _ => at_hand.insert((pending.source, (self.member)(pending.source))).1.clone(),
            };
            let client = pending.client.as_deref().map(|name| (name, pending.basis()));
            let origin = Origin {
                number: pending.source,
                source: &sources[pending.source.file as usize],
                member: member.as_ref(),
                format: crate::format::name(&pending.format),
                client: None,
            };
            let basis = match number {
                Some(_) => "joined",
                None => row::basis_without(&pending.printed),
            };
            if let Some((_, entry)) = entry {
                let reject = contradiction(pending, entry);
                group.rejects.extend(reject.map(|reject| RejectRow {
                    source: pending.source,
                    member: member.clone(),
                    client: client.map(|(name, _)| name.to_owned()),
                    reject,
                    has_row: true,
                    certificate: None,
                    place: Place::default(),
                }));
            }
            let marks = entry.map(|(_, entry)| entry.marks).unwrap_or_default();
            let verdicts = classifier.judge(&observation.claims, observation.collection.registry, marks);
            let hashes = Some(entry.map(|(_, entry)| entry));
            let audit = setting.audit;
            let mut row = Row { observation: &observation, audit, origin, client, basis, hashes, key_id: None };
            row.key_id = keys.key_id(&row);
            let run = group.enter(&row);
            let certificate = entry.map(|(number, entry)| (number, entry.row_bytes()));
            group.push(&row, run, certificate, &verdicts);
        }
        self.close(group, known)
    }

    /// Encodes what a group holds of a batch.
    fn close(&mut self, mut group: Box<Group>, known: &Known) -> Result<(), Error> {
        let Context { encoders, setting, sources, .. } = *self.context;
        let mut packer = encoders.packer()?;
        group.settle(Some(&known.entries));
        let shown = Shown { columns: &known.columns, profile_of: None, count: known.entries.len() };
        let (observations, _) = encoders.observations(&mut packer, &mut group, shown)?;
        let counts = group.counts();
        let left = group.leave(shown, &known.entries, &encoders.shelf);
        let rejects = encoders.rejects(&mut packer, &group.rejects, setting.audit, sources)?;
        let (doubts, clients) = (std::mem::take(&mut group.rejects), std::mem::take(&mut group.clients));
        self.resolved.push(Resolved { observations, rejects, doubts, left, clients, counts });
        Ok(())
    }
}

/// A record may claim both hashes, and they may name different certificates.
fn contradiction(pending: &Pending<'_>, entry: &Entry) -> Option<crate::record::Reject> {
    let lineage: Lineage = pending.lineage;
    match (pending.sha256, pending.sha1) {
        (Some(claimed), _) if claimed != entry.sha256 => Some(mismatch(lineage, "sha256", &claimed)),
        (_, Some(claimed)) if claimed != entry.sha1 => Some(mismatch(lineage, "thumbprint", &claimed)),
        _ => None,
    }
}

/// The certificates that a batch names.
struct Known {
    /// Columns of `certificates`, in its order.
    columns: Vec<Data>,
    entries: Vec<Entry>,
    by_sha256: HashMap<[u8; 32], u32>,
    /// `None` where two certificates share a thumbprint: then it names neither.
    by_sha1: HashMap<[u8; 20], Option<u32>>,
}

impl Known {
    fn number(&self, pending: &Pending<'_>) -> Option<u32> {
        let by_sha256 = pending.sha256.and_then(|h| self.by_sha256.get(&h).copied());
        by_sha256.or_else(|| pending.sha1.and_then(|h| self.by_sha1.get(&h).copied().flatten()))
    }

    /// The certificates of a batch; `None` where they are too large together and the batch can be made smaller.
    fn find(files: &[PathBuf], batch: &[&[u8]]) -> Result<Option<Self>, Error> {
        let (mut wanted256, mut wanted1) = (HashSet::new(), HashSet::new());
        for record in batch {
            let pending = read(record)?;
            wanted256.extend(pending.sha256);
            wanted1.extend(pending.sha1);
        }
        let mut pieces: Vec<Vec<ArrayRef>> = Vec::new();
        let mut bytes = 0;
        for file in files {
            let open = || File::open(file).map_err(Error::io(file));
            let builder = ParquetRecordBatchReaderBuilder::try_new(open()?)?;
            let hashes = ProjectionMask::columns(builder.parquet_schema(), ["sha256", "thumbprint", "der_bytes"]);
            let mut masks = Vec::new();
            let mut any = false;
            for rows in builder.with_projection(hashes).with_batch_size(BATCH_ROWS).build()? {
                let rows = rows?;
                let (sha256, sha1) = (text(rows.column(0)), text(rows.column(1)));
                let der_bytes = rows.column(2).as_primitive::<Int32Type>();
                let mask: BooleanArray = (0..rows.num_rows())
                    .map(|row| {
                        let hit = hex::parse(sha256.value(row)).is_some_and(|h| wanted256.contains(&h))
                            || hex::parse(sha1.value(row)).is_some_and(|h| wanted1.contains(&h));
                        any |= hit;
                        bytes += if hit { i64::from(der_bytes.value(row)) } else { 0 };
                        Some(hit)
                    })
                    .collect();
                masks.push(mask);
            }
            if bytes > BATCH_CERTIFICATES && batch.len() > 1 {
                return Ok(None);
            }
            if !any {
                continue;
            }
            let builder = ParquetRecordBatchReaderBuilder::try_new(open()?)?;
            let selection = RowSelection::from_filters(&masks);
            for rows in builder.with_row_selection(selection).with_batch_size(BATCH_ROWS).build()? {
                pieces.push(rows?.columns().to_vec());
            }
        }
        Self::index(pieces).map(Some)
    }

    fn index(pieces: Vec<Vec<ArrayRef>>) -> Result<Self, Error> {
        let mut columns = Vec::with_capacity(CERTIFICATES.columns.len());
        for (at, column) in CERTIFICATES.columns.iter().enumerate() {
            let parts: Vec<&dyn Array> = pieces.iter().map(|piece| piece[at].as_ref()).collect();
            columns.push(match parts.is_empty() {
                true => arrow::array::new_empty_array(&column.data_type()),
                false => concat(&parts)?,
            });
        }
        let named =
            |name: &str| CERTIFICATES.index(name).map_or_else(|| Arc::clone(&columns[0]), |i| Arc::clone(&columns[i]));
        let (sha256, sha1, spki) = (named("sha256"), named("thumbprint"), named("spki_sha256"));
        let (policies, is_ca) = (named("attestation_policies"), named("is_ca"));
        let (role, yubikey) = (named("tpm_role"), named("is_yubikey_attestation"));
        let der_bytes = named("der_bytes");
        let mut known =
            Known { columns: Vec::new(), entries: Vec::new(), by_sha256: HashMap::new(), by_sha1: HashMap::new() };
        for row in 0..sha256.len() {
            let (Some(h256), Some(h1)) = (hex::parse(text(&sha256).value(row)), hex::parse(text(&sha1).value(row)))
            else {
                return Err(Error::Encode("a certificate without its hashes".to_owned()));
            };
            let arcs = policies.as_list::<i32>().value(row);
            let arcs: Vec<u8> = text(&arcs).iter().flatten().filter_map(policy_arc).collect();
            let flag = |array: &ArrayRef| array.is_valid(row).then(|| array.as_boolean().value(row));
            let role = role.is_valid(row).then(|| text(&role).value(row));
            let marks = Marks::new(&arcs, flag(&is_ca), role, flag(&yubikey) == Some(true));
            let spki = spki.is_valid(row).then(|| hex::parse(text(&spki).value(row))).flatten();
            let der_bytes = der_bytes.as_primitive::<Int32Type>().value(row).try_into().unwrap_or_default();
            let number = row as u32;
            known.by_sha256.insert(h256, number);
            known.by_sha1.entry(h1).and_modify(|twice| *twice = None).or_insert(Some(number));
            known.entries.push(Entry { sha256: h256, sha1: h1, spki_sha256: spki, marks, der_bytes });
        }
        known.columns = columns.iter().map(Data::from_array).collect::<Result<_, _>>()?;
        Ok(known)
    }
}

fn text(array: &ArrayRef) -> &StringArray {
    array.as_string::<i32>()
}
