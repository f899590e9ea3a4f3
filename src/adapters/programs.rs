//! Programs run without a shell, away from the terminal, with a time limit and a bound on what they may say.

use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::io_in_words;
use crate::domain::text::clean;
use crate::ports::programs::Programs;

/// Bytes of each stream that are looked at; the rest is read and dropped, so that no program hangs on it.
const HEARD: u64 = 16 * 1024;
/// Variables of ours begin so.
const OURS: [&str; 2] = ["CLOUDINARY", "ALLCLEAR"];

/// Programs of this host.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostPrograms;

#[async_trait]
impl Programs for HostPrograms {
    async fn run(
        &self,
        command: &[String],
        input: &str,
        limit: Duration,
    ) -> Result<String, String> {
        let (program, arguments) = command.split_first().ok_or("names no program")?;
        let mut command = Command::new(program);
        // what it needs to know is in its arguments and on its standard input: our credentials are none of its business
        for (name, _) in std::env::vars_os() {
            if OURS.iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0) // keys like Ctrl-C, and the terminal itself, are the console's
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| format!("cannot be run: {}", io_in_words(&why)))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let work = async {
            let write = async {
                if let Some(mut stdin) = stdin {
                    // a program that does not read is none of ours to complain about
                    let _ = stdin.write_all(input.as_bytes()).await;
                    let _ = stdin.write_all(b"\n").await;
                }
            };
            let ((), said, complained) = tokio::join!(write, heard(stdout), heard(stderr));
            (child.wait().await, said, complained)
        };
        match tokio::time::timeout(limit, work).await {
            Ok((Ok(status), said, _)) if status.success() => Ok(said),
            Ok((Ok(status), said, complained)) => {
                let why = if complained.is_empty() { said } else { complained };
                let why = if why.is_empty() { why } else { format!(": {why}") };
                Err(format!("ended with {status}{why}"))
            }
            Ok((Err(why), ..)) => Err(io_in_words(&why)),
            Err(_) => Err(format!("did not end within {} s", limit.as_secs())),
        }
    }
}

/// The first line that is not empty; the stream is read to its end.
async fn heard(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    let _ = (&mut stream).take(HEARD).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    clean(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(words: &[&str], input: &str, limit: Duration) -> Result<String, String> {
        let command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        HostPrograms.run(&command, input, limit).await
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn the_first_line_is_heard_and_nothing_is_expanded() {
        assert_eq!(run(&["cat"], "\n  one\u{1b}[2J\ntwo", LONG).await.unwrap(), "one\u{fffd}[2J");
        assert_eq!(run(&["echo", "$HOME `id`"], "", LONG).await.unwrap(), "$HOME `id`");
        assert_eq!(run(&["true"], "", LONG).await.unwrap(), "");
        let much = "seq 1 200000";
        assert_eq!(
            run(&["sh", "-c", much], "", LONG).await.unwrap(),
            "1",
            "a full pipe hangs nobody"
        );
    }

    #[tokio::test]
    async fn failures_are_told_in_half_a_sentence() {
        let why =
            run(&["sh", "-c", "echo no such ticket >&2; exit 3"], "", LONG).await.unwrap_err();
        assert!(why.starts_with("ended with") && why.ends_with(": no such ticket"), "{why}");
        assert!(run(&["/no/such/program"], "", LONG).await.unwrap_err().contains("cannot be run"));
        let slow = run(&["sleep", "60"], "", Duration::from_millis(50)).await;
        assert!(slow.unwrap_err().contains("did not end"));
        assert!(run(&[], "", LONG).await.is_err());
    }
}
