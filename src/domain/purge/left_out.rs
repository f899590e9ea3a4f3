//! What is named and not part of a plan, and who sees what a plan asks for.

use serde::{Deserialize, Serialize};

use crate::domain::asset::AssetKey;

/// One line of a list of names, read but not looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As it was given, with signatures hidden, safe to show.
    pub typed: String,
    /// Every asset it can mean, likeliest first; or why it can mean none.
    pub meant: Result<Vec<AssetKey>, String>,
}

/// Something that was named, or found by a search, and is not part of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// As it was given, safe to show.
    pub name: String,
    /// The asset, where the name can mean one.
    pub key: Option<AssetKey>,
    /// Every asset that the name can mean, likeliest first; kept where a retry may find one of them.
    #[serde(default)]
    pub readings: Vec<AssetKey>,
    pub reason: LeftOutReason,
    /// One sentence without a full stop.
    pub why: String,
}

/// Why something is not part of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// No public ID and no delivery URL of this cloud.
    Malformed,
    /// Storage has no such asset.
    Unknown,
    /// The search index names it and storage has it no longer.
    Vanished,
    /// The search index knows another state of it than storage.
    Changed,
}

impl LeftOutReason {
    /// The stable word of JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Vanished => "vanished",
            Self::Changed => "changed",
        }
    }

    /// Whether the operator named it: then leaving it out is a failure of the order. What only the search index
    /// named was never there.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Malformed | Self::Unknown)
    }
}

/// Somebody who sees the URLs of a plan while they are verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onlooker {
    /// Host, safe to show.
    pub host: String,
    /// Why that host sees them.
    pub role: OnlookerRole,
    /// URLs that it sees.
    pub urls: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnlookerRole {
    /// Delivers them.
    Delivery,
    /// A host of the operator's that looks for us.
    Ssh,
    /// Another member of the team.
    Worker,
    /// Somebody else who looks for us.
    ThirdParty,
}

impl OnlookerRole {
    /// The stable word of JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Ssh => "ssh",
            Self::Worker => "worker",
            Self::ThirdParty => "third_party",
        }
    }
}
