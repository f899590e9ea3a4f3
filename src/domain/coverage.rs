//! Which delivery URLs an invalidation reaches (design §2.1), as a pure function.

use serde::{Deserialize, Serialize};

/// Whether an invalidation reaches a delivery URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    Covered,
    NotCovered(CoverageReason),
    Uncertain(CoverageReason),
}

/// Why a URL is not, or not surely, reached; each has a stable word, a sentence and a next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageReason {
    Versioned,
}
