//! Configuration Manager: which clients and roles take a CNG key, by the version of the site. What Microsoft says stands
//! in `configmgr.tsv`; here is who is asked.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use super::facts::{Binding, CertificateFacts, Client, Key};
use super::products;
use super::table::{self, Kind, Row, Support};
use super::{Applies, Context, Outcome, Rule, Severity, SiteVersion, Status, short};
use crate::classify::{KeyApi, KeyPresence, KeyStorage};
use crate::record::{Api, BindingKind, StoreLocation};

/// As in the column `product`.
pub(super) const PRODUCT: &str = "Configuration Manager";

/// Where most statements stand.
const OVERVIEW: &str = "Microsoft, Configuration Manager: CNG certificates overview, states of 2017-11-15 to 2021-07-19; \
                        each statement with its own source in the page of findings";

/// A client authentication certificate and the uses of a client.
pub static CLIENT_CERTIFICATE: Rule = Rule {
    id: "configmgr_client_certificate",
    title: "Configuration Manager takes the key of a client authentication certificate",
    why: "A client whose certificate its site cannot use is not managed any more, and tells nobody.",
    what_to_do: "Where it blocks, enrol the client anew from a template that its site can use, or update the site first; \
                 with CNG the key must be RSA. Where the version of the site is not known, give it with --site-version.",
    severity: Severity::High,
    product: Some(PRODUCT),
    versions: Some("all; the answer for CNG keys changes with 1710 and 2103"),
    source: OVERVIEW,
    applies: Applies::KeyOfClient(client_certificate, client_certificate_not_seen),
};

/// The key usage that client certificates must have.
pub static CLIENT_KEY_USAGE: Rule = Rule {
    id: "configmgr_client_key_usage",
    title: "The key usage of a client certificate is not what Configuration Manager asks for",
    why: "Microsoft asks for digital signature and key encipherment in certificates of Windows clients. Said of clients of a \
          known Configuration Manager site, of RSA keys, and where the extension is there.",
    what_to_do: "Correct the template, and enrol anew.",
    severity: Severity::Medium,
    product: Some(PRODUCT),
    versions: None,
    source: "MicrosoftDocs/memdocs memdocs/configmgr/core/plan-design/network/pki-certificate-requirements.md @f9ddbc90 \
             (2021-08-10)",
    applies: Applies::Key(client_key_usage),
};

/// The certificate of a role and the role's version.
pub static ROLE_CERTIFICATE: Rule = Rule {
    id: "configmgr_role_certificate",
    title: "A site system role takes the key of its certificate",
    why: "A role with a certificate that it cannot use answers no client. The certificate of a role is the one bound to port \
          443 of its machine, for a software update point that of port 8531 where there is one.",
    what_to_do: "Where it blocks, bind a certificate with a CryptoAPI key, or update the site to the version that is named. \
                 What is retired should be removed.",
    severity: Severity::High,
    product: Some(PRODUCT),
    versions: Some("all; the answer for CNG keys changes with 1710, 1802, 1806, 1910 and 2203"),
    source: OVERVIEW,
    applies: Applies::Client(role_certificate),
};

/// The certificate of a use that an export names.
pub static NAMED_USE: Rule = Rule {
    id: "configmgr_named_use",
    title: "A use of Configuration Manager that an export names takes the key of its certificate",
    why: "Task sequence media, cloud distribution points, the policy module of NDES, the site database and the watch over \
          management and state migration points have a certificate each, which stands in the settings of the site. Where an \
          export gives the use where roles stand, with its certificate, that one is judged; for the site database (SMS SQL \
          Server) that of SQL Server on the machine, for the watch over a management or state migration point the client \
          certificate of its machine.",
    what_to_do: "Where it blocks, take a certificate with a CryptoAPI key, or update the site to the version that is named. \
                 What is retired should be removed.",
    severity: Severity::High,
    product: Some(PRODUCT),
    versions: Some("all; the answer for CNG keys changes with 1710, 1806, 2103, 2107 and 2203"),
    source: OVERVIEW,
    applies: Applies::KeyOfClient(watched, named_use),
};

/// Statements that no export makes apply.
pub static OTHER_USES: Rule = Rule {
    id: "configmgr_other_uses",
    title: "Uses of certificates in Configuration Manager that no export shows",
    why: "Which certificate is used for boot images, as the client certificate of a distribution point, for code signing for \
          mobile devices or in SCEP profiles, and whether clients talk over HTTP alone, stands in the site's own settings, which \
          are not read. The statements are listed for those who know.",
    what_to_do: "Compare the settings of the site with the statements for its version.",
    severity: Severity::Info,
    product: Some(PRODUCT),
    versions: None,
    source: OVERVIEW,
    applies: Applies::LookUp,
};

/// The uses of a client's certificate, as rows call them.
const CLIENT_USES: [&str; 6] = [
    "client_communication",
    "software_distribution",
    "os_deployment",
    "client_messaging_sdk",
    "cloud_management_gateway",
    "user_available_software",
];

/// A client's key in CNG that is not RSA.
const NOT_RSA: &str = "client_key_not_rsa";
/// The site database.
const DATABASE: &str = "site_database_server";
/// No CNG certificate works.
const NO_CNG: &str = "any_cng_certificate";

/// A status and why.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    status: Status,
    why: Arc<str>,
    /// Where it is said, where one statement decides.
    source: Option<&'static str>,
}

impl Said {
    fn new(status: Status, why: impl Into<Arc<str>>) -> Self {
        Said { status, why: why.into(), source: None }
    }

    /// By this statement.
    fn by(self, row: Option<&'static Row>) -> Self {
        Said { source: row.map(|row| row.source), ..self }
    }

    /// Where the statement allows 2,048 bits at most, of a key of so many.
    fn of_bits(self, bits: Option<i32>) -> Self {
        const MOST: i32 = 2048;
        let Some(bits) = bits.filter(|bits| *bits > MOST) else { return self };
        let status = if self.status == Status::Blocks { Status::Blocks } else { Status::Warns };
        let why = format!("{}; the key has {bits} bits, and {MOST} are allowed", self.why);
        Said { status, why: why.into(), ..self }
    }
}

/// What is said at a version. Where that is not known: each range of versions with its own, and the status that all of
/// them have, if they have the same.
fn at_version(version: Option<SiteVersion>, ids: &[&str], judge: impl Fn(SiteVersion) -> Said) -> Said {
    if let Some(version) = version {
        let said = judge(version);
        return Said { why: format!("site version {version}: {}", said.why).into(), ..said };
    }
    let rows = table::configmgr().iter().filter(|row| row.id == NO_CNG || ids.contains(&row.id));
    let mut bounds: Vec<SiteVersion> = rows.flat_map(|row| [row.since, row.until]).flatten().collect();
    bounds.sort_unstable();
    bounds.dedup();
    // Each range is what its first version is; the one before all bounds, what the oldest release is.
    let mut ranges: Vec<(Option<SiteVersion>, Said)> = Vec::new();
    let oldest = SiteVersion::releases().next().map(|version| (None, version));
    for (since, version) in oldest.into_iter().chain(bounds.into_iter().map(|version| (Some(version), version))) {
        let said = judge(version);
        if ranges.last().is_none_or(|(_, last)| (last.status, &last.why) != (said.status, &said.why)) {
            ranges.push((since, said));
        }
    }
    let mut text = String::from("site version not known: ");
    for (nth, (since, said)) in ranges.iter().enumerate() {
        let until = ranges.get(nth + 1).and_then(|(since, _)| *since);
        let range = match (since, until) {
            (None, None) => "every version".to_owned(),
            (None, Some(until)) => format!("before {until}"),
            (Some(since), Some(until)) => format!("from {since}, before {until}"),
            (Some(since), None) => format!("from {since}"),
        };
        let separator = if nth == 0 { "" } else { "; " };
        let _ = write!(text, "{separator}{range} {} ({})", said.status.as_str(), said.why);
    }
    let status = ranges.first().map_or(Status::Unknown, |(_, first)| first.status);
    let is_common = ranges.iter().all(|(_, said)| said.status == status);
    Said::new(if is_common { status } else { Status::Unknown }, text)
}

/// The certificate with which the client of Configuration Manager identifies itself: the one that it says it uses. Where it
/// does not say that, any for client authentication whose key is in the machine's own store.
fn client_certificate_of<'k>(key: &'k Key<'_>, client: &Client<'_>) -> Option<&'k CertificateFacts<'k>> {
    if client.of_bindings().names_client_certificate {
        let is_used = |certificate: &&CertificateFacts<'_>| {
            let mut used = client.bindings.iter().filter(|binding| binding.kind == BindingKind::CmClient);
            used.any(|binding| binding.sha1 == Some(certificate.sha1))
        };
        return key.certificates.iter().find(is_used);
    }
    let is_machine = |(location, name): &(Option<StoreLocation>, Option<Cow<'_, str>>)| {
        let is_machines = *location == Some(StoreLocation::LocalMachine) || location.is_none() && key.is_machine;
        is_machines && name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("my"))
    };
    if !key.stores.iter().any(is_machine) {
        return None;
    }
    key.certificates.iter().find(|certificate| certificate.is_client_auth == Some(true))
}

/// Said of up to every key.
static CAPI_WORKS: LazyLock<Arc<str>> =
    LazyLock::new(|| "the client's key is in CryptoAPI, which every version takes".into());

fn client_certificate(key: &Key<'_>, client: &Client<'_>, context: &Context<'_>) -> Option<Outcome> {
    let certificate = client_certificate_of(key, client)?;
    if key.presence == KeyPresence::Unknown && key.api.value == KeyApi::Unknown {
        return None;
    }
    let said = match key.api.value {
        KeyApi::None => return None,
        KeyApi::Capi | KeyApi::Cng if key.presence == KeyPresence::Missing => {
            let api = key.api.value.as_str();
            Said::new(
                Status::Unknown,
                format!("the client's key is declared in {api}, and is not there or could not be opened"),
            )
        }
        KeyApi::Capi => Said::new(Status::Ok, Arc::clone(&CAPI_WORKS)),
        KeyApi::Cng => cng_client(key, certificate, client, context),
        KeyApi::Unknown => {
            let cng = cng_client(key, certificate, client, context);
            let (status, why) = (cng.status.as_str(), cng.why);
            Said::new(
                Status::Unknown,
                format!("the interface of the client's key is not known: with CryptoAPI ok, with CNG {status}: {why}"),
            )
        }
    };
    let severity = match said.status {
        Status::Blocks => Severity::High,
        Status::Warns => Severity::Medium,
        _ => Outcome::new(&CLIENT_CERTIFICATE, said.status, "key", String::new()).severity,
    };
    let outcome = Outcome::new(&CLIENT_CERTIFICATE, said.status, "key", said.why).said_in(said.source);
    Some(outcome.in_scenario("client_certificate").with_severity(severity).by(key, certificate))
}

/// The client says which certificate it uses, and no key of it was seen.
fn client_certificate_not_seen(client: &Client<'_>, _: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    if !client.of_bindings().names_client_certificate {
        return;
    }
    for (at, binding) in client.bindings.iter().enumerate() {
        if binding.kind == BindingKind::CmClient && binding.sha1.is_some() && binding.key.is_none() {
            let why = "the client names its certificate, and the key of that was not seen";
            let outcome = Outcome::new(&CLIENT_CERTIFICATE, Status::Unknown, "binding", why);
            outcomes.push(outcome.in_scenario("client_certificate").at_binding(Some(at)));
        }
    }
}

/// What is said of a CNG key as a client's.
fn cng_client(key: &Key<'_>, certificate: &CertificateFacts<'_>, client: &Client<'_>, context: &Context<'_>) -> Said {
    let said = context.cng_clients.of(certificate.key_algorithm, context.site_version_of(client));
    let is_rsa = certificate.key_algorithm == Some("rsa");
    if !is_rsa || key.storage.value != KeyStorage::Tpm || said.status == Status::Blocks {
        return said;
    }
    let remark = "Microsoft names keys of the TPM as supported, though from 1806 on it asks templates for the software \
                  provider";
    Said { why: format!("{}; {remark}", said.why).into(), ..said }
}

/// What is said of a CNG key at a client, by algorithm and version: worked out once, as it is asked for up to every key.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers(Vec<(&'static str, Option<SiteVersion>, Said)>);

/// The algorithms that keys of clients have.
const USUAL: [&str; 2] = ["rsa", "ec"];

impl Answers {
    /// For the usual algorithms, and every release that is known, and none.
    pub(super) fn new() -> Self {
        let versions = || SiteVersion::releases().map(Some).chain([None]);
        let of =
            |algorithm| versions().map(move |version| (algorithm, version, cng_client_at(Some(algorithm), version)));
        Answers(USUAL.into_iter().flat_map(of).collect())
    }

    fn of(&self, algorithm: Option<&str>, version: Option<SiteVersion>) -> Said {
        let known = self.0.iter().find(|known| known.1 == version && Some(known.0) == algorithm);
        known.map_or_else(|| cng_client_at(algorithm, version), |(.., said)| said.clone())
    }
}

fn cng_client_at(algorithm: Option<&str>, version: Option<SiteVersion>) -> Said {
    at_version(version, &CLIENT_USES, |version| match algorithm {
        _ if is_before_cng(version) => no_cng(),
        Some("rsa") => client_uses(version),
        Some(restricted @ ("rsa_pss" | "rsa_oaep")) => {
            Said::new(Status::NotListed, format!("the documents ask for RSA and do not speak of {restricted} keys"))
        }
        Some(other) => {
            let why = format!("a client takes RSA alone from CNG, and the key is {}", short(other));
            Said::new(Status::Blocks, why).by(table::configmgr().iter().find(|row| row.id == NOT_RSA))
        }
        None => {
            Said::new(Status::Unknown, "a client takes RSA alone from CNG, and the algorithm of the key is not known")
        }
    })
}

fn is_before_cng(version: SiteVersion) -> bool {
    table::configmgr().iter().any(|row| row.id == NO_CNG && row.holds(version))
}

fn no_cng() -> Said {
    let row = table::configmgr().iter().find(|row| row.id == NO_CNG);
    Said::new(Status::Blocks, "no CNG certificate is supported before 1710").by(row)
}

/// What is said of an RSA key in CNG for all uses of a client.
fn client_uses(version: SiteVersion) -> Said {
    let held = |id: &str| table::configmgr().iter().find(|row| row.id == id && row.holds(version));
    let (mut works, mut fails, mut silent) = (0, Vec::new(), Vec::new());
    for id in CLIENT_USES {
        match held(id) {
            Some(row) if row.support == Support::Supported => works += 1,
            Some(row) if row.support == Support::Unsupported => fails.push(row),
            _ => silent.push(id),
        }
    }
    let named = |rows: &[&Row]| {
        let named = rows.iter().map(|row| match row.note {
            "" => format!("\"{}\"", row.title),
            note => format!("\"{}\" ({note})", row.title),
        });
        named.collect::<Vec<_>>().join(", ")
    };
    match (works, fails.as_slice(), silent.as_slice()) {
        (_, [], []) => Said::new(Status::Ok, "an RSA key in CNG works for every use of a client"),
        (0, fails, []) => Said::new(Status::Blocks, format!("an RSA key in CNG does not work for {}", named(fails))),
        (0, [], _) => Said::new(Status::NotListed, "the documents do not speak of it"),
        (_, [], silent) => Said::new(Status::NotListed, format!("the documents do not speak of {}", silent.join(", "))),
        (_, fails, _) => {
            Said::new(Status::Warns, format!("an RSA key in CNG works for a client, but not for {}", named(fails)))
        }
    }
}

fn client_key_usage(key: &Key<'_>, client: &Client<'_>, context: &Context<'_>) -> Option<Outcome> {
    const NEEDED: [&str; 2] = ["digitalSignature", "keyEncipherment"];
    let certificate = client_certificate_of(key, client)?;
    let has = |usage: &str| certificate.key_usage.iter().any(|known| known == usage);
    if certificate.key_usage.is_empty() || NEEDED.into_iter().all(has) {
        return None;
    }
    if certificate.key_algorithm != Some("rsa") || !is_managed(client, context) {
        return None;
    }
    let met = certificate.key_usage.join(", ");
    let message = format!("key usage of the client certificate is {met}; needed are {}", NEEDED.join(", "));
    Some(Outcome::of_key(&CLIENT_KEY_USAGE, message).in_scenario("client_key_usage").by(key, certificate))
}

/// Whether Configuration Manager is known to be at the client.
fn is_managed(client: &Client<'_>, context: &Context<'_>) -> bool {
    context.scan.site_version.is_some()
        || client.cm_client_version.is_some()
        || client.cm_site_code.is_some()
        || !client.roles.is_empty()
        || client.of_bindings().has_configmgr
}

fn role_certificate(client: &Client<'_>, context: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    judge_named(&ROLE_CERTIFICATE, client, context, outcomes);
}

fn named_use(client: &Client<'_>, context: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    judge_named(&NAMED_USE, client, context, outcomes);
}

/// Judges the roles and uses that a client's bindings and collections name, each once.
fn judge_named(rule: &'static Rule, client: &Client<'_>, context: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    let mut done: Vec<&str> = Vec::new();
    for (at, role) in named(rule, client) {
        if !done.contains(&role.id) {
            done.push(role.id);
            judge_role(rule, client, at, role, context, outcomes);
        }
    }
}

/// The roles and uses, each with the place of the binding that names it.
fn named<'c>(rule: &Rule, client: &'c Client<'_>) -> impl Iterator<Item = (Option<usize>, &'static Row)> + use<'c> {
    let id = rule.id;
    let called = move |name: &str| table::configmgr().iter().find(|row| row.rule == Some(id) && row.is_called(name));
    let of_bindings = client.bindings.iter().enumerate().filter(|(_, binding)| binding.kind == BindingKind::CmRole);
    let of_bindings = of_bindings.filter_map(move |(at, binding)| Some((Some(at), called(binding.role?)?)));
    of_bindings.chain(client.roles.iter().filter_map(move |name| Some((None, called(name)?))))
}

/// The client certificate of a machine with a management or state migration point, with which the site watches over that.
fn watched(key: &Key<'_>, client: &Client<'_>, context: &Context<'_>) -> Option<Outcome> {
    const WATCHED: [&str; 2] = ["management_point", "state_migration_point"];
    const WATCH: &str = "site_system_monitoring";
    if client.roles.is_empty() && !client.of_bindings().has_configmgr {
        return None;
    }
    let certificate = client_certificate_of(key, client)?;
    let (_, role) = named(&ROLE_CERTIFICATE, client).find(|(_, role)| WATCHED.contains(&role.id))?;
    let (role_key, doubt) = match (key.presence, key.api.value) {
        (_, KeyApi::None) => return None,
        (KeyPresence::Missing, _) => (RoleKey::Unknown, "; the key is not there or could not be opened"),
        (_, KeyApi::Unknown) => (RoleKey::Unknown, "; the interface of the key is not known"),
        (_, KeyApi::Capi) => (RoleKey::Capi, ""),
        (_, KeyApi::Cng) => (RoleKey::Cng, ""),
    };
    let version = context.site_version_of(client);
    let said = at_version(version, &[WATCH], |version| role_at_version(WATCH, role_key, version));
    let said = said.of_bits(certificate.key_size_bits);
    let message = format!("watch over the {}: {}{doubt}", role.title.to_lowercase(), said.why);
    let outcome = Outcome::new(&NAMED_USE, said.status, "key", message).said_in(said.source);
    Some(outcome.in_scenario(WATCH).by(key, certificate))
}

fn judge_role(
    rule: &'static Rule,
    client: &Client<'_>,
    role_at: Option<usize>,
    role: &'static Row,
    context: &Context<'_>,
    outcomes: &mut Vec<Outcome>,
) {
    let version = context.site_version_of(client);
    let mut judge = |key: RoleKey, binding: Option<usize>, end: &str| {
        let bound = binding.and_then(|at| client.bindings.get(at)).and_then(|binding| binding.key.as_ref());
        let bits = bound.filter(|_| role.id == DATABASE).and_then(|bound| bound.key_size_bits);
        let said = at_version(version, &[role.id], |version| role_at_version(role.id, key, version));
        let Said { status, why, source } = said.of_bits(bits);
        let message = format!("{}: {why}{end}", role.title);
        outcomes.push(
            Outcome::new(rule, status, "role", message)
                .in_scenario(role.id)
                .said_in(source)
                .at_binding(binding.or(role_at)),
        );
    };
    // Several endpoints may have one certificate, and several certificates one key.
    let mut judged: Vec<&Binding<'_>> = Vec::new();
    let key_id = |binding: &Binding<'_>| binding.key.as_ref().and_then(|key| key.key_id);
    let mut has_endpoint = false;
    for at in certificates_of(client, role_at, role) {
        has_endpoint = true;
        let Some(binding) = client.bindings.get(at).filter(|binding| binding.sha1.is_some()) else { continue };
        let is_same = |known: &&Binding<'_>| {
            known.sha1 == binding.sha1 || key_id(binding).is_some() && key_id(known) == key_id(binding)
        };
        if judged.iter().any(is_same) {
            continue;
        }
        judged.push(binding);
        let name = binding.name.map(|name| format!("; bound to {}", short(name))).unwrap_or_default();
        match binding.api() {
            Ok(Api::Capi) => judge(RoleKey::Capi, Some(at), &name),
            Ok(Api::Cng) => judge(RoleKey::Cng, Some(at), &name),
            Err(why) => judge(RoleKey::Unknown, Some(at), &format!("; {why}{name}")),
        }
    }
    if judged.is_empty() {
        let why = match has_endpoint {
            true => "; its endpoint shows no certificate",
            false => "; no binding shows its certificate",
        };
        judge(RoleKey::Unknown, None, why);
    }
}

/// Bindings with the certificate of a role or use: what its own record names, else the endpoint that it answers at.
fn certificates_of(client: &Client<'_>, role_at: Option<usize>, role: &Row) -> Vec<usize> {
    const HTTPS: u16 = 443;
    /// Of WSUS, behind a software update point.
    const WSUS: u16 = 8531;
    if let Some(at) = role_at.filter(|at| client.bindings.get(*at).is_some_and(|binding| binding.sha1.is_some())) {
        return vec![at];
    }
    let those = |are_meant: &dyn Fn(&Binding<'_>) -> bool| -> Vec<usize> {
        let bindings = client.bindings.iter().enumerate();
        bindings.filter(|(_, binding)| are_meant(binding)).map(|(at, _)| at).collect()
    };
    let at_port = |port: u16| those(&|binding| is_web(binding, port));
    if role.kind != Kind::Role {
        // Of the other uses none answers at a port of this machine.
        return those(&|binding| role.id == DATABASE && binding.kind == BindingKind::SqlServer);
    }
    if role.id == "software_update_point" {
        let bindings = at_port(WSUS);
        if !bindings.is_empty() {
            return bindings;
        }
    }
    at_port(HTTPS)
}

/// An endpoint of IIS at a port. Applications that are known to be others, as AD FS and SSTP, share http.sys with it.
fn is_web(binding: &Binding<'_>, port: u16) -> bool {
    let is_kind = matches!(binding.kind, BindingKind::Iis | BindingKind::HttpSys | BindingKind::Other);
    is_kind && binding.port == Some(port) && !binding.app_id.is_some_and(products::is_other_than_iis)
}

/// What is known of the key of a role's certificate.
#[derive(Clone, Copy)]
enum RoleKey {
    Capi,
    Cng,
    Unknown,
}

fn role_at_version(id: &str, key: RoleKey, version: SiteVersion) -> Said {
    let row = table::configmgr().iter().find(|row| row.id == id && row.holds(version));
    let noted = |text: String, row: &Row| match row.note {
        "" => text,
        note => format!("{text}; {note}"),
    };
    // A role that is gone is gone with either key.
    if let Some(row) = row.filter(|row| row.support == Support::Retired) {
        return Said::new(Status::Warns, noted("the role is retired".to_owned(), row)).by(Some(row));
    }
    let cng = match row {
        _ if is_before_cng(version) => no_cng(),
        Some(row) => {
            let (status, what) = match row.support {
                Support::Supported => (Status::Ok, "a CNG key is supported"),
                Support::Unsupported => (Status::Blocks, "a CNG key is not supported"),
                _ => (Status::NotListed, "a CNG key is not listed"),
            };
            Said::new(status, noted(what.to_owned(), row)).by(Some(row))
        }
        None => Said::new(Status::NotListed, "a CNG key is not listed"),
    };
    match key {
        RoleKey::Cng => cng,
        RoleKey::Capi => Said::new(Status::Ok, "a CryptoAPI key works"),
        RoleKey::Unknown => {
            let why = format!("with CryptoAPI ok, with CNG {}: {}", cng.status.as_str(), cng.why);
            Said { status: Status::Unknown, why: why.into(), ..cng }
        }
    }
}
