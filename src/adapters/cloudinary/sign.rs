//! Request signatures, version 2 (facts: Upload API, "Request signature").

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha1::Digest as _;

use crate::domain::asset::UnknownWord;

/// Hash of request signatures, as the account was set up: SHA-1 unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureAlgorithm {
    #[default]
    Sha1,
    Sha256,
}

impl SignatureAlgorithm {
    /// The word in configuration and `CLOUDINARY_URL`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }
}

impl std::str::FromStr for SignatureAlgorithm {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Sha1, Self::Sha256]
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownWord {
                what: "signature algorithm",
                word: word.to_owned(),
                expected: "sha1, sha256".to_owned(),
            })
    }
}

/// Signature of `params` as they will be sent, in lower-case hex; empty values must not be among them.
pub(super) fn sign(
    params: &[(&'static str, String)],
    secret: &SecretString,
    algorithm: SignatureAlgorithm,
) -> String {
    let to_sign = string_to_sign(params) + secret.expose_secret();
    match algorithm {
        SignatureAlgorithm::Sha1 => hex::encode(sha1::Sha1::digest(to_sign)),
        SignatureAlgorithm::Sha256 => hex::encode(sha2::Sha256::digest(to_sign)),
    }
}

/// `key=value` pairs by key, with `&` inside a pair escaped so that no value can pass for another parameter.
fn string_to_sign(params: &[(&'static str, String)]) -> String {
    let mut pairs: Vec<String> =
        params.iter().map(|(key, value)| format!("{key}={value}").replace('&', "%26")).collect();
    pairs.sort();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn secret() -> SecretString {
        SecretString::from("s3cr3t-acme")
    }

    #[rstest]
    #[case(
        &[("public_id", "press/kit/hero"), ("invalidate", "true"), ("timestamp", "1767225600")],
        "96bb43a4d634e85642882aeee8b154104d1424d7",
        "507370e8e24d63e42a60b66ed1f9376cbb48972ad1c8190ce1ac7d721727cf78"
    )]
    #[case(
        &[
            ("timestamp", "1767225600"),
            ("to_public_id", "new&name"),
            ("from_public_id", "old name"),
            ("invalidate", "true"),
        ],
        "aa83566eb45d1ee0856dc9f8e6905caa9a3e27f7",
        "fc450c2bf0578ce7cf6448f28c08fdf9a00a927dee21441903a8f679d2bf613d"
    )]
    fn the_published_vectors_hold(
        #[case] params: &[(&'static str, &str)],
        #[case] sha1: &str,
        #[case] sha256: &str,
    ) {
        let params: Vec<_> =
            params.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        assert_eq!(sign(&params, &secret(), SignatureAlgorithm::Sha1), sha1);
        assert_eq!(sign(&params, &secret(), SignatureAlgorithm::Sha256), sha256);
    }

    #[test]
    fn an_ampersand_in_a_value_cannot_smuggle_a_parameter() {
        let smuggled = [("public_id", "a&overwrite=true".to_owned())];
        let honest = [("public_id", "a".to_owned()), ("overwrite", "true".to_owned())];
        assert_ne!(string_to_sign(&smuggled), string_to_sign(&honest));
    }

    #[test]
    fn algorithms_are_read_in_any_case() {
        assert_eq!("SHA256".parse(), Ok(SignatureAlgorithm::Sha256));
        assert!("md5".parse::<SignatureAlgorithm>().is_err());
    }
}
