//! Values that flags take and that need reading: durations, spans, words.

use std::str::FromStr;
use std::time::Duration;

use crate::domain::account::InvalidationKind;
use crate::domain::verdict::Expectation;

/// From one duration to another, both included, e.g. `2s..20s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: Duration,
    pub to: Duration,
}

/// Reads a duration with its unit: `90s`, `15m`, `1h30m`, `250ms`.
///
/// # Errors
/// What was expected instead, for clap to show.
pub fn duration(raw: &str) -> Result<Duration, String> {
    let expected = || format!("`{raw}` is no duration; give a number and a unit, e.g. 90s or 15m");
    if raw == "0" {
        return Ok(Duration::ZERO);
    }
    let signed = jiff::SignedDuration::from_str(raw).map_err(|_| expected())?;
    Duration::try_from(signed).map_err(|_| expected())
}

/// Reads `FROM..TO`, or one duration for both.
///
/// # Errors
/// What was expected instead, for clap to show.
pub fn span(raw: &str) -> Result<Span, String> {
    let (from, to) = raw.split_once("..").unwrap_or((raw, raw));
    let (from, to) = (duration(from)?, duration(to)?);
    if from > to {
        return Err(format!("`{raw}` ends before it begins; put the shorter duration first"));
    }
    Ok(Span { from, to })
}

/// Reads how a local cloud invalidates: every kind but `unknown`.
///
/// # Errors
/// What was expected instead, for clap to show.
pub fn cloud_mode(raw: &str) -> Result<InvalidationKind, String> {
    match InvalidationKind::from_str(raw) {
        Ok(InvalidationKind::Unknown) => {
            Err("a local cloud must know how it invalidates; `unknown` is for profiles".to_owned())
        }
        Ok(kind) => Ok(kind),
        Err(unknown) => Err(unknown.to_string()),
    }
}

/// Reads what a watched URL must show.
///
/// # Errors
/// What was expected instead, for clap to show.
pub fn expectation(raw: &str) -> Result<Expectation, String> {
    [Expectation::Gone, Expectation::New, Expectation::Live, Expectation::Refetched]
        .into_iter()
        .find(|expected| expected.as_str() == raw)
        .ok_or_else(|| format!("`{raw}` is none of gone, new, live, refetched"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("90s", Duration::from_secs(90))]
    #[case("15m", Duration::from_secs(900))]
    #[case("1h30m", Duration::from_secs(5400))]
    #[case("250ms", Duration::from_millis(250))]
    #[case("0s", Duration::ZERO)]
    #[case("0", Duration::ZERO)]
    fn durations(#[case] raw: &str, #[case] expected: Duration) {
        assert_eq!(duration(raw), Ok(expected));
    }

    #[rstest]
    #[case("")]
    #[case("15")]
    #[case("-3s")]
    #[case("soon")]
    fn no_durations(#[case] raw: &str) {
        assert!(duration(raw).is_err(), "{raw}");
    }

    #[test]
    fn a_span_goes_forward() {
        let span = |raw| super::span(raw).map(|s| (s.from.as_millis(), s.to.as_millis()));
        assert_eq!(span("2s..20s"), Ok((2000, 20_000)));
        assert_eq!(span("0s..300ms"), Ok((0, 300)));
        assert_eq!(span("1s"), Ok((1000, 1000)));
        assert!(span("3s..1s").is_err());
        assert!(span("3s..").is_err());
    }

    #[test]
    fn a_local_cloud_knows_its_mode() {
        assert_eq!(cloud_mode("legacy"), Ok(InvalidationKind::Legacy));
        assert!(cloud_mode("unknown").is_err());
        assert!(cloud_mode("fast").is_err());
    }
}
