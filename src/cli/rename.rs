//! `allclear rename`.

use super::args::{Kind, Rename};
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::{order, resolve};
use crate::domain::purge::Order;

/// Renames an asset; the new name is read in the types of the old one unless `--to-type` says otherwise.
///
/// # Errors
/// Those of [`order::carry_out`].
pub async fn run(session: &Session, args: &Rename) -> Result<Exit, Failure> {
    let from = resolve::asset(&session.engine, &args.from, args.kind).await?;
    let kind = Kind {
        resource_type: Some(from.resource_type),
        delivery_type: Some(args.to_type.unwrap_or(from.delivery_type)),
    };
    let to = resolve::asset(&session.engine, &args.to, kind).await?;
    let order = Order::Rename { from, to, overwrite: args.overwrite };
    order::carry_out(session, &order, &args.change).await
}
