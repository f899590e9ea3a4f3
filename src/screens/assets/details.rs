//! The entries of an asset's details: what the cursor stops at and what is copied from there.

use super::state::DetailsTab;
use crate::domain::asset::DerivedAsset;
use crate::ops::engine::Shown;
use crate::ui::text;

/// Groups of entries, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Urls,
    Derived,
    Versions,
    Notes,
}

impl Section {
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Urls => "Delivery URLs",
            Self::Derived => "Derived assets",
            Self::Versions => "Backed-up versions",
            Self::Notes => "Never reached by a purge",
        }
    }
}

/// Whether an invalidation reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Covered,
    NotCovered,
    Uncertain,
    /// Not a URL.
    None,
}

/// One thing the cursor stops at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub section: Section,
    pub reach: Reach,
    /// First line, cut at its front: URLs differ at their end.
    pub head: String,
    /// Lines below, wrapped.
    pub below: Vec<String>,
    pub copy: String,
}

/// The entries of one part.
#[must_use]
pub fn entries_of(shown: &Shown, tab: DetailsTab) -> Vec<Entry> {
    let wanted: &[Section] = match tab {
        DetailsTab::Urls => &[Section::Urls, Section::Notes],
        DetailsTab::Derived => &[Section::Derived, Section::Versions],
        DetailsTab::History | DetailsTab::Headers | DetailsTab::Picture => &[],
    };
    entries(shown).into_iter().filter(|entry| wanted.contains(&entry.section)).collect()
}

/// Every entry of an asset, section by section; all text is cleaned.
#[must_use]
pub fn entries(shown: &Shown) -> Vec<Entry> {
    let clean = |raw: &str| text::shown(raw).into_owned();
    let urls = shown.urls.iter().map(|url| Entry {
        section: Section::Urls,
        reach: match url.coverage {
            "covered" => Reach::Covered,
            "not_covered" => Reach::NotCovered,
            _ => Reach::Uncertain,
        },
        head: clean(&url.url),
        below: [&url.why, &url.next_step]
            .into_iter()
            .filter(|line| !line.is_empty())
            .map(|line| clean(line))
            .collect(),
        copy: url.url.clone(),
    });
    let detail = &shown.detail;
    let derived = detail.derived.iter().map(|derived| Entry {
        section: Section::Derived,
        reach: Reach::None,
        head: format!("{}  {}", made_by(derived), text::bytes(derived.bytes)),
        below: Vec::new(),
        copy: derived.secure_url.clone(),
    });
    let more = detail.derived_truncated.then(|| Entry {
        section: Section::Derived,
        reach: Reach::None,
        head: "more than were read".to_owned(),
        below: Vec::new(),
        copy: String::new(),
    });
    let versions = detail.versions.iter().map(|version| Entry {
        section: Section::Versions,
        reach: Reach::None,
        head: format!(
            "v{}  {}  {}",
            version.version,
            text::bytes(version.bytes),
            if version.restorable { "can be restored" } else { "cannot be restored" }
        ),
        below: Vec::new(),
        copy: version.version_id.clone(),
    });
    let notes = shown.notes.iter().map(|note| Entry {
        section: Section::Notes,
        reach: Reach::None,
        head: clean(note),
        below: Vec::new(),
        copy: note.clone(),
    });
    urls.chain(derived).chain(more).chain(versions).chain(notes).collect()
}

/// The transformation of a derived asset, or the format where that is all it changes.
fn made_by(derived: &DerivedAsset) -> String {
    match (derived.transformation.as_str(), &derived.format) {
        ("", Some(format)) => format!("as {}", text::shown(format)),
        ("", None) => "another format".to_owned(),
        (transformation, _) => text::shown(transformation).into_owned(),
    }
}
