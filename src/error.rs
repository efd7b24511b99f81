//! What ends a run. Anything about input is a [`crate::record::Reject`] instead and the run goes on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a run ended without a report.
#[derive(Debug)]
pub enum Error {
    /// The user asked for something that cannot be done; the text says what, and what to do.
    Usage(String),
    /// The environment failed: an output could not be written, an option's file not read.
    Io {
        /// File concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Parquet or Arrow refused what we built: our bug.
    Encode(String),
    /// No input holds anything that can be read.
    NothingToRead,
    /// Ctrl-C or a termination signal.
    Interrupted,
}

impl Error {
    /// Wraps an I/O error with its file.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Io { path, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(text) => f.write_str(text),
            Error::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Error::Encode(text) => write!(f, "cannot encode the report ({text}); this is a bug, please report it"),
            Error::NothingToRead => f.write_str("nothing to read: the inputs hold no file"),
            Error::Interrupted => f.write_str("interrupted; no report was written"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Error::Encode(error.to_string())
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Error::Encode(error.to_string())
    }
}
