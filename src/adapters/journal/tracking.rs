//! What the holder of a lease writes: truth about names, terms, pictures, the end.

use super::faults;
use super::rows::{column, ending_of, item_of, name_of, operation_of, structure, url_of};
use super::sql::json;
use super::sql_journal::SqlJournal;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{Ending, Invalidation, WatchedName};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Stored;
use crate::ports::journal::{JournalError, Lease, News};

impl SqlJournal {
    pub(super) async fn whole_invalidation(
        &self,
        id: InvalidationId,
    ) -> Result<Invalidation, JournalError> {
        let text = id.to_string();
        let reading = |error: sqlx::Error| faults::reading(&self.location, &error);
        // One transaction, so that all parts are of the same moment.
        let mut transaction = self.link.snapshot().await.map_err(reading)?;
        let row = sqlx::query(
            "SELECT v.id, v.terms, v.not_covered, v.outcome, v.ended_at, v.sentence, o.id AS operation_id, o.member, \
             o.verb, o.ordered_at, o.command_line, o.note, o.invalidate, c.cloud_name, c.api, c.instance \
             FROM invalidation v JOIN operation o ON o.id = v.operation JOIN cloud c ON c.id = o.cloud \
             WHERE v.id = $1",
        )
        .bind(&text)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(reading)?
        .ok_or_else(|| JournalError::Unknown { prefix: text.clone() })?;
        let operation = operation_of(&row)?;
        let items = sqlx::query("SELECT * FROM item WHERE operation = $1 ORDER BY seq")
            .bind(operation.id.to_string());
        let items = self.each(items, &mut transaction, item_of).await?;
        let names = sqlx::query("SELECT * FROM watched_name WHERE invalidation = $1 ORDER BY seq")
            .bind(&text);
        let names = self.each(names, &mut transaction, name_of).await?;
        let urls = sqlx::query("SELECT * FROM watched_url WHERE invalidation = $1 ORDER BY seq")
            .bind(&text);
        let urls = self.each(urls, &mut transaction, url_of).await?;
        transaction.rollback().await.map_err(reading)?;
        Ok(Invalidation {
            id,
            operation,
            terms: structure(&row, "terms")?,
            items,
            names,
            urls,
            not_covered: structure(&row, "not_covered")?,
            ended: ending_of(&row)?,
        })
    }

    pub(super) async fn save_news(&self, news: &[News<'_>]) -> Result<Vec<Lease>, JournalError> {
        let mut writing = self.begin().await?.quietly();
        let leases = news.iter().map(|news| news.lease).collect::<Vec<_>>();
        let lost = writing.hold_all(&leases).await?;
        let held = news.iter().filter(|news| !lost.contains(&news.lease)).collect::<Vec<_>>();
        let latest = self.latest.load(std::sync::atomic::Ordering::Relaxed);
        for news in &held {
            if !news.names.is_empty() {
                writing.learnt(news.lease.invalidation, news.names, latest).await?;
            }
            if let Some(terms) = news.terms {
                writing.under(news.lease, "terms = $4", [json(terms).into()]).await?;
            }
        }
        let runs = self.take_runs(&mut writing, &held).await?;
        let pictures =
            held.iter().filter_map(|news| Some((news.lease.invalidation, news.picture?)));
        writing.pictures(pictures).await?;
        writing.commit().await?;
        self.keep_runs(runs).await;
        Ok(lost)
    }

    pub(super) async fn end_invalidation(
        &self,
        lease: Lease,
        ending: &Ending,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        let mut writing = self.begin().await?;
        writing.hold(lease).await?;
        writing.pictures(std::iter::once((lease.invalidation, last))).await?;
        writing.clearances(lease.invalidation, last).await?;
        writing
            .under(
                lease,
                "outcome = $4, ended_at = $5, sentence = $6, holder = NULL, lease_until = 0",
                [
                    ending.outcome.as_str().into(),
                    ending.at.as_millisecond().into(),
                    ending.sentence.as_str().into(),
                ],
            )
            .await?;
        writing.thin(ending.at).await?;
        writing.commit().await?;
        self.runs.lock().await.remove(&lease.invalidation);
        Ok(())
    }

    pub(super) async fn reopen_invalidation(&self, id: InvalidationId) -> Result<(), JournalError> {
        let mut writing = self.begin().await?;
        let changed = writing
            .run(
                sqlx::query(
                    "UPDATE invalidation SET outcome = NULL, ended_at = NULL, sentence = NULL \
                     WHERE id = $1",
                )
                .bind(id.to_string()),
            )
            .await?;
        if changed == 0 {
            return Err(JournalError::Unknown { prefix: id.to_string() });
        }
        writing.commit().await
    }
}

impl super::sql::Writing {
    /// What storage was read as for names of an invalidation that is held.
    async fn learnt(
        &mut self,
        invalidation: InvalidationId,
        names: &[WatchedName],
        latest: i64,
    ) -> Result<(), JournalError> {
        let row = sqlx::query(
            "SELECT o.cloud, \
             (SELECT COUNT(*) FROM watched_name n WHERE n.invalidation = v.id) AS names \
             FROM invalidation v JOIN operation o ON o.id = v.operation WHERE v.id = $1",
        )
        .bind(invalidation.to_string())
        .fetch_one(self.connection())
        .await
        .map_err(|error| self.fault(&error))?;
        let cloud: String = column(&row, "cloud")?;
        let known: i64 = column(&row, "names")?;
        self.names(invalidation, known, names).await?;
        let stored = names.iter().filter_map(|name| match &name.new {
            Some(Stored::Holds(content)) => {
                let at = name.changed_at.map_or(latest, Timestamp::as_millisecond);
                Some((&name.key, content, at))
            }
            _ => None,
        });
        self.contents(&cloud, stored).await
    }

    async fn pictures<'a>(
        &mut self,
        pictures: impl Iterator<Item = (InvalidationId, &'a WatchSnapshot)> + Send,
    ) -> Result<(), JournalError> {
        let row = |(invalidation, picture): (InvalidationId, &WatchSnapshot)| {
            let taken_at = picture.taken_at.as_millisecond();
            [invalidation.to_string().into(), taken_at.into(), json(picture).into()]
        };
        self.insert::<3>(
            "snapshot (invalidation, taken_at, picture)",
            "ON CONFLICT (invalidation) DO UPDATE SET taken_at = excluded.taken_at, picture = excluded.picture",
            Box::new(pictures.map(row)),
        )
        .await?;
        Ok(())
    }

    /// What later watches learn from: how long each place took.
    async fn clearances(
        &mut self,
        invalidation: InvalidationId,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        let id = invalidation.to_string();
        let rows = last.places.iter().filter_map(|place| {
            let took = i64::try_from(place.let_go_after?.as_millis()).ok()?;
            Some([id.as_str().into(), place.id.0.as_str().into(), took.into()])
        });
        let rows = rows.collect::<Vec<_>>().into_iter();
        self.insert::<3>(
            "clearance (invalidation, place, took)",
            "ON CONFLICT (invalidation, place) DO UPDATE SET took = excluded.took",
            Box::new(rows),
        )
        .await?;
        Ok(())
    }
}
