//! What a journal owes to members that look for each other.

use super::SqlJournal;
use super::make::*;
use crate::ports::errands::Errands;

behaviours! {
    an_errand_is_given_once_and_its_reply_read_once,
    a_place_is_one_members_while_that_is_there,
    errands_are_those_of_one_cloud_and_one_place,
}

async fn an_errand_is_given_once_and_its_reply_read_once(journal: &SqlJournal) {
    let ben = joined(journal, "ben", 2).await;
    let (one, two) = (
        journal.ask(&scope(), "dc-2", "look at a", at(1)).await.unwrap(),
        journal.ask(&scope(), "dc-2", "look at b", at(1)).await.unwrap(),
    );
    let first = journal.take(&scope(), "dc-2", ben.id, 1, at(2)).await.unwrap();
    assert_eq!(first.iter().map(|it| it.ask.as_str()).collect::<Vec<_>>(), ["look at a"]);
    let second = journal.take(&scope(), "dc-2", ben.id, 9, at(2)).await.unwrap();
    assert_eq!(second.iter().map(|it| it.ask.as_str()).collect::<Vec<_>>(), ["look at b"]);
    assert_eq!(journal.take(&scope(), "dc-2", ben.id, 9, at(2)).await.unwrap(), []);
    let ids = [one.clone(), two.clone(), "no' ID".to_owned()];
    assert_eq!(journal.replies(&ids).await.unwrap(), []);
    journal.reply(&one, "seen\0 a").await.unwrap();
    let told = vec![(one.clone(), "seen\u{fffd} a".to_owned())];
    assert_eq!(journal.replies(&ids).await.unwrap(), told);
    assert_eq!(journal.replies(&ids).await.unwrap(), [], "it is taken away");
    journal.forget(&two).await.unwrap();
    journal.reply(&two, "too late").await.unwrap();
    assert_eq!(journal.replies(&ids).await.unwrap(), []);
}

async fn a_place_is_one_members_while_that_is_there(journal: &SqlJournal) {
    let (ana, ben) = (joined(journal, "ana", 1).await, joined(journal, "ben", 2).await);
    assert!(journal.announce(&scope(), "dc-2", ana.id, at(1)).await.unwrap());
    assert!(!journal.announce(&scope(), "dc-2", ben.id, at(2)).await.unwrap());
    assert!(journal.announce(&scope(), "dc-2", ana.id, at(9)).await.unwrap(), "once more");
    let announced = |there| vec![("dc-2".to_owned(), there)];
    assert_eq!(journal.announced(&scope(), at(10)).await.unwrap(), announced(true));
    assert_eq!(journal.announced(&local_scope("x"), at(10)).await.unwrap(), []);
    assert_eq!(journal.announced(&scope(), at(60)).await.unwrap(), announced(false));
    assert!(journal.announce(&scope(), "dc-2", ben.id, at(60)).await.unwrap(), "ana is gone");
    journal.withdraw(&scope(), "dc-2", ana.id).await.unwrap();
    assert_eq!(journal.announced(&scope(), at(60)).await.unwrap(), announced(true), "it is ben's");
    assert_eq!(journal.announced(&scope(), at(60 + 15 * 60)).await.unwrap(), [], "long gone");
    journal.withdraw(&scope(), "dc-2", ben.id).await.unwrap();
    assert_eq!(journal.announced(&scope(), at(60)).await.unwrap(), []);
}

async fn errands_are_those_of_one_cloud_and_one_place(journal: &SqlJournal) {
    let ben = joined(journal, "ben", 2).await;
    journal.ask(&scope(), "dc-2", "look", at(1)).await.unwrap();
    assert_eq!(journal.take(&scope(), "dc-3", ben.id, 9, at(1)).await.unwrap(), []);
    assert_eq!(journal.take(&local_scope("x"), "dc-2", ben.id, 9, at(1)).await.unwrap(), []);
    // what nobody took for so long that nobody waits for it is swept out with the next
    journal.ask(&scope(), "dc-2", "look again", at(200)).await.unwrap();
    let taken = journal.take(&scope(), "dc-2", ben.id, 9, at(200)).await.unwrap();
    assert_eq!(taken.iter().map(|it| it.ask.as_str()).collect::<Vec<_>>(), ["look again"]);
}
