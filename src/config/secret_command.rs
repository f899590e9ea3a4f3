//! Asks a password manager for a secret: a program with arguments, never a shell.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use secrecy::SecretString;

use crate::adapters::io_in_words;

/// Longest wait; a password manager may ask its own question meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes of output at most.
const MAX_OUTPUT: u64 = 16 << 10;

/// What `command` prints, without the line break at its end. Its standard error is ours; it reads nothing.
/// Blocks.
///
/// # Errors
/// In words, without what was printed.
pub(super) fn run(command: &[String]) -> Result<SecretString, String> {
    run_within(command, PATIENCE)
}

fn run_within(command: &[String], patience: Duration) -> Result<SecretString, String> {
    let (program, arguments) = command.split_first().ok_or("it names no program")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| format!("{program} cannot be run: {}", io_in_words(&why)))?;
    let output = read_within(&mut child, patience);
    if output.is_err() {
        child.kill().ok(); // it may have ended meanwhile
    }
    let status = child.wait().map_err(|why| io_in_words(&why))?;
    let output = output?;
    if !status.success() {
        return Err(format!("{program} ended with {status}"));
    }
    let text = String::from_utf8(output).map_err(|_| format!("{program} printed no text"))?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err(format!("{program} printed nothing")),
        secret if secret.contains('\n') => Err(format!("{program} printed more than one line")),
        secret => Ok(SecretString::from(secret)),
    }
}

/// Everything that `child` prints until it ends.
fn read_within(child: &mut Child, patience: Duration) -> Result<Vec<u8>, String> {
    let deadline = Instant::now() + patience;
    let pipe = child.stdout.take().ok_or("its output cannot be read")?;
    let (told, output) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut read = Vec::new();
        let result = pipe.take(MAX_OUTPUT).read_to_end(&mut read).map(|_| read);
        told.send(result).ok(); // nobody waits any more: it took too long
    });
    let late = || format!("it did not end within {} s", patience.as_secs());
    let read = output.recv_timeout(patience).map_err(|_| late())?;
    while child.try_wait().map_err(|why| io_in_words(&why))?.is_none() {
        if Instant::now() >= deadline {
            return Err(late());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    read.map_err(|why| io_in_words(&why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use secrecy::ExposeSecret as _;

    fn run_words(words: &[&str], patience: Duration) -> Result<String, String> {
        let command: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        run_within(&command, patience).map(|secret| secret.expose_secret().to_owned())
    }

    #[rstest]
    #[case(&["printf", "s3cr3t\\n"], Ok("s3cr3t"))]
    #[case(&["echo", "a  b; $HOME `x`"], Ok("a  b; $HOME `x`"))]
    #[case(&["true"], Err("true printed nothing"))]
    #[case(&["printf", "a\\nb"], Err("printf printed more than one line"))]
    #[case(&["false"], Err("false ended with exit status: 1"))]
    #[case(&["/nowhere/pass"], Err("/nowhere/pass cannot be run: no such file or folder"))]
    #[case(&[], Err("it names no program"))]
    fn a_command_prints_the_secret_or_fails_in_words(
        #[case] words: &[&str],
        #[case] expected: Result<&str, &str>,
    ) {
        let printed = run_words(words, PATIENCE);
        assert_eq!(printed.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let hung = run_words(&["sleep", "600"], Duration::from_millis(50));
        assert_eq!(hung, Err("it did not end within 0 s".to_owned()));
    }
}
