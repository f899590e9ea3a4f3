//! Members and leases: who shares the journal, and who tracks what.

use std::time::Duration;

use sqlx::Row;

use super::faults;
use super::presence::Present;
use super::sql::{Value, Writing, member_values, row, storable};
use super::sql_journal::SqlJournal;
use crate::domain::id::{InvalidationId, MemberId};
use crate::domain::invalidation::Member;
use crate::domain::time::Timestamp;
use crate::ports::journal::{JournalError, Lease};

/// A lease that reaches further into the future than any clock of a working host explains was given by a clock
/// that was wrong, and counts as expired: two terms and this.
const CLOCK_DOUBT_MS: i64 = 60_000;

impl SqlJournal {
    pub(super) async fn join_member(
        &self,
        member: &Member,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.join_and_renew(member, &[], now, Duration::ZERO).await.map(drop)
    }

    /// One write: each costs a sync of the disk, and some switches between threads.
    pub(super) async fn join_and_renew(
        &self,
        member: &Member,
        leases: &[Lease],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Lease>, JournalError> {
        self.link.joins(member.id);
        let now = self.learn_time(now);
        let realm = self.realm.get_or_init(|| self.processes.realm(&member.host));
        let mut writing = self.begin().await?.quietly();
        writing
            .insert::<8>(
                "member (id, user_name, host, pid, realm, started_at, seen_at, ssh_client)",
                "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
                row(member_values(member, realm, now)),
            )
            .await?;
        let lost = writing.renew(leases, now.saturating_add(millis(ttl))).await?;
        writing.commit().await?;
        Ok(lost)
    }

    pub(super) async fn acquire_lease(
        &self,
        invalidation: InvalidationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, JournalError> {
        let now = self.learn_time(now);
        let present = self.present().await?;
        let mut writing = self.begin().await?;
        let row = sqlx::query(
            "SELECT v.holder, v.lease_until, v.fencing, v.outcome, m.realm, m.pid, m.seen_at \
             FROM invalidation v LEFT JOIN member m ON m.id = v.holder WHERE v.id = $1",
        )
        .bind(invalidation.to_string())
        .fetch_optional(writing.connection())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?
        .ok_or_else(|| JournalError::Unknown { prefix: invalidation.to_string() })?;
        let now_held: NowHeld =
            NowHeld::read(&row).map_err(|e| faults::reading(&self.location, &e))?;

        if now_held.ended || !self.may_take(&now_held, &present, holder, now, ttl) {
            return Ok(None);
        }
        let own = now_held.is_of(holder);
        let fencing = if own { now_held.fencing } else { now_held.fencing + 1 };
        let changed = writing
            .run(
                sqlx::query(
                    "UPDATE invalidation SET holder = $1, lease_until = $2, fencing = $3 \
                     WHERE id = $4 AND fencing = $5 AND outcome IS NULL",
                )
                .bind(holder.to_string())
                .bind(now.saturating_add(millis(ttl)))
                .bind(fencing)
                .bind(invalidation.to_string())
                .bind(now_held.fencing),
            )
            .await?;
        writing.commit().await?;
        // Nothing changed: another process on a database with finer locks was faster.
        Ok((changed == 1).then_some(Lease { invalidation, holder, fencing }))
    }

    /// Whether a lease is free, expired, a dead member's or the asker's own.
    pub(super) fn may_take(
        &self,
        held: &NowHeld,
        present: &Present,
        asker: MemberId,
        now: i64,
        ttl: Duration,
    ) -> bool {
        let dead = || held.process.as_ref().is_some_and(|(realm, pid)| self.is_dead(realm, *pid));
        let expired = || {
            held.until <= now || held.until > now.saturating_add(2 * millis(ttl) + CLOCK_DOUBT_MS)
        };
        let absent = |holder: &String| present.lacks(holder, held.seen_at, now);
        held.is_of(asker) || expired() || dead() || held.holder.as_ref().is_none_or(absent)
    }

    /// Whether a lease is held by somebody who is not known to be dead.
    pub(super) fn is_there(&self, held: &NowHeld, present: &Present, now: i64) -> bool {
        let dead = || held.process.as_ref().is_some_and(|(realm, pid)| self.is_dead(realm, *pid));
        let holder = held.holder.as_ref().filter(|_| held.until > now);
        holder.is_some_and(|holder| !present.lacks(holder, held.seen_at, now)) && !dead()
    }

    pub(super) async fn renew_lease(
        &self,
        lease: Lease,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<(), JournalError> {
        let until = self.learn_time(now).saturating_add(millis(ttl));
        let mut writing = self.begin().await?.quietly();
        writing.under(lease, "lease_until = $4", [until.into()]).await?;
        writing.commit().await
    }

    /// One transaction for all of them: each costs a sync of the disk.
    pub(super) async fn renew_leases(
        &self,
        leases: &[Lease],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Lease>, JournalError> {
        let until = self.learn_time(now).saturating_add(millis(ttl));
        let mut writing = self.begin().await?.quietly();
        let lost = writing.renew(leases, until).await?;
        writing.commit().await?;
        Ok(lost)
    }

    pub(super) async fn release_lease(&self, lease: Lease) -> Result<(), JournalError> {
        self.runs.lock().await.remove(&lease.invalidation);
        let mut writing = self.begin().await?;
        writing.under(lease, "holder = NULL, lease_until = 0", []).await?;
        writing.commit().await
    }
}

impl Writing {
    /// Prolongs leases; answers those that are good no more.
    async fn renew(&mut self, leases: &[Lease], until: i64) -> Result<Vec<Lease>, JournalError> {
        let mut lost = Vec::new();
        if self.renew_at_once(leases, until).await? == leases.len() as u64 {
            return Ok(lost);
        }
        for lease in leases {
            match self.under(*lease, "lease_until = $4", [until.into()]).await {
                Ok(()) => {}
                Err(JournalError::LeaseLost) => lost.push(*lease),
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }

    /// Prolongs those leases that still are good; answers their number.
    async fn renew_at_once(&mut self, leases: &[Lease], until: i64) -> Result<u64, JournalError> {
        let rows = leases.iter().map(|lease| {
            let Lease { invalidation, holder, fencing } = lease;
            [
                invalidation.to_string().into(),
                holder.to_string().into(),
                (*fencing).into(),
                until.into(),
            ]
        });
        self.many::<4>(
            "UPDATE invalidation SET lease_until = v.column4 FROM (",
            ") AS v WHERE invalidation.id = v.column1 AND invalidation.holder = v.column2 \
             AND invalidation.fencing = v.column3 AND invalidation.outcome IS NULL",
            Box::new(rows),
        )
        .await
    }

    /// Changes the invalidation of a lease if the lease still is good; `$4` and up are `values`.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when somebody else holds it, it was released or the invalidation has ended.
    pub(super) async fn under<const N: usize>(
        &mut self,
        lease: Lease,
        set: &'static str,
        values: [Value; N],
    ) -> Result<(), JournalError> {
        let sql = format!(
            "UPDATE invalidation SET {set} \
             WHERE id = $1 AND holder = $2 AND fencing = $3 AND outcome IS NULL"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(lease.invalidation.to_string())
            .bind(lease.holder.to_string())
            .bind(lease.fencing);
        for value in values {
            query = match value {
                Value::Text(text) => query.bind(text.map(storable)),
                Value::Int(number) => query.bind(number),
            };
        }
        match self.run(query).await? {
            0 => Err(JournalError::LeaseLost),
            _ => Ok(()),
        }
    }

    /// Locks the invalidation of a lease for the rest of this write, if the lease still is good.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub(super) async fn hold(&mut self, lease: Lease) -> Result<(), JournalError> {
        self.under(lease, "fencing = fencing", []).await
    }

    /// [`Self::hold`] of many; returns those that are good no more.
    pub(super) async fn hold_all(&mut self, leases: &[Lease]) -> Result<Vec<Lease>, JournalError> {
        let rows = leases.iter().map(|lease| {
            let Lease { invalidation, holder, fencing } = lease;
            [invalidation.to_string().into(), holder.to_string().into(), (*fencing).into()]
        });
        let held = self
            .many::<3>(
                "UPDATE invalidation SET fencing = v.column3 FROM (",
                ") AS v WHERE invalidation.id = v.column1 AND invalidation.holder = v.column2 \
                 AND invalidation.fencing = v.column3 AND invalidation.outcome IS NULL",
                Box::new(rows),
            )
            .await?;
        let mut lost = Vec::new();
        if held == leases.len() as u64 {
            return Ok(lost);
        }
        for lease in leases {
            match self.hold(*lease).await {
                Ok(()) => {}
                Err(JournalError::LeaseLost) => lost.push(*lease),
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }
}

/// A lease as it stands.
pub(super) struct NowHeld {
    holder: Option<String>,
    until: i64,
    pub fencing: i64,
    ended: bool,
    /// Realm and pid of the holder, if it ever joined.
    process: Option<(String, i64)>,
    /// When it last reported, if it ever joined.
    seen_at: Option<i64>,
}

impl NowHeld {
    pub fn is_of(&self, member: MemberId) -> bool {
        self.holder.as_deref() == Some(member.to_string().as_str())
    }

    pub fn read(row: &sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let realm: Option<String> = row.try_get("realm")?;
        let pid: Option<i64> = row.try_get("pid")?;
        Ok(Self {
            holder: row.try_get("holder")?,
            until: row.try_get("lease_until")?,
            fencing: row.try_get("fencing")?,
            ended: row.try_get::<Option<String>, _>("outcome")?.is_some(),
            process: realm.zip(pid),
            seen_at: row.try_get("seen_at")?,
        })
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
