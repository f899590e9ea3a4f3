//! Jobs as lists show them, what operators want of them, and what they did.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::faults;
use super::lists::{like_pattern, of_scope};
use super::presence::Present;
use super::rows::{
    before_of, came_from, column, count, id_of, item_of, operation_of, optional_id,
    optional_structure, optional_time, orderer, refused_of, stored_scope, structure, time, who_of,
    word,
};
use super::sql::{Writing, row, storable, who};
use super::sql_journal::SqlJournal;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::{MemberId, OperationId};
use crate::domain::invalidation::{CloudScope, Item, ItemState};
use crate::domain::job::{
    Act, ActKind, ActRow, ItemFilter, JobCounts, JobRow, JobState, JobTerms, JobWait, Slice, Wish,
};
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ports::journal::{ByUrl, JobWork, JobsOf, JournalError};

/// A page of jobs first, read from an index in its order, then what is known of them; `{of}` is [`of_scope`].
const JOBS: &str = "SELECT p.operation_id, p.member, p.verb, p.ordered_at, p.command_line, p.note, p.invalidate, \
    p.label, p.cloud_name, p.api, p.instance, j.terms, j.not_before, j.wish, j.wished_at, j.runner, j.lease_until, \
    j.run_since, j.settled_before, j.wait_until, j.wait_because, j.started_at, j.ended_at, j.by_url, j.stopped_because, \
    m.user_name, m.host, m.ssh_client, w.user_name AS wish_user, w.host AS wish_host, \
    r.user_name AS run_user, r.host AS run_host, r.pid AS run_pid, r.realm AS run_realm, r.seen_at AS run_seen, v.id AS invalidation, \
    (SELECT COUNT(*) FROM item i WHERE i.operation = p.operation_id AND i.state = 'intended') AS n_intended, \
    (SELECT COUNT(*) FROM item i WHERE i.operation = p.operation_id AND i.state = 'sent') AS n_sent, \
    (SELECT COUNT(*) FROM item i WHERE i.operation = p.operation_id AND i.state = 'accepted') AS n_accepted, \
    (SELECT COUNT(*) FROM item i WHERE i.operation = p.operation_id AND i.state = 'not_found') AS n_not_found, \
    (SELECT COUNT(*) FROM item i WHERE i.operation = p.operation_id AND i.state = 'failed') AS n_failed, \
    (SELECT COUNT(*) FROM item i WHERE i.operation = p.operation_id AND i.state = 'skipped') AS n_skipped, \
    (SELECT COUNT(*) FROM refused f WHERE f.operation = p.operation_id) AS n_refused, \
    (SELECT COUNT(*) FROM hand h WHERE h.operation = p.operation_id AND h.lease_until > $7) AS n_hands \
    FROM (SELECT o.id AS operation_id, o.member, o.verb, o.ordered_at, o.command_line, o.note, o.invalidate, o.label, \
    c.cloud_name, c.api, c.instance FROM job k JOIN operation o ON o.id = k.operation JOIN cloud c ON c.id = o.cloud \
    WHERE {of} AND {only} \
    ORDER BY o.ordered_at DESC, o.id DESC LIMIT $5) AS p \
    JOIN job j ON j.operation = p.operation_id LEFT JOIN invalidation v ON v.operation = p.operation_id \
    LEFT JOIN member m ON m.id = p.member LEFT JOIN member w ON w.id = j.wished_by \
    LEFT JOIN member r ON r.id = j.runner ORDER BY p.ordered_at DESC, p.operation_id DESC";

/// An operation with its job; `$1` is its ID.
const ORDERED: &str = "SELECT o.id AS operation_id, o.member, o.verb, o.ordered_at, o.command_line, o.note, o.invalidate, \
    c.cloud_name, c.api, c.instance, j.terms, j.by_url, v.id AS invalidation \
    FROM operation o JOIN cloud c ON c.id = o.cloud LEFT JOIN job j ON j.operation = o.id \
    LEFT JOIN invalidation v ON v.operation = o.id WHERE o.id = $1";

impl SqlJournal {
    pub(super) async fn job_rows(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
        now: Timestamp,
        only: Option<OperationId>,
    ) -> Result<Vec<JobRow>, JournalError> {
        self.learn_time(now);
        let present = self.present().await?;
        let one = if only.is_some() { "o.id = $6" } else { "$6 = ''" };
        let sql = JOBS.replace("{of}", of_scope(scope)).replace("{only}", one);
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(scope.map(|scope| scope.cloud_name.clone()).unwrap_or_default())
            .bind(scope.map(|scope| scope.api.clone()).unwrap_or_default())
            .bind(scope.map(|scope| stored_scope(scope).to_owned()).unwrap_or_default())
            .bind(i64::from(scope.is_some()))
            .bind(i64::from(limit))
            .bind(only.map(|only| only.to_string()).unwrap_or_default())
            .bind(now.as_millisecond())
            .fetch_all(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
        rows.iter().map(|row| self.job_of(row, &present, now)).collect()
    }

    pub(super) async fn one_job(
        &self,
        operation: OperationId,
        now: Timestamp,
    ) -> Result<JobRow, JournalError> {
        let found = self.job_rows(None, 1, now, Some(operation)).await?;
        found
            .into_iter()
            .next()
            .ok_or_else(|| JournalError::UnknownJob { prefix: operation.to_string() })
    }

    fn job_of(
        &self,
        row: &AnyRow,
        present: &Present,
        now: Timestamp,
    ) -> Result<JobRow, JournalError> {
        let counts = JobCounts {
            intended: count(row, "n_intended")?,
            sent: count(row, "n_sent")?,
            accepted: count(row, "n_accepted")?,
            not_found: count(row, "n_not_found")?,
            failed: count(row, "n_failed")?,
            skipped: count(row, "n_skipped")?,
            refused: count(row, "n_refused")?,
            to_name: optional_structure::<Vec<DeliveryUrl>>(row, "by_url")?
                .map_or(0, |urls| urls.len()),
        };
        let wish = word(row, "wish", &Wish::ALL, Wish::as_str)?;
        let not_before = optional_time(row, "not_before")?;
        let run_by = with_hands(self.runner(row, present, now)?, count(row, "n_hands")?);
        let terms: JobTerms = structure(row, "terms")?;
        let wait = optional_time(row, "wait_until")?
            .zip(column::<Option<&str>>(row, "wait_because")?)
            .filter(|(until, _)| run_by.is_some() && *until > now)
            .map(|(until, because)| JobWait { until, because: clean(because).into_owned() });
        Ok(JobRow {
            operation: operation_of(row)?,
            by: orderer(row)?,
            from: came_from(row)?,
            label: clean(column(row, "label")?).into_owned(),
            state: JobState::of(&counts, wish, run_by.is_some(), not_before, now),
            wish,
            wished_by: who_of(row, "wish_user", "wish_host")?,
            wished_at: optional_time(row, "wished_at")?,
            counts,
            run_by,
            // what is left may not need what the journal does not keep
            resumable: terms.resumable || counts.unsettled() == 0,
            not_before,
            wait,
            stopped: column::<Option<&str>>(row, "stopped_because")?
                .map(|because| clean(because).into_owned()),
            run_since: time(row, "run_since")?,
            settled_before: count(row, "settled_before")?,
            started_at: optional_time(row, "started_at")?,
            ended_at: optional_time(row, "ended_at")?,
            invalidation: optional_id(row, "invalidation")?,
        })
    }

    /// Who runs a job and is not known to be dead.
    fn runner(
        &self,
        row: &AnyRow,
        present: &Present,
        now: Timestamp,
    ) -> Result<Option<String>, JournalError> {
        let held = column::<Option<&str>>(row, "runner")?.is_some();
        let now = now.as_millisecond();
        if !held || column::<i64>(row, "lease_until")? <= now {
            return Ok(None);
        }
        if present.lacks_in(row, "runner", "run_seen", now)? {
            return Ok(None);
        }
        let Some(user) = column::<Option<&str>>(row, "run_user")? else {
            return Ok(Some("a process that never joined".to_owned()));
        };
        let (host, realm): (&str, &str) = (column(row, "run_host")?, column(row, "run_realm")?);
        let pid: i64 = column(row, "run_pid")?;
        Ok((!self.is_dead(realm, pid)).then(|| format!("{} {pid}", who(user, host))))
    }

    pub(super) async fn find_job_by_prefix(
        &self,
        prefix: &str,
    ) -> Result<OperationId, JournalError> {
        let shown = || clean(prefix.trim()).into_owned();
        let pattern =
            like_pattern(prefix).ok_or_else(|| JournalError::UnknownJob { prefix: shown() })?;
        let rows = sqlx::query(
            "SELECT j.operation FROM job j LEFT JOIN invalidation v ON v.operation = j.operation \
             WHERE j.operation LIKE $1 OR v.id LIKE $1 ORDER BY j.operation",
        )
        .bind(pattern)
        .fetch_all(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        match rows.as_slice() {
            [] => Err(JournalError::UnknownJob { prefix: shown() }),
            [one] => id_of(one, "operation"),
            many => Err(JournalError::Ambiguous { prefix: shown(), count: many.len() }),
        }
    }

    pub(super) async fn items_of_job(
        &self,
        operation: OperationId,
        filter: ItemFilter,
        slice: Slice,
    ) -> Result<Vec<Item>, JournalError> {
        let states = ItemState::ALL.into_iter().filter(|state| filter.takes(*state));
        let states = states.map(|state| format!("'{}'", state.as_str())).collect::<Vec<_>>();
        let sql = format!(
            "SELECT * FROM item WHERE operation = $1 AND state IN ({}) ORDER BY seq LIMIT $2 OFFSET $3",
            states.join(",")
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(operation.to_string())
            .bind(i64::from(slice.limit))
            .bind(i64::from(slice.offset))
            .fetch_all(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
        rows.iter().map(item_of).collect()
    }

    pub(super) async fn work_of_job(
        &self,
        operation: OperationId,
    ) -> Result<JobWork, JournalError> {
        let id = operation.to_string();
        let reading = |error: sqlx::Error| faults::reading(&self.location, &error);
        let mut transaction = self.link.snapshot().await.map_err(reading)?;
        let found = sqlx::query(ORDERED)
            .bind(&id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(reading)?
            .ok_or_else(|| JournalError::UnknownJob { prefix: id.clone() })?;
        // OLD of the name that the item is about, not of the new name of a rename.
        let items = sqlx::query(
            "SELECT i.*, n.stored_before AS watched_before FROM item i LEFT JOIN watched_name n \
             ON n.invalidation = $2 AND n.public_id = i.public_id AND n.resource_type = i.resource_type \
             AND n.delivery_type = i.delivery_type WHERE i.operation = $1 ORDER BY i.seq",
        )
        .bind(&id)
        .bind(column::<Option<String>>(&found, "invalidation")?);
        let read = |row: &AnyRow| Ok((item_of(row)?, before_of(row)?));
        let items = self.each(items, &mut transaction, read).await?;
        let refused = sqlx::query("SELECT * FROM refused WHERE operation = $1 ORDER BY seq")
            .bind(&id)
            .fetch_all(&mut *transaction)
            .await
            .map_err(reading)?;
        transaction.rollback().await.map_err(reading)?;
        let (items, before): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        Ok(JobWork {
            operation: operation_of(&found)?,
            terms: optional_structure(&found, "terms")?,
            invalidation: optional_id(&found, "invalidation")?,
            before: before.into_iter().flatten().collect(),
            items,
            refused: refused.iter().map(refused_of).collect::<Result<_, _>>()?,
            by_url: ByUrl {
                urls: optional_structure(&found, "by_url")?.unwrap_or_default(),
                lost: 0,
            },
        })
    }

    /// What was ordered and how, without what it is about.
    pub(super) async fn terms_of_job(
        &self,
        operation: OperationId,
    ) -> Result<JobWork, JournalError> {
        let found = sqlx::query(ORDERED)
            .bind(operation.to_string())
            .fetch_optional(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?
            .ok_or_else(|| JournalError::UnknownJob { prefix: operation.to_string() })?;
        Ok(JobWork {
            operation: operation_of(&found)?,
            terms: optional_structure(&found, "terms")?,
            invalidation: optional_id(&found, "invalidation")?,
            items: Vec::new(),
            before: HashMap::new(),
            refused: Vec::new(),
            by_url: ByUrl::default(),
        })
    }

    pub(super) async fn wish_of_jobs(
        &self,
        of: JobsOf<'_>,
        wish: Wish,
        by: MemberId,
        now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError> {
        let at = self.learn_time(now);
        let present = self.present().await?;
        let mut writing = self.begin().await?;
        let (scope, one) = match of {
            JobsOf::One(operation) => (None, operation.to_string()),
            JobsOf::Cloud(scope) => (Some(scope), String::new()),
        };
        let rows = sqlx::query(
            "SELECT j.operation, o.cloud, j.wish, j.terms, j.runner, j.lease_until, \
             r.user_name AS run_user, r.host AS run_host, r.pid AS run_pid, r.realm AS run_realm, r.seen_at AS run_seen \
             FROM job j JOIN operation o ON o.id = j.operation JOIN cloud c ON c.id = o.cloud \
             LEFT JOIN member r ON r.id = j.runner \
             WHERE j.ended_at IS NULL AND (j.operation = $1 OR ($2 = c.cloud_name AND $3 = c.api AND $4 = c.instance)) \
             ORDER BY j.operation",
        )
        .bind(one)
        .bind(scope.map(|scope| scope.cloud_name.clone()).unwrap_or_default())
        .bind(scope.map(|scope| scope.api.clone()).unwrap_or_default())
        .bind(scope.map(|scope| stored_scope(scope).to_owned()).unwrap_or_default())
        .fetch_all(writing.connection())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        let mut changed = Vec::new();
        for row in &rows {
            let known = word(row, "wish", &Wish::ALL, Wish::as_str)?;
            if !is_heard(known, wish, scope.is_some()) {
                continue;
            }
            let operation: OperationId = id_of(row, "operation")?;
            writing.wish(operation, wish, by, at).await?;
            writing
                .act(
                    column(row, "cloud")?,
                    &Act {
                        kind: ActKind::of(wish),
                        by,
                        at: now,
                        operation: Some(operation),
                        note: None,
                    },
                )
                .await?;
            // of a shared job nobody alone knows what is left
            let is_shared = structure::<JobTerms>(row, "terms")?.shared;
            if wish == Wish::Cancel && (is_shared || self.runner(row, &present, now)?.is_none()) {
                writing.skip_intended(operation, "cancelled before it was sent").await?;
                writing.end_job_if_over(operation, at).await?;
            }
            changed.push(operation);
        }
        writing.commit().await?;
        Ok(changed)
    }

    pub(super) async fn keep_act(&self, scope: &CloudScope, act: &Act) -> Result<(), JournalError> {
        let mut writing = self.begin().await?;
        let cloud = writing.cloud(scope).await?;
        writing.act(&cloud, act).await?;
        writing.commit().await
    }

    pub(super) async fn act_rows(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActRow>, JournalError> {
        let sql = format!(
            "SELECT a.kind, a.at, a.operation, a.note, o.label, m.user_name, m.host, m.ssh_client \
             FROM act a LEFT JOIN operation o ON o.id = a.operation LEFT JOIN member m ON m.id = a.member \
             WHERE {} ORDER BY a.at DESC, a.id DESC LIMIT $5",
            of_scope(scope).replace("o.cloud", "a.cloud")
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(scope.map(|scope| scope.cloud_name.clone()).unwrap_or_default())
            .bind(scope.map(|scope| scope.api.clone()).unwrap_or_default())
            .bind(scope.map(|scope| stored_scope(scope).to_owned()).unwrap_or_default())
            .bind(i64::from(scope.is_some()))
            .bind(i64::from(limit))
            .fetch_all(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
        let shown = |row: &AnyRow, name: &'static str| -> Result<Option<String>, JournalError> {
            Ok(column::<Option<&str>>(row, name)?.map(|text| clean(text).into_owned()))
        };
        let act = |row: &AnyRow| {
            Ok(ActRow {
                kind: word(row, "kind", &ActKind::ALL, ActKind::as_str)?,
                at: time(row, "at")?,
                by: orderer(row)?,
                from: came_from(row)?,
                operation: optional_id(row, "operation")?,
                label: shown(row, "label")?,
                note: shown(row, "note")?,
            })
        };
        rows.iter().map(act).collect()
    }
}

/// Who works on a job: who runs it, and how many help.
fn with_hands(runner: Option<String>, hands: usize) -> Option<String> {
    match (runner, hands) {
        (runner, 0) => runner,
        (Some(runner), hands) => Some(format!("{runner} and {hands} more")),
        (None, hands) => Some(format!("{hands} that help, and nobody that runs it yet")),
    }
}

/// Whether a wish changes one that is known: cancelling is the last word, and what is asked of all jobs leaves those
/// alone that somebody asked something else of.
fn is_heard(known: Wish, wish: Wish, of_all: bool) -> bool {
    match (known, wish) {
        (Wish::Cancel, _) => false,
        (_, Wish::Cancel) | (Wish::Hold, Wish::Run) | (Wish::Run, Wish::Pause | Wish::Hold) => true,
        (known, wish) => known != wish && !of_all,
    }
}

impl Writing {
    pub(super) async fn wish(
        &mut self,
        operation: OperationId,
        wish: Wish,
        by: MemberId,
        at: i64,
    ) -> Result<(), JournalError> {
        self.run(
            sqlx::query(
                "UPDATE job SET wish = $2, wished_by = $3, wished_at = $4, stopped_because = NULL WHERE operation = $1",
            )
            .bind(operation.to_string())
            .bind(wish.as_str())
            .bind(by.to_string())
            .bind(at),
        )
        .await?;
        if wish == Wish::Run {
            self.begin_run(operation, at).await?;
        }
        Ok(())
    }

    /// From here on its rate is counted.
    pub(super) async fn begin_run(
        &mut self,
        operation: OperationId,
        at: i64,
    ) -> Result<(), JournalError> {
        self.run(
            sqlx::query(
                "UPDATE job SET run_since = $2, settled_before = (SELECT COUNT(*) FROM item i \
                 WHERE i.operation = $1 AND i.state NOT IN ('intended', 'sent')) WHERE operation = $1",
            )
            .bind(operation.to_string())
            .bind(at),
        )
        .await?;
        Ok(())
    }

    pub(super) async fn skip_intended(
        &mut self,
        operation: OperationId,
        why: &str,
    ) -> Result<(), JournalError> {
        self.run(
            sqlx::query(
                "UPDATE item SET state = 'skipped', message = $2 WHERE operation = $1 AND state = 'intended'",
            )
            .bind(operation.to_string())
            .bind(storable(why.to_owned())),
        )
        .await?;
        Ok(())
    }

    /// Notes when the last item of a job was settled.
    pub(super) async fn end_job_if_over(
        &mut self,
        operation: OperationId,
        at: i64,
    ) -> Result<(), JournalError> {
        self.run(
            sqlx::query(
                "UPDATE job SET ended_at = $2 WHERE operation = $1 AND ended_at IS NULL \
                 AND (by_url IS NULL OR wish = 'cancel') AND NOT EXISTS \
                 (SELECT 1 FROM item i WHERE i.operation = $1 AND i.state IN ('intended', 'sent'))",
            )
            .bind(operation.to_string())
            .bind(at),
        )
        .await?;
        Ok(())
    }

    pub(super) async fn act(&mut self, cloud: &str, act: &Act) -> Result<(), JournalError> {
        self.insert::<7>(
            "act (id, cloud, operation, kind, member, at, note)",
            "",
            row([
                uuid::Uuid::now_v7().to_string().into(),
                cloud.into(),
                act.operation.map(|operation| operation.to_string()).into(),
                act.kind.as_str().into(),
                act.by.to_string().into(),
                act.at.as_millisecond().into(),
                act.note.clone().into(),
            ]),
        )
        .await?;
        Ok(())
    }
}
