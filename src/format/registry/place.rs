//! What a registry key, or a file of a user's store tree, is by its path alone.
//!
//! Windows-binary section 3. Names are compared without case, as the registry does, and handed on as they are written.

use crate::record::StoreLocation;

/// What the paths of a source are relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// Paths begin with `HKEY_...`, as regedit writes them.
    Absolute,
    /// The root of a SOFTWARE hive.
    Software,
    /// The root of a user's hive (`NTUSER.DAT`, `DEFAULT`).
    User,
    /// The root of a SYSTEM hive.
    System,
    /// The root of some hive: `Software` at its root tells a user's.
    Unknown,
}

/// The four kinds of element below a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Certificates`, each named by its SHA-1.
    Certificates,
    /// `CRLs`.
    Crls,
    /// `CTLs`.
    Ctls,
    /// `Keys` without certificate, each named by its identifier.
    Keys,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let known =
            [("Certificates", Kind::Certificates), ("CRLs", Kind::Crls), ("CTLs", Kind::Ctls), ("Keys", Kind::Keys)];
        known.into_iter().find(|(known, _)| is(name, known)).map(|(_, kind)| kind)
    }
}

/// The place of one element of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store<'a> {
    /// Kind of store.
    pub location: StoreLocation,
    /// Its name, verbatim.
    pub name: &'a str,
    /// The store is a user's, or his policy's.
    pub is_of_user: bool,
    /// The user, where the path names one.
    pub user_sid: Option<&'a str>,
    /// What lies there.
    pub kind: Kind,
    /// Name of the element: SHA-1 or key identifier in hex.
    pub id: &'a str,
}

/// A key that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// An element of a store.
    Store(Store<'a>),
    /// `Microsoft\Cryptography\Defaults\Provider\<name>`: a registered CSP.
    Provider(&'a str),
    /// `Microsoft\Cryptography\Calais\SmartCards\<name>`: a card and its providers.
    SmartCard(&'a str),
    /// A key with facts of the machine; the names of the values that say them.
    Machine(&'static [&'static str]),
}

/// In `Microsoft\Cryptography`.
const CRYPTOGRAPHY: &[&str] = &["MachineGuid"];
/// In `Microsoft\Cryptography\Calais`, the settings of the smart card system.
const CALAIS: &[&str] = &["DisableCapiOverrideForRSA"];
/// In `Microsoft\Windows NT\CurrentVersion`.
const CURRENT_VERSION: &[&str] = &[
    "CurrentMajorVersionNumber",
    "CurrentMinorVersionNumber",
    "CurrentVersion",
    "CurrentBuildNumber",
    "CurrentBuild",
    "UBR",
    "ProductName",
];

/// LocalSystem's SID; its hive is `HKEY_USERS\.DEFAULT` and the file `config\DEFAULT`.
const LOCAL_SYSTEM: &str = "S-1-5-18";
const LOCAL_SERVICE: &str = "S-1-5-19";
const NETWORK_SERVICE: &str = "S-1-5-20";
/// Where 64-bit Windows keeps what 32-bit programs see of SOFTWARE.
const WOW64: &str = "WOW6432Node";
/// Longest SID as text: 15 parts of at most 10 digits each, and its head.
const MAX_SID: usize = 184;

fn is(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
}

/// The first component of a key path and the rest.
fn split(path: &str) -> (&str, &str) {
    path.split_once('\\').unwrap_or((path, ""))
}

/// What follows `names` in `path`, if it begins with them.
fn after<'a>(mut path: &'a str, names: &[&str]) -> Option<&'a str> {
    for name in names {
        let (first, rest) = split(path);
        path = is(first, name).then_some(rest)?;
    }
    Some(path)
}

/// What the key at `path` is, or `None` for the many that are not read.
pub fn find(root: Root, path: &str) -> Option<Place<'_>> {
    match root {
        Root::Absolute => absolute(path.strip_prefix('\\').unwrap_or(path)),
        Root::Software => software(path),
        Root::User => user(path, None),
        Root::System => None,
        Root::Unknown => relative(path),
    }
}

fn absolute(path: &str) -> Option<Place<'_>> {
    let (hive, rest) = split(path);
    let named = |long: &str, short: &str| is(hive, long) || is(hive, short);
    if named("HKEY_LOCAL_MACHINE", "HKLM") {
        let (name, rest) = split(rest);
        return match () {
            () if is(name, "SOFTWARE") => software(rest),
            () if is(name, "SYSTEM") => None,
            // Somebody loaded a hive under a name of his own.
            () => relative(rest),
        };
    }
    if named("HKEY_CURRENT_USER", "HKCU") {
        return user(rest, None);
    }
    if named("HKEY_USERS", "HKU") {
        let (name, rest) = split(rest);
        return match () {
            () if is_sid(name) => user(rest, Some(name)),
            () if is(name, ".DEFAULT") => user(rest, Some(LOCAL_SYSTEM)),
            () => relative(rest),
        };
    }
    let is_other_hive = hive.get(..5).is_some_and(|start| is(start, "HKEY_"));
    if is_other_hive { None } else { relative(path) }
}

fn relative(path: &str) -> Option<Place<'_>> {
    if is(split(path).0, "Software") { user(path, None) } else { software(path) }
}

fn software(path: &str) -> Option<Place<'_>> {
    let native = after(path, &[WOW64]);
    let (is_native, path) = (native.is_none(), native.unwrap_or(path));
    let (first, rest) = split(path);
    if is(first, "Policies") {
        return store(after(rest, &["Microsoft", "SystemCertificates"])?, StoreLocation::GroupPolicy, None);
    }
    let (second, rest) = if is(first, "Microsoft") { split(rest) } else { return None };
    match () {
        () if is(second, "SystemCertificates") => store(rest, StoreLocation::LocalMachine, None),
        () if is(second, "EnterpriseCertificates") => store(rest, StoreLocation::Enterprise, None),
        () if is(second, "Cryptography") => cryptography(rest, is_native),
        () if is(second, "Windows NT") => {
            (is_native && after(rest, &["CurrentVersion"])?.is_empty()).then_some(Place::Machine(CURRENT_VERSION))
        }
        () => None,
    }
}

/// Below `Microsoft\Cryptography`. What the machine is, only the native half says.
fn cryptography(path: &str, is_native: bool) -> Option<Place<'_>> {
    if path.is_empty() {
        return is_native.then_some(Place::Machine(CRYPTOGRAPHY));
    }
    let leaf = |name: &str| !name.is_empty() && !name.contains('\\');
    if let Some(name) = after(path, &["Defaults", "Provider"]) {
        return leaf(name).then_some(Place::Provider(name));
    }
    if let Some(rest) = after(path, &["Calais"]) {
        if rest.is_empty() {
            return is_native.then_some(Place::Machine(CALAIS));
        }
        return after(rest, &["SmartCards"]).filter(|card| leaf(card)).map(Place::SmartCard);
    }
    let (_, rest) = split(after(path, &["Services"])?);
    store(after(rest, &["SystemCertificates"])?, StoreLocation::Service, None)
}

fn user<'a>(path: &'a str, sid: Option<&'a str>) -> Option<Place<'a>> {
    let path = after(path, &["Software"])?;
    let path = after(path, &[WOW64]).unwrap_or(path);
    let policy = after(path, &["Policies"]);
    let location = if policy.is_some() { StoreLocation::GroupPolicy } else { StoreLocation::CurrentUser };
    store(after(policy.unwrap_or(path), &["Microsoft", "SystemCertificates"])?, location, Some(sid))
}

/// `<store>\<kind>\<id>` and nothing below. `user` is there for users' stores.
fn store<'a>(path: &'a str, location: StoreLocation, user: Option<Option<&'a str>>) -> Option<Place<'a>> {
    let mut names = path.split('\\');
    let (name, kind, id) = (names.next()?, Kind::of(names.next()?)?, names.next()?);
    let is_whole = names.next().is_none() && !name.is_empty() && !id.is_empty();
    let (is_of_user, user_sid) = (user.is_some(), user.flatten());
    is_whole.then_some(Place::Store(Store { location, name, is_of_user, user_sid, kind, id }))
}

/// Whether `text` is a security identifier: `S-1-` and at least two numbers.
fn is_sid(text: &str) -> bool {
    let Some(numbers) = text.get(..4).filter(|head| is(head, "S-1-")).and_then(|head| text.get(head.len()..)) else {
        return false;
    };
    let is_number = |number: &str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    text.len() <= MAX_SID && numbers.contains('-') && numbers.split('-').all(is_number)
}

/// The user whose hive or store a source is, by its path: a folder or file named by a SID, maybe with a word in front as in
/// `hkcu_S-1-5-21-...`, or the profile of an account whose SID is the same on every machine. Any other profile's folder name
/// is no SID, and no SID follows from it.
pub fn user_of_path(path: &str) -> Option<&str> {
    let named = path.rsplit('/').find_map(|name| {
        let stem = name.split('.').next().unwrap_or_default();
        [Some(stem), stem.split_once('_').map(|(_, rest)| rest)].into_iter().flatten().find(|part| is_sid(part))
    });
    named.or_else(|| account_of_path(path))
}

/// The account whose profile a path goes through ([MS-DTYP] 2.4.2.4). LocalSystem's hive is `config/DEFAULT`.
fn account_of_path(path: &str) -> Option<&'static str> {
    let mut names = path.rsplit('/').peekable();
    let is_below = |names: &mut dyn Iterator<Item = &str>, folder: &str| names.next().is_some_and(|n| is(n, folder));
    if is(names.peek().unwrap_or(&""), "DEFAULT") {
        names.next();
        return is_below(&mut names, "config").then_some(LOCAL_SYSTEM);
    }
    while let Some(name) = names.next() {
        let Some(above) = names.peek() else { break };
        let is_profile = is(above, "ServiceProfiles") || is(above, "Documents and Settings");
        match () {
            () if is(name, "systemprofile") && is(above, "config") => return Some(LOCAL_SYSTEM),
            () if is(name, "LocalService") && is_profile => return Some(LOCAL_SERVICE),
            () if is(name, "NetworkService") && is_profile => return Some(NETWORK_SERVICE),
            () => {}
        }
    }
    None
}

/// The place of a file of a user's store tree: `.../SystemCertificates/<store>/<kind>/<id>`, as it lies in
/// `AppData/Roaming/Microsoft` of a user, or of a service account below `ServiceProfiles`.
pub fn user_tree(path: &str) -> Option<Store<'_>> {
    let mut names = path.rsplit('/');
    let (id, kind, name) = (names.next()?, Kind::of(names.next()?)?, names.next()?);
    let is_tree = is(names.next()?, "SystemCertificates") && !id.is_empty() && !name.is_empty();
    let user_sid = user_of_path(path);
    let location = StoreLocation::CurrentUser;
    is_tree.then_some(Store { location, name, is_of_user: true, user_sid, kind, id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use StoreLocation::{CurrentUser, Enterprise, GroupPolicy, LocalMachine, Service};

    const SID: &str = "S-1-5-21-1-2-3-1001";

    /// Location, store, SID, kind and id of the store at `path`.
    fn at(root: Root, path: &str) -> Option<(StoreLocation, &str, Option<&str>, Kind, &str)> {
        match find(root, path) {
            Some(Place::Store(s)) => Some((s.location, s.name, s.user_sid, s.kind, s.id)),
            _ => None,
        }
    }

    #[test]
    fn every_tree_of_stores_is_known() {
        use Kind::*;
        let cases = [
            (r"SystemCertificates\MY\Certificates\AB", (LocalMachine, "MY", Certificates)),
            (r"SystemCertificates\Remote Desktop\Keys\AB", (LocalMachine, "Remote Desktop", Keys)),
            (r"EnterpriseCertificates\NTAuth\Certificates\AB", (Enterprise, "NTAuth", Certificates)),
            (r"Cryptography\Services\NTDS\SystemCertificates\My\CRLs\AB", (Service, "My", Crls)),
        ];
        for (path, (location, name, kind)) in cases {
            let expected = Some((location, name, None, kind, "AB"));
            assert_eq!(at(Root::Absolute, &format!(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\{path}")), expected);
            assert_eq!(at(Root::Absolute, &format!(r"HKLM\Offline\microsoft\{path}")), expected);
            assert_eq!(at(Root::Software, &format!(r"Microsoft\{path}")), expected);
            assert_eq!(at(Root::Software, &format!(r"wow6432node\Microsoft\{path}")), expected);
            assert_eq!(at(Root::Unknown, &format!(r"Microsoft\{path}")), expected);
            assert_eq!(at(Root::User, &format!(r"Microsoft\{path}")), None);
        }
        let policy = r"Policies\Microsoft\SystemCertificates\EFS\Certificates\AB";
        let expected = Some((GroupPolicy, "EFS", None, Certificates, "AB"));
        assert_eq!(at(Root::Software, policy), expected);
        assert_eq!(at(Root::Absolute, &format!(r"HKEY_LOCAL_MACHINE\Software\{policy}")), expected);
        assert_eq!(at(Root::User, &format!(r"Software\{policy}")), expected);
    }

    #[test]
    fn users_are_known_by_their_hive() {
        let mine = r"Software\Microsoft\SystemCertificates\My\CTLs\AB";
        let of = |user| Some((CurrentUser, "My", user, Kind::Ctls, "AB"));
        assert_eq!(at(Root::User, mine), of(None));
        assert_eq!(at(Root::Unknown, mine), of(None));
        assert_eq!(at(Root::Absolute, &format!(r"HKEY_CURRENT_USER\{mine}")), of(None));
        assert_eq!(at(Root::Absolute, &format!(r"HKEY_USERS\{SID}\{mine}")), of(Some(SID)));
        assert_eq!(at(Root::Absolute, &format!(r"hkey_users\.default\{mine}")), of(Some(LOCAL_SYSTEM)));
        assert_eq!(at(Root::Absolute, &format!(r"HKEY_USERS\Loaded\{mine}")), of(None));
        assert_eq!(at(Root::Absolute, &format!(r"HKEY_USERS\{SID}_Classes\Microsoft\x")), None);
    }

    #[test]
    fn facts_of_the_machine_come_from_its_native_half() {
        let provider = r"Microsoft\Cryptography\Defaults\Provider\A CSP";
        assert_eq!(find(Root::Software, provider), Some(Place::Provider("A CSP")));
        let card = r"WOW6432Node\Microsoft\Cryptography\Calais\SmartCards\A Card";
        assert_eq!(find(Root::Software, card), Some(Place::SmartCard("A Card")));
        let facts = [
            (r"Microsoft\Cryptography", Place::Machine(CRYPTOGRAPHY)),
            (r"Microsoft\Cryptography\Calais", Place::Machine(CALAIS)),
            (r"Microsoft\Windows NT\CurrentVersion", Place::Machine(CURRENT_VERSION)),
        ];
        for (path, place) in facts {
            assert_eq!(find(Root::Absolute, &format!(r"HKEY_LOCAL_MACHINE\SOFTWARE\{path}")), Some(place));
            assert_eq!(find(Root::Software, &format!(r"WOW6432Node\{path}")), None);
            assert_eq!(find(Root::System, path), None);
        }
    }

    #[test]
    fn other_keys_are_nothing() {
        for path in [
            "",
            "\\",
            "HKEY_LOCAL_MACHINE",
            r"HKEY_LOCAL_MACHINE\SOFTWARE",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\My",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\My\Certificates",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\My\Certificates\",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\My\Certificates\AB\CD",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\My\PhysicalStores\AB",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography\Defaults\Provider\A\B",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Fonts",
            r"HKEY_CLASSES_ROOT\Microsoft\SystemCertificates\My\Certificates\AB",
            r"HKEY_LOCAL_MACHINE\SYSTEM\Microsoft\SystemCertificates\My\Certificates\AB",
        ] {
            assert_eq!(find(Root::Absolute, path), None, "{path}");
        }
    }

    #[test]
    fn a_store_tree_is_known_by_its_last_folders() {
        let id = "B6EFC96349B1318EFEB7B4BFD9DD597E7E240278";
        let roaming = "AppData/Roaming/Microsoft/SystemCertificates/My/Certificates";
        let found = user_tree_of(&format!("Users/fabricated/{roaming}/{id}"));
        assert_eq!(found, Some(("My".into(), None, Kind::Certificates, id.into())));
        let found = user_tree_of(&format!("{SID}/systemcertificates/Request/keys/{id}"));
        assert_eq!(found, Some(("Request".into(), Some(SID.into()), Kind::Keys, id.into())));
        let service = format!("Windows/ServiceProfiles/LocalService/{roaming}/{id}");
        assert_eq!(
            user_tree_of(&service),
            Some(("My".into(), Some(LOCAL_SERVICE.into()), Kind::Certificates, id.into()))
        );
        for path in [id, "My/Certificates/x", "SystemCertificates/My/Certificates", "SystemCertificates/My/x/y", ""] {
            assert_eq!(user_tree(path), None, "{path}");
        }
    }

    fn user_tree_of(path: &str) -> Option<(String, Option<String>, Kind, String)> {
        let store = user_tree(path)?;
        assert!(store.location == CurrentUser && store.is_of_user);
        Some((store.name.into(), store.user_sid.map(Into::into), store.kind, store.id.into()))
    }

    #[test]
    fn a_path_names_a_user_by_sid_alone() {
        assert_eq!(user_of_path(&format!("pc/{SID}/NTUSER.DAT")), Some(SID));
        assert_eq!(user_of_path(&format!("pc/{SID}.reg")), Some(SID));
        assert_eq!(user_of_path(&format!("pc/hkcu_{SID}.reg")), Some(SID));
        for (path, sid) in [
            ("pc/Windows/System32/config/DEFAULT", LOCAL_SYSTEM),
            ("Windows/System32/config/systemprofile/AppData/Roaming/Microsoft/x", LOCAL_SYSTEM),
            ("Windows/ServiceProfiles/LocalService/NTUSER.DAT", LOCAL_SERVICE),
            ("documents and settings/NetworkService/NTUSER.DAT", NETWORK_SERVICE),
        ] {
            assert_eq!(user_of_path(path), Some(sid), "{path}");
        }
        for path in [
            "Users/x/NTUSER.DAT",
            "DEFAULT",
            "S-1-5/x",
            "S-1-5-x/y",
            "S-1--5/x",
            "",
            "é/S-1",
            "Users/LocalService/x",
            "a_b_S-1-5-18/x",
        ] {
            assert_eq!(user_of_path(path), None, "{path}");
        }
    }
}
