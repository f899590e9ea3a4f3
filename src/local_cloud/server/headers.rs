//! Response headers of delivery, in the dialects of three vendors (facts §5.1, §5.2).

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::time::Timestamp;
use crate::local_cloud::chance::{Chance, hash_text};
use crate::local_cloud::content::Format;
use crate::local_cloud::pops::Pop;
use crate::local_cloud::world::origin::Answer;
use crate::local_cloud::world::{CacheState, Served};

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(unix: i64) -> String {
    let at = Timestamp::from_second(unix).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A header value with everything that does not belong into one left out.
pub fn text_value(text: &str) -> HeaderValue {
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
}

/// What storage says of an answer, whoever passes it on.
pub fn of_answer(answer: &Answer, unix_now: i64) -> Headers {
    let mut headers = Headers(HeaderMap::new());
    headers
        .set("server", "Cloudinary")
        .set("date", http_date(unix_now))
        .set("access-control-allow-origin", "*")
        .set("access-control-expose-headers", "Content-Length,ETag,Server-Timing,X-Cld-Error")
        .set("timing-allow-origin", "*")
        .set("x-content-type-options", "nosniff");
    match &answer.content {
        Some(content) => {
            let format = content.format().unwrap_or(Format::Binary);
            headers
                .set("content-type", format.media_type())
                .set("etag", format!("\"{}\"", content.etag()))
                .set("last-modified", http_date(answer.created_at))
                .set("cache-control", "public, no-transform, max-age=2592000")
                .set("accept-ranges", "bytes");
            if answer.varies {
                headers.set("vary", "Accept");
            }
        }
        None => {
            headers
                .set("content-type", "image/gif")
                .set("cache-control", "private, no-transform, max-age=0, no-cache")
                .set("pragma", "no-cache")
                .set("expires", http_date(unix_now + 86_400))
                .set("vary", "Save-Data");
        }
    }
    if let Some(error) = &answer.error {
        headers.set("x-cld-error", error);
    }
    headers
}

/// What the edge adds.
pub fn of_edge(
    headers: &mut Headers,
    served: &Served,
    (edge, pop): (usize, Pop),
    unix_now: i64,
    request_id: &str,
) {
    let hit = served.state == CacheState::Hit;
    let vendor = Vendor::of_edge(edge);
    let mut timing = server_timing(vendor, served, unix_now, request_id);
    if vendor == Vendor::Akamai {
        // Akamai names no location; ours does, so that places can be told apart
        let _ = write!(timing, ",cdn-pop;desc=\"{}\"", pop.code);
    }
    headers.set("server-timing", timing);
    if !hit {
        headers.set("x-request-id", request_id);
    }
    if !served.ageless {
        headers.set("age", served.age.as_secs().to_string());
    }
    let node = 1 + Chance::new(hash_text(pop.code)).below(90, "node", &[]);
    match vendor {
        Vendor::Fastly => {
            let lower = pop.code.to_ascii_lowercase();
            headers
                .set("via", "1.1 varnish")
                .set("x-served-by", format!("cache-{lower}-eddf82300{node:02}-{}", pop.code))
                .set("x-cache", if hit { "HIT" } else { "MISS" })
                .set("x-cache-hits", served.hits.to_string())
                .set("x-timer", format!("S{unix_now}.000000,VS0,VE{}", if hit { 1 } else { 89 }));
        }
        Vendor::Cloudflare => {
            headers
                .set("cf-ray", format!("{}-{}", &request_id[..16], pop.code))
                .set("cf-cache-status", if hit { "HIT" } else { "MISS" });
        }
        Vendor::Akamai => {
            let verdict = if hit { "TCP_MEM_HIT" } else { "TCP_MISS" };
            headers
                .set(
                    "x-cache",
                    format!("{verdict} from a23-1-{node}-7.deploy.akamaitechnologies.com (AkamaiGHost/22.1.3) (-)"),
                )
                .set("akamai-cache-status", if hit { "Hit from child" } else { "Miss from child" });
        }
    }
}

/// One list; each vendor writes it its own way, Cloudflare with quotes that are not escaped.
fn server_timing(vendor: Vendor, served: &Served, unix_now: i64, request_id: &str) -> String {
    let hit = served.state == CacheState::Hit;
    let start =
        Timestamp::from_second(unix_now).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S.000Z");
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
