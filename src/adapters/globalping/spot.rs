//! One location: which probe looks from there, and what has to be told when it is another one.
//!
//! Probes have no public IDs. The same one is asked again by naming the last measurement it answered; where it went
//! away, the free text finds another. City, country and network tell them apart; two probes of one city and one
//! network look alike, and are taken for one.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::GlobalpingError;
use super::wire::ProbeInfo;
use crate::ports::prober::Probe;

/// Cells of one location that are remembered; beyond it all are forgotten, and told of a change at the next one.
const MAX_CELLS: usize = 65_536;

/// A location under way.
#[derive(Debug, Default)]
pub(super) struct Spot {
    /// Held while the first measurement is created, so that those who wait for it get the same probe.
    pub(super) first: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// A measurement whose probe is asked again.
    pin: Option<String>,
    who: Option<ProbeInfo>,
    /// Cells seen by that probe.
    seen: HashSet<u64>,
    /// Cells seen by an earlier one, and not told yet that it is another now.
    untold: HashSet<u64>,
    /// The last change: from whom to whom.
    change: Option<(String, String)>,
}

impl Spot {
    pub(super) fn pin(&self) -> Option<String> {
        self.state().pin.clone()
    }

    /// A measurement was created: whoever comes next asks the same probe, though nobody knows yet which it is.
    pub(super) fn created(&self, id: &str) {
        self.state().pin.get_or_insert_with(|| id.to_owned());
    }

    /// `used` leads to no probe any more.
    pub(super) fn unpin(&self, used: &str) {
        let mut state = self.state();
        if state.pin.as_deref() == Some(used) {
            state.pin = None;
        }
    }

    /// The probe is offline: the next measurement finds another.
    pub(super) fn forget_probe(&self) {
        self.state().pin = None;
    }

    /// Tells a cell once that its earlier sightings came from another probe.
    ///
    /// # Errors
    /// That it is so: the run of sightings ends there.
    pub(super) fn tell(&self, cell: u64) -> Result<(), GlobalpingError> {
        let mut state = self.state();
        if !state.untold.remove(&cell) {
            return Ok(());
        }
        let (before, now) = state.change.clone().unwrap_or_default();
        Err(GlobalpingError::OtherProbe { before, now })
    }

    /// Measurement `id` of `cell` was answered by `who`.
    ///
    /// # Errors
    /// It is another probe than before, and the cell had been seen by that one.
    pub(super) fn answered(
        &self,
        id: &str,
        cell: u64,
        who: &ProbeInfo,
    ) -> Result<(), GlobalpingError> {
        {
            let mut state = self.state();
            state.pin = Some(id.to_owned());
            match &state.who {
                Some(before) if before != who => {
                    let change = (before.in_words(), who.in_words());
                    tracing::info!(from = change.0, to = change.1, "another probe of Globalping");
                    state.change = Some(change);
                    let seen = std::mem::take(&mut state.seen);
                    state.untold.extend(seen);
                }
                _ => {}
            }
            state.who = Some(who.clone());
            if state.seen.len() + state.untold.len() >= MAX_CELLS {
                state.seen.clear();
                state.untold.clear();
            }
        }
        self.tell(cell)?;
        self.state().seen.insert(cell);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a run of sightings is about, as a number.
pub(super) fn cell_of(probe: &Probe) -> u64 {
    let mut hash = DefaultHasher::new();
    (&probe.host, &probe.path, probe.variant, probe.address, probe.tls).hash(&mut hash);
    hash.finish()
}
