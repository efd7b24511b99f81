//! Extensions of leaves, and the pieces that CA certificates share with them. Those that only depend on the template or
//! the issuer are made once, by `template` and `authority`.

use super::der::{Der, Oid, tag};
use super::names::{self, Client};
use super::oid;
use super::template::Owner;

/// Key usage bits of RFC 5280 4.2.1.3, first bit highest.
pub(super) fn key_usage(der: &mut Der, bits: u8) {
    der.extension(&oid::KEY_USAGE, true, |d| d.named_bits(bits));
}

/// A GeneralName of a text kind: `[number] IA5String`.
pub(super) fn general_name(der: &mut Der, number: u8, text: &str) {
    der.value(tag::context(number), text.as_bytes());
}

/// Writes the S/MIME capabilities AD CS adds (RFC 8551 2.5.2).
pub(super) fn mail_capabilities(der: &mut Der) {
    der.extension(&oid::SMIME_CAPABILITIES, false, |d| {
        d.sequence(|d| {
            d.sequence(|d| d.oid(&oid::AES256_CBC));
            d.sequence(|d| d.oid(&oid::AES128_CBC));
        });
    });
}

/// DNS names of machines; user principal name and, for mail, the address of users.
pub(super) fn alt_name(der: &mut Der, client: &Client, owner: Owner, with_mail: bool, style: u64) {
    der.extension(&oid::SUBJECT_ALT_NAME, false, |d| {
        d.sequence(|d| match owner {
            Owner::Machine => {
                general_name(d, 2, &client.fqdn);
                if client.is_server && style > 4 {
                    general_name(d, 2, &format!("service{style}.{}", names::DOMAIN));
                    general_name(d, 2, &client.host.to_ascii_lowercase());
                }
            }
            Owner::User => {
                // OtherName ::= [0] { type-id, value [0] EXPLICIT }, RFC 5280 4.2.1.6.
                d.nest(tag::nested(0), |d| {
                    d.oid(&oid::UPN);
                    d.nest(tag::nested(0), |d| d.value(tag::UTF8, client.mail().as_bytes()));
                });
                if with_mail {
                    general_name(d, 1, &client.mail());
                }
            }
        });
    });
}

/// The SID extension of strong certificate mapping.
pub(super) fn sid(der: &mut Der, sid: &str) {
    der.extension(&oid::SID_EXTENSION, false, |d| {
        d.sequence(|d| {
            d.nest(tag::nested(0), |d| {
                d.oid(&oid::SID_NAME);
                d.nest(tag::nested(0), |d| d.value(tag::OCTET_STRING, sid.as_bytes()));
            });
        });
    });
}

/// The issuance policy by which a CA says that it checked a TPM key attestation.
pub(super) fn attestation(der: &mut Der, policy: u32) {
    let policy = Oid::new(&[1, 3, 6, 1, 4, 1, 311, 21, policy]);
    der.extension(&oid::CERTIFICATE_POLICIES, false, |d| d.sequence(|d| d.sequence(|d| d.oid(&policy))));
}
