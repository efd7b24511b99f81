//! `certcensus inspect`: what is this file, what does it yield, and why did each verdict come out.
//!
//! It runs the scanner's own readers and classifier on one file and shows the chain for people. What it shows is
//! not an output format; the report is.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::args::{Color, Inspect};
use super::paint::{Paint, count, escape, size};
use super::scan::{catalogue, passwords};
use super::{Exit, print};
use crate::classify::{Classifier, Marks, Outcome as Fate, Piece, Subject, Verdicts};
use crate::error::Error;
use crate::findings::PRIVATE_KEY_IN_EXPORT;
use crate::format::{self, Format, Input, Memory, Outcome};
use crate::group::certstore::{decode_base64, decoded_len};
use crate::group::tally::SourceTally;
use crate::hex;
use crate::input::Window;
use crate::record::{Body, Client, KeyReport, Observation, PrivateKey, Provider, Reject, Request, Severity, Sink};
use crate::x509::{self, Facts};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Shows every file.
pub fn run(options: &Inspect, color: Color) -> Result<Exit, Error> {
    let mut classifier = Classifier::new(catalogue(options.providers.as_deref())?);
    let paint = Paint::new(color, &io::stdout());
    let setting = format::Setting { passwords: passwords(options.passwords.as_deref())?, ..format::Setting::default() };
    let mut understood = false;
    for file in &options.files {
        understood |= show(file, options.records, &setting, &mut classifier, paint)?;
    }
    Ok(if understood { Exit::Done } else { Exit::NothingToRead })
}

fn show(
    path: &Path,
    records: usize,
    setting: &format::Setting,
    classifier: &mut Classifier,
    paint: Paint,
) -> Result<bool, Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path))?;
    if metadata.is_dir() {
        return Err(Error::Usage(format!("{} is a folder; inspect takes files, scan takes folders", path.display())));
    }
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut head = Vec::new();
    let format = format::sniff_start(&mut file, metadata.len(), &mut head).map_err(Error::io(path))?;
    let title = paint.bold(&escape(&path.display().to_string()));
    let Some(format) = format else {
        print(&format!("{title}: no known format ({})\n", size(metadata.len())))?;
        return Ok(false);
    };
    print(&format!("{title}: {} [{}] ({})\n", format.title, format.name, size(metadata.len())))?;
    if format.read.is_none() {
        print(&format!("  recognised, not read yet: {}\n", format.yields))?;
        return Ok(format.name == "empty");
    }
    let mut sink = Shower { classifier, paint, left: records, hidden: 0, tally: SourceTally::default(), error: None };
    let outcome = read(format, &head[..], file, path, setting, &mut sink);
    if let Some(error) = sink.error {
        return Err(error);
    }
    let mut text = String::new();
    if sink.hidden > 0 {
        let _ = writeln!(text, "  ... {} more; -n {} shows them", sink.hidden, records as u64 + sink.hidden);
    }
    let t = &sink.tally;
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
        Outcome::Locked => writeln!(text, ". {}", paint.alarm("Locked: a password is missing (--passwords FILE).")),
        Outcome::Incomplete => writeln!(text, ". {}", paint.alarm("Incomplete: the end is missing.")),
        Outcome::Failed => writeln!(text, ". {}", paint.alarm("Cannot be read as this format.")),
    };
    print(&text)?;
    Ok(true)
}

fn read(
    format: &Format,
    head: &[u8],
    rest: File,
    path: &Path,
    setting: &format::Setting,
    sink: &mut Shower<'_>,
) -> Outcome {
    let mut window = Window::new(head.chain(rest), 0);
    let name = path.to_string_lossy().replace('\\', "/");
    let Some(read) = format.read else { return Outcome::Failed };
    let memory = &mut Memory::default();
    read(Input { window: &mut window, path: &name, file: Some(path), setting, memory }, sink)
}

/// Prints what a reader pushes.
struct Shower<'c> {
    classifier: &'c mut Classifier,
    paint: Paint,
    left: usize,
    hidden: u64,
    tally: SourceTally,
    error: Option<Error>,
}

impl Shower<'_> {
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
