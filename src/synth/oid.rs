//! Object identifiers of synthetic certificates. Sources: RFC 5280, RFC 3279, RFC 5480, RFC 5758 and, for arc
//! 1.3.6.1.4.1.311, Microsoft's MS-WCCE and MS-CRTD.

use super::der::Oid;

macro_rules! oids {
    ($($name:ident = [$($arc:literal),+];)+) => { $(pub(super) const $name: Oid = Oid::new(&[$($arc),+]);)+ };
}

// Names (RFC 5280 appendix A, RFC 4519).
oids! {
    COMMON_NAME = [2, 5, 4, 3];
    COUNTRY = [2, 5, 4, 6];
    LOCALITY = [2, 5, 4, 7];
    ORGANIZATION = [2, 5, 4, 10];
    ORGANIZATIONAL_UNIT = [2, 5, 4, 11];
    DOMAIN_COMPONENT = [0, 9, 2342, 19200300, 100, 1, 25];
    EMAIL = [1, 2, 840, 113549, 1, 9, 1];
}

// Keys and signatures.
oids! {
    RSA_ENCRYPTION = [1, 2, 840, 113549, 1, 1, 1];
    SHA1_RSA = [1, 2, 840, 113549, 1, 1, 5];
    SHA256_RSA = [1, 2, 840, 113549, 1, 1, 11];
    SHA384_RSA = [1, 2, 840, 113549, 1, 1, 12];
    EC_PUBLIC_KEY = [1, 2, 840, 10045, 2, 1];
    P256 = [1, 2, 840, 10045, 3, 1, 7];
    ECDSA_SHA256 = [1, 2, 840, 10045, 4, 3, 2];
    AES256_CBC = [2, 16, 840, 1, 101, 3, 4, 1, 42];
    AES128_CBC = [2, 16, 840, 1, 101, 3, 4, 1, 2];
}

// Extensions and what stands in them.
oids! {
    SUBJECT_KEY_ID = [2, 5, 29, 14];
    KEY_USAGE = [2, 5, 29, 15];
    SUBJECT_ALT_NAME = [2, 5, 29, 17];
    BASIC_CONSTRAINTS = [2, 5, 29, 19];
    CRL_DISTRIBUTION_POINTS = [2, 5, 29, 31];
    CERTIFICATE_POLICIES = [2, 5, 29, 32];
    ANY_POLICY = [2, 5, 29, 32, 0];
    AUTHORITY_KEY_ID = [2, 5, 29, 35];
    EXTENDED_KEY_USAGE = [2, 5, 29, 37];
    AUTHORITY_INFO_ACCESS = [1, 3, 6, 1, 5, 5, 7, 1, 1];
    CPS = [1, 3, 6, 1, 5, 5, 7, 2, 1];
    OCSP = [1, 3, 6, 1, 5, 5, 7, 48, 1];
    CA_ISSUERS = [1, 3, 6, 1, 5, 5, 7, 48, 2];
    SMIME_CAPABILITIES = [1, 2, 840, 113549, 1, 9, 15];
    TEMPLATE_NAME = [1, 3, 6, 1, 4, 1, 311, 20, 2];
    CA_VERSION = [1, 3, 6, 1, 4, 1, 311, 21, 1];
    TEMPLATE = [1, 3, 6, 1, 4, 1, 311, 21, 7];
    APPLICATION_POLICIES = [1, 3, 6, 1, 4, 1, 311, 21, 10];
    SID_EXTENSION = [1, 3, 6, 1, 4, 1, 311, 25, 2];
    SID_NAME = [1, 3, 6, 1, 4, 1, 311, 25, 2, 1];
    UPN = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];
}

// Uses.
oids! {
    SERVER_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 1];
    CLIENT_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 2];
    CODE_SIGNING = [1, 3, 6, 1, 5, 5, 7, 3, 3];
    EMAIL_PROTECTION = [1, 3, 6, 1, 5, 5, 7, 3, 4];
    KDC = [1, 3, 6, 1, 5, 2, 3, 5];
    SMART_CARD_LOGON = [1, 3, 6, 1, 4, 1, 311, 20, 2, 2];
    EFS = [1, 3, 6, 1, 4, 1, 311, 10, 3, 4];
    REMOTE_DESKTOP = [1, 3, 6, 1, 4, 1, 311, 54, 1, 2];
}
