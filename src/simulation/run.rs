//! Many stories at once, and what they add up to.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::bounds;
use super::play::{Played, Told, play};
use super::story::{Matter, Story};
use crate::domain::confidence::Confidence;
use crate::domain::invalidation::Outcome;
use crate::local_cloud::content::{Content, Format, Shape};
use crate::ops::tracker::Doctrine;

/// Stories are played on so many threads.
const THREADS: usize = 2;

/// A story by its name.
pub type Name = (u64, Confidence);

/// Pictures to upload, in a folder that is gone afterwards.
pub struct Pictures {
    _folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Pictures {
    pub fn draw() -> Self {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let file = |mark: u64| {
            let shape = Shape { format: Format::Png, width: 2, height: 2, style: 3 };
            let path = folder.path().join(format!("{mark}.png"));
            let bytes = Content::picture(shape, mark | 1 << 60).bytes();
            std::fs::write(&path, bytes).expect("room for a few bytes");
            path
        };
        Self { files: (0..64).map(file).collect(), _folder: folder }
    }
}

/// Plays one story on a runtime of its own, whose time only passes while nothing is to be done.
pub fn one(name: Name, doctrine: Doctrine, pictures: &Pictures, aloud: bool) -> (Story, Played) {
    let story = Story::draw(name.0, name.1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let played = runtime.block_on(play(story.clone(), doctrine, pictures.files.clone(), aloud));
    (story, played)
}

/// Plays all of them; the order of the answers is that of the names.
pub fn all(names: &[Name], doctrine: Doctrine, pictures: &Pictures) -> Vec<(Story, Played)> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(names.len()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = names.get(at) else { return };
                    let played = one(*name, doctrine, pictures, false);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, played));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, played)| played).collect()
}

/// What stories add up to.
#[derive(Debug, Default)]
pub struct Sum {
    pub stories: usize,
    pub watches: usize,
    pub declared: usize,
    pub gave_up: usize,
    pub other: usize,
    /// Names of stories that told a false all clear, with what was held.
    pub false_alarms: Vec<(String, String)>,
    /// Names of stories whose all clear was overtaken.
    pub overtaken: Vec<String>,
    /// Stories that truly cleared, those of them that were declared in time, and names of those that were not.
    pub clearing: usize,
    pub in_time: usize,
    pub late: Vec<String>,
    pub lags: Vec<Duration>,
    pub probes: u64,
    pub cells: u64,
    /// Of stale nodes: watches, false ones, and the chances that were printed for those that were declared.
    pub stale: usize,
    pub missed: usize,
    pub printed: Vec<(f64, f64)>,
}

fn name(story: &Story) -> String {
    format!("{}:{}", story.seed, story.level.as_str())
}

impl Sum {
    pub fn of(played: &[(Story, Played)]) -> Self {
        let mut sum = Self { stories: played.len(), ..Self::default() };
        for (story, played) in played {
            sum.probes += played.probes;
            for told in &played.told {
                sum.count(story, played, told);
            }
        }
        sum.lags.sort_unstable();
        sum
    }

    fn count(&mut self, story: &Story, played: &Played, told: &Told) {
        self.watches += 1;
        self.cells += told.cells as u64;
        match told.outcome {
            _ if told.is_clear() => self.declared += 1,
            Outcome::GaveUp => self.gave_up += 1,
            _ => self.other += 1,
        }
        if !story.is_seen_by_each_probe() {
            self.count_stale(told);
            return;
        }
        if told.is_false() {
            let held = told.held.iter().map(|held| format!("{held:?}"));
            let found: Vec<_> = held.chain(told.shown.iter().cloned()).collect();
            self.false_alarms
                .push((format!("{} {:?}", name(story), story.matters), found.join("; ")));
        }
        if told.is_overtaken() {
            self.overtaken.push(name(story));
        }
        self.count_lag(story, played, told);
    }

    /// Lag counts from the last thing that stirred.
    fn count_lag(&mut self, story: &Story, played: &Played, told: &Told) {
        let Some(cleared_at) = told.cleared_at else { return };
        if matches!(told.outcome, Outcome::Superseded | Outcome::Blind | Outcome::Failed) {
            return;
        }
        let Some(hindered) = story.hindered_until(told.ordered_at) else { return };
        let from =
            cleared_at.max(told.ordered_at).max(played.stirred_at.min(told.at)).max(hindered);
        let lag = told.at.saturating_sub(from);
        let bound = bounds::lag(story, told.cells);
        if told.is_clear() {
            self.clearing += 1;
            self.in_time += usize::from(lag <= bound);
            self.lags.push(lag);
            if lag > bound {
                self.late.push(format!("{} {:?} {lag:?} of {bound:?}", name(story), story.matters));
            }
        } else if lag > bound && !told.outlived {
            self.clearing += 1;
            self.late.push(format!(
                "{} {:?} never declared: {}",
                name(story),
                story.matters,
                told.sentence
            ));
        }
    }

    fn count_stale(&mut self, told: &Told) {
        self.stale += 1;
        if told.is_clear() && !told.held.is_empty() {
            self.missed += 1;
        }
        if told.is_clear() {
            self.printed.push((told.miss_chance.low, told.miss_chance.high));
        }
    }

    /// A percentile of the lags, in seconds.
    fn lag(&self, part: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at = (self.lags.len().saturating_sub(1) as f64 * part).round() as usize;
        self.lags.get(at).copied().unwrap_or_default().as_secs_f64()
    }

    /// In a few lines, each of which begins with `simulation:`.
    pub fn report(&self, what: &str) -> String {
        let mut text = String::new();
        let mut line = |words: String| {
            writeln!(text, "simulation: {words}").ok();
        };
        line(format!(
            "{what}: {} stories, {} watches: {} declared, {} gave up, {} otherwise",
            self.stories, self.watches, self.declared, self.gave_up, self.other
        ));
        line(format!(
            "{what}: {} false all clears, {} overtaken by a cache that fell back after the last look",
            self.false_alarms.len(),
            self.overtaken.len()
        ));
        line(format!(
            "{what}: {} of {} that truly cleared declared in time; lag median {:.0} s, p95 {:.0} s, max {:.0} s",
            self.in_time,
            self.clearing,
            self.lag(0.5),
            self.lag(0.95),
            self.lag(1.0)
        ));
        line(format!(
            "{what}: {} probes, {:.1} for a cell",
            self.probes,
            self.probes as f64 / self.cells.max(1) as f64
        ));
        if self.stale > 0 {
            let mean = |of: &dyn Fn(&(f64, f64)) -> f64| {
                self.printed.iter().map(of).sum::<f64>() / self.printed.len().max(1) as f64
            };
            line(format!(
                "{what}: stale node missed in {} of {} ({:.1} %); printed {:.1} to {:.1} %",
                self.missed,
                self.stale,
                100.0 * self.missed as f64 / self.stale as f64,
                100.0 * mean(&|(low, _)| *low),
                100.0 * mean(&|(_, high)| *high)
            ));
        }
        for (story, found) in self.false_alarms.iter().take(20) {
            line(format!("FALSE ALL CLEAR in {story}: {found}"));
        }
        for story in self.late.iter().take(20) {
            line(format!("late: {story}"));
        }
        text
    }
}

/// Seeds from `first` on, half at each level.
pub fn names(first: u64, count: u64) -> Vec<Name> {
    let levels = [Confidence::Normal, Confidence::Strict];
    (first..first + count / 2).flat_map(|seed| levels.map(|level| (seed, level))).collect()
}

/// What is known of a story before it is played.
pub fn describe(story: &Story) -> String {
    format!("{story:#?}")
}

impl Story {
    /// Until when something kept probes from being answered or the tracker from going on; `None` where for ever.
    pub fn hindered_until(&self, ordered_at: Duration) -> Option<Duration> {
        use crate::local_cloud::world::fault::{Begin, FaultKind as Kind, Site};
        let kinds = [
            Kind::Dead,
            Kind::Unavailable,
            Kind::Throttled,
            Kind::Hang,
            Kind::Cut,
            Kind::Truncated,
            Kind::Slow,
        ];
        let mut until = Duration::ZERO;
        for fault in self.settings.faults.iter().filter(|fault| kinds.contains(&fault.kind)) {
            let begin = match fault.begin {
                Begin::Start(after) => after,
                Begin::FirstInvalidation(after) | Begin::EachInvalidation(after) => {
                    ordered_at + after
                }
            };
            // a dead edge from the start is left out, and named
            let is_left_out = fault.kind == Kind::Dead && matches!(fault.begin, Begin::Start(_));
            match fault.lasts {
                Some(lasts) => until = until.max(begin + lasts + Duration::from_secs(20)),
                None if is_left_out && matches!(fault.site, Site::Edge(_)) => {}
                None => return None,
            }
        }
        let lasts = self.matters.contains(&Matter::Resurrection);
        Some(if lasts { until.max(ordered_at) } else { until })
    }
}
