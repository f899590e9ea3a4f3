//! A thousand URLs at 24 places stay inside every limit, by the times at which probes left and returned.

use super::lag::{Ours, propagation_of, watching};
use super::*;
use crate::domain::time::Moment;
use crate::domain::usual::Usual;

const URLS: usize = 1_000;
const PLACES: usize = 24;

/// Most probes under way at once.
fn most_in_flight(probes: &[(Moment, Moment)]) -> usize {
    let leaving = probes.iter().map(|(sent, _)| (*sent, 1_i64));
    let returning = probes.iter().map(|(_, back)| (*back, -1_i64));
    let mut turns: Vec<_> = leaving.chain(returning).collect();
    turns.sort_unstable(); // at one moment those that return go first
    let (mut now, mut most) = (0, 0);
    for (_, change) in turns {
        now += change;
        most = most.max(now);
    }
    usize::try_from(most).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_urls_at_24_places_stay_inside_every_limit() {
    const SECONDS: u64 = 24;
    let mut chance = fastrand::Rng::with_seed(24);
    let lets_go = propagation_of(URLS, PLACES, &mut chance);
    // slow caches of one provider: its limit is what holds them up
    let Ours { edges, tracker, id } =
        watching(&lets_go, Usual::default(), 7, (400, 2_500), 1).await;
    let mut sizes = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(SECONDS / 3)).await;
        let seen = tracker.board().borrow().get(id).cloned().unwrap();
        assert!(seen.timeline.len() <= 200 && seen.curve.len() <= 600);
        sizes.push((seen.cells.len(), seen.places.len(), seen.urls.len()));
    }
    tracker.shutdown().await;
    assert_eq!(sizes, [(URLS * PLACES, PLACES, URLS); 3], "what is kept does not grow");

    let log = edges.log.lock().unwrap().clone();
    assert!(log.len() > 80, "{} probes", log.len());
    let all: Vec<_> = log.iter().map(|(_, sent, back)| (*sent, *back)).collect();
    assert_eq!(most_in_flight(&all), 8, "eight in flight per provider, and no slot unused");
    for place in 0..PLACES {
        let mut own: Vec<_> = log.iter().filter(|probe| probe.0 == place).collect();
        own.sort_unstable();
        assert!(!own.is_empty(), "each place has its turn");
        for pair in own.windows(2) {
            assert!(pair[1].1 >= pair[0].2, "one in flight per address");
            let apart = pair[1].1.since(pair[0].1);
            assert!(apart >= Duration::from_millis(999), "one request a second: {apart:?}");
        }
    }
}
