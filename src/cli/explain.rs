//! `allclear explain`: what an invalidation would and would not reach at one URL; asks no cloud and no cache.

use super::args::Explain;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Role};
use crate::domain::account::Account;
use crate::domain::delivery_url::{BadDeliveryUrl, DeliveryUrl};
use crate::domain::explain::{Explanation, KindVerdict, explain_readings};
use crate::domain::secrets::masked;
use crate::domain::text::clean;
use crate::ops::OpError;

/// Explains a URL for `account`; without one, for the cloud that the URL names.
///
/// # Errors
/// No delivery URL, or one of another cloud.
pub fn run(output: &Output, account: Option<Account>, args: &Explain) -> Result<Exit, Failure> {
    let mut account = match account {
        Some(account) => account,
        None => Account::named(&named_cloud(&args.url)),
    };
    if let Some(mode) = args.mode {
        account.invalidation = mode;
    }
    let readings =
        DeliveryUrl::parse_all(&args.url, &account).map_err(|bad| bad_name(&args.url, &bad))?;
    let Some(explanation) = explain_readings(&readings, &account) else {
        return Err(bad_name(&args.url, &BadDeliveryUrl::NoPublicId));
    };
    if output.style.json {
        let fields = serde_json::to_value(&explanation).map_err(|cause| {
            Failure::usage(format!("cannot be written as JSON: {cause}"), "leave --json out")
        })?;
        output.json(fields)?;
    } else {
        text(output, &explanation)?;
    }
    Ok(Exit::Done)
}

/// The cloud that a URL names, by asking on behalf of none.
fn named_cloud(url: &str) -> String {
    match DeliveryUrl::parse_all(url, &Account::named("")) {
        Err(BadDeliveryUrl::OtherCloud { found, .. }) => found,
        _ => String::new(),
    }
}

fn bad_name(typed: &str, bad: &BadDeliveryUrl) -> Failure {
    Failure::Op(OpError::BadName {
        typed: clean(&masked(typed)).into_owned(),
        message: format!("`{}` cannot be explained: {bad}", clean(&masked(typed))),
        hint: "give a delivery URL as a browser would open it".to_owned(),
    })
}

fn text(output: &Output, explanation: &Explanation) -> Result<(), Failure> {
    let parts = &explanation.parts;
    output.line(&output.paint(Role::Strong, &explanation.url))?;
    output.line(&format!(
        "  asset            {}/{}/{}",
        parts.resource_type, parts.delivery_type, parts.public_id
    ))?;
    output.line(&format!("  cloud            {} at {}", parts.cloud_name, parts.host))?;
    if !parts.transformations.is_empty() {
        output.line(&format!("  transformation   {}", parts.transformations.join("/")))?;
    }
    if let Some(version) = parts.version {
        output.line(&format!("  version          {version}"))?;
    }
    if parts.signed {
        output.line("  signed           yes")?;
    }
    if parts.varies_by_accept {
        output.line("  variants         one copy for each image format a browser accepts")?;
    }
    for other in &explanation.also_read_as {
        output.line(&format!("  may also name    {}", other.public_id))?;
    }
    output.line("")?;
    output.line(&format!("this account ({})", explanation.account.kind))?;
    verdict(output, &explanation.account, true)?;
    output.line("")?;
    output.line("by kind of account")?;
    for kind in &explanation.kinds {
        verdict(output, kind, false)?;
    }
    if !explanation.notes.is_empty() {
        output.line("")?;
    }
    for note in &explanation.notes {
        output.line(&format!("note: {}", note.sentence))?;
    }
    Ok(())
}

fn verdict(output: &Output, of: &KindVerdict, with_steps: bool) -> Result<(), Failure> {
    let (word, role) = match of.coverage {
        "covered" => ("covered", Role::Good),
        "not_covered" => ("not covered", Role::Bad),
        _ => ("uncertain", Role::Doubt),
    };
    let why = of.why.map(|why| format!(": {why}")).unwrap_or_default();
    let word = output.paint(role, word);
    if with_steps {
        output.line(&format!("  {word}{why}"))?;
        for step in &of.next_steps {
            output.line(&format!("    {}", clean(&step.sentence)))?;
            for line in step.copy.iter().flat_map(|text| text.lines()) {
                output.line(&format!("      | {}", clean(line)))?;
            }
        }
    } else {
        output.line(&format!("  {:<20} {word}{why}", of.kind.as_str()))?;
    }
    Ok(())
}
