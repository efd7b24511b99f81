//! The list of issuers whose attestations count: what the user wrote, understood line by line.
//!
//! A line that is not understood is an error, or somebody would believe an issuer to be listed that is not. Only around
//! certificates in PEM may other text stand, as vendors publish them.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use encoding_rs::Encoding;
use sha1::Sha1;
use sha2::Digest;

use super::certificate::{self, framed};
use crate::error::Error;
use crate::{hex, x509};

/// Largest list read.
const MAX_FILE: u64 = 16 * 1024 * 1024;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Issuers that the user trusts to attest keys (`--attestation-issuers`): certificates, and thumbprints of certificates
/// that the scan may hold.
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    certificates: Vec<Vec<u8>>,
    /// Thumbprints as Windows shows them.
    sha1: HashSet<[u8; 20]>,
    sha256: HashSet<[u8; 32]>,
}

impl Issuers {
    /// Reads the list in this file.
    ///
    /// # Errors
    ///
    /// Those of [`Issuers::parse`], with the file's name; and what the system says where it cannot be read.
    pub fn read(file: &Path) -> Result<Issuers, Error> {
        let mut bytes = Vec::new();
        let opened = File::open(file).map_err(Error::io(file))?;
        opened.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(Error::io(file))?;
        let named = |text: &str| Error::Usage(format!("--attestation-issuers {}: {text}", file.display()));
        if bytes.len() as u64 > MAX_FILE {
            return Err(named("the list is larger than 16 MiB"));
        }
        Issuers::parse(&bytes).map_err(|error| match error {
            Error::Usage(text) => named(&text),
            other => other,
        })
    }

    /// Understands a list: one certificate in DER; or lines, in UTF-8 or in UTF-16 with its mark, with certificates in PEM
    /// (RFC 7468) and thumbprints. A thumbprint is the SHA-1 or the SHA-256 of a whole certificate in hex, colons and blanks
    /// between its digits allowed. `#` begins a comment; empty lines are passed over, and so is other text in a list that has
    /// a certificate in PEM (RFC 7468 2), unless it looks like a thumbprint.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names the line of whatever is none of these, of a certificate that cannot be read without a doubt, and of
    /// one of an end entity, which issues nothing. A list without any issuer is an error, too.
    pub fn parse(bytes: &[u8]) -> Result<Issuers, Error> {
        let mut issuers = Issuers::default();
        match bytes {
            // The second octet of a certificate is a long length; text has no such character there.
            [0x30, 0x80..=0xff, ..] => issuers.add(bytes).map_err(|why| Error::Usage(why.to_owned()))?,
            _ => issuers.lines(&decode(bytes)).map_err(|(line, why)| Error::Usage(format!("line {line}: {why}")))?,
        }
        if issuers.sha1.is_empty() && issuers.sha256.is_empty() {
            return Err(Error::Usage("the list names no issuer".to_owned()));
        }
        Ok(issuers)
    }

    fn lines(&mut self, text: &str) -> Result<(), (usize, &'static str)> {
        const OPEN: &str = "the block that begins here has no END line";
        let mut block: Option<(usize, Vec<u8>)> = None;
        // The first line of other text.
        let mut other = None;
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim_matches(is_blank);
            let at = |why| (number, why);
            if line.starts_with(BEGIN) {
                if let Some((begun, _)) = block {
                    return Err((begun, OPEN));
                }
                if !matches!(label(line, BEGIN), Some("CERTIFICATE" | "X509 CERTIFICATE")) {
                    return Err(at("not the beginning of a CERTIFICATE block"));
                }
                block = Some((number, Vec::new()));
            } else if line.starts_with(END) {
                let (begun, base64) = block.take().ok_or(at("an END line without a BEGIN line"))?;
                let der = base64_simd::forgiving_decode_to_vec(&base64);
                let der = der.map_err(|_| (begun, "the base64 of the block cannot be decoded"))?;
                self.add(&der).map_err(|why| (begun, why))?;
            } else if let Some((_, base64)) = &mut block {
                base64.extend_from_slice(line.as_bytes());
            } else {
                match self.line(line) {
                    Line::Understood => {}
                    Line::Text => other = other.or(Some(number)),
                    Line::Mistaken => return Err(at("a thumbprint has 40 or 64 hex digits, and nothing else")),
                }
            }
        }
        match (block, other) {
            (Some((begun, _)), _) => Err((begun, OPEN)),
            (None, Some(line)) if self.certificates.is_empty() => {
                Err((line, "neither a certificate in PEM nor a thumbprint nor a comment (#)"))
            }
            _ => Ok(()),
        }
    }

    /// A line outside of certificates.
    fn line(&mut self, line: &str) -> Line {
        let before = line.split_once('#').map_or(line, |(before, _)| before);
        let digits: String = before.chars().filter(|c| !is_blank(*c) && *c != ':').collect();
        if let Some(sha1) = hex::parse(&digits) {
            self.sha1.insert(sha1);
        } else if let Some(sha256) = hex::parse(&digits) {
            self.sha256.insert(sha256);
        } else if resembles_thumbprint(&digits) {
            return Line::Mistaken;
        } else if !before.trim_matches(is_blank).is_empty() {
            return Line::Text;
        }
        Line::Understood
    }

    fn add(&mut self, der: &[u8]) -> Result<(), &'static str> {
        if framed(der).len() != der.len() {
            return Err("not one certificate in DER, and nothing else");
        }
        let (certificate, facts) = certificate::read(der).map_err(|_| match x509::parse(der) {
            Ok(_) => "a part of the certificate cannot be read without a doubt",
            Err(_) => "not a certificate",
        })?;
        if facts.is_ca != Some(true) {
            return Err("the certificate is not one of a certification authority");
        }
        if self.sha256.insert(certificate.sha256) {
            self.certificates.push(der.to_vec());
        }
        Ok(())
    }

    /// The certificates in the list, each once.
    pub(super) fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// Whether the list names the certificate of exactly these bytes.
    pub(super) fn names(&self, der: &[u8], sha256: &[u8; 32]) -> bool {
        self.sha256.contains(sha256)
            || !self.sha1.is_empty() && self.sha1.contains(&<[u8; 20]>::from(Sha1::digest(der)))
    }
}

/// What a line outside of certificates is.
enum Line {
    /// A thumbprint, a comment, or empty.
    Understood,
    /// Something else.
    Text,
    /// Meant as a thumbprint, by its looks.
    Mistaken,
}

/// Whether somebody may have meant a thumbprint: long, and most of it hex digits.
fn resembles_thumbprint(text: &str) -> bool {
    const LEAST: usize = 16;
    let (length, digits) = (text.chars().count(), text.chars().filter(char::is_ascii_hexdigit).count());
    length >= LEAST && digits * 4 >= length * 3
}

/// Blanks, and marks without a width: Windows puts one before the thumbprint that it shows for copying.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
}

fn label<'t>(line: &'t str, start: &str) -> Option<&'t str> {
    line.strip_prefix(start)?.strip_suffix(DASHES)
}

fn decode(bytes: &[u8]) -> String {
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or((encoding_rs::UTF_8, 0));
    encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0.into_owned()
}
