//! An endpoint or role on a client that uses a certificate.

use serde::{Deserialize, Serialize};

use super::{FormatConfidence, Lineage, Text};

/// What uses the certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindingKind {
    /// An endpoint of http.sys (`netsh http show sslcert`).
    HttpSys,
    /// A binding of an IIS site.
    Iis,
    /// Remote Desktop.
    Rdp,
    /// SQL Server.
    SqlServer,
    /// Windows Remote Management.
    Winrm,
    /// AD FS.
    Adfs,
    /// The Configuration Manager client.
    CmClient,
    /// A role of a Configuration Manager site system.
    CmRole,
    /// Anything else.
    #[default]
    Other,
}

impl BindingKind {
    /// The value as written to the `binding_kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            BindingKind::HttpSys => "http_sys",
            BindingKind::Iis => "iis",
            BindingKind::Rdp => "rdp",
            BindingKind::SqlServer => "sql_server",
            BindingKind::Winrm => "winrm",
            BindingKind::Adfs => "adfs",
            BindingKind::CmClient => "cm_client",
            BindingKind::CmRole => "cm_role",
            BindingKind::Other => "other",
        }
    }
}

/// An endpoint or role that uses a certificate, as the export says. Every `None` means "not said".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Binding<'a> {
    /// Where in the source.
    pub lineage: Lineage,
    /// The record's own client field, verbatim.
    pub client: Option<Text<'a>>,
    /// What uses the certificate.
    pub kind: BindingKind,
    /// Endpoint as the export spells it: `0.0.0.0:443`, `[::]:443`, `host:443`, `ip:port:host`.
    pub endpoint: Option<Text<'a>>,
    /// Address of the endpoint, without brackets.
    pub ip: Option<Text<'a>>,
    /// Port.
    pub port: Option<u16>,
    /// Host name that clients ask for.
    pub sni_host: Option<Text<'a>>,
    /// SHA-1 of the certificate.
    pub sha1: Option<[u8; 20]>,
    /// Store that the certificate is looked for in, verbatim.
    pub store_name: Option<Text<'a>>,
    /// Application that made the binding: a GUID in lower case, with its braces.
    pub app_id: Option<Text<'a>>,
    /// Name of the site (IIS).
    pub site_name: Option<Text<'a>>,
    /// Flags of the binding: 1 needs SNI, 2 uses the central certificate store.
    pub ssl_flags: Option<u32>,
    /// Role as Configuration Manager spells it (`SMS Management Point`).
    pub role: Option<Text<'a>>,
    /// Code of the Configuration Manager site.
    pub site_code: Option<Text<'a>>,
    /// Version of the Configuration Manager site, where the export has it.
    pub site_version: Option<Text<'a>>,
    /// `SslState` of the role.
    pub ssl_state: Option<i64>,
    /// How sure the form of the export is.
    pub confidence: FormatConfidence,
}
