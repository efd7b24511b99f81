//! Text for terminals: colour where it is wanted, input text escaped always.

use std::fmt::Write;
use std::io::IsTerminal;

use super::args::Color;

/// Paints text for one stream.
#[derive(Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// Decides by the option, the stream and `NO_COLOR` (no-color.org).
    pub fn new(color: Color, stream: &impl IsTerminal) -> Self {
        Paint(match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        })
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For headings.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// For what matters less.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// For what needs attention.
    pub fn alarm(self, text: &str) -> String {
        self.with("33", text)
    }
}

/// Input text, safe for a terminal: control characters, escapes and bidirectional overrides become `\u{..}`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let overrides = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || overrides {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// A number with thousands separated, for people.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_input_reaches_the_terminal_as_a_command() {
        assert_eq!(escape("a\x1b[31m\u{202e}b\n"), "a\\u{1b}[31m\\u{202e}b\\u{a}");
        assert_eq!(escape("Prüfung 検査"), "Prüfung 検査");
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!((count(7).as_str(), count(1360000).as_str()), ("7", "1,360,000"));
        assert_eq!(size(2_583_000_000), "2.58 GB");
    }
}
