//! The picture of an asset: asked for while its part of the details is open, shown as the terminal can.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::state::DetailsTab;
use crate::app::action::Screen;
use crate::app::effect::{Effect, TaskId};
use crate::app::msg::Failure;
use crate::app::state::{App, Overlay};
use crate::domain::asset::AssetKey;
use crate::domain::time::Moment;
use crate::ops::engine::Shown;
use crate::screens::shell::spinner;
use crate::ui::pen::Pen;
use crate::ui::pixels::{Pixels, Way};
use crate::ui::theme::Role;
use crate::ui::widgets::picture::{Canvas, picture};
use crate::ui::{layout, text};

/// What looking for a picture came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Drawn {
        pixels: Arc<Pixels>,
        url: String,
        /// Transformation of the derived copy that it is; `None`: the original.
        derived: Option<String>,
        /// Who delivered it.
        from: String,
        bytes: u64,
    },
    /// There is none, and why; `may_insist`: unless it is asked for.
    Not { why: String, may_insist: bool },
}

/// The picture that is shown, or on its way.
#[derive(Debug, Clone)]
pub struct PictureView {
    pub key: AssetKey,
    /// Version of the asset that it is of.
    pub version: u64,
    pub task: TaskId,
    pub since: Moment,
    /// `None` before the answer.
    pub found: Option<Result<Found, Failure>>,
}

/// The asset whose picture is on screen, once its details were read.
fn subject(app: &App) -> Option<&Arc<Shown>> {
    let wanted = app.screen == Screen::Assets && app.assets.tab == DetailsTab::Picture;
    let open = app.assets.details.as_ref().filter(|_| wanted)?;
    app.assets.read_of(&open.key)?.result.as_ref().ok()
}

/// Asks for the picture that is to be seen and is not there, if any is.
pub fn wanted(app: &mut App) -> Vec<Effect> {
    let Some(shown) = subject(app).filter(|_| app.pictures.way() != Way::Off) else {
        return vec![];
    };
    let asset = &shown.detail.asset;
    let known = app.assets.picture.as_ref();
    if known.is_some_and(|known| known.key == asset.key && known.version == asset.version) {
        return vec![];
    }
    ask(app, false)
}

/// Asks for it again; `insisted`: whatever a cache keeps of that.
pub fn ask(app: &mut App, insisted: bool) -> Vec<Effect> {
    let way = app.pictures.way();
    let Some(shown) = subject(app).filter(|_| way != Way::Off).cloned() else {
        return vec![];
    };
    let (task, asset) = (app.env.task(), &shown.detail.asset);
    app.assets.picture = Some(PictureView {
        key: asset.key.clone(),
        version: asset.version,
        task,
        since: app.env.moment,
        found: None,
    });
    vec![Effect::Picture { task, shown, insisted, way }]
}

/// It came, or did not.
pub fn found(app: &mut App, task: TaskId, found: Result<Found, Failure>) {
    if let Some(view) = app.assets.picture.as_mut().filter(|view| view.task == task) {
        view.found = Some(found);
    }
}

/// Draws pictures from now on, or no longer.
pub fn switch(app: &mut App) {
    if app.pictures.switch() {
        app.assets.picture = None;
        app.env.say(match app.pictures.way() {
            Way::Off => "no pictures are loaded or drawn".to_owned(),
            way => format!("pictures are drawn: {}", way.as_str()),
        });
    } else {
        app.env.say("this build draws no pictures");
    }
}

/// The terminal said what it draws them with: what was loaded for another way is loaded again.
pub fn learn(app: &mut App, way: Way, why: &str) {
    let before = app.pictures.way();
    app.pictures.learn(way);
    if app.pictures.way() != before {
        app.assets.picture = None;
    }
    if let Some(told) = app.debug.about.iter_mut().find(|(name, _)| *name == "pictures") {
        told.1 = text::shown(&format!("{}: {why}", way.as_str())).into_owned();
    }
}

/// How a picture gets onto this screen now: what the terminal paints over cells would hide what is open above them.
#[must_use]
pub fn canvas(app: &App) -> Canvas {
    let above = app.overlay.as_ref().is_some_and(|it| !matches!(it, Overlay::Compare(_)));
    let covered = above || app.env.toast.is_some();
    let way = match app.pictures.way() {
        way if way.is_over_cells() && covered => Way::Cells,
        way => way,
    };
    Canvas { way, depth: app.look.depth, ascii: app.look.ascii, ground: app.ground }
}

/// Kind, size and bytes of the asset, then its picture, or why there is none.
pub fn draw(app: &App, pen: &mut Pen<'_>, area: Rect, shown: &Shown) {
    let asset = &shown.detail.asset;
    let format = text::shown(asset.format.as_deref().unwrap_or("unknown format")).into_owned();
    let size = asset.width.zip(asset.height).filter(|(width, height)| *width > 0 && *height > 0);
    let kind = format!("{} {format}, {}", asset.key.resource_type, text::bytes(asset.bytes));
    let pixels = size.map(|(width, height)| format!("{width} x {height} pixels"));
    let here = app.assets.picture.as_ref();
    let here = here.filter(|view| view.key == asset.key && view.version == asset.version);
    if let Some(Ok(Found::Drawn { pixels, url, derived, from, bytes })) =
        here.and_then(|view| view.found.as_ref())
    {
        let what = match derived.as_deref() {
            None => "the original".to_owned(),
            Some("") => "a copy in another format".to_owned(),
            Some(transformation) => format!("the copy {}", text::shown(transformation)),
        };
        let (width, height) = pixels.full;
        let line = format!(
            "{what} from {}: {} {width} x {height}, {}",
            text::shown(from),
            pixels.format,
            text::bytes(*bytes)
        );
        let end = pen.put(area.x, area.y, area.width, &line, Role::Dim);
        pen.link(area.x, area.y, end, url);
        let rest = layout::split_top(area, u16::from(area.height > 3)).1;
        picture(pen, rest, pixels, canvas(app));
        return;
    }
    let mut lines: Vec<(String, Role)> =
        [Some(kind), pixels].into_iter().flatten().map(|line| (line, Role::Text)).collect();
    let address = shown.urls.first().map(|url| (text::shown(&url.url).into_owned(), Role::Accent));
    let browser = |why: &str| (format!("{why}: open the URL in a browser"), Role::Dim);
    match here.map(|view| (&view.found, view.since)) {
        _ if !app.pictures.are_built() => {
            lines.extend(address);
            lines.push(browser("this build draws no pictures"));
        }
        _ if app.pictures.way() == Way::Off => {
            lines.extend(address);
            let on = app.keymap.shown("details.pictures");
            lines.push((format!("{on} draws it here; pictures are switched off"), Role::Dim));
        }
        None | Some((None, _)) => {
            let since = here.map_or(app.env.moment, |view| view.since);
            let (glyph, waited) = spinner(app, since);
            lines.push((format!("{glyph} loading it from one cache, {waited}"), Role::Info));
        }
        Some((Some(Ok(Found::Not { why, may_insist })), _)) => {
            lines.push((text::shown(why).into_owned(), Role::Warning));
            if *may_insist {
                let look = app.keymap.shown("details.look");
                lines.push((format!("{look} loads it all the same"), Role::Dim));
            } else {
                lines.extend(address);
            }
        }
        Some((Some(Err(failure)), _)) => {
            lines.push((failure.headline.clone(), Role::Bad));
            lines.push((failure.hint.clone(), Role::Dim));
        }
        Some((Some(Ok(Found::Drawn { .. })), _)) => {} // above
    }
    let mut used = 0;
    for (line, role) in lines.iter().filter(|(line, _)| !line.is_empty()) {
        used += pen.paragraph(layout::split_top(area, used).1, line, *role);
    }
    let rest = layout::split_top(area, used + 1).1;
    if let Some((width, height)) = size.filter(|_| rest.height >= 4 && rest.width >= 12) {
        frame(pen, rest, f64::from(width) / f64::from(height));
    }
}

/// A frame as wide and high as the picture is, cells being twice as high as wide.
fn frame(pen: &mut Pen<'_>, area: Rect, ratio: f64) {
    let most = (f64::from(area.width), f64::from(area.height));
    let wide = most.0.min(most.1 * 2.0 * ratio).max(4.0);
    let high = (wide / 2.0 / ratio).clamp(2.0, most.1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the area
    let (wide, high) = (wide as u16, high as u16);
    let glyphs = pen.theme.glyphs;
    let line = glyphs.line.repeat(usize::from(wide - 2));
    for (y, from, to) in [(area.y, 0, 1), (area.y + high - 1, 2, 3)] {
        pen.put(area.x, y, 1, glyphs.corners[from], Role::Border);
        pen.put(area.x + 1, y, wide - 2, &line, Role::Border);
        pen.put(area.x + wide - 1, y, 1, glyphs.corners[to], Role::Border);
    }
    for y in area.y + 1..area.y + high - 1 {
        pen.put(area.x, y, 1, glyphs.upright, Role::Border);
        pen.put(area.x + wide - 1, y, 1, glyphs.upright, Role::Border);
    }
}
