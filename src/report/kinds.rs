//! Every kind of error there is: what it means and what helps. `docs/errors.md` is made of this table, a heading a kind,
//! and every error names its heading.

use std::fmt::Write as _;

use super::{FAILED, REFUSED, USAGE};

/// One kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable word in snake case, as in `--json`.
    pub code: &'static str,
    pub exit_code: u8,
    /// What has happened, in a sentence.
    pub means: &'static str,
    /// What helps.
    pub helps: &'static str,
}

const fn kind(code: &'static str, exit_code: u8, means: &'static str, helps: &'static str) -> Kind {
    Kind { code, exit_code, means, helps }
}

/// In the order of `docs/errors.md`: how it was asked, the cloud, the journal, places, this host.
#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    kind("usage", USAGE, "The command line cannot be meant: a flag that is not there, a word that is missing, two that exclude each other.", "`allclear COMMAND --help` begins with examples; a slip of the fingers is answered with what was probably meant."),
    kind("bad_config", USAGE, "The configuration file, a flag or an environment variable holds something that cannot be used. The message has file, line, column and key.", "Correct it; `allclear config check` reads it again, [config.md](config.md) has every key. Without `--config` and `ALLCLEAR_CONFIG` a missing file is no error."),
    kind("nothing_configured", USAGE, "No cloud is configured: there is no profile and no `CLOUDINARY_URL`.", "`export CLOUDINARY_URL=cloudinary://KEY:SECRET@CLOUD`, or `allclear config init`. `allclear demo` needs neither."),
    kind("no_profile", USAGE, "The profile that was named is not in the configuration, or there are several and nothing says which one to use.", "`--profile NAME`, `ALLCLEAR_PROFILE`, or `profile = \"NAME\"` at the top of the file."),
    kind("bad_credentials", USAGE, "The credentials are not whole: a `cloudinary://` URL that is none, or a part that is missing.", "Copy the URL again from the cloud's console. `allclear config show --origin` says which part came from where."),
    kind("secret_command_failed", USAGE, "The `secret_command` of the profile did not print a secret.", "Run it by hand: it must print the API secret alone, or a `cloudinary://` URL, and exit with 0."),
    kind("journal_password_failed", USAGE, "The `journal_password_command` did not print a password.", "Run it by hand: it must print the password alone and exit with 0."),
    kind("bad_name", USAGE, "What was typed is no public ID and no delivery URL of this cloud.", "The message names the rule that it breaks. A URL is taken wherever a public ID is."),
    kind("empty_prefix", USAGE, "An empty prefix would select every asset of the cloud, and is refused.", "Give a prefix; a folder ends with `/`."),
    kind("invalid", USAGE, "An order that cannot be carried out as it was asked for.", "The hint below the message says what would do."),
    kind("too_many", USAGE, "The order is about more assets than one order may be.", "Select less, or allow more: `--max-items N`, or `max_items` in the profile."),
    kind("not_confirmed", USAGE, "Nobody said yes to the plan, and nobody could be asked. Nothing was sent.", "`--dry-run` shows the plan. `--yes` confirms; where a word is needed `--confirm WORD`, the number of assets or the name of the cloud, as the plan says."),
    kind("declined", FAILED, "The plan was answered with no. Nothing was sent.", "`--dry-run` shows the plan alone."),
    kind("unreadable_file", USAGE, "A file that was named cannot be read.", "Give the path of a file on this machine; lists have one name a line."),
    kind("unauthorized", REFUSED, "The cloud refused the credentials.", "Check cloud name, API key and secret; a message about a *stale request* is about the clock of this host, one about the *signature* about the secret or `signature_algorithm`."),
    kind("forbidden", REFUSED, "The cloud knows the key, and does not permit this to it.", "Use a key that may, or ask an administrator of the cloud. Some calls need an add-on."),
    kind("read_only", REFUSED, "The profile is read-only: by `read_only`, by `--read-only`. Nothing was sent.", "Use another profile, or take it away."),
    kind("locked", REFUSED, "A production profile is locked until its cloud is named. Nothing was sent.", "In the console `L` or `:unlock` with the name of the cloud, for 15 minutes; headless `--confirm CLOUD`."),
    kind("not_found", FAILED, "The asset does not exist in this cloud. Caches may serve it all the same: `allclear watch URL` looks.", "`allclear ls --prefix …` shows what there is; videos and raw files need `--resource-type`, private ones `--type`."),
    kind("nothing_selected", FAILED, "Nothing matches the selector.", "`allclear ls` with the same selector shows what there is."),
    kind("target_exists", FAILED, "The new name is taken.", "Give another one, or `--overwrite` to replace what is there."),
    kind("conflict", FAILED, "The cloud says that the name is taken: somebody was quicker.", "Give another one, or `--overwrite` to replace what is there."),
    kind("refused", FAILED, "The cloud refused the request and says why.", "Its own words are in the message."),
    kind("rate_limited", FAILED, "The calls of this hour are used.", "The hint has the time; orders with many calls wait for it by themselves."),
    kind("not_enough_quota", FAILED, "The order needs more calls than this hour has left, and was not begun.", "Try again after the top of the hour, or select fewer assets."),
    kind("unavailable", FAILED, "The cloud is overloaded or has trouble of its own (a status of 500 and above).", "Try again in a minute. What was in flight is in the journal."),
    kind("unreachable", FAILED, "The API of the cloud does not answer: no connection, no name, no TLS.", "Check the network, `HTTPS_PROXY` and the API prefix (`upload_prefix`); `allclear doctor` looks at each."),
    kind("timed_out", FAILED, "No answer in time. The call may have been carried out.", "Look before trying again: storage says what became of it, and at the next start the journal does so by itself."),
    kind("malformed_reply", FAILED, "Something answered that is not this API.", "Check the API prefix (`upload_prefix`) and any proxy on the way."),
    kind("taken_over", FAILED, "Another process carries this order out now.", "`allclear jobs` tells how far it is; `allclear jobs pause|cancel ID` reaches it there."),
    kind("unknown_invalidation", FAILED, "No invalidation or operation of the journal begins so.", "`allclear pending` and `allclear history` list what there is."),
    kind("ambiguous_invalidation", USAGE, "Several invalidations begin so.", "Give more characters; `allclear pending` and `allclear history` show whole IDs."),
    kind("unknown_job", FAILED, "No job of the journal begins so.", "`allclear jobs` lists what there is."),
    kind("job_lost", FAILED, "Another process runs this job now. Nothing is lost.", "`allclear jobs` says who."),
    kind("lease_lost", FAILED, "Another process tracks this invalidation now. Nothing is lost.", "`allclear watch ID` follows it."),
    kind("journal_unusable", FAILED, "The journal cannot be opened. Nothing is sent that is not written first.", "Make its folder writable, or name another one: `--journal`, `ALLCLEAR_JOURNAL`. The console opens without one, to look."),
    kind("journal_newer", FAILED, "A newer version of this program wrote the journal.", "Use that one, or name another journal with `--journal`."),
    kind("journal_gone", FAILED, "The server of the team's journal does not answer. Nothing is sent meanwhile.", "Wait until it answers, or ask who runs it."),
    kind("journal_damaged", FAILED, "What stands in the journal cannot be understood.", "Keep the file and name another one with `--journal`; `allclear journal check` says what is wrong."),
    kind("journal_busy", FAILED, "Another process holds the journal, such as a backup.", "Try again."),
    kind("journal_unwritable", FAILED, "The journal takes nothing more: the disk is full, or the folder may not be written.", "Make room. Nothing is sent that is not written first."),
    kind("unresolved_host", FAILED, "The delivery host has no address here.", "Check the host and this host's resolver, or pin edges in the profile."),
    kind("no_edges", FAILED, "A local cloud did not name its edges.", "`allclear cloud` starts one and prints its `CLOUDINARY_URL`."),
    kind("out_of_reach", FAILED, "A place that was asked for cannot look at this host.", "Look from this host, or from a host of yours by ssh, or pin edges."),
    kind("failed", FAILED, "This host did not let us do something: write a file, run a program, open a terminal.", "The message has the words of the system, the hint what to do."),
];

/// Where the heading of a kind is: in the project's repository once the package names one, else in the folder of the
/// documents.
#[must_use]
pub fn link(code: &str) -> String {
    link_from(env!("CARGO_PKG_REPOSITORY"), code)
}

fn link_from(repository: &str, code: &str) -> String {
    match repository.trim_end_matches('/') {
        "" => format!("docs/errors.md#{code}"),
        home => format!("{home}/blob/main/docs/errors.md#{code}"),
    }
}

/// The document, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# What can go wrong, and what helps\n\n\
         Made by `docs/shoot` from the program's own table. An error is a sentence with the next step below it; with \
         `--json` it is one line on standard error (`allclear.error/1`) whose `code` is the heading here.\n\n\
         ## Exit codes\n\n\
         | code | means |\n|---|---|\n\
         | 0 | all clear; or done as asked, with `--no-wait` or `--no-invalidate` |\n\
         | 1 | failed |\n\
         | 2 | usage or configuration |\n\
         | 3 | gave up, blind or superseded: not proven clear; `pending --json` where something is stuck |\n\
         | 4 | some items failed |\n\
         | 5 | refused: credentials, permission, a locked or read-only profile |\n\
         | 6 | clear except what was not covered or not sampled |\n\
         | 130 | interrupted |\n\n\
         ## Errors\n",
    );
    for kind in KINDS {
        let Kind { code, exit_code, means, helps } = kind;
        let _ = writeln!(out, "\n### {code}\n\nExit code {exit_code}. {means}\n\n{helps}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_heading_wherever_the_documents_are() {
        assert_eq!(link_from("", "locked"), "docs/errors.md#locked");
        assert_eq!(
            link_from("https://example.org/allclear/", "locked"),
            "https://example.org/allclear/blob/main/docs/errors.md#locked"
        );
        for kind in KINDS {
            let heading = format!("\n### {}\n", kind.code);
            assert_eq!(markdown().matches(&heading).count(), 1, "{heading}");
        }
    }
}
