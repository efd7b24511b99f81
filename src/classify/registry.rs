//! What the client's own list of providers says of one provider name.

use crate::record::{Api, Provider};

use super::flags::{self, Impl};
use super::name::{is_plain, normalise};

/// Most providers of one client that are looked at. Clients have some dozens; a longer list is no registry, and
/// comparing every record with it would let one file stall the scan. It then says nothing, whatever its order.
const MAX_PROVIDERS: usize = 256;

/// What the entries of one name say together. Does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Registered {
    in_capi: bool,
    in_cng: bool,
    /// Implementation flags of the entries of CryptoAPI, of CNG, and of those that do not say.
    flags: [Voices; 3],
}

/// What several implementation flags say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Voices {
    hardware: bool,
    software: bool,
    silent: bool,
}

impl Registered {
    /// What `registry` says of `name`, comparing normalised names.
    pub(super) fn of(name: &str, registry: &[Provider<'_>]) -> Registered {
        let mut registered = Registered::default();
        for entry in registrations(name, registry) {
            registered.in_capi |= entry.api == Some(Api::Capi);
            registered.in_cng |= entry.api == Some(Api::Cng);
            let [capi, cng, either] = &mut registered.flags;
            let voices = match entry.api {
                Some(Api::Capi) => capi,
                Some(Api::Cng) => cng,
                None => either,
            };
            if let Some(raw) = entry.impl_flags {
                match flags::decode(raw, entry.impl_api.or(entry.api)) {
                    Impl::Hardware => voices.hardware = true,
                    Impl::Software => voices.software = true,
                    Impl::Silent => voices.silent = true,
                }
            }
        }
        registered
    }

    /// The name is registered, whatever under.
    pub(super) fn is_listed(self) -> bool {
        self.in_capi || self.in_cng
    }

    /// The one interface under which the name is registered.
    pub(super) fn api(self) -> Option<Api> {
        match (self.in_capi, self.in_cng) {
            (true, false) => Some(Api::Capi),
            (false, true) => Some(Api::Cng),
            _ => None,
        }
    }

    /// What the implementation flags of the entries say that concern a key of this interface; `None` without any.
    pub(super) fn implementation(self, api: Option<Api>) -> Option<Impl> {
        let [capi, cng, either] = self.flags;
        let heard = [(Some(Api::Capi), capi), (Some(Api::Cng), cng), (None, either)];
        let voices = heard.into_iter().filter(|(of, _)| concerns(*of, api)).map(|(_, voices)| voices);
        let all = voices.fold(Voices::default(), |all, voices| Voices {
            hardware: all.hardware | voices.hardware,
            software: all.software | voices.software,
            silent: all.silent | voices.silent,
        });
        match (all.hardware, all.software, all.silent) {
            (false, false, false) => None,
            (true, false, false) => Some(Impl::Hardware),
            (false, true, false) => Some(Impl::Software),
            _ => Some(Impl::Silent),
        }
    }
}

/// The raw flags behind [`Registered::implementation`], sorted: an order that the registry's does not change.
pub(super) fn raw_flags(name: &str, registry: &[Provider<'_>], api: Option<Api>) -> Vec<u32> {
    let concerned = registrations(name, registry).filter(|entry| concerns(entry.api, api));
    let mut flags: Vec<u32> = concerned.filter_map(|entry| entry.impl_flags).collect();
    flags.sort_unstable();
    flags.dedup();
    flags
}

/// An entry concerns a key unless the two are known to belong to different interfaces.
fn concerns(entry: Option<Api>, key: Option<Api>) -> bool {
    entry.is_none() || key.is_none() || entry == key
}

/// The entries of this name: no other can speak for its keys. None where the registry is too long to be one.
pub fn registrations<'r, 'p>(name: &str, registry: &'r [Provider<'p>]) -> impl Iterator<Item = &'r Provider<'p>> {
    let registry = if registry.len() > MAX_PROVIDERS { &[] } else { registry };
    let is_plain_name = is_plain(name);
    let mut normalised = None;
    registry.iter().filter(move |entry| {
        let other = entry.name.as_ref();
        if name.eq_ignore_ascii_case(other) {
            return true;
        }
        // A plain name keeps its length, ASCII never grows, and two plain names that differ in more than case differ:
        // the slow comparison is for the rest.
        if is_plain_name && ((other.len() < name.len() && other.is_ascii()) || is_plain(other)) {
            return false;
        }
        *normalised.get_or_insert_with(|| normalise(name)) == normalise(other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, api: Option<Api>, impl_flags: Option<u32>) -> Provider<'_> {
        Provider { name: name.into(), api, impl_flags, ..Provider::default() }
    }

    #[test]
    fn names_are_compared_normalised() {
        let registry = [entry("ACME\u{ae}  Key Storage Provider", Some(Api::Cng), None), entry("Other", None, None)];
        assert_eq!(Registered::of("acme key storage provider", &registry).api(), Some(Api::Cng));
        assert_eq!(Registered::of("ACME(R) Key Storage Provider", &registry).api(), Some(Api::Cng));
        assert_eq!(Registered::of("ACME Key Storage", &registry), Registered::default());
    }

    #[test]
    fn a_name_under_both_interfaces_says_nothing_of_the_interface() {
        let registry = [entry("ACME", Some(Api::Cng), Some(1)), entry("acme", Some(Api::Capi), Some(2))];
        let registered = Registered::of("ACME", &registry);
        assert!(registered.is_listed());
        assert_eq!(registered.api(), None);
        assert_eq!(registered.implementation(Some(Api::Cng)), Some(Impl::Hardware));
        assert_eq!(registered.implementation(Some(Api::Capi)), Some(Impl::Software));
        assert_eq!(registered.implementation(None), Some(Impl::Silent));
        assert_eq!(raw_flags("ACME", &registry, None), [1, 2]);
    }

    #[test]
    fn an_endless_registry_says_nothing() {
        let registry = vec![entry("ACME", Some(Api::Cng), Some(1)); MAX_PROVIDERS + 1];
        assert_eq!(Registered::of("ACME", &registry), Registered::default());
        assert_eq!(Registered::of("ACME", &registry[1..]).api(), Some(Api::Cng));
    }
}
