//! The rules of `findings` through the real binary, on a small fleet made for them (`samples/fleet`).
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use certcensus::findings::{Applies, RULES};
use serde_json::json;
use support::{Bench, Report, Row, samples};

fn fleet(bench: &Bench, more: &[&str]) -> Report {
    let args = [&["--as-of", "2026-11-23"], more].concat();
    bench.scan(&[&samples().join("fleet")], "report", &args)
}

fn of<'r>(rows: &'r [Row], rule: &str) -> Vec<&'r Row> {
    rows.iter().filter(|row| row["rule"] == rule).collect()
}

fn ids(rows: &[Row], column: &str) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row.get(column)).map(ToString::to_string).collect()
}

#[test]
fn every_rule_fires_and_stays_silent_on_the_fleet() {
    let bench = Bench::new();
    let report = fleet(&bench, &[]);
    assert_eq!(report.rows("rejects").len(), 0, "{:?}", report.rows("rejects"));
    let findings = report.rows("findings");
    let all: BTreeMap<&str, BTreeSet<String>> = [
        ("key", ids(&report.rows("keys"), "key_id")),
        ("client", ids(&report.rows("clients"), "client")),
        ("template", ids(&report.rows("templates"), "template_name")),
        ("source", ids(&report.rows("sources"), "source_id")),
    ]
    .into();
    for rule in RULES {
        let hits = of(&findings, rule.id);
        let (kind, column) = match rule.applies {
            Applies::Key(_) | Applies::KeyOfClient(..) => ("key", "key_id"),
            Applies::Client(_) => ("client", "client"),
            Applies::Template(_) => ("template", "concerned"),
            Applies::AtOnce => ("source", "source_id"),
            Applies::LookUp => {
                assert!(hits.is_empty(), "no export tells where {} applies", rule.id);
                continue;
            }
        };
        let hit: BTreeSet<String> = hits.iter().map(|row| row[column].to_string()).collect();
        assert!(!hit.is_empty(), "{} never fires", rule.id);
        assert!(hit.is_subset(&all[kind]), "{}: {hit:?}", rule.id);
        assert!(hit.len() < all[kind].len(), "{} is never silent: {hit:?}", rule.id);
        for row in hits {
            // A statement about a role or use has a page of its own.
            let has_statements = rule.id.starts_with("configmgr_");
            assert!(row["rule_source"] == rule.source || has_statements, "{row:?}");
            assert!(!row["rule_source"].as_str().unwrap().is_empty());
            assert!(!row["message"].as_str().unwrap().is_empty());
        }
    }
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert!(findings.iter().all(|row| known.contains(row["rule"].as_str().unwrap())));
}

#[test]
fn findings_name_what_they_concern() {
    let bench = Bench::new();
    let report = fleet(&bench, &[]);
    let (findings, keys) = (report.rows("findings"), report.rows("keys"));
    let one = |rule: &str, column: &str, value: &str| {
        let rows = of(&findings, rule);
        let found: Vec<_> = rows.iter().filter(|row| row.get(column).is_some_and(|v| v == value)).collect();
        assert_eq!(found.len(), 1, "{rule} {value}: {rows:?}");
        (*found[0]).clone()
    };
    // The site's version comes from the export of its servers, whose full names join the collections' short ones.
    let client = one("configmgr_client_certificate", "client", "ws-0002");
    assert_eq!(client["status"], "blocks");
    assert!(client["message"].as_str().unwrap().contains("2309"), "{client:?}");
    let role = one("configmgr_role_certificate", "client", "cm-0002");
    assert_eq!((&role["status"], &role["scenario"]), (&json!("blocks"), &json!("enrollment_point")));
    let key = keys.iter().find(|key| key["client"] == "cm-0002").unwrap();
    assert_eq!(role["key_id"], key["key_id"], "the key behind the binding");
    // The option wins, and an old version takes no CNG key.
    let old = Bench::new();
    let findings_of_old = fleet(&old, &["--site-version", "1702"]).rows("findings");
    let clients = of(&findings_of_old, "configmgr_client_certificate");
    let blocked = clients.iter().filter(|row| row["status"] == "blocks").count();
    assert!(blocked > 2 && clients.iter().all(|row| row["status"] != "unknown"), "{clients:?}");
    let change = one("smart_card_change", "client", "ws-0006");
    for part in ["DisableCapiOverrideForRSA: 0", "6899", "oldvpn.exe", "February 2027"] {
        assert!(change["message"].as_str().unwrap().contains(part), "{part} of {change:?}");
    }
}

#[test]
fn clients_tell_how_far_they_are() {
    let bench = Bench::new();
    let report = fleet(&bench, &[]);
    let (clients, findings) = (report.rows("clients"), report.rows("findings"));
    for client in &clients {
        let count = |column: &str| client[column].as_i64().unwrap();
        assert_eq!(count("keys"), count("keys_capi") + count("keys_cng") + count("keys_api_unknown"), "{client:?}");
        for (column, status) in
            [("findings_block", "blocks"), ("findings_warn", "warns"), ("findings_unknown", "unknown")]
        {
            let rows = findings.iter().filter(|row| row.get("client") == client.get("client"));
            let mut rows: Vec<_> = rows.filter(|row| row["status"] == status).collect();
            // What concerns no client stands in no client's counts.
            rows.retain(|row| row.contains_key("client"));
            if client.contains_key("client") {
                assert_eq!(count(column), rows.len() as i64, "{column} of {client:?}: {rows:?}");
            }
        }
    }
    assert!(clients.iter().any(|client| client["findings_block"] == 0));
}

#[test]
fn without_a_date_nothing_expires_and_a_page_tells_every_rule() {
    let bench = Bench::new();
    let report = bench.scan(&[&samples().join("fleet")], "report", &[]);
    let findings = report.rows("findings");
    assert!(of(&findings, "expired_certificate").is_empty() && of(&findings, "expiring_certificate").is_empty());
    let page = std::fs::read_to_string(report.path.join("findings.md")).unwrap();
    assert!(RULES.iter().all(|rule| page.contains(rule.id) && page.contains(rule.source)));
    let out = bench.run(&["scan", "report", "-o", "other", "--site-version", "nonsense"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn there_are_at_most_one_and_a_half_findings_for_each_private_key_observation() {
    let bench = Bench::new();
    bench.fleet("synthetic", &certcensus::synth::Options { clients: 60, ..certcensus::synth::Options::default() });
    let report = bench.scan(&[&bench.path("synthetic")], "report", &["--as-of", "2026-11-23"]);
    let observations = report.rows("observations");
    let with_key = observations.iter().filter(|row| row.contains_key("key_id")).count();
    let findings = report.rows("findings").len();
    println!("{findings} findings of {with_key} observations with a key");
    assert!(with_key > 200 && 2 * findings <= 3 * with_key, "{findings} findings of {with_key}");
}

#[test]
fn a_key_of_a_report_is_explained_with_its_evidence_and_findings() {
    let bench = Bench::new();
    let report = fleet(&bench, &[]);
    let keys = report.rows("keys");
    let key = keys.iter().find(|key| key["client"] == "ws-0006").unwrap();
    let id = key["key_id"].as_str().unwrap();
    let out = bench.run(&["explain", id, "--report", "report"]);
    let told = String::from_utf8(out.stdout).unwrap();
    for part in
        ["API capi (recorded)", "provider_type = \"1\" says capi", "clients.ndjson @", "smart_card_csp_key warns"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let evidence = report.rows("evidence");
    let pieces = evidence.iter().filter(|row| row["key_id"] == id).count();
    assert_eq!(told.matches("because").count(), pieces, "{told}");
    assert_eq!(bench.run(&["explain", "00", "--report", "report"]).status.code(), Some(2));
}

#[test]
fn roles_are_judged_by_the_version_of_their_own_site() {
    let roles = "\"SiteCode\",\"RoleName\",\"NetworkOSPath\"\n\"GR1\",\"SMS Management Point\",\"\\\\mp-1\"\n\
                 \"GR2\",\"SMS Management Point\",\"\\\\mp-2\"\n\"GR3\",\"SMS Management Point\",\"\\\\mp-3\"\n";
    let sites = "\"BuildNumber\",\"ServerName\",\"SiteCode\",\"SiteName\",\"Version\"\n\
                 \"8577\",\"cm-1\",\"GR1\",\"Grove\",\"5.00.8577.1000\"\n\
                 \"9122\",\"cm-2\",\"gr2\",\"Glade\",\"5.00.9122.1000\"\n";
    // Read before and behind the roles.
    for name in ["a.csv", "z.csv"] {
        let bench = Bench::new();
        let folder = bench.path("in");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("roles.csv"), roles).unwrap();
        std::fs::write(folder.join(name), sites).unwrap();
        let report = bench.scan(&[&folder], "report", &[]);
        let findings = report.rows("findings");
        for (client, part) in
            [("mp-1", "site version 1710: "), ("mp-2", "site version 2309: "), ("mp-3", "site version not known: ")]
        {
            let found: Vec<_> = of(&findings, "configmgr_role_certificate");
            let found: Vec<_> = found.iter().filter(|row| row["client"] == client).collect();
            assert_eq!(found.len(), 1, "{findings:?}");
            assert!(found[0]["message"].as_str().unwrap().contains(part), "{:?}", found[0]);
        }
    }
}
