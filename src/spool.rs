//! Random access to a source: formats whose parts point at each other (zip, registry hives) cannot be read forwards.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use crate::format::Input;

/// The whole source as a file at its start: the file itself where the source is one, else a copy in an unnamed temporary
/// file, which no path of an archive's member can name. A copy of more than `limit` bytes is refused with
/// [`io::ErrorKind::FileTooLarge`].
pub fn random_access(input: &mut Input<'_, '_>, limit: u64) -> io::Result<File> {
    if let Some(path) = input.file {
        return File::open(path);
    }
    let mut copy = tempfile::tempfile()?;
    let mut copied = 0u64;
    loop {
        let bytes = input.window.fill(1);
        let len = bytes.len();
        copied += len as u64;
        if copied > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if len == 0 {
            break;
        }
        copy.write_all(bytes)?;
        input.window.consume(len);
    }
    input.window.take_error().map_or(Ok(()), Err)?;
    copy.seek(SeekFrom::Start(0))?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::format::{Memory, Setting};
    use crate::input::{CHUNK, Window};

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
