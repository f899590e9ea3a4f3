//! Sightings, thinned as they come: per cell one row for each run of equal verdicts, with its first and last
//! evidence and the number of sightings. Thinned again with age.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::faults;
use super::rows::{column, structure};
use super::sql::{Value, Writing, json};
use super::sql_journal::SqlJournal;
use crate::domain::id::InvalidationId;
use crate::domain::place::PlaceId;
use crate::domain::sighting::AcceptVariant;
use crate::domain::time::{Timestamp, from_millis};
use crate::domain::verdict::Verdict;
use crate::ports::journal::{Evidence, JournalError, Lease, News, SightingRow, SightingRun};

/// Runs that a cell keeps from its beginning, and from its latest past.
const FIRST_RUNS: i64 = 8;
const LATEST_RUNS: i64 = 16;

/// Rows of all invalidations together above which the oldest ended ones lose theirs.
const MAX_ROWS: i64 = 500_000;

/// Sightings of an invalidation that ended longer ago than this are dropped; its picture stays.
const KEEP_ENDED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct CellKey {
    place: String,
    url: String,
    variant: AcceptVariant,
}

/// The latest run of a cell.
#[derive(Debug, Clone, Copy)]
struct LatestRun {
    run: i64,
    verdict: Verdict,
    sightings: i64,
    first_at: i64,
}

/// Latest runs of an invalidation, as this process wrote them under one fencing number: nobody else can have
/// written meanwhile.
#[derive(Debug)]
pub(super) struct Runs {
    fencing: i64,
    cells: HashMap<CellKey, LatestRun>,
}

/// A row to write: where, and what.
struct Touched {
    latest: LatestRun,
    last_at: i64,
    first: String,
    last: String,
}

impl SqlJournal {
    /// Writes the sightings of watches that are held; their runs are to be kept once that is committed.
    pub(super) async fn take_runs(
        &self,
        writing: &mut Writing,
        held: &[&News<'_>],
    ) -> Result<Vec<(InvalidationId, Runs)>, JournalError> {
        let (mut kept, mut rows) = (Vec::new(), Vec::new());
        for news in held.iter().filter(|news| !news.sightings.is_empty()) {
            let (lease, id) = (news.lease, news.lease.invalidation);
            // Taken out: after a failure they are read again.
            let known = self.runs.lock().await.remove(&id);
            let mut runs = match known {
                Some(runs) if runs.fencing == lease.fencing => runs,
                _ => writing.latest_runs(lease).await?,
            };
            rows.extend(runs.take_in(news.sightings).into_iter().map(|touched| (id, touched)));
            kept.push((id, runs));
        }
        writing
            .insert::<12>(
                "sighting (invalidation, place, url, variant, slot, run, verdict, sightings, first_at, last_at, \
                 first_evidence, last_evidence)",
                "ON CONFLICT (invalidation, place, url, variant, slot) DO UPDATE SET \
                 first_evidence = CASE WHEN sighting.run = excluded.run \
                 THEN sighting.first_evidence ELSE excluded.first_evidence END, \
                 run = excluded.run, verdict = excluded.verdict, sightings = excluded.sightings, \
                 first_at = excluded.first_at, last_at = excluded.last_at, last_evidence = excluded.last_evidence",
                Box::new(
                    rows.into_iter()
                        .map(|(id, ((cell, slot), touched))| run_values(id, &cell, slot, touched)),
                ),
            )
            .await?;
        Ok(kept)
    }

    /// What [`Self::take_runs`] wrote is committed.
    pub(super) async fn keep_runs(&self, runs: Vec<(InvalidationId, Runs)>) {
        if !runs.is_empty() {
            self.runs.lock().await.extend(runs);
        }
    }

    /// What is kept of the sightings of an invalidation, cell by cell, oldest run first: the evidence of a report.
    ///
    /// # Errors
    /// The journal cannot be read, or is damaged.
    pub async fn sightings(
        &self,
        invalidation: InvalidationId,
    ) -> Result<Vec<SightingRun>, JournalError> {
        let rows = sqlx::query(
            "SELECT * FROM sighting WHERE invalidation = $1 ORDER BY place, url, variant, run",
        )
        .bind(invalidation.to_string())
        .fetch_all(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        rows.iter()
            .map(|row| {
                Ok(SightingRun {
                    place: PlaceId(column(row, "place")?),
                    url: column(row, "url")?,
                    variant: variant_of(column(row, "variant")?)?,
                    run: column::<i64>(row, "run")?.unsigned_abs(),
                    sightings: column::<i64>(row, "sightings")?.unsigned_abs(),
                    first_at: from_millis(column(row, "first_at")?),
                    last_at: from_millis(column(row, "last_at")?),
                    first: structure(row, "first_evidence")?,
                    last: structure(row, "last_evidence")?,
                })
            })
            .collect()
    }
}

impl Runs {
    /// Adds sightings to the runs of their cells; returns the rows that changed, each once.
    fn take_in(&mut self, rows: &[SightingRow]) -> BTreeMap<(CellKey, i64), Touched> {
        let mut touched: BTreeMap<(CellKey, i64), Touched> = BTreeMap::new();
        for row in rows {
            let cell = CellKey {
                place: row.place.0.clone(),
                url: row.url.clone(),
                variant: row.sighting.variant,
            };
            let at = row.sighting.at.as_millisecond();
            let verdict = row.judgement.verdict;
            let latest = match self.cells.get(&cell) {
                Some(run) if run.verdict == verdict => {
                    LatestRun { sightings: run.sightings + 1, ..*run }
                }
                Some(run) => LatestRun { run: run.run + 1, verdict, sightings: 1, first_at: at },
                None => LatestRun { run: 0, verdict, sightings: 1, first_at: at },
            };
            self.cells.insert(cell.clone(), latest);
            let evidence = json(&Evidence {
                shape: row.sighting.shape,
                took: row.sighting.received.since(row.sighting.sent),
                judgement: row.judgement.clone(),
                result: row.sighting.result.clone(),
            });
            let first = match touched.remove(&(cell.clone(), slot(latest.run))) {
                Some(before) if before.latest.run == latest.run => before.first,
                _ => evidence.clone(),
            };
            let changed = Touched { latest, last_at: at, first, last: evidence };
            touched.insert((cell, slot(latest.run)), changed);
        }
        touched
    }
}

impl Writing {
    async fn latest_runs(&mut self, lease: Lease) -> Result<Runs, JournalError> {
        let rows = sqlx::query(
            "SELECT place, url, variant, run, verdict, sightings, first_at FROM sighting \
             WHERE invalidation = $1 ORDER BY run",
        )
        .bind(lease.invalidation.to_string())
        .fetch_all(self.connection())
        .await
        .map_err(|error| self.fault(&error))?;
        let mut cells = HashMap::new();
        for row in &rows {
            let cell = CellKey {
                place: column(row, "place")?,
                url: column(row, "url")?,
                variant: variant_of(column(row, "variant")?)?,
            };
            let latest = LatestRun {
                run: column(row, "run")?,
                verdict: verdict_of(column(row, "verdict")?)?,
                sightings: column(row, "sightings")?,
                first_at: column(row, "first_at")?,
            };
            cells.insert(cell, latest);
        }
        Ok(Runs { fencing: lease.fencing, cells })
    }

    /// Drops what is too old or too much, never of an open invalidation.
    pub(super) async fn thin(&mut self, now: Timestamp) -> Result<(), JournalError> {
        let keep = i64::try_from(KEEP_ENDED.as_millis()).unwrap_or(i64::MAX);
        self.run(
            sqlx::query(
                "DELETE FROM sighting WHERE invalidation IN \
                 (SELECT id FROM invalidation WHERE outcome IS NOT NULL AND ended_at < $1)",
            )
            .bind(now.as_millisecond().saturating_sub(keep)),
        )
        .await?;
        while self.count_of_sightings().await? > MAX_ROWS {
            let dropped = self
                .run(sqlx::query(
                    "DELETE FROM sighting WHERE invalidation = (SELECT v.id FROM invalidation v \
                     WHERE v.outcome IS NOT NULL \
                     AND EXISTS (SELECT 1 FROM sighting s WHERE s.invalidation = v.id) \
                     ORDER BY v.ended_at, v.id LIMIT 1)",
                ))
                .await?;
            if dropped == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn count_of_sightings(&mut self) -> Result<i64, JournalError> {
        sqlx::query_scalar("SELECT COUNT(*) FROM sighting")
            .fetch_one(self.connection())
            .await
            .map_err(|error| self.fault(&error))
    }
}

/// Where a run is kept: the first ones stay, the later ones share a ring.
const fn slot(run: i64) -> i64 {
    if run < FIRST_RUNS { run } else { FIRST_RUNS + (run - FIRST_RUNS) % LATEST_RUNS }
}

fn run_values(
    invalidation: InvalidationId,
    cell: &CellKey,
    slot: i64,
    touched: Touched,
) -> [Value; 12] {
    [
        invalidation.to_string().into(),
        cell.place.as_str().into(),
        cell.url.as_str().into(),
        cell.variant.as_str().into(),
        slot.into(),
        touched.latest.run.into(),
        touched.latest.verdict.as_str().into(),
        touched.latest.sightings.into(),
        touched.latest.first_at.into(),
        touched.last_at.into(),
        touched.first.into(),
        touched.last.into(),
    ]
}

fn variant_of(word: &str) -> Result<AcceptVariant, JournalError> {
    AcceptVariant::ALL
        .into_iter()
        .find(|variant| variant.as_str() == word)
        .ok_or_else(|| faults::odd("variant", word))
}

fn verdict_of(word: &str) -> Result<Verdict, JournalError> {
    [Verdict::Cleared, Verdict::Same, Verdict::Outdated, Verdict::Other, Verdict::Unknown]
        .into_iter()
        .find(|verdict| verdict.as_str() == word)
        .ok_or_else(|| faults::odd("verdict", word))
}
