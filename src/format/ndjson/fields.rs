//! The fields of a census/1 line: one list, and a table of the values of one line.
//!
//! The list is the whole vocabulary (samples/census_1/README.md); what is not in it is ignored, as the format demands.

use std::ops::Range;

use super::scan::{self, Place};
use super::shape::{Known, Shapes};
use super::tails::{Plain, Tail, Tails};
use super::tree::Members;
use super::value::Value;

/// Which object a field stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Top,
    KeyProvInfo,
    Acquire,
    Counts,
}

macro_rules! fields {
    (
        Top { $($top:ident $top_key:literal)+ }
        $($group:ident $object:literal { $($inner:ident $inner_key:literal)+ })+
    ) => {
        /// A field that is read, named after its path in the line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field { $($top,)+ $($($inner,)+)+ }

        /// Every field with its object, its key and its path, in the order of the enum.
        const LIST: &[(Field, Group, &str, &str)] = &[
            $((Field::$top, Group::Top, $top_key, $top_key),)+
            $($((Field::$inner, Group::$group, $inner_key, concat!($object, ".", $inner_key)),)+)+
        ];
    };
}

fields! {
    Top {
        Schema "schema" Type "type" Run "run" Seq "seq" Host "host"

        StoreLocation "store_location" Store "store" Sid "sid" Sha1 "sha1" Sha256 "sha256" Der "der"
        Archived "archived" FriendlyName "friendly_name_display" RequestOriginator "request_originator"
        KeyProvInfo "key_prov_info" NcryptKeyHandle "ncrypt_key_handle" Acquire "acquire"

        Fqdn "fqdn" Domain "domain" MachineGuid "machine_guid" SmbiosUuid "smbios_uuid"
        CollectedUtc "collected_utc" Collector "collector" CollectorVersion "collector_version"
        OsCaption "os_caption_display" OsVersion "os_version" Arch "arch" Ubr "ubr" Elevated "elevated"
        UserSid "user_sid" TpmPresent "tpm_present" TpmReady "tpm_ready" TpmSpec "tpm_spec" VbsRunning "vbs_running"
        CmClientVersion "cm_client_version" CmClientId "cm_client_id" CmSiteCode "cm_site_code" CmRoles "cm_roles"
        CalaisDisableCapiOverride "calais_disable_capi_override"

        Name "name" Api "api" ProvType "prov_type" ImplFlags "impl_flags" ImplApi "impl_api"
        ImplStatus "impl_status" Image "image"

        Provider "provider" UniqueName "unique_name" MachineKey "machine_key" SpkiSha1 "spki_sha1"
        ExportPolicy "export_policy" Algorithm "algorithm" KeyBits "key_bits"

        Kind "kind" Endpoint "endpoint" Ip "ip" Port "port" SniHost "sni_host" AppId "app_id" SiteName "site_name"
        SslFlags "ssl_flags"

        Stage "stage" Hresult "hresult" Message "message_display" Path "path"
        Counts "counts"
    }
    KeyProvInfo "key_prov_info" {
        KeyContainer "container" KeyProvider "provider" KeyProvType "prov_type" KeyFlags "flags" KeySpec "key_spec"
    }
    Acquire "acquire" {
        AcquireHresult "hresult" AcquireKeySpec "key_spec" AcquireUniqueName "unique_name"
        AcquireImplFlags "impl_flags" AcquireImplApi "impl_api" AcquireExportPolicy "export_policy"
        AcquireVirtualIso "virtual_iso" AcquirePcp "pcp_attestation"
        AcquireAlgorithm "algorithm" AcquireKeyBits "key_bits"
    }
    Counts "counts" {
        CountClient "client" CountProvider "provider" CountCertificate "certificate" CountKey "key"
        CountBinding "binding" CountError "error"
    }
}

impl Field {
    /// Path of the field in the line, for rejects.
    pub(super) fn path(self) -> &'static str {
        LIST.get(self as usize).map_or("", |entry| entry.3)
    }

    /// The group of the members of this field's object, if they are read.
    fn members(self) -> Group {
        match self {
            Field::KeyProvInfo => Group::KeyProvInfo,
            Field::Acquire => Group::Acquire,
            Field::Counts => Group::Counts,
            _ => Group::Top,
        }
    }

    /// The field with this key in this object. One line asks some forty times, so this is a hash table that the
    /// compiler fills from the list.
    fn find(group: Group, key: &str) -> Option<Field> {
        let mut slot = slot(group, key.as_bytes());
        loop {
            let (field, of, name, _) = LIST.get(usize::from(SLOTS[usize::from(slot)]))?;
            if *of == group && *name == key {
                return Some(*field);
            }
            slot = slot.wrapping_add(1);
        }
    }
}

/// Marks a slot without field; also what ends a search, as the list is shorter.
const EMPTY: u8 = 0xff;
/// Index into [`LIST`] by [`slot`], with linear probing.
const SLOTS: [u8; 256] = {
    let mut slots = [EMPTY; 256];
    let mut index = 0;
    while index < LIST.len() {
        let mut at = slot(LIST[index].1, LIST[index].2.as_bytes());
        while slots[at as usize] != EMPTY {
            at = at.wrapping_add(1);
        }
        slots[at as usize] = index as u8;
        index += 1;
    }
    slots
};

/// A hash of object, length and three letters of the key.
const fn slot(group: Group, key: &[u8]) -> u8 {
    if key.is_empty() {
        return 0;
    }
    let letters = key[0] as u32 | (key[key.len() / 2] as u32) << 8 | (key[key.len() - 1] as u32) << 16;
    let mixed = (letters | (key.len() as u32) << 24).wrapping_add(group as u32).wrapping_mul(0x9e37_79b1);
    (mixed >> 24) as u8
}

/// Where the values of one line stand. One table serves all lines: what was noted for a line before does not count,
/// so that nothing has to be cleared.
#[derive(Debug)]
pub(super) struct Table {
    slots: [Slot; LIST.len()],
    /// Number of the line at hand.
    line: u64,
    /// The object whose members are being reported.
    inside: Group,
    shapes: Shapes<Field>,
    tails: Tails,
    /// [`Shapes::forgotten`] when the first of the tails was kept.
    tails_of: u32,
    /// The end of the line at hand is to be kept.
    keep: Option<End>,
}

/// The end of a line, behind the client's name.
#[derive(Clone, Copy, Debug)]
struct End {
    hash: u64,
    keys: u16,
    start: usize,
}

/// How far a line was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Not at all: it is of no shape that was met before.
    Unknown,
    /// To its end.
    Whole,
    /// Up to an end that was met before: its number, and where it begins.
    UpToTail(u32, usize),
}

/// Where the value of a field stands, and in which line.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    line: u64,
    place: Place,
}

impl Default for Table {
    fn default() -> Self {
        Table::new()
    }
}

impl Table {
    /// A table without values.
    pub(super) fn new() -> Self {
        Table {
            slots: [Slot::default(); LIST.len()],
            line: 1,
            inside: Group::Top,
            shapes: Shapes::new(),
            tails: Tails::default(),
            tails_of: 0,
            keep: None,
        }
    }

    /// The fast path. `None`: declined.
    pub(super) fn scan<'a>(&mut self, text: &'a str) -> Option<Fields<'_, 'a>> {
        if self.known(text) || self.walk(text) { Some(Fields { table: self, text }) } else { None }
    }

    /// The fields that stand before the place where the scan gives up, if it does.
    pub(super) fn scan_prefix<'a>(&mut self, text: &'a str) -> Fields<'_, 'a> {
        self.walk(text);
        Fields { table: self, text }
    }

    /// The slow path.
    pub(super) fn tree<'a>(&mut self, members: &'a Members) -> Fields<'_, 'a> {
        self.begin();
        members.walk(|nested, key, value| {
            self.member(nested, key, value);
        });
        Fields { table: self, text: members.text() }
    }

    /// Reads a line, which need not be text, if it is of a shape that was met before.
    pub(super) fn read(&mut self, line: &[u8]) -> Read {
        self.begin();
        if self.tails_of != self.shapes.forgotten {
            self.tails_of = self.shapes.forgotten;
            self.tails.forget();
        }
        let Table { slots, line: number, shapes, tails, keep, .. } = self;
        // No key that is read stands twice in a line that was learned: there is nothing to forget.
        let note = |known: Known<Field>| slots[known.meaning as usize] = Slot { line: *number, place: known.value };
        let mut tail = None;
        let is_tail = |field, keys, start: usize| {
            if field != Field::Host {
                return false;
            }
            match tails.find(keys, line.get(start..).unwrap_or_default()) {
                Ok(found) => tail = Some((found, start)),
                Err(hash) => *keep = hash.map(|hash| End { hash, keys, start }),
            }
            tail.is_some()
        };
        match (shapes.follow(line, note, is_tail), tail) {
            (false, _) => Read::Unknown,
            (true, Some((tail, start))) => Read::UpToTail(tail, start),
            (true, None) => Read::Whole,
        }
    }

    /// The fields of the text that was read.
    pub(super) fn fields<'a>(&self, text: &'a str) -> Fields<'_, 'a> {
        Fields { table: self, text }
    }

    /// The tail with this number.
    pub(super) fn tail(&self, number: u32) -> &Tail {
        self.tails.get(number)
    }

    /// Keeps the end of the line that was read last, if it was met twice and `plain` understands it.
    pub(super) fn keep_tail(&mut self, text: &str, plain: impl FnOnce(Fields<'_, '_>, usize) -> Option<Plain>) {
        let Some(End { hash, keys, start }) = self.keep.take() else { return };
        // What stands before the end must not be told by it, nor the other way round.
        let of_line = [Field::Schema, Field::Type, Field::Run, Field::Seq, Field::Host];
        let of_end = [
            Field::StoreLocation,
            Field::Store,
            Field::Sid,
            Field::Sha1,
            Field::Sha256,
            Field::Der,
            Field::FriendlyName,
            Field::Archived,
            Field::KeyProvInfo,
        ];
        let fields = self.fields(text);
        let here = self.slots.iter().zip(LIST).filter(|(slot, _)| slot.line == self.line);
        let mut fits = here.map(|(slot, (field, ..))| match slot.place.start < start {
            true => of_line.contains(field),
            // Where a key may be missing, null says nothing either.
            false => of_end.contains(field) || fields.get(*field).is_null(),
        });
        if fits.all(|fits| fits)
            && let Some(end) = text.get(start..)
            && let Some(plain) = plain(fields, start)
        {
            self.tails.keep(hash, keys, end, plain);
        }
    }

    /// A line of a shape that was met before.
    fn known(&mut self, text: &str) -> bool {
        self.begin();
        let (slots, line) = (&mut self.slots, self.line);
        let note = |known: Known<Field>| slots[known.meaning as usize] = Slot { line, place: known.value };
        self.shapes.follow(text.as_bytes(), note, |_, _, _| false)
    }

    /// Any line, read member by member. False where the scan gave up.
    fn walk(&mut self, text: &str) -> bool {
        self.begin();
        self.shapes.begin();
        let whole = scan::walk(text, |member| {
            let (field, repeated) = self.member(member.nested, member.key, member.value);
            self.shapes.note(&member, field);
            if repeated {
                self.shapes.refuse();
            }
        });
        if whole.is_some() {
            self.shapes.learn(text);
        }
        whole.is_some()
    }

    fn begin(&mut self) {
        self.line += 1;
        self.keep = None;
        self.inside = Group::Top;
    }

    /// Notes a member; returns its field, and whether it stood in the line before.
    #[inline]
    fn member(&mut self, nested: bool, key: &str, place: Place) -> (Option<Field>, bool) {
        let field = match (nested, self.inside) {
            (true, Group::Top) => None,
            (true, group) => Field::find(group, key),
            (false, _) => {
                let field = Field::find(Group::Top, key);
                self.inside = field.map_or(Group::Top, Field::members);
                field
            }
        };
        let Some(found) = field else { return (None, false) };
        let repeated = self.slots[found as usize].line == self.line;
        if repeated && !nested && self.inside != Group::Top {
            self.forget(self.inside);
        }
        self.slots[found as usize] = Slot { line: self.line, place };
        (field, repeated)
    }

    /// Empties an object that stands twice in the line: the last one counts as a whole.
    fn forget(&mut self, group: Group) {
        for (slot, entry) in self.slots.iter_mut().zip(LIST) {
            if entry.1 == group {
                slot.line = 0;
            }
        }
    }
}

/// The values of one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'t, 'a> {
    table: &'t Table,
    text: &'a str,
}

impl<'a> Fields<'_, 'a> {
    /// The value of a field.
    #[inline]
    pub(super) fn get(&self, field: Field) -> Value<'a> {
        let slot = &self.table.slots[field as usize];
        if slot.line == self.table.line { Value::of(self.text, slot.place) } else { Value::default() }
    }

    /// Where the text of a plain string stands, counted from `start`.
    pub(super) fn range(&self, field: Field, start: usize) -> Option<Range<usize>> {
        let place = self.table.slots[field as usize].place;
        Some((place.start + 1).checked_sub(start)?..place.end.checked_sub(start)?)
    }

    /// Whether this is a census/1 line at all.
    pub(super) fn is_census(&self) -> bool {
        self.get(Field::Schema).text().is_some_and(|schema| schema == "census/1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our own collector writes what this reader reads, and what the format defines beside it.
    #[test]
    fn the_collector_writes_known_fields() {
        const NOT_READ: [&str; 5] = ["ps_version", "ui_culture", "oem_cp", "ansi_cp", "duration_ms"];
        let script = include_str!("../../../samples/collect/census.ps1");
        // Variables begin with a dollar sign, so a bare word before an equals sign is a key.
        let words = script.split(['\n', ';', '{']).filter_map(|part| part.split_once(" = "));
        let is_key = |name: &&str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let mut names: Vec<&str> = words.map(|(name, _)| name.trim()).filter(is_key).collect();
        names.extend(script.split("$fields['").skip(1).filter_map(|rest| rest.split('\'').next()));
        assert!(names.len() > 50, "{names:?}");
        for name in names.iter().filter(|name| !NOT_READ.contains(name)) {
            assert!(LIST.iter().any(|(_, _, key, _)| key == name), "{name} is no field of census/1");
        }
        for wanted in ["key_prov_info", "prov_type", "der", "sha256", "calais_disable_capi_override", "elevated"] {
            assert!(names.contains(&wanted), "{wanted} is not collected");
        }
    }

    #[test]
    fn every_field_finds_itself_quickly() {
        assert!(LIST.len() < usize::from(EMPTY));
        let mut probes = 0;
        for (index, (field, group, key, path)) in LIST.iter().enumerate() {
            assert_eq!(*field as usize, index);
            assert_eq!(Field::find(*group, key), Some(*field), "{path}");
            assert_eq!(field.path(), *path);
            let at = SLOTS.iter().position(|slot| usize::from(*slot) == index);
            probes += at.map_or(256, |at| usize::from((at as u8).wrapping_sub(slot(*group, key.as_bytes()))));
        }
        assert!(probes < LIST.len(), "{probes} probes too many: choose other constants for the hash");
        for unknown in ["", "x", "seqs", "Schema", "key_prov_info.container"] {
            assert_eq!(Field::find(Group::Top, unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn the_last_of_equal_objects_counts_as_a_whole() {
        let text = r#"{"acquire":{"hresult":"1","unique_name":"a"},"run":"r","acquire":{"hresult":"2"},"run":null}"#;
        let mut table = Table::new();
        let Some(fields) = table.scan(text) else { panic!("declined") };
        assert_eq!(fields.get(Field::AcquireHresult).text().as_deref(), Some("2"));
        assert!(fields.get(Field::AcquireUniqueName).is_missing());
        assert!(fields.get(Field::Run).is_null());
    }
}
