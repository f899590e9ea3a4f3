//! What a scenario promises, compared with what happened.

use std::time::Duration;

use crate::local_cloud::span::text;
use crate::local_cloud::world::World;
use crate::local_cloud::world::fault::Codes;
use crate::local_cloud::world::purge::Invalidation;

/// What the first invalidation truly comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// By then every edge is clear that is not named below.
    pub within: Option<Duration>,
    pub later: Codes,
    pub never: Codes,
    pub regress: Codes,
}

impl Default for Expect {
    fn default() -> Self {
        let nobody = || Codes::These(Vec::new());
        Self { within: None, later: nobody(), never: nobody(), regress: nobody() }
    }
}

impl Expect {
    /// What is not so, one sentence each; empty where everything came as promised, or before an invalidation.
    #[must_use]
    pub fn broken(&self, world: &World) -> Vec<String> {
        let Some(first) = world.invalidations().next() else { return Vec::new() };
        let edges = world.network().edges().iter().enumerate();
        edges.filter_map(|(edge, one)| self.judged(world, first, edge, one.pop.code)).collect()
    }

    fn judged(
        &self,
        world: &World,
        first: &Invalidation,
        edge: usize,
        code: &str,
    ) -> Option<String> {
        let nodes = world.network().nodes(edge);
        let took = first.cleared_at(nodes.clone()).map(|at| at.saturating_sub(first.at));
        let seen = took.map_or("it is not clear".to_owned(), |took| {
            format!("it was clear after {}", text(took))
        });
        if self.never.name(code) {
            return took.map(|_| format!("{code} should never be cleared, and {seen}"));
        }
        let regressed = first.arrivals[nodes].iter().any(|arrival| arrival.regressed_at.is_some());
        match (self.regress.name(code), regressed) {
            (true, false) => {
                return Some(format!("{code} should have an old copy again, and has not"));
            }
            (false, true) => return Some(format!("{code} has an old copy again, and should not")),
            _ => {}
        }
        let within = self.within?;
        let in_time = took.is_some_and(|took| took <= within);
        let limit = text(within);
        match (self.later.name(code), in_time) {
            (true, true) => Some(format!("{code} should be clear after {limit} only, and {seen}")),
            (true, false) if took.is_none() => {
                Some(format!("{code} should be clear some time after {limit}, and {seen}"))
            }
            (false, false) => Some(format!("{code} should be clear within {limit}, and {seen}")),
            _ => None,
        }
    }
}
