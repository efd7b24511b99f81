//! The CA certificates of the fleet: a made-up company's own hierarchy, and made-up public trust centres.
//!
//! Number `n` is a root where `n` is a multiple of [`FAMILY`], else an intermediate below the root of its family. The
//! first [`CORPORATE`] are the company's; its intermediates issue every leaf. Names, key identifiers and constraints
//! chain as in life; the signatures are random bytes.

use super::clock::{COLLECTION_START, DAY};
use super::der::{Der, Oid, tag};
use super::keys::{Algorithm, Points, Spki};
use super::names::DOMAIN_COMPONENTS;
use super::rng::{Purpose, Rng};
use super::{extension, oid};

/// A root and its intermediates.
const FAMILY: u64 = 5;
/// CAs of the company: two families.
const CORPORATE: u64 = 10;

/// Numbers of the CAs that issue leaves.
pub(super) fn issuing() -> impl Iterator<Item = u64> {
    (0..CORPORATE).filter(|number| !is_root(*number))
}

/// Whether the CA with this number is a root.
pub(super) fn is_root(number: u64) -> bool {
    number.is_multiple_of(FAMILY)
}

/// Whether it belongs to the company rather than to a public trust centre.
pub(super) fn is_corporate(number: u64) -> bool {
    number < CORPORATE
}

/// What certificates that a CA signs need to know of it.
#[derive(Clone, Debug)]
pub(super) struct Authority {
    /// Its subject in DER.
    pub name: Vec<u8>,
    pub algorithm: Algorithm,
    signature: Oid,
    /// Authority key identifier, CRL distribution points and authority information access of what it signs.
    pub extensions: Vec<u8>,
    spki: Vec<u8>,
    key_id: [u8; 20],
}

impl Authority {
    /// The CA with this number. `points` is the walk for CA keys.
    pub fn new(seed: u64, number: u64, points: &mut Points) -> Self {
        let mut rng = Rng::stream(seed, Purpose::Authority, number);
        let corporate = is_corporate(number);
        let algorithm = match (corporate, number % FAMILY) {
            (true, 0) => Algorithm::Rsa4096,
            (true, 4) => Algorithm::P256,
            (true, _) => Algorithm::Rsa2048,
            (false, _) => [Algorithm::Rsa2048, Algorithm::Rsa4096, Algorithm::P256][rng.weighted(&[78, 1, 21])],
        };
        let signature = match (algorithm, corporate) {
            (Algorithm::P256, _) => oid::ECDSA_SHA256,
            (_, true) => oid::SHA256_RSA,
            _ => [oid::SHA256_RSA, oid::SHA384_RSA, oid::SHA1_RSA][rng.weighted(&[80, 12, 8])],
        };
        let mut spki = Spki::default();
        match algorithm {
            Algorithm::P256 => spki.set_p256(points.get(number)),
            Algorithm::Rsa2048 => spki.set_rsa(&mut rng, 256),
            Algorithm::Rsa4096 => spki.set_rsa(&mut rng, 512),
        }
        Authority {
            name: name(number),
            algorithm,
            signature,
            extensions: issued_extensions(number, &spki.key_id),
            spki: spki.der().to_vec(),
            key_id: spki.key_id,
        }
    }

    /// Writes the AlgorithmIdentifier of its signatures (RFC 3279 2.2: NULL parameters for RSA, none for ECDSA).
    pub fn write_signature_algorithm(&self, der: &mut Der) {
        der.sequence(|d| {
            d.oid(&self.signature);
            if self.algorithm != Algorithm::P256 {
                d.value(tag::NULL, &[]);
            }
        });
    }

    /// Writes random bytes with the shape of one of its signatures.
    pub fn write_signature(&self, rng: &mut Rng, der: &mut Der) {
        match self.algorithm {
            Algorithm::Rsa2048 => der.bit_string(&rng.bytes::<256>()),
            Algorithm::Rsa4096 => der.bit_string(&rng.bytes::<512>()),
            Algorithm::P256 => der.nest(tag::BIT_STRING, |d| {
                d.raw(&[0]);
                d.sequence(|d| {
                    d.unsigned(&rng.bytes::<32>());
                    d.unsigned(&rng.bytes::<32>());
                });
            }),
        }
    }
}

/// Writes the certificate of the CA with this number.
pub(super) fn write_certificate(seed: u64, number: u64, points: &mut Points, der: &mut Der) {
    let own = Authority::new(seed, number, points);
    let root = number - number % FAMILY;
    let issuer = if is_root(number) { own.clone() } else { Authority::new(seed, root, points) };
    // A second stream under the same purpose, so that the key above stays the same whatever is drawn here.
    let mut rng = Rng::stream(seed, Purpose::Authority, !number);
    let years = if is_root(number) { 15 + rng.below(16) } else { 8 + rng.below(8) } as i64;
    let not_before = COLLECTION_START - (365 + rng.below(365 * 6) as i64) * DAY - rng.below(DAY as u64) as i64;

    der.sequence(|d| {
        d.sequence(|d| {
            d.nest(tag::nested(0), |d| d.number(2));
            d.unsigned(&rng.bytes::<16>());
            issuer.write_signature_algorithm(d);
            d.raw(&issuer.name);
            d.sequence(|d| {
                d.time(not_before);
                d.time(not_before + years * 365 * DAY);
            });
            d.raw(&own.name);
            d.raw(&own.spki);
            d.nest(tag::nested(3), |d| d.sequence(|d| write_extensions(number, &own, &issuer, d)));
        });
        issuer.write_signature_algorithm(d);
        issuer.write_signature(&mut rng, d);
    });
}

fn write_extensions(number: u64, own: &Authority, issuer: &Authority, der: &mut Der) {
    // keyCertSign and cRLSign; AD CS also sets digitalSignature.
    extension::key_usage(der, if is_corporate(number) { 0x86 } else { 0x06 });
    der.extension(&oid::BASIC_CONSTRAINTS, true, |d| {
        d.sequence(|d| {
            d.yes();
            if !is_root(number) {
                d.number(0);
            }
        });
    });
    der.extension(&oid::SUBJECT_KEY_ID, false, |d| d.value(tag::OCTET_STRING, &own.key_id));
    if is_corporate(number) {
        der.extension(&oid::CA_VERSION, false, |d| d.number(0));
    }
    if is_root(number) {
        return;
    }
    if is_corporate(number) {
        der.extension(&oid::TEMPLATE_NAME, false, |d| d.bmp("SubCA"));
    }
    der.extension(&oid::CERTIFICATE_POLICIES, false, |d| {
        d.sequence(|d| {
            d.sequence(|d| {
                d.oid(&oid::ANY_POLICY);
                d.sequence(|d| {
                    d.sequence(|d| {
                        d.oid(&oid::CPS);
                        d.value(
                            tag::IA5,
                            format!("http://cps{}.example.test/legal/policy.html", number / FAMILY).as_bytes(),
                        );
                    });
                });
            });
        });
    });
    der.raw(&issuer.extensions);
}

/// One relative distinguished name with one attribute.
pub(super) fn write_rdn(der: &mut Der, attribute: &Oid, string: u8, text: &str) {
    der.nest(tag::SET, |d| {
        d.sequence(|d| {
            d.oid(attribute);
            d.value(string, text.as_bytes());
        });
    });
}

/// Writes the domain's components, as AD CS begins a name.
pub(super) fn write_domain(der: &mut Der) {
    DOMAIN_COMPONENTS.iter().for_each(|part| write_rdn(der, &oid::DOMAIN_COMPONENT, tag::IA5, part));
}

fn common_name(number: u64) -> String {
    let (family, rank) = (number / FAMILY + 1, number % FAMILY);
    match (is_corporate(number), rank) {
        (true, 0) => format!("Fabricated Root CA {family}"),
        (true, _) => format!("Fabricated Issuing CA {}", (family - 1) * (FAMILY - 1) + rank),
        (false, 0) => format!("Invented Global Root G{family}"),
        (false, _) => format!("Invented Server and Client CA {family}-{rank}"),
    }
}

fn name(number: u64) -> Vec<u8> {
    let mut der = Der::default();
    der.sequence(|d| {
        if is_corporate(number) {
            write_domain(d);
        } else {
            let family = number / FAMILY;
            let country = ["XA", "XB", "XC", "XD"][(family % 4) as usize];
            write_rdn(d, &oid::COUNTRY, tag::PRINTABLE, country);
            write_rdn(d, &oid::ORGANIZATION, tag::UTF8, &format!("Invented Trust Centre {family} Ltd."));
            if family.is_multiple_of(3) {
                write_rdn(d, &oid::ORGANIZATIONAL_UNIT, tag::UTF8, "Certification Services Division");
            }
        }
        let string = if is_corporate(number) { tag::PRINTABLE } else { tag::UTF8 };
        write_rdn(d, &oid::COMMON_NAME, string, &common_name(number));
    });
    der.as_bytes().to_vec()
}

/// The extensions that name the issuer in what it signs.
fn issued_extensions(number: u64, key_id: &[u8; 20]) -> Vec<u8> {
    let (cn, file) = (common_name(number).replace(' ', "%20"), common_name(number).replace(' ', "-"));
    let services = "CN=Public%20Key%20Services,CN=Services,CN=Configuration,DC=corp,DC=example,DC=test";
    let (mut crls, mut issuers) = (Vec::new(), Vec::new());
    if is_corporate(number) {
        crls.push(format!(
            "ldap:///CN={cn},CN=pki{number:02},CN=CDP,{services}?certificateRevocationList?base?objectClass=cRLDistributionPoint"
        ));
        issuers
            .push(format!("ldap:///CN={cn},CN=AIA,{services}?cACertificate?base?objectClass=certificationAuthority"));
    }
    crls.push(format!("http://pki.example.test/crl/{file}.crl"));
    issuers.push(format!("http://pki.example.test/aia/{file}.crt"));

    let mut der = Der::default();
    der.extension(&oid::AUTHORITY_KEY_ID, false, |d| d.sequence(|d| d.value(tag::context(0), key_id)));
    // DistributionPoint { distributionPoint [0] { fullName [0] GeneralNames } }, RFC 5280 4.2.1.13.
    der.extension(&oid::CRL_DISTRIBUTION_POINTS, false, |d| {
        d.sequence(|d| {
            d.sequence(|d| {
                d.nest(tag::nested(0), |d| {
                    d.nest(tag::nested(0), |d| crls.iter().for_each(|url| extension::general_name(d, 6, url)));
                });
            });
        });
    });
    der.extension(&oid::AUTHORITY_INFO_ACCESS, false, |d| {
        d.sequence(|d| {
            for url in &issuers {
                write_access(d, &oid::CA_ISSUERS, url);
            }
            if !is_corporate(number) {
                write_access(d, &oid::OCSP, &format!("http://ocsp{}.example.test", number / FAMILY));
            }
        });
    });
    der.as_bytes().to_vec()
}

fn write_access(der: &mut Der, method: &Oid, url: &str) {
    der.sequence(|d| {
        d.oid(method);
        extension::general_name(d, 6, url);
    });
}
