//! Landing on a pasted URL, and the list of assets.

use super::*;
use crate::ports::cloud::Quota;

#[test]
fn a_pasted_url_lands_on_its_asset_with_details_open() {
    let mut console = Console::with_assets(80, 24);
    console.press("p");
    let url = "http://127.0.0.1:4101/demo/image/upload/v1/logo.jpg";
    let effects = console.paste(&format!("  {url}\n"));
    assert_eq!(effects, [Effect::Resolve { typed: url.into() }]);
    let effects = console.tell(Msg::Resolved { typed: url.into(), result: Ok(key("logo")) });
    assert!(
        matches!(effects.as_slice(), [Effect::Show { key: shown, .. }] if *shown == key("logo"))
    );
    assert_eq!((console.app.screen, current(&console).as_str()), (Screen::Assets, "logo"));
    assert_eq!(console.app.scope(), Scope::Details);
}

#[test]
fn a_url_typed_by_a_terminal_without_paste_marks_lands_too() {
    let mut console = Console::with_assets(80, 24);
    let url = "https://res.cloudinary.com/demo/image/upload/logo.jpg";
    assert_eq!(console.burst(keys(url)), [Effect::Resolve { typed: url.into() }]);
}

#[test]
fn an_asset_that_is_not_loaded_is_asked_for() {
    let mut console = Console::with_assets(80, 24);
    let wanted = key("deep/in/the/cloud");
    let effects = console.tell(Msg::Resolved { typed: "u".into(), result: Ok(wanted.clone()) });
    let query = match effects.first() {
        Some(Effect::List { query, .. }) => query.clone(),
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(query, ListQuery::Resources { prefix: Some(prefix), .. } if prefix == "deep/in/the/cloud")
    );
    let found = vec![image("deep/in/the/cloud-2", 1, 1), image("deep/in/the/cloud", 1, 1)];
    console.listed(found, None);
    assert_eq!(current(&console), "deep/in/the/cloud");
    assert_eq!(console.app.assets.details.as_ref().unwrap().key, wanted);
}

#[test]
fn a_url_of_another_cloud_is_said_with_the_next_step() {
    let mut console = Console::with_assets(80, 24);
    let typed = "https://res.cloudinary.com/acme/image/upload/logo.jpg";
    let failure = Failure::new("this URL belongs to the cloud acme", "start with `--profile acme`");
    console.tell(Msg::Resolved { typed: typed.into(), result: Err(failure) });
    let frame = console.frame();
    assert!(frame.contains("belongs to the cloud acme"), "{frame}");
    assert!(frame.contains("--profile acme"), "{frame}");
}

#[test]
fn marks_belong_to_assets_and_survive_filter_and_refresh() {
    let mut console = Console::with_assets(80, 24);
    console.press("space space j space");
    assert_eq!(console.app.assets.marks.len(), 3);
    console.press("/");
    console.write("catalog");
    console.press("enter");
    assert_eq!(console.app.assets.marks_out_of_view(), 3);
    assert!(console.frame().contains("3 marked, 3 not in view"), "{}", console.frame());
    console.press("esc R");
    let mut assets = press_assets();
    assets.rotate_left(1);
    assets.insert(0, image("brand/new", 1_795_000_000, 1));
    console.listed(assets, None);
    assert_eq!(console.app.assets.marks.len(), 3);
    assert_eq!(console.app.assets.marks_out_of_view(), 0);
}

#[test]
fn the_row_under_the_cursor_does_not_jump() {
    let mut console = Console::with_assets(80, 24);
    console.press("pagedown j j j");
    let (name, line) = (current(&console), console.app.assets.cursor - console.app.assets.offset);
    console.press("R");
    let mut assets = press_assets();
    assets.insert(0, image("brand/new", 1_795_000_000, 1));
    console.listed(assets, None);
    assert_eq!(current(&console), name);
    assert_eq!(console.app.assets.cursor - console.app.assets.offset, line);
}

#[test]
fn the_next_page_comes_by_itself_and_never_behind_a_filter() {
    let mut console = Console::new(80, 24);
    let effects = console.listed(press_assets(), Some("c1"));
    assert!(
        matches!(effects.as_slice(), [Effect::List { cursor: Some(cursor), .. }] if cursor == "c1")
    );
    console.listed(vec![image("zzz", 1, 1)], Some("c2"));
    let task = console.app.assets.loading.as_ref().unwrap().task;
    console.tell(Msg::Listed { task, result: Err(Failure::new("no", "")) });
    console.press("/");
    assert_eq!(console.write("zzz"), []);
    assert!(console.frame().contains("1 of 31 loaded, more on the server"), "{}", console.frame());
}

#[test]
fn every_page_is_read_until_the_list_ends_or_the_quota_is_low() {
    let page = |n: u64| (0..200).map(|at| image(&format!("all/{n}-{at:03}"), at, 1)).collect();
    let asks = |effects: &[Effect], wanted: &str| {
        let is_it = |effect: &Effect| matches!(effect, Effect::List { cursor: Some(cursor), .. } if cursor == wanted);
        effects.iter().any(is_it)
    };
    let mut console = Console::new(80, 24);
    assert!(!asks(&console.listed(page(0), Some("c1")), "c1"), "the end is far");
    assert!(asks(&console.press("N"), "c1"));
    assert!(asks(&console.listed(page(1), Some("c2")), "c2"));
    assert!(console.frame().contains("reading every page"), "{}", console.frame());
    assert_eq!(console.app.assets.view.len(), 400, "rows are there as they come");
    let quota = |remaining| Quota { limit: 500, remaining, reset_at: None };
    console.tell(Msg::Quota(Some(quota(50))));
    assert!(!asks(&console.listed(page(2), Some("c3")), "c3"));
    assert!(console.app.assets.loading.is_none());
    assert!(console.frame().contains("50 calls of the quota are left"), "{}", console.frame());
    console.tell(Msg::Quota(Some(quota(500))));
    assert!(asks(&console.press("N"), "c3"));
    console.press("esc");
    assert!(console.app.assets.loading.is_none(), "stopped");
    assert!(asks(&console.press("N"), "c3"));
    assert!(!asks(&console.listed(page(3), None), "c4"));
    assert_eq!(console.app.assets.view.len(), 800);
    console.press("N");
    assert!(console.frame().contains("everything is loaded"), "{}", console.frame());
}

#[rstest]
#[case("shop", Some("shop"), None)]
#[case("deep/fold", Some("deep/fold"), None)]
#[case("sofa", None, Some("sofa* AND resource_type:image"))]
#[case("tags:press", None, Some("tags:press"))]
fn enter_in_the_filter_asks_the_server_where_it_has_more(
    #[case] typed: &str,
    #[case] under: Option<&str>,
    #[case] searched: Option<&str>,
) {
    let mut console = Console::new(80, 24);
    console.listed(press_assets(), Some("c1"));
    console.press("/");
    console.write(typed);
    let effects = console.press("enter");
    let query = effects.iter().find_map(|effect| match effect {
        Effect::List { query, cursor: None, .. } => Some(query.clone()),
        _ => None,
    });
    let (found, expression) = match query {
        Some(ListQuery::Resources { prefix, .. }) => (prefix, None),
        Some(ListQuery::Search { expression }) => (None, Some(expression)),
        other => panic!("{other:?}"),
    };
    assert_eq!((found.as_deref(), expression.as_deref()), (under, searched));
}

#[test]
fn an_answer_to_an_elder_question_is_dropped() {
    let mut console = Console::with_assets(80, 24);
    console.press("t");
    let elder = console.app.assets.loading.as_ref().unwrap().task;
    console.press("t");
    let page = crate::ports::cloud::Page { assets: vec![], next_cursor: None, total: None };
    console.tell(Msg::Listed { task: elder, result: Ok(page) });
    assert!(console.app.assets.loading.is_some());
    assert_eq!(console.app.assets.rows.len(), 30);
}

#[test]
fn a_range_marks_everything_between() {
    let mut console = Console::with_assets(80, 24);
    console.press("j v j j j space");
    assert_eq!(console.app.assets.marks.len(), 4);
    console.press("i");
    assert_eq!(console.app.assets.marks.len(), 26);
    console.press("c");
    assert_eq!(console.app.assets.marks.len(), 0);
}
