//! The way through a hive: to the keys that say something of certificates, and nowhere else.
//!
//! A hive has hundreds of thousands of keys, and some dozens of them matter. What comes first in [`PATHS`] is
//! delivered first, whatever the order in the hive, so that providers are known before the stores that use them.

use std::borrow::Cow;
use std::io::{Read, Seek};
use std::ops::ControlFlow::{self, Break, Continue};

use hashbrown::HashSet;

use super::cells::{Hive, Key, List, Trouble, ValueCell, place};
use crate::record::{Code, Lineage, Reject, Stage};

/// Deepest key, counted from the root; Windows makes none below.
const MAX_DEPTH: usize = 512;
/// Most lists, keys and values that are looked at in one hive.
const MAX_CELLS: u32 = 1 << 20;
/// Longest data of a value, in bytes.
const MAX_DATA: u32 = 16 << 20;
/// Most characters of a path that a message shows.
const MAX_QUOTE: usize = 200;

/// Parts of a key, for messages.
const LIST: &str = "the list of its subkeys";
const VALUES: &str = "the list of its values";

/// A registry value.
#[derive(Clone, Copy, Debug)]
pub struct Value<'v> {
    /// Path of its key from the root of the hive, verbatim, with `\` between the names.
    pub key: &'v str,
    /// Its name, verbatim; empty for the default value.
    pub name: &'v str,
    /// Its `REG_` type.
    pub kind: u32,
    /// Its data as stored.
    pub data: &'v [u8],
    /// Offset of its cell in the file.
    pub offset: u64,
}

/// Takes each value of the way, or the reject for a part of the hive that cannot be read. A break ends the way.
pub type Visit<'v> = dyn FnMut(Result<Value<'_>, Reject>) -> ControlFlow<()> + 'v;

/// How much of a key is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Its own values.
    Values,
    /// Its values and all that is below it.
    Whole,
}

/// The keys that are delivered, in this order: what is known of the machine, then its stores (windows-binary section 3).
const PATHS: &[(&str, Depth)] = &[
    (r"Microsoft\Cryptography", Depth::Values),
    (r"Microsoft\Windows NT\CurrentVersion", Depth::Values),
    (r"Microsoft\Cryptography\Defaults\Provider", Depth::Whole),
    (r"Microsoft\Cryptography\Calais", Depth::Whole),
    (r"Microsoft\SystemCertificates", Depth::Whole),
    (r"Microsoft\EnterpriseCertificates", Depth::Whole),
    (r"Microsoft\Cryptography\Services", Depth::Whole),
    (r"Policies\Microsoft\SystemCertificates", Depth::Whole),
];

/// Keys below which all of [`PATHS`] may stand again: a user's hive has `Software`, and 32-bit programs see
/// `WOW6432Node`. At most one of each, in this order.
const AGAIN: [&str; 2] = ["Software", "WOW6432Node"];

/// A key of [`PATHS`] that the hive has.
struct Found {
    index: usize,
    path: String,
    key: Key,
}

/// What is looked for below a key.
struct Wanted {
    /// Rests of paths, with their place in [`PATHS`].
    paths: Vec<(&'static str, usize)>,
    /// The names of [`AGAIN`] that may still come.
    again: &'static [&'static str],
}

/// Delivers the values of every key of [`PATHS`]. False where the way ended early or keys could not be read.
pub fn walk<R: Read + Seek>(hive: &mut Hive<R>, root: Key, visit: &mut Visit<'_>) -> bool {
    let bytes_left = hive.len();
    let mut walker = Walker {
        hive,
        visit,
        seen: HashSet::new(),
        cells_left: MAX_CELLS,
        bytes_left,
        is_whole: true,
        lost: 0,
        data: Vec::new(),
    };
    if walker.run(root).is_break() {
        walker.is_whole = false;
    }
    walker.is_whole
}

struct Walker<'w, 'v, R> {
    hive: &'w mut Hive<R>,
    visit: &'w mut Visit<'v>,
    /// Every list and value, and every key that was entered: none is part of two others.
    seen: HashSet<u32>,
    cells_left: u32,
    /// No two values share bytes, so names and data of all together are smaller than the file.
    bytes_left: u64,
    is_whole: bool,
    /// Rejects so far.
    lost: u64,
    data: Vec<u8>,
}

impl<R: Read + Seek> Walker<'_, '_, R> {
    fn run(&mut self, root: Key) -> ControlFlow<()> {
        let mut found = Vec::new();
        self.find(root, "", &Wanted { paths: all_paths(), again: &AGAIN }, &mut found)?;
        found.sort_by_key(|found| found.index);
        found.into_iter().try_for_each(|found| self.deliver(found))
    }

    /// Looks for the wanted keys below `key`. No deeper than the longest path and its prefixes.
    fn find(&mut self, key: Key, path: &str, wanted: &Wanted, found: &mut Vec<Found>) -> ControlFlow<()> {
        let here = wanted.paths.iter().filter(|(rest, _)| rest.is_empty());
        found.extend(here.map(|(_, index)| Found { index: *index, path: path.to_owned(), key: key.clone() }));
        if wanted.again.is_empty() && wanted.paths.iter().all(|(rest, _)| rest.is_empty()) {
            return Continue(());
        }
        let mut bad = Bad::default();
        for reference in self.subkeys(&key, path)? {
            let child = match self.child(reference) {
                Ok(child) => child,
                Err(trouble) => {
                    bad.note(trouble);
                    continue;
                }
            };
            let below = wanted.below(&child.name);
            if below.paths.is_empty() {
                continue;
            }
            if !self.seen.insert(reference) {
                bad.note(Trouble::bad(child.at, "the key has two parents"));
                continue;
            }
            let path = join(path, &child.name);
            self.find(child, &path, &below, found)?;
        }
        self.report(bad, path, "subkey")
    }

    /// Delivers the values of a key and, where it is wanted whole, of all keys below it, in the order of the hive.
    fn deliver(&mut self, Found { index, mut path, key }: Found) -> ControlFlow<()> {
        let is_whole = PATHS.get(index).is_some_and(|(_, depth)| *depth == Depth::Whole);
        // Keys that are still to come: their reference, depth, and the length of their parent's path.
        let mut ahead: Vec<(u32, usize, usize)> = Vec::new();
        let (mut key, mut depth) = (key, path.split('\\').count());
        loop {
            self.values(&key, &path)?;
            if is_whole {
                let children = self.subkeys(&key, &path)?;
                let mut bad = Bad::default();
                if depth >= MAX_DEPTH && !children.is_empty() {
                    bad.note(Trouble::too_large(key.at, format!("keys are deeper than {MAX_DEPTH} levels")));
                } else {
                    for reference in children.into_iter().rev() {
                        match self.child(reference) {
                            Ok(_) if self.seen.insert(reference) => ahead.push((reference, depth + 1, path.len())),
                            Ok(child) => bad.note(Trouble::bad(child.at, "the key has two parents")),
                            Err(trouble) => bad.note(trouble),
                        }
                    }
                }
                self.report(bad, &path, "subkey")?;
            }
            loop {
                let Some((reference, its_depth, parent)) = ahead.pop() else { return Continue(()) };
                path.truncate(parent);
                match self.child(reference) {
                    Ok(child) => {
                        path = join(&path, &child.name);
                        (key, depth) = (child, its_depth);
                        break;
                    }
                    Err(trouble) => self.lose(trouble, &path, "a subkey")?,
                }
            }
        }
    }

    fn values(&mut self, key: &Key, path: &str) -> ControlFlow<()> {
        if key.values == 0 {
            return Continue(());
        }
        let list = match self.hive.value_list(key.value_list, key.values) {
            Ok(list) => list,
            Err(trouble) => return self.lose(trouble, path, VALUES),
        };
        if !self.seen.insert(key.value_list) {
            return self.lose(Trouble::bad(list.at, "the list belongs to two keys"), path, VALUES);
        }
        let mut bad = Bad::default();
        for number in 0..list.len {
            if self.count(list.at).is_break() {
                self.report(bad, path, "value")?;
                return Break(());
            }
            let reference = match self.hive.element(&list, number) {
                Ok(reference) => reference,
                Err(trouble) => return self.lose(trouble, path, VALUES),
            };
            if !self.seen.insert(reference) {
                bad.note(Trouble::bad(place(reference), "the value is listed twice"));
                continue;
            }
            match self.hive.value(reference) {
                Ok(value) => self.value(place(reference), &value, path)?,
                Err(trouble) => bad.note(trouble),
            }
        }
        self.report(bad, path, "value")?;
        self.short(&list, path, VALUES)
    }

    /// Delivers the value whose cell is at `offset`.
    fn value(&mut self, offset: u64, value: &ValueCell, path: &str) -> ControlFlow<()> {
        let what = || format!("value \"{}\"", quote(&value.name));
        if value.size > MAX_DATA {
            let trouble = Trouble::too_large(offset, format!("{} bytes of data are over 16 MiB", value.size));
            return self.lose_value(trouble, path, &what());
        }
        let Some(left) = self.bytes_left.checked_sub(u64::from(value.size) + value.name_len) else {
            self.lose(Trouble::bad(offset, "the values are larger than the file"), path, &what())?;
            return Break(());
        };
        self.bytes_left = left;
        let mut data = std::mem::take(&mut self.data);
        let result = self.hive.data(value, &mut data);
        let flow = match result {
            Ok(()) => (self.visit)(Ok(Value { key: path, name: &value.name, kind: value.kind, data: &data, offset })),
            // Its place is that of the value, which stands for one record; where its data fails is said in words.
            Err(Trouble { at, code, message }) => {
                let message = format!("its data at byte {at}: {message}");
                self.lose_value(Trouble { at: offset, code, message }, path, &what())
            }
        };
        self.data = data;
        flow
    }

    /// References to all subkeys of a key, in the order of its list.
    fn subkeys(&mut self, key: &Key, path: &str) -> ControlFlow<(), Vec<u32>> {
        let mut all = Vec::new();
        if key.subkeys > 0 {
            let lost = self.lost;
            self.subkey_list(key.subkey_list, true, path, &mut all)?;
            if self.lost == lost && all.len() < key.subkeys as usize {
                let message = format!("the key counts {} subkeys, its list has {}", key.subkeys, all.len());
                self.lose(Trouble::bad(key.at, message), path, LIST)?;
            }
        }
        Continue(all)
    }

    /// Adds the keys of one list to `all`. `may_divide` where it may be a list of lists, which hold no further ones.
    fn subkey_list(&mut self, at: u32, may_divide: bool, path: &str, all: &mut Vec<u32>) -> ControlFlow<()> {
        let list = match self.hive.subkey_list(at) {
            Ok(list) => list,
            Err(trouble) => return self.lose(trouble, path, LIST),
        };
        if !self.seen.insert(at) {
            return self.lose(Trouble::bad(list.at, "the list belongs to two keys"), path, LIST);
        }
        if list.is_root && !may_divide {
            return self.lose(Trouble::bad(list.at, "a part of the list is divided again"), path, LIST);
        }
        for number in 0..list.len {
            self.count(list.at)?;
            match self.hive.element(&list, number) {
                Ok(reference) if list.is_root => self.subkey_list(reference, false, path, all)?,
                Ok(reference) => all.push(reference),
                Err(trouble) => return self.lose(trouble, path, LIST),
            }
        }
        self.short(&list, path, LIST)
    }

    /// The key at a reference, with a name that fits into a path.
    fn child(&mut self, reference: u32) -> Result<Key, Trouble> {
        let key = self.hive.key(reference)?;
        match key.name.is_empty() || key.name.contains('\\') {
            true => Err(Trouble::bad(key.at, format!("no key can be called \"{}\"", quote(&key.name)))),
            false => Ok(key),
        }
    }

    /// Counts a cell that is looked at, and ends the way where they are too many.
    fn count(&mut self, at: u64) -> ControlFlow<()> {
        if let Some(left) = self.cells_left.checked_sub(1) {
            self.cells_left = left;
            return Continue(());
        }
        self.lose(Trouble::too_large(at, format!("more than {MAX_CELLS} keys and values")), "", "the rest")?;
        Break(())
    }

    /// Says how much of a list did not fit into its cell.
    fn short(&mut self, list: &List, path: &str, what: &str) -> ControlFlow<()> {
        if list.len == list.said {
            return Continue(());
        }
        let message = format!("{} elements are counted, and there is room for {}", list.said, list.len);
        self.lose(Trouble::bad(list.at, message), path, what)
    }

    /// Says how many subkeys or values of a key cannot be read; one reject speaks for all, so that a list of nonsense
    /// does not make a report of nonsense.
    fn report(&mut self, bad: Bad, path: &str, what: &str) -> ControlFlow<()> {
        let Bad { first: Some(first), count } = bad else { return Continue(()) };
        let what = if count == 1 { format!("a {what}") } else { format!("{count} {what}s; the first") };
        self.lose(first, path, &what)
    }

    /// Gives up one or more keys or values of `path`.
    fn lose(&mut self, trouble: Trouble, path: &str, what: &str) -> ControlFlow<()> {
        self.is_whole = false;
        self.lose_value(trouble, path, what)
    }

    /// Gives up the data of one value of `path`: nothing else is missing.
    fn lose_value(&mut self, trouble: Trouble, path: &str, what: &str) -> ControlFlow<()> {
        let Trouble { at, code, message } = trouble;
        self.lost += 1;
        let key = if path.is_empty() { Cow::from("the root key") } else { quote(path).into() };
        let message = format!("{key}, {what}: {message}");
        (self.visit)(Err(Reject::lost(Lineage::at(at), Stage::Read, code, message)))?;
        if code == Code::Io { Break(()) } else { Continue(()) }
    }
}

impl Wanted {
    /// What is looked for below the key `name` of this one.
    fn below(&self, name: &str) -> Wanted {
        let rest = |path: &'static str| {
            let (first, rest) = path.split_once('\\').unwrap_or((path, ""));
            (!first.is_empty() && first.eq_ignore_ascii_case(name)).then_some(rest)
        };
        if let Some(at) = self.again.iter().position(|again| again.eq_ignore_ascii_case(name)) {
            return Wanted { paths: all_paths(), again: self.again.get(at + 1..).unwrap_or_default() };
        }
        let paths = self.paths.iter().filter_map(|(path, index)| Some((rest(path)?, *index))).collect();
        Wanted { paths, again: &[] }
    }
}

/// Subkeys or values of a key that cannot be read.
#[derive(Default)]
struct Bad {
    first: Option<Trouble>,
    count: u32,
}

impl Bad {
    fn note(&mut self, trouble: Trouble) {
        self.count += 1;
        // What ends the way must not be hidden by what does not.
        if self.first.as_ref().is_none_or(|first| first.code != Code::Io && trouble.code == Code::Io) {
            self.first = Some(trouble);
        }
    }
}

fn all_paths() -> Vec<(&'static str, usize)> {
    PATHS.iter().enumerate().map(|(index, (path, _))| (*path, index)).collect()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}\\{name}") }
}

/// Text of the input for a message: escaped, but for the `\` of paths, and not too much of it.
fn quote(text: &str) -> String {
    let escaped = |c: char| if c == '\\' { c.to_string() } else { c.escape_debug().to_string() };
    let mut quoted: String = text.chars().take(MAX_QUOTE).map(escaped).collect();
    if text.chars().nth(MAX_QUOTE).is_some() {
        quoted.push('…');
    }
    quoted
}
