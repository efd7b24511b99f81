//! `certcensus inspect`: what is this file, what does it yield, and why did each verdict come out.
//!
//! It runs the scanner's own readers and classifier on one file and shows the chain for people. What it shows is
//! not an output format; the report is.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::args::{Color, Inspect};
use super::paint::{Paint, count, escape, size};
use super::scan::{catalogue, limits, passwords};
use super::{Exit, print};
use crate::classify::{Classifier, Marks, Outcome as Fate, Piece, Subject, TemplatePolicy, Verdicts};
use crate::error::Error;
use crate::findings::{CAPI_SMART_CARD_USE, PRIVATE_KEY_IN_EXPORT};
use crate::format::archive::{Body as Packing, Budget, Entry, Fault, Found, Packed, clip_name};
use crate::format::{self, CodePage, Format, Input, Memory, Outcome};
use crate::group::certstore::{decode_base64, decoded_len};
use crate::group::tally::SourceTally;
use crate::hex;
use crate::input::Window;
use crate::record::{
    Binding, Body, CapiUse, Client, KeyReport, Lineage, Observation, Printed, PrivateKey, Provider, Reject, Request,
    Severity, Sink, Template,
};
use crate::walk::Source;
use crate::x509::{self, Facts};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Shows every file.
pub fn run(options: &Inspect, color: Color) -> Result<Exit, Error> {
    let mut shown = Shown {
        classifier: Classifier::new(catalogue(options.providers.as_deref())?),
        paint: Paint::new(color, &io::stdout()),
        records: options.records,
        setting: format::Setting {
            limits: limits(&options.limits)?,
            passwords: passwords(options.passwords.as_deref())?,
            code_page: options.code_page.as_deref().map(CodePage::parse).transpose()?,
            ..format::Setting::default()
        },
        understood: false,
        error: None,
    };
    for file in &options.files {
        shown.file(file)?;
    }
    Ok(if shown.understood { Exit::Done } else { Exit::NothingToRead })
}

/// What is shown, and how.
struct Shown {
    classifier: Classifier,
    paint: Paint,
    /// Records shown of each source.
    records: usize,
    setting: format::Setting,
    /// Something was of a format that is read.
    understood: bool,
    /// Standard output is gone.
    error: Option<Error>,
}

/// A source: a file, or a member of an archive.
struct Place<'p> {
    /// Path of the file, with the path inside it.
    path: &'p str,
    file: Option<&'p Path>,
    size: Option<u64>,
    /// How many archives it is inside.
    depth: u32,
}

impl Shown {
    fn file(&mut self, path: &Path) -> Result<(), Error> {
        let metadata = fs::metadata(path).map_err(Error::io(path))?;
        if metadata.is_dir() {
            return Err(Error::Usage(format!(
                "{} is a folder; inspect takes files, scan takes folders",
                path.display()
            )));
        }
        let mut window = Window::new(File::open(path).map_err(Error::io(path))?, 0);
        let name = path.to_string_lossy().replace('\\', "/");
        let source = Source {
            id: [b'0'; 16],
            path: name,
            file: path.to_owned(),
            len: metadata.len(),
            trouble: None,
            special: false,
        };
        let budget = Budget::new(self.setting.limits, &source);
        let place = Place { path: &source.path, file: Some(path), size: Some(metadata.len()), depth: 0 };
        self.source(&budget, &mut window, &place);
        window.take_error().map_or(Ok(()), |error| Err(Error::io(path)(error)))?;
        self.error.take().map_or(Ok(()), Err)
    }

    /// Says what a source is, then what is in it.
    fn source(&mut self, budget: &Budget, window: &mut Window<'_>, place: &Place<'_>) {
        let format = format::sniff_window(window, place.size);
        let size = place.size.map(|bytes| format!(" ({})", size(bytes))).unwrap_or_default();
        let title = self.paint.bold(&escape(place.path));
        let format = format.filter(|_| !(window.has_failed() && window.available().is_empty()));
        let told = match format {
            None => format!("{title}: no known format{size}\n"),
            Some(format) => format!("{title}: {} [{}]{size}\n", format.title, format.name),
        };
        self.print(&told);
        match format {
            None => {}
            Some(format) if format.unpack.is_some() => self.unpack(format, budget, window, place),
            Some(format) if format.read.is_some() => self.read(format, window, place),
            Some(format) => self.print(&format!("  recognised, not read yet: {}\n", format.yields)),
        }
        // Of a file the caller tells it.
        if place.depth > 0
            && let Some(error) = window.take_error()
        {
            let mut sink = self.shower();
            sink.reject(Fault::of(&error).into_reject(Lineage::at(window.offset())));
        }
    }

    fn print(&mut self, text: &str) {
        if let Err(error) = print(text) {
            self.error.get_or_insert(error);
        }
    }

    fn shower(&mut self) -> Shower<'_> {
        let (paint, left, error) = (self.paint, self.records, &mut self.error);
        Shower { classifier: &mut self.classifier, paint, left, hidden: 0, tally: SourceTally::default(), error }
    }

    /// Shows the records of a source, and their sum.
    fn read(&mut self, format: &Format, window: &mut Window<'_>, place: &Place<'_>) {
        let Some(read) = format.read else { return };
        self.understood = true;
        let (records, setting) = (self.records, self.setting.clone());
        let mut sink = self.shower();
        let memory = &mut Memory::default();
        let input = Input { window, path: place.path, file: place.file, setting: &setting, memory };
        let outcome = read(input, &mut sink);
        sink.sum_up(records, outcome);
    }

    /// Shows the members of an archive.
    fn unpack(&mut self, format: &Format, budget: &Budget, window: &mut Window<'_>, place: &Place<'_>) {
        let Some(unpack) = format.unpack else { return };
        if let Some(reject) = budget.refuse_depth(place.depth + 1) {
            return self.shower().reject(reject);
        }
        let packed = Packed { window, file: place.file, name: place.path };
        let outcome = unpack(packed, &mut |found| {
            let entry = match found {
                Found::Reject(reject) => {
                    self.shower().reject(reject);
                    return self.error.is_none();
                }
                Found::Mark => None,
                Found::Entry(entry) => Some(entry),
            };
            if let Err(reject) = budget.count() {
                self.shower().reject(reject);
                return false;
            }
            if let Some(entry) = entry {
                self.member(budget, entry, place);
            }
            !budget.is_spent() && self.error.is_none()
        });
        if outcome != Outcome::Complete {
            let told = format!("  {}\n", self.paint.alarm("The archive was not read to its end."));
            self.print(&told);
        }
    }

    fn member(&mut self, budget: &Budget, entry: Entry<'_>, place: &Place<'_>) {
        let path = format!("{}/{}", place.path, clip_name(entry.name).0);
        let why = match entry.body {
            Packing::Bytes { read, packed } => {
                let mut meter = budget.meter(read, packed, false);
                let place = Place { path: &path, file: None, size: entry.size, depth: place.depth + 1 };
                return self.source(budget, &mut Window::new(&mut meter, 0), &place);
            }
            Packing::Locked => "encrypted".to_owned(),
            Packing::Special => "a link or a device".to_owned(),
            Packing::Unsupported(reason) => format!("not read: {reason}"),
            Packing::Broken(fault) => fault.message,
        };
        let title = self.paint.bold(&escape(&path));
        self.print(&format!("{title}: {}\n", escape(&why)));
    }
}

/// Prints what a reader pushes.
struct Shower<'c> {
    classifier: &'c mut Classifier,
    paint: Paint,
    left: usize,
    hidden: u64,
    tally: SourceTally,
    error: &'c mut Option<Error>,
}

impl Shower<'_> {
    /// Prints the sum of a source that was read.
    fn sum_up(&mut self, records: usize, outcome: Outcome) {
        let mut text = String::new();
        if self.hidden > 0 {
            let _ = writeln!(text, "  ... {} more; -n {} shows them", self.hidden, records as u64 + self.hidden);
        }
        let t = &self.tally;
        let _ = write!(text, "  {} records: {} observations", count(t.records), count(t.observations));
        let others = t.yielded - t.observations;
        let parts = [(others, "other rows"), (t.rejects, "lost"), (t.degraded, "doubts")];
        for (n, name) in parts.into_iter().filter(|(n, _)| *n > 0) {
            let _ = write!(text, ", {} {name}", count(n));
        }
        for (reason, n) in &t.skips {
            let _ = write!(text, ", {} skipped ({reason})", count(*n));
        }
        let _ = match outcome {
            Outcome::Complete => writeln!(text, ". Complete."),
            Outcome::Locked => {
                writeln!(text, ". {}", self.paint.alarm("Locked: a password is missing (--passwords FILE)."))
            }
            Outcome::Incomplete => writeln!(text, ". {}", self.paint.alarm("Incomplete: the end is missing.")),
            Outcome::Failed => writeln!(text, ". {}", self.paint.alarm("Cannot be read as this format.")),
        };
        self.print(&text);
    }

    /// Prints one record, or counts it where enough were shown.
    fn say(&mut self, text: impl FnOnce(&mut Self) -> String) {
        if self.left == 0 {
            self.hidden += 1;
            return;
        }
        self.left -= 1;
        let text = text(self);
        self.print(&text);
    }

    fn print(&mut self, text: &str) {
        if let Err(error) = print(text) {
            self.error.get_or_insert(error);
        }
    }

    fn tell_observation(&mut self, o: &Observation<'_>) -> String {
        let mut text = String::new();
        let facts = certificate(o);
        let marks = facts.as_ref().map(|(_, facts)| Marks::from(facts)).unwrap_or_default();
        let verdicts = self.classifier.judge(&o.claims, o.collection.registry, marks);
        let place = place(o);
        let _ = writeln!(text, "  {} {place}", self.paint.dim(&format!("@{}", o.lineage.byte_offset)));
        match &facts {
            Some((hashes, facts)) => tell_facts(&mut text, hashes, facts),
            None => {
                let named = o.certificate.sha1.map(|h| hex::text(&h));
                let named = named.or_else(|| o.certificate.sha256.map(|h| hex::text(&h)));
                match named {
                    Some(hash) => field(&mut text, "certificate", &format!("by hash only: {hash}")),
                    None if matches!(o.certificate.body, Body::Absent) => field(&mut text, "certificate", "none"),
                    None => field(&mut text, "certificate", "cannot be read"),
                }
            }
        }
        tell_printed(&mut text, &o.printed);
        tell_claims(&mut text, o);
        tell_verdicts(&mut text, self.paint, &verdicts);
        for piece in self.classifier.evidence(&o.claims, o.collection.registry, marks) {
            tell_piece(&mut text, self.paint, &piece);
        }
        text
    }
}

fn place(o: &Observation<'_>) -> String {
    let parts =
        [o.client.as_deref(), o.store_location.map(|l| l.as_str()), o.store_name.as_deref(), o.user_sid.as_deref()];
    let parts: Vec<_> = parts.into_iter().flatten().map(escape).collect();
    parts.join(" / ")
}

/// The certificate of a record with its hashes, SHA-1 first.
fn certificate(o: &Observation<'_>) -> Option<([String; 2], Facts)> {
    let mut decoded = Vec::new();
    let bytes = match o.certificate.body {
        Body::Absent => return None,
        Body::Der(bytes) => bytes,
        Body::Base64(text) | Body::Again(text, _) => {
            decoded.resize(decoded_len(text), 0);
            let len = decode_base64(text, &mut decoded)?;
            &decoded[..len]
        }
    };
    let der = &bytes[..x509::frame_len(bytes)?.min(bytes.len())];
    let facts = x509::parse(der).ok()?;
    Some(([hex::text(&Sha1::digest(der)), hex::text(&Sha256::digest(der))], facts))
}

fn field(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "      {name:<12} {value}");
}

fn tell_facts(text: &mut String, [sha1, sha256]: &[String; 2], f: &Facts) {
    field(text, "subject", &escape(f.subject.as_deref().unwrap_or("(empty)")));
    field(text, "issuer", &escape(f.issuer.as_deref().unwrap_or("(empty)")));
    let key = [f.key_algorithm.as_deref(), f.curve.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let bits = f.key_size_bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
    let signature = f.signature_algorithm.as_deref().unwrap_or("unknown");
    field(text, "key", &escape(&format!("{key}{bits}; signed with {signature}")));
    let day = |micros: Option<i64>| {
        let seconds = micros.map(|m| m.div_euclid(1_000_000));
        let date = seconds.and_then(|s| time::OffsetDateTime::from_unix_timestamp(s).ok());
        date.map_or("unknown".to_owned(), |d| d.date().to_string())
    };
    field(text, "valid", &format!("{} to {}", day(f.not_before), day(f.not_after)));
    field(text, "thumbprint", sha1);
    field(text, "sha256", sha256);
    let lists = [
        ("uses", f.eku.join(", ")),
        ("dns", f.san_dns.join(", ")),
        ("upn", f.san_upn.join(", ")),
        ("weak", f.weak_reasons.join(", ")),
    ];
    for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        field(text, name, &escape(list));
    }
    for problem in &f.problems {
        field(text, "doubt", &escape(&format!("{}: {}", problem.field, problem.message)));
    }
}

fn tell_printed(text: &mut String, p: &Printed<'_>) {
    let fields = [
        ("subject", &p.subject),
        ("issuer", &p.issuer),
        ("serial", &p.serial),
        ("from", &p.not_before),
        ("to", &p.not_after),
    ];
    let printed = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let printed: Vec<_> = printed.map(|(name, value)| format!("{name} {:?}", escape(value))).collect();
    if !printed.is_empty() {
        field(text, "as printed", &printed.join(", "));
    }
}

fn tell_claims(text: &mut String, o: &Observation<'_>) {
    let c = &o.claims;
    let number = |n: Option<u32>| n.map(|n| n.to_string());
    let owned = |t: &Option<crate::record::Text<'_>>| t.as_deref().map(|t| format!("{:?}", escape(t)));
    let claims = [
        ("provider", owned(&c.provider_name)),
        ("type", number(c.provider_type)),
        ("key spec", number(c.key_spec)),
        ("flags", number(c.key_flags)),
        ("container", owned(&c.key_container)),
        ("path", owned(&c.key_path)),
        ("key identifier", c.key_identifier.as_deref().map(hex::text)),
        ("reader", owned(&c.reader)),
        ("impl flags", number(c.impl_flags)),
        ("friendly name", owned(&c.friendly_name)),
        ("archived", c.archived.filter(|a| *a).map(|_| "yes".to_owned())),
    ];
    let told: Vec<_> = claims.into_iter().filter_map(|(name, v)| v.map(|v| format!("{name} {v}"))).collect();
    let told = match (told.is_empty(), c.key_report) {
        (false, _) => told.join(", "),
        (true, KeyReport::NotReported) => "none; this format or record does not speak of keys".to_owned(),
        (true, KeyReport::Absent) => "the key property is absent".to_owned(),
        (true, KeyReport::Claimed) => "a key, without particulars".to_owned(),
    };
    field(text, "claims", &told);
    if !c.properties.is_empty() {
        let ids: Vec<_> = c.properties.iter().map(|p| p.id.to_string()).collect();
        field(text, "properties", &ids.join(", "));
    }
}

fn tell_request(r: &Request<'_>, paint: Paint) -> String {
    let mut text = format!("  {} enrolment, {}\n", paint.dim(&format!("@{}", r.lineage.byte_offset)), r.kind.as_str());
    let fields = [
        ("subject", &r.subject),
        ("provider", &r.provider_name),
        ("machine", &r.machine),
        ("user", &r.user),
        ("process", &r.process),
        ("Windows", &r.os_version),
        ("template", &r.template_name),
        ("template OID", &r.template_oid),
    ];
    for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
        field(&mut text, name, &escape(value));
    }
    if let Some(hash) = r.spki_sha256 {
        field(&mut text, "public key", &hex::text(&hash));
    }
    if !r.attestation.is_empty() {
        field(&mut text, "attestation", &escape(&format!("{} (as the client says)", r.attestation.join(", "))));
    }
    text
}

fn tell_binding(b: &Binding<'_>, paint: Paint) -> String {
    let mut text = format!("  {} binding, {}\n", paint.dim(&format!("@{}", b.lineage.byte_offset)), b.kind.as_str());
    let fields = [
        ("client", &b.client),
        ("endpoint", &b.endpoint),
        ("store", &b.store_name),
        ("application", &b.app_id),
        ("site", &b.site_name),
        ("role", &b.role),
        ("site code", &b.site_code),
    ];
    for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
        field(&mut text, name, &escape(value));
    }
    if let Some(hash) = b.sha1 {
        field(&mut text, "certificate", &format!("by hash only: {}", hex::text(&hash)));
    }
    text
}

fn tell_template(t: &Template<'_>, paint: Paint) -> String {
    let name = escape(t.name.as_deref().or(t.display_name.as_deref()).unwrap_or("unnamed"));
    let mut text = format!("  {} template {name}\n", paint.dim(&format!("@{}", t.lineage.byte_offset)));
    let policy = TemplatePolicy::of(t);
    if let Some(version) = t.schema_version {
        field(&mut text, "version", &version.to_string());
    }
    if let Some(category) = policy.provider_category {
        field(&mut text, "default API", &format!("{} ({})", category.api().as_str(), category.as_str()));
    }
    let lists = [
        ("providers", t.providers.join(", ")),
        ("subject", policy.subject_rules.join(", ")),
        ("alt. name", policy.san_rules.join(", ")),
        ("attestation", policy.attestation.filter(|word| *word != "none").unwrap_or_default().to_owned()),
    ];
    for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        field(&mut text, name, &escape(list));
    }
    text
}

fn tell_verdicts(text: &mut String, paint: Paint, v: &Verdicts) {
    let hardware = match v.hardware_backed {
        Some(true) => "in hardware",
        Some(false) => "not in hardware",
        None => "hardware unknown",
    };
    let grade = |g: Option<crate::classify::Grade>| g.map(|g| format!(" ({})", g.as_str())).unwrap_or_default();
    let verdict = format!(
        "key {}; API {}{}; storage {}{}; {hardware}",
        v.presence.as_str(),
        v.api.value.as_str(),
        grade(v.api.grade),
        v.storage.value.as_str(),
        grade(v.storage.grade),
    );
    field(text, "verdict", &paint.bold(&verdict));
}

fn tell_piece(text: &mut String, paint: Paint, piece: &Piece<'_>) {
    let subject = match piece.subject {
        Subject::Api => "API",
        Subject::Storage => "storage",
    };
    let rule = piece.rule.unwrap_or("never decides");
    let told = format!(
        "{subject:<8}{:<12} {} = {:?} says {} [{rule}]",
        piece.outcome.as_str(),
        piece.kind.as_str(),
        escape(&piece.value),
        piece.says,
    );
    let told = match piece.outcome {
        Fate::Contradicted => paint.alarm(&told),
        Fate::Silent => paint.dim(&told),
        Fate::Won | Fate::Agreed => told,
    };
    field(text, "  because", &told);
}

impl Sink for Shower<'_> {
    fn observation(&mut self, o: &Observation<'_>) {
        self.tally.records += 1;
        self.tally.yielded += 1;
        self.tally.observations += 1;
        self.say(|me| me.tell_observation(o));
    }

    fn client(&mut self, c: &Client<'_>) {
        self.tally.records += 1;
        self.tally.yielded += 1;
        self.say(|me| {
            let name = escape(c.client.as_deref().unwrap_or("unnamed"));
            let os = escape(c.os_version.as_deref().unwrap_or("unknown"));
            let fqdn = escape(c.fqdn.as_deref().unwrap_or("no FQDN"));
            let at = me.paint.dim(&format!("@{}", c.lineage.byte_offset));
            format!("  {at} client {name} ({fqdn}), Windows {os}\n")
        });
    }

    fn provider(&mut self, p: &Provider<'_>) {
        self.tally.records += 1;
        self.tally.yielded += 1;
        self.say(|me| {
            let api = p.api.map_or("unknown", |api| api.as_str());
            let at = me.paint.dim(&format!("@{}", p.lineage.byte_offset));
            format!("  {at} provider {:?}, {api}\n", escape(&p.name))
        });
    }

    fn request(&mut self, r: &Request<'_>) {
        self.tally.records += 1;
        self.tally.yielded += 1;
        self.say(|me| tell_request(r, me.paint));
    }

    fn binding(&mut self, b: &Binding<'_>) {
        self.tally.records += 1;
        self.tally.yielded += 1;
        self.say(|me| tell_binding(b, me.paint));
    }

    fn template(&mut self, t: &Template<'_>) {
        self.tally.records += 1;
        self.tally.yielded += 1;
        self.say(|me| tell_template(t, me.paint));
    }

    fn capi_use(&mut self, event: &CapiUse<'_>) {
        self.tally.records += 1;
        self.tally.yielded += 1;
        self.say(|me| {
            let at = me.paint.dim(&format!("@{}", event.lineage.byte_offset));
            let program = escape(event.program.as_deref().unwrap_or("a program"));
            let told = format!("{program} used CryptoAPI for the key of a smart card [{}]", CAPI_SMART_CARD_USE.id);
            format!("  {at} {}\n", me.paint.alarm(&told))
        });
    }

    fn private_key(&mut self, key: &PrivateKey<'_>) {
        self.tally.records += 1;
        self.tally.yielded += 1;
        self.say(|me| {
            let at = me.paint.dim(&format!("@{}", key.lineage.byte_offset));
            let told = format!("{} [{}]", PRIVATE_KEY_IN_EXPORT.message_of(key), PRIVATE_KEY_IN_EXPORT.id);
            let mut text = format!("  {at} {}\n", me.paint.alarm(&told));
            if let Some(hash) = key.spki_sha256 {
                field(&mut text, "public key", &hex::text(&hash));
            }
            text
        });
    }

    fn reject(&mut self, r: Reject) {
        if r.severity == Severity::Lost {
            self.tally.records += 1;
            self.tally.rejects += 1;
        } else {
            self.tally.degraded += 1;
        }
        let field = r.field.as_deref().map(|f| format!(" in {f}")).unwrap_or_default();
        let told = format!("{} ({}){field}: {}", r.code.as_str(), r.severity.as_str(), escape(&r.message));
        let at = self.paint.dim(&format!("@{}", r.lineage.byte_offset));
        let text = format!("  {at} {}\n", self.paint.alarm(&told));
        self.print(&text);
    }

    fn skip(&mut self, reason: &'static str) {
        self.tally.records += 1;
        self.tally.skip(reason);
    }

    fn incomplete(&mut self, _client: Option<&str>) {}

    fn stopped(&self) -> bool {
        self.error.is_some()
    }
}
