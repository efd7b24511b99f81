//! The rules of the replay, one by one; `samples/osquery_log` shows them together.

use super::*;
use crate::format::objects::kind_of;
use crate::format::testing::{Collect, read_all, read_until, read_with};
use crate::format::{FORMATS, HEAD, Memory, sniff as sniff_all};
use crate::record::Lineage;

/// A row of the table `certificates`.
fn row(number: u8) -> String {
    row_in(number, "My")
}

fn row_in(number: u8, store: &str) -> String {
    format!(
        "{{\"common_name\":\"c\",\"sha1\":\"{number:040X}\",\"not_valid_after\":\"1\",\"store_id\":\"{store}\",\"sid\":\"\"}}"
    )
}

/// A result line: epoch, counter and time as they are, and what else it has.
fn line(run: (u8, u8, u8), rest: &str) -> String {
    line_of("h", "q", run, rest)
}

fn line_of(host: &str, query: &str, (epoch, counter, time): (u8, u8, u8), rest: &str) -> String {
    format!(
        "{{\"name\":\"{query}\",\"hostIdentifier\":\"{host}\",\"unixTime\":\"{time}\",\"epoch\":\"{epoch}\",\"counter\":\"{counter}\",{rest}}}\n"
    )
}

fn event(action: &str, row: &str) -> String {
    format!("\"action\":\"{action}\",\"columns\":{row}")
}

fn added(number: u8) -> String {
    event("added", &row(number))
}

fn removed(number: u8) -> String {
    event("removed", &row(number))
}

fn snapshot(numbers: &[u8]) -> String {
    let rows: Vec<_> = numbers.iter().map(|number| row(*number)).collect();
    format!("\"action\":\"snapshot\",\"snapshot\":[{}]", rows.join(","))
}

fn batch(added: &[u8], removed: &[u8]) -> String {
    // As osquery once wrote what is empty.
    let list = |numbers: &[u8]| match numbers {
        [] => "\"\"".to_owned(),
        _ => format!("[{}]", numbers.iter().map(|number| row(*number)).collect::<Vec<_>>().join(",")),
    };
    format!("\"diffResults\":{{\"added\":{},\"removed\":{}}}", list(added), list(removed))
}

fn read_log(lines: &[String]) -> Collect {
    let seen = read_all(&FORMAT, lines.concat().as_bytes(), "osqueryd.results.log");
    assert_eq!(seen.outcome, Outcome::Complete);
    seen
}

/// What is there at the end: the last byte of each hash, with line and number of its row.
fn standing(lines: &[String]) -> Vec<(u8, usize, u32)> {
    let seen = read_log(lines);
    let starts: Vec<u64> =
        lines.iter().scan(0, |at, line| Some(std::mem::replace(at, *at + line.len() as u64))).collect();
    let of = |row: &crate::format::testing::Seen| {
        let line = starts.iter().position(|start| *start == row.lineage.byte_offset).expect("a row stands in its line");
        (row.sha1.map_or(0, |sha1| sha1[19]), line, row.lineage.part)
    };
    seen.observations.iter().map(of).collect()
}

fn skips(lines: &[String]) -> Vec<(&'static str, u64)> {
    read_log(lines).skips.into_iter().collect()
}

#[test]
fn what_is_removed_is_taken_back() {
    let log = [line((1, 1, 1), &added(1)), line((1, 1, 1), &added(2)), line((1, 2, 2), &removed(1))];
    assert_eq!(standing(&log), [(2, 1, 0)]);
    assert_eq!(skips(&log), [("osquery_removed", 1), ("osquery_taken_back", 1)]);
    assert_eq!(read_log(&log).records(), 3);
}

#[test]
fn what_was_not_added_before_takes_nothing_back() {
    let log = [line((1, 3, 3), &removed(1)), line((1, 4, 4), &added(1))];
    assert_eq!((standing(&log), skips(&log)), (vec![(1, 1, 0)], vec![("osquery_removed", 1)]));
    // Nor does the row of another store, query or host.
    let other = event("removed", &row_in(1, "Root"));
    let log = [
        line((1, 1, 1), &added(1)),
        line((1, 2, 2), &other),
        line_of("h", "other", (1, 2, 2), &removed(1)),
        line_of("other", "q", (1, 2, 2), &removed(1)),
    ];
    assert_eq!((standing(&log), skips(&log)), (vec![(1, 0, 0)], vec![("osquery_removed", 3)]));
}

#[test]
fn what_is_added_again_stands_where_it_was_added_last() {
    let log = [line((1, 1, 1), &added(1)), line((1, 2, 2), &removed(1)), line((1, 3, 3), &added(1))];
    assert_eq!(standing(&log), [(1, 2, 0)]);
    assert_eq!(skips(&log), [("osquery_removed", 1), ("osquery_taken_back", 1)]);
}

#[test]
fn equal_rows_are_one_and_the_last_one_stands() {
    let log = [line((1, 1, 1), &added(1)), line((1, 1, 1), &added(1)), line((1, 2, 2), &batch(&[2, 2], &[]))];
    assert_eq!((standing(&log), skips(&log)), (vec![(1, 1, 0), (2, 2, 1)], vec![("osquery_repeated", 2)]));
    let log = [&log[..], &[line((1, 3, 3), &removed(1))]].concat();
    assert_eq!(standing(&log), [(2, 2, 1)], "one removal takes it away");
    let log = [line((1, 1, 1), &added(1)), line((1, 1, 1), &event("added", &row_in(1, "Root")))];
    assert_eq!(standing(&log), [(1, 0, 0), (1, 1, 0)], "another store, another row");
}

#[test]
fn a_snapshot_replaces_what_came_before() {
    let log = [
        line((1, 0, 1), &snapshot(&[1, 2])),
        line_of("h", "other", (1, 0, 1), &snapshot(&[3])),
        line_of("other", "q", (1, 0, 1), &snapshot(&[4])),
        line((1, 0, 2), &snapshot(&[2])),
    ];
    assert_eq!(standing(&log), [(3, 1, 0), (4, 2, 0), (2, 3, 0)]);
    assert_eq!(skips(&log), [("osquery_superseded", 2)]);
    let log = [&log[..], &[line((1, 0, 3), &snapshot(&[]))]].concat();
    assert_eq!(standing(&log), [(3, 1, 0), (4, 2, 0)], "an empty one too");
    assert_eq!(skips(&log), [("osquery_no_rows", 1), ("osquery_superseded", 3)]);
    let log = [line((1, 0, 1), &snapshot(&[1, 2])), line((1, 0, 1), &snapshot(&[2]))];
    assert_eq!(standing(&log), [(2, 1, 0)], "within a second, too");
    // A field with nothing in it is no snapshot.
    let log = [line((1, 1, 1), &added(1)), line((1, 2, 2), &format!("\"snapshot\":[],{}", added(2)))];
    assert_eq!(standing(&log), [(1, 0, 0), (2, 1, 0)]);
}

#[test]
fn rows_of_a_snapshot_that_have_lines_of_their_own_are_one_snapshot() {
    let one = |time, number| line((1, 0, time), &event("snapshot", &row(number)));
    let log = [one(1, 1), one(1, 2), one(2, 2), line_of("other", "q", (1, 0, 2), &added(9)), one(2, 3)];
    assert_eq!(standing(&log), [(2, 2, 0), (9, 3, 0), (3, 4, 0)]);
    assert_eq!(skips(&log), [("osquery_superseded", 2)]);
}

#[test]
fn another_epoch_supersedes_what_came_before() {
    let log = [line((1, 3, 1), &added(1)), line((2, 5, 2), &added(2)), line((2, 6, 3), &added(3))];
    assert_eq!((standing(&log), skips(&log)), (vec![(2, 1, 0), (3, 2, 0)], vec![("osquery_superseded", 1)]));
    // A removed row of the new epoch shows it as well, and so does a row of another table.
    for rest in [removed(7), event("added", "{\"pid\":\"1\"}")] {
        assert_eq!(standing(&[line((1, 3, 1), &added(1)), line((2, 5, 2), &rest)]), []);
    }
    // Lines that name none are of any.
    let unnamed = line((0, 9, 2), &added(2)).replace("\"epoch\":\"0\",", "");
    let log = [line((1, 3, 1), &added(1)), unnamed.clone(), line((1, 4, 3), &added(3))];
    assert_eq!(standing(&log).len(), 3);
    let log = [line((1, 3, 1), &added(1)), unnamed, line((2, 4, 3), &added(3))];
    assert_eq!(standing(&log), [(3, 2, 0)]);
}

#[test]
fn the_first_run_is_a_whole_set() {
    let log = [
        line((1, 7, 1), &added(1)),
        line((1, 0, 2), &added(2)),
        line((1, 0, 2), &added(3)),
        line((1, 1, 3), &added(4)),
    ];
    assert_eq!(standing(&log), [(2, 1, 0), (3, 2, 0), (4, 3, 0)]);
    assert_eq!(skips(&log), [("osquery_superseded", 1)]);
    let again = [line((1, 0, 9), &added(3)), line((1, 0, 9), &added(5))];
    assert_eq!(standing(&[&log[..], &again].concat()), [(3, 4, 0), (5, 5, 0)], "a first run anew");
    let log = [line((1, 7, 1), &added(1)), line((1, 0, 2), &batch(&[2, 3], &[]))];
    assert_eq!(standing(&log), [(2, 1, 0), (3, 1, 1)]);
    assert_eq!(standing(&[&log[..], &[line((1, 0, 3), &batch(&[], &[]))]].concat()), [], "of no rows");
}

#[test]
fn a_run_that_removes_is_no_first_one() {
    // The counter of a query that was rewritten begins anew, and its rows are changes.
    let log = [
        line((1, 7, 1), &added(1)),
        line((1, 7, 1), &added(2)),
        line((1, 0, 2), &removed(2)),
        line((1, 0, 2), &added(3)),
    ];
    assert_eq!(standing(&log), [(1, 0, 0), (3, 3, 0)]);
    let log = [line((1, 7, 1), &batch(&[1, 2], &[])), line((1, 0, 2), &batch(&[3], &[2]))];
    assert_eq!(standing(&log), [(1, 0, 0), (3, 1, 0)]);
}

#[test]
fn a_batch_removes_before_it_adds() {
    let log = [line((1, 1, 1), &batch(&[1, 2], &[])), line((1, 2, 2), &batch(&[1, 3], &[1, 2]))];
    assert_eq!(standing(&log), [(1, 1, 0), (3, 1, 1)]);
    assert_eq!(skips(&log), [("osquery_removed", 2), ("osquery_taken_back", 2)]);
    // What is only in the batch itself is an update to what it was before.
    assert_eq!(standing(&[line((1, 2, 2), &batch(&[1], &[1]))]), [(1, 0, 0)]);
}

#[test]
fn lines_keep_the_order_of_the_log() {
    // A lower number may be a late line or a counter that began anew.
    let log = [line((1, 5, 5), &removed(1)), line((1, 4, 4), &added(1))];
    assert_eq!(standing(&log), [(1, 1, 0)]);
}

#[test]
fn hosts_are_the_same_in_any_case() {
    let log = [line_of("PC-1", "q", (1, 1, 1), &added(1)), line_of("pc-1", "q", (1, 2, 2), &removed(1))];
    assert_eq!(standing(&log), []);
}

#[test]
fn lines_without_host_or_query_belong_to_no_sequence() {
    for (host, query) in [("", "q"), (" ", "q"), ("h", "")] {
        let of = |run, rest: &str| line_of(host, query, run, rest);
        let log = [of((1, 1, 1), &added(1)), of((1, 2, 2), &removed(1)), of((1, 0, 3), &snapshot(&[2]))];
        assert_eq!((standing(&log), skips(&log)), (vec![(1, 0, 0), (2, 2, 0)], vec![("osquery_removed", 1)]));
    }
}

#[test]
fn everything_is_counted_once_and_stands_in_order() {
    let wrapped =
        format!("{{\"data\":[{},{}]}}\n", line((1, 1, 1), &added(5)).trim(), line((1, 2, 2), &removed(5)).trim());
    let log = [
        line((1, 0, 1), &batch(&[1, 2, 3], &[])),
        line((1, 0, 1), &event("added", "{\"pid\":\"4\"}")).replace("\"q\"", "\"p\""),
        "{\"name\":\"q\",\"hostIdentifier\":\"h\n".to_owned(),
        "\r\n".to_owned(),
        row(4) + "\n",
        wrapped,
        "{\"no\":\"kind\"}\n".to_owned(),
        line((1, 1, 2), &event("added", "{\"sha1\":\"\",\"common_name\":\"c\",\"not_valid_after\":\"1\"}")),
        line((1, 1, 2), &batch(&[6], &[2])),
    ];
    // Lines of other kinds are read as among JSON lines, so what they remove is taken back from nothing.
    assert_eq!(standing(&log), [(1, 0, 0), (3, 0, 2), (4, 4, 0), (5, 5, 0), (6, 8, 0)]);
    let seen = read_log(&log);
    assert_eq!(seen.lost(), [Code::BadJson, Code::UnknownType, Code::NoCertificate]);
    assert_eq!(
        seen.skips.into_iter().collect::<Vec<_>>(),
        [("osquery_other_table", 1), ("osquery_removed", 2), ("osquery_taken_back", 1)]
    );
}

#[test]
fn rows_that_do_not_hold_have_no_doubts() {
    let of = |rest: &str| {
        line((1, 1, 1), rest).replace("not_valid_after\":\"1", "issuer\":\"\u{e4}\",\"not_valid_after\":\"1")
    };
    let text = [of(&added(1)), of(&removed(1)), of(&added(2))].concat();
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let seen = read_all(&FORMAT, &latin, "x.log");
    assert_eq!((seen.degraded(), seen.observations.len()), (vec![Code::BadText], 1));
}

#[test]
fn every_encoding_is_replayed() {
    let text = [line((1, 1, 1), &added(1)), line((1, 2, 2), &removed(1)), line((1, 3, 3), &added(2))].concat();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let seen = read_all(&FORMAT, &wide, "x.log");
    let second = 2 * (text.trim_end().rfind('\n').expect("lines") + 1) as u64;
    assert_eq!((seen.observations.len(), seen.observations[0].lineage), (1, Lineage::at(second)));
}

#[test]
fn long_lines_are_rejects_and_the_log_goes_on() {
    let setting = Setting { max_line: 1000, ..Setting::default() };
    let long = line((1, 2, 2), &snapshot(&[1; 20]));
    let log = [line((1, 1, 1), &added(1)), long, line((1, 3, 3), &added(2))].concat();
    let seen = read_with(&FORMAT, log.as_bytes(), "x.log", u64::MAX, &setting);
    assert_eq!((seen.observations.len(), seen.lost()), (2, vec![Code::LineTooLong]));
}

#[test]
fn an_interrupted_log_is_incomplete() {
    let log: String = (1..20).map(|number| line((1, 1, 1), &added(number))).collect();
    let seen = read_until(&FORMAT, log.as_bytes(), "x.log", 3);
    assert_eq!((seen.outcome, seen.observations.len()), (Outcome::Incomplete, 3));
    let log: String = (1..20).map(|number| line((1, 1, 1), &removed(number))).collect();
    assert_eq!(read_until(&FORMAT, log.as_bytes(), "x.log", 3).outcome, Outcome::Incomplete);
}

/// Some bytes, and then an error.
struct Broken<'b>(&'b [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buf)? {
            0 => Err(Fault::new(Code::ArchiveLimit, "no more").into()),
            n => Ok(n),
        }
    }
}

#[test]
fn what_came_before_an_error_is_read() {
    let log = [line((1, 1, 1), &added(1)), line((1, 2, 2), &removed(1)), line((1, 3, 3), &added(2))].concat();
    let (mut window, mut seen, setting) = (Window::new(Broken(log.as_bytes()), 0), Collect::new(), Setting::default());
    let memory = &mut Memory::default();
    let input = Input { window: &mut window, path: "x.log", file: None, setting: &setting, memory };
    assert_eq!(read(input, &mut seen), Outcome::Incomplete);
    assert_eq!((seen.observations.len(), seen.lost()), (1, vec![Code::ArchiveLimit]));
    assert!(window.take_error().is_none(), "it is told once");
}

#[test]
fn a_log_is_found_by_its_first_line() {
    let found = |text: &str| {
        let bytes = &text.as_bytes()[..text.len().min(HEAD)];
        let head = Head { bytes, complete: bytes.len() == text.len(), len: Some(text.len() as u64) };
        let claims: Vec<_> = FORMATS.iter().filter(|format| (format.sniff)(&head)).map(|format| format.name).collect();
        assert_eq!(sniff_all(&head).map(|format| format.name), claims.first().copied());
        claims
    };
    let result = line((1, 1, 1), &added(1));
    assert_eq!(found(&result), ["osquery_log"]);
    assert_eq!(found(&format!("\n{result}{{\"a\":1}}\n")), ["osquery_log"]);
    assert_eq!(found(&format!("{}\n{result}", row(1))), ["flat_ndjson"]);
    assert_eq!(found(&format!("[{result}]")), ["json_document"]);
    assert_eq!(found(&format!("{{\"data\":[{}]}}\n", result.trim())), ["json_lines"]);
    // The names of query and host stand behind rows that are longer than the head.
    let rows = vec![row(1); HEAD / row(1).len() + 1].join(",");
    let names = "\"name\":\"q\",\"hostIdentifier\":\"h\"}\n";
    for begin in
        ["\"action\":\"snapshot\",\"snapshot\":[", "\"snapshot\":[", "\"diffResults\":{\"removed\":\"\",\"added\":["]
    {
        let end = if begin.contains('}') || begin.contains("diff") { "]}" } else { "]" };
        assert_eq!(found(&format!("{{{begin}{rows}{end},{names}")), ["osquery_log"], "{begin}");
    }
    assert_eq!(found(&format!("{{\"snapshots\":[{rows}],{names}")), ["other_json"]);
    assert_eq!(found(&format!("{{\"snapshot\":[{}1],{names}", "1,".repeat(HEAD / 2))), ["other_json"]);
}

#[test]
fn lines_that_are_no_log_keep_their_meaning() {
    let log = [row(9) + "\n", line((1, 1, 1), &added(1)), line((1, 2, 2), &removed(1))].concat();
    let seen = read_all(&lines::FORMAT, log.as_bytes(), "x.jsonl");
    assert_eq!((seen.observations.len(), seen.skips.get("osquery_removed")), (2, Some(&1)));
    // A row of a snapshot with a line of its own is known there, too.
    let text = line((1, 0, 1), &event("snapshot", &row(1)));
    let Ok(Value::Object(object)) = parse(text.trim()) else { panic!("an object") };
    assert_eq!(kind_of(&object).map(|kind| kind.name), Some("osquery_result"));
}

#[test]
fn the_replay_agrees_with_a_slow_one() {
    // Every log of four steps out of these, on two rows.
    let steps = [
        (9, added(1), "+1"),
        (9, added(2), "+2"),
        (9, removed(1), "-1"),
        (9, batch(&[1], &[2]), "-2 +1"),
        (9, snapshot(&[2]), "0 +2"),
        (0, batch(&[1, 2], &[]), "0 +1 +2"),
    ];
    let count = steps.len();
    for which in 0..count.pow(4) {
        let chosen: Vec<usize> = (0..4).map(|nth| which / count.pow(nth) % count).collect();
        let (mut log, mut there, mut records) = (Vec::new(), Vec::<(u8, usize)>::new(), 0);
        for (nth, step) in chosen.iter().enumerate() {
            let (counter, rest, words) = &steps[*step];
            log.push(line((1, *counter, nth as u8), rest));
            for word in words.split(' ') {
                let number = word.trim_start_matches(['+', '-']).parse().expect("a number");
                there.retain(|(known, _)| word != "0" && *known != number);
                if word.starts_with('+') {
                    there.push((number, nth));
                }
                records += u64::from(word != "0");
            }
        }
        there.sort_by_key(|(number, nth)| (*nth, *number));
        let found: Vec<_> = standing(&log).into_iter().map(|(number, nth, _)| (number, nth)).collect();
        assert_eq!(found, there, "{log:?}");
        assert_eq!(read_log(&log).records(), records, "{log:?}");
    }
}
