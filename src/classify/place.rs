//! What the place of a key tells: the folder of its file, the reader it is in, the carrier before its name.
//!
//! Only whole path components and the forms written down here count; everything else is silent.

use crate::record::Api;

use super::classes::Classes;
use super::verdict::KeyStorage;

/// Folder of a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFile {
    /// `Microsoft\Crypto\RSA` or `DSS`, below them a SID or `MachineKeys`.
    CapiSoftware,
    /// `Microsoft\Crypto\Keys` or `SystemKeys`.
    CngSoftware,
    /// `Microsoft\Crypto\PCPKSP`: the platform provider's.
    Tpm,
    /// The same in the Local Service profile, where TPM virtual smart cards keep theirs too.
    TpmService,
}

impl KeyFile {
    /// The interface whose provider writes there.
    pub(super) fn api(self) -> Api {
        match self {
            KeyFile::CapiSoftware => Api::Capi,
            KeyFile::CngSoftware | KeyFile::Tpm | KeyFile::TpmService => Api::Cng,
        }
    }

    /// What the folder says of storage.
    pub(super) fn place(self) -> Place {
        match self {
            KeyFile::CapiSoftware => Place::only(KeyStorage::Software),
            // A VBS key's file lies in the same folder.
            KeyFile::CngSoftware => Place { value: KeyStorage::Software, set: Classes::SOFTWARE, is_open: false },
            KeyFile::Tpm => Place::only(KeyStorage::Tpm),
            KeyFile::TpmService => {
                Place::any(KeyStorage::Tpm, Classes::of(&[KeyStorage::Tpm, KeyStorage::VirtualSmartCard]))
            }
        }
    }
}

/// What a place says of storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The usual class.
    pub(super) value: KeyStorage,
    /// The possible classes.
    pub(super) set: Classes,
    /// `value` stands for the whole set: weaker evidence may choose another member.
    pub(super) is_open: bool,
}

impl Place {
    fn only(value: KeyStorage) -> Place {
        Place { value, set: Classes::of(&[value]), is_open: false }
    }

    fn any(value: KeyStorage, set: Classes) -> Place {
        Place { value, set, is_open: true }
    }
}

/// The folder of a key file, by its path with either slash and in any letter case.
pub(super) fn key_file(path: &str) -> Option<KeyFile> {
    let mut parts = path.as_bytes().split(|b| matches!(b, b'\\' | b'/')).filter(|part| !part.is_empty());
    let mut before: [&[u8]; 2] = [b"", b""];
    let mut in_service_profile = false;
    while let Some(part) = parts.next() {
        if is(before[0], "microsoft") && is(before[1], "crypto") {
            let below = parts.clone().next().unwrap_or_default();
            return match part {
                _ if is(part, "rsa") || is(part, "dss") => {
                    (is(below, "machinekeys") || starts(below, "s-1-")).then_some(KeyFile::CapiSoftware)
                }
                _ if is(part, "keys") || is(part, "systemkeys") => Some(KeyFile::CngSoftware),
                _ if is(part, "pcpksp") && in_service_profile => Some(KeyFile::TpmService),
                _ if is(part, "pcpksp") => Some(KeyFile::Tpm),
                _ => None,
            };
        }
        in_service_profile |= is(before[1], "serviceprofiles") && is(part, "localservice");
        before = [before[1], part];
    }
    None
}

/// What the name of a smart card reader says.
pub(super) fn reader(name: &str) -> Option<Place> {
    let name = name.trim().as_bytes();
    // The reader that Windows shows for Hello keys: their protector may be the TPM or software.
    if name.is_empty() || starts(name, "windows hello for business") {
        return None;
    }
    if starts(name, "microsoft virtual smart card") {
        return Some(Place::only(KeyStorage::VirtualSmartCard));
    }
    if name.windows(b"yubikey".len()).any(|word| word.eq_ignore_ascii_case(b"yubikey")) {
        return Some(Place::only(KeyStorage::UsbToken));
    }
    Some(Place::any(KeyStorage::SmartCard, Classes::of(&[KeyStorage::SmartCard, KeyStorage::UsbToken])))
}

/// Whether a container or path says by itself where the key is.
pub fn names_place(container: Option<&str>, path: Option<&str>) -> bool {
    path.is_some_and(|path| key_file(path).is_some())
        || [container, path].into_iter().flatten().any(|text| carrier(text).is_some())
}

/// What the carrier of a container name of the form `\\.\CARRIER\NAME` says.
pub(super) fn carrier(container: &str) -> Option<Place> {
    let (name, _) = container.strip_prefix(r"\\.\")?.split_once('\\')?;
    let carrier = name.as_bytes();
    // CryptoPro: hard disk, registry, drive letter (FAT12_A), flash drive. The last two are removable, yet files.
    let is_drive = is(carrier, "fat12") || starts(carrier, "fat12_");
    if is(carrier, "hdimage") || is(carrier, "registry") || is(carrier, "flash") || is_drive {
        return Some(Place::only(KeyStorage::Software));
    }
    if is(carrier, "hsm") {
        return Some(Place::only(KeyStorage::Hsm));
    }
    reader(name)
}

fn is(text: &[u8], lower: &str) -> bool {
    text.eq_ignore_ascii_case(lower.as_bytes())
}

fn starts(text: &[u8], lower: &str) -> bool {
    text.get(..lower.len()).is_some_and(|head| head.eq_ignore_ascii_case(lower.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folders_of_key_files() {
        for (path, file) in [
            (r"C:\Users\u\AppData\Roaming\Microsoft\Crypto\RSA\S-1-5-21-1-2-3-1001\0a_b", Some(KeyFile::CapiSoftware)),
            (r"C:\ProgramData\Microsoft\Crypto\RSA\MachineKeys\0a_b", Some(KeyFile::CapiSoftware)),
            (r"c:/programdata/microsoft/crypto/dss/machinekeys/0a_b", Some(KeyFile::CapiSoftware)),
            (r"C:\ProgramData\Microsoft\Crypto\RSA\S-1-5-18\0a_b", Some(KeyFile::CapiSoftware)),
            (r"C:\ProgramData\Microsoft\Crypto\Keys\0a_b", Some(KeyFile::CngSoftware)),
            (r"C:\ProgramData\Microsoft\Crypto\SystemKeys\0a_b", Some(KeyFile::CngSoftware)),
            (r"C:\Users\u\AppData\Local\Microsoft\Crypto\PCPKSP\aa\bb.PCPKEY", Some(KeyFile::Tpm)),
            (
                r"C:\Windows\ServiceProfiles\LocalService\AppData\Local\Microsoft\Crypto\PCPKSP\aa\bb.PCPKEY",
                Some(KeyFile::TpmService),
            ),
            (
                r"C:\Windows\ServiceProfiles\NetworkService\AppData\Roaming\Microsoft\Crypto\Keys\0a_b",
                Some(KeyFile::CngSoftware),
            ),
            // Near misses say nothing.
            (r"C:\ProgramData\Microsoft\Crypto\RSA\0a_b", None),
            (r"C:\ProgramData\NotMicrosoft\Crypto\Keys\0a_b", None),
            (r"C:\ProgramData\Microsoft\Crypto\KeysOld\0a_b", None),
            (r"C:\ProgramData\Microsoft\Keys\0a_b", None),
            (r"C:\Windows\ServiceProfiles\LocalService\AppData\Local\Microsoft\Ngc\aa", None),
            ("0123456789abcdef0123456789abcdef_11111111-2222-3333-4444-555555555555", None),
            ("", None),
        ] {
            assert_eq!(key_file(path), file, "{path}");
        }
    }

    #[test]
    fn readers() {
        let value = |name| reader(name).map(|place| place.value);
        assert_eq!(value("Microsoft Virtual Smart Card 0"), Some(KeyStorage::VirtualSmartCard));
        assert_eq!(value("Yubico YubiKey OTP+FIDO+CCID 0"), Some(KeyStorage::UsbToken));
        assert_eq!(value("ACME Contact Reader 3"), Some(KeyStorage::SmartCard));
        assert_eq!(value("Windows Hello for Business 1"), None);
        assert_eq!(value("  "), None);
    }

    #[test]
    fn carriers() {
        let value = |name| carrier(name).map(|place| place.value);
        for software in [r"\\.\HDIMAGE\a", r"\\.\registry\a", r"\\.\FAT12_H\a", r"\\.\FLASH\a"] {
            assert_eq!(value(software), Some(KeyStorage::Software), "{software}");
        }
        assert_eq!(value(r"\\.\HSM\a"), Some(KeyStorage::Hsm));
        assert_eq!(value(r"\\.\ACME Reader 0\a"), Some(KeyStorage::SmartCard));
        assert_eq!(value(r"\\.\Microsoft Virtual Smart Card 0\"), Some(KeyStorage::VirtualSmartCard));
        for silent in [r"\\.\", r"\\.\HDIMAGE", r"\\server\share", "HDIMAGE", "lp-User-1", "te-1", ""] {
            assert_eq!(value(silent), None, "{silent}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_place_or_none(text in "\\PC{0,80}") {
            let _ = (key_file(&text), reader(&text), carrier(&text));
        }
    }
}
