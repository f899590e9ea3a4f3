//! A thousand URLs at 24 places stay inside every limit for more than ten minutes, by the times at which probes left and
//! returned, and memory does not grow; and a proof ends where answers are lost.

use super::lag::{Ours, last, propagation_of, watching};
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

/// Two providers of slow caches: their limits are what holds the looks up.
#[tokio::test(start_paused = true)]
async fn a_thousand_urls_at_24_places_stay_inside_every_limit() {
    const PARTS: usize = 5;
    const PART: Duration = Duration::from_secs(125);
    let mut chance = fastrand::Rng::with_seed(24);
    let lets_go = propagation_of(URLS, PLACES, &mut chance);
    let Ours { edges, tracker, id } =
        watching(&lets_go, Usual::default(), 7, (400, 2_500), 2).await;
    let mut sizes = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..PARTS {
        tokio::time::sleep(PART).await;
        let seen = tracker.board().borrow().get(id).cloned().unwrap();
        assert!(seen.ended.is_none(), "{}", seen.sentence);
        assert!(seen.timeline.len() <= 200 && seen.curve.len() <= 600);
        sizes.push((seen.cells.len(), seen.places.len(), seen.urls.len()));
        kept.push(tracker.retained().await);
    }
    tracker.shutdown().await;
    assert_eq!(sizes, [(URLS * PLACES, PLACES, URLS); PARTS]);
    // cells, and what is due of each; each part makes a thousand looks and more
    let grown = kept.last().unwrap().saturating_sub(kept[2]);
    assert!(grown <= kept[2] / 100, "what is kept does not grow with the looks: {kept:?}");

    let log = edges.log.lock().unwrap().clone();
    assert!(log.len() > 4_000, "{} probes", log.len());
    for provider in 0..2 {
        let own = log.iter().filter(|probe| probe.0 % 2 == provider);
        let own: Vec<_> = own.map(|(_, sent, back)| (*sent, *back)).collect();
        assert_eq!(most_in_flight(&own), 8, "eight in flight per provider, and no slot unused");
    }
    for place in 0..PLACES {
        let mut own: Vec<_> = log.iter().filter(|probe| probe.0 == place).collect();
        own.sort_unstable();
        assert!(own.len() > 100, "each place has its turn");
        for pair in own.windows(2) {
            assert!(pair[1].1 >= pair[0].2, "one in flight per address");
            let apart = pair[1].1.since(pair[0].1);
            assert!(apart >= Duration::from_millis(999), "one request a second: {apart:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_proof_over_60_cells_ends_though_one_answer_of_twenty_is_lost() {
    let lets_go = propagation_of(1, 60, &mut fastrand::Rng::with_seed(5));
    let Ours { edges, tracker, id } = watching(&lets_go, Usual::default(), 5, (20, 180), 3).await;
    edges.lost.store(50, std::sync::atomic::Ordering::Relaxed);
    let ended = tracker.outcome(id).await.unwrap();
    assert_eq!(outcome_of(&ended), Outcome::AllClear, "{}", ended.sentence);
    let lag = ended.elapsed().saturating_sub(last(&lets_go));
    assert!(lag < Duration::from_secs(240), "{lag:?}");
    tracker.shutdown().await;
}
