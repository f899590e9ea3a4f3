//! Areas: which part of the terminal shows what. Pure arithmetic, used by views and by updates alike, so that a
//! page is as long as what is seen.

use ratatui::layout::Rect;

/// From this width on, details stand beside the list.
pub const WIDE: u16 = 100;

/// Header, body and footer of every screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shell {
    /// One line, two with a rule below where there is room.
    pub header: Rect,
    pub body: Rect,
    pub footer: Rect,
}

/// Divides the terminal; on the smallest ones header and footer give way.
#[must_use]
pub fn shell(area: Rect) -> Shell {
    let (top, bottom) = match area.height {
        0..=2 => (0, 0),
        3..=15 => (1, 1),
        _ => (2, 1),
    };
    Shell {
        header: Rect { height: top, ..area },
        body: Rect { y: area.y + top, height: area.height - top - bottom, ..area },
        footer: Rect { y: area.y + area.height - bottom, height: bottom, ..area },
    }
}

/// Whether the header has one line alone.
#[must_use]
pub const fn is_low((_, height): (u16, u16)) -> bool {
    height < 16
}

/// The whole terminal of `(columns, rows)`.
#[must_use]
pub const fn screen((width, height): (u16, u16)) -> Rect {
    Rect { x: 0, y: 0, width, height }
}

/// List and details of the Assets screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panes {
    pub list: Option<Rect>,
    pub details: Option<Rect>,
}

/// Details take the right part of a wide body, all of a narrow one.
#[must_use]
pub fn panes(body: Rect, details: bool) -> Panes {
    if !details {
        return Panes { list: Some(body), details: None };
    }
    if body.width < WIDE {
        return Panes { list: None, details: Some(body) };
    }
    let width = (body.width * 9 / 20).clamp(44, 72);
    let list = Rect { width: body.width - width - 1, ..body };
    Panes { list: Some(list), details: Some(Rect { x: list.x + list.width + 1, width, ..body }) }
}

/// Status line, headings and rows of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListAreas {
    pub status: Rect,
    pub headings: Rect,
    pub rows: Rect,
}

#[must_use]
pub fn list(area: Rect) -> ListAreas {
    let status = area.height.min(1);
    let headings = u16::from(area.height >= 6);
    let top = status + headings;
    ListAreas {
        status: Rect { height: status, ..area },
        headings: Rect { y: area.y + status, height: headings, ..area },
        rows: Rect { y: area.y + top, height: area.height - top, ..area },
    }
}

/// Rows of the list of assets that are seen at once.
#[must_use]
pub fn list_height(size: (u16, u16)) -> usize {
    usize::from(list(shell(screen(size)).body).rows.height).max(1)
}

/// A dialog of at most `width` x `height`, in the middle, never outside of `area`.
#[must_use]
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// `area` without `by` columns at its left and right.
#[must_use]
pub fn inset(area: Rect, by: u16) -> Rect {
    let by = by.min(area.width / 2);
    Rect { x: area.x + by, width: area.width - 2 * by, ..area }
}

/// The first `height` rows of `area`, and the rest.
#[must_use]
pub fn split_top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// The part before the last `height` rows of `area`, and these.
#[must_use]
pub fn split_bottom(area: Rect, height: u16) -> (Rect, Rect) {
    split_top(area, area.height - height.min(area.height))
}

/// The first of `total` rows to show, so that `cursor` is seen, near the middle where rows go on both ways.
#[must_use]
pub const fn window(cursor: usize, total: usize, height: usize) -> usize {
    if total <= height {
        return 0;
    }
    let centred = cursor.saturating_sub(height / 2);
    let last = total - height;
    if centred < last { centred } else { last }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    pub width: u16,
    /// Takes what is left over.
    pub grows: bool,
    pub right: bool,
    /// Columns with a higher number leave first.
    pub priority: u8,
}

/// Widths of the columns that fit into `width` with two spaces between them; `None` where one has left.
#[must_use]
pub fn fit(columns: &[Column], width: u16) -> Vec<Option<u16>> {
    let mut shown: Vec<bool> = vec![true; columns.len()];
    let needed = |shown: &[bool]| -> u16 {
        let kept = columns.iter().zip(shown).filter(|(_, shown)| **shown);
        let (sum, count) =
            kept.fold((0, 0), |(sum, count), (column, _)| (sum + column.width, count + 1));
        sum + 2 * u16::saturating_sub(count, 1)
    };
    while needed(&shown) > width && shown.iter().filter(|shown| **shown).count() > 1 {
        let leaves =
            (0..columns.len()).filter(|at| shown[*at]).max_by_key(|at| columns[*at].priority);
        match leaves {
            Some(at) => shown[at] = false,
            None => break,
        }
    }
    let spare = width.saturating_sub(needed(&shown));
    let growing = columns.iter().zip(&shown).filter(|(c, shown)| c.grows && **shown).count();
    let each = u16::try_from(growing).ok().filter(|n| *n > 0).map_or(0, |n| spare / n);
    columns
        .iter()
        .zip(&shown)
        .map(|(column, shown)| {
            shown.then(|| (column.width + if column.grows { each } else { 0 }).min(width))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(80, 24)]
    #[case(140, 40)]
    #[case(40, 10)]
    #[case(20, 5)]
    #[case(1, 1)]
    #[case(0, 0)]
    fn no_area_leaves_the_terminal(#[case] width: u16, #[case] height: u16) {
        let all = screen((width, height));
        let shell = shell(all);
        let panes = panes(shell.body, true);
        let areas = [shell.header, shell.body, shell.footer, centred(all, 70, 20)];
        let lists = [panes.list, panes.details];
        for area in areas.into_iter().chain(lists.into_iter().flatten()) {
            assert_eq!(area.intersection(all), area);
        }
        assert_eq!(shell.header.height + shell.body.height + shell.footer.height, height);
    }

    #[test]
    fn columns_leave_by_priority() {
        let column =
            |width, grows, priority| Column { title: "", width, grows, right: false, priority };
        let columns = [column(12, true, 0), column(6, false, 2), column(8, false, 1)];
        assert_eq!(fit(&columns, 40), [Some(22), Some(6), Some(8)]);
        assert_eq!(fit(&columns, 24), [Some(14), None, Some(8)]);
        assert_eq!(fit(&columns, 14), [Some(14), None, None]);
        assert_eq!(fit(&columns, 5), [Some(5), None, None]);
    }

    #[test]
    fn the_cursor_is_always_in_the_window() {
        for total in 0..30 {
            for cursor in 0..total {
                let first = window(cursor, total, 7);
                assert!(first <= cursor && cursor < first + 7, "{cursor} of {total}");
            }
        }
    }
}
