//! The frame around every screen: header, footer, news; and which view is drawn where.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{
    activity, assets, copy_menu, debug, footer, help, jobs, order, palette, pending, picker,
    running, watch,
};
use crate::app::action::Screen;
use crate::app::freshness::Freshness;
use crate::app::state::{App, Overlay, Tone};
use crate::domain::purge::Risk;
use crate::ports::journal::Reach;
use crate::screens::ask;
use crate::ui::pen::{Link, Pen};
use crate::ui::theme::Role;
use crate::ui::widgets::hints;
use crate::ui::widgets::picture::Placed;
use crate::ui::{layout, text};

/// What a frame is beside its cells.
#[derive(Debug, Default)]
pub struct Drawn {
    /// Cells that stand for addresses.
    pub links: Vec<Link>,
    pub pictures: Vec<Placed>,
    /// Where the cursor is to be seen.
    pub cursor: Option<(u16, u16)>,
}

/// Draws the whole console; answers what is more than cells.
pub fn draw(app: &App, frame: &mut Buffer) -> Drawn {
    let area = frame.area;
    let mut pen = Pen::new(frame, &app.theme);
    pen.tint(area, Role::Text);
    let shell = layout::shell(area);
    header(app, &mut pen, shell.header);
    let mut cursor = match app.screen {
        Screen::Assets => assets::view::draw(app, &mut pen, shell.body),
        Screen::Pending => pending::view::draw(app, &mut pen, shell.body),
        Screen::Watch => {
            watch::view::draw(app, &mut pen, shell.body);
            None
        }
        Screen::Jobs => jobs::view::draw(app, &mut pen, shell.body),
        Screen::Activity => activity::view::draw(app, &mut pen, shell.body),
    };
    let scope = app.scope();
    hints::hints(&mut pen, layout::inset(shell.footer, 1), &footer::offered(app, scope));
    if let Some(overlay) = &app.overlay {
        cursor = draw_overlay(app, &mut pen, overlay, area);
    }
    toast(app, &mut pen, shell.body);
    let cursor = cursor.filter(|at| area.contains((*at).into()));
    Drawn { links: pen.links, pictures: pen.pictures, cursor }
}

fn draw_overlay(app: &App, pen: &mut Pen<'_>, overlay: &Overlay, area: Rect) -> Option<(u16, u16)> {
    match overlay {
        Overlay::Order(dialog) => order::view::draw(app, pen, dialog, area),
        Overlay::Running(job) => {
            if let Some(job) = app.jobs.get(job) {
                running::draw(app, pen, job, area);
            }
            None
        }
        Overlay::Ask(question) => {
            ask::draw(app, pen, question, area);
            None
        }
        Overlay::Help(state) => help::view::draw(app, pen, state, area),
        Overlay::Sort => {
            assets::view::sort_menu(app, pen, area);
            None
        }
        Overlay::CommandLine(line) => palette::view::draw(pen, line, area),
        Overlay::Compare(view) => {
            watch::compare::draw(app, pen, view, area);
            None
        }
        Overlay::Evidence(view) => {
            watch::evidence::draw(app, pen, view, area);
            None
        }
        Overlay::Picker(picker) => picker::view::draw(app, pen, picker, area),
        Overlay::Debug => {
            debug::draw(app, pen, area);
            None
        }
        Overlay::CopyMenu => {
            copy_menu::draw(app, pen, area);
            None
        }
    }
}

/// Where the tabs are: first column, title, screen. What must be seen on the right, the risk and whether orders are
/// taken, goes before: the name of the program gives way to it, then every tab but the current one.
fn tabs(app: &App, width: u16) -> Vec<(u16, String, Screen)> {
    let shut = app.env.setup.read_only || app.env.lock.shown(app.env.moment).is_some();
    let facts = facts(app);
    let vital =
        facts[..=usize::from(shut)].iter().map(|(word, _)| text::width(word) + 2).sum::<usize>();
    let fits = |tabs: &[(u16, String, Screen)]| {
        tabs.last().is_some_and(|(x, title, _)| {
            usize::from(*x) + text::width(title) + 2 + vital <= usize::from(width)
        })
    };
    let all = |from| tabs_from(app, from, |_| true);
    [(60, BRAND), (44, 1)]
        .into_iter()
        .filter(|(enough, _)| width >= *enough)
        .map(|(_, from)| all(from))
        .find(|tabs| fits(tabs))
        .unwrap_or_else(|| tabs_from(app, 1, |screen| screen == app.screen))
}

/// First column behind the name of the program.
const BRAND: u16 = 11;

fn tabs_from(app: &App, from: u16, shown: impl Fn(Screen) -> bool) -> Vec<(u16, String, Screen)> {
    let mut x = from;
    let mut tabs = Vec::new();
    for screen in Screen::ALL.into_iter().filter(|screen| shown(*screen)) {
        let mut title = screen.title().to_owned();
        if screen == Screen::Pending {
            let (open, stuck) = (app.open().count(), app.open().filter(|t| is_stuck(t)).count());
            if open > 0 {
                title = format!("{title} {open}");
            }
            if stuck > 0 {
                title = format!("{title} {} {stuck} stuck", app.theme.glyphs.outdated);
            }
        }
        let wide = u16::try_from(text::width(&title)).unwrap_or(0);
        tabs.push((x, title, screen));
        x += wide + 2;
    }
    tabs
}

fn is_stuck(tracked: &crate::app::state::Tracked) -> bool {
    tracked.snapshot.as_ref().is_some_and(|snapshot| snapshot.stuck)
}

/// A cache served the old copy again after it had let go.
fn has_fallen_back(tracked: &crate::app::state::Tracked) -> bool {
    tracked.snapshot.as_ref().is_some_and(|snapshot| !snapshot.regressions.is_empty())
}

/// The tab in a column of the header.
#[must_use]
pub fn tab_at(app: &App, x: u16) -> Option<Screen> {
    tabs(app, app.env.size.0).into_iter().find_map(|(from, title, screen)| {
        let wide = u16::try_from(text::width(&title)).unwrap_or(0);
        (from..from + wide).contains(&x).then_some(screen)
    })
}

fn header(app: &App, pen: &mut Pen<'_>, area: Rect) {
    if area.height == 0 {
        return;
    }
    let y = area.y;
    let tabs = tabs(app, area.width);
    if tabs.first().is_some_and(|(x, ..)| *x == BRAND) {
        pen.put(area.x + 1, y, 8, "allclear", Role::Brand);
    }
    let mut left = area.x + 1;
    for (x, title, screen) in tabs {
        let role = if screen == app.screen { Role::TabActive } else { Role::Tab };
        left = pen.put(area.x + x, y, area.width.saturating_sub(x), &title, role);
    }
    let mut right = area.right().saturating_sub(1);
    for (word, role) in facts(app) {
        let wide = u16::try_from(text::width(&word)).unwrap_or(u16::MAX);
        if right.saturating_sub(wide) < left + 2 {
            continue;
        }
        right = pen.put_right(right, y, wide, &word, role).saturating_sub(2);
    }
    if area.height > 1 {
        let rule = Rect { y: y + 1, height: 1, ..area };
        let production = app.env.setup.risk == Risk::Production;
        pen.rule_as(rule, if production { Role::RiskProduction } else { Role::Border });
        let end = freshness(app, pen, area.right().saturating_sub(1), y + 1, area.width / 2);
        let banner = app.env.setup.banner.as_deref().filter(|_| app.jobs.is_empty());
        if let Some(banner) = banner {
            let shown = format!(" {} ", text::shown(banner));
            pen.put(area.x + 1, y + 1, end.saturating_sub(area.x + 2), &shown, Role::Dim);
        }
    }
}

/// How old is what is shown, before column `right`; answers where it begins.
fn freshness(app: &App, pen: &mut Pen<'_>, right: u16, y: u16, room: u16) -> u16 {
    let Some((words, warns)) = app.freshness().words(app.env.now) else { return right };
    let role = if warns { Role::Warning } else { Role::Dim };
    pen.put_right(right, y, room, &format!(" {words} "), role)
}

/// Facts of the header from right to left, the most important first: those that do not fit are left out.
fn facts(app: &App) -> Vec<(String, Role)> {
    let setup = &app.env.setup;
    let (risk, role) = match setup.risk {
        Risk::Local => ("local", Role::RiskLocal),
        Risk::Test => ("test", Role::RiskTest),
        Risk::Production => (" PRODUCTION ", Role::RiskProduction),
    };
    let mut facts = vec![(risk.to_owned(), role)];
    if setup.read_only {
        facts.push(("[RO]".to_owned(), Role::Warning));
    } else if let Some(lock) = app.env.lock.shown(app.env.moment) {
        let role = if app.env.is_locked() { Role::Good } else { Role::Warning };
        facts.push((lock, role));
    }
    if let (Freshness::Paused(_), true) = (app.freshness(), layout::is_low(app.env.size)) {
        facts.push(("paused".to_owned(), Role::Warning)); // there is no line below that would say it
    }
    facts.push((text::shown(&setup.cloud_name).into_owned(), Role::Strong));
    for (_, job) in app.running() {
        facts.push((format!("{} {}/{}", job.verb.as_str(), job.done, job.total), Role::Info));
    }
    match &app.board.reach {
        Reach::Gone { .. } => facts.push(("journal gone".to_owned(), Role::Bad)),
        _ if app.board.trouble.is_some() || app.journal_failure.is_some() => {
            facts.push(("journal trouble".to_owned(), Role::Bad));
        }
        Reach::Reached { delay } => {
            facts.push((format!("journal {} ms", delay.as_millis()), Role::Dim));
        }
        Reach::Here => {}
    }
    let fell_back = app.open().filter(|it| has_fallen_back(it)).count();
    if fell_back > 0 {
        let glyph = app.theme.glyphs.outdated;
        facts.push((format!("{glyph} {fell_back} fell back"), Role::Outdated));
    }
    if app.assets.failure.is_some() {
        facts.push(("no list".to_owned(), Role::Bad));
    }
    if let Some(quota) = app.env.quota {
        let low = u64::from(quota.remaining) * 10 < u64::from(quota.limit);
        let role = if low { Role::Warning } else { Role::Dim };
        facts.push((format!("quota {}/{}", quota.remaining, quota.limit), role));
    }
    // Pending and Watch say it beside everything else of it
    if !matches!(app.screen, Screen::Pending | Screen::Watch) {
        let behind = app.open().find_map(|it| pending::view::slowest(it.snapshot.as_deref()?));
        facts.extend(behind.map(|place| (format!("slowest cache {place}"), Role::Dim)));
    }
    if setup.profile != setup.cloud_name {
        facts.push((text::shown(&setup.profile).into_owned(), Role::Dim));
    }
    facts
}

/// News above the footer: what happened, and what to do next.
fn toast(app: &App, pen: &mut Pen<'_>, body: Rect) {
    let Some(toast) = &app.env.toast else { return };
    let width = body.width.saturating_sub(2);
    let room = usize::from(width.saturating_sub(2));
    let cut = pen.theme.glyphs.cut;
    let most = if body.width < 60 { 4 } else { 3 };
    let news = text::wrap_at_most(&toast.text, room, most, cut).into_iter();
    let mut lines: Vec<(String, bool)> = news.map(|line| (line, true)).collect();
    if !toast.hint.is_empty() {
        let hint = text::wrap_at_most(&toast.hint, room, 2, cut).into_iter();
        lines.extend(hint.map(|line| (line, false)));
    }
    let height = u16::try_from(lines.len()).unwrap_or(1).min(body.height.saturating_sub(1).max(1));
    // the command line is at the bottom: nothing may hide what is typed
    let area = match app.overlay {
        Some(Overlay::CommandLine(_)) => layout::split_top(body, height).0,
        _ => layout::split_bottom(body, height).1,
    };
    pen.clear(area);
    let (glyph, role) = match toast.tone {
        Tone::Plain => (pen.theme.glyphs.bullet, Role::Info),
        Tone::Good => (pen.theme.glyphs.cleared, Role::Good),
        Tone::Bad => (pen.theme.glyphs.outdated, Role::Bad),
    };
    for (line, (text, is_news)) in (area.y..area.bottom()).zip(&lines) {
        if line == area.y {
            pen.put(area.x + 1, line, 1, glyph, role);
        }
        pen.put(
            area.x + 3,
            line,
            width.saturating_sub(2),
            text,
            if *is_news { role } else { Role::Text },
        );
    }
}

/// A turning mark for waits; it moves once a second, with the time beside it.
#[must_use]
pub fn spinner(app: &App, since: crate::domain::time::Moment) -> (&'static str, String) {
    let waited = app.env.moment.since(since);
    let turns = usize::try_from(waited.as_secs() % 4).unwrap_or(0);
    (app.theme.glyphs.spinner[turns], text::elapsed(waited))
}

/// The time of day in UTC, as timelines show it.
#[must_use]
pub fn clock(at: crate::domain::time::Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}
