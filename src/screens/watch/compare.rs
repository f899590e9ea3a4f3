//! Two pictures side by side: what a cache serves now, and what storage holds.

use ratatui::layout::Rect;

use crate::app::effect::{Effect, TaskId};
use crate::app::msg::Failure;
use crate::app::state::{App, Overlay};
use crate::domain::place::PlaceId;
use crate::domain::snapshot::{Phase, WatchSnapshot};
use crate::domain::time::Moment;
use crate::screens::assets::picture::{Found, canvas};
use crate::screens::shell::spinner;
use crate::screens::watch::evidence::{most, of_cell};
use crate::ui::pen::Pen;
use crate::ui::pixels::Way;
use crate::ui::theme::Role;
use crate::ui::widgets::hints::hints;
use crate::ui::widgets::picture::picture;
use crate::ui::{layout, text};

/// What the cache serves, and what storage holds.
pub type Sides = (Found, Found);

/// The two pictures of one cell.
#[derive(Debug, Clone)]
pub struct CompareView {
    pub place: PlaceId,
    /// As the snapshot shows it.
    pub url: String,
    pub task: TaskId,
    pub since: Moment,
    /// `None` before the answer.
    pub sides: Option<Result<Box<Sides>, Failure>>,
}

/// Opens them for the cell under the cursor. Nothing is loaded while the caches are left alone: a look could plant the
/// old copy again.
pub fn open(app: &mut App, shown: &WatchSnapshot) -> Vec<Effect> {
    let way = app.pictures.way();
    if way == Way::Off {
        app.env.say("pictures are switched off; `:pictures` switches them on");
        return vec![];
    }
    if matches!(shown.phase, Phase::Executing | Phase::HoldingBack) {
        app.env.say("not yet: a look before the caches are asked could plant the old copy again");
        return vec![];
    }
    let place = shown.places.get(app.watch.place.min(shown.places.len().saturating_sub(1)));
    let url = shown.urls.get(app.watch.url.min(shown.urls.len().saturating_sub(1)));
    let Some((place, url)) = place.zip(url) else {
        app.env.say("no cell is under the cursor");
        return vec![];
    };
    let (task, place, url) = (app.env.task(), place.id.clone(), url.url.clone());
    let effect =
        Effect::Compare { task, watch: shown.id, place: place.clone(), url: url.clone(), way };
    app.open_overlay(Overlay::Compare(CompareView {
        place,
        url,
        task,
        since: app.env.moment,
        sides: None,
    }));
    vec![effect]
}

/// They came, or did not.
pub fn compared(app: &mut App, task: TaskId, sides: Result<Box<Sides>, Failure>) {
    if let Some(Overlay::Compare(view)) = &mut app.overlay
        && view.task == task
    {
        view.sides = Some(sides);
    }
}

/// Draws them over the screen, one below the other where it is narrow.
pub fn draw(app: &App, pen: &mut Pen<'_>, view: &CompareView, area: Rect) {
    let place = text::shown(&view.place.0).into_owned();
    let title = format!("{place} and storage");
    let (rest, keys) = of_cell(pen, area, (area.width, most(area)), &title, &view.url);
    let now = format!("{place} serves now");
    match &view.sides {
        None => {
            let (glyph, waited) = spinner(app, view.since);
            pen.paragraph(rest, &format!("{glyph} loading both, {waited}"), Role::Info);
        }
        Some(Err(failure)) => {
            let used = pen.paragraph(rest, &failure.headline, Role::Bad);
            pen.paragraph(layout::split_top(rest, used).1, &failure.hint, Role::Text);
        }
        Some(Ok(sides)) => {
            let (one, other) = halves(rest);
            side(app, pen, one, &now, &sides.0);
            side(app, pen, other, "storage holds", &sides.1);
        }
    }
    let hint = [
        (app.keymap.shown("evidence.copy"), "copy the URL"),
        (app.keymap.shown("evidence.close"), "close"),
    ];
    hints(pen, keys, &hint);
}

/// Side by side where each has room, else one below the other.
fn halves(area: Rect) -> (Rect, Rect) {
    if area.width >= 36 {
        let width = area.width.saturating_sub(2) / 2;
        let right = area.x + area.width - width;
        (Rect { width, ..area }, Rect { x: right, width, ..area })
    } else {
        layout::split_top(area, area.height / 2)
    }
}

fn side(app: &App, pen: &mut Pen<'_>, area: Rect, title: &str, found: &Found) {
    if area.height == 0 {
        return;
    }
    pen.put(area.x, area.y, area.width, title, Role::Heading);
    let rest = layout::split_top(area, 1).1;
    match found {
        Found::Not { why, .. } => {
            pen.paragraph(rest, &text::shown(why), Role::Warning);
        }
        Found::Drawn { pixels, bytes, .. } => {
            let (width, height) = pixels.full;
            let line = format!("{} {width} x {height}, {}", pixels.format, text::bytes(*bytes));
            let told = u16::from(rest.height > 2);
            if told > 0 {
                pen.put(rest.x, rest.y, rest.width, &line, Role::Dim);
            }
            picture(pen, layout::split_top(rest, told).1, pixels, canvas(app));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::msg::Msg;
    use crate::screens::testing::{Console, watch};
    use crate::ui::pixels::Pictures;
    use crate::ui::pixels::tests::flag;

    fn drawn(id: u64) -> Found {
        Found::Drawn {
            pixels: Arc::new(flag(id, 64, 32)),
            url: "http://127.0.0.1:4101/x.jpg".to_owned(),
            derived: None,
            from: "FRA".to_owned(),
            bytes: 34_000,
        }
    }

    #[test]
    fn what_a_cache_serves_stands_beside_what_storage_holds() {
        let mut console = Console::with_assets(80, 24);
        console.board(vec![watch(3)]);
        console.press("w");
        assert_eq!(console.press("o"), [], "pictures are off");
        console.app.pictures = Pictures::drawn(Way::Cells, Way::Cells);
        let effects = console.press("o");
        let [Effect::Compare { task, .. }] = effects[..] else { panic!("{effects:?}") };
        assert!(console.frame().contains("loading both"), "{}", console.frame());
        assert!(console.app.shows_time());
        let why = "storage holds nothing under this name".to_owned();
        let sides = Box::new((drawn(1), Found::Not { why, may_insist: false }));
        console.tell(Msg::Compared { task, result: Ok(sides) });
        assert!(
            !console.app.shows_time() || console.app.screen == crate::app::action::Screen::Watch
        );
        console.app.env.toast = None;
        insta::assert_snapshot!("compare_gone_80x24", console.frame());
        let sides = Box::new((drawn(1), drawn(2)));
        console.tell(Msg::Compared { task, result: Ok(sides) });
        insta::assert_snapshot!("compare_80x24", console.frame());
        insta::assert_snapshot!("compare_40x10", console.frame_at(40, 10));
        console.frame_at(20, 5);
        assert!(matches!(&console.press("y")[..], [Effect::Copy(url)] if url.starts_with("http")));
        console.press("esc");
        assert!(console.app.overlay.is_none());
    }

    #[test]
    fn caches_that_are_left_alone_are_not_looked_at() {
        let mut console = Console::with_assets(80, 24);
        let mut early = watch(0);
        early.phase = Phase::HoldingBack;
        console.board(vec![early]);
        console.app.pictures = Pictures::drawn(Way::Cells, Way::Cells);
        console.press("w");
        assert_eq!(console.press("o"), []);
        assert!(console.frame().contains("plant the old copy again"), "{}", console.frame());
    }
}
