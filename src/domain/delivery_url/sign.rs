//! URL signatures (facts §4.4): they cover transformations and name, never version, host or types.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::DeliveryUrl;

/// Hash and length of a URL signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureKind {
    /// SHA-1, 8 characters: the default.
    #[default]
    Sha1Short,
    /// SHA-256, 8 characters.
    Sha256Short,
    /// SHA-256, 32 characters (`long_url_signature`).
    Sha256Long,
}

impl SignatureKind {
    pub const ALL: [Self; 3] = [Self::Sha1Short, Self::Sha256Short, Self::Sha256Long];

    /// Length in characters.
    #[must_use]
    pub const fn chars(self) -> usize {
        match self {
            Self::Sha1Short | Self::Sha256Short => 8,
            Self::Sha256Long => 32,
        }
    }
}

/// The text between `s--` and `--` for `to_sign`.
#[must_use]
pub fn sign(to_sign: &str, secret: &SecretString, kind: SignatureKind) -> String {
    let message = [to_sign.as_bytes(), secret.expose_secret().as_bytes()];
    let mut encoded = match kind {
        SignatureKind::Sha1Short => URL_SAFE_NO_PAD.encode(hash::<Sha1>(message)),
        SignatureKind::Sha256Short | SignatureKind::Sha256Long => {
            URL_SAFE_NO_PAD.encode(hash::<Sha256>(message))
        }
    };
    encoded.truncate(kind.chars());
    encoded
}

fn hash<H: sha2::Digest>(message: [&[u8]; 2]) -> Vec<u8> {
    message.into_iter().fold(H::new(), H::chain_update).finalize().to_vec()
}

impl DeliveryUrl {
    /// What a signature of this URL covers.
    #[must_use]
    pub fn to_sign(&self) -> String {
        let mut parts = self.transformations.clone();
        parts.push(self.escaped_name());
        parts.join("/")
    }

    /// The same URL, signed.
    #[must_use]
    pub fn signed(mut self, secret: &SecretString, kind: SignatureKind) -> Self {
        self.signature = Some(sign(&self.to_sign(), secret, kind));
        self
    }

    /// Whether the signature is one that `secret` makes, of any kind; false without a signature.
    #[must_use]
    pub fn verify(&self, secret: &SecretString) -> bool {
        let Some(found) = &self.signature else { return false };
        let to_sign = self.to_sign();
        SignatureKind::ALL
            .into_iter()
            .filter(|kind| kind.chars() == found.len())
            .any(|kind| sign(&to_sign, secret, kind).as_bytes().ct_eq(found.as_bytes()).into())
    }
}
