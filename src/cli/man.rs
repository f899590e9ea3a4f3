//! `allclear man`: the manual from the same tables as the help, and with `--dir` all of it, the completions and the
//! notices of licences.

use std::io;
use std::path::{Path, PathBuf};

use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};
use serde_json::json;

use super::args::{Man, Shell};
use super::completions;
use super::exit::Exit;
use super::failure::Failure;
use super::help::{self, ENVIRONMENT, EXIT_CODES};
use super::output::Output;
use crate::config::{names, nearest, reference};
use crate::domain::text::clean;
use crate::report::kinds_markdown;

/// Writes one page, or all pages and completions.
///
/// # Errors
/// An unknown command, a folder that cannot be written.
pub fn run(output: &Output, args: &Man) -> Result<Exit, Failure> {
    if let Some(folder) = &args.dir {
        return into(output, folder);
    }
    let pages = pages();
    let name = args.command.iter().fold(PROGRAM.to_owned(), |name, word| format!("{name}-{word}"));
    let Some((_, page)) = pages.iter().find(|(known, _)| *known == name) else {
        let known = pages.iter().skip(1).map(|(name, _)| &name[PROGRAM.len() + 1..]);
        let typed = args.command.join("-");
        return Err(Failure::usage(
            format!("there is no command `{}`", clean(&args.command.join(" "))),
            names(nearest(&typed, known.clone()).as_deref(), known),
        ));
    };
    if output.style.json {
        output.json(json!({ "name": name, "section": 1, "page": page }))?;
    } else {
        output.line(page.trim_end())?;
    }
    Ok(Exit::Done)
}

const PROGRAM: &str = "allclear";

/// What has to travel with the program, and so is in it.
const NOTICES: [(&str, &str); 4] = [
    ("LICENSE-MIT", include_str!("../../LICENSE-MIT")),
    ("LICENSE-APACHE", include_str!("../../LICENSE-APACHE")),
    ("THIRD_PARTY.md", include_str!("../../THIRD_PARTY.md")),
    ("THIRD-PARTY-NOTICES.txt", include_str!("../../THIRD-PARTY-NOTICES.txt")),
];

/// Writes everything below `folder`, and names what was written.
fn into(output: &Output, folder: &Path) -> Result<Exit, Failure> {
    let mut written: Vec<PathBuf> = Vec::new();
    let mut write = |file: String, content: &str| -> Result<(), Failure> {
        let path = folder.join(file);
        let put = |path: &Path| -> io::Result<()> {
            std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
            std::fs::write(path, content)
        };
        put(&path).map_err(|cause| {
            let message = format!("cannot write {}: {}", path.display(), io_in_words(&cause));
            Failure::failed(message, "name a folder that you may write, such as ~/.local/share")
        })?;
        written.push(path);
        Ok(())
    };
    for (name, page) in pages() {
        write(format!("man/man1/{name}.1"), &page)?;
    }
    for (name, text) in NOTICES {
        write(format!("doc/{PROGRAM}/{name}"), text)?;
    }
    let schema = serde_json::to_string_pretty(&reference::schema()).unwrap_or_default();
    write(format!("doc/{PROGRAM}/errors.md"), &kinds_markdown())?;
    write(format!("doc/{PROGRAM}/config.md"), &reference::markdown())?;
    write(format!("doc/{PROGRAM}/config.schema.json"), &format!("{schema}\n"))?;
    for shell in Shell::ALL {
        write(shell.file().to_owned(), &completions::script(shell)?)?;
    }
    let written = written.iter().map(|path| path.display().to_string());
    if output.style.json {
        output.json(json!({ "files": written.collect::<Vec<_>>() }))?;
        return Ok(Exit::Done);
    }
    for path in written {
        output.line(&clean(&path))?;
    }
    Ok(Exit::Done)
}

/// Every page with its name: the program's first, then one for each command.
fn pages() -> Vec<(String, String)> {
    let mut command = help::command();
    command.build();
    let mut pages = Vec::new();
    gather(&command, "", &mut pages);
    pages
}

fn gather(command: &clap::Command, path: &str, pages: &mut Vec<(String, String)>) {
    let name = format!("{PROGRAM} {path}").trim_end().replace(' ', "-");
    pages.push((name.clone(), page(command, path, &name)));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        gather(inner, format!("{path} {}", inner.get_name()).trim_start(), pages);
    }
}

/// One page; the sections that clap knows nothing of are ours.
fn page(command: &clap::Command, path: &str, name: &str) -> String {
    let top = path.is_empty();
    let ids: Vec<_> = command.get_arguments().map(|arg| arg.get_id().clone()).collect();
    // what short help leaves out belongs here
    let shown = |command: clap::Command, id| command.mut_arg(id, |arg| arg.hide_short_help(false));
    let man = Page::new(ids.into_iter().fold(command.clone(), shown))
        .title(name.to_uppercase())
        .section("1")
        .date("")
        .source(concat!("allclear ", env!("CARGO_PKG_VERSION")))
        .manual("allclear manual");
    let mut page = Vec::new();
    let mut fill = || -> io::Result<()> {
        man.render_title(&mut page)?;
        name_section(command, name).to_writer(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        if let Some(help) = help::of(path) {
            listed("EXAMPLES", help.examples).to_writer(&mut page)?;
        }
        if command.has_subcommands() {
            man.render_subcommands_section(&mut page)?;
        }
        man.render_options_section(&mut page)?;
        if top {
            listed("EXIT STATUS", EXIT_CODES).to_writer(&mut page)?;
            listed("ENVIRONMENT", ENVIRONMENT).to_writer(&mut page)?;
        }
        Ok(())
    };
    let filled = fill(); // memory: it cannot fail
    debug_assert!(filled.is_ok(), "{filled:?}");
    ascii(&String::from_utf8_lossy(&page))
}

/// Every other character by its number, as each man program knows it whatever the locale.
fn ascii(page: &str) -> String {
    let one = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => format!("\\[u{:04X}]", u32::from(c)),
    };
    page.chars().map(one).collect()
}

/// `allclear-rm - delete assets …`, as `whatis` reads it.
fn name_section(command: &clap::Command, name: &str) -> Roff {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut roff = Roff::default();
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {}", about.lines().next().unwrap_or_default()))]);
    roff
}

/// A section of pairs: what, and below it what it means.
fn listed(title: &str, pairs: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", [title]);
    for (what, meaning) in pairs {
        roff.control("TP", []);
        roff.text([bold(*what)]);
        roff.text([roman(*meaning)]);
    }
    roff
}

fn io_in_words(cause: &io::Error) -> String {
    crate::adapters::io_in_words(cause)
}
