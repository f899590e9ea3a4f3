//! A plan in words, for whoever has to say yes to it.

use super::words::{bytes, count, span};
use crate::domain::account::Account;
use crate::domain::coverage::{self, NextStep};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::invalidation::NotCovered;
use crate::domain::purge::{Backup, OnlookerRole, Plan};
use crate::domain::text::clean;

/// Assets that are named; the rest is counted.
const NAMED: usize = 10;

/// The first line: what will be done to how much.
#[must_use]
pub fn headline(plan: &Plan) -> String {
    let (derived, partly) = plan.derived();
    let derived = match (derived, partly) {
        (0, true) => "derived copies not counted".to_owned(),
        (known, true) => format!("at least {}", count(known, "derived copy")),
        (known, false) => count(known, "derived copy"),
    };
    format!(
        "{} {} in {} ({}, {derived})",
        plan.verb.as_str(),
        count(plan.items.len(), "asset"),
        clean(&plan.cloud_name),
        bytes(plan.bytes()),
    )
}

/// The whole plan, a line each.
#[must_use]
pub fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![headline(plan)];
    for item in plan.items.iter().take(NAMED) {
        let name = item.key.to_string();
        let to = item.to.as_ref().map(|to| format!(" → {}", clean(&to.to_string())));
        let backup = if item.backup == Backup::Kept { "  (a backup is kept)" } else { "" };
        lines.push(format!("  {}{}{backup}", clean(&name), to.unwrap_or_default()));
    }
    if plan.items.len() > NAMED {
        lines.push(format!("  … and {} more", plan.items.len() - NAMED));
    }
    if let Some(file) = &plan.file {
        lines.push(format!("  file: {}", clean(&file.display().to_string())));
    }
    lines.extend(left_out(plan));
    lines.push(format!("how: {}", clean(&plan.why)));
    lines.push(format!("calls: {}", calls(plan)));
    lines.push(format!("time: {}", time(plan)));
    if plan.invalidate {
        lines.push(format!(
            "watched: {} at {}, {}, {} confidence",
            count(plan.watched.len(), "URL"),
            count(plan.places, "place"),
            count(usize::try_from(plan.requests).unwrap_or(usize::MAX), "request"),
            plan.confidence.as_str(),
        ));
        lines.extend(seen_by(plan));
        if let Some(all) = plan.sampled_of {
            lines.push(format!("sampled: only a sample of {} is verified", count(all, "cell")));
            lines.extend(plan.sample_misses().map(|misses| format!("    {misses}")));
        }
        lines.push(format!(
            "budget: at most {}; when they are spent the watch gives up and keeps its state",
            count(usize::try_from(plan.budget).unwrap_or(usize::MAX), "request")
        ));
    } else {
        lines.push(
            "watched: nothing; no invalidation is sent and caches keep their copies".to_owned(),
        );
    }
    lines.extend(not_covered(&plan.not_covered));
    lines.extend(plan.notes.iter().map(|note| format!("note: {}", clean(note))));
    lines
}

/// What was named and is not part of it, the first of them with their reasons.
fn left_out(plan: &Plan) -> Vec<String> {
    let mut lines = plan
        .left_out
        .iter()
        .take(NAMED)
        .map(|left| {
            format!(
                "  left out ({}): {}: {}",
                left.reason.as_str(),
                clean(&left.name),
                clean(&left.why)
            )
        })
        .collect::<Vec<_>>();
    if plan.left_out.len() > NAMED {
        lines.push(format!("  … and {} more left out", plan.left_out.len() - NAMED));
    }
    lines
}

/// How long sending and proving take.
fn time(plan: &Plan) -> String {
    let sending = format!("about {} to send", span(plan.execution));
    let sending = match &plan.paced_until {
        Some(until) => {
            format!("{sending}, paced by the quota until {}", until.strftime("%Y-%m-%d %H:%M UTC"))
        }
        None => sending,
    };
    if plan.verification.is_zero() {
        sending
    } else {
        format!("{sending}, about {} to verify under the limits", span(plan.verification))
    }
}

/// The hosts that see the URLs while they are verified.
fn seen_by(plan: &Plan) -> Option<String> {
    let hosts = plan.seen_by.iter().map(|one| match one.role {
        OnlookerRole::Delivery => clean(&one.host).into_owned(),
        OnlookerRole::Ssh => format!("{} (by ssh)", clean(&one.host)),
        OnlookerRole::Worker => format!("{} (a worker of the team)", clean(&one.host)),
        OnlookerRole::ThirdParty => {
            format!("{} (a third party, {})", clean(&one.host), count(one.urls, "URL"))
        }
    });
    let hosts = hosts.collect::<Vec<_>>();
    (!hosts.is_empty()).then(|| format!("seen by: {}", hosts.join(", ")))
}

fn calls(plan: &Plan) -> String {
    let upload = count(plan.upload_calls, "Upload API call");
    let admin = count(plan.admin_calls, "Admin API call");
    match plan.quota_left {
        Some(left) => format!("{upload}, {admin} of {left} left this hour"),
        None => format!("{upload}, {admin}"),
    }
}

/// URLs that are not reached, each with what to do.
#[must_use]
pub fn not_covered(urls: &[NotCovered]) -> Vec<String> {
    let mut lines = Vec::with_capacity(urls.len() * 2);
    for missed in urls {
        lines.push(format!("not covered ({}): {}", missed.reason, clean(&missed.url)));
        // A next step can be a text to copy: its own lines stay lines.
        lines.extend(missed.next_step.lines().map(|line| format!("    {}", clean(line))));
    }
    lines
}

/// The request to the service's support for all URLs that need one, ready to copy. URLs whose signature is hidden
/// are counted: support has to be given them as they are.
#[must_use]
pub fn service_request(account: &Account, urls: &[NotCovered]) -> Option<String> {
    let asks = NextStep::ServiceRequest { text: String::new() }.to_string();
    let wanted: Vec<_> = urls.iter().filter(|missed| missed.next_step == asks).collect();
    let known: Vec<_> =
        wanted.iter().filter_map(|missed| DeliveryUrl::parse(&missed.url, account).ok()).collect();
    let hidden = wanted.len() - known.len();
    if wanted.is_empty() {
        return None;
    }
    let mut text = coverage::service_request(account, &known);
    if hidden > 0 {
        text.push_str("  and, with their signatures: ");
        text.push_str(&count(hidden, "signed URL"));
        text.push('\n');
    }
    Some(text)
}
