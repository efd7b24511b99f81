//! From a carrier's values to the kinds that read them.

use std::borrow::Cow;

use super::feed::text_of;
use crate::format::Setting;
use crate::record::{
    Binding, CapiUse, Client, Code, Lineage, Observation, PrivateKey, Provider, Reject, Request, Seen, Sink, Stage,
    Template,
};

use super::{Carrier, Kind, Object, Value, Visit, is_name, kind_of};

/// Names of the field in which services and `ConvertTo-Json` wrap their lists of objects.
const WRAPPERS: [&str; 6] = ["value", "results", "items", "rows", "data", "windowscertificates"];

/// What all values of a source have in common.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) carrier: Carrier,
    pub(super) path: &'p str,
    pub(super) setting: &'p Setting,
    /// The source is UTF-16.
    pub(super) is_wide: bool,
}

impl Place<'_> {
    /// These bytes of the source as text, and whether letters were guessed.
    pub(super) fn text<'b>(&self, bytes: &'b [u8]) -> (Cow<'b, str>, bool) {
        if !self.is_wide {
            return text_of(bytes, self.setting.code_page);
        }
        let text = String::from_utf8_lossy(bytes);
        let guessed = matches!(text, Cow::Owned(_));
        (text, guessed)
    }

    /// Reads the value that stands at `offset`: an object of some kind, a list of such, or an object that wraps one.
    /// Where `guessed`, letters of its text were.
    pub(super) fn visit(&self, value: &Value<'_>, offset: u64, guessed: bool, sink: &mut dyn Sink) {
        self.watched(offset, guessed, sink, |watched| self.any(value, watched));
    }

    /// Reads what stands at `offset` in the caller's own way.
    pub(super) fn visit_by(
        &self,
        offset: u64,
        guessed: bool,
        sink: &mut dyn Sink,
        read: impl FnOnce(&mut Visit<'_, '_>),
    ) {
        self.watched(offset, guessed, sink, |watched| read(&mut self.here(watched)));
    }

    fn watched(&self, offset: u64, guessed: bool, sink: &mut dyn Sink, read: impl FnOnce(&mut Watched<'_>)) {
        let mut watched = Watched { sink, next: Lineage::at(offset), kept: None };
        read(&mut watched);
        if let Some(lineage) = watched.kept.filter(|_| guessed) {
            let message = "the text is not valid in its encoding; letters beyond ASCII are guessed";
            watched.sink.reject(Reject::degraded(lineage, Stage::Decode, Code::BadText, "text", message));
        }
    }

    fn any(&self, value: &Value<'_>, watched: &mut Watched<'_>) {
        let items = match value {
            Value::List(items) => items,
            Value::Object(object) => match (kind_of(object), wrapped(object)) {
                (None, Some(items)) => items,
                (kind, _) => return self.object(object, kind, watched),
            },
            _ => return watched.lost(Code::BadStructure, "the value is no object"),
        };
        for item in items {
            match item {
                Value::Object(object) => self.object(object, kind_of(object), watched),
                _ => watched.lost(Code::BadStructure, "the value is no object"),
            }
        }
        if items.is_empty() {
            watched.skip("empty_list");
        }
    }

    fn object(&self, object: &Object<'_>, kind: Option<&Kind>, watched: &mut Watched<'_>) {
        let Some(kind) = kind else { return watched.lost(Code::UnknownType, "the object is of no known kind") };
        (kind.read)(object, &mut self.here(watched));
    }

    /// A visit to what comes next.
    fn here<'v, 's>(&'v self, watched: &'s mut Watched<'_>) -> Visit<'v, 's> {
        let Place { carrier, path, setting, .. } = *self;
        Visit { lineage: watched.next, carrier, path, setting, sink: watched }
    }
}

/// The items of a list, or of an object that wraps a list of objects.
fn members<'v, 'a>(value: &'v Value<'a>) -> Option<&'v [Value<'a>]> {
    match value {
        Value::List(items) => Some(items),
        Value::Object(object) => wrapped(object),
        _ => None,
    }
}

/// Of an object that was cut, the whole objects of the list that it wraps: all but the last one, which may be cut too.
pub(super) fn whole_members(value: Value<'_>) -> Option<Value<'_>> {
    let Value::Object(object) = value else { return None };
    if kind_of(&object).is_some() || wrapped(&object).is_none_or(|items| items.len() < 2) {
        return None;
    }
    let is_list = |name: &str| WRAPPERS.iter().any(|wrapper| is_name(name, wrapper));
    object.fields.into_iter().find_map(|(name, value)| match value {
        Value::List(mut items) if is_list(&name) && items.first().and_then(Value::object).is_some() => {
            items.pop();
            Some(Value::List(items))
        }
        _ => None,
    })
}

/// A value begins with an object of some kind: it is one, or the first of its items is.
pub(super) fn is_of_kind(value: &Value<'_>) -> bool {
    let is = |value: &Value<'_>| value.object().is_some_and(|object| kind_of(object).is_some());
    is(value) || members(value).and_then(<[Value<'_>]>::first).is_some_and(is)
}

fn wrapped<'v, 'a>(object: &'v Object<'a>) -> Option<&'v [Value<'a>]> {
    WRAPPERS.iter().find_map(|name| match object.get(name)? {
        Value::List(items) if items.first().and_then(Value::object).is_some() => Some(items.as_slice()),
        _ => None,
    })
}

/// Passes everything on and notes which rows were kept.
struct Watched<'s> {
    sink: &'s mut dyn Sink,
    /// The next number that no row of this place has.
    next: Lineage,
    /// The last row.
    kept: Option<Lineage>,
}

impl Watched<'_> {
    fn lost(&mut self, code: Code, message: &str) {
        self.reject(Reject::lost(self.next, Stage::Decode, code, message));
    }

    fn keep(&mut self, lineage: Lineage) {
        self.kept = Some(lineage);
        self.next.part = self.next.part.max(lineage.part.saturating_add(1));
    }
}

impl Sink for Watched<'_> {
    fn observation(&mut self, observation: &Observation<'_>) {
        self.keep(observation.lineage);
        self.sink.observation(observation);
    }

    fn client(&mut self, client: &Client<'_>) {
        self.keep(client.lineage);
        self.sink.client(client);
    }

    fn provider(&mut self, provider: &Provider<'_>) {
        self.keep(provider.lineage);
        self.sink.provider(provider);
    }

    fn request(&mut self, request: &Request<'_>) {
        self.keep(request.lineage);
        self.sink.request(request);
    }

    fn binding(&mut self, binding: &Binding<'_>) {
        self.keep(binding.lineage);
        self.sink.binding(binding);
    }

    fn template(&mut self, template: &Template<'_>) {
        self.keep(template.lineage);
        self.sink.template(template);
    }

    fn capi_use(&mut self, event: &CapiUse<'_>) {
        self.keep(event.lineage);
        self.sink.capi_use(event);
    }

    fn private_key(&mut self, key: &PrivateKey<'_>) {
        self.keep(key.lineage);
        self.sink.private_key(key);
    }

    fn reject(&mut self, reject: Reject) {
        self.next.part = self.next.part.max(reject.lineage.part.saturating_add(1));
        self.sink.reject(reject);
    }

    fn skip(&mut self, reason: &'static str) {
        self.sink.skip(reason);
    }

    fn incomplete(&mut self, client: Option<&str>) {
        self.sink.incomplete(client);
    }

    fn seen(&self) -> Option<Seen> {
        self.sink.seen()
    }

    fn stopped(&self) -> bool {
        self.sink.stopped()
    }
}
