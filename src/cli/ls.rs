//! `allclear ls`: assets, a row each.

use serde_json::json;

use super::args::{Column, Ls};
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::json;
use super::output::{JsonList, Side, Table, columns};
use super::words;
use crate::domain::asset::Asset;
use crate::ops::OpError;
use crate::ports::cloud::{ListQuery, Page};

/// Assets a page: the most that one Admin call gives.
const PAGE: u32 = 500;

/// Columns when none are asked for; from the last on they make way on a narrow terminal.
const USUAL: [Column; 6] =
    [Column::Id, Column::Type, Column::Format, Column::Bytes, Column::Created, Column::Version];

/// Lists assets, at most `limit`, each page as it comes.
///
/// # Errors
/// An empty prefix, the cloud's. What came before an error is written, and the JSON of it is whole.
pub async fn run(session: &Session, args: &Ls) -> Result<Exit, Failure> {
    let query = query(args)?;
    let size = |left: u32| u16::try_from(left.min(PAGE)).unwrap_or(500);
    let (mut left, mut count, mut lines) = (args.limit, 0, Lines::Not);
    let mut page = session.engine.list(&query, size(left), None).await?;
    let (more, trouble) = loop {
        let Page { mut assets, next_cursor, total } = page;
        assets.truncate(left as usize);
        left -= u32::try_from(assets.len()).unwrap_or(left);
        count += assets.len();
        let next = next_cursor.as_ref().filter(|_| left > 0);
        let next = next.map(|at| session.engine.list_ahead(&query, size(left), at.clone()));
        lines = lines.add(session, args, &assets, total)?;
        match next {
            None => break (next_cursor.is_some(), None),
            Some(next) => match next.await {
                Ok(next) => page = next,
                Err(trouble) => break (true, Some(trouble)),
            },
        }
    };
    lines.end(more)?;
    let output = &session.output;
    match trouble {
        Some(trouble) => return Err(trouble.into()),
        None if output.style.json => {}
        None if count == 0 => output.say("nothing matches"),
        None if more => {
            output.say(&format!("there are more than these {count}; --limit N shows more"));
        }
        None => {}
    }
    Ok(Exit::Done)
}

/// What is written of a listing so far.
enum Lines {
    Not,
    Json {
        list: JsonList,
        total: Option<u64>,
    },
    /// Columns are as wide as the first page needs, and grow where a later one needs more.
    Table {
        columns: Vec<Column>,
        table: Table,
    },
}

impl Lines {
    fn add(
        self,
        session: &Session,
        args: &Ls,
        assets: &[Asset],
        total: Option<u64>,
    ) -> Result<Self, Failure> {
        let output = &session.output;
        let mut lines = match self {
            Self::Not if output.style.json => {
                let cloud = &session.engine.context().account.cloud_name;
                Self::Json { list: output.json_list(json!({"cloud": cloud}), "assets")?, total }
            }
            Self::Not => {
                let columns = fitting(assets, args);
                let heads: Vec<_> = columns.iter().map(|column| head(*column)).collect();
                Self::Table { table: Table::new(&heads, !args.no_header), columns }
            }
            begun => begun,
        };
        match &mut lines {
            Self::Json { list, .. } => list.items(assets.iter().map(json::asset))?,
            Self::Table { columns, table } => {
                fill(table, assets, columns);
                output.table(table)?;
                table.go_on();
            }
            Self::Not => {}
        }
        Ok(lines)
    }

    fn end(self, more: bool) -> Result<(), Failure> {
        if let Self::Json { list, total } = self {
            list.end(&[("more", json!(more)), ("total", json!(total))])?;
        }
        Ok(())
    }
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

fn fill(table: &mut Table, assets: &[Asset], columns: &[Column]) {
    for asset in assets {
        table.row(columns.iter().map(|column| cell(asset, *column)));
    }
}

/// The columns to show: all that were asked for, and of the usual ones as many as the terminal has room for.
fn fitting(assets: &[Asset], args: &Ls) -> Vec<Column> {
    if !args.columns.is_empty() {
        return args.columns.clone();
    }
    let mut shown = USUAL.to_vec();
    let Some(width) = columns(rustix::stdio::stdout()) else { return shown };
    while shown.len() > 1 {
        let heads: Vec<_> = shown.iter().map(|column| head(*column)).collect();
        let mut table = Table::new(&heads, !args.no_header);
        fill(&mut table, assets, &shown);
        if table.width() <= width {
            break;
        }
        shown.pop();
    }
    shown
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
