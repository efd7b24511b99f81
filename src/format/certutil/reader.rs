//! The outputs of a source one after the other: which record a line belongs to, and where it ends.

use std::borrow::Cow;

use super::block::{Block, Kind, Piece};
use super::keys::{self, Keys};
use super::providers::Providers;
use super::request::Dump;
use super::{collapsed, command, emit, labels, shape};
use crate::format::text::{TextLine, TextLines};
use crate::format::{Input, Outcome};
use crate::record::{Code, Lineage, Reject, Sink, Stage, StoreLocation};

/// Longest name of a store that is kept.
const MAX_STORE: usize = 256;

/// Reads one unit.
pub(super) fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let file_scope = command::of_file(input.name());
    let setting = input.setting;
    let mut lines = TextLines::in_code_page(input.window, setting.max_line, setting.code_page);
    let mut reader = Reader {
        sink,
        file_scope,
        output: Output::default(),
        block: Block::default(),
        providers: Providers::default(),
        keys: Keys::default(),
        request: Dump::default(),
        header: None,
    };
    while let Some(line) = lines.line() {
        if !(reader.block.is_open && reader.block.has_content()) && reader.sink.stopped() {
            return Outcome::Incomplete;
        }
        reader.source_line(&line);
    }
    reader.end()
}

/// What the output that is being read is known to be.
#[derive(Default)]
struct Output {
    /// Store of the blocks, from the header.
    store: Option<String>,
    scope: Option<StoreLocation>,
    /// Sections of cards follow.
    is_card: bool,
    /// Something of it was read, and no footer yet.
    is_open: bool,
    /// The copy is escaped for Markdown, or for HTML.
    is_markdown: bool,
    is_html: bool,
}

struct Reader<'s> {
    sink: &'s mut dyn Sink,
    file_scope: Option<StoreLocation>,
    output: Output,
    block: Block,
    providers: Providers,
    keys: Keys,
    request: Dump,
    /// The line before was this header of a store.
    header: Option<String>,
}

impl Reader<'_> {
    fn source_line(&mut self, line: &TextLine<'_>) {
        if line.too_long {
            return self.too_long(line.offset);
        }
        // Progress and prompts are written over each other with carriage returns.
        if memchr::memchr(b'\r', line.text.as_bytes()).is_none() {
            return self.one_line(line, 0, line.text);
        }
        let mut at = 0;
        for part in line.text.split('\r') {
            self.one_line(line, at, part);
            at += part.len() + 1;
        }
    }

    fn too_long(&mut self, offset: u64) {
        if self.block.is_open {
            self.block.miss_line();
        } else {
            let message = "the line is longer than the limit";
            self.sink.reject(Reject::lost(Lineage::at(offset), Stage::Read, Code::LineTooLong, message));
        }
    }

    /// A line of the source between its carriage returns; where line ends were lost, it holds several.
    fn one_line(&mut self, line: &TextLine<'_>, at: usize, text: &str) {
        if !collapsed::is_collapsed(text) {
            let offset = if at == 0 { line.offset } else { line.offset_of(at) };
            return self.line(text, offset, line.invalid);
        }
        let mut known = (0, line.offset);
        for (start, end) in collapsed::Lines::of(text) {
            let part = text.get(start..end).unwrap_or_default();
            let first = at + start + (part.len() - part.trim_start().len());
            known = (first, line.offset_behind(known, first));
            self.line(part, known.1, line.invalid);
        }
    }

    /// One line as certutil printed it.
    fn line(&mut self, line: &str, offset: u64, invalid: bool) {
        let text = without_prefix(shape::trim(line));
        if text.is_empty() {
            return self.blank();
        }
        let text = self.unescaped(text);
        let piece = Piece { text: &text, offset, invalid };
        let header = self.header.take();
        match text.as_bytes()[0] {
            b'=' => {
                if let Some(words) = shape::banner(&text) {
                    return self.banner(words, offset, header);
                }
            }
            b'-' => {
                if shape::is_card_separator(&text) {
                    self.end_block(true);
                    self.output.is_card = true;
                    return;
                }
                if let Some(words) = shape::closing(&text) {
                    return self.block.close_nesting(words);
                }
            }
            b'C' | b'c' if text.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("CertUtil:")) => {
                return self.footer(&text, offset);
            }
            _ => {}
        }
        if let Some(command) = command::read(&text) {
            self.end_output(true);
            self.output.scope = command.scope;
            return;
        }
        self.header = self.store_header(&text);
        self.record_line(piece, line.len() - line.trim_start().len());
    }

    fn blank(&mut self) {
        self.block.blank();
        self.providers.blank();
        self.request.blank();
        self.keys.blank();
    }

    /// A line of the record that is open, or one that opens a record without banner.
    fn record_line(&mut self, piece: Piece<'_>, indent: usize) {
        let text = piece.text;
        if Dump::is_heading(text) {
            self.end_records(true);
            self.output.is_open = true;
            return self.request.begin(piece.offset);
        }
        if self.request.is_open() {
            return self.request.line(piece);
        }
        if let Some(provider) = Keys::heading(text).filter(|_| !self.block.is_open) {
            self.end_records(true);
            self.output.is_open = true;
            return self.keys.begin(provider, indent);
        }
        if self.keys.is_open() {
            let around = keys::Around { scope: self.output.scope, registry: &self.providers.registry };
            return self.keys.line(piece, indent, &around, self.sink);
        }
        if self.block.is_open && self.providers.is_name(text) {
            self.end_block(true);
        }
        if !self.block.is_open {
            if self.providers.line(text, piece.offset, self.sink) {
                self.output.is_open = true;
                return;
            }
            if !opens_block(text) {
                return;
            }
            self.open(piece.offset);
        }
        self.block.line(piece);
    }

    fn open(&mut self, offset: u64) {
        self.block.begin(offset);
        self.block.is_card = self.output.is_card;
        self.output.is_open = true;
    }

    /// A rule with words. One with a number begins a record, unless the record before it has nothing yet: then the one is
    /// nested in the other. One without a number repeats the tests of the record before.
    fn banner(&mut self, words: &str, offset: u64, header: Option<String>) {
        let number = shape::last_number(words);
        if let Some(store) = header {
            self.end_block(true);
            self.output.store = Some(store);
        }
        let kind = kind(words);
        if number.is_none() && kind == Kind::Certificate {
            if self.block.is_open && self.block.has_hash {
                self.block.ignore_rest();
            }
            return;
        }
        self.end_records_but_block();
        if self.block.is_open && kind == self.block.kind && self.block.banners > 0 && !self.block.has_content() {
            self.block.banners += 1;
            self.block.is_nested = true;
            return;
        }
        self.end_block(true);
        self.open(offset);
        self.block.number = number;
        self.block.kind = kind;
        self.block.banners = 1;
    }

    /// `CertUtil: -VERB ...`, in any language; an error is the only number with `0x` in it. `CertUtil: MESSAGE` follows it.
    fn footer(&mut self, text: &str, offset: u64) {
        let rest = shape::trim(text.get(9..).unwrap_or_default());
        if !rest.starts_with(['-', '–']) {
            return self.end_records(true);
        }
        let was_open = self.output.is_open;
        self.end_output(true);
        if let Some(code) = shape::error(rest).filter(|_| !was_open) {
            // Nothing was printed, and that is not the same as nothing being there.
            let message = format!("certutil reports a failure: 0x{code:08x}");
            self.sink.reject(Reject::lost(Lineage::at(offset), Stage::Collect, Code::CollectorError, message));
        }
    }

    /// Ends the block that is open; `is_whole` where something follows it.
    fn end_block(&mut self, is_whole: bool) {
        if !std::mem::take(&mut self.block.is_open) {
            return;
        }
        let around = emit::Around {
            store: self.output.store.as_deref(),
            scope: self.output.scope,
            file_scope: self.file_scope,
            registry: &self.providers.registry,
            is_whole,
        };
        emit::push(&self.block, &around, self.sink);
    }

    fn end_records_but_block(&mut self) {
        self.request.end(true, self.sink);
        self.end_keys();
        self.providers.end(true, self.sink);
    }

    fn end_keys(&mut self) {
        let around = keys::Around { scope: self.output.scope, registry: &self.providers.registry };
        self.keys.end(&around, self.sink);
    }

    fn end_records(&mut self, is_whole: bool) {
        self.end_block(is_whole);
        self.request.end(is_whole, self.sink);
        self.end_keys();
        self.providers.end(is_whole, self.sink);
    }

    /// Ends an output: what its header and its command line said does not hold for the next.
    fn end_output(&mut self, is_whole: bool) {
        self.end_records(is_whole);
        self.output = Output::default();
    }

    /// The end of the source. Output without its footer may be cut off anywhere.
    fn end(mut self) -> Outcome {
        let is_open = self.output.is_open;
        self.end_output(false);
        if is_open { Outcome::Incomplete } else { Outcome::Complete }
    }

    /// The text without the escapes of the formats that outputs are pasted into. They are known by a name of Windows that
    /// is never written with them.
    fn unescaped<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if memchr::memchr2(b'\\', b'&', text.as_bytes()).is_none() {
            return Cow::Borrowed(text);
        }
        self.output.is_html |= text.contains("&quot;");
        self.output.is_markdown |= text.contains("\\_PROP\\_ID(") || text.split(' ').any(is_escaped_unique_name);
        let mut text = Cow::Borrowed(text);
        if self.output.is_markdown && text.contains("\\_") {
            text = text.replace("\\_", "_").into();
        }
        if self.output.is_html && text.contains('&') {
            let plain = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'");
            text = plain.replace("&amp;", "&").into();
        }
        text
    }

    /// The name of the store, where the line is the header of one: `My "Personal"`, on old systems only `My`.
    fn store_header(&self, text: &str) -> Option<String> {
        let is_between = !self.block.is_open && !self.keys.is_open() && !self.request.is_open();
        let name = match text.strip_suffix('"').and_then(|inside| inside.split_once('"')) {
            Some((name, localised)) if name.ends_with(' ') && !localised.contains('"') => shape::trim(name),
            Some(_) => return None,
            None if labels::is_known_store(text) => text,
            None if is_between && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) => text,
            None => return None,
        };
        let is_name = !name.is_empty() && name.len() <= MAX_STORE && !name.contains([':', '=', '.']);
        is_name.then(|| name.to_owned())
    }
}

fn is_escaped_unique_name(word: &str) -> bool {
    word.split_once("\\_").is_some_and(|(hash, guid)| hash.len() == 32 && guid.len() == 36)
}

/// The line without the name of a PowerShell stream before it (`VERBOSE: `, `AUSF\u{dc}HRLICH: `): letters that are all
/// upper case. What stands behind it is a line of its own.
fn without_prefix(text: &str) -> &str {
    let colon = memchr::memchr(b':', text.as_bytes()).filter(|at| (5..=24).contains(at));
    let Some((word, rest)) = colon.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?.strip_prefix(' ')?)))
    else {
        return text;
    };
    let is_upper = |c: char| c.is_uppercase() || c == char::REPLACEMENT_CHARACTER || ('\u{80}'..'\u{a0}').contains(&c);
    let is_stream = word.chars().all(is_upper) && word.bytes().filter(u8::is_ascii_uppercase).count() >= 4;
    if is_stream { shape::trim(rest) } else { text }
}

/// Which object the words of a banner announce.
fn kind(words: &str) -> Kind {
    match () {
        () if labels::has(words, labels::CTL) => Kind::Ctl,
        () if labels::has(words, labels::CRL) => Kind::Crl,
        () => Kind::Certificate,
    }
}

/// The line begins a record whose banner is missing.
fn opens_block(text: &str) -> bool {
    if shape::property(text).is_some() || shape::tagged(text).is_some_and(|tagged| tagged.tag.ends_with("sha1")) {
        return true;
    }
    let is_known = |label: &str| {
        [labels::SERIAL, labels::ISSUER, labels::SUBJECT, labels::NOT_BEFORE]
            .iter()
            .any(|words| labels::is(label, words))
    };
    shape::labelled(text).is_some_and(|(label, _)| is_known(label))
}
