//! Truth: what the world's books say of the caches that a watch has reached, never what anybody judged.

use std::collections::BTreeSet;
use std::time::Duration;

use super::story::Story;
use crate::domain::asset::AssetKey;
use crate::domain::confidence::Confidence;
use crate::domain::delivery_url::shared_target;
use crate::domain::invalidation::Invalidation;
use crate::domain::sighting::AcceptVariant;
use crate::domain::snapshot::{PlaceState, WatchSnapshot};
use crate::local_cloud::in_process::InProcess;
use crate::local_cloud::world::network::Place;
use crate::local_cloud::world::story::What;
use crate::local_cloud::world::{Response, World};

/// What a watch vouches for: paths at edges.
#[derive(Debug, Clone)]
pub struct Vouched {
    pub paths: Vec<String>,
    pub edges: BTreeSet<usize>,
}

impl Vouched {
    /// Every URL that was watched to the end, at every edge that answered.
    pub fn of(invalidation: &Invalidation, last: &WatchSnapshot, story: &Story) -> Self {
        let live = |key: &AssetKey| {
            let mut names = invalidation.names.iter();
            names.any(|name| name.key == *key && !name.superseded)
        };
        let cloud = &story.settings.cloud_name;
        let urls = invalidation.urls.iter().filter(|watched| live(&watched.key));
        let paths = urls.map(|watched| {
            let (host, path) = (watched.url.host_name(), watched.url.path());
            shared_target(&host, &path, cloud).into_owned()
        });
        let answering = last.places.iter().filter(|place| place.state == PlaceState::Answering);
        let edges = answering.filter_map(|place| {
            let code = place.id.0.split('@').next()?;
            story.settings.edges.iter().position(|pop| pop.code == code)
        });
        Self { paths: paths.collect(), edges: edges.collect() }
    }

    fn has(&self, place: Place) -> bool {
        matches!(place, Place::Edge { edge, .. } if self.edges.contains(&edge))
    }
}

/// An outdated copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub edge: usize,
    pub node: usize,
    pub path: String,
    /// It came after the last look at its cell although there had been as many as the level claims, the last of them
    /// in quiet; or it became outdated after storage was last read: nobody could know.
    pub behind_us: bool,
    pub story: String,
}

/// Outdated copies that caches hold now under what is vouched for. `changed` are the times at which somebody else
/// changed storage.
pub fn held(
    cloud: &InProcess,
    vouched: &Vouched,
    changed: &[Duration],
    level: Confidence,
) -> Vec<Held> {
    let rule = level.rule();
    // gone content is looked at for 75 s, and the late look may be made ten seconds before the end
    let quiet = rule.q.max(Duration::from_secs(75)) + Duration::from_secs(30);
    cloud.with(|world, now| {
        let mut found = Vec::new();
        for path in &vouched.paths {
            for truth in world.truth(path, now) {
                let Place::Edge { edge, node } = truth.place else { continue };
                if !vouched.has(truth.place) {
                    continue;
                }
                for (copy, _) in truth.copies.iter().filter(|(_, outdated)| *outdated) {
                    let came = came_at(world, truth.place, path);
                    let gone = came.map(|came| left_at(world, truth.place, path, came));
                    let looks = looks(cloud, edge, path, copy.variant);
                    let looked = looks.last().copied();
                    // as many looks as are claimed, since it had gone and before it came back
                    let enough = came.zip(gone).is_some_and(|(came, gone)| {
                        let between = looks.iter().filter(|at| **at > gone && **at < came);
                        between.count() >= rule.k as usize
                    });
                    let lately = looked.is_some_and(|at| now.saturating_sub(at) <= quiet);
                    let came_back = came > looked && enough && lately;
                    let read = last_read(cloud, &copy.answer.address.names);
                    let moved = changed.iter().any(|at| read.is_some_and(|read| *at >= read));
                    found.push(Held {
                        edge,
                        node,
                        path: path.clone(),
                        behind_us: came_back || moved,
                        story: format!(
                            "stored {:?} age then {:?}, status {}, came {came:?}, last look {looked:?}, last read {read:?}",
                            copy.stored_at, copy.age_then, copy.answer.status
                        ),
                    });
                }
            }
        }
        found
    })
}

/// When a cell was looked at by whatever class of clients its copy is for, oldest first.
fn looks(
    cloud: &InProcess,
    edge: usize,
    path: &str,
    variant: Option<AcceptVariant>,
) -> Vec<Duration> {
    let classes =
        AcceptVariant::ALL.into_iter().filter(|one| variant.is_none_or(|own| own == *one));
    let mut looks: Vec<Duration> = cloud
        .diary(|diary| classes.flat_map(|one| diary.looks(edge, path, one).to_vec()).collect());
    looks.sort_unstable();
    looks
}

fn last_read(cloud: &InProcess, names: &[AssetKey]) -> Option<Duration> {
    cloud.diary(|diary| names.iter().filter_map(|key| diary.last_read(key)).max())
}

/// When an old copy of `path` last came back to a cache.
fn came_at(world: &World, place: Place, path: &str) -> Option<Duration> {
    let came = world.story().entries().rev().find(|entry| {
        entry.place == place
            && matches!(&entry.what, What::Returned { path: own } | What::Refilled { path: own, .. } if **own == *path)
    });
    came.map(|entry| entry.at)
}

/// When a copy of `path` last left a cache before `then`.
fn left_at(world: &World, place: Place, path: &str, then: Duration) -> Duration {
    let left = world.story().entries().rev().find(|entry| {
        entry.place == place
            && entry.at < then
            && matches!(&entry.what, What::Left { path: own, .. } if **own == *path)
    });
    left.map_or(Duration::ZERO, |entry| entry.at)
}

/// When the last outdated copy left what is vouched for; `None` while one is there.
pub fn cleared_at(cloud: &InProcess, vouched: &Vouched) -> Option<Duration> {
    cloud.with(|world, now| {
        let mut last = Duration::ZERO;
        for path in &vouched.paths {
            for truth in world.truth(path, now).iter().filter(|truth| vouched.has(truth.place)) {
                if truth.is_outdated() {
                    return None;
                }
                last = last.max(truth.cleared_at.unwrap_or_default());
            }
        }
        Some(last)
    })
}

/// Whether a copy of what is vouched for outlived the latest invalidation, with whatever bytes: where they are the same
/// as in storage it is not outdated, and a purge did not reach it all the same.
pub fn outlived(cloud: &InProcess, vouched: &Vouched) -> bool {
    cloud.with(|world, now| {
        let Some(sent) = world.invalidations().next_back().map(|one| one.at) else { return false };
        vouched.paths.iter().any(|path| {
            let truths = world.truth(path, now);
            truths.iter().filter(|truth| vouched.has(truth.place)).any(|truth| {
                let left_storage = |stored: Duration, age: Duration| stored.saturating_sub(age);
                truth
                    .copies
                    .iter()
                    .any(|(copy, _)| left_storage(copy.stored_at, copy.age_then) < sent)
            })
        })
    })
}

/// What a viewer who comes now is shown that is outdated: caches refill, from shields as well.
pub fn shown_to_viewers(cloud: &InProcess, vouched: &Vouched, since: Duration) -> Vec<String> {
    cloud.with(|world, now| {
        let mut shown = Vec::new();
        for path in &vouched.paths {
            for edge in &vouched.edges {
                for accept in AcceptVariant::ALL {
                    let Response::Served(served) = world.request(*edge, path, accept, now) else {
                        continue;
                    };
                    let place = Place::Edge { edge: *edge, node: served.node };
                    let returned = world.story().entries().any(|entry| {
                        entry.place == place
                            && entry.at >= since
                            && matches!(&entry.what, What::Returned { .. })
                    });
                    if world.is_outdated(&served.answer) && !returned {
                        shown.push(format!("edge {edge} {path} {accept:?}"));
                    }
                }
            }
        }
        shown
    })
}
