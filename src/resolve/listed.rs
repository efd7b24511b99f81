//! Keys listed without a certificate: where another record of the same client and owner shows a certificate of the same key,
//! the two are one key.
//!
//! `certutil -key` and its like list containers; a store's listing names the container of a certificate. Such a listing waits
//! until all keys with a certificate have their identities. It is one of them where it names its public key, or, where it
//! does not, where nothing is left open: the same container of the same provider, no other key of that container, and not the
//! other of the two key pairs that a CryptoAPI container can have (AT_KEYEXCHANGE and AT_SIGNATURE, wincrypt.h).

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::classify::normalise;
use crate::error::Error;
use crate::group::key_ids::{self, Owner};
use crate::group::row::Row;
use crate::join::note::{self, Class, KeyBody, KeyState};
use crate::join::parts::Parts;
use crate::record::StoreLocation;
use crate::walk::Source;

/// Most keys of one name that are told apart; where there are more, none is meant.
const MAX_KEYS: usize = 64;

/// Keys with a certificate, by client, owner and name: their container, or their public key.
#[derive(Default)]
pub struct Keys {
    /// By what `hasher` makes of all three. It is another one in each run, so that nobody can look for two clients' keys that
    /// would be taken for one.
    by_place: HashMap<u64, Vec<Key>, RandomState>,
    hasher: RandomState,
}

/// A key, as far as its name leaves it open which one is meant.
#[derive(PartialEq, Eq)]
struct Key {
    key_id: [u8; 16],
    /// Provider, normalised.
    provider: Arc<str>,
    /// 1 or 2 where it is known.
    key_spec: Option<u32>,
    public_key: Option<u64>,
}

/// What a key is known by.
#[derive(Hash)]
enum Name {
    Container(u64),
    PublicKey(u64),
}

impl Keys {
    fn place(&self, client: &str, owner: &Owner<'_>, name: Name) -> u64 {
        self.hasher.hash_one((client, owner, name))
    }

    /// The keys of the clients of one part.
    pub fn of(notes: &mut Parts, part: usize, values: &[Arc<[u8]>], sources: &[Source]) -> Result<Self, Error> {
        let mut shown = Keys::default();
        // What is said of keys is the same for most of them.
        let mut known: HashMap<Vec<u8>, Option<State>, RandomState> = HashMap::default();
        notes.look(part, |bytes| {
            for (head, body, _) in note::all(bytes).filter(|(head, ..)| head.class == Class::Key) {
                let Some(KeyBody { own, certificate, state }) = KeyBody::read(body, sources) else { continue };
                let (Some(client), Some(bytes)) = (head.client, state.bytes(values)) else { continue };
                let public_key = certificate.map(|(own, _)| own.public_key).filter(|key| *key != 0);
                let names = [own.named.map(Name::Container), public_key.map(Name::PublicKey)];
                if !known.contains_key(bytes) {
                    known.insert(bytes.to_vec(), State::of(bytes));
                }
                let Some(Some(state)) = known.get(bytes) else { continue };
                let path = sources.get(own.origin.source.file as usize).map(|source| source.path.as_str());
                let paths = [path, own.origin.member];
                let owner = Owner::of(state.location, own.user_sid, state.is_machine, paths);
                for name in names.into_iter().flatten() {
                    let (key_id, provider, key_spec) = (head.key_id, Arc::clone(&state.provider), state.key_spec);
                    let key = Key { key_id, provider, key_spec, public_key };
                    let place = shown.place(client, &owner, name);
                    let keys = shown.by_place.entry(place).or_default();
                    if keys.len() <= MAX_KEYS && !keys.contains(&key) {
                        keys.push(key);
                    }
                }
            }
        })?;
        Ok(shown)
    }

    /// The identity of the key that a row without certificate lists, if exactly one key can be it.
    pub fn key_id(&self, row: &Row<'_>) -> Option<[u8; 16]> {
        let (client, _) = row.client?;
        let (owner, claims) = (Owner::of_row(row), &row.observation.claims);
        let public_key = key_ids::identified(claims);
        let of = |name| {
            self.by_place
                .get(&self.place(client, &owner, name))
                .filter(|keys| keys.len() <= MAX_KEYS)
                .map_or(&[][..], Vec::as_slice)
        };
        if let Some(key_id) = public_key.and_then(|key| only(of(Name::PublicKey(key)), |_| true)) {
            return Some(key_id);
        }
        let provider = normalise(claims.provider_name.as_deref()?);
        only(of(Name::Container(key_ids::container(claims)?)), |key| {
            *key.provider == *provider
                && may_be(key.key_spec, pair(claims.key_spec))
                && may_be(key.public_key, public_key)
        })
    }
}

/// The one key that is asked for.
fn only(keys: &[Key], is_asked: impl Fn(&Key) -> bool) -> Option<[u8; 16]> {
    let mut found = keys.iter().filter(|key| is_asked(key)).map(|key| key.key_id);
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// They are the same, as far as both are known.
fn may_be<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}

/// Which of the two key pairs of a container is meant, where the claim says it.
fn pair(key_spec: Option<u32>) -> Option<u32> {
    key_spec.filter(|spec| matches!(spec, 1 | 2))
}

/// What many records say alike.
struct State {
    location: Option<StoreLocation>,
    is_machine: bool,
    /// Normalised.
    provider: Arc<str>,
    key_spec: Option<u32>,
}

impl State {
    fn of(bytes: &[u8]) -> Option<Self> {
        let KeyState { store_location, claims, .. } = postcard::from_bytes(bytes).ok()?;
        let provider = normalise(claims.provider_name.as_deref().unwrap_or_default()).into();
        let (is_machine, key_spec) = (claims.is_machine_key(), pair(claims.key_spec));
        Some(State { location: store_location, is_machine, provider, key_spec })
    }
}
