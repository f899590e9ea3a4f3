//! What the terminal was sent beside its cells: kitty's pictures once each, those over cells whenever something else
//! was written where they are.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use ratatui::layout::Rect;

use super::sixel;
use crate::runtime::clipboard::{Between, through_tmux};
use crate::ui::pixels::{Pixels, Way};
use crate::ui::widgets::picture::{Placed, kitty_id};

/// Characters of base64 in one of kitty's pieces.
const PIECE: usize = 4096;
/// A cell in pixels where the terminal does not tell: rather too small than over the edge.
const SMALL_CELL: (u16, u16) = (8, 16);

/// Something was sent that the terminal keeps in its memory.
static KEPT: AtomicBool = AtomicBool::new(false);

/// Pictures that the terminal has or shows.
#[derive(Debug, Default)]
pub struct Easel {
    between: Between,
    /// What kitty was sent, by picture and size in cells.
    sent: Vec<(u64, u16, u16)>,
    /// What was painted over cells, and where.
    painted: Vec<(u64, Way, Rect)>,
}

impl Easel {
    /// For a terminal behind `between`.
    #[must_use]
    pub fn new(between: Between) -> Self {
        Self { between, ..Self::default() }
    }

    /// The terminal was entered anew: nothing is known of what it has.
    pub fn forget(&mut self) {
        self.sent.clear();
        self.painted.clear();
    }

    /// Whether what was painted over cells is not what is wanted there: the cells have to be written anew.
    #[must_use]
    pub fn is_in_the_way(&self, wanted: &[Placed]) -> bool {
        !self.painted.is_empty() && self.painted != over_cells(wanted)
    }

    /// Rows that pictures over cells are in, from the first to behind the last.
    #[must_use]
    pub fn rows(wanted: &[Placed]) -> Option<std::ops::Range<u16>> {
        let areas = || wanted.iter().filter(|it| it.way.is_over_cells()).map(|it| it.area);
        Some(areas().map(Rect::top).min()?..areas().map(Rect::bottom).max()?)
    }

    /// The bytes that have to come before the cells of this frame.
    pub fn before(&mut self, wanted: &[Placed]) -> Vec<u8> {
        let mut out = Vec::new();
        for placed in wanted.iter().filter(|placed| placed.way == Way::Kitty) {
            let key = (placed.pixels.id, placed.area.width, placed.area.height);
            if self.sent.contains(&key) {
                continue;
            }
            self.sent.retain(|(id, ..)| *id != placed.pixels.id);
            self.sent.push(key);
            KEPT.store(true, Ordering::Relaxed);
            kitty(&mut out, placed, self.between);
        }
        out
    }

    /// The bytes that have to come behind the cells of this frame; `disturbed`: cells were written in the rows of the
    /// pictures, so that these are gone.
    pub fn after(
        &mut self,
        wanted: &[Placed],
        disturbed: bool,
        cell: impl Fn() -> Option<(u16, u16)>,
    ) -> Vec<u8> {
        let now = over_cells(wanted);
        if !disturbed && now == self.painted {
            return Vec::new();
        }
        self.painted = now;
        let mut out = Vec::new();
        for placed in wanted.iter().filter(|placed| placed.way.is_over_cells()) {
            let area = placed.area;
            // the painter below believes that its cursor and its look are where it left them
            let _ = write!(out, "\x1b7\x1b[{};{}H", area.y + 1, area.x + 1);
            out.extend(if placed.way == Way::Sixel {
                let (wide, high) = cell().unwrap_or(SMALL_CELL);
                let width = u32::from(area.width) * u32::from(wide);
                let height = u32::from(area.height) * u32::from(high);
                sixel::bytes(&placed.pixels, width, height)
            } else {
                iterm2(placed)
            });
            out.extend(b"\x1b8");
        }
        out
    }
}

/// The bytes that free what the terminal keeps, once.
#[must_use]
pub fn farewell() -> &'static [u8] {
    if KEPT.swap(false, Ordering::Relaxed) { b"\x1b_Ga=d,d=R,x=200,y=247,q=2\x1b\\" } else { b"" }
}

fn over_cells(wanted: &[Placed]) -> Vec<(u64, Way, Rect)> {
    let over = wanted.iter().filter(|placed| placed.way.is_over_cells());
    over.map(|placed| (placed.pixels.id, placed.way, placed.area)).collect()
}

fn encoded(pixels: &Arc<Pixels>) -> String {
    base64::engine::general_purpose::STANDARD.encode(&pixels.file)
}

/// The picture in pieces, and a virtual placement that its cells refer to; no answer is wanted.
fn kitty(out: &mut Vec<u8>, placed: &Placed, between: Between) {
    let (id, area) = (kitty_id(&placed.pixels), placed.area);
    let data = encoded(&placed.pixels);
    let count = data.len().div_ceil(PIECE);
    for (at, piece) in data.as_bytes().chunks(PIECE).enumerate() {
        let more = u8::from(at + 1 < count);
        let head = if at == 0 {
            format!("i={id},a=T,U=1,f=100,c={},r={},", area.width, area.height)
        } else {
            String::new()
        };
        let piece = String::from_utf8_lossy(piece);
        let sequence = format!("\x1b_Gq=2,{head}m={more};{piece}\x1b\\");
        out.extend(match between {
            Between::Tmux => through_tmux(&sequence).into_bytes(),
            Between::Nothing | Between::Screen => sequence.into_bytes(),
        });
    }
}

fn iterm2(placed: &Placed) -> Vec<u8> {
    let (file, area) = (&placed.pixels.file, placed.area);
    let data = encoded(&placed.pixels);
    format!(
        "\x1b]1337;File=inline=1;size={};width={};height={};preserveAspectRatio=1;doNotMoveCursor=1:{data}\x07",
        file.len(),
        area.width,
        area.height
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pixels::tests::flag;

    fn placed(id: u64, way: Way, width: u16) -> Vec<Placed> {
        let pixels = Arc::new(flag(id, 64, 32));
        vec![Placed { area: Rect::new(2, 3, width, 4), pixels, way }]
    }

    #[test]
    fn kitty_is_sent_a_picture_once_a_size_and_in_pieces() {
        let mut easel = Easel::default();
        let first = String::from_utf8(easel.before(&placed(3, Way::Kitty, 8))).unwrap();
        assert!(first.starts_with("\x1b_Gq=2,i=203,a=T,U=1,f=100,c=8,r=4,m=1;"), "{first}");
        assert_eq!(first.matches("\x1b_G").count(), 3, "9000 bytes in base64");
        assert_eq!(first.matches("m=0;").count(), 1);
        assert_eq!(easel.before(&placed(3, Way::Kitty, 8)), b"");
        assert_ne!(easel.before(&placed(3, Way::Kitty, 9)), b"");
        assert_ne!(easel.before(&placed(4, Way::Kitty, 9)), b"");
        assert_eq!(easel.after(&placed(4, Way::Kitty, 9), true, || None), b"");
        easel.forget();
        assert_ne!(easel.before(&placed(4, Way::Kitty, 9)), b"");
        let mut inside = Easel::new(Between::Tmux);
        let wrapped = String::from_utf8(inside.before(&placed(3, Way::Kitty, 8))).unwrap();
        assert!(wrapped.starts_with("\x1bPtmux;\x1b\x1b_Gq=2,"), "{wrapped}");
        assert_eq!(farewell(), b"\x1b_Ga=d,d=R,x=200,y=247,q=2\x1b\\");
    }

    #[test]
    fn over_cells_it_is_painted_when_it_is_new_or_was_written_over() {
        for way in [Way::Sixel, Way::Iterm2] {
            let mut easel = Easel::default();
            let first = easel.after(&placed(3, way, 8), false, || Some((2, 4)));
            assert!(first.starts_with(b"\x1b7\x1b[4;3H") && first.ends_with(b"\x1b8"));
            assert_eq!(easel.after(&placed(3, way, 8), false, || Some((2, 4))), b"");
            assert!(!easel.is_in_the_way(&placed(3, way, 8)));
            assert_eq!(easel.after(&placed(3, way, 8), true, || Some((2, 4))), first);
            assert!(easel.is_in_the_way(&[]) && easel.is_in_the_way(&placed(4, way, 8)));
            assert_eq!(Easel::rows(&placed(3, way, 8)), Some(3..7));
            assert_eq!(easel.before(&placed(3, way, 8)), b"");
        }
    }
}
