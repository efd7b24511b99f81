//! The page `findings.md`: every rule, and every statement that rules rest on.

use std::fmt::Write as _;

use super::table::{self, Support};
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

/// A rule's link; of statements that no rule judges, the words for it.
fn judged(rule: Option<&str>) -> String {
    const UNTOLD: &str = "no export tells where it applies";
    let is_look_up = |id: &str| RULES.iter().any(|rule| rule.id == id && matches!(rule.applies, Applies::LookUp));
    match rule {
        Some(id) if !is_look_up(id) => format!("`{id}`"),
        _ => UNTOLD.to_owned(),
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
