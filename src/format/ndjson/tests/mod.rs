//! Tests of both readers through the doors the pipeline uses, and of the two speeds against each other.

mod agreement;
mod cuts;
mod lines;
mod samples;

use super::*;
use crate::record::{Binding, CapiUse, Client, Observation, PrivateKey, Provider, Request, Severity, Template};

/// What a reader pushed, in its order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Recorder {
    pub(super) events: Vec<String>,
    pub(super) rejects: Vec<Reject>,
}

impl Recorder {
    /// Records by the rule of the sink: yielded, skipped and lost.
    fn records(&self) -> usize {
        let lost = self.rejects.iter().filter(|reject| reject.severity == Severity::Lost).count();
        self.events.iter().filter(|event| !event.starts_with("reject") && !event.starts_with("incomplete")).count()
            + lost
    }

    fn codes(&self) -> Vec<(Code, Severity)> {
        self.rejects.iter().map(|reject| (reject.code, reject.severity)).collect()
    }

    /// The event at `index` holds each of these pieces of its debug form.
    fn holds(&self, index: usize, pieces: &[&str]) {
        let event = self.events.get(index).map_or("", String::as_str);
        for piece in pieces {
            assert!(event.contains(piece), "{piece} is not in {event}");
        }
    }
}

impl Sink for Recorder {
    fn observation(&mut self, observation: &Observation<'_>) {
        self.events.push(format!("{observation:?}"));
    }
    fn client(&mut self, client: &Client<'_>) {
        self.events.push(format!("{client:?}"));
    }
    fn provider(&mut self, provider: &Provider<'_>) {
        self.events.push(format!("{provider:?}"));
    }
    fn request(&mut self, request: &Request<'_>) {
        self.events.push(format!("{request:?}"));
    }
    fn binding(&mut self, binding: &Binding<'_>) {
        self.events.push(format!("{binding:?}"));
    }
    fn template(&mut self, template: &Template<'_>) {
        self.events.push(format!("{template:?}"));
    }
    fn capi_use(&mut self, event: &CapiUse<'_>) {
        self.events.push(format!("{event:?}"));
    }
    fn private_key(&mut self, key: &PrivateKey<'_>) {
        self.events.push(format!("{key:?}"));
    }
    fn reject(&mut self, reject: Reject) {
        self.events.push(format!("reject {reject:?}"));
        self.rejects.push(reject);
    }
    fn skip(&mut self, reason: &'static str) {
        self.events.push(format!("skip {reason}"));
    }
    fn incomplete(&mut self, client: Option<&str>) {
        self.events.push(format!("incomplete {client:?}"));
    }
}

/// Reads `bytes` as one unit that starts at `offset` of its source.
fn read_at(format: &Format, bytes: &[u8], offset: u64, max_line: usize) -> (Recorder, Outcome) {
    let mut sink = Recorder::default();
    let mut window = Window::new(bytes, offset);
    let mut memory = crate::format::Memory::default();
    let input = Input {
        window: &mut window,
        path: "test.ndjson",
        file: None,
        setting: &crate::format::Setting { max_line, ..Default::default() },
        memory: &mut memory,
    };
    let outcome = format.read.map(|read| read(input, &mut sink));
    (sink, outcome.unwrap_or(Outcome::Failed))
}

fn read_text(format: &Format, text: &str) -> (Recorder, Outcome) {
    read_at(format, text.as_bytes(), 0, MAX_LINE)
}

/// A census line of run `r`; `rest` is the JSON of further members, beginning with a comma.
fn census(kind: &str, seq: u64, rest: &str) -> String {
    format!(r#"{{"schema":"census/1","type":"{kind}","run":"r","seq":{seq},"host":"HOST"{rest}}}"#)
}

const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";
