//! What is known of an account: how it invalidates and under which hosts it delivers.

use serde::{Deserialize, Serialize};

use super::asset::UnknownWord;

/// How an account's invalidations find the copies to drop (facts §1.2, §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvalidationKind {
    /// By hashes of the asset's metadata: every URL of the asset. Most accounts.
    Surrogate,
    /// By one URL pattern, "invalidate versioned URLs" off: no version at the root, `/v1/` in folders.
    Legacy,
    /// By one URL pattern: no version, in folders too.
    LegacyUnversioned,
    /// By one URL pattern: the most recent version.
    LegacyVersioned,
    /// Nobody has said; there is no API to ask.
    #[default]
    Unknown,
}

impl InvalidationKind {
    pub const ALL: [Self; 5] = [
        Self::Surrogate,
        Self::Legacy,
        Self::LegacyUnversioned,
        Self::LegacyVersioned,
        Self::Unknown,
    ];

    /// The word in configuration, flags and the ready line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Surrogate => "surrogate",
            Self::Legacy => "legacy",
            Self::LegacyUnversioned => "legacy-unversioned",
            Self::LegacyVersioned => "legacy-versioned",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for InvalidationKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for InvalidationKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| UnknownWord {
            what: "kind of invalidation",
            word: word.to_owned(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

/// An account as far as URLs and invalidations are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub cloud_name: String,
    pub invalidation: InvalidationKind,
    /// Whether Admin bulk deletes invalidate; unset counts as off (facts §1.1 row 6).
    pub bulk_invalidation: Option<bool>,
    /// Private hosts and CNAMEs that deliver this cloud, beside the shared host.
    pub own_hosts: Vec<String>,
    /// Set where the API is a local cloud: its edges stand in for the shared host.
    pub local: Option<LocalDelivery>,
}

/// The loopback addresses that deliver a local cloud, each as `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDelivery {
    /// Identity of this run of the local cloud; a restarted cloud is another one.
    pub instance: String,
    /// The first one is named by `secure_url`.
    pub edges: Vec<String>,
    pub origin: String,
}

impl Account {
    /// An account of which only the name is known.
    #[must_use]
    pub fn named(cloud_name: &str) -> Self {
        Self {
            cloud_name: cloud_name.to_owned(),
            invalidation: InvalidationKind::Unknown,
            bulk_invalidation: None,
            own_hosts: Vec::new(),
            local: None,
        }
    }

    /// Whether `authority` (`host` or `host:port`) is an edge or the origin of the local cloud.
    #[must_use]
    pub fn is_local_authority(&self, authority: &str) -> bool {
        self.local.as_ref().is_some_and(|local| {
            local.origin == authority || local.edges.iter().any(|edge| edge == authority)
        })
    }
}
