//! Running jobs: who may, what leaves next, what became of it. Every write checks the lease in its own transaction.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::Row;

use super::faults;
use super::leases::{NowHeld, millis};
use super::rows::{column, word};
use super::sql::{Writing, json, row, storable};
use super::sql_journal::SqlJournal;
use crate::domain::id::{ItemId, MemberId, OperationId};
use crate::domain::invalidation::{ItemState, Operation};
use crate::domain::job::{Act, ActKind, JobWait, Wish};
use crate::domain::time::Timestamp;
use crate::ports::journal::{JobIntent, JobLease, JournalError, Step};

impl SqlJournal {
    pub(super) async fn claim(
        &self,
        operation: OperationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError> {
        let at = self.learn_time(now);
        let present = self.present().await?;
        let mut writing = self.begin().await?;
        let row = sqlx::query(
            "SELECT j.runner AS holder, j.lease_until, j.fencing, NULL AS outcome, m.realm, m.pid, m.seen_at \
             FROM job j LEFT JOIN member m ON m.id = j.runner \
             WHERE j.operation = $1",
        )
        .bind(operation.to_string())
        .fetch_optional(writing.connection())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?
        .ok_or_else(|| JournalError::UnknownJob { prefix: operation.to_string() })?;
        let held = NowHeld::read(&row).map_err(|e| faults::reading(&self.location, &e))?;
        if !self.may_take(&held, &present, holder, at, ttl) {
            return Ok(None);
        }
        let own = held.is_of(holder);
        let fencing = if own { held.fencing } else { held.fencing + 1 };
        let changed = writing
            .run(
                sqlx::query(
                    "UPDATE job SET runner = $2, lease_until = $3, fencing = $4, wait_until = NULL, wait_because = NULL \
                     WHERE operation = $1 AND fencing = $5",
                )
                .bind(operation.to_string())
                .bind(holder.to_string())
                .bind(at.saturating_add(millis(ttl)))
                .bind(fencing)
                .bind(held.fencing),
            )
            .await?;
        if changed == 1 && !own {
            writing.begin_run(operation, at).await?;
            writing.doubt_again(operation).await?;
        }
        writing.commit().await?;
        Ok((changed == 1).then_some(JobLease::to_run(operation, holder, fencing)))
    }

    pub(super) async fn renew_run(
        &self,
        lease: JobLease,
        wait: Option<&JobWait>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Wish, JournalError> {
        if lease.is_hand {
            return self.renew_hand(lease, now, ttl).await;
        }
        let until = self.learn_time(now).saturating_add(millis(ttl));
        let mut writing = self.begin().await?.quietly();
        let changed = writing
            .run(
                sqlx::query(
                    "UPDATE job SET lease_until = $4, wait_until = $5, wait_because = $6 \
                     WHERE operation = $1 AND runner = $2 AND fencing = $3",
                )
                .bind(lease.operation.to_string())
                .bind(lease.holder.to_string())
                .bind(lease.fencing)
                .bind(until)
                .bind(wait.map(|wait| wait.until.as_millisecond()))
                .bind(wait.map(|wait| storable(wait.because.clone()))),
            )
            .await?;
        if changed == 0 {
            return Err(JournalError::JobLost);
        }
        let wish = writing.wish_of(lease.operation).await?;
        writing.commit().await?;
        Ok(wish)
    }

    pub(super) async fn advance_job(
        &self,
        lease: JobLease,
        step: &Step,
        now: Timestamp,
    ) -> Result<Wish, JournalError> {
        let at = self.learn_time(now);
        let mut writing = self.begin().await?.quietly();
        let held = writing
            .run(
                sqlx::query(
                    "UPDATE job SET started_at = COALESCE(started_at, $4) \
                     WHERE operation = $1 AND runner = $2 AND fencing = $3",
                )
                .bind(lease.operation.to_string())
                .bind(lease.holder.to_string())
                .bind(lease.fencing)
                .bind((!step.leaving.is_empty()).then_some(at)),
            )
            .await?;
        if held == 0 {
            return Err(JournalError::JobLost);
        }
        writing.settle(&step.outcomes).await?;
        let wish = writing.wish_of(lease.operation).await?;
        if wish.sends() {
            writing.leave(&step.leaving, at).await?;
        }
        writing.commit().await?;
        Ok(wish)
    }

    pub(super) async fn note_by_url(
        &self,
        lease: JobLease,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let at = self.learn_time(now);
        let mut writing = self.begin().await?;
        let held = writing
            .run(
                sqlx::query(
                    "UPDATE job SET by_url = NULL, by_url_answer = $4 \
                     WHERE operation = $1 AND runner = $2 AND fencing = $3",
                )
                .bind(lease.operation.to_string())
                .bind(lease.holder.to_string())
                .bind(lease.fencing)
                .bind(storable(answer.to_owned())),
            )
            .await?;
        if held == 0 {
            return Err(JournalError::JobLost);
        }
        writing.end_job_if_over(lease.operation, at).await?;
        writing.commit().await
    }

    pub(super) async fn stop_run(
        &self,
        lease: JobLease,
        because: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let at = self.learn_time(now);
        let mut writing = self.begin().await?;
        let row = sqlx::query(
            "SELECT o.cloud, j.wish FROM job j JOIN operation o ON o.id = j.operation \
             WHERE j.operation = $1 AND j.runner = $2 AND j.fencing = $3",
        )
        .bind(lease.operation.to_string())
        .bind(lease.holder.to_string())
        .bind(lease.fencing)
        .fetch_optional(writing.connection())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?
        .ok_or(JournalError::JobLost)?;
        // what somebody has asked for meanwhile stands
        if word(&row, "wish", &Wish::ALL, Wish::as_str)? == Wish::Run {
            writing.wish(lease.operation, Wish::Pause, lease.holder, at).await?;
            writing
                .run(
                    sqlx::query("UPDATE job SET stopped_because = $2 WHERE operation = $1")
                        .bind(lease.operation.to_string())
                        .bind(storable(because.to_owned())),
                )
                .await?;
        }
        let act = Act {
            kind: ActKind::GiveUp,
            by: lease.holder,
            at: now,
            operation: Some(lease.operation),
            note: Some(because.to_owned()),
        };
        writing.act(column(&row, "cloud")?, &act).await?;
        writing.commit().await
    }

    pub(super) async fn release_run(
        &self,
        lease: JobLease,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if lease.is_hand {
            return self.release_hand(lease).await;
        }
        let at = self.learn_time(now);
        let mut writing = self.begin().await?;
        let held = writing
            .run(
                sqlx::query(
                    "UPDATE job SET runner = NULL, lease_until = 0, wait_until = NULL, wait_because = NULL \
                     WHERE operation = $1 AND runner = $2 AND fencing = $3",
                )
                .bind(lease.operation.to_string())
                .bind(lease.holder.to_string())
                .bind(lease.fencing),
            )
            .await?;
        if held == 0 {
            return Err(JournalError::JobLost);
        }
        writing.end_job_if_over(lease.operation, at).await?;
        writing.commit().await
    }
}

impl Writing {
    /// The job of an operation that is just recorded: its orderer runs it.
    pub(super) async fn job(
        &mut self,
        operation: &Operation,
        job: &JobIntent,
    ) -> Result<(), JournalError> {
        let at = operation.at.as_millisecond();
        let by_url = (!job.by_url.is_empty()).then(|| json(&job.by_url));
        self.insert::<11>(
            "job (operation, terms, not_before, wish, runner, lease_until, fencing, run_since, settled_before, \
             started_at, by_url)",
            "",
            row([
                operation.id.to_string().into(),
                json(&job.terms).into(),
                job.terms.not_before.map(Timestamp::as_millisecond).into(),
                Wish::Run.as_str().into(),
                operation.member.to_string().into(),
                at.saturating_add(millis(job.ttl)).into(),
                1_i64.into(),
                job.terms.not_before.map_or(at, Timestamp::as_millisecond).into(),
                0_i64.into(),
                None::<i64>.into(),
                by_url.into(),
            ]),
        )
        .await?;
        let id = operation.id.to_string();
        self.insert::<6>(
            "refused (operation, seq, typed, state, reason, readings)",
            "",
            Box::new(job.refused.iter().enumerate().map(|(seq, refused)| {
                [
                    id.as_str().into(),
                    seq.into(),
                    refused.typed.as_str().into(),
                    refused.state.as_str().into(),
                    refused.reason.as_str().into(),
                    (!refused.readings.is_empty()).then(|| json(&refused.readings)).into(),
                ]
            })),
        )
        .await?;
        self.many::<2>(
            "UPDATE item SET stored_before = v.column2 FROM (",
            ") AS v WHERE item.id = v.column1",
            Box::new(
                job.before.iter().map(|(id, before)| [id.to_string().into(), json(before).into()]),
            ),
        )
        .await?;
        // Where everything was refused there is nothing to run.
        self.end_job_if_over(operation.id, at).await
    }

    /// What nobody waited for any more is asked about by whoever runs the job next.
    async fn doubt_again(&mut self, operation: OperationId) -> Result<(), JournalError> {
        self.run(
            sqlx::query(
                "UPDATE item SET sent_by = NULL WHERE operation = $1 AND state = 'sent' AND sent_by = 0",
            )
            .bind(operation.to_string()),
        )
        .await?;
        Ok(())
    }

    pub(super) async fn wish_of(&mut self, operation: OperationId) -> Result<Wish, JournalError> {
        let row = sqlx::query("SELECT wish FROM job WHERE operation = $1")
            .bind(operation.to_string())
            .fetch_one(self.connection())
            .await
            .map_err(|error| self.fault(&error))?;
        word(&row, "wish", &Wish::ALL, Wish::as_str)
    }

    /// Marks calls that leave now; each was intended, and nothing else.
    async fn leave(&mut self, items: &[ItemId], at: i64) -> Result<(), JournalError> {
        let items: HashSet<ItemId> = items.iter().copied().collect();
        let marked = self
            .many::<2>(
                "UPDATE item SET state = 'sent', sent_at = v.column2 FROM (",
                ") AS v WHERE item.id = v.column1 AND item.state = 'intended'",
                Box::new(items.iter().map(|item| [item.to_string().into(), at.into()])),
            )
            .await?;
        if marked == items.len() as u64 {
            return Ok(());
        }
        Err(JournalError::Write {
            detail: format!(
                "{} of {} assets were sent or settled meanwhile by another process",
                (items.len() as u64).saturating_sub(marked),
                items.len()
            ),
        })
    }

    /// Settles items. The last word on an item counts, but what was sent is never skipped, and only what was sent can
    /// become intended again.
    pub(super) async fn settle(
        &mut self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError> {
        // One statement cannot change a row twice.
        let last: HashMap<ItemId, (ItemState, &Option<String>)> =
            outcomes.iter().map(|(id, state, message)| (*id, (*state, message))).collect();
        let wanted = last.len() as u64;
        let settled = self
            .many::<3>(
                "UPDATE item SET state = v.column2, message = v.column3, \
                 sent_at = CASE v.column2 WHEN 'intended' THEN NULL ELSE item.sent_at END FROM (",
                ") AS v WHERE item.id = v.column1 \
                 AND (v.column2 <> 'skipped' OR item.state IN ('intended', 'skipped')) \
                 AND (v.column2 <> 'intended' OR item.state IN ('intended', 'sent'))",
                Box::new(last.into_iter().map(|(id, (state, message))| {
                    [id.to_string().into(), state.as_str().into(), message.clone().into()]
                })),
            )
            .await?;
        if settled == wanted {
            return Ok(());
        }
        Err(JournalError::Write {
            detail: format!(
                "{} of {wanted} assets are not in it, or were sent meanwhile",
                wanted.saturating_sub(settled)
            ),
        })
    }
}

/// Whether a job's runner was heard of, for the search for what was left behind.
pub(super) fn is_run(
    journal: &SqlJournal,
    row: &sqlx::any::AnyRow,
    silent_since: i64,
) -> Result<bool, sqlx::Error> {
    let realm: Option<String> = row.try_get("realm")?;
    let pid: Option<i64> = row.try_get("pid")?;
    let seen_at: Option<i64> = row.try_get("seen_at")?;
    let silent = seen_at.is_none_or(|seen_at| seen_at < silent_since);
    let dead = realm.zip(pid).is_some_and(|(realm, pid)| journal.is_dead(&realm, pid));
    Ok(!silent && !dead)
}
