//! The map of a watch and its list twin: the same places in the same order, one cursor for both.

use ratatui::layout::Rect;

use super::state::WatchState;
use crate::domain::pop;
use crate::domain::snapshot::{PlaceRow, PlaceState, WatchSnapshot};
use crate::domain::verdict::Verdict;
use crate::ui::pen::Pen;
use crate::ui::theme::{Glyphs, Role};
use crate::ui::widgets::map::{self, Mark};
use crate::ui::widgets::matrix::place_label;
use crate::ui::widgets::verdict::face;
use crate::ui::{layout, text};

/// Columns of the list twin.
const TWIN: u16 = 30;

/// How far a place is, in glyph and word; the rank is higher where more is to be seen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub glyph: &'static str,
    pub word: &'static str,
    pub role: Role,
    pub rank: u8,
}

const fn standings(glyphs: &Glyphs) -> [Standing; 6] {
    [
        Standing { glyph: glyphs.cleared, word: "clear", role: Role::Cleared, rank: 1 },
        Standing { glyph: glyphs.part, word: "partly", role: Role::Same, rank: 4 },
        Standing { glyph: glyphs.outdated, word: "old copy", role: Role::Outdated, rank: 5 },
        Standing { glyph: glyphs.unknown, word: "not told", role: Role::Unknown, rank: 3 },
        Standing { glyph: glyphs.hollow, word: "not seen", role: Role::Unseen, rank: 2 },
        Standing { glyph: glyphs.left_out, word: "left out", role: Role::Left, rank: 0 },
    ]
}

/// How far the place at `at` is.
#[must_use]
pub fn standing(shown: &WatchSnapshot, at: usize, glyphs: &Glyphs) -> Standing {
    let [clear, partly, old, untold, unseen, left] = standings(glyphs);
    let Some(place) = shown.places.get(at) else { return unseen };
    match place.state {
        PlaceState::Excluded | PlaceState::Unreachable => return left,
        PlaceState::Waiting => return unseen,
        PlaceState::Answering => {}
    }
    if place.clear == place.cells && place.cells > 0 {
        return clear;
    }
    if place.clear > 0 {
        return partly;
    }
    let cells = (0..shown.urls.len()).filter_map(|url| shown.cell(at, url));
    let known: Vec<Verdict> = cells.filter_map(|cell| cell.verdict).collect();
    if known.contains(&Verdict::Outdated) || known.contains(&Verdict::Other) {
        old
    } else if known.is_empty() {
        unseen
    } else {
        untold
    }
}

/// Where a place is, by its PoP code, else by its name.
fn located(place: &PlaceRow) -> Option<pop::Location> {
    place.pop.as_deref().and_then(pop::locate).or_else(|| pop::locate(&place.id.0))
}

/// The next place to the east or west of the one at `at`, around the world.
#[must_use]
pub fn beside(shown: &WatchSnapshot, at: usize, east: bool) -> Option<usize> {
    let mut order: Vec<(f64, usize)> = shown
        .places
        .iter()
        .enumerate()
        .filter_map(|(at, place)| Some((located(place)?.longitude, at)))
        .collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let count = order.len();
    let here = order.iter().position(|(_, place)| *place == at);
    let next = match here {
        Some(here) if east => (here + 1) % count,
        Some(here) => (here + count - 1) % count,
        None => 0,
    };
    order.get(next).map(|(_, at)| *at)
}

/// Map, list twin, legend and the place under the cursor.
pub fn draw(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: &WatchState) {
    if shown.places.is_empty() {
        pen.put(area.x, area.y, area.width, "no place has been found yet", Role::Dim);
        return;
    }
    let room = area.width.saturating_sub(TWIN + 3);
    let mapped = room >= map::LEAST.0 && area.height >= map::LEAST.1 + 2;
    if !mapped {
        twin(pen, area, shown, at.place);
        return;
    }
    let below = 2;
    let wide = room.min(map::width(area.height - below)).max(map::LEAST.0);
    let high = map::height(wide).min(area.height - below);
    let world = Rect { width: wide, height: high, ..area };
    map::world(pen, world, &marks(pen, shown, at.place));
    let right = Rect { x: world.right() + 3, width: area.right() - world.right() - 3, ..area };
    for y in area.top()..area.bottom() {
        pen.put(right.x - 2, y, 1, pen.theme.glyphs.upright, Role::Border);
    }
    twin(pen, right, shown, at.place);
    let rest = Rect { y: world.bottom(), height: area.bottom() - world.bottom(), ..world };
    legend(pen, rest);
    let rest = layout::split_top(rest, 1).1;
    let rest = if rest.height > 6 { layout::split_top(rest, 1).1 } else { rest };
    let used = unplaced(pen, rest, shown);
    let gap = u16::from(rest.height > used + 4);
    here(pen, layout::split_top(rest, used + gap).1, shown, at.place);
}

fn marks(pen: &Pen<'_>, shown: &WatchSnapshot, here: usize) -> Vec<Mark> {
    let places = shown.places.iter().enumerate();
    places
        .filter_map(|(at, place)| {
            let location = located(place)?;
            let Standing { glyph, role, rank, .. } = standing(shown, at, pen.theme.glyphs);
            let (latitude, longitude) = (location.latitude, location.longitude);
            Some(Mark { latitude, longitude, glyph, role, rank, here: at == here })
        })
        .collect()
}

fn legend(pen: &mut Pen<'_>, area: Rect) {
    if area.height == 0 {
        return;
    }
    let mut x = area.x;
    for Standing { glyph, word, role, .. } in standings(pen.theme.glyphs) {
        let part = format!("{glyph} {word}  ");
        if usize::from(area.right().saturating_sub(x)) < text::width(part.trim_end()) {
            break;
        }
        x = pen.put(x, area.y, area.right().saturating_sub(x), &part, role);
    }
}

/// Places that are not on the map, counted; the list twin names each.
fn unplaced(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot) -> u16 {
    let off = shown.places.iter().filter(|place| located(place).is_none()).count();
    if off == 0 || area.height == 0 {
        return 0;
    }
    let all = shown.places.len();
    let verb = if off == 1 { "is" } else { "are" };
    let line =
        format!("{off} of {} {verb} not on the map: no known location", text::plural(all, "place"));
    pen.put(area.x, area.y, area.width, &line, Role::Dim);
    1
}

/// The place under the cursor, URL by URL.
fn here(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: usize) {
    let Some(place) = shown.places.get(at).filter(|_| area.height > 0) else { return };
    let standing = standing(shown, at, pen.theme.glyphs);
    let took = match place.cleared_after {
        Some(after) => format!("  after {}", text::measured(after)),
        None => String::new(),
    };
    let head = format!("  {} {}", standing.glyph, standing.word);
    let counts = format!("  {}/{}", place.clear, place.cells);
    let label = place_label(place);
    let parts = [
        (label.as_str(), Role::Strong),
        (head.as_str(), standing.role),
        (counts.as_str(), Role::Text),
        (took.as_str(), Role::Dim),
    ];
    pen.parts(area.x, area.y, area.width, &parts);
    let rest = layout::split_top(area, 1).1;
    for (y, (column, url)) in (rest.top()..rest.bottom()).zip(shown.urls.iter().enumerate()) {
        let Some(cell) = shown.cell(at, column) else { continue };
        let face = face(cell, place.state, pen.theme.glyphs);
        let x = pen.put(rest.x + 2, y, 12, &format!("{} {}", face.glyph, face.word), face.role);
        let x = x.max(rest.x + 15);
        let room = rest.right().saturating_sub(x);
        pen.put(x, y, room, &text::shown(&url.short), Role::Dim);
    }
}

/// The list twin: every place in the order of the matrix.
fn twin(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: usize) {
    let first = layout::window(at, shown.places.len(), usize::from(area.height));
    let places = shown.places.iter().enumerate().skip(first);
    for (y, (position, place)) in (area.top()..area.bottom()).zip(places) {
        let standing = standing(shown, position, pen.theme.glyphs);
        let counts = format!("{}/{}", place.clear, place.cells);
        let wide = u16::try_from(text::width(&counts)).unwrap_or(0);
        pen.put_right(area.right(), y, wide, &counts, Role::Text);
        let right = area.right().saturating_sub(wide + 1);
        let x = pen.put(area.x + 2, y, 1, standing.glyph, standing.role) + 1;
        let word_from = if area.width >= 44 {
            pen.put(right.saturating_sub(9), y, 8, standing.word, standing.role);
            right.saturating_sub(10)
        } else {
            right
        };
        let room = word_from.saturating_sub(x);
        let off = located(place).is_none();
        let mark = if off { " (off the map)" } else { "" };
        let label = place_label(place);
        let fits = text::width(&label) + text::width(mark) <= usize::from(room);
        let label = if fits { format!("{label}{mark}") } else { label };
        pen.put(x, y, room, &label, if off { Role::Dim } else { Role::Text });
        if position == at {
            pen.cursor(Rect { y, height: 1, ..area }, Role::Cursor);
            pen.put(area.x, y, 1, pen.theme.glyphs.cursor, Role::Text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::testing::watch;
    use crate::ui::theme::{ASCII, UNICODE};

    #[test]
    fn standings_follow_the_cells() {
        let mut shown = watch(6); // FRA whole, IAD half, GRU with one unknown cell
        let words = |shown: &WatchSnapshot| {
            (0..shown.places.len()).map(|at| standing(shown, at, &UNICODE).word).collect::<Vec<_>>()
        };
        assert_eq!(
            words(&shown),
            ["clear", "partly", "old copy", "old copy", "old copy", "not seen"]
        );
        shown.places[0].state = PlaceState::Excluded;
        assert_eq!(words(&shown)[0], "left out");
    }

    #[test]
    fn places_differ_in_shape_and_word_as_well() {
        for glyphs in [&UNICODE, &ASCII] {
            let all = standings(glyphs);
            let distinct = |of: fn(&Standing) -> &'static str| {
                all.iter().map(of).collect::<std::collections::BTreeSet<_>>().len()
            };
            assert_eq!((distinct(|it| it.glyph), distinct(|it| it.word)), (6, 6));
        }
    }

    #[test]
    fn sideways_goes_around_the_world() {
        let shown = watch(0); // FRA IAD SIN GRU SYD NRT
        let mut seen = vec![1]; // from Ashburn to the east
        for _ in 0..6 {
            seen.push(beside(&shown, *seen.last().unwrap(), true).unwrap());
        }
        assert_eq!(seen, [1, 3, 0, 2, 5, 4, 1]);
        assert_eq!(beside(&shown, 1, false), Some(4));
    }
}
