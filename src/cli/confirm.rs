//! Confirmation: asked for on a terminal, given by flags everywhere else; the default is always no.

use std::io::{self, BufRead, IsTerminal};

use super::args::Change;
use super::failure::Failure;
use super::output::Output;
use super::plan_text;
use crate::domain::purge::{Confirmation, Plan};
use crate::domain::text::clean;

/// What was typed to confirm, for the engine to check again; `None` where a plain yes was enough.
///
/// # Errors
/// Declined, a wrong word, or nobody to ask: then the missing flag is named.
pub fn confirm(
    output: &Output,
    plan: &Plan,
    change: &Change,
    no_input: bool,
) -> Result<Option<String>, Failure> {
    let verb = plan.verb.as_str();
    let word = plan.confirmation.word();
    if let Some(typed) = &change.confirm {
        return match &word {
            Some(needed) if typed.trim() == needed => Ok(Some(typed.clone())),
            None if means_the_plan(typed.trim(), plan) => Ok(None),
            needed => Err(not_confirmed(
                format!("--confirm {} does not confirm this {verb}", clean(typed)),
                format!("the plan is about {}; {}", about(plan), flag(needed.as_deref())),
            )),
        };
    }
    if let (Some(needed), Confirmation::CloudName(_)) = (&word, &plan.confirmation)
        && (no_input || !can_ask())
    {
        return Err(Failure::Locked {
            message: format!(
                "this {verb} of {} is on a production profile, which is locked",
                about(plan)
            ),
            hint: flag(Some(needed)),
        });
    }
    match (&word, change.yes) {
        (None, true) => return Ok(None),
        (Some(needed), true) if no_input || !can_ask() => {
            return Err(not_confirmed(
                format!("--yes alone is not enough: this {verb} is of {}", about(plan)),
                flag(Some(needed)),
            ));
        }
        (needed, false) if no_input || !can_ask() => {
            return Err(not_confirmed(
                format!("this {verb} of {} was not confirmed and nobody can be asked", about(plan)),
                flag(needed.as_deref()),
            ));
        }
        _ => {}
    }
    ask(output, plan, word.as_deref())
}

/// Whether a word that was not needed names the plan all the same: its count, its cloud, or a yes.
fn means_the_plan(typed: &str, plan: &Plan) -> bool {
    typed == plan.cloud_name
        || typed == plan.items.len().to_string()
        || matches!(typed, "y" | "yes")
}

fn about(plan: &Plan) -> String {
    let assets = match plan.items.len() {
        1 => "1 asset".to_owned(),
        many => format!("{many} assets"),
    };
    format!("{assets} in {}", clean(&plan.cloud_name))
}

fn flag(word: Option<&str>) -> String {
    match word {
        Some(word) => format!("add --confirm {}, or --dry-run to see the plan", clean(word)),
        None => "add --yes, or --dry-run to see the plan".to_owned(),
    }
}

fn not_confirmed(message: String, hint: String) -> Failure {
    Failure::NotConfirmed { message, hint }
}

fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn ask(output: &Output, plan: &Plan, word: Option<&str>) -> Result<Option<String>, Failure> {
    let what = match &plan.confirmation {
        Confirmation::Yes => {
            format!("{} {}? [y/N, in scripts --yes] ", plan.verb.as_str(), about(plan))
        }
        Confirmation::Count(_) => {
            format!(
                "To {} {}, type their number (in scripts --confirm N): ",
                plan.verb.as_str(),
                about(plan)
            )
        }
        Confirmation::CloudName(_) => {
            format!(
                "To {} {}, type the name of the cloud (in scripts --confirm NAME): ",
                plan.verb.as_str(),
                about(plan)
            )
        }
    };
    for line in plan_text::lines(plan) {
        output.warn(&line);
    }
    output.ask(&what);
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    let typed = typed.trim();
    let confirmed = read.is_ok()
        && match word {
            Some(needed) => typed == needed,
            None => matches!(typed, "y" | "Y" | "yes"),
        };
    if confirmed {
        Ok(word.map(ToOwned::to_owned))
    } else {
        Err(Failure::Declined { verb: plan.verb.as_str() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::confidence::Confidence;
    use crate::domain::invalidation::Verb;
    use crate::domain::purge::ApiPath;
    use std::time::Duration;

    fn plan(confirmation: Confirmation) -> Plan {
        Plan {
            verb: Verb::Delete,
            cloud_name: "acme".to_owned(),
            items: Vec::new(),
            api_path: ApiPath::Destroy,
            why: String::new(),
            overwrite: false,
            invalidate: true,
            file: None,
            upload_calls: 0,
            admin_calls: 0,
            quota_left: None,
            paced_until: None,
            watched: Vec::new(),
            not_covered: Vec::new(),
            by_url: Vec::new(),
            duplicates: 0,
            left_out: Vec::new(),
            seen_by: Vec::new(),
            delay: Duration::ZERO,
            refused: Vec::new(),
            places: 1,
            requests: 0,
            budget: 1_000,
            stuck_after: Duration::from_secs(600),
            execution: Duration::ZERO,
            verification: Duration::ZERO,
            confidence: Confidence::Quick,
            sampled_of: None,
            sampled_urls: None,
            notes: Vec::new(),
            confirmation,
        }
    }

    fn given(
        confirmation: Confirmation,
        yes: bool,
        word: Option<&str>,
    ) -> Result<Option<String>, String> {
        let style =
            super::super::output::Style { json: false, quiet: true, color: false, ascii: false };
        let change = Change { yes, confirm: word.map(ToOwned::to_owned), ..Change::default() };
        confirm(&Output::new("rm", style), &plan(confirmation), &change, true)
            .map_err(|failure| failure.hint().unwrap_or_default())
    }

    #[test]
    fn yes_is_enough_only_where_no_word_is_needed() {
        assert_eq!(given(Confirmation::Yes, true, None), Ok(None));
        assert_eq!(
            given(Confirmation::Count(12), true, None),
            Err("add --confirm 12, or --dry-run to see the plan".to_owned())
        );
        assert_eq!(
            given(Confirmation::Yes, false, None),
            Err("add --yes, or --dry-run to see the plan".to_owned())
        );
    }

    #[test]
    fn only_the_right_word_confirms() {
        let production = || Confirmation::CloudName("acme".to_owned());
        assert_eq!(given(production(), false, Some("acme")), Ok(Some("acme".to_owned())));
        assert!(given(production(), true, Some("ACME")).is_err());
        assert_eq!(given(Confirmation::Count(3), false, Some("3")), Ok(Some("3".to_owned())));
        assert!(given(Confirmation::Yes, false, Some("other")).is_err());
        assert_eq!(given(Confirmation::Yes, false, Some("acme")), Ok(None));
    }
}
