//! What every note about a key has of its own, written and read by hand: there are millions of such notes, and their fields
//! have fixed places but for the texts. First a byte says which of the optional fields are there.

use crate::record::Lineage;
use crate::walk::SourceNumber;

use super::note::{CertificateOwn, KeyOwn, Origin};

/// Reads fields one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = self.u32()? as usize;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    /// A field that the flags may say is there.
    fn maybe<T>(&mut self, is_there: bool, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if is_there { read(self).map(Some) } else { Some(None) }
    }
}

fn put_text(text: Option<&str>, out: &mut Vec<u8>) {
    if let Some(text) = text {
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}

fn flags(are_there: [bool; 8]) -> u8 {
    (0..).zip(are_there).fold(0, |flags, (bit, is_there)| flags | u8::from(is_there) << bit)
}

fn bits(flags: u8) -> [bool; 8] {
    [0, 1, 2, 3, 4, 5, 6, 7].map(|bit| flags >> bit & 1 == 1)
}

impl<'a> KeyOwn<'a> {
    /// Writes it behind what is there.
    pub fn write(&self, out: &mut Vec<u8>) {
        let KeyOwn { origin, collected_at, sha1, user_sid, container, path, named } = self;
        let Origin { source, source_id, member, lineage } = origin;
        let number = lineage.record_number;
        out.push(flags([
            member.is_some(),
            number.is_some(),
            collected_at.is_some(),
            sha1.is_some(),
            user_sid.is_some(),
            container.is_some(),
            path.is_some(),
            named.is_some(),
        ]));
        out.extend_from_slice(&source.file.to_le_bytes());
        out.extend_from_slice(&source.member.to_le_bytes());
        // That of a file itself is known from its number.
        if member.is_some() {
            out.extend_from_slice(source_id);
        }
        out.extend_from_slice(&lineage.byte_offset.to_le_bytes());
        out.extend_from_slice(&lineage.part.to_le_bytes());
        put_text(*member, out);
        for number in [number, *collected_at].into_iter().flatten() {
            out.extend_from_slice(&number.to_le_bytes());
        }
        sha1.iter().for_each(|sha1| out.extend_from_slice(sha1));
        [*user_sid, *container, *path].into_iter().for_each(|text| put_text(text, out));
        named.iter().for_each(|named| out.extend_from_slice(&named.to_le_bytes()));
    }

    /// Reads one, and what is behind it. `id_of` knows the ids of files by their numbers.
    pub fn read(bytes: &'a [u8], id_of: impl FnOnce(u32) -> Option<[u8; 16]>) -> Option<(Self, &'a [u8])> {
        let mut f = Fields(bytes);
        let [first] = f.array()?;
        let [has_member, has_number, has_time, has_sha1, has_sid, has_container, has_path, is_named] = bits(first);
        let source = SourceNumber { file: f.u32()?, member: f.u32()? };
        let source_id = if has_member { f.array()? } else { id_of(source.file)? };
        let (byte_offset, part) = (f.array().map(u64::from_le_bytes)?, f.u32()?);
        let member = f.maybe(has_member, Fields::text)?;
        let record_number = f.maybe(has_number, Fields::i64)?;
        let own = KeyOwn {
            origin: Origin { source, source_id, member, lineage: Lineage { byte_offset, part, record_number } },
            collected_at: f.maybe(has_time, Fields::i64)?,
            sha1: f.maybe(has_sha1, Fields::array)?,
            user_sid: f.maybe(has_sid, Fields::text)?,
            container: f.maybe(has_container, Fields::text)?,
            path: f.maybe(has_path, Fields::text)?,
            named: f.maybe(is_named, |f| f.array().map(u64::from_le_bytes))?,
        };
        Some((own, f.0))
    }
}

impl<'a> CertificateOwn<'a> {
    /// Writes it behind what is there.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(flags([
            self.subject.is_some(),
            self.not_before.is_some(),
            self.not_after.is_some(),
            self.is_self_signed.is_some(),
            self.is_self_signed == Some(true),
            self.has_sid,
            self.has_upn,
            self.is_roca,
        ]));
        out.extend_from_slice(&self.sha1);
        out.extend_from_slice(&self.sha256);
        out.extend_from_slice(&self.public_key.to_le_bytes());
        for time in [self.not_before, self.not_after].into_iter().flatten() {
            out.extend_from_slice(&time.to_le_bytes());
        }
        put_text(self.subject, out);
    }

    /// Reads one, and what is behind it.
    pub fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut f = Fields(bytes);
        let [first] = f.array()?;
        let [has_subject, has_start, has_end, has_signer, is_self_signed, has_sid, has_upn, is_roca] = bits(first);
        let own = CertificateOwn {
            sha1: f.array()?,
            sha256: f.array()?,
            public_key: f.array().map(u64::from_le_bytes)?,
            not_before: f.maybe(has_start, Fields::i64)?,
            not_after: f.maybe(has_end, Fields::i64)?,
            subject: f.maybe(has_subject, Fields::text)?,
            is_self_signed: has_signer.then_some(is_self_signed),
            has_sid,
            has_upn,
            is_roca,
        };
        Some((own, f.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_is_not() {
        let lineage = Lineage { byte_offset: 1 << 40, part: 3, record_number: Some(-7) };
        let source = SourceNumber { file: 5, member: 6 };
        let full = KeyOwn {
            origin: Origin { source, source_id: [9; 16], member: Some("a/b.pem"), lineage },
            collected_at: Some(1),
            sha1: Some([2; 20]),
            user_sid: Some("S-1-5"),
            container: Some("\u{e9}"),
            path: Some(""),
            named: Some(7),
        };
        let id_of = |file: u32| Some([file as u8; 16]);
        // Every field there and away.
        let alone = [
            KeyOwn::default(),
            KeyOwn { origin: Origin { member: None, source_id: [5; 16], ..full.origin }, ..full.clone() },
            KeyOwn { collected_at: None, user_sid: None, ..full.clone() },
            KeyOwn { sha1: None, container: None, ..full.clone() },
            KeyOwn { path: None, named: None, ..full.clone() },
        ];
        for own in alone.iter().chain([&full]) {
            let mut bytes = Vec::new();
            own.write(&mut bytes);
            let end = bytes.len();
            assert!((0..end).all(|end| KeyOwn::read(&bytes[..end], id_of).is_none()), "{own:?}");
            bytes.extend_from_slice(b"behind");
            assert_eq!(KeyOwn::read(&bytes, id_of), Some((own.clone(), &b"behind"[..])));
        }
        let full = CertificateOwn {
            sha1: [1; 20],
            sha256: [2; 32],
            subject: Some("CN=a"),
            not_before: Some(-1),
            not_after: Some(i64::MAX),
            is_self_signed: Some(true),
            has_sid: true,
            has_upn: false,
            is_roca: true,
            public_key: 1 << 40,
        };
        let alone = [
            CertificateOwn { is_self_signed: Some(false), has_sid: false, has_upn: true, ..full.clone() },
            CertificateOwn { is_self_signed: None, subject: None, is_roca: false, ..full.clone() },
            CertificateOwn { not_before: None, ..full.clone() },
            CertificateOwn { not_after: None, ..full.clone() },
        ];
        for own in alone.iter().chain([&full]) {
            let mut bytes = Vec::new();
            own.write(&mut bytes);
            assert!((0..bytes.len()).all(|end| CertificateOwn::read(&bytes[..end]).is_none()), "{own:?}");
            bytes.push(0);
            assert_eq!(CertificateOwn::read(&bytes), Some((own.clone(), &[0][..])));
        }
    }
}
