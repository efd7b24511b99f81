//! Sets of storage classes: a piece of evidence rarely names one class, it leaves some possible.

use std::fmt;

use super::verdict::KeyStorage;

/// A set of storage classes. `none` and `unknown` are no classes and cannot be members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u16);

impl Classes {
    /// No class.
    pub const EMPTY: Classes = Classes(0);
    /// What "some hardware" leaves possible. A cloud service is among them: its provider reports the hardware
    /// at the other end.
    pub const HARDWARE: Classes = Classes::of(&[
        KeyStorage::Tpm,
        KeyStorage::SmartCard,
        KeyStorage::UsbToken,
        KeyStorage::VirtualSmartCard,
        KeyStorage::Hsm,
        KeyStorage::CloudKms,
        KeyStorage::OtherHardware,
    ]);
    /// What "software" leaves possible: a VBS key has a software provider.
    pub const SOFTWARE: Classes = Classes::of(&[KeyStorage::Software, KeyStorage::Vbs]);

    /// The set of these classes.
    pub const fn of(members: &[KeyStorage]) -> Classes {
        let mut bits = 0;
        let mut at = 0;
        while at < members.len() {
            bits |= Classes::bit(members[at]);
            at += 1;
        }
        Classes(bits)
    }

    const fn bit(class: KeyStorage) -> u16 {
        match class {
            KeyStorage::None | KeyStorage::Unknown => 0,
            class => 1 << class as u16,
        }
    }

    /// This set and one class more.
    pub fn with(self, class: KeyStorage) -> Classes {
        Classes(self.0 | Classes::bit(class))
    }

    /// The classes in both sets.
    pub fn and(self, other: Classes) -> Classes {
        Classes(self.0 & other.0)
    }

    /// Whether `class` is a member.
    pub fn has(self, class: KeyStorage) -> bool {
        self.0 & Classes::bit(class) != 0
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of the contract.
    pub fn iter(self) -> impl Iterator<Item = KeyStorage> {
        KeyStorage::ALL.into_iter().filter(move |class| self.has(*class))
    }

    /// The only member, where there is exactly one.
    pub fn single(self) -> Option<KeyStorage> {
        if self.0.count_ones() == 1 { self.iter().next() } else { None }
    }
}

impl fmt::Display for Classes {
    /// `smart_card or usb_token`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, class) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(" or ")?;
            }
            f.write_str(class.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_and_unknown_are_never_members() {
        let set = Classes::of(&[KeyStorage::None, KeyStorage::Unknown]);
        assert!(set.is_empty() && !set.has(KeyStorage::None) && !set.has(KeyStorage::Unknown));
    }

    #[test]
    fn software_and_hardware_share_no_class_and_leave_none_out() {
        assert!(Classes::SOFTWARE.and(Classes::HARDWARE).is_empty());
        let all = KeyStorage::ALL.into_iter().filter(|c| !matches!(c, KeyStorage::None | KeyStorage::Unknown));
        assert_eq!(all.count(), Classes::SOFTWARE.iter().count() + Classes::HARDWARE.iter().count());
    }

    #[test]
    fn single_is_exact() {
        assert_eq!(Classes::of(&[KeyStorage::Tpm]).single(), Some(KeyStorage::Tpm));
        assert_eq!(Classes::SOFTWARE.single(), None);
        assert_eq!(Classes::EMPTY.single(), None);
        assert_eq!(Classes::of(&[KeyStorage::UsbToken, KeyStorage::SmartCard]).to_string(), "smart_card or usb_token");
    }
}
