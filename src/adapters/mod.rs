//! The real thing behind each port. Knows `ports` and `domain`; nothing else of the program knows HTTP or SQL.

pub mod cloudinary;
pub mod discovery;
pub mod fastly_check;
pub mod file_changes;
pub mod globalping;
pub mod http_prober;
pub mod journal;
pub mod list_copies;
pub mod notifier;
pub mod places;
pub mod programs;
pub(crate) mod public_address;
pub mod ssh;
pub mod system_clock;
pub mod team_places;
pub(crate) mod tls;
pub mod vantage;

#[cfg(test)]
mod contract_tests;

use std::error::Error;
use std::net::IpAddr;

/// How this program names itself to every server.
pub const USER_AGENT: &str = concat!("allclear/", env!("CARGO_PKG_VERSION"));

/// Whether a URL can only mean this host.
#[must_use]
pub fn is_loopback_url(url: &reqwest::Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// Whether `host` is a loopback address, bare or in brackets, or the name for it.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The error at the bottom of a chain of causes.
pub(crate) fn deepest<'a>(why: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut why = why;
    while let Some(source) = why.source() {
        why = source;
    }
    why
}

/// An error of the operating system in words, without its number.
pub(crate) fn io_in_words(why: &std::io::Error) -> String {
    match why.kind() {
        std::io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        kind if why.raw_os_error().is_some() => kind.to_string(),
        _ => why.to_string(),
    }
}
