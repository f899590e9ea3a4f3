//! The cloud over HTTP: Upload, Admin and Search API, in domain terms.
//!
//! `client` says which call does what, `transport` carries one call out (time-outs, harmless repeats, quota
//! headers), `wire` knows the JSON, `errors` what a refusal means. Nothing here judges or journals.

mod client;
mod errors;
mod greeting;
mod quota;
mod sign;
mod transport;
mod wire;

#[cfg(test)]
mod tests;

pub use client::CloudinaryClient;
pub use greeting::{Greeting, greet};
pub use sign::SignatureAlgorithm;
pub use transport::ClientOptions;

use secrecy::SecretString;

/// Where the API is unless `upload_prefix` says otherwise.
pub const DEFAULT_API: &str = "https://api.cloudinary.com";

/// Who we are for one cloud. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub cloud_name: String,
    pub api_key: String,
    pub api_secret: SecretString,
    pub signature: SignatureAlgorithm,
}

/// Reads bytes as an answer of the API.
#[cfg(any(test, fuzzing))]
pub(crate) fn untrusted(body: &[u8]) {
    wire::read_all(body);
}
