//! A cell of the matrix in glyph, word and colour: glyph and word carry the meaning, colour repeats it.

use crate::domain::snapshot::{Cell, PlaceState};
use crate::domain::verdict::Verdict;
use crate::ui::theme::{Glyphs, Role};

/// How a cell is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    pub glyph: &'static str,
    /// One letter for narrow matrices.
    pub letter: char,
    /// At most 5 columns.
    pub short: String,
    pub word: String,
    pub role: Role,
}

/// The face of a verdict.
#[must_use]
pub fn face_of(verdict: Verdict, glyphs: &Glyphs) -> Face {
    let (glyph, letter, short, role) = match verdict {
        Verdict::Cleared => (glyphs.cleared, 'C', "clear", Role::Cleared),
        Verdict::Same => (glyphs.same, 'S', "same", Role::Same),
        Verdict::Outdated => (glyphs.outdated, 'O', "old", Role::Outdated),
        Verdict::Other => (glyphs.other, 'X', "other", Role::Other),
        Verdict::Unknown => (glyphs.unknown, 'U', "?", Role::Unknown),
    };
    Face { glyph, letter, short: short.to_owned(), word: verdict.as_str().to_owned(), role }
}

/// The face of a cell: its verdict, with the run while it is not long enough to count as clear.
#[must_use]
pub fn face(cell: &Cell, place: PlaceState, glyphs: &Glyphs) -> Face {
    let left_out = |word: &str| Face {
        glyph: glyphs.left_out,
        letter: '-',
        short: "out".to_owned(),
        word: word.to_owned(),
        role: Role::Left,
    };
    match (place, cell.verdict) {
        (PlaceState::Excluded, _) => left_out("left out"),
        (PlaceState::Unreachable, _) => left_out("no answer"),
        (_, None) => Face {
            glyph: glyphs.unseen,
            letter: ' ',
            short: String::new(),
            word: "not seen".to_owned(),
            role: Role::Unseen,
        },
        (_, Some(verdict)) => {
            let mut face = face_of(verdict, glyphs);
            if cell.regressed && !cell.clear {
                (face.word, face.short) = ("regressed".to_owned(), "back".to_owned());
                face.letter = 'R';
            } else if verdict.is_clear() && !cell.clear {
                face.word = format!("{} of {}", cell.run, cell.k);
                face.short = format!("{}/{}", cell.run, cell.k);
                face.letter = 'c';
            }
            face
        }
    }
}

/// Glyphs and words of every verdict, on one line.
#[must_use]
pub fn legend(glyphs: &Glyphs) -> Vec<(String, Role)> {
    let verdicts =
        [Verdict::Cleared, Verdict::Same, Verdict::Outdated, Verdict::Other, Verdict::Unknown];
    let mut parts: Vec<_> = verdicts
        .into_iter()
        .map(|verdict| {
            let face = face_of(verdict, glyphs);
            (format!("{} {}  ", face.glyph, face.word), face.role)
        })
        .collect();
    parts.push((format!("{} not seen  ", glyphs.unseen), Role::Unseen));
    parts.push((format!("{} left out", glyphs.left_out), Role::Left));
    parts
}
