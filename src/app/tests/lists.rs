//! Lists that the journal fills: sorted, filtered, and as they were at the next start.

use super::*;
use crate::app::action::SortBy;
use crate::screens::testing::{activity, job_rows};

fn labels(console: &Console) -> Vec<String> {
    let app = &console.app;
    match app.screen {
        Screen::Pending => {
            app.pending.shown(&app.tracked).iter().map(|row| row.label.clone()).collect()
        }
        Screen::Jobs => app.job_list.shown().iter().map(|row| row.label.clone()).collect(),
        _ => app.activity.shown().iter().map(|row| row.label.clone()).collect(),
    }
}

fn three_watches(console: &mut Console) {
    let named = |n: u128, label: &str, clear: usize| {
        let mut shown = watch(clear);
        (shown.id, shown.label) = (InvalidationId(uuid::Uuid::from_u128(n)), label.to_owned());
        shown
    };
    let mut stuck = named(3, "c-stuck", 6);
    stuck.stuck = true;
    console.board(vec![named(1, "b-far", 9), named(2, "a-begun", 0), stuck]);
}

#[test]
fn pending_is_sorted_by_any_column_and_the_cursor_stays_on_its_row() {
    let mut console = Console::with_assets(120, 24);
    three_watches(&mut console);
    console.press("p j");
    let at = console.app.pending.current(&console.app.tracked).unwrap().id;
    console.press("s");
    let menu = console.frame();
    assert!(menu.contains("state: what needs somebody first") && !menu.contains("public ID"));
    console.press("n");
    assert_eq!(labels(&console), ["a-begun", "b-far", "c-stuck"]);
    assert!(console.frame().contains("ASSETS ↓"), "{}", console.frame());
    console.press("s n");
    assert_eq!(labels(&console), ["c-stuck", "b-far", "a-begun"]);
    console.press("s e");
    assert_eq!(labels(&console)[0], "c-stuck");
    console.press("s d");
    assert_eq!(labels(&console), ["a-begun", "c-stuck", "b-far"]);
    assert_eq!(console.app.pending.current(&console.app.tracked).unwrap().id, at);
    console.press("s t");
    assert!(toast(&console).contains("this list has no format"), "{}", toast(&console));
    console.press(":");
    console.write("sort who");
    console.press("enter");
    assert_eq!(console.app.pending.list.sort, (SortBy::Who, false));
    assert_eq!(console.app.screen, Screen::Pending, "the list on screen is meant");
}

#[test]
fn pending_and_jobs_are_filtered_as_one_types() {
    let mut console = Console::with_assets(100, 24);
    three_watches(&mut console);
    console.press("p /");
    console.write("!stuck a-");
    assert_eq!(labels(&console), ["a-begun"]);
    assert!(console.frame().contains("1 match of 3 pending"), "{}", console.frame());
    console.press("enter");
    assert_eq!(console.app.scope(), Scope::Pending);
    console.press("x");
    assert!(console.app.overlay.is_some(), "keys act on what is listed");
    console.press("esc esc");
    assert_eq!(labels(&console).len(), 3, "esc drops the filter before it leaves");
    assert_eq!(console.app.screen, Screen::Pending);
    console.press("J");
    console.tell(Msg::Jobs(Ok(job_rows())));
    let all = labels(&console);
    console.press("/");
    console.write("nothing is called so");
    assert!(console.frame().contains("nothing that is loaded matches"), "{}", console.frame());
    console.press("esc s z");
    let sizes: Vec<_> = console.app.job_list.shown().iter().map(|row| row.counts.total()).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes.len() == all.len(), "{sizes:?}");
}

#[test]
fn a_click_on_a_heading_sorts_the_list_below_it() {
    let mut console = Console::with_assets(120, 24);
    console.press("A");
    console.tell(Msg::Activity(Ok((activity(), Vec::new()))));
    let heading = |console: &Console| {
        let frame = console.frame();
        let (y, line) = frame.lines().enumerate().find(|(_, line)| line.contains("WHO")).unwrap();
        let at = line.find("WHO").unwrap();
        (u16::try_from(line[..at].chars().count()).unwrap(), u16::try_from(y).unwrap())
    };
    let (x, y) = heading(&console);
    console.tell(Msg::Input(vec![Input::Click(x, y)]));
    assert_eq!(console.app.activity.list.sort, (SortBy::Who, false));
    assert!(console.frame().contains("WHO ↓") && console.frame().contains("by who"));
    console.tell(Msg::Input(vec![Input::Click(x, y)]));
    assert_eq!(console.app.activity.list.sort, (SortBy::Who, true));
}

#[test]
fn how_lists_are_arranged_outlives_the_program() {
    let mut console = Console::with_assets(80, 24);
    three_watches(&mut console);
    console.press("s a p H s e s e /");
    console.write("far https://h/x?token=hush");
    console.press("enter J s w A s n w ] a");
    let kept = console.app.arranged();
    assert!(!kept.to_string().contains("hush"), "{kept}");
    let mut next = Console::new(80, 24);
    next.app.arrange_as(&serde_json::from_str(&kept.to_string()).unwrap());
    assert_eq!(next.app.arranged(), kept);
    assert_eq!(next.app.pending.list.sort, (SortBy::State, true));
    assert_eq!(next.app.screen, Screen::Assets, "it begins where it always does");
    assert!(next.app.assets.filter.is_empty(), "what was looked for is of the day");
    for nonsense in ["null", "[]", r#"{"pending":{"sort":"nonsense","filter":7},"jobs":3}"#] {
        let mut other = Console::new(80, 24);
        let before = other.app.arranged();
        other.app.arrange_as(&serde_json::from_str(nonsense).unwrap());
        assert_eq!(other.app.arranged(), before, "{nonsense}");
    }
}
