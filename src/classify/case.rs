//! One key's claims and marks, with the provider name already looked up: what the evidence is read from.

use crate::record::{Acquire, Claims, KeyReport, Text};

use super::catalogue::{Found, Match};
use super::marks::Marks;
use super::place::KeyFile;
use super::registry::Registered;
use super::verdict::KeyPresence;

/// What there is to judge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) claims: &'a Claims<'a>,
    pub(super) marks: Marks,
    /// The record names a provider: not empty, not `(null)`.
    pub(super) is_named: bool,
    /// The catalogue's rows for that name.
    pub(super) provider: Option<Match<'a>>,
    /// The client's registry on that name.
    pub(super) registered: Registered,
    /// The folder of the key file.
    pub(super) key_file: Option<KeyFile>,
}

impl Case<'_> {
    /// Whether there is a key.
    pub(super) fn presence(&self) -> KeyPresence {
        presence(self.claims, self.is_named)
    }
}

/// Whether a record names a provider at all.
pub(super) fn is_named(found: Found) -> bool {
    found != Found::Blank
}

/// `CRYPT_E_NO_KEY_PROPERTY` (winerror.h): the attempt's own word that the certificate has no key property.
const NO_KEY_PROPERTY: u32 = 0x8009_200b;

/// A record claims a key, whatever it says of provider, container and path.
pub fn claims_key(claims: &Claims<'_>) -> bool {
    claims.ncrypt_key_handle == Some(true)
        || claims.isolated_key
        || claims.in_file
        || claims.enumerated_api.is_some()
        || (claims.key_report == KeyReport::Claimed && claims.has_private_key != Some(false))
        || claims.has_private_key == Some(true)
}

/// Whether there is a key, by what the record claims and by what the collector tried.
fn presence(claims: &Claims<'_>, is_named: bool) -> KeyPresence {
    let has_handle = claims.ncrypt_key_handle == Some(true);
    let has_claim = is_named
        || claims_key(claims)
        || is_stated(claims.key_container.as_ref())
        || is_stated(claims.key_path.as_ref());
    let attempt = claims.acquire.and_then(|acquire| acquire.hresult);
    let is_denied = claims.key_report == KeyReport::Absent
        || claims.has_private_key == Some(false)
        || attempt == Some(NO_KEY_PROPERTY);
    match attempt {
        Some(0) => return KeyPresence::Opened,
        Some(_) if has_claim => return KeyPresence::Missing,
        _ => {}
    }
    match (has_claim, is_denied) {
        (true, _) if has_handle => KeyPresence::Opened,
        (true, _) if claims.has_private_key == Some(false) => KeyPresence::Missing,
        (true, _) => KeyPresence::Declared,
        (false, true) => KeyPresence::None,
        (false, false) => KeyPresence::Unknown,
    }
}

/// Key spec of the handle, where the collector opened the key.
pub(super) fn acquired_key_spec(acquire: Option<Acquire>) -> Option<u32> {
    acquire.filter(|acquire| acquire.hresult == Some(0)).and_then(|acquire| acquire.key_spec)
}

fn is_stated(text: Option<&Text<'_>>) -> bool {
    text.map(|text| text.trim()).is_some_and(|text| !text.is_empty() && !text.eq_ignore_ascii_case("(null)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(hresult: u32) -> Option<Acquire> {
        Some(Acquire { hresult: Some(hresult), key_spec: None })
    }

    #[test]
    fn presence_follows_the_attempt_then_the_claim() {
        use KeyPresence::{Declared, Missing, None as Absent, Opened, Unknown};
        let report = |key_report| Claims { key_report, ..Claims::default() };
        let claimed = report(KeyReport::Claimed);
        let absent = report(KeyReport::Absent);
        let silent = report(KeyReport::NotReported);
        for (why, claims, is_named, expected) in [
            ("nothing is said", silent.clone(), false, Unknown),
            ("the format reports keys, and here is none", absent.clone(), false, Absent),
            ("a claim", claimed.clone(), false, Declared),
            ("a provider name is a claim", silent.clone(), true, Declared),
            ("HasPrivateKey true", Claims { has_private_key: Some(true), ..silent.clone() }, false, Declared),
            ("HasPrivateKey false", Claims { has_private_key: Some(false), ..silent.clone() }, false, Absent),
            ("denied against a claim", Claims { has_private_key: Some(false), ..claimed.clone() }, true, Missing),
            ("opened", Claims { acquire: tried(0), ..claimed.clone() }, true, Opened),
            ("could not be opened", Claims { acquire: tried(0x8009_0016), ..claimed.clone() }, true, Missing),
            ("tried in vain, nothing claimed", Claims { acquire: tried(0x8009_200b), ..absent.clone() }, false, Absent),
            (
                "tried in vain, nothing claimed or reported",
                Claims { acquire: tried(5), ..silent.clone() },
                false,
                Unknown,
            ),
            ("the attempt says why", Claims { acquire: tried(NO_KEY_PROPERTY), ..silent.clone() }, false, Absent),
            ("opened without a claim", Claims { acquire: tried(0), ..absent.clone() }, false, Opened),
            ("an open handle", Claims { ncrypt_key_handle: Some(true), ..absent.clone() }, false, Opened),
            ("no handle", Claims { ncrypt_key_handle: Some(false), ..absent.clone() }, false, Absent),
            ("a container that is no name", Claims { key_container: Some("(null)".into()), ..absent }, false, Absent),
            ("a container", Claims { key_container: Some("c".into()), ..silent }, false, Declared),
            ("attempt not made", Claims { acquire: Some(Acquire::default()), ..claimed }, true, Declared),
        ] {
            assert_eq!(presence(&claims, is_named), expected, "{why}");
        }
    }
}
