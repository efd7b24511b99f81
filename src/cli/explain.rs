//! `certcensus explain`: what is known of a provider name, a rule or a reject code, and from where.

use std::fmt::Write as _;

use super::args::Explain;
use super::explain_key;
use super::paint::escape;
use super::scan::catalogue;
use super::{Exit, print};
use crate::classify::rules::{self, RULES, Rule};
use crate::classify::{Explanation, explain_provider};
use crate::error::Error;
use crate::findings;
use crate::record::Code;

/// Explains one thing, or lists what can be explained beside provider names.
pub fn run(options: &Explain) -> Result<Exit, Error> {
    let Some(what) = options.what.as_deref().filter(|_| !options.list) else {
        print(&list())?;
        return Ok(Exit::Done);
    };
    let id = what.trim().to_lowercase();
    if let Some(report) = &options.report {
        return match explain_key::tell(report, &id)? {
            Some(text) => print(&text).map(|()| Exit::Done),
            None => Err(Error::Usage(format!("{} has no key {id}", report.display()))),
        };
    }
    if let Some(rule) = rules::find(&id) {
        print(&tell_rule(rule))?;
        return Ok(Exit::Done);
    }
    if let Some(rule) = findings::find(&id) {
        print(&(tell_finding(rule) + &findings::statements(&id).unwrap_or_default()))?;
        return Ok(Exit::Done);
    }
    if let Some(text) = findings::statements(&id) {
        print(&text)?;
        return Ok(Exit::Done);
    }
    if let Some(code) = Code::ALL.iter().find(|code| code.as_str() == id) {
        print(&format!("{} (reject code)\n  {}\n", code.as_str(), code.doc()))?;
        return Ok(Exit::Done);
    }
    let explanation = explain_provider(&catalogue(options.providers.as_deref())?, what);
    print(&tell_provider(what, &explanation))?;
    Ok(Exit::Done)
}

fn list() -> String {
    let mut text = String::from("Rules (columns key_api_rule, key_storage_rule), strongest first\n");
    for rule in RULES {
        let _ = writeln!(text, "  {:<24} {}", rule.id, rule.title);
    }
    text += "\nRules about the use of keys (column rule of findings)\n";
    for rule in findings::RULES {
        let _ = writeln!(text, "  {:<24} {}", rule.id, rule.title);
    }
    text += "\nReject codes (column code of rejects)\n";
    for code in Code::ALL {
        let _ = writeln!(text, "  {:<24} {}", code.as_str(), code.doc());
    }
    text
}

fn tell_finding(rule: &findings::Rule) -> String {
    let findings::Rule { id, title, why, what_to_do, severity, product, versions, source, applies } = rule;
    let severity = severity.as_str();
    let mut text = format!("{id} (finding, {severity}): {title}\n  {why}\n  what to do: {what_to_do}\n");
    for (what, said) in [("product", product), ("versions", versions)] {
        if let Some(said) = said {
            let _ = writeln!(text, "  {what}: {said}");
        }
    }
    let _ = writeln!(text, "  judges: {}\n  source: {source}", applies.as_str());
    text
}

fn tell_rule(rule: &Rule) -> String {
    let rank = |rank: Option<u8>| rank.map_or("says nothing".to_owned(), |n| format!("rank {n}"));
    let grades: Vec<_> = rule.grades.iter().map(|g| g.as_str()).collect();
    format!(
        "{} (rule): {}\n  {}\n  on the API: {}; on storage: {}; grades: {}\n  source: {}\n",
        rule.id,
        rule.title,
        rule.text,
        rank(rule.api_rank),
        rank(rule.storage_rank),
        if grades.is_empty() { "none".to_owned() } else { grades.join(", ") },
        rule.source,
    )
}

fn tell_provider(name: &str, e: &Explanation) -> String {
    let mut text = format!("{:?} (provider name)\n  compared as {:?}\n", escape(name), escape(&e.normalised));
    if e.rows.is_empty() {
        text += "  not in the catalogue: a scan concludes nothing from it\n";
        text += "  --providers FILE adds names; `certcensus explain --list` lists rules and codes\n";
        return text;
    }
    for (nth, row) in e.rows.iter().enumerate() {
        let speaks = if nth == 0 { "decides" } else { "also matches" };
        let _ = writeln!(
            text,
            "  {speaks}: {} {:?}: API {}, storage {}, hardware {}, {}{}",
            row.kind.as_str(),
            row.name,
            row.api.as_str(),
            row.backing.as_str(),
            row.hardware.as_str(),
            row.confidence.as_str(),
            if row.is_user { " (from --providers)" } else { "" },
        );
        for (what, said) in [("vendor", &row.vendor), ("note", &row.note), ("source", &row.source)] {
            if !said.is_empty() {
                let _ = writeln!(text, "      {what}: {said}");
            }
        }
    }
    let v = &e.verdicts;
    let grade = |g: Option<crate::classify::Grade>| g.map_or("no grade", |g| g.as_str());
    let hardware = v.hardware_backed.map_or("null".to_owned(), |h| h.to_string());
    let _ = writeln!(
        text,
        "  from the name alone a scan concludes: key_api {} ({}), key_storage {} ({}), hardware_backed {hardware}",
        v.api.value.as_str(),
        grade(v.api.grade),
        v.storage.value.as_str(),
        grade(v.storage.grade),
    );
    text
}
