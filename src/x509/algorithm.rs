//! Algorithms and curves by OID. Flat lists; each part names its source.

use x509_parser::asn1_rs::oid;

/// How to read the parameters and the bits of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// RSAPublicKey (RFC 8017 A.1.1).
    Rsa,
    /// A point; parameters are a curve (RFC 5480 2.1).
    Ec,
    /// Parameters start with p.
    Dsa,
    /// Parameters start with p.
    Dh,
    /// One size, in bits.
    Fixed(i32),
    /// No number of bits that could be compared with the others.
    PostQuantum,
    /// A post-quantum and a classic algorithm in one.
    Composite,
}

/// A public key algorithm.
#[derive(Debug)]
pub(super) struct KeyAlgorithm {
    pub oid: &'static [u8],
    pub name: &'static str,
    pub kind: KeyKind,
}

/// A signature algorithm with the hash that its OID names.
#[derive(Debug)]
pub(super) struct SignatureAlgorithm {
    pub oid: &'static [u8],
    pub name: &'static str,
    pub hash: Option<&'static str>,
}

/// A named curve and the bits of its field.
#[derive(Debug)]
pub(super) struct Curve {
    pub oid: &'static [u8],
    pub name: &'static str,
    pub bits: i32,
}

macro_rules! keys {
    ($($name:literal $kind:expr, $($arcs:literal).+;)+) => {
        &[$(KeyAlgorithm { oid: &oid!(raw $($arcs).+), name: $name, kind: $kind }),+]
    };
}

macro_rules! signatures {
    ($($name:literal $hash:expr, $($arcs:literal).+;)+) => {
        &[$(SignatureAlgorithm { oid: &oid!(raw $($arcs).+), name: $name, hash: $hash }),+]
    };
}

macro_rules! curves {
    ($($name:literal $bits:literal, $($arcs:literal).+;)+) => {
        &[$(Curve { oid: &oid!(raw $($arcs).+), name: $name, bits: $bits }),+]
    };
}

macro_rules! hashes {
    ($($name:literal $($arcs:literal).+;)+) => { &[$((&oid!(raw $($arcs).+), $name)),+] };
}

pub(super) const RSA_PSS: &[u8] = &oid!(raw 1.2.840.113549.1.1.10);
pub(super) const MGF1: &[u8] = &oid!(raw 1.2.840.113549.1.1.8);
pub(super) const ECDSA_WITH_SPECIFIED: &[u8] = &oid!(raw 1.2.840.10045.4.3);

use KeyKind::{Composite, Dh, Dsa, Ec, Fixed, PostQuantum, Rsa};

/// The public key algorithm with this OID.
pub(super) fn key(oid: &[u8]) -> Option<&'static KeyAlgorithm> {
    KEYS.iter().chain(POST_QUANTUM).find(|algorithm| algorithm.oid == oid)
}

/// Name and hash of the signature algorithm with this OID. The signature of a post-quantum key has the key's OID.
pub(super) fn signature(oid: &[u8]) -> Option<(&'static str, Option<&'static str>)> {
    let classic = SIGNATURES.iter().find(|algorithm| algorithm.oid == oid);
    classic.map(|algorithm| (algorithm.name, algorithm.hash)).or_else(|| {
        let algorithm = POST_QUANTUM.iter().find(|algorithm| algorithm.oid == oid)?;
        let hash = match algorithm.kind {
            Composite => None,
            _ => algorithm.name.split_once("_with_").map(|(_, hash)| hash),
        };
        Some((algorithm.name, hash))
    })
}

/// The curve with this OID.
pub(super) fn curve(oid: &[u8]) -> Option<&'static Curve> {
    CURVES.iter().find(|curve| curve.oid == oid)
}

/// Name of the hash with this OID.
pub(super) fn hash(oid: &[u8]) -> Option<&'static str> {
    HASHES.iter().find(|(hash, _)| *hash == oid).map(|(_, name)| *name)
}

static KEYS: &[KeyAlgorithm] = keys! {
    // RFC 8017, RFC 5480
    "rsa" Rsa, 1.2.840.113549.1.1.1;
    "ec" Ec, 1.2.840.10045.2.1;
    // RFC 8410
    "ed25519" Fixed(255), 1.3.101.112;
    "ed448" Fixed(448), 1.3.101.113;
    "x25519" Fixed(255), 1.3.101.110;
    "x448" Fixed(448), 1.3.101.111;
    // RFC 4055; RFC 3279 with the older OIW number of DSA; X.509 1988's own number of RSA
    "rsa_pss" Rsa, 1.2.840.113549.1.1.10;
    "rsa_oaep" Rsa, 1.2.840.113549.1.1.7;
    "rsa" Rsa, 2.5.8.1.1;
    "dsa" Dsa, 1.2.840.10040.4.1;
    "dsa" Dsa, 1.3.14.3.2.12;
    // X9.42 and PKCS#3
    "dh" Dh, 1.2.840.10046.2.1;
    "dh" Dh, 1.2.840.113549.1.3.1;
    // RFC 5480: keys restricted to key agreement
    "ecdh" Ec, 1.3.132.1.12;
    "ecmqv" Ec, 1.3.132.1.13;
    // RFC 4491, RFC 9215
    "gost_r3410_2001" Fixed(256), 1.2.643.2.2.19;
    "gost_r3410_2012_256" Fixed(256), 1.2.643.7.1.1.1.1;
    "gost_r3410_2012_512" Fixed(512), 1.2.643.7.1.1.1.2;
};

static POST_QUANTUM: &[KeyAlgorithm] = keys! {
    // NIST CSOR, sigAlgs: FIPS 204 (RFC 9881)
    "ml_dsa_44" PostQuantum, 2.16.840.1.101.3.4.3.17;
    "ml_dsa_65" PostQuantum, 2.16.840.1.101.3.4.3.18;
    "ml_dsa_87" PostQuantum, 2.16.840.1.101.3.4.3.19;
    "hash_ml_dsa_44_with_sha512" PostQuantum, 2.16.840.1.101.3.4.3.32;
    "hash_ml_dsa_65_with_sha512" PostQuantum, 2.16.840.1.101.3.4.3.33;
    "hash_ml_dsa_87_with_sha512" PostQuantum, 2.16.840.1.101.3.4.3.34;
    // NIST CSOR, kems: FIPS 203 (RFC 9935)
    "ml_kem_512" PostQuantum, 2.16.840.1.101.3.4.4.1;
    "ml_kem_768" PostQuantum, 2.16.840.1.101.3.4.4.2;
    "ml_kem_1024" PostQuantum, 2.16.840.1.101.3.4.4.3;
    // NIST CSOR, sigAlgs: FIPS 205 (RFC 9909)
    "slh_dsa_sha2_128s" PostQuantum, 2.16.840.1.101.3.4.3.20;
    "slh_dsa_sha2_128f" PostQuantum, 2.16.840.1.101.3.4.3.21;
    "slh_dsa_sha2_192s" PostQuantum, 2.16.840.1.101.3.4.3.22;
    "slh_dsa_sha2_192f" PostQuantum, 2.16.840.1.101.3.4.3.23;
    "slh_dsa_sha2_256s" PostQuantum, 2.16.840.1.101.3.4.3.24;
    "slh_dsa_sha2_256f" PostQuantum, 2.16.840.1.101.3.4.3.25;
    "slh_dsa_shake_128s" PostQuantum, 2.16.840.1.101.3.4.3.26;
    "slh_dsa_shake_128f" PostQuantum, 2.16.840.1.101.3.4.3.27;
    "slh_dsa_shake_192s" PostQuantum, 2.16.840.1.101.3.4.3.28;
    "slh_dsa_shake_192f" PostQuantum, 2.16.840.1.101.3.4.3.29;
    "slh_dsa_shake_256s" PostQuantum, 2.16.840.1.101.3.4.3.30;
    "slh_dsa_shake_256f" PostQuantum, 2.16.840.1.101.3.4.3.31;
    "hash_slh_dsa_sha2_128s_with_sha256" PostQuantum, 2.16.840.1.101.3.4.3.35;
    "hash_slh_dsa_sha2_128f_with_sha256" PostQuantum, 2.16.840.1.101.3.4.3.36;
    "hash_slh_dsa_sha2_192s_with_sha512" PostQuantum, 2.16.840.1.101.3.4.3.37;
    "hash_slh_dsa_sha2_192f_with_sha512" PostQuantum, 2.16.840.1.101.3.4.3.38;
    "hash_slh_dsa_sha2_256s_with_sha512" PostQuantum, 2.16.840.1.101.3.4.3.39;
    "hash_slh_dsa_sha2_256f_with_sha512" PostQuantum, 2.16.840.1.101.3.4.3.40;
    "hash_slh_dsa_shake_128s_with_shake128" PostQuantum, 2.16.840.1.101.3.4.3.41;
    "hash_slh_dsa_shake_128f_with_shake128" PostQuantum, 2.16.840.1.101.3.4.3.42;
    "hash_slh_dsa_shake_192s_with_shake256" PostQuantum, 2.16.840.1.101.3.4.3.43;
    "hash_slh_dsa_shake_192f_with_shake256" PostQuantum, 2.16.840.1.101.3.4.3.44;
    "hash_slh_dsa_shake_256s_with_shake256" PostQuantum, 2.16.840.1.101.3.4.3.45;
    "hash_slh_dsa_shake_256f_with_shake256" PostQuantum, 2.16.840.1.101.3.4.3.46;
    // RFC 9802, RFC 9708: stateful hash-based signatures
    "hss_lms" PostQuantum, 1.2.840.113549.1.9.16.3.17;
    "xmss" PostQuantum, 1.3.6.1.5.5.7.6.34;
    "xmssmt" PostQuantum, 1.3.6.1.5.5.7.6.35;
    // draft-ietf-lamps-pq-composite-sigs, numbers allocated by IANA
    "composite_mldsa44_rsa2048_pss_sha256" Composite, 1.3.6.1.5.5.7.6.37;
    "composite_mldsa44_rsa2048_pkcs15_sha256" Composite, 1.3.6.1.5.5.7.6.38;
    "composite_mldsa44_ed25519_sha512" Composite, 1.3.6.1.5.5.7.6.39;
    "composite_mldsa44_ecdsa_p256_sha256" Composite, 1.3.6.1.5.5.7.6.40;
    "composite_mldsa65_rsa3072_pss_sha512" Composite, 1.3.6.1.5.5.7.6.41;
    "composite_mldsa65_rsa3072_pkcs15_sha512" Composite, 1.3.6.1.5.5.7.6.42;
    "composite_mldsa65_rsa4096_pss_sha512" Composite, 1.3.6.1.5.5.7.6.43;
    "composite_mldsa65_rsa4096_pkcs15_sha512" Composite, 1.3.6.1.5.5.7.6.44;
    "composite_mldsa65_ecdsa_p256_sha512" Composite, 1.3.6.1.5.5.7.6.45;
    "composite_mldsa65_ecdsa_p384_sha512" Composite, 1.3.6.1.5.5.7.6.46;
    "composite_mldsa65_ecdsa_brainpool_p256r1_sha512" Composite, 1.3.6.1.5.5.7.6.47;
    "composite_mldsa65_ed25519_sha512" Composite, 1.3.6.1.5.5.7.6.48;
    "composite_mldsa87_ecdsa_p384_sha512" Composite, 1.3.6.1.5.5.7.6.49;
    "composite_mldsa87_ecdsa_brainpool_p384r1_sha512" Composite, 1.3.6.1.5.5.7.6.50;
    "composite_mldsa87_ed448_shake256" Composite, 1.3.6.1.5.5.7.6.51;
    "composite_mldsa87_rsa3072_pss_sha512" Composite, 1.3.6.1.5.5.7.6.52;
    "composite_mldsa87_rsa4096_pss_sha512" Composite, 1.3.6.1.5.5.7.6.53;
    "composite_mldsa87_ecdsa_p521_sha512" Composite, 1.3.6.1.5.5.7.6.54;
    // draft-ietf-lamps-pq-composite-kem, numbers allocated by IANA
    "composite_mlkem768_rsa2048_sha3_256" Composite, 1.3.6.1.5.5.7.6.55;
    "composite_mlkem768_rsa3072_sha3_256" Composite, 1.3.6.1.5.5.7.6.56;
    "composite_mlkem768_rsa4096_sha3_256" Composite, 1.3.6.1.5.5.7.6.57;
    "composite_mlkem768_x25519_sha3_256" Composite, 1.3.6.1.5.5.7.6.58;
    "composite_mlkem768_ecdh_p256_sha3_256" Composite, 1.3.6.1.5.5.7.6.59;
    "composite_mlkem768_ecdh_p384_sha3_256" Composite, 1.3.6.1.5.5.7.6.60;
    "composite_mlkem768_ecdh_brainpool_p256r1_sha3_256" Composite, 1.3.6.1.5.5.7.6.61;
    "composite_mlkem1024_rsa3072_sha3_256" Composite, 1.3.6.1.5.5.7.6.62;
    "composite_mlkem1024_ecdh_p384_sha3_256" Composite, 1.3.6.1.5.5.7.6.63;
    "composite_mlkem1024_ecdh_brainpool_p384r1_sha3_256" Composite, 1.3.6.1.5.5.7.6.64;
    "composite_mlkem1024_x448_sha3_256" Composite, 1.3.6.1.5.5.7.6.65;
    "composite_mlkem1024_ecdh_p521_sha3_256" Composite, 1.3.6.1.5.5.7.6.66;
};

static SIGNATURES: &[SignatureAlgorithm] = signatures! {
    // RFC 8017 A.2, RFC 5758, RFC 4055
    "sha256_with_rsa" Some("sha256"), 1.2.840.113549.1.1.11;
    "ecdsa_with_sha256" Some("sha256"), 1.2.840.10045.4.3.2;
    "ecdsa_with_sha384" Some("sha384"), 1.2.840.10045.4.3.3;
    "sha1_with_rsa" Some("sha1"), 1.2.840.113549.1.1.5;
    "sha384_with_rsa" Some("sha384"), 1.2.840.113549.1.1.12;
    "sha512_with_rsa" Some("sha512"), 1.2.840.113549.1.1.13;
    "rsa_pss" None, 1.2.840.113549.1.1.10;
    "sha224_with_rsa" Some("sha224"), 1.2.840.113549.1.1.14;
    "sha512_224_with_rsa" Some("sha512_224"), 1.2.840.113549.1.1.15;
    "sha512_256_with_rsa" Some("sha512_256"), 1.2.840.113549.1.1.16;
    "md5_with_rsa" Some("md5"), 1.2.840.113549.1.1.4;
    "md4_with_rsa" Some("md4"), 1.2.840.113549.1.1.3;
    "md2_with_rsa" Some("md2"), 1.2.840.113549.1.1.2;
    "ecdsa_with_sha1" Some("sha1"), 1.2.840.10045.4.1;
    "ecdsa_with_sha224" Some("sha224"), 1.2.840.10045.4.3.1;
    "ecdsa_with_sha512" Some("sha512"), 1.2.840.10045.4.3.4;
    "ecdsa_with_specified" None, 1.2.840.10045.4.3;
    "dsa_with_sha1" Some("sha1"), 1.2.840.10040.4.3;
    "dsa_with_sha224" Some("sha224"), 2.16.840.1.101.3.4.3.1;
    "dsa_with_sha256" Some("sha256"), 2.16.840.1.101.3.4.3.2;
    "dsa_with_sha384" Some("sha384"), 2.16.840.1.101.3.4.3.3;
    "dsa_with_sha512" Some("sha512"), 2.16.840.1.101.3.4.3.4;
    // RFC 8410
    "ed25519" None, 1.3.101.112;
    "ed448" None, 1.3.101.113;
    // OIW Security SIG; makecert and other old tools
    "sha1_with_rsa" Some("sha1"), 1.3.14.3.2.29;
    "md5_with_rsa" Some("md5"), 1.3.14.3.2.3;
    "md4_with_rsa" Some("md4"), 1.3.14.3.2.4;
    "dsa_with_sha1" Some("sha1"), 1.3.14.3.2.27;
    // NIST CSOR: SHA-3
    "dsa_with_sha3_224" Some("sha3_224"), 2.16.840.1.101.3.4.3.5;
    "dsa_with_sha3_256" Some("sha3_256"), 2.16.840.1.101.3.4.3.6;
    "dsa_with_sha3_384" Some("sha3_384"), 2.16.840.1.101.3.4.3.7;
    "dsa_with_sha3_512" Some("sha3_512"), 2.16.840.1.101.3.4.3.8;
    "ecdsa_with_sha3_224" Some("sha3_224"), 2.16.840.1.101.3.4.3.9;
    "ecdsa_with_sha3_256" Some("sha3_256"), 2.16.840.1.101.3.4.3.10;
    "ecdsa_with_sha3_384" Some("sha3_384"), 2.16.840.1.101.3.4.3.11;
    "ecdsa_with_sha3_512" Some("sha3_512"), 2.16.840.1.101.3.4.3.12;
    "sha3_224_with_rsa" Some("sha3_224"), 2.16.840.1.101.3.4.3.13;
    "sha3_256_with_rsa" Some("sha3_256"), 2.16.840.1.101.3.4.3.14;
    "sha3_384_with_rsa" Some("sha3_384"), 2.16.840.1.101.3.4.3.15;
    "sha3_512_with_rsa" Some("sha3_512"), 2.16.840.1.101.3.4.3.16;
    // RFC 8692: SHAKE
    "rsa_pss_shake128" Some("shake128"), 1.3.6.1.5.5.7.6.30;
    "rsa_pss_shake256" Some("shake256"), 1.3.6.1.5.5.7.6.31;
    "ecdsa_with_shake128" Some("shake128"), 1.3.6.1.5.5.7.6.32;
    "ecdsa_with_shake256" Some("shake256"), 1.3.6.1.5.5.7.6.33;
    // BSI TR-03111 5.2.1
    "ecdsa_plain_sha1" Some("sha1"), 0.4.0.127.0.7.1.1.4.1.1;
    "ecdsa_plain_sha224" Some("sha224"), 0.4.0.127.0.7.1.1.4.1.2;
    "ecdsa_plain_sha256" Some("sha256"), 0.4.0.127.0.7.1.1.4.1.3;
    "ecdsa_plain_sha384" Some("sha384"), 0.4.0.127.0.7.1.1.4.1.4;
    "ecdsa_plain_sha512" Some("sha512"), 0.4.0.127.0.7.1.1.4.1.5;
    // TeleTrusT, GM/T 0006, RFC 4491, RFC 9215
    "ripemd160_with_rsa" Some("ripemd160"), 1.3.36.3.3.1.2;
    "sm2_with_sm3" Some("sm3"), 1.2.156.10197.1.501;
    "gost_r3410_2001_with_gost_r3411_94" Some("gost_r3411_94"), 1.2.643.2.2.3;
    "gost_r3410_2012_256_with_streebog256" Some("streebog256"), 1.2.643.7.1.1.3.2;
    "gost_r3410_2012_512_with_streebog512" Some("streebog512"), 1.2.643.7.1.1.3.3;
};

static CURVES: &[Curve] = curves! {
    // RFC 5480 2.1.1.1
    "p256" 256, 1.2.840.10045.3.1.7;
    "p384" 384, 1.3.132.0.34;
    "p521" 521, 1.3.132.0.35;
    "p224" 224, 1.3.132.0.33;
    "p192" 192, 1.2.840.10045.3.1.1;
    // RFC 5639 4.1
    "brainpool_p160r1" 160, 1.3.36.3.3.2.8.1.1.1;
    "brainpool_p160t1" 160, 1.3.36.3.3.2.8.1.1.2;
    "brainpool_p192r1" 192, 1.3.36.3.3.2.8.1.1.3;
    "brainpool_p192t1" 192, 1.3.36.3.3.2.8.1.1.4;
    "brainpool_p224r1" 224, 1.3.36.3.3.2.8.1.1.5;
    "brainpool_p224t1" 224, 1.3.36.3.3.2.8.1.1.6;
    "brainpool_p256r1" 256, 1.3.36.3.3.2.8.1.1.7;
    "brainpool_p256t1" 256, 1.3.36.3.3.2.8.1.1.8;
    "brainpool_p320r1" 320, 1.3.36.3.3.2.8.1.1.9;
    "brainpool_p320t1" 320, 1.3.36.3.3.2.8.1.1.10;
    "brainpool_p384r1" 384, 1.3.36.3.3.2.8.1.1.11;
    "brainpool_p384t1" 384, 1.3.36.3.3.2.8.1.1.12;
    "brainpool_p512r1" 512, 1.3.36.3.3.2.8.1.1.13;
    "brainpool_p512t1" 512, 1.3.36.3.3.2.8.1.1.14;
    // SEC 2, version 1: prime fields, then binary fields
    "secp256k1" 256, 1.3.132.0.10;
    "secp112r1" 112, 1.3.132.0.6;
    "secp112r2" 112, 1.3.132.0.7;
    "secp128r1" 128, 1.3.132.0.28;
    "secp128r2" 128, 1.3.132.0.29;
    "secp160k1" 160, 1.3.132.0.9;
    "secp160r1" 160, 1.3.132.0.8;
    "secp160r2" 160, 1.3.132.0.30;
    "secp192k1" 192, 1.3.132.0.31;
    "secp224k1" 224, 1.3.132.0.32;
    "sect113r1" 113, 1.3.132.0.4;
    "sect113r2" 113, 1.3.132.0.5;
    "sect131r1" 131, 1.3.132.0.22;
    "sect131r2" 131, 1.3.132.0.23;
    "sect163k1" 163, 1.3.132.0.1;
    "sect163r1" 163, 1.3.132.0.2;
    "sect163r2" 163, 1.3.132.0.15;
    "sect193r1" 193, 1.3.132.0.24;
    "sect193r2" 193, 1.3.132.0.25;
    "sect233k1" 233, 1.3.132.0.26;
    "sect233r1" 233, 1.3.132.0.27;
    "sect239k1" 239, 1.3.132.0.3;
    "sect283k1" 283, 1.3.132.0.16;
    "sect283r1" 283, 1.3.132.0.17;
    "sect409k1" 409, 1.3.132.0.36;
    "sect409r1" 409, 1.3.132.0.37;
    "sect571k1" 571, 1.3.132.0.38;
    "sect571r1" 571, 1.3.132.0.39;
    // X9.62
    "prime192v2" 192, 1.2.840.10045.3.1.2;
    "prime192v3" 192, 1.2.840.10045.3.1.3;
    "prime239v1" 239, 1.2.840.10045.3.1.4;
    "prime239v2" 239, 1.2.840.10045.3.1.5;
    "prime239v3" 239, 1.2.840.10045.3.1.6;
    // GM/T 0006; ANSSI
    "sm2" 256, 1.2.156.10197.1.301;
    "frp256v1" 256, 1.2.250.1.223.101.256.1;
};

static HASHES: &[(&[u8], &str)] = hashes! {
    "sha256" 2.16.840.1.101.3.4.2.1;
    "sha384" 2.16.840.1.101.3.4.2.2;
    "sha512" 2.16.840.1.101.3.4.2.3;
    "sha1" 1.3.14.3.2.26;
    "sha224" 2.16.840.1.101.3.4.2.4;
    "sha512_224" 2.16.840.1.101.3.4.2.5;
    "sha512_256" 2.16.840.1.101.3.4.2.6;
    "sha3_224" 2.16.840.1.101.3.4.2.7;
    "sha3_256" 2.16.840.1.101.3.4.2.8;
    "sha3_384" 2.16.840.1.101.3.4.2.9;
    "sha3_512" 2.16.840.1.101.3.4.2.10;
    "shake128" 2.16.840.1.101.3.4.2.11;
    "shake256" 2.16.840.1.101.3.4.2.12;
    "md5" 1.2.840.113549.2.5;
    "md4" 1.2.840.113549.2.4;
    "md2" 1.2.840.113549.2.2;
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_oid_is_listed_twice() {
        let mut keys: Vec<_> = KEYS.iter().chain(POST_QUANTUM).map(|algorithm| algorithm.oid).collect();
        let mut signatures: Vec<_> = SIGNATURES.iter().map(|algorithm| algorithm.oid).collect();
        let mut curves: Vec<_> = CURVES.iter().map(|curve| curve.oid).collect();
        for list in [&mut keys, &mut signatures, &mut curves] {
            let count = list.len();
            list.sort_unstable();
            list.dedup();
            assert_eq!(list.len(), count);
        }
    }

    #[test]
    fn hashes_of_post_quantum_signatures_are_those_the_name_states() {
        assert_eq!(signature(&oid!(raw 2.16.840.1.101.3.4.3.18)), Some(("ml_dsa_65", None)));
        let hashed = signature(&oid!(raw 2.16.840.1.101.3.4.3.41));
        assert_eq!(hashed, Some(("hash_slh_dsa_shake_128s_with_shake128", Some("shake128"))));
    }
}
