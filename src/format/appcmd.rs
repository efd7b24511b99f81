//! `appcmd list site` (windows-text 9): the https bindings of IIS sites. It prints no certificate; http.sys has it.

use memchr::memmem;

use super::text::{self, TextLines};
use super::{Format, Head, Input, Outcome, endpoint};
use crate::record::{Binding, BindingKind, Code, FormatConfidence, Lineage, Reject, Sink, Stage};

/// `appcmd list site`.
pub static FORMAT: Format = Format {
    name: "appcmd_text",
    title: "appcmd list site output",
    usual_names: "*.txt",
    yields: "https bindings of IIS sites, without their certificates",
    source: "appcmd list site (IIS)",
    sniff: is_appcmd,
    read: Some(read),
    unpack: None,
    border: None,
};

fn is_appcmd(head: &Head<'_>) -> bool {
    text::head(head)
        .split(|byte| *byte == b'\n')
        .any(|line| line.trim_ascii_start().starts_with(b"SITE \"") && memmem::find(line, b",bindings:").is_some())
}

/// Name of the site, and its list of bindings.
fn site(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start().strip_prefix("SITE \"")?;
    let (name, rest) = rest.split_once("\" (id:")?;
    let (_, rest) = rest.split_once(",bindings:")?;
    let end = rest.rfind(",state:").or_else(|| rest.rfind(')'));
    Some((name, &rest[..end?]))
}

fn read(input: Input<'_, '_>, sink: &mut dyn Sink) -> Outcome {
    let mut lines = TextLines::in_code_page(input.window, input.setting.max_line, input.setting.code_page);
    while let Some(line) = lines.line() {
        if sink.stopped() {
            return Outcome::Incomplete;
        }
        let lineage = Lineage::at(line.offset);
        if line.too_long {
            let message = "a line is longer than the limit";
            sink.reject(Reject::lost(lineage, Stage::Read, Code::LineTooLong, message));
        } else if let Some((name, bindings)) = site(line.text) {
            push_site(name, bindings, line.invalid, lineage, sink);
        } else if line.text.trim_start().starts_with("SITE \"") {
            let message = "a line of a site without a list of bindings";
            sink.reject(
                Reject::lost(lineage, Stage::Read, Code::BadStructure, message).with_sample(line.text.as_bytes()),
            );
        }
    }
    Outcome::Complete
}

fn push_site(name: &str, bindings: &str, is_guessed: bool, first: Lineage, sink: &mut dyn Sink) {
    if bindings.is_empty() {
        return sink.skip("site_without_binding");
    }
    for (part, binding) in (0..).zip(bindings.split(',')) {
        let lineage = Lineage { part, ..first };
        let Some(information) = binding.strip_prefix("https/") else {
            sink.skip("other_protocol");
            continue;
        };
        let Some(parts) = endpoint::of_binding_information(information) else {
            let message = "an https binding is not of the form address:port:host";
            sink.reject(Reject::lost(lineage, Stage::Decode, Code::BadField, message).with_sample(binding.as_bytes()));
            continue;
        };
        sink.binding(&Binding {
            lineage,
            kind: BindingKind::Iis,
            endpoint: Some(information.into()),
            ip: parts.ip.map(Into::into),
            port: parts.port,
            sni_host: parts.host.map(Into::into),
            site_name: Some(name.into()),
            confidence: FormatConfidence::Documented,
            ..Binding::default()
        });
        if is_guessed {
            let message = "letters of a name on this line are guessed: the code page is not known";
            sink.reject(Reject::degraded(lineage, Stage::Decode, Code::BadText, "site_name", message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::read_all;

    #[test]
    fn https_bindings_are_rows_and_others_are_skips() {
        let text = "SITE \"A, (b)\" (id:1,bindings:http/*:80:,https/*:443:w.contoso.com,https/[::1]:444:,net.tcp/808:*,state:Started)\r
SITE \"Empty\" (id:2,bindings:,state:Stopped)\nSITE \"Odd\" (id:3,bindings:https/443,state:Started)\nSITE \"cut";
        let seen = read_all(&FORMAT, text.as_bytes(), "x.txt");
        assert_eq!((seen.others.len(), seen.skips["other_protocol"], seen.skips["site_without_binding"]), (2, 2, 1));
        assert_eq!(seen.lost(), [Code::BadField, Code::BadStructure]);
        assert!(seen.others[0].contains("site_name: Some(\"A, (b)\")") && seen.others[0].contains("part: 1"));
        assert!(seen.others[0].contains("sni_host: Some(\"w.contoso.com\")") && seen.others[0].contains("ip: None"));
        assert!(seen.others[1].contains("ip: Some(\"::1\")") && seen.others[1].contains("port: Some(444)"));
    }
}
