//! Passwords that the user gave for encrypted exports. They are overwritten when dropped, and never shown.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Passwords in the order in which they are tried. Cheap to clone; what is printed of them is their number.
#[derive(Clone, Default)]
pub struct Passwords {
    list: Arc<Vec<Zeroizing<String>>>,
}

impl Passwords {
    /// One password a line; the line end is no part of it, and an empty line is the empty password. A byte order mark
    /// at the start is dropped.
    pub fn of_lines(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Passwords { list: Arc::new(text.lines().map(|line| Zeroizing::new(line.to_owned())).collect()) }
    }

    /// The passwords, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|password| password.as_str())
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({})", self.list.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_password_and_none_is_ever_printed() {
        let of = |text| Passwords::of_lines(text).iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of("a\r\n b \n\nlast"), ["a", " b ", "", "last"]);
        assert_eq!(of("\u{feff}a\n"), ["a"]);
        assert!(of("").is_empty());
        assert_eq!(format!("{:?}", Passwords::of_lines("secret\n")), "Passwords(1)");
    }
}
