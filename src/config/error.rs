//! Why a configuration cannot be used, with the next step. No text here ever holds a secret.

use std::path::PathBuf;

/// What is wrong, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key or value in the file.
    #[error("{}:{line}:{column}: {}{what}", .path.display(), if .key.is_empty() { String::new() } else { format!("{key}: ") })]
    InFile {
        path: PathBuf,
        line: usize,
        column: usize,
        /// Dotted, empty where the file itself is no TOML.
        key: String,
        what: String,
        suggestion: Option<String>,
    },
    #[error("cannot read {}: {detail}", .path.display())]
    Unreadable { path: PathBuf, detail: String },
    /// A flag or an environment variable.
    #[error("{from}: {what}")]
    BadValue { from: String, what: String, expected: String },
    #[error("{from} has no profile `{name}`")]
    UnknownProfile { from: String, name: String, known: Vec<String>, suggestion: Option<String> },
    #[error("no cloud is configured")]
    NothingConfigured { config: PathBuf },
    #[error("{} has several profiles and says not which one to use", .config.display())]
    NoProfileChosen { config: PathBuf, known: Vec<String> },
    /// A `cloudinary://` URL that is none; the URL itself holds a secret and is not repeated.
    #[error("{from} is no cloudinary:// URL: {why}")]
    BadUrl { from: String, why: String },
    #[error("{from} gives no {missing}")]
    Missing { from: String, missing: &'static str, next_step: String },
    #[error("the secret_command of profile `{profile}` failed: {detail}")]
    SecretCommand { profile: String, detail: String },
    #[error("the journal_password_command failed: {detail}")]
    JournalPassword { detail: String },
    #[error("no folder for {what} can be found")]
    NoFolder { what: &'static str, variable: &'static str },
}

impl ConfigError {
    /// The next step, one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InFile { suggestion, .. } => format!("did you mean `{}`?", suggestion.as_ref()?),
            Self::Unreadable { path, .. } => {
                format!("make {} readable, or name another file with --config", path.display())
            }
            Self::BadValue { expected, .. } => format!("expected {expected}"),
            Self::UnknownProfile { known, .. } if known.is_empty() => {
                "it has none; write one as `[profiles.NAME]`".to_owned()
            }
            Self::UnknownProfile { known, suggestion, .. } => {
                names(suggestion.as_deref(), known.iter().map(String::as_str))
            }
            Self::NothingConfigured { config } => format!(
                "set CLOUDINARY_URL, write a profile into {}, or try `allclear demo`",
                config.display()
            ),
            Self::NoProfileChosen { known, .. } => format!(
                "say --profile NAME, or write `profile = \"NAME\"` at its top; there are {}",
                known.join(", ")
            ),
            Self::BadUrl { .. } => {
                "expected cloudinary://<api_key>:<api_secret>@<cloud_name>, as the console of the cloud shows it"
                    .to_owned()
            }
            Self::Missing { next_step, .. } => next_step.clone(),
            Self::JournalPassword { .. } => {
                "run the command by hand; it must print the password alone and exit with 0".to_owned()
            }
            Self::SecretCommand { .. } => {
                "run the command by hand; it must print the API secret alone and exit with 0".to_owned()
            }
            Self::NoFolder { variable, .. } => format!("set HOME or {variable}"),
        })
    }
}

/// Names to choose from, the nearest first said.
pub(crate) fn names<'a>(near: Option<&str>, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match (near, known.as_slice()) {
        (Some(near), [_]) => format!("did you mean `{near}`?"),
        (None, [only]) => format!("there is only {only}"),
        (Some(near), all) => format!("did you mean `{near}`? there are {}", all.join(", ")),
        (None, all) => format!("there are {}", all.join(", ")),
    }
}

/// The candidate that `typed` is a slip of, if one is near.
pub(crate) fn nearest<'a>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let near = |candidate: &'a str| (distance(typed, candidate), candidate);
    let (steps, candidate) = candidates.into_iter().map(near).min()?;
    (steps <= (candidate.chars().count() / 3).max(1)).then(|| candidate.to_owned())
}

/// Edits (insert, drop, change one character, swap two neighbours) that make `b` of `a`; case and `-` for `_` are
/// free.
fn distance(a: &str, b: &str) -> usize {
    let plain = |text: &str| text.to_lowercase().replace('-', "_").chars().collect::<Vec<_>>();
    let (a, b) = (plain(a), plain(b));
    let mut two_above: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let changed = above[j] + usize::from(a[i] != b[j]);
            let mut least = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(two_above[j - 1] + 1);
            }
            row.push(least);
        }
        two_above = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("rsk", Some("risk"))]
    #[case("hold-back", Some("hold_back"))]
    #[case("Confidnce", Some("confidence"))]
    #[case("rsik", Some("risk"))]
    #[case("zzz", None)]
    #[case("", None)]
    fn slips_are_recognised(#[case] typed: &str, #[case] meant: Option<&str>) {
        let known = ["risk", "hold_back", "confidence"];
        assert_eq!(nearest(typed, known).as_deref(), meant);
    }
}
