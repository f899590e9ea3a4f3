//! What keeps a slip of the fingers, a paste or a burst from acting.

use super::*;

#[test]
fn keys_typed_before_a_plan_was_seen_do_not_confirm_it() {
    let mut console = Console::with_assets(80, 24);
    let effects = console.burst(keys("dyyy"));
    assert!(matches!(effects.as_slice(), [Effect::Plan { .. }]), "{effects:?}");
    assert_eq!(console.app.scope(), Scope::Waiting);
    let task = plan_task(&effects);
    let plan = plan(Verb::Delete, &["press/2026/hero"], Confirmation::Yes);
    // the plan comes and `y` is in the queue already: no frame between them
    crate::app::update::update(&mut console.app, Msg::Planned { task, result: Ok(Box::new(plan)) });
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
    console.app.keymap =
        crate::app::keymap::Keymap::build(crate::app::commands::COMMANDS, &overrides).0;
    let task = plan_task(&console.press("f9"));
    let plan = plan(Verb::Delete, &["a"], Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    assert_eq!(console.press("f9 f9"), []);
    assert!(matches!(console.press("y").as_slice(), [Effect::Execute { .. }]));
}

/// What is said of keys comes from the same table as what they do.
#[test]
fn keys_that_were_bound_anew_are_those_that_are_named() {
    let mut console = Console::with_assets(80, 24);
    let bound = [
        ("app.back", "f6"),
        ("app.unlock", "f7"),
        ("picker.take", "f8"),
        ("help.run", "f9"),
        ("assets.range", "f10"),
        ("assets.mark", "f11"),
        ("filter.accept", "ctrl-t"),
    ];
    let overrides =
        bound.iter().map(|(id, key)| ((*id).to_owned(), vec![(*key).to_owned()])).collect();
    let (keymap, faults) =
        crate::app::keymap::Keymap::build(crate::app::commands::COMMANDS, &overrides);
    assert_eq!(faults, []);
    console.app.keymap = keymap;
    let said = |console: &Console, words: &str| {
        assert!(console.frame().contains(words), "{words}:\n{}", console.frame());
    };
    console.press("f10");
    said(&console, "move, then f10 or f11");
    console.press("f6 T");
    said(&console, "f8 keeps it");
    console.press("esc ?");
    said(&console, "f9 runs");
    console.press("esc /");
    console.write("zzz");
    console.press("ctrl-t");
    said(&console, "f6 drops the filter");
    console.press("f6 f7 f7");
    console.write("wrong");
    console.press("enter");
    assert!(toast(&console).contains("not the name"), "{}", toast(&console));
    said(&console, "f7 asks again");
}

#[test]
fn a_key_locks_what_nothing_else_locks() {
    let mut console = Console::with_assets(80, 24);
    assert!(!console.app.env.is_locked());
    assert_eq!(console.press("L"), [Effect::Lock]);
    assert!(console.frame().lines().next().unwrap().contains("locked"), "{}", console.frame());
    assert_eq!(console.press("L"), [], "it asks for the name of the cloud");
    assert_eq!(console.app.scope(), Scope::CommandLine);
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
