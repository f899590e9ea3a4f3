//! Transformations as storage reads them: what is carried out, what is refused, and which format comes out.
//!
//! Carried out: sizes (`w h c ar g x y dpr`), turns (`a`), borders (`b`), quality and format (`q f`, and the
//! extension of the URL), named transformations of the cloud. Everything else that the service knows (effects,
//! layers, text, conditions, variables) only tells the derived asset apart. `dpr_auto`, `w_auto` and `q_auto` mean
//! their values for a client without hints; only `f_auto` varies.

use crate::domain::delivery_url::{is_format, is_transformation};
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::content::{
    Content, Crop, Drawing, Format, Frame, Gravity, Ground, Resize, Step, Turn,
};

/// Largest picture that is read or made, in pixels (facts §5.3).
const MAX_PIXELS: u64 = 25_000_000;
/// Pixels that all steps of one chain make together at most.
const MAX_WORK: u64 = 4 * MAX_PIXELS;

/// Named transformations that the cloud knows.
const NAMED: &[(&str, &str)] =
    &[("card", "c_fill,h_90,w_160"), ("thumb", "c_fill,h_64,w_64"), ("wide", "c_fit,w_480")];

/// What a chain asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub drawing: Drawing,
    /// The answer depends on the `Accept` header.
    pub varies: bool,
}

/// Why a chain is refused, as `x-cld-error` says it.
pub type Problem = String;

/// Reads `chain` for an original, an extension in the URL and an `Accept` header.
///
/// # Errors
/// A component or a value that is none, an unknown named transformation, or a picture that would be too large.
pub fn plan(
    chain: &[String],
    original: &Content,
    extension: Option<&str>,
    accept: AcceptVariant,
) -> Result<Plan, Problem> {
    let stored = original.format().unwrap_or(Format::Binary);
    let mut reader = Reader::new(stored, accept);
    if let Some(extension) = extension {
        reader.format = wanted(extension, stored)
            .ok_or_else(|| format!("Invalid image format in transformation: {extension}"))?;
    }
    reader.read_chain(chain)?;
    let Reader { steps, format, quality, varies, .. } = reader;
    let is_tagged = !original.is_drawable()
        || (stored.is_film_or_sound() && format.is_film_or_sound())
        || !(stored.is_picture() || format.is_picture());
    let drawing = if is_tagged {
        Drawing::of(stored)
    } else {
        Drawing { steps, format: format.drawn_as(), quality }
    };
    if !is_tagged {
        check_size(&drawing, original)?;
    }
    Ok(Plan { drawing, varies })
}

/// The kind of file that a word asks for; what the service can write and this cloud cannot, is PNG, or the stored
/// kind of a film.
fn wanted(word: &str, stored: Format) -> Option<Format> {
    let instead = if stored.is_film_or_sound() { stored } else { Format::Png };
    Format::from_extension(word).or_else(|| is_format(word).then_some(instead))
}

/// Reads components one after the other.
struct Reader {
    steps: Vec<Step>,
    stored: Format,
    format: Format,
    quality: u8,
    varies: bool,
    accept: AcceptVariant,
    /// Inside a layer or a condition: what follows is not about the picture itself.
    aside: bool,
}

/// One component on the way.
#[derive(Default)]
struct Component {
    crop: Option<Crop>,
    width: Option<Resize>,
    height: Option<Resize>,
    aspect: Option<(u32, u32)>,
    gravity: Gravity,
    ground: Ground,
    density: Option<f64>,
    turns: Vec<Turn>,
    is_layer: bool,
}

impl Reader {
    const fn new(stored: Format, accept: AcceptVariant) -> Self {
        let steps = Vec::new();
        let quality = Drawing::QUALITY;
        Self { steps, stored, format: stored, quality, varies: false, accept, aside: false }
    }

    fn read_chain(&mut self, chain: &[String]) -> Result<(), Problem> {
        for (at, link) in chain.iter().enumerate() {
            if is_layer(link) && !ends_layer(link) && chain[at + 1..].iter().any(|l| ends_layer(l))
            {
                self.aside = true;
            }
            if link.starts_with("if_") {
                self.aside = link != "if_end";
            }
            self.read_link(link)?;
            if ends_layer(link) {
                self.aside = false;
            }
        }
        Ok(())
    }

    fn read_link(&mut self, link: &str) -> Result<(), Problem> {
        let mut one = Component { is_layer: is_layer(link), ..Component::default() };
        for part in link.split(',').filter(|part| !part.is_empty()) {
            if !is_transformation(part) {
                return Err(format!("Invalid transformation component - {part}"));
            }
            let (key, value) = part.split_once('_').unwrap_or((part, ""));
            self.read_part(key, value, &mut one)?;
        }
        if !self.aside && !one.is_layer {
            self.steps.extend(one.steps());
        }
        Ok(())
    }

    fn read_part(&mut self, key: &str, value: &str, one: &mut Component) -> Result<(), Problem> {
        match key {
            "w" => one.width = side(value, "width")?.or(one.width),
            "h" => one.height = side(value, "height")?.or(one.height),
            "c" => one.crop = Some(crop(value)?),
            "ar" => one.aspect = aspect(value)?,
            "g" => (one.gravity.east, one.gravity.south) = gravity(value)?,
            "x" => one.gravity.offset.0 = offset(value, "x")?,
            "y" => one.gravity.offset.1 = offset(value, "y")?,
            "b" => one.ground = ground(value),
            "a" => one.turns = turns(value)?,
            "dpr" => one.density = density(value)?,
            "q" => self.quality = quality(value)?.unwrap_or(self.quality),
            "f" => self.choose_format(value)?,
            "t" => {
                let known = NAMED.iter().find(|(known, _)| *known == value);
                let (_, chain) =
                    known.ok_or_else(|| format!("Unknown transformation t_{value}"))?;
                chain.split('/').try_for_each(|link| self.read_link(link))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn choose_format(&mut self, value: &str) -> Result<(), Problem> {
        if value == "auto" || value.starts_with("auto:") {
            self.varies = true;
            self.format = match self.accept {
                AcceptVariant::None if self.stored.is_film() => self.format,
                AcceptVariant::None => self.stored,
                AcceptVariant::Webp => Format::Webp,
                AcceptVariant::Avif => Format::Avif,
            };
            return Ok(());
        }
        self.format = wanted(value, self.stored)
            .ok_or_else(|| format!("Invalid format in transformation: {value}"))?;
        Ok(())
    }
}

impl Component {
    /// First the size, then the turns, as the service does within one component.
    fn steps(self) -> impl Iterator<Item = Step> {
        let sized = self.width.is_some() || self.height.is_some() || self.aspect.is_some();
        let density = self.density.unwrap_or(1.0);
        let frame = sized.then(|| Frame {
            crop: self.crop.unwrap_or(Crop::Scale),
            width: self.width.map(|width| width.times(density)),
            height: self.height.map(|height| height.times(density)),
            aspect: self.aspect,
            gravity: self.gravity,
            ground: self.ground,
        });
        let turns = self.turns.into_iter().map(move |turn| Step::Turn(turn, self.ground));
        frame.map(Step::Frame).into_iter().chain(turns)
    }
}

fn is_layer(link: &str) -> bool {
    link.split(',').any(|part| part.starts_with("l_") || part.starts_with("u_"))
}

fn ends_layer(link: &str) -> bool {
    link.split(',').any(|part| part == "fl_layer_apply")
}

/// Words and expressions, which are left out of account.
fn is_expression(value: &str) -> bool {
    value.starts_with("auto")
        || value.starts_with(['i', '$'])
        || value.starts_with("ow")
        || value.starts_with("oh")
        || ["_mul_", "_div_", "_add_", "_sub_"].iter().any(|word| value.contains(word))
}

/// A number of pixels or a share of the present side.
fn side(value: &str, name: &str) -> Result<Option<Resize>, Problem> {
    if is_expression(value) {
        return Ok(None);
    }
    if let Ok(pixels) = value.parse::<u32>()
        && pixels > 0
    {
        return Ok(Some(Resize::Pixels(pixels)));
    }
    match value.parse::<f64>() {
        Ok(share) if value.contains('.') && share > 0.0 && share <= 10.0 => {
            Ok(Some(Resize::share(share)))
        }
        _ => Err(format!("Invalid {name} in transformation: {value}")),
    }
}

fn crop(value: &str) -> Result<Crop, Problem> {
    Ok(match value {
        "scale" | "imagga_scale" => Crop::Scale,
        "fit" => Crop::Fit,
        "mfit" => Crop::FitUp,
        "limit" => Crop::Limit,
        "fill" | "fill_pad" | "thumb" | "auto" | "auto_pad" => Crop::Fill,
        "lfill" => Crop::FillDown,
        "crop" | "imagga_crop" => Crop::Cut,
        "pad" => Crop::Pad,
        "lpad" => Crop::PadDown,
        "mpad" => Crop::PadUp,
        _ => return Err(format!("Invalid crop mode in transformation: {value}")),
    })
}

/// `16:9` or `1.5`.
fn aspect(value: &str) -> Result<Option<(u32, u32)>, Problem> {
    if is_expression(value) {
        return Ok(None);
    }
    let wrong = || format!("Invalid aspect ratio in transformation: {value}");
    let (width, height) = value.split_once(':').unwrap_or((value, "1"));
    let thousandths = |text: &str| {
        let number = text.parse::<f64>().ok().filter(|number| (0.001..=100_000.0).contains(number));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        number.map(|number| (number * 1000.0).round() as u32).ok_or_else(wrong)
    };
    Ok(Some((thousandths(width)?, thousandths(height)?)))
}

fn gravity(value: &str) -> Result<(i8, i8), Problem> {
    let detected = ["auto", "face", "faces", "body", "adv_", "ocr_text", "custom", "xy_center"];
    Ok(match value {
        "center" => (0, 0),
        "north" => (0, -1),
        "south" => (0, 1),
        "east" => (1, 0),
        "west" => (-1, 0),
        "north_east" => (1, -1),
        "north_west" => (-1, -1),
        "south_east" => (1, 1),
        "south_west" => (-1, 1),
        // nothing is recognised in pictures here
        word if detected.iter().any(|known| word.starts_with(known)) => (0, 0),
        _ => return Err(format!("Invalid gravity in transformation: {value}")),
    })
}

/// Pixels; shares and expressions are left out of account.
fn offset(value: &str, name: &str) -> Result<i32, Problem> {
    match value.parse() {
        Ok(pixels) => Ok(pixels),
        Err(_) if is_expression(value) || value.parse::<f64>().is_ok() => Ok(0),
        Err(_) => Err(format!("Invalid {name} in transformation: {value}")),
    }
}

/// `rgb:ff0000`, `#ff0000` without its mark, or a few names; white for everything else.
fn ground(value: &str) -> Ground {
    let hex = value.strip_prefix("rgb:").unwrap_or(value);
    let doubled: String = match hex.len() {
        3 | 4 => hex.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => hex.to_owned(),
    };
    let mut colour = [255; 4];
    let is_hex = match doubled.len() {
        6 => hex::decode_to_slice(&doubled, &mut colour[..3]).is_ok(),
        8 => hex::decode_to_slice(&doubled, &mut colour).is_ok(),
        _ => false,
    };
    Ground(match value {
        _ if is_hex => colour,
        "black" => [0, 0, 0, 255],
        "red" => [255, 0, 0, 255],
        "green" => [0, 128, 0, 255],
        "blue" => [0, 0, 255, 255],
        "gray" | "grey" => [128, 128, 128, 255],
        "yellow" => [255, 255, 0, 255],
        "transparent" => [255, 255, 255, 0],
        _ => [255; 4],
    })
}

/// `90`, `-20`, `hflip`, or several with a dot between them.
fn turns(value: &str) -> Result<Vec<Turn>, Problem> {
    let degrees = |text: &str| {
        let number = text.parse::<f64>().ok().filter(|number| number.abs() <= 36_000.0)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = number.round().rem_euclid(360.0) as u16;
        Some(Turn::Degrees(whole))
    };
    if let Some(turn) = degrees(value) {
        return Ok(vec![turn]);
    }
    let mut turns = Vec::new();
    for word in value.split('.') {
        match word {
            "hflip" => turns.push(Turn::Mirror),
            "vflip" => turns.push(Turn::Flip),
            "auto_right" | "auto_left" | "ignore" | "exif" => {}
            _ => turns.push(
                degrees(word).ok_or_else(|| format!("Invalid angle in transformation: {value}"))?,
            ),
        }
    }
    Ok(turns)
}

fn density(value: &str) -> Result<Option<f64>, Problem> {
    match value.parse::<f64>() {
        Ok(density) if (0.1..=10.0).contains(&density) => Ok(Some(density)),
        Err(_) if is_expression(value) => Ok(None),
        _ => Err(format!("Invalid dpr in transformation: {value}")),
    }
}

/// Of JPEG files; `None` where the word leaves it open.
fn quality(value: &str) -> Result<Option<u8>, Problem> {
    let number = value.split(':').next().unwrap_or_default();
    match (value, number.parse::<u8>()) {
        (_, Ok(quality @ 1..=100)) => Ok(Some(quality)),
        ("auto:best", _) => Ok(Some(90)),
        ("auto:eco", _) => Ok(Some(65)),
        ("auto:low", _) => Ok(Some(50)),
        _ if number == "auto" || value.starts_with("jpegmini") || value.starts_with('$') => {
            Ok(None)
        }
        _ => Err(format!("Invalid quality in transformation: {value}")),
    }
}

fn check_size(drawing: &Drawing, original: &Content) -> Result<(), Problem> {
    let mut size = original.size().unwrap_or((1, 1));
    let mut work = check_pixels(size)?;
    for step in &drawing.steps {
        size = step.size_of(size);
        work += check_pixels(size)?;
        if work > MAX_WORK {
            let limit = MAX_WORK / 1_000_000;
            return Err(format!("Transformation is too complex: more than {limit} Megapixels"));
        }
    }
    let longest = drawing.format.longest_side();
    if size.0.max(size.1) > longest {
        let (format, asked) = (drawing.format.as_str(), size.0.max(size.1));
        return Err(format!("Maximum side of {format} images is {longest}. Requested {asked}"));
    }
    Ok(())
}

fn check_pixels((width, height): (u32, u32)) -> Result<u64, Problem> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        let requested = pixels as f64 / 1e6;
        return Err(format!(
            "Maximum image size is 25 Megapixels. Requested {requested:.1} Megapixels"
        ));
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_cloud::content::{Shape, Sniffed};

    fn planned(chain: &str, extension: &str, accept: AcceptVariant) -> Result<Plan, Problem> {
        let original = Content::picture(Shape::of(Format::Jpg, 0), 1);
        let chain: Vec<String> = chain.split('/').map(str::to_owned).collect();
        plan(&chain, &original, Some(extension), accept)
    }

    /// The size of what is made of a picture of 320 x 180.
    fn size(chain: &str) -> (u32, u32) {
        let plan = planned(chain, "jpg", AcceptVariant::None).unwrap();
        plan.drawing.steps.iter().fold((320, 180), |size, step| step.size_of(size))
    }

    #[test]
    fn the_format_is_that_of_the_chain_then_of_the_url() {
        let format = |chain, ext, accept| planned(chain, ext, accept).unwrap().drawing.format;
        assert_eq!(format("w_10", "jpg", AcceptVariant::None), Format::Jpg);
        assert_eq!(format("w_10", "png", AcceptVariant::None), Format::Png);
        assert_eq!(format("w_10,f_webp", "png", AcceptVariant::None), Format::Webp);
        assert_eq!(format("f_auto,q_auto", "jpg", AcceptVariant::None), Format::Jpg);
        assert_eq!(format("f_auto,q_auto", "jpg", AcceptVariant::Avif), Format::Webp);
        assert_eq!(format("f_gif", "jpg", AcceptVariant::None), Format::Gif);
        assert_eq!(format("w_10", "heic", AcceptVariant::None), Format::Png);
        assert_eq!(format("w_10", "pdf", AcceptVariant::None), Format::Png);
        assert!(planned("f_auto", "jpg", AcceptVariant::None).unwrap().varies);
        assert!(!planned("f_webp", "jpg", AcceptVariant::Webp).unwrap().varies);
    }

    #[test]
    fn films_stay_films_and_give_still_pictures() {
        let film = Content::file(Format::Mp4, 1, 400);
        let format = |chain: &str, extension| {
            let chain = [chain.to_owned()];
            plan(&chain, &film, Some(extension), AcceptVariant::Webp).unwrap().drawing.format
        };
        assert_eq!(format("w_100", "mp4"), Format::Mp4);
        assert_eq!(format("w_100", "webm"), Format::Mp4);
        assert_eq!(format("w_100", "mkv"), Format::Mp4);
        assert_eq!(format("so_1", "jpg"), Format::Jpg);
    }

    #[test]
    fn the_common_parameters_are_carried_out() {
        assert_eq!(size("w_160"), (160, 90));
        assert_eq!(size("c_scale,w_0.5"), (160, 90));
        assert_eq!(size("c_fill,w_100,ar_1:1"), (100, 100));
        assert_eq!(size("c_fill,ar_1.0,h_50"), (50, 50));
        assert_eq!(size("c_fit,w_100,h_100"), (100, 56));
        assert_eq!(size("w_100,dpr_2.0"), (200, 113));
        assert_eq!(size("w_100,dpr_auto"), (100, 56));
        assert_eq!(size("w_160/a_90"), (90, 160));
        assert_eq!(size("a_-90"), (180, 320));
        assert_eq!(size("a_hflip.90"), (180, 320));
        assert_eq!(size("c_limit,w_1000/c_crop,g_north_west,w_50,h_40,x_5"), (50, 40));
        assert_eq!(size("t_card/e_grayscale"), (160, 90));
        assert_eq!(size("w_auto,c_limit"), (320, 180));
        assert_eq!(size("$big_300/w_$big"), (320, 180));
    }

    #[test]
    fn sizes_of_layers_and_conditions_are_not_those_of_the_picture() {
        assert_eq!(size("l_logo,w_50,g_north"), (320, 180));
        assert_eq!(size("l_logo/c_scale,w_50/fl_layer_apply,g_north/w_160"), (160, 90));
        assert_eq!(size("if_w_gt_500/w_50/if_end/w_160"), (160, 90));
    }

    #[test]
    fn refusals_name_the_value() {
        let refused = |chain| planned(chain, "jpg", AcceptVariant::None).unwrap_err();
        assert_eq!(refused("w_abc"), "Invalid width in transformation: abc");
        assert_eq!(refused("h_0"), "Invalid height in transformation: 0");
        assert_eq!(refused("t_x"), "Unknown transformation t_x");
        assert_eq!(refused("press"), "Invalid transformation component - press");
        assert_eq!(refused("w_10,zz_1"), "Invalid transformation component - zz_1");
        assert_eq!(refused("c_cut"), "Invalid crop mode in transformation: cut");
        assert_eq!(refused("g_up"), "Invalid gravity in transformation: up");
        assert_eq!(refused("a_right"), "Invalid angle in transformation: right");
        assert_eq!(refused("q_101"), "Invalid quality in transformation: 101");
        assert_eq!(refused("dpr_99"), "Invalid dpr in transformation: 99");
        assert_eq!(refused("ar_1:0"), "Invalid aspect ratio in transformation: 1:0");
        assert_eq!(refused("f_foo"), "Invalid format in transformation: foo");
        assert!(planned("t_card/e_grayscale/w_0.5", "jpg", AcceptVariant::None).is_ok());
    }

    #[test]
    fn work_is_bounded() {
        let refused = |chain: &str| planned(chain, "jpg", AcceptVariant::None).unwrap_err();
        assert_eq!(
            refused("c_scale,w_9000,h_9000"),
            "Maximum image size is 25 Megapixels. Requested 81.0 Megapixels"
        );
        assert!(refused("c_scale,w_70000,h_10").starts_with("Maximum side of jpg images is 65535"));
        assert!(refused(&["w_5000,h_5000"; 5].join("/")).starts_with("Transformation is too"));
        let sniffed = Sniffed { format: Format::Png, size: Some((6000, 5600)) };
        let large = Content::uploaded(b"\x89PNG".as_slice().into(), Some(sniffed));
        let plan = plan(&["w_10".to_owned()], &large, Some("png"), AcceptVariant::None);
        assert_eq!(
            plan.unwrap_err(),
            "Maximum image size is 25 Megapixels. Requested 33.6 Megapixels"
        );
    }
}
