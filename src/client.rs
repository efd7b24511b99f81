//! Whose export is it? `--client-from` names the client of records that do not say it themselves.

use std::borrow::Cow;

use regex::Regex;

use crate::error::Error;

/// How a client is known; the `client_basis` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The record says it.
    Record,
    /// A folder of the source's path.
    Dir,
    /// The source's file name without its extension.
    Stem,
    /// A pattern over the source's path.
    Regex,
    /// The user gave the name.
    Name,
}

impl Basis {
    /// The value as written to `client_basis`.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Record => "record",
            Basis::Dir => "dir",
            Basis::Stem => "stem",
            Basis::Regex => "regex",
            Basis::Name => "name",
        }
    }
}

/// The `--client-from` option, understood.
#[derive(Clone, Debug, Default)]
pub enum ClientFrom {
    /// Only the records' own fields.
    #[default]
    Record,
    /// The n-th folder of the path inside the input, counted from 1.
    Dir(usize),
    /// The file name without extension.
    Stem,
    /// The first group (or the whole match) of a pattern over the path inside the input.
    Regex(Regex),
    /// This name.
    Name(String),
}

impl ClientFrom {
    /// Understands `dir:N`, `stem`, `regex:PATTERN`, `name:NAME`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let usage = |why: &str| {
            Error::Usage(format!(
                "--client-from {text}: {why}; give dir:N (folder N of the path, from 1), stem (file name without \
                 extension), regex:PATTERN (its first group) or name:NAME"
            ))
        };
        match text.split_once(':') {
            None if text == "stem" => Ok(ClientFrom::Stem),
            Some(("dir", n)) => match n.parse() {
                Ok(n) if n > 0 => Ok(ClientFrom::Dir(n)),
                _ => Err(usage("N is a number from 1")),
            },
            Some(("regex", pattern)) => Regex::new(pattern).map(ClientFrom::Regex).map_err(|e| usage(&e.to_string())),
            Some(("name", name)) if !name.is_empty() => Ok(ClientFrom::Name(name.to_lowercase())),
            _ => Err(usage("not understood")),
        }
    }

    /// The client of a source by its path inside the input, lower-cased, if the option gives one.
    pub fn of_path(&self, path: &str) -> Option<(String, Basis)> {
        let (name, basis) = match self {
            ClientFrom::Record => return None,
            ClientFrom::Dir(n) => {
                let (folders, _) = path.rsplit_once('/')?;
                (Cow::from(folders.split('/').nth(n - 1)?), Basis::Dir)
            }
            ClientFrom::Stem => (Cow::from(stem(path)), Basis::Stem),
            ClientFrom::Regex(pattern) => {
                let found = pattern.captures(path)?;
                (Cow::from(found.get(1).or_else(|| found.get(0))?.as_str()), Basis::Regex)
            }
            ClientFrom::Name(name) => (Cow::from(name.as_str()), Basis::Name),
        };
        let name = name.trim().to_lowercase();
        (!name.is_empty()).then_some((name, basis))
    }
}

/// The file name without its last extension; a leading dot is part of the name.
fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    match file.rfind('.') {
        Some(dot) if dot > 0 => &file[..dot],
        _ => file,
    }
}

/// A fitting `--client-from` for sources whose records name no client, shown where many clients are null:
/// folders where they tell sources apart, else file names.
pub fn suggest(path: &str) -> String {
    let option = match path.matches('/').count() {
        0 => "stem".to_owned(),
        folders => format!("dir:{folders}"),
    };
    let client = ClientFrom::parse(&option).ok().and_then(|from| from.of_path(path));
    match client {
        Some((client, _)) => format!("--client-from {option} would name {path} {client:?}"),
        None => "--client-from name:NAME names them all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(option: &str, path: &str) -> Option<String> {
        ClientFrom::parse(option).ok()?.of_path(path).map(|(client, _)| client)
    }

    #[test]
    fn each_option_names_the_client_it_promises() {
        let path = "site-a/PC-0007.example.test/My/certs.v1.sst";
        assert_eq!(client("dir:2", path).as_deref(), Some("pc-0007.example.test"));
        assert_eq!(client("dir:4", path), None, "the file name is not a folder");
        assert_eq!(client("stem", path).as_deref(), Some("certs.v1"));
        assert_eq!(client("regex:(?i)/(pc-[0-9]+)", path).as_deref(), Some("pc-0007"));
        assert_eq!(client("regex:nothing", path), None);
        assert_eq!(client("name:Vault", path).as_deref(), Some("vault"));
        assert_eq!(client("stem", ".hidden").as_deref(), Some(".hidden"));
    }

    #[test]
    fn wrong_options_say_what_is_right() {
        for option in ["", "dir", "dir:0", "dir:x", "regex:(", "name:", "host"] {
            let error = ClientFrom::parse(option).map(|_| ()).expect_err(option).to_string();
            assert!(error.contains("stem"), "{option}: {error}");
        }
    }

    #[test]
    fn suggestions_show_what_they_would_give() {
        assert!(suggest("PC1/My/a.cer").contains("dir:2"));
        assert!(suggest("PC1.sst").contains("\"pc1\""));
    }
}
