//! The result file of an order: what became of every asset, and of every name that was left out.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;

use super::failure::Failure;
use crate::domain::invalidation::ItemState;
use crate::domain::job::Refused;
use crate::domain::text::clean;
use crate::ops::engine::ExecutedItem;

/// The columns of CSV, and the fields of JSON Lines.
const COLUMNS: [&str; 6] = ["public_id", "resource_type", "type", "to", "state", "reason"];

/// A result file that is open for writing before anything is sent: what cannot be written is refused then.
#[derive(Debug)]
pub struct Results {
    file: std::fs::File,
    is_csv: bool,
}

impl Results {
    /// Makes a new file, for this user alone.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let mut open = std::fs::OpenOptions::new();
        let file = open.write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
            let shown = path.to_string_lossy();
            Failure::usage(
                format!("the results cannot be written to {}: {error}", clean(&shown)),
                "name a new file in a folder that you may write to",
            )
        })?;
        let is_csv = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        Ok(Self { file, is_csv })
    }

    /// Writes a line for each.
    ///
    /// # Errors
    /// The disk's.
    pub fn write(self, items: &[ExecutedItem], refused: &[Refused]) -> Result<(), Failure> {
        let mut to = BufWriter::new(&self.file);
        let all = items.iter().map(of_item).chain(refused.iter().map(of_refused));
        let written = if self.is_csv { csv(&mut to, all) } else { json_lines(&mut to, all) };
        written.and_then(|()| to.flush()).and_then(|()| self.file.sync_all()).map_err(|error| {
            Failure::failed(
                format!("the results could not be written: {error}"),
                "the journal has them: `allclear jobs` and `allclear report`",
            )
        })
    }
}

/// Values of [`COLUMNS`].
type Line = [String; 6];

fn of_item(item: &ExecutedItem) -> Line {
    let text = |text: &str| clean(text).into_owned();
    [
        text(item.key.public_id.as_str()),
        item.key.resource_type.as_str().to_owned(),
        item.key.delivery_type.as_str().to_owned(),
        item.to.as_ref().map(|to| text(&to.to_string())).unwrap_or_default(),
        item.state.as_str().to_owned(),
        item.message.as_deref().map(text).unwrap_or_default(),
    ]
}

/// A name that was left out has no types of its own.
fn of_refused(refused: &Refused) -> Line {
    let state = match refused.state {
        ItemState::NotFound => ItemState::NotFound.as_str(),
        _ => "refused",
    };
    [
        clean(&refused.typed).into_owned(),
        String::new(),
        String::new(),
        String::new(),
        state.to_owned(),
        clean(&refused.reason).into_owned(),
    ]
}

fn json_lines(to: &mut impl Write, lines: impl Iterator<Item = Line>) -> io::Result<()> {
    for line in lines {
        let [public_id, resource_type, delivery_type, target, state, reason] = line;
        let some = |text: String| (!text.is_empty()).then_some(text);
        let value = json!({
            "schema": "allclear.result/1",
            "public_id": public_id,
            "resource_type": some(resource_type),
            "type": some(delivery_type),
            "to": some(target),
            "state": state,
            "reason": some(reason),
        });
        writeln!(to, "{value}")?;
    }
    Ok(())
}

fn csv(to: &mut impl Write, lines: impl Iterator<Item = Line>) -> io::Result<()> {
    writeln!(to, "{}\r", COLUMNS.join(","))?;
    for line in lines {
        let cells = line.iter().map(|cell| cell_of(cell)).collect::<Vec<_>>();
        writeln!(to, "{}\r", cells.join(","))?;
    }
    Ok(())
}

/// Quoted where it must be (RFC 4180); what a spreadsheet would take for a formula begins with an apostrophe.
fn cell_of(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r', ' ']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::asset::AssetKey;

    fn written(name: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let item = ExecutedItem {
            key: AssetKey::image("a,\u{202e}b".parse().unwrap()),
            to: None,
            state: ItemState::Failed,
            message: Some("he said \"no\"\u{1b}[2J".to_owned()),
        };
        let refused = Refused {
            typed: "=1+1?".to_owned(),
            state: ItemState::Failed,
            reason: "no public ID".to_owned(),
            readings: Vec::new(),
        };
        let results = Results::create(&path).unwrap();
        assert!(Results::create(&path).is_err(), "never over something that is there");
        results.write(&[item], &[refused]).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_csv_is_quoted_clean_and_no_formula() {
        let expected = "public_id,resource_type,type,to,state,reason\r\n\
            \"a,\u{fffd}b\",image,upload,,failed,\"he said \"\"no\"\"\u{fffd}[2J\"\r\n\
            '=1+1?,,,,refused,\"no public ID\"\r\n";
        assert_eq!(written("results.CSV"), expected);
    }

    #[test]
    fn json_lines_have_a_schema_and_clean_text() {
        let text = written("results.jsonl");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["public_id"], "a,\u{fffd}b");
        assert_eq!((&lines[1]["state"], &lines[1]["type"]), (&json!("refused"), &json!(null)));
        assert_eq!(lines[0]["schema"], "allclear.result/1");
    }
}
