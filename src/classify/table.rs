//! Reads a provider table: tab-separated UTF-8, one header line, no quoting.
//!
//! The built-in table and `--providers FILE` go through the same door. A table is somebody's statement that a
//! report will rest on, so one bad line refuses the whole file, with its number and the reason.

use std::collections::HashMap;
use std::fmt;

use super::catalogue::{Confidence, Hardware, MatchKind, Row, RowApi};
use super::classes::Classes;
use super::name::is_blank;
use super::verdict::KeyStorage;

/// A table that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueError {
    /// Line, the header being line 1.
    pub line: usize,
    /// One sentence for people.
    pub reason: String,
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for CatalogueError {}

type Set = fn(&mut Draft, &str) -> Result<(), String>;

/// A row under construction, with what tells "not said" from a value.
struct Draft {
    row: Row,
    hardware: Option<Hardware>,
}

/// Every column a table may have: its name, whether it must be there, and what it sets.
const COLUMNS: &[(&str, bool, Set)] = &[
    ("name", true, |draft, text| {
        draft.row.name = text.to_owned();
        Ok(())
    }),
    ("match", true, |draft, text| word(text, MatchKind::WORDS).map(|kind| draft.row.kind = kind)),
    ("api", true, |draft, text| word(text, RowApi::WORDS).map(|api| draft.row.api = api)),
    ("capi_type", false, |draft, text| {
        if !text.is_empty() {
            let number = text.parse().map_err(|_| format!("\"{}\" is no provider type", text.escape_debug()))?;
            draft.row.capi_type = Some(number);
        }
        Ok(())
    }),
    ("vendor", false, |draft, text| {
        draft.row.vendor = text.to_owned();
        Ok(())
    }),
    ("backing", true, |draft, text| class(text).map(|class| draft.row.backing = class)),
    ("also", false, |draft, text| {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            draft.row.also = draft.row.also.with(class(part)?);
        }
        Ok(())
    }),
    ("hardware", false, |draft, text| {
        if !text.is_empty() {
            draft.hardware = Some(word(text, Hardware::WORDS)?);
        }
        Ok(())
    }),
    ("confidence", false, |draft, text| {
        if !text.is_empty() {
            draft.row.confidence = word(text, Confidence::WORDS)?;
        }
        Ok(())
    }),
    ("note", false, |draft, text| {
        draft.row.note = text.to_owned();
        Ok(())
    }),
    ("source", false, |draft, text| {
        draft.row.source = text.to_owned();
        Ok(())
    }),
];

/// Reads a table; the rows keep its order.
pub(super) fn parse(text: &str, is_user: bool) -> Result<Vec<Row>, CatalogueError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines());
    let setters =
        header(lines.next().map_or("", |(_, line)| line)).map_err(|reason| CatalogueError { line: 1, reason })?;
    let mut rows = Vec::new();
    let mut seen = HashMap::new();
    for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
        let row = row(text, line, is_user, &setters).map_err(|reason| CatalogueError { line, reason })?;
        if let Some(first) = seen.insert((row.kind, row.pattern().to_owned()), line) {
            return Err(CatalogueError { line, reason: format!("the same name and match as line {first}") });
        }
        rows.push(row);
    }
    Ok(rows)
}

fn header(line: &str) -> Result<Vec<Set>, String> {
    let names: Vec<&str> = line.split('\t').map(str::trim).collect();
    let mut setters = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let known = COLUMNS.iter().find(|(column, ..)| column == name);
        let Some((.., set)) = known else {
            let columns: Vec<&str> = COLUMNS.iter().map(|(column, ..)| *column).collect();
            return Err(format!("unknown column \"{}\"; columns are {}", name.escape_debug(), columns.join(", ")));
        };
        if names.iter().take(at).any(|earlier| earlier == name) {
            return Err(format!("column \"{name}\" stands twice"));
        }
        setters.push(*set);
    }
    match COLUMNS.iter().find(|(column, required, _)| *required && !names.contains(column)) {
        Some((column, ..)) => Err(format!("column \"{column}\" is missing; the first line names the columns")),
        None => Ok(setters),
    }
}

fn row(text: &str, line: usize, is_user: bool, setters: &[Set]) -> Result<Row, String> {
    let fields = text.split('\t').count();
    if fields != setters.len() {
        return Err(format!("{fields} fields, but the header names {} (separated by tabs)", setters.len()));
    }
    let mut draft = Draft { row: Row::blank(line, is_user), hardware: None };
    for (set, field) in setters.iter().zip(text.split('\t')) {
        set(&mut draft, field)?;
    }
    let mut row = Row::new(draft.row);
    if is_blank(row.pattern().trim()) {
        return Err("a row without a name".to_owned());
    }
    row.hardware = draft.hardware.unwrap_or_else(|| usual_hardware(&row));
    check_hardware(&row)?;
    Ok(row)
}

/// What a row without the column `hardware` means: only what its classes leave no doubt about.
fn usual_hardware(row: &Row) -> Hardware {
    let classes = row.also.with(row.backing);
    let doubtful = matches!(row.backing, KeyStorage::Unknown | KeyStorage::CloudKms)
        || classes.has(KeyStorage::CloudKms)
        || row.confidence == Confidence::Heuristic;
    match (classes.and(Classes::HARDWARE).is_empty(), classes.and(Classes::SOFTWARE).is_empty()) {
        _ if doubtful => Hardware::Depends,
        (true, false) => Hardware::No,
        (false, true) => Hardware::Yes,
        _ => Hardware::Depends,
    }
}

fn check_hardware(row: &Row) -> Result<(), String> {
    let classes = row.also.with(row.backing);
    let fits = match row.hardware {
        Hardware::Depends => true,
        Hardware::Yes => row.backing != KeyStorage::Unknown && classes.and(Classes::SOFTWARE).is_empty(),
        Hardware::No => row.backing != KeyStorage::Unknown && classes.and(Classes::HARDWARE).is_empty(),
    };
    if fits {
        return Ok(());
    }
    Err(format!("hardware \"{}\" contradicts the backing", row.hardware.as_str()))
}

fn word<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, String> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    Err(format!("\"{}\" is none of {}", text.escape_debug(), known.join(", ")))
}

fn class(text: &str) -> Result<KeyStorage, String> {
    match KeyStorage::parse(text) {
        Some(class) if class != KeyStorage::None => Ok(class),
        _ => Err(format!("\"{}\" is no key storage class", text.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "name\tmatch\tapi\tbacking\n";

    fn error(table: &str) -> (usize, String) {
        let error = parse(table, true).map(|rows| rows.len()).expect_err("the table is wrong");
        (error.line, error.reason)
    }

    #[test]
    fn the_four_required_columns_are_enough_and_order_is_free() {
        let rows = parse("\u{feff}backing\tapi\tmatch\tname\r\nhsm\tcng\tprefix\tAcme \r\n\r\n", true);
        let rows = rows.expect("a good table");
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].pattern(), rows[0].hardware, rows[0].line), ("acme ", Hardware::Yes, 2));
        assert_eq!((rows[0].confidence, rows[0].is_user), (Confidence::Inferred, true));
    }

    #[test]
    fn hardware_follows_from_the_classes_where_it_is_not_said() {
        let table = "name\tmatch\tapi\tbacking\talso\na\texact\tcng\tsoftware\tvbs\nb\texact\tcng\tcloud_kms\t\n\
                     c\texact\tcng\tunknown\t\nd\texact\tcng\tusb_token\tsmart_card, software\n";
        let rows = parse(table, true).expect("a good table");
        let hardware: Vec<_> = rows.iter().map(|row| row.hardware).collect();
        assert_eq!(hardware, [Hardware::No, Hardware::Depends, Hardware::Depends, Hardware::Depends]);
    }

    #[test]
    fn every_mistake_names_its_line() {
        assert_eq!(error("").0, 1);
        assert!(error("name\tmatch\tapi\n").1.contains("\"backing\" is missing"));
        assert!(error("name\tmatch\tapi\tbacking\tcolour\n").1.contains("unknown column \"colour\""));
        assert!(error("name\tname\tmatch\tapi\tbacking\n").1.contains("twice"));
        for (row, reason) in [
            ("Acme\texact\tcng", "3 fields"),
            ("Acme\texact\tcng\thsm\t", "5 fields"),
            ("Acme\tsuffix\tcng\thsm", "\"suffix\" is none of exact, prefix, contains"),
            ("Acme\texact\tCNG\thsm", "\"CNG\" is none of"),
            ("Acme\texact\tcng\tusb-token", "no key storage class"),
            ("Acme\texact\tcng\tnone", "no key storage class"),
            ("\u{a0}\texact\tcng\thsm", "without a name"),
            ("(null)\texact\tcng\thsm", "without a name"),
            ("Good one\u{ae}\texact\tcng\thsm", "same name and match as line 2"),
        ] {
            let (line, message) = error(&format!("{HEADER}Good one\texact\tcng\thsm\n{row}\n"));
            assert_eq!(line, 3, "{row:?}");
            assert!(message.contains(reason), "{row:?}: {message}");
        }
        let contradiction = "name\tmatch\tapi\tbacking\thardware\nAcme\texact\tcng\tsoftware\tyes\n";
        assert!(error(contradiction).1.contains("contradicts"));
    }
}
