//! Who is there, on a server: each member's connection holds a lock for as long as it lives, and the server lets go of it
//! when the process dies, wherever that is. So a lease need not run out before somebody else takes it up.

use std::collections::HashSet;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::faults;
use super::open::APPLICATION_ID;
use super::sql_journal::SqlJournal;
use crate::ports::journal::JournalError;

/// A member that holds no lock and did not report for so long is dead. Members report every two seconds; one whose
/// connection broke, and that is there, reports on another one.
const SILENT_MS: i64 = 3000;

/// Members that hold their lock; `None` where this cannot be told.
pub(super) struct Present(Option<HashSet<i64>>);

impl Present {
    /// Whether a member surely is not there any more, as of `now`.
    pub fn lacks(&self, member: &str, seen_at: Option<i64>, now: i64) -> bool {
        let silent = seen_at.is_some_and(|seen_at| seen_at.saturating_add(SILENT_MS) <= now);
        silent && self.0.as_ref().is_some_and(|present| !present.contains(&key(member)))
    }

    /// [`Self::lacks`] of a member in columns of a row.
    pub fn lacks_in(
        &self,
        row: &AnyRow,
        member: &'static str,
        seen_at: &'static str,
        now: i64,
    ) -> Result<bool, JournalError> {
        let damaged = |error: sqlx::Error| faults::odd(member, error);
        let Some(id) = row.try_get::<Option<&str>, _>(member).map_err(damaged)? else {
            return Ok(false);
        };
        Ok(self.lacks(id, row.try_get(seen_at).map_err(damaged)?, now))
    }
}

impl SqlJournal {
    /// Who is there now.
    pub(super) async fn present(&self) -> Result<Present, JournalError> {
        if !self.link.keeps_time() {
            return Ok(Present(None)); // processes of this host are looked at themselves
        }
        let rows = sqlx::query(
            "SELECT CAST(objid AS BIGINT) AS key FROM pg_locks WHERE locktype = 'advisory' AND granted \
             AND CAST(classid AS BIGINT) = $1 \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .bind(APPLICATION_ID)
        .fetch_all(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        let keys = rows.iter().map(|row| row.try_get("key")).collect::<Result<_, _>>();
        keys.map(Some).map(Present).map_err(|error| faults::reading(&self.location, &error))
    }
}

/// What a member's lock is called: the last 32 bits of its ID, which are chance.
fn key(member: &str) -> i64 {
    let digits = member.get(member.len().saturating_sub(8)..).unwrap_or_default();
    i64::from_str_radix(digits, 16).unwrap_or(-1)
}

/// Takes the lock of a member, for as long as the connection lives. A lock is shared: the connection that comes after a
/// broken one gets it while the server still holds the other.
#[cfg(feature = "postgres")]
pub(super) fn taking(member: &str) -> String {
    // the server counts the second number from minus to plus
    let key = u32::try_from(key(member)).unwrap_or_default().cast_signed();
    format!("SELECT pg_advisory_lock_shared({APPLICATION_ID}, {key})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_silent_and_holds_no_lock_is_not_there() {
        let id = "0193a2b3-c4d5-7e6f-8a9b-0000ffff00ff";
        let present = Present(Some(HashSet::from([0xffff_00ff & 0xffff_ffff])));
        assert!(!present.lacks(id, Some(0), 60_000), "it holds its lock");
        let nobody = Present(Some(HashSet::new()));
        assert!(nobody.lacks(id, Some(0), SILENT_MS));
        assert!(!nobody.lacks(id, Some(1), SILENT_MS), "it has just reported");
        assert!(!nobody.lacks(id, None, SILENT_MS), "it never joined");
        assert!(!Present(None).lacks(id, Some(0), 60_000), "nobody can tell");
    }
}
