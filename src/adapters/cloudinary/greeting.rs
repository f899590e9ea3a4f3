//! Whether an API answers at all, and what time it is there. No credentials travel.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::{Client, Url};

use super::transport::innermost;
use crate::adapters::tls;
use crate::domain::text::clean;
use crate::domain::time::Timestamp;

/// An answer, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    pub status: u16,
    /// `Date` of the answer (RFC 9110 §6.6.1), to the second.
    pub date: Option<Timestamp>,
}

/// Asks for the API's front page, once and without credentials; follows nothing.
///
/// # Errors
/// Why there is no answer within `limit`, in words.
pub async fn greet(api: &str, limit: Duration) -> Result<Greeting, String> {
    let url = Url::parse(api).map_err(|why| why.to_string())?;
    let loopback = crate::adapters::is_loopback_url(&url);
    let tls =
        if loopback && url.scheme() == "http" { tls::plain_only() } else { tls::client_config() };
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(crate::adapters::USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(limit);
    if loopback {
        builder = builder.no_proxy();
    }
    let said = |why: &reqwest::Error| {
        if why.is_timeout() {
            return format!("no answer within {} s", limit.as_secs());
        }
        clean(&innermost(why)).into_owned()
    };
    let client = builder.build().map_err(|why| said(&why))?;
    let answer = client.get(url).send().await.map_err(|why| said(&why))?;
    let date = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| rfc2822::parse(date).ok()).map(|date| date.timestamp());
    Ok(Greeting { status: answer.status().as_u16(), date })
}
