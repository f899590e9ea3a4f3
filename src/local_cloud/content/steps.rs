//! The steps of a transformation that are really carried out, and the sizes that they lead to.

/// How a picture is fitted into a width and a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Crop {
    /// Exactly that size, distorted if need be.
    Scale,
    /// Inside it, whole.
    Fit,
    /// Inside it, and never larger than it was.
    Limit,
    /// Inside it, and never smaller than it was.
    FitUp,
    /// All of it covered, the rest cut off.
    Fill,
    /// Covered without enlarging anything.
    FillDown,
    /// A part of that size, nothing resized.
    Cut,
    /// Inside it, with a border.
    Pad,
    /// The same without enlarging anything.
    PadDown,
    /// As it is, with a border where it is smaller.
    PadUp,
}

/// A width or a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resize {
    Pixels(u32),
    /// Part of the present size, in millionths.
    Share(u32),
}

impl From<u32> for Resize {
    fn from(pixels: u32) -> Self {
        Self::Pixels(pixels)
    }
}

impl Resize {
    /// `share` of the present side; at least nothing and at most a thousand times.
    #[must_use]
    pub fn share(share: f64) -> Self {
        Self::Share(scaled(1_000_000, share.clamp(0.0, 1000.0)))
    }

    /// The same for a screen of `density` pixels where others have one.
    #[must_use]
    pub fn times(self, density: f64) -> Self {
        match self {
            Self::Pixels(pixels) => Self::Pixels(scaled(pixels, density)),
            Self::Share(share) => Self::Share(scaled(share, density)),
        }
    }

    fn of(self, present: u32) -> u32 {
        match self {
            Self::Pixels(pixels) => pixels,
            Self::Share(share) => scaled(present, f64::from(share) / 1e6),
        }
        .max(1)
    }
}

/// Which part is kept, or where the picture lies in its border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Gravity {
    /// -1 left, 0 middle, 1 right.
    pub east: i8,
    /// -1 top, 0 middle, 1 bottom.
    pub south: i8,
    /// Pixels away from there, towards the middle.
    pub offset: (i32, i32),
}

impl Gravity {
    /// Where a part of length `part` begins in `whole`, on both axes.
    pub(super) fn place(self, whole: (u32, u32), part: (u32, u32)) -> (u32, u32) {
        let at = |whole: u32, part: u32, towards: i8, offset: i32| {
            let room = i64::from(whole.saturating_sub(part));
            let start = match towards {
                -1 => i64::from(offset),
                0 => room / 2 + i64::from(offset),
                _ => room - i64::from(offset),
            };
            u32::try_from(start.clamp(0, room)).unwrap_or(0)
        };
        (
            at(whole.0, part.0, self.east, self.offset.0),
            at(whole.1, part.1, self.south, self.offset.1),
        )
    }
}

/// Colour of borders, and of corners that a turn leaves open: red, green, blue, opacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ground(pub [u8; 4]);

impl Default for Ground {
    fn default() -> Self {
        Self([255; 4])
    }
}

/// One change of size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    pub crop: Crop,
    pub width: Option<Resize>,
    pub height: Option<Resize>,
    /// Width to height, for the side that is not given.
    pub aspect: Option<(u32, u32)>,
    pub gravity: Gravity,
    pub ground: Ground,
}

impl Frame {
    #[must_use]
    pub fn new(crop: Crop, width: Option<Resize>, height: Option<Resize>) -> Self {
        let (gravity, ground) = (Gravity::default(), Ground::default());
        Self { crop, width, height, aspect: None, gravity, ground }
    }

    /// The size that a picture of `present` size has after this step.
    #[must_use]
    pub fn size_of(self, present: (u32, u32)) -> (u32, u32) {
        let wanted = self.box_around(present);
        let fits = present.0 <= wanted.0 && present.1 <= wanted.1;
        match self.crop {
            Crop::Scale | Crop::Fill | Crop::Pad | Crop::PadDown => wanted,
            Crop::Limit if fits => present,
            Crop::FitUp if !fits => present,
            Crop::Fit | Crop::Limit | Crop::FitUp => inside(present, wanted),
            Crop::Cut | Crop::FillDown => (wanted.0.min(present.0), wanted.1.min(present.1)),
            Crop::PadUp => (wanted.0.max(present.0), wanted.1.max(present.1)),
        }
    }

    /// Width and height as asked for, the missing one in proportion.
    fn box_around(self, (width, height): (u32, u32)) -> (u32, u32) {
        let ratio = self.aspect.unwrap_or((width, height));
        match (self.width.map(|w| w.of(width)), self.height.map(|h| h.of(height))) {
            (Some(w), Some(h)) => (w, h),
            (Some(w), None) if self.keeps_the_rest() => (w, height),
            (None, Some(h)) if self.keeps_the_rest() => (width, h),
            (Some(w), None) => (w, in_proportion(w, ratio.0, ratio.1)),
            (None, Some(h)) => (in_proportion(h, ratio.1, ratio.0), h),
            (None, None) if self.aspect.is_some() => inside(ratio, (width, height)),
            (None, None) => (width, height),
        }
    }

    /// A part is cut out: the side that is not given stays.
    fn keeps_the_rest(self) -> bool {
        self.crop == Crop::Cut && self.aspect.is_none()
    }
}

/// A turn or a reflection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Turn {
    /// Left and right change places.
    Mirror,
    /// Top and bottom change places.
    Flip,
    /// Clockwise, 0 to 359; the picture grows so that nothing is cut off.
    Degrees(u16),
}

impl Turn {
    fn size_of(self, (width, height): (u32, u32)) -> (u32, u32) {
        match self {
            Self::Mirror | Self::Flip | Self::Degrees(0 | 180) => (width, height),
            Self::Degrees(90 | 270) => (height, width),
            Self::Degrees(degrees) => {
                let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
                let side = |a: u32, b: u32| scaled(a, cos.abs()) + scaled(b, sin.abs());
                (side(width, height), side(height, width))
            }
        }
    }
}

/// One thing that is done to a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    Frame(Frame),
    Turn(Turn, Ground),
}

impl Step {
    /// The size that a picture of `present` size has after this step.
    #[must_use]
    pub fn size_of(self, present: (u32, u32)) -> (u32, u32) {
        match self {
            Self::Frame(frame) => frame.size_of(present),
            Self::Turn(turn, _) => turn.size_of(present),
        }
    }
}

fn in_proportion(side: u32, of: u32, other: u32) -> u32 {
    scaled(other, f64::from(side) / f64::from(of.max(1)))
}

pub(super) fn scaled(side: u32, by: f64) -> u32 {
    // sizes are limited before anything is drawn: the cast saturates at worst
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let side = (f64::from(side) * by).round() as u32;
    side.max(1)
}

/// The largest size in `present`'s proportions that fits into `room`.
pub(super) fn inside(present: (u32, u32), room: (u32, u32)) -> (u32, u32) {
    let by = shares(present, room);
    let by = by.0.min(by.1);
    (scaled(present.0, by).min(room.0), scaled(present.1, by).min(room.1))
}

fn shares(present: (u32, u32), room: (u32, u32)) -> (f64, f64) {
    let share = |side: u32, of: u32| f64::from(side) / f64::from(of.max(1));
    (share(room.0, present.0), share(room.1, present.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_side_follows_the_ratio() {
        let frame = |crop, width: Option<u32>, aspect| Frame {
            aspect,
            ..Frame::new(crop, width.map(Resize::Pixels), None)
        };
        assert_eq!(frame(Crop::Fill, Some(160), Some((16, 9))).size_of((200, 100)), (160, 90));
        assert_eq!(frame(Crop::Cut, None, Some((1, 1))).size_of((200, 100)), (100, 100));
        let half = Frame::new(Crop::Scale, Some(Resize::share(0.5)), None);
        assert_eq!(half.size_of((200, 100)), (100, 50));
        let twice = Frame::new(Crop::Scale, Some(Resize::Pixels(50).times(2.0)), None);
        assert_eq!(twice.size_of((200, 100)), (100, 50));
    }

    #[test]
    fn parts_lie_where_gravity_pulls_them() {
        let place =
            |east, south, offset| Gravity { east, south, offset }.place((100, 50), (20, 10));
        assert_eq!(place(0, 0, (0, 0)), (40, 20));
        assert_eq!(place(-1, -1, (0, 0)), (0, 0));
        assert_eq!(place(1, 1, (5, 5)), (75, 35));
        assert_eq!(place(-1, 0, (999, -999)), (80, 0));
    }

    #[test]
    fn a_turn_makes_room_for_all_corners() {
        assert_eq!(Turn::Degrees(90).size_of((200, 100)), (100, 200));
        assert_eq!(Turn::Degrees(180).size_of((200, 100)), (200, 100));
        assert_eq!(Turn::Degrees(45).size_of((100, 100)), (142, 142));
        assert_eq!(Turn::Mirror.size_of((200, 100)), (200, 100));
    }
}
