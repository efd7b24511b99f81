//! Synthetic fleets in memory, and what a reader finds in them, kept for the stages after it.

use certcensus::format::{Input, Memory, Outcome, Setting, ndjson};
use certcensus::input::Window;
use certcensus::record::{
    Binding, Body, CapiUse, Claims, Client, Collection, Lineage, Observation, PrivateKey, Provider, Reject, Request,
    Sink, StoreLocation, Template, Text,
};
use certcensus::synth::{Fleet, Options};

/// Seed of every input: that of the presets.
pub const SEED: u64 = 1;

/// census/1 text, as a file would hold it.
pub struct Census {
    pub text: Vec<u8>,
    /// Lines.
    pub records: u64,
    /// Lines that are certificates.
    pub certificates: u64,
}

/// The first `clients` clients of one of the benchmark fleets.
pub fn census(options: &Options, clients: u64) -> Census {
    let fleet = Fleet::new(options).expect("the presets are valid");
    let mut worker = fleet.worker();
    let mut census = Census { text: Vec::new(), records: 0, certificates: 0 };
    for number in 0..clients {
        let made = worker.write_client(number, &mut census.text).expect("memory takes everything");
        census.records += made.records;
        census.certificates += made.certificates;
    }
    census
}

/// Reads a census into a sink.
pub fn read(text: &[u8], sink: &mut dyn Sink) -> Outcome {
    let mut window = Window::new(text, 0);
    let read = ndjson::CENSUS.read.expect("census/1 is read");
    let memory = &mut Memory::default();
    read(Input { window: &mut window, path: "fleet.ndjson", file: None, setting: &Setting::default(), memory }, sink)
}

/// The observations of a census, with all they borrow.
pub fn observations(text: &[u8]) -> Vec<Kept> {
    let mut keep = Keep(Vec::new());
    assert_eq!(read(text, &mut keep), Outcome::Complete, "the fleet is clean");
    keep.0
}

/// An observation that outlives its line.
pub struct Kept {
    lineage: Lineage,
    client: Option<String>,
    store_location: Option<StoreLocation>,
    store_name: Option<String>,
    user_sid: Option<String>,
    collected_at: Option<i64>,
    collector: Option<String>,
    collector_version: Option<String>,
    pub base64: Vec<u8>,
    sha1: Option<[u8; 20]>,
    sha256: Option<[u8; 32]>,
    pub claims: Claims<'static>,
    pub registry: Vec<Provider<'static>>,
}

impl Kept {
    /// The observation as the reader pushed it, without its certificate where `with_certificate` is false.
    pub fn observation(&self, with_certificate: bool) -> Observation<'_> {
        let text = |text: &'_ Option<String>| text.clone().map(Text::Owned);
        let mut observation = Observation {
            lineage: self.lineage,
            client: text(&self.client),
            store_location: self.store_location,
            store_name: text(&self.store_name),
            user_sid: text(&self.user_sid),
            collection: Collection {
                collected_at: self.collected_at,
                collector: self.collector.as_deref(),
                collector_version: self.collector_version.as_deref(),
                registry: &self.registry,
                ..Collection::default()
            },
            claims: self.claims.clone(),
            ..Observation::default()
        };
        if with_certificate {
            observation.certificate.body = Body::Base64(&self.base64);
            observation.certificate.sha1 = self.sha1;
            observation.certificate.sha256 = self.sha256;
        }
        observation
    }
}

struct Keep(Vec<Kept>);

impl Sink for Keep {
    fn observation(&mut self, o: &Observation<'_>) {
        let owned = |text: &Option<Text<'_>>| text.as_deref().map(str::to_owned);
        let Body::Base64(base64) = o.certificate.body else { return };
        // Through its serialized form, which owns all text.
        let claims = serde_json::to_string(&o.claims).expect("claims can be written");
        let registry = serde_json::to_string(&o.collection.registry).expect("providers can be written");
        self.0.push(Kept {
            lineage: o.lineage,
            client: owned(&o.client),
            store_location: o.store_location,
            store_name: owned(&o.store_name),
            user_sid: owned(&o.user_sid),
            collected_at: o.collection.collected_at,
            collector: o.collection.collector.map(str::to_owned),
            collector_version: o.collection.collector_version.map(str::to_owned),
            base64: base64.to_vec(),
            sha1: o.certificate.sha1,
            sha256: o.certificate.sha256,
            claims: serde_json::from_str(&claims).expect("written claims can be read"),
            registry: serde_json::from_str(&registry).expect("written providers can be read"),
        });
    }

    fn client(&mut self, _: &Client<'_>) {}

    fn provider(&mut self, _: &Provider<'_>) {}

    fn request(&mut self, _: &Request<'_>) {}

    fn binding(&mut self, _: &Binding<'_>) {}
    fn template(&mut self, _: &Template<'_>) {}
    fn capi_use(&mut self, _: &CapiUse<'_>) {}
    fn private_key(&mut self, _: &PrivateKey<'_>) {}

    fn reject(&mut self, reject: Reject) {
        panic!("the fleet is clean, but: {}", reject.message);
    }

    fn skip(&mut self, _: &'static str) {}

    fn incomplete(&mut self, _: Option<&str>) {}
}
