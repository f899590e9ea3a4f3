//! A plan in words: what will happen, what it costs, what it will not reach.

use crate::domain::invalidation::Verb;
use crate::domain::purge::{Backup, Plan};
use crate::ui::text;
use crate::ui::theme::Role;

/// One labelled line of a plan; an empty label goes on below the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    pub label: &'static str,
    pub text: String,
    pub role: Role,
    /// Kept on one line: its end tells it apart.
    pub is_url: bool,
}

/// Most assets and URLs that are spelled out.
const SPELLED: usize = 8;

/// The plan, line by line; wrapping is the view's business.
#[must_use]
pub fn plan_lines(plan: &Plan) -> Vec<PlanLine> {
    let mut lines = Lines(Vec::new());
    assets(&mut lines, plan);
    left_out(&mut lines, plan);
    stored(&mut lines, plan);
    lines.add("API", text::shown(&plan.why), Role::Text);
    calls(&mut lines, plan);
    watched(&mut lines, plan);
    times(&mut lines, plan);
    backups(&mut lines, plan);
    // what was said of backups is not said again
    let notes = plan.notes.iter().filter(|note| !note.starts_with("no backup exists"));
    for (at, note) in notes.enumerate() {
        lines.add(if at == 0 { "notes" } else { "" }, text::shown(note), Role::Text);
    }
    not_covered(&mut lines, plan);
    lines.0
}

struct Lines(Vec<PlanLine>);

impl Lines {
    fn add(&mut self, label: &'static str, text: impl Into<String>, role: Role) {
        let text = text.into();
        let is_url = text.starts_with("http");
        self.0.push(PlanLine { label, text, role, is_url });
    }
}

fn assets(lines: &mut Lines, plan: &Plan) {
    for (at, item) in plan.items.iter().take(SPELLED).enumerate() {
        let from = text::shown(&item.key.to_string()).into_owned();
        let name = match &item.to {
            Some(to) => format!("{from} becomes {}", text::shown(&to.to_string())),
            None => from,
        };
        let label = if at > 0 {
            ""
        } else if plan.items.len() == 1 {
            "asset"
        } else {
            "assets"
        };
        lines.add(label, name, Role::Strong);
    }
    if plan.items.len() > SPELLED {
        let more = plan.items.len() - SPELLED;
        let all = text::plural(plan.items.len(), "asset");
        lines.add("", format!("and {} more: {all} in all", text::len(more)), Role::Strong);
    }
    if let Some(file) = &plan.file {
        lines.add("file", text::shown(&file.display().to_string()), Role::Text);
    }
    if plan.overwrite && plan.verb == Verb::Rename {
        lines.add("", "what the new name holds is overwritten", Role::Warning);
    }
}

/// What was named and is not part of it, each with its reason.
fn left_out(lines: &mut Lines, plan: &Plan) {
    for (at, left) in plan.left_out.iter().take(SPELLED).enumerate() {
        let line = format!("{}: {}", text::shown(&left.name), text::shown(&left.why));
        lines.add(if at == 0 { "left out" } else { "" }, line, Role::Warning);
    }
    if plan.left_out.len() > SPELLED {
        let more = plan.left_out.len() - SPELLED;
        lines.add("", format!("and {} more", text::len(more)), Role::Warning);
    }
}

fn stored(lines: &mut Lines, plan: &Plan) {
    let (derived, unknown) = plan.derived();
    let derived = match (derived, unknown) {
        (0, true) => "derived copies not counted".to_owned(),
        (n, true) => format!("at least {n} derived copies"),
        (1, false) => "1 derived copy".to_owned(),
        (n, false) => format!("{} derived copies", text::len(n)),
    };
    lines.add(
        "storage",
        format!("{} in originals, {derived}", text::bytes(plan.bytes())),
        Role::Text,
    );
}

fn calls(lines: &mut Lines, plan: &Plan) {
    let admin = match (plan.admin_calls, plan.quota_left) {
        (0, _) => "none of the Admin quota".to_owned(),
        (n, Some(left)) => {
            format!("{n} of {} Admin calls left this hour", text::count(left.into()))
        }
        (n, None) => text::plural(n, "Admin call"),
    };
    lines.add(
        "calls",
        format!("{}, {admin}", text::plural(plan.upload_calls, "Upload API call")),
        Role::Text,
    );
}

fn watched(lines: &mut Lines, plan: &Plan) {
    if !plan.invalidate {
        let text =
            "caches are left alone: old copies stay until they expire, and nothing is watched";
        lines.add("caches", text, Role::Warning);
        return;
    }
    let sampled = match plan.sampled_of {
        Some(all) => format!(", a sample of {} cells", text::len(all)),
        None => String::new(),
    };
    let misses = plan.sample_misses();
    lines.add(
        "caches",
        format!(
            "{} at {}{sampled}, about {} ({} proof)",
            text::plural(plan.watched.len(), "URL"),
            text::plural(plan.places, "place"),
            format_args!("{} requests", text::count(plan.requests)),
            plan.confidence.as_str(),
        ),
        Role::Text,
    );
    if let Some(misses) = misses {
        lines.add("sample", misses, Role::Warning);
    }
    lines.add(
        "budget",
        format!("at most {} requests, then it gives up", text::count(plan.budget)),
        Role::Dim,
    );
}

fn times(lines: &mut Lines, plan: &Plan) {
    let sending = text::elapsed(plan.execution.max(std::time::Duration::from_secs(1)));
    let proving = text::elapsed(plan.verification);
    let text = if plan.invalidate {
        format!("about {sending} to send, then at least {proving} to prove")
    } else {
        format!("about {sending} to send")
    };
    lines.add("time", text, Role::Text);
}

fn backups(lines: &mut Lines, plan: &Plan) {
    if plan.verb != Verb::Delete {
        return;
    }
    let count = |of: Backup| plan.items.iter().filter(|item| item.backup == of).count();
    let (kept, none, unknown) = (count(Backup::Kept), count(Backup::None), count(Backup::Unknown));
    let (text, role) = match (kept, none, unknown) {
        (_, 0, 0) => ("kept: `:restore` brings them back".to_owned(), Role::Good),
        (0, _, 0) => ("none: this cannot be undone".to_owned(), Role::Warning),
        (0, 0, _) => ("not known: this may not be undone".to_owned(), Role::Warning),
        _ => (format!("{kept} kept, {none} without, {unknown} not known"), Role::Warning),
    };
    lines.add("backups", text, role);
}

fn not_covered(lines: &mut Lines, plan: &Plan) {
    if plan.not_covered.is_empty() {
        return;
    }
    let count = text::plural(plan.not_covered.len(), "URL");
    lines.add("not reached", format!("{count} by this invalidation:"), Role::Warning);
    for url in plan.not_covered.iter().take(SPELLED) {
        lines.add("", text::shown(&url.url), Role::Text);
        let why = url.reason.replace('_', " ");
        lines.add(
            "",
            format!("  {}: {}", text::shown(&why), text::shown(&url.next_step)),
            Role::Dim,
        );
    }
    if plan.not_covered.len() > SPELLED {
        let more = plan.not_covered.len() - SPELLED;
        lines.add("", format!("and {} more URLs", text::len(more)), Role::Warning);
    }
}
