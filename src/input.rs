//! A bounded window over one source: every reader sees its bytes through this and nothing else.
//!
//! Memory stays bounded whatever the size of the source: the window holds one chunk plus what a reader asked
//! to see at once, and never grows past [`MAX_WINDOW`]. Offsets count from the start of the source, after
//! decompression and before decoding, so they can go into lineage as they are.

use std::io::{self, Read};

/// Bytes read at a time. The chunk shares the second-level cache with what lines are compared with, so smaller is
/// better, until the calls cost more.
pub const CHUNK: usize = 128 * 1024;
/// Most bytes a reader may ask to see at once; what needs more is a `too_large` reject.
pub const MAX_WINDOW: usize = 64 * 1024 * 1024;
/// Default limit of one line, in bytes.
pub const MAX_LINE: usize = 16 * 1024 * 1024;

/// A line of the source, without its line end.
#[derive(Debug)]
pub struct Line<'w> {
    /// Offset of the first byte in the source.
    pub offset: u64,
    /// The bytes, without `\n` or `\r\n`. Empty where `too_long`.
    pub bytes: &'w [u8],
    /// The line was longer than the limit and was passed over.
    pub too_long: bool,
}

/// A bounded, forward-only window over a source.
pub struct Window<'r> {
    read: Box<dyn Read + 'r>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    eof: bool,
    error: Option<io::Error>,
    goes_on: bool,
}

impl<'r> Window<'r> {
    /// A window over `read`, whose first byte stands at `offset` of its source.
    pub fn new(read: impl Read + 'r, offset: u64) -> Self {
        Self::with_buffer(read, offset, Vec::new())
    }

    /// Like [`Window::new`], with a buffer to reuse; get it back with [`Window::into_buffer`].
    pub fn with_buffer(read: impl Read + 'r, offset: u64, buf: Vec<u8>) -> Self {
        Window { read: Box::new(read), buf, start: 0, end: 0, offset, eof: false, error: None, goes_on: false }
    }

    /// Says that the source goes on where the window ends.
    pub fn set_goes_on(&mut self, goes_on: bool) {
        self.goes_on = goes_on;
    }

    /// The source goes on where the window ends, in the window of another unit.
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// A window over bytes that are all at hand, the first of which stands at `offset` of its source.
    pub fn whole(bytes: Vec<u8>, offset: u64) -> Self {
        let end = bytes.len();
        Window { end, eof: true, ..Window::with_buffer(io::empty(), offset, bytes) }
    }

    /// Moves what comes next to the end of `out` until that holds `wanted` bytes; false where the source ends first.
    pub fn move_to(&mut self, out: &mut Vec<u8>, wanted: usize) -> bool {
        let at_hand = (self.end - self.start).min(wanted.saturating_sub(out.len()));
        out.extend_from_slice(&self.available()[..at_hand]);
        self.consume(at_hand);
        let missing = wanted.saturating_sub(out.len());
        if missing > 0 && !self.eof {
            out.reserve_exact(missing);
            let before = out.len();
            let read = (&mut self.read).take(missing as u64).read_to_end(out);
            let n = out.len() - before;
            self.offset += n as u64;
            self.eof = n < missing;
            self.error = read.err();
        }
        out.len() >= wanted
    }

    /// Gives the buffer back.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buf
    }

    /// Offset of the next byte in the source.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes at hand without reading.
    pub fn available(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// The bytes ahead, at least `want` of them unless the source ends first or `want` is over [`MAX_WINDOW`].
    pub fn fill(&mut self, want: usize) -> &[u8] {
        let want = want.min(MAX_WINDOW);
        while self.end - self.start < want && !self.eof {
            self.refill();
        }
        self.available()
    }

    /// Passes over `n` bytes that are at hand.
    pub fn consume(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
    }

    /// Passes over `n` bytes, reading as needed; returns how many there were.
    pub fn skip(&mut self, n: u64) -> u64 {
        let mut left = n;
        while left > 0 {
            let at_hand = self.fill(1).len() as u64;
            if at_hand == 0 {
                break;
            }
            let step = at_hand.min(left);
            self.consume(step as usize);
            left -= step;
        }
        n - left
    }

    /// True when no byte is left.
    pub fn at_end(&mut self) -> bool {
        self.fill(1).is_empty()
    }

    /// An error ended the source early, and nobody has taken it.
    pub fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// The error that ended the source early, once.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// The next line of at most `max` bytes; a longer one is passed over and flagged. `None` at the end.
    pub fn line(&mut self, max: usize) -> Option<Line<'_>> {
        let offset = self.offset;
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buf[self.start + searched..self.end]) {
                let len = searched + at;
                let from = self.start;
                self.start += len + 1;
                self.offset += len as u64 + 1;
                return Some(self.cut(offset, from, len, max));
            }
            searched = self.end - self.start;
            if searched > max {
                self.skip_line();
                return Some(Line { offset, bytes: &[], too_long: true });
            }
            if self.eof {
                if searched == 0 {
                    return None;
                }
                let from = self.start;
                self.start = self.end;
                self.offset += searched as u64;
                return Some(self.cut(offset, from, searched, max));
            }
            self.refill();
        }
    }

    fn cut(&self, offset: u64, from: usize, len: usize, max: usize) -> Line<'_> {
        let mut bytes = &self.buf[from..from + len];
        if let [head @ .., b'\r'] = bytes {
            bytes = head;
        }
        let too_long = bytes.len() > max;
        Line { offset, bytes: if too_long { &[] } else { bytes }, too_long }
    }

    fn skip_line(&mut self) {
        loop {
            let at_hand = self.end - self.start;
            if let Some(at) = memchr::memchr(b'\n', self.available()) {
                self.consume(at + 1);
                return;
            }
            self.consume(at_hand);
            if self.fill(1).is_empty() {
                return;
            }
        }
    }

    /// Reads once. The buffer grows by doubling, and only while bytes really come: what a record claims as its
    /// length is not believed before it is there.
    fn refill(&mut self) {
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buf.len() {
            self.buf.resize((2 * self.end).max(CHUNK), 0);
        }
        loop {
            match self.read.read(&mut self.buf[self.end..]) {
                Ok(0) => self.eof = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    self.error = Some(e);
                    self.eof = true;
                }
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_offsets_and_lose_their_ends() {
        let mut w = Window::new(&b"a\r\n\nbc\nd"[..], 100);
        let mut seen = Vec::new();
        while let Some(line) = w.line(10) {
            seen.push((line.offset, line.bytes.to_vec()));
        }
        assert_eq!(seen, [(100, b"a".to_vec()), (103, vec![]), (104, b"bc".to_vec()), (107, b"d".to_vec())]);
    }

    #[test]
    fn a_long_line_is_flagged_and_the_next_one_survives() {
        let mut text = vec![b'x'; 3 * CHUNK];
        text.extend_from_slice(b"\nok\n");
        let mut w = Window::new(&text[..], 0);
        assert!(w.line(1000).is_some_and(|l| l.too_long && l.offset == 0));
        assert!(w.line(1000).is_some_and(|l| l.bytes == b"ok" && l.offset == 3 * CHUNK as u64 + 1));
        assert!(w.line(1000).is_none());
        assert!(w.buf.len() <= 2 * CHUNK, "the window did not grow with the line");
    }

    #[test]
    fn fill_sees_ahead_across_chunks() {
        let text: Vec<u8> = (0..3 * CHUNK).map(|i| i as u8).collect();
        let mut w = Window::new(&text[..], 0);
        assert_eq!(w.fill(2 * CHUNK)[2 * CHUNK - 1], text[2 * CHUNK - 1]);
        assert_eq!(w.skip(2 * CHUNK as u64), 2 * CHUNK as u64);
        assert_eq!(w.fill(1)[0], text[2 * CHUNK]);
        assert_eq!(w.skip(u64::MAX), CHUNK as u64);
        assert!(w.at_end());
    }
}
