//! Response headers of delivery, in the dialects of three vendors (facts §5.1, §5.2).

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::domain::asset::ResourceType;
use crate::domain::time::Timestamp;
use crate::local_cloud::chance::{Chance, hash_text};
use crate::local_cloud::content::{Content, Format};
use crate::local_cloud::pops::Pop;
use crate::local_cloud::world::origin::Answer;
use crate::local_cloud::world::{CacheState, Served, ShieldSeen};

/// `Sun, 06 Nov 1994 08:49:37 GMT`. Written by hand: every answer has some, and a format that is read each time
/// costs more than the rest of its headers.
pub fn http_date(unix: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let at = civil(unix);
    let day = DAYS[usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or(0)];
    let month = MONTHS[usize::try_from(at.month() - 1).unwrap_or(0)];
    let mut text = String::with_capacity(29);
    text.push_str(day);
    text.push_str(", ");
    push_two(&mut text, at.day());
    text.push(' ');
    text.push_str(month);
    text.push(' ');
    push_year(&mut text, at.year());
    text.push(' ');
    push_time(&mut text, at);
    text.push_str(" GMT");
    text
}

/// `1994-11-06T08:49:37.000Z`.
fn start_of(unix: i64) -> String {
    let at = civil(unix);
    let mut text = String::with_capacity(24);
    push_year(&mut text, at.year());
    text.push('-');
    push_two(&mut text, at.month());
    text.push('-');
    push_two(&mut text, at.day());
    text.push('T');
    push_time(&mut text, at);
    text.push_str(".000Z");
    text
}

fn civil(unix: i64) -> jiff::civil::DateTime {
    let at = Timestamp::from_second(unix).unwrap_or_default();
    jiff::tz::Offset::UTC.to_datetime(at)
}

fn push_time(text: &mut String, at: jiff::civil::DateTime) {
    push_two(text, at.hour());
    text.push(':');
    push_two(text, at.minute());
    text.push(':');
    push_two(text, at.second());
}

fn push_year(text: &mut String, year: i16) {
    let year = year.unsigned_abs();
    for part in [year / 100, year % 100] {
        push_two(text, i8::try_from(part).unwrap_or(0));
    }
}

/// A number below a hundred, with two digits.
fn push_two(text: &mut String, number: i8) {
    let number = number.unsigned_abs() % 100;
    text.push(char::from(b'0' + number / 10));
    text.push(char::from(b'0' + number % 10));
}

/// The instant of an HTTP date, in UNIX seconds.
pub fn unix_of(date: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(date.trim()).ok().map(|at| at.timestamp().as_second())
}

/// A header value with everything that does not belong into one left out.
pub fn text_value(text: &str) -> HeaderValue {
    if let Ok(value) = HeaderValue::from_str(text)
        && !text.contains('\t')
    {
        return value;
    }
    let clean: Vec<u8> = text.bytes().filter(|byte| *byte >= 0x20 && *byte != 0x7f).collect();
    HeaderValue::from_bytes(&clean).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whose machines an edge looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Fastly,
    Cloudflare,
    Akamai,
}

impl Vendor {
    /// Edges take turns.
    pub const fn of_edge(edge: usize) -> Self {
        match edge % 3 {
            0 => Self::Fastly,
            1 => Self::Cloudflare,
            _ => Self::Akamai,
        }
    }
}

/// Collects headers.
pub struct Headers(pub HeaderMap);

impl Headers {
    pub fn set(&mut self, name: &'static str, value: impl AsRef<str>) -> &mut Self {
        self.0.insert(HeaderName::from_static(name), text_value(value.as_ref()));
        self
    }

    /// `Date`, which is the same for all answers of a second.
    fn date(&mut self, unix_now: i64) -> &mut Self {
        thread_local! {
            static LAST: RefCell<(i64, HeaderValue)> =
                const { RefCell::new((i64::MIN, HeaderValue::from_static(""))) };
        }
        let value = LAST.with_borrow_mut(|(at, value)| {
            if *at != unix_now {
                (*at, *value) = (unix_now, text_value(&http_date(unix_now)));
            }
            value.clone()
        });
        self.0.insert(header::DATE, value);
        self
    }

    /// A value that is known beforehand: nothing is copied.
    fn fixed(&mut self, name: &'static str, value: &'static str) -> &mut Self {
        self.0.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }
}

/// What storage says of an answer, whoever passes it on.
pub fn of_answer(answer: &Answer, unix_now: i64) -> Headers {
    let mut headers = Headers(HeaderMap::with_capacity(32));
    headers
        .fixed("server", "Cloudinary")
        .date(unix_now)
        .fixed("access-control-allow-origin", "*")
        .fixed("access-control-expose-headers", "Content-Length,ETag,Server-Timing,X-Cld-Error")
        .fixed("timing-allow-origin", "*")
        .fixed("x-content-type-options", "nosniff");
    match &answer.content {
        Some(content) => {
            headers
                .fixed("content-type", media_type(answer, content))
                .set("etag", format!("\"{}\"", content.etag()))
                .set("last-modified", http_date(answer.created_at))
                .set("cache-control", cache_control(answer.lifetime))
                .fixed("accept-ranges", "bytes");
            if answer.varies {
                headers.fixed("vary", "Accept");
            }
        }
        None => {
            headers
                .fixed("content-type", "image/gif")
                .fixed("cache-control", "private, no-transform, max-age=0, no-cache")
                .fixed("pragma", "no-cache")
                .set("expires", http_date(unix_now + 86_400))
                .fixed("vary", "Save-Data");
        }
    }
    if let Some(error) = &answer.error {
        headers.set("x-cld-error", error);
    }
    headers
}

/// The kind of the bytes that are sent, whatever the URL asks for; of raw files that nobody recognises, the kind that
/// their name says.
fn media_type(answer: &Answer, content: &Content) -> &'static str {
    let named = || match answer.address.names.as_slice() {
        [key] if key.resource_type == ResourceType::Raw => {
            let (_, extension) = key.public_id.as_str().rsplit_once('.')?;
            Format::from_extension(extension)
                .map(Format::media_type)
                .or_else(|| page_type(extension))
        }
        _ => None,
    };
    let known = content.format().map(Format::media_type);
    known.or_else(named).unwrap_or_else(|| Format::Binary.media_type())
}

/// Kinds of raw file that pages are made of.
fn page_type(extension: &str) -> Option<&'static str> {
    Some(match extension.to_ascii_lowercase().as_str() {
        "css" => "text/css",
        "js" | "mjs" => "text/javascript",
        "htm" | "html" => "text/html",
        "md" => "text/markdown",
        "vtt" => "text/vtt",
        "xml" => "application/xml",
        "wasm" => "application/wasm",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

fn cache_control(lifetime: Option<Duration>) -> Cow<'static, str> {
    match lifetime {
        None => "public, no-transform, max-age=2592000".into(),
        Some(lifetime) => format!("public, max-age={}", lifetime.as_secs()).into(),
    }
}

/// What the edge adds.
///
/// Akamai tells no `Age` (facts §5.1, §9.1): there, whether the same bytes were fetched anew cannot be seen.
pub fn of_edge(
    headers: &mut Headers,
    served: &Served,
    (edge, pop): (usize, Pop),
    unix_now: i64,
    request_id: impl FnOnce() -> String,
) {
    let hit = served.state != CacheState::Miss;
    let vendor = Vendor::of_edge(edge);
    // a hit at most vendors shows none, and is answered often
    let needs_id = !hit || vendor == Vendor::Cloudflare || served.answer.error.is_some();
    let request_id = if needs_id { request_id() } else { String::new() };
    let request_id = request_id.as_str();
    let mut timing = server_timing(vendor, served, unix_now, request_id);
    if vendor == Vendor::Akamai {
        // Akamai names no location; ours does, so that places can be told apart
        let _ = write!(timing, ",cdn-pop;desc=\"{}\"", pop.code);
    }
    headers.set("server-timing", timing);
    if !hit {
        headers.set("x-request-id", request_id);
    }
    if !served.ageless && vendor != Vendor::Akamai {
        headers.0.insert(header::AGE, served.age.as_secs().into());
    }
    let node = node_number(pop, served.node);
    match vendor {
        Vendor::Fastly => {
            let name = |pop: Pop, node: u64| {
                format!("cache-{}-eddf82300{node:02}-{}", pop.code.to_ascii_lowercase(), pop.code)
            };
            let own = name(pop, node);
            match served.shield {
                // origin-near first; on a hit it tells of the fetch back then
                Some(ShieldSeen { pop, state, hits }) => {
                    let shield = name(pop, node_number(pop, 0));
                    let word = |hit: bool| if hit { "HIT" } else { "MISS" };
                    let cache = format!("{}, {}", word(state != CacheState::Miss), word(hit));
                    headers
                        .fixed("via", "1.1 varnish, 1.1 varnish")
                        .set("x-served-by", format!("{shield}, {own}"))
                        .set("x-cache", cache)
                        .set("x-cache-hits", format!("{hits}, {}", served.hits));
                }
                None => {
                    headers
                        .fixed("via", "1.1 varnish")
                        .set("x-served-by", own)
                        .fixed("x-cache", if hit { "HIT" } else { "MISS" })
                        .set("x-cache-hits", served.hits.to_string());
                }
            }
            headers
                .set("x-timer", format!("S{unix_now}.000000,VS0,VE{}", if hit { 1 } else { 89 }));
        }
        Vendor::Cloudflare => {
            headers.set("cf-ray", format!("{}-{}", &request_id[..16], pop.code)).fixed(
                "cf-cache-status",
                match served.state {
                    CacheState::Hit => "HIT",
                    CacheState::Miss => "MISS",
                    CacheState::Stale => "UPDATING",
                },
            );
        }
        Vendor::Akamai => {
            let verdict = if hit { "TCP_MEM_HIT" } else { "TCP_MISS" };
            headers
                .set(
                    "x-cache",
                    format!("{verdict} from a23-1-{node}-7.deploy.akamaitechnologies.com (AkamaiGHost/22.1.3) (-)"),
                )
                .fixed("akamai-cache-status", if hit { "Hit from child" } else { "Miss from child" });
        }
    }
}

/// The number that the node of an edge or shield goes by.
fn node_number(pop: Pop, node: usize) -> u64 {
    // 7 and 90 have no common divisor: up to 90 nodes have numbers of their own
    1 + (Chance::new(hash_text(pop.code)).below(90, "node", &[]) + 7 * node as u64) % 90
}

/// One list; each vendor writes it its own way, Cloudflare with quotes that are not escaped.
fn server_timing(vendor: Vendor, served: &Served, unix_now: i64, request_id: &str) -> String {
    let hit = served.state != CacheState::Miss;
    let start = start_of(unix_now);
    let desc = if hit { "hit" } else { "miss" };
    let dur = if hit { 2 } else { 124 };
    let quote = if vendor == Vendor::Cloudflare { "\"" } else { "\\\"" };
    let mut text = match vendor {
        Vendor::Fastly if hit => {
            format!("cld-fastly;dur={dur};cpu=1;start={start};desc={desc},rtt;dur=1")
        }
        Vendor::Fastly => {
            format!("cld-fastly;mitm=f;dur={dur};start={start};desc={desc},rtt;dur=0")
        }
        Vendor::Cloudflare => {
            format!("cld-cloudflare;dur={dur};start={start};desc={desc},rtt;dur=1")
        }
        Vendor::Akamai => format!("cld-akam;dur={dur};start={start};desc={desc},rtt;dur=1"),
    };
    if let Some(error) = &served.answer.error {
        let error = error.replace(['"', '\\'], "");
        let _ = write!(text, ",cld-id;desc={request_id},cld-error;desc=\"{error}\"");
        return text;
    }
    if let Some(info) = content_info(&served.answer, quote) {
        let _ = write!(text, ",content-info;desc=\"{info}\"");
    }
    if !hit {
        let separator = if vendor == Vendor::Cloudflare { ";" } else { "," };
        let _ = write!(text, "{separator}cloudinary;dur=89;start={start}");
    }
    text
}

fn content_info(answer: &Answer, quote: &str) -> Option<String> {
    let content = answer.content.as_ref()?;
    let mut parts = Vec::new();
    let mut size = |prefix: &str, size: Option<(u32, u32)>| {
        if let Some((width, height)) = size {
            parts.push(format!("{prefix}width={width},{prefix}height={height}"));
        }
    };
    size("", content.size());
    let original = answer.original.as_ref();
    size("o", original.and_then(|(original, _)| original.size()));
    let format = |format: Option<Format>| format.map_or("", Format::as_str);
    parts.push(format!(
        "bytes={},format={quote}{}{quote}",
        content.length(),
        format(content.format())
    ));
    if let Some((original, created_at)) = original {
        let (bytes, kind) = (original.length(), format(original.format()));
        parts.push(format!("obytes={bytes},oformat={quote}{kind}{quote},ocrt={created_at}"));
    }
    parts.push(format!("crt={},ef=(1)", answer.created_at));
    Some(parts.join(","))
}
