//! Remembers pictures that were drawn, so that each is drawn once while it is in use.
//!
//! What is kept depends on nothing but the question (a shape, or a variant of one), so all worlds of a process
//! share it. Bounded in files and in bytes: the oldest goes first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::encode::encoded;
use super::format::Format;
use super::render::develop;
use super::{Drawing, Recipe, Shape, Variant};

type File = Arc<Vec<u8>>;

/// Most variants kept; usually at about 30 KB each.
const MOST: usize = 1024;
/// Most bytes kept, of all variants together.
const MOST_BYTES: usize = 48 * 1024 * 1024;
/// Larger files are drawn each time.
const LARGEST: usize = MOST_BYTES / 8;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Question {
    Drawn(Shape),
    /// Variant of a drawn shape, or of an uploaded file known by its MD5.
    Developed {
        of: Source,
        drawing: Drawing,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    Shape(Shape),
    File(String),
}

#[derive(Default)]
struct Shelf {
    files: HashMap<Question, File>,
    order: VecDeque<Question>,
    bytes: usize,
}

static SHELF: LazyLock<Mutex<Shelf>> = LazyLock::new(Mutex::default);

/// The file of a shape, before it gets its mark.
pub fn drawn(shape: Shape) -> File {
    let draw = || {
        let picture = image::DynamicImage::ImageRgb8(shape.draw()).into_rgba8();
        encoded(&picture, shape.format, 82)
    };
    remembered(Question::Drawn(shape), draw)
}

/// Draws every shape that originals come in, so that the first listing need not.
pub fn draw_ahead() {
    for format in [Format::Jpg, Format::Png, Format::Webp] {
        for pick in 0..6 {
            drawn(Shape::of(format, pick));
        }
    }
}

/// The file of a derived content, before it gets its mark; where nothing can be drawn, the original's own bytes.
pub fn developed(variant: &Variant) -> File {
    let Variant { from, drawing, .. } = variant;
    if !variant.is_drawn() {
        return Arc::new(from.bytes().to_vec());
    }
    let of = match &from.recipe {
        Recipe::Picture { shape, .. } => Source::Shape(*shape),
        Recipe::File { mark, .. } => Source::Shape(Shape::poster(*mark)),
        Recipe::Uploaded(_) | Recipe::Derived(_) => Source::File(from.etag().to_owned()),
    };
    let question = Question::Developed { of, drawing: drawing.clone() };
    remembered(question, || develop(from, drawing))
}

/// Two who ask at the same time may both draw; the picture is the same.
fn remembered(question: Question, draw: impl FnOnce() -> Vec<u8>) -> File {
    let shelf = || SHELF.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = shelf().files.get(&question) {
        return file.clone();
    }
    let file = Arc::new(draw());
    if file.len() > LARGEST {
        return file;
    }
    let mut shelf = shelf();
    if shelf.files.insert(question.clone(), file.clone()).is_none() {
        shelf.bytes += file.len();
        shelf.order.push_back(question);
    }
    while shelf.order.len() > MOST || shelf.bytes > MOST_BYTES {
        let Some(oldest) = shelf.order.pop_front() else { break };
        shelf.bytes -= shelf.files.remove(&oldest).map_or(0, |file| file.len());
    }
    file
}
