//! What is known of invalidations, from the tracker's board and from the journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{App, Tracked};
use crate::screens::assets;
use crate::screens::assets::rows::{PendingMark, PendingNames};

impl App {
    /// Puts board and journal together; what the board knows is fresher.
    pub fn gather(&mut self) {
        let mut all: Vec<Tracked> = Vec::new();
        for snapshot in &self.board.watches {
            self.paces.note(snapshot);
            let row = self.journal_open.iter().find(|row| row.id == snapshot.id);
            all.push(Tracked {
                id: snapshot.id,
                verb: snapshot.verb,
                label: snapshot.label.clone(),
                by: snapshot.by.clone(),
                tracked_by: row.and_then(|row| row.tracked_by.clone()),
                started_at: snapshot.started_at,
                snapshot: Some(Arc::clone(snapshot)),
                ended: snapshot.ended.clone(),
            });
        }
        for row in self.journal_open.iter().chain(&self.journal_ended) {
            if all.iter().any(|known| known.id == row.id) {
                continue;
            }
            let older = self.tracked.iter().find(|known| known.id == row.id);
            let known = older.and_then(|known| known.snapshot.clone());
            let snapshot = match (&row.snapshot, known) {
                (Some(new), Some(known)) if *known == *new => Some(known),
                (Some(new), _) => Some(Arc::new(new.clone())),
                (None, known) => known,
            };
            all.push(Tracked {
                id: row.id,
                verb: row.operation.verb,
                label: row.label.clone(),
                by: row.by.clone(),
                tracked_by: row.tracked_by.clone(),
                started_at: row.operation.at,
                snapshot,
                ended: row.ended.clone(),
            });
        }
        let (mut open, mut ended): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|tracked| tracked.ended.is_none());
        open.sort_by_key(|tracked| (tracked.started_at, tracked.id));
        ended.sort_by_key(|tracked| {
            std::cmp::Reverse((tracked.ended.as_ref().map(|ending| ending.at), tracked.id))
        });
        open.append(&mut ended);
        self.tracked = open;
        let pending = self.pending_names();
        if pending != self.env.pending {
            self.env.pending = pending;
            self.assets.stale |= assets::update::sorts_by_pending(&self.assets);
        }
    }

    /// Assets with an open watch and how far their caches are.
    fn pending_names(&self) -> PendingNames {
        let mut names: BTreeMap<String, PendingMark> = BTreeMap::new();
        for tracked in self.open() {
            let Some(snapshot) = &tracked.snapshot else {
                names.entry(tracked.label.clone()).or_default();
                continue;
            };
            for (column, url) in snapshot.urls.iter().enumerate() {
                let mark = names.entry(url.asset.clone()).or_default();
                mark.stuck |= snapshot.stuck;
                for place in 0..snapshot.places.len() {
                    let Some(cell) = snapshot.cell(place, column).filter(|cell| cell.counted)
                    else {
                        continue;
                    };
                    let (clear, variants) = cell.clear_of_variants();
                    mark.total += variants;
                    mark.clear += clear;
                }
            }
        }
        PendingNames(names)
    }
}
