//! What is meant by what was typed: assets, selections, the equivalent command line.

use std::ffi::OsString;
use std::io::{self, BufRead};
use std::path::Path;

use super::args::{Change, Kind, Selector, Verify};
use super::failure::Failure;
use crate::domain::account::Account;
use crate::domain::asset::AssetKey;
use crate::domain::purge::{self, Named, OrderTerms, Selection};
use crate::domain::secrets::{masked, masked_words};
use crate::domain::text::clean;
use crate::ops::resolve::candidates;
use crate::ops::{Engine, OpError};

/// The longest list of names that is read from a file or a pipe.
const MAX_NAMES: usize = 1_000_000;

/// The asset that a public ID or delivery URL means.
///
/// # Errors
/// What is wrong with it.
pub async fn asset(engine: &Engine, typed: &str, kind: Kind) -> Result<AssetKey, Failure> {
    Ok(engine.locate(typed, kind.resource_type, kind.delivery_type).await?)
}

/// What a bulk command is about.
///
/// # Errors
/// A name that cannot be meant, an empty prefix, a list that cannot be read.
pub async fn selection(engine: &Engine, typed: &Selector) -> Result<Selection, Failure> {
    let kind = typed.kind;
    if let Some(prefix) = &typed.prefix {
        return Ok(Selection::Prefix {
            resource_type: kind.resource_type.unwrap_or_default(),
            delivery_type: kind.delivery_type.unwrap_or_default(),
            prefix: prefix.clone(),
        });
    }
    if let Some(tag) = &typed.tag {
        return Ok(Selection::Tag {
            resource_type: kind.resource_type.unwrap_or_default(),
            tag: tag.clone(),
        });
    }
    if let Some(expression) = &typed.search {
        return Ok(Selection::Search { expression: expression.clone() });
    }
    match typed.from.as_deref().map(names).transpose()? {
        Some(listed) => Ok(Selection::Listed(named(&engine.context().account, &listed, kind))),
        None => Ok(Selection::Keys(keys(engine, &typed.targets, kind).await?)),
    }
}

/// Every name of a list with what it can mean: one that means nothing keeps nobody from the others.
fn named(account: &Account, names: &[String], kind: Kind) -> Vec<Named> {
    let read = |typed: &String| Named {
        typed: clean(&masked(typed)).into_owned(),
        meant: candidates(account, typed, kind.resource_type, kind.delivery_type)
            .map_err(|why| masked(&why.to_string()).into_owned()),
    };
    names.iter().map(read).collect()
}

/// Assets in the order they were named.
///
/// # Errors
/// The first name that cannot be meant.
pub async fn keys(engine: &Engine, names: &[String], kind: Kind) -> Result<Vec<AssetKey>, Failure> {
    let mut keys = Vec::with_capacity(names.len());
    for name in names {
        keys.push(asset(engine, name, kind).await?);
    }
    Ok(keys)
}

/// Lines of a file, or of standard input for `-`, without empty ones and those that begin with `#`.
fn names(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |cause: &io::Error| Failure::File {
        path: path.display().to_string(),
        detail: cause.to_string(),
    };
    let found = if path == Path::new("-") {
        lines(io::stdin().lock())
    } else {
        std::fs::File::open(path).and_then(|file| lines(io::BufReader::new(file)))
    }
    .map_err(|cause| failed(&cause))?;
    if found.is_empty() {
        return Err(OpError::NothingSelected {
            what: format!("{}: it names nothing", path.display()),
        }
        .into());
    }
    Ok(found)
}

/// Names on lines of their own.
///
/// # Errors
/// Unreadable, no UTF-8, or too many.
pub fn lines(from: impl BufRead) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for line in from.lines() {
        let line = line?;
        let name = line.trim();
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        if names.len() == MAX_NAMES {
            return Err(io::Error::other(format!("more than {MAX_NAMES} names")));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// How an order is to be carried out.
#[must_use]
pub fn terms(change: &Change, command_line: &str) -> OrderTerms {
    OrderTerms {
        invalidate: !change.no_invalidate,
        note: change.note.as_deref().map(masked_words),
        confidence: change.confidence,
        attempt_by_url: change.attempt_by_url,
        max_items: change.max_items.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
        verify: match change.verify {
            Verify::Full => purge::Verify::Full,
            Verify::Sample => purge::Verify::Sample,
        },
        command_line: command_line.to_owned(),
        ..OrderTerms::default()
    }
}

/// Options whose value never goes into the audit trail: it can hold a password.
const SECRET_OPTIONS: [&str; 2] = ["--journal", "--api-secret"];

/// The command as it could be typed again, quoted for a POSIX shell, without secrets and signatures.
#[must_use]
pub fn command_line(args: &[OsString]) -> String {
    let mut words = vec!["allclear".to_owned()];
    let mut skip = false;
    for arg in args.iter().skip(1) {
        let arg = arg.to_string_lossy();
        if std::mem::take(&mut skip) {
            continue;
        }
        if SECRET_OPTIONS.contains(&arg.as_ref()) {
            skip = true;
            continue;
        }
        if SECRET_OPTIONS
            .iter()
            .any(|name| arg.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
        {
            continue;
        }
        words.push(quoted(&masked(&arg)));
    }
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> String {
        command_line(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_audit_trail_holds_no_secret() {
        let url = "postgres://me:pw@db/journal";
        assert_eq!(line(&["allclear", "--journal", url, "rm", "a b"]), "allclear rm 'a b'");
        assert_eq!(
            line(&["allclear", &format!("--journal={url}"), "rm", "it's"]),
            r"allclear rm 'it'\''s'"
        );
        assert_eq!(
            line(&[
                "x/allclear",
                "probe",
                "https://res.cloudinary.com/acme/image/upload/s--AbCdEf12--/a.jpg"
            ]),
            "allclear probe 'https://res.cloudinary.com/acme/image/upload/s--***--/a.jpg'"
        );
    }

    #[test]
    fn a_list_may_hold_empty_lines_and_remarks() {
        let listed = lines("# recalled\n press/a \n\nhttps://x/y\n".as_bytes()).unwrap();
        assert_eq!(listed, ["press/a", "https://x/y"]);
    }
}
