//! Sixels: six rows of pixels at a time, colour by colour, in 216 colours with ordered dither.

use std::io::Write as _;

use crate::ui::pixels::Pixels;

/// Thresholds of a 4x4 Bayer matrix, in sixteenths of a step between two colours.
const DITHER: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
/// Steps of red, green and blue.
const STEPS: u32 = 6;

/// The bytes that paint a picture, `width` x `height` pixels large, where the cursor is.
#[must_use]
pub fn bytes(pixels: &Pixels, width: u32, height: u32) -> Vec<u8> {
    let colours = dithered(pixels, width, height);
    let mut out = Vec::new();
    // transparent where nothing is painted; the raster says how large it is
    let _ = write!(out, "\x1bP0;1;0q\"1;1;{width};{height}");
    let mut known = [false; 216];
    for colour in &colours {
        let at = usize::from(*colour);
        if !std::mem::replace(&mut known[at], true) {
            let share = |step: u8| u32::from(step) * 100 / (STEPS - 1);
            let (red, green, blue) = (colour / 36, colour / 6 % 6, colour % 6);
            let _ = write!(out, "#{colour};2;{};{};{}", share(red), share(green), share(blue));
        }
    }
    let line = usize::try_from(width).unwrap_or(1).max(1);
    for band in colours.chunks(line * 6) {
        let mut here = [false; 216];
        for colour in band {
            here[usize::from(*colour)] = true;
        }
        for (colour, _) in here.iter().enumerate().filter(|(_, is_here)| **is_here) {
            let _ = write!(out, "#{colour}");
            let mut run = (0_u8, 0_u32);
            for x in 0..line {
                let rows = band.iter().skip(x).step_by(line);
                let bits = rows.enumerate().fold(0, |bits, (row, painted)| {
                    bits | u8::from(usize::from(*painted) == colour) << row
                });
                if bits != run.0 {
                    put(&mut out, run);
                    run = (bits, 0);
                }
                run.1 += 1;
            }
            if run.0 != 0 {
                put(&mut out, run); // the empty end of a line is left out
            }
            out.push(b'$');
        }
        out.push(b'-');
    }
    out.extend(b"\x1b\\");
    out
}

fn put(out: &mut Vec<u8>, (bits, count): (u8, u32)) {
    let sixel = 63 + bits;
    if count > 3 {
        let _ = write!(out, "!{count}");
        out.push(sixel);
    } else {
        out.extend(std::iter::repeat_n(sixel, usize::try_from(count).unwrap_or(0)));
    }
}

/// Entries of the 6x6x6 cube, row by row.
fn dithered(pixels: &Pixels, width: u32, height: u32) -> Vec<u8> {
    let mut colours = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (red, green, blue) = pixels.part((x, width), (y, height));
            let threshold = DITHER[(y % 4) as usize][(x % 4) as usize];
            let step = |value: u8| {
                let scaled = u32::from(value) * (STEPS - 1) * 16 / 255;
                ((scaled + threshold) / 16).min(STEPS - 1)
            };
            let entry = step(red) * 36 + step(green) * 6 + step(blue);
            colours.push(u8::try_from(entry).unwrap_or(0));
        }
    }
    colours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pixels::tests::flag;

    /// What a terminal would paint: an entry of the cube for every pixel.
    fn painted(bytes: &[u8], width: usize, height: usize) -> Vec<Option<usize>> {
        let text = std::str::from_utf8(bytes).unwrap();
        let body = text.strip_prefix("\x1bP0;1;0q").unwrap().strip_suffix("\x1b\\").unwrap();
        let body = body.strip_prefix(&format!("\"1;1;{width};{height}")).unwrap();
        let mut screen = vec![None; width * height];
        let (mut x, mut y, mut colour, mut chars) = (0, 0, 0, body.chars().peekable());
        let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut digits = String::new();
            while let Some(c) = chars.next_if(char::is_ascii_digit) {
                digits.push(c);
            }
            digits.parse::<usize>().unwrap()
        };
        while let Some(c) = chars.next() {
            let mut repeat = 1;
            let mut sixel = c;
            match c {
                '#' => {
                    colour = number(&mut chars);
                    if chars.next_if_eq(&';').is_some() {
                        for _ in 0..4 {
                            number(&mut chars);
                            chars.next_if_eq(&';');
                        }
                    }
                    continue;
                }
                '$' => {
                    x = 0;
                    continue;
                }
                '-' => {
                    (x, y) = (0, y + 6);
                    continue;
                }
                '!' => {
                    repeat = number(&mut chars);
                    sixel = chars.next().unwrap();
                }
                _ => {}
            }
            let bits = u32::from(sixel) - 63;
            for column in x..x + repeat {
                for row in (0..6).filter(|row| bits >> row & 1 == 1) {
                    screen[(y + row) * width + column] = Some(colour);
                }
            }
            x += repeat;
        }
        screen
    }

    #[test]
    fn every_pixel_is_painted_in_its_colour_once() {
        let flag = flag(1, 64, 32);
        for (width, height) in [(40, 20), (7, 13), (1, 1), (64, 6)] {
            let bytes = bytes(&flag, width, height);
            let screen = painted(&bytes, width as usize, height as usize);
            let wanted: Vec<Option<usize>> =
                dithered(&flag, width, height).into_iter().map(|it| Some(it.into())).collect();
            assert_eq!(screen, wanted, "{width}x{height}");
        }
    }
}
