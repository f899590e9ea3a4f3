//! Jobs that several processes make the calls of: who works on them, who makes which call, how many at once.
//!
//! A call is taken by marking it as sent under one's number, so that the marks are the calls under way: their number is
//! the team's, and what a dead process had under way is known. Locks are taken in one order: the job, its hand, one's
//! own items, the cloud, the items that are next.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::faults;
use super::leases::{NowHeld, millis};
use super::presence::Present;
use super::rows::{before_of, column, count, id_of, item_of, stored_scope, structure, word};
use super::sql::{Writing, row, storable};
use super::sql_journal::SqlJournal;
use crate::domain::id::{ItemId, MemberId, OperationId};
use crate::domain::invalidation::{CloudScope, Item, ItemState};
use crate::domain::job::{Hand, JobTerms, JobWait, Share, Wish};
use crate::domain::text::clean;
use crate::domain::time::{Timestamp, from_millis};
use crate::domain::verdict::Stored;
use crate::ports::journal::{JobLease, JournalError};
use crate::ports::journal_team::{Dealt, RollCall, Turn};

/// Of an item whose answer nobody waits for any more.
const NOBODY: i64 = 0;

/// What a call is about, and what storage held before.
type About = (Item, Option<Stored>);

/// The columns of that, of an item that was just changed; only its own table can be named there.
const ABOUT: &str = ", item.operation AS operation, item.resource_type AS resource_type, \
    item.delivery_type AS delivery_type, item.public_id AS public_id, item.to_resource_type AS to_resource_type, \
    item.to_delivery_type AS to_delivery_type, item.to_public_id AS to_public_id, item.state AS state, \
    item.sent_at AS sent_at, item.message AS message, item.stored_before AS stored_before, \
    (SELECT n.stored_before FROM watched_name n JOIN invalidation v ON v.id = n.invalidation \
    WHERE v.operation = item.operation AND n.public_id = item.public_id AND n.resource_type = item.resource_type \
    AND n.delivery_type = item.delivery_type) AS watched_before";

impl JobLease {
    /// What its calls are marked with.
    const fn number(self) -> i64 {
        if self.is_hand { self.fencing } else { -self.fencing }
    }
}

impl SqlJournal {
    pub(super) async fn jobs_to_share(
        &self,
        scope: &CloudScope,
        now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError> {
        let at = self.learn_time(now);
        let present = self.present().await?;
        let rows = sqlx::query(
            "SELECT j.operation, j.terms, j.started_at, j.runner AS holder, j.lease_until, j.fencing, NULL AS outcome, \
             m.realm, m.pid, m.seen_at, \
             CASE WHEN EXISTS (SELECT 1 FROM item i WHERE i.operation = j.operation AND i.state = 'intended') \
             THEN 1 ELSE 0 END AS rest \
             FROM job j JOIN operation o ON o.id = j.operation JOIN cloud c ON c.id = o.cloud \
             LEFT JOIN member m ON m.id = j.runner WHERE j.ended_at IS NULL AND j.wish = 'run' \
             AND (j.not_before IS NULL OR j.not_before <= $4) \
             AND c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 ORDER BY j.operation",
        )
        .bind(scope.cloud_name.clone())
        .bind(scope.api.clone())
        .bind(stored_scope(scope).to_owned())
        .bind(at)
        .fetch_all(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        let mut found = Vec::new();
        for row in &rows {
            let terms: JobTerms = structure(row, "terms")?;
            let begun = column::<Option<i64>>(row, "started_at")?.is_some();
            let open = begun && column::<i64>(row, "rest")? != 0;
            if terms.shared && (open || !self.is_led(row, &present, at)?) {
                found.push(id_of(row, "operation")?);
            }
        }
        Ok(found)
    }

    /// Whether somebody who is there runs the job of a row.
    fn is_led(&self, row: &AnyRow, present: &Present, at: i64) -> Result<bool, JournalError> {
        let held = NowHeld::read(row).map_err(|error| faults::reading(&self.location, &error))?;
        Ok(self.is_there(&held, present, at))
    }

    pub(super) async fn join_hands(
        &self,
        operation: OperationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError> {
        let at = self.learn_time(now);
        let present = self.present().await?;
        let mut writing = self.begin().await?.quietly();
        let given = writing
            .run(
                sqlx::query("UPDATE job SET hands = hands + 1 WHERE operation = $1")
                    .bind(operation.to_string()),
            )
            .await?;
        if given == 0 {
            return Err(JournalError::UnknownJob { prefix: operation.to_string() });
        }
        let now_held = sqlx::query(
            "SELECT j.terms, j.started_at, j.hands, j.runner AS holder, j.lease_until, j.fencing, NULL AS outcome, \
             m.realm, m.pid, m.seen_at FROM job j LEFT JOIN member m ON m.id = j.runner WHERE j.operation = $1",
        )
        .bind(operation.to_string())
        .fetch_one(writing.connection())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        let terms: JobTerms = structure(&now_held, "terms")?;
        let begun = column::<Option<i64>>(&now_held, "started_at")?.is_some();
        if !terms.shared || !begun || !self.is_led(&now_held, &present, at)? {
            return Ok(None);
        }
        let fencing: i64 = column(&now_held, "hands")?;
        writing
            .insert::<4>(
                "hand (operation, number, member, lease_until)",
                "",
                row([
                    operation.to_string().into(),
                    fencing.into(),
                    holder.to_string().into(),
                    at.saturating_add(millis(ttl)).into(),
                ]),
            )
            .await?;
        writing.commit().await?;
        Ok(Some(JobLease { operation, holder, fencing, is_hand: true }))
    }

    pub(super) async fn renew_hand(
        &self,
        lease: JobLease,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Wish, JournalError> {
        let until = self.learn_time(now).saturating_add(millis(ttl));
        let mut writing = self.begin().await?.quietly();
        let held = writing
            .run(of_hand(
                "UPDATE hand SET lease_until = $4 WHERE operation = $1 AND member = $2 AND number = $3",
                lease,
            )
            .bind(until))
            .await?;
        if held == 0 {
            return Err(JournalError::JobLost);
        }
        let wish = writing.wish_of(lease.operation).await?;
        writing.commit().await?;
        Ok(wish)
    }

    pub(super) async fn release_hand(&self, lease: JobLease) -> Result<(), JournalError> {
        let mut writing = self.begin().await?;
        let held = writing
            .run(of_hand(
                "DELETE FROM hand WHERE operation = $1 AND member = $2 AND number = $3",
                lease,
            ))
            .await?;
        if held == 0 {
            return Err(JournalError::JobLost);
        }
        writing.commit().await
    }

    pub(super) async fn deal_out(
        &self,
        lease: JobLease,
        turn: &Turn,
        now: Timestamp,
    ) -> Result<Dealt, JournalError> {
        let at = self.learn_time(now);
        let locks = self.link.ways.locks;
        let mut writing = self.begin().await?;
        let asks = !lease.is_hand && turn.most > 0;
        if !asks || !writing.note_first_call(lease.operation, at).await? {
            writing = writing.quietly(); // that it has begun is told to those that may help
        }
        let held = if lease.is_hand {
            format!(
                "SELECT j.wish, o.cloud FROM job j JOIN operation o ON o.id = j.operation \
                 JOIN hand h ON h.operation = j.operation \
                 WHERE j.operation = $1 AND h.member = $2 AND h.number = $3{}",
                locks.share_hand
            )
        } else {
            format!(
                "SELECT j.wish, o.cloud FROM job j JOIN operation o ON o.id = j.operation \
                 WHERE j.operation = $1 AND j.runner = $2 AND j.fencing = $3{}",
                locks.share_job
            )
        };
        let row = sqlx::query(AssertSqlSafe(held))
            .bind(lease.operation.to_string())
            .bind(lease.holder.to_string())
            .bind(lease.fencing)
            .fetch_optional(writing.connection())
            .await
            .map_err(|error| writing.fault(&error))?
            .ok_or(JournalError::JobLost)?;
        let wish = word(&row, "wish", &Wish::ALL, Wish::as_str)?;
        let cloud: String = column(&row, "cloud")?;
        writing.settle(&turn.outcomes).await?;
        writing.abandon(&turn.outcomes).await?;
        if turn.renounces {
            writing.renounce(lease).await?;
        }
        let mut dealt = Dealt {
            wish,
            taken: Vec::new(),
            about: Vec::new(),
            share: None,
            rest: false,
            wait: None,
            hands: 0,
        };
        dealt.hands = writing.hands_of(lease.operation).await?;
        if let Some(why) = turn.skip.as_ref().filter(|_| dealt.hands == 0) {
            writing.skip_intended(lease.operation, why).await?;
        }
        if let Some(wait) = &turn.wait {
            writing.wait(&cloud, wait).await?;
        }
        if turn.most > 0 && wish.sends() {
            dealt.wait = writing.turn_of(&cloud, locks.keep, at).await?;
            let share = writing.share_of(&cloud, lease, turn.cap, at).await?;
            dealt.share = Some(share.most);
            let most = if dealt.wait.is_some() { 0 } else { share.now.min(turn.most) };
            if most > 0 {
                (dealt.taken, dealt.about) = writing.take(lease, most, locks.next, at).await?;
            }
        }
        dealt.rest = writing.has_rest(lease.operation).await?;
        writing.commit().await?;
        Ok(dealt)
    }

    pub(super) async fn roll(
        &self,
        lease: JobLease,
        now: Timestamp,
    ) -> Result<RollCall, JournalError> {
        let at = self.learn_time(now);
        let present = self.present().await?;
        if lease.is_hand {
            let row = sqlx::query(
                "SELECT j.runner AS holder, j.lease_until, j.fencing, NULL AS outcome, m.realm, m.pid, m.seen_at \
                 FROM job j LEFT JOIN member m ON m.id = j.runner WHERE j.operation = $1",
            )
            .bind(lease.operation.to_string())
            .fetch_one(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
            return Ok(RollCall { is_led: self.is_led(&row, &present, at)?, orphans: Vec::new() });
        }
        let mut writing = self.begin().await?.quietly();
        let held = writing
            .run(of_hand(
                "UPDATE job SET runner = runner WHERE operation = $1 AND runner = $2 AND fencing = $3",
                lease,
            ))
            .await?;
        if held == 0 {
            return Err(JournalError::JobLost);
        }
        let rows = sqlx::query(
            "SELECT h.number, h.member AS holder, h.lease_until, h.number AS fencing, NULL AS outcome, \
             m.realm, m.pid, m.seen_at FROM hand h LEFT JOIN member m ON m.id = h.member WHERE h.operation = $1",
        )
        .bind(lease.operation.to_string())
        .fetch_all(writing.connection())
        .await
        .map_err(|error| writing.fault(&error))?;
        let mut there = vec![NOBODY.to_string(), lease.number().to_string()];
        for row in &rows {
            if self.is_led(row, &present, at)? {
                there.push(column::<i64>(row, "number")?.to_string());
            }
        }
        let orphans = writing.inherit(lease, &there.join(",")).await?;
        writing.commit().await?;
        Ok(RollCall { is_led: true, orphans })
    }
}

/// A statement about a lease: `$1` the job, `$2` the holder, `$3` the number.
fn of_hand(
    sql: &'static str,
    lease: JobLease,
) -> sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments> {
    sqlx::query(sql)
        .bind(lease.operation.to_string())
        .bind(lease.holder.to_string())
        .bind(lease.fencing)
}

impl Writing {
    /// Others may join from now on.
    async fn note_first_call(
        &mut self,
        operation: OperationId,
        at: i64,
    ) -> Result<bool, JournalError> {
        let begins = self
            .run(
                sqlx::query(
                    "UPDATE job SET started_at = $2 WHERE operation = $1 AND started_at IS NULL AND wish = 'run'",
                )
                .bind(operation.to_string())
                .bind(at),
            )
            .await?;
        Ok(begins > 0)
    }

    /// Nobody waits any more for what stays as sent.
    async fn abandon(
        &mut self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError> {
        let left = outcomes.iter().filter(|(_, state, _)| *state == ItemState::Sent);
        self.many::<2>(
            "UPDATE item SET sent_by = v.column2 FROM (",
            ") AS v WHERE item.id = v.column1 AND item.state = 'sent'",
            Box::new(left.map(|(item, ..)| [item.to_string().into(), NOBODY.into()])),
        )
        .await?;
        Ok(())
    }

    /// What is marked as a lease's, and was not settled just now, is inherited by whoever runs the job.
    async fn renounce(&mut self, lease: JobLease) -> Result<(), JournalError> {
        self.run(
            sqlx::query(
                "UPDATE item SET sent_by = NULL WHERE operation = $1 AND state = 'sent' AND sent_by = $2",
            )
            .bind(lease.operation.to_string())
            .bind(lease.number()),
        )
        .await?;
        Ok(())
    }

    /// Everybody waits, unless they do so longer already.
    async fn wait(&mut self, cloud: &str, wait: &JobWait) -> Result<(), JournalError> {
        self.run(
            sqlx::query(
                "UPDATE cloud SET wait_until = $2, wait_because = $3 \
                 WHERE id = $1 AND (wait_until IS NULL OR wait_until < $2)",
            )
            .bind(cloud.to_owned())
            .bind(wait.until.as_millisecond())
            .bind(storable(wait.because.clone())),
        )
        .await?;
        Ok(())
    }

    /// Keeps everybody else from taking calls of a cloud until this write has ended; what is waited for.
    async fn turn_of(
        &mut self,
        cloud: &str,
        keep: &'static str,
        at: i64,
    ) -> Result<Option<JobWait>, JournalError> {
        let sql = format!("SELECT wait_until, wait_because FROM cloud WHERE id = $1{keep}");
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(cloud.to_owned())
            .fetch_one(self.connection())
            .await
            .map_err(|error| self.fault(&error))?;
        let until = column::<Option<i64>>(&row, "wait_until")?.filter(|until| *until > at);
        let because = column::<Option<&str>>(&row, "wait_because")?.unwrap_or_default();
        Ok(until.map(|until| JobWait {
            until: from_millis(until),
            because: clean(because).into_owned(),
        }))
    }

    /// A lease's part of the calls that all may have under way.
    async fn share_of(
        &mut self,
        cloud: &str,
        lease: JobLease,
        cap: usize,
        at: i64,
    ) -> Result<Share, JournalError> {
        const CALLS: &str =
            "(SELECT COUNT(*) FROM item i WHERE i.operation = j.operation AND i.state = 'sent'";
        let sql = format!(
            "SELECT j.operation, j.terms, j.wish, j.started_at, -j.fencing AS number, {CALLS} AND i.sent_by = -j.fencing) AS calls \
             FROM job j JOIN operation o ON o.id = j.operation \
             WHERE o.cloud = $1 AND j.ended_at IS NULL AND j.runner IS NOT NULL AND j.lease_until > $2 \
             UNION ALL \
             SELECT j.operation, j.terms, j.wish, j.started_at, h.number, {CALLS} AND i.sent_by = h.number) AS calls \
             FROM hand h JOIN job j ON j.operation = h.operation JOIN operation o ON o.id = j.operation \
             WHERE o.cloud = $1 AND h.lease_until > $2 ORDER BY 1, 5"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(cloud.to_owned())
            .bind(at)
            .fetch_all(self.connection())
            .await
            .map_err(|error| self.fault(&error))?;
        let (mut hands, mut mine) = (Vec::with_capacity(rows.len()), usize::MAX);
        for row in &rows {
            let terms: JobTerms = structure(row, "terms")?;
            if !terms.shared {
                continue; // paced by what its answers say of the quota
            }
            let me = column::<&str>(row, "operation")? == lease.operation.to_string()
                && column::<i64>(row, "number")? == lease.number();
            if me {
                mine = hands.len();
            }
            let wish: Wish = word(row, "wish", &Wish::ALL, Wish::as_str)?;
            let begun = column::<Option<i64>>(row, "started_at")?.is_some();
            hands.push(Hand { calls: count(row, "calls")?, sends: wish.sends() && begun });
        }
        Ok(Share::of(cap, &hands, mine))
    }

    /// Marks what is next as sent, in the order of the plan. A hand learns what it is about.
    async fn take(
        &mut self,
        lease: JobLease,
        most: usize,
        next: &'static str,
        at: i64,
    ) -> Result<(Vec<ItemId>, Vec<About>), JournalError> {
        let about = if lease.is_hand { ABOUT } else { "" };
        let sql = format!(
            "WITH next AS MATERIALIZED (SELECT i.id AS id FROM item i WHERE i.operation = $1 AND i.state = 'intended' \
             ORDER BY i.seq LIMIT $2{next}) \
             UPDATE item SET state = 'sent', sent_at = $3, sent_by = $4 FROM next WHERE item.id = next.id \
             RETURNING item.id AS id{about}"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(lease.operation.to_string())
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(at)
            .bind(lease.number())
            .fetch_all(self.connection())
            .await
            .map_err(|error| self.fault(&error))?;
        let taken = rows.iter().map(|row| id_of(row, "id")).collect::<Result<_, _>>()?;
        let read = |row: &AnyRow| Ok((item_of(row)?, before_of(row)?.map(|(_, before)| before)));
        let about = rows.iter().filter(|_| lease.is_hand).map(read).collect::<Result<_, _>>()?;
        Ok((taken, about))
    }

    async fn has_rest(&mut self, operation: OperationId) -> Result<bool, JournalError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT seq FROM item WHERE operation = $1 AND state = 'intended' ORDER BY seq LIMIT 1",
        )
        .bind(operation.to_string())
        .fetch_optional(self.connection())
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(found.is_some())
    }

    async fn hands_of(&mut self, operation: OperationId) -> Result<usize, JournalError> {
        let hands: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM hand WHERE operation = $1")
            .bind(operation.to_string())
            .fetch_one(self.connection())
            .await
            .map_err(|error| self.fault(&error))?;
        Ok(usize::try_from(hands).unwrap_or_default())
    }

    /// Ends the hands that are not `there`, and makes the asker's what they and earlier runners had under way.
    async fn inherit(&mut self, lease: JobLease, there: &str) -> Result<Vec<ItemId>, JournalError> {
        let hands = format!("DELETE FROM hand WHERE operation = $1 AND number NOT IN ({there})");
        self.run(sqlx::query(AssertSqlSafe(hands)).bind(lease.operation.to_string())).await?;
        let items = format!(
            "UPDATE item SET sent_by = $2 WHERE operation = $1 AND state = 'sent' \
             AND (sent_by IS NULL OR sent_by NOT IN ({there})) RETURNING id"
        );
        let rows = sqlx::query(AssertSqlSafe(items))
            .bind(lease.operation.to_string())
            .bind(lease.number())
            .fetch_all(self.connection())
            .await
            .map_err(|error| self.fault(&error))?;
        rows.iter().map(|row| id_of(row, "id")).collect()
    }
}
