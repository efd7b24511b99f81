//! Other products, where a binding tells whose certificate it is. What is said of them stands in `products.tsv`.

use super::facts::{Binding, Client};
use super::{Applies, Context, Outcome, Rule, Severity, Status, short};
use crate::record::{Api, BindingKind};

/// Application ids in http.sys: Microsoft's documentation of AD FS ("Managing SSL certificates in AD FS and WAP") and of Routing
/// and Remote Access, and of BranchCache in hosted mode; the Chef cookbook winrm-config for WinRM.
const ADFS: &str = "{5d89a20c-beab-4389-9447-324788eb944a}";
const WEB_APPLICATION_PROXY: &str = "{f955c070-e044-456c-ac00-e9e4275b3f04}";
const SSTP: &str = "{ba195980-cd49-458b-9e23-c84ee0adcd75}";
const WINRM: &str = "{afebb9ad-9b97-4a91-9ab5-daf4d59122f6}";
const BRANCH_CACHE: &str = "{d673f5ee-a714-454d-8de2-492e4c1bd8f8}";

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
    is_one_of(app_id, &[ADFS, WEB_APPLICATION_PROXY, SSTP, WINRM, BRANCH_CACHE])
}

fn is_one_of(app_id: &str, known: &[&str]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(app_id.trim()))
}

/// `at NAME`, where the binding has a name.
fn at_name(binding: &Binding<'_>) -> String {
    binding.name.map(|name| format!(" at {}", short(name))).unwrap_or_default()
}

fn outcome(rule: &'static Rule, scenario: &'static str, status: Status, at: usize, message: String) -> Outcome {
    Outcome::new(rule, status, "binding", message).in_scenario(scenario).at_binding(Some(at))
}

/// `dwKeySpec` of a CryptoAPI key that encrypts, and of one that only signs (wincrypt.h).
const AT_KEYEXCHANGE: u32 = 1;
const AT_SIGNATURE: u32 = 2;

/// KeySpec of a binding's key.
fn key_spec(binding: &Binding<'_>) -> Option<u32> {
    binding.key.as_ref().and_then(|key| key.key_spec)
}

fn adfs_certificate(client: &Client<'_>, _: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    for (at, binding) in client.bindings.iter().enumerate() {
        let is_proxy = binding.app_id.is_some_and(|id| is_one_of(id, &[WEB_APPLICATION_PROXY]));
        let is_endpoint = is_proxy || binding.app_id.is_some_and(|id| is_one_of(id, &[ADFS]));
        if !is_endpoint && binding.kind != BindingKind::Adfs {
            continue;
        }
        let is_ssl = is_endpoint || binding.port.is_some();
        let scenario = if is_ssl { "adfs_ssl" } else { "adfs_certificate" };
        let (status, what) = match (binding.api(), is_ssl) {
            (Ok(Api::Cng), true) => (Status::Ok, "the key is in CNG, which AD FS takes for SSL"),
            (Ok(Api::Cng), false) => (
                Status::Unknown,
                "the key is in CNG: fine for SSL, but not for token signing, token decrypting and service communications, and \
                 the export does not say which it is",
            ),
            (Ok(Api::Capi), _) => match (key_spec(binding), is_ssl) {
                (Some(AT_KEYEXCHANGE), _) => {
                    (Status::Ok, "the key is in CryptoAPI with KeySpec 1, as AD FS takes it for everything")
                }
                (Some(AT_SIGNATURE), true) => {
                    (Status::Warns, "the key is in CryptoAPI with KeySpec 2, and AD FS asks for KeySpec 1")
                }
                (Some(AT_SIGNATURE), false) => (
                    Status::Unknown,
                    "the key is in CryptoAPI with KeySpec 2: fine for token signing, but not for token decrypting and service \
                     communications, and the export does not say which it is",
                ),
                _ => (Status::Unknown, "the key is in CryptoAPI, and its KeySpec, which must be 1, is not known"),
            },
            (Err(why), _) => (Status::Unknown, why),
        };
        let whose = if is_proxy { "Web Application Proxy" } else { "AD FS" };
        let message = format!("certificate of {whose}{}: {what}", at_name(binding));
        outcomes.push(outcome(&ADFS_CERTIFICATE, scenario, status, at, message));
    }
}

fn sql_server_tls(client: &Client<'_>, _: &Context<'_>, outcomes: &mut Vec<Outcome>) {
    for (at, binding) in client.bindings.iter().enumerate() {
        // Without a certificate of its own, SQL Server makes one at its start.
        if binding.kind != BindingKind::SqlServer || binding.sha1.is_none() {
            continue;
        }
        let (status, what) = match (binding.api(), key_spec(binding)) {
            (Ok(Api::Cng), _) => (Status::Blocks, "the key is in CNG, where it has no KeySpec AT_KEYEXCHANGE"),
            (Ok(Api::Capi), Some(AT_KEYEXCHANGE)) => {
                (Status::Ok, "the key is in CryptoAPI with KeySpec AT_KEYEXCHANGE")
            }
            (Ok(Api::Capi), Some(AT_SIGNATURE)) => {
                (Status::Blocks, "the key is in CryptoAPI with KeySpec AT_SIGNATURE, and must have AT_KEYEXCHANGE")
            }
            (Ok(Api::Capi), _) => (
                Status::Unknown,
                "the key is in CryptoAPI, and its KeySpec, which must be AT_KEYEXCHANGE, is not known",
            ),
            (Err(why), _) => (Status::Unknown, why),
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
        let (status, what) = match binding.api() {
            Ok(Api::Cng) => (Status::Blocks, "the key is in CNG, and the logon page comes back without end"),
            Ok(Api::Capi) => (Status::Ok, "the key is in CryptoAPI"),
            Err(why) => (Status::Unknown, why),
        };
        let message =
            format!("certificate of the default web site beside Exchange Back End{}: {what}", at_name(binding));
        outcomes.push(outcome(&EXCHANGE_FORMS_AUTHENTICATION, "exchange_forms_authentication", status, at, message));
    }
}
