//! Looks that members of a team ask each other for, through what they share.

use async_trait::async_trait;

use crate::domain::id::MemberId;
use crate::domain::invalidation::CloudScope;
use crate::domain::time::Timestamp;
use crate::ports::journal::JournalError;

/// One errand: an ID of its own, and the line that says what to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub id: String,
    pub ask: String,
}

/// Carries errands to the members that look from places, and their replies back. Lines are not looked into.
#[async_trait]
pub trait Errands: Send + Sync {
    /// Says that `member` looks from a place; false where another member that is there does so.
    async fn announce(
        &self,
        scope: &CloudScope,
        place: &str,
        member: MemberId,
        now: Timestamp,
    ) -> Result<bool, JournalError>;

    /// Nobody looks from there any more.
    async fn withdraw(
        &self,
        scope: &CloudScope,
        place: &str,
        member: MemberId,
    ) -> Result<(), JournalError>;

    /// Places that a member looks from, by name, and whether it is there. One that vanished stays for a while.
    async fn announced(
        &self,
        scope: &CloudScope,
        now: Timestamp,
    ) -> Result<Vec<(String, bool)>, JournalError>;

    /// Asks for a look from a place; the ID of the errand.
    async fn ask(
        &self,
        scope: &CloudScope,
        place: &str,
        ask: &str,
        now: Timestamp,
    ) -> Result<String, JournalError>;

    /// Takes what was asked of a place, oldest first; each errand is given once.
    async fn take(
        &self,
        scope: &CloudScope,
        place: &str,
        member: MemberId,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Errand>, JournalError>;

    async fn reply(&self, id: &str, reply: &str) -> Result<(), JournalError>;

    /// What was replied to errands, where it was; those are forgotten.
    async fn replies(&self, ids: &[String]) -> Result<Vec<(String, String)>, JournalError>;

    /// Forgets an errand that nobody waits for any more.
    async fn forget(&self, id: &str) -> Result<(), JournalError>;
}
