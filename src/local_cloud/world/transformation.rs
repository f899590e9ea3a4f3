//! Transformations as storage reads them: what is carried out, what is refused, and which format comes out.

use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::content::{Content, Crop, Format, Frame, Resize};

/// Largest picture that is made.
const MAX_PIXELS: u64 = 25_000_000;

/// Named transformations that the cloud knows.
const NAMED: &[(&str, &str)] =
    &[("card", "c_fill,h_90,w_160"), ("thumb", "c_fill,h_64,w_64"), ("wide", "c_fit,w_480")];

/// What a chain asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub frames: Vec<Frame>,
    pub format: Format,
    /// The answer depends on the `Accept` header.
    pub varies: bool,
}

/// Why a chain is refused, as `x-cld-error` says it.
pub type Problem = String;

/// Reads `chain` for an original, an extension in the URL and an `Accept` header.
///
/// # Errors
/// A value that is none, an unknown named transformation, or a picture that would be too large.
pub fn plan(
    chain: &[String],
    original: &Content,
    extension: Option<&str>,
    accept: AcceptVariant,
) -> Result<Plan, Problem> {
    let stored = original.format().unwrap_or(Format::Binary);
    let mut plan = Plan {
        frames: Vec::new(),
        format: extension.and_then(Format::from_extension).unwrap_or(stored),
        varies: false,
    };
    for link in chain {
        read_link(link, &mut plan, stored, accept)?;
    }
    check_size(&plan, original)?;
    if stored.is_picture() || plan.format.is_picture() {
        // what cannot be read is only tagged, in its own format
        plan.format = if original.is_drawable() { plan.format.drawn_as() } else { stored };
    }
    Ok(plan)
}

fn read_link(
    link: &str,
    plan: &mut Plan,
    stored: Format,
    accept: AcceptVariant,
) -> Result<(), Problem> {
    let mut frame = Frame { crop: Crop::Scale, width: None, height: None };
    for part in link.split(',') {
        match part.split_once('_') {
            Some(("w", value)) => frame.width = side(value, "width")?.or(frame.width),
            Some(("h", value)) => frame.height = side(value, "height")?.or(frame.height),
            Some(("c", value)) => frame.crop = crop(value)?,
            Some(("q", value)) => quality(value)?,
            Some(("f", value)) => choose_format(value, plan, stored, accept)?,
            Some(("t", name)) => {
                let known = NAMED.iter().find(|(known, _)| *known == name);
                let (_, link) = known.ok_or_else(|| format!("Unknown transformation t_{name}"))?;
                read_link(link, plan, stored, accept)?;
            }
            _ => {}
        }
    }
    if frame.width.is_some() || frame.height.is_some() {
        plan.frames.push(frame);
    }
    Ok(())
}

/// A number of pixels or a share of the present side; words and expressions are left out of account.
fn side(value: &str, name: &str) -> Result<Option<Resize>, Problem> {
    let is_word = value.starts_with("auto")
        || value.starts_with(['i', '$'])
        || value.contains("_mul_")
        || value.contains("_div_");
    if is_word {
        return Ok(None);
    }
    if let Ok(pixels) = value.parse::<u32>()
        && pixels > 0
    {
        return Ok(Some(Resize::Pixels(pixels)));
    }
    match value.parse::<f64>() {
        Ok(share) if value.contains('.') && share > 0.0 && share <= 10.0 => {
            Ok(Some(Resize::Share(share)))
        }
        _ => Err(format!("Invalid {name} in transformation: {value}")),
    }
}

fn crop(value: &str) -> Result<Crop, Problem> {
    Ok(match value {
        "scale" | "imagga_scale" => Crop::Scale,
        "fit" | "mfit" => Crop::Fit,
        "limit" => Crop::Limit,
        "fill" | "lfill" | "fill_pad" | "thumb" | "auto" | "auto_pad" => Crop::Fill,
        "crop" | "imagga_crop" => Crop::Cut,
        "pad" | "lpad" | "mpad" => Crop::Pad,
        _ => return Err(format!("Invalid crop mode in transformation: {value}")),
    })
}

fn quality(value: &str) -> Result<(), Problem> {
    let number = value.split(':').next().unwrap_or_default();
    let is_known = value.starts_with("auto")
        || matches!(number.parse::<u8>(), Ok(1..=100))
        || value.starts_with("jpegmini");
    is_known.then_some(()).ok_or_else(|| format!("Invalid quality in transformation: {value}"))
}

fn choose_format(
    value: &str,
    plan: &mut Plan,
    stored: Format,
    accept: AcceptVariant,
) -> Result<(), Problem> {
    if value == "auto" || value.starts_with("auto:") {
        plan.varies = true;
        plan.format = match accept {
            AcceptVariant::None if stored.is_film() => plan.format,
            AcceptVariant::None => stored,
            AcceptVariant::Webp | AcceptVariant::Avif => Format::Webp,
        };
        return Ok(());
    }
    plan.format = Format::from_extension(value)
        .ok_or_else(|| format!("Invalid format in transformation: {value}"))?;
    Ok(())
}

fn check_size(plan: &Plan, original: &Content) -> Result<(), Problem> {
    let mut size = original.size().unwrap_or((1, 1));
    for frame in &plan.frames {
        size = frame.size_of(size);
        let pixels = u64::from(size.0) * u64::from(size.1);
        if pixels > MAX_PIXELS {
            return Err(format!(
                "Maximum image size is 25 Megapixels. Requested {:.1} Megapixels",
                pixels as f64 / 1e6
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_cloud::content::Shape;

    fn planned(chain: &str, extension: &str, accept: AcceptVariant) -> Result<Plan, Problem> {
        let original = Content::picture(Shape::of(Format::Jpg, 0), 1);
        let chain: Vec<String> = chain.split('/').map(str::to_owned).collect();
        plan(&chain, &original, Some(extension), accept)
    }

    #[test]
    fn the_format_is_that_of_the_chain_then_of_the_url() {
        let format = |chain, ext, accept| planned(chain, ext, accept).unwrap().format;
        assert_eq!(format("w_10", "jpg", AcceptVariant::None), Format::Jpg);
        assert_eq!(format("w_10", "png", AcceptVariant::None), Format::Png);
        assert_eq!(format("w_10,f_webp", "png", AcceptVariant::None), Format::Webp);
        assert_eq!(format("f_auto,q_auto", "jpg", AcceptVariant::None), Format::Jpg);
        assert_eq!(format("f_auto,q_auto", "jpg", AcceptVariant::Avif), Format::Webp);
        assert_eq!(format("f_gif", "jpg", AcceptVariant::None), Format::Png);
        assert!(planned("f_auto", "jpg", AcceptVariant::None).unwrap().varies);
        assert!(!planned("f_webp", "jpg", AcceptVariant::Webp).unwrap().varies);
    }

    #[test]
    fn refusals_name_the_value() {
        let refused = |chain| planned(chain, "jpg", AcceptVariant::None).unwrap_err();
        assert_eq!(refused("w_abc"), "Invalid width in transformation: abc");
        assert_eq!(refused("h_0"), "Invalid height in transformation: 0");
        assert_eq!(refused("t_x"), "Unknown transformation t_x");
        assert!(refused("c_scale,w_9000,h_9000").starts_with("Maximum image size is 25"));
        assert!(planned("t_card/e_grayscale/w_0.5", "jpg", AcceptVariant::None).is_ok());
    }
}
