//! The page `findings.md`: every rule, and every statement that rules rest on.

use std::fmt::Write as _;

use super::table::{self, Row, Support};
use super::{Applies, RULES};

/// The page, Markdown.
pub fn page() -> String {
    let mut text = String::from(
        "# Findings\n\nThe table `findings` has what these rules found. A status is `blocks` (it does not work, or is not \
         allowed), `warns` (it works, and should not stay so, or works in part), `ok`, `not_listed` (the documents say neither) \
         or `unknown` (what would decide is not known).\n\n## Rules\n",
    );
    for rule in RULES {
        let _ = write!(text, "\n### {}\n\n{}.\n\n{}\n\n", rule.id, rule.title, rule.why);
        let _ = writeln!(text, "- Severity: {}", rule.severity.as_str());
        if let Some(product) = rule.product {
            let _ = writeln!(text, "- Product: {product}");
        }
        if let Some(versions) = rule.versions {
            let _ = writeln!(text, "- Versions: {versions}");
        }
        let _ = writeln!(text, "- Judges {}", rule.applies.as_str());
        let _ = writeln!(text, "- What to do: {}", rule.what_to_do);
        let _ = writeln!(text, "- Source: {}", rule.source);
    }
    configmgr(&mut text);
    products(&mut text);
    text
}

/// A rule's id; of statements that no rule judges, the words for it.
fn judged(rule: Option<&str>) -> &str {
    const UNTOLD: &str = "no export tells where it applies";
    let is_look_up = |id: &str| RULES.iter().any(|rule| rule.id == id && matches!(rule.applies, Applies::LookUp));
    match rule {
        Some(id) if !is_look_up(id) => id,
        _ => UNTOLD,
    }
}

/// What a statement says, for people.
fn said(support: Support) -> &'static str {
    match support {
        Support::NotListed => "not listed",
        Support::Required => "only CNG works",
        other => other.as_str(),
    }
}

/// What the tables say of a role, a use or a product, by its id, its title or a name of several words, and which of them
/// belong to a rule that judges nothing; `None` where they do not have it.
pub fn statements(name: &str) -> Option<String> {
    let name = name.trim();
    let mut text = String::new();
    let rows = table::configmgr().iter();
    // Short names as `CNG` and `client` may mean anything.
    let is_meant = |row: &&Row| row.is_called(name) && (name.contains([' ', '_']) || row.id.eq_ignore_ascii_case(name));
    for row in rows.filter(is_meant) {
        let _ = writeln!(text, "{} (Configuration Manager, {}): {}", row.id, row.versions(), row.title);
        let _ = writeln!(text, "  {} keys: {}", row.keys.as_str(), said(row.support));
        tell(&mut text, &[("note", row.note), ("judged by", judged(row.rule)), ("source", row.source)]);
    }
    for (id, title) in looked_up(name) {
        let _ = writeln!(text, "  {id}: {title}");
    }
    if let Some(row) = table::product_answer(name) {
        let _ = writeln!(text, "{} ({}): {}", row.id, row.confidence.as_str(), row.title);
        let _ = writeln!(text, "  CNG keys: {}", said(row.support));
        let told = [("needs or takes", row.requirement), ("note", row.note), ("judged by", judged(row.rule))];
        tell(&mut text, &told);
        tell(&mut text, &[("source", row.source)]);
    }
    (!text.is_empty()).then_some(text)
}

/// Ids and titles of the statements that belong to a rule of [`Applies::LookUp`]: those that no rule judges.
fn looked_up(rule: &str) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<_> = match rule {
        id if id == super::configmgr::OTHER_USES.id => {
            table::configmgr().iter().filter(|row| row.rule.is_none()).map(|row| (row.id, row.title)).collect()
        }
        id if id == super::products::OTHER_PRODUCTS.id => {
            table::products().iter().filter(|row| row.rule.is_none()).map(|row| (row.id, row.title)).collect()
        }
        _ => Vec::new(),
    };
    found.dedup();
    found
}

fn tell(text: &mut String, said: &[(&str, &str)]) {
    for (what, said) in said.iter().filter(|(_, said)| !said.is_empty()) {
        let _ = writeln!(text, "  {what}: {said}");
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn configmgr(text: &mut String) {
    *text += "\n## Configuration Manager and CNG keys\n\nA statement holds for the versions that are named. Keys in CryptoAPI go \
              on working.\n\n| Role or use | Keys | Says | Versions | Note | Judged by | Source |\n|---|---|---|---|---|---|---|\n";
    for row in table::configmgr() {
        let cells = [row.title, row.keys.as_str(), said(row.support)].map(cell).join(" | ");
        let (versions, judged) = (row.versions(), judged(row.rule));
        let _ = writeln!(text, "| {cells} | {versions} | {} | {judged} | {} |", cell(row.note), cell(row.source));
    }
}

fn products(text: &mut String) {
    *text += "\n## Other products and CNG keys\n\n| Product | CNG keys | Needs or takes | Known | Note | Judged by | Source \
              |\n|---|---|---|---|---|---|---|\n";
    for row in table::products() {
        let cells =
            [row.title, said(row.support), row.requirement, row.confidence.as_str(), row.note].map(cell).join(" | ");
        let _ = writeln!(text, "| {cells} | {} | {} |", judged(row.rule), cell(row.source));
    }
}
