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
        && let Ok(instant) = parse(element)
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
    fn days_are_rounded_down() {
        assert_eq!(whole_days(0, MICROS_PER_DAY - 1), Some(0));
        assert_eq!(whole_days(0, 365 * MICROS_PER_DAY), Some(365));
        assert_eq!(whole_days(1, 0), Some(-1));
        assert_eq!(whole_days(i64::MIN, i64::MAX), None);
    }
}
