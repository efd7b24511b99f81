//! `Registry.pol`: the registry values that a Group Policy sets (MS-GPREG 2.2.1).
//!
//! `PReg`, version 1, then `[key;value;type;size;data]`, with brackets, semicolons and NUL-terminated names in UTF-16LE,
//! type and size as u32. Keys are relative to the hive of the machine or of the user, which the file does not say: it
//! lies in a folder `Machine` or `User` of the policy.

use std::ops::Range;

use memchr::memmem;

use super::collect::Collector;
use super::place::Root;
use crate::format::text::utf16le;
use crate::format::{Format, Head, Input, Outcome};
use crate::input::Window;
use crate::record::{Code, Lineage, Reject, Sink, Stage, StoreLocation};

/// `PReg` and version 1.
const MAGIC: &[u8] = b"PReg\x01\0\0\0";
/// Longest key path or value name, in bytes: key paths have at most 32767 characters.
const MAX_NAME: usize = 64 * 1024;
/// Largest value that is read.
const MAX_VALUE: usize = 16 * 1024 * 1024;
/// Between the end of an entry and the beginning of the next.
const BORDER: &[u8] = b"]\0[\0";
/// A semicolon, a u32, twice, and a semicolon.
const NUMBERS: usize = 14;

/// A policy file.
pub static FORMAT: Format = Format {
    name: "registry_pol",
    title: "Group Policy Registry.pol",
    usual_names: "Registry.pol",
    yields: "every certificate that the policy puts into a store; CRLs and CTLs are skipped",
    source: "MS-GPREG 2.2.1",
    sniff: is_policy,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_policy(head: &Head<'_>) -> bool {
    head.bytes.starts_with(MAGIC)
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let Input { window, path, .. } = input;
    if !window.fill(MAGIC.len()).starts_with(MAGIC) {
        let message = "the source does not begin like a policy file";
        let lineage = Lineage::at(window.offset());
        sink.reject(Reject::lost(lineage, Stage::Read, Code::BadStructure, message));
        return Outcome::Failed;
    }
    window.consume(MAGIC.len());
    let is_in = |name: &str| path.rsplit('/').skip(1).any(|folder| folder.eq_ignore_ascii_case(name));
    let hive = match (is_in("Machine"), is_in("User")) {
        (true, false) => Some("HKEY_LOCAL_MACHINE\\"),
        (false, true) => Some("HKEY_CURRENT_USER\\"),
        _ => None,
    };
    let collector = match hive {
        Some(_) => Collector::new(Root::Absolute, path),
        None => Collector::new(Root::Unknown, path).with_location(StoreLocation::GroupPolicy),
    };
    let mut reader = Reader { window, sink, collector, hive: hive.unwrap_or_default() };
    let outcome = reader.entries();
    let Reader { collector, sink, .. } = reader;
    collector.finish(outcome == Outcome::Complete, sink);
    outcome
}

struct Reader<'w, 'r, 's> {
    window: &'w mut Window<'r>,
    sink: &'s mut dyn Sink,
    collector: Collector,
    /// What key paths begin with, where it is known.
    hive: &'static str,
}

/// Why an entry was not read.
enum Fault {
    /// The source ends inside it.
    Truncated,
    /// It is not built as an entry.
    Structure,
    /// Its data is larger than what is read.
    TooLarge,
}

impl Reader<'_, '_, '_> {
    fn entries(&mut self) -> Outcome {
        while !self.window.at_end() {
            if self.sink.stopped() {
                return Outcome::Incomplete;
            }
            let lineage = Lineage::at(self.window.offset());
            let (code, message) = match self.entry(lineage) {
                Ok(()) => continue,
                Err(Fault::Truncated) => (Code::Truncated, "the source ends inside an entry"),
                Err(Fault::Structure) => (Code::BadStructure, "this is no entry of a policy file"),
                Err(Fault::TooLarge) => (Code::TooLarge, "the value is larger than 16 MiB"),
            };
            self.sink.reject(Reject::lost(lineage, Stage::Read, code, message));
            self.collector.lost(None, self.sink);
            if !self.resume() {
                self.window.skip(u64::MAX);
                return Outcome::Incomplete;
            }
        }
        Outcome::Complete
    }

    /// Passes over what is no entry, up to the next place that looks like the beginning of one.
    fn resume(&mut self) -> bool {
        loop {
            let bytes = self.window.fill(BORDER.len());
            if bytes.len() < BORDER.len() {
                return false;
            }
            match memmem::find(bytes, BORDER) {
                Some(at) => {
                    self.window.consume(at + 2);
                    return true;
                }
                None => {
                    let len = bytes.len() + 1 - BORDER.len();
                    self.window.consume(len);
                }
            }
        }
    }

    /// Reads one entry and passes over it. After a fault the window stands where it began.
    fn entry(&mut self, lineage: Lineage) -> Result<(), Fault> {
        let key = self.name(0, b'[')?;
        let name = self.name(key.end + 2, b';')?;
        let at = name.end + 2;
        let numbers = self.window.fill(at + NUMBERS).get(at..).and_then(|ahead| ahead.first_chunk::<NUMBERS>());
        let [b';', 0, a, b, c, d, b';', 0, e, f, g, h, b';', 0] = *numbers.ok_or(Fault::Truncated)? else {
            return Err(Fault::Structure);
        };
        let (kind, size) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let len = usize::try_from(size).ok().filter(|len| *len <= MAX_VALUE).ok_or(Fault::TooLarge)?;
        let data = at + NUMBERS..at + NUMBERS + len;
        let bytes = self.window.fill(data.end + 2);
        match bytes.get(data.end..data.end + 2) {
            None => return Err(Fault::Truncated),
            Some(b"]\0") => {}
            Some(_) => return Err(Fault::Structure),
        }
        let text = |range: Range<usize>| utf16le(bytes.get(range).unwrap_or_default());
        let ((path, is_path_valid), (name, is_name_valid)) = (text(key), text(name));
        let key = format!("{}{path}", self.hive);
        // `**del.NAME` and its like are orders to delete, no values.
        if !name.starts_with("**") && self.collector.wants_value(&key, &name) {
            let value = bytes.get(data.clone()).unwrap_or_default();
            self.collector.value(&key, &name, kind, value, lineage, self.sink);
            if !is_path_valid || !is_name_valid {
                let lineage = self.collector.row_of(&key, lineage);
                let message = "the name of the key or value is not valid UTF-16";
                self.sink.reject(Reject::degraded(lineage, Stage::Decode, Code::BadText, "key", message));
            }
        }
        self.window.consume(data.end + 2);
        Ok(())
    }

    /// Where the name stands that follows the unit `before` at `at`; its NUL is behind the end.
    fn name(&mut self, at: usize, before: u8) -> Result<Range<usize>, Fault> {
        let start = at + 2;
        let mut ahead = 512;
        loop {
            let bytes = self.window.fill(start + ahead);
            match bytes.get(at..start) {
                None => return Err(Fault::Truncated),
                Some(unit) if unit != [before, 0] => return Err(Fault::Structure),
                Some(_) => {}
            }
            let units = bytes.get(start..).unwrap_or_default().as_chunks::<2>().0;
            if let Some(end) = units.iter().take(MAX_NAME / 2).position(|unit| *unit == [0, 0]) {
                return Ok(start..start + 2 * end);
            }
            match () {
                () if ahead >= MAX_NAME => return Err(Fault::Structure),
                () if bytes.len() < start + ahead => return Err(Fault::Truncated),
                () => ahead *= 4,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{Collect, read_all, sample};

    fn entry(key: &str, name: &str, kind: u32, data: &[u8]) -> Vec<u8> {
        let unit = |c: char| (c as u16).to_le_bytes().to_vec();
        let text = |text: &str| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let number = |n: u32| n.to_le_bytes().to_vec();
        [
            unit('['),
            text(key),
            unit(';'),
            text(name),
            unit(';'),
            number(kind),
            unit(';'),
            number(data.len() as u32),
            unit(';'),
            data.to_vec(),
            unit(']'),
        ]
        .concat()
    }

    const KEY: &str = r"Software\Policies\Microsoft\SystemCertificates\Root\Certificates\";

    /// A policy with one certificate, something else, and then what is given.
    fn policy(rest: &[Vec<u8>]) -> Vec<u8> {
        let blob = sample("element", "capi-software.bin");
        let certificate = entry(&format!("{KEY}F85013C4EA51D533E91F19E7B4B1DA88362BEE45"), "Blob", 3, &blob);
        let other = entry(r"Software\Policies\Example", "Setting", 4, &[1, 0, 0, 0]);
        [vec![MAGIC.to_vec(), other, certificate], rest.to_vec()].concat().concat()
    }

    fn places(seen: &Collect) -> Vec<&str> {
        seen.places.iter().map(String::as_str).collect()
    }

    #[test]
    fn the_folder_tells_the_hive() {
        for (path, place) in [
            ("Policies/{X}/Machine/Registry.pol", "group_policy/Root"),
            ("x/USER/registry.pol", "group_policy/Root"),
            ("registry.pol", "group_policy/Root"),
        ] {
            let seen = read_all(&FORMAT, &policy(&[]), path);
            assert_eq!((seen.outcome, seen.records(), places(&seen)), (Outcome::Complete, 1, vec![place]));
        }
        // A key that is no policy's: where the hive is known it says itself whose it is.
        let key = r"Software\Microsoft\SystemCertificates\My\Certificates\F85013C4EA51D533E91F19E7B4B1DA88362BEE45";
        let blob = sample("element", "capi-software.bin");
        let bytes = [MAGIC, &entry(key, "Blob", 3, &blob)].concat();
        let place = |path| read_all(&FORMAT, &bytes, path).places.concat();
        assert_eq!(place("Machine/Registry.pol"), "local_machine/My");
        assert_eq!(place("S-1-5-21-9-8/User/Registry.pol"), "current_user/My/S-1-5-21-9-8");
        assert_eq!(place("Machine/User/Registry.pol"), "group_policy/My");
    }

    #[test]
    fn orders_to_delete_are_no_values() {
        let orders = [entry(&format!("{KEY}AB"), "**del.Blob", 1, b" \0\0\0"), entry(KEY, "**DelVals.", 1, &[])];
        assert_eq!(read_all(&FORMAT, &policy(&orders), "x").records(), 1);
    }

    #[test]
    fn damage_costs_its_own_entry() {
        let whole = entry(&format!("{KEY}AB"), "Blob", 3, &sample("element", "key-only.bin"));
        let mut broken = whole.clone();
        broken[0] = b'{';
        let mut long = whole.clone();
        let size = long.len() - 2 - 2 - 4 - sample("element", "key-only.bin").len();
        long[size + 3] = 0x7f;
        for (damaged, code) in [(broken, Code::BadStructure), (long, Code::TooLarge)] {
            let seen = read_all(&FORMAT, &policy(&[damaged, whole.clone()]), "x");
            assert_eq!((seen.outcome, seen.lost(), seen.observations.len()), (Outcome::Complete, vec![code], 2));
        }
        let bytes = policy(&[whole]);
        for end in [bytes.len() - 1, bytes.len() - 40, bytes.len() - 300] {
            let seen = read_all(&FORMAT, &bytes[..end], "x");
            assert_eq!(
                (seen.outcome, seen.lost(), seen.observations.len()),
                (Outcome::Incomplete, vec![Code::Truncated], 1)
            );
        }
        assert_eq!(read_all(&FORMAT, b"PReg\x02\0\0\0", "x").outcome, Outcome::Failed);
    }
}
