//! The certificate templates of the made-up CA: which subjects and uses a leaf has.

use super::der::{Der, Oid};
use super::oid;
use super::rng::{Purpose, Rng};

/// Whose certificate a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Machine,
    User,
}

/// How the template is named inside the certificate.
#[derive(Clone, Copy, Debug)]
enum Mark {
    /// Version 2 and later: extension 1.3.6.1.4.1.311.21.7 with this last arc pair, and the version.
    Id([u32; 2], u32, u32),
    /// Version 1: extension 1.3.6.1.4.1.311.20.2 with a bare BMPString.
    Name(&'static str),
}

struct Template {
    owner: Owner,
    mark: Mark,
    uses: &'static [Oid],
    /// AD CS adds S/MIME capabilities to mail certificates.
    mail: bool,
}

const fn template(owner: Owner, mark: Mark, uses: &'static [Oid]) -> Template {
    Template { owner, mark, uses, mail: false }
}

/// Every template. Names of version 1 are the ones Windows installs.
const TEMPLATES: &[Template] = &[
    template(Owner::Machine, Mark::Id([9_213_754, 4_811_090], 100, 7), &[oid::CLIENT_AUTH]),
    template(Owner::Machine, Mark::Id([2_558_164, 13_904_557], 101, 2), &[oid::CLIENT_AUTH, oid::SERVER_AUTH]),
    template(Owner::Machine, Mark::Id([15_034_281, 760_123], 100, 12), &[oid::SERVER_AUTH]),
    template(Owner::Machine, Mark::Id([4_600_917, 8_222_046], 103, 0), &[oid::REMOTE_DESKTOP, oid::SERVER_AUTH]),
    template(
        Owner::Machine,
        Mark::Id([11_740_035, 1_690_388], 110, 3),
        &[oid::KDC, oid::SMART_CARD_LOGON, oid::SERVER_AUTH, oid::CLIENT_AUTH],
    ),
    template(Owner::Machine, Mark::Name("Machine"), &[oid::CLIENT_AUTH, oid::SERVER_AUTH]),
    template(Owner::Machine, Mark::Name("WebServer"), &[oid::SERVER_AUTH]),
    template(Owner::User, Mark::Id([6_090_412, 12_118_730], 100, 21), &[oid::CLIENT_AUTH, oid::SMART_CARD_LOGON]),
    template(Owner::User, Mark::Id([13_377_004, 5_501_629], 100, 4), &[oid::CLIENT_AUTH]),
    Template {
        owner: Owner::User,
        mark: Mark::Id([1_204_866, 9_870_311], 102, 9),
        uses: &[oid::EMAIL_PROTECTION, oid::CLIENT_AUTH],
        mail: true,
    },
    template(Owner::User, Mark::Id([7_778_120, 3_049_885], 100, 1), &[oid::CODE_SIGNING]),
    Template {
        owner: Owner::User,
        mark: Mark::Name("User"),
        uses: &[oid::EFS, oid::EMAIL_PROTECTION, oid::CLIENT_AUTH],
        mail: true,
    },
];

/// A template with its extensions in DER.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub mail: bool,
    /// Template, extended key usage and application policies extensions.
    pub extensions: Vec<u8>,
    /// Name or dotted OID, as collectors print it.
    pub enrolled: String,
}

/// The templates of the fleet of this seed: the forest's part of the template OIDs is drawn from the seed.
pub(super) fn all(seed: u64) -> Vec<Ready> {
    let mut rng = Rng::stream(seed, Purpose::Fleet, 1);
    let forest: [u32; 6] = std::array::from_fn(|_| 1_000_000 + rng.below(15_000_000) as u32);
    TEMPLATES.iter().map(|template| ready(template, &forest)).collect()
}

fn ready(template: &Template, forest: &[u32; 6]) -> Ready {
    let mut der = Der::default();
    let enrolled = match template.mark {
        Mark::Name(name) => {
            der.extension(&oid::TEMPLATE_NAME, false, |d| d.bmp(name));
            name.to_owned()
        }
        Mark::Id(own, major, minor) => {
            let mut arcs = vec![1, 3, 6, 1, 4, 1, 311, 21, 8];
            arcs.extend(forest);
            arcs.extend(own);
            let id = Oid::new(&arcs);
            der.extension(&oid::TEMPLATE, false, |d| {
                d.sequence(|d| {
                    d.oid(&id);
                    d.number(major);
                    d.number(minor);
                });
            });
            id.dotted()
        }
    };
    der.extension(&oid::EXTENDED_KEY_USAGE, false, |d| {
        d.sequence(|d| template.uses.iter().for_each(|using| d.oid(using)));
    });
    // Version 1 templates know no application policies.
    if matches!(template.mark, Mark::Id(..)) {
        der.extension(&oid::APPLICATION_POLICIES, false, |d| {
            d.sequence(|d| template.uses.iter().for_each(|using| d.sequence(|d| d.oid(using))));
        });
    }
    Ready { mail: template.mail, extensions: der.as_bytes().to_vec(), enrolled }
}

/// Index of a template for this owner.
pub(super) fn draw(rng: &mut Rng, owner: Owner) -> usize {
    let weights: [u32; TEMPLATES.len()] = std::array::from_fn(|at| u32::from(TEMPLATES[at].owner == owner));
    rng.weighted(&weights)
}
