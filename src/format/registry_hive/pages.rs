//! Random access to a file through a bounded cache.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of a page. Cells that belong together mostly stand close together, and Windows reads hives in blocks of 4 KiB.
const PAGE: usize = 16 * 1024;
/// Most pages kept: 8 MiB.
const SLOTS: usize = 512;

/// A source of known length, read a page at a time. Each page has one slot that it can stand in.
pub(super) struct Pages<R> {
    source: R,
    len: u64,
    slots: Vec<Option<(u64, Vec<u8>)>>,
}

impl<R: Read + Seek> Pages<R> {
    /// A cache over the whole of `source`.
    pub(super) fn new(mut source: R) -> io::Result<Self> {
        let len = source.seek(SeekFrom::End(0))?;
        Ok(Pages { source, len, slots: (0..SLOTS).map(|_| None).collect() })
    }

    /// Length of the source in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `out` with the bytes at `at`. What ends beyond the source is an error of kind `UnexpectedEof`.
    pub(super) fn read(&mut self, mut at: u64, mut out: &mut [u8]) -> io::Result<()> {
        while !out.is_empty() {
            let page = at / PAGE as u64;
            let inside = (at % PAGE as u64) as usize;
            let here = self.page(page)?.get(inside..).unwrap_or_default();
            let n = here.len().min(out.len());
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (now, later) = out.split_at_mut(n);
            now.copy_from_slice(&here[..n]);
            out = later;
            at += n as u64;
        }
        Ok(())
    }

    /// Page number `page`; the last one is shorter, and one beyond the end is empty.
    fn page(&mut self, page: u64) -> io::Result<&[u8]> {
        let slot = &mut self.slots[(page % SLOTS as u64) as usize];
        if !matches!(slot, Some((number, _)) if *number == page) {
            let mut bytes = slot.take().map_or_else(Vec::new, |(_, bytes)| bytes);
            bytes.clear();
            let start = page.saturating_mul(PAGE as u64).min(self.len);
            self.source.seek(SeekFrom::Start(start))?;
            (&mut self.source).take((self.len - start).min(PAGE as u64)).read_to_end(&mut bytes)?;
            *slot = Some((page, bytes));
        }
        Ok(slot.as_ref().map_or(&[], |(_, bytes)| bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn every_byte_is_found_across_pages_and_when_slots_are_taken_again() {
        let bytes: Vec<u8> = (0..(SLOTS + 2) * PAGE + 5).map(|i| (i / 3) as u8).collect();
        let mut pages = Pages::new(Cursor::new(&bytes)).expect("a length");
        assert_eq!(pages.len(), bytes.len() as u64);
        for at in [0, PAGE - 3, SLOTS * PAGE - 1, 7, bytes.len() - 9, 2 * PAGE] {
            let mut out = [0; 9];
            pages.read(at as u64, &mut out).expect("inside");
            assert_eq!(out, bytes[at..at + 9]);
        }
        for at in [bytes.len() as u64 - 8, bytes.len() as u64, u64::MAX - 8] {
            assert_eq!(pages.read(at, &mut [0; 9]).map_err(|e| e.kind()), Err(io::ErrorKind::UnexpectedEof));
        }
    }
}
