//! The certificates that many clients share, and who has which.

use super::authority;
use super::certificate::Certificates;
use super::options::Options;
use super::print::Print;
use super::rng::{Purpose, Rng};

/// A certificate of the pool, ready to be written.
#[derive(Debug)]
pub(super) struct Shared {
    pub der: Vec<u8>,
    pub base64: Vec<u8>,
    pub print: Print,
    number: u64,
}

impl Shared {
    /// CA certificate number `number`.
    pub fn new(certificates: &mut Certificates, number: u64) -> Self {
        let der = certificates.authority(number).to_vec();
        let mut base64 = Vec::new();
        base64_simd::STANDARD.encode_append(&der, &mut base64);
        Shared { print: Print::of(&der), base64, der, number }
    }

    /// Store location and store of the `round`-th time that a client has it.
    pub fn store(&self, round: u64) -> (&'static str, &'static str) {
        match (authority::is_corporate(self.number), authority::is_root(self.number), round) {
            (true, true, 0) => ("Enterprise", "Root"),
            (true, false, 0) => ("GroupPolicy", "CA"),
            (false, true, 0) => ("LocalMachine", "AuthRoot"),
            (false, false, 0) => ("LocalMachine", "CA"),
            (_, true, 1) => ("LocalMachine", "Root"),
            (_, true, _) => ("CurrentUser", "Root"),
            _ => ("CurrentUser", "CA"),
        }
    }
}

/// Which certificate of the pool is the `at`-th of a client. The first clients take the pool in turns, so that together
/// they have all of it; later ones begin anywhere.
pub(super) fn shared_index(options: &Options, client: u64, at: u64) -> u64 {
    let pool = options.shared_pool.max(1);
    let start = if client < carriers(options) {
        client.wrapping_mul(options.shared_per_client)
    } else {
        Rng::stream(options.seed, Purpose::Records, !client).below(pool)
    };
    (start % pool + at % pool) % pool
}

/// How many of the first clients carry the whole pool, undamaged and in full.
pub(super) fn carriers(options: &Options) -> u64 {
    options.shared_pool.div_ceil(options.shared_per_client.max(1))
}
