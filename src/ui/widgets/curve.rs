//! The propagation curve: cells clear over time, in block glyphs, with its numbers.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::domain::snapshot::CurvePoint;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Columns of the shares at the left of a chart.
const SHARES: u16 = 6;

/// Draws the curve; its last row holds the beginning and the end of the time shown.
pub fn curve(pen: &mut Pen<'_>, area: Rect, points: &[CurvePoint]) {
    let Some(end) = points.last().map(|point| point.after) else {
        pen.put(area.x, area.y, area.width, "nothing was seen yet", Role::Dim);
        return;
    };
    let rows = area.height.saturating_sub(1).min(6);
    steps(pen, Rect { height: rows, ..area }, points, end);
    if area.height > 0 {
        let y = area.y + rows.min(area.height - 1);
        let last = points.last().map_or((0, 0), |point| (point.clear, point.total));
        pen.put(area.x, y, area.width, "0 s", Role::Dim);
        let note = format!("{}/{} clear after {}", last.0, last.1, text::measured(end));
        pen.put_right(area.right(), y, area.width.saturating_sub(4), &note, Role::Dim);
    }
}

/// The curve with its axes: shares at the left, times below. Wants 4 rows and 20 columns.
pub fn chart(pen: &mut Pen<'_>, area: Rect, points: &[CurvePoint]) {
    let end = points.last().map(|point| point.after);
    let Some(end) = end.filter(|_| area.height >= 4 && area.width >= 20) else {
        curve(pen, area, points);
        return;
    };
    let plot =
        Rect { x: area.x + SHARES, width: area.width - SHARES, height: area.height - 2, ..area };
    for (share, word) in [(0.0, "100 %"), (0.25, "75 %"), (0.5, "50 %"), (0.75, "25 %")] {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the plot
        let row = (share * f64::from(plot.height)).round() as u16;
        let is_quarter = matches!(word, "75 %" | "25 %");
        if (is_quarter && plot.height < 8) || row >= plot.height {
            continue;
        }
        pen.put_right(plot.x - 1, plot.y + row, SHARES - 1, word, Role::Dim);
    }
    steps(pen, plot, points, end);
    let axis = Rect { y: plot.bottom(), height: 1, ..plot };
    pen.rule(axis);
    let y = axis.y + 1;
    pen.put(plot.x, y, plot.width, "0 s", Role::Dim);
    let last = text::measured(end);
    pen.put_right(plot.right(), y, plot.width, &last, Role::Dim);
    if plot.width >= 50 {
        let half = text::measured(end / 2);
        let wide = u16::try_from(text::width(&half)).unwrap_or(0);
        pen.put(plot.x + plot.width / 2 - wide / 2, y, wide, &half, Role::Dim);
    }
}

/// Columns of blocks, each as high as the share that was clear at its moment.
fn steps(pen: &mut Pen<'_>, area: Rect, points: &[CurvePoint], end: Duration) {
    let rows = area.height;
    let shares: Vec<f64> = (0..area.width).map(|x| share_at(points, end, x, area.width)).collect();
    let steps = pen.theme.glyphs.steps;
    for row in 0..rows {
        let floor = f64::from(rows - 1 - row);
        for (x, share) in (area.x..).zip(&shares) {
            let filled = (share * f64::from(rows) - floor).clamp(0.0, 1.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 8
            let step = (filled * 8.0).round() as usize;
            if step > 0 {
                pen.put(x, area.y + row, 1, steps[step], Role::BarDone);
            }
        }
    }
}

/// When a share of the cells was first clear, `share` in 0..=1; `None` where it never was.
#[must_use]
pub fn reached(points: &[CurvePoint], share: f64) -> Option<Duration> {
    let enough = |point: &&CurvePoint| {
        point.total > 0 && point.clear > 0 && point.clear as f64 >= share * point.total as f64
    };
    points.iter().find(enough).map(|point| point.after)
}

/// The share that was clear at a column's moment.
fn share_at(points: &[CurvePoint], end: Duration, x: u16, width: u16) -> f64 {
    let at = end.mul_f64(f64::from(x + 1) / f64::from(width.max(1)));
    let seen = points.iter().take_while(|point| point.after <= at).last();
    seen.filter(|point| point.total > 0)
        .map_or(0.0, |point| point.clear as f64 / point.total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::testing::picture;

    fn points() -> Vec<CurvePoint> {
        let point =
            |(secs, clear)| CurvePoint { after: Duration::from_secs(secs), clear, total: 24 };
        [(0, 0), (5, 3), (10, 12), (20, 20), (40, 24)].map(point).into()
    }

    #[test]
    fn the_curve_rises_with_the_cells_that_clear() {
        insta::assert_snapshot!(picture(30, 4, |pen, area| curve(pen, area, &points())), @r"
                      ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄█
               ▄▄▄▄▄▄▄████████████████
           ▃▃▃▃███████████████████████
        0 s     24/24 clear after 40 s
        ");
        insta::assert_snapshot!(picture(30, 2, |pen, area| curve(pen, area, &[])), @"nothing was seen yet");
    }

    #[test]
    fn the_chart_has_its_axes() {
        insta::assert_snapshot!(picture(60, 10, |pen, area| chart(pen, area, &points())));
    }

    #[test]
    fn shares_are_reached_once() {
        let at = |share| reached(&points(), share).map(|after| after.as_secs());
        assert_eq!((at(0.0), at(0.5), at(0.9), at(1.0)), (Some(5), Some(10), Some(40), Some(40)));
        assert_eq!(reached(&points()[..2], 0.5), None);
    }
}
