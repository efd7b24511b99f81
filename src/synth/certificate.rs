//! Leaf and CA certificates by number.

use super::authority::{self, Authority};
use super::clock::{COLLECTION_START, DAY};
use super::der::{Der, tag};
use super::key::{Key, Weights};
use super::keys::{Algorithm, Points, Spki};
use super::names::{self, Client};
use super::rng::{Purpose, Rng};
use super::template::{self, Owner, Ready};
use super::{extension, oid};

/// A maker of synthetic certificates: same seed and number, same bytes.
///
/// Ask for numbers in rising order where speed counts. Signatures and RSA moduli are random bytes, so nothing verifies
/// and no private key exists.
#[derive(Clone, Debug)]
pub struct Certificates {
    seed: u64,
    issuers: Vec<Authority>,
    pub(super) templates: Vec<Ready>,
    domain_sid: String,
    leaf_points: Points,
    authority_points: Points,
    spki: Spki,
    der: Der,
}

impl Certificates {
    /// A maker for this seed.
    pub fn new(seed: u64) -> Self {
        let mut authority_points = Points::new(seed, Purpose::AuthorityPoints);
        Certificates {
            seed,
            issuers: authority::issuing().map(|number| Authority::new(seed, number, &mut authority_points)).collect(),
            templates: template::all(seed),
            domain_sid: names::domain_sid(seed),
            leaf_points: Points::new(seed, Purpose::LeafPoints),
            authority_points,
            spki: Spki::default(),
            der: Der::default(),
        }
    }

    /// DER of leaf number `number`, as a fleet of clients with one certificate each and default weights has it.
    pub fn leaf(&mut self, number: u64) -> &[u8] {
        let key = Key::draw(&mut Rng::stream(self.seed, Purpose::Keys, number), &Weights::default());
        let client = Client::new(self.seed, number);
        self.leaf_of(number, &client, &key)
    }

    /// DER of CA certificate number `number`. Multiples of 5 are roots, the four after each its intermediates.
    pub fn authority(&mut self, number: u64) -> &[u8] {
        self.der.clear();
        authority::write_certificate(self.seed, number, &mut self.authority_points, &mut self.der);
        self.der.as_bytes()
    }

    /// SID of the account that owns a client's certificates.
    pub(super) fn sid(&self, client: &Client, owner: Owner) -> String {
        let rid = match owner {
            Owner::Machine => client.machine_rid,
            Owner::User => client.user_rid,
        };
        format!("{}-{rid}", self.domain_sid)
    }

    /// DER of leaf number `number` for this client and key.
    pub(super) fn leaf_of(&mut self, number: u64, client: &Client, key: &Key) -> &[u8] {
        let mut rng = Rng::stream(self.seed, Purpose::Leaf, number);
        match key.algorithm {
            Algorithm::P256 => self.spki.set_p256(self.leaf_points.get(number)),
            Algorithm::Rsa2048 => self.spki.set_rsa(&mut rng, 256),
            Algorithm::Rsa4096 => self.spki.set_rsa(&mut rng, 512),
        }
        let sid = self.sid(client, key.owner);
        let Certificates { issuers, templates, spki, der, .. } = self;
        let issuer = rng.pick(issuers);
        let template = &templates[key.template];
        let serial = serial(&mut rng, number);
        // Some have expired and some expire soon; most are in the middle of one or two years.
        let not_before = COLLECTION_START - rng.below(400 * DAY as u64) as i64;
        let days = *rng.pick(&[365, 365, 730, 730, 1095]);
        let style = rng.below(10);

        der.clear();
        der.sequence(|d| {
            d.sequence(|d| {
                d.nest(tag::nested(0), |d| d.number(2));
                d.unsigned(&serial);
                issuer.write_signature_algorithm(d);
                d.raw(&issuer.name);
                d.sequence(|d| {
                    d.time(not_before);
                    d.time(not_before + days * DAY);
                });
                write_subject(d, client, key.owner, style);
                d.raw(spki.der());
                d.nest(tag::nested(3), |d| {
                    d.sequence(|d| {
                        d.raw(&template.extensions);
                        // digitalSignature; RSA keys also keyEncipherment.
                        extension::key_usage(d, if key.algorithm == Algorithm::P256 { 0x80 } else { 0xa0 });
                        if let Some(policy) = key.attestation {
                            extension::attestation(d, policy);
                        }
                        if template.mail {
                            extension::mail_capabilities(d);
                        }
                        d.extension(&oid::SUBJECT_KEY_ID, false, |d| d.value(tag::OCTET_STRING, &spki.key_id));
                        d.raw(&issuer.extensions);
                        extension::alt_name(d, client, key.owner, template.mail, style);
                        extension::sid(d, &sid);
                    });
                });
            });
            issuer.write_signature_algorithm(d);
            issuer.write_signature(&mut rng, d);
        });
        der.as_bytes()
    }
}

/// 19 octets in the manner of AD CS: one octet, the request number, eight random octets, the CA's key index, and the
/// request number again. The first octet is never 0 nor above 0x7f, so the length is always the same.
fn serial(rng: &mut Rng, number: u64) -> [u8; 19] {
    let mut serial = [0; 19];
    let request = (number as u32).wrapping_add(2).to_be_bytes();
    serial[0] = 0x10 + rng.below(0x70) as u8;
    serial[1..5].copy_from_slice(&request);
    serial[5..13].copy_from_slice(&rng.bytes::<8>());
    serial[15..].copy_from_slice(&request);
    serial
}

/// A subject as the directory gives it: domain components, units, common name. Some are spelled as people do who fill
/// in a request by hand: country, place, organization.
fn write_subject(der: &mut Der, client: &Client, owner: Owner, style: u64) {
    let cn = match owner {
        Owner::Machine => &client.fqdn,
        Owner::User => &client.user,
    };
    let unit = names::UNITS[(client.machine_rid / 2 % names::UNITS.len() as u64) as usize];
    der.sequence(|d| {
        let rdn = authority::write_rdn;
        if style < 2 {
            let site = names::SITES[(client.machine_rid / 2 % names::SITES.len() as u64) as usize];
            rdn(d, &oid::COUNTRY, tag::PRINTABLE, "XF");
            rdn(d, &oid::LOCALITY, tag::UTF8, site);
            rdn(d, &oid::ORGANIZATION, tag::UTF8, "Fabricated Goods & Sons, \"Ltd.\"");
        } else {
            authority::write_domain(d);
        }
        rdn(d, &oid::ORGANIZATIONAL_UNIT, tag::UTF8, unit);
        rdn(d, &oid::COMMON_NAME, tag::UTF8, cn);
        if owner == Owner::User && style == 9 {
            rdn(d, &oid::EMAIL, tag::IA5, &client.mail());
        }
    });
}
