//! `allclear replace`.

use super::args::Replace;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::{order, resolve};
use crate::domain::purge::Order;

/// Replaces the file of an asset under its public ID.
///
/// # Errors
/// Those of [`order::carry_out`].
pub async fn run(session: &Session, args: &Replace) -> Result<Exit, Failure> {
    let key = resolve::asset(&session.engine, &args.target, args.kind).await?;
    let order = Order::Replace { key, file: args.file.clone() };
    order::carry_out(session, &order, &args.change).await
}
