//! From text, as pasted or as requested, to delivery URLs.

use std::borrow::Cow;

use super::escape::{wire_path, wire_query};
use super::host::{Authority, classify, classify_at_server};
use super::path::{Tail, read_tail};
use super::{DeliveryHost, DeliveryUrl, escape::BadEscape};
use crate::domain::account::Account;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::BadPublicId;
use crate::domain::text::clean;

/// Longer texts are no URLs that any cache would take.
pub(super) const MAX_BYTES: usize = 8 * 1024;

/// Why a text is no delivery URL of the account, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDeliveryUrl {
    #[error("there is no URL; paste one that begins with https://res.cloudinary.com/")]
    Empty,
    #[error("this text is too long for a URL ({bytes} bytes, at most {MAX_BYTES}); paste one URL")]
    TooLong { bytes: usize },
    #[error("the URL contains a line break or another control character; paste it in one piece")]
    ControlCharacter,
    #[error("`{}` is no web address; delivery URLs begin with https:// or http://", clean(.found))]
    Scheme { found: String },
    #[error("the URL carries a user name or password; remove what stands before `@`")]
    Credentials,
    #[error(
        "this URL belongs to the cloud `{}`, this profile to `{}`; use the profile of `{}`",
        clean(.found), clean(.expected), clean(.found)
    )]
    OtherCloud { found: String, expected: String },
    #[error(
        "`{}` delivers nothing of `{}` as far as this profile knows; if it is your own host name, add it to the profile's `hosts`",
        clean(.host), clean(.cloud)
    )]
    ForeignHost { host: String, cloud: String },
    #[error(
        "`{}` is neither an edge nor the origin of this local cloud, which may have been started anew; `allclear places` lists its addresses",
        clean(.authority)
    )]
    NotAnEdge { authority: String },
    #[error(
        "`{}` is a page or an API of the service and delivers no assets; copy the asset's own link, which begins with https://res.cloudinary.com/",
        clean(.host)
    )]
    NoDeliveryHost { host: String },
    #[error("the cloud's name is missing from the path; it stands right after the host")]
    NoCloudName,
    #[error(
        "`{}` is no resource type; after the cloud's name comes image, video or raw", clean(.found)
    )]
    ResourceType { found: String },
    #[error(
        "`{}` is no delivery type that is known here; after {resource_type} comes upload, private, authenticated or fetch",
        clean(.found)
    )]
    DeliveryType { resource_type: ResourceType, found: String },
    #[error("the URL names no asset: the path ends before a public ID")]
    NoPublicId,
    #[error(
        "a fetch URL ends with the address of the remote file, beginning with http:// or https://"
    )]
    NoRemoteUrl,
    #[error("the URL is not percent-escaped UTF-8; copy it from the address bar once more")]
    Escape,
    #[error(
        "a `.` or `..` between slashes never reaches the cache as written; give the URL without it"
    )]
    DotSegment,
    #[error("the URL holds no valid public ID: {0}")]
    PublicId(#[from] BadPublicId),
}

impl From<BadEscape> for BadDeliveryUrl {
    fn from(BadEscape: BadEscape) -> Self {
        Self::Escape
    }
}

impl DeliveryUrl {
    /// The likeliest reading of `raw`, which may come from a ticket: without scheme, in quotes or brackets.
    ///
    /// # Errors
    /// The first thing that makes it no delivery URL of `account`.
    pub fn parse(raw: &str, account: &Account) -> Result<Self, BadDeliveryUrl> {
        first(Self::parse_all(raw, account)?)
    }

    /// The reading of `raw` that names `asset`, else the likeliest: for URLs whose asset is known, as journals and
    /// replies hold them. Gives back every [`DeliveryUrl::canonical`] text as it was.
    ///
    /// # Errors
    /// As [`DeliveryUrl::parse`].
    pub fn parse_as(
        raw: &str,
        account: &Account,
        asset: &AssetKey,
    ) -> Result<Self, BadDeliveryUrl> {
        let mut readings = Self::read_exactly(raw.trim(), account)?;
        let named = readings.iter().position(|url| url.asset == *asset).unwrap_or(0);
        first(readings.split_off(named.min(readings.len())))
    }

    /// Every reading of `raw`, best first, never empty: `a_b/c` is the asset `c` turned by `b`, or the asset `a_b/c`.
    ///
    /// # Errors
    /// As [`DeliveryUrl::parse`].
    pub fn parse_all(raw: &str, account: &Account) -> Result<Vec<Self>, BadDeliveryUrl> {
        Self::read_exactly(as_pasted(raw), account)
    }

    fn read_exactly(text: &str, account: &Account) -> Result<Vec<Self>, BadDeliveryUrl> {
        check_text(text)?;
        let (https, rest) = split_scheme(text)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(BadDeliveryUrl::Credentials);
        }
        let request = Request::split(target);
        let (front, skipped) = front(&authority.to_ascii_lowercase(), https, &request, account)?;
        request.readings(&front, skipped)
    }

    /// The likeliest reading of a request's path and query, `/demo/image/upload/…`, on the shared host.
    ///
    /// # Errors
    /// [`BadDeliveryUrl::OtherCloud`] where `cloud_name` is another, else what makes it no delivery path.
    pub fn parse_path(
        path_and_query: &str,
        cloud_name: Option<&str>,
    ) -> Result<Self, BadDeliveryUrl> {
        first(Self::readings(path_and_query, cloud_name)?)
    }

    /// Every reading of a request's path and query, best first, never empty: a server looks each up in storage.
    ///
    /// # Errors
    /// As [`DeliveryUrl::parse_path`].
    pub fn readings(
        path_and_query: &str,
        cloud_name: Option<&str>,
    ) -> Result<Vec<Self>, BadDeliveryUrl> {
        check_text(path_and_query)?;
        let request = Request::split(path_and_query);
        let found = request.cloud_segment()?;
        let expected = cloud_name.unwrap_or(found);
        let front = Front { https: true, host: DeliveryHost::Shared, cloud_name: expected };
        request.demand_cloud(expected)?;
        request.readings(&front, 1)
    }

    /// Whether `raw` is meant as a URL rather than as a public ID.
    #[must_use]
    pub fn looks_like_url(raw: &str, account: &Account) -> bool {
        let text = as_pasted(raw);
        let end = text.find('/').unwrap_or(text.len());
        let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| is_web(scheme));
        has_scheme
            || text.starts_with("//")
            || (end < text.len() && super::is_delivery_authority(&text[..end], account))
    }
}

fn first(readings: Vec<DeliveryUrl>) -> Result<DeliveryUrl, BadDeliveryUrl> {
    readings.into_iter().next().ok_or(BadDeliveryUrl::NoPublicId)
}

/// Marks around a URL that stand raw in none.
const MARKS: [char; 11] = ['<', '>', '"', '`', '“', '”', '‘', '’', '«', '»', '\u{feff}'];

/// Marks that can stand in a URL: removed as a pair or not at all.
const PAIRS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('\'', '\'')];

/// The URL in a piece of a ticket or a mail.
pub(super) fn as_pasted(raw: &str) -> &str {
    unwrapped(unwrapped(raw).trim_end_matches([',', ';']))
}

/// `raw` without what surrounds a URL.
fn unwrapped(raw: &str) -> &str {
    let text = without_marks(raw);
    let inner = PAIRS.iter().find_map(|pair| text.strip_prefix(pair.0)?.strip_suffix(pair.1));
    inner.map_or(text, without_marks)
}

fn without_marks(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || MARKS.contains(&c))
}

fn check_text(text: &str) -> Result<(), BadDeliveryUrl> {
    match text {
        "" => Err(BadDeliveryUrl::Empty),
        _ if text.len() > MAX_BYTES => Err(BadDeliveryUrl::TooLong { bytes: text.len() }),
        _ if text.chars().any(char::is_control) => Err(BadDeliveryUrl::ControlCharacter),
        _ => Ok(()),
    }
}

pub(super) fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// Whether the URL is https, which it is without a word, and what follows the slashes.
fn split_scheme(text: &str) -> Result<(bool, &str), BadDeliveryUrl> {
    if let Some(rest) = text.strip_prefix("//") {
        return Ok((true, rest));
    }
    match text.split_once("://") {
        Some((scheme, rest)) if is_web(scheme) => Ok((scheme.len() == "https".len(), rest)),
        // A path may hold `://` too: that of a remote file.
        Some((scheme, _)) if !scheme.contains('/') => {
            Err(BadDeliveryUrl::Scheme { found: scheme.to_owned() })
        }
        _ => Ok((true, text)),
    }
}

/// What stands before the path's first own segment.
struct Front<'a> {
    https: bool,
    host: DeliveryHost,
    cloud_name: &'a str,
}

/// A path in segments, and its query, as they would be sent.
struct Request {
    segments: Vec<String>,
    query: Option<String>,
}

impl Request {
    fn split(target: &str) -> Self {
        let sent = target.split('#').next().unwrap_or_default();
        let (path, query) = match sent.split_once('?') {
            Some((path, query)) => (path, Some(wire_query(query).into_owned())),
            None => (sent, None),
        };
        let path = wire_path(path);
        let segments = path.strip_prefix('/').unwrap_or(&path).split('/').map(str::to_owned);
        Self { segments: segments.collect(), query }
    }

    fn cloud_segment(&self) -> Result<&str, BadDeliveryUrl> {
        self.segments
            .first()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .ok_or(BadDeliveryUrl::NoCloudName)
    }

    /// Demands that the path begins with `expected`.
    fn demand_cloud(&self, expected: &str) -> Result<(), BadDeliveryUrl> {
        match self.cloud_segment()? {
            found if found == expected => Ok(()),
            _ if names_types(&self.segments) => Err(BadDeliveryUrl::NoCloudName),
            found => Err(BadDeliveryUrl::OtherCloud {
                found: found.to_owned(),
                expected: expected.to_owned(),
            }),
        }
    }

    /// The readings of the segments after the first `skipped`.
    fn readings(
        &self,
        front: &Front<'_>,
        skipped: usize,
    ) -> Result<Vec<DeliveryUrl>, BadDeliveryUrl> {
        let own: Vec<&str> = self.segments.iter().skip(skipped).map(String::as_str).collect();
        let urls = read_tail(&own)?.into_iter().map(|tail| front.url(tail, self.query.clone()));
        Ok(urls.collect())
    }
}

impl Front<'_> {
    fn url(&self, tail: Tail, query: Option<String>) -> DeliveryUrl {
        DeliveryUrl {
            https: self.https,
            host: self.host.clone(),
            cloud_name: self.cloud_name.to_owned(),
            form: tail.form,
            asset: tail.asset,
            signature: tail.signature,
            transformations: tail.transformations,
            version: tail.version,
            extension: tail.extension,
            suffix: tail.suffix,
            query,
            spelling: tail.spelling,
        }
    }
}

/// The path and query at the shared host that a server reads where `target` is asked for under `host` (a `Host`
/// header): with the cloud's name in front where the host names the cloud. A path that names another cloud stays as
/// it is, and whoever reads it refuses it.
#[must_use]
pub fn shared_target<'t>(host: &str, target: &'t str, cloud_name: &str) -> Cow<'t, str> {
    match classify_at_server(host) {
        Authority::CloudInPath(_) | Authority::Foreign => target.into(),
        // names are kept as the path would write them: only the case of a host means nothing
        Authority::CloudInHost { cloud, .. } if cloud.eq_ignore_ascii_case(cloud_name) => {
            format!("/{cloud_name}{target}").into()
        }
        Authority::CloudInHost { cloud, .. } => format!("/{cloud}{target}").into(),
        Authority::Own(_) => match own_has_cloud(&Request::split(target), cloud_name) {
            Ok(false) => format!("/{cloud_name}{target}").into(),
            Ok(true) | Err(_) => target.into(),
        },
    }
}

/// Whether the path begins with a resource type and a delivery type.
fn names_types(segments: &[String]) -> bool {
    matches!(segments, [resource_type, delivery_type, ..]
        if resource_type.parse::<ResourceType>().is_ok()
            && delivery_type.parse::<DeliveryType>().is_ok())
}

/// What `authority` stands for, and how many segments of the path belong to it.
fn front<'a>(
    authority: &str,
    https: bool,
    request: &Request,
    account: &'a Account,
) -> Result<(Front<'a>, usize), BadDeliveryUrl> {
    let cloud_name = account.cloud_name.as_str();
    match classify(authority, account) {
        Authority::CloudInPath(host) => {
            request.demand_cloud(cloud_name)?;
            // A local cloud keys on neither scheme nor host: one URL, however it was reached.
            let https = https || (account.local.is_some() && host == DeliveryHost::Shared);
            Ok((Front { https, host, cloud_name }, 1))
        }
        Authority::CloudInHost { cloud, host } => {
            if !cloud.eq_ignore_ascii_case(cloud_name) {
                let expected = cloud_name.to_owned();
                return Err(BadDeliveryUrl::OtherCloud { found: cloud, expected });
            }
            Ok((Front { https, host, cloud_name }, 0))
        }
        Authority::Own(host) => {
            let cloud_in_path = own_has_cloud(request, cloud_name)?;
            let host = DeliveryHost::Custom { host, cloud_in_path };
            Ok((Front { https, host, cloud_name }, usize::from(cloud_in_path)))
        }
        Authority::Foreign => Err(foreign(authority, account)),
    }
}

/// Whether the path on an own host begins with the cloud's name; another cloud's name is an error.
fn own_has_cloud(request: &Request, cloud_name: &str) -> Result<bool, BadDeliveryUrl> {
    match request.segments.as_slice() {
        [first, _, ..] if first == cloud_name => Ok(true),
        [first, rest @ ..] if !names_types(&request.segments) && names_types(rest) => {
            Err(BadDeliveryUrl::OtherCloud {
                found: first.clone(),
                expected: cloud_name.to_owned(),
            })
        }
        _ => Ok(false),
    }
}

fn foreign(authority: &str, account: &Account) -> BadDeliveryUrl {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let loops_back = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    if account.local.is_some() && loops_back {
        BadDeliveryUrl::NotAnEdge { authority: authority.to_owned() }
    } else if host == "cloudinary.com" || host.ends_with(".cloudinary.com") {
        BadDeliveryUrl::NoDeliveryHost { host: host.to_owned() }
    } else {
        BadDeliveryUrl::ForeignHost {
            host: authority.to_owned(),
            cloud: account.cloud_name.clone(),
        }
    }
}
