//! Opening many small files: those of one folder through a handle of the folder, so that its path is walked once.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;

/// Opens files that come in the order of their paths.
#[derive(Debug, Default)]
pub struct Opener {
    /// The folder of the file before, and its handle once a second file of it was wanted.
    #[cfg(unix)]
    folder: PathBuf,
    #[cfg(unix)]
    handle: Option<std::os::fd::OwnedFd>,
}

impl Opener {
    /// Opens the file for reading.
    pub fn open(&mut self, file: &Path) -> io::Result<File> {
        self.open_in_folder(file)
    }

    #[cfg(unix)]
    fn open_in_folder(&mut self, file: &Path) -> io::Result<File> {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        use rustix::fs::{Mode, OFlags, openat};

        let bytes = file.as_os_str().as_bytes();
        let Some(slash) = bytes.iter().rposition(|byte| *byte == b'/') else { return File::open(file) };
        let (folder, name) = (OsStr::from_bytes(&bytes[..slash]), OsStr::from_bytes(&bytes[slash + 1..]));
        if self.folder.as_os_str() != folder || folder.is_empty() || name.is_empty() {
            // Most folders of some trees hold one file; a handle would only cost there.
            self.folder.clear();
            self.folder.push(folder);
            self.handle = None;
            return File::open(file);
        }
        if self.handle.is_none() {
            // Without a handle, for whatever reason, the path does.
            self.handle =
                rustix::fs::open(&self.folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                    .ok();
        }
        match &self.handle {
            Some(folder) => Ok(openat(folder, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?.into()),
            None => File::open(file),
        }
    }

    #[cfg(not(unix))]
    fn open_in_folder(&mut self, file: &Path) -> io::Result<File> {
        File::open(file)
    }
}

/// A regular file of a known size: its end is not asked for once more where all of it came, and no more would fit in.
///
/// A file that has grown since its size was taken is read to its end, if it grew before that was reached.
pub struct Whole<'f> {
    file: &'f mut File,
    left: u64,
    at_end: bool,
}

impl<'f> Whole<'f> {
    /// All of a file that had this length.
    pub fn new(file: &'f mut File, len: u64) -> Self {
        Whole { file, left: len, at_end: false }
    }
}

impl Read for Whole<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at_end {
            return Ok(0);
        }
        let n = self.file.read(buf)?;
        self.left = self.left.saturating_sub(n as u64);
        // Files that tell no length, as those of /proc, have to be asked.
        self.at_end = self.left == 0 && n > 0 && n < buf.len();
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_folders_in_any_order_are_opened() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let names = ["a/1", "a/2", "a/3", "b/1", "a/1", "b/2", "b/3"];
        for name in names {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, name).expect("a file");
        }
        let mut opener = Opener::default();
        for name in names {
            let mut text = String::new();
            opener.open(&dir.path().join(name)).and_then(|mut file| file.read_to_string(&mut text)).expect("readable");
            assert_eq!(text, name);
        }
        assert!(opener.open(&dir.path().join("b/none")).is_err());
        assert!(
            opener.open(Path::new("/")).is_ok_and(|file| file.metadata().is_ok_and(|m| m.is_dir())) || cfg!(windows)
        );
    }

    #[test]
    fn a_file_is_read_to_its_end_whatever_length_it_was_said_to_have() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("x");
        std::fs::write(&path, [7; 1000]).expect("a file");
        for len in [0, 1, 999, 1000, 1001, u64::MAX] {
            for room in [1, 100, 1000, 4096] {
                let mut file = File::open(&path).expect("it is there");
                let (mut whole, mut buffer, mut all) = (Whole::new(&mut file, len), vec![0; room], 0);
                loop {
                    match whole.read(&mut buffer).expect("readable") {
                        0 => break,
                        n => all += n,
                    }
                }
                assert_eq!(all, 1000, "{len} {room}");
            }
        }
    }
}
