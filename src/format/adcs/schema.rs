//! The schema that `certutil -view` prints before its rows: which columns follow, and under which labels.
//!
//! Column names are the database's own and never translated; labels, types and everything else may be in any language.

use super::row::Field;

/// Most columns of a schema. The Request table has about eighty.
const MAX_COLUMNS: usize = 1024;

/// Which table of the database the rows are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Table {
    /// Requests, and what was issued.
    #[default]
    Requests,
    /// Attributes of requests, one a row.
    Attributes,
    /// Extensions, one a row.
    Extensions,
    /// Revocation lists.
    Crls,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// What it is to this reader.
    pub field: Field,
    /// How rows call it.
    pub label: String,
    /// Another column has the same label.
    pub is_ambiguous: bool,
}

/// The columns of the rows that follow, in their order.
#[derive(Debug, Default)]
pub struct Schema {
    /// Columns in the order of the rows.
    pub columns: Vec<Column>,
    /// The table they are of.
    pub table: Table,
    /// Blanks that every line was indented by.
    pub indent: usize,
}

impl Schema {
    /// Adds the column that a line names; false where it names none, or the first one is not known.
    pub fn add(&mut self, line: &str) -> bool {
        // Later versions may have more columns, but not only those.
        let is_known = |name: &str| !self.columns.is_empty() || table_of(name).is_some();
        let Some((name, label)) = split(line).filter(|(name, _)| is_known(name)) else { return false };
        if self.columns.len() == MAX_COLUMNS {
            return true;
        }
        if self.columns.is_empty() {
            self.table = table_of(name).unwrap_or_default();
        }
        let mut is_ambiguous = false;
        for other in self.columns.iter_mut().filter(|other| other.label == label) {
            other.is_ambiguous = true;
            is_ambiguous = true;
        }
        self.columns.push(Column { field: Field::of_column(name), label: label.into(), is_ambiguous });
        true
    }

    /// The column that this line begins, at or after the column `from`, and the text of its value.
    pub fn find<'t>(&self, line: &'t str, from: usize) -> Option<(usize, &'t str)> {
        let columns = self.columns.iter().enumerate().skip(from);
        columns.filter_map(|(number, column)| Some((number, after_label(line, &column.label)?))).next()
    }
}

/// What follows a label and its colon. French has a blank, which may not break, before the colon; East Asian languages
/// may have a wide colon.
fn after_label<'t>(line: &'t str, label: &str) -> Option<&'t str> {
    let rest = line.strip_prefix(label)?.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    Some(rest.strip_prefix([':', '\u{ff1a}'])?.trim_ascii_start())
}

/// Name and label of a line of a schema. Names longer than their column push the rest to the right, so only runs of
/// blanks separate, and a label may hold single ones.
fn split(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let name_end = line.find([' ', '\t'])?;
    let (name, rest) = line.split_at(name_end);
    let rest = rest.trim();
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    // From the end: the greatest length, and the type.
    let (rest, length) = rest.rsplit_once("  ")?;
    let (label, kind) = rest.trim_end().rsplit_once("  ")?;
    let is_length = length.trim().starts_with(|c: char| c.is_ascii_digit());
    (is_name && is_length && !kind.trim().is_empty())
        .then(|| (name, label.trim()))
        .filter(|(_, label)| !label.is_empty())
}

/// The rule under the titles of a schema: four groups of dashes.
pub fn is_rule(line: &str) -> bool {
    let bytes = line.trim_ascii().as_bytes();
    if bytes.first() != Some(&b'-') {
        return false;
    }
    let mut groups = 0;
    bytes.split(|b| *b == b' ').filter(|group| !group.is_empty()).all(|group| {
        groups += 1;
        group.len() >= 4 && group.iter().all(|b| *b == b'-')
    }) && groups == 4
}

/// This text has a rule with a column of the database under it. Tables of other programs have rules of dashes, too.
pub fn is_in(text: &[u8]) -> bool {
    let mut after_rule = false;
    text.split(|b| *b == b'\n').any(|line| {
        let may_matter = after_rule || line.trim_ascii_start().starts_with(b"----");
        let Some(line) = may_matter.then(|| String::from_utf8_lossy(line)) else { return false };
        let is_column = after_rule && Schema::default().add(&line);
        after_rule = is_rule(&line);
        is_column
    })
}

/// The table that has a column of this name ([MS-CSRA] 3.1.1).
fn table_of(name: &str) -> Option<Table> {
    let is_issued = || ISSUED.binary_search(&name).is_ok();
    match name {
        _ if name.starts_with("Request.") || is_issued() => Some(Table::Requests),
        _ if name.starts_with("Attribute") => Some(Table::Attributes),
        _ if name.starts_with("Extension") => Some(Table::Extensions),
        _ if name.starts_with("CRL") => Some(Table::Crls),
        _ => None,
    }
}

/// Columns of the Request table that stand for what was issued and have no prefix, sorted.
const ISSUED: &[&str] = &[
    "CallerName",
    "CertificateHash",
    "CertificateTemplate",
    "CommonName",
    "Country",
    "DeviceSerialNumber",
    "DistinguishedName",
    "DomainComponent",
    "EMail",
    "EnrollmentFlags",
    "GeneralFlags",
    "GivenName",
    "Initials",
    "IssuerNameID",
    "Locality",
    "NotAfter",
    "NotBefore",
    "OrgUnit",
    "Organization",
    "PrivatekeyFlags",
    "PublicKeyAlgorithm",
    "PublicKeyLength",
    "PublishExpiredCertInCRL",
    "RawCertificate",
    "RawName",
    "RawPublicKey",
    "RawPublicKeyAlgorithmParameters",
    "RequestID",
    "SerialNumber",
    "State",
    "StreetAddress",
    "SubjectKeyIdentifier",
    "SurName",
    "Title",
    "UPN",
    "UnstructuredAddress",
    "UnstructuredName",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(ISSUED.is_sorted());
    }

    #[test]
    fn a_column_is_read_though_its_name_overflows() {
        let lines = [
            ("  Request.RequestID             Request ID                    Long    4 -- Indexed", "Request ID"),
            (
                "  Request.EndorsementCertificateHash  Endorsement Certificate Hash  String  144 -- Indexed",
                "Endorsement Certificate Hash",
            ),
            ("  CommonName    Ausgestellter allgemeiner Name   Zeichenfolge  8192", "Ausgestellter allgemeiner Name"),
        ];
        for (line, label) in lines {
            let mut schema = Schema::default();
            assert!(schema.add(line), "{line}");
            assert_eq!(schema.columns[0].label, label);
        }
        for line in
            ["  Status   Name   DisplayName  4", "  CommonName  x  4", "  Request.RequestID Request ID Long x", ""]
        {
            assert!(!Schema::default().add(line), "{line}");
        }
    }

    #[test]
    fn labels_of_any_punctuation_are_found_from_a_position_on() {
        let mut schema = Schema::default();
        for line in ["  RequestID  Nummer  Long  4", "  CommonName  Name  String  4", "  Title  Name  String  4"] {
            assert!(schema.add(line));
        }
        assert_eq!(schema.find("Name: \"x\"", 0), Some((1, "\"x\"")));
        assert_eq!(schema.find("Name\u{a0}: \"x\"", 2), Some((2, "\"x\"")));
        assert_eq!(schema.find("Nummer\u{ff1a}0x3", 0), Some((0, "0x3")));
        assert_eq!(schema.find("Nummer: 0x3", 1), None);
        assert_eq!(schema.find("Namen: 0x3", 0), None);
        assert!(schema.columns[1].is_ambiguous && schema.columns[2].is_ambiguous && !schema.columns[0].is_ambiguous);
    }

    #[test]
    fn tables_of_other_programs_are_none() {
        let table = "Status   Name    Display  Kind\n------   ----    -------  ----\nRunning  a       b        4\n";
        assert!(!is_in(table.as_bytes()));
        let ours = "  A  B  C  D\r\n  ----  ----  ----  ----\r\n  UPN  Benutzer  String  4\r\n";
        assert!(is_in(ours.as_bytes()));
    }
}
