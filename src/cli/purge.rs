//! `allclear purge`.

use super::args::Purge;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::{order, resolve};
use crate::domain::purge::Order;

/// Purges the copies of assets and keeps the assets.
///
/// # Errors
/// `--no-invalidate`, which would leave nothing to do, and those of [`order::carry_out`].
pub async fn run(session: &Session, args: &Purge) -> Result<Exit, Failure> {
    if args.change.no_invalidate {
        return Err(Failure::usage(
            "a purge without an invalidation would do nothing",
            "leave --no-invalidate out",
        ));
    }
    let what = resolve::selection(&session.engine, &args.selector).await?;
    order::carry_out(session, &Order::Purge { what }, &args.change).await
}
