//! A report being written: temporary folder, table files, what the whole scan adds up, manifest last.
//!
//! A report is whole or it is not there. Everything is written into a folder beside the wanted one; only when
//! the manifest is in place is that folder renamed. A run that fails or is interrupted removes it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashTable;
use rayon::ThreadPool;
use rayon::prelude::*;
use serde::Serialize;

use crate::error::Error;
use crate::findings;
use crate::format;
use crate::group::encode::{Claimed, Encoded, Encoders, Ready, same};
use crate::group::notes::Left;
use crate::group::tally::{CLIENT_ROWS, Clients, Counts, SourceTally, Status};
use crate::group::{RejectRow, context};
use crate::in_order::in_order;
use crate::join::Gathered;
use crate::table::columns::Sources;
use crate::table::encode::RowGroup;
use crate::table::write::{Part, TableWriter};
use crate::walk::{Member, Source, SourceNumber};

/// Name of the manifest inside a report.
pub const MANIFEST: &str = "manifest.json";
/// Name of the page inside a report that tells what its findings mean.
pub const FINDINGS_PAGE: &str = "findings.md";
/// Rows after which the sources known so far are written.
const SOURCE_ROWS: usize = 32 * 1024;
/// Members of one file that may wait for the end of their archives before their rows are written.
const OPEN_MEMBERS: usize = 32 * 1024;

/// Sources and their counts over the whole scan.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// All sources added up.
    pub all: SourceTally,
    /// Number of sources by status.
    pub by_status: BTreeMap<&'static str, u64>,
    /// Number of sources by format (`unknown` where none was recognised).
    pub by_format: BTreeMap<&'static str, u64>,
    /// Rejects by code and severity.
    pub rejects: BTreeMap<(&'static str, &'static str), u64>,
    /// Size of all files.
    pub bytes: u64,
    /// Some source was of a format that is read, and more than an archive of nothing that is read.
    pub read_something: bool,
    /// A source that names no client, for a suggestion.
    pub unnamed_source: Option<String>,
}

/// Everything a report holds while it is written.
pub struct Report {
    wanted: PathBuf,
    folder: PathBuf,
    audit: Option<String>,
    sources: Arc<Vec<Source>>,
    encoders: Arc<Encoders>,
    observations: TableWriter,
    certificates: TableWriter,
    keys: TableWriter,
    evidence: TableWriter,
    /// The tables beside the observations.
    context: [TableWriter; context::TABLES.len()],
    rejects: TableWriter,
    source_table: TableWriter,
    source_rows: Sources,
    source_row_count: usize,
    /// The file at hand and those of its members that are not written yet.
    open: BTreeMap<SourceNumber, SourceTally>,
    /// Sources that are read, but whose rows may still wait in the spill.
    held: BTreeMap<SourceNumber, SourceTally>,
    known: KnownCertificates,
    spill: Spill,
    /// What groups left for the join.
    pub gathered: Gathered,
    /// What was learnt of clients.
    pub clients: Clients,
    /// Counts by verdict.
    pub counts: Counts,
    /// Counts of sources.
    pub totals: Totals,
    finished: bool,
}

/// A finished phase 1: the certificates are all written.
pub struct Certificates {
    /// Files of the table, in order.
    pub files: Vec<PathBuf>,
    parts: Vec<Part>,
}

impl Report {
    /// Makes the temporary folder beside `wanted` and opens every table in it.
    pub fn create(
        wanted: &Path,
        audit: Option<&str>,
        sources: Arc<Vec<Source>>,
        encoders: Arc<Encoders>,
        max_gathered: usize,
    ) -> Result<Self, Error> {
        let folder = temporary_beside(wanted)?;
        let writer = |encoder: &Arc<_>| TableWriter::new(Arc::clone(encoder), &folder);
        Ok(Report {
            wanted: wanted.to_owned(),
            audit: audit.map(str::to_owned),
            observations: writer(&encoders.observations)?,
            certificates: writer(&encoders.certificates)?,
            keys: writer(&encoders.keys)?,
            evidence: writer(&encoders.evidence)?,
            context: context::each(|at| writer(&encoders.context[at]))?,
            rejects: writer(&encoders.rejects)?,
            source_table: writer(&encoders.sources)?,
            source_rows: Sources::default(),
            source_row_count: 0,
            open: BTreeMap::new(),
            held: BTreeMap::new(),
            known: KnownCertificates::default(),
            spill: Spill::new(folder.join("pending.spill")),
            gathered: Gathered::new(&folder, max_gathered),
            clients: Clients::default(),
            counts: Counts::default(),
            totals: Totals::default(),
            finished: false,
            folder,
            sources,
            encoders,
        })
    }

    /// Finds out which certificates of a group are new to the scan. In order, group by group.
    pub fn claim(&mut self, encoded: Encoded) -> Claimed {
        encoded.claim(|sha256| self.known.insert(sha256))
    }

    /// Appends a group. In order, group by group.
    pub fn append(&mut self, ready: Ready) -> Result<(), Error> {
        self.observations.append(ready.observations)?;
        self.certificates.append(ready.certificates)?;
        for (table, rows) in self.context.iter_mut().zip(ready.context) {
            table.append(rows)?;
        }
        self.rejects.append(ready.rejects)?;
        self.clients.merge(ready.rest.clients);
        self.counts.merge(&ready.rest.counts);
        for (kind, n) in ready.rest.reject_counts {
            *self.totals.rejects.entry(kind).or_default() += n;
        }
        self.spill.write(&ready.rest.pending)?;
        self.gathered.add(ready.rest.left)?;
        for (source, tally) in ready.rest.sources {
            if self.open.last_key_value().is_some_and(|(last, _)| last.file != source.file) {
                self.close_sources_at_hand()?;
            }
            if self.open.len() >= OPEN_MEMBERS {
                // Archives that are still open have a word to say yet; whatever has ended need not wait for them.
                let all = std::mem::take(&mut self.open).into_iter();
                let (ended, open) = all.partition(|(_, tally)| tally.has_ended);
                self.open = open;
                self.close(ended)?;
            }
            match self.open.get_mut(&source) {
                Some(sum) => sum.add(&tally),
                None => drop(self.open.insert(source, tally)),
            }
        }
        Ok(())
    }

    /// A file is read, with its members.
    fn close_sources_at_hand(&mut self) -> Result<(), Error> {
        let open = std::mem::take(&mut self.open);
        self.close(open)
    }

    /// Sources are read. Their rows are written at once, unless rows of this scan wait: they may still find doubts.
    fn close(&mut self, sources: BTreeMap<SourceNumber, SourceTally>) -> Result<(), Error> {
        for (number, tally) in sources {
            debug_assert!(tally.balances(), "{tally:?}");
            if tally.unnamed > 0 && self.totals.unnamed_source.is_none() {
                let path = &self.sources[number.file as usize].path;
                let member = tally.member.as_ref().map(|member| format!("{path}/{}", member.name));
                self.totals.unnamed_source = Some(member.unwrap_or_else(|| path.clone()));
            }
            match self.spill.is_empty() && self.gathered.listed.is_empty() {
                true => self.write_source(number, &tally)?,
                false => drop(self.held.insert(number, tally)),
            }
        }
        Ok(())
    }

    fn write_source(&mut self, number: SourceNumber, tally: &SourceTally) -> Result<(), Error> {
        self.push_source(number, tally);
        if self.source_row_count >= SOURCE_ROWS {
            self.flush_sources()?;
        }
        Ok(())
    }

    fn release_sources(&mut self) -> Result<(), Error> {
        for (number, tally) in std::mem::take(&mut self.held) {
            self.write_source(number, &tally)?;
        }
        Ok(())
    }

    fn push_source(&mut self, number: SourceNumber, tally: &SourceTally) {
        let source = &self.sources[number.file as usize];
        let member = tally.member.as_deref();
        let bytes = if member.is_some() { tally.bytes } else { Some(source.len) };
        let count = |n: u64| i64::try_from(n).ok();
        let mut skips: Vec<_> = tally.skips.iter().map(|(reason, n)| format!("{reason}={n}")).collect();
        skips.sort();
        let c = &mut self.source_rows;
        c.audit.push(self.audit.as_deref());
        c.source_id.push_with(|out| out.extend_from_slice(member.map_or(&source.id, |member| &member.id)));
        c.source_path.push(Some(&source.path));
        c.source_member.push(member.map(|member| member.name.as_str()));
        c.format.push(tally.format);
        c.bytes.push(bytes.and_then(count));
        c.sha256.push(tally.sha256.as_ref().map(|h| &h[..]));
        c.status.push(Some(tally.status.as_str()));
        c.records.push(count(tally.records));
        c.yielded.push(count(tally.yielded));
        c.observations.push(count(tally.observations));
        c.skipped.push(count(tally.skipped()));
        c.skip_reasons.push(&skips);
        c.rejects.push(count(tally.rejects));
        c.degraded.push(count(tally.degraded));
        self.source_row_count += 1;
        // What members unpack to stands in the file once.
        self.totals.bytes += if member.is_some() { 0 } else { source.len };
        let listed = tally.status == Status::Complete && tally.format.is_some_and(format::is_archive);
        // A member that is encrypted as a whole has no format that anybody knows.
        let is_partly_locked = tally.status == Status::Locked && tally.format.is_some();
        self.totals.read_something |= (tally.status.is_read() || is_partly_locked) && !listed;
        *self.totals.by_status.entry(tally.status.as_str()).or_default() += 1;
        *self.totals.by_format.entry(tally.format.unwrap_or("unknown")).or_default() += 1;
        self.totals.all.add(tally);
    }

    fn flush_sources(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.source_row_count);
        let columns = self.source_rows.finish();
        let mut packer = self.encoders.packer()?;
        self.source_table.append(self.encoders.sources.encode(&mut packer, rows, same(&columns), |_| None)?)
    }

    /// Ends phase 1: closes the certificates, so that waiting rows can be resolved from them.
    pub fn close_certificates(&mut self) -> Result<Certificates, Error> {
        self.close_sources_at_hand()?;
        let parts = self.certificates.finish()?;
        let files = parts.iter().map(|part| self.folder.join(&part.file)).collect();
        Ok(Certificates { files, parts })
    }

    /// The member that a waiting observation comes from.
    pub fn member(&self, source: SourceNumber) -> Option<Arc<Member>> {
        self.held.get(&source)?.member.clone()
    }

    /// The waiting observations, in order.
    pub fn take_spill(&mut self) -> Result<Option<impl Read + use<>>, Error> {
        self.spill.read()
    }

    /// Appends rows of phase 2 and counts their doubts.
    pub fn append_resolved(
        &mut self,
        observations: RowGroup,
        rejects: RowGroup,
        doubts: &[RejectRow],
        left: Left,
    ) -> Result<(), Error> {
        self.gathered.add(left)?;
        for row in doubts {
            let kind = (row.reject.code.as_str(), row.reject.severity.as_str());
            *self.totals.rejects.entry(kind).or_default() += 1;
            if let Some(tally) = self.held.get_mut(&row.source) {
                tally.degraded += 1;
            }
        }
        self.observations.append(observations)?;
        self.rejects.append(rejects)
    }

    /// Appends rows of the join.
    pub fn append_joined(&mut self, keys: RowGroup, evidence: RowGroup, findings: RowGroup) -> Result<(), Error> {
        self.keys.append(keys)?;
        self.evidence.append(evidence)?;
        self.context[context::FINDINGS_AT].append(findings)
    }

    /// Ends phase 2: nothing is learnt of sources any more, and their totals stand.
    pub fn close_sources(&mut self) -> Result<(), Error> {
        self.release_sources()?;
        self.flush_sources()
    }

    /// Distinct certificates of the scan.
    pub fn certificates(&self) -> u64 {
        self.known.len() as u64
    }

    /// Writes the clients and the manifest and puts the report into its place; an older report is renamed aside
    /// first. Returns where that went.
    pub fn finish(
        mut self,
        certificates: Certificates,
        about: &impl Serialize,
        pool: &ThreadPool,
    ) -> Result<Option<PathBuf>, Error> {
        let mut tables: BTreeMap<&str, Vec<Part>> = BTreeMap::new();
        tables.insert("certificates", certificates.parts);
        tables.insert("clients", self.write_clients(pool)?);
        let writers = [
            ("observations", &mut self.observations),
            ("keys", &mut self.keys),
            ("evidence", &mut self.evidence),
            ("rejects", &mut self.rejects),
            ("sources", &mut self.source_table),
        ];
        let context = context::TABLES.iter().zip(&mut self.context).map(|(table, writer)| (table.name, writer));
        let writers: Vec<(&str, &mut TableWriter)> = writers.into_iter().chain(context).collect();
        let finish = |(name, writer): (&'static str, &mut TableWriter)| Ok((name, writer.finish()?));
        let finished = pool.install(|| writers.into_par_iter().map(finish).collect::<Result<Vec<_>, Error>>())?;
        tables.extend(finished);
        self.spill.remove()?;
        let page = self.folder.join(FINDINGS_PAGE);
        fs::write(&page, findings::page()).map_err(Error::io(&page))?;
        let manifest = Manifest { about, tables: &tables };
        let path = self.folder.join(MANIFEST);
        let mut text = serde_json::to_string_pretty(&manifest).map_err(|e| Error::Encode(e.to_string()))?;
        text.push('\n');
        fs::write(&path, text).map_err(Error::io(&path))?;
        let aside = match fs::symlink_metadata(&self.wanted) {
            Ok(_) => Some(rename_aside(&self.wanted)?),
            Err(_) => None,
        };
        fs::rename(&self.folder, &self.wanted).map_err(Error::io(&self.wanted))?;
        self.finished = true;
        Ok(aside)
    }
}

impl Report {
    fn write_clients(&self, pool: &ThreadPool) -> Result<Vec<Part>, Error> {
        let mut writer = TableWriter::new(Arc::clone(&self.encoders.clients), &self.folder)?;
        let names = self.clients.sorted();
        let encode = |names: &[&str]| {
            let columns = self.clients.rows(names, self.audit.as_deref());
            self.encoders.clients.encode(&mut self.encoders.packer()?, names.len(), same(&columns), |_| None)
        };
        in_order(pool, names.chunks(CLIENT_ROWS).map(Ok), encode, |rows| writer.append(rows))?;
        writer.finish()
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing better can be done with an error here; the folder's name says what it is.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

#[derive(Serialize)]
struct Manifest<'a, T: Serialize> {
    #[serde(flatten)]
    about: &'a T,
    tables: &'a BTreeMap<&'a str, Vec<Part>>,
}

/// Whether a report may be written to `wanted`; asked before the long run.
pub fn check_output(wanted: &Path, force: bool) -> Result<(), Error> {
    let Ok(metadata) = fs::symlink_metadata(wanted) else { return Ok(()) };
    let shown = wanted.display();
    if !metadata.is_dir() {
        return Err(Error::Usage(format!("{shown} exists and is not a folder; choose another --output")));
    }
    if !wanted.join(MANIFEST).is_file() {
        return Err(Error::Usage(format!("{shown} exists and is not a report; choose another --output")));
    }
    match force {
        true => Ok(()),
        false => Err(Error::Usage(format!("{shown} exists; --force renames it aside and writes a new one"))),
    }
}

fn temporary_beside(wanted: &Path) -> Result<PathBuf, Error> {
    let parent = match wanted.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(Error::io(parent))?;
    let name = wanted.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| Error::Usage(format!("{} is no name for a report", wanted.display())))?;
    let folder = parent.join(format!(".{name}.partial-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).map_err(Error::io(&folder))?;
    Ok(folder)
}

fn rename_aside(old: &Path) -> Result<PathBuf, Error> {
    let name = old.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let aside = (1u32..).map(|n| old.with_file_name(format!("{name}.old-{n}"))).find(|path| !path.exists());
    let aside = aside.ok_or_else(|| Error::Usage(format!("{} cannot be renamed aside", old.display())))?;
    fs::rename(old, &aside).map_err(Error::io(old))?;
    Ok(aside)
}

/// The SHA-256 of every certificate of the scan: 33 bytes a slot, in 256 tables that grow one at a time, so that
/// growing never needs twice the memory.
struct KnownCertificates {
    tables: Vec<HashTable<[u8; 32]>>,
    len: usize,
}

impl Default for KnownCertificates {
    fn default() -> Self {
        KnownCertificates { tables: (0..256).map(|_| HashTable::new()).collect(), len: 0 }
    }
}

impl KnownCertificates {
    /// True if the certificate was not known before.
    fn insert(&mut self, sha256: &[u8; 32]) -> bool {
        // A digest is its own hash; the first byte has chosen the table.
        let hash = |digest: &[u8; 32]| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&digest[8..16]);
            u64::from_le_bytes(eight)
        };
        let table = &mut self.tables[usize::from(sha256[0])];
        let slot = table.entry(hash(sha256), |known| known == sha256, hash);
        let new = matches!(slot, hashbrown::hash_table::Entry::Vacant(_));
        slot.or_insert(*sha256);
        self.len += usize::from(new);
        new
    }

    fn len(&self) -> usize {
        self.len
    }
}

/// A file for what waits; it exists only if something does.
struct Spill {
    path: PathBuf,
    out: Option<BufWriter<File>>,
    is_empty: bool,
}

impl Spill {
    fn new(path: PathBuf) -> Self {
        Spill { path, out: None, is_empty: true }
    }

    /// Nothing has ever waited.
    fn is_empty(&self) -> bool {
        self.is_empty
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.is_empty = false;
        let out = match &mut self.out {
            Some(out) => out,
            none => {
                let options = File::options().read(true).write(true).create_new(true).open(&self.path);
                none.insert(BufWriter::new(options.map_err(Error::io(&self.path))?))
            }
        };
        out.write_all(bytes).map_err(Error::io(&self.path))
    }

    fn read(&mut self) -> Result<Option<impl Read + use<>>, Error> {
        let Some(out) = self.out.take() else { return Ok(None) };
        let mut file = out.into_inner().map_err(|e| Error::io(&self.path)(e.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(Error::io(&self.path))?;
        Ok(Some(file))
    }

    fn remove(&mut self) -> Result<(), Error> {
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&self.path)(e)),
            _ => Ok(()),
        }
    }
}
