//! Sites of Configuration Manager: instances of `SMS_Site`, as `Get-CMSite` gives them. Exports of roles do not have the
//! version that roles are judged by; this is where it stands.

use crate::format::objects::{Kind, Object, Visit};
use crate::record::{Binding, BindingKind, Code, FormatConfidence, Reject, Stage};

/// A site.
pub const KIND: Kind = Kind {
    name: "site",
    title: "site of Configuration Manager (Get-CMSite)",
    yields: "the role of its site server, with site code and version",
    source: "Configuration Manager SDK, SMS_Site",
    confidence: FormatConfidence::Documented,
    is: |object| {
        let is_site = object.has("sitecode") && object.has("servername") && object.has("version");
        is_site && (object.has("sitename") || object.has("buildnumber")) && !object.has("rolename")
    },
    read,
};

/// The role of `ServerName`, as `SMS_SCI_SysResUse` spells it.
const SITE_SERVER: &str = "SMS Site Server";

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let (code, server) = (object.text("sitecode"), object.text("servername"));
    if code.is_none() {
        let message = "the site has no code";
        let reject = Reject::lost(visit.lineage, Stage::Decode, Code::MissingField, message);
        return visit.sink.reject(reject);
    }
    if server.is_none() {
        let message = "the server of the site has no name";
        let reject = Reject::degraded(visit.lineage, Stage::Decode, Code::MissingField, "client", message);
        visit.sink.reject(reject);
    }
    visit.sink.binding(&Binding {
        lineage: visit.lineage,
        client: server,
        kind: BindingKind::CmRole,
        role: Some(SITE_SERVER.into()),
        site_code: code,
        site_version: object.text("version"),
        confidence: KIND.confidence,
        ..Binding::default()
    });
}
