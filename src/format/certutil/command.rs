//! What a command line in the text, or else the name of the file, says of the output that follows.

use crate::record::StoreLocation;

/// A command line of certutil.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Command {
    /// The stores that it asked for, where it asked for a store or a key.
    pub(super) scope: Option<StoreLocation>,
}

/// Verbs that speak of stores or keys, of the machine unless an option says otherwise.
const OF_STORES: [&str; 6] = ["store", "verifystore", "repairstore", "exportpfx", "viewstore", "key"];

/// The command line in this text: `certutil` and its options, after a prompt or at the beginning.
pub(super) fn read(text: &str) -> Option<Command> {
    let at = find(text)?;
    let before = text.get(..at)?.trim_end_matches(['"', '\'']).trim_end();
    // A prompt, another command, or the folder of the program.
    let is_prompt = before.is_empty() || before.ends_with(['>', '$', '#', '&', '\\', '/', ';', '%']);
    let rest = text.get(at + "certutil".len()..)?;
    let rest = if rest.get(..4).is_some_and(|end| end.eq_ignore_ascii_case(".exe")) { &rest[4..] } else { rest };
    let rest = rest.trim_start_matches(['"', '\'']);
    let is_call = rest.starts_with([' ', '\t']) && rest.trim_start().starts_with(['-', '/']);
    (is_prompt && is_call).then(|| Command { scope: scope(rest) })
}

fn find(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'c', b'C', bytes)
        .find(|at| bytes.get(*at..*at + 8).is_some_and(|word| word.eq_ignore_ascii_case(b"certutil")))
}

fn scope(options: &str) -> Option<StoreLocation> {
    let options = || options.split_whitespace().filter_map(|word| word.strip_prefix(['-', '/']));
    let has = |name: &str| options().any(|option| option.eq_ignore_ascii_case(name));
    if !OF_STORES.iter().any(|verb| has(verb)) {
        return None;
    }
    let places = [
        ("user", StoreLocation::CurrentUser),
        ("enterprise", StoreLocation::Enterprise),
        ("grouppolicy", StoreLocation::GroupPolicy),
        ("service", StoreLocation::Service),
    ];
    let mut asked = places.iter().filter(|(option, _)| has(option)).map(|(_, place)| *place);
    match (asked.next(), asked.next()) {
        (None, _) => Some(StoreLocation::LocalMachine),
        // Group policy for a user is another place than both: no word for it.
        (Some(_), Some(_)) => None,
        (only, None) => only,
    }
}

/// The scope that the name of the file gives by one of its words.
pub(super) fn of_file(name: &str) -> Option<StoreLocation> {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let mut places = words.filter_map(|word| match word.to_ascii_lowercase().as_str() {
        "user" | "currentuser" | "hkcu" => Some(StoreLocation::CurrentUser),
        "machine" | "localmachine" | "hklm" => Some(StoreLocation::LocalMachine),
        "enterprise" => Some(StoreLocation::Enterprise),
        "grouppolicy" => Some(StoreLocation::GroupPolicy),
        _ => None,
    });
    let first = places.next()?;
    places.all(|place| place == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_give_the_scope() {
        let scope = |text| read(text).map(|command| command.scope);
        assert_eq!(scope(r"PS C:\Users\kim> certutil -store My"), Some(Some(StoreLocation::LocalMachine)));
        assert_eq!(scope(r"C:\>certutil.exe -v -user -store My"), Some(Some(StoreLocation::CurrentUser)));
        assert_eq!(scope("certutil /enterprise /store Root"), Some(Some(StoreLocation::Enterprise)));
        assert_eq!(scope("C:\\Windows\\System32\\certutil -dump a.pfx"), Some(None));
        assert_eq!(scope("certutil -user -grouppolicy -store My"), Some(None));
        for other in ["CertUtil: -store command completed successfully.", "Subject: CN=certutil -store", "certutil"] {
            assert_eq!(scope(other), None, "{other}");
        }
    }

    #[test]
    fn file_names_give_the_scope_by_whole_words() {
        assert_eq!(of_file("pc-01_user_my.txt"), Some(StoreLocation::CurrentUser));
        assert_eq!(of_file("users.txt"), None);
        assert_eq!(of_file("machine-and-user.txt"), None);
        assert_eq!(of_file("store-enterprise-ca.txt"), Some(StoreLocation::Enterprise));
    }
}
