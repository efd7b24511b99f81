//! Serialized certificate store (`.sst`): a header, elements back to back, an end mark.
//!
//! Read as a stream, one element at a time, so a store of any size needs the memory of its largest element.
//! Windows-binary section 2; MS-OSHARED 2.3.2.5.

use super::element::{self, HEADER, Next, Setting, look_ahead, pass_over, pass_well_formed};
use super::place::Place;
use super::{Border, Format, Head, Input, Outcome, trailing_bytes};
use crate::input::Window;
use crate::record::{Code, Reject, Sink, Stage};

/// Version 0, then `CERT`.
const MAGIC: &[u8] = b"\0\0\0\0CERT";

/// A store file.
pub static FORMAT: Format = Format {
    name: "sst",
    title: "Microsoft serialized certificate store",
    usual_names: "*.sst",
    yields: "every certificate and key with its store properties; CRLs and CTLs are skipped",
    source: "MS-OSHARED 2.3.2.5",
    sniff: is_store_head,
    read: Some(read),
    unpack: None,
    border: Some(Border::Counted(borders)),
};

fn is_store_head(head: &Head<'_>) -> bool {
    is_store(head.bytes)
}

/// Whether `bytes` begin like a store.
pub(crate) fn is_store(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let place = &mut Place::in_source(0);
    match input.window.offset() {
        0 => read_store(input.window, place, sink),
        _ => read_elements(input.window, place, sink),
    }
}

/// Borders between elements, about `step` bytes apart. What is not well-formed, and all after it, is left to one reader.
fn borders(window: &mut Window<'_>, step: u64) -> Vec<u64> {
    let (mut borders, mut last) = (Vec::new(), 0);
    if !is_store(window.fill(MAGIC.len())) {
        return borders;
    }
    window.consume(MAGIC.len());
    loop {
        let at = window.offset();
        if at >= last + step {
            borders.push(at);
            last = at;
        }
        if !pass_well_formed(window) {
            return borders;
        }
    }
}

/// Reads the store that begins where the window stands.
pub(crate) fn read_store(window: &mut Window<'_>, place: &mut Place, sink: &mut dyn Sink) -> Outcome {
    if !is_store(window.fill(MAGIC.len())) {
        let message = "the source does not begin like a serialized store";
        sink.reject(Reject::lost(place.next(window.offset()), Stage::Read, Code::BadStructure, message));
        return Outcome::Failed;
    }
    window.consume(MAGIC.len());
    read_elements(window, place, sink)
}

fn read_elements(window: &mut Window<'_>, place: &mut Place, sink: &mut dyn Sink) -> Outcome {
    while !sink.stopped() {
        let at = window.offset();
        match look_ahead(window) {
            Next::Element(len) => {
                let bytes = window.available().get(..len).unwrap_or_default();
                element::push(bytes, Setting::STORE, place.next(at), sink);
                window.consume(len);
            }
            Next::EndMark => return end(window, place, sink),
            Next::Nothing if window.goes_on() => return Outcome::Complete,
            Next::Nothing => {
                let message = "the store has no end mark: certificates may be missing";
                sink.reject(Reject::lost(place.next(at), Stage::Read, Code::Truncated, message));
                return Outcome::Incomplete;
            }
            next => {
                let (reject, outcome) = element::unreadable(next, place.next(at));
                sink.reject(reject);
                match next {
                    Next::Unclosed(len) => window.consume(len),
                    Next::TooLarge if pass_over(window) => {}
                    Next::TooLarge => return Outcome::Incomplete,
                    _ => return outcome,
                }
            }
        }
    }
    Outcome::Incomplete
}

/// Passes over the end mark and says how much stands after it.
fn end(window: &mut Window<'_>, place: &mut Place, sink: &mut dyn Sink) -> Outcome {
    window.consume(HEADER);
    let at = window.offset();
    let left = window.skip(u64::MAX);
    if left > 0 {
        sink.reject(trailing_bytes(place.next(at), left));
    }
    Outcome::Complete
}

#[cfg(test)]
mod tests {
    use sha1::{Digest, Sha1};

    use super::*;
    use crate::format::testing::{Collect, corpus, read_all, read_until, sample};
    use crate::record::KeyReport;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02X}")).collect()
    }

    fn thumbprints(seen: &Collect) -> Vec<String> {
        seen.observations.iter().map(|o| hex(&Sha1::digest(o.der.as_deref().unwrap_or_default()))).collect()
    }

    #[test]
    fn every_kind_of_key_in_one_store() {
        let seen = read_all(&FORMAT, &sample("sst", "key-kinds.sst"), "x.sst");
        assert_eq!((seen.outcome, seen.observations.len(), seen.rejects.len()), (Outcome::Complete, 7, 0));
        assert_eq!(seen.skips.into_iter().collect::<Vec<_>>(), [("crl", 1), ("ctl", 1)]);
        let claims: Vec<_> = seen.observations.iter().map(|o| &o.claims).collect();
        let types: Vec<_> = claims.iter().map(|c| c.provider_type).collect();
        assert_eq!(types, [Some(24), Some(0), Some(0), Some(1), Some(0), None, None]);
        assert_eq!(claims[2].request_originator.as_deref(), Some("pc-0001.example.test"));
        assert_eq!(claims[3].reader.as_deref(), Some("Example Reader 0"));
        assert!(claims[4].reader_non_removable);
        assert_eq!((claims[5].archived, claims[5].key_report), (Some(true), KeyReport::Absent));
        assert_eq!((claims[6].archived, claims[6].key_report), (None, KeyReport::NotReported), "no property at all");
        assert_eq!(seen.observations[0].lineage.byte_offset, 8);
    }

    #[test]
    fn a_store_read_in_pieces_is_the_store() {
        for name in ["key-kinds.sst", "bad-records.sst", "empty.sst"] {
            let bytes = sample("sst", name);
            for step in [1, 1500, 4000] {
                let mut cuts = borders(&mut Window::new(&bytes[..], 0), step);
                assert!(name != "key-kinds.sst" || cuts.len() >= [6, 3, 1][step as usize / 1500], "{step}: {cuts:?}");
                cuts.push(bytes.len() as u64);
                let (mut whole, mut pieces) = (Collect::new(), Collect::new());
                let mut start = 0;
                for cut in cuts.into_iter().filter(|cut| *cut > 0) {
                    let mut window = Window::new(&bytes[start as usize..cut as usize], start);
                    window.set_goes_on(cut < bytes.len() as u64);
                    let place = &mut Place::in_source(0);
                    match start {
                        0 => read_store(&mut window, place, &mut pieces),
                        _ => read_elements(&mut window, place, &mut pieces),
                    };
                    start = cut;
                }
                read_store(&mut Window::new(&bytes[..], 0), &mut Place::in_source(0), &mut whole);
                assert_eq!(format!("{pieces:?}"), format!("{whole:?}"), "{name} by {step}");
            }
        }
    }

    #[test]
    fn bad_records_cost_themselves_alone() {
        let seen = read_all(&FORMAT, &sample("sst", "bad-records.sst"), "x.sst");
        assert_eq!(seen.lost(), [Code::BadStructure, Code::BadStructure]);
        assert_eq!(seen.degraded(), [Code::BadProperty, Code::BadProperty, Code::TrailingBytes]);
        assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Complete, 1));
    }

    #[test]
    fn a_truncated_store_keeps_what_is_complete() {
        let bytes = sample("sst", "key-kinds.sst");
        let without_mark = read_all(&FORMAT, &bytes[..bytes.len() - 12], "x.sst");
        assert_eq!((without_mark.lost(), without_mark.observations.len()), (vec![Code::Truncated], 7));
        let inside = read_all(&FORMAT, &bytes[..2000], "x.sst");
        assert_eq!((inside.outcome, inside.lost()), (Outcome::Incomplete, vec![Code::Truncated]));
        assert_eq!(inside.observations.len(), 2);
        assert_eq!(read_all(&FORMAT, &sample("sst", "empty.sst"), "x.sst").records(), 0);
    }

    #[test]
    fn an_element_over_the_limit_is_passed_over() {
        let header = |id: u32, len: u32| [id, 1, len].map(u32::to_le_bytes).concat();
        let big = vec![0; 17 << 20];
        let small = [header(32, 2), vec![0x30, 0]].concat();
        let store = [MAGIC, &header(200, big.len() as u32), &big, &small, &small, &[0; 12]].concat();
        let seen = read_all(&FORMAT, &store, "x.sst");
        assert_eq!((seen.outcome, seen.lost()), (Outcome::Complete, vec![Code::TooLarge]));
        assert_eq!(seen.observations.len(), 1, "the element after it");
    }

    #[test]
    fn an_interrupted_run_stops_at_an_element() {
        let seen = read_until(&FORMAT, &sample("sst", "key-kinds.sst"), "x.sst", 2);
        assert_eq!((seen.outcome, seen.records()), (Outcome::Incomplete, 2));
    }

    #[test]
    fn corpus_stores_hold_what_the_manifest_says() {
        for entry in corpus(|file| file == "sst/roots-wu-2021.sst") {
            let seen = read_all(&FORMAT, &entry.bytes, "x.sst");
            assert_eq!((seen.outcome, seen.rejects.len(), seen.observations.len()), (Outcome::Complete, 0, 434));
            let mut ids: Vec<u32> =
                seen.observations.iter().flat_map(|o| o.claims.properties.iter().map(|p| p.id)).collect();
            ids.sort_unstable();
            ids.dedup();
            assert!(entry.yields.contains(&format!("prop ids {ids:?}")));
            assert!(seen.observations.iter().all(|o| o.claims.key_report == KeyReport::Absent));
            let named = seen.observations[0].claims.friendly_name.as_deref().unwrap_or_default();
            assert!(entry.yields.contains(&format!("first sha1 {} friendly '{named}'", thumbprints(&seen)[0])));
        }
        for entry in corpus(|file| file == "sst/dotnet-store-2certs.sst") {
            let seen = read_all(&FORMAT, &entry.bytes, "x.sst");
            assert_eq!((seen.outcome, seen.rejects.len()), (Outcome::Complete, 0));
            let reports: Vec<_> = seen.observations.iter().map(|o| o.claims.key_report).collect();
            assert_eq!(reports, [KeyReport::Claimed, KeyReport::NotReported]);
            assert!(thumbprints(&seen).iter().all(|sha1| entry.yields.contains(sha1)));
        }
    }

    #[test]
    fn the_store_written_by_another_implementation_decodes_as_expected() {
        let expected = corpus(|file| file == "wine/wine-mixed.expected.jsonl").pop();
        let store = corpus(|file| file == "wine/sst-wine-mixed.sst").pop();
        let (Some(expected), Some(store)) = (expected, store) else { return };
        let seen = read_all(&FORMAT, &store.bytes, "x.sst");
        let lines = String::from_utf8_lossy(&expected.bytes);
        let lines: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
        assert_eq!((seen.observations.len(), lines.len()), (20, 20));
        for ((observation, sha1), line) in seen.observations.iter().zip(thumbprints(&seen)).zip(&lines) {
            let claims = &observation.claims;
            assert_eq!(line["sha1"], sha1);
            let ids: Vec<u32> = claims.properties.iter().map(|p| p.id).collect();
            assert_eq!(line["prop_ids"], serde_json::json!(ids));
            let key = &line["key"];
            assert_eq!(key.is_object(), claims.key_report == KeyReport::Claimed);
            assert_eq!(key["container"].as_str(), claims.key_container.as_deref());
            assert_eq!(key["provider"].as_str(), claims.provider_name.as_deref());
            let numbers = [claims.provider_type, claims.key_flags, claims.key_spec];
            for (name, number) in ["prov_type", "flags", "key_spec"].into_iter().zip(numbers) {
                assert_eq!(key[name].as_u64(), number.map(u64::from), "{name}");
            }
            assert_eq!(line["p11"].as_str(), claims.friendly_name.as_deref());
        }
    }
}
