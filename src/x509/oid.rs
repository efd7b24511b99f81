//! Object identifiers by their content octets, and their dotted text.

use std::borrow::Cow;

use x509_parser::asn1_rs::oid;

use super::{Label, text};

/// Constants of content octets, and [`place`] over all of them.
macro_rules! known {
    ($($(#[$doc:meta])* $name:ident $first:literal $(.$rest:literal)*;)+) => {
        $($(#[$doc])* pub(super) const $name: &[u8] = &oid!(raw $first $(.$rest)*);)+

        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "named like the constants")]
        enum Place { $($name),+ }

        static TEXTS: &[&str] = &[$(concat!(stringify!($first) $(, ".", stringify!($rest))*)),+];

        /// Place in the list of known identifiers, below 64.
        pub(super) fn place(content: &[u8]) -> Option<usize> {
            match content {
                $($name => Some(Place::$name as usize),)+
                _ => None,
            }
        }
    };
}

known! {
    // RFC 5280 4.2.1 and 4.2.2: interpreted
    SUBJECT_KEY_ID 2.5.29.14;
    KEY_USAGE 2.5.29.15;
    SUBJECT_ALT_NAME 2.5.29.17;
    BASIC_CONSTRAINTS 2.5.29.19;
    CRL_DISTRIBUTION_POINTS 2.5.29.31;
    CERTIFICATE_POLICIES 2.5.29.32;
    AUTHORITY_KEY_ID 2.5.29.35;
    EXTENDED_KEY_USAGE 2.5.29.37;
    AUTHORITY_INFO_ACCESS 1.3.6.1.5.5.7.1.1;
    ACCESS_OCSP 1.3.6.1.5.5.7.48.1;
    ACCESS_CA_ISSUERS 1.3.6.1.5.5.7.48.2;

    // [MS-WCCE] 2.2.2.7.7 and KB5014754: interpreted
    TEMPLATE_NAME 1.3.6.1.4.1.311.20.2;
    TEMPLATE 1.3.6.1.4.1.311.21.7;
    APPLICATION_POLICIES 1.3.6.1.4.1.311.21.10;
    SID 1.3.6.1.4.1.311.25.2;
    /// otherName inside the SID extension.
    SID_NAME 1.3.6.1.4.1.311.25.2.1;
    /// otherName of a user principal name.
    UPN 1.3.6.1.4.1.311.20.2.3;

    // Yubico, "PIV attestation": interpreted
    YUBIKEY_FIRMWARE 1.3.6.1.4.1.41482.3.3;
    YUBIKEY_SERIAL 1.3.6.1.4.1.41482.3.7;
    YUBIKEY_POLICIES 1.3.6.1.4.1.41482.3.8;
    YUBIKEY_FORM_FACTOR 1.3.6.1.4.1.41482.3.9;

    // Extensions that are only listed: RFC 5280 4.2.1, RFC 8551 2.5.2, RFC 6962 3.3, [MS-WCCE] 2.2.2.7.7, Netscape
    ISSUER_ALT_NAME 2.5.29.18;
    NAME_CONSTRAINTS 2.5.29.30;
    POLICY_CONSTRAINTS 2.5.29.36;
    SMIME_CAPABILITIES 1.2.840.113549.1.9.15;
    SIGNED_TIMESTAMPS 1.3.6.1.4.1.11129.2.4.2;
    CA_VERSION 1.3.6.1.4.1.311.21.1;
    PREVIOUS_CA_HASH 1.3.6.1.4.1.311.21.2;
    NETSCAPE_TYPE 2.16.840.1.113730.1.1;

    // Policies: RFC 5280 4.2.1.4, [MS-WCCE] 3.2.2.6.2.1.4.5.7
    ANY_POLICY 2.5.29.32.0;
    ENDORSEMENT_KEY_POLICY 1.3.6.1.4.1.311.21.30;
    ENDORSEMENT_CERTIFICATE_POLICY 1.3.6.1.4.1.311.21.31;
    USER_CREDENTIALS_POLICY 1.3.6.1.4.1.311.21.32;

    // Uses: RFC 5280 4.2.1.12, RFC 4556 3.2.4, wincrypt.h, TCG EK Credential Profile
    ANY_USE 2.5.29.37.0;
    SERVER_AUTH 1.3.6.1.5.5.7.3.1;
    CLIENT_AUTH 1.3.6.1.5.5.7.3.2;
    CODE_SIGNING 1.3.6.1.5.5.7.3.3;
    EMAIL_PROTECTION 1.3.6.1.5.5.7.3.4;
    TIME_STAMPING 1.3.6.1.5.5.7.3.8;
    OCSP_SIGNING 1.3.6.1.5.5.7.3.9;
    KDC 1.3.6.1.5.2.3.5;
    ENCRYPTING_FILE_SYSTEM 1.3.6.1.4.1.311.10.3.4;
    ENROLLMENT_AGENT 1.3.6.1.4.1.311.20.2.1;
    SMART_CARD_LOGON 1.3.6.1.4.1.311.20.2.2;
    KEY_RECOVERY_AGENT 1.3.6.1.4.1.311.21.6;
    REMOTE_DESKTOP 1.3.6.1.4.1.311.54.1.2;
    TPM_ENDORSEMENT_KEY 2.23.133.8.1;
    TPM_IDENTITY_KEY 2.23.133.8.3;
}

/// Sets of places fit a `u64`.
const _: () = assert!(TEXTS.len() <= 64);

/// Dotted text of a known identifier by its place.
pub(super) fn text_at(place: usize) -> Option<&'static str> {
    TEXTS.get(place).copied()
}

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

/// Dotted text, without an allocation where the identifier is a known one.
pub(super) fn label(content: &[u8]) -> Option<Label> {
    match place(content).and_then(text_at) {
        Some(text) => Some(Cow::Borrowed(text)),
        None => dotted(content).map(Cow::Owned),
    }
}

/// Dotted text; a malformed identifier as `#` and the hex of its content.
pub(super) fn text(content: &[u8]) -> Label {
    label(content).unwrap_or_else(|| {
        let mut out = String::from("#");
        text::push_hex(&mut out, content);
        Cow::Owned(out)
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
    fn texts_of_known_identifiers_are_their_dotted_form() {
        for (place, text) in TEXTS.iter().enumerate() {
            let content = crate::x509::tests::build::oid(text);
            assert_eq!(dotted(&content).as_deref(), Some(*text));
            assert_eq!(super::place(&content), Some(place));
            assert!(matches!(label(&content), Some(Cow::Borrowed(known)) if known == *text));
        }
        assert_eq!(label(&[0x2a, 3]).as_deref(), Some("1.2.3"));
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
