//! What can be taken out of here: names, addresses, a line for curl, JSON, the command line; one key each.

use ratatui::layout::Rect;
use serde_json::json;

use crate::app::action::{CopyAs, Screen};
use crate::app::commands::{Run, Scope};
use crate::app::state::App;
use crate::app::{Action, quoting};
use crate::domain::asset::{Asset, AssetKey};
use crate::domain::coverage::{self, NextStep};
use crate::domain::invalidation::NotCovered;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::popup::popup;
use crate::ui::{layout, text};

/// The text of one way to copy what the cursor is on; `None` where there is no such thing.
#[must_use]
pub fn text_of(app: &App, way: CopyAs) -> Option<String> {
    let text = match app.screen {
        Screen::Assets => of_asset(app, way),
        Screen::Pending => {
            let tracked = app.pending_row()?;
            match way {
                CopyAs::Id => Some(tracked.id.to_string()),
                CopyAs::Json => Some(
                    json!({
                        "schema": "allclear.copied/1", "invalidation": tracked.id.to_string(),
                        "verb": tracked.verb.as_str(), "assets": tracked.label, "by": tracked.by,
                        "started_at": tracked.started_at.to_string(),
                        "outcome": tracked.ended.as_ref().map(|ending| ending.outcome.as_str()),
                    })
                    .to_string(),
                ),
                CopyAs::Command => Some(format!("allclear watch {}", tracked.id)),
                CopyAs::ServiceRequest => {
                    tracked.snapshot.as_ref().and_then(|shown| request_of(app, &shown.not_covered))
                }
                _ => None,
            }
        }
        Screen::Watch => of_watch(app, way),
        Screen::Jobs => {
            let row = app.job_list.current()?;
            match way {
                CopyAs::Id => Some(row.operation.id.to_string()),
                CopyAs::Command => Some(row.operation.command_line.clone()),
                CopyAs::Json => Some(
                    json!({
                        "schema": "allclear.copied/1", "job": row.operation.id.to_string(),
                        "verb": row.operation.verb.as_str(), "assets": row.label, "by": row.by,
                        "state": row.state.as_str(), "accepted": row.counts.accepted,
                        "not_done": row.counts.not_done(), "total": row.counts.total(),
                        "command_line": row.operation.command_line,
                    })
                    .to_string(),
                ),
                _ => None,
            }
        }
        Screen::Activity => {
            let row = app.activity.current()?;
            match way {
                CopyAs::Id => Some(row.operation.id.to_string()),
                CopyAs::Command => Some(row.operation.command_line.clone()),
                CopyAs::Json => Some(
                    json!({
                        "schema": "allclear.copied/1", "operation": row.operation.id.to_string(),
                        "at": row.operation.at.to_string(), "by": row.by,
                        "verb": row.operation.verb.as_str(), "assets": row.label,
                        "items": row.items, "accepted": row.accepted, "failed": row.failed,
                        "invalidation": row.invalidation.map(|id| id.to_string()),
                        "outcome": row.ended.as_ref().map(|ending| ending.outcome.as_str()),
                        "command_line": row.operation.command_line,
                    })
                    .to_string(),
                ),
                _ => None,
            }
        }
    };
    text.filter(|text| !text.is_empty())
}

fn of_asset(app: &App, way: CopyAs) -> Option<String> {
    let key = &app.assets.subject(&app.env)?;
    let shown = app.assets.read_of(key).and_then(|read| read.result.as_ref().ok());
    let row = app.assets.rows.find(key).and_then(|row| app.assets.rows.get(row));
    let asset = shown.map(|shown| &shown.detail.asset).or(row.as_ref());
    let url = || {
        let first = shown.and_then(|shown| shown.urls.first()).map(|url| url.url.clone());
        first.or_else(|| asset.and_then(|asset| asset.secure_url.clone()))
    };
    let plain = || {
        let version = asset.map(|asset| format!("/v{}/", asset.version));
        match (url(), version) {
            (Some(url), Some(version)) => Some(url.replacen(&version, "/", 1)),
            (url, _) => url,
        }
    };
    match way {
        CopyAs::Id => Some(key.public_id.to_string()),
        CopyAs::Url => plain(),
        CopyAs::VersionedUrl => versioned(asset, url()),
        CopyAs::Curl => plain().map(|url| curl(&url)),
        CopyAs::Json => asset.map(json_of),
        CopyAs::Command => {
            Some(format!("allclear show{} {}", flags(key), quoting::quoted(key.public_id.as_str())))
        }
        CopyAs::ServiceRequest => {
            let urls = shown.map(|shown| shown.urls.iter()).into_iter().flatten();
            request(app, urls.map(|url| (url.url.as_str(), url.next_step.as_str())))
        }
    }
}

/// The URL with the version of what is stored now.
fn versioned(asset: Option<&Asset>, url: Option<String>) -> Option<String> {
    let (asset, url) = (asset?, url?);
    let marked = format!("/v{}/", asset.version);
    if url.contains(&marked) {
        return Some(url);
    }
    let at = url.rfind(asset.key.public_id.as_str())?;
    let (before, after) = url.split_at(at);
    Some(format!("{before}v{}/{after}", asset.version))
}

fn of_watch(app: &App, way: CopyAs) -> Option<String> {
    let id = app.watch.id?;
    let shown = app.snapshot(id);
    let url = || {
        let shown = shown?;
        let at = app.watch.url.min(shown.urls.len().checked_sub(1)?);
        shown.urls.get(at).map(|url| url.url.clone())
    };
    match way {
        CopyAs::Id => Some(id.to_string()),
        CopyAs::Url => url(),
        CopyAs::VersionedUrl => {
            let urls = || shown.into_iter().flat_map(|shown| &shown.urls).map(|url| &*url.url);
            versioned_of(&url()?, urls())
        }
        CopyAs::Curl => url().map(|url| curl(&url)),
        CopyAs::Json => shown.and_then(|shown| serde_json::to_string(&**shown).ok()),
        CopyAs::Command => Some(format!("allclear report {id}")),
        CopyAs::ServiceRequest => shown.and_then(|shown| request_of(app, &shown.not_covered)),
    }
}

/// The URL itself where it names a version, else the one among `urls` that differs in that alone, the newest of them.
fn versioned_of<'u>(url: &str, urls: impl Iterator<Item = &'u str>) -> Option<String> {
    if split_version(url).is_some() {
        return Some(url.to_owned());
    }
    let same = |other: &&str| split_version(other).is_some_and(|(_, plain)| plain == url);
    urls.filter(same)
        .max_by_key(|other| split_version(other).map(|(version, _)| version))
        .map(str::to_owned)
}

/// The version that a URL names, and the URL without it; `v1` and the like name none.
fn split_version(url: &str) -> Option<(u64, String)> {
    url.match_indices("/v").find_map(|(at, _)| {
        let digits = url[at + 2..].split('/').next()?;
        let version = digits.parse().ok().filter(|version| *version > 1_000_000)?;
        Some((version, format!("{}{}", &url[..at], &url[at + 2 + digits.len()..])))
    })
}

fn request_of(app: &App, urls: &[NotCovered]) -> Option<String> {
    request(app, urls.iter().map(|missed| (missed.url.as_str(), missed.next_step.as_str())))
}

/// The request to the service's support for the URLs whose next step it is; `None` where there are none. Of URLs whose
/// signature is hidden support has to be given the signature.
fn request<'u>(app: &App, urls: impl Iterator<Item = (&'u str, &'u str)>) -> Option<String> {
    let asks = NextStep::ServiceRequest { text: String::new() }.to_string();
    let wanted: Vec<&str> =
        urls.filter(|(_, next_step)| *next_step == asks).map(|(url, _)| url).collect();
    (!wanted.is_empty()).then(|| coverage::service_request_of(&app.env.setup.cloud_name, wanted))
}

/// A line that shows what a cache says of its copy.
fn curl(url: &str) -> String {
    format!("curl -sS -o /dev/null -D - {}", quoting::shell(url))
}

fn flags(key: &AssetKey) -> String {
    let mut flags = String::new();
    if key.resource_type.as_str() != "image" {
        flags = format!(" --resource-type {}", key.resource_type);
    }
    if key.delivery_type.as_str() != "upload" {
        flags = format!("{flags} --type {}", key.delivery_type);
    }
    flags
}

fn json_of(asset: &Asset) -> String {
    json!({
        "schema": "allclear.copied/1",
        "public_id": asset.key.public_id.as_str(),
        "resource_type": asset.key.resource_type.as_str(),
        "type": asset.key.delivery_type.as_str(),
        "version": asset.version,
        "format": asset.format,
        "bytes": asset.bytes,
        "width": asset.width,
        "height": asset.height,
        "etag": asset.etag,
        "tags": asset.tags,
    })
    .to_string()
}

/// One key a way, with the beginning of what would be copied.
pub fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let rows: Vec<_> = app
        .keymap
        .of(Scope::CopyMenu)
        .filter_map(|(command, keys)| match command.run {
            Run::Plain(Action::CopyAs(way)) => Some((command, keys, way)),
            _ => None,
        })
        .collect();
    let height = u16::try_from(rows.len()).unwrap_or(0) + 2;
    let area = layout::centred(area, 90, height);
    let inside = popup(pen, area, "Copy, through the terminal", Role::Title);
    let words = rows.iter().map(|(command, ..)| text::width(command.help)).max();
    let words = u16::try_from(words.unwrap_or(0)).unwrap_or(22).min(inside.width / 2);
    for (y, (command, keys, way)) in (inside.y..inside.bottom()).zip(rows) {
        let text = text_of(app, way);
        let key = keys.first().map_or_else(String::new, ToString::to_string);
        let role = if text.is_some() { Role::Text } else { Role::Dim };
        pen.put(inside.x, y, 2, &key, if text.is_some() { Role::Key } else { Role::Dim });
        pen.put(inside.x + 3, y, words, command.help, role);
        let x = inside.x + 3 + words + 2;
        let room = inside.right().saturating_sub(x);
        let shown =
            text.map_or_else(|| "nothing here".to_owned(), |text| text::shown(&text).into_owned());
        let is_url = matches!(way, CopyAs::Url | CopyAs::VersionedUrl);
        let shown = if is_url {
            text::cut_front(&shown, usize::from(room), pen.theme.glyphs.cut)
        } else {
            shown.as_str().into()
        };
        pen.put(x, y, room, &shown, Role::Dim);
    }
}
