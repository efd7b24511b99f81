//! Object identifiers by their content octets, and their dotted text.

use x509_parser::asn1_rs::oid;

use super::text;

// RFC 5280 4.2.1 and 4.2.2
pub(super) const SUBJECT_KEY_ID: &[u8] = &oid!(raw 2.5.29.14);
pub(super) const KEY_USAGE: &[u8] = &oid!(raw 2.5.29.15);
pub(super) const SUBJECT_ALT_NAME: &[u8] = &oid!(raw 2.5.29.17);
pub(super) const BASIC_CONSTRAINTS: &[u8] = &oid!(raw 2.5.29.19);
pub(super) const CRL_DISTRIBUTION_POINTS: &[u8] = &oid!(raw 2.5.29.31);
pub(super) const CERTIFICATE_POLICIES: &[u8] = &oid!(raw 2.5.29.32);
pub(super) const AUTHORITY_KEY_ID: &[u8] = &oid!(raw 2.5.29.35);
pub(super) const EXTENDED_KEY_USAGE: &[u8] = &oid!(raw 2.5.29.37);
pub(super) const AUTHORITY_INFO_ACCESS: &[u8] = &oid!(raw 1.3.6.1.5.5.7.1.1);
pub(super) const ACCESS_OCSP: &[u8] = &oid!(raw 1.3.6.1.5.5.7.48.1);
pub(super) const ACCESS_CA_ISSUERS: &[u8] = &oid!(raw 1.3.6.1.5.5.7.48.2);

// [MS-WCCE] 2.2.2.7.7 and KB5014754
pub(super) const TEMPLATE_NAME: &[u8] = &oid!(raw 1.3.6.1.4.1.311.20.2);
pub(super) const TEMPLATE: &[u8] = &oid!(raw 1.3.6.1.4.1.311.21.7);
pub(super) const APPLICATION_POLICIES: &[u8] = &oid!(raw 1.3.6.1.4.1.311.21.10);
pub(super) const SID: &[u8] = &oid!(raw 1.3.6.1.4.1.311.25.2);
/// otherName inside the SID extension.
pub(super) const SID_NAME: &[u8] = &oid!(raw 1.3.6.1.4.1.311.25.2.1);
/// otherName of a user principal name.
pub(super) const UPN: &[u8] = &oid!(raw 1.3.6.1.4.1.311.20.2.3);

// Yubico, "PIV attestation"
pub(super) const YUBIKEY_FIRMWARE: &[u8] = &oid!(raw 1.3.6.1.4.1.41482.3.3);
pub(super) const YUBIKEY_SERIAL: &[u8] = &oid!(raw 1.3.6.1.4.1.41482.3.7);
pub(super) const YUBIKEY_POLICIES: &[u8] = &oid!(raw 1.3.6.1.4.1.41482.3.8);
pub(super) const YUBIKEY_FORM_FACTOR: &[u8] = &oid!(raw 1.3.6.1.4.1.41482.3.9);

/// Dotted text of the content octets (X.690 8.19), `None` where malformed.
///
/// Arcs may have 128 bits: UUIDs are registered as `2.25.N`. A padded arc is malformed, or two encodings would
/// look the same.
pub(super) fn dotted(content: &[u8]) -> Option<String> {
    if content.last()? & 0x80 != 0 {
        return None;
    }
    let mut out = String::with_capacity(content.len() * 3);
    let mut arc = 0u128;
    let mut inside = false;
    for &byte in content {
        if inside && arc >> 121 != 0 || (!inside && byte == 0x80) {
            return None;
        }
        arc = arc << 7 | u128::from(byte & 0x7f);
        inside = byte & 0x80 != 0;
        if inside {
            continue;
        }
        if out.is_empty() {
            let (root, offset) = match arc {
                0..40 => ('0', 0),
                40..80 => ('1', 40),
                _ => ('2', 80),
            };
            out.push(root);
            arc -= offset;
        }
        out.push('.');
        text::push_decimal(&mut out, arc);
        arc = 0;
    }
    Some(out)
}

/// Dotted text; a malformed identifier as `#` and the hex of its content.
pub(super) fn text(content: &[u8]) -> String {
    dotted(content).unwrap_or_else(|| {
        let mut out = String::from("#");
        text::push_hex(&mut out, content);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_texts() {
        assert_eq!(dotted(YUBIKEY_POLICIES).as_deref(), Some("1.3.6.1.4.1.41482.3.8"));
        assert_eq!(dotted(&[0x88, 0x37]).as_deref(), Some("2.999"));
        assert_eq!(dotted(&[0x00]).as_deref(), Some("0.0"));
        assert_eq!(dotted(&[0x78]).as_deref(), Some("2.40"));
    }

    #[test]
    fn a_uuid_fits() {
        let mut content = vec![0x69, 0x83];
        content.extend([0xff; 17]);
        content.push(0x7f);
        assert_eq!(dotted(&content), Some(format!("2.25.{}", u128::MAX)));
        content.insert(1, 0x81);
        assert_eq!(dotted(&content), None, "129 bits and more");
    }

    #[test]
    fn malformed_ones_stay_apart() {
        for content in [&[][..], &[0x2a, 0x86], &[0x2a, 0x80, 0x01]] {
            assert_eq!(dotted(content), None);
        }
        assert_eq!(text(&[0x2a, 0x80, 0x01]), "#2a8001");
    }
}
