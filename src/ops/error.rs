//! What can go wrong in a use case.

use crate::domain::id::OperationId;
use crate::domain::purge::Confirmation;
use crate::ports::cloud::CloudError;
use crate::ports::journal::JournalError;
use crate::ports::places::PlacesError;

/// A use case that did not do as asked. `report` adds the next step and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// A public ID or URL that cannot be meant.
    #[error("{message}")]
    BadName { typed: String, message: String, hint: String },
    #[error("profile {profile} is read-only: {verb} was not sent")]
    ReadOnly { profile: String, verb: &'static str },
    #[error("{verb} was not confirmed")]
    NotConfirmed { verb: &'static str, needed: Confirmation },
    #[error("nothing matches {what}")]
    NothingSelected { what: String },
    #[error("an empty prefix would select everything in {cloud}")]
    EmptyPrefix { cloud: String },
    /// Found before anything was sent: names that do not exist.
    #[error("{} in {cloud}: {}", if .assets.len() == 1 { "no such asset" } else { "no such assets" }, .assets.join(", "))]
    Missing { cloud: String, assets: Vec<String> },
    #[error("{to} already exists in {cloud}")]
    TargetExists { cloud: String, to: String },
    #[error("the Admin API quota allows {left} more calls this hour and this needs {needed}")]
    NotEnoughQuota { left: u32, needed: usize },
    /// Found before anything was sent: more than the profile or the operator allows.
    #[error("{what} is more than {most} assets: nothing was sent")]
    TooMany { what: String, most: usize },
    #[error("profile {profile} is locked: {verb} was not sent")]
    Locked { profile: String, verb: &'static str },
    /// This process was not heard of for a while, and somebody else goes on with its job.
    #[error("{who} goes on with the job {operation}: this process was not heard of for a while")]
    TakenOver { operation: OperationId, who: String },
    #[error("{message}")]
    Invalid { message: String, hint: String },
}
