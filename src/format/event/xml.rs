//! Events as XML: `wevtutil qe /f:xml`, with or without a root element, and what the event viewer saves.

use std::io::{self, BufReader, Read};

use quick_xml::events::{BytesStart, Event as Xml};
use quick_xml::{Reader, XmlVersion};

use super::Event;
use crate::format::text::{Encoding, detect, head as text_of};
use crate::format::{Format, Head, Input, Outcome};
use crate::input::Window;
use crate::record::{Code, Lineage, Reject, Sink, Stage};

/// Namespace of events.
const NAMESPACE: &[u8] = b"http://schemas.microsoft.com/win/2004/08/events/event";
/// Longest event, and longest tag or text in one, in bytes.
const MAX_EVENT: usize = 1024 * 1024;

/// Events as XML.
pub static FORMAT: Format = Format {
    name: "event_xml",
    title: "Windows events as XML",
    usual_names: "*.xml",
    yields: "programs that use CryptoAPI for the RSA key of a smart card (event 624); other events are skipped",
    source: "wevtutil qe /f:xml; MS-EVEN6 2.2.13; Microsoft KB5073121",
    sniff: is_events,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_events(head: &Head<'_>) -> bool {
    let text = text_of(head);
    let text = text.trim_ascii_start();
    text.starts_with(b"<")
        && memchr::memmem::find(text, b"<Event").is_some()
        && memchr::memmem::find(text, NAMESPACE).is_some()
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let start = input.window.offset();
    let (encoding, mark) = detect(input.window.fill(1024));
    input.window.consume(mark);
    let scale = if encoding == Encoding::Utf8 { 1 } else { 2 };
    let text = Bounded { read: Decoded { window: input.window, encoding, left: Vec::new(), at: 0 }, run: 0 };
    let mut reader = Reader::from_reader(BufReader::new(text));
    reader.config_mut().check_end_names = false;
    let mut events = Events { event: None, path: Vec::new(), bytes: 0, data_name: String::new(), text: String::new() };
    let mut buffer = Vec::new();
    loop {
        let position = reader.buffer_position();
        let here = Lineage::at(start + mark as u64 + position * scale);
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Xml::Eof) => break,
            Ok(xml) => {
                if buffer_is_long(&xml) || events.bytes > MAX_EVENT {
                    events.too_large(sink);
                }
                events.take(&xml, here, sink);
            }
            Err(_) => {
                let lineage = events.event.take().map_or(here, |(lineage, _)| lineage);
                let message = "the XML cannot be read from here on";
                sink.reject(Reject::lost(lineage, Stage::Read, Code::BadStructure, message));
                return Outcome::Incomplete;
            }
        }
        if events.event.is_none() && sink.stopped() {
            return Outcome::Incomplete;
        }
    }
    match events.event.take() {
        Some((lineage, _)) => {
            let message = "the source ends inside an event";
            sink.reject(Reject::lost(lineage, Stage::Read, Code::Truncated, message));
            Outcome::Incomplete
        }
        None => Outcome::Complete,
    }
}

fn buffer_is_long(xml: &Xml<'_>) -> bool {
    xml.len() > MAX_EVENT
}

/// Events on their way.
struct Events {
    /// The one that is open, and where it began.
    event: Option<(Lineage, Event)>,
    /// Names of the elements that are open inside it.
    path: Vec<String>,
    bytes: usize,
    /// `Name` of the `Data` at hand.
    data_name: String,
    /// Text of the element at hand.
    text: String,
}

impl Events {
    fn take(&mut self, xml: &Xml<'_>, here: Lineage, sink: &mut dyn Sink) {
        self.bytes += xml.len();
        match xml {
            Xml::Start(tag) => self.open(tag, here),
            Xml::Empty(tag) => {
                self.open(tag, here);
                self.close(sink);
            }
            Xml::End(_) => self.close(sink),
            Xml::Text(text) => self.text.push_str(text),
            Xml::CData(text) => self.text.push_str(text),
            Xml::GeneralRef(reference) => self.text.push(match &**reference {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                _ => reference.resolve_char_ref().ok().flatten().unwrap_or(char::REPLACEMENT_CHARACTER),
            }),
            _ => {}
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, here: Lineage) {
        self.end_text();
        let name = tag.local_name().as_ref().to_owned();
        let Some((_, event)) = &mut self.event else {
            if name == "Event" {
                self.event = Some((here, Event::default()));
                self.path.clear();
                self.bytes = 0;
            }
            return;
        };
        let attribute = |wanted: &str| {
            let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == wanted);
            found.and_then(|attribute| {
                attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
            })
        };
        match name.as_str() {
            "Provider" => event.provider = attribute("Name"),
            "TimeCreated" => event.time = attribute("SystemTime"),
            _ => {}
        }
        self.data_name = attribute("Name").unwrap_or_else(|| name.clone());
        self.path.push(name);
    }

    /// The text at hand is whole.
    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let Some((_, event)) = self.event.as_mut().filter(|_| !text.is_empty()) else { return };
        match (self.path.first().map(String::as_str), self.path.last().map(String::as_str)) {
            (Some("System"), Some("EventID")) => event.id = text.parse().ok(),
            (Some("System"), Some("Computer")) => event.computer = Some(text.to_owned()),
            (Some("System"), Some("EventRecordID")) => event.record = text.parse().ok(),
            (Some("System"), _) | (None, _) => {}
            _ => event.add(&self.data_name, text),
        }
    }

    fn close(&mut self, sink: &mut dyn Sink) {
        self.end_text();
        if self.event.is_none() || self.path.pop().is_some() {
            return;
        }
        if let Some((lineage, event)) = self.event.take() {
            event.push(lineage, sink);
        }
    }

    /// The event at hand is given up.
    fn too_large(&mut self, sink: &mut dyn Sink) {
        self.bytes = 0;
        self.text.clear();
        if let Some((lineage, _)) = self.event.take() {
            let message = "the event is larger than 1 MiB";
            sink.reject(Reject::lost(lineage, Stage::Read, Code::TooLarge, message));
        }
    }
}

/// Gives up where no tag begins for long: the parser would keep all that stands between two.
struct Bounded<R> {
    read: R,
    /// Bytes since the last tag began.
    run: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.read.read(buf)?;
        self.run = match memchr::memrchr(b'<', &buf[..n]) {
            Some(at) => n - at,
            None => self.run + n,
        };
        match self.run > 4 * MAX_EVENT {
            true => Err(io::ErrorKind::FileTooLarge.into()),
            false => Ok(n),
        }
    }
}

/// The bytes of a window as UTF-8.
struct Decoded<'w, 'r> {
    window: &'w mut Window<'r>,
    encoding: Encoding,
    /// Decoded and not yet handed out, from `at` on.
    left: Vec<u8>,
    at: usize,
}

impl Read for Decoded<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        const STEP: usize = 16 * 1024;
        if self.encoding == Encoding::Utf8 {
            let ahead = self.window.fill(1);
            let n = ahead.len().min(buf.len());
            buf[..n].copy_from_slice(&ahead[..n]);
            self.window.consume(n);
            return Ok(n);
        }
        if self.at == self.left.len() {
            let ahead = self.window.fill(2);
            let mut len = ahead.len().min(STEP) & !1;
            // A character of two units is not cut in two.
            let is_high = |pair: [u8; 2]| match self.encoding {
                Encoding::Utf16Be => pair[0] & 0xfc == 0xd8,
                _ => pair[1] & 0xfc == 0xd8,
            };
            if len > 2 && is_high([ahead[len - 2], ahead[len - 1]]) {
                len -= 2;
            }
            self.left = match self.encoding {
                Encoding::Utf16Be => encoding_rs::UTF_16BE.decode_without_bom_handling(&ahead[..len]).0,
                _ => encoding_rs::UTF_16LE.decode_without_bom_handling(&ahead[..len]).0,
            }
            .into_owned()
            .into_bytes();
            self.at = 0;
            let used = if len == 0 { ahead.len() } else { len };
            self.window.consume(used);
        }
        let n = (self.left.len() - self.at).min(buf.len());
        buf[..n].copy_from_slice(&self.left[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
