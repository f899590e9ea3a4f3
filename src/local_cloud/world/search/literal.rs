//! Numbers, sizes and times in expressions.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::fields::{Nature, rounded_ratio};
use crate::domain::time::Timestamp;

/// What a text stands for among numbers: a day is a span of seconds, everything else a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Literal {
    pub first: f64,
    pub last: f64,
    /// Where `:` and `=` end: so long ago is since then, until now.
    pub until: f64,
}

impl Literal {
    const fn point(at: f64) -> Self {
        Self { first: at, last: at, until: at }
    }

    /// Reads a text by the nature of its field; `unix_now` is what relative times count back from.
    #[must_use]
    pub fn read(nature: Nature, text: &str, unix_now: i64) -> Option<Self> {
        match nature {
            Nature::Number => number(text).map(Self::point),
            Nature::Size => size(text).map(Self::point),
            Nature::Ratio => ratio(text).map(Self::point),
            Nature::Time => time(text, unix_now),
            _ => None,
        }
    }
}

/// Digits, perhaps with a sign, a point and an exponent.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    let is_number = text.ends_with(|c: char| c.is_ascii_digit());
    text.parse::<f64>().ok().filter(|number| is_number && number.is_finite())
}

/// Bytes: `500`, `20k`, `1.5mb`, `1g`, in any case; units are powers of 1024.
fn size(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1024.0,
        "m" | "mb" => 1024.0 * 1024.0,
        "g" | "gb" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number(digits)? * unit)
}

/// `1.77778`, or `16:9`.
fn ratio(text: &str) -> Option<f64> {
    let Some((width, height)) = text.split_once(':') else {
        return number(text).map(rounded_ratio);
    };
    let (width, height) = (number(width)?, number(height).filter(|height| *height > 0.0)?);
    Some(rounded_ratio(width / height))
}

/// `2026-01-31`, `2026-01-31T12:00:00Z` (UTC where no offset is told), or so long ago: `90s`, `12h`, `1d`, `2w`,
/// `3m`, `1y`.
///
/// Days are documented; the other units are what the letters suggest, a month being 30 days and a year 365.
fn time(text: &str, unix_now: i64) -> Option<Literal> {
    if let Some(at) = long_ago(text, unix_now) {
        return Some(Literal { first: at as f64, last: at as f64, until: unix_now as f64 });
    }
    let is_date_alone = !text.contains([':', 'T', 't', ' ']);
    if is_date_alone && let Ok(day) = text.parse::<Date>() {
        let first = day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second() as f64;
        return Some(Literal { first, last: first + 86_399.0, until: first + 86_399.0 });
    }
    let with_offset = text.parse::<Timestamp>().ok();
    let at = with_offset.or_else(|| {
        let plain = text.parse::<DateTime>().ok()?;
        Some(plain.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    at.map(|at| Literal::point(at.as_second() as f64))
}

fn long_ago(text: &str, unix_now: i64) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'm' => 30 * 86_400,
        'y' => 365 * 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let count: i64 =
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some(unix_now.saturating_sub(count.saturating_mul(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn read(nature: Nature, text: &str) -> Option<(f64, f64, f64)> {
        Literal::read(nature, text, NOW).map(|found| (found.first, found.last, found.until))
    }

    #[test]
    fn sizes_have_units() {
        let size = |text| read(Nature::Size, text).map(|(first, ..)| first);
        assert_eq!(size("500"), Some(500.0));
        assert_eq!(size("20k"), Some(20_480.0));
        assert_eq!(size("1.5MB"), Some(1_572_864.0));
        assert_eq!(size("1g"), size("1024m"));
        assert_eq!(size("2gb"), size("2048mb"));
        for bad in ["", "k", "1t", "many", "1kk", "nan", "inf", "1e", "1 k", "1e999"] {
            assert_eq!(size(bad), None, "{bad}");
        }
        assert_eq!(read(Nature::Number, "1k"), None, "only sizes have units");
        assert_eq!(read(Nature::Number, "-1.5"), Some((-1.5, -1.5, -1.5)));
    }

    #[test]
    fn ratios_are_numbers_or_two_sides() {
        let ratio = |text| read(Nature::Ratio, text).map(|(first, ..)| first);
        assert_eq!(ratio("16:9"), Some(1.77778));
        assert_eq!(ratio("1.7777777"), ratio("16:9"));
        assert_eq!(ratio("1:1"), Some(1.0));
        assert_eq!((ratio("1:0"), ratio(":"), ratio("1:2:3")), (None, None, None));
    }

    #[test]
    fn times_are_days_points_or_so_long_ago() {
        let time = |text| read(Nature::Time, text);
        let day = 1_767_225_600.0;
        assert_eq!(time("2026-01-01"), Some((day, day + 86_399.0, day + 86_399.0)));
        assert_eq!(time("2026-01-01T00:00:00Z"), Some((day, day, day)));
        assert_eq!(time("2026-01-01T01:00:00+01:00"), Some((day, day, day)));
        assert_eq!(time("2026-01-01 00:00:00"), Some((day, day, day)));
        assert_eq!(time("2026-01-01T00:00"), Some((day, day, day)));
        let ago = |seconds: i64| Some(((NOW - seconds) as f64, (NOW - seconds) as f64, NOW as f64));
        assert_eq!(
            (time("1d"), time("12h"), time("2w")),
            (ago(86_400), ago(43_200), ago(1_209_600))
        );
        assert_eq!((time("1m"), time("1y")), (ago(2_592_000), ago(31_536_000)));
        for bad in [
            "",
            "d",
            "-1d",
            "1x",
            "2026-13-01",
            "2026-01",
            "yesterday",
            "99999999999999999999d",
            "é",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
        assert!(time("9999999999999999d").is_some(), "a long time ago");
    }
}
