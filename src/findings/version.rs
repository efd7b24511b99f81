//! Versions of Configuration Manager, current branch: four digits for year and month of a release, and the build that
//! stands in its place in exports.

use std::fmt;

/// A version: `1802`, or the technical preview `1802TP`, which comes before the release of the same number. What came before
/// the current branch (System Center 2012 and its service packs, 5.00 with a lower build) is one version, the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteVersion {
    number: u16,
    is_release: bool,
}

/// Releases and their builds (`5.00.BUILD.REVISION`), oldest first.
///
/// Microsoft, "Updates and servicing for Configuration Manager" (table of versions) and "What's new" of each version.
const RELEASES: [(u16, u32); 29] = [
    (1511, 8325),
    (1602, 8355),
    (1606, 8412),
    (1610, 8458),
    (1702, 8498),
    (1706, 8540),
    (1710, 8577),
    (1802, 8634),
    (1806, 8692),
    (1810, 8740),
    (1902, 8790),
    (1906, 8853),
    (1910, 8913),
    (2002, 8968),
    (2006, 9012),
    (2010, 9040),
    (2103, 9049),
    (2107, 9058),
    (2111, 9068),
    (2203, 9078),
    (2207, 9088),
    (2211, 9096),
    (2303, 9106),
    (2309, 9122),
    (2403, 9128),
    (2409, 9132),
    (2503, 9135),
    (2509, 9141),
    NEWEST,
];

/// The last of [`RELEASES`], of May 2026.
const NEWEST: (u16, u32) = (2603, 9146);

impl SiteVersion {
    /// Every version of System Center 2012.
    const BEFORE_ALL: SiteVersion = SiteVersion { number: 0, is_release: true };

    /// The newest release that is known here.
    pub const NEWEST: SiteVersion = SiteVersion { number: NEWEST.0, is_release: true };

    /// Every release that is known here, oldest first.
    pub fn releases() -> impl Iterator<Item = SiteVersion> {
        RELEASES.into_iter().map(|(number, _)| SiteVersion { number, is_release: true })
    }

    /// Reads `1802`, `1604TP`, `5.00.8634.1000` or `5.0.8634`. A build between two is the lower one, and one after the
    /// last the last. A number between two releases is no version.
    pub fn parse(text: &str) -> Option<SiteVersion> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        match text.contains('.') {
            true => of_build(text),
            false => of_number(text),
        }
    }
}

fn of_number(text: &str) -> Option<SiteVersion> {
    let (digits, is_release) = match text.get(..4).zip(text.get(4..)) {
        Some((digits, "")) => (digits, true),
        Some((digits, suffix)) if suffix.eq_ignore_ascii_case("tp") => (digits, false),
        _ => return None,
    };
    let number: u16 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    let is_month = matches!(number % 100, 1..=12) && number >= RELEASES.first().map_or(0, |(first, _)| *first);
    let is_later = number > NEWEST.0;
    let is_version = !is_release || is_later || RELEASES.into_iter().any(|(known, _)| known == number);
    (is_month && is_version).then_some(SiteVersion { number, is_release })
}

/// Major 5, minor 0 in one or two digits, build, and whatever follows.
fn of_build(text: &str) -> Option<SiteVersion> {
    let mut parts = text.split('.');
    let mut next = || parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?.parse::<u32>().ok();
    if next()? != 5 || next()? != 0 {
        return None;
    }
    let build = next()?;
    if text.split('.').count() > 4 {
        return None;
    }
    let release = RELEASES.into_iter().take_while(|(_, first)| *first <= build).last();
    Some(release.map_or(SiteVersion::BEFORE_ALL, |(number, _)| SiteVersion { number, is_release: true }))
}

impl fmt::Display for SiteVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SiteVersion::BEFORE_ALL => write!(f, "before {:04}", RELEASES[0].0),
            SiteVersion { number, is_release } => write!(f, "{number:04}{}", if is_release { "" } else { "TP" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        SiteVersion::parse(text).map(|version| version.to_string())
    }

    #[test]
    fn numbers_and_builds_are_the_same_version() {
        for text in ["1802", " 1802 ", "5.00.8634.1000", "5.00.8634.1813", "5.0.8634", "5.00.8634", "v1802"] {
            assert_eq!(read(text).as_deref(), Some("1802"), "{text}");
        }
        for (number, build) in RELEASES.into_iter() {
            assert_eq!(read(&format!("5.00.{build}.1000")), Some(number.to_string()));
            assert_eq!(read(&number.to_string()), Some(number.to_string()));
        }
    }

    #[test]
    fn a_build_between_two_is_the_lower_one() {
        assert_eq!(read("5.00.8633.1000").as_deref(), Some("1710"));
        assert_eq!(read("5.00.8691.1000").as_deref(), Some("1802"));
        assert_eq!(read("5.00.9999.1000").as_deref(), Some("2603"));
        for before in ["5.00.7711.0000", "5.00.7958.1000", "5.00.8239.1000"] {
            assert_eq!(read(before).as_deref(), Some("before 1511"), "{before}");
            assert!(SiteVersion::releases().all(|release| SiteVersion::parse(before) < Some(release)));
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in [
            "",
            "18",
            "18022",
            "1803",
            "1800",
            "1813",
            "1402",
            "abcd",
            "+802",
            "4.00.8634",
            "5.1.8634",
            "5.00",
            "5.00.",
            "5.00.8634.1000.1",
            "5.00.99999999999",
            "1802XX",
            "１８０２",
            "180é",
            "é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn releases_to_come_and_previews_are_read() {
        assert_eq!(read("2703").as_deref(), Some("2703"));
        assert_eq!(read("1604TP").as_deref(), Some("1604TP"));
        let at = |text| SiteVersion::parse(text).expect(text);
        assert!(at("1802tp") < at("1802") && at("1710") < at("1802TP"));
        assert!(at("1604TP") < at("1606"));
    }

    #[test]
    fn releases_ascend_in_number_and_build() {
        let all: Vec<_> = RELEASES.into_iter().collect();
        assert!(all.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0 && a.1 < b.1)));
        assert_eq!(SiteVersion::releases().last(), Some(SiteVersion::NEWEST));
    }
}
