//! Made-up names: hosts, users, the domain. Everything ends in `.test` (RFC 6761), so nothing resolves.

use super::rng::{Purpose, Rng};

/// DNS name of the fleet's domain.
pub(super) const DOMAIN: &str = "corp.example.test";
/// Its components, root first: the order of an AD CS name.
pub(super) const DOMAIN_COMPONENTS: [&str; 3] = ["test", "example", "corp"];

/// Host name prefixes by frequency, and whether such a host is a server.
const PREFIXES: [(&str, bool, u32); 5] =
    [("WS", false, 50), ("NB", false, 34), ("SRV", true, 12), ("DC", true, 1), ("KIOSK", false, 3)];

/// Given names as shown and as they stand in a login.
const GIVEN: [(&str, &str); 24] = [
    ("Avery", "avery"),
    ("Bente", "bente"),
    ("Chiara", "chiara"),
    ("Dario", "dario"),
    ("Emre", "emre"),
    ("Fenna", "fenna"),
    ("Gaël", "gael"),
    ("Hana", "hana"),
    ("Ilse", "ilse"),
    ("Jürgen", "juergen"),
    ("Katja", "katja"),
    ("Łukasz", "lukasz"),
    ("Mei", "mei"),
    ("Noor", "noor"),
    ("Odile", "odile"),
    ("Piotr", "piotr"),
    ("Quentin", "quentin"),
    ("Ruth", "ruth"),
    ("Søren", "soeren"),
    ("Teresa", "teresa"),
    ("Ulla", "ulla"),
    ("Viktor", "viktor"),
    ("Wanda", "wanda"),
    ("Zoë", "zoe"),
];

/// Invented surnames.
const SURNAMES: [&str; 20] = [
    "Ashgrove",
    "Birkholt",
    "Coppermill",
    "Dornbach",
    "Eldermoor",
    "Fairwick",
    "Glimmerdal",
    "Hollunder",
    "Ivergast",
    "Juniperi",
    "Kestrelund",
    "Lindwasser",
    "Mosswick",
    "Nettlebeck",
    "Oakendorf",
    "Pemberlund",
    "Quillhaven",
    "Rowanski",
    "Silberfeld",
    "Thornbury",
];

/// Departments, for organizational units.
pub(super) const UNITS: [&str; 10] = [
    "Computers",
    "Workstations",
    "Clients Nord",
    "Clients Süd",
    "Production Line 4",
    "Research",
    "Finance",
    "Human Resources",
    "Tier 1 Servers",
    "Field Service",
];

/// Sites, for localities.
pub(super) const SITES: [&str; 6] =
    ["Fabriville", "Musterstadt", "Sampleton", "Exempelby", "Villeneuve-Fictive", "Ejemplar"];

/// Who a client is.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// NetBIOS name, upper case.
    pub host: String,
    /// DNS name.
    pub fqdn: String,
    pub is_server: bool,
    /// Full name of its main user.
    pub user: String,
    /// Login of that user.
    pub login: String,
    /// Relative identifiers of the machine and user accounts.
    pub machine_rid: u64,
    pub user_rid: u64,
}

impl Client {
    /// The client with this number in the fleet of this seed.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut rng = Rng::stream(seed, Purpose::Client, number);
        let (prefix, is_server, _) = PREFIXES[rng.weighted(&PREFIXES.map(|p| p.2))];
        let host = format!("{prefix}-{number:07}");
        let (given, login) = rng.pick(&GIVEN);
        let surname = rng.pick(&SURNAMES);
        Client {
            fqdn: format!("{}.{DOMAIN}", host.to_ascii_lowercase()),
            host,
            is_server,
            user: format!("{given} {surname}"),
            login: format!("{login}.{}{}", surname.to_ascii_lowercase(), number % 1000),
            machine_rid: number.wrapping_mul(2).wrapping_add(1_000),
            user_rid: number.wrapping_mul(2).wrapping_add(1_001),
        }
    }

    /// Mail address and user principal name of the user.
    pub fn mail(&self) -> String {
        format!("{}@{DOMAIN}", self.login)
    }
}

/// SID of the fleet's domain.
pub(super) fn domain_sid(seed: u64) -> String {
    let mut rng = Rng::stream(seed, Purpose::Fleet, 0);
    let mut part = || 1_000_000_000 + rng.below(3_000_000_000);
    format!("S-1-5-21-{}-{}-{}", part(), part(), part())
}
