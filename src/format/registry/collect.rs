//! From registry values to records: store elements are observed, registered providers become rows, and what says
//! which machine this is becomes one client.
//!
//! Readers of every registry format hand their values to a [`Collector`], in the order of the source. Windows-binary
//! section 3; for the other values "Cryptographic Provider Names" and "Smart Card Minidriver" of the Windows SDK.

use std::borrow::Cow;

use super::place::{self, Kind, Place, Root, Store};
use crate::format::element::keys::{Keys, has_provider};
use crate::format::element::{self, Setting};
use crate::format::text::utf16le;
use crate::record::{Api, Client, Code, Lineage, Provider, Reject, Sink, Stage, StoreLocation};

/// `REG_SZ`: text with its NUL.
pub const SZ: u32 = 1;
/// `REG_EXPAND_SZ`: text with names of environment variables.
pub const EXPAND_SZ: u32 = 2;
/// `REG_BINARY`.
pub const BINARY: u32 = 3;
/// `REG_DWORD`, little-endian.
pub const DWORD: u32 = 4;
/// `REG_DWORD_BIG_ENDIAN`.
pub const DWORD_BIG_ENDIAN: u32 = 5;
/// `REG_MULTI_SZ`: several texts.
pub const MULTI_SZ: u32 = 7;

/// Of a card: the CSP that serves it.
const CARD_CSP: &str = "Crypto Provider";
/// Of a card: the key storage provider that serves it.
const CARD_KSP: &str = "Smart Card Key Storage Provider";

/// Most bytes of certificates that wait for the keys of their store; what is beyond is not joined.
const MAX_HELD: usize = 16 * 1024 * 1024;
/// Longest text or number that is taken from a value, in bytes.
pub(super) const MAX_FACT: usize = 8 * 1024;
/// Most providers handed to observations, as many as a census run may have.
pub(super) const MAX_PROVIDERS: usize = 4096;
/// Most bytes of their text.
const MAX_PROVIDER_BYTES: usize = 4 * 1024 * 1024;
/// From this build on Windows writes its version as two numbers, and `CurrentVersion` stays at 6.3.
const FIRST_BUILD_OF_10: u32 = 10240;

/// Makes records of the values of one source.
pub struct Collector {
    root: Root,
    /// The user whose hive or export the source is, by its path.
    user_sid: Option<String>,
    /// Set where every store of the source is of one kind, whatever its path.
    location: Option<StoreLocation>,
    /// The provider whose key is being read.
    open: Option<Open>,
    providers: Vec<Provider<'static>>,
    provider_bytes: usize,
    said_full: bool,
    machine: Machine,
    held: Option<Held>,
}

/// Certificates that wait for the keys of their store, and what came of these so far.
struct Held {
    /// Path of the store's key, as the source spells it.
    path: String,
    location: StoreLocation,
    name: String,
    is_of_user: bool,
    user_sid: Option<String>,
    keys: Keys,
    certificates: Vec<HeldValue>,
    bytes: usize,
}

/// The element of a certificate.
struct HeldValue {
    id: String,
    kind: u32,
    data: Vec<u8>,
    lineage: Lineage,
}

impl Held {
    fn new(path: &str, store: &Store<'_>) -> Self {
        Held {
            path: path.to_owned(),
            location: store.location,
            name: store.name.to_owned(),
            is_of_user: store.is_of_user,
            user_sid: store.user_sid.map(str::to_owned),
            keys: Keys::default(),
            certificates: Vec::new(),
            bytes: 0,
        }
    }
}

/// Path of the store's key, for that of an element in it: without kind and id.
fn store_path(key: &str) -> &str {
    key.rsplitn(3, '\\').nth(2).unwrap_or_default()
}

/// A provider whose key is not complete yet.
struct Open {
    key: String,
    provider: Provider<'static>,
}

/// What the source says of its machine.
#[derive(Default)]
struct Machine {
    /// Place of the first fact.
    first: Option<Lineage>,
    said_conflict: bool,
    guid: Option<String>,
    /// `CurrentMajorVersionNumber` and `CurrentMinorVersionNumber`.
    major: Option<u32>,
    minor: Option<u32>,
    /// `CurrentVersion`, as Windows before 10 has it.
    version: Option<String>,
    build_number: Option<String>,
    build: Option<String>,
    ubr: Option<u32>,
    product: Option<String>,
    calais: Option<u32>,
}

impl Collector {
    /// A collector for a source whose key paths are relative to `root`. `source_path` is [`crate::format::Input::path`]:
    /// a SID in it names the user of stores whose keys do not.
    pub fn new(root: Root, source_path: &str) -> Self {
        Collector {
            root,
            user_sid: place::user_of_path(source_path).map(Into::into),
            location: None,
            open: None,
            providers: Vec::new(),
            provider_bytes: 0,
            said_full: false,
            machine: Machine::default(),
            held: None,
        }
    }

    /// The same, where every store is of this kind.
    pub(super) fn with_location(self, location: StoreLocation) -> Self {
        Collector { location: Some(location), ..self }
    }

    /// Whether any value of the key at this path says anything; values of other keys may be left out.
    pub fn wants(&self, key: &str) -> bool {
        place::find(self.root, key).is_some()
    }

    /// Whether the value of this name says anything; others may be left out.
    pub fn wants_value(&self, key: &str, name: &str) -> bool {
        let is = |wanted: &[&str]| wanted.iter().any(|wanted| name.eq_ignore_ascii_case(wanted));
        match place::find(self.root, key) {
            None => false,
            Some(Place::Store(_)) => is(&["Blob"]),
            // Any value shows that the key is there.
            Some(Place::Provider(_)) => true,
            Some(Place::SmartCard(_)) => is(&[CARD_CSP, CARD_KSP]),
            Some(Place::Machine(names)) => is(names),
        }
    }

    /// The place of the row that a value of this key at `lineage` belongs to, once it was taken: doubts about the value
    /// stand there.
    pub(super) fn row_of(&self, key: &str, lineage: Lineage) -> Lineage {
        match (place::find(self.root, key), &self.open) {
            (Some(Place::Machine(_)), _) => self.machine.first.unwrap_or(lineage),
            (Some(Place::Provider(_)), Some(open)) => open.provider.lineage,
            _ => lineage,
        }
    }

    /// Takes one value. `key` is the path of its key as [`Root`] says, `name` the value's (empty for the default one),
    /// `kind` its `REG_` type, `data` its bytes as a hive stores them (text is UTF-16LE), `lineage` its place.
    /// Values that say nothing are passed over and are no records. The values of a key come one after the other.
    pub fn value(&mut self, key: &str, name: &str, kind: u32, data: &[u8], lineage: Lineage, sink: &mut dyn Sink) {
        if self.open.as_ref().is_some_and(|open| open.key != key) {
            self.close(sink);
        }
        let fact = Fact { name, kind, data, lineage };
        match place::find(self.root, key) {
            Some(Place::Store(store)) if name.eq_ignore_ascii_case("Blob") => self.element(key, store, &fact, sink),
            Some(Place::Provider(provider)) => self.provider(key, provider, &fact, sink),
            Some(Place::SmartCard(card)) => smart_card(card, &fact, sink),
            Some(Place::Machine(names)) if names.iter().any(|name| fact.is(name)) => self.machine.fact(&fact, sink),
            _ => {}
        }
    }

    /// Says that something could not be read after the value at hand: a value of the key at `key`, or anything where no path
    /// is known. It may have been a key of the store whose certificates wait.
    pub fn lost(&mut self, key: Option<&str>, sink: &mut dyn Sink) {
        match key.map(|key| (key, place::find(self.root, key))) {
            Some((key, Some(Place::Store(store)))) if store.kind == Kind::Keys => {
                self.hold(key, &store, sink).keys.cut();
            }
            Some(_) => {}
            None => {
                if let Some(held) = &mut self.held {
                    held.keys.cut();
                }
            }
        }
    }

    /// Ends the source: what was kept back until all of it is known becomes records. Where it is not whole, the keys of
    /// its last store may be missing.
    pub fn finish(mut self, is_whole: bool, sink: &mut dyn Sink) {
        self.close(sink);
        if !is_whole {
            self.lost(None, sink);
        }
        self.release(sink);
        self.machine.finish(sink);
    }

    /// Takes the element of a store. A certificate that does not say itself which provider has its key waits until the keys of
    /// its store are known, which stand behind the certificates.
    fn element(&mut self, key: &str, store: Store<'_>, fact: &Fact<'_>, sink: &mut dyn Sink) {
        if !self.holds(key) {
            self.release(sink);
        }
        if store.kind == Kind::Certificates && !has_provider(fact.data) {
            let held = self.hold(key, &store, sink);
            // What it takes beside its bytes counts, too: a value may be empty.
            let weight = fact.data.len() + store.id.len() + size_of::<HeldValue>();
            if held.bytes + weight <= MAX_HELD {
                held.bytes += weight;
                held.certificates.push(HeldValue {
                    id: store.id.to_owned(),
                    kind: fact.kind,
                    data: fact.data.to_owned(),
                    lineage: fact.lineage,
                });
                return;
            }
        }
        if store.kind == Kind::Keys {
            self.hold(key, &store, sink).keys.add(store.id, fact.data);
        }
        let has_unseen_keys = store.kind == Kind::Certificates;
        self.push(store, fact, Setting { has_unseen_keys, ..Setting::ELEMENT }, sink);
    }

    /// What waits is of the store that the key at this path is in.
    fn holds(&self, key: &str) -> bool {
        self.held.as_ref().is_some_and(|held| held.path.eq_ignore_ascii_case(store_path(key)))
    }

    /// What waits of this store; what waited of another one is pushed.
    fn hold(&mut self, key: &str, store: &Store<'_>, sink: &mut dyn Sink) -> &mut Held {
        if !self.holds(key) {
            self.release(sink);
        }
        self.held.get_or_insert_with(|| Held::new(store_path(key), store))
    }

    /// Pushes the certificates that wait, with the keys of their store.
    fn release(&mut self, sink: &mut dyn Sink) {
        let Some(Held { location, name, is_of_user, user_sid, keys, certificates, .. }) = self.held.take() else {
            return;
        };
        for HeldValue { id, kind, data, lineage } in certificates {
            let user_sid = user_sid.as_deref();
            let store = Store { location, name: &name, is_of_user, user_sid, kind: Kind::Certificates, id: &id };
            let fact = Fact { name: "Blob", kind, data: &data, lineage };
            let (key, has_unseen_keys) = (keys.of_certificate(&data), keys.is_cut());
            self.push(store, &fact, Setting { key, has_unseen_keys, ..Setting::ELEMENT }, sink);
        }
    }

    fn push(&self, store: Store<'_>, fact: &Fact<'_>, setting: Setting<'_>, sink: &mut dyn Sink) {
        let given = self.user_sid.as_deref().filter(|_| store.is_of_user);
        let place = element::Place {
            location: self.location.unwrap_or(store.location),
            name: store.name,
            user_sid: store.user_sid.or(given),
            registry: &self.providers,
        };
        let setting = Setting { name: Some(store.id), place: Some(place), ..setting };
        element::push_value(fact.data, setting, fact.lineage, sink);
        if fact.kind != BINARY && element::is_element(fact.data) {
            fact.doubt(Code::BadField, format!("the value has type {} instead of REG_BINARY", fact.kind), sink);
        }
    }

    fn provider(&mut self, key: &str, name: &str, fact: &Fact<'_>, sink: &mut dyn Sink) {
        let open = self.open.get_or_insert_with(|| Open {
            key: key.to_owned(),
            provider: Provider {
                lineage: fact.lineage,
                name: Cow::Owned(name.to_owned()),
                api: Some(Api::Capi),
                ..Provider::default()
            },
        });
        // A doubt about one of its values stands with the provider, whose place is that of its first value.
        let about = Fact { lineage: open.provider.lineage, ..*fact };
        if fact.is("Type") {
            open.provider.provider_type = about.number(sink);
        } else if fact.is("Image Path") {
            open.provider.image = about.text(sink).map(Cow::Owned);
        }
    }

    /// Ends the key of a provider.
    fn close(&mut self, sink: &mut dyn Sink) {
        let Some(Open { provider, .. }) = self.open.take() else { return };
        sink.provider(&provider);
        // Registered once more for 32-bit programs: that says nothing new of its keys, and a list that is too long is
        // not believed.
        let is_known = |p: &Provider<'_>| p.name == provider.name && p.provider_type == provider.provider_type;
        if self.providers.len() <= MAX_PROVIDERS && self.providers.iter().take(256).any(is_known) {
            return;
        }
        let bytes = provider.name.len() + provider.image.as_ref().map_or(0, |image| image.len());
        if self.providers.len() >= MAX_PROVIDERS || self.provider_bytes + bytes > MAX_PROVIDER_BYTES {
            if !std::mem::replace(&mut self.said_full, true) {
                let message = format!("more than {MAX_PROVIDERS} providers; the rest has no say in verdicts");
                sink.reject(Reject::degraded(provider.lineage, Stage::Read, Code::TooLarge, "provider", message));
            }
            return;
        }
        self.provider_bytes += bytes;
        self.providers.push(provider);
    }
}

/// A card names the providers that serve it, one of each interface. They say what serves the card, not what is
/// registered, so they are rows and have no say in verdicts.
fn smart_card(card: &str, fact: &Fact<'_>, sink: &mut dyn Sink) {
    let api = match () {
        () if fact.is(CARD_CSP) => Api::Capi,
        () if fact.is(CARD_KSP) => Api::Cng,
        () => return,
    };
    let Some(name) = fact.text_or_lost(sink) else { return };
    sink.provider(&Provider {
        lineage: fact.lineage,
        name: name.into(),
        api: Some(api),
        smart_card: Some(card.into()),
        ..Provider::default()
    });
}

/// One value that is to say something.
#[derive(Clone, Copy)]
struct Fact<'a> {
    name: &'a str,
    kind: u32,
    data: &'a [u8],
    lineage: Lineage,
}

impl Fact<'_> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn doubt(&self, code: Code, message: String, sink: &mut dyn Sink) {
        sink.reject(Reject::degraded(self.lineage, Stage::Decode, code, self.name.to_owned(), message));
    }

    fn number(&self, sink: &mut dyn Sink) -> Option<u32> {
        let bytes = <[u8; 4]>::try_from(self.data).ok();
        let number = match self.kind {
            DWORD => bytes.map(u32::from_le_bytes),
            DWORD_BIG_ENDIAN => bytes.map(u32::from_be_bytes),
            _ => None,
        };
        if number.is_none() {
            let message =
                format!("a REG_DWORD of 4 bytes was expected; the type is {} of {}", self.kind, self.data.len());
            self.doubt(Code::BadField, message, sink);
        }
        number
    }

    /// The text of the value, up to its NUL; what is no text is a doubt.
    fn text(&self, sink: &mut dyn Sink) -> Option<String> {
        match self.decoded() {
            Ok((text, doubt)) => {
                if let Some(doubt) = doubt {
                    self.doubt(Code::BadText, doubt.to_owned(), sink);
                }
                Some(text)
            }
            Err((code, message)) => {
                self.doubt(code, message, sink);
                None
            }
        }
    }

    /// The text of a value that is a record of its own.
    fn text_or_lost(&self, sink: &mut dyn Sink) -> Option<String> {
        let (code, message) = match self.decoded() {
            Ok((text, doubt)) if !text.is_empty() => {
                if let Some(doubt) = doubt {
                    self.doubt(Code::BadText, doubt.to_owned(), sink);
                }
                return Some(text);
            }
            Ok(_) => (Code::MissingField, "the value is empty".to_owned()),
            Err(wrong) => wrong,
        };
        let mut reject = Reject::lost(self.lineage, Stage::Decode, code, message);
        reject.field = Some(Cow::Owned(self.name.to_owned()));
        sink.reject(reject);
        None
    }

    fn decoded(&self) -> Result<(String, Option<&'static str>), (Code, String)> {
        if !matches!(self.kind, SZ | EXPAND_SZ) {
            return Err((Code::BadField, format!("a text was expected; the type is {}", self.kind)));
        }
        if self.data.len() > MAX_FACT {
            let message = format!("the text has {} bytes, more than {MAX_FACT}", self.data.len());
            return Err((Code::TooLarge, message));
        }
        let pairs = self.data.as_chunks::<2>().0;
        let end = pairs.iter().position(|pair| *pair == [0, 0]);
        let (text, valid) = utf16le(end.map_or(self.data, |end| &self.data[..2 * end]));
        Ok((text, (!valid).then_some("the text is not valid UTF-16")))
    }
}

impl Machine {
    /// Takes a value in, if it says something.
    fn fact(&mut self, fact: &Fact<'_>, sink: &mut dyn Sink) {
        type Number = fn(&mut Machine) -> &mut Option<u32>;
        type Text = fn(&mut Machine) -> &mut Option<String>;
        let numbers: [(&str, Number); 4] = [
            ("CurrentMajorVersionNumber", |m| &mut m.major),
            ("CurrentMinorVersionNumber", |m| &mut m.minor),
            ("UBR", |m| &mut m.ubr),
            ("DisableCapiOverrideForRSA", |m| &mut m.calais),
        ];
        let texts: [(&str, Text); 5] = [
            ("CurrentVersion", |m| &mut m.version),
            ("CurrentBuildNumber", |m| &mut m.build_number),
            ("CurrentBuild", |m| &mut m.build),
            ("ProductName", |m| &mut m.product),
            ("MachineGuid", |m| &mut m.guid),
        ];
        let number = numbers.into_iter().find(|(name, _)| fact.is(name));
        let text = texts.into_iter().find(|(name, _)| fact.is(name));
        if number.is_none() && text.is_none() {
            return;
        }
        // A doubt about a value stands with the client, whose place is that of its first value.
        let about = Fact { lineage: *self.first.get_or_insert(fact.lineage), ..*fact };
        let is_other = match (number, text) {
            (Some((_, slot)), _) => about.number(sink).is_some_and(|value| !keep(slot(self), value)),
            (_, Some((_, slot))) => about.text(sink).is_some_and(|value| !keep(slot(self), value)),
            _ => false,
        };
        if is_other && !std::mem::replace(&mut self.said_conflict, true) {
            let message = format!(
                "the value at {} says something else; the first is kept, and later ones are not repeated",
                fact.lineage.byte_offset
            );
            about.doubt(Code::ClientConflict, message, sink);
        }
    }

    fn finish(self, sink: &mut dyn Sink) {
        let Some(lineage) = self.first else { return };
        let os_version = self.os_version();
        sink.client(&Client {
            lineage,
            machine_guid: self.guid.map(Cow::Owned),
            os_version: os_version.map(Cow::Owned),
            os_caption: self.product.map(Cow::Owned),
            ubr: self.ubr,
            calais_disable_capi_override: self.calais,
            ..Client::default()
        });
    }

    /// `10.0.<build>.<ubr>`, or as much of it as is known; nothing without a build.
    fn os_version(&self) -> Option<String> {
        let is_number = |text: &&String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let build = self.build_number.as_ref().or(self.build.as_ref()).filter(is_number)?;
        let is_old = build.parse::<u32>().is_ok_and(|build| build < FIRST_BUILD_OF_10);
        let version = match (self.major, self.minor) {
            (Some(major), Some(minor)) => format!("{major}.{minor}"),
            _ => self.version.clone().filter(|_| is_old)?,
        };
        let ubr = self.ubr.map(|ubr| format!(".{ubr}")).unwrap_or_default();
        Some(format!("{version}.{build}{ubr}"))
    }
}

/// Keeps the first word on something. False where this is another one: then exports of two machines were joined.
fn keep<T: PartialEq>(slot: &mut Option<T>, value: T) -> bool {
    match slot {
        Some(known) => *known == value,
        None => {
            *slot = Some(value);
            true
        }
    }
}
