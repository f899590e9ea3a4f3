//! What a story is made of, drawn from its seed.

use std::time::Duration;

use fastrand::Rng;

use crate::domain::account::InvalidationKind;
use crate::domain::confidence::Confidence;
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::in_process::Travel;
use crate::local_cloud::pops::{POPS, shields};
use crate::local_cloud::world::Settings;
use crate::local_cloud::world::fault::{ApiPart, Begin, Fault, FaultKind, Share, Site};
use crate::local_cloud::world::network::{NetworkSettings, NodeBy};
use crate::local_cloud::{Options, Spread};

/// What can be the matter in a story, beside how long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matter {
    Nothing,
    /// Caches between edges and storage that hear late of a purge: edges fetch the old copy again, and keep it.
    Shield,
    Soft,
    Variant,
    /// Caches hold a refusal from before the name existed.
    Negative,
    Resurrection,
    /// We order something else for the same asset meanwhile.
    Overlap,
    /// Somebody else changes the asset meanwhile.
    Colleague,
    Skew,
    Suspend,
    Lost,
    Lag,
    Refusals,
    Dead,
    Validators,
    Slow,
    /// Invalidations that are late, kept waiting or lost.
    Stuck,
    /// One node of four behind an edge never hears of the purge.
    StaleNode,
}

impl Matter {
    pub const ALL: [Self; 18] = [
        Self::Nothing,
        Self::Shield,
        Self::Soft,
        Self::Variant,
        Self::Negative,
        Self::Resurrection,
        Self::Overlap,
        Self::Colleague,
        Self::Skew,
        Self::Suspend,
        Self::Lost,
        Self::Lag,
        Self::Refusals,
        Self::Dead,
        Self::Validators,
        Self::Slow,
        Self::Stuck,
        Self::StaleNode,
    ];
}

/// What somebody does to an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Delete,
    Replace,
    Purge,
    /// Onto another name, which may be taken.
    Rename {
        overwrite: bool,
    },
}

/// What happens besides, at a time after the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Our machine sleeps for so long.
    Suspend(Duration),
    /// Our wall clock is set so many milliseconds ahead.
    Wall(i64),
    /// Somebody else, with or without an invalidation.
    Colleague(Deed, bool),
    /// We again.
    Ours(Deed),
}

/// A story.
#[derive(Debug, Clone)]
pub struct Story {
    pub seed: u64,
    pub level: Confidence,
    /// Sorted; never empty.
    pub matters: Vec<Matter>,
    /// The limits and the cadence of a local cloud.
    pub loopback: bool,
    pub settings: Settings,
    pub travel: Travel,
    /// What the profile says of the account.
    pub known_mode: InvalidationKind,
    /// Public IDs, and where the first of them goes in a rename.
    pub ids: Vec<&'static str>,
    pub to: &'static str,
    pub chains: Vec<&'static str>,
    /// Age of the copies when the order is given.
    pub warm_for: Duration,
    /// Caches were asked for the name before there was anything.
    pub negative: bool,
    /// Somebody replaced the file so long before the order, without an invalidation.
    pub replaced_before: Option<Duration>,
    pub deed: Deed,
    pub events: Vec<(Duration, Event)>,
    /// Milliseconds that our wall clock is ahead of the cloud's.
    pub ahead: i64,
    /// The operator takes up every offer to purge again.
    pub purges_again: bool,
    pub give_up_after: Duration,
}

fn secs(from: u64, to: u64, rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.u64(from * 1000..=to * 1000))
}

fn one_of<T: Copy>(of: &[T], rng: &mut Rng) -> T {
    of[rng.usize(..of.len())]
}

fn share(of: f64) -> Share {
    Share::of(of).expect("a share of some")
}

impl Story {
    /// The story of a seed, at a level. One in six is about a stale node.
    pub fn draw(seed: u64, level: Confidence) -> Self {
        let mut rng = Rng::with_seed(seed ^ (level as u64) << 56);
        let matters = matters(seed, &mut rng);
        let has = |matter| matters.contains(&matter);
        let stale_node = has(Matter::StaleNode);
        let mut story = Self {
            seed,
            level,
            loopback: rng.u8(..10) == 0,
            settings: settings(&matters, seed, &mut rng),
            travel: Travel { seed, ..Travel::default() },
            known_mode: InvalidationKind::Surrogate,
            ids: if rng.u8(..8) == 0 { vec!["hero", "press/kit"] } else { vec!["hero"] },
            to: "star",
            chains: chains(has(Matter::Variant), &mut rng),
            warm_for: secs(5, 3000, &mut rng),
            negative: has(Matter::Negative),
            replaced_before: None,
            deed: one_of(&DEEDS, &mut rng),
            events: Vec::new(),
            ahead: 0,
            purges_again: !stale_node && rng.u8(..5) > 0,
            give_up_after: Duration::from_secs(if stale_node { 300 } else { 480 }),
            matters: matters.clone(),
        };
        story.known_mode = match rng.u8(..10) {
            0 => InvalidationKind::Unknown,
            _ => story.settings.mode,
        };
        if story.ids.len() > 1 && matches!(story.deed, Deed::Rename { .. } | Deed::Replace) {
            story.ids.truncate(1);
        }
        if story.deed == Deed::Purge && rng.bool() {
            story.replaced_before = Some(secs(10, 100, &mut rng));
            story.warm_for += Duration::from_secs(120);
        }
        if story.negative {
            story.warm_for = secs(2, 50, &mut rng);
            if matches!(story.deed, Deed::Delete) {
                story.deed = Deed::Rename { overwrite: false };
                story.ids.truncate(1);
            }
        }
        story.travel.loopback = story.loopback;
        story.travel.addresses = if rng.u8(..8) == 0 { 2 } else { 1 };
        for matter in &matters {
            story.befall(*matter, &mut rng);
        }
        story.events.sort_by_key(|(at, _)| *at);
        story
    }

    /// Whether every probe of a cell sees whatever copy the cell holds.
    pub fn is_seen_by_each_probe(&self) -> bool {
        self.settings.network.nodes == 1
    }

    /// The code of some edge, or of all.
    fn victim(&self, rng: &mut Rng) -> String {
        let edges = &self.settings.edges;
        match rng.u8(..4) {
            0 => "*".to_owned(),
            _ => edges[rng.usize(..edges.len())].code.to_owned(),
        }
    }

    fn fault(&mut self, kind: FaultKind, rng: &mut Rng, change: impl FnOnce(&mut Fault, &mut Rng)) {
        let mut fault = Fault::at_edge(&self.victim(rng), kind);
        change(&mut fault, rng);
        self.settings.faults.push(fault);
    }

    fn api_fault(&mut self, kind: FaultKind, change: impl FnOnce(&mut Fault)) {
        let mut fault = Fault::new(Site::Api(ApiPart::All), kind);
        change(&mut fault);
        self.settings.faults.push(fault);
    }

    /// Lets one thing be the matter.
    fn befall(&mut self, matter: Matter, rng: &mut Rng) {
        use FaultKind as Kind;
        match matter {
            Matter::Nothing | Matter::Shield | Matter::Negative => {}
            Matter::Soft => self.fault(Kind::Soft, rng, |fault, rng| {
                fault.after = secs(0, 30, rng);
                fault.count = rng.bool().then_some(1);
            }),
            Matter::Variant => self.fault(Kind::Variant, rng, |fault, rng| {
                fault.variant = one_of(&AcceptVariant::ALL, rng);
                fault.count = rng.bool().then_some(1);
            }),
            Matter::Resurrection => {
                for _ in 0..rng.u8(1..=2) {
                    // as often soon, while others are still awaited, as late, in quiet or after the end
                    let latest = if rng.bool() { 12 } else { 150 };
                    self.fault(Kind::Regress, rng, |fault, rng| fault.after = secs(0, latest, rng));
                }
            }
            Matter::Overlap => {
                let deed = one_of(&[Deed::Replace, Deed::Purge, Deed::Delete], rng);
                self.events.push((secs(2, 90, rng), Event::Ours(deed)));
            }
            Matter::Colleague => {
                for _ in 0..rng.u8(1..=2) {
                    let deed =
                        one_of(&[Deed::Replace, Deed::Replace, Deed::Delete, Deed::Purge], rng);
                    let invalidates = rng.u8(..4) > 0;
                    self.events.push((secs(0, 120, rng), Event::Colleague(deed, invalidates)));
                }
            }
            Matter::Skew => {
                self.ahead = rng.i64(-300_000..=300_000);
                if rng.bool() {
                    let other = rng.i64(-300_000..=300_000);
                    self.events.push((secs(0, 100, rng), Event::Wall(other)));
                }
                self.fault(Kind::Skew, rng, |fault, rng| fault.ahead = rng.i64(-300..=300));
            }
            Matter::Suspend => {
                for _ in 0..rng.u8(1..=2) {
                    let nap = secs(3, 400, rng);
                    self.events.push((secs(0, 120, rng), Event::Suspend(nap)));
                }
            }
            Matter::Lost => {
                self.travel.lost_probes = rng.f64() * 0.06;
                self.travel.lost_calls = if rng.bool() { 0.15 } else { 0.0 };
            }
            Matter::Lag => {
                let late = secs(2, 100, rng);
                self.api_fault(Kind::Lag, |fault| fault.late = late);
            }
            Matter::Refusals => self.refusals(rng),
            Matter::Dead => self.dead(rng),
            Matter::Validators => {
                let kinds = [Kind::WeakEtag, Kind::Etagless, Kind::NodeEtag, Kind::Ageless];
                for _ in 0..rng.u8(1..=2) {
                    let kind = one_of(&kinds, rng);
                    self.fault(kind, rng, |fault, rng| {
                        if rng.u8(..3) == 0 {
                            fault.share = share(0.5);
                        }
                    });
                }
            }
            Matter::Slow => self.slow(rng),
            Matter::Stuck => {
                let kind = one_of(&[Kind::Stuck, Kind::Late, Kind::Lost], rng);
                self.fault(kind, rng, |fault, rng| match kind {
                    Kind::Stuck => fault.lasts = (rng.u8(..6) > 0).then(|| secs(10, 120, rng)),
                    Kind::Late => fault.late = secs(10, 120, rng),
                    _ => fault.count = Some(1),
                });
            }
            Matter::StaleNode => {
                // stale for everything, or for one class of clients
                let kind = one_of(&[Kind::Stuck, Kind::Variant], rng);
                if kind == Kind::Variant {
                    self.chains = vec!["f_auto,w_2"];
                }
                let (code, node) = (self.settings.edges[0].code, Some(rng.usize(..4)));
                let variant = one_of(&AcceptVariant::ALL, rng);
                let fault = Fault { node, variant, ..Fault::at_edge(code, kind) };
                self.settings.faults.push(fault);
            }
        }
    }

    /// Edges that cannot be reached, from the start or from some time on; half of them hear no purge meanwhile.
    fn dead(&mut self, rng: &mut Rng) {
        let code = self.victim(rng);
        let (after, lasts) = (secs(0, 40, rng), secs(20, 300, rng));
        let lasts = (rng.u8(..6) > 0).then_some(lasts);
        let from_the_start = rng.u8(..4) == 0;
        let begin = if from_the_start {
            Begin::Start(Duration::ZERO)
        } else {
            Begin::FirstInvalidation(after)
        };
        self.settings.faults.push(Fault { begin, lasts, ..Fault::at_edge(&code, FaultKind::Dead) });
        if rng.bool() {
            let begin = Begin::FirstInvalidation(Duration::ZERO);
            let lasts = lasts.map(|lasts| after + lasts);
            let deaf = Fault { begin, lasts, ..Fault::at_edge(&code, FaultKind::Stuck) };
            self.settings.faults.push(deaf);
        }
    }

    fn refusals(&mut self, rng: &mut Rng) {
        let kind = one_of(&[FaultKind::Throttled, FaultKind::Unavailable], rng);
        let begin = Begin::FirstInvalidation(secs(0, 40, rng));
        let (lasts, part) = (secs(5, 90, rng), 0.2 + 0.8 * rng.f64());
        let retry_after = (rng.bool()).then(|| rng.u64(1..30));
        let status =
            if kind == FaultKind::Throttled { 429 } else { one_of(&[500, 502, 503, 504], rng) };
        if rng.u8(..4) == 0 {
            self.api_fault(kind, |fault| {
                (fault.begin, fault.lasts) = (begin, Some(lasts));
                (fault.status, fault.share) = (status, share(part));
            });
            return;
        }
        self.fault(kind, rng, |fault, _| {
            (fault.begin, fault.lasts) = (begin, Some(lasts));
            (fault.status, fault.share, fault.retry_after) = (status, share(part), retry_after);
        });
    }

    fn slow(&mut self, rng: &mut Rng) {
        let kinds = [FaultKind::Slow, FaultKind::Hang, FaultKind::Cut, FaultKind::Truncated];
        let kind = one_of(&kinds, rng);
        let begin = Begin::FirstInvalidation(secs(0, 30, rng));
        self.fault(kind, rng, |fault, rng| {
            (fault.begin, fault.lasts) = (begin, Some(secs(10, 120, rng)));
            fault.share = share(0.3 + 0.7 * rng.f64());
            match kind {
                FaultKind::Slow => {
                    fault.delay = secs(0, 6, rng);
                    fault.late = secs(0, 60, rng);
                }
                FaultKind::Hang => fault.delay = secs(1, 25, rng),
                _ => {}
            }
        });
    }
}

const DEEDS: [Deed; 8] = [
    Deed::Delete,
    Deed::Delete,
    Deed::Replace,
    Deed::Replace,
    Deed::Purge,
    Deed::Purge,
    Deed::Rename { overwrite: false },
    Deed::Rename { overwrite: true },
];

/// One to three things, each kind as often as the others; of stale nodes nothing else, so that their rate is theirs.
fn matters(seed: u64, rng: &mut Rng) -> Vec<Matter> {
    if seed.is_multiple_of(6) {
        return vec![Matter::StaleNode];
    }
    let others = &Matter::ALL[..Matter::ALL.len() - 1];
    let first = usize::try_from(seed).unwrap_or(0) % others.len();
    let mut matters = vec![others[first]];
    for _ in 0..rng.u8(..3) {
        matters.push(one_of(others, rng));
    }
    matters.sort_unstable();
    matters.dedup();
    matters
}

fn settings(matters: &[Matter], seed: u64, rng: &mut Rng) -> Settings {
    let has = |matter| matters.contains(&matter);
    let longest = one_of(&[2_u64, 8, 8, 20, 20, 45], rng);
    let longest = if has(Matter::StaleNode) { longest.min(20) } else { longest };
    let millis = longest * 1000;
    let shortest = rng.u64(millis / 20..=millis * 3 / 5);
    let propagation = (Duration::from_millis(shortest), Duration::from_millis(millis));
    let behind = if has(Matter::Shield) { rng.usize(1..=2) } else { usize::from(rng.u8(..6) == 0) };
    let behind = if has(Matter::StaleNode) { 0 } else { behind };
    let slower = rng.u32(1..=4);
    let network = NetworkSettings {
        nodes: if has(Matter::StaleNode) { 4 } else { 1 },
        node_by: one_of(&[NodeBy::Connection, NodeBy::Request], rng),
        shields: shields(behind),
        spread: if rng.u8(..4) == 0 { Spread::Tail } else { Spread::Uniform },
        shield_propagation: has(Matter::Shield).then_some((propagation.0, propagation.1 * slower)),
        own: Vec::new(),
    };
    let edges = one_of(&[1, 1, 2, 2, 3, 3, 4], rng);
    let options = Options { assets: 0, seed, traffic: 0.0, ..Options::default() };
    let settings = options.settings().expect("usual options");
    Settings {
        edges: POPS[..edges].to_vec(),
        propagation,
        mode: match rng.u8(..12) {
            0 => InvalidationKind::Legacy,
            1 => InvalidationKind::LegacyUnversioned,
            2 => InvalidationKind::LegacyVersioned,
            _ => InvalidationKind::Surrogate,
        },
        backups: rng.bool(),
        traffic: if rng.u8(..4) == 0 { 0.2 } else { 0.0 },
        network,
        ..settings
    }
}

fn chains(needs_variants: bool, rng: &mut Rng) -> Vec<&'static str> {
    match rng.u8(..6) {
        _ if needs_variants => vec!["f_auto,w_2"],
        0 => vec!["f_auto,w_2"],
        1 | 2 => vec!["c_scale,w_2"],
        _ => Vec::new(),
    }
}
