//! The picture of an asset, as the screen asks for it and shows it.

use std::sync::Arc;

use super::picture::Found;
use crate::app::effect::{Effect, TaskId};
use crate::app::msg::{Failure, Msg};
use crate::screens::testing::{Console, key, shown};
use crate::ui::pixels::tests::flag;
use crate::ui::pixels::{Pictures, Way};

/// The details of the asset under the cursor, read, in a console that draws pictures.
fn with_details(way: Way) -> Console {
    let mut console = Console::with_assets(80, 24);
    console.app.pictures = Pictures::drawn(way, Way::Cells);
    let effects = console.press("enter");
    let [Effect::Show { task, key }] = &effects[..] else { panic!("{effects:?}") };
    let result = Ok(Arc::new(shown(key.public_id.as_str())));
    assert_eq!(console.tell(Msg::Shown { task: *task, key: key.clone(), result }), []);
    console
}

fn asked(effects: &[Effect]) -> (TaskId, bool) {
    let [Effect::Picture { task, insisted, .. }] = effects else { panic!("{effects:?}") };
    (*task, *insisted)
}

fn answer(console: &mut Console, task: TaskId, found: Found) -> Vec<Effect> {
    console.tell(Msg::Picture { task, result: Ok(Box::new(found)) })
}

fn drawn() -> Found {
    Found::Drawn {
        pixels: Arc::new(flag(7, 64, 32)),
        url: "http://127.0.0.1:4101/demo/image/upload/v1/press/2026/hero.jpg".to_owned(),
        derived: None,
        from: "FRA Frankfurt".to_owned(),
        bytes: 34_000,
    }
}

#[test]
fn it_is_asked_for_once_and_only_while_it_is_looked_at() {
    let mut console = with_details(Way::Cells);
    for key in ["2", "4", "1"] {
        assert_eq!(console.press(key), [], "no part but its own loads it");
    }
    let (task, insisted) = asked(&console.press("5"));
    assert!(!insisted);
    assert!(console.frame().contains("loading it from one cache"), "{}", console.frame());
    assert!(console.app.shows_time(), "the wait grows on screen");
    assert_eq!(console.press("j k"), []);
    assert_eq!(answer(&mut console, TaskId(9_999), drawn()), []);
    assert!(console.frame().contains("loading"), "an answer to another question");
    assert_eq!(answer(&mut console, task, drawn()), []);
    assert!(!console.app.shows_time());
    assert_eq!(console.press("1"), []);
    assert_eq!(console.press("5"), [], "it is there");
    insta::assert_snapshot!("picture_80x24", console.frame());
    insta::assert_snapshot!("picture_40x10", console.frame_at(40, 10));
    console.app.look.ascii = true;
    console.app.set_theme("default");
    assert!(console.frame().is_ascii(), "{}", console.frame());
}

#[test]
fn what_would_stay_in_a_cache_is_loaded_by_a_key_of_its_own() {
    let mut console = with_details(Way::Cells);
    let (task, _) = asked(&console.press("5"));
    let why = "loading it leaves a copy in one cache".to_owned();
    answer(&mut console, task, Found::Not { why, may_insist: true });
    let frame = console.frame();
    assert!(
        frame.contains("leaves a copy") && frame.contains("o loads it all the same"),
        "{frame}"
    );
    let (_, insisted) = asked(&console.press("o"));
    assert!(insisted);
}

#[test]
fn troubles_are_sentences_and_switching_off_loads_nothing() {
    let mut console = with_details(Way::Cells);
    let (task, _) = asked(&console.press("5"));
    let why = "what came is no picture in a format that is known here".to_owned();
    answer(&mut console, task, Found::Not { why, may_insist: false });
    assert!(console.frame().contains("what came is no picture"), "{}", console.frame());
    let (task, _) = asked(&console.press("o"));
    let failure = Failure::new("no place can be found", "check the profile's places");
    console.tell(Msg::Picture { task, result: Err(failure) });
    let frame = console.frame();
    assert!(frame.contains("no place can be found") && frame.contains("check"), "{frame}");
    assert_eq!(console.press("I"), []);
    console.app.env.toast = None;
    let frame = console.frame();
    assert!(frame.contains("I draws it here") && frame.contains("1.2 MB"), "{frame}");
    assert_eq!(console.press("1 5 o"), [], "nothing is loaded");
    asked(&console.press("I"));
    // another version of the asset is another picture
    let mut newer = shown("press/2026/hero");
    newer.detail.asset.version += 1;
    let key = key("press/2026/hero");
    console.app.assets.forget(&key);
    let at = crate::screens::testing::noon();
    console.app.assets.keep(super::state::Read { key, result: Ok(Arc::new(newer)), at });
    asked(&console.tell(Msg::Tick));
}

#[test]
fn what_the_terminal_paints_over_cells_gives_way_to_what_is_open_above() {
    let mut console = with_details(Way::Sixel);
    let (task, _) = asked(&console.press("5"));
    answer(&mut console, task, drawn());
    console.app.env.toast = None;
    assert_eq!(super::picture::canvas(&console.app).way, Way::Sixel);
    assert!(!console.frame().contains('▀'));
    console.press("?");
    assert_eq!(super::picture::canvas(&console.app).way, Way::Cells);
    console.press("esc esc");
    assert_eq!(super::picture::canvas(&console.app).way, Way::Sixel);
}
