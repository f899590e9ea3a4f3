//! Whatever several processes do to a job in whatever order: the journal says what a simple model says.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::in_memory;
use super::make::{at, intent, joined};
use crate::domain::invalidation::{ItemState, Verb};
use crate::domain::job::{ItemFilter, JobState, JobTerms, Slice, Wish};
use crate::domain::purge::ApiPath;
use crate::ports::journal::{Intent, JobIntent, JobLease, JobsOf, Journal, JournalError, Step};

const TTL: i64 = 15;
const ITEMS: usize = 5;
const MEMBERS: usize = 3;

/// Something that one of the processes does; leases are the last ones that it was given.
#[derive(Debug, Clone)]
enum Deed {
    Claim(usize),
    Renew(usize),
    Release(usize),
    GiveUp(usize),
    /// Settles items, and marks others as leaving.
    Advance(usize, Vec<(usize, ItemState)>, Vec<usize>),
    Wish(usize, Wish),
    /// Seconds pass.
    Wait(i64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let outcomes = prop::collection::vec((0..ITEMS, select(&ItemState::ALL[..])), 0..3);
    let leaving = prop::collection::vec(0..ITEMS, 0..3);
    prop_oneof![
        3 => (0..MEMBERS).prop_map(Deed::Claim),
        1 => (0..MEMBERS).prop_map(Deed::Renew),
        1 => (0..MEMBERS).prop_map(Deed::Release),
        1 => (0..MEMBERS).prop_map(Deed::GiveUp),
        6 => (0..MEMBERS, outcomes, leaving).prop_map(|(who, out, go)| Deed::Advance(who, out, go)),
        2 => (0..MEMBERS, select(&Wish::ALL[..])).prop_map(|(who, wish)| Deed::Wish(who, wish)),
        2 => (1..20_i64).prop_map(Deed::Wait),
    ]
}

/// What a journal is to know of the job.
struct Model {
    items: Vec<ItemState>,
    wish: Wish,
    holder: Option<usize>,
    until: i64,
    fencing: i64,
    ended: bool,
    stopped: bool,
    /// Fencing numbers that the processes believe in.
    leases: [Option<i64>; MEMBERS],
}

impl Model {
    fn new() -> Self {
        let leases = [Some(1), None, None];
        let items = vec![ItemState::Intended; ITEMS];
        let (wish, holder, until, fencing) = (Wish::Run, Some(0), TTL, 1);
        Self { items, wish, holder, until, fencing, ended: false, stopped: false, leases }
    }

    fn holds(&self, who: usize) -> bool {
        self.holder == Some(who) && self.leases[who] == Some(self.fencing)
    }

    fn is_run(&self, now: i64) -> bool {
        self.holder.is_some() && self.until > now
    }

    fn claim(&mut self, who: usize, now: i64) -> bool {
        let own = self.holder == Some(who);
        if self.is_run(now) && !own {
            return false;
        }
        self.fencing += i64::from(!own);
        (self.holder, self.until, self.leases[who]) = (Some(who), now + TTL, Some(self.fencing));
        true
    }

    fn wish(&mut self, wish: Wish, now: i64) {
        let heard = match (self.wish, wish) {
            (Wish::Cancel, _) => false,
            (known, wish) => known != wish,
        };
        if self.ended || !heard {
            return;
        }
        (self.wish, self.stopped) = (wish, false);
        if wish == Wish::Cancel && !self.is_run(now) {
            for item in &mut self.items {
                if *item == ItemState::Intended {
                    *item = ItemState::Skipped;
                }
            }
            self.end_if_over();
        }
    }

    fn end_if_over(&mut self) {
        self.ended |= self.items.iter().all(|item| item.is_settled());
    }

    /// All of it, or nothing.
    fn advance(&mut self, outcomes: &[(usize, ItemState)], leaving: &[usize]) -> Result<Wish, ()> {
        let mut items = self.items.clone();
        let last: std::collections::BTreeMap<_, _> = outcomes.iter().copied().collect();
        for (at, state) in last {
            let may = match state {
                ItemState::Skipped => {
                    matches!(items[at], ItemState::Intended | ItemState::Skipped)
                }
                ItemState::Intended => matches!(items[at], ItemState::Intended | ItemState::Sent),
                _ => true,
            };
            if !may {
                return Err(());
            }
            items[at] = state;
        }
        if self.wish.sends() {
            let leaving: std::collections::BTreeSet<_> = leaving.iter().copied().collect();
            for at in leaving {
                if items[at] != ItemState::Intended {
                    return Err(());
                }
                items[at] = ItemState::Sent;
            }
        }
        self.items = items;
        Ok(self.wish)
    }
}

fn job() -> JobIntent {
    JobIntent {
        terms: JobTerms {
            api_path: ApiPath::Explicit,
            overwrite: false,
            not_before: None,
            resumable: true,
            shared: false,
        },
        ttl: Duration::from_secs(TTL.unsigned_abs()),
        before: Vec::new(),
        refused: Vec::new(),
        by_url: Vec::new(),
    }
}

/// Does everything to a journal and to the model, and compares them after each deed.
async fn play(deeds: &[Deed]) -> Result<(), TestCaseError> {
    let journal = in_memory().await;
    let mut members = Vec::new();
    for (pid, user) in (1..).zip(["ana", "ben", "eve"]) {
        members.push(joined(&journal, user, pid).await);
    }
    let mut of: Intent = intent(Verb::Purge, &members[0], at(0), &["a", "b", "c", "d", "e"]);
    of.job = Some(job());
    journal.record(&of).await.unwrap();
    let (mut model, mut now) = (Model::new(), 0);
    let operation = of.operation.id;
    let ttl = Duration::from_secs(TTL.unsigned_abs());
    for deed in deeds {
        let lease = |model: &Model, who: usize| {
            JobLease::to_run(operation, members[who].id, model.leases[who].unwrap_or(0))
        };
        match deed {
            Deed::Wait(seconds) => now += seconds,
            Deed::Claim(who) => {
                let given = journal.claim_job(operation, members[*who].id, at(now), ttl).await;
                let expected = model.claim(*who, now).then(|| lease(&model, *who));
                prop_assert_eq!(given, Ok(expected));
            }
            Deed::Renew(who) => {
                let told = journal.renew_job(lease(&model, *who), None, at(now), ttl).await;
                if model.holds(*who) {
                    model.until = now + TTL;
                    prop_assert_eq!(told, Ok(model.wish));
                } else {
                    prop_assert_eq!(told, Err(JournalError::JobLost));
                }
            }
            Deed::Release(who) => {
                let told = journal.release_job(lease(&model, *who), at(now)).await;
                if model.holds(*who) {
                    (model.holder, model.until) = (None, 0);
                    model.end_if_over();
                    prop_assert_eq!(told, Ok(()));
                } else {
                    prop_assert_eq!(told, Err(JournalError::JobLost));
                }
            }
            Deed::GiveUp(who) => {
                let told = journal.stop_job(lease(&model, *who), "refused", at(now)).await;
                if model.holds(*who) {
                    if model.wish == Wish::Run {
                        (model.wish, model.stopped) = (Wish::Pause, true);
                    }
                    prop_assert_eq!(told, Ok(()));
                } else {
                    prop_assert_eq!(told, Err(JournalError::JobLost));
                }
            }
            Deed::Advance(who, outcomes, leaving) => {
                let outcome = |(at, state): &(usize, ItemState)| (of.items[*at].id, *state, None);
                let step = Step {
                    outcomes: outcomes.iter().map(outcome).collect(),
                    leaving: leaving.iter().map(|at| of.items[*at].id).collect(),
                };
                let told = journal.advance(lease(&model, *who), &step, at(now)).await;
                if !model.holds(*who) {
                    prop_assert_eq!(told, Err(JournalError::JobLost));
                } else if let Ok(wish) = model.advance(outcomes, leaving) {
                    prop_assert_eq!(told, Ok(wish));
                } else {
                    prop_assert!(matches!(told, Err(JournalError::Write { .. })), "{:?}", told);
                }
            }
            Deed::Wish(who, wish) => {
                let of = JobsOf::One(operation);
                journal.wish(of, *wish, members[*who].id, at(now)).await.unwrap();
                model.wish(*wish, now);
            }
        }
        let row = journal.job(operation, at(now)).await.unwrap();
        let items = journal.job_items(operation, ItemFilter::All, Slice::ALL).await.unwrap();
        let states = items.iter().map(|item| item.state).collect::<Vec<_>>();
        prop_assert_eq!(&states, &model.items);
        let run_by = model.holder.filter(|_| model.is_run(now));
        let run_by = run_by.map(|who| format!("{}@desk {}", members[who].user, members[who].pid));
        prop_assert_eq!((&row.run_by, row.wish), (&run_by, model.wish));
        prop_assert_eq!(
            (row.ended_at.is_some(), row.stopped.is_some()),
            (model.ended, model.stopped)
        );
        let expected = JobState::of(&row.counts, model.wish, run_by.is_some(), None, at(now));
        prop_assert_eq!((row.state, row.counts.total()), (expected, ITEMS));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_job_stands_as_a_simple_model_says(deeds in prop::collection::vec(deed(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(&deeds))?;
    }
}
