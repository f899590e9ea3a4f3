//! Every key of the configuration: what `docs/config.md` and `docs/config.schema.json` are made of. Tests hold it against
//! the file's own types, so that neither knows a key that the other does not.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Text,
    /// A whole number.
    Number,
    Bool,
    /// `5s`, `2h 30m`.
    Duration,
    /// One of these words.
    OneOf(&'static [&'static str]),
    Texts,
    /// Some of these words.
    SomeOf(&'static [&'static str]),
    /// Any names, each with a text.
    TextByName,
    /// Any names, each with a key or several.
    KeysByName,
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    pub takes: Takes,
    /// What holds without it; empty where there is nothing then.
    pub default: &'static str,
    /// As it may stand in the file.
    pub example: &'static str,
    pub about: &'static str,
}

/// A table of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// As its heading in the file; empty for what stands at the top.
    pub heading: &'static str,
    pub about: &'static str,
    pub keys: &'static [Key],
}

const fn key(
    name: &'static str,
    takes: Takes,
    default: &'static str,
    example: &'static str,
    about: &'static str,
) -> Key {
    Key { name, takes, default, example, about }
}

const NOTICES: &[&str] = &["all_clear", "ended", "stuck", "regression", "job_done", "job_failed"];

/// In the order of `docs/config.md`.
#[rustfmt::skip]
pub const SECTIONS: &[Section] = &[
    Section {
        heading: "",
        about: "Before the first table.",
        keys: &[
            key("profile", Takes::Text, "", "\"staging\"", "the profile to use where neither `--profile`, `ALLCLEAR_PROFILE` nor `CLOUDINARY_URL` says which"),
            key("journal", Takes::Text, "journal.db in the state folder", "\"~/.local/state/allclear/journal.db\"", "where operations and invalidations are kept: a file, a `sqlite:` URL, or the PostgreSQL database of a team ([team.md](team.md))"),
            key("journal_password_command", Takes::Texts, "", "[\"pass\", \"show\", \"allclear/journal\"]", "program and arguments, run without a shell, that print the password of a `postgres://` journal"),
            key("theme", Takes::Text, "auto", "\"dark\"", "the console's colours: `allclear themes list`; `auto` goes by the terminal's background"),
            key("pictures", Takes::OneOf(&["auto", "kitty", "iterm2", "sixel", "half-blocks", "off"]), "auto", "\"half-blocks\"", "how pictures are drawn in the console; `auto` goes by what the terminal answers, before that by the environment, and is half-blocks in tmux"),
            key("color", Takes::OneOf(&["auto", "none", "16", "256", "true"]), "auto", "\"256\"", "how many colours the console draws with; `auto` goes by `NO_COLOR`, `COLORTERM` and `TERM`, any other word beats them, and `--no-color` beats it"),
            key("ascii", Takes::Bool, "false", "true", "draw the console with ASCII alone, as `--ascii` does; it is so by itself where the locale is not UTF-8"),
            key("mouse", Takes::Bool, "false", "true", "use the mouse in the console, as `--mouse` does; `:mouse` changes it, and shift selects text meanwhile"),
        ],
    },
    Section {
        heading: "keys",
        about: "Keys by the name of a command; `?` in the console and the README list them. An empty list takes a key away.",
        keys: &[key("NAME", Takes::KeysByName, "", "[\"ctrl-x\", \"f4\"]", "a key, or several; what the operator binds wins over the program's own table, and a conflict names both places")],
    },
    Section {
        heading: "commands.NAME",
        about: "A command of one's own, by its name after `:`. `{public_id}` `{resource_type}` `{type}` `{version}` `{url}` `{invalidation}` `{operation}` `{profile}` `{cloud}` are filled in, `{public_ids}` is a word for each that is marked; the same is told as JSON on standard input.",
        keys: &[
            key("command", Takes::Texts, "must be there", "[\"ticket\", \"--title\", \"stale: {public_id}\"]", "program and arguments, never a shell"),
            key("keys", Takes::Texts, "none", "[\"X\"]", "keys of the console"),
            key("on", Takes::OneOf(&["assets", "pending", "watch", "jobs", "activity"]), "every screen", "\"assets\"", "the screen on which the keys work"),
            key("help", Takes::Text, "", "\"open a ticket about this asset\"", "what `?` says of it"),
            key("changes", Takes::Bool, "true", "false", "whether it changes anything: it then asks first, and not at all while the profile is locked or read-only"),
            key("timeout", Takes::Duration, "30s", "\"30s\"", "it is ended after this"),
        ],
    },
    Section {
        heading: "notify",
        about: "Bells, notifications, programs and addresses.",
        keys: &[
            key("on", Takes::SomeOf(NOTICES), "everything", "[\"all_clear\", \"stuck\"]", "what is worth a notice"),
            key("bell", Takes::Bool, "true", "false", "ring the terminal's bell"),
            key("terminal", Takes::OneOf(&["auto", "none", "osc9", "osc777", "osc99"]), "auto", "\"osc9\"", "how the terminal is asked to notify"),
            key("after", Takes::Duration, "10s", "\"10s\"", "shorter waits are quiet while the window has the focus"),
            key("webhook", Takes::Text, "", "\"https://hooks.example.com/allclear\"", "gets JSON by POST, carries no credentials and follows no redirect"),
        ],
    },
    Section {
        heading: "[notify.hooks]",
        about: "A program that reads the same JSON on its standard input; any number of them.",
        keys: &[
            key("on", Takes::SomeOf(NOTICES), "everything", "[\"all_clear\", \"job_failed\"]", "what it is run for"),
            key("command", Takes::Texts, "must be there", "[\"page-me\", \"--quiet\"]", "program and arguments, never a shell"),
            key("timeout", Takes::Duration, "10s", "\"10s\"", "it is ended after this"),
        ],
    },
    Section {
        heading: "profiles.NAME",
        about: "A cloud and how it is treated. Credentials come one way or another: a URL, the names of environment variables, parts, a command.",
        keys: &[
            key("cloudinary_url", Takes::Text, "", "\"cloudinary://KEY:SECRET@CLOUD\"", "the credentials in one; a secret, better kept elsewhere"),
            key("cloudinary_url_env", Takes::Text, "", "\"STAGING_CLOUDINARY_URL\"", "name of the environment variable that holds the URL"),
            key("cloud_name", Takes::Text, "", "\"acme\"", "name of the cloud"),
            key("api_key", Takes::Text, "", "\"123456789012345\"", "the API key"),
            key("api_key_env", Takes::Text, "", "\"ACME_KEY\"", "name of the environment variable that holds it"),
            key("api_secret", Takes::Text, "", "\"…\"", "the API secret; better by `secret_command`"),
            key("api_secret_env", Takes::Text, "", "\"ACME_SECRET\"", "name of the environment variable that holds it"),
            key("secret_command", Takes::Texts, "", "[\"pass\", \"show\", \"cloudinary/acme\"]", "program and arguments, run without a shell, that print the secret or a `cloudinary://` URL"),
            key("api", Takes::Text, "https://api.cloudinary.com", "\"https://api-eu.cloudinary.com\"", "another API host; `upload_prefix` of the SDKs"),
            key("signature_algorithm", Takes::OneOf(&["sha1", "sha256"]), "sha1", "\"sha256\"", "as the account is set up"),
            key("risk", Takes::OneOf(&["local", "test", "production"]), "local on loopback, else production", "\"test\"", "production shows in red with a word and begins locked"),
            key("read_only", Takes::Bool, "false", "true", "no order leaves, by whatever way it was asked for"),
            key("invalidation", Takes::OneOf(&["surrogate", "legacy", "legacy-unversioned", "legacy-versioned", "unknown"]), "unknown", "\"surrogate\"", "how the account invalidates"),
            key("bulk_invalidation", Takes::Bool, "false", "true", "whether support has switched bulk invalidation on; else a call an asset is made"),
            key("hosts", Takes::Texts, "", "[\"media.example.com\"]", "own delivery hosts: private host and CNAMEs"),
            key("confidence", Takes::OneOf(&["quick", "normal", "strict"]), "quick on loopback, else normal", "\"normal\"", "how much proof is wanted"),
            key("hold_back", Takes::Duration, "5s", "\"5s\"", "no edge is asked before this has passed since a call"),
            key("stuck_after", Takes::Duration, "10m", "\"10m\"", "a place without progress for so long is called stuck"),
            key("give_up_after", Takes::Duration, "1h", "\"1h\"", "a watch ends after this, clear or not"),
            key("confirm_above", Takes::Number, "10", "10", "above so many assets the count must be typed"),
            key("max_items", Takes::Number, "10000 on production, else none", "10000", "assets that one order may be about at most"),
            key("start_delay", Takes::Duration, "5s", "\"5s\"", "between the confirmation of a larger delete and its first call"),
            key("stop_after", Takes::Duration, "15m", "\"15m\"", "a job that nothing gets through for is stopped after this, to be resumed"),
            key("concurrency", Takes::Number, "30", "30", "Upload API calls in flight at once"),
            key("verify_full_max", Takes::Number, "500", "500", "cells a place above which a sample is offered"),
            key("probe_budget", Takes::Number, "ten times what a watch without trouble needs", "5000", "requests to caches that one watch makes at most"),
            key("purge_again", Takes::OneOf(&["offer", "auto"]), "offer", "\"offer\"", "who sends an invalidation again that some cache did not follow, at most twice"),
        ],
    },
    Section {
        heading: "profiles.NAME.edges",
        about: "Edges to look at beside those that the resolver names.",
        keys: &[key("PLACE", Takes::TextByName, "", "\"192.0.2.7\"", "address of the edge, with a port where it is another one")],
    },
    Section {
        heading: "profiles.NAME.places",
        about: "Where to look from, any mix. Without this table: this host and its resolver.",
        keys: &[
            key("here", Takes::Bool, "true", "false", "this host and its resolver"),
            key("vendors", Takes::Bool, "false", "true", "the hosts of the shared domain that are pinned to one CDN vendor each; for troubleshooting"),
            key("resolvers", Takes::Texts, "", "[\"9.9.9.11\"]", "resolvers to ask besides this host's, each on behalf of the networks under `subnets`"),
            key("ssh", Takes::Texts, "", "[\"ops@bastion-tokyo.example.com\"]", "hosts with this program on them, reached without a password"),
            key("globalping", Takes::Texts, "", "[\"frankfurt+datacenter-network\", \"JP\"]", "a public network of probes that is not ours: it sees the URLs; up to four words joined by `+` for each location"),
            key("globalping_token_env", Takes::Text, "", "\"GLOBALPING_TOKEN\"", "name of the environment variable with its token"),
            key("globalping_api", Takes::Text, "the public one", "\"https://probes.example.com\"", "address of that network's API, where it is one of our own"),
            key("fastly_token_env", Takes::Text, "", "\"FASTLY_TOKEN\"", "name of the environment variable with a token that lets Fastly's own PoPs be asked"),
            key("fastly_hosts", Takes::Texts, "", "[\"media.example.com\"]", "hosts that Fastly delivers for you"),
            key("fastly_api", Takes::Text, "the public one", "\"https://fastly.example.com\"", "address of Fastly's API, where it is reached otherwise"),
        ],
    },
    Section {
        heading: "profiles.NAME.places.subnets",
        about: "Networks to ask those resolvers on behalf of (EDNS client subnet).",
        keys: &[key("PLACE", Takes::TextByName, "", "\"203.0.113.0/24\"", "a network")],
    },
];

/// The document, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# The configuration, key by key\n\n\
         Made by `docs/shoot` from the program's own table; `docs/config.schema.json` is the same for editors \
         (`#:schema config.schema.json` in the first line of the file). `allclear config init` writes a commented file, \
         `path` says where it is, `check` what is wrong with file, line, column and key, `show --origin` what holds and \
         who said so. Order of precedence: defaults < this file < environment < flags.\n\n\
         No key has been renamed yet. One that is renamed is taken under its old name for two minor releases, with a \
         warning, and the file itself is never rewritten.\n",
    );
    for section in SECTIONS {
        let heading = match section.heading {
            "" => "At the top".to_owned(),
            heading => format!("`[{heading}]`"),
        };
        let _ = writeln!(out, "\n## {heading}\n\n{}\n", section.about);
        out.push_str("| key | takes | without it | what |\n|---|---|---|---|\n");
        for key in section.keys {
            let takes = match key.takes {
                Takes::Text => "text".to_owned(),
                Takes::Number => "whole number".to_owned(),
                Takes::Bool => "`true` or `false`".to_owned(),
                Takes::Duration => "duration".to_owned(),
                Takes::OneOf(words) => words.map_words(" or "),
                Takes::Texts => "list of texts".to_owned(),
                Takes::SomeOf(words) => format!("list of {}", words.map_words(", ")),
                Takes::TextByName => "text, under any name".to_owned(),
                Takes::KeysByName => "text or list of texts, under any name".to_owned(),
            };
            let without = if key.default.is_empty() { "-" } else { key.default };
            let (name, example, about) = (key.name, key.example, key.about);
            let _ =
                writeln!(out, "| `{name}` | {takes}, such as `{example}` | {without} | {about} |");
        }
    }
    out
}

trait Words {
    fn map_words(&self, between: &str) -> String;
}

impl Words for [&str] {
    fn map_words(&self, between: &str) -> String {
        self.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(between)
    }
}

/// The JSON schema of the file, for editors that know TOML.
#[must_use]
pub fn schema() -> Value {
    let mut root = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "allclear configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": {},
    });
    for section in SECTIONS {
        let list = section.heading.starts_with('[');
        let heading = section.heading.trim_matches(['[', ']']);
        let mut here = &mut root;
        let steps: Vec<&str> = heading.split('.').filter(|step| !step.is_empty()).collect();
        for (at, step) in steps.iter().enumerate() {
            let is_list = list && at + 1 == steps.len();
            let slot = if *step == "NAME" {
                &mut here["additionalProperties"]
            } else {
                &mut here["properties"][*step]
            };
            if !slot.is_object() {
                let table =
                    json!({ "type": "object", "additionalProperties": false, "properties": {} });
                *slot = if is_list { json!({ "type": "array", "items": table }) } else { table };
            }
            here = if is_list { &mut slot["items"] } else { slot };
        }
        if !section.heading.is_empty() {
            here["description"] = Value::from(section.about);
        }
        for key in section.keys {
            let takes = of(key.takes);
            match key.takes {
                Takes::TextByName | Takes::KeysByName => here["additionalProperties"] = takes,
                _ => here["properties"][key.name] = described(&takes, key),
            }
            if key.default == "must be there" {
                let mut required: Vec<Value> =
                    here["required"].as_array().cloned().unwrap_or_default();
                required.push(key.name.into());
                here["required"] = required.into();
            }
        }
    }
    root
}

fn described(takes: &Value, key: &Key) -> Value {
    let mut described: Map<String, Value> = takes.as_object().cloned().unwrap_or_default();
    let without = match key.default {
        "" | "must be there" => String::new(),
        default => format!(" Without it: {default}."),
    };
    described.insert("description".to_owned(), format!("{}.{without}", key.about).into());
    described.into()
}

fn of(takes: Takes) -> Value {
    match takes {
        Takes::Text | Takes::TextByName => json!({ "type": "string" }),
        Takes::Number => json!({ "type": "integer", "minimum": 0 }),
        Takes::Bool => json!({ "type": "boolean" }),
        Takes::Duration => json!({ "type": "string", "pattern": "^[0-9]" }),
        Takes::OneOf(words) => json!({ "enum": words }),
        Takes::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Takes::SomeOf(words) => json!({ "type": "array", "items": { "enum": words } }),
        Takes::KeysByName => {
            // a table where the dots of a name are written as tables
            json!({ "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
                { "type": "object" },
            ] })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::file::parse;
    use super::*;

    /// A file with `lines` under a section's heading.
    fn under(section: &Section, lines: &str) -> String {
        let heading = match section.heading {
            "" => String::new(),
            heading => format!("[{}]\n", heading.replace("NAME", "x")),
        };
        let needed = match section.heading {
            "commands.NAME" | "[notify.hooks]" if !lines.contains("command =") => {
                "command = [\"x\"]\n"
            }
            _ => "",
        };
        format!("{heading}{needed}{lines}\n")
    }

    #[test]
    fn the_table_has_the_keys_of_the_file_and_no_other() {
        for section in SECTIONS {
            let by_name = |key: &Key| matches!(key.takes, Takes::TextByName | Takes::KeysByName);
            if section.keys.iter().any(by_name) {
                continue; // any name is taken there
            }
            let fault = parse(Path::new("/c.toml"), &under(section, "zzz = 1")).unwrap_err();
            let said = fault.to_string();
            let known = said.split("known are ").nth(1).unwrap_or_else(|| panic!("{said}"));
            let known: BTreeSet<&str> = known.split(", ").collect();
            let mut ours: BTreeSet<&str> = section.keys.iter().map(|key| key.name).collect();
            // tables have sections of their own
            let below = |step: &&str| {
                SECTIONS.iter().any(|other| {
                    let path = other.heading.trim_matches(['[', ']']);
                    let own = section.heading.trim_matches(['[', ']']);
                    let rest = if own.is_empty() {
                        Some(path)
                    } else {
                        path.strip_prefix(own).and_then(|rest| rest.strip_prefix('.'))
                    };
                    rest.is_some_and(|rest| rest.split('.').next() == Some(step))
                })
            };
            ours.extend(known.iter().copied().filter(below));
            assert_eq!(ours, known, "[{}]", section.heading);
        }
    }

    #[test]
    fn every_example_is_taken_and_every_word_is_one() {
        for section in SECTIONS {
            for key in section.keys {
                let name = key.name;
                let words = match key.takes {
                    Takes::OneOf(words) => words.iter().map(|word| format!("\"{word}\"")).collect(),
                    Takes::SomeOf(words) => vec![format!("{words:?}")],
                    _ => Vec::new(),
                };
                for value in words.into_iter().chain([key.example.to_owned()]) {
                    let text = under(section, &format!("{name} = {value}"));
                    let loaded = parse(Path::new("/c.toml"), &text);
                    assert!(loaded.is_ok(), "{text}\n{loaded:?}");
                }
                if let Takes::OneOf(_) = key.takes {
                    let text = under(section, &format!("{name} = \"zzz\""));
                    let fault = parse(Path::new("/c.toml"), &text).unwrap_err().to_string();
                    let known = fault.split("is not one of ").nth(1).unwrap_or(&fault);
                    let Takes::OneOf(words) = key.takes else { continue };
                    assert_eq!(known.split(", ").collect::<Vec<_>>(), words, "{fault}");
                }
            }
        }
    }

    /// What was released is read for ever: a file of every release lies here, and each one loads.
    #[test]
    fn the_files_of_every_release_load() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/testdata");
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let loaded = parse(&path, &std::fs::read_to_string(&path).unwrap());
            let loaded = loaded.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            assert_eq!(loaded.faults, [], "{}", path.display());
            read += 1;
        }
        assert!(read > 0);
    }
}
