//! `allclear show`: one asset, its derived copies and its delivery URLs with coverage.

use super::args::Show;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Role};
use super::{json, resolve, words};
use crate::domain::asset::Asset;
use crate::domain::text::clean;
use crate::ops::engine::{Shown, ShownUrl};

/// Shows one asset.
///
/// # Errors
/// A name that cannot be meant, the cloud's.
pub async fn run(session: &Session, args: &Show) -> Result<Exit, Failure> {
    let key = resolve::asset(&session.engine, &args.target, args.kind).await?;
    let shown = session.engine.show(&key).await?;
    let output = &session.output;
    if output.style.json {
        output.json(json::shown(&shown))?;
    } else {
        text(output, &shown)?;
    }
    Ok(Exit::Done)
}

/// The same for people.
///
/// # Errors
/// Only that nobody reads the output.
pub fn text(output: &Output, shown: &Shown) -> Result<(), Failure> {
    let detail = &shown.detail;
    let name = detail.asset.key.to_string();
    output.line(&output.paint(Role::Strong, &clean(&name)))?;
    for (label, value) in facts(&detail.asset) {
        output.line(&format!("  {label:<10}  {}", clean(&value)))?;
    }
    if detail.asset.placeholder {
        output.line("  deleted; a backup is kept and `allclear restore` can bring it back")?;
    }
    if !detail.versions.is_empty() {
        let restorable = detail.versions.iter().filter(|kept| kept.restorable).count();
        let kept = words::count(detail.versions.len(), "version");
        output.line(&format!("  backups     {kept} kept, {restorable} restorable"))?;
    }
    output.line("")?;
    let more = if detail.derived_truncated { ", and more that were not read" } else { "" };
    let derived = words::count(detail.derived.len(), "derived copy");
    output.line(&format!("delivery URLs, with what a purge reaches ({derived}{more})"))?;
    for url in &shown.urls {
        url_lines(output, url)?;
    }
    if !shown.notes.is_empty() {
        output.line("")?;
    }
    for note in &shown.notes {
        output.line(&format!("note: {}", clean(note)))?;
    }
    Ok(())
}

fn facts(asset: &Asset) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("type", format!("{}/{}", asset.key.resource_type, asset.key.delivery_type)),
        ("version", asset.version.to_string()),
        ("size", format!("{} ({} bytes)", words::bytes(asset.bytes), asset.bytes)),
    ];
    let mut add = |label, value: Option<String>| facts.extend(value.map(|value| (label, value)));
    add("format", asset.format.clone());
    add("pixels", asset.width.zip(asset.height).map(|(width, height)| format!("{width}x{height}")));
    add("etag", asset.etag.clone());
    add("created", asset.created_at.map(words::time));
    add("folder", asset.asset_folder.clone().filter(|folder| !folder.is_empty()));
    add("tags", Some(asset.tags.join(", ")).filter(|tags| !tags.is_empty()));
    add("asset ID", asset.asset_id.clone());
    facts
}

fn url_lines(output: &Output, url: &ShownUrl) -> Result<(), Failure> {
    let (word, role) = match url.coverage {
        "covered" => ("covered", Role::Good),
        "not_covered" => ("not covered", Role::Bad),
        _ => ("uncertain", Role::Doubt),
    };
    output.line(&format!(
        "  {}  {}",
        output.paint(role, &format!("{word:<11}")),
        clean(&url.url)
    ))?;
    if !url.why.is_empty() {
        output.line(&format!("               {}", clean(&url.why)))?;
    }
    for step in url.next_step.lines() {
        output.line(&format!("               {}", clean(step)))?;
    }
    Ok(())
}
