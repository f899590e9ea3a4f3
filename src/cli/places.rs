//! `allclear places`: where we can look from, and at.

use serde_json::json;

use super::args::Places;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::json;
use super::output::{Side, Table};

/// Lists the places of the profile.
///
/// # Errors
/// No place can be found.
pub async fn run(session: &Session, args: &Places) -> Result<Exit, Failure> {
    let places = session.engine.places().await?;
    let output = &session.output;
    if output.style.json {
        output.json(json!({ "places": places.iter().map(json::place).collect::<Vec<_>>() }))?;
        return Ok(Exit::Done);
    }
    let columns = [
        ("PLACE", Side::Left),
        ("CITY", Side::Left),
        ("PROVIDER", Side::Left),
        ("FROM", Side::Left),
        ("ADDRESS", Side::Left),
        ("HOST", Side::Left),
    ];
    let mut table = Table::new(&columns, !args.no_header);
    for place in &places {
        table.row([
            place.id.to_string(),
            place.city.clone().unwrap_or_else(|| "-".to_owned()),
            place.provider.clone(),
            place.vantage.to_string(),
            place.address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
            place.host.clone(),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Done)
}
