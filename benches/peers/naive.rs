//! The peer: the same job written plainly with the usual crates, to show what certcensus's own ways gain.
//!
//! `cargo bench --bench naive -- INPUT_DIR OUT.parquet [THREADS]` reads every `*.ndjson` file below a folder, one thread
//! a core over the files, and writes 21 columns of every certificate record. serde_json into an owned struct,
//! the base64 crate, x509-parser in full, sha1 and sha2, Arrow's Parquet writer with Zstandard level 3 behind a lock.
//! No certificate is remembered, no buffer shared. It stops at the first line that it cannot read: it is a yardstick,
//! not a scanner.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arrow::array::{ArrayRef, BooleanBuilder, Int64Builder, StringBuilder, TimestampSecondBuilder};
use arrow::record_batch::RecordBatch;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::der_parser::oid;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Rows of a batch.
const BATCH: usize = 8_192;

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "type")]
    kind: String,
    host: String,
    store_location: Option<String>,
    store: Option<String>,
    der: Option<String>,
    key_prov_info: Option<KeyProvInfo>,
}

#[derive(Deserialize)]
struct KeyProvInfo {
    container: String,
    provider: String,
    prov_type: u32,
}

/// One row, owned.
#[derive(Default)]
struct Row {
    client: String,
    location: Option<String>,
    store: Option<String>,
    has_private_key: bool,
    provider: Option<String>,
    provider_type: Option<u32>,
    key_container: Option<String>,
    class: &'static str,
    sha1: String,
    sha256: String,
    serial: String,
    subject: String,
    issuer: String,
    not_before: i64,
    not_after: i64,
    key_alg: String,
    key_bits: Option<usize>,
    sig_alg: String,
    san: String,
    eku: String,
    template: Option<String>,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // cargo adds --bench when it runs benches, and nothing when it only tests them.
    let args: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--bench").collect();
    let (input, output, threads) = match args[..] {
        [input, output] => (input, output, std::thread::available_parallelism()?.get()),
        [input, output, threads] => (input, output, threads.parse()?),
        _ => {
            println!("usage: naive INPUT_DIR OUT.parquet [THREADS]");
            return Ok(());
        }
    };
    let start = Instant::now();
    let rows = scan(Path::new(input), Path::new(output), threads)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{rows} rows in {seconds:.3} s with {threads} threads: {:.0} rows/s", rows as f64 / seconds);
    Ok(())
}

fn scan(input: &Path, output: &Path, threads: usize) -> Result<usize> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in walkdir::WalkDir::new(input).sort_by_file_name() {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "ndjson") {
            files.push(entry.into_path());
        }
    }
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?)).build();
    let schema = batch(&[])?.schema();
    let writer = Mutex::new(ArrowWriter::try_new(File::create(output)?, schema, Some(properties))?);
    let next = AtomicUsize::new(0);
    let work = || -> Result<usize> {
        let mut count = 0;
        let mut rows = Vec::with_capacity(BATCH);
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut file = BufReader::new(File::open(path)?);
            let mut line = String::new();
            while file.read_line(&mut line)? > 0 {
                let record: Record = serde_json::from_str(&line)?;
                line.clear();
                if record.kind != "certificate" {
                    continue;
                }
                rows.push(row(record)?);
                if rows.len() == BATCH {
                    count += flush(&mut rows, &writer)?;
                }
            }
        }
        Ok(count + flush(&mut rows, &writer)?)
    };
    let total = std::thread::scope(|scope| -> Result<usize> {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().map_err(|_| "a worker panicked")?).sum()
    })?;
    writer.into_inner().map_err(|_| "a worker panicked")?.close()?;
    Ok(total)
}

fn flush(rows: &mut Vec<Row>, writer: &Mutex<ArrowWriter<File>>) -> Result<usize> {
    let batch = batch(rows)?;
    writer.lock().map_err(|_| "a worker panicked")?.write(&batch)?;
    rows.clear();
    Ok(batch.num_rows())
}

fn row(record: Record) -> Result<Row> {
    let der = BASE64_STANDARD.decode(record.der.ok_or("a record without certificate")?)?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| error.to_string())?;
    let (key_alg, key_bits) = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => ("RSA".to_owned(), Some(key.key_size())),
        Ok(PublicKey::EC(point)) => ("EC".to_owned(), Some(point.key_size())),
        _ => (certificate.public_key().algorithm.algorithm.to_id_string(), None),
    };
    let mut row = Row {
        client: record.host,
        location: record.store_location,
        store: record.store,
        has_private_key: record.key_prov_info.is_some(),
        class: match record.key_prov_info.as_ref().map(|info| info.prov_type) {
            None => "none",
            Some(0) => "cng",
            Some(_) => "capi",
        },
        sha1: hex(&Sha1::digest(&der)),
        sha256: hex(&Sha256::digest(&der)),
        serial: hex(certificate.raw_serial()),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        key_alg,
        key_bits,
        sig_alg: certificate.signature_algorithm.algorithm.to_id_string(),
        ..Row::default()
    };
    if let Some(info) = record.key_prov_info {
        row.provider = Some(info.provider);
        row.provider_type = Some(info.prov_type);
        row.key_container = Some(info.container);
    }
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                let names: Vec<String> = names.general_names.iter().map(general_name).collect();
                row.san = names.join(";");
            }
            ParsedExtension::ExtendedKeyUsage(uses) => {
                let known = [
                    (uses.any, "2.5.29.37.0"),
                    (uses.server_auth, "1.3.6.1.5.5.7.3.1"),
                    (uses.client_auth, "1.3.6.1.5.5.7.3.2"),
                    (uses.code_signing, "1.3.6.1.5.5.7.3.3"),
                    (uses.email_protection, "1.3.6.1.5.5.7.3.4"),
                    (uses.time_stamping, "1.3.6.1.5.5.7.3.8"),
                    (uses.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
                ];
                let known = known.iter().filter(|(set, _)| *set).map(|(_, oid)| (*oid).to_owned());
                let all: Vec<String> = known.chain(uses.other.iter().map(|oid| oid.to_id_string())).collect();
                row.eku = all.join(";");
            }
            _ => {}
        }
        if extension.oid == oid!(1.3.6.1.4.1.311.21.7) {
            row.template = template_id(extension.value);
        } else if extension.oid == oid!(1.3.6.1.4.1.311.20.2) {
            row.template = template_name(extension.value);
        }
    }
    Ok(row)
}

fn general_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => format!("dns:{name}"),
        GeneralName::RFC822Name(name) => format!("email:{name}"),
        GeneralName::URI(uri) => format!("uri:{uri}"),
        GeneralName::OtherName(oid, value) => {
            // The user principal name: a UTF8String in an explicit tag, both of short length.
            let text = value.get(4..).map(String::from_utf8_lossy).unwrap_or_default();
            format!("{}:{text}", oid.to_id_string())
        }
        other => other.to_string(),
    }
}

/// SEQUENCE { OBJECT IDENTIFIER, ... } of short length.
fn template_id(value: &[u8]) -> Option<String> {
    let (_, sequence) = x509_parser::der_parser::parse_der(value).ok()?;
    let first = sequence.as_sequence().ok()?.first()?;
    Some(first.as_oid().ok()?.to_id_string())
}

/// A bare BMPString of short length.
fn template_name(value: &[u8]) -> Option<String> {
    let units: Vec<u16> = value.get(2..)?.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

fn batch(rows: &[Row]) -> Result<RecordBatch> {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("client", text(rows, |row| Some(&row.client))),
        ("location", text(rows, |row| row.location.as_deref())),
        ("store", text(rows, |row| row.store.as_deref())),
        ("has_private_key", boolean(rows)),
        ("provider", text(rows, |row| row.provider.as_deref())),
        ("provider_type", number(rows, |row| row.provider_type.map(i64::from))),
        ("key_container", text(rows, |row| row.key_container.as_deref())),
        ("class", text(rows, |row| Some(row.class))),
        ("sha1", text(rows, |row| Some(&row.sha1))),
        ("sha256", text(rows, |row| Some(&row.sha256))),
        ("serial", text(rows, |row| Some(&row.serial))),
        ("subject", text(rows, |row| Some(&row.subject))),
        ("issuer", text(rows, |row| Some(&row.issuer))),
        ("not_before", time(rows, |row| row.not_before)),
        ("not_after", time(rows, |row| row.not_after)),
        ("key_alg", text(rows, |row| Some(&row.key_alg))),
        ("key_bits", number(rows, |row| row.key_bits.and_then(|bits| i64::try_from(bits).ok()))),
        ("sig_alg", text(rows, |row| Some(&row.sig_alg))),
        ("san", text(rows, |row| Some(&row.san))),
        ("eku", text(rows, |row| Some(&row.eku))),
        ("template", text(rows, |row| row.template.as_deref())),
    ];
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn text<'r>(rows: &'r [Row], field: impl Fn(&'r Row) -> Option<&'r str>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    rows.iter().for_each(|row| builder.append_option(field(row)));
    Arc::new(builder.finish())
}

fn number(rows: &[Row], field: impl Fn(&Row) -> Option<i64>) -> ArrayRef {
    let mut builder = Int64Builder::new();
    rows.iter().for_each(|row| builder.append_option(field(row)));
    Arc::new(builder.finish())
}

fn time(rows: &[Row], field: impl Fn(&Row) -> i64) -> ArrayRef {
    let mut builder = TimestampSecondBuilder::new();
    rows.iter().for_each(|row| builder.append_value(field(row)));
    Arc::new(builder.finish())
}

fn boolean(rows: &[Row]) -> ArrayRef {
    let mut builder = BooleanBuilder::new();
    rows.iter().for_each(|row| builder.append_value(row.has_private_key));
    Arc::new(builder.finish())
}
