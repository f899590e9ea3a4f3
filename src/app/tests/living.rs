use super::*;
use crate::app::effect::JobAct;
use crate::app::keymap::{KeyOverrides, KeyPlaces};
use crate::app::own::Own;
use crate::domain::job::{JobCounts, JobState};
use crate::ports::journal::InvalidationRow;
use crate::screens::assets::rows::RowStore;

#[test]
fn what_is_live_stands_still_while_it_is_paused() {
    let mut console = Console::with_assets(80, 24);
    console.board(vec![watch(3)]);
    console.tell(Msg::Journal { open: Ok(Vec::new()), ended: Vec::new() });
    console.press("p");
    assert!(console.frame().contains(" live "), "{}", console.frame());
    console.press("z");
    console.app.env.toast = None;
    let still = console.frame();
    assert!(still.contains(" paused "), "{still}");
    console.wait(Duration::from_secs(30));
    console.board(vec![watch(6)]);
    console.tell(Msg::Tick);
    assert_eq!(console.frame(), still, "neither ages nor pictures move");
    assert_eq!(console.app.next_tick(), None);
    console.board(vec![ended(Outcome::AllClear, "24 of 24 caches reached")]);
    assert_eq!(toast(&console), "delete press/2026/hero: all clear", "news are told all the same");
    let effects = console.press("z");
    assert!(effects.contains(&Effect::ReadJournal), "{effects:?}");
    let frame = console.frame();
    assert!(frame.contains(" live ") && frame.contains("all clear"), "{frame}");
}

#[test]
fn an_old_list_says_how_old_it_is() {
    let mut console = Console::with_assets(80, 24);
    let clock = console.app.env.now.strftime("read %H:%M:%S").to_string();
    assert!(console.frame().contains(&clock), "{}", console.frame());
    console.wait(Duration::from_secs(16 * 60));
    console.tell(Msg::Tick);
    assert!(console.frame().contains("15 min old"), "{}", console.frame());
}

fn own(name: &str, key: &str, command: &[&str], changes: bool) -> Own {
    Own {
        name: name.into(),
        scope: Scope::Anywhere,
        keys: vec![key.into()],
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        help: "tell the ticket system".into(),
        changes,
        limit: Duration::from_secs(30),
    }
}

#[test]
fn a_command_of_ones_own_gets_what_is_under_the_cursor_as_words() {
    let mut console = Console::with_assets(80, 24);
    let look = own("look-up", "X", &["lookup", "{public_id}.{type}", "{cloud}", "{odd}"], false);
    console.app.adopt(vec![look], &KeyOverrides::new(), &KeyPlaces::new());
    let effects = console.press("j X");
    let [Effect::RunOwn(run)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(run.command, ["lookup", "press/2026/team photo.upload", "demo", "{odd}"]);
    assert_eq!(run.input["assets"][0]["public_id"], "press/2026/team photo");
    assert_eq!(run.input["schema"], "allclear.own/1");
    console.press("space");
    assert!(console.press("k k space X").is_empty(), "one asset alone");
    assert!(toast(&console).contains("2 are marked"), "{}", toast(&console));
    console.press("?");
    console.write("ticket system");
    assert!(console.frame().contains(":look-up"), "{}", console.frame());
    console.press("esc :");
    console.write("look");
    assert!(console.frame().contains("look-up"), "{}", console.frame());
}

#[test]
fn a_command_of_ones_own_that_changes_something_is_guarded_like_an_order() {
    let ticket = || own("ticket", "X", &["ticket", "--", "{public_ids}"], true);
    let mut console = Console::with_assets(80, 24);
    console.app.adopt(vec![ticket()], &KeyOverrides::new(), &KeyPlaces::new());
    assert_eq!(console.press("X X"), [], "it asks, and its own key answers nothing");
    assert!(console.frame().contains("ticket -- press/2026/hero"), "{}", console.frame());
    assert!(matches!(console.press("y").as_slice(), [Effect::RunOwn(run)] if run.changes));
    console.press("* X");
    assert!(toast(&console).contains("30 assets are marked"), "{}", toast(&console));
    let mut shut = Console::with(80, 24, |setup| setup.read_only = true);
    shut.app.adopt(vec![ticket()], &KeyOverrides::new(), &KeyPlaces::new());
    assert_eq!(shut.press("X"), []);
    assert!(shut.app.overlay.is_none() && toast(&shut).contains("read-only"));
    let risk = crate::domain::purge::Risk::Production;
    let mut locked = Console::with(80, 24, |setup| setup.risk = risk);
    locked.app.adopt(vec![ticket()], &KeyOverrides::new(), &KeyPlaces::new());
    assert_eq!(locked.press("X"), []);
    assert!(locked.app.overlay.is_none() && toast(&locked).contains("locked"));
}

#[test]
fn commands_of_ones_own_that_cannot_be_used_are_named_and_left_out() {
    let mut console = Console::with_assets(80, 24);
    let bad = vec![own("rename", "X", &["x"], true), own("fine", "d", &["x"], true)];
    console.app.adopt(bad, &KeyOverrides::new(), &KeyPlaces::new());
    assert!(toast(&console).contains("a command of that name already"), "{}", toast(&console));
    let delete = console.app.keymap.command(Scope::Assets, Key::char('d')).unwrap();
    assert_eq!(delete.id, "order.delete", "no key is taken from what is there");
    assert!(console.app.keymap.by_name("fine").is_some());
    let dash = own("dash", "X", &["x", "{public_id}"], false);
    console.app.adopt(vec![dash], &KeyOverrides::new(), &KeyPlaces::new());
    console.press("R");
    console.listed(vec![image("-rf", 1_795_000_000, 1)], None);
    assert_eq!(console.press("X"), []);
    assert!(toast(&console).contains("would be taken for a flag"), "{}", toast(&console));
}

#[test]
fn the_tree_of_folders_is_the_servers_and_reads_as_it_is_opened() {
    let mut console = Console::with_assets(80, 24);
    assert_eq!(console.press("f"), [Effect::Folders { path: String::new() }]);
    let named = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
    let told = |path: &str, names| Msg::Folders { path: path.into(), result: named(names) };
    console.tell(told("", &["archive", "press"]));
    let frame = console.frame();
    assert!(frame.contains("+ archive/") && frame.contains("on the server"), "{frame}");
    console.write("archive");
    console.press("enter");
    assert_eq!(console.app.assets.prefix(), Some("archive/"));
    // nothing is called so: what is filed there is asked for
    let effects = console.listed(Vec::new(), None);
    assert!(
        matches!(effects.as_slice(), [Effect::List { query: ListQuery::Folder { folder }, .. }] if folder == "archive"),
        "{effects:?}"
    );
    assert_eq!(console.press("f"), [], "the root is known");
    console.app.assets.rows = RowStore::default();
    let effects = console.press("right");
    assert_eq!(effects, [Effect::Folders { path: "archive".into() }]);
    console.tell(told("archive", &["archive/2025"]));
    assert!(console.frame().contains("2025/"), "{}", console.frame());
}

#[test]
fn the_view_of_a_profile_is_there_when_one_comes_back() {
    let mut console = Console::with_assets(80, 24);
    console.press("space s n /");
    console.write("press");
    console.press("enter j p H");
    let view = console.app.view();
    let mut other = Console::new(80, 24);
    other.app.come_back(view.clone());
    other.app.start();
    other.listed(press_assets(), None);
    let (was, is) = (other.app.view(), view);
    assert_eq!(was, is);
    assert_eq!(other.app.screen, Screen::Pending);
    assert!(other.app.assets.marks.is_empty(), "marks are not kept");
}

#[test]
fn a_watch_that_another_process_tracks_is_followed_through_the_journal() {
    let mut console = Console::with_assets(80, 24);
    console.board(vec![watch(3)]);
    console.press("w");
    assert!(console.frame().contains(" live "));
    let tracked = console.app.tracked.clone();
    console.board(Vec::new());
    console.app.tracked = tracked;
    console.wait(Duration::from_secs(3));
    assert!(console.tell(Msg::Tick).contains(&Effect::ReadJournal));
}

#[test]
fn a_plan_can_be_taken_to_the_command_line() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("space space P"));
    let ids = ["press/2026/hero", "press/2026/team photo"];
    let plan = plan(Verb::Purge, &ids, Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    let effects = console.press("f5");
    let [Effect::SavePlan { text }] = effects.as_slice() else { panic!("{effects:?}") };
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("# allclear purge --from {} --resource-type image"), "{text}");
    assert_eq!(lines[2..], ids);
    assert!(console.app.overlay.is_some(), "nothing was decided");
}

#[test]
fn what_is_open_is_told_at_the_start() {
    let mut console = Console::with_assets(80, 24);
    console.app.env.toast = None;
    let order = crate::screens::testing::activity().remove(0);
    let row = |n: u128, by: &str| InvalidationRow {
        id: InvalidationId(uuid::Uuid::from_u128(n)),
        operation: order.operation.clone(),
        label: order.label.clone(),
        by: by.to_owned(),
        from: None,
        tracked_by: None,
        snapshot: None,
        ended: None,
    };
    let rows = vec![row(1, "ann@host"), row(2, "bob@bastion"), row(3, "ann@host")];
    let read = |rows| Msg::Journal { open: Ok(rows), ended: Vec::new() };
    console.tell(read(rows.clone()));
    let told = "3 invalidations not clear yet, 2 of them yours; p shows how far";
    assert_eq!(toast(&console), told);
    console.app.env.toast = None;
    console.tell(read(rows));
    assert_eq!(toast(&console), "", "once");
}

#[test]
fn a_console_left_open_for_a_week_keeps_its_bounds() {
    let mut console = Console::with_assets(80, 24);
    let order = crate::screens::testing::activity();
    for minute in 0..7 * 24 * 12_u128 {
        let mut begun = watch(3);
        begun.id = InvalidationId(uuid::Uuid::from_u128(2 * minute + 1));
        let mut over = ended(Outcome::AllClear, "24 of 24 caches reached");
        over.id = InvalidationId(uuid::Uuid::from_u128(2 * minute));
        console.board(vec![begun, over]);
        console.wait(Duration::from_secs(300));
        console.tell(Msg::Tick);
        let keys = ["p", "j", "A", "J", "a", "j", "enter", "esc"];
        let key = keys[usize::try_from(minute).unwrap() % keys.len()];
        for effect in console.press(key) {
            if let Effect::Show { task, key } = effect {
                let result = Ok(Arc::new(shown(key.public_id.as_str())));
                console.tell(Msg::Shown { task, key, result });
            }
        }
        console.tell(Msg::Activity(Ok((order.clone(), Vec::new()))));
        console.tell(Msg::Journal { open: Ok(Vec::new()), ended: Vec::new() });
        console.tell(Msg::Pulse(Ok(minute.to_string())));
    }
    let app = &console.app;
    assert!(app.tracked.len() <= 2 && app.told.len() <= 2, "{}", app.tracked.len());
    assert!(app.announced.len() <= 500, "{}", app.announced.len());
    assert!(app.debug.asked.len() <= 200 && app.assets.read.len() <= 32);
    assert!(app.history.len() <= 100 && app.jobs.len() <= 50);
    assert_eq!(app.activity.rows.len(), order.len());
}

#[test]
fn an_order_of_ones_own_that_was_cut_short_is_asked_about_at_the_start() {
    let rows = |by: &str| {
        let mut rows = crate::screens::testing::job_rows();
        rows.truncate(1);
        (rows[0].state, rows[0].by, rows[0].resumable) = (JobState::Interrupted, by.into(), true);
        rows[0].counts = JobCounts { intended: 13, ..JobCounts::default() };
        rows
    };
    let job = rows("ann@host")[0].operation.id;
    let mut console = Console::with_assets(80, 24);
    console.tell(Msg::Jobs(Ok(rows("ann@host"))));
    let frame = console.frame();
    assert!(
        frame.contains("cut short: continue?") && frame.contains("13 calls not sent"),
        "{frame}"
    );
    assert_eq!(console.press("y"), [Effect::Job { job, act: JobAct::Resume }]);
    console.tell(Msg::Jobs(Ok(rows("ann@host"))));
    assert!(console.app.overlay.is_none(), "once");
    let mut console = Console::with_assets(80, 24);
    console.tell(Msg::Jobs(Ok(rows("ann@host"))));
    assert_eq!(console.press("esc"), [], "no is the default");
    let mut console = Console::with_assets(80, 24);
    console.tell(Msg::Jobs(Ok(rows("bob@host"))));
    assert!(console.app.overlay.is_none() && toast(&console).contains("1 order cut short"));
    let mut shut = Console::with(80, 24, |setup| setup.read_only = true);
    shut.tell(Msg::Jobs(Ok(rows("ann@host"))));
    assert!(shut.app.overlay.is_none(), "nothing is sent on a read-only profile");
    let mut typing = Console::with_assets(80, 24);
    typing.press("/");
    typing.tell(Msg::Jobs(Ok(rows("ann@host"))));
    assert!(typing.app.overlay.is_none(), "nobody is asked while they type");
}
