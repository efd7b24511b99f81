//! Roles of Configuration Manager's site systems: instances of `SMS_SCI_SysResUse` (windows-text 11).

use std::borrow::Cow;

use crate::format::objects::{Kind, Object, Value, Visit};
use crate::record::{Binding, BindingKind, Code, FormatConfidence, Reject, Stage};

/// A role of a site system.
pub const KIND: Kind = Kind {
    name: "site_role",
    title: "site system role of Configuration Manager",
    yields: "a role with its machine, site code and SSL state",
    source: "Configuration Manager SDK, SMS_SCI_SysResUse",
    confidence: FormatConfidence::Documented,
    is: |object| object.has("rolename") && (object.has("nalpath") || object.has("networkospath")),
    read,
};

fn read(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let Some(role) = object.text("rolename") else {
        let message = "the role has no name";
        let reject = Reject::lost(visit.lineage, Stage::Decode, Code::MissingField, message);
        return visit.sink.reject(reject);
    };
    let (nal, network) = (object.text("nalpath"), object.text("networkospath"));
    let host = nal.as_deref().and_then(host_of_nal).or_else(|| network.as_deref().and_then(host_of_unc));
    visit.sink.binding(&Binding {
        lineage: visit.lineage,
        client: host.map(Cow::Borrowed),
        kind: BindingKind::CmRole,
        role: Some(role),
        site_code: object.text("sitecode"),
        site_version: ["siteversion", "version"].iter().find_map(|name| object.text(name)),
        ssl_state: object.get("sslstate").and_then(Value::int),
        confidence: KIND.confidence,
        ..Binding::default()
    });
    if host.is_none() {
        let message = "the paths of the role name no machine";
        let reject = Reject::degraded(visit.lineage, Stage::Decode, Code::MissingField, "client", message);
        visit.sink.reject(reject);
    }
}

/// The machine in `["Display=\\HOST\"]MSWNET:["SMS_SITE=XYZ"]\\HOST\`. Exports may have escaped its backslashes twice.
fn host_of_nal(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once("Display=").or_else(|| path.rsplit_once(']'))?;
    host_of_unc(rest)
}

/// The machine in `\\HOST` and what follows.
fn host_of_unc(path: &str) -> Option<&str> {
    let rest = path.trim_start_matches(['\\', '/']);
    if rest.len() == path.len() {
        return None;
    }
    let host = rest.split(['\\', '/', '"', ']']).next()?.trim();
    (!host.is_empty() && !host.contains(char::is_whitespace)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_found_in_either_path() {
        let nal = r#"["Display=\\cm1.grove.test\"]MSWNET:["SMS_SITE=GR1"]\\cm1.grove.test\"#;
        assert_eq!(host_of_nal(nal), Some("cm1.grove.test"));
        assert_eq!(host_of_nal(&nal.replace('\\', r"\\")), Some("cm1.grove.test"));
        assert_eq!(host_of_nal(r#"MSWNET:["SMS_SITE=GR1"]\\CM2\"#), Some("CM2"));
        assert_eq!((host_of_unc(r"\\CM3"), host_of_unc("CM3"), host_of_unc(r"\\")), (Some("CM3"), None, None));
    }
}
