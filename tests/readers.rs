//! Every reader on every sample, of its own format and of all others, and on what fuzzing has found before; and that
//! every format that is read has a fuzz target.
#![allow(clippy::unwrap_used)]

#[path = "support/readers.rs"]
mod readers;

use std::fs;
use std::path::{Path, PathBuf};

use certcensus::format::FORMATS;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder that is there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn read() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().filter(|format| format.read.is_some() || format.unpack.is_some()).map(|format| format.name)
}

#[test]
fn every_reader_survives_every_sample_and_every_seed() {
    let inputs = [files(&root().join("samples")), files(&root().join("tests/fuzz/seeds"))].concat();
    assert!(inputs.len() > 20);
    for path in inputs {
        let bytes = fs::read(&path).unwrap();
        read().for_each(|name| readers::check(name, &bytes));
    }
}

#[test]
fn every_format_that_is_read_has_a_fuzz_target() {
    let targets = fs::read_to_string(root().join("tests/fuzz/Cargo.toml")).unwrap();
    // Nothing can go wrong in an empty file.
    for name in read().filter(|name| *name != "empty") {
        let target = format!("[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/reader.rs\"\n");
        assert!(
            targets.contains(&target),
            "tests/fuzz/Cargo.toml lacks\n{target}test = false\ndoc = false\nbench = false"
        );
    }
}
