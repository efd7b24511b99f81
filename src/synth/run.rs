//! The frame of one client's census: common fields, numbers, counts, lines.

use std::io::{self, Write};

use super::json::Object;
use super::summary::Summary;

/// Record types of census/1, in the order of the counts of the `end` record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
    Provider,
    Certificate,
    Key,
    Binding,
    Error,
    End,
}

/// Every kind that `end` counts.
pub(super) const COUNTED: [Kind; 6] =
    [Kind::Client, Kind::Provider, Kind::Certificate, Kind::Key, Kind::Binding, Kind::Error];

impl Kind {
    /// The value of `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Client => "client",
            Kind::Provider => "provider",
            Kind::Certificate => "certificate",
            Kind::Key => "key",
            Kind::Binding => "binding",
            Kind::Error => "error",
            Kind::End => "end",
        }
    }
}

/// Writes the records of one client.
pub(super) struct Run<'a, W> {
    pub out: W,
    pub line: &'a mut Vec<u8>,
    pub id: String,
    pub host: &'a str,
    pub seq: u64,
    pub summary: Summary,
}

impl<W: Write> Run<'_, W> {
    /// Begins a record with the five common fields; [`Run::finish`] ends it.
    pub fn begin(&mut self, kind: Kind) -> Object<'_> {
        self.line.clear();
        let mut object = Object::open(self.line);
        object
            .plain("schema", b"census/1")
            .plain("type", kind.as_str().as_bytes())
            .plain("run", self.id.as_bytes())
            .number("seq", self.seq)
            .text("host", self.host);
        self.seq += 1;
        let count = match kind {
            Kind::Client => &mut self.summary.clients,
            Kind::Provider => &mut self.summary.providers,
            Kind::Certificate => &mut self.summary.certificates,
            Kind::Key => &mut self.summary.keys,
            Kind::Binding => &mut self.summary.bindings,
            Kind::Error => &mut self.summary.errors,
            Kind::End => return object,
        };
        *count += 1;
        object
    }

    /// Writes the line. The caller has closed its object.
    pub fn finish(&mut self) -> io::Result<()> {
        self.line.push(b'\n');
        self.summary.records += 1;
        self.summary.bytes += self.line.len() as u64;
        self.out.write_all(self.line)
    }

    /// How many records of this kind there are so far.
    pub fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Client => self.summary.clients,
            Kind::Provider => self.summary.providers,
            Kind::Certificate => self.summary.certificates,
            Kind::Key => self.summary.keys,
            Kind::Binding => self.summary.bindings,
            Kind::Error => self.summary.errors,
            Kind::End => 0,
        }
    }
}
