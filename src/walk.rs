//! Inputs to sources, in one fixed order: by path inside the input, whatever the file system says first.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::error::Error;
use crate::format::{self, Format};
use crate::hash;
use crate::hex;
use crate::record::Code;

/// One input file.
#[derive(Clone, Debug)]
pub struct Source {
    /// First 16 hex digits of SHA-256 over the path inside the input: the `source_id` column.
    pub id: [u8; 16],
    /// Path inside its input, with forward slashes; the file name for an input that is a file.
    pub path: String,
    /// Where it is on this machine.
    pub file: PathBuf,
    /// Size in bytes when it was found.
    pub len: u64,
    /// Why it cannot be opened at all.
    pub trouble: Option<(Code, String)>,
    /// Not a regular file (a pipe, a device, a link to a folder that is read under another name): named, never opened.
    pub special: bool,
}

/// Number of a source: first of files, in the order of the walk, then of members inside one file, in the order in which
/// they are met there, whatever archive in an archive they are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceNumber {
    /// Index of the file.
    pub file: u32,
    /// 0 is the file itself; its members count from 1.
    pub member: u32,
}

impl SourceNumber {
    /// A file itself.
    pub fn file(file: u32) -> Self {
        SourceNumber { file, member: 0 }
    }
}

/// One member of an archive, a source of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// First 16 hex digits of SHA-256 over the path of the file, NUL, and the name: the `source_id` column.
    pub id: [u8; 16],
    /// Path inside the file, through archives in archives: the `source_member` column.
    pub name: String,
}

/// Which files of a folder are taken.
#[derive(Default)]
pub struct Filter {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
}

impl Filter {
    /// Globs over the path inside the input (`*.sst`, `**/My/*`), as ripgrep's `--glob` reads them: a glob
    /// without a slash matches the file name at any depth.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, Error> {
        Ok(Filter { include: globs("--include", include)?, exclude: globs("--exclude", exclude)? })
    }

    /// Some files may not be taken.
    pub fn is_some(&self) -> bool {
        self.include.is_some() || self.exclude.is_some()
    }

    /// Whether something of this path that cannot be listed is to be named: what lies in it might have been taken.
    fn names(&self, path: &str) -> bool {
        !self.exclude.as_ref().is_some_and(|set| set.is_match(path))
    }

    fn takes(&self, path: &str) -> bool {
        self.include.as_ref().is_none_or(|set| set.is_match(path))
            && !self.exclude.as_ref().is_some_and(|set| set.is_match(path))
    }
}

fn globs(option: &str, patterns: &[String]) -> Result<Option<GlobSet>, Error> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let deep = if pattern.contains('/') { pattern.clone() } else { format!("**/{pattern}") };
        let glob = GlobBuilder::new(&deep).literal_separator(true).build();
        set.add(glob.map_err(|e| Error::Usage(format!("{option} {pattern}: {}", e.kind())))?);
    }
    set.build().map(Some).map_err(|e| Error::Usage(format!("{option}: {e}")))
}

/// Finds every source of the inputs, in path order.
///
/// Symbolic links are followed, to each folder once; a further link, a loop or a file that cannot be read becomes a
/// source that is named and not read. An input that lies inside another one is read once. Inputs that do not exist
/// are a usage error.
pub fn walk(inputs: &[PathBuf], filter: &Filter) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for input in outermost(inputs)? {
        if fs::metadata(&input).map_err(Error::io(&input))?.is_dir() {
            walk_folder(&input, filter, &mut sources);
        } else {
            let path = input.file_name().unwrap_or(input.as_os_str()).to_string_lossy().into_owned();
            sources.push(found(path, input, None));
        }
    }
    sources.par_sort_by(|a, b| a.path.cmp(&b.path).then_with(|| a.file.cmp(&b.file)));
    identify(&mut sources);
    Ok(sources)
}

/// The inputs without those that lie inside another input, so that nothing is counted twice.
fn outermost(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found: Vec<(PathBuf, &PathBuf)> = Vec::new();
    for input in inputs {
        let real = fs::canonicalize(input)
            .map_err(|e| Error::Usage(format!("{}: {e}; give files or folders that exist", input.display())))?;
        found.push((real, input));
    }
    found.sort();
    let mut kept: Vec<(PathBuf, &PathBuf)> = Vec::new();
    for (real, input) in found {
        // Paths are sorted by component, so what lies inside an input follows it directly.
        if !kept.last().is_some_and(|(outer, _)| real.starts_with(outer)) {
            kept.push((real, input));
        }
    }
    Ok(kept.into_iter().map(|(_, input)| input.clone()).collect())
}

fn walk_folder(input: &Path, filter: &Filter, sources: &mut Vec<Source>) {
    match walk_plain(input, filter) {
        Some(found) => sources.extend(found),
        None => walk_linked(input, filter, sources),
    }
}

/// The sources of a folder without links, its subfolders side by side on the threads at hand: a tree of many small
/// files is bound by the calls that list it. `None` where there is a link or something that cannot be listed, which
/// need an order.
fn walk_plain(input: &Path, filter: &Filter) -> Option<Vec<Source>> {
    fn list(folder: &Path, inside: &str, filter: &Filter) -> Option<Vec<Source>> {
        let (mut sources, mut folders) = (Vec::new(), Vec::new());
        // Sorted here, where names are short; what is left to sort in the end is nearly in order.
        for entry in fs::read_dir(folder).ok()? {
            let entry = entry.ok()?;
            let (kind, name) = (entry.file_type().ok()?, entry.file_name());
            let name = name.to_string_lossy();
            let path = if inside.is_empty() { name.into_owned() } else { [inside, "/", &name].concat() };
            if kind.is_symlink() {
                return None;
            } else if kind.is_dir() {
                folders.push((entry.path(), path));
            } else if filter.takes(&path) {
                let metadata = entry.metadata().ok();
                sources.push(source(path, entry.path(), metadata.as_ref(), None));
            }
        }
        sources.sort_unstable_by(|a: &Source, b: &Source| a.path.cmp(&b.path));
        folders.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
        let deeper = folders.par_iter().map(|(folder, path)| list(folder, path, filter));
        let deeper: Option<Vec<Vec<Source>>> = deeper.collect();
        sources.extend(deeper?.into_iter().flatten());
        Some(sources)
    }
    list(input, "", filter)
}

/// The sources of a folder with links, one after the other in a fixed order.
fn walk_linked(input: &Path, filter: &Filter, sources: &mut Vec<Source>) {
    // Links to folders can multiply without ever making a loop: each linked folder is entered once, under the first
    // of its names.
    let mut entered = HashSet::new();
    let mut entries = WalkDir::new(input).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() && entry.path_is_symlink() && entry.depth() > 0 => {
                let real = fs::canonicalize(entry.path()).unwrap_or_else(|_| entry.path().to_owned());
                if !entered.insert(real) {
                    entries.skip_current_dir();
                    let path = inside(input, entry.path());
                    if filter.takes(&path) {
                        sources.push(found(path, entry.into_path(), None));
                    }
                }
            }
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => {
                let path = inside(input, entry.path());
                if filter.takes(&path) {
                    sources.push(found(path, entry.into_path(), None));
                }
            }
            Err(error) => {
                let file = error.path().unwrap_or(input).to_owned();
                let path = inside(input, &file);
                if !filter.names(&path) {
                    continue;
                }
                let code = if error.loop_ancestor().is_some() { Code::SymlinkLoop } else { Code::Io };
                let message = match error.io_error() {
                    Some(io) => io.to_string(),
                    None => "the link leads back to a folder above it".to_owned(),
                };
                sources.push(found(path, file, Some((code, message))));
            }
        }
    }
}

fn inside(input: &Path, file: &Path) -> String {
    let inner = file.strip_prefix(input).unwrap_or(file);
    let parts: Vec<_> = inner.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn found(path: String, file: PathBuf, trouble: Option<(Code, String)>) -> Source {
    let metadata = fs::metadata(&file).ok();
    source(path, file, metadata.as_ref(), trouble)
}

fn source(path: String, file: PathBuf, metadata: Option<&fs::Metadata>, trouble: Option<(Code, String)>) -> Source {
    let len = metadata.map_or(0, fs::Metadata::len);
    let special = metadata.is_some_and(|m| !m.is_file()) && trouble.is_none();
    Source { id: [b'0'; 16], path, file, len, trouble, special }
}

/// Gives each source its id. Two inputs may hold the same path; the later ones get a number into the hash.
fn identify(sources: &mut [Source]) {
    // Which of several sources of one path each is; they stand side by side.
    let mut nth = vec![0u32; sources.len()];
    for i in 1..sources.len() {
        nth[i] = if sources[i - 1].path == sources[i].path { nth[i - 1] + 1 } else { 0 };
    }
    sources.par_chunks_mut(IDS).zip(nth.par_chunks(IDS)).for_each(|(sources, nth)| {
        let names = sources.iter().zip(nth).map(|(source, nth)| match nth {
            0 => Cow::Borrowed(source.path.as_bytes()),
            nth => Cow::Owned([source.path.as_bytes(), &[0], &nth.to_le_bytes()].concat()),
        });
        let names: Vec<Cow<'_, [u8]>> = names.collect();
        let mut digests = Vec::new();
        hash::sha256_each(&names.iter().map(|name| &**name).collect::<Vec<_>>(), &mut digests);
        for (source, digest) in sources.iter_mut().zip(&digests) {
            source.id.copy_from_slice(hex::text(&digest[..8]).as_bytes());
        }
    });
}

/// Sources whose ids are made together.
const IDS: usize = 1024;

/// The beginning of a file and its format.
pub fn sniff_file(file: &Path, len: u64) -> std::io::Result<Option<&'static Format>> {
    format::sniff_start(File::open(file)?, len, &mut Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(sources: &[Source]) -> Vec<&str> {
        sources.iter().map(|s| s.path.as_str()).collect()
    }

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, file).expect("a file");
        }
        dir
    }

    #[test]
    fn order_is_by_path_and_ids_do_not_know_the_root() {
        let a = tree(&["b/2", "b/10", "a/z", "c"]);
        let b = tree(&["c", "a/z", "b/10", "b/2"]);
        let one = walk(&[a.path().to_owned()], &Filter::default()).expect("walk");
        let two = walk(&[b.path().to_owned()], &Filter::default()).expect("walk");
        assert_eq!(paths(&one), ["a/z", "b/10", "b/2", "c"]);
        assert_eq!(one.iter().map(|s| s.id).collect::<Vec<_>>(), two.iter().map(|s| s.id).collect::<Vec<_>>());
    }

    #[test]
    fn two_inputs_with_the_same_path_keep_apart_and_overlaps_are_read_once() {
        let a = tree(&["x", "in/y"]);
        let b = tree(&["x"]);
        let both = walk(&[a.path().to_owned(), b.path().to_owned()], &Filter::default()).expect("walk");
        assert_eq!(paths(&both), ["in/y", "x", "x"]);
        assert_ne!(both[1].id, both[2].id);
        let overlap = walk(&[a.path().join("in"), a.path().to_owned(), a.path().join("x")], &Filter::default());
        assert_eq!(paths(&overlap.expect("walk")), ["in/y", "x"]);
        let c = tree(&["d/x", "d-e/y", "d.f"]);
        let inputs = ["d-e", "d/x", "d", "d.f"].map(|input| c.path().join(input));
        assert_eq!(paths(&walk(&inputs, &Filter::default()).expect("walk")), ["d.f", "x", "y"]);
    }

    #[test]
    fn globs_take_and_leave() {
        let a = tree(&["a.cer", "d/b.cer", "d/c.sst"]);
        let filter = |i: &[&str], e: &[&str]| {
            let own = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
            Filter::new(&own(i), &own(e)).expect("globs")
        };
        let found = |f: &Filter| walk(&[a.path().to_owned()], f).expect("walk").len();
        assert_eq!(found(&filter(&["*.cer"], &[])), 2);
        assert_eq!(found(&filter(&[], &["d/*"])), 1);
        assert!(Filter::new(&["[".to_owned()], &[]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_that_multiply_are_followed_once_each() {
        let a = tree(&["real/x"]);
        for level in 0..30 {
            fs::create_dir(a.path().join(format!("l{level:02}"))).expect("a folder");
            let next = if level == 29 { "real".to_owned() } else { format!("l{:02}", level + 1) };
            for twin in ["a", "b"] {
                let link = a.path().join(format!("l{level:02}/{twin}"));
                std::os::unix::fs::symlink(a.path().join(&next), link).expect("a link");
            }
        }
        let found = walk(&[a.path().to_owned()], &Filter::default()).expect("walk");
        let repeats = found.iter().filter(|s| s.special).count();
        let files = found.iter().filter(|s| !s.special).count();
        assert!(repeats > 0 && found.len() < 200, "{} sources", found.len());
        assert_eq!(files, 2, "once by its own name, once by the first link");
    }

    #[cfg(unix)]
    #[test]
    fn loops_and_special_files_are_named_not_followed() {
        let a = tree(&["d/x"]);
        std::os::unix::fs::symlink("..", a.path().join("d/up")).expect("link");
        let _socket = std::os::unix::net::UnixListener::bind(a.path().join("s")).expect("socket");
        let found = walk(&[a.path().to_owned()], &Filter::default()).expect("walk");
        assert_eq!(paths(&found), ["d/up", "d/x", "s"]);
        assert_eq!(found[0].trouble.as_ref().map(|t| t.0), Some(Code::SymlinkLoop));
        assert!(found[2].special);
    }
}
