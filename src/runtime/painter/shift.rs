//! Rows that moved up or down together.

use std::collections::HashMap;

use super::picture::{Glyph, Picture};

/// The rows from `top` to `bottom` (not included) move: up where `by` is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    pub top: u16,
    pub bottom: u16,
    pub by: i16,
}

/// With fewer rows that differ, moving them costs more than it saves.
const FEWEST: usize = 3;

/// The move that brings most rows to where they are wanted, if there is any. A proposal: what it saves shows when
/// both ways are written.
pub fn find(old: &Picture, new: &Picture) -> Option<Shift> {
    let height = new.size().1;
    let differing: Vec<u16> = (0..height).filter(|y| old.row(*y) != new.row(*y)).collect();
    if differing.len() < FEWEST {
        return None;
    }
    let range = *differing.first()?..*differing.last()? + 1;
    let is_blank = |row: &[Glyph]| row.iter().all(|glyph| *glyph == Glyph::BLANK);
    let mut rows_of: HashMap<u64, Vec<u16>> = HashMap::new();
    for y in range.filter(|y| !is_blank(old.row(*y))) {
        rows_of.entry(fingerprint(old.row(y))).or_default().push(y);
    }
    let mut votes: HashMap<i16, Vec<u16>> = HashMap::new();
    for y in differing {
        let Some(rows) = rows_of.get(&fingerprint(new.row(y))) else { continue };
        for from in rows.iter().filter(|from| old.row(**from) == new.row(y)) {
            let by = i16::try_from(*from).ok()? - i16::try_from(y).ok()?;
            votes.entry(by).or_default().push(y);
        }
    }
    let (by, rows) = votes
        .into_iter()
        .filter(|(by, rows)| *by != 0 && rows.len() > 1)
        .max_by_key(|(by, rows)| (rows.len(), -by.abs(), *by))?;
    let (first, last) = (*rows.iter().min()?, *rows.iter().max()?);
    let top = first.min(first.checked_add_signed(by)?);
    let bottom = last.max(last.checked_add_signed(by)?) + 1;
    (bottom - top > by.unsigned_abs()).then_some(Shift { top, bottom, by })
}

/// Rows that are alike have the same one.
fn fingerprint(row: &[Glyph]) -> u64 {
    row.iter().fold(0, |hash: u64, glyph| {
        (hash.rotate_left(5) ^ glyph.number()).wrapping_mul(0x517c_c1b7_2722_0a95)
    })
}
