//! From claims to verdicts.

use std::hint::black_box;
use std::sync::Arc;

use certcensus::classify::{Catalogue, Classifier, Marks};
use certcensus::record::KeyReport;
use certcensus::synth::Options;
use criterion::Criterion;

use crate::fleet::{self, Kept};
use crate::{of, scaled};

/// Records without a word on a key, with one, and with one on a client that lists its providers.
pub fn judge(criterion: &mut Criterion) {
    let options = Options { own_per_client: 20, shared_per_client: 20, ..Options::fleet() };
    let seen = fleet::observations(&fleet::census(&options, scaled(50)).text);
    let (claimed, wordless): (Vec<&Kept>, Vec<&Kept>) =
        seen.iter().partition(|kept| kept.claims.key_report == KeyReport::Claimed);
    let mut group = criterion.benchmark_group("judge");
    let cases = [("no_word", &wordless, false), ("key", &claimed, false), ("key_and_registry", &claimed, true)];
    for (name, seen, with_registry) in cases {
        let mut classifier = Classifier::new(Arc::new(Catalogue::builtin()));
        // Bytes of what the record claims, as JSON.
        let bytes = |kept: &&Kept| serde_json::to_string(&kept.claims).map_or(0, |text| text.len());
        of(&mut group, seen.len() as u64, seen.iter().map(bytes).sum());
        group.bench_function(name, |b| {
            b.iter(|| {
                for kept in seen {
                    let registry = if with_registry { &kept.registry[..] } else { &[] };
                    black_box(classifier.judge(black_box(&kept.claims), registry, Marks::default()));
                }
            });
        });
    }
    group.finish();
}
