//! What any journal owes to those who run jobs, over the port alone.

use std::time::Duration;

use super::make::*;
use crate::domain::id::OperationId;
use crate::domain::invalidation::{ItemState, Member, Verb};
use crate::domain::job::{ActKind, ItemFilter, JobState, JobTerms, JobWait, Refused, Slice, Wish};
use crate::domain::purge::ApiPath;
use crate::domain::verdict::Stored;
use crate::ports::journal::{Intent, JobIntent, JobLease, JobsOf, Journal, JournalError, Step};

behaviours! {
    a_recorded_job_is_run_by_its_orderer,
    a_step_settles_and_marks_in_one_go,
    nothing_leaves_while_something_else_is_wanted,
    nothing_leaves_twice,
    a_call_that_was_not_carried_out_can_leave_again,
    a_lost_job_marks_and_settles_nothing,
    a_job_of_a_silent_process_is_left_behind_until_it_is_claimed,
    a_hold_reaches_every_running_job_and_is_lifted_from_the_held_ones,
    a_cancel_is_the_last_word,
    a_cancelled_job_that_nobody_runs_is_over,
    work_can_be_gone_on_with_from_the_journal_alone,
    rates_count_from_the_present_run,
    acts_are_kept_newest_first,
    a_job_is_found_by_its_beginning,
}

fn terms() -> JobTerms {
    JobTerms {
        api_path: ApiPath::Explicit,
        overwrite: false,
        not_before: None,
        resumable: true,
        shared: false,
    }
}

pub fn job(verb: Verb, member: &Member, ordered: i64, public_ids: &[&str]) -> Intent {
    let mut intent = intent(verb, member, at(ordered), public_ids);
    intent.job = Some(JobIntent {
        terms: terms(),
        ttl: TTL,
        before: Vec::new(),
        refused: Vec::new(),
        by_url: Vec::new(),
    });
    intent
}

pub fn lease(of: &Intent, holder: &Member, fencing: i64) -> JobLease {
    JobLease::to_run(of.operation.id, holder.id, fencing)
}

pub fn leaving(of: &Intent, positions: &[usize]) -> Step {
    let leaving = positions.iter().map(|position| of.items[*position].id).collect();
    Step { outcomes: Vec::new(), leaving }
}

fn settled(of: &Intent, outcomes: &[(usize, ItemState)]) -> Step {
    let outcome = |(position, state): &(usize, ItemState)| (of.items[*position].id, *state, None);
    Step { outcomes: outcomes.iter().map(outcome).collect(), leaving: Vec::new() }
}

pub async fn states(journal: &dyn Journal, of: &Intent) -> Vec<ItemState> {
    let items = journal.job_items(of.operation.id, ItemFilter::All, Slice::ALL).await.unwrap();
    items.into_iter().map(|item| item.state).collect()
}

async fn a_recorded_job_is_run_by_its_orderer(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = job(Verb::Purge, &ana, 1, &["a", "b"]);
    journal.record(&of).await.unwrap();
    journal.record(&intent(Verb::Watch, &ana, at(2), &["w"])).await.unwrap();
    let listed = journal.jobs(Some(&scope()), 10, at(2)).await.unwrap();
    assert_eq!(listed.len(), 1, "looks are no jobs");
    let row = &listed[0];
    assert_eq!((row.state, row.wish, row.counts.intended), (JobState::Running, Wish::Run, 2));
    assert_eq!(row.run_by.as_deref(), Some("ana@desk 1"));
    assert_eq!((row.by.as_str(), row.from.as_deref()), ("ana@desk", Some("192.0.2.7")));
    assert_eq!((row.label.as_str(), row.started_at, row.ended_at), ("a and 1 more", None, None));
    assert_eq!(row.invalidation, of.invalidation.as_ref().map(|one| one.id));
    assert_eq!(journal.claim_job(of.operation.id, ben.id, at(2), TTL).await.unwrap(), None);
    assert_eq!(journal.jobs(Some(&local_scope("x")), 10, at(2)).await.unwrap(), []);
    // Its lease ran out.
    assert_eq!(journal.job(of.operation.id, at(60)).await.unwrap().state, JobState::Interrupted);
}

async fn a_step_settles_and_marks_in_one_go(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let of = job(Verb::Purge, &ana, 1, &["a", "b", "c"]);
    journal.record(&of).await.unwrap();
    let held = lease(&of, &ana, 1);
    assert_eq!(journal.advance(held, &leaving(&of, &[0, 1]), at(2)).await, Ok(Wish::Run));
    let step = Step {
        leaving: vec![of.items[2].id],
        ..settled(&of, &[(0, ItemState::Accepted), (1, ItemState::NotFound)])
    };
    journal.advance(held, &step, at(3)).await.unwrap();
    assert_eq!(
        states(journal, &of).await,
        [ItemState::Accepted, ItemState::NotFound, ItemState::Sent]
    );
    journal.advance(held, &settled(&of, &[(2, ItemState::Failed)]), at(4)).await.unwrap();
    journal.release_job(held, at(5)).await.unwrap();
    let row = journal.job(of.operation.id, at(6)).await.unwrap();
    assert_eq!(
        (row.state, row.started_at, row.ended_at),
        (JobState::Done, Some(at(2)), Some(at(5)))
    );
    assert_eq!((row.counts.accepted, row.counts.not_done(), row.run_by), (1, 2, None));
    let not_done =
        journal.job_items(of.operation.id, ItemFilter::NotDone, Slice { offset: 1, limit: 1 });
    assert_eq!(not_done.await.unwrap()[0].key, key("c"));
}

async fn nothing_leaves_while_something_else_is_wanted(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = job(Verb::Purge, &ana, 1, &["a", "b"]);
    journal.record(&of).await.unwrap();
    let (held, one) = (lease(&of, &ana, 1), JobsOf::One(of.operation.id));
    journal.advance(held, &leaving(&of, &[0]), at(2)).await.unwrap();
    assert_eq!(journal.wish(one, Wish::Pause, ben.id, at(3)).await.unwrap(), [of.operation.id]);
    let step = Step { leaving: vec![of.items[1].id], ..settled(&of, &[(0, ItemState::Accepted)]) };
    assert_eq!(journal.advance(held, &step, at(4)).await, Ok(Wish::Pause));
    assert_eq!(states(journal, &of).await, [ItemState::Accepted, ItemState::Intended]);
    let row = journal.job(of.operation.id, at(5)).await.unwrap();
    assert_eq!((row.state, row.wished_by.as_deref()), (JobState::Paused, Some("ben@desk")));
    assert_eq!(row.wished_at, Some(at(3)));
    assert_eq!(journal.wish(one, Wish::Pause, ben.id, at(6)).await.unwrap(), [], "it is paused");
    journal.wish(one, Wish::Run, ben.id, at(7)).await.unwrap();
    assert_eq!(journal.renew_job(held, None, at(8), TTL).await, Ok(Wish::Run));
}

async fn nothing_leaves_twice(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let of = job(Verb::Delete, &ana, 1, &["a", "b"]);
    journal.record(&of).await.unwrap();
    let held = lease(&of, &ana, 1);
    journal.advance(held, &leaving(&of, &[0]), at(2)).await.unwrap();
    let again = journal.advance(held, &leaving(&of, &[1, 0]), at(3)).await;
    assert!(matches!(again, Err(JournalError::Write { .. })), "{again:?}");
    assert_eq!(states(journal, &of).await, [ItemState::Sent, ItemState::Intended]);
}

async fn a_call_that_was_not_carried_out_can_leave_again(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let of = job(Verb::Delete, &ana, 1, &["a"]);
    journal.record(&of).await.unwrap();
    let held = lease(&of, &ana, 1);
    journal.advance(held, &leaving(&of, &[0]), at(2)).await.unwrap();
    journal.advance(held, &settled(&of, &[(0, ItemState::Intended)]), at(3)).await.unwrap();
    let item = journal.job_items(of.operation.id, ItemFilter::All, Slice::ALL).await.unwrap();
    assert_eq!((item[0].state, item[0].sent_at), (ItemState::Intended, None));
    journal.advance(held, &leaving(&of, &[0]), at(9)).await.unwrap();
    journal.advance(held, &settled(&of, &[(0, ItemState::Accepted)]), at(9)).await.unwrap();
    let undone = journal.advance(held, &settled(&of, &[(0, ItemState::Intended)]), at(9)).await;
    assert!(matches!(undone, Err(JournalError::Write { .. })), "what was accepted stays");
}

async fn a_lost_job_marks_and_settles_nothing(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = job(Verb::Delete, &ana, 1, &["a"]);
    journal.record(&of).await.unwrap();
    let lost = lease(&of, &ana, 1);
    let held = journal.claim_job(of.operation.id, ben.id, at(60), TTL).await.unwrap().unwrap();
    assert_eq!(held, lease(&of, &ben, 2));
    let none = Err(JournalError::JobLost);
    assert_eq!(journal.advance(lost, &leaving(&of, &[0]), at(61)).await, none);
    assert_eq!(journal.advance(lost, &settled(&of, &[(0, ItemState::Failed)]), at(61)).await, none);
    assert_eq!(journal.renew_job(lost, None, at(61), TTL).await, none);
    assert_eq!(journal.release_job(lost, at(61)).await, Err(JournalError::JobLost));
    let older = JobLease { fencing: 1, ..held };
    assert_eq!(journal.advance(older, &leaving(&of, &[0]), at(61)).await, none);
    assert_eq!(states(journal, &of).await, [ItemState::Intended]);
    assert_eq!(journal.advance(held, &leaving(&of, &[0]), at(61)).await, Ok(Wish::Run));
}

async fn a_job_of_a_silent_process_is_left_behind_until_it_is_claimed(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = job(Verb::Delete, &ana, 1, &["a", "b"]);
    journal.record(&of).await.unwrap();
    journal.advance(lease(&of, &ana, 1), &leaving(&of, &[0]), at(2)).await.unwrap();
    assert_eq!(journal.unsettled(&scope(), at(0)).await.unwrap(), []);
    assert_eq!(journal.unsettled(&scope(), at(20)).await.unwrap().len(), 2, "ana is silent");
    journal.join(&ben, at(40)).await.unwrap();
    let held = journal.claim_job(of.operation.id, ben.id, at(40), TTL).await.unwrap().unwrap();
    assert_eq!(journal.unsettled(&scope(), at(20)).await.unwrap(), [], "ben runs it");
    journal.release_job(held, at(41)).await.unwrap();
    assert_eq!(journal.unsettled(&scope(), at(20)).await.unwrap().len(), 2, "nobody runs it");
}

async fn a_hold_reaches_every_running_job_and_is_lifted_from_the_held_ones(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let [one, two, paused, done] = ["a", "b", "c", "d"].map(|id| job(Verb::Purge, &ana, 1, &[id]));
    for of in [&one, &two, &paused, &done] {
        journal.record(of).await.unwrap();
    }
    let mut elsewhere = job(Verb::Purge, &ana, 1, &["x"]);
    elsewhere.operation.scope = local_scope("run-1");
    elsewhere.invalidation = None;
    journal.record(&elsewhere).await.unwrap();
    journal
        .advance(lease(&done, &ana, 1), &settled(&done, &[(0, ItemState::Accepted)]), at(2))
        .await
        .unwrap();
    journal.release_job(lease(&done, &ana, 1), at(2)).await.unwrap();
    journal.wish(JobsOf::One(paused.operation.id), Wish::Pause, ana.id, at(3)).await.unwrap();
    let (here, all) = (scope(), |changed: Vec<OperationId>| {
        changed.into_iter().collect::<std::collections::BTreeSet<_>>()
    });
    let both = all(vec![one.operation.id, two.operation.id]);
    let held = journal.wish(JobsOf::Cloud(&here), Wish::Hold, ana.id, at(4)).await.unwrap();
    assert_eq!(all(held), both);
    assert_eq!(journal.job(one.operation.id, at(5)).await.unwrap().state, JobState::Held);
    let lifted = journal.wish(JobsOf::Cloud(&here), Wish::Run, ana.id, at(6)).await.unwrap();
    assert_eq!(all(lifted), both, "what somebody paused stays paused");
    assert_eq!(journal.job(elsewhere.operation.id, at(5)).await.unwrap().wish, Wish::Run);
}

async fn a_cancel_is_the_last_word(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let of = job(Verb::Delete, &ana, 1, &["a", "b"]);
    journal.record(&of).await.unwrap();
    let (one, held) = (JobsOf::One(of.operation.id), lease(&of, &ana, 1));
    journal.advance(held, &leaving(&of, &[0]), at(2)).await.unwrap();
    journal.wish(one, Wish::Cancel, ana.id, at(3)).await.unwrap();
    assert_eq!(journal.job(of.operation.id, at(3)).await.unwrap().state, JobState::Cancelling);
    assert_eq!(journal.wish(one, Wish::Run, ana.id, at(3)).await.unwrap(), []);
    assert_eq!(states(journal, &of).await[1], ItemState::Intended, "its runner settles it");
    let rest = settled(&of, &[(0, ItemState::Accepted), (1, ItemState::Skipped)]);
    assert_eq!(journal.advance(held, &rest, at(4)).await, Ok(Wish::Cancel));
    assert_eq!(journal.job(of.operation.id, at(4)).await.unwrap().state, JobState::Cancelled);
}

async fn a_cancelled_job_that_nobody_runs_is_over(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let of = job(Verb::Delete, &ana, 1, &["a", "b"]);
    let never = job(Verb::Delete, &ana, 1, &["c"]);
    journal.record(&of).await.unwrap();
    journal.record(&never).await.unwrap();
    journal.advance(lease(&of, &ana, 1), &leaving(&of, &[0]), at(2)).await.unwrap();
    let here = scope();
    journal.wish(JobsOf::Cloud(&here), Wish::Cancel, ana.id, at(60)).await.unwrap();
    assert_eq!(states(journal, &of).await, [ItemState::Sent, ItemState::Skipped]);
    assert_eq!(journal.job(of.operation.id, at(61)).await.unwrap().state, JobState::Cancelling);
    let row = journal.job(never.operation.id, at(61)).await.unwrap();
    assert_eq!((row.state, row.ended_at), (JobState::Cancelled, Some(at(60))));
}

async fn work_can_be_gone_on_with_from_the_journal_alone(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let refused = Refused {
        typed: "a?b".into(),
        state: ItemState::Failed,
        reason: "no public ID".into(),
        readings: vec![key("a"), key("b")],
    };
    let mut of = job(Verb::Delete, &ana, 1, &["a", "b"]);
    of.job.as_mut().unwrap().refused = vec![refused.clone()];
    journal.record(&of).await.unwrap();
    let work = journal.job_work(of.operation.id).await.unwrap();
    assert_eq!((&work.operation, &work.items), (&of.operation, &of.items));
    assert_eq!((work.terms, work.refused), (Some(terms()), vec![refused]));
    assert_eq!(work.before[&of.items[1].id], Stored::Holds(content("old")));
    assert_eq!(journal.job(of.operation.id, at(1)).await.unwrap().counts.refused, 1);

    let mut unwatched = job(Verb::Delete, &ana, 1, &["c", "d"]);
    unwatched.invalidation = None;
    unwatched.job.as_mut().unwrap().before = vec![(unwatched.items[0].id, Stored::Empty)];
    journal.record(&unwatched).await.unwrap();
    let work = journal.job_work(unwatched.operation.id).await.unwrap();
    assert_eq!(work.before, [(unwatched.items[0].id, Stored::Empty)].into());
    let unknown = journal.job_work(OperationId::new()).await;
    assert!(matches!(unknown, Err(JournalError::UnknownJob { .. })));
}

async fn rates_count_from_the_present_run(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = job(Verb::Purge, &ana, 0, &["a", "b", "c", "d"]);
    journal.record(&of).await.unwrap();
    let accepted = |n| settled(&of, &[(n, ItemState::Accepted)]);
    journal.advance(lease(&of, &ana, 1), &accepted(0), at(1)).await.unwrap();
    assert_eq!(journal.job(of.operation.id, at(2)).await.unwrap().rate(at(2)), Some(0.5));
    let held = journal.claim_job(of.operation.id, ben.id, at(100), TTL).await.unwrap().unwrap();
    journal.advance(held, &accepted(1), at(101)).await.unwrap();
    let row = journal.job(of.operation.id, at(101)).await.unwrap();
    assert_eq!((row.settled_before, row.rate(at(101))), (1, Some(1.0)));
    assert_eq!(row.eta(at(101)), Some(Duration::from_secs(2)));
    let wait = JobWait { until: at(161), because: "no calls are left".into() };
    journal.renew_job(held, Some(&wait), at(101), TTL).await.unwrap();
    let row = journal.job(of.operation.id, at(101)).await.unwrap();
    assert_eq!((row.eta(at(101)), row.wait), (Some(Duration::from_secs(62)), Some(wait)));
}

async fn acts_are_kept_newest_first(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let of = job(Verb::Purge, &ana, 1, &["a"]);
    journal.record(&of).await.unwrap();
    journal.wish(JobsOf::One(of.operation.id), Wish::Pause, ana.id, at(2)).await.unwrap();
    let unlock = crate::domain::job::Act {
        kind: ActKind::Unlock,
        by: ana.id,
        at: at(3),
        operation: None,
        note: Some("prod\u{1b}[2J".into()),
    };
    journal.note(&scope(), &unlock).await.unwrap();
    let acts = journal.acts(Some(&scope()), 9).await.unwrap();
    assert_eq!(
        acts.iter().map(|act| act.kind).collect::<Vec<_>>(),
        [ActKind::Unlock, ActKind::Pause]
    );
    assert_eq!(acts[0].note.as_deref(), Some("prod\u{fffd}[2J"));
    assert_eq!((acts[1].label.as_deref(), acts[1].from.as_deref()), (Some("a"), Some("192.0.2.7")));
    assert_eq!(journal.acts(Some(&local_scope("x")), 9).await.unwrap(), []);
    assert_eq!(journal.acts(None, 1).await.unwrap().len(), 1);
}

async fn a_job_is_found_by_its_beginning(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let of = job(Verb::Purge, &ana, 1, &["a"]);
    journal.record(&of).await.unwrap();
    let whole = of.operation.id.to_string();
    assert_eq!(journal.find_job(&whole[..18]).await, Ok(of.operation.id));
    let watched = of.invalidation.as_ref().unwrap().id.to_string();
    assert_eq!(journal.find_job(&watched).await, Ok(of.operation.id));
    let unknown = journal.find_job("ffffffff").await;
    assert_eq!(unknown, Err(JournalError::UnknownJob { prefix: "ffffffff".into() }));
}
