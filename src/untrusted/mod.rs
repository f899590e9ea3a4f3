//! Everything that reads what somebody else wrote, one entrance each: for `fuzz/`, and for bounded runs of the same
//! in the test suite. An entrance takes any bytes and must come back; what must hold of what it read is asserted.

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::account::Account;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::place::Vantage;
use crate::domain::sighting::{AcceptVariant, ProbeShape};
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ports::prober::Probe;

#[cfg(test)]
mod tests;

/// An entrance: its name, which is that of its fuzz target and of the folder of its seeds, and what it calls.
pub type Entrance = (&'static str, fn(&[u8]));

/// All entrances.
pub const ENTRANCES: [Entrance; 9] = [
    ("api_json", api_json),
    ("config", config),
    ("delivery_url", delivery_url),
    ("globalping_json", globalping_json),
    ("headers", headers),
    ("resolver_message", resolver_message),
    ("search_expression", search_expression),
    ("ssh_line", ssh_line),
    ("theme", theme),
];

/// A delivery URL, as pasted by an operator or told by the cloud.
pub fn delivery_url(data: &[u8]) {
    static ACCOUNT: LazyLock<Account> = LazyLock::new(|| Account::named("demo"));
    let text = String::from_utf8_lossy(data);
    for url in DeliveryUrl::parse_all(&text, &ACCOUNT).unwrap_or_default() {
        let canonical = url.canonical();
        assert_eq!(clean(&canonical), canonical, "an unclean URL");
        let again = DeliveryUrl::parse_as(&canonical, &ACCOUNT, &url.asset);
        let again = again.unwrap_or_else(|why| panic!("{canonical:?} is not read again: {why}"));
        assert_eq!(again.canonical(), canonical);
        assert_eq!(again.asset, url.asset, "{canonical}");
        if let Some(signature) = &url.signature {
            assert!(!url.masked().contains(signature), "{}", url.masked());
        }
    }
}

/// A search expression, as an operator types it.
pub fn search_expression(data: &[u8]) {
    use crate::local_cloud::world::search::Expression;

    let text = String::from_utf8_lossy(data);
    match Expression::parse(&text, 1_795_000_000) {
        Ok(expression) => {
            let _ = expression.is_costly();
        }
        Err(why) => {
            let characters = text.chars().count();
            assert!(
                (1..=characters + 1).contains(&why.position),
                "{} of {characters}",
                why.position
            );
        }
    }
}

/// The head of an answer: a status and header lines.
pub fn headers(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse().ok());
    let mut map = HeaderMap::new();
    for line in lines.take(128) {
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = (&line[..at], line.get(at + 1..).unwrap_or_default());
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.trim_ascii()), HeaderValue::from_bytes(value.trim_ascii()))
        {
            map.append(name, value);
        }
    }
    let answer = crate::adapters::http_prober::read_head(
        status.unwrap_or(200),
        &map,
        Timestamp::from_second(1_795_000_000).expect("a time"),
    );
    let longest = 4_096 + 16;
    for text in [&answer.pop, &answer.error, &answer.last_modified, &answer.date] {
        assert!(text.as_ref().is_none_or(|text| text.len() <= longest), "bounded: {text:?}");
    }
    assert!(answer.retry_after.is_none_or(|pause| pause <= Duration::from_hours(1)));
    if let Some(pop) = &answer.pop {
        assert!(pop.chars().all(|c| c.is_ascii_alphanumeric()), "{pop:?} is a code");
    }
}

/// A configuration file.
pub fn config(data: &[u8]) {
    crate::config::untrusted(&String::from_utf8_lossy(data));
}

/// A theme of the operator.
pub fn theme(data: &[u8]) {
    let mut themes = crate::ui::theme_file::Themes::built_in();
    themes.add("mine", &String::from_utf8_lossy(data));
}

/// An answer of the Upload, Admin or Search API.
pub fn api_json(data: &[u8]) {
    crate::adapters::cloudinary::untrusted(data);
}

/// An answer of the Globalping network.
pub fn globalping_json(data: &[u8]) {
    let probe = Probe {
        vantage: Vantage::Here,
        address: None,
        tls: data.len().is_multiple_of(2),
        host: "media.acme.test".to_owned(),
        path: "/demo/image/upload/hero.jpg".to_owned(),
        variant: AcceptVariant::None,
        shape: ProbeShape::Body,
        timeout: Duration::from_secs(5),
    };
    let now = Timestamp::from_second(1_795_000_000).expect("a time");
    crate::adapters::globalping::untrusted(data, &probe, now);
}

/// A line of an ssh place.
pub fn ssh_line(data: &[u8]) {
    crate::adapters::ssh::untrusted(data);
}

/// A message of a resolver.
pub fn resolver_message(data: &[u8]) {
    crate::adapters::discovery::untrusted(data);
}
