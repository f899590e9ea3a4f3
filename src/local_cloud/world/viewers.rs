//! People who look at pages: they keep edges warm, and go on asking for a while for what is gone.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::chance::Chance;

/// How long pages go on naming a URL that is gone.
const REMEMBERED: Duration = Duration::from_secs(90);
/// URLs that viewers know at most.
const MOST_URLS: usize = 4096;
/// A pause longer than this is not caught up with.
const CATCH_UP: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Link {
    path: Arc<str>,
    /// Since when it has been answered with an error.
    gone_since: Option<Duration>,
}

/// One look at one page.
#[derive(Debug, PartialEq, Eq)]
pub struct View {
    /// Counts from 1.
    pub number: u64,
    pub edge: usize,
    pub path: Arc<str>,
    pub accept: AcceptVariant,
}

/// The viewers of a world.
#[derive(Debug)]
pub struct Viewers {
    chance: Chance,
    /// Time between two looks, on the whole; `None`: nobody looks.
    pause: Option<Duration>,
    /// Looks that are over. Each has a time of its own, whoever asks when.
    looks: u64,
    links: Vec<Link>,
    known: HashSet<Arc<str>>,
}

impl Viewers {
    /// Viewers who look `rate` times a second in all.
    #[must_use]
    pub fn new(chance: Chance, rate: f64) -> Self {
        let pause = (rate > 0.0).then(|| Duration::from_secs_f64((1.0 / rate).clamp(0.001, 1e6)));
        Self { chance, pause, looks: 0, links: Vec::new(), known: HashSet::new() }
    }

    /// Puts a URL on a page. The pages seen first are the popular ones.
    pub fn publish(&mut self, path: &Arc<str>) {
        if self.pause.is_some() && self.links.len() < MOST_URLS && self.known.insert(path.clone()) {
            self.links.push(Link { path: path.clone(), gone_since: None });
        }
    }

    /// When somebody looks next, seen from `now`.
    pub fn due(&mut self, now: Duration) -> Option<Duration> {
        let pause = self.pause?;
        let missed = now.saturating_sub(CATCH_UP).as_nanos() / pause.as_nanos();
        self.looks = self.looks.max(u64::try_from(missed).unwrap_or(u64::MAX));
        let place = self.looks as f64 + self.chance.share("pause", &[self.looks]);
        Some(pause.mul_f64(place))
    }

    /// The look that is due.
    pub fn look(&mut self, edges: usize) -> Option<View> {
        self.pause?;
        self.looks += 1;
        let popular = self.chance.share("page", &[self.looks]).powi(2);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at = (popular * self.links.len() as f64) as usize;
        let link = self.links.get(at)?;
        let edge = self.chance.below(edges as u64, "edge", &[self.looks]);
        let accept = match self.chance.below(3, "browser", &[self.looks]) {
            0 => AcceptVariant::None,
            1 => AcceptVariant::Webp,
            _ => AcceptVariant::Avif,
        };
        Some(View {
            number: self.looks,
            edge: usize::try_from(edge).ok()?,
            path: link.path.clone(),
            accept,
        })
    }

    /// Tells what a look found; what stays gone is taken off the pages after a while.
    pub fn found(&mut self, path: &str, is_there: bool, now: Duration) {
        let Some(at) = self.links.iter().position(|link| &*link.path == path) else { return };
        let link = &mut self.links[at];
        if is_there {
            link.gone_since = None;
        } else if now.saturating_sub(*link.gone_since.get_or_insert(now)) >= REMEMBERED {
            let link = self.links.remove(at);
            self.known.remove(&link.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_gone_is_asked_for_a_while_and_then_no_more() {
        let mut viewers = Viewers::new(Chance::new(1), 4.0);
        viewers.publish(&"/a".into());
        let at = Duration::from_secs;
        viewers.found("/a", false, at(10));
        assert!(viewers.look(8).is_some());
        viewers.found("/a", true, at(50));
        viewers.found("/a", false, at(60));
        viewers.found("/a", false, at(149));
        assert!(viewers.look(8).is_some());
        viewers.found("/a", false, at(150));
        assert_eq!(viewers.look(8), None);
    }

    #[test]
    fn looks_have_their_times_however_time_is_moved_on() {
        let at = Duration::from_millis;
        let looks = |steps: &[u64]| {
            let mut viewers = Viewers::new(Chance::new(1), 4.0);
            viewers.publish(&"/a".into());
            let mut seen = Vec::new();
            for step in steps {
                while let Some(due) = viewers.due(at(*step)).filter(|due| *due <= at(*step)) {
                    seen.push((due, viewers.look(8)));
                }
            }
            seen
        };
        let small: Vec<u64> = (0..=40).map(|n| n * 100).collect();
        assert_eq!(looks(&small), looks(&[4000]));
        assert!((12..=20).contains(&looks(&[4000]).len()));
        // after a long pause there is nothing to catch up with but the last seconds
        let late = looks(&[3_600_000]);
        assert!((18..=22).contains(&late.len()), "{}", late.len());
        assert!(late[0].0 >= at(3_594_000));
    }

    #[test]
    fn nobody_looks_at_rate_zero() {
        let mut viewers = Viewers::new(Chance::new(1), 0.0);
        viewers.publish(&"/a".into());
        assert_eq!(viewers.due(Duration::from_secs(9)), None);
        assert_eq!(viewers.look(8), None);
    }
}
