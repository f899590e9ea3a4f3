//! One HTML file that needs nothing beside it: no script, no font, no request.

use super::document::{Block, Document, Text};
use crate::domain::snapshot::CurvePoint;

/// The document as one self-contained HTML file.
#[must_use]
pub fn html(document: &Document) -> String {
    let title = escaped(&document.title);
    let kind = match document.good {
        Some(true) => "good",
        Some(false) => "bad",
        None => "open",
    };
    let sections = joined(&document.sections, |section| {
        let blocks = joined(&section.blocks, written);
        ["<section>\n<h2>", section.heading, "</h2>\n", &blocks, "</section>\n"].concat()
    });
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p class=\"lead {kind}\">{}</p>\n{}</body>\n</html>\n",
        escaped(&document.lead),
        sections
    )
}

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.lead { border-left: .4rem solid; padding: .6rem 1rem; font-weight: 600; }
.good { border-color: #1a7f37; } .bad { border-color: #b3261e; } .open { border-color: #8a6d00; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8886; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
";

fn written(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => format!("<p>{}</p>\n", inline(text)),
        Block::Facts(facts) => {
            let fact = |(label, text): &(&str, Text)| {
                ["<dt>", label, "</dt><dd>", &inline(text), "</dd>\n"].concat()
            };
            format!("<dl>\n{}</dl>\n", joined(facts, fact))
        }
        Block::Table { head, rows } => {
            let head = joined(head, |word| ["<th>", word, "</th>"].concat());
            let cell = |text: &Text| ["<td>", &inline(text), "</td>"].concat();
            let rows = joined(rows, |row| ["<tr>", &joined(row, cell), "</tr>\n"].concat());
            format!("<div class=\"wide\"><table>\n<tr>{head}</tr>\n{rows}</table></div>\n")
        }
        Block::Curve(points) => curve(points),
    }
}

fn joined<T>(parts: &[T], written: impl Fn(&T) -> String) -> String {
    parts.iter().map(written).collect()
}

fn inline(text: &Text) -> String {
    let escaped = escaped(&text.text);
    if text.code { format!("<code>{escaped}</code>") } else { escaped }
}

fn escaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            _ => out.push(c),
        }
    }
    out
}

/// Size of the picture and of the space around the curve, in pixels.
const SIZE: (f64, f64) = (720.0, 240.0);
const EDGE: (f64, f64) = (50.0, 30.0);

/// Cells clear over time as a step line, with the figures in words for who cannot see it.
fn curve(points: &[CurvePoint]) -> String {
    let Some(last) = points.last() else { return String::new() };
    let end = last.after.as_secs_f64().max(0.001);
    let x = |seconds: f64| EDGE.0 + seconds / end * (SIZE.0 - 2.0 * EDGE.0);
    let y = |share: f64| SIZE.1 - EDGE.1 - share * (SIZE.1 - 2.0 * EDGE.1);
    let mut line = format!("M{:.1} {:.1}", x(0.0), y(0.0));
    for point in points {
        let share = if point.total == 0 { 0.0 } else { point.clear as f64 / point.total as f64 };
        let (x, y) = (x(point.after.as_secs_f64()), y(share));
        line.extend([" H", &format!("{x:.1}"), " V", &format!("{y:.1}")]);
    }
    let (left, right, low, high) = (x(0.0), x(end), y(0.0), y(1.0));
    format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{} of {} cells clear after {end:.1} s\">\n\
         <path d=\"M{left:.1} {high:.1} V{low:.1} H{right:.1}\" fill=\"none\" stroke=\"currentColor\" opacity=\".4\"/>\n\
         <path d=\"{line}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">100 %</text>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">0 %</text>\n\
         <text x=\"{left:.1}\" y=\"{:.1}\">0 s</text>\n\
         <text x=\"{right:.1}\" y=\"{:.1}\" text-anchor=\"end\">{end:.1} s</text>\n</svg>\n",
        SIZE.0,
        SIZE.1,
        last.clear,
        last.total,
        left - 6.0,
        high + 4.0,
        left - 6.0,
        low + 4.0,
        low + 18.0,
        low + 18.0,
    )
}
