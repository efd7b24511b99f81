//! Times of the synthetic fleet. Nothing here reads a clock: all times count from [`COLLECTION_START`].

use time::OffsetDateTime;

/// Seconds in a day.
pub(super) const DAY: i64 = 86_400;

/// When the first client was collected: 2026-03-02 06:00:00 UTC. Frozen, like every number of the fleet.
pub(super) const COLLECTION_START: i64 = 1_772_431_200;

/// A time in the proleptic Gregorian calendar, UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Civil {
    pub year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Civil {
    /// From seconds since 1970; 1970 itself for what lies outside the years 0 to 9999.
    pub fn from_unix(seconds: i64) -> Self {
        let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Civil {
            year: u16::try_from(time.year()).unwrap_or_default(),
            month: u8::from(time.month()),
            day: time.day(),
            hour: time.hour(),
            minute: time.minute(),
            second: time.second(),
        }
    }

    /// Appends `YYYYMMDDhhmmss`.
    pub fn push_digits(self, out: &mut Vec<u8>) {
        let Civil { year, month, day, hour, minute, second } = self;
        for two in [(year / 100) as u8, (year % 100) as u8, month, day, hour, minute, second] {
            out.extend([b'0' + two / 10, b'0' + two % 10]);
        }
    }

    /// RFC 3339 with `Z`.
    pub fn rfc3339(self) -> String {
        let Civil { year, month, day, hour, minute, second } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collection_starts_when_the_comment_says() {
        let civil = Civil::from_unix(COLLECTION_START);
        assert_eq!(civil.rfc3339(), "2026-03-02T06:00:00Z");
        let mut digits = Vec::new();
        civil.push_digits(&mut digits);
        assert_eq!(digits, b"20260302060000");
    }
}
