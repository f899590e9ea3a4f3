//! Keys in, effects out: the flows and the guards of the console.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;

use super::action::Screen;
use super::commands::Scope;
use super::effect::{Effect, JobId};
use super::key::Key;
use super::msg::{Failure, FailureKind, Input, Msg};
use super::order::{Request, Target, Targets};
use super::state::{JobEnd, Overlay};
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::{ItemState, Outcome, Verb};
use crate::domain::purge::Confirmation;
use crate::ops::engine::{Executed, ExecutedItem, Execution};
use crate::ops::tracker::Board;
use crate::ports::cloud::ListQuery;
use crate::screens::assets::rows::tests::image;
use crate::screens::testing::{Console, ended, key, plan, plan_task, press_assets, shown, watch};
use crate::ui::theme::{Depth, Ground};

/// How fresh a screen is, the server's folders, views that are kept, commands of one's own.
mod living;

fn keys(text: &str) -> Vec<Input> {
    text.chars().map(|c| Input::Key(Key::char(c))).collect()
}

fn current(console: &Console) -> String {
    console.app.assets.current().map(|asset| asset.key.to_string()).unwrap_or_default()
}

fn toast(console: &Console) -> String {
    console.app.env.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default()
}

/// The console with a confirmed order under way.
fn running(verb: Verb, opener: &str, ids: &[&str]) -> (Console, JobId) {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press(opener));
    let plan = plan(verb, ids, Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    let effects = console.press("y");
    let [Effect::Execute { job, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    (console, *job)
}

fn item(id: &str, state: ItemState, done: usize, failed: usize) -> Execution {
    let message = (state == ItemState::Failed).then(|| "the cloud said no".to_owned());
    Execution::Item { item: ItemId::new(), key: key(id), state, message, done, failed }
}

fn executed(ids: &[(&str, ItemState)], invalidation: Option<InvalidationId>) -> Executed {
    Executed {
        operation: OperationId::new(),
        invalidation,
        stopped: None,
        items: ids
            .iter()
            .map(|(id, state)| ExecutedItem {
                key: key(id),
                to: None,
                state: *state,
                message: None,
            })
            .collect(),
    }
}

// ---------------------------------------------------------------- guards

#[test]
fn keys_typed_before_a_plan_was_seen_do_not_confirm_it() {
    let mut console = Console::with_assets(80, 24);
    let effects = console.burst(keys("dyyy"));
    assert!(matches!(effects.as_slice(), [Effect::Plan { .. }]), "{effects:?}");
    assert_eq!(console.app.scope(), Scope::Waiting);
    let task = plan_task(&effects);
    let plan = plan(Verb::Delete, &["press/2026/hero"], Confirmation::Yes);
    // the plan comes and `y` is in the queue already: no frame between them
    super::update::update(&mut console.app, Msg::Planned { task, result: Ok(Box::new(plan)) });
    assert_eq!(console.burst(keys("y")), []);
    assert_eq!(console.app.scope(), Scope::Plan);
    assert!(matches!(console.press("y").as_slice(), [Effect::Execute { .. }]));
}

#[test]
fn the_key_that_opened_a_dialog_never_confirms_it() {
    let mut console = Console::with_assets(80, 24);
    let overrides = BTreeMap::from([
        ("order.delete".to_owned(), vec!["f9".to_owned()]),
        ("plan.confirm".to_owned(), vec!["f9".to_owned(), "y".to_owned()]),
    ]);
    console.app.keymap = super::keymap::Keymap::build(super::commands::COMMANDS, &overrides).0;
    let task = plan_task(&console.press("f9"));
    let plan = plan(Verb::Delete, &["a"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    assert_eq!(console.press("f9 f9"), []);
    assert!(matches!(console.press("y").as_slice(), [Effect::Execute { .. }]));
}

#[test]
fn a_production_profile_takes_orders_only_while_it_is_unlocked() {
    let mut console = Console::with(80, 24, |setup| {
        setup.risk = crate::domain::purge::Risk::Production;
        setup.cloud_name = "acme".into();
    });
    assert!(console.app.start().contains(&Effect::Lock), "the engine is told as well");
    console.listed(crate::screens::testing::press_assets(), None);
    let header = |console: &Console| console.frame().lines().next().unwrap().to_owned();
    assert!(header(&console).contains("locked   PRODUCTION"), "{}", header(&console));
    let order = |console: &mut Console| {
        let task = plan_task(&console.press("d"));
        let needed = Confirmation::CloudName("acme".into());
        let plan = plan(Verb::Delete, &["press/2026/hero"], needed);
        console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
        console.write("acme");
        console.press("enter")
    };
    assert_eq!(order(&mut console), [], "locked");
    assert!(toast(&console).contains("is locked"), "{}", toast(&console));
    console.press("esc L");
    console.write("acmee");
    assert_eq!(console.press("enter"), []);
    assert!(toast(&console).contains("not the name of the cloud"), "{}", toast(&console));
    console.press("L");
    console.write("acme");
    assert_eq!(console.press("enter"), [Effect::Unlock("acme".into())]);
    assert!(header(&console).contains("unlocked 15 min"), "{}", header(&console));
    assert!(matches!(order(&mut console).as_slice(), [Effect::Execute { .. }]));
    console.press("esc");
    console.wait(Duration::from_secs(15 * 60));
    assert!(header(&console).contains("locked   PRODUCTION"), "{}", header(&console));
    assert_eq!(order(&mut console), [], "a quarter of an hour is over");
    console.press("esc L");
    console.write("acme");
    console.press("enter");
    assert_eq!(console.press("L"), [Effect::Lock], "the key locks it again");
    assert!(console.app.env.is_locked());
}

#[rstest]
#[case("rm -rf /press dy")]
#[case("PdyyPdyyrux")]
fn a_burst_never_acts_as_commands(#[case] text: &str) {
    let mut console = Console::with_assets(80, 24);
    assert_eq!(console.burst(keys(text)), []);
    assert_eq!(console.app.scope(), Scope::Assets);
    assert!(toast(&console).contains("no delivery URL"), "{}", toast(&console));
}

#[test]
fn a_burst_in_pieces_is_swallowed_until_there_is_quiet() {
    let mut console = Console::with_assets(80, 24);
    for c in "hlhlgGgGhlgGtcidyPy".chars() {
        console.wait(Duration::from_millis(3));
        console.tell(Msg::Input(keys(&c.to_string())));
    }
    assert!(console.app.overlay.is_none());
    console.wait(Duration::from_millis(300));
    assert!(matches!(console.press("d").as_slice(), [Effect::Plan { .. }]));
}

#[test]
fn a_key_held_down_is_no_burst() {
    let mut console = Console::with_assets(80, 24);
    console.burst(keys("jjjjjjjjjjjj"));
    assert_eq!(console.app.assets.cursor, 12);
}

#[test]
fn a_text_field_takes_every_letter_and_quick_ones_too() {
    let mut console = Console::with_assets(80, 24);
    console.burst(keys("/rdPuxq:?"));
    assert_eq!(console.app.assets.filter.text(), "rdPuxq:?");
    assert_eq!(console.app.scope(), Scope::Filter);
}

#[test]
fn enter_at_the_end_of_a_pasted_line_runs_nothing() {
    let mut console = Console::with_assets(80, 24);
    let mut inputs = keys(":rm press/2026/hero");
    inputs.push(Input::Key("enter".parse().unwrap()));
    assert_eq!(console.burst(inputs), []);
    assert_eq!(console.app.scope(), Scope::CommandLine);
    assert!(matches!(
        console.press("enter").as_slice(),
        [Effect::Remember(_), Effect::Plan { .. }]
    ));
}

#[test]
fn a_paste_goes_into_the_field_cleaned_and_runs_nothing() {
    let mut console = Console::with_assets(80, 24);
    console.press("r ctrl-u");
    console.paste("press/\u{1b}[31mnew\u{202e}\nname\n");
    let Some(Overlay::Order(dialog)) = &mut console.app.overlay else { panic!() };
    assert_eq!(dialog.field().unwrap().value(), "press/[31mnew name");
    assert_eq!(console.app.scope(), Scope::Form);
}

#[test]
fn a_paste_onto_a_plan_does_nothing() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("d"));
    let plan = plan(Verb::Delete, &["a"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    assert_eq!(console.paste("y\n"), []);
    assert_eq!(console.app.scope(), Scope::Plan);
}

#[test]
fn enter_does_not_confirm_and_esc_leaves() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("d"));
    let plan = plan(Verb::Delete, &["a"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    assert_eq!(console.press("enter"), []);
    assert_eq!(console.press("esc"), []);
    assert!(console.app.overlay.is_none());
}

#[test]
fn only_the_exact_word_confirms_a_bulk_order() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("P"));
    let plan = plan(Verb::Purge, &["a"], Confirmation::CloudName("demo".into()));
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    assert_eq!(console.press("y enter"), []);
    console.press("backspace");
    console.write("demo");
    let effects = console.press("enter");
    assert!(
        matches!(effects.as_slice(), [Effect::Execute { typed: Some(word), .. }] if word == "demo")
    );
}

// ---------------------------------------------------------------- landing

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

// ---------------------------------------------------------------- the list

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

// ---------------------------------------------------------------- orders

#[test]
fn marked_assets_are_what_an_order_is_about() {
    let mut console = Console::with_assets(80, 24);
    let effects = console.press("space space d");
    let Some(Effect::Plan { request: Request::Delete(Targets::These(these)), terms, .. }) =
        effects.first()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(these.len(), 2);
    assert_eq!(terms.command_line, "allclear rm press/2026/hero 'press/2026/team photo'");
}

#[test]
fn a_delete_runs_leaves_the_list_and_ends_at_its_watch() {
    let (mut console, job) = running(Verb::Delete, "d", &["press/2026/hero"]);
    let id = watch(0).id;
    let recorded =
        Execution::Recorded { operation: OperationId::new(), invalidation: Some(id), total: 1 };
    console.tell(Msg::Execution { job, event: recorded });
    let event = item("press/2026/hero", ItemState::Accepted, 1, 0);
    console.tell(Msg::Execution { job, event });
    assert_eq!(console.app.assets.rows.len(), 29);
    assert_eq!(current(&console), "press/2026/team photo");
    console.board(vec![watch(3)]);
    let done = executed(&[("press/2026/hero", ItemState::Accepted)], Some(id));
    console.tell(Msg::Executed { job, result: Ok(done) });
    assert_eq!((console.app.screen, console.app.watch.id), (Screen::Watch, Some(id)));
    assert!(console.frame().contains("Delete press/2026/hero"));
}

#[test]
fn a_rename_shows_the_new_name_at_once() {
    let mut console = Console::with_assets(80, 24);
    console.press("r ctrl-u");
    console.write("press/hero-new");
    let effects = console.press("enter");
    let Some(Effect::Plan { request: Request::Rename { from, to, .. }, .. }) = effects.first()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (from, to.as_deref()),
        (&Target::Key(key("press/2026/hero")), Some("press/hero-new"))
    );
    let task = plan_task(&effects);
    let plan = plan(Verb::Rename, &["press/2026/hero"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    let [Effect::Execute { job, .. }] = console.press("y")[..] else { panic!() };
    let event = item("press/2026/hero", ItemState::Accepted, 1, 0);
    console.tell(Msg::Execution { job, event });
    assert_eq!(current(&console), "press/2026/hero-new");
    assert_eq!(console.app.assets.rows.len(), 30);
}

#[test]
fn a_taken_name_leads_back_to_the_field_and_offers_to_overwrite() {
    let mut console = Console::with_assets(80, 24);
    console.press("r ctrl-u");
    console.write("logo");
    let task = plan_task(&console.press("enter"));
    let failure = Failure {
        kind: FailureKind::TargetExists,
        ..Failure::new("logo already exists in demo", "")
    };
    console.tell(Msg::Planned { task, result: Err(failure) });
    assert_eq!(console.app.scope(), Scope::Form);
    assert!(console.frame().contains("overwrite it, or type another"), "{}", console.frame());
    let effects = console.press("ctrl-o enter");
    assert!(matches!(
        effects.as_slice(),
        [Effect::Plan { request: Request::Rename { overwrite: true, .. }, .. }]
    ));
}

#[test]
fn a_bad_name_is_never_sent() {
    let mut console = Console::with_assets(80, 24);
    console.press("r");
    console.write("?");
    assert_eq!(console.press("enter"), []);
    assert_eq!(console.app.scope(), Scope::Form);
}

#[test]
fn a_read_only_profile_says_so_in_the_dialog() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("d"));
    let failure = Failure::new("profile demo is read-only: delete was not sent", "");
    console.tell(Msg::Planned { task, result: Err(failure) });
    assert!(console.frame().contains("read-only"), "{}", console.frame());
    assert_eq!(console.press("y"), []);
    console.press("esc");
    assert!(console.app.overlay.is_none());
}

#[test]
fn a_call_that_was_carried_out_with_a_remark_says_it() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("space P"));
    let plan = plan(Verb::Purge, &["press/2026/hero"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    let [Effect::Execute { job, .. }] = console.press("y")[..] else { panic!() };
    let mut event = item("press/2026/hero", ItemState::Accepted, 1, 0);
    let Execution::Item { message, .. } = &mut event else { panic!() };
    *message = Some("filed elsewhere".to_owned());
    console.tell(Msg::Execution { job, event });
    let toast = console.app.env.toast.as_ref().map(|toast| (&*toast.text, &*toast.hint));
    assert_eq!(toast, Some(("press/2026/hero", "filed elsewhere")));
}

#[test]
fn a_mark_is_done_with_once_its_order_was_accepted() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("space space P"));
    let ids = ["press/2026/hero", "press/2026/team photo"];
    let plan = plan(Verb::Purge, &ids, Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    let [Effect::Execute { job, .. }] = console.press("y")[..] else { panic!() };
    console.tell(Msg::Execution { job, event: item(ids[0], ItemState::Accepted, 1, 0) });
    console.tell(Msg::Execution { job, event: item(ids[1], ItemState::Failed, 2, 1) });
    assert_eq!(console.app.assets.marks, [key(ids[1])].into());
}

#[test]
fn failures_of_single_calls_stay_on_screen_with_their_reason() {
    let (mut console, job) = running(Verb::Purge, "P", &["a", "b"]);
    console.tell(Msg::Execution { job, event: item("a", ItemState::Accepted, 1, 0) });
    console.wait(Duration::from_secs(1));
    console.tell(Msg::Execution { job, event: item("b", ItemState::Failed, 2, 1) });
    assert!(console.frame().contains("a second"), "{}", console.frame());
    let done = executed(&[("a", ItemState::Accepted), ("b", ItemState::Failed)], Some(watch(0).id));
    console.tell(Msg::Executed { job, result: Ok(done) });
    let frame = console.frame();
    assert!(frame.contains("1 accepted, 1 failed"), "{frame}");
    assert!(frame.contains("the cloud said no"), "{frame}");
    console.press("enter");
    assert_eq!(console.app.screen, Screen::Watch);
}

#[test]
fn an_order_can_be_hidden_and_stopped() {
    let (mut console, job) = running(Verb::Purge, "P", &["a", "b", "c"]);
    console.press("esc");
    assert!(console.frame().contains("purge 0/3"), "{}", console.frame());
    console.app.open_overlay(Overlay::Running(job));
    console.app.drawn();
    assert_eq!(console.press("x x"), [Effect::CancelJob(job)]);
    console.press("esc");
    let result = Err(Failure::new("the journal cannot be written: disk full", "free some space"));
    console.tell(Msg::Executed { job, result });
    assert!(console.frame().contains("disk full"), "{}", console.frame());
    assert!(matches!(console.app.jobs[&job].ended, Some(JobEnd::Refused(_))));
}

#[test]
fn terms_can_be_changed_and_make_a_new_plan() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("d"));
    let plan = plan(Verb::Delete, &["a"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    let effects = console.press("f2");
    assert!(matches!(effects.as_slice(), [Effect::Plan { terms, .. }] if !terms.invalidate
            && terms.command_line.ends_with("--no-invalidate")));
}

// ---------------------------------------------------------------- moving about

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

// ---------------------------------------------------------------- undo, history, what others do

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
    assert_eq!(console.app.assets.sort.0, super::action::SortBy::Size);
    console.press(":");
    console.write("mouse");
    assert!(console.press("enter").contains(&Effect::Mouse(false)));
}
