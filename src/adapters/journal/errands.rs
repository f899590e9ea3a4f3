//! Errands on the journal of a team: who looks from where, what is asked of them, what they reply.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::faults;
use super::leases::NowHeld;
use super::rows::{column, stored_scope};
use super::sql::{row, storable};
use super::sql_journal::SqlJournal;
use crate::domain::id::MemberId;
use crate::domain::invalidation::CloudScope;
use crate::domain::time::Timestamp;
use crate::ports::errands::{Errand, Errands};
use crate::ports::journal::JournalError;

/// A place whose member vanished is named for so long: watches learn that it does not answer.
const NAMED_MS: i64 = 15 * 60_000;
/// Nobody waits for a reply for so long.
const STALE_MS: i64 = 2 * 60_000;
/// A member that announced its place within this is there, as far as its lock and its process do not tell else.
const THERE_MS: i64 = 15_000;

/// Places of a scope with the member of each, as a lease that runs out.
const PLACES: &str = "SELECT p.name, p.member AS holder, p.announced_at, p.announced_at + $4 AS lease_until, \
    CAST(1 AS BIGINT) AS fencing, NULL AS outcome, m.realm, m.pid, m.seen_at \
    FROM place p JOIN cloud c ON c.id = p.cloud LEFT JOIN member m ON m.id = p.member \
    WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 ORDER BY p.name";

impl SqlJournal {
    /// Names, members and whether these are there, of places that are named still.
    async fn named_places(
        &self,
        scope: &CloudScope,
        now: Timestamp,
    ) -> Result<Vec<(String, String, bool)>, JournalError> {
        let reading = |error: sqlx::Error| faults::reading(&self.location, &error);
        let at = self.learn_time(self.link.there(now));
        let present = self.present().await?;
        let rows = sqlx::query(PLACES)
            .bind(scope.cloud_name.clone())
            .bind(scope.api.clone())
            .bind(stored_scope(scope).to_owned())
            .bind(THERE_MS)
            .fetch_all(&self.link.pool())
            .await
            .map_err(reading)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            if column::<i64>(row, "announced_at")?.saturating_add(NAMED_MS) > at {
                let held = NowHeld::read(row).map_err(reading)?;
                let is_there = self.is_there(&held, &present, at);
                found.push((column(row, "name")?, column(row, "holder")?, is_there));
            }
        }
        Ok(found)
    }

    async fn changed_errand(&self, sql: &'static str, of: [&str; 2]) -> Result<(), JournalError> {
        let mut writing = self.begin().await?.quietly();
        let query = sqlx::query(sql).bind(of[0].to_owned()).bind(storable(of[1].to_owned()));
        writing.run(query).await?;
        writing.commit().await
    }
}

#[async_trait]
impl Errands for SqlJournal {
    async fn announce(
        &self,
        scope: &CloudScope,
        place: &str,
        member: MemberId,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        let announcing = async {
            let own = member.to_string();
            let by_other = |(name, holder, is_there): &(String, String, bool)| {
                name == place && *is_there && *holder != own
            };
            if self.named_places(scope, now).await?.iter().any(by_other) {
                return Ok(false);
            }
            let at = self.link.there(now).as_millisecond();
            let mut writing = self.begin().await?.quietly();
            let cloud = writing.cloud(scope).await?;
            writing
                .insert::<4>(
                    "place (cloud, name, member, announced_at)",
                    "ON CONFLICT (cloud, name) DO UPDATE SET member = excluded.member, \
                     announced_at = excluded.announced_at",
                    row([cloud.into(), place.into(), own.clone().into(), at.into()]),
                )
                .await?;
            writing.commit().await?;
            Ok(true)
        };
        self.link.over(announcing).await
    }

    async fn withdraw(
        &self,
        scope: &CloudScope,
        place: &str,
        member: MemberId,
    ) -> Result<(), JournalError> {
        let withdrawing = async {
            let mut writing = self.begin().await?.quietly();
            let cloud = writing.cloud(scope).await?;
            writing
                .run(
                    sqlx::query("DELETE FROM place WHERE cloud = $1 AND name = $2 AND member = $3")
                        .bind(cloud)
                        .bind(place.to_owned())
                        .bind(member.to_string()),
                )
                .await?;
            writing.commit().await
        };
        self.link.over(withdrawing).await
    }

    async fn announced(
        &self,
        scope: &CloudScope,
        now: Timestamp,
    ) -> Result<Vec<(String, bool)>, JournalError> {
        let named = self.link.over(self.named_places(scope, now)).await?;
        Ok(named.into_iter().map(|(name, _, is_there)| (name, is_there)).collect())
    }

    async fn ask(
        &self,
        scope: &CloudScope,
        place: &str,
        ask: &str,
        now: Timestamp,
    ) -> Result<String, JournalError> {
        let asking = async {
            let id = uuid::Uuid::now_v7().to_string();
            let at = self.link.there(now).as_millisecond();
            let mut writing = self.begin().await?.quietly();
            let cloud = writing.cloud(scope).await?;
            writing
                .insert::<5>(
                    "errand (id, cloud, place, ask, asked_at)",
                    "",
                    row([id.as_str().into(), cloud.into(), place.into(), ask.into(), at.into()]),
                )
                .await?;
            writing.commit().await?;
            Ok(id)
        };
        self.link.over(asking).await
    }

    async fn take(
        &self,
        scope: &CloudScope,
        place: &str,
        member: MemberId,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Errand>, JournalError> {
        let taking = async {
            let reading = |error: sqlx::Error| faults::reading(&self.location, &error);
            let at = self.link.there(now).as_millisecond();
            let first: Option<String> = sqlx::query_scalar(
                "SELECT e.id FROM errand e JOIN cloud c ON c.id = e.cloud \
                 WHERE c.cloud_name = $1 AND c.api = $2 AND c.instance = $3 AND e.place = $4 \
                 AND e.taken_by IS NULL LIMIT 1",
            )
            .bind(scope.cloud_name.clone())
            .bind(scope.api.clone())
            .bind(stored_scope(scope).to_owned())
            .bind(place.to_owned())
            .fetch_optional(&self.link.pool())
            .await
            .map_err(reading)?;
            if first.is_none() {
                return Ok(Vec::new()); // who waits writes nothing
            }
            let mut writing = self.begin().await?.quietly();
            writing
                .run(sqlx::query("DELETE FROM errand WHERE asked_at < $1").bind(at - STALE_MS))
                .await?;
            let cloud = writing.cloud(scope).await?;
            let sql = format!(
                "WITH next AS MATERIALIZED (SELECT e.id AS id FROM errand e WHERE e.cloud = $1 AND e.place = $2 \
                 AND e.taken_by IS NULL ORDER BY e.id LIMIT $3{}) \
                 UPDATE errand SET taken_by = $4 FROM next WHERE errand.id = next.id \
                 RETURNING errand.id AS id, errand.ask AS ask",
                self.link.ways.locks.next
            );
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(cloud)
                .bind(place.to_owned())
                .bind(i64::try_from(most).unwrap_or(i64::MAX))
                .bind(member.to_string())
                .fetch_all(writing.connection())
                .await
                .map_err(|error| writing.fault(&error))?;
            let errand = |row: &sqlx::any::AnyRow| {
                Ok(Errand { id: column(row, "id")?, ask: column(row, "ask")? })
            };
            let taken = rows.iter().map(errand).collect::<Result<_, JournalError>>()?;
            writing.commit().await?;
            Ok(taken)
        };
        self.link.over(taking).await
    }

    async fn reply(&self, id: &str, reply: &str) -> Result<(), JournalError> {
        let sql = "UPDATE errand SET reply = $2 WHERE id = $1";
        self.link.over(self.changed_errand(sql, [id, reply])).await
    }

    async fn replies(&self, ids: &[String]) -> Result<Vec<(String, String)>, JournalError> {
        let reading = async {
            // our own numbers, which are no text of anybody's
            let known = ids.iter().filter_map(|id| id.parse::<uuid::Uuid>().ok());
            let known = known.map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
            if known.is_empty() {
                return Ok(Vec::new());
            }
            let sql =
                format!("SELECT id, reply FROM errand WHERE id IN ({known}) AND reply IS NOT NULL");
            let rows = sqlx::query(AssertSqlSafe(sql))
                .fetch_all(&self.link.pool())
                .await
                .map_err(|error| faults::reading(&self.location, &error))?;
            let found = rows.iter().map(|row| Ok((column(row, "id")?, column(row, "reply")?)));
            let found = found.collect::<Result<Vec<(String, String)>, JournalError>>()?;
            if !found.is_empty() {
                let told = found.iter().map(|(id, _)| format!("'{id}'")).collect::<Vec<_>>();
                let sql = format!("DELETE FROM errand WHERE id IN ({})", told.join(","));
                let mut writing = self.begin().await?.quietly();
                writing.run(sqlx::query(AssertSqlSafe(sql))).await?;
                writing.commit().await?;
            }
            Ok(found)
        };
        self.link.over(reading).await
    }

    async fn forget(&self, id: &str) -> Result<(), JournalError> {
        let sql = "DELETE FROM errand WHERE id = $1 AND $2 = ''";
        self.link.over(self.changed_errand(sql, [id, ""])).await
    }
}
