//! Intents and outcomes: what is about to be sent, what was, and what became of it.

use std::collections::{HashMap, HashSet};

use sqlx::Row;

use super::faults;
use super::job_runs::is_run;
use super::rows::{item_of, operation_of, stored_scope};
use super::sql::{Value, Writing, json, row};
use super::sql_journal::SqlJournal;
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId};
use crate::domain::invalidation::{
    CloudScope, Invalidation, Item, ItemState, Operation, WatchedName, WatchedUrl, label_of,
};
use crate::domain::time::Timestamp;
use crate::domain::verdict::{Content, Stored};
use crate::ports::journal::{Intent, JournalError};

impl SqlJournal {
    pub(super) async fn record_intent(&self, intent: &Intent) -> Result<(), JournalError> {
        let operation = &intent.operation;
        let mut writing = self.begin().await?;
        let cloud = writing.cloud(&operation.scope).await?;
        let mut ordered_at = operation.at.as_millisecond();
        if self.link.keeps_time() {
            ordered_at = writing.after_earlier_orders(&cloud, ordered_at).await?;
        }
        writing
            .insert::<10>(
                "operation (id, cloud, member, verb, ordered_at, command_line, note, invalidate, label, items)",
                "",
                row([
                    operation.id.to_string().into(),
                    cloud.as_str().into(),
                    operation.member.to_string().into(),
                    operation.verb.as_str().into(),
                    ordered_at.into(),
                    operation.command_line.as_str().into(),
                    operation.note.clone().into(),
                    operation.invalidate.into(),
                    label_of(&intent.items).into(),
                    intent.items.len().into(),
                ]),
            )
            .await?;
        writing
            .insert::<12>(
                "item (id, operation, seq, resource_type, delivery_type, public_id, \
                 to_resource_type, to_delivery_type, to_public_id, state, sent_at, message)",
                "",
                Box::new(intent.items.iter().enumerate().map(|(seq, item)| item_values(seq, item))),
            )
            .await?;
        if let Some(invalidation) = &intent.invalidation {
            writing.invalidation(invalidation).await?;
            let at = operation.at.as_millisecond();
            writing.names(invalidation.id, 0, &invalidation.names).await?;
            writing.contents(&cloud, contents_of(&invalidation.names, at)).await?;
            writing.urls(invalidation.id, 0, &invalidation.urls).await?;
        }
        if let Some(job) = &intent.job {
            writing.job(operation, job).await?;
        }
        writing.commit().await
    }

    pub(super) async fn add_watched(
        &self,
        invalidation: InvalidationId,
        names: &[WatchedName],
        urls: &[WatchedUrl],
    ) -> Result<(), JournalError> {
        let mut writing = self.begin().await?;
        let row = sqlx::query(
            "SELECT o.cloud, o.ordered_at, \
             (SELECT COUNT(*) FROM watched_name n WHERE n.invalidation = v.id) AS names, \
             (SELECT COUNT(*) FROM watched_url u WHERE u.invalidation = v.id) AS urls \
             FROM invalidation v JOIN operation o ON o.id = v.operation WHERE v.id = $1",
        )
        .bind(invalidation.to_string())
        .fetch_optional(writing.connection())
        .await
        .and_then(|row| {
            row.map(|row| {
                Ok((
                    row.try_get("cloud")?,
                    row.try_get("ordered_at")?,
                    row.try_get("names")?,
                    row.try_get("urls")?,
                ))
            })
            .transpose()
        })
        .map_err(|error| faults::reading(&self.location, &error))?;
        let Some((cloud, at, known_names, known_urls)): Option<(String, i64, i64, i64)> = row
        else {
            return Err(JournalError::Unknown { prefix: invalidation.to_string() });
        };
        writing.names(invalidation, known_names, names).await?;
        writing.contents(&cloud, contents_of(names, at)).await?;
        writing.urls(invalidation, known_urls, urls).await?;
        writing.commit().await
    }

    /// # Errors
    /// [`JournalError::Write`] when one of the items was skipped meanwhile, by another process that took this one
    /// for dead: none of the calls may leave then.
    pub(super) async fn mark_items_sent(
        &self,
        items: &[ItemId],
        at: Timestamp,
    ) -> Result<(), JournalError> {
        if items.is_empty() {
            return Ok(());
        }
        let items: HashSet<ItemId> = items.iter().copied().collect();
        let mut writing = self.begin().await?;
        let at = at.as_millisecond();
        let marked = writing
            .many::<2>(
                "UPDATE item SET state = 'sent', sent_at = v.column2 FROM (",
                ") AS v WHERE item.id = v.column1 AND item.state <> 'skipped'",
                Box::new(items.iter().map(|item| [item.to_string().into(), at.into()])),
            )
            .await?;
        if marked != items.len() as u64 {
            return Err(JournalError::Write {
                detail: format!(
                    "{} of {} assets were not there to be marked as sent: another process took them for given up",
                    items.len() as u64 - marked.min(items.len() as u64),
                    items.len()
                ),
            });
        }
        writing.commit().await
    }

    /// # Errors
    /// [`JournalError::Write`] when an item is unknown, or was sent and would become skipped: nothing is settled then.
    pub(super) async fn settle_items(
        &self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let mut writing = self.begin().await?;
        writing.settle(outcomes).await?;
        writing.commit().await
    }

    pub(super) async fn unsettled_items(
        &self,
        scope: &CloudScope,
        silent_since: Timestamp,
    ) -> Result<Vec<(Operation, Item)>, JournalError> {
        let silent_since = silent_since.as_millisecond();
        let instance = stored_scope(scope);
        let reading = |error: sqlx::Error| faults::reading(&self.location, &error);
        // Runners first: a large operation of a living process is not read.
        let operations = sqlx::query(
            "SELECT o.id, j.operation AS job, j.runner, j.lease_until, m.realm, m.pid, m.seen_at \
             FROM operation o JOIN cloud c ON c.id = o.cloud LEFT JOIN job j ON j.operation = o.id \
             LEFT JOIN member m ON m.id = (CASE WHEN j.operation IS NULL THEN o.member ELSE j.runner END) \
             WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 AND EXISTS \
             (SELECT 1 FROM item i WHERE i.operation = o.id AND i.state IN ('intended', 'sent')) ORDER BY o.id",
        )
        .bind(scope.cloud_name.as_str())
        .bind(scope.api.as_str())
        .bind(instance)
        .fetch_all(&self.link.pool())
        .await
        .map_err(reading)?;

        let mut found = Vec::new();
        for row in operations {
            if is_run(self, &row, silent_since).map_err(reading)? {
                continue;
            }
            let id: String = row.try_get("id").map_err(reading)?;
            let rows = sqlx::query(
                "SELECT o.id AS operation_id, o.member, o.verb, o.ordered_at, o.command_line, o.note, o.invalidate, \
                 c.cloud_name, c.api, c.instance, i.* \
                 FROM item i JOIN operation o ON o.id = i.operation JOIN cloud c ON c.id = o.cloud \
                 WHERE i.state IN ('intended', 'sent') AND o.id = $1 ORDER BY i.seq",
            )
            .bind(id)
            .fetch_all(&self.link.pool())
            .await
            .map_err(reading)?;
            for row in rows {
                found.push((operation_of(&row)?, item_of(&row)?));
            }
        }
        Ok(found)
    }
}

/// Clocks of members agree with the journal's within this; more is a clock that was set.
const CLOCKS_AGREE_MS: i64 = 5000;

impl Writing {
    /// `at`, or just after the latest order of a cloud that is there already: what was recorded later is later, whatever
    /// the last milliseconds of somebody's clock say.
    async fn after_earlier_orders(&mut self, cloud: &str, at: i64) -> Result<i64, JournalError> {
        let latest: Option<i64> =
            sqlx::query_scalar("SELECT MAX(ordered_at) FROM operation WHERE cloud = $1")
                .bind(cloud.to_owned())
                .fetch_one(self.connection())
                .await
                .map_err(|error| self.fault(&error))?;
        let next = latest.map_or(at, |latest| latest.saturating_add(1));
        Ok(if next > at && next - at <= CLOCKS_AGREE_MS { next } else { at })
    }

    /// The row of a cloud, made when it is new.
    pub(super) async fn cloud(&mut self, scope: &CloudScope) -> Result<String, JournalError> {
        let instance = stored_scope(scope);
        self.insert::<4>(
            "cloud (id, cloud_name, api, instance)",
            "ON CONFLICT (cloud_name, api, instance) DO NOTHING",
            row([
                uuid::Uuid::now_v7().to_string().into(),
                scope.cloud_name.as_str().into(),
                scope.api.as_str().into(),
                instance.into(),
            ]),
        )
        .await?;
        sqlx::query_scalar(
            "SELECT id FROM cloud WHERE cloud_name = $1 AND api = $2 AND instance = $3",
        )
        .bind(scope.cloud_name.as_str())
        .bind(scope.api.as_str())
        .bind(instance)
        .fetch_one(self.connection())
        .await
        .map_err(|error| self.fault(&error))
    }

    async fn invalidation(&mut self, invalidation: &Invalidation) -> Result<(), JournalError> {
        let ended = invalidation.ended.as_ref();
        self.insert::<7>(
            "invalidation (id, operation, terms, not_covered, outcome, ended_at, sentence)",
            "",
            row([
                invalidation.id.to_string().into(),
                invalidation.operation.id.to_string().into(),
                json(&invalidation.terms).into(),
                json(&invalidation.not_covered).into(),
                ended.map(|ending| ending.outcome.as_str().to_owned()).into(),
                ended.map(|ending| ending.at.as_millisecond()).into(),
                ended.map(|ending| ending.sentence.clone()).into(),
            ]),
        )
        .await?;
        Ok(())
    }

    /// Adds or replaces watched names; an OLD content that is known already is not forgotten.
    pub(super) async fn names(
        &mut self,
        invalidation: InvalidationId,
        first_seq: i64,
        names: &[WatchedName],
    ) -> Result<(), JournalError> {
        let unique: HashMap<&AssetKey, (i64, &WatchedName)> =
            (first_seq..).zip(names).map(|(seq, name)| (&name.key, (seq, name))).collect();
        self.insert::<12>(
            "watched_name (invalidation, resource_type, delivery_type, public_id, seq, item, must_live, \
             stored_before, stored_after, changed_at, superseded, gone)",
            "ON CONFLICT (invalidation, public_id, resource_type, delivery_type) DO UPDATE SET \
             item = excluded.item, must_live = excluded.must_live, \
             stored_before = COALESCE(excluded.stored_before, watched_name.stored_before), \
             stored_after = excluded.stored_after, changed_at = excluded.changed_at, \
             superseded = excluded.superseded, gone = excluded.gone",
            Box::new(unique.into_values().map(move |(seq, name)| name_values(invalidation, seq, name))),
        )
        .await?;
        Ok(())
    }

    /// Keeps contents that assets are known to have had, and when.
    pub(super) async fn contents<'a>(
        &mut self,
        cloud: &str,
        known: impl Iterator<Item = (&'a AssetKey, &'a Content, i64)>,
    ) -> Result<(), JournalError> {
        let mut unique: HashMap<(&AssetKey, String), i64> = HashMap::new();
        for (key, content, at) in known {
            let latest = unique.entry((key, json(content))).or_insert(at);
            *latest = at.max(*latest);
        }
        self.insert::<6>(
            "earlier_content (cloud, resource_type, delivery_type, public_id, content, known_at)",
            "ON CONFLICT (cloud, public_id, resource_type, delivery_type, content) DO UPDATE SET \
             known_at = excluded.known_at WHERE excluded.known_at > earlier_content.known_at",
            Box::new(unique.into_iter().map(|((key, content), at)| {
                [
                    cloud.into(),
                    key.resource_type.as_str().into(),
                    key.delivery_type.as_str().into(),
                    key.public_id.as_str().into(),
                    content.into(),
                    at.into(),
                ]
            })),
        )
        .await?;
        Ok(())
    }

    /// Adds or replaces watched URLs; an OLD content that is known already is not forgotten.
    async fn urls(
        &mut self,
        invalidation: InvalidationId,
        first_seq: i64,
        urls: &[WatchedUrl],
    ) -> Result<(), JournalError> {
        let unique: HashMap<_, _> =
            (first_seq..).zip(urls).map(|(seq, watched)| (&watched.url, (seq, watched))).collect();
        self.insert::<10>(
            "watched_url (invalidation, url, seq, item, resource_type, delivery_type, public_id, coverage, derived, \
             served_before)",
            "ON CONFLICT (invalidation, url) DO UPDATE SET item = excluded.item, coverage = excluded.coverage, \
             derived = excluded.derived, \
             served_before = COALESCE(excluded.served_before, watched_url.served_before)",
            Box::new(unique.into_values().map(move |(seq, watched)| url_values(invalidation, seq, watched))),
        )
        .await?;
        Ok(())
    }
}

/// Contents that watched names are known to have had at a time.
fn contents_of(names: &[WatchedName], at: i64) -> impl Iterator<Item = (&AssetKey, &Content, i64)> {
    let stored = names.iter().flat_map(|name| {
        [name.old.as_ref(), name.new.as_ref()]
            .into_iter()
            .flatten()
            .map(|stored| (&name.key, stored))
    });
    stored.filter_map(move |(key, stored)| match stored {
        Stored::Holds(content) => Some((key, content, at)),
        Stored::Empty => None,
    })
}

fn item_values(seq: usize, item: &Item) -> [Value; 12] {
    let to = item.to.as_ref();
    [
        item.id.to_string().into(),
        item.operation.to_string().into(),
        seq.into(),
        item.key.resource_type.as_str().into(),
        item.key.delivery_type.as_str().into(),
        item.key.public_id.as_str().into(),
        to.map(|key| key.resource_type.as_str().to_owned()).into(),
        to.map(|key| key.delivery_type.as_str().to_owned()).into(),
        to.map(|key| key.public_id.as_str().to_owned()).into(),
        item.state.as_str().into(),
        item.sent_at.map(Timestamp::as_millisecond).into(),
        item.message.clone().into(),
    ]
}

fn name_values(invalidation: InvalidationId, seq: i64, name: &WatchedName) -> [Value; 12] {
    [
        invalidation.to_string().into(),
        name.key.resource_type.as_str().into(),
        name.key.delivery_type.as_str().into(),
        name.key.public_id.as_str().into(),
        seq.into(),
        name.item.to_string().into(),
        name.must_live.into(),
        name.old.as_ref().map(json).into(),
        name.new.as_ref().map(json).into(),
        name.changed_at.map(Timestamp::as_millisecond).into(),
        name.superseded.into(),
        (!name.must_live && name.new == Some(Stored::Empty)).into(),
    ]
}

fn url_values(invalidation: InvalidationId, seq: i64, watched: &WatchedUrl) -> [Value; 10] {
    [
        invalidation.to_string().into(),
        json(&watched.url).into(),
        seq.into(),
        watched.item.to_string().into(),
        watched.key.resource_type.as_str().into(),
        watched.key.delivery_type.as_str().into(),
        watched.key.public_id.as_str().into(),
        json(&watched.coverage).into(),
        watched.derived.into(),
        watched.old.as_ref().map(json).into(),
    ]
}
