//! When a layout expires: a span of time from now, a date, or a moment.

use crate::model::{Moment, quoted};

/// No span reaches farther.
const DAYS_AT_MOST: u32 = 36_500;

const FORMS: &str = "expected a span like `90d`, `12w`, `6m` or `1y`, a date like `2030-12-31`, or a moment like \
    `2030-12-31T23:59:59Z`";

/// Whether a text is a span from now, however long: `90d`.
pub fn is_span(text: &str) -> bool {
    split(text).is_some()
}

/// The moment that a text means: a span from now (`90d`, `12w`, `6m` months, `1y`), a date, of which
/// the last second in UTC is meant, or an RFC 3339 moment, of which a part of a second is dropped.
///
/// # Errors
/// What the text should be. Everything in it is escaped.
pub fn expiry(text: &str, now: Moment) -> Result<Moment, String> {
    if let Some((number, unit)) = split(text) {
        return span(number, unit, now).ok_or_else(|| {
            format!(
                "{} is no span, expected one of at least a day and at most {DAYS_AT_MOST} days",
                quoted(text)
            )
        });
    }
    let date = text.len() == 10 && !text.contains(['T', ':']);
    let found = if date {
        Moment::parse(&format!("{text}T23:59:59Z"))
    } else {
        Moment::parse(text).or_else(|| moment(text))
    };
    found.ok_or_else(|| {
        let zone = Moment::parse(&format!("{text}Z")).is_some();
        let wrong = quoted(text);
        if zone {
            format!("{wrong} does not say in which time zone, write {text}Z for UTC")
        } else {
            format!("{wrong} is no expiry, {FORMS}")
        }
    })
}

/// RFC 3339 proper: other forms of ISO 8601, and what Rust libraries add to it, are refused.
fn moment(text: &str) -> Option<Moment> {
    let plain = |c: char| c.is_ascii_digit() || "-+:.TZ".contains(c);
    let shaped = text.chars().all(plain) && text.get(10..11) == Some("T") && text.len() >= 20;
    let moment = shaped.then(|| Moment::parse_rfc3339(text)).flatten()?;
    Moment::parse(&moment.to_string())
}

fn split(text: &str) -> Option<(&str, char)> {
    let unit = text.chars().last().filter(|unit| "dwmy".contains(*unit))?;
    let number = text.strip_suffix(unit)?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some((number, unit))
}

fn span(number: &str, unit: char, now: Moment) -> Option<Moment> {
    let count: u32 = number.parse().ok()?;
    let about = count.checked_mul(match unit {
        'd' => 1,
        'w' => 7,
        'm' => 30,
        _ => 365,
    })?;
    if count == 0 || about > DAYS_AT_MOST {
        return None;
    }
    let count = i32::try_from(count).ok()?;
    let found = match unit {
        'd' => now.after_days(count),
        'w' => now.after_days(count.checked_mul(7)?),
        'm' => now.after_months(count)?,
        _ => now.after_months(count.checked_mul(12)?)?,
    };
    (found > now).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let now = Moment::parse("2026-01-31T12:00:00Z").unwrap();
        expiry(text, now).map(|moment| moment.to_string())
    }

    #[test]
    fn a_span_counts_from_now() {
        for (text, expected) in [
            ("90d", "2026-05-01T12:00:00Z"),
            ("2w", "2026-02-14T12:00:00Z"),
            ("1m", "2026-02-28T12:00:00Z"),
            ("1y", "2027-01-31T12:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["0d", "36501d", "101y", "99999999999999999999d"] {
            assert!(read(text).unwrap_err().contains("is no span"), "{text}");
        }
    }

    #[test]
    fn of_a_date_the_last_second_counts() {
        assert_eq!(read("2027-01-31").as_deref(), Ok("2027-01-31T23:59:59Z"));
        assert!(read("2027-02-31").is_err());
    }

    #[test]
    fn a_moment_says_its_time_zone() {
        let moment = "2027-01-31T10:00:00";
        let found = read(&format!("{moment}+01:00"));
        assert_eq!(found.as_deref(), Ok("2027-01-31T09:00:00Z"));
        let found = read(&format!("{moment}.9Z"));
        assert_eq!(found.as_deref(), Ok("2027-01-31T10:00:00Z"));
        assert!(read(moment).unwrap_err().contains("time zone"));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "d",
            "90",
            "90D",
            "-1d",
            "1.5y",
            "90 d",
            "tomorrow",
            "never",
            "10:00:00",
            "20270131",
            "31.01.2027",
            "2027-1-31",
            "2027-01-31T10:00Z",
            "2027-01-31T10:00:00Z[UTC]",
            "+90d",
            "0000-01-01",
            "2027-01-31t10:00:00z",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(!read("\u{1b}[2J").unwrap_err().contains('\u{1b}'));
    }
}
