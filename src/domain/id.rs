//! Time-ordered random IDs of what the journal keeps (UUIDv7), made outside and passed in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is no ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{raw}` is no ID; give the ID or 6 or more of its first characters")]
pub struct BadId {
    pub raw: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new ID; its order follows the wall clock of the process that makes it.
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(raw: &str) -> Result<Self, BadId> {
                Uuid::parse_str(raw).map(Self).map_err(|_| BadId { raw: raw.to_owned() })
            }
        }
    )*};
}

ids! {
    /// One command of an operator over one or many assets.
    OperationId,
    /// What one operation asked the caches to drop, with its life in the journal.
    InvalidationId,
    /// One asset of an operation.
    ItemId,
    /// One process that shares the journal.
    MemberId,
}
