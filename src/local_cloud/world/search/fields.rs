//! The fields that expressions speak of, and what assets hold in them.

use super::order::SortValue;
use crate::domain::asset::ResourceType;
use crate::local_cloud::world::asset::StoredAsset;

/// A field by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    PublicId,
    Filename,
    DisplayName,
    AssetFolder,
    Tags,
    /// The value of this key, or any.
    Context(Option<String>),
    Metadata(Option<String>),
    ResourceType,
    Type,
    Format,
    Status,
    AccessMode,
    AssetId,
    Etag,
    Bytes,
    BackupBytes,
    Version,
    Width,
    Height,
    Pixels,
    AspectRatio,
    Pages,
    CreatedAt,
    /// `uploaded_at`, and `last_updated`: attributes alone do not date an asset anew.
    UploadedAt,
    /// Of folders.
    Name,
    /// Of folders.
    Path,
    /// Relevance: all matches are equally good.
    Score,
    /// No such field, or one that assets here never have, as `folder` on a cloud with dynamic folders: no error, and
    /// no match (facts §3.9).
    Unknown,
}

/// What is compared how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// By words (`:`) or as a whole (`=`).
    Text,
    /// As a whole, whichever the operator; `:` in any case.
    Whole,
    /// Texts of the operators' own, which may be numbers or dates.
    Custom,
    Number,
    /// Bytes, with units.
    Size,
    /// A number, or `16:9` in quotes.
    Ratio,
    Time,
    Unknown,
}

impl Field {
    /// The field of a name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "public_id" => Self::PublicId,
            "filename" => Self::Filename,
            "display_name" => Self::DisplayName,
            "asset_folder" => Self::AssetFolder,
            "tags" => Self::Tags,
            "context" => Self::Context(None),
            "metadata" => Self::Metadata(None),
            "resource_type" => Self::ResourceType,
            "type" => Self::Type,
            "format" => Self::Format,
            "status" => Self::Status,
            "access_mode" => Self::AccessMode,
            "asset_id" => Self::AssetId,
            "etag" => Self::Etag,
            "bytes" => Self::Bytes,
            "backup_bytes" => Self::BackupBytes,
            "version" => Self::Version,
            "width" => Self::Width,
            "height" => Self::Height,
            "pixels" => Self::Pixels,
            "aspect_ratio" => Self::AspectRatio,
            "pages" => Self::Pages,
            "created_at" => Self::CreatedAt,
            "uploaded_at" | "last_updated" | "updated_at" => Self::UploadedAt,
            "name" => Self::Name,
            "path" => Self::Path,
            "score" => Self::Score,
            _ => match name.split_once('.') {
                Some(("context", key)) => Self::Context(Some(key.to_owned())),
                Some(("metadata", key)) => Self::Metadata(Some(key.to_owned())),
                _ => Self::Unknown,
            },
        }
    }

    #[must_use]
    pub const fn nature(&self) -> Nature {
        match self {
            Self::PublicId
            | Self::Filename
            | Self::DisplayName
            | Self::Tags
            | Self::Name
            | Self::Path => Nature::Text,
            // folders are asked for by their path, or by `path/*` with all that is below it
            Self::AssetFolder
            | Self::ResourceType
            | Self::Type
            | Self::Format
            | Self::Status
            | Self::AccessMode
            | Self::AssetId
            | Self::Etag => Nature::Whole,
            Self::Context(_) | Self::Metadata(_) => Nature::Custom,
            Self::Version | Self::Width | Self::Height | Self::Pixels | Self::Pages => {
                Nature::Number
            }
            Self::Bytes | Self::BackupBytes => Nature::Size,
            Self::AspectRatio => Nature::Ratio,
            Self::CreatedAt | Self::UploadedAt => Nature::Time,
            Self::Score | Self::Unknown => Nature::Unknown,
        }
    }

    /// Whether finding out takes the bytes of the file, which may have to be drawn first.
    #[must_use]
    pub const fn is_costly(&self) -> bool {
        matches!(self, Self::Etag)
    }
}

/// What expressions can be asked about.
pub trait Searched {
    /// The fields that a condition without a field looks through.
    const USUAL: &'static [Field];

    /// Whether `holds` is true of one of the texts in `field`.
    fn any_text(&self, field: &Field, holds: &dyn Fn(&str) -> bool) -> bool;

    /// The number in `field`; times are UNIX seconds.
    fn number(&self, field: &Field) -> Option<f64>;

    /// What is sorted by.
    fn sort_value(&self, field: &Field) -> SortValue<'_>;

    /// What comes first among equals: the higher one. Unlike in all that is searched.
    fn tie(&self) -> (i64, u64);
}

impl Searched for StoredAsset {
    const USUAL: &'static [Field] = &[
        Field::PublicId,
        Field::DisplayName,
        Field::AssetFolder,
        Field::Tags,
        Field::Context(None),
        Field::Metadata(None),
        Field::Format,
    ];

    fn any_text(&self, field: &Field, holds: &dyn Fn(&str) -> bool) -> bool {
        let of_map =
            |map: &std::collections::BTreeMap<String, String>, key: &Option<String>| match key {
                Some(key) => map.get(key).is_some_and(|value| holds(value)),
                None => map.values().any(|value| holds(value)),
            };
        match field {
            Field::PublicId => holds(self.key.public_id.as_str()),
            Field::Filename => holds(self.filename()),
            Field::DisplayName => holds(&self.display_name),
            Field::AssetFolder => holds(&self.asset_folder),
            Field::Tags => self.tags.iter().any(|tag| holds(tag)),
            Field::Context(key) => of_map(&self.context, key),
            Field::Metadata(key) => of_map(&self.metadata, key),
            Field::ResourceType => holds(self.key.resource_type.as_str()),
            Field::Type => holds(self.key.delivery_type.as_str()),
            Field::Format => holds(self.format_word()),
            Field::Status => holds("active"),
            Field::AccessMode => holds("public"),
            Field::AssetId => {
                let mut digits = [0; 32];
                let written = hex::encode_to_slice(self.asset_id.0, &mut digits);
                written.is_ok() && std::str::from_utf8(&digits).is_ok_and(holds)
            }
            Field::Etag => holds(self.content.etag()),
            _ => false,
        }
    }

    fn number(&self, field: &Field) -> Option<f64> {
        let is_raw = self.key.resource_type == ResourceType::Raw;
        let size = || self.content.size().filter(|_| !is_raw);
        Some(match field {
            Field::Bytes => self.content.length() as f64,
            Field::BackupBytes => {
                if self.backed_up {
                    self.content.length() as f64
                } else {
                    0.0
                }
            }
            Field::Version => self.version as f64,
            Field::Width => size()?.0.into(),
            Field::Height => size()?.1.into(),
            Field::Pixels => {
                let (width, height) = size()?;
                f64::from(width) * f64::from(height)
            }
            Field::AspectRatio => {
                let (width, height) = size()?;
                rounded_ratio(f64::from(width) / f64::from(height.max(1)))
            }
            Field::Pages if self.key.resource_type == ResourceType::Image => 1.0,
            Field::CreatedAt => self.created_at as f64,
            Field::UploadedAt => self.uploaded_at as f64,
            _ => return None,
        })
    }

    fn sort_value(&self, field: &Field) -> SortValue<'_> {
        match field {
            Field::PublicId => SortValue::Text(self.key.public_id.as_str()),
            Field::Filename => SortValue::Text(self.filename()),
            Field::DisplayName => SortValue::Text(&self.display_name),
            Field::AssetFolder => SortValue::Text(&self.asset_folder),
            Field::ResourceType => SortValue::Text(self.key.resource_type.as_str()),
            Field::Type => SortValue::Text(self.key.delivery_type.as_str()),
            Field::Format => match self.format_word() {
                "" => SortValue::Nothing,
                format => SortValue::Text(format),
            },
            number => self.number(number).map_or(SortValue::Nothing, SortValue::Number),
        }
    }

    fn tie(&self) -> (i64, u64) {
        (self.created_at, self.order)
    }
}

/// A ratio of sides as replies write it: five digits.
#[must_use]
pub fn rounded_ratio(ratio: f64) -> f64 {
    (ratio * 1e5).round() / 1e5
}
