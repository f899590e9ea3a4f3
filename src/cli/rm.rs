//! `allclear rm`.

use super::args::Rm;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::{order, resolve};
use crate::domain::purge::Order;

/// Deletes assets.
///
/// # Errors
/// Those of [`order::carry_out`].
pub async fn run(session: &Session, args: &Rm) -> Result<Exit, Failure> {
    let what = resolve::selection(&session.engine, &args.selector).await?;
    order::carry_out(session, &Order::Delete { what }, &args.change).await
}
