//! Verdicts: our conclusion about the bytes of one sighting, always with its reason (design §2.2).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Our conclusion about one sighting. Hit or miss never decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Cleared,
    /// Storage did not change and a refetch cannot be seen; counts as clear and is listed apart.
    Same,
    /// An earlier copy is still served.
    Outdated,
    /// Neither the new content nor known earlier content.
    Other,
    /// Says nothing; never counts as cleared.
    Unknown,
}

impl Verdict {
    /// The stable word of JSON and journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Same => "same",
            Self::Outdated => "outdated",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a sighting with this verdict adds to a run.
    #[must_use]
    pub const fn is_clear(self) -> bool {
        matches!(self, Self::Cleared | Self::Same)
    }
}

/// Identity of a body, as far as known: an original's from storage, a derived copy's from a reference read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Content {
    pub asset_id: Option<String>,
    pub version: Option<u64>,
    /// Entity tag without quotes; for an original the MD5 that storage tells.
    pub etag: Option<String>,
    /// Length of the whole body in bytes.
    pub bytes: Option<u64>,
    /// SHA-256 of the first 64 KiB, in hex.
    pub body_hash: Option<String>,
    /// `Last-Modified` of a reference read, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// What storage holds under a name at the moment it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    Empty,
    Holds(Content),
}

/// What a watched URL must show before it counts as clear; decided by storage, not by the verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Storage is empty.
    Gone,
    /// Storage holds something other than before.
    New,
    /// Storage holds what it held before: only the age of copies can show the purge.
    Refetched,
    /// The new name of a rename, or a name expected to deliver.
    Live,
}

impl Expectation {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::New => "new",
            Self::Refetched => "refetched",
            Self::Live => "live",
        }
    }
}

/// A verdict and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    pub verdict: Verdict,
    pub reason: Reason,
}

impl Judgement {
    /// The same about a web address of which no storage is known: its truth is a read past the caches, or what it was
    /// said to serve.
    #[must_use]
    pub fn without_storage(self, told: bool) -> Self {
        let reason = match self.reason {
            Reason::EqualsNew if told => Reason::EqualsTold,
            Reason::DiffersFromStorage if told => Reason::DiffersFromTold,
            Reason::EqualsNew => Reason::EqualsRead,
            Reason::DiffersFromStorage => Reason::DiffersFromRead,
            Reason::StillServed => Reason::NotGone,
            other => other,
        };
        Self { reason, ..self }
    }
}

/// Why a sighting was judged as it was; `word()` is stable, the sentence is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No answer: the failure in words.
    NoAnswer { detail: String },
    /// A status that says nothing about the copy.
    UnusableStatus { status: u16 },
    /// Equal to content the journal knows as earlier content of this asset.
    EarlierContent,
    /// 404 or 410 that names our public ID.
    NotFound,
    /// A placeholder picture is served in its place.
    Placeholder,
    /// A refusal that the reference read on this host gets as well.
    SameRefusalAsReference { status: u16 },
    /// A refusal without proof that it is about our asset.
    UnprovenRefusal { status: u16 },
    /// Something is still served under a name that storage no longer knows.
    StillServed,
    /// Storage knows the name again. Not given any more, for copies are judged by the new truth at once; journals hold it.
    ExistsAgain,
    /// Equal to what storage holds now.
    EqualsNew,
    /// Neither the new content nor any known content.
    Unrecognised,
    /// Watched without an operation of ours: not what storage holds.
    DiffersFromStorage,
    /// A 404 for a name that storage holds: cached from before.
    NegativeCache,
    /// The copy is older than the purge.
    OlderThanPurge { age: Duration, since_purge: Duration },
    /// The copy was fetched after storage had changed.
    YoungerThanChange { age: Duration, since_change: Duration },
    /// The same bytes as before, and no believable age to tell a refetch.
    SameBytes,
    /// Validators are missing or weak and the body was not compared.
    NotComparable,
    /// No storage is known, and it is what a read past the caches gets.
    EqualsRead,
    /// No storage is known, and it is not what a read past the caches gets.
    DiffersFromRead,
    /// No storage is known, and it has the entity tag that was asked for.
    EqualsTold,
    /// No storage is known, and it has another entity tag than the one that was asked for.
    DiffersFromTold,
    /// No storage is known: something is still served that was to be gone.
    NotGone,
    /// No storage is known and no read past the caches was possible.
    NothingToCompare,
    /// As [`Reason::NothingToCompare`], and not all places serve the same.
    PlacesDiffer,
}

impl Reason {
    /// The stable snake_case word of JSON and journal.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NoAnswer { .. } => "no_answer",
            Self::UnusableStatus { .. } => "unusable_status",
            Self::EarlierContent => "earlier_content",
            Self::NotFound => "not_found",
            Self::Placeholder => "placeholder",
            Self::SameRefusalAsReference { .. } => "same_refusal_as_reference",
            Self::UnprovenRefusal { .. } => "unproven_refusal",
            Self::StillServed => "still_served",
            Self::ExistsAgain => "exists_again",
            Self::EqualsNew => "equals_new",
            Self::Unrecognised => "unrecognised",
            Self::DiffersFromStorage => "differs_from_storage",
            Self::NegativeCache => "negative_cache",
            Self::OlderThanPurge { .. } => "older_than_purge",
            Self::YoungerThanChange { .. } => "younger_than_change",
            Self::SameBytes => "same_bytes",
            Self::NotComparable => "not_comparable",
            Self::EqualsRead => "equals_read",
            Self::DiffersFromRead => "differs_from_read",
            Self::EqualsTold => "equals_told",
            Self::DiffersFromTold => "differs_from_told",
            Self::NotGone => "not_gone",
            Self::NothingToCompare => "nothing_to_compare",
            Self::PlacesDiffer => "places_differ",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoAnswer { detail } => write!(f, "no answer: {detail}"),
            Self::UnusableStatus { status } => {
                write!(f, "status {status} says nothing about the copy")
            }
            Self::EarlierContent => f.write_str("serves content this asset had before"),
            Self::NotFound => f.write_str("not found, as storage says"),
            Self::Placeholder => f.write_str("serves a placeholder: the asset itself is gone"),
            Self::SameRefusalAsReference { status } => {
                write!(f, "status {status}, the same as an uncached read of this host")
            }
            Self::UnprovenRefusal { status } => {
                write!(f, "status {status} without proof that the asset is gone")
            }
            Self::StillServed => f.write_str("still serves a copy although storage is empty"),
            Self::ExistsAgain => f.write_str("storage holds this name again"),
            Self::EqualsNew => f.write_str("equals what storage holds now"),
            Self::Unrecognised => f.write_str("neither the new content nor any known earlier one"),
            Self::DiffersFromStorage => f.write_str("not what storage holds"),
            Self::NegativeCache => f.write_str("a cached 404 from before the asset existed"),
            Self::OlderThanPurge { age, since_purge } => write!(
                f,
                "Age {} s, purge sent {} s ago: this copy is older",
                age.as_secs(),
                since_purge.as_secs()
            ),
            Self::YoungerThanChange { age, since_change } => write!(
                f,
                "Age {} s, storage changed {} s ago: fetched after the change",
                age.as_secs(),
                since_change.as_secs()
            ),
            Self::SameBytes => f.write_str("the same bytes as before; a refetch cannot be seen"),
            Self::NotComparable => f.write_str("no validator to compare; age does not decide"),
            Self::EqualsRead => f.write_str("equals what a read past the caches gets"),
            Self::DiffersFromRead => f.write_str("not what a read past the caches gets"),
            Self::EqualsTold => f.write_str("has the entity tag that was asked for"),
            Self::DiffersFromTold => f.write_str("not the content with the entity tag asked for"),
            Self::NotGone => f.write_str("still serves a copy"),
            Self::NothingToCompare => f.write_str("nothing to compare with"),
            Self::PlacesDiffer => {
                f.write_str("nothing to compare with, and the places serve different copies")
            }
        }
    }
}
