//! What can be typed. Shapes only: files are opened and options understood by the subcommands.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::table::Compression;

/// Which private keys live in CryptoAPI, which in CNG, and which are really in hardware
#[derive(Debug, Parser)]
#[command(name = "certcensus", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done; 1 done, but --strict and there are rejects; 2 usage or fatal; \
                        3 nothing to read; 130 interrupted.")]
pub struct Args {
    /// When to use colour; auto means: on a terminal, and NO_COLOR is not set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Scan exports and write a report: a folder of Parquet tables
    Scan(Box<Scan>),
    /// Show what files are, what they yield, and why each verdict came out
    Inspect(Inspect),
    /// Tell what is known of a provider name, a rule or a reject code, and from where
    Explain(Explain),
    /// List the input formats
    Formats(Formats),
    /// List the tables of a report and their columns
    Schema(Schema),
    /// Write a synthetic fleet, for trials and benchmarks
    Synth(Synth),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page
    Man,
}

/// Arguments of `scan`.
#[derive(Debug, clap::Args)]
pub struct Scan {
    /// Files and folders to read; folders are read to any depth
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder to write the report to; it must not exist, unless --force
    #[arg(short, long, value_name = "REPORT", required_unless_present = "dry_run")]
    pub output: Option<PathBuf>,
    /// Worker threads [default: one a core]
    #[arg(short = 'j', long, value_name = "N")]
    pub threads: Option<usize>,
    /// Client of records that name none: dir:N, stem, regex:PATTERN or name:NAME
    #[arg(long, value_name = "HOW")]
    pub client_from: Option<String>,
    /// Take only files that match this glob; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out files that match this glob; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Name of this audit, written to every row
    #[arg(long, value_name = "NAME")]
    pub audit: Option<String>,
    /// Date of the audit, recorded in the manifest: what has expired by then, and what will within 90 days
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<String>,
    /// Version of the Configuration Manager site, such as 2309 or 5.00.9122.1000; wins over what exports say
    #[arg(long, value_name = "VERSION")]
    pub site_version: Option<String>,
    /// Rows to add to the provider catalogue or to override it with (tab-separated)
    #[arg(long, value_name = "FILE")]
    pub providers: Option<PathBuf>,
    /// Issuers that attest keys, as PEM or DER certificates and thumbprints: only their attestations count as verified
    #[arg(long, value_name = "FILE")]
    pub attestation_issuers: Option<PathBuf>,
    /// File of passwords for encrypted exports (PKCS#12), one a line, tried in order
    #[arg(long, value_name = "FILE")]
    pub passwords: Option<PathBuf>,
    /// Code page of 8-bit text exports, such as 850 or 936; only letters beyond ASCII depend on it
    #[arg(long, value_name = "NUMBER")]
    pub code_page: Option<String>,
    /// Also hash every source file
    #[arg(long)]
    pub hash_sources: bool,
    /// Compression of the report
    #[arg(long, value_name = "CODEC", default_value = "zstd")]
    pub compression: Compression,
    /// Longest line accepted, such as 16M
    #[arg(long, value_name = "SIZE", default_value = "16M")]
    pub max_line: String,
    /// Limits of unpacking
    #[command(flatten)]
    pub limits: Unpacking,
    /// Memory to stay within as far as possible, such as 512M; never ends a run
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<String>,
    /// Only list the sources and their formats
    #[arg(long)]
    pub dry_run: bool,
    /// Exit with 1 if anything was rejected
    #[arg(long)]
    pub strict: bool,
    /// Replace a report that exists; the old one is renamed aside
    #[arg(long)]
    pub force: bool,
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Say more
    #[arg(short, long)]
    pub verbose: bool,
    /// No progress bar, even on a terminal
    #[arg(long)]
    pub no_progress: bool,
}

/// How far archives are unpacked. Every limit that is reached is a reject that names it.
#[derive(Debug, clap::Args)]
pub struct Unpacking {
    /// Archives inside each other, at most 64: 1 reads members of archives, but no archive among them
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub max_archive_depth: u32,
    /// Bytes that a member of an archive may unpack to for each packed one, from 64 MiB on
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_archive_ratio: u64,
    /// Entries of one archive file, with those of archives in it
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub max_archive_members: u64,
    /// Bytes that one archive file may unpack to, with archives in it, such as 64G
    #[arg(long, value_name = "SIZE", default_value = "1T")]
    pub max_archive_bytes: String,
}

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    /// Files to look at
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Limits of unpacking
    #[command(flatten)]
    pub limits: Unpacking,
    /// Records shown per file, or per member of an archive
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub records: usize,
    /// File of passwords for encrypted exports (PKCS#12), one a line, tried in order
    #[arg(long, value_name = "FILE")]
    pub passwords: Option<PathBuf>,
    /// Code page of 8-bit text exports, such as 850 or 936; only letters beyond ASCII depend on it
    #[arg(long, value_name = "NUMBER")]
    pub code_page: Option<String>,
    /// Rows to add to the provider catalogue or to override it with (tab-separated)
    #[arg(long, value_name = "FILE")]
    pub providers: Option<PathBuf>,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A provider name as an export has it, a rule id, a reject code, or with --report a key_id
    #[arg(value_name = "WHAT", required_unless_present = "list")]
    pub what: Option<String>,
    /// List every rule id and reject code
    #[arg(long)]
    pub list: bool,
    /// Report in which to look up a key: its verdict, every piece of evidence with its place, and its findings
    #[arg(long, value_name = "REPORT")]
    pub report: Option<PathBuf>,
    /// Rows to add to the provider catalogue or to override it with (tab-separated)
    #[arg(long, value_name = "FILE")]
    pub providers: Option<PathBuf>,
}

/// Arguments of `formats`.
#[derive(Debug, clap::Args)]
pub struct Formats {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// Only this table
    pub table: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `synth`.
#[derive(Debug, clap::Args)]
pub struct Synth {
    /// Folder to write to; it must not exist or be empty
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// What to start from; every other option changes it
    #[arg(long, value_name = "NAME", default_value = "plausible")]
    pub preset: Preset,
    /// Seed: the same seed and options give the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Number of clients
    #[arg(long, value_name = "N")]
    pub clients: Option<u64>,
    /// Certificates of its own that each client has
    #[arg(long, value_name = "N")]
    pub own: Option<u64>,
    /// Certificates that each client shares with others
    #[arg(long, value_name = "N")]
    pub shared: Option<u64>,
    /// Distinct shared certificates
    #[arg(long, value_name = "N")]
    pub pool: Option<u64>,
    /// How files are laid out
    #[arg(long)]
    pub layout: Option<Layout>,
    /// Number of shards
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub shards: Option<u32>,
    /// Weights of the keys' places: capi_software, cng_software, tpm, smart_card, vbs, hsm, cloud_kms, no_key
    #[arg(long, value_name = "PLACE=N,...")]
    pub mix: Option<String>,
    /// Share of broken certificate records, 0 to 1
    #[arg(long, value_name = "SHARE")]
    pub broken: Option<f64>,
    /// Share of certificate records that name their certificate by hash only, 0 to 1
    #[arg(long, value_name = "SHARE")]
    pub hash_only: Option<f64>,
    /// Share of clients whose collection has no end record, 0 to 1
    #[arg(long, value_name = "SHARE")]
    pub missing_end: Option<f64>,
}

/// What a synthetic fleet starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// 1,000 clients with a bit of everything that fleets have.
    Plausible,
    /// The benchmark corpus of 400,000 certificates, each once.
    Distinct,
    /// The benchmark corpus of 20,000 clients with 8 own and 60 shared certificates each.
    Fleet,
}

/// How `synth` lays out files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// One NDJSON file per client.
    Tree,
    /// One DER file per certificate.
    Der,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn definitions_are_consistent() {
        super::Args::command().debug_assert();
    }
}
