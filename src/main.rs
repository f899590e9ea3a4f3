//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    allclear::runtime::terminal::mask_panics();
    let arguments: Vec<_> = std::env::args_os().collect();
    ExitCode::from(allclear::cli::run(&arguments).code())
}
