//! Delivery URLs: parsing and building every form of the grammar (facts §4).

use serde::{Deserialize, Serialize};

use super::asset::AssetKey;

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
    /// SEO suffix.
    pub suffix: Option<String>,
    /// Query string without `?`, as written.
    pub query: Option<String>,
}
