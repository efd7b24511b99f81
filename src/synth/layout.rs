//! From clients to files: shards, a tree of census files, a tree of DER files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use super::census::{self, Scratch};
use super::certificate::Certificates;
use super::key::Key;
use super::names::Client;
use super::options::{Layout, Options};
use super::pool::{Shared, shared_index};
use super::rng::{Purpose, Rng};
use super::summary::Summary;

/// Clients that one task of a tree writes: enough to walk from key to key instead of jumping.
const TREE_TASK: u64 = 64;

/// Memory between a shard's lines and its file.
const BUFFER: usize = 1 << 20;

/// Writes the fleet into `folder`, which is made if it does not exist. Shards, or groups of clients, are written in
/// parallel on rayon's pool; the files do not depend on how many threads it has.
///
/// # Errors
/// `InvalidInput` for options that [`Options::check`] refuses, `AlreadyExists` where the folder is not empty, and
/// whatever writing gives. After an error the folder holds what was written so far.
pub fn write(options: &Options, folder: &Path) -> io::Result<Summary> {
    let fleet = Fleet::new(options)?;
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        let message = format!("{} is not empty; a fleet is only written into a folder of its own", folder.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let tasks = match options.layout {
        Layout::Shards(shards) => u64::from(shards),
        Layout::Tree | Layout::Der => options.clients.div_ceil(TREE_TASK),
    };
    let summaries = (0..tasks).into_par_iter().map(|task| {
        let clients = part(options.clients, task, tasks);
        let mut worker = fleet.worker();
        match options.layout {
            Layout::Shards(_) => worker.write_shard(&folder.join(format!("fleet-{task:05}.ndjson")), clients),
            Layout::Tree => worker.write_tree(folder, clients),
            Layout::Der => worker.write_der(folder, clients),
        }
    });
    summaries.try_reduce(Summary::default, |mut sum, part| {
        sum += part;
        Ok(sum)
    })
}

/// Writes the census of one client; for tests and small samples. [`Fleet`] serves many clients better.
///
/// # Errors
/// As [`Fleet::new`] and [`Worker::write_client`].
pub fn write_client(options: &Options, number: u64, out: &mut impl Write) -> io::Result<Summary> {
    Fleet::new(options)?.worker().write_client(number, out)
}

/// The clients of task `task` out of `tasks`: contiguous, of equal size up to one.
fn part(clients: u64, task: u64, tasks: u64) -> Range<u64> {
    let border = |task: u64| (u128::from(clients) * u128::from(task) / u128::from(tasks.max(1))) as u64;
    border(task)..border(task + 1)
}

/// A fleet that is ready to be written: its options and the certificates that many clients share.
#[derive(Debug)]
pub struct Fleet {
    options: Options,
    certificates: Certificates,
    pool: Vec<Shared>,
}

impl Fleet {
    /// Makes the pool of shared certificates.
    ///
    /// # Errors
    /// `InvalidInput` for options that [`Options::check`] refuses.
    pub fn new(options: &Options) -> io::Result<Self> {
        options.check()?;
        let mut certificates = Certificates::new(options.seed);
        let needed = if options.shared_per_client == 0 { 0 } else { options.shared_pool };
        let pool = (0..needed).map(|number| Shared::new(&mut certificates, number)).collect();
        Ok(Fleet { options: options.clone(), certificates, pool })
    }

    /// A writer of clients, with buffers of its own. Each thread has one.
    pub fn worker(&self) -> Worker<'_> {
        Worker { fleet: self, scratch: Scratch::new(self.certificates.clone()) }
    }
}

/// Writes clients of a [`Fleet`]. Rising numbers are fastest; the bytes do not depend on the order.
pub struct Worker<'f> {
    fleet: &'f Fleet,
    scratch: Scratch,
}

impl Worker<'_> {
    /// Writes the census of client `number` as NDJSON. `files` stays 0 in the summary.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_client(&mut self, number: u64, out: &mut impl Write) -> io::Result<Summary> {
        census::write_client(&self.fleet.options, &self.fleet.pool, &mut self.scratch, number, out)
    }

    fn write_shard(&mut self, path: &Path, clients: Range<u64>) -> io::Result<Summary> {
        let mut out = BufWriter::with_capacity(BUFFER, File::create_new(path)?);
        let mut sum = Summary { files: 1, ..Summary::default() };
        for number in clients {
            sum += self.write_client(number, &mut out)?;
        }
        out.flush()?;
        Ok(sum)
    }

    fn write_tree(&mut self, folder: &Path, clients: Range<u64>) -> io::Result<Summary> {
        let mut sum = Summary::default();
        for number in clients {
            let client = folder.join(Client::new(self.fleet.options.seed, number).host);
            fs::create_dir(&client)?;
            sum += self.write_shard(&client.join("census.ndjson"), number..number + 1)?;
        }
        Ok(sum)
    }

    fn write_der(&mut self, folder: &Path, clients: Range<u64>) -> io::Result<Summary> {
        let Worker { fleet: Fleet { options, pool, .. }, scratch } = self;
        let mut sum = Summary::default();
        for number in clients {
            let client = Client::new(options.seed, number);
            let place = folder.join(&client.host);
            fs::create_dir(&place)?;
            sum.clients += 1;
            let mut put = |name: String, der: &[u8]| {
                sum.files += 1;
                sum.certificates += 1;
                sum.bytes += der.len() as u64;
                sum.der_bytes += der.len() as u64;
                File::create_new(place.join(name))?.write_all(der)
            };
            let mut keys = Rng::stream(options.seed, Purpose::Keys, number);
            for at in 0..options.own_per_client {
                let key = Key::draw(&mut keys, &options.weights);
                let der = scratch.certificates.leaf_of(number * options.own_per_client + at, &client, &key);
                put(format!("own-{at:04}.der"), der)?;
            }
            for at in 0..options.shared_per_client {
                let Some(shared) = pool.get(shared_index(options, number, at) as usize) else { break };
                put(format!("shared-{at:04}.der"), &shared.der)?;
            }
        }
        Ok(sum)
    }
}
