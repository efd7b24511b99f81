//! Dates: UTCTime and GeneralizedTime (RFC 5280 4.1.2.5) to microseconds.

use std::borrow::Cow;

use ::time::UtcOffset;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::{Facts, Refusal, refusal};
use crate::der::{Items, Tlv};

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instant {
    /// Microseconds since 1970-01-01 UTC.
    pub micros: i64,
    /// Calendar year, UTC.
    pub year: i32,
}

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Reads the two dates of a validity's content.
pub(super) fn validity(facts: &mut Facts, content: &[u8]) -> (Option<Instant>, Option<Instant>) {
    let mut times = Items::new(content);
    let not_before = next(facts, "not_before", &mut times);
    let not_after = next(facts, "not_after", &mut times);
    (not_before, not_after)
}

fn next(facts: &mut Facts, field: &'static str, times: &mut Items<'_>) -> Option<Instant> {
    let rest = times.rest();
    let Some(time) = times.next() else {
        facts.doubt(field, "no time where the validity should have one");
        return None;
    };
    match read(&time, rest.get(..time.total).unwrap_or_default()) {
        Ok((instant, doubt)) => {
            if let Some(doubt) = doubt {
                facts.doubt(field, doubt);
            }
            Some(instant)
        }
        Err(refusal) => {
            facts.doubt(field, refusal);
            None
        }
    }
}

/// Reads a time element, and says what is odd about it.
///
/// A date under the tag of the other type happens. Thirteen characters are the usual form of a UTCTime; under the
/// other tag they could also be a GeneralizedTime without seconds, which RFC 5280 forbids. Where both readings
/// give a date, there is no telling.
fn read(time: &Tlv<'_>, element: &[u8]) -> Result<(Instant, Option<&'static str>), Refusal> {
    const OTHER: &str = "the date is in the form of the other time type and was read as such";
    let usual_length = match time.tag {
        UTC_TIME => 13,
        _ => 15,
    };
    if time.content.len() == usual_length
        && time.content.ends_with(b"Z")
        && let Some(instant) = plain_tlv(time).or_else(|| parse(element).ok())
    {
        return Ok((instant, None));
    }
    match (parse(element), parse_as_other(element, time)) {
        (Ok(instant), None) => Ok((instant, Some("not in the form that RFC 5280 requires"))),
        (Err(_), Some(instant)) => Ok((instant, Some(OTHER))),
        (Ok(_), Some(_)) => Err(Cow::Borrowed("ambiguous: a date in either form, and two different ones")),
        (Err(refusal), None) => Err(refusal),
    }
}

fn plain_tlv(time: &Tlv<'_>) -> Option<Instant> {
    const SHORT_HEADER: usize = 2;
    (time.header == SHORT_HEADER).then(|| plain(time.tag, time.content)).flatten()
}

/// The short way through a date in the form that RFC 5280 requires: `[YY]YYMMDDhhmmssZ` under its tag, with a length of
/// one octet. Whatever is not is declined and goes through x509-parser; where both answer, they answer alike.
pub(super) fn plain(tag: u8, content: &[u8]) -> Option<Instant> {
    let (digits, [b'Z']) = content.split_at_checked(content.len().checked_sub(1)?)? else { return None };
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let (year, rest) = match (tag, pairs) {
        (UTC_TIME, [year, rest @ ..]) => match two_digits(year)? {
            year @ 0..50 => (2000 + year, rest),
            year => (1900 + year, rest),
        },
        (GENERALIZED_TIME, [century, year, rest @ ..]) => (two_digits(century)? * 100 + two_digits(year)?, rest),
        _ => return None,
    };
    let [month, day, hour, minute, second] = rest else { return None };
    let (month, day) = (two_digits(month)?, two_digits(day)?);
    let (hour, minute, second) = (two_digits(hour)?, two_digits(minute)?, two_digits(second)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(days(year, month, day)?) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Some(Instant { micros: seconds * 1_000_000, year })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, the year from 0 on; `None` where there is no such day.
fn days(year: i32, month: i32, day: i32) -> Option<i32> {
    /// Days before each month, in a year without and with a leap day.
    const BEFORE: [[i32; 13]; 2] = [
        [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365],
        [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366],
    ];
    /// 0000-01-01 to 1970-01-01.
    const EPOCH: i32 = 719_528;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let months = BEFORE.get(usize::from(is_leap))?;
    let month = usize::try_from(month).ok()?;
    let (start, end) = (*months.get(month.checked_sub(1)?)?, *months.get(month)?);
    if day < 1 || day > end - start {
        return None;
    }
    // Leap days of the years before this one.
    let last = year - 1;
    let leaps = if year > 0 { last / 4 - last / 100 + last / 400 + 1 } else { 0 };
    Some(year * 365 + leaps + start + day - 1 - EPOCH)
}

fn two_digits(digits: &[u8; 2]) -> Option<i32> {
    match digits {
        [tens @ b'0'..=b'9', units @ b'0'..=b'9'] => Some(i32::from(tens - b'0') * 10 + i32::from(units - b'0')),
        _ => None,
    }
}

fn parse(element: &[u8]) -> Result<Instant, Refusal> {
    let (_, time) = ASN1Time::from_der(element).map_err(refusal)?;
    let time = time.to_datetime();
    let micros = time.unix_timestamp() * 1_000_000 + i64::from(time.microsecond());
    let year = time.checked_to_offset(UtcOffset::UTC).map_or(time.year(), |utc| utc.year());
    Ok(Instant { micros, year })
}

fn parse_as_other(element: &[u8], time: &Tlv<'_>) -> Option<Instant> {
    let other = match (time.tag, time.content.len()) {
        (UTC_TIME, 15) => GENERALIZED_TIME,
        (GENERALIZED_TIME, 13) => UTC_TIME,
        _ => return None,
    };
    let mut element = element.to_vec();
    *element.first_mut()? = other;
    parse(&element).ok()
}

/// Whole days from one instant to the other, rounded down.
pub(super) fn whole_days(from: i64, to: i64) -> Option<i32> {
    i32::try_from(to.checked_sub(from)?.div_euclid(MICROS_PER_DAY)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::x509::tests::build::element;

    fn read_text(tag: u8, text: &str) -> Result<(Instant, Option<&'static str>), Refusal> {
        let element = element(tag, text.as_bytes());
        let time = crate::der::read(&element).expect("an element");
        read(&time, &element)
    }

    fn clean(tag: u8, text: &str) -> (i64, i32) {
        let (instant, doubt) = read_text(tag, text).expect("a time");
        assert_eq!(doubt, None);
        (instant.micros / 1_000_000, instant.year)
    }

    #[test]
    fn both_types_and_the_edges_of_the_calendar() {
        assert_eq!(clean(UTC_TIME, "700101000000Z"), (0, 1970));
        assert_eq!(clean(UTC_TIME, "500101000000Z"), (-631_152_000, 1950));
        assert_eq!(clean(UTC_TIME, "491231235959Z"), (2_524_607_999, 2049));
        assert_eq!(clean(GENERALIZED_TIME, "99991231235959Z"), (253_402_300_799, 9999));
        assert_eq!(clean(GENERALIZED_TIME, "19000101000000Z"), (-2_208_988_800, 1900));
        assert_eq!(clean(UTC_TIME, "000229000000Z"), (951_782_400, 2000));
    }

    #[test]
    fn forms_that_der_forbids_are_read_with_a_doubt() {
        let (instant, doubt) = read_text(UTC_TIME, "250101010000+0130").expect("a time");
        assert_eq!((instant.micros, instant.year), (1_735_687_800_000_000, 2024), "the year is that of UTC");
        assert!(doubt.is_some());
        assert!(read_text(UTC_TIME, "2501010100Z").expect("a time").1.is_some());
        let (instant, doubt) = read_text(GENERALIZED_TIME, "20250101000000.25Z").expect("a time");
        assert_eq!((instant.micros % 1_000_000, doubt.is_some()), (250_000, true));
    }

    #[test]
    fn dates_under_the_other_tag() {
        let (instant, doubt) = read_text(UTC_TIME, "20250630120000Z").expect("a time");
        assert_eq!((instant.micros, doubt.is_some()), (1_751_284_800_000_000, true));
        let (instant, doubt) = read_text(GENERALIZED_TIME, "250630120000Z").expect("a time");
        assert_eq!((instant.micros, doubt.is_some()), (1_751_284_800_000_000, true));
        assert!(read_text(GENERALIZED_TIME, "201201010000Z").is_err(), "2012-01-01 or 2020-12-01");
    }

    #[test]
    fn what_is_no_date() {
        for text in ["", "Z", "20251301000000Z", "20250230000000Z", "not a date at a", "2025063012"] {
            assert!(read_text(UTC_TIME, text).is_err(), "{text}");
            assert!(read_text(GENERALIZED_TIME, text).is_err(), "{text}");
        }
        assert!(read_text(19, "250630120000Z").is_err());
    }

    #[test]
    fn every_day_of_the_calendar_is_one_day_after_the_one_before() {
        let mut next = days(0, 1, 1).expect("a day");
        assert_eq!((next, days(1970, 1, 1)), (-719_528, Some(0)));
        for year in 0..=9999 {
            for month in 0..=13 {
                let month_of = u8::try_from(month).ok().and_then(|month| ::time::Month::try_from(month).ok());
                let length = month_of.map_or(0, |month| i32::from(month.length(year)));
                for day in 0..33 {
                    let exists = (1..=length).contains(&day);
                    assert_eq!(days(year, month, day), exists.then_some(next), "{year}-{month}-{day}");
                    next += i32::from(exists);
                }
            }
        }
    }

    #[test]
    fn plain_dates_are_read_as_x509_parser_reads_them() {
        let mut texts: Vec<String> = Vec::new();
        for year in
            ["", "00", "19", "20", "99"].iter().flat_map(|century| (0..100).map(move |n| format!("{century}{n:02}")))
        {
            for rest in ["0228235959Z", "0229000000Z", "0230000000Z", "1231235960Z", "0431000000Z", "0001000000Z"] {
                texts.push(format!("{year}{rest}"));
            }
        }
        texts.extend(
            ["2501012400Z", "250101240000Z", "250101006000Z", "2501010000 0Z", "25010100000\u{b2}Z"].map(String::from),
        );
        let mut answered = 0;
        for (tag, text) in texts.iter().flat_map(|text| [(UTC_TIME, text), (GENERALIZED_TIME, text)]) {
            let element = element(tag, text.as_bytes());
            if let Some(instant) = plain_tlv(&crate::der::read(&element).expect("an element")) {
                assert_eq!(Ok(instant), parse(&element), "{text}");
                answered += 1;
            }
        }
        assert!(answered > 500);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn plain_dates_with_changes(
            is_utc in any::<bool>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), b'/'..=b'Z'), 0..4),
        ) {
            let (tag, text) = if is_utc { (UTC_TIME, "250630115859Z") } else { (GENERALIZED_TIME, "20250630115859Z") };
            let mut text = text.as_bytes().to_vec();
            for (place, byte) in changes {
                *place.get_mut(&mut text) = byte;
            }
            let element = element(tag, &text);
            if let Some(instant) = plain_tlv(&crate::der::read(&element).expect("an element")) {
                prop_assert_eq!(Ok(instant), parse(&element));
            }
        }
    }

    #[test]
    fn days_are_rounded_down() {
        assert_eq!(whole_days(0, MICROS_PER_DAY - 1), Some(0));
        assert_eq!(whole_days(0, 365 * MICROS_PER_DAY), Some(365));
        assert_eq!(whole_days(1, 0), Some(-1));
        assert_eq!(whole_days(i64::MIN, i64::MAX), None);
    }
}
