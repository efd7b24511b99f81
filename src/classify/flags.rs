//! Implementation flags. NCrypt and CryptoAPI have a set each, and they agree in the first two values only.

use crate::record::Api;

/// What implementation flags say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Impl {
    /// The key or provider is implemented in hardware, of no told kind.
    Hardware,
    /// In software.
    Software,
    /// Both, neither, or not known.
    Silent,
}

/// NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG (ncrypt.h).
const NCRYPT_VIRTUAL_ISOLATION: u32 = 0x20;
/// NCRYPT_IMPL_REMOVABLE_FLAG and CRYPT_IMPL_REMOVABLE. Says nothing: a flash drive is removable software.
const REMOVABLE: u32 = 8;

/// Reads implementation flags. Without an `api` only values count that mean the same in both sets.
pub(super) fn decode(flags: u32, api: Option<Api>) -> Impl {
    let kind = match api {
        // Two bits; both set is mixed, like CRYPT_IMPL_MIXED.
        Some(Api::Cng) => flags & 3,
        // A number from 1 to 4 in the low bits, not a set: 3 is mixed, 4 is unknown (wincrypt.h, CRYPT_IMPL_*).
        Some(Api::Capi) => flags & 7,
        None => flags & !REMOVABLE,
    };
    match kind {
        1 => Impl::Hardware,
        2 => Impl::Software,
        _ => Impl::Silent,
    }
}

/// Whether the flags mark a key isolated by virtualization-based security. Only NCrypt has that bit.
pub(super) fn is_isolated(flags: u32, api: Option<Api>) -> bool {
    api == Some(Api::Cng) && flags & NCRYPT_VIRTUAL_ISOLATION != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_is_read_by_its_own_numbers() {
        use Impl::{Hardware, Silent, Software};
        for (flags, ncrypt, capi, either) in [
            (0x0, Silent, Silent, Silent),
            (0x1, Hardware, Hardware, Hardware),
            (0x2, Software, Software, Software),
            (0x3, Silent, Silent, Silent),
            (0x4, Silent, Silent, Silent),
            (0x5, Hardware, Silent, Silent),
            (0x9, Hardware, Hardware, Hardware),
            (0xa, Software, Software, Software),
            (0xb, Silent, Silent, Silent),
            (0x11, Hardware, Hardware, Silent),
            (0x22, Software, Software, Silent),
            (u32::MAX, Silent, Silent, Silent),
        ] {
            let read = [Some(Api::Cng), Some(Api::Capi), None].map(|api| decode(flags, api));
            assert_eq!(read, [ncrypt, capi, either], "{flags:#x}");
        }
    }

    #[test]
    fn isolation_is_an_ncrypt_bit() {
        assert!(is_isolated(0x22, Some(Api::Cng)));
        assert!(!is_isolated(0x22, Some(Api::Capi)) && !is_isolated(0x22, None) && !is_isolated(0x12, Some(Api::Cng)));
    }
}
