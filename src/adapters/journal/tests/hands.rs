//! What any journal owes to processes that make the calls of one job together.

use super::jobs::{job, lease, states};
use super::make::*;
use crate::domain::invalidation::{Item, ItemState, Member, Verb};
use crate::domain::job::{JobState, JobWait, Wish};
use crate::ports::journal::{Intent, JobLease, JobsOf, Journal, JournalError};
use crate::ports::journal_team::{RollCall, Turn};

behaviours! {
    calls_are_dealt_out_in_turn_and_never_twice,
    the_cap_is_that_of_all_jobs_of_the_cloud,
    who_is_asked_for_less_makes_everybody_wait,
    what_the_dead_had_under_way_is_inherited_once,
    a_hand_joins_what_is_begun_and_leaves_it,
    a_cancel_skips_what_waits_whoever_works,
    what_nobody_waits_for_takes_no_room,
    nothing_is_skipped_while_others_send,
    jobs_of_one_process_have_no_hands,
}

fn shared(member: &Member, ordered: i64, public_ids: &[&str]) -> Intent {
    let mut of = job(Verb::Purge, member, ordered, public_ids);
    of.job.as_mut().unwrap().terms.shared = true;
    of
}

fn ask(most: usize) -> Turn {
    Turn { most, cap: 4, ..Turn::default() }
}

fn told(of: &Intent, outcomes: &[(usize, ItemState)]) -> Turn {
    let outcome = |(position, state): &(usize, ItemState)| (of.items[*position].id, *state, None);
    Turn { outcomes: outcomes.iter().map(outcome).collect(), ..Turn::default() }
}

/// Positions of what was given.
async fn taken(
    journal: &dyn Journal,
    of: &Intent,
    lease: JobLease,
    most: usize,
    now: i64,
) -> Vec<usize> {
    let dealt = journal.deal(lease, &ask(most), at(now)).await.unwrap();
    let position =
        |id: &crate::domain::id::ItemId| of.items.iter().position(|it| it.id == *id).unwrap();
    let mut taken = dealt.taken.iter().map(position).collect::<Vec<_>>();
    taken.sort_unstable();
    taken
}

async fn joins(journal: &dyn Journal, of: &Intent, member: &Member, now: i64) -> JobLease {
    journal.join(member, at(now)).await.unwrap();
    let joined = journal.join_job(of.operation.id, member.id, at(now), TTL).await.unwrap();
    joined.expect("somebody runs it")
}

async fn calls_are_dealt_out_in_turn_and_never_twice(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = shared(&ana, 1, &["a", "b", "c", "d", "e"]);
    journal.record(&of).await.unwrap();
    let lead = lease(&of, &ana, 1);
    assert_eq!(taken(journal, &of, lead, 2, 2).await, [0, 1]);
    let hand = joins(journal, &of, &ben, 3).await;
    assert_eq!(taken(journal, &of, hand, 9, 3).await, [2, 3], "half of four");
    assert_eq!(taken(journal, &of, lead, 9, 3).await, [0; 0], "the cap is reached");
    let done = journal.deal(hand, &told(&of, &[(2, ItemState::Accepted)]), at(4)).await.unwrap();
    assert_eq!((done.wish, done.rest, done.hands), (Wish::Run, true, 1));
    assert_eq!(taken(journal, &of, lead, 9, 4).await, [0; 0], "two are under way already");
    let again = Turn { most: 1, cap: 4, ..told(&of, &[(3, ItemState::Intended)]) };
    let dealt = journal.deal(hand, &again, at(5)).await.unwrap();
    assert_eq!(dealt.taken, [of.items[3].id], "the first in turn is the one that was given back");
    let [(about, before)] = &dealt.about[..] else { panic!("what it is about: {:?}", dealt.about) };
    let expected = Item { state: ItemState::Sent, sent_at: Some(at(5)), ..of.items[3].clone() };
    let watched = of.invalidation.as_ref().and_then(|it| it.names.get(3)?.old.clone());
    assert_eq!((about, before), (&expected, &watched));
    let known = journal.job_to_help(of.operation.id).await.unwrap();
    let whole = journal.job_work(of.operation.id).await.unwrap();
    assert_eq!((known.operation, known.terms, known.items), (whole.operation, whole.terms, vec![]));
    assert_eq!(before.as_ref(), whole.before.get(&about.id), "as whoever runs it reads it");
    assert_eq!(journal.deal(lead, &ask(0), at(5)).await.unwrap().about, []);
    let end = journal.job(of.operation.id, at(5)).await.unwrap();
    assert_eq!(end.run_by.as_deref(), Some("ana@desk 1 and 1 more"));
}

async fn the_cap_is_that_of_all_jobs_of_the_cloud(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let one = shared(&ana, 1, &["a", "b", "c", "d", "e"]);
    let two = shared(&ben, 1, &["f", "g", "h"]);
    journal.record(&one).await.unwrap();
    journal.record(&two).await.unwrap();
    assert_eq!(taken(journal, &one, lease(&one, &ana, 1), 9, 2).await, [0, 1, 2, 3]);
    let second = lease(&two, &ben, 1);
    assert_eq!(taken(journal, &two, second, 9, 2).await, [0; 0], "nothing is free yet");
    let freed = [(0, ItemState::Accepted), (1, ItemState::Accepted), (2, ItemState::Accepted)];
    let dealt = Turn { most: 9, cap: 4, ..told(&one, &freed) };
    let dealt = journal.deal(lease(&one, &ana, 1), &dealt, at(3)).await.unwrap();
    assert_eq!((dealt.taken.len(), dealt.share), (1, Some(2)));
    assert_eq!(taken(journal, &two, second, 9, 3).await, [0, 1]);
    let mut elsewhere = shared(&ana, 1, &["x"]);
    elsewhere.operation.scope = local_scope("run-1");
    elsewhere.invalidation = None;
    journal.record(&elsewhere).await.unwrap();
    let other = lease(&elsewhere, &ana, 1);
    assert_eq!(taken(journal, &elsewhere, other, 9, 3).await, [0], "another cloud");
}

async fn who_is_asked_for_less_makes_everybody_wait(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = shared(&ana, 1, &["a", "b", "c"]);
    journal.record(&of).await.unwrap();
    let lead = lease(&of, &ana, 1);
    assert_eq!(taken(journal, &of, lead, 1, 2).await, [0]);
    let hand = joins(journal, &of, &ben, 2).await;
    let wait = JobWait { until: at(9), because: "too many\u{1b}[2J".into() };
    let turn = Turn { wait: Some(wait), ..told(&of, &[(0, ItemState::Intended)]) };
    journal.deal(lead, &turn, at(3)).await.unwrap();
    let dealt = journal.deal(hand, &ask(2), at(4)).await.unwrap();
    assert_eq!(dealt.taken, []);
    let wait = dealt.wait.unwrap();
    assert_eq!((wait.until, wait.because.as_str()), (at(9), "too many\u{fffd}[2J"));
    let shorter = JobWait { until: at(5), because: "later".into() };
    let turn = Turn { wait: Some(shorter), ..ask(0) };
    journal.deal(lead, &turn, at(4)).await.unwrap();
    assert_eq!(taken(journal, &of, hand, 2, 8).await, [0; 0]);
    assert_eq!(taken(journal, &of, hand, 2, 9).await, [0, 1]);
}

async fn what_the_dead_had_under_way_is_inherited_once(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let eve = joined(journal, "eve", 3).await;
    let of = shared(&ana, 1, &["a", "b", "c", "d", "e", "f"]);
    journal.record(&of).await.unwrap();
    let lead = lease(&of, &ana, 1);
    assert_eq!(taken(journal, &of, lead, 1, 2).await, [0]);
    let dead = joins(journal, &of, &ben, 3).await;
    assert_eq!(taken(journal, &of, dead, 1, 3).await, [1]);
    let roll = journal.call_roll(lead, at(4)).await.unwrap();
    assert_eq!(roll, RollCall { is_led: true, orphans: Vec::new() }, "everybody is there");
    journal.renew_job(lead, None, at(30), TTL).await.unwrap();
    let roll = journal.call_roll(lead, at(31)).await.unwrap();
    assert_eq!(roll.orphans, [of.items[1].id]);
    assert_eq!(journal.call_roll(lead, at(31)).await.unwrap().orphans, []);
    let late = journal.deal(dead, &told(&of, &[(1, ItemState::Failed)]), at(32)).await;
    assert_eq!(late, Err(JournalError::JobLost), "who comes back writes nothing");
    // now whoever runs it dies, and a hand is there
    let hand = joins(journal, &of, &eve, 33).await;
    assert_eq!(hand.fencing, 2, "a number is given once");
    assert_eq!(taken(journal, &of, hand, 1, 33).await, [2]);
    assert!(journal.call_roll(hand, at(33)).await.unwrap().is_led);
    journal.renew_job(hand, None, at(50), TTL).await.unwrap();
    assert!(!journal.call_roll(hand, at(51)).await.unwrap().is_led);
    let next = journal.claim_job(of.operation.id, ben.id, at(51), TTL).await.unwrap().unwrap();
    let mut orphans = journal.call_roll(next, at(51)).await.unwrap().orphans;
    orphans.sort_unstable();
    let mut expected = vec![of.items[0].id, of.items[1].id];
    expected.sort_unstable();
    assert_eq!(orphans, expected, "not what the living hand has under way");
}

async fn a_hand_joins_what_is_begun_and_leaves_it(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = shared(&ana, 1, &["a", "b", "c"]);
    journal.record(&of).await.unwrap();
    let (id, lead) = (of.operation.id, lease(&of, &ana, 1));
    assert_eq!(journal.shared_jobs(&scope(), at(2)).await.unwrap(), [], "nothing has left yet");
    assert_eq!(journal.join_job(id, ben.id, at(2), TTL).await.unwrap(), None);
    assert_eq!(taken(journal, &of, lead, 1, 2).await, [0]);
    assert_eq!(journal.shared_jobs(&scope(), at(2)).await.unwrap(), [id]);
    assert_eq!(journal.shared_jobs(&local_scope("x"), at(2)).await.unwrap(), []);
    let hand = joins(journal, &of, &ben, 3).await;
    assert_eq!(journal.renew_job(hand, None, at(4), TTL).await, Ok(Wish::Run));
    journal.wish(JobsOf::One(id), Wish::Pause, ana.id, at(4)).await.unwrap();
    assert_eq!(journal.renew_job(hand, None, at(5), TTL).await, Ok(Wish::Pause));
    assert_eq!(taken(journal, &of, hand, 2, 5).await, [0; 0]);
    assert_eq!(journal.shared_jobs(&scope(), at(5)).await.unwrap(), []);
    journal.release_job(hand, at(6)).await.unwrap();
    assert_eq!(journal.release_job(hand, at(6)).await, Err(JournalError::JobLost));
    assert_eq!(journal.renew_job(hand, None, at(6), TTL).await, Err(JournalError::JobLost));
    journal.wish(JobsOf::One(id), Wish::Run, ana.id, at(6)).await.unwrap();
    assert_eq!(taken(journal, &of, lead, 2, 7).await, [1, 2]);
    assert_eq!(journal.shared_jobs(&scope(), at(8)).await.unwrap(), [], "nothing waits");
    assert_eq!(journal.shared_jobs(&scope(), at(60)).await.unwrap(), [id], "nobody runs it");
}

async fn a_cancel_skips_what_waits_whoever_works(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = shared(&ana, 1, &["a", "b", "c"]);
    journal.record(&of).await.unwrap();
    let lead = lease(&of, &ana, 1);
    assert_eq!(taken(journal, &of, lead, 1, 2).await, [0]);
    let hand = joins(journal, &of, &ben, 3).await;
    assert_eq!(taken(journal, &of, hand, 1, 3).await, [1]);
    journal.wish(JobsOf::One(of.operation.id), Wish::Cancel, ben.id, at(4)).await.unwrap();
    assert_eq!(states(journal, &of).await[2], ItemState::Skipped);
    let last = journal.deal(hand, &told(&of, &[(1, ItemState::Accepted)]), at(5)).await.unwrap();
    assert_eq!((last.wish, last.rest), (Wish::Cancel, false));
    journal.deal(lead, &told(&of, &[(0, ItemState::Accepted)]), at(5)).await.unwrap();
    journal.release_job(hand, at(6)).await.unwrap();
    journal.release_job(lead, at(6)).await.unwrap();
    let row = journal.job(of.operation.id, at(6)).await.unwrap();
    assert_eq!((row.state, row.ended_at), (JobState::Cancelled, Some(at(6))));
}

async fn what_nobody_waits_for_takes_no_room(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = shared(&ana, 1, &["a", "b", "c", "d", "e"]);
    journal.record(&of).await.unwrap();
    let lead = lease(&of, &ana, 1);
    assert_eq!(taken(journal, &of, lead, 4, 2).await, [0, 1, 2, 3]);
    let left = [(0, ItemState::Sent), (1, ItemState::Sent)];
    journal.deal(lead, &told(&of, &left), at(3)).await.unwrap();
    assert_eq!(taken(journal, &of, lead, 4, 4).await, [4]);
    assert_eq!(journal.call_roll(lead, at(5)).await.unwrap().orphans, []);
    let next = journal.claim_job(of.operation.id, ben.id, at(60), TTL).await.unwrap().unwrap();
    assert_eq!(journal.call_roll(next, at(60)).await.unwrap().orphans.len(), 5);
}

async fn nothing_is_skipped_while_others_send(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = shared(&ana, 1, &["a", "b"]);
    journal.record(&of).await.unwrap();
    let lead = lease(&of, &ana, 1);
    assert_eq!(taken(journal, &of, lead, 1, 2).await, [0]);
    let hand = joins(journal, &of, &ben, 3).await;
    let stops = Turn { skip: Some("no rights".into()), ..told(&of, &[(0, ItemState::Failed)]) };
    let dealt = journal.deal(lead, &stops, at(3)).await.unwrap();
    assert_eq!((dealt.hands, dealt.rest), (1, true));
    journal.release_job(hand, at(4)).await.unwrap();
    let stops = Turn { skip: Some("no rights".into()), ..Turn::default() };
    let dealt = journal.deal(lead, &stops, at(5)).await.unwrap();
    assert_eq!((dealt.hands, dealt.rest), (0, false));
    assert_eq!(states(journal, &of).await, [ItemState::Failed, ItemState::Skipped]);
}

async fn jobs_of_one_process_have_no_hands(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let of = job(Verb::Purge, &ana, 1, &["a", "b"]);
    journal.record(&of).await.unwrap();
    let step = super::jobs::leaving(&of, &[0]);
    journal.advance(lease(&of, &ana, 1), &step, at(2)).await.unwrap();
    assert_eq!(journal.join_job(of.operation.id, ben.id, at(2), TTL).await.unwrap(), None);
    assert_eq!(journal.shared_jobs(&scope(), at(2)).await.unwrap(), []);
    assert_eq!(journal.shared_jobs(&scope(), at(60)).await.unwrap(), []);
}
