//! Shapes of lines that were read before: collectors write the same keys in the same order line after line.
//!
//! A line is a chain of **gaps** and values: a gap is everything between two values, so brackets, commas, keys and
//! blanks. The first line of a shape is read by [`scan::walk`], and its gaps are remembered with what their keys mean.
//! Where a later line has the very same bytes between its values, its keys mean the same, and only the values are
//! read, by the same code as in the general way. Nothing is assumed: every gap is compared to its last byte, and where
//! one differs the line is read in the general way and its shape is remembered as well.
//!
//! Shapes that begin alike share their beginning: the gaps form a tree.

use super::scan::{self, Member, Place};

/// Longest gap that is remembered, in bytes: `},"calais_disable_capi_override": ` has 34.
const MAX_GAP: usize = 48;
/// Most gaps that are kept; with more, everything is forgotten and learned anew. A collector's record types and the
/// objects that some records have and others have not make about a hundred.
const MAX_NODES: usize = 512;
/// Most values of a line that is remembered.
const MAX_STEPS: usize = 128;

/// Stands before the first gap of every line.
const ROOT: u16 = 0;
/// No gap: the root never follows another.
const NONE: u16 = 0;

/// The remembered shapes. `M` is what a reader wants to know of a key.
#[derive(Debug)]
pub(super) struct Shapes<M> {
    nodes: Vec<Node<M>>,
    /// The line that is being read in the general way.
    steps: Vec<Step<M>>,
    /// An object that was opened in the gap at hand.
    opened: Option<(M, usize)>,
    /// Where the gap at hand begins.
    gap: usize,
    /// The line at hand is not worth remembering, or too much to.
    refused: bool,
    /// How often everything was forgotten: numbers of gaps hold until then.
    pub(super) forgotten: u32,
}

/// A gap, and what stands after it.
#[derive(Clone, Copy, Debug)]
struct Node<M> {
    gap: Gap,
    then: Then<M>,
    /// The first of the gaps that may follow the value.
    next: u16,
    /// Another gap that may stand in this place.
    other: u16,
}

/// What stands after a gap.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then<M> {
    /// The end of the line.
    End,
    Value {
        /// The value is a member of an object in the line's object.
        nested: bool,
        /// `None` for a key that nobody reads.
        meaning: Option<M>,
        /// An object that is opened in the gap, with the place of its bracket in the gap.
        opened: Option<(M, usize)>,
    },
}

/// One value of a line that is being learned, with the gap before it.
#[derive(Clone, Copy, Debug)]
struct Step<M> {
    /// Offsets of its first byte and after its last.
    gap: (usize, usize),
    then: Then<M>,
}

/// What a reader hears of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<M> {
    pub(super) meaning: M,
    /// Where the gap before the value begins: keys are found from here.
    pub(super) gap: usize,
    pub(super) value: Place,
}

impl<M: Copy + PartialEq> Shapes<M> {
    pub(super) fn new() -> Self {
        Shapes { nodes: Vec::new(), steps: Vec::new(), opened: None, gap: 0, refused: false, forgotten: 0 }
    }

    /// Reads a line of a shape that was learned. False where it has none; what was reported so far must then be
    /// thrown away.
    ///
    /// `stop` hears after each value what it means, the number of the gaps up to there (the same number, the same keys)
    /// and where the rest of the line begins, and may end the reading.
    #[inline]
    pub(super) fn follow(
        &mut self,
        json: &[u8],
        mut on: impl FnMut(Known<M>),
        mut stop: impl FnMut(M, u16, usize) -> bool,
    ) -> bool {
        let (mut from, mut at) = (ROOT, 0);
        loop {
            let Some(found) = self.find(from, json, at) else { return false };
            let Some(node) = self.nodes.get(usize::from(found)) else { return false };
            let Then::Value { meaning, opened, .. } = node.then else { return true };
            if let Some((meaning, bracket)) = opened {
                let value = Place { start: at + bracket, end: at + bracket + 1, clean: 0 };
                on(Known { meaning, gap: at, value });
            }
            let Some((value, after)) = scan::member(json, at + node.gap.len()) else { return false };
            if let Some(meaning) = meaning {
                on(Known { meaning, gap: at, value });
                if stop(meaning, found, after) {
                    return true;
                }
            }
            (from, at) = (found, after);
        }
    }

    /// The gap that stands at `at`, among those that were seen after `from`.
    #[inline]
    fn find(&mut self, from: u16, json: &[u8], at: usize) -> Option<u16> {
        let first = self.nodes.get(usize::from(from))?.next;
        let mut found = first;
        let mut before = NONE;
        while found != NONE {
            let node = self.nodes.get(usize::from(found))?;
            if node.stands(json, at) {
                if before != NONE {
                    self.prefer(from, before, found);
                }
                return Some(found);
            }
            (before, found) = (found, node.other);
        }
        None
    }

    /// Puts a gap before its alternatives: what was met last is likely to be met next.
    #[cold]
    fn prefer(&mut self, from: u16, before: u16, found: u16) {
        let (from, before, found) = (usize::from(from), usize::from(before), usize::from(found));
        self.nodes[before].other = self.nodes[found].other;
        self.nodes[found].other = self.nodes[from].next;
        self.nodes[from].next = found as u16;
    }

    /// Begins to learn a line, which is read in the general way.
    pub(super) fn begin(&mut self) {
        self.steps.clear();
        (self.opened, self.gap, self.refused) = (None, 0, false);
    }

    /// Where the key of a member stands, from the beginning of the gap before its value.
    pub(super) fn key(&self, member: &Member<'_>) -> (usize, usize) {
        let start = member.key_at.saturating_sub(self.gap);
        (start, start + member.key.len())
    }

    /// Notes a member of the line and what its key means.
    pub(super) fn note(&mut self, member: &Member<'_>, meaning: Option<M>) {
        if member.opened {
            if let Some(meaning) = meaning {
                // One gap has room for one object; more of them are rare.
                self.refused |= self.opened.is_some();
                self.opened = Some((meaning, member.value.start - self.gap));
            }
            return;
        }
        self.refused |= self.steps.len() == MAX_STEPS;
        if !self.refused {
            let gap = (self.gap, member.value.start);
            let then = Then::Value { nested: member.nested, meaning, opened: self.opened.take() };
            self.steps.push(Step { gap, then });
            self.gap = member.after;
        }
    }

    /// The line has something that makes it no model for others.
    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    /// Remembers the line, which was read to its end.
    pub(super) fn learn(&mut self, text: &str) {
        let end = Step { gap: (self.gap, text.len()), then: Then::End };
        let fits = |step: &Step<M>| step.gap.1 - step.gap.0 <= MAX_GAP;
        // An object without members after the last value has no step to be noted in.
        if self.refused || self.opened.is_some() || !self.steps.iter().chain([&end]).all(fits) {
            return;
        }
        if self.nodes.is_empty() || self.nodes.len() + self.steps.len() + 1 > MAX_NODES {
            self.nodes.clear();
            self.forgotten += 1;
            self.nodes.push(Node::new(Gap::of(b""), Then::End));
        }
        let mut from = ROOT;
        for step in self.steps.iter().chain([&end]) {
            let gap = Gap::of(text.as_bytes().get(step.gap.0..step.gap.1).unwrap_or_default());
            let next = self.nodes[usize::from(from)].next;
            let mut same = next;
            while same != NONE
                && (self.nodes[usize::from(same)].gap, self.nodes[usize::from(same)].then) != (gap, step.then)
            {
                same = self.nodes[usize::from(same)].other;
            }
            if same == NONE {
                same = self.nodes.len() as u16;
                self.nodes.push(Node { other: next, ..Node::new(gap, step.then) });
                self.nodes[usize::from(from)].next = same;
            }
            from = same;
        }
    }
}

impl<M> Node<M> {
    fn new(gap: Gap, then: Then<M>) -> Self {
        Node { gap, then, next: NONE, other: NONE }
    }

    /// Whether this gap, and nothing that would make another one of it, stands at `at`.
    #[inline(always)]
    fn stands(&self, json: &[u8], at: usize) -> bool {
        let Some(rest) = json.get(at..) else { return false };
        if !self.gap.begins(rest) {
            return false;
        }
        match (&self.then, rest.get(self.gap.len())) {
            (Then::End, next) => next.is_none(),
            // With more blanks the gap is a longer one. The members of an object are read one by one, so its bracket
            // belongs to the gap; deeper objects are values.
            (Then::Value { nested, .. }, Some(next)) => *next != b' ' && (*next != b'{' || *nested),
            (Then::Value { .. }, None) => false,
        }
    }
}

/// The bytes of a gap, ready to be compared in two steps.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Gap {
    head: u128,
    /// The bits of `head` that count.
    mask: u128,
    bytes: [u8; MAX_GAP],
    len: u8,
}

impl Gap {
    /// Of at most [`MAX_GAP`] bytes.
    fn of(gap: &[u8]) -> Self {
        let mut bytes = [0; MAX_GAP];
        for (slot, byte) in bytes.iter_mut().zip(gap) {
            *slot = *byte;
        }
        let len = gap.len().min(MAX_GAP);
        let head = bytes.first_chunk::<16>().map_or(0, |head| u128::from_le_bytes(*head));
        let mask = if len < 16 { (1 << (8 * len)) - 1 } else { u128::MAX };
        Gap { head, mask, bytes, len: len as u8 }
    }

    #[inline(always)]
    fn len(&self) -> usize {
        usize::from(self.len)
    }

    #[inline(always)]
    fn begins(&self, rest: &[u8]) -> bool {
        match rest.first_chunk::<16>() {
            Some(head) if (u128::from_le_bytes(*head) ^ self.head) & self.mask != 0 => false,
            Some(_) if self.len() <= 16 => true,
            _ => self.bytes.get(..self.len()).is_some_and(|gap| rest.starts_with(gap)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(shapes: &mut Shapes<u8>, text: &str) {
        shapes.begin();
        assert!(scan::walk(text, |member| shapes.note(&member, Some(7))).is_some());
        shapes.learn(text);
    }

    #[test]
    fn shapes_are_followed_and_their_number_is_bounded() {
        let mut shapes = Shapes::new();
        for number in 0..5000 {
            let text = |value: &str| format!(r#"{{"k{number}":{value},"x":{{"y":{value},"z":0}},"e":{{}}}}"#);
            assert!(!shapes.follow(text("1").as_bytes(), |_| (), |_, _, _| false), "{number}");
            learn(&mut shapes, &text("1"));
            // An empty object at the end has no place among the gaps.
            assert!(!shapes.follow(text("1").as_bytes(), |_| (), |_, _, _| false), "{number}");
            let text = |value: &str| format!(r#"{{"k{number}":{value},"x":{{"y":{value}, "z":0}}}}"#);
            learn(&mut shapes, &text("1"));
            let (mut heard, line) = (Vec::new(), text("\"ab\""));
            assert!(
                shapes.follow(
                    line.as_bytes(),
                    |known| heard.push(&line[known.value.start..known.value.end]),
                    |_, _, _| false
                ),
                "{number}"
            );
            assert_eq!(heard, ["\"ab", "{", "\"ab", "0"]);
            assert!(shapes.nodes.len() <= MAX_NODES);
        }
        learn(&mut shapes, &format!(r#"{{"{}":1}}"#, "k".repeat(MAX_GAP)));
        assert!(
            !shapes.follow(format!(r#"{{"{}":1}}"#, "k".repeat(MAX_GAP)).as_bytes(), |_| (), |_, _, _| false),
            "the key is too long"
        );
    }
}
