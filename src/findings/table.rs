//! The statements that rules rest on, as data beside the code: `configmgr.tsv` and `products.tsv`, read once.
//!
//! Tab-separated UTF-8, one header line, no quoting. To add a statement: one row with its source; the tests read every
//! row back, and check that the rule it names exists.

use std::sync::OnceLock;

use super::version::SiteVersion;
use crate::record::Api;

const CONFIGMGR: &str = include_str!("configmgr.tsv");
const PRODUCTS: &str = include_str!("products.tsv");

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $vdoc:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $vdoc])+ $variant,)+ }

        impl $name {
            /// The spelling in the table.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What a statement says of CNG keys.
    Support {
        /// They work.
        Supported = "supported",
        /// They do not work.
        Unsupported = "unsupported",
        /// The documents say neither.
        NotListed = "not_listed",
        /// The role or use itself is gone.
        Retired = "retired",
        /// Something that must be.
        Requirement = "requirement",
        /// Something that should be.
        Recommendation = "recommendation",
        /// Only CNG keys work.
        Required = "required",
        /// It depends on what the note says.
        Conditional = "conditional",
    }
}

words! {
    /// Whether a statement is about a role or about a use.
    Kind {
        /// A role of a site system.
        Role = "role",
        /// Another use of a certificate.
        Scenario = "scenario",
    }
}

words! {
    /// Which keys a statement is about.
    Keys {
        /// CNG keys.
        Cng = "cng",
        /// CryptoAPI keys.
        Capi = "capi",
        /// All keys.
        Both = "both",
    }
}

words! {
    /// How well a statement about another product is known.
    Confidence {
        /// Microsoft or the vendor says it.
        Documented = "documented",
        /// Reports from the field, or a vendor's knowledge base.
        Reported = "reported",
        /// A single script.
        Weak = "weak",
    }
}

/// A statement about Configuration Manager.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Role or use, lower_snake; the column `scenario`. Several rows have it where the answer changed with a version.
    pub id: &'static str,
    /// Role or use, for people.
    pub title: &'static str,
    /// Role of a site system or not.
    pub kind: Kind,
    /// Which keys it is about.
    pub keys: Keys,
    /// What it says.
    pub support: Support,
    /// First version for which it holds; `None`: from the beginning.
    pub since: Option<SiteVersion>,
    /// First version for which it no longer holds; `None`: it still does.
    pub until: Option<SiteVersion>,
    /// The rule that judges by it; `None` where no export tells whether it applies.
    pub rule: Option<&'static str>,
    /// Other names, among them the roles as Configuration Manager spells them.
    pub aliases: Vec<&'static str>,
    /// Limits and contradictions.
    pub note: &'static str,
    /// Where it is said.
    pub source: &'static str,
}

impl Row {
    /// Whether it holds for a version.
    pub fn holds(&self, version: SiteVersion) -> bool {
        self.since.is_none_or(|since| since <= version) && self.until.is_none_or(|until| version < until)
    }

    /// Whether this is a name of the role or use, letters of either case.
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.trim();
        let names = [self.id, self.title].into_iter().chain(self.aliases.iter().copied());
        names.into_iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// The versions for which it holds, in words.
    pub fn versions(&self) -> String {
        match (self.since, self.until) {
            (None, None) => "all".to_owned(),
            (Some(since), None) => format!("from {since}"),
            (None, Some(until)) => format!("before {until}"),
            (Some(since), Some(until)) => format!("from {since}, before {until}"),
        }
    }
}

/// A statement about another product.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Product and use, lower_snake.
    pub id: &'static str,
    /// Product and use, for people.
    pub title: &'static str,
    /// What it says of CNG keys.
    pub support: Support,
    /// How well it is known.
    pub confidence: Confidence,
    /// The rule that judges by it; `None` where no export tells whether it applies.
    pub rule: Option<&'static str>,
    /// What the product needs or takes.
    pub requirement: &'static str,
    /// Limits.
    pub note: &'static str,
    /// Where it is said.
    pub source: &'static str,
}

/// Every statement about Configuration Manager, in the order of the table.
pub fn configmgr() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| lines(CONFIGMGR).filter_map(row).collect())
}

/// Every statement about other products, in the order of the table.
pub fn products() -> &'static [Product] {
    static ROWS: OnceLock<Vec<Product>> = OnceLock::new();
    ROWS.get_or_init(|| lines(PRODUCTS).filter_map(product).collect())
}

/// What Microsoft says of a role or use, by any of its names, for keys of an interface at a version. Empty where nothing
/// is said.
pub fn configmgr_answer(name: &str, version: SiteVersion, api: Api) -> Vec<&'static Row> {
    let named = || configmgr().iter().filter(|row| row.is_called(name));
    if named().next().is_none() {
        return Vec::new();
    }
    let for_all = match api {
        Api::Cng => "any_cng_certificate",
        Api::Capi => "legacy_certificates",
    };
    let is_meant = |row: &&Row| match row.keys {
        Keys::Both => true,
        Keys::Cng => api == Api::Cng,
        Keys::Capi => api == Api::Capi,
    };
    // What holds for every certificate of the interface comes last, and not twice.
    let own = named().filter(|row| row.id != for_all);
    let every = configmgr().iter().filter(|row| row.id == for_all);
    own.chain(every).filter(is_meant).filter(|row| row.holds(version)).collect()
}

/// What is known of a product, by its id or title.
pub fn product_answer(name: &str) -> Option<&'static Product> {
    let name = name.trim();
    products().iter().find(|row| row.id.eq_ignore_ascii_case(name) || row.title.eq_ignore_ascii_case(name))
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().skip(1).filter(|line| !line.trim().is_empty())
}

/// The fields of a line, if they are as many as the table has columns.
fn fields<const N: usize>(line: &'static str) -> Option<[&'static str; N]> {
    line.split('\t').collect::<Vec<_>>().try_into().ok()
}

fn given(text: &'static str) -> Option<&'static str> {
    (!text.is_empty()).then_some(text)
}

/// An empty field, or a version.
fn bound(text: &str) -> Option<Option<SiteVersion>> {
    if text.is_empty() {
        return Some(None);
    }
    SiteVersion::parse(text).map(Some)
}

fn row(line: &'static str) -> Option<Row> {
    let [id, title, kind, keys, support, since, until, rule, aliases, note, source] = fields(line)?;
    Some(Row {
        id,
        title,
        kind: Kind::parse(kind)?,
        keys: Keys::parse(keys)?,
        support: Support::parse(support)?,
        since: bound(since)?,
        until: bound(until)?,
        rule: given(rule),
        aliases: aliases.split(';').map(str::trim).filter(|alias| !alias.is_empty()).collect(),
        note,
        source,
    })
}

fn product(line: &'static str) -> Option<Product> {
    let [id, title, support, confidence, rule, requirement, note, source] = fields(line)?;
    Some(Product {
        id,
        title,
        support: Support::parse(support)?,
        confidence: Confidence::parse(confidence)?,
        rule: given(rule),
        requirement,
        note,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_row() {
        assert_eq!(configmgr().len(), lines(CONFIGMGR).count());
        assert_eq!(products().len(), lines(PRODUCTS).count());
        assert_eq!((configmgr().len(), products().len()), (47, 24));
        assert_eq!(
            CONFIGMGR.lines().next(),
            Some("id\ttitle\tkind\tapi\tsupport\tsince\tuntil\trule\taliases\tnote\tsource")
        );
        assert_eq!(PRODUCTS.lines().next(), Some("id\tproduct\tsupport\tconfidence\trule\trequirement\tnote\tsource"));
    }

    #[test]
    fn a_line_with_a_field_too_few_or_an_unknown_word_is_no_row() {
        assert!(row("a\tb\trole\tcng\tsupported\t\t\t\t\t\ts").is_some());
        assert!(row("a\tb\trole\tcng\tsupported\t\t\t\t\ts").is_none());
        assert!(row("a\tb\trole\tcng\tmaybe\t\t\t\t\t\ts").is_none());
        assert!(row("a\tb\trole\tcng\tsupported\t1803\t\t\t\t\ts").is_none());
    }

    #[test]
    fn every_statement_has_a_source() {
        assert!(configmgr().iter().all(|row| !row.source.is_empty() && !row.title.is_empty()));
        assert!(products().iter().all(|row| !row.source.is_empty() && !row.requirement.is_empty()));
    }

    #[test]
    fn intervals_of_a_role_do_not_overlap() {
        let versions: Vec<_> = SiteVersion::releases().collect();
        for row in configmgr() {
            for version in &versions {
                let holding = configmgr().iter().filter(|other| other.id == row.id && other.holds(*version)).count();
                assert!(holding <= 1, "{} at {version}", row.id);
            }
        }
    }

    #[test]
    fn products_are_found_by_id_and_title() {
        assert_eq!(product_answer("SQL_SERVER_TLS").map(|row| row.support), Some(Support::Unsupported));
        for row in products() {
            assert_eq!(product_answer(row.title), Some(row));
            assert_eq!(product_answer(row.id), Some(row));
        }
        assert_eq!(product_answer("nothing"), None);
    }
}
