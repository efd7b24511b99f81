//! Row groups to files: parts of bounded size, hashed while they are written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::file::writer::SerializedFileWriter;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::encode::{Encoder, RowGroup};
use crate::error::Error;
use crate::hex;

/// A part ends at the first row group past this many bytes.
pub const PART_BYTES: u64 = 512 * 1024 * 1024;

/// One finished file, as the manifest lists it.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// Path inside the report, with forward slashes.
    pub file: String,
    /// Rows.
    pub rows: u64,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the file, hex.
    pub sha256: String,
}

/// Hashes what passes through.
struct Hashing<W> {
    out: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

struct OpenPart {
    path: PathBuf,
    file: SerializedFileWriter<Hashing<BufWriter<File>>>,
    rows: u64,
}

/// Writes one table into its folder.
pub struct TableWriter {
    encoder: Arc<Encoder>,
    folder: PathBuf,
    part_bytes: u64,
    open: Option<OpenPart>,
    parts: Vec<Part>,
}

impl TableWriter {
    /// A writer for the encoder's table below `report`. Creates its folder.
    pub fn new(encoder: Arc<Encoder>, report: &Path) -> Result<Self, Error> {
        let folder = report.join(encoder.table.name);
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        Ok(TableWriter { encoder, folder, part_bytes: PART_BYTES, open: None, parts: Vec::new() })
    }

    /// The encoder of this table.
    pub fn encoder(&self) -> &Arc<Encoder> {
        &self.encoder
    }

    /// Appends one row group; an empty one leaves no trace.
    pub fn append(&mut self, group: RowGroup) -> Result<(), Error> {
        if group.rows == 0 {
            return Ok(());
        }
        let encoder = Arc::clone(&self.encoder);
        let part = self.open()?;
        let path = part.path.clone();
        let mut writer = part.file.next_row_group()?;
        for (leaf, chunk) in encoder.leaves.iter().zip(&group.chunks) {
            writer.append_column(chunk.bytes(), chunk.close(leaf)?).map_err(|e| write_error(&path, e))?;
        }
        writer.close().map_err(|e| write_error(&path, e))?;
        part.rows += group.rows as u64;
        if part.file.bytes_written() as u64 >= self.part_bytes {
            self.close()?;
        }
        Ok(())
    }

    /// Closes the table; one without rows still gets its file, with the schema.
    pub fn finish(&mut self) -> Result<Vec<Part>, Error> {
        if self.parts.is_empty() {
            self.open()?;
        }
        self.close()?;
        Ok(std::mem::take(&mut self.parts))
    }

    fn open(&mut self) -> Result<&mut OpenPart, Error> {
        let part = match self.open.take() {
            Some(part) => part,
            None => {
                let path = self.folder.join(format!("part-{:05}.parquet", self.parts.len()));
                let out = BufWriter::with_capacity(1 << 18, File::create(&path).map_err(Error::io(&path))?);
                let file = self.encoder.file(Hashing { out, hash: Sha256::new(), bytes: 0 })?;
                OpenPart { path, file, rows: 0 }
            }
        };
        Ok(self.open.insert(part))
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some(OpenPart { path, file, rows }) = self.open.take() else { return Ok(()) };
        let mut out = file.into_inner().map_err(|e| write_error(&path, e))?;
        out.flush().map_err(Error::io(&path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.parts.push(Part {
            file: format!("{}/{name}", self.encoder.table.name),
            rows,
            bytes: out.bytes,
            sha256: hex::text(&out.hash.finalize()),
        });
        Ok(())
    }
}

/// A full disk surfaces inside the Parquet writer; say which file it was.
fn write_error(path: &Path, error: parquet::errors::ParquetError) -> Error {
    Error::Io { path: path.to_owned(), source: io::Error::other(error.to_string()) }
}
