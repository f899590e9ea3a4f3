//! Pictures of every screen at four sizes.

use std::time::Duration;

use super::testing::{Console, ended, plan, plan_task, press_assets, shown, watch};
use crate::app::effect::Effect;
use crate::app::msg::{Failure, Msg};
use crate::domain::invalidation::{Outcome, Verb};
use crate::domain::purge::Confirmation;
use std::sync::Arc;

pub(super) fn with_details(width: u16, height: u16) -> Console {
    let mut console = Console::with_assets(width, height);
    let effects = console.press("enter");
    let Some(Effect::Show { task, key }) = effects.into_iter().next() else { panic!("no read") };
    let result = Ok(Arc::new(shown(key.public_id.as_str())));
    console.tell(Msg::Shown { task, key, result });
    console
}

#[test]
fn assets_at_80x24() {
    let mut console = Console::with(80, 24, |setup| {
        setup.banner =
            Some("demo: r renames, d deletes, space marks, P purges, then w watches".into());
    });
    console.listed(press_assets(), Some("next"));
    console.press("space space j v j");
    console.board(vec![watch(6)]);
    insta::assert_snapshot!(console.frame());
}

#[test]
fn assets_with_details_at_140x40() {
    let mut console = with_details(140, 40);
    console.press("j j");
    insta::assert_snapshot!(console.frame());
}

#[test]
fn assets_at_40x10() {
    let console = Console::with_assets(40, 10);
    insta::assert_snapshot!(console.frame());
}

#[test]
fn assets_filtered_with_more_on_the_server() {
    let mut console = Console::new(80, 24);
    console.listed(press_assets(), Some("next"));
    console.press("/");
    console.write("item-000");
    insta::assert_snapshot!(console.frame_at(80, 10));
}

#[test]
fn a_cloud_that_does_not_answer() {
    let mut console = Console::new(80, 24);
    let task = console.app.assets.loading.as_ref().unwrap().task;
    let failure = Failure::new(
        "http://127.0.0.1:9 does not answer: connection refused",
        "check that the cloud runs",
    );
    console.tell(Msg::Listed { task, result: Err(failure) });
    insta::assert_snapshot!(console.frame_at(80, 10));
}

#[test]
fn details_at_80x24() {
    insta::assert_snapshot!(with_details(80, 24).frame());
}

#[test]
fn pending_at_80x24_and_140x40() {
    let mut console = Console::with_assets(80, 24);
    let mut stuck = watch(9);
    stuck.stuck = true;
    stuck.id = crate::domain::id::InvalidationId(uuid::Uuid::from_u128(2));
    stuck.label = "catalog/item-0007 and 11 more".into();
    stuck.verb = Verb::Purge;
    let mut done = ended(Outcome::AllClear, "24 of 24 caches reached");
    done.id = crate::domain::id::InvalidationId(uuid::Uuid::from_u128(3));
    console.board(vec![watch(6), stuck, done]);
    console.app.env.toast = None;
    console.press("p j");
    insta::assert_snapshot!("pending_80x24", console.frame());
    insta::assert_snapshot!("pending_140x40", console.frame_at(140, 12));
    insta::assert_snapshot!("pending_40x10", console.frame_at(40, 10));
}

#[test]
fn watch_turns_from_outdated_to_cleared() {
    let mut console = Console::with_assets(80, 24);
    console.board(vec![watch(0)]);
    console.press("w");
    let before = console.frame();
    console.wait(Duration::from_secs(6));
    console.board(vec![watch(13)]);
    let after = console.frame();
    assert_eq!(before.matches("● cleared").count(), 1, "the legend");
    assert_eq!(after.matches("● cleared").count(), 15, "with legend and evidence");
    insta::assert_snapshot!("watch_80x24", after);
    console.app.env.size = (140, 40);
    insta::assert_snapshot!("watch_140x40", console.frame());
    insta::assert_snapshot!("watch_40x10", console.frame_at(40, 10));
}

#[test]
fn the_end_cannot_be_missed() {
    let sentence = "24 of 24 cells at 6 places clear, 1 sighting each, quiet 5 s";
    let mut console = Console::with_assets(80, 24);
    console.board(vec![ended(Outcome::AllClear, sentence)]);
    console.press("w");
    console.app.env.toast = None;
    insta::assert_snapshot!("watch_all_clear_80x24", console.frame());
    insta::assert_snapshot!("watch_all_clear_40x10", console.frame_at(40, 10));
}

#[test]
fn no_other_end_says_the_words() {
    for outcome in Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::AllClear) {
        let mut console = Console::with_assets(140, 40);
        console.board(vec![ended(outcome, "it ended")]);
        for keys in ["w", "p", "?", "esc :", "esc a"] {
            console.press(keys);
            let frame = console.frame().to_lowercase();
            assert!(!frame.contains("all clear"), "{outcome:?} after {keys}\n{frame}");
        }
    }
}

#[test]
fn rename_asks_for_the_name() {
    let mut console = Console::with_assets(80, 24);
    console.press("r ctrl-w");
    console.write("hero?");
    insta::assert_snapshot!(console.frame());
}

#[test]
fn a_plan_is_shown_before_anything_is_sent() {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press("d"));
    insta::assert_snapshot!("planning_80x24", console.frame());
    let plan = plan(Verb::Delete, &["press/2026/hero"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    insta::assert_snapshot!("plan_80x24", console.frame());
    insta::assert_snapshot!("plan_40x10", console.frame_at(40, 10));
}

#[test]
fn urls_that_are_not_reached_can_be_named_from_the_plan() {
    let mut console = Console::with_assets(100, 30);
    let task = plan_task(&console.press("d"));
    let mut plan = plan(Verb::Delete, &["press/2026/hero"], Confirmation::Yes);
    plan.left_out.push(crate::domain::purge::LeftOut {
        name: "what?".to_owned(),
        key: None,
        readings: Vec::new(),
        reason: crate::domain::purge::LeftOutReason::Malformed,
        why: "no public ID".to_owned(),
    });
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    let frame = console.frame();
    assert!(frame.contains("left out") && frame.contains("what?: no public ID"), "{frame}");
    let effects = console.press("f4");
    let [Effect::Plan { terms, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert!(terms.attempt_by_url);
    assert!(terms.command_line.contains("--attempt-by-url"), "{}", terms.command_line);
}

#[test]
fn a_bulk_plan_wants_the_count() {
    let mut console = Console::with_assets(100, 30);
    console.press("*");
    let task = plan_task(&console.press("P"));
    let ids: Vec<String> = (0..12).map(|n| format!("catalog/item-{n:04}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let plan = plan(Verb::Purge, &ids, Confirmation::Count(12));
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    console.write("13");
    console.press("enter");
    insta::assert_snapshot!(console.frame());
}

#[test]
fn the_header_says_the_risk_in_a_word() {
    let mut console = Console::with(80, 24, |setup| {
        setup.risk = crate::domain::purge::Risk::Production;
        setup.read_only = true;
        setup.cloud_name = "acme".into();
        setup.profile = "acme-live".into();
    });
    console.listed(press_assets(), None);
    let header = |console: &Console| console.frame().lines().next().unwrap().to_owned();
    insta::assert_snapshot!("header_80", header(&console));
    console.board(vec![watch(3)]);
    console.app.env.size = (40, 24);
    insta::assert_snapshot!("header_40", header(&console));
}

#[test]
fn help_and_command_line() {
    let mut console = Console::with_assets(80, 24);
    console.press("?");
    insta::assert_snapshot!("help_80x24", console.frame());
    console.press("esc :");
    console.write("re");
    insta::assert_snapshot!("command_line_80x24", console.frame());
    console.press("esc s");
    insta::assert_snapshot!("sort_menu_80x24", console.frame());
}

#[test]
fn no_size_is_too_small() {
    let openers = ["", "enter", "r", "d", "p", "w", "?", ":", "s", "/"];
    for (width, height) in [(20, 5), (12, 3), (5, 2), (1, 1), (200, 4), (3, 80), (400, 120)] {
        for opener in openers {
            let mut console = Console::with_assets(width, height);
            console.board(vec![watch(6), ended(Outcome::GaveUp, "gave up after 60 min")]);
            if !opener.is_empty() {
                let effects = console.press(opener);
                if opener == "d" {
                    let task = plan_task(&effects);
                    let plan = plan(Verb::Delete, &["a"], Confirmation::Count(12));
                    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
                }
            }
            console.frame();
        }
    }
}

#[test]
fn the_map_and_its_twin() {
    let mut console = Console::with_assets(80, 24);
    let mut shown = watch(6);
    shown.places[2].pop = None;
    shown.places[2].id = crate::domain::place::PlaceId("edge-seven".into());
    console.board(vec![shown]);
    console.press("w 2 j");
    insta::assert_snapshot!("map_80x24", console.frame());
    insta::assert_snapshot!("map_40x10", console.frame_at(40, 10));
    console.app.env.size = (140, 40);
    insta::assert_snapshot!("map_140x40", console.frame());
}

#[test]
fn curve_and_timeline() {
    let mut console = Console::with_assets(80, 24);
    let mut shown = watch(13);
    shown.regressions.push(crate::domain::snapshot::Regression {
        place: shown.places[0].id.clone(),
        url: shown.urls[0].url.clone(),
        at: super::testing::noon() + Duration::from_secs(5),
        why: "still serves a copy although storage is empty".into(),
    });
    console.board(vec![shown]);
    console.press("w 3");
    insta::assert_snapshot!("curve_80x24", console.frame());
    insta::assert_snapshot!("curve_40x10", console.frame_at(40, 10));
    insta::assert_snapshot!("curve_140x40", console.frame_at(140, 40));
    console.press("4");
    insta::assert_snapshot!("timeline_80x24", console.frame());
    insta::assert_snapshot!("timeline_40x10", console.frame_at(40, 10));
}

#[test]
fn the_sightings_behind_a_verdict() {
    let mut console = Console::with_assets(80, 24);
    console.board(vec![watch(6)]);
    let effects = console.press("w j enter");
    let Some(Effect::Evidence { task, place, url, .. }) = effects.last().cloned() else {
        panic!("{effects:?}")
    };
    assert_eq!(place.0, "IAD");
    insta::assert_snapshot!("evidence_waiting_40x10", console.frame_at(40, 10));
    let runs = super::testing::sighting_runs(&place, &url);
    console.tell(Msg::Evidence { task, result: Ok(Arc::new(runs)) });
    insta::assert_snapshot!("evidence_80x24", console.frame());
    insta::assert_snapshot!("evidence_140x40", console.frame_at(140, 40));
    assert!(console.press("y").contains(&Effect::Copy(url)));
    console.press("esc");
    assert_eq!(console.app.scope(), crate::app::commands::Scope::Watch);
}

#[test]
fn who_did_what() {
    let mut console = Console::with_assets(80, 24);
    let effects = console.press("A");
    assert!(effects.contains(&Effect::ReadActivity), "{effects:?}");
    insta::assert_snapshot!("activity_unread_40x10", console.frame_at(40, 10));
    console.tell(Msg::Activity(Ok((super::testing::activity(), Vec::new()))));
    console.press("j");
    insta::assert_snapshot!("activity_80x24", console.frame());
    who_did_which_act(&mut console);
    insta::assert_snapshot!("activity_40x10", console.frame_at(40, 10));
    insta::assert_snapshot!("activity_140x40", console.frame_at(140, 40));
    let effects = console.press("y");
    assert!(matches!(&effects[..], [Effect::Copy(line)] if line.starts_with("allclear rename")));
    console.press("/");
    console.write("bob");
    console.press("enter");
    assert_eq!(console.app.activity.shown().len(), 1);
    insta::assert_snapshot!("activity_filtered_80x24", console.frame());
    console.press("esc");
    assert_eq!(console.app.activity.shown().len(), 3);
    console.press("g enter");
    assert_eq!(console.app.screen, crate::app::action::Screen::Watch);
}

/// What was done to the job under the cursor and to the profile is told, by whom and when.
fn who_did_which_act(console: &mut Console) {
    use crate::domain::job::{ActKind, ActRow};
    let rows = super::testing::activity();
    let here = console.app.activity.current().map(|row| row.operation.id);
    let act = |kind, by: &str, operation| ActRow {
        kind,
        at: rows[0].operation.at,
        by: by.to_owned(),
        from: None,
        operation,
        label: None,
        note: None,
    };
    let acts = vec![act(ActKind::TakeUp, "ben@desk", here), act(ActKind::Unlock, "eve@desk", None)];
    console.tell(Msg::Activity(Ok((rows.clone(), acts))));
    let frame = console.frame();
    assert!(frame.contains("take up by ben@desk"), "{frame}");
    assert!(frame.contains("profile: unlock by eve@desk"), "{frame}");
    console.tell(Msg::Activity(Ok((rows, Vec::new()))));
}

#[test]
fn history_alone() {
    let mut console = Console::with_assets(80, 24);
    let mut done = ended(Outcome::AllClear, "24 of 24 caches reached");
    done.id = crate::domain::id::InvalidationId(uuid::Uuid::from_u128(3));
    console.board(vec![watch(6), done]);
    console.app.env.toast = None;
    console.press("p H H");
    insta::assert_snapshot!("history_80x24", console.frame());
    assert_eq!(console.app.pending.shown(&console.app.tracked).len(), 1);
    console.press("H H");
    assert_eq!(console.app.pending.shown(&console.app.tracked).len(), 1);
}

#[test]
fn pickers_search_preview_and_give_back() {
    let mut console = Console::with_assets(80, 24);
    console.press("T down");
    assert_eq!(console.app.theme.name, "dark", "moving shows it");
    insta::assert_snapshot!("theme_picker_80x24", console.frame());
    insta::assert_snapshot!("theme_picker_40x10", console.frame_at(40, 10));
    console.press("esc");
    assert_eq!(console.app.theme.name, "default", "leaving gives it back");
    console.press("T");
    console.write("hicon");
    console.press("enter");
    assert_eq!(console.app.theme.name, "high-contrast");
    console.app.env.toast = None;
    console.press("f");
    insta::assert_snapshot!("folder_picker_80x24", console.frame());
    console.write("2026");
    let effects = console.press("enter");
    let Some(Effect::List { query, .. }) = effects.first() else { panic!("{effects:?}") };
    assert!(format!("{query:?}").contains("press/2026/"), "{query:?}");
    assert!(console.press("ctrl-p").is_empty(), "no profile, no list");
    console.app.profiles = ["demo", "live"]
        .map(|name| crate::screens::picker::Choice {
            name: name.into(),
            about: "acme, production".into(),
        })
        .into();
    console.press("ctrl-p down");
    assert_eq!(console.press("enter"), [Effect::SwitchProfile("live".into())]);
}

#[test]
fn what_can_be_copied() {
    let mut console = with_details(80, 24);
    console.press("Y");
    insta::assert_snapshot!("copy_menu_80x24", console.frame());
    insta::assert_snapshot!("copy_menu_40x10", console.frame_at(40, 10));
    let copied = |console: &mut Console, key: &str| match &console.press(key)[..] {
        [Effect::Copy(text)] => text.clone(),
        other => panic!("{other:?}"),
    };
    let versioned = copied(&mut console, "v");
    assert!(versioned.contains("/v1795000000/press/2026/hero.jpg"), "{versioned}");
    console.press("Y");
    assert_eq!(copied(&mut console, "l"), "allclear show press/2026/hero");
    console.press("Y");
    assert!(copied(&mut console, "j").starts_with(r#"{"schema":"allclear.copied/1""#));
    console.press("Y");
    assert!(copied(&mut console, "c").starts_with("curl -sS -o /dev/null -D - http://127.0.0.1"));
    console.press("Y Y");
    assert_eq!(console.app.scope(), crate::app::commands::Scope::Details, "the same key closes");
    console.press("Y");
    assert_eq!(console.press("s"), [], "no URL of it needs one");
}

#[test]
fn the_request_to_support_names_the_urls_that_need_it() {
    let mut console = Console::with_assets(80, 24);
    let mut shown = watch(6);
    let asks = crate::domain::coverage::NextStep::ServiceRequest { text: String::new() };
    shown.not_covered[0].next_step = asks.to_string();
    console.board(vec![shown]);
    console.press("w Y");
    let effects = console.press("s");
    let [Effect::Copy(text)] = &effects[..] else { panic!("{effects:?}") };
    assert!(text.contains("Cloud name: demo") && text.contains("/s--AbCdEfGh--/"), "{text}");
}

#[test]
fn every_job_of_the_profile() {
    use crate::app::effect::JobAct;
    use crate::domain::invalidation::{Item, ItemState};
    let mut console = Console::with_assets(80, 24);
    assert!(console.press("J").contains(&Effect::ReadJobs));
    console.tell(Msg::Jobs(Ok(super::testing::job_rows())));
    insta::assert_snapshot!("jobs_80x24", console.frame());
    insta::assert_snapshot!("jobs_40x10", console.frame_at(40, 10));
    let job = console.app.job_list.current().unwrap().operation.id;
    assert_eq!(console.press("space"), [Effect::Job { job, act: JobAct::Pause }]);
    console.press("x");
    assert_eq!(console.app.scope(), crate::app::commands::Scope::Ask);
    assert!(console.press("x").is_empty(), "the opening key never confirms");
    assert_eq!(console.press("y"), [Effect::Job { job, act: JobAct::Cancel }]);
    console.press("j");
    let interrupted = console.app.job_list.current().unwrap().operation.id;
    assert_eq!(console.press("space"), [Effect::Job { job: interrupted, act: JobAct::Resume }]);
    let effects = console.press("j");
    let [Effect::JobItems { task, job }] = effects[..] else { panic!("{effects:?}") };
    let item = |id: &str, why: &str| Item {
        id: crate::domain::id::ItemId::new(),
        operation: job,
        key: super::testing::key(id),
        to: None,
        state: ItemState::Failed,
        sent_at: None,
        message: Some(why.into()),
    };
    let items = vec![
        item("catalog/item-0007", "the cloud said no"),
        item("catalog/item-0009", "timed out"),
    ];
    console.tell(Msg::JobItems { task, result: Ok(Arc::new(items)) });
    console.app.env.size = (140, 40);
    insta::assert_snapshot!("jobs_140x40", console.frame());
    assert_eq!(console.press("r"), [Effect::RetryJob(job)]);
    let order = crate::domain::purge::Order::Purge {
        what: crate::domain::purge::Selection::Keys(vec![super::testing::key("catalog/item-0007")]),
    };
    let effects = console.tell(Msg::Retry(Ok(Box::new((order, true)))));
    assert!(matches!(&effects[..], [Effect::Plan { .. }]), "{effects:?}");
    console.press("esc");
    assert_eq!(console.press("S"), [Effect::HoldAll]);
}

#[test]
fn details_in_parts() {
    let mut console = with_details(80, 24);
    console.press("2");
    insta::assert_snapshot!("details_derived_80x24", console.frame());
    let effects = console.press("3");
    let [Effect::AssetHistory { task, .. }] = effects[..] else { panic!("{effects:?}") };
    console.tell(Msg::AssetHistory { task, result: Ok(super::testing::activity()) });
    insta::assert_snapshot!("details_history_80x24", console.frame());
    assert!(matches!(&console.press("j y")[..], [Effect::Copy(line)] if line.contains("rename")));
    console.press("k enter");
    assert_eq!(console.app.screen, crate::app::action::Screen::Watch, "its watch opens");
    console.press("a 4");
    insta::assert_snapshot!("details_headers_before_40x10", console.frame_at(40, 10));
    let effects = console.press("o");
    let [Effect::Look { task, url }] = &effects[..] else { panic!("{effects:?}") };
    assert!(url.ends_with("/press/2026/hero.jpg"), "{url}");
    let failure = Failure::new("no place can be found", "check the profile's places");
    console.tell(Msg::Looked { task: *task, result: Err(failure) });
    console.app.env.toast = None;
    insta::assert_snapshot!("details_headers_80x24", console.frame());
    console.press("5");
    insta::assert_snapshot!("details_picture_80x24", console.frame());
    insta::assert_snapshot!("details_picture_40x10", console.frame_at(40, 10));
    console.app.env.size = (140, 40);
    insta::assert_snapshot!("details_picture_140x40", console.frame());
}

#[test]
fn what_the_console_did_last() {
    let mut console = Console::with_assets(80, 24);
    console.app.debug.about = vec![("TERM", "xterm-256color".into())];
    console.app.debug.frame(Duration::from_micros(640), 512);
    console.press("f12");
    let frame = console.frame();
    assert!(frame.contains("xterm-256color") && frame.contains("list assets"), "{frame}");
    console.press("f12");
    assert_eq!(console.app.scope(), crate::app::commands::Scope::Assets);
}

#[test]
fn a_url_of_what_is_gone_is_said_to_be_not_in_this_cloud() {
    let mut console = Console::with_assets(80, 24);
    let url = "https://res.cloudinary.com/demo/image/upload/v1/press/gone.jpg";
    let effects = console.paste(url);
    let [Effect::Resolve { typed }] = &effects[..] else { panic!("{effects:?}") };
    let key = super::testing::key("press/gone");
    let effects = console.tell(Msg::Resolved { typed: typed.clone(), result: Ok(key.clone()) });
    let task = effects.iter().find_map(|effect| match effect {
        Effect::Show { task, .. } => Some(*task),
        _ => None,
    });
    let kind = crate::app::msg::FailureKind::Missing;
    let failure = Failure { kind, ..Failure::new("the cloud has no image press/gone", "") };
    console.tell(Msg::Shown { task: task.unwrap(), key, result: Err(failure) });
    insta::assert_snapshot!("pasted_and_not_there_80x24", console.frame());
    assert!(console.frame().contains("not in this cloud: press/gone"));
}
