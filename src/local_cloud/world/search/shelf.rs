//! Answers to signed searches that edges keep for as long as the URL says.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;

use crate::local_cloud::world::World;
use crate::local_cloud::world::fault::FaultKind;

/// Answers that all edges together keep, at most, and bytes in them; the oldest go first.
const MOST_KEPT: usize = 512;
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// What an edge says to a signed search before anybody searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptReply {
    /// It has answered the same URL a while ago.
    Kept { body: Bytes, age: Duration },
    /// It has to ask.
    Missing,
    /// It refuses: 429 or 503, with seconds to wait.
    Refused { status: u16, retry_after: Option<u64> },
    /// It resets the connection.
    Reset,
}

#[derive(Debug)]
struct Kept {
    edge: usize,
    path: Arc<str>,
    body: Bytes,
    at: Duration,
    ttl: Duration,
}

/// All that the edges keep, oldest first. Assets that come and go change nothing here: only time does.
#[derive(Debug, Default)]
pub(super) struct Shelf(VecDeque<Kept>);

impl Shelf {
    fn find(&mut self, edge: usize, path: &str, now: Duration) -> Option<&Kept> {
        self.0.retain(|kept| now.saturating_sub(kept.at) < kept.ttl);
        self.0.iter().find(|kept| kept.edge == edge && &*kept.path == path)
    }

    fn put(&mut self, new: Kept) {
        self.0.retain(|kept| kept.edge != new.edge || kept.path != new.path);
        self.0.push_back(new);
        let mut bytes: usize = self.0.iter().map(|kept| kept.body.len()).sum();
        while self.0.len() > MOST_KEPT || bytes > MOST_BYTES {
            bytes -= self.0.pop_front().map_or(bytes, |kept| kept.body.len());
        }
    }
}

impl World {
    /// Somebody asks an edge for a signed search. The answer leaves after the delay that comes with it.
    pub fn search_at_edge(
        &mut self,
        edge: usize,
        path: &str,
        now: Duration,
    ) -> (KeptReply, Duration) {
        self.advance(now);
        let (refused, delay) = self.trouble_at(edge);
        let now = self.now;
        let reply = refused.unwrap_or_else(|| match self.search.shelf.find(edge, path, now) {
            Some(kept) => {
                KeptReply::Kept { body: kept.body.clone(), age: now.saturating_sub(kept.at) }
            }
            None => KeptReply::Missing,
        });
        (reply, delay)
    }

    /// What an edge that is out of order says to everything, and how late.
    fn trouble_at(&self, edge: usize) -> (Option<KeptReply>, Duration) {
        let suffers = |kind| self.suffers(kind, edge);
        let delay = suffers(FaultKind::Slow).map_or(Duration::ZERO, |slow| slow.delay);
        let refused = |status, retry_after| Some(KeptReply::Refused { status, retry_after });
        let reply = if suffers(FaultKind::Dead).is_some() {
            Some(KeptReply::Reset)
        } else if suffers(FaultKind::Unavailable).is_some() {
            refused(503, None)
        } else if suffers(FaultKind::Throttled).is_some() {
            refused(429, Some(5))
        } else {
            None
        };
        (reply, delay)
    }

    /// An edge keeps the answer to a signed search for `ttl`.
    pub fn keep_search(
        &mut self,
        edge: usize,
        path: &str,
        body: Bytes,
        ttl: Duration,
        now: Duration,
    ) {
        self.advance(now);
        if !ttl.is_zero() && edge < self.edges.len() {
            self.search.shelf.put(Kept { edge, path: path.into(), body, at: self.now, ttl });
        }
    }
}
