//! The propagation curve: cells clear over time, in block glyphs, with its numbers.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::domain::snapshot::CurvePoint;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Draws the curve; its last row holds the beginning and the end of the time shown.
pub fn curve(pen: &mut Pen<'_>, area: Rect, points: &[CurvePoint]) {
    let Some(end) = points.last().map(|point| point.after) else {
        pen.put(area.x, area.y, area.width, "nothing was seen yet", Role::Dim);
        return;
    };
    let rows = area.height.saturating_sub(1).min(6);
    let shares: Vec<f64> = (0..area.width).map(|x| share_at(points, end, x, area.width)).collect();
    let steps = pen.theme.glyphs.steps;
    for row in 0..rows {
        let floor = f64::from(rows - 1 - row);
        for (x, share) in (area.x..).zip(&shares) {
            let filled = (share * f64::from(rows) - floor).clamp(0.0, 1.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 8
            let step = (filled * 8.0).round() as usize;
            pen.put(x, area.y + row, 1, steps[step], Role::BarDone);
        }
    }
    if area.height > 0 {
        let y = area.y + rows.min(area.height - 1);
        let last = points.last().map_or((0, 0), |point| (point.clear, point.total));
        pen.put(area.x, y, area.width, "0 s", Role::Dim);
        let note = format!("{}/{} clear after {}", last.0, last.1, text::elapsed(end));
        pen.put_right(area.right(), y, area.width.saturating_sub(4), &note, Role::Dim);
    }
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

    #[test]
    fn the_curve_rises_with_the_cells_that_clear() {
        let point = |secs, clear| CurvePoint { after: Duration::from_secs(secs), clear, total: 24 };
        let points = [point(0, 0), point(5, 3), point(10, 12), point(20, 20), point(40, 24)];
        insta::assert_snapshot!(picture(30, 4, |pen, area| curve(pen, area, &points)), @r"
                      ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄█
               ▄▄▄▄▄▄▄████████████████
           ▃▃▃▃███████████████████████
        0 s     24/24 clear after 40 s
        ");
        insta::assert_snapshot!(picture(30, 2, |pen, area| curve(pen, area, &[])), @"nothing was seen yet");
    }
}
