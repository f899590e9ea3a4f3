//! Orders as the operator names them, before names are resolved.

use std::path::PathBuf;

use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::invalidation::Verb;
use crate::domain::purge::{OrderTerms, Selection};

/// One asset: known from a list, or as typed (public ID or delivery URL).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Key(AssetKey),
    Typed { text: String, resource_type: Option<ResourceType>, delivery_type: Option<DeliveryType> },
}

impl Target {
    /// What to call it on screen, not yet cleaned.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Key(key) => key.to_string(),
            Self::Typed { text, .. } => text.clone(),
        }
    }

    /// Its words on the command line.
    fn words(&self) -> (String, Option<ResourceType>, Option<DeliveryType>) {
        match self {
            Self::Key(key) => (
                key.public_id.to_string(),
                (key.resource_type != ResourceType::Image).then_some(key.resource_type),
                (key.delivery_type != DeliveryType::Upload).then_some(key.delivery_type),
            ),
            Self::Typed { text, resource_type, delivery_type } => {
                (text.clone(), *resource_type, *delivery_type)
            }
        }
    }
}

/// Which assets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    These(Vec<Target>),
    Selection(Selection),
}

impl Targets {
    /// `press/hero`, `12 assets`, `all under press/`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::These(targets) => match targets.as_slice() {
                [one] => one.label(),
                many => format!("{} assets", many.len()),
            },
            Self::Selection(Selection::Keys(keys)) => format!("{} assets", keys.len()),
            Self::Selection(Selection::Listed(names)) => format!("{} names", names.len()),
            Self::Selection(Selection::Prefix { prefix, .. }) => format!("all under {prefix}"),
            Self::Selection(Selection::Tag { tag, .. }) => format!("all tagged {tag}"),
            Self::Selection(Selection::Search { expression }) => {
                format!("all that match {expression}")
            }
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Rename {
        from: Target,
        /// `None`: the dialog asks.
        to: Option<String>,
        overwrite: bool,
    },
    Delete(Targets),
    Replace {
        key: Target,
        /// `None`: the dialog asks.
        file: Option<PathBuf>,
    },
    Purge(Targets),
    Restore(Targets),
}

/// A request and whether caches are to be invalidated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub request: Request,
    pub invalidate: bool,
}

impl Request {
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Rename { .. } => Verb::Rename,
            Self::Delete(_) => Verb::Delete,
            Self::Replace { .. } => Verb::Replace,
            Self::Purge(_) => Verb::Purge,
            Self::Restore(_) => Verb::Restore,
        }
    }

    /// What it is about, not yet cleaned.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Rename { from, .. } => from.label(),
            Self::Replace { key, .. } => key.label(),
            Self::Delete(what) | Self::Purge(what) | Self::Restore(what) => what.label(),
        }
    }

    /// The equivalent command line, for the audit trail and for learning it.
    #[must_use]
    pub fn command_line(&self, terms: &OrderTerms) -> String {
        let mut words = vec!["allclear".to_owned()];
        let mut types = (None, None);
        let mut name = |words: &mut Vec<String>, target: &Target| {
            let (word, resource_type, delivery_type) = target.words();
            types = (types.0.or(resource_type), types.1.or(delivery_type));
            words.push(word);
        };
        match self {
            Self::Rename { from, to, overwrite } => {
                words.push("rename".into());
                name(&mut words, from);
                words.push(to.clone().unwrap_or_default());
                if *overwrite {
                    words.push("--overwrite".into());
                }
            }
            Self::Replace { key, file } => {
                words.push("replace".into());
                name(&mut words, key);
                words.push(
                    file.as_ref().map_or_else(String::new, |file| file.display().to_string()),
                );
            }
            Self::Delete(what) | Self::Purge(what) | Self::Restore(what) => {
                words.push(
                    match self {
                        Self::Delete(_) => "rm",
                        Self::Purge(_) => "purge",
                        _ => "restore",
                    }
                    .into(),
                );
                match what {
                    Targets::These(targets) if targets.len() <= MANY => {
                        for target in targets {
                            name(&mut words, target);
                        }
                    }
                    Targets::These(targets) => {
                        words.extend(["--from".into(), format!("FILE # {} names", targets.len())]);
                    }
                    Targets::Selection(Selection::Keys(keys)) => {
                        words.extend(["--from".into(), format!("FILE # {} names", keys.len())]);
                    }
                    Targets::Selection(Selection::Listed(names)) => {
                        words.extend(["--from".into(), format!("FILE # {} names", names.len())]);
                    }
                    Targets::Selection(Selection::Prefix {
                        resource_type,
                        delivery_type,
                        prefix,
                    }) => {
                        types = (
                            (*resource_type != ResourceType::Image).then_some(*resource_type),
                            (*delivery_type != DeliveryType::Upload).then_some(*delivery_type),
                        );
                        words.extend(["--prefix".into(), prefix.clone()]);
                    }
                    Targets::Selection(Selection::Tag { resource_type, tag }) => {
                        types.0 = (*resource_type != ResourceType::Image).then_some(*resource_type);
                        words.extend(["--tag".into(), tag.clone()]);
                    }
                    Targets::Selection(Selection::Search { expression }) => {
                        words.extend(["--search".into(), expression.clone()]);
                    }
                }
            }
        }
        if let Some(resource_type) = types.0 {
            words.extend(["--resource-type".into(), resource_type.to_string()]);
        }
        if let Some(delivery_type) = types.1 {
            words.extend(["--type".into(), delivery_type.to_string()]);
        }
        if !terms.invalidate {
            words.push("--no-invalidate".into());
        }
        if terms.attempt_by_url {
            words.push("--attempt-by-url".into());
        }
        if let Some(confidence) = terms.confidence {
            words.extend(["--confidence".into(), confidence.as_str().into()]);
        }
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// More names than this are not spelled out on one line.
const MANY: usize = 20;

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@=%,+".contains(c);
    if word.starts_with("FILE # ") || (!word.is_empty() && word.chars().all(plain)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str) -> Target {
        Target::Key(AssetKey::image(id.parse().unwrap()))
    }

    #[test]
    fn the_equivalent_command_line_can_be_typed() {
        let rename = Request::Rename {
            from: image("press/old name"),
            to: Some("press/new".into()),
            overwrite: true,
        };
        assert_eq!(
            rename.command_line(&OrderTerms::default()),
            "allclear rename 'press/old name' press/new --overwrite"
        );
        let video = AssetKey {
            resource_type: ResourceType::Video,
            ..AssetKey::image("clip".parse().unwrap())
        };
        let delete = Request::Delete(Targets::These(vec![Target::Key(video)]));
        let terms = OrderTerms { invalidate: false, ..OrderTerms::default() };
        assert_eq!(
            delete.command_line(&terms),
            "allclear rm clip --resource-type video --no-invalidate"
        );
        let prefix = Request::Purge(Targets::Selection(Selection::Prefix {
            resource_type: ResourceType::Image,
            delivery_type: DeliveryType::Upload,
            prefix: "press/".into(),
        }));
        assert_eq!(prefix.command_line(&OrderTerms::default()), "allclear purge --prefix press/");
    }

    #[test]
    fn many_names_are_not_spelled_out() {
        let many =
            Request::Purge(Targets::These((0..50).map(|n| image(&format!("a{n}"))).collect()));
        assert_eq!(
            many.command_line(&OrderTerms::default()),
            "allclear purge --from FILE # 50 names"
        );
    }
}
