//! Markdown, as trackers and wikis read it.

use super::document::{Block, Document, Text};
use crate::domain::snapshot::CurvePoint;

/// The document as Markdown.
#[must_use]
pub fn markdown(document: &Document) -> String {
    let mut out = format!("# {}\n\n**{}**\n", escaped(&document.title), escaped(&document.lead));
    for section in &document.sections {
        out.extend(["\n## ", section.heading, "\n"]);
        for block in &section.blocks {
            out.push('\n');
            out += &written(block);
        }
    }
    out
}

fn written(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => inline(text) + "\n",
        Block::Facts(facts) => {
            let fact =
                |(label, text): &(&str, Text)| ["- ", label, ": ", &inline(text), "\n"].concat();
            facts.iter().map(fact).collect()
        }
        Block::Table { head, rows } => {
            let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
            let mut out = line(head.iter().map(|word| (*word).to_owned()).collect());
            out += &line(head.iter().map(|_| "---".to_owned()).collect());
            out.extend(rows.iter().map(|row| line(row.iter().map(inline).collect())));
            out
        }
        Block::Curve(points) => format!("```text\n{}```\n", bars(points)),
    }
}

/// A text that shows as it is, in a paragraph and in a table.
fn inline(text: &Text) -> String {
    if !text.code || text.text.is_empty() {
        return escaped(&text.text);
    }
    // a code span is closed by as many backticks as opened it
    let longest = text.text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.text.starts_with('`') || text.text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.text.replace('|', "\\|"))
}

fn escaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Rows and longest bar of the curve.
const ROWS: usize = 12;
const BAR: usize = 40;

/// The curve as bars, evenly over its time.
fn bars(points: &[CurvePoint]) -> String {
    let Some(last) = points.last() else { return String::new() };
    let bar = |row: usize| {
        let after = last.after.mul_f64(row as f64 / ROWS as f64);
        let point = points.iter().rev().find(|point| point.after <= after)?;
        let filled = (point.clear * BAR).checked_div(point.total).unwrap_or(0).min(BAR);
        let (seconds, bar, rest) =
            (after.as_secs_f64(), "#".repeat(filled), ".".repeat(BAR - filled));
        Some(format!("{seconds:>8.1} s  {bar}{rest}  {} of {}\n", point.clear, point.total))
    };
    (0..=ROWS).filter_map(bar).collect()
}
