//! Records by parts: what belongs together comes into one part, in the order in which it came, in memory up to a bound and
//! in files beyond it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Bytes of memory that several kinds of records have together.
#[derive(Clone)]
pub struct Room(Arc<AtomicUsize>);

impl Room {
    /// So many bytes.
    pub fn new(bytes: usize) -> Self {
        Room(Arc::new(AtomicUsize::new(bytes)))
    }

    fn take(&self, bytes: usize) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The parts of one kind of records.
pub struct Parts {
    parts: Vec<Part>,
    /// What memory is left for them and others.
    room: Room,
    /// Bytes in memory.
    held: usize,
    folder: PathBuf,
    name: &'static str,
}

/// Records of one part, in their order: those in memory came before those in the file.
#[derive(Default)]
struct Part {
    memory: Vec<Vec<u8>>,
    file: Option<(PathBuf, File)>,
}

impl Parts {
    /// Parts that hold in memory what there is room for, and put what is more into files called `name` in the folder.
    pub fn new(folder: &Path, name: &'static str, room: &Room) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Parts { parts, room: room.clone(), held: 0, folder: folder.to_owned(), name }
    }

    /// Adds whole records to a part.
    pub fn push(&mut self, part: usize, records: Vec<u8>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let at = part % PARTS;
        let part = &mut self.parts[at];
        if part.file.is_none() && self.room.take(records.len()) {
            self.held += records.len();
            part.memory.push(records);
            return Ok(());
        }
        let (path, file) = match &mut part.file {
            Some(open) => open,
            none => {
                let path = self.folder.join(format!("{}-{at:02}.spill", self.name));
                let options = File::options().read(true).write(true).create_new(true).open(&path);
                let file = options.map_err(Error::io(&path))?;
                none.insert((path, file))
            }
        };
        file.write_all(&records).map_err(Error::io(&*path))
    }

    /// Adds records to every part.
    pub fn push_all(&mut self, split: Split) -> Result<(), Error> {
        split.0.into_iter().enumerate().try_for_each(|(part, records)| self.push(part, records))
    }

    /// Shows the records of a part in their order; more may come.
    pub fn look(&mut self, part: usize, see: impl FnMut(&[u8])) -> Result<(), Error> {
        let Part { memory, file } = &mut self.parts[part % PARTS];
        show(memory, file, see)
    }

    /// Nothing has come.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.memory.is_empty() && part.file.is_none())
    }

    /// Takes each part out, to be read where and when it is wanted.
    pub fn take(&mut self) -> Vec<Taken> {
        self.room.give(std::mem::take(&mut self.held));
        let parts = std::mem::take(&mut self.parts);
        parts.into_iter().map(|Part { memory, file }| Taken { memory, file, behind: None }).collect()
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
    /// Records that came after all others.
    behind: Option<Vec<u8>>,
}

impl Taken {
    /// Shows its records in their order, and keeps them.
    pub fn look(&mut self, mut see: impl FnMut(&[u8])) -> Result<(), Error> {
        show(&self.memory, &mut self.file, &mut see)?;
        self.behind.iter().for_each(|records| see(records));
        Ok(())
    }

    /// It has no records.
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.file.is_none() && self.behind.is_none()
    }

    /// Adds records behind the others.
    pub fn append(&mut self, records: &[u8]) {
        self.behind.get_or_insert_default().extend_from_slice(records);
    }

    /// Its records, piece by piece, in the order in which they came. Its file is gone afterwards.
    pub fn read(self) -> Result<Vec<Vec<u8>>, Error> {
        let mut all = self.memory;
        if let Some((path, mut file)) = self.file {
            all.push(whole(&mut file).map_err(Error::io(&path))?);
            fs::remove_file(&path).map_err(Error::io(&path))?;
        }
        all.extend(self.behind);
        Ok(all)
    }
}

/// Shows records in their order. Afterwards the file stands at its end.
fn show(memory: &[Vec<u8>], file: &mut Option<(PathBuf, File)>, mut see: impl FnMut(&[u8])) -> Result<(), Error> {
    memory.iter().for_each(|records| see(records));
    if let Some((path, file)) = file {
        see(&whole(file).map_err(Error::io(&*path))?);
    }
    Ok(())
}

fn whole(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spilled_comes_back_in_its_order() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut rare = Parts::new(dir.path(), "rare", &Room::new(1 << 20));
        let mut often = Parts::new(dir.path(), "often", &Room::new(3000));
        for n in 0..1000u64 {
            let (part, record) = (part_of(draw(&n.to_le_bytes())), n.to_le_bytes());
            rare.push(part, record.to_vec()).expect("room");
            often.push(part, record.to_vec()).expect("room");
        }
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
