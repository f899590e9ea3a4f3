//! Durations as people type them: `20s`, `500ms`, `1m30s`, and ranges of them: `2s..20s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A text that is no duration, or no range of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSpan {
    #[error("`{text}` is no duration; write 500ms, 20s, 5m or 1h")]
    Duration { text: String },
    #[error("`{text}` is no range; write the shorter duration first: 2s..20s")]
    Range { text: String },
}

/// Reads `500ms`, `20s`, `1m30s`, `2h`.
///
/// # Errors
/// The text is no duration, or a negative one.
pub fn duration(text: &str) -> Result<Duration, BadSpan> {
    let bad = || BadSpan::Duration { text: text.to_owned() };
    let read: jiff::SignedDuration = text.trim().parse().map_err(|_| bad())?;
    Duration::try_from(read).map_err(|_| bad())
}

/// Reads `5m` and `-5m`, in whole seconds.
///
/// # Errors
/// The text is no duration.
pub fn signed_seconds(text: &str) -> Result<i64, BadSpan> {
    let bad = || BadSpan::Duration { text: text.to_owned() };
    let read: jiff::SignedDuration = text.trim().parse().map_err(|_| bad())?;
    Ok(read.as_secs())
}

/// `20s`, `500ms`, `1m`: as short as it can be written and read again, in whole milliseconds.
#[must_use]
pub fn text(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        0 => "0s".to_owned(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    }
}

/// How delays lie between their bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spread {
    /// Anywhere between them, all alike.
    #[default]
    Uniform,
    /// Most near the shorter one and a few far out: log-normal, with one in twenty below the shorter bound, one in
    /// twenty beyond the longer, and none beyond ten times the longer.
    Tail,
}

impl Spread {
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("uniform", Self::Uniform), ("tail", Self::Tail)];
}

/// How long an invalidation takes to an edge, at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Propagation {
    pub min: Duration,
    pub max: Duration,
}

impl Default for Propagation {
    fn default() -> Self {
        Self { min: Duration::from_secs(2), max: Duration::from_secs(20) }
    }
}

impl FromStr for Propagation {
    type Err = BadSpan;

    /// Reads `2s..20s`; one duration stands for both.
    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let (min, max) = (duration(min)?, duration(max)?);
        if min > max {
            return Err(BadSpan::Range { text: text.to_owned() });
        }
        Ok(Self { min, max })
    }
}

impl fmt::Display for Propagation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |span: Duration| {
            let millis = span.as_millis();
            if millis.is_multiple_of(1000) {
                format!("{}s", millis / 1000)
            } else {
                format!("{millis}ms")
            }
        };
        write!(f, "{}..{}", text(self.min), text(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_they_are_read() {
        for short in ["0s", "500ms", "20s", "90s", "2m", "3h"] {
            assert_eq!(text(duration(short).unwrap()), short);
        }
        assert_eq!(signed_seconds("-5m"), Ok(-300));
        assert!(signed_seconds("soon").is_err());
    }

    #[test]
    fn durations_and_ranges_are_read_and_shown() {
        assert_eq!(duration("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("-1s").is_err() && duration("").is_err() && duration("5").is_err());
        let range: Propagation = "500ms..20s".parse().unwrap();
        assert_eq!(range.to_string(), "500ms..20s");
        assert_eq!("3s".parse::<Propagation>().unwrap().to_string(), "3s..3s");
        assert!("20s..2s".parse::<Propagation>().is_err());
        assert_eq!(Propagation::default().to_string(), "2s..20s");
    }
}
