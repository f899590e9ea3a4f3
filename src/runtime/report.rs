//! The story of an invalidation as a file in the current folder.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::app::msg::Failure;
use crate::domain::id::InvalidationId;
use crate::ops::{Engine, postmortem};
use crate::ui::text::shown;

/// Reports of one invalidation that lie beside each other at most.
const MOST: u32 = 100;

/// Writes it in Markdown and answers its name; never over something that is there.
///
/// # Errors
/// The journal's; a folder that cannot be written.
pub async fn write(engine: &Engine, id: InvalidationId) -> Result<String, Failure> {
    let context = engine.context();
    let found = postmortem::read(&*context.journal, id).await.map_err(|why| {
        Failure::new(
            shown(&format!("the journal: {why}")).into_owned(),
            "`allclear report` reads it as well",
        )
    })?;
    let text = postmortem::markdown(&found.document(context.clock.wall()));
    let name = format!("allclear-report-{id}");
    let written = tokio::task::spawn_blocking(move || {
        write_new(Path::new("."), (&name, "md"), |_| text.clone())
    });
    written.await.map_err(io::Error::other).and_then(|written| written).map_err(|why| {
        let what = format!("the report cannot be written here: {why}");
        Failure::new(
            shown(&what).into_owned(),
            "`allclear report ID --output FILE` writes it elsewhere",
        )
    })
}

/// Writes the names of a plan, with the name of the file where `{}` is, and answers that name.
///
/// # Errors
/// A folder that cannot be written.
pub async fn save_plan(text: String) -> Result<String, Failure> {
    let named = move |name: &str| text.replacen("{}", name, 1);
    let write = move || write_new(Path::new("."), ("allclear-plan", "txt"), named);
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(io::Error::other).and_then(|written| written).map_err(|why| {
        let what = format!("the plan cannot be written here: {why}");
        Failure::new(shown(&what).into_owned(), "start the console in a folder of yours")
    })
}

/// A report may name what nobody else should read: for its owner alone.
fn write_new(
    folder: &Path,
    (name, ending): (&str, &str),
    text: impl Fn(&str) -> String,
) -> io::Result<String> {
    let names = (1..=MOST).map(|n| match n {
        1 => format!("{name}.{ending}"),
        n => format!("{name}-{n}.{ending}"),
    });
    for name in names {
        let mut open = OpenOptions::new();
        match open.write(true).create_new(true).mode(0o600).open(folder.join(&name)) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            opened => {
                let mut file = opened?;
                file.write_all(text(&name).as_bytes())?;
                file.sync_all()?;
                return Ok(name);
            }
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{MOST} reports of it are here")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_never_written_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let write =
            |text: &str| write_new(folder.path(), ("it", "md"), |_| text.to_owned()).unwrap();
        assert_eq!(write("one"), "it.md");
        assert_eq!(write("two"), "it-2.md");
        let path = folder.path().join("it.md");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
