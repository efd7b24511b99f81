//! What is remembered of a census run while its lines pass: its header, its providers and the marks by which a
//! damaged collection is noticed (sequence numbers, counts, the end record).
//!
//! A run is a stretch of lines with equal `run`. A unit always holds whole runs (see the border in
//! [`super`]), so this state never crosses units.

use std::borrow::Cow;

use crate::record::{Client, Code, Collection, Lineage, Provider, Reject, Sink, Stage, Text};

use super::fields::{Field, Fields};

/// Most providers kept for the observations of a run. Windows machines have 10 to 40.
const MAX_PROVIDERS: usize = 4096;
/// Most bytes of their text: together with the number above this bounds the memory of a run.
const MAX_PROVIDER_BYTES: usize = 4 * 1024 * 1024;

/// Record types in the order of [`COUNTED`]; `end` is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Client,
    Provider,
    Certificate,
    Key,
    Binding,
    Error,
    End,
}

impl Type {
    /// By the value of `type`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "certificate" => Type::Certificate,
            "provider" => Type::Provider,
            "client" => Type::Client,
            "key" => Type::Key,
            "binding" => Type::Binding,
            "error" => Type::Error,
            "end" => Type::End,
            _ => return None,
        })
    }
}

/// The fields of `end.counts`, by type.
const COUNTED: [(Type, Field); 6] = [
    (Type::Client, Field::CountClient),
    (Type::Provider, Field::CountProvider),
    (Type::Certificate, Field::CountCertificate),
    (Type::Key, Field::CountKey),
    (Type::Binding, Field::CountBinding),
    (Type::Error, Field::CountError),
];

/// Longest text of the header that observations repeat, in bytes: it is written once a row.
const MAX_REPEATED: usize = 1024;

/// The state of the run whose lines are being read.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The value of `run`; `None` before the first line that has one.
    id: Option<String>,
    /// Its client: the `host` of its first line that has one.
    host: Option<String>,
    /// From the client record.
    collected_at: Option<i64>,
    collector: Option<String>,
    collector_version: Option<String>,
    user_sid: Option<String>,
    providers: Vec<Provider<'static>>,
    provider_bytes: usize,
    /// Lines by type, in the order of [`COUNTED`].
    counts: [u64; COUNTED.len()],
    /// `seq` of the last line that had one.
    last_seq: Option<u64>,
    /// Lines since then that could not be read: their numbers are not missing.
    unreadable: u64,
    /// Place of the run's last line; `None` before the first.
    last: Option<Lineage>,
    ended: bool,
    said_gap: bool,
    said_full: bool,
    said_unnamed: bool,
}

impl Run {
    /// Begins a line: closes the run before, if this line belongs to another one. False where that run had no end.
    pub(super) fn enter(&mut self, fields: Fields<'_, '_>, lineage: Lineage, sink: &mut dyn Sink) -> bool {
        let id = fields.get(Field::Run).text();
        let mut complete = true;
        match (&self.id, id) {
            (Some(open), Some(id)) if *open != id => {
                complete = self.close(sink);
                self.id = Some(id.into_owned());
            }
            (None, Some(id)) => self.id = Some(id.into_owned()),
            (_, None) if !self.said_unnamed => {
                self.said_unnamed = true;
                let message = "the line does not say which run it belongs to; it is read as part of the run around it";
                sink.reject(Reject::degraded(lineage, Stage::Read, Code::MissingField, "run", message));
            }
            _ => {}
        }
        self.last = Some(lineage);
        if self.host.is_none() {
            self.host = fields.get(Field::Host).text().map(Text::into_owned);
        }
        complete
    }

    /// Checks the number of a line of this run.
    pub(super) fn number(&mut self, seq: Option<u64>, lineage: Lineage, sink: &mut dyn Sink) {
        let Some(seq) = seq else {
            // Its number may be any: the next one must not look like a gap.
            self.unreadable += 1;
            return;
        };
        let expected = self.last_seq.map_or(0, |last| last.saturating_add(1));
        let allowed = expected..=expected.saturating_add(self.unreadable);
        if !allowed.contains(&seq) && !self.said_gap {
            self.said_gap = true;
            let message =
                format!("record {seq} stands where record {expected} was expected; later gaps are not repeated");
            sink.reject(Reject::degraded(lineage, Stage::Read, Code::SequenceGap, "seq", message));
        }
        self.last_seq = Some(seq);
        self.unreadable = 0;
    }

    /// Notes a line that could not be read and stands in this run.
    pub(super) fn unreadable(&mut self) {
        self.unreadable += 1;
    }

    /// Counts a line of this type.
    pub(super) fn count(&mut self, kind: Type) {
        for (count, (counted, _)) in self.counts.iter_mut().zip(COUNTED) {
            *count += u64::from(counted == kind);
        }
    }

    /// Takes the header over from a client record.
    pub(super) fn header(&mut self, client: &Client<'_>, sink: &mut dyn Sink) {
        let mut repeated = |field: Field, text: &Option<Text<'_>>| {
            let text = text.as_deref()?;
            if text.len() > MAX_REPEATED {
                let message = format!("{} bytes are too many to repeat in every row of the run", text.len());
                sink.reject(Reject::degraded(client.lineage, Stage::Read, Code::TooLarge, field.path(), message));
                return None;
            }
            Some(text.to_owned())
        };
        self.collected_at = client.collected_at;
        self.collector = repeated(Field::Collector, &client.collector);
        self.collector_version = repeated(Field::CollectorVersion, &client.collector_version);
        self.user_sid = repeated(Field::UserSid, &client.user_sid);
    }

    /// Keeps a provider for the observations that follow.
    pub(super) fn provider(&mut self, provider: &Provider<'_>, sink: &mut dyn Sink) {
        let optional = |text: &Option<Text<'_>>| text.as_ref().map_or(0, |text| text.len());
        let bytes = provider.name.len() + optional(&provider.impl_status) + optional(&provider.image);
        if self.providers.len() >= MAX_PROVIDERS || self.provider_bytes + bytes > MAX_PROVIDER_BYTES {
            if !self.said_full {
                self.said_full = true;
                let message = format!("more than {MAX_PROVIDERS} providers; the rest has no say in verdicts");
                sink.reject(Reject::degraded(provider.lineage, Stage::Read, Code::TooLarge, "provider", message));
            }
            return;
        }
        self.provider_bytes += bytes;
        let owned = |text: &Option<Text<'_>>| text.as_deref().map(|text| Cow::Owned(text.to_owned()));
        self.providers.push(Provider {
            lineage: provider.lineage,
            // The same for all of them and known from the observation.
            client: None,
            name: Cow::Owned(provider.name.clone().into_owned()),
            api: provider.api,
            provider_type: provider.provider_type,
            impl_flags: provider.impl_flags,
            impl_api: provider.impl_api,
            impl_status: owned(&provider.impl_status),
            image: owned(&provider.image),
            ..Provider::default()
        });
    }

    /// The end record: compares its counts with what was read.
    pub(super) fn end(&mut self, fields: Fields<'_, '_>, lineage: Lineage, sink: &mut dyn Sink) {
        self.ended = true;
        if !fields.get(Field::Counts).is_object() {
            return;
        }
        let mut differences = Vec::new();
        for (read, (_, field)) in self.counts.iter().zip(COUNTED) {
            // A type that the counts do not name is not claimed.
            if let Some(claimed) = fields.get(field).unsigned()
                && claimed != *read
            {
                let name = field.path().trim_start_matches("counts.");
                differences.push(format!("{name}: {read} read, {claimed} counted"));
            }
        }
        if !differences.is_empty() {
            let message = differences.join("; ");
            sink.reject(Reject::degraded(lineage, Stage::Read, Code::EndCountsDiffer, "counts", message));
        }
    }

    /// Ends the run, here or at the end of the unit, and forgets it. False where it had no end record.
    pub(super) fn close(&mut self, sink: &mut dyn Sink) -> bool {
        let run = std::mem::take(self);
        let Some(last) = run.last else { return true };
        if !run.ended {
            sink.incomplete(run.host.as_deref());
            let message = "the run has no end record; this is its last line, and more may be missing";
            sink.reject(Reject::degraded(last, Stage::Read, Code::MissingEnd, "type", message));
        }
        run.ended
    }

    /// What observations repeat of the header.
    pub(super) fn collection(&self) -> Collection<'_> {
        Collection {
            collected_at: self.collected_at,
            collector: self.collector.as_deref(),
            collector_version: self.collector_version.as_deref(),
            registry: &self.providers,
            ..Collection::default()
        }
    }

    /// The user whose stores were collected.
    pub(super) fn user_sid(&self) -> Option<&str> {
        self.user_sid.as_deref()
    }
}
