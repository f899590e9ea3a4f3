//! Values that flags take and that need reading: durations, rates, words.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::adapters::places::PinnedEdge;
use crate::domain::account::InvalidationKind;
use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::confidence::Confidence;
use crate::domain::text::clean;
use crate::domain::verdict::Expectation;

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

/// Reads how many looks a second; 0 is none.
///
/// # Errors
/// What was expected instead, for clap to show.
pub fn rate(raw: &str) -> Result<f64, String> {
    let read = raw.parse().ok().filter(|rate: &f64| (0.0..=1000.0).contains(rate));
    read.ok_or_else(|| format!("`{raw}` is no rate; give a number from 0 to 1000"))
}

/// One of `words`, as clap shows, completes and suggests them.
fn word<T: FromStr + Clone + Send + Sync + 'static>(
    words: impl IntoIterator<Item = &'static str>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words)
        .try_map(|word| word.parse::<T>().map_err(|_| format!("`{word}` cannot be used here")))
}

/// How an account invalidates.
pub fn invalidation() -> impl TypedValueParser<Value = InvalidationKind> {
    word(InvalidationKind::ALL.map(InvalidationKind::as_str))
}

/// How a local cloud invalidates: every kind but `unknown`, which is for profiles.
pub fn cloud_mode() -> impl TypedValueParser<Value = InvalidationKind> {
    let known = InvalidationKind::ALL.into_iter().filter(|kind| *kind != InvalidationKind::Unknown);
    word(known.map(InvalidationKind::as_str))
}

/// How much proof.
pub fn confidence() -> impl TypedValueParser<Value = Confidence> {
    word(Confidence::ALL.map(Confidence::as_str))
}

/// A kind of file.
pub fn resource_type() -> impl TypedValueParser<Value = ResourceType> {
    word(ResourceType::ALL.map(ResourceType::as_str))
}

/// A delivery type.
pub fn delivery_type() -> impl TypedValueParser<Value = DeliveryType> {
    word(DeliveryType::ALL.map(DeliveryType::as_str))
}

/// Reads an edge to look at: `192.0.2.7`, `FRA=192.0.2.7`, `[2001:db8::7]:8443`.
///
/// # Errors
/// What was expected instead, for clap to show.
pub fn edge(raw: &str) -> Result<PinnedEdge, String> {
    let (name, address) = raw.split_once('=').unwrap_or(("", raw));
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    let read = address
        .parse::<SocketAddr>()
        .ok()
        .or_else(|| Some(SocketAddr::new(bare.parse::<IpAddr>().ok()?, 443)))
        .filter(|address| address.port() > 0 && !address.ip().is_unspecified());
    let name = clean(if name.is_empty() { address } else { name }).into_owned();
    read.map(|address| PinnedEdge { name, address, tls: true }).ok_or_else(|| {
        format!("`{raw}` is no edge; give ADDRESS, ADDRESS:PORT or NAME=ADDRESS:PORT")
    })
}

/// Reads an entity tag as a header shows it, or without its quotes.
///
/// # Errors
/// What was expected instead, for clap to show.
pub fn etag(raw: &str) -> Result<String, String> {
    if raw.trim().starts_with("W/") {
        return Err("a weak entity tag (`W/…`) identifies no content; give a strong one".to_owned());
    }
    let tag = raw.trim().trim_matches('"');
    let fits = (1..=512).contains(&tag.len()) && !tag.chars().any(|c| c.is_control() || c == '"');
    fits.then(|| tag.to_owned()).ok_or_else(|| format!("`{}` is no entity tag", clean(raw)))
}

/// What a watched URL must show.
pub fn expectation() -> impl TypedValueParser<Value = Expectation> {
    const KNOWN: [Expectation; 4] =
        [Expectation::Gone, Expectation::New, Expectation::Live, Expectation::Refetched];
    PossibleValuesParser::new(KNOWN.map(Expectation::as_str)).try_map(|word| {
        KNOWN.into_iter().find(|it| it.as_str() == word).ok_or("this cannot be expected")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
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

    #[rstest]
    #[case("192.0.2.7", Some(("192.0.2.7", "192.0.2.7:443")))]
    #[case("FRA=192.0.2.7", Some(("FRA", "192.0.2.7:443")))]
    #[case("FRA=127.0.0.1:8080", Some(("FRA", "127.0.0.1:8080")))]
    #[case("[2001:db8::7]:8443", Some(("[2001:db8::7]:8443", "[2001:db8::7]:8443")))]
    #[case("x=2001:db8::7", Some(("x", "[2001:db8::7]:443")))]
    #[case("FRA=", None)]
    #[case("media.example.com", None)]
    #[case("127.0.0.1:0", None)]
    #[case("0.0.0.0", None)]
    fn edges(#[case] raw: &str, #[case] expected: Option<(&str, &str)>) {
        let read = edge(raw).ok().map(|edge| (edge.name, edge.address.to_string()));
        assert_eq!(read, expected.map(|(name, address)| (name.to_owned(), address.to_owned())));
    }

    #[test]
    fn entity_tags() {
        assert_eq!(etag("\"9e10\"").as_deref(), Ok("9e10"));
        assert_eq!(etag("9e10").as_deref(), Ok("9e10"));
        assert!(etag("W/\"9e10\"").is_err() && etag("").is_err() && etag("a\nb").is_err());
    }

    #[test]
    fn rates() {
        assert_eq!(rate("0.5"), Ok(0.5));
        assert!(rate("-1").is_err() && rate("NaN").is_err() && rate("many").is_err());
    }

    proptest! {
        #[test]
        fn durations_read_as_they_are_written(seconds in 0_u64..1_000_000, millis in 0_u64..1000) {
            let span = Duration::from_millis(seconds * 1000 + millis);
            let written = format!("{:#}", jiff::SignedDuration::try_from(span).unwrap());
            prop_assert_eq!(duration(&written), Ok(span), "{}", written);
            prop_assert_eq!(duration(&format!("{seconds}s{millis}ms")), Ok(span));
        }

        #[test]
        fn whatever_is_typed_has_an_answer(raw in any::<String>()) {
            let _ = (duration(&raw), rate(&raw), edge(&raw), etag(&raw));
            if let Ok(tag) = etag(&raw) {
                prop_assert!(!tag.is_empty() && !tag.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn a_local_cloud_knows_its_mode() {
        let possible = cloud_mode();
        let words: Vec<_> = possible.possible_values().expect("words").collect();
        let words: Vec<_> = words.iter().map(clap::builder::PossibleValue::get_name).collect();
        assert_eq!(words, ["surrogate", "legacy", "legacy-unversioned", "legacy-versioned"]);
    }
}
