//! The identity of each key, worked out many at a time.
//!
//! A key's identity is a digest over client, owner and public key. The public key's own digest may still be on its way
//! (certificates are hashed in batches), so what is known of a row waits here until its certificate is hashed.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::classify::KeyPresence;
use crate::group::certstore::Entry;
use crate::group::row::Row;
use crate::hash;
use crate::record::{Claims, StoreLocation};
use crate::table::build::Hex;

/// Rows that may wait.
const BATCH: usize = 256;
/// Bytes that may wait: names in a hostile export can be long.
const BATCH_BYTES: usize = 256 * 1024;

/// Identities of keys, by row.
#[derive(Default)]
pub struct KeyIds {
    waiting: Vec<Waiting>,
    /// What is known of the waiting rows, one after the other.
    known: Vec<u8>,
    /// Rows that have an identity, in order; the waiting ones are the last.
    rows: Vec<u32>,
    ids: Vec<[u8; 16]>,
    messages: Vec<u8>,
    digests: Vec<[u8; 32]>,
}

struct Waiting {
    end: usize,
    certificate: Option<u32>,
    /// The identity itself.
    key_id: Option<[u8; 16]>,
}

impl KeyIds {
    /// Takes in a row, if it claims a key; whether it does. Where there is no certificate the claimed hash stands for the public key,
    /// and without that, provider and container.
    pub fn push(&mut self, number: u32, row: &Row<'_>, certificate: Option<u32>, presence: KeyPresence) -> bool {
        if matches!(presence, KeyPresence::None | KeyPresence::Unknown) {
            return false;
        }
        let o = row.observation;
        let start = self.known.len();
        let out = &mut self.known;
        field(out, b'c', row.client.map_or("", |(client, _)| client).as_bytes());
        let owner = Owner::of_row(row);
        field(out, b'o', owner.name.as_bytes());
        if let Some(profile) = &owner.profile {
            field(out, b'u', profile.as_bytes());
        }
        match (certificate, &o.certificate.sha1, &o.certificate.sha256) {
            _ if row.key_id.is_some() => {}
            (Some(_), ..) => {}
            (None, Some(sha1), _) => field(out, b't', sha1),
            (None, None, Some(sha256)) => field(out, b's', sha256),
            (None, None, None) => {
                let Some(name) = o.claims.key_path.as_deref().or(o.claims.key_container.as_deref()) else {
                    out.truncate(start);
                    return false;
                };
                field(out, b'p', o.claims.provider_name.as_deref().unwrap_or_default().as_bytes());
                field(out, b'n', name.as_bytes());
            }
        }
        self.waiting.push(Waiting { end: out.len(), certificate, key_id: row.key_id });
        self.rows.push(number);
        true
    }

    /// The identities, each with the number of its row, in order. Nothing may wait.
    pub fn all(&self) -> impl Iterator<Item = (u32, &[u8; 16])> {
        self.rows.iter().copied().zip(&self.ids)
    }

    /// It is time for [`KeyIds::flush`].
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= BATCH || self.known.len() >= BATCH_BYTES
    }

    /// Works out what waits. Every certificate named so far must be among `entries`.
    pub fn flush(&mut self, entries: &[Entry]) {
        if self.waiting.is_empty() {
            return;
        }
        let KeyIds { waiting, known, ids, messages, digests, .. } = self;
        messages.clear();
        let mut start = 0;
        let mut ends = Vec::with_capacity(waiting.len());
        let mut told = Vec::with_capacity(waiting.len());
        for Waiting { end, certificate, key_id } in waiting.drain(..) {
            messages.extend_from_slice(&known[start..end]);
            start = end;
            if let Some(entry) = certificate.map(|number| &entries[number as usize]) {
                match &entry.spki_sha256 {
                    Some(spki) => field(messages, b'k', spki),
                    None => field(messages, b't', &entry.sha1),
                }
            }
            ends.push(messages.len());
            told.push(key_id);
        }
        known.clear();
        let mut start = 0;
        let slices: Vec<&[u8]> = ends.iter().map(|end| &messages[std::mem::replace(&mut start, *end)..*end]).collect();
        hash::sha256_each(&slices, digests);
        ids.extend(digests.iter().zip(told).map(|(digest, told)| {
            let mut id = [0; 16];
            id.copy_from_slice(&digest[..16]);
            told.unwrap_or(id)
        }));
    }

    /// Writes the column of a group with so many rows. Nothing may wait.
    pub fn write(&self, rows: usize, column: &mut Hex) {
        let mut next = self.rows.iter().zip(&self.ids).peekable();
        for number in 0..rows as u32 {
            let id = next.next_if(|(row, _)| **row == number);
            column.push(id.map(|(_, id)| &id[..]));
        }
    }
}

fn field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// A user of whom no SID is known.
const SOME_USER: &str = "user";

/// Whose key it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Owner<'a> {
    /// A user's SID, or the machine.
    name: &'a str,
    /// The profile that the source lies in, lower case: it tells users apart of whom no SID is known.
    profile: Option<String>,
}

impl<'a> Owner<'a> {
    /// By what a record says of its store and its key, and by the path of its source and of the member in it.
    pub fn of(
        location: Option<StoreLocation>,
        sid: Option<&'a str>,
        is_machine: bool,
        paths: [Option<&str>; 2],
    ) -> Self {
        let name = match (location, sid) {
            _ if is_machine => "machine",
            // A key listed without a store may name its user, too.
            (Some(StoreLocation::CurrentUser) | None, Some(sid)) => sid,
            (Some(StoreLocation::CurrentUser), None) => SOME_USER,
            _ => "machine",
        };
        let [path, member] = paths;
        let profile = || [member, path].into_iter().flatten().find_map(profile).map(str::to_lowercase);
        Owner { name, profile: if name == SOME_USER { profile() } else { None } }
    }

    /// Of the key of a row.
    pub fn of_row(row: &Row<'a>) -> Self {
        let o = row.observation;
        let paths = [Some(row.origin.source.path.as_str()), row.origin.member_name()];
        Owner::of(o.store_location, o.user_sid.as_deref(), o.claims.is_machine_key(), paths)
    }
}

/// Stands for the container that a record names: the same number for the same name.
pub fn container(claims: &Claims<'_>) -> Option<u64> {
    let has_provider = claims.provider_name.as_deref().is_some_and(|name| !name.is_empty());
    let name = claims.key_container.as_deref().filter(|name| has_provider && !claims.in_file && !name.is_empty())?;
    Some(FixedState::default().hash_one(name))
}

/// Stands for a public key: the first bytes of the SHA-1 of its bits.
pub fn public_key(sha1: &[u8; 20]) -> u64 {
    sha1.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The public key that a record without certificate names by its usual identifier (RFC 5280 4.2.1.2, method 1).
pub fn identified(claims: &Claims<'_>) -> Option<u64> {
    let identifier = claims.key_identifier.as_deref().filter(|_| !claims.in_file)?;
    identifier.try_into().ok().map(public_key)
}

/// The name of the user whose profile a path goes through: what follows `Users`, or `Documents and Settings` before Windows
/// Vista.
fn profile(path: &str) -> Option<&str> {
    let mut names = path.split('/');
    names.find(|name| ["Users", "Documents and Settings"].iter().any(|folder| name.eq_ignore_ascii_case(folder)))?;
    // The last name is a file's.
    names.next().filter(|name| !name.is_empty() && names.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_the_user_unless_store_or_flags_are_the_machines() {
        use StoreLocation::{CurrentUser, LocalMachine};
        let of = |location, sid: Option<&'static str>, key_flags| {
            let claims = Claims { key_flags, ..Default::default() };
            Owner::of(location, sid, claims.is_machine_key(), [None; 2]).name
        };
        for location in [None, Some(CurrentUser)] {
            assert_eq!(of(location, Some("S-1-5-21-1"), None), "S-1-5-21-1");
            assert_eq!(of(location, Some("S-1-5-21-1"), Some(0x20)), "machine");
        }
        assert_eq!(of(Some(CurrentUser), None, Some(0)), SOME_USER);
        assert_eq!(of(Some(LocalMachine), Some("S-1-5-21-1"), None), "machine");
        assert_eq!(of(None, None, None), "machine");
    }

    #[test]
    fn a_profile_is_what_follows_the_folder_of_users() {
        for (path, name) in [
            ("Users/alder/AppData/Roaming/Microsoft/SystemCertificates/My/Certificates/00", Some("alder")),
            ("pc-1/C/users/Birch/NTUSER.DAT", Some("Birch")),
            ("pc-1/Documents and Settings/cedar/NTUSER.DAT", Some("cedar")),
            ("Users/list.txt", None),
            ("Users", None),
            ("superusers/alder/x", None),
        ] {
            assert_eq!(profile(path), name, "{path}");
        }
    }
}
