//! The provider catalogue: which interface and which kind of storage a provider name stands for.
//!
//! Data, not code: `providers.tsv` beside this file has one row a provider with the source of the fact, and
//! `--providers FILE` adds rows of the same form. A name never proves where a key lives; it gives a class that
//! stronger evidence outranks. Finding a row is here, weighing it is in `api` and `storage`.
//!
//! To add a provider: one row with its source in `providers.tsv`; the tests read every row back.

use std::collections::{HashMap, HashSet};

use super::classes::Classes;
use super::name::{is_blank, normalise};
use super::table::{self, CatalogueError};
use super::verdict::KeyStorage;

const BUILT_IN: &str = include_str!("providers.tsv");

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $vdoc:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $vdoc])+ $variant,)+ }

        impl $name {
            /// Every value with its spelling in the table.
            pub const WORDS: &'static [(&'static str, $name)] = &[$(($text, $name::$variant),)+];

            /// The spelling in the table.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }
    };
}

words! {
    /// How a row's name is compared, in the order of precedence.
    MatchKind {
        /// The whole name.
        Exact = "exact",
        /// The beginning of the name; the longest wins.
        Prefix = "prefix",
        /// Whole words anywhere in the name; the first row wins.
        Contains = "contains",
    }
}

words! {
    /// The interface a provider belongs to.
    RowApi {
        /// A cryptographic service provider.
        Capi = "capi",
        /// A key storage provider.
        Cng = "cng",
        /// A CNG provider that stores no keys.
        CngPrimitive = "cng-primitive",
        /// The name is met with both, or with either.
        Unknown = "unknown",
    }
}

words! {
    /// How well a row is known.
    Confidence {
        /// Microsoft or the vendor states the name and the kind of provider.
        Documented = "documented",
        /// The name was seen in vendor files, registrations or working code; the class follows from the product.
        Inferred = "inferred",
        /// The name is certain, the class is not.
        Ambiguous = "ambiguous",
        /// A single list or script of a third party.
        Weak = "weak",
        /// No public source has this exact name.
        Unverified = "unverified",
        /// A naming convention; says nothing of storage.
        Heuristic = "heuristic",
    }
}

words! {
    /// Whether the keys behind a row are in hardware.
    Hardware {
        /// Whatever the row stands for is hardware, or the vendor documents an HSM behind the service.
        Yes = "yes",
        /// Software.
        No = "no",
        /// The same name may also stand for software, or nobody documents what it stands for.
        Depends = "depends",
    }
}

/// One provider of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The string to compare. A space at the end of a prefix, or at the start of a contains row, is part of it.
    pub name: String,
    /// How it is compared.
    pub kind: MatchKind,
    /// Interface.
    pub api: RowApi,
    /// CryptoAPI provider type, where the source shows it.
    pub capi_type: Option<u32>,
    /// Maker, with the present owner where that matters.
    pub vendor: String,
    /// The class of storage the name stands for.
    pub backing: KeyStorage,
    /// Other classes the same name stands for.
    pub also: Classes,
    /// Whether it is hardware.
    pub hardware: Hardware,
    /// How well that is known.
    pub confidence: Confidence,
    /// Limits of the row.
    pub note: String,
    /// Where the fact comes from.
    pub source: String,
    /// The row comes from `--providers`.
    pub is_user: bool,
    /// Line in its table, the header being line 1.
    pub line: usize,
    /// What is compared: the normalised name, with its significant space.
    pattern: String,
}

impl Row {
    /// Takes a row of a table, and makes its name comparable.
    pub(super) fn new(mut row: Row) -> Row {
        row.pattern = normalise(&row.name);
        if row.kind == MatchKind::Prefix && row.name.ends_with(char::is_whitespace) {
            row.pattern.push(' ');
        }
        if row.kind == MatchKind::Contains && row.name.starts_with(char::is_whitespace) {
            row.pattern.insert(0, ' ');
        }
        row
    }

    /// A row without content, to be filled.
    pub(super) fn blank(line: usize, is_user: bool) -> Row {
        Row {
            name: String::new(),
            kind: MatchKind::Exact,
            api: RowApi::Unknown,
            capi_type: None,
            vendor: String::new(),
            backing: KeyStorage::Unknown,
            also: Classes::EMPTY,
            hardware: Hardware::Depends,
            confidence: Confidence::Inferred,
            note: String::new(),
            source: String::new(),
            is_user,
            line,
            pattern: String::new(),
        }
    }

    /// What is compared with a normalised name.
    pub(super) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether the row is an exact name that its vendor documents: the only kind worth the grade `catalogued`.
    pub fn is_documented_name(&self) -> bool {
        self.kind == MatchKind::Exact && self.confidence == Confidence::Documented
    }

    /// Microsoft's own word that keys of this provider are software or TPM keys.
    pub fn is_microsoft_class(&self) -> bool {
        self.is_documented_name()
            && !self.is_user
            && self.vendor == "Microsoft"
            && self.api != RowApi::CngPrimitive
            && matches!(self.backing, KeyStorage::Software | KeyStorage::Tpm)
    }

    /// The classes the name can stand for. Empty where the row says nothing of storage: a naming convention, and
    /// a provider that keeps no keys.
    pub fn classes(&self) -> Classes {
        if self.confidence == Confidence::Heuristic || self.api == RowApi::CngPrimitive {
            return Classes::EMPTY;
        }
        self.also.with(self.backing)
    }

    fn applies_to(&self, normalised: &str) -> bool {
        match self.kind {
            MatchKind::Exact => normalised == self.pattern,
            MatchKind::Prefix => normalised.starts_with(&self.pattern),
            MatchKind::Contains => contains_words(normalised, &self.pattern),
        }
    }
}

/// Whether `words` stand in `text` with no letter or digit directly before or after them.
fn contains_words(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + words.len()..).and_then(|t| t.chars().next());
        let free = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
        (words.starts_with(' ') || free(before)) && free(after)
    })
}

/// The row that speaks for a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match<'c> {
    /// The row with precedence.
    pub row: &'c Row,
    /// The first naming convention that applies too, where `row` is not one itself.
    pub convention: Option<&'c Row>,
}

impl Match<'_> {
    /// Whether the naming convention, not the row, speaks for the interface of this name.
    ///
    /// A brand's prefix row stands for its CSPs. A name of that brand which calls itself a key storage provider is
    /// outside the row, and so is any name where the row leaves the interface open; the row's class remains.
    pub fn is_interface_by_convention(&self) -> bool {
        self.row.kind == MatchKind::Prefix
            && match self.row.api {
                RowApi::Capi => self.convention.is_some_and(|convention| convention.api == RowApi::Cng),
                RowApi::Unknown => self.convention.is_some(),
                RowApi::Cng | RowApi::CngPrimitive => false,
            }
    }
}

/// What a provider name leads to, as positions in the catalogue: small enough to be kept for every name met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Empty, or a literal `(null)`: no name at all.
    Blank,
    /// A name that no row covers.
    Nothing,
    /// Positions of the row and of the convention.
    Rows(u32, Option<u32>),
}

/// The built-in rows and those of `--providers`.
#[derive(Clone, Debug)]
pub struct Catalogue {
    rows: Vec<Row>,
    exact: HashMap<String, u32>,
    /// Longest first.
    prefixes: Vec<u32>,
    /// Rows of the user first, then in the order of the table.
    contains: Vec<u32>,
}

impl Catalogue {
    /// The catalogue that certcensus brings along.
    pub fn builtin() -> Catalogue {
        // Not input: a test reads the table, so a mistake in it cannot leave the project.
        Catalogue::from_rows(table::parse(BUILT_IN, false).expect("the built-in provider table is well-formed"))
    }

    /// The built-in catalogue with the rows of a user's table, which win over built-in rows of the same
    /// normalised name and the same kind of match.
    ///
    /// # Errors
    /// The first line of the table that cannot be understood, with the reason. Nothing is skipped in silence.
    pub fn with_overrides(tsv_text: &str) -> Result<Catalogue, CatalogueError> {
        let mut rows = table::parse(tsv_text, true)?;
        let hidden: HashSet<(MatchKind, String)> = rows.iter().map(|row| (row.kind, row.pattern.clone())).collect();
        let built_in = Catalogue::builtin().rows;
        rows.extend(built_in.into_iter().filter(|row| !hidden.contains(&(row.kind, row.pattern.clone()))));
        Ok(Catalogue::from_rows(rows))
    }

    fn from_rows(rows: Vec<Row>) -> Catalogue {
        let mut catalogue =
            Catalogue { rows: Vec::new(), exact: HashMap::new(), prefixes: Vec::new(), contains: Vec::new() };
        for (at, row) in (0u32..).zip(&rows) {
            match row.kind {
                MatchKind::Exact => {
                    catalogue.exact.insert(row.pattern.clone(), at);
                }
                MatchKind::Prefix => catalogue.prefixes.push(at),
                MatchKind::Contains => catalogue.contains.push(at),
            }
        }
        catalogue.rows = rows;
        let length = |at: &u32| catalogue.rows.get(*at as usize).map_or(0, |row| row.pattern.len());
        catalogue.prefixes.sort_by_key(|at| std::cmp::Reverse(length(at)));
        catalogue
    }

    /// Every row: those of the user first, then the built-in ones that they leave in force.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row that speaks for this provider name, verbatim as an export has it.
    pub fn lookup(&self, name: &str) -> Option<Match<'_>> {
        self.resolve(self.find(name))
    }

    /// Every row that applies to the name, in order of precedence; the first is that of [`Catalogue::lookup`].
    pub fn matches(&self, name: &str) -> Vec<&Row> {
        let name = normalise(name);
        if is_blank(&name) {
            return Vec::new();
        }
        self.candidates(&name).filter_map(|at| self.row(at)).collect()
    }

    pub(super) fn find(&self, name: &str) -> Found {
        let name = normalise(name);
        if is_blank(&name) {
            return Found::Blank;
        }
        let Some(first) = self.candidates(&name).next() else { return Found::Nothing };
        let is_convention = self.row(first).is_some_and(|row| row.kind == MatchKind::Contains);
        let convention = if is_convention { None } else { self.first_contains(&name) };
        Found::Rows(first, convention)
    }

    pub(super) fn resolve(&self, found: Found) -> Option<Match<'_>> {
        match found {
            Found::Blank | Found::Nothing => None,
            Found::Rows(row, convention) => {
                let convention = convention.and_then(|at| self.row(at));
                self.row(row).map(|row| Match { row, convention })
            }
        }
    }

    fn candidates<'c>(&'c self, name: &'c str) -> impl Iterator<Item = u32> + 'c {
        let others = self.prefixes.iter().chain(&self.contains).copied();
        let others = others.filter(|at| self.row(*at).is_some_and(|row| row.applies_to(name)));
        self.exact.get(name).copied().into_iter().chain(others)
    }

    fn first_contains(&self, name: &str) -> Option<u32> {
        self.contains.iter().copied().find(|at| self.row(*at).is_some_and(|row| row.applies_to(name)))
    }

    fn row(&self, at: u32) -> Option<&Row> {
        self.rows.get(at as usize)
    }
}
