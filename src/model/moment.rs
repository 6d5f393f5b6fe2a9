//! A moment in UTC, to the second.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};

/// A moment in UTC, to the second, in the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(DateTime);

impl Moment {
    /// The form that layouts have: `YYYY-MM-DDTHH:MM:SSZ` and nothing else. A second 60 and the
    /// year 0 are refused.
    pub fn parse(text: &str) -> Option<Self> {
        const FORM: &[u8; 20] = b"dddd-dd-ddTdd:dd:ddZ";
        let shaped = text.len() == FORM.len()
            && text.bytes().zip(FORM).all(|(byte, form)| match form {
                b'd' => byte.is_ascii_digit(),
                _ => byte == *form,
            });
        if !shaped || text.starts_with("0000") || text.get(17..19) == Some("60") {
            return None;
        }
        text.strip_suffix('Z')?.parse().ok().map(Self)
    }

    /// Any RFC 3339 date and time; what is below a second is dropped.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let timestamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self::from_timestamp(timestamp))
    }

    /// The moment so many seconds after 1970 began; `None` beyond the year 9999.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        let timestamp = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
        Some(Self::from_timestamp(timestamp))
    }

    /// How many seconds after 1970 began; none before.
    pub fn seconds(self) -> u64 {
        let zoned = self.0.to_zoned(TimeZone::UTC);
        let seconds = zoned.map(|zoned| zoned.timestamp().as_second());
        // A moment that has no timestamp lies at the end of the year 9999.
        seconds.map_or(u64::MAX, |seconds| u64::try_from(seconds).unwrap_or(0))
    }

    /// The moment of a clock's reading.
    pub fn from_timestamp(timestamp: jiff::Timestamp) -> Self {
        let moment = timestamp.to_zoned(TimeZone::UTC).datetime();
        let (date, time) = (moment.date(), moment.time());
        Self(date.at(time.hour(), time.minute(), time.second(), 0))
    }

    /// So many days later; at most the last moment there is.
    #[must_use]
    pub fn after_days(self, days: i32) -> Self {
        let hours = i64::from(days) * 24;
        Self(self.0.saturating_add(SignedDuration::from_hours(hours)))
    }

    /// So many months later, on the same day of the month or the last that it has; `None` beyond the
    /// year 9999.
    pub fn after_months(self, months: i32) -> Option<Self> {
        let span = Span::new().try_months(months).ok()?;
        self.0.checked_add(span).ok().map(Self)
    }
}

/// The moment as a clock reads it.
impl From<Moment> for jiff::Timestamp {
    fn from(moment: Moment) -> Self {
        let zoned = moment.0.to_zoned(TimeZone::UTC);
        zoned.map_or(Self::MAX, |zoned| zoned.timestamp())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}Z", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_has_one_form() {
        for text in [
            "2030-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "2000-02-29T00:00:00Z",
        ] {
            assert_eq!(Moment::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "2030-12-31T23:59:59",
            "2030-12-31T23:59:60Z",
            "2030-12-31T24:00:00Z",
            "2030-02-31T00:00:00Z",
            "2030-13-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "2030-12-31t23:59:59Z",
            "2030-12-31T23:59:59z",
            "2030-12-31T23:59:59.5Z",
            "2030-12-31T23:59:59+00:00",
            " 2030-12-31T23:59:59Z",
            "12030-12-31T23:59:59Z",
            "٢٠٣٠-12-31T23:59:59Z",
            "2030-12-31T23:59:59Z ",
            "",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_are_counted_from_1970() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2017-12-01T18:40:54Z", 1_512_153_654),
            ("9999-12-30T00:00:00Z", 253_402_128_000),
        ] {
            let moment = Moment::parse(text).unwrap();
            assert_eq!(moment.seconds(), seconds);
            assert_eq!(Moment::from_seconds(seconds), Some(moment));
        }
        assert_eq!(Moment::parse("0001-01-01T00:00:00Z").unwrap().seconds(), 0);
        let last = Moment::parse("9999-12-31T23:59:59Z").unwrap();
        assert!(last.seconds() >= 253_402_300_799, "never less than it is");
        assert_eq!(Moment::from_seconds(u64::MAX), None);
    }

    #[test]
    fn a_month_later_is_the_same_day_or_the_last_one() {
        let from = Moment::parse("2024-01-31T10:00:00Z").unwrap();
        for (months, expected) in [(1, "2024-02-29T10:00:00Z"), (12, "2025-01-31T10:00:00Z")] {
            assert_eq!(from.after_months(months).unwrap().to_string(), expected);
        }
        assert_eq!(from.after_months(i32::MAX), None);
        assert_eq!(from.after_months(12 * 8000), None);
    }

    #[test]
    fn a_given_clock_may_have_an_offset() {
        let moment = Moment::parse_rfc3339("2024-01-01T01:00:00.75+01:00").unwrap();
        assert_eq!(moment.to_string(), "2024-01-01T00:00:00Z");
        assert!(Moment::parse_rfc3339("2024-01-01").is_none());
    }
}
