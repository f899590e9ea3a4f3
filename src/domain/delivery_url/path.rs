//! The path after host and cloud: forms, signature, transformations, version, name.

use super::escape::{smart_escape, unescape};
use super::parse::BadDeliveryUrl;
use super::{PathForm, Spelling};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::{BadPublicId, PublicId};

/// A path has more readings only when somebody builds it to have them.
const MAX_READINGS: usize = 24;

/// One reading of the segments after the cloud's name.
pub(super) struct Tail {
    pub form: PathForm,
    pub asset: AssetKey,
    pub signature: Option<String>,
    pub transformations: Vec<String>,
    pub version: Option<u64>,
    pub extension: Option<String>,
    pub suffix: Option<String>,
    pub spelling: Spelling,
}

/// How the first segments say what kind of asset follows.
#[derive(Clone, Copy)]
struct Kind {
    form: PathForm,
    resource_type: ResourceType,
    delivery_type: DeliveryType,
}

impl Kind {
    const ROOT: Self = Self::image(PathForm::Root);

    const fn image(form: PathForm) -> Self {
        Self { form, resource_type: ResourceType::Image, delivery_type: DeliveryType::Upload }
    }

    /// Segments that the name needs at least: SEO forms end with a suffix.
    const fn name_segments(self) -> usize {
        if matches!(self.form, PathForm::Seo) { 2 } else { 1 }
    }
}

/// The first segment of SEO forms, which stands for both types.
const SEO: [(&str, ResourceType, DeliveryType); 5] = [
    ("images", ResourceType::Image, DeliveryType::Upload),
    ("private_images", ResourceType::Image, DeliveryType::Private),
    ("authenticated_images", ResourceType::Image, DeliveryType::Authenticated),
    ("files", ResourceType::Raw, DeliveryType::Upload),
    ("videos", ResourceType::Video, DeliveryType::Upload),
];

/// The SEO word for an asset of these types, if they have one.
pub(super) fn seo_word(
    resource_type: ResourceType,
    delivery_type: DeliveryType,
) -> Option<&'static str> {
    SEO.iter()
        .find(|(_, rt, dt)| (*rt, *dt) == (resource_type, delivery_type))
        .map(|(word, ..)| *word)
}

/// Every reading of `segments`, best first, never empty.
pub(super) fn read_tail(segments: &[&str]) -> Result<Vec<Tail>, BadDeliveryUrl> {
    if segments.iter().any(|segment| is_dot(segment)) {
        return Err(BadDeliveryUrl::DotSegment);
    }
    let mut readings = Vec::new();
    let mut refusal = None;
    for (kind, rest) in kinds(segments)? {
        match read_rest(kind, rest) {
            Ok(found) => readings.extend(found),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(error) if readings.is_empty() => Err(error),
        _ => {
            readings.truncate(MAX_READINGS);
            Ok(readings)
        }
    }
}

fn is_dot(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

/// The kinds of asset that the first segments can name, each with what follows.
fn kinds<'a, 's>(segments: &'a [&'s str]) -> Result<Vec<(Kind, &'a [&'s str])>, BadDeliveryUrl> {
    let (&first, rest) = segments.split_first().ok_or(BadDeliveryUrl::NoPublicId)?;
    let second = rest.first().copied();
    if let Ok(resource_type) = first.parse::<ResourceType>() {
        let found = second.filter(|word| !word.is_empty()).ok_or(BadDeliveryUrl::NoPublicId)?;
        let delivery_type = found
            .parse()
            .map_err(|_| BadDeliveryUrl::DeliveryType { resource_type, found: found.to_owned() })?;
        let kind = Kind { form: PathForm::Plain, resource_type, delivery_type };
        return Ok(vec![(kind, &rest[1..])]);
    }
    let mut kinds = Vec::new();
    if first == "iu" && !rest.is_empty() {
        kinds.push((Kind::image(PathForm::Short), rest));
    }
    if let Some(&(_, resource_type, delivery_type)) = SEO.iter().find(|(word, ..)| *word == first) {
        let kind = Kind { form: PathForm::Seo, resource_type, delivery_type };
        if rest.len() >= kind.name_segments() {
            kinds.push((kind, rest));
        }
    }
    // A mistyped resource type is likelier than a root path into a folder `<word>/upload`.
    let is_word = first.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_word && matches!(second, Some("upload" | "private" | "authenticated" | "fetch")) {
        return Err(BadDeliveryUrl::ResourceType { found: first.to_owned() });
    }
    kinds.push((Kind::ROOT, segments));
    Ok(kinds)
}

fn read_rest(kind: Kind, rest: &[&str]) -> Result<Vec<Tail>, BadDeliveryUrl> {
    let (signature, rest) = match rest.split_first() {
        Some((first, after)) if signature(first).is_some() => (signature(first), after),
        _ => (None, rest),
    };
    if kind.delivery_type == DeliveryType::Fetch {
        return read_fetch(kind, signature, rest).map(|tail| vec![tail]);
    }
    let mut readings = Vec::new();
    let mut refusal = None;
    for split in splits(rest, kind.name_segments()) {
        match names(kind, &rest[split.name_at()..]) {
            Ok(found) => {
                let (chain, version) = (&rest[..split.chain], split.version(rest));
                let read = |name: Name| name.tail(kind, signature, chain, version);
                readings.extend(found.into_iter().map(read));
            }
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(error) if readings.is_empty() => Err(error),
        None if readings.is_empty() => Err(BadDeliveryUrl::NoPublicId),
        _ => Ok(readings),
    }
}

/// The text between `s--` and `--`, where `segment` is a signature.
fn signature(segment: &str) -> Option<&str> {
    let inner = segment.strip_prefix("s--")?.strip_suffix("--")?;
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (matches!(inner.len(), 8 | 32) && inner.bytes().all(is_base64url)).then_some(inner)
}

/// The digits of a version segment, and their number.
fn version(segment: &str) -> Option<(&str, u64)> {
    let digits = segment.strip_prefix('v')?;
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok().map(|number| (digits, number)))?
}

/// Where the chain of transformations ends, and whether a version follows.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Split {
    chain: usize,
    versioned: bool,
}

impl Split {
    fn name_at(self) -> usize {
        self.chain + usize::from(self.versioned)
    }

    fn version<'s>(self, rest: &[&'s str]) -> Option<(&'s str, u64)> {
        if self.versioned { version(rest[self.chain]) } else { None }
    }
}

/// The ways to part `rest`, best first. With a version everything before it is transformations; without one, leading
/// segments that are lists of known parameters are. After those: the same segments as folders.
fn splits(rest: &[&str], name_segments: usize) -> Vec<Split> {
    let Some(last_start) = rest.len().checked_sub(name_segments) else { return Vec::new() };
    let is_version_at = |at: usize| at < last_start && version(rest[at]).is_some();
    let mut found = Vec::new();
    if let Some(chain) = (0..last_start).find(|at| is_version_at(*at)) {
        found.push(Split { chain, versioned: true });
    }
    let leading =
        rest[..last_start].iter().take_while(|segment| is_transformation(segment)).count();
    for chain in (0..=leading).rev() {
        for versioned in [true, false] {
            let split = Split { chain, versioned };
            if (!versioned || is_version_at(chain)) && !found.contains(&split) {
                found.push(split);
            }
        }
    }
    found
}

/// A fetched file: its address is the name, with no extension split off.
fn read_fetch(kind: Kind, signature: Option<&str>, rest: &[&str]) -> Result<Tail, BadDeliveryUrl> {
    let remote_at = rest.iter().position(|segment| begins_remote(segment));
    let remote_at = remote_at.ok_or(BadDeliveryUrl::NoRemoteUrl)?;
    let written = rest[remote_at..].join("/");
    let remote = unescape(&written)?;
    let name = Name {
        public_id: PublicId::of_fetch(&remote)?,
        written: (smart_escape(&remote) != written).then_some(written),
        extension: None,
        suffix: None,
    };
    let before = &rest[..remote_at];
    let (version, chain) = match before.split_last() {
        Some((last, chain)) if version(last).is_some() => (version(last), chain),
        _ => (None, before),
    };
    Ok(name.tail(kind, signature, chain, version))
}

fn begins_remote(segment: &str) -> bool {
    let start: String = segment.chars().take(12).collect::<String>().to_ascii_lowercase();
    ["http:", "https:", "http%3a", "https%3a"].iter().any(|scheme| start.starts_with(scheme))
}

/// The end of a path: public ID, extension, suffix.
struct Name {
    public_id: PublicId,
    /// The escaped public ID without extension, where we would write it otherwise.
    written: Option<String>,
    extension: Option<String>,
    suffix: Option<String>,
}

impl Name {
    fn tail(
        self,
        kind: Kind,
        signature: Option<&str>,
        chain: &[&str],
        version: Option<(&str, u64)>,
    ) -> Tail {
        let odd_digits = version.filter(|(digits, number)| *digits != number.to_string());
        Tail {
            form: kind.form,
            asset: AssetKey {
                resource_type: kind.resource_type,
                delivery_type: kind.delivery_type,
                public_id: self.public_id,
            },
            signature: signature.map(str::to_owned),
            transformations: chain.iter().map(|component| (*component).to_owned()).collect(),
            version: version.map(|(_, number)| number),
            extension: self.extension,
            suffix: self.suffix,
            spelling: Spelling {
                public_id: self.written,
                version: odd_digits.map(|(digits, _)| digits.to_owned()),
            },
        }
    }
}

/// The readings of the last segments, best first.
fn names(kind: Kind, segments: &[&str]) -> Result<Vec<Name>, BadDeliveryUrl> {
    if kind.form == PathForm::Seo {
        return seo_names(kind, segments);
    }
    let written = segments.join("/");
    let whole = |names: &mut Vec<Name>| name(&written, None, None).map(|name| names.push(name));
    let mut names = Vec::new();
    match split_extension(&written) {
        Some((stem, extension)) if kind.resource_type != ResourceType::Raw => {
            let known = is_format(extension);
            if !known {
                whole(&mut names)?;
            }
            names.push(name(stem, Some(extension), None)?);
            if known {
                whole(&mut names)?;
            }
        }
        _ => whole(&mut names)?,
    }
    Ok(names)
}

/// `<id>/<suffix>[.<extension>]`; for raw files the extension belongs to the ID though it stands behind the suffix.
fn seo_names(kind: Kind, segments: &[&str]) -> Result<Vec<Name>, BadDeliveryUrl> {
    let (last, id) = segments.split_last().ok_or(BadDeliveryUrl::NoPublicId)?;
    let written = id.join("/");
    let Some((suffix, extension)) = split_extension(last) else {
        return Ok(vec![name(&written, None, Some(last))?]);
    };
    let mut bare = name(&written, Some(extension), Some(suffix))?;
    if kind.resource_type != ResourceType::Raw {
        return Ok(vec![bare]);
    }
    let mut with_extension = name(&written, Some(extension), Some(suffix))?;
    let full = format!("{}.{extension}", with_extension.public_id);
    with_extension.public_id = PublicId::from_cloud(&full)?;
    // As part of the ID it need not be repeated by whoever renders the other forms.
    bare.extension = Some(extension.to_owned());
    Ok(vec![with_extension, bare])
}

fn name(
    written: &str,
    extension: Option<&str>,
    suffix: Option<&str>,
) -> Result<Name, BadDeliveryUrl> {
    if written.is_empty() {
        return Err(BadDeliveryUrl::NoPublicId);
    }
    let raw = unescape(written)?;
    if raw.starts_with('/') || raw.ends_with('/') {
        return Err(BadPublicId::Edge.into());
    }
    Ok(Name {
        written: (smart_escape(&raw) != written).then(|| written.to_owned()),
        public_id: PublicId::from_cloud(&raw)?,
        extension: extension.map(str::to_owned),
        suffix: suffix.map(str::to_owned),
    })
}

/// Stem and extension of the last segment of `written`, where it has something like one.
fn split_extension(written: &str) -> Option<(&str, &str)> {
    let (stem, extension) = written.rsplit_once('.')?;
    let is_one = (1..=8).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !stem.is_empty()
        && !stem.ends_with('/');
    is_one.then_some((stem, extension))
}

/// Formats that the service delivers; other endings are taken as part of the name first.
const FORMATS: &[&str] = &[
    "3ds", "3g2", "3gp", "aac", "ai", "aif", "aiff", "amr", "arw", "avi", "avif", "bmp", "bw",
    "cr2", "cr3", "css", "djvu", "dng", "eps", "eps3", "ept", "fbx", "fbxz", "flac", "flif", "flv",
    "gif", "glb", "gltf", "gltfz", "hdp", "heic", "heif", "ico", "indd", "jfif", "jp2", "jpe",
    "jpeg", "jpg", "jpx", "json", "jxl", "jxr", "m2ts", "m3u8", "m4a", "m4v", "mid", "midi", "mkv",
    "mov", "mp3", "mp4", "mpd", "mpeg", "mpg", "mts", "mxf", "obj", "ogg", "ogv", "opus", "pdf",
    "ply", "png", "ps", "psb", "psd", "svg", "svgz", "tga", "tif", "tiff", "ts", "u3ma", "usdz",
    "wav", "wdp", "webm", "webp", "wma", "wmv",
];

/// Whether `extension`, in any case, names a kind of file that the service delivers.
#[must_use]
pub fn is_format(extension: &str) -> bool {
    FORMATS.binary_search(&extension.to_ascii_lowercase().as_str()).is_ok()
}

/// Names of transformation parameters, before the first `_`.
const PARAMETERS: &[&str] = &[
    "a", "ac", "af", "ar", "b", "bo", "br", "c", "co", "cs", "d", "dl", "dn", "dpr", "du", "e",
    "eo", "f", "fl", "fn", "fps", "g", "h", "if", "ki", "l", "o", "p", "pg", "q", "r", "so", "sp",
    "t", "tr", "u", "vc", "vs", "w", "x", "y", "z",
];

/// Whether `segment` is a comma list of `key_value` with known parameter names, or of `$variables`.
#[must_use]
pub fn is_transformation(segment: &str) -> bool {
    !segment.is_empty() && segment.split(',').all(is_parameter)
}

fn is_parameter(text: &str) -> bool {
    match text.split_once('_') {
        Some((key, value)) => {
            !value.is_empty() && (PARAMETERS.binary_search(&key).is_ok() || is_variable(key))
        }
        None => false,
    }
}

fn is_variable(key: &str) -> bool {
    let name = key.strip_prefix('$').or_else(|| key.strip_prefix("%24"));
    name.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_for_the_search() {
        assert!(FORMATS.is_sorted());
        assert!(PARAMETERS.is_sorted());
    }
}
