//! From arguments to an exit code: parses, opens what the command needs, carries it out, says what went wrong.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use clap::Parser;
use clap::error::ErrorKind;

use super::args::{Args, Command, Globals};
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Style};
use super::resolve;

/// Carries out the command line; `arguments` begin with the name of the program.
#[must_use]
pub fn run(arguments: &[OsString]) -> Exit {
    match Args::try_parse_from(arguments) {
        Ok(args) => command(args, arguments),
        Err(error) => not_understood(&error, arguments),
    }
}

fn style(globals: &Globals) -> Style {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced = set("FORCE_COLOR") || std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0");
    let wanted = forced || std::io::stdout().is_terminal();
    Style {
        json: globals.json,
        quiet: globals.quiet,
        color: wanted && !globals.no_color && !set("NO_COLOR"),
        ascii: globals.ascii,
    }
}

/// Help and version are data; everything else is a mistake in usage.
fn not_understood(error: &clap::Error, arguments: &[OsString]) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return Exit::Done;
    }
    if arguments.iter().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let tip = lines.find_map(|line| line.strip_prefix("tip: ")).map(ToOwned::to_owned);
        let hint = tip.unwrap_or_else(|| "`allclear --help` shows what there is".to_owned());
        Failure::Usage { message, hint }.say_as_json();
    } else {
        let _ = error.print();
        let _ = std::io::stderr().flush();
    }
    Exit::Usage
}
