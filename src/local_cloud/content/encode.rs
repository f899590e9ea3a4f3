//! Picture files: PNG and JPEG by the `image` crate, WebP (lossless, not compressed) by hand, and the mark that
//! makes each file unlike all others without touching its pixels.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbImage};

use super::format::Format;

/// `picture` as a file of `format`; what cannot be written here becomes PNG.
pub fn encoded(picture: &RgbImage, format: Format, quality: u8) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let mut file = Vec::new();
    match format {
        Format::Jpg => JpegEncoder::new_with_quality(&mut file, quality).write_image(
            picture.as_raw(),
            width,
            height,
            ExtendedColorType::Rgb8,
        ),
        Format::Webp | Format::Avif => {
            file = webp(picture);
            Ok(())
        }
        _ => PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Up)
            .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8),
    }
    .expect("a picture of fitting size is written to memory");
    file
}

/// Bytes that [`marked`] adds.
pub const fn mark_length(format: Format, padding: usize) -> usize {
    let text = MARK_TEXT + padding;
    match format {
        Format::Jpg => 4 + text,
        Format::Png => 12 + PNG_KEYWORD.len() + text,
        // chunks have an even length
        Format::Webp | Format::Avif => 8 + text + text % 2,
        _ => text,
    }
}

const MARK_TEXT: usize = "allclear local cloud 0123456789abcdef ".len();
const PNG_KEYWORD: &[u8] = b"Comment\0";

/// `plain` with a comment that holds `mark`; where the format is not `plain`'s own, the comment is appended.
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
        Format::Webp | Format::Avif if plain.starts_with(b"RIFF") => {
            file.extend_from_slice(plain);
            file.extend_from_slice(b"XMP ");
            file.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
            file.extend_from_slice(&text);
            file.extend(std::iter::repeat_n(0, text.len() % 2));
            let riff = u32::try_from(file.len() - 8).unwrap_or(0);
            file[4..8].copy_from_slice(&riff.to_le_bytes());
        }
        _ => {
            file.extend_from_slice(plain);
            file.extend_from_slice(&text);
            file.resize(plain.len() + mark_length(format, padding), b'.');
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

/// A lossless WebP file (RFC 9649): all pixels as literals of eight bits a channel, no transform.
fn webp(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let mut bits = Bits::default();
    bits.put(0x2f, 8); // signature
    bits.put(width - 1, 14);
    bits.put(height - 1, 14);
    bits.put(0, 1 + 3); // no alpha, version 0
    bits.put(0, 1 + 1 + 1); // no transform, no colour cache, one group of prefix codes
    bits.put_literal_code(24); // green, followed by 24 lengths that are not used
    bits.put_literal_code(0); // red
    bits.put_literal_code(0); // blue
    bits.put(0b101, 3); // alpha: one symbol of eight bits …
    bits.put(255, 8); // … opaque
    bits.put(0b0001, 4); // distance: the one symbol 0
    for image::Rgb([red, green, blue]) in picture.pixels() {
        for part in [green, red, blue] {
            bits.put(u32::from(part.reverse_bits()), 8);
        }
    }
    let image = bits.finish();

    let mut file = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
    file.extend_from_slice(&[0x04, 0, 0, 0]); // the mark comes as XMP
    file.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    file.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    file.extend_from_slice(b"VP8L");
    file.extend_from_slice(&u32::try_from(image.len()).unwrap_or(0).to_le_bytes());
    file.extend_from_slice(&image);
    file.extend(std::iter::repeat_n(0, image.len() % 2));
    let riff = u32::try_from(file.len() - 8).unwrap_or(0);
    file[4..8].copy_from_slice(&riff.to_le_bytes());
    file
}

/// Bits written from the lowest up, as VP8L wants them.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.pending |= u64::from(value) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// The prefix code in which each of 256 symbols has eight bits, and `unused` more have none.
    fn put_literal_code(&mut self, unused: u32) {
        self.put(0, 1); // a normal code
        self.put(12 - 4, 4); // twelve lengths, in the order 17 18 0 1 2 3 4 5 16 6 7 8
        for symbol in [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8] {
            self.put(u32::from(symbol == 0 || symbol == 8), 3); // 0 and 8, one bit each
        }
        self.put(0, 1); // lengths for the whole alphabet follow
        for _ in 0..256 {
            self.put(1, 1); // length 8
        }
        for _ in 0..unused {
            self.put(0, 1); // length 0
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_png_specification() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
    }

    #[test]
    fn a_webp_file_says_its_size_twice_and_ends_where_it_says() {
        let file = webp(&RgbImage::from_pixel(7, 5, image::Rgb([1, 2, 3])));
        let file = marked(Format::Webp, &file, 9, 0);
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize, file.len() - 8);
        assert_eq!((file[24], file[27]), (6, 4));
    }
}
