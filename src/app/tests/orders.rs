//! Orders from their dialog to their end.

use super::*;

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
