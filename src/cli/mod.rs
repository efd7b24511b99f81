//! The command line: definitions in `args`, one file a subcommand, exit codes here.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::error::Error;
use args::{Args, Command};

pub mod args;
mod docs;
mod explain;
mod explain_key;
mod formats;
mod inspect;
mod paint;
mod scan;
mod schema;
mod synth;

/// How a run ended, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Done, but `--strict` was given and there are rejects.
    Strict = 1,
    /// Wrong usage, or the environment failed.
    Fatal = 2,
    /// No input holds anything that can be read.
    NothingToRead = 3,
    /// Interrupted by a signal.
    Interrupted = 130,
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error {
            Error::NothingToRead => Exit::NothingToRead,
            Error::Interrupted => Exit::Interrupted,
            Error::Usage(_) | Error::Io { .. } | Error::Encode(_) => Exit::Fatal,
        }
    }
}

/// Runs the program: arguments in, exit code out.
pub fn run() -> ExitCode {
    // A panic's message may quote the input, and with it a secret: only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let _ = writeln!(io::stderr(), "certcensus: internal error at {place}; please report it");
    }));
    let args = Args::parse();
    let done = match args.command {
        Command::Scan(options) => scan::run(*options, args.color),
        Command::Inspect(options) => inspect::run(&options, args.color),
        Command::Explain(options) => explain::run(&options),
        Command::Formats(options) => formats::run(&options),
        Command::Schema(options) => schema::run(&options),
        Command::Synth(options) => synth::run(&options),
        Command::Completions { shell } => docs::completions(shell),
        Command::Man => docs::man(),
    };
    let exit = match done {
        Ok(exit) => exit,
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            // File names are input too, and reach errors through globs of the shell.
            let told: Vec<_> = error.to_string().split('\n').map(paint::escape).collect();
            let _ = writeln!(io::stderr(), "certcensus: {}", told.join("\n"));
            Exit::from(&error)
        }
    };
    ExitCode::from(exit as u8)
}

/// Writes to standard output; a reader that has gone away ends the program quietly.
fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::io("standard output"))
}
