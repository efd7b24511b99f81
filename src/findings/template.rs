//! What Configuration Manager asks of certificate templates whose certificates have CNG keys: requirements and
//! recommendations, each with the value met and the value needed.

use super::configmgr::PRODUCT;
use super::facts::TemplateFacts;
use super::table;
use super::{Applies, Context, Outcome, Rule, Severity, Status, short};

const WHY: &str = "With CNG, clients of Configuration Manager work with certificates of templates that are made this way. Said \
                   of templates for client authentication, but for those that say they are for users.";

const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
/// anyExtendedKeyUsage (RFC 5280 4.2.1.12).
const ANY_USE: &str = "2.5.29.37.0";
const SOFTWARE_KSP: &str = "Microsoft Software Key Storage Provider";
const KSP: &str = "key_storage_provider";

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $severity:ident, $judge:ident, $versions:literal, $title:literal, $todo:literal, $source:literal;)+) => {
        $($(#[doc = $doc])+
        pub static $name: Rule = Rule {
            id: $id,
            title: $title,
            why: WHY,
            what_to_do: $todo,
            severity: Severity::$severity,
            product: Some(PRODUCT),
            versions: Some($versions),
            source: $source,
            applies: Applies::Template($judge),
        };)+
    };
}

rules! {
    /// Oldest certification authority.
    CA_COMPATIBILITY = "configmgr_template_ca_compatibility", Medium, ca_compatibility, "1710 and later",
        "Template: compatibility of the certification authority",
        "Set the compatibility of the certification authority to Windows Server 2012 or later.",
        "MicrosoftDocs/SCCMdocs sccm/core/plan-design/network/cng-certificates-overview.md @ebbcdb549 (2017-11-15)";
    /// Oldest recipient.
    RECIPIENT_COMPATIBILITY = "configmgr_template_recipient_compatibility", Medium, recipient_compatibility, "1710 and later",
        "Template: compatibility of the recipient",
        "Set the compatibility of the recipient to Windows 8 and Server 2012 or later.",
        "MicrosoftDocs/SCCMdocs sccm/core/plan-design/network/cng-certificates-overview.md @ebbcdb549 (2017-11-15)";
    /// Kind of provider.
    PROVIDER_CATEGORY = "configmgr_template_provider_category", Low, provider_category, "1710 and later",
        "Template: provider category",
        "Choose the category Key Storage Provider, if keys are to be in CNG; certificates with CryptoAPI keys go on working.",
        "MicrosoftDocs/SCCMdocs sccm/core/plan-design/network/cng-certificates-overview.md @ebbcdb549 (2017-11-15)";
    /// Algorithm of the key.
    ALGORITHM = "configmgr_template_algorithm", High, algorithm, "2103 and later; clients take RSA alone since 1710",
        "Template: algorithm of the key",
        "Choose RSA.",
        "MicrosoftDocs/memdocs memdocs/configmgr/core/plan-design/network/cng-certificates-overview.md @008cd388 (2021-04-30)";
    /// The provider of requests.
    SOFTWARE_PROVIDER = "configmgr_template_software_provider", Low, software_provider, "1806 and later",
        "Template: provider that requests must use",
        "Nothing, if the keys are meant to be in the TPM: the same page of Microsoft names such keys as supported. Else let \
         requests use the Microsoft Software Key Storage Provider.",
        "MicrosoftDocs/SCCMdocs sccm/core/plan-design/network/cng-certificates-overview.md @f4c0d4ded (2018-07-28); \
         MicrosoftDocs/memdocs memdocs/configmgr/core/plan-design/network/cng-certificates-overview.md @c273b532 (2021-07-19)";
    /// Names.
    SUBJECT = "configmgr_template_subject", Low, subject, "1710 and later",
        "Template: subject and alternative name",
        "Let the subject be built from Active Directory, with the DNS name as subject and as alternative name; or have requests \
         bring both.",
        "MicrosoftDocs/SCCMdocs sccm/core/plan-design/network/cng-certificates-overview.md @ebbcdb549 (2017-11-15)";
}

/// Whether a row speaks of this template: it is for client authentication of machines, as far as it says whose, and the
/// site's version, where known, is one of the row's.
fn applies(template: &TemplateFacts, row: &str, context: &Context<'_>) -> bool {
    if template.is_machine == Some(false) {
        return false;
    }
    if !template.eku.iter().chain(&template.application_policies).any(|oid| oid == CLIENT_AUTH || oid == ANY_USE) {
        return false;
    }
    let row = table::configmgr().iter().find(|known| known.id == row);
    row.is_none_or(|row| context.site_version().is_none_or(|version| row.holds(version)))
}

/// What must be, and is not: it blocks where keys are to be in CNG, and is worth knowing where they are not.
fn failed(template: &TemplateFacts) -> Status {
    if template.provider_category.as_deref() == Some(KSP) { Status::Blocks } else { Status::Warns }
}

/// What is said of a template by the row of the table with the scenario's name. Where the site's version is not known: for the
/// versions of that row, and for no other.
fn outcome(
    (rule, scenario): (&'static Rule, &'static str),
    status: Status,
    met: &str,
    needed: &str,
    context: &Context<'_>,
) -> Option<Outcome> {
    let message = format!("met: {}; needed: {needed}", short(met));
    let row = table::configmgr().iter().find(|row| row.id == scenario && context.site_version().is_none());
    let range = row.and_then(|row| match (row.since, row.until) {
        (None, None) => None,
        (None, Some(until)) => Some(format!("before {until}")),
        (Some(since), Some(until)) => Some(format!("from {since}, before {until}")),
        (Some(since), None) => Some(format!("from {since}")),
    });
    let message = match range {
        Some(range) => format!("site version not known: {range} {} ({message})", status.as_str()),
        None => message,
    };
    Some(Outcome::new(rule, status, "template", message).in_scenario(scenario))
}

/// Judges a compatibility: its place among the known values, the first that will do and the first that is recommended.
fn compatibility(
    (rule, scenario): (&'static Rule, &'static str),
    template: &TemplateFacts,
    met: Option<&str>,
    (known, enough, recommended): (&[&str], usize, usize),
    context: &Context<'_>,
) -> Option<Outcome> {
    let name = |at: usize| known.get(at).copied().unwrap_or_default();
    let needed = format!("{} or later, {} or later recommended", name(enough), name(recommended));
    let status = match met.and_then(|met| known.iter().position(|known| *known == met)) {
        Some(at) if at >= recommended => Status::Ok,
        Some(at) if at >= enough => Status::Warns,
        Some(_) => failed(template),
        None => Status::Unknown,
    };
    let outcome = outcome((rule, scenario), status, met.unwrap_or("not known"), &needed, context)?;
    // A recommendation that is not followed is less than a requirement.
    let is_recommendation =
        status == Status::Warns && met.is_some_and(|met| known.iter().skip(enough).any(|k| *k == met));
    Some(if is_recommendation { outcome.with_severity(Severity::Low) } else { outcome })
}

fn ca_compatibility(template: &TemplateFacts, context: &Context<'_>) -> Option<Outcome> {
    const KNOWN: [&str; 6] = [
        "windows_server_2003",
        "windows_server_2008",
        "windows_server_2008_r2",
        "windows_server_2012",
        "windows_server_2012_r2",
        "windows_server_2016",
    ];
    let row = "template_ca_compatibility";
    applies(template, row, context).then_some(())?;
    compatibility((&CA_COMPATIBILITY, row), template, template.ca_compatibility.as_deref(), (&KNOWN, 1, 3), context)
}

fn recipient_compatibility(template: &TemplateFacts, context: &Context<'_>) -> Option<Outcome> {
    const KNOWN: [&str; 6] = [
        "windows_xp_server_2003",
        "windows_vista_server_2008",
        "windows_7_server_2008_r2",
        "windows_8_server_2012",
        "windows_8_1_server_2012_r2",
        "windows_10_server_2016",
    ];
    let row = "template_recipient_compatibility";
    applies(template, row, context).then_some(())?;
    compatibility(
        (&RECIPIENT_COMPATIBILITY, row),
        template,
        template.recipient_compatibility.as_deref(),
        (&KNOWN, 1, 3),
        context,
    )
}

fn provider_category(template: &TemplateFacts, context: &Context<'_>) -> Option<Outcome> {
    let row = "template_provider_category";
    applies(template, row, context).then_some(())?;
    let (status, met) = match template.provider_category.as_deref() {
        Some(KSP) => (Status::Ok, KSP),
        Some(other) => (Status::Warns, other),
        None => (Status::Unknown, "not known"),
    };
    outcome((&PROVIDER_CATEGORY, row), status, met, "key_storage_provider, for keys in CNG", context)
}

fn algorithm(template: &TemplateFacts, context: &Context<'_>) -> Option<Outcome> {
    let row = "template_algorithm";
    applies(template, row, context).then_some(())?;
    let (status, met) = match template.key_algorithm.as_deref() {
        Some(met) if met.trim().eq_ignore_ascii_case("RSA") => (Status::Ok, met),
        Some(met) => (failed(template), met),
        None => (Status::Unknown, "not known"),
    };
    outcome((&ALGORITHM, row), status, met, "RSA", context)
}

fn software_provider(template: &TemplateFacts, context: &Context<'_>) -> Option<Outcome> {
    let row = "template_software_provider";
    // Providers of CryptoAPI are another list.
    (applies(template, row, context) && template.provider_category.as_deref() == Some(KSP)).then_some(())?;
    let is_software = |name: &String| name.trim().eq_ignore_ascii_case(SOFTWARE_KSP);
    let (status, met) = match template.providers.as_slice() {
        [] if template.any_provider == Some(true) => (Status::Warns, "any provider".to_owned()),
        [] => (Status::Unknown, "not known".to_owned()),
        names if names.iter().all(is_software) => (Status::Ok, SOFTWARE_KSP.to_owned()),
        names => (Status::Warns, names.join(", ")),
    };
    let needed = "Microsoft Software Key Storage Provider; Microsoft contradicts itself, as the same page names keys of the TPM \
                  as supported";
    outcome((&SOFTWARE_PROVIDER, row), status, &met, needed, context)
}

fn subject(template: &TemplateFacts, context: &Context<'_>) -> Option<Outcome> {
    let row = "template_subject";
    applies(template, row, context).then_some(())?;
    let has = |rules: &[String], rule: &str| rules.iter().any(|known| known == rule);
    let (subject, san) = (template.subject_rules.as_slice(), template.san_rules.as_slice());
    let status = match () {
        () if subject.is_empty() && san.is_empty() => Status::Unknown,
        () if has(subject, "dns_as_cn") && has(san, "dns") => Status::Ok,
        () => Status::Warns,
    };
    let said = |rules: &[String]| if rules.is_empty() { "nothing".to_owned() } else { rules.join(", ") };
    let met = match status {
        Status::Unknown => "not known".to_owned(),
        _ => format!("subject {}, alternative name {}", said(subject), said(san)),
    };
    outcome((&SUBJECT, row), status, &met, "subject dns_as_cn, alternative name dns (recommended)", context)
}
