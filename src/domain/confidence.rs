//! How many sightings make a cell clear, and how long quiet must be observed (design §2.2).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::asset::UnknownWord;

/// Level of proof the operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    Quick,
    Normal,
    Strict,
}

/// The numbers behind a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Cleared sightings in a row, on separate connections.
    pub k: u32,
    /// Shortest time from the first to the last of them.
    pub t: Duration,
    /// Further sightings of every place while quiet.
    pub m: u32,
    /// Shortest time that quiet is observed for.
    pub q: Duration,
    /// Whether quiet of gone content outlives a first entry of a negative cache.
    pub outlives_refusals: bool,
}

impl Rule {
    /// Requests that a watch without trouble needs: each cell its run, one look in quiet and some at old copies;
    /// each place its looks in quiet. On loopback old copies are looked at about once a second.
    #[must_use]
    pub fn requests(&self, cells: usize, places: usize, loopback: bool) -> u64 {
        let at_old_copies = if loopback { 10 } else { 2 };
        let per_cell = u64::from(self.k) + 1 + at_old_copies;
        if cells == 0 { 0 } else { cells as u64 * per_cell + places as u64 * u64::from(self.m) }
    }
}

impl Confidence {
    pub const ALL: [Self; 3] = [Self::Quick, Self::Normal, Self::Strict];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Normal => "normal",
            Self::Strict => "strict",
        }
    }

    #[must_use]
    pub const fn rule(self) -> Rule {
        match self {
            Self::Quick => rule(1, 0, 2, 5, false),
            Self::Normal => rule(3, 10, 8, 30, true),
            Self::Strict => rule(10, 30, 20, 60, true),
        }
    }
}

/// Times in seconds.
const fn rule(k: u32, t: u64, m: u32, q: u64, outlives_refusals: bool) -> Rule {
    let secs = Duration::from_secs;
    Rule { k, t: secs(t), m, q: secs(q), outlives_refusals }
}

impl std::str::FromStr for Confidence {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|level| level.as_str() == word).ok_or_else(|| UnknownWord {
            what: "confidence",
            word: word.to_owned(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}
