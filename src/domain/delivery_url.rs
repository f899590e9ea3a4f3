//! Delivery URLs: parsing, building and signing every form of the grammar (facts §4).
//!
//! A delivery URL is a cache key first: [`DeliveryUrl::path`] gives back byte for byte what was parsed, however
//! the name was escaped. Knows no network and reads no storage: where a path can be read in more than one way,
//! [`DeliveryUrl::readings`] offers all of them and storage decides.

mod build;
mod escape;
mod host;
mod parse;
mod path;
mod seal;
mod sign;
mod web;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::asset::{AssetKey, DeliveryType};
use super::secrets;

pub use build::reference_path;
pub use host::{is_delivery_authority, is_vendor_pinned};
pub use parse::{BadDeliveryUrl, shared_target};
pub use path::{is_format, is_transformation};
pub use sign::{SignatureKind, sign};
pub use web::BadWebUrl;

/// Where a delivery URL points, as far as the same copy is concerned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryHost {
    /// `res.cloudinary.com`, or any edge or the origin of a local cloud: they are the same delivery URL.
    Shared,
    /// `res-1` to `res-5`.
    Shard(u8),
    /// `<cloud>-res.cloudinary.com`: no cloud name in the path.
    Private,
    /// `<cloud>-res-1` to `-5`.
    PrivateShard(u8),
    /// Pinned to one CDN: `resa`, `resc`, `resf`.
    VendorPinned(String),
    /// `cloudinary-a.akamaihd.net`, `d3jpl91pxevbkh.cloudfront.net`.
    LegacyShared(String),
    /// The customer's own name; `cloud_in_path` as found.
    Custom { host: String, cloud_in_path: bool },
    /// No cloud's: any web address, whose `path` (escaped as sent, without the query) has no parts that we know.
    Web { authority: String, path: String },
}

/// How the resource type and delivery type are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathForm {
    /// `image/upload/…`
    Plain,
    /// `images/<id>/<suffix>` and its sisters.
    Seo,
    /// Both segments left out.
    Root,
    /// `iu/…`
    Short,
}

/// One address that a copy of an asset is served under: what caches key on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryUrl {
    /// Always true at a local cloud's shared host, where the scheme makes no difference.
    pub https: bool,
    pub host: DeliveryHost,
    pub cloud_name: String,
    pub form: PathForm,
    pub asset: AssetKey,
    /// Text between `s--` and `--`, 8 or 32 characters.
    pub signature: Option<String>,
    /// Each element is one comma list of the chain, as written.
    pub transformations: Vec<String>,
    pub version: Option<u64>,
    /// Extension as written; part of the public ID for raw assets.
    pub extension: Option<String>,
    /// SEO suffix, as written.
    pub suffix: Option<String>,
    /// Query string without `?`, as written.
    pub query: Option<String>,
    /// Where the URL was written otherwise than we would write it.
    #[serde(default, skip_serializing_if = "Spelling::is_ours")]
    spelling: Spelling,
}

/// Parts of a URL whose spelling differs from ours: another SDK's escaping, a version with leading zeros.
/// They are other cache keys, so they are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
struct Spelling {
    /// The escaped public ID without extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_id: Option<String>,
    /// The digits of the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl Spelling {
    fn is_ours(&self) -> bool {
        *self == Self::default()
    }
}

impl DeliveryUrl {
    /// Whether the version is the literal `v1`, which the SDKs put in front of folders.
    #[must_use]
    pub fn is_v1(&self) -> bool {
        self.version == Some(1) && self.version_digits().as_deref() == Some("1")
    }

    /// Whether some transformation lets the answer vary by client (`f_auto`, `q_auto`, `w_auto`, `dpr_auto`).
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        self.parameters().any(|parameter| {
            matches!(parameter.split_once('_'), Some(("f" | "q" | "w" | "dpr", value))
                if value == "auto" || value.starts_with("auto:"))
        })
    }

    /// Whether the format is chosen by the `Accept` header, so that one URL has several cached copies.
    #[must_use]
    pub fn has_automatic_format(&self) -> bool {
        self.parameters().any(|parameter| parameter == "f_auto" || parameter.starts_with("f_auto:"))
    }

    /// Whether a named transformation (`t_name`) is used: what it does, and whether it varies, is not in the URL.
    #[must_use]
    pub fn has_named_transformation(&self) -> bool {
        self.parameters().any(|parameter| parameter.starts_with("t_"))
    }

    /// Whether access is granted by a token in the query (`__cld_token__`).
    #[must_use]
    pub fn has_token(&self) -> bool {
        if let DeliveryHost::Web { path, .. } = &self.host {
            return secrets::carries_secret(path, self.query.as_deref());
        }
        self.query
            .as_deref()
            .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("__cld_token__=")))
    }

    /// Whether the URL itself grants access, by signature or token: never for third parties, masked in reports.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.signature.is_some() || self.has_token()
    }

    /// Whether the URL, or what it delivers, is not for everybody: never sent to a third party (design §8).
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        let kind = self.asset.delivery_type;
        self.has_credentials()
            || matches!(kind, DeliveryType::Private | DeliveryType::Authenticated)
    }

    /// Whether the URL is a variant made by a transformation, or by another extension than `format`.
    #[must_use]
    pub fn is_derived(&self, format: Option<&str>) -> bool {
        !self.transformations.is_empty()
            || match (self.extension.as_deref(), format) {
                (Some(written), Some(stored)) => !written.eq_ignore_ascii_case(stored),
                _ => false,
            }
    }

    fn parameters(&self) -> impl Iterator<Item = &str> {
        self.transformations.iter().flat_map(|component| component.split(','))
    }
}

impl fmt::Display for DeliveryUrl {
    /// The canonical text, which reads back with [`DeliveryUrl::parse`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

#[cfg(test)]
mod tests;
