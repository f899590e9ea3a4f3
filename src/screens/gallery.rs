//! Every screen and dialog at three sizes, with its colours in two themes. A screen, tab, dialog or picker without a
//! picture here fails a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::shots::with_details;
use super::testing::{
    Console, activity, ended, job_rows, key, plan, plan_task, press_assets, sighting_runs, watch,
};
use super::{first_run, shell};
use crate::app::action::Screen;
use crate::app::commands::Scope;
use crate::app::effect::Effect;
use crate::app::msg::{Failure, Msg};
use crate::app::state::Overlay;
use crate::domain::id::{InvalidationId, ItemId};
use crate::domain::invalidation::{Item, ItemState, Outcome, Verb};
use crate::domain::purge::{Confirmation, Risk};
use crate::ops::engine::Execution;
use crate::screens::assets::DetailsTab;
use crate::screens::picker::{Choice, PickerKind};
use crate::screens::watch::Tab;
use crate::ui::Theme;
use crate::ui::theme_file::Themes;
use crate::ui::widgets::testing::text_of;

const SIZES: [(u16, u16); 3] = [(40, 10), (80, 24), (160, 50)];
/// Colours on a dark ground and on a light one.
const THEMES: [&str; 2] = ["dark", "light"];

type Make = fn(u16, u16) -> Console;

const GALLERY: &[(&str, Make)] = &[
    ("assets", assets),
    ("assets-filter", |w, h| typed(assets(w, h), "/", "item-000")),
    ("assets-reading", |w, h| {
        let mut console = Console::new(w, h);
        console.wait(Duration::from_secs(3));
        console
    }),
    ("assets-none", |w, h| {
        let mut console = Console::new(w, h);
        console.listed(Vec::new(), None);
        console
    }),
    ("assets-failed", failed),
    ("assets-locked", |w, h| risky(w, h, Risk::Production, false)),
    ("assets-read-only", |w, h| risky(w, h, Risk::Test, true)),
    ("details-urls", |w, h| pressed(with_details(w, h), "j")),
    ("details-derived", |w, h| pressed(with_details(w, h), "2")),
    ("details-history", |w, h| {
        let mut console = with_details(w, h);
        let effects = console.press("3");
        let [Effect::AssetHistory { task, .. }] = effects[..] else { panic!("{effects:?}") };
        console.tell(Msg::AssetHistory { task, result: Ok(activity()) });
        console
    }),
    ("details-headers", |w, h| pressed(with_details(w, h), "4")),
    ("details-picture", |w, h| pressed(with_details(w, h), "5")),
    ("sort-menu", |w, h| pressed(assets(w, h), "s")),
    ("copy-menu", |w, h| pressed(with_details(w, h), "Y")),
    ("pick-theme", |w, h| pressed(assets(w, h), "T")),
    ("pick-folder", |w, h| pressed(assets(w, h), "f down")),
    ("pick-profile", |w, h| {
        let mut console = assets(w, h);
        console.app.profiles = [("demo", "local cloud, local"), ("live", "acme, production")]
            .map(|(name, about)| Choice { name: name.into(), about: about.into() })
            .into();
        pressed(console, "ctrl-p")
    }),
    ("command-line", |w, h| typed(assets(w, h), ":", "re")),
    ("command-line-wrong", |w, h| pressed(typed(assets(w, h), ":", "purge --loud"), "enter")),
    ("help", |w, h| pressed(assets(w, h), "?")),
    ("help-search", |w, h| typed(assets(w, h), "?", "purge")),
    ("debug", |w, h| {
        let mut console = assets(w, h);
        console.app.debug.about = vec![("TERM", "xterm-256color, COLORTERM truecolor".into())];
        console.app.debug.frame(Duration::from_micros(640), 512);
        pressed(console, "f12")
    }),
    ("rename", |w, h| typed(pressed(assets(w, h), "r ctrl-w"), "", "hero?")),
    ("replace", |w, h| typed(pressed(assets(w, h), "u"), "", "~/hero.jpg")),
    ("planning", |w, h| pressed(assets(w, h), "d")),
    ("plan-refused", |w, h| {
        let mut console = assets(w, h);
        let task = plan_task(&console.press("d"));
        let why = Failure::new(
            "http://127.0.0.1:9 does not answer: connection refused",
            "check that the cloud runs",
        );
        console.tell(Msg::Planned { task, result: Err(why) });
        console
    }),
    ("plan", |w, h| planned(w, h, "d", Verb::Delete, Confirmation::Yes)),
    ("plan-count", |w, h| planned(w, h, "P", Verb::Purge, Confirmation::Count(12))),
    ("plan-cloud-name", |w, h| {
        let word = Confirmation::CloudName("acme".into());
        typed(planned(w, h, "d", Verb::Delete, word), "", "acm")
    }),
    ("running", running),
    ("refused", refused),
    ("quit-while-running", |w, h| pressed(running(w, h), "esc q")),
    ("pending", |w, h| pressed(board(w, h), "p j")),
    ("pending-none", |w, h| pressed(assets(w, h), "p")),
    ("history", |w, h| pressed(board(w, h), "p H H")),
    ("watch-matrix", |w, h| pressed(watching(w, h), "j")),
    ("watch-map", |w, h| pressed(watching(w, h), "2 j")),
    ("watch-curve", |w, h| pressed(watching(w, h), "3")),
    ("watch-timeline", |w, h| pressed(watching(w, h), "4")),
    ("watch-not-covered", |w, h| pressed(watching(w, h), "5")),
    ("watch-none", |w, h| pressed(assets(w, h), "w")),
    ("watch-all-clear", |w, h| {
        let sentence = "24 of 24 cells at 6 places clear, 1 sighting each, quiet 5 s";
        ending(w, h, Outcome::AllClear, sentence)
    }),
    ("watch-gave-up", |w, h| ending(w, h, Outcome::GaveUp, "gave up after 60 min")),
    ("abandon", |w, h| pressed(watching(w, h), "x")),
    ("evidence", |w, h| {
        let mut console = watching(w, h);
        let effects = console.press("j enter");
        let Some(Effect::Evidence { task, place, url, .. }) = effects.last().cloned() else {
            panic!("{effects:?}")
        };
        let runs = sighting_runs(&place, &url);
        console.tell(Msg::Evidence { task, result: Ok(Arc::new(runs)) });
        console
    }),
    ("jobs", jobs),
    ("jobs-none", |w, h| {
        let mut console = pressed(assets(w, h), "J");
        console.tell(Msg::Jobs(Ok(Vec::new())));
        console
    }),
    ("cancel-job", |w, h| pressed(jobs(w, h), "k k x")),
    ("activity", trail),
    ("activity-filter", |w, h| typed(trail(w, h), "/", "bob")),
];

fn assets(width: u16, height: u16) -> Console {
    let mut console = Console::new(width, height);
    console.listed(press_assets(), Some("next"));
    console.press("space space");
    console
}

fn pressed(mut console: Console, keys: &str) -> Console {
    console.press(keys);
    console.app.env.toast = None;
    console
}

fn typed(mut console: Console, keys: &str, text: &str) -> Console {
    if !keys.is_empty() {
        console.press(keys);
    }
    console.write(text);
    console
}

fn failed(width: u16, height: u16) -> Console {
    let mut console = Console::new(width, height);
    let task = console.app.assets.loading.as_ref().unwrap().task;
    let why = "http://127.0.0.1:9 does not answer: connection refused";
    let failure = Failure::new(why, "check that the cloud runs");
    console.tell(Msg::Listed { task, result: Err(failure) });
    console
}

fn risky(width: u16, height: u16, risk: Risk, read_only: bool) -> Console {
    let mut console = Console::with(width, height, |setup| {
        (setup.risk, setup.read_only, setup.loopback) = (risk, read_only, false);
        (setup.cloud_name, setup.profile) = ("acme".into(), "acme-live".into());
    });
    console.listed(press_assets(), None);
    console
}

fn planned(width: u16, height: u16, opener: &str, verb: Verb, word: Confirmation) -> Console {
    let mut console = Console::with_assets(width, height);
    let ids: Vec<String> = match word {
        Confirmation::Count(count) => (0..count).map(|n| format!("catalog/item-{n:04}")).collect(),
        _ => vec!["press/2026/hero".into()],
    };
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let task = plan_task(&console.press(opener));
    let plan = plan(verb, &ids, word);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    console
}

fn running(width: u16, height: u16) -> Console {
    let mut console = planned(width, height, "d", Verb::Delete, Confirmation::Yes);
    let effects = console.press("y");
    let [Effect::Execute { job, .. }] = effects[..] else { panic!("{effects:?}") };
    let began = Execution::Item {
        item: ItemId(uuid::Uuid::from_u128(1)),
        key: key("press/2026/hero"),
        state: ItemState::Failed,
        message: Some("the cloud said no".into()),
        done: 1,
        failed: 1,
    };
    console.app.jobs.get_mut(&job).unwrap().total = 12;
    console.wait(Duration::from_secs(2));
    console.tell(Msg::Execution { job, event: began });
    console
}

/// Its journal could not be reached: nothing left.
fn refused(width: u16, height: u16) -> Console {
    let mut console = planned(width, height, "P", Verb::Purge, Confirmation::Yes);
    let effects = console.press("y");
    let [Effect::Execute { job, .. }] = effects[..] else { panic!("{effects:?}") };
    let why = Failure::new(
        "the journal postgres://team@db.example:5432/allclear cannot be reached: no answer within 5 s",
        "nothing is sent that is not written first: wait until its server answers, or ask who runs it",
    );
    console.tell(Msg::Executed { job, result: Err(why) });
    console
}

fn board(width: u16, height: u16) -> Console {
    let mut console = Console::with_assets(width, height);
    let mut stuck = watch(9);
    (stuck.stuck, stuck.verb) = (true, Verb::Purge);
    stuck.id = InvalidationId(uuid::Uuid::from_u128(2));
    stuck.label = "catalog/item-0007 and 11 more".into();
    let mut done = ended(Outcome::AllClear, "24 of 24 caches reached");
    done.id = InvalidationId(uuid::Uuid::from_u128(3));
    console.board(vec![watch(6), stuck, done]);
    console
}

fn watching(width: u16, height: u16) -> Console {
    let mut console = Console::with_assets(width, height);
    console.board(vec![watch(13)]);
    pressed(console, "w")
}

fn ending(width: u16, height: u16, outcome: Outcome, sentence: &str) -> Console {
    let mut console = Console::with_assets(width, height);
    console.board(vec![ended(outcome, sentence)]);
    pressed(console, "w")
}

/// The cursor is on the job that is over, with what failed.
fn jobs(width: u16, height: u16) -> Console {
    let mut console = pressed(Console::with_assets(width, height), "J");
    console.tell(Msg::Jobs(Ok(job_rows())));
    let effects = console.press("j j");
    let Some(Effect::JobItems { task, job }) = effects.last().cloned() else {
        panic!("{effects:?}")
    };
    let item = |id: &str, why: &str| Item {
        id: ItemId(uuid::Uuid::from_u128(7)),
        operation: job,
        key: key(id),
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
    console
}

fn trail(width: u16, height: u16) -> Console {
    let mut console = pressed(Console::with_assets(width, height), "A");
    console.tell(Msg::Activity(Ok((activity(), Vec::new()))));
    pressed(console, "j")
}

fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut Buffer)) -> Buffer {
    let mut frame = Buffer::empty(Rect::new(0, 0, width, height));
    draw(&mut frame);
    frame
}

/// The console's frame in both themes.
fn framed(console: &mut Console, width: u16, height: u16) -> [Buffer; 2] {
    let picked = matches!(&console.app.overlay, Some(Overlay::Picker(picker)) if picker.kind == PickerKind::Theme);
    THEMES.map(|name| {
        if !picked {
            console.app.set_theme(name);
            console.app.theme.name = "either".to_owned(); // the debug overlay names it
        }
        drawn(width, height, |frame| {
            shell::draw(&console.app, frame);
        })
    })
}

/// What is written, then one letter a cell for how it looks, then what the letters mean in each theme.
fn picture([one, other]: &[Buffer; 2]) -> String {
    const LETTERS: &[u8] = b".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let text = text_of(one);
    assert_eq!(text, text_of(other), "a theme changes colours alone");
    let mut letters: BTreeMap<(String, String), char> = BTreeMap::new();
    let mut legend = String::new();
    let mut looks = String::new();
    for y in one.area.top()..one.area.bottom() {
        let mut line = String::new();
        for x in one.area.left()..one.area.right() {
            let pair = (look(&one[(x, y)]), look(&other[(x, y)]));
            let next = letters.len();
            let letter = *letters.entry(pair.clone()).or_insert_with(|| {
                let letter = char::from(LETTERS[next]);
                let _ = writeln!(legend, "{letter} {:<32} {}", pair.0, pair.1);
                letter
            });
            line.push(letter);
        }
        looks.push_str(line.trim_end_matches('.'));
        looks.push('\n');
    }
    format!("{text}\n=\n{}\n=\n{}", looks.trim_end(), legend.trim_end())
}

fn look(cell: &Cell) -> String {
    let colour = |colour: Color| match colour {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Reset => "-".to_owned(),
        other => other.to_string().to_lowercase(),
    };
    let modifiers = if cell.modifier.is_empty() {
        String::new()
    } else {
        format!(" {:?}", cell.modifier).to_lowercase()
    };
    format!("{} on {}{modifiers}", colour(cell.fg), colour(cell.bg))
}

fn keep(name: &str, width: u16, height: u16, buffers: &[Buffer; 2]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/gallery");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), picture(buffers));
    });
}

#[test]
fn every_screen_and_dialog_at_three_sizes_in_two_themes() {
    for (name, make) in GALLERY {
        for (width, height) in SIZES {
            let mut console = make(width, height);
            let buffers = framed(&mut console, width, height);
            keep(name, width, height, &buffers);
        }
    }
}

#[test]
fn the_first_start_at_three_sizes_in_two_themes() {
    let config = "/home/ann/.config/allclear/config.toml";
    for (name, explains) in [("first-run", false), ("set-up", true)] {
        for (width, height) in SIZES {
            let buffers = THEMES.map(|theme| {
                let (theme, _): (Theme, _) = Themes::built_in().get(theme);
                drawn(width, height, |frame| first_run::draw(frame, &theme, config, explains))
            });
            keep(name, width, height, &buffers);
        }
    }
}

#[test]
fn terminals_that_are_too_small_show_what_they_can() {
    let mut shown = String::new();
    for (width, height) in [(30, 8), (20, 5), (12, 3), (5, 2)] {
        for (name, make) in GALLERY.iter().filter(|(name, _)| ["assets", "plan"].contains(name)) {
            let console = make(width, height);
            let frame = console.frame().replace('\n', "|\n");
            let _ = writeln!(shown, "{name} {width}x{height}\n{frame}|");
        }
    }
    insta::assert_snapshot!("too_small", shown);
}

#[test]
fn nothing_that_can_be_opened_is_without_a_picture() {
    let consoles: Vec<Console> = GALLERY.iter().map(|(_, make)| make(80, 24)).collect();
    let scopes: BTreeSet<Scope> = consoles.iter().map(|console| console.app.scope()).collect();
    let parents = [Scope::Always, Scope::Anywhere, Scope::Dialog];
    for scope in Scope::ALL.into_iter().filter(|scope| !parents.contains(scope)) {
        assert!(scopes.contains(&scope), "no picture of: {}", scope.title());
    }
    let on = |screen: Screen| consoles.iter().filter(move |console| console.app.screen == screen);
    for screen in Screen::ALL {
        assert!(on(screen).next().is_some(), "no picture of {}", screen.title());
    }
    for tab in Tab::ALL {
        let shows = |console: &Console| console.app.watch.tab == tab;
        assert!(on(Screen::Watch).any(shows), "no picture of {tab:?}");
    }
    for tab in DetailsTab::ALL {
        let shows = |console: &Console| {
            console.app.scope() == Scope::Details && console.app.assets.tab == tab
        };
        assert!(on(Screen::Assets).any(shows), "no picture of {tab:?}");
    }
    for kind in [PickerKind::Theme, PickerKind::Profile, PickerKind::Folder] {
        let shows = |console: &Console| matches!(&console.app.overlay, Some(Overlay::Picker(picker)) if picker.kind == kind);
        assert!(consoles.iter().any(shows), "no picture of the list of {kind:?}");
    }
}
