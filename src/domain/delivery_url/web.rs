//! Any web address: looked at like a delivery URL, though no cloud is known to stand behind it.

use super::escape::{wire_path, wire_query};
use super::parse::{MAX_BYTES, as_pasted, is_web};
use super::{DeliveryHost, DeliveryUrl, PathForm, Spelling};
use crate::domain::asset::AssetKey;
use crate::domain::public_id::PublicId;
use crate::domain::secrets;
use crate::domain::text::clean;

/// Longest name of a host (RFC 1035).
const MAX_HOST: usize = 253;

/// Why a text is no web address that can be looked at, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWebUrl {
    #[error("there is no URL")]
    Empty,
    #[error("this text is too long for a URL: {bytes} bytes, at most {MAX_BYTES}")]
    TooLong { bytes: usize },
    #[error("the URL contains a line break or another control character")]
    ControlCharacter,
    #[error("`{}` is no URL: it does not begin with https:// or http://", short(.found))]
    NoScheme { found: String },
    #[error("`{}` URLs cannot be looked at, only https:// and http:// ones", short(.found))]
    Scheme { found: String },
    #[error("the URL carries a user name or password")]
    Credentials,
    #[error("the URL names no host")]
    NoHost,
    #[error("`{}` is no host name", short(.found))]
    Host { found: String },
    #[error("`{}` is no port: ports are the numbers from 1 to 65535", short(.found))]
    Port { found: String },
    #[error("a `.` or `..` between slashes never reaches a cache as written")]
    DotSegment,
}

impl BadWebUrl {
    /// The next step, one sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Credentials => {
                "remove what stands before `@`: nothing is probed with credentials"
            }
            Self::ControlCharacter => "paste it in one piece",
            Self::Host { .. } => {
                "write a name of other letters in its ASCII form, which begins with xn--"
            }
            Self::DotSegment => "give the URL without it, as a browser would send it",
            _ => "give one whole URL, such as https://media.example.com/a.jpg",
        }
    }
}

/// Foreign text, short and fit to be shown.
fn short(text: &str) -> String {
    clean(text).chars().take(60).collect()
}

impl DeliveryUrl {
    /// Reads any web address, which may come from a ticket (in quotes or brackets). A fragment is dropped; path and
    /// query stay as written but for what cannot be sent.
    ///
    /// # Errors
    /// The first thing that makes it none.
    pub fn of_web(raw: &str) -> Result<Self, BadWebUrl> {
        let text = as_pasted(raw);
        match text {
            "" => return Err(BadWebUrl::Empty),
            _ if text.len() > MAX_BYTES => return Err(BadWebUrl::TooLong { bytes: text.len() }),
            _ if text.chars().any(char::is_control) => return Err(BadWebUrl::ControlCharacter),
            _ => {}
        }
        let (https, rest) = scheme(text)?;
        let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(BadWebUrl::Credentials);
        }
        let authority = checked(authority, https)?;
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(wire_query(query).into_owned())),
            None => (target, None),
        };
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(BadWebUrl::DotSegment);
        }
        let path = if path.is_empty() { "/".to_owned() } else { wire_path(path).into_owned() };
        let written = DeliveryHost::Web { authority, path };
        Self::web(https, written, query).ok_or(BadWebUrl::ControlCharacter)
    }

    /// `None` where the address cannot be a name in the journal; it holds no control character, so it can.
    fn web(https: bool, host: DeliveryHost, query: Option<String>) -> Option<Self> {
        let mut url = Self {
            https,
            host,
            cloud_name: String::new(),
            form: PathForm::Plain,
            asset: AssetKey::image(PublicId::from_cloud("-").ok()?),
            signature: None,
            transformations: Vec::new(),
            version: None,
            extension: None,
            suffix: None,
            query,
            spelling: Spelling::default(),
        };
        // its name in lists and in the journal: without what grants access
        let name = secrets::masked(&url.canonical()).into_owned();
        url.asset = AssetKey::image(PublicId::from_cloud(&name).ok()?);
        Some(url)
    }

    /// Whether it is any web address, of which no cloud is known.
    #[must_use]
    pub const fn is_web(&self) -> bool {
        matches!(self.host, DeliveryHost::Web { .. })
    }
}

fn scheme(text: &str) -> Result<(bool, &str), BadWebUrl> {
    match text.split_once("://") {
        Some((scheme, rest)) if is_web(scheme) => Ok((scheme.len() == "https".len(), rest)),
        Some((scheme, _)) if is_scheme(scheme) => {
            Err(BadWebUrl::Scheme { found: scheme.to_owned() })
        }
        _ => match text.split_once(':') {
            Some((scheme @ ("data" | "file" | "mailto" | "javascript" | "blob"), _)) => {
                Err(BadWebUrl::Scheme { found: scheme.to_owned() })
            }
            _ => Err(BadWebUrl::NoScheme { found: text.to_owned() }),
        },
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// The authority in lower case, without the port that its scheme has anyway.
fn checked(authority: &str, https: bool) -> Result<String, BadWebUrl> {
    let authority = authority.to_ascii_lowercase();
    let bracket = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority[bracket..].rfind(':') {
        Some(at) => (&authority[..bracket + at], Some(&authority[bracket + at + 1..])),
        None => (authority.as_str(), None),
    };
    if host.is_empty() {
        return Err(BadWebUrl::NoHost);
    }
    if !is_host(host) {
        return Err(BadWebUrl::Host { found: host.to_owned() });
    }
    let Some(port) = port.filter(|port| !port.is_empty()) else { return Ok(host.to_owned()) };
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    let number = port.parse::<u16>().ok().filter(|number| digits && *number > 0);
    match number {
        Some(443) if https => Ok(host.to_owned()),
        Some(80) if !https => Ok(host.to_owned()),
        Some(number) => Ok(format!("{host}:{number}")),
        None => Err(BadWebUrl::Port { found: port.to_owned() }),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.len() <= MAX_HOST && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery_url::reference_path;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://Media.Example.com/a/b.jpg", "https://media.example.com/a/b.jpg")]
    #[case("<https://media.example.com:443/a.jpg>", "https://media.example.com/a.jpg")]
    #[case("http://media.example.com:80", "http://media.example.com/")]
    #[case("http://127.0.0.1:18082/a?x=1&y", "http://127.0.0.1:18082/a?x=1&y")]
    #[case("https://[::1]:8443/a", "https://[::1]:8443/a")]
    #[case("https://m.example/a b/é.jpg#part", "https://m.example/a%20b/%C3%A9.jpg")]
    #[case("HTTPS://m.example?x=y", "https://m.example/?x=y")]
    #[case("https://m.example/a%2Fb//c", "https://m.example/a%2Fb//c")]
    fn any_address_is_read_as_it_would_be_sent(#[case] raw: &str, #[case] expected: &str) {
        let url = DeliveryUrl::of_web(raw).unwrap();
        assert_eq!(url.canonical(), expected);
        assert!(url.is_web() && !url.is_restricted());
        assert_eq!(url.asset.to_string(), expected);
        assert_eq!(DeliveryUrl::of_web(expected).unwrap(), url);
    }

    #[rstest]
    #[case("", BadWebUrl::Empty)]
    #[case("press/hero", BadWebUrl::NoScheme { found: "press/hero".into() })]
    #[case("ftp://m.example/a", BadWebUrl::Scheme { found: "ftp".into() })]
    #[case("file:///etc/passwd", BadWebUrl::Scheme { found: "file".into() })]
    #[case("data:image/png;base64,AA", BadWebUrl::Scheme { found: "data".into() })]
    #[case("https://me:pw@m.example/a", BadWebUrl::Credentials)]
    #[case("https://m.example/a\u{7}b", BadWebUrl::ControlCharacter)]
    #[case("https:///a", BadWebUrl::NoHost)]
    #[case("https://:443/a", BadWebUrl::NoHost)]
    #[case("https://m.example:0/a", BadWebUrl::Port { found: "0".into() })]
    #[case("https://m.example:65536/a", BadWebUrl::Port { found: "65536".into() })]
    #[case("https://m.example:+80/a", BadWebUrl::Port { found: "+80".into() })]
    #[case("https://m..example/a", BadWebUrl::Host { found: "m..example".into() })]
    #[case("https://bücher.example/a", BadWebUrl::Host { found: "bücher.example".into() })]
    #[case("https://[::g]/a", BadWebUrl::Host { found: "[::g]".into() })]
    #[case("https://m.example/a/../b", BadWebUrl::DotSegment)]
    fn what_is_no_address_is_refused_in_words(#[case] raw: &str, #[case] bad: BadWebUrl) {
        assert_eq!(DeliveryUrl::of_web(raw), Err(bad.clone()));
        assert!(!bad.to_string().is_empty() && !bad.hint().is_empty());
    }

    #[test]
    fn an_address_has_an_end() {
        let long = format!("https://m.example/{}", "a".repeat(9000));
        assert_eq!(DeliveryUrl::of_web(&long), Err(BadWebUrl::TooLong { bytes: 9018 }));
    }

    #[rstest]
    #[case(
        "https://m.example/a.jpg?X-Amz-Signature=abc&w=1",
        "https://m.example/a.jpg?X-Amz-Signature=***&w=1"
    )]
    #[case("https://m.example/s--AbCd--/a.jpg", "https://m.example/s--***--/a.jpg")]
    #[case("https://m.example/exp=1~hmac=ab/a.jpg", "https://m.example/***/a.jpg")]
    fn what_grants_access_is_masked_and_kept_from_others(#[case] raw: &str, #[case] shown: &str) {
        let url = DeliveryUrl::of_web(raw).unwrap();
        assert_eq!(url.masked(), shown);
        assert_eq!(url.asset.public_id.as_str(), shown, "nor does it stand in lists");
        assert!(url.is_restricted() && url.canonical() == raw);
    }

    #[test]
    fn a_read_past_the_caches_asks_for_what_nobody_asked_for() {
        let read = |raw| reference_path(&DeliveryUrl::of_web(raw).unwrap(), 7, 0xab).path();
        assert_eq!(read("https://m.example/a.jpg"), "/a.jpg?allclear=00000000000000ab");
        assert_eq!(read("https://m.example/a?x=1"), "/a?x=1&allclear=00000000000000ab");
        assert_eq!(read("https://m.example/a?"), "/a?allclear=00000000000000ab");
    }

    #[test]
    fn the_journal_keeps_it_as_it_is() {
        let url = DeliveryUrl::of_web("http://m.example:8080/a%20b?x=1").unwrap();
        let kept = serde_json::to_string(&url).unwrap();
        assert_eq!(serde_json::from_str::<DeliveryUrl>(&kept).unwrap(), url);
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in "\\PC{0,80}", path in "\\PC{0,80}") {
            let _ = DeliveryUrl::of_web(&text);
            if let Ok(url) = DeliveryUrl::of_web(&format!("https://m.example/{path}")) {
                prop_assert!(url.path().is_ascii() && url.path().starts_with('/'));
                // a comma at its end would be taken for the sentence's
                let written = format!("{}#", url.canonical());
                prop_assert_eq!(DeliveryUrl::of_web(&written), Ok(url.clone()));
                prop_assert!(!url.masked().is_empty());
            }
        }
    }
}
