//! Certificate templates in the forms in which directories and tools write them (windows-text 10.3).
//!
//! The same attributes stand behind all of them ([`attributes`]). Templates as JSON are kinds of objects.

use super::text::head as text_of;
use super::{Format, Head};

pub(crate) mod attributes;
mod dstemplate;
mod ldif;
mod properties;
#[cfg(test)]
mod tests;

/// Entries of a directory.
pub static LDIF: Format = Format {
    name: "ldif",
    title: "LDIF",
    usual_names: "*.ldif, *.ldf",
    yields: "certificate templates; other entries are skipped",
    source: "RFC 2849; [MS-CRTD]",
    sniff: |head| lines(&text_of(head)).any(is_distinguished_name),
    read: Some(ldif::read),
    unpack: None,
    border: None,
};

/// `certutil -v -template`.
pub static PROPERTIES: Format = Format {
    name: "certutil_template",
    title: "certutil -v -template output",
    usual_names: "*.txt",
    yields: "certificate templates with providers, flags and policies",
    source: "certutil -v -template; [MS-CRTD]",
    sniff: |head| is_somewhere(head, b"TemplatePropCommonName"),
    read: Some(properties::read),
    unpack: None,
    border: None,
};

/// `certutil -dsTemplate`.
pub static DSTEMPLATE: Format = Format {
    name: "certutil_dstemplate",
    title: "certutil -dsTemplate output",
    usual_names: "*.txt, *.inf",
    yields: "certificate templates with the attributes of the directory",
    source: "certutil -dsTemplate; [MS-CRTD]",
    sniff: |head| lines(&text_of(head)).any(dstemplate::is_telling),
    read: Some(dstemplate::read),
    unpack: None,
    border: None,
};

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn is_somewhere(head: &Head<'_>, word: &[u8]) -> bool {
    memchr::memmem::find(&text_of(head), word).is_some()
}

fn is_distinguished_name(line: &[u8]) -> bool {
    let value = line.strip_prefix(b"dn: ").or_else(|| line.strip_prefix(b"dn:: "));
    value.is_some_and(|value| !value.trim_ascii().is_empty())
}
