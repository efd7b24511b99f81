//! What is a certificate's own: read from the cut parts of a plain one, or declined.
//!
//! Every short way here answers as the long way does ([`super::name`], [`super::time`], [`super::san`],
//! [`super::windows`]), or not at all. In particular, whatever would be a [`super::Problem`] is declined.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::memo::Memo;
use super::name::Name;
use super::skeleton::Skeleton;
use super::strict::{cut, only};
use super::texts::Texts;
use super::{Facts, oid, plain_name, san, text, time, windows};
use crate::der::tag;

/// What is a certificate's own, in buffers that are reused. Empty texts mean "not there"; see [`Facts`] for the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    /// Serial number as in [`Facts::serial`], never empty.
    pub serial: String,
    /// The serial number is negative.
    pub serial_is_negative: bool,
    /// Subject, RFC 4514.
    pub subject: String,
    /// The last common name of the subject, unescaped.
    pub subject_cn: String,
    /// Start of validity, microseconds since 1970-01-01 UTC.
    pub not_before: i64,
    /// End of validity, microseconds since 1970-01-01 UTC.
    pub not_after: i64,
    /// Calendar year of `not_after`, UTC.
    pub not_after_year: i32,
    /// Whole days from `not_before` to `not_after`; `None` where they do not fit.
    pub validity_days: Option<i32>,
    /// As in [`Facts::is_self_signed`].
    pub is_self_signed: bool,
    /// Subject key identifier, hex.
    pub subject_key_id: String,
    /// dNSName entries of the subject alternative name.
    pub san_dns: Texts,
    /// User principal names.
    pub san_upn: Texts,
    /// rfc822Name entries.
    pub san_email: Texts,
    /// iPAddress entries as text.
    pub san_ip: Texts,
    /// uniformResourceIdentifier entries.
    pub san_uri: Texts,
    /// directoryName entries, RFC 4514.
    pub san_directory: Texts,
    /// Every other entry, as in [`Facts::san_other`].
    pub san_other: Texts,
    /// SID of the security extension, or of a URI of the subject alternative name.
    pub sid: String,
    /// Place of the SubjectPublicKeyInfo in the certificate, in bytes.
    pub key: Range<usize>,
    /// Place of the public key bits in the certificate, in bytes: the content of the BIT STRING behind its first octet.
    pub key_bits: Range<usize>,
}

const UTF8_STRING: u8 = 12;
const IA5_STRING: u8 = 22;
const DNS_NAME: u8 = 0x82;
const MAIL_NAME: u8 = 0x81;
const URI_NAME: u8 = 0x86;
const IP_ADDRESS: u8 = 0x87;

impl Own {
    /// Reads the own parts of a certificate with these shared facts. `subjects` knows beginnings of subjects.
    pub(super) fn read(&mut self, skeleton: &Skeleton<'_>, shared: &Facts, subjects: &mut Memo<Name>) -> Option<()> {
        self.read_serial(skeleton.serial)?;
        self.read_subject(skeleton.subject, subjects)?;
        self.read_validity(skeleton.validity)?;
        self.key.clone_from(&skeleton.key);
        self.key_bits.clone_from(&skeleton.key_bits);
        self.subject_key_id.clear();
        if let Some(value) = skeleton.key_id {
            text::push_hex(&mut self.subject_key_id, only(value, tag::OCTET_STRING)?);
        }
        self.is_self_signed = skeleton.issuer == skeleton.subject
            && (self.subject_key_id.is_empty()
                || shared.authority_key_id.as_ref().is_none_or(|id| *id == self.subject_key_id));
        self.read_alt_names(skeleton.alt_name)?;
        self.read_sid(skeleton.sid)
    }

    fn read_serial(&mut self, content: &[u8]) -> Option<()> {
        let first = *content.first()?;
        let digits = match content {
            [0, rest @ ..] if matches!(rest, [0x80..=0xff, ..]) => rest,
            all => all,
        };
        self.serial.clear();
        text::push_hex(&mut self.serial, digits);
        self.serial_is_negative = first & 0x80 != 0;
        Some(())
    }

    fn read_subject(&mut self, element: &[u8], subjects: &mut Memo<Name>) -> Option<()> {
        const EMPTY: [u8; 2] = [tag::SEQUENCE, 0];
        if element == EMPTY {
            self.subject.clear();
            self.subject_cn.clear();
            return Some(());
        }
        plain_name::read_similar(element, subjects, &mut self.subject, &mut self.subject_cn)
    }

    fn read_validity(&mut self, content: &[u8]) -> Option<()> {
        let not_before_tag = *content.first()?;
        let not_before = cut(content, not_before_tag)?;
        let not_after_tag = *not_before.rest.first()?;
        let from = time::plain(not_before_tag, not_before.content)?;
        let to = time::plain(not_after_tag, only(not_before.rest, not_after_tag)?)?;
        (self.not_before, self.not_after, self.not_after_year) = (from.micros, to.micros, to.year);
        self.validity_days = time::whole_days(from.micros, to.micros);
        Some(())
    }

    fn clear_alt_names(&mut self) {
        let names = [
            &mut self.san_dns,
            &mut self.san_upn,
            &mut self.san_email,
            &mut self.san_ip,
            &mut self.san_uri,
            &mut self.san_directory,
            &mut self.san_other,
        ];
        names.into_iter().for_each(Texts::clear);
    }

    fn read_alt_names(&mut self, value: Option<&[u8]>) -> Option<()> {
        self.clear_alt_names();
        let Some(value) = value else { return Some(()) };
        let list = only(value, tag::SEQUENCE)?;
        if self.read_plain_alt_names(list).is_some() {
            return Some(());
        }
        self.clear_alt_names();
        let names = san::read(value).ok().filter(|names| names.broken == 0)?;
        self.san_dns.extend(names.dns);
        self.san_upn.extend(names.upn);
        self.san_email.extend(names.email);
        self.san_ip.extend(names.ip);
        self.san_uri.extend(names.uri);
        self.san_directory.extend(names.directory);
        self.san_other.extend(names.other);
        Some(())
    }

    /// The short way through names of the usual types.
    fn read_plain_alt_names(&mut self, list: &[u8]) -> Option<()> {
        let mut rest = list;
        while let Some(kind) = rest.first() {
            let name = cut(rest, *kind)?;
            rest = name.rest;
            let texts = match *kind {
                DNS_NAME => &mut self.san_dns,
                MAIL_NAME => &mut self.san_email,
                URI_NAME => &mut self.san_uri,
                IP_ADDRESS => {
                    push_address(&mut self.san_ip, name.content)?;
                    continue;
                }
                tag::CONTEXT_0 => {
                    self.san_upn.push(principal_name(name.content)?);
                    continue;
                }
                _ => return None,
            };
            texts.push(str::from_utf8(name.content).ok().filter(|name| !name.is_empty())?);
        }
        Some(())
    }

    /// The extension and every URI must say the same SID.
    fn read_sid(&mut self, value: Option<&[u8]>) -> Option<()> {
        self.sid.clear();
        if let Some(value) = value {
            self.sid.push_str(security_identifier(value)?);
        }
        for sid in self.san_uri.iter().filter_map(windows::sid_of_uri) {
            match sid {
                Ok(sid) if self.sid.is_empty() => self.sid.push_str(sid),
                Ok(sid) if self.sid == sid => {}
                _ => return None,
            }
        }
        Some(())
    }

    /// Writes what is the certificate's own, `der`, into its facts.
    pub(super) fn fill(&self, facts: &mut Facts, der: &[u8]) {
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        facts.serial = text(&self.serial);
        facts.serial_is_negative = Some(self.serial_is_negative);
        (facts.subject, facts.subject_cn) = (text(&self.subject), text(&self.subject_cn));
        (facts.not_before, facts.not_after) = (Some(self.not_before), Some(self.not_after));
        (facts.not_after_year, facts.validity_days) = (Some(self.not_after_year), self.validity_days);
        facts.is_self_signed = Some(self.is_self_signed);
        (facts.subject_key_id, facts.sid) = (text(&self.subject_key_id), text(&self.sid));
        facts.san_dns = self.san_dns.to_vec();
        facts.san_upn = self.san_upn.to_vec();
        facts.san_email = self.san_email.to_vec();
        facts.san_ip = self.san_ip.to_vec();
        facts.san_uri = self.san_uri.to_vec();
        facts.san_directory = self.san_directory.to_vec();
        facts.san_other = self.san_other.to_vec();
        facts.spki_sha256 = der.get(self.key.clone()).map(|key| Sha256::digest(key).into());
        facts.public_key_sha1 = der.get(self.key_bits.clone()).map(|bits| Sha1::digest(bits).into());
    }
}

/// Empties every field that [`Own::fill`] fills.
pub(super) fn empty(facts: &mut Facts) {
    *facts = Facts {
        serial: None,
        serial_is_negative: None,
        subject: None,
        subject_cn: None,
        not_before: None,
        not_after: None,
        not_after_year: None,
        validity_days: None,
        is_self_signed: None,
        subject_key_id: None,
        san_dns: Vec::new(),
        san_upn: Vec::new(),
        san_email: Vec::new(),
        san_ip: Vec::new(),
        san_uri: Vec::new(),
        san_directory: Vec::new(),
        san_other: Vec::new(),
        sid: None,
        spki_sha256: None,
        public_key_sha1: None,
        ..std::mem::take(facts)
    };
}

/// Name in the content of an otherName of the principal name's type, as a string of UTF-8 or ASCII.
fn principal_name(content: &[u8]) -> Option<&str> {
    let kind = cut(content, tag::OID).filter(|kind| kind.content == oid::UPN)?;
    let string = only(kind.rest, tag::CONTEXT_0)?;
    let kind = *string.first().filter(|kind| matches!(**kind, UTF8_STRING | IA5_STRING))?;
    str::from_utf8(only(string, kind)?).ok().filter(|name| !name.is_empty())
}

fn push_address(texts: &mut Texts, address: &[u8]) -> Option<()> {
    texts
        .push_with(|out| match (<[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
            (Ok(address), _) => write!(out, "{}", Ipv4Addr::from(address)),
            (_, Ok(address)) => write!(out, "{}", Ipv6Addr::from(address)),
            _ => Err(std::fmt::Error),
        })
        .ok()
}

/// SID in the value of the security extension, where that is nothing but one otherName with an OCTET STRING.
fn security_identifier(value: &[u8]) -> Option<&str> {
    let kind = cut(only(only(value, tag::SEQUENCE)?, tag::CONTEXT_0)?, tag::OID)?;
    let octets = only(only(kind.rest, tag::CONTEXT_0)?, tag::OCTET_STRING)?;
    let is_sid = |text: &&str| kind.content == oid::SID_NAME && windows::is_sid(text);
    str::from_utf8(octets).ok().filter(is_sid)
}
