//! Random access to a source: formats whose parts point at each other (zip, registry hives) cannot be read forwards, and a
//! log is read twice where its end says what its beginning means.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use crate::format::Input;
use crate::input::Window;

/// The whole source as a file at its start: the file itself where the source is one, else a copy in an unnamed temporary
/// file, which no path of an archive's member can name. A copy of more than `limit` bytes is refused with
/// [`io::ErrorKind::FileTooLarge`].
pub fn random_access(input: &mut Input<'_, '_>, limit: u64) -> io::Result<File> {
    let (file, error) = file_of(input.window, input.file, limit)?;
    error.map_or(Ok(file), Err)
}

/// The same of a window, and of the file that it shows, where it shows all of one. With the error that ended the source
/// early: then the copy holds what came before.
pub fn file_of(window: &mut Window<'_>, file: Option<&Path>, limit: u64) -> io::Result<(File, Option<io::Error>)> {
    if let Some(path) = file {
        return Ok((File::open(path)?, None));
    }
    let mut copy = tempfile::tempfile()?;
    let mut copied = 0u64;
    loop {
        let bytes = window.fill(1);
        let len = bytes.len();
        copied += len as u64;
        if copied > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if len == 0 {
            break;
        }
        copy.write_all(bytes)?;
        window.consume(len);
    }
    copy.seek(SeekFrom::Start(0))?;
    Ok((copy, window.take_error()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::format::{Memory, Setting};
    use crate::input::CHUNK;

    #[test]
    fn what_is_no_file_is_copied_up_to_the_limit() {
        let bytes: Vec<u8> = (0..3 * CHUNK).map(|i| i as u8).collect();
        let access = |limit| {
            let (mut window, setting, mut memory) = (Window::new(&bytes[..], 0), Setting::default(), Memory::default());
            let mut input =
                Input { window: &mut window, path: "x", file: None, setting: &setting, memory: &mut memory };
            random_access(&mut input, limit)
        };
        let mut copy = Vec::new();
        access(u64::MAX).and_then(|mut file| file.read_to_end(&mut copy)).expect("a copy");
        assert_eq!(copy, bytes);
        assert_eq!(access(1000).map(|_| ()).map_err(|e| e.kind()), Err(io::ErrorKind::FileTooLarge));
    }
}
