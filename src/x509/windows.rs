//! What Microsoft's certification authorities write into certificates: templates, SIDs, policies.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::san::other_name_text;
use super::{Label, Refusal, oid, string};
use crate::der::{self, Items, Tlv, tag};

/// Certificate template information, [MS-WCCE] 2.2.2.7.7.2.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    pub oid: String,
    pub major: Option<i32>,
    pub minor: Option<i32>,
}

/// Attestation policies are `1.3.6.1.4.1.311.21.N`, [MS-WCCE] 3.2.2.6.2.1.4.5.7.
const ATTESTATION: [&str; 3] = ["1.3.6.1.4.1.311.21.30", "1.3.6.1.4.1.311.21.31", "1.3.6.1.4.1.311.21.32"];

/// A SAN URI with a SID, as Intune writes it (KB5014754, strong mapping for SCEP and PKCS certificates).
const SID_URI: &str = "tag:microsoft.com,2022-09-14:sid:";

/// Template name of version 1 templates. Real ones are a bare string; [MS-WCCE] has it in a SEQUENCE.
pub(super) fn template_name(value: &[u8]) -> Result<String, Refusal> {
    const REFUSED: &str = "the template name is not a string";
    let outer = der::read(value).ok_or(REFUSED)?;
    let name = match outer.tag {
        tag::SEQUENCE => der::read(outer.content).ok_or(REFUSED)?,
        _ => outer,
    };
    let text = string::decode(u32::from(name.tag), name.content).ok_or(REFUSED)?;
    match text.trim_end_matches('\0') {
        "" => Err("the template name is empty".into()),
        name => Ok(name.to_owned()),
    }
}

/// Template of version 2 and later: its OID and version.
pub(super) fn template(value: &[u8]) -> Result<Template, Refusal> {
    const REFUSED: &str = "not a template OID with a version";
    let mut fields = Items::new(sequence(value).ok_or(REFUSED)?.content);
    let template = fields.next_if(tag::OID).and_then(|oid| oid::dotted(oid.content)).ok_or(REFUSED)?;
    let mut number = || match fields.next_if(tag::INTEGER) {
        Some(number) => small_integer(number.content).map(Some).ok_or(REFUSED),
        None => Ok(None),
    };
    let (major, minor) = (number()?, number()?);
    fields.rest().is_empty().then_some(Template { oid: template, major, minor }).ok_or(REFUSED.into())
}

/// An INTEGER from 0 to 2^31 - 1.
pub(super) fn small_integer(digits: &[u8]) -> Option<i32> {
    match digits {
        [] => None,
        [first, ..] if first & 0x80 != 0 => None,
        _ => digits.iter().try_fold(0i32, |value, digit| value.checked_mul(256)?.checked_add(i32::from(*digit))),
    }
}

/// SID of the account in the security extension: a list of names with one otherName.
pub(super) fn sid(value: &[u8]) -> Result<String, Refusal> {
    let list = sequence(value).ok_or("not a SEQUENCE of names")?;
    let mut names = Items::new(list.content);
    loop {
        let rest = names.rest();
        let Some(entry) = names.next() else { break };
        let Ok((_, GeneralName::OtherName(kind, value))) =
            GeneralName::from_der(rest.get(..entry.total).unwrap_or_default())
        else {
            continue;
        };
        if kind.as_bytes() == oid::SID_NAME {
            let octets = der::read(value).filter(|value| value.tag == tag::CONTEXT_0);
            let octets = octets.and_then(|octets| der::read(octets.content));
            let text = octets
                .filter(|octets| octets.tag == tag::OCTET_STRING)
                .and_then(|octets| std::str::from_utf8(octets.content).ok().filter(|text| is_sid(text)))
                .map(str::to_owned)
                .or_else(|| other_name_text(value).filter(|text| is_sid(text)));
            return text.ok_or("the security identifier is malformed".into());
        }
    }
    Err("the extension holds no security identifier".into())
}

/// SID in a SAN URI: `None` for other URIs, an error for a tag that is not followed by a SID.
pub(super) fn sid_of_uri(uri: &str) -> Option<Result<&str, Refusal>> {
    let (scheme, sid) = uri.split_at_checked(SID_URI.len())?;
    scheme
        .eq_ignore_ascii_case(SID_URI)
        .then(|| if is_sid(sid) { Ok(sid) } else { Err("the URI does not end in a security identifier".into()) })
}

/// `S-1-`, then decimal (the authority may be hexadecimal) numbers and hyphens ([MS-DTYP] 2.4.2.1).
pub(super) fn is_sid(text: &str) -> bool {
    let Some(numbers) = text.strip_prefix("S-1-").filter(|_| text.len() <= 256) else { return false };
    let Some(authority) = numbers.strip_prefix("0x") else { return are_decimal(numbers) };
    let (authority, others) = authority.split_once('-').map_or((authority, None), |(first, rest)| (first, Some(rest)));
    !authority.is_empty() && authority.bytes().all(|digit| digit.is_ascii_hexdigit()) && others.is_none_or(are_decimal)
}

/// Decimal numbers with one hyphen between each two.
fn are_decimal(numbers: &str) -> bool {
    let mut before = b'-';
    for byte in numbers.bytes() {
        if !(byte.is_ascii_digit() || byte == b'-' && before != b'-') {
            return false;
        }
        before = byte;
    }
    before != b'-'
}

/// OIDs of certificate policies (RFC 5280 4.2.1.4) and of application policies, which are encoded alike ([MS-WCCE]
/// 2.2.2.7.7.3). x509-parser knows only the first by their extension; one reader serves both.
pub(super) fn policies(value: &[u8]) -> Result<Vec<Label>, Refusal> {
    const REFUSED: &str = "not a SEQUENCE of policies";
    let mut list = Items::new(sequence(value).ok_or(REFUSED)?.content);
    let mut policies = Vec::new();
    for policy in &mut list {
        let id = Items::new(policy.content).next_if(tag::OID).ok_or(REFUSED)?;
        policies.push(oid::text(id.content));
    }
    list.rest().is_empty().then_some(policies).ok_or(REFUSED.into())
}

/// The last arcs of the attestation policies in the list, each once.
pub(super) fn attestation_policies(policies: &[Label]) -> Vec<u8> {
    let levels = (30..).zip(ATTESTATION);
    levels.filter(|(_, oid)| policies.iter().any(|policy| policy == oid)).map(|(level, _)| level).collect()
}

/// Role of a TPM certificate by its extended key usage (TCG EK Credential Profile 2.x; [MS-WCCE] for the last).
pub(super) fn tpm_role(eku: &[Label]) -> Option<&'static str> {
    eku.iter().find_map(|usage| match usage.as_ref() {
        "2.23.133.8.1" => Some("endorsement_key"),
        "2.23.133.8.2" => Some("platform"),
        "2.23.133.8.3" => Some("attestation_identity_key"),
        "1.3.6.1.4.1.311.21.36" => Some("privacy_ca"),
        _ => None,
    })
}

fn sequence(value: &[u8]) -> Option<Tlv<'_>> {
    der::read(value).filter(|value| value.tag == tag::SEQUENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::tests::build::{element, seq};

    #[test]
    fn template_names() {
        let bare = [0x1e, 0x08, 0, b'U', 0, b's', 0, b'e', 0, b'r'];
        assert_eq!(template_name(&bare).as_deref(), Ok("User"));
        assert_eq!(template_name(&element(30, &[0, b'U', 0, 0])).as_deref(), Ok("U"));
        assert_eq!(template_name(&seq(&[element(12, b"Machine")])).as_deref(), Ok("Machine"));
        for value in [&[][..], &[0x1e, 0x02, 0, 0], &[0x1e, 0x01, 0], &[0x04, 0x01, b'x'], &[0x30, 0x00]] {
            assert!(template_name(value).is_err());
        }
    }

    #[test]
    fn template_with_and_without_version() {
        let id = element(6, &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 21, 8, 1, 2]);
        let read = |parts: &[Vec<u8>]| template(&seq(parts)).map(|template| (template.major, template.minor));
        assert_eq!(read(&[id.clone(), element(2, &[100]), element(2, &[7])]), Ok((Some(100), Some(7))));
        assert_eq!(read(&[id.clone(), element(2, &[0, 200])]), Ok((Some(200), None)));
        assert_eq!(read(std::slice::from_ref(&id)), Ok((None, None)));
        assert_eq!(
            template(&seq(std::slice::from_ref(&id))).map(|template| template.oid).as_deref(),
            Ok("1.3.6.1.4.1.311.21.8.1.2")
        );
        assert!(read(&[id.clone(), element(2, &[0x80, 0, 0, 0])]).is_err());
        assert!(read(&[id, element(12, b"x")]).is_err());
        assert!(read(&[element(2, &[100])]).is_err());
    }

    #[test]
    fn sids() {
        let value = |kind: u8, sid: &[u8]| {
            seq(&[element(0xa0, &[element(6, oid::SID_NAME), element(0xa0, &element(kind, sid))].concat())])
        };
        assert_eq!(sid(&value(4, b"S-1-5-21-1-2-3-500")).as_deref(), Ok("S-1-5-21-1-2-3-500"));
        assert_eq!(sid(&value(12, b"S-1-5-18")).as_deref(), Ok("S-1-5-18"));
        for text in
            ["S-1-5-", "S-1-", "S-1--5", "S-1-5--1", "S-1-5-0x1", "S-1-0x", "S-1-0x-1", "S-1-0x5-", "S-1-5a", "s-1-5"]
        {
            assert!(!is_sid(text), "{text}");
        }
        assert!(is_sid("S-1-0x00aF-1-2") && is_sid("S-1-0x1") && is_sid("S-1-0"));
        assert!(!is_sid(&format!("S-1-{}", "1".repeat(253))) && is_sid(&format!("S-1-{}", "1".repeat(252))));
        assert!(sid(&value(4, b"S-1-5-")).is_err());
        assert!(sid(&value(4, b"administrator")).is_err());
        assert!(sid(&seq(&[])).is_err());
        assert_eq!(sid_of_uri("tag:microsoft.com,2022-09-14:sid:S-1-5-21-7"), Some(Ok("S-1-5-21-7")));
        assert!(sid_of_uri("tag:microsoft.com,2022-09-14:sid:x").is_some_and(|sid| sid.is_err()));
        assert_eq!(sid_of_uri("https://example.test/"), None);
    }

    #[test]
    fn policies_and_roles() {
        let policy = |last: u8| seq(&[element(6, &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 21, last])]);
        let list = policies(&seq(&[policy(32), policy(31), policy(32)])).expect("policies");
        assert_eq!(attestation_policies(&list), [31, 32]);
        assert_eq!(attestation_policies(&["1.3.6.1.4.1.311.21.33".into()]), [0; 0]);
        assert!(policies(&seq(&[policy(32), element(2, &[1])])).is_err());
        assert_eq!(tpm_role(&["1.2.3".into(), "2.23.133.8.3".into()]), Some("attestation_identity_key"));
        assert_eq!(tpm_role(&["2.23.133.8.4".into()]), None);
    }
}
