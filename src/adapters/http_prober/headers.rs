//! What the headers of a cache tell, vendor by vendor (facts: edges, "Cache-status headers").
//!
//! Small readers in tables, each blind to what it does not know; none panics, whatever a server sends.
//! They explain a sighting: nothing here decides whether a copy is old.

use std::borrow::Cow;
use std::time::Duration;

use hyper::HeaderMap;
use jiff::fmt::rfc2822;

use crate::domain::sighting::{Answer, CacheStatus, Etag};
use crate::domain::time::Timestamp;

/// Bytes of one header, all its lines together, that are looked at.
const MAX_VALUE: usize = 4096;
/// Longest pause that a cache can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// Everything that `headers` tell; `now` is the wall clock, for dates that mean "until then".
#[must_use]
pub fn answer(status: u16, headers: &HeaderMap, now: Timestamp) -> Answer {
    let headers = Headers(headers);
    let timing = headers.text("server-timing");
    let timing = timing.as_deref().unwrap_or_default();
    Answer {
        status,
        etag: headers.text("etag").and_then(|value| etag(&value)),
        last_modified: headers.short("last-modified"),
        total_length: headers.total_length(status),
        age: headers.text("age").and_then(|value| age(list(&value).next()?)),
        cache: first(CACHE_STATUS, &headers).unwrap_or_default(),
        pop: first(POP, &headers),
        error: headers.short("x-cld-error").or_else(|| quoted_after(timing, "cld-error;desc=")),
        varies_by_accept: headers
            .text("vary")
            .is_some_and(|value| list(&value).any(|name| name.eq_ignore_ascii_case("accept"))),
        created: number_after(timing, "crt=").and_then(|at| i64::try_from(at).ok()),
        original_bytes: number_after(timing, "obytes="),
        body_hash: None,
        retry_after: headers.text("retry-after").and_then(|value| retry_after(&value, now)),
        date: headers.short("date"),
        peer: None,
    }
}

/// Whether the body is as stored, so that its length and hash mean something.
pub(in crate::adapters) fn is_identity(headers: &HeaderMap) -> bool {
    Headers(headers)
        .text("content-encoding")
        .is_none_or(|value| list(&value).all(|coding| coding.eq_ignore_ascii_case("identity")))
}

/// Headers as text.
struct Headers<'a>(&'a HeaderMap);

impl<'a> Headers<'a> {
    /// All lines of a header, joined as one list; bytes that are no UTF-8 become `U+FFFD`.
    fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut lines = self.0.get_all(name).iter().map(hyper::header::HeaderValue::as_bytes);
        let first = bounded(lines.next()?);
        Some(lines.fold(first, |all, line| {
            if all.len() >= MAX_VALUE { all } else { format!("{all}, {}", bounded(line)).into() }
        }))
    }

    /// A header that is shown as it is.
    fn short(&self, name: &str) -> Option<String> {
        self.text(name).map(|text| text.chars().take(300).collect())
    }

    fn has(&self, name: &str, part: &str) -> bool {
        self.text(name).is_some_and(|text| text.to_ascii_lowercase().contains(part))
    }

    /// Length of the whole body, told by a 206 or a 200.
    fn total_length(&self, status: u16) -> Option<u64> {
        match status {
            _ if !is_identity(self.0) => None,
            206 => self.text("content-range")?.rsplit_once('/')?.1.trim().parse().ok(),
            200 => self.text("content-length")?.trim().parse().ok(),
            _ => None,
        }
    }
}

fn bounded(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&line[..line.len().min(MAX_VALUE)])
}

/// Members of a comma list, trimmed; commas in quotes are kept.
fn list(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    split_outside_quotes(text, ',').into_iter().map(str::trim).filter(|member| !member.is_empty())
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// One vendor's header: whose it is, its name, and what is read from its value.
type Reader<T> = (&'static str, &'static str, fn(&Headers<'_>, &str) -> Option<T>);

/// What the first reader says that knows its header's value.
fn first<T>(table: &[Reader<T>], headers: &Headers<'_>) -> Option<T> {
    table.iter().find_map(|(_, name, read)| read(headers, &headers.text(name)?))
}

/// Readers of the cache status: the edge's own word before that of a tier behind it, a header of one vendor's own
/// before one that many use.
const CACHE_STATUS: &[Reader<CacheStatus>] = &[
    ("Cloudflare", "cf-cache-status", |_, value| word(value.trim())),
    ("RFC 9211, Netlify", "cache-status", |_, value| rfc_9211(list(value).next_back()?)),
    ("Akamai", "akamai-cache-status", |_, value| first_word(list(value).next()?)),
    ("Fastly, CloudFront, Akamai, KeyCDN, Squid, Varnish, nginx", "x-cache", |_, value| {
        first_word(list(value).next_back()?)
    }),
    ("Bunny", "cdn-cache", |_, value| word(value.trim())),
    ("Vercel", "x-vercel-cache", |_, value| word(value.trim())),
    ("Google, by the operator's choice", "cdn-cache-status", |_, value| word(value.trim())),
    ("Google, by the operator's choice", "x-cdn-cache-status", |_, value| word(value.trim())),
    ("nginx and Google, by the operator's choice", "x-cache-status", |_, value| word(value.trim())),
    ("CloudFront, Akamai, Cloudinary", "server-timing", |_, value| server_timing(value)),
    ("Traffic Server", "via", |_, value| traffic_server(value)),
    ("Varnish", "x-varnish", |_, value| varnish(value)),
    // what it serves from its cache has an age, and nothing else has
    ("Google", "age", |headers, _| headers.has("via", "google").then_some(CacheStatus::Hit)),
];

fn first_word(member: &str) -> Option<CacheStatus> {
    word(member.split_whitespace().next()?)
}

/// A vendor's word for what the cache did.
fn word(token: &str) -> Option<CacheStatus> {
    use CacheStatus::{Bypass, Error, Hit, HitStale, Miss, Negative, Revalidated};
    const WORDS: &[(&str, CacheStatus)] = &[
        ("hit", Hit),
        ("tcp_hit", Hit),
        ("tcp_mem_hit", Hit),
        ("tcp_ims_hit", Hit),
        ("prerender", Hit),
        ("tcp_negative_hit", Negative),
        ("stale", HitStale),
        ("updating", HitStale),
        ("hitstale", HitStale),
        ("hit-stale", HitStale),
        ("tcp_refresh_fail_hit", HitStale),
        ("revalidated", Revalidated),
        ("refreshhit", Revalidated),
        ("refresh", Revalidated),
        ("tcp_refresh_hit", Revalidated),
        ("miss", Miss),
        ("expired", Miss),
        ("originshieldhit", Miss),
        ("tcp_miss", Miss),
        ("tcp_refresh_miss", Miss),
        ("tcp_expired_miss", Miss),
        ("bypass", Bypass),
        ("dynamic", Bypass),
        ("pass", Bypass),
        ("constructed", Bypass),
        ("redirect", Bypass),
        ("uncacheable", Bypass),
        ("disabled", Bypass),
        ("lambdageneratedresponse", Bypass),
        ("functiongeneratedresponse", Bypass),
        ("error", Error),
        ("tcp_denied", Error),
        ("tcp_cookie_deny", Error),
    ];
    let find = |token: &str| {
        WORDS.iter().find(|(word, _)| token.eq_ignore_ascii_case(word)).map(|(_, status)| *status)
    };
    find(token).or_else(|| find(token.split_once('-')?.0)) // `HIT-CLUSTER`
}

/// One member of `Cache-Status` (RFC 9211): the last one is the edge.
fn rfc_9211(member: &str) -> Option<CacheStatus> {
    let parameters = split_outside_quotes(member, ';');
    if parameters.len() == 1 {
        return word(member); // the name is older than the standard, and some give it a bare word
    }
    let value = |name: &str| {
        parameters.iter().skip(1).find_map(|parameter| {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, "?1"));
            key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    };
    if value("hit").is_some_and(|hit| hit != "?0") {
        let stale = value("ttl").is_some_and(|ttl| ttl.starts_with('-'))
            || value("detail").is_some_and(|detail| word(detail) == Some(CacheStatus::HitStale));
        return Some(if stale { CacheStatus::HitStale } else { CacheStatus::Hit });
    }
    Some(match (value("fwd")?, value("fwd-status")) {
        ("stale", Some("304")) => CacheStatus::Revalidated,
        ("bypass" | "method" | "request", _) => CacheStatus::Bypass,
        _ => CacheStatus::Miss,
    })
}

/// `Server-Timing` in the dialects seen. Found by pattern: one of them is no valid list.
fn server_timing(text: &str) -> Option<CacheStatus> {
    cloudinary_timing(text)
        .or_else(|| word(letters(after(text, "cdn-cache-")?)))
        .or_else(|| {
            word(letters(after(text, "cdn-cache; desc=").or(after(text, "cdn-cache;desc="))?))
        })
        .or_else(|| word(letters(after(text, "cache~'")?)))
}

/// `cld-<vendor>;…;desc=hit`; the metrics `cld-id` and `cld-error` are something else.
fn cloudinary_timing(text: &str) -> Option<CacheStatus> {
    let mut rest = text;
    loop {
        rest = after(rest, "cld-")?;
        if !matches!(letters(rest), "id" | "error" | "") {
            return word(letters(after(rest, "desc=")?.trim_start_matches('"')));
        }
    }
}

/// `… (ApacheTrafficServer/9.2.9 [cMsSfW])`: behind `c` stands what was looked up, behind `s` what the server said.
/// The last proxy named is the nearest to us.
fn traffic_server(via: &str) -> Option<CacheStatus> {
    let code = via.rsplit_once("TrafficServer")?.1.split_once('[')?.1.split(']').next()?;
    let behind =
        |letter| code.split_once(letter).and_then(|(_, rest): (&str, &str)| rest.chars().next());
    if !code.starts_with(['c', 'u']) {
        return None;
    }
    Some(match (behind('c')?, behind('s')) {
        ('H' | 'R', _) => CacheStatus::Hit,
        ('S', Some('N')) => CacheStatus::Revalidated,
        ('S', Some(' ') | None) => CacheStatus::HitStale,
        ('M' | 'A' | 'S', _) => CacheStatus::Miss,
        _ => return None,
    })
}

/// Two transaction numbers mean that the second one's copy was served.
fn varnish(text: &str) -> Option<CacheStatus> {
    let numbers = text.split_whitespace().take_while(|n| n.bytes().all(|b| b.is_ascii_digit()));
    match numbers.count() {
        1 => Some(CacheStatus::Miss),
        2 => Some(CacheStatus::Hit),
        _ => None,
    }
}

/// Readers of the code of the `PoP` that answered; of several caches in a row the nearest to us.
const POP: &[Reader<String>] = &[
    ("Cloudflare", "cf-ray", |_, value| pop_code(value.rsplit_once('-')?.1)),
    ("Fastly", "x-served-by", |_, value| pop_code(list(value).next_back()?.rsplit_once('-')?.1)),
    ("CloudFront", "x-amz-cf-pop", |_, value| pop_code(letters(value.trim()).get(..3)?)),
    ("Bunny", "server", |_, value| pop_code(after(value, "BunnyCDN-")?.split('-').next()?)),
    ("Vercel", "x-vercel-id", |_, value| pop_code(value.split_once("::")?.0)),
    ("KeyCDN", "x-edge-location", |headers, value| {
        headers.has("server", "keycdn").then(|| pop_code(value))?
    }),
    ("Google, by the operator's choice", "cdn-cache-id", |_, value| google_pop(value)),
    ("Google, by the operator's choice", "x-cdn-cache-id", |_, value| google_pop(value)),
    ("CloudFront", "server-timing", |_, value| {
        pop_code(letters(after(value, "cdn-pop;desc=")?.trim_start_matches('"')))
    }),
];

/// `SEA-1a2b3c4d`: the airport, and which cache there.
fn google_pop(value: &str) -> Option<String> {
    let (code, _) = value.trim().split_once('-')?;
    (code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic())).then(|| pop_code(code))?
}

/// A code that can be shown and compared: 2 to 8 letters and digits, upper case.
fn pop_code(code: &str) -> Option<String> {
    let code = code.trim();
    let fits = (2..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| code.to_ascii_uppercase())
}

/// An entity tag; what is no UTF-8, empty or over-long is none, so that it can equal nothing.
fn etag(value: &str) -> Option<Etag> {
    let value = value.trim();
    let (weak, quoted) = match value.strip_prefix("W/").or(value.strip_prefix("w/")) {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let tag = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    let fits = !tag.is_empty() && tag.len() <= 512 && !tag.contains(['"', '\u{fffd}']);
    fits.then(|| Etag { weak, tag: tag.to_owned() })
}

/// Whole seconds; what is too large to count is the largest that caches can tell (RFC 9111, section 1.2.2).
fn age(value: &str) -> Option<u64> {
    const LARGEST: u64 = 1 << 31;
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().map_or(LARGEST, |age: u64| age.min(LARGEST)))
}

/// Seconds, or the time until an HTTP date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let asked = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let until = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(until.duration_since(now)).unwrap_or_default()
    };
    Some(asked.min(MAX_RETRY_AFTER))
}

fn after<'a>(text: &'a str, pattern: &str) -> Option<&'a str> {
    Some(&text[text.find(pattern)? + pattern.len()..])
}

fn letters(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len())]
}

/// The number behind `name`, where `name` is not the end of a longer one (`crt=` is not `ocrt=`).
fn number_after(text: &str, name: &str) -> Option<u64> {
    let at = text.match_indices(name).map(|(at, _)| at).find(|at| {
        !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    })?;
    let digits = &text[at + name.len()..];
    digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
}

/// The quoted text behind `name`, escapes undone.
fn quoted_after(text: &str, name: &str) -> Option<String> {
    let mut chars = after(text, name)?.strip_prefix('"')?.chars();
    let mut read = String::new();
    loop {
        match chars.next() {
            None | Some('"') => return Some(read).filter(|read| !read.is_empty()),
            Some('\\') => read.extend(chars.next()),
            Some(c) if read.len() < 300 => read.push(c),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;
    use rstest::rstest;

    fn read(status: u16, lines: &[(&str, &str)]) -> Answer {
        let headers: HeaderMap = lines
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                )
            })
            .collect();
        answer(status, &headers, "2026-01-01T00:00:00Z".parse().unwrap())
    }

    const FASTLY_HIT: &str =
        "cld-fastly;dur=2;cpu=1;start=2026-01-01T00:00:00.123Z;desc=hit,rtt;dur=31";
    const FASTLY_MISS: &str = r#"cld-fastly;mitm=f;dur=124;start=2026-01-01T00:00:00.123Z;desc=miss,rtt;dur=0,content-info;desc="width=600,height=400,bytes=40311,format=\"jpg\",owidth=1600,oheight=900,obytes=184233,oformat=\"jpg\",ocrt=1767225600,crt=1767225700,ef=(1)",cloudinary;dur=89;start=2026"#;
    const AKAMAI: &str = r#"cld-akam;dur=46;start=2026-01-01T00:00:00.123Z;desc=miss,rtt;dur=69,content-info;desc="obytes=5,crt=7",cloudinary;dur=86,cld-id;desc=abc,transformation;dur=124"#;
    const CLOUDFLARE: &str = r#"cld-cloudflare;dur=8;start=2026-01-01T00:00:00.123Z;desc=hit,rtt;dur=77,content-info;desc="format="jpg",obytes=184233,crt=1767225700";cloudinary;dur=3"#;
    const ERROR: &str = r#"cld-id;desc=hit,cld-fastly;dur=1;desc=miss,rtt;dur=3,cld-error;desc="Resource not found - press/\"kit\"""#;

    use CacheStatus::{Bypass, Error, Hit, HitStale, Miss, Negative, Revalidated, Unknown};

    #[rstest]
    #[case::cloudflare("cf-cache-status", "HIT", Hit)]
    #[case::cloudflare("CF-Cache-Status", "EXPIRED", Miss)]
    #[case::cloudflare("cf-cache-status", "UPDATING", HitStale)]
    #[case::cloudflare("cf-cache-status", "DYNAMIC", Bypass)]
    #[case::cloudflare("cf-cache-status", "NONE/UNKNOWN", Unknown)]
    #[case::fastly("x-cache", "HIT, MISS", Miss)]
    #[case::fastly("x-cache", "MISS, HIT", Hit)]
    #[case::fastly("x-cache", "MISS, HIT-CLUSTER", Hit)]
    #[case::cloudfront("x-cache", "Hit from cloudfront", Hit)]
    #[case::cloudfront("x-cache", "RefreshHit from cloudfront", Revalidated)]
    #[case::cloudfront("x-cache", "OriginShieldHit from cloudfront", Miss)]
    #[case::cloudfront("x-cache", "Error from cloudfront", Error)]
    #[case::cloudfront("x-cache", "LambdaGeneratedResponse from cloudfront", Bypass)]
    #[case::akamai(
        "x-cache",
        "TCP_MEM_HIT from a1-2-3-4.deploy.akamaitechnologies.com (AkamaiGHost/1.2) (-)",
        Hit
    )]
    #[case::akamai("x-cache", "TCP_REFRESH_FAIL_HIT from a1", HitStale)]
    #[case::akamai("x-cache", "TCP_NEGATIVE_HIT from a1", Negative)]
    #[case::akamai("x-cache", "TCP_COOKIE_DENY from a1", Error)]
    #[case::akamai("akamai-cache-status", "Hit from child, Miss from parent", Hit)]
    #[case::akamai("akamai-cache-status", "RefreshHit from child", Revalidated)]
    #[case::rfc_9211("cache-status", "origin-shield; hit, edge-a; fwd=uri-miss; stored", Miss)]
    #[case::rfc_9211("cache-status", "edge-a; hit; ttl=30", Hit)]
    #[case::rfc_9211("cache-status", "edge-a; hit; ttl=-3", HitStale)]
    #[case::rfc_9211("cache-status", "edge-b; hit; detail=UPDATING", HitStale)]
    #[case::rfc_9211("cache-status", "edge-a; fwd=stale; fwd-status=304", Revalidated)]
    #[case::rfc_9211("cache-status", "edge-a; fwd=request; stored", Bypass)]
    #[case::rfc_9211("cache-status", "\"a, b; hit\"; fwd=miss", Miss)]
    #[case::rfc_9211("cache-status", "edge-a; hit=?0; fwd=bypass", Bypass)]
    #[case::rfc_9211("cache-status", "edge-a", Unknown)]
    #[case::nginx("x-cache", "STALE", HitStale)]
    #[case::nginx("x-cache", "REVALIDATED", Revalidated)]
    #[case::squid("x-cache", "MISS from proxy.example", Miss)]
    #[case::bunny("cdn-cache", "BYPASS", Bypass)]
    #[case::vercel("x-vercel-cache", "PRERENDER", Hit)]
    #[case::varnish("x-varnish", "32770 3", Hit)]
    #[case::varnish("x-varnish", "32770", Miss)]
    #[case::varnish("x-varnish", "soon", Unknown)]
    #[case::traffic_server("via", "http/1.1 edge (ApacheTrafficServer/9.2.9 [cMsSfW])", Miss)]
    #[case::traffic_server("via", "http/1.1 edge (ApacheTrafficServer/9.2.9 [cHs f ])", Hit)]
    #[case::traffic_server("via", "http/1.1 edge (ApacheTrafficServer/9.2.9 [cRs f ])", Hit)]
    #[case::traffic_server(
        "via",
        "http/1.1 edge (ApacheTrafficServer/9.2.9 [cSsNfU])",
        Revalidated
    )]
    #[case::traffic_server("via", "http/1.1 edge (ApacheTrafficServer/9.2.9 [cSsSfU])", Miss)]
    #[case::traffic_server("via", "http/1.1 edge (ApacheTrafficServer/9.2.9 [cSs f ])", HitStale)]
    #[case::traffic_server(
        "via",
        "1.1 a, http/1.1 b (ApacheTrafficServer/9.2.9 [uScMsSf pSeN:t cCMi p sS])",
        Miss
    )]
    #[case::traffic_server("via", "http/1.1 edge (ApacheTrafficServer/9.2.9 [c", Unknown)]
    #[case::traffic_server("via", "1.1 edge [cH]", Unknown)]
    #[case::cloudinary("server-timing", FASTLY_HIT, Hit)]
    #[case::cloudinary("server-timing", FASTLY_MISS, Miss)]
    #[case::cloudinary("server-timing", AKAMAI, Miss)]
    #[case::cloudinary("server-timing", CLOUDFLARE, Hit)]
    #[case::cloudinary("server-timing", ERROR, Miss)]
    #[case::older("server-timing", "akam;dur=3;desc=\"~(cache~'hit~rtt~6)\"", Hit)]
    #[case::cloudfront_timing("server-timing", "cdn-cache-miss,cdn-pop;desc=\"FRA56\"", Miss)]
    #[case::akamai_timing("server-timing", "cdn-cache; desc=HIT, edge; dur=1", Hit)]
    #[case::cloudfront_timing(
        "server-timing",
        "cdn-cache-refresh,cdn-hit-layer;desc=\"EDGE\"",
        Revalidated
    )]
    #[case::google("cdn-cache-status", "hit", Hit)]
    #[case::google("x-cache-status", "disabled", Bypass)]
    #[case::google("x-cdn-cache-status", "uncacheable", Bypass)]
    #[case::nginx_named_so("x-cache-status", "EXPIRED", Miss)]
    #[case::bare_word("cache-status", "HIT", Hit)]
    #[case::netlify("cache-status", "\"Netlify Durable\"; fwd=bypass, \"Netlify Edge\"; hit", Hit)]
    #[case::keycdn("x-cache", "UPDATING", HitStale)]
    #[case::vercel("x-vercel-cache", "STALE", HitStale)]
    #[case::traffic_server(
        "via",
        "1.1 o, http/1.1 a (ApacheTrafficServer/9 [uScRs f p eN:t cCHi p s ])",
        Hit
    )]
    #[case::traffic_server("via", "http/1.1 a (ApacheTrafficServer/9 [])", Unknown)]
    #[case::not_traffic_server("via", "1.1 [::1]", Unknown)]
    #[case::unknown("x-cache", "PURPLE", Unknown)]
    #[case::empty("x-cache", "", Unknown)]
    fn cache_status(#[case] name: &str, #[case] value: &str, #[case] expected: CacheStatus) {
        assert_eq!(read(200, &[(name, value)]).cache, expected);
    }

    #[test]
    fn an_unknown_word_leaves_the_field_to_the_next_reader() {
        let lines = [("cf-cache-status", "NEWFANGLED"), ("server-timing", FASTLY_HIT)];
        assert_eq!(read(200, &lines).cache, Hit);
    }

    #[rstest]
    #[case("cf-ray", "8a1b2c3d4e5f6071-FRA", Some("FRA"))]
    #[case("x-served-by", "cache-iad1-IAD, cache-nrt1001-NRT", Some("NRT"))]
    #[case("x-amz-cf-pop", "FRA56-P5", Some("FRA"))]
    #[case("server", "BunnyCDN-DE1-1092", Some("DE1"))]
    #[case("x-vercel-id", "fra1::abc-123", Some("FRA1"))]
    #[case("server-timing", "cdn-cache-hit,cdn-pop;desc=\"FRA\"", Some("FRA"))]
    #[case("cdn-cache-id", "SEA-1a2b3c4d", Some("SEA"))]
    #[case("x-cdn-cache-id", "sea-1a2b", Some("SEA"))]
    #[case("cdn-cache-id", "1a2b3c4d", None)]
    #[case("x-vercel-id", "cdg1::iad1::x9-1", Some("CDG1"))]
    #[case("cf-ray", "8a1b", None)]
    #[case("cf-ray", "8a1b-\u{e9}\u{e9}", None)]
    #[case("x-served-by", "cache-a-waytoolongcode", None)]
    #[case("x-amz-cf-pop", "F", None)]
    fn pop(#[case] name: &str, #[case] value: &str, #[case] expected: Option<&str>) {
        assert_eq!(read(200, &[(name, value)]).pop.as_deref(), expected);
    }

    #[rstest]
    #[case("\"9e10\"", Some((false, "9e10")))]
    #[case("W/\"9e10\"", Some((true, "9e10")))]
    #[case("9e10", Some((false, "9e10")))]
    #[case("\"\"", None)]
    #[case("\"a\", \"b\"", None)]
    #[case("\u{fffd}", None)]
    fn entity_tags(#[case] value: &str, #[case] expected: Option<(bool, &str)>) {
        let read = read(200, &[("etag", value)]).etag;
        assert_eq!(read.as_ref().map(|etag| (etag.weak, etag.tag.as_str())), expected);
    }

    #[rstest]
    #[case(206, &[("content-range", "bytes 0-0/184233"), ("content-length", "1")], Some(184_233))]
    #[case(206, &[("content-range", "bytes 0-0/*"), ("content-length", "1")], None)]
    #[case(206, &[("content-length", "1")], None)]
    #[case(206, &[("content-range", "bytes 0-0/900"), ("content-encoding", "gzip")], None)]
    #[case(200, &[("content-length", "184233")], Some(184_233))]
    #[case(200, &[("content-length", "900"), ("content-encoding", "gzip")], None)]
    #[case(404, &[("content-length", "0")], None)]
    #[case(200, &[("content-length", "lots")], None)]
    fn total_length(
        #[case] status: u16,
        #[case] lines: &[(&str, &str)],
        #[case] expected: Option<u64>,
    ) {
        assert_eq!(read(status, lines).total_length, expected);
    }

    #[rstest]
    #[case("120", Some(120))]
    #[case("999999", Some(3600))]
    #[case("Thu, 01 Jan 2026 00:10:00 GMT", Some(600))]
    #[case("Wed, 31 Dec 2025 00:10:00 GMT", Some(0))]
    #[case("Fri, 01 Jan 2027 00:00:00 GMT", Some(3600))]
    #[case("soon", None)]
    #[case("-5", None)]
    fn retry_after_is_bounded(#[case] value: &str, #[case] seconds: Option<u64>) {
        assert_eq!(
            read(503, &[("retry-after", value)]).retry_after,
            seconds.map(Duration::from_secs)
        );
    }

    #[rstest]
    #[case(FASTLY_MISS, Some(1_767_225_700), Some(184_233))]
    #[case(AKAMAI, Some(7), Some(5))]
    #[case(CLOUDFLARE, Some(1_767_225_700), Some(184_233))]
    #[case(FASTLY_HIT, None, None)]
    #[case("content-info;desc=\"ocrt=9,crt=x,obytes=\"", None, None)]
    fn content_info(
        #[case] timing: &str,
        #[case] created: Option<i64>,
        #[case] original_bytes: Option<u64>,
    ) {
        let read = read(200, &[("server-timing", timing)]);
        assert_eq!((read.created, read.original_bytes), (created, original_bytes));
    }

    #[test]
    fn the_reason_of_a_failed_delivery_comes_from_either_header() {
        let plain =
            read(404, &[("x-cld-error", "Resource not found - a"), ("server-timing", ERROR)]);
        assert_eq!(plain.error.as_deref(), Some("Resource not found - a"));
        let timing = read(404, &[("server-timing", ERROR)]);
        assert_eq!(timing.error.as_deref(), Some("Resource not found - press/\"kit\""));
    }

    #[rstest]
    #[case(&[("vary", "Save-Data, accept")], true)]
    #[case(&[("vary", "Origin"), ("vary", "Accept,User-Agent")], true)]
    #[case(&[("vary", "Accept-Encoding")], false)]
    #[case(&[], false)]
    fn vary(#[case] lines: &[(&str, &str)], #[case] expected: bool) {
        assert_eq!(read(200, lines).varies_by_accept, expected);
    }

    #[rstest]
    #[case("412", Some(412))]
    #[case("412, 9", Some(412))]
    #[case("-1", None)]
    #[case("1.5", None)]
    #[case("", None)]
    #[case("18446744073709551615", Some(1 << 31))]
    #[case("99999999999999999999999", Some(1 << 31))]
    fn age(#[case] value: &str, #[case] expected: Option<u64>) {
        assert_eq!(read(200, &[("age", value)]).age, expected);
    }

    #[test]
    fn age_tells_what_a_google_cache_served_and_nothing_of_others() {
        let age = ("age", "3");
        assert_eq!(read(200, &[("via", "1.1 google"), age]).cache, Hit);
        assert_eq!(read(200, &[("via", "1.1 google")]).cache, Unknown);
        assert_eq!(read(200, &[age]).cache, Unknown);
    }

    #[test]
    fn a_keycdn_location_is_one_only_at_keycdn() {
        let edge = ("x-edge-location", "defr");
        assert_eq!(read(200, &[("server", "keycdn-engine"), edge]).pop.as_deref(), Some("DEFR"));
        assert_eq!(read(200, &[edge]).pop, None);
    }

    #[test]
    fn a_header_that_one_reader_does_not_know_is_left_to_the_next() {
        let lines = [("x-amz-cf-pop", "?"), ("x-served-by", "cache-fra1-FRA")];
        assert_eq!(read(200, &lines).pop.as_deref(), Some("FRA"));
    }

    /// Every header that is looked at.
    fn names() -> Vec<&'static str> {
        const OTHERS: &[&str] = &[
            "etag",
            "last-modified",
            "vary",
            "retry-after",
            "content-range",
            "content-length",
            "x-cld-error",
            "content-encoding",
            "date",
        ];
        let cache = CACHE_STATUS.iter().map(|(_, name, _)| *name);
        let pop = POP.iter().map(|(_, name, _)| *name);
        cache.chain(pop).chain(OTHERS.iter().copied()).collect()
    }

    /// Bytes of everything that an answer keeps.
    fn kept(answer: &Answer) -> usize {
        let texts = [&answer.last_modified, &answer.error, &answer.date, &answer.pop];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        texts + answer.etag.as_ref().map_or(0, |etag| etag.tag.len())
    }

    #[test]
    fn a_value_of_a_megabyte_is_read_as_far_as_it_makes_sense() {
        const MEGABYTE: usize = 1 << 20;
        let patterns = [
            "a",
            "\u{e9}",
            "\"",
            ",",
            ";",
            "-",
            "[c",
            "HIT, ",
            "cld-",
            "cld-x;desc=",
            "crt=1",
            "\\\"",
            "cld-error;desc=\"x",
            "=",
            "::",
            "s--",
            "%",
            "1",
            " ",
        ];
        for name in names() {
            for pattern in patterns {
                let value = pattern.repeat(MEGABYTE / pattern.len());
                let mut headers = HeaderMap::new();
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(name.parse::<HeaderName>().unwrap(), value.clone());
                headers.append(name.parse::<HeaderName>().unwrap(), value);
                let read = answer(200, &headers, Timestamp::UNIX_EPOCH);
                assert!(kept(&read) < 8 * 1024, "{name} of {pattern:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_sends_makes_a_reader_panic(
            status in 100_u16..600,
            lines in prop::collection::vec(
                (prop::sample::select(names()), prop::collection::vec(any::<u8>(), 0..200)),
                0..30,
            ),
            near in prop::collection::vec(
                (prop::sample::select(names()), r#"(cld-|desc=|hit|"|\\|,|;|/|-|crt=|W/|[0-9]{1,25}|é|~'){0,12}"#),
                0..10,
            ),
        ) {
            let mut headers = HeaderMap::new();
            let near = near.into_iter().map(|(name, value)| (name, value.into_bytes()));
            for (name, value) in lines.into_iter().chain(near) {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(name.parse::<HeaderName>().unwrap(), value);
                }
            }
            let read = answer(status, &headers, Timestamp::UNIX_EPOCH);
            prop_assert!(read.retry_after.is_none_or(|pause| pause <= MAX_RETRY_AFTER));
            prop_assert!(read.pop.is_none_or(|pop| pop.is_ascii()));
        }
    }
}
