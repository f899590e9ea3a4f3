//! The behaviour that any journal owes its users, over the port alone.

use super::make::*;
use crate::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use crate::domain::invalidation::{ItemState, Outcome, Verb, label_of};
use crate::domain::snapshot::Phase;
use crate::domain::verdict::{Stored, Verdict};
use crate::ports::journal::{Journal, JournalError, Lease, News};

behaviours! {
    what_is_recorded_is_read_back,
    an_intent_is_recorded_once,
    an_operation_without_invalidation_is_activity_only,
    urls_found_later_are_watched_too,
    a_call_is_sent_then_settled,
    a_batch_with_an_unknown_item_changes_nothing,
    an_item_given_up_is_not_sent_any_more,
    an_item_that_was_sent_is_not_skipped,
    unsettled_are_items_of_silent_members,
    a_free_lease_is_given_once,
    an_expired_lease_changes_hands,
    a_lease_from_a_clock_that_was_wrong_is_no_lease,
    every_write_under_a_lost_lease_is_refused,
    of_many_watches_that_are_written_at_once_a_lost_one_harms_no_other,
    a_released_lease_is_free,
    an_ended_invalidation_is_not_tracked_until_it_is_reopened,
    lists_are_of_one_cloud_and_in_order,
    a_pulse_is_another_once_something_happened,
    a_row_names_who_ordered_and_who_tracks,
    pictures_survive,
    activity_counts_outcomes,
    what_was_done_to_an_asset_is_found,
    an_entry_is_found_by_its_beginning,
    truth_about_a_name_is_kept,
    terms_can_change,
    earlier_contents_are_remembered_newest_first,
    a_newer_operation_is_one_that_changed_the_name,
    a_name_that_was_gone_stays_known,
    what_places_took_is_learned_from_recent_watches_of_the_cloud,
    gone_clouds_end_their_invalidations,
    foreign_text_in_lists_is_clean,
}

async fn what_is_recorded_is_read_back(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let intent = rich_intent(&ana);
    journal.record(&intent).await.unwrap();
    let expected = intent.invalidation.unwrap();
    assert_eq!(journal.invalidation(expected.id).await.unwrap(), expected);
    let unknown = InvalidationId::new();
    assert_eq!(
        journal.invalidation(unknown).await,
        Err(JournalError::Unknown { prefix: unknown.to_string() })
    );
}

async fn an_intent_is_recorded_once(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut intent = intent(Verb::Purge, &ana, at(1), &["a", "b"]);
    journal.record(&intent).await.unwrap();
    let before = journal.invalidation(intent.invalidation.as_ref().unwrap().id).await.unwrap();
    assert!(matches!(journal.record(&intent).await, Err(JournalError::Write { .. })));
    // Fails late, at the second invalidation of the same ID: nothing of the operation may stay.
    intent.operation.id = OperationId::new();
    for item in &mut intent.items {
        (item.id, item.operation) = (ItemId::new(), intent.operation.id);
    }
    intent.invalidation.as_mut().unwrap().operation = intent.operation.clone();
    assert!(matches!(journal.record(&intent).await, Err(JournalError::Write { .. })));
    assert_eq!(journal.activity(None, 10).await.unwrap().len(), 1);
    assert_eq!(journal.invalidation(before.id).await.unwrap(), before);
}

async fn an_operation_without_invalidation_is_activity_only(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut intent = intent(Verb::Delete, &ana, at(1), &["a"]);
    intent.invalidation = None;
    intent.operation.invalidate = false;
    journal.record(&intent).await.unwrap();
    assert_eq!(journal.open(None).await.unwrap(), []);
    let activity = journal.activity(Some(&scope()), 10).await.unwrap();
    assert_eq!(activity.len(), 1);
    assert_eq!((activity[0].invalidation, &activity[0].operation), (None, &intent.operation));
}

async fn urls_found_later_are_watched_too(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut known = recorded(journal, &ana, at(1), "a").await;
    let item = known.items[0].clone();
    // The same name again with nothing known of OLD, a new name, and a URL of it.
    let mut again = name(&item);
    again.old = None;
    let mut other = name(&item);
    other.key = key("b");
    other.must_live = true;
    let mut more = url(&item, Some(99));
    more.key = key("b");
    journal.watch(known.id, &[again, other.clone()], std::slice::from_ref(&more)).await.unwrap();
    known.names.push(other);
    known.urls.push(more);
    assert_eq!(journal.invalidation(known.id).await.unwrap(), known);
    let unknown = InvalidationId::new();
    assert!(matches!(
        journal.watch(unknown, &known.names, &[]).await,
        Err(JournalError::Unknown { .. })
    ));
}

async fn a_call_is_sent_then_settled(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let intent = intent(Verb::Delete, &ana, at(1), &["a", "b", "c"]);
    let [a, b, c] = [0, 1, 2].map(|position: usize| intent.items[position].id);
    journal.record(&intent).await.unwrap();
    journal.mark_sent(&[a, b], at(2)).await.unwrap();
    journal
        .settle(&[
            (a, ItemState::Accepted, None),
            (b, ItemState::Failed, Some("refused".into())),
            (c, ItemState::Skipped, None),
            (b, ItemState::NotFound, Some("the last word counts".into())),
        ])
        .await
        .unwrap();
    let read = journal.invalidation(intent.invalidation.unwrap().id).await.unwrap();
    let states: Vec<_> =
        read.items.iter().map(|i| (i.state, i.sent_at, i.message.as_deref())).collect();
    assert_eq!(
        states,
        [
            (ItemState::Accepted, Some(at(2)), None),
            (ItemState::NotFound, Some(at(2)), Some("the last word counts")),
            (ItemState::Skipped, None, None),
        ]
    );
    // A purge that is sent again is sent later.
    journal.mark_sent(&[a], at(9)).await.unwrap();
    assert_eq!(journal.invalidation(read.id).await.unwrap().items[0].sent_at, Some(at(9)));
}

async fn a_batch_with_an_unknown_item_changes_nothing(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let known = recorded(journal, &ana, at(1), "a").await;
    let batch = [known.items[0].id, ItemId::new()];
    assert!(matches!(journal.mark_sent(&batch, at(2)).await, Err(JournalError::Write { .. })));
    let outcomes = batch.map(|id| (id, ItemState::Accepted, None));
    assert!(matches!(journal.settle(&outcomes).await, Err(JournalError::Write { .. })));
    assert_eq!(journal.invalidation(known.id).await.unwrap(), known);
    journal.mark_sent(&[], at(2)).await.unwrap();
    journal.settle(&[]).await.unwrap();
}

async fn an_item_given_up_is_not_sent_any_more(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let known = recorded(journal, &ana, at(1), "a").await;
    let id = known.items[0].id;
    journal.settle(&[(id, ItemState::Skipped, Some("never sent".into()))]).await.unwrap();
    assert!(matches!(journal.mark_sent(&[id], at(2)).await, Err(JournalError::Write { .. })));
    let read = journal.invalidation(known.id).await.unwrap();
    assert_eq!((read.items[0].state, read.items[0].sent_at), (ItemState::Skipped, None));
}

async fn an_item_that_was_sent_is_not_skipped(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let known = recorded(journal, &ana, at(1), "a").await;
    let id = known.items[0].id;
    journal.mark_sent(&[id], at(2)).await.unwrap();
    let skipped = journal.settle(&[(id, ItemState::Skipped, None)]).await;
    assert!(matches!(skipped, Err(JournalError::Write { .. })));
    let read = journal.invalidation(known.id).await.unwrap();
    assert_eq!((read.items[0].state, read.items[0].sent_at), (ItemState::Sent, Some(at(2))));
}

async fn unsettled_are_items_of_silent_members(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let ben = joined(journal, "ben", 2).await;
    let of_ana = intent(Verb::Delete, &ana, at(1), &["a", "b", "c"]);
    let of_ben = intent(Verb::Purge, &ben, at(2), &["d"]);
    journal.record(&of_ana).await.unwrap();
    journal.record(&of_ben).await.unwrap();
    journal.mark_sent(&[of_ana.items[1].id], at(3)).await.unwrap();
    journal.settle(&[(of_ana.items[2].id, ItemState::Accepted, None)]).await.unwrap();
    journal.join(&ben, at(30)).await.unwrap();

    let left = |found: Vec<(crate::domain::invalidation::Operation, _)>| {
        found
            .into_iter()
            .map(|(operation, item): (_, crate::domain::invalidation::Item)| {
                assert_eq!(operation.id, item.operation);
                (item.key.to_string(), item.state)
            })
            .collect::<Vec<_>>()
    };
    let of_silent = [("a".to_owned(), ItemState::Intended), ("b".to_owned(), ItemState::Sent)];
    assert_eq!(left(journal.unsettled(&scope(), at(20)).await.unwrap()), of_silent);
    assert_eq!(journal.unsettled(&scope(), at(0)).await.unwrap(), []);
    assert_eq!(journal.unsettled(&scope(), at(31)).await.unwrap().len(), 3);
    assert_eq!(journal.unsettled(&local_scope("x"), at(31)).await.unwrap(), []);
    // A member that never joined is not heard of either.
    let stranger = intent(Verb::Purge, &member("eve", 3), at(2), &["e"]);
    journal.record(&stranger).await.unwrap();
    assert_eq!(journal.unsettled(&scope(), at(0)).await.unwrap().len(), 1);
}

async fn a_free_lease_is_given_once(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let id = recorded(journal, &ana, at(1), "a").await.id;
    let lease = journal.acquire(id, ana.id, at(1), TTL).await.unwrap().unwrap();
    assert_eq!(lease, Lease { invalidation: id, holder: ana.id, fencing: 1 });
    assert_eq!(journal.acquire(id, ben.id, at(2), TTL).await.unwrap(), None);
    assert_eq!(journal.acquire(id, ana.id, at(3), TTL).await.unwrap(), Some(lease));
    // Given again, it lasts from then on.
    assert_eq!(journal.acquire(id, ben.id, at(12), TTL).await.unwrap(), None);
    let unknown = journal.acquire(InvalidationId::new(), ana.id, at(1), TTL).await;
    assert!(matches!(unknown, Err(JournalError::Unknown { .. })));
}

async fn an_expired_lease_changes_hands(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let id = recorded(journal, &ana, at(1), "a").await.id;
    let old = journal.acquire(id, ana.id, at(1), TTL).await.unwrap().unwrap();
    journal.renew(old, at(8), TTL).await.unwrap();
    assert_eq!(journal.acquire(id, ben.id, at(17), TTL).await.unwrap(), None);
    // Late, but nobody came.
    journal.renew(old, at(19), TTL).await.unwrap();
    let new = journal.acquire(id, ben.id, at(29), TTL).await.unwrap().unwrap();
    assert_eq!((new.holder, new.fencing), (ben.id, old.fencing + 1));
    assert_eq!(journal.renew(old, at(30), TTL).await, Err(JournalError::LeaseLost));
    assert_eq!(journal.acquire(id, ana.id, at(30), TTL).await.unwrap(), None);
    // Of several that are renewed at once one is lost.
    let other = recorded(journal, &ana, at(31), "b").await.id;
    let kept = journal.acquire(other, ana.id, at(31), TTL).await.unwrap().unwrap();
    assert_eq!(journal.renew_all(&[old, kept], at(39), TTL).await, Ok(vec![old]));
    assert_eq!(journal.acquire(other, ben.id, at(48), TTL).await.unwrap(), None);
}

async fn a_lease_from_a_clock_that_was_wrong_is_no_lease(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let id = recorded(journal, &ana, at(1), "a").await.id;
    journal.acquire(id, ana.id, at(1_000_000), TTL).await.unwrap().unwrap();
    assert!(journal.acquire(id, ben.id, at(2), TTL).await.unwrap().is_some());
}

async fn every_write_under_a_lost_lease_is_refused(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let known = recorded(journal, &ana, at(1), "a").await;
    let lost = journal.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap();
    let held = journal.acquire(known.id, ben.id, at(60), TTL).await.unwrap().unwrap();
    let older = Lease { fencing: lost.fencing, ..held };
    let mut changed = name(&known.items[0]);
    changed.new = Some(Stored::Empty);
    let mut terms = terms();
    terms.excluded.clear();
    let picture = snapshot(&known, at(61));
    let end = ending(Outcome::AllClear, at(61));
    for lease in [lost, older] {
        let refused = Err(JournalError::LeaseLost);
        assert_eq!(journal.renew(lease, at(61), TTL).await, refused);
        assert_eq!(journal.save_one(learnt(lease, std::slice::from_ref(&changed))).await, refused);
        assert_eq!(journal.save_one(agreed(lease, &terms)).await, refused);
        let rows = [sighting("FRA", at(61), Verdict::Cleared)];
        assert_eq!(journal.save_one(seen(lease, &rows)).await, refused);
        assert_eq!(journal.save_snapshot(lease, &picture).await, refused);
        assert_eq!(journal.end(lease, &end, &picture).await, refused);
        assert_eq!(journal.release(lease).await, refused);
    }
    assert_eq!(journal.invalidation(known.id).await.unwrap(), known);
    assert_eq!(journal.open(None).await.unwrap()[0].snapshot, None);
    journal.save_snapshot(held, &picture).await.unwrap();
}

async fn of_many_watches_that_are_written_at_once_a_lost_one_harms_no_other(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let (mut watches, mut leases) = (Vec::new(), Vec::new());
    for public_id in ["a", "b", "c", "d"] {
        let known = recorded(journal, &ana, at(1), public_id).await;
        leases.push(journal.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap());
        watches.push(known);
    }
    // one changed hands, one has ended
    let of_ben = journal.acquire(watches[1].id, ben.id, at(60), TTL).await.unwrap().unwrap();
    journal.save_snapshot(of_ben, &snapshot(&watches[1], at(60))).await.unwrap();
    let end = ending(Outcome::GaveUp, at(60));
    journal.end(leases[3], &end, &snapshot(&watches[3], at(60))).await.unwrap();

    let mut agreed = terms();
    agreed.excluded = vec!["SIN".into()];
    let names = watches.iter().map(|known| {
        let stored = Some(Stored::Empty);
        [crate::domain::invalidation::WatchedName { new: stored, ..name(&known.items[0]) }]
    });
    let names = names.collect::<Vec<_>>();
    let pictures = watches.iter().map(|known| snapshot(known, at(61))).collect::<Vec<_>>();
    let rows = [sighting("FRA", at(61), Verdict::Cleared)];
    let news = (0..4).map(|n| News {
        lease: leases[n],
        names: &names[n],
        terms: Some(&agreed),
        sightings: &rows,
        picture: Some(&pictures[n]),
    });
    let news = news.collect::<Vec<_>>();
    assert_eq!(journal.save(&news).await, Ok(vec![leases[1], leases[3]]));

    for (n, known) in watches.iter().enumerate() {
        let written = n == 0 || n == 2;
        let read = journal.invalidation(known.id).await.unwrap();
        assert_eq!(read.names[0].new, written.then_some(Stored::Empty), "{n}");
        assert_eq!(read.terms == agreed, written, "{n}");
        let kept = journal.kept_sightings(known.id).await.unwrap();
        assert_eq!(kept.len(), usize::from(written), "{n}");
        let taken_at = journal.row(known.id).await.unwrap().snapshot.unwrap().taken_at;
        assert_eq!(taken_at, if written { at(61) } else { at(60) }, "{n}");
    }
    // what is empty changes nothing, and once more is once more
    assert_eq!(journal.save(&[]).await, Ok(Vec::new()));
    assert_eq!(journal.save(&[News::under(leases[0])]).await, Ok(Vec::new()));
    assert_eq!(journal.save(&[seen(leases[0], &rows), seen(of_ben, &rows)]).await, Ok(Vec::new()));
    let kept = journal.kept_sightings(watches[0].id).await.unwrap();
    assert_eq!((kept.len(), kept[0].sightings), (1, 2));
    assert_eq!(journal.kept_sightings(watches[1].id).await.unwrap().len(), 1);
}

async fn a_released_lease_is_free(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let id = recorded(journal, &ana, at(1), "a").await.id;
    let first = journal.acquire(id, ana.id, at(1), TTL).await.unwrap().unwrap();
    journal.release(first).await.unwrap();
    assert_eq!(journal.renew(first, at(2), TTL).await, Err(JournalError::LeaseLost));
    let second = journal.acquire(id, ben.id, at(2), TTL).await.unwrap().unwrap();
    assert_eq!(second.fencing, first.fencing + 1);
    // The same holder again is a change of holder too, once nobody held it.
    journal.release(second).await.unwrap();
    let third = journal.acquire(id, ben.id, at(3), TTL).await.unwrap().unwrap();
    assert_eq!(third.fencing, second.fencing + 1);
}

async fn an_ended_invalidation_is_not_tracked_until_it_is_reopened(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let known = recorded(journal, &ana, at(1), "a").await;
    let lease = journal.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap();
    let end = ending(Outcome::ClearExcept, at(70));
    let mut last = snapshot(&known, at(70));
    last.ended = Some(end.clone());
    last.phase = Phase::Ended;
    journal.end(lease, &end, &last).await.unwrap();
    assert_eq!(journal.invalidation(known.id).await.unwrap().ended, Some(end.clone()));
    assert_eq!(journal.acquire(known.id, ana.id, at(71), TTL).await.unwrap(), None);
    assert_eq!(journal.release(lease).await, Err(JournalError::LeaseLost));
    assert_eq!(journal.open(None).await.unwrap(), []);
    assert_eq!(journal.ended(None, 5).await.unwrap()[0].snapshot.as_ref(), Some(&last));

    journal.reopen(known.id).await.unwrap();
    assert_eq!(journal.invalidation(known.id).await.unwrap(), known);
    let open = journal.open(None).await.unwrap();
    let picture = open[0].snapshot.as_ref().unwrap();
    assert_eq!((&picture.ended, picture.phase), (&None, Phase::Probing));
    let again = journal.acquire(known.id, ana.id, at(72), TTL).await.unwrap().unwrap();
    assert_eq!(again.fencing, lease.fencing + 1);
    let unknown = journal.reopen(InvalidationId::new()).await;
    assert!(matches!(unknown, Err(JournalError::Unknown { .. })));
}

async fn a_pulse_is_another_once_something_happened(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let quiet = journal.pulse().await.unwrap();
    let known = recorded(journal, &ana, at(1), "a").await;
    let ordered = journal.pulse().await.unwrap();
    assert_ne!(ordered, quiet, "an order");
    let lease = journal.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap();
    journal.save_snapshot(lease, &snapshot(&known, at(2))).await.unwrap();
    assert_eq!(journal.pulse().await.unwrap(), ordered, "progress is none");
    let end = ending(Outcome::AllClear, at(70));
    let last = snapshot(&known, at(70));
    journal.end(lease, &end, &last).await.unwrap();
    assert_ne!(journal.pulse().await.unwrap(), ordered, "an end");
}

async fn lists_are_of_one_cloud_and_in_order(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut ids = Vec::new();
    for (second, public_id) in [(3, "late"), (1, "early"), (2, "middle")] {
        ids.push(recorded(journal, &ana, at(second), public_id).await.id);
    }
    let mut elsewhere = intent(Verb::Purge, &ana, at(0), &["elsewhere"]);
    elsewhere.operation.scope = local_scope("run-1");
    journal.record(&elsewhere).await.unwrap();

    let row = journal.row(ids[0]).await.unwrap();
    assert_eq!((row.id, row.label.as_str(), row.ended), (ids[0], "late", None));
    let unknown = InvalidationId::new();
    let nobody = Err(JournalError::Unknown { prefix: unknown.to_string() });
    assert_eq!(journal.row(unknown).await, nobody);

    let labels = |rows: Vec<crate::ports::journal::InvalidationRow>| {
        rows.into_iter().map(|row| row.label).collect::<Vec<_>>()
    };
    let ours = scope();
    assert_eq!(labels(journal.open(Some(&ours)).await.unwrap()), ["early", "middle", "late"]);
    assert_eq!(labels(journal.open(Some(&local_scope("run-1"))).await.unwrap()), ["elsewhere"]);
    assert_eq!(labels(journal.open(Some(&local_scope("run-2"))).await.unwrap()), [""; 0]);
    assert_eq!(journal.open(None).await.unwrap().len(), 4);

    for (second, id) in [(10, ids[0]), (12, ids[1]), (11, ids[2])] {
        let known = journal.invalidation(id).await.unwrap();
        let lease = journal.acquire(id, ana.id, at(9), TTL).await.unwrap().unwrap();
        let end = ending(Outcome::AllClear, at(second));
        journal.end(lease, &end, &snapshot(&known, at(second))).await.unwrap();
    }
    assert_eq!(labels(journal.ended(Some(&ours), 2).await.unwrap()), ["early", "middle"]);
    let row = journal.row(ids[1]).await.unwrap();
    assert_eq!(row.ended, Some(ending(Outcome::AllClear, at(12))));
    assert_eq!(Some(row), journal.ended(Some(&ours), 1).await.unwrap().pop());
    assert_eq!(labels(journal.ended(None, 9).await.unwrap()), ["early", "middle", "late"]);
    let activity = journal.activity(Some(&ours), 2).await.unwrap();
    let labels: Vec<_> = activity.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(labels, ["late", "middle"]);
}

async fn a_row_names_who_ordered_and_who_tracks(journal: &dyn Journal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    let intent = intent(Verb::Delete, &ana, at(1), &["a", "b", "c"]);
    journal.record(&intent).await.unwrap();
    let id = intent.invalidation.as_ref().unwrap().id;
    let row = &journal.open(None).await.unwrap()[0];
    assert_eq!((row.id, &row.operation, row.by.as_str()), (id, &intent.operation, "ana@desk"));
    assert_eq!((row.label.as_str(), row.tracked_by.as_deref()), ("a and 2 more", None));
    assert_eq!(row.label, label_of(&intent.items));
    journal.acquire(id, ben.id, at(2), TTL).await.unwrap().unwrap();
    let row = &journal.open(None).await.unwrap()[0];
    assert_eq!(row.tracked_by.as_deref(), Some("ben@desk 2"));
    // Time goes on: the lease has run out.
    journal.join(&ana, at(60)).await.unwrap();
    assert_eq!(journal.open(None).await.unwrap()[0].tracked_by, None);
}

async fn pictures_survive(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let known = recorded(journal, &ana, at(1), "a").await;
    let lease = journal.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap();
    assert_eq!(journal.open(None).await.unwrap()[0].snapshot, None);
    for second in [2, 3] {
        journal.save_snapshot(lease, &snapshot(&known, at(second))).await.unwrap();
    }
    let kept = journal.open(None).await.unwrap().remove(0).snapshot;
    assert_eq!(kept, Some(snapshot(&known, at(3))));
    let read_by = async |reader| {
        let mut rows = journal.open_for(&scope(), reader).await.unwrap();
        (rows.len(), rows.remove(0).snapshot)
    };
    assert_eq!(read_by(MemberId::new()).await, (1, kept), "another member's");
    assert_eq!(read_by(ana.id).await, (1, None), "its own");
    assert_eq!(journal.open_for(&local_scope("x"), ana.id).await, Ok(vec![]));
    journal.release(lease).await.unwrap();
    assert_eq!(read_by(ana.id).await.1.map(|picture| picture.taken_at), Some(at(3)));
}

async fn activity_counts_outcomes(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let intent = intent(Verb::Delete, &ana, at(1), &["a", "b", "c", "d"]);
    journal.record(&intent).await.unwrap();
    let states = [ItemState::Accepted, ItemState::Accepted, ItemState::Failed, ItemState::NotFound];
    let outcomes: Vec<_> =
        intent.items.iter().zip(states).map(|(item, state)| (item.id, state, None)).collect();
    journal.settle(&outcomes).await.unwrap();
    let row = journal.activity(Some(&scope()), 1).await.unwrap().remove(0);
    assert_eq!((row.items, row.accepted, row.failed), (4, 2, 1));
    assert_eq!((row.by.as_str(), row.label.as_str()), ("ana@desk", "a and 3 more"));
    assert_eq!(row.invalidation, Some(intent.invalidation.unwrap().id));
    assert_eq!((row.operation, row.ended), (intent.operation, None));
}

async fn what_was_done_to_an_asset_is_found(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut renamed = intent(Verb::Rename, &ana, at(1), &["a"]);
    renamed.items[0].to = Some(key("b"));
    let purged = intent(Verb::Purge, &ana, at(2), &["b", "c"]);
    let other = intent(Verb::Purge, &ana, at(3), &["d"]);
    for intent in [&renamed, &purged, &other] {
        journal.record(intent).await.unwrap();
    }
    let of = async |name: &str| {
        let rows = journal.activity_of(&scope(), &key(name), 10).await.unwrap();
        rows.into_iter().map(|row| row.operation.id).collect::<Vec<_>>()
    };
    assert_eq!(of("b").await, [purged.operation.id, renamed.operation.id], "newest first");
    assert_eq!(of("a").await, [renamed.operation.id]);
    assert_eq!(of("e").await, []);
    let elsewhere = journal.activity_of(&local_scope("other"), &key("b"), 10).await.unwrap();
    assert_eq!(elsewhere, []);
}

async fn an_entry_is_found_by_its_beginning(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut intent = intent(Verb::Purge, &ana, at(1), &["a"]);
    let with_id = |text: &str| text.parse::<uuid::Uuid>().unwrap();
    let invalidation = intent.invalidation.as_mut().unwrap();
    invalidation.id = InvalidationId(with_id("01aaaaaa-1111-7000-8000-000000000001"));
    intent.operation.id = OperationId(with_id("01aaaaaa-2222-7000-8000-000000000002"));
    invalidation.operation = intent.operation.clone();
    for item in &mut intent.items {
        item.operation = intent.operation.id;
    }
    let id = invalidation.id;
    journal.record(&intent).await.unwrap();
    for prefix in [
        "01aaaaaa-1111-7000-8000-000000000001",
        "01AAAAAA111170008000000000000001",
        "01aaaaaa-2222-7000-8000-000000000002",
        "01aaaa",
        " 01aaaaaa-22 ",
        "01aaaaaa11",
    ] {
        assert_eq!(journal.find(prefix).await, Ok(id), "{prefix}");
    }
    for prefix in ["01aaa", "01aaab", "", "press/hero", "01aaaa%", "01aaaaaa-1112"] {
        let unknown = JournalError::Unknown { prefix: prefix.to_owned() };
        assert_eq!(journal.find(prefix).await, Err(unknown), "{prefix}");
    }
    // A second one of the same time.
    intent.operation.id = OperationId(with_id("01aaaaaa-3333-7000-8000-000000000002"));
    let invalidation = intent.invalidation.as_mut().unwrap();
    invalidation.id = InvalidationId(with_id("01aaaaab-1111-7000-8000-000000000001"));
    invalidation.operation = intent.operation.clone();
    for item in &mut intent.items {
        (item.id, item.operation) = (ItemId::new(), intent.operation.id);
    }
    journal.record(&intent).await.unwrap();
    let ambiguous = JournalError::Ambiguous { prefix: "01aaaa".into(), count: 2 };
    assert_eq!(journal.find("01aaaa").await, Err(ambiguous));
    assert_eq!(journal.find("01aaaaab").await, Ok(intent.invalidation.unwrap().id));
}

async fn truth_about_a_name_is_kept(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut known = recorded(journal, &ana, at(1), "a").await;
    let lease = journal.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap();
    known.names[0].new = Some(Stored::Holds(content("new")));
    known.names[0].changed_at = Some(at(2));
    known.names[0].superseded = true;
    journal.save_one(learnt(lease, &known.names[..1])).await.unwrap();
    assert_eq!(journal.invalidation(known.id).await.unwrap(), known);
}

async fn terms_can_change(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut known = recorded(journal, &ana, at(1), "a").await;
    let lease = journal.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap();
    known.terms.excluded.push("SIN".into());
    journal.save_one(agreed(lease, &known.terms)).await.unwrap();
    assert_eq!(journal.invalidation(known.id).await.unwrap(), known);
}

async fn earlier_contents_are_remembered_newest_first(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut last = None;
    for round in 0..25 {
        let mut intent = intent(Verb::Replace, &ana, at(round), &["a"]);
        let names = &mut intent.invalidation.as_mut().unwrap().names;
        names[0].old = Some(Stored::Holds(content(&format!("etag-{round}"))));
        journal.record(&intent).await.unwrap();
        last = intent.invalidation;
    }
    let mut last = last.unwrap();
    let contents = async |public_id: &str| {
        let known = journal.earlier_contents(&scope(), &[key(public_id)]).await.unwrap();
        known.into_iter().next().unwrap()
    };
    let known = contents("a").await;
    assert_eq!(known.len(), 20);
    let etags: Vec<_> =
        known.iter().filter_map(|content| content.etag.as_deref()).take(2).collect();
    assert_eq!(etags, ["etag-24", "etag-23"]);
    assert_eq!(contents("b").await, []);
    let both = [key("b"), key("a")];
    assert_eq!(journal.earlier_contents(&scope(), &both).await, Ok(vec![vec![], known]));
    let elsewhere = journal.earlier_contents(&local_scope("x"), &both).await;
    assert_eq!(elsewhere, Ok(vec![vec![], vec![]]));
    assert_eq!(journal.earlier_contents(&scope(), &[]).await, Ok(vec![]));
    // What storage is read as becomes known too, and an old content that comes back is new again.
    let lease = journal.acquire(last.id, ana.id, at(30), TTL).await.unwrap().unwrap();
    for (second, etag) in [(31, "new"), (32, "etag-0")] {
        last.names[0].new = Some(Stored::Holds(content(etag)));
        last.names[0].changed_at = Some(at(second));
        journal.save_one(learnt(lease, &last.names[..1])).await.unwrap();
    }
    let known = contents("a").await;
    let etags: Vec<_> =
        known.iter().filter_map(|content| content.etag.as_deref()).take(3).collect();
    assert_eq!(etags, ["etag-0", "new", "etag-24"]);
}

async fn a_newer_operation_is_one_that_changed_the_name(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let first = intent(Verb::Delete, &ana, at(1), &["a"]);
    journal.record(&first).await.unwrap();
    journal.mark_sent(&[first.items[0].id], at(2)).await.unwrap();
    let newer = async |than: OperationId, public_id: &str| {
        let found = journal.newer_operation(&scope(), &key(public_id), at(2), than).await.unwrap();
        let others = (0..40).map(|n| (key(&format!("other-{n}")), at(0)));
        let many = others.chain([(key(public_id), at(2))]).collect::<Vec<_>>();
        let many = journal.newer_operations(&scope(), &many, than).await.unwrap();
        assert_eq!(many.len(), 41);
        assert_eq!(many[..40].iter().flatten().count(), 0);
        assert_eq!(many[40], found, "many at once are told the same");
        found.map(|operation| operation.id)
    };
    assert_eq!(newer(first.operation.id, "a").await, None, "itself is no newer one");
    assert_eq!(newer(OperationId::new(), "a").await, None, "not later");

    let purge = intent(Verb::Purge, &ana, at(3), &["a"]);
    journal.record(&purge).await.unwrap();
    journal.mark_sent(&[purge.items[0].id], at(3)).await.unwrap();
    assert_eq!(newer(first.operation.id, "a").await, None, "a purge changes nothing");

    let mut rename = intent(Verb::Rename, &ana, at(0), &["b"]);
    rename.items[0].to = Some(key("a"));
    rename.invalidation = None;
    journal.record(&rename).await.unwrap();
    assert_eq!(newer(first.operation.id, "a").await, None, "not sent");
    journal.mark_sent(&[rename.items[0].id], at(5)).await.unwrap();
    assert_eq!(newer(first.operation.id, "a").await, Some(rename.operation.id), "as target");
    assert_eq!(newer(first.operation.id, "b").await, Some(rename.operation.id), "as source");
    assert_eq!(newer(first.operation.id, "c").await, None);
    let (other, a) = (local_scope("x"), key("a"));
    let elsewhere = journal.newer_operation(&other, &a, at(2), purge.operation.id).await;
    assert_eq!(elsewhere, Ok(None));
    journal.settle(&[(rename.items[0].id, ItemState::Failed, None)]).await.unwrap();
    assert_eq!(newer(first.operation.id, "a").await, None, "failed");
}

async fn a_name_that_was_gone_stays_known(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut known = recorded(journal, &ana, at(1), "a").await;
    let gone = async |since| journal.recently_gone(&scope(), &key("a"), at(since)).await.unwrap();
    assert!(!gone(0).await);
    let lease = journal.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap();
    known.names[0].new = Some(Stored::Empty);
    journal.save_one(learnt(lease, &known.names[..1])).await.unwrap();
    assert!(gone(0).await && gone(1000).await, "while it is watched");
    journal
        .end(lease, &ending(Outcome::AllClear, at(50)), &snapshot(&known, at(50)))
        .await
        .unwrap();
    assert!(gone(49).await && !gone(50).await);
    let other = journal.recently_gone(&local_scope("x"), &key("a"), at(0)).await.unwrap();
    assert!(!other);
    // Deleted without watching counts as well.
    let mut delete = intent(Verb::Delete, &ana, at(60), &["a"]);
    delete.invalidation = None;
    journal.record(&delete).await.unwrap();
    journal.mark_sent(&[delete.items[0].id], at(61)).await.unwrap();
    assert!(!gone(50).await);
    journal.settle(&[(delete.items[0].id, ItemState::Accepted, None)]).await.unwrap();
    assert!(gone(50).await && !gone(61).await);
}

async fn gone_clouds_end_their_invalidations(journal: &dyn Journal) {
    let ana = joined(journal, "ana", 1).await;
    let mut open = Vec::new();
    for (public_id, scope) in
        [("old", local_scope("run-1")), ("now", local_scope("run-2")), ("real", scope())]
    {
        let mut intent = intent(Verb::Delete, &ana, at(1), &[public_id, "unsent"]);
        intent.operation.scope = scope;
        journal.record(&intent).await.unwrap();
        journal.mark_sent(&[intent.items[0].id], at(2)).await.unwrap();
        open.push(intent.invalidation.unwrap());
    }
    let lease = journal.acquire(open[0].id, ana.id, at(2), TTL).await.unwrap().unwrap();
    journal.save_snapshot(lease, &snapshot(&open[0], at(2))).await.unwrap();
    let api = local_scope("").api;
    assert_eq!(journal.end_of_gone_clouds("http://127.0.0.1:1", None, at(3)).await, Ok(0));
    assert_eq!(journal.end_of_gone_clouds(&api, Some("run-2"), at(3)).await, Ok(1));
    assert_eq!(journal.end_of_gone_clouds(&api, Some("run-2"), at(4)).await, Ok(0));
    let row = journal.ended(None, 9).await.unwrap().remove(0);
    let ended = row.ended.unwrap();
    assert_eq!((row.id, ended.outcome, ended.at), (open[0].id, Outcome::CloudGone, at(3)));
    let picture = row.snapshot.unwrap();
    assert_eq!((picture.phase, picture.ended.as_ref()), (Phase::Ended, Some(&ended)));
    assert_eq!(journal.renew(lease, at(3), TTL).await, Err(JournalError::LeaseLost));
    let items = journal.invalidation(open[0].id).await.unwrap().items;
    assert_eq!([items[0].state, items[1].state], [ItemState::Failed, ItemState::Skipped]);
    assert_eq!(journal.end_of_gone_clouds(&api, None, at(5)).await, Ok(1));
    assert_eq!(journal.open(None).await.unwrap().len(), 1);
}

async fn foreign_text_in_lists_is_clean(journal: &dyn Journal) {
    let eve = joined(journal, "e\u{1b}[31mve", 1).await;
    let known = recorded(journal, &eve, at(1), "a\u{202e}gpj").await;
    let lease = journal.acquire(known.id, eve.id, at(1), TTL).await.unwrap().unwrap();
    let row = journal.open(None).await.unwrap().remove(0);
    assert_eq!(row.label, "a\u{fffd}gpj");
    assert_eq!(
        (row.by.as_str(), row.tracked_by.as_deref()),
        ("e\u{fffd}[31mve@desk", Some("e\u{fffd}[31mve@desk 1"))
    );
    assert_eq!(journal.activity(None, 1).await.unwrap()[0].label, "a\u{fffd}gpj");
    let odd = journal.find("\u{1b}[2J").await;
    assert_eq!(odd, Err(JournalError::Unknown { prefix: "\u{fffd}[2J".into() }));
    journal.release(lease).await.unwrap();
}

async fn what_places_took_is_learned_from_recent_watches_of_the_cloud(journal: &dyn Journal) {
    use std::time::Duration;
    let ana = joined(journal, "ana", 1).await;
    assert_eq!(journal.usual(&scope()).await.unwrap().known_from(), 0);
    // of 23 watches the first three are forgotten; FRA takes n seconds, SIN never lets go
    for n in 0..23 {
        let verb = Verb::Purge;
        end_with_places(journal, intent(verb, &ana, at(n), &["a"]), at(100 + n), n).await;
    }
    end_with_places(journal, intent(Verb::Watch, &ana, at(50), &["a"]), at(900), 900).await;
    let mut elsewhere = intent(Verb::Purge, &ana, at(50), &["a"]);
    elsewhere.operation.scope = local_scope("run-1");
    end_with_places(journal, elsewhere, at(901), 901).await;
    recorded(journal, &ana, at(60), "open").await;

    let usual = journal.usual(&scope()).await.unwrap();
    assert_eq!(usual.known_from(), 20);
    let expected: Vec<_> = (3..23).map(Duration::from_secs).collect();
    assert_eq!(usual.places(), expected);
    let elsewhere = journal.usual(&local_scope("run-1")).await.unwrap();
    assert_eq!(elsewhere.places(), [Duration::from_secs(901)]);
}

/// Records an invalidation and ends it, FRA having let go after so many seconds and SIN not at all.
async fn end_with_places(
    journal: &dyn Journal,
    mut intent: crate::ports::journal::Intent,
    ended: crate::domain::time::Timestamp,
    took: i64,
) {
    let known = intent.invalidation.as_mut().unwrap();
    known.operation = intent.operation.clone();
    let known = known.clone();
    journal.record(&intent).await.unwrap();
    let holder = known.operation.member;
    let lease = journal.acquire(known.id, holder, ended, TTL).await.unwrap().unwrap();
    let mut last = snapshot(&known, ended);
    last.places = ["FRA", "SIN"].map(|place| place_row(place, None)).to_vec();
    last.places[0].let_go_after = Some(std::time::Duration::from_secs(took.unsigned_abs()));
    journal.end(lease, &ending(Outcome::AllClear, ended), &last).await.unwrap();
}
