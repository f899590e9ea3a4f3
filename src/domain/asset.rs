//! What is stored: one original, its identity, its derived copies and its backups.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::public_id::PublicId;
use super::time::Timestamp;

/// Kind of file, the first part of an asset's identity.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ResourceType {
    #[default]
    Image,
    /// Also audio.
    Video,
    /// Any other file; its public ID includes the extension.
    Raw,
}

impl ResourceType {
    pub const ALL: [Self; 3] = [Self::Image, Self::Video, Self::Raw];

    /// The word used in API paths and delivery URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Raw => "raw",
        }
    }
}

/// How an asset is delivered, the second part of its identity (facts §Vocabulary).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryType {
    #[default]
    Upload,
    Private,
    Authenticated,
    /// A remote file cached by its URL; the URL is the public ID.
    Fetch,
    List,
    Facebook,
    Twitter,
    Gravatar,
    Youtube,
    Vimeo,
    Hulu,
    Animoto,
    Worldstarhiphop,
    Dailymotion,
}

impl DeliveryType {
    pub const ALL: [Self; 14] = [
        Self::Upload,
        Self::Private,
        Self::Authenticated,
        Self::Fetch,
        Self::List,
        Self::Facebook,
        Self::Twitter,
        Self::Gravatar,
        Self::Youtube,
        Self::Vimeo,
        Self::Hulu,
        Self::Animoto,
        Self::Worldstarhiphop,
        Self::Dailymotion,
    ];

    /// The word used in API paths and delivery URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Private => "private",
            Self::Authenticated => "authenticated",
            Self::Fetch => "fetch",
            Self::List => "list",
            Self::Facebook => "facebook",
            Self::Twitter => "twitter",
            Self::Gravatar => "gravatar",
            Self::Youtube => "youtube",
            Self::Vimeo => "vimeo",
            Self::Hulu => "hulu",
            Self::Animoto => "animoto",
            Self::Worldstarhiphop => "worldstarhiphop",
            Self::Dailymotion => "dailymotion",
        }
    }
}

/// A word that names no resource type or delivery type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {what}; use one of {expected}")]
pub struct UnknownWord {
    pub what: &'static str,
    pub word: String,
    pub expected: String,
}

macro_rules! word_enum {
    ($kind:ty, $what:literal) => {
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $kind {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
                    UnknownWord {
                        what: $what,
                        word: word.to_owned(),
                        expected: Self::ALL.map(Self::as_str).join(", "),
                    }
                })
            }
        }
    };
}
word_enum!(ResourceType, "resource type");
word_enum!(DeliveryType, "delivery type");

/// Identity of an asset in its cloud: resource type, delivery type and public ID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssetKey {
    pub resource_type: ResourceType,
    #[serde(rename = "type")]
    pub delivery_type: DeliveryType,
    pub public_id: PublicId,
}

impl AssetKey {
    /// An uploaded image, the most common kind.
    #[must_use]
    pub const fn image(public_id: PublicId) -> Self {
        Self { resource_type: ResourceType::Image, delivery_type: DeliveryType::Upload, public_id }
    }
}

impl fmt::Display for AssetKey {
    /// The public ID alone for an uploaded image, else with both types in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.resource_type, self.delivery_type) {
            (ResourceType::Image, DeliveryType::Upload) => write!(f, "{}", self.public_id),
            (rt, dt) => write!(f, "{rt}/{dt}/{}", self.public_id),
        }
    }
}

/// One stored original as listings describe it. Absent is what the reply did not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    pub key: AssetKey,
    /// Second, immutable key: survives rename, overwrite and moves.
    pub asset_id: Option<String>,
    /// UNIX seconds of the last upload of the file.
    pub version: u64,
    /// Extension of the original; raw assets have none.
    pub format: Option<String>,
    pub bytes: u64,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// MD5 of the stored original, in hex; only detail, upload and search tell it.
    pub etag: Option<String>,
    pub created_at: Option<Timestamp>,
    pub asset_folder: Option<String>,
    pub display_name: Option<String>,
    pub tags: Vec<String>,
    /// Delivery URL with the current version, as the API sent it.
    pub secure_url: Option<String>,
    /// Deleted, but a backup is kept: detail still answers.
    pub placeholder: bool,
}

/// A variant made from an asset by a transformation, with a delivery URL of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedAsset {
    /// 32 hex digits.
    pub id: String,
    pub transformation: String,
    pub format: Option<String>,
    pub bytes: u64,
    pub secure_url: String,
}

/// One kept version of an original (facts §3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupVersion {
    pub version_id: String,
    pub version: u64,
    pub bytes: u64,
    pub restorable: bool,
}

/// Everything the cloud tells about one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetDetail {
    pub asset: Asset,
    pub derived: Vec<DerivedAsset>,
    /// The cloud has more derived copies than were read.
    pub derived_truncated: bool,
    pub versions: Vec<BackupVersion>,
}
