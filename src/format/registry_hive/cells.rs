//! The records of a hive: base block, cells, keys, values and the lists between them.
//!
//! After the "Windows registry file format specification" (M. Suhanov), chapters "Base block" to "Big data". Numbers
//! are little-endian. A reference is a 32-bit offset from the end of the base block, where the hive bins begin.

use std::io::{self, Read, Seek};

use super::pages::Pages;
use crate::format::text::utf16le;
use crate::record::Code;

/// Signature of a base block.
pub(super) const MAGIC: &[u8] = b"regf";
/// Bytes of the base block, and place of the first hive bin.
pub(super) const BASE: u64 = 4096;
/// Place of the two sequence numbers in the base block.
pub(super) const SEQUENCE: u64 = 4;
/// Place of the file type: 0 is a hive, others are logs.
pub(super) const FILE_TYPE: usize = 28;
/// Bytes of the base block that its checksum covers; it stands behind them.
const CHECKED: usize = 508;
/// Bytes of a hive bin's header: no cell begins before.
const BIN_HEADER: u32 = 32;
/// Fixed bytes of a key node before its name.
const KEY: usize = 76;
/// Fixed bytes of a value before its name.
const VALUE: usize = 20;
/// Longest name of a key in bytes: 256 UTF-16 units.
const MAX_KEY_NAME: u64 = 512;
/// Most bytes of data in one segment of a big data record. Data of this size and less has a cell of its own.
const SEGMENT: u32 = 16344;
/// Bit of a size that says that the data stands in the place of its reference.
const INLINE: u32 = 1 << 31;

/// A part of a hive that cannot be read.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Its place in the file.
    pub at: u64,
    /// Why.
    pub code: Code,
    /// The same for people.
    pub message: String,
}

impl Trouble {
    /// A structure that contradicts the format.
    pub(super) fn bad(at: u64, message: impl Into<String>) -> Self {
        Trouble { at, code: Code::BadStructure, message: message.into() }
    }

    /// Something over a limit.
    pub(super) fn too_large(at: u64, message: impl Into<String>) -> Self {
        Trouble { at, code: Code::TooLarge, message: message.into() }
    }

    fn io(at: u64, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Trouble { at, code: Code::Truncated, message: "the file ends here".to_owned() }
            }
            _ => Trouble { at, code: Code::Io, message: error.to_string() },
        }
    }
}

type Result<T> = std::result::Result<T, Trouble>;

/// What the base block says.
#[derive(Debug)]
pub(super) struct Base {
    /// Counters of write operations that were begun, and that were ended.
    pub sequence: (u32, u32),
    /// The checksum is that of the block.
    pub is_checked: bool,
    /// End of the hive bins in the file.
    pub end: u64,
    /// Reference to the root key.
    pub root: u32,
}

impl Base {
    /// Reads the base block from the file's first bytes; `None` where they are too few or no hive's.
    pub(super) fn parse(bytes: &[u8]) -> Option<Base> {
        if !bytes.starts_with(MAGIC) || bytes.len() < CHECKED + 4 {
            return None;
        }
        let words = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let sum = words.take(CHECKED / 4).fold(0, |sum, word| sum ^ word);
        let stored = u32_at(bytes, CHECKED);
        // Windows never writes 0 and all ones: the neighbour stands for them.
        let is_checked = stored == sum || matches!((sum, stored), (0, 1) | (u32::MAX, 0xffff_fffe));
        Some(Base {
            sequence: (u32_at(bytes, SEQUENCE as usize), u32_at(bytes, SEQUENCE as usize + 4)),
            is_checked,
            end: BASE + u64::from(u32_at(bytes, 40)),
            root: u32_at(bytes, 36),
        })
    }
}

/// A key node.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Name, verbatim.
    pub name: String,
    /// Place of its cell in the file.
    pub at: u64,
    /// How many subkeys it says it has.
    pub subkeys: u32,
    /// Reference to the list of them.
    pub subkey_list: u32,
    /// How many values it says it has.
    pub values: u32,
    /// Reference to the list of them.
    pub value_list: u32,
}

/// A value without its data.
#[derive(Debug)]
pub(super) struct ValueCell {
    /// Name, verbatim; empty for the default value.
    pub name: String,
    /// Bytes of the name in the file.
    pub name_len: u64,
    /// `REG_` type.
    pub kind: u32,
    /// Length of the data in bytes.
    pub size: u32,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Inline([u8; 4]),
    Elsewhere(u32),
}

/// A list of references.
#[derive(Debug)]
pub(super) struct List {
    /// Its references are to lists of keys (`ri`) and not to keys.
    pub is_root: bool,
    /// Place of its cell in the file.
    pub at: u64,
    /// Elements that are there.
    pub len: u32,
    /// Elements that it says it has.
    pub said: u32,
    first: u64,
    width: u32,
}

/// The content of a cell in use.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// Place of the content in the file.
    at: u64,
    /// Its length, with what pads it.
    len: u64,
}

/// A hive file.
pub(super) struct Hive<R> {
    pages: Pages<R>,
    /// Where the hive bins end, by the base block.
    end: u64,
}

impl<R: Read + Seek> Hive<R> {
    /// A hive over `source`, whose bins end at `end` as its base block says.
    pub(super) fn new(source: R, end: u64) -> io::Result<Self> {
        Ok(Hive { pages: Pages::new(source)?, end })
    }

    /// Length of the file in bytes.
    pub(super) fn len(&self) -> u64 {
        self.pages.len()
    }

    /// The key node at a reference.
    pub(super) fn key(&mut self, reference: u32) -> Result<Key> {
        let at = place(reference);
        let (cell, head) = self.record::<KEY>(reference, *b"nk", "key")?;
        let name_len = u64::from(u16_at(&head, 72));
        if name_len > MAX_KEY_NAME || KEY as u64 + name_len > cell.len {
            return Err(Trouble::bad(at, format!("the key's name is said to have {name_len} bytes")));
        }
        let is_latin1 = u16_at(&head, 2) & 0x20 != 0;
        Ok(Key {
            name: self.name(cell.at + KEY as u64, name_len, is_latin1)?,
            at,
            subkeys: u32_at(&head, 20),
            subkey_list: u32_at(&head, 28),
            values: u32_at(&head, 36),
            value_list: u32_at(&head, 40),
        })
    }

    /// The value at a reference, without its data.
    pub(super) fn value(&mut self, reference: u32) -> Result<ValueCell> {
        let at = place(reference);
        let (cell, head) = self.record::<VALUE>(reference, *b"vk", "value")?;
        let name_len = u64::from(u16_at(&head, 2));
        if VALUE as u64 + name_len > cell.len {
            return Err(Trouble::bad(at, format!("the value's name is said to have {name_len} bytes")));
        }
        let (size, data) = (u32_at(&head, 4), u32_at(&head, 8));
        let is_inline = size & INLINE != 0;
        let size = size & !INLINE;
        if is_inline && size > 4 {
            return Err(Trouble::bad(at, format!("{size} bytes are said to stand in the place of a reference")));
        }
        Ok(ValueCell {
            name: self.name(cell.at + VALUE as u64, name_len, u16_at(&head, 16) & 1 != 0)?,
            name_len,
            kind: u32_at(&head, 12),
            size,
            data: if is_inline { Data::Inline(data.to_le_bytes()) } else { Data::Elsewhere(data) },
        })
    }

    /// Reads the data of a value into `out`. Its size is the caller's to bound.
    pub(super) fn data(&mut self, value: &ValueCell, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        let reference = match value.data {
            Data::Inline(bytes) => {
                out.extend(bytes.iter().take(value.size as usize));
                return Ok(());
            }
            Data::Elsewhere(_) if value.size == 0 => return Ok(()),
            Data::Elsewhere(reference) => reference,
        };
        let (at, cell) = (place(reference), self.cell(reference)?);
        if cell.len >= u64::from(value.size) {
            return self.append(cell, value.size, out);
        }
        let short = || Trouble::bad(at, format!("a cell of {} bytes holds {} bytes of data", cell.len, value.size));
        if value.size <= SEGMENT || cell.len < 8 {
            return Err(short());
        }
        let mut head = [0; 8];
        self.read(cell.at, &mut head)?;
        if !head.starts_with(b"db") {
            return Err(short());
        }
        let (segments, list) = (u32::from(u16_at(&head, 2)), self.cell(u32_at(&head, 4))?);
        if segments != value.size.div_ceil(SEGMENT) || list.len < 4 * u64::from(segments) {
            return Err(Trouble::bad(
                at,
                format!("{} bytes of data are said to be in {segments} segments", value.size),
            ));
        }
        for number in 0..segments {
            let reference = self.reference(list.at + 4 * u64::from(number))?;
            let segment = self.cell(reference)?;
            let want = (value.size - number * SEGMENT).min(SEGMENT);
            if segment.len < u64::from(want) {
                let message = format!("a segment of {} bytes holds {want} bytes of data", segment.len);
                return Err(Trouble::bad(place(reference), message));
            }
            self.append(segment, want, out)?;
        }
        Ok(())
    }

    /// The list of subkeys at a reference: `li`, `lf`, `lh` or, of such lists, `ri`.
    pub(super) fn subkey_list(&mut self, reference: u32) -> Result<List> {
        let (at, cell) = (place(reference), self.cell(reference)?);
        let mut head = [0; 4];
        self.read(cell.at, &mut head)?;
        let (width, is_root) = match &head[..2] {
            b"li" => (4, false),
            // A hint at the name, or a hash of it, stands beside each reference. Nothing is found by them here.
            b"lf" | b"lh" => (8, false),
            b"ri" => (4, true),
            other => return Err(Trouble::bad(at, format!("\"{}\" is no list of subkeys", other.escape_ascii()))),
        };
        Ok(list(at, Cell { at: cell.at + 4, len: cell.len - 4 }, u32::from(u16_at(&head, 2)), width, is_root))
    }

    /// The list of a key's values at a reference, which does not say its length itself.
    pub(super) fn value_list(&mut self, reference: u32, said: u32) -> Result<List> {
        let cell = self.cell(reference)?;
        Ok(list(place(reference), cell, said, 4, false))
    }

    /// An element of a list.
    pub(super) fn element(&mut self, list: &List, number: u32) -> Result<u32> {
        self.reference(list.first + u64::from(number) * u64::from(list.width))
    }

    /// A cell with the first bytes of its content, which begins with a signature.
    fn record<const N: usize>(&mut self, reference: u32, signature: [u8; 2], what: &str) -> Result<(Cell, [u8; N])> {
        let cell = self.cell(reference)?;
        let mut head = [0; N];
        if cell.len >= N as u64 {
            self.read(cell.at, &mut head)?;
        }
        match head.starts_with(&signature) {
            true => Ok((cell, head)),
            false => Err(Trouble::bad(place(reference), format!("the cell is no {what}"))),
        }
    }

    /// The cell in use at a reference.
    fn cell(&mut self, reference: u32) -> Result<Cell> {
        let at = place(reference);
        let outside = |hive: &Self| match at < hive.end {
            true => Trouble { at, code: Code::Truncated, message: "the file ends before this cell does".to_owned() },
            false => Trouble::bad(at, "the cell is said to stand outside the hive"),
        };
        if reference < BIN_HEADER || !reference.is_multiple_of(8) {
            return Err(Trouble::bad(at, "no cell can stand here"));
        }
        if at + 8 > self.len() {
            return Err(outside(self));
        }
        let size = self.reference(at)? as i32;
        if size >= 0 {
            return Err(Trouble::bad(at, "the cell is not in use"));
        }
        let size = u64::from(size.unsigned_abs());
        if size < 8 || at + size > self.len().max(self.end) {
            return Err(Trouble::bad(at, format!("the cell is said to have {size} bytes")));
        }
        if at + size > self.len() {
            return Err(outside(self));
        }
        Ok(Cell { at: at + 4, len: size - 4 })
    }

    /// The name of `len` bytes at `at`. What is no UTF-16 in it becomes a replacement character.
    fn name(&mut self, at: u64, len: u64, is_latin1: bool) -> Result<String> {
        let mut bytes = vec![0; len as usize];
        self.read(at, &mut bytes)?;
        Ok(match is_latin1 {
            true => bytes.iter().map(|b| char::from(*b)).collect(),
            false => utf16le(&bytes).0,
        })
    }

    /// The 32 bits at `at`, mostly a reference.
    fn reference(&mut self, at: u64) -> Result<u32> {
        let mut bytes = [0; 4];
        self.read(at, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn append(&mut self, cell: Cell, len: u32, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.resize(start + len as usize, 0);
        self.read(cell.at, out.get_mut(start..).unwrap_or_default())
    }

    fn read(&mut self, at: u64, out: &mut [u8]) -> Result<()> {
        self.pages.read(at, out).map_err(|error| Trouble::io(at, &error))
    }
}

/// Place in the file of what a reference points at.
pub(super) fn place(reference: u32) -> u64 {
    BASE + u64::from(reference)
}

/// A list that fills `content`, as far as there is room for it.
fn list(at: u64, content: Cell, said: u32, width: u32, is_root: bool) -> List {
    let room = u32::try_from(content.len / u64::from(width)).unwrap_or(u32::MAX);
    List { is_root, at, len: said.min(room), said, first: content.at, width }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_le_bytes(*b))
}

/// Whether `bytes` begin like a log of a hive and not like a hive.
pub(super) fn is_log(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && matches!(u32_at(bytes, FILE_TYPE), 1 | 2 | 6)
}
