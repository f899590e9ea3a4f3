//! `allclear ls`: assets, a row each.

use serde_json::json;

use super::args::{Column, Ls};
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::json;
use super::output::{Side, Table, columns};
use super::words;
use crate::domain::asset::Asset;
use crate::ops::OpError;
use crate::ports::cloud::ListQuery;

/// Assets a page: the most that one Admin call gives.
const PAGE: u32 = 500;

/// Columns when none are asked for; from the last on they make way on a narrow terminal.
const USUAL: [Column; 6] =
    [Column::Id, Column::Type, Column::Format, Column::Bytes, Column::Created, Column::Version];

/// Lists assets, at most `limit`.
///
/// # Errors
/// An empty prefix, the cloud's.
pub async fn run(session: &Session, args: &Ls) -> Result<Exit, Failure> {
    let query = query(args)?;
    let (mut assets, mut cursor) = (Vec::new(), None);
    let total = loop {
        let wanted = args.limit.saturating_sub(u32::try_from(assets.len()).unwrap_or(u32::MAX));
        let size = u16::try_from(wanted.min(PAGE)).unwrap_or(500);
        let page = session.engine.list(&query, size, cursor.as_deref()).await?;
        assets.extend(page.assets);
        cursor = page.next_cursor;
        if cursor.is_none() || assets.len() >= args.limit as usize {
            break page.total;
        }
    };
    assets.truncate(args.limit as usize);
    let output = &session.output;
    if output.style.json {
        output.json(json!({
            "cloud": session.engine.context().account.cloud_name,
            "assets": assets.iter().map(json::asset).collect::<Vec<_>>(),
            "more": cursor.is_some(),
            "total": total,
        }))?;
        return Ok(Exit::Done);
    }
    output.table(&table(&assets, args))?;
    if assets.is_empty() {
        output.say("nothing matches");
    } else if cursor.is_some() {
        output.say(&format!("there are more than these {}; --limit N shows more", assets.len()));
    }
    Ok(Exit::Done)
}

fn query(args: &Ls) -> Result<ListQuery, Failure> {
    let resource_type = args.kind.resource_type.unwrap_or_default();
    let refused = |flag: &str, with: &str| {
        Err(Failure::usage(
            format!("--{flag} means nothing together with --{with}"),
            format!("leave --{flag} out"),
        ))
    };
    if let Some(expression) = &args.search {
        if args.kind.resource_type.is_some() || args.kind.delivery_type.is_some() {
            return refused("resource-type and --type", "search");
        }
        return Ok(ListQuery::Search { expression: expression.clone() });
    }
    if let Some(tag) = &args.tag {
        if tag.trim().is_empty() {
            return Err(OpError::NothingSelected { what: "an empty tag".to_owned() }.into());
        }
        if args.kind.delivery_type.is_some() {
            return refused("type", "tag");
        }
        return Ok(ListQuery::Tag { resource_type, tag: tag.clone() });
    }
    Ok(ListQuery::Resources {
        resource_type,
        delivery_type: args.kind.delivery_type.unwrap_or_default(),
        prefix: args.prefix.clone().filter(|prefix| !prefix.is_empty()),
    })
}

fn table(assets: &[Asset], args: &Ls) -> Table {
    let asked: &[Column] = if args.columns.is_empty() { &USUAL } else { &args.columns };
    let of = |shown: &[Column]| {
        let heads: Vec<_> = shown.iter().map(|column| head(*column)).collect();
        let mut table = Table::new(&heads, !args.no_header);
        for asset in assets {
            table.row(shown.iter().map(|column| cell(asset, *column)));
        }
        table
    };
    let width = columns(rustix::stdio::stdout()).filter(|_| args.columns.is_empty());
    let mut shown = asked.len();
    loop {
        let table = of(&asked[..shown]);
        if shown == 1 || width.is_none_or(|width| table.width() <= width) {
            return table;
        }
        shown -= 1;
    }
}

const fn head(column: Column) -> (&'static str, Side) {
    match column {
        Column::Id => ("PUBLIC ID", Side::Left),
        Column::ResourceType => ("RESOURCE", Side::Left),
        Column::Type => ("TYPE", Side::Left),
        Column::Format => ("FORMAT", Side::Left),
        Column::Version => ("VERSION", Side::Right),
        Column::Bytes => ("SIZE", Side::Right),
        Column::Dimensions => ("PIXELS", Side::Right),
        Column::Created => ("CREATED", Side::Left),
        Column::Folder => ("FOLDER", Side::Left),
        Column::Tags => ("TAGS", Side::Left),
        Column::Etag => ("ETAG", Side::Left),
        Column::AssetId => ("ASSET ID", Side::Left),
        Column::Url => ("URL", Side::Left),
    }
}

fn cell(asset: &Asset, column: Column) -> String {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    match column {
        Column::Id => asset.key.public_id.to_string(),
        Column::ResourceType => asset.key.resource_type.to_string(),
        Column::Type => asset.key.delivery_type.to_string(),
        Column::Format => or_dash(asset.format.as_deref()),
        Column::Version => asset.version.to_string(),
        Column::Bytes => words::bytes(asset.bytes),
        Column::Dimensions => match (asset.width, asset.height) {
            (Some(width), Some(height)) => format!("{width}x{height}"),
            _ => "-".to_owned(),
        },
        Column::Created => asset.created_at.map_or_else(|| "-".to_owned(), words::time),
        Column::Folder => or_dash(asset.asset_folder.as_deref()),
        Column::Tags => asset.tags.join(","),
        Column::Etag => or_dash(asset.etag.as_deref()),
        Column::AssetId => or_dash(asset.asset_id.as_deref()),
        Column::Url => or_dash(asset.secure_url.as_deref()),
    }
}
