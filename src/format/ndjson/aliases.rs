//! The names under which vendors and scripts print the fields that flat lines may have: the one alias table.
//!
//! To teach the reader a name, add it to the line of its field; where several names of one field stand in a line
//! with different values, the earlier entry of the table wins. Names are compared by letters and digits alone: case,
//! underscores, dashes and blanks do not count, so `der_b64`, `DerB64` and `DER-B64` are one entry.
//! They are the property and column names of PowerShell's certificate objects, osquery, Velociraptor, Defender,
//! Configuration Manager, Keyfactor and mondoo, and of census/1.

/// What a flat line can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Schema,
    RecordNumber,
    Client,
    CollectedAt,
    StoreLocation,
    StoreName,
    /// Location and name in one path.
    StorePath,
    UserSid,
    /// A hash whose kind follows from its length.
    Hash,
    Sha1,
    Sha256,
    /// The certificate: base64, hexadecimal, PEM or an array of numbers.
    Der,
    HasPrivateKey,
    Provider,
    ProviderType,
    KeySpec,
    KeyFlags,
    Container,
    KeyPath,
    Exportable,
    FriendlyName,
    Archived,
    Reader,
    HardwareDevice,
    Subject,
    Issuer,
    Serial,
    NotBefore,
    NotAfter,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = Field::NotAfter as usize + 1;

    /// Fields that a certificate has and little else: beside a hash they tell what it is the hash of.
    pub(super) fn describes_certificate(self) -> bool {
        use Field::{Der, FriendlyName, HasPrivateKey, Issuer, NotAfter, NotBefore, StoreName, StorePath, Subject};
        matches!(
            self,
            Der | FriendlyName | HasPrivateKey | Issuer | NotAfter | NotBefore | StoreName | StorePath | Subject
        )
    }

    /// Fields that name a certificate or its provider: one of them makes a line worth reading.
    pub(super) fn names_certificate(self) -> bool {
        matches!(self, Field::Hash | Field::Sha1 | Field::Sha256 | Field::Der | Field::Provider)
    }
}

/// Every alias, by field.
pub(super) const ALIASES: &[(Field, &[&str])] = &[
    (Field::Schema, &["schema"]),
    (Field::RecordNumber, &["seq", "record_number", "row_number"]),
    (
        Field::Client,
        // From the most explicit to the least.
        &[
            "client",
            "client_name",
            "client_machine",
            "host_identifier",
            "ps_computer_name",
            "computer_name",
            "__server",
            "host",
            "host_name",
            "computer",
            "machine_name",
            "machine",
            "device_name",
            "server_name",
            "netbios_name",
            "fqdn",
        ],
    ),
    (Field::CollectedAt, &["collected_utc", "collected_at", "collected", "collection_time"]),
    (Field::StoreLocation, &["store_location", "cert_store_location", "location"]),
    (Field::StoreName, &["store_name", "store_id", "store", "cert_store_name", "cert_store", "certificate_store"]),
    (Field::StorePath, &["ps_parent_path", "ps_path", "store_path", "cert_store_path"]),
    (Field::UserSid, &["user_sid", "sid"]),
    (
        Field::Hash,
        &[
            "thumbprint",
            "certificate_thumbprint",
            "cert_thumbprint",
            "fingerprint",
            "certificate_fingerprint",
            "cert_hash",
            "certificate_hash",
        ],
    ),
    (Field::Sha1, &["sha1", "sha1_hash", "sha1_thumbprint", "sha1_fingerprint", "thumbprint_sha1", "fingerprint_sha1"]),
    (
        Field::Sha256,
        &[
            "sha256",
            "sha256_hash",
            "sha256_thumbprint",
            "sha256_fingerprint",
            "thumbprint_sha256",
            "fingerprint_sha256",
        ],
    ),
    (
        Field::Der,
        &[
            "der_b64",
            "der",
            "der_base64",
            "base64_data",
            "raw_data",
            "raw_cert_data",
            "raw_certificate",
            "raw_cert",
            "certificate_base64",
            "cert_base64",
            "certificate_der",
            "certificate_data",
            "certificate_pem",
            "cert_pem",
            "pem",
            "x509_certificate",
            "certificate",
            "cert",
        ],
    ),
    (
        Field::HasPrivateKey,
        &["has_private_key", "has_priv_key", "private_key_present", "private_key_exists", "private_key_entry"],
    ),
    (
        Field::Provider,
        &[
            "provider_name",
            "provider",
            "key_provider",
            "key_provider_name",
            "key_storage_provider",
            "key_storage_provider_name",
            "crypto_provider",
            "cryptographic_provider",
            "csp_name",
            "ksp_name",
            "csp",
            "ksp",
        ],
    ),
    (Field::ProviderType, &["provider_type", "prov_type", "dw_prov_type", "csp_type"]),
    (Field::KeySpec, &["key_spec", "dw_key_spec"]),
    (Field::KeyFlags, &["key_flags", "key_prov_flags", "provider_flags"]),
    (
        Field::Container,
        &["key_container", "key_container_name", "container_name", "container", "private_key_container"],
    ),
    (
        Field::KeyPath,
        &[
            "key_path",
            "unique_key_container_name",
            "unique_container_name",
            "unique_name",
            "key_unique_name",
            "key_file",
            "key_file_name",
            "private_key_path",
        ],
    ),
    (Field::Exportable, &["is_exportable", "exportable", "key_exportable", "private_key_exportable"]),
    (Field::FriendlyName, &["friendly_name"]),
    (Field::Archived, &["archived", "is_archived"]),
    (Field::Reader, &["reader", "reader_name", "smart_card_reader", "card_reader"]),
    (Field::HardwareDevice, &["hardware_device"]),
    (Field::Subject, &["subject", "subject_dn", "subject_name", "issued_to"]),
    (Field::Issuer, &["issuer", "issuer_dn", "issuer_name", "issued_by"]),
    (Field::Serial, &["serial_number", "serial", "hex_serial_number", "cert_serial", "certificate_serial_number"]),
    (Field::NotBefore, &["not_before", "not_valid_before", "valid_from", "issue_date", "issued_on", "effective_date"]),
    (
        Field::NotAfter,
        &["not_after", "not_valid_after", "valid_to", "expiry_date", "expiration_date", "expires", "expires_on"],
    ),
];

/// Provider names that say that there is no key (Keyfactor inventory).
pub(super) const NO_KEY: &[&str] = &["No private key"];

/// Longest alias, in letters and digits.
const MAX_ALIAS: usize = 32;

/// The field a key names, and the rank of the name among all aliases: smaller is better.
pub(super) fn find(key: &str) -> Option<(Field, usize)> {
    let wanted = Letters::of(key)?;
    let at = INDEX.binary_search_by(|(letters, _, _)| letters.as_slice().cmp(wanted.as_slice())).ok()?;
    INDEX.get(at).map(|(_, field, rank)| (*field, *rank))
}

/// The letters and digits of a name in lower case.
#[derive(Clone, Copy)]
struct Letters {
    bytes: [u8; MAX_ALIAS],
    len: usize,
}

impl Letters {
    /// `None` where the name is too long for an alias or has characters that no alias has.
    const fn of(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        let mut letters = Letters { bytes: [0; MAX_ALIAS], len: 0 };
        let mut at = 0;
        while at < name.len() {
            let byte = name[at];
            if byte.is_ascii_alphanumeric() {
                if letters.len == MAX_ALIAS {
                    return None;
                }
                letters.bytes[letters.len] = byte.to_ascii_lowercase();
                letters.len += 1;
            } else if !matches!(byte, b'_' | b'-' | b' ') {
                return None;
            }
            at += 1;
        }
        Some(letters)
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The aliases in the order of their letters, for the binary search.
static INDEX: std::sync::LazyLock<Vec<(Letters, Field, usize)>> = std::sync::LazyLock::new(|| {
    let all = ALIASES.iter().flat_map(|(field, names)| names.iter().map(|name| (*name, *field)));
    let mut index: Vec<_> =
        all.enumerate().filter_map(|(rank, (name, field))| Some((Letters::of(name)?, field, rank))).collect();
    index.sort_by(|a, b| a.0.as_slice().cmp(b.0.as_slice()));
    index.dedup_by(|a, b| a.0.as_slice() == b.0.as_slice());
    index
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_names_its_field_and_none_stands_twice() {
        let mut count = 0;
        for (field, names) in ALIASES {
            for name in *names {
                assert_eq!(find(name).map(|(field, _)| field), Some(*field), "{name}");
                count += 1;
            }
        }
        assert_eq!(INDEX.len(), count, "an alias is too long or stands twice");
    }

    #[test]
    fn spelling_does_not_count() {
        for name in ["DerB64", "der_b64", "DER-B64", "Der B64", "derb64"] {
            assert_eq!(find(name).map(|(field, _)| field), Some(Field::Der), "{name}");
        }
        for name in ["", "der.b64", "dér", "certificates", &"x".repeat(99)] {
            assert!(find(name).is_none(), "{name}");
        }
    }
}
