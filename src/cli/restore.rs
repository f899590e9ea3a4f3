//! `allclear restore`.

use super::args::Restore;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::{order, resolve};
use crate::domain::purge::Order;

/// Brings backed-up assets back.
///
/// # Errors
/// Those of [`order::carry_out`].
pub async fn run(session: &Session, args: &Restore) -> Result<Exit, Failure> {
    let keys = resolve::keys(&session.engine, &args.targets, args.kind).await?;
    order::carry_out(session, &Order::Restore { keys }, &args.change).await
}
