//! Who may call: HTTP Basic for Admin and Search, signatures for Upload (facts §2.2).

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::params::Params;
use super::reply::{Reply, bad, missing};
use crate::domain::time::Timestamp;

/// How long a signature is good for, in seconds.
const VALID_FOR: i64 = 3600;

/// What is not signed.
const UNSIGNED: [&str; 5] = ["file", "cloud_name", "resource_type", "api_key", "signature"];

/// The one account that may call.
pub struct Account<'a> {
    pub api_key: &'a str,
    pub api_secret: &'a SecretString,
}

impl Account<'_> {
    /// Demands `Authorization: Basic`.
    pub fn check_basic(&self, headers: &HeaderMap) -> Result<(), Reply> {
        let refused = |message: &str| Err(Reply::error(401, message));
        let Some(sent) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
        else {
            return refused("Invalid credentials");
        };
        let Some((key, secret)) = basic(sent) else { return refused("Invalid credentials") };
        if key != self.api_key {
            return refused("unknown api_key");
        }
        if !same(&secret, self.api_secret.expose_secret()) {
            return refused("api_secret mismatch");
        }
        Ok(())
    }

    /// Demands a signature of about `wall`, or Basic where that was sent instead. A signature is good for an hour;
    /// callers whose clock is ahead are let in up to an hour too (how much the service allows is not known).
    pub fn check_signed(
        &self,
        headers: &HeaderMap,
        params: &Params,
        wall: Timestamp,
    ) -> Result<(), Reply> {
        self.check_signature(headers, params)?;
        if headers.contains_key(header::AUTHORIZATION) {
            return Ok(());
        }
        let timestamp = params.required("timestamp")?;
        let seconds: i64 =
            timestamp.parse().map_err(|_| bad(format!("Invalid timestamp {timestamp}")))?;
        let age = wall.as_second().saturating_sub(seconds);
        let refused = |how: &str| {
            let reported = Timestamp::from_second(seconds).map_or_else(
                |_| timestamp.to_owned(),
                |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            );
            Err(bad(format!(
                "Stale request - reported time is {reported} which is more than {how}"
            )))
        };
        match age {
            age if age > VALID_FOR => refused("1 hour ago"),
            age if age < -VALID_FOR => refused("1 hour ahead"),
            _ => Ok(()),
        }
    }

    /// Demands a signature of any age, or Basic where that was sent instead.
    pub fn check_signature(&self, headers: &HeaderMap, params: &Params) -> Result<(), Reply> {
        if headers.contains_key(header::AUTHORIZATION) {
            return self.check_basic(headers);
        }
        let key = params.text("api_key").ok_or_else(|| missing("api_key"))?;
        let signature = params.text("signature").ok_or_else(|| missing("signature"))?;
        params.required("timestamp")?;
        if key != self.api_key {
            return Err(Reply::error(401, "unknown api_key"));
        }
        if !self.is_signature(signature, params) {
            let message = format!(
                "Invalid Signature {signature}. String to sign - '{}'.",
                string_to_sign(params, false)
            );
            return Err(Reply::error(401, &message));
        }
        Ok(())
    }

    /// Either hash, with and without escaped ampersands (versions 1 and 2 of the scheme).
    fn is_signature(&self, signature: &str, params: &Params) -> bool {
        [false, true].into_iter().any(|escaped| {
            let text = string_to_sign(params, escaped) + self.api_secret.expose_secret();
            let expected = match signature.len() {
                40 => hex::encode(Sha1::digest(text)),
                64 => hex::encode(Sha256::digest(text)),
                _ => return false,
            };
            same(&expected, &signature.to_ascii_lowercase())
        })
    }
}

/// What a call's signature covers.
pub fn string_to_sign(params: &Params, escaped: bool) -> String {
    let signed = params.signed_texts();
    let pairs = signed.iter().filter(|(name, _)| !UNSIGNED.contains(name)).map(|(name, text)| {
        let pair = format!("{name}={text}");
        if escaped { pair.replace('&', "%26") } else { pair }
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// The `signature` in upload replies: always version 1, SHA-1.
pub fn sign_reply(public_id: &str, version: u64, secret: &SecretString) -> String {
    let text = format!("public_id={public_id}&version={version}{}", secret.expose_secret());
    hex::encode(Sha1::digest(text))
}

fn basic(sent: &str) -> Option<(String, String)> {
    let (scheme, encoded) = sent.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let plain = String::from_utf8(plain).ok()?;
    plain.split_once(':').map(|(key, secret)| (key.to_owned(), secret.to_owned()))
}

fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod unit {
    use super::*;

    /// The vectors of the reference, secret `s3cr3t-acme`.
    #[test]
    fn both_versions_and_both_hashes_are_accepted() {
        let secret = SecretString::from("s3cr3t-acme");
        let account = Account { api_key: "k", api_secret: &secret };
        let purge =
            Params::from_query("invalidate=true&public_id=press/kit/hero&timestamp=1767225600");
        let rename = Params::from_query(
            "from_public_id=old name&invalidate=true&timestamp=1767225600&to_public_id=new%26name&api_key=k&file=x",
        );
        let vectors = [
            (&purge, "96bb43a4d634e85642882aeee8b154104d1424d7"),
            (&purge, "507370e8e24d63e42a60b66ed1f9376cbb48972ad1c8190ce1ac7d721727cf78"),
            (&rename, "317742591742493eb970513c1a550d6bedf9c184"),
            (&rename, "45e0e16e54832d0931c5d8eb8b2b0f3ed7eadc754fdd548db301a5d8dd0cc8b8"),
            (&rename, "aa83566eb45d1ee0856dc9f8e6905caa9a3e27f7"),
            (&rename, "fc450c2bf0578ce7cf6448f28c08fdf9a00a927dee21441903a8f679d2bf613d"),
        ];
        for (params, signature) in vectors {
            assert!(account.is_signature(signature, params), "{signature}");
            assert!(!account.is_signature(&signature[1..], params));
        }
        assert!(!account.is_signature(&"0".repeat(40), &purge));
        let reply = sign_reply("press/kit/hero", 1_767_225_600, &secret);
        assert_eq!(reply, "04b93762331ad36a54e158f8d618c6445e4d1ae0");
    }
}
