//! `allclear rm`.

use super::args::{self, Rm};
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::{order, resolve};
use crate::domain::purge::{DeleteApi, Order};

/// Deletes assets.
///
/// # Errors
/// Those of [`order::carry_out`].
pub async fn run(session: &Session, args: &Rm) -> Result<Exit, Failure> {
    let what = resolve::selection(&session.engine, &args.selector).await?;
    let mut terms = resolve::terms(&args.change, &session.command_line);
    terms.api = args.api.map(|api| match api {
        args::DeleteApi::Upload => DeleteApi::Upload,
        args::DeleteApi::Admin => DeleteApi::Admin,
    });
    order::carry_out_as(session, &Order::Delete { what }, &args.change, &terms).await
}
