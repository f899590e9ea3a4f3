//! Lists: open and ended invalidations, the audit trail, and finding an entry by its first characters.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::faults;
use super::presence::Present;
use super::rows::{
    came_from, column, count, ending_of, id_of, operation_of, optional_id, orderer, stored_scope,
};
use super::sql::who;
use super::sql_journal::SqlJournal;
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, MemberId};
use crate::domain::invalidation::CloudScope;
use crate::domain::snapshot::{Phase, WatchSnapshot};
use crate::domain::text::clean;
use crate::ports::journal::{ActivityRow, InvalidationRow, JournalError};

/// Shortest beginning of an ID that is accepted.
const SHORTEST_PREFIX: usize = 6;

/// Pictures of one question.
const PICTURES_AT_ONCE: usize = 200;

/// Everything of an invalidation's row but its members; `$1` to `$3` are the scope, `$4` whether it counts.
const INVALIDATIONS: &str = "SELECT v.id, v.holder, v.lease_until, v.outcome, v.ended_at, v.sentence, \
    o.id AS operation_id, o.member, o.verb, o.ordered_at, o.command_line, o.note, o.invalidate, o.label, \
    c.cloud_name, c.api, c.instance, s.picture, \
    m.user_name, m.host, m.ssh_client, h.user_name AS holder_user, h.host AS holder_host, h.pid AS holder_pid, h.realm AS holder_realm, h.seen_at AS holder_seen \
    FROM invalidation v JOIN operation o ON o.id = v.operation JOIN cloud c ON c.id = o.cloud \
    LEFT JOIN snapshot s ON s.invalidation = v.id \
    LEFT JOIN member m ON m.id = o.member LEFT JOIN member h ON h.id = v.holder \
    WHERE (($1 = c.cloud_name AND $2 = c.api AND $3 = c.instance) OR $4 = 0) ";

/// The page first, read from an index in its order: outcomes are counted for its operations only, and a history of a
/// million costs what one of ten does. `{of}` is [`of_scope`].
const ACTIVITY: &str = "SELECT p.operation_id, p.member, p.verb, p.ordered_at, p.command_line, p.note, \
    p.invalidate, p.label, p.items, p.cloud_name, p.api, p.instance, m.user_name, m.host, m.ssh_client, \
    a.accepted, a.failed, a.invalidation, a.outcome, a.ended_at, a.sentence \
    FROM (SELECT o.id AS operation_id, o.member, o.verb, o.ordered_at, o.command_line, o.note, o.invalidate, \
    o.label, o.items, c.cloud_name, c.api, c.instance \
    FROM operation o JOIN cloud c ON c.id = o.cloud WHERE {of} {names}\
    ORDER BY o.ordered_at DESC, o.id DESC LIMIT $5) AS p \
    JOIN activity a ON a.operation = p.operation_id LEFT JOIN member m ON m.id = p.member \
    ORDER BY p.ordered_at DESC, p.operation_id DESC";

/// Of those, the ones that name an asset.
const NAMES: &str = "AND o.id IN (SELECT i.operation FROM item i WHERE \
    (i.public_id = $6 AND i.resource_type = $7 AND i.delivery_type = $8) OR \
    (i.to_public_id = $6 AND i.to_resource_type = $7 AND i.to_delivery_type = $8)) ";

/// Operations `o` of a scope, of any where there is none: a condition by which an index can be read in its order. `$1` to
/// `$3` are the scope, `$4` whether it counts.
pub(super) const fn of_scope(scope: Option<&CloudScope>) -> &'static str {
    match scope {
        Some(_) => {
            "o.cloud = (SELECT k.id FROM cloud k WHERE k.cloud_name = $1 AND k.api = $2 AND k.instance = $3) \
             AND $4 = 1"
        }
        None => "$1 || $2 || $3 = '' AND $4 = 0",
    }
}

impl SqlJournal {
    pub(super) async fn open_rows(
        &self,
        scope: Option<&CloudScope>,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        let sql = format!("{INVALIDATIONS} AND v.outcome IS NULL ORDER BY o.ordered_at, v.id");
        let rows = self.scoped(sql, scope, None).await?;
        let present = self.present().await?;
        rows.iter().map(|row| self.row_of(row, &present)).collect()
    }

    /// A picture of many thousand cells is not read where it was drawn, and of thousands of pictures those are read that
    /// were not seen yet.
    pub(super) async fn open_rows_for(
        &self,
        scope: &CloudScope,
        reader: MemberId,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        let sql = INVALIDATIONS.replace("s.picture", "s.taken_at");
        let list = format!("{sql} AND v.outcome IS NULL ORDER BY o.ordered_at, v.id");
        let rows = self.scoped(list, Some(scope), None).await?;
        let present = self.present().await?;
        let reader = reader.to_string();
        let mut taken = HashMap::with_capacity(rows.len());
        for row in &rows {
            let others = column::<Option<&str>>(row, "holder")? != Some(reader.as_str());
            if let Some(at) = column::<Option<i64>>(row, "taken_at")?.filter(|_| others) {
                taken.insert(id_of(row, "id")?, at);
            }
        }
        // nobody waits for this reading: who comes meanwhile finds nothing, and reads for itself
        let mut pictures = std::mem::take(&mut *self.pictures.lock().await);
        pictures.retain(|id, (at, _)| taken.get(id).copied() == Some(*at));
        let new = taken.keys().filter(|id| !pictures.contains_key(id)).collect::<Vec<_>>();
        for some in new.chunks(PICTURES_AT_ONCE) {
            let of = some.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
            let sql = format!(
                "SELECT invalidation, taken_at, picture FROM snapshot WHERE invalidation IN ({of})"
            );
            let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            let read = query.fetch_all(&self.link.pool()).await;
            for row in &read.map_err(|error| faults::reading(&self.location, &error))? {
                let picture = serde_json::from_str(column(row, "picture")?).ok().map(Arc::new);
                pictures.insert(id_of(row, "invalidation")?, (column(row, "taken_at")?, picture));
            }
        }
        let read = |row: &AnyRow| {
            let known = pictures.get(&id_of::<InvalidationId>(row, "id")?);
            let picture = known.and_then(|(_, picture)| picture.as_deref().cloned());
            self.row_with(row, &present, picture)
        };
        let told = rows.iter().map(read).collect();
        *self.pictures.lock().await = pictures;
        told
    }

    pub(super) async fn ended_rows(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        let sql = format!(
            "{INVALIDATIONS} AND v.outcome IS NOT NULL ORDER BY v.ended_at DESC, v.id DESC LIMIT $5"
        );
        let rows = self.scoped(sql, scope, Some(limit)).await?;
        let present = self.present().await?;
        rows.iter().map(|row| self.row_of(row, &present)).collect()
    }

    pub(super) async fn one_row(
        &self,
        id: InvalidationId,
    ) -> Result<InvalidationRow, JournalError> {
        let query = sqlx::query(AssertSqlSafe(format!("{INVALIDATIONS} AND v.id = $5")));
        let found = query
            .bind("")
            .bind("")
            .bind("")
            .bind(0_i64)
            .bind(id.to_string())
            .fetch_optional(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
        let row = found.ok_or_else(|| JournalError::Unknown { prefix: id.to_string() })?;
        self.row_of(&row, &self.present().await?)
    }

    /// Newest order, newest act, newest end, and how many watches and jobs are open.
    pub(super) async fn pulse_text(&self) -> Result<String, JournalError> {
        const PULSE: &str = "SELECT COALESCE((SELECT MAX(id) FROM operation), '') AS ordered, \
            COALESCE((SELECT MAX(id) FROM act), '') AS acted, \
            COALESCE((SELECT MAX(ended_at) FROM invalidation WHERE outcome IS NOT NULL), 0) AS ended, \
            (SELECT COUNT(*) FROM invalidation WHERE outcome IS NULL) AS watches, \
            (SELECT COUNT(*) FROM job WHERE ended_at IS NULL) AS jobs";
        let row = sqlx::query(PULSE)
            .fetch_one(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
        let (ordered, acted): (String, String) = (column(&row, "ordered")?, column(&row, "acted")?);
        let counts: [i64; 3] =
            [column(&row, "ended")?, column(&row, "watches")?, column(&row, "jobs")?];
        Ok(format!("{ordered} {acted} {counts:?}"))
    }

    pub(super) async fn activity_rows(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        let sql = ACTIVITY.replace("{of}", of_scope(scope)).replace("{names}", "");
        let rows = self.scoped(sql, scope, Some(limit)).await?;
        rows.iter().map(activity_of).collect()
    }

    /// Operations that named `key`, as source or target.
    pub(super) async fn activity_rows_of(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        let sql = ACTIVITY.replace("{of}", of_scope(Some(scope))).replace("{names}", NAMES);
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(scope.cloud_name.clone())
            .bind(scope.api.clone())
            .bind(stored_scope(scope).to_owned())
            .bind(1_i64)
            .bind(i64::from(limit))
            .bind(key.public_id.as_str())
            .bind(key.resource_type.as_str())
            .bind(key.delivery_type.as_str())
            .fetch_all(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
        rows.iter().map(activity_of).collect()
    }

    pub(super) async fn find_by_prefix(
        &self,
        prefix: &str,
    ) -> Result<InvalidationId, JournalError> {
        let unknown = || JournalError::Unknown { prefix: clean(prefix.trim()).into_owned() };
        let pattern = like_pattern(prefix).ok_or_else(unknown)?;
        let rows = sqlx::query(
            "SELECT id FROM invalidation WHERE id LIKE $1 OR operation LIKE $1 ORDER BY id",
        )
        .bind(pattern)
        .fetch_all(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        match rows.as_slice() {
            [] => Err(unknown()),
            [one] => id_of(one, "id"),
            many => Err(JournalError::Ambiguous {
                prefix: clean(prefix.trim()).into_owned(),
                count: many.len(),
            }),
        }
    }

    async fn scoped(
        &self,
        sql: String,
        scope: Option<&CloudScope>,
        limit: Option<u32>,
    ) -> Result<Vec<AnyRow>, JournalError> {
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(scope.map(|scope| scope.cloud_name.clone()).unwrap_or_default())
            .bind(scope.map(|scope| scope.api.clone()).unwrap_or_default())
            .bind(scope.map(|scope| stored_scope(scope).to_owned()).unwrap_or_default())
            .bind(i64::from(scope.is_some()));
        let query = match limit {
            Some(limit) => query.bind(i64::from(limit)),
            None => query,
        };
        query
            .fetch_all(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))
    }

    fn row_of(&self, row: &AnyRow, present: &Present) -> Result<InvalidationRow, JournalError> {
        // A picture that this version cannot read is worth less than the list it would break.
        let picture = column::<Option<&str>>(row, "picture")?;
        let picture = picture.and_then(|picture| serde_json::from_str(picture).ok());
        self.row_with(row, present, picture)
    }

    fn row_with(
        &self,
        row: &AnyRow,
        present: &Present,
        picture: Option<WatchSnapshot>,
    ) -> Result<InvalidationRow, JournalError> {
        let ended = ending_of(row)?;
        let snapshot = picture.map(|mut snapshot| {
            // The row is newer: ended as its cloud was gone, or taken up again.
            if snapshot.ended != ended {
                match &ended {
                    Some(ending) => {
                        snapshot.phase = Phase::Ended;
                        snapshot.sentence.clone_from(&ending.sentence);
                    }
                    None => snapshot.phase = Phase::Probing,
                }
                snapshot.ended.clone_from(&ended);
            }
            snapshot
        });
        Ok(InvalidationRow {
            id: id_of(row, "id")?,
            operation: operation_of(row)?,
            label: clean(column(row, "label")?).into_owned(),
            by: orderer(row)?,
            from: came_from(row)?,
            tracked_by: self.tracker(row, present)?,
            snapshot,
            ended,
        })
    }

    /// Who holds a lease that has not run out, and is not known to be dead.
    fn tracker(&self, row: &AnyRow, present: &Present) -> Result<Option<String>, JournalError> {
        let until: i64 = column(row, "lease_until")?;
        let held = column::<Option<&str>>(row, "holder")?.is_some();
        let now = self.latest.load(Ordering::Relaxed);
        if !held || until <= now || present.lacks_in(row, "holder", "holder_seen", now)? {
            return Ok(None);
        }
        let Some(user) = column::<Option<&str>>(row, "holder_user")? else {
            return Ok(Some("a process that never joined".to_owned()));
        };
        let (host, realm): (&str, &str) =
            (column(row, "holder_host")?, column(row, "holder_realm")?);
        let pid: i64 = column(row, "holder_pid")?;
        Ok((!self.is_dead(realm, pid)).then(|| format!("{} {pid}", who(user, host))))
    }
}

fn activity_of(row: &AnyRow) -> Result<ActivityRow, JournalError> {
    Ok(ActivityRow {
        operation: operation_of(row)?,
        by: orderer(row)?,
        from: came_from(row)?,
        label: clean(column(row, "label")?).into_owned(),
        items: count(row, "items")?,
        accepted: count(row, "accepted")?,
        failed: count(row, "failed")?,
        invalidation: optional_id(row, "invalidation")?,
        ended: ending_of(row)?,
    })
}

/// The LIKE pattern of an ID that begins with `typed`, hyphens or not; `None` when no ID does.
pub(super) fn like_pattern(typed: &str) -> Option<String> {
    let digits: Vec<char> =
        typed.trim().chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let fits = (SHORTEST_PREFIX..=32).contains(&digits.len());
    if !fits || !digits.iter().all(char::is_ascii_hexdigit) {
        return None;
    }
    let mut pattern = String::with_capacity(37);
    for (position, digit) in digits.iter().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            pattern.push('-');
        }
        pattern.push(*digit);
    }
    pattern.push('%');
    Some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("01a2b3", Some("01a2b3%"))]
    #[case(" 01A2B3C4d ", Some("01a2b3c4-d%"))]
    #[case("01a2b3c4-d5e6-7000-8", Some("01a2b3c4-d5e6-7000-8%"))]
    #[case("01a2b", None)]
    #[case("01a2b%", None)]
    #[case("press/hero", None)]
    fn a_beginning_becomes_a_pattern(#[case] typed: &str, #[case] pattern: Option<&str>) {
        assert_eq!(like_pattern(typed).as_deref(), pattern);
    }
}
