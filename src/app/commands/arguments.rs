//! Words typed after a command, and what they mean: names, selectors, flags, or what is marked or under the cursor.

use std::path::PathBuf;

use super::{BadArgument, Context};
use crate::app::action::{Action, SortBy};
use crate::app::order::{Request, Target, Targets, Wish};
use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::purge::Selection;
use crate::ports::cloud::ListQuery;
use crate::screens::picker::PickerKind;

fn bad<T>(message: impl Into<String>) -> Result<T, BadArgument> {
    Err(BadArgument { message: message.into() })
}

/// The words of `args`, as a shell splits them.
///
/// # Errors
/// A quote that is not closed.
pub fn words(args: &str) -> Result<Vec<String>, BadArgument> {
    let (mut words, mut word, mut open, mut quote) = (Vec::new(), String::new(), false, None);
    for c in args.chars() {
        match (quote, c) {
            (Some(closing), c) if c == closing => quote = None,
            (None, '\'' | '"') => (quote, open) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if open {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (_, c) => {
                word.push(c);
                open = true;
            }
        }
    }
    if quote.is_some() {
        return bad("a quote is not closed");
    }
    if open {
        words.push(word);
    }
    Ok(words)
}

/// Words and flags of a command that takes assets.
#[derive(Debug, Default)]
struct Given {
    names: Vec<String>,
    prefix: Option<String>,
    tag: Option<String>,
    search: Option<String>,
    resource_type: Option<ResourceType>,
    delivery_type: Option<DeliveryType>,
    overwrite: bool,
    keep_caches: bool,
}

fn given(args: &str) -> Result<Given, BadArgument> {
    let mut given = Given::default();
    let mut rest = words(args)?.into_iter();
    while let Some(word) = rest.next() {
        let mut value = || match rest.next() {
            Some(value) => Ok(value),
            None => bad(format!("`{word}` wants a word after it")),
        };
        match word.as_str() {
            "--prefix" => given.prefix = Some(value()?),
            "--tag" => given.tag = Some(value()?),
            "--search" => given.search = Some(value()?),
            "--resource-type" => given.resource_type = Some(parsed(&value()?)?),
            "--type" => given.delivery_type = Some(parsed(&value()?)?),
            "--overwrite" => given.overwrite = true,
            "--no-invalidate" => given.keep_caches = true,
            flag if flag.starts_with("--") => {
                return bad(format!(
                    "no flag `{flag}`; there are --prefix --tag --search --resource-type --type --overwrite --no-invalidate"
                ));
            }
            _ => given.names.push(word),
        }
    }
    Ok(given)
}

fn parsed<T: std::str::FromStr>(word: &str) -> Result<T, BadArgument>
where
    T::Err: std::fmt::Display,
{
    word.parse().or_else(|why: T::Err| bad(why.to_string()))
}

impl Given {
    fn target(&self, text: String) -> Target {
        let (resource_type, delivery_type) = (self.resource_type, self.delivery_type);
        Target::Typed { text, resource_type, delivery_type }
    }

    /// Typed names, else a selector, else the marks, else the cursor.
    fn targets(mut self, context: &Context<'_>) -> Result<Targets, BadArgument> {
        let resource_type = self.resource_type.unwrap_or(context.resource_type);
        let delivery_type = self.delivery_type.unwrap_or(context.delivery_type);
        let names = std::mem::take(&mut self.names);
        let selection = match (self.prefix.take(), self.tag.take(), self.search.take()) {
            (None, None, None) => None,
            (Some(prefix), None, None) if prefix.is_empty() => {
                return bad("an empty prefix would select everything");
            }
            (Some(prefix), None, None) => {
                Some(Selection::Prefix { resource_type, delivery_type, prefix })
            }
            (None, Some(tag), None) => Some(Selection::Tag { resource_type, tag }),
            (None, None, Some(expression)) => Some(Selection::Search { expression }),
            _ => return bad("give one of --prefix, --tag and --search"),
        };
        match (selection, names.is_empty()) {
            (Some(_), false) => bad("give names or a selector, not both"),
            (Some(selection), true) => Ok(Targets::Selection(selection)),
            (None, false) => {
                Ok(Targets::These(names.into_iter().map(|text| self.target(text)).collect()))
            }
            (None, true) if !context.marked.is_empty() => {
                Ok(Targets::These(context.marked.iter().cloned().map(Target::Key).collect()))
            }
            (None, true) => Ok(Targets::These(vec![under_cursor(context)?])),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as the table of commands wants it")]
pub(super) fn unlock(_: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    Ok(Action::Unlock((!args.is_empty()).then(|| args.to_owned())))
}

fn under_cursor(context: &Context<'_>) -> Result<Target, BadArgument> {
    match &context.cursor {
        Some(key) => Ok(Target::Key(key.clone())),
        None => bad("no asset is under the cursor: name one"),
    }
}

fn order(request: Request, keep_caches: bool) -> Action {
    Action::Order(Box::new(Wish { request, invalidate: !keep_caches }))
}

pub(super) fn rename(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    let mut given = given(args)?;
    let (from, to) = match std::mem::take(&mut given.names).as_slice() {
        [] => (under_cursor(context)?, None),
        [to] if context.cursor.is_some() => (under_cursor(context)?, Some(to.clone())),
        [from] => (given.target(from.clone()), None),
        [from, to] => (given.target(from.clone()), Some(to.clone())),
        _ => return bad("rename takes the old name and the new one"),
    };
    Ok(order(Request::Rename { from, to, overwrite: given.overwrite }, given.keep_caches))
}

pub(super) fn replace(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    let mut given = given(args)?;
    let (key, file) = match std::mem::take(&mut given.names).as_slice() {
        [] => (under_cursor(context)?, None),
        [file] if context.cursor.is_some() => (under_cursor(context)?, Some(PathBuf::from(file))),
        [key] => (given.target(key.clone()), None),
        [key, file] => (given.target(key.clone()), Some(PathBuf::from(file))),
        _ => return bad("replace takes a public ID and a file"),
    };
    Ok(order(Request::Replace { key, file }, given.keep_caches))
}

pub(super) fn delete(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    let given = given(args)?;
    let keep = given.keep_caches;
    Ok(order(Request::Delete(given.targets(context)?), keep))
}

pub(super) fn purge(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    let given = given(args)?;
    if given.keep_caches {
        return bad("a purge without invalidation would do nothing");
    }
    Ok(order(Request::Purge(given.targets(context)?), false))
}

pub(super) fn restore(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    let given = given(args)?;
    let keep = given.keep_caches;
    match given.targets(context)? {
        these @ Targets::These(_) => Ok(order(Request::Restore(these), keep)),
        Targets::Selection(_) => bad("restore takes names: what is deleted cannot be selected"),
    }
}

pub(super) fn open(_: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    match words(args)?.as_slice() {
        [one] => Ok(Action::Open(one.clone())),
        _ => bad("open takes one delivery URL or public ID"),
    }
}

pub(super) fn watch(_: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    match words(args)?.as_slice() {
        [] => Ok(Action::Watch(None)),
        [one] => Ok(Action::WatchById(one.clone())),
        _ => bad("watch takes one ID or URL"),
    }
}

pub(super) fn profile(_: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    match words(args)?.as_slice() {
        [] => Ok(Action::Pick(PickerKind::Profile)),
        [one] => Ok(Action::Profile(one.clone())),
        _ => bad("profile takes a name; tab completes it"),
    }
}

pub(super) fn folder(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    match words(args)?.as_slice() {
        [] => Ok(Action::Pick(PickerKind::Folder)),
        [one] => {
            let folder = one.trim_matches('/');
            let prefix = (!folder.is_empty()).then(|| format!("{folder}/"));
            Ok(Action::List(ListQuery::Resources {
                resource_type: context.resource_type,
                delivery_type: context.delivery_type,
                prefix,
            }))
        }
        _ => bad("folder takes one folder, e.g. `press/2026`"),
    }
}

pub(super) fn theme(_: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    match words(args)?.as_slice() {
        [] => Ok(Action::Pick(PickerKind::Theme)),
        [one] => Ok(Action::Theme(one.clone())),
        _ => bad("theme takes a name; tab completes it"),
    }
}

#[allow(clippy::unnecessary_wraps)] // one shape for the table
pub(super) fn filter(_: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    Ok(Action::Filter((!args.is_empty()).then(|| args.to_owned())))
}

pub(super) fn sort(_: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    if args.is_empty() {
        return Ok(Action::SortMenu);
    }
    if let Some(by) = SortBy::ALL.into_iter().find(|by| by.as_str().starts_with(args)) {
        Ok(Action::Sort(by))
    } else {
        let known: Vec<_> = SortBy::ALL.iter().map(|by| by.as_str()).collect();
        bad(format!("no column `{args}`; there are {}", known.join(", ")))
    }
}

pub(super) fn assets(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    let mut given = given(args)?;
    let resource_type = match (given.names.as_slice(), given.resource_type) {
        ([], named) => named.unwrap_or(context.resource_type),
        ([word], None) => parsed(word)?,
        _ => return bad("assets takes one of image, video, raw"),
    };
    let delivery_type = given.delivery_type.unwrap_or_default();
    Ok(Action::List(match (given.prefix.take(), given.tag.take(), given.search.take()) {
        (None, Some(tag), None) => ListQuery::Tag { resource_type, tag },
        (None, None, Some(expression)) => ListQuery::Search { expression },
        (prefix, None, None) => ListQuery::Resources { resource_type, delivery_type, prefix },
        _ => return bad("give one of --prefix, --tag and --search"),
    }))
}

pub(super) fn prefix(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    match words(args)?.as_slice() {
        [one] if !one.is_empty() => Ok(Action::List(ListQuery::Resources {
            resource_type: context.resource_type,
            delivery_type: context.delivery_type,
            prefix: Some(one.clone()),
        })),
        _ => bad("prefix takes the beginning of public IDs, e.g. `press/`"),
    }
}

pub(super) fn tag(context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    match words(args)?.as_slice() {
        [one] if !one.is_empty() => Ok(Action::List(ListQuery::Tag {
            resource_type: context.resource_type,
            tag: one.clone(),
        })),
        _ => bad("tag takes one tag"),
    }
}

pub(super) fn search(_: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
    if args.is_empty() {
        return bad("search takes an expression, e.g. `tags:press AND bytes>1000000`");
    }
    Ok(Action::List(ListQuery::Search { expression: args.to_owned() }))
}
