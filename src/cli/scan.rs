//! `certcensus scan`: options understood, progress shown, the summary told.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use encoding_rs::Encoding;
use time::Date;
use time::macros::format_description;
use zeroize::Zeroizing;

use super::args::{Color, Scan, Unpacking};
use super::paint::{Paint, count, escape, size};
use super::{Exit, print};
use crate::attest::Issuers;
use crate::classify::Catalogue;
use crate::client::ClientFrom;
use crate::error::Error;
use crate::findings::SiteVersion;
use crate::format::archive::Limits;
use crate::format::{self, CodePage, Passwords};
use crate::progress::Progress;
use crate::scan::{self, Foreseen, Options, Scanned, Summary};
use crate::walk::Filter;

/// Runs the scan.
pub fn run(args: Scan, color: Color) -> Result<Exit, Error> {
    let options = understand(&args)?;
    if args.dry_run {
        return dry_run(&args.inputs, &options);
    }
    let output = args.output.as_deref().unwrap_or(Path::new("report"));
    let watched = !args.quiet && !args.no_progress && io::stderr().is_terminal();
    let progress = Arc::new(if watched { Progress::visible() } else { Progress::hidden() });
    let stop = Arc::clone(&progress);
    // A second handler (in tests that run several scans in one process) is no reason to fail.
    let _ = ctrlc::set_handler(move || stop.stop());
    let scanned = scan::scan(&args.inputs, output, &options, &progress);
    progress.finish();
    let scanned = scanned?;
    if args.json {
        print(&json(&scanned)?)?;
    }
    if !args.quiet {
        let paint = Paint::new(color, &io::stderr());
        let text = tell(&scanned, output, args.verbose, paint);
        io::stderr().write_all(text.as_bytes()).map_err(Error::io("standard error"))?;
    }
    if scanned.read_nothing {
        let hint =
            "certcensus: nothing to read: no source is of a format that this version reads; sources lists them\n";
        io::stderr().write_all(hint.as_bytes()).map_err(Error::io("standard error"))?;
        return Ok(Exit::NothingToRead);
    }
    let rejects = scanned.summary.rejects.values().sum::<u64>();
    Ok(if args.strict && rejects > 0 { Exit::Strict } else { Exit::Done })
}

/// What was typed becomes what is meant.
fn understand(args: &Scan) -> Result<Options, Error> {
    let defaults = Options::default();
    if args.threads == Some(0) {
        return Err(Error::Usage("--threads 0: at least one thread must work".to_owned()));
    }
    Ok(Options {
        threads: args.threads.unwrap_or(defaults.threads),
        client_from: args.client_from.as_deref().map_or(Ok(ClientFrom::Record), ClientFrom::parse)?,
        filter: Filter::new(&args.include, &args.exclude)?,
        audit: args.audit.clone().filter(|name| !name.is_empty()),
        as_of: args.as_of.as_deref().map(as_of).transpose()?,
        site_version: args.site_version.as_deref().map(site_version).transpose()?,
        issuers: args.attestation_issuers.as_deref().map(Issuers::read).transpose()?,
        catalogue: catalogue(args.providers.as_deref())?,
        hash_sources: args.hash_sources,
        compression: args.compression,
        reading: format::Setting {
            max_line: bytes("--max-line", &args.max_line)? as usize,
            limits: limits(&args.limits)?,
            passwords: passwords(args.passwords.as_deref())?,
            code_page: args.code_page.as_deref().map(CodePage::parse).transpose()?,
            ..format::Setting::default()
        },
        max_memory: args.max_memory.as_deref().map(|text| bytes("--max-memory", text)).transpose()?,
        force: args.force,
        ..defaults
    })
}

/// Limits of unpacking.
pub(super) fn limits(args: &Unpacking) -> Result<Limits, Error> {
    for (option, value) in [
        ("--max-archive-depth", u64::from(args.max_archive_depth)),
        ("--max-archive-ratio", args.max_archive_ratio),
        ("--max-archive-members", args.max_archive_members),
    ] {
        if value == 0 {
            return Err(Error::Usage(format!("{option} 0: give a number from 1")));
        }
    }
    if args.max_archive_depth > Limits::DEEPEST {
        let (depth, most) = (args.max_archive_depth, Limits::DEEPEST);
        return Err(Error::Usage(format!("--max-archive-depth {depth}: give a number up to {most}")));
    }
    Ok(Limits {
        depth: args.max_archive_depth,
        ratio: args.max_archive_ratio,
        members: args.max_archive_members,
        bytes: bytes("--max-archive-bytes", &args.max_archive_bytes)?,
    })
}

/// The built-in catalogue, with the user's rows if there are any.
pub(super) fn catalogue(file: Option<&Path>) -> Result<Arc<Catalogue>, Error> {
    let Some(file) = file else { return Ok(Arc::new(Catalogue::builtin())) };
    let text = fs::read_to_string(file).map_err(Error::io(file))?;
    let catalogue = Catalogue::with_overrides(&text);
    catalogue.map(Arc::new).map_err(|e| Error::Usage(format!("--providers {}: {e}", file.display())))
}

/// The user's passwords: UTF-8, or what a byte order mark says, as Windows PowerShell writes it. What the file holds is never
/// quoted.
pub(super) fn passwords(file: Option<&Path>) -> Result<Passwords, Error> {
    let Some(file) = file else { return Ok(Passwords::default()) };
    let bytes = Zeroizing::new(fs::read(file).map_err(Error::io(file))?);
    let (encoding, mark) = Encoding::for_bom(&bytes).unwrap_or((encoding_rs::UTF_8, 0));
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes.get(mark..).unwrap_or_default());
    match text.map(|text| Zeroizing::new(text.into_owned())) {
        Some(text) => Ok(Passwords::of_lines(&text)),
        None => {
            let message = "the file is neither UTF-8 text nor UTF-16 text with a byte order mark";
            Err(Error::Usage(format!("--passwords {}: {message}", file.display())))
        }
    }
}

fn site_version(text: &str) -> Result<String, Error> {
    match SiteVersion::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Error::Usage(format!("--site-version {text}: no version such as 2309 or 5.00.9122.1000"))),
    }
}

fn as_of(text: &str) -> Result<String, Error> {
    match Date::parse(text, format_description!("[year]-[month]-[day]")) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Error::Usage(format!("--as-of {text}: give a date as 2026-11-22"))),
    }
}

/// A size such as 512M: powers of 1024.
fn bytes(option: &str, text: &str) -> Result<u64, Error> {
    let (digits, shift) = match text.trim().trim_end_matches(['b', 'B', 'i']) {
        t if t.ends_with(['k', 'K']) => (&t[..t.len() - 1], 10),
        t if t.ends_with(['m', 'M']) => (&t[..t.len() - 1], 20),
        t if t.ends_with(['g', 'G']) => (&t[..t.len() - 1], 30),
        t if t.ends_with(['t', 'T']) => (&t[..t.len() - 1], 40),
        t => (t, 0),
    };
    let number = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|n| *n > 0);
    number.ok_or_else(|| Error::Usage(format!("{option} {text}: give a size such as 16M or 1G")))
}

fn dry_run(inputs: &[PathBuf], options: &Options) -> Result<Exit, Error> {
    let mut text = String::new();
    for Foreseen { source, format, is_read } in scan::foresee(inputs, options)? {
        let fate = match (&source.trouble, format) {
            (Some((code, _)), _) => code.as_str(),
            (None, Some(_)) if is_read => "read",
            (None, Some(_)) => "unsupported",
            (None, None) => "unrecognised",
        };
        let _ = writeln!(text, "{fate}\t{}\t{}\t{}", format.unwrap_or("-"), source.len, escape(&source.path));
    }
    print(&text)?;
    Ok(Exit::Done)
}

fn json(scanned: &Scanned) -> Result<String, Error> {
    let mut value = serde_json::to_value(&scanned.summary).map_err(|e| Error::Encode(e.to_string()))?;
    let seconds = scanned.elapsed.as_secs_f64();
    value["elapsed_seconds"] = seconds.into();
    value["timing"] = serde_json::to_value(&scanned.timing).map_err(|e| Error::Encode(e.to_string()))?;
    value["records_per_second"] = (scanned.summary.records as f64 / seconds.max(1e-9)).into();
    Ok(format!("{value}\n"))
}

/// The summary for people.
fn tell(scanned: &Scanned, output: &Path, verbose: bool, paint: Paint) -> String {
    let s = &scanned.summary;
    let mut text = String::new();
    let seconds = scanned.elapsed.as_secs_f64().max(1e-9);
    let sources: u64 = s.sources.values().sum();
    let _ = writeln!(
        text,
        "{} observations of {} certificates on {} clients, from {} records in {} sources ({})",
        paint.bold(&count(s.observations)),
        paint.bold(&count(s.certificates)),
        paint.bold(&count(s.clients)),
        count(s.records),
        count(sources),
        size(s.bytes),
    );
    let _ = writeln!(
        text,
        "{}",
        paint.dim(&format!(
            "{seconds:.2} s, {} records/s, {}/s",
            count((s.records as f64 / seconds) as u64),
            size((s.bytes as f64 / seconds) as u64)
        ))
    );
    line(&mut text, paint, "key_api", s.key_api.iter());
    line(&mut text, paint, "key_storage", s.key_storage.iter());
    line(&mut text, paint, "hardware_backed", s.hardware_backed.iter());
    line(&mut text, paint, "key_presence", s.key_presence.iter());
    if s.conflicts > 0 {
        let _ = writeln!(text, "  {:<16} {}", "conflicts", paint.alarm(&count(s.conflicts)));
    }
    if s.keys > 0 {
        let by_api =
            s.keys_by_api.iter().map(|(value, n)| format!("{value} {}", count(*n))).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "  {:<16} {}, each once: {by_api}", "keys", paint.bold(&count(s.keys)));
    }
    line(&mut text, paint, "findings", s.findings.iter());
    let unread: Vec<_> = s.sources.iter().filter(|(status, _)| **status != "complete").collect();
    if !unread.is_empty() || verbose {
        line(&mut text, paint, "sources", s.sources.iter());
    }
    if verbose {
        line(&mut text, paint, "formats", s.formats.iter());
    }
    if !s.skipped.is_empty() {
        line(&mut text, paint, "skipped", s.skipped.iter());
    }
    if !s.rejects.is_empty() {
        line(&mut text, paint, "rejects", s.rejects.iter());
    }
    if let Some(hint) = &s.client_hint {
        let n = count(s.observations_without_client);
        let _ = writeln!(text, "{}", paint.alarm(&format!("{n} observations name no client; {}", escape(hint))));
    }
    if let Some(aside) = &scanned.aside {
        let _ = writeln!(text, "the old report is now {}", escape(&aside.display().to_string()));
    }
    let _ = writeln!(text, "report: {}", escape(&output.display().to_string()));
    let _ = writeln!(text, "try: {}", first_query(output, s));
    text
}

fn line<'a>(
    text: &mut String,
    paint: Paint,
    name: &str,
    counts: impl Iterator<Item = (&'a (impl AsRef<str> + 'a), &'a u64)>,
) {
    let mut counts: Vec<_> = counts.map(|(value, n)| (value.as_ref(), *n)).collect();
    if counts.is_empty() {
        return;
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let counts: Vec<_> = counts.iter().map(|(value, n)| format!("{value} {}", paint.bold(&count(*n)))).collect();
    let _ = writeln!(text, "  {name:<16} {}", counts.join(", "));
}

/// The question that most people ask first: of keys, or where none were seen of what was.
fn first_query(output: &Path, summary: &Summary) -> String {
    let table = if summary.keys > 0 { "keys" } else { "observations" };
    let files = escape(&output.join(table).join("*.parquet").display().to_string()).replace('\'', "''");
    format!(
        "duckdb -c \"SELECT provider_name, key_api, key_storage, count(*) AS n FROM '{files}' GROUP BY ALL ORDER BY n DESC\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(bytes("x", "16M").ok(), Some(16 << 20));
        assert_eq!(bytes("x", "1GiB").ok(), Some(1 << 30));
        assert_eq!(bytes("x", "77").ok(), Some(77));
        for wrong in ["", "M", "-1", "0", "99999999999G"] {
            assert!(bytes("x", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_date_is_a_date() {
        assert!(as_of("2027-02-28").is_ok());
        assert!(as_of("2027-02-30").is_err());
        assert!(as_of("28.02.2027").is_err());
    }
}
