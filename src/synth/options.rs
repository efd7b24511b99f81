//! What to make: sizes, shares, layout.

use std::io;

use super::key::Weights;

/// How the fleet is laid out on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// This many census files, `fleet-00000.ndjson` and on, each with a run of neighbouring clients.
    Shards(u32),
    /// One folder a client with one census file: `HOST/census.ndjson`.
    Tree,
    /// One folder a client with one DER file a certificate: `HOST/own-0000.der`, `HOST/shared-0000.der`. There are no
    /// records, so shares of records do not apply.
    Der,
}

/// A synthetic fleet. Same options, same bytes, on any machine and with any number of threads.
///
/// Shares go from 0.0 to 1.0. Records of one client depend on the seed, the client's number and these options except
/// `clients` and `layout`.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Everything random comes from it.
    pub seed: u64,
    /// How many clients.
    pub clients: u64,
    /// Certificates that only one client has, most of them with a key.
    pub own_per_client: u64,
    /// Certificates out of the pool that each client has too, without keys. Beyond the size of the pool they repeat,
    /// in other stores.
    pub shared_per_client: u64,
    /// How many distinct root and intermediate certificates there are; at most [`MAX_POOL`].
    pub shared_pool: u64,
    /// How many of the providers that come with Windows each client lists; those that its keys use are always listed.
    pub providers_per_client: usize,
    /// Layout on disk.
    pub layout: Layout,
    /// Where keys live.
    pub weights: Weights,
    /// Share of certificate records that are damaged, evenly as [`Broken`](super::Broken) counts them.
    pub broken: f64,
    /// Share of certificate records that name a certificate by hash only, whose DER stands in another, undamaged record
    /// of the fleet: an earlier one of the same client, or one of the first clients, which carry the whole pool.
    pub hash_only: f64,
    /// Share of clients without `end` record.
    pub missing_end: f64,
    /// Share of clients whose collector was thorough: it opened keys and asked for optional properties.
    pub thorough: f64,
    /// Share of clients with a key container that has no certificate.
    pub lone_keys: f64,
    /// Share of clients with a `binding` record.
    pub bindings: f64,
    /// Share of clients with an `error` record.
    pub errors: f64,
}

/// Largest pool of shared certificates, which is held in memory: about 4 KB each.
pub const MAX_POOL: u64 = 65_536;

impl Default for Options {
    /// A plausible fleet of a thousand clients.
    fn default() -> Self {
        Options {
            seed: 1,
            clients: 1_000,
            own_per_client: 8,
            shared_per_client: 60,
            shared_pool: 150,
            providers_per_client: 6,
            layout: Layout::Shards(8),
            weights: Weights::default(),
            broken: 0.0,
            hash_only: 0.02,
            missing_end: 0.005,
            thorough: 0.25,
            lone_keys: 0.3,
            bindings: 0.2,
            errors: 0.02,
        }
    }
}

impl Options {
    /// The benchmark corpus `distinct`: 400,000 certificates, each once.
    pub fn distinct() -> Self {
        Options { clients: 4_000, own_per_client: 100, shared_per_client: 0, ..Options::benchmark() }
    }

    /// The benchmark corpus `fleet`: 20,000 clients with 8 own and 60 shared certificates each.
    pub fn fleet() -> Self {
        Options { clients: 20_000, own_per_client: 8, shared_per_client: 60, ..Options::benchmark() }
    }

    /// What the benchmark corpora have in common: nothing but clean certificate records, in 32 files.
    fn benchmark() -> Self {
        Options {
            layout: Layout::Shards(32),
            hash_only: 0.0,
            missing_end: 0.0,
            thorough: 0.1,
            lone_keys: 0.0,
            bindings: 0.0,
            errors: 0.0,
            ..Options::default()
        }
    }

    /// Refuses what cannot be made, naming the option.
    ///
    /// # Errors
    /// `InvalidInput`: a share outside 0.0 to 1.0, no shard, a pool that is too large or empty though certificates of
    /// it are asked for, only zero weights, or more certificates than 64 bits count.
    pub fn check(&self) -> io::Result<()> {
        let shares = [
            ("broken", self.broken),
            ("hash_only", self.hash_only),
            ("missing_end", self.missing_end),
            ("thorough", self.thorough),
            ("lone_keys", self.lone_keys),
            ("bindings", self.bindings),
            ("errors", self.errors),
        ];
        if let Some((name, share)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return invalid(format!("{name} is {share}, but a share lies between 0 and 1"));
        }
        if self.layout == Layout::Shards(0) {
            return invalid("a fleet needs at least one shard".to_owned());
        }
        if self.shared_pool > MAX_POOL {
            return invalid(format!("shared_pool is {}, but at most {MAX_POOL} are possible", self.shared_pool));
        }
        if self.shared_pool == 0 && self.shared_per_client > 0 {
            return invalid("shared_per_client needs a shared_pool".to_owned());
        }
        if self.weights.list().iter().all(|weight| *weight == 0) {
            return invalid("all weights are 0".to_owned());
        }
        let certificates = self.own_per_client.checked_add(self.shared_per_client);
        if certificates.and_then(|each| each.checked_mul(self.clients)).is_none() {
            return invalid("clients times certificates exceeds 64 bits".to_owned());
        }
        Ok(())
    }
}

fn invalid<T>(message: String) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}
