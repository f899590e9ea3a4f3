//! What `-h` and `--help` say beside the options: examples first, and what there is to know.
//!
//! `args.rs` holds the types; this table is put over them, for help, man page and README alike.

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::args::Args;

/// What is said of one command.
pub struct Help {
    /// Its words after `allclear`, e.g. `config show`; empty for the program itself.
    pub command: &'static str,
    /// Command lines with what they are for, the commonest first.
    pub examples: &'static [(&'static str, &'static str)],
    /// What `--help` tells beyond the summary; may be empty.
    pub more: &'static str,
}

/// Examples of `-h`; `--help` shows all.
const FIRST: usize = 2;

/// Exit codes (design §5).
pub const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "all clear, or done as asked"),
    ("1", "failed"),
    ("2", "usage or configuration"),
    ("3", "gave up, blind or superseded; `pending --json`: something is stuck"),
    ("4", "some items failed"),
    ("5", "the cloud refused: credentials, permission, read-only or locked profile"),
    ("6", "clear except what was not covered or not sampled"),
    ("130", "interrupted: what was not sent is called off"),
    ("129", "hung up: what was not sent waits for `jobs resume`"),
    ("143", "terminated: as hung up"),
];

/// Variables that are read.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("CLOUDINARY_URL", "cloudinary://KEY:SECRET@CLOUD, with ?upload_prefix=… for another API host"),
    (
        "CLOUDINARY_CLOUD_NAME",
        "with CLOUDINARY_API_KEY and CLOUDINARY_API_SECRET, as the official SDKs read them",
    ),
    ("ALLCLEAR_PROFILE", "as --profile"),
    ("ALLCLEAR_CONFIG", "as --config"),
    ("ALLCLEAR_JOURNAL", "as --journal"),
    ("ALLCLEAR_STATE_DIR", "folder of journal and log"),
    ("ACCESSIBLE", "1: as --plain"),
    ("NO_COLOR", "set: as --no-color"),
    ("FORCE_COLOR", "set: colours even where the output is no terminal (also CLICOLOR_FORCE)"),
];

#[rustfmt::skip]
pub const HELP: &[Help] = &[
    Help {
        command: "",
        examples: &[
            ("allclear demo", "try everything, nothing to configure"),
            ("allclear rm press/old --dry-run", "what a delete would do, and what it would not reach"),
            ("allclear ls --prefix press/", "list a folder"),
            ("allclear rename press/old press/new", "rename, then wait until every cache let go"),
            ("allclear purge https://res.cloudinary.com/acme/image/upload/press/hero.jpg", "a URL does where a name does"),
            ("allclear pending", "what is not yet clear, whoever started it"),
            ("allclear --plain", "the console line by line, for screen readers"),
        ],
        more: "",
    },
    Help {
        command: "demo",
        examples: &[
            ("allclear demo", "the console on a local cloud with warm caches"),
            ("allclear demo --scenario stuck-edge.toml", "a drill: one cache never lets go"),
            ("allclear demo --assets 100000 --edges 20", "many of everything"),
        ],
        more: "The cloud and its journal end with the console; your own profiles are not read.",
    },
    Help {
        command: "cloud",
        examples: &[
            ("allclear cloud", "prints a ready line; its `cloudinary_url` is all a client needs"),
            ("allclear cloud --assets 0 --listen 127.0.0.1:8800", "empty, at a known port"),
            ("allclear cloud --mode legacy --scenario lost-purge.toml", "an account of the old kind, and trouble"),
        ],
        more: "The official SDKs and `cld` work with it unchanged. It listens on this host alone.",
    },
    Help {
        command: "ls",
        examples: &[
            ("allclear ls", "the first 500 images"),
            ("allclear ls --prefix press/2026/", "a folder"),
            ("allclear ls --tag recalled --columns id,bytes --no-header", "for scripts"),
            ("allclear ls --search 'bytes > 5000000 AND format = png'", "whatever the search index finds"),
        ],
        more: "",
    },
    Help {
        command: "show",
        examples: &[
            ("allclear show press/2026/hero", "an asset with its delivery URLs"),
            ("allclear show https://res.cloudinary.com/acme/image/upload/w_300/press/hero.jpg", "the asset behind a URL"),
            ("allclear show manuals/a.pdf --resource-type raw --json", "for scripts"),
        ],
        more: "",
    },
    Help {
        command: "explain",
        examples: &[
            ("allclear explain https://res.cloudinary.com/acme/image/upload/v1/press/hero.jpg", "is it reached, and if not, what then"),
            ("allclear explain https://res.cloudinary.com/acme/image/upload/press/hero.jpg --mode legacy", "on an account of the old kind"),
        ],
        more: "Nothing is asked of anybody: the answer follows from the URL and from how the account invalidates.",
    },
    Help {
        command: "rename",
        examples: &[
            ("allclear rename press/old press/new", "shows a plan, asks, acts, waits"),
            ("allclear rename press/old press/new --overwrite --yes --note TICKET-7", "without a question"),
            ("allclear rename press/hero press/hero --to-type authenticated", "another delivery type"),
        ],
        more: "",
    },
    Help {
        command: "rm",
        examples: &[
            ("allclear rm press/2026/hero", "shows a plan, asks, deletes, waits until it is gone everywhere"),
            ("allclear rm --tag recalled --dry-run", "what a bulk delete would do"),
            ("allclear rm --prefix press/2024/ --confirm 212", "a bulk delete wants the count that the plan names"),
            ("allclear rm --from names.txt --confirm acme --no-wait", "production wants the cloud's name"),
        ],
        more: "",
    },
    Help {
        command: "replace",
        examples: &[
            ("allclear replace press/hero hero-corrected.jpg", "the same name, a new file"),
            ("allclear replace press/hero hero.jpg --yes --json", "for scripts"),
        ],
        more: "",
    },
    Help {
        command: "purge",
        examples: &[
            ("allclear purge press/2026/hero", "keeps the asset, clears the caches"),
            ("allclear purge https://res.cloudinary.com/acme/image/upload/press/hero.jpg --yes", "by URL, without a question"),
            ("allclear purge --tag campaign --confidence strict --verify sample", "much proof of a sample"),
        ],
        more: "",
    },
    Help {
        command: "restore",
        examples: &[
            ("allclear restore press/2026/hero", "from its backup, then purges what is cached under its name"),
            ("allclear restore press/a press/b --no-wait", "without waiting for the caches"),
        ],
        more: "",
    },
    Help {
        command: "probe",
        examples: &[
            ("allclear probe https://media.example.com/a.jpg", "one look at every place"),
            ("allclear probe https://media.example.com/a.jpg --edge FRA=192.0.2.7", "at this address alone"),
            ("cat urls.txt | allclear probe --stdin --json", "many, for scripts"),
        ],
        more: "",
    },
    Help {
        command: "watch",
        examples: &[
            ("allclear watch 0199a3f2c41d", "an invalidation, by the first characters of its ID"),
            ("allclear watch https://media.example.com/a.jpg --expect gone", "until every place refuses it"),
            ("allclear watch https://media.example.com/a.jpg --timeout 10m --json", "for scripts"),
        ],
        more: "Leaving gives nothing up: the journal keeps the watch open, and the same line goes on with it.",
    },
    Help {
        command: "jobs",
        examples: &[
            ("allclear jobs", "every order and how far it is, whoever runs it"),
            ("allclear jobs pause 0193a2b3c4d5", "send nothing more for now"),
            ("allclear jobs resume 0193a2b3c4d5", "go on, also where the process died"),
            ("allclear jobs --all --json", "of every cloud in the journal"),
        ],
        more: "A job whose process died waits here: what is in doubt is settled by asking storage, what was only intended is sent when it is resumed.",
    },
    Help {
        command: "jobs pause",
        examples: &[("allclear jobs pause 0193a2b3c4d5", "calls in flight settle, then nothing leaves")],
        more: "",
    },
    Help {
        command: "jobs resume",
        examples: &[
            ("allclear jobs resume 0193a2b3c4d5", "go on, and wait for the outcome"),
            ("allclear jobs resume 0193a2b3c4d5 --no-wait --results all.csv", "what became of every asset, in a file"),
        ],
        more: "Where another process runs the job, that one goes on. Exit code 4: some items failed.",
    },
    Help {
        command: "jobs cancel",
        examples: &[("allclear jobs cancel 0193a2b3c4d5", "calls in flight settle, the rest is never sent")],
        more: "What was not sent can be ordered again with `allclear retry-failed`.",
    },
    Help {
        command: "retry-failed",
        examples: &[
            ("allclear retry-failed 0193a2b3c4d5 --dry-run", "what was not done, as a plan"),
            ("allclear retry-failed 0193a2b3c4d5 --yes", "order it again"),
        ],
        more: "It takes what failed, what was not found and what was never sent; what cannot be meant is named again.",
    },
    Help {
        command: "track",
        examples: &[
            ("allclear track", "a worker beside the team's consoles; stop it with TERM"),
            ("allclear track --json --profile prod --confirm acme", "as a service; goes on with jobs of production, too"),
        ],
        more: "Any number share a journal. What one holds when it dies, another takes up within seconds.",
    },
    Help {
        command: "pending",
        examples: &[
            ("allclear pending", "of this cloud"),
            ("allclear pending --all --json", "of every cloud in the journal; exits 3 when something is stuck"),
        ],
        more: "",
    },
    Help {
        command: "history",
        examples: &[
            ("allclear history", "the newest 50"),
            ("allclear history --limit 5 --json", "for scripts"),
        ],
        more: "",
    },
    Help {
        command: "activity",
        examples: &[
            ("allclear activity", "the newest 50: who, what, how it ended, and the same as a command"),
            ("allclear activity --limit 10000 --all --json", "the whole trail, one object a line"),
        ],
        more: "",
    },
    Help {
        command: "report",
        examples: &[
            ("allclear report 0199a3f2c41d", "Markdown, for a ticket"),
            ("allclear report 0199a3f2c41d --format html -o hero.html", "one file that needs nothing beside it"),
            ("allclear history --json | jq -r '.invalidations[0].invalidation' | xargs allclear report", "the newest"),
        ],
        more: "",
    },
    Help {
        command: "journal",
        examples: &[
            ("allclear journal check", "is it whole, and what does it hold"),
            ("allclear journal prune --dry-run", "what thinning out would take away"),
            ("allclear journal copy journal.db /mnt/backup/journal.db", "a copy, proven to be the same"),
        ],
        more: "",
    },
    Help {
        command: "journal check",
        examples: &[
            ("allclear journal check", "exits 1 where it is damaged"),
            ("allclear journal check --journal /mnt/backup/journal.db --json", "another one, for scripts"),
        ],
        more: "Every page and every reference of the file is read. Nothing is changed, but a journal of an older \
               program gets the present schema.",
    },
    Help {
        command: "journal prune",
        examples: &[
            ("allclear journal prune --dry-run", "count only"),
            ("allclear journal prune --older-than 720h", "the evidence of what ended more than 30 days ago"),
        ],
        more: "Sightings, pictures and watched URLs of ended invalidations go; a `report` of them tells orders and \
               outcomes only. Orders, items, outcomes and the audit trail are never taken away.",
    },
    Help {
        command: "journal copy",
        examples: &[
            ("allclear journal copy journal.db new.db", "cut short, it goes on where it was when it is run again"),
            ("allclear journal copy old.db new.db --json", "counts and checksums of every table"),
        ],
        more: "TO is a new file, or one that an earlier run began. In the end the rows of every table are counted and \
               hashed on both sides; where something writes to FROM meanwhile, that is said and the copy does not count.",
    },
    Help {
        command: "places",
        examples: &[
            ("allclear places", "every source of places and its state"),
            ("allclear places https://media.example.com/a.jpg", "which PoP answers where"),
        ],
        more: "",
    },
    Help {
        command: "config",
        examples: &[
            ("allclear config init", "write a commented file to begin with"),
            ("allclear config show --origin", "what holds, and who said so"),
            ("allclear config check", "what is wrong, with line and column"),
        ],
        more: "Precedence: defaults < file < environment < flags.",
    },
    Help {
        command: "config path",
        examples: &[("allclear config path", "one line"), ("allclear config path --json", "with journal and state folder")],
        more: "",
    },
    Help {
        command: "config check",
        examples: &[
            ("allclear config check", "exits 2 where something is wrong"),
            ("allclear config check --config new.toml", "another file"),
        ],
        more: "",
    },
    Help {
        command: "config show",
        examples: &[
            ("allclear config show", "what holds"),
            ("allclear config show --origin --profile staging", "of another profile, and who said so"),
        ],
        more: "No connection is opened; a `secret_command` is run where the profile has one.",
    },
    Help {
        command: "config init",
        examples: &[
            ("allclear config init", "where it is looked for"),
            ("allclear config init --config staging.toml", "elsewhere"),
        ],
        more: "The file is readable by you alone. Nothing is asked and nothing is written over.",
    },
    Help {
        command: "themes",
        examples: &[("allclear themes list", "built in and yours")],
        more: "",
    },
    Help {
        command: "themes list",
        examples: &[("allclear themes list", "built in and yours"), ("allclear --theme light", "the console in another one")],
        more: "Your own are one TOML file each, in `themes` beside the configuration file.",
    },
    Help {
        command: "doctor",
        examples: &[
            ("allclear doctor", "terminal, configuration, journal, cloud, places"),
            ("allclear doctor --json | jq '.findings[] | select(.state == \"broken\")'", "for scripts"),
            ("allclear doctor --offline", "without the network"),
        ],
        more: "Exits with 1 where something is broken. Nothing is changed, no secret is shown, and no answer is waited \
               for longer than some seconds.",
    },
    Help {
        command: "completions",
        examples: &[
            ("eval \"$(allclear completions bash)\"", "in ~/.bashrc"),
            ("source <(allclear completions zsh)", "in ~/.zshrc, after compinit"),
            ("allclear completions fish | source", "in ~/.config/fish/config.fish"),
            ("eval (allclear completions elvish | slurp)", "in ~/.config/elvish/rc.elv"),
            ("allclear completions powershell | Out-String | Invoke-Expression", "in $PROFILE"),
        ],
        more: "The shell asks this program what fits, so that names of profiles and themes are the present ones. \
               `allclear man --dir` writes the scripts of all shells.",
    },
    Help {
        command: "man",
        examples: &[
            ("allclear man | man -l -", "read it"),
            ("allclear man rm | man -l -", "of one command"),
            ("allclear man --dir ~/.local/share", "man pages and completions, for you"),
            ("allclear man --dir /usr/local/share", "for everybody on this host"),
        ],
        more: "Below DIR they stand where man and the shells look: man/man1, bash-completion/completions, \
               zsh/site-functions, fish/vendor_completions.d, elvish/lib, powershell/completions; licences and notices \
               in doc/allclear. Older files of these names are replaced.",
    },
];

/// What the table says of a command.
#[must_use]
pub fn of(command: &str) -> Option<&'static Help> {
    HELP.iter().find(|help| help.command == command)
}

/// Everything that may be typed, with its help.
#[must_use]
pub fn command() -> clap::Command {
    dressed(Args::command(), "")
}

/// Reads a command line; `arguments` begin with the name of the program.
///
/// # Errors
/// What clap did not understand; help and version, too.
pub fn parse<T: Into<std::ffi::OsString> + Clone>(
    arguments: impl IntoIterator<Item = T>,
) -> Result<Args, clap::Error> {
    let mut command = command();
    let read = |matches: ArgMatches| Args::from_arg_matches(&matches);
    command.try_get_matches_from_mut(arguments).and_then(read).map_err(|e| e.format(&mut command))
}

/// `command` and what is below it, with examples before the usage. `path` is its words after `allclear`.
fn dressed(mut command: clap::Command, path: &str) -> clap::Command {
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    for name in names {
        let path = format!("{path} {name}");
        command = command.mut_subcommand(name, |inner| dressed(inner, path.trim_start()));
    }
    command = command.help_template(
        "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}",
    );
    let Some(help) = of(path) else { return command };
    if !help.more.is_empty() {
        let about = command.get_long_about().or(command.get_about());
        let about = about.map(ToString::to_string).unwrap_or_default();
        command = command.long_about(format!("{about}\n\n{}", help.more));
    }
    if path.is_empty() {
        let codes = EXIT_CODES.iter().map(|(code, meaning)| format!("\n  {code:<4} {meaning}"));
        command = command.after_long_help(format!("Exit codes:{}", codes.collect::<String>()));
    }
    let more = format!("{} --help", format!("allclear {path}").trim_end());
    command
        .before_help(examples(&help.examples[..help.examples.len().min(FIRST)]))
        .before_long_help(examples(help.examples))
        .after_help(format!("More options and examples: {more}"))
}

/// Examples as help shows them: what they are for beside them, or below where both do not fit in 80 columns.
fn examples(all: &[(&str, &str)]) -> String {
    const COLUMN: usize = 40;
    let lines = all.iter().map(|(line, remark)| {
        let beside = line.chars().count() <= COLUMN && remark.chars().count() < 80 - 4 - COLUMN;
        if beside {
            format!("\n  {line:<COLUMN$}  {remark}")
        } else {
            format!("\n  {line}\n      {remark}")
        }
    });
    std::iter::once("Examples:".to_owned()).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(command: &clap::Command, path: &str, visit: &mut impl FnMut(&clap::Command, &str)) {
        visit(command, path);
        for inner in command.get_subcommands() {
            walk(inner, format!("{path} {}", inner.get_name()).trim_start(), visit);
        }
    }

    /// The words of a command line, as a POSIX shell splits them; only single quotes are known.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().expect("never empty").push(c),
            }
        }
        words
    }

    #[test]
    fn every_command_has_examples_and_every_example_is_a_command_line() {
        let mut without = Vec::new();
        walk(&Args::command(), "", &mut |command, path| {
            if !command.is_hide_set() && of(path).is_none_or(|help| help.examples.is_empty()) {
                without.push(path.to_owned());
            }
        });
        assert_eq!(without, [""; 0], "these have no examples in the table of help.rs");
        for help in HELP {
            for (line, _) in help.examples {
                let begin = line.find("allclear").expect("an example of allclear");
                let ours = line[begin..].split(" | ").next().unwrap_or_default();
                let ours = words(ours.trim_end_matches(['"', ')']));
                let read = parse(&ours);
                assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
                let named = help.command.split(' ').next().unwrap_or_default();
                let about_it = ours.iter().any(|word| word == named) || line.contains(named);
                assert!(named.is_empty() || about_it || help.command == "themes list", "{line}");
            }
        }
    }

    #[test]
    fn short_help_fits_on_a_screen_and_begins_with_what_it_does() {
        walk(&command(), "", &mut |command, path| {
            let mut command = command.clone();
            command.build();
            let short = command.render_help().to_string();
            let lines: Vec<&str> = short.lines().collect();
            assert!(!lines[0].is_empty() && lines[2] == "Examples:", "{path}:\n{short}");
            let long = command.render_long_help().to_string();
            assert!(long.lines().count() >= lines.len(), "{path}:\n{long}");
        });
    }
}
