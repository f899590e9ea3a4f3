//! What a report says, and that nothing in it becomes markup.

use std::time::Duration;

use super::*;
use crate::domain::invalidation::NotCovered;
use crate::domain::purge::{Order, OrderTerms, Selection};
use crate::domain::snapshot::TimelineEntry;
use crate::ops::testing::{self, FakeCloud, image};

/// A purge that the journal knows, with a picture that somebody hostile had a hand in.
async fn story() -> PostMortem {
    let context = testing::context(FakeCloud::with(&["press/hero"])).await;
    let context = std::sync::Arc::new(context);
    let order = Order::Purge { what: Selection::Keys(vec![image("press/hero")]) };
    let terms = OrderTerms { note: Some("ticket <7> | *urgent*".into()), ..OrderTerms::default() };
    let plan = crate::ops::plan::plan(&context, &order, &terms).await.unwrap();
    let tracker = crate::ops::tracker::Tracker::start(std::sync::Arc::clone(&context));
    let (events, mut heard) = tokio::sync::mpsc::channel(64);
    let cancel = tokio_util::sync::CancellationToken::new();
    let executed =
        crate::ops::execute::execute(&context, &tracker, &plan, &terms, None, &events, &cancel);
    let executed = executed.await.unwrap();
    heard.close();
    let id = executed.invalidation.unwrap();
    tracker.outcome(id).await.unwrap();
    tracker.shutdown().await;
    let mut story = read(&*context.journal, id).await.unwrap();
    let picture = story.row.snapshot.as_mut().expect("it was looked at");
    picture.curve = (0..5_u32)
        .map(|n| CurvePoint { after: Duration::from_secs(1) * n, clear: n as usize, total: 4 })
        .collect();
    picture.timeline.push(TimelineEntry {
        at: picture.started_at,
        text: "</table><script>alert(1)</script> `x` \u{202e}\u{1b}[2J".into(),
    });
    story.invalidation.not_covered.push(NotCovered {
        url: "https://res.cloudinary.com/demo/a|b`c.jpg".into(),
        reason: "front_cdn".into(),
        next_step: "purge there".into(),
    });
    story
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_who_did_what_and_what_was_seen() {
    let story = story().await;
    let document = story.document(story.row.operation.at);
    let text = markdown(&document);
    for wanted in [
        "purge of ",
        "press/hero",
        "## How it spread",
        "| 50 % | 2 s |",
        "## Caches",
        "## Not reached by the invalidation",
        "purge there",
        "Chance to have missed one stale node of four",
        "1 call in all: 1 accepted.",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
    let page = html(&document);
    assert!(page.contains("<svg") && page.contains("4 of 4 cells clear after 4.0 s"), "{page}");
    assert!(
        !page.contains("http-equiv=\"refresh\"") && !page.contains("src="),
        "it asks for nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_from_outside_becomes_markup() {
    let story = story().await;
    let document = story.document(story.row.operation.at);
    let page = html(&document);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    let text = markdown(&document);
    assert!(text.contains("ticket \\<7\\> \\| \\*urgent\\*"), "{text}");
    assert!(text.contains("``https://res.cloudinary.com/demo/a\\|b`c.jpg``"), "{text}");
    assert!(text.contains("\\</table\\>\\<script\\>"), "{text}");
    for written in [page, text] {
        assert!(!written.contains(['\u{1b}', '\u{202e}']), "control characters are gone");
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_one_says_so() {
    let mut story = story().await;
    story.row.ended = None;
    let document = story.document(story.row.operation.at);
    assert_eq!((story.word(), document.good), ("open", None));
    assert!(markdown(&document).contains("Ended at: still open"));
}

#[tokio::test(start_paused = true)]
async fn its_tables_have_the_columns_that_are_asked_for() {
    let story = story().await;
    let document = || story.document(story.row.operation.at);
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let text = markdown(&document().only(&names(&["after", "Place"])).unwrap());
    assert!(text.contains("| After | Place |"), "{text}");
    assert!(!text.contains("| City |") && text.contains("| Asset | Outcome |"), "{text}");
    assert_eq!(document().only(&[]), Ok(document()));
    let (odd, known) = document().only(&names(&["place", "colour"])).unwrap_err();
    assert!(odd == "colour" && known.contains(&"cells-clear".to_owned()), "{known:?}");
}
