//! A kept list before the network answers, and what becomes of it.

use crate::app::effect::Effect;
use crate::app::msg::{Failure, Msg};
use crate::app::state::App;
use crate::domain::asset::Asset;
use crate::domain::asset_rows::RowStore;
use crate::domain::time::Timestamp;
use crate::ports::list_copy::ListCopy;
use crate::screens::assets::rows::tests::image;
use crate::screens::assets::update::to_keep;
use crate::screens::testing::{Console, noon};

fn assets(count: u64) -> Vec<Asset> {
    (0..count).map(|n| image(&format!("press/hero-{n:05}"), n, n * 10)).collect()
}

fn earlier() -> Timestamp {
    "2026-11-21T09:00:00Z".parse().unwrap()
}

fn copy(count: u64, of: usize) -> ListCopy {
    let mut rows = RowStore::default();
    for page in assets(count).chunks(500) {
        rows.push_page(page);
    }
    ListCopy { rows, at: earlier(), count: of, is_whole: true }
}

/// A console that begins with a kept list of `of` rows; the first `shown` of them are read at once.
fn begun(shown: u64, of: usize) -> (Console, Vec<Effect>) {
    let mut console = Console::new(100, 24);
    let effects = start(&mut console.app, copy(shown, of));
    (console, effects)
}

fn start(app: &mut App, copy: ListCopy) -> Vec<Effect> {
    app.show_copy(copy);
    app.start()
}

#[test]
fn a_kept_list_is_seen_with_its_age_before_any_answer_and_gives_way_to_the_answer() {
    let (mut console, effects) = begun(30, 30);
    assert!(matches!(effects[0], Effect::List { cursor: None, .. }), "{effects:?}");
    let frame = console.frame();
    assert!(frame.contains("press/hero-00000") && frame.contains("a copy, 3 h old"), "{frame}");
    console.press("j j j");
    let mut now = assets(30);
    now.insert(0, image("brand/new", 99, 1));
    console.listed(now, None);
    let frame = console.frame();
    assert!(frame.contains("31 assets") && !frame.contains("a copy"), "{frame}");
    let current = console.app.assets.current().unwrap();
    assert_eq!(current.key.to_string(), "press/hero-00003", "the cursor stays on its asset");
}

#[test]
fn a_cloud_that_does_not_answer_leaves_the_copy_with_its_age() {
    let (mut console, _) = begun(30, 30);
    let task = console.app.assets.loading.as_ref().unwrap().task;
    console.tell(Msg::Listed { task, result: Err(Failure::new("no connection", "")) });
    let frame = console.frame();
    assert!(frame.contains("a copy, 3 h old") && frame.contains("no connection"), "{frame}");
    assert!(to_keep(&console.app.assets).is_none(), "what was not read is not kept as if it were");
}

#[test]
fn a_long_list_is_whole_once_it_is_read_and_is_not_asked_for_again_page_by_page() {
    let (mut console, effects) = begun(500, 6_000);
    let [Effect::ReadCopy { query }, Effect::List { .. }, ..] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    console.press("j j");
    let all = Msg::Copied { query: query.clone(), copy: Box::new(copy(6_000, 6_000)) };
    console.tell(all);
    assert_eq!((console.app.assets.view.len(), console.app.assets.cursor), (6_000, 2));
    let effects = console.listed(assets(500), Some("c1"));
    assert_eq!(effects, [], "no second page");
    assert_eq!(console.app.assets.rows.len(), 6_000);
    let mut other = assets(500);
    other[3].version += 1;
    let effects = console.press("R");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::List { .. })), "{effects:?}");
}

#[test]
fn a_long_list_that_has_changed_says_so() {
    let (mut console, _) = begun(500, 6_000);
    let mut now = assets(500);
    now[0].version += 1;
    console.listed(now, Some("c1"));
    assert!(console.frame().contains("the list has changed"), "{}", console.frame());
}

#[test]
fn what_the_server_said_is_kept_and_nothing_else() {
    let mut console = Console::new(100, 24);
    assert!(to_keep(&console.app.assets).is_none());
    console.listed(assets(40), Some("c1"));
    let (query, kept) = to_keep(&console.app.assets).unwrap();
    assert_eq!((kept.count, kept.is_whole, kept.at), (40, false, noon()));
    assert_eq!(query, console.app.assets.query);
}
