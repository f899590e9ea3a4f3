//! What a profile says of Globalping, and what of it can be used.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::adapters::is_loopback_url;
use crate::domain::text::{clean, is_unsafe};

/// The public API.
pub const DEFAULT_BASE: &str = "https://api.globalping.io";

/// Locations of a profile at most.
const MAX_LOCATIONS: usize = 128;
/// Characters of a location at most, and conditions joined by `+` (source: the API's schema).
const MAX_LOCATION: usize = 128;
const MAX_CONDITIONS: usize = 4;

/// How a profile uses the network.
#[derive(Debug, Clone)]
pub struct GlobalpingOptions {
    /// `https://…`; `http://` only on loopback.
    pub base_url: String,
    /// Raises the limits from 250 to 500 tests an hour; never shown.
    pub token: Option<SecretString>,
    /// One place each, in the API's own free text: `frankfurt+datacenter-network`, `aws-us-east-1`, `JP`.
    pub locations: Vec<String>,
    /// Tests of the hour that are left to others: without a token everybody behind the same address shares them.
    pub reserve: u32,
    /// Tests that this process may spend in all.
    pub tests_per_run: Option<u32>,
    /// Whether credits of the token's owner may be spent once the hour's tests are.
    pub spend_credits: bool,
    /// For one call to the API; a probe's own time limit holds beside it.
    pub call_timeout: Duration,
}

impl Default for GlobalpingOptions {
    fn default() -> Self {
        Self {
            base_url: DEFAULT_BASE.to_owned(),
            token: None,
            locations: Vec::new(),
            reserve: 25,
            tests_per_run: None,
            spend_credits: false,
            call_timeout: Duration::from_secs(10),
        }
    }
}

/// Why options cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGlobalping {
    #[error("this is no address of Globalping's API: {detail}")]
    BaseUrl { detail: String },
    #[error("no location is named; name some, e.g. \"frankfurt\" or \"aws-us-east-1\"")]
    NoLocations,
    #[error("{count} locations are named, at most {MAX_LOCATIONS} can be")]
    TooMany { count: usize },
    #[error("`{location}` is no location: {why}")]
    Location { location: String, why: &'static str },
    #[error("the location `{location}` is named twice")]
    Twice { location: String },
    #[error("the token holds characters that no token has")]
    Token,
}

impl GlobalpingOptions {
    /// # Errors
    /// The first option that cannot be used.
    pub(super) fn check(&self) -> Result<(), BadGlobalping> {
        check_base(&self.base_url)?;
        self.authorization()?;
        match self.locations.len() {
            0 => return Err(BadGlobalping::NoLocations),
            1..=MAX_LOCATIONS => {}
            count => return Err(BadGlobalping::TooMany { count }),
        }
        for (at, location) in self.locations.iter().enumerate() {
            check_location(location)
                .map_err(|why| BadGlobalping::Location { location: shown(location), why })?;
            let is_same = |other: &String| other.trim().eq_ignore_ascii_case(location.trim());
            if self.locations[..at].iter().any(is_same) {
                return Err(BadGlobalping::Twice { location: shown(location) });
            }
        }
        Ok(())
    }

    /// The header that proves who we are, marked as secret.
    pub(super) fn authorization(&self) -> Result<Option<(HeaderName, HeaderValue)>, BadGlobalping> {
        let Some(token) = &self.token else { return Ok(None) };
        let token = token.expose_secret().trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadGlobalping::Token);
        }
        let mut value =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| BadGlobalping::Token)?;
        value.set_sensitive(true);
        Ok(Some((AUTHORIZATION, value)))
    }
}

/// A token and the URLs asked about travel in what is sent, so only loopback may go without TLS.
fn check_base(base: &str) -> Result<(), BadGlobalping> {
    let bad = |detail: &str| Err(BadGlobalping::BaseUrl { detail: detail.to_owned() });
    let Ok(url) = Url::parse(base) else { return bad("it is no URL") };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return bad("it has neither user, password nor query");
    }
    match url.scheme() {
        "https" if url.host_str().is_some() => Ok(()),
        "http" if is_loopback_url(&url) => Ok(()),
        _ => bad("it begins with https:// and a host"),
    }
}

fn check_location(location: &str) -> Result<(), &'static str> {
    let text = location.trim();
    let chars = text.chars().count();
    if chars == 0 || text.split('+').any(|part| part.trim().is_empty()) {
        return Err("it is empty");
    }
    if chars > MAX_LOCATION {
        return Err("it is longer than 128 characters");
    }
    if text.split('+').count() > MAX_CONDITIONS {
        return Err("more than four conditions are joined by `+`");
    }
    if text.chars().any(is_unsafe) {
        return Err("it holds characters that cannot be shown");
    }
    Ok(())
}

fn shown(location: &str) -> String {
    clean(location).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn options(locations: &[&str]) -> GlobalpingOptions {
        let locations = locations.iter().map(|location| (*location).to_owned()).collect();
        GlobalpingOptions { locations, ..GlobalpingOptions::default() }
    }

    #[rstest]
    #[case::usual(&["frankfurt+datacenter-network", "aws-us-east-1", "JP", "são paulo"], None)]
    #[case::none(&[], Some(BadGlobalping::NoLocations))]
    #[case::empty(&[" "], Some(BadGlobalping::Location { location: " ".into(), why: "it is empty" }))]
    #[case::empty_part(&["a+"], Some(BadGlobalping::Location { location: "a+".into(), why: "it is empty" }))]
    #[case::twice(&["JP", "jp "], Some(BadGlobalping::Twice { location: "jp ".into() }))]
    #[case::five(&["a+b+c+d+e"], Some(BadGlobalping::Location {
        location: "a+b+c+d+e".into(), why: "more than four conditions are joined by `+`" }))]
    #[case::tricks(&["a\u{202e}b"], Some(BadGlobalping::Location {
        location: "a\u{fffd}b".into(), why: "it holds characters that cannot be shown" }))]
    fn locations_are_checked(#[case] named: &[&str], #[case] refused: Option<BadGlobalping>) {
        assert_eq!(options(named).check().err(), refused);
    }

    #[rstest]
    #[case("https://api.globalping.io", true)]
    #[case("http://127.0.0.1:9000", true)]
    #[case("http://api.globalping.io", false)]
    #[case("https://me:secret@api.globalping.io", false)]
    #[case("ftp://127.0.0.1", false)]
    #[case("globalping", false)]
    fn only_loopback_goes_without_tls(#[case] base_url: &str, #[case] fits: bool) {
        let options = GlobalpingOptions { base_url: base_url.to_owned(), ..options(&["JP"]) };
        assert_eq!(options.check().is_ok(), fits);
    }

    #[test]
    fn a_token_is_never_shown() {
        let secret = "gp-s3cr3t";
        let options = GlobalpingOptions { token: Some(secret.into()), ..options(&["JP"]) };
        let (_, header) = options.authorization().unwrap().unwrap();
        assert!(!format!("{options:?} {header:?}").contains(secret));
        for odd in ["two words", "line\nbreak", ""] {
            let options = GlobalpingOptions { token: Some(odd.into()), ..options.clone() };
            assert_eq!(options.check(), Err(BadGlobalping::Token));
        }
    }
}
