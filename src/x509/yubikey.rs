//! YubiKey PIV attestation extensions (Yubico, "PIV attestation"): raw octets, except the serial number.
//!
//! These numbers mean this in certificates only; in requests the same arc holds whole certificates.

use super::{Facts, oid};
use crate::der::{self, tag};

/// Takes an extension if it is one of these.
pub(super) fn take(facts: &mut Facts, extension: &[u8], value: &[u8]) -> bool {
    match extension {
        oid::YUBIKEY_FIRMWARE => match value {
            [major, minor, patch] => facts.yubikey_firmware = Some(format!("{major}.{minor}.{patch}")),
            _ => facts.doubt("yubikey_firmware", "not three octets"),
        },
        oid::YUBIKEY_SERIAL => match serial(value) {
            Some(serial) => facts.yubikey_serial = Some(serial),
            None => facts.doubt("yubikey_serial", "not a positive INTEGER that fits 64 bits"),
        },
        oid::YUBIKEY_POLICIES => match value {
            [pin, touch] => {
                facts.yubikey_pin_policy = Some(pin_policy(*pin));
                facts.yubikey_touch_policy = Some(touch_policy(*touch));
            }
            _ => facts.doubt("yubikey_pin_policy", "not two octets"),
        },
        oid::YUBIKEY_FORM_FACTOR => match value {
            [form_factor] => facts.yubikey_form_factor = Some(i32::from(*form_factor)),
            _ => facts.doubt("yubikey_form_factor", "not one octet"),
        },
        _ => return false,
    }
    true
}

/// Whether the certificate attests a slot's key: an end entity that states firmware, serial number and policies.
/// The device's own certificate (slot F9) states the firmware only, and not every one of them says that it is a CA.
pub(super) fn attests_slot(facts: &Facts) -> bool {
    facts.is_ca == Some(false)
        && facts.yubikey_firmware.is_some()
        && (facts.yubikey_serial.is_some() || facts.yubikey_pin_policy.is_some())
}

fn serial(value: &[u8]) -> Option<i64> {
    let digits = der::read(value).filter(|serial| serial.tag == tag::INTEGER)?.content;
    match digits {
        [first, ..] if digits.len() <= 8 && first & 0x80 == 0 => {
            Some(digits.iter().fold(0, |serial, digit| serial << 8 | i64::from(*digit)))
        }
        _ => None,
    }
}

fn pin_policy(policy: u8) -> &'static str {
    match policy {
        1 => "never",
        2 => "once",
        3 => "always",
        _ => "unknown",
    }
}

fn touch_policy(policy: u8) -> &'static str {
    match policy {
        1 => "never",
        2 => "always",
        3 => "cached",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_certificate() {
        let mut facts = Facts { is_ca: Some(false), ..Facts::default() };
        assert!(take(&mut facts, oid::YUBIKEY_FIRMWARE, &[5, 4, 3]));
        assert!(!attests_slot(&facts), "so does the device certificate");
        assert!(take(&mut facts, oid::YUBIKEY_SERIAL, &[2, 4, 0, 0xbc, 0x61, 0x4e]));
        assert!(take(&mut facts, oid::YUBIKEY_POLICIES, &[3, 2]));
        assert!(take(&mut facts, oid::YUBIKEY_FORM_FACTOR, &[0x81]));
        assert!(!take(&mut facts, oid::KEY_USAGE, &[]));
        assert_eq!(facts.yubikey_firmware.as_deref(), Some("5.4.3"));
        assert_eq!(facts.yubikey_serial, Some(12_345_678));
        assert_eq!((facts.yubikey_pin_policy, facts.yubikey_touch_policy), (Some("always"), Some("always")));
        assert_eq!(facts.yubikey_form_factor, Some(0x81));
        assert!(attests_slot(&facts) && facts.problems.is_empty());
        facts.is_ca = Some(true);
        assert!(!attests_slot(&facts));
    }

    #[test]
    fn wrong_lengths_are_problems() {
        let mut facts = Facts::default();
        take(&mut facts, oid::YUBIKEY_FIRMWARE, &[5, 4]);
        take(&mut facts, oid::YUBIKEY_SERIAL, &[2, 1, 0x80]);
        take(&mut facts, oid::YUBIKEY_POLICIES, &[]);
        take(&mut facts, oid::YUBIKEY_FORM_FACTOR, &[1, 2]);
        assert_eq!(facts.problems.len(), 4);
        assert_eq!(pin_policy(9), "unknown");
    }
}
