//! The samples in the tree, with what each must yield.

use std::path::Path;

use super::*;

fn sample(format: &Format, name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(format.name).join(name);
    let bytes = std::fs::read(&path).unwrap_or_default();
    assert!(!bytes.is_empty(), "{} cannot be read", path.display());
    for other in [&CENSUS, &FLAT] {
        let claimed = (other.sniff)(&Head { bytes: &bytes, complete: true, len: None });
        assert_eq!(claimed, other.name == format.name, "{name} and {}", other.name);
    }
    bytes
}

/// How many events begin with `kind`.
fn count(seen: &Recorder, kind: &str) -> usize {
    seen.events.iter().filter(|event| event.starts_with(kind)).count()
}

#[test]
fn a_small_fleet() {
    let (seen, outcome) = read_at(&CENSUS, &sample(&CENSUS, "fleet.ndjson"), 0, MAX_LINE);
    assert_eq!(outcome, Outcome::Complete);
    assert_eq!(seen.records(), 34);
    let kinds = ["Client {", "Provider {", "Observation {", "skip end", "Binding {"].map(|kind| count(&seen, kind));
    assert_eq!(kinds, [3, 15, 11, 3, 1]);
    assert_eq!(seen.codes(), [(Code::CollectorError, Severity::Lost)]);
    let registries = seen.events.iter().filter(|event| event.contains("impl_status: Some(\"80100010\")"));
    assert_eq!(registries.count(), 3 + 11, "each observation knows the providers of its own client");
}

#[test]
fn a_damaged_shard() {
    let (seen, outcome) = read_at(&CENSUS, &sample(&CENSUS, "damaged.ndjson"), 0, MAX_LINE);
    assert_eq!(outcome, Outcome::Incomplete);
    assert_eq!(seen.records(), 12);
    use Severity::{Degraded, Lost};
    assert_eq!(
        seen.codes(),
        [
            (Code::BadHex, Degraded),
            (Code::EndCountsDiffer, Degraded),
            (Code::BadField, Degraded),
            (Code::NoCertificate, Lost),
            (Code::BadJson, Lost),
            (Code::UnknownType, Lost),
            (Code::BadField, Lost),
            (Code::SequenceGap, Degraded),
            (Code::MissingEnd, Degraded),
        ]
    );
    assert_eq!(count(&seen, "incomplete Some(\"KIOSK-CEDAR\")"), 1);
}

#[test]
fn vendor_lines() {
    let (seen, _) = read_at(&FLAT, &sample(&FLAT, "vendors.ndjson"), 0, MAX_LINE);
    assert_eq!((seen.records(), count(&seen, "Observation {"), seen.codes()), (7, 7, vec![]));
    let (seen, _) = read_at(&FLAT, &sample(&FLAT, "odd.ndjson"), 0, MAX_LINE);
    let lost = Severity::Lost;
    let expected = [
        (Code::BadField, Severity::Degraded),
        (Code::BadJson, lost),
        (Code::NoCertificate, lost),
        (Code::NoCertificate, lost),
    ];
    assert_eq!((seen.records(), seen.codes()), (4, expected.to_vec()));
}
