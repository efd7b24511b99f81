//! Limits of unpacking, kept for one file and everything nested in it.

use std::cell::{Cell, RefCell};
use std::io::{self, Read};

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

use super::Fault;
use crate::hex;
use crate::record::{Code, Lineage, Reject, Stage};
use crate::walk::{Source, SourceNumber};

/// How far archives are unpacked. Each limit is an option, and reaching one is a reject that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Archives inside each other: 1 reads members of archives, but no archive among them.
    pub depth: u32,
    /// Bytes that one member may give for each byte it takes in its archive, or in the file; counts from
    /// [`Limits::RATIO_FROM`] on.
    pub ratio: u64,
    /// Entries of one file, folders among them, all nesting together.
    pub members: u64,
    /// Bytes that all members of one file may give, all nesting together: what is nested counts at each level.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { depth: 4, ratio: 1000, members: 1_000_000, bytes: 1 << 40 }
    }
}

impl Limits {
    /// Greatest depth that may be asked for: each archive in an archive takes some of a worker's stack.
    pub const DEEPEST: u32 = 64;
    /// Bytes of a member from which on its ratio counts: small members may be as dense as they like.
    pub const RATIO_FROM: u64 = 64 * 1024 * 1024;
}

/// What is left of the limits for one file, and the numbers and ids of its members.
pub struct Budget {
    limits: Limits,
    /// Size of the file.
    len: u64,
    entries: Cell<u64>,
    bytes: Cell<u64>,
    numbered: Cell<u32>,
    is_spent: Cell<bool>,
    /// The hash that every id begins with.
    path: Sha256,
    /// How often an id came up: two members may have the same name.
    ids: RefCell<HashMap<[u8; 8], u32, foldhash::fast::RandomState>>,
}

impl Budget {
    /// All of it, for this file.
    pub fn new(limits: Limits, source: &Source) -> Self {
        let mut path = Sha256::new_with_prefix(source.path.as_bytes());
        if hex::text(&path.clone().finalize()[..8]).as_bytes() != source.id {
            // Another input has the same path, and members of its own.
            path = Sha256::new_with_prefix(source.id);
        }
        path.update([0]);
        Budget {
            limits,
            len: source.len,
            entries: Cell::new(0),
            bytes: Cell::new(0),
            numbered: Cell::new(0),
            is_spent: Cell::new(false),
            path,
            ids: RefCell::default(),
        }
    }

    /// No further member of the file is read.
    pub fn is_spent(&self) -> bool {
        self.is_spent.get()
    }

    /// Counts an entry; the reject where there are too many.
    pub fn count(&self) -> Result<(), Reject> {
        self.entries.set(self.entries.get() + 1);
        if self.entries.get() <= self.limits.members.min(u64::from(u32::MAX - 1)) {
            return Ok(());
        }
        self.is_spent.set(true);
        Err(reject(limit("members", self.limits.members, "--max-archive-members")))
    }

    /// The reject for an archive that lies this deep, where that is too deep. The file itself has depth 1.
    pub fn refuse_depth(&self, depth: u32) -> Option<Reject> {
        let too_deep = depth > self.limits.depth;
        too_deep.then(|| reject(limit("archives in archives", self.limits.depth, "--max-archive-depth")))
    }

    /// The number of the next member of this file.
    pub fn number(&self, file: u32) -> SourceNumber {
        self.numbered.set(self.numbered.get() + 1);
        SourceNumber { file, member: self.numbered.get() }
    }

    /// The id of a member. Of members with one name, or one hash, the later ones get a number into it.
    pub fn id(&self, name: &str) -> [u8; 16] {
        let hash = self.path.clone().chain_update(name);
        let mut eight = [0; 8];
        eight.copy_from_slice(&hash.clone().finalize()[..8]);
        let mut ids = self.ids.borrow_mut();
        let nth = ids.entry(eight).or_default();
        *nth += 1;
        if *nth > 1 {
            let numbered = hash.chain_update([0]).chain_update((*nth - 1).to_le_bytes());
            eight.copy_from_slice(&numbered.finalize()[..8]);
        }
        let mut id = [0; 16];
        id.copy_from_slice(hex::text(&eight).as_bytes());
        id
    }

    /// The bytes of a member as long as they stay within the limits; hashed too, where wanted.
    pub fn meter<'m>(&'m self, read: &'m mut dyn Read, packed: Option<&'m Cell<u64>>, hash: bool) -> Meter<'m> {
        Meter { budget: self, read, packed, count: 0, at_end: false, fault: None, hash: hash.then(Sha256::new) }
    }

    /// The ratio of a member: of what it gives to what it takes in its archive, or in the file where that is less.
    fn is_too_dense(&self, count: u64, packed: Option<&Cell<u64>>) -> bool {
        let taken = packed.map_or(u64::MAX, Cell::get).min(self.len).max(1);
        count > Limits::RATIO_FROM && count / taken >= self.limits.ratio
    }
}

fn limit(of: &str, value: impl std::fmt::Display, option: &str) -> Fault {
    let message = format!("the limit of {of} is {value} ({option}); the rest is not read");
    Fault::new(Code::ArchiveLimit, message)
}

fn reject(fault: Fault) -> Reject {
    Reject::lost(Lineage::default(), Stage::Read, fault.code, fault.message)
}

/// Bytes of a member, counted against the limits.
pub struct Meter<'m> {
    budget: &'m Budget,
    read: &'m mut dyn Read,
    packed: Option<&'m Cell<u64>>,
    count: u64,
    at_end: bool,
    fault: Option<Fault>,
    hash: Option<Sha256>,
}

impl Meter<'_> {
    /// Size of the member, where it was read to its end.
    pub fn len(&self) -> Option<u64> {
        self.at_end.then_some(self.count)
    }

    /// Nothing of it was read.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes read so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Reads what is left, if a hash is wanted, until told to stop.
    pub fn read_to_end(&mut self, stopped: impl Fn() -> bool) -> io::Result<()> {
        if self.hash.is_none() || self.fault.is_some() {
            return Ok(());
        }
        let mut buffer = vec![0; crate::input::CHUNK];
        while !stopped() && self.read(&mut buffer)? > 0 {}
        Ok(())
    }

    /// The SHA-256 of all, if it was wanted and the end was reached.
    pub fn into_hash(self) -> Option<[u8; 32]> {
        self.hash.filter(|_| self.at_end).map(|hash| hash.finalize().into())
    }

    /// How many of `n` bytes just read are within the limit of all.
    fn within(&self, n: usize) -> usize {
        let over = self.budget.bytes.get().saturating_sub(self.budget.limits.bytes);
        n.saturating_sub(usize::try_from(over).unwrap_or(usize::MAX))
    }

    fn check(&mut self) -> Result<(), Fault> {
        let Limits { ratio, bytes, .. } = self.budget.limits;
        if self.budget.bytes.get() > bytes {
            self.budget.is_spent.set(true);
            return Err(limit("unpacked bytes of a file", bytes, "--max-archive-bytes"));
        }
        match self.budget.is_too_dense(self.count, self.packed) {
            true => Err(limit("unpacked bytes for each packed one", ratio, "--max-archive-ratio")),
            false => Ok(()),
        }
    }
}

impl Read for Meter<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone().into());
        }
        let n = self.read.read(buf)?;
        self.at_end |= n == 0 && !buf.is_empty();
        self.budget.bytes.set(self.budget.bytes.get() + n as u64);
        self.count += n as u64;
        if let Err(fault) = self.check() {
            self.fault = Some(fault.clone());
            // What is still within the limit is read, however the bytes come.
            return match self.within(n) {
                0 => Err(fault.into()),
                within if within < n => Ok(within),
                _ => Err(fault.into()),
            };
        }
        if let Some(hash) = &mut self.hash {
            hash.update(&buf[..n]);
        }
        Ok(n)
    }
}
