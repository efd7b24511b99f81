//! Other products, where a binding tells whose certificate it is. What is said of them stands in `products.tsv`.

use super::facts::{Binding, Client};
use super::{Applies, Context, Outcome, Rule, Severity, Status, short};
use crate::classify::KeyApi;
use crate::record::BindingKind;

/// Application ids in http.sys: Microsoft's documentation of AD FS and of Routing and Remote Access.
const ADFS: &str = "{5d89a20c-beab-4389-9447-324788eb944a}";
const SSTP: &str = "{ba195980-cd49-458b-9e23-c84ee0adcd75}";

/// Certificates of AD FS.
pub static ADFS_CERTIFICATE: Rule = Rule {
    id: "adfs_certificate",
    title: "AD FS takes the key of its certificate",
    why: "AD FS takes a CNG key for SSL alone; token signing, token decrypting and service communications need a CryptoAPI key \
          with KeySpec 1. Its endpoints in http.sys are for SSL; no export shows the other three, and a certificate of AD FS \
          without an endpoint may be any of them.",
    what_to_do: "For token signing, token decrypting and service communications, see in AD FS which certificates they are, and \
                 that their keys are in CryptoAPI.",
    severity: Severity::High,
    product: Some("AD FS"),
    versions: None,
    source: "MicrosoftDocs/windowsserverdocs WindowsServerDocs/identity/ad-fs/technical-reference/AD-FS-and-KeySpec-Property.md",
    applies: Applies::Client(adfs_certificate),
};

/// Encryption of SQL Server's connections.
pub static SQL_SERVER_TLS: Rule = Rule {
    id: "sql_server_tls",
    title: "SQL Server takes the key of its certificate",
    why: "SQL Server needs a key with KeySpec AT_KEYEXCHANGE for TLS, which only CryptoAPI keys have. The same holds of a site \
          database of Configuration Manager, whose own page does not speak of CNG.",
    what_to_do: "Enrol or import the certificate into a CryptoAPI provider with KeySpec AT_KEYEXCHANGE.",
    severity: Severity::High,
    product: Some("SQL Server"),
    versions: None,
    source: "https://learn.microsoft.com/sql/database-engine/configure-windows/certificate-requirements; dataplat/dbatools \
             pull request 10671",
    applies: Applies::Client(sql_server_tls),
};

/// The logon page of Exchange.
pub static EXCHANGE_FORMS_AUTHENTICATION: Rule = Rule {
    id: "exchange_forms_authentication",
    title: "Exchange takes the key of the default web site's certificate",
    why: "With a CNG key behind the default web site, Outlook on the web and the control panel show the logon page again and \
          again. Said where a site named Exchange Back End answers at port 444 of the same machine.",
    what_to_do: "Import the certificate into a CryptoAPI provider.",
    severity: Severity::High,
    product: Some("Exchange Server"),
    versions: None,
    source: "https://support.microsoft.com/topic/outlook-web-app-and-ecp-redirect-to-the-fba-page-in-exchange-server-44f8b0c0-037d-77f6-6bb1-98c7a292048d; sevecek.com post 40",
    applies: Applies::Client(exchange_forms_authentication),
};

/// Statements that no export makes apply.
pub static OTHER_PRODUCTS: Rule = Rule {
    id: "other_products",
    title: "Products that take or need CNG keys, and that no export shows",
    why: "Which certificate Operations Manager, Lync Server, SharePoint, Dynamics 365, HPC Pack, Always Encrypted, a signing tool \
          or a program with old code uses stands in no export that is read. The statements are listed for those who know.",
    what_to_do: "Compare the products in use with the statements.",
    severity: Severity::Info,
    product: None,
    versions: None,
    source: "each statement with its own source in the page of findings",
    applies: Applies::LookUp,
};

/// Whether an application id of http.sys is known to be another application's than IIS.
pub(super) fn is_other_than_iis(app_id: &str) -> bool {
    [ADFS, SSTP].iter().any(|known| known.eq_ignore_ascii_case(app_id.trim()))
}

/// Interface of a binding's key; `Unknown` where the key was not seen.
fn api(binding: &Binding<'_>) -> KeyApi {
    binding.key.as_ref().map_or(KeyApi::Unknown, |key| match key.api {
        KeyApi::None => KeyApi::Unknown,
        api => api,
    })
}

/// `at NAME`, where the binding has a name.
fn at_name(binding: &Binding<'_>) -> String {
    binding.name.map(|name| format!(" at {}", short(name))).unwrap_or_default()
}

fn outcome(rule: &'static Rule, scenario: &'static str, status: Status, at: usize, message: String) -> Outcome {
    Outcome::new(rule, status, "binding", message).in_scenario(scenario).at_binding(Some(at))
}

const NOT_SEEN: &str = "the interface of the key is not known";

fn adfs_certificate(client: &Client<'_>, _: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    for (at, binding) in client.bindings.iter().enumerate() {
        let is_endpoint = binding.app_id.is_some_and(|id| id.trim().eq_ignore_ascii_case(ADFS));
        if !is_endpoint && binding.kind != BindingKind::Adfs {
            continue;
        }
        let is_ssl = is_endpoint || binding.port.is_some();
        let scenario = if is_ssl { "adfs_ssl" } else { "adfs_certificate" };
        let (status, what) = match (api(binding), is_ssl) {
            (KeyApi::Cng, true) => (Status::Ok, "the key is in CNG, which AD FS takes for SSL"),
            (KeyApi::Cng, false) => (
                Status::Unknown,
                "the key is in CNG: fine for SSL, but not for token signing, token decrypting and service communications, and \
                 the export does not say which it is",
            ),
            (KeyApi::Capi, _) => {
                (Status::Ok, "the key is in CryptoAPI, as AD FS takes it, with KeySpec 1, for everything")
            }
            (KeyApi::None | KeyApi::Unknown, _) => (Status::Unknown, NOT_SEEN),
        };
        let message = format!("certificate of AD FS{}: {what}", at_name(binding));
        outcomes.push(outcome(&ADFS_CERTIFICATE, scenario, status, at, message));
    }
}

fn sql_server_tls(client: &Client<'_>, _: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    for (at, binding) in client.bindings.iter().enumerate() {
        // Without a certificate of its own, SQL Server makes one at its start.
        if binding.kind != BindingKind::SqlServer || binding.sha1.is_none() {
            continue;
        }
        let (status, what) = match api(binding) {
            KeyApi::Cng => (Status::Blocks, "the key is in CNG, where it has no KeySpec AT_KEYEXCHANGE"),
            KeyApi::Capi => (Status::Ok, "the key is in CryptoAPI; its KeySpec must be AT_KEYEXCHANGE"),
            KeyApi::None | KeyApi::Unknown => (Status::Unknown, NOT_SEEN),
        };
        let message = format!("certificate of SQL Server{}: {what}", at_name(binding));
        outcomes.push(outcome(&SQL_SERVER_TLS, "sql_server_tls", status, at, message));
    }
}

fn exchange_forms_authentication(client: &Client<'_>, _: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    let is_site = |binding: &Binding<'_>, site: &str, port: u16| {
        let name = || binding.name.is_some_and(|name| name.to_ascii_lowercase().contains(site));
        binding.kind == BindingKind::Iis && binding.port == Some(port) && name()
    };
    if !client.bindings.iter().any(|binding| is_site(binding, "exchange back end", 444)) {
        return;
    }
    for (at, binding) in client.bindings.iter().enumerate() {
        if !is_site(binding, "default web site", 443) {
            continue;
        }
        let (status, what) = match api(binding) {
            KeyApi::Cng => (Status::Blocks, "the key is in CNG, and the logon page comes back without end"),
            KeyApi::Capi => (Status::Ok, "the key is in CryptoAPI"),
            KeyApi::None | KeyApi::Unknown => (Status::Unknown, NOT_SEEN),
        };
        let message =
            format!("certificate of the default web site beside Exchange Back End{}: {what}", at_name(binding));
        outcomes.push(outcome(&EXCHANGE_FORMS_AUTHENTICATION, "exchange_forms_authentication", status, at, message));
    }
}
