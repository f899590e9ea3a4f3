//! Kinds of file that are stored and delivered.

/// A kind of file, known by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    Jpg,
    Png,
    Webp,
    Gif,
    Avif,
    Svg,
    Pdf,
    Mp4,
    Webm,
    Mov,
    Mp3,
    Wav,
    Txt,
    Csv,
    Json,
    Zip,
    /// Any file that nobody recognises.
    Binary,
}

impl Format {
    const ALL: [Self; 16] = [
        Self::Jpg,
        Self::Png,
        Self::Webp,
        Self::Gif,
        Self::Avif,
        Self::Svg,
        Self::Pdf,
        Self::Mp4,
        Self::Webm,
        Self::Mov,
        Self::Mp3,
        Self::Wav,
        Self::Txt,
        Self::Csv,
        Self::Json,
        Self::Zip,
    ];

    /// The usual extension; empty for [`Format::Binary`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Avif => "avif",
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Mp4 => "mp4",
            Self::Webm => "webm",
            Self::Mov => "mov",
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
            Self::Txt => "txt",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Zip => "zip",
            Self::Binary => "",
        }
    }

    /// What `Content-Type` says.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Avif => "image/avif",
            Self::Svg => "image/svg+xml",
            Self::Pdf => "application/pdf",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
            Self::Mov => "video/quicktime",
            Self::Mp3 => "audio/mpeg",
            Self::Wav => "audio/wav",
            Self::Txt => "text/plain",
            Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::Zip => "application/zip",
            Self::Binary => "application/octet-stream",
        }
    }

    /// The kind that `extension` names, in any case.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        match extension.as_str() {
            "jpeg" | "jpe" | "jfif" => Some(Self::Jpg),
            other => Self::ALL.into_iter().find(|format| format.as_str() == other),
        }
    }

    /// Whether it holds one picture, so that it belongs under resource type `image`.
    #[must_use]
    pub const fn is_picture(self) -> bool {
        matches!(
            self,
            Self::Jpg | Self::Png | Self::Webp | Self::Gif | Self::Avif | Self::Svg | Self::Pdf
        )
    }

    /// Whether it moves, and has a size in pixels.
    #[must_use]
    pub const fn is_film(self) -> bool {
        matches!(self, Self::Mp4 | Self::Webm | Self::Mov)
    }

    /// Whether it belongs under resource type `video`.
    #[must_use]
    pub const fn is_film_or_sound(self) -> bool {
        self.is_film() || matches!(self, Self::Mp3 | Self::Wav)
    }

    /// Whether pictures of this kind can be read here and drawn anew.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        matches!(self, Self::Jpg | Self::Png | Self::Webp | Self::Gif)
    }

    /// Whether pictures can be written as this kind here; GIF without movement, WebP without loss.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::Jpg | Self::Png | Self::Webp | Self::Gif)
    }

    /// The kind that is really delivered, and named in `Content-Type`, where this one is asked for: there is no
    /// AVIF encoder here, WebP takes its place; anything else that cannot be written becomes PNG.
    #[must_use]
    pub const fn drawn_as(self) -> Self {
        match self {
            Self::Avif => Self::Webp,
            _ if self.is_writable() => self,
            _ => Self::Png,
        }
    }

    /// Longest side of a picture of this kind, in pixels.
    #[must_use]
    pub const fn longest_side(self) -> u32 {
        match self {
            Self::Webp | Self::Avif => 16_383,
            _ => 65_535,
        }
    }
}
