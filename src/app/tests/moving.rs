//! Between screens, command line, help; undo, history and what others do.

use super::*;

#[test]
fn quitting_asks_only_while_calls_are_under_way() {
    let mut console = Console::with_assets(80, 24);
    assert_eq!(console.press("q"), [Effect::Quit]);
    let (mut console, _) = running(Verb::Purge, "P", &["a", "b"]);
    console.press("esc");
    assert_eq!(console.press("q"), []);
    assert_eq!(console.press("y"), [Effect::Quit]);
}

#[test]
fn ctrl_c_leaves_what_is_open_and_twice_quits() {
    let mut console = Console::with_assets(80, 24);
    console.press("r");
    assert_eq!(console.press("ctrl-c"), []);
    assert!(console.app.overlay.is_none());
    assert_eq!(console.press("ctrl-c"), [Effect::Quit]);
    let mut console = Console::with_assets(80, 24);
    console.press("ctrl-c");
    console.wait(Duration::from_secs(5));
    assert_eq!(console.press("ctrl-c"), []);
}

#[test]
fn the_command_line_completes_runs_and_says_what_is_wrong() {
    let mut console = Console::with_assets(80, 24);
    console.press(":");
    console.write("th");
    console.press("tab");
    console.write("li");
    console.press("tab enter");
    assert_eq!(console.app.theme.name, "light");
    assert_eq!(console.app.history, ["theme light"]);
    console.press(":");
    console.write("fly");
    console.press("enter");
    assert!(console.frame().contains("no command `fly`"), "{}", console.frame());
    assert_eq!(console.app.scope(), Scope::CommandLine);
}

#[test]
fn the_theme_follows_the_ground_until_another_one_is_chosen() {
    let mut console = Console::with_assets(80, 24);
    console.app.look.depth = Depth::True;
    let light =
        |console: &mut Console| console.tell(Msg::Input(vec![Input::Ground(Ground::Light)]));
    assert_eq!(light(&mut console), []);
    assert_eq!(console.app.theme.name, "default", "it was asked for by its name");
    console.app.set_theme("auto");
    assert_eq!(console.app.theme.name, "default-light");
    assert_eq!(console.app.theme_name(), "auto");
    console.tell(Msg::ThemeFiles(Vec::new()));
    assert!(console.app.follows_ground(), "saved theme files choose no other one");
    console.tell(Msg::Input(vec![Input::Ground(Ground::Dark)]));
    assert_eq!(console.app.theme.name, "auto");
    console.app.set_theme("dark");
    light(&mut console);
    assert_eq!(console.app.theme.name, "dark");
}

#[test]
fn assets_are_completed_by_name() {
    let mut console = Console::with_assets(80, 24);
    console.press(":");
    console.write("rm press/2026/t");
    console.press("tab");
    let effects = console.press("enter");
    let [Effect::Remember(_), Effect::Plan { request, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let Request::Delete(Targets::These(these)) = request else { panic!("{request:?}") };
    assert_eq!(these[0].label(), "press/2026/team photo");
}

#[test]
fn help_runs_what_is_found() {
    let mut console = Console::with_assets(80, 24);
    console.press("?");
    console.write("pending screen");
    console.press("enter");
    assert_eq!(console.app.screen, Screen::Pending);
}

#[test]
fn the_newest_watch_is_one_key_away_and_back_is_another() {
    let mut console = Console::with_assets(80, 24);
    console.press("w");
    assert!(toast(&console).contains("nothing was invalidated"));
    let mut newer = watch(0);
    newer.id = InvalidationId(uuid::Uuid::from_u128(9));
    newer.started_at += Duration::from_secs(60);
    console.board(vec![watch(0), newer.clone()]);
    console.press("w");
    assert_eq!(console.app.watch.id, Some(newer.id));
    console.press("esc");
    assert_eq!(console.app.screen, Screen::Assets);
    console.press("p j enter");
    assert_eq!(console.app.watch.id, Some(newer.id));
}

#[test]
fn what_is_journaled_is_asked_first() {
    let mut console = Console::with_assets(80, 24);
    console.board(vec![watch(3)]);
    console.press("w");
    assert_eq!(console.press("x"), []);
    assert_eq!(console.press("y"), [Effect::Abandon(watch(3).id)]);
    assert_eq!(console.press("j e"), []);
    assert!(console.frame().contains("Leave IAD out?"), "{}", console.frame());
    let effects = console.press("y");
    assert!(matches!(effects.as_slice(), [Effect::Exclude { place, .. }] if place.0 == "IAD"));
    console.press("P");
    assert!(toast(&console).contains("not offered"), "{}", toast(&console));
}

#[test]
fn an_end_is_announced_once_on_other_screens() {
    let mut console = Console::with_assets(80, 24);
    console.board(vec![watch(3)]);
    console.board(vec![ended(Outcome::AllClear, "24 of 24 caches reached")]);
    assert_eq!(toast(&console), "delete press/2026/hero: all clear");
    console.app.env.toast = None;
    console.board(vec![ended(Outcome::AllClear, "24 of 24 caches reached")]);
    assert_eq!(toast(&console), "");
}

#[test]
fn y_copies_what_the_cursor_is_on() {
    let mut console = Console::with_assets(80, 24);
    assert_eq!(console.press("y"), [Effect::Copy("press/2026/hero".into())]);
    let effects = console.press("enter");
    let [Effect::Show { task, key }] = effects.as_slice() else { panic!("{effects:?}") };
    let result = Ok(Arc::new(shown("press/2026/hero")));
    console.tell(Msg::Shown { task: *task, key: key.clone(), result });
    let effects = console.press("j y");
    assert!(
        matches!(effects.as_slice(), [Effect::Copy(url)] if url.ends_with("c_scale,w_300/press/2026/hero.jpg"))
    );
}

#[test]
fn nothing_ticks_while_nothing_shows_time() {
    // the list gets old, in steps of minutes
    let sleeps = |console: &Console| {
        let minutes = console.app.next_tick().unwrap().as_secs() / 60;
        assert!(minutes >= 4, "{:?}", console.app.next_tick());
    };
    let mut console = Console::with_assets(80, 24);
    sleeps(&console);
    console.press("ctrl-c");
    assert!(console.app.next_tick() < Some(Duration::from_secs(10)), "the news leave");
    console.wait(Duration::from_secs(7));
    console.tell(Msg::Tick);
    sleeps(&console);
    console.board(vec![watch(3)]);
    sleeps(&console);
    console.press("w");
    assert_eq!(console.app.next_tick(), Some(Duration::from_secs(1)));
}

#[test]
fn beyond_loopback_details_cost_a_call_and_wait_for_enter() {
    let mut console = Console::with(140, 40, |setup| setup.loopback = false);
    console.listed(press_assets(), None);
    assert!(matches!(console.press("enter").as_slice(), [Effect::Show { .. }]));
    console.press("left");
    let effects = console.press("j");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Show { .. })), "{effects:?}");
    assert!(console.frame().contains("enter reads"), "{}", console.frame());
    let asset: Vec<&AssetKey> = console.app.assets.details.iter().map(|open| &open.key).collect();
    assert_eq!(asset, [&key("press/2026/team photo")]);
}

#[test]
fn undo_leads_through_the_plan_of_the_order_that_takes_it_back() {
    let mut console = Console::with_assets(80, 24);
    console.press("A");
    console.tell(Msg::Activity(Ok((crate::screens::testing::activity(), Vec::new()))));
    let operation = console.app.activity.current().unwrap().operation.id;
    assert_eq!(console.press("u"), [Effect::Undo(operation)]);
    let order = crate::domain::purge::Order::Restore { keys: vec![key("press/2026/hero")] };
    let undo = crate::ops::engine::Undo { order, remark: None };
    let effects = console.tell(Msg::Undo(Ok(Box::new(undo))));
    let task = plan_task(&effects);
    let plan = plan(Verb::Restore, &["press/2026/hero"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    assert_eq!(console.press("u"), [], "the opening key never confirms");
    assert!(matches!(console.press("y").as_slice(), [Effect::Execute { .. }]));
}

#[test]
fn what_cannot_be_undone_is_said() {
    let mut console = Console::with_assets(80, 24);
    console.press("A");
    console.tell(Msg::Activity(Ok((crate::screens::testing::activity(), Vec::new()))));
    console.press("G u");
    let why = "it changed nothing in storage: nothing is to be undone";
    console.tell(Msg::Undo(Err(Failure::new(why, ""))));
    assert_eq!(toast(&console), why);
    assert!(console.app.overlay.is_none());
    console.press("a :");
    console.write("undo");
    console.press("enter");
    assert_eq!(console.app.screen, Screen::Activity, "the order is chosen first");
}

#[test]
fn typed_lines_are_remembered_but_no_unlocking() {
    let mut console = Console::with(80, 24, |setup| {
        setup.risk = crate::domain::purge::Risk::Production;
        setup.cloud_name = "acme".into();
    });
    console.press(":");
    console.write("theme light");
    assert_eq!(console.press("enter"), [Effect::Remember("theme light".into())]);
    console.press(":");
    console.write("unlock acme");
    assert_eq!(console.press("enter"), [Effect::Unlock("acme".into())]);
    assert_eq!(console.app.history, ["theme light"]);
    console.press(": up");
    assert!(console.frame().contains(":theme light"), "{}", console.frame());
}

#[test]
fn the_trail_is_read_again_only_while_something_in_it_is_open() {
    let mut console = Console::with_assets(80, 24);
    console.press("A");
    let mut rows = crate::screens::testing::activity();
    console.tell(Msg::Activity(Ok((rows.clone(), Vec::new()))));
    console.wait(Duration::from_secs(2));
    assert!(console.app.next_tick().is_some(), "the first one is pending");
    assert!(console.tell(Msg::Tick).contains(&Effect::ReadActivity));
    let over = rows[1].ended.clone();
    for row in &mut rows {
        row.ended.clone_from(&over);
    }
    console.tell(Msg::Activity(Ok((rows, Vec::new()))));
    console.wait(Duration::from_secs(60));
    console.tell(Msg::Tick); // news leave
    console.wait(Duration::from_secs(5));
    assert_eq!(console.tell(Msg::Tick), [Effect::CheckJournal], "whether anything happened");
    let pulse = |text: &str| Msg::Pulse(Ok(text.to_owned()));
    assert!(console.tell(pulse("one")).contains(&Effect::ReadActivity), "nothing is known yet");
    console.wait(Duration::from_secs(5));
    console.tell(Msg::Tick);
    assert_eq!(console.tell(pulse("one")), [], "nothing has happened");
    assert!(console.tell(pulse("two")).contains(&Effect::ReadActivity), "others have ordered");
    let told = Board { listens: true, changes: 1, ..Board::clone(&console.app.board) };
    let news = Msg::Board(Arc::new(told));
    console.wait(Duration::from_secs(60));
    assert!(console.tell(news.clone()).contains(&Effect::ReadActivity), "others have written");
    console.wait(Duration::from_secs(60));
    assert_eq!(console.tell(news), [], "nothing new");
    assert_eq!(console.tell(Msg::Tick), [], "every write shows by itself");
    console.tell(Msg::Board(Arc::default()));
    console.tell(Msg::Input(vec![Input::Focus(false)]));
    console.wait(Duration::from_secs(60));
    assert_eq!(console.tell(Msg::Tick), [], "nobody looks");
    let back = console.tell(Msg::Input(vec![Input::Focus(true)]));
    assert!(back.contains(&Effect::ReadActivity), "whoever comes back sees what others did");
}

#[test]
fn the_story_of_an_invalidation_is_one_key_away() {
    let mut console = Console::with_assets(80, 24);
    console.press("w");
    assert_eq!(console.press("r"), [], "there is nothing to tell yet");
    let shown = watch(6);
    let id = shown.id;
    console.board(vec![shown]);
    assert_eq!(console.press("r"), [Effect::Report(id)]);
    console.press("p");
    assert_eq!(console.press("r"), [Effect::Report(id)]);
}

#[test]
fn the_mouse_is_taken_by_choice_and_headings_sort() {
    let mut console = Console::with_assets(80, 24);
    console.press(":");
    console.write("mouse");
    assert!(console.press("enter").contains(&Effect::Mouse(true)));
    let frame = console.frame();
    let (y, line) = frame.lines().enumerate().find(|(_, line)| line.contains("SIZE")).unwrap();
    let x = line.find("SIZE").unwrap();
    let click = Input::Click(u16::try_from(x).unwrap(), u16::try_from(y).unwrap());
    console.tell(Msg::Input(vec![click]));
    assert_eq!(console.app.assets.sort.0, crate::app::action::SortBy::Size);
    console.press(":");
    console.write("mouse");
    assert!(console.press("enter").contains(&Effect::Mouse(false)));
}

#[test]
fn the_versioned_url_can_be_copied_from_the_watch_of_a_plain_one() {
    let mut console = Console::with_assets(80, 24);
    let mut shown = watch(6);
    let plain = "https://res.cloudinary.com/demo/image/upload/press/2026/hero.jpg";
    let newest = "https://res.cloudinary.com/demo/image/upload/v1795000200/press/2026/hero.jpg";
    shown.urls[0].url = plain.to_owned();
    let mut more = |url: &str| {
        let mut row = shown.urls[0].clone();
        row.url = url.to_owned();
        shown.urls.push(row);
    };
    more("https://res.cloudinary.com/demo/image/upload/v1/press/2026/hero.jpg");
    more("https://res.cloudinary.com/demo/image/upload/v1795000100/press/2026/hero.jpg");
    more(newest);
    shown.cells = Vec::new();
    console.board(vec![shown]);
    let effects = console.press("w Y v");
    assert_eq!(effects, [Effect::Copy(newest.to_owned())]);
}
