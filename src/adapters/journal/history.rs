//! What earlier operations tell about an asset: its contents, who changed it, when it was gone.

use std::time::Duration;

use sqlx::AssertSqlSafe;

use super::faults;
use super::rows::{column, operation_of, stored_scope, structure};
use super::sql::tuples_from;
use super::sql_journal::SqlJournal;
use crate::domain::asset::AssetKey;
use crate::domain::id::OperationId;
use crate::domain::invalidation::{CloudScope, Operation, Outcome};
use crate::domain::time::Timestamp;
use crate::domain::usual::Usual;
use crate::domain::verdict::Content;
use crate::ports::journal::JournalError;

/// Ended watches that later ones learn from.
const LEARNED_FROM: i64 = 20;

/// Contents that are remembered of one asset.
const MOST_CONTENTS: usize = 20;
/// Assets asked about in one statement.
const KEYS_AT_ONCE: usize = 32;

/// How an invalidation of a local cloud ends that no longer runs.
const GONE_SENTENCE: &str = "the local cloud it belonged to no longer runs";

impl SqlJournal {
    /// Of each asset, in the order asked.
    pub(super) async fn known_contents(
        &self,
        scope: &CloudScope,
        keys: &[AssetKey],
    ) -> Result<Vec<Vec<Content>>, JournalError> {
        let mut known = vec![Vec::new(); keys.len()];
        for (first, keys) in (0..).step_by(KEYS_AT_ONCE).zip(keys.chunks(KEYS_AT_ONCE)) {
            let sql = format!(
                "SELECT v.column1 AS asked, e.content FROM (VALUES {}) AS v \
                 JOIN earlier_content e ON e.public_id = v.column2 AND e.resource_type = v.column3 \
                 AND e.delivery_type = v.column4 JOIN cloud c ON c.id = e.cloud \
                 WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 \
                 ORDER BY e.known_at DESC, e.content",
                tuples_from(4, 4, keys.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql))
                .persistent(keys.len() == KEYS_AT_ONCE)
                .bind(scope.cloud_name.as_str())
                .bind(scope.api.as_str())
                .bind(stored_scope(scope));
            for (asked, key) in (first..).zip(keys) {
                query = query
                    .bind(asked)
                    .bind(key.public_id.as_str())
                    .bind(key.resource_type.as_str())
                    .bind(key.delivery_type.as_str());
            }
            let rows = query
                .fetch_all(&self.link.pool())
                .await
                .map_err(|error| faults::reading(&self.location, &error))?;
            for row in &rows {
                let asked: i64 = column(row, "asked")?;
                let of_one = usize::try_from(asked).ok().and_then(|asked| known.get_mut(asked));
                if let Some(of_one) = of_one.filter(|of_one| of_one.len() < MOST_CONTENTS) {
                    of_one.push(structure(row, "content")?);
                }
            }
        }
        Ok(known)
    }

    /// Operations that change storage only; a purge or a watch leaves the truth as it was. What counts is when the
    /// call for this asset left, not when the order was given.
    pub(super) async fn newest_change(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
        than: OperationId,
    ) -> Result<Option<Operation>, JournalError> {
        let row = sqlx::query(
            "SELECT o.id AS operation_id, o.member, o.verb, o.ordered_at, o.command_line, o.note, o.invalidate, \
             c.cloud_name, c.api, c.instance \
             FROM item i JOIN operation o ON o.id = i.operation JOIN cloud c ON c.id = o.cloud \
             WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 \
             AND ((i.public_id = $6 AND i.resource_type = $4 AND i.delivery_type = $5) \
             OR (i.to_public_id = $6 AND i.to_resource_type = $4 AND i.to_delivery_type = $5)) \
             AND i.state IN ('sent', 'accepted') AND o.verb IN ('rename', 'delete', 'replace', 'restore') \
             AND COALESCE(i.sent_at, o.ordered_at) > $7 AND o.id <> $8 \
             ORDER BY COALESCE(i.sent_at, o.ordered_at) DESC, o.id DESC LIMIT 1",
        )
        .bind(scope.cloud_name.as_str())
        .bind(scope.api.as_str())
        .bind(stored_scope(scope))
        .bind(key.resource_type.as_str())
        .bind(key.delivery_type.as_str())
        .bind(key.public_id.as_str())
        .bind(since.as_millisecond())
        .bind(than.to_string())
        .fetch_optional(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        row.as_ref().map(operation_of).transpose()
    }

    /// The same of many names. Mostly nobody else has changed anything since: that is one question.
    pub(super) async fn newest_changes(
        &self,
        scope: &CloudScope,
        names: &[(&AssetKey, Timestamp)],
        than: OperationId,
    ) -> Result<Vec<Option<Operation>>, JournalError> {
        let mut newest = vec![None; names.len()];
        let Some(since) = names.iter().map(|(_, since)| *since).min() else { return Ok(newest) };
        let others = sqlx::query(
            "SELECT o.id FROM operation o JOIN cloud c ON c.id = o.cloud \
             WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 \
             AND o.verb IN ('rename', 'delete', 'replace', 'restore') AND o.id <> $5 AND EXISTS ( \
             SELECT 1 FROM item i WHERE i.operation = o.id AND i.state IN ('sent', 'accepted') \
             AND COALESCE(i.sent_at, o.ordered_at) > $4) LIMIT 1",
        )
        .bind(scope.cloud_name.as_str())
        .bind(scope.api.as_str())
        .bind(stored_scope(scope))
        .bind(since.as_millisecond())
        .bind(than.to_string())
        .fetch_optional(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        if others.is_none() {
            return Ok(newest);
        }
        for (first, names) in (0..).step_by(KEYS_AT_ONCE).zip(names.chunks(KEYS_AT_ONCE)) {
            for asked in self.touched_by_others(first, names, than).await? {
                if let Some((key, since)) = asked.checked_sub(first).and_then(|at| names.get(at)) {
                    newest[asked] = self.newest_change(scope, key, *since, than).await?;
                }
            }
        }
        Ok(newest)
    }

    /// Which of these names, numbered from `first`, any other operation is about at all.
    async fn touched_by_others(
        &self,
        first: usize,
        names: &[(&AssetKey, Timestamp)],
        than: OperationId,
    ) -> Result<Vec<usize>, JournalError> {
        let sql = format!(
            "WITH v AS (VALUES {}) SELECT v.column1 AS asked FROM v JOIN item i \
             ON i.public_id = v.column2 AND i.resource_type = v.column3 AND i.delivery_type = v.column4 \
             WHERE i.operation <> $1 AND i.state IN ('sent', 'accepted') \
             UNION SELECT v.column1 AS asked FROM v JOIN item i ON i.to_public_id = v.column2 \
             AND i.to_resource_type = v.column3 AND i.to_delivery_type = v.column4 \
             WHERE i.operation <> $1 AND i.state IN ('sent', 'accepted')",
            tuples_from(2, 4, names.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .persistent(names.len() == KEYS_AT_ONCE)
            .bind(than.to_string());
        for (asked, (key, _)) in (first..).zip(names) {
            query = query
                .bind(i64::try_from(asked).unwrap_or(i64::MAX))
                .bind(key.public_id.as_str())
                .bind(key.resource_type.as_str())
                .bind(key.delivery_type.as_str());
        }
        let rows = query
            .fetch_all(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
        let asked = |row| Ok(usize::try_from(column::<i64>(row, "asked")?).unwrap_or(usize::MAX));
        rows.iter().map(asked).collect()
    }

    /// Also true of names that were deleted or renamed away without being watched: what matters is that a cache may
    /// have met an empty name.
    pub(super) async fn was_gone_since(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
    ) -> Result<bool, JournalError> {
        let row = sqlx::query(
            "SELECT 1 AS found FROM watched_name n JOIN invalidation v ON v.id = n.invalidation \
             JOIN operation o ON o.id = v.operation JOIN cloud c ON c.id = o.cloud \
             WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 AND n.gone = 1 \
             AND n.resource_type = $4 AND n.delivery_type = $5 AND n.public_id = $6 \
             AND (v.outcome IS NULL OR v.ended_at > $7) \
             UNION ALL \
             SELECT 1 FROM item i JOIN operation o ON o.id = i.operation JOIN cloud c ON c.id = o.cloud \
             WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 \
             AND i.resource_type = $4 AND i.delivery_type = $5 AND i.public_id = $6 \
             AND i.state = 'accepted' AND o.verb IN ('rename', 'delete') \
             AND COALESCE(i.sent_at, o.ordered_at) > $7 LIMIT 1",
        )
        .bind(scope.cloud_name.as_str())
        .bind(scope.api.as_str())
        .bind(stored_scope(scope))
        .bind(key.resource_type.as_str())
        .bind(key.delivery_type.as_str())
        .bind(key.public_id.as_str())
        .bind(since.as_millisecond())
        .fetch_optional(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        Ok(row.is_some())
    }

    /// Of the most recent watches that saw places let go; those that ordered nothing tell nothing.
    pub(super) async fn usual_times(&self, scope: &CloudScope) -> Result<Usual, JournalError> {
        let rows = sqlx::query(
            "SELECT k.invalidation, k.took FROM clearance k JOIN \
             (SELECT v.id FROM invalidation v JOIN operation o ON o.id = v.operation JOIN cloud c ON c.id = o.cloud \
             WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 AND v.outcome IS NOT NULL \
             AND o.verb <> 'watch' AND EXISTS (SELECT 1 FROM clearance x WHERE x.invalidation = v.id) \
             ORDER BY v.ended_at DESC, v.id DESC LIMIT $4) recent ON recent.id = k.invalidation \
             ORDER BY k.invalidation",
        )
        .bind(scope.cloud_name.as_str())
        .bind(scope.api.as_str())
        .bind(stored_scope(scope))
        .bind(LEARNED_FROM)
        .fetch_all(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        let mut watches = std::collections::BTreeMap::<String, Vec<Duration>>::new();
        for row in &rows {
            let took: i64 = column(row, "took")?;
            let took = Duration::from_millis(u64::try_from(took).unwrap_or_default());
            watches.entry(column(row, "invalidation")?).or_default().push(took);
        }
        Ok(Usual::of(&watches.into_values().collect::<Vec<_>>()))
    }

    /// Also settles what those clouds were never asked, so that nobody asks another cloud about it.
    pub(super) async fn end_gone_clouds(
        &self,
        api: &str,
        running: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        let now = self.learn_time(now);
        let running = running.unwrap_or_default();
        let mut writing = self.begin().await?;
        let ended = writing
            .run(
                sqlx::query(
                    "UPDATE invalidation SET outcome = $1, ended_at = $2, sentence = $3, \
                     holder = NULL, lease_until = 0, fencing = fencing + 1 \
                     WHERE outcome IS NULL AND operation IN \
                     (SELECT o.id FROM operation o JOIN cloud c ON c.id = o.cloud \
                     WHERE c.api = $4 AND c.instance <> '' AND c.instance <> $5)",
                )
                .bind(Outcome::CloudGone.as_str())
                .bind(now)
                .bind(GONE_SENTENCE)
                .bind(api.to_owned())
                .bind(running.to_owned()),
            )
            .await?;
        writing
            .run(
                sqlx::query(
                    "UPDATE item SET state = CASE state WHEN 'intended' THEN 'skipped' ELSE 'failed' END, \
                     message = $1 WHERE state IN ('intended', 'sent') AND operation IN \
                     (SELECT o.id FROM operation o JOIN cloud c ON c.id = o.cloud \
                     WHERE c.api = $2 AND c.instance <> '' AND c.instance <> $3)",
                )
                .bind(GONE_SENTENCE)
                .bind(api.to_owned())
                .bind(running.to_owned()),
            )
            .await?;
        writing
            .run(
                sqlx::query(
                    "UPDATE job SET ended_at = $1, runner = NULL, lease_until = 0, fencing = fencing + 1 \
                     WHERE ended_at IS NULL AND operation IN \
                     (SELECT o.id FROM operation o JOIN cloud c ON c.id = o.cloud \
                     WHERE c.api = $2 AND c.instance <> '' AND c.instance <> $3)",
                )
                .bind(now)
                .bind(api.to_owned())
                .bind(running.to_owned()),
            )
            .await?;
        writing.commit().await?;
        Ok(ended)
    }
}
