//! Bytes of originals and derived assets, made when somebody asks for them.
//!
//! A [`Content`] is a recipe: it costs a few words until its bytes are wanted, and its bytes are the same each
//! time. A copy in an edge's cache holds on to its recipe, so old content can be served long after storage has
//! forgotten it. Drawing and resizing are memoised in `darkroom`, finished files in `kept`. No I/O.

mod darkroom;
mod encode;
mod file;
mod format;
mod kept;
mod picture;
mod render;
mod sniff;
mod steps;

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use md5::{Digest, Md5};

pub use darkroom::draw_ahead;
pub use format::Format;
pub use picture::Shape;
pub use sniff::{Sniffed, sniff};
pub use steps::{Crop, Frame, Gravity, Ground, Resize, Step, Turn};

use super::chance::{hash_bytes, hash_text, mix};

/// The bytes of one original or one derived asset.
#[derive(Debug)]
pub struct Content {
    recipe: Recipe,
    etag: OnceLock<Box<str>>,
    length: OnceLock<u64>,
    kept: kept::Slot,
}

// large parts are boxed: a cloud may have a million pictures, and few of anything else
#[derive(Debug)]
enum Recipe {
    /// Drawn here; `mark` makes the file unlike all others, `padding` varies its length.
    Picture { shape: Shape, mark: u64, padding: u16 },
    /// A file that is no picture: documents, sound, film.
    File { format: Format, mark: u64, length: u32 },
    /// What somebody uploaded.
    Uploaded(Box<Uploaded>),
    /// A variant of another content.
    Derived(Box<Variant>),
}

#[derive(Debug)]
struct Uploaded {
    bytes: Bytes,
    format: Option<Format>,
    size: Option<(u32, u32)>,
}

#[derive(Debug)]
struct Variant {
    from: Arc<Content>,
    transformation: String,
    drawing: Drawing,
}

/// What is really done to a picture to make a variant of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Drawing {
    pub steps: Vec<Step>,
    pub format: Format,
    /// Of JPEG files, 1 to 100; the other kinds are lossless here.
    pub quality: u8,
}

impl Drawing {
    /// The quality of pictures that nobody asked a quality for.
    pub const QUALITY: u8 = 75;

    /// The picture as it is, in another kind of file.
    #[must_use]
    pub const fn of(format: Format) -> Self {
        Self { steps: Vec::new(), format, quality: Self::QUALITY }
    }
}

impl Content {
    /// A picture of `shape` that differs from every other by its `mark`.
    #[must_use]
    pub fn picture(shape: Shape, mark: u64) -> Self {
        let padding = u16::try_from(mix(mark) % 6000).unwrap_or(0);
        Self::of(Recipe::Picture { shape, mark, padding })
    }

    /// A document, sound or film of `length` bytes.
    #[must_use]
    pub fn file(format: Format, mark: u64, length: u32) -> Self {
        Self::of(Recipe::File { format, mark, length })
    }

    /// Bytes from outside, with what could be recognised in them.
    #[must_use]
    pub fn uploaded(bytes: Bytes, sniffed: Option<Sniffed>) -> Self {
        let (format, size) = sniffed.map_or((None, None), |found| (Some(found.format), found.size));
        Self::of(Recipe::Uploaded(Box::new(Uploaded { bytes, format, size })))
    }

    /// The variant of `from` that `transformation` stands for; `drawing` is the part of it that is carried out.
    /// Where nothing can be drawn it is `from`'s file with a mark: then the format has to be `from`'s.
    #[must_use]
    pub fn derived(from: Arc<Self>, transformation: &str, drawing: Drawing) -> Self {
        let transformation = transformation.to_owned();
        Self::of(Recipe::Derived(Box::new(Variant { from, transformation, drawing })))
    }

    const fn of(recipe: Recipe) -> Self {
        Self { recipe, etag: OnceLock::new(), length: OnceLock::new(), kept: kept::Slot::empty() }
    }

    /// All bytes; takes milliseconds where a picture must be drawn first.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.at_hand().unwrap_or_else(|| self.made())
    }

    /// All bytes, where nothing has to be made for them.
    #[must_use]
    pub fn at_hand(&self) -> Option<Bytes> {
        match &self.recipe {
            Recipe::Uploaded(uploaded) => Some(uploaded.bytes.clone()),
            _ => self.kept.file(),
        }
    }

    /// All bytes, kept at hand for whoever asks next.
    #[must_use]
    pub fn bytes_to_keep(self: &Arc<Self>) -> Bytes {
        self.at_hand().unwrap_or_else(|| {
            let file = self.made();
            kept::keep(self, &file);
            file
        })
    }

    fn made(&self) -> Bytes {
        match &self.recipe {
            Recipe::Picture { shape, mark, padding } => {
                let plain = darkroom::drawn(*shape);
                encode::marked(shape.format, &plain, *mark, usize::from(*padding)).into()
            }
            Recipe::File { format, mark, length } => file::bytes(*format, *mark, *length).into(),
            Recipe::Uploaded(uploaded) => uploaded.bytes.clone(),
            Recipe::Derived(variant) => {
                let plain = darkroom::developed(variant);
                encode::marked(variant.drawing.format, &plain, self.mark(), 0).into()
            }
        }
    }

    /// Number of bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        *self.length.get_or_init(|| {
            let length = match &self.recipe {
                Recipe::Picture { shape, padding, .. } => {
                    darkroom::drawn(*shape).len()
                        + encode::mark_length(shape.format, usize::from(*padding))
                }
                Recipe::File { length, .. } => return u64::from(*length),
                Recipe::Uploaded(uploaded) => uploaded.bytes.len(),
                Recipe::Derived(_) => self.bytes().len(),
            };
            length as u64
        })
    }

    /// MD5 of the bytes in hex: the API's `etag`, and the validator that edges send.
    #[must_use]
    pub fn etag(&self) -> &str {
        self.etag.get_or_init(|| hex::encode(Md5::digest(self.bytes())).into())
    }

    /// Whether nothing has to be made for the bytes, the length and the etag.
    #[must_use]
    pub fn is_at_hand(&self) -> bool {
        self.etag.get().is_some() && self.is_measured() && self.at_hand().is_some()
    }

    /// Whether the length is known without work.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.length.get().is_some()
            || matches!(self.recipe, Recipe::File { .. } | Recipe::Uploaded(_))
    }

    /// Kind of file, where known.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        match &self.recipe {
            Recipe::Picture { shape, .. } => Some(shape.format),
            Recipe::File { format, .. } => Some(*format),
            Recipe::Uploaded(uploaded) => uploaded.format,
            Recipe::Derived(variant) => Some(variant.drawing.format),
        }
    }

    /// Width and height in pixels, of pictures and films.
    #[must_use]
    pub fn size(&self) -> Option<(u32, u32)> {
        match &self.recipe {
            Recipe::Picture { shape, .. } => Some((shape.width, shape.height)),
            Recipe::File { format, .. } => format.is_film().then_some(Shape::POSTER),
            Recipe::Uploaded(uploaded) => {
                let film = uploaded.format.is_some_and(Format::is_film);
                uploaded.size.or(film.then_some(Shape::POSTER))
            }
            Recipe::Derived(variant) if variant.is_drawn() => {
                let drawn = variant.from.size().unwrap_or(Shape::POSTER);
                let steps = &variant.drawing.steps;
                Some(steps.iter().fold(drawn, |size, step| step.size_of(size)))
            }
            Recipe::Derived(variant) => variant.from.size(),
        }
    }

    /// Whether variants of it can be drawn, and not only be tagged. Of films a still picture is drawn.
    #[must_use]
    pub fn is_drawable(&self) -> bool {
        match &self.recipe {
            Recipe::Picture { .. } => true,
            Recipe::File { format, .. } => format.is_film(),
            Recipe::Uploaded(uploaded) => {
                uploaded.format.is_some_and(|format| format.is_readable() || format.is_film())
            }
            Recipe::Derived(variant) => variant.is_drawn(),
        }
    }

    /// Tells contents of the same look apart.
    fn mark(&self) -> u64 {
        match &self.recipe {
            Recipe::Picture { mark, .. } | Recipe::File { mark, .. } => *mark,
            Recipe::Uploaded(uploaded) => {
                hash_bytes(&uploaded.bytes[..uploaded.bytes.len().min(65_536)])
            }
            Recipe::Derived(variant) => {
                let format = hash_text(variant.drawing.format.as_str());
                mix(variant.from.mark() ^ mix(hash_text(&variant.transformation)) ^ format)
            }
        }
    }
}

impl Variant {
    /// Whether there is a picture of its own, and not only the original's file with a mark.
    fn is_drawn(&self) -> bool {
        self.from.is_drawable() && self.drawing.format.is_writable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> impl Iterator<Item = Shape> {
        [Format::Jpg, Format::Png, Format::Webp].into_iter().map(|format| Shape::of(format, 3))
    }

    #[test]
    fn bytes_are_repeatable_and_their_length_is_known_beforehand() {
        for shape in shapes() {
            let (one, again) = (Content::picture(shape, 11), Content::picture(shape, 11));
            assert_eq!(one.length(), one.bytes().len() as u64, "{shape:?}");
            assert_eq!(one.bytes(), again.bytes());
            assert_eq!(one.etag(), again.etag());
            assert_ne!(one.etag(), Content::picture(shape, 12).etag());
        }
    }

    #[test]
    fn drawn_pictures_are_real_pictures() {
        for shape in shapes().filter(|shape| shape.format.is_readable()) {
            let picture = image::load_from_memory(&Content::picture(shape, 5).bytes()).unwrap();
            assert_eq!((picture.width(), picture.height()), (shape.width, shape.height));
        }
    }

    fn sized(width: u32, height: u32, format: Format) -> Drawing {
        let frame = Frame::new(Crop::Fill, Some(width.into()), Some(height.into()));
        Drawing { steps: vec![Step::Frame(frame)], ..Drawing::of(format) }
    }

    #[test]
    fn a_derived_picture_has_the_size_and_the_format_it_was_asked_for() {
        let original = Arc::new(Content::picture(Shape::of(Format::Jpg, 1), 5));
        for format in [Format::Jpg, Format::Png, Format::Webp, Format::Gif] {
            let drawing = sized(40, 30, format);
            let derived = Content::derived(original.clone(), "c_fill,h_30,w_40", drawing);
            let picture = image::load_from_memory(&derived.bytes()).unwrap();
            assert_eq!((picture.width(), picture.height()), (40, 30));
            let size = derived.size();
            assert_eq!(sniff(&derived.bytes()), Some(Sniffed { format, size }));
            assert_eq!(size, Some((40, 30)));
            assert_eq!(derived.length(), derived.bytes().len() as u64);
            assert_ne!(derived.etag(), original.etag());
        }
    }

    #[test]
    fn derived_copies_of_two_originals_of_one_shape_differ() {
        let shape = Shape::of(Format::Png, 0);
        let derived = |mark| {
            let from = Arc::new(Content::picture(shape, mark));
            Content::derived(from, "e_grayscale", Drawing::of(Format::Png)).etag().to_owned()
        };
        assert_ne!(derived(1), derived(2));
        assert_eq!(derived(1), derived(1));
    }

    #[test]
    fn an_upload_nobody_can_read_is_tagged_when_transformed() {
        let svg = Bytes::from_static(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
        let original = Arc::new(Content::uploaded(svg.clone(), sniff(&svg)));
        let derived = Content::derived(original.clone(), "w_10", Drawing::of(Format::Svg));
        let bytes = derived.bytes();
        assert!(bytes.starts_with(&svg) && bytes.ends_with(b"-->"), "{bytes:?}");
        assert_eq!(derived.length(), derived.bytes().len() as u64);
    }

    #[test]
    fn a_broken_upload_becomes_a_picture_of_its_size_all_the_same() {
        let mut png = Content::picture(Shape::of(Format::Png, 1), 5).bytes().to_vec();
        png.truncate(200);
        let found = sniff(&png);
        let size = found.unwrap().size;
        let original = Arc::new(Content::uploaded(png.into(), found));
        let derived = Content::derived(original, "f_jpg", Drawing::of(Format::Jpg));
        let bytes = derived.bytes();
        assert_eq!(sniff(&bytes), Some(Sniffed { format: Format::Jpg, size }));
        assert!(image::load_from_memory(&bytes).is_ok());
    }

    #[test]
    fn a_still_picture_is_drawn_of_films_and_films_stay_films() {
        let film = Content::file(Format::Mp4, 7, 4000);
        let uploaded = Content::uploaded(film.bytes(), sniff(&film.bytes()));
        for film in [Arc::new(film), Arc::new(uploaded)] {
            let still = Content::derived(film.clone(), "so_1", sized(80, 45, Format::Jpg));
            let picture = image::load_from_memory(&still.bytes()).unwrap();
            assert_eq!((picture.width(), picture.height()), (80, 45));
            let smaller = Content::derived(film.clone(), "w_80", Drawing::of(Format::Mp4));
            assert_eq!(sniff(&smaller.bytes()).unwrap().format, Format::Mp4);
            assert_ne!(smaller.etag(), film.etag());
        }
    }

    #[test]
    fn a_file_is_at_hand_once_it_was_kept() {
        let content = Arc::new(Content::picture(Shape::of(Format::Jpg, 2), 77));
        assert!(content.at_hand().is_none());
        let bytes = content.bytes_to_keep();
        assert_eq!(content.at_hand(), Some(bytes));
        assert!(!content.is_at_hand(), "etag and length are not known yet");
        let _ = (content.etag(), content.length());
        assert!(content.is_at_hand());
    }
}
