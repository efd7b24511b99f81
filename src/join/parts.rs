//! Records by parts: what belongs together comes into one part, in the order in which it came, in memory up to a bound and
//! in files beyond it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// How many parts there are: a fixed number, so that the order of rows is a function of the input alone.
pub const PARTS: usize = 64;

/// The part of a number that was drawn from a name or a digest.
pub fn part_of(number: u64) -> usize {
    (number % PARTS as u64) as usize
}

/// A number drawn from a name: FNV-1a with 64 bits, which no release of any crate changes.
pub fn draw(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The parts of one kind of records.
pub struct Parts {
    parts: Vec<Part>,
    /// Bytes in memory.
    held: usize,
    /// Bytes that may be.
    limit: usize,
    /// Bytes altogether.
    total: u64,
    folder: PathBuf,
    name: &'static str,
}

#[derive(Default)]
struct Part {
    /// Whole records, as they came.
    memory: Vec<Vec<u8>>,
    file: Option<(PathBuf, File)>,
}

impl Parts {
    /// Parts that hold up to `limit` bytes in memory, and put what is more into files called `name` in the folder.
    pub fn new(folder: &Path, name: &'static str, limit: usize) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Parts { parts, held: 0, limit, total: 0, folder: folder.to_owned(), name }
    }

    /// Adds whole records to a part.
    pub fn push(&mut self, part: usize, records: Vec<u8>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        self.held += records.len();
        self.total += records.len() as u64;
        self.parts[part % PARTS].memory.push(records);
        if self.held > self.limit {
            self.spill()?;
        }
        Ok(())
    }

    /// Adds records to every part.
    pub fn push_all(&mut self, split: Split) -> Result<(), Error> {
        split.0.into_iter().enumerate().try_for_each(|(part, records)| self.push(part, records))
    }

    /// Bytes of all records.
    pub fn total(&self) -> u64 {
        self.total
    }

    fn spill(&mut self) -> Result<(), Error> {
        for (at, part) in self.parts.iter_mut().enumerate().filter(|(_, part)| !part.memory.is_empty()) {
            let (path, file) = match &mut part.file {
                Some(open) => open,
                none => {
                    let path = self.folder.join(format!("{}-{at:02}.spill", self.name));
                    let options = File::options().read(true).write(true).create_new(true).open(&path);
                    let file = options.map_err(Error::io(&path))?;
                    none.insert((path, file))
                }
            };
            for records in std::mem::take(&mut part.memory) {
                file.write_all(&records).map_err(Error::io(&*path))?;
            }
        }
        self.held = 0;
        Ok(())
    }

    /// Takes each part out, to be read where and when it is wanted.
    pub fn take(&mut self) -> Vec<Taken> {
        self.held = 0;
        let parts = std::mem::take(&mut self.parts);
        parts.into_iter().map(|Part { memory, file }| Taken { memory, file }).collect()
    }
}

/// Records by part, made by one worker.
#[derive(Default)]
pub struct Split(Vec<Vec<u8>>);

impl Split {
    /// The records of a part.
    pub fn of(&mut self, part: usize) -> &mut Vec<u8> {
        if self.0.is_empty() {
            self.0.resize_with(PARTS, Vec::new);
        }
        &mut self.0[part % PARTS]
    }

    /// Makes room for so many bytes, spread over the parts.
    pub fn reserve(&mut self, bytes: usize) {
        if bytes > PARTS * PARTS {
            (0..PARTS).for_each(|part| self.of(part).reserve(bytes / PARTS * 9 / 8));
        }
    }
}

/// One part, taken out.
pub struct Taken {
    memory: Vec<Vec<u8>>,
    file: Option<(PathBuf, File)>,
}

impl Taken {
    /// Shows its records, and keeps them.
    pub fn look(&mut self, mut see: impl FnMut(&[u8])) -> Result<(), Error> {
        if let Some((path, file)) = &mut self.file {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0)).map_err(Error::io(&*path))?;
            file.read_to_end(&mut bytes).map_err(Error::io(&*path))?;
            see(&bytes);
        }
        self.memory.iter().for_each(|records| see(records));
        Ok(())
    }

    /// Adds records behind the others.
    pub fn append(&mut self, records: Vec<u8>) {
        self.memory.push(records);
    }

    /// Its records, piece by piece, in the order in which they came. Its file is gone afterwards.
    pub fn read(self) -> Result<Vec<Vec<u8>>, Error> {
        let Some((path, mut file)) = self.file else { return Ok(self.memory) };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).map_err(Error::io(&path))?;
        file.read_to_end(&mut bytes).map_err(Error::io(&path))?;
        fs::remove_file(&path).map_err(Error::io(&path))?;
        let mut all = vec![bytes];
        all.extend(self.memory);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spilled_comes_back_in_its_order() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut rare = Parts::new(dir.path(), "rare", 1 << 20);
        let mut often = Parts::new(dir.path(), "often", 100);
        for n in 0..1000u64 {
            let (part, record) = (part_of(draw(&n.to_le_bytes())), n.to_le_bytes());
            rare.push(part, record.to_vec()).expect("room");
            often.push(part, record.to_vec()).expect("room");
        }
        assert_eq!((rare.total(), often.total()), (8000, 8000));
        assert!(fs::read_dir(dir.path()).expect("a folder").count() > 32, "files were used");
        for (a, b) in rare.take().into_iter().zip(often.take()) {
            let (a, b) = (a.read().expect("bytes").concat(), b.read().expect("bytes").concat());
            assert_eq!(a, b);
            let numbers: Vec<u64> = a.chunks(8).filter_map(|c| c.try_into().ok()).map(u64::from_le_bytes).collect();
            assert!(numbers.len() > 2 && numbers.is_sorted(), "{numbers:?}");
        }
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0, "nothing stays behind");
    }
}
