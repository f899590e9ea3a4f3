//! Picture files by the `image` crate, and the mark that makes each file unlike all others without touching its
//! pixels: a comment in the way of each kind of file, so that every reader skips it.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, Rgba, RgbaImage};

use super::format::Format;

/// `picture` as a file of `format`; what cannot be written here becomes what [`Format::drawn_as`] says.
pub fn encoded(picture: &RgbaImage, format: Format, quality: u8) -> Vec<u8> {
    let mut file = Vec::new();
    match format.drawn_as() {
        Format::Jpg => {
            write(JpegEncoder::new_with_quality(&mut file, quality), &on_white(picture));
        }
        Format::Webp => file = webp(picture),
        Format::Gif => {
            let frame = image::Frame::new(picture.clone());
            // the quickest choice of colours: nobody looks that closely
            let mut encoder = GifEncoder::new_with_speed(Cursor::new(&mut file), 30);
            encoder.encode_frame(frame).expect(FITS);
        }
        _ => {
            let (kind, filter) = (CompressionType::Fast, FilterType::Up);
            write(PngEncoder::new_with_quality(&mut file, kind, filter), picture);
        }
    }
    file
}

const FITS: &str = "sides are limited to what the format can hold, and memory takes every byte";

/// Writes a picture, without opacity where it has none.
fn write(encoder: impl ImageEncoder, picture: &RgbaImage) {
    let (width, height) = picture.dimensions();
    if is_opaque(picture) {
        let plain = DynamicImage::ImageRgba8(picture.clone()).into_rgb8();
        encoder.write_image(plain.as_raw(), width, height, ExtendedColorType::Rgb8)
    } else {
        encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgba8)
    }
    .expect(FITS);
}

fn is_opaque(picture: &RgbaImage) -> bool {
    picture.pixels().all(|pixel| pixel.0[3] == u8::MAX)
}

fn on_white(picture: &RgbaImage) -> RgbaImage {
    let mut flat = picture.clone();
    for Rgba([red, green, blue, alpha]) in flat.pixels_mut() {
        for part in [red, green, blue] {
            let (over, opacity) = (u32::from(*part), u32::from(*alpha));
            let mixed = (over * opacity + 255 * (255 - opacity)) / 255;
            *part = u8::try_from(mixed).unwrap_or(u8::MAX);
        }
        *alpha = u8::MAX;
    }
    flat
}

/// Bytes that [`marked`] adds to a picture that was drawn here.
pub const fn mark_length(format: Format, padding: usize) -> usize {
    let text = MARK_TEXT + padding;
    match format {
        Format::Jpg => 4 + text,
        Format::Png => 12 + PNG_KEYWORD.len() + text,
        // chunks have an even length
        Format::Webp => 8 + text + text % 2,
        _ => text,
    }
}

const MARK_TEXT: usize = "allclear local cloud 0123456789abcdef ".len();
const PNG_KEYWORD: &[u8] = b"Comment\0";

/// `plain` with a comment that holds `mark`; appended where the kind of file has no place for one.
pub fn marked(format: Format, plain: &[u8], mark: u64, padding: usize) -> Vec<u8> {
    let mut text = format!("allclear local cloud {mark:016x} ").into_bytes();
    text.resize(MARK_TEXT + padding, b'.');
    let mut file = Vec::with_capacity(plain.len() + mark_length(format, padding));
    match format {
        Format::Jpg if plain.starts_with(b"\xff\xd8") => {
            file.extend_from_slice(&plain[..2]);
            file.extend_from_slice(b"\xff\xfe");
            file.extend_from_slice(&u16::try_from(text.len() + 2).unwrap_or(2).to_be_bytes());
            file.extend_from_slice(&text);
            file.extend_from_slice(&plain[2..]);
        }
        Format::Png if plain.starts_with(b"\x89PNG") => {
            let (body, end) = plain.split_at(plain.len() - 12);
            file.extend_from_slice(body);
            let mut chunk = b"tEXt".to_vec();
            chunk.extend_from_slice(PNG_KEYWORD);
            chunk.extend_from_slice(&text);
            file.extend_from_slice(&u32::try_from(chunk.len() - 4).unwrap_or(0).to_be_bytes());
            file.extend_from_slice(&chunk);
            file.extend_from_slice(&crc32(&chunk).to_be_bytes());
            file.extend_from_slice(end);
        }
        Format::Webp if plain.starts_with(b"RIFF") => {
            file.extend_from_slice(plain);
            file.extend_from_slice(b"XMP ");
            file.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
            file.extend_from_slice(&text);
            file.extend(std::iter::repeat_n(0, text.len() % 2));
            let riff = u32::try_from(file.len() - 8).unwrap_or(0);
            file[4..8].copy_from_slice(&riff.to_le_bytes());
        }
        Format::Gif if plain.starts_with(b"GIF8") && plain.ends_with(b"\x3b") => {
            file.extend_from_slice(&plain[..plain.len() - 1]);
            file.extend_from_slice(b"\x21\xfe");
            for block in text.chunks(255) {
                file.push(u8::try_from(block.len()).unwrap_or(0));
                file.extend_from_slice(block);
            }
            file.extend_from_slice(b"\0\x3b");
        }
        Format::Mp4 | Format::Mov | Format::Avif => {
            file.extend_from_slice(plain);
            file.extend_from_slice(&u32::try_from(text.len() + 8).unwrap_or(8).to_be_bytes());
            file.extend_from_slice(b"free");
            file.extend_from_slice(&text);
        }
        // an element that means nothing; its length has two bytes
        Format::Webm => {
            file.extend_from_slice(plain);
            let length = u16::try_from(text.len()).unwrap_or(0) | 0x4000;
            file.push(0xec);
            file.extend_from_slice(&length.to_be_bytes());
            file.extend_from_slice(&text);
        }
        Format::Svg => {
            file.extend_from_slice(plain);
            file.extend_from_slice(b"<!-- ");
            file.extend_from_slice(&text);
            file.extend_from_slice(b"-->");
        }
        Format::Pdf => {
            file.extend_from_slice(plain);
            file.extend_from_slice(b"\n% ");
            file.extend_from_slice(&text);
        }
        _ => {
            file.extend_from_slice(plain);
            file.extend_from_slice(&text);
        }
    }
    file
}

/// CRC-32 of a PNG chunk (PNG specification, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

/// A lossless WebP file (RFC 9649) in the extended form, which has room for the mark.
fn webp(picture: &RgbaImage) -> Vec<u8> {
    const SIMPLE_HEAD: usize = b"RIFF\0\0\0\0WEBP".len();
    let (width, height) = picture.dimensions();
    let mut simple = Vec::new();
    write(WebPEncoder::new_lossless(&mut simple), picture);
    let mut file = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
    let alpha = if is_opaque(picture) { 0 } else { 0x10 };
    file.extend_from_slice(&[0x04 | alpha, 0, 0, 0]); // the mark comes as XMP
    file.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    file.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    file.extend_from_slice(&simple[SIMPLE_HEAD..]);
    let riff = u32::try_from(file.len() - 8).unwrap_or(0);
    file[4..8].copy_from_slice(&riff.to_le_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_png_specification() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
    }

    /// A picture with all colours and, if `alpha`, all opacities.
    fn chart(alpha: bool) -> RgbaImage {
        let byte = |n: u32| u8::try_from(n % 256).unwrap();
        RgbaImage::from_fn(61, 37, |x, y| {
            Rgba([byte(x * 4), byte(y * 7), byte(x * y), if alpha { byte(x * 5) } else { 255 }])
        })
    }

    #[test]
    fn lossless_kinds_give_back_every_pixel_and_keep_opacity() {
        for alpha in [false, true] {
            let chart = chart(alpha);
            for format in [Format::Png, Format::Webp] {
                let file = marked(format, &encoded(&chart, format, 80), 9, 3);
                let read = image::load_from_memory(&file).unwrap();
                assert_eq!(read.color().has_alpha(), alpha, "{format:?}");
                assert_eq!(read.into_rgba8(), chart, "{format:?}");
            }
        }
        // JPEG has no opacity: what is transparent lies on white
        let file = encoded(&RgbaImage::new(8, 8), Format::Jpg, 90);
        assert!(image::load_from_memory(&file).unwrap().into_rgb8().get_pixel(4, 4).0[0] > 250);
    }

    #[test]
    fn a_webp_file_says_its_size_twice_and_ends_where_it_says() {
        let file = webp(&RgbaImage::from_pixel(7, 5, Rgba([1, 2, 3, 255])));
        let file = marked(Format::Webp, &file, 9, 0);
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize, file.len() - 8);
        assert_eq!((file[24], file[27]), (6, 4));
    }

    #[test]
    fn the_mark_of_files_that_move_is_a_box_or_a_comment_that_players_skip() {
        let film = marked(Format::Mp4, b"\0\0\0\x08mdat", 9, 0);
        assert_eq!(&film[12..16], b"free");
        assert_eq!(u32::from_be_bytes(film[8..12].try_into().unwrap()) as usize, film.len() - 8);
        let gif = encoded(&chart(false), Format::Gif, 80);
        let gif = marked(Format::Gif, &gif, 9, 300);
        assert!(image::load_from_memory(&gif).is_ok());
        assert_eq!(gif.last(), Some(&0x3b));
        assert_eq!(marked(Format::Pdf, b"%PDF-1.4\n%%EOF", 9, 0)[14..16], *b"\n%");
    }
}
